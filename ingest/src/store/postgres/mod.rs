//! The store at scale: a schema of a PostgreSQL database.
//!
//! What always holds: each method that changes something is one transaction; whoever writes coded rows holds the lock of
//! the one row of `counter` from the first look at a report to the commit, so sequences are given in the order of commits
//! and no reader of changes can miss one; a reader sees one consistent view. A server that is away, or a connection that
//! is cut, is [`StoreError::Unreachable`], and the next call connects anew.

mod copying;
mod facts;
mod imports;
mod lately;
mod letters;
mod reading;
pub mod roles;
mod schema;
mod server;
mod sources;
mod value;
mod versions;

use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;

use postgres::binary_copy::BinaryCopyInWriter;
use postgres::error::SqlState;
use postgres::types::{ToSql, Type};
use postgres::{Client, IsolationLevel, Row, Statement, Transaction};
use schemas::Instant;
use schemas::dataset::{BadRow, CodedRow, FunnelRow};
use schemas::envelope::Position;
use schemas::ids::{BatchId, ContentHash, ReportId};
use schemas::reject::RejectCode;
use schemas::source::{Source, SourceName};

use self::server::Server;
use super::{
    Batch, Changes, Cut, DeadLetter, Ending, Endings, Held, Import, Letter, Mark, Range, Retried, SealedOriginal,
    Store, StoreError, Withdrawn, copy,
};
use crate::pause::Lately;
use crate::queue::Fingerprint;

pub use copying::{PostgresOrigin, PostgresTarget};
pub use facts::{RoleFacts, ServerFacts, facts};

/// How many rows of a long answer are in memory at once.
const ROWS_AT_ONCE: i32 = 2_000;

/// What goes wrong inside a transaction.
pub(super) enum Failure {
    Postgres(postgres::Error),
    Store(StoreError),
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        Self::Postgres(error)
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

/// A parameter of a statement.
type Parameter<'a> = &'a (dyn ToSql + Sync);

/// A transaction, with the statements that this connection knows already.
pub(super) struct Tx<'c> {
    tx: Transaction<'c>,
    known: &'c mut HashMap<&'static str, Statement>,
}

impl Tx<'_> {
    fn prepared(&mut self, sql: &'static str) -> Result<Statement, Failure> {
        if let Some(statement) = self.known.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.tx.prepare(sql)?;
        self.known.insert(sql, statement.clone());
        Ok(statement)
    }

    fn execute(&mut self, sql: &'static str, parameters: &[Parameter<'_>]) -> Result<u64, Failure> {
        let statement = self.prepared(sql)?;
        Ok(self.tx.execute(&statement, parameters)?)
    }

    fn query(&mut self, sql: &'static str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Failure> {
        let statement = self.prepared(sql)?;
        Ok(self.tx.query(&statement, parameters)?)
    }

    fn query_opt(&mut self, sql: &'static str, parameters: &[Parameter<'_>]) -> Result<Option<Row>, Failure> {
        let statement = self.prepared(sql)?;
        Ok(self.tx.query_opt(&statement, parameters)?)
    }

    fn query_one(&mut self, sql: &'static str, parameters: &[Parameter<'_>]) -> Result<Row, Failure> {
        let statement = self.prepared(sql)?;
        Ok(self.tx.query_one(&statement, parameters)?)
    }

    /// Calls `each` with the rows of an answer of any length, a few of them in memory at a time.
    fn each(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        each: &mut dyn FnMut(&Row) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<ControlFlow<()>, Failure> {
        let portal = self.tx.bind(sql, parameters)?;
        loop {
            let rows = self.tx.query_portal(&portal, ROWS_AT_ONCE)?;
            for row in &rows {
                if each(row)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if rows.len() < usize::try_from(ROWS_AT_ONCE).unwrap_or(0) {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    /// Copies rows into a table; `write` puts them into the writer.
    fn copy(
        &mut self,
        sql: &str,
        types: &[Type],
        write: impl FnOnce(&mut BinaryCopyInWriter<'_>) -> Result<(), postgres::Error>,
    ) -> Result<(), Failure> {
        let mut writer = BinaryCopyInWriter::new(self.tx.copy_in(sql)?, types);
        write(&mut writer)?;
        writer.finish()?;
        Ok(())
    }
}

/// A store in PostgreSQL.
pub struct PostgresStore {
    server: Server,
    client: Option<Client>,
    known: HashMap<&'static str, Statement>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresStore({:?})", self.server)
    }
}

impl PostgresStore {
    /// Connects to `postgres://USER:PASSWORD@HOST:PORT/DATABASE` ([`Server::of`]). The tables lie in the first schema of the search path
    /// (`?options=-csearch_path%3DNAME` chooses another); they are made where there are none.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let mut store = Self { server: Server::of(url)?, client: None, known: HashMap::new() };
        let found = store.write(schema::set_up)?;
        let ours = schema::version();
        match found {
            found if found == ours => Ok(store),
            found if found == copy::UNFINISHED => Err(StoreError::HalfCopied),
            found => Err(StoreError::OtherVersion { found, ours }),
        }
    }

    fn connected(&mut self) -> Result<(), StoreError> {
        if self.client.as_ref().is_some_and(|client| !client.is_closed()) {
            return Ok(());
        }
        self.known.clear();
        self.client = Some(self.server.connect().map_err(|error| self.server.explain(error))?);
        Ok(())
    }

    fn run<T>(&mut self, reads: bool, work: impl FnOnce(&mut Tx<'_>) -> Result<T, Failure>) -> Result<T, StoreError> {
        self.connected()?;
        let Some(client) = self.client.as_mut() else {
            return Err(StoreError::Unreachable(format!("{:?}", self.server)));
        };
        let known = &mut self.known;
        let done = || -> Result<T, Failure> {
            let builder = client.build_transaction();
            let tx = if reads {
                builder.isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()?
            } else {
                builder.isolation_level(IsolationLevel::ReadCommitted).start()?
            };
            let mut tx = Tx { tx, known };
            let done = work(&mut tx)?;
            tx.tx.commit()?;
            Ok(done)
        };
        done().map_err(|failure| {
            let error = self.server.explain(failure);
            if matches!(error, StoreError::Unreachable(_)) {
                self.client = None;
            }
            error
        })
    }

    /// Runs `work` as one transaction that changes something.
    fn write<T>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, Failure>) -> Result<T, StoreError> {
        self.run(false, work)
    }

    /// Runs `work` on one consistent view.
    fn read<T>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, Failure>) -> Result<T, StoreError> {
        self.run(true, work)
    }
}

/// What an error means for us. The server's texts may quote values, so of those that may only the code is told.
fn explain(place: &str, failure: Failure) -> StoreError {
    let error = match failure {
        Failure::Store(error) => return error,
        Failure::Postgres(error) => error,
    };
    let Some(told) = error.as_db_error() else {
        let mut text = format!("{place}: {error}");
        let mut source = std::error::Error::source(&error);
        let io = source.is_some_and(|s| s.is::<std::io::Error>());
        while let Some(inner) = source {
            text = format!("{text}: {inner}");
            source = inner.source();
        }
        return if io || error.is_closed() { StoreError::Unreachable(text) } else { StoreError::Unusable(text) };
    };
    let code = told.code();
    let about = match told.constraint().or(told.table()) {
        Some(name) => format!("{place}: error {} at {name}", code.code()),
        None => format!("{place}: error {}", code.code()),
    };
    let said = format!("{place}: {}", told.message());
    match *code {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED | SqlState::LOCK_NOT_AVAILABLE => {
            StoreError::Busy(about)
        }
        SqlState::DISK_FULL => StoreError::DiskFull(about),
        SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::TOO_MANY_CONNECTIONS => StoreError::Unreachable(said),
        _ if code.code().starts_with("08") => StoreError::Unreachable(said),
        // Who may not come in, and to what; a missing database; a table that may not be touched.
        _ if ["28", "3D", "53", "58"].iter().any(|class| code.code().starts_with(class)) => StoreError::Unusable(said),
        SqlState::INSUFFICIENT_PRIVILEGE | SqlState::UNDEFINED_TABLE | SqlState::READ_ONLY_SQL_TRANSACTION => {
            StoreError::Unusable(said)
        }
        _ => StoreError::Unusable(about),
    }
}

impl Store for PostgresStore {
    fn position(&mut self, queue_id: &str, partition: i32) -> Result<Position, StoreError> {
        self.read(|tx| Ok(Position { partition, offset: versions::position(tx, queue_id, partition)? }))
    }

    fn fingerprint(&mut self, queue_id: &str, partition: i32) -> Result<Option<(i64, Fingerprint)>, StoreError> {
        self.read(|tx| versions::fingerprint(tx, queue_id, partition))
    }

    fn commit(&mut self, batch: &Batch) -> Result<Endings, StoreError> {
        self.write(|tx| versions::commit(tx, batch))
    }

    fn add_source(&mut self, source: &Source) -> Result<(), StoreError> {
        self.write(|tx| sources::add(tx, source))
    }

    fn sources(&mut self) -> Result<Vec<Source>, StoreError> {
        self.read(sources::all)
    }

    fn revoke_source(&mut self, name: &SourceName) -> Result<(), StoreError> {
        self.write(|tx| sources::revoke(tx, name))
    }

    fn begin_import(&mut self, id: BatchId, source: &SourceName, files: u32, at: Instant) -> Result<(), StoreError> {
        self.write(|tx| imports::begin(tx, id, source, files, at))
    }

    fn imports(&mut self) -> Result<Vec<Import>, StoreError> {
        self.read(imports::all)
    }

    fn withdraw(&mut self, id: BatchId, at: Instant) -> Result<Withdrawn, StoreError> {
        self.write(|tx| imports::withdraw(tx, id, at))
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
        self.write(|tx| letters::resolve(tx, id, retried, at))
    }

    fn lately(&mut self) -> Result<Vec<(SourceName, Lately)>, StoreError> {
        self.read(lately::all)
    }

    fn forgive(&mut self, source: &SourceName) -> Result<(), StoreError> {
        self.write(|tx| lately::forget(tx, source))
    }

    fn held(&mut self) -> Result<Vec<Held>, StoreError> {
        self.read(lately::held)
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
        self.write(|tx| {
            let endings = letters::resolve_all(tx, letters, at)?;
            lately::write(tx, lately)?;
            Ok(endings)
        })
    }

    fn reject_codes(&mut self) -> Result<Vec<(SourceName, RejectCode, u64)>, StoreError> {
        self.read(lately::codes)
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
