//! Requests to the relay that wait for an answer.

use engine::{FlatMap, TrackerKey};

use crate::envelope::TabNumber;

/// Largest .torrent file that is fetched, in bytes; the relay has the same bound.
const FETCH_LEN_MAX: usize = engine::METAINFO_LEN_MAX;

/// An announce or a scrape under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announcing {
    /// The torrent's number.
    pub(crate) torrent: u32,
    /// The engine that asked; another one may have taken its place.
    pub(crate) epoch: u32,
    /// Which of its trackers.
    pub(crate) tracker: TrackerKey,
}

/// A .torrent file under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetching {
    /// The tab that wants it.
    pub(crate) tab: TabNumber,
    /// That tab's number for its request.
    pub(crate) request: u32,
    /// Address.
    pub(crate) link: String,
    /// What came so far.
    pub(crate) bytes: Vec<u8>,
}

/// All requests under way.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    next: u32,
    announces: FlatMap<u32, Announcing>,
    /// Nobody waits for these: what is lost is asked again with a later announce.
    scrapes: FlatMap<u32, Announcing>,
    fetches: FlatMap<u32, Fetching>,
}

impl Requests {
    /// Notes an announce. Returns its number.
    pub(crate) fn announce(&mut self, announcing: Announcing) -> u32 {
        let number = self.number();
        self.announces.insert(number, announcing);
        number
    }

    /// The announce with this number is answered.
    pub(crate) fn announced(&mut self, number: u32) -> Option<Announcing> {
        self.announces.remove(&number)
    }

    /// Notes a scrape. Returns its number.
    pub(crate) fn scrape(&mut self, announcing: Announcing) -> u32 {
        let number = self.number();
        self.scrapes.insert(number, announcing);
        number
    }

    /// The scrape with this number is answered.
    pub(crate) fn scraped(&mut self, number: u32) -> Option<Announcing> {
        self.scrapes.remove(&number)
    }

    /// Notes a fetch. Returns its number.
    pub(crate) fn fetch(&mut self, fetching: Fetching) -> u32 {
        let number = self.number();
        self.fetches.insert(number, fetching);
        number
    }

    /// Part of a file came. What exceeds the bound is dropped, and the file then fails to parse.
    pub(crate) fn fetch_data(&mut self, number: u32, bytes: &[u8]) {
        if let Some(fetching) = self.fetches.get_mut(&number)
            && fetching.bytes.len() + bytes.len() <= FETCH_LEN_MAX
        {
            fetching.bytes.extend_from_slice(bytes);
        }
    }

    /// The fetch with this number is over.
    pub(crate) fn fetched(&mut self, number: u32) -> Option<Fetching> {
        self.fetches.remove(&number)
    }

    /// The session is gone: nothing will be answered.
    pub(crate) fn clear(&mut self) -> (Vec<Announcing>, Vec<Fetching>) {
        self.scrapes.clear();
        let announces = std::mem::take(&mut self.announces).into_values().collect();
        let fetches = std::mem::take(&mut self.fetches).into_values().collect();
        (announces, fetches)
    }

    fn number(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1).max(1);
        self.next
    }
}
