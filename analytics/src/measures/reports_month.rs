//! `reports_month`: dated reports of every kind.
//!
//! A report of an event kind counts where its standing is `event`. One that was found to be no enforcement counts as
//! `not_enforcement`, whatever kind it was told as. Withdrawn and duplicate reports count in no row.

use std::collections::BTreeMap;

use schemas::report::Standing;
use schemas::taxonomy::EventKind;
use schemas::time::Month;

use super::{MONTH, keys, measure, row, table};
use crate::cube::{Cube, ReportSums};
use crate::keys::Key;
use crate::results::{Period, Table, Unit};

pub(crate) fn reports_month(cube: &Cube, period: Period) -> Table {
    let mut sums: BTreeMap<(Month, Key<EventKind>), ReportSums> = BTreeMap::new();
    for (key, value) in &cube.reports {
        let Some((month, kind)) = key.counts_in() else { continue };
        *sums.entry((month, kind)).or_default() += *value;
        if key.standing == Standing::Event {
            *sums.entry((month, Key::All)).or_default() += *value;
        }
    }
    let kinds: Vec<_> = [Key::All].into_iter().chain(Key::<EventKind>::every()).collect();
    let rows = period.table_months().flat_map(|month| kinds.iter().map(|kind| (month, *kind)).collect::<Vec<_>>());
    let rows = rows.map(|(month, kind)| {
        let sum = sums.get(&(month, kind)).copied().unwrap_or_default();
        row([month.to_string().into(), kind.text()], [sum.reports, sum.arrested_min, sum.arrested_max])
    });
    table(
        "reports_month",
        "Dated reports by kind; `all` is the sum of the six kinds of event",
        keys(&[
            MONTH,
            ("event_kind", "Kind of event; all: the six kinds of event together; unknown: the report does not say"),
        ]),
        vec![
            measure("reports", Unit::Reports, "Reports"),
            measure(
                "persons_arrested_min",
                Unit::Persons,
                "Persons arrested: the least that these reports tell of, where they say",
            ),
            measure(
                "persons_arrested_max",
                Unit::Persons,
                "Persons arrested: the most that these reports tell of, where they say",
            ),
        ],
        rows.collect(),
    )
}
