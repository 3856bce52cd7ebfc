//! `swarmscope-node demo`: a swarm in one process, to have something to watch and to download from.
//!
//! A tracker at 127.77.0.1, seeds at 127.77.1.*, downloaders at 127.77.2.*, each with an upload rate of its own. All
//! of them stay inside 127.77.0.0/16: visitors from elsewhere connect to the demo's peers, never the other way
//! around, so that nobody can make the demo reach into a machine by announcing an address there.

mod sample;
pub mod tracker;

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use engine::{Bitfield, Metainfo};
use ipnet::{IpNet, Ipv4Net};
use peernet::policy::DestinationPolicy;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::{DemoArgs, OutputArgs};
use crate::content::{Access, Content};
use crate::host::{Earlier, Node, Setup};
use crate::interrupt::interrupted;
use crate::report::Reporter;
use crate::session::Outcome;
use sample::Sample;
use tracker::{Bound, Tracker};

/// Where the demo lives.
const NET: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 77, 0, 0), 16);

/// Short, so that a visitor is known and knows everyone soon; everything is on one machine.
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(15);

/// Downloaders begin one after the other, so that they differ in what they have.
const STAGGER: Duration = Duration::from_secs(5);

/// Between two looks whether there is a visitor to start anew for.
const VISITOR_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Runs the demo until interrupted.
///
/// # Errors
/// With a text for the user.
pub async fn run(args: DemoArgs) -> Outcome {
    let reporter = Reporter::new(OutputArgs { quiet: false, json: false });
    let shown = reporter.clone();
    let demo = Demo::start(&args, move |made, total| shown.hashing(made, total)).await?;
    reporter.finish();
    let (seeds, downloaders) = (args.seeds, args.downloaders);
    reporter.say(&format!("a swarm of {seeds} seeds and {downloaders} downloaders shares {} MiB", args.size));
    reporter.say(&format!("torrent: {}", demo.torrent_url()));
    interrupted().await;
    demo.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// A running demo.
#[derive(Debug)]
pub struct Demo {
    tracker: Arc<Tracker>,
    stop: watch::Sender<bool>,
    members: JoinSet<()>,
}

/// What all members of the swarm share.
#[derive(Clone)]
struct Shared {
    metainfo: Arc<Metainfo>,
    policy: Arc<DestinationPolicy>,
    tracker: Arc<Tracker>,
    stop: watch::Receiver<bool>,
}

impl Demo {
    /// Makes the sample if there is none, and starts everyone. `on_progress` hears of bytes of the sample made, and of
    /// all its bytes.
    ///
    /// # Errors
    /// With a text for the user.
    pub async fn start(
        args: &DemoArgs,
        on_progress: impl FnMut(u64, u64) + Send + 'static,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let folder = args.dir.clone().unwrap_or_else(default_folder);
        let addr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 77, 0, 1)), args.port);
        let bound = Bound::new(addr).await.map_err(|error| {
            format!("cannot listen on {addr}: {error}; is another demo running? --port chooses another port")
        })?;
        let sample = open_sample(folder.clone(), args.size, on_progress).await.map_err(|error| {
            format!("cannot make the sample in {}: {error}; --dir chooses another folder", folder.display())
        })?;
        let metainfo = Arc::new(sample.metainfo(bound.announce_url())?);
        let tracker = Arc::new(bound.serve(Arc::clone(&metainfo), ANNOUNCE_INTERVAL));
        let (stop, stopped) = watch::channel(false);
        let policy = Arc::new(DestinationPolicy::closed().allow(IpNet::V4(NET)));
        let shared = Shared { metainfo, policy, tracker: Arc::clone(&tracker), stop: stopped };
        let mut members = JoinSet::new();
        for nth in 0..args.seeds {
            let node = shared.start_seed(nth, &sample.path, rate(&args.seed_rates, nth))?;
            members.spawn(shared.clone().until_stopped(node));
        }
        for nth in 0..args.downloaders {
            let downloader = Downloader {
                nth,
                upload_rate: rate(&args.downloader_rates, nth),
                folder: folder.join(format!(".swarmscope-demo-downloader-{nth}")),
                seed_for: Duration::from_secs(args.seed_for),
                shared: shared.clone(),
            };
            members.spawn(downloader.run());
        }
        Ok(Self { tracker, stop, members })
    }

    /// Address of the .torrent file.
    #[must_use]
    pub fn torrent_url(&self) -> String {
        self.tracker.torrent_url()
    }

    /// Ends everyone and removes what the downloaders have downloaded.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.members.join_all().await;
    }
}

impl Shared {
    fn start_seed(&self, nth: u8, sample: &Path, upload_rate: u64) -> io::Result<Node> {
        let content = Content::new(Arc::clone(&self.metainfo), sample.to_owned(), Access::Read);
        let have = Bitfield::all(self.metainfo.pieces_total());
        self.start_node(any_port(Ipv4Addr::new(127, 77, 1, nth + 1)), content, have, upload_rate)
    }

    fn start_node(
        &self,
        listen: SocketAddr,
        content: Content,
        have: Bitfield,
        upload_rate: u64,
    ) -> io::Result<Node> {
        let config = engine::Config {
            upload_rate_max: Some(upload_rate),
            announce_interval_min: ANNOUNCE_INTERVAL,
            ..engine::Config::default()
        };
        Node::start(Setup {
            content: Arc::new(content),
            have,
            earlier: Earlier::default(),
            goals: engine::Goals::default(),
            order: engine::PickOrder::default(),
            resume: None,
            kept_at: None,
            listen: Some(listen),
            arrival: None,
            bind: Some(listen.ip()),
            policy: Arc::clone(&self.policy),
            peers: Vec::new(),
            config,
        })
    }

    async fn until_stopped(self, node: Node) {
        self.stopped().await;
        node.stop().await;
    }

    /// Also when the demo is gone without a word.
    async fn stopped(&self) {
        let mut stop = self.stop.clone();
        let _gone = stop.wait_for(|&stop| stop).await;
    }
}

/// Downloads, seeds for a while, and starts anew for the next visitor.
struct Downloader {
    nth: u8,
    upload_rate: u64,
    folder: PathBuf,
    seed_for: Duration,
    shared: Shared,
}

impl Downloader {
    async fn run(self) {
        let mut listen = any_port(Ipv4Addr::new(127, 77, 2, self.nth + 1));
        tokio::select! {
            () = self.wait_for_turn() => {}
            () = self.shared.stopped() => return,
        }
        while !*self.shared.stop.borrow() {
            match self.round(listen).await {
                // From round to round it stays where it is, so that those who know it find it again.
                Ok(taken) => listen = taken,
                Err(error) => {
                    tracing::warn!(nth = self.nth, %error, "a downloader of the demo gave up");
                    break;
                }
            }
        }
        // It may never have been made.
        let _removed = std::fs::remove_dir_all(&self.folder);
    }

    /// One life as a peer; returns where it listened.
    async fn round(&self, listen: SocketAddr) -> io::Result<SocketAddr> {
        let metainfo = &self.shared.metainfo;
        // Left over from the last round, or from a demo that was killed.
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder)?;
        }
        let content = Content::new(Arc::clone(metainfo), self.folder.join(metainfo.name()), Access::Write);
        let have = Bitfield::none(metainfo.pieces_total());
        let node = self.shared.start_node(listen, content, have, self.upload_rate)?;
        let listen = node.listen_addr();
        tokio::select! {
            () = self.download_and_seed(&node) => {}
            () = self.shared.stopped() => {}
        }
        let error = node.status().borrow().error.clone();
        node.stop().await;
        error.map_or(Ok(listen), |error| Err(io::Error::other(error)))
    }

    /// With nobody to watch there is no point in writing the same bytes over and over: it goes on seeding until
    /// there is a visitor.
    async fn download_and_seed(&self, node: &Node) {
        let mut status = node.status();
        let over = status.wait_for(|status| status.summary.is_complete || status.error.is_some()).await;
        if over.is_ok_and(|status| status.error.is_some()) {
            return;
        }
        tokio::time::sleep(self.seed_for).await;
        while !self.shared.tracker.has_visitor(is_ours) {
            tokio::time::sleep(VISITOR_POLL_INTERVAL).await;
        }
        self.wait_for_turn().await;
    }

    async fn wait_for_turn(&self) {
        tokio::time::sleep(STAGGER * self.nth.into()).await;
    }
}

const fn any_port(ip: Ipv4Addr) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(ip), 0)
}

fn is_ours(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if NET.contains(&ip))
}

fn rate(rates: &[u64], nth: u8) -> u64 {
    rates.get(usize::from(nth) % rates.len().max(1)).copied().unwrap_or(1_000_000)
}

async fn open_sample(
    folder: PathBuf,
    size_mib: u32,
    on_progress: impl FnMut(u64, u64) + Send + 'static,
) -> io::Result<Sample> {
    let opening = tokio::task::spawn_blocking(move || Sample::open(&folder, size_mib, on_progress));
    opening.await.map_err(io::Error::other)?
}

/// Among what may be deleted at any time and need not be, so that the next start is fast.
fn default_folder() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    cache.or_else(home).unwrap_or_else(std::env::temp_dir).join("swarmscope-demo")
}
