use std::sync::Arc;
use std::time::Duration;

use codec::InfoHash;
use peernet::ReachError;
use peernet::policy::{DestinationKind, DestinationPolicy, RefusalReason};
use peernet::tracker::{
    ANSWER_LEN_MAX, AnnounceEvent, AnnounceParams, ScrapeAnswer, TrackerClient, TrackerError,
};
use tokio::net::TcpListener;

use crate::server::{Server, answer, ok, redirect};
use crate::{bound_client, client, params};

const COMPACT: &[u8] = b"d8:intervali60e5:peers6:\x01\x02\x03\x04\x1a\xe1e";

async fn announce_to(server: &Server) -> Result<peernet::tracker::AnnounceAnswer, TrackerError> {
    client().announce(&server.url("/announce"), &params()).await
}

#[tokio::test]
async fn an_announce_tells_everything_and_brings_peers() {
    let server = Server::start(|_| ok(COMPACT)).await;
    let answer = client().announce(&server.url("/announce?pass=x"), &params()).await.unwrap();
    assert_eq!(answer.interval, Duration::from_secs(60));
    assert_eq!(answer.peers, ["1.2.3.4:6881".parse().unwrap()]);
    assert_eq!(
        server.requests()[0].target,
        "/announce?pass=x&info_hash=%00%26info%20hash%20of%2020%20by&peer_id=-SW0100-abcdefghijkl&port=6881\
         &uploaded=1&downloaded=2&left=3&compact=1&no_peer_id=1&numwant=80&key=0000beef&event=started"
    );
}

#[tokio::test]
async fn what_the_tracker_calls_us_goes_back_to_it() {
    let server = Server::start(|_| ok(b"d8:intervali60e10:tracker id3:a&be")).await;
    let first = client().announce(&server.url("/announce"), &params()).await.unwrap();
    assert_eq!(first.tracker_id.as_deref(), Some(&b"a&b"[..]));
    let again = AnnounceParams { tracker_id: first.tracker_id, ..params() };
    client().announce(&server.url("/announce"), &again).await.unwrap();
    let targets: Vec<String> = server.requests().into_iter().map(|request| request.target).collect();
    assert!(!targets[0].contains("trackerid") && targets[1].ends_with("&trackerid=a%26b"), "{targets:?}");
}

#[tokio::test]
async fn a_regular_announce_names_no_event() {
    let server = Server::start(|_| ok(COMPACT)).await;
    let regular = AnnounceParams { event: AnnounceEvent::Regular, ..params() };
    client().announce(&server.url("/announce"), &regular).await.unwrap();
    assert!(!server.requests()[0].target.contains("event"));
}

#[tokio::test]
async fn an_announce_comes_from_the_address_it_is_bound_to() {
    let server = Server::start(|_| ok(COMPACT)).await;
    bound_client("127.0.0.8").announce(&server.url("/announce"), &params()).await.unwrap();
    assert_eq!(server.requests()[0].from.ip().to_string(), "127.0.0.8");
}

#[tokio::test]
async fn a_tracker_named_by_name_is_reached() {
    let server = Server::start(|_| ok(COMPACT)).await;
    let url = format!("http://localhost:{}/announce", server.addr.port());
    assert_eq!(client().announce(&url, &params()).await.unwrap().peers.len(), 1);
}

#[tokio::test]
async fn a_failure_reason_is_the_error_even_with_an_error_status() {
    let server = Server::start(|_| answer("403 Forbidden", b"d14:failure reason8:no entrye")).await;
    let error = announce_to(&server).await.unwrap_err();
    assert!(matches!(&error, TrackerError::Failure(text) if text == "no entry"), "{error:?}");
    assert_eq!(error.to_string(), "the tracker refuses: no entry");
}

#[tokio::test]
async fn answers_that_are_none_are_told_in_plain_words() {
    for (status, body, words) in [
        ("200 OK", &b"<!DOCTYPE html><html>"[..], "it sent a web page"),
        ("404 Not Found", b"<html>", "it answered with status 404"),
        ("200 OK", b"hello", "it is not bencoded"),
        ("200 OK", b"", "it is empty"),
        ("200 OK", b"d8:intervali60e5:pee", "the data ends"),
    ] {
        let server = Server::start(move |_| answer(status, body)).await;
        let error = announce_to(&server).await.unwrap_err();
        assert!(matches!(error, TrackerError::BadAnswer(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    for declared in ["", "Content-Length: 99999999\r\n"] {
        let server = Server::start(move |_| {
            let mut bytes =
                format!("HTTP/1.1 200 OK\r\n{declared}Connection: close\r\n\r\nd5:peers").into_bytes();
            bytes.resize(ANSWER_LEN_MAX + (1 << 20), b'x');
            bytes
        })
        .await;
        let error = announce_to(&server).await.unwrap_err();
        assert!(matches!(error, TrackerError::Reach(ReachError::TooLong(ANSWER_LEN_MAX))), "{error:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_with_its_query() {
    let server = Server::start(|target| match target {
        "/moved?a=b" => ok(COMPACT),
        _ => redirect("/moved?a=b"),
    })
    .await;
    assert_eq!(announce_to(&server).await.unwrap().peers.len(), 1);
}

#[tokio::test]
async fn a_redirect_loop_ends_after_five() {
    let server = Server::start(|_| redirect("/announce")).await;
    let error = announce_to(&server).await.unwrap_err();
    assert!(matches!(error, TrackerError::Reach(ReachError::TooManyRedirects(5))), "{error:?}");
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn a_redirect_to_a_refused_address_is_refused() {
    let policy = DestinationPolicy::public().allow("127.0.0.1/32".parse().unwrap());
    let client = TrackerClient::new(Arc::new(policy), None);
    for target in ["http://127.0.0.2/x", "http://[::ffff:7f00:2]/x", "http://2130706434/x", "http://0x7f.2/x"]
    {
        let server = Server::start(move |_| redirect(target)).await;
        let error = client.announce(&server.url("/announce"), &params()).await.unwrap_err();
        let TrackerError::Reach(ReachError::Refused(refusal)) = error else { panic!("{target}: {error:?}") };
        assert_eq!(refusal.reason.code(), "loopback", "{target}");
    }
}

#[tokio::test]
async fn a_redirect_to_another_scheme_is_not_followed() {
    let server = Server::start(|_| redirect("file:///etc/passwd")).await;
    let error = announce_to(&server).await.unwrap_err();
    assert!(matches!(error, TrackerError::Reach(ReachError::BadUrl { .. })), "{error:?}");
}

#[tokio::test]
async fn loopback_is_refused_by_address_and_by_name_before_anything_connects() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = TrackerClient::new(Arc::new(DestinationPolicy::public()), None);
    for host in ["127.0.0.1", "localhost", "2130706433", "[::1]"] {
        for scheme in ["http", "https", "udp"] {
            let url = format!("{scheme}://{host}:{port}/announce");
            let error = client.announce(&url, &params()).await.unwrap_err();
            let TrackerError::Reach(ReachError::Refused(refusal)) = error else { panic!("{url}: {error:?}") };
            assert_eq!(refusal.kind, DestinationKind::Tracker);
            assert!(matches!(refusal.reason, RefusalReason::Address(_)), "{url}: {refusal}");
            assert_eq!(refusal.reason.code(), "loopback", "{url}");
        }
    }
    let connected =
        std::future::poll_fn(|cx| std::task::Poll::Ready(listener.poll_accept(cx).is_ready())).await;
    assert!(!connected);
}

#[tokio::test]
async fn a_tracker_that_is_down_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/announce", listener.local_addr().unwrap());
    drop(listener);
    let error = client().announce(&url, &params()).await.unwrap_err();
    assert!(error.to_string().starts_with("the tracker could not be reached: "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_tracker_that_says_nothing_is_given_up_after_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/announce", listener.local_addr().unwrap());
    let error = client().announce(&url, &params()).await.unwrap_err();
    assert_eq!(error.to_string(), "the tracker did not answer within 30 s");
}

#[tokio::test]
async fn addresses_that_are_no_trackers_are_told_in_plain_words() {
    for (url, words) in [
        ("nonsense", "malformed"),
        ("ftp://t.example/announce", "only http, https and udp"),
        ("udp://t.example/announce", "needs a port"),
        ("wss://t.example/", "only http, https and udp"),
    ] {
        let error = client().announce(url, &params()).await.unwrap_err();
        assert!(
            matches!(error, TrackerError::Reach(ReachError::BadUrl { .. }))
                && error.to_string().contains(words),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_scrape_goes_to_the_scrape_address() {
    let body = b"d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi2e10:incompletei3eeee";
    let server = Server::start(|_| ok(body)).await;
    let info_hash = InfoHash([b'a'; 20]);
    let answers = client().scrape(&server.url("/x/announce?k=1"), &[info_hash]).await.unwrap();
    assert_eq!(answers, [ScrapeAnswer { info_hash, complete: 1, downloaded: 2, incomplete: 3 }]);
    assert_eq!(server.requests()[0].target, "/x/scrape?k=1&info_hash=aaaaaaaaaaaaaaaaaaaa");
    let error = client().scrape(&server.url("/tracker"), &[info_hash]).await.unwrap_err();
    assert!(matches!(error, TrackerError::NoScrape), "{error:?}");
}
