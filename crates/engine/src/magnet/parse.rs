//! From a link to a [`Magnet`]: within bounds, whatever the link says.

use std::net::SocketAddr;

use codec::InfoHash;
use data_encoding::{BASE32, HEXLOWER_PERMISSIVE};

use super::{FileSelection, Hashes, MAGNET_LEN_MAX, Magnet};
use crate::metainfo::{TRACKERS_MAX, safe_name, sane_url};

/// How a link of this kind begins.
const SCHEME: &str = "magnet:?";
const BTIH: &str = "urn:btih:";
const BTMH: &str = "urn:btmh:";
/// The kind of hash, SHA-256, and its length, in the words of multihash (BEP 9, BEP 52).
const SHA_256_PREFIX: &str = "1220";
/// Addresses of peers kept; a link is for beginning, and they soon tell of others.
const PEERS_MAX: usize = 100;
/// Addresses of web seeds kept.
const WEB_SEEDS_MAX: usize = 100;

/// Why a magnet link is refused, in words for the person who gave it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MagnetError {
    /// It does not begin like one.
    #[error("This is no magnet link: those begin with magnet:?. Copy the whole link.")]
    NotAMagnet,
    /// Beyond [`MAGNET_LEN_MAX`].
    #[error(
        "The magnet link has {len} characters; at most {MAGNET_LEN_MAX} are read. Shorten its list of trackers."
    )]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// No hash that we know.
    #[error(
        "The magnet link names no torrent: it has no xt=urn:btih:… with an info hash. Copy the whole link, or look for another one."
    )]
    NoInfoHash,
    /// A version 1 hash that is none.
    #[error(
        "“{text}” in the magnet link is no info hash: that has 40 hexadecimal digits, or 32 letters and digits. Copy the whole link."
    )]
    BadInfoHash {
        /// What stands there, at most 80 characters of it.
        text: String,
    },
    /// A version 2 hash that is none.
    #[error(
        "“{text}” in the magnet link is no version 2 info hash: that is 1220 and 64 hexadecimal digits. Copy the whole link."
    )]
    BadInfoHashV2 {
        /// What stands there, at most 80 characters of it.
        text: String,
    },
    /// Two hashes of one kind.
    #[error("The magnet link names several torrents. Add them one by one.")]
    SeveralTorrents,
}

pub(super) fn parse(link: &str) -> Result<Magnet, MagnetError> {
    let link = link.trim();
    if link.len() > MAGNET_LEN_MAX {
        return Err(MagnetError::TooLong { len: link.len() });
    }
    let query = link
        .split_at_checked(SCHEME.len())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
        .map(|(_, query)| query)
        .ok_or(MagnetError::NotAMagnet)?;
    let mut v1 = None;
    let mut v2 = None;
    let mut rest = Rest::default();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match kind(&key).as_str() {
            "xt" => {
                if let Some(text) = after(&value, BTIH) {
                    set(&mut v1, info_hash(text)?)?;
                } else if let Some(text) = after(&value, BTMH) {
                    set(&mut v2, info_hash_v2(text)?)?;
                }
            }
            kind => rest.add(kind, &value),
        }
    }
    let hashes = match (v1, v2) {
        (Some(v1), Some(v2)) => Hashes::Hybrid(v1, v2),
        (Some(v1), None) => Hashes::V1(v1),
        (None, Some(v2)) => Hashes::V2(v2),
        (None, None) => return Err(MagnetError::NoInfoHash),
    };
    let Rest { name, trackers, web_seeds, peers, selection } = rest;
    Ok(Magnet { hashes, name, trackers, web_seeds, peers, selection })
}

/// What a link says beside the hashes.
#[derive(Default)]
struct Rest {
    name: Option<String>,
    trackers: Vec<String>,
    web_seeds: Vec<String>,
    peers: Vec<SocketAddr>,
    selection: FileSelection,
}

impl Rest {
    fn add(&mut self, kind: &str, value: &str) {
        match kind {
            "dn" if self.name.is_none() => self.name = safe_name(value.trim()),
            "tr" => add_url(&mut self.trackers, TRACKERS_MAX, value),
            "ws" => add_url(&mut self.web_seeds, WEB_SEEDS_MAX, value),
            "x.pe" => {
                // Anything but an address and a port is a host name, or nothing.
                if let Ok(addr) = value.trim().parse()
                    && self.peers.len() < PEERS_MAX
                    && !self.peers.contains(&addr)
                {
                    self.peers.push(addr);
                }
            }
            "so" => self.selection.add(value),
            _ => {}
        }
    }
}

/// The key in lower case, without the number that several of one kind may carry (`tr.1`).
fn kind(key: &str) -> String {
    let key = key.to_ascii_lowercase();
    match key.rsplit_once('.') {
        Some((kind, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            kind.to_owned()
        }
        _ => key,
    }
}

fn after<'a>(value: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = value.trim().split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn info_hash(text: &str) -> Result<InfoHash, MagnetError> {
    let bytes = match text.len() {
        40 => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok(),
        32 => BASE32.decode(text.to_ascii_uppercase().as_bytes()).ok(),
        _ => None,
    };
    let hash = bytes.and_then(|bytes| <[u8; 20]>::try_from(bytes).ok()).map(InfoHash);
    hash.ok_or_else(|| MagnetError::BadInfoHash { text: printable(text) })
}

fn info_hash_v2(text: &str) -> Result<[u8; 32], MagnetError> {
    let bytes =
        text.strip_prefix(SHA_256_PREFIX).and_then(|hex| HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok());
    let hash = bytes.and_then(|bytes| bytes.try_into().ok());
    hash.ok_or_else(|| MagnetError::BadInfoHashV2 { text: printable(text) })
}

/// The same hash may stand there twice, in two spellings.
fn set<T: PartialEq>(known: &mut Option<T>, hash: T) -> Result<(), MagnetError> {
    if known.as_ref().is_some_and(|known| *known != hash) {
        return Err(MagnetError::SeveralTorrents);
    }
    *known = Some(hash);
    Ok(())
}

fn add_url(urls: &mut Vec<String>, max: usize, value: &str) {
    if let Some(url) = sane_url(value.as_bytes())
        && urls.len() < max
        && !urls.contains(&url)
    {
        urls.push(url);
    }
}

fn printable(text: &str) -> String {
    text.escape_debug().take(80).collect()
}
