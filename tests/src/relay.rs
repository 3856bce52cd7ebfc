//! Our relay, serving the built page.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::places::{Scratch, fresh_addr, fresh_ip};
use crate::process::Process;
use crate::programs;

/// The token of every relay that a test starts.
pub const TOKEN: &str = "token-of-the-tests-0123456789abcdef";

/// A running relay that lets its tabs reach all of 127.0.0.0/8.
#[derive(Debug)]
pub struct Relay {
    /// Where it listens for tabs.
    pub addr: SocketAddr,
    /// The program, for its CPU time and memory.
    pub process: Process,
    args: Vec<String>,
    log_dir: PathBuf,
}

impl Relay {
    /// Starts one that serves the built page.
    pub async fn start(scratch: &Scratch) -> Self {
        Self::start_with(scratch, &programs::dist(), &[]).await
    }

    /// Starts one that serves the files in `web`, with more arguments.
    pub async fn start_with(scratch: &Scratch, web: &Path, more: &[&str]) -> Self {
        let addr = fresh_addr();
        let mut args: Vec<String> =
            ["--allow-net", "127.0.0.0/8", "--token", TOKEN].map(str::to_owned).into();
        args.extend(["--peer-bind".to_owned(), fresh_ip().to_string()]);
        args.extend(["--listen".to_owned(), addr.to_string(), "--web".to_owned(), web.display().to_string()]);
        args.extend(more.iter().map(ToString::to_string));
        let log_dir = scratch.path().to_owned();
        let mut process = Process::start("relay", programs::relay(), &args, &log_dir);
        process.wait_for_port(addr).await;
        Self { addr, process, args, log_dir }
    }

    /// The page's address, with the token.
    #[must_use]
    pub fn page_url(&self) -> String {
        page_url(self.addr)
    }

    /// Kills it, as a crash would.
    pub async fn kill(&mut self) {
        self.process.kill().await;
    }

    /// Starts it again where it was.
    pub async fn start_again(&mut self) {
        self.process = Process::start("relay", programs::relay(), &self.args, &self.log_dir);
        self.process.wait_for_port(self.addr).await;
    }
}

/// The address of the page that is served at `addr`, with the token.
#[must_use]
pub fn page_url(addr: SocketAddr) -> String {
    format!("http://{addr}/?token={TOKEN}")
}
