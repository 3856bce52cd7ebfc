//! The list of torrents.

use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::empty::Empty;
use super::torrent_row::TorrentCard;
use crate::messages::TorrentRow;

/// What the list shows.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct TorrentListProps {
    /// The engine has told its state: an empty list is really empty.
    pub(super) is_loaded: bool,
    pub(super) torrents: Vec<Rc<TorrentRow>>,
    /// Info hash of the one shown in detail.
    pub(super) open: Option<String>,
    pub(super) suggestion: Option<String>,
}

/// The list. Arrow keys go from name to name.
#[component]
pub(super) fn TorrentList(props: &TorrentListProps) -> Html {
    if props.torrents.is_empty() {
        return if props.is_loaded {
            html! { <Empty suggestion={props.suggestion.clone()} /> }
        } else {
            html! { <p class="waiting" role="status">{ "Starting the engine …" }</p> }
        };
    }
    html! {
        <ul class="torrents" aria-label="Torrents" onkeydown={|event: KeyboardEvent| on_key(&event)}>
            { for props.torrents.iter().map(|row| html! {
                <TorrentCard key={row.info_hash.clone()} row={row.clone()}
                    is_open={props.open.as_ref() == Some(&row.info_hash)} />
            }) }
        </ul>
    }
}

fn on_key(event: &KeyboardEvent) {
    let Some(focused) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else {
        return;
    };
    // On a button the arrows do nothing, as everywhere else.
    let Some(item) =
        focused.matches("a.name").ok().filter(|is_name| *is_name).and_then(|_| focused.closest("li").ok())
    else {
        return;
    };
    let neighbour = match event.key().as_str() {
        "ArrowDown" => item.and_then(|item| item.next_element_sibling()),
        "ArrowUp" => item.and_then(|item| item.previous_element_sibling()),
        _ => return,
    };
    event.prevent_default();
    let name = neighbour.and_then(|item| item.query_selector("a.name").ok().flatten());
    if let Some(name) = name.and_then(|name| name.dyn_into::<HtmlElement>().ok()) {
        // No focus is no harm.
        let _ = name.focus();
    }
}
