//! The embedded queue as a backup takes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{failed, open};
use crate::queue::QueueError;
use crate::sqlite::View;

/// One consistent view of the queue's file, while others append and forget.
#[derive(Debug)]
pub struct SqliteQueueView {
    path: PathBuf,
    view: View,
    queue_id: Arc<str>,
    first: Option<i64>,
    end: i64,
}

impl SqliteQueueView {
    /// Takes the view. The file must hold a queue of this version.
    pub fn open(path: &Path) -> Result<Self, QueueError> {
        let (_, queue_id) = open(path)?;
        let read = || -> rusqlite::Result<_> {
            let view = View::open(path)?;
            let first = view.connection().query_row("SELECT min(first) FROM record", [], |row| row.get(0))?;
            let end = view.connection().query_row("SELECT next FROM log", [], |row| row.get(0))?;
            Ok((view, first, end))
        };
        let (view, first, end) = read().map_err(failed(path))?;
        Ok(Self { path: path.to_owned(), view, queue_id, first, end })
    }

    #[must_use]
    pub const fn queue_id(&self) -> &Arc<str> {
        &self.queue_id
    }

    /// Whether all that a store at this position still needs is in it.
    #[must_use]
    pub fn holds_from(&self, position: i64) -> bool {
        position == self.end || (position < self.end && self.first.is_some_and(|first| first <= position))
    }

    /// How many wait for a store at this position.
    #[must_use]
    pub fn waiting(&self, position: i64) -> u64 {
        u64::try_from(self.end - position).unwrap_or(0)
    }

    /// Copies the file as it is.
    pub fn copy_to(&self, to: &Path) -> Result<(), QueueError> {
        self.view.copy_to(to).map_err(failed(&self.path))
    }
}
