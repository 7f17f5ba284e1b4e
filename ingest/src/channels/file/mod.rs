//! Files: CSV, TSV, XLSX, JSON and NDJSON, told apart by their content, read as a stream.
//!
//! What always holds: the header is judged before a row is read; a row becomes one envelope, also when nothing can be
//! made of it (then it carries the defect and its bytes); the same file, or a longer one, gives the same ids again, and so
//! do the same cells in another kind of file.

mod json;
mod mapping;
mod suggest;
mod table;
mod trial;
mod xlsx;

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::{NaiveTime, TimeZone};
use chrono_tz::Tz;
use schemas::Sensitive;
use schemas::clock::{parse_rfc3339, rfc3339};
use schemas::envelope::{Channel, Defect, Envelope, MappedBy};
use schemas::ids::{BatchId, InstallationKey};
use schemas::provenance::Field;
use schemas::reject::RejectCode;
use schemas::report::{AXES, COUNTS, Codes};
use schemas::source::{Settings, SourceName};
use schemas::taxonomy;
use schemas::time::Precision;
use schemas::wire;
use serde_json::{Map, Value};

use crate::normalize::when::{self, WhenContext};

use table::Row;

pub use mapping::{Format, Mapping, MappingError};
pub use suggest::{Proposed, Suggestion, suggest};
pub use trial::{Columns, FieldTrial, Rejected, Trial, try_file};

/// Why a file cannot be imported at all. Nothing of it has been queued.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{}: the file is empty", path.display())]
    Empty { path: PathBuf },
    #[error(
        "{}: no mapping for the column{} {}; name each in [columns], or in `ignore`, of a mapping file",
        path.display(), if columns.len() == 1 { "" } else { "s" }, columns.join(", ")
    )]
    UnknownColumns { path: PathBuf, columns: Vec<String> },
    #[error("{}: the mapping names the column{} {}, which the file does not have", path.display(),
        if columns.len() == 1 { "" } else { "s" }, columns.join(", "))]
    MissingColumns { path: PathBuf, columns: Vec<String> },
    #[error("{}: two columns lead to {field}, which takes one value: {}", path.display(), columns.join(", "))]
    TwoColumns { path: PathBuf, field: String, columns: Vec<String> },
    #[error("{}: no column leads to narrative, event_kind or tactics, one of which each report needs; name it in [columns] or set it in [constants]", path.display())]
    NothingReported { path: PathBuf },
    #[error("{}: {what}", path.display())]
    NoWorkbook { path: PathBuf, what: &'static str },
    #[error("{}: the mapping names the sheet {name:?}, which the file does not have; it has {}", path.display(), names.join(", "))]
    NoSuchSheet { path: PathBuf, name: String, names: Vec<String> },
    #[error("{}: row {number} should be the header, but holds what looks like values (a date, a number, a name); put a row with the names of the columns above it", path.display())]
    NoHeader { path: PathBuf, number: u64 },
    #[error("{}: this is no text (it holds NUL bytes)", path.display())]
    Binary { path: PathBuf },
}

/// What an import is for.
#[derive(Debug)]
pub struct Import<'a> {
    pub source: &'a SourceName,
    /// The source's own settings: its zone reads instants without one.
    pub settings: &'a Settings,
    pub mapping: &'a Mapping,
    pub key: &'a InstallationKey,
    pub batch: Option<BatchId>,
}

/// A file, opened: gives one envelope a row.
pub struct FileReader<'a> {
    import: &'a Import<'a>,
    path: PathBuf,
    rows: Rows,
    row: u64,
    /// How often each row without an id has stood in the file, by a hash of its content.
    seen: HashMap<[u8; 16], u64>,
    zone: Tz,
    notes: Vec<String>,
    /// The keys of a JSON file's objects, at most [`MOST_KEYS`], where somebody asks for them.
    keys: Option<BTreeSet<String>>,
}

/// More keys are no columns.
const MOST_KEYS: usize = 1_000;

impl std::fmt::Debug for FileReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileReader").field("path", &self.path).field("row", &self.row).finish_non_exhaustive()
    }
}

enum Rows {
    Table(Box<Table>),
    Json(json::JsonReader),
}

struct Table {
    reader: Cells,
    columns: Vec<Column>,
    record: Row,
    /// The row behind, read ahead: whether a row is the file's last must be known when it is judged.
    next: Row,
    has_next: bool,
}

/// Where a table's rows come from.
enum Cells {
    Text(Box<table::TableReader>),
    Sheet(Box<xlsx::SheetReader>),
}

impl Cells {
    fn read(&mut self, row: &mut Row) -> io::Result<bool> {
        match self {
            Self::Text(reader) => reader.read(row),
            Self::Sheet(reader) => reader.read(row),
        }
    }

    /// Where the header stands, as the file counts.
    fn header_number(&self) -> Option<u64> {
        match self {
            Self::Text(reader) => reader.header().map(|header| header.number),
            Self::Sheet(reader) => Some(reader.header().number),
        }
    }

    /// After the last row: whether the file ended inside a quoted cell.
    fn ended_inside_quotes(&self) -> bool {
        matches!(self, Self::Text(reader) if reader.ended_inside_quotes())
    }
}

/// What a file's header and a mapping have against each other.
#[derive(Debug, Default)]
struct Faults {
    /// Columns that the mapping names and the file does not have.
    missing: Vec<String>,
    /// Columns that the mapping does not name.
    unknown: Vec<String>,
    /// Fields that take one value and are led to by several columns.
    twice: Vec<(String, Vec<String>)>,
    nothing_reported: bool,
}

impl Faults {
    /// The fault that stops the import, if there is one.
    fn into_error(self, path: &Path) -> Option<FileError> {
        let path = path.to_owned();
        if !self.missing.is_empty() {
            return Some(FileError::MissingColumns { path, columns: self.missing });
        }
        if !self.unknown.is_empty() {
            return Some(FileError::UnknownColumns { path, columns: shown(&self.unknown) });
        }
        if let Some((field, columns)) = self.twice.into_iter().next() {
            return Some(FileError::TwoColumns { path, field, columns: shown(&columns) });
        }
        self.nothing_reported.then_some(FileError::NothingReported { path })
    }
}

fn shown(columns: &[String]) -> Vec<String> {
    columns.iter().map(|column| format!("{column:?}")).collect()
}

/// A column and where it leads.
struct Column {
    header: String,
    /// `None`: left out.
    field: Option<String>,
}

impl<'a> FileReader<'a> {
    /// Opens a file and judges its header against the mapping.
    pub fn open(import: &'a Import<'a>, path: &Path) -> Result<Self, FileError> {
        let (reader, faults) = Self::open_at_fault(import, path)?;
        match faults.into_error(path) {
            Some(error) => Err(error),
            None => Ok(reader),
        }
    }

    /// Opens a file, whatever its header and the mapping have against each other.
    fn open_at_fault(import: &'a Import<'a>, path: &Path) -> Result<(Self, Faults), FileError> {
        let io_error = |error| FileError::Io { path: path.to_owned(), error };
        let mut head = [0u8; 512];
        let n = std::fs::File::open(path).and_then(|mut f| f.read(&mut head)).map_err(io_error)?;
        let head = &head[..n];
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let zone = import.mapping.format.zone.as_ref().or(import.settings.zone.as_ref());
        let zone = zone.and_then(|z| z.parse().ok()).unwrap_or(Tz::UTC);
        let (mut notes, mut faults) = (Vec::new(), Faults::default());
        let rows = match text.first() {
            None => return Err(FileError::Empty { path: path.to_owned() }),
            Some(b'{' | b'[') => Rows::Json(json::JsonReader::open(path).map_err(io_error)?),
            _ => {
                let known = |cell: &str| import.mapping.knows(cell);
                let cells = open_cells(path, head, import.mapping.format.sheet.as_deref(), &known, &mut notes)?;
                let number = cells.header_number().unwrap_or(1);
                let (table, found) = open_table(import.mapping, path, cells)?;
                // A file without a header: its first row must not be told as names of columns.
                if table.columns.iter().all(|c| c.field.is_none()) && suggest::look_like_values(&found.unknown) {
                    return Err(FileError::NoHeader { path: path.to_owned(), number });
                }
                faults = found;
                Rows::Table(Box::new(table))
            }
        };
        Ok((
            Self { import, path: path.to_owned(), rows, row: 0, seen: HashMap::new(), zone, notes, keys: None },
            faults,
        ))
    }

    /// What a person should know about how the file is read, such as which of its sheets.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The next row's envelope, or `None` at the end of the file.
    pub fn next_row(&mut self) -> Result<Option<Envelope>, FileError> {
        let next = match &mut self.rows {
            Rows::Table(_) => self.next_table_row(),
            Rows::Json(_) => self.next_json(),
        };
        next.map_err(|error| FileError::Io { path: self.path.clone(), error })
    }

    fn envelope(&self, payload: Vec<u8>, defect: Option<Defect>, mapped: Vec<(String, MappedBy)>) -> Envelope {
        let format = &self.import.mapping.format;
        Envelope {
            source: self.import.source.clone(),
            channel: Channel::File,
            external_id: None,
            batch: self.import.batch,
            row: Some(self.row),
            settings: Settings { zone: format.zone.clone(), date_order: format.date_order, ..Settings::default() },
            mapped,
            defect,
            payload: Sensitive::new(payload),
        }
    }

    /// The id of a row that has none (design.md, "Identity").
    fn row_id(&mut self, content: &[u8]) -> String {
        let hash = *self.import.key.content_hash(content).as_bytes();
        let before = self.seen.entry(hash).or_insert(0);
        let id = self.import.key.row_id(self.import.source.as_str(), content, *before);
        *before += 1;
        id
    }

    fn next_table_row(&mut self) -> io::Result<Option<Envelope>> {
        let Rows::Table(table) = &mut self.rows else { return Ok(None) };
        loop {
            if !table.has_next {
                return Ok(None);
            }
            std::mem::swap(&mut table.record, &mut table.next);
            table.has_next = table.reader.read(&mut table.next)?;
            if table.record.cells.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                break;
            }
        }
        self.row = table.record.number.unwrap_or(self.row + 1);
        let unfinished = !table.has_next && table.reader.ended_inside_quotes();
        let columns = std::mem::take(&mut table.columns);
        let record = std::mem::take(&mut table.record);
        let envelope = self.table_envelope(&columns, &record, unfinished);
        if let Rows::Table(table) = &mut self.rows {
            table.columns = columns;
            table.record = record;
        }
        Ok(Some(envelope))
    }

    fn table_envelope(&mut self, columns: &[Column], row: &Row, unfinished: bool) -> Envelope {
        let record = &row.cells;
        let led = |i: &&usize| columns.get(**i).is_some_and(|column| column.field.is_some());
        let extra = record.iter().skip(columns.len()).any(|cell| !cell.is_empty());
        let mut defect = None;
        if unfinished {
            defect = Some(Defect { code: RejectCode::UnfinishedRow, field: None });
        } else if row.too_long {
            defect = Some(Defect { code: RejectCode::TooLong, field: None });
        } else if record.len() < columns.len() || extra {
            defect = Some(Defect { code: RejectCode::RowShape, field: None });
        } else if let Some(i) = record.iter().position(|cell| std::str::from_utf8(cell).is_err()) {
            defect = Some(Defect { code: RejectCode::NotUtf8, field: columns.get(i).map(|c| c.header.clone()) });
        } else if let Some(i) = row.errors.iter().find(led) {
            defect = Some(Defect { code: RejectCode::BadType, field: columns.get(*i).map(|c| c.header.clone()) });
        }
        if defect.is_some() {
            let raw = raw_row(record);
            let id = self.row_id(&raw);
            let mut envelope = self.envelope(raw, defect, Vec::new());
            envelope.external_id = Some(id);
            return envelope;
        }
        let mut wire = Map::new();
        let mut mapped = Vec::new();
        for (column, cell) in columns.iter().zip(record.iter()) {
            let (Some(field), Ok(text)) = (&column.field, std::str::from_utf8(cell)) else { continue };
            let text = text.trim();
            if !text.is_empty() {
                self.put(&mut wire, &mut mapped, field, text);
            }
        }
        self.constants(&mut wire, &mut mapped);
        let id = (!wire.contains_key("external_id")).then(|| {
            // The row as the file has it, so that a better mapping makes a revision and not a second report.
            let mut cells: Vec<_> = columns
                .iter()
                .zip(record.iter())
                .filter(|(column, cell)| column.field.is_some() && !cell.trim_ascii().is_empty())
                .map(|(column, cell)| (column.header.as_bytes(), cell))
                .collect();
            cells.sort_unstable();
            let mut content = Vec::with_capacity(256);
            for (header, cell) in cells {
                push_part(&mut content, header);
                push_part(&mut content, cell);
            }
            self.row_id(&content)
        });
        let payload = serde_json::to_vec(&wire).expect("a map of texts is JSON");
        let mut envelope = self.envelope(payload, None, mapped);
        envelope.external_id = id;
        envelope
    }

    fn next_json(&mut self) -> io::Result<Option<Envelope>> {
        let Rows::Json(reader) = &mut self.rows else { return Ok(None) };
        let Some(piece) = reader.next()? else { return Ok(None) };
        self.row += 1;
        let defect = piece.defect.map(|code| Defect { code, field: None });
        let parsed = if defect.is_some() { None } else { wire::parse_object(&piece.bytes).ok() };
        let Some(object) = parsed else {
            let id = self.row_id(&piece.bytes);
            let mut envelope = self.envelope(piece.bytes, defect, Vec::new());
            envelope.external_id = Some(id);
            return Ok(Some(envelope));
        };
        if let Some(keys) = &mut self.keys {
            for key in object.keys() {
                if keys.len() < MOST_KEYS && !keys.contains(key) {
                    keys.insert(key.clone());
                }
            }
        }
        let has_id = object.get("external_id").is_some_and(|id| !id.is_null() && id.as_str() != Some(""));
        if *self.import.mapping == Mapping::default() {
            let id = (!has_id).then(|| self.row_id(wire::canonical(&object).expose()));
            let mut envelope = self.envelope(piece.bytes, None, Vec::new());
            envelope.external_id = id;
            return Ok(Some(envelope));
        }
        let (wire, mapped) = self.map_object(&object);
        let has_id = wire.contains_key("external_id");
        let id = (!has_id).then(|| self.row_id(wire::canonical(&object).expose()));
        let mut envelope = self.envelope(serde_json::to_vec(&wire).expect("JSON"), None, mapped);
        envelope.external_id = id;
        Ok(Some(envelope))
    }

    /// An object's keys are its columns.
    fn map_object(&self, object: &Map<String, Value>) -> (Map<String, Value>, Vec<(String, MappedBy)>) {
        let (mut wire, mut mapped) = (Map::new(), Vec::new());
        for (key, value) in object {
            if self.import.mapping.ignore.contains(key) {
                continue;
            }
            let field = self.import.mapping.columns.get(key).unwrap_or(key);
            match value {
                Value::String(text) if wire::is_field(field) => self.put(&mut wire, &mut mapped, field, text.trim()),
                Value::Array(list) if mapping::takes_several(field) => {
                    for word in list.iter().filter_map(Value::as_str) {
                        self.put(&mut wire, &mut mapped, field, word.trim());
                    }
                }
                other => {
                    wire.insert(field.clone(), other.clone());
                }
            }
        }
        self.constants(&mut wire, &mut mapped);
        (wire, mapped)
    }

    fn constants(&self, wire: &mut Map<String, Value>, mapped: &mut Vec<(String, MappedBy)>) {
        for (field, value) in &self.import.mapping.constants {
            if !wire.contains_key(field)
                && let Ok(value) = self.import.mapping.constant_json(field, value)
            {
                wire.insert(field.clone(), value);
                mapped.push((field.clone(), MappedBy::Constant));
            }
        }
    }

    /// Puts a cell's text under its wire field: through the aliases, in the file's dates and lists.
    fn put(&self, wire: &mut Map<String, Value>, mapped: &mut Vec<(String, MappedBy)>, field: &str, text: &str) {
        let axis = Field::from_name(field).filter(|f| AXES.contains(f));
        let Some(axis) = axis else {
            let text = self.alias(field, text).unwrap_or(text);
            let value = match field {
                "reported_at" => self.instant(text).unwrap_or_else(|| text.to_owned()),
                // A spreadsheet makes 06001 the number 6001.
                "county_fips" if text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit()) => format!("0{text}"),
                _ => text.to_owned(),
            };
            if !value.is_empty() {
                wire.insert(field.to_owned(), Value::String(value));
            }
            return;
        };
        let mut add = |word: &str| {
            let (code, made) = self.code(axis, field, word);
            if made && !mapped.iter().any(|(name, _)| name == field) {
                mapped.push((field.to_owned(), MappedBy::Alias));
            }
            if code.is_empty() {
                return;
            }
            let code = Value::String(code.to_owned());
            if !mapping::takes_several(field) {
                wire.insert(field.to_owned(), code);
            } else if let Value::Array(list) = wire.entry(field.to_owned()).or_insert_with(|| Value::Array(Vec::new()))
                && !list.contains(&code)
            {
                list.push(code);
            }
        };
        // A whole cell that is a known word is one word, whatever separators it holds.
        if !mapping::takes_several(field) || self.alias(field, text).is_some() {
            return add(text);
        }
        match self.import.mapping.format.list_separator.as_deref() {
            Some(separator) => text.split(separator).map(str::trim).filter(|w| !w.is_empty()).for_each(add),
            None if text.contains(';') => text.split(';').map(str::trim).filter(|w| !w.is_empty()).for_each(add),
            None => text.split(',').map(str::trim).filter(|w| !w.is_empty()).for_each(add),
        }
    }

    /// What the mapping makes of a word, letters of either case.
    fn alias(&self, field: &str, word: &str) -> Option<&str> {
        let words = self.import.mapping.aliases.get(field)?;
        let found = words.get(word).or_else(|| words.iter().find(|(w, _)| same_word(w, word)).map(|(_, code)| code));
        found.map(String::as_str)
    }

    /// The code that a word stands for, and whether it had to be looked up: an alias, a code, or a code's label in
    /// English or Spanish. Any other word goes on as it is, for the worker to refuse.
    fn code<'w>(&'w self, axis: Field, field: &str, word: &'w str) -> (&'w str, bool) {
        if let Some(code) = self.alias(field, word) {
            return (code, true);
        }
        if Codes::default().add(axis, word).is_some() {
            return (word, false);
        }
        let labelled = taxonomy::axis(field).and_then(|axis| {
            let fits = |c: &&taxonomy::CodeInfo| {
                same_word(c.code, word) || same_word(c.label.en, word) || same_word(c.label.es, word)
            };
            axis.codes.iter().find(fits)
        });
        labelled.map_or((word, false), |info| (info.code, true))
    }

    /// An instant in the file's own writing, as RFC 3339. A day without a time is its noon, so that "yesterday" is
    /// counted from the right day.
    fn instant(&self, text: &str) -> Option<String> {
        if parse_rfc3339(text).is_some() {
            return None;
        }
        let context = WhenContext {
            reported_at: None,
            zone: self.zone,
            language: self.import.settings.language,
            date_order: self.import.mapping.format.date_order.or(self.import.settings.date_order),
        };
        let when = when::parse(text, &context).ok()?;
        let noon = NaiveTime::from_hms_opt(12, 0, 0)?;
        let exact = matches!(when.precision, Precision::Minute | Precision::Hour | Precision::Day);
        let local = when.date.filter(|_| exact)?.and_time(when.time.unwrap_or(noon));
        // An hour that a clock change repeats is its first; one that it skips does not exist.
        self.zone.from_local_datetime(&local).earliest().map(|at| rfc3339(at.to_utc()))
    }
}

/// Whether two words are the same, whatever their case, with `_` and `-` for spaces. Asked for every alias of a column in
/// each row, so it makes no copies of them.
fn same_word(a: &str, b: &str) -> bool {
    let plain = |c: char| if matches!(c, '_' | '-') { ' ' } else { c };
    let ascii = |byte: u8| if matches!(byte, b'_' | b'-') { b' ' } else { byte.to_ascii_lowercase() };
    if a == b {
        return true;
    }
    let (a, b) = (a.trim(), b.trim());
    if a.is_ascii() && b.is_ascii() {
        return a.len() == b.len() && a.bytes().map(ascii).eq(b.bytes().map(ascii));
    }
    a.chars().flat_map(char::to_lowercase).map(plain).eq(b.chars().flat_map(char::to_lowercase).map(plain))
}

/// Adds a part and its length, so that no two lists of parts give the same bytes.
fn push_part(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u64).to_be_bytes());
    out.extend_from_slice(part);
}

/// A row that cannot be mapped, kept whole: its cells, each with its length.
fn raw_row(record: &csv::ByteRecord) -> Vec<u8> {
    let mut raw = Vec::with_capacity(record.as_slice().len() + 8 * record.len());
    for cell in record {
        push_part(&mut raw, cell);
    }
    raw
}

/// Opens a file of rows by what it begins with.
fn open_cells(
    path: &Path,
    head: &[u8],
    sheet: Option<&str>,
    known: table::Known<'_>,
    notes: &mut Vec<String>,
) -> Result<Cells, FileError> {
    let io_error = |error| FileError::Io { path: path.to_owned(), error };
    // A compound file: Excel before 2007, or a workbook that a password encrypts.
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        let what = "this is an old Excel file (.xls), or one with a password; save it as .xlsx without one, or as CSV";
        return Err(FileError::NoWorkbook { path: path.to_owned(), what });
    }
    if !head.starts_with(b"PK\x03\x04") {
        let reader = table::TableReader::open(path, known).map_err(io_error)?;
        if let Some(header) = reader.header().filter(|header| header.above > 0) {
            notes.push(format!("line {} is taken as the header; what stands above it is left out", header.number));
        }
        return Ok(Cells::Text(Box::new(reader)));
    }
    let (reader, said) = xlsx::SheetReader::open(path, sheet, known).map_err(|error| match error {
        xlsx::OpenError::Io(error) => io_error(error),
        xlsx::OpenError::NoWorkbook(what) => FileError::NoWorkbook { path: path.to_owned(), what },
        xlsx::OpenError::NoSuchSheet { names } => {
            FileError::NoSuchSheet { path: path.to_owned(), name: sheet.unwrap_or_default().to_owned(), names }
        }
        xlsx::OpenError::Empty => FileError::Empty { path: path.to_owned() },
    })?;
    notes.extend(said);
    Ok(Cells::Sheet(Box::new(reader)))
}

fn open_table(mapping: &Mapping, path: &Path, mut reader: Cells) -> Result<(Table, Faults), FileError> {
    let io_error = |error| FileError::Io { path: path.to_owned(), error };
    let mut row = Row::default();
    loop {
        if !reader.read(&mut row).map_err(io_error)? {
            return Err(FileError::Empty { path: path.to_owned() });
        }
        if !table::is_blank(&row.cells) {
            break;
        }
    }
    let headers: Vec<String> = row.cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
    if headers.iter().any(|h| h.contains('\0')) {
        return Err(FileError::Binary { path: path.to_owned() });
    }
    let more = reader.read(&mut row).map_err(io_error)?;
    let hxl = more && is_hxl_row(&row.cells);
    let tags: Vec<String> = if hxl {
        row.cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_lowercase()).collect()
    } else {
        Vec::new()
    };
    let (columns, faults) = lead(mapping, headers, &tags);
    let has_next = if hxl { reader.read(&mut row).map_err(io_error)? } else { more };
    Ok((Table { reader, columns, record: Row::default(), next: row, has_next }, faults))
}

/// Where each column leads: as the mapping says, else to the wire field of its own name, else to that of its HXL tag.
fn lead(mapping: &Mapping, headers: Vec<String>, tags: &[String]) -> (Vec<Column>, Faults) {
    let mut faults = Faults::default();
    faults.missing.extend(mapping.columns.keys().filter(|c| !headers.contains(c)).cloned());
    let mut columns = Vec::with_capacity(headers.len());
    for (i, header) in headers.into_iter().enumerate() {
        let own = mapping::own_field(&header);
        let field = match mapping.columns.get(&header) {
            Some(field) => Some(field.clone()),
            None if mapping.ignore.contains(&header) || header.is_empty() => None,
            None if wire::is_field(&own) => Some(own),
            None => match tags.get(i).and_then(|tag| hxl_field(tag)) {
                Some(field) => Some(field.to_owned()),
                // A tagged column that is none of ours may be left out: its tag says what it is.
                None if tags.get(i).is_some_and(|t| !t.is_empty()) => None,
                None => {
                    faults.unknown.push(header.clone());
                    None
                }
            },
        };
        columns.push(Column { header, field });
    }
    let fields = wire::PLAIN_FIELDS.iter().copied().chain(AXES.iter().chain(COUNTS).map(|f| f.as_str()));
    for field in fields.filter(|f| !mapping::takes_several(f)) {
        let leading: Vec<_> = columns.iter().filter(|c| c.field.as_deref() == Some(field)).collect();
        if leading.len() > 1 {
            faults.twice.push((field.to_owned(), leading.iter().map(|c| c.header.clone()).collect()));
        }
    }
    let says =
        |name: &str| columns.iter().any(|c| c.field.as_deref() == Some(name)) || mapping.constants.contains_key(name);
    faults.nothing_reported = !["narrative", "event_kind", "tactics"].into_iter().any(says);
    (columns, faults)
}

/// Whether most cells are HXL tags, such as `#date +occurred`.
fn is_hxl_row(record: &csv::ByteRecord) -> bool {
    let tag = |cell: &[u8]| {
        let Ok(text) = std::str::from_utf8(cell) else { return false };
        let Some(rest) = text.trim().strip_prefix('#') else { return false };
        let word = |w: &str| {
            w.starts_with(|c: char| c.is_ascii_lowercase())
                && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        rest.split('+').map(str::trim_end).all(word)
    };
    let tags = record.iter().filter(|cell| tag(cell)).count();
    tags > 0 && tags * 2 > record.len()
}

/// The wire field that an HXL tag stands for, attributes in any order.
fn hxl_field(tag: &str) -> Option<&'static str> {
    let compact: String = tag.chars().filter(|c| !c.is_whitespace()).collect();
    let mut parts = compact.trim_start_matches('#').split('+');
    let base = parts.next()?;
    let attributes: Vec<_> = parts.collect();
    let has = |attribute: &str| attributes.contains(&attribute);
    Some(match base {
        "meta" if has("id") => "external_id",
        "date" if has("reported") => "reported_at",
        "date" if has("occurred") => "occurred",
        "geo" if has("lat") => "lat",
        "geo" if has("lon") => "lon",
        "adm2" if has("code") => "county_fips",
        "adm1" if has("code") => "state",
        "loc" | "adm2" | "adm3" => "place",
        "description" => "narrative",
        "event" if has("type") || attributes.is_empty() => "event_kind",
        _ => return None,
    })
}
