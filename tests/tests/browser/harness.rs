//! The browser itself: its profile survives a kill, it downloads into our folder, and it says what it uses.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use serde_json::json;
use swarmscope_tests::chromium::{Profile, wait_for_download};
use swarmscope_tests::places::{Scratch, fresh_ip};
use swarmscope_tests::{proc_tree, wait};
use tokio::net::TcpListener;

const PAGE: &str = r"<!doctype html><title>empty</title>";

const STORE: &str = r"
    const [done] = arguments;
    const code = `onmessage = async () => {
        const root = await navigator.storage.getDirectory();
        const file = await root.getFileHandle('kept', { create: true });
        const handle = await file.createSyncAccessHandle();
        handle.write(new TextEncoder().encode('still here'));
        postMessage('written');
    }`;
    const worker = new Worker(URL.createObjectURL(new Blob([code])));
    worker.onmessage = event => done(event.data);
    worker.postMessage(0);
";

const LOAD: &str = r"
    const [done] = arguments;
    navigator.storage.getDirectory()
        .then(root => root.getFileHandle('kept'))
        .then(file => file.getFile())
        .then(file => file.text())
        .then(done, error => done('lost: ' + error));
";

const FILL: &str = r"
    const [done] = arguments;
    const code = `onmessage = async () => {
        const root = await navigator.storage.getDirectory();
        const file = await root.getFileHandle('large', { create: true });
        const handle = await file.createSyncAccessHandle();
        try {
            postMessage('wrote ' + handle.write(new Uint8Array(1000000)));
        } catch (error) {
            postMessage(error.name);
        }
    }`;
    const worker = new Worker(URL.createObjectURL(new Blob([code])));
    worker.onmessage = event => done(event.data);
    worker.postMessage(0);
";

const DOWNLOAD: &str = r"
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob(['content']));
    link.download = 'saved.txt';
    link.click();
";

#[tokio::test]
async fn a_profile_outlives_a_killed_browser() {
    let scratch = Scratch::new("profile");
    let url = serve_page().await;
    let profile = Profile::new(&scratch).await;

    let browser = profile.browser().await;
    browser.open(&url).await;
    assert_eq!(browser.run_async::<String>(STORE, vec![], wait::LONG).await, "written");
    assert!(proc_tree::pss_bytes(browser.pid()) > 20_000_000);
    assert!(proc_tree::cpu_s(browser.pid()) > 0.0);
    let pids = proc_tree::pids(browser.pid());
    browser.kill().await;
    assert!(pids.iter().all(|pid| !proc_tree::is_alive(*pid)), "a process of the browser outlived its kill");

    let browser = profile.browser().await;
    browser.open(&url).await;
    assert_eq!(browser.run_async::<String>(LOAD, vec![], wait::LONG).await, "still here");
    browser.run::<()>(DOWNLOAD, vec![]).await;
    let saved = wait_for_download(&profile.downloads, "saved.txt").await;
    assert_eq!(std::fs::read_to_string(saved).expect("the download can be read"), "content");
    browser.devtools("Storage.overrideQuotaForOrigin", json!({ "origin": url, "quotaSize": 5000 })).await;
    let refused: String = browser.run_async(FILL, vec![], wait::LONG).await;
    assert_eq!(refused, "QuotaExceededError");
    browser.close().await;
}

async fn serve_page() -> String {
    let listener = TcpListener::bind((fresh_ip(), 0)).await.expect("a server can listen");
    let addr = listener.local_addr().expect("a bound socket has an address");
    let routes = Router::new().route("/", get(async || Html(PAGE)));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{addr}")
}
