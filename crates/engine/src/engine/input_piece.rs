//! Verdicts over whole pieces.

use std::net::SocketAddr;

use super::Engine;
use crate::{BanReason, CloseReason, Event, Message, PeerId, PeerKey, PieceIndex, VerifyOutcome};

impl Engine {
    pub(super) fn handle_verified(&mut self, piece: PieceIndex, outcome: VerifyOutcome) {
        if piece.0 >= self.geometry.pieces_total() {
            return;
        }
        match outcome {
            VerifyOutcome::Stored => self.handle_piece_stored(piece),
            VerifyOutcome::Mismatch => self.handle_piece_failed(piece),
            VerifyOutcome::Inconsistent => self.handle_torrent_inconsistent(piece),
        }
    }

    /// Whatever peers send, no piece will ever be right by both hashes; nobody is to blame but the torrent's maker.
    fn handle_torrent_inconsistent(&mut self, piece: PieceIndex) {
        self.fail(format!(
            "The torrent contradicts itself: of the two hashes that it has for piece {}, for versions 1 and 2 of the \
             format, one is right and one is wrong. It cannot be downloaded; look for another torrent of the same content.",
            piece.0
        ));
    }

    fn handle_piece_stored(&mut self, piece: PieceIndex) {
        let was_wanted = self.picker.missing().has(piece);
        let Some(contributors) = self.picker.verified(piece) else { return };
        if was_wanted {
            self.totals.verified_bytes += u64::from(self.geometry.piece_size(piece));
        }
        self.outbox.event(Event::PieceVerified { piece });
        if let [sole] = contributors[..] {
            self.set_parole(sole, false);
        }
        let has_all = self.picker.have().is_complete();
        for key in self.joined_keys() {
            self.send(key, &Message::Have(piece));
            let Some(peer) = self.peers.get_mut(&key) else { continue };
            if was_wanted && peer.has.has(piece) {
                peer.wanted_pieces -= 1;
                self.update_interest(key);
            }
        }
        if was_wanted && self.picker.is_complete() {
            self.end_download();
            self.outbox.event(Event::Completed);
        }
        // Trackers count downloads of the whole torrent.
        if has_all {
            self.trackers.completed(self.now);
        }
    }

    /// A peer that wrote the whole piece has proved itself corrupt. Among several we do not know: each of them gets
    /// whole pieces alone from now on, so that the next one proves it.
    fn handle_piece_failed(&mut self, piece: PieceIndex) {
        let Some(suspects) = self.picker.failed(piece) else { return };
        self.totals.wasted_bytes += u64::from(self.geometry.piece_size(piece));
        self.outbox.event(Event::PieceFailed { piece, suspects: suspects.clone() });
        if let [culprit] = suspects[..] {
            if self.web_seeds.get(culprit).is_some() {
                // BEP 19: the URL is discarded.
                return self.drop_web_seed(culprit, CloseReason::CorruptData { piece: piece.0 });
            }
            self.ban(culprit, BanReason::CorruptData, &CloseReason::CorruptData { piece: piece.0 });
        } else {
            suspects.iter().for_each(|&suspect| self.set_parole(suspect, true));
        }
    }

    /// Refuses the peer from now on, and closes what connections there are; the culprit's own because of its `fault`.
    pub(super) fn ban(&mut self, culprit: PeerKey, reason: BanReason, fault: &CloseReason) {
        let Some((addr, peer_id)) = self.identity(culprit) else { return };
        self.bans.add(&self.config, self.now, addr, peer_id, reason);
        self.outbox.event(Event::Banned { peer: culprit, addr, reason });
        let banned =
            self.peers.iter().filter(|(_, peer)| self.bans.contains(self.now, peer.addr, peer.peer_id));
        let keys: Vec<PeerKey> = banned.map(|(&key, _)| key).collect();
        for key in keys {
            let is_culprit = key == culprit;
            self.close(key, if is_culprit { fault.clone() } else { CloseReason::Banned });
        }
    }

    fn set_parole(&mut self, key: PeerKey, is_on_parole: bool) {
        if !is_on_parole {
            self.picker.end_alone(key);
        }
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.is_on_parole = is_on_parole;
            peer.current = None;
            peer.starved_at = None;
        }
        if let Some(seed) = self.web_seeds.get_mut(key) {
            seed.is_on_parole = is_on_parole;
            seed.current = None;
            seed.starved_at = None;
        }
        // Leaving and coming back is no way out.
        let Some((addr, Some(peer_id))) = self.identity(key) else { return };
        let suspect = (addr.ip(), peer_id);
        if !is_on_parole {
            self.suspects.remove(&suspect);
        } else if self.suspects.len() < self.config.known_peers_max {
            self.suspects.insert(suspect);
        }
    }

    /// Address and peer id of a peer that is connected, or has delivered something and left.
    fn identity(&self, key: PeerKey) -> Option<(SocketAddr, Option<PeerId>)> {
        let connected = self.peers.get(&key).map(|peer| (peer.addr, peer.peer_id));
        connected.or_else(|| self.departed.get(&key).copied())
    }

    pub(super) fn joined_keys(&self) -> Vec<PeerKey> {
        self.peers.iter().filter(|(_, peer)| peer.is_joined()).map(|(&key, _)| key).collect()
    }
}
