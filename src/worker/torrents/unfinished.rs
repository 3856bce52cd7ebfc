//! Blocks of unfinished pieces, so that they outlive the worker: what is in memory is written now and then and before a
//! pause, and what is stored is recorded.

use std::rc::Rc;

use engine::{
    BlockJournal, BlockRef, BlockRun, PartialPieces, PieceIndex, Unsaved, VerifyOutcome, finished_block,
};
use wasm_bindgen_futures::spawn_local;

use super::torrent::Torrent;
use crate::worker::host::Wires;
use crate::worker::storage::StorageError;

/// Blocks written at a time, in bytes: they are copied on their way.
const SAVE_BYTES_MAX: usize = 4 << 20;

impl Torrent {
    /// Keeps part of a block.
    pub(super) fn store(&mut self, wires: &mut Wires, part: BlockRef, bytes: &[u8]) {
        let piece_size = self.metainfo.piece_size(part.piece);
        if self.assembler.store(part, bytes, piece_size) == engine::Stored::WriteThrough {
            self.write_block(wires, part, bytes, finished_block(&part, piece_size));
        }
    }

    /// Writes what is in memory only, and records what is stored.
    pub(super) fn save_blocks(&mut self, wires: &mut Wires) {
        loop {
            let unsaved = self.assembler.take_unsaved(SAVE_BYTES_MAX);
            if unsaved.is_empty() {
                break;
            }
            for Unsaved { run, part, bytes } in unsaved {
                self.write_block(wires, part, &bytes, Some(run));
            }
        }
        self.record(wires, |torrent| torrent.journal.flush());
    }

    /// Before a pause: as [`Self::save_blocks`], and lets go of the memory.
    pub(super) fn save_and_free_blocks(&mut self, wires: &mut Wires) {
        self.save_blocks(wires);
        for Unsaved { run, part, bytes } in self.assembler.take_all_unsaved() {
            self.write_block(wires, part, &bytes, Some(run));
        }
    }

    /// A piece was hashed: its blocks are recorded as a piece, or worth nothing.
    pub(super) fn settle_blocks(&mut self, wires: &mut Wires, piece: PieceIndex, outcome: VerifyOutcome) {
        match outcome {
            VerifyOutcome::Stored => self.journal.verified(piece),
            VerifyOutcome::Mismatch | VerifyOutcome::Inconsistent => {
                self.record(wires, |torrent| torrent.journal.discarded(piece));
            }
        }
    }

    /// The engine gave a piece up.
    pub(super) fn discard(&mut self, wires: &mut Wires, piece: PieceIndex) {
        self.assembler.discard(piece);
        self.record(wires, |torrent| torrent.journal.discarded(piece));
    }

    /// All pieces are to be hashed anew: blocks of unfinished ones are not kept.
    pub(super) fn forget_blocks(&mut self) {
        self.partial = PartialPieces::new();
        self.journal = BlockJournal::new(self.resume_log.clone(), &self.partial);
    }

    fn write_block(&mut self, wires: &mut Wires, part: BlockRef, bytes: &[u8], whole: Option<BlockRun>) {
        match self.stored.content.try_write(&part, bytes) {
            Some(Ok(())) => self.record_written(wires, whole),
            Some(Err(error)) => wires.fail(self.number, &error),
            None => self.write_later(wires, part, bytes.to_vec(), whole),
        }
    }

    /// Writes a block whose files must be opened first.
    fn write_later(&self, wires: &Wires, part: BlockRef, bytes: Vec<u8>, whole: Option<BlockRun>) {
        self.late_writes.push(part, bytes, whole);
        let (late_writes, content) = (Rc::clone(&self.late_writes), Rc::clone(&self.stored.content));
        let (host, number, epoch) = (wires.host.clone(), self.number, self.epoch);
        spawn_local(async move {
            let outcome = late_writes.drain(&content).await;
            match outcome {
                // Also without anything to record a turn, since the relay may wait for room.
                Ok(()) => host.quiet_turn(|state| {
                    let Some(torrent) = state.torrents.get_mut(number) else { return };
                    torrent.release_if_complete();
                    if torrent.epoch == epoch {
                        torrent.record_written(&mut state.wires, late_writes.take_written());
                    }
                }),
                Err(error) => host.turn(|state| state.wires.fail(number, &error)),
            };
        });
    }

    fn record_written(&mut self, wires: &mut Wires, runs: impl IntoIterator<Item = BlockRun>) {
        for run in runs {
            // A piece that was hashed meanwhile is recorded as such.
            if !self.have.has(run.piece) {
                self.record(wires, |torrent| torrent.journal.stored(run));
            }
        }
    }

    fn record(&mut self, wires: &mut Wires, records: impl FnOnce(&mut Self) -> Vec<u8>) {
        let records = records(self);
        if records.is_empty() {
            return;
        }
        let appended: Result<(), StorageError> = self.stored.folder.append_resume(&records);
        if let Err(error) = appended {
            wires.fail(self.number, &error);
        }
    }
}
