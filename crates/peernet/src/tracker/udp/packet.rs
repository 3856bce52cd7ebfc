//! The packets of BEP 15, written and read; no socket here.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use codec::InfoHash;
use url::Url;

use crate::tracker::{AnnounceAnswer, AnnounceEvent, AnnounceParams, ScrapeAnswer, TrackerError, answer};

pub(crate) const ACTION_CONNECT: u32 = 0;
pub(crate) const ACTION_ANNOUNCE: u32 = 1;
pub(crate) const ACTION_SCRAPE: u32 = 2;
const ACTION_ERROR: u32 = 3;

/// Torrents of one scrape at most, so that it fits a packet (BEP 15: about 74).
pub(crate) const SCRAPE_MAX: usize = 74;

/// The constant by which a connect request is known.
const PROTOCOL_ID: u64 = 0x417_2710_1980;

/// BEP 41: the end of the options, and a piece of the address's path and query.
const OPTION_END: u8 = 0;
const OPTION_URL_DATA: u8 = 2;

/// Longest path and query that is passed on, in bytes; the packet must not be broken up on its way.
const URL_DATA_MAX: usize = 1000;

pub(super) fn connect(transaction: u32) -> Vec<u8> {
    head(PROTOCOL_ID, ACTION_CONNECT, transaction)
}

pub(super) fn announce(id: u64, transaction: u32, params: &AnnounceParams, url_data: &[u8]) -> Vec<u8> {
    let event: u32 = match params.event {
        AnnounceEvent::Regular => 0,
        AnnounceEvent::Completed => 1,
        AnnounceEvent::Started => 2,
        AnnounceEvent::Stopped => 3,
    };
    let mut packet = head(id, ACTION_ANNOUNCE, transaction);
    packet.extend_from_slice(&params.info_hash.0);
    packet.extend_from_slice(&params.peer_id.0);
    for number in [params.downloaded, params.left, params.uploaded] {
        packet.extend_from_slice(&number.to_be_bytes());
    }
    packet.extend_from_slice(&event.to_be_bytes());
    // Address zero: the one that the packet comes from.
    packet.extend_from_slice(&[0; 4]);
    packet.extend_from_slice(&params.key.to_be_bytes());
    packet.extend_from_slice(&params.num_want.to_be_bytes());
    packet.extend_from_slice(&params.port.to_be_bytes());
    packet.extend_from_slice(url_data);
    packet
}

pub(super) fn scrape(id: u64, transaction: u32, torrents: &[InfoHash]) -> Vec<u8> {
    let mut packet = head(id, ACTION_SCRAPE, transaction);
    torrents.iter().for_each(|hash| packet.extend_from_slice(&hash.0));
    packet
}

fn head(id: u64, action: u32, transaction: u32) -> Vec<u8> {
    let mut packet = Vec::with_capacity(128);
    packet.extend_from_slice(&id.to_be_bytes());
    packet.extend_from_slice(&action.to_be_bytes());
    packet.extend_from_slice(&transaction.to_be_bytes());
    packet
}

/// BEP 41: path and query of the tracker's address, in pieces of at most 255 bytes; empty if there are none.
pub(super) fn url_data(url: &Url) -> Vec<u8> {
    let mut data = url.path().as_bytes().to_vec();
    if let Some(query) = url.query() {
        data.push(b'?');
        data.extend_from_slice(query.as_bytes());
    }
    if data.is_empty() || data == b"/" || data.len() > URL_DATA_MAX {
        return Vec::new();
    }
    let mut options = Vec::with_capacity(data.len() + 16);
    for part in data.chunks(255) {
        options.extend([OPTION_URL_DATA, part.len() as u8]);
        options.extend_from_slice(part);
    }
    options.push(OPTION_END);
    options
}

/// The body of an answer; `None` for a packet that answers something else.
pub(crate) fn read_head(packet: &[u8], action: u32, transaction: u32) -> Result<Option<&[u8]>, TrackerError> {
    let Some((found_action, rest)) = read_u32(packet) else {
        return Ok(None);
    };
    match read_u32(rest) {
        Some((found, body)) if found == transaction && found_action == action => Ok(Some(body)),
        Some((found, text)) if found == transaction && found_action == ACTION_ERROR => {
            Err(TrackerError::Failure(answer::printable(text)))
        }
        _ => Ok(None),
    }
}

/// The connection id.
pub(crate) fn read_connect(body: &[u8]) -> Result<u64, TrackerError> {
    body.first_chunk().map(|id| u64::from_be_bytes(*id)).ok_or_else(|| too_short("connect"))
}

/// What an announce brought. BEP 15: peers of the family of addresses over which the tracker was asked.
pub(crate) fn read_announce(body: &[u8], is_ipv6: bool) -> Result<AnnounceAnswer, TrackerError> {
    let ([interval_s, incomplete, complete], peers) =
        read_numbers(body).ok_or_else(|| too_short("announce"))?;
    let mut answer = AnnounceAnswer {
        interval: Duration::from_secs(interval_s.into()),
        complete: Some(complete),
        incomplete: Some(incomplete),
        ..AnnounceAnswer::default()
    };
    let peers = if is_ipv6 { compact_v6(peers) } else { compact_v4(peers) };
    answer::keep_usable(&mut answer.peers, peers);
    Ok(answer)
}

/// What a scrape brought: the torrents' counts, in the order in which they were asked for.
pub(crate) fn read_scrape(body: &[u8], torrents: &[InfoHash]) -> Result<Vec<ScrapeAnswer>, TrackerError> {
    let mut rest = body;
    let mut answers = Vec::with_capacity(torrents.len());
    for &info_hash in torrents {
        let ([complete, downloaded, incomplete], after) =
            read_numbers(rest).ok_or_else(|| too_short("scrape"))?;
        answers.push(ScrapeAnswer { info_hash, complete, downloaded, incomplete });
        rest = after;
    }
    Ok(answers)
}

/// Addresses of six bytes each (BEP 23).
pub(crate) fn compact_v4(bytes: &[u8]) -> Vec<SocketAddr> {
    let (chunks, _) = bytes.as_chunks::<6>();
    let addr = |&[a, b, c, d, high, low]: &[u8; 6]| {
        SocketAddr::from((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])))
    };
    chunks.iter().map(addr).collect()
}

/// Addresses of eighteen bytes each (BEP 7).
pub(crate) fn compact_v6(bytes: &[u8]) -> Vec<SocketAddr> {
    let (chunks, _) = bytes.as_chunks::<18>();
    let addr = |chunk: &[u8; 18]| {
        let (ip, port) = chunk.split_first_chunk::<16>()?;
        Some(SocketAddr::from((Ipv6Addr::from(*ip), u16::from_be_bytes(*port.first_chunk()?))))
    };
    chunks.iter().filter_map(addr).collect()
}

fn read_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk().map(|(number, rest)| (u32::from_be_bytes(*number), rest))
}

fn read_numbers(bytes: &[u8]) -> Option<([u32; 3], &[u8])> {
    let (first, rest) = read_u32(bytes)?;
    let (second, rest) = read_u32(rest)?;
    let (third, rest) = read_u32(rest)?;
    Some(([first, second, third], rest))
}

fn too_short(what: &str) -> TrackerError {
    TrackerError::BadAnswer(format!("its answer to the {what} is too short"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn options(url: &str) -> Vec<u8> {
        url_data(&Url::parse(url).unwrap())
    }

    #[test]
    fn path_and_query_go_along_as_url_data() {
        assert_eq!(options("udp://t.example:80/dir?a=b&c=d")[..14], *b"\x02\x0c/dir?a=b&c=d");
        assert_eq!(options("udp://t.example:80/dir?a=b&c=d")[14..], [OPTION_END]);
    }

    #[test]
    fn an_address_without_path_needs_no_options() {
        assert_eq!((options("udp://t.example:80"), options("udp://t.example:80/")), (vec![], vec![]));
    }

    #[test]
    fn a_long_path_is_cut_into_options_of_255_bytes_and_one_that_is_too_long_is_left_out() {
        let path = "x".repeat(299);
        let data = options(&format!("udp://t.example:80/{path}"));
        assert_eq!((data[0], data[1], data[257], data[258]), (2, 255, 2, 45));
        assert_eq!((data.len(), data[304]), (305, OPTION_END));
        assert_eq!(options(&format!("udp://t.example:80/{}", "x".repeat(1000))), Vec::<u8>::new());
    }

    #[test]
    fn a_connect_begins_with_the_number_by_which_trackers_know_it() {
        assert_eq!(connect(0x0102_0304), *b"\x00\x00\x04\x17\x27\x10\x19\x80\0\0\0\0\x01\x02\x03\x04");
    }
}
