//! From bytes to leaves.

use sha2::{Digest as _, Sha256};

use super::{Node, root};
use crate::BLOCK_LEN;

/// Hashes the blocks of a piece, or of a whole file, given in runs of any length.
#[derive(Clone, Debug, Default)]
pub struct LeafHasher {
    leaves: Vec<Node>,
    block: Sha256,
    /// Bytes of the block under way.
    filled: usize,
}

impl LeafHasher {
    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_LEN as usize - self.filled));
            self.block.update(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == BLOCK_LEN as usize {
                self.end_block();
            }
        }
    }

    /// The leaves, one a block.
    #[must_use]
    pub fn finish(mut self) -> Vec<Node> {
        if self.filled > 0 {
            self.end_block();
        }
        self.leaves
    }

    /// The root of a tree with `width` leaves, a power of two; `None` if there were no bytes, or more blocks than that.
    #[must_use]
    pub fn root(self, width: usize) -> Option<Node> {
        let leaves = self.finish();
        let fits = width.is_power_of_two() && (1..=width).contains(&leaves.len());
        fits.then(|| root(&leaves, 0, width))
    }

    fn end_block(&mut self) {
        self.leaves.push(self.block.finalize_reset().into());
        self.filled = 0;
    }
}
