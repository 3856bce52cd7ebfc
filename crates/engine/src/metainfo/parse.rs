//! From bytes to a [`Metainfo`] that is sound as a whole.

use std::ops::Range;

use codec::InfoHash;
use codec::bencode::{Limits, ScanError, ScanFault, Value, scan};
use serde_bytes::ByteBuf;
use sha1::{Digest as _, Sha1};

use super::path::safe_path;
use super::raw::{RawFile, RawInfo, RawMetainfo, SCHEMA};
use super::{FileEntry, METAINFO_LEN_MAX, Metainfo, MetainfoError, PIECE_LEN_MAX, PIECE_LEN_MIN};
use crate::geometry::Geometry;

/// Real files nest five levels (version 1) or one per folder (version 2); a file of 16 MiB has at most about 2 million
/// parts if each of its files takes a hundred bytes.
const LIMITS: Limits = Limits { len_max: METAINFO_LEN_MAX, depth_max: 100, items_max: 3_000_000 };
/// Trackers kept; lists of hundreds are seen, and each is asked by each client.
pub(crate) const TRACKERS_MAX: usize = 100;
/// Longest address of a tracker, in bytes.
const URL_LEN_MAX: usize = 2048;
/// Longest comment kept, in characters.
const COMMENT_CHARS_MAX: usize = 4096;

pub(super) fn parse(bytes: &[u8]) -> Result<Metainfo, MetainfoError> {
    if bytes.len() > METAINFO_LEN_MAX {
        return Err(MetainfoError::TooLarge { len: bytes.len() });
    }
    let document = scan(bytes, &LIMITS).map_err(|error| unreadable(bytes, error))?;
    let root = document.root();
    let (info_hash, info_at) = info_hash(root)?;
    let raw = known_part(root)?;
    let info = raw.info.as_ref().ok_or(MetainfoError::NoInfo)?;

    let piece_len = piece_len(info)?;
    let name = name(info, info_hash)?;
    let piece_hashes = piece_hashes(info)?;
    let files = files(info, &name)?;
    refuse_clashes(&files)?;
    let total_len = files.last().map_or(0, |file| file.offset + file.len);
    if total_len == 0 {
        return Err(MetainfoError::Empty);
    }
    let expected = total_len.div_ceil(u64::from(piece_len));
    if expected != piece_hashes.len() as u64 {
        return Err(MetainfoError::PiecesCount { expected, found: piece_hashes.len() });
    }

    Ok(Metainfo {
        bytes: bytes.to_vec(),
        info: info_at,
        info_hash,
        name,
        geometry: Geometry::new(piece_len, total_len),
        piece_hashes,
        files,
        is_single_file: info.files.is_none(),
        trackers: trackers(&raw),
        is_private: info.private == Some(1),
        comment: text(raw.comment_utf8.as_ref().or(raw.comment.as_ref())),
        created_by: text(raw.created_by.as_ref()),
    })
}

/// Not a torrent at all, or one that is damaged? A dictionary that begins with a key is given the benefit of the doubt.
fn unreadable(bytes: &[u8], error: ScanError) -> MetainfoError {
    let looks_like_one = bytes.first() == Some(&b'd') && bytes.get(1).is_none_or(u8::is_ascii_digit);
    let is_nested_junk = matches!(error.fault, ScanFault::TooDeep { .. });
    if looks_like_one || is_nested_junk { MetainfoError::Damaged(error) } else { MetainfoError::NotATorrent }
}

/// The hash of the info dictionary, and where that lies.
fn info_hash(root: Value<'_>) -> Result<(InfoHash, Range<usize>), MetainfoError> {
    if root.dict().is_none() {
        return Err(MetainfoError::NotATorrent);
    }
    let info = root.get(b"info").filter(|info| info.dict().is_some()).ok_or(MetainfoError::NoInfo)?;
    let at = info.offset()..info.offset() + info.raw().len();
    Ok((InfoHash(Sha1::digest(info.raw()).into()), at))
}

fn known_part(root: Value<'_>) -> Result<RawMetainfo, MetainfoError> {
    let kept = root.keep(&SCHEMA).map_err(MetainfoError::Ambiguous)?.ok_or(MetainfoError::NotATorrent)?;
    serde_bencode::from_bytes(&kept).map_err(|_| MetainfoError::NotATorrent)
}

fn piece_len(info: &RawInfo) -> Result<u32, MetainfoError> {
    let len = info.piece_len.ok_or(MetainfoError::PieceLenMissing)?;
    let bounds = PIECE_LEN_MIN..=PIECE_LEN_MAX;
    u32::try_from(len)
        .ok()
        .filter(|len| bounds.contains(len))
        .ok_or(MetainfoError::PieceLenOutOfBounds { len })
}

fn name(info: &RawInfo, info_hash: InfoHash) -> Result<String, MetainfoError> {
    let name = info.name_utf8.as_ref().or(info.name.as_ref()).ok_or(MetainfoError::NameMissing)?;
    let mut path = safe_path(&[name])?;
    // A name of which nothing is left is replaced by one that is unique, as libtorrent does.
    Ok(path.pop().unwrap_or_else(|| info_hash.to_string()))
}

fn piece_hashes(info: &RawInfo) -> Result<Vec<[u8; 20]>, MetainfoError> {
    let Some(pieces) = info.pieces.as_ref() else {
        let is_version_2 = info.meta_version.is_some_and(|version| version >= 2);
        return Err(if is_version_2 { MetainfoError::OnlyVersion2 } else { MetainfoError::PiecesMissing });
    };
    match pieces.as_chunks::<20>() {
        (hashes, []) => Ok(hashes.to_vec()),
        _ => Err(MetainfoError::PiecesUnaligned { len: pieces.len() }),
    }
}

fn files(info: &RawInfo, name: &str) -> Result<Vec<FileEntry>, MetainfoError> {
    let Some(raw_files) = &info.files else {
        let len = file_len(info.length, || name.to_owned())?;
        return Ok(vec![FileEntry { path: vec![name.to_owned()], len, offset: 0, is_padding: false }]);
    };
    if raw_files.is_empty() {
        return Err(MetainfoError::NoFiles);
    }
    let mut files = Vec::with_capacity(raw_files.len());
    let mut offset = 0_u64;
    for (nth, raw) in raw_files.iter().enumerate() {
        if let Some(file) = file(raw, nth, offset)? {
            // The sum stays below 2^63, so that no later addition of a piece's length overflows.
            let end = offset.checked_add(file.len).filter(|end| i64::try_from(*end).is_ok());
            offset = end.ok_or(MetainfoError::TotalTooLarge)?;
            files.push(file);
        }
    }
    Ok(files)
}

/// One entry of `files`; `None` for a symbolic link, which has no bytes, and which no browser could store.
fn file(raw: &RawFile, nth: usize, offset: u64) -> Result<Option<FileEntry>, MetainfoError> {
    let has_attr = |attr| raw.attr.as_ref().is_some_and(|attrs| attrs.contains(&attr));
    let parts = raw.path_utf8.as_ref().or(raw.path.as_ref());
    if has_attr(b'p') {
        // Clients write nothing for padding, and every maker names it its own way, often twice the same.
        let len = file_len(raw.length, || format!("padding {}", nth + 1))?;
        let path = vec![".pad".to_owned(), offset.to_string()];
        return Ok(Some(FileEntry { path, len, offset, is_padding: true }));
    }
    let path = safe_path(parts.map(Vec::as_slice).unwrap_or_default())?;
    if has_attr(b'l') {
        let is_empty = raw.length.unwrap_or(0) == 0;
        return if is_empty {
            Ok(None)
        } else {
            Err(MetainfoError::SymlinkWithContent { path: path.join("/") })
        };
    }
    if path.is_empty() {
        return Err(MetainfoError::PathMissing { number: nth + 1 });
    }
    let len = file_len(raw.length, || path.join("/"))?;
    Ok(Some(FileEntry { path, len, offset, is_padding: false }))
}

fn file_len(len: Option<i64>, file: impl Fn() -> String) -> Result<u64, MetainfoError> {
    let len = len.ok_or_else(|| MetainfoError::LengthMissing { file: file() })?;
    u64::try_from(len).map_err(|_| MetainfoError::LengthNegative { file: file(), len })
}

/// No two files at one place, and none where another needs a folder.
fn refuse_clashes(files: &[FileEntry]) -> Result<(), MetainfoError> {
    let mut paths: Vec<&[String]> =
        files.iter().filter(|f| !f.is_padding).map(|f| f.path.as_slice()).collect();
    // In this order all that lies below a path follows it directly.
    paths.sort_unstable();
    match paths.array_windows().find(|[first, second]| second.starts_with(first)) {
        Some([_, second]) => Err(MetainfoError::DuplicatePath { path: second.join("/") }),
        None => Ok(()),
    }
}

/// The tiers of `announce-list`, or else `announce` alone (BEP 12).
fn trackers(raw: &RawMetainfo) -> Vec<Vec<String>> {
    let mut known: Vec<String> = Vec::new();
    let mut tier = |urls: &[ByteBuf]| -> Vec<String> {
        let mut tier = Vec::new();
        for url in urls {
            let Some(url) = sane_url(url).filter(|url| !known.contains(url)) else { continue };
            if known.len() < TRACKERS_MAX {
                known.push(url.clone());
                tier.push(url);
            }
        }
        tier
    };
    let mut tiers: Vec<_> =
        raw.announce_list.iter().map(|urls| tier(urls)).filter(|t| !t.is_empty()).collect();
    if tiers.is_empty() {
        tiers.extend(
            raw.announce.as_ref().map(|url| tier(std::slice::from_ref(url))).filter(|t| !t.is_empty()),
        );
    }
    tiers
}

/// An address as it may stand in a torrent, if it is one by its looks.
pub(crate) fn sane_url(url: &[u8]) -> Option<String> {
    let url = std::str::from_utf8(url).ok()?.trim();
    let is_sane = !url.is_empty() && url.len() <= URL_LEN_MAX && !url.contains(char::is_control);
    is_sane.then(|| url.to_owned())
}

fn text(bytes: Option<&ByteBuf>) -> Option<String> {
    let text: String = String::from_utf8_lossy(bytes?).trim().chars().take(COMMENT_CHARS_MAX).collect();
    (!text.is_empty()).then_some(text)
}
