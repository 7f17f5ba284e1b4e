//! What only the embedded engines can show: full disks, failing fsyncs, processes killed at any instruction.
//!
//! Where a privilege is missing (mounting, tracing), a test says on stderr what it skipped.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ingest::keys::Identity;
use ingest::queue::sqlite::{SqliteIntake, SqliteIntakeOptions, SqliteLog};
use ingest::queue::{Intake, Limits, Log, QueueError, SubmitError};
use ingest::seal::OriginalSealer;
use ingest::store::sqlite::SqliteStore;
use ingest::store::{Batch, Item, Outcome, Range, Store, StoreError};
use ingest::worker::{Until, WorkError};
use schemas::Clock;
use schemas::envelope::{Delivered, Position};

use crate::harness::{Engine as _, LIMITS, Plain, Sqlite, cipher, coded, drain, envelope, ever, report_id, worker};
use crate::store::{rows, sums};

const ALL: Limits = Limits { envelopes: usize::MAX, bytes: usize::MAX };

fn queue_file(dir: &Path) -> PathBuf {
    dir.join("queue.sqlite")
}

fn intake_at(dir: &Path) -> SqliteIntake {
    let options = SqliteIntakeOptions::default();
    SqliteIntake::open(&queue_file(dir), cipher(1), Clock::System, options).expect("opens")
}

fn ids_in_log(dir: &Path) -> Vec<String> {
    let mut log = SqliteLog::open(&queue_file(dir), cipher(1)).expect("opens");
    let found = log.read(Position { partition: 0, offset: 0 }, ALL).expect("reads");
    found.into_iter().filter_map(|found| found.expect("opens").envelope.external_id).collect()
}

#[test]
fn full_means_wait_and_nothing_is_dropped() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = SqliteIntakeOptions { waiting_envelopes: 4, group_envelopes: 1, ..SqliteIntakeOptions::default() };
    let intake = SqliteIntake::open(&queue_file(dir.path()), cipher(1), Clock::System, options).expect("opens");
    // Another process is in the middle of a long write.
    let other = rusqlite::Connection::open(queue_file(dir.path())).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("begins");
    let mut tickets = Vec::new();
    let mut handed_back = None;
    for n in 0..10 {
        match intake.submit(vec![envelope("line-a", &n.to_string(), "arrest")]) {
            Ok(ticket) => tickets.push(ticket),
            Err(SubmitError::Full(envelopes)) => {
                handed_back = Some(envelopes);
                break;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    let handed_back = handed_back.expect("it must be full before ten of four wait");
    assert_eq!(handed_back[0].external_id, Some(tickets.len().to_string()), "the very ones come back");
    assert!(intake.submit(vec![envelope("line-a", "x", "arrest"); 5]).is_err());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| intake.submit_waiting(handed_back).expect("taken").wait().expect("durable"));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished(), "who waits, waits");
        other.execute_batch("ROLLBACK").expect("ends");
        waiting.join().expect("no panic");
    });
    let count = tickets.len() + 1;
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    // What is larger than all the room waits alone.
    let large = intake.submit_waiting(vec![envelope("line-a", "x", "arrest"); 5]).expect("taken");
    assert_eq!(large.wait().expect("durable").count, 5);
    assert_eq!(ids_in_log(dir.path()).len(), count + 5);
}

#[test]
fn after_a_failed_write_nothing_more_is_accepted() {
    let dir = tempfile::tempdir().expect("a directory");
    let intake = intake_at(dir.path());
    intake.submit(vec![envelope("line-a", "1", "arrest")]).expect("room").wait().expect("durable");
    let other = rusqlite::Connection::open(queue_file(dir.path())).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE; DROP TABLE record").expect("a vandal");
    let tickets: Vec<_> =
        (0..5).map(|_| intake.submit(vec![envelope("line-a", "2", "arrest")]).expect("room")).collect();
    assert!(intake.failure().borrow().is_none());
    other.execute_batch("COMMIT").expect("ends");
    for ticket in tickets {
        assert!(matches!(ticket.wait(), Err(QueueError::Stopped(_))), "all who wait are told");
    }
    assert!(matches!(intake.failure().borrow().clone(), Some(QueueError::Stopped(_))), "so is the process");
    let refused = intake.submit(vec![envelope("line-a", "3", "arrest")]);
    assert!(matches!(refused, Err(SubmitError::Stopped(QueueError::Stopped(_)))));
    let refused = intake.submit_waiting(vec![envelope("line-a", "3", "arrest")]);
    assert!(matches!(refused, Err(SubmitError::Stopped(_))));
}

#[test]
fn files_of_another_form_are_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = queue_file(dir.path());
    drop(SqliteLog::open(&path, cipher(1)).expect("opens"));
    let other = rusqlite::Connection::open(&path).expect("opens");
    other.pragma_update(None, "user_version", 99).expect("a later program");
    assert!(matches!(SqliteLog::open(&path, cipher(1)), Err(QueueError::Unusable(_))));

    let path = dir.path().join("store.sqlite");
    drop(SqliteStore::open(&path).expect("opens"));
    let other = rusqlite::Connection::open(&path).expect("opens");
    other.execute("UPDATE about SET value = '99/99'", []).expect("a later program");
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::OtherVersion { found, .. }) if found == "99/99"));

    let nowhere = SqliteStore::open(&dir.path().join("no/such/store.sqlite")).expect_err("nowhere");
    assert!(nowhere.to_string().contains("no/such/store.sqlite"), "{nowhere}");
    fs::write(dir.path().join("text"), "no database at all, only some text that is long enough to be read")
        .expect("writes");
    let no_database = SqliteStore::open(&dir.path().join("text")).expect_err("text");
    assert!(no_database.to_string().contains("not a database"), "{no_database}");
}

#[test]
fn only_the_owner_reads_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let engine = Sqlite::new();
    let intake = engine.intake();
    intake.submit(vec![envelope("line-a", "1", "arrest")]).expect("room").wait().expect("durable");
    let _store = engine.store();
    for file in engine.files() {
        let mode = fs::metadata(&file).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
}

// Processes of their own: this same test binary, told by the environment what to do.

const PART: &str = "TESTIGO_TEST_PART";
const DIR: &str = "TESTIGO_TEST_DIR";
const NAME: &str = "TESTIGO_TEST_NAME";

/// Does nothing in a plain run of the tests. The tests below start it as another process.
#[test]
fn a_process_of_its_own() {
    let (Ok(part), Some(dir)) = (std::env::var(PART), std::env::var_os(DIR)) else { return };
    let dir = PathBuf::from(dir);
    let name = std::env::var(NAME).unwrap_or_default();
    match part.as_str() {
        "append" => append_until_killed(&dir, &name),
        "work" => work_until_killed(&dir),
        "work-loosely" => work_loosely_until_killed(&dir),
        "fail" => append_until_it_fails(&dir),
        other => panic!("no part {other}"),
    }
}

fn this_binary(part: &str, dir: &Path, name: &str) -> (PathBuf, [String; 3], [(&'static str, PathBuf); 3]) {
    let binary = std::env::current_exe().expect("a path");
    let arguments = ["--exact", "embedded::a_process_of_its_own", "--quiet"].map(str::to_owned);
    (binary, arguments, [(PART, part.into()), (DIR, dir.to_owned()), (NAME, name.into())])
}

fn start(part: &str, dir: &Path, name: &str) -> Child {
    let (binary, arguments, environment) = this_binary(part, dir, name);
    let mut command = Command::new(binary);
    command.args(arguments).envs(environment).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("starts")
}

/// What was acknowledged to the processes that are gone.
fn acknowledged(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join("acknowledged")).unwrap_or_default();
    // The last line may have been cut by the kill.
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
}

fn append_until_killed(dir: &Path, name: &str) {
    let intake = intake_at(dir);
    let mut acknowledged =
        fs::OpenOptions::new().create(true).append(true).open(dir.join("acknowledged")).expect("opens");
    for n in 0.. {
        let tickets: Vec<_> = (0..5)
            .map(|part| {
                let id = format!("{name}-{n}-{part}");
                (intake.submit_waiting(vec![envelope("line-a", &id, "arrest")]).expect("taken"), id)
            })
            .collect();
        for (ticket, id) in tickets {
            ticket.wait().expect("durable");
            acknowledged.write_all(format!("{id}\n").as_bytes()).expect("writes");
        }
    }
}

fn work_until_killed(dir: &Path) {
    let log = SqliteLog::open(&queue_file(dir), cipher(1)).expect("opens");
    let store = SqliteStore::open(&dir.join("store.sqlite")).expect("opens");
    let identity = Identity::generate();
    let mut worker = worker(log, store, Plain::default(), identity.recipient(), Clock::System);
    worker.options.grace = Duration::ZERO;
    worker.options.idle = Duration::from_millis(1);
    worker.run(&AtomicBool::new(false), Until::Stopped, &mut |_| {}).expect("works");
}

/// A worker and a store without the compare in their compare-and-set: whatever the store stands at, a batch is stored.
fn work_loosely_until_killed(dir: &Path) {
    let mut log = SqliteLog::open(&queue_file(dir), cipher(1)).expect("opens");
    let mut store = SqliteStore::open(&dir.join("store.sqlite")).expect("opens");
    let queue_id = Arc::clone(log.queue_id());
    let identity = Identity::generate();
    loop {
        let from = store.position(&queue_id, 0).expect("reads");
        // Behind the end there is nothing: so far a store comes that is moved on and on.
        let found = log.read(from, LIMITS).unwrap_or_default();
        if found.is_empty() {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        let sealer = OriginalSealer::new(&identity.recipient()).expect("wraps");
        let items = found.into_iter().map(|found| {
            let Delivered { received_at, envelope, .. } = found.expect("opens");
            let (source, id) = (envelope.source.clone(), envelope.external_id.expect("every test gives an id"));
            let coded = coded(source.as_str(), &id, "arrest", received_at);
            let original = sealer.seal(report_id(source.as_str(), &id), &envelope.payload);
            Item { received_at, source, batch: None, row: None, outcome: Outcome::Coded { coded, original } }
        });
        let items = items.collect();
        let originals = Some(sealer.finish());
        let queue_id = Arc::clone(&queue_id);
        let mut batch = Batch { queue_id, from, items, last: None, originals, lately: Vec::new() };
        loop {
            match store.commit(&batch) {
                Err(StoreError::PositionMoved { stored, .. }) => batch.from.offset = stored,
                Err(StoreError::Busy(_)) => {}
                other => {
                    other.expect("stores");
                    break;
                }
            }
        }
    }
}

/// What was found after processes were killed at any instruction.
#[derive(Debug)]
struct Counted {
    acknowledged: usize,
    lost: usize,
    double: u64,
    /// Whether a worker could go on to the end.
    drained: bool,
}

/// Two processes append and two work, all killed at instants that differ; then what is there is counted.
fn killed(work: &str) -> Counted {
    let dir = tempfile::tempdir().expect("a directory");
    for round in 0..8u64 {
        let mut children = [
            start("append", dir.path(), &format!("{round}a")),
            start("append", dir.path(), &format!("{round}b")),
            start(work, dir.path(), ""),
            start(work, dir.path(), ""),
        ];
        std::thread::sleep(Duration::from_millis(150 + 37 * round));
        children.iter_mut().rev().for_each(|child| child.kill().expect("killed"));
        for child in &mut children {
            child.wait().expect("ended");
        }
    }
    let log = SqliteLog::open(&queue_file(dir.path()), cipher(1)).expect("opens");
    let store = SqliteStore::open(&dir.path().join("store.sqlite")).expect("opens");
    let mut last = worker(log, store, Plain::default(), Identity::generate().recipient(), Clock::System);
    let drained = last.run(&AtomicBool::new(false), Until::Drained, &mut |_| {}).is_ok();

    let end = u64::try_from(last.log.end(0).expect("an end")).expect("counts up");
    let mut stored: Vec<String> = rows(&mut last.store, Range { history: true, ..Range::default() })
        .into_iter()
        .filter_map(|row| row.report.external_id)
        .collect();
    stored.sort_unstable();
    let again = stored.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
    let acknowledged = acknowledged(dir.path());
    let lost = acknowledged.iter().filter(|id| stored.binary_search(id).is_err()).count();
    // Each position ends once; and as no id is sent twice, a repeat is a position that was stored before.
    let [ended, _, _, repeats, _] = sums(&last.store.funnel(ever()).expect("sums"));
    let double = again + repeats + ended.saturating_sub(end);
    Counted { acknowledged: acknowledged.len(), lost, double, drained }
}

#[test]
fn killed_at_any_instruction_nothing_is_lost_and_nothing_twice() {
    let counted = killed("work");
    assert!(counted.acknowledged > 50, "{counted:?}");
    assert_eq!((counted.lost, counted.double, counted.drained), (0, 0, true), "{counted:?}");
}

#[test]
fn without_the_compare_and_set_the_same_kills_find_a_double() {
    let counted = killed("work-loosely");
    assert!(counted.acknowledged > 50 && counted.double > 0, "{counted:?}");
}

fn append_until_it_fails(dir: &Path) {
    let intake = intake_at(dir);
    let mut acknowledged = String::new();
    let mut failed = None;
    for n in 0..200 {
        match intake.submit(vec![envelope("line-a", &n.to_string(), "arrest")]).expect("room").wait() {
            Ok(_) => acknowledged.push_str(&format!("{n}\n")),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    fs::write(dir.join("acknowledged"), acknowledged).expect("writes");
    let failed = failed.expect("an fsync must fail before 200 appends");
    assert!(matches!(failed, QueueError::Stopped(_)), "{failed}");
    assert!(intake.failure().borrow().is_some());
    let refused = intake.submit(vec![envelope("line-a", "x", "arrest")]);
    assert!(matches!(refused, Err(SubmitError::Stopped(_))), "a process whose fsync failed accepts nothing more");
    fs::write(dir.join("behaved"), "").expect("writes");
}

#[test]
fn a_failed_fsync_is_no_acknowledgement() {
    let can_trace = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    if !can_trace.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: a_failed_fsync_is_no_acknowledgement (strace cannot be run here)");
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (binary, arguments, environment) = this_binary("fail", dir.path(), "");
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"])
        .args(["-e", "inject=fsync,fdatasync:error=EIO:when=40+"])
        .arg(binary)
        .args(arguments)
        .envs(environment)
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&traced.stdout);
    assert!(dir.path().join("behaved").exists(), "{said}");
    let acknowledged = acknowledged(dir.path());
    assert!(!acknowledged.is_empty());
    let there = ids_in_log(dir.path());
    assert_eq!(there[..acknowledged.len()], acknowledged, "what was acknowledged is there");
}

/// A file system of its own, as small as a test likes.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    #[expect(clippy::print_stderr, reason = "what a test skips is said out loud")]
    fn mount(test: &str) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(dir.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        eprintln!("SKIPPED: {test} (a small disk cannot be mounted here)");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_refuses_appends_and_loses_none() {
    let Some(disk) = SmallDisk::mount("a_full_disk_refuses_appends_and_loses_none") else { return };
    let intake = intake_at(disk.0.path());
    let filler = disk.0.path().join("filler");
    fs::write(&filler, vec![0; 1 << 20]).expect("writes");
    let says = "x".repeat(20_000);
    let mut acknowledged = Vec::new();
    let full = loop {
        let id = acknowledged.len().to_string();
        match intake.submit(vec![envelope("line-a", &id, &says)]).expect("room").wait() {
            Ok(_) => acknowledged.push(id),
            Err(error) => break error,
        }
    };
    assert!(matches!(full, QueueError::DiskFull(_)), "{full}");
    assert!(full.to_string().contains("queue.sqlite"), "it says which disk: {full}");
    assert!(acknowledged.len() > 10);
    assert_eq!(ids_in_log(disk.0.path()), acknowledged);
    assert!(intake.failure().borrow().is_none(), "full is no failure: it goes on when there is room");
    fs::remove_file(&filler).expect("frees space");
    intake.submit(vec![envelope("line-a", "more", &says)]).expect("room").wait().expect("durable");
    drop(intake);
    acknowledged.push("more".into());
    assert_eq!(ids_in_log(disk.0.path()), acknowledged);
}

#[test]
fn a_full_disk_stops_the_store_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount("a_full_disk_stops_the_store_and_loses_nothing") else { return };
    let engine = Sqlite::new();
    let identity = Identity::generate();
    let says = "x".repeat(20_000);
    let envelopes = (0..200).map(|n| envelope("line-a", &n.to_string(), &says)).collect();
    engine.intake().submit_waiting(envelopes).expect("taken").wait().expect("durable");

    let open = || SqliteStore::open(&disk.0.path().join("store.sqlite")).expect("opens");
    let clock = engine.clock().clone();
    let mut small = worker(engine.log(), open(), Plain::default(), identity.recipient(), clock);
    let full = small.run(&AtomicBool::new(false), Until::Drained, &mut |_| {}).expect_err("full");
    assert!(matches!(full, WorkError::Store(StoreError::DiskFull(_))), "{full}");
    assert!(full.to_string().contains("store.sqlite"), "it says which disk: {full}");
    let queue_id = small.log.queue_id().clone();
    let stored = small.store.position(&queue_id, 0).expect("reads").offset;
    assert_eq!(sums(&small.store.funnel(ever()).expect("sums"))[0], u64::try_from(stored).expect("counts up"));
    let waiting = small.log.waiting(&[Position { partition: 0, offset: stored }], ever()).expect("counts");
    assert_eq!(waiting.iter().map(|w| w.count).sum::<u64>(), 200 - u64::try_from(stored).expect("counts up"));
    drop(small);
    // With room, the same worker goes on where the store stands.
    let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(disk.0.path()).output().expect("runs");
    assert!(grown.status.success(), "what could be mounted can be made larger");
    let mut roomy = worker(engine.log(), open(), Plain::default(), identity.recipient(), engine.clock().clone());
    drain(&mut roomy);
    assert_eq!(sums(&roomy.store.funnel(ever()).expect("sums")), [200, 200, 0, 0, 0]);
}

/// Where these bytes stand in a file.
fn places(file: &[u8], wanted: &[u8]) -> Vec<usize> {
    file.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted).map(|(at, _)| at).collect()
}

#[test]
fn a_damaged_record_in_the_queue_is_rejected_and_the_others_are_coded() {
    let engine = Sqlite::new();
    let identity = Identity::generate();
    let says = "x".repeat(20_000);
    for n in 0..20 {
        let one = vec![envelope("line-a", &n.to_string(), &says)];
        engine.intake().submit(one).expect("room").wait().expect("durable");
    }
    let sealed = {
        let mut log = engine.log_with(2);
        let found = log.read(Position { partition: 0, offset: 7 }, ALL).expect("reads").remove(0);
        found.expect_err("another key").sealed.as_bytes().to_vec()
    };
    let path = engine.files().into_iter().find(|file| file.ends_with("queue.sqlite")).expect("there");
    rusqlite::Connection::open(&path)
        .expect("opens")
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("into the file");
    // One page of what the record holds.
    let mut file = fs::read(&path).expect("reads");
    let at = places(&file, &sealed[10_000..10_064])[0];
    file[at..at + 64].fill(0xA5);
    fs::write(&path, file).expect("writes");
    let mut worker = engine.worker(&identity, Plain::default());
    let ended = drain(&mut worker);
    assert_eq!((ended.coded, ended.rejected), (19, 1));
}

#[test]
fn a_corrupt_page_of_the_queue_stops_the_worker_with_a_message_and_nothing_is_stored_wrong() {
    let engine = Sqlite::new();
    let identity = Identity::generate();
    for n in 0..2_000 {
        let one = vec![envelope("line-a", &n.to_string(), "arrest")];
        drop(engine.intake().submit(one).expect("room"));
    }
    assert_eq!(engine.log().end(0).expect("an end"), 2_000);
    let path = engine.files().into_iter().find(|file| file.ends_with("queue.sqlite")).expect("there");
    rusqlite::Connection::open(&path)
        .expect("opens")
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("into the file");
    let whole = fs::read(&path).expect("reads");
    let mut file = whole.clone();
    // A page in the middle: its header and its cells.
    let page = 4096 * (file.len() / 4096 / 2);
    file[page..page + 4096].fill(0xFF);
    fs::write(&path, file).expect("writes");
    let mut worker = engine.worker(&identity, Plain::default());
    let error = worker.run(&AtomicBool::new(false), Until::Drained, &mut |_| {}).expect_err("stops");
    assert!(matches!(error, WorkError::Queue(QueueError::Unusable(_))), "{error}");
    assert!(error.to_string().contains("queue.sqlite"), "{error}");
    let stored = sums(&worker.store.funnel(ever()).expect("sums"));
    let queue_id = worker.log.queue_id().clone();
    let position = worker.store.position(&queue_id, 0).expect("reads").offset;
    assert_eq!(stored, [u64::try_from(position).expect("counts up"), stored[1], 0, 0, 0]);
    assert!(position < 2_000);
    drop(worker);
    // With the file as it was, the worker goes on where the store stands.
    fs::write(&path, whole).expect("writes");
    engine.drain(&identity);
    assert_eq!(sums(&engine.store().funnel(ever()).expect("sums")), [2_000, 2_000, 0, 0, 0]);
}
