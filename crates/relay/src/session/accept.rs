//! Peers that come to a session's own port.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codec::InfoHash;
use peernet::accept::{AcceptError, bind_in_range, read_handshake};
use relay_proto::CloseCode;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::Event;
use crate::sessions::Shared;

/// Peers of one session whose handshake is awaited at the same time; more wait in the system's queue.
const HANDSHAKES_MAX: usize = 32;
/// Those of one address among them, so that one silent host does not keep all others out.
const HANDSHAKES_PER_IP_MAX: usize = 8;
/// After an error such as "too many open files" accepting again at once would spin.
const ERROR_PAUSE: Duration = Duration::from_millis(200);

/// A peer that has said its handshake.
pub(crate) struct Incoming {
    pub(super) socket: TcpStream,
    pub(super) addr: SocketAddr,
    pub(super) info_hash: InfoHash,
    pub(super) handshake: Vec<u8>,
}

/// Takes a port for the session and accepts on it. Returns zero if there is none.
pub(super) fn listen(shared: &Arc<Shared>, mailbox: &mpsc::Sender<Event>, tasks: &mut JoinSet<()>) -> u16 {
    let config = &shared.config;
    let bound = bind_in_range(config.peer_bind, config.peer_ports.0.clone());
    match bound.and_then(|listener| listener.local_addr().map(|addr| (listener, addr.port()))) {
        Ok((listener, port)) => {
            tasks.spawn(accept(listener, Arc::clone(shared), mailbox.clone()));
            port
        }
        Err(error) => {
            tracing::warn!("no peer can come to this session: {error}");
            0
        }
    }
}

/// How many handshakes are awaited from each address.
#[derive(Default)]
struct Awaited(Mutex<BTreeMap<IpAddr, usize>>);

impl Awaited {
    /// One more, unless there are too many from there.
    fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<AwaitedFrom> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(ip).or_default();
        if *count == HANDSHAKES_PER_IP_MAX {
            return None;
        }
        *count += 1;
        Some(AwaitedFrom { awaited: Arc::clone(self), ip })
    }
}

/// One handshake that is awaited; over when dropped.
struct AwaitedFrom {
    awaited: Arc<Awaited>,
    ip: IpAddr,
}

impl Drop for AwaitedFrom {
    fn drop(&mut self) {
        let mut counts = self.awaited.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.ip);
            }
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mailbox: mpsc::Sender<Event>) {
    let places = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let awaited = Arc::new(Awaited::default());
    let mut greeting = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = listener.accept().await;
        while greeting.try_join_next().is_some() {}
        let (socket, addr) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!("accepting a peer: {error}");
                tokio::time::sleep(ERROR_PAUSE).await;
                continue;
            }
        };
        let Some(from) = awaited.enter(addr.ip()) else {
            shared.refusals.note("too-many-handshakes", format!("{addr} says nothing and comes again"));
            continue;
        };
        let (shared, mailbox) = (Arc::clone(&shared), mailbox.clone());
        greeting.spawn(async move {
            greet(socket, addr, &shared, &mailbox).await;
            drop((place, from));
        });
    }
}

async fn greet(mut socket: TcpStream, addr: SocketAddr, shared: &Shared, mailbox: &mpsc::Sender<Event>) {
    match read_handshake(&mut socket, shared.config.handshake_timeout()).await {
        Ok((handshake, bytes)) => {
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!("TCP_NODELAY: {error}");
            }
            let incoming = Incoming { socket, addr, info_hash: handshake.info_hash, handshake: bytes };
            // If the session has ended, the peer is told so by the connection's end.
            let _ = mailbox.send(Event::Incoming(incoming)).await;
        }
        Err(error) => {
            let code = match error {
                AcceptError::NotBitTorrent => CloseCode::PeerNotBitTorrent,
                AcceptError::TimedOut(_) => CloseCode::HandshakeTimeout,
                AcceptError::Closed | AcceptError::Io(_) => CloseCode::PeerReset,
            };
            shared.refusals.note(code.code(), format!("{addr} came: {error}"));
        }
    }
}
