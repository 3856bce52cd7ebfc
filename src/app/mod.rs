//! The view: what the engine tells, as real HTML, and what the user wants, as commands.
//!
//! Nothing of the protocol is known or decided here and nothing heavy is done: the main thread stays free for the
//! user. `state` holds all state and the one reducer; `controls` is the only way from a component to the engine;
//! the other modules are components that show what they are given.

mod add_bar;
mod common_limits;
mod controls;
mod detail;
mod drop_zone;
mod empty;
mod fields;
mod flags;
mod format;
mod header;
mod icons;
mod kept;
mod log_book;
mod names;
mod notices;
mod page;
mod relay_refused;
mod remove_dialog;
mod route;
#[cfg(test)]
mod samples;
mod settings;
mod state;
mod storage;
mod torrent_list;
mod torrent_row;

/// Puts the page into the document.
pub fn run() {
    let main = gloo::utils::document().get_element_by_id("app");
    let root = main.unwrap_or_else(|| gloo::utils::body().into());
    yew::Renderer::<page::Page>::with_root(root).render();
}
