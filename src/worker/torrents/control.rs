//! What the user wants of a torrent, and what a new session with the relay means for it.

use std::net::SocketAddr;

use engine::{InfoHash, Input};
use gloo_timers::future::TimeoutFuture;
use relay_proto::{Close, CloseCode, Frame, Register, Unregister};
use wasm_bindgen_futures::spawn_local;

use super::settings::{goals, pick_order};
use super::torrent::{Condition, Torrent};
use crate::messages::{KeptRow, Update};
use crate::worker::host::{Host, State, Wires};
use crate::worker::storage::{self, StorageError};
use crate::worker::streams::Connection;
use crate::worker::tabs::tell;

/// Work under way may hold files of a torrent that is being removed for a moment longer.
const REMOVE_RETRIES: u32 = 20;
const REMOVE_RETRY_MS: u32 = 500;

impl Torrent {
    /// Takes part in the swarm, if it is to and there is a relay.
    pub(crate) fn start(&mut self, wires: &mut Wires) {
        if !self.is_running() || self.is_started {
            return;
        }
        // However it came to go on: by the user, by a check, or with a new session.
        self.keep_failed_wishes(&wires.host);
        if !wires.relay.has_session() {
            return;
        }
        if self.engine.summary().pieces_have != self.have.count() {
            // A verdict on a piece of the engine before came after its end; the piece is not fetched again.
            self.renew_engine();
        }
        self.is_started = true;
        self.restore(wires);
        wires.relay.send(&Frame::Register(Register {
            torrent: self.number,
            info_hashes: self.metainfo.info_hashes().swarms().collect(),
            private: self.metainfo.is_private(),
        }));
        self.drive(wires, Input::Listening { port: wires.relay.incoming_port() });
        self.drive(wires, Input::Start);
    }

    /// Tells a new engine what came before it.
    fn restore(&mut self, wires: &mut Wires) {
        let share = wires.common.whole();
        self.drive(wires, Input::SetShare(share));
        if std::mem::replace(&mut self.is_restored, true) {
            return;
        }
        let (partial, history) = (std::mem::take(&mut self.partial), self.earlier);
        partial.iter().for_each(|(piece, _)| self.assembler.go_on(piece));
        self.drive(wires, Input::Restored { partial: &partial, history });
        let settings = self.settings();
        self.drive(wires, Input::SetGoals(goals(&settings)));
        self.drive(wires, Input::PickOrder { order: pick_order(&settings) });
    }

    /// Leaves the swarm: the engine has said so to the trackers; the relay ends what is left.
    pub(super) fn leave(&mut self, wires: &mut Wires) {
        self.is_started = false;
        let close = Close::new(CloseCode::TabDone);
        for stream in wires.streams.remove_torrent(self.number) {
            wires.relay.send(&Frame::Close { stream, close: close.clone() });
        }
        if wires.relay.has_session() {
            wires.relay.send(&Frame::Unregister(Unregister { torrent: self.number }));
        }
    }

    /// Stops taking part.
    fn stop(&mut self, wires: &mut Wires) {
        if self.is_started {
            self.drive(wires, Input::Pause);
            self.save_and_free_blocks(wires);
            self.leave(wires);
        }
    }

    /// The relay knows nothing of us any more: all connections are gone. It goes on when there is another session.
    pub(crate) fn lose_session(&mut self, wires: &mut Wires) {
        if self.is_started {
            self.is_started = false;
            self.drive(wires, Input::Pause);
        }
    }

    /// A peer came on a stream of the relay's.
    pub(crate) fn accept(&mut self, wires: &mut Wires, stream: u32, addr: SocketAddr) {
        let peer = self.incoming_key();
        let connection = Connection { torrent: self.number, peer };
        wires.streams.insert(stream, connection, wires.relay.stream_credit_up());
        self.drive(wires, Input::Accepted { peer, addr });
    }

    /// Which of its engines this is.
    pub(crate) const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Unfinished pieces may take so much memory.
    pub(crate) fn limit_memory(&mut self, bytes_max: usize) {
        let bytes_max = if self.is_downloading() { bytes_max } else { 0 };
        self.assembler.set_bytes_max(bytes_max);
    }

    /// Writes totals that have changed.
    pub(super) fn save_totals(&self) -> Result<(), StorageError> {
        let so_far = self.so_far();
        self.stored.folder.update_state(|state| {
            state.down_bytes = so_far.downloaded;
            state.up_bytes = so_far.uploaded;
            state.seeding_s = so_far.seeding_time.as_secs();
        })
    }

    pub(super) fn save_paused(&self, is_paused: bool) -> Result<(), StorageError> {
        self.stored.folder.update_state(|state| state.is_paused = is_paused)
    }
}

impl State {
    /// Writes down what all torrents have moved, and blocks that are in memory only.
    pub(crate) fn save_totals(&mut self) {
        for torrent in self.torrents.iter_mut() {
            torrent.save_blocks(&mut self.wires);
            if let Err(error) = torrent.save_totals() {
                self.wires.fail(torrent.number, &error);
            }
        }
    }

    /// Pauses a torrent.
    pub(crate) fn pause(&mut self, info_hash: InfoHash) {
        if self.pause_magnet(info_hash) {
            return;
        }
        self.control(info_hash, |torrent, wires| {
            match &mut torrent.condition {
                Condition::Checking { then_run, .. } => *then_run = false,
                condition => *condition = Condition::Paused,
            }
            torrent.stop(wires);
            torrent.save_totals()?;
            torrent.save_paused(true)
        });
    }

    /// Lets a torrent go on, also after a fault.
    pub(crate) fn resume(&mut self, info_hash: InfoHash) {
        if self.resume_magnet(info_hash) {
            return;
        }
        self.control(info_hash, |torrent, wires| {
            match &mut torrent.condition {
                Condition::Running => return Ok(()),
                Condition::Checking { then_run, .. } => *then_run = true,
                condition => *condition = Condition::Running,
            }
            torrent.give_up_met_goals(wires)?;
            torrent.start(wires);
            torrent.save_paused(false)
        });
    }

    /// Hashes everything that is stored of a torrent again.
    pub(crate) fn recheck(&mut self, info_hash: InfoHash) {
        self.control(info_hash, |torrent, wires| {
            let then_run = !matches!(torrent.condition, Condition::Paused);
            if matches!(torrent.condition, Condition::Checking { .. }) {
                return Ok(());
            }
            torrent.stop(wires);
            torrent.begin_check(&wires.host, then_run)
        });
    }

    /// Forgets a torrent.
    pub(crate) fn remove(&mut self, info_hash: InfoHash, with_data: bool) {
        if self.remove_magnet(info_hash) {
            return;
        }
        self.control(info_hash, |torrent, wires| {
            torrent.stop(wires);
            torrent.save_totals()?;
            torrent.stored.folder.update_state(|state| state.removed_with_data = Some(with_data))
        });
        let Some(number) = self.torrents.find(info_hash).map(|torrent| torrent.number) else { return };
        if let Some(torrent) = self.torrents.remove(number) {
            torrent.stored.content.abandon();
            if !with_data {
                self.disk.kept.insert(info_hash, KeptRow::new(&torrent.metainfo, &torrent.have));
            }
        }
        if with_data {
            self.disk.busy.insert(info_hash);
            spawn_local(delete(self.host.clone(), info_hash));
        }
    }

    pub(super) fn control(
        &mut self,
        info_hash: InfoHash,
        f: impl FnOnce(&mut Torrent, &mut Wires) -> Result<(), StorageError>,
    ) {
        let Some(number) = self.torrents.find(info_hash).map(|torrent| torrent.number) else { return };
        let Some(torrent) = self.torrents.get_mut(number) else { return };
        if let Err(error) = f(torrent, &mut self.wires) {
            self.wires.fail(number, &error);
        }
    }
}

/// Deletes a torrent's folder, which must count as busy.
pub(super) async fn delete(host: Host, info_hash: InfoHash) {
    let top = host.turn(|state| state.disk.top.clone()).flatten();
    if let Some(top) = top {
        let mut tries = 0;
        while let Err(error) = storage::forget(&top, info_hash).await {
            tries += 1;
            if tries > REMOVE_RETRIES {
                let message = format!(
                    "A removed torrent's files could not be deleted yet: {error} They go with the next start."
                );
                tell(None, Update::Notice { message });
                break;
            }
            TimeoutFuture::new(REMOVE_RETRY_MS).await;
        }
    }
    let free_bytes = storage::free_bytes().await;
    host.turn(|state| {
        state.disk.busy.remove(&info_hash);
        state.disk.free_bytes = free_bytes;
    });
}
