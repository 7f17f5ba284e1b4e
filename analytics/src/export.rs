//! `export --format parquet`: coded rows with the flat columns of the coded form.

use std::path::Path;

use schemas::dataset::{Carried, CodedRow};

use crate::AnalyticsError;
use crate::dataset::{ParquetFile, ROW_GROUP, RowFrame};

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
    let carries: fn(Carried) -> bool =
        if with_text { |carried| carried != Carried::Bookkeeping } else { |carried| carried == Carried::Everywhere };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let stem = path.file_name().map_or_else(|| "export".into(), |name| name.to_string_lossy());
    let mut file = ParquetFile::create(dir, &stem)?;
    let mut frame = RowFrame::new(carries);
    let mut count = 0;
    for row in rows {
        frame.push(&row.map_err(|error| AnalyticsError::Rows(error.into()))?);
        count += 1;
        if frame.rows() == ROW_GROUP {
            file.write(&frame.take().map_err(AnalyticsError::parquet(path))?)?;
        }
    }
    if frame.rows() > 0 || count == 0 {
        // Without rows still a file with its columns.
        file.write(&frame.take().map_err(AnalyticsError::parquet(path))?)?;
    }
    file.commit(path)?;
    Ok(count)
}
