//! The promises of a queue.

use std::thread;

use ingest::queue::{Intake, Limits, Log, QueueError, SubmitError};
use schemas::envelope::{Delivered, Position};
use schemas::time::Month;

use crate::harness::{Engine, envelope, ever, source, start};

const ALL: Limits = Limits { envelopes: usize::MAX, bytes: usize::MAX };

fn at(offset: i64) -> Position {
    Position { partition: 0, offset }
}

fn append(intake: &impl Intake, source_name: &str, ids: &[&str]) -> i64 {
    let envelopes = ids.iter().map(|id| envelope(source_name, id, "arrest")).collect();
    intake.submit(envelopes).expect("room").wait().expect("durable").first.offset
}

/// The envelopes from a position on, all of which must open.
fn read(log: &mut impl Log, from: i64) -> Vec<Delivered> {
    let found = log.read(at(from), ALL).expect("reads");
    found.into_iter().map(|envelope| envelope.expect("opens")).collect()
}

fn id(delivered: &Delivered) -> &str {
    delivered.envelope.external_id.as_deref().expect("every test gives an id")
}

pub fn an_append_is_in_order_and_there_after_reopening<E: Engine>() {
    let engine = E::new();
    let intake = engine.intake();
    let three: Vec<_> = ["1", "2", "3"].map(|id| envelope("line-a", id, "arrest")).into();
    let appended = intake.submit(three.clone()).expect("room").wait().expect("durable");
    assert_eq!((appended.received_at, appended.count), (start(), 3));
    assert_eq!(appended.end, appended.first.offset + 3);
    engine.tick(60);
    let later = intake.submit(vec![envelope("line-a", "4", "arrest")]).expect("room").wait().expect("durable");
    assert_eq!(later.first.offset, appended.first.offset + 3);
    drop(intake);

    let mut log = engine.log();
    let found = read(&mut log, appended.first.offset);
    assert_eq!(found.iter().map(id).collect::<Vec<_>>(), ["1", "2", "3", "4"]);
    assert_eq!(found[..3].iter().map(|d| d.envelope.clone()).collect::<Vec<_>>(), three, "kept whole");
    assert_eq!((found[2].received_at, found[3].received_at), (start(), later.received_at));
    let offsets: Vec<_> = found.iter().map(|d| d.position.offset).collect();
    assert_eq!(offsets, (appended.first.offset..).take(4).collect::<Vec<_>>());
    assert_eq!(log.end(0).expect("an end"), later.first.offset + 1);
    assert_eq!(log.queue_id(), engine.log().queue_id(), "a log keeps its name");
}

pub fn a_source_keeps_its_order_among_many<E: Engine>() {
    let engine = E::new();
    let intake = engine.intake();
    let mut tickets = Vec::new();
    for n in 0..200 {
        let name = ["line-a", "line-b", "line-c"][n % 3];
        tickets.push(intake.submit(vec![envelope(name, &format!("{n:03}"), "arrest")]).expect("room"));
    }
    let appended: Vec<_> = tickets.into_iter().map(|ticket| ticket.wait().expect("durable")).collect();
    let found = read(&mut engine.log(), 0);
    assert_eq!(found.len(), 200);
    for (n, appended) in appended.iter().enumerate() {
        let there = &found[usize::try_from(appended.first.offset).expect("small")];
        assert_eq!(id(there), format!("{n:03}"), "a ticket tells the right position");
    }
    for name in ["line-a", "line-b", "line-c"] {
        let ids: Vec<_> = found.iter().filter(|d| d.envelope.source == source(name)).map(id).collect();
        assert!(ids.is_sorted(), "{name}: {ids:?}");
    }
}

pub fn several_intakes_share_one_log_without_gaps<E: Engine>() {
    let engine = E::new();
    thread::scope(|scope| {
        for name in ["line-a", "line-b", "line-c"] {
            let intake = engine.intake();
            scope.spawn(move || {
                for n in 0..50 {
                    append(&intake, name, &[&format!("{n:02}"), &format!("{n:02}x")]);
                }
            });
        }
    });
    let mut log = engine.log();
    let found = read(&mut log, 0);
    assert_eq!(found.len(), 300);
    assert!(found.iter().enumerate().all(|(n, d)| d.position == at(i64::try_from(n).expect("small"))), "no gaps");
    for name in ["line-a", "line-b", "line-c"] {
        let ids: Vec<_> = found.iter().filter(|d| d.envelope.source == source(name)).map(id).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.is_sorted(), "{name}: {ids:?}");
    }
}

pub fn an_append_is_of_one_source<E: Engine>() {
    let engine = E::new();
    let intake = engine.intake();
    assert!(matches!(intake.submit(Vec::new()), Err(SubmitError::NotOneSource)));
    let mixed = vec![envelope("line-a", "1", "arrest"), envelope("line-b", "1", "arrest")];
    assert!(matches!(intake.submit(mixed), Err(SubmitError::NotOneSource)));
    assert_eq!(engine.log().end(0).expect("an end"), 0);
}

pub fn closing_writes_what_waits<E: Engine>() {
    let engine = E::new();
    let intake = engine.intake();
    let tickets: Vec<_> = (0..100)
        .map(|n| intake.submit_waiting(vec![envelope("line-a", &n.to_string(), "arrest")]).expect("taken"))
        .collect();
    drop(intake);
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert_eq!(read(&mut engine.log(), 0).len(), 100);
}

pub fn reading_goes_on_from_any_position<E: Engine>() {
    let engine = E::new();
    let intake = engine.intake();
    append(&intake, "line-a", &["0", "1", "2"]);
    append(&intake, "line-b", &["3", "4"]);
    append(&intake, "line-a", &["5"]);
    let mut log = engine.log();
    for from in 0..=6 {
        let ids: Vec<_> = read(&mut log, from).iter().map(|d| id(d).to_owned()).collect();
        assert_eq!(ids, (from..6).map(|n| n.to_string()).collect::<Vec<_>>());
    }
    // Limits are soft, but the next read must get on.
    let mut next = 0;
    let mut reads = 0;
    while next < 6 {
        let some = log.read(at(next), Limits { envelopes: 1, bytes: 1 }).expect("reads");
        assert!(!some.is_empty() && some.len() <= 3);
        next += i64::try_from(some.len()).expect("small");
        reads += 1;
    }
    assert_eq!(reads, if E::RECORD == 1 { 6 } else { 3 }, "one record at a time");
}

pub fn what_is_released_is_gone_and_said_so<E: Engine>() {
    let engine = E::new();
    let intake = engine.intake();
    append(&intake, "line-a", &["0", "1"]);
    let early = engine.clock().now();
    engine.tick(60);
    append(&intake, "line-a", &["2", "3"]);
    append(&intake, "line-a", &["4"]);

    let mut log = engine.log();
    assert_eq!(log.release(at(5), early).expect("releases"), 2, "only what was received by then");
    assert_eq!(log.release(at(3), ever()).expect("releases"), 0, "never a part of a record");
    assert_eq!(log.release(at(4), ever()).expect("releases"), 2);
    assert_eq!(log.read(at(0), ALL).expect_err("gone"), QueueError::Released { wanted: 0, first: 4 });
    assert!(matches!(log.waiting(&[at(0)], ever()), Err(QueueError::Released { .. })), "a wrong count is no count");
    assert_eq!(read(&mut log, 4).len(), 1);
    assert_eq!(log.release(at(5), ever()).expect("releases"), 1);
    assert_eq!(log.read(at(0), ALL).expect_err("gone"), QueueError::Released { wanted: 0, first: 5 });
    assert_eq!(append(&intake, "line-a", &["5"]), 5, "positions are never given twice");
    drop((intake, log));
    let mut log = engine.log();
    assert_eq!(id(&read(&mut log, 5)[0]), "5");
}

pub fn a_position_that_was_never_appended_is_said_so<E: Engine>() {
    let engine = E::new();
    append(&engine.intake(), "line-a", &["0"]);
    let mut log = engine.log();
    assert!(log.read(at(1), ALL).expect("the end").is_empty());
    assert_eq!(log.read(at(2), ALL).expect_err("beyond"), QueueError::Ahead { wanted: 2, end: 1 });
}

pub fn what_waits_is_counted_by_month_and_source<E: Engine>() {
    let engine = E::new();
    let intake = engine.intake();
    append(&intake, "line-a", &["0", "1", "2"]);
    let march = engine.clock().now();
    engine.tick(120);
    append(&intake, "line-b", &["3"]);
    let april = engine.clock().now();
    append(&intake, "line-a", &["4", "5"]);

    let mut log = engine.log();
    let mut counts = |from: i64, as_of| -> Vec<(String, String, u64)> {
        let waiting = log.waiting(&[at(from)], as_of).expect("counts");
        waiting.into_iter().map(|w| (w.month.to_string(), w.source.to_string(), w.count)).collect()
    };
    let row = |month: &str, source: &str, count| (month.to_owned(), source.to_owned(), count);
    assert_eq!(
        counts(0, ever()),
        [row("2026-03", "line-a", 3), row("2026-04", "line-a", 2), row("2026-04", "line-b", 1)]
    );
    assert_eq!(counts(2, ever())[0], row("2026-03", "line-a", 1), "from the middle of a record");
    assert_eq!(counts(0, march), [row("2026-03", "line-a", 3)]);
    assert!(counts(6, ever()).is_empty());
    let oldest = log.waiting(&[at(4)], ever()).expect("counts");
    assert_eq!((oldest[0].oldest, oldest[0].month), (april, Month::of(april.date_naive())));
}

pub fn another_key_opens_nothing_and_blocks_nothing<E: Engine>() {
    let engine = E::new();
    append(&engine.intake(), "line-a", &["0", "1"]);
    let found = engine.log_with(2).read(at(1), ALL).expect("reads");
    assert_eq!(found.len(), 1);
    let unopened = found.into_iter().next().expect("one").expect_err("does not open");
    let item = if E::RECORD == 1 { 0 } else { 1 };
    assert_eq!((unopened.position, unopened.item, unopened.source.as_str()), (at(1), item, "line-a"));
    assert_eq!(unopened.received_at, start());
}
