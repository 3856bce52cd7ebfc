//! A piece that is begun: which of its blocks are free, requested, received, and who took part.

use super::speed::Speed;
use crate::PeerKey;

/// A set of block numbers that finds its lowest member without a scan from the start.
#[derive(Clone, Debug)]
pub(crate) struct BlockSet {
    words: Vec<u64>,
    count: u32,
    /// No word below this one has a member.
    lowest_word: usize,
}

impl BlockSet {
    pub(crate) fn empty(blocks: u32) -> Self {
        Self { words: vec![0; blocks.div_ceil(64) as usize], count: 0, lowest_word: 0 }
    }

    pub(crate) fn full(blocks: u32) -> Self {
        let mut words = vec![u64::MAX; blocks.div_ceil(64) as usize];
        if let (Some(last), spare @ 1..) = (words.last_mut(), blocks % 64) {
            *last = (1 << spare) - 1;
        }
        Self { words, count: blocks, lowest_word: 0 }
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn has(&self, block: u32) -> bool {
        self.words[(block / 64) as usize] & (1 << (block % 64)) != 0
    }

    pub(crate) fn insert(&mut self, block: u32) {
        if !self.has(block) {
            let word = (block / 64) as usize;
            self.words[word] |= 1 << (block % 64);
            self.count += 1;
            self.lowest_word = self.lowest_word.min(word);
        }
    }

    pub(crate) fn remove(&mut self, block: u32) {
        if self.has(block) {
            self.words[(block / 64) as usize] &= !(1 << (block % 64));
            self.count -= 1;
        }
    }

    /// The lowest member that is `at_least` this one.
    pub(crate) fn next(&mut self, at_least: u32) -> Option<u32> {
        while self.words.get(self.lowest_word) == Some(&0) {
            self.lowest_word += 1;
        }
        let from = ((at_least / 64) as usize).max(self.lowest_word);
        (from..self.words.len()).find_map(|word| {
            let below = if word == (at_least / 64) as usize { (1 << (at_least % 64)) - 1 } else { 0 };
            let rest = self.words[word] & !below;
            (rest != 0).then(|| word as u32 * 64 + rest.trailing_zeros())
        })
    }
}

/// A piece that is begun.
///
/// A block is *free* (nobody is counted on for it), *asked* (`active` peers are counted on for it) or *received*.
/// A peer that stalls keeps its request, and so stays among the `askers`, but is no longer counted on.
#[derive(Clone, Debug)]
pub(crate) struct Partial {
    pub(crate) free: BlockSet,
    pub(crate) received: BlockSet,
    blocks: u32,
    /// For each block: peers that have an outstanding request for it.
    askers: Vec<u8>,
    /// For each block: those among them that are counted on.
    active: Vec<u8>,
    /// Outstanding requests for all blocks together.
    requests: u32,
    /// Peers that wrote a byte of it.
    pub(crate) contributors: Vec<PeerKey>,
    /// The only peer that may take part, so that the piece proves it right or wrong.
    pub(crate) alone: Option<PeerKey>,
    /// That of the peer that began it.
    pub(crate) speed: Speed,
    /// Some of its blocks are of an earlier session: who wrote them is not known, so nobody answers for the piece.
    is_restored: bool,
}

impl Partial {
    pub(crate) fn new(blocks: u32, alone: Option<PeerKey>, speed: Speed) -> Self {
        Self {
            free: BlockSet::full(blocks),
            received: BlockSet::empty(blocks),
            blocks,
            askers: vec![0; blocks as usize],
            active: vec![0; blocks as usize],
            requests: 0,
            contributors: Vec::new(),
            alone,
            speed,
            is_restored: false,
        }
    }

    /// A piece of which these blocks are stored since an earlier session.
    pub(crate) fn restored(blocks: u32, stored: impl Iterator<Item = u32>) -> Self {
        let mut partial = Self { is_restored: true, ..Self::new(blocks, None, Speed::default()) };
        stored.filter(|&block| block < blocks).for_each(|block| partial.receive(block));
        partial
    }

    pub(crate) fn blocks(&self) -> u32 {
        self.blocks
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.received.count() == self.blocks
    }

    pub(crate) fn askers(&self, block: u32) -> u8 {
        self.askers[block as usize]
    }

    /// A request for one of its blocks is outstanding, whether we count on it or not.
    pub(crate) fn is_asked(&self) -> bool {
        self.requests > 0
    }

    /// One more peer is asked.
    pub(crate) fn ask(&mut self, block: u32) {
        self.askers[block as usize] += 1;
        self.active[block as usize] += 1;
        self.requests += 1;
        self.free.remove(block);
    }

    /// One of its askers is no longer counted on. Returns whether the block became free.
    pub(crate) fn release(&mut self, block: u32) -> bool {
        self.active[block as usize] -= 1;
        let is_free = self.active[block as usize] == 0 && !self.received.has(block);
        if is_free {
            self.free.insert(block);
        }
        is_free
    }

    /// A released asker is counted on again, if nobody else is. Returns whether it is.
    pub(crate) fn reclaim(&mut self, block: u32) -> bool {
        let is_free = self.free.has(block);
        if is_free {
            self.active[block as usize] += 1;
            self.free.remove(block);
        }
        is_free
    }

    /// A request is no longer outstanding. Returns whether the block became free.
    pub(crate) fn forget(&mut self, block: u32, was_active: bool) -> bool {
        self.askers[block as usize] -= 1;
        self.requests -= 1;
        was_active && self.release(block)
    }

    /// The block is there.
    pub(crate) fn receive(&mut self, block: u32) {
        self.free.remove(block);
        self.received.insert(block);
    }

    pub(crate) fn add_contributor(&mut self, peer: PeerKey) {
        if !self.is_restored && !self.contributors.contains(&peer) {
            self.contributors.push(peer);
        }
    }

    /// Compares with the requests that the peers really have outstanding: `(block, active)` of this piece.
    pub(crate) fn check(&self, outstanding: &[(u32, bool)]) {
        assert_eq!(self.requests as usize, outstanding.len(), "invariant: requests of a piece are counted");
        for block in 0..self.blocks {
            let of_block = || outstanding.iter().filter(|(number, _)| *number == block);
            let active = of_block().filter(|(_, is_active)| *is_active).count();
            assert_eq!(
                usize::from(self.askers[block as usize]),
                of_block().count(),
                "invariant: askers of block {block}"
            );
            assert_eq!(
                usize::from(self.active[block as usize]),
                active,
                "invariant: active askers of block {block}"
            );
            let is_free = active == 0 && !self.received.has(block);
            assert_eq!(self.free.has(block), is_free, "invariant: block {block} is in exactly one state");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_set_finds_its_lowest_member() {
        let mut set = BlockSet::full(130);
        assert_eq!((set.count(), set.next(0), set.next(129), set.next(130)), (130, Some(0), Some(129), None));
        (0..129).for_each(|block| set.remove(block));
        assert_eq!(set.next(0), Some(129));
        set.insert(3);
        assert_eq!((set.next(0), set.next(4), set.count()), (Some(3), Some(129), 2));
    }

    #[test]
    fn a_released_block_is_free_until_somebody_is_counted_on() {
        let mut piece = Partial::new(2, None, Speed::default());
        piece.ask(0);
        assert!(!piece.free.has(0) && piece.is_asked());
        assert!(piece.release(0), "its only asker stalls");
        piece.ask(0);
        assert!(!piece.reclaim(0), "another is counted on by now");
        assert!(piece.forget(0, true), "that one leaves: free again");
        assert!(piece.reclaim(0));
        piece.check(&[(0, true)]);
        piece.receive(0);
        assert!(!piece.forget(0, true), "a block that is there is not free");
        piece.check(&[]);
    }
}
