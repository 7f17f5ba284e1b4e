//! Disclosure control: the only door between a measured table and a writer.
//!
//! What always holds: a writer takes a [`ProtectedTable`], and only [`protect`] makes one. A cell of 1 to k-1 is
//! [`Cell::Primary`] and its number is gone from then on. Zero is printed as 0.
//!
//! This is primary suppression alone. Until complementary suppression and its audit stand, every brief says "draft, not
//! for publication".

use std::borrow::Cow;

use crate::results::{KeyColumn, MeasureColumn, Row, Table, Value};

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
    Primary { k: i64 },
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

/// The threshold of a row: k, or none where its numbers print as they are.
fn threshold(table: &Table, row: &Row) -> Option<i64> {
    match table.name {
        "county_month" | "detainer_month" => Some(K_PLACE),
        "courthouse" => {
            let dimension = table.keys.iter().position(|k| k.name == "dimension").map(|i| &*row.keys[i]);
            Some(if dimension == Some("court_role") { K_PEOPLE } else { K_PLACE })
        }
        _ => None,
    }
}

/// Hides what must not be printed.
#[must_use]
pub fn protect(table: Table) -> ProtectedTable {
    let rows = table
        .rows
        .iter()
        .map(|row| {
            let k = threshold(&table, row);
            let cells = row.values.iter().map(|value| match (*value, k) {
                (Value::Count(n), Some(k)) if (1..k).contains(&n) => Cell::Primary { k },
                (Value::Count(n), _) => Cell::Number(n),
                (Value::Scaled(n), _) => Cell::Scaled(n),
                (Value::Missing, _) => Cell::Missing,
            });
            ProtectedRow { keys: row.keys.clone(), cells: cells.collect() }
        })
        .collect();
    ProtectedTable { name: table.name, description: table.description, keys: table.keys, measures: table.measures, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Unit;

    fn one_row(name: &'static str, dimension: &'static str, n: i64) -> Cell {
        let table = Table {
            name,
            description: "a table".into(),
            keys: vec![KeyColumn { name: "dimension".into(), description: "".into() }],
            measures: vec![MeasureColumn {
                name: "reports".into(),
                description: "".into(),
                unit: Unit::Reports,
                may_be_withheld: true,
            }],
            rows: vec![Row { keys: vec![dimension.into()], values: vec![Value::Count(n)] }],
        };
        protect(table).rows()[0].cells[0]
    }

    #[test]
    fn small_counts_with_a_place_are_hidden_and_zero_is_not() {
        assert_eq!(one_row("county_month", "", 0), Cell::Number(0));
        assert_eq!(one_row("county_month", "", 1), Cell::Primary { k: 5 });
        assert_eq!(one_row("county_month", "", 4), Cell::Primary { k: 5 });
        assert_eq!(one_row("county_month", "", 5), Cell::Number(5));
        assert_eq!(one_row("courthouse", "court_role", 10), Cell::Primary { k: 11 });
        assert_eq!(one_row("courthouse", "court_type", 10), Cell::Number(10));
        assert_eq!(one_row("tactic_month", "", 1), Cell::Number(1), "numbers without a place print");
    }
}
