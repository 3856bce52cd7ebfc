//! What each version of the format says about a piece.

use std::ops::Range;

use super::layers::{PieceLayers, piece_height};
use super::{FileEntry, Metainfo};
use crate::merkle::Node;
use crate::piece_check::{PieceHashes, Sha1Check, TreeCheck};
use crate::{BLOCK_LEN, PieceIndex};

impl Metainfo {
    /// What this piece must hash to, as far as the .torrent file says: nothing for a piece outside the torrent, and for
    /// one of version 2 whose layer was left out.
    #[must_use]
    pub fn piece_hashes(&self, piece: PieceIndex) -> PieceHashes {
        self.piece_hashes_with(piece, |root, nth| self.piece_layers.get(root)?.get(nth as usize).copied())
    }

    /// As [`Metainfo::piece_hashes`], where the roots of pieces, by the root of their file and the number within it, come
    /// from elsewhere.
    pub(crate) fn piece_hashes_with(
        &self,
        piece: PieceIndex,
        node: impl Fn(&Node, u32) -> Option<Node>,
    ) -> PieceHashes {
        let padding = self.geometry.padded_size(piece) - self.piece_size(piece);
        let v1 = self.piece_hashes.get(piece.0 as usize).map(|&hash| Sha1Check { hash, padding });
        PieceHashes { v1, v2: self.tree_check(piece, node) }
    }

    /// The layers that the .torrent file has.
    pub(crate) const fn piece_layers(&self) -> &PieceLayers {
        &self.piece_layers
    }

    /// Root and pieces of each file that has a layer: of version 2, and longer than a piece.
    pub(crate) fn layered_files(&self) -> impl Iterator<Item = (Node, Range<u32>)> {
        let piece_len = u64::from(self.piece_len());
        let large = self.files.iter().filter(move |file| file.len > piece_len);
        large.filter_map(move |file| {
            let first = file.offset / piece_len;
            Some((file.pieces_root?, first as u32..(first + file.len.div_ceil(piece_len)) as u32))
        })
    }

    /// Leaves of the hash tree of this piece, a power of two; `None` without a version 2.
    #[must_use]
    pub fn tree_width(&self, piece: PieceIndex) -> Option<u32> {
        let file = self.file_of(piece)?;
        file.pieces_root?;
        // A file of one piece has a tree that is only as wide as it needs.
        let is_alone = file.len <= u64::from(self.piece_len());
        let blocks = file.len.div_ceil(u64::from(BLOCK_LEN)) as u32;
        Some(if is_alone { blocks.next_power_of_two() } else { 1 << piece_height(self.piece_len()) })
    }

    fn tree_check(&self, piece: PieceIndex, node: impl Fn(&Node, u32) -> Option<Node>) -> Option<TreeCheck> {
        let width = self.tree_width(piece)?;
        let file = self.file_of(piece)?;
        let (root, piece_len) = (file.pieces_root?, u64::from(self.piece_len()));
        if file.len <= piece_len {
            return Some(TreeCheck { root, width });
        }
        let nth = piece.0 - (file.offset / piece_len) as u32;
        Some(TreeCheck { root: node(&root, nth)?, width })
    }

    /// The file at the beginning of this piece: with a version 2 the only one in it.
    fn file_of(&self, piece: PieceIndex) -> Option<&FileEntry> {
        let start = u64::from(piece.0) * u64::from(self.piece_len());
        (piece.0 < self.pieces_total()).then(|| self.files.get(self.file_at(start)))?
    }
}
