//! Implementations under test, and submissions of invented content.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use ingest::keys::{Identity, Recipients};
use ingest::normalize::Coded;
use ingest::queue::sqlite::{SqliteIntake, SqliteIntakeOptions, SqliteLog};
use ingest::queue::{Intake, Limits, Log};
use ingest::seal::QueueCipher;
use ingest::store::sqlite::{SqliteStore, SqliteStoreOptions};
use ingest::store::{Endings, Store};
use ingest::worker::{Coder, Options, Until, Worker};
use schemas::clock::{Clock, Instant, parse_rfc3339};
use schemas::envelope::{Channel, Defect, Delivered, Envelope};
use schemas::ids::{BatchId, InstallationKey, ReportId};
use schemas::provenance::Provenance;
use schemas::reject::{Reject, RejectCode};
use schemas::report::{CodedReport, Codes, Counts, Place};
use schemas::source::{Settings, SourceName};
use schemas::taxonomy::EventKind;
use schemas::time::{Occurred, Precision};
use schemas::{Sensitive, clock};

/// A queue and a store, made anew for a test.
pub trait Engine: Sized + Sync {
    type Intake: Intake;
    type Log: Log;
    type Store: Store;

    /// Whether what is coded leaves the queue, and the engine's files are this test's alone.
    const RELEASES: bool = true;
    /// The most envelopes that one record of the queue holds.
    const RECORD: usize = usize::MAX;
    /// How many histories are tried: each has a queue and a store of its own.
    const HISTORIES: u32 = 96;

    /// Whether what the engine needs is there. Else says aloud which test was skipped.
    fn there(_test: &str) -> bool {
        true
    }

    fn new() -> Self;
    fn clock(&self) -> &Clock;
    fn intake(&self) -> Self::Intake;
    /// The log as one sees it who holds this key; 1 is the right one.
    fn log_with(&self, key: u8) -> Self::Log;
    fn store(&self) -> Self::Store;
    /// Every file that the engine wrote.
    fn files(&self) -> Vec<PathBuf>;

    fn log(&self) -> Self::Log {
        self.log_with(1)
    }

    fn tick(&self, seconds: i64) {
        self.clock().set(self.clock().now() + chrono::TimeDelta::seconds(seconds));
    }

    /// A worker with invented rules.
    fn worker(&self, identity: &Identity, coder: Plain) -> Worker<Self::Log, Self::Store, Plain> {
        worker(self.log(), self.store(), coder, identity.recipient(), self.clock().clone())
    }

    /// Codes until nothing waits.
    fn drain(&self, identity: &Identity) -> Endings {
        drain(&mut self.worker(identity, Plain::default()))
    }
}

pub fn worker<L: Log, S: Store>(
    log: L,
    store: S,
    coder: Plain,
    recipients: Recipients,
    clock: Clock,
) -> Worker<L, S, Plain> {
    let options = Options { limits: LIMITS, ..Options::default() };
    Worker { log, store, coder, cipher: cipher(1), recipients, clock, options }
}

pub fn drain<L: Log, S: Store>(worker: &mut Worker<L, S, Plain>) -> Endings {
    worker.run(&AtomicBool::new(false), Until::Drained, &mut |_| {}).expect("works")
}

/// The embedded engines.
pub struct Sqlite {
    dir: tempfile::TempDir,
    clock: Clock,
}

impl Engine for Sqlite {
    type Intake = SqliteIntake;
    type Log = SqliteLog;
    type Store = SqliteStore;

    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory"), clock: Clock::fixed(start()) }
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn intake(&self) -> SqliteIntake {
        let path = self.dir.path().join("queue.sqlite");
        SqliteIntake::open(&path, cipher(1), self.clock.clone(), SqliteIntakeOptions::default()).expect("opens")
    }

    fn log_with(&self, key: u8) -> SqliteLog {
        SqliteLog::open(&self.dir.path().join("queue.sqlite"), cipher(key)).expect("opens")
    }

    fn store(&self) -> SqliteStore {
        // So few that a handful of reports is poured from table to table.
        let options = SqliteStoreOptions { recent_reports: 3, ..SqliteStoreOptions::default() };
        SqliteStore::open_with(&self.dir.path().join("store.sqlite"), options).expect("opens")
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path()).expect("reads");
        entries.map(|entry| entry.expect("reads").path()).collect()
    }
}

/// Small, so that a few submissions make several batches.
pub const LIMITS: Limits = Limits { envelopes: 7, bytes: 1 << 20 };

pub fn start() -> Instant {
    parse_rfc3339("2026-03-31T23:59:00Z").expect("an instant")
}

pub fn cipher(key: u8) -> QueueCipher {
    QueueCipher::new(&[key; 32].into())
}

pub fn installation_key() -> InstallationKey {
    InstallationKey::from_bytes([9; 32])
}

pub fn source(name: &str) -> SourceName {
    SourceName::parse(name).expect("a name")
}

pub fn batch_id(number: u8) -> BatchId {
    BatchId::from_bytes([number; 16])
}

pub fn report_id(source: &str, id: &str) -> ReportId {
    installation_key().report_id(source, id)
}

/// A submission in the words of [`Plain`]: an id and what it says, such as `arrest`.
pub fn envelope(source_name: &str, id: &str, says: &str) -> Envelope {
    Envelope {
        source: source(source_name),
        channel: Channel::Http,
        external_id: Some(id.to_owned()),
        batch: None,
        row: None,
        settings: Settings::default(),
        mapped: Vec::new(),
        defect: None,
        payload: Sensitive::new(says.as_bytes().to_vec()),
    }
}

/// The same as a row of an import.
pub fn row(source_name: &str, id: &str, says: &str, import: u8, number: u64) -> Envelope {
    Envelope {
        channel: Channel::File,
        batch: Some(batch_id(import)),
        row: Some(number),
        ..envelope(source_name, id, says)
    }
}

/// The same with a defect that its channel saw.
pub fn defective(source_name: &str, id: &str, says: &str) -> Envelope {
    let defect = Some(Defect { code: RejectCode::NotJson, field: None });
    Envelope { defect, ..envelope(source_name, id, says) }
}

/// Rules so plain that a test sees through them: what a submission says is kept as its `incident_id`; `bad...` is
/// rejected until the rules are mended, `poison` panics.
#[derive(Debug, Default)]
pub struct Plain {
    pub mended: bool,
}

impl Coder for Plain {
    fn code(&self, delivered: &Delivered, _: &Settings) -> Result<Coded, Reject> {
        let envelope = &delivered.envelope;
        let says = String::from_utf8(envelope.payload.expose().clone()).expect("a test's own text");
        assert!(self.mended || says != "poison", "a coder that panics");
        if says.starts_with("bad") && !self.mended {
            return Err(Reject::new(RejectCode::BadDate).field("occurred"));
        }
        if let Some(defect) = &envelope.defect {
            return Err(Reject::new(defect.code));
        }
        let id = envelope.external_id.as_deref().expect("every test gives an id");
        Ok(coded(envelope.source.as_str(), id, &says, delivered.received_at))
    }

    fn receipt(&self, delivered: &Delivered) -> Option<ReportId> {
        let id = delivered.envelope.external_id.as_deref()?;
        Some(report_id(delivered.envelope.source.as_str(), id))
    }
}

/// What [`Plain`] makes of a submission.
pub fn coded(source_name: &str, id: &str, says: &str, received_at: Instant) -> Coded {
    Coded {
        content: installation_key().content_hash(says.as_bytes()),
        report: report(report_id(source_name, id), source_name, id, says, received_at),
    }
}

pub fn report(report_id: ReportId, source_name: &str, id: &str, says: &str, received_at: Instant) -> CodedReport {
    CodedReport {
        report_id: Some(report_id),
        external_id: Some(id.to_owned()),
        source: Some(source(source_name)),
        revision: 0,
        received_at: Some(received_at),
        reported_at: None,
        occurred: Occurred { on: Some(received_at.date_naive()), time: None, precision: Precision::Day },
        zone: Some("UTC".into()),
        place: Place::default(),
        codes: Codes { event_kind: Some(EventKind::Arrest), ..Codes::default() },
        counts: Counts::default(),
        incident_id: Some(says.to_owned()),
        language: None,
        narrative: None,
        redactions: Vec::new(),
        provenance: Provenance::default(),
    }
}

/// The last instant there is.
pub fn ever() -> Instant {
    clock::from_micros(i64::from(i32::MAX) * 1_000_000)
}
