//! The three ways of getting the same bytes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::sampler::{Sampler, Usage};
use super::source;
use crate::aria2::Aria2;
use crate::chromium::{Browser, Profile};
use crate::content::Content;
use crate::fake_tracker::{Answer, FakeTracker};
use crate::libtorrent::Libtorrent;
use crate::page::Page;
use crate::places::Scratch;
use crate::relay::{Relay, TOKEN};
use crate::{proc_tree, programs};

/// How often a page is asked whether it is done: each time costs its main thread some milliseconds.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// No run takes longer than this.
const LIMIT: Duration = Duration::from_secs(3600);

/// What all runs share: content, one libtorrent seed that a tracker names, and the relay.
#[derive(Debug)]
pub struct Bench {
    content: Content,
    torrent: PathBuf,
    relay: Relay,
    _seed: Libtorrent,
    _tracker: FakeTracker,
    scratch: Scratch,
}

/// What came of one run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Megabytes (10^6) a second, from the order to the last verified byte.
    pub mb_per_s: f64,
    /// What browser and relay used meanwhile; none for a run without them.
    pub usage: Option<Usage>,
    /// Proportional set size of the browser before the run, with an empty page, in bytes.
    pub empty_pss_bytes: u64,
}

impl Bench {
    /// Makes the content and starts seed, tracker and relay.
    ///
    /// # Panics
    /// When one of them does not start.
    pub async fn new(scratch: Scratch, content: Content) -> Self {
        let torrent_of_seed = content.torrent_file::<&str>(&scratch, &[]);
        let seed = Libtorrent::seed(&scratch, &torrent_of_seed, &content.parent).await;
        let tracker = FakeTracker::start(Answer::Peers(vec![seed.addr])).await;
        let torrent = content.torrent_file(&scratch, &[&tracker.url]);
        let web = scratch.folder("web");
        copy_files(&programs::dist(), &web);
        copy_files(&programs::own_file("bench"), &web);
        let relay = Relay::start_with(&scratch, &web, &[]).await;
        Self { content, torrent, relay, _seed: seed, _tracker: tracker, scratch }
    }

    /// (a) The torrent in the tab.
    ///
    /// # Panics
    /// When it is not downloaded.
    pub async fn tab(&self) -> Run {
        let profile = Profile::new(&self.scratch).await;
        let browser = profile.browser().await;
        let empty_pss_bytes = self.empty_page(&browser).await;
        let page = Page::open(&browser, &self.relay.page_url()).await;
        let sampler = Sampler::start(browser.pid(), self.relay.process.pid());
        let started = Instant::now();
        page.add_file(&self.torrent).await;
        let done = async || page.row(&self.content).await.filter(|row| row.state == "seeding").map(drop);
        crate::wait::until_seen("the tab to have everything", LIMIT, LOOK_INTERVAL, done).await;
        let run = self.run(started.elapsed(), Some(sampler.stop()), empty_pss_bytes);
        browser.close().await;
        profile.delete();
        run
    }

    /// (b) The torrent with aria2.
    ///
    /// # Panics
    /// When it is not downloaded.
    pub async fn aria2(&self) -> Run {
        let folder = self.scratch.folder("aria2");
        let started = Instant::now();
        Aria2::get(&self.scratch, &self.torrent, &folder).wait_until_done(LIMIT).await;
        let run = self.run(started.elapsed(), None, 0);
        std::fs::remove_dir_all(folder).expect("a folder of ours can be deleted");
        run
    }

    /// (c) The same bytes in the bare page.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn bare(&self) -> Run {
        let profile = Profile::new(&self.scratch).await;
        let browser = profile.browser().await;
        let empty_pss_bytes = self.empty_page(&browser).await;
        browser.open(&format!("http://{}/bare.html", self.relay.addr)).await;
        let job = json!({
            "relay": format!("ws://{}/relay", self.relay.addr),
            "token": TOKEN,
            "source": source::start(&self.content),
            "infoHash": self.content.info_hash,
            "pieceLen": self.content.piece_len,
            "totalLen": self.content.len(),
            "hashes": STANDARD.encode(self.content.hashes()),
        });
        let sampler = Sampler::start(browser.pid(), self.relay.process.pid());
        browser.run::<()>("startBare(arguments[0])", vec![job]).await;
        let outcome =
            async || Some(browser.run::<Value>("return outcome", vec![]).await).filter(|now| !now.is_null());
        let outcome =
            crate::wait::until_seen("the bare page to have everything", LIMIT, LOOK_INTERVAL, outcome).await;
        let usage = sampler.stop();
        let seconds =
            outcome["seconds"].as_f64().unwrap_or_else(|| panic!("the bare page failed: {outcome}"));
        let run = self.run(Duration::from_secs_f64(seconds), Some(usage), empty_pss_bytes);
        browser.close().await;
        profile.delete();
        run
    }

    /// Length of the content in bytes.
    #[must_use]
    pub fn content_len(&self) -> u64 {
        self.content.len()
    }

    fn run(&self, elapsed: Duration, usage: Option<Usage>, empty_pss_bytes: u64) -> Run {
        Run { mb_per_s: self.content.len() as f64 / 1e6 / elapsed.as_secs_f64(), usage, empty_pss_bytes }
    }

    /// Memory of the browser with an empty page, once it no longer changes by more than a hundredth.
    async fn empty_page(&self, browser: &Browser) -> u64 {
        browser.open(&format!("http://{}/empty.html", self.relay.addr)).await;
        let mut last = 0;
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = proc_tree::pss_bytes(browser.pid());
            if now.abs_diff(last) < now / 100 {
                return now;
            }
            last = now;
        }
    }
}

fn copy_files(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).expect("the folder is there") {
        let path = entry.expect("a folder can be listed").path();
        let target = to.join(path.file_name().expect("an entry of a folder has a name"));
        if path.is_dir() {
            std::fs::create_dir_all(&target).expect("a folder can be made");
            copy_files(&path, &target);
        } else {
            std::fs::copy(&path, target).expect("a file can be copied");
        }
    }
}
