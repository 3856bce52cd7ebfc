//! The announces of a torrent in each of its swarms: a hybrid has two (BEP 52), each with a schedule of its own, since
//! a tracker may know one and not the other.

use crate::rng::Rng;
use crate::trackers::Trackers;
use crate::{
    AnnounceAnswer, AnnounceEvent, Config, InfoHash, Instant, ScrapeAnswer, TrackerKey, TrackerSnapshot,
};

/// All trackers, once for each swarm.
#[derive(Clone, Debug)]
pub(crate) struct Swarms {
    swarms: Vec<(InfoHash, Trackers)>,
    /// Trackers in each; their keys go on from one swarm to the next.
    trackers_each: u32,
}

/// An announce to make.
pub(crate) struct DueAnnounce<'a> {
    pub(crate) tracker: TrackerKey,
    pub(crate) url: &'a str,
    pub(crate) tracker_id: Option<&'a [u8]>,
    pub(crate) info_hash: InfoHash,
    pub(crate) event: AnnounceEvent,
}

impl Swarms {
    /// The swarms of these names, with trackers in tiers as in the metainfo.
    pub(crate) fn new(
        info_hashes: impl IntoIterator<Item = InfoHash>,
        tiers: &[Vec<String>],
        rng: &mut Rng,
    ) -> Self {
        let swarms = info_hashes.into_iter().map(|info_hash| (info_hash, Trackers::new(tiers, rng)));
        Self { swarms: swarms.collect(), trackers_each: tiers.iter().flatten().count() as u32 }
    }

    /// We take part from now on.
    pub(crate) fn start(&mut self, now: Instant) {
        self.each().for_each(|trackers| trackers.start(now));
    }

    /// We leave.
    pub(crate) fn stop(&mut self) {
        self.each().for_each(Trackers::stop);
    }

    /// The download has just become complete.
    pub(crate) fn completed(&mut self, now: Instant) {
        self.each().for_each(|trackers| trackers.completed(now));
    }

    /// The announce to make now, if any; it is under way from then on.
    pub(crate) fn poll(&mut self, now: Instant, is_hungry: bool) -> Option<DueAnnounce<'_>> {
        let each = self.trackers_each;
        (0..).zip(&mut self.swarms).find_map(|(nth, (info_hash, trackers))| {
            let (tracker, event) = trackers.poll(now, is_hungry)?;
            Some(DueAnnounce {
                tracker: TrackerKey(nth * each + tracker.0),
                url: trackers.url(tracker),
                tracker_id: trackers.tracker_id(tracker),
                info_hash: *info_hash,
                event,
            })
        })
    }

    /// When [`Self::poll`] has something to say next, if nothing else happens.
    pub(crate) fn next_at(&self, is_hungry: bool) -> Option<Instant> {
        self.swarms.iter().filter_map(|(_, trackers)| trackers.next_at(is_hungry)).min()
    }

    /// A tracker answered, or failed to. Returns whether it is the answer that was waited for.
    pub(crate) fn handle_answer(
        &mut self,
        config: &Config,
        now: Instant,
        key: TrackerKey,
        result: &Result<AnnounceAnswer, String>,
    ) -> bool {
        let each = self.trackers_each.max(1);
        let (nth, of_swarm) = (key.0 / each, TrackerKey(key.0 % each));
        let swarm = self.swarms.get_mut(nth as usize);
        swarm.is_some_and(|(_, trackers)| trackers.handle_answer(config, now, of_swarm, result))
    }

    /// The tracker to scrape now, if any, and its address: the first swarm alone is counted.
    pub(crate) fn poll_scrape(&mut self, config: &Config, now: Instant) -> Option<(TrackerKey, &str)> {
        let (_, trackers) = self.swarms.first_mut()?;
        let tracker = trackers.poll_scrape(config, now)?;
        Some((tracker, trackers.url(tracker)))
    }

    /// A tracker has counted the first swarm.
    pub(crate) fn handle_scrape(&mut self, key: TrackerKey, result: &Result<ScrapeAnswer, String>) {
        if let Some((_, trackers)) = self.swarms.first_mut() {
            trackers.handle_scrape(key, result);
        }
    }

    /// The key that this tracker has in the first swarm.
    pub(crate) fn same_everywhere(&self, key: TrackerKey) -> TrackerKey {
        TrackerKey(key.0 % self.trackers_each.max(1))
    }

    /// One entry for each tracker in each swarm, in the order of their keys.
    pub(crate) fn snapshots(&self, is_hungry: bool) -> Vec<TrackerSnapshot> {
        self.swarms.iter().flat_map(|(_, trackers)| trackers.snapshots(is_hungry)).collect()
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Trackers> {
        self.swarms.iter_mut().map(|(_, trackers)| trackers)
    }
}
