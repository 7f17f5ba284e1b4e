//! What a transaction adds to the accounts, kept until it is written: that of each import, and that of the first sum. The
//! rules, without a store.
//!
//! What always holds: a position counts once in the account of its import, if it came with one, and once in a [`Tally`].

use std::collections::{BTreeMap, HashMap};

use schemas::Instant;
use schemas::ids::BatchId;
use schemas::source::SourceName;

use super::{Ending, Endings, Item};

/// The imports that a transaction meets, by their numbers in the store.
#[derive(Debug, Default)]
pub struct Imports {
    by_batch: HashMap<BatchId, i64>,
    /// In the order of their numbers, in which they are written too.
    met: BTreeMap<i64, Met>,
}

/// What a transaction adds to an import.
#[derive(Debug, Default)]
pub struct Met {
    stands: bool,
    pub coded: i64,
    pub revisions: i64,
    pub repeats: i64,
    /// Below zero where rejects of it are none any more.
    pub rejected: i64,
    pub first_seq: Option<i64>,
    pub last_seq: Option<i64>,
}

impl Imports {
    /// The number of an import that this transaction named before.
    #[must_use]
    pub fn named(&self, batch: BatchId) -> Option<i64> {
        self.by_batch.get(&batch).copied()
    }

    pub fn name(&mut self, batch: BatchId, id: i64) {
        self.by_batch.insert(batch, id);
    }

    /// Whether it is known already if the import stands.
    #[must_use]
    pub fn has_met(&self, id: i64) -> bool {
        self.met.contains_key(&id)
    }

    /// Meets an import for the first time.
    pub fn meet(&mut self, id: i64, stands: bool) {
        self.met.insert(id, Met { stands, ..Met::default() });
    }

    /// Whether what comes with this import counts.
    #[must_use]
    pub fn stands(&self, import: Option<i64>) -> bool {
        import.and_then(|id| self.met.get(&id)).is_none_or(|met| met.stands)
    }

    /// A version of the import was stored.
    pub fn stored(&mut self, import: Option<i64>, seq: i64) {
        if let Some(met) = self.of(import) {
            met.first_seq.get_or_insert(seq);
            met.last_seq = Some(seq);
        }
    }

    /// A position of the import ended so.
    pub fn ended(&mut self, import: Option<i64>, ending: Ending) {
        if let Some(met) = self.of(import) {
            match ending {
                Ending::Coded => met.coded += 1,
                Ending::Revision => met.revisions += 1,
                Ending::Repeat => met.repeats += 1,
                Ending::Rejected => met.rejected += 1,
            }
        }
    }

    /// A reject of the import is none any more.
    pub fn resolved(&mut self, import: Option<i64>) {
        if let Some(met) = self.of(import) {
            met.rejected -= 1;
        }
    }

    /// What is to be added, by the imports' numbers.
    pub fn added(&self) -> impl Iterator<Item = (&i64, &Met)> {
        self.met.iter()
    }

    fn of(&mut self, import: Option<i64>) -> Option<&mut Met> {
        import.and_then(|id| self.met.get_mut(&id))
    }
}

/// Positions in a row that were received at one instant from one source, and how they ended: a line of the first sum.
#[derive(Debug)]
pub struct Tally<'a> {
    pub received_at: Instant,
    pub source: &'a SourceName,
    pub endings: Endings,
    /// How many of them have no ending yet.
    pub held: u64,
}

impl Tally<'_> {
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.endings.total() + self.held
    }
}

/// The tally of the positions that came last.
#[derive(Debug, Default)]
pub struct Tallies<'a>(Option<Tally<'a>>);

impl<'a> Tallies<'a> {
    /// Counts a position. Gives the tally before it, where the position belongs to another.
    pub fn add(&mut self, item: &'a Item, ending: Option<Ending>) -> Option<Tally<'a>> {
        let is_same = |tally: &Tally<'_>| tally.received_at == item.received_at && *tally.source == item.source;
        let full = self.0.take_if(|tally| !is_same(tally));
        let (received_at, source) = (item.received_at, &item.source);
        let new = || Tally { received_at, source, endings: Endings::default(), held: 0 };
        let tally = self.0.get_or_insert_with(new);
        match ending {
            Some(ending) => tally.endings.add(ending),
            None => tally.held += 1,
        }
        full
    }

    /// The last one.
    #[must_use]
    pub fn end(self) -> Option<Tally<'a>> {
        self.0
    }
}
