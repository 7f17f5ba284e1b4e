//! Under which rules an enforcement priority was claimed: a number means what the rules of its day say.

use chrono::NaiveDate;

use super::codes::{REGIMES, Text2};

/// Rules that ranked whom to arrest, with the days on which they held.
#[derive(Clone, Copy, Debug)]
pub struct Regime {
    /// Stable identifier (`johnson_2014`).
    pub name: &'static str,
    pub label: Text2,
    /// The date of the memo.
    pub issued: NaiveDate,
    /// First day in force.
    pub from: NaiveDate,
    /// Last day in force, included; `None` while it holds.
    pub to: Option<NaiveDate>,
    /// Whether its priorities carry numbers: only then do `priority_1` to `priority_3` mean something.
    pub numbered: bool,
    /// The document.
    pub source: &'static str,
    /// What a reader must know of it.
    pub note: &'static str,
}

/// The regime in force on a civil date; `None` before the first of the list.
#[must_use]
pub fn priority_regime(on: NaiveDate) -> Option<&'static Regime> {
    REGIMES.iter().find(|regime| regime.from <= on && regime.to.is_none_or(|to| on <= to))
}
