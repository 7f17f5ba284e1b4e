//! What a search for room starts from, and what it finds.

use super::room;
use super::system::{Shown, System};

/// The state that a search looks at.
#[derive(Debug)]
pub(super) struct Search<'a> {
    pub system: &'a System,
    pub shown: &'a [Shown],
    /// The most that each cell may be hidden.
    pub most: &'a [Shown],
    /// A cell that must stay as it is shown.
    pub kept: Option<usize>,
    /// No dearer answer is wanted.
    pub dearest: u64,
}

impl Search<'_> {
    pub(super) fn most(&self, cell: usize) -> Shown {
        if self.kept == Some(cell) { self.shown[cell] } else { self.most[cell] }
    }

    pub(super) fn needed(&self, cell: usize, moved: i64) -> Option<Shown> {
        room::needed(self.system, cell, self.shown[cell], self.most(cell), moved)
    }

    /// The price of showing the cell so, from how it is shown now.
    pub(super) fn price(&self, cell: usize, shown: Shown) -> u64 {
        let now = self.shown[cell];
        if shown <= now {
            return 0;
        }
        room::cost(self.system, cell, shown).saturating_sub(room::cost(self.system, cell, now))
    }
}

/// Another table that a reader could take for the true one, in which one cell has the value that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The cells that differ, and how each must be shown.
    pub moves: Vec<(usize, Shown)>,
    /// What it costs to show them so.
    pub price: u64,
}

impl Found {
    pub(super) fn new(search: &Search<'_>, mut moves: Vec<(usize, Shown)>) -> Self {
        moves.sort_unstable();
        moves.dedup();
        let price = moves.iter().map(|(cell, shown)| search.price(*cell, *shown)).sum();
        Self { moves, price }
    }
}
