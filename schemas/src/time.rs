//! When an event was, and how well that is known.
//!
//! What always holds: a precision never claims more than the words said, and a date that cannot be placed in one month
//! belongs to none ([`Occurred::month`]).

use std::fmt;

use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

/// How well the time of an event is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    Minute,
    Hour,
    PartOfDay,
    Day,
    Week,
    Month,
    #[default]
    Unknown,
}

impl Precision {
    /// Every precision, finest first.
    pub const ALL: [Self; 7] =
        [Self::Minute, Self::Hour, Self::PartOfDay, Self::Day, Self::Week, Self::Month, Self::Unknown];

    /// The stable name, as in the coded form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::PartOfDay => "part_of_day",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Unknown => "unknown",
        }
    }

    /// The precision of that name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == code)
    }
}

/// The order of day, month and year in a date of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    Mdy,
    Dmy,
    Ymd,
}

/// The civil date and time of an event, in the zone of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Occurred {
    pub on: Option<NaiveDate>,
    /// Hours and minutes only.
    pub time: Option<NaiveTime>,
    pub precision: Precision,
}

impl Occurred {
    /// The month that the event counts in: the one that holds the whole interval which the precision leaves open
    /// (design.md, "The two sums"). A week is an ISO week, Monday to Sunday.
    #[must_use]
    pub fn month(&self) -> Option<Month> {
        let on = self.on?;
        match self.precision {
            Precision::Unknown => None,
            Precision::Week => {
                let monday = on.checked_sub_days(Days::new(u64::from(on.weekday().num_days_from_monday())))?;
                let sunday = monday.checked_add_days(Days::new(6))?;
                (Month::of(monday) == Month::of(sunday)).then(|| Month::of(on))
            }
            _ => Some(Month::of(on)),
        }
    }
}

/// A calendar month, `2026-09`. Ordered by time; kept as months since year 0, so that months can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

impl Month {
    /// The month `month` (1 to 12) of `year`.
    #[must_use]
    pub fn new(year: i32, month: u32) -> Option<Self> {
        let month0 = i32::try_from(month).ok().filter(|m| (1..=12).contains(m))? - 1;
        ((0..=9999).contains(&year)).then_some(Self(year * 12 + month0))
    }

    /// The month that holds `date`.
    #[must_use]
    pub fn of(date: NaiveDate) -> Self {
        Self(date.year() * 12 + i32::try_from(date.month0()).unwrap_or(0))
    }

    /// Reads `YYYY-MM`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        Self::new(year.parse().ok()?, month.parse().ok()?)
    }

    #[must_use]
    pub const fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// 1 to 12.
    #[must_use]
    pub const fn month(self) -> u32 {
        (self.0.rem_euclid(12) + 1).unsigned_abs()
    }

    /// Months since year 0: what a column of integers holds.
    #[must_use]
    pub const fn index(self) -> i32 {
        self.0
    }

    /// The month of that index.
    #[must_use]
    pub const fn from_index(index: i32) -> Self {
        Self(index)
    }

    /// The month `months` later (earlier, where negative).
    #[must_use]
    pub const fn plus(self, months: i32) -> Self {
        Self(self.0 + months)
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year(), self.month(), 1).unwrap_or_default()
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> NaiveDate {
        self.plus(1).first_day().pred_opt().unwrap_or_default()
    }
}

/// As text, `2026-09`.
impl Serialize for Month {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a month is written YYYY-MM"))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).expect("a day")
    }

    #[test]
    fn months_count_and_print() {
        let dec = Month::parse("2025-12").expect("a month");
        assert_eq!(dec.plus(1).to_string(), "2026-01");
        assert_eq!(dec.plus(-12).to_string(), "2024-12");
        assert_eq!(dec.last_day(), day(2025, 12, 31));
        assert_eq!(Month::from_index(dec.index()), dec);
        for wrong in ["2025-13", "2025-00", "25-01", "2025-1", "2025", "2025-01-01", "+025-01"] {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_week_across_two_months_belongs_to_none() {
        let within = Occurred { on: Some(day(2026, 9, 9)), time: None, precision: Precision::Week };
        assert_eq!(within.month(), Month::parse("2026-09"));
        let across = Occurred { on: Some(day(2026, 9, 30)), ..within };
        assert_eq!(across.month(), None);
        let a_day = Occurred { precision: Precision::Day, ..across };
        assert_eq!(a_day.month(), Month::parse("2026-09"));
        assert_eq!(Occurred { precision: Precision::Unknown, ..across }.month(), None);
    }
}
