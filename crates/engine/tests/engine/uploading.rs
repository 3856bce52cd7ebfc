//! Who is served, what, and who is choked and why.

use engine::{
    Bitfield, BlockRef, ChokeReason, Config, Event, Input, Message, Output, PeerKey, PieceIndex,
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

#[test]
fn every_choke_reason_is_given_and_counted() {
    let content = Content::new(20 * 65_536, 65_536);
    let mut have = content.none();
    have.insert(PieceIndex(0));
    let config = Config { unchoke_slots: 1, ..Config::default() };
    let mut remote = Remote::new(config.clone(), &content, have);
    let giving = Bitfield::all(20);
    let keys: Vec<PeerKey> = (1..=4).map(|last| remote.join_with(last, &giving)).collect();
    keys.iter().for_each(|&key| remote.says(key, &Message::Interested));
    // Whoever has no slot gives most from now on, so that the holder is out-bid.
    for round in 0..12 {
        let giver = keys[1 + round % 3];
        remote.answers_all(giver, VerifyOutcome::Stored);
        remote.wait(10);
    }
    // Whoever holds a slot now, by merit or by chance, wants it no longer.
    keys.iter().for_each(|&key| remote.says(key, &Message::NotInterested));
    remote.wait(10);
    let mut given: Vec<ChokeReason> = chokes(&remote).into_iter().map(|(.., reason)| reason).collect();
    for reason in ChokeReason::ALL {
        let count = given.iter().filter(|other| *other == reason).count() as u64;
        assert_eq!(remote.engine.reason_counts().1[*reason as usize], count, "{reason:?}");
    }
    let mut seed = seed(config);
    let key = seed.join(1);
    seed.says(key, &Message::Interested);
    given.extend(chokes(&seed).into_iter().map(|(.., reason)| reason));
    for reason in ChokeReason::ALL {
        assert!(given.contains(reason), "{reason:?} was never given: {given:?}");
    }
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
