//! Who is served, what, and who is choked and why.

use std::time::Duration;

use engine::{
    Bitfield, BlockRef, ChokeReason, Config, Event, Input, Message, Output, PeerKey, PieceIndex, Strategy,
    VerifyOutcome,
};

use crate::util::{Content, Remote};

const BLOCK: u32 = 16_384;

fn seed(config: Config) -> Remote {
    let content = Content::new(20 * 65_536, 65_536);
    Remote::new(config, &content, content.all())
}

fn block(number: u32) -> BlockRef {
    BlockRef { piece: PieceIndex(number / 4), begin: number % 4 * BLOCK, len: BLOCK }
}

fn served(remote: &Remote, key: PeerKey) -> Vec<BlockRef> {
    let block = |output: &Output| match output {
        Output::SendBlock { peer, block, .. } if *peer == key => Some(*block),
        _ => None,
    };
    remote.outputs.iter().filter_map(block).collect()
}

fn chokes(remote: &Remote) -> Vec<(PeerKey, bool, ChokeReason)> {
    let choke = |event| match event {
        Event::Choke { peer, choked, reason } => Some((peer, choked, reason)),
        _ => None,
    };
    remote.events().into_iter().filter_map(choke).collect()
}

#[test]
fn the_bitfield_comes_first_and_a_free_slot_at_once() {
    let mut remote = seed(Config::default());
    let key = remote.join(1);
    assert_eq!(remote.take_messages(key), [Message::Bitfield(Bitfield::all(20))]);
    remote.says(key, &Message::Interested);
    assert_eq!(remote.take_messages(key), [Message::Unchoke]);
}

#[test]
fn no_more_is_handed_out_than_the_connection_takes() {
    let mut remote = seed(Config { send_queue_bytes_max: 40_000, ..Config::default() });
    let key = remote.join(1);
    remote.says(key, &Message::Interested);
    (0..8).for_each(|number| remote.says(key, &Message::Request(block(number))));
    assert_eq!(served(&remote, key), [block(0), block(1), block(2)]);
    remote.says(key, &Message::Cancel(block(4)));
    remote.outputs.clear();
    remote.input(Input::Sent { peer: key, bytes: 2 * u64::from(BLOCK) });
    assert_eq!(served(&remote, key), [block(3), block(5)]);
    assert_eq!(remote.engine.summary().up_bytes, 2 * u64::from(BLOCK));
    assert_eq!(remote.engine.peers()[0].requests_in, 2);
}

#[test]
fn who_is_choked_or_asks_for_what_we_lack_gets_nothing() {
    let content = Content::new(20 * 65_536, 65_536);
    let mut have = content.none();
    have.insert(PieceIndex(0));
    let mut remote = Remote::new(Config::default(), &content, have);
    let key = remote.join(1);
    remote.says(key, &Message::Request(block(0)));
    assert_eq!(served(&remote, key), []);
    remote.says(key, &Message::Interested);
    remote.says(key, &Message::Request(block(4)));
    assert_eq!(served(&remote, key), []);
    remote.says(key, &Message::Request(block(0)));
    assert_eq!(served(&remote, key), [block(0)]);
}

#[test]
fn a_choke_drops_the_requests_that_wait() {
    let mut remote = seed(Config { send_queue_bytes_max: 1, ..Config::default() });
    let key = remote.join(1);
    remote.says(key, &Message::Interested);
    remote.says(key, &Message::Request(block(0)));
    remote.says(key, &Message::NotInterested);
    remote.wait(10);
    assert!(chokes(&remote).contains(&(key, true, ChokeReason::NotInterested)));
    remote.outputs.clear();
    remote.input(Input::Sent { peer: key, bytes: 1 << 20 });
    assert_eq!(served(&remote, key), []);
}

/// Reasons that these peers, and this way of trading, bring about; counted as the engine counts them.
fn reasons_of(remote: &Remote) -> Vec<ChokeReason> {
    let given: Vec<ChokeReason> = chokes(remote).into_iter().map(|(.., reason)| reason).collect();
    for reason in ChokeReason::ALL {
        let count = given.iter().filter(|other| *other == reason).count() as u64;
        assert_eq!(remote.engine.reason_counts().1[*reason as usize], count, "{reason:?}");
    }
    given
}

/// A downloader with one slot whose peers give in turn, so that the holder is out-bid every time.
fn traded(strategy: Strategy) -> (Remote, Vec<PeerKey>) {
    let content = Content::new(80 * 65_536, 65_536);
    let mut have = content.none();
    have.insert(PieceIndex(0));
    let config = Config { unchoke_slots: 1, strategy, upload_rate_max: Some(20_000), ..Config::default() };
    let mut remote = Remote::new(config, &content, have);
    let keys: Vec<PeerKey> = (1..=4).map(|last| remote.join_with(last, &Bitfield::all(80))).collect();
    keys.iter().for_each(|&key| remote.says(key, &Message::Interested));
    for round in 0..12 {
        remote.answers_all(keys[1 + round % 3], VerifyOutcome::Stored);
        remote.wait(10);
    }
    (remote, keys)
}

#[test]
fn every_choke_reason_is_given_and_counted() {
    let mut given = Vec::new();
    let (mut remote, keys) = traded(Strategy::Standard);
    // One that gives nothing for longer than a minute, one that gives most and wants nothing, and one that then does.
    remote.answers_all(keys[2], VerifyOutcome::Stored);
    remote.answers_all(keys[2], VerifyOutcome::Stored);
    remote.says(keys[2], &Message::NotInterested);
    remote.wait(10);
    remote.says(keys[2], &Message::Interested);
    remote.wait(90);
    remote.says(keys[0], &Message::NotInterested);
    remote.says(keys[1], &Message::NotInterested);
    remote.wait(10);
    given.extend(reasons_of(&remote));
    for strategy in [Strategy::BitTyrant, Strategy::PropShare] {
        let (mut remote, _) = traded(strategy);
        given.extend(reasons_of(&remote));
        remote.input(Input::SetStrategy(Strategy::FreeRider));
        remote.wait(10);
        given.extend(reasons_of(&remote));
    }
    for strategy in [Strategy::Standard, Strategy::FastestUpload] {
        let config = Config { unchoke_slots: 1, strategy, seed_turn_pieces: 1, ..Config::default() };
        let mut remote = seed(config);
        let keys: Vec<PeerKey> = (1..=6).map(|last| remote.join(last)).collect();
        keys.iter().for_each(|&key| remote.says(key, &Message::Interested));
        for round in 0..60 {
            let key = keys[round % 6];
            (0..8).for_each(|number| remote.says(key, &Message::Request(block(number))));
            remote.input(Input::Sent { peer: key, bytes: 8 * u64::from(BLOCK) });
            remote.wait(10);
        }
        given.extend(reasons_of(&remote));
    }
    for reason in ChokeReason::ALL {
        // A peer is choked from the start: why it stays so is no news, but stands in its snapshot.
        let is_state = matches!(reason, ChokeReason::AwaitingTurn);
        assert!(is_state || given.contains(reason), "{reason:?} was never given: {given:?}");
    }
}

#[test]
fn a_free_rider_may_be_converted_at_run_time_and_back() {
    let mut remote = seed(Config { strategy: Strategy::FreeRider, ..Config::default() });
    let key = remote.join(1);
    remote.says(key, &Message::Interested);
    remote.wait(30);
    assert_eq!(chokes(&remote), []);
    assert_eq!(remote.engine.peers()[0].choke_reason, Some(ChokeReason::FreeRiding));
    remote.input(Input::SetStrategy(Strategy::Standard));
    remote.wait(10);
    assert_eq!(chokes(&remote), [(key, false, ChokeReason::Turn)]);
    remote.input(Input::SetStrategy(Strategy::FreeRider));
    remote.wait(10);
    assert_eq!(chokes(&remote)[1], (key, true, ChokeReason::FreeRiding));
}

#[test]
fn a_share_is_what_a_peer_gets_and_no_more() {
    let content = Content::new(80 * 65_536, 65_536);
    let mut have = content.none();
    (0..20).for_each(|piece| {
        have.insert(PieceIndex(piece));
    });
    let strategy = Strategy::PropShare;
    let config = Config { strategy, optimistic_slots: 0, upload_rate_max: Some(60_000), ..Config::default() };
    let mut remote = Remote::new(config, &content, have);
    let keys: Vec<PeerKey> = (1..=2).map(|last| remote.join_with(last, &Bitfield::all(80))).collect();
    keys.iter().for_each(|&key| remote.says(key, &Message::Interested));
    // Twice as many blocks from the first as from the second.
    for (key, blocks) in [(keys[0], 4), (keys[1], 2)] {
        for block in remote.take_requests(key).into_iter().take(blocks) {
            remote.sends(key, &block);
        }
    }
    remote.wait(10);
    remote.outputs.clear();
    for &key in &keys {
        (0..80).for_each(|number| remote.says(key, &Message::Request(block(number))));
    }
    for _ in 0..180 {
        remote.now = remote.now + Duration::from_millis(50);
        for &key in &keys {
            remote.input(Input::Sent { peer: key, bytes: 1 << 20 });
        }
    }
    let sent = |key| served(&remote, key).len() as u32 * BLOCK;
    // 40 and 20 kB/s for nine seconds, and one block of overdraft.
    assert!(sent(keys[0]).abs_diff(368_000) <= 2 * BLOCK, "{}", sent(keys[0]));
    assert!(sent(keys[1]).abs_diff(184_000) <= 2 * BLOCK, "{}", sent(keys[1]));
}

#[test]
fn between_rounds_nobody_is_choked() {
    let mut remote = seed(Config::default());
    let keys: Vec<PeerKey> = (1..=8).map(|last| remote.join(last)).collect();
    for _ in 0..9 {
        for &key in &keys {
            remote.says(key, &Message::Interested);
            remote.says(key, &Message::NotInterested);
        }
        remote.wait(1);
    }
    assert!(chokes(&remote).iter().all(|(_, choked, _)| !choked));
}

#[test]
fn the_slots_are_never_exceeded_after_a_round() {
    let mut remote = seed(Config::default());
    let keys: Vec<PeerKey> = (1..=12).map(|last| remote.join(last)).collect();
    keys.iter().for_each(|&key| remote.says(key, &Message::Interested));
    for _ in 0..20 {
        remote.wait(10);
        let unchoked = remote.engine.peers().iter().filter(|peer| !peer.am_choking).count();
        assert_eq!(unchoked, 5, "four slots and an optimistic one");
    }
    let optimistic = remote.engine.peers().iter().filter(|peer| peer.is_optimistic).count();
    assert_eq!(optimistic, 1);
}
