//! Connections and announces: how many, when, and what is told.

use std::net::SocketAddr;
use std::time::Duration;

use engine::{
    AnnounceAnswer, AnnounceEvent, AnnounceRequest, Bitfield, Config, Input, Output, PeerKey, PeerSource,
    TrackerKey, VerifyOutcome,
};

use crate::util::{Content, Remote};

fn leech(config: Config) -> Remote {
    let content = Content::new(4 * 65_536, 65_536);
    Remote::new(config, &content, content.none())
}

fn addrs(count: u8) -> Vec<SocketAddr> {
    (0..count).map(|last| SocketAddr::from(([10, 9, 1, last], 6881))).collect()
}

fn connects(remote: &mut Remote) -> Vec<(PeerKey, SocketAddr)> {
    let mut found = Vec::new();
    remote.outputs.retain(|output| match output {
        Output::Connect { peer, addr } => {
            found.push((*peer, *addr));
            false
        }
        _ => true,
    });
    found
}

fn announces(remote: &mut Remote) -> Vec<AnnounceRequest> {
    let mut found = Vec::new();
    remote.outputs.retain(|output| match output {
        Output::Announce(request) => {
            found.push(request.clone());
            false
        }
        _ => true,
    });
    found
}

#[test]
fn connections_being_made_are_bounded_and_the_next_follow_as_they_end() {
    let mut remote = leech(Config { connecting_max: 3, ..Config::default() });
    remote.input(Input::PeersFound { source: PeerSource::Tracker, addrs: &addrs(10) });
    let first = connects(&mut remote);
    assert_eq!(first.iter().map(|(key, _)| key.0).collect::<Vec<_>>(), [0, 2, 4]);
    remote.input(Input::Closed { peer: first[0].0 });
    assert_eq!(connects(&mut remote).len(), 1);
    remote.input(Input::Connected { peer: first[1].0 });
    assert_eq!(connects(&mut remote).len(), 1, "a connection that stands leaves its place");
}

#[test]
fn a_dead_address_is_tried_again_with_growing_patience() {
    let mut remote = leech(Config::default());
    remote.input(Input::PeersFound { source: PeerSource::Tracker, addrs: &addrs(1) });
    let mut tries = Vec::new();
    for second in 0..200 {
        for (key, _) in connects(&mut remote) {
            tries.push(second);
            remote.input(Input::Closed { peer: key });
        }
        remote.wait(1);
    }
    assert_eq!(tries, [0, 15, 45, 105]);
}

#[test]
fn an_idle_connection_is_kept_alive() {
    let mut remote = leech(Config::default());
    let key = remote.join(1);
    remote.take_messages(key);
    remote.wait(114);
    assert_eq!(remote.take_messages(key), []);
    remote.wait(1);
    assert_eq!(remote.take_messages(key), [engine::Message::KeepAlive]);
}

#[test]
fn trackers_are_told_of_start_completion_and_end() {
    let content = Content::new(4 * 65_536, 65_536);
    let mut engine = Remote::new(Config::default(), &content, content.none());
    engine.input(Input::Listening { port: 6881 });
    // The announce of the start went out at the start.
    let tracker = TrackerKey(0);
    assert_eq!(engine.engine.trackers()[0].asking, Some(AnnounceEvent::Started));
    let answer =
        AnnounceAnswer { interval: Duration::from_secs(900), peers: addrs(2), ..AnnounceAnswer::default() };
    engine.input(Input::Announced { tracker, result: Ok(answer) });
    assert_eq!(connects(&mut engine).len(), 2);
    let key = engine.join_with(1, &Bitfield::all(4));
    for _ in 0..8 {
        engine.answers_all(key, VerifyOutcome::Stored);
    }
    let completed = announces(&mut engine);
    assert_eq!(completed.len(), 1);
    let told = &completed[0];
    assert_eq!((told.event, told.left, told.port), (AnnounceEvent::Completed, 0, 6881));
    assert_eq!((told.url.as_str(), told.downloaded), ("http://127.0.0.1/announce", 4 * 65_536));
    engine.input(Input::Announced { tracker, result: Ok(AnnounceAnswer::default()) });
    engine.input(Input::Pause);
    let stopped = announces(&mut engine);
    assert_eq!((stopped.len(), stopped[0].event, stopped[0].num_want), (1, AnnounceEvent::Stopped, 0));
    engine.input(Input::Announced { tracker, result: Err("gone".into()) });
    assert_eq!(
        engine.engine.poll_output(),
        Output::Wait { until: None },
        "paused and told: nothing to wait for"
    );
}

#[test]
fn dead_addresses_are_no_reason_to_wait_for_the_trackers_interval() {
    let mut remote = leech(Config::default());
    let interval = Duration::from_secs(1800);
    let answer = AnnounceAnswer { interval, peers: addrs(10), ..AnnounceAnswer::default() };
    remote.input(Input::Announced { tracker: TrackerKey(0), result: Ok(answer) });
    let mut asked_after = None;
    for second in 0..600 {
        for (key, _) in connects(&mut remote) {
            remote.input(Input::Closed { peer: key });
        }
        if !announces(&mut remote).is_empty() {
            asked_after = asked_after.or(Some(second));
        }
        remote.wait(1);
    }
    assert_eq!(asked_after, Some(300), "as soon as one that wants peers may ask");
}

#[test]
fn a_pause_is_no_fault_of_the_peers() {
    let mut remote = leech(Config::default());
    remote.input(Input::PeersFound { source: PeerSource::User, addrs: &addrs(2) });
    assert_eq!(connects(&mut remote).len(), 2);
    remote.input(Input::Pause);
    remote.input(Input::Start);
    assert_eq!(connects(&mut remote).len(), 2);
}

#[test]
fn late_news_of_closed_connections_changes_nothing() {
    let mut remote = leech(Config::default());
    let key = remote.join(1);
    remote.input(Input::Pause);
    remote.outputs.clear();
    remote.bytes(key, b"anything");
    remote.input(Input::Sent { peer: key, bytes: 100 });
    remote.input(Input::Closed { peer: key });
    remote.input(Input::Connected { peer: PeerKey(88) });
    remote.input(Input::ReceivedOpaque { peer: key, len: 5 });
    assert_eq!(remote.outputs, []);
}
