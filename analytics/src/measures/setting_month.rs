//! `setting_month`: reports of events by setting.

use std::collections::{BTreeMap, BTreeSet};

use schemas::taxonomy::Setting;
use schemas::time::Month;

use super::{MONTH, keys, measure, row, table};
use crate::cube::Cube;
use crate::keys::Key;
use crate::results::{Period, Table, Unit};

pub(crate) fn setting_month(cube: &Cube, period: Period) -> Table {
    let mut sums: BTreeMap<(Month, Key<Setting>), i64> = BTreeMap::new();
    let mut units = BTreeSet::from([Key::All, Key::Unknown]);
    for ((month, _, setting), reports) in &cube.settings {
        units.insert(*setting);
        for setting in [*setting, Key::All] {
            *sums.entry((*month, setting)).or_default() += reports;
        }
    }
    let mut rows = Vec::new();
    for month in period.table_months() {
        for setting in &units {
            let reports = sums.get(&(month, *setting)).copied().unwrap_or(0);
            rows.push(row([month.to_string().into(), setting.text()], [reports]));
        }
    }
    table(
        "setting_month",
        "Reports of events by setting",
        keys(&[MONTH, ("setting", "Setting; all: every setting; unknown: the report does not say")]),
        vec![measure("reports", Unit::Reports, "Reports of the six kinds of event")],
        rows,
    )
}
