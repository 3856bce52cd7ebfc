//! Shows the choker what it decides upon, and carries out what it decided.

use super::Engine;
use super::peer::Peer;
use crate::choker::{Candidate, Capacity, Decision, Round, Strategy};
use crate::rng::Rng;
use crate::{ChokeReason, Event, Message, PeerKey};

impl Engine {
    /// From the next round on, upload is given out this way.
    pub(super) fn handle_set_strategy(&mut self, strategy: Strategy) {
        self.config.strategy = strategy;
        for peer in self.peers.values_mut() {
            peer.bid = None;
        }
    }

    /// The round of every ten seconds.
    pub(super) fn rechoke(&mut self) {
        self.decide(Strategy::rechoke);
        for peer in self.peers.values_mut() {
            peer.round_down_bytes = peer.down_bytes;
        }
    }

    /// Between rounds: slots that nobody holds.
    pub(super) fn offer_free_slots(&mut self) {
        if std::mem::take(&mut self.has_slot_news) && self.is_running {
            self.decide(Strategy::fill_free_slots);
        }
    }

    fn decide(&mut self, by: impl Fn(Strategy, &Round<'_>, &[Candidate], &mut Rng) -> Vec<Decision>) {
        let joined = self.peers.iter().filter(|(_, peer)| peer.is_joined());
        let candidates: Vec<Candidate> = joined.map(|(&key, peer)| self.candidate(key, peer)).collect();
        let up_rate = self.totals.up_rate.per_second(self.now);
        let round = Round {
            config: &self.config,
            is_seeding: self.picker.is_complete(),
            lasted: self.now.since(self.round_since),
            capacity: Capacity::new(self.upload_rate_max(), up_rate),
            piece_len: self.metainfo.piece_len(),
        };
        let decisions = by(self.config.strategy, &round, &candidates, &mut self.rng);
        decisions.iter().for_each(|decision| self.carry_out(decision));
    }

    fn candidate(&self, key: PeerKey, peer: &Peer) -> Candidate {
        Candidate {
            peer: key,
            am_interested: peer.am_interested,
            am_choking: peer.am_choking,
            peer_interested: peer.peer_interested,
            peer_choking: peer.peer_choking,
            is_snubbed: peer.is_snubbed,
            reason: peer.choke_reason,
            turn_for: self.now.since(peer.turn_since),
            turn_bytes: peer.up_bytes - peer.turn_up_bytes,
            connected_for: self.now.since(peer.stage_since),
            down_rate: peer.down_rate.per_second(self.now),
            up_rate: peer.up_rate.per_second(self.now),
            gave_bytes: peer.down_bytes - peer.round_down_bytes,
            announced_bytes: u64::from(peer.pieces_got()) * u64::from(self.metainfo.piece_len()),
            bid: peer.bid,
        }
    }

    fn carry_out(&mut self, decision: &Decision) {
        let Some(peer) = self.peers.get_mut(&decision.peer) else { return };
        let was_optimistic = peer.is_optimistic();
        peer.choke_reason = Some(decision.reason);
        peer.bid = decision.bid;
        if peer.up_bucket.set_rate_max(self.now, decision.up_rate_max) {
            // It may go on at once.
            self.timers.upload_held_until = Some(self.now);
        }
        let has_changed = peer.am_choking != decision.choked;
        peer.am_choking = decision.choked;
        // An optimistic peer that is drawn again begins anew.
        let is_again =
            peer.is_optimistic() && self.now.since(peer.turn_since) >= self.config.optimistic_interval;
        if has_changed || was_optimistic != peer.is_optimistic() || is_again {
            peer.turn_since = self.now;
            peer.turn_up_bytes = peer.up_bytes;
        }
        if !has_changed {
            return;
        }
        self.choke_counts[decision.reason as usize] += 1;
        self.send(decision.peer, if decision.choked { &Message::Choke } else { &Message::Unchoke });
        if decision.choked {
            self.drop_requests_of(decision.peer);
        }
        let Decision { peer, choked, reason, .. } = *decision;
        self.outbox.event(Event::Choke { peer, choked, reason });
    }

    /// BEP 3 has no answer to a request but the block: the peer knows that a choke drops them. BEP 6 has one.
    fn drop_requests_of(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let requests = std::mem::take(&mut peer.requests_in);
        self.refuse_choked(key, requests);
    }
}

impl Peer {
    /// It holds an optimistic slot.
    pub(super) fn is_optimistic(&self) -> bool {
        !self.am_choking && self.choke_reason == Some(ChokeReason::Optimistic)
    }
}
