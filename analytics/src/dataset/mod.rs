//! The snapshot: coded rows as immutable Parquet segments that any tool can open.
//!
//! ```text
//! snapshot.json                               what belongs to the snapshot; replaced last, in one step
//! segments/0000000001-0000050000.parquet      rows by sequence number, columns of `schemas::dataset`
//! digests/0000000001-0000050000.bin           what the snapshot's id is made of
//! superseded/cut-000001.parquet               which sequences were superseded since the cut before, and when
//! ```
//!
//! What always holds: a file that `snapshot.json` names is never changed; a file that it does not name is what a crash
//! left, and the next [`SnapshotWriter::append`] removes it. A row is current as of T where `effective_at <= T` and it was
//! not superseded at or before T: an anti-join with the sidecars, never a group by report.

mod digests;
mod files;
mod frame;
mod manifest;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};

use polars::prelude::*;
use schemas::clock::Instant;

pub(crate) use frame::{ParquetFile, ROW_GROUP, RowFrame, instant_type};
pub use writer::SnapshotWriter;

use crate::AnalyticsError;
use manifest::{Manifest, Segment};

/// How many rows a query takes at once. Small segments are taken together up to this, so that a snapshot of many small
/// appends costs no more than one of few large ones, and memory does not grow with either. (Tests see many batches.)
const BATCH_ROWS: u64 = if cfg!(test) { 16 } else { 8 * ROW_GROUP as u64 };

/// SHA-256 over the current rows (report id and digest each), ordered by report id, without sequences: the same reports
/// give the same id through any queue, store, and order of appending.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SnapshotId([u8; 32]);

/// 64 hexadecimal digits.
impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Rows added by this append.
    pub rows: u64,
    /// Superseded rows listed by this append.
    pub superseded: u64,
    /// The last sequence number in the snapshot; 0 where it is empty.
    pub last_seq: i64,
}

/// A snapshot as it stood when it was opened. What is appended later does not change it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    dir: PathBuf,
    manifest: Manifest,
    superseded: Superseded,
}

impl Snapshot {
    /// Opens the snapshot in `dir`.
    pub fn open(dir: &Path) -> Result<Self, AnalyticsError> {
        match Manifest::load(dir)? {
            Some(manifest) => Self::of(dir, manifest),
            None => Err(AnalyticsError::NoSnapshot(dir.to_owned())),
        }
    }

    fn of(dir: &Path, manifest: Manifest) -> Result<Self, AnalyticsError> {
        let paths: Vec<_> = manifest.superseded.iter().map(|sidecar| sidecar.parquet(dir)).collect();
        let superseded = Superseded::read(&paths).map_err(AnalyticsError::parquet(&dir.join("superseded")))?;
        Ok(Self { dir: dir.to_owned(), manifest, superseded })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The latest `effective_at`: the data's date, where none is asked for. None where the snapshot is empty.
    #[must_use]
    pub fn latest(&self) -> Option<Instant> {
        self.manifest.segments.iter().map(|segment| segment.last_effective_at).max()
    }

    /// The earliest `effective_at`: as of any instant before it there is nothing.
    #[must_use]
    pub fn earliest(&self) -> Option<Instant> {
        self.manifest.segments.iter().map(|segment| segment.first_effective_at).min()
    }

    /// How many rows it holds, superseded ones included.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.manifest.segments.iter().map(|segment| segment.rows).sum()
    }

    /// The id of the rows that are current as of `as_of`.
    pub fn id(&self, as_of: Instant) -> Result<SnapshotId, AnalyticsError> {
        let files = self.manifest.segments.iter().map(|segment| (segment.digests(&self.dir), segment.rows));
        let as_of = as_of.timestamp_micros();
        digests::snapshot_id(files, |entry| {
            entry.effective_at <= as_of && self.superseded.at(entry.seq).is_none_or(|at| as_of < at)
        })
    }

    /// The segments in the order of their sequences, small ones together.
    pub(crate) fn batches(&self) -> Vec<Batch<'_>> {
        let segments = &self.manifest.segments;
        let mut batches = Vec::new();
        let (mut start, mut rows) = (0, 0);
        for (end, segment) in segments.iter().enumerate() {
            if end > start && rows + segment.rows > BATCH_ROWS {
                batches.push(Batch { snapshot: self, segments: &segments[start..end] });
                (start, rows) = (end, 0);
            }
            rows += segment.rows;
        }
        if start < segments.len() {
            batches.push(Batch { snapshot: self, segments: &segments[start..] });
        }
        batches
    }
}

/// Segments that one query reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    snapshot: &'a Snapshot,
    segments: &'a [Segment],
}

impl Batch<'_> {
    /// The rows that are current as of `as_of`: these columns of them.
    pub(crate) fn current(&self, as_of: Instant, columns: &[&str]) -> PolarsResult<LazyFrame> {
        let mut paths = Vec::with_capacity(self.segments.len());
        for segment in self.segments {
            paths.push(PlRefPath::try_from_pathbuf(segment.parquet(&self.snapshot.dir))?);
        }
        // Names of files are taken as they are, whatever characters stand in them.
        let args = ScanArgsParquet { glob: false, ..ScanArgsParquet::default() };
        let mut rows = LazyFrame::scan_parquet_files(paths.into(), args)?;
        if self.segments.iter().any(|segment| segment.last_effective_at > as_of) {
            let limit = lit(as_of.timestamp_micros()).cast(instant_type());
            rows = rows.filter(col("effective_at").lt_eq(limit));
        }
        let (first, last) = self
            .segments
            .iter()
            .fold((i64::MAX, 0), |(first, last), segment| (first.min(segment.first_seq), last.max(segment.last_seq)));
        let gone = self.snapshot.superseded.within(first, last, as_of.timestamp_micros());
        if !gone.is_empty() {
            let gone = DataFrame::new(gone.len(), vec![Column::new("seq".into(), gone)])?;
            rows = rows.join(gone.lazy(), [col("seq")], [col("seq")], JoinArgs::new(JoinType::Anti));
        }
        Ok(rows.select(columns.iter().map(|name| col(*name)).collect::<Vec<_>>()))
    }
}

/// The sequences that no longer count, each with the instant (microseconds since 1970) from which it does not.
#[derive(Debug, Clone)]
struct Superseded(Vec<(i64, i64)>);

impl Superseded {
    fn read(sidecars: &[PathBuf]) -> PolarsResult<Self> {
        let mut all = Vec::new();
        for sidecar in sidecars {
            let path = PlRefPath::try_from_path(sidecar)?;
            let frame = LazyFrame::scan_parquet(path, ScanArgsParquet { glob: false, ..ScanArgsParquet::default() })?
                .select([col("seq"), col("superseded_at").cast(DataType::Int64)])
                .collect()?;
            let (seqs, instants) = (frame.column("seq")?.i64()?, frame.column("superseded_at")?.i64()?);
            all.extend(seqs.iter().zip(instants.iter()).filter_map(|(seq, at)| Some((seq?, at?))));
        }
        all.sort_unstable();
        // Told twice, the earlier instant holds: superseded once is superseded for good.
        all.dedup_by_key(|(seq, _)| *seq);
        Ok(Self(all))
    }

    /// From when the row of this sequence no longer counts.
    fn at(&self, seq: i64) -> Option<i64> {
        let index = self.0.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        Some(self.0[index].1)
    }

    /// The sequences from `first` to `last` that no longer count at `as_of`.
    fn within(&self, first: i64, last: i64, as_of: i64) -> Vec<i64> {
        let start = self.0.partition_point(|(seq, _)| *seq < first);
        self.0[start..]
            .iter()
            .take_while(|(seq, _)| *seq <= last)
            .filter(|(_, at)| *at <= as_of)
            .map(|(seq, _)| *seq)
            .collect()
    }
}
