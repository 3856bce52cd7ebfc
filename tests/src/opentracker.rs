//! opentracker, a real tracker for http and udp announces.

use std::net::SocketAddr;

use crate::content::Content;
use crate::places::{Scratch, fresh_addr};
use crate::process::Process;
use crate::wait;

/// A running opentracker that knows a few torrents.
#[derive(Debug)]
pub struct OpenTracker {
    /// Where it listens, TCP and UDP.
    pub addr: SocketAddr,
    process: Process,
}

impl OpenTracker {
    /// Starts one for these torrents. Debian's build answers for none that is not on its list.
    pub async fn start(scratch: &Scratch, contents: &[&Content]) -> Self {
        let addr = fresh_addr();
        let list: String = contents.iter().map(|content| content.info_hash.to_uppercase() + "\n").collect();
        let list = scratch.file("opentracker-allows", list);
        let (ip, port) = (addr.ip().to_string(), addr.port().to_string());
        let args =
            ["-i", &ip, "-p", &port, "-P", &port, "-w", list.to_str().expect("a path of ours is text")];
        let mut process = Process::start("opentracker", "opentracker", args, scratch.path());
        process.wait_for_port(addr).await;
        Self { addr, process }
    }

    /// The address for http announces. libtorrent announces to a loopback address only if the path is this one.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://{}/announce", self.addr)
    }

    /// The address for udp announces.
    #[must_use]
    pub fn udp_url(&self) -> String {
        format!("udp://{}", self.addr)
    }

    /// Waits until so many seeds are announced.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn wait_for_seeds(&self, content: &Content, seeds: u64) {
        wait::until_true(&format!("{seeds} announced seeds"), wait::LONG, async || {
            self.scrape(content).await.is_some_and(|(complete, _)| complete >= seeds)
        })
        .await;
    }

    /// Seeds and downloaders that it counts (BEP 48); `None` if it does not answer.
    pub async fn scrape(&self, content: &Content) -> Option<(u64, u64)> {
        use serde_bencode::value::Value;
        let hash: String = content.info_hash_bytes().iter().map(|byte| format!("%{byte:02x}")).collect();
        let answer = reqwest::get(format!("http://{}/scrape?info_hash={hash}", self.addr)).await.ok()?;
        let Ok(Value::Dict(answer)) = serde_bencode::from_bytes(&answer.bytes().await.ok()?) else {
            return None;
        };
        let Some(Value::Dict(files)) = answer.get(&b"files"[..]) else { return None };
        let Some(Value::Dict(counts)) = files.get(&content.info_hash_bytes()[..]) else {
            return Some((0, 0));
        };
        let count = |key: &str| match counts.get(key.as_bytes()) {
            Some(Value::Int(count)) => u64::try_from(*count).ok(),
            _ => None,
        };
        Some((count("complete")?, count("incomplete")?))
    }

    /// Kills it; the port stays ours.
    pub async fn kill(&mut self) {
        self.process.kill().await;
    }
}
