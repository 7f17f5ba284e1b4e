//! Coded rows in and out of their table.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, Statement};
use schemas::dataset::{COLUMNS, Cell, CellSource, CodedRow};

use super::Failure;

/// `seq, effective_at, ...`
static NAMES: LazyLock<String> =
    LazyLock::new(|| COLUMNS.iter().map(|column| &*column.name).collect::<Vec<_>>().join(", "));

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let values = vec!["?"; COLUMNS.len()].join(", ");
    format!("INSERT INTO coded ({}) VALUES ({values})", *NAMES)
});

/// The statement that [`insert`] wants.
pub fn insert_sql() -> &'static str {
    &INSERT
}

/// Adds a row. `text` is room for texts that are made here, kept between rows.
pub fn insert(statement: &mut Statement<'_>, row: &CodedRow, text: &mut String) -> rusqlite::Result<()> {
    let mut index = 0;
    let mut result = Ok(());
    row.cells(|cell| {
        index += 1;
        if result.is_ok() {
            result = bind(statement, index, cell, text);
        }
    });
    result?;
    statement.raw_execute().map(drop)
}

fn bind(statement: &mut Statement<'_>, index: usize, cell: Cell<'_>, text: &mut String) -> rusqlite::Result<()> {
    match cell {
        Cell::Null => statement.raw_bind_parameter(index, rusqlite::types::Null),
        Cell::Id(id) => statement.raw_bind_parameter(index, id.as_bytes().as_slice()),
        Cell::Text(plain) => statement.raw_bind_parameter(index, plain),
        Cell::Int(number) => statement.raw_bind_parameter(index, number),
        Cell::Bool(truth) => statement.raw_bind_parameter(index, truth),
        Cell::Instant(at) => statement.raw_bind_parameter(index, at.timestamp_micros()),
        made @ (Cell::Codes(..) | Cell::Date(_) | Cell::Time(_) | Cell::Redactions(_) | Cell::Provenance(_)) => {
            text.clear();
            write_text(made, text);
            statement.raw_bind_parameter(index, text.as_str())
        }
    }
}

/// Writes the cells that are kept as text without being text. Dates and times are written by hand: the general
/// formatting of chrono would be a tenth of a whole insert.
fn write_text(cell: Cell<'_>, text: &mut String) {
    let written = match cell {
        Cell::Date(date) => write!(text, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
        Cell::Time(time) => write!(text, "{:02}:{:02}", time.hour(), time.minute()),
        Cell::Codes(codes, field) => {
            codes.each(field, |code| {
                if !text.is_empty() {
                    text.push(';');
                }
                text.push_str(code);
            });
            Ok(())
        }
        other => {
            text.push_str(other.to_text().as_deref().unwrap_or_default());
            Ok(())
        }
    };
    written.expect("a String takes all");
}

/// A row of `SELECT` over all columns in order.
struct Stored<'a>(&'a Row<'a>);

impl CellSource for Stored<'_> {
    fn id(&self, column: usize) -> Option<[u8; 16]> {
        self.0.get_ref(column).ok()?.as_blob().ok()?.try_into().ok()
    }

    fn text(&self, column: usize) -> Option<&str> {
        self.0.get_ref(column).ok()?.as_str().ok()
    }

    fn int(&self, column: usize) -> Option<i64> {
        self.0.get_ref(column).ok()?.as_i64().ok()
    }

    fn date(&self, column: usize) -> Option<NaiveDate> {
        self.text(column)?.parse().ok()
    }

    fn time(&self, column: usize) -> Option<NaiveTime> {
        NaiveTime::parse_from_str(self.text(column)?, "%H:%M").ok()
    }

    fn codes(&self, column: usize, each: &mut dyn FnMut(&str)) {
        if let Some(text) = self.text(column) {
            text.split(';').for_each(each);
        }
    }
}

/// Calls `each` with the rows of `coded` that a clause (`WHERE ... ORDER BY ...`) chooses. `Break` where it was stopped.
pub fn each(
    connection: &Connection,
    clause: &str,
    params: impl Params,
    each: &mut dyn FnMut(CodedRow) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Failure> {
    let mut statement = connection.prepare_cached(&format!("SELECT {} FROM coded {clause}", *NAMES))?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        if each(CodedRow::read(&Stored(row))?).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// One row.
pub fn get(connection: &Connection, seq: i64) -> Result<Option<CodedRow>, Failure> {
    let mut statement = connection.prepare_cached(&format!("SELECT {} FROM coded WHERE seq = ?1", *NAMES))?;
    statement.query_row([seq], |row| Ok(CodedRow::read(&Stored(row)))).optional()?.transpose().map_err(Failure::from)
}
