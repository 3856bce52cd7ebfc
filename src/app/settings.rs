//! What the page keeps for its origin: the relay's token, and the theme.

use gloo::utils::window;
use wasm_bindgen::JsValue;
use web_sys::Url;

const TOKEN_KEY: &str = "swarmscope.token";
const EVICTION_KEY: &str = "swarmscope.eviction";
/// Read by `www/theme.js` as well, before the first paint.
const THEME_KEY: &str = "swarmscope.theme";

/// Where the relay is, and what lets us in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RelayAccess {
    /// Address of its WebSocket.
    pub(super) url: String,
    /// Its token; empty if there is none.
    pub(super) token: String,
    /// The one that is kept, where the address brought another.
    pub(super) spare_token: Option<String>,
}

/// Light, dark, or as the system has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Dark ink on light paper.
    Light,
    /// Light ink on dark paper.
    Dark,
}

impl Theme {
    /// Name, as it is kept and as the `data-theme` attribute of the page has it.
    #[must_use]
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The one that the toggle takes next.
    #[must_use]
    pub(super) const fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    fn from_name(name: &str) -> Self {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.name() == name).unwrap_or_default()
    }
}

/// Takes the token out of the page's address, and says where the relay is: where the page comes from. An address
/// cannot name another one, or any link to this page could send the token elsewhere. Nor does the address's token
/// replace the kept one before the relay has accepted it, or any link could lock the page out.
#[must_use]
pub(super) fn take_relay_access() -> RelayAccess {
    let location = window().location();
    let brought = take_from_address("token").filter(|token| !token.is_empty());
    let kept = read(TOKEN_KEY);
    let spare_token = kept.clone().filter(|kept| brought.as_ref().is_some_and(|brought| brought != kept));
    let protocol = if location.protocol().as_deref() == Ok("https:") { "wss" } else { "ws" };
    RelayAccess {
        url: format!("{protocol}://{}/relay", location.host().unwrap_or_default()),
        token: brought.or(kept).unwrap_or_default(),
        spare_token,
    }
}

/// The user has read that the browser may delete what is stored; `true` but for the first time.
pub(super) fn was_told_of_eviction() -> bool {
    let was_told = read(EVICTION_KEY).is_some();
    if !was_told {
        keep(EVICTION_KEY, "told");
    }
    was_told
}

/// Keeps a token that the relay has accepted.
pub(super) fn keep_token(token: &str) {
    keep(TOKEN_KEY, token);
}

/// The kept theme.
#[must_use]
pub(super) fn theme() -> Theme {
    read(THEME_KEY).map(|name| Theme::from_name(&name)).unwrap_or_default()
}

/// Keeps a theme and shows it.
pub(super) fn set_theme(theme: Theme) {
    keep(THEME_KEY, theme.name());
    let root = gloo::utils::document_element();
    if let Err(error) = root.set_attribute("data-theme", theme.name()) {
        gloo::console::warn!("theme:", error);
    }
}

/// Takes a parameter out of the page's address, where it would be copied, bookmarked, or shown on a screen.
fn take_from_address(name: &str) -> Option<String> {
    let url = Url::new(&window().location().href().ok()?).ok()?;
    let query = url.search_params();
    let value = query.get(name)?;
    query.delete(name);
    url.set_search(&String::from(query.to_string()));
    let history = window().history();
    let outcome =
        history.and_then(|history| history.replace_state_with_url(&JsValue::NULL, "", Some(&url.href())));
    if let Err(error) = outcome {
        gloo::console::warn!("the token stays in the page's address:", error);
    }
    Some(value)
}

fn read(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten().filter(|value| !value.is_empty())
}

fn keep(key: &str, value: &str) {
    let is_kept = storage().is_some_and(|storage| storage.set_item(key, value).is_ok());
    if !is_kept {
        gloo::console::warn!("this browser keeps no settings");
    }
}

/// `None` where the user has blocked site data.
fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toggle_goes_round_through_all_themes() {
        let first = Theme::System;
        assert_eq!(first.next().next().next(), first);
        assert_ne!(first.next(), first.next().next());
    }

    #[test]
    fn a_theme_is_found_by_its_name_and_nonsense_is_the_systems() {
        for theme in [Theme::System, Theme::Light, Theme::Dark] {
            assert_eq!(Theme::from_name(theme.name()), theme);
        }
        assert_eq!(Theme::from_name("plaid"), Theme::System);
    }
}
