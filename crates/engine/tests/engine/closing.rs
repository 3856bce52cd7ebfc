//! What a peer can do wrong, and what it gets for it: each reason for which an engine closes a connection.

use std::net::SocketAddr;

use engine::{
    Bitfield, BlockRef, CloseReason, Config, Event, InfoHash, Input, Message, Output, PeerId, PeerKey,
    PeerSource, PieceIndex, VerifyOutcome,
};

use crate::util::{Content, Remote, handshake_bytes};

const BLOCK: u32 = 16_384;

fn content() -> Content {
    Content::new(100_000, 32_768)
}

fn leech() -> Remote {
    let content = content();
    Remote::new(Config::default(), &content, content.none())
}

fn seed(config: Config) -> Remote {
    let content = content();
    Remote::new(config, &content, content.all())
}

fn block(piece: u32, begin: u32, len: u32) -> BlockRef {
    BlockRef { piece: PieceIndex(piece), begin, len }
}

fn addr(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 9, 0, last], 50_000))
}

/// A joined peer sends these bytes to a downloader and is closed for this reason.
fn check(bytes: &[u8], expected: CloseReason) {
    let mut remote = leech();
    let key = remote.join(1);
    remote.bytes(key, bytes);
    assert_eq!(remote.close_reason(key), Some(expected));
    assert_eq!(remote.engine.summary().peers, 0);
}

#[test]
fn an_over_long_message_closes() {
    check(
        &[0, 8, 0, 0, 20],
        CloseReason::MessageTooLong { len: 0x8_0000, max: Config::default().message_len_max },
    );
}

#[test]
fn a_message_with_the_wrong_length_closes() {
    check(&[0, 0, 0, 2, 0, 0], CloseReason::MessageLength { id: 0, len: 2 });
}

#[test]
fn a_bitfield_of_the_wrong_length_closes() {
    check(&[0, 0, 0, 3, 5, 0, 0], CloseReason::BadBitfield { len: 2, expected: 1 });
}

#[test]
fn what_a_host_rejects_leaves_with_the_hosts_reason() {
    let mut remote = leech();
    let peer = remote.join(1);
    remote.input(Input::Rejected { peer, reason: CloseReason::WrongInfoHash });
    assert!(remote.events().contains(&Event::PeerLeft { peer, reason: CloseReason::WrongInfoHash }));
    assert_eq!(remote.engine.summary().peers, 0);
}

#[test]
fn a_later_bitfield_counts_as_the_haves_that_it_stands_for() {
    let mut remote = leech();
    let key = remote.join(1);
    remote.bytes(key, &[0, 0, 0, 5, 4, 0, 0, 0, 0]);
    remote.bytes(key, &[0, 0, 0, 2, 5, 0b0110_0000]);
    assert_eq!(remote.close_reason(key), None);
    assert_eq!(remote.engine.peers()[0].pieces_have, 3);
}

#[test]
fn indices_outside_the_torrent_close() {
    let outside = |piece, begin, len| CloseReason::OutOfRange { piece, begin, len };
    check(&[0, 0, 0, 5, 4, 0, 0, 0, 4], outside(4, 0, 0));
    for (piece, begin, len) in [(0, 32_768, BLOCK), (3, 0, BLOCK), (0, 0, 0), (1, u32::MAX, u32::MAX)] {
        let mut bytes = Vec::new();
        Message::Request(block(piece, begin, len)).encode(&mut bytes);
        check(&bytes, outside(piece, begin, len));
    }
    let mut header = vec![0, 0, 0x40, 9, 7, 0, 0, 0, 1];
    header.extend(32_000_u32.to_be_bytes());
    check(&header, outside(1, 32_000, BLOCK));
}

#[test]
fn what_is_no_bittorrent_closes() {
    let mut remote = leech();
    let key = remote.accept(addr(1));
    remote.bytes(key, b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(remote.close_reason(key), Some(CloseReason::NotBitTorrent));
}

#[test]
fn another_torrents_handshake_closes() {
    let mut remote = leech();
    let key = remote.accept(addr(1));
    remote.bytes(key, &handshake_bytes(InfoHash([9; 20]), PeerId([1; 20])));
    assert_eq!(remote.close_reason(key), Some(CloseReason::WrongInfoHash));
    assert!(remote.take_messages(key).is_empty(), "it is told nothing");
}

#[test]
fn meeting_ourselves_closes_and_the_address_is_never_tried_again() {
    let mut remote = leech();
    remote.input(Input::PeersFound { source: PeerSource::User, addrs: &[addr(1)] });
    let key = PeerKey(0);
    remote.input(Input::Connected { peer: key });
    let own = handshake_bytes(remote.content.metainfo.info_hash(), PeerId(*b"-SW0100-under-a-test"));
    remote.bytes(key, &own);
    assert_eq!(remote.close_reason(key), Some(CloseReason::OurOwnPeerId));
    remote.outputs.clear();
    remote.wait(4000);
    assert!(!remote.outputs.iter().any(|output| matches!(output, Output::Connect { .. })));
}

#[test]
fn of_two_connections_to_one_peer_the_newer_closes() {
    let mut remote = leech();
    let first = remote.join(1);
    let second = remote.join(1);
    assert_eq!(
        (remote.close_reason(first), remote.close_reason(second)),
        (None, Some(CloseReason::Duplicate))
    );
}

#[test]
fn when_both_sides_connect_the_greater_peer_id_keeps_its_connection() {
    for (their_id, incoming_stays) in [(*b"-ZZ0000-greater-----", true), (*b"-AA0000-smaller-----", false)] {
        for incoming_first in [false, true] {
            let mut remote = leech();
            let handshake = handshake_bytes(remote.content.metainfo.info_hash(), PeerId(their_id));
            remote.input(Input::PeersFound { source: PeerSource::User, addrs: &[addr(1)] });
            let outgoing = PeerKey(0);
            let incoming = remote.accept(SocketAddr::from(([10, 9, 0, 1], 4)));
            remote.input(Input::Connected { peer: outgoing });
            let order = if incoming_first { [incoming, outgoing] } else { [outgoing, incoming] };
            order.into_iter().for_each(|key| remote.bytes(key, &handshake));
            let loser = if incoming_stays { outgoing } else { incoming };
            let winner = if incoming_stays { incoming } else { outgoing };
            assert_eq!(remote.close_reason(loser), Some(CloseReason::Duplicate));
            assert_eq!(remote.close_reason(winner), None);
        }
    }
}

#[test]
fn a_connection_that_has_stood_for_a_while_stays_whoever_connects_again() {
    let mut remote = leech();
    remote.input(Input::PeersFound { source: PeerSource::User, addrs: &[addr(1)] });
    let smaller_id = PeerId(*b"-AA0000-smaller-----");
    let handshake = handshake_bytes(remote.content.metainfo.info_hash(), smaller_id);
    let incoming = remote.accept(SocketAddr::from(([10, 9, 0, 1], 4)));
    remote.bytes(incoming, &handshake);
    remote.wait(15);
    remote.input(Input::Connected { peer: PeerKey(0) });
    remote.wait(6);
    remote.bytes(PeerKey(0), &handshake);
    assert_eq!(remote.close_reason(PeerKey(0)), Some(CloseReason::Duplicate));
    assert_eq!(remote.close_reason(incoming), None);
}

#[test]
fn a_peer_that_comes_back_takes_the_place_of_its_silent_connection() {
    let mut remote = leech();
    let first = remote.join(1);
    remote.wait(29);
    let too_soon = remote.join(1);
    assert_eq!(remote.close_reason(too_soon), Some(CloseReason::Duplicate));
    remote.wait(1);
    let elsewhere = remote.accept(addr(2));
    let mut id = crate::util::REMOTE_ID;
    id.0[19] = 1;
    remote.bytes(elsewhere, &handshake_bytes(remote.content.metainfo.info_hash(), id));
    assert_eq!(remote.close_reason(elsewhere), Some(CloseReason::Duplicate), "anybody may name a peer id");
    let back = remote.join(1);
    assert_eq!((remote.close_reason(first), remote.close_reason(back)), (Some(CloseReason::Duplicate), None));
}

#[test]
fn a_flood_of_requests_closes() {
    let mut remote =
        seed(Config { requests_from_peer_max: 10, send_queue_bytes_max: 1, ..Config::default() });
    let key = remote.join(1);
    remote.says(key, &Message::Interested);
    for _ in 0..10 {
        remote.says(key, &Message::Request(block(0, 0, BLOCK)));
    }
    assert_eq!(remote.close_reason(key), None, "ten may wait");
    remote.says(key, &Message::Request(block(0, 0, BLOCK)));
    assert_eq!(remote.close_reason(key), Some(CloseReason::TooManyRequests { max: 10 }));
}

#[test]
fn ten_seconds_of_requests_at_a_time_are_no_flood() {
    let mut remote = seed(Config { upload_rate_max: Some(6_000_000), ..Config::default() });
    let key = remote.join(1);
    remote.says(key, &Message::Interested);
    let mut bytes = Vec::new();
    for nth in 0..30_000 {
        Message::Request(block(nth % 3, 0, BLOCK)).encode(&mut bytes);
    }
    remote.bytes(key, &bytes);
    assert_eq!(remote.close_reason(key), None);
    assert!(remote.engine.peers()[0].requests_in > 29_000);
}

#[test]
fn blocks_that_nobody_asked_for_are_wasted_and_too_many_close() {
    let content = content();
    let config = Config { unrequested_bytes_max: 40_000, ..Config::default() };
    let mut remote = Remote::new(config, &content, content.none());
    let key = remote.join(1);
    for _ in 0..2 {
        remote.sends(key, &block(0, 0, BLOCK));
    }
    assert_eq!(remote.close_reason(key), None);
    assert!(!remote.outputs.iter().any(|output| matches!(output, Output::Store { .. })), "they are not kept");
    remote.sends(key, &block(0, 0, BLOCK));
    assert_eq!(
        remote.close_reason(key),
        Some(CloseReason::UnrequestedBlocks { bytes: 3 * u64::from(BLOCK) })
    );
    assert_eq!(remote.engine.summary().wasted_bytes, 3 * u64::from(BLOCK));
}

#[test]
fn silence_closes_after_its_time_and_a_handshake_has_less() {
    let mut remote = leech();
    let mute = remote.accept(addr(1));
    let joined = remote.join(2);
    remote.wait(19);
    assert_eq!(remote.close_reason(mute), None);
    remote.wait(1);
    assert_eq!(remote.close_reason(mute), Some(CloseReason::TimedOut { silent_s: 20 }));
    remote.wait(219);
    assert_eq!(remote.close_reason(joined), None);
    remote.wait(1);
    assert_eq!(remote.close_reason(joined), Some(CloseReason::TimedOut { silent_s: 240 }));
}

#[test]
fn two_seeds_part() {
    let mut remote = seed(Config::default());
    let key = remote.join(1);
    remote.says(key, &Message::Bitfield(Bitfield::all(4)));
    assert_eq!(remote.close_reason(key), Some(CloseReason::BothSeeds));
    let growing = remote.join(2);
    for piece in 0..4 {
        assert_eq!(remote.close_reason(growing), None);
        remote.says(growing, &Message::Have(PieceIndex(piece)));
    }
    assert_eq!(remote.close_reason(growing), Some(CloseReason::BothSeeds));
}

#[test]
fn a_seed_is_tried_again_with_growing_patience_since_it_may_begin_anew() {
    let mut remote = seed(Config::default());
    remote.input(Input::PeersFound { source: PeerSource::User, addrs: &[addr(1)] });
    let mut tries = 0;
    for _ in 0..110 {
        let dialed = |output: &Output| match output {
            Output::Connect { peer, .. } => Some(*peer),
            _ => None,
        };
        if let Some(key) = remote.outputs.iter().find_map(dialed) {
            tries += 1;
            remote.outputs.clear();
            remote.input(Input::Connected { peer: key });
            let id = PeerId(*b"-XX0001-another-seed");
            remote.bytes(key, &handshake_bytes(remote.content.metainfo.info_hash(), id));
            remote.says(key, &Message::Bitfield(Bitfield::all(4)));
            assert_eq!(remote.close_reason(key), Some(CloseReason::BothSeeds));
        }
        remote.wait(1);
    }
    assert_eq!(tries, 4, "at once, after 15 s, 30 s and 60 s");
}

#[test]
fn a_full_house_refuses() {
    let content = content();
    let mut remote = Remote::new(Config { peers_max: 2, ..Config::default() }, &content, content.none());
    remote.join(1);
    remote.join(2);
    let third = remote.accept(addr(3));
    assert_eq!(remote.close_reason(third), Some(CloseReason::TooManyPeers { max: 2 }));
}

#[test]
fn a_pause_closes_all_and_refuses_who_comes() {
    let mut remote = leech();
    let key = remote.join(1);
    remote.input(Input::Pause);
    assert_eq!(remote.close_reason(key), Some(CloseReason::Stopped));
    let late = remote.accept(addr(2));
    assert_eq!(remote.close_reason(late), Some(CloseReason::Stopped));
}

#[test]
fn a_peer_that_is_gone_or_cannot_be_reached_is_told_apart() {
    let mut remote = leech();
    remote.input(Input::PeersFound { source: PeerSource::User, addrs: &[addr(1)] });
    remote.input(Input::Closed { peer: PeerKey(0) });
    let key = remote.join(2);
    remote.input(Input::Closed { peer: key });
    let left: Vec<_> = remote
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::PeerLeft { peer, reason } => Some((peer, reason)),
            _ => None,
        })
        .collect();
    assert_eq!(left, [(PeerKey(0), CloseReason::Unreachable), (key, CloseReason::RemoteClosed)]);
}

#[test]
fn corrupt_data_closes_and_bans_the_address() {
    let mut remote = leech();
    let key = remote.join_with(1, &Bitfield::all(4));
    remote.answers_all(key, VerifyOutcome::Mismatch);
    assert!(matches!(remote.close_reason(key), Some(CloseReason::CorruptData { .. })));
    let again = remote.accept(SocketAddr::from(([10, 9, 0, 1], 50_001)));
    assert_eq!(remote.close_reason(again), Some(CloseReason::Banned));
    remote.wait(3600);
    let later = remote.accept(addr(1));
    assert_eq!(remote.close_reason(later), None, "a ban ends");
}

#[test]
fn on_loopback_a_banned_peer_that_dials_again_is_known_by_its_id() {
    let mut remote = leech();
    let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let handshake = |last| {
        let mut id = crate::util::REMOTE_ID;
        id.0[19] = last;
        handshake_bytes(content().metainfo.info_hash(), id)
    };
    let key = remote.accept(loopback(50_000));
    remote.bytes(key, &handshake(1));
    remote.says(key, &Message::Bitfield(Bitfield::all(4)));
    remote.says(key, &Message::Unchoke);
    remote.answers_all(key, VerifyOutcome::Mismatch);
    assert!(matches!(remote.close_reason(key), Some(CloseReason::CorruptData { .. })));
    let [again, other] = [50_001, 50_002].map(|port| remote.accept(loopback(port)));
    remote.bytes(again, &handshake(1));
    remote.bytes(other, &handshake(2));
    assert_eq!((remote.close_reason(again), remote.close_reason(other)), (Some(CloseReason::Banned), None));
}

#[test]
#[should_panic(expected = "invariant: all outputs are taken")]
fn a_host_that_does_not_take_the_outputs_is_told() {
    let content = content();
    let mut engine =
        engine::Engine::new(Config::default(), content.metainfo.clone(), content.none(), PeerId([0; 20]), 1);
    let addrs = [addr(1)];
    engine.handle(engine::Instant::ZERO, Input::Start);
    engine.handle(engine::Instant::ZERO, Input::PeersFound { source: PeerSource::User, addrs: &addrs });
}
