//! Who is held to account for a piece with the wrong hash.

use engine::{Bitfield, BlockRef, CloseReason, Config, Event, PeerKey, PieceIndex, VerifyOutcome};

use crate::util::{Content, Remote};

/// Two peers share in the first piece, which is bad. Gives both, and the engine.
fn shared_failure() -> (Remote, PeerKey, PeerKey) {
    let content = Content::new(8 * 65_536, 65_536);
    let config = Config { requests_per_peer_min: 2, requests_per_peer_max: 2, ..Config::default() };
    let mut remote = Remote::new(config, &content, content.none());
    let one = remote.join_with(1, &Bitfield::all(8));
    let two = remote.join_with(2, &Bitfield::all(8));
    let mut asked = remote.take_requests(one);
    asked.extend(remote.take_requests(two));
    let piece = asked[0].piece;
    assert!(
        asked.iter().all(|block| block.piece == piece) && asked.len() == 4,
        "they share one piece: {asked:?}"
    );
    for (at, block) in asked.iter().enumerate() {
        remote.sends(if at < 2 { one } else { two }, block);
    }
    remote.judge(VerifyOutcome::Mismatch);
    let failed = remote.events().into_iter().find_map(|event| match event {
        Event::PieceFailed { suspects, .. } => Some(suspects),
        _ => None,
    });
    assert_eq!(failed, Some(vec![one, two]));
    assert_eq!(
        (remote.close_reason(one), remote.close_reason(two)),
        (None, None),
        "nobody is banned on suspicion"
    );
    (remote, one, two)
}

/// Answers everything a peer is asked until a piece is judged, and gives that piece.
fn finish_piece(remote: &mut Remote, key: PeerKey, outcome: VerifyOutcome) -> Vec<BlockRef> {
    let mut blocks = Vec::new();
    for _ in 0..20 {
        let asked = remote.take_requests(key);
        for block in asked {
            remote.sends(key, &block);
            blocks.push(block);
        }
        let is_complete = remote.outputs.iter().any(|output| matches!(output, engine::Output::Verify { .. }));
        if is_complete {
            break;
        }
    }
    remote.judge(outcome);
    blocks
}

#[test]
fn suspects_get_whole_pieces_alone() {
    let (remote, one, two) = shared_failure();
    check_that_they_share_nothing(remote, one, two);
}

#[test]
fn leaving_and_coming_back_ends_no_suspicion() {
    let (mut remote, one, two) = shared_failure();
    for key in [one, two] {
        remote.input(engine::Input::Closed { peer: key });
    }
    let [one, two] = [1, 2].map(|last| remote.join_with(last, &Bitfield::all(8)));
    check_that_they_share_nothing(remote, one, two);
}

fn check_that_they_share_nothing(mut remote: Remote, one: PeerKey, two: PeerKey) {
    // What was asked for before the verdict belongs to shared pieces still.
    let mut pieces: Vec<(PeerKey, PieceIndex)> = Vec::new();
    for _ in 0..12 {
        for key in [one, two] {
            for block in remote.take_requests(key) {
                pieces.push((key, block.piece));
                remote.sends(key, &block);
            }
        }
    }
    let shared: Vec<PieceIndex> = (0..8)
        .map(PieceIndex)
        .filter(|piece| pieces.contains(&(one, *piece)) && pieces.contains(&(two, *piece)))
        .collect();
    assert!(shared.len() <= 1, "{shared:?}");
}

#[test]
fn the_culprit_is_found_by_its_next_piece_alone_and_the_honest_one_is_cleared() {
    let (mut remote, one, two) = shared_failure();
    for _ in 0..6 {
        finish_piece(&mut remote, one, VerifyOutcome::Stored);
        if remote.close_reason(two).is_none() {
            finish_piece(&mut remote, two, VerifyOutcome::Mismatch);
        }
    }
    assert!(matches!(remote.close_reason(two), Some(CloseReason::CorruptData { .. })));
    assert_eq!(remote.close_reason(one), None);
    let banned: Vec<_> =
        remote.events().into_iter().filter(|event| matches!(event, Event::Banned { .. })).collect();
    assert_eq!(banned.len(), 1);
}

#[test]
fn a_culprit_that_has_left_is_banned_all_the_same() {
    let content = Content::new(65_536, 65_536);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    let key = remote.join_with(1, &Bitfield::all(1));
    for block in remote.take_requests(key) {
        remote.sends(key, &block);
    }
    remote.input(engine::Input::Closed { peer: key });
    remote.judge(VerifyOutcome::Mismatch);
    assert!(remote.events().iter().any(|event| matches!(event, Event::Banned { peer, .. } if *peer == key)));
    let again = remote.join(1);
    assert_eq!(remote.close_reason(again), Some(CloseReason::Banned));
}

#[test]
fn a_suspect_finishes_what_nobody_else_can() {
    let content = Content::new(65_536, 65_536);
    let config = Config { requests_per_peer_min: 2, requests_per_peer_max: 2, ..Config::default() };
    let mut remote = Remote::new(config, &content, content.none());
    let one = remote.join_with(1, &Bitfield::all(1));
    let two = remote.join_with(2, &Bitfield::all(1));
    for key in [one, two] {
        for block in remote.take_requests(key) {
            remote.sends(key, &block);
        }
    }
    remote.judge(VerifyOutcome::Mismatch);
    // The one that has the piece to itself chokes half way and leaves; the other one begins it again.
    let holder = if remote.take_requests(one).is_empty() { two } else { one };
    let other = if holder == one { two } else { one };
    remote.says(holder, &engine::Message::Choke);
    let blocks = finish_piece(&mut remote, other, VerifyOutcome::Stored);
    assert_eq!(blocks.len(), 4);
    assert!(remote.engine.summary().is_complete);
}
