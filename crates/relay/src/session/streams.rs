//! All connections of one session, served in turn.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use codec::InfoHash;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable, Aborted};
use futures_util::stream::FuturesUnordered;
use relay_proto::{Accept, Close, CloseCode, Frame, FrameType, Link, ProtocolError};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::send;
use super::stream::{DialResult, Read, Stream, Write};
use crate::sessions::Shared;

/// Most bytes that one connection gives to a message while others wait.
const TURN_LEN: usize = 64 * 1024;
/// A message with less room than this goes out rather than get a tiny frame.
const ROOM_MIN: usize = 4 * 1024;

type Waiter = Pin<Box<dyn Future<Output = Result<Ready, Aborted>> + Send>>;

/// A socket can be read or written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    id: u32,
    is_write: bool,
}

/// At most one for reading and one for writing; stopped with the stream, since each holds on to the socket.
#[derive(Default)]
struct Waiters {
    read: Option<AbortHandle>,
    write: Option<AbortHandle>,
}

/// The connections of one session.
pub(super) struct Streams {
    shared: Arc<Shared>,
    credit: u64,
    by_id: BTreeMap<u32, (Stream, Waiters)>,
    /// Those that may write again when the rate allows.
    wait_for_rate: Vec<u32>,
    /// Those with something to read, in the order of their turns.
    readable: VecDeque<u32>,
    waiters: FuturesUnordered<Waiter>,
    highest_from_tab: u32,
    next_from_relay: u32,
}

impl Streams {
    /// None yet; each will have `credit` bytes for the way down at first.
    pub(super) fn new(shared: Arc<Shared>, credit: u64) -> Self {
        Self {
            shared,
            credit,
            by_id: BTreeMap::new(),
            wait_for_rate: Vec::new(),
            readable: VecDeque::new(),
            waiters: FuturesUnordered::new(),
            highest_from_tab: 0,
            next_from_relay: 2,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The tab uses a new number.
    ///
    /// # Errors
    /// It is even, or not higher than those before.
    pub(super) fn claim(&mut self, id: u32) -> Result<(), ProtocolError> {
        if id.is_multiple_of(2) || id <= self.highest_from_tab {
            return Err(ProtocolError::StreamNumber { name: FrameType::Open.name(), stream: id });
        }
        self.highest_from_tab = id;
        Ok(())
    }

    /// The tab uses an old number. It may be of a stream that has just ended.
    ///
    /// # Errors
    /// There was never such a stream.
    pub(super) fn check_known(&self, id: u32, kind: FrameType) -> Result<(), ProtocolError> {
        let is_known =
            if id.is_multiple_of(2) { id < self.next_from_relay } else { id <= self.highest_from_tab };
        is_known.then_some(()).ok_or_else(|| ProtocolError::StreamNumber { name: kind.name(), stream: id })
    }

    pub(super) fn insert(&mut self, id: u32, mut stream: Stream) {
        stream.grant(self.credit);
        self.by_id.insert(id, (stream, Waiters::default()));
    }

    /// A peer came and said this handshake, which names the first of these hashes of one torrent.
    pub(super) fn accept(
        &mut self,
        socket: TcpStream,
        addr: SocketAddr,
        info_hashes: Vec<InfoHash>,
        handshake: &[u8],
        link: &mut Link,
    ) {
        let id = self.next_from_relay;
        self.next_from_relay += 2;
        let Some(&info_hash) = info_hashes.first() else { return };
        let mut stream = Stream::accepted(info_hashes, addr, Arc::new(socket));
        stream.grant(self.credit);
        stream.take_credit(handshake.len());
        self.by_id.insert(id, (stream, Waiters::default()));
        send(link, &Frame::Accept { stream: id, accept: Accept { addr, info_hash } });
        send(link, &Frame::Data { stream: id, payload: handshake });
        self.wait(id, false);
    }

    pub(super) fn on_dialed(&mut self, dialed: DialResult, link: &mut Link) {
        let DialResult { id, result } = dialed;
        let Some((stream, _)) = self.by_id.get_mut(&id) else { return };
        match result {
            Ok(socket) => {
                stream.connected(Arc::new(socket));
                send(link, &Frame::Opened { stream: id });
                self.wait(id, false);
                self.write(id, link);
            }
            Err(close) => self.end(id, close, link),
        }
    }

    pub(super) fn on_data(&mut self, id: u32, bytes: &[u8], link: &mut Link) {
        let Some((stream, _)) = self.by_id.get_mut(&id) else { return };
        match stream.queue(bytes) {
            Ok(()) => self.write_more(id, link),
            Err(close) => self.end(id, close, link),
        }
    }

    pub(super) fn on_credit(&mut self, id: u32, limit: u64) {
        let Some((stream, _)) = self.by_id.get_mut(&id) else { return };
        stream.grant(limit);
        if std::mem::take(&mut stream.waits_for_credit) {
            self.readable.push_back(id);
        }
    }

    pub(super) fn on_close(&mut self, id: u32) {
        if let Some(stream) = self.remove(id) {
            stream.finish();
        }
    }

    /// The next socket that can be read or written; pends while there is none.
    pub(super) async fn next_ready(&mut self) -> Option<Ready> {
        loop {
            if self.waiters.is_empty() {
                return std::future::pending().await;
            }
            if let Some(Ok(ready)) = self.waiters.next().await {
                return Some(ready);
            }
        }
    }

    pub(super) fn on_ready(&mut self, ready: Ready, link: &mut Link) {
        if ready.is_write {
            self.write(ready.id, link);
        } else {
            self.readable.push_back(ready.id);
        }
    }

    /// Something can be read for the tab, and there is room for it.
    pub(super) fn can_fill(&self, link: &Link) -> bool {
        !self.readable.is_empty() && link.data_room() >= ROOM_MIN && self.shared.bytes.available() > 0
    }

    /// The token's bytes for this moment are used up while something could be read or written.
    pub(super) fn waits_for_rate(&self) -> bool {
        !self.wait_for_rate.is_empty() || (!self.readable.is_empty() && self.shared.bytes.available() == 0)
    }

    /// Goes on writing where the rate allows it again.
    pub(super) fn resume_writes(&mut self, link: &mut Link) {
        if !self.wait_for_rate.is_empty() && self.shared.bytes.available() > 0 {
            for id in std::mem::take(&mut self.wait_for_rate) {
                self.write(id, link);
            }
        }
    }

    /// Reads from each connection in turn, straight into the message being built, until it is full or nothing is left.
    pub(super) fn fill(&mut self, link: &mut Link) {
        while let Some(id) = self.readable.front().copied() {
            let room = link.data_room();
            let allowed = usize::try_from(self.shared.bytes.available()).unwrap_or(usize::MAX);
            if room < ROOM_MIN || allowed == 0 {
                return;
            }
            self.readable.pop_front();
            let Some((stream, _)) = self.by_id.get_mut(&id) else { continue };
            let turn = if self.readable.is_empty() { room } else { room.min(TURN_LEN) };
            let before = link.pending_len();
            let was_open = stream.is_down_open();
            let read = stream.read(id, turn.min(allowed), link);
            let opens = !was_open && stream.is_down_open();
            self.shared.bytes.take((link.pending_len() - before) as u64);
            match read {
                Read::More => self.readable.push_back(id),
                Read::WouldBlock => self.wait(id, false),
                Read::NoCredit => {}
                Read::Over(close) => self.end(id, close, link),
            }
            if opens {
                self.write_more(id, link);
            }
        }
    }

    /// Writes what waits, unless it waits for the peer.
    fn write_more(&mut self, id: u32, link: &mut Link) {
        if self.by_id.get(&id).is_some_and(|(stream, _)| !stream.waits_for_peer) {
            self.write(id, link);
        }
    }

    fn write(&mut self, id: u32, link: &mut Link) {
        let Some((stream, _)) = self.by_id.get_mut(&id) else { return };
        if self.shared.bytes.available() == 0 {
            stream.waits_for_peer = true;
            self.wait_for_rate.push(id);
            return;
        }
        stream.waits_for_peer = false;
        let (written, outcome) = stream.write(id, link);
        self.shared.bytes.take(written as u64);
        match outcome {
            Write::Done => {}
            Write::WouldBlock => {
                stream.waits_for_peer = true;
                self.wait(id, true);
            }
            Write::Over(close) => self.end(id, close, link),
        }
    }

    /// Asks to be told when the socket can be read or written.
    fn wait(&mut self, id: u32, is_write: bool) {
        let Some((stream, waiters)) = self.by_id.get_mut(&id) else { return };
        let Some(socket) = stream.socket.clone() else { return };
        let (handle, registration) = AbortHandle::new_pair();
        *(if is_write { &mut waiters.write } else { &mut waiters.read }) = Some(handle);
        let ready = async move {
            // An error shows again, with its cause, when the socket is read or written.
            let _ = if is_write { socket.writable().await } else { socket.readable().await };
            Ready { id, is_write }
        };
        self.waiters.push(Box::pin(Abortable::new(ready, registration)));
    }

    /// These torrents are registered no longer.
    pub(super) fn unregister(&mut self, gone: &[InfoHash], link: &mut Link) {
        let is_gone = |stream: &Stream| stream.info_hashes.first().is_some_and(|hash| gone.contains(hash));
        self.end_where(is_gone, CloseCode::Unregistered, link);
    }

    pub(super) fn on_tick(&mut self, now: Instant, link: &mut Link) {
        let timeout = self.shared.config.handshake_timeout();
        self.end_where(|stream| stream.is_handshake_late(now, timeout), CloseCode::HandshakeTimeout, link);
    }

    fn end_where(&mut self, is_over: impl Fn(&Stream) -> bool, code: CloseCode, link: &mut Link) {
        let over: Vec<u32> =
            self.by_id.iter().filter(|(_, (stream, _))| is_over(stream)).map(|(id, _)| *id).collect();
        for id in over {
            self.end(id, Close::new(code), link);
        }
    }

    /// Ends a stream and tells the tab why.
    fn end(&mut self, id: u32, close: Close, link: &mut Link) {
        let Some(stream) = self.remove(id) else { return };
        match CloseCode::from_number(close.code) {
            Some(
                code @ (CloseCode::DestinationRefused
                | CloseCode::TabNotBitTorrent
                | CloseCode::PeerNotBitTorrent
                | CloseCode::PeerWrongInfoHash
                | CloseCode::HandshakeTimeout
                | CloseCode::CreditExceeded),
            ) => self.shared.refusals.note(code.code(), format!("stream to {}: {}", stream.addr, close.text)),
            _ => tracing::debug!("stream to {}: {}", stream.addr, close.text),
        }
        stream.abort();
        send(link, &Frame::Close { stream: id, close });
    }

    fn remove(&mut self, id: u32) -> Option<Stream> {
        let (stream, waiters) = self.by_id.remove(&id)?;
        for waiter in [waiters.read, waiters.write].into_iter().flatten() {
            waiter.abort();
        }
        Some(stream)
    }

    /// The session is over.
    pub(super) fn close_all(&mut self) {
        let ids: Vec<u32> = self.by_id.keys().copied().collect();
        for id in ids {
            if let Some(stream) = self.remove(id) {
                stream.finish();
            }
        }
    }
}
