//! Limits that all torrents have in common: twice a second each engine gets its part of them.

use engine::{Share, share};
use gloo::timers::callback::Interval;

use super::host::State;
use crate::messages::GlobalLimits;

/// Between two divisions: short enough that nobody sees a part that is not used.
const SHARE_INTERVAL_MS: u32 = 500;

/// The common limits, and what divides them.
#[derive(Debug, Default)]
pub(crate) struct CommonLimits {
    limits: GlobalLimits,
    /// Divides them for as long as it is here.
    _divider: Option<Interval>,
}

impl CommonLimits {
    /// What the user has set.
    pub(crate) const fn limits(&self) -> GlobalLimits {
        self.limits
    }

    /// What a torrent that starts may use until the limits are divided the next time.
    pub(crate) const fn whole(&self) -> Share {
        Share { upload_rate_max: self.limits.up_rate_max, download_rate_max: self.limits.down_rate_max }
    }
}

impl State {
    /// The user has set other limits for all torrents together; they are kept over restarts.
    pub(crate) fn set_global_limits(&mut self, limits: GlobalLimits) {
        self.keep_to(limits);
        if let Some(file) = &self.disk.global
            && let Err(error) = file.write(limits)
        {
            let message =
                format!("The limits count until this page is closed, but could not be stored. {error}");
            super::tabs::tell(None, crate::messages::Update::Notice { message });
        }
    }

    /// Keeps to these limits from now on.
    pub(crate) fn keep_to(&mut self, limits: GlobalLimits) {
        let host = self.host.clone();
        let is_limited = limits != GlobalLimits::default();
        let every = || {
            Interval::new(SHARE_INTERVAL_MS, move || {
                host.quiet_turn(Self::divide_limits);
            })
        };
        self.wires.common = CommonLimits { limits, _divider: is_limited.then(every) };
        self.divide_limits();
    }

    fn divide_limits(&mut self) {
        let limits = self.wires.common.limits();
        let demands: Vec<_> = self
            .torrents
            .iter()
            .filter(|torrent| torrent.is_started())
            .map(|torrent| (torrent.number, torrent.engine.demands()))
            .collect();
        let part = |limit: Option<u64>, of: fn(&engine::Demands) -> engine::Demand| {
            let demands: Vec<_> = demands.iter().map(|(_, demands)| of(demands)).collect();
            limit.map(|limit| share(limit, &demands))
        };
        let up = part(limits.up_rate_max, |demands| demands.upload);
        let down = part(limits.down_rate_max, |demands| demands.download);
        for (nth, (number, _)) in demands.iter().enumerate() {
            let of = |parts: &Option<Vec<u64>>| parts.as_ref().and_then(|parts| parts.get(nth).copied());
            let share = Share { upload_rate_max: of(&up), download_rate_max: of(&down) };
            if let Some(torrent) = self.torrents.get_mut(*number) {
                torrent.set_share(&mut self.wires, share);
            }
        }
    }
}
