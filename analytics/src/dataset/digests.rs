//! What a snapshot's id is made of: for each row its report id, digest, sequence and instant, beside its segment, sorted
//! by report id.
//!
//! What always holds: the id needs only these files, read once, in order, side by side; memory is one buffer a segment, and some
//! parts of a few tens of thousands of rows.

use std::fs::File;
use std::io::{BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

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
    /// Entries that were not read yet.
    left: u64,
    /// Entries that were read; from `at` on they were not taken.
    buffer: Vec<u8>,
    at: usize,
}

impl Run {
    fn open(path: PathBuf, rows: u64) -> Result<Self, AnalyticsError> {
        let mut file = File::open(&path).map_err(AnalyticsError::io(&path))?;
        let entries: Box<dyn Read> = if rows * ENTRY as u64 <= SMALL {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(AnalyticsError::io(&path))?;
            Box::new(std::io::Cursor::new(bytes))
        } else {
            Box::new(file)
        };
        Ok(Self { path, entries, left: rows, buffer: Vec::new(), at: 0 })
    }

    /// Moves the entries whose report id is below `end` (all that are left, where there is none) to `part`.
    fn take(&mut self, end: Option<&[u8; 16]>, part: &mut Vec<u8>) -> Result<(), AnalyticsError> {
        loop {
            let here = &self.buffer[self.at..];
            let (entries, _) = here.as_chunks::<ENTRY>();
            let taken = end.map_or(entries.len(), |end| entries.partition_point(|entry| entry[..16] < end[..]));
            part.extend_from_slice(&here[..taken * ENTRY]);
            self.at += taken * ENTRY;
            if taken < entries.len() || self.left == 0 {
                return Ok(());
            }
            let next = self.left.min(READ);
            self.left -= next;
            self.buffer.resize(usize::try_from(next).expect("a few thousand") * ENTRY, 0);
            self.at = 0;
            self.entries.read_exact(&mut self.buffer).map_err(AnalyticsError::io(&self.path))?;
        }
    }
}

/// How many entries are read at once.
const READ: u64 = if cfg!(test) { 3 } else { 4096 };
/// How many rows are sorted at once, about.
const PART: u64 = if cfg!(test) { 7 } else { 1 << 15 };

/// The id of the entries for which `is_current` holds, over files (with their numbers of rows) that are sorted each.
///
/// The ids are cut into parts that follow each other. Of each the entries of all files are read, and sorted while the next
/// part is read and the part before it is hashed.
pub(super) fn snapshot_id(
    files: impl Iterator<Item = (PathBuf, u64)>,
    is_current: impl Fn(&Entry) -> bool + Sync,
) -> Result<SnapshotId, AnalyticsError> {
    let mut runs = Vec::new();
    let (mut rows, mut largest) = (0, None);
    for (path, of_file) in files {
        rows += of_file;
        if largest.as_ref().is_none_or(|(_, most)| of_file > *most) {
            largest = Some((path.clone(), of_file));
        }
        runs.push(Run::open(path, of_file)?);
    }
    let ends = match largest {
        Some((path, most)) => ends_of_parts(&path, most, rows.div_ceil(PART))?,
        None => Vec::new(),
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1);
    let is_current = &is_current;
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..workers)
            .map(|_| {
                let (to, parts) = sync_channel::<Vec<u8>>(1);
                let (hashed, from) = sync_channel(1);
                scope.spawn(move || {
                    for part in parts {
                        // Nobody waits for it any more where reading failed.
                        if hashed.send(in_order(&part, is_current)).is_err() {
                            return;
                        }
                    }
                });
                (to, from)
            })
            .collect();
        let mut hasher = Sha256::new();
        let mut hash_part = |part: usize| {
            let sorted = lanes[part % workers].1.recv().expect("a worker ends after its last part")?;
            hasher.update(&sorted);
            Ok::<_, AnalyticsError>(())
        };
        let parts = ends.len() + 1;
        for at in 0..parts {
            let mut part = Vec::new();
            for run in &mut runs {
                run.take(ends.get(at), &mut part)?;
            }
            lanes[at % workers].0.send(part).expect("a worker ends after its last part");
            if at >= workers {
                hash_part(at - workers)?;
            }
        }
        for at in parts.saturating_sub(workers)..parts {
            hash_part(at)?;
        }
        Ok(SnapshotId(hasher.finalize().into()))
    })
}

/// The report ids at which so many parts of a file end, but for the last; each part has about as many entries.
fn ends_of_parts(path: &Path, rows: u64, parts: u64) -> Result<Vec<[u8; 16]>, AnalyticsError> {
    let mut file = File::open(path).map_err(AnalyticsError::io(path))?;
    let mut ends = Vec::new();
    for part in 1..parts.min(rows) {
        let mut id = [0; 16];
        file.seek(SeekFrom::Start(rows * part / parts.min(rows) * ENTRY as u64))
            .and_then(|_| file.read_exact(&mut id))
            .map_err(AnalyticsError::io(path))?;
        ends.push(id);
    }
    Ok(ends)
}

/// What is hashed of some entries: report id and digest of those that are current, by report id.
fn in_order(part: &[u8], is_current: impl Fn(&Entry) -> bool) -> Result<Vec<u8>, AnalyticsError> {
    const HASHED: usize = 16 + 32;
    let (entries, _) = part.as_chunks::<ENTRY>();
    let mut current: Vec<(u64, &[u8; ENTRY])> = entries
        .iter()
        .filter(|entry| is_current(&Entry::from_bytes(entry)))
        .map(|entry| (u64::from_be_bytes(*entry.first_chunk().expect("eight of sixteen bytes")), entry))
        .collect();
    // Stable, because that is fast where sorted runs follow each other.
    current.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one[8..16].cmp(&other[8..16])));
    let mut hashed = Vec::with_capacity(current.len() * HASHED);
    let mut last: Option<&[u8]> = None;
    for (_, entry) in current {
        let id = &entry[..16];
        if last.replace(id) == Some(id) {
            return Err(AnalyticsError::TwoCurrent {
                report_id: ReportId::from_bytes(*entry.first_chunk().expect("sixteen bytes")).to_string(),
            });
        }
        hashed.extend_from_slice(&entry[..HASHED]);
    }
    Ok(hashed)
}
