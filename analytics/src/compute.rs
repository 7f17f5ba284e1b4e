//! From a snapshot to the tables of a brief.
//!
//! What always holds: both sums of design.md and the bridge between them are checked before any table leaves, month by
//! month; one that does not add up is an error that names both sides.

use std::collections::BTreeMap;

use schemas::clock::Instant;
use schemas::dataset::FunnelRow;
use schemas::report::StateCode;
use schemas::source::SourceName;
use schemas::time::Month;

use crate::AnalyticsError;
use crate::cached;
use crate::cube::Cube;
use crate::dataset::{Snapshot, SnapshotId};
use crate::measures::agency_month::agency_month;
use crate::measures::completeness_month::completeness_month;
use crate::measures::county_month::county_month;
use crate::measures::courthouse::courthouse;
use crate::measures::data_dictionary::data_dictionary;
use crate::measures::delay;
use crate::measures::derived;
use crate::measures::detainer_month::detainer_month;
use crate::measures::funnel_month::{self, Funnel};
use crate::measures::reports_month::reports_month;
use crate::measures::same_sources::same_sources;
use crate::measures::setting_month::setting_month;
use crate::measures::sums::sums;
use crate::measures::tactic_month::tactic_month;
use crate::measures::tactic_pairs::tactic_pairs;
use crate::results::{Period, Table};

/// What a brief asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub period: Period,
    /// Data as of; none stands for [`Snapshot::latest`].
    pub as_of: Option<Instant>,
    /// A brief for one state. Funnel, sums and bridge stay those of the whole installation.
    pub state: Option<StateCode>,
    /// The first sum's counts as of the same instant, of every month and source.
    pub funnel: &'a [FunnelRow],
    /// The name that a source agreed to be printed under; the others are pooled.
    pub public_names: &'a BTreeMap<SourceName, String>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Every table, in the order of interface.md; `data_dictionary` is the last.
    pub tables: Vec<Table>,
    pub snapshot_id: SnapshotId,
    pub as_of: Instant,
    pub facts: Facts,
}

impl Measured {
    /// The table of that name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// What else a brief must know of the data. Months are none where there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Rows in the snapshot, superseded ones included.
    pub rows_read: u64,
    /// Rows that are current as of the data's date, whatever they count as: one a report.
    pub reports: u64,
    /// First month in which a report counts (of the state, where the brief is of one); the series begins there.
    pub first_month: Option<Month>,
    /// Last month in which one does.
    pub last_month: Option<Month>,
    /// Whether enough reports tell how late they came.
    pub delay_is_known: bool,
    /// From this month of the tables on, late reports are still expected (less than nine in ten are in).
    pub provisional_from: Option<Month>,
    /// First UTC month in which anything was received.
    pub first_received: Option<Month>,
    /// Last UTC month in which anything was received.
    pub last_received: Option<Month>,
}

/// Measures everything that a brief holds, in one pass over the snapshot.
pub fn compute(snapshot: &Snapshot, request: &Request<'_>) -> Result<Measured, AnalyticsError> {
    let period = request.period;
    let (Some(latest), Some(earliest)) = (snapshot.latest(), snapshot.earliest()) else {
        return Err(AnalyticsError::EmptySnapshot);
    };
    let as_of = request.as_of.unwrap_or(latest);
    if as_of < earliest {
        return Err(AnalyticsError::NothingAsOf { as_of, first: earliest });
    }
    // The id is made of files of its own, so both are worked out side by side.
    let (whole, snapshot_id) = std::thread::scope(|scope| {
        let id = scope.spawn(|| snapshot.id(as_of));
        let whole = cached::cube(snapshot, as_of);
        (whole, id.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (whole, snapshot_id) = (whole?, snapshot_id?);
    let funnels = funnel_month::funnels(&whole, request.funnel)?;
    has_data(&whole, &funnels, period)?;
    let delay_is_known = delay::is_known(&whole.lags);
    let provisional_from = delay::provisional_from(&whole.lags, period.last, as_of.date_naive());
    let reports = whole.reports.values().map(|sums| u64::try_from(sums.reports).unwrap_or(0)).sum();
    let cube = match request.state {
        None => whole,
        Some(state) => {
            let cube = whole.of_state(state);
            if cube.reports.is_empty() {
                return Err(AnalyticsError::NoReportsInState(state));
            }
            cube
        }
    };
    // A withdrawn or duplicate report begins no series.
    let dated = span(cube.reports.keys().filter_map(|key| key.counts_in().map(|(month, _)| month)));
    let received = span(request.funnel.iter().map(|row| row.month));
    let facts = Facts {
        rows_read: snapshot.rows(),
        reports,
        first_month: dated.map(|(first, _)| first),
        last_month: dated.map(|(_, last)| last),
        delay_is_known,
        provisional_from,
        first_received: received.map(|(first, _)| first),
        last_received: received.map(|(_, last)| last),
    };
    let mut tables = vec![
        reports_month(&cube, period),
        county_month(&cube, period),
        tactic_month(&cube, period),
        tactic_pairs(&cube, period, request.state.is_some()),
        setting_month(&cube, period),
        agency_month(&cube, period),
        courthouse(&cube, period),
        detainer_month(&cube, period),
        funnel_month::funnel_month(&funnels, period),
        completeness_month(&cube, period, request.public_names),
        same_sources(&cube, period, request.state.is_some()),
        sums(&funnels, period),
    ];
    let made_later = [derived::comparators(), derived::revisions(), derived::suppression_log()];
    tables.push(data_dictionary(tables.iter().chain(&made_later)));
    Ok(Measured { tables, snapshot_id, as_of, facts })
}

/// Refuses a period of which there is nothing to say. A report that is dated in it and withdrawn since is something: a brief
/// can then say that it was withdrawn.
fn has_data(cube: &Cube, funnels: &BTreeMap<Month, Funnel>, period: Period) -> Result<(), AnalyticsError> {
    let months = period.first..=period.last;
    let dated = || cube.reports.keys().filter_map(|key| key.month);
    if dated().any(|month| months.contains(&month)) || funnels.range(months).next().is_some() {
        return Ok(());
    }
    Err(AnalyticsError::NoData { period, dated: span(dated()), received: span(funnels.keys().copied()) })
}

/// The first and the last of some months.
fn span(months: impl Iterator<Item = Month>) -> Option<(Month, Month)> {
    months.fold(None, |span, month| match span {
        None => Some((month, month)),
        Some((first, last)) => Some((first.min(month), last.max(month))),
    })
}

#[cfg(test)]
mod tests;
