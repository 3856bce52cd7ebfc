//! By which names a torrent is known.

use codec::{InfoHash, InfoHashV2};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// The info hashes of a torrent: of version 1 (BEP 3), of version 2 (BEP 52), or of both for a hybrid, which has two
/// swarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHashes {
    v1: Option<InfoHash>,
    v2: Option<InfoHashV2>,
}

impl InfoHashes {
    /// Of a torrent of version 1.
    #[must_use]
    pub const fn v1_only(v1: InfoHash) -> Self {
        Self { v1: Some(v1), v2: None }
    }

    /// Of a torrent of version 2.
    #[must_use]
    pub const fn v2_only(v2: InfoHashV2) -> Self {
        Self { v1: None, v2: Some(v2) }
    }

    /// Of a hybrid.
    #[must_use]
    pub const fn hybrid(v1: InfoHash, v2: InfoHashV2) -> Self {
        Self { v1: Some(v1), v2: Some(v2) }
    }

    /// Of the info dictionary with these bytes, which is of one version or of both.
    pub(super) fn of(info: &[u8], has_v1: bool, has_v2: bool) -> Self {
        Self {
            v1: has_v1.then(|| InfoHash(Sha1::digest(info).into())),
            v2: has_v2.then(|| InfoHashV2(Sha256::digest(info).into())),
        }
    }

    /// SHA-1, if it has a version 1.
    #[must_use]
    pub const fn v1(&self) -> Option<InfoHash> {
        self.v1
    }

    /// SHA-256, if it has a version 2.
    #[must_use]
    pub const fn v2(&self) -> Option<InfoHashV2> {
        self.v2
    }

    /// The one name for all that wants one: that of version 1 if there is one, else that of version 2 cut to 20 bytes.
    #[must_use]
    pub fn primary(&self) -> InfoHash {
        let v2 = || self.v2.map(|v2| v2.truncated());
        self.v1.or_else(v2).expect("invariant: a torrent has an info hash")
    }

    /// The names of its swarms, as handshakes and trackers use them, the primary one first.
    pub fn swarms(&self) -> impl Iterator<Item = InfoHash> + use<> {
        let v2 = self.v2.map(|v2| v2.truncated());
        self.v1.into_iter().chain(v2)
    }

    /// Whether one of its swarms is called so.
    #[must_use]
    pub fn contains(&self, info_hash: InfoHash) -> bool {
        self.swarms().any(|known| known == info_hash)
    }

    /// It has both versions.
    #[must_use]
    pub const fn is_hybrid(&self) -> bool {
        self.v1.is_some() && self.v2.is_some()
    }
}
