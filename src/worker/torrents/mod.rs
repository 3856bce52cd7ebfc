//! The torrents of this worker: each an engine with its storage, its place in the relay's session and its log.

mod add;
#[cfg(all(test, target_arch = "wasm32"))]
mod browser_tests;
mod check;
mod control;
mod drive;
mod kept;
mod log;
mod save;
mod sending;
mod settings;
mod torrent;
mod unfinished;
mod verify;

use std::collections::BTreeMap;

use engine::InfoHash;

pub(crate) use add::{add, load};
pub(crate) use settings::present;
pub(crate) use torrent::{Condition, Torrent};
pub(crate) use verify::Verifier;

/// All torrents, by the number that they have in this session of the worker.
#[derive(Debug, Default)]
pub(crate) struct Torrents {
    by_number: BTreeMap<u32, Torrent>,
    next: u32,
}

impl Torrents {
    /// A number for a torrent to come.
    pub(crate) fn next_number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Takes a torrent in.
    pub(crate) fn insert(&mut self, torrent: Torrent) {
        self.by_number.insert(torrent.number, torrent);
    }

    /// Lets a torrent go.
    pub(crate) fn remove(&mut self, number: u32) -> Option<Torrent> {
        self.by_number.remove(&number)
    }

    /// A torrent by its number.
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Torrent> {
        self.by_number.get_mut(&number)
    }

    /// A torrent by its info hash.
    pub(crate) fn find(&self, info_hash: InfoHash) -> Option<&Torrent> {
        self.iter().find(|torrent| torrent.metainfo.info_hashes().contains(info_hash))
    }

    /// All of them, in the order in which they were taken in.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Torrent> {
        self.by_number.values()
    }

    /// All of them, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Torrent> {
        self.by_number.values_mut()
    }
}
