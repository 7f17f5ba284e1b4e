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
use crate::cube::Cube;
use crate::dataset::{Snapshot, SnapshotId};
use crate::measures::agency_month::agency_month;
use crate::measures::county_month::county_month;
use crate::measures::courthouse::courthouse;
use crate::measures::data_dictionary::data_dictionary;
use crate::measures::detainer_month::detainer_month;
use crate::measures::funnel_month;
use crate::measures::reports_month::reports_month;
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

/// What else a brief must know of the data. Months are none where no report is dated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Rows in the snapshot, superseded ones included.
    pub rows_read: u64,
    /// Rows that are current as of the data's date, whatever they count as: one a report.
    pub reports: u64,
    /// First month in which a report's event is dated; the series begins there.
    pub first_month: Option<Month>,
    /// Last month in which a report's event is dated.
    pub last_month: Option<Month>,
    /// First UTC month in which a report was received.
    pub first_received: Option<Month>,
    /// Last UTC month in which a report was received.
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
    let whole = Cube::read(snapshot, as_of)?;
    let facts = facts(snapshot, &whole, request.funnel);
    let funnels = funnel_month::funnels(&whole, request.funnel)?;
    let within = period.first..=period.last;
    let dated = whole.reports.keys().any(|key| key.month.is_some_and(|month| within.contains(&month)));
    if !dated && !funnels.keys().any(|month| within.contains(month)) {
        return Err(AnalyticsError::NoData {
            period,
            dated: facts.first_month.zip(facts.last_month),
            received: facts.first_received.zip(facts.last_received),
        });
    }
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
    let mut tables = vec![
        reports_month(&cube, period),
        county_month(&cube, period),
        tactic_month(&cube, period),
        tactic_pairs(&cube, period),
        setting_month(&cube, period),
        agency_month(&cube, period),
        courthouse(&cube, period),
        detainer_month(&cube, period),
        funnel_month::funnel_month(&funnels, period),
        sums(&funnels, period),
    ];
    tables.push(data_dictionary(&tables));
    Ok(Measured { tables, snapshot_id: snapshot.id(as_of)?, as_of, facts })
}

fn facts(snapshot: &Snapshot, cube: &Cube, funnel: &[FunnelRow]) -> Facts {
    let dated = || cube.reports.keys().filter_map(|key| key.month);
    let received = || funnel.iter().map(|row| row.month);
    Facts {
        rows_read: snapshot.rows(),
        reports: cube.reports.values().map(|sums| u64::try_from(sums.reports).unwrap_or(0)).sum(),
        first_month: dated().min(),
        last_month: dated().max(),
        first_received: received().min(),
        last_received: received().max(),
    }
}
