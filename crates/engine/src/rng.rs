//! The engine's only source of chance: one portable stream for each engine, started from `rng_seed`.

use rand_core::Rng as _;
use rand_pcg::Pcg32;

/// Random numbers that are the same on every machine for the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Rng(Pcg32);

impl Rng {
    /// The stream that belongs to `rng_seed`.
    pub(crate) fn new(rng_seed: u64) -> Self {
        // Any odd constant names a PCG stream; one fixed stream keeps runs comparable across versions.
        Self(Pcg32::new(rng_seed, 0x5377_6172_6d73))
    }

    /// A number in `0..bound`; zero if `bound` is zero.
    ///
    /// Multiply and shift instead of a modulo: no division, and a bias below `bound / 2^32`, far below what any
    /// decision here could show.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// 32 random bits, to break ties.
    pub(crate) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Puts the items into a random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (mut a, mut b, mut c) = (Rng::new(7), Rng::new(7), Rng::new(8));
        let run = |rng: &mut Rng| (0..16).map(|_| rng.below(1000)).collect::<Vec<_>>();
        let first = run(&mut a);
        assert_eq!(first, run(&mut b));
        assert_ne!(first, run(&mut c));
        assert!(first.iter().all(|&number| number < 1000));
    }

    #[test]
    fn a_shuffle_keeps_all_items_and_reaches_every_place() {
        let mut rng = Rng::new(1);
        let mut seen_first = [false; 5];
        for _ in 0..200 {
            let mut items = [0, 1, 2, 3, 4];
            rng.shuffle(&mut items);
            seen_first[items[0]] = true;
            items.sort_unstable();
            assert_eq!(items, [0, 1, 2, 3, 4]);
        }
        assert_eq!(seen_first, [true; 5]);
    }
}
