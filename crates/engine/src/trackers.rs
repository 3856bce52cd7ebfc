//! When to ask which tracker, and what to tell it (BEP 3, BEP 12).
//!
//! One tracker is asked at a time: the first, in the order of the tiers, that is not in back-off. Within a tier the
//! order is shuffled once, and a tracker that answers moves to its front. One that says nothing for a while is not
//! waited for: the next is asked beside it, or a few dead ones in front would hold up a download for minutes.

use std::time::Duration;

use crate::rng::Rng;
use crate::{AnnounceAnswer, AnnounceEvent, Config, Instant, TrackerKey, TrackerSnapshot};

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
    incomplete: Option<u32>,
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
                    incomplete: None,
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
        }
    }

    pub(crate) fn url(&self, tracker: TrackerKey) -> &str {
        &self.trackers[tracker.0 as usize].url
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
                tracker.complete = answer.complete;
                tracker.incomplete = answer.incomplete;
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
mod tests {
    use super::*;
    use AnnounceEvent::{Completed, Regular, Started, Stopped};

    fn trackers(tiers: &[&[&str]]) -> Trackers {
        let tiers: Vec<Vec<String>> =
            tiers.iter().map(|tier| tier.iter().map(ToString::to_string).collect()).collect();
        Trackers::new(&tiers, &mut Rng::new(1))
    }

    fn at(s: u64) -> Instant {
        Instant::from_millis(s * 1000)
    }

    fn every(s: u64) -> Result<AnnounceAnswer, String> {
        Ok(AnnounceAnswer { interval: Duration::from_secs(s), ..AnnounceAnswer::default() })
    }

    fn refused() -> Result<AnnounceAnswer, String> {
        Err("it is down".into())
    }

    /// Polls at `s` and answers; gives the address that was asked and the event.
    fn ask(
        trackers: &mut Trackers,
        s: u64,
        answer: &Result<AnnounceAnswer, String>,
    ) -> (String, AnnounceEvent) {
        let (key, event) = trackers.poll(at(s), false).expect("an announce is due");
        assert_eq!(trackers.poll(at(s), false), None, "one at a time");
        assert!(trackers.handle_answer(&Config::default(), at(s), key, answer));
        (trackers.url(key).to_string(), event)
    }

    #[test]
    fn the_first_announce_is_started_and_the_next_ones_keep_the_interval() {
        let mut one = trackers(&[&["a"]]);
        assert_eq!((one.poll(at(0), true), one.next_at(true)), (None, None), "not before the start");
        one.start(at(5));
        assert_eq!(ask(&mut one, 5, &every(1800)).1, Started);
        assert_eq!(one.next_at(false), Some(at(1805)));
        assert_eq!(one.poll(at(1804), false), None);
        assert_eq!(ask(&mut one, 1805, &every(0)).1, Regular);
        assert_eq!(one.next_at(false), Some(at(1835)), "never sooner than the shortest interval");
    }

    #[test]
    fn wanting_peers_asks_sooner_but_not_below_the_trackers_minimum() {
        let mut one = trackers(&[&["a"]]);
        one.start(at(0));
        let answer = AnnounceAnswer {
            interval: Duration::from_secs(1800),
            min_interval: Some(Duration::from_secs(60)),
            ..AnnounceAnswer::default()
        };
        ask(&mut one, 0, &Ok(answer));
        assert_eq!((one.next_at(true), one.next_at(false)), (Some(at(60)), Some(at(1800))));
    }

    #[test]
    fn tiers_are_tried_in_order_and_success_moves_to_the_front_of_its_tier() {
        let mut many = trackers(&[&["a1", "a2", "a3"], &["b1"]]);
        many.start(at(0));
        let first = ask(&mut many, 0, &refused()).0;
        let second = ask(&mut many, 0, &every(100)).0;
        assert!(first.starts_with('a') && second.starts_with('a') && first != second);
        assert_eq!(ask(&mut many, 100, &every(100)), (second.clone(), Regular));
        // Now all of the first tier fail.
        let tried: Vec<String> = (0..3).map(|_| ask(&mut many, 200, &refused()).0).collect();
        assert_eq!(tried[0], second);
        assert_eq!(ask(&mut many, 200, &every(100)), ("b1".into(), Started));
    }

    #[test]
    fn a_failing_tracker_is_left_alone_twice_as_long_each_time() {
        let mut one = trackers(&[&["a"]]);
        one.start(at(0));
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..12 {
            ask(&mut one, now, &refused());
            let next = one.next_at(true).expect("it is tried again").micros() / 1_000_000;
            waits.push(next - now);
            now = next;
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800, 1800]);
        assert_eq!(one.snapshots(false)[0].error.as_deref(), Some("it is down"));
        ask(&mut one, now, &every(60));
        assert_eq!(one.snapshots(false)[0].error, None);
    }

    #[test]
    fn a_tracker_that_says_nothing_is_not_waited_for() {
        let mut two = trackers(&[&["a"], &["b"]]);
        two.start(at(0));
        let (silent, _) = two.poll(at(0), true).expect("started");
        assert_eq!((two.poll(at(9), true), two.next_at(true)), (None, Some(at(10))));
        let (other, event) = two.poll(at(10), true).expect("the next one is asked beside it");
        assert_eq!((two.url(silent), two.url(other), event), ("a", "b", Started));
        assert_eq!((two.poll(at(30), true), two.next_at(true)), (None, None), "there is nobody else");
        assert!(two.handle_answer(&Config::default(), at(31), other, &every(1800)));
        assert_eq!(two.next_at(false), Some(at(1831)), "the silent one is asked already");
        assert!(two.handle_answer(&Config::default(), at(45), silent, &refused()));
        assert_eq!(two.next_at(false), Some(at(1831)));
    }

    #[test]
    fn a_silent_tracker_does_not_keep_others_from_hearing_that_we_leave() {
        let mut two = trackers(&[&["a"], &["b"]]);
        two.start(at(0));
        ask(&mut two, 0, &refused());
        assert_eq!(ask(&mut two, 0, &every(60)), ("b".into(), Started));
        let (silent, _) = two.poll(at(60), false).expect("the first tier again");
        assert_eq!(two.url(silent), "a");
        two.stop();
        let (told, event) = two.poll(at(61), false).expect("the other one is told");
        assert_eq!((two.url(told), event), ("b", Stopped));
        assert_eq!((two.poll(at(61), false), two.next_at(false)), (None, None));
    }

    #[test]
    fn a_start_ends_the_back_off() {
        let mut one = trackers(&[&["a"]]);
        one.start(at(0));
        for now in [0, 5, 15, 35] {
            ask(&mut one, now, &refused());
        }
        one.stop();
        one.start(at(36));
        ask(&mut one, 36, &refused());
        assert_eq!(one.next_at(false), Some(at(41)), "and begins with the shortest wait again");
    }

    #[test]
    fn a_warning_is_shown_until_the_next_answer() {
        let mut one = trackers(&[&["a"]]);
        one.start(at(0));
        let warning = Some("your client is old".to_owned());
        ask(&mut one, 0, &Ok(AnnounceAnswer { warning, ..AnnounceAnswer::default() }));
        assert_eq!(one.snapshots(false)[0].error.as_deref(), Some("the tracker warns: your client is old"));
        ask(&mut one, 30, &every(60));
        assert_eq!(one.snapshots(false)[0].error, None);
    }

    #[test]
    fn completion_is_told_at_once_and_once() {
        let mut one = trackers(&[&["a"]]);
        one.start(at(0));
        ask(&mut one, 0, &every(1800));
        one.completed(at(10));
        assert_eq!(one.next_at(false).map(|due| due <= at(10)), Some(true));
        assert_eq!(ask(&mut one, 10, &refused()).1, Completed);
        assert_eq!(one.next_at(false), Some(at(15)));
        assert_eq!(ask(&mut one, 15, &every(1800)).1, Completed);
        assert_eq!(ask(&mut one, 1815, &every(1800)).1, Regular);
    }

    #[test]
    fn leaving_is_told_to_who_knows_us_even_if_it_learns_of_us_late() {
        let mut one = trackers(&[&["a", "b"]]);
        one.start(at(0));
        let (key, _) = one.poll(at(0), false).expect("started");
        one.stop();
        assert_eq!(one.poll(at(1), false), None, "the first announce is still under way");
        one.handle_answer(&Config::default(), at(2), key, &every(60));
        assert_eq!(one.poll(at(2), false), Some((key, Stopped)));
        one.handle_answer(&Config::default(), at(3), key, &refused());
        assert_eq!((one.poll(at(4), false), one.next_at(false)), (None, None), "told once");
        one.start(at(5));
        assert_eq!(ask(&mut one, 5, &every(60)).1, Started);
    }

    #[test]
    fn an_answer_that_nobody_waits_for_changes_nothing() {
        let mut one = trackers(&[&["a"]]);
        assert!(!one.handle_answer(&Config::default(), at(0), TrackerKey(0), &every(1)));
        assert!(!one.handle_answer(&Config::default(), at(0), TrackerKey(9), &every(1)));
    }
}
