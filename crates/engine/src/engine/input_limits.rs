//! What the user sets while the engine runs: limits, shares of common limits, goals.

use std::time::Duration;

use super::Engine;
use crate::limits::{Place, smaller, surplus};
use crate::rate::TokenBucket;
use crate::{CloseReason, Demand, Demands, Event, Goals, History, Instant, Limits, Share};

impl Engine {
    /// What it did with its share since [`crate::Input::SetShare`] was last given.
    #[must_use]
    pub fn demands(&self) -> Demands {
        let since = self.now.since(self.shared_at).as_micros().max(1);
        let demand = |bucket: &TokenBucket| Demand {
            used_rate: u64::try_from(u128::from(bucket.spent_bytes()) * 1_000_000 / since)
                .unwrap_or(u64::MAX),
            is_held_back: bucket.has_refused(),
        };
        Demands { upload: demand(&self.upload_bucket), download: demand(&self.download_bucket) }
    }

    pub(super) fn handle_set_limits(&mut self, limits: &Limits) {
        self.config.set_limits(limits);
        self.set_rates();
        self.has_slot_news = true;
        let place = |(&peer, known): (_, &super::peer::Peer)| Place {
            peer,
            is_joined: known.is_joined(),
            trade_rate: known.down_rate.per_second(self.now) + known.up_rate.per_second(self.now),
        };
        let max = self.config.peers_max;
        for key in surplus(max, self.peers.iter().map(place).collect()) {
            self.close(key, CloseReason::TooManyPeers { max: max as u32 });
        }
    }

    pub(super) fn handle_set_share(&mut self, share: Share) {
        self.share = share;
        self.shared_at = self.now;
        self.upload_bucket.begin_count();
        self.download_bucket.begin_count();
        self.set_rates();
    }

    pub(super) fn handle_set_goals(&mut self, goals: Goals) {
        self.goals = goals;
    }

    /// The upload limit that counts.
    pub(super) fn upload_rate_max(&self) -> Option<u64> {
        smaller(self.config.upload_rate_max, self.share.upload_rate_max)
    }

    /// The download limit that counts.
    pub(super) fn download_rate_max(&self) -> Option<u64> {
        smaller(self.config.download_rate_max, self.share.download_rate_max)
    }

    fn set_rates(&mut self) {
        let (upload, download) = (self.upload_rate_max(), self.download_rate_max());
        self.upload_bucket.set_rate_max(self.now, upload);
        self.download_bucket.set_rate_max(self.now, download);
    }

    /// Keeps the clock of seeding, and pauses when a goal is met.
    pub(super) fn look_at_goals(&mut self) {
        let is_seeding = self.is_running && self.picker.is_complete();
        if !is_seeding {
            self.history.seeding_time +=
                self.seeding_since.take().map_or(Duration::ZERO, |since| self.now.since(since));
            return;
        }
        self.seeding_since.get_or_insert(self.now);
        if let Some(goal) = self.goals.met(&self.so_far(), self.totals.verified_bytes) {
            self.outbox.event(Event::GoalMet { goal });
            self.handle_pause();
            self.look_at_goals();
        }
    }

    /// When the time as a seed will be what the user wants.
    pub(super) fn goal_at(&self) -> Option<Instant> {
        let wanted = self.goals.seeding_time?;
        Some(self.seeding_since? + wanted.saturating_sub(self.history.seeding_time))
    }

    /// What was traded in all sessions, this one included.
    #[must_use]
    pub fn so_far(&self) -> History {
        let seeding = self.seeding_since.map_or(Duration::ZERO, |since| self.now.since(since));
        History {
            uploaded: self.history.uploaded.saturating_add(self.totals.up_bytes),
            downloaded: self.history.downloaded.saturating_add(self.totals.down_bytes),
            seeding_time: self.history.seeding_time + seeding,
        }
    }
}
