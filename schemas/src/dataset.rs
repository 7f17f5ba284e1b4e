//! The dataset contract: which columns a coded row has, in the store, in the snapshot and in flat exports.
//!
//! What always holds: [`COLUMNS`] is the only list of columns; a row writes its cells in exactly that order
//! ([`CodedRow::cells`]) and reads them back by the same list ([`CodedRow::read`]). A store's table, a Parquet segment, a
//! CSV header and the JSON Schema are all made from it, so none can drift from another. Rows are never changed: a
//! revision, a verdict or a withdrawal is a new row, and a row that is superseded once is never current again.

use std::borrow::Cow;
use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveTime};
use sha2::{Digest, Sha256};

use crate::clock::{Instant, from_micros};
use crate::counts::Count;
use crate::ids::ReportId;
use crate::language::Language;
use crate::provenance::{Field, Provenance};
use crate::redaction::Redaction;
use crate::report::{AXES, COUNTS, CodedReport, Codes, Counts, Fips, Place, SEVERAL_AXES, Standing, StateCode};
use crate::source::SourceName;
use crate::taxonomy;
use crate::time::{Month, Occurred, Precision};

/// The version of this contract. It changes when a column is added, removed or means something else.
pub const VERSION: &str = "1";

/// What a column holds. How a store or a file writes it is theirs to choose; that it comes back the same is the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// 128 bits, shown as 32 hexadecimal digits.
    Id,
    Text,
    /// Codes of an axis with several values; in flat forms joined by `;`.
    Codes,
    Int,
    Bool,
    Date,
    /// `HH:MM`.
    Time,
    /// UTC, microseconds.
    Instant,
    /// JSON as text.
    Json,
}

/// Which forms carry a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// The store, the snapshot and exports.
    Everywhere,
    /// The store and the snapshot: what keeps order and history, no part of what a report says.
    Bookkeeping,
    /// The store and exports. A snapshot's segments are immutable, so they carry no text that may have to be removed.
    NotInSnapshot,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: Cow<'static, str>,
    pub ty: ColumnType,
    pub nullable: bool,
    pub carried: Carried,
    pub description: Cow<'static, str>,
}

/// One row of the coded table: a report's state from `effective_at` on, until another row supersedes it.
#[derive(Debug, Clone, PartialEq)]
pub struct CodedRow {
    /// Counts up by one for each row that a store takes.
    pub seq: i64,
    /// The instant from which the row speaks: `received_at` of a version, or when a withdrawal was made.
    pub effective_at: Instant,
    /// When the first version of the report was received.
    pub first_received_at: Instant,
    /// Whether every version of the report is withdrawn.
    pub withdrawn: bool,
    pub report: CodedReport,
}

/// A value on its way into a store or a file. [`Cell::Codes`] names the axis of the row's codes.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    Null,
    Id(&'a ReportId),
    Text(&'a str),
    Codes(&'a Codes, Field),
    Int(i64),
    Bool(bool),
    Date(NaiveDate),
    Time(NaiveTime),
    Instant(Instant),
    Redactions(&'a [Redaction]),
    Provenance(&'a Provenance),
}

impl Cell<'_> {
    /// The cell as flat text: what CSV holds. `None` is an empty cell.
    #[must_use]
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null => return None,
            Self::Id(id) => Cow::Owned(id.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Codes(codes, field) => {
                let mut text = String::new();
                codes.each(*field, |code| {
                    if !text.is_empty() {
                        text.push(';');
                    }
                    text.push_str(code);
                });
                if text.is_empty() {
                    return None;
                }
                Cow::Owned(text)
            }
            Self::Int(n) => Cow::Owned(n.to_string()),
            Self::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
            Self::Date(date) => Cow::Owned(date.to_string()),
            Self::Time(time) => Cow::Owned(crate::report::clock_time(*time)),
            Self::Instant(at) => Cow::Owned(crate::clock::rfc3339(*at)),
            Self::Redactions(list) => Cow::Owned(serde_json::to_string(list).ok()?),
            Self::Provenance(p) => Cow::Owned(p.to_compact()),
        })
    }
}

/// Where a row's cells are read from, by column index.
pub trait CellSource {
    fn id(&self, column: usize) -> Option<[u8; 16]>;
    fn text(&self, column: usize) -> Option<&str>;
    /// Integers; booleans as 0 and 1; instants as microseconds since 1970.
    fn int(&self, column: usize) -> Option<i64>;
    fn date(&self, column: usize) -> Option<NaiveDate>;
    fn time(&self, column: usize) -> Option<NaiveTime>;
    /// Calls `each` with every code of a list column.
    fn codes(&self, column: usize, each: &mut dyn FnMut(&str));
}

/// A stored row that is none of ours: the column that does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {0} of a stored row does not hold what the dataset contract says")]
pub struct BadRow(pub Cow<'static, str>);

/// Every column, in order.
pub static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(columns);

fn columns() -> Vec<Column> {
    use Carried::{Bookkeeping, Everywhere, NotInSnapshot};
    use ColumnType as T;
    let mut all = Vec::with_capacity(64);
    let mut put = |name: &'static str, ty, nullable, carried, description: &str| {
        all.push(Column { name: name.into(), ty, nullable, carried, description: description.to_owned().into() });
    };
    put("seq", T::Int, false, Bookkeeping, "Counts up by one for each row that the store takes");
    put(
        "effective_at",
        T::Instant,
        false,
        Bookkeeping,
        "From when the row speaks: receipt of the version, or a withdrawal",
    );
    put("first_received_at", T::Instant, false, Bookkeeping, "When the first version of the report was received (UTC)");
    put("report_id", T::Id, false, Everywhere, "The report: a keyed hash of its source and external id");
    put("external_id", T::Text, false, Everywhere, "The source's own id");
    put("source", T::Text, false, Everywhere, "The source's name in this installation");
    put("revision", T::Int, false, Everywhere, "0 for the first version of the report, counted up");
    put("received_at", T::Instant, false, Everywhere, "When this version was received (UTC)");
    put("reported_at", T::Instant, true, Everywhere, "When the source got the report, where it says so (UTC)");
    put("occurred_on", T::Date, true, Everywhere, "Civil date of the event in its zone");
    put("occurred_time", T::Time, true, Everywhere, "Civil time of the event in its zone");
    put("zone", T::Text, true, Everywhere, "IANA time zone of the date and time");
    put(
        "occurred_precision",
        T::Text,
        false,
        Everywhere,
        "How well the time is known: minute, hour, part_of_day, day, week, month, unknown",
    );
    put("county_fips", T::Text, true, Everywhere, "County, five digits");
    put("county_vintage", T::Text, true, Everywhere, "Which year's counties the code is of");
    put("state", T::Text, true, Everywhere, "State, two letters");
    put("place_method", T::Text, true, Everywhere, "How the county was found");
    for axis in AXES {
        let info = taxonomy::axis(axis.as_str()).expect("every axis field is an axis of the taxonomy");
        let ty = if SEVERAL_AXES.contains(axis) { T::Codes } else { T::Text };
        put(axis.as_str(), ty, true, Everywhere, info.definition.en);
    }
    for count in COUNTS {
        let name = count.as_str();
        let what = name.replace('_', " ");
        put(count_column(*count, 0), T::Int, true, Everywhere, &format!("{what}: the least that was told"));
        put(count_column(*count, 1), T::Int, true, Everywhere, &format!("{what}: the most that was told"));
        put(count_column(*count, 2), T::Bool, true, Everywhere, &format!("{what}: told as so many or more"));
    }
    put("incident_id", T::Text, true, Everywhere, "The source's own name for the event");
    put("language", T::Text, true, Everywhere, "Language of the narrative");
    put("narrative", T::Text, true, NotInSnapshot, "The narrative, redacted");
    put(
        "redactions",
        T::Json,
        true,
        NotInSnapshot,
        "What was removed from the narrative: field, start, end, class, rule",
    );
    put("provenance", T::Json, false, Everywhere, "For each coded field that is known: how, and by which rule");
    put("withdrawn", T::Bool, false, Bookkeeping, "Whether every version of the report is withdrawn");
    put(
        "standing",
        T::Text,
        false,
        Bookkeeping,
        "What the report counts as: withdrawn, duplicate, not_enforcement, non_event, undated, event",
    );
    put(
        "month",
        T::Date,
        true,
        Bookkeeping,
        "First day of the month in which the event counts; none where it is undated",
    );
    all
}

/// The names of a count's three columns.
fn count_column(count: Field, part: usize) -> &'static str {
    match (count, part) {
        (Field::Agents, 0) => "agents_min",
        (Field::Agents, 1) => "agents_max",
        (Field::Agents, _) => "agents_at_least",
        (Field::Vehicles, 0) => "vehicles_min",
        (Field::Vehicles, 1) => "vehicles_max",
        (Field::Vehicles, _) => "vehicles_at_least",
        (Field::PersonsTargeted, 0) => "persons_targeted_min",
        (Field::PersonsTargeted, 1) => "persons_targeted_max",
        (Field::PersonsTargeted, _) => "persons_targeted_at_least",
        (Field::PersonsArrested, 0) => "persons_arrested_min",
        (Field::PersonsArrested, 1) => "persons_arrested_max",
        (Field::PersonsArrested, _) => "persons_arrested_at_least",
        (_, 0) => "persons_collateral_min",
        (_, 1) => "persons_collateral_max",
        (_, _) => "persons_collateral_at_least",
    }
}

/// The index of a column.
#[must_use]
pub fn column_index(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|c| c.name == name)
}

fn text_or_null(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Null, Cell::Text)
}

impl CodedRow {
    /// What the report counts as in the second sum.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.report.standing(self.withdrawn)
    }

    /// Calls `each` with every cell, in the order of [`COLUMNS`].
    pub fn cells<'a>(&'a self, mut each: impl FnMut(Cell<'a>)) {
        let r = &self.report;
        each(Cell::Int(self.seq));
        each(Cell::Instant(self.effective_at));
        each(Cell::Instant(self.first_received_at));
        each(r.report_id.as_ref().map_or(Cell::Null, Cell::Id));
        each(text_or_null(r.external_id.as_deref()));
        each(text_or_null(r.source.as_ref().map(SourceName::as_str)));
        each(Cell::Int(i64::from(r.revision)));
        each(r.received_at.map_or(Cell::Null, Cell::Instant));
        each(r.reported_at.map_or(Cell::Null, Cell::Instant));
        each(r.occurred.on.map_or(Cell::Null, Cell::Date));
        each(r.occurred.time.map_or(Cell::Null, Cell::Time));
        each(text_or_null(r.zone.as_deref()));
        each(Cell::Text(r.occurred.precision.as_str()));
        each(text_or_null(r.place.county_fips.as_ref().map(Fips::as_str)));
        each(text_or_null(r.place.county_vintage.as_deref()));
        each(text_or_null(r.place.state.as_ref().map(StateCode::as_str)));
        each(text_or_null(r.place.method.as_deref()));
        for axis in AXES {
            each(match r.codes.single(*axis) {
                Some(code) => Cell::Text(code),
                None if r.codes.has(*axis) => Cell::Codes(&r.codes, *axis),
                None => Cell::Null,
            });
        }
        for count in COUNTS {
            let n = r.counts.get(*count);
            each(n.and_then(Count::min).map_or(Cell::Null, |n| Cell::Int(i64::from(n))));
            each(n.and_then(Count::max).map_or(Cell::Null, |n| Cell::Int(i64::from(n))));
            each(n.map_or(Cell::Null, |n| Cell::Bool(n.is_at_least())));
        }
        each(text_or_null(r.incident_id.as_deref()));
        each(text_or_null(r.language.map(Language::as_str)));
        each(text_or_null(r.narrative.as_deref()));
        each(if r.redactions.is_empty() { Cell::Null } else { Cell::Redactions(&r.redactions) });
        each(Cell::Provenance(&r.provenance));
        each(Cell::Bool(self.withdrawn));
        each(Cell::Text(self.standing().as_str()));
        each(r.month().map_or(Cell::Null, |month| Cell::Date(month.first_day())));
    }

    /// Reads a row back from the cells of a source that has [`COLUMNS`] in order.
    pub fn read(cells: &impl CellSource) -> Result<Self, BadRow> {
        let mut at = Cursor { cells, next: 0 };
        let seq = at.int()?;
        let effective_at = from_micros(at.int()?);
        let first_received_at = from_micros(at.int()?);
        let report_id = Some(at.need(|c, i| c.id(i).map(ReportId::from_bytes))?);
        let external_id = at.text().map(str::to_owned);
        let source = Some(at.need(|c, i| c.text(i).and_then(SourceName::parse))?);
        let revision = at.need(|c, i| c.int(i).and_then(|n| u32::try_from(n).ok()))?;
        let received_at = at.opt(|c, i| c.int(i)).map(from_micros);
        let reported_at = at.opt(|c, i| c.int(i)).map(from_micros);
        let on = at.opt(CellSource::date);
        let time = at.opt(CellSource::time);
        let zone = at.text().map(|z| Cow::Owned(z.to_owned()));
        let precision = at.need(|c, i| c.text(i).and_then(Precision::from_code))?;
        let place = Place {
            county_fips: at.opt(|c, i| c.text(i).and_then(Fips::parse)),
            county_vintage: at.text().map(|v| Cow::Owned(v.to_owned())),
            state: at.opt(|c, i| c.text(i).and_then(StateCode::parse)),
            method: at.text().map(|m| Cow::Owned(m.to_owned())),
        };
        let mut codes = Codes::default();
        for axis in AXES {
            let index = at.skip();
            let mut wrong = false;
            let mut add = |code: &str| wrong |= codes.add(*axis, code).is_none();
            if SEVERAL_AXES.contains(axis) {
                cells.codes(index, &mut add);
            } else if let Some(code) = cells.text(index) {
                add(code);
            }
            if wrong {
                return Err(BadRow(axis.as_str().into()));
            }
        }
        let mut counts = Counts::default();
        for count in COUNTS {
            let min = at.opt(|c, i| c.int(i).and_then(|n| u32::try_from(n).ok()));
            let max = at.opt(|c, i| c.int(i).and_then(|n| u32::try_from(n).ok()));
            let at_least = at.opt(|c, i| c.int(i)) == Some(1);
            counts.set(*count, Count::from_parts(min, max, at_least));
        }
        let incident_id = at.text().map(str::to_owned);
        let language = at.opt(|c, i| c.text(i).and_then(Language::from_code));
        let narrative = at.text().map(str::to_owned);
        let redactions = match at.text() {
            Some(json) => serde_json::from_str(json).map_err(|_| BadRow("redactions".into()))?,
            None => Vec::new(),
        };
        let provenance = at.need(|c, i| c.text(i).and_then(Provenance::from_compact))?;
        let withdrawn = at.int()? == 1;
        let report = CodedReport {
            report_id,
            external_id,
            source,
            revision,
            received_at,
            reported_at,
            occurred: Occurred { on, time, precision },
            zone,
            place,
            codes,
            counts,
            incident_id,
            language,
            narrative,
            redactions,
            provenance,
        };
        Ok(Self { seq, effective_at, first_received_at, withdrawn, report })
    }

    /// What the row says, as SHA-256: every column that is in the snapshot, without `seq` and `effective_at`. The same
    /// report gives the same digest through any queue and store.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let mut columns = COLUMNS.iter();
        self.cells(|cell| {
            let Some(column) = columns.next() else { return };
            if matches!(&*column.name, "seq" | "effective_at") || column.carried == Carried::NotInSnapshot {
                return;
            }
            match cell.to_text() {
                None => hasher.update([0]),
                Some(text) => {
                    hasher.update([1]);
                    hasher.update((text.len() as u64).to_be_bytes());
                    hasher.update(text.as_bytes());
                }
            }
        });
        hasher.finalize().into()
    }

    /// The month in which the report's first version was received (UTC).
    #[must_use]
    pub fn received_month(&self) -> Month {
        Month::of(self.first_received_at.date_naive())
    }
}

/// Walks a source's cells in the order of [`COLUMNS`].
struct Cursor<'a, S> {
    cells: &'a S,
    next: usize,
}

impl<'a, S: CellSource> Cursor<'a, S> {
    fn skip(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    fn opt<T>(&mut self, get: impl FnOnce(&'a S, usize) -> Option<T>) -> Option<T> {
        let index = self.skip();
        get(self.cells, index)
    }

    fn need<T>(&mut self, get: impl FnOnce(&'a S, usize) -> Option<T>) -> Result<T, BadRow> {
        let index = self.next;
        self.opt(get).ok_or_else(|| BadRow(COLUMNS[index].name.clone()))
    }

    fn text(&mut self) -> Option<&'a str> {
        self.opt(CellSource::text)
    }

    fn int(&mut self) -> Result<i64, BadRow> {
        self.need(CellSource::int)
    }
}

/// The funnel's counts of one source and one UTC month of receipt (the first sum), as of an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunnelRow {
    pub month: Month,
    pub source: SourceName,
    /// Appended positions.
    pub received: u64,
    /// Positions that were the first of their id to be coded.
    pub coded: u64,
    pub revisions: u64,
    pub repeats: u64,
    pub rejected: u64,
    pub waiting: u64,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::parse_rfc3339;
    use crate::provenance::Origin;
    use crate::taxonomy::{EventKind, Tactic};

    struct Flat(Vec<Option<String>>);

    impl CellSource for Flat {
        fn id(&self, c: usize) -> Option<[u8; 16]> {
            self.0[c].as_deref().and_then(ReportId::parse).map(|id| *id.as_bytes())
        }
        fn text(&self, c: usize) -> Option<&str> {
            self.0[c].as_deref()
        }
        fn int(&self, c: usize) -> Option<i64> {
            match self.0[c].as_deref()? {
                "true" => Some(1),
                "false" => Some(0),
                text if COLUMNS[c].ty == ColumnType::Instant => Some(parse_rfc3339(text)?.timestamp_micros()),
                text => text.parse().ok(),
            }
        }
        fn date(&self, c: usize) -> Option<NaiveDate> {
            self.0[c].as_deref()?.parse().ok()
        }
        fn time(&self, c: usize) -> Option<NaiveTime> {
            NaiveTime::parse_from_str(self.0[c].as_deref()?, "%H:%M").ok()
        }
        fn codes(&self, c: usize, each: &mut dyn FnMut(&str)) {
            if let Some(text) = self.0[c].as_deref() {
                text.split(';').for_each(each);
            }
        }
    }

    /// A row with something in most columns.
    pub(crate) fn row() -> CodedRow {
        let at = parse_rfc3339("2026-09-16T22:30:00.5Z").expect("valid");
        let mut codes = Codes { event_kind: Some(EventKind::Arrest), ..Codes::default() };
        codes.tactics.insert(Tactic::Masked);
        codes.tactics.insert(Tactic::RusePolice);
        let mut provenance = Provenance::default();
        provenance.set(Field::EventKind, Origin::given());
        CodedRow {
            seq: 41,
            effective_at: at,
            first_received_at: at,
            withdrawn: false,
            report: CodedReport {
                report_id: Some(ReportId::from_bytes([9; 16])),
                external_id: Some("a-1".into()),
                source: SourceName::parse("line-a"),
                revision: 0,
                received_at: Some(at),
                reported_at: None,
                occurred: Occurred {
                    on: NaiveDate::from_ymd_opt(2026, 9, 14),
                    time: NaiveTime::from_hms_opt(7, 15, 0),
                    precision: Precision::Minute,
                },
                zone: Some("America/New_York".into()),
                place: Place {
                    county_fips: Fips::parse("36081"),
                    county_vintage: Some("2022".into()),
                    state: StateCode::parse("NY"),
                    method: Some("zip".into()),
                },
                codes,
                counts: Counts { agents: Some(Count::at_least(6)), ..Counts::default() },
                incident_id: None,
                language: Some(Language::Es),
                narrative: None,
                redactions: Vec::new(),
                provenance,
            },
        }
    }

    fn flat(row: &CodedRow) -> Flat {
        let mut cells = Vec::new();
        row.cells(|cell| cells.push(cell.to_text().map(Cow::into_owned)));
        Flat(cells)
    }

    #[test]
    fn a_row_has_a_cell_for_each_column_and_reads_back_the_same() {
        let row = row();
        let cells = flat(&row);
        assert_eq!(cells.0.len(), COLUMNS.len());
        assert_eq!(CodedRow::read(&cells), Ok(row.clone()));
        assert_eq!(row.standing(), Standing::Event);
        for (column, cell) in COLUMNS.iter().zip(&cells.0) {
            assert!(column.nullable || cell.is_some(), "{} has no value", column.name);
        }
    }

    #[test]
    fn the_digest_speaks_of_the_report_and_not_of_the_store() {
        let a = row();
        let moved = CodedRow { seq: 99, ..a.clone() };
        assert_eq!(a.digest(), moved.digest());
        let mut other = a.clone();
        other.report.codes.tactics.remove(Tactic::Masked);
        assert_ne!(a.digest(), other.digest());
        assert_ne!(a.digest(), CodedRow { withdrawn: true, ..a }.digest());
    }

    #[test]
    fn a_damaged_cell_names_its_column() {
        let mut cells = flat(&row());
        let setting = column_index("event_kind").expect("a column");
        cells.0[setting] = Some("arrrest".into());
        assert_eq!(CodedRow::read(&cells), Err(BadRow("event_kind".into())));
    }
}
