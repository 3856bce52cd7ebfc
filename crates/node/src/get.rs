//! `swarmscope-node get`: downloads a torrent, from where it was.

use std::process::ExitCode;
use std::sync::Arc;

use engine::Bitfield;

use crate::cli::GetArgs;
use crate::content::{Access, Content};
use crate::host::{ResumeFile, Setup};
use crate::report::Reporter;
use crate::selection::priorities;
use crate::session::{Outcome, check_data, interrupted_early, load_torrent, take_part};

/// Downloads what the arguments name. Exit code 0 means that all wanted files are there.
///
/// # Errors
/// With a text for the user.
pub async fn run(args: GetArgs) -> Outcome {
    let policy = Arc::new(args.net.policy());
    let reporter = Reporter::new(args.output);
    let loaded = load_torrent(&args.source, &args.out, &args.net, &policy, &reporter).await?;
    let Some((metainfo, arrival)) = loaded else { return interrupted_early() };
    if args.list {
        reporter.files(&metainfo);
        return Ok(ExitCode::SUCCESS);
    }
    let mut content = Content::new(Arc::clone(&metainfo), args.out.join(metainfo.name()), Access::Write);
    let priorities = priorities(&metainfo, args.files.as_ref(), args.skip.as_ref())?;
    let (mut resume, recorded) = ResumeFile::open(ResumeFile::path_for(content.root()), &metainfo)?;
    content.set_priorities(&priorities)?;
    let have = match recorded.filter(|have| !args.check && is_believable(have, &content)) {
        Some(have) => have,
        None => {
            let readable = Content::new(Arc::clone(&metainfo), content.root().to_owned(), Access::Read);
            let Some(have) = check_data(readable, &reporter).await? else {
                return interrupted_early();
            };
            resume.begin_with(&have)?;
            have
        }
    };
    content.prepare()?;
    let setup = Setup {
        have,
        resume: Some(resume),
        listen: args.net.listen,
        arrival,
        bind: args.net.bind_addr(),
        policy,
        peers: args.net.peers.clone(),
        config: args.net.config(),
        content: Arc::new(content),
    };
    take_part(setup, &reporter, !args.seed_after).await
}

/// A record of nothing beside data that somebody put there is no reason to download that data.
fn is_believable(have: &Bitfield, content: &Content) -> bool {
    let is_data_unexplained = have.count() == 0 && content.root().exists();
    !is_data_unexplained && content.could_hold(|piece| have.has(piece))
}
