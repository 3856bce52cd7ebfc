//! What a tab has registered: without it nothing is dialed, accepted or announced.

use std::collections::BTreeMap;

use codec::InfoHash;
use relay_proto::Register;

/// The registered torrents of one session.
#[derive(Debug, Default)]
pub(super) struct Torrents {
    by_number: BTreeMap<u32, Vec<InfoHash>>,
}

impl Torrents {
    /// Registers, in place of what had the same number. Returns the hashes that are registered no longer.
    ///
    /// # Errors
    /// The session would have more than `max` hashes; nothing has changed.
    pub(super) fn register(&mut self, register: Register, max: u32) -> Result<Vec<InfoHash>, String> {
        // A torrent without any takes a place as well, or there could be billions of them.
        let places = |hashes: &Vec<InfoHash>| hashes.len().max(1);
        let others = self.by_number.iter().filter(|(number, _)| **number != register.torrent);
        let total = others.map(|(_, hashes)| places(hashes)).sum::<usize>() + places(&register.info_hashes);
        if total > max as usize {
            return Err(format!("{total} info hashes, {max} are allowed"));
        }
        let before = self.by_number.insert(register.torrent, register.info_hashes);
        Ok(self.only_gone(before))
    }

    /// Returns the hashes that are registered no longer.
    pub(super) fn unregister(&mut self, torrent: u32) -> Vec<InfoHash> {
        let before = self.by_number.remove(&torrent);
        self.only_gone(before)
    }

    pub(super) fn contains(&self, info_hash: &InfoHash) -> bool {
        self.by_number.values().any(|hashes| hashes.contains(info_hash))
    }

    /// All hashes of the torrent that this one belongs to, this one first: either side of a connection may name any of
    /// them (BEP 52). Empty if it is not registered.
    pub(super) fn hashes_with(&self, info_hash: InfoHash) -> Vec<InfoHash> {
        let of_torrent = self.by_number.values().find(|hashes| hashes.contains(&info_hash));
        let others = of_torrent.into_iter().flatten().filter(|other| **other != info_hash);
        of_torrent.map(|_| info_hash).into_iter().chain(others.copied()).collect()
    }

    fn only_gone(&self, before: Option<Vec<InfoHash>>) -> Vec<InfoHash> {
        before.unwrap_or_default().into_iter().filter(|hash| !self.contains(hash)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(torrent: u32, hashes: &[u8]) -> Register {
        let info_hashes = hashes.iter().map(|byte| InfoHash([*byte; 20])).collect();
        Register { torrent, info_hashes, private: false }
    }

    #[test]
    fn a_hash_of_two_torrents_goes_with_the_last() {
        let mut torrents = Torrents::default();
        assert_eq!(torrents.register(register(1, &[7, 8]), 10), Ok(vec![]));
        assert_eq!(torrents.register(register(2, &[8]), 10), Ok(vec![]));
        assert_eq!(torrents.unregister(1), [InfoHash([7; 20])]);
        assert!(torrents.contains(&InfoHash([8; 20])));
        assert_eq!(torrents.unregister(2), [InfoHash([8; 20])]);
    }

    #[test]
    fn all_hashes_of_a_torrent_belong_together() {
        let mut torrents = Torrents::default();
        assert!(torrents.register(register(1, &[7, 8]), 10).is_ok());
        assert!(torrents.register(register(2, &[9]), 10).is_ok());
        let with = |byte| {
            torrents.hashes_with(InfoHash([byte; 20])).iter().map(|hash| hash.0[0]).collect::<Vec<_>>()
        };
        assert_eq!([7, 8, 9, 1].map(with), [vec![7, 8], vec![8, 7], vec![9], vec![]]);
    }

    #[test]
    fn registering_a_number_again_replaces_it() {
        let mut torrents = Torrents::default();
        assert_eq!(torrents.register(register(1, &[7]), 10), Ok(vec![]));
        assert_eq!(torrents.register(register(1, &[9]), 10), Ok(vec![InfoHash([7; 20])]));
        assert!(!torrents.contains(&InfoHash([7; 20])));
    }

    #[test]
    fn no_more_than_the_limit_are_registered() {
        let mut torrents = Torrents::default();
        assert!(torrents.register(register(1, &[1, 2, 3]), 2).is_err());
        assert!(!torrents.contains(&InfoHash([1; 20])));
        assert!(torrents.register(register(1, &[1, 2]), 2).is_ok());
        assert!(torrents.register(register(1, &[3, 4]), 2).is_ok());
        assert!(torrents.register(register(2, &[]), 2).is_err(), "nor torrents without any");
    }
}
