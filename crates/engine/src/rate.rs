//! How fast bytes flow: sliding windows for what was, token buckets for what may be. Integers only.

use std::time::Duration;

use crate::{BLOCK_LEN, Instant};

/// Parts of a window; a rate changes in steps of one part.
const SLOTS: usize = 20;

/// Bytes a second over a sliding window, in constant time and space.
#[derive(Clone, Debug)]
pub(crate) struct RateMeter {
    slot_us: u64,
    /// Bytes of each part of the window, as a ring.
    slots: [u64; SLOTS],
    sum_bytes: u64,
    /// Number of the part that is being filled, counted from the origin of time.
    slot_number: u64,
    start: Instant,
}

impl RateMeter {
    /// A meter that has seen nothing before `now`.
    pub(crate) fn new(window: Duration, now: Instant) -> Self {
        let slot_us = (window.as_micros() as u64 / SLOTS as u64).max(1);
        Self { slot_us, slots: [0; SLOTS], sum_bytes: 0, slot_number: now.micros() / slot_us, start: now }
    }

    /// Counts `bytes` that flowed at `now`.
    pub(crate) fn add(&mut self, now: Instant, bytes: u64) {
        self.advance(now);
        self.slots[(self.slot_number % SLOTS as u64) as usize] += bytes;
        self.sum_bytes += bytes;
    }

    /// Bytes a second over the window that ends at `now`.
    ///
    /// A meter younger than its window divides by its age, or a connection would look slow for its first 20 s; but
    /// never by less than one part, or its first bytes would look like a torrent.
    pub(crate) fn per_second(&self, now: Instant) -> u64 {
        let mut fresh = self.clone();
        fresh.advance(now);
        let window_us = self.slot_us * SLOTS as u64;
        let age_us = now.since(self.start).as_micros() as u64;
        fresh.sum_bytes.saturating_mul(1_000_000) / age_us.clamp(self.slot_us, window_us)
    }

    /// Forgets everything: a new period of measuring begins.
    pub(crate) fn restart(&mut self, now: Instant) {
        *self = Self {
            slots: [0; SLOTS],
            sum_bytes: 0,
            slot_number: now.micros() / self.slot_us,
            start: now,
            ..*self
        };
    }

    fn advance(&mut self, now: Instant) {
        let target = now.micros() / self.slot_us;
        let steps = target.saturating_sub(self.slot_number).min(SLOTS as u64);
        for step in 1..=steps {
            let slot = &mut self.slots[((target - steps + step) % SLOTS as u64) as usize];
            self.sum_bytes -= *slot;
            *slot = 0;
        }
        self.slot_number = self.slot_number.max(target);
    }
}

/// A limit in bytes a second, or none. Spending is allowed while the balance is positive and may overdraw it, so that
/// a limit below one block a second still lets blocks through, one at a time.
#[derive(Clone, Debug)]
pub(crate) struct TokenBucket {
    rate_max: Option<u64>,
    /// Millionths of a byte, so that short spans at low rates lose nothing to rounding.
    balance_micro: i128,
    at: Instant,
    /// Counted anew from time to time, for limits that several share.
    spent_bytes: u64,
    has_refused: bool,
}

impl TokenBucket {
    /// A full bucket.
    pub(crate) fn new(rate_max: Option<u64>, now: Instant) -> Self {
        let mut bucket = Self { rate_max, balance_micro: 0, at: now, spent_bytes: 0, has_refused: false };
        bucket.balance_micro = bucket.capacity_micro();
        bucket
    }

    /// There is a limit.
    pub(crate) fn is_limited(&self) -> bool {
        self.rate_max.is_some()
    }

    /// Another limit from now on; what was earned or overdrawn so far stays. Returns whether that changes anything.
    pub(crate) fn set_rate_max(&mut self, now: Instant, rate_max: Option<u64>) -> bool {
        if rate_max == self.rate_max {
            return false;
        }
        self.earn(now);
        let was_limited = self.is_limited();
        self.rate_max = rate_max;
        self.at = self.at.max(now);
        let earned = if was_limited { self.balance_micro } else { i128::MAX };
        self.balance_micro = earned.min(self.capacity_micro());
        true
    }

    /// Whether something may be spent now.
    pub(crate) fn is_open(&mut self, now: Instant) -> bool {
        self.earn(now);
        let is_open = self.rate_max.is_none() || self.balance_micro > 0;
        self.has_refused |= !is_open;
        is_open
    }

    /// As [`Self::is_open`], changing nothing.
    pub(crate) fn would_be_open(&self, now: Instant) -> bool {
        self.rate_max.is_none() || self.balance_at(now) > 0
    }

    /// Adds what was earned up to now.
    pub(crate) fn earn(&mut self, now: Instant) {
        if self.rate_max.is_none() {
            return;
        }
        self.balance_micro = self.balance_at(now);
        self.at = self.at.max(now);
    }

    fn balance_at(&self, now: Instant) -> i128 {
        let earned = i128::from(self.rate_max.unwrap_or(0)) * now.since(self.at).as_micros() as i128;
        (self.balance_micro + earned).min(self.capacity_micro())
    }

    /// How many blocks may be asked for now; the last of them may overdraw.
    pub(crate) fn blocks_open(&mut self, now: Instant) -> usize {
        if self.rate_max.is_none() {
            return usize::MAX;
        }
        if !self.is_open(now) {
            return 0;
        }
        (self.balance_micro / (i128::from(BLOCK_LEN) * 1_000_000)) as usize + 1
    }

    /// How many blocks the limit lets through in this time; at least one.
    pub(crate) fn blocks_in(&self, span: Duration) -> usize {
        let Some(rate) = self.rate_max else { return usize::MAX };
        let bytes = u128::from(rate) * span.as_micros() / 1_000_000;
        usize::try_from(bytes / u128::from(BLOCK_LEN)).unwrap_or(usize::MAX).max(1)
    }

    /// Spends `bytes`.
    pub(crate) fn spend(&mut self, bytes: u64) {
        self.spent_bytes += bytes;
        if self.rate_max.is_some() {
            self.balance_micro -= i128::from(bytes) * 1_000_000;
        }
    }

    /// Takes back what was spent on something that did not happen.
    pub(crate) fn refund(&mut self, bytes: u64) {
        self.spent_bytes = self.spent_bytes.saturating_sub(bytes);
        if self.rate_max.is_some() {
            self.balance_micro =
                (self.balance_micro + i128::from(bytes) * 1_000_000).min(self.capacity_micro());
        }
    }

    /// When it opens again, as of when it last earned; `None`: it was open then, or never opens.
    pub(crate) fn opens_at(&self) -> Option<Instant> {
        let rate = i128::from(self.rate_max?);
        if self.balance_micro > 0 || rate == 0 {
            return None;
        }
        let wait_us = (1 - self.balance_micro + rate - 1) / rate;
        Some(self.at + Duration::from_micros(u64::try_from(wait_us).unwrap_or(u64::MAX)))
    }

    /// Counts anew what is spent and refused.
    pub(crate) fn begin_count(&mut self) {
        self.spent_bytes = 0;
        self.has_refused = false;
    }

    /// Bytes spent since it last began to count.
    pub(crate) fn spent_bytes(&self) -> u64 {
        self.spent_bytes
    }

    /// It was closed to somebody since it last began to count.
    pub(crate) fn has_refused(&self) -> bool {
        self.has_refused
    }

    /// A fifth of a second's worth: long enough for a host's late timer, short enough that no burst is felt.
    fn capacity_micro(&self) -> i128 {
        i128::from(self.rate_max.unwrap_or(0)) * 200_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn a_rate_is_the_mean_of_the_window() {
        let mut meter = RateMeter::new(Duration::from_secs(20), at(0));
        for second in 0..40 {
            meter.add(at(second * 1000), 500);
        }
        assert_eq!(meter.per_second(at(39_000)), 500);
        assert_eq!(meter.per_second(at(49_000)), 250, "half the window is empty");
        assert_eq!(meter.per_second(at(60_000)), 0);
    }

    #[test]
    fn a_young_meter_divides_by_its_age() {
        let mut meter = RateMeter::new(Duration::from_secs(20), at(5000));
        meter.add(at(5000), 4000);
        assert_eq!(meter.per_second(at(5000)), 4000, "by one part at least");
        assert_eq!(meter.per_second(at(9000)), 1000);
        meter.restart(at(9000));
        assert_eq!(meter.per_second(at(9000)), 0);
    }

    #[test]
    fn a_bucket_lets_its_rate_through_and_no_more() {
        let mut bucket = TokenBucket::new(Some(100_000), at(0));
        let mut spent = 0;
        for ms in 0..10_000 {
            while bucket.is_open(at(ms)) {
                bucket.spend(16_384);
                spent += 16_384;
            }
        }
        assert!((1_000_000..=1_000_000 + 20_000 + 16_384).contains(&spent), "{spent}");
    }

    #[test]
    fn a_closed_bucket_says_when_it_opens() {
        let mut bucket = TokenBucket::new(Some(1000), at(0));
        assert!(bucket.is_open(at(0)));
        bucket.spend(16_384);
        assert!(!bucket.is_open(at(1)));
        let opens = bucket.opens_at().expect("it is closed");
        assert!(!bucket.is_open(Instant::from_micros(opens.micros() - 1)));
        assert!(bucket.is_open(opens));
        assert_eq!(bucket.opens_at(), None);
    }

    #[test]
    fn no_limit_is_always_open_and_zero_never() {
        let mut free = TokenBucket::new(None, at(0));
        free.spend(u64::MAX);
        assert!(free.is_open(at(0)));
        let mut shut = TokenBucket::new(Some(0), at(0));
        assert!(!shut.is_open(at(1_000_000)));
        assert_eq!(shut.opens_at(), None);
    }
}
