//! Trackers: one client for http, https and udp, with the same questions and answers whatever carries them.

mod answer;
mod http;
pub mod read;
mod udp;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use codec::{InfoHash, PeerId};
use url::Url;

use crate::ReachError;
use crate::http::HttpClient;
use crate::policy::{DestinationKind, DestinationPolicy};

/// How long an http or https exchange may take in all, redirects included.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a udp exchange may take in all: the first two waits of BEP 15, 15 s and 30 s.
pub const UDP_TIMEOUT: Duration = Duration::from_secs(45);

/// Longest answer that is read, in bytes.
pub const ANSWER_LEN_MAX: usize = 2 << 20;

/// Peers kept of one answer; what a tracker sends beyond what was asked for is of no use.
pub const PEERS_MAX: usize = 2000;

/// Longest tracker id that is kept, in bytes: it returns in every announce.
pub const TRACKER_ID_LEN_MAX: usize = 256;

/// Why an announce is made (BEP 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnounceEvent {
    /// The first one.
    Started,
    /// The download has just become complete.
    Completed,
    /// The peer leaves.
    Stopped,
    /// The interval is over, or more peers are wanted.
    Regular,
}

/// What a tracker is told (BEP 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceParams {
    /// The torrent.
    pub info_hash: InfoHash,
    /// Whom the tracker is to count.
    pub peer_id: PeerId,
    /// Incoming TCP port.
    pub port: u16,
    /// Payload bytes sent since the start.
    pub uploaded: u64,
    /// Payload bytes received since the start.
    pub downloaded: u64,
    /// Bytes still missing.
    pub left: u64,
    /// Why now.
    pub event: AnnounceEvent,
    /// How many peers are wanted.
    pub num_want: u32,
    /// Stays the same when the peer's address changes, and is told to no one but the tracker.
    pub key: u32,
    /// What this tracker called its session with us in an earlier answer; http only.
    pub tracker_id: Option<Vec<u8>>,
}

/// What a tracker answered to an announce.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnounceAnswer {
    /// How long to wait before the next announce.
    pub interval: Duration,
    /// The shortest wait that the tracker tolerates, if it says so.
    pub min_interval: Option<Duration>,
    /// Seeds in the swarm, if it says so.
    pub complete: Option<u32>,
    /// Downloaders in the swarm, if it says so.
    pub incomplete: Option<u32>,
    /// Peers, each address once, at most [`PEERS_MAX`]. The policy has not seen them: [`crate::dial`] asks it.
    pub peers: Vec<SocketAddr>,
    /// A warning for the user.
    pub warning: Option<String>,
    /// To be sent back with the next announces; at most [`TRACKER_ID_LEN_MAX`] bytes.
    pub tracker_id: Option<Vec<u8>>,
    /// The address from which the tracker saw us come (BEP 24).
    pub external_ip: Option<IpAddr>,
}

/// What a tracker counts for one torrent (BEP 48, BEP 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrapeAnswer {
    /// The torrent.
    pub info_hash: InfoHash,
    /// Seeds.
    pub complete: u32,
    /// Downloads completed since the tracker knows the torrent.
    pub downloaded: u32,
    /// Downloaders.
    pub incomplete: u32,
}

/// What went wrong, in words that a person understands.
#[derive(Debug, thiserror::Error)]
pub enum TrackerError {
    /// There is no answer.
    #[error("{}", .0.about("the tracker"))]
    Reach(#[from] ReachError),
    /// The tracker answered with a failure reason; this is its text.
    #[error("the tracker refuses: {0}")]
    Failure(String),
    /// It answered something else than a tracker's answer.
    #[error("the tracker's answer is not understood: {0}")]
    BadAnswer(String),
    /// Nothing is known about how to scrape this tracker (BEP 48).
    #[error("this tracker cannot be scraped: its address does not end in /announce")]
    NoScrape,
}

/// Talks to trackers. Cheap to clone; clones share connection ids.
#[derive(Clone)]
pub struct TrackerClient {
    http: HttpClient,
    udp: udp::UdpClient,
    http_timeout: Duration,
    udp_timeout: Duration,
}

impl TrackerClient {
    /// A client that reaches only what `policy` allows, from the local address `bind` if one is given.
    #[must_use]
    pub fn new(policy: Arc<DestinationPolicy>, bind: Option<IpAddr>) -> Self {
        Self {
            http: HttpClient::new(Arc::clone(&policy), DestinationKind::Tracker, bind),
            udp: udp::UdpClient::new(policy, bind),
            http_timeout: HTTP_TIMEOUT,
            udp_timeout: UDP_TIMEOUT,
        }
    }

    /// The same with another time limit for each exchange, whatever carries it.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { http_timeout: timeout, udp_timeout: timeout, ..self }
    }

    /// Announces to the tracker at `url` (http, https or udp) and returns its answer.
    ///
    /// # Errors
    /// [`TrackerError`]; its text is for the user.
    pub async fn announce(&self, url: &str, params: &AnnounceParams) -> Result<AnnounceAnswer, TrackerError> {
        match parse(url)? {
            (Carrier::Http, url) => http::announce(&self.http, url, params, self.http_timeout).await,
            (Carrier::Udp, url) => self.udp.announce(&url, params, self.udp_timeout).await,
        }
    }

    /// Asks the tracker whose announce address is `url` what it counts for these torrents; at most 74 of them, as
    /// many as a udp packet holds. Torrents that the tracker does not know may be missing from the answer.
    ///
    /// # Errors
    /// [`TrackerError`]; its text is for the user.
    pub async fn scrape(&self, url: &str, torrents: &[InfoHash]) -> Result<Vec<ScrapeAnswer>, TrackerError> {
        let torrents = &torrents[..torrents.len().min(udp::SCRAPE_MAX)];
        match parse(url)? {
            (Carrier::Http, url) => http::scrape(&self.http, url, torrents, self.http_timeout).await,
            (Carrier::Udp, url) => self.udp.scrape(&url, torrents, self.udp_timeout).await,
        }
    }
}

/// What carries an exchange.
enum Carrier {
    Http,
    Udp,
}

fn parse(url: &str) -> Result<(Carrier, Url), ReachError> {
    let bad = |why| ReachError::bad_url(url, why);
    let parsed = Url::parse(url.trim()).map_err(|_| bad("it is malformed"))?;
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err(bad("it names no host"));
    }
    match parsed.scheme() {
        "http" | "https" => Ok((Carrier::Http, parsed)),
        "udp" if parsed.port().is_none() => Err(bad("a udp address needs a port")),
        "udp" => Ok((Carrier::Udp, parsed)),
        _ => Err(bad("only http, https and udp are known")),
    }
}
