//! Whole swarms in virtual time. After every input every engine checks its invariants.

use std::time::Duration;

use engine::{CloseReason, Config, Event, PickReason, Strategy};

use crate::util::{Content, Net, Swarm};

const MINUTE: Duration = Duration::from_secs(60);

/// One seed and `downloaders`, all of which know all others.
fn swarm(net: Net, content: Content, downloaders: usize) -> Swarm {
    let mut swarm = Swarm::new(net, content);
    swarm.add(Config::default(), swarm.content.all());
    for _ in 0..downloaders {
        swarm.add(Config::default(), swarm.content.none());
    }
    let everybody: Vec<usize> = (0..=downloaders).collect();
    for node in 1..=downloaders {
        swarm.introduce(node, &everybody);
    }
    swarm
}

fn assert_identical(swarm: &Swarm) {
    for node in &swarm.nodes {
        assert!(node.engine.summary().is_complete, "{}: {:?}", node.addr, node.engine.summary());
        assert!(node.disk == *swarm.content.bytes, "{} has the content", node.addr);
    }
}

#[test]
fn one_downloader_gets_everything_from_one_seed() {
    let mut swarm = swarm(Net::default(), Content::new(3_000_000, 98_304), 1);
    assert!(swarm.run_until(MINUTE, Swarm::all_complete));
    assert_identical(&swarm);
    let summary = swarm.nodes[1].engine.summary();
    assert_eq!((summary.down_bytes, summary.wasted_bytes), (3_000_000, 0));
}

#[test]
fn a_small_swarm_completes_and_shares_the_work() {
    let mut swarm = swarm(Net::default(), Content::new(5_000_000, 65_536), 5);
    assert!(swarm.run_until(5 * MINUTE, Swarm::all_complete));
    assert_identical(&swarm);
    let from_seed: u64 = swarm.nodes[0].served.iter().map(|block| u64::from(block.len)).sum();
    assert!(from_seed < 4 * 5_000_000, "the downloaders trade: the seed sent {from_seed}");
    let down: u64 = swarm.nodes.iter().map(|node| node.engine.summary().down_bytes).sum();
    let wasted: u64 = swarm.nodes.iter().map(|node| node.engine.summary().wasted_bytes).sum();
    assert!(wasted * 15 < down, "duplicates are rare: {wasted} of {down}");
}

#[test]
fn opaque_payload_makes_the_same_swarm() {
    let mut swarm = swarm(Net { is_opaque: true, ..Net::default() }, Content::opaque(5_000_000, 65_536), 5);
    assert!(swarm.run_until(5 * MINUTE, Swarm::all_complete));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |rng_seed| {
        let mut swarm = swarm(Net { rng_seed, ..Net::default() }, Content::new(2_000_000, 65_536), 3);
        assert!(swarm.run_until(5 * MINUTE, Swarm::all_complete));
        (swarm.log_hash, swarm.now)
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).0, run(6).0, "the network's cuts reach the engines");
}

#[test]
fn seeds_part_when_all_is_done() {
    let mut swarm = swarm(Net::default(), Content::new(500_000, 65_536), 2);
    assert!(swarm.run_until(MINUTE, Swarm::all_complete));
    swarm.run_for(MINUTE);
    assert!(swarm.nodes.iter().all(|node| node.engine.summary().peers == 0));
    assert!(
        swarm.nodes.iter().flat_map(|node| &node.closed).any(|(_, reason)| *reason == CloseReason::BothSeeds)
    );
}

#[test]
fn a_corrupting_peer_is_found_and_banned_and_no_honest_one() {
    for rng_seed in 1..6 {
        let mut swarm = swarm(Net { rng_seed, ..Net::default() }, Content::new(4_000_000, 131_072), 4);
        let evil = swarm.add(Config::default(), swarm.content.all());
        swarm.nodes[evil].corrupts = true;
        let evil_addr = swarm.nodes[evil].addr;
        for node in 1..5 {
            swarm.introduce(node, &[evil]);
        }
        assert!(swarm.run_until(10 * MINUTE, Swarm::all_complete), "seed {rng_seed}");
        assert_identical(&swarm);
        let mut bans = 0;
        for node in 1..5 {
            for event in swarm.events(node) {
                if let Event::Banned { addr, .. } = event {
                    assert_eq!(*addr, evil_addr, "seed {rng_seed}: node {node} banned an honest peer");
                    bans += 1;
                }
            }
        }
        assert!(bans > 0, "seed {rng_seed}: nobody found the culprit");
    }
}

#[test]
fn a_stalling_peer_holds_no_piece_hostage() {
    let mut swarm = swarm(Net::default(), Content::new(4_000_000, 131_072), 1);
    let stalling = swarm.add(Config::default(), swarm.content.all());
    swarm.introduce(1, &[stalling]);
    swarm.run_for(Duration::from_millis(400));
    assert!(!swarm.nodes[1].engine.summary().is_complete);
    swarm.nodes[stalling].is_mute = true;
    assert!(swarm.run_until(Duration::from_secs(30), |swarm| swarm.nodes[1].engine.summary().is_complete));
}

#[test]
fn connections_cut_at_random_lose_nothing_that_is_verified() {
    let mut swarm = swarm(Net::default(), Content::new(6_000_000, 65_536), 3);
    let mut verified_before = 0;
    for _ in 0..12 {
        let span = Duration::from_millis(200 + swarm.random(900));
        swarm.run_for(span);
        let node = 1 + swarm.random(3) as usize;
        swarm.cut(node);
        let verified: u64 = swarm.nodes.iter().map(|node| node.engine.summary().verified_bytes).sum();
        assert!(verified >= verified_before);
        verified_before = verified;
    }
    assert!(swarm.run_until(10 * MINUTE, Swarm::all_complete));
    assert_identical(&swarm);
}

#[test]
fn the_endgame_takes_the_last_blocks_from_whoever_is_faster() {
    let mut swarm = swarm(Net::default(), Content::new(3_000_000, 131_072), 1);
    let slow = swarm.add(Config::default(), swarm.content.all());
    swarm.nodes[slow].up_rate = Some(4_000);
    swarm.introduce(1, &[slow]);
    assert!(swarm.run_until(Duration::from_secs(20), |swarm| swarm.nodes[1].engine.summary().is_complete));
    let is_endgame = |event: &Event| matches!(event, Event::Picked { reason: PickReason::Endgame, .. });
    assert!(swarm.events(1).any(is_endgame));
}

#[test]
fn every_strategy_downloads_among_others_that_trade_tit_for_tat() {
    for strategy in Strategy::ALL {
        let mut swarm = Swarm::new(Net::default(), Content::new(2_000_000, 65_536));
        let limited = |strategy| Config { strategy, upload_rate_max: Some(150_000), ..Config::default() };
        swarm.add(limited(Strategy::Standard), swarm.content.all());
        for nth in 0..5 {
            swarm.add(limited(if nth == 0 { strategy } else { Strategy::Standard }), swarm.content.none());
        }
        for node in 1..6 {
            swarm.introduce(node, &[0, 1, 2, 3, 4, 5]);
        }
        assert!(swarm.run_until(10 * MINUTE, Swarm::all_complete), "{strategy}");
        assert_identical(&swarm);
        let given = swarm.nodes[1].engine.summary().up_bytes;
        assert_eq!(given > 0, strategy != Strategy::FreeRider, "{strategy} gave {given}");
    }
}

#[test]
fn limits_hold() {
    let content = Content::new(2_000_000, 65_536);
    let mut swarm = Swarm::new(Net::default(), content);
    swarm.add(Config { upload_rate_max: Some(100_000), ..Config::default() }, swarm.content.all());
    swarm.add(Config::default(), swarm.content.none());
    swarm.add(Config { download_rate_max: Some(50_000), ..Config::default() }, swarm.content.none());
    swarm.introduce(2, &[0, 1]);
    swarm.introduce(1, &[0]);
    swarm.run_for(Duration::from_secs(10));
    let (up, slow) = (swarm.nodes[0].engine.summary().up_bytes, swarm.nodes[2].engine.summary().down_bytes);
    assert!((900_000..=1_060_000).contains(&up), "{up}");
    assert!((400_000..=540_000).contains(&slow), "{slow}");
    assert!(swarm.run_until(5 * MINUTE, Swarm::all_complete));
    assert_identical(&swarm);
}

#[test]
fn a_long_fat_link_is_filled() {
    let latency = Duration::from_millis(25);
    let net =
        Net { latency, up_rate: Some(60_000_000), is_opaque: true, is_checked: false, ..Net::default() };
    let mut swarm = swarm(net, Content::opaque(200_000_000, 262_144), 1);
    assert!(
        swarm.run_until(Duration::from_secs(6), Swarm::all_complete),
        "{:?}",
        swarm.nodes[1].engine.summary()
    );
}
