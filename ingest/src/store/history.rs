//! How a submission becomes a version of its report, and which row of a report is current: the rules, without a store.
//!
//! What always holds, per report: its versions are numbered in the order of storing; the current row shows the version
//! that is last in its queue's order among those whose import is not withdrawn (among all, where every one is); the rows
//! that were current one after another have `effective_at` in that order, each superseded at the instant from which the
//! next one speaks. A row that never was current is superseded at its own `effective_at`.

use schemas::Instant;
use schemas::ids::ContentHash;

use super::Ending;

/// A version's place in its source's order. Across queues and partitions, the order in which queues came into use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    pub queue: i64,
    pub partition: i32,
    pub offset: i64,
}

/// One version of a report.
#[derive(Debug, Clone, Copy)]
pub struct Version {
    pub seq: i64,
    pub content: ContentHash,
    pub revision: u32,
    pub order: Order,
    /// Whether its import, if it came with one, still stands.
    pub live: bool,
}

impl Version {
    /// By what the current version is the greatest.
    const fn rank(&self) -> (bool, Order) {
        (self.live, self.order)
    }
}

/// A report's versions, in the order of storing; none where it is not stored.
#[derive(Debug, Clone)]
pub struct History {
    pub versions: Vec<Version>,
    /// The sequence of the current row.
    pub current: i64,
    pub current_since: Instant,
    pub first_received_at: Instant,
}

/// A coded submission, as far as these rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct Arriving {
    pub content: ContentHash,
    pub order: Order,
    /// Whether its import stands.
    pub live: bool,
    pub received_at: Instant,
    /// From when it may speak: the receipt, or the retry.
    pub effective_at: Instant,
}

/// That one row superseded another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supersedes {
    pub seq: i64,
    pub at: Instant,
    pub by_seq: i64,
}

/// What became of a submission that is none that was there before.
#[derive(Debug, Clone, Copy)]
pub struct Added {
    pub ending: Ending,
    pub revision: u32,
    pub effective_at: Instant,
    pub first_received_at: Instant,
    /// Whether no version of the report is left.
    pub withdrawn: bool,
    /// The version that was stored before it.
    pub previous: Option<i64>,
    pub supersedes: Option<Supersedes>,
}

/// Which version is to speak again, and since when.
#[derive(Debug, Clone, Copy)]
pub struct SpeaksAgain {
    /// The row to be copied.
    pub seq: i64,
    pub live: bool,
    pub supersedes: Supersedes,
}

impl History {
    /// One of a report that is not stored.
    #[must_use]
    pub fn none() -> Self {
        let (current_since, first_received_at) = (Instant::default(), Instant::default());
        Self { versions: Vec::new(), current: 0, current_since, first_received_at }
    }

    /// The sequence of the version that was stored last.
    #[must_use]
    pub fn newest(&self) -> i64 {
        self.versions.last().map_or(self.current, |version| version.seq)
    }

    /// How a submission of this content would end.
    #[must_use]
    pub fn ending(&self, content: ContentHash) -> Ending {
        if self.versions.is_empty() {
            Ending::Coded
        } else if self.versions.iter().any(|version| version.live && version.content == content) {
            Ending::Repeat
        } else {
            Ending::Revision
        }
    }

    /// Adds a submission, which gets the row `seq`. `None` where it is a repeat.
    pub fn receive(&mut self, seq: i64, arriving: &Arriving) -> Option<Added> {
        let ending = self.ending(arriving.content);
        if ending == Ending::Repeat {
            return None;
        }
        let revision = u32::try_from(self.versions.len()).unwrap_or(u32::MAX);
        let Arriving { content, order, live, .. } = *arriving;
        let version = Version { seq, content, revision, order, live };
        let withdrawn = !live && !self.versions.iter().any(|other| other.live);
        let mut effective_at = arriving.effective_at;
        let mut supersedes = None;
        if ending == Ending::Coded {
            self.first_received_at = arriving.received_at;
            (self.current, self.current_since) = (seq, effective_at);
        } else {
            // Of two that speak one after another, the later must not begin before the earlier.
            effective_at = effective_at.max(self.current_since);
            let (old, by_seq) = if self.versions.iter().all(|other| other.rank() < version.rank()) {
                let old = self.current;
                (self.current, self.current_since) = (seq, effective_at);
                (old, seq)
            } else {
                (seq, self.current)
            };
            supersedes = Some(Supersedes { seq: old, at: effective_at, by_seq });
        }
        let previous = self.versions.last().map(|version| version.seq);
        self.versions.push(version);
        let first_received_at = self.first_received_at;
        Some(Added { ending, revision, effective_at, first_received_at, withdrawn, previous, supersedes })
    }

    /// After an import was withdrawn: which version is to speak now, given what the current row shows. `None` where it does
    /// already, or where there is no version. Its copy gets the row `seq`.
    pub fn speak_again(&mut self, seq: i64, at: Instant, shown: u32, withdrawn: bool) -> Option<SpeaksAgain> {
        let best = *self.versions.iter().max_by_key(|version| version.rank())?;
        if shown == best.revision && withdrawn != best.live {
            return None;
        }
        let at = at.max(self.current_since);
        let supersedes = Supersedes { seq: self.current, at, by_seq: seq };
        (self.current, self.current_since) = (seq, at);
        Some(SpeaksAgain { seq: best.seq, live: best.live, supersedes })
    }
}
