//! SHA-256 trees over the blocks of a file (BEP 52), as pure functions.
//!
//! A leaf is the hash of one block of 16 KiB, the last one perhaps shorter. Where a tree needs more leaves than the file
//! has, they are zero; what lies above those alone is the same in all trees: [`padding`].
//!
//! ```text
//! height 2        root
//!              /        \
//! height 1    x          x         <- the piece layer, if a piece has two blocks
//!           /   \      /   \
//! height 0 b0    b1   b2    0      <- leaves: three blocks and one zero
//! ```

mod layers;
mod leaves;

pub use layers::{LayerTree, climb};
pub use leaves::LeafHasher;

use sha2::{Digest as _, Sha256};

/// A node of a tree: SHA-256 of a block, or of the two nodes below it.
pub type Node = [u8; 32];

/// The node above two others.
#[must_use]
pub fn parent(left: &Node, right: &Node) -> Node {
    Sha256::new().chain_update(left).chain_update(right).finalize().into()
}

/// The node at this height above leaves that are all beyond the end of the file.
#[must_use]
pub fn padding(height: u32) -> Node {
    (0..height).fold([0; 32], |node, _| parent(&node, &node))
}

/// The root above `nodes`, which stand side by side at `height` from the left edge, when the tree has `width` nodes at
/// that height, those that are missing being padding.
///
/// # Panics
/// If `width` is no power of two, or there are more nodes than that, or none.
#[must_use]
pub fn root(nodes: &[Node], height: u32, width: usize) -> Node {
    assert!(width.is_power_of_two(), "invariant: trees are balanced");
    assert!((1..=width).contains(&nodes.len()), "invariant: the nodes fit");
    let mut filler = padding(height);
    let mut nodes = nodes.to_vec();
    for _ in 0..width.trailing_zeros() {
        nodes = pairs(&nodes, &filler);
        filler = parent(&filler, &filler);
    }
    nodes[0]
}

/// The next layer up; the last node without a sibling gets `filler` as one.
fn pairs(nodes: &[Node], filler: &Node) -> Vec<Node> {
    nodes.chunks(2).map(|pair| parent(&pair[0], pair.get(1).unwrap_or(filler))).collect()
}

#[cfg(test)]
mod tests;
