//! What the embedded queue and store share: how a SQLite file is opened, and what its errors mean.
//!
//! What always holds: a commit returns only after its fsync (WAL, synchronous=FULL); what is deleted is overwritten
//! (secure_delete); the file is readable by its owner only. Checkpoints are run by our own code, because SQLite ignores
//! the errors of those that it runs by itself, and a failed fsync must not be ignored.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use rusqlite::{Connection, ErrorCode, OpenFlags};

/// How long one process waits for another's transaction before it says "busy".
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The size of a page, in bytes. Twice SQLite's usual one: our rows and records are large, and a third less goes to system
/// calls; four times would cost more than it saves where a commit is one small report.
const PAGE_BYTES: i64 = 8192;

/// What an error of SQLite means for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing happened; try again.
    Busy(String),
    /// Nothing happened; try again when there is room.
    DiskFull(String),
    /// Anything else, among it a failed write or fsync.
    Other(String),
}

impl Trouble {
    /// Reads an error, saying which file it is about. SQLite's texts name tables and columns, never values.
    pub fn of(path: &Path, error: &rusqlite::Error) -> Self {
        let text = format!("{}: {error}", path.display());
        match error.sqlite_error() {
            Some(e) if matches!(e.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(text),
            // The index of the log is a mapped file: without room it cannot grow.
            Some(e) if e.code == ErrorCode::DiskFull || e.extended_code == SQLITE_IOERR_SHMSIZE => Self::DiskFull(text),
            _ => Self::Other(text),
        }
    }
}

/// How much of a file's pages a connection keeps in memory, in KiB.
#[derive(Debug, Clone, Copy)]
pub struct CacheKib(pub i64);

/// A file that cannot be opened. SQLite's own attempt fails in the same way and says so in its own words, but not why.
fn cannot_open(error: &io::Error) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
    rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
}

/// Opens a file, making it where there is none, for its owner only.
pub fn open(path: &Path, cache: CacheKib) -> rusqlite::Result<Connection> {
    if let Err(error) = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(cannot_open(&error));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    to_wal(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -cache.0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Turns the write-ahead log on. Where others open a new file at the same moment, SQLite says "busy" at once instead of
/// waiting, so the waiting is ours.
fn to_wal(connection: &Connection) -> rusqlite::Result<()> {
    let started = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && started.elapsed() < BUSY_TIMEOUT =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// Copies what it can of the log into the file. With `truncate`, also empties the log where nobody uses it just now, so
/// that no page of what was deleted stays in it. Being busy is no error: the next one does it.
pub fn checkpoint(connection: &Connection, truncate: bool) -> rusqlite::Result<()> {
    let sql = if truncate { "PRAGMA wal_checkpoint(TRUNCATE)" } else { "PRAGMA wal_checkpoint(PASSIVE)" };
    // A checkpoint that waits for readers would keep writers out for as long.
    connection.busy_timeout(Duration::ZERO)?;
    let done = connection.query_row(sql, [], |_| Ok(()));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match done {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        other => other,
    }
}

/// How many pages are copied between two looks.
const PAGES_AT_ONCE: i32 = 4096;

/// One consistent view of a file, from when it was opened, while others go on writing to it.
#[derive(Debug)]
pub struct View(Connection);

impl View {
    /// Opens a file that is there. The log grows while the view is held, since none of it may be reused.
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.execute_batch("BEGIN DEFERRED")?;
        // The view begins with the first look.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(Self(connection))
    }

    /// What the view can be asked with.
    pub const fn connection(&self) -> &Connection {
        &self.0
    }

    /// Copies all of it, page by page, into a new file for its owner only; returns when the disk has it.
    pub fn copy_to(&self, to: &Path) -> rusqlite::Result<()> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(|e| cannot_open(&e))?;
        let mut copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Nobody relies on the copy before it is whole, and then it is synced as one.
        copy.pragma_update(None, "synchronous", "OFF")?;
        {
            let backup = Backup::new(&self.0, &mut copy)?;
            loop {
                match backup.step(PAGES_AT_ONCE)? {
                    StepResult::Done => break,
                    StepResult::More => {}
                    _ => thread::sleep(Duration::from_millis(5)),
                }
            }
        }
        copy.close().map_err(|(_, error)| error)?;
        file.sync_all().map_err(|e| cannot_open(&e))
    }
}

/// Whether a file is sound, as far as SQLite can tell; else what is wrong.
pub fn check(path: &Path) -> rusqlite::Result<Result<(), String>> {
    let connection = open(path, CacheKib(16 << 10))?;
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(if said == "ok" { Ok(()) } else { Err(said) })
}
