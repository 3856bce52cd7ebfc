//! The thread that hashes and writes pieces, in the order in which they are handed to it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use engine::{
    Assembled, BlockRef, BlockRun, History, PieceHasher, PieceHashes, PieceIndex, Verdict, VerifyOutcome,
};
use tokio::sync::mpsc;

use super::driver::Report;
use super::resume_file::ResumeFile;
use crate::content::Content;
use crate::kept;

/// What the driver asks for.
pub(super) enum Job {
    /// Write part of an unfinished piece; with it these blocks are whole.
    Write { part: BlockRef, bytes: Vec<u8>, whole: Option<BlockRun> },
    /// The stored blocks of this piece are worth nothing.
    Discard { piece: PieceIndex },
    /// Hash a piece; if it is right, store and record it.
    Verify { piece: PieceIndex, hashes: PieceHashes, assembled: Assembled },
    /// Record how much was traded in all sessions, and which blocks are stored.
    SoFar(History),
    /// Keep this .torrent file, which has hashes that the one before lacks.
    KeepTorrent { torrent: Vec<u8> },
}

/// A job is done.
pub(super) struct Done {
    /// Bytes that no longer wait.
    pub(super) bytes: usize,
    /// The buffer of a verified piece, to be used again.
    pub(super) buffer: Option<Vec<u8>>,
    pub(super) outcome: Outcome,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Verified(PieceIndex, VerifyOutcome),
    /// Nothing that the engine waits for.
    Quiet,
    /// For a person.
    Failed(String),
}

impl Job {
    /// Bytes that wait until it is done.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Write { bytes, .. } => bytes.len(),
            Self::Verify { assembled: Assembled::Buffer(buffer), .. } => buffer.len(),
            Self::Verify { .. } | Self::Discard { .. } | Self::SoFar(_) | Self::KeepTorrent { .. } => 0,
        }
    }
}

/// The driver's end: what it has handed over and not yet heard of.
pub(super) struct Storage {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    waiting_jobs: usize,
    waiting_bytes: usize,
}

impl Storage {
    /// Starts the thread. It ends when this is dropped and all jobs are done.
    pub(super) fn start(
        content: Arc<Content>,
        resume: Option<ResumeFile>,
        kept_at: Option<PathBuf>,
        reports: mpsc::Sender<Report>,
    ) -> io::Result<Self> {
        let (sender, jobs) = channel();
        let worker = Worker { content, resume, kept_at, has_failed: false, scratch: Vec::new() };
        let thread =
            thread::Builder::new().name("storage".into()).spawn(move || worker.run(&jobs, &reports))?;
        Ok(Self { jobs: Some(sender), thread: Some(thread), waiting_jobs: 0, waiting_bytes: 0 })
    }

    /// Queues a job; each is answered by one [`Done`].
    pub(super) fn hand_over(&mut self, job: Job) {
        self.waiting_jobs += 1;
        self.waiting_bytes += job.bytes();
        if let Some(jobs) = &self.jobs {
            // The thread ends before its sender only by a panic, which is reported by itself.
            let _queued = jobs.send(job);
        }
    }

    /// A job with so many bytes is done.
    pub(super) fn finished(&mut self, bytes: usize) {
        self.waiting_jobs -= 1;
        self.waiting_bytes -= bytes;
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    pub(super) fn is_busy(&self) -> bool {
        self.waiting_jobs > 0
    }

    /// Waits until the thread has done everything and let go of its files.
    pub(super) async fn join(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Errors are panics, which are reported by themselves.
            let _joined = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

struct Worker {
    content: Arc<Content>,
    resume: Option<ResumeFile>,
    /// See [`super::Setup::kept_at`].
    kept_at: Option<PathBuf>,
    /// A job has failed. The engine stops because of it and gives up all unfinished pieces, but jobs are under way that it
    /// has handed over before.
    has_failed: bool,
    scratch: Vec<u8>,
}

impl Worker {
    fn run(mut self, jobs: &Receiver<Job>, reports: &mpsc::Sender<Report>) {
        for job in jobs {
            // Once the driver is gone nobody listens, but what was handed over is still stored.
            let _heard = reports.blocking_send(Report::Stored(self.carry_out(job)));
        }
    }

    fn carry_out(&mut self, job: Job) -> Done {
        let bytes = job.bytes();
        let (result, buffer) = match job {
            Job::Write { part, bytes, whole } => (self.write(&part, &bytes, whole), None),
            Job::Discard { piece } => (self.discard(piece).map(|()| Outcome::Quiet), None),
            Job::Verify { piece, hashes, assembled: Assembled::Buffer(buffer) } => {
                (self.verify_buffer(piece, hashes, &buffer), Some(buffer))
            }
            Job::Verify { piece, hashes, assembled: Assembled::OnDisk } => {
                (self.verify_on_disk(piece, hashes), None)
            }
            Job::SoFar(so_far) => (self.record_so_far(&so_far), None),
            Job::KeepTorrent { torrent } => (Ok(self.keep_torrent(&torrent)), None),
        };
        self.has_failed |= result.is_err();
        Done { bytes, buffer, outcome: result.unwrap_or_else(Outcome::Failed) }
    }

    /// After a fault nothing is written or recorded: the last part of a block would stand for parts that are not there.
    fn write(&mut self, part: &BlockRef, bytes: &[u8], whole: Option<BlockRun>) -> Result<Outcome, String> {
        if self.has_failed {
            return Ok(Outcome::Quiet);
        }
        self.content.write(part, bytes).map_err(|error| error.to_string())?;
        if let (Some(resume), Some(run)) = (&mut self.resume, whole) {
            resume.record_blocks(run).map_err(|error| error.to_string())?;
        }
        Ok(Outcome::Quiet)
    }

    fn discard(&mut self, piece: PieceIndex) -> Result<(), String> {
        let Some(resume) = &mut self.resume else { return Ok(()) };
        resume.record_discarded(piece).map_err(|error| error.to_string())
    }

    /// The verdict was against the piece: its blocks are worth nothing.
    fn fail(&mut self, piece: PieceIndex, fault: VerifyOutcome) -> Result<Outcome, String> {
        self.discard(piece)?;
        Ok(Outcome::Verified(piece, fault))
    }

    fn verify_buffer(
        &mut self,
        piece: PieceIndex,
        hashes: PieceHashes,
        bytes: &[u8],
    ) -> Result<Outcome, String> {
        let mut hasher = PieceHasher::new(hashes);
        hasher.update(bytes);
        if let Some(fault) = fault(hasher.finish()) {
            return self.fail(piece, fault);
        }
        let block = BlockRef { piece, begin: 0, len: bytes.len() as u32 };
        self.content.write(&block, bytes).map_err(|error| error.to_string())?;
        self.record(piece)
    }

    fn verify_on_disk(&mut self, piece: PieceIndex, hashes: PieceHashes) -> Result<Outcome, String> {
        let mut hasher = PieceHasher::new(hashes);
        let read = self.content.read_piece(piece, &mut self.scratch, |slice| hasher.update(slice));
        match read {
            // Somebody took away what an earlier session stored.
            Err(error) if error.is_missing() => return self.fail(piece, VerifyOutcome::Mismatch),
            read => read.map_err(|error| error.to_string())?,
        }
        match fault(hasher.finish()) {
            Some(fault) => self.fail(piece, fault),
            None => self.record(piece),
        }
    }

    /// Also after a fault: the whole piece was hashed, and its bytes are there.
    ///
    /// The data is written before its record: a kill between the two costs one piece, never a wrong one.
    fn record(&mut self, piece: PieceIndex) -> Result<Outcome, String> {
        if let Some(resume) = &mut self.resume {
            resume.record_piece(piece).map_err(|error| error.to_string())?;
        }
        Ok(Outcome::Verified(piece, VerifyOutcome::Stored))
    }

    fn record_so_far(&mut self, so_far: &History) -> Result<Outcome, String> {
        if let Some(resume) = &mut self.resume {
            resume.record_so_far(so_far).map_err(|error| error.to_string())?;
        }
        Ok(Outcome::Quiet)
    }

    /// Without it the hashes are fetched again at the next start, which is no reason to stop.
    fn keep_torrent(&self, torrent: &[u8]) -> Outcome {
        if let Some(path) = &self.kept_at
            && let Err(error) = kept::write(path, torrent)
        {
            tracing::warn!("cannot write {}: {error}", path.display());
        }
        Outcome::Quiet
    }
}

/// Why the piece is not to be kept.
fn fault(verdict: Verdict) -> Option<VerifyOutcome> {
    match verdict {
        Verdict::Right => None,
        Verdict::Wrong => Some(VerifyOutcome::Mismatch),
        Verdict::Inconsistent => Some(VerifyOutcome::Inconsistent),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use engine::{Metainfo, NewContent, NewTorrent, Resume};
    use sha1::{Digest as _, Sha1};

    use super::*;
    use crate::content::Access;

    const PIECE_LEN: u32 = 32_768;
    static BYTES: [u8; 2 * PIECE_LEN as usize] = [7; 2 * PIECE_LEN as usize];

    /// Of 100 bytes in one file, and the rest of two pieces in another.
    fn metainfo() -> Arc<Metainfo> {
        let len = u64::from(PIECE_LEN);
        let files = [(vec!["a".to_owned()], 100), (vec!["b".to_owned()], 2 * len - 100)];
        let hash: [u8; 20] = Sha1::digest(&BYTES[..PIECE_LEN as usize]).into();
        let new = NewTorrent {
            name: "n",
            content: NewContent::Folder(&files),
            piece_len: PIECE_LEN,
            piece_hashes: &[hash; 2],
            trackers: &[],
            is_private: false,
            comment: None,
            created_by: None,
        };
        Arc::new(new.build().unwrap())
    }

    fn worker(folder: &Path, metainfo: &Arc<Metainfo>) -> Worker {
        let content = Content::new(Arc::clone(metainfo), folder.join("n"), Access::Write);
        let resume = ResumeFile::open(folder.join("record"), metainfo).unwrap().0;
        let (content, resume) = (Arc::new(content), Some(resume));
        Worker { content, resume, kept_at: None, has_failed: false, scratch: Vec::new() }
    }

    fn recorded(folder: &Path, metainfo: &Metainfo) -> Resume {
        ResumeFile::open(folder.join("record"), metainfo).unwrap().1.unwrap()
    }

    fn write(begin: u32, len: u32, whole: Option<BlockRun>) -> Job {
        let part = BlockRef { piece: PieceIndex(0), begin, len };
        Job::Write { part, bytes: BYTES[..len as usize].to_vec(), whole }
    }

    #[test]
    fn a_block_of_which_a_part_could_not_be_written_is_never_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let metainfo = metainfo();
        fs::create_dir(folder.path().join("n")).unwrap();
        symlink("/dev/full", folder.path().join("n/a")).unwrap();
        let mut worker = worker(folder.path(), &metainfo);
        let run = |first| BlockRun { piece: PieceIndex(0), first, count: 1 };
        let before = worker.carry_out(write(16_384, 16_384, Some(run(1))));
        assert!(matches!(before.outcome, Outcome::Quiet));
        assert!(matches!(worker.carry_out(write(0, 100, None)).outcome, Outcome::Failed(_)));
        // These were handed over before anybody heard of the fault.
        assert!(matches!(worker.carry_out(write(100, 16_284, Some(run(0)))).outcome, Outcome::Quiet));
        worker.carry_out(Job::SoFar(History::default()));
        drop(worker);
        assert_eq!(recorded(folder.path(), &metainfo).partial.runs(), [run(1)]);
    }

    #[test]
    fn a_piece_that_is_right_and_stored_after_a_fault_is_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let metainfo = metainfo();
        fs::create_dir(folder.path().join("n")).unwrap();
        symlink("/dev/full", folder.path().join("n/a")).unwrap();
        let mut worker = worker(folder.path(), &metainfo);
        let verify = |piece| Job::Verify {
            piece: PieceIndex(piece),
            hashes: metainfo.piece_hashes(PieceIndex(piece)),
            assembled: Assembled::Buffer(BYTES[..PIECE_LEN as usize].to_vec()),
        };
        assert!(matches!(worker.carry_out(verify(0)).outcome, Outcome::Failed(_)));
        let stored = Outcome::Verified(PieceIndex(1), VerifyOutcome::Stored);
        assert_eq!(worker.carry_out(verify(1)).outcome, stored);
        // The engine has given it up meanwhile.
        worker.carry_out(Job::Discard { piece: PieceIndex(1) });
        drop(worker);
        let recorded = recorded(folder.path(), &metainfo);
        assert_eq!(recorded.have.iter().collect::<Vec<_>>(), [PieceIndex(1)]);
        assert!(recorded.partial.is_empty());
    }
}
