//! A token is worth keeping once the relay has accepted it, and not before.

use serde_json::json;
use swarmscope_tests::page::Page;
use swarmscope_tests::relay::{TOKEN, page_url};
use thirtyfour::Key;

use crate::stage::Stage;

const KEPT: &str = "return localStorage.getItem('swarmscope.token') ?? ''";

#[tokio::test]
async fn a_link_with_a_wrong_token_does_not_lock_out_a_page_that_has_the_right_one() {
    let stage = Stage::new("wrong-link").await;
    stage.page().await;
    assert_eq!(kept(&stage).await, TOKEN);

    let wrong = format!("http://{}/?token=wrong", stage.relay.addr);
    let page = Page::open(&stage.browser, &wrong).await;
    assert_eq!(kept(&stage).await, TOKEN);
    let address: String = page.browser.run("return location.href", vec![]).await;
    assert!(!address.contains("wrong"), "the token stayed in the address: {address}");
    Page::open(&stage.browser, &format!("http://{}/", stage.relay.addr)).await;
    stage.browser.close().await;
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_kept() {
    let stage = Stage::new("refused-token").await;
    let page = Page::load(&stage.browser, &format!("http://{}/?token=wrong", stage.relay.addr)).await;
    page.wait_for_relay("refused").await;
    assert_eq!(kept(&stage).await, "");
    let field = page.browser.element("[data-testid=token]").await;
    field.send_keys("wrong again").await.expect("the token field takes text");
    field.send_keys(Key::Enter).await.expect("the token field takes a key");
    page.wait_for_relay("refused").await;
    assert_eq!(kept(&stage).await, "");
    Page::open(&stage.browser, &page_url(stage.relay.addr)).await;
    stage.browser.close().await;
}

#[tokio::test]
async fn a_wrong_link_in_a_second_tab_leaves_the_first_its_way_back_to_the_relay() {
    let mut stage = Stage::new("wrong-second").await;
    stage.page().await;
    let driver = stage.browser.driver();
    let first = driver.window().await.expect("the first tab is there");
    let second = driver.new_tab().await.expect("a second tab opens");
    driver.switch_to_window(second).await.expect("the second tab comes to the front");
    Page::open(&stage.browser, &format!("http://{}/?token=wrong", stage.relay.addr)).await;
    let driver = stage.browser.driver();
    driver.switch_to_window(first).await.expect("the first tab comes to the front");

    stage.relay.kill().await;
    stage.page_now().wait_for_relay("connecting").await;
    stage.relay.start_again().await;
    stage.page_now().wait_for_relay("connected").await;
    assert_eq!(kept(&stage).await, TOKEN);
    stage.browser.close().await;
}

async fn kept(stage: &Stage) -> String {
    stage.browser.run(KEPT, vec![json!(null)]).await
}
