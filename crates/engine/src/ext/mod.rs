//! Extensions that are spoken through BEP 10: which there are, under which ids, and what their messages say. Bytes to
//! values and back; what follows from them is decided elsewhere.

mod handshake;
mod metadata;
mod pex;
mod remote;

pub use handshake::ExtendedHandshake;
pub(crate) use metadata::METADATA_PIECE_LEN;
pub use metadata::MetadataMessage;
pub use pex::{PexFlags, PexMessage};
pub(crate) use remote::Extensions;

/// What we call ourselves.
pub(crate) const CLIENT: &str = concat!("Swarmscope ", env!("CARGO_PKG_VERSION"));
/// The id of the extension handshake.
pub(crate) const HANDSHAKE_ID: u8 = 0;

/// An extension that we know. In the order of their names, as a bencoded dictionary wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extension {
    /// "I do not have this piece any more" (BEP 54).
    DontHave,
    /// "I download nothing" (BEP 21, as libtorrent and \u{b5}Torrent also say it between handshakes).
    UploadOnly,
    /// Exchange of the info dictionary (BEP 9).
    Metadata,
    /// Peer exchange (BEP 11).
    Pex,
}

impl Extension {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::DontHave, Self::UploadOnly, Self::Metadata, Self::Pex];

    /// Its name in the extension handshake.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DontHave => "lt_donthave",
            Self::UploadOnly => "upload_only",
            Self::Metadata => "ut_metadata",
            Self::Pex => "ut_pex",
        }
    }

    /// The id under which others send us its messages. Any would do; these are what most clients use.
    #[must_use]
    pub const fn local_id(self) -> u8 {
        match self {
            Self::Pex => 1,
            Self::Metadata => 2,
            Self::UploadOnly => 3,
            Self::DontHave => 7,
        }
    }

    /// Whose message has this id of ours.
    #[must_use]
    pub fn from_local_id(id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|extension| extension.local_id() == id)
    }

    /// Its place in [`Extension::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// A message of an extension that does not say what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed message of an extension")]
pub struct BadExtended;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_places_are_unambiguous_and_names_ascend() {
        for (at, extension) in Extension::ALL.into_iter().enumerate() {
            assert_eq!(extension.index(), at);
            assert_eq!(Extension::from_local_id(extension.local_id()), Some(extension));
        }
        assert!(Extension::ALL.is_sorted_by_key(|extension| extension.name()));
        assert_eq!(Extension::from_local_id(0), None, "zero is the handshake's");
    }
}
