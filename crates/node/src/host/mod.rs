//! A native host of the engine: it owns the sockets, the files and the clock, and decides nothing.
//!
//! One task, the driver, owns the engine. Every connection has a task that reads and one that writes; one thread
//! hashes and writes pieces. They report to the driver through two bounded queues: `network`, which the driver stops
//! emptying while the disk is behind, so that TCP slows the peers down; and `reports`, which it always empties. The
//! driver itself never waits for anyone: what it sends is bounded by what the engine lets be outstanding.

mod connections;
mod driver;
mod metadata;
mod resume_file;
mod storage;
mod trackers;
mod web_seeds;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use codec::PeerId;
use engine::{Bitfield, Goal, Goals, History, PartialPieces, PickOrder, Summary, TrackerSnapshot};
use peernet::accept::bind_in_range;
use peernet::policy::DestinationPolicy;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::content::Content;

pub use metadata::{Arrival, FetchSetup, FetchStatus, fetch_metadata};
pub use resume_file::{ResumeFile, ResumeFileError};

/// Ports tried when the user names none (those that BitTorrent has always used).
const PORTS_DEFAULT: std::ops::RangeInclusive<u16> = 6881..=6999;

/// How long a stopping node waits for its trackers to hear of it.
const STOP_MAX: Duration = Duration::from_secs(5);

/// All that a node needs to take part in a swarm.
#[derive(Debug)]
pub struct Setup {
    /// The torrent's files.
    pub content: Arc<Content>,
    /// The pieces that are verified and stored.
    pub have: Bitfield,
    /// What earlier sessions left beside them.
    pub earlier: Earlier,
    /// What ends seeding.
    pub goals: Goals,
    /// In which order pieces are begun.
    pub order: PickOrder,
    /// Where verified pieces are recorded; `None` if nothing is to be remembered.
    pub resume: Option<ResumeFile>,
    /// Where the .torrent file is kept that is not the user's own: it is written anew when peers have sent the piece hashes
    /// that it lacks (BEP 52), so that the next start need not fetch them.
    pub kept_at: Option<PathBuf>,
    /// Where to listen; `None`: on all addresses, on the first free usual port. Port zero: any free one.
    pub listen: Option<SocketAddr>,
    /// What fetching the info dictionary has left, in place of `listen`; `None` if that was there from the start.
    pub arrival: Option<Arrival>,
    /// Local address of all connections that go out.
    pub bind: Option<IpAddr>,
    /// What may be reached.
    pub policy: Arc<DestinationPolicy>,
    /// Peers to begin with.
    pub peers: Vec<SocketAddr>,
    /// The engine's tunables.
    pub config: engine::Config,
}

/// What earlier sessions left beside verified pieces.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// Stored blocks of unfinished pieces.
    pub partial: PartialPieces,
    /// What was traded.
    pub history: History,
}

/// How a node is doing.
#[derive(Clone, Debug)]
pub struct Status {
    /// The engine's own numbers.
    pub summary: Summary,
    /// What the trackers say.
    pub trackers: Vec<TrackerSnapshot>,
    /// Why it stopped by itself, for a person.
    pub error: Option<String>,
    /// The goal that was met: it has stopped seeding.
    pub goal: Option<Goal>,
}

/// A running node. Dropping it ends it without a word to its trackers; [`Node::stop`] is the polite way.
#[derive(Debug)]
pub struct Node {
    listen: SocketAddr,
    status: watch::Receiver<Status>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Node {
    /// Starts to take part.
    ///
    /// # Errors
    /// If it cannot listen where it should.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(mut setup: Setup) -> io::Result<Self> {
        let arrival = match setup.arrival.take() {
            Some(arrival) => arrival,
            None => {
                Arrival { listener: listen(setup.listen)?, identity: Identity::new()?, known: Vec::new() }
            }
        };
        let listen = arrival.listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let (driver, status) = driver::Driver::new(setup, arrival)?;
        let task = tokio::spawn(driver.run(stopped));
        Ok(Self { listen, status, stop: Some(stop), task })
    }

    /// Where peers reach it.
    #[must_use]
    pub const fn listen_addr(&self) -> SocketAddr {
        self.listen
    }

    /// Its state, renewed twice a second and at every turn. Closed when the node has ended.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Leaves the swarm: tells the trackers, finishes what is being stored, and ends. Takes a few seconds at most.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // If nobody hears it, the driver has ended already.
            let _heard = stop.send(());
        }
        // An error would be the driver's panic, which the runtime has reported.
        let _ended = (&mut self.task).await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is drawn at random for each start.
#[derive(Debug)]
struct Identity {
    peer_id: PeerId,
    rng_seed: u64,
    /// Tells a tracker that we are still the same when our address changes.
    key: u32,
}

impl Identity {
    fn new() -> io::Result<Self> {
        let entropy = || getrandom::u64().map_err(io::Error::other);
        // BEP 20: client and version, then anything.
        let mut peer_id = *b"-SW0100-............";
        let (mut high, mut low) = (entropy()?, entropy()?);
        for (nth, byte) in peer_id[8..].iter_mut().enumerate() {
            let source = if nth < 6 { &mut high } else { &mut low };
            *byte = b"0123456789abcdefghijklmnopqrstuvwxyz"[(*source % 36) as usize];
            *source /= 36;
        }
        Ok(Self { peer_id: PeerId(peer_id), rng_seed: entropy()?, key: entropy()? as u32 })
    }
}

fn listen(wanted: Option<SocketAddr>) -> io::Result<TcpListener> {
    match wanted {
        Some(addr) => {
            let bound = bind_in_range(addr.ip(), addr.port()..=addr.port());
            bound.map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {addr}: {error}")))
        }
        // One socket for both families, where the system has IPv6 at all.
        None => bind_in_range(Ipv6Addr::UNSPECIFIED.into(), PORTS_DEFAULT)
            .or_else(|_| bind_in_range(Ipv4Addr::UNSPECIFIED.into(), PORTS_DEFAULT)),
    }
}
