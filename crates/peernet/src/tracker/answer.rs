//! Bencoded answers of http trackers (BEP 3, 7, 23, 48), read so that one odd value does not cost the others.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use codec::InfoHash;
use codec::bencode::{Limits, Value, scan};

use super::udp::{compact_v4, compact_v6};
use super::{ANSWER_LEN_MAX, AnnounceAnswer, PEERS_MAX, ScrapeAnswer, TRACKER_ID_LEN_MAX, TrackerError};

/// An answer is nested four deep at most; the rest is room for what trackers invent.
const LIMITS: Limits = Limits { len_max: ANSWER_LEN_MAX, depth_max: 16, items_max: 100_000 };

/// What a tracker without an interval gets: the usual one.
const INTERVAL_DEFAULT: Duration = Duration::from_secs(1800);

/// Longest text of a tracker that is shown, in characters.
const TEXT_LEN_MAX: usize = 300;

pub(super) fn announce(body: &[u8]) -> Result<AnnounceAnswer, TrackerError> {
    read(body, |root| {
        let mut answer = AnnounceAnswer {
            interval: seconds(root, b"interval").unwrap_or(INTERVAL_DEFAULT),
            min_interval: seconds(root, b"min interval"),
            complete: count(root, b"complete"),
            incomplete: count(root, b"incomplete"),
            peers: Vec::new(),
            warning: root.get(b"warning message").and_then(Value::bytes).map(printable),
            tracker_id: root.get(b"tracker id").and_then(Value::bytes).and_then(tracker_id),
            external_ip: root.get(b"external ip").and_then(Value::bytes).and_then(external_ip),
        };
        let mut peers = root.get(b"peers").map(|found| peers_in(found, compact_v4)).unwrap_or_default();
        peers.extend(root.get(b"peers6").map(|found| peers_in(found, compact_v6)).unwrap_or_default());
        keep_usable(&mut answer.peers, peers);
        Ok(answer)
    })
}

pub(super) fn scrape(body: &[u8], torrents: &[InfoHash]) -> Result<Vec<ScrapeAnswer>, TrackerError> {
    read(body, |root| {
        let files = root.get(b"files").ok_or_else(|| bad("it has no \"files\""))?;
        let answer = |&info_hash: &InfoHash| {
            let entry = files.get(&info_hash.0)?;
            let number = |key: &[u8]| count(entry, key).unwrap_or(0);
            let (complete, downloaded) = (number(b"complete"), number(b"downloaded"));
            Some(ScrapeAnswer { info_hash, complete, downloaded, incomplete: number(b"incomplete") })
        };
        Ok(torrents.iter().filter_map(answer).collect())
    })
}

/// Scans the body and looks for a failure reason before anything else.
fn read<T>(body: &[u8], parse: impl FnOnce(Value<'_>) -> Result<T, TrackerError>) -> Result<T, TrackerError> {
    // Some trackers end their answer with a line break.
    let document =
        scan(body.trim_ascii(), &LIMITS).map_err(|error| TrackerError::BadAnswer(error.to_string()))?;
    let root = document.root();
    if root.dict().is_none() {
        return Err(bad("it is no dictionary"));
    }
    match root.get(b"failure reason").and_then(Value::bytes) {
        Some(text) => Err(TrackerError::Failure(printable(text))),
        None => parse(root),
    }
}

/// One string of addresses (BEP 23, BEP 7), or a list of dictionaries (BEP 3), as some trackers send for IPv6 too.
fn peers_in(found: Value<'_>, compact: impl Fn(&[u8]) -> Vec<SocketAddr>) -> Vec<SocketAddr> {
    match found.bytes() {
        Some(bytes) => compact(bytes),
        None => found.list().into_iter().flatten().filter_map(peer).collect(),
    }
}

/// What is to be sent back; none at all rather than part of it.
fn tracker_id(bytes: &[u8]) -> Option<Vec<u8>> {
    (1..=TRACKER_ID_LEN_MAX).contains(&bytes.len()).then(|| bytes.to_vec())
}

/// BEP 24: four bytes or sixteen.
fn external_ip(bytes: &[u8]) -> Option<IpAddr> {
    let ip = match bytes.len() {
        4 => IpAddr::from(*bytes.first_chunk::<4>()?),
        16 => IpAddr::from(*bytes.first_chunk::<16>()?).to_canonical(),
        _ => return None,
    };
    (!ip.is_unspecified() && !ip.is_multicast()).then_some(ip)
}

/// BEP 3 also allows a name instead of an address; nobody sends one, and looking it up would be one more way to be
/// led somewhere.
fn peer(entry: Value<'_>) -> Option<SocketAddr> {
    let ip: IpAddr = std::str::from_utf8(entry.get(b"ip")?.bytes()?).ok()?.parse().ok()?;
    let port = u16::try_from(entry.get(b"port")?.number()?).ok()?;
    Some(SocketAddr::new(ip, port))
}

/// Appends what can be connected to, each address once, within [`PEERS_MAX`].
pub(super) fn keep_usable(kept: &mut Vec<SocketAddr>, found: Vec<SocketAddr>) {
    let mut seen = HashSet::new();
    let canonical = |addr: SocketAddr| SocketAddr::new(addr.ip().to_canonical(), addr.port());
    let usable = |addr: &SocketAddr| addr.port() != 0 && !addr.ip().is_unspecified() && seen.insert(*addr);
    kept.extend(found.into_iter().map(canonical).filter(usable).take(PEERS_MAX));
}

/// A tracker's text for a person: no control characters, and not too much of it.
pub(super) fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let shown = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    shown.take(TEXT_LEN_MAX).collect::<String>().trim().to_owned()
}

fn count(dict: Value<'_>, key: &[u8]) -> Option<u32> {
    u32::try_from(dict.get(key)?.number()?).ok()
}

fn seconds(dict: Value<'_>, key: &[u8]) -> Option<Duration> {
    count(dict, key).map(|seconds| Duration::from_secs(seconds.into()))
}

fn bad(what: &str) -> TrackerError {
    TrackerError::BadAnswer(what.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn addrs(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|addr| addr.parse().unwrap()).collect()
    }

    #[test]
    fn peers_come_compact_and_as_dictionaries_and_for_both_families() {
        let compact = announce(b"d8:completei5e10:incompletei7e8:intervali60e12:min intervali30e5:peers12:\x01\x02\x03\x04\x1a\xe1\x05\x06\x07\x08\x1a\xe2e").unwrap();
        assert_eq!(compact.interval, Duration::from_secs(60));
        assert_eq!(compact.min_interval, Some(Duration::from_secs(30)));
        assert_eq!((compact.complete, compact.incomplete), (Some(5), Some(7)));
        assert_eq!(compact.peers, addrs(&["1.2.3.4:6881", "5.6.7.8:6882"]));

        let dictionaries =
            announce(b"d5:peersld2:ip7:1.2.3.44:porti6881eed2:ip3:::54:porti1eed2:ip4:name4:porti1eeee")
                .unwrap();
        assert_eq!(dictionaries.peers, addrs(&["1.2.3.4:6881", "[::5]:1"]));

        let v6 =
            announce(b"d5:peers0:6:peers618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1e").unwrap();
        assert_eq!(v6.peers, addrs(&["[2001:db8::1]:6881"]));

        let both = announce(b"d5:peers6:\x01\x02\x03\x04\x1a\xe16:peers6ld2:ip3:::54:porti1eeee").unwrap();
        assert_eq!(both.peers, addrs(&["1.2.3.4:6881", "[::5]:1"]));
    }

    #[test]
    fn the_tracker_says_where_it_saw_us_and_how_it_calls_us() {
        let of = |body: &[u8]| announce(body).map(|answer| (answer.external_ip, answer.tracker_id)).unwrap();
        let (ip, id) = of(b"d11:external ip4:\x01\x02\x03\x0410:tracker id2:\xff7e");
        assert_eq!((ip, id), (Some("1.2.3.4".parse().unwrap()), Some(b"\xff7".to_vec())));
        let v6 = b"d11:external ip16:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01e";
        assert_eq!(of(v6), (Some("2001:db8::1".parse().unwrap()), None));
        let mapped = b"d11:external ip16:\0\0\0\0\0\0\0\0\0\0\xff\xff\x01\x02\x03\x04e";
        assert_eq!(of(mapped), (Some("1.2.3.4".parse().unwrap()), None));
        assert_eq!(of(b"d11:external ip5:127.010:tracker id0:e"), (None, None));
        assert_eq!(of(b"d11:external ip4:\0\0\0\0e"), (None, None));
    }

    #[test]
    fn peers_that_cannot_be_reached_or_stand_there_twice_are_left_out() {
        let answer = announce(
            b"d5:peers24:\x01\x02\x03\x04\0\0\x01\x02\x03\x04\0\x05\x01\x02\x03\x04\0\x05\0\0\0\0\0\x05e",
        );
        assert_eq!(answer.unwrap().peers, addrs(&["1.2.3.4:5"]));
    }

    #[test]
    fn more_peers_than_anyone_needs_are_cut_off() {
        let mut body = b"d5:peers60000:".to_vec();
        (0..10_000_u32).for_each(|number| body.extend([1, 2, (number >> 8) as u8, number as u8, 1, 1]));
        body.push(b'e');
        assert_eq!(announce(&body).unwrap().peers.len(), PEERS_MAX);
    }

    #[test]
    fn an_odd_value_costs_only_itself() {
        let answer = announce(
            b"d8:completei-1e8:interval2:609:\xff\xfeunknown0:5:peers6:\x01\x02\x03\x04\x1a\xe1e\r\n",
        )
        .unwrap();
        assert_eq!(answer.interval, INTERVAL_DEFAULT);
        assert_eq!(answer.complete, None);
        assert_eq!(answer.peers, addrs(&["1.2.3.4:6881"]));
    }

    #[test]
    fn a_failure_reason_comes_before_everything_and_is_printable() {
        let error = announce(b"d14:failure reason14:not\x07welcome\n ye").unwrap_err();
        assert!(matches!(&error, TrackerError::Failure(text) if text == "not welcome  y"), "{error:?}");
    }

    #[test]
    fn a_warning_is_passed_on_with_the_peers() {
        let answer = announce(b"d5:peers6:\x01\x02\x03\x04\x1a\xe115:warning message4:slowe").unwrap();
        assert_eq!(answer.warning.as_deref(), Some("slow"));
        assert_eq!(answer.peers.len(), 1);
    }

    #[test]
    fn a_million_lists_within_each_other_are_refused() {
        let mut body = b"d5:peers".to_vec();
        body.extend(vec![b'l'; 1_000_000]);
        assert!(matches!(announce(&body), Err(TrackerError::BadAnswer(_))));
    }

    #[test]
    fn a_scrape_names_the_torrents_that_the_tracker_knows() {
        let body = b"d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi2e10:incompletei3eeee";
        let (known, unknown) = (InfoHash([b'a'; 20]), InfoHash([b'b'; 20]));
        let answers = scrape(body, &[unknown, known]).unwrap();
        let expected = ScrapeAnswer { info_hash: known, complete: 1, downloaded: 2, incomplete: 3 };
        assert_eq!(answers, [expected]);
    }
}
