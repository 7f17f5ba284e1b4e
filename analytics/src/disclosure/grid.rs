//! The sums of a tidy table whose totals have `all` in a key.
//!
//! What always holds: a row is total of those that agree with it in all other keys, wherever such rows stand in the table. So
//! a county is added up within its state alone, without anybody saying that counties lie in states; a key of several values
//! has no `all`, hence no sum. A combination without a row counts nothing.

use std::collections::HashMap;

use schemas::taxonomy::{CodeAxis, EventClass, EventKind};

use super::system::{Equation, Shown, System};

/// The key of a total.
pub(super) const ALL: &str = "all";

/// A sum of rows: which row is the total, along which key, of which rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    pub total: usize,
    pub key: usize,
    pub parts: Vec<usize>,
}

/// Rows by their keys, as numbers; 0 is `all`.
#[derive(Debug)]
pub struct Grid {
    rows: Vec<Vec<u32>>,
    keys: usize,
    /// The key `event_kind` and its labels that count in no total: there `all` is the sum of the kinds of event.
    no_parts: Option<(usize, Vec<u32>)>,
}

impl Grid {
    /// Of rows with these keys.
    pub fn new<'a, R>(key_names: &[&str], rows: impl IntoIterator<Item = R>) -> Self
    where
        R: IntoIterator<Item = &'a str>,
    {
        let mut labels: HashMap<&str, u32> = HashMap::from([(ALL, 0)]);
        let rows = rows
            .into_iter()
            .map(|row| {
                row.into_iter()
                    .map(|label| {
                        let next = u32::try_from(labels.len()).unwrap_or(u32::MAX);
                        *labels.entry(label).or_insert(next)
                    })
                    .collect()
            })
            .collect();
        let of_events = key_names.iter().position(|name| *name == "event_kind");
        let no_parts = of_events.map(|key| {
            let no_event = |kind: &&EventKind| kind.class() != EventClass::Event;
            (
                key,
                EventKind::ALL.iter().filter(no_event).filter_map(|kind| labels.get(kind.as_str()).copied()).collect(),
            )
        });
        Self { rows, keys: key_names.len(), no_parts }
    }

    /// The first row whose keys stood in an earlier one.
    #[must_use]
    pub fn repeated(&self) -> Option<usize> {
        let mut seen = std::collections::HashSet::new();
        self.rows.iter().position(|row| !seen.insert(row))
    }

    /// Whether any row is a total.
    #[must_use]
    pub fn has_totals(&self) -> bool {
        self.rows.iter().any(|row| row.contains(&0))
    }

    /// Every sum, in the order of its totals.
    #[must_use]
    pub fn sums(&self) -> Vec<Sum> {
        let mut sums = Vec::new();
        for key in 0..self.keys {
            let mut parts: HashMap<Vec<u32>, Vec<usize>> = HashMap::new();
            let no_parts = self.no_parts.as_ref().filter(|(of, _)| *of == key).map_or(&[][..], |(_, labels)| labels);
            let is_part = |labels: &[u32]| labels[key] != 0 && !no_parts.contains(&labels[key]);
            for (row, labels) in self.rows.iter().enumerate().filter(|(_, labels)| is_part(labels)) {
                let mut total = labels.clone();
                total[key] = 0;
                parts.entry(total).or_default().push(row);
            }
            for (total, labels) in self.rows.iter().enumerate().filter(|(_, labels)| labels[key] == 0) {
                if let Some(parts) = parts.remove(labels) {
                    sums.push(Sum { total, key, parts });
                }
            }
        }
        sums.sort_by_key(|sum| (sum.total, sum.key));
        sums
    }

    /// The sums without those that follow from others: of the ways to leave some away the one in which most cells stand in
    /// two sums at most.
    #[must_use]
    pub fn reduced(&self, sums: &[Sum]) -> Vec<Sum> {
        let mut of: HashMap<(usize, usize), &Sum> = HashMap::new();
        for sum in sums {
            of.insert((sum.total, sum.key), sum);
        }
        let follows = |sum: &Sum, order: &[usize]| {
            order.iter().take_while(|key| **key != sum.key).any(|earlier| {
                of.get(&(sum.total, *earlier)).is_some_and(|other| {
                    other.parts.iter().all(|part| of.contains_key(&(*part, sum.key)))
                        && sum.parts.iter().all(|part| of.contains_key(&(*part, *earlier)))
                })
            })
        };
        let reduced =
            |order: &[usize]| -> Vec<Sum> { sums.iter().filter(|sum| !follows(sum, order)).cloned().collect() };
        let crowded = |sums: &[Sum]| {
            let mut in_sums = vec![0u32; self.rows.len()];
            for sum in sums {
                for row in sum.parts.iter().chain([&sum.total]) {
                    in_sums[*row] += 1;
                }
            }
            in_sums.iter().filter(|n| **n > 2).count()
        };
        let used: Vec<usize> = (0..self.keys).filter(|key| sums.iter().any(|sum| sum.key == *key)).collect();
        orders(&used)
            .iter()
            .map(|order| reduced(order))
            .min_by_key(|sums| (crowded(sums), sums.len()))
            .unwrap_or_else(|| sums.to_vec())
    }
}

/// Every order of a few keys; of many only theirs.
fn orders(keys: &[usize]) -> Vec<Vec<usize>> {
    if keys.len() > 4 || keys.is_empty() {
        return vec![keys.to_vec()];
    }
    let mut all = Vec::new();
    for (i, first) in keys.iter().enumerate() {
        let mut rest = keys.to_vec();
        rest.remove(i);
        if rest.is_empty() {
            return vec![vec![*first]];
        }
        all.extend(orders(&rest).into_iter().map(|order| [vec![*first], order].concat()));
    }
    all
}

/// Rolls up: where a total is small and more than one of its parts is not zero, no marks could hide it (two parts of 1 or more
/// make 2 or more), so its parts and all that is finer are left out, if nothing else adds them up. Gives what is left out, and
/// takes their sums from the system.
pub(super) fn roll_up(system: &mut System) -> Vec<Shown> {
    let mut shown = vec![Shown::Number; system.cells.len()];
    let mut as_total: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut as_part: HashMap<usize, Vec<usize>> = HashMap::new();
    for (e, equation) in system.equations.iter().enumerate() {
        as_total.entry(equation.total).or_default().push(e);
        for part in &equation.parts {
            as_part.entry(*part).or_default().push(e);
        }
    }
    for equation in &system.equations {
        let total = &system.cells[equation.total];
        let nonzero = equation.parts.iter().filter(|part| system.cells[**part].value > 0).count();
        if !total.is_primary() || nonzero < 2 || shown[equation.total] == Shown::LeftOut {
            continue;
        }
        let mut finer = equation.parts.clone();
        let mut next = 0;
        while next < finer.len() {
            for e in as_total.get(&finer[next]).into_iter().flatten() {
                finer.extend(&system.equations[*e].parts);
            }
            next += 1;
        }
        finer.sort_unstable();
        finer.dedup();
        let within = |cell: usize| cell == equation.total || finer.binary_search(&cell).is_ok();
        let alone = finer.iter().all(|cell| {
            as_part.get(cell).into_iter().flatten().all(|e| within(system.equations[*e].total))
                && system.cells[*cell].known.is_none()
        });
        if alone {
            for cell in finer {
                shown[cell] = Shown::LeftOut;
            }
        }
    }
    system.equations.retain(|e| e.parts.iter().all(|part| shown[*part] != Shown::LeftOut));
    shown
}

/// Sums of rows as equations of cells.
pub(super) fn equations(sums: Vec<Sum>) -> impl Iterator<Item = Equation> {
    sums.into_iter().map(|sum| Equation { total: sum.total, parts: sum.parts })
}
