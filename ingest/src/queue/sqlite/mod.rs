//! The embedded queue: one SQLite file, one partition.
//!
//! What always holds: a row is a record, the sealed envelopes of one source from one append; rows are only ever added at
//! the end and deleted at the beginning; the next offset is read and raised inside the transaction that uses it, so any
//! number of processes may append. There is no index but the offset: that is what keeps an append sequential.

mod intake;
mod log;
mod view;

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

pub use intake::{SqliteIntake, SqliteIntakeOptions};
pub use log::SqliteLog;
pub use view::SqliteQueueView;

use super::QueueError;
use crate::sqlite::{self, CacheKib, Trouble};

/// The only partition.
const PARTITION: i32 = 0;
/// The form of the file, kept as SQLite's `user_version`.
const FORM: i64 = 1;

const SCHEMA: &str = "
    -- One row: which log this is, and the offset that the next append gets.
    CREATE TABLE log (id INTEGER PRIMARY KEY CHECK (id = 0), queue_id TEXT NOT NULL, next INTEGER NOT NULL) STRICT;
    -- The sealed bytes stand last, so that the rest of a row is read without them.
    CREATE TABLE record (
        first INTEGER PRIMARY KEY, count INTEGER NOT NULL, source TEXT NOT NULL, received_at INTEGER NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT;
";

fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> QueueError + '_ {
    move |error| match Trouble::of(path, &error) {
        Trouble::Busy(text) => QueueError::Busy(text.into()),
        Trouble::DiskFull(text) => QueueError::DiskFull(text.into()),
        Trouble::Other(text) => QueueError::Unusable(text.into()),
    }
}

/// Opens the file, making it where there is none, and says which log it is.
fn open(path: &Path) -> Result<(Connection, Arc<str>), QueueError> {
    let failed = failed(path);
    let mut connection = sqlite::open(path, CacheKib(16 << 10)).map_err(&failed)?;
    let queue_id = set_up(&mut connection, path, &failed)?;
    Ok((connection, queue_id))
}

fn set_up(
    connection: &mut Connection,
    path: &Path,
    failed: &impl Fn(rusqlite::Error) -> QueueError,
) -> Result<Arc<str>, QueueError> {
    let known = |connection: &Connection| -> rusqlite::Result<Option<(i64, String)>> {
        let form: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if form == 0 {
            return Ok(None);
        }
        let queue_id = connection.query_row("SELECT queue_id FROM log", [], |row| row.get(0)).optional()?;
        Ok(Some((form, queue_id.unwrap_or_default())))
    };
    let mut found = known(connection).map_err(failed)?;
    if found.is_none() {
        let id = crate::keys::random::<16>().map_err(|error| QueueError::Unusable(error.to_string().into()))?;
        let make = |connection: &mut Connection| {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Another process may have been faster.
            if known(&tx)?.is_none() {
                tx.execute_batch(SCHEMA)?;
                let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
                tx.execute("INSERT INTO log (id, queue_id, next) VALUES (0, ?1, 0)", [id])?;
                tx.pragma_update(None, "user_version", FORM)?;
            }
            tx.commit()?;
            known(connection)
        };
        found = make(connection).map_err(failed)?;
    }
    match found {
        Some((FORM, queue_id)) => Ok(queue_id.into()),
        _ => Err(QueueError::Unusable(format!("{}: no queue that this program knows", path.display()).into())),
    }
}
