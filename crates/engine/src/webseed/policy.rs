//! How much to ask of a web seed at once, and what to do when it fails. Where a run begins and how far it may go is
//! the picker's policy: see [`crate::picker::Picker::pick_run`].

use std::time::Duration;

use super::FetchFault;
use crate::config::WebSeedConfig;
use crate::{BLOCK_LEN, Config, WebSeedKind};

/// Doublings of the wait at most, before its own bound cuts it.
const DOUBLINGS_MAX: u32 = 16;

/// How many blocks to ask for in one request: what the web seed sends in `run_time`, so that a fast one is seldom
/// asked and a slow one does not keep much from others.
pub(crate) fn run_blocks(config: &WebSeedConfig, down_rate: u64) -> u32 {
    let bytes = u128::from(down_rate) * config.run_time.as_millis() / 1000;
    let blocks = u32::try_from(bytes / u128::from(BLOCK_LEN)).unwrap_or(u32::MAX);
    blocks.clamp(config.run_blocks_min, config.run_blocks_max)
}

/// What becomes of a web seed that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is asked again, not before this wait is over.
    Retry(Duration),
    /// It does not have this file; it may have others.
    LoseFile,
    /// It is of no use.
    Drop,
}

/// Judges a web seed after `failures` in a row, this one included. Being busy is no fault (BEP 19); one that says how
/// long it will be is taken at its word (BEP 17); else each failure doubles the wait.
pub(crate) fn verdict(config: &Config, kind: WebSeedKind, fault: FetchFault, failures: u32) -> Verdict {
    let config = &config.web_seeds;
    let doubled = || {
        let factor = 1 << failures.saturating_sub(1).min(DOUBLINGS_MAX);
        Verdict::Retry((config.retry * factor).min(config.retry_max))
    };
    match fault {
        FetchFault::NotAllowed | FetchFault::NoRanges | FetchFault::WrongRange { .. } => Verdict::Drop,
        // Absent, gone, and shorter than the torrent says.
        FetchFault::Status { code: 404 | 410 | 416, .. } if kind == WebSeedKind::Files => Verdict::LoseFile,
        FetchFault::Status { retry_after_s: Some(seconds), .. } => {
            let wait = Duration::from_secs(u64::from(seconds));
            Verdict::Retry(wait.clamp(config.retry_min, config.retry_max))
        }
        FetchFault::Busy => Verdict::Retry(config.retry_min),
        FetchFault::Unreachable
        | FetchFault::Status { .. }
        | FetchFault::WebPage
        | FetchFault::Cut { .. }
        | FetchFault::Moved { .. }
        | FetchFault::TimedOut { .. } => doubled(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_lasts_as_long_as_it_should_within_its_bounds() {
        let config = WebSeedConfig::default();
        let mebibyte = 1 << 20;
        assert_eq!(run_blocks(&config, 0), config.run_blocks_min);
        assert_eq!(run_blocks(&config, mebibyte), (config.run_time.as_secs() * mebibyte / 16_384) as u32);
        assert_eq!(run_blocks(&config, u64::MAX), config.run_blocks_max);
    }

    #[test]
    fn each_failure_doubles_the_wait_up_to_its_bound() {
        let config = Config::default();
        let fault = FetchFault::Status { code: 500, retry_after_s: None };
        let wait = |failures| match verdict(&config, WebSeedKind::Files, fault, failures) {
            Verdict::Retry(wait) => wait.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!([1, 2, 3, 4].map(wait), [30, 60, 120, 240]);
        assert_eq!(wait(u32::MAX), config.web_seeds.retry_max.as_secs());
    }

    #[test]
    fn a_web_seed_that_names_a_time_is_taken_at_its_word_within_reason() {
        let config = Config::default();
        let wait = |seconds| {
            let fault = FetchFault::Status { code: 503, retry_after_s: Some(seconds) };
            verdict(&config, WebSeedKind::Pieces, fault, 9)
        };
        assert_eq!(wait(77), Verdict::Retry(Duration::from_secs(77)));
        assert_eq!(wait(0), Verdict::Retry(config.web_seeds.retry_min));
        assert_eq!(wait(u32::MAX), Verdict::Retry(config.web_seeds.retry_max));
    }

    #[test]
    fn what_cannot_get_better_is_dropped_and_a_missing_file_is_no_missing_seed() {
        let config = Config::default();
        let judge = |fault| verdict(&config, WebSeedKind::Files, fault, 1);
        assert_eq!(judge(FetchFault::NoRanges), Verdict::Drop);
        assert_eq!(judge(FetchFault::NotAllowed), Verdict::Drop);
        assert_eq!(judge(FetchFault::WrongRange { start: 0, len: 1 }), Verdict::Drop);
        for code in [404, 410, 416] {
            assert_eq!(judge(FetchFault::Status { code, retry_after_s: None }), Verdict::LoseFile);
        }
    }
}
