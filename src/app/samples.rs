//! Rows for the tests of the view.

use crate::messages::{LogLine, PeerRow, TorrentRow, TorrentState};

/// A connection that has just been made.
pub(super) fn peer(key: u32) -> PeerRow {
    PeerRow {
        key,
        addr: format!("127.77.0.{key}:6881"),
        client: String::new(),
        source: "tracker".to_owned(),
        is_incoming: false,
        am_choking: true,
        am_interested: false,
        peer_choking: true,
        peer_interested: false,
        is_snubbed: false,
        is_optimistic: false,
        choke_reason: None,
        down_rate: 0,
        up_rate: 0,
        down_bytes: 0,
        up_bytes: 0,
        progress: 0.0,
        requests: (0, 0),
    }
}

/// A torrent of which nothing is there yet.
pub(super) fn torrent(info_hash: &str) -> TorrentRow {
    TorrentRow {
        info_hash: info_hash.to_owned(),
        name: format!("torrent {info_hash}"),
        state: TorrentState::Downloading,
        error: None,
        progress: 0.0,
        wanted_bytes: 1_000_000,
        verified_bytes: 0,
        down_bytes: 0,
        up_bytes: 0,
        down_rate: 0,
        up_rate: 0,
        peers: 0,
        pieces_total: 4,
        pieces_have: 0,
        piece_len: 262_144,
        time_left_s: None,
        can_save: false,
        saving: None,
    }
}

/// A line of the log.
pub(super) fn log_line(number: u64, kind: &str) -> LogLine {
    LogLine {
        number,
        at_ms: number * 10,
        kind: kind.to_owned(),
        peer: None,
        piece: None,
        reason: None,
        text: format!("{kind} {number}"),
    }
}
