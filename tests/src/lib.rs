//! What tests and the benchmark start and watch: ordinary BitTorrent clients and trackers, our own programs, a real
//! browser, and scripted peers and trackers that behave as badly as a test wants.
//!
//! Everything here fails by panicking: its callers are tests, and what it says is for whoever reads a failed one.
//! Nothing sleeps for a guessed time. Each wait polls for what it waits for and has a limit ([`wait::until`]).

pub mod aria2;
pub mod bench;
pub mod chromium;
pub mod content;
pub mod cut_proxy;
pub mod fake_peer;
pub mod fake_tracker;
pub mod libtorrent;
pub mod metainfo;
pub mod node;
pub mod opentracker;
pub mod page;
pub mod places;
pub mod proc_tree;
pub mod process;
pub mod programs;
pub mod relay;
pub mod transmission;
pub mod wait;
pub mod web_server;
