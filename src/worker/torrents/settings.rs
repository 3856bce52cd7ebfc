//! What the user has set for one torrent, as the engine understands it.

use std::net::IpAddr;
use std::time::Duration;

use engine::{Config, Goals, InfoHash, Input, Limits, PickOrder, Share};

use super::torrent::Torrent;
use crate::messages::TorrentSettings;
use crate::worker::host::{State, Wires};
use crate::worker::storage::StorageError;

/// Peers that may be wished for at most: more connections than a relay gives to one page are of no use.
const PEERS_MAX: u32 = 500;
/// Slots that may be wished for at most.
const SLOTS_MAX: u32 = 500;

/// The engine's configuration for these settings. What the engine does not know is as if it had not been set.
pub(super) fn config(settings: &TorrentSettings) -> Config {
    let default = Config::default();
    Config {
        upload_rate_max: settings.up_rate_max,
        download_rate_max: settings.down_rate_max,
        peers_max: settings.peers_max.map_or(default.peers_max, |max| max.clamp(1, PEERS_MAX) as usize),
        unchoke_slots: settings.slots.map_or(default.unchoke_slots, |slots| slots.min(SLOTS_MAX) as usize),
        strategy: settings.strategy.as_deref().and_then(|code| code.parse().ok()).unwrap_or_default(),
        super_seed: settings.super_seed,
        ..default
    }
}

/// What ends seeding.
pub(super) fn goals(settings: &TorrentSettings) -> Goals {
    Goals {
        ratio_permille: settings.ratio_permille,
        seeding_time: settings.seeding_s.map(Duration::from_secs),
    }
}

/// In which order pieces are begun.
pub(super) const fn pick_order(settings: &TorrentSettings) -> PickOrder {
    match settings.play_rate {
        Some(bytes_per_s) => PickOrder::Playing { bytes_per_s },
        None if settings.in_order => PickOrder::Sequential,
        None => PickOrder::RarestFirst,
    }
}

impl Torrent {
    /// What the user has set.
    pub(crate) fn settings(&self) -> TorrentSettings {
        self.stored.folder.state().settings
    }

    /// Keeps to other settings from now on, also after a restart.
    fn set_settings(&mut self, wires: &mut Wires, settings: TorrentSettings) -> Result<(), StorageError> {
        let config = config(&settings);
        let order = pick_order(&settings);
        // A player that goes on does not begin anew.
        if order != pick_order(&self.settings()) {
            self.drive(wires, Input::PickOrder { order });
        }
        self.drive(wires, Input::SetLimits(config.limits()));
        self.drive(wires, Input::SetStrategy(config.strategy));
        self.drive(wires, Input::SetSuperSeed(config.super_seed));
        self.drive(wires, Input::SetGoals(goals(&settings)));
        self.stored.folder.update_state(|state| state.settings = settings)
    }

    /// The user lets a torrent go on whose goals are met: they are not wanted any more.
    pub(super) fn give_up_met_goals(&mut self, wires: &mut Wires) -> Result<(), StorageError> {
        let mut settings = self.settings();
        while let Some(goal) = goals(&settings).met(&self.so_far(), self.engine.summary().verified_bytes) {
            match goal {
                engine::Goal::Ratio => settings.ratio_permille = None,
                engine::Goal::SeedingTime => settings.seeding_s = None,
            }
        }
        if self.engine.summary().is_complete && settings != self.settings() {
            self.set_settings(wires, settings)?;
        }
        Ok(())
    }

    /// Its part of the common limits, from now on.
    pub(crate) fn set_share(&mut self, wires: &mut Wires, share: Share) {
        if self.is_started() {
            self.drive(wires, Input::SetShare(share));
        }
    }
}

impl State {
    /// The user has set something for one torrent.
    pub(crate) fn set_torrent(&mut self, info_hash: InfoHash, settings: TorrentSettings) {
        self.control(info_hash, |torrent, wires| torrent.set_settings(wires, settings));
    }

    /// The user forgives a host.
    pub(crate) fn lift_ban(&mut self, info_hash: InfoHash, ip: IpAddr) {
        self.control(info_hash, |torrent, wires| {
            torrent.drive(wires, Input::Unban { ip });
            Ok(())
        });
    }
}

/// The limits that the engine keeps to, for the view.
pub(crate) fn present(settings: &TorrentSettings) -> TorrentSettings {
    let Config { strategy, peers_max, unchoke_slots, .. } = config(settings);
    let Limits { upload_rate_max, download_rate_max, .. } = config(settings).limits();
    TorrentSettings {
        up_rate_max: upload_rate_max,
        down_rate_max: download_rate_max,
        peers_max: Some(peers_max as u32),
        slots: Some(unchoke_slots as u32),
        strategy: Some(strategy.code().to_owned()),
        ratio_permille: settings.ratio_permille,
        seeding_s: settings.seeding_s,
        in_order: settings.in_order,
        super_seed: settings.super_seed,
        play_rate: settings.play_rate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_as_the_engine_has_it_and_what_is_unknown_too() {
        assert_eq!(config(&TorrentSettings::default()), Config::default());
        let unknown =
            TorrentSettings { strategy: Some("of another version".to_owned()), ..TorrentSettings::default() };
        assert_eq!(config(&unknown), Config::default());
    }

    #[test]
    fn a_player_counts_more_than_the_order_of_the_content() {
        let settings =
            |in_order, play_rate| TorrentSettings { in_order, play_rate, ..TorrentSettings::default() };
        assert_eq!(pick_order(&settings(false, None)), PickOrder::RarestFirst);
        assert_eq!(pick_order(&settings(true, None)), PickOrder::Sequential);
        let playing = PickOrder::Playing { bytes_per_s: 5 };
        assert_eq!([true, false].map(|in_order| pick_order(&settings(in_order, Some(5)))), [playing; 2]);
    }

    #[test]
    fn the_view_is_shown_what_the_engine_keeps_to() {
        let wild = TorrentSettings {
            peers_max: Some(0),
            slots: Some(u32::MAX),
            strategy: Some("prop-share".to_owned()),
            up_rate_max: Some(5),
            ..TorrentSettings::default()
        };
        let shown = present(&wild);
        assert_eq!((shown.peers_max, shown.slots, shown.up_rate_max), (Some(1), Some(500), Some(5)));
        assert_eq!(shown.strategy.as_deref(), Some("prop-share"));
        assert_eq!(config(&shown), config(&wild));
    }
}
