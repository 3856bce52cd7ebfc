//! Asks before a torrent is removed, and whether its data goes, too.

use std::rc::Rc;

use web_sys::{HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

use super::controls::use_controls;
use super::format;
use super::state::Action;
use crate::messages::TorrentRow;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct RemoveDialogProps {
    /// The torrent in question; `None`: nothing is asked.
    pub(super) row: Option<Rc<TorrentRow>>,
}

/// A modal dialog; Escape means no.
#[component]
pub(super) fn RemoveDialog(props: &RemoveDialogProps) -> Html {
    let controls = use_controls();
    let dialog = use_node_ref();
    let with_data = use_node_ref();
    use_effect_with(props.row.as_ref().map(|row| row.info_hash.clone()), {
        let (dialog, with_data) = (dialog.clone(), with_data.clone());
        move |asked| {
            let Some(dialog) = dialog.cast::<HtmlDialogElement>() else {
                return;
            };
            if asked.is_none() {
                dialog.close();
            } else if !dialog.open() {
                if let Some(choice) = with_data.cast::<HtmlInputElement>() {
                    choice.set_checked(false);
                }
                if let Err(error) = dialog.show_modal() {
                    gloo::console::error!("dialog:", error);
                }
            }
        }
    });
    // Also how the browser tells of Escape.
    let on_close = {
        let controls = controls.clone();
        Callback::from(move |_: Event| controls.dispatch(Action::Removing(None)))
    };
    let on_no = {
        let controls = controls.clone();
        Callback::from(move |_: MouseEvent| controls.dispatch(Action::Removing(None)))
    };
    let on_yes = {
        let (row, with_data) = (props.row.clone(), with_data.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(row) = &row {
                let with_data = with_data.cast::<HtmlInputElement>().is_some_and(|choice| choice.checked());
                controls.remove(row.info_hash.clone(), with_data);
            }
        })
    };
    let (name, stored) = props
        .row
        .as_ref()
        .map(|row| (row.name.clone(), format::bytes(row.verified_bytes)))
        .unwrap_or_default();
    html! {
        <dialog ref={dialog} onclose={on_close} aria-labelledby="remove-title" data-testid="remove-dialog">
            <form onsubmit={on_yes}>
                <h2 id="remove-title">{ "Remove this torrent?" }</h2>
                <p class="name">{ name }</p>
                <label class="choice">
                    <input ref={with_data} type="checkbox" data-testid="remove-data" />
                    { format!("and delete its data, {stored} in this browser") }
                </label>
                <p class="hint">{ "Data that is kept stands below the list, to be deleted there later. Add the torrent again to go on with it." }</p>
                <div class="actions">
                    <button type="button" onclick={on_no}>{ "Cancel" }</button>
                    <button type="submit" class="danger" data-testid="remove-confirm">{ "Remove" }</button>
                </div>
            </form>
        </dialog>
    }
}
