//! Storage that fills up stops a torrent and costs it nothing that is verified.

use serde_json::json;

use crate::stage::{Stage, Swarm};

#[tokio::test]
async fn a_full_storage_stops_the_torrent_with_an_error_and_keeps_what_is_verified() {
    let stage = Stage::new("storage").await;
    let swarm = Swarm::new(&stage.scratch, "large.bin", 40_000_000, 262_144).await;
    let page = stage.page().await;
    let origin = format!("http://{}", stage.relay.addr);
    stage
        .browser
        .devtools("Storage.overrideQuotaForOrigin", json!({ "origin": origin, "quotaSize": 20_000_000 }))
        .await;

    page.add_file(&swarm.torrent).await;
    let full = page.wait_for_state(&swarm.content, "error").await;
    assert!(full.progress > 0.0 && full.progress < 1.0, "{full:?}");
    let words = full.error.to_lowercase();
    assert!(words.contains("full") || words.contains("space"), "{:?} does not say what is wrong", full.error);

    stage.browser.devtools("Storage.overrideQuotaForOrigin", json!({ "origin": origin })).await;
    page.press(&swarm.content, "resume").await;
    page.wait_for_state(&swarm.content, "seeding").await;
    swarm.seed.record().assert_no_verified_piece_twice();
    stage.browser.close().await;
}
