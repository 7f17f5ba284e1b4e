//! `same_sources`: what the sources that were active in both of two months say, beside the raw change: a hotline that joins
//! is not a rise.
//!
//! What always holds: no source's volume can be worked out. A panel is printed only where it has three sources or more, and
//! where every group of a month's active sources that the printed panels tell apart has three or more: the difference of
//! two printed sums is never of one source or two. Which panels are printed is worked out from the start of the series, so
//! that the briefs of later months do not print what those of earlier ones left out. None in a brief for one state, whose
//! small numbers are hidden.

use std::collections::{BTreeMap, BTreeSet};

use schemas::source::SourceName;
use schemas::taxonomy::{CodeAxis, EventClass, EventKind};
use schemas::time::Month;

use super::{keys, open_measure, table};
use crate::cube::{Cube, Tally};
use crate::keys::Key;
use crate::results::{ALL, Period, Row, Table, Unit, Value};
use schemas::report::Standing;

/// No group of sources that can be told apart is smaller.
const FEWEST: usize = 3;

/// The month that a month is compared with: its name, and how many months before it lies.
const COMPARISONS: [(&str, i32); 2] = [("previous_month", 1), ("same_month_last_year", 12)];

type Sources<'a> = BTreeSet<&'a SourceName>;

pub(crate) fn same_sources(cube: &Cube, period: Period, one_state: bool) -> Table {
    let mut active: BTreeMap<Month, Sources<'_>> = BTreeMap::new();
    let mut events: BTreeMap<(Month, &SourceName), Tally<EventKind>> = BTreeMap::new();
    for (key, sums) in &cube.reports {
        active.entry(key.received).or_default().insert(&key.source);
        if let Some((month, _)) = key.counts_in() {
            active.entry(month).or_default().insert(&key.source);
        }
        if let (Standing::Event, Some(month), Key::Is(kind)) = (key.standing, key.month, key.kind) {
            *events.entry((month, &key.source)).or_default().entry(kind).or_default() += sums.reports;
        }
    }
    let mut rows = Vec::new();
    if !one_state {
        let first = period.table_months().next().unwrap_or(period.last);
        for panel in panels(&active, period.last).into_iter().filter(|panel| panel.month >= first) {
            panel.rows(&active, &events, &mut rows);
        }
    }
    table(
        "same_sources",
        "What the sources that were active in both of two months report in each: without those that joined or left",
        keys(&[
            ("month", "Month in which the event happened, YYYY-MM"),
            ("comparison", "The month that it is compared with: previous_month or same_month_last_year"),
            ("event_kind", "Kind of event; all: the six together"),
        ]),
        vec![
            open_measure("sources", Unit::Decimal(0), "Sources that sent a report in or of both months"),
            open_measure("sources_of_month", Unit::Decimal(0), "Sources that sent a report in or of the month"),
            open_measure("reports", Unit::Reports, "Reports of events of the month, of the same sources"),
            open_measure("reports_before", Unit::Reports, "Those of the month that it is compared with"),
        ],
        rows,
    )
}

/// Sources that were active in both months of a comparison.
struct Panel<'a> {
    month: Month,
    comparison: &'static str,
    before: Month,
    sources: Sources<'a>,
}

impl Panel<'_> {
    fn rows(
        &self,
        active: &BTreeMap<Month, Sources<'_>>,
        events: &BTreeMap<(Month, &SourceName), Tally<EventKind>>,
        rows: &mut Vec<Row>,
    ) {
        let sum = |month: Month, kind: Option<EventKind>| -> i64 {
            let of = self.sources.iter().filter_map(|source| events.get(&(month, *source)));
            of.map(|kinds| kind.map_or_else(|| kinds.values().sum(), |kind| kinds.get(&kind).copied().unwrap_or(0)))
                .sum()
        };
        let len = |sources: &Sources<'_>| Value::Count(i64::try_from(sources.len()).unwrap_or(i64::MAX));
        let kinds = EventKind::ALL.iter().copied().filter(|kind| kind.class() == EventClass::Event);
        for kind in std::iter::once(None).chain(kinds.map(Some)) {
            rows.push(Row {
                keys: vec![
                    self.month.to_string().into(),
                    self.comparison.into(),
                    kind.map_or(ALL, |kind| kind.as_str()).into(),
                ],
                values: vec![
                    len(&self.sources),
                    active.get(&self.month).map_or(Value::Missing, len),
                    Value::Count(sum(self.month, kind)),
                    Value::Count(sum(self.before, kind)),
                ],
            });
        }
    }
}

/// The panels that may be printed, of every month up to `last`.
fn panels<'a>(active: &BTreeMap<Month, Sources<'a>>, last: Month) -> Vec<Panel<'a>> {
    let mut printed: BTreeMap<Month, Vec<Sources<'a>>> = BTreeMap::new();
    let mut panels = Vec::new();
    for (month, now) in active.range(..=last) {
        for (comparison, back) in COMPARISONS {
            let before = month.plus(-back);
            let Some(then) = active.get(&before) else { continue };
            let sources: Sources<'_> = now.intersection(then).copied().collect();
            let fits = |month, active: &Sources<'_>| {
                let of_month = printed.get(&month).map_or(&[][..], Vec::as_slice);
                smallest_group(active, of_month, &sources) >= FEWEST
            };
            if sources.len() < FEWEST || !fits(*month, now) || !fits(before, then) {
                continue;
            }
            for month in [*month, before] {
                printed.entry(month).or_default().push(sources.clone());
            }
            panels.push(Panel { month: *month, comparison, before, sources });
        }
    }
    panels
}

/// The smallest group of sources that are in the same of these panels.
fn smallest_group(active: &Sources<'_>, printed: &[Sources<'_>], panel: &Sources<'_>) -> usize {
    let mut groups: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
    for source in active {
        let within = printed.iter().chain([panel]).map(|panel| panel.contains(source)).collect();
        *groups.entry(within).or_default() += 1;
    }
    groups.into_values().min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<SourceName> {
        (0..n).map(|i| SourceName::parse(&format!("line-{i}")).expect("a name")).collect()
    }

    /// Which panels are printed, where of each month (from 2026-01) these sources are active.
    fn printed(months: &[&[usize]]) -> Vec<(String, &'static str, usize)> {
        let names = names(12);
        let first = Month::parse("2026-01").expect("a month");
        let month = |i: usize| first.plus(i32::try_from(i).expect("few"));
        let active = months.iter().enumerate().map(|(i, of)| (month(i), of.iter().map(|n| &names[*n]).collect()));
        panels(&active.collect(), month(months.len()))
            .into_iter()
            .map(|panel| (panel.month.to_string(), panel.comparison, panel.sources.len()))
            .collect()
    }

    #[test]
    fn one_source_that_joins_cannot_be_worked_out() {
        assert_eq!(printed(&[&[0, 1, 2], &[0, 1, 2]]), [("2026-02".into(), "previous_month", 3)]);
        assert_eq!(printed(&[&[0, 1, 2], &[0, 1, 2, 3]]), [], "the whole less the panel is the fourth");
        assert_eq!(printed(&[&[0, 1, 2], &[0, 1, 2, 3, 4]]), []);
        assert_eq!(printed(&[&[0, 1, 2], &[0, 1, 2, 3, 4, 5]]), [("2026-02".into(), "previous_month", 3)]);
        assert_eq!(printed(&[&[0, 1], &[0, 1]]), [], "two know each other's number");
    }

    #[test]
    fn two_panels_of_one_month_do_not_tell_a_source_apart() {
        // Of February, the panel with January is 0-5 of nine. That with March would be 0-4 and 6-8: 5 stands apart.
        let months: [&[usize]; 3] = [&[0, 1, 2, 3, 4, 5], &[0, 1, 2, 3, 4, 5, 6, 7, 8], &[0, 1, 2, 3, 4, 6, 7, 8]];
        assert_eq!(printed(&months), [("2026-02".into(), "previous_month", 6)]);
        // Three of them leave together.
        let months: [&[usize]; 3] = [&[0, 1, 2, 3, 4, 5], &[0, 1, 2, 3, 4, 5, 6, 7, 8], &[0, 1, 2, 6, 7, 8]];
        assert_eq!(printed(&months).len(), 2);
    }
}
