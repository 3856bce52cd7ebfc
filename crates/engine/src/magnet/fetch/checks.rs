//! Recomputes everything that is cached from the raw data.

use super::MetadataFetch;
use super::peer::Stage;
use crate::METAINFO_LEN_MAX;

impl MetadataFetch {
    /// Checks every count against a recount. For tests, after each input.
    ///
    /// # Panics
    /// If any differs: that is a fault of ours.
    pub fn check_invariants(&self) {
        let connecting = self.peers.values().filter(|peer| peer.stage == Stage::Connecting).count();
        assert_eq!(self.connecting, connecting, "invariant: connections being made are counted");
        assert!(self.connecting <= self.config.connecting_max, "invariant: connecting_max");
        assert!(self.peers.len() <= self.config.peers_max, "invariant: peers_max");
        assert!(self.is_running || self.peers.is_empty(), "invariant: no connections while paused");
        assert!(!(self.is_running && self.is_done), "invariant: what is done does not run");
        self.book.check(&self.config);
        for (&len, assembly) in &self.assemblies {
            assert!(len > 0 && len as usize <= METAINFO_LEN_MAX, "invariant: lengths are bounded");
            let asked = || self.peers.values().flat_map(|peer| &peer.asked);
            assembly.check(|piece| {
                asked().filter(|asked| asked.is_active && asked.len == len && asked.piece == piece).count()
            });
            for sender in assembly.involved() {
                assert!(self.senders.contains_key(&sender), "invariant: who may be to blame is known");
            }
        }
        for peer in self.peers.values() {
            let max = self.config.metadata_requests_per_peer_max;
            assert!(peer.asked.len() <= max, "invariant: metadata_requests_per_peer_max");
        }
        let now = self.now;
        assert!(
            self.next_timeout().is_none_or(|until| until > now),
            "invariant: nothing is due when all is done"
        );
    }
}
