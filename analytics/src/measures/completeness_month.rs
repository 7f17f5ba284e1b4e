//! `completeness_month`: how much each source sent, how late, and how much of it lacks place or date.
//!
//! A source stands under the name that it agreed to; the others are pooled. Every coded report counts here, in the month in
//! which its first version was received. The lag runs from the end of the event's day to the instant at which the source
//! says that it got the report; of fewer than 20 such reports none is printed. Late is a report that came when the brief of
//! an event's month may be out already.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use schemas::source::SourceName;
use schemas::time::Month;

use super::{keys, measure, table};
use crate::cube::{Cube, Tally};
use crate::results::{Period, Row, Table, Unit, Value};

/// The sources without a public name.
pub(crate) const POOLED: &str = "pooled";
/// Of fewer reports nothing is said of lags.
pub(crate) const FEWEST_LAGS: i64 = 20;
/// Later than this many tenths of a day is late: 14 days, when the month's brief may come out.
const LATE: i32 = 140;

/// A source as it is printed; the pooled ones last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Printed {
    Named(String),
    Pooled,
}

/// What is counted of one source and month.
#[derive(Debug, Default)]
struct Counts {
    reports: i64,
    place_unknown: i64,
    date_unknown: i64,
    lags: Tally<i32>,
}

impl Counts {
    fn share_late(&self) -> Value {
        let all: i64 = self.lags.values().sum();
        if all < FEWEST_LAGS { Value::Missing } else { share(self.lags.range(LATE + 1..).map(|(_, n)| n).sum(), all) }
    }

    fn row(&self, month: Month, source: &Printed) -> Row {
        let source = match source {
            Printed::Named(name) => name.clone().into(),
            Printed::Pooled => POOLED.into(),
        };
        let values = vec![
            Value::Count(self.reports),
            median(&self.lags).map_or(Value::Missing, Value::Scaled),
            share(self.place_unknown, self.reports),
            share(self.date_unknown, self.reports),
            self.share_late(),
        ];
        Row { keys: vec![month.to_string().into(), source], values }
    }
}

pub(crate) fn completeness_month(cube: &Cube, period: Period, public_names: &BTreeMap<SourceName, String>) -> Table {
    let printed = |source: &SourceName| public_names.get(source).cloned().map_or(Printed::Pooled, Printed::Named);
    let mut counts: BTreeMap<(Month, Printed), Counts> = BTreeMap::new();
    for (key, sums) in &cube.reports {
        let counts = counts.entry((key.received, printed(&key.source))).or_default();
        counts.reports += sums.reports;
        counts.place_unknown += sums.place_unknown;
        counts.date_unknown += if key.month.is_none() { sums.reports } else { 0 };
    }
    for (key, reports) in &cube.lags {
        let counts = counts.entry((key.received, printed(&key.source))).or_default();
        counts.lags.entry(key.tenths).or_default().add_assign(*reports);
    }
    let sources: BTreeSet<_> = counts.keys().map(|(_, source)| source.clone()).collect();
    let mut rows = Vec::new();
    for month in period.table_months() {
        for source in &sources {
            let counts = counts.remove(&(month, source.clone())).unwrap_or_default();
            rows.push(counts.row(month, source));
        }
    }
    table(
        "completeness_month",
        "How complete and how late reports are, by source; every coded report, whatever it counts as",
        keys(&[
            ("month", "UTC month in which the report's first version was received, YYYY-MM"),
            ("source", "The source's public name; pooled: those that have none"),
        ]),
        vec![
            measure("reports", Unit::Reports, "Coded reports"),
            measure(
                "median_lag_days",
                Unit::Decimal(1),
                "Median days from the end of the event's day until the source got the report; empty for fewer than 20 reports \
                 that tell both",
            ),
            measure("share_place_unknown", Unit::Decimal(3), "Share of the reports whose county is not known"),
            measure("share_date_unknown", Unit::Decimal(3), "Share of the reports that cannot be placed in one month"),
            measure(
                "share_late",
                Unit::Decimal(3),
                "Share of the reports that came more than 14 days after the event's day; empty for fewer than 20 reports that \
                 tell both",
            ),
        ],
        rows,
    )
}

/// Thousandths, rounded half up. Missing where there are no reports.
fn share(part: i64, whole: i64) -> Value {
    if whole == 0 { Value::Missing } else { Value::Scaled((part * 2000 + whole) / (2 * whole)) }
}

/// The median of lags in tenths; of an even number the mean of the two in the middle, rounded half up.
fn median(lags: &Tally<i32>) -> Option<i64> {
    let total: i64 = lags.values().sum();
    if total < FEWEST_LAGS {
        return None;
    }
    let nth = |n: i64| {
        let mut seen = 0;
        lags.iter().find_map(|(tenths, reports)| {
            seen += reports;
            (seen > n).then_some(i64::from(*tenths))
        })
    };
    Some((nth((total - 1) / 2)? + nth(total / 2)? + 1).div_euclid(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_round_half_up_to_thousandths() {
        assert_eq!(share(1, 3), Value::Scaled(333));
        assert_eq!(share(2, 3), Value::Scaled(667));
        assert_eq!(share(1, 2000), Value::Scaled(1));
        assert_eq!(share(1, 2001), Value::Scaled(0));
        assert_eq!(share(7, 7), Value::Scaled(1000));
        assert_eq!(share(0, 0), Value::Missing);
    }

    #[test]
    fn a_median_needs_twenty_and_lies_between_the_two_in_the_middle() {
        assert_eq!(median(&Tally::from([(5, 19)])), None);
        assert_eq!(median(&Tally::from([(5, 20)])), Some(5));
        assert_eq!(median(&Tally::from([(-4, 10), (5, 10)])), Some(1), "0.5 tenths, half up");
        assert_eq!(median(&Tally::from([(-4, 11), (5, 10)])), Some(-4));
        assert_eq!(median(&Tally::from([(0, 10), (3, 11), (900, 9)])), Some(3));
    }
}
