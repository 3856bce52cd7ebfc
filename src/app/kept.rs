//! Content that stayed when its torrent was removed: what there is, and a way to be rid of it.

use yew::prelude::*;

use super::controls::use_controls;
use super::{format, icons};
use crate::messages::KeptRow;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct KeptProps {
    pub(super) kept: Vec<KeptRow>,
}

/// The list; nothing where there is nothing.
#[component]
pub(super) fn Kept(props: &KeptProps) -> Html {
    if props.kept.is_empty() {
        return html! {};
    }
    let bytes = props.kept.iter().filter_map(|row| row.bytes).sum();
    html! {
        <section class="panel kept" aria-labelledby="kept-title">
            <div class="panel-head">
                <h2 id="kept-title">{ "Data of removed torrents" }</h2>
                <span class="told">{ format::bytes(bytes) }</span>
            </div>
            <p class="hint">{ "Add a torrent again, and it goes on with what is here." }</p>
            <ul>
                { for props.kept.iter().map(|row| html! {
                    <KeptItem key={row.info_hash.clone()} row={row.clone()} />
                }) }
            </ul>
        </section>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct KeptItemProps {
    row: KeptRow,
}

/// One content. It goes only after a second press, elsewhere than the first.
#[component]
fn KeptItem(props: &KeptItemProps) -> Html {
    let controls = use_controls();
    let row = &props.row;
    let on_delete = {
        let info_hash = row.info_hash.clone();
        Callback::from(move |_: MouseEvent| controls.delete_kept(info_hash.clone()))
    };
    let size = row.bytes.map_or_else(|| "size unknown".to_owned(), format::bytes);
    html! {
        <li data-testid="kept" data-info-hash={row.info_hash.clone()}>
            <span class="name">{ &row.name }</span>
            <span class="told">{ size }</span>
            <details>
                <summary class="button" data-testid="kept-delete" aria-label={format!("Delete the data of {}", row.name)}>
                    { icons::remove() }{ "Delete" }
                </summary>
                <p>
                    { "It cannot be brought back, only downloaded again." }
                    <button type="button" class="danger" data-testid="kept-confirm" onclick={on_delete}>
                        { "Delete for good" }
                    </button>
                </p>
            </details>
        </li>
    }
}
