//! Maps and sets for few entries, in little code.
//!
//! The standard library's ordered maps come anew for each type of key and value, in 5 to 10 kB of the page's code. What
//! has some dozens of entries does not need them: here the keys lie in order in one vector, and the values in another, so
//! that the search is shared by all maps with the same keys. (C++ has the same as `std::flat_map`.)
//!
//! Looking something up takes the time of a binary search. Putting in and taking out move what lies behind: nothing for
//! keys that count up, for a few hundred entries, or for small ones that seldom change; too much for thousands that come
//! and go in any order, the more so if others choose how many. Iteration is in the order of the keys.

use std::fmt;
use std::{iter, slice, vec};

use crate::order;

/// A map for few entries, ordered by its keys.
#[derive(Clone, PartialEq, Eq)]
pub struct FlatMap<K, V> {
    /// Ascending.
    keys: Vec<K>,
    /// In the order of their keys.
    values: Vec<V>,
}

/// A set of few items, in order.
#[derive(Clone, PartialEq, Eq)]
pub struct FlatSet<K>(FlatMap<K, ()>);

impl<K: Ord, V> FlatMap<K, V> {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { keys: Vec::new(), values: Vec::new() }
    }

    /// Number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether there is an entry with this key.
    pub fn contains_key(&self, key: &K) -> bool {
        self.keys.binary_search(key).is_ok()
    }

    /// The value of this key.
    pub fn get(&self, key: &K) -> Option<&V> {
        let at = self.keys.binary_search(key).ok()?;
        Some(&self.values[at])
    }

    /// The value of this key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.keys.binary_search(key).ok()?;
        Some(&mut self.values[at])
    }

    /// The value of this key; if there is none, `make` gives the one to put in.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let at = self.keys.binary_search(&key).unwrap_or_else(|at| {
            self.keys.insert(at, key);
            self.values.insert(at, make());
            at
        });
        &mut self.values[at]
    }

    /// Puts in an entry. Returns the value that the key had before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.keys.binary_search(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.values[at], value)),
            Err(at) => {
                self.keys.insert(at, key);
                self.values.insert(at, value);
                None
            }
        }
    }

    /// Takes out the entry with this key. Returns its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.keys.binary_search(key).ok()?;
        self.keys.remove(at);
        Some(self.values.remove(at))
    }

    /// Takes out the entry with the lowest key.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        (!self.is_empty()).then(|| (self.keys.remove(0), self.values.remove(0)))
    }

    /// Takes out all entries for which `is_kept` does not hold.
    pub fn retain(&mut self, is_kept: impl Fn(&K, &V) -> bool) {
        let all = std::mem::take(self);
        self.extend(all.into_iter().filter(|(key, value)| is_kept(key, value)));
    }

    /// Takes out all entries.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
    }

    /// All entries.
    pub fn iter(&self) -> iter::Zip<slice::Iter<'_, K>, slice::Iter<'_, V>> {
        self.keys.iter().zip(&self.values)
    }

    /// All entries, their values to be changed.
    pub fn iter_mut(&mut self) -> iter::Zip<slice::Iter<'_, K>, slice::IterMut<'_, V>> {
        self.keys.iter().zip(&mut self.values)
    }

    /// All keys.
    pub fn keys(&self) -> slice::Iter<'_, K> {
        self.keys.iter()
    }

    /// All keys, beginning behind this one, those up to it last.
    pub fn keys_from_behind(&self, key: &K) -> iter::Chain<slice::Iter<'_, K>, slice::Iter<'_, K>> {
        let (before, behind) = self.keys.split_at(self.keys.partition_point(|other| other <= key));
        behind.iter().chain(before)
    }

    /// All values.
    pub fn values(&self) -> slice::Iter<'_, V> {
        self.values.iter()
    }

    /// All values, to be changed.
    pub fn values_mut(&mut self) -> slice::IterMut<'_, V> {
        self.values.iter_mut()
    }

    /// All values, for good.
    pub fn into_values(self) -> vec::IntoIter<V> {
        self.values.into_iter()
    }
}

impl<K: Ord> FlatSet<K> {
    /// Puts in an item. Returns whether it was not there.
    pub fn insert(&mut self, item: K) -> bool {
        self.0.insert(item, ()).is_none()
    }

    /// Takes out an item. Returns whether it was there.
    pub fn remove(&mut self, item: &K) -> bool {
        self.0.remove(item).is_some()
    }

    /// Whether the item is there.
    pub fn contains(&self, item: &K) -> bool {
        self.0.contains_key(item)
    }

    /// Number of items.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no item.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out all items.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// All items.
    pub fn iter(&self) -> slice::Iter<'_, K> {
        self.0.keys()
    }
}

impl<K: Ord, V> Default for FlatMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord> Default for FlatSet<K> {
    fn default() -> Self {
        Self(FlatMap::new())
    }
}

impl<K: Ord + fmt::Debug, V: fmt::Debug> fmt::Debug for FlatMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Ord + fmt::Debug> fmt::Debug for FlatSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<K: Ord, V> Extend<(K, V)> for FlatMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        entries.into_iter().for_each(|(key, value)| _ = self.insert(key, value));
    }
}

impl<K: Ord> Extend<K> for FlatSet<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, items: I) {
        items.into_iter().for_each(|item| _ = self.insert(item));
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for FlatMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K: Ord> FromIterator<K> for FlatSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(items: I) -> Self {
        let mut keys: Vec<K> = items.into_iter().collect();
        order::sort(&mut keys);
        keys.dedup();
        Self(FlatMap { values: vec![(); keys.len()], keys })
    }
}

impl<'a, K: Ord, V> IntoIterator for &'a FlatMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = iter::Zip<slice::Iter<'a, K>, slice::Iter<'a, V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Ord, V> IntoIterator for FlatMap<K, V> {
    type Item = (K, V);
    type IntoIter = iter::Zip<vec::IntoIter<K>, vec::IntoIter<V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.keys.into_iter().zip(self.values)
    }
}

impl<K: Ord> IntoIterator for FlatSet<K> {
    type Item = K;
    type IntoIter = vec::IntoIter<K>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.keys.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::Bound::{Excluded, Unbounded};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Each step puts in, takes out, or adds to the value of a key.
        #[test]
        fn a_map_does_what_that_of_the_standard_library_does(
            steps in prop::collection::vec((0..4_u8, 0..20_u8, any::<u16>()), 0..100)
        ) {
            let (mut map, mut expected) = (FlatMap::new(), BTreeMap::new());
            for (kind, key, value) in steps {
                match kind {
                    0 => prop_assert_eq!(map.remove(&key), expected.remove(&key)),
                    1 => prop_assert_eq!(*map.get_or_insert_with(key, || value), *expected.entry(key).or_insert(value)),
                    _ => prop_assert_eq!(map.insert(key, value), expected.insert(key, value)),
                }
                prop_assert_eq!(map.len(), expected.len());
                prop_assert_eq!(map.get(&key), expected.get(&key));
                prop_assert!(map.iter().eq(&expected));
            }
            map.retain(|key, _| key % 2 == 0);
            expected.retain(|key, _| key % 2 == 0);
            prop_assert_eq!(map.pop_first(), expected.pop_first());
            prop_assert!(map.into_iter().eq(expected));
        }

        #[test]
        fn beginning_behind_a_key_all_come_once_and_those_up_to_it_last(items: Vec<u8>, key: u8) {
            let map: FlatMap<u8, ()> = items.iter().map(|&item| (item, ())).collect();
            let expected: BTreeMap<u8, ()> = items.iter().map(|&item| (item, ())).collect();
            let (behind, before) = (expected.range((Excluded(key), Unbounded)), expected.range(..=key));
            prop_assert!(map.keys_from_behind(&key).eq(behind.chain(before).map(|(key, ())| key)));
        }
    }

    #[test]
    fn a_set_has_each_item_once_and_in_order() {
        let mut set: FlatSet<u8> = [3, 1, 3].into_iter().collect();
        assert!(!set.insert(1) && set.insert(2) && set.remove(&3) && !set.remove(&3));
        assert!(set.contains(&2) && !set.contains(&3));
        assert_eq!(set.into_iter().collect::<Vec<_>>(), [1, 2]);
    }
}
