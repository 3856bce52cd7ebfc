//! Carries out what the choker decided.

use super::Engine;
use crate::choker::{self, Candidate, Decision};
use crate::{ChokeReason, Event, Message, PeerKey};

impl Engine {
    /// The round of every ten seconds.
    pub(super) fn rechoke(&mut self) {
        let candidates = self.candidates();
        let is_seeding = self.picker.is_complete();
        let decisions = choker::rechoke(&self.config, is_seeding, &candidates, &mut self.rng);
        decisions.iter().for_each(|decision| self.carry_out(decision));
    }

    /// Between rounds: slots that nobody holds.
    pub(super) fn offer_free_slots(&mut self) {
        if std::mem::take(&mut self.has_slot_news) && self.is_running {
            let candidates = self.candidates();
            let is_seeding = self.picker.is_complete();
            let decisions = choker::fill_free_slots(&self.config, is_seeding, &candidates, &mut self.rng);
            decisions.iter().for_each(|decision| self.carry_out(decision));
        }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let joined = self.peers.iter().filter(|(_, peer)| peer.is_joined());
        let candidate = |(&key, peer): (_, &super::peer::Peer)| Candidate {
            peer: key,
            peer_interested: peer.peer_interested,
            am_choking: peer.am_choking,
            is_snubbed: peer.is_snubbed,
            optimistic_for: peer.optimistic_since.map(|since| self.now.since(since)),
            connected_for: self.now.since(peer.stage_since),
            down_rate: peer.down_rate.per_second(self.now),
            up_rate: peer.up_rate.per_second(self.now),
        };
        joined.map(candidate).collect()
    }

    fn carry_out(&mut self, decision: &Decision) {
        let Some(peer) = self.peers.get_mut(&decision.peer) else { return };
        peer.choke_reason = Some(decision.reason);
        let holds = |since| self.now.since(since) < self.config.optimistic_interval;
        peer.optimistic_since = (decision.reason == ChokeReason::Optimistic)
            .then(|| peer.optimistic_since.filter(|&since| holds(since)).unwrap_or(self.now));
        if peer.am_choking == decision.choked {
            return;
        }
        peer.am_choking = decision.choked;
        self.choke_counts[decision.reason as usize] += 1;
        self.send(decision.peer, if decision.choked { &Message::Choke } else { &Message::Unchoke });
        if decision.choked {
            self.drop_requests_of(decision.peer);
        }
        let Decision { peer, choked, reason } = *decision;
        self.outbox.event(Event::Choke { peer, choked, reason });
    }

    /// BEP 3 has no answer to a request but the block: the peer knows that a choke drops them. BEP 6 has one.
    fn drop_requests_of(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let requests = std::mem::take(&mut peer.requests_in);
        self.refuse_choked(key, requests);
    }
}
