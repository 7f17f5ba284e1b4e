//! How our codes stand beside what others count: ICE's own apprehension methods, and the filters of the ICEwatch map
//! ([`Setting::icewatch`], [`Tactic::icewatch`]). A mapping exists only where it is certain.

use chrono::NaiveDate;

use super::codes::{ICE_METHODS, IceGroup, SERIES_BREAKS, Setting, Tactic, Text2};

/// One of ICE's apprehension methods.
#[derive(Clone, Copy, Debug)]
pub struct IceMethod {
    /// As the official files write it.
    pub name: &'static str,
    /// The Deportation Data Project's group.
    pub group: IceGroup,
    /// Our setting, where the method alone says it.
    pub setting: Option<Setting>,
    /// Our tactic, where the method alone says it.
    pub tactic: Option<Tactic>,
}

/// A change in how ICE counts: months before and after cannot be compared.
#[derive(Clone, Copy, Debug)]
pub struct SeriesBreak {
    /// Stable identifier (`cap_folded_2025`).
    pub name: &'static str,
    /// The break lies between these two days, both included.
    pub earliest: NaiveDate,
    pub latest: NaiveDate,
    /// What a brief prints.
    pub note: Text2,
}

/// The method of an official file. Case, spaces and punctuation do not matter. Allocates nothing.
#[must_use]
pub fn ice_method(method: &str) -> Option<&'static IceMethod> {
    ICE_METHODS.iter().find(|known| letters(known.name).eq(letters(method)))
}

/// The group of a method of an official file; `None` for a method that the crosswalk does not know.
#[must_use]
pub fn ice_method_group(method: &str) -> Option<IceGroup> {
    ice_method(method).map(|known| known.group)
}

/// The breaks that a series from `first` to `last` (civil dates, included) reaches over or into.
pub fn series_break_within(first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = &'static SeriesBreak> {
    SERIES_BREAKS.iter().filter(move |brk| first <= brk.latest && brk.earliest <= last)
}

/// What tells two methods apart: letters and digits, in lower case.
fn letters(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}
