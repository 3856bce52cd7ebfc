//! Nodes with nodes, over loopback: in this process and as the program that users start.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cli;
mod demo;
mod hashes;
mod program;
mod resume;
mod selection;
mod swarm;
mod tracker;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use engine::Metainfo;
use node::create::{Wishes, make};
use peernet::policy::DestinationPolicy;

/// Nothing here takes a tenth of it.
const LIMIT: Duration = Duration::from_secs(100);

/// An address of its own for each node: engines keep one connection to each address.
fn fresh_addr() -> SocketAddr {
    static TAKEN: AtomicU8 = AtomicU8::new(1);
    let ip = Ipv4Addr::new(127, 60, 0, TAKEN.fetch_add(1, Ordering::Relaxed));
    SocketAddr::new(IpAddr::V4(ip), 0)
}

fn loopback() -> Arc<DestinationPolicy> {
    Arc::new(
        DestinationPolicy::public().allow("127.0.0.0/8".parse().unwrap()).allow("::1/128".parse().unwrap()),
    )
}

/// Bytes that look random and differ in every piece.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

/// A file of noise and its torrent, in a folder.
struct Sample {
    data: PathBuf,
    torrent: PathBuf,
    metainfo: Arc<Metainfo>,
}

const PIECE_LEN: u32 = 64 * 1024;

impl Sample {
    fn new(folder: &Path, len: usize, trackers: &[String]) -> Self {
        Self::with_pieces(folder, len, PIECE_LEN, trackers)
    }

    fn with_pieces(folder: &Path, len: usize, piece_len: u32, trackers: &[String]) -> Self {
        let data = folder.join("sample.bin");
        std::fs::write(&data, noise(len)).unwrap();
        let wishes = Wishes { trackers: trackers.to_vec(), piece_len: Some(piece_len), ..Wishes::default() };
        let metainfo = make(&data, &wishes, |_, _| {}).unwrap();
        let torrent = folder.join("sample.torrent");
        std::fs::write(&torrent, metainfo.as_bytes()).unwrap();
        Self { data, torrent, metainfo: Arc::new(metainfo) }
    }
}
