//! The page as a whole: starts the engine, listens to the address, and lays out the parts.

use std::rc::Rc;

use gloo::events::EventListener;
use gloo::utils::{document, window};
use yew::prelude::*;

use super::add_bar::AddBar;
use super::controls::{self, Controls};
use super::detail::DetailPane;
use super::drop_zone::DropZone;
use super::format;
use super::header::Header;
use super::kept::Kept;
use super::notices::Notices;
use super::relay_refused::RelayRefused;
use super::remove_dialog::RemoveDialog;
use super::route::Route;
use super::settings;
use super::state::{Action, View};
use super::torrent_list::TorrentList;
use crate::client::EngineClient;
use crate::messages::{RelayKind, TorrentRow, TorrentState, Update};

/// The root component.
#[component]
pub(super) fn Page() -> Html {
    let view = use_reducer_eq(View::default);
    let theme = use_state(settings::theme);
    let controls = use_memo((), {
        let dispatcher = view.dispatcher();
        |()| {
            let on_update = dispatcher.clone();
            let engine = EngineClient::start(move |update, pieces| {
                open_if_alone(&update);
                if let Update::TokenAccepted { token } = &update {
                    settings::keep_token(token);
                }
                on_update.dispatch(Action::Told { update, pieces, now_ms: js_sys::Date::now() });
            });
            Controls::new(engine, dispatcher)
        }
    });
    use_effect_with((), {
        let controls = (*controls).clone();
        move |()| {
            controls.start(settings::take_relay_access());
            controls.dispatch(Action::Went(controls::here()));
            let listener = EventListener::new(&window(), "hashchange", move |_| {
                controls.dispatch(Action::Went(controls::here()));
            });
            move || drop(listener)
        }
    });
    use_effect_with(view.open.clone(), {
        let controls = (*controls).clone();
        move |open| controls.watch(open.clone())
    });
    use_effect_with(title(&view.torrents), |title| document().set_title(title));

    let on_theme = {
        let theme = theme.clone();
        Callback::from(move |()| {
            let next = theme.next();
            settings::set_theme(next);
            theme.set(next);
        })
    };
    let is_open = view.open.is_some();
    html! {
        <ContextProvider<Controls> context={(*controls).clone()}>
            <Header relay={view.relay.clone()} rates={rates(&view.torrents)} limits={view.limits} theme={*theme} {on_theme} />
            <main class={classes!("columns", is_open.then_some("with-detail"))}>
                <div class="column">
                    if view.relay.kind == RelayKind::Refused {
                        <RelayRefused relay={view.relay.clone()} />
                    }
                    <AddBar
                        link={view.link.clone()}
                        links_brought={view.links_brought}
                        adding={view.adding.clone()}
                        free_bytes={view.free_bytes}
                    />
                    <Notices messages={view.messages.clone()} />
                    <TorrentList
                        is_loaded={view.is_loaded}
                        torrents={view.torrents.clone()}
                        open={view.open.clone()}
                        suggestion={view.suggestion.clone()}
                    />
                    <Kept kept={view.kept.clone()} />
                </div>
                if is_open {
                    <DetailPane
                        row={view.open_row().cloned()}
                        is_loaded={view.is_loaded}
                        watched={view.open_watched().cloned()}
                        theme={*theme}
                    />
                }
            </main>
            <RemoveDialog row={view.removing.clone()} />
            <DropZone />
        </ContextProvider<Controls>>
    }
}

/// A torrent that was just added is shown in detail, unless the user looks at another.
fn open_if_alone(update: &Update) {
    if let Update::Added { info_hash, .. } = update
        && !matches!(controls::here(), Route::Torrent { .. })
    {
        controls::go(&Route::Torrent { info_hash: info_hash.clone() });
    }
}

/// Download and upload of all torrents, bytes a second.
fn rates(torrents: &[Rc<TorrentRow>]) -> (u64, u64) {
    torrents.iter().fold((0, 0), |(down, up), row| (down + row.down_rate, up + row.up_rate))
}

/// Tells in the tab strip how far the downloads are.
fn title(torrents: &[Rc<TorrentRow>]) -> String {
    let (verified, wanted) = torrents
        .iter()
        .filter(|row| row.state == TorrentState::Downloading)
        .fold((0, 0), |(verified, wanted), row| (verified + row.verified_bytes, wanted + row.wanted_bytes));
    if wanted == 0 {
        return "Swarmscope".to_owned();
    }
    format!("{} · Swarmscope", format::percent(verified as f64 / wanted as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::samples::torrent;

    #[test]
    fn the_title_counts_what_is_downloading_and_nothing_else() {
        let half = Rc::new(TorrentRow { verified_bytes: 500_000, ..torrent("a") });
        let whole =
            Rc::new(TorrentRow { state: TorrentState::Seeding, verified_bytes: 1_000_000, ..torrent("b") });
        assert_eq!(title(&[half, Rc::clone(&whole)]), "50.0% · Swarmscope");
        assert_eq!(title(&[whole]), "Swarmscope");
    }
}
