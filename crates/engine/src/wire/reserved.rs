//! The reserved bits of the handshake (BEP 4): what each side offers beyond BEP 3.

/// Eight bytes of bits. An extension is spoken on a connection if both sides have set its bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserved(pub [u8; 8]);

impl Reserved {
    /// The fast extension (BEP 6).
    pub const FAST: Self = Self([0, 0, 0, 0, 0, 0, 0, 0x04]);
    /// The extension protocol (BEP 10).
    pub const EXTENDED: Self = Self([0, 0, 0, 0, 0, 0x10, 0, 0]);
    /// The distributed hash table (BEP 5).
    pub const DHT: Self = Self([0, 0, 0, 0, 0, 0, 0, 0x01]);
    /// Version 2 torrents (BEP 52): a peer of a hybrid torrent could go over to version 2.
    pub const V2: Self = Self([0, 0, 0, 0, 0, 0, 0, 0x10]);

    /// Both offers together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    /// What both sides offer.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    /// Whether all bits of `other` are set.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.common(other) == other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_both_offer_is_spoken() {
        let ours = Reserved::FAST.with(Reserved::EXTENDED);
        // What libtorrent sends: also DHT and version 2.
        let theirs = Reserved([0, 0, 0, 0, 0, 0x10, 0, 0x15]);
        let common = ours.common(theirs);
        assert!(common.has(Reserved::FAST) && common.has(Reserved::EXTENDED));
        assert!(!common.has(Reserved::DHT) && !common.has(Reserved::V2));
        assert!(theirs.has(Reserved::DHT) && theirs.has(Reserved::V2));
        assert_eq!(ours.common(Reserved::default()), Reserved::default());
    }
}
