//! Answers of trackers from bytes to values, without a network: for who has the bytes already.

use codec::InfoHash;

use super::udp::packet;
use super::{AnnounceAnswer, ScrapeAnswer, TrackerError, answer};

/// The body of an http tracker's answer to an announce (BEP 3, 7, 23).
///
/// # Errors
/// If it is none, or a refusal.
pub fn http_announce(body: &[u8]) -> Result<AnnounceAnswer, TrackerError> {
    answer::announce(body)
}

/// The body of an http tracker's answer to a scrape of these torrents (BEP 48).
///
/// # Errors
/// If it is none, or a refusal.
pub fn http_scrape(body: &[u8], torrents: &[InfoHash]) -> Result<Vec<ScrapeAnswer>, TrackerError> {
    answer::scrape(body, torrents)
}

/// The connection id in a udp tracker's packet (BEP 15); `None` if it answers something else.
///
/// # Errors
/// If it is too short, or a refusal.
pub fn udp_connect(packet: &[u8], transaction: u32) -> Result<Option<u64>, TrackerError> {
    packet::read_head(packet, packet::ACTION_CONNECT, transaction)?.map(packet::read_connect).transpose()
}

/// A udp tracker's answer to an announce; `None` if the packet answers something else. Peers have IPv6 addresses if
/// the tracker has one (BEP 15).
///
/// # Errors
/// If it is too short, or a refusal.
pub fn udp_announce(
    packet: &[u8],
    transaction: u32,
    is_ipv6: bool,
) -> Result<Option<AnnounceAnswer>, TrackerError> {
    let body = packet::read_head(packet, packet::ACTION_ANNOUNCE, transaction)?;
    body.map(|body| packet::read_announce(body, is_ipv6)).transpose()
}

/// A udp tracker's answer to a scrape of these torrents; `None` if the packet answers something else.
///
/// # Errors
/// If it is too short, or a refusal.
pub fn udp_scrape(
    packet: &[u8],
    transaction: u32,
    torrents: &[InfoHash],
) -> Result<Option<Vec<ScrapeAnswer>>, TrackerError> {
    let body = packet::read_head(packet, packet::ACTION_SCRAPE, transaction)?;
    body.map(|body| packet::read_scrape(body, torrents)).transpose()
}
