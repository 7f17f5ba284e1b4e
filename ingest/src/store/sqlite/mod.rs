//! The embedded store: one SQLite file.
//!
//! What always holds: each method that changes something is one transaction, begun as IMMEDIATE, so it sees what it
//! changes; a reader sees one consistent view and never waits for a writer.

mod coded;
mod copying;
mod imports;
mod lately;
mod letters;
mod reading;
mod schema;
mod sources;
mod versions;

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use schemas::Instant;
use schemas::dataset::{BadRow, CodedRow, FunnelRow};
use schemas::envelope::Position;
use schemas::ids::{BatchId, ContentHash, ReportId};
use schemas::reject::RejectCode;
use schemas::source::{Source, SourceName};

use super::{
    Batch, Changes, Cut, DeadLetter, Ending, Endings, Held, Import, Letter, Mark, Range, Retried, SealedOriginal,
    Store, StoreError, Withdrawn, copy,
};
use crate::pause::Lately;
use crate::queue::Fingerprint;
use crate::sqlite::{self, CacheKib, Trouble, checkpoint};

pub use copying::{SqliteOrigin, SqliteTarget};

/// What a coded row takes in the file beside its original, roughly.
const ROW_BYTES: usize = 1 << 10;

/// What goes wrong inside a transaction: SQLite's trouble, or an error of ours that ends it.
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<BadRow> for Failure {
    fn from(error: BadRow) -> Self {
        Self::Store(error.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A column of our own tables that does not hold what we write there.
fn damaged(column: &'static str) -> Failure {
    BadRow(column.into()).into()
}

/// How the embedded store trades memory and pauses for speed.
#[derive(Debug, Clone, Copy)]
pub struct SqliteStoreOptions {
    /// How many reports may be found through the small table before they are poured into the large one.
    pub recent_reports: i64,
    /// After how many changed bytes, roughly, this process copies the log into the file.
    pub checkpoint_bytes: usize,
}

impl Default for SqliteStoreOptions {
    fn default() -> Self {
        Self { recent_reports: 200_000, checkpoint_bytes: 32 << 20 }
    }
}

/// The embedded store.
pub struct SqliteStore {
    path: PathBuf,
    options: SqliteStoreOptions,
    connection: Connection,
    since_checkpoint: usize,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteStore")
    }
}

impl SqliteStore {
    /// Opens the store's file; makes it, and its tables, where there are none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteStoreOptions::default())
    }

    /// The same, with other options than the usual ones.
    pub fn open_with(path: &Path, options: SqliteStoreOptions) -> Result<Self, StoreError> {
        let made = sqlite::open(path, CacheKib(48 << 10)).and_then(|mut connection| {
            let found = schema::set_up(&mut connection)?;
            Ok((connection, found))
        });
        let (connection, found) = made.map_err(|error| explain(path, error.into()))?;
        let ours = schema::version();
        if found == copy::UNFINISHED {
            return Err(StoreError::HalfCopied);
        }
        if found != ours {
            return Err(StoreError::OtherVersion { found, ours });
        }
        Ok(Self { path: path.to_owned(), options, connection, since_checkpoint: 0 })
    }

    /// Runs `work` as one transaction that changes something.
    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>) -> Result<T, StoreError> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let run = |tx: Transaction<'_>| {
            let done = work(&tx)?;
            tx.commit()?;
            Ok(done)
        };
        tx.map_err(Failure::from).and_then(run).map_err(|failure| explain(&self.path, failure))
    }

    /// Runs `work` on one consistent view.
    fn read<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>) -> Result<T, StoreError> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Deferred);
        tx.map_err(Failure::from).and_then(|tx| work(&tx)).map_err(|failure| explain(&self.path, failure))
    }

    /// Copies the log into the file, once enough has changed.
    fn changed(&mut self, bytes: usize) -> Result<(), StoreError> {
        self.since_checkpoint += bytes;
        if self.since_checkpoint < self.options.checkpoint_bytes {
            return Ok(());
        }
        self.since_checkpoint = 0;
        checkpoint(&self.connection, false).map_err(|error| explain(&self.path, error.into()))
    }
}

fn explain(path: &Path, failure: Failure) -> StoreError {
    match failure {
        Failure::Store(error) => error,
        Failure::Sqlite(error) => match Trouble::of(path, &error) {
            Trouble::Busy(text) => StoreError::Busy(text),
            Trouble::DiskFull(text) => StoreError::DiskFull(text),
            Trouble::Other(text) => StoreError::Unusable(text),
        },
    }
}

impl Store for SqliteStore {
    fn position(&mut self, queue_id: &str, partition: i32) -> Result<Position, StoreError> {
        self.read(|tx| Ok(Position { partition, offset: versions::position(tx, queue_id, partition)? }))
    }

    fn fingerprint(&mut self, queue_id: &str, partition: i32) -> Result<Option<(i64, Fingerprint)>, StoreError> {
        self.read(|tx| versions::fingerprint(tx, queue_id, partition))
    }

    fn commit(&mut self, batch: &Batch) -> Result<Endings, StoreError> {
        let options = self.options;
        let (endings, bytes) = self.write(|tx| versions::commit(tx, batch, options))?;
        self.changed(bytes)?;
        Ok(endings)
    }

    fn add_source(&mut self, source: &Source) -> Result<(), StoreError> {
        self.write(|tx| sources::add(tx, source))
    }

    fn sources(&mut self) -> Result<Vec<Source>, StoreError> {
        self.read(|tx| sources::all(tx))
    }

    fn revoke_source(&mut self, name: &SourceName) -> Result<(), StoreError> {
        self.write(|tx| sources::revoke(tx, name))
    }

    fn begin_import(&mut self, id: BatchId, source: &SourceName, files: u32, at: Instant) -> Result<(), StoreError> {
        self.write(|tx| imports::begin(tx, id, source, files, at))
    }

    fn imports(&mut self) -> Result<Vec<Import>, StoreError> {
        self.read(|tx| imports::all(tx))
    }

    fn withdraw(&mut self, id: BatchId, at: Instant) -> Result<Withdrawn, StoreError> {
        let options = self.options;
        let withdrawn = self.write(|tx| imports::withdraw(tx, id, at, options))?;
        let rows = usize::try_from(withdrawn.withdrawn + withdrawn.reverted).unwrap_or(usize::MAX);
        self.changed(rows.saturating_mul(ROW_BYTES))?;
        Ok(withdrawn)
    }

    fn ending_of(&mut self, report_id: ReportId, content: ContentHash) -> Result<Ending, StoreError> {
        self.read(|tx| versions::ending_of(tx, report_id, content))
    }

    fn dead_letters(&mut self, each: &mut dyn FnMut(DeadLetter) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.read(|tx| letters::each(tx, each))
    }

    fn dead_letter(&mut self, id: i64) -> Result<(DeadLetter, Letter), StoreError> {
        self.read(|tx| letters::get(tx, id))
    }

    fn resolve(&mut self, id: i64, retried: &Retried, at: Instant) -> Result<Ending, StoreError> {
        let options = self.options;
        let ending = self.write(|tx| letters::resolve(tx, id, retried, at, options))?;
        self.changed(ROW_BYTES)?;
        Ok(ending)
    }

    fn lately(&mut self) -> Result<Vec<(SourceName, Lately)>, StoreError> {
        self.read(|tx| lately::all(tx))
    }

    fn forgive(&mut self, source: &SourceName) -> Result<(), StoreError> {
        self.write(|tx| lately::forget(tx, source))
    }

    fn held(&mut self) -> Result<Vec<Held>, StoreError> {
        self.read(|tx| lately::held(tx))
    }

    fn held_letters(&mut self, source: &SourceName, most: u32) -> Result<Vec<i64>, StoreError> {
        self.read(|tx| lately::held_letters(tx, source, most))
    }

    fn resolve_all(
        &mut self,
        letters: &[(i64, Retried)],
        lately: &[(SourceName, Lately)],
        at: Instant,
    ) -> Result<Vec<Option<Ending>>, StoreError> {
        let options = self.options;
        let (endings, bytes) = self.write(|tx| {
            lately::write(tx, lately)?;
            letters::resolve_all(tx, letters, at, options)
        })?;
        self.changed(bytes)?;
        Ok(endings)
    }

    fn reject_codes(&mut self) -> Result<Vec<(SourceName, RejectCode, u64)>, StoreError> {
        self.read(|tx| lately::codes(tx))
    }

    fn changes(
        &mut self,
        after: Mark,
        as_of: Instant,
        queue_id: &str,
        sink: &mut dyn Changes,
    ) -> Result<Cut, StoreError> {
        self.read(|tx| reading::changes(tx, after, as_of, queue_id, sink))
    }

    fn rows(&mut self, range: Range, each: &mut dyn FnMut(CodedRow) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.read(|tx| reading::rows(tx, range, each))
    }

    fn funnel(&mut self, as_of: Instant) -> Result<Vec<FunnelRow>, StoreError> {
        self.read(|tx| reading::funnel(tx, as_of))
    }

    fn originals(&mut self, report_id: ReportId) -> Result<Vec<SealedOriginal>, StoreError> {
        self.read(|tx| versions::originals(tx, report_id))
    }
}
