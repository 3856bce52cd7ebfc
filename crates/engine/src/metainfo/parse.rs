//! From bytes to a [`Metainfo`] that is sound as a whole.

use codec::bencode::{Limits, ScanError, ScanFault, Value, scan};
use serde_bytes::ByteBuf;

use super::info_hashes::InfoHashes;
use super::layers::{PieceLayers, check_roots};
use super::listed::Listed;
use super::path::safe_path;
use super::raw::{RawInfo, RawMetainfo, SCHEMA};
use super::web_seeds::WebParts;
use super::{FileEntry, METAINFO_LEN_MAX, Metainfo, MetainfoError, PIECE_LEN_MAX, PIECE_LEN_MIN, PIECES_MAX};
use super::{file_tree, hybrid, listed, place, trackers};
use crate::geometry::Geometry;

/// Real files nest five levels (version 1) or one per folder (version 2); a file of 16 MiB has at most about 2 million
/// parts if each of its files takes a hundred bytes.
pub(super) const LIMITS: Limits = Limits { len_max: METAINFO_LEN_MAX, depth_max: 100, items_max: 3_000_000 };
/// Longest comment kept, in characters.
const COMMENT_CHARS_MAX: usize = 4096;

pub(super) fn parse(bytes: &[u8]) -> Result<Metainfo, MetainfoError> {
    if bytes.len() > METAINFO_LEN_MAX {
        return Err(MetainfoError::TooLarge { len: bytes.len() });
    }
    let document = scan(bytes, &LIMITS).map_err(|error| unreadable(bytes, error))?;
    let root = document.root();
    let info_value = info_value(root)?;
    let raw = known_part(root)?;
    let info = raw.info.as_ref().ok_or(MetainfoError::NoInfo)?;
    let versions = Versions::of(info)?;
    if let Some(offset) = root.unsorted_key().filter(|_| versions.has_v2) {
        return Err(MetainfoError::UnsortedKey { offset });
    }
    let info_hashes = InfoHashes::of(info_value.raw(), versions.has_v1, versions.has_v2);

    let piece_len = piece_len(info, versions)?;
    let content = Content::read(info_value, info, versions, piece_len)?;
    let name = name(content.name, info_hashes)?;
    let single = content.is_single_file.then_some(name.as_str());
    let files = if versions.has_v1 {
        place::place(&content.files, single)?
    } else {
        place::place_aligned(&content.files, single, piece_len)?
    };
    let geometry = geometry(&files, piece_len)?;
    let piece_hashes = if versions.has_v1 { piece_hashes(info, &geometry)? } else { Vec::new() };
    check_roots(&files)?;
    let layers = root.get(b"piece layers").filter(|_| versions.has_v2);
    let piece_layers = PieceLayers::read(layers, &files, piece_len)?;

    let web = WebParts::read(root, info, &name, &files);
    Ok(Metainfo {
        bytes: bytes.to_vec(),
        info: info_value.offset()..info_value.offset() + info_value.raw().len(),
        info_hashes,
        geometry,
        piece_hashes,
        piece_layers,
        files,
        is_single_file: content.is_single_file,
        name,
        trackers: trackers::trackers(&raw),
        dht_nodes: trackers::dht_nodes(root),
        is_private: info.private == Some(1),
        comment: text(raw.comment_utf8.as_ref().or(raw.comment.as_ref())),
        created_by: text(raw.created_by.as_ref()),
        web,
    })
}

/// Which versions of the format the file has.
#[derive(Clone, Copy)]
struct Versions {
    has_v1: bool,
    has_v2: bool,
}

impl Versions {
    /// What is newer is refused before anything else is looked at, as BEP 52 wants it.
    fn of(info: &RawInfo) -> Result<Self, MetainfoError> {
        match info.meta_version {
            Some(version @ 3..) => Err(MetainfoError::TooNew { version }),
            Some(2) => Ok(Self { has_v1: info.pieces.is_some(), has_v2: true }),
            _ => Ok(Self { has_v1: true, has_v2: false }),
        }
    }
}

/// The files as the torrent lists them.
struct Content<'a> {
    files: Vec<Listed<'a>>,
    /// What all of it is called.
    name: &'a [u8],
    is_single_file: bool,
}

impl<'a> Content<'a> {
    fn read(
        info_value: Value<'a>,
        info: &'a RawInfo,
        versions: Versions,
        piece_len: u32,
    ) -> Result<Self, MetainfoError> {
        let name = info.name_utf8.as_ref().or(info.name.as_ref()).ok_or(MetainfoError::NameMissing)?;
        let tree = || {
            let tree = info_value.get(b"file tree").ok_or(MetainfoError::FileTreeMissing)?;
            file_tree::version_2(tree)
        };
        if !versions.has_v1 {
            let files = tree()?;
            // The name in `info` is advisory; that of the only file is more.
            let only_file = if let [Listed { path, .. }] = &files[..] { path.as_slice() } else { &[] };
            let (name, is_single_file) =
                if let [name] = *only_file { (name, true) } else { (name.as_slice(), false) };
            return Ok(Self { files, name, is_single_file });
        }
        let mut files = listed::version_1(info, name)?;
        if versions.has_v2 {
            hybrid::agree(&mut files, &tree()?, piece_len)?;
        }
        Ok(Self { files, name, is_single_file: info.files.is_none() })
    }
}

/// Not a torrent at all, or one that is damaged? A dictionary that begins with a key is given the benefit of the doubt.
fn unreadable(bytes: &[u8], error: ScanError) -> MetainfoError {
    let looks_like_one = bytes.first() == Some(&b'd') && bytes.get(1).is_none_or(u8::is_ascii_digit);
    let is_nested_junk = matches!(error.fault, ScanFault::TooDeep { .. });
    if looks_like_one || is_nested_junk { MetainfoError::Damaged(error) } else { MetainfoError::NotATorrent }
}

fn info_value(root: Value<'_>) -> Result<Value<'_>, MetainfoError> {
    if root.dict().is_none() {
        return Err(MetainfoError::NotATorrent);
    }
    root.get(b"info").filter(|info| info.dict().is_some()).ok_or(MetainfoError::NoInfo)
}

fn known_part(root: Value<'_>) -> Result<RawMetainfo, MetainfoError> {
    let kept = root.keep(&SCHEMA).map_err(MetainfoError::Ambiguous)?.ok_or(MetainfoError::NotATorrent)?;
    serde_bencode::from_bytes(&kept).map_err(|_| MetainfoError::NotATorrent)
}

fn piece_len(info: &RawInfo, versions: Versions) -> Result<u32, MetainfoError> {
    let len = info.piece_len.ok_or(MetainfoError::PieceLenMissing)?;
    let bounds = PIECE_LEN_MIN..=PIECE_LEN_MAX;
    let in_bounds = u32::try_from(len).ok().filter(|len| bounds.contains(len));
    let len = in_bounds.ok_or(MetainfoError::PieceLenOutOfBounds { len })?;
    if versions.has_v2 && !len.is_power_of_two() {
        return Err(MetainfoError::PieceLenNotPowerOfTwo { len });
    }
    Ok(len)
}

fn name(name: &[u8], info_hashes: InfoHashes) -> Result<String, MetainfoError> {
    // A name of which nothing is left is replaced by one that is unique, as libtorrent does.
    let mut path = if name == b".." { Vec::new() } else { safe_path(&[name])? };
    Ok(path.pop().unwrap_or_else(|| info_hashes.primary().to_string()))
}

fn geometry(files: &[FileEntry], piece_len: u32) -> Result<Geometry, MetainfoError> {
    let span_len = files.last().map_or(0, |file| file.offset + file.len);
    if files.iter().all(|file| file.len == 0 || file.is_padding) {
        return Err(MetainfoError::Empty);
    }
    let pieces = span_len.div_ceil(u64::from(piece_len));
    if pieces > u64::from(PIECES_MAX) {
        return Err(MetainfoError::TooManyPieces { pieces });
    }
    let padding = files.iter().filter(|file| file.is_padding).map(|file| file.offset..file.offset + file.len);
    Ok(Geometry::with_padding(piece_len, span_len, padding))
}

fn piece_hashes(info: &RawInfo, geometry: &Geometry) -> Result<Vec<[u8; 20]>, MetainfoError> {
    let pieces = info.pieces.as_ref().ok_or(MetainfoError::PiecesMissing)?;
    let (hashes, []) = pieces.as_chunks::<20>() else {
        return Err(MetainfoError::PiecesUnaligned { len: pieces.len() });
    };
    let expected = u64::from(geometry.pieces_total());
    if expected != hashes.len() as u64 {
        return Err(MetainfoError::PiecesCount { expected, found: hashes.len() });
    }
    Ok(hashes.to_vec())
}

fn text(bytes: Option<&ByteBuf>) -> Option<String> {
    let text: String = String::from_utf8_lossy(bytes?).trim().chars().take(COMMENT_CHARS_MAX).collect();
    (!text.is_empty()).then_some(text)
}
