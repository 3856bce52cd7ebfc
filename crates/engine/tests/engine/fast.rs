//! The fast extension (BEP 6): every request is answered, and a few pieces pass while the other side chokes.

use std::time::Duration;

use engine::{Bitfield, BlockRef, CloseReason, Config, Message, Output, PeerKey, PieceIndex, Reserved};

use crate::util::{Content, Net, Remote, Swarm};

const BLOCK: u32 = 16_384;
const PIECES: u32 = 20;
/// What our greeting and two blocks stay below, so that three blocks are handed out.
const THREE_BLOCKS: u64 = 40_000;

fn remote(have: &[u32], config: Config) -> Remote {
    let content = Content::new(PIECES as usize * 65_536, 65_536);
    let mut field = content.none();
    have.iter().for_each(|&piece| assert!(field.insert(PieceIndex(piece))));
    Remote::new(config, &content, field)
}

fn seed(config: Config) -> Remote {
    remote(&(0..PIECES).collect::<Vec<_>>(), config)
}

fn block(number: u32) -> BlockRef {
    BlockRef { piece: PieceIndex(number / 4), begin: number % 4 * BLOCK, len: BLOCK }
}

/// A peer that speaks the extension and has everything, or nothing.
fn join(remote: &mut Remote, last: u8, first: &Message) -> PeerKey {
    let key = remote.join_offering(last, Reserved::FAST);
    remote.says(key, first);
    key
}

/// What the peer was sent, but for the pieces that it is allowed.
fn take(remote: &mut Remote, key: PeerKey) -> Vec<Message> {
    let mut messages = remote.take_messages(key);
    messages.retain(|message| !matches!(message, Message::AllowedFast(_)));
    messages
}

fn take_allowed(remote: &mut Remote, key: PeerKey) -> Vec<PieceIndex> {
    let allowed = |message| match message {
        Message::AllowedFast(piece) => Some(piece),
        _ => None,
    };
    remote.take_messages(key).into_iter().filter_map(allowed).collect()
}

fn served(remote: &Remote, key: PeerKey) -> Vec<BlockRef> {
    let block = |output: &Output| match output {
        Output::SendBlock { peer, block, .. } if *peer == key => Some(*block),
        _ => None,
    };
    remote.outputs.iter().filter_map(block).collect()
}

#[test]
fn have_all_and_have_none_take_the_bitfields_place_among_those_who_speak_it() {
    for (have, fast, plain) in [
        (vec![], vec![Message::HaveNone], vec![]),
        ((0..PIECES).collect(), vec![Message::HaveAll], vec![Message::Bitfield(Bitfield::all(PIECES))]),
    ] {
        let mut remote = remote(&have, Config::default());
        let key = remote.join_offering(1, Reserved::FAST);
        assert_eq!(remote.take_messages(key), fast);
        let key = remote.join(2);
        assert_eq!(remote.take_messages(key), plain);
    }
    let mut some = remote(&[3], Config::default());
    let key = some.join_offering(1, Reserved::FAST);
    assert!(matches!(some.take_messages(key)[..], [Message::Bitfield(_)]));
}

#[test]
fn who_has_all_is_a_seed_and_who_has_none_is_not() {
    let mut remote = remote(&[], Config::default());
    join(&mut remote, 1, &Message::HaveAll);
    join(&mut remote, 2, &Message::HaveNone);
    let late = join(&mut remote, 3, &Message::HaveNone);
    remote.says(late, &Message::Have(PieceIndex(4)));
    remote.says(late, &Message::HaveAll);
    let have: Vec<u32> = remote.engine.peers().iter().map(|peer| peer.pieces_have).collect();
    assert_eq!(have, [PIECES, 0, PIECES]);
}

#[test]
fn a_request_that_is_not_served_is_refused_and_a_plain_peer_hears_nothing() {
    let mut remote = remote(&[0], Config { allowed_fast_pieces: 0, ..Config::default() });
    let fast = join(&mut remote, 1, &Message::HaveNone);
    let plain = remote.join(2);
    for (key, refused) in [(fast, true), (plain, false)] {
        let expected = |block| if refused { vec![Message::Reject(block)] } else { vec![] };
        take(&mut remote, key);
        remote.says(key, &Message::Request(block(0)));
        assert_eq!(take(&mut remote, key), expected(block(0)), "it is choked");
        remote.says(key, &Message::Interested);
        take(&mut remote, key);
        remote.says(key, &Message::Request(block(4)));
        assert_eq!(take(&mut remote, key), expected(block(4)), "we lack the piece");
    }
}

#[test]
fn a_choke_refuses_the_requests_that_wait() {
    let mut remote =
        seed(Config { send_queue_bytes_max: THREE_BLOCKS, allowed_fast_pieces: 0, ..Config::default() });
    let key = join(&mut remote, 1, &Message::HaveNone);
    remote.says(key, &Message::Interested);
    (0..6).for_each(|number| remote.says(key, &Message::Request(block(number))));
    assert_eq!(served(&remote, key), [block(0), block(1), block(2)]);
    remote.says(key, &Message::NotInterested);
    take(&mut remote, key);
    remote.wait(10);
    let mut expected = vec![Message::Choke];
    expected.extend((3..6).map(|number| Message::Reject(block(number))));
    assert_eq!(take(&mut remote, key), expected);
}

#[test]
fn a_cancel_is_answered_by_a_refusal_unless_the_block_is_out() {
    let mut remote = seed(Config { send_queue_bytes_max: THREE_BLOCKS, ..Config::default() });
    let key = join(&mut remote, 1, &Message::HaveNone);
    remote.says(key, &Message::Interested);
    (0..4).for_each(|number| remote.says(key, &Message::Request(block(number))));
    take(&mut remote, key);
    (0..4).for_each(|number| remote.says(key, &Message::Cancel(block(number))));
    assert_eq!(take(&mut remote, key), [Message::Reject(block(3))]);
    assert_eq!(served(&remote, key), [block(0), block(1), block(2)]);
}

#[test]
fn what_the_queue_cannot_take_is_refused_and_closes_a_plain_peer() {
    let config =
        Config { send_queue_bytes_max: THREE_BLOCKS, requests_from_peer_max: 3, ..Config::default() };
    let mut remote = seed(config);
    let fast = join(&mut remote, 1, &Message::HaveNone);
    let plain = remote.join(2);
    for key in [fast, plain] {
        remote.says(key, &Message::Interested);
        take(&mut remote, key);
        (0..7).for_each(|number| remote.says(key, &Message::Request(block(number))));
    }
    assert_eq!(take(&mut remote, fast), [Message::Reject(block(6))]);
    assert_eq!(remote.close_reason(fast), None);
    assert_eq!(remote.close_reason(plain), Some(CloseReason::TooManyRequests { max: 3 }));
}

#[test]
fn who_never_reads_the_refusals_is_closed() {
    let mut remote = seed(Config { allowed_fast_pieces: 0, ..Config::default() });
    let key = join(&mut remote, 1, &Message::HaveNone);
    let mut bytes = Vec::new();
    (0..200_000).for_each(|_| Message::Request(block(0)).encode(&mut bytes));
    remote.bytes(key, &bytes);
    assert!(matches!(remote.close_reason(key), Some(CloseReason::TooManyRequests { .. })));
}

#[test]
fn a_refused_block_is_asked_of_another_at_once_and_of_the_same_peer_after_a_while() {
    let mut remote = remote(&[], Config::default());
    let key = join(&mut remote, 1, &Message::HaveAll);
    remote.says(key, &Message::Unchoke);
    let asked = remote.take_requests(key);
    let other = join(&mut remote, 2, &Message::HaveAll);
    let refused = asked[0];
    remote.says(key, &Message::Reject(refused));
    assert_eq!(remote.engine.peers()[0].requests_out, asked.len() as u32 - 1);
    remote.says(other, &Message::Unchoke);
    assert!(remote.take_requests(other).contains(&refused));
    asked[1..].iter().for_each(|block| remote.sends(key, block));
    assert_eq!(remote.take_requests(key), [], "it has just refused");
    remote.wait(3);
    assert_ne!(remote.take_requests(key), []);
}

#[test]
fn a_choke_leaves_requests_standing_until_each_is_answered() {
    let mut remote = remote(&[], Config::default());
    let key = join(&mut remote, 1, &Message::HaveAll);
    remote.says(key, &Message::Unchoke);
    let asked = remote.take_requests(key);
    remote.says(key, &Message::Choke);
    assert_eq!(remote.engine.peers()[0].requests_out, asked.len() as u32);
    remote.sends(key, &asked[0]);
    asked[1..].iter().for_each(|block| remote.says(key, &Message::Reject(*block)));
    assert_eq!(remote.engine.peers()[0].requests_out, 0);
    assert_eq!(remote.engine.summary().wasted_bytes, 0);
    remote.says(key, &Message::Unchoke);
    assert_eq!(remote.take_requests(key).len(), asked.len(), "it was no refusal out of season");
}

#[test]
fn a_refusal_of_what_nobody_asked_for_closes() {
    let mut remote = remote(&[], Config::default());
    let key = join(&mut remote, 1, &Message::HaveAll);
    remote.says(key, &Message::Unchoke);
    let asked = remote.take_requests(key);
    remote.says(key, &Message::Reject(asked[0]));
    assert_eq!(remote.close_reason(key), None);
    remote.says(key, &Message::Reject(asked[0]));
    let BlockRef { piece, begin, len } = asked[0];
    let reason = CloseReason::UnrequestedReject { piece: piece.0, begin, len };
    assert_eq!(remote.close_reason(key), Some(reason));
}

#[test]
fn the_refusal_of_a_cancelled_request_is_its_answer() {
    let mut remote = remote(&(1..PIECES).collect::<Vec<_>>(), Config::default());
    let keys = [1, 2].map(|last| {
        let key = join(&mut remote, last, &Message::HaveAll);
        remote.says(key, &Message::Unchoke);
        key
    });
    // Both are asked for the only piece that is left; what one sends is cancelled at the other.
    let asked = keys.map(|key| remote.take_requests(key));
    let twice = *asked[0].iter().find(|block| asked[1].contains(block)).unwrap();
    remote.sends(keys[0], &twice);
    assert!(remote.take_messages(keys[1]).contains(&Message::Cancel(twice)));
    remote.says(keys[1], &Message::Reject(twice));
    assert_eq!(remote.close_reason(keys[1]), None);
    remote.says(keys[1], &Message::Reject(twice));
    assert!(matches!(remote.close_reason(keys[1]), Some(CloseReason::UnrequestedReject { .. })));
}

#[test]
fn a_peer_without_pieces_is_allowed_some_and_gets_them_while_it_is_choked() {
    let mut remote = seed(Config::default());
    let key = remote.join_offering(1, Reserved::FAST);
    remote.says(key, &Message::HaveNone);
    let allowed = take_allowed(&mut remote, key);
    assert_eq!(allowed.len() as u32, PIECES / 8);
    let [first, second] = allowed[..] else { panic!("{allowed:?}") };
    let of = |piece, nth| BlockRef { piece, begin: nth * BLOCK, len: BLOCK };
    let wanted: Vec<BlockRef> = [first, second].iter().flat_map(|&p| (0..4).map(move |n| of(p, n))).collect();
    wanted.iter().for_each(|block| remote.says(key, &Message::Request(*block)));
    assert_eq!(served(&remote, key), wanted);
    assert!(remote.engine.peers()[0].am_choking);
    // Not twice, and no other piece.
    take(&mut remote, key);
    let other = (0..PIECES).map(PieceIndex).find(|piece| !allowed.contains(piece)).unwrap();
    for block in [of(first, 0), of(other, 0)] {
        remote.says(key, &Message::Request(block));
        assert_eq!(take(&mut remote, key), [Message::Reject(block)]);
    }
}

#[test]
fn who_has_some_pieces_or_is_a_plain_peer_is_allowed_none() {
    let mut remote = seed(Config::default());
    let plain = remote.join(1);
    assert_eq!(take_allowed(&mut remote, plain), []);
    let mut has = Bitfield::none(PIECES);
    has.insert(PieceIndex(1));
    has.insert(PieceIndex(2));
    let key = remote.join_offering(2, Reserved::FAST);
    remote.says(key, &Message::Bitfield(has));
    assert_eq!(take_allowed(&mut remote, key), []);
}

#[test]
fn allowed_pieces_end_when_the_peer_has_as_many_of_any() {
    let mut remote = seed(Config::default());
    let key = remote.join_offering(1, Reserved::FAST);
    remote.says(key, &Message::HaveNone);
    let allowed = take_allowed(&mut remote, key);
    (0..2).for_each(|piece| remote.says(key, &Message::Have(PieceIndex(piece))));
    let block = BlockRef { piece: allowed[0], begin: 0, len: BLOCK };
    remote.says(key, &Message::Request(block));
    assert_eq!(take(&mut remote, key), [Message::Reject(block)]);
}

#[test]
fn every_pair_completes_without_waste() {
    for (seed_fast, downloader_fast) in [(true, true), (true, false), (false, true), (false, false)] {
        let config = |offers_fast| Config { offers_fast, ..Config::default() };
        let mut swarm = Swarm::new(Net::default(), Content::new(6_000_000, 65_536));
        swarm.add(config(seed_fast), swarm.content.all());
        swarm.add(config(downloader_fast), swarm.content.none());
        swarm.introduce(1, &[0]);
        let pair = (seed_fast, downloader_fast);
        assert!(swarm.run_until(Duration::from_secs(60), Swarm::all_complete), "{pair:?}");
        assert_eq!(swarm.nodes[1].engine.summary().wasted_bytes, 0, "{pair:?}");
        assert!(swarm.nodes[1].disk == *swarm.content.bytes, "{pair:?}");
    }
}

#[test]
fn chokes_in_a_crowd_waste_nothing_where_all_speak_it() {
    let mut swarm = Swarm::new(Net::default(), Content::new(4_000_000, 32_768));
    let config = Config { unchoke_slots: 1, ..Config::default() };
    swarm.add(config.clone(), swarm.content.all());
    (0..5).for_each(|_| {
        swarm.add(config.clone(), swarm.content.none());
    });
    (1..6).for_each(|node| swarm.introduce(node, &[0, 1, 2, 3, 4, 5]));
    assert!(swarm.run_until(Duration::from_secs(600), Swarm::all_complete));
    let faults: Vec<&CloseReason> = swarm
        .nodes
        .iter()
        .flat_map(|node| node.closed.iter().map(|(_, reason)| reason))
        .filter(|reason| {
            !matches!(reason, CloseReason::BothSeeds | CloseReason::Duplicate | CloseReason::OurOwnPeerId)
        })
        .collect();
    assert_eq!(faults, Vec::<&CloseReason>::new());
}

#[test]
fn suggestions_and_allowances_are_remembered_up_to_a_bound() {
    let content = Content::opaque(500 * 65_536, 65_536);
    let mut remote =
        Remote::new(Config { fast_pieces_max: 8, ..Config::default() }, &content, content.none());
    let key = join(&mut remote, 1, &Message::HaveNone);
    // The invariants hold the bound.
    for piece in 0..500 {
        remote.says(key, &Message::Suggest(PieceIndex(piece)));
        remote.says(key, &Message::AllowedFast(PieceIndex(piece)));
    }
    assert_eq!(remote.close_reason(key), None);
}
