//! The stored .torrent file: two places, of which at most one is being written.
//!
//! A new file is written where no sound one is, and only then the older one is emptied: a kill at any instant leaves at
//! least one that is whole. Part of a .torrent file is never taken for one, since a bencoded value has an end.

use engine::Metainfo;

/// Names of the two places.
pub(super) const NAMES: [&str; 2] = ["torrent", "torrent2"];

/// Which of the two to read, if both have something: the one that is sound, or the longer one, which has hashes that the
/// other lacks.
pub(super) fn newest(places: &[Vec<u8>; 2]) -> usize {
    let [first, second] = places;
    if first.is_empty() || second.is_empty() {
        return usize::from(first.is_empty());
    }
    match (is_sound(first), is_sound(second)) {
        (true, true) => usize::from(second.len() > first.len()),
        (is_first_sound, _) => usize::from(!is_first_sound),
    }
}

/// Where to write a new one.
pub(super) fn free(places: &[Vec<u8>; 2]) -> usize {
    let newest = newest(places);
    // What is not sound is no loss, and is not to be left behind beside a sound one.
    if is_sound(&places[newest]) { 1 - newest } else { newest }
}

fn is_sound(bytes: &[u8]) -> bool {
    Metainfo::parse(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A torrent whose file has this comment.
    fn torrent(comment: &str) -> Vec<u8> {
        let info = format!("d6:lengthi9e4:name1:n12:piece lengthi16384e6:pieces20:{}e", "h".repeat(20));
        format!("d7:comment{}:{comment}4:info{info}e", comment.len()).into_bytes()
    }

    /// What is read after every step of storing `new`, a kill within the writing of it included.
    fn read_while_storing(mut places: [Vec<u8>; 2], new: &[u8]) -> Vec<Vec<u8>> {
        let mut read = Vec::new();
        let at = free(&places);
        for len in 0..=new.len() {
            places[at] = new[..len].to_vec();
            read.push(places[newest(&places)].clone());
        }
        places[1 - at].clear();
        read.push(places[newest(&places)].clone());
        read
    }

    #[test]
    fn a_kill_at_any_instant_leaves_the_file_before_or_the_new_one() {
        let (old, new) = (torrent("old"), torrent("new, and longer"));
        for places in
            [[old.clone(), Vec::new()], [Vec::new(), old.clone()], [old.clone(), old[..50].to_vec()]]
        {
            let read = read_while_storing(places, &new);
            assert!(read.iter().all(|file| *file == old || *file == new));
            assert_eq!(read.last(), Some(&new));
        }
    }

    #[test]
    fn the_first_file_and_one_in_place_of_a_damaged_one_are_read_when_they_are_whole() {
        let new = torrent("new");
        for places in [[Vec::new(), Vec::new()], [new[..20].to_vec(), Vec::new()], [Vec::new(), vec![1; 9]]] {
            assert_eq!(read_while_storing(places, &new).last(), Some(&new));
        }
    }
}
