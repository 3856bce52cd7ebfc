//! The connected peers.

use std::rc::Rc;

use yew::prelude::*;

use super::super::{flags, format};
use super::bans::Bans;
use crate::messages::{Detail, PeerRow};

/// What the table shows.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct PeersProps {
    pub(super) detail: Rc<Detail>,
}

/// The table and what its letters mean.
#[component]
pub(super) fn Peers(props: &PeersProps) -> Html {
    let peers = &props.detail.peers;
    html! {
        <section class="panel" aria-labelledby="peers-title">
            <div class="panel-head">
                <h3 id="peers-title">{ "Peers" }</h3>
                <span class="told">{ format::plural(peers.len() as u64, "connection", "connections") }</span>
            </div>
            if peers.is_empty() {
                <p class="waiting">{ "No peer is connected." }</p>
            } else {
                <div class="scroller" role="region" aria-labelledby="peers-title" tabindex="0">
                    <table class="peers">
                        <thead>
                            <tr>
                                <th scope="col">{ "Client" }</th>
                                <th scope="col">{ "Flags" }</th>
                                <th scope="col" title="Who told us of it">{ "Found by" }</th>
                                <th scope="col" class="number">{ "Down" }</th>
                                <th scope="col" class="number">{ "Up" }</th>
                                <th scope="col" class="number" title="Requests outstanding, and how many we aim at">
                                    { "Requests" }
                                </th>
                                <th scope="col">{ "Has" }</th>
                                <th scope="col">{ "Choke decision" }</th>
                            </tr>
                        </thead>
                        <tbody>
                            { for peers.iter().map(|peer| html! {
                                <PeerLine key={peer.key} peer={peer.clone()} reason={sentence(&props.detail, peer)} />
                            }) }
                        </tbody>
                    </table>
                </div>
            }
            <Bans info_hash={props.detail.info_hash.clone()} bans={props.detail.bans.clone()} />
            <details class="letters">
                <summary>{ "What the letters mean" }</summary>
                <dl>
                    { for flags::FLAGS.iter().map(|flag| html! {
                        <div><dt>{ flag.letter }</dt><dd>{ flag.meaning }</dd></div>
                    }) }
                </dl>
            </details>
        </section>
    }
}

/// The sentence that belongs to the peer's reason.
fn sentence(detail: &Detail, peer: &PeerRow) -> AttrValue {
    let Some(code) = &peer.choke_reason else {
        return AttrValue::Static("Nothing was decided yet: a new connection is choked.");
    };
    let known = detail.reason_counts.iter().find(|reason| reason.kind == "choke" && reason.code == *code);
    known.map_or_else(|| code.clone(), |reason| reason.text.clone()).into()
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct PeerLineProps {
    peer: PeerRow,
    reason: AttrValue,
}

#[component]
fn PeerLine(props: &PeerLineProps) -> Html {
    let peer = &props.peer;
    let letters: String = flags::of(peer).map(|flag| flag.letter).collect();
    let (out, depth) = peer.requests;
    let (source, source_meaning) = source_words(&peer.source);
    html! {
        <tr data-testid="peer" data-key={peer.key.to_string()} data-addr={peer.addr.clone()} data-flags={letters}
            data-reason={peer.choke_reason.clone()}>
            <th scope="row">
                { if peer.client.is_empty() { "unknown client" } else { &peer.client } }
                if peer.is_snubbed {
                    { " " }
                    <span class="tag" title="It lets us download, yet has sent nothing for a minute">{ "snubbed" }</span>
                }
                <code class="addr">{ &peer.addr }</code>
            </th>
            <td class="flags">
                { for flags::of(peer).map(|flag| html! {
                    <abbr title={flag.meaning} data-flag={flag.letter.to_string()}>{ flag.letter }</abbr>
                }) }
            </td>
            <td title={source_meaning} data-source={peer.source.clone()}>{ source }</td>
            <td class="number" title={format!("{} in all", format::bytes(peer.down_bytes))}>{ rate(peer.down_rate) }</td>
            <td class="number" title={format!("{} in all", format::bytes(peer.up_bytes))}>{ rate(peer.up_rate) }</td>
            <td class="number">
                if depth > 0 || out > 0 {
                    { format!("{out} / {depth}") }
                }
            </td>
            <td class="has">
                <progress max="1" value={peer.progress.to_string()} aria-label="Share of the pieces that it has" />
                <span>{ format::percent(peer.progress) }</span>
            </td>
            <td title={props.reason.clone()}>{ peer.choke_reason.as_deref().unwrap_or("none yet") }</td>
        </tr>
    }
}

/// How we came to know a peer, in a word and in a sentence.
fn source_words(code: &str) -> (&'static str, &'static str) {
    match code {
        "tracker" => ("tracker", "A tracker named it."),
        "user" => ("you", "You named it."),
        "incoming" => ("incoming", "It connected to us."),
        "pex" => ("exchange", "Another peer named it (peer exchange)."),
        "dht" => ("DHT", "The distributed hash table named it."),
        "lsd" => ("local", "It announced itself on the local network."),
        "magnet" => ("magnet link", "The magnet link named it."),
        "web-seed" => ("web seed", "The torrent names it as a web server that has the content."),
        _ => ("", "Unknown"),
    }
}

/// Nothing rather than a column of zeros.
fn rate(bytes_per_s: u64) -> String {
    if bytes_per_s == 0 { String::new() } else { format::rate(bytes_per_s) }
}
