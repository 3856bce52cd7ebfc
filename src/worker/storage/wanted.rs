//! How much each file is wanted, as it is stored.
//!
//! Two slots in one file, written in turn, each with a checksum: a kill in the middle of a write leaves the wishes
//! before it.

use engine::FilePriority;

/// Number in front of the wishes, one byte each, and checksum behind them.
const NUMBER_LEN: usize = 8;
const CHECKSUM_LEN: usize = 4;

/// Wishes with the number of their write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StoredWishes {
    /// Counts up with every write; the higher of two sound slots is the newer one.
    pub(super) number: u64,
    /// One for each file.
    pub(super) wanted: Vec<FilePriority>,
}

impl StoredWishes {
    /// The slot's bytes and where in the file they belong.
    pub(super) fn encode(&self) -> (u64, Vec<u8>) {
        let mut slot = self.number.to_le_bytes().to_vec();
        slot.extend(self.wanted.iter().map(|priority| code(*priority)));
        slot.extend(crc32fast::hash(&slot).to_le_bytes());
        ((self.number % 2) * slot.len() as u64, slot)
    }

    /// The newest sound wishes for so many files in a file's bytes; without any, all files are wanted alike.
    pub(super) fn decode(bytes: &[u8], files: usize) -> Self {
        let slots = bytes.chunks(NUMBER_LEN + files + CHECKSUM_LEN);
        let newest = slots.filter_map(|slot| decode_slot(slot, files)).max_by_key(|wishes| wishes.number);
        newest.unwrap_or_else(|| Self { number: 0, wanted: vec![FilePriority::default(); files] })
    }
}

fn decode_slot(slot: &[u8], files: usize) -> Option<StoredWishes> {
    let (body, checksum) = slot.split_last_chunk::<CHECKSUM_LEN>()?;
    let (number, wanted) = body.split_first_chunk::<NUMBER_LEN>()?;
    let is_sound = wanted.len() == files && crc32fast::hash(body) == u32::from_le_bytes(*checksum);
    let wanted = wanted.iter().map(|&byte| priority(byte)).collect();
    is_sound.then(|| StoredWishes { number: u64::from_le_bytes(*number), wanted })
}

const fn code(priority: FilePriority) -> u8 {
    match priority {
        FilePriority::Skip => 0,
        FilePriority::Low => 1,
        FilePriority::Normal => 2,
        FilePriority::High => 3,
    }
}

const fn priority(code: u8) -> FilePriority {
    match code {
        0 => FilePriority::Skip,
        1 => FilePriority::Low,
        3 => FilePriority::High,
        _ => FilePriority::Normal,
    }
}

#[cfg(test)]
mod tests {
    use FilePriority::{High, Low, Normal, Skip};

    use super::*;

    fn write(file: &mut Vec<u8>, wishes: &StoredWishes, cut: usize) {
        let (at, slot) = wishes.encode();
        let (at, slot) = (at as usize, &slot[..slot.len() - cut]);
        file.resize(file.len().max(at + slot.len()), 0);
        file[at..at + slot.len()].copy_from_slice(slot);
    }

    #[test]
    fn the_newest_wishes_are_found_and_without_any_all_files_are_wanted_alike() {
        let mut file = Vec::new();
        assert_eq!(StoredWishes::decode(&file, 4).wanted, [Normal; 4]);
        for (number, wanted) in [(1, [Skip, Low, Normal, High]), (2, [High; 4]), (3, [Skip; 4])] {
            let wishes = StoredWishes { number, wanted: wanted.to_vec() };
            write(&mut file, &wishes, 0);
            assert_eq!(StoredWishes::decode(&file, 4), wishes);
        }
    }

    #[test]
    fn a_write_that_a_kill_cuts_off_leaves_the_wishes_before_it() {
        let before = StoredWishes { number: 6, wanted: vec![Skip, High] };
        for cut in 1..=14 {
            let mut file = Vec::new();
            write(&mut file, &StoredWishes { number: 5, wanted: vec![Low, Low] }, 0);
            write(&mut file, &before, 0);
            write(&mut file, &StoredWishes { number: 7, wanted: vec![Normal, Skip] }, cut);
            let found = StoredWishes::decode(&file, 2);
            // Of the slot that is being written over, cut before anything of it was written, the older wishes remain.
            assert_eq!(found, before, "cut by {cut}");
        }
    }

    #[test]
    fn wishes_for_another_number_of_files_are_none() {
        let (_, slot) = StoredWishes { number: 2, wanted: vec![Skip; 3] }.encode();
        for files in [0, 1, 2, 4, 100] {
            assert_eq!(StoredWishes::decode(&slot, files).wanted, vec![Normal; files], "{files} files");
        }
    }
}
