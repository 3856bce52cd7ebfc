//! Storage that is too small or fills up costs nothing that is verified.

use serde_json::json;
use swarmscope_tests::fake_peer::BLOCK_LEN;
use swarmscope_tests::wait;

use crate::stage::{Stage, Swarm};

const LEN: u64 = 40_000_000;

#[tokio::test]
async fn storage_that_fills_up_stops_the_torrent_with_an_error_and_keeps_what_is_verified() {
    let stage = Stage::new("storage").await;
    let swarm = Swarm::with_blocks(&stage.scratch, "large.bin", LEN, 262_144, 100).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_progress(&swarm.content, 0.01).await;
    // What was granted to open files stays granted, so the limit bites only files that are opened after it.
    limit(&stage, Some(LEN / 2)).await;
    let page = stage.page().await;
    swarm.seed.allow(1 << 40);

    let full = page.wait_for_state(&swarm.content, "error").await;
    assert!(full.progress > 0.0 && full.progress < 1.0, "{full:?}");
    let words = full.error.to_lowercase();
    assert!(words.contains("full") || words.contains("space"), "{:?} does not say what is wrong", full.error);

    limit(&stage, None).await;
    page.press(&swarm.content, "resume").await;
    page.wait_for_state(&swarm.content, "seeding").await;
    swarm.seed.record().assert_no_verified_piece_twice();
    stage.browser.close().await;
}

#[tokio::test]
async fn a_torrent_that_does_not_fit_is_refused_before_it_starts() {
    let stage = Stage::new("too-large").await;
    let swarm = Swarm::new(&stage.scratch, "large.bin", LEN, 262_144).await;
    let page = stage.page().await;
    limit(&stage, Some(LEN / 2)).await;
    page.add_file(&swarm.torrent).await;
    let text = page.wait_for_notice("large.bin.torrent").await;
    assert!(
        text.contains("40.0 MB") && text.contains("room"),
        "{text:?} does not say what is wrong and what to do"
    );
    assert_eq!(page.rows().await.len(), 0);
    assert_eq!(swarm.seed.record().connections, 0);
    stage.browser.close().await;
}

/// Opens the first content file of a torrent in a worker of our own, which nobody else can do until it is closed.
const HOLD_FILE: &str = r"
    const [infoHash, done] = arguments;
    const code = `onmessage = async event => {
        let folder = await navigator.storage.getDirectory();
        for (const name of ['swarmscope', event.data, 'content']) {
            folder = await folder.getDirectoryHandle(name, { create: true });
        }
        const file = await folder.getFileHandle('0', { create: true });
        const handle = await file.createSyncAccessHandle();
        onmessage = () => { handle.close(); postMessage('closed'); };
        postMessage('open');
    }`;
    window.holder = new Worker(URL.createObjectURL(new Blob([code])));
    holder.onmessage = event => done(event.data);
    holder.postMessage(infoHash);
";

const LET_GO: &str = r"
    const [done] = arguments;
    holder.onmessage = event => done(event.data);
    holder.postMessage(0);
";

/// What may be under way: 4 MiB that wait in the tab, the session's window of 8 MiB, and the sockets' buffers.
const UNDER_WAY_MAX: u64 = 40_000_000;

#[tokio::test]
async fn a_file_that_another_holds_keeps_the_peers_waiting_and_not_the_memory_growing() {
    let stage = Stage::new("held-file").await;
    // Pieces so long that their blocks go to storage as they come.
    let swarm = Swarm::new(&stage.scratch, "held.bin", 2 * UNDER_WAY_MAX, 32 << 20).await;
    let page = stage.page().await;
    let hash = json!(swarm.content.info_hash);
    assert_eq!(stage.browser.run_async::<String>(HOLD_FILE, vec![hash], wait::LONG).await, "open");
    page.add_file(&swarm.torrent).await;
    let failed = page.wait_for_state(&swarm.content, "error").await;
    assert!(failed.error.contains("Another tab"), "{failed:?}");
    let sent = swarm.seed.record().blocks_sent_total() * u64::from(BLOCK_LEN);
    assert!(sent < UNDER_WAY_MAX, "{sent} bytes came in while none could be stored");

    assert_eq!(stage.browser.run_async::<String>(LET_GO, vec![], wait::LONG).await, "closed");
    page.press(&swarm.content, "resume").await;
    page.wait_for_state(&swarm.content, "seeding").await;
    stage.browser.close().await;
}

/// Limits what the page's origin may store.
async fn limit(stage: &Stage, bytes: Option<u64>) {
    let origin = format!("http://{}", stage.relay.addr);
    let params = match bytes {
        Some(bytes) => json!({ "origin": origin, "quotaSize": bytes }),
        None => json!({ "origin": origin }),
    };
    stage.browser.devtools("Storage.overrideQuotaForOrigin", params).await;
}
