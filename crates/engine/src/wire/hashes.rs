//! What the hash messages of BEP 52 name: a run of nodes of one file's merkle tree.

/// Bytes of a [`HashRange`] on the wire.
pub(super) const HASH_RANGE_LEN: usize = 48;
/// Bytes of a SHA-256 hash.
pub(super) const HASH_LEN: usize = 32;

/// Neighbouring hashes of one layer, and how many layers of uncles prove them. As sent: nothing in it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashRange {
    /// Root of the file's tree.
    pub pieces_root: [u8; 32],
    /// Their layer; zero are the leaves (hashes of 16 KiB).
    pub base_layer: u32,
    /// The first of them, counted from the start of the layer.
    pub index: u32,
    /// How many.
    pub len: u32,
    /// Layers above them of which an uncle is wanted.
    pub proof_layers: u32,
}

impl HashRange {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.pieces_root);
        for number in [self.base_layer, self.index, self.len, self.proof_layers] {
            out.extend(number.to_be_bytes());
        }
    }

    pub(super) fn parse(bytes: &[u8; HASH_RANGE_LEN]) -> Self {
        let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let mut pieces_root = [0; HASH_LEN];
        pieces_root.copy_from_slice(&bytes[..HASH_LEN]);
        Self {
            pieces_root,
            base_layer: number(32),
            index: number(36),
            len: number(40),
            proof_layers: number(44),
        }
    }
}
