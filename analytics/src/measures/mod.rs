//! Measures: each file makes one table from the cube.
//!
//! What always holds: a table holds the 25 months that end with the period, dense over the units that ever reported; what
//! is not known has the key `unknown`, so rows add up to `all`; rows stand in the order of their keys.

pub mod agency_month;
pub mod completeness_month;
pub mod county_month;
pub mod courthouse;
pub mod data_dictionary;
pub(crate) mod delay;
pub mod derived;
pub mod detainer_month;
pub mod funnel_month;
pub mod reports_month;
pub mod same_sources;
pub mod setting_month;
pub mod sums;
pub mod tactic_month;
pub mod tactic_pairs;

use std::borrow::Cow;

use crate::results::{KeyColumn, MeasureColumn, Row, Table, Unit, Value};

pub(crate) const MONTH: (&str, &str) = ("month", "Month in which the event happened, YYYY-MM");

pub(crate) fn keys(columns: &[(&'static str, &'static str)]) -> Vec<KeyColumn> {
    columns
        .iter()
        .map(|(name, description)| KeyColumn { name: (*name).into(), description: (*description).into() })
        .collect()
}

/// A measure whose values may be withheld.
pub(crate) fn measure(name: &'static str, unit: Unit, description: &'static str) -> MeasureColumn {
    MeasureColumn { name: name.into(), description: description.into(), unit, may_be_withheld: true }
}

/// A measure that is always printed.
pub(crate) fn open_measure(name: &'static str, unit: Unit, description: &'static str) -> MeasureColumn {
    MeasureColumn { may_be_withheld: false, ..measure(name, unit, description) }
}

pub(crate) fn row<const K: usize, const V: usize>(keys: [Cow<'static, str>; K], values: [i64; V]) -> Row {
    Row { keys: keys.into(), values: values.map(Value::Count).into() }
}

pub(crate) fn table(
    name: &'static str,
    description: &'static str,
    keys: Vec<KeyColumn>,
    measures: Vec<MeasureColumn>,
    rows: Vec<Row>,
) -> Table {
    Table { name, description: description.into(), keys, measures, rows }
}
