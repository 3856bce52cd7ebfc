use std::sync::Arc;

use peernet::ReachError;
use peernet::fetch::{FETCH_TIMEOUT, FetchError, TORRENT_LEN_MAX, fetch_torrent};
use peernet::policy::DestinationPolicy;

use crate::loopback;
use crate::server::{Server, answer, ok, redirect};

const TORRENT: &[u8] = b"d4:infod6:lengthi1e4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee";

async fn fetch(server: &Server) -> Result<Vec<u8>, FetchError> {
    fetch_torrent(&loopback(), &server.url("/a.torrent"), None, FETCH_TIMEOUT).await
}

#[tokio::test]
async fn a_torrent_is_handed_over_byte_for_byte_through_redirects() {
    let server = Server::start(|target| match target {
        "/there" => ok(TORRENT),
        _ => redirect("/there"),
    })
    .await;
    assert_eq!(fetch(&server).await.unwrap(), TORRENT);
}

#[tokio::test]
async fn what_is_no_torrent_is_never_handed_over() {
    for (body, words) in [
        (&b"<html>secret</html>"[..], "it is a web page"),
        (b"secret", "no bencoded value begins"),
        (b"d6:secreti1ee", "it has no \"info\""),
        (b"d4:info6:secrete", "names no pieces"),
        (b"d4:infod4:name6:secretee", "names no pieces"),
        (&TORRENT[..40], "the data ends"),
    ] {
        let server = Server::start(move |_| ok(body)).await;
        let error = fetch(&server).await.unwrap_err();
        assert!(matches!(error, FetchError::NotATorrent(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn lists_nested_a_million_deep_are_refused() {
    let server = Server::start(|_| ok(&[b"d4:info".to_vec(), vec![b'l'; 1_000_000]].concat())).await;
    let error = fetch(&server).await.unwrap_err();
    assert!(error.to_string().contains("nested deeper"), "{error}");
}

#[tokio::test]
async fn a_file_without_end_is_cut_off() {
    let server = Server::start(|_| ok(&vec![b'1'; TORRENT_LEN_MAX + 1])).await;
    let error = fetch(&server).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer of the server is longer than 16 MiB");
}

#[tokio::test]
async fn an_error_status_is_told() {
    let server = Server::start(|_| answer("404 Not Found", TORRENT)).await;
    assert!(matches!(fetch(&server).await, Err(FetchError::Status(404))));
}

#[tokio::test]
async fn a_redirect_to_a_refused_address_or_in_a_circle_is_not_followed() {
    let policy = Arc::new(DestinationPolicy::public().allow("127.0.0.1/32".parse().unwrap()));
    let server = Server::start(|_| redirect("http://127.0.0.2/a.torrent")).await;
    let error = fetch_torrent(&policy, &server.url("/a.torrent"), None, FETCH_TIMEOUT).await.unwrap_err();
    assert!(matches!(error, FetchError::Reach(ReachError::Refused(_))), "{error:?}");

    let server = Server::start(|_| redirect("/a.torrent")).await;
    assert!(matches!(fetch(&server).await, Err(FetchError::Reach(ReachError::TooManyRedirects(5)))));
}

#[tokio::test]
async fn addresses_that_cannot_be_fetched_are_told_in_plain_words() {
    for url in ["nonsense", "file:///etc/passwd", "ftp://t.example/a.torrent", "magnet:?xt=urn:btih:00"] {
        let error = fetch_torrent(&loopback(), url, None, FETCH_TIMEOUT).await.unwrap_err();
        assert!(matches!(error, FetchError::Reach(ReachError::BadUrl { .. })), "{error:?}");
    }
}
