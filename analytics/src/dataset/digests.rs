//! What a snapshot's id is made of: for each row its report id, digest, sequence and instant, beside its segment, sorted
//! by report id.
//!
//! What always holds: the id needs only these files, read once, in order, side by side; memory is one buffer a segment.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use schemas::dataset::CodedRow;
use schemas::ids::ReportId;
use sha2::{Digest, Sha256};

use super::SnapshotId;
use super::files::Pending;
use crate::AnalyticsError;

/// Bytes of an entry in its file: id, digest, sequence and instant (microseconds since 1970), both little endian.
pub(super) const ENTRY: usize = 16 + 32 + 8 + 8;

/// A file this small is read at once, so that many small segments do not hold many files open.
const SMALL: u64 = 1 << 20;

/// One row's part in the snapshot's id. Ordered by report id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub report_id: [u8; 16],
    pub digest: [u8; 32],
    pub seq: i64,
    pub effective_at: i64,
}

impl Entry {
    /// None where the row has no report id, which no row of a store lacks.
    pub(super) fn of(row: &CodedRow) -> Option<Self> {
        Some(Self {
            report_id: *row.report.report_id?.as_bytes(),
            digest: row.digest(),
            seq: row.seq,
            effective_at: row.effective_at.timestamp_micros(),
        })
    }

    fn to_bytes(self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        bytes[..16].copy_from_slice(&self.report_id);
        bytes[16..48].copy_from_slice(&self.digest);
        bytes[48..56].copy_from_slice(&self.seq.to_le_bytes());
        bytes[56..].copy_from_slice(&self.effective_at.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; ENTRY]) -> Self {
        let mut entry = Self { report_id: [0; 16], digest: [0; 32], seq: 0, effective_at: 0 };
        entry.report_id.copy_from_slice(&bytes[..16]);
        entry.digest.copy_from_slice(&bytes[16..48]);
        let mut number = [0; 8];
        number.copy_from_slice(&bytes[48..56]);
        entry.seq = i64::from_le_bytes(number);
        number.copy_from_slice(&bytes[56..]);
        entry.effective_at = i64::from_le_bytes(number);
        entry
    }
}

/// Writes a segment's entries, sorted.
pub(super) fn write(dir: &Path, entries: &mut [Entry], path: &Path) -> Result<(), AnalyticsError> {
    entries.sort_unstable();
    let pending = Pending::create(dir, "digests")?;
    let mut writer = BufWriter::new(pending.writer()?);
    entries
        .iter()
        .try_for_each(|entry| writer.write_all(&entry.to_bytes()))
        .and_then(|()| writer.flush())
        .map_err(AnalyticsError::io(pending.path()))?;
    drop(writer);
    pending.commit(path)?;
    Ok(())
}

/// A segment's entries, in order.
struct Run {
    path: PathBuf,
    entries: Box<dyn Read>,
    left: u64,
}

impl Run {
    fn open(path: PathBuf, rows: u64) -> Result<Self, AnalyticsError> {
        let mut file = File::open(&path).map_err(AnalyticsError::io(&path))?;
        let entries: Box<dyn Read> = if rows * ENTRY as u64 <= SMALL {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(AnalyticsError::io(&path))?;
            Box::new(std::io::Cursor::new(bytes))
        } else {
            Box::new(BufReader::with_capacity(1 << 18, file))
        };
        Ok(Self { path, entries, left: rows })
    }

    fn next(&mut self) -> Result<Option<Entry>, AnalyticsError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut bytes = [0; ENTRY];
        self.entries.read_exact(&mut bytes).map_err(AnalyticsError::io(&self.path))?;
        Ok(Some(Entry::from_bytes(&bytes)))
    }
}

/// The id of the entries for which `is_current` holds, over files (with their numbers of rows) that are sorted each.
pub(super) fn snapshot_id(
    files: impl Iterator<Item = (PathBuf, u64)>,
    is_current: impl Fn(&Entry) -> bool,
) -> Result<SnapshotId, AnalyticsError> {
    let mut runs = Vec::new();
    let mut heads = BinaryHeap::new();
    for (path, rows) in files {
        let mut run = Run::open(path, rows)?;
        if let Some(entry) = run.next()? {
            heads.push(Reverse((entry, runs.len())));
            runs.push(run);
        }
    }
    let mut hasher = Sha256::new();
    let mut last = None;
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((entry, run)) = *head;
        match runs[run].next()? {
            Some(next) => *head = Reverse((next, run)),
            None => drop(PeekMut::pop(head)),
        }
        if !is_current(&entry) {
            continue;
        }
        if last.replace(entry.report_id) == Some(entry.report_id) {
            return Err(AnalyticsError::TwoCurrent { report_id: ReportId::from_bytes(entry.report_id).to_string() });
        }
        hasher.update(entry.report_id);
        hasher.update(entry.digest);
    }
    Ok(SnapshotId(hasher.finalize().into()))
}
