//! A browser that is killed at any instant has lost no verified piece when it comes back, and fetches none twice.

use swarmscope_tests::chromium::wait_for_download;
use swarmscope_tests::content::{Content, SplitMix, assert_same_file};
use swarmscope_tests::libtorrent::Libtorrent;
use swarmscope_tests::opentracker::OpenTracker;
use swarmscope_tests::page::Page;

use crate::stage::{Stage, Swarm};

const PIECE_LEN: u32 = 128 * 1024;
const BLOCK_LEN: u64 = 16 * 1024;

/// The seed counts each block that it sends, and hears from the tab which pieces the tab says to have: at the start
/// of each connection by bitfield, then piece by piece. That is exactly the set that must never be asked for again.
#[tokio::test]
async fn no_verified_piece_is_fetched_twice_over_fourteen_kills() {
    const KILLS: u64 = 14;
    let mut stage = Stage::new("kills").await;
    let len = 48 * 1024 * 1024 + 77;
    // In each round the seed sends no more than a share, so that the end never comes before the last kill.
    let share = len / BLOCK_LEN / (KILLS + 1);
    let swarm = Swarm::with_blocks(&stage.scratch, "killed.bin", len, PIECE_LEN, 0).await;
    let mut random = SplitMix(0x0b5e_55ed);

    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    let mut verified = 0.0;
    for _ in 0..KILLS {
        let blocks = swarm.seed.record().blocks_sent_total();
        swarm.seed.allow(usize::try_from(share).expect("a share is small"));
        swarm.seed.wait_for_blocks(blocks + 1 + random.below(share)).await;
        let shown = stage.page_now().row(&swarm.content).await.map_or(0.0, |row| row.progress);
        stage = stage.kill_browser().await;
        let page = stage.page().await;
        let row = page.wait_for(&swarm.content, "in the list again", |row| row.state != "checking").await;
        assert_eq!(row.state, "downloading");
        assert!(row.progress >= shown, "shown {shown} before the kill, {} after it", row.progress);
        verified = row.progress;
    }
    swarm.seed.allow(1 << 40);
    stage.page_now().wait_for_state(&swarm.content, "seeding").await;

    assert!(verified > 0.0, "every kill came before the first verified piece");
    swarm.seed.record().assert_no_verified_piece_twice();
    stage.page_now().press(&swarm.content, "save").await;
    let saved = wait_for_download(&stage.profile.downloads, &swarm.content.name).await;
    assert_same_file(&swarm.content.parent.join(&swarm.content.name), &saved);
    stage.browser.close().await;
}

/// The same with libtorrent, by its own count: after the last kill it sends what was not verified, and not a byte more.
#[tokio::test]
async fn libtorrent_sends_only_what_was_not_verified_over_six_kills() {
    const KILLS: u64 = 6;
    let mut stage = Stage::new("kills-real").await;
    let content = Content::single(&stage.scratch, "killed.bin", 64 * 1024 * 1024 + 5, PIECE_LEN);
    let tracker = OpenTracker::start(&stage.scratch, &[&content]).await;
    let torrent = content.torrent_file(&stage.scratch, &[tracker.http_url()]);
    let seed = Libtorrent::seed(&stage.scratch, &torrent, &content.parent).await;
    seed.limit_upload(8_000_000).await;
    tracker.wait_for_seeds(&content, 1).await;
    let mut random = SplitMix(0x51ab);

    stage.page().await.add_file(&torrent).await;
    for _ in 0..KILLS {
        let sent = seed.status().await.payload_up;
        seed.wait_for_upload(sent + 1 + random.below(content.len() / (KILLS + 2))).await;
        let shown = stage.page_now().row(&content).await.map_or(0.0, |row| row.progress);
        stage = stage.kill_browser().await;
        let page = stage.page().await;
        let row = page.wait_for(&content, "in the list again", |row| row.state != "checking").await;
        assert!(row.progress >= shown, "shown {shown} before the kill, {} after it", row.progress);
    }
    let before = paused(&stage.page_now(), &content).await;
    let sent_before = seed.status().await.payload_up;
    let page = stage.page_now();
    page.press(&content, "resume").await;
    page.wait_for_state(&content, "seeding").await;
    let missing = content.len() - (before * content.len() as f64).round() as u64;
    let sent = seed.status().await.payload_up - sent_before;
    assert!(sent <= missing, "libtorrent sent {sent} bytes where {missing} were not verified");
    stage.browser.close().await;
}

/// The verified share when nothing moves any more.
async fn paused(page: &Page<'_>, content: &Content) -> f64 {
    page.press(content, "pause").await;
    page.wait_for(content, "paused without peers", |row| row.state == "paused" && row.peers == 0)
        .await
        .progress
}
