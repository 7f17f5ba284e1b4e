//! `revisions`: what the numbers of months were in the last edition, or in the last brief, and are now.
//!
//! What always holds: both are as they were printed, so that what was hidden then stays hidden here.

use std::collections::HashMap;

use analytics::measures::derived;

use super::{IN_MEMORY, bytes, flagged, writer};
use crate::sheet::{PROVISIONAL, Sheet, Sheets, Shown};

/// Tables that say how others were made.
const NOT_COMPARED: [&str; 2] = ["comparators", "revisions"];

/// Why a number is another. `newer`: the data are newer.
fn why(was: Shown<'_>, is: Shown<'_>, newer: bool) -> &'static str {
    match (was, is) {
        (Shown::None, _) => "not_printed_then",
        (_, Shown::None) => "not_printed_now",
        (Shown::Number(_), Shown::Hidden(_)) => "hidden_now",
        (Shown::Hidden(_), Shown::Number(_)) => "shown_now",
        _ if newer => "newer_data",
        _ => "other_rules",
    }
}

/// Whether a number is flagged as provisional.
fn is_late(sheet: &Sheet, row: &[String], measure: &str) -> bool {
    sheet.text(row, &format!("{measure}_flag")) == PROVISIONAL
}

/// A row's keys, without flags and measures.
fn keys<'a>(sheet: &'a Sheet, columns: &[(usize, &'a str)], row: &'a [String]) -> (String, &'a str) {
    let mut key = Vec::new();
    let mut month = "";
    for (i, name) in columns {
        let text = sheet.at(row, *i);
        if matches!(*name, "month" | "period") {
            month = text;
        } else if *name != "county" {
            key.push(format!("{name}={text}"));
        }
    }
    (key.join(";"), month)
}

/// Key columns: all that stand before the first measure with a flag.
fn key_columns(sheet: &Sheet) -> Vec<(usize, &str)> {
    let first = sheet.measures().next().and_then(|name| sheet.column(name)).unwrap_or(0);
    sheet.header().iter().take(first).map(String::as_str).enumerate().collect()
}

pub(crate) fn render(was: Option<&Sheets>, sheets: &Sheets, newer: bool) -> Vec<u8> {
    let mut out = writer(&derived::revisions());
    for (name, sheet) in sheets.in_order().filter(|(name, _)| !NOT_COMPARED.contains(name)) {
        let Some(old) = was.map(|was| was.get(name)) else { continue };
        let columns = key_columns(sheet);
        let old_columns = key_columns(old);
        let places: HashMap<(String, &str), &[String]> =
            old.rows().iter().map(|row| (keys(old, &old_columns, row), row.as_slice())).collect();
        // Months that were in no table then are no revision.
        let months: std::collections::HashSet<&str> = places.keys().map(|(_, month)| *month).collect();
        for row in sheet.rows() {
            let (key, month) = keys(sheet, &columns, row);
            if !months.contains(month) {
                continue;
            }
            let old_row = places.get(&(key.clone(), month)).copied();
            for measure in sheet.measures() {
                let is = sheet.shown(row, measure);
                let before = old_row.map_or(Shown::None, |row| old.shown(row, measure));
                if before == is || (old_row.is_none() && is == Shown::Number(0)) {
                    continue;
                }
                let mut record = vec![name.to_owned(), key.clone(), measure.to_owned(), month.to_owned()];
                record.extend(flagged(before, old_row.is_some_and(|row| is_late(old, row, measure))));
                record.extend(flagged(is, is_late(sheet, row, measure)));
                record.push(why(before, is, newer).to_owned());
                out.write_record(&record).expect(IN_MEMORY);
            }
        }
    }
    bytes(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheets(table: &str) -> Sheets {
        let mut sheets = Sheets::default();
        let table = format!("month,state,county_fips,county,reports,reports_flag\n{table}");
        sheets.insert("county_month", Sheet::parse(table.as_bytes()).expect("reads"));
        sheets
    }

    #[test]
    fn what_was_hidden_stays_hidden() {
        let was = sheets("2026-08,WA,53033,King,<5,primary\n2026-08,WA,53053,Pierce,7,\n2026-08,WA,all,all,12,\n");
        let is = sheets(
            "2026-08,WA,53033,King,6,provisional\n2026-08,WA,53053,Pierce,7,\n2026-08,WA,all,all,13,\n2026-08,WA,53061,Sno,0,\n\
             2026-09,WA,53033,King,9,\n",
        );
        let text = |was, newer| String::from_utf8(render(was, &is, newer)).expect("text");
        assert_eq!(
            text(Some(&was), true),
            "table,key,measure,month,was,was_flag,is,is_flag,why\n\
             county_month,state=WA;county_fips=53033,reports,2026-08,<5,primary,6,provisional,shown_now\n\
             county_month,state=WA;county_fips=all,reports,2026-08,12,,13,,newer_data\n"
        );
        assert!(text(Some(&was), false).ends_with(",12,,13,,other_rules\n"));
        assert_eq!(text(None, true).lines().count(), 1);
    }
}
