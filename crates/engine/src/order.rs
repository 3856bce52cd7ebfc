//! Sorting in little code.
//!
//! The page carries all of its code to every visitor, and the standard library's sorts, as well as collecting into its
//! ordered sets and maps, which sorts first, come anew for each type of element, in 4 to 13 kB. Here one copy sorts
//! positions, whatever the elements are. That costs a list of positions and calls that are not inlined: nothing for what
//! is sorted now and then, too much for what would be sorted for every block.

use std::cmp::Ordering;

/// Sorts in ascending order; equal items keep their order.
pub fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// Sorts by what `key` says of each; items with equal keys keep their order.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

/// Sorts by a total order; items that are equal in it keep their order.
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let sources = sorted_positions(items.len(), &|a, b| compare(&items[a], &items[b]));
    arrange(sources, &mut |a, b| items.swap(a, b));
}

/// All of them in a new collection that keeps itself in order, put in one by one. Of two with one key the later one
/// counts, as with `collect`.
pub fn gather<C>(items: impl IntoIterator<Item = C::Item>) -> C
where
    C: Default + IntoIterator + Extend<<C as IntoIterator>::Item>,
{
    let mut all = C::default();
    all.extend(items);
    all
}

/// For each place, the position of what belongs there.
fn sorted_positions(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..len).collect();
    // A stable sort would be as much code again, and would want memory for as many positions again.
    positions.sort_unstable_by(|&a, &b| compare(a, b).then(a.cmp(&b)));
    positions
}

/// Brings to each place what is at its source, by swaps along the cycles: no place is visited more than twice.
fn arrange(mut sources: Vec<usize>, swap: &mut dyn FnMut(usize, usize)) {
    for first in 0..sources.len() {
        let mut place = first;
        loop {
            let source = std::mem::replace(&mut sources[place], place);
            if source == first {
                break;
            }
            swap(place, source);
            place = source;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_order_is_that_of_the_standard_library(mut items: Vec<u8>) {
            let mut expected = items.clone();
            expected.sort();
            sort(&mut items);
            prop_assert_eq!(items, expected);
        }

        #[test]
        fn items_with_equal_keys_keep_their_order(keys in prop::collection::vec(0..8_u8, 0..200)) {
            let mut items: Vec<(u8, usize)> = keys.into_iter().zip(0..).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            sort_by_key(&mut items, |(key, _)| *key);
            prop_assert_eq!(items, expected);
        }

        #[test]
        fn gathering_gives_what_collecting_gives(items: Vec<(u8, u8)>) {
            let gathered: BTreeMap<u8, u8> = gather(items.iter().copied());
            prop_assert_eq!(gathered, items.into_iter().collect::<BTreeMap<_, _>>());
        }
    }

    #[test]
    fn nothing_and_a_single_item_stay_as_they_are() {
        let mut nothing: [String; 0] = [];
        sort(&mut nothing);
        let mut single = ["one".to_owned()];
        sort(&mut single);
        assert_eq!(single, ["one"]);
    }

    #[test]
    fn the_order_may_be_any() {
        let mut items = [2, 3, 1];
        sort_by(&mut items, |a, b| b.cmp(a));
        assert_eq!(items, [3, 2, 1]);
    }
}
