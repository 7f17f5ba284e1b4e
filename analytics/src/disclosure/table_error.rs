//! What can be wrong with a table that somebody brings.
//!
//! What always holds: an error names row and column and never what stands there.

/// What is wrong with a table. Rows are counted from 1 without the header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("the table has no column {0}")]
    NoColumn(String),
    #[error("row {row} ({keys}), column {column}: expected a whole number, 0 or more, `<k` or `withheld`")]
    NoCount { row: usize, keys: String, column: String },
    #[error("row {row} ({keys}): a row with these keys came before")]
    Repeated { row: usize, keys: String },
    #[error("the table has no totals: no row has `all` in any of the columns {0}")]
    NoTotals(String),
    #[error("row {row} ({keys}), column {column}: it is not the sum of its parts along {along}")]
    DoesNotAddUp { row: usize, keys: String, column: String, along: String },
    #[error("{0}")]
    Unreadable(String),
    #[error("{0}")]
    Solver(String),
}
