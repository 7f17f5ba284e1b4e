//! `agency_month`: reports of events by agency: as the agents claimed, and as the reporter assessed.

use std::collections::{BTreeMap, BTreeSet};

use schemas::taxonomy::Agency;
use schemas::time::Month;

use super::{MONTH, keys, measure, row, table};
use crate::cube::{Basis, Cube};
use crate::keys::Key;
use crate::results::{Period, Table, Unit};

pub(crate) fn agency_month(cube: &Cube, period: Period) -> Table {
    let mut sums: BTreeMap<(Month, Basis, Key<Agency>), i64> = BTreeMap::new();
    let mut units = BTreeSet::new();
    for basis in [Basis::Claimed, Basis::Assessed] {
        units.extend([(basis, Key::All), (basis, Key::Unknown)]);
    }
    for ((month, _, basis, agency), reports) in &cube.agencies {
        units.insert((*basis, *agency));
        for agency in [*agency, Key::All] {
            *sums.entry((*month, *basis, agency)).or_default() += reports;
        }
    }
    let mut rows = Vec::new();
    for month in period.table_months() {
        for (basis, agency) in &units {
            let reports = sums.get(&(month, *basis, *agency)).copied().unwrap_or(0);
            let basis = match basis {
                Basis::Claimed => "claimed",
                Basis::Assessed => "assessed",
            };
            rows.push(row([month.to_string().into(), basis.into(), agency.text()], [reports]));
        }
    }
    table(
        "agency_month",
        "Reports of events by agency",
        keys(&[
            MONTH,
            ("basis", "claimed: what the agents said or wore; assessed: what the reporter says they were"),
            ("agency", "Agency; all: every report; unknown: the report does not say"),
        ]),
        vec![measure("reports", Unit::Reports, "Reports of the six kinds of event")],
        rows,
    )
}
