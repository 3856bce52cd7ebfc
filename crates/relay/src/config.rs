//! Everything that can be set, with its default and the environment variable that sets it too.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use ipnet::IpNet;

/// Open files for whatever is no session: HTTP requests, trackers, WebSockets that have yet to say hello.
const OPEN_FILES_SPARE: u64 = 512;

/// Connects a browser tab with BitTorrent peers and trackers.
///
/// It listens on this machine only, lets in only pages that know its token, reaches only public addresses, and lets
/// through only what begins with a BitTorrent handshake for a torrent that the page has registered, and parts of files
/// from web seeds.
#[derive(Clone, Debug, Parser)]
#[command(name = "swarmscope-relay", version)]
pub struct Config {
    /// Address and port on which tabs reach the relay; port 0 takes a free one.
    #[arg(long, env = "SWARMSCOPE_LISTEN", default_value = "127.0.0.1:7077", value_name = "ADDR:PORT")]
    pub listen: SocketAddr,

    /// Folder of the built page, served at `/`. Without it the relay serves no page.
    #[arg(long, env = "SWARMSCOPE_WEB", value_name = "DIR")]
    pub web: Option<PathBuf>,

    /// What a page must know to be let in. Without it one is made up and printed at the start. Better set by the
    /// environment than by the flag, which every user of the machine can read.
    #[arg(long, env = "SWARMSCOPE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,

    /// A network that may be reached although it is not public, for instance 127.77.0.0/16. May be repeated.
    #[arg(long, env = "SWARMSCOPE_ALLOW_NET", value_delimiter = ',', value_name = "CIDR")]
    pub allow_net: Vec<IpNet>,

    /// A page's origin that may connect beside the relay's own, for instance http://127.0.0.1:8080. May be repeated.
    #[arg(long, env = "SWARMSCOPE_ALLOW_ORIGIN", value_delimiter = ',', value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,

    /// A name by which the relay may be called beside localhost and plain addresses. May be repeated.
    #[arg(long, env = "SWARMSCOPE_ALLOW_HOST", value_delimiter = ',', value_name = "NAME")]
    pub allow_host: Vec<String>,

    /// Local address from which peers and trackers are reached and on which peers are accepted.
    #[arg(long, env = "SWARMSCOPE_PEER_BIND", default_value_t = IpAddr::V4(Ipv4Addr::UNSPECIFIED), value_name = "IP")]
    pub peer_bind: IpAddr,

    /// Ports on which peers are accepted; each session takes one.
    #[arg(long, env = "SWARMSCOPE_PEER_PORTS", default_value = "20000-29999", value_name = "FIRST-LAST")]
    pub peer_ports: PortRange,

    /// Address of a .torrent that the page offers while its list is empty.
    #[arg(long, env = "SWARMSCOPE_SUGGEST", value_name = "URL")]
    pub suggest: Option<String>,

    /// Sessions at the same time; each tab has one.
    #[arg(long, env = "SWARMSCOPE_MAX_SESSIONS", default_value_t = 64, value_name = "N")]
    pub max_sessions: usize,

    /// Connections to peers at the same time, for each session.
    #[arg(long, env = "SWARMSCOPE_MAX_STREAMS", default_value_t = 200, value_name = "N")]
    pub max_streams: u32,

    /// New connections to peers a second, for each session.
    #[arg(long, env = "SWARMSCOPE_MAX_DIALS_PER_S", default_value_t = 50, value_name = "N")]
    pub max_dials_per_s: u32,

    /// Requests to web seeds at the same time, for each session; 0 is none at all.
    #[arg(long, env = "SWARMSCOPE_MAX_RANGES", default_value_t = 8, value_name = "N")]
    pub max_ranges: u32,

    /// Registered info hashes at the same time, for each session.
    #[arg(long, env = "SWARMSCOPE_MAX_INFO_HASHES", default_value_t = 1000, value_name = "N")]
    pub max_info_hashes: u32,

    /// Bytes a second between peers and all who use the token, both ways together; 0 is without limit.
    #[arg(long, env = "SWARMSCOPE_MAX_BYTES_PER_S", default_value_t = 0, value_name = "BYTES")]
    pub max_bytes_per_s: u64,

    /// Seconds within which a page must say who it is.
    #[arg(long, env = "SWARMSCOPE_HELLO_TIMEOUT_S", default_value_t = 10, value_name = "SECONDS")]
    pub hello_timeout_s: u64,

    /// Seconds within which the head of an HTTP request must have come.
    #[arg(long, env = "SWARMSCOPE_HEADER_TIMEOUT_S", default_value_t = 10, value_name = "SECONDS")]
    pub header_timeout_s: u64,

    /// Seconds for which a session outlives its connection, so that the page can come back to it.
    #[arg(long, env = "SWARMSCOPE_RESUME_WITHIN_S", default_value_t = relay_proto::RESUME_WITHIN_S, value_name = "SECONDS")]
    pub resume_within_s: u64,

    /// The same for a page that was closed or left; never longer than for one that was cut off.
    #[arg(long, env = "SWARMSCOPE_LEAVE_WITHIN_S", default_value_t = relay_proto::LEAVE_WITHIN_S, value_name = "SECONDS")]
    pub leave_within_s: u64,

    /// Seconds within which a peer must be reached.
    #[arg(long, env = "SWARMSCOPE_DIAL_TIMEOUT_S", default_value_t = 20, value_name = "SECONDS")]
    pub dial_timeout_s: u64,

    /// Seconds within which both handshakes of a connection must have been seen.
    #[arg(long, env = "SWARMSCOPE_HANDSHAKE_TIMEOUT_S", default_value_t = 30, value_name = "SECONDS")]
    pub handshake_timeout_s: u64,

    /// What is logged to standard error: off, error, warn, info, debug, trace, or by module as in relay=debug.
    #[arg(long, env = "SWARMSCOPE_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
}

impl Config {
    /// The local address to bind to when reaching out; `None` lets the system choose.
    pub(crate) fn dial_from(&self) -> Option<IpAddr> {
        (!self.peer_bind.is_unspecified()).then_some(self.peer_bind)
    }

    /// The same for one destination.
    ///
    /// # Errors
    /// The destination cannot be reached from there; leaving from another address would betray the user's intent.
    pub(crate) fn dial_from_to(&self, to: SocketAddr) -> Result<Option<IpAddr>, String> {
        match self.dial_from() {
            Some(ip) if ip.is_ipv4() != to.is_ipv4() => Err(format!("{to} cannot be reached from {ip}")),
            from => Ok(from),
        }
    }

    pub(crate) const fn hello_timeout(&self) -> Duration {
        Duration::from_secs(self.hello_timeout_s)
    }

    pub(crate) const fn header_timeout(&self) -> Duration {
        Duration::from_secs(self.header_timeout_s)
    }

    /// How long a session is kept without a WebSocket.
    pub(crate) fn resume_within(&self, said_goodbye: bool) -> Duration {
        let within_s = if said_goodbye { self.leave_within_s } else { u64::MAX };
        Duration::from_secs(within_s.min(self.resume_within_s))
    }

    /// Files that can be open at once: those of the peers, one to listen and one WebSocket for each session, and some
    /// for trackers and the page.
    #[must_use]
    pub fn open_files_max(&self) -> u64 {
        let per_session = u64::from(self.max_streams).saturating_add(2);
        (self.max_sessions as u64).saturating_mul(per_session).saturating_add(OPEN_FILES_SPARE)
    }

    pub(crate) const fn dial_timeout(&self) -> Duration {
        Duration::from_secs(self.dial_timeout_s)
    }

    pub(crate) const fn handshake_timeout(&self) -> Duration {
        Duration::from_secs(self.handshake_timeout_s)
    }
}

/// A range of ports, written as `20000-29999`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRange(pub RangeInclusive<u16>);

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |text: &str| text.trim().parse::<u16>().map_err(|_| format!("{text:?} is no port"));
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (port(first)?, port(last)?);
        if first == 0 || first > last {
            return Err(format!("{first}-{last} is no range of ports"));
        }
        Ok(Self(first..=last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_range_is_two_ports_in_order_or_one() {
        assert_eq!("20000-29999".parse(), Ok(PortRange(20000..=29999)));
        assert_eq!("4000".parse(), Ok(PortRange(4000..=4000)));
        for bad in ["5-4", "0-9", "a-b", "1-70000", ""] {
            assert!(bad.parse::<PortRange>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_flag_can_be_set_by_the_environment_and_says_what_it_does() {
        use clap::CommandFactory;
        for arg in Config::command().get_arguments() {
            assert!(arg.get_help().is_some(), "{}", arg.get_id());
            assert!(arg.get_env().is_some(), "{}", arg.get_id());
        }
    }
}
