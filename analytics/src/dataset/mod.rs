//! The snapshot: coded rows as immutable Parquet segments that any tool can open.
//!
//! ```text
//! snapshot.json                               what belongs to the snapshot; replaced last, in one step
//! segments/0000000001-0000050000.parquet      rows by sequence number, columns of `schemas::dataset`
//! digests/0000000001-0000050000.bin           what the snapshot's id is made of
//! cells/0000000001-0000050000.bin             what counts are made of, row by row, for rows that are superseded later
//! superseded/cut-000001.parquet               which sequences were superseded since the cut before, and when
//! cube.cache                                  counts of the latest look ([`crate::cached`]); can be removed at any time
//! ```
//!
//! What always holds: a file that `snapshot.json` names is never changed; a file that it does not name is what a crash
//! left, and the next [`SnapshotWriter::append`] removes it. A row is current as of T where `effective_at <= T` and it was
//! not superseded at or before T: an anti-join with the sidecars, never a group by report.

mod cells;
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
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use files::Pending;
pub(crate) use frame::{ParquetFile, ROW_GROUP, RowFrame, instant_type};
pub use writer::SnapshotWriter;

use crate::AnalyticsError;
use manifest::{Manifest, Segment, Sidecar};

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
        let gone = Marks::of(&self.superseded.within(1, self.manifest.last_seq, as_of), self.manifest.last_seq);
        digests::snapshot_id(files, |entry| entry.effective_at <= as_of && !gone.has(entry.seq))
    }

    /// The segments in the order of their sequences, small ones together.
    pub(crate) fn batches(&self) -> Vec<Batch<'_>> {
        self.batches_of(&self.manifest.segments)
    }

    fn batches_of<'a>(&'a self, segments: &'a [Segment]) -> Vec<Batch<'a>> {
        let batch = |segments| Batch { snapshot: self, segments, rows: Rows::Current };
        let mut batches = Vec::new();
        let (mut start, mut rows) = (0, 0);
        for (end, segment) in segments.iter().enumerate() {
            if end > start && rows + segment.rows > BATCH_ROWS {
                batches.push(batch(&segments[start..end]));
                (start, rows) = (end, 0);
            }
            rows += segment.rows;
        }
        if start < segments.len() {
            batches.push(batch(&segments[start..]));
        }
        batches
    }

    /// What a look at all of it, as of `as_of`, sees.
    pub(crate) fn seen(&self, as_of: Instant) -> Seen {
        let Manifest { segments, superseded, .. } = &self.manifest;
        let files = self.files_sha256(segments, superseded);
        Seen { as_of: as_of.timestamp_micros(), segments: segments.len(), sidecars: superseded.len(), files }
    }

    /// Whether this snapshot is the seen one, or what was appended to it since.
    pub(crate) fn continues(&self, seen: &Seen) -> bool {
        let Manifest { segments, superseded, .. } = &self.manifest;
        let then = segments.get(..seen.segments).zip(superseded.get(..seen.sidecars));
        then.is_some_and(|(segments, sidecars)| self.files_sha256(segments, sidecars) == seen.files)
    }

    /// SHA-256 of what the manifest says of some of its files.
    fn files_sha256(&self, segments: &[Segment], sidecars: &[Sidecar]) -> [u8; 32] {
        let files = serde_json::to_vec(&(&self.manifest.installation, segments, sidecars));
        Sha256::digest(files.expect("numbers and texts are JSON")).into()
    }

    /// The rows that are current as of a later instant and were not when it was seen.
    pub(crate) fn entered(&self, seen: &Seen) -> Vec<Batch<'_>> {
        let (old, new) = self.manifest.segments.split_at(seen.segments);
        let after = |segment: &&Segment| segment.last_effective_at.timestamp_micros() > seen.as_of;
        let later = old.iter().filter(after).flat_map(|segment| self.batches_of(std::slice::from_ref(segment)));
        let later = later.map(|batch| Batch { rows: Rows::After(seen.as_of), ..batch });
        later.chain(self.batches_of(new)).collect()
    }

    /// The rows that were current when it was seen and are not as of `as_of`: these columns of them. None where there are none.
    pub(crate) fn left(
        &self,
        seen: &Seen,
        as_of: Instant,
        columns: &[&str],
    ) -> Result<Option<Batch<'_>>, AnalyticsError> {
        let paths: Vec<_> = self.manifest.superseded[..seen.sidecars].iter().map(|s| s.parquet(&self.dir)).collect();
        let then = Superseded::read(&paths).map_err(AnalyticsError::parquet(&self.dir.join("superseded")))?;
        // Row by row where a segment has its cells apart, else out of its columns.
        let (mut segments, mut scanned) = (Vec::new(), Vec::new());
        let (mut reader, mut any) = (cells::Reader::new(seen.as_of), false);
        for segment in &self.manifest.segments[..seen.segments] {
            let mut here = self.superseded.within(segment.first_seq, segment.last_seq, as_of.timestamp_micros());
            here.retain(|seq| then.at(*seq).is_none_or(|at| at > seen.as_of));
            if here.is_empty() {
                continue;
            }
            any = true;
            if segment.cells_bytes > 0 {
                reader.read(&segment.cells(&self.dir), segment.rows, segment.first_seq, &here)?;
            } else {
                segments.push(segment.parquet(&self.dir));
                scanned.extend(here);
            }
        }
        if !any {
            return Ok(None);
        }
        let read = reader.finish(columns).and_then(|rows| {
            if segments.is_empty() {
                return Ok(rows);
            }
            rows.vstack(&Self::only(&segments, scanned, seen.as_of, columns)?)
        });
        let rows = read.map_err(AnalyticsError::parquet(&self.dir))?;
        Ok(Some(Batch { snapshot: self, segments: &[], rows: Rows::Loaded(rows) }))
    }

    /// The rows of these sequences that took effect up to an instant. Their sequences are read first, and of the rest only
    /// what is theirs.
    fn only(segments: &[PathBuf], seqs: Vec<i64>, as_of: i64, columns: &[&str]) -> PolarsResult<DataFrame> {
        let seqs = Column::new("seq".into(), seqs).take_materialized_series();
        scan(segments)?
            .filter(col("seq").is_in(lit(seqs).implode(true), false))
            .filter(col("effective_at").lt_eq(lit(as_of).cast(instant_type())))
            .select(columns.iter().map(|name| col(*name)).collect::<Vec<_>>())
            .collect_with_engine(Engine::Streaming)
            .map(|result| result.unwrap_single())
    }
}

/// The rows of segments, in order. Names of files are taken as they are, whatever characters stand in them.
fn scan(segments: &[PathBuf]) -> PolarsResult<LazyFrame> {
    let paths = segments.iter().map(|path| PlRefPath::try_from_path(path)).collect::<PolarsResult<Vec<_>>>()?;
    LazyFrame::scan_parquet_files(paths.into(), ScanArgsParquet { glob: false, ..ScanArgsParquet::default() })
}

/// Marks on sequences: a bit for each.
struct Marks(Vec<u64>);

impl Marks {
    fn of(seqs: &[i64], last: i64) -> Self {
        let mut marks = vec![0; usize::try_from(last).unwrap_or(0) / 64 + 1];
        for (word, bit) in seqs.iter().filter_map(|seq| Self::place(*seq)) {
            if let Some(word) = marks.get_mut(word) {
                *word |= bit;
            }
        }
        Self(marks)
    }

    fn place(seq: i64) -> Option<(usize, u64)> {
        let seq = usize::try_from(seq).ok()?;
        Some((seq / 64, 1 << (seq % 64)))
    }

    fn has(&self, seq: i64) -> bool {
        Self::place(seq).is_some_and(|(word, bit)| self.0.get(word).is_some_and(|word| word & bit != 0))
    }
}

/// How far an earlier look saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Microseconds since 1970.
    pub as_of: i64,
    segments: usize,
    sidecars: usize,
    /// SHA-256 of what the manifest said of those.
    files: [u8; 32],
}

/// Segments that one query reads.
#[derive(Debug, Clone)]
pub(crate) struct Batch<'a> {
    snapshot: &'a Snapshot,
    segments: &'a [Segment],
    rows: Rows,
}

/// Which rows of its segments a batch is of.
#[derive(Debug, Clone)]
enum Rows {
    /// Those that are current.
    Current,
    /// Those of them that took effect after this instant.
    After(i64),
    /// Just these.
    Loaded(DataFrame),
}

impl Batch<'_> {
    pub(crate) fn dir(&self) -> &Path {
        &self.snapshot.dir
    }

    /// The rows that are current as of `as_of`: these columns of them.
    pub(crate) fn current(&self, as_of: Instant, columns: &[&str]) -> PolarsResult<LazyFrame> {
        let only = columns.iter().map(|name| col(*name)).collect::<Vec<_>>();
        if let Rows::Loaded(rows) = &self.rows {
            return Ok(rows.clone().lazy().select(only));
        }
        let paths: Vec<_> = self.segments.iter().map(|segment| segment.parquet(&self.snapshot.dir)).collect();
        let mut rows = scan(&paths)?;
        if self.segments.iter().any(|segment| segment.last_effective_at > as_of) {
            let limit = lit(as_of.timestamp_micros()).cast(instant_type());
            rows = rows.filter(col("effective_at").lt_eq(limit));
        }
        if let Rows::After(instant) = self.rows {
            rows = rows.filter(col("effective_at").gt(lit(instant).cast(instant_type())));
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
        Ok(rows.select(only))
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
