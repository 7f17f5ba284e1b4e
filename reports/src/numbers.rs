//! Every number of the text, looked for in the tables.
//!
//! What always holds: nothing of how the text was made is used here, only what stands in it, in the tables and in the header.
//! A number of the text is in a cell or a key of a table, in the header, in the words that every brief has, or it is the sum of
//! a row over the months of a stretch that the brief is of or compares with.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use analytics::results::ALL;
use schemas::Language;
use schemas::taxonomy;
use schemas::time::Month;

use crate::derived::series_from;
use crate::header::Header;
use crate::render::markdown::template;
use crate::sheet::{Sheet, Sheets};
use crate::span::Compared;

/// Axes whose labels stand in a text.
const AXES: [&str; 12] = [
    "event_kind",
    "setting",
    "place_relation",
    "tactics",
    "agency_claimed",
    "agency_assessed",
    "authority_shown",
    "court_type",
    "court_stage",
    "court_role",
    "case_level",
    "outcome",
];

/// Looks for every number of a text. Err: the first that is nowhere, with its line.
pub(crate) fn check(text: &str, header: &Header, sheets: &Sheets) -> Result<String, String> {
    let language = header.parsed_language().ok_or("the header's language does not read")?;
    let known = Known::of(header, sheets, language)?;
    let mut found = 0u64;
    for (at, line) in text.lines().enumerate() {
        // The number of an item in a list is none of the text's.
        let item = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        let line = if item.starts_with(". ") { item } else { line };
        for number in numbers(line) {
            if !number.readings().any(|reading| known.0.contains(&reading)) {
                return Err(format!("brief.md, line {}: {} stands in no table", at + 1, number.0));
            }
            found += 1;
        }
    }
    Ok(format!("{found} numbers, each in a table or in the head"))
}

/// A run of digits with what may stand between them: `1,702`, `0.3`, `2026`; or of letters and digits, such as a hash.
#[derive(Debug, PartialEq, Eq)]
struct Number(String);

impl Number {
    /// What it can stand for: itself, and without what divides thousands, or with a point for a comma.
    fn readings(&self) -> impl Iterator<Item = String> {
        let text = &self.0;
        let groups: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let is_thousands = groups.len() > 1
            && (1..=3).contains(&groups[0].len())
            && groups[1..].iter().all(|group| group.len() == 3)
            && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_digit()));
        let decimal = (groups.len() == 2).then(|| groups.join("."));
        [Some(text.clone()), is_thousands.then(|| groups.concat()), decimal].into_iter().flatten()
    }
}

/// Every number of a line.
fn numbers(line: &str) -> Vec<Number> {
    let chars: Vec<char> = line.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if !chars[at].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let start = at;
        while at < chars.len() {
            let is_between = matches!(chars[at], ',' | '.' | '\u{a0}' | '\u{202f}')
                && chars[at - 1].is_ascii_digit()
                && chars.get(at + 1).is_some_and(char::is_ascii_digit);
            if !(chars[at].is_alphanumeric() || is_between) {
                break;
            }
            at += 1;
        }
        let word: String = chars[start..at].iter().collect();
        if word.contains(|c: char| c.is_ascii_digit()) {
            found.push(Number(word));
        }
    }
    found
}

/// What numbers there are, as they are written in tables.
struct Known(HashSet<String>);

impl Known {
    fn of(header: &Header, sheets: &Sheets, language: Language) -> Result<Self, String> {
        let mut known = Self(HashSet::new());
        let head = serde_json::to_string(header).map_err(|_| "the header does not read")?;
        // Of an instant each number is one, though letters stand between them.
        known.words(&head.replace(['T', 'Z'], " "));
        known.0.extend(header.snapshot_id.get(..8).map(str::to_owned));
        known.words(template(language));
        for info in AXES.iter().filter_map(|axis| taxonomy::axis(axis)).flat_map(|axis| axis.codes) {
            known.words(info.label.get(language));
        }
        for (_, sheet) in sheets.in_order() {
            for row in sheet.rows() {
                row.iter().for_each(|cell| known.words(cell));
            }
        }
        let period = header.parsed_period().ok_or("the header's period does not read")?;
        let kinds = sheets.get("reports_month");
        let compared = Compared::of(period, series_from(kinds));
        for (_, sheet) in sheets.in_order() {
            known.sums(sheet, &compared);
        }
        // Of the period's events those that came in after it.
        let all = compared.shown(compared.this, kinds, &[("event_kind", ALL)], "reports").number();
        let same = compared.shown(compared.this, sheets.get("funnel_month"), &[], "events_this_month").number();
        known.0.extend(all.zip(same).map(|(all, same)| (all - same).to_string()));
        Ok(known)
    }

    /// Every number of a text: as it stands, and a month or a day without its zero.
    fn words(&mut self, text: &str) {
        if !text.contains(|c: char| c.is_ascii_digit()) {
            return;
        }
        for Number(word) in numbers(text) {
            let bare = word.trim_start_matches('0');
            if bare.len() < word.len() && bare.starts_with(|c: char| c.is_ascii_digit()) {
                self.0.insert(bare.to_owned());
            }
            self.0.insert(word);
        }
    }

    /// The sums of rows over the stretches of several months.
    fn sums(&mut self, sheet: &Sheet, compared: &Compared) {
        let Some(month) = sheet.column("month") else { return };
        let spans: Vec<_> = compared.spans().filter(|span| span.months() > 1).collect();
        if spans.is_empty() {
            return;
        }
        let measures: BTreeSet<usize> = sheet.measures().filter_map(|name| sheet.column(name)).collect();
        let first = measures.first().copied().unwrap_or(0);
        let mut sums: BTreeMap<(usize, Vec<&str>, usize), i64> = BTreeMap::new();
        for row in sheet.rows() {
            let Some(at) = Month::parse(sheet.at(row, month)) else { continue };
            let keys: Vec<&str> = (0..first).filter(|i| *i != month).map(|i| sheet.at(row, i)).collect();
            for (s, _) in spans.iter().enumerate().filter(|(_, span)| (span.first..=span.last).contains(&at)) {
                for measure in &measures {
                    if let Ok(n) = sheet.at(row, *measure).parse::<i64>() {
                        *sums.entry((s, keys.clone(), *measure)).or_default() += n;
                    }
                }
            }
        }
        self.0.extend(sums.into_values().map(|sum| sum.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use analytics::results::Period;
    use schemas::clock::parse_rfc3339;

    use super::*;

    fn words(line: &str) -> Vec<String> {
        numbers(line).into_iter().map(|number| number.0).collect()
    }

    #[test]
    fn numbers_are_found_as_they_are_written() {
        assert_eq!(
            words("**1,702** of 2026-09, <5, I-200, a1b2; 0.3 days."),
            ["1,702", "2026", "09", "5", "200", "a1b2", "0.3"]
        );
        let readings = |text: &str| Number(text.into()).readings().collect::<Vec<_>>();
        assert_eq!(readings("1,702"), ["1,702", "1702", "1.702"]);
        assert_eq!(readings("12,4"), ["12,4", "12.4"]);
        assert_eq!(readings("1\u{202f}234\u{202f}567"), ["1\u{202f}234\u{202f}567", "1234567"]);
    }

    #[test]
    fn a_number_that_is_in_no_table_is_named_with_its_line() {
        let as_of = parse_rfc3339("2026-10-13T23:00:00Z").expect("an instant");
        let of = |period: &str| {
            Header::new(Period::parse(period).expect("a period"), as_of, "ab12cd34ef".into(), false, None)
        };
        let mut sheets = Sheets::default();
        let table = b"month,event_kind,reports,reports_flag\n2026-07,all,1000,\n2026-08,all,700,\n2026-09,all,2,\n";
        sheets.insert("reports_month", Sheet::parse(table).expect("reads"));
        let check = |text: &str, period: &str| check(text, &of(period), &sheets);
        let text = "# September 2026\n\n1. 1,000 reports, 700 before.\nData as of 13 October 2026, ab12cd34.\n";
        assert_eq!(check(text, "2026-09").as_deref(), Ok("6 numbers, each in a table or in the head"));
        let wrong = check("# September 2026\n\n1. 1,001 reports\n", "2026-09");
        assert_eq!(wrong, Err("brief.md, line 3: 1,001 stands in no table".into()));
        assert!(check("1,702 reports", "2026-09").is_err());
        assert!(check("1,702 reports", "2026-Q3").is_ok(), "a sum over the quarter");
    }
}
