//! Messages that stay until they are read.

use yew::prelude::*;

use super::controls::use_controls;
use super::icons;
use super::state::{Action, Message};

/// What is to be read.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct NoticesProps {
    pub(super) messages: Vec<Message>,
}

/// All messages, oldest first. The element is there even when it is empty, so that screen readers watch it.
#[component]
pub(super) fn Notices(props: &NoticesProps) -> Html {
    let controls = use_controls();
    let item = |message: &Message| {
        let on_close = {
            let (controls, id) = (controls.clone(), message.id);
            Callback::from(move |_: MouseEvent| controls.dispatch(Action::Closed(id)))
        };
        html! {
            <li key={message.id} class={classes!("notice", message.is_failure.then_some("is-failure"))}
                data-testid="notice">
                <p>
                    if let Some(about) = &message.about {
                        <strong>{ about }</strong>{ " " }
                    }
                    { &message.text }
                </p>
                <button type="button" class="quiet" aria-label="Close this message" onclick={on_close}>
                    { icons::close() }
                </button>
            </li>
        }
    };
    html! {
        <ul class="notices" aria-live="polite">{ for props.messages.iter().map(item) }</ul>
    }
}
