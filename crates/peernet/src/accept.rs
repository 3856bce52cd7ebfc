//! Connections from peers.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use codec::{HANDSHAKE_LEN, Handshake, NotAHandshake, Opening, opening};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that wait to be accepted at most; more are refused by the system.
const BACKLOG: u32 = 128;

/// Listens on the first free port of `ports` at `ip`. Needs a tokio runtime around it.
///
/// # Errors
/// If no port of the range is free, or `ip` is not an address of this machine.
pub fn bind_in_range(ip: IpAddr, ports: RangeInclusive<u16>) -> io::Result<TcpListener> {
    let (first, last) = (*ports.start(), *ports.end());
    for port in ports {
        match listen(SocketAddr::new(ip, port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            other => return other,
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, format!("no port from {first} to {last} is free at {ip}")))
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A port that was closed a moment ago may be taken again; two listeners on one port stay impossible.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Why an incoming connection is of no use.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// It speaks another protocol, or an encrypted one.
    #[error("its first bytes are no BitTorrent handshake")]
    NotBitTorrent,
    /// The handshake was not complete in time.
    #[error("its handshake was not complete within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// It was closed before the handshake was complete.
    #[error("it was closed before its handshake was complete")]
    Closed,
    /// The network failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

impl From<NotAHandshake> for AcceptError {
    fn from(_: NotAHandshake) -> Self {
        Self::NotBitTorrent
    }
}

/// Reads a peer's handshake, and returns it with its bytes as they came. Not one byte beyond it is read.
///
/// # Errors
/// [`AcceptError`]; another protocol is told by its first wrong byte, however few bytes came.
pub async fn read_handshake(
    stream: &mut TcpStream,
    timeout: Duration,
) -> Result<(Handshake, Vec<u8>), AcceptError> {
    tokio::time::timeout(timeout, read_all(stream)).await.map_err(|_| AcceptError::TimedOut(timeout))?
}

async fn read_all(stream: &mut TcpStream) -> Result<(Handshake, Vec<u8>), AcceptError> {
    let mut bytes = [0; HANDSHAKE_LEN];
    let mut len = 0;
    while len < HANDSHAKE_LEN {
        let read = stream.read(&mut bytes[len..]).await?;
        if read == 0 {
            return Err(AcceptError::Closed);
        }
        len += read;
        if opening(&bytes[..len]) == Opening::NotBitTorrent {
            return Err(AcceptError::NotBitTorrent);
        }
    }
    Ok((Handshake::parse(&bytes)?, bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use codec::{InfoHash, PeerId};
    use tokio::io::AsyncWriteExt;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const LIMIT: Duration = Duration::from_secs(10);

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = listen(SocketAddr::new(LOOPBACK, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_taken_port_is_passed_over_and_a_full_range_is_an_error() {
        // Two neighbouring ports that were free a moment ago; others may take one, then the next try has others.
        for _ in 0..20 {
            let first = listen(SocketAddr::new(LOOPBACK, 0)).unwrap();
            let port = first.local_addr().unwrap().port();
            let Some(next) = port.checked_add(1) else { continue };
            let Ok(second) = bind_in_range(LOOPBACK, port..=next) else { continue };
            assert_eq!(second.local_addr().unwrap().port(), next);
            let error = bind_in_range(LOOPBACK, port..=next).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
            assert!(error.to_string().contains(&format!("from {port} to {next}")), "{error}");
            return;
        }
        panic!("no two neighbouring ports are free");
    }

    #[tokio::test]
    async fn a_handshake_in_parts_is_read_whole_and_nothing_beyond_it() {
        let (mut client, mut server) = pair().await;
        let sent = Handshake { reserved: [1; 8], info_hash: InfoHash([2; 20]), peer_id: PeerId([3; 20]) };
        let bytes = sent.encode();
        client.write_all(&bytes[..30]).await.unwrap();
        let reading = tokio::spawn(async move {
            let answer = read_handshake(&mut server, LIMIT).await.unwrap();
            let mut rest = [0; 5];
            server.read_exact(&mut rest).await.unwrap();
            (answer, rest)
        });
        client.write_all(&bytes[30..]).await.unwrap();
        client.write_all(b"after").await.unwrap();
        assert_eq!(reading.await.unwrap(), ((sent, bytes.to_vec()), *b"after"));
    }

    #[tokio::test]
    async fn another_protocol_is_refused_at_its_first_bytes() {
        let (mut client, mut server) = pair().await;
        client.write_all(b"GET").await.unwrap();
        let error = read_handshake(&mut server, LIMIT).await.unwrap_err();
        assert!(matches!(error, AcceptError::NotBitTorrent), "{error}");
    }

    #[tokio::test]
    async fn a_connection_closed_in_mid_handshake_is_reported() {
        let (mut client, mut server) = pair().await;
        client.write_all(b"\x13BitTorrent").await.unwrap();
        drop(client);
        let error = read_handshake(&mut server, LIMIT).await.unwrap_err();
        assert!(matches!(error, AcceptError::Closed), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_given_up_after_the_time_limit() {
        let (_client, mut server) = pair().await;
        let error = read_handshake(&mut server, LIMIT).await.unwrap_err();
        assert!(matches!(error, AcceptError::TimedOut(LIMIT)), "{error}");
    }
}
