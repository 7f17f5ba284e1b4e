//! Tries a mapping on a whole file: every row by the way of the import, and nothing kept of it but counts.
//!
//! What always holds: rows are read, mapped and coded as `import` does it, without a store, a queue or the installation's
//! keys; what is told are names of columns and fields, numbers of rows and counts, never a value. Memory grows as that of
//! the import does: by a hash or two a row.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use schemas::clock::Instant;
use schemas::envelope::{Delivered, Position};
use schemas::ids::InstallationKey;
use schemas::provenance::Field;
use schemas::reject::Reject;
use schemas::report::{AXES, COUNTS, CodedReport};
use schemas::source::{Settings, SourceName};
use schemas::wire;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Cells, FileError, FileReader, Import, Mapping, Rows};
use crate::normalize::code_delivered;

/// How many rows of each kind are named.
const ROWS_NAMED: usize = 5;

/// What would happen to a file.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Trial {
    pub rows: u64,
    /// How the rows would end, in an empty store.
    pub coded: u64,
    pub repeats: u64,
    pub revisions: u64,
    pub rejected: u64,
    pub columns: Columns,
    /// Every field that a column or a constant leads to, and what was made of it.
    pub fields: Vec<FieldTrial>,
    /// What the rules read out of narratives where no column says it: field and rows.
    pub from_narrative: Vec<(&'static str, u64)>,
    pub rejects: Vec<Rejected>,
    /// Rows with an id that an earlier row has, and the first of them.
    pub same_id: u64,
    pub same_id_rows: Vec<u64>,
    /// Whether rows have the numbers that a spreadsheet shows; else row 1 is the first below the header.
    pub as_shown: bool,
    /// What a person should know about how the file is read.
    pub notes: Vec<String>,
}

/// The columns of the file and of the mapping.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// Named by the mapping, not in the file: they stop the import.
    pub missing: Vec<String>,
    /// In the file, not in the mapping: they stop the import.
    pub unknown: Vec<String>,
    /// Left out, because the mapping says so.
    pub ignored: Vec<String>,
    /// Fields that take one value, and the columns that lead there: they stop the import.
    pub twice: Vec<(String, Vec<String>)>,
    /// Whether no column or constant says what happened: that stops the import, too.
    pub nothing_reported: bool,
}

impl Columns {
    /// Whether the import would refuse the file as a whole.
    #[must_use]
    pub fn stop_the_import(&self) -> bool {
        !self.missing.is_empty() || !self.unknown.is_empty() || !self.twice.is_empty() || self.nothing_reported
    }
}

/// One field over all rows.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct FieldTrial {
    pub field: String,
    /// The columns that lead to it; none for a constant.
    pub columns: Vec<String>,
    pub constant: bool,
    /// Rows in which a cell of it holds something.
    pub filled: u64,
    /// Of these, rows whose cell the mapping leaves out (`""`).
    pub left_out: u64,
    /// Rows that were not rejected in which the field has a value: by itself, or read out of the narrative.
    pub coded: u64,
    /// Rows that were not rejected in which it has none.
    pub unknown: u64,
}

/// Rows that would be rejected for one reason.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    pub code: &'static str,
    pub field: Option<String>,
    /// The columns that lead to the field.
    pub columns: Vec<String>,
    pub message: String,
    pub rows: u64,
    /// The first of them.
    pub first: Vec<u64>,
}

/// Reads a file to its end and says what the import would make of it. `settings` are those that the source would have.
pub fn try_file(
    path: &Path,
    mapping: &Mapping,
    source: &SourceName,
    settings: &Settings,
    now: Instant,
) -> Result<Trial, FileError> {
    // Ids are compared within the file alone, so any key will do.
    let key = InstallationKey::from_bytes([0; 32]);
    let import = Import { source, settings, mapping, key: &key, batch: None };
    let (mut reader, faults) = FileReader::open_at_fault(&import, path)?;
    reader.keys = matches!(reader.rows, Rows::Json(_)).then(BTreeSet::new);
    let mut tally = Tally::new(&reader, mapping);
    tally.trial.notes = reader.notes().to_vec();
    tally.trial.as_shown = matches!(&reader.rows, Rows::Table(table) if matches!(table.reader, Cells::Sheet(_)));
    tally.trial.columns = Columns {
        missing: faults.missing,
        unknown: faults.unknown,
        twice: faults.twice,
        nothing_reported: faults.nothing_reported,
        ..Columns::default()
    };
    while let Some(envelope) = reader.next_row()? {
        let row = envelope.row.unwrap_or_default();
        let whole = envelope.defect.is_none();
        let wire = if whole { wire::parse_object(envelope.payload.expose()).unwrap_or_default() } else { Map::new() };
        tally.row(&reader, &wire);
        let own_id = wire.get("external_id").is_some_and(|id| !id.is_null());
        let delivered = Delivered { position: Position { partition: 0, offset: 0 }, received_at: now, envelope };
        match code_delivered(&delivered, settings, &key) {
            Ok(coded) => {
                let id = coded.report.report_id.map(|id| first_half(id.as_bytes()));
                let content = first_half(coded.content.as_bytes());
                tally.coded(row, &coded.report, id.filter(|_| own_id), content);
            }
            Err(reject) => tally.rejected(row, &reject),
        }
    }
    Ok(tally.finish(reader, mapping))
}

fn first_half(bytes: &[u8; 16]) -> u64 {
    let mut half = [0; 8];
    half.copy_from_slice(&bytes[..8]);
    u64::from_be_bytes(half)
}

/// Rows that were rejected alike.
struct Rejects {
    reject: Reject,
    rows: u64,
    first: Vec<u64>,
}

/// Counts rows.
struct Tally {
    trial: Trial,
    fields: Vec<FieldTrial>,
    /// Of a table: for each column the place of its field in `fields`.
    leads: Vec<Option<usize>>,
    /// The fields in which the row at hand holds something.
    filled: Vec<usize>,
    ignored: Vec<String>,
    /// By code and field.
    rejects: BTreeMap<(&'static str, Option<String>), Rejects>,
    ids: HashSet<u64>,
    versions: HashSet<u64>,
    inferred: BTreeMap<Field, u64>,
}

impl Tally {
    fn new(reader: &FileReader<'_>, mapping: &Mapping) -> Self {
        let (mut fields, mut leads, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
        match &reader.rows {
            Rows::Table(table) => {
                for column in &table.columns {
                    let at = column.field.as_deref().map(|field| field_at(&mut fields, field));
                    match at {
                        Some(at) => fields[at].columns.push(column.header.clone()),
                        None if mapping.ignore.contains(&column.header) => ignored.push(column.header.clone()),
                        None => {}
                    }
                    leads.push(at);
                }
            }
            Rows::Json(_) => {
                for (key, field) in &mapping.columns {
                    let at = field_at(&mut fields, field);
                    fields[at].columns.push(key.clone());
                }
            }
        }
        for field in mapping.constants.keys() {
            let at = field_at(&mut fields, field);
            fields[at].constant = true;
        }
        Self {
            trial: Trial::default(),
            fields,
            leads,
            filled: Vec::new(),
            ignored,
            rejects: BTreeMap::new(),
            ids: HashSet::new(),
            versions: HashSet::new(),
            inferred: BTreeMap::new(),
        }
    }

    /// Counts what the cells of a row hold, and what the mapping made of them. `wire` is empty where the row has a defect.
    fn row(&mut self, reader: &FileReader<'_>, wire: &Map<String, Value>) {
        self.trial.rows += 1;
        let said = |field: &str| wire.get(field).is_some_and(|value| !value.is_null());
        if let Rows::Table(table) = &reader.rows {
            self.filled.clear();
            for (at, cell) in self.leads.iter().zip(table.record.cells.iter()) {
                if let Some(at) = at
                    && !cell.trim_ascii().is_empty()
                    && !self.filled.contains(at)
                {
                    self.filled.push(*at);
                }
            }
            for (at, entry) in self.fields.iter_mut().enumerate() {
                let (filled, said) = (self.filled.contains(&at), said(&entry.field));
                entry.filled += u64::from(filled || (entry.constant && said));
                entry.left_out += u64::from(filled && !said && !wire.is_empty());
            }
            return;
        }
        for field in wire.keys().filter(|field| wire::is_field(field) && said(field)) {
            let at = field_at(&mut self.fields, field);
            self.fields[at].filled += 1;
        }
    }

    fn coded(&mut self, row: u64, report: &CodedReport, id: Option<u64>, content: u64) {
        // A contact goes into no column of the coded form.
        for entry in self.fields.iter_mut().filter(|entry| entry.field != "contact") {
            match has(report, &entry.field) {
                true => entry.coded += 1,
                false => entry.unknown += 1,
            }
        }
        if report.narrative.is_some() {
            for field in AXES.iter().chain(COUNTS) {
                let open = self.fields.iter().all(|entry| entry.field != field.as_str());
                if open && has(report, field.as_str()) {
                    *self.inferred.entry(*field).or_insert(0) += 1;
                }
            }
        }
        let Some(id) = id else {
            self.trial.coded += 1;
            return;
        };
        let known = !self.ids.insert(id);
        let same = !self.versions.insert(id ^ content.rotate_left(1));
        if known {
            self.trial.same_id += 1;
            name_row(&mut self.trial.same_id_rows, row);
        }
        match (known, same) {
            (false, _) => self.trial.coded += 1,
            (true, true) => self.trial.repeats += 1,
            (true, false) => self.trial.revisions += 1,
        }
    }

    fn rejected(&mut self, row: u64, reject: &Reject) {
        self.trial.rejected += 1;
        let key = (reject.code.as_str(), reject.field.as_deref().map(str::to_owned));
        let alike = self.rejects.entry(key);
        let alike = alike.or_insert_with(|| Rejects { reject: reject.clone(), rows: 0, first: Vec::new() });
        alike.rows += 1;
        name_row(&mut alike.first, row);
    }

    fn finish(self, reader: FileReader<'_>, mapping: &Mapping) -> Trial {
        let mut trial = self.trial;
        trial.columns.ignored = self.ignored;
        if let Some(keys) = reader.keys {
            trial.columns.missing.extend(mapping.columns.keys().filter(|key| !keys.contains(*key)).cloned());
            let known = |key: &&String| mapping.columns.contains_key(*key) || wire::is_field(key);
            let (ignored, others): (Vec<&String>, Vec<_>) = keys.iter().partition(|key| mapping.ignore.contains(key));
            trial.columns.ignored.extend(ignored.into_iter().cloned());
            trial.columns.unknown.extend(others.into_iter().filter(|key| !known(key)).cloned());
        }
        for ((code, field), Rejects { reject, rows, first }) in self.rejects {
            let led = self.fields.iter().find(|entry| Some(&entry.field) == field.as_ref());
            trial.rejects.push(Rejected {
                code,
                columns: led.map(|entry| entry.columns.clone()).unwrap_or_default(),
                field,
                message: reject.message(),
                rows,
                first,
            });
        }
        trial.rejects.sort_by_key(|reject| std::cmp::Reverse(reject.rows));
        let order = |name: &str| {
            let all = wire::PLAIN_FIELDS.iter().copied().chain(AXES.iter().chain(COUNTS).map(|f| f.as_str()));
            all.enumerate().find(|(_, field)| *field == name).map_or(usize::MAX, |(at, _)| at)
        };
        trial.fields = self.fields;
        trial.fields.sort_by_key(|field| order(&field.field));
        trial.from_narrative = self.inferred.into_iter().map(|(field, rows)| (field.as_str(), rows)).collect();
        trial
    }
}

/// The entry of a field, made where there is none.
fn field_at(fields: &mut Vec<FieldTrial>, name: &str) -> usize {
    fields.iter().position(|entry| entry.field == name).unwrap_or_else(|| {
        fields.push(FieldTrial { field: name.to_owned(), ..FieldTrial::default() });
        fields.len() - 1
    })
}

fn name_row(rows: &mut Vec<u64>, row: u64) {
    if rows.len() < ROWS_NAMED {
        rows.push(row);
    }
}

/// Whether a coded report has a value for a wire field. A place is coded when its county is.
fn has(report: &CodedReport, field: &str) -> bool {
    let known = |field: Field| report.codes.has(field) && report.codes.single(field) != Some("unknown");
    match field {
        "external_id" => report.external_id.is_some(),
        "reported_at" => report.reported_at.is_some(),
        "occurred" => report.occurred.on.is_some(),
        "place" | "county_fips" | "lat" | "lon" => report.place.county_fips.is_some(),
        "state" => report.place.state.is_some(),
        "narrative" => report.narrative.is_some(),
        "language" => report.language.is_some(),
        "incident_id" => report.incident_id.is_some(),
        // It goes into no column of the coded form.
        "contact" => true,
        name => Field::from_name(name).is_some_and(|field| known(field) || report.counts.get(field).is_some()),
    }
}
