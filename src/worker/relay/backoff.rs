//! How long to wait before the relay is tried again: doubling, with jitter, so that the tabs of a class that lost
//! one relay do not come back to it in the same instant.

const FIRST_MS: u32 = 500;
const LONGEST_MS: u32 = 30_000;

/// Waits between tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure, in milliseconds: between half and the whole of the doubled step.
    /// `random` is any number.
    pub(crate) fn next_ms(&mut self, random: u32) -> u32 {
        let step = FIRST_MS.saturating_mul(1 << self.failures.min(16)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        step / 2 + random % (step / 2 + 1)
    }

    /// It worked: begin anew.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of the first waits with the least and with the most jitter.
    fn waits(count: u32) -> Vec<(u32, u32)> {
        let after = |failures: u32, random: u32| Backoff { failures }.next_ms(random);
        (0..count)
            .map(|n| (after(n, 0), (0..=LONGEST_MS).map(|random| after(n, random)).max().unwrap_or(0)))
            .collect()
    }

    #[test]
    fn the_wait_doubles_up_to_half_a_minute() {
        assert_eq!(
            waits(8),
            [
                (250, 500),
                (500, 1000),
                (1000, 2000),
                (2000, 4000),
                (4000, 8000),
                (8000, 16_000),
                (15_000, 30_000),
                (15_000, 30_000)
            ]
        );
    }

    #[test]
    fn a_success_begins_anew() {
        let mut backoff = Backoff::default();
        backoff.next_ms(0);
        backoff.next_ms(0);
        backoff.reset();
        assert_eq!(backoff.next_ms(0), 250);
    }

    #[test]
    fn any_number_of_failures_is_fine() {
        assert_eq!(Backoff { failures: u32::MAX }.next_ms(u32::MAX) / 15_000, 1);
    }
}
