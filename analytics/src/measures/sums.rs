//! `sums`: the two sums of design.md and the bridge between them, for what was received in the period and for all.

use std::collections::BTreeMap;

use schemas::time::Month;

use super::funnel_month::Funnel;
use super::{keys, open_measure, row, table};
use crate::results::{Period, Table, Unit};

pub(crate) fn sums(funnels: &BTreeMap<Month, Funnel>, period: Period) -> Table {
    let (mut within, mut all) = (Funnel::default(), Funnel::default());
    for (month, funnel) in funnels {
        all.add(funnel);
        if (period.first..=period.last).contains(month) {
            within.add(funnel);
        }
    }
    let mut rows = Vec::new();
    for (scope, f) in [("period", within), ("all", all)] {
        let events = f.events_this_month + f.events_earlier;
        let parts = [
            ("received", "received", f.received),
            ("received", "coded", f.coded),
            ("received", "revisions", f.revisions),
            ("received", "repeats", f.repeats),
            ("received", "rejected", f.rejected),
            ("received", "waiting", f.waiting),
            ("coded", "coded", f.coded),
            ("coded", "event", events),
            ("coded", "undated", f.undated),
            ("coded", "non_event", f.non_event),
            ("coded", "not_enforcement", f.not_enforcement),
            ("coded", "duplicate", f.duplicate),
            ("coded", "withdrawn", f.withdrawn),
            ("bridge", "received", f.received),
            ("bridge", "events_this_month", f.events_this_month),
            ("bridge", "events_earlier", f.events_earlier),
            ("bridge", "undated", f.undated),
            ("bridge", "not_events", f.not_events()),
            ("bridge", "revisions", f.revisions),
            ("bridge", "repeats", f.repeats),
            ("bridge", "rejected", f.rejected),
            ("bridge", "waiting", f.waiting),
        ];
        rows.extend(parts.map(|(sum, part, n)| row([scope.into(), sum.into(), part.into()], [n])));
    }
    table(
        "sums",
        "The two sums, and the bridge between them; of the whole installation",
        keys(&[
            ("scope", "period: received in the period (UTC); all: everything received so far"),
            (
                "sum",
                "received: how every submission ended; coded: what every coded report counts as; bridge: from one to the other",
            ),
            ("part", "Which part; the first line of each sum is its total"),
        ]),
        vec![open_measure("n", Unit::Submissions, "How many")],
        rows,
    )
}
