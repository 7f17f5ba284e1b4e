//! Random histories against a model that is too simple to be wrong.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use ingest::keys::Identity;
use ingest::pause::PauseLimits;
use ingest::queue::Intake;
use ingest::store::{Ending, Endings, Mark, Store};
use ingest::worker::Until;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use schemas::clock::Instant;
use schemas::ids::ReportId;

use crate::harness::{Engine, Plain, batch_id, drain, envelope, ever, report_id, row, source};
use crate::store::{Heard, sums};

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    /// A report of this number says this; with an import or without; in words that the rules do not read yet or do.
    Submit { id: u8, says: u8, import: Option<u8>, bad: bool },
    /// The worker codes what waits.
    Work,
    /// The clock moves on, or is set back.
    Tick(i64),
    /// An import is taken back, whatever of it was coded by then.
    Withdraw(u8),
    /// One of the dead letters is retried, with mended rules.
    Retry(prop::sample::Index),
    /// Whoever pauses the source lets it go on.
    Resume,
    /// A reader follows the changes.
    Follow,
}

/// So few rejects in a row pause the source.
const FEW: PauseLimits = PauseLimits { in_a_row: 3, among_last: 0, last: 20 };

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let submit = (0..4u8, 0..3u8, prop::option::weighted(0.5, 0..3u8), prop::bool::weighted(0.35))
        .prop_map(|(id, says, import, bad)| Step::Submit { id, says, import, bad });
    let step = prop_oneof![
        12 => submit,
        5 => Just(Step::Work),
        4 => (0..4000i64).prop_map(Step::Tick),
        1 => (-30..0i64).prop_map(Step::Tick),
        2 => (0..3u8).prop_map(Step::Withdraw),
        3 => any::<prop::sample::Index>().prop_map(Step::Retry),
        1 => Just(Step::Resume),
        2 => Just(Step::Follow),
    ];
    prop::collection::vec(step, 1..50)
}

/// One version of a report: where it stood in the queue, what it says, and its import.
struct Version {
    position: usize,
    says: String,
    import: Option<u8>,
}

/// A submission that the model knows of.
struct Submission {
    id: u8,
    says: String,
    import: Option<u8>,
    bad: bool,
    /// None also where it is held.
    ending: Option<Ending>,
}

/// The model: lists, searched from end to end.
#[derive(Default)]
struct Model {
    submissions: Vec<Submission>,
    coded_up_to: usize,
    held: Vec<usize>,
    rejected_in_a_row: u64,
    reports: BTreeMap<u8, Vec<Version>>,
    withdrawn: Vec<u8>,
}

impl Model {
    fn stands(&self, import: Option<u8>) -> bool {
        import.is_none_or(|number| !self.withdrawn.contains(&number))
    }

    /// Stores the submission at a position of the queue, as design.md's "Identity" says.
    fn store(&mut self, position: usize) -> Ending {
        let Submission { id, says, import, .. } = &self.submissions[position];
        let (id, says, import) = (*id, says.clone(), *import);
        let versions = self.reports.get(&id).map_or(&[][..], Vec::as_slice);
        let ending = if versions.is_empty() {
            Ending::Coded
        } else if versions.iter().any(|v| v.says == says && self.stands(v.import)) {
            Ending::Repeat
        } else {
            Ending::Revision
        };
        if ending != Ending::Repeat {
            self.reports.entry(id).or_default().push(Version { position, says, import });
        }
        self.submissions[position].ending = Some(ending);
        ending
    }

    fn work(&mut self) {
        for position in self.coded_up_to..self.submissions.len() {
            self.code(position);
        }
        self.coded_up_to = self.submissions.len();
    }

    fn code(&mut self, position: usize) {
        if self.rejected_in_a_row >= FEW.in_a_row {
            self.held.push(position);
        } else if self.submissions[position].bad {
            self.submissions[position].ending = Some(Ending::Rejected);
            self.rejected_in_a_row += 1;
        } else {
            self.store(position);
            self.rejected_in_a_row = 0;
        }
    }

    fn resume(&mut self) {
        self.rejected_in_a_row = 0;
        for position in std::mem::take(&mut self.held) {
            self.code(position);
        }
    }

    /// What each report says, as which revision, and whether all of it is withdrawn.
    fn current(&self) -> Current {
        let mut current = Current::new();
        for (id, versions) in &self.reports {
            let rank = |v: &Version| (self.stands(v.import), v.position);
            let best = (0..versions.len()).max_by_key(|n| rank(&versions[*n])).expect("a report has a version");
            let version = &versions[best];
            let revision = u32::try_from(best).expect("small");
            let withdrawn = !self.stands(version.import);
            current.insert(report_id("line-a", &id.to_string()), (version.says.clone(), revision, withdrawn));
        }
        current
    }

    fn sums(&self) -> [u64; 5] {
        let mut endings = Endings::default();
        self.submissions.iter().filter_map(|s| s.ending).for_each(|ending| endings.add(ending));
        [endings.total() + self.held.len() as u64, endings.coded, endings.revisions, endings.repeats, endings.rejected]
    }

    fn import(&self, number: u8) -> Endings {
        let mut endings = Endings::default();
        let of_import = self.submissions.iter().filter(|s| s.import == Some(number));
        of_import.filter_map(|s| s.ending).for_each(|ending| endings.add(ending));
        endings
    }
}

type Current = BTreeMap<ReportId, (String, u32, bool)>;

fn current_as_of(heard: &Heard, at: Instant) -> Current {
    let mut current = Current::new();
    for row in heard.as_of(at) {
        let id = row.report.report_id.expect("stored rows have ids");
        let says = row.report.incident_id.clone().expect("a test's row says something");
        let twice = current.insert(id, (says, row.report.revision, row.withdrawn));
        assert!(twice.is_none(), "one row of a report is current at a time");
    }
    current
}

fn run<E: Engine>(steps: &[Step]) {
    let engine = E::new();
    let identity = Identity::generate();
    let intake = engine.intake();
    let mut worker = engine.worker(&identity, Plain::default());
    worker.options.pause = FEW;
    let mut mended = engine.worker(&identity, Plain { mended: true });
    let mut model = Model::default();
    let mut heard = Heard::default();
    let mut mark = Mark::default();
    // What was true when nothing waited: it must be found again as of then, as long as the clock went forward.
    let mut past: Vec<(Instant, Current, [u64; 5])> = Vec::new();
    let mut latest = engine.clock().now();

    for number in 0..3 {
        let begun = worker.store.begin_import(batch_id(number), &source("line-a"), 1, engine.clock().now());
        begun.expect("begins");
    }
    for step in steps {
        match step {
            Step::Submit { id, says, import, bad } => {
                let says = format!("{}{says}", if *bad { "bad" } else { "" });
                let (id_text, number) = (id.to_string(), model.submissions.len() as u64);
                let envelope = match import {
                    Some(import) => row("line-a", &id_text, &says, *import, number),
                    None => envelope("line-a", &id_text, &says),
                };
                intake.submit_waiting(vec![envelope]).expect("taken").wait().expect("durable");
                model.submissions.push(Submission { id: *id, says, import: *import, bad: *bad, ending: None });
            }
            Step::Work => {
                drain(&mut worker);
                model.work();
            }
            Step::Tick(seconds) => {
                engine.tick(*seconds);
            }
            Step::Withdraw(import) => {
                let done = worker.store.withdraw(batch_id(*import), engine.clock().now());
                assert_eq!(done.is_ok(), !model.withdrawn.contains(import));
                if done.is_ok() {
                    model.withdrawn.push(*import);
                }
            }
            Step::Retry(which) => {
                let mut letters = Vec::new();
                let mut each = |letter: ingest::store::DeadLetter| {
                    letters.push((letter.id, usize::try_from(letter.position.offset).expect("small")));
                    ControlFlow::Continue(())
                };
                worker.store.dead_letters(&mut each).expect("reads");
                if letters.is_empty() {
                    continue;
                }
                let (letter, position) = letters[which.index(letters.len())];
                let ending = mended.retry(letter).expect("tries");
                assert_eq!(ending, model.store(position));
            }
            Step::Resume => {
                worker.store.forgive(&source("line-a")).expect("forgives");
                worker.go_on(&AtomicBool::new(false), Until::Drained, &mut |_| {}).expect("goes on");
                model.resume();
            }
            Step::Follow => {
                let cut = worker.store.changes(mark, ever(), "none", &mut heard).expect("reads");
                mark = cut.mark;
            }
        }
        assert_eq!(sums(&worker.store.funnel(ever()).expect("sums")), model.sums(), "after {step:?}");
        // A clock that was set back says again what it said before, and then what was true "as of" changes after the fact.
        let now = engine.clock().now();
        past.retain(|(at, ..)| *at < now);
        latest = latest.max(now);
        if model.coded_up_to == model.submissions.len() && now == latest {
            past.push((now, model.current(), model.sums()));
        }
    }

    drain(&mut worker);
    model.work();
    worker.store.changes(mark, ever(), "none", &mut heard).expect("reads");
    let mut whole = Heard::default();
    worker.store.changes(Mark::default(), ever(), "none", &mut whole).expect("reads");
    assert_eq!(heard, whole, "following the changes gives the whole");
    assert_eq!(current_as_of(&whole, ever()), model.current());
    for import in worker.store.imports().expect("lists") {
        let number = import.id.as_bytes()[0];
        assert_eq!(import.endings, model.import(number), "import {number}");
    }
    for (at, current, then) in past {
        assert_eq!(current_as_of(&whole, at), current, "reports as of {at}");
        assert_eq!(sums(&worker.store.funnel(at).expect("sums")), then, "sums as of {at}");
    }
    // As of any instant the two sums agree on how many reports there are.
    let instants: Vec<Instant> = whole.rows.iter().map(|row| row.effective_at).collect();
    for at in instants {
        let [_, coded, ..] = sums(&worker.store.funnel(at).expect("sums"));
        assert_eq!(whole.as_of(at).len() as u64, coded, "as of {at}");
    }
}

pub fn any_history_adds_up<E: Engine>() {
    let config = Config { cases: E::HISTORIES, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            run::<E>(&steps);
            Ok(())
        })
        .expect("every history adds up");
}
