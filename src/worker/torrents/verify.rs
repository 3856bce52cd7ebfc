//! Hashes pieces off the worker's thread and stores those that are right.
//!
//! Pieces in memory go through `SubtleCrypto`, several at a time; those that went to storage as they came are read
//! back, and if they are long hashed slice by slice, so that the worker stays responsive.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use engine::merkle::LeafHasher;
use engine::{
    Assembled, BlockRef, BlockRun, PieceHasher, PieceHashes, PieceIndex, Sha1Check, Verdict, VerifyOutcome,
};
use futures_util::lock::Mutex;
use gloo_timers::future::TimeoutFuture;
use js_sys::Uint8Array;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::DedicatedWorkerGlobalScope;

use crate::worker::host::Host;
use crate::worker::storage::{Content, StorageError, TorrentFolder};

/// Pieces that are hashed at the same time, in bytes together; `SubtleCrypto` copies each.
const IN_FLIGHT_BYTES_MAX: usize = 4 << 20;
/// Longer pieces that lie in storage are hashed in slices of this many bytes.
const SLICE_LEN: usize = 1 << 20;

/// A piece to be hashed.
#[derive(Debug)]
pub(crate) struct Job {
    /// Which torrent, by its number.
    pub(crate) torrent: u32,
    /// Which of its engines asked.
    pub(crate) epoch: u32,
    /// The whole piece.
    pub(crate) block: BlockRef,
    /// What it must hash to.
    pub(crate) hashes: PieceHashes,
    /// Where its bytes are.
    pub(crate) assembled: Assembled,
    /// What to append to the log when it is stored.
    pub(crate) record: Vec<u8>,
    /// Where it belongs.
    pub(crate) content: Rc<Content>,
    /// Where the log is.
    pub(crate) folder: Rc<TorrentFolder>,
    /// Blocks that still wait to be written.
    pub(crate) late_writes: Rc<LateWrites>,
}

/// What came of a job.
#[derive(Debug)]
pub(crate) struct Done {
    /// As in the job.
    pub(crate) torrent: u32,
    /// As in the job.
    pub(crate) epoch: u32,
    /// The piece.
    pub(crate) piece: PieceIndex,
    /// The verdict.
    pub(crate) outcome: Result<VerifyOutcome, StorageError>,
    /// The buffer, to be used again.
    pub(crate) buffer: Option<Vec<u8>>,
}

/// Jobs that wait and that run.
#[derive(Debug, Default)]
pub(crate) struct Verifier {
    waiting: VecDeque<Job>,
    in_flight_bytes: usize,
}

impl Verifier {
    /// Hashes a piece when its turn comes.
    pub(crate) fn push(&mut self, job: Job) {
        self.waiting.push_back(job);
    }

    /// A job is done: there is room for others.
    pub(crate) fn finished(&mut self, len: usize) {
        self.in_flight_bytes = self.in_flight_bytes.saturating_sub(len);
    }

    /// Starts as many jobs as the bound allows, and always one.
    pub(crate) fn start(&mut self, host: &Host) {
        while let Some(job) = self.waiting.front() {
            let len = job.block.len as usize;
            if self.in_flight_bytes > 0 && self.in_flight_bytes + len > IN_FLIGHT_BYTES_MAX {
                return;
            }
            self.in_flight_bytes += len;
            if let Some(job) = self.waiting.pop_front() {
                let host = host.clone();
                spawn_local(async move {
                    let done = job.run().await;
                    host.turn(move |state| state.on_verified(done, len));
                });
            }
        }
    }
}

impl Job {
    async fn run(self) -> Done {
        let outcome = match &self.assembled {
            Assembled::Buffer(bytes) => self.verify_buffer(bytes).await,
            Assembled::OnDisk => self.verify_stored().await,
        };
        let buffer = match self.assembled {
            Assembled::Buffer(buffer) => Some(buffer),
            Assembled::OnDisk => None,
        };
        Done { torrent: self.torrent, epoch: self.epoch, piece: self.block.piece, outcome, buffer }
    }

    async fn verify_buffer(&self, bytes: &[u8]) -> Result<VerifyOutcome, StorageError> {
        match fault(judge_buffer(bytes, self.hashes).await) {
            Some(fault) => Ok(fault),
            None => {
                self.content.write(&self.block, bytes).await?;
                self.record()
            }
        }
    }

    async fn verify_stored(&self) -> Result<VerifyOutcome, StorageError> {
        self.late_writes.drain(&self.content).await?;
        let verdict = judge_stored(&self.content, &self.block, self.hashes).await?;
        fault(verdict).map_or_else(|| self.record(), Ok)
    }

    fn record(&self) -> Result<VerifyOutcome, StorageError> {
        self.folder.append_resume(&self.record)?;
        Ok(VerifyOutcome::Stored)
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

/// Hashes a piece in storage. One whose files are too short is wrong.
pub(super) async fn judge_stored(
    content: &Content,
    piece: &BlockRef,
    hashes: PieceHashes,
) -> Result<Verdict, StorageError> {
    let mut buffer = vec![0; SLICE_LEN.min(piece.len as usize)];
    if piece.len as usize <= SLICE_LEN {
        let is_there = content.read(piece, &mut buffer).await?;
        return Ok(if is_there { judge_buffer(&buffer, hashes).await } else { Verdict::Wrong });
    }
    let mut hasher = PieceHasher::new(hashes);
    let mut begin = 0;
    while begin < piece.len {
        let len = (piece.len - begin).min(SLICE_LEN as u32);
        let slice = &mut buffer[..len as usize];
        if !content.read(&BlockRef { piece: piece.piece, begin: piece.begin + begin, len }, slice).await? {
            return Ok(Verdict::Wrong);
        }
        hasher.update(slice);
        begin += len;
        TimeoutFuture::new(0).await;
    }
    Ok(hasher.finish())
}

/// Hashes a piece in memory: version 1 off this thread where the browser can, version 2, whose leaves are too short to be
/// worth that, here.
pub(super) async fn judge_buffer(bytes: &[u8], hashes: PieceHashes) -> Verdict {
    if let Some(Sha1Check { padding: 0, .. }) = hashes.v1
        && let Some(sha1) = subtle_sha1(bytes).await
    {
        let root = hashes.v2.and_then(|check| {
            let mut leaves = LeafHasher::default();
            leaves.update(bytes);
            leaves.root(check.width as usize)
        });
        return hashes.judge(Some(sha1), root);
    }
    let mut hasher = PieceHasher::new(hashes);
    hasher.update(bytes);
    hasher.finish()
}

async fn subtle_sha1(bytes: &[u8]) -> Option<[u8; 20]> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let promise = scope.crypto().ok()?.subtle().digest_with_str_and_u8_array("SHA-1", bytes).ok()?;
    let digest = Uint8Array::new(&JsFuture::from(promise).await.ok()?);
    let mut hash = [0; 20];
    if digest.length() != 20 {
        return None;
    }
    digest.copy_to(&mut hash);
    Some(hash)
}

/// Part of a block that waits, and the blocks that are whole with it.
#[derive(Debug)]
struct LateWrite {
    part: BlockRef,
    bytes: Vec<u8>,
    whole: Option<BlockRun>,
}

/// Blocks that came for files which were not open: they wait here until these are.
#[derive(Debug, Default)]
pub(crate) struct LateWrites {
    queue: RefCell<VecDeque<LateWrite>>,
    bytes: Cell<usize>,
    /// Blocks that are whole in storage, until somebody records them.
    written: RefCell<Vec<BlockRun>>,
    draining: Mutex<()>,
}

impl LateWrites {
    /// Adds one.
    pub(crate) fn push(&self, part: BlockRef, bytes: Vec<u8>, whole: Option<BlockRun>) {
        self.bytes.update(|waiting| waiting + bytes.len());
        self.queue.borrow_mut().push_back(LateWrite { part, bytes, whole });
    }

    /// Blocks that have become whole in storage since this was last asked.
    pub(crate) fn take_written(&self) -> Vec<BlockRun> {
        self.written.take()
    }

    /// Bytes that wait.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes.get()
    }

    /// Nothing waits, and nothing is being written.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.borrow().is_empty() && self.draining.try_lock().is_some()
    }

    /// Forgets all that wait.
    pub(crate) fn clear(&self) {
        self.bytes.set(0);
        self.queue.borrow_mut().clear();
    }

    /// Writes all of them.
    pub(crate) async fn drain(&self, content: &Content) -> Result<(), StorageError> {
        let _one_at_a_time = self.draining.lock().await;
        loop {
            let Some(LateWrite { part, bytes, whole }) = self.queue.borrow_mut().pop_front() else {
                return Ok(());
            };
            self.bytes.update(|waiting| waiting - bytes.len());
            content.write(&part, &bytes).await?;
            self.written.borrow_mut().extend(whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_counted_until_it_is_forgotten() {
        let late_writes = LateWrites::default();
        for begin in [0, 16_384] {
            let block = BlockRef { piece: PieceIndex(0), begin, len: 16_384 };
            late_writes.push(block, vec![0; 16_384], None);
        }
        assert_eq!(late_writes.bytes(), 32_768);
        late_writes.clear();
        assert_eq!(late_writes.bytes(), 0);
    }
}
