//! The promises of the whole way from queue to store.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use ingest::keys::Identity;
use ingest::pause::PauseLimits;
use ingest::queue::{Intake, Log};
use ingest::store::{Ending, Endings, Range, Store};
use ingest::worker::Until;
use schemas::envelope::Position;
use schemas::ids::ReportId;

use crate::harness::{Engine, Plain, defective, drain, envelope, ever, report_id, row};
use crate::store::{rows, sums};

fn append(intake: &impl Intake, envelopes: Vec<schemas::envelope::Envelope>) {
    for one in envelopes {
        intake.submit_waiting(vec![one]).expect("taken").wait().expect("durable");
    }
}

fn letters(store: &mut impl Store) -> Vec<i64> {
    let mut ids = Vec::new();
    let mut each = |letter: ingest::store::DeadLetter| {
        ids.push(letter.id);
        ControlFlow::Continue(())
    };
    store.dead_letters(&mut each).expect("reads");
    ids
}

pub fn everything_ends_exactly_once<E: Engine>() {
    let engine = E::new();
    let identity = Identity::generate();
    let intake = engine.intake();
    for n in 0..60 {
        append(&intake, vec![envelope("line-a", &(n % 20).to_string(), ["one", "two", "one"][n / 20])]);
        if n % 7 == 0 {
            engine.drain(&identity);
        }
    }
    append(&intake, vec![defective("line-b", "x", "?"), row("line-b", "y", "file", 1, 1)]);
    engine.drain(&identity);
    let mut store = engine.store();
    assert_eq!(sums(&store.funnel(ever()).expect("sums")), [62, 21, 20, 20, 1]);
    assert_eq!(rows(&mut store, Range::default()).len(), 21);
    let mut log = engine.log();
    let position = store.position(&log.queue_id().clone(), 0).expect("a position");
    assert_eq!(position, Position { partition: 0, offset: 62 });
    assert!(log.waiting(&[position], ever()).expect("counts").is_empty());
    assert_eq!(engine.drain(&identity), Endings::default(), "nothing is left");
    if E::RELEASES {
        let oldest = log.waiting(&[Position { partition: 0, offset: 0 }], ever());
        assert!(oldest.is_err(), "what is coded has left the queue");
    }
}

pub fn poison_blocks_nothing_and_can_be_retried<E: Engine>() {
    let engine = E::new();
    let identity = Identity::generate();
    let intake = engine.intake();
    append(
        &intake,
        vec![
            envelope("line-a", "1", "before"),
            envelope("line-a", "2", "poison"),
            envelope("line-a", "3", "bad date"),
            envelope("line-a", "4", "behind"),
        ],
    );
    let mut worker = engine.worker(&identity, Plain::default());
    assert_eq!(drain(&mut worker), Endings { coded: 2, rejected: 2, ..Endings::default() });
    let ids = letters(&mut worker.store);
    let (letter, _) = worker.store.dead_letter(ids[0]).expect("there");
    assert_eq!(letter.report_id, Some(report_id("line-a", "2")), "found by the receipt that its source holds");
    assert_eq!(worker.retry(ids[0]).expect("tries"), Ending::Rejected, "nothing was mended");

    let mut mended = engine.worker(&identity, Plain { mended: true });
    for id in ids {
        assert_eq!(mended.retry(id).expect("tries"), Ending::Coded);
    }
    assert!(letters(&mut mended.store).is_empty());
    assert_eq!(rows(&mut mended.store, Range::default()).len(), 4);
    assert_eq!(sums(&mended.store.funnel(ever()).expect("sums")), [4, 4, 0, 0, 0]);

    // With the wrong key nothing opens, and nothing is lost: with the right one a retry codes it.
    append(&intake, vec![envelope("line-a", "5", "sealed"), envelope("line-a", "6", "sealed")]);
    let mut blind = engine.worker(&identity, Plain::default());
    blind.log = engine.log_with(2);
    assert_eq!(drain(&mut blind), Endings { rejected: 2, ..Endings::default() });
    for id in letters(&mut mended.store) {
        assert_eq!(mended.retry(id).expect("tries"), Ending::Coded);
    }
    assert_eq!(rows(&mut mended.store, Range::default()).len(), 6);
}

pub fn a_second_worker_that_wrote_in_between_is_no_harm<E: Engine>() {
    // The lease keeps workers apart; were it to fail, the store's position still would.
    let engine = E::new();
    let identity = Identity::generate();
    let intake = engine.intake();
    append(&intake, (0..200).map(|n| envelope("line-a", &n.to_string(), "arrest")).collect());
    let counted = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| counted.fetch_add(engine.drain(&identity).total(), Ordering::SeqCst));
        }
    });
    assert_eq!(counted.load(Ordering::SeqCst), 200, "each was stored by one of them");
    let mut store = engine.store();
    assert_eq!(sums(&store.funnel(ever()).expect("sums")), [200, 200, 0, 0, 0]);
    assert_eq!(rows(&mut store, Range { history: true, ..Range::default() }).len(), 200);
}

/// What of each report is current, by its id.
fn current(store: &mut impl Store) -> Vec<(Option<ReportId>, Option<String>)> {
    let mut all: Vec<_> =
        rows(store, Range::default()).into_iter().map(|row| (row.report.report_id, row.report.incident_id)).collect();
    all.sort_unstable();
    all
}

fn waiting(store: &mut impl Store) -> u64 {
    store.funnel(ever()).expect("sums").iter().map(|row| row.waiting).sum()
}

const FIVE: PauseLimits = PauseLimits { in_a_row: 5, among_last: 8, last: 20 };

/// Twelve that cannot be coded, amid what another source sends.
fn append_twelve_bad(intake: &impl Intake) {
    for n in 0..12 {
        let bad = row("line-a", &format!("x{n}"), &format!("bad {n}"), 1, n);
        append(intake, vec![bad, envelope("line-b", &n.to_string(), "fine")]);
    }
}

pub fn a_source_of_rejects_is_paused_and_goes_on_with_the_same_ids<E: Engine>() {
    let engine = E::new();
    let identity = Identity::generate();
    let intake = engine.intake();
    append(&intake, vec![envelope("line-a", "1", "before")]);
    // At a limit of five.
    append_twelve_bad(&intake);
    append(&intake, vec![envelope("line-a", "1", "behind")]);
    let strict = || {
        let mut worker = engine.worker(&identity, Plain::default());
        worker.options.pause = FIVE;
        worker
    };
    let mut worker = strict();
    let done = drain(&mut worker);
    assert_eq!(done, Endings { coded: 13, rejected: 5, ..Endings::default() }, "nobody else waits for it");
    assert_eq!(sums(&worker.store.funnel(ever()).expect("sums")), [26, 13, 0, 0, 5]);
    assert_eq!((letters(&mut worker.store).len(), waiting(&mut worker.store)), (5, 8), "what is held is no reject");
    let held = worker.store.held().expect("reads");
    assert_eq!((held.len(), held[0].count, held[0].source.as_str()), (1, 8, "line-a"));
    let lately = worker.store.lately().expect("reads");
    assert_eq!((lately.len(), lately[0].1.in_a_row(), lately[0].1.is_paused(&FIVE)), (1, 5, true));
    assert_eq!(worker.store.reject_codes().expect("counts").iter().map(|(.., n)| n).sum::<u64>(), 5);

    // It stays paused, for another worker too, and what comes now is held as well.
    append(&intake, vec![envelope("line-a", "2", "later"), envelope("line-b", "x", "fine")]);
    assert_eq!(drain(&mut strict()), Endings { coded: 1, ..Endings::default() });
    assert_eq!(waiting(&mut worker.store), 9);
    let then = engine.clock().now();
    engine.tick(60);

    // Nothing was mended: it goes on for five more, and is paused again.
    worker.store.forgive(&held[0].source).expect("forgives");
    assert_eq!(drain(&mut strict()), Endings { rejected: 5, ..Endings::default() });
    assert_eq!((letters(&mut worker.store).len(), waiting(&mut worker.store)), (10, 4));
    // A higher limit lets it go on too, and what was sent behind the rejects counts.
    let mut patient = engine.worker(&identity, Plain::default());
    assert_eq!(drain(&mut patient), Endings { coded: 1, revisions: 1, rejected: 2, ..Endings::default() });
    assert_eq!(sums(&worker.store.funnel(ever()).expect("sums")), [28, 15, 1, 0, 12]);
    assert_eq!(sums(&worker.store.funnel(then).expect("sums")), [28, 14, 0, 0, 5], "as of then it waits");
    assert!(worker.store.held().expect("reads").is_empty());

    // After a fix all is as if there had been no limit.
    let mut mended = engine.worker(&identity, Plain { mended: true });
    for id in letters(&mut mended.store) {
        assert_eq!(mended.retry(id).expect("tries"), Ending::Coded);
    }
    let other = E::new();
    let intake = other.intake();
    append(&intake, vec![envelope("line-a", "1", "before")]);
    append_twelve_bad(&intake);
    append(
        &intake,
        vec![envelope("line-a", "1", "behind"), envelope("line-a", "2", "later"), envelope("line-b", "x", "fine")],
    );
    let mut all_well = other.worker(&identity, Plain { mended: true });
    drain(&mut all_well);
    assert_eq!(current(&mut mended.store), current(&mut all_well.store));
    let imports = |store: &mut E::Store| store.imports().expect("lists").iter().map(|i| i.endings).collect::<Vec<_>>();
    assert_eq!(imports(&mut mended.store), imports(&mut all_well.store));
    assert_eq!(sums(&mended.store.funnel(ever()).expect("sums")), sums(&all_well.store.funnel(ever()).expect("sums")));
}

pub fn a_running_worker_hears_that_a_source_goes_on<E: Engine>() {
    let engine = E::new();
    let identity = Identity::generate();
    let intake = engine.intake();
    append(&intake, (0..9).map(|n| envelope("line-a", &n.to_string(), "bad")).collect());
    let mut running = engine.worker(&identity, Plain::default());
    running.options.pause = FIVE;
    running.options.idle = std::time::Duration::from_millis(5);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let working = scope.spawn(|| running.run(&stop, Until::Stopped, &mut |_| {}).expect("works"));
        let mut store = engine.store();
        let until = |what: &str, holds: &mut dyn FnMut() -> bool| {
            for _ in 0..2_000 {
                if holds() {
                    return;
                }
                thread::sleep(std::time::Duration::from_millis(5));
            }
            stop.store(true, Ordering::SeqCst);
            panic!("waited too long: {what}");
        };
        until("held", &mut || waiting(&mut store) == 4);
        let line = store.held().expect("reads")[0].source.clone();
        store.forgive(&line).expect("forgives");
        // Of what the worker held before it heard of it nothing stays behind.
        append(&intake, (10..14).map(|n| envelope("line-a", &n.to_string(), "fine")).collect());
        until("it goes on", &mut || waiting(&mut store) == 0 && sums(&store.funnel(ever()).expect("sums"))[0] == 13);
        stop.store(true, Ordering::SeqCst);
        assert_eq!(working.join().expect("no panic").total(), 13);
    });
}

pub fn a_worker_stops_when_told<E: Engine>() {
    let engine = E::new();
    let identity = Identity::generate();
    let intake = engine.intake();
    append(&intake, (0..30).map(|n| envelope("line-a", &n.to_string(), "arrest")).collect());
    let stop = AtomicBool::new(false);
    let done = thread::scope(|scope| {
        let working = scope.spawn(|| {
            let mut worker = engine.worker(&identity, Plain::default());
            let mut seen = 0;
            worker
                .run(&stop, Until::Stopped, &mut |more| {
                    seen += more.total();
                    // What was told is stored; being told to stop loses none of it.
                    stop.store(seen >= 14, Ordering::SeqCst);
                })
                .expect("works")
        });
        working.join().expect("no panic")
    });
    let mut store = engine.store();
    assert!(done.total() >= 14);
    assert_eq!(sums(&store.funnel(ever()).expect("sums"))[0], done.total());
    assert_eq!(engine.drain(&identity).total(), 30 - done.total(), "the rest waits for the next one");
}

pub fn private_text_is_in_no_file<E: Engine>() {
    let engine = E::new();
    let identity = Identity::generate();
    let intake = engine.intake();
    let marks = ["call Rosa Inchi at 555-0142", "bad: call Rosa Inchi at 555-0143", "Calle Falsa 123, 555-0144"];
    let grep = |wanted: &[u8]| -> Vec<String> {
        let holds = |path: &std::path::Path| match std::fs::read(path) {
            Ok(bytes) => bytes.windows(wanted.len()).any(|window| window == wanted),
            // A server that others use too has taken it away meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => panic!("{}: {error}", path.display()),
        };
        let files = engine.files().into_iter().filter(|path| holds(path));
        files.map(|path| path.display().to_string()).collect()
    };
    let clear = |when: &str| {
        for mark in ["Rosa Inchi", "555-014", "Calle Falsa"] {
            assert!(grep(mark.as_bytes()).is_empty(), "{mark} {when}: {:?}", grep(mark.as_bytes()));
        }
    };
    // `Plain` shows what it codes in a column, so the texts that it is given to code stand in a defect or are rejected.
    append(&intake, vec![defective("line-a", "1", marks[0]), envelope("line-a", "2", marks[1])]);
    append(&intake, vec![defective("line-a", "3", marks[2])]);
    clear("while it waits");
    // The sealed bytes themselves must go too, once what they hold is stored.
    let mut log = engine.log_with(2);
    let all = ingest::queue::Limits { envelopes: 9, bytes: 1 << 20 };
    let sealed: Vec<Vec<u8>> = log
        .read(Position { partition: 0, offset: 0 }, all)
        .expect("reads")
        .into_iter()
        .map(|found| found.expect_err("another key").sealed.as_bytes()[..24].to_vec())
        .collect();
    assert!(sealed.iter().all(|bytes| !E::RELEASES || !grep(bytes).is_empty()), "they are there before");
    drop(log);
    engine.drain(&identity);
    clear("once it is stored");
    for bytes in sealed.iter().filter(|_| E::RELEASES) {
        assert!(grep(bytes).is_empty(), "a sealed record stayed behind: {:?}", grep(bytes));
    }
    let mut store = engine.store();
    assert_eq!(letters(&mut store).len(), 3, "the letters hold them, sealed anew");
    let mut mended = engine.worker(&identity, Plain { mended: true });
    drain(&mut mended);
    clear("after all");
}
