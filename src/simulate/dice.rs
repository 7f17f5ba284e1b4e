//! Chance that repeats itself.
//!
//! What always holds: all of it comes from ChaCha8 by whole numbers only, so the same seed gives the same draws on every
//! machine; a stream of its own for each submission makes a text the same however often it is told.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use std::collections::BTreeMap;

/// A source of draws.
#[derive(Debug, Clone)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Dice of the same seed that share no draw with any other stream. Stream 0 is the one of [`Dice::new`].
    pub(super) fn stream(&self, number: u64) -> Self {
        let mut rng = self.0.clone();
        rng.set_stream(number);
        rng.set_word_pos(0);
        Self(rng)
    }

    /// A number from 0 to `end` - 1; 0 when `end` is 0. (The bias of the multiplication is below 2^-32 x `end`.)
    pub(super) fn below(&mut self, end: u32) -> u32 {
        let product = u64::from(self.0.next_u32()) * u64::from(end);
        u32::try_from(product >> 32).expect("a product of two u32, shifted by 32 bits, fits in 32 bits")
    }

    /// A number from `first` to `last`, both included.
    pub(super) fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last - first + 1)
    }

    /// True `percent` times in a hundred.
    pub(super) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// True `per_mille` times in a thousand.
    pub(super) fn per_mille(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }

    /// One of `items`, none when there are none.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let end = u32::try_from(items.len()).expect("a list of words is shorter than 2^32");
        items.get(self.below(end) as usize)
    }

    /// The place in `weights` that a draw falls on; 0 when all weights are 0.
    pub(super) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let mut left = self.below(weights.clone().sum());
        for (i, weight) in weights.enumerate() {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return i,
            }
        }
        0
    }

    /// Puts `items` in a random order.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let end = u32::try_from(last + 1).expect("a list of words is shorter than 2^32");
            items.swap(last, self.below(end) as usize);
        }
    }
}

/// Words with their weights, in the order of the alphabet.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Shares(BTreeMap<String, u32>);

impl Shares {
    /// One of the words, as often as its weight says.
    pub(super) fn draw<'a>(&'a self, dice: &mut Dice) -> &'a str {
        let place = dice.weighted(self.0.values().copied());
        self.0.keys().nth(place).map_or("", String::as_str)
    }

    /// Each word with its weight.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.0.iter().map(|(word, weight)| (word.as_str(), *weight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_on_every_machine() {
        let mut dice = Dice::new(7);
        let drawn: Vec<u32> = (0..8).map(|_| dice.below(1000)).collect();
        assert_eq!(drawn, [140, 157, 182, 167, 270, 704, 36, 726]);
        let again = Dice::new(7).stream(3).below(1000);
        assert_eq!(dice.stream(3).below(1000), again, "a stream does not depend on what was drawn before");
    }

    #[test]
    fn weights_are_kept() {
        let mut dice = Dice::new(1);
        let mut seen = [0; 3];
        for _ in 0..10_000 {
            seen[dice.weighted([1, 0, 3].into_iter())] += 1;
        }
        assert_eq!(seen[1], 0);
        assert!((2_300..2_700).contains(&seen[0]), "{seen:?}");
    }
}
