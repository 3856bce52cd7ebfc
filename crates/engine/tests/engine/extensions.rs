//! The extension protocol (BEP 10) and what needs nothing else.

use std::net::IpAddr;

use engine::{
    Bitfield, BlockRef, CloseReason, Config, ExtendedHandshake, Extension, Input, Message, Output, PeerKey,
    PeerSource, PieceIndex, Reserved, Strategy, VerifyOutcome,
};

use crate::util::{Content, Remote};

fn content() -> Content {
    Content::new(20 * 65_536, 65_536)
}

fn downloader() -> Remote {
    let content = content();
    Remote::new(Config::default(), &content, content.none())
}

fn seed() -> Remote {
    let content = content();
    Remote::new(Config::default(), &content, content.all())
}

fn introduction(handshake: &ExtendedHandshake) -> Message {
    Message::Extended { id: 0, payload: handshake.encode() }
}

/// The extension messages among what this peer was sent: id and payload.
fn take_extended(remote: &mut Remote, key: PeerKey) -> Vec<(u8, Vec<u8>)> {
    let extended = |message| match message {
        Message::Extended { id, payload } => Some((id, payload)),
        _ => None,
    };
    remote.take_messages(key).into_iter().filter_map(extended).collect()
}

#[test]
fn who_offers_extensions_is_told_about_us_behind_the_bitfield() {
    let mut remote = seed();
    let plain = remote.join(1);
    assert_eq!(remote.take_messages(plain), [Message::Bitfield(Bitfield::all(20))]);
    let key = remote.join_offering(2, Reserved::EXTENDED);
    let messages = remote.take_messages(key);
    let [Message::Bitfield(_), Message::Extended { id: 0, payload }] = &messages[..] else {
        panic!("{messages:?}")
    };
    let said = ExtendedHandshake::parse(payload).unwrap();
    assert_eq!(said.your_ip, Some(IpAddr::from([10, 9, 0, 2])));
    assert_eq!(said.requests_max, Some(Config::default().requests_from_peer_max));
    assert_eq!((said.is_upload_only, said.port), (Some(true), None));
    assert_eq!(said.id(Extension::UploadOnly), Some(Extension::UploadOnly.local_id()));
    assert!(said.client.unwrap().starts_with("Swarmscope "));
}

#[test]
fn who_does_not_want_extensions_offers_none() {
    let content = content();
    let config = Config { offers_extensions: false, ..Config::default() };
    let mut remote = Remote::new(config, &content, content.none());
    let key = remote.join_offering(1, Reserved::EXTENDED);
    assert_eq!(take_extended(&mut remote, key), []);
    remote.says(key, &Message::Extended { id: 0, payload: b"junk".to_vec() });
    assert_eq!(remote.close_reason(key), None);
}

#[test]
fn a_bitfield_counts_as_the_first_word_behind_an_introduction() {
    let mut remote = downloader();
    let key = remote.join_offering(1, Reserved::EXTENDED);
    remote.says(key, &introduction(&ExtendedHandshake::default()));
    remote.says(key, &Message::Bitfield(Bitfield::all(20)));
    assert_eq!(remote.engine.peers()[0].pieces_have, 20);
}

#[test]
fn no_more_is_requested_than_the_peer_lets_wait() {
    let mut remote = downloader();
    let key = remote.join_offering(1, Reserved::EXTENDED);
    remote.says(key, &introduction(&ExtendedHandshake { requests_max: Some(2), ..Default::default() }));
    remote.says(key, &Message::Bitfield(Bitfield::all(20)));
    remote.says(key, &Message::Unchoke);
    for _ in 0..5 {
        let requests = remote.take_requests(key);
        assert_eq!(remote.engine.peers()[0].requests_out, 2);
        requests.iter().for_each(|block| remote.sends(key, block));
    }
    assert_eq!(remote.engine.peers()[0].requests_depth, 2);
}

#[test]
fn messages_go_out_under_the_peers_id_until_it_takes_the_id_back() {
    for (ids, expected) in [(&[9][..], &[(9, vec![1])][..]), (&[9, 0], &[]), (&[9, 0, 4], &[(4, vec![1])])] {
        let mut remote = downloader();
        let key = remote.join_offering(1, Reserved::EXTENDED);
        remote.says(key, &Message::Bitfield(Bitfield::all(20)));
        for &id in ids {
            remote.says(key, &introduction(&ExtendedHandshake::default().with(Extension::UploadOnly, id)));
        }
        // It has everything by now, and would be left; another one gives us the pieces and takes none.
        let taker = remote.join_offering(2, Reserved::EXTENDED);
        for &id in ids {
            remote.says(taker, &introduction(&ExtendedHandshake::default().with(Extension::UploadOnly, id)));
        }
        take_extended(&mut remote, taker);
        remote.says(key, &Message::Unchoke);
        while !remote.engine.summary().is_complete {
            remote.answers_all(key, VerifyOutcome::Stored);
        }
        assert_eq!(take_extended(&mut remote, taker), expected, "{ids:?}");
    }
}

#[test]
fn a_peer_names_its_client_itself_if_that_says_more() {
    let mut remote = downloader();
    let key = remote.join_offering(1, Reserved::EXTENDED);
    let from_id = remote.engine.peers()[0].client.clone();
    let mut name = |client: &str| {
        let handshake = ExtendedHandshake { client: Some(client.into()), ..Default::default() };
        remote.says(key, &introduction(&handshake));
        remote.engine.peers()[0].client.clone()
    };
    assert_eq!(name("x"), from_id);
    assert_eq!(name("Some client, nightly build 7"), "Some client, nightly build 7");
}

#[test]
fn our_address_is_what_most_peers_see() {
    let mut remote = downloader();
    let like = IpAddr::from([0, 0, 0, 0]);
    for (last, ours, majority) in [(1, 66, 66), (2, 7, 7), (3, 7, 7), (4, 66, 7)] {
        let key = remote.join_offering(last, Reserved::EXTENDED);
        let your_ip = Some(IpAddr::from([80, 4, 4, ours]));
        remote.says(key, &introduction(&ExtendedHandshake { your_ip, ..Default::default() }));
        assert_eq!(remote.engine.external_ip(like), Some(IpAddr::from([80, 4, 4, majority])), "{last}");
    }
    assert_eq!(remote.engine.external_ip(IpAddr::from([0; 16])), None);
}

#[test]
fn malformed_messages_close_and_unknown_ones_are_ignored() {
    let mut remote = downloader();
    for (last, id, payload, extension) in
        [(1, 0, &b"le"[..], "handshake"), (2, 0, b"", "handshake"), (3, 3, b"12", "upload_only")]
    {
        let key = remote.join_offering(last, Reserved::EXTENDED);
        remote.says(key, &Message::Extended { id, payload: payload.to_vec() });
        let len = payload.len() as u32;
        assert_eq!(remote.close_reason(key), Some(CloseReason::BadExtended { extension, len }));
    }
    let key = remote.join_offering(4, Reserved::EXTENDED);
    remote.says(key, &Message::Extended { id: 99, payload: b"le".to_vec() });
    assert_eq!(remote.close_reason(key), None);
}

#[test]
fn two_that_download_nothing_part() {
    let upload_only = ExtendedHandshake { is_upload_only: Some(true), ..Default::default() };
    let mut remote = seed();
    let by_handshake = remote.join_offering(1, Reserved::EXTENDED);
    remote.says(by_handshake, &Message::Have(PieceIndex(3)));
    assert_eq!(remote.close_reason(by_handshake), None);
    remote.says(by_handshake, &introduction(&upload_only));
    assert_eq!(remote.close_reason(by_handshake), Some(CloseReason::BothUploadOnly));
    let by_message = remote.join_offering(2, Reserved::EXTENDED);
    remote.says(by_message, &Message::Extended { id: 3, payload: vec![0] });
    assert_eq!(remote.close_reason(by_message), None);
    remote.says(by_message, &Message::Extended { id: 3, payload: vec![1] });
    assert_eq!(remote.close_reason(by_message), Some(CloseReason::BothUploadOnly));

    let mut remote = downloader();
    let giver = remote.join_offering(1, Reserved::EXTENDED);
    remote.says(giver, &introduction(&upload_only));
    assert_eq!(remote.close_reason(giver), None, "we still want something");
}

#[test]
fn messages_of_the_fast_extension_need_both_sides_offer() {
    for message in [Message::HaveAll, Message::HaveNone, Message::Suggest(PieceIndex(1))] {
        let mut remote = downloader();
        let key = remote.join(1);
        remote.says(key, &message);
        assert_eq!(remote.close_reason(key), Some(CloseReason::NotOffered { bep: 6 }), "{message:?}");
    }
}

fn dont_have(piece: u32) -> Message {
    Message::Extended { id: Extension::DontHave.local_id(), payload: piece.to_be_bytes().to_vec() }
}

#[test]
fn a_piece_that_the_peer_has_lost_is_neither_counted_nor_asked_for() {
    for first in [Message::HaveAll, Message::Bitfield(Bitfield::all(20))] {
        let mut remote = downloader();
        let key = remote.join_offering(1, Reserved::EXTENDED.with(Reserved::FAST));
        remote.says(key, &first);
        // The invariants recount availability and wanted pieces.
        (0..18).for_each(|piece| remote.says(key, &dont_have(piece)));
        remote.says(key, &dont_have(3));
        assert_eq!(remote.engine.peers()[0].pieces_have, 2);
        remote.says(key, &Message::Unchoke);
        let asked = remote.take_requests(key);
        assert!(!asked.is_empty() && asked.iter().all(|block| block.piece.0 >= 18), "{asked:?}");
        let lost = asked[0].piece;
        remote.says(key, &dont_have(lost.0));
        let still = asked.iter().filter(|block| block.piece != lost).count() as u32;
        assert!(remote.engine.peers()[0].requests_out <= still + 4, "its blocks are free");
        // The answer to what was asked before is no fault, whichever it is.
        remote.says(key, &Message::Reject(asked[0]));
        remote.sends(key, &asked[1]);
        assert_eq!(remote.close_reason(key), None);
        (0..20).for_each(|piece| remote.says(key, &dont_have(piece)));
        assert!(!remote.engine.peers()[0].am_interested);
    }
}

/// Loses piece 3 and has it again.
fn loses_and_has_again(remote: &mut Remote, key: PeerKey) {
    remote.says(key, &dont_have(3));
    remote.says(key, &Message::Have(PieceIndex(3)));
}

#[test]
fn who_loses_a_piece_again_and_again_may_not_send_more_for_it() {
    let content = content();
    for offers in [Reserved::EXTENDED, Reserved::EXTENDED.with(Reserved::FAST)] {
        let config = Config { unrequested_bytes_max: 100_000, ..Config::default() };
        let mut remote = Remote::new(config, &content, content.none());
        let key = remote.join_offering(1, offers);
        let mut only = content.none();
        only.insert(PieceIndex(3));
        remote.says(key, &Message::Bitfield(only));
        remote.says(key, &Message::Unchoke);
        for _ in 0..100 {
            loses_and_has_again(&mut remote, key);
        }
        assert_eq!(remote.close_reason(key), None);
        assert!(!remote.take_requests(key).is_empty());
        let junk = BlockRef { piece: PieceIndex(9), begin: 0, len: 16_384 };
        (0..7).for_each(|_| remote.sends(key, &junk));
        assert_eq!(remote.close_reason(key), Some(CloseReason::UnrequestedBlocks { bytes: 7 * 16_384 }));
    }
}

#[test]
fn who_loses_a_piece_again_and_again_does_not_seem_to_receive_much() {
    let content = content();
    let config = Config {
        strategy: Strategy::BitTyrantSelfish,
        upload_rate_max: Some(16_000),
        unchoke_slots: 1,
        ..Config::default()
    };
    let mut remote = Remote::new(config, &content, content.none());
    let (looping, honest) = (remote.join_offering(1, Reserved::EXTENDED), remote.join(2));
    for _ in 0..1000 {
        loses_and_has_again(&mut remote, looping);
    }
    (0..10).for_each(|piece| remote.says(honest, &Message::Have(PieceIndex(piece))));
    // The first round believes of each what it announced; the second one gives the slot to the better of those who want it.
    remote.wait(11);
    [looping, honest].into_iter().for_each(|key| remote.says(key, &Message::Interested));
    remote.wait(11);
    let unchoked: Vec<PeerKey> =
        remote.engine.peers().iter().filter(|peer| !peer.am_choking).map(|peer| peer.peer).collect();
    assert_eq!(unchoked, [honest]);
}

#[test]
fn a_reject_of_each_request_for_a_lost_piece_is_no_fault_and_one_more_is() {
    let mut remote = downloader();
    let key = remote.join_offering(1, Reserved::EXTENDED.with(Reserved::FAST));
    let mut only = remote.content.none();
    only.insert(PieceIndex(3));
    remote.says(key, &Message::Bitfield(only));
    remote.says(key, &Message::Unchoke);
    for _ in 0..100 {
        let asked = remote.take_requests(key);
        assert!(!asked.is_empty());
        loses_and_has_again(&mut remote, key);
        asked.iter().for_each(|block| remote.says(key, &Message::Reject(*block)));
        assert_eq!(remote.close_reason(key), None);
        // Rejected while it is asked anew, a request rests for a while.
        remote.wait(3);
    }
    let block = BlockRef { piece: PieceIndex(9), begin: 0, len: 16_384 };
    remote.says(key, &Message::Reject(block));
    let reason = CloseReason::UnrequestedReject { piece: 9, begin: 0, len: 16_384 };
    assert_eq!(remote.close_reason(key), Some(reason));
}

#[test]
fn a_lost_piece_outside_the_torrent_or_of_no_length_is_malformed() {
    for payload in [&20_u32.to_be_bytes()[..], b"", b"\0\0\0\0\0"] {
        let mut remote = downloader();
        let key = remote.join_offering(1, Reserved::EXTENDED);
        remote
            .says(key, &Message::Extended { id: Extension::DontHave.local_id(), payload: payload.to_vec() });
        let reason = CloseReason::BadExtended { extension: "lt_donthave", len: payload.len() as u32 };
        assert_eq!(remote.close_reason(key), Some(reason));
    }
}

#[test]
fn a_peer_that_names_ever_new_ports_leaves_room_for_addresses_of_others() {
    let content = content();
    let config = Config { known_peers_max: 10, ..Config::default() };
    let mut remote = Remote::new(config, &content, content.none());
    let key = remote.join_offering(1, Reserved::EXTENDED);
    for port in 1..=20 {
        remote.says(key, &introduction(&ExtendedHandshake { port: Some(port), ..Default::default() }));
    }
    let found = ([10, 9, 0, 2], 6881).into();
    remote.input(Input::PeersFound { source: PeerSource::Tracker, addrs: &[found] });
    let connects = |output: &Output| matches!(output, Output::Connect { addr, .. } if *addr == found);
    assert!(remote.outputs.iter().any(connects));
}

#[test]
fn who_asks_for_metadata_on_and_on_without_reading_is_closed() {
    let content = content();
    let config = Config { send_queue_bytes_max: 40_000, ..Config::default() };
    let mut remote = Remote::new(config, &content, content.all());
    let key = remote.join_offering(1, Reserved::EXTENDED);
    remote.says(key, &introduction(&ExtendedHandshake::default().with(Extension::Metadata, 3)));
    let payload = b"d8:msg_typei0e5:piecei9999ee".to_vec();
    let mut asks = Vec::new();
    Message::Extended { id: Extension::Metadata.local_id(), payload }.encode(&mut asks);
    let asks = asks.repeat(1000);
    (0..50).for_each(|_| remote.bytes(key, &asks));
    assert!(matches!(remote.close_reason(key), Some(CloseReason::TooManyRequests { .. })));
}
