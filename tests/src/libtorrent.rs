//! libtorrent, through its Python binding.

use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Mutex;

use crate::places::{Scratch, fresh_addr};
use crate::process::{self, Process};
use crate::{programs, wait};

/// The binding is Debian's, for Debian's own Python, which need not be the first on the PATH.
const PYTHON: &str = "/usr/bin/python3";

/// A libtorrent session with one torrent.
#[derive(Debug)]
pub struct Libtorrent {
    /// Where peers reach it.
    pub addr: SocketAddr,
    pipes: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
    process: Process,
}

/// What it says about its torrent.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// It has everything.
    pub is_seeding: bool,
    /// Share of the content that it has, 0 to 1.
    pub progress: f64,
    /// Payload bytes sent.
    pub payload_up: u64,
    /// Payload bytes received.
    pub payload_down: u64,
    /// Payload bytes received that failed the hash.
    pub failed: u64,
    /// Payload bytes received twice.
    pub redundant: u64,
    /// Connected peers.
    pub peers: u32,
    /// What is wrong, empty if nothing.
    pub error: String,
}

/// What it reads in a .torrent file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TorrentInfo {
    /// Info hash of version 1, in hexadecimal.
    pub v1: Option<String>,
    /// Info hash of version 2, in hexadecimal.
    pub v2: Option<String>,
    /// Path and length of each file that is no padding.
    pub files: Vec<(String, u64)>,
}

/// Has it read a .torrent file.
///
/// # Panics
/// If it refuses.
pub async fn read_torrent(torrent: &Path) -> TorrentInfo {
    let mut command = process::command(Path::new(PYTHON));
    command.arg(programs::own_file("scripts/libtorrent_info.py")).arg(torrent);
    command.stdout(std::process::Stdio::piped());
    let output = command.output().await.expect("Python starts");
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("libtorrent read {line}: {error}"))
}

impl Libtorrent {
    /// Seeds what lies in `folder`.
    pub async fn seed(scratch: &Scratch, torrent: &Path, folder: &Path) -> Self {
        Self::start(scratch, torrent, folder, "seed").await
    }

    /// Downloads into `folder`.
    pub async fn get(scratch: &Scratch, torrent: &Path, folder: &Path) -> Self {
        Self::start(scratch, torrent, folder, "get").await
    }

    /// What it says about its torrent.
    ///
    /// # Panics
    /// When it has ended.
    pub async fn status(&self) -> Status {
        let line = self.ask("status").await;
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("libtorrent answered {line}: {error}"))
    }

    /// Has it dial a peer.
    pub async fn connect(&self, peer: SocketAddr) {
        self.ask(&format!("connect {} {}", peer.ip(), peer.port())).await;
    }

    /// Limits what it sends, in bytes a second.
    pub async fn limit_upload(&self, bytes_per_s: u64) {
        self.ask(&format!("limit {bytes_per_s}")).await;
    }

    /// Waits until it has everything.
    ///
    /// # Panics
    /// When it has not in time.
    pub async fn wait_until_seeding(&self) {
        wait::until_true("libtorrent to have everything", wait::LONG, async || {
            self.status().await.is_seeding
        })
        .await;
    }

    /// Waits until it has sent at least so many payload bytes.
    ///
    /// # Panics
    /// When it has not in time.
    pub async fn wait_for_upload(&self, bytes: u64) {
        wait::until_true(&format!("libtorrent to send {bytes} bytes"), wait::LONG, async || {
            self.status().await.payload_up >= bytes
        })
        .await;
    }

    /// Kills it.
    pub async fn kill(&mut self) {
        self.process.kill().await;
    }

    async fn start(scratch: &Scratch, torrent: &Path, folder: &Path, mode: &str) -> Self {
        let addr = fresh_addr();
        let mut command = process::command(Path::new(PYTHON));
        command.arg(programs::own_file("scripts/libtorrent_peer.py"));
        command.args([addr.ip().to_string(), addr.port().to_string()]).arg(torrent).arg(folder).arg(mode);
        let name = format!("libtorrent-{}", addr.ip());
        let (process, stdin, stdout) = Process::spawn_piped(&name, &mut command, scratch.path());
        let mut lines = BufReader::new(stdout).lines();
        lines.next_line().await.expect("a pipe can be read").expect("libtorrent starts");
        Self { addr, pipes: Mutex::new((stdin, lines)), process }
    }

    async fn ask(&self, line: &str) -> String {
        let (stdin, lines) = &mut *self.pipes.lock().await;
        stdin.write_all(format!("{line}\n").as_bytes()).await.expect("libtorrent listens");
        lines.next_line().await.expect("a pipe can be read").expect("libtorrent answers")
    }
}
