//! A tracker that is of no use is shown with its fault, and the download goes on by another tier.

use swarmscope_tests::content::Content;
use swarmscope_tests::fake_peer::{Behaviour, FakePeer};
use swarmscope_tests::fake_tracker::{Answer, FakeTracker};

use crate::stage::Stage;

#[tokio::test]
async fn each_bad_tracker_is_shown_with_its_fault_while_another_tier_serves() {
    let stage = Stage::new("bad-trackers").await;
    let content = Content::single(&stage.scratch, "tiers.bin", 2_000_000, 65_536);
    let seed = FakePeer::start(&content, Behaviour::Honest).await;
    let good = FakeTracker::start(Answer::Peers(vec![seed.addr])).await;
    let html = FakeTracker::start(Answer::Html).await;
    let failure = FakeTracker::start(Answer::Failure("this torrent is not welcome here".to_owned())).await;
    let redirect = FakeTracker::start(Answer::RedirectForEver).await;
    let garbage = FakeTracker::start(Answer::Garbage).await;
    let down = FakeTracker::down();
    let trackers = [&down, &html.url, &failure.url, &redirect.url, &garbage.url, &good.url];
    let torrent = content.torrent_file(&stage.scratch, &trackers);

    let page = stage.page().await;
    page.add_file(&torrent).await;
    page.wait_for_state(&content, "seeding").await;

    page.show_detail(&content).await;
    for (url, words) in [
        (&down, vec!["refused", "reach", "connect"]),
        (&html.url, vec!["page", "html", "no tracker answer", "not a tracker", "bencode"]),
        (&failure.url, vec!["this torrent is not welcome here"]),
        (&redirect.url, vec!["redirect"]),
        (&garbage.url, vec!["bencode", "answer", "understand", "tracker"]),
    ] {
        let host = url.trim_start_matches("http://").trim_end_matches("/announce").to_owned();
        let text = page.wait_for_text("[data-testid=tracker]", &host).await.to_lowercase();
        let text = swarmscope_tests::wait::until(
            &format!("a word of {words:?} in {text:?}"),
            swarmscope_tests::wait::LONG,
            async || {
                let texts = page.texts("[data-testid=tracker]").await;
                let text = texts.into_iter().find(|text| text.contains(&host))?.to_lowercase();
                words.iter().any(|word| text.contains(word)).then_some(text)
            },
        )
        .await;
        assert!(!text.contains("panic"));
    }
    stage.browser.close().await;
}
