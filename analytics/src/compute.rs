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
use crate::dataset::{Snapshot, SnapshotId};
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
    let _ = (snapshot, request);
    Err(AnalyticsError::EmptySnapshot)
}
