//! Coded rows as data frames, and data frames as Parquet files.
//!
//! What always holds: columns and their order are those of `schemas::dataset::COLUMNS`. Ids are 32 hexadecimal digits and
//! times `HH:MM`, as text, the same as in CSV: every tool shows, joins and filters them, which it does not with 16 raw
//! bytes, and the column is read for nothing but that. Lists of codes are lists of text, instants are UTC.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;
use schemas::dataset::{COLUMNS, Carried, Cell, CodedRow, ColumnType};

use super::files::Pending;
use crate::AnalyticsError;

/// Rows in a row group: what a writer holds in memory, and the least that a reader takes at once.
pub(crate) const ROW_GROUP: usize = 1 << 16;

/// Collects the cells of one column.
pub(super) enum Builder {
    Text(StringChunkedBuilder),
    Codes(ListStringChunkedBuilder),
    Int(PrimitiveChunkedBuilder<Int64Type>),
    Bool(BooleanChunkedBuilder),
    Date(PrimitiveChunkedBuilder<Int32Type>),
    Instant(PrimitiveChunkedBuilder<Int64Type>),
}

impl Builder {
    pub(super) fn new(name: &str, ty: ColumnType) -> Self {
        let name = PlSmallStr::from_str(name);
        match ty {
            ColumnType::Id | ColumnType::Text | ColumnType::Time | ColumnType::Json => {
                Self::Text(StringChunkedBuilder::new(name, ROW_GROUP))
            }
            ColumnType::Codes => Self::Codes(ListStringChunkedBuilder::new(name, ROW_GROUP, ROW_GROUP)),
            ColumnType::Int => Self::Int(PrimitiveChunkedBuilder::new(name, ROW_GROUP)),
            ColumnType::Bool => Self::Bool(BooleanChunkedBuilder::new(name, ROW_GROUP)),
            ColumnType::Date => Self::Date(PrimitiveChunkedBuilder::new(name, ROW_GROUP)),
            ColumnType::Instant => Self::Instant(PrimitiveChunkedBuilder::new(name, ROW_GROUP)),
        }
    }

    fn push(&mut self, cell: &Cell<'_>) {
        match (self, cell) {
            (Self::Text(column), cell) => column.append_option(cell.to_text()),
            (Self::Codes(column), Cell::Codes(codes, axis)) => {
                let mut list = Vec::with_capacity(8);
                codes.each(*axis, |code| list.push(code));
                column.append_values_iter(list.into_iter());
            }
            (Self::Int(column), Cell::Int(n)) => column.append_value(*n),
            (Self::Bool(column), Cell::Bool(b)) => column.append_value(*b),
            (Self::Date(column), Cell::Date(date)) => column.append_value(days_since_1970(*date)),
            (Self::Instant(column), Cell::Instant(at)) => column.append_value(at.timestamp_micros()),
            (column, cell) => {
                debug_assert!(matches!(cell, Cell::Null), "cells have the types of their columns");
                column.push_null();
            }
        }
    }

    pub(super) fn push_null(&mut self) {
        match self {
            Self::Text(column) => column.append_null(),
            Self::Codes(column) => column.append_null(),
            Self::Int(column) | Self::Instant(column) => column.append_null(),
            Self::Bool(column) => column.append_null(),
            Self::Date(column) => column.append_null(),
        }
    }

    pub(super) fn finish(self) -> PolarsResult<Column> {
        Ok(match self {
            Self::Text(column) => column.finish().into_column(),
            Self::Codes(mut column) => column.finish().into_column(),
            Self::Int(column) => column.finish().into_column(),
            Self::Bool(column) => column.finish().into_column(),
            Self::Date(column) => column.finish().into_column().cast(&DataType::Date)?,
            Self::Instant(column) => column.finish().into_column().cast(&instant_type())?,
        })
    }
}

/// The type of instants.
pub(crate) const fn instant_type() -> DataType {
    DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
}

pub(super) fn days_since_1970(date: NaiveDate) -> i32 {
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).expect("chrono's years fit in 32 bits of days")
}

/// Collects rows until they are taken as a data frame.
pub(crate) struct RowFrame {
    /// A builder for each column that is carried, by its index in [`COLUMNS`].
    builders: Vec<Option<Builder>>,
    carries: fn(Carried) -> bool,
    rows: usize,
}

impl RowFrame {
    /// For the columns that `carries` picks.
    pub(crate) fn new(carries: fn(Carried) -> bool) -> Self {
        let mut frame = Self { builders: Vec::new(), carries, rows: 0 };
        frame.builders = frame.fresh();
        frame
    }

    fn fresh(&self) -> Vec<Option<Builder>> {
        COLUMNS.iter().map(|c| (self.carries)(c.carried).then(|| Builder::new(&c.name, c.ty))).collect()
    }

    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn push(&mut self, row: &CodedRow) {
        let mut builders = self.builders.iter_mut();
        row.cells(|cell| {
            if let Some(Some(builder)) = builders.next() {
                builder.push(&cell);
            }
        });
        self.rows += 1;
    }

    /// The rows so far; the next ones begin anew.
    pub(crate) fn take(&mut self) -> PolarsResult<DataFrame> {
        let fresh = self.fresh();
        let builders = std::mem::replace(&mut self.builders, fresh);
        let columns = builders.into_iter().flatten().map(Builder::finish).collect::<PolarsResult<Vec<_>>>()?;
        DataFrame::new(std::mem::take(&mut self.rows), columns)
    }
}

/// A Parquet file that is being written, a row group at a time.
pub(crate) struct ParquetFile {
    pending: Pending,
    writer: Option<BatchedWriter<Output>>,
    failed: Arc<OnceLock<io::Error>>,
}

impl ParquetFile {
    /// Begins a file in `dir`.
    pub(crate) fn create(dir: &Path, stem: &str) -> Result<Self, AnalyticsError> {
        Ok(Self { pending: Pending::create(dir, stem)?, writer: None, failed: Arc::default() })
    }

    pub(crate) fn path(&self) -> &Path {
        self.pending.path()
    }

    /// Writes a row group. The first one gives the file its columns.
    pub(crate) fn write(&mut self, frame: &DataFrame) -> Result<(), AnalyticsError> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                let output = Output { file: self.pending.writer()?, failed: Arc::clone(&self.failed) };
                ParquetWriter::new(output)
                    .with_compression(ParquetCompression::Zstd(None))
                    .batched(frame.schema())
                    .map_err(|error| self.error(error))?
            }
        };
        writer.write_batch(frame).map_err(|error| self.error(error))?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Ends the file and gives it its name. Returns its length in bytes.
    pub(crate) fn commit(mut self, path: &Path) -> Result<u64, AnalyticsError> {
        if let Some(writer) = self.writer.take() {
            writer.finish().map_err(|error| self.error(error))?;
        }
        self.pending.commit(path)
    }

    /// What the system said, where it was the system; polars keeps of that no more than a text.
    fn error(&self, error: PolarsError) -> AnalyticsError {
        match self.failed.get().and_then(io::Error::raw_os_error) {
            Some(code) => AnalyticsError::io(self.path())(io::Error::from_raw_os_error(code)),
            None => AnalyticsError::parquet(self.path())(error),
        }
    }
}

/// A file that keeps the error of a failed write, such as that the disk is full.
struct Output {
    file: File,
    failed: Arc<OnceLock<io::Error>>,
}

impl Output {
    fn keep<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            let copy = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            // The first one is the cause.
            let _ = self.failed.set(copy);
        })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.keep(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.keep(flushed)
    }
}
