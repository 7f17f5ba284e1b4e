//! A puzzle: cells with what their marks tell, sums between them. Its solution: how low and how high each cell can be.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use microlp::{ComparisonOp, Error, LinearExpr, OptimizationDirection, Problem, Variable};

use super::flow::Flow;

/// The least and the most that a cell can be. None: no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub low: i64,
    pub high: Option<i64>,
}

impl Bounds {
    pub(super) const fn is_known(self) -> bool {
        matches!(self.high, Some(high) if high == self.low)
    }
}

/// What a reader has before him.
#[derive(Debug, Clone, Default)]
pub struct Puzzle {
    /// What each cell's mark, or number, tells.
    pub cells: Vec<Bounds>,
    /// Total and parts.
    pub sums: Vec<(usize, Vec<usize>)>,
    /// Cells that could have to be 1, and k-1, by the rule: cell and k.
    pub small: Vec<(usize, i64)>,
}

/// Why it has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsolved {
    /// No numbers fit the sums; here is one sum of those.
    #[error("no numbers fit")]
    Contradiction { sum: usize },
    #[error("the linear program has no answer: {0}")]
    Solver(String),
    #[error("it takes longer than it may")]
    OutOfTime,
}

/// A hidden cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    pub cell: usize,
    pub bounds: Bounds,
    /// The rule is for this cell, and its bounds break it.
    pub too_tight: bool,
}

/// Numbers of a linear program that are closer than this to a whole one are that one.
const NEAR: f64 = 1e-6;
/// Points of a component are shared by so many goals before cells are looked at one by one.
const JOINT_GOALS: usize = 12;

impl Puzzle {
    /// The bounds of every hidden cell; where `all` is false only of those that the rule is for.
    pub fn solve(&self, all: bool) -> Result<Vec<Finding>, Unsolved> {
        self.solve_until(all, None)
    }

    /// The same, given up at an instant.
    pub fn solve_until(&self, all: bool, until: Option<Instant>) -> Result<Vec<Finding>, Unsolved> {
        let mut k_of = vec![0; self.cells.len()];
        for (cell, k) in &self.small {
            k_of[*cell] = *k;
        }
        let mut bounds = self.cells.clone();
        self.tighten(&mut bounds)?;
        in_time(until)?;
        let components = self.components(&bounds);
        let next = AtomicUsize::new(0);
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(components.len());
        let work = || {
            let mut found = Vec::new();
            while let Some(component) = components.get(next.fetch_add(1, Ordering::Relaxed)) {
                found.extend(self.solve_component(component, &k_of, all, &bounds, until)?);
            }
            Ok::<_, Unsolved>(found)
        };
        let mut found = Vec::new();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            for thread in threads {
                match thread.join() {
                    Ok(of_thread) => found.extend(of_thread?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok::<_, Unsolved>(())
        })?;
        for (cell, of_cell) in found {
            bounds[cell] = of_cell;
        }
        let hidden = (0..self.cells.len()).filter(|cell| !self.cells[*cell].is_known() && (all || k_of[*cell] > 0));
        let finding = |cell: usize| {
            let (bounds, k) = (bounds[cell], k_of[cell]);
            let too_tight = k > 0 && (bounds.low > 1 || bounds.high.is_some_and(|high| high < k - 1));
            Finding { cell, bounds, too_tight }
        };
        Ok(hidden.map(finding).collect())
    }

    /// Bounds by looking at one sum at a time, until nothing changes (or for long enough: they are true at any time).
    fn tighten(&self, bounds: &mut [Bounds]) -> Result<(), Unsolved> {
        for _ in 0..20 {
            let mut changed = false;
            for (sum, (total, parts)) in self.sums.iter().enumerate() {
                let low: i64 = parts.iter().map(|part| bounds[*part].low).sum();
                let endless = parts.iter().filter(|part| bounds[**part].high.is_none()).count();
                let high: i64 = parts.iter().filter_map(|part| bounds[*part].high).sum();
                let mut narrow = |cell: usize, low: i64, high: Option<i64>| {
                    let of = &mut bounds[cell];
                    let before = *of;
                    of.low = of.low.max(low);
                    of.high = match (of.high, high) {
                        (Some(a), Some(b)) => Some(a.min(b)),
                        (a, b) => a.or(b),
                    };
                    changed |= *of != before;
                    if of.high.is_some_and(|high| high < of.low) {
                        return Err(Unsolved::Contradiction { sum });
                    }
                    Ok(*of)
                };
                let whole = narrow(*total, low, (endless == 0).then_some(high))?;
                for part in parts {
                    let of = narrow(*part, i64::MIN, None)?;
                    let others_low = low - of.low;
                    let others_high = match of.high {
                        Some(own) if endless == 0 => Some(high - own),
                        None if endless == 1 => Some(high),
                        _ => None,
                    };
                    let least = others_high.map_or(i64::MIN, |others| whole.low - others);
                    // Sums of before this round are looser, so what follows from them is true.
                    narrow(*part, least, whole.high.map(|whole| whole - others_low))?;
                }
            }
            if !changed {
                break;
            }
        }
        Ok(())
    }

    /// Sums that share unknown cells: for each set its sums.
    fn components(&self, bounds: &[Bounds]) -> Vec<Vec<usize>> {
        let mut sums_of: Vec<Vec<usize>> = vec![Vec::new(); self.cells.len()];
        for (sum, (total, parts)) in self.sums.iter().enumerate() {
            for cell in parts.iter().chain([total]).filter(|cell| !bounds[**cell].is_known()) {
                sums_of[*cell].push(sum);
            }
        }
        let mut seen = vec![false; self.sums.len()];
        let mut sets = Vec::new();
        for start in 0..self.sums.len() {
            if std::mem::replace(&mut seen[start], true) {
                continue;
            }
            let mut set = vec![start];
            let mut next = 0;
            while next < set.len() {
                let (total, parts) = &self.sums[set[next]];
                next += 1;
                for cell in parts.iter().chain([total]) {
                    for sum in &sums_of[*cell] {
                        if !std::mem::replace(&mut seen[*sum], true) {
                            set.push(*sum);
                        }
                    }
                }
            }
            sets.push(set);
        }
        sets
    }

    fn solve_component(
        &self,
        sums: &[usize],
        k_of: &[i64],
        all: bool,
        bounds: &[Bounds],
        until: Option<Instant>,
    ) -> Result<Vec<(usize, Bounds)>, Unsolved> {
        let mut unknown: Vec<usize> = sums
            .iter()
            .flat_map(|sum| self.sums[*sum].1.iter().chain([&self.sums[*sum].0]))
            .copied()
            .filter(|cell| !bounds[*cell].is_known())
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        let asked: Vec<usize> = unknown.iter().copied().filter(|cell| all || k_of[*cell] > 0).collect();
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        // What is known goes to the right side; rows are over places in `unknown`.
        let rows: Vec<Row> = sums
            .iter()
            .map(|sum| {
                let (total, parts) = &self.sums[*sum];
                let mut row = Row { sum: *sum, terms: Vec::new(), right: 0 };
                for (cell, sign) in parts.iter().map(|part| (part, 1)).chain([(total, -1)]) {
                    match unknown.binary_search(cell) {
                        Ok(place) => row.terms.push((place, sign)),
                        Err(_) => row.right -= sign * bounds[*cell].low,
                    }
                }
                row
            })
            .collect();
        let ranges: Vec<Bounds> = unknown.iter().map(|cell| bounds[*cell]).collect();
        let places = asked.iter().filter_map(|cell| unknown.binary_search(cell).ok());
        if let Some(mut flow) = Flow::new(&ranges, &rows) {
            flow.fill().map_err(|sum| Unsolved::Contradiction { sum })?;
            let mut found = Vec::new();
            for (cell, place) in asked.iter().zip(places) {
                found.push((*cell, flow.bounds(place)));
                in_time(until)?;
            }
            return Ok(found);
        }
        let places: Vec<usize> = places.collect();
        let found = linear(&ranges, &rows, &places, until)?;
        Ok(asked.into_iter().zip(found).collect())
    }
}

fn in_time(until: Option<Instant>) -> Result<(), Unsolved> {
    if until.is_some_and(|until| Instant::now() > until) { Err(Unsolved::OutOfTime) } else { Ok(()) }
}

/// An equation: terms with signs, and what they come to.
#[derive(Debug)]
pub(super) struct Row {
    pub sum: usize,
    pub terms: Vec<(usize, i64)>,
    pub right: i64,
}

/// Bounds of the asked cells by linear programs over the whole component.
///
/// First goals for all cells together: each answer is a table that fits, and a cell that reaches an end of its own range in
/// one of them needs no program of its own.
fn linear(ranges: &[Bounds], rows: &[Row], asked: &[usize], until: Option<Instant>) -> Result<Vec<Bounds>, Unsolved> {
    // Per cell the least and the most that some fitting table had.
    let mut seen = vec![(f64::INFINITY, f64::NEG_INFINITY); ranges.len()];
    let at_low = |seen: &[(f64, f64)], cell: usize| seen[cell].0 <= ranges[cell].low as f64 + NEAR;
    let at_high =
        |seen: &[(f64, f64)], cell: usize| ranges[cell].high.is_some_and(|high| seen[cell].1 >= high as f64 - NEAR);
    for up in [false, true] {
        for _ in 0..JOINT_GOALS {
            let open: Vec<usize> =
                asked
                    .iter()
                    .copied()
                    .filter(|cell| {
                        if up { ranges[*cell].high.is_some() && !at_high(&seen, *cell) } else { !at_low(&seen, *cell) }
                    })
                    .collect();
            if open.is_empty() {
                break;
            }
            let Answer::Point(point) = program(ranges, rows, &open, up, until)? else { break };
            let before = open.len();
            for (seen, value) in seen.iter_mut().zip(&point) {
                *seen = (seen.0.min(*value), seen.1.max(*value));
            }
            let left =
                open.iter().filter(|cell| if up { !at_high(&seen, **cell) } else { !at_low(&seen, **cell) }).count();
            if left * 10 > before * 9 {
                break;
            }
        }
    }
    let mut found = Vec::new();
    for cell in asked {
        let low = if at_low(&seen, *cell) {
            ranges[*cell].low
        } else {
            match program(ranges, rows, &[*cell], false, until)? {
                Answer::Point(point) => (point[*cell] - NEAR).ceil() as i64,
                Answer::Endless => ranges[*cell].low,
            }
        };
        let high = if at_high(&seen, *cell) {
            ranges[*cell].high
        } else {
            match program(ranges, rows, &[*cell], true, until)? {
                Answer::Point(point) => Some((point[*cell] + NEAR).floor() as i64),
                Answer::Endless => None,
            }
        };
        found.push(Bounds { low, high });
    }
    Ok(found)
}

enum Answer {
    Point(Vec<f64>),
    Endless,
}

/// The least, or the most, of the sum of some cells.
fn program(
    ranges: &[Bounds],
    rows: &[Row],
    of: &[usize],
    up: bool,
    until: Option<Instant>,
) -> Result<Answer, Unsolved> {
    in_time(until)?;
    let mut goal = vec![0.0; ranges.len()];
    for cell in of {
        goal[*cell] = 1.0;
    }
    let direction = if up { OptimizationDirection::Maximize } else { OptimizationDirection::Minimize };
    let mut problem = Problem::new(direction);
    let variables: Vec<Variable> = ranges
        .iter()
        .zip(&goal)
        .map(|(range, goal)| {
            problem.add_var(*goal, (range.low as f64, range.high.map_or(f64::INFINITY, |high| high as f64)))
        })
        .collect();
    for row in rows {
        let mut left = LinearExpr::empty();
        for (cell, sign) in &row.terms {
            left.add(variables[*cell], *sign as f64);
        }
        problem.add_constraint(left, ComparisonOp::Eq, row.right as f64);
    }
    if let Some(until) = until {
        problem.set_time_limit(until.saturating_duration_since(Instant::now()));
    }
    match problem.solve() {
        Ok(outcome) => match outcome.into_solution() {
            Ok(solution) => Ok(Answer::Point(variables.iter().map(|v| solution.var_value(*v)).collect())),
            Err(_) => Err(Unsolved::OutOfTime),
        },
        Err(Error::Unbounded) => Ok(Answer::Endless),
        Err(Error::Infeasible) => Err(Unsolved::Contradiction { sum: rows.first().map_or(0, |row| row.sum) }),
        Err(_) => Err(Unsolved::Solver("it lost its way in rounding".into())),
    }
}
