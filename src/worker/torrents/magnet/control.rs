//! What the user wants of it, and what a new session with the relay means for it.

use engine::{InfoHash, Input};
use relay_proto::{Close, CloseCode, Frame, Register, Unregister};
use wasm_bindgen_futures::spawn_local;

use super::MagnetTorrent;
use crate::worker::host::{State, Wires};
use crate::worker::storage::StorageError;
use crate::worker::torrents::control::delete;
use crate::worker::torrents::torrent::Condition;

impl MagnetTorrent {
    /// Takes part in the swarm, if it is to and there is a relay.
    pub(crate) fn start(&mut self, wires: &mut Wires) {
        if !self.is_running() || self.is_started || !wires.relay.has_session() {
            return;
        }
        self.is_started = true;
        wires.relay.send(&Frame::Register(Register {
            torrent: self.number,
            info_hashes: self.magnet.info_hashes(),
            // Nobody knows before the info dictionary is there.
            private: false,
        }));
        self.drive(wires, Input::Listening { port: wires.relay.incoming_port() });
        self.drive(wires, Input::Start);
    }

    /// Leaves the swarm: the relay ends what is left.
    pub(super) fn leave(&mut self, wires: &mut Wires) {
        if !self.is_started {
            return;
        }
        self.is_started = false;
        for stream in wires.streams.remove_torrent(self.number) {
            wires.relay.send(&Frame::Close { stream, close: Close::new(CloseCode::TabDone) });
        }
        if wires.relay.has_session() {
            wires.relay.send(&Frame::Unregister(Unregister { torrent: self.number }));
        }
    }

    /// The relay knows nothing of us any more. It goes on when there is another session.
    pub(crate) fn lose_session(&mut self, wires: &mut Wires) {
        if self.is_started {
            self.is_started = false;
            self.drive(wires, Input::Pause);
        }
    }

    /// It cannot go on; what happened, for a person.
    pub(super) fn fail(&mut self, wires: &mut Wires, message: String) {
        self.stop(wires);
        self.condition = Condition::Failed(message);
    }

    fn stop(&mut self, wires: &mut Wires) {
        if self.is_started {
            self.drive(wires, Input::Pause);
            self.leave(wires);
        }
    }

    fn pause(&mut self, wires: &mut Wires) -> Result<(), StorageError> {
        self.stop(wires);
        self.condition = Condition::Paused;
        self.folder.update_state(|state| state.is_paused = true)
    }

    fn resume(&mut self, wires: &mut Wires) -> Result<(), StorageError> {
        if matches!(self.condition, Condition::Failed(_)) {
            // What it had fetched was of no use.
            self.renew_fetch();
        }
        self.condition = Condition::Running;
        self.start(wires);
        self.folder.update_state(|state| state.is_paused = false)
    }
}

impl State {
    /// Pauses a torrent of which only the link is there. `false` if there is none with this hash.
    pub(in crate::worker::torrents) fn pause_magnet(&mut self, info_hash: InfoHash) -> bool {
        self.control_magnet(info_hash, MagnetTorrent::pause)
    }

    /// Lets one go on, also after a fault.
    pub(in crate::worker::torrents) fn resume_magnet(&mut self, info_hash: InfoHash) -> bool {
        self.control_magnet(info_hash, MagnetTorrent::resume)
    }

    /// Forgets one. Nothing of its content is there, so that nothing can stay.
    pub(in crate::worker::torrents) fn remove_magnet(&mut self, info_hash: InfoHash) -> bool {
        let is_there = self.control_magnet(info_hash, |magnet, wires| {
            magnet.stop(wires);
            magnet.folder.update_state(|state| state.removed_with_data = Some(true))
        });
        let number = self.torrents.find_magnet(info_hash).map(|magnet| magnet.number);
        if number.and_then(|number| self.torrents.remove_magnet(number)).is_some() {
            self.disk.busy.insert(info_hash);
            spawn_local(delete(self.host.clone(), info_hash));
        }
        is_there
    }

    fn control_magnet(
        &mut self,
        info_hash: InfoHash,
        f: impl FnOnce(&mut MagnetTorrent, &mut Wires) -> Result<(), StorageError>,
    ) -> bool {
        let Some(number) = self.torrents.find_magnet(info_hash).map(|magnet| magnet.number) else {
            return false;
        };
        if let Some(magnet) = self.torrents.magnet_mut(number)
            && let Err(error) = f(magnet, &mut self.wires)
        {
            magnet.fail(&mut self.wires, error.to_string());
        }
        true
    }
}
