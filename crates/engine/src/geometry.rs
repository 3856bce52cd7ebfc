//! How a torrent is cut: into pieces, and these into blocks.

use crate::{BLOCK_LEN, BlockRef, PieceIndex};

/// Lengths of a torrent and what follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    piece_len: u32,
    pieces_total: u32,
    total_len: u64,
}

impl Geometry {
    /// A torrent of `total_len` bytes in pieces of `piece_len` bytes, the last one perhaps shorter.
    pub(crate) fn new(piece_len: u32, total_len: u64) -> Self {
        let piece_len = piece_len.max(1);
        let pieces_total = u32::try_from(total_len.div_ceil(u64::from(piece_len))).unwrap_or(u32::MAX);
        Self { piece_len, pieces_total, total_len }
    }

    /// Length of every piece but the last in bytes.
    pub(crate) const fn piece_len(&self) -> u32 {
        self.piece_len
    }

    pub(crate) const fn pieces_total(&self) -> u32 {
        self.pieces_total
    }

    pub(crate) const fn total_len(&self) -> u64 {
        self.total_len
    }

    /// Length of this piece in bytes; zero outside the torrent.
    pub(crate) fn piece_size(&self, piece: PieceIndex) -> u32 {
        let start = u64::from(piece.0) * u64::from(self.piece_len);
        self.total_len.saturating_sub(start).min(u64::from(self.piece_len)) as u32
    }

    /// Number of blocks in this piece.
    pub(crate) fn blocks_in(&self, piece: PieceIndex) -> u32 {
        self.piece_size(piece).div_ceil(BLOCK_LEN)
    }

    /// The block with this number in its piece.
    pub(crate) fn block(&self, piece: PieceIndex, number: u32) -> BlockRef {
        let begin = number * BLOCK_LEN;
        BlockRef { piece, begin, len: (self.piece_size(piece) - begin).min(BLOCK_LEN) }
    }

    /// Whether these bytes lie within one piece of the torrent.
    pub(crate) fn contains(&self, block: &BlockRef) -> bool {
        block.len > 0
            && u64::from(block.begin) + u64::from(block.len) <= u64::from(self.piece_size(block.piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_piece_and_its_last_block_are_shorter() {
        let torrent = Geometry::new(40_000, 100_001);
        assert_eq!(torrent.pieces_total(), 3);
        assert_eq!(
            [0, 1, 2, 3].map(|piece| torrent.piece_size(PieceIndex(piece))),
            [40_000, 40_000, 20_001, 0]
        );
        assert_eq!([0, 2].map(|piece| torrent.blocks_in(PieceIndex(piece))), [3, 2]);
        let last = torrent.block(PieceIndex(2), 1);
        assert_eq!((last.begin, last.len), (16_384, 3617));
        assert!(torrent.contains(&last));
        assert!(!torrent.contains(&BlockRef { len: 3618, ..last }));
        assert!(!torrent.contains(&BlockRef { len: 0, ..last }));
        assert!(!torrent.contains(&BlockRef { begin: u32::MAX, len: u32::MAX, piece: PieceIndex(0) }));
    }
}
