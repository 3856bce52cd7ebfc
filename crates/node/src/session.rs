//! What `get` and `seed` have in common: finding the torrent, checking the data, and taking part until it is over.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engine::{Bitfield, FileSelection, METAINFO_LEN_MAX, Metainfo};
use peernet::fetch::{FETCH_TIMEOUT, fetch_torrent};
use peernet::policy::DestinationPolicy;

use crate::check::{check, verified_bytes};
use crate::cli::NetArgs;
use crate::content::Content;
use crate::host::{Arrival, Node, Setup};
use crate::interrupt::interrupted;
use crate::magnet;
use crate::report::Reporter;

/// An error whose text is for the user.
pub(crate) type AnyError = Box<dyn Error + Send + Sync>;

/// A command's end: its exit code, or an error whose text is for the user.
pub(crate) type Outcome = Result<ExitCode, AnyError>;

/// What shells report for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Between two lines or drawings while checking.
const CHECK_REPORT_INTERVAL: Duration = Duration::from_millis(200);

/// A torrent, and what else came with it.
pub(crate) struct Loaded {
    pub(crate) metainfo: Arc<Metainfo>,
    /// What fetching the info dictionary has left.
    pub(crate) arrival: Option<Arrival>,
    /// Peers that a magnet link names.
    pub(crate) peers: Vec<SocketAddr>,
    /// The files that a magnet link wants (BEP 53).
    pub(crate) selection: FileSelection,
    /// Where the .torrent file of a magnet link is kept; `None` where the user has one.
    pub(crate) kept_at: Option<PathBuf>,
}

/// Reads the torrent from a file, from its address, or from the peers that a magnet link leads to; these are known then.
/// `None` if interrupted. A magnet's torrent is kept in `folder` for the next time.
pub(crate) async fn load_torrent(
    source: &str,
    folder: &Path,
    net: &NetArgs,
    policy: &Arc<DestinationPolicy>,
    reporter: &Reporter,
) -> Result<Option<Loaded>, AnyError> {
    if is_magnet(source) {
        return magnet::load(source, folder, net, policy, reporter).await;
    }
    let bytes = if source.starts_with("http://") || source.starts_with("https://") {
        fetch_torrent(policy, source, net.bind_addr(), FETCH_TIMEOUT).await?
    } else {
        read_file(Path::new(source)).map_err(|error| format!("cannot read {source}: {error}"))?
    };
    let metainfo = Arc::new(Metainfo::parse(&bytes)?);
    let (peers, selection) = Default::default();
    Ok(Some(Loaded { metainfo, arrival: None, peers, selection, kept_at: None }))
}

fn is_magnet(source: &str) -> bool {
    source.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("magnet:"))
}

pub(crate) fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed, so that the parser sees that the file is too long.
    File::open(path)?.take(METAINFO_LEN_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Hashes what is there; `None` if interrupted.
pub(crate) async fn check_data(content: Content, reporter: &Reporter) -> Result<Option<Bitfield>, AnyError> {
    let cancel = Arc::new(AtomicBool::new(false));
    let (cancelled, reporter) = (Arc::clone(&cancel), reporter.clone());
    let checking = tokio::task::spawn_blocking(move || {
        let total_bytes = content.metainfo().total_len();
        let mut last_report = Instant::now();
        let on_progress = |checked_bytes| {
            if last_report.elapsed() >= CHECK_REPORT_INTERVAL {
                reporter.checking(checked_bytes, total_bytes);
                last_report = Instant::now();
            }
        };
        let have = check(&content, on_progress, &cancelled)?;
        if !cancelled.load(Ordering::Relaxed) {
            reporter.checked(verified_bytes(content.metainfo(), &have), total_bytes);
        }
        Ok::<_, crate::content::ContentError>(have)
    });
    tokio::pin!(checking);
    tokio::select! {
        result = &mut checking => Ok(Some(result??)),
        () = interrupted() => {
            cancel.store(true, Ordering::Relaxed);
            checking.await??;
            Ok(None)
        }
    }
}

/// Takes part until interrupted, until it fails, or, with `exit_when_complete`, until everything is there.
pub(crate) async fn take_part(setup: Setup, reporter: &Reporter, exit_when_complete: bool) -> Outcome {
    let metainfo = Arc::clone(setup.content.metainfo());
    let (was_complete, verified_bytes) = (setup.have.is_complete(), verified_bytes(&metainfo, &setup.have));
    let node = Node::start(setup)?;
    reporter.started(&metainfo, node.listen_addr(), verified_bytes);
    let mut watched = node.status();
    let mut is_complete_reported = false;
    let ending = async {
        loop {
            let status = watched.borrow_and_update().clone();
            if let Some(error) = status.error {
                return Err(
                    format!("stopped: {error}. What is verified is kept; start again to go on").into()
                );
            }
            reporter.progress(&status);
            if status.summary.is_complete && !is_complete_reported {
                reporter.complete(metainfo.name(), &status.summary);
                is_complete_reported = true;
                if exit_when_complete {
                    return Ok(ExitCode::SUCCESS);
                }
            }
            if let Some(goal) = status.goal {
                reporter.goal_met(goal);
                return Ok(ExitCode::SUCCESS);
            }
            if watched.changed().await.is_err() {
                return Err("the node ended unexpectedly".into());
            }
        }
    };
    let outcome = tokio::select! {
        outcome = ending => outcome,
        () = interrupted() => Ok(ExitCode::from(INTERRUPTED)),
    };
    let last = node.status();
    reporter.say("stopping");
    node.stop().await;
    let summary = last.borrow().summary.clone();
    reporter.stopped(&summary);
    // Seeding has no other end than Ctrl-C.
    match outcome {
        Ok(_) if summary.is_complete || was_complete => Ok(ExitCode::SUCCESS),
        outcome => outcome,
    }
}

/// What a command ends with when it is interrupted before it has begun.
pub(crate) fn interrupted_early() -> Outcome {
    Ok(ExitCode::from(INTERRUPTED))
}
