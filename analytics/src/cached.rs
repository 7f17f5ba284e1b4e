//! The cube of the latest look, kept beside the snapshot, so that the next month's brief reads only what is new.
//!
//! What always holds: a cube is a sum over rows, so that one as of a later instant is the kept one, and the rows that entered
//! since, less those that left. What is kept is taken only for the snapshot that it was made of (or what was appended to it),
//! by the same version of this program and of the code lists, whole to the last byte; else all is read. It can be removed at
//! any time, and that it cannot be written stops nothing.

use std::fs;
use std::io::Write;
use std::path::Path;

use schemas::clock::Instant;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::AnalyticsError;
use crate::cube::{COLUMNS, Cube};
use crate::dataset::{Pending, Seen, Snapshot};

/// Its file, in the snapshot's directory: SHA-256 of the rest, then the rest.
const FILE: &str = "cube.cache";
const HASH: usize = 32;

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of this program, the dataset, the taxonomy: another version counts otherwise.
    versions: [String; 3],
    seen: Seen,
    cube: Cube,
}

fn versions() -> [String; 3] {
    [env!("CARGO_PKG_VERSION"), schemas::dataset::VERSION, schemas::taxonomy::VERSION].map(str::to_owned)
}

/// The cube of all rows that are current as of `as_of`.
pub(crate) fn cube(snapshot: &Snapshot, as_of: Instant) -> Result<Cube, AnalyticsError> {
    let kept = Kept::load(snapshot);
    let Some(kept) = kept else {
        let cube = Cube::all(snapshot, as_of)?;
        keep(snapshot, as_of, &cube);
        return Ok(cube);
    };
    if kept.seen.as_of > as_of.timestamp_micros() {
        // A brief of earlier data made again: what is kept serves the next one.
        return Cube::all(snapshot, as_of);
    }
    let seen = kept.seen;
    let mut cube = kept.cube;
    let then = Instant::from_timestamp_micros(seen.as_of).unwrap_or(as_of);
    if let Some(left) = snapshot.left(&seen, as_of, COLUMNS)? {
        cube.take(Cube::of(&left, then)?);
    }
    for batch in snapshot.entered(&seen) {
        cube.add(Cube::of(&batch, as_of)?);
    }
    if seen != snapshot.seen(as_of) {
        keep(snapshot, as_of, &cube);
    }
    Ok(cube)
}

impl Kept {
    fn load(snapshot: &Snapshot) -> Option<Self> {
        let bytes = fs::read(snapshot.dir().join(FILE)).ok()?;
        let (hash, rest) = bytes.split_at_checked(HASH)?;
        if *hash != *Sha256::digest(rest) {
            return None;
        }
        let kept: Self = postcard::from_bytes(rest).ok()?;
        (kept.versions == versions() && snapshot.continues(&kept.seen)).then_some(kept)
    }
}

/// Keeps a cube. Where that fails, the next look reads all.
fn keep(snapshot: &Snapshot, as_of: Instant, cube: &Cube) {
    #[derive(Serialize)]
    struct Keep<'a> {
        versions: [String; 3],
        seen: Seen,
        cube: &'a Cube,
    }
    let Ok(rest) = postcard::to_stdvec(&Keep { versions: versions(), seen: snapshot.seen(as_of), cube }) else {
        return;
    };
    let _ = write(snapshot.dir(), &rest);
}

fn write(dir: &Path, rest: &[u8]) -> Result<(), AnalyticsError> {
    // Two briefs at once write files of their own; the last one that is done is kept.
    let pending = Pending::create(dir, &format!("cube-{}", std::process::id()))?;
    let mut file = pending.writer()?;
    file.write_all(&Sha256::digest(rest))
        .and_then(|()| file.write_all(rest))
        .map_err(AnalyticsError::io(pending.path()))?;
    pending.commit_lightly(&dir.join(FILE))
}

#[cfg(test)]
mod tests {
    use schemas::clock::rfc3339;

    use super::*;
    use crate::dataset::SnapshotWriter;
    use crate::testing::{History, INSTALLATION, ROW_BYTES, at};

    /// A history of many rows, about half of them revisions.
    fn history() -> History {
        let mut n = 1u32;
        let mut byte = || {
            n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (n >> 24) as u8
        };
        let rows: Vec<[u8; ROW_BYTES]> = (0..300).map(|_| std::array::from_fn(|_| byte())).collect();
        History::of(&rows)
    }

    fn append(dir: &Path, history: &History, after: i64, until: i64) -> Snapshot {
        let (rows, superseded) = history.part(after, until);
        let mut writer = SnapshotWriter::open(dir, INSTALLATION).expect("opens");
        let rows = rows.into_iter().map(Ok::<_, Box<dyn std::error::Error + Send + Sync>>);
        writer.append(rows, superseded.into_iter().map(Ok)).expect("appends");
        Snapshot::open(dir).expect("opens")
    }

    #[test]
    fn a_kept_cube_and_what_changed_since_are_the_cube_of_all() {
        let dir = tempfile::tempdir().expect("a directory");
        let history = history();
        assert!(history.superseded.len() > 50, "too few revisions to tell");
        let instants: Vec<Instant> = history.rows.iter().map(|row| row.effective_at).collect();
        let mut after = 0;
        let mut from_kept = 0;
        for until in [100, 101, 160, 300] {
            let snapshot = append(dir.path(), &history, after, until);
            after = until;
            // Forward, on the same instant again, back, and to where the rows of this append are not all in effect yet.
            for index in [until - 60, until - 20, until - 20, until - 90, until - 5, until] {
                let index = usize::try_from(index.max(1) - 1).expect("a row");
                let as_of = instants[index];
                from_kept +=
                    usize::from(Kept::load(&snapshot).is_some_and(|k| k.seen.as_of <= as_of.timestamp_micros()));
                let expected = Cube::all(&snapshot, as_of).expect("reads");
                assert_eq!(cube(&snapshot, as_of).expect("reads"), expected, "{until} as of {}", rfc3339(as_of));
            }
        }
        assert!(from_kept > 10, "{from_kept}");
    }

    /// A snapshot of an earlier version has no cells apart: its superseded rows are read out of the columns, beside those of later
    /// segments.
    #[test]
    fn segments_without_their_cells_apart_count_the_same() {
        let dir = tempfile::tempdir().expect("a directory");
        let history = history();
        append(dir.path(), &history, 0, 120);
        let manifest = dir.path().join("snapshot.json");
        let mut of: serde_json::Value = serde_json::from_slice(&fs::read(&manifest).expect("reads")).expect("JSON");
        for segment in of["segments"].as_array_mut().expect("segments") {
            segment.as_object_mut().expect("a segment").remove("cells_bytes").expect("it has cells");
        }
        fs::write(&manifest, of.to_string()).expect("writes");
        let seen = |snapshot: &Snapshot, until: usize| {
            let as_of = history.rows[until - 1].effective_at;
            assert_eq!(cube(snapshot, as_of).expect("reads"), Cube::all(snapshot, as_of).expect("reads"), "{until}");
        };
        seen(&Snapshot::open(dir.path()).expect("opens"), 110);
        seen(&append(dir.path(), &history, 120, 200), 190);
        seen(&append(dir.path(), &history, 200, 300), 300);
    }

    #[test]
    fn a_damaged_or_foreign_cube_is_not_taken() {
        let (dir, other) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        let history = history();
        let as_of = at("2030-01-01T00:00:00Z");
        let snapshot = append(dir.path(), &history, 0, 120);
        let whole = cube(&snapshot, as_of).expect("reads");
        assert!(Kept::load(&snapshot).is_some());
        let path = dir.path().join(FILE);
        let bytes = fs::read(&path).expect("kept");
        // Of another snapshot.
        let foreign = append(other.path(), &history, 0, 121);
        fs::write(other.path().join(FILE), &bytes).expect("writes");
        assert!(Kept::load(&foreign).is_none());
        for at in [0, HASH, bytes.len() / 2, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).expect("writes");
            assert!(Kept::load(&snapshot).is_none());
        }
        fs::write(&path, &bytes[..20]).expect("writes");
        assert!(Kept::load(&snapshot).is_none());
        assert_eq!(cube(&snapshot, as_of).expect("reads"), whole);
        assert!(Kept::load(&snapshot).is_some(), "made anew");
    }
}
