//! Invented rows for tests: a history of reports, some of them revised, as a store would hold it.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use schemas::clock::{Instant, parse_rfc3339};
use schemas::counts::Count;
use schemas::dataset::CodedRow;
use schemas::ids::ReportId;
use schemas::provenance::{Field, Origin, Provenance};
use schemas::report::{CodedReport, Codes, Counts, Fips, Place, StateCode};
use schemas::source::SourceName;
use schemas::taxonomy::{
    Agency, Authority, CodeAxis, CourtRole, CourtStage, CourtType, EventKind, PlaceRelation, Review, Setting, Tactic,
};
use schemas::time::{Occurred, Precision};

/// The installation of test snapshots.
pub(crate) const INSTALLATION: &str = "test";

pub(crate) fn at(text: &str) -> Instant {
    parse_rfc3339(text).expect("an instant")
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// A report of an arrest in King County, received at noon of the day after, with little else in it.
pub(crate) fn arrest(seq: i64, on: &str) -> CodedRow {
    let received = day(on).succ_opt().expect("a day").and_hms_opt(12, 0, 0).expect("a time").and_utc();
    let mut id = [0; 16];
    id[8..].copy_from_slice(&seq.to_be_bytes());
    let mut provenance = Provenance::default();
    provenance.set(Field::EventKind, Origin::given());
    CodedRow {
        seq,
        effective_at: received,
        first_received_at: received,
        withdrawn: false,
        report: CodedReport {
            report_id: Some(ReportId::from_bytes(id)),
            external_id: Some(format!("call-{seq}")),
            source: SourceName::parse("line-a"),
            revision: 0,
            received_at: Some(received),
            reported_at: None,
            occurred: Occurred { on: Some(day(on)), time: None, precision: Precision::Day },
            zone: Some("America/Los_Angeles".into()),
            place: Place {
                county_fips: Fips::parse("53033"),
                county_vintage: Some("2022".into()),
                state: StateCode::parse("WA"),
                method: Some("given".into()),
            },
            codes: Codes { event_kind: Some(EventKind::Arrest), ..Codes::default() },
            counts: Counts::default(),
            incident_id: None,
            language: None,
            narrative: Some("a text that a snapshot must not hold".into()),
            redactions: Vec::new(),
            provenance,
        },
    }
}

/// The row that takes the place of `row`: the next version of its report.
pub(crate) fn revised(row: &CodedRow, seq: i64, effective_at: Instant) -> CodedRow {
    let mut next = row.clone();
    next.seq = seq;
    next.effective_at = effective_at;
    next.report.revision += 1;
    next.report.received_at = Some(effective_at);
    next
}

/// What a store holds: rows in the order of their sequences, and which sequences were superseded when.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub rows: Vec<CodedRow>,
    /// By the row of which sequence, which sequence, when.
    pub superseded: Vec<(i64, i64, Instant)>,
}

impl History {
    /// Makes a history of bytes: each gives one row. Rows of the same report follow each other as its versions.
    pub(crate) fn of(rows: &[[u8; ROW_BYTES]]) -> Self {
        let mut history = Self::default();
        for (seq, bytes) in (1..).zip(rows) {
            let effective_at = at("2025-12-20T00:00:00Z") + TimeDelta::hours(31 * seq);
            let mut row = row_of(bytes, seq, effective_at);
            let id = row.report.report_id;
            let before = history.rows.iter().filter(|row| row.report.report_id == id).collect::<Vec<_>>();
            if let (Some(first), Some(last)) = (before.first(), before.last()) {
                row.first_received_at = first.first_received_at;
                row.report.source = first.report.source.clone();
                row.report.external_id = first.report.external_id.clone();
                row.report.revision = last.report.revision + 1;
                let replaced = last.seq;
                history.superseded.push((seq, replaced, effective_at));
            }
            history.rows.push(row);
        }
        history
    }

    /// The rows that are current as of `as_of`.
    pub(crate) fn current(&self, as_of: Instant) -> Vec<&CodedRow> {
        let gone = |seq| self.superseded.iter().any(|(_, gone, when)| *gone == seq && *when <= as_of);
        self.rows.iter().filter(|row| row.effective_at <= as_of && !gone(row.seq)).collect()
    }

    /// The rows after `after` up to `until`, and what they superseded.
    pub(crate) fn part(&self, after: i64, until: i64) -> (Vec<CodedRow>, Vec<(i64, Instant)>) {
        let within = |seq: &i64| (after + 1..=until).contains(seq);
        let rows = self.rows.iter().filter(|row| within(&row.seq)).cloned().collect();
        let superseded = self.superseded.iter().filter(|(by, ..)| within(by)).map(|(_, seq, when)| (*seq, *when));
        (rows, superseded.collect())
    }
}

/// How many bytes make a row.
pub(crate) const ROW_BYTES: usize = 24;

/// A row of bytes; small numbers, so that keys meet.
fn row_of(bytes: &[u8; ROW_BYTES], seq: i64, effective_at: Instant) -> CodedRow {
    let mut bytes = bytes.iter().copied();
    let mut next = move |below: usize| usize::from(bytes.next().expect("enough bytes")) % below;
    // One more than there are codes stands for nothing told.
    fn code<A: CodeAxis>(n: usize) -> Option<A> {
        A::ALL.get(n % (A::ALL.len() + 1)).copied()
    }

    let mut row = arrest(seq, "2026-01-01");
    row.effective_at = effective_at;
    row.first_received_at = effective_at;
    let report = &mut row.report;
    report.received_at = Some(effective_at);
    let id = next(40) as u8;
    report.report_id = Some(ReportId::from_bytes([id.wrapping_mul(37); 16]));
    report.external_id = Some(format!("call-{id}"));
    report.source = SourceName::parse(["line-a", "line-b", "watch"][next(3)]);
    report.occurred.on = match next(16) {
        0 => None,
        _ => day("2025-11-20").checked_add_days(Days::new(next(100) as u64)),
    };
    report.occurred.precision = match report.occurred.on {
        None => Precision::Unknown,
        Some(_) => Precision::ALL[next(6)],
    };
    report.occurred.time = (report.occurred.precision == Precision::Minute)
        .then(|| NaiveTime::from_hms_opt(next(24) as u32, 30, 0).expect("a time"));
    let zones = ["America/Los_Angeles", "America/New_York", "UTC"];
    report.zone = Some(zones[next(3)].into());
    let reported = next(60) as i64;
    report.reported_at = (reported > 5).then(|| effective_at - TimeDelta::hours(reported * 7));
    let places = [
        (Some("53033"), Some("WA")),
        (Some("53053"), Some("WA")),
        (None, Some("WA")),
        (Some("36081"), Some("NY")),
        (None, None),
    ];
    let (county, state) = places[next(places.len())];
    report.place.county_fips = county.and_then(Fips::parse);
    report.place.state = state.and_then(StateCode::parse);
    let codes = &mut report.codes;
    codes.event_kind = code::<EventKind>(next(256));
    codes.setting = if next(2) == 0 { Some(Setting::Courthouse) } else { code(next(256)) };
    codes.review = match next(8) {
        0 => code::<Review>(next(256)),
        _ => None,
    };
    let tactics = [Tactic::RusePolice, Tactic::CourtStaffAssist, Tactic::DetainerHold, Tactic::TransferAtRelease];
    let chosen = next(16);
    codes.tactics =
        tactics.iter().enumerate().filter(|(i, _)| chosen >> i & 1 == 1).map(|(_, tactic)| *tactic).collect();
    codes.agency_claimed = code::<Agency>(next(256));
    codes.agency_assessed = code::<Agency>(next(256));
    let shown = [Authority::I200, Authority::Refused, Authority::Unknown];
    let chosen = next(8);
    codes.authority_shown = shown.iter().enumerate().filter(|(i, _)| chosen >> i & 1 == 1).map(|(_, a)| *a).collect();
    codes.court_type = code::<CourtType>(next(256));
    codes.court_stage = code::<CourtStage>(next(256));
    codes.court_role = code::<CourtRole>(next(256));
    codes.place_relation = code::<PlaceRelation>(next(256));
    let persons = next(12) as u32;
    report.counts.persons_arrested = match persons % 4 {
        0 => None,
        1 => Some(Count::exactly(persons)),
        2 => Some(Count::at_least(persons)),
        _ => Count::from_parts(None, Some(persons), false),
    };
    row.withdrawn = next(16) == 0;
    row
}
