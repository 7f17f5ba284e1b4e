//! `tactic_month`: reports of events by tactic. A report counts in each of its tactics, so there is no total.

use std::collections::{BTreeMap, BTreeSet};

use schemas::taxonomy::Tactic;
use schemas::time::Month;

use super::{MONTH, keys, measure, row, table};
use crate::cube::Cube;
use crate::keys::Key;
use crate::results::{Period, Table, Unit};

pub(crate) fn tactic_month(cube: &Cube, period: Period) -> Table {
    let mut sums: BTreeMap<(Month, Key<Tactic>), i64> = BTreeMap::new();
    let mut units = BTreeSet::from([Key::Unknown]);
    for ((month, _, tactic), reports) in &cube.tactics {
        units.insert(*tactic);
        *sums.entry((*month, *tactic)).or_default() += reports;
    }
    let mut rows = Vec::new();
    for month in period.table_months() {
        for tactic in &units {
            let reports = sums.get(&(month, *tactic)).copied().unwrap_or(0);
            rows.push(row([month.to_string().into(), tactic.text()], [reports]));
        }
    }
    table(
        "tactic_month",
        "Reports of events by tactic; a report counts in each of its tactics",
        keys(&[MONTH, ("tactic", "Tactic; unknown: the report tells of none")]),
        vec![measure("reports", Unit::Reports, "Reports of the six kinds of event that tell of the tactic")],
        rows,
    )
}
