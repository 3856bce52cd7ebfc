//! Shows peers our pieces one by one (BEP 16), as [`crate::super_seed`] decides.

use super::Engine;
use crate::super_seed::{Shown, Spread, may_see_more};
use crate::{Bitfield, Event, Instant, Message, PeerKey, PieceIndex};

/// What a peer sees of us, if we do not show it everything.
#[derive(Debug)]
pub(super) struct Reveal {
    /// The pieces that it was shown.
    pub(super) shown: Bitfield,
    /// Those, and the ones that it has.
    pub(super) counted: Bitfield,
    /// The latest of them, and since when it has that.
    last: Option<PieceIndex>,
    has_last_since: Option<Instant>,
}

impl Engine {
    /// The user wants it so from now on. Who is connected and sees everything goes on seeing it.
    pub(super) fn handle_set_super_seed(&mut self, is_on: bool) {
        self.config.super_seed = is_on;
        if !is_on && self.spread.take().is_some() {
            for key in self.joined_keys() {
                self.show_everything(key);
            }
        }
    }

    /// A peer has just joined: from a super-seed it sees nothing yet.
    pub(super) fn hide_from(&mut self, key: PeerKey) {
        let have = self.picker.have();
        let Some(peer) = self.peers.get_mut(&key).filter(|_| self.config.super_seed && have.is_complete())
        else {
            return;
        };
        let pieces_total = have.pieces_total();
        self.spread.get_or_insert_with(|| Spread::new(pieces_total, &mut self.rng));
        let none = Bitfield::none(pieces_total);
        peer.reveal =
            Some(Box::new(Reveal { shown: none.clone(), counted: none, last: None, has_last_since: None }));
    }

    /// Whether this peer was not shown the piece.
    pub(super) fn hides(&self, key: PeerKey, piece: PieceIndex) -> bool {
        let reveal = self.peers.get(&key).and_then(|peer| peer.reveal.as_ref());
        reveal.is_some_and(|reveal| !reveal.shown.has(piece))
    }

    /// A peer said what it has.
    pub(super) fn spread_bitfield(&mut self, key: PeerKey) {
        let (Some(peer), Some(spread)) = (self.peers.get_mut(&key), &mut self.spread) else { return };
        let Some(reveal) = &mut peer.reveal else { return };
        peer.has.iter().filter(|&piece| reveal.counted.insert(piece)).for_each(|piece| spread.add(piece));
        self.show_more(key);
    }

    /// A peer has a piece: whoever was shown it has passed it on.
    pub(super) fn spread_have(&mut self, key: PeerKey, piece: PieceIndex) {
        let (Some(peer), Some(spread)) = (self.peers.get_mut(&key), &mut self.spread) else { return };
        if let Some(reveal) = &mut peer.reveal {
            if reveal.counted.insert(piece) {
                spread.add(piece);
            }
            if reveal.last == Some(piece) {
                reveal.has_last_since = Some(self.now);
            }
        }
        let waits = |peer: &super::peer::Peer| peer.reveal.as_ref().is_some_and(|r| r.last == Some(piece));
        let waiting: Vec<PeerKey> =
            self.peers.iter().filter(|(_, peer)| waits(peer)).map(|(&key, _)| key).collect();
        waiting.into_iter().for_each(|key| self.show_more(key));
    }

    /// A peer has lost a piece.
    pub(super) fn spread_dont_have(&mut self, key: PeerKey, piece: PieceIndex) {
        let (Some(peer), Some(spread)) = (self.peers.get_mut(&key), &mut self.spread) else { return };
        let Some(reveal) = peer.reveal.as_mut().filter(|reveal| !reveal.shown.has(piece)) else { return };
        if reveal.counted.remove(piece) {
            spread.remove(piece);
        }
    }

    /// A peer is gone.
    pub(super) fn spread_left(&mut self, reveal: Option<&Reveal>) {
        if let (Some(reveal), Some(spread)) = (reveal, &mut self.spread) {
            reveal.counted.iter().for_each(|piece| spread.remove(piece));
        }
    }

    /// Shows a peer the next piece, if it is time.
    pub(super) fn show_more(&mut self, key: PeerKey) {
        let others = (self.joined as usize).saturating_sub(1);
        let (Some(peer), Some(spread)) = (self.peers.get_mut(&key), &mut self.spread) else { return };
        let Some(reveal) = &mut peer.reveal else { return };
        let last = reveal.last.map(|piece| Shown {
            has_it: peer.has.has(piece),
            has_it_for: reveal.has_last_since.map(|since| self.now.since(since)).unwrap_or_default(),
            is_elsewhere: self.picker.availability(piece) > 1,
            others,
        });
        let Some(reason) = may_see_more(&self.config, last) else { return };
        let Some(piece) = spread.rarest(|piece| !reveal.counted.has(piece)) else { return };
        reveal.shown.insert(piece);
        reveal.counted.insert(piece);
        reveal.last = Some(piece);
        reveal.has_last_since = None;
        spread.add(piece);
        self.send(key, &Message::Have(piece));
        self.outbox.event(Event::Revealed { peer: key, piece, reason });
    }

    /// We are an ordinary seed again.
    fn show_everything(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let Some(reveal) = peer.reveal.take() else { return };
        for piece in reveal.counted.iter_missing() {
            self.send(key, &Message::Have(piece));
        }
    }
}
