//! Who is asked for peers: the trackers, and where to join the DHT.

use codec::bencode::Value;
use serde_bytes::ByteBuf;

use super::raw::RawMetainfo;

/// Trackers kept; lists of hundreds are seen, and each is asked by each client.
pub(crate) const TRACKERS_MAX: usize = 100;
/// Longest address of a tracker, in bytes.
const URL_LEN_MAX: usize = 2048;
/// Nodes of the DHT kept; one that answers is enough.
const DHT_NODES_MAX: usize = 100;
/// Longest name of a host, in bytes (RFC 1035: 253).
const HOST_LEN_MAX: usize = 253;

/// The tiers of `announce-list`, or else `announce` alone (BEP 12).
pub(super) fn trackers(raw: &RawMetainfo) -> Vec<Vec<String>> {
    let mut known: Vec<String> = Vec::new();
    let mut tier = |urls: &[ByteBuf]| -> Vec<String> {
        let mut tier = Vec::new();
        for url in urls {
            let Some(url) = sane_url(url).filter(|url| !known.contains(url)) else { continue };
            if known.len() < TRACKERS_MAX {
                known.push(url.clone());
                tier.push(url);
            }
        }
        tier
    };
    let mut tiers: Vec<_> =
        raw.announce_list.iter().map(|urls| tier(urls)).filter(|t| !t.is_empty()).collect();
    if tiers.is_empty() {
        tiers.extend(
            raw.announce.as_ref().map(|url| tier(std::slice::from_ref(url))).filter(|t| !t.is_empty()),
        );
    }
    tiers
}

/// `nodes`: pairs of host and port (BEP 5). What is no such pair is left out.
pub(super) fn dht_nodes(root: Value<'_>) -> Vec<(String, u16)> {
    let node = |pair: Value<'_>| {
        let mut pair = pair.list()?;
        let (host, port, None) = (pair.next()?, pair.next()?, pair.next()) else { return None };
        let host = std::str::from_utf8(host.bytes()?).ok()?;
        let is_sane = !host.is_empty() && host.len() <= HOST_LEN_MAX && !host.contains(char::is_control);
        let port = u16::try_from(port.number()?).ok().filter(|port| *port > 0 && is_sane)?;
        Some((host.to_owned(), port))
    };
    let nodes = root.get(b"nodes").and_then(Value::list);
    nodes.into_iter().flatten().filter_map(node).take(DHT_NODES_MAX).collect()
}

/// An address as it may stand in a torrent, if it is one by its looks.
pub(crate) fn sane_url(url: &[u8]) -> Option<String> {
    let url = std::str::from_utf8(url).ok()?.trim();
    let is_sane = !url.is_empty() && url.len() <= URL_LEN_MAX && !url.contains(char::is_control);
    is_sane.then(|| url.to_owned())
}
