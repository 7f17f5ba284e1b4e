//! `tactic_pairs`: reports of events of the period that tell of both tactics.

use std::collections::BTreeMap;

use schemas::taxonomy::{CodeAxis, Tactic};

use super::{keys, measure, row, table};
use crate::cube::Cube;
use crate::results::{Period, Table, Unit};

pub(crate) fn tactic_pairs(cube: &Cube, period: Period) -> Table {
    let mut sums: BTreeMap<(Tactic, Tactic), i64> = BTreeMap::new();
    for ((month, _, a, b), reports) in &cube.tactic_pairs {
        let within = (period.first..=period.last).contains(month);
        *sums.entry((*a, *b)).or_default() += if within { *reports } else { 0 };
    }
    let rows = sums
        .into_iter()
        .map(|((a, b), reports)| row([period.to_string().into(), a.as_str().into(), b.as_str().into()], [reports]));
    table(
        "tactic_pairs",
        "Reports of events that tell of two tactics",
        keys(&[
            ("period", "The period"),
            ("tactic_a", "The one that stands first in the list of tactics"),
            ("tactic_b", "The other"),
        ]),
        vec![measure("reports", Unit::Reports, "Reports of the six kinds of event that tell of both")],
        rows.collect(),
    )
}
