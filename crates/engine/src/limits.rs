//! What a torrent may use: limits of its own, and its share of limits that several torrents have in common.
//!
//! Torrents of one host share a limit without knowing of each other: every half second or so the host collects what
//! each engine used and whether it was held back ([`crate::Engine::demands`]), lets [`share`] divide the common limit,
//! and hands each its part ([`crate::Input::SetShare`]). The smaller of its own limit and its share counts.

use crate::{Config, PeerKey, order};

/// What the user allows one torrent; may change at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Payload bytes a second sent to all peers together; `None`: no limit.
    pub upload_rate_max: Option<u64>,
    /// Payload bytes a second received from all peers together; `None`: no limit.
    pub download_rate_max: Option<u64>,
    /// Connected peers at most. When it falls, those that trade least are closed.
    pub peers_max: usize,
    /// See [`Config::unchoke_slots`].
    pub unchoke_slots: usize,
}

/// A torrent's part of the limits that it shares with others, in bytes a second; `None`: nothing is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Payload bytes a second sent.
    pub upload_rate_max: Option<u64>,
    /// Payload bytes a second received.
    pub download_rate_max: Option<u64>,
}

/// What a torrent did with its share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Bytes a second that it used since it got its share.
    pub used_rate: u64,
    /// It would have used more.
    pub is_held_back: bool,
}

/// What a torrent did with its shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// Sending.
    pub upload: Demand,
    /// Receiving.
    pub download: Demand,
}

/// Beyond what it used, a torrent that was not held back gets so much at least, in bytes a second: enough to begin.
const MARGIN_RATE: u64 = 16_384;

impl Config {
    /// The part of it that may change at run time.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        Limits {
            upload_rate_max: self.upload_rate_max,
            download_rate_max: self.download_rate_max,
            peers_max: self.peers_max,
            unchoke_slots: self.unchoke_slots,
        }
    }

    /// Takes over what may change at run time.
    pub(crate) const fn set_limits(&mut self, limits: &Limits) {
        self.upload_rate_max = limits.upload_rate_max;
        self.download_rate_max = limits.download_rate_max;
        self.peers_max = limits.peers_max;
        self.unchoke_slots = limits.unchoke_slots;
    }
}

/// Divides `rate_max` bytes a second, all of it, in the order of `demands`: whoever was not held back gets what it used
/// and a margin, the others the same each of what is left. What nobody asked for is spread evenly.
#[must_use]
pub fn share(rate_max: u64, demands: &[Demand]) -> Vec<u64> {
    let wants = |demand: &Demand| {
        let more = (demand.used_rate / 4).saturating_add(MARGIN_RATE);
        if demand.is_held_back { u64::MAX } else { demand.used_rate.saturating_add(more) }
    };
    let mut modest_first: Vec<(u64, usize)> =
        demands.iter().enumerate().map(|(at, demand)| (wants(demand), at)).collect();
    order::sort(&mut modest_first);
    let mut shares = vec![0; demands.len()];
    let mut left = rate_max;
    for (nth, (want, at)) in modest_first.iter().enumerate() {
        let fair = left / (modest_first.len() - nth) as u64;
        shares[*at] = fair.min(*want);
        left -= shares[*at];
    }
    for (nth, (_, at)) in modest_first.iter().enumerate() {
        let more = left / (modest_first.len() - nth) as u64;
        shares[*at] += more;
        left -= more;
    }
    shares
}

/// The smaller of two limits.
pub(crate) fn smaller(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    a.into_iter().chain(b).min()
}

/// A connection that may have to go when there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) peer: PeerKey,
    pub(crate) is_joined: bool,
    /// Bytes a second in both directions together.
    pub(crate) trade_rate: u64,
}

/// Connections that go when only `peers_max` may stay: those that do not stand yet, then those that trade least.
pub(crate) fn surplus(peers_max: usize, mut places: Vec<Place>) -> Vec<PeerKey> {
    // Of those that are equal in that, the newer ones, whose keys are mostly higher.
    order::sort_by_key(&mut places, |place| {
        (place.is_joined, place.trade_rate, std::cmp::Reverse(place.peer))
    });
    let beyond = places.len().saturating_sub(peers_max);
    places.into_iter().take(beyond).map(|place| place.peer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Demands as `used`, or `used!` if held back; shares in the same order.
    fn check(rate_max: u64, demands: &str, expected: &[u64]) {
        let demand = |text: &str| {
            let used = text.trim_end_matches('!').parse().unwrap_or(0);
            Demand { used_rate: used, is_held_back: text.ends_with('!') }
        };
        let demands: Vec<Demand> = demands.split_whitespace().map(demand).collect();
        assert_eq!(share(rate_max, &demands), expected, "{rate_max}: {demands:?}");
        if !demands.is_empty() {
            assert_eq!(share(rate_max, &demands).iter().sum::<u64>(), rate_max, "nothing is withheld");
        }
    }

    #[test]
    fn those_held_back_share_what_the_modest_leave() {
        check(1_000_000, "500000! 500000!", &[500_000, 500_000]);
        check(1_000_000, "900000! 10000!", &[500_000, 500_000]);
        check(1_000_000, "0 500000!", &[16_384, 983_616]);
        check(1_000_000, "100000! 80000 9!", &[441_808, 116_384, 441_808]);
    }

    #[test]
    fn nobody_modest_gets_more_than_a_fair_part_when_all_want_more() {
        check(90_000, "80000 80000! 80000!", &[30_000, 30_000, 30_000]);
        check(10, "0 0! 0!", &[3, 3, 4]);
    }

    #[test]
    fn what_nobody_asked_for_is_spread_evenly() {
        check(1_000_000, "0 0", &[500_000, 500_000]);
        check(1_000_000, "", &[]);
        check(0, "5! 5", &[0, 0]);
        check(u64::MAX, "5! 18446744073709551615", &[u64::MAX / 2, u64::MAX / 2 + 1]);
    }

    #[test]
    fn who_trades_least_goes_first_and_who_is_not_there_yet_before() {
        let place = |peer, is_joined, trade_rate| Place { peer: PeerKey(peer), is_joined, trade_rate };
        let places = vec![place(1, true, 9), place(2, true, 0), place(3, false, 0), place(5, true, 0)];
        assert_eq!(surplus(4, places.clone()), []);
        assert_eq!(surplus(2, places.clone()), [PeerKey(3), PeerKey(5)]);
        assert_eq!(surplus(0, places), [PeerKey(3), PeerKey(5), PeerKey(2), PeerKey(1)]);
    }
}
