//! The record of verified pieces beside the data, as the engine's [`ResumeLog`] writes it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use engine::{Bitfield, Metainfo, PieceIndex, Resume, ResumeLog};

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
    log: ResumeLog,
    /// Bytes traded in the sessions before this one.
    uploaded_before: u64,
    downloaded_before: u64,
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
    pub fn open(path: PathBuf, metainfo: &Metainfo) -> Result<(Self, Option<Bitfield>), ResumeFileError> {
        let log = ResumeLog::new(metainfo.info_hash(), metainfo.pieces_total());
        match Self::try_open(&path, log) {
            Ok(Some((file, resume))) => Ok((file, resume.map(|resume| resume.have))),
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
            if bytes.len() > compacted.len().saturating_mul(GROWTH_MAX) {
                // In one step: a kill leaves the old record or the new one. It gets a lock of its own.
                let new_path = path.with_added_extension("new");
                fs::write(&new_path, compacted)?;
                fs::rename(&new_path, path)?;
                return Self::try_open(path, log);
            }
        }
        let (uploaded_before, downloaded_before) =
            resume.as_ref().map_or((0, 0), |resume| (resume.uploaded, resume.downloaded));
        let mut opened = Self { path: path.to_owned(), file, log, uploaded_before, downloaded_before };
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
        have.iter().for_each(|piece| records.extend(self.log.record_piece(piece)));
        self.append(&records)
    }

    /// A piece is verified and stored.
    ///
    /// # Errors
    /// If the file system refuses, for instance because it is full.
    pub fn record_piece(&mut self, piece: PieceIndex) -> Result<(), ResumeFileError> {
        self.append(&self.log.record_piece(piece))
    }

    /// So much was traded since this record was opened.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn record_totals(&mut self, uploaded: u64, downloaded: u64) -> Result<(), ResumeFileError> {
        let (uploaded, downloaded) = (self.uploaded_before + uploaded, self.downloaded_before + downloaded);
        self.append(&self.log.record_totals(uploaded, downloaded))
    }

    fn append(&mut self, records: &[u8]) -> Result<(), ResumeFileError> {
        self.file.write_all(records).map_err(|source| ResumeFileError::Io { path: self.path.clone(), source })
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.file.seek(SeekFrom::Start(len)).map(drop)
    }

    fn restart(&mut self, records: &[u8]) -> io::Result<()> {
        self.cut(0)?;
        self.file.write_all(&[&self.log.header(), records].concat())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

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
        assert_eq!(recorded.unwrap().iter().collect::<Vec<_>>(), [PieceIndex(3)]);
        file.record_piece(PieceIndex(4)).unwrap();
        drop(file);
        assert_eq!(open().1.unwrap().iter().collect::<Vec<_>>(), [PieceIndex(3), PieceIndex(4)]);
    }

    #[test]
    fn a_long_record_is_written_anew_and_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let open = || ResumeFile::open(path.clone(), &metainfo()).unwrap();
        let (mut file, _) = open();
        file.record_piece(PieceIndex(9)).unwrap();
        (0..100).for_each(|total| file.record_totals(total, 2 * total).unwrap());
        drop(file);
        let long = fs::metadata(&path).unwrap().len();
        let (file, recorded) = open();
        assert!(fs::metadata(&path).unwrap().len() < long / 8);
        assert_eq!(recorded.unwrap().iter().collect::<Vec<_>>(), [PieceIndex(9)]);
        assert_eq!((file.uploaded_before, file.downloaded_before), (99, 198));
    }
}
