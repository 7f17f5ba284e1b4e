//! What a reader knows from briefs that were published before.
//!
//! What always holds: a month of a table is one block. Where all its true numbers are what they were, the reader is taken to
//! know that nothing changed, so whatever any brief printed of it is out. Where one number changed he cannot know which
//! others did, so the earlier brief tells of other numbers (docs/decisions/012).

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::system::Range;
use crate::results::{Row, Table, Value};

/// What was printed of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Number(i64),
    /// `<k`.
    Below(i64),
    Withheld,
}

impl Told {
    fn read(text: &str) -> Option<Self> {
        match text.strip_prefix('<') {
            Some(k) => k.parse().ok().map(Self::Below),
            None if text == "withheld" => Some(Self::Withheld),
            None => text.parse().ok().map(Self::Number),
        }
    }

    /// What it says of a cell whose threshold is `k`.
    pub(super) const fn range(self, k: i64) -> Range {
        match self {
            Self::Number(n) => Range::exactly(n),
            Self::Below(k) => Range { low: 1, high: Some(k - 1) },
            Self::Withheld => Range { low: k, high: None },
        }
    }
}

/// What was printed in unchanged blocks, by table, keys and measure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Earlier {
    told: HashMap<(String, Vec<String>, String), Told>,
    /// Numbers that stood in blocks that have changed since.
    stood: HashMap<(String, Vec<String>, String), i64>,
}

/// The block that a row is in: its table and its month; of courthouses its period and span.
fn block(table: &str, keys: &[&str]) -> String {
    let in_key = if table == "courthouse" { 2 } else { 1 };
    let mut name = table.to_owned();
    for key in keys.iter().take(in_key) {
        name.push('/');
        name.push_str(key);
    }
    name
}

fn texts(row: &Row) -> Vec<&str> {
    row.keys.iter().map(|key| &**key).collect()
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hash_row(hash: &mut Sha256, row: &Row) {
    for key in &row.keys {
        hash.update((key.len() as u64).to_le_bytes());
        hash.update(key.as_bytes());
    }
    for value in &row.values {
        let (kind, n) = match value {
            Value::Count(n) => (0u8, *n),
            Value::Scaled(n) => (1, *n),
            Value::Missing => (2, 0),
        };
        hash.update([kind]);
        hash.update(n.to_le_bytes());
    }
}

/// For each block a name of its true numbers. A row of zeros says nothing: it may come with a place that reports for the first
/// time.
#[must_use]
pub fn blocks(tables: &[Table]) -> BTreeMap<String, String> {
    let mut hashes: BTreeMap<String, Sha256> = BTreeMap::new();
    for table in tables.iter().filter(|table| table.measures.iter().any(|m| m.may_be_withheld)) {
        for row in &table.rows {
            let hash = hashes.entry(block(table.name, &texts(row))).or_default();
            if row.values.iter().any(|value| !matches!(value, Value::Count(0) | Value::Missing)) {
                hash_row(hash, row);
            }
        }
    }
    hashes.into_iter().map(|(name, hash)| (name, hex(hash))).collect()
}

/// A name for all true numbers of some tables.
#[must_use]
pub fn fingerprint(tables: &[Table]) -> String {
    let mut hash = Sha256::new();
    for table in tables {
        hash.update(table.name.as_bytes());
        hash.update((table.rows.len() as u64).to_le_bytes());
        for row in &table.rows {
            hash_row(&mut hash, row);
        }
    }
    hex(hash)
}

impl Earlier {
    /// Adds a table of an earlier brief as it was printed; `unchanged` says of a block whether its numbers are still the same.
    /// None: it does not read.
    #[must_use]
    pub fn add(&mut self, name: &str, text: &[u8], unchanged: &dyn Fn(&str) -> bool) -> Option<()> {
        let mut reader = csv::ReaderBuilder::new().from_reader(text);
        let header = reader.headers().ok()?.clone();
        let is_measure = |column: &str| header.iter().any(|other| other.strip_suffix("_flag") == Some(column));
        let measures: Vec<(usize, &str)> = header.iter().enumerate().filter(|(_, c)| is_measure(c)).collect();
        let keys = measures.first().map_or(0, |(i, _)| *i);
        for record in reader.records() {
            let record = record.ok()?;
            let key: Vec<&str> = record.iter().take(keys).collect();
            let is_out = unchanged(&block(name, &key));
            let key: Vec<String> = key.into_iter().map(str::to_owned).collect();
            for (i, measure) in &measures {
                let Some(told) = Told::read(&record[*i]) else { continue };
                let at = (name.to_owned(), key.clone(), (*measure).to_owned());
                match told {
                    // A number says most.
                    _ if is_out => {
                        let known = self.told.entry(at).or_insert(told);
                        if matches!(told, Told::Number(_)) {
                            *known = told;
                        }
                    }
                    Told::Number(n) => drop(self.stood.insert(at, n)),
                    _ => {}
                }
            }
        }
        Some(())
    }

    fn at(table: &Table, row: &Row, measure: usize) -> (String, Vec<String>, String) {
        let keys = row.keys.iter().map(|key| key.to_string()).collect();
        (table.name.to_owned(), keys, table.measures[measure].name.to_string())
    }

    /// What is out of this cell.
    pub(super) fn told(&self, table: &Table, row: &Row, measure: usize) -> Option<Told> {
        if self.told.is_empty() { None } else { self.told.get(&Self::at(table, row, measure)).copied() }
    }

    /// The number that stood here before its block changed.
    pub(super) fn stood(&self, table: &Table, row: &Row, measure: usize) -> Option<i64> {
        if self.stood.is_empty() { None } else { self.stood.get(&Self::at(table, row, measure)).copied() }
    }

    /// What is out: table, keys, measure. For the audit.
    pub fn all_told(&self) -> impl Iterator<Item = (&str, &[String], &str, Told)> {
        self.told
            .iter()
            .map(|((table, keys, measure), told)| (table.as_str(), keys.as_slice(), measure.as_str(), *told))
    }
}
