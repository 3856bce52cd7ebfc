//! Where the bytes of a block lie in the files.

use super::{FileEntry, Metainfo};
use crate::BlockRef;

/// A run of a block's bytes that lies in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSpan {
    /// Index into [`Metainfo::files`].
    pub file: usize,
    /// Where the run begins in the file, in bytes.
    pub offset_in_file: u64,
    /// Where the run begins in the block, in bytes.
    pub offset_in_block: u32,
    /// Length of the run in bytes; never zero.
    pub len: u32,
}

/// The runs of one block, in order. See [`Metainfo::spans`].
#[derive(Clone, Debug)]
pub struct Spans<'a> {
    files: &'a [FileEntry],
    file: usize,
    at: u64,
    end: u64,
    block_start: u64,
}

impl Metainfo {
    /// Where these bytes lie in the files, padding included. Any run within a piece will do, up to the whole piece;
    /// what lies outside the content is left out.
    #[must_use]
    pub fn spans(&self, block: &BlockRef) -> Spans<'_> {
        let start = u64::from(block.piece.0) * u64::from(self.piece_len()) + u64::from(block.begin);
        let file = self.file_at(start);
        let end = (start + u64::from(block.len)).min(self.geometry.span_len());
        Spans { files: &self.files, file, at: start, end, block_start: start }
    }
}

impl Metainfo {
    /// The file that holds the byte at this place of the content.
    pub(super) fn file_at(&self, offset: u64) -> usize {
        // The last one that begins there or before; empty files at the same place come before it.
        self.files.partition_point(|file| file.offset <= offset).saturating_sub(1)
    }
}

impl Iterator for Spans<'_> {
    type Item = FileSpan;

    fn next(&mut self) -> Option<FileSpan> {
        while self.at < self.end {
            let file = self.files.get(self.file)?;
            let file_end = file.offset + file.len;
            if self.at >= file_end {
                self.file += 1;
                continue;
            }
            let span = FileSpan {
                file: self.file,
                offset_in_file: self.at - file.offset,
                offset_in_block: (self.at - self.block_start) as u32,
                len: (self.end.min(file_end) - self.at) as u32,
            };
            self.at += u64::from(span.len);
            return Some(span);
        }
        None
    }
}
