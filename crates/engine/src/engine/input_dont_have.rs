//! Peers that lose a piece again (BEP 54). We never do: what is verified stays.

use super::Engine;
use crate::ext::BadExtended;
use crate::{PeerKey, PieceIndex};

impl Engine {
    /// Four bytes: the piece.
    pub(super) fn handle_dont_have(&mut self, key: PeerKey, payload: &[u8]) -> Result<(), BadExtended> {
        let piece = PieceIndex(u32::from_be_bytes(payload.try_into().map_err(|_| BadExtended)?));
        if piece.0 >= self.geometry.pieces_total() {
            return Err(BadExtended);
        }
        let Some(peer) = self.peers.get_mut(&key) else { return Ok(()) };
        if !peer.has.remove(piece) {
            return Ok(());
        }
        if std::mem::take(&mut peer.is_counted_as_seed) {
            self.picker.remove_seed_but_for(&peer.has);
        } else {
            self.picker.remove_have(piece);
        }
        peer.allowed_fast.retain(|&allowed| allowed != piece);
        peer.suggested.retain(|&suggested| suggested != piece);
        if self.picker.missing().has(piece) {
            peer.wanted_pieces -= 1;
        }
        self.take_back_piece(key, piece);
        self.spread_dont_have(key, piece);
        self.update_interest(key);
        Ok(())
    }
}
