//! `swarmscope-node seed`: checks content and seeds it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::Metainfo;

use crate::cli::SeedArgs;
use crate::content::{Access, Content};
use crate::host::{Earlier, Setup};
use crate::report::Reporter;
use crate::session::{Loaded, Outcome, check_data, interrupted_early, load_torrent, take_part};

/// Seeds what the arguments name until interrupted. Changes nothing on the disk.
///
/// # Errors
/// With a text for the user, for instance if not everything is there.
pub async fn run(args: SeedArgs) -> Outcome {
    let policy = Arc::new(args.net.policy());
    let reporter = Reporter::new(args.output);
    // Where `get` keeps the torrents of magnet links.
    let beside = args.data.parent().unwrap_or_else(|| Path::new("."));
    let folder = if args.data.is_dir() { &args.data } else { beside };
    let loaded = load_torrent(&args.source, folder, &args.net, &policy, &reporter).await?;
    let Some(Loaded { metainfo, arrival, peers, kept_at, .. }) = loaded else {
        return interrupted_early();
    };
    let open = || Content::new(Arc::clone(&metainfo), locate(&args.data, &metainfo), Access::Read);
    let Some(have) = check_data(open(), &reporter).await? else {
        return interrupted_early();
    };
    if !have.is_complete() {
        let (missing, total) = (have.pieces_total() - have.count(), have.pieces_total());
        let root = locate(&args.data, &metainfo);
        let text = format!("{missing} of {total} pieces are missing or damaged in {}", root.display());
        return Err(format!("{text}; `swarmscope-node get` downloads them").into());
    }
    let setup = Setup {
        content: Arc::new(open()),
        have,
        earlier: Earlier::default(),
        goals: args.net.goals(),
        order: engine::PickOrder::default(),
        resume: None,
        kept_at,
        listen: args.net.listen,
        arrival,
        bind: args.net.bind_addr(),
        policy,
        peers: [peers, args.net.peers.clone()].concat(),
        config: engine::Config { super_seed: args.super_seed, ..args.net.config() },
    };
    take_part(setup, &reporter, false).await
}

/// The user may point at the content or at the folder that it lies in.
fn locate(data: &Path, metainfo: &Metainfo) -> PathBuf {
    let inside = data.join(metainfo.name());
    let is_content =
        if metainfo.is_single_file() { !data.is_dir() } else { !inside.is_dir() && data.is_dir() };
    if is_content { data.to_owned() } else { inside }
}
