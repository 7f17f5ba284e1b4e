//! `courthouse`: reports of events at courthouses, by county and dimension, over three spans that end with the period.

use std::collections::{BTreeMap, BTreeSet};

use crate::cube::{CourtCode, Cube, Dimension};
use crate::keys::{Key, Place};
use crate::results::{Period, Table, Unit};

use super::{keys, measure, row, table};

/// The spans: name, and how many months.
const SPANS: [(&str, i32); 3] = [("month", 1), ("quarter", 3), ("12_months", 12)];

pub(crate) fn courthouse(cube: &Cube, period: Period) -> Table {
    let mut sums: BTreeMap<(usize, Place, Dimension, Key<CourtCode>), i64> = BTreeMap::new();
    let mut places = BTreeSet::from([Place::EVERYWHERE]);
    let mut codes: BTreeMap<Dimension, BTreeSet<Key<CourtCode>>> = BTreeMap::new();
    for dimension in Dimension::ALL {
        let known = codes.entry(dimension).or_default();
        known.insert(Key::Unknown);
        if !dimension.is_several() {
            known.insert(Key::All);
        }
    }
    for ((month, place, dimension, code), reports) in &cube.courthouse {
        codes.entry(*dimension).or_default().insert(*code);
        places.extend(place.with_totals());
        let counted = if dimension.is_several() { vec![*code] } else { vec![*code, Key::All] };
        for (span, (_, months)) in SPANS.iter().enumerate() {
            if !(period.last.plus(1 - months)..=period.last).contains(month) {
                continue;
            }
            for place in place.with_totals() {
                for code in &counted {
                    *sums.entry((span, place, *dimension, *code)).or_default() += reports;
                }
            }
        }
    }
    let mut rows = Vec::new();
    for (span, (name, _)) in SPANS.iter().enumerate() {
        for place in &places {
            for (dimension, codes) in &codes {
                for code in codes {
                    let reports = sums.get(&(span, *place, *dimension, *code)).copied().unwrap_or(0);
                    let keys = [
                        period.to_string().into(),
                        (*name).into(),
                        place.state.text(),
                        place.county.text(),
                        dimension.as_str().into(),
                        code.text(),
                    ];
                    rows.push(row(keys, [reports]));
                }
            }
        }
    }
    table(
        "courthouse",
        "Reports of events at courthouses",
        keys(&[
            ("period", "The period"),
            ("span", "month, quarter or 12_months: each ends with the period's last month"),
            ("state", "State, two letters; all: everywhere; unknown: the report does not say"),
            ("county_fips", "County, five digits; all: the state, or everywhere; unknown: the report does not say"),
            ("dimension", "By what the reports are counted"),
            ("code", "The dimension's code; all: every report; unknown: the report does not say"),
        ]),
        vec![measure("reports", Unit::Reports, "Reports of the six kinds of event whose setting is a courthouse")],
        rows,
    )
}
