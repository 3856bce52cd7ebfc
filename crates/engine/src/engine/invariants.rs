//! Recomputes everything that is cached from the raw data.

use super::Engine;
use super::input_hashes::HASH_REQUESTS_FROM_PEER_MAX;
use super::peer::{Peer, Stage};
use crate::picker::Outstanding;
use crate::{FilePriority, PieceIndex, Reserved};

impl Engine {
    /// Checks every count and index that is kept up to date step by step against a recount. For tests and simulations,
    /// after each input; it visits every piece and every peer.
    ///
    /// # Panics
    /// If any differs: that is a fault of the engine.
    pub fn check_invariants(&self) {
        let peers = || self.peers.values();
        let joined = || peers().filter(|peer| peer.is_joined());
        let web_seeds = self.web_seeds.counted().map(|(_, seed)| (&seed.has, &seed.outstanding));
        self.picker.check(joined().map(|peer| (&peer.has, &peer.outstanding)).chain(web_seeds));
        let piece_len = u64::from(self.geometry.piece_len());
        self.web_seeds.check(&self.config, self.is_running, |piece| u64::from(piece.0) * piece_len);
        self.book.check(&self.config);
        peers().for_each(|peer| peer.exchange.check());
        assert_eq!(self.joined as usize, joined().count(), "invariant: joined peers are counted");
        let connecting = peers().filter(|peer| peer.stage == Stage::Connecting).count();
        assert_eq!(self.connecting, connecting, "invariant: connections being made are counted");
        assert!(self.connecting <= self.config.connecting_max, "invariant: connecting_max");
        assert!(self.peers.len() <= self.config.peers_max, "invariant: peers_max");
        let have = self.picker.have();
        let pieces = (0..have.pieces_total()).map(PieceIndex);
        let wanted = pieces.filter(|&piece| self.picker.priority(piece) != FilePriority::Skip);
        let bytes = |piece: PieceIndex| u64::from(self.geometry.piece_size(piece));
        let verified: u64 = wanted.clone().filter(|&piece| have.has(piece)).map(bytes).sum();
        assert_eq!(
            self.totals.wanted_bytes,
            wanted.map(bytes).sum::<u64>(),
            "invariant: wanted bytes are counted"
        );
        assert_eq!(self.totals.verified_bytes, verified, "invariant: verified bytes are counted");
        let is_seeding = self.is_running && self.picker.is_complete();
        assert_eq!(
            self.seeding_since.is_some(),
            is_seeding,
            "invariant: the clock of seeding runs while we seed"
        );
        if !self.is_running {
            assert!(self.peers.is_empty(), "invariant: no connections while paused");
        }
        for peer in peers() {
            self.check_asked_of(peer);
            self.check_asked_by(peer);
        }
        self.hashes
            .check(|key| self.peers.get(&key).map(|peer| peer.hash_requests.clone()).unwrap_or_default());
        for piece in self.unhashed.iter() {
            assert!(
                self.picker.state(*piece) == crate::PieceState::Checking,
                "invariant: what waits for its hash is complete"
            );
            let hashes = self.hashes.piece_hashes(&self.metainfo, *piece);
            assert!(!hashes.is_known(), "invariant: who has a hash does not wait for it");
        }
        self.check_spread();
        let now = self.now;
        assert!(
            self.next_timeout().is_none_or(|until| until > now),
            "invariant: nothing is due when all is done"
        );
    }

    fn check_asked_of(&self, peer: &Peer) {
        let missing = self.picker.missing();
        let wanted = peer.has.iter().filter(|piece| missing.has(*piece)).count();
        assert_eq!(peer.wanted_pieces as usize, wanted, "invariant: wanted pieces are counted");
        assert_eq!(peer.am_interested, wanted > 0, "invariant: interest is up to date");
        let released = peer.outstanding.iter().filter(|request| !request.is_active).count();
        assert_eq!(peer.released as usize, released, "invariant: released requests are counted");
        let comes = |request: &Outstanding| {
            peer.incoming.is_some_and(|incoming| incoming.is_wanted && incoming.block == request.block)
        };
        assert!(
            peer.spoken.has(Reserved::FAST) || peer.can_be_asked() || peer.outstanding.iter().all(comes),
            "invariant: only who serves us is asked, but for a late block under way"
        );
        assert!(
            peer.late.len() <= self.config.requests_per_peer_max as usize,
            "invariant: late requests are bounded"
        );
        assert!(
            peer.lost.len() <= self.config.requests_per_peer_max as usize,
            "invariant: requests of lost pieces are bounded"
        );
        let max = self.config.requests_per_peer_max.max(self.config.requests_told_max);
        assert!(peer.outstanding.len() <= max as usize, "invariant: requests are bounded");
    }

    fn check_asked_by(&self, peer: &Peer) {
        assert!(
            peer.requests_in.len() <= self.config.requests_from_peer_max as usize,
            "invariant: requests_from_peer_max"
        );
        assert!(
            peer.hash_requests_in.len() <= HASH_REQUESTS_FROM_PEER_MAX,
            "invariant: requests for hashes are bounded"
        );
        assert!(
            !peer.am_choking
                || peer.requests_in.iter().all(|block| peer.allowed_to_it.contains(&block.piece)),
            "invariant: who is choked waits for allowed pieces only"
        );
        let max = self.config.fast_pieces_max;
        assert!(peer.suggested.len() <= max && peer.allowed_fast.len() <= max, "invariant: fast_pieces_max");
        assert!(
            !peer.am_choking || !peer.up_bucket.is_limited(),
            "invariant: only who is unchoked has an allotment"
        );
        let is_held = self.could_serve(peer) && !peer.up_bucket.would_be_open(self.now);
        assert!(
            !is_held
                || self.timers.upload_held_until.is_some()
                || self.timers.is_upload_waiting
                || peer.up_bucket.opens_at().is_none(),
            "invariant: who waits for its allotment is come back for"
        );
        assert!(peer.unsent_payload <= peer.unsent_bytes, "invariant: payload is part of what is unsent");
    }

    fn check_spread(&self) {
        let reveals = || self.peers.values().filter_map(|peer| Some((&peer.has, peer.reveal.as_ref()?)));
        for (has, reveal) in reveals() {
            for piece in (0..self.geometry.pieces_total()).map(PieceIndex) {
                let is_counted = has.has(piece) || reveal.shown.has(piece);
                assert_eq!(reveal.counted.has(piece), is_counted, "invariant: spread is counted");
            }
        }
        match &self.spread {
            Some(spread) => spread.check(|piece| reveals().filter(|(_, r)| r.counted.has(piece)).count()),
            None => assert_eq!(reveals().count(), 0, "invariant: only a super-seed hides pieces"),
        }
    }
}
