//! A tracker for one torrent over http: compact answers for both families (BEP 23, BEP 7), scrapes (BEP 48), and the
//! .torrent file itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use engine::Metainfo;
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Peers remembered at most; of further ones nothing is kept.
const PEERS_MAX: usize = 1000;

/// Peers in one answer at most.
const NUM_WANT_MAX: usize = 50;

/// How many intervals a peer may be silent before it is forgotten.
const SILENT_INTERVALS_MAX: u32 = 3;

/// A tracker that listens and does not yet answer: its address is known before its torrent is made.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    addr: SocketAddr,
}

/// A running tracker. Dropping it ends it.
#[derive(Debug)]
pub struct Tracker {
    addr: SocketAddr,
    swarm: Arc<Swarm>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Swarm {
    metainfo: Arc<Metainfo>,
    interval: Duration,
    peers: Mutex<BTreeMap<SocketAddr, Peer>>,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    is_seed: bool,
    last_seen: Instant,
}

impl Bound {
    /// Listens at `addr`; port zero is any free one.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub async fn new(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }

    /// What the torrent is to name as its tracker.
    #[must_use]
    pub fn announce_url(&self) -> String {
        format!("http://{}/announce", self.addr)
    }

    /// Begins to answer, and tells its peers to come again after `interval`.
    #[must_use]
    pub fn serve(self, metainfo: Arc<Metainfo>, interval: Duration) -> Tracker {
        let Self { listener, addr } = self;
        let swarm = Arc::new(Swarm { metainfo, interval, peers: Mutex::default() });
        let routes = Router::new()
            .route("/announce", get(announce))
            .route("/scrape", get(scrape))
            .route("/demo.torrent", get(torrent))
            .with_state(Arc::clone(&swarm))
            .into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::warn!(%error, "the tracker ended");
            }
        });
        Tracker { addr, swarm, task }
    }
}

impl Tracker {
    /// Address of the .torrent file.
    #[must_use]
    pub fn torrent_url(&self) -> String {
        format!("http://{}/demo.torrent", self.addr)
    }

    /// Whether a peer of which `is_ours` says no has announced lately.
    #[must_use]
    pub fn has_visitor(&self, is_ours: impl Fn(IpAddr) -> bool) -> bool {
        self.swarm.live_peers().keys().any(|addr| !is_ours(addr.ip()))
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Swarm {
    fn live_peers(&self) -> BTreeMap<SocketAddr, Peer> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let age_max = self.interval * SILENT_INTERVALS_MAX;
        peers.retain(|_, peer| peer.last_seen.elapsed() < age_max);
        peers.clone()
    }

    fn enter(&self, addr: SocketAddr, is_seed: bool) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() < PEERS_MAX || peers.contains_key(&addr) {
            peers.insert(addr, Peer { is_seed, last_seen: Instant::now() });
        }
    }

    fn leave(&self, addr: SocketAddr) {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).remove(&addr);
    }
}

async fn announce(
    State(swarm): State<Arc<Swarm>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
) -> Vec<u8> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    if query.bytes("info_hash").as_deref() != Some(&swarm.metainfo.info_hash().0) {
        return failure("this tracker does not know the torrent");
    }
    let Some(port) = query.number("port").and_then(|port| u16::try_from(port).ok()).filter(|&port| port > 0)
    else {
        return failure("the announce names no port");
    };
    let addr = SocketAddr::new(from.ip().to_canonical(), port);
    let is_seed = query.number("left") == Some(0);
    if query.bytes("event").as_deref() == Some(b"stopped") {
        swarm.leave(addr);
    } else {
        swarm.enter(addr, is_seed);
    }
    let wanted =
        query.number("numwant").map_or(NUM_WANT_MAX, |wanted| wanted.min(NUM_WANT_MAX as u64) as usize);
    answer(&swarm, addr, is_seed, wanted)
}

fn answer(swarm: &Swarm, asker: SocketAddr, is_seed: bool, wanted: usize) -> Vec<u8> {
    let peers = swarm.live_peers();
    let seeds = peers.values().filter(|peer| peer.is_seed).count();
    let downloaders = peers.len() - seeds;
    // Those behind the asker in the order of addresses come first, so that not everyone hears of the same few.
    let behind = peers.range(asker..).chain(peers.range(..asker));
    // A seed has no use for seeds.
    let useful = behind.filter(|&(&addr, peer)| addr != asker && !(is_seed && peer.is_seed));
    let (mut peers_v4, mut peers_v6) = (Vec::new(), Vec::new());
    for (addr, _) in useful.take(wanted) {
        let list = match addr.ip() {
            IpAddr::V4(ip) => {
                peers_v4.extend(ip.octets());
                &mut peers_v4
            }
            IpAddr::V6(ip) => {
                peers_v6.extend(ip.octets());
                &mut peers_v6
            }
        };
        list.extend(addr.port().to_be_bytes());
    }
    let interval_s = swarm.interval.as_secs();
    let mut body = format!("d8:completei{seeds}e10:incompletei{downloaders}e8:intervali{interval_s}e5:peers")
        .into_bytes();
    push_bytes(&mut body, &peers_v4);
    body.extend_from_slice(b"6:peers6");
    push_bytes(&mut body, &peers_v6);
    body.push(b'e');
    body
}

async fn scrape(State(swarm): State<Arc<Swarm>>) -> Vec<u8> {
    let peers = swarm.live_peers();
    let seeds = peers.values().filter(|peer| peer.is_seed).count();
    let downloaders = peers.len() - seeds;
    let mut body = b"d5:filesd".to_vec();
    push_bytes(&mut body, &swarm.metainfo.info_hash().0);
    body.extend(format!("d8:completei{seeds}e10:downloadedi0e10:incompletei{downloaders}eeee").into_bytes());
    body
}

async fn torrent(State(swarm): State<Arc<Swarm>>) -> Response {
    ([(CONTENT_TYPE, "application/x-bittorrent")], swarm.metainfo.as_bytes().to_vec()).into_response()
}

fn failure(reason: &str) -> Vec<u8> {
    format!("d14:failure reason{}:{reason}e", reason.len()).into_bytes()
}

fn push_bytes(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend_from_slice(format!("{}:", bytes.len()).as_bytes());
    body.extend_from_slice(bytes);
}

/// A query whose values are bytes: an info hash is no text.
struct Query<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Query<'a> {
    fn parse(query: &'a str) -> Self {
        Self(query.split('&').filter_map(|pair| pair.split_once('=')).collect())
    }

    fn bytes(&self, key: &str) -> Option<Cow<'a, [u8]>> {
        let (_, value) = self.0.iter().find(|(found, _)| *found == key)?;
        Some(percent_decode_str(value).into())
    }

    fn number(&self, key: &str) -> Option<u64> {
        std::str::from_utf8(&self.bytes(key)?).ok()?.parse().ok()
    }
}
