//! Torrents in the origin's private file system.
//!
//! ```text
//! swarmscope/settings               what is set for all torrents together, two slots too
//! swarmscope/<info hash>/torrent       the .torrent file as it came, or with hashes that came from peers
//!                        torrent2      another place for it, so that one is whole while the other is written
//!                        state         two slots of `StoredState`
//!                        resume        the engine's log of verified pieces, appended to
//!                        wanted        two slots of how much each file is wanted
//!                        content/<n>   file n of the metainfo; padding files are not stored
//!                        parts/<n>     of a skipped file n, what comes with pieces that it shares with wanted ones
//! ```
//! Content files are named by number, so that no name of a torrent can trouble the file system. A piece is written
//! before it is recorded, both straight to the operating system: the kill of a browser at any instant loses no
//! recorded piece and records no lost one.

#[cfg(all(test, target_arch = "wasm32"))]
mod browser_tests;
mod content;
mod error;
mod global;
mod handles;
mod opfs;
mod parts;
mod space;
mod state;
mod torrent_file;
mod torrent_folder;
mod wanted;

pub(crate) use content::Content;
pub(crate) use error::StorageError;
pub(crate) use global::GlobalFile;
pub(crate) use handles::Handles;
pub(crate) use opfs::Access;
pub(crate) use parts::Places;
pub(crate) use space::free_bytes;
pub(crate) use state::StoredState;
pub(crate) use torrent_folder::{Found, Listing, TorrentFolder, forget, list, top};
