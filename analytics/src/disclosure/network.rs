//! Moving a cell where every cell stands in two sums at most: sums are places, cells are ways between them, and a change of
//! one cell is made good along the cheapest chain of other cells (an alternating cycle). Exact, in whole numbers, and fast.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::room::{is_movable, step};
use super::search::{Found, Search};
use super::system::{Shown, System};

const NOWHERE: usize = usize::MAX;
/// What a step costs beside its price, so that of two chains that hide as much the shorter is taken.
const HOP: u64 = 1;

#[derive(Debug)]
pub(super) struct Network {
    /// For each place its cells.
    cells_at: Vec<Vec<usize>>,
    /// For each cell the place that gains where it rises, and the one that loses.
    ends: Vec<(usize, usize)>,
    moved: Vec<i64>,
    touched: Vec<usize>,
    distance: Vec<u64>,
    from: Vec<(usize, i64)>,
    reached: Vec<usize>,
    heap: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Network {
    /// None where a cell stands in more than two sums, or the signs do not fit.
    pub(super) fn new(system: &System) -> Option<Self> {
        let (cells, sums) = (system.cells.len(), system.equations.len());
        let mut terms: Vec<Vec<(usize, i64)>> = vec![Vec::new(); cells];
        for (e, equation) in system.equations.iter().enumerate() {
            // What cannot move is no way.
            for (cell, sign) in equation.terms().filter(|(cell, _)| is_movable(system, *cell)) {
                if terms[cell].len() == 2 {
                    return None;
                }
                terms[cell].push((e, sign));
            }
        }
        // Each sum may be turned over, so that each cell adds to one place and takes from the other.
        let mut sums_of: Vec<Vec<(usize, i64)>> = vec![Vec::new(); sums];
        for pair in terms.iter().filter(|t| t.len() == 2) {
            let ((a, sign_a), (b, sign_b)) = (pair[0], pair[1]);
            if a == b {
                return None;
            }
            sums_of[a].push((b, -sign_a * sign_b));
            sums_of[b].push((a, -sign_a * sign_b));
        }
        let mut turn = vec![0; sums];
        for start in 0..sums {
            if turn[start] != 0 {
                continue;
            }
            turn[start] = 1;
            let mut stack = vec![start];
            while let Some(at) = stack.pop() {
                for (next, same) in &sums_of[at] {
                    let wanted = turn[at] * same;
                    if turn[*next] == 0 {
                        turn[*next] = wanted;
                        stack.push(*next);
                    } else if turn[*next] != wanted {
                        return None;
                    }
                }
            }
        }
        // One more place, outside of all sums.
        let outside = sums;
        let mut cells_at = vec![Vec::new(); sums + 1];
        let ends: Vec<_> = terms
            .iter()
            .enumerate()
            .map(|(cell, terms)| {
                let (mut gains, mut loses) = (outside, outside);
                for (sum, sign) in terms {
                    if sign * turn[*sum] > 0 { gains = *sum } else { loses = *sum }
                }
                cells_at[gains].push(cell);
                if loses != gains {
                    cells_at[loses].push(cell);
                }
                (gains, loses)
            })
            .collect();
        Some(Self {
            cells_at,
            ends,
            moved: vec![0; cells],
            touched: Vec::new(),
            distance: vec![u64::MAX; sums + 1],
            from: vec![(NOWHERE, 0); sums + 1],
            reached: Vec::new(),
            heap: BinaryHeap::new(),
        })
    }

    /// Cheapest chain from one place to another that leaves the cell alone. The price is that of what it newly hides.
    fn chain(&mut self, search: &Search<'_>, cell: usize, start: usize, end: usize) -> Option<u64> {
        for place in self.reached.drain(..) {
            self.distance[place] = u64::MAX;
        }
        self.heap.clear();
        self.distance[start] = 0;
        self.reached.push(start);
        self.heap.push(Reverse((0, start)));
        while let Some(Reverse((distance, place))) = self.heap.pop() {
            if place == end {
                return Some(distance);
            }
            if distance > self.distance[place] || distance > search.dearest {
                continue;
            }
            for other in &self.cells_at[place] {
                let other = *other;
                if other == cell {
                    continue;
                }
                let (gains, loses) = self.ends[other];
                let (next, way) = if gains == place { (loses, -1) } else { (gains, 1) };
                if self.distance[next] <= distance {
                    continue;
                }
                let (shown, most) = (search.shown[other], search.most(other));
                let Some(step) = step(search.system, other, shown, most, self.moved[other], way) else { continue };
                let to = distance + step.price + HOP;
                if to < self.distance[next] {
                    if self.distance[next] == u64::MAX {
                        self.reached.push(next);
                    }
                    self.distance[next] = to;
                    self.from[next] = (other, way);
                    self.heap.push(Reverse((to, next)));
                }
            }
        }
        None
    }

    /// What must be hidden so that the cell can be thought to have moved by `wanted`.
    pub(super) fn reach(&mut self, search: &Search<'_>, cell: usize, wanted: i64) -> Option<Found> {
        let (gains, loses) = self.ends[cell];
        let (start, end) = if wanted > 0 { (gains, loses) } else { (loses, gains) };
        let mut left = if start == end { 0 } else { wanted.abs() };
        let mut complete = true;
        while left > 0 {
            if self.chain(search, cell, start, end).is_none() {
                complete = false;
                break;
            }
            let back = |from: &[(usize, i64)], ends: &[(usize, usize)], place: usize| {
                let (cell, way) = from[place];
                let (gains, loses) = ends[cell];
                (cell, way, if way > 0 { loses } else { gains })
            };
            let (mut place, mut units) = (end, left);
            while place != start {
                let (other, way, before) = back(&self.from, &self.ends, place);
                let (shown, most) = (search.shown[other], search.most(other));
                let room = step(search.system, other, shown, most, self.moved[other], way).map_or(0, |s| s.units);
                units = units.min(room);
                place = before;
            }
            let mut place = end;
            while place != start {
                let (other, way, before) = back(&self.from, &self.ends, place);
                self.moved[other] += way * units;
                self.touched.push(other);
                place = before;
            }
            left -= units;
        }
        let mut moves = Vec::new();
        for other in self.touched.drain(..) {
            let moved = std::mem::take(&mut self.moved[other]);
            if moved != 0 && complete {
                moves.push((other, search.needed(other, moved).unwrap_or(Shown::LeftOut)));
            }
        }
        complete.then(|| Found::new(search, moves))
    }
}
