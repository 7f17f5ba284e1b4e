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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_knows_which_stores_it_is_enough_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("queue.sqlite");
        let (connection, _) = open(&path).expect("made");
        let fresh = SqliteQueueView::open(&path).expect("opens");
        assert!(fresh.holds_from(0) && !fresh.holds_from(1));
        // Of ten, the first five are forgotten.
        connection
            .execute_batch(
                "INSERT INTO record VALUES (5, 3, 'a', 0, x'00'), (8, 2, 'a', 0, x'00'); UPDATE log SET next = 10",
            )
            .expect("written");
        let view = SqliteQueueView::open(&path).expect("opens");
        let enough: Vec<i64> = (0..12).filter(|position| view.holds_from(*position)).collect();
        assert_eq!((enough, view.waiting(7)), ((5..=10).collect(), 3));
        assert!(fresh.holds_from(0), "a view stays what it was");
        // All of it is forgotten: nothing is enough but a store that has all of it.
        connection.execute_batch("DELETE FROM record").expect("deleted");
        let view = SqliteQueueView::open(&path).expect("opens");
        assert!(view.holds_from(10) && !view.holds_from(9));
        // And the older view is copied as it was.
        let copy = dir.path().join("copy.sqlite");
        fresh.copy_to(&copy).expect("copied");
        assert!(SqliteQueueView::open(&copy).expect("opens").holds_from(0));
    }
}
