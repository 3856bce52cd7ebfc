//! Peer exchange (BEP 11): whom to tell of whom, and how much to listen.

use std::net::SocketAddr;
use std::time::Duration;

use crate::ext::{PexFlags, PexMessage};
use crate::{FlatMap, FlatSet, Instant};

/// At most one message in this time (BEP 11: a minute).
const INTERVAL: Duration = Duration::from_secs(60);
/// When there was nothing to tell, whether there is now is looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// A message sooner after the one before is ignored. Less than a minute, since clocks and networks are not exact.
const HEARD_INTERVAL_MIN: Duration = Duration::from_secs(45);
/// So many ignored messages in a row are a flood.
const IGNORED_MAX: u32 = 10;
/// Addresses in a list of one message at most, but of the first (BEP 11: fifty).
pub(crate) const ENTRIES_MAX: usize = 50;
/// Addresses in the first message at most, in which all present ones may be told: as many as there are places.
pub(crate) const FIRST_ENTRIES_MAX: usize = 200;

/// Addresses of which one peer is told and keeps being told at most; each takes 32 bytes here.
const TOLD_MAX: usize = 500;

/// What was exchanged with one peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    /// Whom we told it of, and did not take back.
    told: FlatSet<SocketAddr>,
    has_told: bool,
    /// When to look for something to tell.
    next_at: Option<Instant>,
    heard_at: Option<Instant>,
    ignored: u32,
}

/// What to do with a message of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// Listen to so many addresses.
    Take {
        /// Addresses at most.
        entries_max: usize,
    },
    /// It comes too soon.
    Ignore,
    /// It was told off by silence often enough.
    Flood {
        /// Ignored messages.
        ignored: u32,
    },
}

impl Exchange {
    /// A peer sent a message.
    pub(crate) fn hear(&mut self, now: Instant) -> Hearing {
        let is_first = self.heard_at.is_none();
        if self.heard_at.is_some_and(|at| now.since(at) < HEARD_INTERVAL_MIN) {
            self.ignored += 1;
            return if self.ignored > IGNORED_MAX {
                Hearing::Flood { ignored: self.ignored }
            } else {
                Hearing::Ignore
            };
        }
        self.ignored = 0;
        self.heard_at = Some(now);
        Hearing::Take { entries_max: if is_first { FIRST_ENTRIES_MAX } else { ENTRIES_MAX } }
    }

    /// Whether it is time to look for something to tell.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.next_at.is_none_or(|at| at <= now)
    }

    /// What to tell the peer at `listener` now, if anything: who came and who left since it was last told.
    pub(crate) fn next_message(
        &mut self,
        now: Instant,
        connected: &FlatMap<SocketAddr, PexFlags>,
        listener: Option<SocketAddr>,
    ) -> Option<PexMessage> {
        let entries_max = if self.has_told { ENTRIES_MAX } else { FIRST_ENTRIES_MAX };
        let message = news(&self.told, connected, listener, entries_max);
        if message == PexMessage::default() {
            self.next_at = Some(now + LOOK_AGAIN);
            return None;
        }
        self.next_at = Some(now + INTERVAL);
        self.has_told = true;
        message.dropped.iter().for_each(|addr| _ = self.told.remove(addr));
        self.told.extend(message.added.iter().map(|(addr, _)| *addr));
        Some(message)
    }

    /// Recomputes nothing, but looks at the bound.
    pub(crate) fn check(&self) {
        assert!(self.told.len() <= TOLD_MAX, "invariant: what a peer was told is bounded");
    }
}

/// Who is connected and was not told of, and who was told of and is not connected.
fn news(
    told: &FlatSet<SocketAddr>,
    connected: &FlatMap<SocketAddr, PexFlags>,
    listener: Option<SocketAddr>,
    entries_max: usize,
) -> PexMessage {
    let gone = told.iter().copied().filter(|addr| !connected.contains_key(addr));
    let dropped: Vec<SocketAddr> = gone.take(ENTRIES_MAX).collect();
    let room = entries_max.min(TOLD_MAX - (told.len() - dropped.len()));
    let is_new = |addr: &SocketAddr| !told.contains(addr) && Some(*addr) != listener;
    let added = connected.iter().filter(|(addr, _)| is_new(addr)).take(room);
    PexMessage { added: added.map(|(addr, flags)| (*addr, *flags)).collect(), dropped }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Instant {
        Instant::from_millis(s * 1000)
    }

    fn addr(letter: char) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, letter as u8], 1))
    }

    /// Tells at `s` who is connected, as letters; gives what is said: `+` came, `-` left; `None`: nothing is sent.
    fn tell(exchange: &mut Exchange, s: u64, connected: &str, listener: char) -> Option<String> {
        if !exchange.is_due(at(s)) {
            return None;
        }
        let connected = connected.chars().map(|letter| (addr(letter), PexFlags::default())).collect();
        let letter = |addr: &SocketAddr| match addr {
            SocketAddr::V4(addr) => char::from(addr.ip().octets()[3]),
            SocketAddr::V6(_) => '?',
        };
        let message = exchange.next_message(at(s), &connected, Some(addr(listener)))?;
        let added: String = message.added.iter().map(|(addr, _)| letter(addr)).collect();
        let dropped: String = message.dropped.iter().map(letter).collect();
        Some(format!("+{added}-{dropped}"))
    }

    #[test]
    fn a_peer_is_told_who_came_and_who_left_and_never_of_itself() {
        let mut with_z = Exchange::default();
        assert_eq!(tell(&mut with_z, 0, "z", 'z'), None);
        assert_eq!(tell(&mut with_z, 5, "abz", 'z').as_deref(), Some("+ab-"));
        assert_eq!(tell(&mut with_z, 65, "bcz", 'z').as_deref(), Some("+c-a"));
        assert_eq!(tell(&mut with_z, 125, "bcz", 'z'), None);
        assert_eq!(tell(&mut with_z, 130, "abz", 'z').as_deref(), Some("+a-c"));
    }

    #[test]
    fn there_is_at_most_one_message_a_minute_and_who_came_and_left_between_is_not_told_of() {
        let mut with_z = Exchange::default();
        assert_eq!(tell(&mut with_z, 0, "a", 'z').as_deref(), Some("+a-"));
        for s in 1..60 {
            assert_eq!(tell(&mut with_z, s, "abc", 'z'), None, "{s}");
        }
        assert_eq!(tell(&mut with_z, 60, "ac", 'z').as_deref(), Some("+c-"));
    }

    /// How many are told of as new and as gone, minute by minute.
    fn counts(steps: &[std::ops::Range<u16>]) -> Vec<(usize, usize)> {
        let mut exchange = Exchange::default();
        let mut told = Vec::new();
        for (minute, ports) in (0..).zip(steps) {
            let addr = |port| SocketAddr::from(([10, 0, 0, 1], port));
            let connected = ports.clone().map(|port| (addr(port), PexFlags::default())).collect();
            let message = exchange.next_message(at(60 * minute), &connected, None).unwrap_or_default();
            told.push((message.added.len(), message.dropped.len()));
            exchange.check();
        }
        told
    }

    #[test]
    fn a_message_has_at_most_fifty_of_each_but_the_first_tells_of_all() {
        assert_eq!(counts(&[1..81, 1..81]), [(80, 0), (0, 0)]);
        assert_eq!(counts(&[1..2, 1..81, 1..81]), [(1, 0), (50, 0), (29, 0)]);
        assert_eq!(counts(&[1..81, 101..181, 101..181, 101..181]), [(80, 0), (50, 50), (30, 30), (0, 0)]);
    }

    #[test]
    fn who_sends_too_often_is_ignored_and_who_goes_on_floods() {
        let mut exchange = Exchange::default();
        assert_eq!(exchange.hear(at(0)), Hearing::Take { entries_max: FIRST_ENTRIES_MAX });
        assert_eq!(exchange.hear(at(44)), Hearing::Ignore);
        assert_eq!(exchange.hear(at(45)), Hearing::Take { entries_max: ENTRIES_MAX });
        for _ in 0..IGNORED_MAX {
            assert_eq!(exchange.hear(at(46)), Hearing::Ignore);
        }
        assert_eq!(exchange.hear(at(46)), Hearing::Flood { ignored: 11 });
    }
}
