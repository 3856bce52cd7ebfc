//! A web server that knows ranges, or misbehaves in one way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use peernet::policy::DestinationPolicy;
use peernet::webseed::{RangeClient, RangeError, RangeRequest};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::loopback;

/// Answers with a head and a body, for the value of the request's `Range`.
type Answer = Arc<dyn Fn(Option<&str>) -> Vec<u8> + Send + Sync>;

struct Server {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start(answer: impl Fn(Option<&str>) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (connections, answer): (_, Answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&answer)));
            }
        });
        Self { addr, connections }
    }

    async fn get(&self, offset: Option<u64>, len: u64) -> Result<Vec<u8>, RangeError> {
        get(&RangeClient::new(loopback(), None), self.request(offset, len)).await
    }

    fn request(&self, offset: Option<u64>, len: u64) -> RangeRequest {
        RangeRequest { url: format!("http://{}/file", self.addr), offset, len }
    }
}

async fn get(client: &RangeClient, request: RangeRequest) -> Result<Vec<u8>, RangeError> {
    let mut body = client.open(&request).await?;
    let mut bytes = Vec::new();
    while let Some(part) = body.next().await? {
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// One connection, one request behind the other.
async fn serve(stream: TcpStream, answer: Answer) {
    let (read_half, mut write_half) = stream.into_split();
    let mut lines = BufReader::new(read_half).lines();
    let mut range = None;
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("range: ") {
            range = Some(value.to_owned());
        }
        if line.is_empty() {
            let bytes = answer(range.take().as_deref());
            let is_last = bytes.windows(17).any(|part| part == b"Connection: close");
            if write_half.write_all(&bytes).await.is_err() || is_last {
                return;
            }
        }
    }
}

fn content() -> Vec<u8> {
    (0..1000_u32).map(|at| at as u8).collect()
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn partial(range: Option<&str>) -> Vec<u8> {
    let (first, last) = range.unwrap().strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let headers = format!("Content-Range: bytes {first}-{last}/1000\r\n");
    answer("206 Partial Content", &headers, &content()[first..=last])
}

#[tokio::test]
async fn a_range_comes_byte_for_byte_and_the_connection_serves_the_next_one() {
    let server = Server::start(partial).await;
    let client = RangeClient::new(loopback(), None);
    for (offset, len) in [(0, 1), (1, 999), (500, 20), (999, 1)] {
        let bytes = get(&client, server.request(Some(offset), len)).await.unwrap();
        assert_eq!(bytes, &content()[offset as usize..][..len as usize]);
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_without_ranges_is_of_use_for_the_start_of_a_file_alone() {
    let server = Server::start(|_| answer("200 OK", "", &content())).await;
    assert_eq!(server.get(Some(0), 10).await.unwrap(), &content()[..10]);
    assert_eq!(server.get(Some(1), 10).await, Err(RangeError::NoRanges));
    let too_long = server.get(Some(0), 1001).await;
    assert_eq!(too_long, Err(RangeError::WrongRange { start: 0, len: 1000 }));
}

#[tokio::test]
async fn a_script_sends_exactly_what_its_address_says() {
    let server = Server::start(|range| {
        assert_eq!(range, None, "BEP 17 has no range header");
        answer("200 OK", "", &content())
    })
    .await;
    assert_eq!(server.get(None, 1000).await.unwrap(), content());
    assert_eq!(server.get(None, 999).await, Err(RangeError::WrongRange { start: 0, len: 1000 }));
}

#[tokio::test]
async fn another_range_than_the_one_asked_for_is_refused() {
    let server =
        Server::start(|_| answer("206 Partial Content", "Content-Range: bytes 5-9/1000\r\n", b"12345")).await;
    assert_eq!(server.get(Some(4), 5).await, Err(RangeError::WrongRange { start: 5, len: 5 }));
    assert_eq!(server.get(Some(5), 6).await, Err(RangeError::WrongRange { start: 5, len: 5 }));
    assert_eq!(server.get(Some(5), 5).await.unwrap(), b"12345");
    let server = Server::start(|_| answer("206 Partial Content", "", b"12345")).await;
    assert_eq!(server.get(Some(5), 5).await, Err(RangeError::NoRanges));
}

#[tokio::test]
async fn a_page_that_calls_itself_a_success_is_no_content() {
    let server =
        Server::start(|_| answer("200 OK", "Content-Type: text/html; charset=x\r\n", &content())).await;
    assert_eq!(server.get(Some(0), 10).await, Err(RangeError::WebPage));
    assert_eq!(server.get(None, 1000).await, Err(RangeError::WebPage));
}

#[tokio::test]
async fn something_compressed_is_no_part_of_a_file() {
    let headers = "Content-Range: bytes 0-4/1000\r\nContent-Encoding: gzip\r\n";
    let server = Server::start(move |_| answer("206 Partial Content", headers, b"12345")).await;
    assert!(matches!(server.get(Some(0), 5).await, Err(RangeError::WrongRange { .. })));
}

#[tokio::test]
async fn a_body_that_ends_early_is_told_with_its_length() {
    let server = Server::start(|_| {
        let head = "HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/1000\r\n\
                    Connection: close\r\n\r\n1234";
        head.as_bytes().to_vec()
    })
    .await;
    let error = server.get(Some(0), 10).await.unwrap_err();
    assert_eq!(error, RangeError::Cut { received: 4, expected: 10 });
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_back_in_a_header_or_in_its_body() {
    for (headers, body, expected) in [
        ("Retry-After: 120\r\n", "", Some(120)),
        ("", "45\n", Some(45)),
        ("", "soon", None),
        ("Retry-After: Fri, 31 Dec 2027 23:59:59 GMT\r\n", "", None),
    ] {
        let server = Server::start(move |_| answer("503 Busy", headers, body.as_bytes())).await;
        let error = server.get(Some(0), 1).await.unwrap_err();
        assert_eq!(
            error,
            RangeError::Status { status: 503, retry_after_s: expected },
            "{headers:?} {body:?}"
        );
    }
    let server = Server::start(|_| answer("404 Not Found", "", b"77")).await;
    assert_eq!(server.get(Some(0), 1).await, Err(RangeError::Status { status: 404, retry_after_s: None }));
}

#[tokio::test]
async fn the_policy_holds_for_the_address_and_for_every_redirect() {
    let server = Server::start(|_| answer("302 Found", "Location: http://127.0.0.2/file\r\n", b"")).await;
    let none = RangeClient::new(Arc::new(DestinationPolicy::public()), None);
    assert!(matches!(get(&none, server.request(Some(0), 1)).await, Err(RangeError::Refused(_))));
    let one = DestinationPolicy::public().allow("127.0.0.1/32".parse().unwrap());
    let one = RangeClient::new(Arc::new(one), None);
    assert!(matches!(get(&one, server.request(Some(0), 1)).await, Err(RangeError::Refused(_))));
}

#[tokio::test]
async fn a_redirect_is_followed_with_the_same_range() {
    let target = Server::start(partial).await;
    let location = format!("Location: http://{}/there\r\n", target.addr);
    let server = Server::start(move |_| answer("302 Found", &location, b"")).await;
    assert_eq!(server.get(Some(300), 50).await.unwrap(), &content()[300..350]);
    let circle = Server::start(|_| answer("302 Found", "Location: /file\r\n", b"")).await;
    assert_eq!(circle.get(Some(0), 1).await, Err(RangeError::TooManyRedirects(5)));
}

#[tokio::test]
async fn nobody_there_is_told_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    drop(listener);
    let client = RangeClient::new(loopback(), None);
    let error = get(&client, RangeRequest { url, offset: Some(0), len: 1 }).await.unwrap_err();
    assert!(matches!(error, RangeError::Unreachable(_)), "{error:?}");
}
