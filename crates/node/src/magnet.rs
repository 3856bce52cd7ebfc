//! From a magnet link to a torrent: the .torrent file of the last time, or what peers hand out.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{Magnet, Metainfo};
use peernet::policy::DestinationPolicy;

use crate::cli::NetArgs;
use crate::host::{Arrival, FetchSetup, fetch_metadata};
use crate::interrupt::interrupted;
use crate::report::Reporter;
use crate::session::{AnyError, Loaded, read_file};

/// The torrent that the link names; `None` if interrupted. What peers handed out is kept in `folder` for the next time.
pub(crate) async fn load(
    link: &str,
    folder: &Path,
    net: &NetArgs,
    policy: &Arc<DestinationPolicy>,
    reporter: &Reporter,
) -> Result<Option<Loaded>, AnyError> {
    let magnet = Magnet::parse(link)?;
    let path = kept_at(folder, &magnet);
    if let Some(metainfo) = kept(&path, &magnet) {
        return Ok(Some(loaded(metainfo, None, &magnet)));
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
    keep(&path, &metainfo).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(Some(loaded(metainfo, Some(arrival), &magnet)))
}

fn loaded(metainfo: Metainfo, arrival: Option<Arrival>, magnet: &Magnet) -> Loaded {
    let (peers, selection) = (magnet.peers().to_vec(), magnet.selection().clone());
    Loaded { metainfo: Arc::new(metainfo), arrival, peers, selection }
}

/// `.HASH.torrent`, hidden as the record of verified pieces is.
fn kept_at(folder: &Path, magnet: &Magnet) -> PathBuf {
    folder.join(format!(".{}.torrent", magnet.info_hash()))
}

/// What is kept, if it is what the link names.
fn kept(path: &Path, magnet: &Magnet) -> Option<Metainfo> {
    let metainfo = Metainfo::parse(&read_file(path).ok()?).ok()?;
    (metainfo.info_hash() == magnet.info_hash()).then_some(metainfo)
}

/// In one step: a kill leaves the whole file or none.
fn keep(path: &Path, metainfo: &Metainfo) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new_path = path.with_added_extension("new");
    fs::File::create(&new_path)?.write_all(metainfo.as_bytes())?;
    fs::rename(new_path, path)
}
