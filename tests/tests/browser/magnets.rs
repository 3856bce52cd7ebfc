//! A magnet link in place of a torrent file: what the file would say comes from peers, and survives what the page does.

use serde_json::json;
use swarmscope_tests::chromium::wait_for_download;
use swarmscope_tests::content::{Content, assert_same_file};
use swarmscope_tests::libtorrent::Libtorrent;
use swarmscope_tests::opentracker::OpenTracker;
use swarmscope_tests::wait;

use crate::stage::Stage;

#[tokio::test]
async fn a_torrent_comes_by_its_magnet_link_also_if_the_page_is_reloaded_before_anybody_has_it() {
    let stage = Stage::new("magnet").await;
    // Pieces so short that the info dictionary takes two messages.
    let content = Content::single(&stage.scratch, "by-magnet.bin", 20_000_001, 16_384);
    let tracker = OpenTracker::start(&stage.scratch, &[&content]).await;

    let page = stage.page().await;
    let link = content.magnet(&[tracker.http_url()]);
    stage
        .browser
        .run::<()>("location.hash = 'add=' + encodeURIComponent(arguments[0])", vec![json!(link)])
        .await;
    let filled = "return document.querySelector('[data-testid=add-link]').value";
    wait::until_true("the link in the field", wait::LONG, async || {
        stage.browser.run::<String>(filled, vec![]).await == link
    })
    .await;
    stage.browser.click("[data-testid=add-confirm]").await;
    page.wait_for_state(&content, "metadata").await;
    page.wait_for_text("[data-testid=torrent] .name", "by-magnet.bin").await;

    let page = stage.page().await;
    page.wait_for_state(&content, "metadata").await;
    page.press(&content, "pause").await;
    page.wait_for_state(&content, "paused").await;

    let torrent = content.torrent_file(&stage.scratch, &[tracker.http_url()]);
    let _seed = Libtorrent::seed(&stage.scratch, &torrent, &content.parent).await;
    tracker.wait_for_seeds(&content, 1).await;
    page.press(&content, "resume").await;
    page.wait_for_state(&content, "seeding").await;
    assert_eq!(page.rows().await.len(), 1, "the torrent took the place of its link");
    page.press(&content, "save").await;
    let saved = wait_for_download(&stage.profile.downloads, &content.name).await;
    assert_same_file(&content.parent.join(&content.name), &saved);

    // Now it is a torrent like any other.
    let page = stage.page().await;
    page.wait_for_state(&content, "seeding").await;
    page.add_link(&link).await;
    page.wait_for_notice("already").await;
    stage.browser.close().await;
}

#[tokio::test]
async fn a_magnet_link_can_be_removed_again_and_a_bad_one_is_refused_in_plain_words() {
    let stage = Stage::new("bad-magnet").await;
    let page = stage.page().await;
    for (link, word) in [
        ("magnet:?dn=nothing", "names no torrent"),
        ("magnet:?xt=urn:btih:abc", "no info hash"),
        ("magnetic", "neither a magnet link"),
    ] {
        page.add_link(link).await;
        page.wait_for_notice(word).await;
    }
    assert_eq!(page.rows().await.len(), 0);
    let content = Content::single(&stage.scratch, "nobody.bin", 100_000, 16_384);
    page.add_link(&content.magnet::<&str>(&[])).await;
    page.wait_for_state(&content, "metadata").await;
    page.show_detail(&content).await;
    page.remove(&content, false).await;
    let page = stage.page().await;
    assert_eq!(page.rows().await.len(), 0, "it does not come back");
    stage.browser.close().await;
}

#[tokio::test]
async fn a_torrents_magnet_link_is_copied_with_one_click() {
    let stage = Stage::new("copied").await;
    let content = Content::single(&stage.scratch, "copied.bin", 100_000, 16_384);
    let page = stage.page().await;
    let permissions = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
    stage.browser.devtools("Browser.grantPermissions", permissions).await;
    page.add_file(&content.torrent_file::<&str>(&stage.scratch, &[])).await;
    page.show_detail(&content).await;
    stage.browser.click("[data-testid=copy-magnet]").await;
    page.wait_for_text("[data-testid=copy-magnet]", "Copied").await;
    let read =
        "const [done] = arguments; navigator.clipboard.readText().then(done, error => done(String(error)));";
    let copied: String = stage.browser.run_async(read, vec![], wait::LONG).await;
    assert_eq!(copied, content.magnet::<&str>(&[]));
    stage.browser.close().await;
}
