//! A published table as its file has it: texts, read back from CSV.
//!
//! What always holds: text is made from sheets, never from what stood in memory before disclosure control.

use std::collections::HashMap;
use std::fmt;

/// A cell of a measure, as printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown<'a> {
    Number(i64),
    /// `<5`, `<11` or `withheld`.
    Hidden(&'a str),
    /// Nothing to measure, or no such row.
    None,
}

impl Shown<'_> {
    pub(crate) const fn number(self) -> Option<i64> {
        match self {
            Self::Number(n) => Some(n),
            _ => None,
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => f.write_str(&thousands(*n)),
            Self::Hidden(text) => f.write_str(text),
            Self::None => f.write_str("–"),
        }
    }
}

/// `1702` as `1,702`.
pub(crate) fn thousands(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::from(if n < 0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// One table file.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    /// Reads a table file; the error says which line does not read.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|e| match e.position() {
                Some(at) => format!("line {} does not read as the others do", at.line()),
                None => String::from("it does not read as CSV"),
            })?;
            rows.push(record.iter().map(str::to_owned).collect::<Vec<_>>());
        }
        if rows.is_empty() {
            return Err("it has no header".into());
        }
        Ok(Self { header: rows.remove(0), rows })
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    pub(crate) fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|h| h == name)
    }

    /// A row's text in a column.
    pub(crate) fn text<'a>(&self, row: &'a [String], column: &str) -> &'a str {
        self.column(column).and_then(|i| row.get(i)).map_or("", String::as_str)
    }

    /// A row's measure.
    pub(crate) fn shown<'a>(&self, row: &'a [String], column: &str) -> Shown<'a> {
        match self.text(row, column) {
            "" => Shown::None,
            text => text.parse().map_or(Shown::Hidden(text), Shown::Number),
        }
    }

    /// The rows whose keys are these.
    pub(crate) fn with<'a>(&'a self, keys: &[(&str, &str)]) -> impl Iterator<Item = &'a [String]> + use<'a> {
        let wanted: Option<Vec<(usize, String)>> =
            keys.iter().map(|(k, v)| Some((self.column(k)?, (*v).to_owned()))).collect();
        self.rows
            .iter()
            .filter(move |row| wanted.as_ref().is_some_and(|w| w.iter().all(|(i, v)| row.get(*i) == Some(v))))
            .map(Vec::as_slice)
    }

    /// The measure of the one row with these keys.
    pub(crate) fn value<'a>(&'a self, keys: &[(&str, &str)], measure: &str) -> Shown<'a> {
        self.with(keys).next().map_or(Shown::None, |row| self.shown(row, measure))
    }
}

/// All tables of a directory, by name.
#[derive(Debug, Default)]
pub(crate) struct Sheets {
    /// In the order in which they were put in.
    names: Vec<String>,
    by_name: HashMap<String, Sheet>,
}

static NO_SHEET: Sheet = Sheet { header: Vec::new(), rows: Vec::new() };

impl Sheets {
    pub(crate) fn insert(&mut self, name: &str, sheet: Sheet) {
        if self.by_name.insert(name.to_owned(), sheet).is_none() {
            self.names.push(name.to_owned());
        }
    }

    /// The table; an empty one where there is none, so that a section without data can say so.
    pub(crate) fn get(&self, name: &str) -> &Sheet {
        self.by_name.get(name).unwrap_or(&NO_SHEET)
    }

    /// All of them, in the order in which they were put in.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (&str, &Sheet)> {
        self.names.iter().map(|name| (name.as_str(), self.get(name)))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_finds_its_cells() {
        let sheet = Sheet::parse(b"month,kind,reports\n2026-09,arrest,1702\n2026-08,arrest,<5\n").expect("reads");
        assert_eq!(sheet.value(&[("month", "2026-09"), ("kind", "arrest")], "reports").to_string(), "1,702");
        assert_eq!(sheet.value(&[("month", "2026-08")], "reports"), Shown::Hidden("<5"));
        assert_eq!(sheet.value(&[("month", "2026-07")], "reports").to_string(), "–");
        assert_eq!(sheet.value(&[("nonsense", "x")], "reports"), Shown::None);
        assert_eq!(
            (thousands(0), thousands(999), thousands(-1_234_567)),
            ("0".into(), "999".into(), "-1,234,567".into())
        );
        assert!(Sheet::parse(b"a,b\n1\n").is_err());
    }
}
