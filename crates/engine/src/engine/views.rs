//! What a host may look at.

use std::net::{IpAddr, SocketAddr};

use super::Engine;
use super::peer::Peer;
use crate::client_name::client_name;
use crate::webseed::{WebSeed, host_of, run_blocks};
use crate::{
    BanSnapshot, Bitfield, ChokeReason, Config, FilePriority, Metainfo, PeerKey, PeerSnapshot, PeerSource,
    PickReason, PieceIndex, Summary, TrackerSnapshot, WebSeedSnapshot, order,
};

impl Engine {
    /// The torrent in numbers.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let have = self.picker.have();
        Summary {
            is_running: self.is_running,
            is_complete: self.picker.is_complete(),
            is_partial_seed: self.is_partial_seed(),
            pieces_total: have.pieces_total(),
            pieces_have: have.count(),
            wanted_bytes: self.totals.wanted_bytes,
            verified_bytes: self.totals.verified_bytes,
            down_bytes: self.totals.down_bytes,
            up_bytes: self.totals.up_bytes,
            wasted_bytes: self.totals.wasted_bytes,
            down_rate: self.totals.down_rate.per_second(self.now),
            up_rate: self.totals.up_rate.per_second(self.now),
            seeding_time: self.so_far().seeding_time,
            peers: self.joined,
            peers_known: self.book.waiting(),
            is_endgame: self.picker.is_endgame(),
        }
    }

    /// All connections, also those that do not stand yet, and the web seeds in use, in the order of their keys.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerSnapshot> {
        let peers = self.peers.iter().map(|(&key, peer)| self.peer_snapshot(key, peer));
        let used = self.web_seeds.counted().filter(|(_, seed)| seed.retry_at.is_none());
        let mut all: Vec<_> = peers.chain(used.map(|(key, seed)| self.web_seed_as_peer(key, seed))).collect();
        order::sort_by_key(&mut all, |peer| peer.peer);
        all
    }

    /// All web seeds, also those that are left alone for now or for good.
    #[must_use]
    pub fn web_seeds(&self) -> Vec<WebSeedSnapshot> {
        let snapshot = |(peer, seed): (PeerKey, &WebSeed)| WebSeedSnapshot {
            peer,
            source: seed.source.clone(),
            is_fetching: seed.fetch.is_some(),
            fault: seed.fault,
            wait: seed.retry_at.map(|at| at.since(self.now)),
            dropped: seed.dropped.clone(),
            down_bytes: seed.down_bytes,
            down_rate: seed.down_rate.per_second(self.now),
        };
        self.web_seeds.iter().map(snapshot).collect()
    }

    /// All trackers, in the order of their keys.
    #[must_use]
    pub fn trackers(&self) -> Vec<TrackerSnapshot> {
        self.trackers.snapshots(self.is_hungry())
    }

    /// Who is refused, why, and until when; [`crate::Input::Unban`] ends it.
    #[must_use]
    pub fn bans(&self) -> Vec<BanSnapshot> {
        self.bans.snapshots(self.now)
    }

    /// Only trackers may introduce peers (BEP 27): a host must not look for them in the DHT or on the local network.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.metainfo.is_private()
    }

    /// Writes one byte for each piece, a [`crate::PieceState`], over what is in `states`.
    pub fn piece_states(&self, states: &mut Vec<u8>) {
        states.clear();
        states.extend(
            (0..self.geometry.pieces_total()).map(|piece| self.picker.state(PieceIndex(piece)) as u8),
        );
    }

    /// The verified and stored pieces.
    #[must_use]
    pub fn have(&self) -> &Bitfield {
        self.picker.have()
    }

    /// All wanted pieces are there, but not all pieces: we give and take nothing more (BEP 21).
    #[must_use]
    pub fn is_partial_seed(&self) -> bool {
        self.picker.is_complete() && !self.picker.have().is_complete()
    }

    /// How much each file is wanted, in the order of [`Metainfo::files`].
    #[must_use]
    pub fn file_priorities(&self) -> &[FilePriority] {
        &self.file_priorities
    }

    /// Verified and stored bytes of a file; zero for a file that there is not.
    #[must_use]
    pub fn file_verified_bytes(&self, file: usize) -> u64 {
        let Some(file) = self.metainfo.files().get(file).filter(|file| file.len > 0) else { return 0 };
        let piece_len = u64::from(self.geometry.piece_len());
        let (start, end) = (file.offset, file.offset + file.len);
        let (first, last) = (start / piece_len, (end - 1) / piece_len);
        let have = self.picker.have();
        let verified = (first..=last).filter(|&piece| have.has(PieceIndex(piece as u32)));
        verified.map(|piece| ((piece + 1) * piece_len).min(end) - (piece * piece_len).max(start)).sum()
    }

    /// The torrent.
    #[must_use]
    pub fn metainfo(&self) -> &Metainfo {
        &self.metainfo
    }

    /// Our address of the same family as `like`, as most peers and trackers see it (BEP 10, `yourip`; BEP 24); `None`
    /// before any says so.
    #[must_use]
    pub fn external_ip(&self, like: IpAddr) -> Option<IpAddr> {
        self.book.own().towards(SocketAddr::new(like, 0)).map(|addr| addr.ip())
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How often each reason was given since the start, in the order of [`PickReason::ALL`] and [`ChokeReason::ALL`].
    #[must_use]
    pub fn reason_counts(&self) -> (&[u64; PickReason::ALL.len()], &[u64; ChokeReason::ALL.len()]) {
        (&self.pick_counts, &self.choke_counts)
    }

    fn peer_snapshot(&self, key: PeerKey, peer: &Peer) -> PeerSnapshot {
        PeerSnapshot {
            peer: key,
            addr: Some(peer.addr),
            url: None,
            source: peer.source,
            is_incoming: peer.is_incoming,
            peer_id: peer.peer_id,
            client: client_of(peer),
            am_choking: peer.am_choking,
            am_interested: peer.am_interested,
            peer_choking: peer.peer_choking,
            peer_interested: peer.peer_interested,
            is_snubbed: peer.is_snubbed,
            is_optimistic: peer.is_optimistic(),
            choke_reason: peer.choke_reason,
            down_bytes: peer.down_bytes,
            up_bytes: peer.up_bytes,
            down_rate: peer.down_rate.per_second(self.now),
            up_rate: peer.up_rate.per_second(self.now),
            pieces_have: peer.has.count(),
            requests_out: peer.outstanding.len() as u32,
            requests_depth: peer.pipeline.depth(),
            requests_in: peer.requests_in.len() as u32,
            connected: if peer.is_joined() {
                self.now.since(peer.stage_since)
            } else {
                std::time::Duration::ZERO
            },
        }
    }

    /// A web seed as the permanently unchoked seed that it is.
    fn web_seed_as_peer(&self, key: PeerKey, seed: &WebSeed) -> PeerSnapshot {
        PeerSnapshot {
            peer: key,
            addr: None,
            url: Some(seed.source.url.clone()),
            source: PeerSource::WebSeed,
            is_incoming: false,
            peer_id: None,
            client: host_of(&seed.source.url).to_owned(),
            am_choking: true,
            am_interested: !self.picker.is_complete(),
            peer_choking: false,
            peer_interested: false,
            is_snubbed: false,
            is_optimistic: false,
            choke_reason: None,
            down_bytes: seed.down_bytes,
            up_bytes: 0,
            down_rate: seed.down_rate.per_second(self.now),
            up_rate: 0,
            pieces_have: seed.has.count(),
            requests_out: seed.outstanding.len() as u32,
            requests_depth: run_blocks(&self.config.web_seeds, seed.down_rate.per_second(self.now)),
            requests_in: 0,
            connected: self.now.since(seed.since),
        }
    }
}

/// What the client calls itself, if that says more than its peer id does.
fn client_of(peer: &Peer) -> String {
    let from_id = peer.peer_id.as_ref().map(client_name).unwrap_or_default();
    let said = peer.extensions.said.client.as_ref().filter(|said| said.len() > from_id.len());
    said.cloned().unwrap_or(from_id)
}
