//! Which blocks of unfinished pieces lie in storage: what a restart need not fetch again, though nothing of it is
//! verified.

use std::collections::BTreeMap;

use crate::metainfo::PIECE_LEN_MAX;
use crate::{BLOCK_LEN, PieceIndex};

/// No piece has more blocks.
const BLOCKS_MAX: u32 = PIECE_LEN_MAX / BLOCK_LEN;

/// Blocks of unfinished pieces, by their number in the piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialPieces {
    /// One bit a block; the last word of each is not zero.
    pieces: BTreeMap<PieceIndex, Vec<u64>>,
}

/// Blocks of one piece that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockRun {
    /// The piece.
    pub piece: PieceIndex,
    /// Number of the first block in the piece.
    pub first: u32,
    /// How many.
    pub count: u32,
}

impl BlockRun {
    /// It lies within what a piece of any torrent can have.
    pub(crate) fn is_possible(&self) -> bool {
        self.count > 0 && self.first.checked_add(self.count).is_some_and(|end| end <= BLOCKS_MAX)
    }
}

impl PartialPieces {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { pieces: BTreeMap::new() }
    }

    /// Adds blocks. Those that no piece of any torrent has are left out.
    pub fn insert(&mut self, run: BlockRun) {
        if !run.is_possible() {
            return;
        }
        let words = self.pieces.entry(run.piece).or_default();
        for block in run.first..run.first + run.count {
            let word = (block / 64) as usize;
            if words.len() <= word {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (block % 64);
        }
    }

    /// Forgets the blocks of a piece: it is verified, or given up. Returns whether there were any.
    pub fn remove(&mut self, piece: PieceIndex) -> bool {
        self.pieces.remove(&piece).is_some()
    }

    /// Whether there are blocks of this piece.
    #[must_use]
    pub fn contains(&self, piece: PieceIndex) -> bool {
        self.pieces.contains_key(&piece)
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Number of blocks.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.pieces.values().flatten().map(|word| word.count_ones()).sum()
    }

    /// The pieces, ascending, with the numbers of their blocks, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (PieceIndex, impl Iterator<Item = u32> + '_)> + '_ {
        self.pieces.iter().map(|(&piece, words)| (piece, blocks(words)))
    }

    /// All blocks in as few runs as possible, ascending.
    #[must_use]
    pub fn runs(&self) -> Vec<BlockRun> {
        let mut runs: Vec<BlockRun> = Vec::new();
        for (piece, blocks) in self.iter() {
            for block in blocks {
                match runs.last_mut() {
                    Some(run) if run.piece == piece && run.first + run.count == block => run.count += 1,
                    _ => runs.push(BlockRun { piece, first: block, count: 1 }),
                }
            }
        }
        runs
    }
}

fn blocks(words: &[u64]) -> impl Iterator<Item = u32> + '_ {
    let bits = |word: u64| (0..64).filter(move |bit| word & (1 << bit) != 0);
    words.iter().zip(0_u32..).flat_map(move |(&word, at)| bits(word).map(move |bit| at * 64 + bit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(piece: u32, first: u32, count: u32) -> BlockRun {
        BlockRun { piece: PieceIndex(piece), first, count }
    }

    #[test]
    fn blocks_add_up_and_come_back_in_runs() {
        let mut pieces = PartialPieces::default();
        [run(7, 63, 2), run(3, 5, 1), run(7, 65, 1), run(7, 0, 1), run(3, 5, 1)]
            .into_iter()
            .for_each(|run| pieces.insert(run));
        assert_eq!(pieces.runs(), [run(3, 5, 1), run(7, 0, 1), run(7, 63, 3)]);
        assert_eq!(pieces.count(), 5);
        assert!(pieces.remove(PieceIndex(7)) && !pieces.remove(PieceIndex(7)) && !pieces.is_empty());
        assert!(pieces.contains(PieceIndex(3)) && !pieces.contains(PieceIndex(7)));
    }

    #[test]
    fn what_no_piece_has_is_left_out() {
        let mut pieces = PartialPieces::default();
        for impossible in [run(0, 0, 0), run(0, 32_767, 2), run(0, u32::MAX, 1), run(0, 1, u32::MAX)] {
            pieces.insert(impossible);
        }
        assert!(pieces.is_empty());
        pieces.insert(run(0, 32_767, 1));
        assert_eq!(pieces.runs(), [run(0, 32_767, 1)]);
    }
}
