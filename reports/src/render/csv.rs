//! A protected table as CSV (RFC 4180, UTF-8, LF): keys first, then each measure and, where it may be withheld, its flag.

use std::borrow::Cow;

use analytics::disclosure::{Cell, ProtectedRow, ProtectedTable};
use analytics::results::{Period, Unit};
use schemas::time::Month;

use crate::sheet::PROVISIONAL;

/// The file's bytes. Numbers of events of the month `provisional` and of later ones are flagged as provisional.
pub(crate) fn render(table: &ProtectedTable, provisional: Option<Month>) -> Vec<u8> {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    let mut record: Vec<Cow<'_, str>> = table.keys().iter().map(|k| Cow::Borrowed(&*k.name)).collect();
    for measure in table.measures() {
        record.push(Cow::Borrowed(&measure.name));
        if measure.may_be_withheld {
            record.push(Cow::Owned(format!("{}_flag", measure.name)));
        }
    }
    let expected = "writing to memory cannot fail";
    writer.write_record(record.iter().map(|c| c.as_bytes())).expect(expected);
    for row in table.rows() {
        record.clear();
        record.extend(row.keys.iter().map(|k| Cow::Borrowed(&**k)));
        let late = provisional.is_some_and(|from| last_month(table, row) >= Some(from));
        for (measure, cell) in table.measures().iter().zip(&row.cells) {
            record.push(cell_text(*cell, measure.unit));
            if measure.may_be_withheld {
                let flag = match cell {
                    Cell::Number(_) if late => PROVISIONAL,
                    _ => cell.flag(),
                };
                record.push(Cow::Borrowed(flag));
            }
        }
        writer.write_record(record.iter().map(|c| c.as_bytes())).expect(expected);
    }
    writer.into_inner().expect(expected)
}

/// The last month whose events a row counts. None in the tables that go by the month in which a report was received.
fn last_month(table: &ProtectedTable, row: &ProtectedRow) -> Option<Month> {
    if ["funnel_month", "completeness_month"].contains(&table.name()) {
        return None;
    }
    match &*table.keys().first()?.name {
        "month" => Month::parse(&row.keys[0]),
        "period" => Period::parse(&row.keys[0]).map(|period| period.last),
        _ => None,
    }
}

fn cell_text(cell: Cell, unit: Unit) -> Cow<'static, str> {
    let decimals = if let Unit::Decimal(n) = unit { n } else { 0 };
    match cell {
        Cell::Number(n) => Cow::Owned(n.to_string()),
        Cell::Scaled(n) => Cow::Owned(scaled(n, decimals)),
        Cell::Missing => Cow::Borrowed(""),
        Cell::Primary { k } => Cow::Owned(format!("<{k}")),
        Cell::Complementary => Cow::Borrowed("withheld"),
    }
}

/// `scaled(1234, 2)` is `12.34`.
fn scaled(n: i64, decimals: u8) -> String {
    if decimals == 0 {
        return n.to_string();
    }
    let unit = 10u64.pow(u32::from(decimals));
    let (whole, part) = (n.unsigned_abs() / unit, n.unsigned_abs() % unit);
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{whole}.{part:0width$}", width = usize::from(decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_print_as_the_interface_says() {
        assert_eq!(cell_text(Cell::Primary { k: 5 }, Unit::Reports), "<5");
        assert_eq!(cell_text(Cell::Primary { k: 11 }, Unit::Reports), "<11");
        assert_eq!(cell_text(Cell::Complementary, Unit::Reports), "withheld");
        assert_eq!(cell_text(Cell::Number(0), Unit::Reports), "0");
        assert_eq!(cell_text(Cell::Scaled(-1234), Unit::Decimal(2)), "-12.34");
        assert_eq!(cell_text(Cell::Scaled(5), Unit::Decimal(3)), "0.005");
    }
}
