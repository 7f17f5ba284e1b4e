//! All tables of a brief together: what is printed in one must not give away what another hides.
//!
//! What always holds: a number that stands in several tables is one cell, and is hidden in all of them or in none; where a
//! measure of a row is hidden, so are its shares and medians; rows that no marks could hide are left out (rolled up), so a
//! row that is there tells its number or its mark.
//!
//! The sums: those of each table; the total of each month, which `reports_month`, `county_month`, `setting_month` and
//! `agency_month` share; arrests and detainers, which stand in two tables each; courthouses, which are a setting. Where one
//! number can only be a part of another (arrests of reports, a month of its quarter), what lies between is a cell that is
//! printed nowhere.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemas::taxonomy::{CodeAxis, EventClass, EventKind};
use schemas::time::Month;

use super::grid::Grid;
use super::protect::protect;
use super::system::{COST, Cell as Counted, Equation, Shown, System};
use super::{Cell, K_PEOPLE, K_PLACE, ProtectedRow, ProtectedTable, Scope, threshold};
use crate::results::{ALL, Row, Table, Value};

/// A number without a place is hidden only where nothing else helps.
const WITHOUT_PLACE: u64 = 30 * COST;
/// A row left out, in hidden cells.
const LEFT_OUT: u64 = 20 * COST;

/// What a brief may print.
#[derive(Debug, Clone, PartialEq)]
pub struct ProtectedTables {
    pub tables: Vec<ProtectedTable>,
    /// Tables that have data and show none, because they could not be protected.
    pub withheld: Vec<&'static str>,
}

/// Hides what must not be printed of a brief's tables.
#[must_use]
pub fn protect_all(tables: &[Table], scope: Scope) -> ProtectedTables {
    let mut joined = Joined::new(tables, scope);
    joined.roll_up();
    joined.cells();
    joined.sums_of_tables();
    joined.sums_between_tables();
    joined.protect()
}

/// Where a cell stands: table, row, measure.
type Place = (usize, usize, usize);

#[derive(Debug)]
struct Joined<'a> {
    tables: &'a [Table],
    scope: Scope,
    /// For each table its rows that are not printed.
    out: Vec<Vec<bool>>,
    system: System,
    cell_at: HashMap<Place, usize>,
    /// For each table its rows by their keys.
    rows: Vec<HashMap<Vec<&'a str>, usize>>,
}

/// The cell that is printed in two places: hidden where either must be, and as hard to hide as the harder.
fn together(a: Counted, b: Counted) -> Counted {
    match (a.known, b.known) {
        (Some(_), _) => b,
        (None, Some(_)) => a,
        (None, None) => Counted {
            k: if b.small_is_hidden { b.k } else { a.k },
            small_is_hidden: a.small_is_hidden || b.small_is_hidden,
            cost: if a.cost == 0 || b.cost == 0 { 0 } else { a.cost.max(b.cost) },
            cost_left_out: 0,
            ..a
        },
    }
}

/// The keys that make sums. A name beside a code is none.
fn key_columns(table: &Table) -> Vec<usize> {
    (0..table.keys.len()).filter(|i| table.keys[*i].name != "county").collect()
}

fn keys_of<'a>(table: &Table, row: &'a Row) -> Vec<&'a str> {
    key_columns(table).into_iter().map(|i| &*row.keys[i]).collect()
}

fn count(row: &Row, measure: usize) -> Option<i64> {
    match row.values.get(measure) {
        Some(Value::Count(n)) => Some(*n),
        _ => None,
    }
}

impl<'a> Joined<'a> {
    fn new(tables: &'a [Table], scope: Scope) -> Self {
        let rows = |table: &'a Table| table.rows.iter().zip(0..).map(|(row, i)| (keys_of(table, row), i)).collect();
        Self {
            tables,
            scope,
            out: tables.iter().map(|table| vec![false; table.rows.len()]).collect(),
            system: System::default(),
            cell_at: HashMap::new(),
            rows: tables.iter().map(rows).collect(),
        }
    }

    fn table(&self, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.name == name)
    }

    fn k(&self, table: usize, row: usize) -> Option<i64> {
        threshold(&self.tables[table], &self.tables[table].rows[row], self.scope)
    }

    /// Sums of a table's rows. In `reports_month` the total is of the kinds of event alone.
    fn sums(&self, table: usize) -> Vec<super::grid::Sum> {
        let of = &self.tables[table];
        let keys = key_columns(of);
        let grid = Grid::new(keys.len(), of.rows.iter().map(|row| keys.iter().map(|i| &*row.keys[*i])));
        let mut sums = grid.sums();
        if of.name == "reports_month" {
            let is_event = |row: usize| {
                let kind = of.rows[row].keys.last().map_or("", |kind| kind);
                EventKind::from_code(kind).is_some_and(|kind| kind.class() == EventClass::Event)
            };
            for sum in &mut sums {
                sum.parts.retain(|part| is_event(*part));
            }
        }
        sums
    }

    /// Leaves out what no marks could hide: the parts of a total below k that is made of several, and all that is finer.
    /// At a courthouse, codes of a place are shown from 2k reports on: below, hiding some would hide the total as well.
    fn roll_up(&mut self) {
        for table in 0..self.tables.len() {
            let of = &self.tables[table];
            let sums = self.sums(table);
            let mut by_total: HashMap<usize, Vec<&super::grid::Sum>> = HashMap::new();
            for sum in &sums {
                by_total.entry(sum.total).or_default().push(sum);
            }
            let along = |sum: &super::grid::Sum| &*of.keys[key_columns(of)[sum.key]].name;
            for sum in &sums {
                let Some(k) = self.k(table, sum.total) else { continue };
                let crosses = match of.name {
                    "courthouse" | "detainer_month" => !matches!(along(sum), "code" | "kind"),
                    _ => false,
                };
                let split = |measure: usize| {
                    let total = count(&of.rows[sum.total], measure).unwrap_or(0);
                    let parts = sum.parts.iter().filter(|part| count(&of.rows[**part], measure).unwrap_or(0) > 0);
                    (1..k).contains(&total) && parts.count() > 1
                };
                if crosses || of.name == "courthouse" || !(0..of.measures.len()).any(split) {
                    continue;
                }
                let mut finer = sum.parts.clone();
                while let Some(row) = finer.pop() {
                    if !std::mem::replace(&mut self.out[table][row], true) {
                        finer.extend(by_total.get(&row).into_iter().flatten().flat_map(|sum| &sum.parts));
                    }
                }
            }
        }
        let Some(table) = self.table("courthouse") else { return };
        let of = &self.tables[table];
        let (columns, rows) = (key_columns(of), &self.rows[table]);
        let at = |name: &str| columns.iter().position(|i| of.keys[*i].name == name);
        let (Some(dimension), Some(code)) = (at("dimension"), at("code")) else { return };
        for (row, of_row) in of.rows.iter().enumerate() {
            let mut keys = keys_of(of, of_row);
            let k = if keys[dimension] == "court_role" { K_PEOPLE } else { K_PLACE };
            if keys[code] == ALL {
                continue;
            }
            (keys[dimension], keys[code]) = ("court_type", ALL);
            let total = rows.get(&keys).and_then(|total| count(&of.rows[*total], 0)).unwrap_or(0);
            self.out[table][row] = (1..2 * k).contains(&total);
        }
    }

    /// A cell for every count; one for those that are the same number.
    fn cells(&mut self) {
        let mut shared: BTreeMap<(&str, String), usize> = BTreeMap::new();
        for (t, table) in self.tables.iter().enumerate() {
            for (r, row) in table.rows.iter().enumerate() {
                for m in 0..table.measures.len() {
                    let Some(value) = count(row, m) else { continue };
                    let key = same_number(table, row, m);
                    let known = key.as_ref().and_then(|key| shared.get(key)).copied();
                    if let Some(cell) = known.filter(|cell| self.system.cells[*cell].value == value) {
                        let (old, new) = (self.system.cells[cell], self.counted(t, r, value));
                        self.system.cells[cell] = together(old, new);
                        self.cell_at.insert((t, r, m), cell);
                        continue;
                    }
                    let cell = self.system.add(self.counted(t, r, value));
                    self.cell_at.insert((t, r, m), cell);
                    if let Some(key) = key {
                        shared.insert(key, cell);
                    }
                }
            }
        }
    }

    fn counted(&self, t: usize, r: usize, value: i64) -> Counted {
        let table = &self.tables[t];
        if self.out[t][r] {
            return Counted::unprinted(value);
        }
        if matches!(table.name, "funnel_month" | "sums") {
            return Counted::fixed(value);
        }
        let k = if is_role_total(table, &table.rows[r]) { Some(K_PLACE) } else { self.k(t, r) };
        let Some(k) = k else {
            return Counted { small_is_hidden: false, cost: WITHOUT_PLACE, ..Counted::printed(value, K_PLACE) };
        };
        let keys = &table.rows[r].keys;
        let alone = matches!(table.name, "courthouse" | "detainer_month");
        let is_sum_of_places = keys.iter().any(|key| key == ALL) && keys.last().is_some_and(|key| key != ALL);
        let cost_left_out = if alone && is_sum_of_places { LEFT_OUT } else { 0 };
        Counted { cost_left_out, ..Counted::printed(value, k) }
    }

    fn sums_of_tables(&mut self) {
        for (t, table) in self.tables.iter().enumerate() {
            let sums = self.sums(t);
            for m in 0..table.measures.len() {
                for sum in &sums {
                    let cell = |row: usize| self.cell_at.get(&(t, row, m)).copied();
                    let Some(total) = cell(sum.total) else { continue };
                    let parts: Vec<usize> = sum.parts.iter().filter_map(|part| cell(*part)).collect();
                    self.system.equations.push(Equation { total, parts });
                }
            }
        }
    }

    fn cell(&self, table: usize, keys: &[&str], measure: usize) -> Option<usize> {
        let row = self.rows[table].get(keys)?;
        self.cell_at.get(&(table, *row, measure)).copied()
    }

    /// `part` is counted in `whole`.
    fn within(&mut self, part: usize, whole: usize) {
        let between = self.system.cells[whole].value - self.system.cells[part].value;
        if part != whole && between >= 0 {
            let between = self.system.add(Counted::unprinted(between));
            self.system.add_sum(whole, vec![part, between]);
        }
    }

    fn sums_between_tables(&mut self) {
        if let Some(table) = self.table("county_month") {
            for row in 0..self.tables[table].rows.len() {
                let (reports, arrests) = (self.cell_at.get(&(table, row, 0)), self.cell_at.get(&(table, row, 1)));
                if let (Some(reports), Some(arrests)) = (reports.copied(), arrests.copied()) {
                    self.within(arrests, reports);
                }
            }
        }
        if let Some(table) = self.table("courthouse") {
            let of = &self.tables[table];
            for row in &of.rows {
                let mut keys = keys_of(of, row);
                let longer = match keys.get(1) {
                    Some(&"month") => "quarter",
                    Some(&"quarter") => "12_months",
                    _ => continue,
                };
                let part = self.cell(table, &keys, 0);
                keys[1] = longer;
                if let (Some(part), Some(whole)) = (part, self.cell(table, &keys, 0)) {
                    self.within(part, whole);
                }
            }
            if let Some(settings) = self.table("setting_month") {
                self.spans_of_settings(table, settings);
            }
        }
        let (funnel, completeness) = (self.table("funnel_month"), self.table("completeness_month"));
        if let (Some(funnel), Some(completeness)) = (funnel, completeness) {
            let mut sources: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (row, of_row) in self.tables[completeness].rows.iter().enumerate() {
                if let Some(cell) = self.cell_at.get(&(completeness, row, 0)) {
                    sources.entry(&of_row.keys[0]).or_default().push(*cell);
                }
            }
            let coded = self.tables[funnel].measures.iter().position(|m| m.name == "coded");
            for (month, parts) in sources {
                if let Some(total) = coded.and_then(|coded| self.cell(funnel, &[month], coded)) {
                    self.system.add_sum(total, parts);
                }
            }
        }
        // A brief for one state has the funnel of the whole installation: there some of these are no sums.
        let cells = &self.system.cells;
        let adds_up = |e: &Equation| e.parts.iter().map(|c| cells[*c].value).sum::<i64>() == cells[e.total].value;
        let mut seen = HashSet::new();
        self.system.equations.retain_mut(|e| {
            e.parts.sort_unstable();
            adds_up(e) && e.parts != [e.total] && seen.insert((e.total, e.parts.clone()))
        });
    }

    /// Month, quarter and twelve months of all courthouses are sums of months of that setting.
    fn spans_of_settings(&mut self, courthouse: usize, settings: usize) {
        for (span, months) in [("month", 1), ("quarter", 3), ("12_months", 12)] {
            let of = &self.tables[courthouse];
            let total = of.rows.iter().map(|row| keys_of(of, row)).find(|keys| {
                matches!(keys[..], [_, s, state, county, _, code] if s == span && [state, county, code] == [ALL; 3])
            });
            let last = self.tables[settings].rows.last().and_then(|row| Month::parse(&row.keys[0]));
            let (Some(total), Some(last)) = (total, last) else { continue };
            let Some(total) = self.cell(courthouse, &total, 0) else { continue };
            let names: Vec<String> = (0..months).map(|i| last.plus(-i).to_string()).collect();
            let parts: Vec<_> =
                names.iter().filter_map(|month| self.cell(settings, &[month.as_str(), "courthouse"], 0)).collect();
            self.system.add_sum(total, parts);
        }
    }

    fn protect(self) -> ProtectedTables {
        let found = protect(&self.system);
        let failed: HashSet<usize> = found.unprotected.iter().copied().collect();
        let mut withheld = Vec::new();
        let tables = self.tables.iter().enumerate().map(|(t, table)| {
            let mut rows = Vec::new();
            let mut is_withheld = false;
            for (r, row) in table.rows.iter().enumerate() {
                let shown = |m: usize| self.cell_at.get(&(t, r, m)).map(|cell| (*cell, found.shown[*cell]));
                let is_failed = (0..row.values.len()).filter_map(shown).any(|(cell, _)| failed.contains(&cell));
                is_withheld |= is_failed;
                let left_out = (0..row.values.len()).filter_map(shown).any(|(_, shown)| shown == Shown::LeftOut);
                if self.out[t][r] || left_out {
                    continue;
                }
                let hides = (0..row.values.len()).filter_map(shown).any(|(_, shown)| shown == Shown::Marked);
                if is_role_total(table, row) && (hides || count(row, 0).is_some_and(|n| (1..K_PEOPLE).contains(&n))) {
                    // The total of a place is no attribute of people: the other dimensions tell it.
                    continue;
                }
                let cell = |(m, value): (usize, &Value)| match (*value, shown(m)) {
                    (Value::Count(_), Some((cell, Shown::Marked))) => {
                        let of = &self.system.cells[cell];
                        if of.is_small() { Cell::Primary { k: of.k } } else { Cell::Complementary }
                    }
                    (Value::Count(n), _) => Cell::Number(n),
                    (Value::Scaled(_), _) if hides => Cell::Complementary,
                    (Value::Scaled(n), _) => Cell::Scaled(n),
                    (Value::Missing, _) => Cell::Missing,
                };
                let cells = row.values.iter().enumerate().map(cell).collect();
                rows.push(ProtectedRow { keys: row.keys.clone(), cells });
            }
            if is_withheld {
                rows.clear();
                withheld.push(table.name);
            }
            ProtectedTable {
                name: table.name,
                description: table.description.clone(),
                keys: table.keys.clone(),
                measures: table.measures.clone(),
                rows,
            }
        });
        let tables = tables.collect();
        ProtectedTables { tables, withheld }
    }
}

/// The total of a place in the table of why people were there.
fn is_role_total(table: &Table, row: &Row) -> bool {
    table.name == "courthouse"
        && row.keys.last().is_some_and(|code| code == ALL)
        && row.keys.iter().any(|k| k == "court_role")
}

/// A name for the number that a cell is, where other tables, or other rows, have the same one.
fn same_number(table: &Table, row: &Row, measure: usize) -> Option<(&'static str, String)> {
    let key = |i: usize| row.keys.get(i).map_or("", |key| key);
    let of_month = |what: &'static str| Some((what, key(0).to_owned()));
    match (table.name, measure) {
        ("reports_month", 0) if key(1) == ALL => of_month("events"),
        ("reports_month", 0) if key(1) == "arrest" => of_month("arrests"),
        ("reports_month", 0) if key(1) == "detainer_or_transfer" => of_month("detainers"),
        ("county_month", 0) if key(1) == ALL && key(2) == ALL => of_month("events"),
        ("county_month", 1) if key(1) == ALL && key(2) == ALL => of_month("arrests"),
        ("setting_month", _) if key(1) == ALL => of_month("events"),
        ("setting_month", _) if key(1) == "courthouse" => of_month("courthouses"),
        ("agency_month", _) if key(2) == ALL => of_month("events"),
        ("detainer_month", _) if key(1) == ALL && key(2) == ALL => of_month("detainers"),
        ("courthouse", _) if key(5) == ALL => {
            // All dimensions have the same total.
            Some(("courthouse", format!("{} {} {}", key(1), key(2), key(3))))
        }
        _ => None,
    }
}
