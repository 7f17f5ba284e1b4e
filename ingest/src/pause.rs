//! When a source is paused: too many of its submissions, in a row or among the last ones, could not be coded.
//!
//! What always holds: what is paused follows from what is counted here and from the limits in force, so a higher limit
//! lets a source go on by itself; a source none of whose submissions was rejected of late costs nothing.

use std::collections::VecDeque;

use schemas::Instant;

/// How many rejects of one source are borne. Nought switches a limit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PauseLimits {
    /// So many in a row pause the source.
    pub in_a_row: u64,
    /// So many among the last [`PauseLimits::last`] do too.
    pub among_last: usize,
    pub last: usize,
}

impl Default for PauseLimits {
    fn default() -> Self {
        Self { in_a_row: 1_000, among_last: 2_500, last: 5_000 }
    }
}

/// How the submissions of a source went of late.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lately {
    /// How many were rejected in a row, up to the last one.
    in_a_row: u64,
    /// The last ones, from the first reject among them on: whether each was rejected.
    recent: VecDeque<bool>,
    rejected: usize,
    /// When a limit was reached.
    pub since: Option<Instant>,
}

impl Lately {
    /// As it is stored. `None` where the bytes are none that [`Lately::recent`] gave.
    pub(crate) fn stored(in_a_row: u64, recent: &[u8], since: Option<Instant>) -> Option<Self> {
        let (count, bits) = recent.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        if bits.len() != count.div_ceil(8) {
            return None;
        }
        let recent: VecDeque<bool> = (0..count).map(|n| bits[n / 8] >> (n % 8) & 1 == 1).collect();
        let rejected = recent.iter().filter(|rejected| **rejected).count();
        Some(Self { in_a_row, recent, rejected, since })
    }

    /// The last ones as bytes: how many, then a bit for each.
    pub(crate) fn recent(&self) -> Vec<u8> {
        let mut bytes = u32::try_from(self.recent.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        bytes.resize(4 + self.recent.len().div_ceil(8), 0);
        for (n, _) in self.recent.iter().enumerate().filter(|(_, rejected)| **rejected) {
            bytes[4 + n / 8] |= 1 << (n % 8);
        }
        bytes
    }

    /// Counts one more.
    pub fn push(&mut self, rejected: bool, limits: &PauseLimits) {
        self.in_a_row = if rejected { self.in_a_row + 1 } else { 0 };
        self.recent.push_back(rejected);
        self.rejected += usize::from(rejected);
        // What is before the first reject says nothing, and what is before the last so many does not count.
        while self.recent.len() > limits.last || self.recent.front() == Some(&false) {
            self.rejected -= usize::from(self.recent.pop_front() == Some(true));
        }
    }

    /// Whether a limit is reached.
    #[must_use]
    pub fn is_paused(&self, limits: &PauseLimits) -> bool {
        (limits.in_a_row > 0 && self.in_a_row >= limits.in_a_row)
            || (limits.among_last > 0 && self.rejected >= limits.among_last)
    }

    /// How many were rejected in a row, up to the last one.
    #[must_use]
    pub const fn in_a_row(&self) -> u64 {
        self.in_a_row
    }

    /// How many of the last ones were rejected.
    #[must_use]
    pub const fn rejected(&self) -> usize {
        self.rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PauseLimits = PauseLimits { in_a_row: 3, among_last: 5, last: 10 };

    fn after(outcomes: &str) -> Lately {
        let mut lately = Lately::default();
        outcomes.chars().for_each(|c| lately.push(c == 'x', &LIMITS));
        lately
    }

    #[test]
    fn so_many_in_a_row_or_among_the_last_pause() {
        for (outcomes, paused) in [
            ("", false),
            ("xx", false),
            ("xx.xx", false),
            ("..xxx", true),
            ("xxx.", false),
            ("x.x.x.x.", false),
            ("x.x.x.x.x", true),
            // The first of them is not among the last ten any more.
            ("x.x.x.x...x", false),
            ("x.x.x.x...x.x", false),
            ("x.x.x.x.xx", true),
        ] {
            assert_eq!(after(outcomes).is_paused(&LIMITS), paused, "{outcomes}");
        }
        let off = PauseLimits { in_a_row: 0, among_last: 0, last: 10 };
        assert!(!after("xxxxxxxx").is_paused(&off));
    }

    #[test]
    fn what_is_stored_is_read_again_and_a_sound_source_keeps_nothing() {
        assert_eq!(after("......"), Lately::default());
        assert_eq!(after("xx.........."), Lately::default());
        for outcomes in ["x", "x.x", "..xx.x.x.x", "x........"] {
            let lately = after(outcomes);
            let read = Lately::stored(lately.in_a_row(), &lately.recent(), None).expect("reads");
            assert_eq!(read, lately, "{outcomes}");
        }
        assert_eq!(Lately::stored(0, &[9, 0, 0, 0, 1], None), None);
        assert_eq!(Lately::stored(0, &[], None), None);
    }
}
