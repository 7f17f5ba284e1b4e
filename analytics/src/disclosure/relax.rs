//! Moving a cell where sums cross in more than two ways: the cheapest change of all cells together by linear programming
//! (the relaxation of Fischetti and Salazar). Only cells near the one that moves are looked at first; then more of them.

use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem, Variable};

use super::room::{MANY, step};
use super::search::{Found, Search};
use super::system::{Shown, System};

/// How many cells the first look takes in: of those that are hidden already.
const FIRST_LOOK: usize = 60;
/// The next ones: whatever can be hidden.
const LOOKS: [usize; 4] = [150, 600, 3_000, usize::MAX];
/// Of one sum, at most so many cells that are not hidden yet: the cheapest.
const CHEAPEST: usize = 8;
/// A move is one from here on.
const NOTICEABLE: f64 = 1e-6;

#[derive(Debug)]
pub(super) struct Relaxed {
    /// For each cell the sums that it stands in, with its sign.
    sums_of: Vec<Vec<(usize, i64)>>,
    /// For each sum its cells: the cheapest to move first.
    cells_of: Vec<Vec<usize>>,
    /// Marks of one look: the cell is in it at this place.
    place: Vec<usize>,
    row: Vec<usize>,
}

const OUT: usize = usize::MAX;

impl Relaxed {
    pub(super) fn new(system: &System) -> Self {
        let mut sums_of = vec![Vec::new(); system.cells.len()];
        let mut cells_of = Vec::new();
        for (e, equation) in system.equations.iter().enumerate() {
            let mut cells: Vec<_> = equation.terms().map(|(cell, _)| cell).collect();
            for (cell, sign) in equation.terms() {
                sums_of[cell].push((e, sign));
            }
            cells.sort_by_key(|cell| (system.cells[*cell].cost, *cell));
            cells_of.push(cells);
        }
        Self { sums_of, cells_of, place: vec![OUT; system.cells.len()], row: vec![OUT; system.equations.len()] }
    }

    /// The cells around one, nearest first. True where that is all of them.
    fn around(&mut self, search: &Search<'_>, cell: usize, wanted: usize, free_alone: bool) -> (Vec<usize>, bool) {
        let mut near = vec![cell];
        self.place[cell] = 0;
        let mut sums = Vec::new();
        let (mut done, mut all) = (0, true);
        while done < near.len() {
            for (sum, _) in &self.sums_of[near[done]] {
                if self.row[*sum] != OUT {
                    continue;
                }
                self.row[*sum] = sums.len();
                sums.push(*sum);
                let mut dear = 0;
                for other in &self.cells_of[*sum] {
                    if self.place[*other] != OUT {
                        continue;
                    }
                    let free = search.shown[*other] != Shown::Number || search.system.cells[*other].known.is_some();
                    if !free {
                        dear += 1;
                        if free_alone || dear > CHEAPEST && wanted != usize::MAX {
                            all = false;
                            continue;
                        }
                    }
                    self.place[*other] = near.len();
                    near.push(*other);
                }
            }
            done += 1;
            if near.len() >= wanted {
                all = false;
                break;
            }
        }
        for sum in sums {
            self.row[sum] = OUT;
        }
        (near, all)
    }

    /// What must be hidden so that the cell can be thought to have moved by `wanted`.
    pub(super) fn reach(&mut self, search: &Search<'_>, cell: usize, wanted: i64) -> Option<Found> {
        let (near, _) = self.around(search, cell, FIRST_LOOK, true);
        let found = self.solve(search, &near, wanted);
        self.forget(&near);
        if found.as_ref().is_some_and(|found| found.price == 0) {
            return found;
        }
        for look in LOOKS {
            let small = search.system.cells.len() <= look.saturating_mul(2);
            let (near, all) = self.around(search, cell, if small { usize::MAX } else { look }, false);
            let found = self.solve(search, &near, wanted);
            self.forget(&near);
            if found.is_some() || all || small {
                return found;
            }
        }
        None
    }

    fn forget(&mut self, near: &[usize]) {
        for cell in near {
            self.place[*cell] = OUT;
        }
    }

    fn solve(&mut self, search: &Search<'_>, near: &[usize], wanted: i64) -> Option<Found> {
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let mut rows: Vec<(LinearExpr, f64)> = Vec::new();
        let mut used = Vec::new();
        let mut put =
            |rows: &mut Vec<(LinearExpr, f64)>, cell: usize, add: &mut dyn FnMut(&mut (LinearExpr, f64), i64)| {
                for (sum, sign) in &self.sums_of[cell] {
                    if self.row[*sum] == OUT {
                        self.row[*sum] = rows.len();
                        used.push(*sum);
                        rows.push((LinearExpr::empty(), 0.0));
                    }
                    add(&mut rows[self.row[*sum]], *sign);
                }
            };
        let wanted_units = wanted.unsigned_abs().max(1) as f64;
        put(&mut rows, near[0], &mut |row, sign| row.1 -= (sign * wanted) as f64);
        let mut variables: Vec<(usize, i64, Variable)> = Vec::new();
        for cell in &near[1..] {
            for way in [1, -1] {
                let mut moved = 0;
                while let Some(step) = step(search.system, *cell, search.shown[*cell], search.most(*cell), moved, way) {
                    let paid: u64 = search.price(*cell, step.shown);
                    let cost = paid as f64 / 1e3 / wanted_units + 1.0;
                    let units = if step.units >= MANY { f64::INFINITY } else { step.units as f64 };
                    let variable = problem.add_var(cost, (0.0, units));
                    variables.push((*cell, way, variable));
                    put(&mut rows, *cell, &mut |row, sign| row.0.add(variable, (sign * way) as f64));
                    if step.units >= MANY {
                        break;
                    }
                    moved += way * step.units;
                }
            }
        }
        for sum in used {
            self.row[sum] = OUT;
        }
        for (left, right) in rows {
            problem.add_constraint(left, ComparisonOp::Eq, right);
        }
        let solution = problem.solve().ok()?.into_solution().ok()?;
        let mut moves = Vec::new();
        let mut i = 0;
        while i < variables.len() {
            let cell = variables[i].0;
            let mut moved = 0.0;
            while i < variables.len() && variables[i].0 == cell {
                moved += variables[i].1 as f64 * solution.var_value(variables[i].2);
                i += 1;
            }
            if moved.abs() > NOTICEABLE {
                // Away from zero: a part of a unit needs the room of a whole one.
                let whole = if moved > 0.0 { (moved - NOTICEABLE).ceil() } else { (moved + NOTICEABLE).floor() };
                moves.push((cell, search.needed(cell, whole as i64)?));
            }
        }
        Some(Found::new(search, moves))
    }
}
