//! What nearly every test of the page begins with.

use std::path::PathBuf;

use swarmscope_tests::chromium::{Browser, Profile};
use swarmscope_tests::content::Content;
use swarmscope_tests::fake_peer::{Behaviour, FakePeer};
use swarmscope_tests::fake_tracker::{Answer, FakeTracker};
use swarmscope_tests::page::Page;
use swarmscope_tests::places::Scratch;
use swarmscope_tests::programs;
use swarmscope_tests::relay::Relay;

/// A relay that serves the page, and a browser that has not opened it yet.
pub(crate) struct Stage {
    pub(crate) scratch: Scratch,
    pub(crate) relay: Relay,
    pub(crate) browser: Browser,
    // Last, so that the folders outlive the programs and the place is free when they have ended.
    pub(crate) profile: Profile,
}

impl Stage {
    pub(crate) async fn new(name: &str) -> Self {
        Self::with_relay(name, &[]).await
    }

    /// One whose relay has more arguments.
    pub(crate) async fn with_relay(name: &str, more: &[&str]) -> Self {
        let scratch = Scratch::new(name);
        let profile = Profile::new(&scratch).await;
        let relay = Relay::start_with(&scratch, &programs::dist(), more).await;
        let browser = profile.browser().await;
        Self { scratch, relay, browser, profile }
    }

    /// Opens the page.
    pub(crate) async fn page(&self) -> Page<'_> {
        Page::open(&self.browser, &self.relay.page_url()).await
    }

    /// The page that is open already.
    pub(crate) const fn page_now(&self) -> Page<'_> {
        Page { browser: &self.browser }
    }

    /// Kills the browser and starts another one on its profile.
    pub(crate) async fn kill_browser(self) -> Self {
        let Self { scratch, relay, browser, profile } = self;
        browser.kill().await;
        let browser = profile.browser().await;
        Self { scratch, relay, browser, profile }
    }
}

/// A torrent with one scripted seed, which a scripted tracker names.
pub(crate) struct Swarm {
    pub(crate) content: Content,
    pub(crate) seed: FakePeer,
    pub(crate) torrent: PathBuf,
    pub(crate) tracker: FakeTracker,
}

impl Swarm {
    /// One whose seed sends at most so many blocks until it is allowed more.
    pub(crate) async fn with_blocks(
        scratch: &Scratch,
        name: &str,
        len: u64,
        piece_len: u32,
        blocks: usize,
    ) -> Self {
        Self::of(scratch, Content::single(scratch, name, len, piece_len), blocks).await
    }

    /// One for this content.
    pub(crate) async fn of(scratch: &Scratch, content: Content, blocks: usize) -> Self {
        let seed = FakePeer::start_with(&content, Behaviour::Honest, blocks).await;
        let tracker = FakeTracker::start(Answer::Peers(vec![seed.addr])).await;
        let torrent = content.torrent_file(scratch, &[&tracker.url]);
        Self { content, seed, torrent, tracker }
    }

    /// One whose seed sends as fast as it can.
    pub(crate) async fn new(scratch: &Scratch, name: &str, len: u64, piece_len: u32) -> Self {
        let swarm = Self::with_blocks(scratch, name, len, piece_len, 0).await;
        swarm.seed.allow(1 << 40);
        swarm
    }
}
