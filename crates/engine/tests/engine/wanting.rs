//! What the user wants: some files and not others, in an order, by a time; and changes of mind.

use std::time::Duration;

use engine::FilePriority::{High, Low, Normal, Skip};
use engine::{
    AnnounceAnswer, AnnounceEvent, Bitfield, CloseReason, Config, Event, Extension, FilePriority, Input,
    Message, Output, PeerSource, PickOrder, PickReason, PieceIndex, PieceState, Reserved, TrackerKey,
    VerifyOutcome,
};

use crate::util::{Content, Net, Remote, Swarm};

const PIECE: u32 = 32_768;

/// Three files in eight pieces. Pieces 2 and 5 lie in two files each.
fn three_files() -> Content {
    Content::folder(&[85_000, 90_000, 80_000], PIECE)
}

/// An engine that wants these files, and one seed that answers nothing yet.
fn wanting(files: &[FilePriority]) -> (Remote, engine::PeerKey) {
    let content = three_files();
    let config = Config { random_first_pieces: 0, ..Config::default() };
    let mut remote = Remote::new(config, &content, content.none());
    remote.input(Input::FilePriorities { files });
    let key = remote.join_with(1, &Bitfield::all(content.pieces()));
    (remote, key)
}

/// Answers everything until there is nothing left to ask for. Gives the pieces in the order of their first request.
fn finish(remote: &mut Remote, key: engine::PeerKey) -> Vec<u32> {
    let mut pieces: Vec<u32> = Vec::new();
    for _ in 0..100 {
        let asked = remote.take_requests(key);
        pieces.extend(asked.iter().map(|block| block.piece.0));
        asked.iter().for_each(|block| remote.sends(key, block));
        remote.judge(VerifyOutcome::Stored);
    }
    let mut seen = std::collections::BTreeSet::new();
    pieces.retain(|piece| seen.insert(*piece));
    pieces
}

fn sorted(mut pieces: Vec<u32>) -> Vec<u32> {
    pieces.sort_unstable();
    pieces
}

#[test]
fn of_a_skipped_file_only_the_pieces_shared_with_wanted_ones_come() {
    let (mut remote, key) = wanting(&[Skip, Normal, Skip]);
    assert_eq!(sorted(finish(&mut remote, key)), [2, 3, 4, 5]);
    let summary = remote.engine.summary();
    assert!(summary.is_complete && summary.is_partial_seed && remote.engine.is_partial_seed());
    assert_eq!((summary.pieces_have, summary.wanted_bytes, summary.verified_bytes), (4, 131_072, 131_072));
    assert!(remote.events().contains(&Event::Completed));
    assert!(!remote.events().iter().any(|event| matches!(event, Event::Choke { choked: true, .. })));
    assert!(remote.engine.peers().iter().all(|peer| !peer.am_interested), "nobody has more that we want");
    let files = [0, 1, 2, 3].map(|file| remote.engine.file_verified_bytes(file));
    assert_eq!(files, [85_000 - 2 * 32_768, 90_000, 6 * 32_768 - 175_000, 0]);
    let mut states = Vec::new();
    remote.engine.piece_states(&mut states);
    let skipped = states.iter().filter(|state| **state == PieceState::Skipped as u8).count();
    assert_eq!(skipped, 4);
}

/// Two that download nothing, a partial seed and a seed, and one that downloads.
fn two_seeds_and_a_downloader(remote: &mut Remote) -> [engine::PeerKey; 3] {
    let partial = remote.join_offering(2, Reserved::EXTENDED);
    remote.says(partial, &Message::Have(PieceIndex(3)));
    remote.says(partial, &Message::Extended { id: Extension::UploadOnly.local_id(), payload: vec![1] });
    let whole = remote.join_with(3, &Bitfield::all(8));
    let downloader = remote.join_offering(4, Reserved::EXTENDED);
    remote.says(downloader, &Message::Have(PieceIndex(3)));
    [partial, whole, downloader]
}

fn assert_only_the_downloader_stays(remote: &Remote, others: [engine::PeerKey; 3]) {
    let reasons = others.map(|key| remote.close_reason(key));
    assert_eq!(reasons, [Some(CloseReason::BothUploadOnly), Some(CloseReason::BothSeeds), None]);
}

#[test]
fn a_partial_seed_and_those_that_download_nothing_part() {
    let (mut remote, key) = wanting(&[Skip, Normal, Skip]);
    let others = two_seeds_and_a_downloader(&mut remote);
    others.into_iter().for_each(|key| assert_eq!(remote.close_reason(key), None, "we still want something"));
    finish(&mut remote, key);
    for other in &others[..2] {
        finish(&mut remote, *other);
    }
    assert!(remote.engine.is_partial_seed());
    assert_only_the_downloader_stays(&remote, others);
    assert_eq!(remote.close_reason(key), Some(CloseReason::BothSeeds));
}

#[test]
fn who_wants_nothing_more_parts_from_those_that_download_nothing() {
    let (mut remote, key) = wanting(&[Skip, Normal, Skip]);
    let others = two_seeds_and_a_downloader(&mut remote);
    remote.input(Input::FilePriorities { files: &[Skip, Skip, Skip] });
    remote.wait(1);
    assert_only_the_downloader_stays(&remote, others);
    assert_eq!(remote.close_reason(key), Some(CloseReason::BothSeeds));
}

#[test]
fn files_that_are_wanted_more_come_first() {
    let (mut remote, key) = wanting(&[Low, Normal, High]);
    let pieces = finish(&mut remote, key);
    assert_eq!(sorted(pieces[..3].to_vec()), [5, 6, 7]);
    assert_eq!(sorted(pieces[3..6].to_vec()), [2, 3, 4]);
    assert_eq!(sorted(pieces[6..].to_vec()), [0, 1]);
    assert!(remote.engine.reason_counts().0[PickReason::FilePriority as usize] > 0);
}

#[test]
fn trackers_are_told_what_is_missing_of_the_wanted_files() {
    let content = three_files();
    let mut remote = Remote::new(Config::default(), &content, content.none());
    remote.input(Input::FilePriorities { files: &[Skip, Skip, Normal] });
    let answer = AnnounceAnswer { interval: Duration::from_secs(900), ..AnnounceAnswer::default() };
    remote.input(Input::Announced { tracker: TrackerKey(0), result: Ok(answer) });
    let key = remote.join_with(1, &Bitfield::all(8));
    finish(&mut remote, key);
    remote.input(Input::Pause);
    let announce = |output: &Output| match output {
        Output::Announce(request) => Some((request.event, request.left)),
        _ => None,
    };
    let told: Vec<_> = remote.outputs.iter().filter_map(announce).collect();
    assert_eq!(told, [(AnnounceEvent::Stopped, 0)], "nothing is missing, though not all is there");
}

#[test]
fn skipping_takes_back_what_is_in_flight() {
    let (mut remote, key) = wanting(&[]);
    let asked = remote.take_requests(key);
    let half = asked[0];
    let mut bytes = engine::piece_header(&half).to_vec();
    bytes.resize(1000, 7);
    remote.bytes(key, &bytes);
    remote.outputs.clear();
    remote.input(Input::FilePriorities { files: &[Skip, Skip, Skip] });
    let mut discarded: Vec<PieceIndex> = Vec::new();
    for output in &remote.outputs {
        if let Output::Discard { piece } = output {
            discarded.push(*piece);
        }
    }
    assert!(asked.iter().all(|block| discarded.contains(&block.piece)));
    let messages = remote.take_messages(key);
    for block in &asked[1..] {
        assert!(messages.contains(&Message::Cancel(*block)), "{block:?}");
    }
    assert!(!messages.contains(&Message::Cancel(half)), "its bytes are coming already");
    assert!(messages.contains(&Message::NotInterested));
    remote.bytes(key, &vec![7; half.len as usize - (1000 - 13)]);
    let stored = remote.outputs.iter().any(|output| matches!(output, Output::Store { .. }));
    assert!(!stored, "nobody wants it any more");
    assert_eq!(remote.close_reason(key), None, "what was asked for is no fault");
    remote.input(Input::FilePriorities { files: &[Skip, Normal, Skip] });
    assert_eq!(sorted(finish(&mut remote, key)), [2, 3, 4, 5], "a change of mind");
}

#[test]
fn wanting_more_after_the_end_goes_on() {
    let mut swarm = Swarm::new(Net::default(), three_files());
    swarm.add(Config::default(), swarm.content.all());
    let getter = swarm.add(Config::default(), swarm.content.none());
    swarm.input(getter, Input::FilePriorities { files: &[Normal, Skip, Skip] });
    swarm.introduce(getter, &[0]);
    let minute = Duration::from_secs(60);
    assert!(swarm.run_until(minute, |swarm| swarm.nodes[getter].engine.summary().is_complete));
    assert_eq!(swarm.nodes[getter].engine.have().count(), 3);
    swarm.run_for(minute);
    swarm.input(getter, Input::FilePriorities { files: &[Normal, Skip, Low] });
    assert!(!swarm.nodes[getter].engine.summary().is_complete);
    assert!(swarm.run_until(minute, |swarm| swarm.nodes[getter].engine.summary().is_complete));
    assert_eq!(swarm.nodes[getter].engine.have().count(), 6);
    let completed = swarm.events(getter).filter(|event| **event == Event::Completed).count();
    assert_eq!(completed, 2);
}

#[test]
fn priorities_that_change_at_any_time_end_in_what_is_wanted() {
    for rng_seed in 1..5 {
        let net = Net { rng_seed, up_rate: Some(200_000), ..Net::default() };
        let mut swarm = Swarm::new(net, Content::folder(&[300_000, 10, 100_000, 250_000, 1, 90_000], PIECE));
        swarm.add(Config::default(), swarm.content.all());
        swarm.add(Config::default(), swarm.content.none());
        swarm.add(Config::default(), swarm.content.none());
        swarm.introduce(1, &[0, 2]);
        swarm.introduce(2, &[0]);
        for _ in 0..20 {
            swarm.run_for(Duration::from_millis(130));
            let node = 1 + swarm.random(2) as usize;
            let files: Vec<FilePriority> =
                (0..6).map(|_| [Skip, Low, Normal, High][swarm.random(4) as usize]).collect();
            swarm.input(node, Input::FilePriorities { files: &files });
        }
        for node in 1..3 {
            swarm.input(node, Input::FilePriorities { files: &[] });
        }
        assert!(swarm.run_until(Duration::from_secs(300), Swarm::all_complete), "seed {rng_seed}");
        assert!(swarm.nodes.iter().all(|node| node.disk == *swarm.content.bytes));
    }
}

#[test]
fn in_order_of_the_content_if_that_is_asked_for() {
    let content = Content::new(20 * 32_768, PIECE);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    remote.input(Input::PickOrder { order: PickOrder::Sequential });
    let key = remote.join_with(1, &Bitfield::all(20));
    assert_eq!(finish(&mut remote, key), (0..20).collect::<Vec<_>>());
    assert!(remote.engine.reason_counts().0[PickReason::Sequential as usize] > 0);
}

#[test]
fn what_somebody_waits_for_comes_in_the_order_of_its_time() {
    let content = Content::new(20 * 32_768, PIECE);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    let at = |seconds| remote.now + Duration::from_secs(seconds);
    let pieces =
        [(PieceIndex(9), at(30)), (PieceIndex(3), at(10)), (PieceIndex(99), at(1)), (PieceIndex(7), at(20))];
    remote.input(Input::Deadlines { pieces: &pieces });
    let key = remote.join_with(1, &Bitfield::all(20));
    assert_eq!(finish(&mut remote, key)[..3], [3, 7, 9]);
}

/// A player that shows a piece in two seconds, so that 31 of the 200 have a deadline.
const PLAYING: PickOrder = PickOrder::Playing { bytes_per_s: PIECE as u64 / 2 };

#[test]
fn a_player_gets_the_next_minute_before_all_else() {
    let content = Content::new(200 * 32_768, PIECE);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    remote.input(Input::PickOrder { order: PLAYING });
    let key = remote.join_with(1, &Bitfield::all(200));
    let pieces = finish(&mut remote, key);
    assert_eq!(pieces[..31], (0..31).collect::<Vec<_>>());
    assert_ne!(pieces[31..], (31..200).collect::<Vec<_>>(), "the rest comes rarest first");
}

#[test]
fn a_player_that_is_stopped_wants_nothing_in_time() {
    let content = Content::new(200 * 32_768, PIECE);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    remote.input(Input::PickOrder { order: PLAYING });
    remote.input(Input::PickOrder { order: PickOrder::RarestFirst });
    let key = remote.join_with(1, &Bitfield::all(200));
    finish(&mut remote, key);
    let counts = remote.engine.reason_counts().0;
    assert_eq!(
        [PickReason::Deadline, PickReason::LateDeadline].map(|reason| counts[reason as usize]),
        [0, 0]
    );
}

#[test]
fn a_piece_that_becomes_late_is_also_asked_of_a_peer_that_had_nothing_to_do() {
    let content = Content::new(8 * 32_768, PIECE);
    let config = Config { requests_per_peer_min: 2, requests_per_peer_max: 2, ..Config::default() };
    let mut remote = Remote::new(config, &content, content.none());
    let at = remote.now + Duration::from_secs(6);
    remote.input(Input::Deadlines { pieces: &[(PieceIndex(0), at)] });
    let one = remote.join_with(1, &Bitfield::all(8));
    let asked = remote.take_requests(one);
    assert!(asked.len() == 2 && asked.iter().all(|block| block.piece == PieceIndex(0)));
    let mut only = content.none();
    only.insert(PieceIndex(0));
    let two = remote.join_with(2, &only);
    remote.wait(3);
    assert_eq!(remote.take_requests(two), [], "there is time");
    remote.wait(2);
    assert_eq!(remote.take_requests(two), asked);
    assert_eq!(remote.engine.reason_counts().0[PickReason::LateDeadline as usize], 2);
}

#[test]
fn a_peer_that_chokes_us_is_asked_for_what_it_allows() {
    let content = Content::new(8 * 32_768, PIECE);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    let key = remote.join_offering(1, Reserved::FAST);
    remote.says(key, &Message::HaveAll);
    assert_eq!(remote.take_requests(key), []);
    remote.says(key, &Message::AllowedFast(PieceIndex(5)));
    let asked = remote.take_requests(key);
    assert!(asked.len() == 2 && asked.iter().all(|block| block.piece == PieceIndex(5)));
    asked.iter().for_each(|block| remote.sends(key, block));
    remote.judge(VerifyOutcome::Stored);
    assert_eq!(remote.engine.reason_counts().0[PickReason::AllowedFast as usize], 2);
    assert_eq!(remote.take_requests(key), [], "it gives nothing else");
}

#[test]
fn a_suggested_piece_is_begun_before_others() {
    let content = Content::new(8 * 32_768, PIECE);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    let key = remote.join_offering(1, Reserved::FAST);
    remote.says(key, &Message::HaveAll);
    remote.says(key, &Message::Suggest(PieceIndex(6)));
    remote.says(key, &Message::Unchoke);
    assert_eq!(finish(&mut remote, key)[0], 6);
    assert_eq!(remote.engine.reason_counts().0[PickReason::Suggested as usize], 1);
}

#[test]
fn who_wants_more_again_tries_known_addresses_at_once() {
    let (mut remote, key) = wanting(&[Skip, Normal, Skip]);
    finish(&mut remote, key);
    remote.input(Input::Closed { peer: key });
    let seed = [([10, 9, 0, 7], 6881).into()];
    remote.input(Input::PeersFound { source: PeerSource::Tracker, addrs: &seed });
    // It sees that neither side wants anything, time and again.
    let connections = |remote: &mut Remote| {
        let outputs = std::mem::take(&mut remote.outputs).into_iter();
        let peers = outputs.filter_map(|output| match output {
            Output::Connect { peer, .. } => Some(peer),
            _ => None,
        });
        peers.collect::<Vec<_>>()
    };
    for _ in 0..1000 {
        connections(&mut remote).into_iter().for_each(|peer| remote.input(Input::Closed { peer }));
        remote.wait(1);
    }
    assert_eq!(connections(&mut remote), []);
    remote.input(Input::FilePriorities { files: &[] });
    assert_eq!(connections(&mut remote).len(), 1);
}
