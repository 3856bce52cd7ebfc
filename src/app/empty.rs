//! What stands in place of the list while it is empty.

use yew::prelude::*;

use super::controls::use_controls;
use super::icons;

/// What there is to offer.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct EmptyProps {
    /// A torrent's address that the relay suggests.
    pub(super) suggestion: Option<String>,
}

/// Says what this is and how to begin.
#[component]
pub(super) fn Empty(props: &EmptyProps) -> Html {
    let controls = use_controls();
    let on_suggestion = {
        let suggestion = props.suggestion.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(link) = &suggestion {
                controls.add_link(link.clone());
            }
        })
    };
    html! {
        <section class="empty" aria-labelledby="empty-title">
            <h2 id="empty-title">{ "Watch a swarm at work" }</h2>
            <p>
                { "Swarmscope is a BitTorrent client that runs in this tab. " }
                { "A small relay carries its bytes to ordinary peers over TCP; choosing pieces, verifying, storing \
                   and sharing happen here. " }
                { "Add a torrent, and see each decision with the reason for it." }
            </p>
            if props.suggestion.is_some() {
                <button type="button" class="primary" data-testid="suggestion" onclick={on_suggestion}>
                    { icons::down() }{ "Download the demo torrent" }
                </button>
            }
        </section>
    }
}
