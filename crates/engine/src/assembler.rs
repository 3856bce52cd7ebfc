//! Blocks to pieces, in bounded memory, for hosts of the engine. It touches no storage: it says which bytes to keep.

use std::collections::BTreeMap;

use crate::{BlockRef, PieceIndex};

/// Collects the blocks of unfinished pieces in memory, up to a bound; past it, blocks go to storage as they come.
///
/// How a piece is collected is decided at its first block and stays so. Buffers are used again: once every buffer
/// that fits has been made, a piece costs no allocation.
#[derive(Debug)]
pub struct PieceAssembler {
    /// All buffers together, those handed out by [`PieceAssembler::take`] included.
    bytes_max: usize,
    piece_size_max: u32,
    pieces: BTreeMap<PieceIndex, Assembled>,
    pool: Vec<Vec<u8>>,
    allocated_bytes: usize,
}

/// Where a part of a block goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It was copied.
    Buffered,
    /// The caller writes it to storage now.
    WriteThrough,
}

/// A piece all of whose blocks came.
#[derive(Debug, PartialEq, Eq)]
pub enum Assembled {
    /// Its bytes. Give the buffer back with [`PieceAssembler::recycle`] when it is hashed and stored.
    Buffer(Vec<u8>),
    /// Its bytes are in storage.
    OnDisk,
}

impl PieceAssembler {
    /// Buffers of at most `bytes_max` bytes in all; pieces longer than `piece_size_max` bytes are never buffered.
    #[must_use]
    pub const fn new(bytes_max: usize, piece_size_max: u32) -> Self {
        Self { bytes_max, piece_size_max, pieces: BTreeMap::new(), pool: Vec::new(), allocated_bytes: 0 }
    }

    /// Takes part of a block of a piece of `piece_size` bytes. `bytes` has the part's length and lies within the piece.
    pub fn store(&mut self, part: BlockRef, bytes: &[u8], piece_size: u32) -> Stored {
        if !self.pieces.contains_key(&part.piece) {
            let begun = self.buffer(piece_size).map_or(Assembled::OnDisk, Assembled::Buffer);
            self.pieces.insert(part.piece, begun);
        }
        let Some(Assembled::Buffer(buffer)) = self.pieces.get_mut(&part.piece) else {
            return Stored::WriteThrough;
        };
        let begin = part.begin as usize;
        match buffer.get_mut(begin..begin.saturating_add(bytes.len())) {
            Some(place) => place.copy_from_slice(bytes),
            None => debug_assert!(false, "invariant: the engine stores within the piece only"),
        }
        Stored::Buffered
    }

    /// Ends the assembly of a piece. A piece of which nothing was stored here is taken to be in storage.
    pub fn take(&mut self, piece: PieceIndex) -> Assembled {
        self.pieces.remove(&piece).unwrap_or(Assembled::OnDisk)
    }

    /// Gives back a buffer from [`PieceAssembler::take`]. Until then it counts towards the bound.
    pub fn recycle(&mut self, buffer: Vec<u8>) {
        if self.allocated_bytes > self.bytes_max {
            self.free(buffer);
        } else {
            self.pool.push(buffer);
        }
    }

    /// Counts a buffer from [`PieceAssembler::take`] that will never come back.
    pub fn forget(&mut self, capacity_bytes: usize) {
        self.allocated_bytes = self.allocated_bytes.saturating_sub(capacity_bytes);
    }

    /// Forgets the blocks of a piece.
    pub fn discard(&mut self, piece: PieceIndex) {
        if let Some(Assembled::Buffer(buffer)) = self.pieces.remove(&piece) {
            self.recycle(buffer);
        }
    }

    /// Another bound from now on, for hosts that share memory between torrents. Unused buffers are freed at once,
    /// those in use when they come back.
    pub fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
        while self.allocated_bytes > bytes_max {
            let Some(buffer) = self.pool.pop() else { break };
            self.free(buffer);
        }
    }

    /// Memory of all buffers in bytes, used or not, those handed out included.
    #[must_use]
    pub const fn allocated_bytes(&self) -> usize {
        self.allocated_bytes
    }

    /// A buffer of this length with anything in it, unless the bounds forbid one.
    fn buffer(&mut self, piece_size: u32) -> Option<Vec<u8>> {
        let len = piece_size as usize;
        if piece_size > self.piece_size_max {
            return None;
        }
        while let Some(mut buffer) = self.pool.pop() {
            if buffer.capacity() >= len {
                // Every byte is overwritten before the piece is taken, so old content need not be cleared.
                buffer.resize(len, 0);
                return Some(buffer);
            }
            // The buffer of a shorter last piece.
            self.free(buffer);
        }
        if self.allocated_bytes + len > self.bytes_max {
            return None;
        }
        let buffer = vec![0; len];
        self.allocated_bytes += buffer.capacity();
        Some(buffer)
    }

    #[expect(clippy::needless_pass_by_value, reason = "the buffer ends here")]
    fn free(&mut self, buffer: Vec<u8>) {
        self.forget(buffer.capacity());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE_SIZE: u32 = 8;

    /// Stores the second half of a piece, then the first.
    fn store(assembler: &mut PieceAssembler, piece: u32, fill: u8, piece_size: u32) -> [Stored; 2] {
        let half = piece_size / 2;
        [half, 0].map(|begin| {
            let part = BlockRef { piece: PieceIndex(piece), begin, len: half };
            assembler.store(part, &vec![fill + u8::from(begin > 0); half as usize], piece_size)
        })
    }

    fn whole(fill: u8) -> Assembled {
        Assembled::Buffer([[fill; 4], [fill + 1; 4]].concat())
    }

    #[test]
    fn blocks_in_any_order_make_a_piece() {
        let mut assembler = PieceAssembler::new(100, PIECE_SIZE);
        assert_eq!(store(&mut assembler, 3, 10, PIECE_SIZE), [Stored::Buffered; 2]);
        assert_eq!(store(&mut assembler, 5, 20, PIECE_SIZE), [Stored::Buffered; 2]);
        assert_eq!(assembler.take(PieceIndex(3)), whole(10));
        assert_eq!(assembler.take(PieceIndex(5)), whole(20));
    }

    #[test]
    fn past_the_bound_blocks_go_to_storage_and_a_piece_stays_where_it_began() {
        let mut assembler = PieceAssembler::new(16, PIECE_SIZE);
        store(&mut assembler, 0, 1, PIECE_SIZE);
        store(&mut assembler, 1, 1, PIECE_SIZE);
        assert_eq!(store(&mut assembler, 2, 1, PIECE_SIZE), [Stored::WriteThrough; 2]);
        assembler.discard(PieceIndex(0));
        assert_eq!(store(&mut assembler, 2, 1, PIECE_SIZE), [Stored::WriteThrough; 2], "begun on disk");
        assert_eq!(store(&mut assembler, 3, 7, PIECE_SIZE), [Stored::Buffered; 2], "there is room again");
        assert_eq!(assembler.take(PieceIndex(2)), Assembled::OnDisk);
        assert_eq!(assembler.take(PieceIndex(3)), whole(7));
        assert_eq!(assembler.allocated_bytes(), 16);
    }

    #[test]
    fn a_buffer_that_was_taken_counts_until_it_comes_back() {
        let mut assembler = PieceAssembler::new(8, PIECE_SIZE);
        store(&mut assembler, 0, 1, PIECE_SIZE);
        let Assembled::Buffer(buffer) = assembler.take(PieceIndex(0)) else { panic!("buffered") };
        assert_eq!(store(&mut assembler, 1, 1, PIECE_SIZE), [Stored::WriteThrough; 2]);
        assembler.recycle(buffer);
        assert_eq!(store(&mut assembler, 2, 1, PIECE_SIZE), [Stored::Buffered; 2]);
    }

    #[test]
    fn long_pieces_are_never_buffered() {
        let mut assembler = PieceAssembler::new(1000, PIECE_SIZE);
        assert_eq!(store(&mut assembler, 0, 1, PIECE_SIZE + 2), [Stored::WriteThrough; 2]);
        assert_eq!(assembler.allocated_bytes(), 0);
    }

    #[test]
    fn a_buffer_is_used_again_at_the_same_place() {
        let mut assembler = PieceAssembler::new(1000, PIECE_SIZE);
        let mut place = None;
        for piece in 0..5 {
            store(&mut assembler, piece, 40 + piece as u8, PIECE_SIZE);
            let Assembled::Buffer(buffer) = assembler.take(PieceIndex(piece)) else { panic!("buffered") };
            assert_eq!(*place.get_or_insert(buffer.as_ptr()), buffer.as_ptr());
            assembler.recycle(buffer);
        }
        assert_eq!(assembler.allocated_bytes(), 8);
    }

    #[test]
    fn a_shorter_last_piece_changes_neither_length_nor_count() {
        let mut assembler = PieceAssembler::new(8, PIECE_SIZE);
        for (piece, size) in [(0, 4), (1, 8), (2, 4), (3, 8)] {
            assert_eq!(store(&mut assembler, piece, 1, size), [Stored::Buffered; 2]);
            let Assembled::Buffer(buffer) = assembler.take(PieceIndex(piece)) else { panic!("buffered") };
            assert_eq!(buffer.len(), size as usize);
            assembler.recycle(buffer);
        }
        assert_eq!(assembler.allocated_bytes(), 8);
    }

    #[test]
    fn a_lower_bound_frees_what_is_unused_at_once_and_the_rest_later() {
        let mut assembler = PieceAssembler::new(16, PIECE_SIZE);
        store(&mut assembler, 0, 1, PIECE_SIZE);
        store(&mut assembler, 1, 1, PIECE_SIZE);
        assembler.discard(PieceIndex(0));
        assembler.set_bytes_max(0);
        assert_eq!(assembler.allocated_bytes(), 8);
        assembler.discard(PieceIndex(1));
        assert_eq!(assembler.allocated_bytes(), 0);
    }
}
