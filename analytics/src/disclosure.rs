//! Disclosure control: the only door between a measured table and a writer.
//!
//! What always holds: a writer takes a [`ProtectedTable`], and only [`protect_after`] makes them. A cell of 1 to k-1 is
//! [`Cell::Primary`] and its number is gone from then on. Zero is printed as 0. For one who knows all that is printed, marks
//! included, each such cell could still be 1 and could still be k-1 (docs/decisions/012).
//!
//! `system`, `protect`: cells and sums, and which further cells to hide. `brief`: the tables of a brief as one such system.
//! `earlier`: what briefs before it told. `tidy`: any table in CSV. `audit`: what a reader can work out, written apart.

pub mod audit;
pub mod earlier;
pub mod tidy;

mod brief;
mod grid;
mod network;
pub mod protect;
mod relax;
mod room;
mod search;
pub mod system;
mod table_error;

pub use brief::{ProtectedTables, protect_after, protect_all};
pub use earlier::Earlier;
pub use table_error::TableError;

#[cfg(test)]
mod engine_tests;

use std::borrow::Cow;

use crate::measures::completeness_month::POOLED;
use crate::results::{ALL, KeyColumn, MeasureColumn, Row, Table};

/// Below which count a cell is hidden (domain.md, "Disclosure").
pub const K_PLACE: i64 = 5;
/// The same for attributes of people.
pub const K_PEOPLE: i64 = 11;

/// A cell that may be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    Number(i64),
    /// In units of 10^-decimals of its column.
    Scaled(i64),
    Missing,
    /// Hidden: 1 to k-1. Prints as `<k`.
    Primary {
        k: i64,
    },
    /// Hidden so that another cell cannot be worked out. Prints as `withheld`.
    Complementary,
}

impl Cell {
    /// The number, where it is shown.
    #[must_use]
    pub const fn number(self) -> Option<i64> {
        match self {
            Self::Number(n) => Some(n),
            _ => None,
        }
    }

    #[must_use]
    pub const fn is_hidden(self) -> bool {
        matches!(self, Self::Primary { .. } | Self::Complementary)
    }

    /// The flag that stands beside it.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Primary { .. } => "primary",
            Self::Complementary => "complementary",
            _ => "",
        }
    }
}

/// A row that may be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedRow {
    pub keys: Vec<Cow<'static, str>>,
    pub cells: Vec<Cell>,
}

/// A table that may be printed.
#[derive(Debug, Clone, PartialEq)]
pub struct ProtectedTable {
    name: &'static str,
    description: Cow<'static, str>,
    keys: Vec<KeyColumn>,
    measures: Vec<MeasureColumn>,
    rows: Vec<ProtectedRow>,
}

impl ProtectedTable {
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    #[must_use]
    pub fn keys(&self) -> &[KeyColumn] {
        &self.keys
    }

    #[must_use]
    pub fn measures(&self) -> &[MeasureColumn] {
        &self.measures
    }

    #[must_use]
    pub fn rows(&self) -> &[ProtectedRow] {
        &self.rows
    }
}

/// What a brief is of. Of one state, every number has a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Everywhere,
    OneState,
}

/// The threshold of a row: k, or none where its numbers print as they are.
fn threshold(table: &Table, row: &Row, scope: Scope) -> Option<i64> {
    let key = |name: &str| table.keys.iter().position(|k| k.name == name).map(|i| &*row.keys[i]);
    let everywhere = key("state") == Some(ALL) && ["code", "kind"].iter().all(|k| key(k).is_none_or(|k| k == ALL));
    match table.name {
        // Without a place: `reports_month` and `setting_month` have the same numbers.
        "county_month" | "detainer_month" | "courthouse" if everywhere && scope == Scope::Everywhere => None,
        "county_month" | "detainer_month" => Some(K_PLACE),
        // A source's volume is its own secret; that of all who are pooled is none's.
        "completeness_month" if row.keys.last().is_some_and(|source| source != POOLED) => Some(K_PLACE),
        "courthouse" => Some(if key("dimension") == Some("court_role") { K_PEOPLE } else { K_PLACE }),
        // The whole installation's, also in a brief for one state.
        "funnel_month" | "sums" => None,
        _ => match scope {
            Scope::Everywhere => None,
            Scope::OneState => Some(K_PLACE),
        },
    }
}

/// Hides what must not be printed of one table alone, in a brief of that scope.
#[must_use]
pub fn protect_in(table: Table, scope: Scope) -> Option<ProtectedTable> {
    protect_all(&[table], scope).tables.pop()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Unit, Value};

    fn protected(name: &'static str, key: &'static str, values: Vec<Value>, scope: Scope) -> Vec<Cell> {
        let measure = |unit| MeasureColumn { name: "x".into(), description: "".into(), unit, may_be_withheld: true };
        let table = Table {
            name,
            description: "a table".into(),
            keys: vec![KeyColumn { name: "dimension".into(), description: "".into() }],
            measures: values.iter().map(|_| measure(Unit::Reports)).collect(),
            rows: vec![Row { keys: vec![key.into()], values }],
        };
        protect_in(table, scope).expect("one").rows()[0].cells.clone()
    }

    fn one_cell(name: &'static str, key: &'static str, n: i64, scope: Scope) -> Cell {
        protected(name, key, vec![Value::Count(n)], scope)[0]
    }

    #[test]
    fn small_counts_with_a_place_are_hidden_and_zero_is_not() {
        let cell = |name, key, n| one_cell(name, key, n, Scope::Everywhere);
        assert_eq!(cell("county_month", "", 0), Cell::Number(0));
        assert_eq!(cell("county_month", "", 1), Cell::Primary { k: 5 });
        assert_eq!(cell("county_month", "", 4), Cell::Primary { k: 5 });
        assert_eq!(cell("county_month", "", 5), Cell::Number(5));
        assert_eq!(cell("detainer_month", "", 4), Cell::Primary { k: 5 });
        assert_eq!(cell("courthouse", "court_role", 10), Cell::Primary { k: 11 });
        assert_eq!(cell("courthouse", "court_type", 10), Cell::Number(10));
        assert_eq!(cell("tactic_month", "", 1), Cell::Number(1), "numbers without a place print");
        assert_eq!(cell("funnel_month", "", 1), Cell::Number(1));
    }

    #[test]
    fn of_one_state_every_number_but_the_funnel_has_a_place() {
        let cell = |name, n| one_cell(name, "", n, Scope::OneState);
        assert_eq!(cell("tactic_month", 4), Cell::Primary { k: 5 });
        assert_eq!(cell("reports_month", 4), Cell::Primary { k: 5 });
        assert_eq!(cell("tactic_month", 5), Cell::Number(5));
        assert_eq!(cell("funnel_month", 4), Cell::Number(4));
        assert_eq!(cell("sums", 4), Cell::Number(4));
    }

    #[test]
    fn a_named_source_keeps_small_numbers_and_their_shares() {
        let row = |source, n| {
            let values = vec![Value::Count(n), Value::Missing, Value::Scaled(500)];
            protected("completeness_month", source, values, Scope::Everywhere)
        };
        assert_eq!(row("Line A", 4), [Cell::Primary { k: 5 }, Cell::Missing, Cell::Complementary]);
        assert_eq!(row("Line A", 5), [Cell::Number(5), Cell::Missing, Cell::Scaled(500)]);
        assert_eq!(row(POOLED, 4), [Cell::Number(4), Cell::Missing, Cell::Scaled(500)]);
    }
}
