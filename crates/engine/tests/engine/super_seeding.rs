//! Super-seeding (BEP 16): one piece after another, to whoever passes them on.

use std::time::Duration;

use engine::{BlockRef, Config, Event, Input, Message, Output, PeerKey, PieceIndex, Reserved, RevealReason};

use crate::util::{Content, Net, Remote, Swarm};

const BLOCK: u32 = 16_384;

fn super_seed() -> Remote {
    let content = Content::new(20 * 65_536, 65_536);
    Remote::new(Config { super_seed: true, ..Config::default() }, &content, content.all())
}

/// The piece that this peer was shown since the last call, and nothing else.
fn shown(remote: &mut Remote, key: PeerKey) -> Option<PieceIndex> {
    let shown = |message| match message {
        Message::Have(piece) => Some(piece),
        _ => None,
    };
    let pieces: Vec<PieceIndex> = remote.take_messages(key).into_iter().filter_map(shown).collect();
    assert!(pieces.len() <= 1, "{pieces:?}");
    pieces.first().copied()
}

fn reasons(remote: &Remote) -> Vec<RevealReason> {
    let reason = |event| match event {
        Event::Revealed { reason, .. } => Some(reason),
        _ => None,
    };
    remote.events().into_iter().filter_map(reason).collect()
}

#[test]
fn a_super_seed_looks_like_a_downloader_that_has_one_piece() {
    let mut remote = super_seed();
    let fast = remote.join_offering(1, Reserved::FAST);
    assert_eq!(remote.take_messages(fast), [Message::HaveNone]);
    remote.says(fast, &Message::HaveNone);
    let messages = remote.take_messages(fast);
    assert!(matches!(messages[..], [Message::Have(_)]), "{messages:?}");
    let plain = remote.join(2);
    assert_eq!(remote.take_messages(plain), []);
    remote.wait(2);
    assert!(shown(&mut remote, plain).is_some());
}

#[test]
fn peers_are_shown_different_pieces_and_get_no_others() {
    let mut remote = super_seed();
    let keys = [1, 2, 3].map(|last| remote.join_offering(last, Reserved::FAST));
    let pieces = keys.map(|key| {
        remote.says(key, &Message::HaveNone);
        shown(&mut remote, key).unwrap()
    });
    assert!(pieces[0] != pieces[1] && pieces[1] != pieces[2] && pieces[0] != pieces[2]);
    remote.says(keys[0], &Message::Interested);
    remote.take_messages(keys[0]);
    let of = |piece| BlockRef { piece, begin: 0, len: BLOCK };
    remote.says(keys[0], &Message::Request(of(pieces[1])));
    assert_eq!(remote.take_messages(keys[0]), [Message::Reject(of(pieces[1]))]);
    remote.says(keys[0], &Message::Request(of(pieces[0])));
    assert!(remote.outputs.iter().any(|output| matches!(output, Output::SendBlock { .. })));
}

#[test]
fn the_next_piece_is_shown_when_another_peer_has_the_last_one() {
    let mut remote = super_seed();
    let [giver, taker] = [1, 2].map(|last| remote.join_offering(last, Reserved::FAST));
    let [first, other] = [giver, taker].map(|key| {
        remote.says(key, &Message::HaveNone);
        shown(&mut remote, key).unwrap()
    });
    remote.says(giver, &Message::Have(first));
    remote.wait(5);
    assert_eq!(shown(&mut remote, giver), None, "it keeps what it has");
    remote.says(taker, &Message::Have(first));
    let second = shown(&mut remote, giver).unwrap();
    assert!(second != first && second != other, "what nobody has seen comes first");
    assert_eq!(shown(&mut remote, taker), None, "it was shown another one");
    assert_eq!(reasons(&remote), [RevealReason::First, RevealReason::First, RevealReason::PassedOn]);
}

#[test]
fn who_is_alone_or_waits_for_long_is_shown_the_next_piece_all_the_same() {
    let mut remote = super_seed();
    let key = remote.join_offering(1, Reserved::FAST);
    remote.says(key, &Message::HaveNone);
    let first = shown(&mut remote, key).unwrap();
    remote.says(key, &Message::Have(first));
    let second = shown(&mut remote, key).unwrap();
    let other = remote.join_offering(2, Reserved::FAST);
    remote.says(other, &Message::HaveNone);
    remote.says(key, &Message::Have(second));
    remote.wait(59);
    assert_eq!(shown(&mut remote, key), None);
    remote.wait(2);
    assert!(shown(&mut remote, key).is_some());
    let expected = [RevealReason::First, RevealReason::Alone, RevealReason::First, RevealReason::Patience];
    assert_eq!(reasons(&remote), expected);
}

#[test]
fn a_super_seed_that_ends_shows_everything_and_hides_nothing_from_who_comes() {
    let mut remote = super_seed();
    let key = remote.join_offering(1, Reserved::FAST);
    remote.says(key, &Message::HaveNone);
    shown(&mut remote, key).unwrap();
    remote.input(Input::SetSuperSeed(false));
    assert_eq!(remote.take_messages(key).len(), 19);
    let next = remote.join_offering(2, Reserved::FAST);
    assert_eq!(remote.take_messages(next), [Message::HaveAll]);
    remote.input(Input::SetSuperSeed(true));
    let hidden = remote.join_offering(3, Reserved::FAST);
    assert_eq!(remote.take_messages(hidden), [Message::HaveNone]);
}

#[test]
fn a_downloader_hides_nothing_though_it_would_super_seed() {
    let content = Content::new(20 * 65_536, 65_536);
    let mut have = content.none();
    have.insert(PieceIndex(3));
    let config = Config { super_seed: true, ..Config::default() };
    let mut remote = Remote::new(config, &content, have.clone());
    let key = remote.join(1);
    assert_eq!(remote.take_messages(key), [Message::Bitfield(have)]);
}

/// What a slow seed sends until six others have everything, in percent of the content, and how long that takes.
fn sent_percent(super_seed: bool) -> (u64, Duration) {
    let content = Content::new(3_000_000, 32_768);
    let net = Net { up_rate: Some(1_000_000), is_checked: super_seed, ..Net::default() };
    let mut swarm = Swarm::new(net, content);
    swarm.add(Config { super_seed, ..Config::default() }, swarm.content.all());
    swarm.nodes[0].up_rate = Some(200_000);
    let everybody: Vec<usize> = (0..7).collect();
    (1..7).for_each(|_| {
        swarm.add(Config::default(), swarm.content.none());
    });
    (1..7).for_each(|node| swarm.introduce(node, &everybody));
    let start = swarm.now;
    assert!(swarm.run_until(Duration::from_secs(900), Swarm::all_complete), "super-seed: {super_seed}");
    let sent: u64 = swarm.nodes[0].served.iter().map(|block| u64::from(block.len)).sum();
    (sent * 100 / 3_000_000, swarm.now.since(start))
}

#[test]
fn a_slow_super_seed_sends_each_piece_little_more_than_once() {
    let ((plain, plain_time), (super_seed, super_time)) = (sent_percent(false), sent_percent(true));
    println!("seed sent {plain} % in {plain_time:?}, as a super-seed {super_seed} % in {super_time:?}");
    assert!((100..=120).contains(&super_seed), "{super_seed} %, as an ordinary seed {plain} %");
    assert!(plain > super_seed, "{plain} % as an ordinary seed, {super_seed} % as a super-seed");
}
