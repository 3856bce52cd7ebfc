//! Data that stays when its torrent is removed is listed, and can be deleted or gone on with.

use serde::Deserialize;
use swarmscope_tests::page::Page;
use swarmscope_tests::wait;

use crate::stage::{Stage, Swarm};

const KEPT: &str = r"
    return [...document.querySelectorAll('[data-testid=kept]')]
        .map(row => ({ info_hash: row.dataset.infoHash, text: row.textContent }));
";

const STORED_FOLDERS: &str = r"
    const [done] = arguments;
    const list = async () => {
        const root = await navigator.storage.getDirectory();
        const top = await root.getDirectoryHandle('swarmscope');
        const entries = await Array.fromAsync(top.values());
        return entries.filter(entry => entry.kind === 'directory').map(entry => entry.name);
    };
    list().then(done);
";

#[derive(Debug, Deserialize)]
struct Kept {
    info_hash: String,
    text: String,
}

#[tokio::test]
async fn kept_data_is_listed_with_its_size_also_after_a_reload_and_can_be_deleted() {
    let stage = Stage::new("kept").await;
    let swarm = Swarm::new(&stage.scratch, "kept.bin", 1_000_000, 65_536).await;
    let other = Swarm::with_blocks(&stage.scratch, "part.bin", 1_000_000, 65_536, 30).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    page.add_file(&other.torrent).await;
    page.wait_for_progress(&other.content, 0.1).await;
    assert_eq!(kept(&page).await.len(), 0);
    page.remove(&swarm.content, false).await;
    page.remove(&other.content, false).await;
    wait_for_kept(&page, 2).await;

    let page = stage.page().await;
    let rows = wait_for_kept(&page, 2).await;
    assert_eq!(rows[0].info_hash, swarm.content.info_hash, "{rows:?}");
    assert!(rows[0].text.contains("kept.bin") && rows[0].text.contains("1.00\u{a0}MB"), "{rows:?}");
    assert!(rows[1].text.contains("part.bin") && rows[1].text.contains("kB"), "{rows:?}");

    delete(&page, &swarm).await;
    wait_for_kept(&page, 1).await;
    wait_for_folders(&page, &[&other]).await;
    // What is left is gone on with, and is no longer left over.
    other.seed.allow(1 << 40);
    page.add_file(&other.torrent).await;
    page.wait_for_state(&other.content, "seeding").await;
    other.seed.record().assert_no_verified_piece_twice();
    wait_for_kept(&page, 0).await;
    stage.browser.close().await;
}

#[tokio::test]
async fn what_was_deleted_stays_deleted_and_can_be_downloaded_again() {
    let stage = Stage::new("kept-deleted").await;
    let swarm = Swarm::new(&stage.scratch, "deleted.bin", 1_000_000, 65_536).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    page.remove(&swarm.content, false).await;
    wait_for_kept(&page, 1).await;
    delete(&page, &swarm).await;
    wait_for_folders(&page, &[]).await;

    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    assert_eq!(kept(&page).await.len(), 0);
    let blocks = swarm.content.len().div_ceil(u64::from(swarmscope_tests::fake_peer::BLOCK_LEN));
    assert_eq!(swarm.seed.record().blocks_sent_total(), 2 * blocks);
    stage.browser.close().await;
}

async fn kept(page: &Page<'_>) -> Vec<Kept> {
    page.browser.run(KEPT, vec![]).await
}

async fn wait_for_kept(page: &Page<'_>, count: usize) -> Vec<Kept> {
    wait::until(&format!("{count} torrents' data to be listed"), wait::LONG, async || {
        Some(kept(page).await).filter(|rows| rows.len() == count)
    })
    .await
}

async fn delete(page: &Page<'_>, swarm: &Swarm) {
    let row = format!("[data-testid=kept][data-info-hash='{}']", swarm.content.info_hash);
    page.browser.click(&format!("{row} [data-testid=kept-delete]")).await;
    page.browser.click(&format!("{row} [data-testid=kept-confirm]")).await;
}

async fn wait_for_folders(page: &Page<'_>, swarms: &[&Swarm]) {
    let expected: Vec<&str> = swarms.iter().map(|swarm| swarm.content.info_hash.as_str()).collect();
    wait::until_true(&format!("only {expected:?} to be stored"), wait::LONG, async || {
        let stored: Vec<String> = page.browser.run_async(STORED_FOLDERS, vec![], wait::LONG).await;
        stored == expected
    })
    .await;
}
