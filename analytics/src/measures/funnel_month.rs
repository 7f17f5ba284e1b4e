//! `funnel_month`: what came in, by UTC month of receipt, and what it came to. Always of the whole installation.

use std::collections::BTreeMap;

use schemas::dataset::FunnelRow;
use schemas::report::Standing;
use schemas::time::Month;

use super::{keys, open_measure, row, table};
use crate::AnalyticsError;
use crate::cube::Cube;
use crate::results::{Period, Table, Unit};

/// Both sums and the bridge, of one month of receipt or of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Funnel {
    pub received: i64,
    pub coded: i64,
    pub revisions: i64,
    pub repeats: i64,
    pub rejected: i64,
    pub waiting: i64,
    pub events_this_month: i64,
    pub events_earlier: i64,
    pub undated: i64,
    pub not_enforcement: i64,
    pub non_event: i64,
    pub duplicate: i64,
    pub withdrawn: i64,
}

impl Funnel {
    pub(crate) const fn not_events(&self) -> i64 {
        self.not_enforcement + self.non_event + self.duplicate + self.withdrawn
    }

    pub(crate) const fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.coded += other.coded;
        self.revisions += other.revisions;
        self.repeats += other.repeats;
        self.rejected += other.rejected;
        self.waiting += other.waiting;
        self.events_this_month += other.events_this_month;
        self.events_earlier += other.events_earlier;
        self.undated += other.undated;
        self.not_enforcement += other.not_enforcement;
        self.non_event += other.non_event;
        self.duplicate += other.duplicate;
        self.withdrawn += other.withdrawn;
    }

    /// Refuses sums that do not add up.
    fn check(&self, month: Month) -> Result<(), AnalyticsError> {
        let sum = |sum, left_name, left, right_name, right| {
            if left == right {
                return Ok(());
            }
            Err(AnalyticsError::DoesNotAddUp { sum, scope: month.to_string(), left_name, left, right_name, right })
        };
        let ends = self.coded + self.revisions + self.repeats + self.rejected + self.waiting;
        sum("received", "received", self.received, "coded + revisions + repeats + rejected + waiting", ends)?;
        let standings = self.events_this_month + self.events_earlier + self.undated + self.not_events();
        sum("coded", "coded", self.coded, "coded reports by what they count as", standings)
    }
}

/// The funnel of every month in which anything was received, checked.
pub(crate) fn funnels(cube: &Cube, first_sum: &[FunnelRow]) -> Result<BTreeMap<Month, Funnel>, AnalyticsError> {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut months: BTreeMap<Month, Funnel> = BTreeMap::new();
    for row in first_sum {
        let funnel = months.entry(row.month).or_default();
        funnel.received += count(row.received);
        funnel.coded += count(row.coded);
        funnel.revisions += count(row.revisions);
        funnel.repeats += count(row.repeats);
        funnel.rejected += count(row.rejected);
        funnel.waiting += count(row.waiting);
    }
    for (key, sums) in &cube.reports {
        let funnel = months.entry(key.received).or_default();
        let part = match key.standing {
            Standing::Withdrawn => &mut funnel.withdrawn,
            Standing::Duplicate => &mut funnel.duplicate,
            Standing::NotEnforcement => &mut funnel.not_enforcement,
            Standing::NonEvent => &mut funnel.non_event,
            Standing::Undated => &mut funnel.undated,
            // An event dated after its received month counts as of that month.
            Standing::Event if key.month.is_some_and(|month| month < key.received) => &mut funnel.events_earlier,
            Standing::Event => &mut funnel.events_this_month,
        };
        *part += sums.reports;
    }
    for (month, funnel) in &months {
        funnel.check(*month)?;
    }
    Ok(months)
}

pub(crate) fn funnel_month(funnels: &BTreeMap<Month, Funnel>, period: Period) -> Table {
    let rows = period.table_months().map(|month| {
        let f = funnels.get(&month).copied().unwrap_or_default();
        let values = [
            f.received,
            f.coded,
            f.revisions,
            f.repeats,
            f.rejected,
            f.waiting,
            f.events_this_month,
            f.events_earlier,
            f.undated,
            f.not_events(),
        ];
        row([month.to_string().into()], values)
    });
    let m = |name, description| open_measure(name, Unit::Submissions, description);
    let r = |name, description| open_measure(name, Unit::Reports, description);
    table(
        "funnel_month",
        "What came in by month of receipt, and what it came to; of the whole installation",
        keys(&[("month", "UTC month in which the submission, or the report's first version, was received, YYYY-MM")]),
        vec![
            m("received", "Submissions received: the sum of the next five"),
            m("coded", "Submissions that were the first of their report to be coded: the sum of the last four"),
            m("revisions", "Submissions that changed a report"),
            m("repeats", "Submissions that said nothing new"),
            m("rejected", "Submissions that could not be coded"),
            m("waiting", "Submissions that wait to be coded"),
            r("events_this_month", "Reports received first in this month, of events of this month (or dated later)"),
            r("events_earlier", "Reports received first in this month, of events of earlier months"),
            r("undated", "Reports received first in this month, of events whose month is not known"),
            r("not_events", "Reports received first in this month, of no event"),
        ],
        rows.collect(),
    )
}
