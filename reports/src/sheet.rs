//! A published table as its file has it: texts, read back from CSV.
//!
//! What always holds: text is made from sheets, never from what stood in memory before disclosure control.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use schemas::time::Month;

/// A cell of a measure, as printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown<'a> {
    Number(i64),
    /// `<5`, `<11` or `withheld`.
    Hidden(&'a str),
    /// Nothing to measure, or no such row.
    None,
}

impl<'a> Shown<'a> {
    /// What a measure's text says.
    pub(crate) fn of(text: &'a str) -> Self {
        match text {
            "" => Self::None,
            text => text.parse().map_or(Self::Hidden(text), Self::Number),
        }
    }

    pub(crate) const fn number(self) -> Option<i64> {
        match self {
            Self::Number(n) => Some(n),
            _ => None,
        }
    }

    /// The flag that stands beside it, where it is not provisional.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::Hidden("withheld") => "complementary",
            Self::Hidden(_) => "primary",
            _ => "",
        }
    }

    /// The sum of some cells: nothing where one of them is nothing, hidden where one is hidden.
    pub(crate) fn sum(cells: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = 0;
        let mut hidden = false;
        for cell in cells {
            match cell {
                Self::Number(n) => sum += n,
                Self::Hidden(_) => hidden = true,
                Self::None => return Self::None,
            }
        }
        if hidden { Self::Hidden("withheld") } else { Self::Number(sum) }
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

/// The flag of a number that late reports may still raise.
pub(crate) const PROVISIONAL: &str = "provisional";

/// For a column the rows that have a value in it, in their order.
type Index = HashMap<String, Vec<usize>>;

/// One table file.
#[derive(Debug)]
pub(crate) struct Sheet {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// For each column an index, made when it is first asked for.
    indexes: Vec<OnceLock<Index>>,
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
        let header = rows.remove(0);
        let indexes = header.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { header, rows, indexes })
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

    /// A row's text in the column at this place.
    pub(crate) fn at<'a>(&self, row: &'a [String], column: usize) -> &'a str {
        row.get(column).map_or("", String::as_str)
    }

    /// The columns that a flag stands beside.
    pub(crate) fn measures(&self) -> impl Iterator<Item = &str> {
        let has_flag = |name: &&str| self.column(&format!("{name}_flag")).is_some();
        self.header.iter().map(String::as_str).filter(has_flag)
    }

    /// A row's measure.
    pub(crate) fn shown<'a>(&self, row: &'a [String], column: &str) -> Shown<'a> {
        Shown::of(self.text(row, column))
    }

    /// The rows whose keys are these.
    pub(crate) fn with<'a>(&'a self, keys: &[(&str, &str)]) -> impl Iterator<Item = &'a [String]> + use<'a> {
        static NONE: Vec<usize> = Vec::new();
        let wanted: Option<Vec<(usize, String)>> =
            keys.iter().map(|(k, v)| Some((self.column(k)?, (*v).to_owned()))).collect();
        // Of the keys the one that the fewest rows have.
        let rows_of = |(column, value): &(usize, String)| self.index(*column).get(value).unwrap_or(&NONE);
        let fewest = wanted.as_ref().map(|w| w.iter().map(rows_of).min_by_key(|rows| rows.len()));
        let places: Box<dyn Iterator<Item = usize>> = match fewest {
            None => Box::new(std::iter::empty()),
            Some(None) => Box::new(0..self.rows.len()),
            Some(Some(rows)) => Box::new(rows.iter().copied()),
        };
        let fits =
            move |row: &&[String]| wanted.as_ref().is_some_and(|w| w.iter().all(|(i, v)| row.get(*i) == Some(v)));
        places.map(|row| self.rows[row].as_slice()).filter(fits)
    }

    fn index(&self, column: usize) -> &Index {
        self.indexes[column].get_or_init(|| {
            let mut index = Index::new();
            for (i, row) in self.rows.iter().enumerate() {
                if let Some(value) = row.get(column) {
                    match index.get_mut(value) {
                        Some(rows) => rows.push(i),
                        None => drop(index.insert(value.clone(), vec![i])),
                    }
                }
            }
            index
        })
    }

    /// From which month on its numbers are flagged as provisional: none where none is.
    pub(crate) fn provisional_from(&self) -> Option<Month> {
        let month = self.column("month")?;
        let flags: Vec<usize> = self.measures().filter_map(|name| self.column(&format!("{name}_flag"))).collect();
        let is_late = |row: &&Vec<String>| flags.iter().any(|flag| self.at(row, *flag) == PROVISIONAL);
        self.rows.iter().filter(is_late).filter_map(|row| Month::parse(self.at(row, month))).min()
    }

    /// The measure of the one row with these keys.
    pub(crate) fn value<'a>(&'a self, keys: &[(&str, &str)], measure: &str) -> Shown<'a> {
        self.with(keys).next().map_or(Shown::None, |row| self.shown(row, measure))
    }
}

/// What the sources say that were active in a month and in an earlier one: a row of `same_sources`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panel {
    pub(crate) sources: i64,
    /// How many were active in the month in all.
    pub(crate) of_month: i64,
    pub(crate) now: i64,
    pub(crate) before: i64,
}

/// All tables of a directory, by name.
#[derive(Debug, Default)]
pub(crate) struct Sheets {
    /// In the order in which they were put in.
    names: Vec<String>,
    by_name: HashMap<String, Sheet>,
}

static NO_SHEET: Sheet = Sheet { header: Vec::new(), rows: Vec::new(), indexes: Vec::new() };

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

    /// The panel of a month, of one kind of event or of all; none where none is printed.
    pub(crate) fn panel(&self, month: Month, comparison: &str, kind: &str) -> Option<Panel> {
        let (sheet, month) = (self.get("same_sources"), month.to_string());
        let keys = [("month", month.as_str()), ("comparison", comparison), ("event_kind", kind)];
        let row = sheet.with(&keys).next()?;
        let of = |column| sheet.shown(row, column).number();
        Some(Panel {
            sources: of("sources")?,
            of_month: of("sources_of_month")?,
            now: of("reports")?,
            before: of("reports_before")?,
        })
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
