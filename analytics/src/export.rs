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

#[cfg(test)]
mod tests {
    use polars::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::testing::arrest;

    type Fault = Box<dyn std::error::Error + Send + Sync>;

    fn columns(path: &Path) -> (Vec<String>, usize) {
        let path = PlRefPath::try_from_path(path).expect("a path");
        let frame =
            LazyFrame::scan_parquet(path, ScanArgsParquet::default()).and_then(LazyFrame::collect).expect("reads");
        (frame.get_column_names().iter().map(ToString::to_string).collect(), frame.height())
    }

    #[test]
    fn the_columns_are_those_of_the_coded_form() {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join("reports.parquet");
        let rows = || (1..=3).map(|seq| Ok::<_, Fault>(arrest(seq, "2026-01-05")));
        assert_eq!(write_parquet(rows(), &path, false).expect("writes"), 3);
        let (names, height) = columns(&path);
        assert_eq!(height, 3);
        assert_eq!(&names[..4], ["report_id", "external_id", "source", "revision"]);
        for absent in ["seq", "effective_at", "standing", "month", "withdrawn", "narrative", "redactions"] {
            assert!(!names.iter().any(|name| name == absent), "{absent}");
        }
        assert_eq!(write_parquet(rows(), &path, true).expect("writes over it"), 3);
        let (names, _) = columns(&path);
        assert!(names.iter().any(|name| name == "narrative") && names.iter().any(|name| name == "redactions"));
    }

    #[test]
    fn without_rows_there_are_still_columns() {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join("none.parquet");
        assert_eq!(write_parquet(std::iter::empty::<Result<CodedRow, Fault>>(), &path, false).expect("writes"), 0);
        assert_eq!(columns(&path).1, 0);
    }

    #[test]
    fn a_full_disk_says_so() {
        let dir = TempDir::new().expect("a directory");
        let unfinished = dir.path().join("reports.parquet.unfinished");
        std::os::unix::fs::symlink("/dev/full", unfinished).expect("a device that is always full");
        let rows = [Ok::<_, Fault>(arrest(1, "2026-01-05"))];
        let error = write_parquet(rows.into_iter(), &dir.path().join("reports.parquet"), false).expect_err("full");
        let AnalyticsError::Io { source, .. } = error else { panic!("{error}") };
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 0);
    }

    #[test]
    fn rows_that_stop_leave_no_file() {
        let dir = TempDir::new().expect("a directory");
        let rows = [Ok(arrest(1, "2026-01-05")), Err(Fault::from("the store is gone"))];
        let error = write_parquet(rows.into_iter(), &dir.path().join("half.parquet"), false).expect_err("stops");
        assert!(error.to_string().contains("the store is gone"));
        assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 0);
        let nowhere = dir.path().join("nowhere/reports.parquet");
        let error =
            write_parquet(std::iter::empty::<Result<CodedRow, Fault>>(), &nowhere, false).expect_err("no directory");
        assert!(matches!(error, AnalyticsError::Io { .. }), "{error}");
    }
}
