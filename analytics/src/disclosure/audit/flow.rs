//! Bounds where each unknown cell stands in two sums at most: the unknown cells are pipes between sums, a table that fits is a
//! flow, and the most that a cell can be is the most that can flow through it.

use std::collections::VecDeque;

use super::bounds::{Bounds, Row};

#[derive(Debug)]
struct Pipe {
    from: usize,
    to: usize,
    low: i64,
    high: i64,
    flow: i64,
}

/// No end.
const ENDLESS: i64 = i64::MAX / 8;

#[derive(Debug)]
pub(super) struct Flow {
    pipes: Vec<Pipe>,
    /// For each knot the pipes that touch it.
    at: Vec<Vec<usize>>,
    /// What flows into each knot beyond what should.
    excess: Vec<i64>,
    /// For each knot its sum.
    sums: Vec<usize>,
    from: Vec<usize>,
    seen: Vec<u32>,
    round: u32,
    queue: VecDeque<usize>,
}

impl Flow {
    /// None where it is no such puzzle.
    pub(super) fn new(ranges: &[Bounds], rows: &[Row]) -> Option<Self> {
        let mut of: Vec<Vec<(usize, i64)>> = vec![Vec::new(); ranges.len()];
        for (row, terms) in rows.iter().enumerate() {
            for (cell, sign) in &terms.terms {
                of[*cell].push((row, *sign));
            }
        }
        if of.iter().any(|rows| rows.len() > 2) {
            return None;
        }
        let flip = Self::flips(rows.len(), &of)?;
        let outside = rows.len();
        let mut at = vec![Vec::new(); rows.len() + 1];
        let mut excess: Vec<i64> = rows.iter().enumerate().map(|(r, row)| -flip[r] * row.right).collect();
        excess.push(0);
        let mut pipes: Vec<Pipe> = Vec::with_capacity(ranges.len());
        for (range, rows_of) in ranges.iter().zip(&of) {
            let (mut from, mut to) = (outside, outside);
            for (row, sign) in rows_of {
                if sign * flip[*row] > 0 { to = *row } else { from = *row }
            }
            at[from].push(pipes.len());
            if to != from {
                at[to].push(pipes.len());
            }
            excess[to] += range.low;
            excess[from] -= range.low;
            pipes.push(Pipe { from, to, low: range.low, high: range.high.unwrap_or(ENDLESS), flow: range.low });
        }
        let knots = at.len();
        Some(Self {
            pipes,
            at,
            excess,
            sums: rows.iter().map(|row| row.sum).collect(),
            from: vec![usize::MAX; knots],
            seen: vec![0; knots],
            round: 0,
            queue: VecDeque::new(),
        })
    }

    /// Which rows to take with the other sign, so that each cell comes once with plus and once with minus.
    fn flips(rows: usize, of: &[Vec<(usize, i64)>]) -> Option<Vec<i64>> {
        let mut next_to: Vec<Vec<(usize, i64)>> = vec![Vec::new(); rows];
        for pair in of {
            if let [(a, sign_a), (b, sign_b)] = pair[..] {
                if a == b {
                    return None;
                }
                next_to[a].push((b, -sign_a * sign_b));
                next_to[b].push((a, -sign_a * sign_b));
            }
        }
        let mut flip = vec![0; rows];
        for start in 0..rows {
            if flip[start] != 0 {
                continue;
            }
            flip[start] = 1;
            let mut open = vec![start];
            while let Some(row) = open.pop() {
                for (other, factor) in &next_to[row] {
                    let wanted = flip[row] * factor;
                    if flip[*other] == 0 {
                        flip[*other] = wanted;
                        open.push(*other);
                    } else if flip[*other] != wanted {
                        return None;
                    }
                }
            }
        }
        Some(flip)
    }

    /// How much more can flow along a pipe, seen from one of its knots, and where to.
    fn room(&self, pipe: usize, knot: usize) -> (usize, i64) {
        let p = &self.pipes[pipe];
        if p.from == knot { (p.to, p.high - p.flow) } else { (p.from, p.flow - p.low) }
    }

    /// A way from a knot to one that `is_end` likes, around one pipe. Widest first is not needed: any shortest way.
    fn way(&mut self, start: usize, without: usize, is_end: impl Fn(usize, &[i64]) -> bool) -> Option<usize> {
        self.round += 1;
        self.queue.clear();
        self.queue.push_back(start);
        self.seen[start] = self.round;
        while let Some(knot) = self.queue.pop_front() {
            for i in 0..self.at[knot].len() {
                let pipe = self.at[knot][i];
                let (to, room) = self.room(pipe, knot);
                if pipe == without || room <= 0 || self.seen[to] == self.round {
                    continue;
                }
                self.seen[to] = self.round;
                self.from[to] = pipe;
                if is_end(to, &self.excess) {
                    return Some(to);
                }
                self.queue.push_back(to);
            }
        }
        None
    }

    /// Sends as much as can go, at most `most`, along the way that was found. Gives how much.
    fn send(&mut self, start: usize, end: usize, most: i64) -> i64 {
        let before = |flow: &Self, knot: usize| {
            let p = &flow.pipes[flow.from[knot]];
            if p.to == knot { p.from } else { p.to }
        };
        let (mut units, mut knot) = (most, end);
        while knot != start {
            let back = before(self, knot);
            units = units.min(self.room(self.from[knot], back).1);
            knot = back;
        }
        let mut knot = end;
        while knot != start {
            let back = before(self, knot);
            let pipe = self.from[knot];
            let p = &mut self.pipes[pipe];
            if p.from == back {
                p.flow += units
            } else {
                p.flow -= units
            }
            knot = back;
        }
        units
    }

    /// Finds a flow that fits. Err: a sum that no numbers fit.
    pub(super) fn fill(&mut self) -> Result<(), usize> {
        let outside = self.excess.len() - 1;
        for start in 0..outside {
            while self.excess[start] > 0 {
                let end = self.way(start, usize::MAX, |knot, excess| knot == outside || excess[knot] < 0);
                let end = end.ok_or(self.sums[start])?;
                let most = if end == outside { self.excess[start] } else { self.excess[start].min(-self.excess[end]) };
                let units = self.send(start, end, most);
                self.excess[start] -= units;
                self.excess[end] += units;
            }
        }
        for end in 0..outside {
            while self.excess[end] < 0 {
                self.way(outside, usize::MAX, |knot, _| knot == end).ok_or(self.sums[end])?;
                let units = self.send(outside, end, -self.excess[end]);
                self.excess[end] += units;
            }
        }
        Ok(())
    }

    /// Raises, or lowers, the flow of one pipe as far as it goes.
    fn push(&mut self, pipe: usize, up: bool) -> i64 {
        loop {
            let p = &self.pipes[pipe];
            let (start, end) = if up { (p.to, p.from) } else { (p.from, p.to) };
            let left = if up { p.high - p.flow } else { p.flow - p.low };
            if left <= 0 {
                break;
            }
            let units = if start == end {
                left
            } else if self.way(start, pipe, |knot, _| knot == end).is_some() {
                self.send(start, end, left)
            } else {
                break;
            };
            self.pipes[pipe].flow += if up { units } else { -units };
            if units > ENDLESS / 2 {
                // Back from endless, so that the others can still be looked at.
                if start != end {
                    self.send_back(start, end, units);
                }
                self.pipes[pipe].flow -= if up { units } else { -units };
                return ENDLESS;
            }
        }
        self.pipes[pipe].flow
    }

    fn send_back(&mut self, start: usize, end: usize, units: i64) {
        let mut knot = end;
        while knot != start {
            let pipe = self.from[knot];
            let p = &mut self.pipes[pipe];
            if p.to == knot {
                p.flow -= units;
                knot = p.from;
            } else {
                p.flow += units;
                knot = p.to;
            }
        }
    }

    /// The bounds of one cell.
    pub(super) fn bounds(&mut self, cell: usize) -> Bounds {
        let high = self.push(cell, true);
        let low = self.push(cell, false);
        Bounds { low, high: (high < ENDLESS / 2).then_some(high) }
    }
}
