//! aria2, a client in one command.

use std::path::Path;
use std::time::Duration;

use crate::places::{Scratch, free_port, fresh_ip};
use crate::process::Process;

/// A running aria2.
#[derive(Debug)]
pub struct Aria2 {
    /// Where peers reach it. It listens on every address of the machine; this is the one that it dials from.
    pub addr: std::net::SocketAddr,
    /// The program, for its CPU time and memory.
    pub process: Process,
}

impl Aria2 {
    /// Downloads into `folder` and ends.
    #[must_use]
    pub fn get(scratch: &Scratch, torrent: &Path, folder: &Path) -> Self {
        Self::start(scratch, torrent, folder, &["--seed-time=0", "--allow-overwrite=true"])
    }

    /// Checks what lies in `folder` and seeds it until it is dropped.
    #[must_use]
    pub fn seed(scratch: &Scratch, torrent: &Path, folder: &Path) -> Self {
        Self::start(
            scratch,
            torrent,
            folder,
            &["--check-integrity=true", "--seed-ratio=0.0", "--allow-overwrite=true"],
        )
    }

    /// Waits until it has downloaded everything and ended.
    ///
    /// # Panics
    /// When it fails or needs longer than `limit`.
    pub async fn wait_until_done(&mut self, limit: Duration) {
        let status = self.process.wait_for_end(limit).await;
        assert!(status.success(), "aria2 failed ({status}):\n{}", self.process.log_text());
    }

    fn start(scratch: &Scratch, torrent: &Path, folder: &Path, more: &[&str]) -> Self {
        let ip = fresh_ip();
        let port = free_port(ip);
        let mut args: Vec<String> = [
            "--no-conf=true",
            "--enable-dht=false",
            "--enable-dht6=false",
            "--bt-enable-lpd=false",
            "--enable-peer-exchange=false",
            "--disable-ipv6=true",
            "--file-allocation=none",
            "--summary-interval=0",
            "--console-log-level=notice",
            "--show-console-readout=false",
            "--bt-max-peers=0",
        ]
        .map(str::to_owned)
        .into();
        args.extend(more.iter().map(ToString::to_string));
        args.push(format!("--interface={ip}"));
        args.push(format!("--listen-port={port}"));
        args.push(format!("--dir={}", folder.display()));
        args.push(torrent.display().to_string());
        let process = Process::start(&format!("aria2-{ip}"), "aria2c", args, scratch.path());
        Self { addr: (ip, port).into(), process }
    }
}
