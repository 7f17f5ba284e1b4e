//! Proposes a mapping for a table that nobody has described: from its headers and from what its cells look like.
//!
//! What always holds: the same file gives the same proposal; it reads as a mapping and names every column, so that the
//! import takes it unchanged; at most [`SAMPLE`] rows are looked at, and [`WORDS_FROM`] for words of codes; of their cells
//! only counts are kept and short words that may be codes; what is said or written holds names of columns and words of codes, never running text,
//! names, numbers of people, or what may be one (see `render::Shown`).
//!
//! `words` knows the words of headers and codes, `profile` counts cells, `guess` weighs columns against fields, `render`
//! writes.

mod guess;
mod profile;
mod render;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;

use schemas::wire;
use serde_json::Value;

use super::table::Row;
use super::{Cells, FileError, Mapping, hxl_field, is_hxl_row, json, open_cells, table};
use crate::redact::Redactor;
use guess::Column;
use profile::Profile;

/// How many rows are looked at.
pub const SAMPLE: u32 = 2_000;
/// How many rows are searched for words of codes: what is rare stands far down.
pub const WORDS_FROM: u32 = 200_000;
/// How many columns are looked at; those behind are left out.
pub const MOST_COLUMNS: usize = 256;

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The mapping file.
    pub toml: String,
    /// Each column, in the order of the file, and what is proposed for it.
    pub columns: Vec<Proposed>,
    /// How many rows were looked at, and whether there are more.
    pub rows: u32,
    pub more_rows: bool,
    /// The header's number, as the file counts; none in JSON.
    pub header: Option<u64>,
    /// The sheets of a workbook, and the one that was taken.
    pub sheets: Vec<String>,
    pub sheet: Option<String>,
    /// What a person has to decide, or should look at, before the mapping is used.
    pub open: Vec<String>,
}

/// What is proposed for a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    pub header: String,
    /// The wire field; none where it is left out.
    pub field: Option<&'static str>,
    pub why: String,
    /// What it holds, where that is private: phones, names.
    pub private: Option<&'static str>,
}

/// What the sampling of a file found.
struct Sample {
    columns: Vec<Column>,
    /// Columns beyond the most that are looked at.
    beyond: Vec<String>,
    rows: u32,
    more_rows: bool,
    header: Option<u64>,
    sheets: Vec<String>,
    sheet: Option<String>,
}

/// Looks at a file, and proposes a mapping for it. `sheet` names the sheet of a workbook; none takes the first with a table.
pub fn suggest(path: &Path, sheet: Option<&str>) -> Result<Suggestion, FileError> {
    let io_error = |error| FileError::Io { path: path.to_owned(), error };
    let mut head = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(512).read_to_end(&mut head)).map_err(io_error)?;
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head).trim_ascii_start();
    let sample = match text.first() {
        None => return Err(FileError::Empty { path: path.to_owned() }),
        Some(b'{' | b'[') => sample_json(path)?,
        _ => sample_table(path, &head, sheet)?,
    };
    let guesses = guess::guess(&sample.columns, sample.rows);
    let suggestion = render::render(path, sample, &guesses);
    debug_assert!(Mapping::parse(&suggestion.toml).is_ok());
    Ok(suggestion)
}

fn sample_table(path: &Path, head: &[u8], sheet: Option<&str>) -> Result<Sample, FileError> {
    let io_error = |error| FileError::Io { path: path.to_owned(), error };
    let mut reader = open_cells(path, head, sheet, &words::is_header, &mut Vec::new())?;
    let mut row = Row::default();
    loop {
        if !reader.read(&mut row).map_err(io_error)? {
            return Err(FileError::Empty { path: path.to_owned() });
        }
        if !table::is_blank(&row.cells) {
            break;
        }
    }
    let number = reader.header_number();
    let headers: Vec<String> = row.cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
    if headers.iter().any(|header| header.contains('\0')) {
        return Err(FileError::Binary { path: path.to_owned() });
    }
    if look_like_values(&headers) {
        return Err(FileError::NoHeader { path: path.to_owned(), number: number.unwrap_or(1) });
    }
    let beyond = headers.iter().skip(MOST_COLUMNS).filter(|header| !header.is_empty()).cloned().collect();
    let mut columns = columns(headers);
    let (sheets, name) = match &reader {
        Cells::Sheet(reader) => (reader.names().to_vec(), Some(reader.name().to_owned())),
        Cells::Text(_) => (Vec::new(), None),
    };
    let (mut rows, mut searched, mut more_rows, mut first) = (0, 0, false, true);
    while reader.read(&mut row).map_err(io_error)? {
        if std::mem::take(&mut first) && is_hxl_row(&row.cells) {
            for (column, tag) in columns.iter_mut().zip(row.cells.iter()) {
                column.tagged = hxl_field(&String::from_utf8_lossy(tag).trim().to_lowercase());
            }
            continue;
        }
        if table::is_blank(&row.cells) {
            continue;
        }
        searched += 1;
        more_rows = searched > SAMPLE;
        if searched > WORDS_FROM {
            break;
        }
        rows += u32::from(!more_rows);
        for (at, (column, cell)) in columns.iter_mut().zip(row.cells.iter()).enumerate() {
            if let Ok(text) = std::str::from_utf8(cell)
                && !row.errors.contains(&at)
            {
                match more_rows {
                    true => column.profile.add_words(text),
                    false => column.profile.add(text),
                }
            }
        }
    }
    Ok(Sample { columns, beyond, rows, more_rows, header: number, sheets, sheet: name })
}

/// Whether what should be headers are values: a file without a header. A question of a form may be long; where none of
/// the headers is one that we know, neither a long one nor a name of a person is taken for one.
pub(super) fn look_like_values(headers: &[String]) -> bool {
    let mut looked_at = Profile::default();
    headers.iter().for_each(|header| looked_at.add(header));
    let known = headers.iter().any(|header| words::is_header(header));
    let doubtful = |header: &String| header.len() > profile::LONGEST_WORD || Redactor::builtin().is_name(header);
    looked_at.is_data() || headers.iter().any(|header| header.len() > 400) || !known && headers.iter().any(doubtful)
}

/// Columns by their headers, nothing seen of them yet.
fn columns(headers: Vec<String>) -> Vec<Column> {
    let mut namesakes: HashMap<String, usize> = HashMap::new();
    for header in &headers {
        *namesakes.entry(header.clone()).or_insert(0) += 1;
    }
    let column = |header: String| Column {
        namesakes: namesakes.get(&header).copied().unwrap_or(1),
        tagged: None,
        profile: Profile::default(),
        header,
    };
    headers.into_iter().take(MOST_COLUMNS).map(column).collect()
}

/// The keys of the objects are the columns, in the order of the alphabet.
fn sample_json(path: &Path) -> Result<Sample, FileError> {
    let io_error = |error| FileError::Io { path: path.to_owned(), error };
    let mut reader = json::JsonReader::open(path).map_err(io_error)?;
    let mut profiles: BTreeMap<String, Profile> = BTreeMap::new();
    let mut beyond = std::collections::BTreeSet::new();
    let (mut rows, mut more_rows) = (0, false);
    while let Some(piece) = reader.next().map_err(io_error)? {
        if rows == SAMPLE {
            more_rows = true;
            break;
        }
        let Ok(object) = wire::parse_object(&piece.bytes) else { continue };
        rows += 1;
        for (key, value) in object {
            let full = profiles.len() >= MOST_COLUMNS;
            if full && !profiles.contains_key(&key) {
                // Keys without end are no columns.
                if beyond.len() < MOST_COLUMNS {
                    beyond.insert(key);
                }
                continue;
            }
            let profile = profiles.entry(key).or_default();
            match value {
                Value::Null => {}
                Value::String(text) => profile.add(&text),
                Value::Bool(holds) => profile.add(if holds { "TRUE" } else { "FALSE" }),
                Value::Number(number) => profile.add(&number.to_string()),
                Value::Array(list) if list.iter().all(Value::is_string) => {
                    let words: Vec<_> = list.iter().filter_map(Value::as_str).collect();
                    profile.add(&words.join(";"));
                }
                Value::Array(_) | Value::Object(_) => profile.add_nested(),
            }
        }
    }
    if rows == 0 {
        return Err(FileError::Empty { path: path.to_owned() });
    }
    let columns = profiles.into_iter().map(|(header, profile)| Column { header, tagged: None, profile, namesakes: 1 });
    Ok(Sample {
        columns: columns.collect(),
        beyond: beyond.into_iter().collect(),
        rows,
        more_rows,
        header: None,
        sheets: Vec::new(),
        sheet: None,
    })
}

/// A text as TOML and a person write it: in quotation marks, on one line.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
