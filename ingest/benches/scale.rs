#![allow(unused)]
//! How fast the embedded queue and store are: `cargo bench -p ingest`.
//!
//! Every append and commit here is durable (fsync), on the disk that holds the temporary directory. Items are
//! submissions of about 700 bytes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use divan::Bencher;
use divan::counter::ItemsCount;
use ingest::keys::Identity;
use ingest::normalize::code_delivered;
use ingest::queue::sqlite::{SqliteIntake, SqliteIntakeOptions, SqliteLog};
use ingest::queue::{Intake, Limits, Log};
use ingest::seal::{OriginalSealer, Place, QueueCipher};
use ingest::store::sqlite::SqliteStore;
use ingest::store::{Batch, Item, Outcome, Store};
use ingest::worker::{Options, Rules, Until, Worker};
use schemas::clock::{Clock, from_micros};
use schemas::envelope::{Channel, Delivered, Envelope, Position};
use schemas::ids::InstallationKey;
use schemas::source::{Settings, SourceName};
use schemas::{Instant, Sensitive};
use tempfile::TempDir;

fn main() {
    let identity = Identity::generate();
    let dir = tempfile::tempdir_in("/work/dev").expect("d");
    let mut store = store(dir.path());
    let mut spent = std::time::Duration::ZERO;
    let mut worst = std::time::Duration::ZERO;
    for step in 0..200 {
        for batch in batches(step * 10_000, 1, &identity) {
            let t = std::time::Instant::now();
            store.commit(&batch).expect("commits");
            spent += t.elapsed();
            worst = worst.max(t.elapsed());
        }
        if step % 20 == 19 {
            let rss = std::fs::read_to_string("/proc/self/statm").unwrap();
            let io = std::fs::read_to_string("/proc/self/io").unwrap();
            println!(
                "{} rows: {:.0} rows/s, worst batch {:?}, rss pages {} {}",
                (step + 1) * 10_000,
                200_000.0 / spent.as_secs_f64(),
                worst,
                rss.split(' ').nth(1).unwrap(),
                io.lines().find(|l| l.starts_with("wchar")).unwrap()
            );
            spent = Default::default();
            worst = Default::default();
        }
    }
}

fn received_at() -> Instant {
    from_micros(1_790_000_000_000_000)
}

fn cipher() -> QueueCipher {
    QueueCipher::new(&[7; 32].into())
}

fn installation_key() -> InstallationKey {
    InstallationKey::from_bytes([9; 32])
}

/// An invented report in wire form, 700 bytes or so.
fn envelope(number: usize) -> Envelope {
    let kinds = ["arrest", "sighting", "attempted_arrest", "surveillance"];
    let places = ["Brooklyn, NY", "Yakima, WA", "98118", "Los Angeles, CA"];
    let words =
        "four agents in plain clothes waited beside an unmarked grey car at the side door; no paper was shown. ";
    let json = format!(
        r#"{{"external_id":"r-{number}","reported_at":"2026-09-20T15:30:00-07:00","occurred":"2026-09-{day:02}","place":"{place}","event_kind":"{kind}","setting":"courthouse","tactics":["masked","unmarked_vehicle"],"agency_claimed":"ice_ero","agents":4,"persons_arrested":1,"language":"en","narrative":"{narrative}"}}"#,
        day = 1 + number % 19,
        place = places[number % 4],
        kind = kinds[number / 4 % 4],
        narrative = words.repeat(4),
    );
    Envelope {
        source: SourceName::parse(["line-a", "line-b", "line-c"][number % 3]).expect("a name"),
        channel: Channel::Http,
        external_id: None,
        batch: None,
        row: None,
        settings: Settings::default(),
        mapped: Vec::new(),
        defect: None,
        payload: Sensitive::new(json.into_bytes()),
    }
}

fn of_one_source(numbers: std::ops::Range<usize>) -> Vec<Envelope> {
    let source = SourceName::parse("line-a").expect("a name");
    numbers.map(|number| Envelope { source: source.clone(), ..envelope(number) }).collect()
}

fn intake(dir: &Path) -> SqliteIntake {
    let clock = Clock::fixed(received_at());
    SqliteIntake::open(&dir.join("queue.sqlite"), cipher(), clock, SqliteIntakeOptions::default()).expect("opens")
}

fn log(dir: &Path) -> SqliteLog {
    SqliteLog::open(&dir.join("queue.sqlite"), cipher()).expect("opens")
}

fn store(dir: &Path) -> SqliteStore {
    SqliteStore::open(&dir.join("store.sqlite")).expect("opens")
}

fn filled(count: usize) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let intake = intake(dir.path());
    for from in (0..count).step_by(2_000) {
        intake.submit_waiting(of_one_source(from..from + 2_000)).expect("taken");
    }
    drop(intake);
    dir
}

/// Batches of 10,000 coded rows, as a worker commits them.
fn batches(from: usize, count: usize, identity: &Identity) -> Vec<Batch> {
    let key = installation_key();
    (0..count)
        .map(|batch| {
            let mut sealer = OriginalSealer::new(&identity.recipient()).expect("wraps");
            let first = from + batch * 10_000;
            let items = (first..first + 10_000).map(|number| {
                let envelope = envelope(number);
                let position = Position { partition: 0, offset: i64::try_from(number).expect("small") };
                let delivered = Delivered { position, received_at: received_at(), envelope };
                let coded = code_delivered(&delivered, &Settings::default(), &key).expect("codes");
                let id = coded.report.report_id.expect("it was received");
                let original = sealer.seal(id, &delivered.envelope.payload);
                Item {
                    received_at: received_at(),
                    source: delivered.envelope.source,
                    batch: None,
                    row: None,
                    outcome: Outcome::Coded { coded, original },
                }
            });
            let items = items.collect();
            let from = Position { partition: 0, offset: i64::try_from(first).expect("small") };
            Batch { queue_id: "queue".into(), from, items, originals: Some(sealer.finish()) }
        })
        .collect()
}
