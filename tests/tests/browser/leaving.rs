//! A page that is closed leaves its swarms at once.

use serde_json::json;
use swarmscope_tests::wait;

use crate::stage::{Stage, Swarm};

/// Longer than any test waits.
const NEVER_S: &str = "86400";

#[tokio::test]
async fn trackers_hear_of_a_page_that_was_left_for_another_and_a_step_back_goes_on() {
    let stage = Stage::with_relay("back", &["--resume-within-s", NEVER_S, "--leave-within-s", "1"]).await;
    let swarm = Swarm::with_blocks(&stage.scratch, "back.bin", 3_000_000, 65_536, 20).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    swarm.seed.wait_for_blocks(20).await;
    stage.browser.open(&format!("http://{}/worker.js", stage.relay.addr)).await;
    wait_until_stopped(&swarm).await;

    swarm.seed.allow(1 << 40);
    stage.browser.driver().back().await.expect("the browser steps back");
    stage.page_now().wait_for_state(&swarm.content, "seeding").await;
    swarm.seed.record().assert_no_verified_piece_twice();
    stage.browser.close().await;
}

/// What a browser tells a page that it keeps for a step back, whether or not this one would have kept it.
#[tokio::test]
async fn a_page_that_is_kept_for_a_step_back_is_stopped_and_begins_anew() {
    let stage = Stage::with_relay("kept", &["--resume-within-s", NEVER_S, "--leave-within-s", "1"]).await;
    let swarm = Swarm::with_blocks(&stage.scratch, "kept-page.bin", 3_000_000, 65_536, 20).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    swarm.seed.wait_for_blocks(20).await;
    let tell = "dispatchEvent(new PageTransitionEvent(arguments[0], { persisted: true }))";
    stage.browser.run::<serde_json::Value>(tell, vec![json!("pagehide")]).await;
    wait_until_stopped(&swarm).await;
    swarm.seed.allow(1 << 40);
    stage.browser.run::<serde_json::Value>(tell, vec![json!("pageshow")]).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    stage.browser.close().await;
}

#[tokio::test]
async fn trackers_hear_of_a_page_that_was_closed_long_before_its_session_would_time_out() {
    let stage = Stage::with_relay("leaving", &["--resume-within-s", NEVER_S, "--leave-within-s", "1"]).await;
    let swarm = Swarm::with_blocks(&stage.scratch, "left.bin", 3_000_000, 65_536, 20).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    swarm.seed.wait_for_blocks(20).await;
    // The browser ends with its last tab.
    let driver = stage.browser.driver();
    let page_of_ours = driver.window().await.expect("the page is there");
    let other = driver.new_tab().await.expect("a second tab opens");
    driver.switch_to_window(page_of_ours).await.expect("the page comes to the front");
    driver.close_window().await.expect("the page closes");
    driver.switch_to_window(other).await.expect("the second tab comes to the front");
    wait_until_stopped(&swarm).await;
    stage.browser.close().await;
}

async fn wait_until_stopped(swarm: &Swarm) {
    wait::until_true("the tracker to hear that the page is gone", wait::LONG, async || {
        swarm.tracker.announces().iter().any(|query| query.contains("event=stopped"))
    })
    .await;
}
