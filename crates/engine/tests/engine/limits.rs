//! What the user sets while an engine runs: limits, shares of a common limit, and goals.

use std::time::Duration;

use engine::{
    Bitfield, BlockRef, CloseReason, Config, Demand, Event, Goal, Goals, History, Input, Limits, Message,
    Output, PartialPieces, PeerKey, PieceIndex, Share, share,
};

use crate::util::{Content, Net, Remote, Swarm};

const BLOCK: u32 = 16_384;

fn up_bytes(swarm: &Swarm, node: usize) -> u64 {
    swarm.nodes[node].engine.summary().up_bytes
}

#[test]
fn a_limit_may_change_while_bytes_flow() {
    let mut swarm = Swarm::new(Net::default(), Content::new(9_000_000, 65_536));
    swarm.add(Config::default(), swarm.content.all());
    swarm.add(Config::default(), swarm.content.none());
    swarm.introduce(1, &[0]);
    swarm.run_for(Duration::from_secs(1));
    let limited = |upload_rate_max| Limits { upload_rate_max, ..Config::default().limits() };
    swarm.input(0, Input::SetLimits(limited(Some(50_000))));
    // What was handed out before is still on its way.
    swarm.run_for(Duration::from_secs(2));
    let before = up_bytes(&swarm, 0);
    swarm.run_for(Duration::from_secs(10));
    let sent = up_bytes(&swarm, 0) - before;
    assert!(sent.abs_diff(500_000) < 40_000, "{sent}");
    swarm.input(0, Input::SetLimits(limited(None)));
    assert!(swarm.run_until(Duration::from_secs(10), Swarm::all_complete));
}

#[test]
fn a_download_limit_may_come_and_go() {
    let mut swarm = Swarm::new(Net::default(), Content::new(6_000_000, 65_536));
    let limited = |download_rate_max| Limits { download_rate_max, ..Config::default().limits() };
    swarm.add(Config::default(), swarm.content.all());
    swarm.add(Config { download_rate_max: Some(0), ..Config::default() }, swarm.content.none());
    swarm.introduce(1, &[0]);
    swarm.run_for(Duration::from_secs(5));
    assert_eq!(swarm.nodes[1].engine.summary().down_bytes, 0);
    swarm.input(1, Input::SetLimits(limited(Some(100_000))));
    swarm.run_for(Duration::from_secs(10));
    let got = swarm.nodes[1].engine.summary().down_bytes;
    assert!(got.abs_diff(1_000_000) < 80_000, "{got}");
    swarm.input(1, Input::SetLimits(limited(None)));
    assert!(swarm.run_until(Duration::from_secs(10), Swarm::all_complete));
}

#[test]
fn engines_of_one_host_share_a_limit_and_the_idle_one_leaves_its_part() {
    const LIMIT: u64 = 200_000;
    let mut swarm = Swarm::new(Net::default(), Content::new(9_000_000, 65_536));
    for _ in 0..2 {
        swarm.add(Config::default(), swarm.content.all());
    }
    for seed in [0, 1] {
        let downloader = swarm.add(Config::default(), swarm.content.none());
        swarm.introduce(downloader, &[seed]);
    }
    let run_shared = |swarm: &mut Swarm, seconds: u64| {
        for _ in 0..2 * seconds {
            let demands = [0, 1].map(|node| swarm.nodes[node].engine.demands().upload);
            for (node, part) in share(LIMIT, &demands).into_iter().enumerate() {
                swarm.input(
                    node,
                    Input::SetShare(Share { upload_rate_max: Some(part), download_rate_max: None }),
                );
            }
            swarm.run_for(Duration::from_millis(500));
        }
    };
    run_shared(&mut swarm, 3);
    let before = [up_bytes(&swarm, 0), up_bytes(&swarm, 1)];
    run_shared(&mut swarm, 10);
    let sent = [up_bytes(&swarm, 0) - before[0], up_bytes(&swarm, 1) - before[1]];
    assert!(sent.iter().all(|sent| sent.abs_diff(1_000_000) < 150_000), "{sent:?}");
    swarm.input(2, Input::Pause);
    run_shared(&mut swarm, 3);
    let before = up_bytes(&swarm, 1);
    run_shared(&mut swarm, 10);
    let sent = up_bytes(&swarm, 1) - before;
    assert!((1_750_000..2_050_000).contains(&sent), "{sent}");
}

#[test]
fn the_smaller_of_limit_and_share_counts() {
    let content = Content::new(20 * 65_536, 65_536);
    let mut remote =
        Remote::new(Config { upload_rate_max: Some(0), ..Config::default() }, &content, content.all());
    remote.input(Input::SetShare(Share { upload_rate_max: Some(1 << 30), download_rate_max: None }));
    let key = remote.join(1);
    remote.says(key, &Message::Interested);
    remote.says(key, &Message::Request(BlockRef { piece: PieceIndex(0), begin: 0, len: BLOCK }));
    remote.wait(2);
    let is_served =
        |remote: &Remote| remote.outputs.iter().any(|output| matches!(output, Output::SendBlock { .. }));
    assert!(!is_served(&remote));
    assert_eq!(remote.engine.demands().upload, Demand { used_rate: 0, is_held_back: true });
    remote.input(Input::SetLimits(Config::default().limits()));
    remote.wait(1);
    assert!(is_served(&remote));
    remote.input(Input::SetShare(Share::default()));
    assert_eq!(remote.engine.demands().upload, Demand::default());
}

#[test]
fn with_fewer_places_those_that_trade_least_go() {
    let content = Content::new(20 * 65_536, 65_536);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    let keys: Vec<PeerKey> = (1..=4).map(|last| remote.join_with(last, &Bitfield::all(20))).collect();
    let block = remote.take_requests(keys[2])[0];
    remote.sends(keys[2], &block);
    remote.input(Input::SetLimits(Limits { peers_max: 2, ..Config::default().limits() }));
    let left: Vec<PeerKey> = remote.engine.peers().iter().map(|peer| peer.peer).collect();
    assert_eq!(left, [keys[0], keys[2]]);
    assert_eq!(remote.close_reason(keys[3]), Some(CloseReason::TooManyPeers { max: 2 }));
    let late = remote.accept(std::net::SocketAddr::from(([10, 9, 0, 9], 1)));
    assert_eq!(remote.close_reason(late), Some(CloseReason::TooManyPeers { max: 2 }));
}

#[test]
fn more_slots_are_given_away_at_once_and_fewer_at_the_next_round() {
    let content = Content::new(20 * 65_536, 65_536);
    let mut remote = Remote::new(Config { unchoke_slots: 1, ..Config::default() }, &content, content.all());
    let keys: Vec<PeerKey> = (1..=9).map(|last| remote.join(last)).collect();
    keys.iter().for_each(|&key| remote.says(key, &Message::Interested));
    let unchoked = |remote: &Remote| remote.engine.peers().iter().filter(|peer| !peer.am_choking).count();
    assert_eq!(unchoked(&remote), 2);
    remote.input(Input::SetLimits(Limits { unchoke_slots: 6, ..Config::default().limits() }));
    assert_eq!(unchoked(&remote), 7);
    remote.input(Input::SetLimits(Limits { unchoke_slots: 2, ..Config::default().limits() }));
    assert_eq!(unchoked(&remote), 7);
    remote.wait(10);
    assert_eq!(unchoked(&remote), 3);
}

fn goal_of(remote: &Remote) -> Option<Goal> {
    remote.events().into_iter().find_map(|event| match event {
        Event::GoalMet { goal } => Some(goal),
        _ => None,
    })
}

fn seeding(goals: Goals, history: History) -> Remote {
    let content = Content::new(20 * 65_536, 65_536);
    let mut remote = Remote::new(Config::default(), &content, content.all());
    remote.input(Input::Restored { partial: &PartialPieces::new(), history });
    remote.input(Input::SetGoals(goals));
    remote
}

#[test]
fn a_seed_pauses_when_it_has_given_its_ratio() {
    let total = 20 * 65_536;
    let history = History { uploaded: total - 2 * u64::from(BLOCK), ..History::default() };
    let mut remote = seeding(Goals { ratio_permille: Some(1000), seeding_time: None }, history);
    let key = remote.join(1);
    remote.says(key, &Message::Interested);
    for number in 0..2 {
        assert!(remote.engine.summary().is_running);
        remote.says(key, &Message::Request(BlockRef { piece: PieceIndex(number), begin: 0, len: BLOCK }));
        remote.input(Input::Sent { peer: key, bytes: u64::from(BLOCK) + 13 });
        remote.input(Input::Sent { peer: key, bytes: 200 });
    }
    assert_eq!(goal_of(&remote), Some(Goal::Ratio));
    assert!(!remote.engine.summary().is_running);
    assert_eq!(remote.close_reason(key), Some(CloseReason::Stopped));
    assert_eq!(remote.engine.so_far().uploaded, total);
}

#[test]
fn a_seed_pauses_when_its_time_is_over_and_pauses_do_not_count() {
    let history = History { seeding_time: Duration::from_secs(70), ..History::default() };
    let goals = Goals { ratio_permille: None, seeding_time: Some(Duration::from_secs(100)) };
    let mut remote = seeding(goals, history);
    remote.wait(20);
    remote.input(Input::Pause);
    remote.wait(500);
    remote.input(Input::Start);
    remote.wait(9);
    assert_eq!((goal_of(&remote), remote.engine.summary().seeding_time.as_secs()), (None, 99));
    remote.wait(1);
    assert_eq!(goal_of(&remote), Some(Goal::SeedingTime));
    assert!(!remote.engine.summary().is_running);
}

#[test]
fn a_goal_may_be_set_when_it_is_already_met() {
    let mut swarm = Swarm::new(Net::default(), Content::new(500_000, 65_536));
    swarm.add(Config::default(), swarm.content.all());
    swarm.run_for(Duration::from_secs(20));
    swarm.input(
        0,
        Input::SetGoals(Goals { ratio_permille: None, seeding_time: Some(Duration::from_secs(20)) }),
    );
    assert!(swarm.events(0).any(|event| *event == Event::GoalMet { goal: Goal::SeedingTime }));
}

#[test]
fn who_still_downloads_has_met_no_goal() {
    let content = Content::new(20 * 65_536, 65_536);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    remote.input(Input::SetGoals(Goals { ratio_permille: Some(0), seeding_time: Some(Duration::ZERO) }));
    remote.wait(5);
    assert!(goal_of(&remote).is_none() && remote.engine.summary().is_running);
}
