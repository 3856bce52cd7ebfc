//! Is a piece what the torrent says it is? For hosts, whose part the hashing is.

use sha1::{Digest as _, Sha1};

use crate::merkle::{LeafHasher, Node};

/// What a piece must hash to: by version 1 of the format, by version 2, or by both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PieceHashes {
    /// BEP 3.
    pub v1: Option<Sha1Check>,
    /// BEP 52.
    pub v2: Option<TreeCheck>,
}

/// SHA-1 of the whole piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sha1Check {
    /// What it must be.
    pub hash: [u8; 20],
    /// Zero bytes that are hashed behind those of the piece: padding, which nobody sends or stores (BEP 47).
    pub padding: u32,
}

/// Root of a SHA-256 tree over the piece's blocks of 16 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeCheck {
    /// What it must be.
    pub root: Node,
    /// Leaves of the tree, a power of two; those beyond the piece's blocks are zero.
    pub width: u32,
}

/// What hashing a piece has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is what the torrent says.
    Right,
    /// It is not.
    Wrong,
    /// By one version of the format it is, by the other it is not: the torrent contradicts itself.
    Inconsistent,
}

impl PieceHashes {
    /// There is something to check the piece against.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.v1.is_some() || self.v2.is_some()
    }

    /// The verdict over a piece with this SHA-1, its padding included, and this root. What is not asked for is not
    /// looked at; a piece of which nothing is known is wrong.
    #[must_use]
    pub fn judge(&self, sha1: Option<[u8; 20]>, root: Option<Node>) -> Verdict {
        let v1 = self.v1.map(|check| sha1 == Some(check.hash));
        let v2 = self.v2.map(|check| root == Some(check.root));
        match (v1, v2) {
            (Some(v1), Some(v2)) if v1 != v2 => Verdict::Inconsistent,
            (Some(true), _) | (None, Some(true)) => Verdict::Right,
            _ => Verdict::Wrong,
        }
    }
}

/// Hashes a piece, given in runs of any length, as far as its hashes ask for it.
#[derive(Clone, Debug)]
pub struct PieceHasher {
    hashes: PieceHashes,
    sha1: Option<Sha1>,
    leaves: Option<LeafHasher>,
}

impl PieceHasher {
    /// For one piece.
    #[must_use]
    pub fn new(hashes: PieceHashes) -> Self {
        Self {
            hashes,
            sha1: hashes.v1.map(|_| Sha1::new()),
            leaves: hashes.v2.map(|_| LeafHasher::default()),
        }
    }

    /// Takes the piece's next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
        if let Some(leaves) = &mut self.leaves {
            leaves.update(bytes);
        }
    }

    /// The verdict, when all bytes were taken.
    #[must_use]
    pub fn finish(self) -> Verdict {
        let hashes = self.hashes;
        let (sha1, root) = self.hashes();
        hashes.judge(sha1, root)
    }

    /// What the piece hashes to, when all bytes were taken: SHA-1 and the root of the tree, as far as they are asked for.
    #[must_use]
    pub fn hashes(self) -> (Option<[u8; 20]>, Option<Node>) {
        let sha1 = self.sha1.zip(self.hashes.v1).map(|(sha1, check)| padded(sha1, check.padding));
        let root =
            self.leaves.zip(self.hashes.v2).and_then(|(leaves, check)| leaves.root(check.width as usize));
        (sha1, root)
    }
}

fn padded(mut sha1: Sha1, padding: u32) -> [u8; 20] {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut left = padding as usize;
    while left > 0 {
        let now = left.min(ZEROS.len());
        sha1.update(&ZEROS[..now]);
        left -= now;
    }
    sha1.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::root;

    /// The hashes of these bytes with so much padding behind them.
    fn hashes(bytes: &[u8], padding: u32) -> PieceHashes {
        let padded = [bytes, &vec![0; padding as usize]].concat();
        let mut leaves = LeafHasher::default();
        leaves.update(bytes);
        PieceHashes {
            v1: Some(Sha1Check { hash: Sha1::digest(padded).into(), padding }),
            v2: Some(TreeCheck { root: root(&leaves.finish(), 0, 4), width: 4 }),
        }
    }

    fn verdict(hashes: PieceHashes, bytes: &[u8]) -> Verdict {
        let mut hasher = PieceHasher::new(hashes);
        bytes.chunks(10_000).for_each(|part| hasher.update(part));
        hasher.finish()
    }

    #[test]
    fn a_piece_is_judged_by_the_hashes_that_are_known() {
        let bytes: Vec<u8> = (0..40_000).map(|at| ((at * 7) >> 3) as u8).collect();
        let wrong = vec![1; 40_000];
        let PieceHashes { v1, v2 } = hashes(&bytes, 25_536);
        for known in [PieceHashes { v1, v2: None }, PieceHashes { v1: None, v2 }, PieceHashes { v1, v2 }] {
            assert_eq!(verdict(known, &bytes), Verdict::Right, "{known:?}");
            assert_eq!(verdict(known, &wrong), Verdict::Wrong, "{known:?}");
            assert_eq!(verdict(known, &bytes[..39_999]), Verdict::Wrong, "{known:?}");
        }
        assert_eq!(verdict(PieceHashes::default(), &bytes), Verdict::Wrong);
    }

    #[test]
    fn a_torrent_that_contradicts_itself_is_found_out() {
        let (one, other) = (hashes(b"one", 0), hashes(b"other", 0));
        let mixed = PieceHashes { v1: one.v1, v2: other.v2 };
        assert_eq!(verdict(mixed, b"one"), Verdict::Inconsistent);
        assert_eq!(verdict(mixed, b"other"), Verdict::Inconsistent);
        assert_eq!(verdict(mixed, b"neither"), Verdict::Wrong);
    }

    #[test]
    fn more_bytes_than_the_tree_has_leaves_for_are_wrong() {
        let known = PieceHashes { v1: None, ..hashes(b"x", 0) };
        assert_eq!(verdict(known, &[0; 5 * 16_384]), Verdict::Wrong);
        assert_eq!(verdict(known, b""), Verdict::Wrong);
    }
}
