//! The bar at the top: name, link to the relay, rates of all torrents, theme.

use std::rc::Rc;

use yew::prelude::*;

use super::common_limits::CommonLimits;
use super::settings::Theme;
use super::{format, icons};
use crate::messages::{GlobalLimits, RelayKind, RelayState};

/// What the bar shows.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct HeaderProps {
    pub(super) relay: Rc<RelayState>,
    /// Download and upload, bytes a second.
    pub(super) rates: (u64, u64),
    /// Limits of all torrents together.
    pub(super) limits: GlobalLimits,
    pub(super) theme: Theme,
    /// The theme's toggle was pressed.
    pub(super) on_theme: Callback<()>,
}

/// The bar.
#[component]
pub(super) fn Header(props: &HeaderProps) -> Html {
    let (down, up) = props.rates;
    let theme_label = format!("Theme: {}. Change to {}.", props.theme.name(), props.theme.next().name());
    html! {
        <header class="bar">
            <a class="brand" href="#" aria-label="Swarmscope, all torrents">
                { icons::logo() }
                <span>{ "Swarmscope" }</span>
            </a>
            <RelayLamp relay={props.relay.clone()} />
            <p class="rates" aria-label="All torrents together">
                <span class="rate-down" title="Download of all torrents">
                    { icons::down() }<span class="visually-hidden">{ "Download " }</span>{ format::rate(down) }
                </span>
                <span class="rate-up" title="Upload of all torrents">
                    { icons::up() }<span class="visually-hidden">{ "Upload " }</span>{ format::rate(up) }
                </span>
            </p>
            <CommonLimits limits={props.limits} />
            <button type="button" class="quiet" data-testid="theme" title={theme_label.clone()}
                aria-label={theme_label} onclick={props.on_theme.reform(|_| ())}>
                { icons::theme(props.theme) }
            </button>
        </header>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct RelayLampProps {
    relay: Rc<RelayState>,
}

/// The state of the link in a word or a sentence; the colour only repeats it.
#[component]
fn RelayLamp(props: &RelayLampProps) -> Html {
    let RelayState { kind, text, incoming_port, down_bytes, up_bytes } = &*props.relay;
    let title = match incoming_port {
        Some(port) => format!(
            "Peers reach us at port {port} of the relay. Since the page was opened: {} down, {} up.",
            format::bytes(*down_bytes),
            format::bytes(*up_bytes)
        ),
        None => "Link to the relay".to_owned(),
    };
    html! {
        <p class="relay" data-testid="relay-state" data-state={word(*kind)} role="status" {title}>
            { sentence(*kind, text) }
        </p>
    }
}

const fn word(kind: RelayKind) -> &'static str {
    match kind {
        RelayKind::Connected => "connected",
        RelayKind::Connecting => "connecting",
        RelayKind::Refused => "refused",
    }
}

/// Begins with the word, for people and scripts alike. How a refusal is mended stands in a place of its own.
fn sentence(kind: RelayKind, text: &str) -> String {
    let word = word(kind);
    match kind {
        RelayKind::Refused => format!("{word}, see below"),
        _ if text.is_empty() => format!("{word} to the relay"),
        _ => match text.split_at_checked(word.len()) {
            Some((first, rest)) if first.eq_ignore_ascii_case(word) => format!("{word}{rest}"),
            _ => format!("{word}: {text}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relays_state_begins_with_its_word() {
        for (kind, text, shown) in [
            (RelayKind::Connecting, "", "connecting to the relay"),
            (RelayKind::Connected, "Connected to 127.0.0.1", "connected to 127.0.0.1"),
            (RelayKind::Connecting, "trying again in 4 s", "connecting: trying again in 4 s"),
            (RelayKind::Refused, "The token is wrong.", "refused, see below"),
            (RelayKind::Connected, "connecteė", "connected: connecteė"),
        ] {
            assert_eq!(sentence(kind, text), shown);
        }
    }
}
