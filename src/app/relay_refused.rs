//! What to do when the relay does not let us in, or the browser lacks what the engine needs.

use std::rc::Rc;

use gloo::utils::window;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::controls::use_controls;
use crate::messages::RelayState;

/// What the panel shows.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct RelayRefusedProps {
    pub(super) relay: Rc<RelayState>,
}

/// The reason, and a field for the token.
#[component]
pub(super) fn RelayRefused(props: &RelayRefusedProps) -> Html {
    let controls = use_controls();
    let field = use_node_ref();
    let on_submit = {
        let field = field.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(input) = field.cast::<HtmlInputElement>() {
                controls.use_token(input.value().trim().to_owned());
            }
        })
    };
    html! {
        <section class="panel refused" aria-labelledby="refused-title">
            <h2 id="refused-title">{ "Not connected" }</h2>
            <p role="alert">{ &props.relay.text }</p>
            // On a page without storage no token helps.
            if window().is_secure_context() {
                <form class="line" onsubmit={on_submit}>
                    <label for="token">{ "Token" }</label>
                    <input ref={field} id="token" data-testid="token" type="password" autocomplete="off"
                        placeholder="as the relay prints it when it starts" />
                    <button type="submit" class="primary" data-testid="token-confirm">{ "Connect" }</button>
                </form>
            }
        </section>
    }
}
