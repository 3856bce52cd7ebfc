//! One TCP connection to a peer: its credits, its handshake gate in both directions, and what waits to be written.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use codec::{HANDSHAKE_LEN, InfoHash, Opening, opening};
use peernet::dial::DialError;
use relay_proto::{
    Close, CloseCode, Frame, Link, ProtocolError, ReceiveCredit, STREAM_CREDIT_UP, SendCredit,
};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::{Event, send};
use crate::sessions::Shared;

/// Bytes from which the info hash of a handshake is known.
const OPENING_LEN: usize = 48;
/// How long what a tab sent last may take to reach the peer after the tab has closed the stream.
const LINGER: Duration = Duration::from_secs(10);

/// What became of a dial.
pub(crate) struct DialResult {
    pub(super) id: u32,
    pub(super) result: Result<TcpStream, Close>,
}

/// Reaches a peer; the result comes as an [`Event::Dialed`].
pub(super) fn dial(
    id: u32,
    addr: SocketAddr,
    shared: &Arc<Shared>,
    mailbox: &mpsc::Sender<Event>,
    tasks: &mut JoinSet<()>,
) -> AbortHandle {
    let (shared, mailbox) = (Arc::clone(shared), mailbox.clone());
    tasks.spawn(async move {
        let result = match shared.config.dial_from_to(addr) {
            Ok(from) => peernet::dial::dial(&shared.policy, addr, from, shared.config.dial_timeout())
                .await
                .map_err(|error| Close::with_text(dial_code(&error), error)),
            Err(text) => Err(Close::with_text(CloseCode::Unreachable, text)),
        };
        let _ = mailbox.send(Event::Dialed(DialResult { id, result })).await;
    })
}

const fn dial_code(error: &DialError) -> CloseCode {
    match error {
        DialError::Refused(_) => CloseCode::DestinationRefused,
        DialError::TimedOut { .. } | DialError::Io { .. } => CloseCode::Unreachable,
    }
}

/// What came of an attempt to read.
pub(super) enum Read {
    /// There may be more.
    More,
    /// Nothing is there now.
    WouldBlock,
    /// There is no credit: TCP slows the peer until the tab grants more.
    NoCredit,
    /// The stream is over.
    Over(Close),
}

/// What came of an attempt to write.
pub(super) enum Write {
    /// Nothing is left to write.
    Done,
    /// The peer takes no more now.
    WouldBlock,
    /// The stream is over.
    Over(Close),
}

/// One connection.
pub(super) struct Stream {
    pub(super) info_hashes: Vec<InfoHash>,
    pub(super) addr: SocketAddr,
    /// Absent while the peer is being reached.
    pub(super) socket: Option<Arc<TcpStream>>,
    dialing: Option<AbortHandle>,
    handshake_since: Instant,

    down: SendCredit,
    /// The peer's first bytes, until they are a handshake for `info_hash`.
    held: Vec<u8>,
    is_down_open: bool,
    /// Reading goes on when the tab grants more.
    pub(super) waits_for_credit: bool,

    up: ReceiveCredit,
    outbox: BytesMut,
    written: u64,
    is_up_open: bool,
    /// Writing goes on when the peer takes more, or the rate allows more.
    pub(super) waits_for_peer: bool,
}

impl Stream {
    pub(super) fn dialing(info_hashes: Vec<InfoHash>, addr: SocketAddr, dialing: AbortHandle) -> Self {
        Self {
            info_hashes,
            addr,
            socket: None,
            dialing: Some(dialing),
            handshake_since: Instant::now(),
            down: SendCredit::new(0),
            held: Vec::new(),
            is_down_open: false,
            waits_for_credit: false,
            up: ReceiveCredit::new(STREAM_CREDIT_UP),
            outbox: BytesMut::new(),
            written: 0,
            is_up_open: false,
            waits_for_peer: false,
        }
    }

    /// A peer that came and has said its handshake, which goes to the tab as the first data.
    pub(super) fn accepted(info_hashes: Vec<InfoHash>, addr: SocketAddr, socket: Arc<TcpStream>) -> Self {
        let up = ReceiveCredit::new(STREAM_CREDIT_UP);
        Self {
            info_hashes,
            addr,
            socket: Some(socket),
            dialing: None,
            handshake_since: Instant::now(),
            down: SendCredit::new(0),
            held: Vec::new(),
            is_down_open: true,
            waits_for_credit: false,
            up,
            outbox: BytesMut::new(),
            written: 0,
            is_up_open: false,
            waits_for_peer: false,
        }
    }

    /// The tab grants up to `limit` bytes of payload in all.
    pub(super) const fn grant(&mut self, limit: u64) {
        self.down.raise(limit);
    }

    /// Bytes that were read for the tab elsewhere use up credit too.
    pub(super) fn take_credit(&mut self, bytes: usize) {
        self.down.take(bytes as u64);
    }

    pub(super) fn connected(&mut self, socket: Arc<TcpStream>) {
        self.socket = Some(socket);
        self.dialing = None;
        self.handshake_since = Instant::now();
    }

    /// Reads at most `max` bytes straight into the message that `link` builds.
    pub(super) fn read(&mut self, id: u32, max: usize, link: &mut Link) -> Read {
        let Some(socket) = &self.socket else { return Read::WouldBlock };
        if !self.is_down_open {
            return self.read_opening(id, link);
        }
        let max = max.min(usize::try_from(self.down.available()).unwrap_or(usize::MAX));
        if max == 0 {
            self.waits_for_credit = true;
            return Read::NoCredit;
        }
        match link.read_data(id, max, |buffer| socket.try_read_buf(buffer)) {
            Ok(0) => Read::Over(Close::new(CloseCode::PeerClosed)),
            Ok(len) => {
                self.down.take(len as u64);
                Read::More
            }
            Err(error) => failed_read(&error),
        }
    }

    /// Holds the peer's first bytes back until they are what they must be.
    fn read_opening(&mut self, id: u32, link: &mut Link) -> Read {
        let Some(socket) = &self.socket else { return Read::WouldBlock };
        let mut bytes = [0; OPENING_LEN];
        match socket.try_read(&mut bytes[self.held.len()..]) {
            Ok(0) => return Read::Over(Close::new(CloseCode::PeerClosed)),
            Ok(len) => self.held.extend_from_slice(&bytes[self.held.len()..][..len]),
            Err(error) => return failed_read(&error),
        }
        match opening(&self.held) {
            Opening::Incomplete => {}
            Opening::For(hash) if self.info_hashes.contains(&hash) => {
                self.is_down_open = true;
                self.down.take(self.held.len() as u64);
                send(link, &Frame::Data { stream: id, payload: &self.held });
                self.held = Vec::new();
            }
            Opening::For(hash) => {
                let named = self.info_hashes.first().map(InfoHash::to_string).unwrap_or_default();
                let text = format!("{} answered for {hash} instead of {named}", self.addr);
                return Read::Over(Close::with_text(CloseCode::PeerWrongInfoHash, text));
            }
            Opening::NotBitTorrent => return Read::Over(Close::new(CloseCode::PeerNotBitTorrent)),
        }
        Read::More
    }

    /// Takes bytes for the peer. They are held back until they begin with the right handshake.
    ///
    /// # Errors
    /// The stream is over: more came than there was credit for, or something else than that handshake.
    pub(super) fn queue(&mut self, bytes: &[u8]) -> Result<(), Close> {
        let over = |error: ProtocolError| Close::with_text(CloseCode::CreditExceeded, error);
        self.up.receive(bytes.len() as u64).map_err(over)?;
        self.outbox.extend_from_slice(bytes);
        if !self.is_up_open {
            match opening(&self.outbox) {
                Opening::Incomplete => {}
                Opening::For(hash) if self.info_hashes.contains(&hash) => self.is_up_open = true,
                Opening::For(_) | Opening::NotBitTorrent => {
                    return Err(Close::new(CloseCode::TabNotBitTorrent));
                }
            }
        }
        Ok(())
    }

    /// Writes what the peer takes, and grants the tab as much again. Returns the bytes written.
    pub(super) fn write(&mut self, id: u32, link: &mut Link) -> (usize, Write) {
        let Some(socket) = &self.socket else { return (0, Write::Done) };
        let mut written = 0;
        let outcome = loop {
            let passing = self.passing_len();
            if passing == 0 {
                break Write::Done;
            }
            match socket.try_write(&self.outbox[..passing]) {
                Ok(len) => {
                    written += len;
                    self.written += len as u64;
                    self.outbox.advance(len);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Write::WouldBlock,
                Err(error) => break Write::Over(Close::with_text(CloseCode::PeerReset, error)),
            }
        };
        if let Some(limit) = self.up.consume(written as u64) {
            send(link, &Frame::Credit { stream: id, limit });
        }
        (written, outcome)
    }

    /// How much of what waits may pass the gate: until the peer has shown by its own handshake what it is, no more
    /// than ours reaches it, so that nobody can be sent arbitrary bytes unasked.
    fn passing_len(&self) -> usize {
        let allowed = match (self.is_up_open, self.is_down_open) {
            (false, _) => 0,
            (true, false) => (HANDSHAKE_LEN as u64).saturating_sub(self.written) as usize,
            (true, true) => usize::MAX,
        };
        self.outbox.len().min(allowed)
    }

    /// The peer has said its handshake.
    pub(super) const fn is_down_open(&self) -> bool {
        self.is_down_open
    }

    /// One of the two handshakes has not come in time.
    pub(super) fn is_handshake_late(&self, now: Instant, timeout: Duration) -> bool {
        self.socket.is_some()
            && !(self.is_up_open && self.is_down_open)
            && now.saturating_duration_since(self.handshake_since) >= timeout
    }

    /// The tab is done: what it sent before goes out, and the peer sees the end of the connection, not a reset.
    pub(super) fn finish(mut self) {
        self.outbox.truncate(self.passing_len());
        if let Some(dialing) = self.dialing {
            dialing.abort();
        }
        if let Some(socket) = self.socket {
            tokio::spawn(async move {
                let _ = tokio::time::timeout(LINGER, linger(&socket, self.outbox)).await;
            });
        }
    }

    /// Ends at once.
    pub(super) fn abort(self) {
        if let Some(dialing) = self.dialing {
            dialing.abort();
        }
    }
}

fn failed_read(error: &io::Error) -> Read {
    match error.kind() {
        io::ErrorKind::WouldBlock => Read::WouldBlock,
        _ => Read::Over(Close::with_text(CloseCode::PeerReset, error)),
    }
}

async fn linger(socket: &TcpStream, mut rest: BytesMut) -> io::Result<()> {
    while !rest.is_empty() {
        socket.writable().await?;
        match socket.try_write(&rest) {
            Ok(len) => rest.advance(len),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    socket2::SockRef::from(socket).shutdown(std::net::Shutdown::Write)?;
    // Closing with unread bytes would reset the connection and could take back what was just sent.
    let mut ignored = vec![0; 16 * 1024];
    loop {
        socket.readable().await?;
        match socket.try_read(&mut ignored) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
}
