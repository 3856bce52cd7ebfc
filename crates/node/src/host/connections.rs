//! The tasks around each connection: one dials or accepts, one reads, one writes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use engine::{BlockRef, FetchFault, FetchKey, PIECE_HEADER_LEN, PeerKey};
use peernet::policy::DestinationPolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, JoinHandle};

use super::driver::Report;
use crate::content::{Content, ContentError};

/// How long a connection may take to be made.
const DIAL_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a closed connection may take to send what was promised before.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Before accepting again after the system refused, for instance for want of file handles.
const ACCEPT_RETRY: Duration = Duration::from_secs(1);

/// Room made for one read: several blocks, so that a fast peer costs few wake-ups.
const READ_LEN: usize = 64 * 1024;

/// Messages and blocks written together at most.
const WRITE_BATCH: usize = 32;

/// What happens on the network, in order for each peer.
pub(super) enum Network {
    Dialed {
        peer: PeerKey,
        stream: Option<TcpStream>,
    },
    Accepted {
        stream: TcpStream,
        addr: SocketAddr,
    },
    Received {
        peer: PeerKey,
        bytes: Bytes,
    },
    Closed {
        peer: PeerKey,
    },
    /// Part of what a web seed was asked for.
    Fetched {
        fetch: FetchKey,
        bytes: Bytes,
    },
    /// No more comes of it; why, unless all is there.
    FetchEnded {
        fetch: FetchKey,
        fault: Option<FetchFault>,
    },
}

/// What is to be written.
pub(super) enum Outgoing {
    Bytes(Vec<u8>),
    Block { header: [u8; PIECE_HEADER_LEN], block: BlockRef },
}

/// A connection as the driver holds it. Dropping it ends its tasks at once.
pub(super) enum Connection {
    Dialing(AbortHandle),
    Open { outgoing: UnboundedSender<Outgoing>, reader: AbortHandle, writer: Option<JoinHandle<()>> },
}

impl Connection {
    pub(super) fn dial(
        peer: PeerKey,
        addr: SocketAddr,
        bind: Option<std::net::IpAddr>,
        policy: Arc<DestinationPolicy>,
        network: mpsc::Sender<Network>,
    ) -> Self {
        let task = tokio::spawn(async move {
            let dialed = peernet::dial::dial(&policy, addr, bind, DIAL_TIMEOUT).await;
            if let Err(error) = &dialed {
                tracing::debug!(%addr, %error, "cannot connect");
            }
            let _heard = network.send(Network::Dialed { peer, stream: dialed.ok() }).await;
        });
        Self::Dialing(task.abort_handle())
    }

    pub(super) fn open(
        peer: PeerKey,
        stream: TcpStream,
        content: Option<Arc<Content>>,
        network: &mpsc::Sender<Network>,
        reports: &mpsc::Sender<Report>,
    ) -> Self {
        let (read_half, write_half) = stream.into_split();
        let (outgoing, queue) = unbounded_channel();
        let reader = tokio::spawn(read(peer, read_half, network.clone())).abort_handle();
        let writer = Writer { peer, half: write_half, content, reports: reports.clone() };
        let writer = tokio::spawn(writer.run(queue, network.clone()));
        Self::Open { outgoing, reader, writer: Some(writer) }
    }

    /// Queues what the engine wants sent. The queue needs no bound of its own: the engine keeps back what is beyond
    /// its `send_queue_bytes_max` until it hears that bytes have left.
    pub(super) fn send(&self, what: Outgoing) {
        if let Self::Open { outgoing, .. } = self {
            // The writer's end is gone when the network failed; the driver hears of it in its own time.
            let _queued = outgoing.send(what);
        }
    }

    /// Ends the connection after what was queued is out, or after a while.
    pub(super) fn close(mut self) {
        if let Self::Open { writer, .. } = &mut self
            && let Some(mut writer) = writer.take()
        {
            tokio::spawn(async move {
                if tokio::time::timeout(CLOSE_TIMEOUT, &mut writer).await.is_err() {
                    writer.abort();
                }
            });
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        match self {
            Self::Dialing(task) => task.abort(),
            Self::Open { reader, writer, .. } => {
                reader.abort();
                if let Some(writer) = writer {
                    writer.abort();
                }
            }
        }
    }
}

/// Accepts for ever.
pub(super) async fn accept(listener: TcpListener, network: mpsc::Sender<Network>) {
    loop {
        match listener.accept().await {
            Ok((stream, addr)) => {
                // Both families may share the socket; a peer has one address, whichever way it came.
                let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
                if stream.set_nodelay(true).is_ok()
                    && network.send(Network::Accepted { stream, addr }).await.is_err()
                {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// Reads as fast as the driver takes it, and no faster.
async fn read(peer: PeerKey, mut half: OwnedReadHalf, network: mpsc::Sender<Network>) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ_LEN);
        let message = match half.read_buf(&mut buffer).await {
            Ok(1..) => Network::Received { peer, bytes: buffer.split().freeze() },
            Ok(0) | Err(_) => Network::Closed { peer },
        };
        let is_last = matches!(message, Network::Closed { .. });
        if network.send(message).await.is_err() || is_last {
            return;
        }
    }
}

struct Writer {
    peer: PeerKey,
    half: OwnedWriteHalf,
    /// `None` while nothing but messages is sent.
    content: Option<Arc<Content>>,
    reports: mpsc::Sender<Report>,
}

/// Why a writer ends before its queue does.
enum WriteError {
    Network,
    Storage(ContentError),
}

impl Writer {
    async fn run(mut self, mut queue: UnboundedReceiver<Outgoing>, network: mpsc::Sender<Network>) {
        let mut batch = Vec::new();
        while queue.recv_many(&mut batch, WRITE_BATCH).await > 0 {
            let written = match self.gather(std::mem::take(&mut batch)).await {
                Ok(bytes) => self.write(&bytes).await,
                Err(error) => Err(error),
            };
            let _heard = match written {
                Ok(()) => continue,
                Err(WriteError::Network) => network.send(Network::Closed { peer: self.peer }).await.is_ok(),
                Err(WriteError::Storage(error)) => {
                    self.reports.send(Report::ReadFailed(error.to_string())).await.is_ok()
                }
            };
            return;
        }
        // The other side may have closed first.
        let _closed = self.half.shutdown().await;
    }

    /// One buffer of everything, so that a batch costs one trip to the disk and one to the socket.
    async fn gather(&self, batch: Vec<Outgoing>) -> Result<Vec<u8>, WriteError> {
        if !batch.iter().any(|what| matches!(what, Outgoing::Block { .. })) {
            return fill(batch, None).map_err(WriteError::Storage);
        }
        let content = self.content.clone();
        let filled = tokio::task::spawn_blocking(move || fill(batch, content.as_deref())).await;
        // The runtime is being shut down.
        filled.map_err(|_| WriteError::Network)?.map_err(WriteError::Storage)
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), WriteError> {
        while !bytes.is_empty() {
            let Ok(written @ 1..) = self.half.write(bytes).await else {
                return Err(WriteError::Network);
            };
            bytes = &bytes[written..];
            let report = Report::Sent { peer: self.peer, bytes: written as u64 };
            self.reports.send(report).await.map_err(|_| WriteError::Network)?;
        }
        Ok(())
    }
}

fn fill(batch: Vec<Outgoing>, content: Option<&Content>) -> Result<Vec<u8>, ContentError> {
    let len = batch.iter().map(|what| match what {
        Outgoing::Bytes(bytes) => bytes.len(),
        Outgoing::Block { block, .. } => PIECE_HEADER_LEN + block.len as usize,
    });
    let mut buffer = Vec::with_capacity(len.sum());
    for what in batch {
        match what {
            Outgoing::Bytes(bytes) => buffer.extend_from_slice(&bytes),
            Outgoing::Block { header, block } => {
                buffer.extend_from_slice(&header);
                let start = buffer.len();
                buffer.resize(start + block.len as usize, 0);
                let content = content.expect("invariant: only who has content sends blocks");
                content.read(&block, &mut buffer[start..])?;
            }
        }
    }
    Ok(buffer)
}
