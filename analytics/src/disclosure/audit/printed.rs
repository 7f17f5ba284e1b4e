//! A printed table: text with marks, read as a reader would.
//!
//! What always holds: an error names row and column and never what stands there.

use std::collections::{BTreeMap, HashMap};

use super::super::table_error::TableError;
use super::bounds::{Bounds, Finding, Puzzle, Unsolved};

const ALL: &str = "all";
/// What a hidden number may be printed as in a table without marks that tell more.
const BARE: [&str; 4] = ["*", "x", "X", "suppressed"];

/// Kinds of report that are no events (interface.md, "A published directory").
const NO_EVENTS: [&str; 4] = ["not_enforcement", "information_request", "communication", "unknown"];

/// What stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Number(i64),
    /// `<k`.
    Below(i64),
    Withheld,
    Bare,
}

fn seen(text: &str) -> Option<Seen> {
    let text = text.trim();
    if let Some(k) = text.strip_prefix('<') {
        return k.trim().parse().ok().filter(|k| *k > 1).map(Seen::Below);
    }
    if text == "withheld" {
        return Some(Seen::Withheld);
    }
    if BARE.contains(&text) {
        return Some(Seen::Bare);
    }
    text.parse().ok().filter(|n| *n >= 0).map(Seen::Number)
}

/// A table as it is printed.
#[derive(Debug)]
pub struct Printed {
    key_names: Vec<String>,
    value_name: String,
    k: i64,
    labels: Vec<String>,
    /// For each row its keys, as places in `labels`; 0 is `all`.
    rows: Vec<Vec<usize>>,
    cells: Vec<Seen>,
    /// Whether the table says of the cell that it is a primary one. None: it has no such column.
    primary: Option<Vec<bool>>,
    /// Whether the table's flag says of the cell that it is hidden.
    hidden_by_flag: Option<Vec<bool>>,
}

/// A sum that a reader knows of.
#[derive(Debug, Clone)]
pub(super) struct Sum {
    pub(super) total: usize,
    along: usize,
    pub(super) parts: Vec<usize>,
}

impl Printed {
    /// Reads a table in CSV.
    pub fn read(text: &[u8], keys: &[String], value: &str, k: i64) -> Result<Self, TableError> {
        let mut reader = csv::ReaderBuilder::new().from_reader(text);
        let unreadable = |error: &csv::Error| {
            let row = error.position().map_or(String::new(), |at| format!(" (line {})", at.line()));
            TableError::Unreadable(format!(
                "the table is no CSV that can be read{row}: each row needs all columns, in UTF-8"
            ))
        };
        let header = reader.headers().map_err(|e| unreadable(&e))?.clone();
        let column = |name: &str| {
            let name_of = |h: &str| h.trim_start_matches('\u{feff}') == name;
            header.iter().position(name_of).ok_or_else(|| TableError::NoColumn(name.to_owned()))
        };
        let key_columns = keys.iter().map(|key| column(key)).collect::<Result<Vec<_>, _>>()?;
        let value_column = column(value)?;
        let flag_column = column(&format!("{value}_flag")).ok();
        let mut places: HashMap<String, usize> = HashMap::from([(ALL.to_owned(), 0)]);
        let mut table = Self {
            key_names: keys.to_vec(),
            value_name: value.to_owned(),
            k,
            labels: vec![ALL.to_owned()],
            rows: Vec::new(),
            cells: Vec::new(),
            primary: flag_column.map(|_| Vec::new()),
            hidden_by_flag: flag_column.map(|_| Vec::new()),
        };
        for record in reader.records() {
            let record = record.map_err(|e| unreadable(&e))?;
            let row = key_columns
                .iter()
                .map(|column| {
                    let label = &record[*column];
                    *places.entry(label.to_owned()).or_insert_with(|| {
                        table.labels.push(label.to_owned());
                        table.labels.len() - 1
                    })
                })
                .collect();
            table.rows.push(row);
            let at = table.rows.len() - 1;
            let cell = seen(&record[value_column]).ok_or_else(|| TableError::NoCount {
                row: at + 1,
                keys: table.name(at),
                column: value.to_owned(),
            })?;
            table.cells.push(cell);
            if let (Some(primary), Some(column)) = (&mut table.primary, flag_column) {
                primary.push(&record[column] == "primary");
            }
            if let (Some(hidden), Some(column)) = (&mut table.hidden_by_flag, flag_column) {
                hidden.push(matches!(&record[column], "primary" | "complementary"));
            }
        }
        let mut before = std::collections::HashSet::new();
        if let Some(row) = table.rows.iter().position(|row| !before.insert(row.clone())) {
            return Err(TableError::Repeated { row: row + 1, keys: table.name(row) });
        }
        Ok(table)
    }

    /// A row's keys, `key=label` each.
    #[must_use]
    pub fn name(&self, row: usize) -> String {
        let pairs = self.key_names.iter().zip(&self.rows[row]);
        pairs.map(|(key, label)| format!("{key}={}", self.labels[*label])).collect::<Vec<_>>().join(", ")
    }

    /// What stands in the table's cell.
    #[must_use]
    pub fn mark(&self, row: usize) -> String {
        match self.cells[row] {
            Seen::Below(k) => format!("<{k}"),
            Seen::Withheld => "withheld".into(),
            Seen::Bare => "hidden".into(),
            Seen::Number(n) => n.to_string(),
        }
    }

    #[must_use]
    pub fn hidden(&self) -> usize {
        self.cells.iter().filter(|cell| !matches!(cell, Seen::Number(_))).count()
    }

    /// The bounds of each hidden cell that stands in the table.
    pub fn audit(&self) -> Result<Vec<Finding>, TableError> {
        if !self.rows.iter().any(|row| row.contains(&0)) {
            return Err(TableError::NoTotals(self.key_names.join(", ")));
        }
        let (puzzle, kept) = self.puzzle(&|_| self.k)?;
        let findings = puzzle.solve(true).map_err(|error| match error {
            Unsolved::Contradiction { sum } => self.does_not_add_up(&kept[sum]),
            Unsolved::Solver(_) | Unsolved::OutOfTime => TableError::Solver(error.to_string()),
        })?;
        Ok(findings.into_iter().filter(|finding| finding.cell < self.rows.len()).collect())
    }

    /// The cells, what is known of each, and their sums. Cells of rows that were left out stand behind the table's own. A
    /// withheld number of a row is as large as `k` says or larger.
    pub(super) fn puzzle(&self, k: &dyn Fn(usize) -> i64) -> Result<(Puzzle, Vec<Sum>), TableError> {
        let mut rows = self.rows.clone();
        let sums = self.sums(&mut rows);
        let mut cells: Vec<Bounds> = self
            .cells
            .iter()
            .enumerate()
            .map(|(row, cell)| match cell {
                Seen::Number(n) => Bounds { low: *n, high: Some(*n) },
                Seen::Below(k) => Bounds { low: 1, high: Some(k - 1) },
                Seen::Withheld => Bounds { low: k(row), high: None },
                Seen::Bare => Bounds { low: 1, high: None },
            })
            .collect();
        cells.resize(rows.len(), Bounds { low: 0, high: None });
        let small = (0..self.cells.len()).filter_map(|row| match self.cells[row] {
            Seen::Below(k) => Some((row, k)),
            Seen::Bare if self.primary.as_ref().is_none_or(|primary| primary[row]) => Some((row, k(row))),
            _ => None,
        });
        let small = small.collect();
        for sum in &sums {
            let all_printed = sum.parts.iter().chain([&sum.total]).all(|cell| cells[*cell].is_known());
            if all_printed && sum.parts.iter().map(|part| cells[*part].low).sum::<i64>() != cells[sum.total].low {
                return Err(self.does_not_add_up(sum));
            }
        }
        let kept = Self::without_repetition(&sums, &cells, self.key_names.len());
        let puzzle = Puzzle { cells, sums: kept.iter().map(|sum| (sum.total, sum.parts.clone())).collect(), small };
        Ok((puzzle, kept))
    }

    /// A row's labels.
    pub(super) fn labels(&self, row: usize) -> Vec<&str> {
        self.rows[row].iter().map(|label| self.labels[*label].as_str()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The number that is printed in a row, if one is.
    pub(super) fn number(&self, row: usize) -> Option<i64> {
        if let Seen::Number(n) = self.cells[row] { Some(n) } else { None }
    }

    /// Numbers that stand where the table itself hides such: those that its own flag calls hidden, then small ones. Of a table
    /// that hides nothing nothing is said, nor of the number of everywhere, which has no place.
    #[must_use]
    pub fn put_back(&self) -> Vec<usize> {
        let number = |row: usize| matches!(self.cells[row], Seen::Number(_));
        let flagged = |row: usize| self.hidden_by_flag.as_ref().is_some_and(|flags| flags[row]);
        let mut found: Vec<usize> = (0..self.cells.len()).filter(|row| number(*row) && flagged(*row)).collect();
        if self.hidden() == 0 {
            return found;
        }
        let totals: Vec<bool> =
            (0..self.key_names.len()).map(|key| self.rows.iter().any(|row| row[key] == 0)).collect();
        let state = self.key_names.iter().position(|name| name == "state");
        let everywhere = |row: usize| {
            let all = self.rows[row].iter().zip(&totals).all(|(label, is_total)| !is_total || *label == 0);
            state.is_some_and(|state| self.rows[row][state] == 0) && all
        };
        let small = |row: usize| matches!(self.cells[row], Seen::Number(n) if (1..self.k).contains(&n));
        found.extend((0..self.cells.len()).filter(|row| small(*row) && !flagged(*row) && !everywhere(*row)));
        found
    }

    /// Printed numbers of which each alone, were it withheld, would leave no hidden number known too well.
    #[must_use]
    pub fn remedies(&self, findings: &[Finding]) -> Vec<usize> {
        /// So many are tried.
        const TRIED: usize = 60;
        let Ok((puzzle, kept)) = self.puzzle(&|_| self.k) else { return Vec::new() };
        let tight = |cell: &usize| findings.iter().any(|finding| finding.too_tight && finding.cell == *cell);
        let mut tried: Vec<usize> = kept
            .iter()
            .flat_map(|sum| {
                let cells = sum.parts.iter().chain([&sum.total]).copied().collect::<Vec<_>>();
                if cells.iter().any(tight) { cells } else { Vec::new() }
            })
            .filter(|cell| *cell < self.len() && self.number(*cell).is_some_and(|n| n >= self.k))
            .collect();
        tried.sort_unstable();
        tried.dedup();
        tried.truncate(TRIED);
        tried.retain(|cell| {
            let mut puzzle = puzzle.clone();
            puzzle.cells[*cell] = Bounds { low: self.k, high: None };
            puzzle.solve(false).is_ok_and(|found| found.iter().all(|finding| !finding.too_tight))
        });
        tried
    }

    fn does_not_add_up(&self, sum: &Sum) -> TableError {
        // A total whose row was left out has no row; then its first part names the place.
        let row = if sum.total < self.rows.len() { sum.total } else { sum.parts[0] };
        TableError::DoesNotAddUp {
            row: row + 1,
            keys: self.name(row),
            column: self.value_name.clone(),
            along: self.key_names[sum.along].clone(),
        }
    }

    /// Whether a row counts in the total along a key. In `event_kind`, `all` is the sum of the kinds of event.
    fn is_part(&self, row: &[usize], along: usize) -> bool {
        row[along] != 0 && !(self.key_names[along] == "event_kind" && NO_EVENTS.contains(&&*self.labels[row[along]]))
    }

    /// The sums that a reader knows of. Rows that were left out, and that count in them, are put behind the others.
    fn sums(&self, rows: &mut Vec<Vec<usize>>) -> Vec<Sum> {
        let is_nonzero = |row: usize| row >= self.cells.len() || self.cells[row] != Seen::Number(0);
        // A total without a row, whose parts and whose neighbours in a larger sum have rows, was left out.
        let mut place: HashMap<Vec<usize>, usize> = rows.iter().cloned().zip(0..).collect();
        let mut lines: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for along in 0..self.key_names.len() {
            for (at, row) in rows.iter().enumerate().filter(|(_, row)| self.is_part(row, along)) {
                let mut total = row.clone();
                total[along] = 0;
                total.push(along);
                lines.entry(total).or_default().push(at);
            }
        }
        let is_line = |lines: &BTreeMap<_, _>, total: &[usize], along: usize| {
            let mut line = total.to_vec();
            line[along] = 0;
            line.push(along);
            lines.contains_key(&line)
        };
        let mut left_out = Vec::new();
        for (line, parts) in &lines {
            let total = &line[..line.len() - 1];
            if place.contains_key(total) || !parts.iter().any(|part| is_nonzero(*part)) {
                continue;
            }
            let counts_elsewhere = (0..total.len()).any(|other| {
                let mut larger = total.to_vec();
                larger[other] = 0;
                total[other] != 0 && place.contains_key(&larger) && is_line(&lines, total, other)
            });
            if counts_elsewhere && !left_out.iter().any(|known| known == total) {
                left_out.push(total.to_vec());
            }
        }
        // A total that is not 0 and has no parts at all was rolled up: its parts count in other sums, as unknown ones.
        let mut seen_labels: Vec<Vec<usize>> = vec![Vec::new(); self.key_names.len()];
        for row in rows.iter() {
            for (labels, label) in seen_labels.iter_mut().zip(row) {
                if *label != 0 {
                    labels.push(*label);
                }
            }
        }
        for labels in &mut seen_labels {
            labels.sort_unstable();
            labels.dedup();
        }
        for (at, row) in rows.iter().enumerate().filter(|(at, _)| is_nonzero(*at)) {
            for along in (0..row.len()).filter(|along| row[*along] == 0) {
                let mut line = row.clone();
                line.push(along);
                if lines.contains_key(&line) || at >= self.cells.len() {
                    continue;
                }
                for label in &seen_labels[along] {
                    let mut part = row.clone();
                    part[along] = *label;
                    let counts = (0..part.len()).any(|other| {
                        let mut larger = part.clone();
                        larger[other] = 0;
                        other != along
                            && part[other] != 0
                            && place.contains_key(&larger)
                            && is_line(&lines, &part, other)
                    });
                    if counts && !place.contains_key(&part) {
                        left_out.push(part);
                    }
                }
            }
        }
        left_out.sort_unstable();
        left_out.dedup();
        for row in left_out {
            place.insert(row.clone(), rows.len());
            rows.push(row);
        }
        let mut sums = Vec::new();
        for along in 0..self.key_names.len() {
            let mut lines: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
            for (at, row) in rows.iter().enumerate().filter(|(_, row)| self.is_part(row, along)) {
                let mut total = row.clone();
                total[along] = 0;
                lines.entry(total).or_default().push(at);
            }
            for (total, parts) in lines {
                if let Some(total) = place.get(&total) {
                    // Parts that are all left out say nothing.
                    if parts.iter().any(|part| *part < self.cells.len()) {
                        sums.push(Sum { total: *total, along, parts });
                    }
                }
            }
        }
        sums
    }

    /// Without the sums along one key that follow from those along another: where a total is one along both, and its parts
    /// along either are totals along the other. The key is the one with
    /// which most cells come to stand in two sums at most.
    fn without_repetition(sums: &[Sum], cells: &[Bounds], keys: usize) -> Vec<Sum> {
        let place: HashMap<(usize, usize), usize> =
            sums.iter().enumerate().map(|(i, sum)| ((sum.total, sum.along), i)).collect();
        let is_total = |cell: usize, along: usize| {
            place.contains_key(&(cell, along)) || cells[cell] == Bounds { low: 0, high: Some(0) }
        };
        let follows = |sum: &Sum| {
            (0..keys).filter(|other| *other != sum.along).any(|other| {
                place.get(&(sum.total, other)).is_some_and(|twin| {
                    sums[*twin].parts.iter().all(|part| is_total(*part, sum.along))
                        && sum.parts.iter().all(|part| is_total(*part, other))
                })
            })
        };
        let going: Vec<bool> = sums.iter().map(follows).collect();
        let without = |last: usize| {
            let stays = |(sum, going): &(&Sum, &bool)| !(**going && sum.along == last);
            sums.iter().zip(&going).filter(stays).map(|(sum, _)| sum.clone()).collect::<Vec<_>>()
        };
        let in_many = |sums: &[Sum]| {
            let mut times = vec![0u32; cells.len()];
            for cell in sums.iter().flat_map(|sum| sum.parts.iter().chain([&sum.total])) {
                times[*cell] += 1;
            }
            times.iter().filter(|n| **n > 2).count()
        };
        (0..keys).map(without).min_by_key(|sums| in_many(sums)).unwrap_or_default()
    }
}
