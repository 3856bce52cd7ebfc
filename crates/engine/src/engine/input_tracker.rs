//! Announces: handed out when the schedule says so, answers taken in.

use super::Engine;
use crate::peers::Voter;
use crate::swarms::DueAnnounce;
use crate::{AnnounceAnswer, AnnounceEvent, AnnounceRequest, CloseReason, Output, PeerSource, TrackerKey};

/// A downloader with fewer peers, and addresses that may be tried, than this would like more before the interval is over.
const PEERS_ENOUGH: usize = 5;

impl Engine {
    pub(super) fn handle_announced(&mut self, tracker: TrackerKey, result: &Result<AnnounceAnswer, String>) {
        let is_awaited = self.trackers.handle_answer(&self.config, self.now, tracker, result);
        if let Ok(answer) = result
            && is_awaited
        {
            if let Some(ip) = answer.external_ip {
                self.book.update_own(|own| own.vote(Voter::Tracker(tracker), ip));
            }
            self.handle_introducer(tracker);
            self.handle_peers_found(PeerSource::Tracker, &answer.peers);
        }
    }

    /// BEP 27: the peers of a private torrent are those of one tracker. Who switches to another leaves them all.
    fn handle_introducer(&mut self, tracker: TrackerKey) {
        // Of a hybrid, one tracker may introduce the peers of both swarms.
        let tracker = self.trackers.same_everywhere(tracker);
        let before = self.introducer.replace(tracker);
        if self.metainfo.is_private() && before.is_some_and(|before| before != tracker) {
            self.close_all(&CloseReason::TrackerSwitched);
            self.book.forget_all();
        }
    }

    pub(super) fn announce_if_due(&mut self) {
        let is_hungry = self.is_hungry();
        while let Some(DueAnnounce { tracker, url, tracker_id, info_hash, event }) =
            self.trackers.poll(self.now, is_hungry)
        {
            let request = AnnounceRequest {
                tracker,
                url: url.to_owned(),
                info_hash,
                event,
                uploaded: self.totals.up_bytes,
                downloaded: self.totals.down_bytes,
                left: self.totals.wanted_bytes - self.totals.verified_bytes,
                port: self.port,
                num_want: if event == AnnounceEvent::Stopped { 0 } else { self.config.announce_num_want },
                tracker_id: tracker_id.map(<[u8]>::to_vec),
            };
            self.outbox.push(Output::Announce(request));
        }
        while let Some((tracker, url)) = self.trackers.poll_scrape(&self.config, self.now) {
            let url = url.to_owned();
            self.outbox.push(Output::Scrape { tracker, url });
        }
    }

    pub(super) fn is_hungry(&self) -> bool {
        // Addresses in back-off have shown that they are no peers just now.
        let reach = || self.peers.len() + self.book.due(self.now, PEERS_ENOUGH);
        self.is_running && !self.picker.is_complete() && reach() < PEERS_ENOUGH
    }
}
