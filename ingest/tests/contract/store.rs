//! The promises of a store.

use std::ops::ControlFlow;
use std::sync::Arc;

use ingest::keys::Identity;
use ingest::queue::Fingerprint;
use ingest::seal::{OriginalSealer, Sealed, open_original};
use ingest::store::{
    Batch, Changes, DeadLetter, Ending, Endings, Item, Letter, Mark, Outcome, Range, Rejection, Retried, Store,
    StoreError, Superseded,
};
use schemas::clock::Instant;
use schemas::dataset::{CodedRow, FunnelRow};
use schemas::envelope::Position;
use schemas::ids::{BatchId, ReportId};
use schemas::reject::{Reject, RejectCode};
use schemas::report::Standing;
use schemas::source::{Settings, Source, SourceKind};
use schemas::time::Month;
use schemas::{Language, Sensitive};

use crate::harness::{Engine, batch_id, coded, ever, installation_key, report, report_id, source};

/// A store, and a hand that commits to it.
struct Desk<E: Engine> {
    engine: E,
    store: E::Store,
    identity: Identity,
    next: i64,
}

/// A submission to be committed: source, id, what it says.
type Said<'a> = (&'a str, &'a str, &'a str);

impl<E: Engine> Desk<E> {
    fn new() -> Self {
        let engine = E::new();
        let store = engine.store();
        Self { engine, store, identity: Identity::generate(), next: 0 }
    }

    /// Commits submissions as one batch; those that say "bad" are rejected.
    fn commit(&mut self, import: Option<BatchId>, said: &[Said<'_>]) -> Endings {
        let sealer = OriginalSealer::new(&self.identity.recipient()).expect("wraps");
        let received_at = self.engine.clock().now();
        let items = said.iter().map(|(name, id, says)| {
            let outcome = if *says == "bad" {
                Outcome::Rejected(rejection(says, report_id(name, id)))
            } else {
                let coded = coded(name, id, says, received_at);
                let original = sealer.seal(report_id(name, id), &Sensitive::new(says.as_bytes().to_vec()));
                Outcome::Coded { coded, original }
            };
            Item { received_at, source: source(name), batch: import, row: None, outcome }
        });
        let items: Vec<_> = items.collect();
        let count = i64::try_from(items.len()).expect("small");
        let batch = self.batch("queue", self.next, items, sealer);
        let endings = self.store.commit(&batch).expect("commits");
        self.next += count;
        endings
    }

    fn batch(&self, queue_id: &str, from: i64, items: Vec<Item>, sealer: OriginalSealer) -> Batch {
        let from = Position { partition: 0, offset: from };
        Batch {
            queue_id: queue_id.into(),
            from,
            items,
            last: None,
            originals: Some(sealer.finish()),
            lately: Vec::new(),
        }
    }

    /// Resolves a dead letter as if it said `says`.
    fn retry(&mut self, id: i64, said: Said<'_>) -> Ending {
        let (letter, _) = self.store.dead_letter(id).expect("there");
        let originals = OriginalSealer::new(&self.identity.recipient()).expect("wraps");
        let (name, report, says) = said;
        let original = originals.seal(report_id(name, report), &Sensitive::new(says.as_bytes().to_vec()));
        let coded = coded(name, report, says, letter.received_at);
        let retried = Retried::Coded { coded, original, originals: originals.finish() };
        self.store.resolve(id, &retried, self.engine.clock().now()).expect("resolves")
    }

    fn current(&mut self) -> Vec<CodedRow> {
        rows(&mut self.store, Range::default())
    }

    /// The one current row of a report: what it says, its revision, and whether it is withdrawn.
    fn says(&mut self, name: &str, id: &str) -> (String, u32, bool) {
        let wanted = Some(report_id(name, id));
        let mut found: Vec<_> = self.current().into_iter().filter(|row| row.report.report_id == wanted).collect();
        assert_eq!(found.len(), 1, "exactly one current row");
        let row = found.remove(0);
        (row.report.incident_id.expect("a test's row says something"), row.report.revision, row.withdrawn)
    }

    fn letters(&mut self) -> Vec<DeadLetter> {
        let mut letters = Vec::new();
        let mut each = |letter| {
            letters.push(letter);
            ControlFlow::Continue(())
        };
        self.store.dead_letters(&mut each).expect("reads");
        letters
    }
}

/// A batch of reports that nobody else has, from a position of a partition on.
pub fn coded_batch(identity: &Identity, queue_id: &str, partition: i32, offset: i64, count: i64) -> Batch {
    let sealer = OriginalSealer::new(&identity.recipient()).expect("wraps");
    let received_at = crate::harness::start();
    let items = (offset..offset + count).map(|n| {
        let (name, id) = (format!("line-{partition}"), n.to_string());
        let original = sealer.seal(report_id(&name, &id), &Sensitive::new(b"arrest".to_vec()));
        let outcome = Outcome::Coded { coded: coded(&name, &id, "arrest", received_at), original };
        Item { received_at, source: source(&name), batch: None, row: None, outcome }
    });
    let items = items.collect();
    let from = Position { partition, offset };
    Batch { queue_id: queue_id.into(), from, items, last: None, originals: Some(sealer.finish()), lately: Vec::new() }
}

fn rejection(record: &str, report_id: ReportId) -> Rejection {
    let record = Arc::new(Sealed::from_bytes(record.as_bytes().to_vec()));
    Rejection {
        reject: Reject::new(RejectCode::BadDate).field("occurred"),
        report_id: Some(report_id),
        letter: Letter { record, item: 0 },
    }
}

pub fn rows(store: &mut impl Store, range: Range) -> Vec<CodedRow> {
    let mut rows = Vec::new();
    let mut each = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    store.rows(range, &mut each).expect("reads");
    rows
}

/// Everything that a reader of changes hears.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Heard {
    pub rows: Vec<CodedRow>,
    pub superseded: Vec<Superseded>,
}

impl Changes for Heard {
    fn row(&mut self, row: CodedRow) -> ControlFlow<()> {
        self.rows.push(row);
        ControlFlow::Continue(())
    }

    fn superseded(&mut self, superseded: Superseded) -> ControlFlow<()> {
        self.superseded.push(superseded);
        ControlFlow::Continue(())
    }
}

impl Heard {
    /// The rows that were current as of an instant.
    pub fn as_of(&self, at: Instant) -> Vec<&CodedRow> {
        let gone: std::collections::HashMap<i64, Instant> = self.superseded.iter().map(|s| (s.seq, s.at)).collect();
        assert_eq!(gone.len(), self.superseded.len(), "a row is superseded once");
        let current =
            |row: &&CodedRow| row.effective_at <= at && gone.get(&row.seq).is_none_or(|superseded| *superseded > at);
        self.rows.iter().filter(current).collect()
    }
}

/// The sums of a funnel: received, coded, revisions, repeats, rejected.
pub fn sums(funnel: &[FunnelRow]) -> [u64; 5] {
    let mut sums = [0; 5];
    for row in funnel {
        for (sum, part) in sums.iter_mut().zip([row.received, row.coded, row.revisions, row.repeats, row.rejected]) {
            *sum += part;
        }
        let ended = row.coded + row.revisions + row.repeats + row.rejected;
        assert_eq!(row.received, ended + row.waiting, "the first sum adds up");
    }
    sums
}

fn endings(coded: u64, revisions: u64, repeats: u64, rejected: u64) -> Endings {
    Endings { coded, revisions, repeats, rejected }
}

fn rejected_item(received_at: Instant) -> Item {
    let outcome = Outcome::Rejected(rejection("bad", report_id("line-a", "3")));
    Item { received_at, source: source("line-a"), batch: None, row: None, outcome }
}

pub fn a_batch_commits_only_from_the_stored_position<E: Engine>() {
    let mut desk = Desk::<E>::new();
    desk.commit(None, &[("line-a", "1", "arrest"), ("line-a", "2", "arrest")]);
    for stale in [0, 1, 3] {
        let sealer = OriginalSealer::new(&desk.identity.recipient()).expect("wraps");
        let item = rejected_item(desk.engine.clock().now());
        let batch = desk.batch("queue", stale, vec![item], sealer);
        let moved = desk.store.commit(&batch).expect_err("moved");
        assert!(matches!(moved, StoreError::PositionMoved { expected, stored: 2 } if expected == stale), "{moved:?}");
    }
    assert_eq!(sums(&desk.store.funnel(ever()).expect("sums")), [2, 2, 0, 0, 0], "nothing of it was kept");
    assert!(desk.letters().is_empty());
    // As another process sees it.
    let mut store = desk.engine.store();
    assert_eq!(store.position("queue", 0).expect("a position").offset, 2);
}

pub fn the_last_record_is_kept_with_its_position<E: Engine>() {
    let mut desk = Desk::<E>::new();
    let mut rejected = |from, last| {
        let item = rejected_item(desk.engine.clock().now());
        let from = Position { partition: 2, offset: from };
        let batch =
            Batch { queue_id: "queue".into(), from, items: vec![item], last, originals: None, lately: Vec::new() };
        desk.store.commit(&batch)
    };
    let (first, second) = (Fingerprint([1; 16]), Fingerprint([2; 16]));
    rejected(0, Some(first)).expect("commits");
    rejected(1, Some(second)).expect("commits");
    rejected(0, Some(first)).expect_err("moved");
    let mut store = desk.engine.store();
    assert_eq!(store.fingerprint("queue", 2).expect("reads"), Some((2, second)));
    assert_eq!(store.fingerprint("queue", 1).expect("reads"), None);
    assert_eq!(store.fingerprint("another", 2).expect("reads"), None);
}

pub fn positions_of_two_queues_are_apart<E: Engine>() {
    let mut desk = Desk::<E>::new();
    desk.commit(None, &[("line-a", "1", "first")]);
    assert_eq!(desk.store.position("another", 0).expect("a position").offset, 0);
    assert_eq!(desk.store.position("queue", 3).expect("a position"), Position { partition: 3, offset: 0 });
    let sealer = OriginalSealer::new(&desk.identity.recipient()).expect("wraps");
    let received_at = desk.engine.clock().now();
    let item = Item {
        received_at,
        source: source("line-a"),
        batch: None,
        row: None,
        outcome: Outcome::Coded {
            coded: coded("line-a", "1", "second", received_at),
            original: sealer.seal(report_id("line-a", "1"), &Sensitive::new(b"second".to_vec())),
        },
    };
    let batch = desk.batch("another", 0, vec![item], sealer);
    assert_eq!(desk.store.commit(&batch).expect("commits"), endings(0, 1, 0, 0));
    assert_eq!(desk.says("line-a", "1"), ("second".into(), 1, false), "a queue that came later comes after");
    assert_eq!(desk.store.position("queue", 0).expect("a position").offset, 1);
}

pub fn repeats_and_revisions_are_told_apart<E: Engine>() {
    let mut desk = Desk::<E>::new();
    let (a, b) = (("line-a", "1", "arrest"), ("line-a", "1", "sighting"));
    // Within one batch and across two.
    assert_eq!(desk.commit(None, &[a, a, b, ("line-b", "1", "arrest")]), endings(2, 1, 1, 0));
    assert_eq!(desk.commit(None, &[a, b, b]), endings(0, 0, 3, 0), "replaying old messages reverts nothing");
    assert_eq!(desk.says("line-a", "1"), ("sighting".into(), 1, false));
    assert_eq!(desk.current().len(), 2);
    let content = |says: &str| installation_key().content_hash(says.as_bytes());
    let id = report_id("line-a", "1");
    let mut ending = |id, says| desk.store.ending_of(id, content(says)).expect("tells");
    assert_eq!(ending(id, "arrest"), Ending::Repeat);
    assert_eq!(ending(id, "checkpoint"), Ending::Revision);
    assert_eq!(ending(report_id("line-a", "2"), "arrest"), Ending::Coded);
    assert_eq!(sums(&desk.store.funnel(ever()).expect("sums")), [7, 2, 1, 4, 0]);
}

pub fn ids_that_share_their_first_half_stay_apart<E: Engine>() {
    let mut desk = Desk::<E>::new();
    // Such ids are one in 2^64 each, so they are made by hand; the last ones wrap around the end of the keys.
    let half = |first: [u8; 8], last: u8| {
        let mut bytes = [last; 16];
        bytes[..8].copy_from_slice(&first);
        ReportId::from_bytes(bytes)
    };
    let top = [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let ids = [half([1; 8], 1), half([1; 8], 2), half([1; 8], 3), half(top, 1), half(top, 2)];
    let received_at = desk.engine.clock().now();
    let mut ended = Vec::new();
    // One by one, then all in one batch, then once more with what they said first.
    let rounds: [(&str, Vec<&[ReportId]>); 3] =
        [("first", ids.chunks(2).collect()), ("second", vec![&ids]), ("first", vec![&ids])];
    for (says, groups) in rounds {
        for group in groups {
            let sealer = OriginalSealer::new(&desk.identity.recipient()).expect("wraps");
            let items: Vec<_> = group
                .iter()
                .map(|id| {
                    let mut made = coded("line-a", &id.to_string(), says, received_at);
                    made.report = report(*id, "line-a", &id.to_string(), says, received_at);
                    let original = sealer.seal(*id, &Sensitive::new(says.as_bytes().to_vec()));
                    let outcome = Outcome::Coded { coded: made, original };
                    Item { received_at, source: source("line-a"), batch: None, row: None, outcome }
                })
                .collect();
            let count = i64::try_from(items.len()).expect("small");
            let batch = desk.batch("queue", desk.next, items, sealer);
            ended.push(desk.store.commit(&batch).expect("commits"));
            desk.next += count;
        }
    }
    let expected =
        [endings(2, 0, 0, 0), endings(2, 0, 0, 0), endings(1, 0, 0, 0), endings(0, 5, 0, 0), endings(0, 0, 5, 0)];
    assert_eq!(ended, expected);
    let current = desk.current();
    assert_eq!(current.len(), 5);
    assert!(current.iter().all(|row| row.report.incident_id.as_deref() == Some("second")));
}

pub fn queue_order_decides_and_not_the_order_of_storing<E: Engine>() {
    let mut desk = Desk::<E>::new();
    desk.commit(None, &[("line-a", "1", "bad"), ("line-a", "1", "second"), ("line-a", "2", "bad")]);
    let letters: Vec<_> = desk.letters().iter().map(|letter| letter.id).collect();
    desk.engine.tick(10);
    // The first, mended, is older than what counts: it is kept and counted as a revision, and changes nothing.
    assert_eq!(desk.retry(letters[0], ("line-a", "1", "first")), Ending::Revision);
    assert_eq!(desk.says("line-a", "1"), ("second".into(), 0, false));
    let history = rows(&mut desk.store, Range { history: true, ..Range::default() });
    assert_eq!(history.len(), 2);
    let mut heard = Heard::default();
    desk.store.changes(Mark::default(), ever(), "queue", &mut heard).expect("reads");
    assert_eq!(heard.superseded, [Superseded { seq: 2, at: history[1].effective_at }], "it never was current");
    // Sent again, it is a repeat, and still reverts nothing.
    assert_eq!(desk.commit(None, &[("line-a", "1", "first")]), endings(0, 0, 1, 0));
    // The other one is the first of its report.
    assert_eq!(desk.retry(letters[1], ("line-a", "2", "arrest")), Ending::Coded);
    let born = desk.current().into_iter().find(|row| row.report.report_id == Some(report_id("line-a", "2")));
    let born = born.expect("current");
    assert_eq!(born.effective_at, desk.engine.clock().now(), "it speaks from the retry on");
    assert_eq!(born.first_received_at, crate::harness::start(), "and was received when it was received");
    assert_eq!(born.report.received_at, Some(born.first_received_at));
    let again = desk.store.dead_letter(letters[1]).expect_err("resolved");
    assert!(matches!(again, StoreError::NoSuchDeadLetter(_)));
}

pub fn withdrawing_brings_back_what_was_before<E: Engine>() {
    let mut desk = Desk::<E>::new();
    let (wrong, at) = (batch_id(1), desk.engine.clock().now());
    desk.commit(None, &[("line-a", "1", "first"), ("line-a", "2", "first"), ("line-a", "4", "first")]);
    let before = desk.current();
    desk.engine.tick(5);
    desk.store.begin_import(wrong, &source("line-a"), 1, at).expect("begins");
    let ended = desk.commit(
        Some(wrong),
        &[("line-a", "1", "wrong"), ("line-a", "1", "wronger"), ("line-a", "3", "wrong"), ("line-a", "2", "first")],
    );
    assert_eq!(ended, endings(1, 2, 1, 0));
    desk.commit(None, &[("line-a", "4", "later"), ("line-a", "1", "wronger")]);
    let imports = desk.store.imports().expect("lists");
    assert_eq!((imports.len(), imports[0].id, imports[0].files), (1, wrong, 1));
    assert_eq!(imports[0].endings, ended);

    desk.engine.tick(5);
    let now = desk.engine.clock().now();
    let done = desk.store.withdraw(wrong, now).expect("withdraws");
    assert_eq!((done.withdrawn, done.reverted), (1, 1));
    assert_eq!(desk.says("line-a", "1"), ("first".into(), 0, false));
    assert_eq!(desk.says("line-a", "2"), ("first".into(), 0, false));
    assert_eq!(desk.says("line-a", "3"), ("wrong".into(), 0, true));
    assert_eq!(desk.says("line-a", "4"), ("later".into(), 1, false), "untouched");
    let back = desk.current().into_iter().find(|row| row.report.report_id == Some(report_id("line-a", "1")));
    let back = back.expect("current");
    assert_eq!(back.effective_at, now, "it speaks again from the withdrawal on");
    assert_eq!(back.report.received_at, before[0].report.received_at, "it was received when it was received");
    let withdrawn = desk.current().into_iter().find(|row| row.withdrawn).expect("one");
    assert_eq!(withdrawn.standing(), Standing::Withdrawn);
    // The first sum tells what was received, and that has not changed.
    assert_eq!(sums(&desk.store.funnel(ever()).expect("sums")), [9, 4, 3, 2, 0]);

    let twice = desk.store.withdraw(wrong, now).expect_err("once");
    assert!(matches!(twice, StoreError::AlreadyWithdrawn(_)));
    let unknown = desk.store.withdraw(batch_id(7), now).expect_err("unknown");
    assert!(matches!(unknown, StoreError::NoSuchBatch(_)));

    // The same file again counts again: a withdrawn version is no earlier version.
    let again = batch_id(2);
    desk.store.begin_import(again, &source("line-a"), 1, now).expect("begins");
    let ended = desk.commit(
        Some(again),
        &[("line-a", "1", "wrong"), ("line-a", "1", "wronger"), ("line-a", "3", "wrong"), ("line-a", "2", "first")],
    );
    assert_eq!(ended, endings(0, 3, 1, 0));
    assert_eq!(desk.says("line-a", "1"), ("wronger".into(), 4, false));
    assert_eq!(desk.says("line-a", "3"), ("wrong".into(), 1, false));
}

pub fn what_comes_after_its_import_was_withdrawn_never_counts<E: Engine>() {
    let mut desk = Desk::<E>::new();
    let wrong = batch_id(1);
    desk.commit(None, &[("line-a", "1", "first")]);
    desk.commit(Some(wrong), &[("line-a", "2", "wrong"), ("line-a", "3", "bad")]);
    let now = desk.engine.clock().now();
    desk.store.withdraw(wrong, now).expect("withdraws");
    // What was still in the queue.
    let late = [("line-a", "1", "wrong"), ("line-a", "2", "wronger"), ("line-a", "4", "wrong")];
    assert_eq!(desk.commit(Some(wrong), &late), endings(1, 2, 0, 0));
    assert_eq!(desk.says("line-a", "1"), ("first".into(), 0, false));
    assert_eq!(desk.says("line-a", "2"), ("wronger".into(), 1, true));
    assert_eq!(desk.says("line-a", "4"), ("wrong".into(), 0, true));
    // What was among the dead letters.
    let letter = desk.letters()[0].clone();
    assert_eq!(letter.batch, Some(wrong));
    assert_eq!(desk.retry(letter.id, ("line-a", "3", "mended")), Ending::Coded);
    assert_eq!(desk.says("line-a", "3"), ("mended".into(), 0, true));
    let endings_of_import = desk.store.imports().expect("lists")[0].endings;
    assert_eq!(endings_of_import, endings(3, 2, 0, 0));
    // And its source may send the same itself.
    assert_eq!(desk.commit(None, &[("line-a", "4", "wrong")]), endings(0, 1, 0, 0));
    assert_eq!(desk.says("line-a", "4"), ("wrong".into(), 1, false));
}

pub fn a_retried_reject_moves_in_the_sums_from_then_on<E: Engine>() {
    let mut desk = Desk::<E>::new();
    desk.commit(None, &[("line-a", "1", "bad"), ("line-a", "2", "bad"), ("line-b", "3", "arrest")]);
    let then = desk.engine.clock().now();
    let letters: Vec<_> = desk.letters().iter().map(|letter| letter.id).collect();
    // Two minutes later it is April: what was received in March stays a matter of March.
    desk.engine.tick(120);
    let still = Retried::Rejected { reject: Reject::new(RejectCode::CannotOpen), report_id: None };
    let now = desk.engine.clock().now();
    assert_eq!(desk.store.resolve(letters[1], &still, now).expect("resolves"), Ending::Rejected);
    assert_eq!(desk.retry(letters[0], ("line-a", "1", "arrest")), Ending::Coded);

    let found = desk.letters();
    assert_eq!((found.len(), found[0].id, found[0].reject.code), (1, letters[1], RejectCode::CannotOpen));
    let as_of = |store: &mut E::Store, at| {
        let funnel = store.funnel(at).expect("sums");
        assert!(funnel.iter().all(|row| row.month.to_string() == "2026-03"));
        sums(&funnel)
    };
    assert_eq!(as_of(&mut desk.store, then), [3, 1, 0, 0, 2]);
    assert_eq!(as_of(&mut desk.store, now), [3, 2, 0, 0, 1]);
    assert_eq!(as_of(&mut desk.store, then - chrono::TimeDelta::seconds(1)), [0; 5]);
    let mut heard = Heard::default();
    let cut = desk.store.changes(Mark::default(), then, "queue", &mut heard).expect("reads");
    assert_eq!(sums(&cut.funnel), [3, 1, 0, 0, 2]);
    assert_eq!(cut.positions, [Position { partition: 0, offset: 3 }]);
    assert_eq!(heard.as_of(then).len(), 1, "reports as of then are those that were coded then");
    assert_eq!(heard.as_of(now).len(), 2);
}

pub fn a_record_that_does_not_open_is_kept_once_for_all_its_letters<E: Engine>() {
    let mut desk = Desk::<E>::new();
    let record = Arc::new(Sealed::from_bytes(vec![7; 100_000]));
    let received_at = desk.engine.clock().now();
    let items: Vec<_> = (0..50)
        .map(|item| Item {
            received_at,
            source: source("line-a"),
            batch: None,
            row: None,
            outcome: Outcome::Rejected(Rejection {
                reject: Reject::new(RejectCode::CannotOpen),
                report_id: None,
                letter: Letter { record: Arc::clone(&record), item },
            }),
        })
        .collect();
    let from = Position { partition: 0, offset: 0 };
    let batch = Batch { queue_id: "queue".into(), from, items, last: None, originals: None, lately: Vec::new() };
    assert_eq!(desk.store.commit(&batch).expect("commits"), endings(0, 0, 0, 50));
    let letters = desk.letters();
    assert_eq!(letters.len(), 50);
    let (letter, sealed) = desk.store.dead_letter(letters[49].id).expect("there");
    assert_eq!((sealed.item, letter.position.offset), (49, 49));
    assert_eq!(sealed.record, record);
    if E::RELEASES {
        // A server's files hold more than this test's.
        let size: u64 = desk.engine.files().iter().map(|f| std::fs::metadata(f).expect("there").len()).sum();
        assert!(size < 2_000_000, "{size} bytes for a record of 100,000");
    }
    // Each can be resolved alone; the record stays for the others.
    desk.retry(letters[0].id, ("line-a", "1", "arrest"));
    assert!(desk.store.dead_letter(letters[1].id).is_ok());
}

pub fn originals_open_for_the_identity_only<E: Engine>() {
    let mut desk = Desk::<E>::new();
    let id = report_id("line-a", "1");
    assert!(desk.store.originals(id).expect("reads").is_empty());
    desk.commit(None, &[("line-a", "1", "first"), ("line-a", "2", "other"), ("line-a", "1", "first")]);
    desk.commit(None, &[("line-a", "1", "second")]);
    let originals = desk.store.originals(id).expect("reads");
    let opened: Vec<_> = originals
        .iter()
        .map(|o| open_original(&desk.identity, &o.key, o.report_id, &o.sealed).expect("opens").into_inner())
        .collect();
    assert_eq!(opened, [b"first".to_vec(), b"second".to_vec()], "one a version, none for a repeat");
    assert_eq!(originals.iter().map(|o| o.revision).collect::<Vec<_>>(), [0, 1]);
    let stranger = Identity::generate();
    assert!(originals.iter().all(|o| open_original(&stranger, &o.key, o.report_id, &o.sealed).is_err()));
}

pub fn sources_are_added_once_and_revoked<E: Engine>() {
    let engine = E::new();
    let mut store = engine.store();
    let line = Source {
        name: source("line-b"),
        kind: SourceKind::Defender,
        settings: Settings { state: Some("WA".into()), language: Some(Language::Es), ..Settings::default() },
        public_name: Some("Line B".into()),
        token_sha256: Some([3; 32]),
        revoked: false,
    };
    let other = Source { name: source("line-a"), public_name: None, token_sha256: None, ..line.clone() };
    store.add_source(&line).expect("adds");
    store.add_source(&other).expect("adds");
    let twice = store.add_source(&line).expect_err("once");
    assert!(matches!(twice, StoreError::SourceExists(name) if name == line.name));
    store.revoke_source(&line.name).expect("revokes");
    assert!(matches!(store.revoke_source(&source("line-c")), Err(StoreError::NoSuchSource(_))));
    // As another process sees it.
    assert_eq!(engine.store().sources().expect("lists"), [other, Source { revoked: true, ..line }]);
}

pub fn exports_choose_by_month_and_history<E: Engine>() {
    let mut desk = Desk::<E>::new();
    desk.commit(None, &[("line-a", "1", "first"), ("line-a", "1", "second")]);
    desk.engine.tick(120);
    desk.commit(None, &[("line-a", "2", "april")]);
    let month = |text| Some(Month::parse(text).expect("a month"));
    let mut said = |range| -> Vec<String> {
        rows(&mut desk.store, range).into_iter().filter_map(|row| row.report.incident_id).collect()
    };
    assert_eq!(said(Range::default()), ["second", "april"]);
    assert_eq!(said(Range { history: true, ..Range::default() }), ["first", "second", "april"]);
    assert_eq!(said(Range { from: month("2026-04"), ..Range::default() }), ["april"]);
    assert_eq!(said(Range { to: month("2026-03"), ..Range::default() }), ["second"]);
    assert!(said(Range { from: month("2026-05"), to: month("2026-06"), history: true }).is_empty());
}
