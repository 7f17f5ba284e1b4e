//! The tables of a brief together, from their printed text alone.
//!
//! What always holds: a number that stands in several tables is one cell here, told apart by its identity and not by its value;
//! nothing of the protector is used.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::super::earlier::{Earlier, Told};
use super::super::table_error::TableError;
use super::bounds::{Bounds, Puzzle, Unsolved};
use super::printed::Printed;

const ALL: &str = "all";
const POOLED: &str = "pooled";

/// A table that is audited: its keys and the counts in it.
struct Shape {
    name: &'static str,
    keys: &'static [&'static str],
    counts: &'static [&'static str],
}

const SHAPES: [Shape; 9] = [
    Shape {
        name: "reports_month",
        keys: &["month", "event_kind"],
        counts: &["reports", "persons_arrested_min", "persons_arrested_max"],
    },
    Shape { name: "county_month", keys: &["month", "state", "county_fips"], counts: &["reports", "arrests"] },
    Shape { name: "tactic_month", keys: &["month", "tactic"], counts: &["reports"] },
    Shape { name: "tactic_pairs", keys: &["period", "tactic_a", "tactic_b"], counts: &["reports"] },
    Shape { name: "setting_month", keys: &["month", "setting"], counts: &["reports"] },
    Shape { name: "agency_month", keys: &["month", "basis", "agency"], counts: &["reports"] },
    Shape { name: "detainer_month", keys: &["month", "state", "kind"], counts: &["reports"] },
    Shape {
        name: "courthouse",
        keys: &["period", "span", "state", "county_fips", "dimension", "code"],
        counts: &["reports"],
    },
    Shape { name: "completeness_month", keys: &["month", "source"], counts: &["reports"] },
];

/// From which number on a row's numbers are printed (domain.md, "Disclosure"). None: from 1.
fn threshold(table: &str, keys: &[&str], one_state: bool) -> Option<i64> {
    let everywhere = !one_state && keys.get(1) == Some(&ALL);
    match (table, keys) {
        ("county_month", _) if everywhere => None,
        ("detainer_month", [.., kind]) if everywhere && *kind == ALL => None,
        ("courthouse", [_, _, state, _, _, code]) if !one_state && *state == ALL && *code == ALL => None,
        ("courthouse", [_, _, _, _, dimension, code]) if *dimension == "court_role" && *code != ALL => Some(11),
        ("county_month" | "detainer_month" | "courthouse", _) => Some(5),
        ("completeness_month", [.., source]) if *source != POOLED => Some(5),
        _ if one_state => Some(5),
        _ => None,
    }
}

/// The name of a number that stands in more than one place.
fn identity(table: &str, count: &str, keys: &[&str]) -> Option<String> {
    let of = |what: &str, when: &str| Some(format!("{what} {when}"));
    match (table, count, keys) {
        ("reports_month", "reports", [month, kind]) if *kind == ALL => of("events", month),
        ("reports_month", "reports", [month, "arrest"]) => of("arrests", month),
        ("reports_month", "reports", [month, "detainer_or_transfer"]) => of("detainers", month),
        ("county_month", "reports", [month, state, _]) if *state == ALL => of("events", month),
        ("county_month", "arrests", [month, state, _]) if *state == ALL => of("arrests", month),
        ("setting_month", _, [month, setting]) if *setting == ALL => of("events", month),
        ("agency_month", _, [month, _, agency]) if *agency == ALL => of("events", month),
        ("detainer_month", _, [month, state, kind]) if *state == ALL && *kind == ALL => of("detainers", month),
        ("courthouse", _, [_, span, state, county, _, code]) if *code == ALL => {
            Some(format!("courthouse {span} {state} {county}"))
        }
        _ => None,
    }
}

/// A cell that tells too much.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Leak {
    #[error("{table}: {keys}, column {column}: a number below the threshold of {k} is printed")]
    Printed { table: &'static str, keys: String, column: &'static str, k: i64 },
    #[error("{table}: {keys}, column {column}: the hidden number can be worked out more closely than 1 to {}", k - 1)]
    Known { table: &'static str, keys: String, column: &'static str, k: i64 },
    #[error("tables/{table}.csv: {error}")]
    Table { table: &'static str, error: TableError },
    #[error("{table}: {keys}, column {column}: no numbers fit what is printed")]
    Contradiction { table: &'static str, keys: String, column: &'static str },
    #[error("the audit was not done within {0} seconds")]
    OutOfTime(u64),
    #[error("the audit could not be done: {0}")]
    Solver(String),
}

/// What was audited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audited {
    /// Cells marked `<k`.
    pub primary: usize,
    pub hidden: usize,
    pub sums: usize,
}

/// Where a cell stands first.
#[derive(Debug, Clone, Copy)]
struct At {
    shape: usize,
    count: usize,
    row: usize,
}

#[derive(Default)]
struct Joined {
    puzzle: Puzzle,
    at: Vec<At>,
    named: HashMap<String, usize>,
    /// For each table and count its rows' cells.
    cells: BTreeMap<(usize, usize), Vec<usize>>,
    tables: BTreeMap<(usize, usize), Printed>,
    /// Places of rows by table and labels.
    rows: HashMap<(usize, Vec<String>), usize>,
}

impl Joined {
    fn narrow(&mut self, cell: usize, told: Bounds) {
        let of = &mut self.puzzle.cells[cell];
        of.low = of.low.max(told.low);
        of.high = match (of.high, told.high) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    fn cell(&self, table: &str, keys: &[&str], count: usize) -> Option<usize> {
        let shape = SHAPES.iter().position(|shape| shape.name == table)?;
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let row = self.rows.get(&(shape, keys))?;
        self.cells.get(&(shape, count))?.get(*row).copied()
    }

    /// One number is counted in another.
    fn within(&mut self, part: usize, whole: usize) {
        if part != whole {
            let between = self.free();
            self.puzzle.sums.push((whole, vec![part, between]));
        }
    }

    /// A number that is printed nowhere.
    fn free(&mut self) -> usize {
        self.puzzle.cells.push(Bounds { low: 0, high: None });
        self.at.push(At { shape: 0, count: 0, row: usize::MAX });
        self.puzzle.cells.len() - 1
    }

    fn add(&mut self, shape: usize, count: usize, text: &[u8], one_state: bool) -> Result<(), TableError> {
        let of = &SHAPES[shape];
        let names: Vec<String> = of.keys.iter().map(|key| (*key).to_owned()).collect();
        let printed = Printed::read(text, &names, of.counts[count], 5)?;
        let k = |row: usize| threshold(of.name, &printed.labels(row), one_state).unwrap_or(5);
        let (puzzle, _) = printed.puzzle(&k)?;
        let mut place = Vec::with_capacity(puzzle.cells.len());
        for (row, bounds) in puzzle.cells.iter().enumerate() {
            let name =
                if row < printed.len() { identity(of.name, of.counts[count], &printed.labels(row)) } else { None };
            let known = name.as_ref().and_then(|name| self.named.get(name)).copied();
            let cell = known.unwrap_or_else(|| {
                self.puzzle.cells.push(*bounds);
                self.at.push(At { shape, count, row: if row < printed.len() { row } else { usize::MAX } });
                self.puzzle.cells.len() - 1
            });
            self.narrow(cell, *bounds);
            if let Some(name) = name {
                self.named.insert(name, cell);
            }
            place.push(cell);
        }
        for (total, parts) in puzzle.sums {
            self.puzzle.sums.push((place[total], parts.into_iter().map(|part| place[part]).collect()));
        }
        self.puzzle.small.extend(puzzle.small.into_iter().map(|(row, k)| (place[row], k)));
        for row in 0..printed.len() {
            let labels = printed.labels(row).into_iter().map(str::to_owned).collect();
            self.rows.insert((shape, labels), row);
        }
        place.truncate(printed.len());
        self.cells.insert((shape, count), place);
        self.tables.insert((shape, count), printed);
        Ok(())
    }

    /// The sums between tables.
    fn between(&mut self, funnel: Option<&Printed>, one_state: bool) {
        let shape_of = |name: &str| SHAPES.iter().position(|shape| shape.name == name).unwrap_or(0);
        let counties = shape_of("county_month");
        if let (Some(reports), Some(arrests)) =
            (self.cells.get(&(counties, 0)).cloned(), self.cells.get(&(counties, 1)).cloned())
        {
            for (reports, arrests) in reports.into_iter().zip(arrests) {
                self.within(arrests, reports);
            }
        }
        let courthouse = shape_of("courthouse");
        let mut pairs = Vec::new();
        let mut spans = Vec::new();
        if let Some(printed) = self.tables.get(&(courthouse, 0)) {
            for row in 0..printed.len() {
                let mut keys = printed.labels(row);
                let part = self.cell("courthouse", &keys, 0);
                let longer = match keys[1] {
                    "month" => Some("quarter"),
                    "quarter" => Some("12_months"),
                    _ => None,
                };
                if let Some(longer) = longer {
                    keys[1] = longer;
                    pairs.extend(part.zip(self.cell("courthouse", &keys, 0)));
                }
            }
            // Month, quarter and twelve months of everywhere are sums of months of that setting.
            if let Some(settings) = self.tables.get(&(shape_of("setting_month"), 0)) {
                let mut months: Vec<&str> = (0..settings.len()).map(|row| settings.labels(row)[0]).collect();
                months.sort_unstable();
                months.dedup();
                for (span, of) in [("month", 1), ("quarter", 3), ("12_months", 12)] {
                    let total = self.named.get(&format!("courthouse {span} {ALL} {ALL}")).copied();
                    let last = months.iter().rev().take(of);
                    let parts: Option<Vec<usize>> =
                        last.map(|month| self.cell("setting_month", &[month, "courthouse"], 0)).collect();
                    if let (Some(total), Some(parts)) = (total, parts.filter(|parts| parts.len() == of)) {
                        spans.push((total, parts));
                    }
                }
            }
        }
        for (part, whole) in pairs {
            self.within(part, whole);
        }
        self.puzzle.sums.extend(spans);
        // What all sources sent is what was coded. In a brief for one state the funnel is of everywhere.
        let completeness = shape_of("completeness_month");
        if let (Some(funnel), Some(printed), false) = (funnel, self.tables.get(&(completeness, 0)), one_state) {
            let mut months: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (row, cell) in self.cells[&(completeness, 0)].iter().enumerate() {
                months.entry(printed.labels(row)[0]).or_default().push(*cell);
            }
            let mut sums = Vec::new();
            for row in 0..funnel.len() {
                if let (Some(parts), Some(n)) = (months.remove(funnel.labels(row)[0]), funnel.number(row)) {
                    sums.push((n, parts));
                }
            }
            for (n, parts) in sums {
                let total = self.free();
                self.puzzle.cells[total] = Bounds { low: n, high: Some(n) };
                self.puzzle.sums.push((total, parts));
            }
        }
    }

    fn name(&self, cell: usize) -> (&'static str, String, &'static str) {
        let At { shape, count, row } = self.at[cell];
        let keys = self.tables.get(&(shape, count)).filter(|_| row != usize::MAX).map(|printed| printed.name(row));
        (SHAPES[shape].name, keys.unwrap_or_else(|| "a number between tables".into()), SHAPES[shape].counts[count])
    }
}

/// What a reader can work out from the tables of one brief, and from what earlier ones told of the same numbers. Err: the first
/// cells that tell too much, small printed ones before all others.
pub fn audit(
    tables: &[(&str, &[u8])],
    one_state: bool,
    earlier: &Earlier,
    limit: Duration,
) -> Result<Audited, Vec<Leak>> {
    let until = Instant::now().checked_add(limit);
    let mut joined = Joined::default();
    let text_of = |name: &str| tables.iter().find(|(table, _)| *table == name).map(|(_, text)| *text);
    for (shape, of) in SHAPES.iter().enumerate() {
        let Some(text) = text_of(of.name) else { continue };
        for count in 0..of.counts.len() {
            let added = joined.add(shape, count, text, one_state);
            added.map_err(|error| vec![Leak::Table { table: of.name, error }])?;
        }
    }
    let mut printed = Vec::new();
    for ((shape, count), table) in &joined.tables {
        let of = &SHAPES[*shape];
        for row in 0..table.len() {
            let (Some(n), Some(k)) = (table.number(row), threshold(of.name, &table.labels(row), one_state)) else {
                continue;
            };
            if (1..k).contains(&n) {
                printed.push(Leak::Printed { table: of.name, keys: table.name(row), column: of.counts[*count], k });
            }
        }
    }
    if !printed.is_empty() {
        return Err(printed);
    }
    let month = ["month".to_owned()];
    let funnel = text_of("funnel_month").and_then(|text| Printed::read(text, &month, "coded", 5).ok());
    joined.between(funnel.as_ref(), one_state);
    for (table, keys, column, told) in earlier.all_told() {
        let Some(shape) = SHAPES.iter().find(|shape| shape.name == table) else { continue };
        let Some(count) = shape.counts.iter().position(|count| *count == column) else { continue };
        // The name of a county is no key here.
        let keys: Vec<&str> = keys.iter().take(shape.keys.len()).map(String::as_str).collect();
        let Some(cell) = joined.cell(table, &keys, count) else { continue };
        let k = threshold(table, &keys, one_state).unwrap_or(5);
        joined.narrow(
            cell,
            match told {
                Told::Number(n) => Bounds { low: n, high: Some(n) },
                Told::Below(k) => Bounds { low: 1, high: Some(k - 1) },
                Told::Withheld => Bounds { low: k, high: None },
            },
        );
    }
    // What stands in several tables was marked in each.
    joined.puzzle.small.sort_unstable();
    joined.puzzle.small.dedup();
    let hidden = joined.tables.values().map(Printed::hidden).sum();
    let solved = joined.puzzle.solve_until(false, until).map_err(|error| {
        vec![match error {
            Unsolved::OutOfTime => Leak::OutOfTime(limit.as_secs()),
            Unsolved::Solver(what) => Leak::Solver(what),
            Unsolved::Contradiction { sum } => {
                let (table, keys, column) = joined.name(joined.puzzle.sums[sum].0);
                Leak::Contradiction { table, keys, column }
            }
        }]
    })?;
    let k_of: HashMap<usize, i64> = joined.puzzle.small.iter().copied().collect();
    let known: Vec<Leak> = solved
        .iter()
        .filter(|finding| finding.too_tight)
        .map(|finding| {
            let (table, keys, column) = joined.name(finding.cell);
            Leak::Known { table, keys, column, k: k_of.get(&finding.cell).copied().unwrap_or(5) }
        })
        .collect();
    if !known.is_empty() {
        return Err(known);
    }
    Ok(Audited { primary: joined.puzzle.small.len(), hidden, sums: joined.puzzle.sums.len() })
}
