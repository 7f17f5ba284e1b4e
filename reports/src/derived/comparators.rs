//! `comparators`: the numbers of the period's last month beside those of the month before, of the same month last year, of
//! the six months before, of the series and of the year so far.
//!
//! What always holds: a month before the series began is no zero: what would need it is empty; what is made from a number that
//! late reports may still raise is provisional too.

use std::collections::BTreeMap;

use analytics::measures::derived;
use analytics::results::Period;
use schemas::time::Month;

use super::{IN_MEMORY, bytes, copied, flagged, series_from, writer};
use crate::sheet::{Sheet, Sheets, Shown};

/// The tables that have months, with the columns that tell their rows apart.
const TABLES: [(&str, &[&str]); 6] = [
    ("reports_month", &["event_kind"]),
    ("county_month", &["state", "county_fips"]),
    ("tactic_month", &["tactic"]),
    ("setting_month", &["setting"]),
    ("agency_month", &["basis", "agency"]),
    ("detainer_month", &["state", "kind"]),
];

/// How many months before the month the mean is of.
const MEAN_OF: i32 = 6;

/// One row's cells by month.
struct Series<'a> {
    from: Month,
    month: Month,
    cells: BTreeMap<Month, Shown<'a>>,
}

impl<'a> Series<'a> {
    fn at(&self, month: Month) -> Shown<'a> {
        if month < self.from { Shown::None } else { self.cells.get(&month).copied().unwrap_or(Shown::None) }
    }

    /// The sum of these months.
    fn sum(&self, months: impl IntoIterator<Item = Month>) -> Shown<'a> {
        Shown::sum(months.into_iter().map(|month| self.at(month)))
    }

    /// The months from January to `month`.
    fn year_to_date(&self, month: Month) -> Shown<'a> {
        let january = month.plus(1 - i32::try_from(month.month()).unwrap_or(1));
        self.sum((0..=month.index() - january.index()).map(|i| january.plus(i)))
    }

    fn mean(&self) -> Shown<'a> {
        match self.sum((1..=MEAN_OF).map(|i| self.month.plus(-i))) {
            // In tenths, halves away from zero.
            Shown::Number(sum) => Shown::Number((sum * 10 + i64::from(MEAN_OF) / 2) / i64::from(MEAN_OF)),
            other => other,
        }
    }

    fn rank(&self) -> Shown<'a> {
        let Shown::Number(now) = self.at(self.month) else { return Shown::sum([self.at(self.month)]) };
        let mut rank = 1;
        for month in self.months() {
            match self.at(month) {
                Shown::Number(n) => rank += i64::from(n > now),
                Shown::Hidden(_) => return Shown::Hidden("withheld"),
                Shown::None => {}
            }
        }
        Shown::Number(rank)
    }

    /// The months of the series, to the period's last.
    fn months(&self) -> impl Iterator<Item = Month> + use<'_> {
        self.cells.keys().copied().filter(|month| (self.from..=self.month).contains(month))
    }

    fn is_all_zero(&self) -> bool {
        self.cells.values().all(|cell| matches!(cell, Shown::Number(0) | Shown::None))
    }
}

pub(crate) fn render(period: Period, sheets: &Sheets) -> Vec<u8> {
    let mut out = writer(&derived::comparators());
    let month = period.last;
    // Where nothing was ever reported, the series is the month alone.
    let from = series_from(sheets.get("reports_month")).unwrap_or(month).min(month);
    for (name, keys) in TABLES {
        let sheet = sheets.get(name);
        // Months are provisional from one on, so what needs the later of two months is where that one is.
        let provisional = sheet.provisional_from();
        let late = |month: Month| provisional.is_some_and(|from| month >= from);
        for measure in sheet.measures() {
            for (key, cells) in rows(sheet, keys, measure) {
                let series = Series { from, month, cells };
                if series.is_all_zero() {
                    continue;
                }
                let mut record = vec![name.to_owned(), key, measure.to_owned(), month.to_string()];
                for at in [month, month.plus(-1), month.plus(-12)] {
                    record.extend(flagged(series.at(at), late(at)));
                }
                record.extend(mean(series.mean(), late(month.plus(-1))));
                record.extend(flagged(series.rank(), late(month)));
                record.push(series.months().count().to_string());
                record.extend(flagged(series.year_to_date(month), late(month)));
                record.extend(flagged(series.year_to_date(month.plus(-12)), late(month.plus(-12))));
                out.write_record(&record).expect(IN_MEMORY);
            }
        }
    }
    bytes(out)
}

/// The rows of a table by their key, in the order of the table, with their cells by month.
fn rows<'a>(sheet: &'a Sheet, keys: &[&str], measure: &str) -> Vec<(String, BTreeMap<Month, Shown<'a>>)> {
    let columns: Option<Vec<usize>> = keys.iter().map(|key| sheet.column(key)).collect();
    let Some(columns) = columns else { return Vec::new() };
    let mut found: Vec<(String, BTreeMap<Month, Shown<'a>>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for row in sheet.rows() {
        let Some(month) = Month::parse(sheet.text(row, "month")) else { continue };
        let pairs: Vec<String> = keys.iter().zip(&columns).map(|(key, i)| format!("{key}={}", row[*i])).collect();
        let key = pairs.join(";");
        let place = *places.entry(key).or_insert_with_key(|key| {
            found.push((key.clone(), BTreeMap::new()));
            found.len() - 1
        });
        found[place].1.insert(month, sheet.shown(row, measure));
    }
    found
}

/// A mean is in tenths.
fn mean(cell: Shown<'_>, late: bool) -> [String; 2] {
    match cell {
        Shown::Number(n) => [format!("{}.{}", n / 10, n % 10), flagged(cell, late)[1].clone()],
        other => copied(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of one row, with a cell for each month that ends with 2026-09.
    fn row_of(cells: &[&str]) -> String {
        let last = Month::parse("2026-09").expect("a month");
        let mut table = String::from("month,event_kind,reports,reports_flag\n");
        for (i, cell) in cells.iter().enumerate() {
            let month = last.plus(i32::try_from(i).expect("few") + 1 - i32::try_from(cells.len()).expect("few"));
            let flag = if cell.starts_with('<') { "primary" } else { "" };
            table.push_str(&format!("{month},all,{cell},{flag}\n"));
        }
        let mut sheets = Sheets::default();
        sheets.insert("reports_month", Sheet::parse(table.as_bytes()).expect("reads"));
        let text = String::from_utf8(render(Period { first: last, last }, &sheets)).expect("text");
        text.lines().nth(1).unwrap_or_default().to_owned()
    }

    #[test]
    fn a_number_stands_beside_those_of_other_months() {
        let mut cells = vec!["0"; 25];
        cells[24] = "31";
        cells[23] = "14";
        cells[18] = "40";
        cells[12] = "20";
        cells[4] = "7";
        // The series begins with the seven: 21 months. Six months before: 40, 0, 0, 0, 0, 14.
        assert_eq!(row_of(&cells), "reports_month,event_kind=all,reports,2026-09,31,,14,,20,,9.0,,2,,21,85,,27,");
    }

    #[test]
    fn a_month_before_the_series_is_no_zero() {
        assert_eq!(row_of(&["0", "3", "4"]), "reports_month,event_kind=all,reports,2026-09,4,,3,,,,,,1,,2,,,,");
    }

    #[test]
    fn what_is_made_from_a_provisional_number_is_provisional() {
        let mut table = String::from("month,event_kind,reports,reports_flag\n");
        let last = Month::parse("2026-09").expect("a month");
        for i in 0..25 {
            let month = last.plus(i - 24);
            // July is hidden, so that it has its own flag; August and September are provisional.
            let cell = if i == 22 { "<5,primary" } else { ["6,", "6,provisional"][usize::from(i > 21)] };
            table.push_str(&format!("{month},all,{cell}\n"));
        }
        let mut sheets = Sheets::default();
        sheets.insert("reports_month", Sheet::parse(table.as_bytes()).expect("reads"));
        let text = String::from_utf8(render(Period { first: last, last }, &sheets)).expect("text");
        assert_eq!(
            text.lines().nth(1),
            Some(
                "reports_month,event_kind=all,reports,2026-09,6,provisional,6,provisional,6,,withheld,complementary,withheld,\
                 complementary,25,withheld,complementary,54,"
            )
        );
        let whole = table.replace("<5,primary", "6,");
        sheets.insert("reports_month", Sheet::parse(whole.as_bytes()).expect("reads"));
        let text = String::from_utf8(render(Period { first: last, last }, &sheets)).expect("text");
        assert_eq!(
            text.lines().nth(1),
            Some(
                "reports_month,event_kind=all,reports,2026-09,6,provisional,6,provisional,6,,6.0,provisional,1,provisional,25,\
                 54,provisional,54,"
            )
        );
    }

    #[test]
    fn what_is_made_from_a_hidden_cell_is_hidden() {
        let mut cells = vec!["6"; 25];
        cells[20] = "<5";
        assert_eq!(
            row_of(&cells),
            "reports_month,event_kind=all,reports,2026-09,6,,6,,6,,withheld,complementary,withheld,complementary,25,withheld,complementary,54,"
        );
        cells[20] = "6";
        cells[24] = "<5";
        assert!(row_of(&cells).contains(",2026-09,<5,primary,6,,6,,6.0,,withheld,complementary,25,withheld,"));
    }
}
