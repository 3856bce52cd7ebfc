//! The torrents of this worker: each an engine with its storage, its place in the relay's session and its log.

mod add;
#[cfg(all(test, target_arch = "wasm32"))]
mod browser_tests;
mod check;
mod control;
mod drive;
mod kept;
mod log;
mod magnet;
mod save;
mod sending;
mod settings;
mod torrent;
mod unfinished;
mod verify;
mod wishes;

use engine::{FlatMap, InfoHash};

pub(crate) use add::{add, load};
pub(crate) use magnet::{MagnetTorrent, add_magnet};
pub(crate) use settings::present;
pub(crate) use torrent::{Condition, Torrent};
pub(crate) use verify::Verifier;

/// All torrents, by the number that they have in this session of the worker.
#[derive(Debug, Default)]
pub(crate) struct Torrents {
    by_number: FlatMap<u32, Torrent>,
    /// Those of which only the magnet link is there.
    magnets: FlatMap<u32, MagnetTorrent>,
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

    /// Takes in one of which only the magnet link is there.
    pub(crate) fn insert_magnet(&mut self, magnet: MagnetTorrent) {
        self.magnets.insert(magnet.number, magnet);
    }

    /// Lets one go of which only the magnet link is there.
    pub(crate) fn remove_magnet(&mut self, number: u32) -> Option<MagnetTorrent> {
        self.magnets.remove(&number)
    }

    /// One of which only the magnet link is there, by its number.
    pub(crate) fn magnet_mut(&mut self, number: u32) -> Option<&mut MagnetTorrent> {
        self.magnets.get_mut(&number)
    }

    /// One of which only the magnet link is there, by any of its info hashes.
    pub(crate) fn find_magnet(&self, info_hash: InfoHash) -> Option<&MagnetTorrent> {
        self.magnets().find(|magnet| magnet.has_hash(info_hash))
    }

    /// All of which only the magnet link is there.
    pub(crate) fn magnets(&self) -> impl Iterator<Item = &MagnetTorrent> {
        self.magnets.values()
    }

    /// All of which only the magnet link is there, to be changed.
    pub(crate) fn magnets_mut(&mut self) -> impl Iterator<Item = &mut MagnetTorrent> {
        self.magnets.values_mut()
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
