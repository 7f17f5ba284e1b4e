//! `snapshot.json`: which files belong to a snapshot. It is replaced last, in one step, so that a crash at any point
//! leaves the snapshot as it was.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use schemas::clock::{Instant, parse_rfc3339, rfc3339};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::files::Pending;
use crate::AnalyticsError;

const FILE: &str = "snapshot.json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// `schemas::dataset::VERSION` of all segments.
    pub dataset_version: String,
    /// Whose rows these are.
    pub installation: String,
    /// How many appends there were.
    pub cuts: u64,
    pub last_seq: i64,
    pub segments: Vec<Segment>,
    pub superseded: Vec<Sidecar>,
}

/// One segment, its digests and its cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    pub first_seq: i64,
    pub last_seq: i64,
    pub rows: u64,
    #[serde(serialize_with = "write_instant", deserialize_with = "read_instant")]
    pub first_effective_at: Instant,
    #[serde(serialize_with = "write_instant", deserialize_with = "read_instant")]
    pub last_effective_at: Instant,
    /// Length of the Parquet file. A file of another length is damaged.
    pub bytes: u64,
    /// Length of the file of its cells; 0: it has none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cells_bytes: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_none(bytes: &u64) -> bool {
    *bytes == 0
}

/// What one cut superseded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sidecar {
    pub cut: u64,
    pub rows: u64,
    pub bytes: u64,
}

fn write_instant<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

fn read_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom("an instant is RFC 3339"))
}

impl Segment {
    fn stem(&self) -> String {
        format!("{:010}-{:010}", self.first_seq, self.last_seq)
    }

    pub(super) fn parquet(&self, dir: &Path) -> PathBuf {
        dir.join("segments").join(format!("{}.parquet", self.stem()))
    }

    pub(super) fn digests(&self, dir: &Path) -> PathBuf {
        dir.join("digests").join(format!("{}.bin", self.stem()))
    }

    pub(super) fn cells(&self, dir: &Path) -> PathBuf {
        dir.join("cells").join(format!("{}.bin", self.stem()))
    }
}

impl Sidecar {
    pub(super) fn parquet(&self, dir: &Path) -> PathBuf {
        dir.join("superseded").join(format!("cut-{:06}.parquet", self.cut))
    }
}

impl Manifest {
    pub(super) fn new(installation: &str) -> Self {
        Self {
            dataset_version: schemas::dataset::VERSION.into(),
            installation: installation.into(),
            cuts: 0,
            last_seq: 0,
            segments: Vec::new(),
            superseded: Vec::new(),
        }
    }

    /// The manifest in `dir`; none where there is none. What it names must be there, whole.
    pub(super) fn load(dir: &Path) -> Result<Option<Self>, AnalyticsError> {
        let path = dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(AnalyticsError::Io { path, source: error }),
        };
        let damaged =
            |error: serde_json::Error| AnalyticsError::Damaged { path: path.clone(), problem: error.to_string() };
        // The version first: another one may have another form.
        #[derive(Deserialize)]
        struct Version {
            dataset_version: String,
        }
        let Version { dataset_version: found } = serde_json::from_str(&text).map_err(damaged)?;
        if found != schemas::dataset::VERSION {
            return Err(AnalyticsError::OtherVersion { path: dir.to_owned(), found, ours: schemas::dataset::VERSION });
        }
        let manifest: Self = serde_json::from_str(&text).map_err(damaged)?;
        for (path, bytes) in manifest.files(dir) {
            let found = fs::metadata(&path).map_err(AnalyticsError::io(&path))?.len();
            if found != bytes {
                return Err(AnalyticsError::Damaged { path, problem: format!("{found} bytes instead of {bytes}") });
            }
        }
        Ok(Some(manifest))
    }

    pub(super) fn store(&self, dir: &Path) -> Result<(), AnalyticsError> {
        let mut text = serde_json::to_string_pretty(self).expect("numbers and texts are JSON");
        text.push('\n');
        let pending = Pending::create(dir, "snapshot")?;
        pending.writer()?.write_all(text.as_bytes()).map_err(AnalyticsError::io(pending.path()))?;
        pending.commit(&dir.join(FILE))?;
        Ok(())
    }

    /// Every file that belongs to the snapshot, with its length.
    pub(super) fn files(&self, dir: &Path) -> Vec<(PathBuf, u64)> {
        let mut files = Vec::with_capacity(3 * self.segments.len() + self.superseded.len());
        for segment in &self.segments {
            files.push((segment.parquet(dir), segment.bytes));
            files.push((segment.digests(dir), segment.rows * super::digests::ENTRY as u64));
            if segment.cells_bytes > 0 {
                files.push((segment.cells(dir), segment.cells_bytes));
            }
        }
        files.extend(self.superseded.iter().map(|sidecar| (sidecar.parquet(dir), sidecar.bytes)));
        files
    }
}
