//! The page in a real browser, from adding a torrent to the saved file.

mod bad_peers;
mod bad_torrents;
mod bad_trackers;
mod chosen;
mod controls;
mod download;
mod drop;
mod harness;
mod kept;
mod keyboard;
mod kills;
mod leaving;
mod magnets;
mod persist;
mod phone;
mod reasons;
mod relay_loss;
mod saving;
mod settings;
mod sources;
mod stage;
mod storage;
mod token;
mod two_tabs;
