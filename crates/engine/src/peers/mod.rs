//! Addresses at which peers may be found: when to try which, and which never.

mod bans;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::rng::Rng;
use crate::{Config, Instant, PeerSource};
pub(crate) use bans::Bans;

/// Doublings of the back-off at most: 15 s become an hour.
const DOUBLINGS_MAX: u32 = 8;

#[derive(Clone, Debug)]
struct Known {
    source: PeerSource,
    failures: u32,
    /// Its place in the queue; `None` while it is in use, or if it is of no use.
    due: Option<(Instant, u32)>,
}

/// The known addresses, and a queue of those that wait to be tried.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressBook {
    known: BTreeMap<SocketAddr, Known>,
    /// By time, then at random: peers that come together in one answer are tried in no particular order.
    queue: BTreeSet<(Instant, u32, SocketAddr)>,
}

impl AddressBook {
    /// Remembers an address, to be tried at once. One that is known changes nothing. When the book is full, the one
    /// that has to wait longest makes room, unless none has to wait.
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
        if self.known.len() >= config.known_peers_max {
            match self.queue.last().copied() {
                Some(last) if last.0 > now => {
                    self.queue.remove(&last);
                    self.known.remove(&last.2);
                }
                _ => return,
            }
        }
        self.known.insert(addr, Known { source, failures: 0, due: None });
        self.enqueue(addr, now, rng);
    }

    /// Takes the next address whose time has come.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(SocketAddr, PeerSource)> {
        let first = self.queue.first().copied().filter(|first| first.0 <= now)?;
        self.queue.remove(&first);
        let known = self.known.get_mut(&first.2).expect("invariant: a queued address is known");
        known.due = None;
        Some((first.2, known.source))
    }

    /// When the next address may be tried.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.queue.first().map(|first| first.0)
    }

    /// All addresses, also those in use and those that are of no use, in the order of addresses.
    pub(crate) fn known(&self) -> impl Iterator<Item = (SocketAddr, PeerSource)> + '_ {
        self.known.iter().map(|(&addr, known)| (addr, known.source))
    }

    /// Addresses that wait.
    pub(crate) fn waiting(&self) -> u32 {
        self.queue.len() as u32
    }

    /// Addresses whose time has come; counted up to `max`.
    pub(crate) fn due(&self, now: Instant, max: usize) -> usize {
        self.queue.iter().take_while(|first| first.0 <= now).take(max).count()
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
        let Some(known) = self.known.get_mut(&addr).filter(|known| known.due.is_none()) else { return };
        known.failures = if was_useful { 0 } else { known.failures.saturating_add(1) };
        let doublings = known.failures.saturating_sub(1).min(DOUBLINGS_MAX);
        self.enqueue(addr, now + config.reconnect_delay * (1 << doublings), rng);
    }

    /// We were not able to use it for a reason that is not its own, for instance because we paused.
    pub(crate) fn retry_now(&mut self, now: Instant, addr: SocketAddr, rng: &mut Rng) {
        if self.known.get(&addr).is_some_and(|known| known.due.is_none()) {
            self.enqueue(addr, now, rng);
        }
    }

    /// The address is of no use for as long as this engine lives: it is our own, or a banned one.
    pub(crate) fn never(&mut self, addr: SocketAddr) {
        if let Some(known) = self.known.get_mut(&addr)
            && let Some((at, salt)) = known.due.take()
        {
            self.queue.remove(&(at, salt, addr));
        }
    }

    /// Somebody connected from this address, or a connection to it stands: no need to try it.
    pub(crate) fn in_use(&mut self, addr: SocketAddr) {
        self.never(addr);
    }

    fn enqueue(&mut self, addr: SocketAddr, at: Instant, rng: &mut Rng) {
        let salt = rng.bits();
        if let Some(known) = self.known.get_mut(&addr) {
            known.due = Some((at, salt));
            self.queue.insert((at, salt, addr));
        }
    }

    /// Recomputes the queue and compares.
    pub(crate) fn check(&self, config: &Config) {
        let queued =
            self.known.iter().filter_map(|(&addr, known)| known.due.map(|(at, salt)| (at, salt, addr)));
        assert_eq!(queued.collect::<BTreeSet<_>>(), self.queue, "invariant: who waits is in the queue");
        assert!(self.known.len() <= config.known_peers_max, "invariant: known addresses are bounded");
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
}
