//! The roots of the pieces of version 2: from the .torrent file, or later from peers.

use std::collections::BTreeMap;

use codec::bencode::Value;

use super::{FileEntry, MetainfoError};
use crate::BLOCK_LEN;
use crate::merkle::{Node, root};

/// One layer of each file that has more than one piece: the roots of its pieces (BEP 52). Files of one piece have their
/// own root for that. A layer is here only if it leads to its root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PieceLayers {
    /// By the root of the file, or of several files of the same content.
    by_root: BTreeMap<Node, Vec<Node>>,
}

impl PieceLayers {
    /// Reads `piece layers`. Files may be left out: their hashes are then to be had from peers.
    pub(super) fn read(
        layers: Option<Value<'_>>,
        files: &[FileEntry],
        piece_len: u32,
    ) -> Result<Self, MetainfoError> {
        let Some(layers) = layers else { return Ok(Self::default()) };
        let malformed = |what| MetainfoError::PieceLayersMalformed { what };
        let mut wanted: BTreeMap<Node, Vec<&FileEntry>> = BTreeMap::new();
        for file in files.iter().filter(|file| file.len > u64::from(piece_len)) {
            if let Some(pieces_root) = file.pieces_root {
                wanted.entry(pieces_root).or_default().push(file);
            }
        }
        let mut by_root = BTreeMap::new();
        for (key, layer) in layers.dict().ok_or_else(|| malformed("it is no dictionary"))? {
            let key: Node = key.try_into().map_err(|_| malformed("a key in it is no hash"))?;
            let layer = layer.bytes().ok_or_else(|| malformed("an entry in it is no string"))?;
            let (nodes, []) = layer.as_chunks::<32>() else {
                return Err(malformed("an entry's length is no multiple of 32"));
            };
            let files = wanted.get(&key).ok_or(MetainfoError::PieceLayerUnknown)?;
            files.iter().try_for_each(|file| check(nodes, file, piece_len))?;
            by_root.insert(key, nodes.to_vec());
        }
        Ok(Self { by_root })
    }

    /// The layer below this root, if it is known.
    pub(crate) fn get(&self, root: &Node) -> Option<&[Node]> {
        self.by_root.get(root).map(Vec::as_slice)
    }

    /// Takes a layer that was checked to lead to this root.
    pub(crate) fn insert(&mut self, root: Node, layer: Vec<Node>) {
        self.by_root.insert(root, layer);
    }

    /// Each root that has a layer, in canonical order, and that layer.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Node, &[Node])> {
        self.by_root.iter().map(|(root, layer)| (root, layer.as_slice()))
    }
}

/// Checks that files with one root have one length: a root stands for the content, and with it for how long that is.
pub(super) fn check_roots(files: &[FileEntry]) -> Result<(), MetainfoError> {
    let mut by_root: BTreeMap<Node, &FileEntry> = BTreeMap::new();
    for other in files {
        let Some(root) = other.pieces_root else { continue };
        let file = *by_root.entry(root).or_insert(other);
        if file.len != other.len {
            return Err(MetainfoError::PiecesRootShared {
                file: file.path.join("/"),
                len: file.len,
                other: other.path.join("/"),
                other_len: other.len,
            });
        }
    }
    Ok(())
}

fn check(nodes: &[Node], file: &FileEntry, piece_len: u32) -> Result<(), MetainfoError> {
    let expected = file.len.div_ceil(u64::from(piece_len));
    if nodes.len() as u64 != expected {
        let (file, found) = (file.path.join("/"), nodes.len());
        return Err(MetainfoError::PieceLayerCount { file, expected, found });
    }
    let found = root(nodes, piece_height(piece_len), nodes.len().next_power_of_two());
    if file.pieces_root == Some(found) {
        Ok(())
    } else {
        Err(MetainfoError::PieceLayerWrong { file: file.path.join("/") })
    }
}

/// Height of the piece layer above the leaves; `piece_len` is a power of two, as version 2 has it.
pub(crate) const fn piece_height(piece_len: u32) -> u32 {
    (piece_len / BLOCK_LEN).trailing_zeros()
}
