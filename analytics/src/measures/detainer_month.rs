//! `detainer_month`: reports of detainers and transfers by state and kind.

use std::collections::{BTreeMap, BTreeSet};

use schemas::report::StateCode;
use schemas::time::Month;

use super::{MONTH, keys, measure, row, table};
use crate::cube::{Cube, DetainerKind};
use crate::keys::Key;
use crate::results::{ALL, Period, Table, Unit};

pub(crate) fn detainer_month(cube: &Cube, period: Period) -> Table {
    let kinds = [
        (None, ALL),
        (Some(DetainerKind::DetainerHold), "detainer_hold"),
        (Some(DetainerKind::TransferAtRelease), "transfer_at_release"),
        (Some(DetainerKind::Other), "other"),
    ];
    let mut sums: BTreeMap<(Month, Key<StateCode>, Option<DetainerKind>), i64> = BTreeMap::new();
    let mut states = BTreeSet::from([Key::All]);
    for ((month, state, kind), reports) in &cube.detainers {
        states.insert(*state);
        for state in [*state, Key::All] {
            for kind in [Some(*kind), None] {
                *sums.entry((*month, state, kind)).or_default() += reports;
            }
        }
    }
    let mut rows = Vec::new();
    for month in period.table_months() {
        for state in &states {
            for (kind, name) in kinds {
                let reports = sums.get(&(month, *state, kind)).copied().unwrap_or(0);
                rows.push(row([month.to_string().into(), state.text(), name.into()], [reports]));
            }
        }
    }
    table(
        "detainer_month",
        "Reports of detainers and transfers by state",
        keys(&[
            MONTH,
            ("state", "State, two letters; all: everywhere; unknown: the report does not say"),
            ("kind", "detainer_hold: held for a detainer; transfer_at_release: handed over when released; other; all"),
        ]),
        vec![measure("reports", Unit::Reports, "Reports of detainers and transfers")],
        rows,
    )
}
