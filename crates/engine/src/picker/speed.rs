//! Who shares in a piece with whom: a slow peer would hold up a piece that fast ones are finishing, and a fast one would
//! leave the slow ones' pieces with a few blocks each. So peers of about the same speed finish pieces together, as
//! libtorrent's manual describes it; nobody idles for it.

/// How fast a peer delivers, in steps of four times. A peer that has delivered nothing yet has no speed and suits all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Speed(Option<u8>);

impl Speed {
    /// The speed of a peer that delivers so many bytes a second.
    pub(crate) fn of(bytes_per_second: u64) -> Self {
        Self(bytes_per_second.checked_ilog2().map(|log| (log / 2) as u8))
    }

    /// Whether two peers may share in a piece: neither is more than sixteen times as fast as the other.
    pub(crate) fn suits(self, other: Self) -> bool {
        match (self.0, other.0) {
            (Some(a), Some(b)) => a.abs_diff(b) <= 1,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_of_about_the_same_speed_share_a_piece() {
        let suits = |a, b| Speed::of(a).suits(Speed::of(b)) && Speed::of(b).suits(Speed::of(a));
        assert!(suits(100_000, 100_000) && suits(100_000, 390_000));
        assert!(!suits(20_000, 400_000) && !suits(1, 1_000_000));
        assert!(suits(0, 1_000_000), "nothing is known of it yet");
    }
}
