//! Which records of stored blocks to append, and when: one for every block would double the writes of a host.

use std::collections::BTreeSet;

use super::ResumeLog;
use crate::{BlockRun, PartialPieces, PieceIndex, order};

/// Blocks recorded together, a megabyte: what a kill loses at most beside what is in memory.
const BLOCKS_TOGETHER: u32 = 64;

/// Keeps the records of blocks of unfinished pieces true, for a host that stores them. Every method returns bytes to be
/// appended to the log, often none.
#[derive(Clone, Debug)]
pub struct BlockJournal {
    log: ResumeLog,
    /// Stored and not recorded.
    pending: PartialPieces,
    /// Pieces of which blocks are recorded.
    recorded: BTreeSet<PieceIndex>,
}

impl BlockJournal {
    /// For this log, which says that these blocks are stored.
    #[must_use]
    pub fn new(log: ResumeLog, recorded: &PartialPieces) -> Self {
        Self {
            log,
            pending: PartialPieces::new(),
            recorded: order::gather(recorded.iter().map(|(piece, _)| piece)),
        }
    }

    /// These blocks are stored.
    #[must_use]
    pub fn stored(&mut self, run: BlockRun) -> Vec<u8> {
        self.pending.insert(run);
        if self.pending.count() >= BLOCKS_TOGETHER { self.flush() } else { Vec::new() }
    }

    /// Records what is not recorded yet: before a pause, and now and then.
    #[must_use]
    pub fn flush(&mut self) -> Vec<u8> {
        let pending = std::mem::take(&mut self.pending);
        self.recorded.extend(pending.iter().map(|(piece, _)| piece));
        pending.runs().into_iter().flat_map(|run| self.log.record_blocks(run)).collect()
    }

    /// The piece is verified and stored, and recorded as such: nothing more is to be said of its blocks.
    pub fn verified(&mut self, piece: PieceIndex) {
        self.pending.remove(piece);
        self.recorded.remove(&piece);
    }

    /// The blocks of the piece are worth nothing: it was given up, or had the wrong hash.
    #[must_use]
    pub fn discarded(&mut self, piece: PieceIndex) -> Vec<u8> {
        self.pending.remove(piece);
        if self.recorded.remove(&piece) { self.log.record_discarded(piece) } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use codec::InfoHash;

    fn run(piece: u32, first: u32, count: u32) -> BlockRun {
        BlockRun { piece: PieceIndex(piece), first, count }
    }

    fn log() -> ResumeLog {
        ResumeLog::new(InfoHash([9; 20]), 12)
    }

    fn journal(recorded: &[BlockRun]) -> BlockJournal {
        let mut pieces = PartialPieces::new();
        recorded.iter().for_each(|&run| pieces.insert(run));
        BlockJournal::new(log(), &pieces)
    }

    #[test]
    fn blocks_are_recorded_by_the_megabyte_or_when_asked_for() {
        let mut journal = journal(&[]);
        for block in 0..63 {
            assert_eq!(journal.stored(run(1, block, 1)), []);
        }
        assert_eq!(journal.stored(run(1, 63, 1)), log().record_blocks(run(1, 0, 64)));
        assert_eq!(journal.stored(run(2, 0, 1)), []);
        assert_eq!(journal.flush(), log().record_blocks(run(2, 0, 1)));
        assert_eq!(journal.flush(), []);
    }

    #[test]
    fn what_was_recorded_and_is_worth_nothing_is_taken_back() {
        let mut journal = journal(&[run(5, 0, 1)]);
        assert_eq!(journal.discarded(PieceIndex(5)), log().record_discarded(PieceIndex(5)));
        assert_eq!(journal.discarded(PieceIndex(5)), []);
        let _pending = journal.stored(run(6, 0, 1));
        assert_eq!(journal.discarded(PieceIndex(6)), [], "it was never recorded");
        assert_eq!(journal.flush(), []);
    }

    #[test]
    fn of_a_verified_piece_nothing_more_is_said() {
        let mut journal = journal(&[run(5, 0, 1)]);
        let _pending = journal.stored(run(5, 1, 1));
        journal.verified(PieceIndex(5));
        assert_eq!((journal.flush(), journal.discarded(PieceIndex(5))), (vec![], vec![]));
    }
}
