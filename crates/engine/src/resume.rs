//! What survives a restart: which pieces are verified and stored, which blocks of unfinished ones are stored, how many
//! bytes were traded, and what the host wants to remember.
//!
//! The host appends each record when the bytes that it speaks of are stored. A kill at any instant leaves at worst a
//! torn last record, which reading finds by its checksum and leaves out.
//!
//! # Format, version 2
//! Numbers are big endian. The header has 36 bytes:
//!
//! | bytes | what |
//! |---|---|
//! | 7 | `SWRESUM` |
//! | 1 | version, 2 |
//! | 20 | info hash |
//! | 4 | number of pieces |
//! | 4 | CRC-32 of the bytes above |
//!
//! Records follow one behind the other: a kind (1 byte), a body whose length the kind gives, and a CRC-32 over the
//! header's checksum, kind and body. (The header's checksum is in it so that the remains of another torrent's log are
//! never taken for a record.)
//!
//! | kind | body | meaning |
//! |---|---|---|
//! | 1 | piece, 4 bytes | the piece is verified and stored |
//! | 2 | uploaded, downloaded, 8 bytes each | payload bytes traded in all sessions so far |
//! | 3 | none | all pieces are to be checked anew; no block of an unfinished one counts |
//! | 4 | bitfield as on the wire | exactly these pieces are verified and stored, and no block of others |
//! | 5 | piece, first block, number of blocks, 4 bytes each | these blocks are stored, not verified |
//! | 6 | piece, 4 bytes | no block of this piece counts as stored any more |
//! | 7 | seconds, 8 bytes | time as a seed in all sessions so far |
//! | 8 | length, 4 bytes, and as many bytes | what the host wants to remember, instead of what it said before |
//!
//! Version 1 had the first four kinds. Its logs are read; the host writes them anew before it appends.

mod journal;
#[cfg(test)]
mod tests;

use codec::InfoHash;

pub use journal::BlockJournal;

use crate::{Bitfield, BlockRun, PartialPieces, PieceIndex};

const MAGIC: &[u8; 7] = b"SWRESUM";
const VERSION: u8 = 2;
const VERSION_OLD: u8 = 1;
const HEADER_LEN: usize = 36;
const CHECKSUM_LEN: usize = 4;

/// Bytes that a host can have remembered at most: room for a priority of every file of a large torrent.
pub const SETTINGS_LEN_MAX: usize = 1 << 20;

mod kind {
    pub(super) const PIECE: u8 = 1;
    pub(super) const TOTALS: u8 = 2;
    pub(super) const RESET: u8 = 3;
    pub(super) const BITFIELD: u8 = 4;
    pub(super) const BLOCKS: u8 = 5;
    pub(super) const DISCARDED: u8 = 6;
    pub(super) const SEEDING_TIME: u8 = 7;
    pub(super) const SETTINGS: u8 = 8;
}

/// Writes and reads the log of one torrent. Holds no state but the torrent's name and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeLog {
    header: [u8; HEADER_LEN],
    header_old: [u8; HEADER_LEN],
    pieces_total: u32,
}

/// What a log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Verified and stored pieces.
    pub have: Bitfield,
    /// Stored blocks of other pieces.
    pub partial: PartialPieces,
    /// Payload bytes sent in all sessions.
    pub uploaded: u64,
    /// Payload bytes received in all sessions.
    pub downloaded: u64,
    /// Time as a seed in all sessions, in seconds.
    pub seeding_s: u64,
    /// What the host wanted to remember; empty if nothing.
    pub settings: Vec<u8>,
    /// How many bytes of the log are sound. Cut it there before more is appended.
    pub valid_len: usize,
    /// The log is of an older version: put [`ResumeLog::compacted`] in its place before anything is appended.
    pub is_old: bool,
}

impl Resume {
    /// Of a torrent of which these pieces are verified and stored, and of which nothing else is known.
    #[must_use]
    pub const fn new(have: Bitfield) -> Self {
        Self {
            have,
            partial: PartialPieces::new(),
            uploaded: 0,
            downloaded: 0,
            seeding_s: 0,
            settings: Vec::new(),
            valid_len: 0,
            is_old: false,
        }
    }
}

/// These bytes are no log of this torrent. Start a new one and check all pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// Too short, of another kind, or with a wrong checksum.
    #[error("the resume data is damaged")]
    Damaged,
    /// From another version of this program.
    #[error("the resume data is of version {version}, this program reads versions up to {VERSION}")]
    Version {
        /// Version that it names.
        version: u8,
    },
    /// About something else.
    #[error("the resume data belongs to another torrent")]
    OtherTorrent,
}

impl ResumeLog {
    /// The log of this torrent.
    #[must_use]
    pub fn new(info_hash: InfoHash, pieces_total: u32) -> Self {
        let header = |version| header(version, info_hash, pieces_total);
        Self { header: header(VERSION), header_old: header(VERSION_OLD), pieces_total }
    }

    /// What a new log begins with.
    #[must_use]
    pub fn header(&self) -> Vec<u8> {
        self.header.to_vec()
    }

    /// The piece is verified and stored.
    #[must_use]
    pub fn record_piece(&self, piece: PieceIndex) -> Vec<u8> {
        self.record(kind::PIECE, &[&piece.0.to_be_bytes()])
    }

    /// These blocks of an unfinished piece are stored.
    #[must_use]
    pub fn record_blocks(&self, run: BlockRun) -> Vec<u8> {
        let BlockRun { piece, first, count } = run;
        self.record(kind::BLOCKS, &[&piece.0.to_be_bytes(), &first.to_be_bytes(), &count.to_be_bytes()])
    }

    /// No block of this piece counts as stored any more: it was given up, or had the wrong hash.
    #[must_use]
    pub fn record_discarded(&self, piece: PieceIndex) -> Vec<u8> {
        self.record(kind::DISCARDED, &[&piece.0.to_be_bytes()])
    }

    /// Payload bytes traded in all sessions so far.
    #[must_use]
    pub fn record_totals(&self, uploaded: u64, downloaded: u64) -> Vec<u8> {
        self.record(kind::TOTALS, &[&uploaded.to_be_bytes(), &downloaded.to_be_bytes()])
    }

    /// Time as a seed in all sessions so far.
    #[must_use]
    pub fn record_seeding_time(&self, seconds: u64) -> Vec<u8> {
        self.record(kind::SEEDING_TIME, &[&seconds.to_be_bytes()])
    }

    /// Whatever the host wants to find again, at most [`SETTINGS_LEN_MAX`] bytes; `None` if it is longer.
    #[must_use]
    pub fn record_settings(&self, settings: &[u8]) -> Option<Vec<u8>> {
        let len = u32::try_from(settings.len()).ok().filter(|_| settings.len() <= SETTINGS_LEN_MAX)?;
        Some(self.record(kind::SETTINGS, &[&len.to_be_bytes(), settings]))
    }

    /// No piece counts as stored any more, until it is verified again.
    #[must_use]
    pub fn record_reset(&self) -> Vec<u8> {
        self.record(kind::RESET, &[])
    }

    /// A whole new log that says the same in fewer bytes, to take the place of one that has grown long.
    #[must_use]
    pub fn compacted(&self, resume: &Resume) -> Vec<u8> {
        let mut log = self.header();
        log.extend(self.record(kind::BITFIELD, &[resume.have.as_wire()]));
        log.extend(resume.partial.runs().into_iter().flat_map(|run| self.record_blocks(run)));
        log.extend(self.record_totals(resume.uploaded, resume.downloaded));
        if resume.seeding_s > 0 {
            log.extend(self.record_seeding_time(resume.seeding_s));
        }
        if !resume.settings.is_empty() {
            log.extend(self.record_settings(&resume.settings).unwrap_or_default());
        }
        log
    }

    /// Reads a log as far as it is sound.
    ///
    /// # Errors
    /// If its header is not that of this torrent's log.
    pub fn parse(&self, log: &[u8]) -> Result<Resume, ResumeError> {
        let is_old = self.is_old(log)?;
        let header = if is_old { &self.header_old } else { &self.header };
        let have = Bitfield::none(self.pieces_total);
        let mut resume = Resume { valid_len: HEADER_LEN, is_old, ..Resume::new(have) };
        while let Some(record_len) =
            self.apply(header, log.get(resume.valid_len..).unwrap_or_default(), &mut resume)
        {
            resume.valid_len += record_len;
        }
        Ok(resume)
    }

    /// Checks the header and says whether it is that of version 1.
    fn is_old(&self, log: &[u8]) -> Result<bool, ResumeError> {
        let header = log.first_chunk::<HEADER_LEN>().ok_or(ResumeError::Damaged)?;
        if !header.starts_with(MAGIC) {
            return Err(ResumeError::Damaged);
        }
        if !matches!(header[7], VERSION | VERSION_OLD) {
            return Err(ResumeError::Version { version: header[7] });
        }
        if crc32fast::hash(&header[..32]).to_be_bytes() != header[32..] {
            return Err(ResumeError::Damaged);
        }
        match header {
            header if *header == self.header => Ok(false),
            header if *header == self.header_old => Ok(true),
            _ => Err(ResumeError::OtherTorrent),
        }
    }

    /// Reads one record and says how long it is; `None` if there is no sound one.
    fn apply(&self, header: &[u8; HEADER_LEN], rest: &[u8], resume: &mut Resume) -> Option<usize> {
        let kind = *rest.first()?;
        let body_len = match kind {
            kind::PIECE | kind::DISCARDED => 4,
            kind::TOTALS => 16,
            kind::RESET => 0,
            kind::BITFIELD => Bitfield::wire_len(self.pieces_total),
            kind::BLOCKS => 12,
            kind::SEEDING_TIME => 8,
            kind::SETTINGS => {
                let len = u32::from_be_bytes(*rest.get(1..)?.first_chunk()?) as usize;
                4 + Some(len).filter(|&len| len <= SETTINGS_LEN_MAX)?
            }
            _ => return None,
        };
        let body = rest.get(1..1 + body_len)?;
        let record_len = 1 + body_len + CHECKSUM_LEN;
        if rest.get(1 + body_len..record_len)? != checksum(header, &rest[..1 + body_len]) {
            return None;
        }
        self.take_in(kind, body, resume)?;
        Some(record_len)
    }

    /// Adds what a sound record says; `None` if no writer of ours says such a thing, whatever its checksum.
    fn take_in(&self, kind: u8, body: &[u8], resume: &mut Resume) -> Option<()> {
        let piece = || {
            let piece = u32::from_be_bytes(*body.first_chunk()?);
            (piece < self.pieces_total).then_some(PieceIndex(piece))
        };
        match kind {
            kind::PIECE => {
                resume.have.insert(piece()?);
                resume.partial.remove(piece()?);
            }
            kind::BLOCKS => {
                let number = |at| Some(u32::from_be_bytes(*body.get(at..)?.first_chunk()?));
                let run = BlockRun { piece: piece()?, first: number(4)?, count: number(8)? };
                if !run.is_possible() {
                    return None;
                }
                // Blocks of a piece that was complete before are late news.
                if !resume.have.has(run.piece) {
                    resume.partial.insert(run);
                }
            }
            kind::DISCARDED => {
                resume.partial.remove(piece()?);
            }
            kind::TOTALS => {
                resume.uploaded = u64::from_be_bytes(*body.first_chunk()?);
                resume.downloaded = u64::from_be_bytes(*body.last_chunk()?);
            }
            kind::SEEDING_TIME => resume.seeding_s = u64::from_be_bytes(*body.first_chunk()?),
            kind::SETTINGS => resume.settings = body.get(4..)?.to_vec(),
            kind::BITFIELD => {
                resume.have = Bitfield::from_wire(body, self.pieces_total).ok()?;
                resume.partial = PartialPieces::new();
            }
            _ => {
                resume.have = Bitfield::none(self.pieces_total);
                resume.partial = PartialPieces::new();
            }
        }
        Some(())
    }

    fn record(&self, kind: u8, body: &[&[u8]]) -> Vec<u8> {
        let mut record = vec![kind];
        record.extend(body.iter().copied().flatten());
        let checksum = checksum(&self.header, &record);
        record.extend(checksum);
        record
    }
}

fn header(version: u8, info_hash: InfoHash, pieces_total: u32) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..7].copy_from_slice(MAGIC);
    header[7] = version;
    header[8..28].copy_from_slice(&info_hash.0);
    header[28..32].copy_from_slice(&pieces_total.to_be_bytes());
    let checksum = crc32fast::hash(&header[..32]);
    header[32..].copy_from_slice(&checksum.to_be_bytes());
    header
}

fn checksum(header: &[u8; HEADER_LEN], record: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[32..]);
    hasher.update(record);
    hasher.finalize().to_be_bytes()
}
