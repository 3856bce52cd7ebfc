//! Why: each reason with how often it was given, and the decisions one by one as they are taken.

use std::collections::BTreeMap;
use std::rc::Rc;

use yew::prelude::*;

use super::super::format;
use super::super::log_book::{Entry, Group, LogBook};
use crate::messages::{PeerRow, ReasonCount};

/// Entries of the log shown at a time.
const ENTRIES_SHOWN: usize = 60;

/// What the panels show.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct DecisionsProps {
    pub(super) reasons: Vec<ReasonCount>,
    pub(super) log: Rc<LogBook>,
    pub(super) names: Names,
}

/// What the connected peers are called in the log, by the key of their connection.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Names(BTreeMap<u32, Name>);

#[derive(Clone, Debug, PartialEq)]
struct Name {
    addr: String,
    /// Client and host; the address where the client is unknown.
    name: String,
}

impl Names {
    pub(super) fn of(peers: &[PeerRow]) -> Self {
        let name = |peer: &PeerRow| {
            let host = peer.addr.rsplit_once(':').map_or(peer.addr.as_str(), |(host, _port)| host);
            let name =
                if peer.client.is_empty() { peer.addr.clone() } else { format!("{} ({host})", peer.client) };
            Name { addr: peer.addr.clone(), name }
        };
        Self(peers.iter().map(|peer| (peer.key, name(peer))).collect())
    }

    /// A line in words: picks in short, since they come by the thousand and their reason stands beside them.
    fn words(&self, entry: &Entry) -> String {
        let line = &entry.line;
        let Some(name) = line.peer.and_then(|peer| self.0.get(&peer)) else {
            return line.text.clone();
        };
        match (line.kind.as_str(), line.piece) {
            ("pick", Some(piece)) => {
                let blocks = format::plural(entry.times.into(), "block", "blocks");
                format!("{blocks} of piece {piece} from {}", name.name)
            }
            _ => line.text.replace(&name.addr, &name.name),
        }
    }
}

/// Reasons and log, side by side where there is room.
#[component]
pub(super) fn Decisions(props: &DecisionsProps) -> Html {
    html! {
        <div class="decisions">
            <Reasons reasons={props.reasons.clone()} />
            <Log log={props.log.clone()} names={props.names.clone()} />
        </div>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct ReasonsProps {
    reasons: Vec<ReasonCount>,
}

/// All reasons of the engine, those of picks, then those of chokes.
#[component]
fn Reasons(props: &ReasonsProps) -> Html {
    let list = |kind: &'static str, title: &'static str| {
        let reasons: Vec<&ReasonCount> = props.reasons.iter().filter(|reason| reason.kind == kind).collect();
        let most = reasons.iter().map(|reason| reason.count).max().unwrap_or_default().max(1);
        html! {
            <>
                <h4>{ title }</h4>
                <ul class="reasons">
                    { for reasons.into_iter().map(|reason| reason_item(reason, most)) }
                </ul>
            </>
        }
    };
    html! {
        <section class="panel" aria-labelledby="reasons-title">
            <div class="panel-head"><h3 id="reasons-title">{ "Reasons" }</h3></div>
            { list("pick", "Why a block is asked of a peer") }
            { list("choke", "Why a peer is choked or unchoked") }
        </section>
    }
}

fn reason_item(reason: &ReasonCount, most: u64) -> Html {
    let never = (reason.count == 0).then_some("never");
    html! {
        <li key={reason.code.clone()} class={classes!("reason", never)} data-testid="reason"
            data-kind={reason.kind.clone()} data-code={reason.code.clone()} data-count={reason.count.to_string()}>
            <span class="reason-code">{ &reason.code }</span>
            <span class="reason-count">{ format::count(reason.count) }</span>
            <progress max={most.to_string()} value={reason.count.to_string()} aria-hidden="true" />
            <span class="reason-text">{ &reason.text }</span>
        </li>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct LogProps {
    log: Rc<LogBook>,
    names: Names,
}

/// The newest lines first. It can be held, to read it or to talk about it.
#[component]
fn Log(props: &LogProps) -> Html {
    let group = use_state_eq(|| None::<Group>);
    let held = use_state(|| None::<Rc<LogBook>>);
    let shown = (*held).as_ref().unwrap_or(&props.log).clone();
    let entries = use_memo((shown, *group), |(log, group)| log.newest(*group, ENTRIES_SHOWN));
    let filter = |choice: Option<Group>, label: &'static str| {
        let on_click = {
            let group = group.setter();
            Callback::from(move |_: MouseEvent| group.set(choice))
        };
        html! {
            <button type="button" aria-pressed={if *group == choice { "true" } else { "false" }} onclick={on_click}
                data-testid="log-filter">{ label }</button>
        }
    };
    let on_hold = {
        let (held, log) = (held.clone(), props.log.clone());
        Callback::from(move |_: MouseEvent| held.set(if held.is_some() { None } else { Some(log.clone()) }))
    };
    html! {
        <section class="panel" aria-labelledby="log-title">
            <div class="panel-head">
                <h3 id="log-title">{ "Decisions" }</h3>
                <button type="button" class="hold" aria-pressed={if held.is_some() { "true" } else { "false" }}
                    onclick={on_hold} data-testid="log-hold">{ if held.is_some() { "Go on" } else { "Hold" } }</button>
            </div>
            <div class="filter" role="group" aria-label="Which lines">
                { filter(None, "All") }
                { for Group::ALL.into_iter().map(|group| filter(Some(group), group.label())) }
            </div>
            // No live region: it would read aloud without end.
            <ol class="log scroller" tabindex="0" aria-labelledby="log-title">
                { for entries.iter().map(|entry| log_item(entry, &props.names)) }
            </ol>
            if entries.is_empty() {
                <p class="waiting">{ "Nothing yet." }</p>
            }
        </section>
    }
}

fn log_item(entry: &Entry, names: &Names) -> Html {
    let line = &entry.line;
    html! {
        <li key={line.number} data-testid="log-line" data-kind={line.kind.clone()} data-reason={line.reason.clone()}
            data-peer={line.peer.map(|peer| peer.to_string())} data-piece={line.piece.map(|piece| piece.to_string())}
            title={line.text.clone()}>
            <time>{ format::clock(line.at_ms) }</time>
            <span class="kind">{ &line.kind }</span>
            <span class="text">{ names.words(entry) }</span>
            if let Some(reason) = &line.reason {
                <span class="why">{ reason }</span>
            }
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::samples::{log_line, peer};
    use crate::messages::LogLine;

    fn words(line: LogLine, times: u32) -> String {
        let names = Names::of(&[PeerRow { client: "Transmission 3.00".to_owned(), ..peer(2) }, peer(4)]);
        names.words(&Entry { line: Rc::new(line), times }).replace('\u{a0}', " ")
    }

    #[test]
    fn peers_are_called_by_their_client_and_host() {
        let pick = LogLine { peer: Some(2), piece: Some(7), ..log_line(1, "pick") };
        assert_eq!(words(pick, 16), "16 blocks of piece 7 from Transmission 3.00 (127.77.0.2)");
        let choke =
            LogLine { peer: Some(2), text: "127.77.0.2:6881: Choked.".to_owned(), ..log_line(1, "choke") };
        assert_eq!(words(choke, 1), "Transmission 3.00 (127.77.0.2): Choked.");
    }

    #[test]
    fn an_unknown_client_is_called_by_its_address_and_a_peer_that_left_as_the_engine_does() {
        let unknown = LogLine { peer: Some(4), piece: Some(7), ..log_line(1, "pick") };
        assert_eq!(words(unknown, 1), "1 block of piece 7 from 127.77.0.4:6881");
        let left =
            LogLine { peer: Some(6), text: "127.77.0.6:6881 is gone.".to_owned(), ..log_line(1, "left") };
        assert_eq!(words(left, 1), "127.77.0.6:6881 is gone.");
    }
}
