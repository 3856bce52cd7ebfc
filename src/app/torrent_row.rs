//! One torrent of the list.

use std::rc::Rc;

use yew::prelude::*;

use super::controls::{Controls, use_controls};
use super::route::Route;
use super::{format, icons};
use crate::messages::{TorrentRow, TorrentState};

/// What the card shows.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct TorrentCardProps {
    pub(super) row: Rc<TorrentRow>,
    /// It is the one shown in detail.
    pub(super) is_open: bool,
}

/// Name, state, progress and what can be done.
#[component]
pub(super) fn TorrentCard(props: &TorrentCardProps) -> Html {
    let controls = use_controls();
    let row = &props.row;
    let state = state_name(row.state);
    let address = Route::Torrent { info_hash: row.info_hash.clone() }.fragment();
    html! {
        <li class="torrent" data-testid="torrent" data-info-hash={row.info_hash.clone()} data-state={state}
            data-progress={row.progress.to_string()} data-down-bytes={row.down_bytes.to_string()}
            data-up-bytes={row.up_bytes.to_string()} data-peers={row.peers.to_string()}>
            <div class="torrent-head">
                <a class="name" href={address} aria-current={props.is_open.then_some("true")}>{ &row.name }</a>
                <span class="state" data-state={state}>{ state_words(row) }</span>
            </div>
            <progress data-state={state} max="1" value={row.progress.to_string()}
                aria-label={format!("Progress of {}", row.name)} />
            <ul class="facts">
                <li class="share">{ format::percent(row.progress) }</li>
                { for facts(row).into_iter().map(|fact| html! { <li>{ fact }</li> }) }
            </ul>
            if let Some(share) = row.saving {
                <p class="saving" data-testid="saving" role="status">
                    if share < 1.0 {
                        <progress max="1" value={share.to_string()} aria-label="Progress of saving" />
                        <span aria-live="off">{ format!("Preparing the download, {}", format::percent(share)) }</span>
                    } else {
                        { "Handed to the browser, which saves it." }
                    }
                </p>
            }
            if let Some(error) = &row.error {
                <p class="torrent-error" data-testid="torrent-error" role="alert">{ error }</p>
            }
            <div class="actions">{ actions(row, &controls) }</div>
        </li>
    }
}

/// As `data-state` has it.
pub(super) const fn state_name(state: TorrentState) -> &'static str {
    match state {
        TorrentState::Metadata => "metadata",
        TorrentState::Checking => "checking",
        TorrentState::Downloading => "downloading",
        TorrentState::Seeding => "seeding",
        TorrentState::Paused => "paused",
        TorrentState::Error => "error",
    }
}

/// What is going on, for a person.
pub(super) fn state_words(row: &TorrentRow) -> &'static str {
    let is_whole = row.pieces_total > 0 && row.pieces_have == row.pieces_total;
    match row.state {
        TorrentState::Metadata if row.peers == 0 => "looking for peers",
        TorrentState::Metadata => "fetching metadata",
        TorrentState::Checking => "checking",
        TorrentState::Downloading if row.peers == 0 => "looking for peers",
        TorrentState::Downloading => "downloading",
        TorrentState::Seeding => "seeding",
        TorrentState::Paused if is_whole => "complete, paused",
        TorrentState::Paused => "paused",
        TorrentState::Error => "stopped by an error",
    }
}

fn facts(row: &TorrentRow) -> Vec<Html> {
    let mut facts = Vec::with_capacity(5);
    let is_running = matches!(row.state, TorrentState::Downloading | TorrentState::Seeding);
    let is_asking = row.state == TorrentState::Metadata;
    if is_asking && row.peers > 0 {
        facts.push(html! { { "asking peers for the torrent's description" } });
    } else if row.pieces_total == 0 {
        // Its metadata is still to come: nobody knows how much there is.
        facts.push(html! { { "size not known yet" } });
    } else if row.wanted_bytes == 0 {
        facts.push(html! { { "no file is wanted" } });
    } else if row.verified_bytes < row.wanted_bytes {
        let sizes = format!("{} of {}", format::bytes(row.verified_bytes), format::bytes(row.wanted_bytes));
        facts.push(html! { { sizes } });
    } else {
        facts.push(html! { { format::bytes(row.wanted_bytes) } });
    }
    if row.state == TorrentState::Downloading {
        facts.push(html! {
            <span class="rate-down" title="Download">
                { icons::down() }<span class="visually-hidden">{ "Download " }</span>{ format::rate(row.down_rate) }
            </span>
        });
    }
    if is_running {
        facts.push(html! {
            <span class="rate-up" title="Upload">
                { icons::up() }<span class="visually-hidden">{ "Upload " }</span>{ format::rate(row.up_rate) }
            </span>
        });
    }
    if is_running || is_asking {
        facts.push(html! { { format::plural(u64::from(row.peers), "peer", "peers") } });
    }
    if let Some(left) = row.time_left_s.filter(|_| row.state == TorrentState::Downloading) {
        facts.push(html! { { format!("{} left", format::duration(left)) } });
    }
    facts
}

fn actions(row: &Rc<TorrentRow>, controls: &Controls) -> Html {
    let act = |act: fn(&Controls, String)| {
        let (controls, info_hash) = (controls.clone(), row.info_hash.clone());
        Callback::from(move |_: MouseEvent| act(&controls, info_hash.clone()))
    };
    let on_remove = {
        let (controls, row) = (controls.clone(), row.clone());
        Callback::from(move |_: MouseEvent| controls.ask_to_remove(row.clone()))
    };
    let run = match row.state {
        TorrentState::Paused => html! {
            <button type="button" data-testid="resume" onclick={act(Controls::resume)}>
                { icons::play() }{ "Resume" }
            </button>
        },
        TorrentState::Error => html! {
            <button type="button" data-testid="resume" onclick={act(Controls::resume)}>
                { icons::play() }{ "Try again" }
            </button>
        },
        _ => html! {
            <button type="button" data-testid="pause" onclick={act(Controls::pause)}>
                { icons::pause() }{ "Pause" }
            </button>
        },
    };
    html! {
        <>
            { run }
            <button type="button" data-testid="save" disabled={!row.can_save || row.saving.is_some()}
                class={classes!(row.can_save.then_some("primary"))}
                title={if row.can_save { "Save the content as a download" } else { "Can be saved when all is there" }}
                onclick={act(Controls::save)}>
                { icons::save() }{ if row.saving.is_some() { "Saving …" } else { "Save" } }
            </button>
            <button type="button" data-testid="recheck" title="Hash all stored pieces again"
                disabled={row.state == TorrentState::Checking || row.pieces_total == 0}
                onclick={act(Controls::recheck)}>
                { icons::check_again() }{ "Check again" }
            </button>
            <button type="button" data-testid="remove" onclick={on_remove}>
                { icons::remove() }{ "Remove" }
            </button>
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::samples::torrent;

    #[test]
    fn the_words_say_more_than_the_state() {
        let words = |state, peers, pieces_have| {
            state_words(&TorrentRow { state, peers, pieces_have, ..torrent("a") })
        };
        assert_eq!(words(TorrentState::Downloading, 0, 0), "looking for peers");
        assert_eq!(words(TorrentState::Metadata, 0, 0), "looking for peers");
        assert_eq!(words(TorrentState::Metadata, 1, 0), "fetching metadata");
        assert_eq!(words(TorrentState::Downloading, 2, 0), "downloading");
        assert_eq!(words(TorrentState::Paused, 0, 4), "complete, paused");
        assert_eq!(words(TorrentState::Paused, 0, 3), "paused");
    }
}
