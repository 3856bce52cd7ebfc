//! The files as a torrent lists them, before their names are made fit and their places are known.

use super::MetainfoError;
use super::raw::{RawFile, RawInfo};
use crate::merkle::Node;

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed<'a> {
    /// The parts of its path below the torrent's folder, as they are written.
    pub(super) path: Vec<&'a [u8]>,
    /// Length in bytes.
    pub(super) len: u64,
    /// What it is for (BEP 47).
    pub(super) attributes: Attributes,
    /// Root of its tree (BEP 52).
    pub(super) pieces_root: Option<Node>,
}

/// What BEP 47 calls `attr`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) is_padding: bool,
    pub(super) is_link: bool,
    pub(super) is_executable: bool,
    pub(super) is_hidden: bool,
}

impl Attributes {
    pub(super) fn of(attr: Option<&[u8]>) -> Self {
        let has = |letter| attr.is_some_and(|attr| attr.contains(&letter));
        Self { is_padding: has(b'p'), is_link: has(b'l'), is_executable: has(b'x'), is_hidden: has(b'h') }
    }
}

/// How old BitComet names its padding, which it does not flag.
const PADDING_PREFIX: &[u8] = b"_____padding_file_";

/// The files of version 1, in the order of the content. Links are left out: they have no bytes, a browser could not store
/// one, and where it leads is no matter of ours.
pub(super) fn version_1<'a>(info: &'a RawInfo, name: &'a [u8]) -> Result<Vec<Listed<'a>>, MetainfoError> {
    let Some(raw_files) = &info.files else {
        let path = vec![name];
        let len = file_len(info.length, &path)?;
        return Ok(vec![Listed { path, len, attributes: Attributes::default(), pieces_root: None }]);
    };
    if raw_files.is_empty() {
        return Err(MetainfoError::NoFiles);
    }
    let entries = raw_files.iter().enumerate().map(|(nth, raw)| entry(raw, nth + 1));
    entries.filter_map(Result::transpose).collect()
}

fn entry(raw: &RawFile, number: usize) -> Result<Option<Listed<'_>>, MetainfoError> {
    let parts = raw.path_utf8.as_ref().or(raw.path.as_ref());
    let path: Vec<&[u8]> = parts.into_iter().flatten().map(|part| part.as_slice()).collect();
    let mut attributes = Attributes::of(raw.attr.as_ref().map(|attr| attr.as_slice()));
    attributes.is_padding |= path.last().is_some_and(|name| name.starts_with(PADDING_PREFIX));
    if attributes.is_padding {
        // Clients write nothing for padding, and every maker names it its own way, often twice the same.
        let number = format!("padding {number}");
        let len = file_len(raw.length, &[number.as_bytes()])?;
        return Ok(Some(Listed { path: Vec::new(), len, attributes, pieces_root: None }));
    }
    if attributes.is_link {
        let target = raw.symlink_path.as_ref().filter(|target| !target.is_empty());
        return match target {
            Some(_) => Ok(None),
            None => Err(MetainfoError::LinkWithoutTarget { path: printable(&path) }),
        };
    }
    if path.is_empty() {
        return Err(MetainfoError::PathMissing { number });
    }
    let len = file_len(raw.length, &path)?;
    Ok(Some(Listed { path, len, attributes, pieces_root: None }))
}

/// The length of a file, which must be there and not be negative.
pub(super) fn file_len(len: Option<i64>, path: &[&[u8]]) -> Result<u64, MetainfoError> {
    let len = len.ok_or_else(|| MetainfoError::LengthMissing { file: printable(path) })?;
    u64::try_from(len).map_err(|_| MetainfoError::LengthNegative { file: printable(path), len })
}

/// The path for a message.
pub(super) fn printable(path: &[&[u8]]) -> String {
    let parts: Vec<_> = path.iter().map(|part| String::from_utf8_lossy(part)).collect();
    parts.join("/").escape_debug().take(200).collect()
}
