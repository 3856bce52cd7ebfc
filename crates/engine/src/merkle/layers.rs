//! Parts of trees that peers hand to each other: hashes of one layer, with the proof that they belong to a root.

use super::{Node, padding, pairs, parent};

/// The upper part of a file's tree: everything above and including one complete layer.
#[derive(Clone, Debug)]
pub struct LayerTree {
    /// Height of the lowest layer.
    base: u32,
    /// The layers, lowest first, padding left out; the last one is the root alone.
    layers: Vec<Vec<Node>>,
    /// The padding of each layer.
    fillers: Vec<Node>,
}

impl LayerTree {
    /// The tree above `nodes`, the layer at the height `base` without its padding; `None` if there are no nodes.
    #[must_use]
    pub fn new(base: u32, nodes: Vec<Node>) -> Option<Self> {
        if nodes.is_empty() {
            return None;
        }
        let mut filler = padding(base);
        let mut tree = Self { base, layers: vec![nodes], fillers: vec![filler] };
        while let Some(top) = tree.layers.last().filter(|top| top.len() > 1) {
            let next = pairs(top, &filler);
            filler = parent(&filler, &filler);
            tree.layers.push(next);
            tree.fillers.push(filler);
        }
        Some(tree)
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> &Node {
        let top = self.layers.last().and_then(|top| top.first());
        top.expect("invariant: a tree has a root")
    }

    /// What answers a hash request (BEP 52): `len` nodes from `index` on at the height `base`, and behind them their
    /// uncles of `proof_layers` layers, lowest first, but for those that follow from the nodes. `None` if the tree does
    /// not reach that low or that high, or `index` and `len` name no subtree of at least two nodes.
    #[must_use]
    pub fn hashes(&self, base: u32, index: u64, len: u64, proof_layers: u32) -> Option<Vec<Node>> {
        let height = self.base + (self.layers.len() as u32 - 1);
        // Nodes at this height, padding included.
        let width = 1_u64.checked_shl(height.checked_sub(base)?)?;
        let is_subtree = len.is_power_of_two() && len >= 2 && index.is_multiple_of(len);
        if base < self.base || !is_subtree || index >= width || index + len > width {
            return None;
        }
        if proof_layers >= height - base {
            return None;
        }
        let mut nodes: Vec<Node> = (index..index + len).map(|nth| self.node(base, nth)).collect();
        // The first of the layers above the nodes follow from these; the rest has one uncle each.
        let implied = len.trailing_zeros() - 1;
        let (subtree_height, subtree) = (base + len.trailing_zeros(), index / len);
        for layer in 0..proof_layers.saturating_sub(implied) {
            nodes.push(self.node(subtree_height + layer, (subtree >> layer) ^ 1));
        }
        Some(nodes)
    }

    /// A node, which may be padding.
    fn node(&self, height: u32, nth: u64) -> Node {
        let at = (height - self.base) as usize;
        let node = usize::try_from(nth).ok().and_then(|nth| self.layers[at].get(nth));
        *node.unwrap_or(&self.fillers[at])
    }
}

/// The node that is reached from `nodes`, a whole subtree's layer that begins at `index` of its own, by way of `uncles`,
/// lowest first. It is the root if there is an uncle for each layer between.
///
/// # Panics
/// If the number of nodes is no power of two.
#[must_use]
pub fn climb(nodes: &[Node], index: u64, uncles: &[Node]) -> Node {
    assert!(nodes.len().is_power_of_two(), "invariant: a whole subtree");
    let mut nth = index / nodes.len() as u64;
    let subtree = super::root(nodes, 0, nodes.len());
    uncles.iter().fold(subtree, |node, uncle| {
        let is_right = nth & 1 == 1;
        nth >>= 1;
        if is_right { parent(uncle, &node) } else { parent(&node, uncle) }
    })
}
