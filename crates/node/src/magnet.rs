//! From a magnet link to a torrent: the .torrent file of the last time, or what peers hand out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{Magnet, Metainfo};
use peernet::policy::DestinationPolicy;

use crate::cli::NetArgs;
use crate::host::{Arrival, FetchSetup, fetch_metadata};
use crate::interrupt::interrupted;
use crate::kept;
use crate::report::Reporter;
use crate::session::{AnyError, Loaded};

/// The torrent that the link names; `None` if interrupted. What peers handed out is kept in `folder` for the next time.
pub(crate) async fn load(
    link: &str,
    folder: &Path,
    net: &NetArgs,
    policy: &Arc<DestinationPolicy>,
    reporter: &Reporter,
) -> Result<Option<Loaded>, AnyError> {
    let magnet = Magnet::parse(link)?;
    let path = kept::path_for(folder, &magnet);
    if let Some(metainfo) = kept::read(&path, &magnet) {
        return Ok(Some(loaded(metainfo, None, &magnet, path)));
    }
    let setup = FetchSetup {
        magnet: magnet.clone(),
        listen: net.listen,
        bind: net.bind_addr(),
        policy: Arc::clone(policy),
        peers: net.peers.clone(),
        config: net.config(),
    };
    let fetched = fetch_metadata(setup, interrupted(), |status| reporter.metadata(status)).await?;
    let Some((info, arrival)) = fetched else { return Ok(None) };
    let metainfo = magnet.metainfo(&info)?;
    reporter.metadata_fetched(&metainfo);
    kept::write(&path, metainfo.as_bytes())
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(Some(loaded(metainfo, Some(arrival), &magnet, path)))
}

fn loaded(metainfo: Metainfo, arrival: Option<Arrival>, magnet: &Magnet, path: PathBuf) -> Loaded {
    let (peers, selection) = (magnet.peers().to_vec(), magnet.selection().clone());
    Loaded { metainfo: Arc::new(metainfo), arrival, peers, selection, kept_at: Some(path) }
}
