//! Any tidy table, in CSV, through the engine: true numbers in, marks and flags out.
//!
//! What always holds: every other column stays as it is; a row is left out only where no marks could hide what it says.

use super::grid::{self, Grid};
use super::protect::protect as protect_system;
use super::system::{COST, Cell, Shown, System};
use super::table_error::TableError;

/// What a row left out costs, in hidden cells.
const LEFT_OUT: u64 = 20 * COST;

/// A protected table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    pub csv: Vec<u8>,
    pub cells: usize,
    pub primary: usize,
    pub complementary: usize,
    /// Keys of the rows that are not in it any more.
    pub left_out: Vec<String>,
    /// Keys of the rows that could not be protected: the table is not to be published.
    pub unprotected: Vec<String>,
}

/// How each cell is to be shown, and which could not be protected.
#[derive(Debug)]
pub struct Plan {
    pub shown: Vec<Shown>,
    pub unprotected: Vec<usize>,
}

/// Protects the values of one table, whose sums are those of its keys. Err: a sum that does not add up.
pub fn plan(grid: &Grid, values: &[i64], k: i64) -> Result<Plan, grid::Sum> {
    let sums = grid.sums();
    let wrong = sums.iter().find(|sum| sum.parts.iter().map(|part| values[*part]).sum::<i64>() != values[sum.total]);
    if let Some(wrong) = wrong {
        return Err(wrong.clone());
    }
    let mut system = System::default();
    for value in values {
        system.add(Cell::printed(*value, k));
    }
    for sum in &sums {
        system.cells[sum.total].cost_left_out = LEFT_OUT;
    }
    system.equations.extend(grid::equations(sums.clone()));
    let rolled_up = grid::roll_up(&mut system);
    let is_out = |row: usize| rolled_up[row] == Shown::LeftOut;
    for cell in (0..values.len()).filter(|row| is_out(*row)) {
        system.cells[cell] = Cell::fixed(0);
    }
    let kept = grid.reduced(&sums).into_iter().filter(|sum| !sum.parts.iter().any(|part| is_out(*part)));
    system.equations = grid::equations(kept.collect()).collect();
    let mut found = protect_system(&system);
    for (shown, rolled_up) in found.shown.iter_mut().zip(&rolled_up) {
        *shown = (*shown).max(*rolled_up);
    }
    Ok(Plan { shown: found.shown, unprotected: found.unprotected })
}

/// Protects a table in CSV.
pub fn protect(text: &[u8], keys: &[String], value: &str, k: i64) -> Result<Protected, TableError> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text);
    let unreadable = |error: &csv::Error| {
        let line = error.position().map_or(String::new(), |at| format!(" (line {})", at.line()));
        TableError::Unreadable(format!(
            "the table is no CSV that can be read{line}: each row needs all columns, in UTF-8"
        ))
    };
    let header = reader.headers().map_err(|e| unreadable(&e))?.clone();
    let column = |name: &str| {
        let found = header.iter().position(|h| h.trim_start_matches('\u{feff}') == name);
        found.ok_or_else(|| TableError::NoColumn(name.to_owned()))
    };
    let key_columns = keys.iter().map(|key| column(key)).collect::<Result<Vec<_>, _>>()?;
    let value_column = column(value)?;
    let flag_name = format!("{value}_flag");
    let old_flag = column(&flag_name).ok();
    let records = reader.records().collect::<Result<Vec<_>, _>>().map_err(|e| unreadable(&e))?;
    let name = |row: usize| {
        let pairs = keys.iter().zip(&key_columns);
        pairs.map(|(key, column)| format!("{key}={}", &records[row][*column])).collect::<Vec<_>>().join(", ")
    };
    let values = records
        .iter()
        .enumerate()
        .map(|(row, record)| {
            record[value_column]
                .trim()
                .parse::<i64>()
                .ok()
                .filter(|n| (0..=1 << 50).contains(n))
                .ok_or_else(|| TableError::NoCount { row: row + 1, keys: name(row), column: value.to_owned() })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    let grid = Grid::new(&names, records.iter().map(|record| key_columns.iter().map(|column| &record[*column])));
    if let Some(row) = grid.repeated() {
        return Err(TableError::Repeated { row: row + 1, keys: name(row) });
    }
    if !grid.has_totals() {
        return Err(TableError::NoTotals(keys.join(", ")));
    }
    let plan = plan(&grid, &values, k).map_err(|sum| TableError::DoesNotAddUp {
        row: sum.total + 1,
        keys: name(sum.total),
        column: value.to_owned(),
        along: keys[sum.key].clone(),
    })?;
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    let in_memory = |_| TableError::Unreadable("the table does not fit into memory".into());
    let mut out: Vec<&str> = Vec::new();
    let mut put = |cells: &mut Vec<&str>| writer.write_record(cells.drain(..)).map_err(in_memory);
    for (i, name) in header.iter().enumerate().filter(|(i, _)| Some(*i) != old_flag) {
        out.push(name);
        if i == value_column {
            out.push(&flag_name);
        }
    }
    put(&mut out)?;
    let below = format!("<{k}");
    let (mut primary, mut complementary) = (0, 0);
    for (row, record) in records.iter().enumerate() {
        let small = values[row] >= 1 && values[row] < k;
        let (text, flag) = match plan.shown[row] {
            Shown::LeftOut => continue,
            Shown::Number => (&record[value_column], ""),
            Shown::Marked if small => (&*below, "primary"),
            Shown::Marked => ("withheld", "complementary"),
        };
        primary += usize::from(flag == "primary");
        complementary += usize::from(flag == "complementary");
        for (i, cell) in record.iter().enumerate().filter(|(i, _)| Some(*i) != old_flag) {
            if i == value_column {
                out.extend([text, flag]);
            } else {
                out.push(cell);
            }
        }
        put(&mut out)?;
    }
    let csv = writer.into_inner().map_err(|_| TableError::Unreadable("the table does not fit into memory".into()))?;
    let left_out = (0..values.len()).filter(|row| plan.shown[*row] == Shown::LeftOut).map(name).collect();
    Ok(Protected {
        csv,
        cells: values.len(),
        primary,
        complementary,
        left_out,
        unprotected: plan.unprotected.iter().map(|row| name(*row)).collect(),
    })
}
