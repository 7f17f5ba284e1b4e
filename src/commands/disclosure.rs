//! `testigo disclosure`: the suppression engine, and its audit, on any tidy table with totals.
//!
//! What always holds: nothing that is printed here repeats a number that the table hides; `audit` sees the printed table alone.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use analytics::disclosure::audit::Printed;
use analytics::disclosure::tidy;
use anyhow::Context as _;
use serde::Serialize;

use crate::Context;
use crate::cli::{Disclosure, TidyTable};
use crate::outcome::{Failure, Outcome, Result, print_json, say, tell};

pub fn run(context: &Context, command: &Disclosure) -> Result {
    match command {
        Disclosure::Protect { table, out } => protect(context, table, out.as_deref()),
        Disclosure::Audit { table } => audit(context, table),
    }
}

fn read(table: &TidyTable) -> Result<Vec<u8>, Failure> {
    Ok(fs::read(&table.file).with_context(|| table.file.display().to_string())?)
}

fn named(table: &TidyTable) -> impl FnOnce(analytics::disclosure::TableError) -> Failure {
    let name = table.file.display().to_string();
    move |error| anyhow::Error::new(error).context(name).into()
}

#[derive(Serialize)]
struct ProtectSummary<'a> {
    cells: usize,
    primary: usize,
    complementary: usize,
    left_out: &'a [String],
    unprotected: &'a [String],
    out: Option<&'a Path>,
}

fn protect(context: &Context, table: &TidyTable, out: Option<&Path>) -> Result {
    let protected = tidy::protect(&read(table)?, &table.keys, &table.value, table.k).map_err(named(table))?;
    for row in &protected.unprotected {
        tell(format_args!("testigo: {row}: too much around it is printed, it cannot be hidden"));
    }
    if !protected.unprotected.is_empty() {
        return Ok(Outcome::Failed);
    }
    match out {
        Some(path) => fs::write(path, &protected.csv).with_context(|| path.display().to_string())?,
        // With --json stdout is the object alone.
        None if context.json => {}
        None => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(&protected.csv)?;
            stdout.flush()?;
        }
    }
    if context.json {
        print_json(&ProtectSummary {
            cells: protected.cells,
            primary: protected.primary,
            complementary: protected.complementary,
            left_out: &protected.left_out,
            unprotected: &protected.unprotected,
            out,
        })?;
    } else {
        let left_out = match protected.left_out.len() {
            0 => String::new(),
            n => format!(", {n} rows left out, because no marks could hide what they say"),
        };
        tell(format_args!(
            "{} cells: {} primary, {} complementary{left_out}",
            protected.cells, protected.primary, protected.complementary
        ));
    }
    Ok(Outcome::Done)
}

#[derive(Serialize)]
struct CellFound {
    cell: String,
    shown: String,
    low: i64,
    high: Option<i64>,
    too_tight: bool,
}

fn audit(context: &Context, table: &TidyTable) -> Result {
    let text = read(table)?;
    let printed = Printed::read(&text, &table.keys, &table.value, table.k).map_err(named(table))?;
    let findings = printed.audit().map_err(named(table))?;
    let cells: Vec<_> = findings
        .iter()
        .map(|finding| CellFound {
            cell: printed.name(finding.cell),
            shown: printed.mark(finding.cell),
            low: finding.bounds.low,
            high: finding.bounds.high,
            too_tight: finding.too_tight,
        })
        .collect();
    let too_tight = cells.iter().filter(|cell| cell.too_tight).count();
    let put_back: Vec<String> = printed.put_back().into_iter().map(|row| printed.name(row)).collect();
    let remedies: Vec<String> = match too_tight {
        0 => Vec::new(),
        _ => printed.remedies(&findings).into_iter().map(|row| printed.name(row)).collect(),
    };
    if context.json {
        print_json(&serde_json::json!({
            "hidden": cells.len(), "too_tight": too_tight, "printed": put_back, "to_withhold": remedies, "cells": cells,
        }))?;
    } else {
        for cell in &put_back {
            say(format_args!("PRINTED {cell}: this number was hidden, or is below {}", table.k))?;
        }
        for cell in &cells {
            let high = cell.high.map_or_else(|| "no end".to_owned(), |high| high.to_string());
            let verdict = if cell.too_tight { "TOO TIGHT " } else { "" };
            say(format_args!("{verdict}{} ({}): {} to {high}", cell.cell, cell.shown, cell.low))?;
        }
        for cell in &remedies {
            say(format_args!("WITHHOLD {cell}: with this number hidden no other is known too well"))?;
        }
        let printed = if put_back.is_empty() { String::new() } else { format!(", {} printed", put_back.len()) };
        tell(format_args!("{} hidden cells, {too_tight} known too well{printed}", cells.len()));
    }
    Ok(if too_tight == 0 && put_back.is_empty() { Outcome::Done } else { Outcome::Failed })
}
