//! How a torrent is cut: into pieces, and these into blocks.

use std::ops::Range;
use std::sync::Arc;

use crate::{BLOCK_LEN, BlockRef, PieceIndex};

/// Lengths of a torrent and what follows from them. Cheap to clone.
///
/// Padding at the end of a piece (BEP 47, and the gaps between the files of version 2, BEP 52) is not part of the piece
/// here: it is known to be zero, so nobody asks for it, sends it or stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    piece_len: u32,
    pieces_total: u32,
    span_len: u64,
    total_len: u64,
    /// Pieces that end in padding, in their order, and their lengths without it.
    short: Arc<[(u32, u32)]>,
}

impl Geometry {
    /// A torrent of `total_len` bytes without padding, in pieces of `piece_len` bytes, the last one perhaps shorter.
    #[cfg(test)]
    pub(crate) fn new(piece_len: u32, total_len: u64) -> Self {
        Self::with_padding(piece_len, total_len, std::iter::empty())
    }

    /// A torrent of `span_len` bytes with the padding, which lies at these places, in their order. Padding counts as
    /// content where it is not at the end of its piece, or all of the piece: a piece is never empty.
    pub(crate) fn with_padding(
        piece_len: u32,
        span_len: u64,
        padding: impl Iterator<Item = Range<u64>>,
    ) -> Self {
        let piece_len = piece_len.max(1);
        let pieces_total = u32::try_from(span_len.div_ceil(u64::from(piece_len))).unwrap_or(u32::MAX);
        let long = u64::from(piece_len);
        let mut short = Vec::new();
        let mut total_len = span_len;
        for run in joined(padding) {
            let start = run.start - run.start % long;
            let end = (start + long).min(span_len);
            if run.start > start && run.end >= end {
                short.push(((start / long) as u32, (run.start - start) as u32));
                total_len -= end - run.start;
            }
        }
        Self { piece_len, pieces_total, span_len, total_len, short: short.into() }
    }

    /// Length of every piece in bytes, but for the last one and those that end in padding.
    pub(crate) const fn piece_len(&self) -> u32 {
        self.piece_len
    }

    pub(crate) const fn pieces_total(&self) -> u32 {
        self.pieces_total
    }

    /// Length of all pieces together in bytes.
    pub(crate) const fn total_len(&self) -> u64 {
        self.total_len
    }

    /// Length of the content with all padding in bytes.
    pub(crate) const fn span_len(&self) -> u64 {
        self.span_len
    }

    /// Length of this piece in bytes; zero outside the torrent.
    pub(crate) fn piece_size(&self, piece: PieceIndex) -> u32 {
        match self.short.binary_search_by_key(&piece.0, |(piece, _)| *piece) {
            Ok(at) => self.short[at].1,
            Err(_) => self.padded_size(piece),
        }
    }

    /// Length of this piece with the padding at its end in bytes; zero outside the torrent.
    pub(crate) fn padded_size(&self, piece: PieceIndex) -> u32 {
        let start = u64::from(piece.0) * u64::from(self.piece_len);
        self.span_len.saturating_sub(start).min(u64::from(self.piece_len)) as u32
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

    /// Whether these bytes lie within one piece of the torrent, padding included: peers that do not know of it may ask
    /// for it (BEP 47).
    pub(crate) fn contains(&self, block: &BlockRef) -> bool {
        block.len > 0
            && u64::from(block.begin) + u64::from(block.len) <= u64::from(self.padded_size(block.piece))
    }
}

/// The ranges, those that touch made one, empty ones left out.
fn joined(ranges: impl Iterator<Item = Range<u64>>) -> impl Iterator<Item = Range<u64>> {
    let mut ranges = ranges.filter(|range| !range.is_empty()).peekable();
    std::iter::from_fn(move || {
        let mut run = ranges.next()?;
        while let Some(next) = ranges.next_if(|next| next.start == run.end) {
            run.end = next.end;
        }
        Some(run)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes<const N: usize>(torrent: &Geometry) -> [u32; N] {
        std::array::from_fn(|piece| torrent.piece_size(PieceIndex(piece as u32)))
    }

    #[test]
    fn the_last_piece_and_its_last_block_are_shorter() {
        let torrent = Geometry::new(40_000, 100_001);
        assert_eq!(torrent.pieces_total(), 3);
        assert_eq!(sizes(&torrent), [40_000, 40_000, 20_001, 0]);
        assert_eq!([0, 2].map(|piece| torrent.blocks_in(PieceIndex(piece))), [3, 2]);
        let last = torrent.block(PieceIndex(2), 1);
        assert_eq!((last.begin, last.len), (16_384, 3617));
        assert!(torrent.contains(&last));
        assert!(!torrent.contains(&BlockRef { len: 3618, ..last }));
        assert!(!torrent.contains(&BlockRef { len: 0, ..last }));
        assert!(!torrent.contains(&BlockRef { begin: u32::MAX, len: u32::MAX, piece: PieceIndex(0) }));
    }

    #[test]
    fn padding_at_the_end_of_a_piece_is_no_part_of_it() {
        // One piece of 100 with 60 of padding in two runs, two whole ones, and a last one of 50 with 20 of padding.
        let padding = [40..70, 70..70, 70..100, 330..350];
        let torrent = Geometry::with_padding(100, 350, padding.into_iter());
        assert_eq!(sizes(&torrent), [40, 100, 100, 30, 0]);
        assert_eq!((torrent.total_len(), torrent.span_len()), (270, 350));
        assert_eq!([0, 3].map(|piece| torrent.padded_size(PieceIndex(piece))), [100, 50]);
        let block = |piece, begin, len| BlockRef { piece: PieceIndex(piece), begin, len };
        assert!(torrent.contains(&block(0, 0, 100)), "who does not know of padding may ask for it");
        assert!(!torrent.contains(&block(3, 0, 51)));
        assert_eq!(torrent.block(PieceIndex(0), 0), block(0, 0, 40));
    }

    #[test]
    fn padding_elsewhere_counts_as_content() {
        // In the middle of a piece, over all of a piece, and across the border of two.
        let padding = [10..20, 100..200, 290..310];
        let torrent = Geometry::with_padding(100, 400, padding.into_iter());
        assert_eq!(sizes(&torrent), [100, 100, 90, 100]);
        assert_eq!(torrent.total_len(), 390);
    }
}
