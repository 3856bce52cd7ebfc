//! Peer exchange (BEP 11): who is told of whom, what is made of it, and where there is none.

use std::net::SocketAddr;
use std::time::Duration;

use engine::{
    AnnounceAnswer, CloseReason, Config, ExtendedHandshake, Extension, Input, Message, Output, PeerKey,
    PeerSource, PexFlags, PexMessage, Reserved, TrackerKey,
};

use crate::util::{Content, Net, Remote, Swarm, handshake_bytes};

/// Under this id the scripted peers take messages of peer exchange.
const THEIR_ID: u8 = 9;

fn downloader() -> Remote {
    let content = Content::new(4 * 65_536, 65_536);
    Remote::new(Config::default(), &content, content.none())
}

fn found(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 9, 1, last], 6881))
}

fn introduces_itself(remote: &mut Remote, key: PeerKey, port: Option<u16>) {
    let said = ExtendedHandshake { port, ..ExtendedHandshake::default().with(Extension::Pex, THEIR_ID) };
    remote.says(key, &Message::Extended { id: 0, payload: said.encode() });
}

/// A peer from 10.9.0.`last` that takes peer exchange and names this port.
fn listener(remote: &mut Remote, last: u8, port: Option<u16>) -> PeerKey {
    let key = remote.join_offering(last, Reserved::EXTENDED);
    introduces_itself(remote, key, port);
    key
}

/// A peer to which the engine has connected, at [`found`].
fn dialed(remote: &mut Remote, last: u8) {
    remote.input(Input::PeersFound { source: PeerSource::User, addrs: &[found(last)] });
    let peer = remote.engine.peers().into_iter().find(|peer| peer.addr == Some(found(last))).unwrap().peer;
    remote.input(Input::Connected { peer });
    let mut id = *b"-XX0001-dialed000000";
    id[19] = last;
    remote.bytes(peer, &handshake_bytes(remote.content.metainfo.info_hash(), engine::PeerId(id)));
}

/// What this peer was told by peer exchange since the last call.
fn told(remote: &mut Remote, key: PeerKey) -> Vec<PexMessage> {
    let pex = |message| match message {
        Message::Extended { id: THEIR_ID, payload } => Some(PexMessage::parse(&payload, 100).unwrap()),
        _ => None,
    };
    remote.take_messages(key).into_iter().filter_map(pex).collect()
}

fn tells(remote: &mut Remote, key: PeerKey, added: &[(SocketAddr, PexFlags)]) {
    let message = PexMessage { added: added.to_vec(), dropped: vec![] };
    remote.says(key, &Message::Extended { id: Extension::Pex.local_id(), payload: message.encode() });
}

fn connects(remote: &Remote) -> Vec<SocketAddr> {
    let addr = |output: &Output| if let Output::Connect { addr, .. } = output { Some(*addr) } else { None };
    remote.outputs.iter().filter_map(addr).collect()
}

#[test]
fn who_was_connected_to_and_who_named_its_port_is_told_of_and_nobody_else() {
    let mut remote = downloader();
    dialed(&mut remote, 1);
    remote.join(2);
    let with_port = listener(&mut remote, 3, Some(7000));
    let listening = listener(&mut remote, 4, None);
    remote.wait(1);
    let reachable = (found(1), PexFlags::REACHABLE);
    let named = (SocketAddr::from(([10, 9, 0, 3], 7000)), PexFlags::default());
    let message = |added: &[_]| [PexMessage { added: added.to_vec(), dropped: vec![] }];
    assert_eq!(told(&mut remote, listening), message(&[named, reachable]));
    assert_eq!(told(&mut remote, with_port), message(&[reachable]), "nobody is told of itself");
}

#[test]
fn news_come_once_a_minute_and_name_who_left() {
    let mut remote = downloader();
    dialed(&mut remote, 1);
    let listening = listener(&mut remote, 4, None);
    remote.wait(2);
    assert_eq!(told(&mut remote, listening).len(), 1);
    dialed(&mut remote, 2);
    let first = remote.engine.peers().into_iter().find(|peer| peer.addr == Some(found(1))).unwrap().peer;
    remote.input(Input::Closed { peer: first });
    remote.wait(58);
    assert_eq!(told(&mut remote, listening), []);
    remote.wait(3);
    let news = PexMessage { added: vec![(found(2), PexFlags::REACHABLE)], dropped: vec![found(1)] };
    assert_eq!(told(&mut remote, listening), [news]);
}

#[test]
fn who_does_not_take_it_is_told_nothing() {
    let mut remote = downloader();
    dialed(&mut remote, 1);
    let key = remote.join_offering(4, Reserved::EXTENDED);
    remote.wait(100);
    let messages = remote.take_messages(key);
    let is_other = |message: &Message| matches!(message, Message::Extended { id, .. } if *id != 0);
    assert!(!messages.iter().any(is_other), "{messages:?}");
}

#[test]
fn whom_a_peer_names_is_connected_to_and_the_source_is_remembered() {
    let mut remote = downloader();
    let key = listener(&mut remote, 4, None);
    let v6: SocketAddr = "[2001:db8::1]:6881".parse().unwrap();
    tells(&mut remote, key, &[(found(1), PexFlags::default()), (v6, PexFlags::SEED)]);
    let mut connected = connects(&remote);
    connected.sort_unstable();
    assert_eq!(connected, [found(1), v6]);
    let sources: Vec<_> = remote.engine.peers().iter().map(|peer| peer.source).collect();
    assert_eq!(sources.iter().filter(|source| **source == PeerSource::Pex).count(), 2);
}

#[test]
fn several_addresses_of_one_host_and_our_own_are_not_tried() {
    let mut remote = downloader();
    remote.input(Input::Listening { port: 6881 });
    let key = listener(&mut remote, 4, None);
    let external_ip = Some(found(9).ip());
    let answer = AnnounceAnswer { external_ip, ..AnnounceAnswer::default() };
    remote.input(Input::Announced { tracker: TrackerKey(0), result: Ok(answer) });
    let other_port = SocketAddr::new(found(1).ip(), 7);
    tells(&mut remote, key, &[found(1), other_port, found(9)].map(|addr| (addr, PexFlags::default())));
    assert_eq!(connects(&remote), [found(1)]);
}

#[test]
fn a_seed_does_not_try_seeds() {
    let content = Content::new(4 * 65_536, 65_536);
    let mut remote = Remote::new(Config::default(), &content, content.all());
    let key = listener(&mut remote, 4, None);
    tells(&mut remote, key, &[(found(1), PexFlags::SEED), (found(2), PexFlags::default())]);
    assert_eq!(connects(&remote), [found(2)]);
}

#[test]
fn who_names_peers_all_the_time_is_ignored_and_then_closed() {
    let mut remote = downloader();
    let key = listener(&mut remote, 4, None);
    for last in 1..=11 {
        tells(&mut remote, key, &[(found(last), PexFlags::default())]);
    }
    assert_eq!((connects(&remote), remote.close_reason(key)), (vec![found(1)], None));
    tells(&mut remote, key, &[(found(12), PexFlags::default())]);
    assert_eq!(remote.close_reason(key), Some(CloseReason::PexFlood { ignored: 11 }));
}

#[test]
fn what_cannot_be_read_closes() {
    let mut remote = downloader();
    let key = listener(&mut remote, 4, None);
    remote.says(key, &Message::Extended { id: Extension::Pex.local_id(), payload: b"nonsense".to_vec() });
    assert_eq!(remote.close_reason(key), Some(CloseReason::BadExtended { extension: "ut_pex", len: 8 }));
}

#[test]
fn a_private_torrent_tells_nobody_of_anybody_and_listens_to_nobody() {
    let content = Content::private(4 * 65_536, 65_536);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    let peers = [found(1), found(2), found(3)].to_vec();
    let answer = AnnounceAnswer { peers, ..AnnounceAnswer::default() };
    remote.input(Input::Announced { tracker: TrackerKey(0), result: Ok(answer) });
    let keys: Vec<PeerKey> = (4..8).map(|last| listener(&mut remote, last, Some(7000))).collect();
    remote.outputs.retain(|output| !matches!(output, Output::Connect { .. }));
    for _ in 0..5 {
        keys.iter().for_each(|&key| tells(&mut remote, key, &[(found(20), PexFlags::default())]));
        remote.wait(60);
        keys.iter().for_each(|&key| remote.says(key, &Message::KeepAlive));
    }
    assert!(!connects(&remote).contains(&found(20)));
    for key in keys {
        assert_eq!(remote.close_reason(key), None);
        for message in remote.take_messages(key) {
            if let Message::Extended { id, payload } = message {
                assert_eq!(id, 0, "nothing but the handshake");
                assert_eq!(ExtendedHandshake::parse(&payload).unwrap().id(Extension::Pex), None);
            }
        }
    }
}

#[test]
fn two_that_know_only_a_third_find_each_other() {
    let content = Content::new(4 * 65_536, 65_536);
    let mut swarm = Swarm::new(Net::default(), content.clone());
    let third = swarm.add(Config::default(), content.none());
    let (one, other) =
        (swarm.add(Config::default(), content.none()), swarm.add(Config::default(), content.none()));
    for node in [third, one, other] {
        swarm.input(node, Input::Listening { port: 6881 });
    }
    swarm.introduce(one, &[third]);
    swarm.introduce(other, &[third]);
    let peers = |swarm: &Swarm, node: usize| swarm.nodes[node].engine.summary().peers;
    let is_mesh = swarm.run_until(Duration::from_secs(120), |swarm| {
        [third, one, other].iter().all(|&node| peers(swarm, node) == 2)
    });
    assert!(is_mesh);
}
