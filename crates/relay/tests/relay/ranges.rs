//! Parts of files from web seeds.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use relay_proto::{Close, CloseCode, FetchRange, Frame, STREAM_CREDIT_DOWN, Unregister};
use tokio::net::TcpListener;

use crate::support::*;

/// A web seed whose file at `/file` is `content`; it also has pages that are none.
async fn web_seed(content: Vec<u8>) -> String {
    let file = async move |headers: HeaderMap| ranged(&content, &headers);
    let page = async || ([("content-type", "text/html")], "<html>sign in</html>");
    let busy = async || (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "45")], "");
    let whole = async || vec![7_u8; 1000];
    let router = Router::new()
        .route("/file", get(file))
        .route("/page", get(page))
        .route("/busy", get(busy))
        .route("/whole", get(whole));
    let listener = TcpListener::bind("127.0.0.4:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn ranged(content: &[u8], headers: &HeaderMap) -> Response {
    let allowed = ["range", "user-agent", "accept-encoding", "host", "accept"];
    if let Some(other) = headers.keys().find(|name| !allowed.contains(&name.as_str())) {
        panic!("the relay sends no {other}");
    }
    let range = headers["range"].to_str().unwrap().strip_prefix("bytes=").unwrap();
    let (first, last) = range.split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let named = format!("bytes {first}-{last}/{}", content.len());
    (StatusCode::PARTIAL_CONTENT, [("content-range", named)], content[first..=last].to_vec()).into_response()
}

fn range(url: String, offset: Option<u64>, len: u64) -> FetchRange {
    FetchRange { url, info_hash: HASH, offset, len }
}

async fn close_for(tab: &mut Tab, stream: u32, range: FetchRange) -> Close {
    tab.send(&Frame::FetchRange { stream, range }).await;
    tab.close_of(stream).await
}

fn code(close: &Close) -> Option<CloseCode> {
    CloseCode::from_number(close.code)
}

#[tokio::test]
async fn a_range_longer_than_the_credit_comes_whole_and_in_order() {
    let relay = relay_with(&[]).await;
    let content = pattern(9 << 20);
    let url = format!("{}/file", web_seed(content.clone()).await);
    let mut tab = Tab::registered(&relay).await;
    let (offset, len) = (12_345, 8 << 20);
    assert!(len as u64 > STREAM_CREDIT_DOWN);
    tab.send(&Frame::FetchRange { stream: 1, range: range(url, Some(offset), len as u64) }).await;
    let bytes = tab.collect(1, len).await;
    assert!(bytes == content[offset as usize..][..len]);
    assert_eq!(code(&tab.close_of(1).await), Some(CloseCode::RangeDone));
}

#[tokio::test]
async fn without_credit_no_more_comes() {
    let relay = relay_with(&[]).await;
    let url = format!("{}/file", web_seed(pattern(6 << 20)).await);
    let mut tab = Tab::registered(&relay).await;
    tab.send(&Frame::FetchRange { stream: 1, range: range(url, Some(0), 6 << 20) }).await;
    let mut got = 0;
    while got < STREAM_CREDIT_DOWN {
        let Some(Frame::Data { stream: 1, payload }) = tab.next().await else { panic!("data") };
        got += payload.len() as u64;
    }
    assert_eq!(got, STREAM_CREDIT_DOWN, "not a byte more");
    tab.send(&Frame::Credit { stream: 1, limit: STREAM_CREDIT_DOWN + 5 }).await;
    let Some(Frame::Data { payload, .. }) = tab.next().await else { panic!("data") };
    assert_eq!(payload.len(), 5);
}

#[tokio::test]
async fn what_brings_no_data_is_told_by_number() {
    let relay = relay_with(&[]).await;
    let base = web_seed(pattern(100)).await;
    let mut tab = Tab::registered(&relay).await;
    let busy = close_for(&mut tab, 1, range(format!("{base}/busy"), Some(0), 1)).await;
    let answer = busy.answer.unwrap();
    assert_eq!(
        (code(&busy), answer.status, answer.retry_after_s),
        (Some(CloseCode::WebSeedStatus), Some(503), Some(45))
    );
    let table = [
        (format!("{base}/nothing"), Some(0), CloseCode::WebSeedStatus),
        (format!("{base}/page"), Some(0), CloseCode::WebSeedPage),
        (format!("{base}/whole"), Some(1), CloseCode::WebSeedNoRanges),
        (format!("{base}/whole"), None, CloseCode::WebSeedWrongRange),
        ("http://127.0.0.1:1/file".to_owned(), Some(0), CloseCode::Unreachable),
        ("http://10.0.0.1/file".to_owned(), Some(0), CloseCode::DestinationRefused),
        (
            format!("{}/file", base.replace("http://", "http://me:pw@")),
            Some(0),
            CloseCode::DestinationRefused,
        ),
        ("file:///etc/passwd".to_owned(), Some(0), CloseCode::DestinationRefused),
    ];
    for (stream, (url, offset, expected)) in (3..).step_by(2).zip(table) {
        let close = close_for(&mut tab, stream, range(url.clone(), offset, 10)).await;
        assert_eq!(code(&close), Some(expected), "{url}: {}", close.text);
    }
    assert_eq!(relay.refusals("destination-refused"), 3);
}

#[tokio::test]
async fn a_script_is_asked_without_a_range_and_sends_exactly_so_much() {
    let relay = relay_with(&[]).await;
    let url = format!("{}/whole", web_seed(Vec::new()).await);
    let mut tab = Tab::registered(&relay).await;
    tab.send(&Frame::FetchRange { stream: 1, range: range(url, None, 1000) }).await;
    assert_eq!(tab.collect(1, 1000).await, [7; 1000]);
    assert_eq!(code(&tab.close_of(1).await), Some(CloseCode::RangeDone));
}

#[tokio::test]
async fn only_for_registered_torrents_only_so_many_and_not_at_all_where_the_user_says_so() {
    // Nobody answers there, so requests stay under way.
    let listener = TcpListener::bind("127.0.0.4:0").await.unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    let relay = relay_with(&["--max-ranges", "2"]).await;
    let mut tab = Tab::connect(&relay).await;
    let close = close_for(&mut tab, 1, range(url.clone(), Some(0), 1)).await;
    assert_eq!(code(&close), Some(CloseCode::NotRegistered));
    tab.register(1, HASH).await;
    for stream in [3, 5] {
        tab.send(&Frame::FetchRange { stream, range: range(url.clone(), Some(0), 1) }).await;
    }
    let close = close_for(&mut tab, 7, range(url.clone(), Some(0), 1)).await;
    assert_eq!(code(&close), Some(CloseCode::TooManyRanges));
    assert_eq!(relay.refusals("too-many-ranges"), 1);
    tab.send(&Frame::Unregister(Unregister { torrent: 1 })).await;
    for stream in [3, 5] {
        assert_eq!(code(&tab.close_of(stream).await), Some(CloseCode::Unregistered));
    }

    let relay = relay_with(&["--max-ranges", "0"]).await;
    let mut tab = Tab::registered(&relay).await;
    let close = close_for(&mut tab, 1, range(url, Some(0), 1)).await;
    assert_eq!(code(&close), Some(CloseCode::DestinationRefused));
}

#[tokio::test]
async fn a_cut_websocket_loses_nothing_of_a_range() {
    let relay = relay_with(&[]).await;
    let content = pattern(5 << 20);
    let url = format!("{}/file", web_seed(content.clone()).await);
    let mut tab = Tab::registered(&relay).await;
    tab.send(&Frame::FetchRange { stream: 1, range: range(url, Some(0), 5 << 20) }).await;
    let mut bytes = tab.collect(1, 1 << 20).await;
    tab.come_back(&relay).await;
    bytes.extend(tab.collect(1, (5 << 20) - bytes.len()).await);
    assert!(bytes == content);
}

#[tokio::test]
async fn each_request_counts_as_a_dial() {
    let relay = relay_with(&["--max-dials-per-s", "1"]).await;
    let url = format!("{}/file", web_seed(pattern(10)).await);
    let mut tab = Tab::registered(&relay).await;
    for stream in [1, 3] {
        tab.send(&Frame::FetchRange { stream, range: range(url.clone(), Some(0), 10) }).await;
    }
    loop {
        match tab.next().await.unwrap() {
            Frame::Close { stream: 3, close } => {
                assert_eq!(code(&close), Some(CloseCode::DialRate));
                return;
            }
            Frame::Close { stream: 1, .. } | Frame::Data { stream: 1, .. } => {}
            other => panic!("{other:?}"),
        }
    }
}
