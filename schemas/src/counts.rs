//! How many: agents, vehicles, persons. People say "4", "5 to 6", "6+", "at least 4".
//!
//! What always holds: `min <= max` when both are known, and a count that says nothing does not exist.

use serde::{Deserialize, Serialize};

/// The largest number of agents, vehicles or persons that a report may claim.
pub const LARGEST: u32 = 100_000;

/// A number as it was told: exactly (`min == max`), between two, or at least so many (`at_least`, no `max`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Count {
    min: Option<u32>,
    max: Option<u32>,
    at_least: bool,
}

impl Count {
    /// Exactly `n`.
    #[must_use]
    pub const fn exactly(n: u32) -> Self {
        Self { min: Some(n), max: Some(n), at_least: false }
    }

    /// `n` or more.
    #[must_use]
    pub const fn at_least(n: u32) -> Self {
        Self { min: Some(n), max: None, at_least: true }
    }

    /// Between `min` and `max`, put in order.
    #[must_use]
    pub fn between(a: u32, b: u32) -> Self {
        Self { min: Some(a.min(b)), max: Some(a.max(b)), at_least: false }
    }

    /// From the three parts of the wire form. `None` where they contradict each other, say nothing or pass [`LARGEST`].
    #[must_use]
    pub fn from_parts(min: Option<u32>, max: Option<u32>, at_least: bool) -> Option<Self> {
        let ordered = !matches!((min, max), (Some(a), Some(b)) if a > b);
        let bounded = min.max(max).is_some_and(|n| n <= LARGEST);
        let open_end = !at_least || (min.is_some() && max.is_none());
        (ordered && bounded && open_end).then_some(Self { min, max, at_least })
    }

    /// The least that was told.
    #[must_use]
    pub const fn min(self) -> Option<u32> {
        self.min
    }

    /// The most that was told; none where the end is open.
    #[must_use]
    pub const fn max(self) -> Option<u32> {
        self.max
    }

    /// Whether it was told as "so many or more".
    #[must_use]
    pub const fn is_at_least(self) -> bool {
        self.at_least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_contradict_are_no_count() {
        assert_eq!(Count::from_parts(Some(2), Some(2), false), Some(Count::exactly(2)));
        assert_eq!(Count::from_parts(Some(6), None, true), Some(Count::at_least(6)));
        assert_eq!(Count::from_parts(Some(6), Some(5), false), None);
        assert_eq!(Count::from_parts(None, None, false), None);
        assert_eq!(Count::from_parts(None, Some(3), true), None, "at least what?");
        assert_eq!(Count::from_parts(Some(LARGEST + 1), None, true), None);
        assert_eq!(Count::between(6, 5), Count::between(5, 6));
    }
}
