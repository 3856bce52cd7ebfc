//! Which request brings a run of the content.

use super::url::{file_url, piece_url};
use crate::{BlockRef, FetchRange, Metainfo, PieceIndex, WebSeedKind, WebSeedUrl};

/// What comes next of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// Padding up to this place (BEP 47): nobody has to be asked for zeros.
    Zeros { end: u64 },
    /// Up to this place, one request brings it.
    Fetch { url: String, range: FetchRange, end: u64, file: Option<usize> },
}

/// The first part of the content from `start` to `end` that one request can bring. For files on a server it ends with
/// the file (BEP 19), for a script with the piece (BEP 17). `start` lies before `end`, and `end` in the content.
pub(crate) fn next_span(metainfo: &Metainfo, source: &WebSeedUrl, start: u64, end: u64) -> Span {
    match source.kind {
        WebSeedKind::Files => next_in_files(metainfo, &source.url, start, end),
        WebSeedKind::Pieces => next_in_pieces(metainfo, &source.url, start, end),
    }
}

fn next_in_files(metainfo: &Metainfo, base: &str, start: u64, end: u64) -> Span {
    let files = metainfo.files();
    // The last file that begins at or before the place; an empty one does not hold it, but the next one does.
    let first = files.partition_point(|file| file.offset <= start).saturating_sub(1);
    let at = (first..files.len()).find(|&at| files[at].offset + files[at].len > start).unwrap_or(first);
    let file = &files[at];
    let end = end.min(file.offset + file.len);
    if file.is_padding {
        return Span::Zeros { end };
    }
    let range = FetchRange::Bytes { offset: start - file.offset };
    Span::Fetch { url: file_url(metainfo, base, at), range, end, file: Some(at) }
}

fn next_in_pieces(metainfo: &Metainfo, base: &str, start: u64, end: u64) -> Span {
    let piece_len = u64::from(metainfo.piece_len());
    let piece = PieceIndex((start / piece_len) as u32);
    let piece_start = u64::from(piece.0) * piece_len;
    let end = end.min(piece_start + u64::from(metainfo.piece_size(piece)));
    let block = BlockRef { piece, begin: (start - piece_start) as u32, len: (end - start) as u32 };
    Span::Fetch { url: piece_url(metainfo, base, &block), range: FetchRange::Body, end, file: None }
}
