//! Who keeps a place when all are taken, and who is refused for how long.

use std::net::{IpAddr, SocketAddr};

use engine::{
    AnnounceAnswer, BanReason, Bitfield, CloseReason, Config, Input, Message, Output, PeerKey, PeerSource,
    TrackerKey, UselessReason, VerifyOutcome,
};

use crate::util::{Content, Remote};

/// A downloader with room for this many peers.
fn downloader(peers_max: usize) -> Remote {
    let content = Content::new(4 * 65_536, 65_536);
    Remote::new(Config { peers_max, ..Config::default() }, &content, content.none())
}

fn found(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 9, 1, last], 6881))
}

fn connects_to(remote: &Remote, addr: SocketAddr) -> bool {
    remote.outputs.iter().any(|output| matches!(output, Output::Connect { addr: to, .. } if *to == addr))
}

#[test]
fn who_is_useless_for_minutes_makes_room_for_addresses_that_wait() {
    let mut remote = downloader(2);
    let useless = remote.join(1);
    let useful = remote.join_with(2, &remote.content.all());
    remote.says(useful, &Message::Interested);
    remote.wait(10);
    remote.input(Input::PeersFound { source: PeerSource::Tracker, addrs: &[found(1)] });
    for _ in 0..110 {
        remote.says(useful, &Message::KeepAlive);
        remote.wait(1);
    }
    assert!(remote.close_reason(useless).is_none() && !connects_to(&remote, found(1)));
    remote.wait(1);
    let why = UselessReason::NothingToTrade;
    assert_eq!(remote.close_reason(useless), Some(CloseReason::Replaced { why, useless_s: 120 }));
    assert!(connects_to(&remote, found(1)) && remote.close_reason(useful).is_none());
}

#[test]
fn nobody_is_replaced_while_nobody_waits() {
    let mut remote = downloader(1);
    let useless = remote.join(1);
    remote.wait(200);
    assert_eq!(remote.close_reason(useless), None);
}

#[test]
fn who_becomes_useful_again_has_its_time_again() {
    let mut remote = downloader(1);
    let peer = remote.join(1);
    remote.wait(100);
    remote.says(peer, &Message::Interested);
    remote.wait(2);
    remote.says(peer, &Message::NotInterested);
    remote.input(Input::PeersFound { source: PeerSource::Tracker, addrs: &[found(1)] });
    remote.wait(100);
    assert_eq!(remote.close_reason(peer), None);
    remote.wait(30);
    assert!(matches!(remote.close_reason(peer), Some(CloseReason::Replaced { .. })));
}

#[test]
fn who_comes_takes_the_place_of_the_useless() {
    let mut remote = downloader(1);
    let useless = remote.join(1);
    remote.wait(122);
    let newcomer = remote.join(2);
    assert!(matches!(remote.close_reason(useless), Some(CloseReason::Replaced { .. })));
    assert_eq!((remote.close_reason(newcomer), remote.engine.summary().peers), (None, 1));
    let third = remote.join(3);
    assert_eq!(remote.close_reason(third), Some(CloseReason::TooManyPeers { max: 1 }));
}

/// Whether a newcomer from 10.9.0.`newcomer` takes the place of an idle peer at 10.9.0.`idle`, while our own address is
/// known (or not).
fn outranks(newcomer: u8, idle: u8, external_ip: Option<IpAddr>) -> bool {
    let mut remote = downloader(1);
    let answer = AnnounceAnswer { external_ip, ..AnnounceAnswer::default() };
    remote.input(Input::Announced { tracker: TrackerKey(0), result: Ok(answer) });
    let idle = remote.join(idle);
    remote.says(idle, &Message::Interested);
    remote.wait(125);
    let newcomer = remote.join(newcomer);
    match (remote.close_reason(idle), remote.close_reason(newcomer)) {
        (Some(CloseReason::OutRanked), None) => true,
        (None, Some(CloseReason::TooManyPeers { max: 1 })) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_two_idle_peers_the_one_of_higher_canonical_priority_has_the_place() {
    let ours = Some(IpAddr::from([1, 2, 3, 4]));
    let (mut wins, pairs) = (0, [(1, 2), (3, 4), (5, 6), (7, 8), (17, 18), (33, 66)]);
    for (a, b) in pairs {
        let (a_wins, b_wins) = (outranks(a, b, ours), outranks(b, a, ours));
        assert!(!(a_wins && b_wins), "{a} {b}");
        wins += u32::from(a_wins) + u32::from(b_wins);
    }
    assert!(wins > 0);
    assert!(pairs.iter().all(|&(a, b)| !outranks(a, b, None) && !outranks(b, a, None)), "who knows?");
}

fn banned(remote: &mut Remote) -> PeerKey {
    let culprit = remote.join_with(1, &Bitfield::all(4));
    for _ in 0..4 {
        remote.answers_all(culprit, VerifyOutcome::Mismatch);
    }
    assert!(matches!(remote.close_reason(culprit), Some(CloseReason::CorruptData { .. })));
    culprit
}

#[test]
fn a_ban_is_listed_with_its_reason_until_it_is_over() {
    let mut remote = downloader(9);
    banned(&mut remote);
    let bans = remote.engine.bans();
    assert_eq!((bans.len(), bans[0].ip, bans[0].reason), (1, [10, 9, 0, 1].into(), BanReason::CorruptData));
    assert_eq!(bans[0].until, remote.now + Config::default().ban_duration);
    remote.wait(3600);
    assert_eq!(remote.engine.bans(), []);
}

#[test]
fn a_ban_that_is_lifted_refuses_nobody() {
    let mut remote = downloader(9);
    banned(&mut remote);
    let refused = remote.join(1);
    assert_eq!(remote.close_reason(refused), Some(CloseReason::Banned));
    remote.input(Input::Unban { ip: [10, 9, 0, 1].into() });
    assert_eq!(remote.engine.bans(), []);
    let welcome = remote.join(1);
    assert_eq!(remote.close_reason(welcome), None);
}
