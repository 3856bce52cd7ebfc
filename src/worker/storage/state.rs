//! What is kept of a torrent beside its content: whether it is paused, when it was added, what it has moved.
//!
//! Two slots in one small file, written in turn, each with a checksum: a kill in the middle of a write leaves the
//! other slot whole.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::messages::TorrentSettings;

/// Bytes of one slot.
pub(crate) const SLOT_LEN: usize = 1024;
/// Length and checksum in front of the JSON.
const HEADER_LEN: usize = 8;

/// A torrent's state as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredState {
    /// Counts up with every write; the higher of two sound slots is the newer one.
    pub(crate) number: u64,
    /// The user stopped it.
    pub(crate) is_paused: bool,
    /// The user removed it: `Some(true)` if its content is to go too, `Some(false)` if that was to stay.
    pub(crate) removed_with_data: Option<bool>,
    /// When it was added, in milliseconds since 1970: the order of the list.
    pub(crate) added_ms: u64,
    /// Payload received in all sessions, in bytes.
    pub(crate) down_bytes: u64,
    /// Payload sent in all sessions, in bytes.
    pub(crate) up_bytes: u64,
    /// Time as a seed in all sessions, in seconds. (Absent in what earlier versions wrote.)
    #[serde(default)]
    pub(crate) seeding_s: u64,
    /// What the user has set for it. (Absent in what earlier versions wrote.)
    #[serde(default)]
    pub(crate) settings: TorrentSettings,
}

impl StoredState {
    /// The slot's bytes and where in the file they belong.
    pub(crate) fn encode(&self) -> (u64, Vec<u8>) {
        encode(self.number, self)
    }

    /// The newest sound state in a file; `None` if there is none.
    pub(crate) fn decode(file: &[u8]) -> Option<Self> {
        decode(file, |state: &Self| state.number)
    }
}

/// The bytes of the slot for the write with this number, and where in the file they belong.
pub(super) fn encode<T: Serialize>(number: u64, value: &T) -> (u64, Vec<u8>) {
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut slot = Vec::with_capacity(HEADER_LEN + json.len());
    slot.extend_from_slice(&(json.len() as u32).to_le_bytes());
    slot.extend_from_slice(&crc32fast::hash(&json).to_le_bytes());
    slot.extend_from_slice(&json);
    ((number % 2) * SLOT_LEN as u64, slot)
}

/// The newest sound value in a file; `None` if there is none.
pub(super) fn decode<T: DeserializeOwned>(file: &[u8], number: impl Fn(&T) -> u64) -> Option<T> {
    file.chunks(SLOT_LEN).take(2).filter_map(decode_slot).max_by_key(number)
}

fn decode_slot<T: DeserializeOwned>(slot: &[u8]) -> Option<T> {
    let (len, rest) = slot.split_first_chunk::<4>()?;
    let (checksum, rest) = rest.split_first_chunk::<4>()?;
    let json = rest.get(..u32::from_le_bytes(*len) as usize)?;
    if crc32fast::hash(json) != u32::from_le_bytes(*checksum) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn write(file: &mut Vec<u8>, state: &StoredState) {
        let (at, slot) = state.encode();
        let at = usize::try_from(at).unwrap();
        if file.len() < at + slot.len() {
            file.resize(at + slot.len(), 0);
        }
        file[at..at + slot.len()].copy_from_slice(&slot);
    }

    fn state(number: u64) -> StoredState {
        StoredState { number, down_bytes: number * 1000, added_ms: u64::MAX, ..StoredState::default() }
    }

    #[test]
    fn the_newest_state_is_read_back() {
        let mut file = Vec::new();
        assert_eq!(StoredState::decode(&file), None);
        for number in 1..6 {
            write(&mut file, &state(number));
            assert_eq!(StoredState::decode(&file), Some(state(number)));
        }
    }

    #[test]
    fn a_write_cut_at_any_byte_leaves_the_one_before() {
        let mut before = Vec::new();
        write(&mut before, &state(1));
        write(&mut before, &state(2));
        let (at, slot) = state(3).encode();
        let at = usize::try_from(at).unwrap();
        let mut after = before.clone();
        write(&mut after, &state(3));
        for cut in 0..=slot.len() {
            let mut torn = before.clone();
            torn[at..at + cut].copy_from_slice(&slot[..cut]);
            // States of one length may differ only in bytes that are already there.
            let expected = if torn == after { state(3) } else { state(2) };
            assert_eq!(StoredState::decode(&torn), Some(expected), "{cut} bytes");
        }
    }

    #[test]
    fn the_longest_state_fits_its_slot() {
        let longest = StoredState {
            number: u64::MAX,
            is_paused: false,
            removed_with_data: Some(false),
            added_ms: u64::MAX,
            down_bytes: u64::MAX,
            up_bytes: u64::MAX,
            seeding_s: u64::MAX,
            settings: TorrentSettings {
                up_rate_max: Some(u64::MAX),
                down_rate_max: Some(u64::MAX),
                peers_max: Some(u32::MAX),
                slots: Some(u32::MAX),
                strategy: Some("x".repeat(100)),
                ratio_permille: Some(u32::MAX),
                seeding_s: Some(u64::MAX),
                in_order: false,
                super_seed: false,
                play_rate: Some(u64::MAX),
            },
        };
        assert!(longest.encode().1.len() <= SLOT_LEN);
    }

    #[test]
    fn a_state_without_settings_is_of_an_earlier_version_and_is_read() {
        let old = r#"{"number":4,"is_paused":true,"removed_with_data":null,"added_ms":7,"down_bytes":8,"up_bytes":9}"#;
        let mut slot = (old.len() as u32).to_le_bytes().to_vec();
        slot.extend(crc32fast::hash(old.as_bytes()).to_le_bytes());
        slot.extend(old.as_bytes());
        let state = StoredState::decode(&slot).unwrap();
        assert_eq!((state.number, state.is_paused, state.up_bytes), (4, true, 9));
        assert_eq!((state.seeding_s, state.settings), (0, TorrentSettings::default()));
    }

    #[test]
    fn rubbish_is_no_state() {
        assert_eq!(StoredState::decode(&[0xff; 3]), None);
        assert_eq!(StoredState::decode(&[0xff; 5000]), None);
        assert_eq!(StoredState::decode(&[0; 2048]), None);
    }
}
