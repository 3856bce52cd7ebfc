//! Start and pause.

use std::net::IpAddr;

use super::Engine;
use crate::rate::TokenBucket;
use crate::{CloseReason, Event, History, Output, PartialPieces, PeerKey};

impl Engine {
    pub(super) fn handle_start(&mut self) {
        if self.is_running {
            return;
        }
        self.is_running = true;
        self.totals.down_rate.restart(self.now);
        self.totals.up_rate.restart(self.now);
        self.upload_bucket = TokenBucket::new(self.upload_rate_max(), self.now);
        self.download_bucket = TokenBucket::new(self.download_rate_max(), self.now);
        self.trackers.start(self.now);
        self.start_web_seeds();
    }

    /// Whatever an earlier session left: blocks that need not be fetched again, and what was traded.
    pub(super) fn handle_restored(&mut self, partial: &PartialPieces, history: History) {
        self.history = history;
        let mut complete = Vec::new();
        for (piece, blocks) in partial.iter().filter(|(piece, _)| piece.0 < self.geometry.pieces_total()) {
            if self.picker.restore(piece, blocks) {
                self.picker.begin_check(piece);
                complete.push(piece);
            }
        }
        complete.into_iter().for_each(|piece| self.verify(piece));
    }

    pub(super) fn handle_pause(&mut self) {
        if !self.is_running {
            return;
        }
        self.is_running = false;
        self.trackers.stop();
        self.stop_web_seeds();
        self.close_all(&CloseReason::Stopped);
    }

    /// The host's incoming port, or none any more.
    pub(super) fn handle_listening(&mut self, port: u16) {
        self.port = port;
        self.book.update_own(|own| own.set_port(port));
    }

    /// A host is forgiven, and its addresses may be tried.
    pub(super) fn handle_unban(&mut self, ip: IpAddr) {
        self.bans.lift(ip);
        self.book.retry_host(self.now, ip, &mut self.rng);
    }

    pub(super) fn close_all(&mut self, reason: &CloseReason) {
        let keys: Vec<PeerKey> = self.peers.keys().copied().collect();
        keys.into_iter().for_each(|key| self.close(key, reason.clone()));
    }

    /// It cannot go on; the message is for a person. What is not verified may not be stored either: it is fetched again
    /// when the user lets us go on.
    pub(super) fn fail(&mut self, message: String) {
        self.handle_pause();
        self.unhashed.clear();
        for piece in self.picker.give_up_all() {
            self.outbox.push(Output::Discard { piece });
        }
        self.outbox.event(Event::Failed { message });
    }
}
