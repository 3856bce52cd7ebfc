//! Magnet links (BEP 9, BEP 53): what one says, and how it is written.
//!
//! A magnet names a torrent by its info hash and says where peers may be found; what a .torrent file would say beside
//! that, the peers themselves are asked for.

mod assembly;
mod fetch;
mod parse;
mod select;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;

use codec::InfoHash;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::{Metainfo, MetainfoError, WebSeedKind};

pub use fetch::MetadataFetch;
pub use parse::MagnetError;
pub use select::FileSelection;

/// Longest magnet link that is read, in bytes: real ones with dozens of trackers have a few thousand.
pub const MAGNET_LEN_MAX: usize = 64 << 10;

/// What needs no escape in a value, so that every reader takes the link apart alike (RFC 3986, unreserved).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A magnet link, taken apart. It names the torrent by at least one hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Magnet {
    hashes: Hashes,
    name: Option<String>,
    trackers: Vec<String>,
    web_seeds: Vec<String>,
    peers: Vec<SocketAddr>,
    selection: FileSelection,
}

/// The torrent's names: a hybrid torrent has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hashes {
    V1(InfoHash),
    V2([u8; 32]),
    Hybrid(InfoHash, [u8; 32]),
}

/// Whether bytes are the info dictionary that a magnet names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They are.
    Right,
    /// They are something else.
    Wrong,
    /// They fit one of the two hashes and not the other, so that nothing can ever fit both.
    HashesDisagree,
}

impl Magnet {
    /// Takes a link apart. What is not understood in it is left out, but for the hashes.
    ///
    /// # Errors
    /// If it is no magnet link, or names no torrent, or several. The message says what to do.
    pub fn parse(link: &str) -> Result<Self, MagnetError> {
        parse::parse(link)
    }

    /// The magnet of a torrent that is there: its hashes, name, trackers and web seeds, as many of these as fit into a link
    /// that is read.
    #[must_use]
    pub(crate) fn of(metainfo: &Metainfo) -> Self {
        let known = metainfo.info_hashes();
        let mut magnet = Self {
            hashes: match (known.v1(), known.v2()) {
                (Some(v1), Some(v2)) => Hashes::Hybrid(v1, v2.0),
                (None, Some(v2)) => Hashes::V2(v2.0),
                _ => Hashes::V1(metainfo.info_hash()),
            },
            name: Some(metainfo.name().to_owned()),
            trackers: Vec::new(),
            web_seeds: Vec::new(),
            peers: Vec::new(),
            selection: FileSelection::default(),
        };
        let mut room = MAGNET_LEN_MAX.saturating_sub(magnet.to_string().len());
        let mut fits = |url: &str| {
            let len = "&tr=".len() + utf8_percent_encode(url, KEPT).map(str::len).sum::<usize>();
            let left = room.checked_sub(len);
            room = left.unwrap_or(room);
            left.is_some()
        };
        magnet.trackers = metainfo.trackers().iter().flatten().filter(|url| fits(url)).cloned().collect();
        let files = metainfo.web_seeds().iter().filter(|seed| seed.kind == WebSeedKind::Files);
        magnet.web_seeds = files.map(|seed| seed.url.clone()).filter(|url| fits(url)).collect();
        magnet
    }

    /// Names the torrent's swarm: its version 1 hash, or, if it has none, the first 20 bytes of its version 2 hash
    /// (BEP 52).
    #[must_use]
    pub fn info_hash(&self) -> InfoHash {
        match &self.hashes {
            Hashes::V1(hash) | Hashes::Hybrid(hash, _) => *hash,
            Hashes::V2(hash) => truncated(hash),
        }
    }

    /// All swarms of the torrent, the one of [`Magnet::info_hash`] first.
    #[must_use]
    pub fn info_hashes(&self) -> Vec<InfoHash> {
        match &self.hashes {
            Hashes::Hybrid(first, second) => vec![*first, truncated(second)],
            _ => vec![self.info_hash()],
        }
    }

    /// SHA-256 of the info dictionary, if the link has it (BEP 52).
    #[must_use]
    pub const fn info_hash_v2(&self) -> Option<&[u8; 32]> {
        match &self.hashes {
            Hashes::V1(_) => None,
            Hashes::V2(hash) | Hashes::Hybrid(_, hash) => Some(hash),
        }
    }

    /// What the link calls the torrent, fit to be shown; the torrent itself may say otherwise.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Addresses of trackers, in the order of the link.
    #[must_use]
    pub fn trackers(&self) -> &[String] {
        &self.trackers
    }

    /// Addresses of web seeds (BEP 19), in the order of the link.
    #[must_use]
    pub fn web_seeds(&self) -> &[String] {
        &self.web_seeds
    }

    /// Addresses of peers to begin with. Host names are left out: the engine resolves none.
    #[must_use]
    pub fn peers(&self) -> &[SocketAddr] {
        &self.peers
    }

    /// Which files are wanted (BEP 53).
    #[must_use]
    pub const fn selection(&self) -> &FileSelection {
        &self.selection
    }

    /// The whole torrent, once its info dictionary is there: with the trackers and web seeds of the link.
    ///
    /// # Errors
    /// As [`Metainfo::parse`]. The info dictionary is checked against the hashes before, by who fetched it.
    pub fn metainfo(&self, info: &[u8]) -> Result<Metainfo, MetainfoError> {
        // Trackers in a link are independent of each other: a tier each.
        let tiers: Vec<Vec<String>> = self.trackers.iter().map(|url| vec![url.clone()]).collect();
        let metainfo = Metainfo::from_info(info, &tiers, &self.web_seeds)?;
        // What is more than one value would mean something else in a file, where it would not be hashed as a whole.
        if metainfo.info_bytes() == info { Ok(metainfo) } else { Err(MetainfoError::NoInfo) }
    }

    /// Whether these are the bytes that the link names.
    pub(crate) fn judge(&self, info: &[u8]) -> Verdict {
        let sha1 = |hash: &InfoHash| <[u8; 20]>::from(Sha1::digest(info)) == hash.0;
        let sha256 = |hash: &[u8; 32]| <[u8; 32]>::from(Sha256::digest(info)) == *hash;
        let is_right = match &self.hashes {
            Hashes::V1(hash) => sha1(hash),
            Hashes::V2(hash) => sha256(hash),
            Hashes::Hybrid(first, second) => match (sha1(first), sha256(second)) {
                (true, true) => true,
                (false, false) => false,
                _ => return Verdict::HashesDisagree,
            },
        };
        if is_right { Verdict::Right } else { Verdict::Wrong }
    }
}

/// As the wire and the trackers carry it (BEP 52).
fn truncated(hash: &[u8; 32]) -> InfoHash {
    let mut short = InfoHash([0; 20]);
    short.0.copy_from_slice(&hash[..20]);
    short
}

impl fmt::Display for Magnet {
    /// Writes the link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v1 = |f: &mut fmt::Formatter<'_>, hash: &InfoHash| write!(f, "xt=urn:btih:{hash}");
        let v2 = |f: &mut fmt::Formatter<'_>, hash: &[u8; 32]| {
            write!(f, "xt=urn:btmh:1220{}", data_encoding::HEXLOWER.encode(hash))
        };
        f.write_str("magnet:?")?;
        match &self.hashes {
            Hashes::V1(hash) => v1(f, hash)?,
            Hashes::V2(hash) => v2(f, hash)?,
            Hashes::Hybrid(first, second) => {
                v1(f, first)?;
                f.write_str("&")?;
                v2(f, second)?;
            }
        }
        let named = self.name.iter().map(|name| ("dn", name));
        let trackers = self.trackers.iter().map(|url| ("tr", url));
        let web_seeds = self.web_seeds.iter().map(|url| ("ws", url));
        for (key, value) in named.chain(trackers).chain(web_seeds) {
            write!(f, "&{key}={}", utf8_percent_encode(value, KEPT))?;
        }
        for peer in &self.peers {
            // Some clients do not unescape an address; nothing in one needs an escape.
            write!(f, "&x.pe={peer}")?;
        }
        if !self.selection.is_everything() {
            write!(f, "&so={}", self.selection)?;
        }
        Ok(())
    }
}
