use std::collections::BTreeSet;

use proptest::prelude::*;
use schemas::dataset::CodedRow;
use schemas::report::Standing;
use schemas::taxonomy::{CodeAxis, CodeSet, EventKind, Review, Setting, Tactic};
use schemas::time::Precision;
use tempfile::TempDir;

use super::*;
use crate::dataset::SnapshotWriter;
use crate::results::{ALL, Row, UNKNOWN, Value};
use crate::testing::{History, INSTALLATION, ROW_BYTES, arrest, at, day, revised};

type Fault = Box<dyn std::error::Error + Send + Sync>;

fn month(text: &str) -> Month {
    Month::parse(text).expect("a month")
}

fn period(text: &str) -> Period {
    Period::parse(text).expect("a period")
}

/// A snapshot of the history, in small segments, appended in two parts.
fn snapshot(history: &History, segment_rows: usize) -> (TempDir, Snapshot) {
    let dir = TempDir::new().expect("a directory");
    let mut writer = SnapshotWriter::open(dir.path(), INSTALLATION).expect("opens").with_segment_rows(segment_rows);
    let last = history.rows.len() as i64;
    for until in [last / 3, last] {
        let (rows, superseded) = history.part(writer.last_seq(), until);
        let rows = rows.into_iter().map(Ok::<_, Fault>);
        writer.append(rows, superseded.into_iter().map(Ok)).expect("appends");
    }
    let snapshot = writer.snapshot().expect("reads");
    (dir, snapshot)
}

/// The funnel of these current rows: each coded once, and one repeat and one reject in each of their months.
fn funnel(rows: &[&CodedRow]) -> Vec<FunnelRow> {
    let of = |row: &CodedRow| (row.received_month(), row.report.source.clone().expect("a source"));
    let keys: BTreeSet<_> = rows.iter().map(|row| of(row)).collect();
    let counts = keys.into_iter().map(|(month, source)| {
        let coded = rows.iter().filter(|row| of(row) == (month, source.clone())).count() as u64;
        FunnelRow { month, source, received: coded + 2, coded, revisions: 0, repeats: 1, rejected: 1, waiting: 0 }
    });
    counts.collect()
}

fn measure(snapshot: &Snapshot, request: &Request<'_>) -> Measured {
    compute(snapshot, request).expect("computes")
}

fn request<'a>(period: Period, funnel: &'a [FunnelRow], names: &'a BTreeMap<SourceName, String>) -> Request<'a> {
    Request { period, as_of: None, state: None, funnel, public_names: names }
}

/// The counts of the row with these keys.
fn counts(measured: &Measured, table: &str, keys: &[&str]) -> Vec<i64> {
    let table = measured.table(table).expect("a table");
    let row =
        table.rows.iter().find(|row| row.keys == keys).unwrap_or_else(|| panic!("{} has no {keys:?}", table.name));
    let count = |value: &Value| match value {
        Value::Count(n) | Value::Scaled(n) => *n,
        Value::Missing => -1,
    };
    row.values.iter().map(count).collect()
}

#[test]
fn a_small_month_by_hand() {
    let mut rows: Vec<CodedRow> = (1..=9).map(|seq| arrest(seq, "2026-01-10")).collect();
    // 1: an arrest of 2, in King County. 2: one of 3 or more, elsewhere in the state.
    rows[0].report.counts.persons_arrested = Some(schemas::Count::exactly(2));
    rows[1].report.counts.persons_arrested = Some(schemas::Count::at_least(3));
    rows[1].report.place.county_fips = None;
    // 3: a sighting in December, told in January. 4: the same day's arrest, withdrawn.
    rows[2].report.codes.event_kind = Some(EventKind::Sighting);
    rows[2].report.occurred.on = Some(day("2025-12-31"));
    rows[3].withdrawn = true;
    // 5: found to be no enforcement. 6: a duplicate. 7: a request for information, without a place.
    rows[4].report.codes.review = Some(Review::NotEnforcement);
    rows[5].report.codes.review = Some(Review::Duplicate);
    rows[6].report.codes.event_kind = Some(EventKind::InformationRequest);
    rows[6].report.place = schemas::report::Place::default();
    // 8: an arrest in a week that lies in two months. 9: at a courthouse, by a ruse, with a clerk's help.
    rows[7].report.occurred.on = Some(day("2026-02-01"));
    rows[7].report.occurred.precision = Precision::Week;
    rows[8].report.codes.setting = Some(Setting::Courthouse);
    rows[8].report.codes.tactics = [Tactic::RusePolice, Tactic::CourtStaffAssist].into_iter().collect();
    let history = History { rows, superseded: Vec::new() };
    let (_dir, snapshot) = snapshot(&history, 4);
    let current: Vec<_> = history.rows.iter().collect();
    let (funnel, names) = (funnel(&current), BTreeMap::new());
    let measured = measure(&snapshot, &request(period("2026-01"), &funnel, &names));
    let of = |table, keys: &[&str]| counts(&measured, table, keys);

    assert_eq!(of("reports_month", &["2026-01", ALL]), [3, 5, 5]);
    assert_eq!(of("reports_month", &["2026-01", "arrest"]), [3, 5, 5]);
    assert_eq!(of("reports_month", &["2026-01", "not_enforcement"]), [1, 0, 0]);
    assert_eq!(of("reports_month", &["2026-01", "information_request"]), [1, 0, 0]);
    assert_eq!(of("reports_month", &["2025-12", "sighting"]), [1, 0, 0]);
    assert_eq!(of("county_month", &["2026-01", "WA", "53033", "King County"]), [2, 2]);
    assert_eq!(of("county_month", &["2026-01", "WA", UNKNOWN, UNKNOWN]), [1, 1]);
    assert_eq!(of("county_month", &["2026-01", "WA", ALL, ALL]), [3, 3]);
    assert_eq!(of("county_month", &["2025-12", ALL, ALL, ALL]), [1, 0]);
    assert_eq!(of("tactic_month", &["2026-01", "ruse_police"]), [1]);
    assert_eq!(of("tactic_month", &["2026-01", UNKNOWN]), [2]);
    assert_eq!(of("tactic_pairs", &["2026-01", "ruse_police", "court_staff_assist"]), [1, -1]);
    assert_eq!(of("courthouse", &["2026-01", "month", "WA", "53033", "staff_assist", "yes"]), [1]);
    assert_eq!(of("courthouse", &["2026-01", "12_months", ALL, ALL, "court_type", UNKNOWN]), [1]);
    assert_eq!(of("sums", &["period", "coded", "event"]), [4]);
    assert_eq!(of("sums", &["period", "coded", "undated"]), [1]);
    assert_eq!(of("sums", &["period", "coded", "withdrawn"]), [1]);
    // Received, coded, revisions, repeats, rejected, waiting; this month, earlier, undated, not events.
    assert_eq!(of("funnel_month", &["2026-01"]), [11, 9, 0, 1, 1, 0, 3, 1, 1, 4]);
    assert_eq!(of("completeness_month", &["2026-01", "pooled"]), [9, -1, 222, 111, -1]);
    assert_eq!(measured.facts.reports, 9);
    assert_eq!(
        (measured.facts.first_month, measured.facts.last_month),
        (Some(month("2025-12")), Some(month("2026-01")))
    );
    assert_eq!(measured.as_of, snapshot.latest().expect("rows"));
}

#[test]
fn an_earlier_date_gives_the_counts_that_stood_then() {
    let first = arrest(1, "2026-01-10");
    let mut second = revised(&first, 2, at("2026-02-20T00:00:00Z"));
    second.report.codes.event_kind = Some(EventKind::Sighting);
    let history = History { superseded: vec![(2, 1, second.effective_at)], rows: vec![first, second] };
    let (_dir, snapshot) = snapshot(&history, 10);
    let names = BTreeMap::new();
    let arrests = |as_of: &str| {
        let as_of = at(as_of);
        let funnel = funnel(&history.current(as_of));
        let request = Request { as_of: Some(as_of), ..request(period("2026-01"), &funnel, &names) };
        counts(&measure(&snapshot, &request), "reports_month", &["2026-01", "arrest"])[0]
    };
    assert_eq!(arrests("2026-02-19T00:00:00Z"), 1);
    assert_eq!(arrests("2026-02-20T00:00:00Z"), 0);
}

#[test]
fn a_withdrawn_period_still_has_a_brief_and_an_empty_one_has_none() {
    let mut row = arrest(1, "2026-01-10");
    row.withdrawn = true;
    let history = History { rows: vec![row], superseded: Vec::new() };
    let (_dir, snapshot) = snapshot(&history, 10);
    let (funnel, names) = (funnel(&history.current(at("2026-03-01T00:00:00Z"))), BTreeMap::new());
    let measured = measure(&snapshot, &request(period("2026-01"), &funnel, &names));
    assert_eq!(counts(&measured, "reports_month", &["2026-01", ALL])[0], 0);
    assert_eq!(counts(&measured, "sums", &["all", "coded", "withdrawn"])[0], 1);
    assert_eq!(measured.facts.first_month, None);

    let error = compute(&snapshot, &request(period("1999-01"), &funnel, &names)).expect_err("no data");
    assert_eq!(
        error.to_string(),
        "there is nothing to say of 1999-01: reports are dated in 2026-01 to 2026-01 and were received in 2026-01 to 2026-01"
    );
    let state = StateCode::parse("NY");
    let error = compute(&snapshot, &Request { state, ..request(period("2026-01"), &funnel, &names) });
    assert!(matches!(error, Err(AnalyticsError::NoReportsInState(_))));
    let as_of = Some(at("2026-01-01T00:00:00Z"));
    let error = compute(&snapshot, &Request { as_of, ..request(period("2026-01"), &funnel, &names) });
    assert!(matches!(error, Err(AnalyticsError::NothingAsOf { .. })));
}

#[test]
fn an_empty_snapshot_says_so() {
    let (_dir, snapshot) = snapshot(&History::default(), 10);
    let error = compute(&snapshot, &request(period("2026-01"), &[], &BTreeMap::new()));
    assert!(matches!(error, Err(AnalyticsError::EmptySnapshot)));
}

#[test]
fn a_sum_that_does_not_add_up_names_both_sides() {
    let history = History { rows: vec![arrest(1, "2026-01-10")], superseded: Vec::new() };
    let (_dir, snapshot) = snapshot(&history, 10);
    let names = BTreeMap::new();
    let good = funnel(&history.current(at("2026-03-01T00:00:00Z")));
    let error = |change: fn(&mut FunnelRow)| {
        let mut funnel = good.clone();
        change(&mut funnel[0]);
        compute(&snapshot, &request(period("2026-01"), &funnel, &names)).expect_err("does not add up").to_string()
    };
    assert_eq!(
        error(|row| row.received += 1),
        "the sum `received` of 2026-01 does not add up: received is 4, \
         coded + revisions + repeats + rejected + waiting is 3"
    );
    let coded = error(|row| {
        row.received += 1;
        row.coded += 1;
    });
    assert!(coded.contains("`coded`") && coded.contains("is 2") && coded.contains("is 1"), "{coded}");
}

/// Where the test below asks another process to write what it measured.
const WRITE_TO: &str = "TESTIGO_TEST_TABLES";

#[test]
fn a_fixed_history_is_measured() {
    let rows: Vec<[u8; ROW_BYTES]> = (0..300_u32)
        .map(|n| std::array::from_fn(|i| (n.wrapping_mul(2_654_435_761).rotate_left(i as u32 * 5) >> 8) as u8))
        .collect();
    let history = History::of(&rows);
    let (_dir, snapshot) = snapshot(&history, 50);
    let (funnel, names) = (funnel(&history.current(snapshot.latest().expect("rows"))), BTreeMap::new());
    let measured = measure(&snapshot, &request(period("2026-01"), &funnel, &names));
    assert!(measured.tables.iter().all(|table| !table.rows.is_empty()));
    if let Some(path) = std::env::var_os(WRITE_TO) {
        std::fs::write(path, format!("{measured:#?}")).expect("writes");
    }
}

#[test]
fn the_number_of_threads_and_the_language_change_nothing() {
    let dir = TempDir::new().expect("a directory");
    let measured = |threads: &str, language: &str| {
        let path = dir.path().join(threads);
        let ended = std::process::Command::new(std::env::current_exe().expect("a test binary"))
            .args(["--exact", "compute::tests::a_fixed_history_is_measured"])
            .env("POLARS_MAX_THREADS", threads)
            .env("LC_ALL", language)
            .env(WRITE_TO, &path)
            .output()
            .expect("runs");
        assert!(ended.status.success());
        std::fs::read_to_string(path).expect("what it measured")
    };
    let one = measured("1", "C");
    assert_eq!(one, measured("2", "es_ES.UTF-8"));
    assert_eq!(one, measured("7", "en_US.UTF-8"));
}

/// The same tables, by counting rows: each cell for itself, straight from what its keys say.
struct Model<'a> {
    rows: Vec<&'a CodedRow>,
    /// Those of the state, where the brief is of one.
    here: Vec<&'a CodedRow>,
    funnel: &'a [FunnelRow],
    period: Period,
    names: &'a BTreeMap<SourceName, String>,
    one_state: bool,
}

fn code<A: CodeAxis>(code: Option<A>) -> &'static str {
    code.map_or(UNKNOWN, A::as_str)
}

/// Whether a set of codes counts under the key: `unknown` where it is empty.
fn holds<A: CodeAxis>(codes: CodeSet<A>, key: &str) -> bool {
    codes.iter().any(|code| code.as_str() == key) || (key == UNKNOWN && codes.is_empty())
}

fn matches_key(key: &str, value: &str) -> bool {
    key == ALL || key == value
}

impl Model<'_> {
    fn events(&self) -> impl Iterator<Item = &CodedRow> {
        self.here.iter().copied().filter(|row| row.standing() == Standing::Event)
    }

    fn count(&self, keep: impl Fn(&CodedRow) -> bool) -> Vec<Value> {
        vec![Value::Count(self.events().filter(|row| keep(row)).count() as i64)]
    }

    fn place_is(row: &CodedRow, state: &str, county: &str) -> bool {
        let place = &row.report.place;
        matches_key(state, place.state.as_ref().map_or(UNKNOWN, |s| s.as_str()))
            && matches_key(county, place.county_fips.as_ref().map_or(UNKNOWN, |f| f.as_str()))
    }

    fn values(&self, table: &str, keys: &[&str]) -> Vec<Value> {
        let in_month = |row: &CodedRow| row.report.month().is_some_and(|month| month.to_string() == keys[0]);
        let codes = |row: &CodedRow| row.report.codes;
        match table {
            "reports_month" => {
                let rows = self.here.iter().filter(|row| {
                    in_month(row)
                        && match row.standing() {
                            Standing::Withdrawn | Standing::Duplicate | Standing::Undated => false,
                            Standing::Event => keys[1] == ALL || keys[1] == code(codes(row).event_kind),
                            Standing::NotEnforcement => keys[1] == "not_enforcement",
                            Standing::NonEvent => keys[1] == code(codes(row).event_kind),
                        }
                });
                let [mut reports, mut min, mut max] = [0, 0, 0];
                for row in rows {
                    reports += 1;
                    if let Some(count) = row.report.counts.persons_arrested {
                        min += i64::from(count.min().unwrap_or(0));
                        max += i64::from(count.max().or(count.min()).unwrap_or(0));
                    }
                }
                [reports, min, max].map(Value::Count).into()
            }
            "county_month" => {
                let here = |row: &CodedRow| in_month(row) && Self::place_is(row, keys[1], keys[2]);
                let arrests = self.count(|row| here(row) && codes(row).event_kind == Some(EventKind::Arrest));
                [self.count(here), arrests].concat()
            }
            "tactic_month" => self.count(|row| in_month(row) && holds(codes(row).tactics, keys[1])),
            "tactic_pairs" => {
                let within = |row: &CodedRow| {
                    row.report.month().is_some_and(|m| (self.period.first..=self.period.last).contains(&m))
                };
                let both = self.count(|row| {
                    within(row) && holds(codes(row).tactics, keys[1]) && holds(codes(row).tactics, keys[2])
                });
                let number = |values: &[Value]| if let Value::Count(n) = values[0] { n as f64 } else { 0.0 };
                let of = |key: &str| number(&self.count(|row| within(row) && holds(codes(row).tactics, key)));
                let expected = of(keys[1]) * of(keys[2]) / number(&self.count(within));
                let lift = match number(&both) {
                    n if n >= 10.0 && expected >= 5.0 && !self.one_state => {
                        Value::Scaled((n / expected * 10.0 + 0.5 + 1e-9).floor() as i64)
                    }
                    _ => Value::Missing,
                };
                [both, vec![lift]].concat()
            }
            "same_sources" => {
                let month = Month::parse(keys[0]).expect("a month");
                let before = month.plus(if keys[1] == "previous_month" { -1 } else { -12 });
                let told = |row: &CodedRow, month: Month| {
                    let counts =
                        !matches!(row.standing(), Standing::Withdrawn | Standing::Duplicate | Standing::Undated);
                    row.received_month() == month || (counts && row.report.month() == Some(month))
                };
                let active = |month: Month| -> BTreeSet<_> {
                    self.here.iter().filter(|row| told(row, month)).map(|row| row.report.source.clone()).collect()
                };
                let same: BTreeSet<_> = active(month).intersection(&active(before)).cloned().collect();
                let events = |month: Month| {
                    self.count(|row| {
                        row.report.month() == Some(month)
                            && matches_key(keys[2], code(codes(row).event_kind))
                            && same.contains(&row.report.source)
                    })
                };
                let len = |n: usize| vec![Value::Count(n as i64)];
                [len(same.len()), len(active(month).len()), events(month), events(before)].concat()
            }
            "setting_month" => self.count(|row| in_month(row) && matches_key(keys[1], code(codes(row).setting))),
            "agency_month" => self.count(|row| {
                let agency = match keys[1] {
                    "claimed" => codes(row).agency_claimed,
                    _ => codes(row).agency_assessed,
                };
                in_month(row) && matches_key(keys[2], code(agency))
            }),
            "courthouse" => self.count(|row| {
                let months = match keys[1] {
                    "month" => 1,
                    "quarter" => 3,
                    _ => 12,
                };
                let back = row.report.month().map(|m| self.period.last.index() - m.index());
                let codes = codes(row);
                let coded = match keys[4] {
                    "court_type" => matches_key(keys[5], code(codes.court_type)),
                    "court_stage" => matches_key(keys[5], code(codes.court_stage)),
                    "court_role" => matches_key(keys[5], code(codes.court_role)),
                    "place_relation" => matches_key(keys[5], code(codes.place_relation)),
                    "authority_shown" => holds(codes.authority_shown, keys[5]),
                    _ => {
                        let help = codes.tactics.contains(Tactic::CourtStaffAssist);
                        matches_key(keys[5], if help { "yes" } else { UNKNOWN })
                    }
                };
                codes.setting == Some(Setting::Courthouse)
                    && back.is_some_and(|back| (0..months).contains(&back))
                    && Self::place_is(row, keys[2], keys[3])
                    && coded
            }),
            "detainer_month" => self.count(|row| {
                let tactics = codes(row).tactics;
                let kind = if tactics.contains(Tactic::DetainerHold) {
                    "detainer_hold"
                } else if tactics.contains(Tactic::TransferAtRelease) {
                    "transfer_at_release"
                } else {
                    "other"
                };
                codes(row).event_kind == Some(EventKind::DetainerOrTransfer)
                    && in_month(row)
                    && Self::place_is(row, keys[1], ALL)
                    && matches_key(keys[2], kind)
            }),
            "completeness_month" => self.completeness(keys),
            "funnel_month" => self.funnel(|month| month.to_string() == keys[0]).map(Value::Count).into(),
            "sums" => {
                let months = self.period.first..=self.period.last;
                let [received, coded, revisions, repeats, rejected, waiting, this_month, earlier, undated, not_events] =
                    self.funnel(|month| keys[0] == ALL || months.contains(&month));
                let standing = |standing: Standing| {
                    let in_scope = |row: &&&CodedRow| keys[0] == ALL || months.contains(&row.received_month());
                    self.rows.iter().filter(in_scope).filter(|row| row.standing() == standing).count() as i64
                };
                let n = match keys[2] {
                    "received" => received,
                    "coded" => coded,
                    "revisions" => revisions,
                    "repeats" => repeats,
                    "rejected" => rejected,
                    "waiting" => waiting,
                    "events_this_month" => this_month,
                    "events_earlier" => earlier,
                    "undated" => undated,
                    "not_events" => not_events,
                    part => standing(Standing::from_code(part).expect("a standing")),
                };
                vec![Value::Count(n)]
            }
            other => panic!("no model of {other}"),
        }
    }

    /// The columns of `funnel_month` over some months of receipt.
    fn funnel(&self, within: impl Fn(Month) -> bool) -> [i64; 10] {
        let mut sums = [0; 10];
        for row in self.funnel.iter().filter(|row| within(row.month)) {
            let counts = [row.received, row.coded, row.revisions, row.repeats, row.rejected, row.waiting];
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count as i64);
        }
        for row in self.rows.iter().filter(|row| within(row.received_month())) {
            sums[match row.standing() {
                Standing::Event if row.report.month() < Some(row.received_month()) => 7,
                Standing::Event => 6,
                Standing::Undated => 8,
                _ => 9,
            }] += 1;
        }
        sums
    }

    fn completeness(&self, keys: &[&str]) -> Vec<Value> {
        let source = |row: &CodedRow| row.report.source.as_ref().and_then(|name| self.names.get(name));
        let rows: Vec<_> = self
            .here
            .iter()
            .filter(|row| row.received_month().to_string() == keys[0])
            .filter(|row| source(row).map_or("pooled", String::as_str) == keys[1])
            .collect();
        let whole = rows.len() as f64;
        let share = |part: usize| match rows.len() {
            0 => Value::Missing,
            _ => Value::Scaled((part as f64 / whole * 1000.0 + 0.5).floor() as i64),
        };
        let mut lags: Vec<f64> = rows
            .iter()
            .filter(|row| row.report.occurred.precision <= Precision::Day)
            .filter_map(|row| {
                let zone: &str = row.report.zone.as_deref()?;
                // The test's zones keep winter time in all of the test's days.
                let hours = match zone {
                    "America/Los_Angeles" => -8,
                    "America/New_York" => -5,
                    _ => 0,
                };
                let local = row.report.reported_at?.naive_utc() + chrono::TimeDelta::hours(hours);
                let ends = row.report.occurred.on?.succ_opt()?.and_hms_opt(0, 0, 0)?;
                Some(((local - ends).num_seconds() as f64 / 8640.0 + 0.5).floor())
            })
            .collect();
        lags.sort_by(f64::total_cmp);
        let median = match lags.len() {
            0..20 => Value::Missing,
            n => Value::Scaled((f64::midpoint(lags[(n - 1) / 2], lags[n / 2]) + 0.5).floor() as i64),
        };
        let without_place = rows.iter().filter(|row| row.report.place.county_fips.is_none()).count();
        let without_date = rows.iter().filter(|row| row.report.month().is_none()).count();
        let late = match lags.len() {
            0..20 => Value::Missing,
            n => {
                let late = lags.iter().filter(|tenths| **tenths > 140.0).count();
                Value::Scaled((late as f64 / n as f64 * 1000.0 + 0.5).floor() as i64)
            }
        };
        vec![Value::Count(rows.len() as i64), median, share(without_place), share(without_date), late]
    }

    /// That every event of the table's months stands in a row: the rows without a total add up to what is counted.
    fn nothing_is_left_out(&self, table: &Table) {
        let sum = |keep: fn(&Row) -> bool| -> i64 {
            let rows = table.rows.iter().filter(|row| !row.keys.iter().any(|key| key == ALL)).filter(|row| keep(row));
            rows.map(|row| if let Value::Count(n) = row.values[0] { n } else { 0 }).sum()
        };
        let months: BTreeSet<_> = self.period.table_months().collect();
        let events = || self.events().filter(|row| row.report.month().is_some_and(|m| months.contains(&m)));
        let all = events().count() as i64;
        match table.name {
            "county_month" | "setting_month" => assert_eq!(sum(|_| true), all, "{}", table.name),
            "agency_month" => assert_eq!(sum(|_| true), 2 * all),
            "tactic_month" => {
                let tactics: usize = events().map(|row| row.report.codes.tactics.len().max(1)).sum();
                assert_eq!(sum(|_| true), tactics as i64);
            }
            "detainer_month" => {
                let kind = Some(EventKind::DetainerOrTransfer);
                assert_eq!(sum(|_| true), events().filter(|row| row.report.codes.event_kind == kind).count() as i64);
            }
            "courthouse" => {
                let courts = self.count(|row| {
                    let last_year = self.period.last.plus(-11)..=self.period.last;
                    row.report.month().is_some_and(|m| last_year.contains(&m))
                        && row.report.codes.setting == Some(Setting::Courthouse)
                });
                let of_year = sum(|row| row.keys[1] == "12_months" && row.keys[4] == "court_role");
                assert_eq!(courts, [Value::Count(of_year)]);
            }
            _ => {}
        }
    }

    fn check(&self, table: &Table) {
        let mut seen = BTreeSet::new();
        for row in &table.rows {
            let keys: Vec<&str> = row.keys.iter().map(|key| &**key).collect();
            assert_eq!(row.values, self.values(table.name, &keys), "{} {keys:?}", table.name);
            assert!(seen.insert(keys.clone()), "{} has {keys:?} twice", table.name);
            assert_eq!((row.keys.len(), row.values.len()), (table.keys.len(), table.measures.len()));
        }
        if table.keys[0].name == "month" && table.name != "same_sources" {
            let units: BTreeSet<_> = seen.iter().map(|keys| keys[1..].to_vec()).collect();
            assert_eq!(table.rows.len(), 25 * units.len(), "{} is dense", table.name);
        }
        self.nothing_is_left_out(table);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_cell_is_what_counting_rows_gives(
        rows in proptest::collection::vec(any::<[u8; ROW_BYTES]>(), 1..90),
        segment_rows in 1_usize..30,
        hours in 100_i64..2800,
        of_state in any::<bool>(),
        which in 0_usize..4,
    ) {
        let history = History::of(&rows);
        let as_of = at("2025-12-20T00:00:00Z") + chrono::TimeDelta::hours(hours);
        let current = history.current(as_of);
        let (_dir, snapshot) = snapshot(&history, segment_rows);
        let funnel = funnel(&current);
        let names = BTreeMap::from([(SourceName::parse("watch").expect("a name"), "Court Watch".to_owned())]);
        let period = period(["2025-12", "2026-01", "2026-Q1", "2026"][which]);
        let state = if of_state { StateCode::parse("WA") } else { None };
        let request = Request { period, as_of: Some(as_of), state, funnel: &funnel, public_names: &names };
        match compute(&snapshot, &request) {
            Ok(measured) => {
                let here = |row: &&CodedRow| state.is_none() || row.report.place.state == state;
                let here = current.iter().copied().filter(here).collect();
                let model = Model { rows: current, here, funnel: &funnel, period, names: &names, one_state: state.is_some() };
                for table in measured.tables.iter().filter(|table| table.name != "data_dictionary") {
                    model.check(table);
                }
                prop_assert_eq!(&measure(&snapshot, &request), &measured, "again, the same");
            }
            Err(AnalyticsError::NoData { .. }) => {
                let months = period.first..=period.last;
                let of_period = |m: Option<Month>| m.is_some_and(|m| months.contains(&m));
                let none = current.iter().all(|row| !of_period(row.report.month()) && !of_period(Some(row.received_month())));
                prop_assert!(none);
            }
            Err(AnalyticsError::NoReportsInState(state)) => {
                prop_assert!(current.iter().all(|row| row.report.place.state != Some(state)));
            }
            Err(AnalyticsError::NothingAsOf { .. }) => prop_assert!(current.is_empty()),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}
