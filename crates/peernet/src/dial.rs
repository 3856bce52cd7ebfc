//! Connections to peers.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

use crate::policy::{DestinationKind, DestinationPolicy, Refusal};

/// Why a connection could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The policy refuses the address.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No answer in time.
    #[error("{addr} did not answer within {} s", .timeout.as_secs_f32())]
    TimedOut {
        /// Where to.
        addr: SocketAddr,
        /// How long was waited.
        timeout: Duration,
    },
    /// The network or the other side refused.
    #[error("{addr} could not be reached: {source}")]
    Io {
        /// Where to.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Connects to a peer at `addr`, from the local address `bind` if one is given, with Nagle's algorithm off.
///
/// # Errors
/// [`DialError`], when the policy refuses the address, within `timeout` nobody answers, or the network refuses.
pub async fn dial(
    policy: &DestinationPolicy,
    addr: SocketAddr,
    bind: Option<IpAddr>,
    timeout: Duration,
) -> Result<TcpStream, DialError> {
    policy.check(addr, DestinationKind::Peer)?;
    let io_error = |source| DialError::Io { addr, source };
    let stream = tokio::time::timeout(timeout, connect(addr, bind))
        .await
        .map_err(|_| DialError::TimedOut { addr, timeout })?
        .map_err(io_error)?;
    // Requests are a few bytes each; waiting to merge them would cost a round trip per block.
    stream.set_nodelay(true).map_err(io_error)?;
    Ok(stream)
}

async fn connect(addr: SocketAddr, bind: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(ip) = bind {
        socket.bind(SocketAddr::new(ip, 0))?;
    }
    socket.connect(addr).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use tokio::net::TcpListener;

    use super::*;

    fn loopback() -> DestinationPolicy {
        DestinationPolicy::public().allow("127.0.0.0/8".parse().unwrap())
    }

    #[tokio::test]
    async fn a_connection_comes_from_the_address_it_is_bound_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bind = "127.0.0.9".parse().unwrap();
        let limit = Duration::from_secs(10);
        let stream = dial(&loopback(), listener.local_addr().unwrap(), Some(bind), limit).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().1.ip(), bind);
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn an_address_that_the_policy_refuses_is_never_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let error =
            dial(&DestinationPolicy::public(), addr, None, Duration::from_secs(10)).await.unwrap_err();
        assert!(matches!(error, DialError::Refused(_)), "{error}");
        let accepted =
            std::future::poll_fn(|cx| std::task::Poll::Ready(listener.poll_accept(cx).is_ready())).await;
        assert!(!accepted);
    }

    #[tokio::test]
    async fn a_closed_port_is_reported_as_unreachable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        drop(listener);
        let error = dial(&loopback(), addr, None, Duration::from_secs(10)).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("{addr} could not be reached: ")), "{error}");
    }
}
