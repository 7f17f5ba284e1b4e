use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use proptest::prelude::*;
use schemas::clock::Instant;
use schemas::dataset::{COLUMNS, Carried, CodedRow};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::testing::{History, INSTALLATION, ROW_BYTES, arrest, at, revised};

type Never = std::convert::Infallible;
type Fault = Box<dyn std::error::Error + Send + Sync>;

fn writer(dir: &Path) -> SnapshotWriter {
    SnapshotWriter::open(dir, INSTALLATION).expect("opens")
}

fn append(writer: &mut SnapshotWriter, rows: &[CodedRow], superseded: &[(i64, Instant)]) -> Cut {
    let rows = rows.iter().cloned().map(Ok::<_, Fault>);
    writer.append(rows, superseded.iter().copied().map(Ok)).expect("appends")
}

/// What the columns of the rows that are current say, as text.
fn current(snapshot: &Snapshot, as_of: Instant, column: &str) -> Vec<String> {
    let mut all = Vec::new();
    for batch in snapshot.batches() {
        let frame = batch.current(as_of, &[column]).and_then(LazyFrame::collect).expect("reads");
        let texts = frame.column(column).and_then(|c| c.cast(&DataType::String)).expect("a column");
        all.extend(texts.str().expect("text").iter().map(|text| text.unwrap_or("").to_owned()));
    }
    all.sort();
    all
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn rows_come_in_segments_and_only_new_ones_are_asked_for() {
    let dir = TempDir::new().expect("a directory");
    let mut writer = writer(dir.path()).with_segment_rows(2);
    assert_eq!((writer.last_seq(), writer.snapshot().expect("reads").latest()), (0, None));
    let rows: Vec<_> = (1..=5).map(|seq| arrest(seq, "2026-01-05")).collect();
    assert_eq!(append(&mut writer, &rows[..3], &[]), Cut { rows: 3, superseded: 0, last_seq: 3 });
    assert_eq!(append(&mut writer, &rows[3..], &[]), Cut { rows: 2, superseded: 0, last_seq: 5 });
    assert_eq!(append(&mut writer, &[], &[]), Cut { rows: 0, superseded: 0, last_seq: 5 });
    let segments = ["0000000001-0000000002", "0000000003-0000000003", "0000000004-0000000005"];
    assert_eq!(names(&dir.path().join("segments")), segments.map(|name| format!("{name}.parquet")));
    assert_eq!(names(&dir.path().join("digests")), segments.map(|name| format!("{name}.bin")));
    drop(writer);
    let snapshot = Snapshot::open(dir.path()).expect("opens");
    assert_eq!((snapshot.rows(), snapshot.latest()), (5, Some(at("2026-01-06T12:00:00Z"))));
    assert_eq!(current(&snapshot, at("2026-02-01T00:00:00Z"), "seq"), ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_segment_has_the_columns_of_the_contract_and_no_narrative() {
    let dir = TempDir::new().expect("a directory");
    let mut writer = writer(dir.path());
    let row = arrest(1, "2026-01-05");
    append(&mut writer, std::slice::from_ref(&row), &[]);
    let snapshot = writer.snapshot().expect("reads");
    let path = snapshot.manifest.segments[0].parquet(dir.path());
    let path = PlRefPath::try_from_path(&path).expect("a path");
    let frame = LazyFrame::scan_parquet(path, ScanArgsParquet::default()).and_then(LazyFrame::collect).expect("reads");
    let found: Vec<_> = frame.get_column_names().iter().map(|name| name.to_string()).collect();
    let carried = COLUMNS.iter().filter(|column| column.carried != Carried::NotInSnapshot);
    assert_eq!(found, carried.map(|column| column.name.to_string()).collect::<Vec<_>>());
    // What each cell says is what the row says.
    let mut columns = COLUMNS.iter();
    row.cells(|cell| {
        let column = columns.next().expect("a column for each cell");
        if column.carried == Carried::NotInSnapshot {
            return;
        }
        let found = frame.column(&column.name).and_then(|c| c.get(0)).expect("a cell");
        match cell {
            schemas::dataset::Cell::Null => assert!(found.is_null(), "{}", column.name),
            schemas::dataset::Cell::Instant(at) => {
                assert_eq!(found.extract::<i64>(), Some(at.timestamp_micros()), "{}", column.name);
            }
            schemas::dataset::Cell::Date(date) => assert_eq!(found.to_string(), date.to_string(), "{}", column.name),
            schemas::dataset::Cell::Int(n) => assert_eq!(found.extract::<i64>(), Some(n), "{}", column.name),
            schemas::dataset::Cell::Bool(b) => assert_eq!(found, AnyValue::Boolean(b), "{}", column.name),
            other => assert_eq!(found.get_str(), other.to_text().as_deref(), "{}", column.name),
        }
    });
}

#[test]
fn a_row_counts_from_when_it_speaks_until_another_takes_its_place() {
    let dir = TempDir::new().expect("a directory");
    let mut writer = writer(dir.path());
    let first = arrest(1, "2026-01-05");
    let when = at("2026-02-01T00:00:00Z");
    let second = revised(&first, 2, when);
    append(&mut writer, &[first], &[]);
    append(&mut writer, &[second], &[(1, when)]);
    let snapshot = writer.snapshot().expect("reads");
    let as_of = |text| current(&snapshot, at(text), "seq");
    assert!(as_of("2026-01-06T11:59:59Z").is_empty());
    assert_eq!(as_of("2026-01-06T12:00:00Z"), ["1"], "from its own instant on");
    assert_eq!(as_of("2026-01-31T23:59:59.999999Z"), ["1"]);
    assert_eq!(as_of("2026-02-01T00:00:00Z"), ["2"], "until the other's instant");
    let id = |text| snapshot.id(at(text)).expect("an id");
    assert_eq!(id("2026-01-10T00:00:00Z"), id("2026-01-20T00:00:00Z"));
    assert_ne!(id("2026-01-20T00:00:00Z"), id("2026-02-01T00:00:00Z"));
}

#[test]
fn an_append_that_fails_changes_nothing() {
    let dir = TempDir::new().expect("a directory");
    let mut writer = writer(dir.path()).with_segment_rows(2);
    append(&mut writer, &[arrest(1, "2026-01-05")], &[]);
    let before = fs::read(dir.path().join("snapshot.json")).expect("a manifest");
    let rows = (2..6).map(|seq| Ok::<_, Fault>(arrest(seq, "2026-01-05"))).chain([Err("the store is gone".into())]);
    let error = writer.append(rows, std::iter::empty()).expect_err("fails");
    assert!(error.to_string().contains("the store is gone"), "{error}");
    assert_eq!(fs::read(dir.path().join("snapshot.json")).expect("a manifest"), before);
    assert_eq!(names(&dir.path().join("segments")).len(), 1, "nothing is left behind");
    assert_eq!(append(&mut writer, &[arrest(2, "2026-01-05")], &[]).last_seq, 2);
}

#[test]
fn rows_out_of_order_are_refused() {
    let dir = TempDir::new().expect("a directory");
    let mut writer = writer(dir.path());
    append(&mut writer, &[arrest(3, "2026-01-05")], &[]);
    let rows = [arrest(3, "2026-01-05")].map(Ok::<_, Never>);
    let error = writer.append(rows.into_iter(), std::iter::empty()).expect_err("fails");
    assert!(matches!(error, AnalyticsError::OutOfOrder { seq: 3, after: 3 }), "{error}");
}

/// A crash before the manifest is replaced leaves files that nothing names; whatever they hold, the next append ends as if
/// they had never been.
#[test]
fn after_a_crash_the_next_append_completes_what_was_begun() {
    let history = History::of(&[[0; ROW_BYTES], [3; ROW_BYTES], [0; ROW_BYTES], [9; ROW_BYTES], [3; ROW_BYTES]]);
    let as_of = at("2026-03-01T00:00:00Z");
    let (first, first_gone) = history.part(0, 2);
    let (rest, rest_gone) = history.part(2, 5);

    let whole = TempDir::new().expect("a directory");
    let mut undisturbed = writer(whole.path());
    append(&mut undisturbed, &first, &first_gone);
    append(&mut undisturbed, &rest, &rest_gone);
    let expected = undisturbed.snapshot().expect("reads").id(as_of).expect("an id");

    let dir = TempDir::new().expect("a directory");
    let manifest = dir.path().join("snapshot.json");
    let mut crashing = writer(dir.path());
    append(&mut crashing, &first, &first_gone);
    let before = fs::read(&manifest).expect("a manifest");
    append(&mut crashing, &rest, &rest_gone);
    drop(crashing);
    // As if the process had died one step before its end, and in the middle of other files.
    fs::write(&manifest, before).expect("writes");
    fs::write(dir.path().join("segments/segment.unfinished"), b"half").expect("writes");
    fs::write(dir.path().join("digests/0000000003-0000000009.bin"), b"half").expect("writes");
    fs::write(dir.path().join("snapshot.unfinished"), b"{").expect("writes");

    let reader = Snapshot::open(dir.path()).expect("a reader sees what was before");
    assert_eq!(reader.rows(), 2);
    let mut again = writer(dir.path());
    assert_eq!(again.last_seq(), 2);
    append(&mut again, &rest, &rest_gone);
    assert_eq!(again.snapshot().expect("reads").id(as_of).expect("an id"), expected);
    for part in ["segments", "digests", "cells", "superseded"] {
        assert_eq!(names(&dir.path().join(part)), names(&whole.path().join(part)));
    }
}

#[test]
fn what_is_not_ours_is_refused_with_what_to_do() {
    let dir = TempDir::new().expect("a directory");
    let error = Snapshot::open(dir.path()).expect_err("nothing there");
    assert!(matches!(error, AnalyticsError::NoSnapshot(_)), "{error}");
    append(&mut writer(dir.path()), &[arrest(1, "2026-01-05")], &[]);

    let error = SnapshotWriter::open(dir.path(), "another").expect_err("another installation");
    assert!(matches!(error, AnalyticsError::OtherInstallation(_)), "{error}");

    let manifest = dir.path().join("snapshot.json");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    let version = format!("\"dataset_version\": {:?}", schemas::dataset::VERSION);
    assert!(text.contains(&version));
    // A later version may have any form beside its version.
    fs::write(&manifest, "{\"dataset_version\": \"999\", \"parts\": []}").expect("writes");
    let error = Snapshot::open(dir.path()).expect_err("another version");
    assert!(error.to_string().contains("999") && error.to_string().contains("testigo snapshot"), "{error}");

    fs::write(&manifest, &text[..text.len() / 2]).expect("writes");
    let error = Snapshot::open(dir.path()).expect_err("half a manifest");
    assert!(matches!(error, AnalyticsError::Damaged { .. }), "{error}");

    fs::write(&manifest, &text).expect("writes");
    let segment = dir.path().join("segments/0000000001-0000000001.parquet");
    let whole = fs::read(&segment).expect("a segment");
    fs::write(&segment, &whole[..whole.len() - 1]).expect("writes");
    let error = Snapshot::open(dir.path()).expect_err("a cut segment");
    assert!(matches!(&error, AnalyticsError::Damaged { path, .. } if *path == segment), "{error}");
    fs::remove_file(&segment).expect("removes");
    let error = Snapshot::open(dir.path()).expect_err("a missing segment");
    assert!(matches!(&error, AnalyticsError::Io { path, .. } if *path == segment), "{error}");
}

#[test]
fn a_second_writer_waits_for_the_first() {
    let dir = TempDir::new().expect("a directory");
    let mut first = writer(dir.path());
    let (opened, opens) = mpsc::sync_channel(1);
    let path = dir.path().to_owned();
    let second = std::thread::spawn(move || opened.send(writer(&path).last_seq()));
    assert!(opens.recv_timeout(Duration::from_millis(200)).is_err(), "it waits");
    append(&mut first, &[arrest(1, "2026-01-05")], &[]);
    drop(first);
    assert_eq!(opens.recv_timeout(Duration::from_secs(60)), Ok(1), "and then sees what the first one did");
    second.join().expect("ends").expect("sends");
}

#[test]
fn two_current_rows_of_one_report_are_an_error() {
    let dir = TempDir::new().expect("a directory");
    let mut writer = writer(dir.path());
    let row = arrest(1, "2026-01-05");
    let again = revised(&row, 2, at("2026-02-01T00:00:00Z"));
    append(&mut writer, &[row, again], &[]);
    let error = writer.snapshot().expect("reads").id(at("2026-02-01T00:00:00Z")).expect_err("two are current");
    assert!(matches!(error, AnalyticsError::TwoCurrent { .. }), "{error}");
}

/// The id by its definition, in one line of thought.
fn id_by_definition(history: &History, as_of: Instant) -> String {
    let mut parts: Vec<_> = history.current(as_of).iter().map(|row| (row.report.report_id, row.digest())).collect();
    parts.sort();
    let mut hasher = Sha256::new();
    for (id, digest) in parts {
        hasher.update(id.expect("an id").as_bytes());
        hasher.update(digest);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_id_depends_on_the_current_reports_alone(
        rows in proptest::collection::vec(any::<[u8; ROW_BYTES]>(), 1..40),
        segment_rows in 1_usize..9,
        cuts in proptest::collection::vec(0_i64..40, 0..4),
        hours in 0_i64..1300,
    ) {
        let history = History::of(&rows);
        let as_of = at("2025-12-20T00:00:00Z") + chrono::TimeDelta::hours(hours);
        let dir = TempDir::new().expect("a directory");
        let mut writer = writer(dir.path()).with_segment_rows(segment_rows);
        let last = history.rows.len() as i64;
        let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < last).chain([last]).collect();
        cuts.sort_unstable();
        for until in cuts {
            let (rows, superseded) = history.part(writer.last_seq(), until);
            append(&mut writer, &rows, &superseded);
        }
        let snapshot = writer.snapshot().expect("reads");
        prop_assert_eq!(snapshot.id(as_of).expect("an id").to_string(), id_by_definition(&history, as_of));
        let mut expected: Vec<_> = history.current(as_of).iter().map(|row| row.seq.to_string()).collect();
        expected.sort();
        prop_assert_eq!(current(&snapshot, as_of, "seq"), expected);

        // The same reports in another order, under other sequences: only what is current, backwards.
        let other = TempDir::new().expect("a directory");
        let mut backwards = SnapshotWriter::open(other.path(), INSTALLATION).expect("opens");
        let rows: Vec<_> = (1..)
            .zip(history.current(as_of).into_iter().rev())
            .map(|(seq, row)| CodedRow { seq, ..row.clone() })
            .collect();
        append(&mut backwards, &rows, &[]);
        prop_assert_eq!(
            backwards.snapshot().expect("reads").id(as_of).expect("an id"),
            snapshot.id(as_of).expect("an id")
        );
    }
}
