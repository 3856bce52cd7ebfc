//! Local development: `trunk serve` builds the page and carries its WebSocket to a running relay.

use std::path::PathBuf;
use std::time::Duration;

use swarmscope_tests::chromium::Profile;
use swarmscope_tests::page::Page;
use swarmscope_tests::places::{Scratch, fresh_addr};
use swarmscope_tests::process::{self, Process};
use swarmscope_tests::relay::{Relay, TOKEN};
use swarmscope_tests::{programs, wait};
use tokio::net::TcpStream;

/// Where the project's own configuration expects the relay.
const USUAL_RELAY: &str = "127.0.0.1:7077";

/// Building the page from scratch takes minutes.
const BUILD_LIMIT: Duration = Duration::from_secs(1200);

#[tokio::test]
async fn the_page_served_by_trunk_connects_through_its_proxy() {
    let scratch = Scratch::new("trunk");
    let profile = Profile::new(&scratch).await;
    let addr = fresh_addr();
    let origin = format!("http://{addr}");
    let relay = Relay::start_with(&scratch, &programs::dist(), &["--allow-origin", &origin]).await;
    let config = config(&scratch, &relay.addr.to_string());
    let program = std::env::var_os("SWARMSCOPE_TRUNK").map_or_else(|| "trunk".into(), PathBuf::from);
    let mut trunk = process::command(&program);
    // The profile of `cargo xtask build`, whose work is then done already.
    trunk.args(["serve", "--release", "--cargo-profile", "wasm-release", "--no-autoreload", "true"]);
    trunk.arg("--config").arg(config);
    trunk.args(["--address", &addr.ip().to_string(), "--port", &addr.port().to_string()]);
    trunk.current_dir(programs::workspace()).env("TRUNK_OFFLINE", "true").env_remove("NO_COLOR");
    if let Some(path) = std::env::var_os("SWARMSCOPE_TRUNK_PATH") {
        trunk.env("PATH", path);
    }
    if let Some(rustc) = std::env::var_os("SWARMSCOPE_WASM_RUSTC") {
        trunk.env("RUSTC", rustc);
    }
    let mut trunk = Process::spawn("trunk", &mut trunk, scratch.path());
    wait::until_true("trunk to serve the page", BUILD_LIMIT, async || {
        trunk.assert_running();
        TcpStream::connect(addr).await.is_ok()
    })
    .await;

    let browser = profile.browser().await;
    Page::open(&browser, &format!("{origin}/?token={TOKEN}")).await;
    browser.close().await;
}

/// The project's own configuration with another relay, and all paths absolute, since it lies elsewhere.
fn config(scratch: &Scratch, relay: &str) -> PathBuf {
    let root = programs::workspace();
    let text = std::fs::read_to_string(root.join("Trunk.toml")).expect("the project has a Trunk.toml");
    assert!(
        text.contains(USUAL_RELAY),
        "Trunk.toml does not lead to the relay's usual address {USUAL_RELAY}"
    );
    let absolute = |path: &str| format!("\"{}\"", root.join(path).display());
    let watched =
        text.lines().find_map(|line| line.strip_prefix("watch = [")).expect("Trunk.toml has a watch list");
    let watched: Vec<&str> =
        watched.trim_end_matches(']').split(',').map(|path| path.trim().trim_matches('"')).collect();
    for path in &watched {
        let is_output = ["", ".", "target", "dist"].contains(path);
        assert!(!is_output && root.join(path).exists(), "Trunk.toml watches {path:?}");
    }
    let watched: Vec<String> = watched.into_iter().map(absolute).collect();
    let lines = text.lines().map(|line| match line {
        "[build]" => format!("[build]\ntarget = {}", absolute("index.html")),
        line if line.starts_with("dist = ") => format!("dist = \"{}\"", scratch.folder("dist").display()),
        line if line.starts_with("watch = [") => format!("watch = [{}]", watched.join(", ")),
        line => line.replace(USUAL_RELAY, relay),
    });
    let text: String = lines.map(|line| line + "\n").collect();
    scratch.file("Trunk.toml", text)
}
