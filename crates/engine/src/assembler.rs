//! Blocks to pieces, in bounded memory, for hosts of the engine. It touches no storage: it says which bytes to keep.

use std::collections::{BTreeMap, BTreeSet};

use crate::{BLOCK_LEN, BlockRef, BlockRun, PieceIndex};

/// Collects the blocks of unfinished pieces in memory, up to a bound; past it, blocks go to storage as they come.
///
/// How a piece is collected is decided at its first block and stays so. Buffers are used again: once every buffer
/// that fits has been made, a piece costs no allocation.
#[derive(Debug)]
pub struct PieceAssembler {
    /// All buffers together, those handed out by [`PieceAssembler::take`] included.
    bytes_max: usize,
    piece_size_max: u32,
    pieces: BTreeMap<PieceIndex, Unfinished>,
    pool: Vec<Vec<u8>>,
    allocated_bytes: usize,
}

/// A piece some of whose blocks came.
#[derive(Debug)]
enum Unfinished {
    /// Its bytes, and which of its blocks are whole and not yet handed out by [`PieceAssembler::take_unsaved`].
    Buffer {
        bytes: Vec<u8>,
        unsaved: BTreeSet<u32>,
    },
    OnDisk,
}

/// Blocks of an unfinished piece that lie in memory only.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsaved {
    /// Which.
    pub run: BlockRun,
    /// Where they belong.
    pub part: BlockRef,
    /// Their bytes.
    pub bytes: Vec<u8>,
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
            let begun = self
                .buffer(piece_size)
                .map_or(Unfinished::OnDisk, |bytes| Unfinished::Buffer { bytes, unsaved: BTreeSet::new() });
            self.pieces.insert(part.piece, begun);
        }
        let Some(Unfinished::Buffer { bytes: buffer, unsaved }) = self.pieces.get_mut(&part.piece) else {
            return Stored::WriteThrough;
        };
        let begin = part.begin as usize;
        match buffer.get_mut(begin..begin.saturating_add(bytes.len())) {
            Some(place) => place.copy_from_slice(bytes),
            None => debug_assert!(false, "invariant: the engine stores within the piece only"),
        }
        unsaved.extend(finished_block(&part, piece_size).map(|run| run.first));
        Stored::Buffered
    }

    /// Blocks of this piece lie in storage since an earlier session: it goes on there.
    pub fn go_on(&mut self, piece: PieceIndex) {
        self.pieces.entry(piece).or_insert(Unfinished::OnDisk);
    }

    /// Ends the assembly of a piece. A piece of which nothing was stored here is taken to be in storage.
    pub fn take(&mut self, piece: PieceIndex) -> Assembled {
        match self.pieces.remove(&piece) {
            Some(Unfinished::Buffer { bytes, .. }) => Assembled::Buffer(bytes),
            Some(Unfinished::OnDisk) | None => Assembled::OnDisk,
        }
    }

    /// Blocks that lie in memory only and have not been handed out by this before, for a host that writes them to
    /// storage so that they outlive a kill: copies of at most `bytes_max` bytes, at least one run if there is any. Their
    /// pieces stay in memory.
    pub fn take_unsaved(&mut self, bytes_max: usize) -> Vec<Unsaved> {
        let mut taken = Vec::new();
        let mut left = bytes_max;
        for (&piece, unfinished) in &mut self.pieces {
            let Unfinished::Buffer { bytes, unsaved } = unfinished else { continue };
            while let Some(run) = first_run(piece, unsaved) {
                let part = part_of(&run, bytes.len());
                if part.len as usize > left && !taken.is_empty() {
                    return taken;
                }
                left = left.saturating_sub(part.len as usize);
                unsaved.retain(|block| !(run.first..run.first + run.count).contains(block));
                taken.push(Unsaved { run, part, bytes: bytes[range(&part)].to_vec() });
            }
        }
        taken
    }

    /// Moves all that is in memory to storage: hands out what is not there yet, and pieces go on there. For a pause, in
    /// which no memory is to be held.
    pub fn take_all_unsaved(&mut self) -> Vec<Unsaved> {
        let taken = self.take_unsaved(usize::MAX);
        for unfinished in self.pieces.values_mut() {
            if let Unfinished::Buffer { bytes, .. } = std::mem::replace(unfinished, Unfinished::OnDisk) {
                self.allocated_bytes = self.allocated_bytes.saturating_sub(bytes.capacity());
            }
        }
        taken
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
        if let Some(Unfinished::Buffer { bytes, .. }) = self.pieces.remove(&piece) {
            self.recycle(bytes);
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

/// The block that is whole once this part of it is stored. Parts of a block come in order, each connection from the
/// block's beginning, so that whoever brings the last part has brought the others.
#[must_use]
pub fn finished_block(part: &BlockRef, piece_size: u32) -> Option<BlockRun> {
    let end = part.begin + part.len;
    let is_end = part.len > 0 && (end.is_multiple_of(BLOCK_LEN) || end == piece_size);
    is_end.then(|| BlockRun { piece: part.piece, first: (end - 1) / BLOCK_LEN, count: 1 })
}

/// The first blocks that follow each other.
fn first_run(piece: PieceIndex, blocks: &BTreeSet<u32>) -> Option<BlockRun> {
    let first = *blocks.first()?;
    let count = blocks.iter().zip(first..).take_while(|(block, expected)| **block == *expected).count();
    Some(BlockRun { piece, first, count: count as u32 })
}

fn part_of(run: &BlockRun, piece_size: usize) -> BlockRef {
    let begin = run.first * BLOCK_LEN;
    let len = (run.count * BLOCK_LEN).min(piece_size as u32 - begin);
    BlockRef { piece: run.piece, begin, len }
}

fn range(part: &BlockRef) -> std::ops::Range<usize> {
    part.begin as usize..(part.begin + part.len) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE_SIZE: u32 = 8;

    fn block(piece: u32, number: u32, len: u32) -> BlockRef {
        BlockRef { piece: PieceIndex(piece), begin: number * BLOCK_LEN, len }
    }

    fn run(piece: u32, first: u32, count: u32) -> BlockRun {
        BlockRun { piece: PieceIndex(piece), first, count }
    }

    /// An assembler with blocks 0, 1 and 3 (the last, of 10 bytes) of piece 2, and half of block 2.
    fn unfinished() -> PieceAssembler {
        let piece_size = 3 * BLOCK_LEN + 10;
        let mut assembler = PieceAssembler::new(1 << 20, piece_size);
        for (number, len) in [(1, BLOCK_LEN), (0, BLOCK_LEN), (2, 100), (3, 10)] {
            assembler.store(block(2, number, len), &vec![number as u8; len as usize], piece_size);
        }
        assembler
    }

    #[test]
    fn what_lies_in_memory_only_is_handed_out_once() {
        let mut assembler = unfinished();
        let unsaved = assembler.take_unsaved(usize::MAX);
        let runs: Vec<BlockRun> = unsaved.iter().map(|unsaved| unsaved.run).collect();
        assert_eq!(runs, [run(2, 0, 2), run(2, 3, 1)]);
        assert_eq!(unsaved[0].part, block(2, 0, 2 * BLOCK_LEN));
        assert_eq!((unsaved[0].bytes[0], unsaved[0].bytes[BLOCK_LEN as usize]), (0, 1));
        assert_eq!((unsaved[1].part, &unsaved[1].bytes[..]), (block(2, 3, 10), &[3; 10][..]));
        assert_eq!(assembler.take_unsaved(usize::MAX), []);
        assert!(matches!(assembler.take(PieceIndex(2)), Assembled::Buffer(_)), "the piece stays in memory");
    }

    #[test]
    fn a_bound_lets_one_run_through_at_least() {
        let mut assembler = unfinished();
        let taken = |unsaved: Vec<Unsaved>| unsaved.iter().map(|unsaved| unsaved.run).collect::<Vec<_>>();
        assert_eq!(taken(assembler.take_unsaved(1)), [run(2, 0, 2)]);
        assert_eq!(taken(assembler.take_unsaved(1)), [run(2, 3, 1)]);
    }

    #[test]
    fn after_a_pause_a_piece_goes_on_in_storage() {
        let mut assembler = unfinished();
        assert_eq!(assembler.take_all_unsaved().len(), 2);
        assert_eq!(assembler.allocated_bytes(), 0);
        let stored =
            assembler.store(block(2, 2, BLOCK_LEN), &vec![2; BLOCK_LEN as usize], 3 * BLOCK_LEN + 10);
        assert_eq!(stored, Stored::WriteThrough);
        assert_eq!(assembler.take(PieceIndex(2)), Assembled::OnDisk);
    }

    #[test]
    fn a_piece_of_an_earlier_session_goes_on_in_storage() {
        let mut assembler = PieceAssembler::new(100, PIECE_SIZE);
        assembler.go_on(PieceIndex(3));
        assert_eq!(store(&mut assembler, 3, 1, PIECE_SIZE), [Stored::WriteThrough; 2]);
    }

    #[test]
    fn the_last_part_of_a_block_makes_it_whole() {
        let part = |begin, len| BlockRef { piece: PieceIndex(1), begin, len };
        let check =
            |part: BlockRef, expected| assert_eq!(finished_block(&part, 40_000), expected, "{part:?}");
        check(part(0, 16_384), Some(run(1, 0, 1)));
        check(part(0, 16_383), None);
        check(part(16_383, 1), Some(run(1, 0, 1)));
        check(part(32_768, 7_232), Some(run(1, 2, 1)));
        check(part(32_768, 7_231), None);
        check(part(16_384, 0), None);
    }

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
