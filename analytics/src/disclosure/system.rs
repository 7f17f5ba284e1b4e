//! The cells of any number of tables and the sums between them, as the protector sees them: with their true values.
//!
//! What always holds: a cell that stands in several tables is one cell here; every equation says that a total is the sum of
//! its parts; a value is never negative.

/// What a reader knows of a cell that is not printed by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub low: i64,
    /// None: no bound.
    pub high: Option<i64>,
}

impl Range {
    /// Of a count that stands nowhere.
    pub const COUNT: Self = Self { low: 0, high: None };

    /// What both say.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let high = match (self.high, other.high) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { low: self.low.max(other.low), high }
    }

    #[must_use]
    pub const fn exactly(value: i64) -> Self {
        Self { low: value, high: Some(value) }
    }
}

/// What a hidden cell tells by its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// `<k`: 1 to k-1. `withheld`: k or more.
    Told,
    /// One mark for all that is hidden: 1 or more.
    Untold,
}

/// A cell with its true value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub value: i64,
    /// Below k a hidden cell is marked `<k`, from k on `withheld`.
    pub k: i64,
    /// Whether a value of 1 to k-1 must be hidden. Where it must not, it is hidden only for another cell's sake.
    pub small_is_hidden: bool,
    /// What it costs to hide it; 0: it cannot be hidden (it is printed elsewhere, or was).
    pub cost: u64,
    /// What it costs to leave its row out, so that nothing is told of it; 0: it has to stand.
    pub cost_left_out: u64,
    /// It is not printed here, and this is what is known of it all the same: a difference between two printed numbers, or
    /// what an earlier brief hid.
    pub known: Option<Range>,
    /// What earlier briefs tell of it, beside its mark.
    pub before: Range,
}

/// The cost of hiding one cell, before its size is looked at.
pub const COST: u64 = 1_000_000;

impl Cell {
    /// A cell of a table in which it may be hidden. Of two cells the smaller one is hidden first.
    #[must_use]
    pub fn printed(value: i64, k: i64) -> Self {
        let size = u64::try_from(value).unwrap_or(0).min(COST / 100);
        Self { value, k, small_is_hidden: true, cost: COST + size, cost_left_out: 0, known: None, before: Range::COUNT }
    }

    /// A number that is out already.
    #[must_use]
    pub const fn fixed(value: i64) -> Self {
        let before = Range::COUNT;
        Self { value, k: 1, small_is_hidden: false, cost: 0, cost_left_out: 0, known: None, before }
    }

    /// A number that is printed nowhere.
    #[must_use]
    pub const fn unprinted(value: i64) -> Self {
        Self { known: Some(Range::COUNT), ..Self::fixed(value) }
    }

    #[must_use]
    pub const fn is_small(&self) -> bool {
        self.value >= 1 && self.value < self.k
    }

    #[must_use]
    pub const fn is_primary(&self) -> bool {
        self.small_is_hidden && self.is_small()
    }

    /// What its mark tells.
    #[must_use]
    pub const fn marked(&self, marks: Marks) -> Range {
        match marks {
            Marks::Told if self.is_small() => Range { low: 1, high: Some(self.k - 1) },
            Marks::Told => Range { low: self.k, high: None },
            Marks::Untold => Range { low: 1, high: None },
        }
    }
}

/// A total is the sum of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equation {
    pub total: usize,
    pub parts: Vec<usize>,
}

impl Equation {
    /// Its cells with their signs.
    pub fn terms(&self) -> impl Iterator<Item = (usize, i64)> {
        self.parts.iter().map(|part| (*part, 1)).chain([(self.total, -1)])
    }
}

/// Cells and sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    pub cells: Vec<Cell>,
    pub equations: Vec<Equation>,
    pub marks: Marks,
}

impl Default for System {
    fn default() -> Self {
        Self { cells: Vec::new(), equations: Vec::new(), marks: Marks::Told }
    }
}

/// How a cell is shown in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Shown {
    #[default]
    Number,
    /// By its mark: `<k` below k, else `withheld`.
    Marked,
    /// Its row is not printed.
    LeftOut,
}

impl System {
    pub fn add(&mut self, cell: Cell) -> usize {
        self.cells.push(cell);
        self.cells.len() - 1
    }

    pub fn add_sum(&mut self, total: usize, parts: Vec<usize>) {
        self.equations.push(Equation { total, parts });
    }

    /// The first equation whose true values do not add up.
    #[must_use]
    pub fn wrong_sum(&self) -> Option<usize> {
        self.equations
            .iter()
            .position(|e| e.parts.iter().map(|part| self.cells[*part].value).sum::<i64>() != self.cells[e.total].value)
    }

    /// What a reader knows of a cell that is shown so.
    #[must_use]
    pub fn range(&self, cell: usize, shown: Shown) -> Range {
        let of = &self.cells[cell];
        match (of.known, shown) {
            (Some(range), _) => range.and(of.before),
            (None, Shown::Number) => Range::exactly(of.value),
            (None, Shown::Marked) => of.marked(self.marks).and(of.before),
            (None, Shown::LeftOut) => of.before,
        }
    }
}
