//! Appending to a snapshot.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use polars::prelude::*;
use schemas::clock::Instant;
use schemas::dataset::{Carried, CodedRow};

use super::cells::Cells;
use super::digests::{self, Entry};
use super::frame::{ParquetFile, ROW_GROUP, RowFrame, instant_type};
use super::manifest::{Manifest, Segment, Sidecar};
use super::{Cut, Snapshot};
use crate::AnalyticsError;

/// Rows in a full segment: bounded, so that what is read at once is.
const SEGMENT_ROWS: usize = 8 * ROW_GROUP;

/// The directories of a snapshot.
const PARTS: [&str; 4] = ["segments", "digests", "cells", "superseded"];

/// The one writer of a snapshot: holds a lock on its directory, so that a second one waits.
#[derive(Debug)]
pub struct SnapshotWriter {
    dir: PathBuf,
    manifest: Manifest,
    segment_rows: usize,
    /// Open for as long as the writer lives: the lock goes with it, also when the process is killed.
    _lock: File,
}

impl SnapshotWriter {
    /// Opens `dir` for appending and makes it where it is absent. `installation` names the installation whose rows these
    /// are (any text that stays the same, such as a hash of its key); a snapshot of another one is refused.
    pub fn open(dir: &Path, installation: &str) -> Result<Self, AnalyticsError> {
        for part in PARTS {
            let path = dir.join(part);
            fs::create_dir_all(&path).map_err(AnalyticsError::io(&path))?;
        }
        let path = dir.join("snapshot.lock");
        let lock = File::create(&path).map_err(AnalyticsError::io(&path))?;
        lock.lock().map_err(AnalyticsError::io(&path))?;
        let manifest = match Manifest::load(dir)? {
            Some(manifest) if manifest.installation != installation => {
                return Err(AnalyticsError::OtherInstallation(dir.to_owned()));
            }
            Some(manifest) => manifest,
            None => Manifest::new(installation),
        };
        Ok(Self { dir: dir.to_owned(), manifest, segment_rows: SEGMENT_ROWS, _lock: lock })
    }

    /// The same with other bounds, so that a test sees many segments.
    #[cfg(test)]
    pub(crate) fn with_segment_rows(mut self, rows: usize) -> Self {
        self.segment_rows = rows;
        self
    }

    /// Up to which sequence number the snapshot has rows (0 where it is empty): append the rows after it, and the
    /// supersessions that those rows made, both read in one transaction of the store.
    #[must_use]
    pub const fn last_seq(&self) -> i64 {
        self.manifest.last_seq
    }

    /// How many superseded rows it lists: a store numbers them from 1 without gaps, so this is the number of the last.
    #[must_use]
    pub fn last_superseded(&self) -> i64 {
        i64::try_from(self.manifest.superseded.iter().map(|sidecar| sidecar.rows).sum::<u64>()).unwrap_or(i64::MAX)
    }

    /// Adds rows in the order of their sequence numbers, then the sequences that they superseded, each with the instant
    /// from which it no longer counts. All of it becomes part of the snapshot in one step; after an error nothing has.
    pub fn append<E>(
        &mut self,
        rows: impl Iterator<Item = Result<CodedRow, E>>,
        superseded: impl Iterator<Item = Result<(i64, Instant), E>>,
    ) -> Result<Cut, AnalyticsError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.remove_strays()?;
        let next = self.write_files(rows, superseded).and_then(|next| next.store(&self.dir).map(|()| next));
        let next = match next {
            Ok(next) => next,
            Err(error) => {
                // Gives a full disk its room back; what cannot be removed now is removed before the next append.
                let _ = self.remove_strays();
                return Err(error);
            }
        };
        let new = |count: fn(&Manifest) -> u64| count(&next) - count(&self.manifest);
        let cut = Cut {
            rows: new(|m| m.segments.iter().map(|s| s.rows).sum()),
            superseded: new(|m| m.superseded.iter().map(|s| s.rows).sum()),
            last_seq: next.last_seq,
        };
        self.manifest = next;
        Ok(cut)
    }

    /// The snapshot as it stands now.
    pub fn snapshot(&self) -> Result<Snapshot, AnalyticsError> {
        Snapshot::of(&self.dir, self.manifest.clone())
    }

    /// Writes the files of an append, and returns the manifest that will name them.
    fn write_files<E>(
        &self,
        rows: impl Iterator<Item = Result<CodedRow, E>>,
        superseded: impl Iterator<Item = Result<(i64, Instant), E>>,
    ) -> Result<Manifest, AnalyticsError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut next = self.manifest.clone();
        next.cuts += 1;
        let mut open: Option<OpenSegment> = None;
        for row in rows {
            let row = row.map_err(|error| AnalyticsError::Rows(error.into()))?;
            if row.seq <= next.last_seq {
                return Err(AnalyticsError::OutOfOrder { seq: row.seq, after: next.last_seq });
            }
            next.last_seq = row.seq;
            let mut segment = match open.take() {
                Some(segment) => segment,
                None => OpenSegment::create(&self.dir)?,
            };
            segment.push(&row)?;
            if segment.entries.len() < self.segment_rows {
                open = Some(segment);
            } else {
                next.segments.push(segment.commit(&self.dir)?);
            }
        }
        if let Some(segment) = open {
            next.segments.push(segment.commit(&self.dir)?);
        }
        if let Some(sidecar) = self.write_sidecar(next.cuts, superseded)? {
            next.superseded.push(sidecar);
        }
        Ok(next)
    }

    fn write_sidecar<E>(
        &self,
        cut: u64,
        superseded: impl Iterator<Item = Result<(i64, Instant), E>>,
    ) -> Result<Option<Sidecar>, AnalyticsError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut seqs, mut instants) = (Vec::new(), Vec::new());
        for pair in superseded {
            let (seq, at) = pair.map_err(|error| AnalyticsError::Rows(error.into()))?;
            seqs.push(seq);
            instants.push(at.timestamp_micros());
        }
        if seqs.is_empty() {
            return Ok(None);
        }
        let mut sidecar = Sidecar { cut, rows: seqs.len() as u64, bytes: 0 };
        let path = sidecar.parquet(&self.dir);
        let frame = Column::new("superseded_at".into(), instants)
            .cast(&instant_type())
            .and_then(|instants| DataFrame::new(seqs.len(), vec![Column::new("seq".into(), seqs), instants]))
            .map_err(AnalyticsError::parquet(&path))?;
        let mut file = ParquetFile::create(&self.dir.join("superseded"), "sidecar")?;
        file.write(&frame)?;
        sidecar.bytes = file.commit(&path)?;
        Ok(Some(sidecar))
    }

    /// Removes what a crash, or an append that failed, left behind: the files that the manifest does not name.
    fn remove_strays(&self) -> Result<(), AnalyticsError> {
        let named = self.manifest.files(&self.dir);
        let mut named: Vec<_> = named.into_iter().map(|(path, _)| path).collect();
        named.sort_unstable();
        for part in PARTS {
            let dir = self.dir.join(part);
            for entry in fs::read_dir(&dir).map_err(AnalyticsError::io(&dir))? {
                let path = entry.map_err(AnalyticsError::io(&dir))?.path();
                if named.binary_search(&path).is_err() {
                    fs::remove_file(&path).map_err(AnalyticsError::io(&path))?;
                }
            }
        }
        Ok(())
    }
}

/// A segment that is being written.
struct OpenSegment {
    file: ParquetFile,
    frame: RowFrame,
    /// One for each row, in the order of appending until they are written.
    entries: Vec<Entry>,
    cells: Cells,
    span: Option<Span>,
}

/// What a segment's name and its place in the manifest are made of.
#[derive(Clone, Copy)]
struct Span {
    first_seq: i64,
    last_seq: i64,
    first_effective_at: Instant,
    last_effective_at: Instant,
}

impl OpenSegment {
    fn create(dir: &Path) -> Result<Self, AnalyticsError> {
        let file = ParquetFile::create(&dir.join("segments"), "segment")?;
        let frame = RowFrame::new(|carried| carried != Carried::NotInSnapshot);
        Ok(Self { file, frame, entries: Vec::new(), cells: Cells::default(), span: None })
    }

    fn push(&mut self, row: &CodedRow) -> Result<(), AnalyticsError> {
        let entry = Entry::of(row).ok_or(AnalyticsError::NoReportId { seq: row.seq })?;
        self.entries.push(entry);
        self.cells.push(row);
        self.frame.push(row);
        let (first_seq, first, last) = match self.span {
            Some(s) => {
                (s.first_seq, s.first_effective_at.min(row.effective_at), s.last_effective_at.max(row.effective_at))
            }
            None => (row.seq, row.effective_at, row.effective_at),
        };
        self.span = Some(Span { first_seq, last_seq: row.seq, first_effective_at: first, last_effective_at: last });
        if self.frame.rows() == ROW_GROUP {
            self.write_row_group()?;
        }
        Ok(())
    }

    fn write_row_group(&mut self) -> Result<(), AnalyticsError> {
        let frame = self.frame.take().map_err(AnalyticsError::parquet(self.file.path()))?;
        self.file.write(&frame)
    }

    fn commit(mut self, dir: &Path) -> Result<Segment, AnalyticsError> {
        if self.frame.rows() > 0 {
            self.write_row_group()?;
        }
        let Span { first_seq, last_seq, first_effective_at, last_effective_at } =
            self.span.expect("a segment is opened for a row that is pushed at once");
        let rows = self.entries.len() as u64;
        let mut segment =
            Segment { first_seq, last_seq, rows, first_effective_at, last_effective_at, bytes: 0, cells_bytes: 0 };
        segment.cells_bytes = self.cells.commit(&dir.join("cells"), &segment.cells(dir))?;
        digests::write(&dir.join("digests"), &mut self.entries, &segment.digests(dir))?;
        segment.bytes = self.file.commit(&segment.parquet(dir))?;
        Ok(segment)
    }
}
