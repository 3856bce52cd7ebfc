//! Whatever a tracker answers over http or udp, reading it ends, and what was read is within bounds and fit for use.

#![no_main]

use codec::InfoHash;
use libfuzzer_sys::fuzz_target;
use peernet::tracker::read::{http_announce, http_scrape, udp_announce, udp_connect, udp_scrape};
use peernet::tracker::{AnnounceAnswer, PEERS_MAX, ScrapeAnswer, TRACKER_ID_LEN_MAX, TrackerError};

const TORRENTS: [InfoHash; 3] = [InfoHash([b'a'; 20]), InfoHash([b'b'; 20]), InfoHash([0; 20])];
const TRANSACTION: u32 = 7;

fuzz_target!(|data: &[u8]| {
    // One reader at a time: a text or a list of peers is read no better by the others.
    let Some((&kind, data)) = data.split_first() else { return };
    match kind % 8 {
        0 => check_announce(http_announce(data).map(Some)),
        1 => check_scrape(http_scrape(data, &TORRENTS).map(Some)),
        2 => check_udp(data),
        // Behind the head of an answer, so that less has to be guessed.
        3 => check_announce(udp_announce(&packet(1, TRANSACTION, data), TRANSACTION, false)),
        4 => check_announce(udp_announce(&packet(1, TRANSACTION, data), TRANSACTION, true)),
        5 => check_scrape(udp_scrape(&packet(2, TRANSACTION, data), TRANSACTION, &TORRENTS)),
        6 => check_udp(&packet(3, TRANSACTION, data)),
        _ => {
            let other = udp_announce(&packet(1, TRANSACTION + 1, data), TRANSACTION, false);
            assert!(matches!(other, Ok(None)), "it answers somebody else");
            check(&udp_connect(&packet(0, TRANSACTION, data), TRANSACTION));
        }
    }
});

fn packet(action: u32, transaction: u32, body: &[u8]) -> Vec<u8> {
    [&action.to_be_bytes()[..], &transaction.to_be_bytes(), body].concat()
}

fn check_udp(packet: &[u8]) {
    check(&udp_connect(packet, TRANSACTION));
    check_announce(udp_announce(packet, TRANSACTION, false));
    check_scrape(udp_scrape(packet, TRANSACTION, &TORRENTS));
}

fn check_announce(answer: Result<Option<AnnounceAnswer>, TrackerError>) {
    check(&answer);
    let Ok(Some(answer)) = answer else { return };
    assert!(answer.peers.len() <= PEERS_MAX, "there are as many peers as anyone needs");
    let mut peers = answer.peers.clone();
    peers.sort_unstable();
    peers.dedup();
    assert_eq!(peers.len(), answer.peers.len(), "each peer is there once");
    assert!(peers.iter().all(|peer| peer.port() != 0 && !peer.ip().is_unspecified()), "each can be reached");
    assert!(
        answer.tracker_id.is_none_or(|id| (1..=TRACKER_ID_LEN_MAX).contains(&id.len())),
        "ids are bounded"
    );
    assert!(answer.warning.is_none_or(|text| is_printable(&text)), "a warning can be shown");
}

fn check_scrape(answer: Result<Option<Vec<ScrapeAnswer>>, TrackerError>) {
    check(&answer);
    let answers = answer.ok().flatten().unwrap_or_default();
    assert!(answers.len() <= TORRENTS.len(), "nobody else was asked about");
    assert!(answers.iter().all(|answer| TORRENTS.contains(&answer.info_hash)));
}

fn check<T>(answer: &Result<T, TrackerError>) {
    if let Err(TrackerError::Failure(text)) = answer {
        assert!(is_printable(text), "a refusal can be shown");
    }
}

fn is_printable(text: &str) -> bool {
    text.chars().count() <= 300 && !text.chars().any(char::is_control)
}
