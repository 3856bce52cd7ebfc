//! A tab, a peer and a tracker for tests.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use clap::Parser;
use codec::{Handshake, InfoHash, PeerId};
use futures_util::{SinkExt, StreamExt};
use relay::{Config, RunningRelay};
use relay_proto::{
    Announce, AnnounceEvent, Close, Frame, Hello, Link, MAX_MESSAGE_LEN, Open, PROTOCOL_VERSION,
    ReceiveCredit, Refused, Register, SESSION_WINDOW, STREAM_CREDIT_DOWN, Secret, SessionKey, Welcome,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(crate) const TOKEN: &str = "right-token";
pub(crate) const HASH: InfoHash = InfoHash([0xab; 20]);
/// No test waits longer for anything.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
/// A frame with its payload.
pub(crate) type Got = Frame<Vec<u8>>;

pub(crate) async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, what).await.expect("the test waits for this longer than it may")
}

/// A relay that may reach loopback, with further flags.
pub(crate) async fn relay_with(flags: &[&str]) -> RunningRelay {
    let base = ["relay", "--listen", "127.0.0.1:0", "--token", TOKEN, "--peer-bind", "127.0.0.1"];
    let net = ["--allow-net", "127.0.0.0/8"];
    relay::start(Config::parse_from(base.iter().chain(&net).chain(flags))).await.unwrap()
}

pub(crate) fn handshake(info_hash: InfoHash) -> [u8; 68] {
    Handshake { reserved: [0; 8], info_hash, peer_id: PeerId([b'p'; 20]) }.encode()
}

pub(crate) fn hello() -> Hello {
    Hello {
        version: PROTOCOL_VERSION,
        token: Secret(TOKEN.into()),
        session: None,
        received: 0,
        limit: SESSION_WINDOW,
        stream_credit: STREAM_CREDIT_DOWN,
    }
}

pub(crate) async fn open_socket(relay: &RunningRelay) -> Socket {
    connect_async(format!("ws://{}/relay", relay.addr())).await.unwrap().0
}

pub(crate) async fn send_frame(socket: &mut Socket, frame: &Frame<&[u8]>) {
    let mut message = Vec::new();
    relay_proto::encode(frame, &mut message).unwrap();
    socket.send(Message::Binary(message.into())).await.unwrap();
}

/// The next binary message, `None` at the end.
pub(crate) async fn next_message(socket: &mut Socket) -> Option<bytes::Bytes> {
    loop {
        match in_time(socket.next()).await? {
            Ok(Message::Binary(bytes)) => return Some(bytes),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

pub(crate) fn owned(frame: Frame, message: &[u8]) -> Got {
    match frame {
        Frame::Data { stream, payload } => Frame::Data { stream, payload: message[payload].to_vec() },
        Frame::FetchData { request, payload } => {
            Frame::FetchData { request, payload: message[payload].to_vec() }
        }
        Frame::Welcome(body) => Frame::Welcome(body),
        Frame::Refused(body) => Frame::Refused(body),
        Frame::Window { acked, limit } => Frame::Window { acked, limit },
        Frame::Ping { number } => Frame::Ping { number },
        Frame::Opened { stream } => Frame::Opened { stream },
        Frame::Credit { stream, limit } => Frame::Credit { stream, limit },
        Frame::Close { stream, close } => Frame::Close { stream, close },
        Frame::Accept { stream, accept } => Frame::Accept { stream, accept },
        Frame::Announced(body) => Frame::Announced(body),
        Frame::Scraped(body) => Frame::Scraped(body),
        Frame::Fetched(body) => Frame::Fetched(body),
        other => panic!("a relay never sends {other:?}"),
    }
}

/// What the relay says to this hello when it does not let the tab in; the connection must then close.
pub(crate) async fn refusal(socket: &mut Socket) -> Refused {
    let message = next_message(socket).await.expect("a refusal before the end");
    let frame = relay_proto::Frames::parse(&message).unwrap().next().unwrap().unwrap();
    let Frame::Refused(refused) = frame else { panic!("a refusal, not {frame:?}") };
    assert_eq!(next_message(socket).await, None, "the connection closes");
    refused
}

/// A tab that is let in.
pub(crate) struct Tab {
    pub(crate) link: Link,
    pub(crate) socket: Socket,
    pub(crate) welcome: Welcome,
    pub(crate) inbox: VecDeque<Got>,
    /// Grants of streams for which [`Tab::collect`] reads.
    credits: HashMap<u32, ReceiveCredit>,
}

impl Tab {
    pub(crate) async fn connect(relay: &RunningRelay) -> Self {
        let mut tab = Self {
            link: Link::new(SESSION_WINDOW),
            socket: open_socket(relay).await,
            welcome: Welcome {
                session: SessionKey { id: String::new(), secret: Secret::default() },
                resumed: false,
                received: 0,
                limit: 0,
                stream_credit: 0,
                incoming_port: 0,
                limits: relay_proto::Limits { streams: 0, dials_per_s: 0, info_hashes: 0, bytes_per_s: 0 },
                suggestion: None,
            },
            inbox: VecDeque::new(),
            credits: HashMap::new(),
        };
        tab.greet(hello()).await;
        tab
    }

    /// A tab that has registered [`HASH`].
    pub(crate) async fn registered(relay: &RunningRelay) -> Self {
        let mut tab = Self::connect(relay).await;
        tab.register(1, HASH).await;
        tab
    }

    async fn greet(&mut self, hello: Hello) {
        send_frame(&mut self.socket, &Frame::Hello(hello)).await;
        let message = next_message(&mut self.socket).await.expect("a welcome");
        let frame = relay_proto::Frames::parse(&message).unwrap().next().unwrap().unwrap();
        let Frame::Welcome(welcome) = frame else { panic!("a welcome, not {frame:?}") };
        if !welcome.resumed {
            self.link = Link::new(SESSION_WINDOW);
        }
        self.link.attach(welcome.received, welcome.limit).unwrap();
        self.welcome = welcome;
    }

    /// Comes back over a new WebSocket; what had arrived on the old one and was not looked at is lost with it.
    pub(crate) async fn come_back(&mut self, relay: &RunningRelay) {
        self.link.detach();
        self.socket = open_socket(relay).await;
        let hello = Hello {
            session: Some(self.welcome.session.clone()),
            received: self.link.received(),
            limit: self.link.limit(),
            ..hello()
        };
        self.greet(hello).await;
    }

    pub(crate) async fn send(&mut self, frame: &Frame<&[u8]>) {
        self.link.send(frame).unwrap();
        self.flush().await;
    }

    pub(crate) async fn flush(&mut self) {
        while let Some(message) = self.link.poll_message(MAX_MESSAGE_LEN) {
            if in_time(self.socket.send(Message::Binary(message))).await.is_err() {
                return;
            }
        }
    }

    pub(crate) async fn register(&mut self, torrent: u32, info_hash: InfoHash) {
        let register = Register { torrent, info_hashes: vec![info_hash], private: false };
        self.send(&Frame::Register(register)).await;
    }

    pub(crate) async fn open(&mut self, stream: u32, addr: SocketAddr) {
        self.send(&Frame::Open { stream, open: Open { addr, info_hash: HASH } }).await;
    }

    /// The next frame that is not about windows and credit; `None` when the WebSocket has ended.
    pub(crate) async fn next(&mut self) -> Option<Got> {
        loop {
            self.flush().await;
            if let Some(frame) = self.inbox.pop_front() {
                return Some(frame);
            }
            let message = next_message(&mut self.socket).await?;
            self.take(&message);
        }
    }

    fn take(&mut self, message: &[u8]) {
        let frames = self.link.receive(message).unwrap();
        let session_len = frames.session_len();
        for frame in frames {
            match owned(frame.unwrap(), message) {
                Frame::Window { .. } | Frame::Ping { .. } => {}
                frame => self.inbox.push_back(frame),
            }
        }
        self.link.processed(session_len);
    }

    pub(crate) async fn expect_opened(&mut self, stream: u32) {
        let frame = self.next().await;
        assert!(matches!(frame, Some(Frame::Opened { stream: s }) if s == stream), "{frame:?}");
    }

    /// Skips data and credit up to the close of this stream.
    pub(crate) async fn close_of(&mut self, stream: u32) -> Close {
        loop {
            match self.next().await.expect("a close before the end") {
                Frame::Close { stream: s, close } if s == stream => return close,
                Frame::Close { stream: s, close } => panic!("stream {s} ended: {close:?}"),
                _ => {}
            }
        }
    }

    /// Reads data of this stream, granting credit as it goes, until `len` bytes are there.
    pub(crate) async fn collect(&mut self, stream: u32, len: usize) -> Vec<u8> {
        let mut got = Vec::new();
        while got.len() < len {
            match self.next().await.expect("data before the end") {
                Frame::Data { stream: s, payload } if s == stream => {
                    self.grant(stream, payload.len() as u64);
                    got.extend_from_slice(&payload);
                }
                Frame::Close { stream: s, close } if s == stream => panic!("stream {s} ended: {close:?}"),
                _ => {}
            }
        }
        got
    }

    pub(crate) fn grant(&mut self, stream: u32, bytes: u64) {
        let credit = self.credits.entry(stream).or_insert_with(|| ReceiveCredit::new(STREAM_CREDIT_DOWN));
        credit.receive(bytes).unwrap();
        if let Some(limit) = credit.consume(bytes) {
            self.link.send(&Frame::Credit { stream, limit }).unwrap();
        }
    }

    /// Opens a stream to a peer that listens there and lets both handshakes pass.
    pub(crate) async fn open_through(&mut self, stream: u32, listener: &TcpListener) -> TcpStream {
        self.open(stream, listener.local_addr().unwrap()).await;
        self.expect_opened(stream).await;
        let mut peer = in_time(listener.accept()).await.unwrap().0;
        self.send(&Frame::Data { stream, payload: &handshake(HASH) }).await;
        let mut theirs = [0; 68];
        in_time(peer.read_exact(&mut theirs)).await.unwrap();
        assert_eq!(theirs, handshake(HASH));
        peer.write_all(&handshake(HASH)).await.unwrap();
        assert_eq!(self.collect(stream, 68).await, handshake(HASH));
        peer
    }
}

/// A place for peers; each call has a port of its own.
pub(crate) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.2:0").await.unwrap()
}

/// Bytes whose order shows.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).flat_map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes()).take(len).collect()
}

/// Runs an HTTP tracker; returns its announce address and each query that it gets.
pub(crate) async fn tracker() -> (String, mpsc::UnboundedReceiver<String>) {
    let (queries, seen) = mpsc::unbounded_channel();
    let answer = async |State(queries): State<mpsc::UnboundedSender<String>>, RawQuery(query): RawQuery| {
        let _ = queries.send(query.unwrap_or_default());
        b"d8:intervali1800e5:peers6:\x7f\x00\x00\x05\x1a\xe1e".to_vec()
    };
    let router = Router::new().route("/announce", get(answer)).with_state(queries);
    let listener = TcpListener::bind("127.0.0.3:0").await.unwrap();
    let url = format!("http://{}/announce", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}

/// A tracker that answers `started` only when it is let go; it tells what comes and when it answers.
pub(crate) async fn slow_tracker() -> (String, mpsc::UnboundedReceiver<String>, oneshot::Sender<()>) {
    let (tell, heard) = mpsc::unbounded_channel();
    let (let_go, gone) = oneshot::channel();
    let gate = Arc::new(Mutex::new(Some(gone)));
    let answer = async move |RawQuery(query): RawQuery| {
        let query = query.unwrap_or_default();
        let event = query.split("event=").nth(1).unwrap_or("regular").to_owned();
        let _ = tell.send(format!("{event} comes"));
        if let Some(gone) = gate.lock().await.take() {
            let _ = gone.await;
            let _ = tell.send(format!("{event} is answered"));
        }
        b"d8:intervali1800ee".to_vec()
    };
    let listener = TcpListener::bind("127.0.0.3:0").await.unwrap();
    let url = format!("http://{}/announce", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/announce", get(answer))).await });
    (url, heard, let_go)
}

pub(crate) fn announce(url: &str, event: AnnounceEvent) -> Frame<&'static [u8]> {
    Frame::Announce(Announce {
        request: 5,
        url: url.to_owned(),
        info_hash: HASH,
        peer_id: PeerId([b'q'; 20]),
        key: 77,
        event,
        uploaded: 11,
        downloaded: 22,
        left: 33,
        num_want: 50,
        tracker_id: None,
    })
}

/// Frames that the tab has queued count as sent to a peer only when they arrive there.
pub(crate) async fn read_exactly(peer: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    in_time(peer.read_exact(&mut bytes)).await.unwrap();
    bytes
}
