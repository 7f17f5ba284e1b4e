//! What analytics hands to reports: plain tables, no data frames.
//!
//! What always holds: keys are texts and come first; a measure is a whole number, a decimal that is rounded already, or
//! missing with a reason; rows are in the table's own order, so that the same snapshot gives the same bytes.

use std::borrow::Cow;

use schemas::time::Month;

/// A key column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    pub name: Cow<'static, str>,
    pub description: Cow<'static, str>,
}

/// What a measure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Reports,
    Persons,
    Submissions,
    /// A number that is no count (a share, a median); printed with this many decimals.
    Decimal(u8),
    /// A code or words.
    Text,
}

/// A measure column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasureColumn {
    pub name: Cow<'static, str>,
    pub description: Cow<'static, str>,
    pub unit: Unit,
    /// Whether a value of it may be withheld: then a column `NAME_flag` stands beside it.
    pub may_be_withheld: bool,
}

/// A measured value before disclosure control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    Count(i64),
    /// In units of 10^-decimals of its column, so that no float reaches a writer.
    Scaled(i64),
    /// There is nothing to measure (no lag without dates, no month before the first).
    Missing,
}

/// A row: keys, then values, in the order of the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub keys: Vec<Cow<'static, str>>,
    pub values: Vec<Value>,
}

/// A tidy table before disclosure control. Only [`crate::disclosure`] turns it into what a writer takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The file's name without `.csv`.
    pub name: &'static str,
    pub description: Cow<'static, str>,
    pub keys: Vec<KeyColumn>,
    pub measures: Vec<MeasureColumn>,
    pub rows: Vec<Row>,
}

/// The key of a total.
pub const ALL: &str = "all";
/// The key of what is not known.
pub const UNKNOWN: &str = "unknown";
/// How many months a table holds: those that end with the period.
pub const MONTHS: i32 = 25;

/// What a brief is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub first: Month,
    pub last: Month,
}

impl Period {
    /// Reads `2026-09`, `2026-Q3` or `2026`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(month) = Month::parse(text) {
            return Some(Self { first: month, last: month });
        }
        let (year, quarter) = match text.split_once("-Q") {
            Some((year, quarter)) => (year, Some(quarter)),
            None => (text, None),
        };
        if year.len() != 4 || !year.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let january = Month::new(year.parse().ok()?, 1)?;
        match quarter {
            None => Some(Self { first: january, last: january.plus(11) }),
            Some(q @ ("1" | "2" | "3" | "4")) => {
                let first = january.plus(3 * (q.parse::<i32>().ok()? - 1));
                Some(Self { first, last: first.plus(2) })
            }
            Some(_) => None,
        }
    }

    /// The months of the tables: 25 that end with the period.
    pub fn table_months(&self) -> impl Iterator<Item = Month> + use<> {
        let last = self.last;
        (0..MONTHS).map(move |i| last.plus(i - (MONTHS - 1)))
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.last.index() - self.first.index() {
            0 => write!(f, "{}", self.first),
            2 => write!(f, "{:04}-Q{}", self.first.year(), (self.first.month() - 1) / 3 + 1),
            _ => write!(f, "{:04}", self.first.year()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_read_and_print() {
        for text in ["2026-09", "2026-Q3", "2026"] {
            assert_eq!(Period::parse(text).map(|p| p.to_string()).as_deref(), Some(text));
        }
        for wrong in ["2026-Q5", "2026-13", "26", "2026-Q", "Q3-2026", "2026-9"] {
            assert_eq!(Period::parse(wrong), None, "{wrong}");
        }
        let months: Vec<_> =
            Period::parse("2026-09").expect("a period").table_months().map(|m| m.to_string()).collect();
        assert_eq!((months.len(), months[0].as_str(), months[24].as_str()), (25, "2024-09", "2026-09"));
    }
}
