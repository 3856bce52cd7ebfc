//! Transmission's daemon, driven through its RPC.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::places::{Scratch, free_port, fresh_ip};
use crate::process::Process;
use crate::wait;

/// A running Transmission.
///
/// It never dials a loopback address that a tracker names (its guard against martian addresses), so on loopback it
/// takes part only with peers that come to it.
#[derive(Debug)]
pub struct Transmission {
    /// Where peers reach it.
    pub addr: SocketAddr,
    /// Its folder for content.
    pub downloads: PathBuf,
    rpc_url: String,
    _process: Process,
}

/// What it says about a torrent.
#[derive(Clone, Debug)]
pub struct Status {
    /// Share of the content that it has, 0 to 1.
    pub percent_done: f64,
    /// Payload bytes that it ever sent.
    pub uploaded_ever: u64,
    /// 6: it seeds; 4: it downloads; 1 and 2: it checks.
    pub status: u64,
    /// What is wrong, empty if nothing.
    pub error: String,
}

impl Transmission {
    /// Starts one; what it downloads goes to, and what it seeds is expected in, `downloads`.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(scratch: &Scratch, downloads: &Path) -> Self {
        let ip = fresh_ip();
        let (peer_port, rpc_port) = (free_port(ip), free_port(ip));
        let config = scratch.folder(&format!("transmission-{ip}"));
        let settings = json!({
            "bind-address-ipv4": ip, "bind-address-ipv6": "::1", "peer-port": peer_port,
            "peer-port-random-on-start": false, "port-forwarding-enabled": false,
            "dht-enabled": false, "lpd-enabled": false, "pex-enabled": false, "utp-enabled": false,
            "rpc-bind-address": ip, "rpc-port": rpc_port, "rpc-enabled": true,
            "rpc-authentication-required": false, "rpc-whitelist-enabled": false, "rpc-host-whitelist-enabled": false,
            "download-dir": downloads, "incomplete-dir-enabled": false, "watch-dir-enabled": false,
            "download-queue-enabled": false, "seed-queue-enabled": false, "ratio-limit-enabled": false,
            "encryption": 1, "message-level": 2,
        });
        std::fs::write(config.join("settings.json"), settings.to_string()).expect("settings can be written");
        let config = config.to_str().expect("a path of ours is text");
        let name = format!("transmission-{ip}");
        let mut process = Process::start(&name, "transmission-daemon", ["-f", "-g", config], scratch.path());
        process.wait_for_port((ip, rpc_port).into()).await;
        let rpc_url = format!("http://{ip}:{rpc_port}/transmission/rpc");
        Self { addr: (ip, peer_port).into(), downloads: downloads.to_owned(), rpc_url, _process: process }
    }

    /// Adds a torrent; content that is already in its folder is checked and seeded.
    ///
    /// # Panics
    /// When it refuses.
    pub async fn add(&self, torrent: &[u8]) {
        let arguments =
            json!({ "metainfo": STANDARD.encode(torrent), "download-dir": self.downloads, "paused": false });
        self.call("torrent-add", arguments).await;
    }

    /// Adds a torrent of which it has the magnet link only.
    ///
    /// # Panics
    /// When it refuses.
    pub async fn add_magnet(&self, link: &str) {
        let arguments = json!({ "filename": link, "download-dir": self.downloads, "paused": false });
        self.call("torrent-add", arguments).await;
    }

    /// Limits what it sends, in bytes a second.
    ///
    /// # Panics
    /// When it refuses.
    pub async fn limit_upload(&self, bytes_per_s: u64) {
        let arguments = json!({ "speed-limit-up": bytes_per_s / 1000, "speed-limit-up-enabled": true });
        self.call("session-set", arguments).await;
    }

    /// What it says about its only torrent.
    ///
    /// # Panics
    /// When it has none.
    pub async fn status(&self) -> Status {
        let fields = json!({ "fields": ["percentDone", "uploadedEver", "status", "errorString"] });
        let answer = self.call("torrent-get", fields).await;
        let torrent = &answer["torrents"][0];
        Status {
            percent_done: torrent["percentDone"].as_f64().expect("Transmission knows a torrent"),
            uploaded_ever: torrent["uploadedEver"].as_u64().unwrap_or_default(),
            status: torrent["status"].as_u64().unwrap_or_default(),
            error: torrent["errorString"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// Waits until its torrent is complete and seeded.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn wait_until_seeding(&self) {
        wait::until_true("Transmission to have everything", wait::LONG, async || {
            self.status().await.status == 6
        })
        .await;
    }

    async fn call(&self, method: &str, arguments: Value) -> Value {
        let body = json!({ "method": method, "arguments": arguments });
        let client = reqwest::Client::new();
        let mut session = String::new();
        // The first answer only hands out the session id that a request must carry.
        for _ in 0..2 {
            let request =
                client.post(&self.rpc_url).header("X-Transmission-Session-Id", &session).json(&body);
            let answer = request.send().await.expect("Transmission answers");
            if answer.status().as_u16() == 409 {
                let id = answer
                    .headers()
                    .get("X-Transmission-Session-Id")
                    .expect("Transmission names its session");
                session = id.to_str().expect("its id is text").to_owned();
                continue;
            }
            let answer: Value = answer.json().await.expect("Transmission answers in JSON");
            assert_eq!(answer["result"], "success", "Transmission refused {method}");
            return answer["arguments"].clone();
        }
        panic!("Transmission asks for another session id again and again");
    }
}
