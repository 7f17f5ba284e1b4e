//! Complementary suppression: which further cells must be hidden so that no hidden number can be worked out.
//!
//! What always holds: in the end each cell that is marked `<k` could, for all that a reader knows, still be 1 and still be
//! k-1; where that cannot be had, the cell is named in [`Protection::unprotected`]. A zero is never hidden.
//!
//! How: cells that no sum joins are looked at apart. In each such component every small cell asks for two other tables that a
//! reader could take for the true one, one in which it is 1 and one in which it is k-1; whatever must be hidden for it is
//! hidden, the cheapest first (`network` where each cell stands in two sums at most, else `relax`). Then each hidden cell is
//! tried again: where those that lean on it find other ways that cost less, it is printed after all. Small components are
//! done in several orders, and the cheapest outcome counts.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::network::Network;
use super::relax::Relaxed;
use super::room::{self, most};
use super::search::{Found, Search};
use super::system::{Cell, Equation, Shown, System};

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// How each cell is shown.
    pub shown: Vec<Shown>,
    /// Small cells that could not be protected: too much around them is printed already.
    pub unprotected: Vec<usize>,
}

/// Components up to so many movable cells are done in several orders.
const SMALL: usize = 200;
/// The same where linear programs are needed.
const SMALL_RELAXED: usize = 60;
const ORDERS: u64 = 32;
const ORDERS_RELAXED: u64 = 2;
const PASSES: usize = 3;

/// Hides what must be hidden.
#[must_use]
pub fn protect(system: &System) -> Protection {
    let mut shown: Vec<_> = system
        .cells
        .iter()
        .map(|c| if c.is_primary() && c.known.is_none() { Shown::Marked } else { Shown::Number })
        .collect();
    let mut unprotected = Vec::new();
    let mut asked = components(system);
    asked.retain(|component| component.iter().any(|cell| shown[*cell] != Shown::Number));
    let parts: Vec<System> = parts_of(system, &asked);
    for (component, (found, failed)) in asked.iter().zip(side_by_side(&parts)) {
        for (cell, shown_so) in component.iter().zip(found) {
            shown[*cell] = shown_so;
        }
        unprotected.extend(failed.into_iter().map(|cell| component[cell]));
    }
    unprotected.sort_unstable();
    Protection { shown, unprotected }
}

/// Sets of movable cells that no sum joins.
fn components(system: &System) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..system.cells.len()).collect();
    fn root(parent: &mut [usize], mut at: usize) -> usize {
        while parent[at] != at {
            parent[at] = parent[parent[at]];
            at = parent[at];
        }
        at
    }
    let movable: Vec<_> = (0..system.cells.len()).map(|cell| room::is_movable(system, cell)).collect();
    for equation in &system.equations {
        let mut first = None;
        for (cell, _) in equation.terms().filter(|(cell, _)| movable[*cell]) {
            let at = root(&mut parent, cell);
            match first {
                None => first = Some(at),
                Some(first) => parent[at] = root(&mut parent, first),
            }
        }
    }
    let mut sets: Vec<Vec<usize>> = vec![Vec::new(); system.cells.len()];
    for cell in (0..system.cells.len()).filter(|cell| movable[*cell]) {
        let at = root(&mut parent, cell);
        sets[at].push(cell);
    }
    sets.retain(|set| !set.is_empty());
    sets
}

/// Each component as a system of its own. What cannot move is left away: a sum of changes does not see it.
fn parts_of(system: &System, components: &[Vec<usize>]) -> Vec<System> {
    const NOWHERE: (usize, usize) = (usize::MAX, 0);
    let mut place = vec![NOWHERE; system.cells.len()];
    let mut parts = Vec::with_capacity(components.len());
    for (c, component) in components.iter().enumerate() {
        let mut part = System { marks: system.marks, ..System::default() };
        for cell in component {
            place[*cell] = (c, part.add(system.cells[*cell]));
        }
        // Stands for whatever total does not move.
        part.add(Cell::fixed(0));
        parts.push(part);
    }
    for equation in &system.equations {
        let moving = equation.terms().map(|(cell, _)| place[cell]).find(|at| *at != NOWHERE);
        let Some((c, _)) = moving else { continue };
        let here = |cell: &usize| (place[*cell] != NOWHERE).then_some(place[*cell].1);
        let total = here(&equation.total).unwrap_or(components[c].len());
        parts[c].equations.push(Equation { total, parts: equation.parts.iter().filter_map(here).collect() });
    }
    parts
}

/// Components on all cores; the outcome is the same on one.
fn side_by_side(parts: &[System]) -> Vec<(Vec<Shown>, Vec<usize>)> {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(parts.len());
    let work = || {
        let mut done = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(i) else { return done };
            done.push((i, protect_component(part)));
        }
    };
    let mut all: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| match thread.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    all.sort_by_key(|(i, _)| *i);
    all.into_iter().map(|(_, found)| found).collect()
}

#[derive(Debug)]
enum Mover {
    Network(Network),
    Relaxed(Relaxed),
}

impl Mover {
    fn reach(&mut self, search: &Search<'_>, cell: usize, wanted: i64) -> Option<Found> {
        match self {
            Self::Network(network) => network.reach(search, cell, wanted),
            Self::Relaxed(relaxed) => relaxed.reach(search, cell, wanted),
        }
    }
}

fn protect_component(system: &System) -> (Vec<Shown>, Vec<usize>) {
    let mut mover = match Network::new(system) {
        Some(network) => Mover::Network(network),
        None => Mover::Relaxed(Relaxed::new(system)),
    };
    let (small, orders) = match mover {
        Mover::Network(_) => (SMALL, ORDERS),
        Mover::Relaxed(_) => (SMALL_RELAXED, ORDERS_RELAXED),
    };
    let orders = if system.cells.len() <= small { orders } else { 1 };
    let mut best: Option<(usize, u64, Solver<'_>)> = None;
    for order in 0..orders {
        let mut solver = Solver::new(system, order);
        solver.run(&mut mover);
        let (failed, cost) = (solver.unprotected.len(), solver.cost());
        if best.as_ref().is_none_or(|(f, c, _)| (failed, cost) < (*f, *c)) {
            best = Some((failed, cost, solver));
        }
    }
    best.map(|(_, _, solver)| (solver.shown, solver.unprotected)).unwrap_or_default()
}

/// Another table, kept: in it `cell` has moved by `wanted`.
#[derive(Debug, Clone)]
struct Witness {
    cell: usize,
    wanted: i64,
    moves: Vec<(usize, Shown)>,
}

#[derive(Debug)]
struct Solver<'a> {
    system: &'a System,
    shown: Vec<Shown>,
    most: Vec<Shown>,
    witnesses: Vec<Witness>,
    /// For each cell the witnesses that may lean on it.
    leaning: Vec<Vec<usize>>,
    unprotected: Vec<usize>,
    /// The order in which cells are looked at.
    order: u64,
}

/// A number from two, the same everywhere (splitmix64).
const fn scramble(order: u64, cell: u64) -> u64 {
    let mut z = order.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(cell.wrapping_mul(0xbf58_476d_1ce4_e5b9));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl<'a> Solver<'a> {
    fn new(system: &'a System, order: u64) -> Self {
        let cells = 0..system.cells.len();
        Self {
            system,
            shown: cells
                .clone()
                .map(|c| {
                    let cell = &system.cells[c];
                    if cell.is_primary() && cell.known.is_none() { Shown::Marked } else { Shown::Number }
                })
                .collect(),
            most: cells.clone().map(|cell| most(system, cell)).collect(),
            witnesses: Vec::new(),
            leaning: vec![Vec::new(); cells.len()],
            unprotected: Vec::new(),
            order,
        }
    }

    fn cost(&self) -> u64 {
        self.shown.iter().enumerate().map(|(cell, shown)| room::cost(self.system, cell, *shown)).sum()
    }

    /// Whether the rule holds for the cell.
    fn is_bound(&self, cell: usize) -> bool {
        self.shown[cell] == Shown::Marked && self.system.cells[cell].is_small()
    }

    fn search(&self, kept: Option<usize>, dearest: u64) -> Search<'_> {
        Search { system: self.system, shown: &self.shown, most: &self.most, kept, dearest }
    }

    fn run(&mut self, mover: &mut Mover) {
        let mut queue: Vec<_> = (0..self.shown.len()).filter(|cell| self.is_bound(*cell)).collect();
        match self.order {
            // Those that are hardest to move first.
            0 => queue.sort_by_key(|c| {
                let cell = &self.system.cells[*c];
                (Reverse((cell.value - 1).max(cell.k - 1 - cell.value)), *c)
            }),
            order => queue.sort_by_key(|cell| scramble(order, *cell as u64)),
        }
        // In all orders but the first some cells are spared at the start, so that outcomes differ.
        let all = self.most.clone();
        if self.order > 0 {
            for (cell, most) in self.most.iter_mut().enumerate() {
                if scramble(self.order ^ 0x5eed, cell as u64).is_multiple_of(4) {
                    *most = self.shown[cell];
                }
            }
        }
        let mut next = 0;
        while next < queue.len() {
            let cell = queue[next];
            next += 1;
            let newly = self.protect_cell(mover, cell);
            queue.extend(newly);
            if next == queue.len() && !self.unprotected.is_empty() && self.most != all {
                // They could not do with less: once more with all cells.
                self.most.clone_from(&all);
                queue.append(&mut self.unprotected);
            }
        }
        self.most = all;
        let passes = if matches!(mover, Mover::Relaxed(_)) { 1 } else { PASSES };
        for _ in 0..passes {
            if !self.improve(mover) {
                break;
            }
        }
    }

    fn targets(&self, cell: usize) -> impl Iterator<Item = i64> + use<> {
        let of = &self.system.cells[cell];
        let (value, k) = (of.value, of.k);
        [1, k - 1].into_iter().map(move |target| target - value).filter(|wanted| *wanted != 0)
    }

    /// Hides what the cell needs. Gives the cells for which the rule holds from now on.
    fn protect_cell(&mut self, mover: &mut Mover, cell: usize) -> Vec<usize> {
        let mut newly = Vec::new();
        let left_out = self.system.cells[cell].cost_left_out;
        for wanted in self.targets(cell) {
            if !self.is_bound(cell) {
                break;
            }
            let dearest = if left_out > 0 { left_out } else { u64::MAX };
            let found = mover.reach(&self.search(None, dearest), cell, wanted);
            match found {
                Some(found) if left_out == 0 || found.price < left_out => newly.extend(self.take(cell, wanted, found)),
                _ if left_out > 0 => {
                    self.shown[cell] = Shown::LeftOut;
                }
                _ => {
                    self.unprotected.push(cell);
                    break;
                }
            }
        }
        newly
    }

    fn take(&mut self, cell: usize, wanted: i64, found: Found) -> Vec<usize> {
        let mut newly = Vec::new();
        for (other, shown) in &found.moves {
            if self.shown[*other] < *shown {
                self.shown[*other] = *shown;
                if self.is_bound(*other) {
                    newly.push(*other);
                }
            }
        }
        self.keep(cell, wanted, found.moves);
        newly
    }

    fn keep(&mut self, cell: usize, wanted: i64, moves: Vec<(usize, Shown)>) {
        let witness = self.witnesses.len();
        for (other, _) in &moves {
            self.leaning[*other].push(witness);
        }
        self.witnesses.push(Witness { cell, wanted, moves });
    }

    /// Tries to print each hidden cell after all, the dearest first. True where one was.
    fn improve(&mut self, mover: &mut Mover) -> bool {
        let mut hidden: Vec<_> =
            (0..self.shown.len()).filter(|cell| room::cost(self.system, *cell, self.shown[*cell]) > 0).collect();
        hidden.sort_by_key(|cell| {
            (Reverse(room::cost(self.system, *cell, self.shown[*cell])), scramble(self.order, *cell as u64))
        });
        let mut better = false;
        for cell in hidden {
            let lower = match self.shown[cell] {
                Shown::LeftOut if self.system.cells[cell].is_primary() => vec![Shown::Marked],
                Shown::LeftOut => vec![Shown::Number, Shown::Marked],
                Shown::Marked if !self.system.cells[cell].is_primary() => vec![Shown::Number],
                _ => continue,
            };
            for shown in lower {
                if self.show_more(mover, cell, shown) {
                    better = true;
                    break;
                }
            }
        }
        better
    }

    /// Shows more of a cell, if those that lean on it find other ways that cost less than that saves.
    fn show_more(&mut self, mover: &mut Mover, cell: usize, shown: Shown) -> bool {
        let was = self.shown[cell];
        let saved = room::cost(self.system, cell, was) - room::cost(self.system, cell, shown);
        let mut before = vec![(cell, was)];
        self.shown[cell] = shown;
        let mut asked: Vec<(Option<usize>, usize, i64)> = self.leaning[cell]
            .iter()
            .filter(|w| {
                let witness = &self.witnesses[**w];
                self.is_bound(witness.cell) && witness.moves.iter().any(|(c, needs)| *c == cell && *needs > shown)
            })
            .map(|w| (Some(*w), self.witnesses[*w].cell, self.witnesses[*w].wanted))
            .collect();
        asked.sort_unstable();
        asked.dedup();
        if self.is_bound(cell) {
            asked.extend(self.targets(cell).map(|wanted| (None, cell, wanted)));
        }
        let mut spent = 0;
        let mut found_ways = Vec::new();
        let mut next = 0;
        let mut fine = true;
        while next < asked.len() {
            let (witness, of, wanted) = asked[next];
            next += 1;
            let found = mover.reach(&self.search(Some(cell), saved - spent), of, wanted);
            let Some(found) = found.filter(|found| spent + found.price < saved) else {
                fine = false;
                break;
            };
            spent += found.price;
            for (other, needs) in &found.moves {
                if self.shown[*other] < *needs {
                    before.push((*other, self.shown[*other]));
                    self.shown[*other] = *needs;
                    if self.is_bound(*other) {
                        asked.extend(self.targets(*other).map(|wanted| (None, *other, wanted)));
                    }
                }
            }
            found_ways.push((witness, of, wanted, found.moves));
        }
        if !fine {
            for (cell, shown) in before.into_iter().rev() {
                self.shown[cell] = shown;
            }
            return false;
        }
        for (witness, of, wanted, moves) in found_ways {
            match witness {
                None => self.keep(of, wanted, moves),
                Some(witness) => {
                    for (other, _) in &moves {
                        self.leaning[*other].push(witness);
                    }
                    self.witnesses[witness].moves = moves;
                }
            }
        }
        true
    }
}
