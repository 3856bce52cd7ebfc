//! The known addresses: when to try which, and which never.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::OwnAddress;
use super::connect::{Candidate, Rank, rank};
use crate::rng::Rng;
use crate::{Config, Instant, PeerSource};

/// Doublings of the back-off at most: 15 s become an hour.
const DOUBLINGS_MAX: u32 = 8;

#[derive(Clone, Debug)]
struct Known {
    source: PeerSource,
    failures: u32,
    /// Drawn at each queueing: addresses between which nothing else decides are tried in no particular order.
    salt: u32,
    place: Place,
}

/// Where an address stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In use, or of no use.
    Out,
    /// To be tried at this time.
    Waiting(Instant),
    /// To be tried now.
    Ready(Rank),
}

/// The known addresses, and queues of those that are to be tried.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressBook {
    known: BTreeMap<SocketAddr, Known>,
    /// By time.
    waiting: BTreeSet<(Instant, SocketAddr)>,
    /// Those whose time has come, in the order of the connect policy.
    ready: BTreeSet<(Rank, SocketAddr)>,
    own: OwnAddress,
}

impl AddressBook {
    /// Remembers an address, to be tried at once. One that is known changes nothing. When the book is full, the one
    /// that has to wait longest makes room; if none has to wait, the last in line, unless it goes before the new one.
    pub(crate) fn add(
        &mut self,
        config: &Config,
        now: Instant,
        source: PeerSource,
        addr: SocketAddr,
        rng: &mut Rng,
    ) {
        if addr.port() == 0 || addr.ip().is_unspecified() || addr.ip().is_multicast() {
            return;
        }
        if self.known.contains_key(&addr) {
            return;
        }
        self.ripen(now);
        let salt = rng.bits();
        if self.known.len() >= config.known_peers_max
            && !self.make_room(&Candidate { addr, source, failures: 0, salt })
        {
            return;
        }
        self.known.insert(addr, Known { source, failures: 0, salt, place: Place::Out });
        self.put(addr, Place::Waiting(now));
    }

    /// Remembers the address of a peer that is connected already, to be tried when it is gone.
    pub(crate) fn add_in_use(&mut self, config: &Config, source: PeerSource, addr: SocketAddr) {
        self.in_use(addr);
        if self.known.len() < config.known_peers_max && addr.port() != 0 {
            let known = Known { source, failures: 0, salt: 0, place: Place::Out };
            self.known.entry(addr).or_insert(known);
        }
    }

    /// Takes the next address whose time has come.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(SocketAddr, PeerSource)> {
        self.ripen(now);
        let (_, addr) = self.ready.first().copied()?;
        self.put(addr, Place::Out);
        self.known.get(&addr).map(|known| (addr, known.source))
    }

    /// When the next address may be tried.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        if self.ready.is_empty() { self.waiting.first().map(|first| first.0) } else { Some(Instant::ZERO) }
    }

    /// All addresses, also those in use and those that are of no use, in the order of addresses.
    pub(crate) fn known(&self) -> impl Iterator<Item = (SocketAddr, PeerSource)> + '_ {
        self.known.iter().map(|(&addr, known)| (addr, known.source))
    }

    /// Addresses that wait.
    pub(crate) fn waiting(&self) -> u32 {
        (self.waiting.len() + self.ready.len()) as u32
    }

    /// Addresses whose time has come; counted up to `max`.
    pub(crate) fn due(&self, now: Instant, max: usize) -> usize {
        let ripe = self.waiting.iter().take_while(|first| first.0 <= now).take(max).count();
        (ripe + self.ready.len()).min(max)
    }

    /// Our own address as far as it is known; see [`Self::update_own`].
    pub(crate) fn own(&self) -> &OwnAddress {
        &self.own
    }

    /// Changes what is known of our own address by `update`, which says whether anything changed: that changes the
    /// order.
    pub(crate) fn update_own(&mut self, update: impl FnOnce(&mut OwnAddress) -> bool) {
        if !update(&mut self.own) {
            return;
        }
        for (_, addr) in std::mem::take(&mut self.ready) {
            let own = &self.own;
            if let Some(known) = self.known.get_mut(&addr) {
                let rank = known.rank(own, addr);
                known.place = Place::Ready(rank);
                self.ready.insert((rank, addr));
            }
        }
    }

    /// Forgets all addresses.
    pub(crate) fn forget_all(&mut self) {
        self.known.clear();
        self.waiting.clear();
        self.ready.clear();
    }

    /// The connection is gone. `was_useful`: payload went over it, so the address is worth trying again soon;
    /// otherwise each failure doubles the wait.
    pub(crate) fn retry_later(
        &mut self,
        config: &Config,
        now: Instant,
        addr: SocketAddr,
        was_useful: bool,
        rng: &mut Rng,
    ) {
        let Some(known) = self.known.get_mut(&addr).filter(|known| known.place == Place::Out) else { return };
        known.failures = if was_useful { 0 } else { known.failures.saturating_add(1) };
        let doublings = known.failures.saturating_sub(1).min(DOUBLINGS_MAX);
        self.enqueue(addr, now + config.reconnect_delay * (1 << doublings), rng);
    }

    /// We were not able to use it for a reason that is not its own, for instance because we paused.
    pub(crate) fn retry_now(&mut self, now: Instant, addr: SocketAddr, rng: &mut Rng) {
        if self.known.get(&addr).is_some_and(|known| known.place == Place::Out) {
            self.enqueue(addr, now, rng);
        }
    }

    /// The address is of no use for as long as this engine lives, or until [`Self::retry_host`]: it is our own, or a
    /// banned one.
    pub(crate) fn never(&mut self, addr: SocketAddr) {
        self.put(addr, Place::Out);
    }

    /// Somebody connected from this address, or a connection to it stands: no need to try it.
    pub(crate) fn in_use(&mut self, addr: SocketAddr) {
        self.put(addr, Place::Out);
    }

    /// All addresses of this host may be tried again.
    pub(crate) fn retry_host(&mut self, now: Instant, ip: IpAddr, rng: &mut Rng) {
        let of_host = self.known.keys().filter(|addr| addr.ip().to_canonical() == ip.to_canonical());
        let addrs: Vec<SocketAddr> = of_host.copied().collect();
        addrs.into_iter().for_each(|addr| self.retry_now(now, addr, rng));
    }

    /// All addresses that have to wait may be tried at once.
    pub(crate) fn retry_all(&mut self, now: Instant, rng: &mut Rng) {
        let addrs: Vec<SocketAddr> = self.waiting.iter().map(|(_, addr)| *addr).collect();
        addrs.into_iter().for_each(|addr| self.enqueue(addr, now, rng));
    }

    fn enqueue(&mut self, addr: SocketAddr, at: Instant, rng: &mut Rng) {
        if let Some(known) = self.known.get_mut(&addr) {
            known.salt = rng.bits();
            self.put(addr, Place::Waiting(at));
        }
    }

    /// Those whose time has come get in line.
    fn ripen(&mut self, now: Instant) {
        while let Some((_, addr)) = self.waiting.first().copied().filter(|first| first.0 <= now) {
            let rank = self.known.get(&addr).map(|known| known.rank(&self.own, addr));
            self.put(addr, Place::Ready(rank.expect("invariant: who waits is known")));
        }
    }

    fn make_room(&mut self, newcomer: &Candidate) -> bool {
        // After `ripen` all who wait have to.
        let waits = self.waiting.last().map(|last| last.1);
        let goes_behind = |last: &&(Rank, SocketAddr)| last.0 > rank(&self.own, newcomer);
        let Some(addr) = waits.or_else(|| self.ready.last().filter(goes_behind).map(|last| last.1)) else {
            return false;
        };
        self.put(addr, Place::Out);
        self.known.remove(&addr);
        true
    }

    /// Moves a known address from where it stands to another place.
    fn put(&mut self, addr: SocketAddr, place: Place) {
        let Some(known) = self.known.get_mut(&addr) else { return };
        match std::mem::replace(&mut known.place, place) {
            Place::Out => {}
            Place::Waiting(at) => _ = self.waiting.remove(&(at, addr)),
            Place::Ready(rank) => _ = self.ready.remove(&(rank, addr)),
        }
        match place {
            Place::Out => {}
            Place::Waiting(at) => _ = self.waiting.insert((at, addr)),
            Place::Ready(rank) => _ = self.ready.insert((rank, addr)),
        }
    }

    /// Recomputes the queues and compares.
    pub(crate) fn check(&self, config: &Config) {
        let (mut waiting, mut ready) = (BTreeSet::new(), BTreeSet::new());
        for (&addr, known) in &self.known {
            match known.place {
                Place::Out => {}
                Place::Waiting(at) => _ = waiting.insert((at, addr)),
                Place::Ready(_) => _ = ready.insert((known.rank(&self.own, addr), addr)),
            }
        }
        assert_eq!(waiting, self.waiting, "invariant: who waits is in the queue");
        assert_eq!(ready, self.ready, "invariant: who is to be tried is in line, in the order of the policy");
        assert!(self.known.len() <= config.known_peers_max, "invariant: known addresses are bounded");
        self.own.check();
    }
}

impl Known {
    fn rank(&self, own: &OwnAddress, addr: SocketAddr) -> Rank {
        rank(own, &Candidate { addr, source: self.source, failures: self.failures, salt: self.salt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 6881))
    }

    fn at(s: u64) -> Instant {
        Instant::from_millis(s * 1000)
    }

    #[test]
    fn a_failing_address_waits_twice_as_long_each_time_up_to_a_bound() {
        let (config, mut rng, mut book) = (Config::default(), Rng::new(1), AddressBook::default());
        book.add(&config, at(0), PeerSource::Tracker, addr(1), &mut rng);
        let mut now = at(0);
        let mut waits = Vec::new();
        for _ in 0..12 {
            assert_eq!(book.take_due(now), Some((addr(1), PeerSource::Tracker)));
            book.retry_later(&config, now, addr(1), false, &mut rng);
            let due = book.next_due().expect("it waits");
            waits.push(due.since(now).as_secs());
            assert_eq!(book.take_due(Instant::from_micros(due.micros() - 1)), None);
            now = due;
            book.check(&config);
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 960, 1920, 3840, 3840, 3840, 3840]);
    }

    #[test]
    fn an_address_in_use_or_known_is_not_queued_again() {
        let (config, mut rng, mut book) = (Config::default(), Rng::new(1), AddressBook::default());
        for _ in 0..2 {
            book.add(&config, at(0), PeerSource::User, addr(1), &mut rng);
        }
        assert_eq!(book.waiting(), 1);
        assert!(book.take_due(at(0)).is_some());
        book.add(&config, at(1), PeerSource::Tracker, addr(1), &mut rng);
        assert_eq!(book.waiting(), 0);
        book.never(addr(1));
        assert_eq!(book.next_due(), None);
    }

    #[test]
    fn a_full_book_gives_up_who_has_to_wait_and_nobody_else() {
        let config = Config { known_peers_max: 2, ..Config::default() };
        let (mut rng, mut book) = (Rng::new(1), AddressBook::default());
        for last in [1, 2, 3] {
            book.add(&config, at(0), PeerSource::Tracker, addr(last), &mut rng);
        }
        assert_eq!(book.waiting(), 2);
        let (failed, _) = book.take_due(at(0)).expect("two wait");
        book.retry_later(&config, at(0), failed, false, &mut rng);
        book.add(&config, at(0), PeerSource::Tracker, addr(4), &mut rng);
        book.check(&config);
        let left: Vec<_> = std::iter::from_fn(|| book.take_due(at(100))).map(|(addr, _)| addr).collect();
        assert!(left.contains(&addr(4)) && !left.contains(&failed), "{left:?}");
    }

    #[test]
    fn addresses_that_cannot_be_reached_are_not_kept() {
        let (config, mut rng, mut book) = (Config::default(), Rng::new(1), AddressBook::default());
        for unfit in ["10.0.0.1:0", "0.0.0.0:80", "224.0.0.1:80", "[::]:80", "[ff02::1]:80"] {
            let unfit = unfit.parse().expect("an address");
            book.add(&config, at(0), PeerSource::Tracker, unfit, &mut rng);
        }
        assert_eq!(book.waiting(), 0);
    }

    #[test]
    fn a_full_book_takes_a_better_source_in_place_of_a_worse() {
        let config = Config { known_peers_max: 2, ..Config::default() };
        let (mut rng, mut book) = (Rng::new(1), AddressBook::default());
        for (source, last) in [
            (PeerSource::Dht, 1),
            (PeerSource::Pex, 2),
            (PeerSource::Tracker, 3),
            (PeerSource::Dht, 4),
            (PeerSource::User, 5),
        ] {
            book.add(&config, at(0), source, addr(last), &mut rng);
            book.check(&config);
        }
        let left: Vec<_> = std::iter::from_fn(|| book.take_due(at(0))).collect();
        assert_eq!(left, [(addr(5), PeerSource::User), (addr(3), PeerSource::Tracker)]);
    }

    #[test]
    fn our_own_address_puts_those_in_line_into_the_order_of_their_priorities() {
        let (config, mut rng, mut book) = (Config::default(), Rng::new(1), AddressBook::default());
        let found: Vec<SocketAddr> = (1..40).map(addr).collect();
        found.iter().for_each(|&addr| book.add(&config, at(0), PeerSource::Tracker, addr, &mut rng));
        let first = book.take_due(at(0)).map(|(addr, _)| addr);
        let ours = SocketAddr::from(([10, 0, 0, 77], 0));
        book.update_own(|own| own.vote(crate::peers::Voter::Tracker(crate::TrackerKey(0)), ours.ip()));
        book.check(&config);
        let mut expected: Vec<SocketAddr> = found.into_iter().filter(|addr| Some(*addr) != first).collect();
        expected.sort_by_key(|&addr| std::cmp::Reverse(crate::peers::priority(ours, addr)));
        let line: Vec<_> = std::iter::from_fn(|| book.take_due(at(0))).map(|(addr, _)| addr).collect();
        assert_eq!(line, expected);
    }

    #[test]
    fn a_host_that_is_forgiven_is_tried_again_at_all_its_addresses() {
        let (config, mut rng, mut book) = (Config::default(), Rng::new(1), AddressBook::default());
        book.add(&config, at(0), PeerSource::Tracker, addr(1), &mut rng);
        book.never(addr(1));
        assert_eq!(book.waiting(), 0);
        book.retry_host(at(0), addr(1).ip(), &mut rng);
        assert_eq!(book.take_due(at(0)), Some((addr(1), PeerSource::Tracker)));
    }

    #[test]
    fn what_is_forgotten_may_be_found_again() {
        let (config, mut rng, mut book) = (Config::default(), Rng::new(1), AddressBook::default());
        for last in [1, 2, 3] {
            book.add(&config, at(0), PeerSource::Tracker, addr(last), &mut rng);
        }
        book.take_due(at(0)).expect("three wait");
        book.forget_all();
        book.check(&config);
        assert_eq!((book.waiting(), book.next_due()), (0, None));
        book.add(&config, at(0), PeerSource::Tracker, addr(1), &mut rng);
        assert_eq!(book.waiting(), 1);
    }
}
