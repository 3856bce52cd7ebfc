//! Our node, the engine over native TCP.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::places::{Scratch, fresh_addr};
use crate::process::Process;
use crate::programs;

/// A running node.
#[derive(Debug)]
pub struct Node {
    /// Where peers reach it.
    pub addr: SocketAddr,
    /// The program.
    pub process: Process,
}

impl Node {
    /// Downloads into `folder` and ends.
    #[must_use]
    pub fn get(scratch: &Scratch, torrent: &Path, folder: &Path) -> Self {
        Self::start("get", scratch, torrent, folder)
    }

    /// Checks what lies in `folder` and seeds it until it is dropped.
    #[must_use]
    pub fn seed(scratch: &Scratch, torrent: &Path, folder: &Path) -> Self {
        Self::start("seed", scratch, torrent, folder)
    }

    /// As [`Node::seed`], showing each peer one piece after another.
    #[must_use]
    pub fn super_seed(scratch: &Scratch, torrent: &Path, folder: &Path) -> Self {
        Self::start_with("seed", &["--super-seed"], scratch, torrent, folder)
    }

    /// As [`Node::seed`], sending at most so many bytes a second.
    #[must_use]
    pub fn slow_seed(scratch: &Scratch, torrent: &Path, folder: &Path, bytes_per_s: u64) -> Self {
        let limit = (bytes_per_s / 1024).to_string();
        Self::start_with("seed", &["--up-limit", &limit], scratch, torrent, folder)
    }

    /// As [`Node::get`], knowing one peer.
    #[must_use]
    pub fn get_from(scratch: &Scratch, torrent: &Path, folder: &Path, peer: SocketAddr) -> Self {
        Self::start_with("get", &["--peer", &peer.to_string()], scratch, torrent, folder)
    }

    /// Makes a .torrent file of `path` with these further arguments.
    ///
    /// # Panics
    /// When it fails.
    pub async fn create(scratch: &Scratch, path: &Path, torrent: &Path, args: &[&str]) {
        let (path, torrent) = (path.display().to_string(), torrent.display().to_string());
        let all = [&["create", &path, "--out", &torrent], args].concat();
        let mut process = Process::start("node-create", programs::node(), all, scratch.path());
        let status = process.wait_for_end(crate::wait::LONG).await;
        assert!(status.success(), "the node failed ({status}):\n{}", process.log_text());
    }

    /// Waits until it has downloaded everything and ended.
    ///
    /// # Panics
    /// When it fails or needs longer than `limit`.
    pub async fn wait_until_done(&mut self, limit: Duration) {
        let status = self.process.wait_for_end(limit).await;
        assert!(status.success(), "the node failed ({status}):\n{}", self.process.log_text());
    }

    fn start(command: &str, scratch: &Scratch, torrent: &Path, folder: &Path) -> Self {
        Self::start_with(command, &[], scratch, torrent, folder)
    }

    fn start_with(command: &str, more: &[&str], scratch: &Scratch, torrent: &Path, folder: &Path) -> Self {
        let addr = fresh_addr();
        let (torrent, folder) = (torrent.display().to_string(), folder.display().to_string());
        let listen = addr.to_string();
        let args = [command, &torrent, "--dir", &folder, "--listen", &listen, "--allow-net", "127.0.0.0/8"];
        let args = [&args, more].concat();
        let process = Process::start(&format!("node-{}", addr.ip()), programs::node(), args, scratch.path());
        Self { addr, process }
    }
}
