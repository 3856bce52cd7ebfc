//! The form for adding torrents: a link, or files. It is always open; files may also be dropped anywhere.

use wasm_bindgen::JsCast as _;
use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

use super::controls::{self, use_controls};
use super::route::Route;
use super::state::{Action, Adding};
use super::{format, icons};

/// What the form shows.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct AddBarProps {
    /// Text of the field.
    pub(super) link: String,
    /// Changes when the page's address brought the link: the field then takes the focus.
    pub(super) links_brought: u32,
    /// What is under way.
    pub(super) adding: Vec<Adding>,
    pub(super) free_bytes: Option<u64>,
}

/// The form.
#[component]
pub(super) fn AddBar(props: &AddBarProps) -> Html {
    let controls = use_controls();
    let chosen = use_state(Vec::<File>::new);
    let link_field = use_node_ref();
    let file_field = use_node_ref();
    use_effect_with(props.links_brought, {
        let link_field = link_field.clone();
        move |brought| {
            if *brought > 0
                && let Some(field) = link_field.cast::<HtmlInputElement>()
            {
                // No focus is no harm.
                let _ = field.focus();
            }
        }
    });

    let on_link = {
        let controls = controls.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(field) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
            {
                controls.dispatch(Action::Linked(field.value()));
            }
        })
    };
    let on_files = {
        let (chosen, file_field) = (chosen.clone(), file_field.clone());
        Callback::from(move |_: Event| {
            if let Some(list) = file_field.cast::<HtmlInputElement>().and_then(|field| field.files()) {
                chosen.set((0..list.length()).filter_map(|place| list.get(place)).collect());
            }
        })
    };
    let on_submit = {
        let (chosen, link_field, file_field) = (chosen.clone(), link_field.clone(), file_field.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            // The field itself is asked, for a script may have filled it without an input event.
            let Some(link) =
                link_field.cast::<HtmlInputElement>().map(|field| field.value().trim().to_owned())
            else {
                return;
            };
            let files = (*chosen).clone();
            if link.is_empty() && files.is_empty() {
                let text =
                    "Paste a magnet link or a link to a .torrent, or choose .torrent files first.".to_owned();
                return controls.dispatch(Action::Said { about: None, text, is_failure: false });
            }
            if !link.is_empty() {
                controls.add_link(link);
                controls.dispatch(Action::Linked(String::new()));
            }
            controls.add_files(files);
            chosen.set(Vec::new());
            if let Some(field) = file_field.cast::<HtmlInputElement>() {
                field.set_value("");
            }
            // Reloading the page must not bring the link back.
            if matches!(controls::here(), Route::Add { .. }) {
                controls::go(&Route::List);
            }
        })
    };
    let is_ready = !props.link.trim().is_empty() || !chosen.is_empty();
    html! {
        <section class="add" aria-label="Add torrents">
            <form class="add-form" onsubmit={on_submit}>
                <input ref={link_field} class="add-link" data-testid="add-link" type="text" inputmode="url"
                    aria-label="Magnet link or address of a .torrent"
                    placeholder="Magnet link or address of a .torrent"
                    autocomplete="off" autocapitalize="off" spellcheck="false"
                    value={props.link.clone()} oninput={on_link} />
                <label class="button">
                    <input ref={file_field} class="visually-hidden" data-testid="add-file" type="file" multiple=true
                        accept=".torrent,application/x-bittorrent" onchange={on_files} />
                    { icons::file() }{ "Choose files" }
                </label>
                <button type="submit" data-testid="add-confirm"
                    class={classes!("confirm", is_ready.then_some("primary"))}>{ "Add" }</button>
            </form>
            if !chosen.is_empty() {
                <ul class="chosen" aria-label="Chosen files">
                    { for chosen.iter().map(|file| html! { <li>{ icons::file() }{ file.name() }</li> }) }
                </ul>
            }
            <p class="hint" role="status">
                { for props.adding.iter().map(|adding| html! {
                    <span key={adding.request} class="adding">{ format!("Adding {} …", adding.what) }</span>
                }) }
                <span>{ "Or drop files anywhere." }</span>
                if let Some(free) = props.free_bytes {
                    // It changes all the time and is not to be read aloud each time.
                    <span aria-live="off">{ format!("{} free in this browser.", format::bytes(free)) }</span>
                }
            </p>
        </section>
    }
}
