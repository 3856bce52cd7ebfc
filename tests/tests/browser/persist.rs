//! The browser is asked to keep what is stored before anything is downloaded.

use serde_json::json;
use swarmscope_tests::page::Page;
use swarmscope_tests::wait;

use crate::stage::{Stage, Swarm};

/// Stands in for the browser's answer, and writes down in which order it is asked and the engine is told to add.
const WATCH: &str = r"
    window.steps = [];
    StorageManager.prototype.persist = async () => {
        steps.push('asked');
        return GRANTED;
    };
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (...message) {
        // What is added is in the message as it is: a torrent file, or a link.
        const bytes = message[0].find(part => part instanceof Uint8Array);
        if (bytes && /4:info|none\.torrent/.test(new TextDecoder().decode(bytes))) steps.push('told');
        return post.apply(this, message);
    };
";

#[tokio::test]
async fn the_browser_is_asked_to_keep_files_before_a_torrent_is_added() {
    let stage = Stage::new("persist").await;
    let swarm = Swarm::new(&stage.scratch, "granted.bin", 500_000, 65_536).await;
    watch(&stage, true).await;
    let page = stage.page().await;
    assert_eq!(steps(&page).await, [""; 0], "asked before there is anything to keep");
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    assert_eq!(steps(&page).await, ["asked", "told"]);
    page.add_link("http://127.0.0.1:9/none.torrent").await;
    wait::until_true("the link to be handed on", wait::LONG, async || steps(&page).await.len() >= 4).await;
    assert_eq!(steps(&page).await, ["asked", "told", "asked", "told"]);
    stage.browser.close().await;
}

#[tokio::test]
async fn a_browser_that_promises_nothing_downloads_and_the_user_is_told_once() {
    let stage = Stage::new("not-persisted").await;
    let first = Swarm::new(&stage.scratch, "first.bin", 500_000, 65_536).await;
    let second = Swarm::new(&stage.scratch, "second.bin", 500_000, 65_536).await;
    watch(&stage, false).await;
    let page = stage.page().await;
    page.add_file(&first.torrent).await;
    page.wait_for_notice("does not promise").await;
    page.browser.click("[data-testid=notice] button").await;
    page.wait_for_state(&first.content, "seeding").await;
    page.add_file(&second.torrent).await;
    page.wait_for_state(&second.content, "seeding").await;
    assert_eq!(steps(&page).await.iter().filter(|step| *step == "asked").count(), 2);
    assert_eq!(page.notices().await, [""; 0]);
    stage.browser.close().await;
}

/// From the next page on.
async fn watch(stage: &Stage, is_granted: bool) {
    let source = WATCH.replace("GRANTED", &is_granted.to_string());
    stage.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await;
}

async fn steps(page: &Page<'_>) -> Vec<String> {
    page.browser.run("return steps", vec![]).await
}
