//! Torrent files and links may be dropped anywhere on the page.

use gloo::events::{EventListener, EventListenerOptions};
use gloo::utils::window;
use wasm_bindgen::JsCast as _;
use web_sys::{DataTransfer, DragEvent, Event};
use yew::prelude::*;

use super::controls::{Controls, use_controls};
use super::route::Route;
use super::state::Action;

/// Lies over the page while something is dragged across it.
#[component]
pub(super) fn DropZone() -> Html {
    let controls = use_controls();
    let is_over = use_state_eq(|| false);
    use_effect_with((), {
        let is_over = is_over.setter();
        move |()| {
            let listeners = ["dragenter", "dragover", "dragleave", "drop"].map(|kind| {
                let (is_over, controls) = (is_over.clone(), controls.clone());
                let options = EventListenerOptions::enable_prevent_default();
                EventListener::new_with_options(&window(), kind, options, move |event| {
                    if let Some(event) = event.dyn_ref::<DragEvent>() {
                        is_over.set(on_drag(event, &controls));
                    }
                })
            });
            move || drop(listeners)
        }
    });
    html! {
        <div class={classes!("drop-zone", is_over.then_some("is-over"))} aria-hidden="true">
            <p>{ "Drop torrent files to add them" }</p>
        </div>
    }
}

/// Whether something of use hangs over the page after this event.
fn on_drag(event: &DragEvent, controls: &Controls) -> bool {
    let Some(data) = event.data_transfer().filter(is_of_use) else {
        return false;
    };
    let event_ref: &Event = event;
    match event_ref.type_().as_str() {
        "dragleave" => {
            // Between two elements of the page there is a related one; out of the window there is none.
            event.related_target().is_some()
        }
        "drop" => {
            // Otherwise the browser would leave the page and show the file.
            event.prevent_default();
            take(&data, controls);
            false
        }
        _ => {
            event.prevent_default();
            true
        }
    }
}

fn is_of_use(data: &DataTransfer) -> bool {
    let types = data.types();
    ["Files", "text/uri-list"].into_iter().any(|kind| types.includes(&kind.into(), 0))
}

fn take(data: &DataTransfer, controls: &Controls) {
    let files: Vec<_> = data
        .files()
        .map(|list| (0..list.length()).filter_map(|place| list.get(place)).collect())
        .unwrap_or_default();
    if files.is_empty() {
        let link = data.get_data("text/uri-list").unwrap_or_default();
        // RFC 2483: lines, and comments behind a number sign.
        if let Some(link) = link.lines().find(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            controls.dispatch(Action::Went(Route::Add { link: link.trim().to_owned() }));
        }
    } else {
        controls.add_files(files);
    }
}
