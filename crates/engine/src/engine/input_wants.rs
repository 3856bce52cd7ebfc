//! What the user wants: which files, in which order, and by when.

use std::collections::VecDeque;

use super::Engine;
use crate::geometry::Geometry;
use crate::picker::{Outstanding, Picker};
use crate::playback::{self, Playback};
use crate::{Event, FilePriority, Instant, Message, Output, PeerKey, PickOrder, PieceIndex, priority};

impl Engine {
    pub(super) fn handle_file_priorities(&mut self, files: &[FilePriority]) {
        let was_complete = self.picker.is_complete();
        let of_file = |file| files.get(file).copied().unwrap_or_default();
        self.file_priorities = (0..self.metainfo.files().len()).map(of_file).collect();
        let pieces = priority::of_pieces(&self.metainfo, &self.file_priorities);
        self.cancel_pieces(&self.picker.partials_skipped_by(&pieces));
        for piece in self.picker.set_priorities(&pieces) {
            self.outbox.push(Output::Discard { piece });
        }
        self.count_wanted_bytes();
        let keys: Vec<PeerKey> = self.peers.keys().copied().collect();
        for key in keys {
            if let Some(peer) = self.peers.get_mut(&key) {
                peer.wanted_pieces = peer.has.count_common(self.picker.missing());
                peer.starved_at = None;
            }
            self.update_interest(key);
        }
        self.has_room_news = true;
        if self.picker.is_complete() != was_complete {
            self.tell_upload_only();
        }
        if self.picker.is_complete() && !was_complete {
            // Who has nothing more for us is closed at the next look at all connections: users who skip all files are about
            // to choose some.
            self.outbox.event(Event::Completed);
        } else if was_complete && !self.picker.is_complete() {
            // Seeds had no use for us, nor we for them: each try has doubled the wait.
            self.book.retry_all(self.now, &mut self.rng);
        }
    }

    pub(super) fn handle_pick_order(&mut self, order: PickOrder) {
        self.picker.set_pick_order(order);
        let played_before = self.playback.take();
        if let PickOrder::Playing { bytes_per_s } = order {
            self.playback = Some(Playback::new(bytes_per_s, self.now));
            self.play();
        } else if played_before.is_some() {
            self.handle_deadlines(&[]);
        }
    }

    /// The player is where it is now.
    pub(super) fn play(&mut self) {
        let Some(playback) = &mut self.playback else { return };
        let played = Played { geometry: &self.geometry, picker: &self.picker };
        playback.advance(self.now, &played);
        let deadlines = playback.deadlines(&played);
        self.handle_deadlines(&deadlines);
    }

    pub(super) fn handle_deadlines(&mut self, pieces: &[(PieceIndex, Instant)]) {
        self.picker.set_deadlines(pieces);
        self.look_at_deadlines();
    }

    /// A piece that has become late is work for fast peers that found nothing to do.
    pub(super) fn look_at_deadlines(&mut self) {
        let late_pieces = self.picker.late_pieces(self.now);
        if late_pieces > self.late_pieces {
            self.picker.wake_starved();
        }
        self.late_pieces = late_pieces;
        self.best_rate = self.peers.values().map(|peer| peer.pipeline.rate()).max().unwrap_or(0);
    }

    /// Takes back all requests for these pieces. What is on its way already is thrown away.
    fn cancel_pieces(&mut self, pieces: &[PieceIndex]) {
        let is_cancelled = |piece: PieceIndex| pieces.binary_search(&piece).is_ok();
        let keys: Vec<PeerKey> = self.peers.keys().copied().collect();
        for key in keys {
            let Some(peer) = self.peers.get_mut(&key) else { continue };
            peer.current = peer.current.filter(|&piece| !is_cancelled(piece));
            let (cancelled, kept): (VecDeque<Outstanding>, VecDeque<Outstanding>) =
                peer.outstanding.iter().partition(|request| is_cancelled(request.block.piece));
            peer.outstanding = kept;
            peer.released = peer.outstanding.iter().filter(|request| !request.is_active).count() as u32;
            let under_way = peer.incoming.as_mut().filter(|incoming| is_cancelled(incoming.block.piece));
            let under_way = under_way.map(|incoming| {
                incoming.is_wanted = false;
                incoming.block
            });
            self.withdraw(key, &cancelled);
            for request in cancelled {
                if Some(request.block) != under_way {
                    self.send(key, &Message::Cancel(request.block));
                }
            }
        }
        self.cancel_pieces_at_web_seeds(pieces);
    }

    fn count_wanted_bytes(&mut self) {
        let (mut wanted_bytes, mut verified_bytes) = (0, 0);
        for piece in (0..self.geometry.pieces_total()).map(PieceIndex) {
            if self.picker.priority(piece) != FilePriority::Skip {
                let bytes = u64::from(self.geometry.piece_size(piece));
                wanted_bytes += bytes;
                verified_bytes += if self.picker.have().has(piece) { bytes } else { 0 };
            }
        }
        self.totals.wanted_bytes = wanted_bytes;
        self.totals.verified_bytes = verified_bytes;
    }
}

/// This torrent for a player.
struct Played<'a> {
    geometry: &'a Geometry,
    picker: &'a Picker,
}

impl playback::Played for Played<'_> {
    fn pieces_total(&self) -> u32 {
        self.geometry.pieces_total()
    }

    fn piece_size(&self, piece: PieceIndex) -> u32 {
        self.geometry.piece_size(piece)
    }

    fn priority(&self, piece: PieceIndex) -> FilePriority {
        self.picker.priority(piece)
    }

    fn has(&self, piece: PieceIndex) -> bool {
        self.picker.have().has(piece)
    }
}
