//! How many requests to keep outstanding with one peer, and when it counts as stalled.
//!
//! The pipeline must hold what flows in one round trip, plus a margin that keeps the peer busy while our next requests
//! travel: `depth = rate x (delay + request_queue_time)`. Both factors are measured, and the delay must be the *path's*
//! delay: a round trip through a full pipeline also holds the time our own requests wait at the peer, and feeding that
//! back would deepen the pipeline for ever. So the delay is the shortest round trip of this connection.
//!
//! Depth grows by one with each block and falls at once. While the pipeline itself limits the rate, the formula always
//! asks for more than there is (`rate = depth / delay`, so `depth x (1 + queue_time / delay)`), and one more for each
//! block doubles the depth every round trip: slow start without a mode of its own.

use std::time::Duration;

use crate::rate::RateMeter;
use crate::{BLOCK_LEN, Config, Instant};

/// Long enough to smooth the gaps between reads, short enough to follow a peer that speeds up.
const RATE_WINDOW: Duration = Duration::from_secs(2);
/// A stall is never assumed sooner: radio links and busy disks pause for seconds.
const STALL_MIN: Duration = Duration::from_secs(5);
/// Before the first block there is no measurement; a peer that has just unchoked us answers well within this.
const STALL_FIRST: Duration = Duration::from_secs(10);

/// What is known about one peer's answers.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    depth: u32,
    /// As the peer said (BEP 10, `reqq`), or what is assumed.
    depth_max: u32,
    rate: RateMeter,
    /// What it was at the last block, in bytes a second.
    last_rate: u64,
    /// Shortest round trip from request to whole block.
    delay: Option<Duration>,
    /// Smoothed round trip, waiting at the peer included.
    round_trip: Option<Duration>,
}

impl Pipeline {
    /// A pipeline without measurements.
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        Self {
            depth: config.requests_per_peer_min,
            depth_max: config.requests_per_peer_max,
            rate: RateMeter::new(RATE_WINDOW, now),
            last_rate: 0,
            delay: None,
            round_trip: None,
        }
    }

    /// Requests to keep outstanding.
    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    /// The peer lets no more than this wait.
    pub(crate) fn set_depth_max(&mut self, depth_max: u32) {
        self.depth_max = depth_max;
        self.depth = self.depth.min(depth_max);
    }

    /// Bytes a second at the last block; zero before the first.
    pub(crate) fn rate(&self) -> u64 {
        self.last_rate
    }

    /// The peer has just begun to serve us: what was measured before was a choked or idle connection.
    pub(crate) fn handle_unchoked(&mut self, config: &Config, now: Instant) {
        self.rate.restart(now);
        self.depth = config.requests_per_peer_min.min(self.depth_max);
    }

    /// Requests go out on an empty pipeline: the idle time before it says nothing about the peer.
    pub(crate) fn handle_refilled_from_empty(&mut self, now: Instant) {
        if self.rate.per_second(now) == 0 {
            self.rate.restart(now);
        }
    }

    /// The peer stalls: when it goes on it begins with one block.
    pub(crate) fn handle_stalled(&mut self) {
        self.depth = 1;
    }

    /// Payload came in.
    pub(crate) fn handle_payload(&mut self, now: Instant, bytes: u64) {
        self.rate.add(now, bytes);
    }

    /// A whole block came in, `round_trip` after its request.
    pub(crate) fn handle_block(&mut self, config: &Config, now: Instant, round_trip: Duration) {
        self.delay = Some(self.delay.map_or(round_trip, |delay| delay.min(round_trip)));
        self.round_trip = Some(self.round_trip.map_or(round_trip, |mean| (mean * 7 + round_trip) / 8));
        self.last_rate = self.rate.per_second(now);
        let target = self.target(config);
        self.depth = (self.depth + 1).min(target);
    }

    /// An unchoked peer with requests outstanding that sends nothing for so long is stalled: its blocks may be asked
    /// of others. Twice its usual round trip, within bounds; a slow peer that keeps sending never reaches it.
    pub(crate) fn stall_after(&self, config: &Config) -> Duration {
        let most = (config.snubbed_after / 2).max(STALL_MIN);
        self.round_trip.map_or(STALL_FIRST, |mean| mean * 2).clamp(STALL_MIN, most)
    }

    fn target(&self, config: &Config) -> u32 {
        let span = self.delay.unwrap_or_default() + config.request_queue_time;
        let bytes = u128::from(self.last_rate) * span.as_micros() / 1_000_000;
        let blocks = u32::try_from(bytes.div_ceil(u128::from(BLOCK_LEN))).unwrap_or(u32::MAX);
        blocks.max(config.requests_per_peer_min).min(self.depth_max)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A link with a delay each way and a bandwidth, always kept full; gives the depth and the rate after `for_ms`.
    fn run(delay_ms: u64, bytes_per_second: u64, for_ms: u64) -> (u32, u64) {
        let config = Config::default();
        let mut pipeline = Pipeline::new(&config, Instant::ZERO);
        let block_us = u64::from(BLOCK_LEN) * 1_000_000 / bytes_per_second;
        let (mut out, mut link_free_us, mut now_us, mut blocks) = (VecDeque::new(), 0, 0, 0);
        while now_us < for_ms * 1000 {
            while out.len() < pipeline.depth() as usize {
                link_free_us = link_free_us.max(now_us + delay_ms * 1000) + block_us;
                out.push_back((now_us, link_free_us));
            }
            let (sent_us, arrives_us) = out.pop_front().expect("just filled");
            now_us = arrives_us;
            let now = Instant::from_micros(now_us);
            pipeline.handle_payload(now, u64::from(BLOCK_LEN));
            pipeline.handle_block(&config, now, Duration::from_micros(now_us - sent_us));
            blocks += 1;
        }
        (pipeline.depth(), blocks * u64::from(BLOCK_LEN) * 1000 / for_ms)
    }

    #[test]
    fn a_fast_link_through_a_slow_bridge_reaches_the_greatest_depth() {
        let (depth, _) = run(50, 100_000_000, 2000);
        assert_eq!(depth, 250);
    }

    #[test]
    fn depth_follows_rate_times_delay_plus_queue_time() {
        // 1 MB/s x (0.1 s + one block's time + 1 s) is 68 to 70 blocks.
        let (depth, rate) = run(100, 1_000_000, 20_000);
        assert!((66..=72).contains(&depth), "{depth}");
        assert!(rate > 950_000, "the link is full: {rate}");
    }

    #[test]
    fn a_full_pipeline_does_not_deepen_itself() {
        let (early, _) = run(20, 400_000, 10_000);
        let (late, _) = run(20, 400_000, 300_000);
        assert!(early.abs_diff(late) <= 2, "{early} {late}");
    }

    #[test]
    fn a_slow_peer_keeps_the_least_depth() {
        assert_eq!(run(50, 8_000, 60_000).0, Config::default().requests_per_peer_min);
    }

    #[test]
    fn a_stall_is_judged_by_the_peers_own_pace() {
        let config = Config::default();
        let mut pipeline = Pipeline::new(&config, Instant::ZERO);
        assert_eq!(pipeline.stall_after(&config), STALL_FIRST);
        pipeline.handle_block(&config, Instant::ZERO, Duration::from_millis(80));
        assert_eq!(pipeline.stall_after(&config), STALL_MIN);
        for _ in 0..100 {
            pipeline.handle_block(&config, Instant::ZERO, Duration::from_secs(8));
        }
        let patience = pipeline.stall_after(&config);
        assert!(patience > Duration::from_secs(15) && patience <= Duration::from_secs(16), "{patience:?}");
    }
}
