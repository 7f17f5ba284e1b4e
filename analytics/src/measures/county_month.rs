//! `county_month`: reports of events, and arrests, by county, with totals by state and over all.

use std::collections::{BTreeMap, BTreeSet};

use schemas::time::Month;

use super::{MONTH, keys, measure, row, table};
use crate::cube::{Cube, PlaceSums};
use crate::keys::Place;
use crate::results::{Period, Table, Unit};

pub(crate) fn county_month(cube: &Cube, period: Period) -> Table {
    let mut sums: BTreeMap<(Month, Place), PlaceSums> = BTreeMap::new();
    let mut units: BTreeSet<Place> = BTreeSet::from([Place::EVERYWHERE]);
    for ((month, place), value) in &cube.counties {
        for place in place.with_totals() {
            units.insert(place);
            *sums.entry((*month, place)).or_default() += *value;
        }
    }
    let mut rows = Vec::new();
    for month in period.table_months() {
        for place in &units {
            let sum = sums.get(&(month, *place)).copied().unwrap_or_default();
            let keys = [month.to_string().into(), place.state.text(), place.county.text(), place.county_name()];
            rows.push(row(keys, [sum.reports, sum.arrests]));
        }
    }
    table(
        "county_month",
        "Reports of events by county",
        keys(&[
            MONTH,
            ("state", "State, two letters; all: everywhere; unknown: the report does not say"),
            ("county_fips", "County, five digits; all: the state, or everywhere; unknown: the report does not say"),
            ("county", "The county's name"),
        ]),
        vec![
            measure("reports", Unit::Reports, "Reports of the six kinds of event"),
            measure("arrests", Unit::Reports, "Reports of arrests"),
        ],
        rows,
    )
}
