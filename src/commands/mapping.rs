//! `testigo mapping`: proposes a mapping for a table, and tries one on it. Stores, queues and sends nothing.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use ingest::channels::file::{FieldTrial, Mapping, Suggestion, Trial, suggest, try_file};
use serde_json::json;

use super::engines;
use super::import::{self, wrong_file};
use super::normalize;
use crate::Context;
use crate::cli::{MappingCheck, MappingCommand, MappingSuggest};
use crate::outcome::{Failure, Outcome, Result, print_json, say, tell};

pub fn run(context: &Context, command: &MappingCommand) -> Result {
    match command {
        MappingCommand::Suggest(arguments) => propose(context, arguments),
        MappingCommand::Check(arguments) => check(context, arguments),
    }
}

fn propose(context: &Context, arguments: &MappingSuggest) -> Result {
    if let Some(source) = &arguments.source {
        engines::source_name(source)?;
    }
    // Before the work, so that nobody waits for a refusal; and once more when it is written.
    if let Some(out) = arguments.out.as_deref().filter(|out| out.exists()) {
        return Err(exists(out));
    }
    let suggestion = suggest(&arguments.file, arguments.sheet.as_deref()).map_err(wrong_file)?;
    if let Some(out) = &arguments.out {
        let file = OpenOptions::new().write(true).create_new(true).open(out);
        let mut file = file.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(out),
            _ => Failure::from(anyhow::anyhow!("{}: {error}", out.display())),
        })?;
        file.write_all(suggestion.toml.as_bytes()).map_err(|e| anyhow::anyhow!("{}: {e}", out.display()))?;
    }
    if context.json {
        let columns: Vec<_> = suggestion
            .columns
            .iter()
            .map(|c| json!({"column": c.header, "field": c.field, "why": c.why, "private": c.private}))
            .collect();
        print_json(&json!({
            "mapping": suggestion.toml,
            "out": arguments.out,
            "rows": suggestion.rows,
            "more_rows": suggestion.more_rows,
            "header": suggestion.header,
            "sheets": suggestion.sheets,
            "sheet": suggestion.sheet,
            "columns": columns,
            "open": suggestion.open,
        }))?;
        return Ok(Outcome::Done);
    }
    let summary = summary(&suggestion, arguments);
    match arguments.out {
        Some(_) => say(summary.trim_end())?,
        None => {
            say(suggestion.toml.trim_end())?;
            tell(summary.trim_end());
        }
    }
    Ok(Outcome::Done)
}

fn exists(out: &Path) -> Failure {
    Failure::usage(format!("{} exists and is not overwritten; name another file with --out", out.display()))
}

/// What was found, for a person, and what comes next.
fn summary(found: &Suggestion, arguments: &MappingSuggest) -> String {
    let mut text = String::new();
    let file = arguments.file.display();
    let more = if found.more_rows { "the first " } else { "" };
    let header = found.header.map_or(String::new(), |row| format!(", header in row {row}"));
    let _ = writeln!(text, "{file}: {} columns{header}; looked at {more}{} rows", found.columns.len(), found.rows);
    if let Some(sheet) = found.sheet.as_deref().filter(|_| found.sheets.len() > 1) {
        let others: Vec<_> = found.sheets.iter().filter(|s| *s != sheet).map(|s| format!("{s:?}")).collect();
        let _ = writeln!(text, "sheet {sheet:?} is taken, not {}; --sheet names another", others.join(", "));
    }
    let width = found.columns.iter().map(|c| shown(&c.header).chars().count()).max().unwrap_or(0).min(32);
    let of = |header: &str| format!("{:width$}", shown(header));
    text.push_str("\nTaken:\n");
    for column in &found.columns {
        if let Some(field) = column.field {
            let _ = writeln!(text, "  {} -> {field}", of(&column.header));
        }
    }
    let private: Vec<_> = found.columns.iter().filter(|c| c.field.is_none() && c.private.is_some()).collect();
    if !private.is_empty() {
        text.push_str(
            "\nLeft out, because it looks private (never taken unless you write it into the mapping yourself):\n",
        );
        for column in private {
            let _ = writeln!(text, "  {}  {}", of(&column.header), column.private.unwrap_or_default());
        }
    }
    let others: Vec<_> = found.columns.iter().filter(|c| c.field.is_none() && c.private.is_none()).collect();
    if !others.is_empty() {
        text.push_str("\nLeft out:\n");
        for column in others {
            let _ = writeln!(text, "  {}  {}", of(&column.header), column.why);
        }
    }
    if !found.open.is_empty() {
        text.push_str("\nPlease look at:\n");
        for open in &found.open {
            let _ = writeln!(text, "  - {open}");
        }
    }
    let out = arguments.out.as_deref();
    let source = arguments.source.as_deref().map_or(String::new(), |name| format!(" --source {name}"));
    match out {
        Some(out) => {
            let (file, out) = (quoted(&arguments.file), quoted(out));
            let _ = write!(
                text,
                "\nWritten to {out}. Read it, then try it (this stores nothing):\n  testigo mapping check {file} --mapping {out}{source}\n"
            );
        }
        None => text.push_str("\nThis is a proposal; --out FILE writes it to a file.\n"),
    }
    text
}

/// A header on one line.
fn shown(header: &str) -> String {
    if header.is_empty() {
        return "(no header)".to_owned();
    }
    format!("{header:?}")
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ',' | '=' | ':' | '@' | '%');
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn check(context: &Context, arguments: &MappingCheck) -> Result {
    let source = engines::source_name(arguments.source.as_deref().unwrap_or("check"))?;
    let settings = normalize::settings(arguments.state.as_deref(), arguments.zone.as_deref(), arguments.language)?;
    let mapping = import::read_mapping(&arguments.mapping)?;
    let trial = try_file(&arguments.file, &mapping, &source, &settings, context.clock.now()).map_err(wrong_file)?;
    let sentence = sentence(&trial, &mapping, arguments);
    let good = trial.rejected == 0 && !trial.columns.stop_the_import();
    if context.json {
        let mut value = serde_json::to_value(&trial)?;
        value["good"] = json!(good);
        value["sentence"] = json!(sentence);
        print_json(&value)?;
    } else {
        say(report(&trial, arguments).trim_end())?;
        say("")?;
        say(&sentence)?;
    }
    Ok(if good { Outcome::Done } else { Outcome::SomeRejected })
}

fn report(trial: &Trial, arguments: &MappingCheck) -> String {
    let mut text = String::new();
    let file = arguments.file.display();
    let _ = writeln!(text, "{file}: {} rows", trial.rows);
    for note in &trial.notes {
        let _ = writeln!(text, "  {note}");
    }
    if trial.rows > 0 && !trial.fields.is_empty() {
        fields(&mut text, trial);
    }
    if !trial.rejects.is_empty() {
        let counted = if trial.as_shown { "as the spreadsheet counts" } else { "row 1 is the first below the header" };
        let _ = writeln!(text, "\nRows that would be rejected: {} ({counted})", trial.rejected);
        for reject in &trial.rejects {
            let first: Vec<_> = reject.first.iter().map(u64::to_string).collect();
            let more = if reject.rows > reject.first.len() as u64 { ", ..." } else { "" };
            let columns: Vec<_> = reject.columns.iter().map(|c| shown(c)).collect();
            let of = if columns.is_empty() { String::new() } else { format!(" (column {})", columns.join(", ")) };
            let rows = if reject.rows == 1 { "row" } else { "rows" };
            let _ = writeln!(text, "  {} {rows}: {first}{more}{of}", reject.rows, first = first.join(", "));
            let _ = writeln!(text, "    {} [{}]", reject.message, reject.code);
        }
    }
    if trial.same_id > 0 {
        let first: Vec<_> = trial.same_id_rows.iter().map(u64::to_string).collect();
        let more = if trial.same_id > first.len() as u64 { ", ..." } else { "" };
        let _ = writeln!(
            text,
            "\n{} rows have the id of an earlier row ({}{more}): {} say the same again, {} would be revisions of it",
            trial.same_id,
            first.join(", "),
            trial.repeats,
            trial.revisions
        );
    }
    let columns = &trial.columns;
    let mut list = |title: &str, names: &[String]| {
        if !names.is_empty() {
            let names: Vec<_> = names.iter().map(|name| shown(name)).collect();
            let _ = writeln!(text, "\n{title}: {}", names.join(", "));
        }
    };
    list("Named by the mapping, but not in the file", &columns.missing);
    list("In the file, but not in the mapping (name each in [columns] or in ignore)", &columns.unknown);
    list("Left out by the mapping", &columns.ignored);
    for (field, names) in &columns.twice {
        list(&format!("Several columns lead to {field}, which takes one"), names);
    }
    if columns.nothing_reported {
        text.push_str("\nNo column leads to narrative, event_kind or tactics, one of which each report needs\n");
    }
    text
}

fn fields(text: &mut String, trial: &Trial) {
    let accepted = trial.rows - trial.rejected;
    let width = trial.fields.iter().map(|f| f.field.len()).max().unwrap_or(0).max(5);
    let _ = writeln!(text, "\n{:width$}  filled   coded  unknown", "field");
    for field in &trial.fields {
        let filled = percent(field.filled, trial.rows);
        let (coded, unknown) = match field.field.as_str() {
            "contact" => ("-".to_owned(), "-".to_owned()),
            _ => (percent(field.coded, accepted), percent(field.unknown, accepted)),
        };
        let _ = writeln!(text, "{:width$}  {filled:>6}  {coded:>6}  {unknown:>7}  {}", field.field, whence(field));
    }
    text.push_str("filled: of all rows; coded and unknown: of the rows that are not rejected\n");
    if !trial.from_narrative.is_empty() {
        let read: Vec<_> =
            trial.from_narrative.iter().map(|(field, n)| format!("{field} {}", percent(*n, accepted))).collect();
        let _ = writeln!(text, "Read out of the narrative: {}", read.join(", "));
    }
}

/// Where a field comes from, and what of it is left out.
fn whence(field: &FieldTrial) -> String {
    let mut parts: Vec<_> = field.columns.iter().map(|column| shown(column)).collect();
    if field.constant {
        parts.push("the same for every row".to_owned());
    }
    let mut text = parts.join(", ");
    if field.left_out > 0 {
        let _ = write!(text, "; {} left out by the mapping", field.left_out);
    }
    text
}

/// Whole percents; all and nothing are said only of all and nothing.
fn percent(part: u64, whole: u64) -> String {
    match (part, whole) {
        (_, 0) => "-".to_owned(),
        (0, _) => "0 %".to_owned(),
        (part, whole) if part == whole => "100 %".to_owned(),
        (part, whole) => format!("{} %", (part * 100 / whole).clamp(1, 99)),
    }
}

/// The one sentence that says what is to be done.
fn sentence(trial: &Trial, mapping: &Mapping, arguments: &MappingCheck) -> String {
    let columns = &trial.columns;
    let is = |n: usize| if n == 1 { "column" } else { "columns" };
    if !columns.missing.is_empty() {
        let n = columns.missing.len();
        return format!(
            "Not yet: the mapping names {n} {} that the file does not have, so the import would refuse it.",
            is(n)
        );
    }
    if !columns.unknown.is_empty() {
        let n = columns.unknown.len();
        return format!("Not yet: the mapping does not name {n} {} of the file, so the import would refuse it.", is(n));
    }
    if let Some((field, _)) = columns.twice.first() {
        return format!("Not yet: several columns lead to {field}, so the import would refuse the file.");
    }
    if columns.nothing_reported {
        return "Not yet: nothing says what happened, so the import would refuse the file.".to_owned();
    }
    if trial.rows == 0 {
        return "The file has a header and no rows: there is nothing to import.".to_owned();
    }
    if trial.rejected > 0 {
        let of = trial.rows;
        return format!(
            "{} of {of} rows would be rejected; mend the rows or the mapping (a word without a code gets a line in \
             [aliases]), or import the others now and these later.",
            trial.rejected
        );
    }
    let left: u64 = trial.fields.iter().map(|field| field.left_out).sum();
    let note = match left {
        0 => String::new(),
        n => format!(" {n} cells are left out, as the mapping says (\"\")."),
    };
    let own_ids = trial.fields.iter().any(|f| f.field == "external_id");
    let ids = match own_ids || mapping.constants.contains_key("external_id") {
        true => "",
        false => " No column is the id of a row, so a corrected row would count as a second report.",
    };
    let source = arguments.source.as_deref().unwrap_or("NAME");
    let (file, mapping) = (quoted(&arguments.file), quoted(&arguments.mapping));
    format!(
        "Good: all {} rows would be accepted.{note}{ids} Import them with: testigo import --source {source} --mapping \
         {mapping} {file}",
        trial.rows
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_say_all_and_nothing_only_of_all_and_nothing() {
        for (part, whole, said) in [(0, 0, "-"), (0, 9, "0 %"), (1, 9999, "1 %"), (9998, 9999, "99 %"), (9, 9, "100 %")]
        {
            assert_eq!(percent(part, whole), said);
        }
    }

    #[test]
    fn paths_are_quoted_for_a_shell() {
        assert_eq!(quoted(Path::new("a/b-1.csv")), "a/b-1.csv");
        assert_eq!(quoted(Path::new("it's mine.csv")), r"'it'\''s mine.csv'");
    }
}
