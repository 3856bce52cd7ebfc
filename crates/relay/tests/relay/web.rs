//! The page's files and their headers.

use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

async fn get(
    relay: &relay::RunningRelay,
    path: &str,
    with: Option<(&str, &str)>,
) -> (u16, Vec<(String, String)>, Vec<u8>) {
    // The client wants one although it is to speak plain http only; a second installation is an error without effect.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(format!("http://{}{path}", relay.addr()));
    if let Some((name, value)) = with {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    let headers = response.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (response.status().as_u16(), headers, response.bytes().await.unwrap().to_vec())
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

fn page(dir: &Path) {
    std::fs::write(dir.join("index.html"), "<script type=\"module\">alert(1)</script>").unwrap();
    std::fs::write(dir.join("app.wasm"), "wasm").unwrap();
    std::fs::write(dir.join("app.wasm.br"), "brotli").unwrap();
    std::fs::write(dir.join("app.js"), "js").unwrap();
}

async fn relay_of(dir: &Path) -> relay::RunningRelay {
    page(dir);
    relay_with(&["--web", dir.to_str().unwrap()]).await
}

#[tokio::test]
async fn files_have_their_types_and_the_headers_that_guard_them() {
    let dir = tempfile::tempdir().unwrap();
    let relay = relay_of(dir.path()).await;
    for (path, kind) in
        [("/", "text/html"), ("/app.wasm", "application/wasm"), ("/app.js", "text/javascript")]
    {
        let (status, headers, _) = get(&relay, path, None).await;
        assert_eq!(status, 200, "{path}");
        assert!(header(&headers, "content-type").starts_with(kind), "{path}: {headers:?}");
        assert_eq!(header(&headers, "x-content-type-options"), "nosniff");
        assert_eq!(header(&headers, "referrer-policy"), "no-referrer");
        assert_eq!(header(&headers, "cross-origin-opener-policy"), "same-origin");
        assert_eq!(header(&headers, "cache-control"), "no-cache");
        assert!(header(&headers, "content-security-policy").contains("'wasm-unsafe-eval'"));
    }
    let (_, headers, _) = get(&relay, "/?token=x", None).await;
    let hash = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='";
    assert!(header(&headers, "content-security-policy").contains(hash));
}

#[tokio::test]
async fn a_page_that_did_not_change_keeps_its_policy() {
    let dir = tempfile::tempdir().unwrap();
    let relay = relay_of(dir.path()).await;
    let (_, first, _) = get(&relay, "/", None).await;
    let since = header(&first, "last-modified");
    let (status, again, _) = get(&relay, "/", Some(("if-modified-since", since))).await;
    assert_eq!(status, 304);
    assert_eq!(header(&again, "content-security-policy"), header(&first, "content-security-policy"));
}

#[tokio::test]
async fn compressed_files_go_to_those_who_accept_them() {
    let dir = tempfile::tempdir().unwrap();
    let relay = relay_of(dir.path()).await;
    let (_, headers, body) = get(&relay, "/app.wasm", Some(("accept-encoding", "gzip, br"))).await;
    assert_eq!((header(&headers, "content-encoding"), body.as_slice()), ("br", b"brotli".as_slice()));
    assert_eq!(header(&headers, "content-type"), "application/wasm");
    let (_, headers, body) = get(&relay, "/app.wasm", Some(("accept-encoding", "identity"))).await;
    assert_eq!((header(&headers, "content-encoding"), body.as_slice()), ("", b"wasm".as_slice()));
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("web");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(dir.path().join("secret"), "secret").unwrap();
    let relay = relay_of(&inside).await;
    for path in ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/nothing"] {
        let (status, _, body) = get(&relay, path, None).await;
        assert!(status >= 400 && body != b"secret", "{path}: {status}");
    }
}

#[tokio::test]
async fn health_is_told_with_or_without_a_page() {
    let relay = relay_with(&[]).await;
    assert_eq!(get(&relay, "/healthz", None).await.0, 200);
    assert_eq!(get(&relay, "/", None).await.0, 404);
}

#[tokio::test]
async fn a_request_whose_head_never_ends_is_cut_off() {
    let relay = relay_with(&["--header-timeout-s", "1"]).await;
    let mut stream = TcpStream::connect(relay.addr()).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ").await.unwrap();
    let mut answer = Vec::new();
    in_time(stream.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn a_folder_without_a_page_is_an_error_at_the_start() {
    use clap::Parser;
    let dir = tempfile::tempdir().unwrap();
    let flags = ["relay", "--listen", "127.0.0.1:0", "--web", dir.path().to_str().unwrap()];
    assert!(relay::start(relay::Config::parse_from(flags)).await.is_err());
}
