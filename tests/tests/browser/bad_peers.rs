//! A peer that breaks the rules is closed with its reason in the log, and the download goes on with an honest one.

use swarmscope_tests::chromium::wait_for_download;
use swarmscope_tests::content::{Content, assert_same_file};
use swarmscope_tests::fake_peer::{Behaviour, FakePeer};
use swarmscope_tests::fake_tracker::{Answer, FakeTracker};
use swarmscope_tests::wait;

use crate::stage::Stage;

const PIECE_LEN: u32 = 65_536;

/// One bad peer and one honest seed, which sends nothing until the bad one is closed, lest the end come first.
async fn closed_with(behaviour: Behaviour, reasons: &[&str], words: &str) {
    let stage = Stage::new("bad-peer").await;
    // Few enough blocks that the log shows all that happens, and whole pieces, so that each place that the flood names
    // lies in the torrent.
    let content = Content::single(&stage.scratch, "mixed.bin", 10 * u64::from(PIECE_LEN), PIECE_LEN);
    let bad = FakePeer::start(&content, behaviour).await;
    let blocks = if behaviour == Behaviour::Corrupt { 24 } else { 0 };
    let honest = FakePeer::start_with(&content, Behaviour::Honest, blocks).await;
    let tracker = FakeTracker::start(Answer::Peers(vec![bad.addr, honest.addr])).await;
    let torrent = content.torrent_file(&stage.scratch, &[&tracker.url]);

    let page = stage.page().await;
    page.add_file(&torrent).await;
    page.show_detail(&content).await;
    let line =
        page.wait_for_log(&format!("{behaviour:?}"), |line| reasons.contains(&line.reason.as_str())).await;
    assert!(line.text.contains(words), "{line:?} does not say {words:?}");

    honest.allow(1 << 40);
    page.wait_for_state(&content, "seeding").await;
    page.press(&content, "save").await;
    let saved = wait_for_download(&stage.profile.downloads, &content.name).await;
    assert_same_file(&content.parent.join(&content.name), &saved);
    stage.browser.close().await;
}

#[tokio::test]
async fn a_peer_that_answers_for_another_torrent_is_closed() {
    closed_with(Behaviour::WrongInfoHash, &["wrong-info-hash"], "another torrent").await;
}

#[tokio::test]
async fn a_peer_that_does_not_speak_bittorrent_is_closed() {
    closed_with(Behaviour::NoBitTorrent, &["not-bittorrent"], "no BitTorrent handshake").await;
}

#[tokio::test]
async fn a_peer_that_sends_an_over_long_message_is_closed() {
    closed_with(Behaviour::OverlongMessage, &["message-too-long"], "2147483647").await;
}

#[tokio::test]
async fn a_peer_that_names_a_piece_outside_the_torrent_is_closed() {
    closed_with(Behaviour::IndexOutOfRange, &["out-of-range"], "outside the torrent").await;
}

#[tokio::test]
async fn a_peer_that_floods_us_with_blocks_that_nobody_asked_for_is_closed() {
    closed_with(Behaviour::UnrequestedBlocks, &["unrequested-blocks"], "nobody asked for").await;
}

#[tokio::test]
async fn a_peer_whose_bitfield_is_too_short_is_closed() {
    closed_with(Behaviour::ShortBitfield, &["bad-bitfield"], "bitfield").await;
}

/// Only whole pieces can be hashed, so here the honest seed helps from the start, but not to the end.
#[tokio::test]
async fn a_peer_that_sends_corrupt_data_is_found_and_banned() {
    closed_with(Behaviour::Corrupt, &["corrupt-data"], "corrupt data").await;
}

/// The honest seed helps only so far that there is something left to spoil.
#[tokio::test]
async fn a_ban_is_shown_and_can_be_lifted() {
    let stage = Stage::new("lifted").await;
    let content = Content::single(&stage.scratch, "spoilt.bin", 10 * u64::from(PIECE_LEN), PIECE_LEN);
    let bad = FakePeer::start(&content, Behaviour::Corrupt).await;
    let honest = FakePeer::start_with(&content, Behaviour::Honest, 16).await;
    let tracker = FakeTracker::start(Answer::Peers(vec![bad.addr, honest.addr])).await;
    let torrent = content.torrent_file(&stage.scratch, &[&tracker.url]);

    let page = stage.page().await;
    page.add_file(&torrent).await;
    page.show_detail(&content).await;
    let ban = format!("[data-testid=ban][data-ip='{}']", bad.addr.ip());
    let row = stage.browser.element(&ban).await;
    assert_eq!(row.attr("data-reason").await.expect("the row is there").as_deref(), Some("corrupt-data"));
    let before = bad.record().connections;
    stage.browser.click(&format!("{ban} [data-testid=lift]")).await;
    wait::until_true("the peer to be let in again", wait::LONG, async || bad.record().connections > before)
        .await;
    stage.browser.close().await;
}

#[tokio::test]
async fn a_peer_that_stalls_does_not_hold_up_the_end() {
    let stage = Stage::new("stalling").await;
    let content = Content::single(&stage.scratch, "stalled.bin", 3_000_000, PIECE_LEN);
    let stalling = FakePeer::start(&content, Behaviour::Stall).await;
    let honest = FakePeer::start(&content, Behaviour::Honest).await;
    let tracker = FakeTracker::start(Answer::Peers(vec![stalling.addr, honest.addr])).await;
    let torrent = content.torrent_file(&stage.scratch, &[&tracker.url]);

    let page = stage.page().await;
    page.add_file(&torrent).await;
    page.wait_for_state(&content, "seeding").await;
    assert_eq!(stalling.record().blocks_sent_total(), 0);
    assert_eq!(stalling.record().connections, 1, "the stalling peer was never asked");
    stage.browser.close().await;
}
