//! `tactic_pairs`: reports of events of the period that tell of both tactics, and how much more often they do than two
//! tactics that have nothing to do with each other.

use std::collections::BTreeMap;

use schemas::report::Standing;
use schemas::taxonomy::{CodeAxis, Tactic};
use schemas::time::Month;

use super::{keys, measure, open_measure, table};
use crate::cube::Cube;
use crate::keys::Key;
use crate::results::{Period, Row, Table, Unit, Value};

/// Of fewer reports that tell of both no lift is printed, nor where fewer than half as many would be expected: it would be
/// loud by chance.
const FLOOR: i64 = 10;

pub(crate) fn tactic_pairs(cube: &Cube, period: Period, one_state: bool) -> Table {
    let within = |month: &Month| (period.first..=period.last).contains(month);
    let mut sums: BTreeMap<(Tactic, Tactic), i64> = BTreeMap::new();
    for ((month, _, a, b), reports) in &cube.tactic_pairs {
        *sums.entry((*a, *b)).or_default() += if within(month) { *reports } else { 0 };
    }
    let mut of_tactic: BTreeMap<Tactic, i64> = BTreeMap::new();
    for ((month, _, tactic), reports) in &cube.tactics {
        if let (true, Key::Is(tactic)) = (within(month), tactic) {
            *of_tactic.entry(*tactic).or_default() += reports;
        }
    }
    let events = cube.reports.iter().filter(|(key, _)| key.standing == Standing::Event);
    let all: i64 = events.filter(|(key, _)| key.month.is_some_and(|m| within(&m))).map(|(_, sums)| sums.reports).sum();
    let rows = sums.into_iter().map(|((a, b), both)| {
        let of = |tactic| of_tactic.get(&tactic).copied().unwrap_or(0);
        // In a brief for one state what it is made from can be hidden.
        let lift = if one_state { None } else { lift(both, of(a), of(b), all) };
        Row {
            keys: vec![period.to_string().into(), a.as_str().into(), b.as_str().into()],
            values: vec![Value::Count(both), lift.map_or(Value::Missing, Value::Scaled)],
        }
    });
    table(
        "tactic_pairs",
        "Reports of events that tell of two tactics",
        keys(&[
            ("period", "The period"),
            ("tactic_a", "The one that stands first in the list of tactics"),
            ("tactic_b", "The other"),
        ]),
        vec![
            measure("reports", Unit::Reports, "Reports of the six kinds of event that tell of both"),
            open_measure(
                "lift",
                Unit::Decimal(1),
                "How many times as many they are as if the two had nothing to do with each other; empty for fewer than 10 \
                 reports or where fewer than 5 would be expected, and in a brief for one state",
            ),
        ],
        rows.collect(),
    )
}

/// In tenths, halves up: n(ab) times n over n(a) times n(b).
fn lift(both: i64, a: i64, b: i64, all: i64) -> Option<i64> {
    // Expected are a times b over all.
    let (product, all) = (i128::from(a) * i128::from(b), i128::from(all));
    if both < FLOOR || product * 2 < i128::from(FLOOR) * all || product == 0 {
        return None;
    }
    i64::try_from((i128::from(both) * all * 20 + product) / (2 * product)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lift_has_a_floor() {
        assert_eq!(lift(20, 40, 50, 200), Some(20), "twice the ten that would be expected");
        assert_eq!(lift(10, 40, 50, 200), Some(10));
        assert_eq!(lift(9, 40, 50, 200), None, "too few");
        assert_eq!(lift(10, 20, 20, 200), None, "two would be expected: any number would be loud");
    }
}
