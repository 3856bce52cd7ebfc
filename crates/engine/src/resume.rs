//! What survives a restart: which pieces are verified and stored, and how many bytes were traded.
//!
//! The host appends each record when the bytes that it speaks of are stored. A kill at any instant leaves at worst a
//! torn last record, which reading finds by its checksum and leaves out.
//!
//! # Format, version 1
//! Numbers are big endian. The header has 36 bytes:
//!
//! | bytes | what |
//! |---|---|
//! | 7 | `SWRESUM` |
//! | 1 | version, 1 |
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
//! | 3 | none | all pieces are to be checked anew |
//! | 4 | bitfield as on the wire | exactly these pieces are verified and stored |

use codec::InfoHash;

use crate::{Bitfield, PieceIndex};

const MAGIC: &[u8; 7] = b"SWRESUM";
const VERSION: u8 = 1;
const HEADER_LEN: usize = 36;
const CHECKSUM_LEN: usize = 4;

mod kind {
    pub(super) const PIECE: u8 = 1;
    pub(super) const TOTALS: u8 = 2;
    pub(super) const RESET: u8 = 3;
    pub(super) const BITFIELD: u8 = 4;
}

/// Writes and reads the log of one torrent. Holds no state but the torrent's name and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeLog {
    header: [u8; HEADER_LEN],
    pieces_total: u32,
}

/// What a log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Verified and stored pieces.
    pub have: Bitfield,
    /// Payload bytes sent in all sessions.
    pub uploaded: u64,
    /// Payload bytes received in all sessions.
    pub downloaded: u64,
    /// How many bytes of the log are sound. Cut it there before more is appended.
    pub valid_len: usize,
}

/// These bytes are no log of this torrent. Start a new one and check all pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// Too short, of another kind, or with a wrong checksum.
    #[error("the resume data is damaged")]
    Damaged,
    /// From another version of this program.
    #[error("the resume data is of version {version}, this program reads version {VERSION}")]
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
        let mut header = [0; HEADER_LEN];
        header[..7].copy_from_slice(MAGIC);
        header[7] = VERSION;
        header[8..28].copy_from_slice(&info_hash.0);
        header[28..32].copy_from_slice(&pieces_total.to_be_bytes());
        let checksum = crc32fast::hash(&header[..32]);
        header[32..].copy_from_slice(&checksum.to_be_bytes());
        Self { header, pieces_total }
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

    /// Payload bytes traded in all sessions so far.
    #[must_use]
    pub fn record_totals(&self, uploaded: u64, downloaded: u64) -> Vec<u8> {
        self.record(kind::TOTALS, &[&uploaded.to_be_bytes(), &downloaded.to_be_bytes()])
    }

    /// No piece counts as stored any more, until it is verified again.
    #[must_use]
    pub fn record_reset(&self) -> Vec<u8> {
        self.record(kind::RESET, &[])
    }

    /// A whole new log that says the same in fewer bytes, to take the place of one that has grown long.
    #[must_use]
    pub fn compacted(&self, resume: &Resume) -> Vec<u8> {
        let pieces = self.record(kind::BITFIELD, &[resume.have.as_wire()]);
        [self.header(), pieces, self.record_totals(resume.uploaded, resume.downloaded)].concat()
    }

    /// Reads a log as far as it is sound.
    ///
    /// # Errors
    /// If its header is not that of this torrent's log.
    pub fn parse(&self, log: &[u8]) -> Result<Resume, ResumeError> {
        self.check_header(log)?;
        let have = Bitfield::none(self.pieces_total);
        let mut resume = Resume { have, uploaded: 0, downloaded: 0, valid_len: HEADER_LEN };
        while let Some(record_len) = self.apply(log.get(resume.valid_len..).unwrap_or_default(), &mut resume)
        {
            resume.valid_len += record_len;
        }
        Ok(resume)
    }

    fn check_header(&self, log: &[u8]) -> Result<(), ResumeError> {
        let header = log.first_chunk::<HEADER_LEN>().ok_or(ResumeError::Damaged)?;
        if !header.starts_with(MAGIC) {
            return Err(ResumeError::Damaged);
        }
        if header[7] != VERSION {
            return Err(ResumeError::Version { version: header[7] });
        }
        if crc32fast::hash(&header[..32]).to_be_bytes() != header[32..] {
            return Err(ResumeError::Damaged);
        }
        if *header == self.header { Ok(()) } else { Err(ResumeError::OtherTorrent) }
    }

    /// Reads one record and says how long it is; `None` if there is no sound one.
    fn apply(&self, rest: &[u8], resume: &mut Resume) -> Option<usize> {
        let kind = *rest.first()?;
        let body_len = match kind {
            kind::PIECE => 4,
            kind::TOTALS => 16,
            kind::RESET => 0,
            kind::BITFIELD => Bitfield::wire_len(self.pieces_total),
            _ => return None,
        };
        let body = rest.get(1..1 + body_len)?;
        let record_len = 1 + body_len + CHECKSUM_LEN;
        if rest.get(1 + body_len..record_len)? != self.checksum(&rest[..1 + body_len]) {
            return None;
        }
        match kind {
            kind::PIECE => {
                let piece = u32::from_be_bytes(*body.first_chunk()?);
                // No writer of ours names a piece outside: what does is not sound, whatever its checksum.
                if piece >= self.pieces_total {
                    return None;
                }
                resume.have.insert(PieceIndex(piece));
            }
            kind::TOTALS => {
                resume.uploaded = u64::from_be_bytes(*body.first_chunk()?);
                resume.downloaded = u64::from_be_bytes(*body.last_chunk()?);
            }
            kind::BITFIELD => resume.have = Bitfield::from_wire(body, self.pieces_total).ok()?,
            _ => resume.have = Bitfield::none(self.pieces_total),
        }
        Some(record_len)
    }

    fn record(&self, kind: u8, body: &[&[u8]]) -> Vec<u8> {
        let mut record = vec![kind];
        record.extend(body.iter().copied().flatten());
        let checksum = self.checksum(&record);
        record.extend(checksum);
        record
    }

    fn checksum(&self, record: &[u8]) -> [u8; CHECKSUM_LEN] {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.header[32..]);
        hasher.update(record);
        hasher.finalize().to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use proptest::prelude::*;

    fn log() -> ResumeLog {
        ResumeLog::new(InfoHash([9; 20]), 12)
    }

    /// The pieces, totals and sound length that these records give.
    fn check(records: &[Vec<u8>]) -> (Vec<u32>, u64, u64, usize) {
        let bytes = [vec![log().header()], records.to_vec()].concat().concat();
        let resume = log().parse(&bytes).unwrap();
        (resume.have.iter().map(|p| p.0).collect(), resume.uploaded, resume.downloaded, resume.valid_len)
    }

    #[test]
    fn records_add_up_in_their_order() {
        let log = log();
        let piece = |piece| log.record_piece(PieceIndex(piece));
        assert_eq!(check(&[]), (vec![], 0, 0, 36));
        assert_eq!(check(&[piece(3), piece(11), piece(3)]), (vec![3, 11], 0, 0, 63));
        assert_eq!(check(&[log.record_totals(1, 2), piece(0), log.record_totals(5, 6)]), (vec![0], 5, 6, 87));
        assert_eq!(
            check(&[piece(3), log.record_totals(5, 6), log.record_reset(), piece(4)]),
            (vec![4], 5, 6, 80)
        );
    }

    #[test]
    fn a_log_cut_anywhere_loses_no_whole_record() {
        let log = log();
        let records: Vec<_> = (0..12).map(|piece| log.record_piece(PieceIndex(piece))).collect();
        let bytes = [log.header(), records.concat()].concat();
        for len in 36..=bytes.len() {
            let resume = log.parse(&bytes[..len]).unwrap();
            let whole = (len - 36) / 9;
            assert_eq!(
                (resume.have.count() as usize, resume.valid_len),
                (whole, 36 + whole * 9),
                "{len} bytes"
            );
        }
        for len in 0..36 {
            assert_eq!(log.parse(&bytes[..len]), Err(ResumeError::Damaged));
        }
    }

    #[test]
    fn nothing_behind_a_damaged_record_counts() {
        let log = log();
        let piece = |piece| log.record_piece(PieceIndex(piece));
        for at in 0..9 {
            let mut damaged = piece(2);
            damaged[at] ^= 0x10;
            assert_eq!(check(&[piece(1), damaged, piece(3)]), (vec![1], 0, 0, 45), "byte {at}");
        }
        assert_eq!(check(&[piece(1), vec![0; 100]]), (vec![1], 0, 0, 45), "zeros that a file system left");
        assert_eq!(check(&[piece(1), piece(12)]), (vec![1], 0, 0, 45), "a piece outside the torrent");
        let other = ResumeLog::new(InfoHash([8; 20]), 12).record_piece(PieceIndex(2));
        assert_eq!(check(&[piece(1), other]), (vec![1], 0, 0, 45), "remains of another log");
    }

    #[test]
    fn only_the_log_of_the_same_torrent_is_read() {
        let parse = |bytes: &[u8]| log().parse(bytes).map(|_| ());
        assert_eq!(parse(&ResumeLog::new(InfoHash([8; 20]), 12).header()), Err(ResumeError::OtherTorrent));
        assert_eq!(parse(&ResumeLog::new(InfoHash([9; 20]), 13).header()), Err(ResumeError::OtherTorrent));
        let mut newer = log().header();
        newer[7] = 2;
        assert_eq!(parse(&newer), Err(ResumeError::Version { version: 2 }));
        let mut damaged = log().header();
        damaged[20] ^= 1;
        assert_eq!(parse(&damaged), Err(ResumeError::Damaged));
    }

    #[test]
    fn a_compacted_log_says_the_same() {
        let log = log();
        let bytes = [log.header(), log.record_piece(PieceIndex(7)), log.record_totals(3, 4)].concat();
        let resume = log.parse(&bytes).unwrap();
        let compacted = log.compacted(&resume);
        assert_eq!(log.parse(&compacted), Ok(Resume { valid_len: compacted.len(), ..resume }));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = log().parse(&bytes);
            prop_assert!(log().parse(&[log().header(), bytes].concat()).is_ok());
        }
    }
}
