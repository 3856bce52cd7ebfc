//! The state of every piece at a glance, with the same in words for those who do not see the canvas.

use std::rc::Rc;

use gloo::events::EventListener;
use gloo::utils::window;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlCanvasElement, ResizeObserver};
use yew::prelude::*;

use super::super::format;
use super::super::settings::Theme;
use super::grid::{Grid, STATES, place, tally};
use super::paint;

/// The map grows no higher, in CSS pixels.
const HEIGHT_MAX_PX: u32 = 260;

/// What the map shows.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct PieceMapProps {
    /// A byte a piece, as `engine::PieceState` numbers them.
    pub(super) pieces: Rc<[u8]>,
    /// Bytes of a piece.
    pub(super) piece_len: u32,
    /// Colours change with it.
    pub(super) theme: Theme,
}

/// The map and its legend. Mouse and arrow keys tell a cell's pieces and their state.
#[component]
pub(super) fn PieceMap(props: &PieceMapProps) -> Html {
    let canvas = use_node_ref();
    let marked = use_state_eq(|| None::<u32>);
    let width_px = use_width(&canvas);
    let system_is_dark = use_system_is_dark();
    let pieces_total = props.pieces.len() as u32;
    let grid = Grid::fit(pieces_total, width_px, HEIGHT_MAX_PX);
    use_effect_with((props.pieces.clone(), grid, *marked, props.theme, system_is_dark), {
        let canvas = canvas.clone();
        move |(pieces, grid, marked, ..)| {
            if let Some(canvas) = canvas.cast::<HtmlCanvasElement>()
                && width_px > 0
                && let Err(error) = paint::paint(&canvas, width_px, grid, pieces, *marked)
            {
                gloo::console::error!("piece map:", error);
            }
        }
    });
    let on_move = {
        let marked = marked.setter();
        Callback::from(move |event: MouseEvent| {
            marked.set(grid.cell_at(event.offset_x().into(), event.offset_y().into()));
        })
    };
    let on_leave = {
        let marked = marked.setter();
        Callback::from(move |_: MouseEvent| marked.set(None))
    };
    let on_key = {
        let marked = marked.clone();
        Callback::from(move |event: KeyboardEvent| {
            if let Some(cell) = step(&grid, *marked, &event.key()) {
                event.prevent_default();
                marked.set(Some(cell));
            }
        })
    };
    let counts = tally(&props.pieces);
    let summary = format!(
        "Piece map: {} of {} verified. Arrow keys tell single pieces.",
        format::count(counts[0].into()),
        format::plural(pieces_total.into(), "piece", "pieces")
    );
    html! {
        <section class="panel pieces" aria-labelledby="pieces-title">
            <div class="panel-head">
                <h3 id="pieces-title">{ "Pieces" }</h3>
                <output class="told" aria-live="polite">
                    { marked.map(|cell| tell(&grid, cell, &props.pieces)).unwrap_or_default() }
                </output>
            </div>
            <canvas ref={canvas} data-testid="piece-map" role="img" tabindex="0" aria-label={summary}
                onmousemove={on_move} onmouseleave={on_leave} onkeydown={on_key} />
            <ul class="legend">
                { for STATES.iter().zip(counts).map(|((_, name, words), count)| html! {
                    <li data-piece={*name} data-count={count.to_string()}>
                        <span class="swatch" aria-hidden="true"></span>
                        <b>{ format::count(count.into()) }</b>{ format!(" {words}") }
                    </li>
                }) }
            </ul>
            if grid.pieces_per_cell > 1 {
                <p class="hint">
                    { format!("A cell holds {} pieces of {}; it fills up from below.", grid.pieces_per_cell,
                        format::bytes(props.piece_len.into())) }
                </p>
            }
        </section>
    }
}

/// Width of the canvas in CSS pixels, now and whenever the layout gives it another.
#[hook]
fn use_width(canvas: &NodeRef) -> u32 {
    let width_px = use_state_eq(|| 0);
    use_effect_with((), {
        let (canvas, width_px) = (canvas.clone(), width_px.setter());
        move |()| {
            let element = canvas.cast::<HtmlCanvasElement>();
            let on_size = Closure::<dyn Fn()>::new({
                let element = element.clone();
                move || {
                    let width = element.as_ref().map(|element| element.client_width());
                    width_px.set(width.and_then(|width| u32::try_from(width).ok()).unwrap_or_default());
                }
            });
            let observer = ResizeObserver::new(on_size.as_ref().unchecked_ref()).ok();
            if let (Some(observer), Some(element)) = (&observer, &element) {
                // Calls once at the start, too.
                observer.observe(element);
            }
            move || {
                if let Some(observer) = observer {
                    observer.disconnect();
                }
                drop(on_size);
            }
        }
    });
    *width_px
}

/// Whether the system asks for dark pages, now and after every change.
#[hook]
fn use_system_is_dark() -> bool {
    let query = use_memo((), |()| window().match_media("(prefers-color-scheme: dark)").ok().flatten());
    let is_dark = use_state_eq(|| query.as_ref().as_ref().is_some_and(|query| query.matches()));
    use_effect_with((), {
        let is_dark = is_dark.setter();
        move |()| {
            let listener = query.as_ref().clone().map(|query| {
                EventListener::new(&query.clone(), "change", move |_| is_dark.set(query.matches()))
            });
            move || drop(listener)
        }
    });
    *is_dark
}

/// The cell to which a key leads.
fn step(grid: &Grid, from: Option<u32>, key: &str) -> Option<u32> {
    let last = grid.cells().checked_sub(1)?;
    let to = match (key, from) {
        ("Home", _) => 0,
        ("End", _) => last,
        ("ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown", None) => 0,
        ("ArrowLeft", Some(cell)) => cell.saturating_sub(1),
        ("ArrowRight", Some(cell)) => cell + 1,
        ("ArrowUp", Some(cell)) => cell.checked_sub(grid.columns)?,
        ("ArrowDown", Some(cell)) => cell + grid.columns,
        _ => return None,
    };
    Some(to.min(last))
}

/// Which pieces a cell holds and how they are.
fn tell(grid: &Grid, cell: u32, pieces: &[u8]) -> String {
    let range = grid.pieces_of(cell);
    let Some(inside) =
        pieces.get(range.start as usize..range.end as usize).filter(|inside| !inside.is_empty())
    else {
        return String::new();
    };
    if let [only] = inside {
        let (_, _, words) = STATES[place(*only)];
        return format!("Piece {}: {words}", format::count(range.start.into()));
    }
    let parts: Vec<String> = STATES
        .iter()
        .zip(tally(inside))
        .filter(|(_, count)| *count > 0)
        .map(|((_, _, words), count)| format!("{count} {words}"))
        .collect();
    format!(
        "Pieces {} to {}: {}",
        format::count(range.start.into()),
        format::count((range.end - 1).into()),
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_told_in_words() {
        let grid = Grid::fit(3, 100, 100);
        assert_eq!(tell(&grid, 1, &[4, 2, 0]), "Piece 1: on the way");
        assert_eq!(tell(&grid, 9, &[4, 2, 0]), "");
        let shared = Grid::fit(4, 4, 4);
        assert_eq!(tell(&shared, 0, &[4, 4, 1, 0]), "Pieces 0 to 3: 2 verified, 1 missing, 1 with no peer");
    }

    #[test]
    fn keys_stay_on_the_map() {
        let grid = Grid::fit(10, 100, 240);
        assert_eq!(step(&grid, None, "ArrowRight"), Some(0));
        assert_eq!(step(&grid, Some(9), "ArrowRight"), Some(9));
        assert_eq!(step(&grid, Some(2), "ArrowUp"), None);
        assert_eq!(step(&grid, Some(2), "ArrowDown"), Some(7));
        assert_eq!(step(&grid, Some(2), "Tab"), None);
        assert_eq!(step(&Grid::fit(0, 100, 240), None, "End"), None);
    }
}
