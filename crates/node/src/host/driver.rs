//! The task that owns the engine: inputs in, outputs out, one after the other.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::{
    BlockRef, Engine, Event, Goal, Input, Instant, Output, PeerKey, PeerSource, PieceAssembler, Stored,
    TrackerKey, Unsaved, finished_block,
};
use peernet::policy::DestinationPolicy;
use peernet::tracker::TrackerClient;
use peernet::webseed::RangeClient;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time;

use super::connections::{Connection, Network, Outgoing, accept};
use super::storage::{Done, Job, Outcome, Storage};
use super::trackers::Announcer;
use super::web_seeds::Fetcher;
use super::{Arrival, STOP_MAX, Setup, Status};
use crate::content::Content;

/// Reads that wait for the driver at most, from all peers together; each has 64 KiB as a rule.
pub(super) const NETWORK_QUEUE: usize = 64;

/// Reports that wait for the driver at most.
pub(super) const REPORT_QUEUE: usize = 256;

/// Unfinished pieces held in memory at most, in bytes; blocks of further ones go to the disk as they come.
const ASSEMBLY_BYTES_MAX: usize = 128 << 20;

/// Longest piece that is collected in memory, in bytes; several of these fit [`ASSEMBLY_BYTES_MAX`].
const BUFFERED_PIECE_LEN_MAX: u32 = 16 << 20;

/// Bytes that wait for the disk at most; past them nothing more is read from the network.
const STORAGE_BYTES_MAX: usize = 32 << 20;

/// Between two states for those who watch.
pub(super) const STATUS_INTERVAL: Duration = Duration::from_millis(500);

/// Between two records of what was traded, and two writes of blocks that are in memory only.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);

/// Blocks that are in memory only are written so many bytes at a time.
const SAVE_BYTES_MAX: usize = 16 << 20;

/// What the driver hears apart from the network.
pub(super) enum Report {
    Sent {
        peer: PeerKey,
        bytes: u64,
    },
    Stored(Done),
    /// A file could not be read; for a person.
    ReadFailed(String),
    Announced {
        tracker: TrackerKey,
        result: Result<engine::AnnounceAnswer, String>,
    },
    Scraped {
        tracker: TrackerKey,
        result: Result<engine::ScrapeAnswer, String>,
    },
}

/// See the module's head.
pub(super) struct Driver {
    engine: Engine,
    origin: time::Instant,
    /// When the engine wants to be woken.
    wake_at: Option<time::Instant>,
    content: Arc<Content>,
    connections: BTreeMap<PeerKey, Connection>,
    /// Odd, counting up: keys of connections that come in.
    next_incoming: u32,
    assembler: PieceAssembler,
    storage: Storage,
    announcer: Announcer,
    fetcher: Fetcher,
    announces_pending: usize,
    policy: Arc<DestinationPolicy>,
    bind: Option<IpAddr>,
    network_sender: mpsc::Sender<Network>,
    network: mpsc::Receiver<Network>,
    report_sender: mpsc::Sender<Report>,
    reports: mpsc::Receiver<Report>,
    acceptor: JoinHandle<()>,
    status: watch::Sender<Status>,
    next_status: time::Instant,
    next_save: time::Instant,
    /// What is stored is recorded: a restart goes on with it.
    is_recorded: bool,
    error: Option<String>,
    goal: Option<Goal>,
}

impl Driver {
    pub(super) fn new(setup: Setup, arrival: Arrival) -> io::Result<(Self, watch::Receiver<Status>)> {
        let Setup {
            content, have, earlier, goals, order, resume, kept_at, bind, policy, peers, config, ..
        } = setup;
        let Arrival { listener, identity, known } = arrival;
        let port = listener.local_addr()?.port();
        let metainfo = Arc::clone(content.metainfo());
        let (network_sender, network) = mpsc::channel(NETWORK_QUEUE);
        let (report_sender, reports) = mpsc::channel(REPORT_QUEUE);
        let announcer = Announcer {
            client: TrackerClient::new(Arc::clone(&policy), bind),
            info_hash: metainfo.info_hash(),
            peer_id: identity.peer_id,
            key: identity.key,
        };
        let engine = Engine::new(config, metainfo, have, identity.peer_id, identity.rng_seed);
        let (status, watched) = watch::channel(Status {
            summary: engine.summary(),
            trackers: engine.trackers(),
            error: None,
            goal: None,
        });
        let origin = time::Instant::now();
        let mut driver = Self {
            engine,
            origin,
            wake_at: None,
            is_recorded: resume.is_some(),
            storage: Storage::start(Arc::clone(&content), resume, kept_at, report_sender.clone())?,
            content,
            connections: BTreeMap::new(),
            next_incoming: 1,
            assembler: PieceAssembler::new(ASSEMBLY_BYTES_MAX, BUFFERED_PIECE_LEN_MAX),
            announcer,
            fetcher: Fetcher::new(RangeClient::new(Arc::clone(&policy), bind)),
            announces_pending: 0,
            policy,
            bind,
            acceptor: tokio::spawn(accept(listener, network_sender.clone())),
            network_sender,
            network,
            report_sender,
            reports,
            status,
            next_status: origin,
            next_save: origin + SAVE_INTERVAL,
            error: None,
            goal: None,
        };
        let files = driver.content.priorities().to_vec();
        if !files.is_empty() {
            driver.input(Input::FilePriorities { files: &files });
        }
        earlier.partial.iter().for_each(|(piece, _)| driver.assembler.go_on(piece));
        driver.input(Input::Restored { partial: &earlier.partial, history: earlier.history });
        driver.input(Input::SetGoals(goals));
        driver.input(Input::PickOrder { order });
        driver.input(Input::Listening { port });
        driver.input(Input::Start);
        driver.input(Input::PeersFound { source: PeerSource::User, addrs: &peers });
        for (addr, source) in known {
            driver.input(Input::PeersFound { source, addrs: &[addr] });
        }
        Ok((driver, watched))
    }

    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        // Also when the node is dropped without a stop: then the sender is gone.
        while self.step(&mut stop).await {}
        self.leave().await;
    }

    /// Takes one thing from whoever has something; `false` when asked to stop.
    async fn step(&mut self, stop: &mut oneshot::Receiver<()>) -> bool {
        self.publish_if_due();
        let is_disk_behind = self.storage.waiting_bytes() > STORAGE_BYTES_MAX;
        let wake_at = self.wake_at.map_or(self.next_status, |wake_at| wake_at.min(self.next_status));
        tokio::select! {
            // Reports first: they free what the network wants to use. The engine looks at its timers with every
            // input, so a busy network does not hold them up.
            biased;
            _ = stop => return false,
            Some(report) = self.reports.recv() => self.report(report),
            Some(event) = self.network.recv(), if !is_disk_behind => self.network(event),
            () = time::sleep_until(wake_at) => self.input(Input::Timeout),
        }
        true
    }

    /// Tells the trackers, finishes what is being stored, and waits for neither too long.
    async fn leave(mut self) {
        self.acceptor.abort();
        self.input(Input::Pause);
        let deadline = time::Instant::now() + STOP_MAX;
        let mut is_saving = true;
        while is_saving || self.announces_pending > 0 || self.storage.is_busy() {
            if is_saving && self.storage.waiting_bytes() <= STORAGE_BYTES_MAX {
                is_saving = self.save();
                continue;
            }
            tokio::select! {
                biased;
                Some(report) = self.reports.recv() => self.report(report),
                () = time::sleep_until(deadline) => break,
            }
        }
        self.publish();
        // The storage thread must find nobody to wait for.
        self.reports.close();
        self.storage.join().await;
    }

    fn network(&mut self, event: Network) {
        match event {
            Network::Received { peer, bytes } => {
                if self.connections.contains_key(&peer) {
                    self.engine.handle(self.now(), Input::Received { peer, data: &bytes });
                    self.carry_out(&bytes);
                }
            }
            Network::Dialed { peer, stream: Some(stream) } => {
                if self.connections.contains_key(&peer) {
                    self.open(peer, stream);
                    self.input(Input::Connected { peer });
                }
            }
            Network::Accepted { stream, addr } => {
                let peer = PeerKey(self.next_incoming);
                self.next_incoming = self.next_incoming.wrapping_add(2);
                self.open(peer, stream);
                self.input(Input::Accepted { peer, addr });
            }
            Network::Fetched { fetch, bytes } => {
                self.engine.handle(self.now(), Input::Fetched { fetch, data: &bytes });
                self.carry_out(&bytes);
            }
            Network::FetchEnded { fetch, fault } => {
                if self.fetcher.end(fetch)
                    && let Some(fault) = fault
                {
                    self.input(Input::FetchFailed { fetch, fault });
                }
            }
            Network::Closed { peer } | Network::Dialed { peer, stream: None } => {
                // Those that the engine has closed itself are known to it.
                if self.connections.remove(&peer).is_some() {
                    self.input(Input::Closed { peer });
                }
            }
        }
    }

    fn open(&mut self, peer: PeerKey, stream: tokio::net::TcpStream) {
        let content = Some(Arc::clone(&self.content));
        let connection = Connection::open(peer, stream, content, &self.network_sender, &self.report_sender);
        self.connections.insert(peer, connection);
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Sent { peer, bytes } => {
                if self.connections.contains_key(&peer) {
                    self.input(Input::Sent { peer, bytes });
                }
            }
            Report::Stored(Done { bytes, buffer, outcome }) => {
                self.storage.finished(bytes);
                if let Some(buffer) = buffer {
                    self.assembler.recycle(buffer);
                }
                match outcome {
                    Outcome::Verified(piece, outcome) => self.input(Input::Verified { piece, outcome }),
                    Outcome::Failed(message) => self.input(Input::StorageFailed { message }),
                    Outcome::Quiet => {}
                }
            }
            Report::ReadFailed(message) => self.input(Input::StorageFailed { message }),
            Report::Announced { tracker, result } => {
                self.announces_pending -= 1;
                self.input(Input::Announced { tracker, result });
            }
            Report::Scraped { tracker, result } => self.input(Input::Scraped { tracker, result }),
        }
    }

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn input(&mut self, input: Input<'_>) {
        self.engine.handle(self.now(), input);
        self.carry_out(&[]);
    }

    /// Does what the engine wants, until it wants to wait. `data` are the bytes of the input.
    fn carry_out(&mut self, data: &[u8]) {
        loop {
            match self.engine.poll_output() {
                Output::Connect { peer, addr } => {
                    let (policy, network) = (Arc::clone(&self.policy), self.network_sender.clone());
                    self.connections.insert(peer, Connection::dial(peer, addr, self.bind, policy, network));
                }
                Output::Send { peer, bytes } => self.send(peer, Outgoing::Bytes(bytes)),
                Output::SendBlock { peer, header, block } => {
                    self.send(peer, Outgoing::Block { header, block });
                }
                Output::Close { peer, reason } => {
                    tracing::debug!(peer = peer.0, %reason, "close");
                    if let Some(connection) = self.connections.remove(&peer) {
                        connection.close();
                    }
                }
                Output::Store { block, from } => self.store(block, &data[from]),
                Output::StoreZeros { block } => self.store(block, &vec![0; block.len as usize]),
                Output::Fetch(request) => self.fetcher.begin(request, self.network_sender.clone()),
                Output::CancelFetch { fetch } => self.fetcher.cancel(fetch),
                Output::Verify { piece, hashes } => {
                    let assembled = self.assembler.take(piece);
                    self.storage.hand_over(Job::Verify { piece, hashes, assembled });
                }
                Output::Discard { piece } => {
                    self.assembler.discard(piece);
                    self.storage.hand_over(Job::Discard { piece });
                }
                Output::Announce(request) => {
                    self.announces_pending += 1;
                    self.announcer.announce(request, self.report_sender.clone());
                }
                Output::Scrape { tracker, url } => {
                    self.announcer.scrape(tracker, url, self.report_sender.clone());
                }
                Output::Event(event) => self.event(event),
                Output::Wait { until } => {
                    self.wake_at = until.map(|until| self.origin + Duration::from_micros(until.micros()));
                    return;
                }
            }
        }
    }

    fn send(&self, peer: PeerKey, what: Outgoing) {
        if let Some(connection) = self.connections.get(&peer) {
            connection.send(what);
        }
    }

    fn store(&mut self, part: BlockRef, bytes: &[u8]) {
        let piece_size = self.content.metainfo().piece_size(part.piece);
        if self.assembler.store(part, bytes, piece_size) == Stored::WriteThrough {
            let whole = finished_block(&part, piece_size);
            self.storage.hand_over(Job::Write { part, bytes: bytes.to_vec(), whole });
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Completed => self.publish(),
            Event::GoalMet { goal } => {
                self.goal = Some(goal);
                self.publish();
            }
            Event::Failed { message } => {
                self.error = Some(message);
                self.publish();
            }
            Event::HashesComplete => {
                let torrent = self.engine.metainfo().as_bytes().to_vec();
                self.storage.hand_over(Job::KeepTorrent { torrent });
            }
            Event::PeerLeft { peer, reason } => tracing::debug!(peer = peer.0, %reason, "peer left"),
            Event::Banned { addr, .. } => tracing::info!(%addr, "banned: it sent corrupt data"),
            Event::AddressesRefused { count, reason, .. } => {
                tracing::warn!("{count} addresses of peers are not used. {}", reason.text());
            }
            Event::PieceFailed { piece, .. } => tracing::info!(piece = piece.0, "corrupt piece"),
            other => tracing::trace!(?other, "event"),
        }
    }

    fn publish_if_due(&mut self) {
        let now = time::Instant::now();
        if now >= self.next_status {
            self.publish();
            self.next_status = now + STATUS_INTERVAL;
        }
        if now >= self.next_save {
            self.save();
            self.next_save = now + SAVE_INTERVAL;
        }
    }

    fn publish(&self) {
        let (summary, trackers) = (self.engine.summary(), self.engine.trackers());
        self.status.send_replace(Status { summary, trackers, error: self.error.clone(), goal: self.goal });
    }

    /// Writes blocks that are in memory only, as many as may wait for the disk, and records what is stored and what was
    /// traded. Returns whether there may be more to write.
    fn save(&mut self) -> bool {
        if !self.is_recorded {
            return false;
        }
        let unsaved = self.assembler.take_unsaved(SAVE_BYTES_MAX);
        let has_more = !unsaved.is_empty();
        for Unsaved { run, part, bytes } in unsaved {
            self.storage.hand_over(Job::Write { part, bytes, whole: Some(run) });
        }
        self.storage.hand_over(Job::SoFar(self.engine.so_far()));
        has_more
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}
