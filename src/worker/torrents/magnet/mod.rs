//! A torrent of which only the magnet link is there: peers are asked for its info dictionary, and then it becomes a
//! [`super::Torrent`] in the same place of the list.

mod add;
mod control;
mod drive;
mod show;

use std::rc::Rc;

use engine::{Config, InfoHash, Instant, Magnet, MetadataFetch, PeerId};
use gloo::timers::callback::Timeout;

use super::log::Log;
use super::torrent::Condition;
use crate::worker::random;
use crate::worker::storage::TorrentFolder;

pub(crate) use add::add_magnet;
pub(super) use add::load;

/// Answers to announces say which engine asked; this one counts as none of a torrent's.
const EPOCH: u32 = u32::MAX;

/// One such torrent.
#[derive(Debug)]
pub(crate) struct MagnetTorrent {
    /// Its number in this session of the worker; the torrent that it becomes has the same.
    pub(crate) number: u32,
    condition: Condition,
    magnet: Magnet,
    fetch: MetadataFetch,
    folder: Rc<TorrentFolder>,
    is_started: bool,
    log: Log,
    peer_id: PeerId,
    /// For trackers (BEP 7).
    tracker_key: u32,
    /// Key of the next incoming connection; odd.
    next_incoming: u32,
    timer: Option<(Instant, Timeout)>,
}

impl MagnetTorrent {
    fn new(number: u32, magnet: Magnet, folder: Rc<TorrentFolder>) -> Self {
        let peer_id = random::peer_id();
        let condition = if folder.state().is_paused { Condition::Paused } else { Condition::Running };
        Self {
            number,
            condition,
            fetch: MetadataFetch::new(Config::default(), magnet.clone(), peer_id, random::u64()),
            magnet,
            folder,
            is_started: false,
            log: Log::default(),
            peer_id,
            tracker_key: random::u32(),
            next_incoming: 1,
            timer: None,
        }
    }

    /// Names it everywhere.
    pub(crate) fn info_hash(&self) -> InfoHash {
        self.magnet.info_hash()
    }

    /// Peers may come to it under each of these.
    pub(crate) fn has_hash(&self, info_hash: InfoHash) -> bool {
        self.magnet.info_hashes().contains(&info_hash)
    }

    /// What the link calls it; without a name, its hash.
    pub(crate) fn name(&self) -> String {
        self.magnet.name().map_or_else(|| self.info_hash().to_string(), str::to_owned)
    }

    /// It takes part as soon as there is a relay.
    pub(crate) fn is_running(&self) -> bool {
        self.condition == Condition::Running
    }

    fn renew_fetch(&mut self) {
        self.fetch = MetadataFetch::new(Config::default(), self.magnet.clone(), self.peer_id, random::u64());
        self.timer = None;
    }
}
