//! The store: coded rows, rejects and queue positions, which change together or not at all.
//!
//! What always holds:
//! - a batch commits only if the stored position is the one it started from, so each appended position ends exactly once,
//!   whatever dies and however often it is read;
//! - coded rows are append only, and a row once superseded is never current again: to bring an earlier version back, a new
//!   row copies it;
//! - at every instant from a report's birth on, exactly one of its rows is current (`effective_at` up to
//!   `superseded_at`), so the two sums can be made as of any past instant;
//! - of a report's versions the latest in its queue's order counts, among those whose import is not withdrawn; the order
//!   in which versions came to be stored does not matter;
//! - what is held of a paused source is received and waits: it has no ending until its source goes on.

mod accounts;
pub mod copy;
mod history;
pub mod postgres;
pub mod sqlite;

use std::ops::{AddAssign, ControlFlow};
use std::sync::Arc;

use schemas::Instant;
use schemas::dataset::{BadRow, CodedRow, FunnelRow};
use schemas::envelope::Position;
use schemas::ids::{BatchId, ContentHash, ReportId};
use schemas::reject::{Reject, RejectCode};
use schemas::source::{Source, SourceName};
use schemas::time::Month;

use crate::normalize::Coded;
use crate::pause::Lately;
use crate::queue::Fingerprint;
use crate::seal::{BatchKey, Sealed};

/// What a store could not do. No error holds a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another worker was faster: read again from the position that is stored now.
    #[error("the store stands at position {stored}, not at {expected}: another worker wrote")]
    PositionMoved { expected: i64, stored: i64 },
    /// The store's server does not answer, or cut the connection; to be tried again.
    #[error("the store cannot be reached: {0}")]
    Unreachable(String),
    /// Another process held the store for too long; to be tried again.
    #[error("the store is busy: {0}")]
    Busy(String),
    #[error("the disk of the store is full ({0}): free some space; nothing is lost, what waits stays in the queue")]
    DiskFull(String),
    #[error("there is a source of this name already: {0}")]
    SourceExists(SourceName),
    #[error("there is no source of this name: {0}")]
    NoSuchSource(SourceName),
    #[error("there is no batch {0}")]
    NoSuchBatch(BatchId),
    #[error("batch {0} is withdrawn already")]
    AlreadyWithdrawn(BatchId),
    #[error("there is no dead letter {0}, or it is resolved already")]
    NoSuchDeadLetter(i64),
    #[error(transparent)]
    BadRow(#[from] BadRow),
    #[error(
        "a copy into this store was begun and not finished: run `testigo store copy` again, it goes on where it stands"
    )]
    HalfCopied,
    #[error("the store is of another version ({found}; this program writes {ours}): use the program that made it")]
    OtherVersion { found: String, ours: String },
    #[error("the store cannot be used: {0}")]
    Unusable(String),
}

/// How an appended position ended (design.md, "The two sums").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// The first position of its report that was coded.
    Coded,
    /// Other content for a report that is coded already.
    Revision,
    /// Content that equals a version of the report whose import is not withdrawn: nothing new.
    Repeat,
    Rejected,
}

impl Ending {
    /// The stable name: `coded`, `revision`, `repeat`, `rejected`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coded => "coded",
            Self::Revision => "revision",
            Self::Repeat => "repeat",
            Self::Rejected => "rejected",
        }
    }
}

/// How many positions ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Endings {
    pub coded: u64,
    pub revisions: u64,
    pub repeats: u64,
    pub rejected: u64,
}

impl Endings {
    /// One more that ended so.
    pub const fn add(&mut self, ending: Ending) {
        match ending {
            Ending::Coded => self.coded += 1,
            Ending::Revision => self.revisions += 1,
            Ending::Repeat => self.repeats += 1,
            Ending::Rejected => self.rejected += 1,
        }
    }

    #[must_use]
    pub const fn total(&self) -> u64 {
        self.coded + self.revisions + self.repeats + self.rejected
    }
}

impl AddAssign for Endings {
    fn add_assign(&mut self, more: Self) {
        self.coded += more.coded;
        self.revisions += more.revisions;
        self.repeats += more.repeats;
        self.rejected += more.rejected;
    }
}

/// What a worker made of a stretch of one partition, to be stored as one.
#[derive(Debug)]
pub struct Batch {
    pub queue_id: Arc<str>,
    /// The first position; the stored position must equal it.
    pub from: Position,
    /// One for each position, in order and without gaps.
    pub items: Vec<Item>,
    /// What the last of them was in the queue, where the queue can tell.
    pub last: Option<Fingerprint>,
    /// The key of the originals of this batch, wrapped to the recipients; none where nothing was coded.
    pub originals: Option<BatchKey>,
    /// How the sources went of which something was rejected of late, where that changed.
    pub lately: Vec<(SourceName, Lately)>,
}

/// One position and what became of it.
#[derive(Debug)]
pub struct Item {
    pub received_at: Instant,
    pub source: SourceName,
    /// The import that it came with, and its row there.
    pub batch: Option<BatchId>,
    pub row: Option<u64>,
    pub outcome: Outcome,
}

/// What coding gave. Whether a coded submission is the first version, a revision or a repeat is for the store to tell.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are coded, and boxing each would cost more than it saves")]
pub enum Outcome {
    Coded {
        coded: Coded,
        original: Sealed,
    },
    Rejected(Rejection),
    /// Its source is paused: kept like a reject, but it waits.
    Held(Letter),
}

/// Why a submission could not be coded, and the submission itself, sealed for the queue's key so that it can be retried.
#[derive(Debug, Clone)]
pub struct Rejection {
    pub reject: Reject,
    /// The receipt that its source holds, where its id could be read.
    pub report_id: Option<ReportId>,
    pub letter: Letter,
}

impl Rejection {
    /// As what is held is kept.
    fn held(letter: &Letter) -> Self {
        Self { reject: Reject::new(RejectCode::SourcePaused), report_id: None, letter: letter.clone() }
    }
}

/// A sealed record of the queue and which of its envelopes is meant. A record that does not open at all is shared by the
/// letters of all its envelopes, and stored once.
#[derive(Debug, Clone)]
pub struct Letter {
    pub record: Arc<Sealed>,
    pub item: u32,
}

/// What is held of a paused source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub source: SourceName,
    pub count: u64,
    pub oldest: Instant,
}

/// A reject that waits to be retried.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    pub id: i64,
    pub queue_id: Arc<str>,
    pub position: Position,
    pub received_at: Instant,
    pub source: SourceName,
    pub batch: Option<BatchId>,
    pub row: Option<u64>,
    pub report_id: Option<ReportId>,
    pub reject: Reject,
}

/// What a retry gave: coded after all, or rejected still (perhaps for another reason).
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and short-lived")]
pub enum Retried {
    Coded { coded: Coded, original: Sealed, originals: BatchKey },
    Rejected { reject: Reject, report_id: Option<ReportId> },
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub id: BatchId,
    pub source: SourceName,
    pub started_at: Instant,
    pub files: u32,
    /// How its positions ended so far. A dead letter that is retried moves.
    pub endings: Endings,
    pub withdrawn_at: Option<Instant>,
}

/// What withdrawing an import did to reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Withdrawn {
    /// Reports of which no version is left.
    pub withdrawn: u64,
    /// Reports for which an earlier version speaks again.
    pub reverted: u64,
}

/// How far a reader of changes has read. The default is the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// The last sequence number of a coded row.
    pub seq: i64,
    /// The last number of a superseding.
    pub superseded: i64,
}

/// A row that ceased to be current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Superseded {
    pub seq: i64,
    /// From when on. Equal to the row's `effective_at` where it never was current.
    pub at: Instant,
}

/// Takes what changed, in the order in which it was stored. To stop, break.
pub trait Changes {
    fn row(&mut self, row: CodedRow) -> ControlFlow<()>;
    fn superseded(&mut self, superseded: Superseded) -> ControlFlow<()>;
}

/// One consistent view of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Where the next reading of changes goes on.
    pub mark: Mark,
    /// The first sum as of the instant that was asked for, without what waits in the queue.
    pub funnel: Vec<FunnelRow>,
    /// The positions up to which the queue is stored: from here on it waits.
    pub positions: Vec<Position>,
}

/// Which rows to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Range {
    /// The months in which events count, both inclusive. With either set, undated reports are left out.
    pub from: Option<Month>,
    pub to: Option<Month>,
    /// Every version that was ever stored, instead of what is current.
    pub history: bool,
}

/// An original as it lies in the store: only who holds an identity of the recipients can open it.
#[derive(Debug, Clone)]
pub struct SealedOriginal {
    pub report_id: ReportId,
    pub revision: u32,
    pub received_at: Instant,
    pub sealed: Sealed,
    pub key: BatchKey,
}

/// Where everything coded is kept.
pub trait Store: Send {
    // For the worker.

    /// The position from which the log's partition is still to be stored.
    fn position(&mut self, queue_id: &str, partition: i32) -> Result<Position, StoreError>;

    /// The offset of that position, and what the record just before it was, where its queue could tell. Both of one view:
    /// the position may have moved since it was asked for.
    fn fingerprint(&mut self, queue_id: &str, partition: i32) -> Result<Option<(i64, Fingerprint)>, StoreError>;

    /// Stores a batch, with its position, in one transaction.
    fn commit(&mut self, batch: &Batch) -> Result<Endings, StoreError>;

    // For sources.

    fn add_source(&mut self, source: &Source) -> Result<(), StoreError>;

    /// Every source, revoked ones too, by name.
    fn sources(&mut self) -> Result<Vec<Source>, StoreError>;

    /// From now on the source's token opens nothing. What it sent stays.
    fn revoke_source(&mut self, name: &SourceName) -> Result<(), StoreError>;

    // For imports.

    /// Enters an import before its first row is appended.
    fn begin_import(&mut self, id: BatchId, source: &SourceName, files: u32, at: Instant) -> Result<(), StoreError>;

    /// Every import, oldest first.
    fn imports(&mut self) -> Result<Vec<Import>, StoreError>;

    /// Takes an import back: its versions no longer count, and those before them speak again. What of it still waits in the
    /// queue or among the dead letters is withdrawn from the start when it is coded.
    fn withdraw(&mut self, id: BatchId, at: Instant) -> Result<Withdrawn, StoreError>;

    /// How a submission would end if it were stored now.
    fn ending_of(&mut self, report_id: ReportId, content: ContentHash) -> Result<Ending, StoreError>;

    // For dead letters.

    /// The rejects that were not resolved yet, oldest first. What is held is none.
    fn dead_letters(&mut self, each: &mut dyn FnMut(DeadLetter) -> ControlFlow<()>) -> Result<(), StoreError>;

    /// One of them, with what is needed to open it.
    fn dead_letter(&mut self, id: i64) -> Result<(DeadLetter, Letter), StoreError>;

    /// Stores what a retry gave. It keeps its place in the queue's order; it takes effect at `at`.
    fn resolve(&mut self, id: i64, retried: &Retried, at: Instant) -> Result<Ending, StoreError>;

    // For paused sources.

    /// How the submissions of each source went of late, where any was rejected; by name.
    fn lately(&mut self) -> Result<Vec<(SourceName, Lately)>, StoreError>;

    /// Forgets how a source's submissions went, so that it goes on if it was paused.
    fn forgive(&mut self, source: &SourceName) -> Result<(), StoreError>;

    /// What is held, by source.
    fn held(&mut self) -> Result<Vec<Held>, StoreError>;

    /// The first letters of a source that are held, in order, no more than `most`.
    fn held_letters(&mut self, source: &SourceName, most: u32) -> Result<Vec<i64>, StoreError>;

    /// Stores what coding some letters gave, in one transaction, as [`Store::resolve`] does for one; with how their source
    /// went. `None` for a letter that somebody else resolved meanwhile.
    fn resolve_all(
        &mut self,
        letters: &[(i64, Retried)],
        lately: &[(SourceName, Lately)],
        at: Instant,
    ) -> Result<Vec<Option<Ending>>, StoreError>;

    /// How many rejects wait to be retried, by source and reason.
    fn reject_codes(&mut self) -> Result<Vec<(SourceName, RejectCode, u64)>, StoreError>;

    // For the snapshot, exports and sums.

    /// What changed since `after`, and the sums as of `as_of`, all of one consistent view. The log names the queue whose
    /// positions are wanted.
    fn changes(
        &mut self,
        after: Mark,
        as_of: Instant,
        queue_id: &str,
        sink: &mut dyn Changes,
    ) -> Result<Cut, StoreError>;

    /// Coded rows in the order of storing.
    fn rows(&mut self, range: Range, each: &mut dyn FnMut(CodedRow) -> ControlFlow<()>) -> Result<(), StoreError>;

    /// The first sum by source and UTC month of receipt, of what was received at or before `as_of`. Of what waits it knows
    /// what is held, not what is still in the queue. A reject that was resolved after `as_of` counts as rejected.
    fn funnel(&mut self, as_of: Instant) -> Result<Vec<FunnelRow>, StoreError>;

    /// The originals of a report's versions, oldest version first.
    fn originals(&mut self, report_id: ReportId) -> Result<Vec<SealedOriginal>, StoreError>;
}

/// A store of whichever kind the configuration names.
impl Store for Box<dyn Store> {
    fn position(&mut self, queue_id: &str, partition: i32) -> Result<Position, StoreError> {
        (**self).position(queue_id, partition)
    }

    fn fingerprint(&mut self, queue_id: &str, partition: i32) -> Result<Option<(i64, Fingerprint)>, StoreError> {
        (**self).fingerprint(queue_id, partition)
    }

    fn commit(&mut self, batch: &Batch) -> Result<Endings, StoreError> {
        (**self).commit(batch)
    }

    fn add_source(&mut self, source: &Source) -> Result<(), StoreError> {
        (**self).add_source(source)
    }

    fn sources(&mut self) -> Result<Vec<Source>, StoreError> {
        (**self).sources()
    }

    fn revoke_source(&mut self, name: &SourceName) -> Result<(), StoreError> {
        (**self).revoke_source(name)
    }

    fn begin_import(&mut self, id: BatchId, source: &SourceName, files: u32, at: Instant) -> Result<(), StoreError> {
        (**self).begin_import(id, source, files, at)
    }

    fn imports(&mut self) -> Result<Vec<Import>, StoreError> {
        (**self).imports()
    }

    fn withdraw(&mut self, id: BatchId, at: Instant) -> Result<Withdrawn, StoreError> {
        (**self).withdraw(id, at)
    }

    fn ending_of(&mut self, report_id: ReportId, content: ContentHash) -> Result<Ending, StoreError> {
        (**self).ending_of(report_id, content)
    }

    fn dead_letters(&mut self, each: &mut dyn FnMut(DeadLetter) -> ControlFlow<()>) -> Result<(), StoreError> {
        (**self).dead_letters(each)
    }

    fn dead_letter(&mut self, id: i64) -> Result<(DeadLetter, Letter), StoreError> {
        (**self).dead_letter(id)
    }

    fn resolve(&mut self, id: i64, retried: &Retried, at: Instant) -> Result<Ending, StoreError> {
        (**self).resolve(id, retried, at)
    }

    fn lately(&mut self) -> Result<Vec<(SourceName, Lately)>, StoreError> {
        (**self).lately()
    }

    fn forgive(&mut self, source: &SourceName) -> Result<(), StoreError> {
        (**self).forgive(source)
    }

    fn held(&mut self) -> Result<Vec<Held>, StoreError> {
        (**self).held()
    }

    fn held_letters(&mut self, source: &SourceName, most: u32) -> Result<Vec<i64>, StoreError> {
        (**self).held_letters(source, most)
    }

    fn resolve_all(
        &mut self,
        letters: &[(i64, Retried)],
        lately: &[(SourceName, Lately)],
        at: Instant,
    ) -> Result<Vec<Option<Ending>>, StoreError> {
        (**self).resolve_all(letters, lately, at)
    }

    fn reject_codes(&mut self) -> Result<Vec<(SourceName, RejectCode, u64)>, StoreError> {
        (**self).reject_codes()
    }

    fn changes(
        &mut self,
        after: Mark,
        as_of: Instant,
        queue_id: &str,
        sink: &mut dyn Changes,
    ) -> Result<Cut, StoreError> {
        (**self).changes(after, as_of, queue_id, sink)
    }

    fn rows(&mut self, range: Range, each: &mut dyn FnMut(CodedRow) -> ControlFlow<()>) -> Result<(), StoreError> {
        (**self).rows(range, each)
    }

    fn funnel(&mut self, as_of: Instant) -> Result<Vec<FunnelRow>, StoreError> {
        (**self).funnel(as_of)
    }

    fn originals(&mut self, report_id: ReportId) -> Result<Vec<SealedOriginal>, StoreError> {
        (**self).originals(report_id)
    }
}
