//! Blocks of unfinished pieces that an earlier session stored.

use engine::{
    Bitfield, BlockRun, CloseReason, Config, Event, History, Input, Output, PartialPieces, PeerKey,
    PieceIndex, VerifyOutcome,
};

use crate::util::{Content, Remote};

const BLOCK: u32 = 16_384;

/// A downloader of 20 pieces of 4 blocks, of which these runs of (piece, first, count) are stored.
fn restored(runs: &[(u32, u32, u32)]) -> Remote {
    let content = Content::new(20 * 4 * BLOCK as usize, 4 * BLOCK);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    let mut partial = PartialPieces::new();
    for &(piece, first, count) in runs {
        partial.insert(BlockRun { piece: PieceIndex(piece), first, count });
    }
    remote.input(Input::Restored { partial: &partial, history: History::default() });
    remote
}

fn asked(remote: &mut Remote, key: PeerKey, piece: u32) -> Vec<u32> {
    let requests = remote.take_requests(key).into_iter().filter(|block| block.piece.0 == piece);
    let mut blocks: Vec<u32> = requests.map(|block| block.begin / BLOCK).collect();
    blocks.sort_unstable();
    blocks
}

#[test]
fn stored_blocks_are_not_asked_for_and_their_pieces_come_first() {
    let mut remote = restored(&[(7, 1, 2)]);
    let key = remote.join_with(1, &Bitfield::all(20));
    assert_eq!(asked(&mut remote, key, 7), [0, 3]);
}

#[test]
fn a_piece_whose_blocks_are_all_stored_is_verified_at_once() {
    let mut remote = restored(&[(7, 0, 4)]);
    let is_seven = |output: &Output| matches!(output, Output::Verify { piece: PieceIndex(7), .. });
    assert!(remote.outputs.iter().any(is_seven));
    remote.judge(VerifyOutcome::Stored);
    assert!(remote.engine.have().has(PieceIndex(7)));
}

#[test]
fn a_bad_stored_block_costs_the_piece_and_nobody_is_blamed() {
    let mut remote = restored(&[(7, 0, 3)]);
    let mut only = Bitfield::none(20);
    only.insert(PieceIndex(7));
    let key = remote.join_with(1, &only);
    remote.answers_all(key, VerifyOutcome::Mismatch);
    let failed = Event::PieceFailed { piece: PieceIndex(7), suspects: Vec::new() };
    assert!(remote.events().contains(&failed));
    assert_eq!(remote.close_reason(key), None);
    assert_eq!(asked(&mut remote, key, 7), [0, 1, 2, 3], "it is fetched again, whole");
    // This time the peer wrote all of it.
    (0..4).for_each(|number| {
        remote.sends(key, &engine::BlockRef { piece: PieceIndex(7), begin: number * BLOCK, len: BLOCK });
    });
    remote.judge(VerifyOutcome::Mismatch);
    assert_eq!(remote.close_reason(key), Some(CloseReason::CorruptData { piece: 7 }));
}

#[test]
fn a_bad_piece_that_was_wholly_stored_is_fetched_again() {
    let mut remote = restored(&[(7, 0, 4)]);
    remote.judge(VerifyOutcome::Mismatch);
    let mut only = Bitfield::none(20);
    only.insert(PieceIndex(7));
    let key = remote.join_with(1, &only);
    assert_eq!(asked(&mut remote, key, 7), [0, 1, 2, 3]);
}

#[test]
fn what_this_torrent_does_not_have_or_has_already_is_ignored() {
    let mut remote = restored(&[(20, 0, 1), (99, 0, 4), (3, 4, 9)]);
    let mut partial = PartialPieces::new();
    partial.insert(BlockRun { piece: PieceIndex(5), first: 0, count: 2 });
    for _ in 0..2 {
        remote.input(Input::Restored { partial: &partial, history: History::default() });
    }
    let key = remote.join_with(1, &Bitfield::all(20));
    assert_eq!(asked(&mut remote, key, 5), [2, 3]);
}
