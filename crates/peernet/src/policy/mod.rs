//! Which destinations may be reached, in one place, for every kind of connection.
//!
//! What names a destination here is hostile: a tracker's answer, a peer, a torrent, a redirect, a web page that
//! talks to the relay. Without this policy each of them could make a native program connect to services on its
//! user's machine or local network that trust those addresses.

mod special;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

pub use special::AddressClass;

/// Ports below this one belong to services that are no BitTorrent peers (mail, web, DNS).
const PEER_PORT_MIN: u16 = 1024;

/// What is to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestinationKind {
    /// A peer, whose address anybody may have made up.
    Peer,
    /// A tracker named by a torrent.
    Tracker,
    /// A web server that is to hand over a `.torrent` file.
    Web,
}

/// Says of every address whether it may be reached.
///
/// Starts from [`DestinationPolicy::public`], the addresses of the public internet, or [`DestinationPolicy::closed`],
/// none. [`DestinationPolicy::allow`] opens further networks; within them every address and every port may be reached.
#[derive(Clone, Debug)]
pub struct DestinationPolicy {
    allowed: Vec<IpNet>,
    is_public_open: bool,
}

impl DestinationPolicy {
    /// The public internet, and nothing else.
    #[must_use]
    pub const fn public() -> Self {
        Self { allowed: Vec::new(), is_public_open: true }
    }

    /// Nothing at all, for swarms that are to stay within networks that [`DestinationPolicy::allow`] opens.
    #[must_use]
    pub const fn closed() -> Self {
        Self { allowed: Vec::new(), is_public_open: false }
    }

    /// Opens a network, whatever kind of addresses it holds.
    #[must_use]
    pub fn allow(mut self, net: IpNet) -> Self {
        self.allowed.push(net);
        self
    }

    /// Opens each of these networks.
    #[must_use]
    pub fn allow_all(mut self, nets: impl IntoIterator<Item = IpNet>) -> Self {
        self.allowed.extend(nets);
        self
    }

    /// Whether `addr` may be reached as a `kind`.
    ///
    /// # Errors
    /// A [`Refusal`] that says in plain words why not, and what would allow it.
    pub fn check(&self, addr: SocketAddr, kind: DestinationKind) -> Result<(), Refusal> {
        let refuse = |reason| Err(Refusal { addr, kind, reason });
        if addr.port() == 0 {
            return refuse(RefusalReason::PortZero);
        }
        if self.is_allowed(addr.ip()) {
            return Ok(());
        }
        match special::classify(addr.ip()) {
            AddressClass::Public if self.is_public_open => {}
            class => return refuse(RefusalReason::Address(class)),
        }
        if kind == DestinationKind::Peer && addr.port() < PEER_PORT_MIN {
            return refuse(RefusalReason::LowPort);
        }
        Ok(())
    }

    /// An IPv4-mapped address is the same destination as the IPv4 address in it, so it follows that one's networks.
    fn is_allowed(&self, ip: IpAddr) -> bool {
        let canonical = ip.to_canonical();
        self.allowed.iter().any(|net| net.contains(&ip) || net.contains(&canonical))
    }
}

/// A destination that may not be reached. Its text says why, and which flag would allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// The refused address.
    pub addr: SocketAddr,
    /// What it was to be reached as.
    pub kind: DestinationKind,
    /// Why it is refused.
    pub reason: RefusalReason,
}

/// Why a destination is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// The address is of a kind that the policy does not open.
    Address(AddressClass),
    /// A peer's port below 1024: it belongs to some other service.
    LowPort,
    /// Nothing can listen on port zero.
    PortZero,
}

impl RefusalReason {
    /// A short stable name, for logs and tests.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Address(class) => class.code(),
            Self::LowPort => "low-port",
            Self::PortZero => "port-zero",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { addr, reason, .. } = self;
        let kind = match self.kind {
            DestinationKind::Peer => "peer",
            DestinationKind::Tracker => "tracker",
            DestinationKind::Web => "web server",
        };
        match reason {
            RefusalReason::Address(class) => write!(f, "the {kind} {addr} is {}", class.text())?,
            RefusalReason::LowPort => {
                write!(
                    f,
                    "the {kind} {addr} has a port below {PEER_PORT_MIN}, which belongs to other services"
                )?;
            }
            RefusalReason::PortZero => {
                return write!(f, "the {kind} {addr} has port 0, on which nothing can listen");
            }
        }
        write!(
            f,
            "; it is not reached unless --allow-net {} allows it",
            IpNet::from(addr.ip().to_canonical())
        )
    }
}

#[cfg(test)]
mod tests;
