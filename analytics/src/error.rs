//! What can go wrong between a snapshot and its tables.
//!
//! What always holds: an error says what to do about it and never repeats a value of a report.

use std::io;
use std::path::{Path, PathBuf};

use polars::error::PolarsError;
use schemas::clock::{Instant, rfc3339};
use schemas::report::StateCode;
use schemas::time::Month;

use crate::results::Period;

/// Why a snapshot could not be written, read or measured.
#[derive(Debug, thiserror::Error)]
pub enum AnalyticsError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },

    /// A Parquet file or a query over it.
    #[error("{path}: {problem}")]
    Parquet { path: PathBuf, problem: String },

    /// The caller's rows stopped with an error.
    #[error("the rows for the snapshot cannot be read: {0}")]
    Rows(#[source] Box<dyn std::error::Error + Send + Sync>),

    #[error("{0} holds no snapshot yet: run `testigo snapshot`")]
    NoSnapshot(PathBuf),

    #[error(
        "the snapshot in {path} is of dataset version {found}, this program writes {ours}: move it away and run \
         `testigo snapshot`, which makes it anew from the store"
    )]
    OtherVersion { path: PathBuf, found: String, ours: &'static str },

    #[error(
        "the snapshot in {0} belongs to another installation: give each data directory its own, or move it away and run \
         `testigo snapshot`"
    )]
    OtherInstallation(PathBuf),

    #[error(
        "{path} is damaged ({problem}): move the snapshot's directory away and run `testigo snapshot`, which makes it anew \
         from the store"
    )]
    Damaged { path: PathBuf, problem: String },

    #[error("row {seq} has no report id: it is no row of a store")]
    NoReportId { seq: i64 },

    #[error("row {seq} came after row {after}: rows must come in the order of their sequence numbers")]
    OutOfOrder { seq: i64, after: i64 },

    #[error("report {report_id} has two rows that are both current: the snapshot lacks a superseded row")]
    TwoCurrent { report_id: String },

    #[error("column {column} of the snapshot does not hold what the dataset contract says")]
    Unreadable { column: String },

    #[error("column {column} holds a code that this program's taxonomy does not have: a newer program wrote it")]
    UnknownCode { column: &'static str },

    #[error("the snapshot holds no reports yet: import some first")]
    EmptySnapshot,

    #[error("the snapshot holds nothing as of {}: its first report is of {}", rfc3339(*as_of), rfc3339(*first))]
    NothingAsOf { as_of: Instant, first: Instant },

    #[error("there is nothing to say of {period}: {}", reach(*dated, *received))]
    NoData {
        period: Period,
        /// First and last month in which a report's event is dated.
        dated: Option<(Month, Month)>,
        /// First and last month in which anything was received.
        received: Option<(Month, Month)>,
    },

    #[error("no report is from {0}")]
    NoReportsInState(StateCode),

    #[error("the sum `{sum}` of {scope} does not add up: {left_name} is {left}, {right_name} is {right}")]
    DoesNotAddUp {
        sum: &'static str,
        /// A month, or `all`.
        scope: String,
        left_name: &'static str,
        left: i64,
        right_name: &'static str,
        right: i64,
    },
}

fn reach(dated: Option<(Month, Month)>, received: Option<(Month, Month)>) -> String {
    let span = |span: Option<(Month, Month)>| match span {
        Some((first, last)) => format!("{first} to {last}"),
        None => "no month".into(),
    };
    format!("reports are dated in {} and were received in {}", span(dated), span(received))
}

impl AnalyticsError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// What polars says of a file or a query. Its own words may repeat a value, so only its kind of error is kept, and the
    /// words where they are the system's or about columns.
    pub(crate) fn parquet(path: &Path) -> impl FnOnce(PolarsError) -> Self + use<'_> {
        move |error| {
            let problem = match &error {
                PolarsError::IO { error, .. } => error.to_string(),
                PolarsError::ColumnNotFound(column) => format!("there is no column {column}"),
                PolarsError::SchemaMismatch(_) | PolarsError::SchemaFieldNotFound(_) => {
                    "its columns are not ours".into()
                }
                PolarsError::OutOfBounds(_) | PolarsError::ShapeMismatch(_) => "its parts do not fit together".into(),
                _ => "it is no Parquet file that we can read or write".into(),
            };
            Self::Parquet { path: path.to_owned(), problem }
        }
    }
}
