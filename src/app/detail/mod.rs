//! One torrent behind glass: its pieces, its peers, and why it does what it does.

mod bans;
mod decisions;
mod files;
mod grid;
mod magnet;
mod options;
mod paint;
mod peers;
mod piece_map;
mod sources;

use std::rc::Rc;

use yew::prelude::*;

use self::decisions::Decisions;
use self::files::Files;
use self::magnet::MagnetLink;
use self::options::Options;
use self::peers::Peers;
use self::piece_map::PieceMap;
use self::sources::{Trackers, WebSeeds};
use super::format;
use super::icons;
use super::settings::Theme;
use super::state::Watched;
use super::torrent_row::{state_name, state_words};
use crate::messages::{Detail, TorrentRow};

/// What the pane shows.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct DetailPaneProps {
    /// The torrent's row; `None`: there is no such torrent, or not yet.
    pub(super) row: Option<Rc<TorrentRow>>,
    /// The engine has told its list: a missing torrent is really missing.
    pub(super) is_loaded: bool,
    /// What the engine told of it.
    pub(super) watched: Option<Watched>,
    /// Colours on the canvas change with it.
    pub(super) theme: Theme,
}

/// The pane beside the list, or below it where there is no room.
#[component]
pub(super) fn DetailPane(props: &DetailPaneProps) -> Html {
    let pane = use_node_ref();
    use_effect_with((props.row.as_ref().map(|row| row.info_hash.clone()), props.watched.is_some()), {
        let pane = pane.clone();
        move |(info_hash, _)| {
            // Where the pane lies below the list, opening it must be seen to do something: at once, and again when it is
            // filled, since before that there may be too little to scroll to.
            if info_hash.is_some()
                && let Some(pane) = pane.cast::<web_sys::Element>()
                && is_narrow()
            {
                pane.scroll_into_view();
            }
        }
    });
    let body = match (&props.row, &props.watched) {
        (None, _) if props.is_loaded => {
            html! { <p class="waiting">{ "This torrent is not in the list." }</p> }
        }
        (Some(row), Some(watched)) => {
            html! { <Body row={row.clone()} watched={watched.clone()} theme={props.theme} /> }
        }
        _ => html! { <p class="waiting" role="status">{ "Waiting for the engine …" }</p> },
    };
    html! {
        <section ref={pane} class="column detail" data-testid="detail" aria-label="Torrent in detail"
            data-info-hash={props.row.as_ref().map(|row| row.info_hash.clone())}>
            <div class="detail-head">
                if let Some(row) = &props.row {
                    <h2>{ &row.name }</h2>
                    <span class="state" data-state={state_name(row.state)}>{ state_words(row) }</span>
                }
                <a class="quiet" href="#" aria-label="Close the detail view" title="Back to the list">
                    { icons::close() }
                </a>
            </div>
            { body }
        </section>
    }
}

/// The page is too narrow for two columns; the same width stands in `www/layout.css`.
fn is_narrow() -> bool {
    let query = gloo::utils::window().match_media("(max-width: 70rem)");
    query.ok().flatten().is_some_and(|query| query.matches())
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct BodyProps {
    row: Rc<TorrentRow>,
    watched: Watched,
    theme: Theme,
}

#[component]
fn Body(props: &BodyProps) -> Html {
    let Watched { detail, pieces, log_shown, names, .. } = &props.watched;
    html! {
        <>
            <About row={props.row.clone()} detail={detail.clone()} />
            // Of a magnet link nobody knows the pieces yet, and there is nothing to set.
            if !pieces.is_empty() {
                <Options key={detail.info_hash.clone()} info_hash={detail.info_hash.clone()}
                    settings={detail.settings.clone()} ratio={ratio(&props.row)} seeding_s={detail.seeding_s} />
                <PieceMap pieces={pieces.clone()} piece_len={props.row.piece_len} theme={props.theme} />
            }
            <Files info_hash={detail.info_hash.clone()} files={detail.files.clone()} total={detail.files_total} />
            <Peers detail={detail.clone()} />
            <Decisions reasons={detail.reason_counts.clone()} log={log_shown.clone()}
                names={names.clone()} />
            <Trackers trackers={detail.trackers.clone()} />
            <WebSeeds web_seeds={detail.web_seeds.clone()} />
        </>
    }
}

/// Uploaded over downloaded.
fn ratio(row: &TorrentRow) -> Option<f64> {
    (row.down_bytes > 0).then(|| row.up_bytes as f64 / row.down_bytes as f64)
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct AboutProps {
    row: Rc<TorrentRow>,
    detail: Rc<Detail>,
}

/// What there is to say about the torrent as a whole.
#[component]
fn About(props: &AboutProps) -> Html {
    let (row, detail) = (&props.row, &props.detail);
    let mut facts: Vec<(&str, String)> =
        vec![("Received", format::bytes(row.down_bytes)), ("Sent", format::bytes(row.up_bytes))];
    facts.extend(ratio(row).map(|ratio| ("Ratio", format!("{ratio:.2}"))));
    facts.push(("Thrown away", format::bytes(detail.wasted_bytes)));
    if row.pieces_total > 0 {
        let (pieces, len) = (format::count(row.pieces_total.into()), format::bytes(row.piece_len.into()));
        facts.push(("Pieces", format!("{pieces} × {len}")));
    }
    facts.extend(detail.created_by.clone().map(|program| ("Made by", program)));
    html! {
        <div class="about">
            if detail.is_endgame || detail.is_private {
                <p class="tags">
                    if detail.is_endgame {
                        <span class="tag" title="Every missing block is requested: the rest is asked of several peers">
                            { "endgame" }
                        </span>
                    }
                    if detail.is_private {
                        <span class="tag" title="Only its trackers may introduce peers (BEP 27)">{ "private" }</span>
                    }
                </p>
            }
            <dl class="about-facts">
                { for facts.into_iter().map(|(name, value)| html! { <div><dt>{ name }</dt><dd>{ value }</dd></div> }) }
                <div class="wide"><dt>{ "Info hash" }</dt><dd><code>{ &row.info_hash }</code></dd></div>
                <div class="wide">
                    <dt>{ "Magnet link" }</dt><dd><MagnetLink magnet={detail.magnet.clone()} /></dd>
                </div>
                if let Some(comment) = &detail.comment {
                    <div class="wide"><dt>{ "Comment" }</dt><dd>{ comment }</dd></div>
                }
            </dl>
        </div>
    }
}
