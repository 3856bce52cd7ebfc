//! What comes before a node, for a torrent of which only a magnet link is there: peers are asked for its info
//! dictionary (BEP 9). The same sockets and the same loop, without any content.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use engine::{
    Event, Input, Instant, Magnet, MetadataFetch, MetadataSummary, Output, PeerKey, PeerSource,
    TrackerSnapshot,
};
use peernet::policy::DestinationPolicy;
use peernet::tracker::TrackerClient;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time;

use super::connections::{Connection, Network, Outgoing};
use super::driver::{NETWORK_QUEUE, REPORT_QUEUE, Report, STATUS_INTERVAL};
use super::trackers::Announcer;
use super::{Identity, STOP_MAX, listen};

/// All that is needed to fetch an info dictionary.
#[derive(Debug)]
pub struct FetchSetup {
    /// The link.
    pub magnet: Magnet,
    /// Where to listen, as in [`super::Setup`].
    pub listen: Option<SocketAddr>,
    /// Local address of all connections that go out.
    pub bind: Option<IpAddr>,
    /// What may be reached.
    pub policy: Arc<DestinationPolicy>,
    /// Peers to begin with, beside those of the link.
    pub peers: Vec<SocketAddr>,
    /// The engine's tunables.
    pub config: engine::Config,
}

/// What a node goes on with after fetching an info dictionary: trackers and peers know it already.
#[derive(Debug)]
pub struct Arrival {
    pub(super) listener: TcpListener,
    pub(super) identity: Identity,
    pub(super) known: Vec<(SocketAddr, PeerSource)>,
}

/// How fetching goes.
#[derive(Clone, Debug)]
pub struct FetchStatus {
    /// In numbers.
    pub summary: MetadataSummary,
    /// What the trackers say.
    pub trackers: Vec<TrackerSnapshot>,
}

/// Fetches the info dictionary that the link names; `None` if `stop` comes first. `on_status` hears of it twice a second.
///
/// # Errors
/// If it cannot listen where it should, or the link makes no sense. The text is for the user.
pub async fn fetch_metadata(
    setup: FetchSetup,
    stop: impl Future<Output = ()>,
    mut on_status: impl FnMut(&FetchStatus),
) -> io::Result<Option<(Arc<[u8]>, Arrival)>> {
    let listener = listen(setup.listen)?;
    let identity = Identity::new()?;
    let mut fetcher = Fetcher::new(setup, listener.local_addr()?.port(), &identity);
    let mut stop = pin!(stop);
    let mut next_status = time::Instant::now();
    loop {
        if let Some(outcome) = fetcher.outcome.take() {
            on_status(&fetcher.status());
            let info = outcome.map_err(io::Error::other)?;
            let known = fetcher.fetch.into_known_peers();
            return Ok(Some((info, Arrival { listener, identity, known })));
        }
        if time::Instant::now() >= next_status {
            on_status(&fetcher.status());
            next_status = time::Instant::now() + STATUS_INTERVAL;
        }
        let wake_at = fetcher.wake_at.map_or(next_status, |wake_at| wake_at.min(next_status));
        tokio::select! {
            biased;
            () = &mut stop => {
                fetcher.leave().await;
                return Ok(None);
            }
            Some(report) = fetcher.reports.recv() => fetcher.report(report),
            Some(event) = fetcher.network.recv() => fetcher.network(event),
            Ok((stream, addr)) = listener.accept() => fetcher.accepted(stream, addr),
            () = time::sleep_until(wake_at) => fetcher.input(Input::Timeout),
        }
    }
}

struct Fetcher {
    fetch: MetadataFetch,
    origin: time::Instant,
    /// When it wants to be woken.
    wake_at: Option<time::Instant>,
    connections: BTreeMap<PeerKey, Connection>,
    /// Odd, counting up: keys of connections that come in.
    next_incoming: u32,
    announcer: Announcer,
    announces_pending: usize,
    policy: Arc<DestinationPolicy>,
    bind: Option<IpAddr>,
    network_sender: mpsc::Sender<Network>,
    network: mpsc::Receiver<Network>,
    report_sender: mpsc::Sender<Report>,
    reports: mpsc::Receiver<Report>,
    outcome: Option<Result<Arc<[u8]>, String>>,
}

impl Fetcher {
    fn new(setup: FetchSetup, port: u16, identity: &Identity) -> Self {
        let FetchSetup { magnet, bind, policy, peers, config, .. } = setup;
        let (network_sender, network) = mpsc::channel(NETWORK_QUEUE);
        let (report_sender, reports) = mpsc::channel(REPORT_QUEUE);
        let announcer = Announcer {
            client: TrackerClient::new(Arc::clone(&policy), bind),
            info_hash: magnet.info_hash(),
            peer_id: identity.peer_id,
            key: identity.key,
        };
        let mut fetcher = Self {
            fetch: MetadataFetch::new(config, magnet, identity.peer_id, identity.rng_seed),
            origin: time::Instant::now(),
            wake_at: None,
            connections: BTreeMap::new(),
            next_incoming: 1,
            announcer,
            announces_pending: 0,
            policy,
            bind,
            network_sender,
            network,
            report_sender,
            reports,
            outcome: None,
        };
        fetcher.input(Input::Listening { port });
        fetcher.input(Input::PeersFound { source: PeerSource::User, addrs: &peers });
        fetcher.input(Input::Start);
        fetcher
    }

    fn status(&self) -> FetchStatus {
        FetchStatus { summary: self.fetch.summary(), trackers: self.fetch.trackers() }
    }

    /// Tells the trackers, and waits for them not too long.
    async fn leave(&mut self) {
        self.input(Input::Pause);
        let deadline = time::Instant::now() + STOP_MAX;
        while self.announces_pending > 0 {
            tokio::select! {
                Some(report) = self.reports.recv() => self.report(report),
                () = time::sleep_until(deadline) => return,
            }
        }
    }

    fn accepted(&mut self, stream: TcpStream, addr: SocketAddr) {
        // Both families may share the socket; a peer has one address, whichever way it came.
        let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
        let peer = PeerKey(self.next_incoming);
        self.next_incoming = self.next_incoming.wrapping_add(2);
        self.open(peer, stream);
        self.input(Input::Accepted { peer, addr });
    }

    fn network(&mut self, event: Network) {
        match event {
            Network::Received { peer, bytes } => {
                if self.connections.contains_key(&peer) {
                    self.input(Input::Received { peer, data: &bytes });
                }
            }
            Network::Dialed { peer, stream: Some(stream) } => {
                if self.connections.contains_key(&peer) {
                    self.open(peer, stream);
                    self.input(Input::Connected { peer });
                }
            }
            Network::Accepted { stream, addr } => self.accepted(stream, addr),
            Network::Closed { peer } | Network::Dialed { peer, stream: None } => {
                if self.connections.remove(&peer).is_some() {
                    self.input(Input::Closed { peer });
                }
            }
            // Web seeds are asked once it is known for what.
            Network::Fetched { .. } | Network::FetchEnded { .. } => {}
        }
    }

    fn open(&mut self, peer: PeerKey, stream: TcpStream) {
        let connection = Connection::open(peer, stream, None, &self.network_sender, &self.report_sender);
        self.connections.insert(peer, connection);
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Announced { tracker, result } => {
                self.announces_pending -= 1;
                self.input(Input::Announced { tracker, result });
            }
            // Nothing is stored, and what little is sent needs no limit.
            Report::Sent { .. } | Report::Stored(_) | Report::ReadFailed(_) | Report::Scraped { .. } => {}
        }
    }

    fn input(&mut self, input: Input<'_>) {
        let now = u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.fetch.handle(Instant::from_micros(now), input);
        loop {
            match self.fetch.poll_output() {
                Output::Connect { peer, addr } => {
                    let (policy, network) = (Arc::clone(&self.policy), self.network_sender.clone());
                    self.connections.insert(peer, Connection::dial(peer, addr, self.bind, policy, network));
                }
                Output::Send { peer, bytes } => {
                    if let Some(connection) = self.connections.get(&peer) {
                        connection.send(Outgoing::Bytes(bytes));
                    }
                }
                Output::Close { peer, reason } => {
                    tracing::debug!(peer = peer.0, %reason, "close");
                    if let Some(connection) = self.connections.remove(&peer) {
                        connection.close();
                    }
                }
                Output::Announce(request) => {
                    self.announces_pending += 1;
                    self.announcer.announce(request, self.report_sender.clone());
                }
                Output::Event(event) => self.event(event),
                Output::Wait { until } => {
                    self.wake_at = until.map(|until| self.origin + Duration::from_micros(until.micros()));
                    return;
                }
                // There is no content yet.
                _ => {}
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::MetadataFetched { info } => self.outcome = Some(Ok(info)),
            Event::Failed { message } => self.outcome = Some(Err(message)),
            Event::Banned { addr, .. } => tracing::info!(%addr, "banned: it sent wrong metadata"),
            other => tracing::debug!(?other, "event"),
        }
    }
}
