//! How fast the embedded queue and store are: `cargo bench -p ingest`.
//!
//! Every append and commit here is durable (fsync), on the disk that holds the temporary directory. Items are
//! submissions of about 700 bytes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use ingest::keys::Identity;
use ingest::normalize::code_delivered;
use ingest::queue::sqlite::{SqliteIntake, SqliteIntakeOptions, SqliteLog};
use ingest::queue::{Intake, Limits, Log};
use ingest::redact::{Redactor, apply, second_look};
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
    divan::main();
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

/// As HTTP does it: 64 connections, each of which waits for its one report before it sends the next.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn queue_append_single_64(bencher: Bencher<'_, '_>) {
    const EACH: usize = 500;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("starts");
    bencher
        .counter(ItemsCount::new(64 * EACH))
        .with_inputs(|| {
            let dir = tempfile::tempdir().expect("a directory");
            let intake = Arc::new(intake(dir.path()));
            let envelopes: Vec<Vec<Envelope>> =
                (0..64).map(|connection| (0..EACH).map(|n| envelope(connection * EACH + n)).collect()).collect();
            (dir, intake, envelopes)
        })
        .bench_values(|(dir, intake, envelopes)| {
            runtime.block_on(async {
                let connections: Vec<_> = envelopes
                    .into_iter()
                    .map(|envelopes| {
                        let intake = Arc::clone(&intake);
                        tokio::spawn(async move {
                            for envelope in envelopes {
                                intake.submit(vec![envelope]).expect("room").await.expect("durable");
                            }
                        })
                    })
                    .collect();
                for connection in connections {
                    connection.await.expect("no panic");
                }
            });
            dir
        });
}

/// As an import does it: 2,000 rows an append.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn queue_append_import(bencher: Bencher<'_, '_>) {
    const ROWS: usize = 100_000;
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(|| {
            let dir = tempfile::tempdir().expect("a directory");
            let intake = intake(dir.path());
            let chunks: Vec<_> = (0..ROWS).step_by(2_000).map(|from| of_one_source(from..from + 2_000)).collect();
            (dir, intake, chunks)
        })
        .bench_values(|(dir, intake, chunks)| {
            let tickets: Vec<_> =
                chunks.into_iter().map(|chunk| intake.submit_waiting(chunk).expect("taken")).collect();
            for ticket in tickets {
                ticket.wait().expect("durable");
            }
            dir
        });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn queue_read_and_open(bencher: Bencher<'_, '_>) {
    const ROWS: usize = 100_000;
    let dir = filled(ROWS);
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let mut log = log(dir.path());
        let mut next = Position { partition: 0, offset: 0 };
        loop {
            let read = log.read(next, Limits { envelopes: 10_000, bytes: 32 << 20 }).expect("reads");
            if read.is_empty() {
                break;
            }
            next.offset += i64::try_from(read.len()).expect("small");
        }
        assert_eq!(next.offset, 100_000);
    });
}

#[divan::bench(sample_count = 20)]
fn seal_and_open_a_record_of_64(bencher: Bencher<'_, '_>) {
    let envelopes = of_one_source(0..64);
    let all: Vec<_> = envelopes.iter().collect();
    let place = Place { queue_id: "queue", source: &envelopes[0].source, received_at: received_at() };
    let cipher = cipher();
    bencher.counter(ItemsCount::new(64u32)).bench_local(|| {
        let sealed = cipher.seal(&all, &place).expect("seals");
        cipher.open(&sealed, &place).expect("opens")
    });
}

/// Batches of 10,000 coded rows, as a worker commits them.
fn batches(from: usize, count: usize, identity: &Identity) -> Vec<Batch> {
    let key = installation_key();
    (0..count)
        .map(|batch| {
            let sealer = OriginalSealer::new(&identity.recipient()).expect("wraps");
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
            Batch {
                queue_id: "queue".into(),
                from,
                items,
                last: None,
                originals: Some(sealer.finish()),
                lately: Vec::new(),
            }
        })
        .collect()
}

/// Into an empty store, and into one that holds reports already.
#[divan::bench(args = [0, 200_000], sample_count = 3, sample_size = 1)]
fn store_commit_10k(bencher: Bencher<'_, '_>, stored: usize) {
    let identity = Identity::generate();
    bencher
        .counter(ItemsCount::new(50_000u32))
        .with_inputs(|| {
            let dir = tempfile::tempdir().expect("a directory");
            let mut store = store(dir.path());
            for before in (0..stored).step_by(50_000) {
                for batch in batches(before, 5, &identity) {
                    store.commit(&batch).expect("commits");
                }
            }
            (dir, store, batches(stored, 5, &identity))
        })
        .bench_local_values(|(dir, mut store, batches)| {
            for batch in &batches {
                store.commit(batch).expect("commits");
            }
            (dir, store)
        });
}

/// From the queue to the store, with this program's rules.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn worker_drain(bencher: Bencher<'_, '_>) {
    const ROWS: usize = 50_000;
    let identity = Identity::generate();
    bencher.counter(ItemsCount::new(ROWS)).with_inputs(|| filled(ROWS)).bench_local_values(|dir| {
        let mut worker = Worker {
            log: log(dir.path()),
            store: store(dir.path()),
            coder: Rules { key: Arc::new(installation_key()) },
            cipher: cipher(),
            recipients: identity.recipient(),
            clock: Clock::fixed(received_at()),
            options: Options::default(),
        };
        let endings = worker.run(&AtomicBool::new(false), Until::Drained, &mut |_| {}).expect("works");
        assert_eq!(endings.coded, 50_000);
        dir
    });
}

/// Narratives as people write them, 130 to 400 characters, two of three with something private: the rate at which they are
/// read, redacted and looked at again, on one core.
#[divan::bench]
fn redact_narratives(bencher: Bencher<'_, '_>) {
    let narratives = [
        "Four agents in plain clothes waited beside an unmarked grey car at the side door of the county courthouse. They had \
         vests that said POLICE, showed no paper, and left around 9:40 with one man in handcuffs. Bystanders filmed it.",
        "Caller says her brother Wilmer was taken outside the laundromat on Division St at 7 am by two men in a black Tahoe, \
         plate KXJ 2280. She asked for a warrant and none was shown. Her number is 206-555-0143, she speaks Spanish.",
        "Buenas, hoy como a las seis y media pasaron tres camionetas blancas sin placas por el parqueadero de la pulga. No se \
         bajaron, nada más dieron la vuelta y se fueron rumbo a la autopista. La gente corrió y cerraron los puestos temprano.",
        "Se llevaron a mi primo efraín saliendo de la corte, eran cinco con chalecos de ICE y la cara tapada, no le dieron \
         tiempo de llamar a la abogada. Vive en calle Morelos #123. Su número A es 087-554-110.",
        "S: 6 A: knocking on doors L: apartment complex behind the school U: ICE and sheriff T: 0610 E: battering ram, two \
         vans and a marked SUV. Nobody opened, they left after forty minutes. Neighbors are asking what to do if they return.",
        "Is it true that there will be checkpoints on Friday? Somebody posted it in the group of the school and now nobody \
         wants to go to work. Please say if it is a rumor, we have had three false alarms this month already.",
    ];
    let bytes: usize = narratives.iter().map(|text| text.len()).sum();
    let rules = Redactor::builtin();
    let mut spans = Vec::new();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        narratives
            .iter()
            .filter(|text| {
                spans.clear();
                rules.find(text, &mut spans);
                second_look(&apply(text, &spans)).is_some()
            })
            .count()
    });
}
