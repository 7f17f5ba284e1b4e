//! Writes the proposal down: a mapping file with its reasons, for who has to say yes to it.
//!
//! What always holds: no cell is written but words of codes, and of these only what [`Shown`] lets through; every text of
//! the file stands in quotation marks on one line, so that none can end a comment.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use schemas::geography;
use schemas::provenance::Field;
use schemas::taxonomy;

use super::guess::{self, Column, Guess};
use super::profile::{Profile, Separator};
use super::words::{self, Meaning, NO, YES};
use super::{Proposed, Sample, Suggestion, quoted};
use crate::redact::Redactor;

/// A word that we do not know is shown only where so many rows have it: a name seldom stands that often.
const ROWS_TO_SHOW: u32 = 3;
const LONGEST_SHOWN: usize = 40;

/// What is written for the words of a column of codes.
#[derive(Debug, Default)]
struct Shown {
    /// The file's word, our code (empty: nothing), why.
    lines: Vec<(String, &'static str, String)>,
    /// Words that may not be shown, and their rows.
    hidden: u32,
    hidden_rows: u32,
    /// Words that are shown and have no code.
    open: u32,
}

pub(super) fn render(path: &Path, sample: Sample, guesses: &[Guess]) -> Suggestion {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut open = Vec::new();
    let mut toml = String::with_capacity(4096);
    let out = &mut toml;
    head(out, &name, &sample);
    ignore(out, &sample, guesses);
    columns(out, &sample, guesses);
    constants(out, &sample, guesses, &mut open);
    let separator = aliases(out, &sample, guesses, &mut open);
    format(out, &sample, guesses, separator, &mut open);
    let proposed = sample.columns.iter().zip(guesses).map(|(column, guess)| Proposed {
        header: column.header.clone(),
        field: guess.field,
        why: guess.why.clone(),
        private: guess.private,
    });
    Suggestion {
        columns: proposed.collect(),
        toml,
        rows: sample.rows,
        more_rows: sample.more_rows,
        header: sample.header,
        sheets: sample.sheets,
        sheet: sample.sheet,
        open,
    }
}

fn head(out: &mut String, name: &str, sample: &Sample) {
    let shown = quoted(name);
    line(
        out,
        format_args!(
            "# A mapping for {shown}, proposed by `testigo mapping suggest`. It is a guess: read it once, then try it."
        ),
    );
    let rows = match sample.more_rows {
        true => format!("the first {} rows, and more for the words of codes", sample.rows),
        false => format!("{} rows", sample.rows),
    };
    match sample.header {
        Some(number) => line(out, format_args!("# Looked at: the header in line {number}, and {rows}.")),
        None => line(out, format_args!("# Looked at: {rows}.")),
    }
    if sample.sheets.len() > 1 {
        let sheets: Vec<_> = sample.sheets.iter().map(|sheet| quoted(sheet)).collect();
        line(out, format_args!("# The workbook has these sheets: {}.", sheets.join(", ")));
    }
    out.push('\n');
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}

/// A long comment, over several lines.
fn wrapped(out: &mut String, text: &str) {
    let mut at = 0;
    for word in text.split(' ') {
        if at == 0 || at + word.len() > 110 {
            out.push_str(if at == 0 { "#" } else { "\n#" });
            at = 1;
        }
        out.push(' ');
        out.push_str(word);
        at += word.len() + 1;
    }
    out.push('\n');
}

fn ignore(out: &mut String, sample: &Sample, guesses: &[Guess]) {
    let mut named: Vec<&str> = Vec::new();
    let left: Vec<(&str, String)> = sample
        .columns
        .iter()
        .zip(guesses)
        .filter(|(column, guess)| guess.field.is_none() && !column.header.is_empty())
        .map(|(column, guess)| (column.header.as_str(), guess.why.clone()))
        .chain(
            sample.beyond.iter().map(|header| (header.as_str(), "behind the columns that were looked at".to_owned())),
        )
        .filter(|(header, _)| {
            // Two columns of one header are one to the mapping. Where one of them leads somewhere, both do.
            let fresh = !named.contains(header);
            named.push(header);
            fresh && !is_mapped(sample, guesses, header)
        })
        .collect();
    if left.is_empty() {
        line(
            out,
            format_args!("# Columns to leave out. Any other column that is not named in this file stops the import."),
        );
        line(out, format_args!("ignore = []\n"));
        return;
    }
    line(
        out,
        format_args!(
            "# Left out, and kept nowhere; each with the reason. To use one, move it to [columns]. Columns with phone"
        ),
    );
    line(out, format_args!("# numbers, names and the like are left out whatever else they may be."));
    line(out, format_args!("ignore = ["));
    for (header, why) in left {
        line(out, format_args!("    {},  # {why}", quoted(header)));
    }
    line(out, format_args!("]\n"));
}

fn is_mapped(sample: &Sample, guesses: &[Guess], header: &str) -> bool {
    sample.columns.iter().zip(guesses).any(|(column, guess)| guess.field.is_some() && column.header == header)
}

fn columns(out: &mut String, sample: &Sample, guesses: &[Guess]) {
    line(out, format_args!("# \"Header of the file\" = field of a report"));
    line(out, format_args!("[columns]"));
    let mut done: Vec<&str> = Vec::new();
    for (column, guess) in sample.columns.iter().zip(guesses) {
        if let Some(field) = guess.field
            && !done.contains(&column.header.as_str())
        {
            done.push(&column.header);
            line(out, format_args!("{} = \"{field}\"  # {}", quoted(&column.header), guess.why));
        }
    }
    let mut first = true;
    for (column, guess) in sample.columns.iter().zip(guesses) {
        let Some(field) = guess.could_be.filter(|_| !is_mapped(sample, guesses, &column.header)) else { continue };
        if std::mem::take(&mut first) {
            line(out, format_args!("# Only if you want so; then take the column out of `ignore`, too:"));
        }
        let note = match field {
            "contact" => "never coded and never shown: made into a token, sealed with the original",
            _ => "a report has one of these: not beside another column that leads there",
        };
        line(out, format_args!("# {} = \"{field}\"  # {note}", quoted(&column.header)));
    }
    out.push('\n');
}

fn leads(guesses: &[Guess], field: &str) -> bool {
    guesses.iter().any(|guess| guess.field == Some(field))
}

fn constants(out: &mut String, sample: &Sample, guesses: &[Guess], open: &mut Vec<String>) {
    let says = ["narrative", "event_kind", "tactics"].into_iter().any(|field| leads(guesses, field));
    let methods = sample.columns.iter().find(|column| column.profile.share(column.profile.ice_methods) >= 0.8);
    line(out, format_args!("# The same for every row"));
    line(out, format_args!("[constants]"));
    if let (false, Some(column)) = (says, methods) {
        let header = quoted(&column.header);
        line(
            out,
            format_args!(
                "event_kind = \"arrest\"  # {header} has ICE's own methods of apprehension: each row is an arrest"
            ),
        );
    } else if !says {
        line(
            out,
            format_args!(
                "# No column says what happened. If all rows are of one kind, say so here (one of {}):",
                codes("event_kind")
            ),
        );
        line(out, format_args!("# event_kind = \"arrest\""));
        open.push(
            "no column says what happened, and each report must: name the column in [columns] (narrative, event_kind or \
             tactics), or set event_kind in [constants]"
                .to_owned(),
        );
    }
    if !leads(guesses, "state") && !leads(guesses, "county_fips") {
        let place = sample.columns.iter().zip(guesses).find(|(_, guess)| guess.field == Some("place"));
        if let Some((column, _)) = place.filter(|(column, _)| column.profile.share(column.profile.places) < 0.9) {
            let share = (column.profile.share(column.profile.places) * 100.0).floor();
            open.push(format!(
                "only {share:.0} % of the places can be told without a state; if all is from one state, set it in [constants]"
            ));
        }
        let places = sample.columns.iter().zip(guesses).filter(|(_, guess)| guess.field == Some("place"));
        match places.filter_map(|(column, _)| main_state(&column.profile)).next() {
            Some((state, share)) => {
                line(
                    out,
                    format_args!(
                        "# {share} % of the places that name a state, or can only lie in one, lie in {state}. If all do, say so: it helps with the others."
                    ),
                );
                line(out, format_args!("# state = \"{state}\""));
            }
            None => {
                line(out, format_args!("# If all of it is from one state, say so: it helps to find the places."));
                line(out, format_args!("# state = \"WA\""));
            }
        }
    }
    out.push('\n');
}

/// The state that most places lie in, and their part in percent.
fn main_state(profile: &Profile) -> Option<(&'static str, u32)> {
    let all: u32 = profile.states_of_places.values().sum();
    let (state, most) = profile.states_of_places.iter().max_by_key(|(state, n)| (**n, std::cmp::Reverse(**state)))?;
    Some((state, most * 100 / all.max(1)))
}

fn codes(field: &str) -> String {
    taxonomy::axis(field).map(|a| a.codes.iter().map(|c| c.code).collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

/// The tables of words; returns what separates the words of a list, where the import would not know.
fn aliases(out: &mut String, sample: &Sample, guesses: &[Guess], open: &mut Vec<String>) -> Option<Separator> {
    let mut by_field: BTreeMap<&'static str, Vec<&Column>> = BTreeMap::new();
    for (column, guess) in sample.columns.iter().zip(guesses) {
        if let Some(field) = guess.field {
            by_field.entry(field).or_default().push(column);
        }
    }
    let mut separators = Vec::new();
    let mut intro = true;
    for (field, columns) in by_field {
        let shown = match guess::axis_of(field) {
            Some(axis) => {
                let (mut all, mut own, mut too_long) = (BTreeMap::new(), Vec::new(), 0);
                for column in columns {
                    let (words, separator) = guess::words_of(&column.profile, axis);
                    own.extend(separator);
                    collect(&mut all, words.iter());
                    too_long += words.too_long();
                }
                separators.extend(own);
                let yes_or_no = axis == Field::Review && mostly_yes_or_no(&all);
                let mut shown = codes_shown(axis, all, yes_or_no);
                (shown.hidden, shown.hidden_rows) = (shown.hidden + too_long, shown.hidden_rows + too_long);
                shown
            }
            None => plain_shown(field, &columns),
        };
        if shown.lines.is_empty() && shown.hidden == 0 {
            continue;
        }
        if std::mem::take(&mut intro) {
            line(
                out,
                format_args!(
                    "# The file's word = our code; \"\" leaves the word out. A code, and its label in English or Spanish, needs no line."
                ),
            );
        }
        if guess::axis_of(field).is_some() && (shown.open > 0 || shown.hidden > 0) {
            wrapped(out, &format!("Codes: {}", codes(field)));
        }
        line(out, format_args!("[aliases.{field}]"));
        for (word, code, why) in &shown.lines {
            line(out, format_args!("{} = \"{code}\"  # {why}", quoted(word)));
        }
        if shown.hidden > 0 {
            let (n, rows) = (shown.hidden, shown.hidden_rows);
            line(
                out,
                format_args!(
                    "# {n} more {}, in {rows} {}: not shown here, since each is rare and may be private. Those rows are rejected",
                    plural(n, "word has no code", "words have no code"),
                    plural(rows, "row", "rows")
                ),
            );
            line(out, format_args!("# until you name the word here; `testigo mapping check` says which rows."));
            open.push(format!(
                "{field}: {n} {} ({rows} {}) without a code and not shown; those rows would be rejected",
                plural(n, "rare word", "rare words"),
                plural(rows, "row", "rows"),
            ));
        }
        if shown.open > 0 {
            open.push(format!(
                "{field}: {} {} no code yet; it is left out (\"\") until you give it one",
                shown.open,
                plural(shown.open, "word has", "words have")
            ));
        }
        out.push('\n');
    }
    let unknown = |s: &Separator| matches!(s, Separator::Bar | Separator::Line);
    separators.into_iter().find(unknown)
}

fn plural(n: u32, one: &'static str, many: &'static str) -> &'static str {
    if n == 1 { one } else { many }
}

/// Words that differ in case alone are one to the import: the most frequent way of writing stands for all.
fn collect<'w>(all: &mut BTreeMap<String, (String, u32, u32)>, words: impl Iterator<Item = (&'w str, u32)>) {
    for (word, rows) in words {
        let key = word.trim().to_lowercase().replace(['_', '-'], " ");
        let entry = all.entry(key).or_insert_with(|| (word.to_owned(), 0, 0));
        entry.1 += rows;
        if rows > entry.2 {
            (entry.0, entry.2) = (word.to_owned(), rows);
        }
    }
}

fn mostly_yes_or_no(all: &BTreeMap<String, (String, u32, u32)>) -> bool {
    let (mut yes_or_no, mut rows) = (0, 0);
    for (word, n, _) in all.values() {
        let folded = words::fold(word);
        rows += n;
        yes_or_no += if YES.contains(&folded.as_str()) || NO.contains(&folded.as_str()) { *n } else { 0 };
    }
    yes_or_no * 10 >= rows * 7
}

fn codes_shown(axis: Field, all: BTreeMap<String, (String, u32, u32)>, yes_or_no: bool) -> Shown {
    let mut shown = Shown::default();
    for (word, rows, _) in all.into_values() {
        let of = format!("{rows} {}", plural(rows, "row", "rows"));
        let folded = words::fold(&word);
        let meaning = words::meaning(axis, &word);
        // Where all is yes or no, "false" says no; beside other words it says that the report is false.
        if axis == Field::Review && (yes_or_no || meaning.is_none()) {
            if YES.contains(&folded.as_str()) {
                shown.lines.push((word, "confirmed", of));
                continue;
            }
            if NO.contains(&folded.as_str()) {
                let why = format!("{of}; if it means that it was no enforcement: not_enforcement");
                shown.lines.push((word, "unconfirmed", why));
                continue;
            }
        }
        match meaning {
            Some(Meaning::Itself(_)) => {}
            Some(Meaning::Code(code)) => shown.lines.push((word, code, of)),
            Some(Meaning::Nothing) if says_of_itself(&word) => {
                shown.lines.push((word, "", format!("{of}; says nothing of it")));
            }
            Some(Meaning::Nothing) | None => unknown_word(axis, word, rows, &of, &mut shown),
        }
    }
    shown.lines.sort();
    shown
}

/// A word of ours that means nothing on the axis ("n/a", one of ICE's methods).
fn says_of_itself(word: &str) -> bool {
    words::says_nothing(&words::fold(word)) || taxonomy::ice_method(word).is_some()
}

fn unknown_word(axis: Field, word: String, rows: u32, of: &str, shown: &mut Shown) {
    if !may_be_shown(&word, rows) {
        shown.hidden += 1;
        shown.hidden_rows += rows;
        return;
    }
    let guessed = words::read_out(&word).and_then(|codes| words::only_code(&codes, axis));
    match guessed {
        Some(code) => shown.lines.push((word, code, format!("{of}; guessed, look at it"))),
        None => {
            shown.open += 1;
            shown.lines.push((word, "", format!("{of}; no code yet")));
        }
    }
}

/// Whether a word that we do not know may be written: short, without a long number or a name, and either frequent or made
/// of words of ours alone.
fn may_be_shown(word: &str, rows: u32) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    word.len() <= LONGEST_SHOWN
        && digits < 3
        && word.split_whitespace().count() <= 5
        && !word.contains('@')
        && (rows >= ROWS_TO_SHOW || words::is_of_our_words(word))
        && !Redactor::builtin().may_be_private(word)
}

/// Words in a field without codes that the import would reject, or reads in another way.
fn plain_shown(field: &str, columns: &[&Column]) -> Shown {
    let mut shown = Shown::default();
    if !matches!(field, "reported_at" | "state" | "county_fips" | "language" | "lat" | "lon") {
        return shown;
    }
    let mut all = BTreeMap::new();
    for column in columns {
        collect(&mut all, column.profile.cells.iter());
    }
    for (word, rows, _) in all.into_values() {
        let of = format!("{rows} {}", plural(rows, "row", "rows"));
        let folded = words::fold(&word);
        let named = super::profile::language(&folded).filter(|_| field == "language");
        match named {
            Some(code) if word == code => {}
            Some(code) => shown.lines.push((word, code, of)),
            None if words::says_nothing(&folded) => shown.lines.push((word, "", format!("{of}; says nothing of it"))),
            None if field == "language" => match may_be_shown(&word, rows) {
                true => {
                    shown.lines.push((word, "", format!("{of}; a report is in English, in Spanish, or says neither")))
                }
                false => (shown.hidden, shown.hidden_rows) = (shown.hidden + 1, shown.hidden_rows + rows),
            },
            None => {}
        }
    }
    shown.lines.sort();
    shown
}

fn format(out: &mut String, sample: &Sample, guesses: &[Guess], separator: Option<Separator>, open: &mut Vec<String>) {
    line(out, format_args!("[format]"));
    date_order(out, sample, guesses, open);
    zone(out, sample, guesses, open);
    if let Some(separator) = separator {
        line(out, format_args!("list_separator = {}", quoted(separator.as_str())));
    }
    if let Some(sheet) = sample.sheet.as_deref().filter(|_| sample.sheets.len() > 1) {
        line(out, format_args!("sheet = {}", quoted(sheet)));
    }
}

fn date_order(out: &mut String, sample: &Sample, guesses: &[Guess], open: &mut Vec<String>) {
    let dated = sample.columns.iter().zip(guesses).filter(|(_, g)| matches!(g.field, Some("occurred" | "reported_at")));
    let (mut numbers, mut first, mut second, mut year_first) = (0, 0, 0, 0);
    for (column, _) in dated {
        let profile = &column.profile;
        numbers += profile.in_numbers;
        first += profile.first_over_12;
        second += profile.second_over_12;
        year_first += profile.year_first;
    }
    match (numbers, first, second) {
        (0, ..) if year_first > 0 => line(out, format_args!("date_order = \"ymd\"")),
        (0, ..) => {}
        (_, 0, 0) => {
            line(
                out,
                format_args!(
                    "# Nothing in the rows that were read tells whether 3/4 is March 4 or 3 April; the month comes first here."
                ),
            );
            line(out, format_args!("date_order = \"mdy\"  # \"dmy\" if the day comes first"));
            open.push(
                "the dates may be month first or day first: nothing in them tells; look at date_order".to_owned(),
            );
        }
        (_, 0, _) => line(out, format_args!("date_order = \"mdy\"")),
        (_, _, 0) => line(out, format_args!("date_order = \"dmy\"")),
        (_, first, second) => {
            let order = if first > second { "dmy" } else { "mdy" };
            line(
                out,
                format_args!(
                    "# The dates do not agree: {first} have the day first, {second} the month. What does not fit stays unknown, or is"
                ),
            );
            line(out, format_args!("# rejected where it is the time of the report."));
            line(out, format_args!("date_order = \"{order}\""));
            open.push(format!("the dates do not agree: {first} have the day first, {second} the month first"));
        }
    }
}

fn zone(out: &mut String, sample: &Sample, guesses: &[Guess], open: &mut Vec<String>) {
    let led =
        |field| sample.columns.iter().zip(guesses).find(move |(_, g)| g.field == Some(field)).map(|(c, _)| &c.profile);
    let reported = led("reported_at").is_some_and(|p| p.instants.max(p.instants_day_first) > p.with_offset);
    let occurred = led("occurred").is_some_and(|p| p.with_time > p.with_offset);
    if !reported && !occurred {
        return;
    }
    let states = sample.columns.iter().zip(guesses).filter(|(_, g)| matches!(g.field, Some("place" | "state")));
    let state =
        states.filter_map(|(column, _)| main_state(&column.profile)).next().and_then(|(s, _)| geography::state(s));
    let (zone, why) = match state {
        Some(state) => (state.zone, "that of most places here"),
        None => ("America/Los_Angeles", "or another"),
    };
    if reported {
        open.push(
            "the times of the reports have no zone: set `zone`, else they are read in that of the source, or in UTC"
                .into(),
        );
    }
    line(
        out,
        format_args!(
            "# The zone of the times in the file ({why}). Without it they are read in the zone of the source, else in UTC:"
        ),
    );
    line(out, format_args!("# zone = \"{zone}\""));
}
