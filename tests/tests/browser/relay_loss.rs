//! A relay that is not there, refuses, dies or is cut off: the page says so in words, comes back by itself, and loses
//! and doubles nothing.

use swarmscope_tests::chromium::wait_for_download;
use swarmscope_tests::content::assert_same_file;
use swarmscope_tests::cut_proxy::CutProxy;
use swarmscope_tests::fake_peer::BLOCK_LEN;
use swarmscope_tests::page::Page;
use swarmscope_tests::relay::page_url;

use crate::stage::{Stage, Swarm};

const PIECE_LEN: u32 = 256 * 1024;
const LEN: u64 = 32 * 1024 * 1024 + 3;

#[tokio::test]
async fn a_relay_killed_and_started_again_costs_no_verified_piece() {
    let mut stage = Stage::new("relay-killed").await;
    let swarm = Swarm::with_blocks(&stage.scratch, "killed.bin", LEN, PIECE_LEN, 700).await;
    stage.page().await.add_file(&swarm.torrent).await;
    swarm.seed.wait_for_blocks(700).await;

    stage.relay.kill().await;
    let text = stage.page_now().wait_for_relay("connecting").await;
    assert_ne!(text, "");
    stage.relay.start_again().await;
    stage.page_now().wait_for_relay("connected").await;
    swarm.seed.allow(1 << 40);
    stage.page_now().wait_for_state(&swarm.content, "seeding").await;

    let record = swarm.seed.record();
    assert!(record.connections >= 2, "the relay's end did not end its connections");
    record.assert_no_verified_piece_twice();
    assert_saved(&stage, &swarm).await;
    stage.browser.close().await;
}

#[tokio::test]
async fn a_cut_websocket_loses_and_doubles_no_byte() {
    let stage = Stage::new("cut").await;
    let swarm = Swarm::with_blocks(&stage.scratch, "cut.bin", LEN, PIECE_LEN, 100).await;
    let proxy = CutProxy::start(stage.relay.addr).await;
    let page = Page::open(&stage.browser, &page_url(proxy.addr)).await;
    page.add_file(&swarm.torrent).await;
    for _ in 0..5 {
        proxy.wait_for_bytes(500_000).await;
        proxy.cut();
        swarm.seed.allow(200);
    }
    swarm.seed.allow(1 << 40);
    page.wait_for_state(&swarm.content, "seeding").await;

    // The session went on over a new socket, so the peer saw one connection and sent each block once.
    let record = swarm.seed.record();
    assert_eq!(record.connections, 1, "the peer noticed the cuts");
    assert_eq!(record.blocks_sent_total(), LEN.div_ceil(u64::from(BLOCK_LEN)));
    assert_saved(&stage, &swarm).await;
    stage.browser.close().await;
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_said_to_be_so() {
    let mut stage = Stage::new("no-relay").await;
    stage.page().await;
    stage.relay.kill().await;
    let text = stage.page_now().wait_for_relay("connecting").await;
    assert!(text.to_lowercase().contains("relay"), "{text:?} does not name the relay");
    stage.browser.close().await;
}

#[tokio::test]
async fn a_refused_token_is_said_to_be_so_and_another_can_be_given() {
    let stage = Stage::new("token").await;
    let page = Page::load(&stage.browser, &format!("http://{}/?token=wrong", stage.relay.addr)).await;
    page.wait_for_relay("refused").await;
    page.wait_for_text(".refused [role=alert]", "token").await;
    let address: String = page.browser.run("return location.href", vec![]).await;
    assert!(!address.contains("wrong"), "the token stayed in the address: {address}");

    let field = page.browser.element("[data-testid=token]").await;
    field.send_keys(swarmscope_tests::relay::TOKEN).await.expect("the token field takes text");
    page.browser.click("[data-testid=token-confirm]").await;
    page.wait_for_relay("connected").await;
    stage.browser.close().await;
}

async fn assert_saved(stage: &Stage, swarm: &Swarm) {
    stage.page_now().press(&swarm.content, "save").await;
    let saved = wait_for_download(&stage.profile.downloads, &swarm.content.name).await;
    assert_same_file(&swarm.content.parent.join(&swarm.content.name), &saved);
}
