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

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schemas::time::Month;

use super::earlier::{Earlier, Told};
use super::grid::Grid;
use super::protect::{Protection, protect};
use super::system::{COST, Cell as Counted, Equation, Range, Shown, System};
use super::{Cell, K_PEOPLE, K_PLACE, ProtectedRow, ProtectedTable, Scope, threshold};
use crate::results::{ALL, Row, Table, Value};

/// A number without a place is hidden only where nothing else helps.
const WITHOUT_PLACE: u64 = 30 * COST;
/// A row left out, in hidden cells.
const LEFT_OUT: u64 = 20 * COST;

/// How many times dearer it is to hide a number that an earlier brief printed.
const STOOD: u64 = 3;

/// Tables of places, whose total of everywhere is a number without a place.
const PLACES: [&str; 3] = ["county_month", "detainer_month", "courthouse"];

/// What a brief may print.
#[derive(Debug, Clone, PartialEq)]
pub struct ProtectedTables {
    pub tables: Vec<ProtectedTable>,
    /// Tables that have data and show none, because they could not be protected.
    pub withheld: Vec<&'static str>,
    /// The cells that could not be: table and keys, never a number.
    pub unprotected: Vec<String>,
}

/// Hides what must not be printed of a brief's tables.
#[must_use]
pub fn protect_all(tables: &[Table], scope: Scope) -> ProtectedTables {
    protect_after(tables, scope, &Earlier::default())
}

/// The same, where earlier briefs are out.
#[must_use]
pub fn protect_after(tables: &[Table], scope: Scope, earlier: &Earlier) -> ProtectedTables {
    let mut coarser = Coarser::default();
    loop {
        let mut joined = Joined::new(tables, scope, earlier, &coarser);
        joined.roll_up();
        joined.cells();
        joined.sums_of_tables();
        joined.sums_between_tables();
        let found = protect(&joined.system);
        let too_fine = joined.too_fine(&found);
        if too_fine.is_within(&coarser) {
            return joined.printed(&found);
        }
        drop(joined);
        coarser.levels.extend(too_fine.levels);
        coarser.splits.extend(too_fine.splits);
    }
}

/// What of `courthouse` is left out because its small numbers could not be hidden: what earlier briefs printed cannot be
/// hidden again. The rest of the table can stand then.
#[derive(Debug, Default)]
struct Coarser {
    /// Codes of all places of a kind: span, dimension, what the places are part of.
    levels: BTreeSet<[String; 3]>,
    /// Places with all their codes: span, what they are part of.
    splits: BTreeSet<[String; 2]>,
}

impl Coarser {
    fn is_within(&self, other: &Self) -> bool {
        self.levels.is_subset(&other.levels) && self.splits.is_subset(&other.splits)
    }
}

/// Where a cell stands: table, row, measure.
type Place = (usize, usize, usize);

#[derive(Debug)]
struct Joined<'a> {
    tables: &'a [Table],
    scope: Scope,
    earlier: &'a Earlier,
    coarser: &'a Coarser,
    /// For each table its rows that are not printed.
    out: Vec<Vec<bool>>,
    system: System,
    cell_at: HashMap<Place, usize>,
    /// Rows that may be left out for other cells' sake: sums over places of which some are printed, in tables of one measure.
    spare: HashSet<(usize, usize)>,
    /// For each table its rows by their keys.
    rows: Vec<HashMap<Vec<&'a str>, usize>>,
}

/// What a place is part of: a state of everywhere, a county of its state.
fn whole_of<'a>(state: &'a str, county: &str) -> &'a str {
    if county == ALL { ALL } else { state }
}

/// Cells of all places of one kind.
#[derive(Debug, Default)]
struct Level {
    nonzero: u32,
    /// Of which that many could be printed.
    large: u32,
    /// Some place has a small total of several codes.
    is_split: bool,
}

/// The cell that is printed in two places: hidden where either must be, and as hard to hide as the harder.
fn together(a: Counted, b: Counted) -> Counted {
    match (a.known, b.known) {
        (Some(_), _) => Counted { before: a.before.and(b.before), ..b },
        (None, Some(_)) => Counted { before: a.before.and(b.before), ..a },
        (None, None) => Counted {
            before: a.before.and(b.before),
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
    fn new(tables: &'a [Table], scope: Scope, earlier: &'a Earlier, coarser: &'a Coarser) -> Self {
        let rows = |table: &'a Table| table.rows.iter().zip(0..).map(|(row, i)| (keys_of(table, row), i)).collect();
        Self {
            tables,
            scope,
            earlier,
            coarser,
            out: tables.iter().map(|table| vec![false; table.rows.len()]).collect(),
            system: System::default(),
            cell_at: HashMap::new(),
            spare: HashSet::new(),
            rows: tables.iter().map(rows).collect(),
        }
    }

    fn table(&self, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.name == name)
    }

    fn k(&self, table: usize, row: usize) -> Option<i64> {
        threshold(&self.tables[table], &self.tables[table].rows[row], self.scope)
    }

    /// Sums of a table's rows.
    fn sums(&self, table: usize) -> Vec<super::grid::Sum> {
        let of = &self.tables[table];
        let keys = key_columns(of);
        let names: Vec<&str> = keys.iter().map(|i| &*of.keys[*i].name).collect();
        Grid::new(&names, of.rows.iter().map(|row| keys.iter().map(|i| &*row.keys[*i]))).sums()
    }

    /// Leaves out what no marks could hide: the parts of a total below k that is made of several, and all that is finer.
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
                // A small number without a place is printed as it is: then nothing finer is.
                let is_open = self.k(table, sum.total).is_none() && PLACES.contains(&of.name);
                let Some(k) = self.k(table, sum.total).or(is_open.then_some(K_PLACE)) else { continue };
                let crosses = match of.name {
                    "courthouse" | "detainer_month" => !matches!(along(sum), "code" | "kind"),
                    _ => false,
                } && !is_open;
                let split = |measure: usize| {
                    let total = count(&of.rows[sum.total], measure).unwrap_or(0);
                    let parts = sum.parts.iter().filter(|part| count(&of.rows[**part], measure).unwrap_or(0) > 0);
                    (1..k).contains(&total) && parts.count() > usize::from(!is_open)
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
        self.roll_up_detainers();
        self.roll_up_courthouses();
    }

    /// Where the kinds of one state are rolled up, those of all states of that month are: else the sums would lack parts.
    fn roll_up_detainers(&mut self) {
        let Some(table) = self.table("detainer_month") else { return };
        let rows = &self.tables[table].rows;
        let months: HashSet<&str> =
            rows.iter().zip(&self.out[table]).filter(|(_, out)| **out).map(|(row, _)| &*row.keys[0]).collect();
        for (out, row) in self.out[table].iter_mut().zip(rows) {
            let of_a_state = row.keys.get(1).is_some_and(|state| state != ALL);
            *out |= of_a_state && row.keys.last().is_some_and(|kind| kind != ALL) && months.contains(&*row.keys[0]);
        }
    }

    /// Counties where a state's total is small and of several; then the codes of all states, or of all counties of a state, of
    /// which fewer than half could be printed. What a smaller place, or a shorter span, cannot show is shown of a larger one.
    fn roll_up_courthouses(&mut self) {
        let Some(table) = self.table("courthouse") else { return };
        let of = &self.tables[table];
        let split_at: HashSet<(&str, &str)> = {
            let mut parts: HashMap<(&str, &str), (i64, u32)> = HashMap::new();
            for row in &of.rows {
                let keys = keys_of(of, row);
                let [_, span, state, county, "court_type", ALL] = keys[..] else { continue };
                if state == ALL {
                    continue;
                }
                let n = count(row, 0).unwrap_or(0);
                let entry = parts.entry((span, whole_of(state, county))).or_default();
                *entry = (entry.0 + n, entry.1 + u32::from(n > 0));
            }
            // Everywhere's own small number is printed as it is, so nothing finer is.
            let least = |whole: &str| if whole == ALL && self.scope == Scope::Everywhere { 1 } else { 2 };
            let small = |((_, whole), (total, nonzero)): &((&str, &str), (i64, u32))| {
                *nonzero >= least(whole) && *total < K_PLACE
            };
            let asked = self.coarser.splits.iter().map(|[span, whole]| (span.as_str(), whole.as_str()));
            parts.into_iter().filter(small).map(|(at, _)| at).chain(asked).collect()
        };
        // What is shown of one state is shown of all, and so with the counties of a state: else sums would lack parts.
        let mut levels: HashMap<[&str; 3], Level> = HashMap::new();
        let mut lines: HashMap<[&str; 4], (u32, i64)> = HashMap::new();
        for row in &of.rows {
            let [_, span, state, county, dimension, code] = keys_of(of, row)[..] else { continue };
            let n = count(row, 0).unwrap_or(0);
            if code == ALL || state == ALL || n == 0 {
                continue;
            }
            let k = if dimension == "court_role" { K_PEOPLE } else { K_PLACE };
            let level = levels.entry([span, dimension, whole_of(state, county)]).or_default();
            level.nonzero += 1;
            level.large += u32::from(n >= k);
            let line = lines.entry([span, state, county, dimension]).or_default();
            *line = (line.0 + 1, line.1 + n);
        }
        for ([span, state, county, dimension], (codes, total)) in lines {
            if let Some(level) = levels.get_mut(&[span, dimension, whole_of(state, county)]) {
                level.is_split |= codes > 1 && total < K_PLACE;
            }
        }
        for (out, row) in self.out[table].iter_mut().zip(&of.rows) {
            let [_, span, state, county, dimension, code] = keys_of(of, row)[..] else { continue };
            let is_split = split_at.contains(&(span, ALL)) && (state != ALL || code != ALL)
                || split_at.contains(&(span, state)) && state != ALL && county != ALL;
            let at = [span, dimension, whole_of(state, county)];
            let is_sparse = state != ALL
                && (levels.get(&at).is_some_and(|l| 2 * l.large < l.nonzero || l.is_split)
                    || self.coarser.levels.contains(&at.map(str::to_owned)));
            // The total of a place stands with the other dimensions too; that of why people were there goes with its codes.
            *out = is_split || is_sparse && (code != ALL || dimension == "court_role");
        }
    }

    /// A cell for every count; one for those that are the same number.
    fn cells(&mut self) {
        for (t, table) in self.tables.iter().enumerate() {
            if !matches!(table.name, "courthouse" | "detainer_month") {
                continue;
            }
            for sum in self.sums(t) {
                let code = table.rows[sum.total].keys.last().is_some_and(|code| code != ALL);
                let printed = |part: &usize| !self.out[t][*part] && count(&table.rows[*part], 0).unwrap_or(0) > 0;
                if code && sum.parts.iter().any(printed) {
                    self.spare.insert((t, sum.total));
                }
            }
        }
        let mut shared: BTreeMap<(&str, String), usize> = BTreeMap::new();
        for (t, table) in self.tables.iter().enumerate() {
            for (r, row) in table.rows.iter().enumerate() {
                for m in 0..table.measures.len() {
                    let Some(value) = count(row, m) else { continue };
                    let key = same_number(table, row, m);
                    let known = key.as_ref().and_then(|key| shared.get(key)).copied();
                    if let Some(cell) = known.filter(|cell| self.system.cells[*cell].value == value) {
                        let (old, new) = (self.system.cells[cell], self.counted(t, r, m, value));
                        self.system.cells[cell] = together(old, new);
                        self.cell_at.insert((t, r, m), cell);
                        continue;
                    }
                    let cell = self.system.add(self.counted(t, r, m, value));
                    self.cell_at.insert((t, r, m), cell);
                    if let Some(key) = key {
                        shared.insert(key, cell);
                    }
                }
            }
        }
    }

    fn counted(&self, t: usize, r: usize, m: usize, value: i64) -> Counted {
        let (table, row) = (&self.tables[t], &self.tables[t].rows[r]);
        let k = self.k(t, r).map(|k| if is_role_total(table, row) { K_PLACE } else { k });
        let told = self.earlier.told(table, row, m);
        let before = told.map_or(Range::COUNT, |told| told.range(k.unwrap_or(K_PLACE)));
        if self.out[t][r] {
            return Counted { before, ..Counted::unprinted(value) };
        }
        if matches!(table.name, "funnel_month" | "sums") || told == Some(Told::Number(value)) {
            return Counted::fixed(value);
        }
        let Some(k) = k else {
            let printed = Counted { small_is_hidden: false, cost: WITHOUT_PLACE, ..Counted::printed(value, K_PLACE) };
            return Counted { before, ..printed };
        };
        let cost_left_out = if self.spare.contains(&(t, r)) { LEFT_OUT } else { 0 };
        let printed = Counted::printed(value, k);
        // Who remembers what stood here before could take it for what is hidden now.
        let stood = self.earlier.stood(table, row, m) == Some(value);
        let cost = if stood { STOOD * printed.cost } else { printed.cost };
        Counted { cost, cost_left_out, before, ..printed }
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

    /// What must be left out for cells that could not be hidden.
    fn too_fine(&self, found: &Protection) -> Coarser {
        let mut coarser = Coarser::default();
        let failed: HashSet<usize> = found.unprotected.iter().copied().collect();
        let Some(table) = self.table("courthouse").filter(|_| !failed.is_empty()) else { return coarser };
        let of = &self.tables[table];
        for (r, row) in of.rows.iter().enumerate() {
            let [_, span, state, county, dimension, code] = keys_of(of, row)[..] else { continue };
            if self.out[table][r] || !self.cell_at.get(&(table, r, 0)).is_some_and(|cell| failed.contains(cell)) {
                continue;
            }
            let whole = whole_of(state, county);
            if code != ALL && state != ALL {
                coarser.levels.insert([span, dimension, whole].map(str::to_owned));
            } else {
                coarser.splits.insert([span, whole].map(str::to_owned));
            }
        }
        coarser
    }

    fn printed(self, found: &Protection) -> ProtectedTables {
        let failed: HashSet<usize> = found.unprotected.iter().copied().collect();
        let (mut withheld, mut unprotected) = (Vec::new(), Vec::new());
        let tables = self.tables.iter().enumerate().map(|(t, table)| {
            let mut rows = Vec::new();
            let mut is_withheld = false;
            for (r, row) in table.rows.iter().enumerate() {
                let shown = |m: usize| self.cell_at.get(&(t, r, m)).map(|cell| (*cell, found.shown[*cell]));
                let is_failed = (0..row.values.len()).filter_map(shown).any(|(cell, _)| failed.contains(&cell));
                is_withheld |= is_failed;
                if is_failed {
                    unprotected.push(format!("{}: {}", table.name, row.keys.join(", ")));
                }
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
        ProtectedTables { tables, withheld, unprotected }
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
