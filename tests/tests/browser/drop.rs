//! Torrent files and links are dropped onto the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use swarmscope_tests::page::Page;
use swarmscope_tests::wait;

use crate::stage::{Stage, Swarm};

/// What is dragged: files as names with their bytes in base64, and a link.
const HOLD: &str = r"
    const [files, link] = arguments;
    window.dragged = new DataTransfer();
    for (const [name, base64] of files) {
        const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
        dragged.items.add(new File([bytes], name));
    }
    if (link) dragged.setData('text/uri-list', link);
";

/// Whether the page left the event to the browser, which would show the file in place of the page.
const DRAG: &str = r"
    const event = new DragEvent(arguments[0], { dataTransfer: dragged, bubbles: true, cancelable: true });
    return document.querySelector('main').dispatchEvent(event);
";

const IS_OVER: &str = "return getComputedStyle(document.querySelector('.drop-zone')).display !== 'none'";

#[tokio::test]
async fn a_torrent_file_dropped_onto_the_page_is_added() {
    let stage = Stage::new("drop").await;
    let swarm = Swarm::new(&stage.scratch, "dropped.bin", 1_000_000, 65_536).await;
    let other = Swarm::new(&stage.scratch, "beside.bin", 500_000, 65_536).await;
    let page = stage.page().await;
    let file = |swarm: &Swarm| {
        let bytes = std::fs::read(&swarm.torrent).expect("the torrent file is there");
        json!([format!("{}.torrent", swarm.content.name), STANDARD.encode(bytes)])
    };
    page.browser.run::<()>(HOLD, vec![json!([file(&swarm), file(&other)])]).await;

    for kind in ["dragenter", "dragover"] {
        assert!(!drag(&page, kind).await, "{kind} is left to the browser");
    }
    wait_for_zone(&page, true).await;
    assert!(!drag(&page, "drop").await, "the drop is left to the browser");
    wait_for_zone(&page, false).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    page.wait_for_state(&other.content, "seeding").await;
    stage.browser.close().await;
}

#[tokio::test]
async fn a_link_dropped_onto_the_page_fills_in_the_form() {
    let stage = Stage::new("drop-link").await;
    let page = stage.page().await;
    let link = "http://127.0.0.1:9/dropped.torrent";
    page.browser.run::<()>(HOLD, vec![json!([]), json!(link)]).await;
    assert!(!drag(&page, "dragover").await);
    assert!(!drag(&page, "drop").await);
    wait::until_true("the link in the form", wait::LONG, async || {
        let script = "return document.querySelector('[data-testid=add-link]').value";
        page.browser.run::<String>(script, vec![]).await == link
    })
    .await;
    stage.browser.close().await;
}

async fn drag(page: &Page<'_>, kind: &str) -> bool {
    page.browser.run(DRAG, vec![json!(kind)]).await
}

async fn wait_for_zone(page: &Page<'_>, is_over: bool) {
    wait::until_true(&format!("the drop zone to be shown: {is_over}"), wait::LONG, async || {
        page.browser.run::<bool>(IS_OVER, vec![]).await == is_over
    })
    .await;
}
