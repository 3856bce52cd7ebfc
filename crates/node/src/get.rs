//! `swarmscope-node get`: downloads a torrent, from where it was.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use engine::{Goals, History, PartialPieces, Resume};

use crate::cli::GetArgs;
use crate::content::{Access, Content};
use crate::host::{Earlier, ResumeFile, Setup};
use crate::report::Reporter;
use crate::selection::priorities;
use crate::session::{Loaded, Outcome, check_data, interrupted_early, load_torrent, take_part};

/// Downloads what the arguments name. Exit code 0 means that all wanted files are there.
///
/// # Errors
/// With a text for the user.
pub async fn run(args: GetArgs) -> Outcome {
    let policy = Arc::new(args.net.policy());
    let reporter = Reporter::new(args.output);
    let loaded = load_torrent(&args.source, &args.out, &args.net, &policy, &reporter).await?;
    let Some(Loaded { metainfo, arrival, peers, selection, kept_at }) = loaded else {
        return interrupted_early();
    };
    if args.list {
        reporter.files(&metainfo);
        return Ok(ExitCode::SUCCESS);
    }
    let mut content = Content::new(Arc::clone(&metainfo), args.out.join(metainfo.name()), Access::Write);
    // What the user says counts more than what a link says.
    let priorities = match (args.files.as_ref(), args.skip.as_ref()) {
        (None, None) => selection.priorities(metainfo.files().len()),
        (only, skip) => priorities(&metainfo, only, skip)?,
    };
    let (mut resume, recorded) = ResumeFile::open(ResumeFile::path_for(content.root()), &metainfo)?;
    content.set_priorities(&priorities)?;
    let history = recorded.as_ref().map(history).unwrap_or_default();
    let (have, partial) = match recorded.filter(|it| !args.check && is_believable(it, &content)) {
        Some(resume) => (resume.have, resume.partial),
        None => {
            let readable = Content::new(Arc::clone(&metainfo), content.root().to_owned(), Access::Read);
            let Some(have) = check_data(readable, &reporter).await? else {
                return interrupted_early();
            };
            resume.begin_with(&have)?;
            (have, PartialPieces::new())
        }
    };
    content.prepare()?;
    let setup = Setup {
        have,
        earlier: Earlier { partial, history },
        goals: args.net.goals(),
        order: args.order(),
        resume: Some(resume),
        kept_at,
        listen: args.net.listen,
        arrival,
        bind: args.net.bind_addr(),
        policy,
        peers: [peers, args.net.peers.clone()].concat(),
        config: args.net.config(),
        content: Arc::new(content),
    };
    let seeds_after = args.seed_after || setup.goals != Goals::default();
    take_part(setup, &reporter, !seeds_after).await
}

/// A record of nothing beside data that somebody put there is no reason to download that data.
fn is_believable(recorded: &Resume, content: &Content) -> bool {
    let says_nothing = recorded.have.count() == 0 && recorded.partial.is_empty();
    let is_data_unexplained = says_nothing && content.root().exists();
    // Where the data is gone, blocks of unfinished pieces are too.
    let is_data_gone = !says_nothing && !content.root().exists();
    !is_data_unexplained && !is_data_gone && content.could_hold(|piece| recorded.have.has(piece))
}

fn history(recorded: &Resume) -> History {
    let &Resume { uploaded, downloaded, seeding_s, .. } = recorded;
    History { uploaded, downloaded, seeding_time: Duration::from_secs(seeding_s) }
}
