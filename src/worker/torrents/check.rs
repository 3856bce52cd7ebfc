//! Hashes everything that is stored of a torrent, piece by piece, while the rest of the worker goes on.

use std::rc::Rc;
use std::sync::Arc;

use engine::{Bitfield, BlockRef, Metainfo, PieceIndex, Resume, Verdict};
use futures_util::future::join_all;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use super::torrent::{Condition, Torrent};
use super::verify::judge_stored;
use crate::worker::host::Host;
use crate::worker::storage::{Content, StorageError};

/// Pieces hashed at the same time, in bytes together; always at least one.
const BATCH_BYTES: u32 = 4 << 20;
const BATCH_PIECES_MAX: u32 = 64;

struct Check {
    host: Host,
    torrent: u32,
    epoch: u32,
    metainfo: Arc<Metainfo>,
    content: Rc<Content>,
}

impl Torrent {
    /// Begins to check. Until a piece is hashed it counts as missing, so that a kill in between trusts nothing.
    pub(super) fn begin_check(&mut self, host: &Host, then_run: bool) -> Result<(), StorageError> {
        self.stored.folder.append_resume(&self.resume_log.record_reset())?;
        self.have = Bitfield::none(self.metainfo.pieces_total());
        self.condition = Condition::Checking { done_bytes: 0, then_run };
        self.renew_engine();
        self.forget_blocks();
        let check = Check {
            host: host.clone(),
            torrent: self.number,
            epoch: self.epoch,
            metainfo: Arc::clone(&self.metainfo),
            content: Rc::clone(&self.stored.content),
        };
        spawn_local(check.run());
        Ok(())
    }

    fn end_check(&mut self, then_run: bool) -> Result<(), StorageError> {
        let resume = Resume::new(self.have.clone());
        self.stored.folder.replace_resume(&self.resume_log.compacted(&resume))?;
        self.condition = if then_run { Condition::Running } else { Condition::Paused };
        self.renew_engine();
        Ok(())
    }
}

impl Check {
    async fn run(self) {
        let total = self.metainfo.pieces_total();
        let per_batch = (BATCH_BYTES / self.metainfo.piece_len()).clamp(1, BATCH_PIECES_MAX);
        let mut first = 0;
        while first < total {
            let batch: Vec<PieceIndex> =
                (first..total.min(first.saturating_add(per_batch))).map(PieceIndex).collect();
            first += batch.len() as u32;
            let verdicts = join_all(batch.iter().map(|piece| self.is_right(*piece))).await;
            if !self.report(&batch, &verdicts) {
                return;
            }
            // Small digests are ready at once, and then nothing else of the worker would get its turn.
            TimeoutFuture::new(0).await;
        }
        self.finish();
    }

    async fn is_right(&self, piece: PieceIndex) -> Result<bool, StorageError> {
        let block = BlockRef { piece, begin: 0, len: self.metainfo.piece_size(piece) };
        let hashes = self.metainfo.piece_hashes(piece);
        // Of a piece of version 2 nothing may be known yet: then it is fetched again, with its hash.
        Ok(hashes.is_known() && judge_stored(&self.content, &block, hashes).await? == Verdict::Right)
    }

    /// Returns whether there is any use in going on.
    fn report(&self, batch: &[PieceIndex], verdicts: &[Result<bool, StorageError>]) -> bool {
        let goes_on = self.host.turn(|state| {
            let torrent =
                state.torrents.get_mut(self.torrent).filter(|torrent| torrent.epoch == self.epoch)?;
            for (piece, verdict) in batch.iter().zip(verdicts) {
                match verdict {
                    Ok(true) => {
                        torrent.have.insert(*piece);
                    }
                    Ok(false) => {}
                    Err(error) => {
                        state.wires.fail(self.torrent, error);
                        return None;
                    }
                }
                if let Condition::Checking { done_bytes, .. } = &mut torrent.condition {
                    *done_bytes += u64::from(self.metainfo.piece_size(*piece));
                }
            }
            Some(())
        });
        goes_on.flatten().is_some()
    }

    fn finish(&self) {
        self.host.turn(|state| {
            let torrent = state.torrents.get_mut(self.torrent).filter(|torrent| torrent.epoch == self.epoch);
            let Some(torrent) = torrent else { return };
            let Condition::Checking { then_run, .. } = torrent.condition else { return };
            match torrent.end_check(then_run) {
                Ok(()) => torrent.start(&mut state.wires),
                Err(error) => state.wires.fail(self.torrent, &error),
            }
        });
    }
}
