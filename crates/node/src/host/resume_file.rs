//! The record of verified pieces beside the data, as the engine's [`ResumeLog`] writes it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use engine::{
    Bitfield, BlockJournal, BlockRun, History, Metainfo, PartialPieces, PieceIndex, Resume, ResumeLog,
};

/// A record this many times longer than it need be is written anew when it is opened.
const GROWTH_MAX: usize = 8;

/// The record cannot be used. The text is for the user.
#[derive(Debug, thiserror::Error)]
pub enum ResumeFileError {
    /// Another process works on the same data.
    #[error("another program is downloading to {} already", .0.display())]
    Taken(PathBuf),
    /// The file system refuses.
    #[error("cannot use {}: {source}", .path.display())]
    Io {
        /// The record's path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The open record of one torrent. While it is open, no other process can open it.
///
/// It outlives a kill at any instant. Data and record are not forced onto the disk, which would cost more than it is
/// worth: after a loss of power, `--check` finds what is really there.
#[derive(Debug)]
pub struct ResumeFile {
    path: PathBuf,
    file: File,
    /// Its length in bytes: everything up to there is whole records.
    len: u64,
    /// Part of a record stands behind that, and could not be cut off: what is behind it would never be read.
    is_torn: bool,
    log: ResumeLog,
    journal: BlockJournal,
}

impl ResumeFile {
    /// Path of the record of the data at `content`: `.NAME.swarmscope` beside it.
    #[must_use]
    pub fn path_for(content: &Path) -> PathBuf {
        let mut name = std::ffi::OsString::from(".");
        name.push(content.file_name().unwrap_or_default());
        name.push(".swarmscope");
        content.with_file_name(name)
    }

    /// Opens the record, or begins one. With it comes what it says, or `None` if it says nothing that can be relied
    /// on: then check the data, and call [`ResumeFile::begin_with`].
    ///
    /// # Errors
    /// If another process has it open, or the file system refuses.
    pub fn open(path: PathBuf, metainfo: &Metainfo) -> Result<(Self, Option<Resume>), ResumeFileError> {
        let log = ResumeLog::new(metainfo.info_hash(), metainfo.pieces_total());
        match Self::try_open(&path, log) {
            Ok(Some(opened)) => Ok(opened),
            Ok(None) => Err(ResumeFileError::Taken(path)),
            Err(source) => Err(ResumeFileError::Io { path, source }),
        }
    }

    fn try_open(path: &Path, log: ResumeLog) -> io::Result<Option<(Self, Option<Resume>)>> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let resume = log.parse(&bytes).ok();
        if let Some(resume) = &resume {
            let compacted = log.compacted(resume);
            if resume.is_old || bytes.len() > compacted.len().saturating_mul(GROWTH_MAX) {
                // In one step: a kill leaves the old record or the new one. It gets a lock of its own.
                let new_path = path.with_added_extension("new");
                fs::write(&new_path, compacted)?;
                fs::rename(&new_path, path)?;
                return Self::try_open(path, log);
            }
        }
        let nothing = PartialPieces::new();
        let partial = resume.as_ref().map_or(&nothing, |resume| &resume.partial);
        let journal = BlockJournal::new(log.clone(), partial);
        let mut opened = Self { path: path.to_owned(), file, len: 0, is_torn: false, log, journal };
        match &resume {
            // A kill may have torn the last record.
            Some(resume) => opened.cut(resume.valid_len as u64)?,
            None => opened.restart(&[])?,
        }
        Ok(Some((opened, resume)))
    }

    /// The data was checked: exactly these pieces are there.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn begin_with(&mut self, have: &Bitfield) -> Result<(), ResumeFileError> {
        // Reset first: a kill between the records must not leave pieces that the check did not find.
        let mut records = self.log.record_reset();
        self.journal = BlockJournal::new(self.log.clone(), &PartialPieces::new());
        have.iter().for_each(|piece| records.extend(self.log.record_piece(piece)));
        self.append(&records)
    }

    /// A piece is verified and stored.
    ///
    /// # Errors
    /// If the file system refuses, for instance because it is full.
    pub fn record_piece(&mut self, piece: PieceIndex) -> Result<(), ResumeFileError> {
        self.append(&self.log.record_piece(piece))?;
        self.journal.verified(piece);
        Ok(())
    }

    /// Blocks of an unfinished piece are stored. They are recorded with others, by [`ResumeFile::record_so_far`] at the
    /// latest.
    ///
    /// # Errors
    /// If the file system refuses, for instance because it is full.
    pub fn record_blocks(&mut self, run: BlockRun) -> Result<(), ResumeFileError> {
        let records = self.journal.stored(run);
        self.append(&records)
    }

    /// The stored blocks of an unfinished piece are worth nothing.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn record_discarded(&mut self, piece: PieceIndex) -> Result<(), ResumeFileError> {
        let records = self.journal.discarded(piece);
        self.append(&records)
    }

    /// What was traded in all sessions; and blocks that are stored and not recorded yet.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn record_so_far(&mut self, so_far: &History) -> Result<(), ResumeFileError> {
        let mut records = self.journal.flush();
        records.extend(self.log.record_totals(so_far.uploaded, so_far.downloaded));
        records.extend(self.log.record_seeding_time(so_far.seeding_time.as_secs()));
        self.append(&records)
    }

    fn append(&mut self, records: &[u8]) -> Result<(), ResumeFileError> {
        self.try_append(records).map_err(|source| ResumeFileError::Io { path: self.path.clone(), source })
    }

    /// All of it or nothing: reading ends at a torn record, and whatever came behind would be lost.
    fn try_append(&mut self, records: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.cut(self.len)?;
        }
        if let Err(error) = self.file.write_all(records) {
            self.is_torn = true;
            // If not now, then before the next record.
            let _cut = self.cut(self.len);
            return Err(error);
        }
        self.len += records.len() as u64;
        Ok(())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.file.seek(SeekFrom::Start(len))?;
        (self.len, self.is_torn) = (len, false);
        Ok(())
    }

    fn restart(&mut self, records: &[u8]) -> io::Result<()> {
        self.cut(0)?;
        self.try_append(&[&self.log.header(), records].concat())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::time::Duration;

    use engine::{NewContent, NewTorrent};

    use super::*;

    fn metainfo() -> Metainfo {
        let new = NewTorrent {
            name: "n",
            content: NewContent::File(10 * 16384),
            piece_len: 16384,
            piece_hashes: &[[0; 20]; 10],
            trackers: &[],
            is_private: false,
            comment: None,
            created_by: None,
        };
        new.build().unwrap()
    }

    fn pieces(recorded: Option<Resume>) -> Vec<PieceIndex> {
        recorded.unwrap().have.iter().collect()
    }

    #[test]
    fn blocks_are_found_again_unless_their_piece_was_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let open = || ResumeFile::open(path.clone(), &metainfo()).unwrap();
        let run = |piece| BlockRun { piece: PieceIndex(piece), first: 0, count: 1 };
        let (mut file, _) = open();
        [1, 2].into_iter().for_each(|piece| file.record_blocks(run(piece)).unwrap());
        drop(file);
        let (mut file, recorded) = open();
        assert!(recorded.unwrap().partial.is_empty(), "a kill before they were recorded");
        (1..4).for_each(|piece| file.record_blocks(run(piece)).unwrap());
        file.record_so_far(&History::default()).unwrap();
        file.record_piece(PieceIndex(3)).unwrap();
        drop(file);
        let (mut file, recorded) = open();
        assert_eq!(recorded.unwrap().partial.runs(), [run(1), run(2)]);
        file.record_discarded(PieceIndex(1)).unwrap();
        drop(file);
        assert_eq!(open().1.unwrap().partial.runs(), [run(2)]);
    }

    #[test]
    fn a_record_of_version_1_is_written_anew_when_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let metainfo = metainfo();
        let mut old = [&b"SWRESUM\x01"[..], &metainfo.info_hash().0, &10_u32.to_be_bytes()].concat();
        let header_sum = crc32fast::hash(&old).to_be_bytes();
        old.extend(header_sum);
        let record = [&[1_u8][..], &4_u32.to_be_bytes()].concat();
        let record_sum = crc32fast::hash(&[&header_sum[..], &record].concat()).to_be_bytes();
        fs::write(&path, [old, record, record_sum.to_vec()].concat()).unwrap();
        let (mut file, recorded) = ResumeFile::open(path.clone(), &metainfo).unwrap();
        assert_eq!(pieces(recorded), [PieceIndex(4)]);
        file.record_piece(PieceIndex(5)).unwrap();
        drop(file);
        assert_eq!(pieces(ResumeFile::open(path, &metainfo).unwrap().1), [PieceIndex(4), PieceIndex(5)]);
    }

    #[test]
    fn a_torn_record_is_cut_off_and_what_follows_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = ResumeFile::path_for(&folder.path().join("n"));
        assert_eq!(path.file_name().unwrap(), ".n.swarmscope");
        let open = || ResumeFile::open(path.clone(), &metainfo()).unwrap();
        let (mut file, recorded) = open();
        assert_eq!(recorded, None);
        file.record_piece(PieceIndex(3)).unwrap();
        file.append(&[1, 2, 3]).unwrap();
        drop(file);
        let (mut file, recorded) = open();
        assert_eq!(pieces(recorded), [PieceIndex(3)]);
        file.record_piece(PieceIndex(4)).unwrap();
        drop(file);
        assert_eq!(pieces(open().1), [PieceIndex(3), PieceIndex(4)]);
    }

    #[test]
    fn what_a_failed_write_has_left_is_cut_off_before_the_next_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let open = || ResumeFile::open(path.clone(), &metainfo()).unwrap();
        let (mut file, _) = open();
        file.record_piece(PieceIndex(3)).unwrap();
        // A disk that is full takes the beginning of a record; this one cannot even be cut.
        let mut sound = std::mem::replace(&mut file.file, File::open(&path).unwrap());
        sound.write_all(&[1, 2, 3]).unwrap();
        assert!(file.record_piece(PieceIndex(4)).is_err());
        assert!(file.record_piece(PieceIndex(5)).is_err());
        file.file = sound;
        file.record_piece(PieceIndex(6)).unwrap();
        drop(file);
        assert_eq!(pieces(open().1), [PieceIndex(3), PieceIndex(6)]);
    }

    #[test]
    fn a_long_record_is_written_anew_and_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let open = || ResumeFile::open(path.clone(), &metainfo()).unwrap();
        let (mut file, _) = open();
        file.record_piece(PieceIndex(9)).unwrap();
        let so_far = |n| History { uploaded: n, downloaded: 2 * n, seeding_time: Duration::from_secs(3 * n) };
        (0..100).for_each(|total| file.record_so_far(&so_far(total)).unwrap());
        drop(file);
        let long = fs::metadata(&path).unwrap().len();
        let (_file, recorded) = open();
        assert!(fs::metadata(&path).unwrap().len() < long / 8);
        let recorded = recorded.unwrap();
        assert_eq!((recorded.uploaded, recorded.downloaded, recorded.seeding_s), (99, 198, 297));
        assert_eq!(pieces(Some(recorded)), [PieceIndex(9)]);
    }
}
