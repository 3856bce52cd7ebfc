//! When a seed has given enough.

use std::time::Duration;

/// What the user wants to give before seeding stops; may change at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goals {
    /// Uploaded over downloaded bytes, in thousandths. Content that was there from the start counts as downloaded.
    pub ratio_permille: Option<u32>,
    /// Time as a seed, in all sessions.
    pub seeding_time: Option<Duration>,
}

/// What was traded before this engine, in all sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Payload bytes sent.
    pub uploaded: u64,
    /// Payload bytes received.
    pub downloaded: u64,
    /// Time as a seed.
    pub seeding_time: Duration,
}

/// A goal that was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Goal {
    /// [`Goals::ratio_permille`].
    Ratio,
    /// [`Goals::seeding_time`].
    SeedingTime,
}

impl Goal {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ratio, Self::SeedingTime];

    /// A short stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::SeedingTime => "seeding-time",
        }
    }

    /// One sentence for a person.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Ratio => "Seeding stopped: as much was uploaded for each downloaded byte as you wanted.",
            Self::SeedingTime => "Seeding stopped: it lasted as long as you wanted.",
        }
    }
}

impl Goals {
    /// The goal that a seed which has `content_bytes` has met, if any. `so_far` is what was traded in all sessions.
    #[must_use]
    pub fn met(&self, so_far: &History, content_bytes: u64) -> Option<Goal> {
        let had = u128::from(so_far.downloaded.max(content_bytes));
        let has_ratio =
            |permille: u32| had > 0 && u128::from(so_far.uploaded) * 1000 >= had * u128::from(permille);
        if self.ratio_permille.is_some_and(has_ratio) {
            Some(Goal::Ratio)
        } else if self.seeding_time.is_some_and(|wanted| so_far.seeding_time >= wanted) {
            Some(Goal::SeedingTime)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        ratio_permille: Option<u32>,
        seeding_s: Option<u64>,
        so_far: (u64, u64, u64),
        expected: Option<Goal>,
    ) {
        let goals = Goals { ratio_permille, seeding_time: seeding_s.map(Duration::from_secs) };
        let (uploaded, downloaded, seconds) = so_far;
        let so_far = History { uploaded, downloaded, seeding_time: Duration::from_secs(seconds) };
        assert_eq!(goals.met(&so_far, 1000), expected, "{goals:?} {so_far:?}");
    }

    #[test]
    fn a_ratio_is_over_what_was_downloaded_or_over_the_content() {
        check(Some(1500), None, (1499, 0, 0), None);
        check(Some(1500), None, (1500, 0, 0), Some(Goal::Ratio));
        check(Some(1500), None, (1500, 1200, 0), None);
        check(Some(1500), None, (1800, 1200, 0), Some(Goal::Ratio));
        check(Some(0), None, (0, 0, 0), Some(Goal::Ratio));
        check(Some(u32::MAX), None, (u64::MAX, u64::MAX, 0), None);
    }

    #[test]
    fn a_time_is_that_of_all_sessions_and_the_first_goal_counts() {
        check(None, None, (u64::MAX, 0, u64::MAX), None);
        check(None, Some(60), (0, 0, 59), None);
        check(None, Some(60), (0, 0, 60), Some(Goal::SeedingTime));
        check(Some(9000), Some(60), (0, 0, 60), Some(Goal::SeedingTime));
        check(Some(1000), Some(60), (1000, 0, 0), Some(Goal::Ratio));
    }
}
