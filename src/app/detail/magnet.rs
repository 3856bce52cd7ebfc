//! The torrent's magnet link, to be copied.

use gloo::timers::callback::Timeout;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::prelude::*;

use super::super::icons;

/// So long the button says what came of it.
const SAID_MS: u32 = 4000;

/// What is shown.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct MagnetLinkProps {
    pub(super) magnet: AttrValue,
}

/// The link and a button that copies it.
#[component]
pub(super) fn MagnetLink(props: &MagnetLinkProps) -> Html {
    let outcome = use_state_eq(|| None::<bool>);
    use_effect_with(*outcome, {
        let outcome = outcome.clone();
        move |said| {
            let timer = said.map(|_| Timeout::new(SAID_MS, move || outcome.set(None)));
            move || drop(timer)
        }
    });
    let on_copy = {
        let (outcome, magnet) = (outcome.clone(), props.magnet.clone());
        Callback::from(move |_: MouseEvent| {
            // The page has the clipboard wherever it has storage: in a secure context.
            let written = gloo::utils::window().navigator().clipboard().write_text(&magnet);
            let outcome = outcome.clone();
            spawn_local(async move { outcome.set(Some(JsFuture::from(written).await.is_ok())) });
        })
    };
    let words = match *outcome {
        None => "Copy magnet link",
        Some(true) => "Copied",
        Some(false) => "The browser refuses; select it and copy by hand",
    };
    html! {
        <div class="magnet">
            <code data-testid="magnet" tabindex="0">{ props.magnet.clone() }</code>
            <button type="button" data-testid="copy-magnet" onclick={on_copy}>
                { icons::copy() }<span role="status">{ words }</span>
            </button>
        </div>
    }
}
