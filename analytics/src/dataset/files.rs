//! Files that appear whole or not at all: written beside their place, synced, then renamed into it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::AnalyticsError;

/// How a file is named while it is written.
pub(super) const UNFINISHED: &str = "unfinished";

/// A file that is being written. Dropped before [`Pending::commit`], it is removed.
#[derive(Debug)]
pub(crate) struct Pending {
    path: PathBuf,
    file: File,
}

impl Pending {
    /// Begins a file in `dir`. One at a time: a second one in the same directory would write over the first.
    pub(crate) fn create(dir: &Path, stem: &str) -> Result<Self, AnalyticsError> {
        let path = dir.join(format!("{stem}.{UNFINISHED}"));
        let file = File::create(&path).map_err(AnalyticsError::io(&path))?;
        Ok(Self { path, file })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A second handle to write through.
    pub(crate) fn writer(&self) -> Result<File, AnalyticsError> {
        self.file.try_clone().map_err(AnalyticsError::io(&self.path))
    }

    /// Gives the file its name, in place of an earlier one. It is whole to whoever reads it, but may be lost with the machine: for
    /// what can be made again, and tells whether it is whole.
    pub(crate) fn commit_lightly(self, path: &Path) -> Result<(), AnalyticsError> {
        fs::rename(&self.path, path).map_err(AnalyticsError::io(path))
    }

    /// Makes the file durable under its name, in place of an earlier one. Returns its length in bytes.
    pub(crate) fn commit(self, path: &Path) -> Result<u64, AnalyticsError> {
        self.file.sync_all().map_err(AnalyticsError::io(&self.path))?;
        let bytes = self.file.metadata().map_err(AnalyticsError::io(&self.path))?.len();
        fs::rename(&self.path, path).map_err(AnalyticsError::io(path))?;
        // The rename itself is durable only once the directory is.
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            File::open(dir).and_then(|dir| dir.sync_all()).map_err(AnalyticsError::io(dir))?;
        }
        Ok(bytes)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // After a commit there is no file of this name any more, and nothing happens.
        let _ = fs::remove_file(&self.path);
    }
}
