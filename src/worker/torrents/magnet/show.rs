//! What the views are shown of it.

use engine::{Instant, MetadataPeer};

use super::MagnetTorrent;
use crate::messages::{Detail, PeerRow, TorrentRow, TorrentState};
use crate::worker::snapshot::{source_code, tracker_row};
use crate::worker::torrents::torrent::Condition;

impl MagnetTorrent {
    /// Its row in the list. Of its content nothing is known yet, not even how much there is.
    pub(crate) fn row(&self) -> TorrentRow {
        let summary = self.fetch.summary();
        let (state, error) = match &self.condition {
            Condition::Failed(message) => (TorrentState::Error, Some(message.clone())),
            Condition::Paused => (TorrentState::Paused, None),
            Condition::Running | Condition::Checking { .. } => match summary.refused_len {
                Some(len) if summary.len.is_none() => (TorrentState::Metadata, Some(too_long(len))),
                _ => (TorrentState::Metadata, None),
            },
        };
        TorrentRow {
            info_hash: self.info_hash().to_string(),
            name: self.name(),
            state,
            error,
            progress: 0.0,
            wanted_bytes: 0,
            verified_bytes: 0,
            down_bytes: 0,
            up_bytes: 0,
            down_rate: 0,
            up_rate: 0,
            peers: summary.peers,
            pieces_total: 0,
            pieces_have: 0,
            piece_len: 0,
            time_left_s: None,
            can_save: false,
            saving: None,
        }
    }

    /// All that the detail view shows beside the row.
    pub(crate) fn detail(&self, now: Instant) -> Detail {
        Detail {
            info_hash: self.info_hash().to_string(),
            files: Vec::new(),
            files_total: 0,
            peers: self.fetch.peers().iter().map(peer_row).collect(),
            bans: Vec::new(),
            trackers: self.fetch.trackers().into_iter().map(|tracker| tracker_row(tracker, now)).collect(),
            web_seeds: Vec::new(),
            log: self.log.lines(),
            reason_counts: Vec::new(),
            wasted_bytes: 0,
            is_endgame: false,
            magnet: self.magnet.to_string(),
            comment: None,
            created_by: None,
            is_private: false,
            settings: self.folder.state().settings,
            seeding_s: 0,
        }
    }
}

fn too_long(len: u32) -> String {
    format!(
        "Peers say that this torrent's metadata has {len} bytes; at most {} are read. Look for another torrent of the \
         same content, with longer pieces.",
        engine::METAINFO_LEN_MAX
    )
}

fn peer_row(peer: &MetadataPeer) -> PeerRow {
    PeerRow {
        key: peer.peer.0,
        addr: peer.addr.to_string(),
        client: peer.client.clone(),
        source: source_code(peer.source).to_owned(),
        is_incoming: peer.source == engine::PeerSource::Incoming,
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
