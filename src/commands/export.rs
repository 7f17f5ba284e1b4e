//! `testigo export`: coded rows, or rejects, to a file.
//!
//! What always holds: the file appears whole or not at all; narratives leave only where the operator allows it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::sync_channel;

use ingest::store::{Range, Store, StoreError};
use schemas::clock::rfc3339;
use schemas::dataset::{COLUMNS, Carried, Cell, CodedRow};

use super::engines;
use super::simulate::month;
use crate::Context;
use crate::cli::{Export, Format, Rows};
use crate::outcome::{Failure, Outcome, Result, print_json, say};

pub fn run(context: &Context, arguments: &Export) -> Result {
    let range = Range {
        from: arguments.from.as_deref().map(|m| month("--from", m)).transpose()?,
        to: arguments.to.as_deref().map(|m| month("--to", m)).transpose()?,
        history: arguments.history,
    };
    let installation = engines::installation(context)?;
    let mut store = engines::store(context, &installation)?;
    let with_text = context.config().export.narratives;
    let rows = match (arguments.rows, arguments.format) {
        (Rows::Reports, Format::Parquet) => parquet(store, range, &arguments.out, with_text)?,
        (Rows::Reports, Format::Csv) => {
            let mut rows = 0u64;
            write_whole(&arguments.out, |out| {
                let mut csv = csv::Writer::from_writer(out);
                let shown = || COLUMNS.iter().filter(|c| c.carried != Carried::Bookkeeping);
                csv.write_record(shown().map(|c| c.name.as_bytes()))?;
                each(&mut store, range, |row| {
                    rows += 1;
                    write_csv_row(&mut csv, &row, with_text)
                })?;
                csv.flush()?;
                Ok(())
            })?;
            rows
        }
        (Rows::Reports, Format::Ndjson) => {
            let mut rows = 0u64;
            write_whole(&arguments.out, |out| {
                each(&mut store, range, |mut row| {
                    rows += 1;
                    if !with_text {
                        row.report.narrative = None;
                    }
                    serde_json::to_writer(&mut *out, &row.report)?;
                    out.write_all(b"\n")?;
                    Ok(())
                })
            })?;
            rows
        }
        (Rows::Rejects, Format::Parquet) => return Err(Failure::usage("rejects are exported as csv or ndjson")),
        (Rows::Rejects, format) => rejects(&mut store, format, &arguments.out)?,
    };
    if context.json {
        print_json(&serde_json::json!({"rows": rows, "out": arguments.out}))?;
    } else {
        say(format_args!("{}: {rows} rows", arguments.out.display()))?;
    }
    Ok(Outcome::Done)
}

/// Writes beside the file and moves it into place when it is whole and durable.
fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Failure>) -> Result<(), Failure> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wrong = |e: std::io::Error| anyhow::anyhow!("{}: {e}", path.display());
    let temporary = tempfile::NamedTempFile::new_in(parent).map_err(wrong)?;
    let mut out = BufWriter::with_capacity(1 << 18, temporary.reopen().map_err(wrong)?);
    write(&mut out)?;
    let file = out.into_inner().map_err(|e| wrong(e.into_error()))?;
    file.sync_all().map_err(wrong)?;
    temporary.persist(path).map_err(|e| wrong(e.error))?;
    Ok(())
}

/// Calls `write` with each row; its error ends the reading.
fn each(
    store: &mut impl Store,
    range: Range,
    mut write: impl FnMut(CodedRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = None;
    store.rows(range, &mut |row| match write(row) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failed.map_or(Ok(()), Err)
}

fn write_csv_row<W: Write>(csv: &mut csv::Writer<W>, row: &CodedRow, with_text: bool) -> Result<(), Failure> {
    let mut columns = COLUMNS.iter();
    let mut failed = None;
    row.cells(|cell: Cell<'_>| {
        let Some(column) = columns.next() else { return };
        if column.carried == Carried::Bookkeeping || failed.is_some() {
            return;
        }
        let text = if column.name == "narrative" && !with_text { None } else { cell.to_text() };
        failed = csv.write_field(text.as_deref().unwrap_or("")).err();
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    csv.write_record(None::<&[u8]>)?;
    Ok(())
}

/// Rows stream from the store to the writer over a short channel.
fn parquet(mut store: impl Store, range: Range, path: &Path, with_text: bool) -> Result<u64, Failure> {
    let (rows_in, rows_out) = sync_channel::<Result<CodedRow, StoreError>>(1024);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut send = |row| match rows_in.send(Ok(row)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            };
            if let Err(error) = store.rows(range, &mut send) {
                // The writer, where it still listens, ends with this error.
                let _ = rows_in.send(Err(error));
            }
        });
        Ok(analytics::export::write_parquet(rows_out.into_iter(), path, with_text)?)
    })
}

fn rejects(store: &mut impl Store, format: Format, path: &Path) -> Result<u64, Failure> {
    let mut letters = Vec::new();
    store.dead_letters(&mut |letter| {
        letters.push(letter);
        ControlFlow::Continue(())
    })?;
    write_whole(path, |out| {
        if format == Format::Ndjson {
            for letter in &letters {
                let line = serde_json::json!({
                    "id": letter.id,
                    "external_id": null,
                    "report_id": letter.report_id,
                    "source": letter.source,
                    "received_at": rfc3339(letter.received_at),
                    "batch": letter.batch,
                    "row": letter.row,
                    "reject": letter.reject,
                });
                serde_json::to_writer(&mut *out, &line)?;
                out.write_all(b"\n")?;
            }
            return Ok(());
        }
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(["id", "source", "received_at", "batch", "row", "report_id", "code", "field", "message"])?;
        for letter in &letters {
            csv.write_record([
                letter.id.to_string().as_str(),
                letter.source.as_str(),
                &rfc3339(letter.received_at),
                &letter.batch.map_or(String::new(), |b| b.to_string()),
                &letter.row.map_or(String::new(), |r| r.to_string()),
                &letter.report_id.map_or(String::new(), |r| r.to_string()),
                letter.reject.code.as_str(),
                letter.reject.field.as_deref().unwrap_or(""),
                &letter.reject.message(),
            ])?;
        }
        csv.flush()?;
        Ok(())
    })?;
    Ok(letters.len() as u64)
}
