//! A token bucket: so much a second, and never more than a second's worth at once.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Shared by all that draw on it.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_s: u64,
    state: Mutex<(Instant, i64)>,
}

impl Bucket {
    /// Full. Zero a second is without limit.
    pub(crate) fn new(per_s: u64) -> Self {
        Self::new_at(Instant::now(), per_s)
    }

    fn new_at(now: Instant, per_s: u64) -> Self {
        let per_s = per_s.min(i64::MAX as u64 / 2);
        Self { per_s, state: Mutex::new((now, per_s as i64)) }
    }

    /// What may be taken now.
    pub(crate) fn available(&self) -> u64 {
        self.available_at(Instant::now())
    }

    fn available_at(&self, now: Instant) -> u64 {
        if self.per_s == 0 {
            return u64::MAX;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.saturating_duration_since(state.0).min(Duration::from_secs(1));
        let gained = (u128::from(self.per_s) * since.as_micros() / 1_000_000) as i64;
        if gained > 0 {
            *state = (now, (state.1.saturating_add(gained)).min(self.per_s as i64));
        }
        state.1.max(0) as u64
    }

    /// Takes; more than is there becomes a debt that later seconds pay.
    pub(crate) fn take(&self, amount: u64) {
        if self.per_s > 0 {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.1 = state.1.saturating_sub_unsigned(amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_brings_back_a_seconds_worth_and_never_more() {
        let start = Instant::now();
        let bucket = Bucket::new_at(start, 100);
        bucket.take(100);
        assert_eq!(bucket.available_at(start), 0);
        assert_eq!(bucket.available_at(start + Duration::from_millis(500)), 50);
        assert_eq!(bucket.available_at(start + Duration::from_secs(60)), 100);
    }

    #[test]
    fn debts_are_paid_first() {
        let start = Instant::now();
        let bucket = Bucket::new_at(start, 100);
        bucket.take(250);
        assert_eq!(bucket.available_at(start + Duration::from_secs(1)), 0);
        assert_eq!(bucket.available_at(start + Duration::from_secs(2)), 50);
    }

    #[test]
    fn zero_is_without_limit() {
        let bucket = Bucket::new(0);
        bucket.take(u64::MAX);
        assert_eq!(bucket.available(), u64::MAX);
    }
}
