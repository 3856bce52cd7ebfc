//! One tab drives the engine, the others show it, and when the first goes another takes over.

use swarmscope_tests::page::Page;
use swarmscope_tests::wait;

use crate::stage::{Stage, Swarm};

#[tokio::test]
async fn two_tabs_show_one_engine_and_the_second_takes_over() {
    let stage = Stage::new("two-tabs").await;
    let swarm = Swarm::with_blocks(&stage.scratch, "shared.bin", 3_000_000, 65_536, 40).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "downloading").await;
    let driver = stage.browser.driver();
    let first = driver.window().await.expect("the first tab is there");

    let second = driver.new_tab().await.expect("a second tab opens");
    driver.switch_to_window(second.clone()).await.expect("the second tab comes to the front");
    let page = stage.page().await;
    page.wait_for(&swarm.content, "shown in the second tab", |row| row.progress > 0.0).await;
    assert_eq!(swarm.seed.record().connections, 1, "two engines ran at the same time");

    // Either tab's buttons work.
    page.press(&swarm.content, "pause").await;
    driver.switch_to_window(first).await.expect("the first tab comes to the front");
    page.wait_for_state(&swarm.content, "paused").await;
    page.press(&swarm.content, "resume").await;
    page.wait_for_state(&swarm.content, "downloading").await;

    driver.close_window().await.expect("the first tab closes");
    driver.switch_to_window(second).await.expect("the second tab comes to the front");
    swarm.seed.allow(1 << 40);
    page.wait_for_state(&swarm.content, "seeding").await;
    swarm.seed.record().assert_no_verified_piece_twice();
    wait::until_true("one torrent in the list", wait::LONG, async || page.rows().await.len() == 1).await;
    stage.browser.close().await;
}

/// Stands in for a server that has another version by now: the script that belongs to this page is gone.
const LOSE_SCRIPT: &str = r"
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...more) {
        const lost = typeof message[0] === 'string' ? [message[0] + '.gone', message[1]] : message;
        return post.call(this, lost, ...more);
    };
";

#[tokio::test]
async fn an_engine_that_cannot_be_loaded_is_said_to_be_so() {
    let stage = Stage::new("no-engine").await;
    let source = serde_json::json!({ "source": LOSE_SCRIPT });
    stage.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
    let page = Page::load(&stage.browser, &stage.relay.page_url()).await;
    let notice = page.wait_for_notice("could not be loaded").await;
    assert!(notice.contains("Reload the page"), "{notice}");
    stage.browser.close().await;
}
