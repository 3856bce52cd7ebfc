//! Web seeds: http servers that have the content (BEP 19), or a script in front of it (BEP 17). To the picker each is a
//! peer that has everything and never chokes; it gets nothing from us. The host makes the requests: one at a time for
//! each web seed, each for a run of blocks as long as [`run_blocks`] says.

mod fault;
mod policy;
mod span;
mod url;

use std::collections::VecDeque;

use crate::picker::Outstanding;
use crate::rate::RateMeter;
use crate::{Bitfield, CloseReason, Config, FetchKey, FlatMap, Instant, PeerKey, PieceIndex, WebSeedUrl};
pub use fault::FetchFault;
pub(crate) use policy::{Verdict, run_blocks, verdict};
pub(crate) use span::{Span, next_span};
pub(crate) use url::{host_of, normal_url};

/// The request under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetch {
    pub(crate) key: FetchKey,
    /// Place in the content of the next byte that comes.
    pub(crate) at: u64,
    /// Place in the content of the first byte that was not asked for.
    pub(crate) end: u64,
    /// The file that it reads; `None` where a script maps pieces to files.
    pub(crate) file: Option<usize>,
}

/// One web seed. While it is asked for anything, a request is under way.
#[derive(Clone, Debug)]
pub(crate) struct WebSeed {
    pub(crate) source: WebSeedUrl,
    /// Everything, but for pieces of files that the server turned out not to have.
    pub(crate) has: Bitfield,
    /// The picker knows of it, and whether it counts it as a seed. `None` while paused, and once it is dropped.
    pub(crate) counted_as_seed: Option<bool>,
    /// Why it is used no more.
    pub(crate) dropped: Option<CloseReason>,
    pub(crate) is_on_parole: bool,
    /// The picker had nothing for it at this generation.
    pub(crate) starved_at: Option<u64>,
    /// The piece that it was last asked for.
    pub(crate) current: Option<PieceIndex>,
    /// In the order of the content.
    pub(crate) outstanding: VecDeque<Outstanding>,
    pub(crate) fetch: Option<Fetch>,
    /// Where the last request ended, perhaps in the middle of a block that goes on in another file.
    pub(crate) at: u64,
    /// When a byte last came, or was first waited for.
    pub(crate) progress_at: Instant,
    /// In a row.
    pub(crate) failures: u32,
    pub(crate) fault: Option<FetchFault>,
    /// Not to be asked before.
    pub(crate) retry_at: Option<Instant>,
    pub(crate) since: Instant,
    pub(crate) down_bytes: u64,
    pub(crate) down_rate: RateMeter,
}

impl WebSeed {
    /// It may be asked now, if the picker has something for it.
    fn is_idle(&self, generation: u64) -> bool {
        self.counted_as_seed.is_some()
            && self.fetch.is_none()
            && self.retry_at.is_none()
            && self.starved_at != Some(generation)
    }
}

/// All web seeds of a torrent.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebSeeds {
    seeds: FlatMap<PeerKey, WebSeed>,
    next_fetch: u32,
    /// One would be asked if the download limit allowed it.
    pub(crate) is_limited: bool,
}

impl WebSeeds {
    /// Takes one in, unless it is known or there are enough. Returns whether it was taken.
    pub(crate) fn add(
        &mut self,
        config: &Config,
        now: Instant,
        key: PeerKey,
        source: WebSeedUrl,
        pieces_total: u32,
    ) -> bool {
        let is_known = self.seeds.values().any(|seed| seed.source == source);
        if is_known || self.seeds.len() >= config.web_seeds.count_max {
            return false;
        }
        let seed = WebSeed {
            source,
            has: Bitfield::all(pieces_total),
            counted_as_seed: None,
            dropped: None,
            is_on_parole: false,
            starved_at: None,
            current: None,
            outstanding: VecDeque::new(),
            fetch: None,
            at: 0,
            progress_at: now,
            failures: 0,
            fault: None,
            retry_at: None,
            since: now,
            down_bytes: 0,
            down_rate: RateMeter::new(config.rate_window, now),
        };
        self.seeds.insert(key, seed);
        true
    }

    pub(crate) fn get(&self, key: PeerKey) -> Option<&WebSeed> {
        self.seeds.get(&key)
    }

    pub(crate) fn get_mut(&mut self, key: PeerKey) -> Option<&mut WebSeed> {
        self.seeds.get_mut(&key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PeerKey, &WebSeed)> + Clone {
        self.seeds.iter().map(|(&key, seed)| (key, seed))
    }

    pub(crate) fn keys(&self) -> Vec<PeerKey> {
        self.seeds.keys().copied().collect()
    }

    /// Those that are known to the picker.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (PeerKey, &WebSeed)> + Clone {
        self.iter().filter(|(_, seed)| seed.counted_as_seed.is_some())
    }

    /// The web seed that this request is made to; `None` if the request is over.
    pub(crate) fn fetching(&self, fetch: FetchKey) -> Option<PeerKey> {
        let is_it = |seed: &WebSeed| seed.fetch.is_some_and(|under_way| under_way.key == fetch);
        self.iter().find(|(_, seed)| is_it(seed)).map(|(key, _)| key)
    }

    /// Requests under way.
    pub(crate) fn fetches(&self) -> usize {
        self.seeds.values().filter(|seed| seed.fetch.is_some()).count()
    }

    /// A number for a request, never used before.
    pub(crate) fn next_fetch(&mut self) -> FetchKey {
        let key = FetchKey(self.next_fetch);
        self.next_fetch = self.next_fetch.wrapping_add(1);
        key
    }

    /// Those whose wait is over may be asked again.
    pub(crate) fn end_waits(&mut self, now: Instant) {
        for seed in self.seeds.values_mut() {
            seed.retry_at = seed.retry_at.filter(|&at| at > now);
        }
    }

    /// The first behind `after` that may be asked now.
    pub(crate) fn next_idle(&self, after: Option<PeerKey>, generation: u64) -> Option<PeerKey> {
        let mut behind = self.iter().filter(|(key, _)| after.is_none_or(|after| *key > after));
        behind.find(|(_, seed)| seed.is_idle(generation)).map(|(key, _)| key)
    }

    /// The first whose request has been silent for too long.
    pub(crate) fn next_silent(&self, config: &Config, now: Instant) -> Option<PeerKey> {
        let is_silent =
            |seed: &WebSeed| seed.fetch.is_some() && silent_at(config, seed).is_some_and(|at| at <= now);
        self.iter().find(|(_, seed)| is_silent(seed)).map(|(key, _)| key)
    }

    /// When something is due by time alone.
    pub(crate) fn next_due(&self, config: &Config) -> Option<Instant> {
        let due = |(_, seed): (PeerKey, &WebSeed)| match seed.fetch {
            Some(_) => silent_at(config, seed),
            None => seed.retry_at,
        };
        self.counted().filter_map(due).min()
    }

    /// Recomputes what is kept up to date step by step, and compares.
    pub(crate) fn check(&self, config: &Config, is_running: bool, limit: impl Fn(PieceIndex) -> u64) {
        assert!(self.seeds.len() <= config.web_seeds.count_max, "invariant: web_seeds.count_max");
        assert!(self.fetches() <= config.web_seeds.fetches_max, "invariant: web_seeds.fetches_max");
        for seed in self.seeds.values() {
            assert_eq!(
                seed.counted_as_seed.is_some(),
                is_running && seed.dropped.is_none(),
                "invariant: the picker knows the web seeds that are in use"
            );
            assert_eq!(
                seed.fetch.is_some(),
                !seed.outstanding.is_empty(),
                "invariant: a web seed is counted on while a request to it is under way"
            );
            assert!(
                seed.fetch.is_none_or(|fetch| fetch.at < fetch.end),
                "invariant: a request waits for bytes"
            );
            assert!(
                seed.outstanding.len() <= config.web_seeds.run_blocks_max as usize,
                "invariant: run_blocks_max"
            );
            let places = seed
                .outstanding
                .iter()
                .map(|request| limit(request.block.piece) + u64::from(request.block.begin));
            assert!(places.is_sorted(), "invariant: a web seed is asked in the order of the content");
        }
    }
}

fn silent_at(config: &Config, seed: &WebSeed) -> Option<Instant> {
    seed.fetch.map(|_| seed.progress_at + config.web_seeds.silence_max)
}
