//! Announces and scrapes over udp (BEP 15, options of BEP 41).

pub(super) mod packet;
mod schedule;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codec::InfoHash;
use tokio::net::UdpSocket;
use tokio::time::Instant;
use url::{Host, Url};

use super::{AnnounceAnswer, AnnounceParams, ScrapeAnswer, TrackerError};
use crate::ReachError;
use crate::http::{ResolveError, resolve};
use crate::policy::{DestinationKind, DestinationPolicy};

pub(super) use packet::{SCRAPE_MAX, compact_v4, compact_v6};
use schedule::{Schedule, Step};

/// Connections kept for their ids at most.
const IDLE_MAX: usize = 16;

/// Largest packet there can be.
const PACKET_LEN_MAX: usize = 1 << 16;

/// Talks to udp trackers and remembers connection ids. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub(super) struct UdpClient {
    policy: Arc<DestinationPolicy>,
    bind: Option<IpAddr>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// A socket connected to one tracker, with the id that the tracker gave to it. Many trackers tie the id to the
/// client's address and port, so socket and id stay together, and only one exchange at a time owns them.
struct Connection {
    addr: SocketAddr,
    socket: UdpSocket,
    id: Option<(u64, Instant)>,
}

impl UdpClient {
    pub(super) fn new(policy: Arc<DestinationPolicy>, bind: Option<IpAddr>) -> Self {
        Self { policy, bind, idle: Arc::default() }
    }

    pub(super) async fn announce(
        &self,
        url: &Url,
        params: &AnnounceParams,
        timeout: Duration,
    ) -> Result<AnnounceAnswer, TrackerError> {
        let url_data = packet::url_data(url);
        let request = |id, transaction| packet::announce(id, transaction, params, &url_data);
        let (addr, answer) = self.exchange(url, timeout, packet::ACTION_ANNOUNCE, request).await?;
        packet::read_announce(&answer, addr.is_ipv6())
    }

    pub(super) async fn scrape(
        &self,
        url: &Url,
        torrents: &[InfoHash],
        timeout: Duration,
    ) -> Result<Vec<ScrapeAnswer>, TrackerError> {
        let request = |id, transaction| packet::scrape(id, transaction, torrents);
        let (_, answer) = self.exchange(url, timeout, packet::ACTION_SCRAPE, request).await?;
        packet::read_scrape(&answer, torrents)
    }

    /// Sends a request and returns the body of its answer, and from where it came.
    async fn exchange(
        &self,
        url: &Url,
        timeout: Duration,
        action: u32,
        request: impl Fn(u64, u32) -> Vec<u8>,
    ) -> Result<(SocketAddr, Vec<u8>), TrackerError> {
        let work = async {
            let mut connection = self.connect(url).await?;
            let answer = connection.exchange(action, &request).await;
            let addr = connection.addr;
            if answer.is_ok() {
                self.keep(connection);
            }
            answer.map(|body| (addr, body))
        };
        tokio::time::timeout(timeout, work)
            .await
            .unwrap_or_else(|_| Err(ReachError::TimedOut(timeout).into()))
    }

    /// A connection to the first address of the tracker that can be reached at all.
    async fn connect(&self, url: &Url) -> Result<Connection, ReachError> {
        let mut last_error = None;
        for addr in self.addresses(url).await? {
            if let Some(connection) = self.take(addr) {
                return Ok(connection);
            }
            match open(addr, self.bind).await {
                Ok(socket) => return Ok(Connection { addr, socket, id: None }),
                Err(error) => last_error = Some(error),
            }
        }
        let text = last_error.map_or_else(|| "it has no address".to_owned(), |error| error.to_string());
        Err(ReachError::Unreachable(text))
    }

    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, ReachError> {
        let port = url.port().unwrap_or(0);
        let kind = DestinationKind::Tracker;
        // The `url` crate leaves the hosts of schemes that it does not know as they are written.
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            Some(Host::Domain(name)) => name.parse().ok(),
            None => None,
        };
        if let Some(ip) = literal {
            let addr = SocketAddr::new(ip, port);
            self.policy.check(addr, kind).map_err(ReachError::Refused)?;
            return Ok(vec![addr]);
        }
        let host = url.host_str().unwrap_or_default();
        resolve(host, port, &self.policy, kind, self.bind).await.map_err(|error| match error {
            ResolveError::Refused(refusal) => ReachError::Refused(refusal),
            ResolveError::Failed(text) => ReachError::Unreachable(text),
        })
    }

    fn take(&self, addr: SocketAddr) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let at = idle.iter().position(|connection| connection.addr == addr)?;
        Some(idle.swap_remove(at))
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| schedule::is_fresh(connection.id_age()));
        if idle.len() == IDLE_MAX {
            idle.remove(0);
        }
        idle.push(connection);
    }
}

impl Connection {
    /// How old its id is.
    fn id_age(&self) -> Option<Duration> {
        self.id.map(|(_, received)| received.elapsed())
    }

    /// Asks until there is an answer, ever more patiently; the caller's time limit ends it.
    async fn exchange(
        &mut self,
        action: u32,
        request: &impl Fn(u64, u32) -> Vec<u8>,
    ) -> Result<Vec<u8>, TrackerError> {
        let mut schedule = Schedule::default();
        loop {
            let (step, wait) = schedule.next(self.id_age());
            let answer = match (step, self.id) {
                (Step::Request, Some((id, _))) => {
                    let with_id = |transaction| request(id, transaction);
                    match self.ask(action, &with_id, wait).await? {
                        Some(body) => return Ok(body),
                        None => None,
                    }
                }
                _ => self.ask(packet::ACTION_CONNECT, &packet::connect, wait).await?,
            };
            if let Some(body) = answer {
                self.id = Some((packet::read_connect(&body)?, Instant::now()));
                schedule.handle_connected();
            }
        }
    }

    /// Sends one packet and waits for the answer that carries its transaction id; others are not meant for us.
    async fn ask(
        &self,
        action: u32,
        request: &impl Fn(u32) -> Vec<u8>,
        wait: Duration,
    ) -> Result<Option<Vec<u8>>, TrackerError> {
        let transaction = transaction_id();
        let unreachable = |error: io::Error| ReachError::Unreachable(error.to_string());
        self.socket.send(&request(transaction)).await.map_err(unreachable)?;
        let receive = async {
            let mut buffer = vec![0; PACKET_LEN_MAX];
            loop {
                let len = self.socket.recv(&mut buffer).await.map_err(unreachable)?;
                if let Some(body) = packet::read_head(&buffer[..len], action, transaction)? {
                    return Ok(body.to_vec());
                }
            }
        };
        tokio::time::timeout(wait, receive).await.map_or(Ok(None), |answer| answer.map(Some))
    }
}

async fn open(addr: SocketAddr, bind: Option<IpAddr>) -> io::Result<UdpSocket> {
    let unspecified =
        if addr.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind(SocketAddr::new(bind.unwrap_or(unspecified), 0)).await?;
    // Connected: packets from anywhere else never arrive, and a closed port is an error instead of silence.
    socket.connect(addr).await?;
    Ok(socket)
}

/// Not to be guessed by someone who cannot see the packets: that is all the protection these exchanges have.
fn transaction_id() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8) as u32
}
