//! When to ask which tracker, and what to tell it (BEP 3, BEP 12).
//!
//! One tracker is asked at a time: the first, in the order of the tiers, that is not in back-off. Within a tier the
//! order is shuffled once, and a tracker that answers moves to its front. One that says nothing for a while is not
//! waited for: the next is asked beside it, or a few dead ones in front would hold up a download for minutes.

use std::time::Duration;

use crate::rng::Rng;
use crate::{AnnounceAnswer, AnnounceEvent, Config, Instant, ScrapeAnswer, TrackerKey, TrackerSnapshot};

/// Without the tracker's own minimum, ask for more peers no sooner than this (what trackers use to say).
const HUNGRY_INTERVAL: Duration = Duration::from_secs(300);

/// How long one tracker keeps the next from being asked (libtorrent's `tracker_receive_timeout`).
const PATIENCE: Duration = Duration::from_secs(10);

/// An announce under way.
#[derive(Clone, Copy, Debug)]
struct Asking {
    tracker: TrackerKey,
    event: AnnounceEvent,
    since: Instant,
}

#[derive(Clone, Debug)]
struct Tracker {
    url: String,
    tier: u32,
    /// It was told that we started, and not that we stopped.
    knows_us: bool,
    failures: u32,
    /// In back-off until then.
    retry_at: Instant,
    complete: Option<u32>,
    downloaded: Option<u32>,
    incomplete: Option<u32>,
    /// What it calls us; it wants to be told (not in any BEP, but all trackers that send one ask for it).
    tracker_id: Option<Vec<u8>>,
    /// It has answered an announce since it was last scraped.
    wants_scrape: bool,
    scraped_at: Option<Instant>,
    error: Option<String>,
}

/// All trackers of a torrent.
#[derive(Clone, Debug)]
pub(crate) struct Trackers {
    trackers: Vec<Tracker>,
    /// All keys in the order in which they are tried.
    order: Vec<TrackerKey>,
    is_running: bool,
    /// The announces under way, the latest last; to each tracker one at most.
    asking: Vec<Asking>,
    /// When the next announce is due.
    due: Instant,
    /// When it is due if we want more peers.
    hungry_due: Instant,
    /// The download became complete and no tracker knows yet.
    owes_completed: bool,
    /// Trackers to be told that we leave.
    stopping: Vec<TrackerKey>,
    /// A tracker has answered since scrapes were last looked at.
    may_scrape: bool,
}

impl Trackers {
    /// The trackers in tiers, as in the metainfo.
    pub(crate) fn new(tiers: &[Vec<String>], rng: &mut Rng) -> Self {
        let mut trackers = Vec::new();
        let mut order = Vec::new();
        for (tier, urls) in (0..).zip(tiers) {
            let mut of_tier: Vec<TrackerKey> = Vec::new();
            for url in urls {
                of_tier.push(TrackerKey(trackers.len() as u32));
                trackers.push(Tracker {
                    url: url.clone(),
                    tier,
                    knows_us: false,
                    failures: 0,
                    retry_at: Instant::ZERO,
                    complete: None,
                    downloaded: None,
                    incomplete: None,
                    tracker_id: None,
                    wants_scrape: false,
                    scraped_at: None,
                    error: None,
                });
            }
            rng.shuffle(&mut of_tier);
            order.extend(of_tier);
        }
        Self {
            trackers,
            order,
            is_running: false,
            asking: Vec::new(),
            due: Instant::ZERO,
            hungry_due: Instant::ZERO,
            owes_completed: false,
            stopping: Vec::new(),
            may_scrape: false,
        }
    }

    pub(crate) fn url(&self, tracker: TrackerKey) -> &str {
        &self.trackers[tracker.0 as usize].url
    }

    /// What this tracker wants to be told of its last answers.
    pub(crate) fn tracker_id(&self, tracker: TrackerKey) -> Option<&[u8]> {
        self.tracker(tracker).tracker_id.as_deref()
    }

    /// We take part from now on.
    pub(crate) fn start(&mut self, now: Instant) {
        self.is_running = true;
        self.stopping.clear();
        self.due = now;
        self.hungry_due = now;
        // Whoever starts us, or brings the network back, wants an answer now and not when the back-off is over.
        for tracker in &mut self.trackers {
            tracker.failures = 0;
            tracker.retry_at = Instant::ZERO;
        }
    }

    /// We leave: every tracker that knows us is told, once each.
    pub(crate) fn stop(&mut self) {
        self.is_running = false;
        self.owes_completed = false;
        self.stopping =
            self.order.iter().copied().filter(|key| self.trackers[key.0 as usize].knows_us).collect();
    }

    /// The download has just become complete.
    pub(crate) fn completed(&mut self, now: Instant) {
        self.owes_completed = true;
        self.due = self.due.min(now);
    }

    /// The announce to make now, if any; it is under way from then on.
    pub(crate) fn poll(&mut self, now: Instant, is_hungry: bool) -> Option<(TrackerKey, AnnounceEvent)> {
        let (tracker, event) = if self.is_running {
            let due = self.announce_due(is_hungry).max(self.patient_until());
            (due <= now).then(|| self.next_tracker(now)).flatten()?
        } else {
            // All at once: whoever leaves cannot wait for one after the other.
            let at = self.stopping.iter().rposition(|key| !self.is_asked(*key))?;
            (self.stopping.remove(at), AnnounceEvent::Stopped)
        };
        self.asking.push(Asking { tracker, event, since: now });
        Some((tracker, event))
    }

    /// When [`Self::poll`] has something to say next, if nothing else happens.
    pub(crate) fn next_at(&self, is_hungry: bool) -> Option<Instant> {
        if !self.is_running {
            return None;
        }
        let free = self.order.iter().filter(|key| !self.is_asked(**key));
        let retry_at = free.map(|key| self.tracker(*key).retry_at).min()?;
        Some(retry_at.max(self.announce_due(is_hungry)).max(self.patient_until()))
    }

    /// A tracker answered, or failed to. Returns whether it is the answer that was waited for.
    pub(crate) fn handle_answer(
        &mut self,
        config: &Config,
        now: Instant,
        key: TrackerKey,
        result: &Result<AnnounceAnswer, String>,
    ) -> bool {
        let Some(at) = self.asking.iter().position(|asking| asking.tracker == key) else { return false };
        let Asking { event, .. } = self.asking.remove(at);
        let tracker = &mut self.trackers[key.0 as usize];
        if event == AnnounceEvent::Stopped {
            tracker.knows_us = false;
            return true;
        }
        match result {
            Ok(answer) => {
                tracker.knows_us = true;
                tracker.failures = 0;
                tracker.retry_at = Instant::ZERO;
                tracker.complete = answer.complete.or(tracker.complete);
                tracker.incomplete = answer.incomplete.or(tracker.incomplete);
                tracker.wants_scrape = true;
                self.may_scrape = true;
                if answer.tracker_id.is_some() {
                    tracker.tracker_id.clone_from(&answer.tracker_id);
                }
                tracker.error =
                    answer.warning.as_ref().map(|warning| format!("the tracker warns: {warning}"));
                let least = answer.min_interval.unwrap_or_default().max(config.announce_interval_min);
                self.due = now + answer.interval.max(least);
                self.hungry_due = now + answer.min_interval.unwrap_or(HUNGRY_INTERVAL).max(least);
                if event == AnnounceEvent::Completed {
                    self.owes_completed = false;
                }
                self.move_to_front(key);
            }
            Err(message) => {
                tracker.failures = tracker.failures.saturating_add(1);
                let doublings = (tracker.failures - 1).min(16);
                let wait = config.announce_retry.saturating_mul(1 << doublings);
                tracker.retry_at = now + wait.min(config.announce_retry_max);
                tracker.error = Some(message.clone());
            }
        }
        if !self.is_running && self.trackers[key.0 as usize].knows_us && !self.stopping.contains(&key) {
            // We left while the announce was under way.
            self.stopping.push(key);
        }
        true
    }

    /// The tracker to scrape now, if any: one that answers announces, and was not asked for a while. Its counts include
    /// the downloads that were completed, which no announce tells.
    pub(crate) fn poll_scrape(&mut self, config: &Config, now: Instant) -> Option<TrackerKey> {
        let is_due = |tracker: &Tracker| {
            let rested = tracker.scraped_at.is_none_or(|at| now.since(at) >= config.scrape_interval);
            tracker.wants_scrape && rested
        };
        self.may_scrape &= self.is_running;
        let at = self.may_scrape.then(|| self.trackers.iter().position(is_due)).flatten();
        self.may_scrape = at.is_some();
        let at = at?;
        let tracker = &mut self.trackers[at];
        tracker.wants_scrape = false;
        tracker.scraped_at = Some(now);
        Some(TrackerKey(at as u32))
    }

    /// A tracker answered a scrape. That it cannot be scraped is no fault: many cannot.
    pub(crate) fn handle_scrape(&mut self, key: TrackerKey, result: &Result<ScrapeAnswer, String>) {
        if let Some(tracker) = self.trackers.get_mut(key.0 as usize)
            && let Ok(answer) = result
        {
            tracker.complete = Some(answer.complete);
            tracker.downloaded = Some(answer.downloaded);
            tracker.incomplete = Some(answer.incomplete);
        }
    }

    /// One entry for each tracker, in the order of their keys.
    pub(crate) fn snapshots(&self, is_hungry: bool) -> Vec<TrackerSnapshot> {
        let next_at = self.next_at(is_hungry);
        let is_next = |key: TrackerKey, at| !self.is_asked(key) && self.tracker(key).retry_at <= at;
        let first = next_at.and_then(|at| self.order.iter().copied().find(|key| is_next(*key, at)));
        let snapshot = |(number, tracker): (u32, &Tracker)| TrackerSnapshot {
            url: tracker.url.clone(),
            tier: tracker.tier,
            asking: self.asking_of(TrackerKey(number)).map(|asking| asking.event),
            next: next_at.filter(|_| first == Some(TrackerKey(number))),
            complete: tracker.complete,
            downloaded: tracker.downloaded,
            incomplete: tracker.incomplete,
            error: tracker.error.clone(),
        };
        (0..).zip(&self.trackers).map(snapshot).collect()
    }

    fn tracker(&self, key: TrackerKey) -> &Tracker {
        &self.trackers[key.0 as usize]
    }

    fn asking_of(&self, key: TrackerKey) -> Option<&Asking> {
        self.asking.iter().find(|asking| asking.tracker == key)
    }

    fn is_asked(&self, key: TrackerKey) -> bool {
        self.asking_of(key).is_some()
    }

    /// Until when nobody else is asked.
    fn patient_until(&self) -> Instant {
        self.asking.last().map_or(Instant::ZERO, |latest| latest.since + PATIENCE)
    }

    fn announce_due(&self, is_hungry: bool) -> Instant {
        // That we completed is told at once; it is no reason to ask a tracker in back-off.
        if self.owes_completed {
            Instant::ZERO
        } else if is_hungry {
            self.due.min(self.hungry_due)
        } else {
            self.due
        }
    }

    fn next_tracker(&self, now: Instant) -> Option<(TrackerKey, AnnounceEvent)> {
        let may_be_asked = |key: &&TrackerKey| !self.is_asked(**key) && self.tracker(**key).retry_at <= now;
        let key = *self.order.iter().find(may_be_asked)?;
        let event = match self.tracker(key).knows_us {
            false => AnnounceEvent::Started,
            true if self.owes_completed => AnnounceEvent::Completed,
            true => AnnounceEvent::Regular,
        };
        Some((key, event))
    }

    fn move_to_front(&mut self, key: TrackerKey) {
        let tier = self.tracker(key).tier;
        let first = self.order.iter().position(|other| self.tracker(*other).tier == tier);
        let place = self.order.iter().position(|other| *other == key);
        if let (Some(first), Some(place)) = (first, place) {
            self.order[first..=place].rotate_right(1);
        }
    }
}

#[cfg(test)]
mod tests;
