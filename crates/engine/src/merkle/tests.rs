#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::BLOCK_LEN;

fn hex(node: &Node) -> String {
    node.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The root of so many zero bytes, in a tree just wide enough.
fn zero_root(len: usize) -> String {
    let mut hasher = LeafHasher::default();
    hasher.update(&vec![0; len]);
    hex(&hasher.root(len.div_ceil(BLOCK_LEN as usize).next_power_of_two()).unwrap())
}

/// Leaves, each another one.
fn leaves(count: usize) -> Vec<Node> {
    (0..count).map(|nth| std::array::from_fn(|at| (nth + 7 * at) as u8)).collect()
}

/// The root by the definition: all leaves, padding included, from the bottom up.
fn root_by_definition(leaves: &[Node], width: usize) -> Node {
    let mut layer = leaves.to_vec();
    layer.resize(width, [0; 32]);
    while layer.len() > 1 {
        layer = layer.chunks(2).map(|pair| parent(&pair[0], &pair[1])).collect();
    }
    layer[0]
}

#[test]
fn the_published_roots_of_zeros_are_reached() {
    let leaf = LeafHasher::default();
    let leaf = {
        let mut leaf = leaf;
        leaf.update(&[0; BLOCK_LEN as usize]);
        leaf.finish()
    };
    assert_eq!(hex(&leaf[0]), "4fe7b59af6de3b665b67788cc2f99892ab827efae3a467342b3bb4e3bc8e5bfe");
    let kib = 1024;
    assert!(zero_root(32 * kib).starts_with("c36d0dd6") && zero_root(32 * kib).ends_with("a76d"));
    assert_eq!(zero_root(64 * kib), "60aae9c7b428f87e0713e88229e18f0adf12cd7b22a0dd8a92bb2485eb7af242");
    assert!(zero_root(128 * kib).starts_with("73e0f51a") && zero_root(128 * kib).ends_with("1d28"));
    assert!(zero_root(256 * kib).starts_with("0ee38dbb") && zero_root(256 * kib).ends_with("869c"));
    assert_eq!(zero_root(1024 * kib), "515ea9181744b817744ded9d2e8e9dc6a8450c0b0c52e24b5077f302ffbd9008");
}

#[test]
fn leaves_do_not_depend_on_how_the_bytes_are_cut() {
    let bytes: Vec<u8> = (0..3 * BLOCK_LEN as usize + 5).map(|at| ((at * 31) >> 3) as u8).collect();
    let cut_at = |len: usize| {
        let mut hasher = LeafHasher::default();
        bytes.chunks(len).for_each(|part| hasher.update(part));
        hasher.finish()
    };
    let whole = cut_at(bytes.len());
    assert_eq!(whole.len(), 4);
    for len in [1, 1000, BLOCK_LEN as usize - 1, BLOCK_LEN as usize, 40_000] {
        assert_eq!(cut_at(len), whole, "in parts of {len}");
    }
}

#[test]
fn no_bytes_and_too_many_have_no_root() {
    assert_eq!(LeafHasher::default().root(4), None);
    let mut three = LeafHasher::default();
    three.update(&[1; 3 * BLOCK_LEN as usize]);
    assert_eq!(three.clone().root(2), None);
    assert_eq!(three.clone().root(3), None);
    assert!(three.root(4).is_some());
}

#[test]
fn a_request_that_names_no_part_of_the_tree_is_not_answered() {
    // Five nodes at height 3, so eight with padding: heights 3 to 6.
    let tree = LayerTree::new(3, leaves(5)).unwrap();
    for (base, index, len, proof_layers, is_answered) in [
        (3, 0, 8, 2, true),
        (3, 4, 4, 2, true),
        (3, 6, 2, 0, true),
        (4, 2, 2, 1, true),
        (2, 0, 2, 0, false),
        (3, 0, 1, 0, false),
        (3, 0, 3, 0, false),
        (3, 1, 2, 0, false),
        (3, 8, 2, 0, false),
        (3, 0, 16, 0, false),
        (3, 0, 2, 3, false),
        (6, 0, 2, 0, false),
        (7, 0, 2, 0, false),
        (u32::MAX, u64::MAX, 1 << 63, u32::MAX, false),
    ] {
        let hashes = tree.hashes(base, index, len, proof_layers);
        assert_eq!(hashes.is_some(), is_answered, "{base} {index} {len} {proof_layers}");
    }
    assert!(LayerTree::new(0, Vec::new()).is_none());
}

proptest! {
    #[test]
    fn the_root_is_the_one_of_the_definition(count in 1_usize..70, wider in 0_u32..3) {
        let (leaves, width) = (leaves(count), count.next_power_of_two() << wider);
        prop_assert_eq!(root(&leaves, 0, width), root_by_definition(&leaves, width));
        // From any layer of whole pieces as well, as piece layers are given.
        for height in 0..=width.trailing_zeros() {
            let layer: Vec<Node> = leaves.chunks(1 << height).map(|part| root(part, 0, 1 << height)).collect();
            prop_assert_eq!(root(&layer, height, width >> height), root_by_definition(&leaves, width));
        }
    }

    #[test]
    fn what_answers_a_request_proves_itself(
        count in 2_usize..70, base in 0_u32..4, height in 0_u32..7, len_log in 1_u32..7, nth in 0_u64..64,
    ) {
        let tree = LayerTree::new(base, leaves(count)).unwrap();
        let top = base + count.next_power_of_two().trailing_zeros();
        let height = base + height;
        prop_assume!(height + len_log <= top);
        let (len, width) = (1_u64 << len_log, 1_u64 << (top - height));
        let index = nth * len % width;
        let proof_layers = top - height - 1;
        let hashes = tree.hashes(height, index, len, proof_layers).unwrap();
        let (nodes, uncles) = hashes.split_at(len as usize);
        prop_assert_eq!(uncles.len() as u32, top - height - len_log);
        prop_assert_eq!(&climb(nodes, index, uncles), tree.root());
        // And nothing else does.
        for bad in 0..hashes.len() {
            let mut hashes = hashes.clone();
            hashes[bad][31] ^= 1;
            let (nodes, uncles) = hashes.split_at(len as usize);
            prop_assert_ne!(&climb(nodes, index, uncles), tree.root());
        }
    }
}
