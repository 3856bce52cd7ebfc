//! The page in a real browser, from adding a torrent to the saved file.

mod bad_peers;
mod bad_torrents;
mod bad_trackers;
mod controls;
mod download;
mod harness;
mod keyboard;
mod kills;
mod reasons;
mod relay_loss;
mod stage;
mod storage;
mod two_tabs;
