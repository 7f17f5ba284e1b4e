//! Appending: one writer thread drains what waits into one transaction.
//!
//! What always holds: a ticket resolves well only after the commit's fsync; what waits is bounded by count and bytes;
//! after a failed write nothing more is accepted, and all who wait are told.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use schemas::Clock;
use schemas::clock::Instant;
use schemas::envelope::{Envelope, Position};
use schemas::source::SourceName;
use tokio::sync::{oneshot, watch};

use super::{PARTITION, failed, open};
use crate::queue::{Appended, Intake, QueueError, SubmitError, Ticket};
use crate::seal::{Place, QueueCipher, Sealed};
use crate::sqlite::checkpoint;

/// What an envelope takes in memory beside its payload, roughly.
const ENVELOPE_BYTES: usize = 256;

/// The bounds of an intake.
#[derive(Debug, Clone, Copy)]
pub struct SqliteIntakeOptions {
    /// How much may wait for the writer.
    pub waiting_envelopes: usize,
    pub waiting_bytes: usize,
    /// How much one transaction takes.
    pub group_envelopes: usize,
    pub group_bytes: usize,
    /// How much one record takes: a reader opens a record whole.
    pub record_envelopes: usize,
    pub record_bytes: usize,
    /// After how many bytes this process copies the log into the file.
    pub checkpoint_bytes: usize,
}

impl Default for SqliteIntakeOptions {
    fn default() -> Self {
        Self {
            waiting_envelopes: 32_768,
            waiting_bytes: 64 << 20,
            group_envelopes: 16_384,
            group_bytes: 16 << 20,
            record_envelopes: 4_096,
            record_bytes: 4 << 20,
            checkpoint_bytes: 4 << 20,
        }
    }
}

/// One append that waits.
struct Request {
    envelopes: Vec<Envelope>,
    bytes: usize,
    reply: oneshot::Sender<Result<Appended, QueueError>>,
}

/// What channels and the writer share.
struct Shared {
    state: Mutex<State>,
    /// Told when something waits, or when it is time to close.
    work: Condvar,
    /// Told when there is room again.
    room: Condvar,
    options: SqliteIntakeOptions,
    failure: watch::Sender<Option<QueueError>>,
}

#[derive(Default)]
struct State {
    requests: VecDeque<Request>,
    envelopes: usize,
    bytes: usize,
    closing: bool,
    stopped: Option<QueueError>,
}

impl State {
    /// Whether so much more may wait. Something too large for the bounds may wait alone.
    const fn has_room(&self, options: &SqliteIntakeOptions, envelopes: usize, bytes: usize) -> bool {
        self.envelopes == 0
            || (self.envelopes + envelopes <= options.waiting_envelopes && self.bytes + bytes <= options.waiting_bytes)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves the counters as they were: nothing in there can panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until something waits and takes a group of it. `None` when all is written and the intake closes.
    fn take_group(&self) -> Option<Vec<Request>> {
        let mut state = self.lock();
        while state.requests.is_empty() && !state.closing {
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut group = Vec::new();
        let (mut envelopes, mut bytes) = (0, 0);
        while let Some(request) = state.requests.front() {
            let (more, heavier) = (envelopes + request.envelopes.len(), bytes + request.bytes);
            if !group.is_empty() && (more > self.options.group_envelopes || heavier > self.options.group_bytes) {
                break;
            }
            (envelopes, bytes) = (more, heavier);
            group.extend(state.requests.pop_front());
        }
        state.envelopes -= envelopes;
        state.bytes -= bytes;
        self.room.notify_all();
        (!group.is_empty()).then_some(group)
    }

    /// From now on nothing is accepted; all who wait are told why.
    fn stop(&self, error: &QueueError) {
        let requests = {
            let mut state = self.lock();
            state.stopped = Some(error.clone());
            (state.envelopes, state.bytes) = (0, 0);
            std::mem::take(&mut state.requests)
        };
        for request in requests {
            tell(request.reply, Err(error.clone()));
        }
        self.room.notify_all();
        self.failure.send_replace(Some(error.clone()));
    }
}

/// Who asked may have gone away since; the append stands all the same.
fn tell(reply: oneshot::Sender<Result<Appended, QueueError>>, result: Result<Appended, QueueError>) {
    drop(reply.send(result));
}

/// The embedded queue's intake. Dropping it writes what still waits, then ends.
pub struct SqliteIntake {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

impl fmt::Debug for SqliteIntake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteIntake")
    }
}

impl SqliteIntake {
    /// Opens the queue's file, making it where there is none, and starts the writer.
    pub fn open(
        path: &Path,
        cipher: QueueCipher,
        clock: Clock,
        options: SqliteIntakeOptions,
    ) -> Result<Self, QueueError> {
        let (connection, queue_id) = open(path)?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            room: Condvar::new(),
            options,
            failure: watch::Sender::new(None),
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
            path: path.to_owned(),
            connection,
            queue_id,
            cipher,
            clock,
            since_checkpoint: 0,
        };
        let thread = std::thread::Builder::new()
            .name("queue-writer".into())
            .spawn(move || writer.run())
            .map_err(|error| QueueError::Unusable(format!("no thread for the queue: {error}").into()))?;
        Ok(Self { shared, writer: Some(thread) })
    }

    fn enter(&self, envelopes: Vec<Envelope>, wait: bool) -> Result<Ticket, SubmitError> {
        let one_source = envelopes.windows(2).all(|pair| pair[0].source == pair[1].source);
        if envelopes.is_empty() || !one_source {
            return Err(SubmitError::NotOneSource);
        }
        let count = envelopes.len();
        let bytes = envelopes.iter().map(|e| e.payload.expose().len() + ENVELOPE_BYTES).sum();
        let mut state = self.shared.lock();
        loop {
            if let Some(error) = &state.stopped {
                return Err(SubmitError::Stopped(error.clone()));
            }
            if state.has_room(&self.shared.options, count, bytes) {
                break;
            }
            if !wait {
                return Err(SubmitError::Full(envelopes));
            }
            state = self.shared.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let (reply, ticket) = Ticket::new();
        state.envelopes += count;
        state.bytes += bytes;
        state.requests.push_back(Request { envelopes, bytes, reply });
        drop(state);
        self.shared.work.notify_one();
        Ok(ticket)
    }
}

impl Intake for SqliteIntake {
    fn submit(&self, envelopes: Vec<Envelope>) -> Result<Ticket, SubmitError> {
        self.enter(envelopes, false)
    }

    fn submit_waiting(&self, envelopes: Vec<Envelope>) -> Result<Ticket, SubmitError> {
        self.enter(envelopes, true)
    }

    fn failure(&self) -> watch::Receiver<Option<QueueError>> {
        self.shared.failure.subscribe()
    }
}

impl Drop for SqliteIntake {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.work.notify_one();
        if let Some(writer) = self.writer.take() {
            // A panic of the writer has told its tickets by dropping them.
            drop(writer.join());
        }
    }
}

/// A record that is ready to be written.
struct Record {
    source: SourceName,
    count: usize,
    sealed: Sealed,
}

struct Writer {
    shared: Arc<Shared>,
    path: PathBuf,
    connection: Connection,
    queue_id: Arc<str>,
    cipher: QueueCipher,
    clock: Clock,
    since_checkpoint: usize,
}

/// If the writer ends in any other way than by closing, nobody may wait for it.
struct StopOnPanic(Arc<Shared>);

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop(&QueueError::Stopped("its writer panicked".into()));
        }
    }
}

impl Writer {
    fn run(mut self) {
        let _guard = StopOnPanic(Arc::clone(&self.shared));
        while let Some(group) = self.shared.take_group() {
            match self.append(&group) {
                Ok(appended) => {
                    for (request, appended) in group.into_iter().zip(appended) {
                        tell(request.reply, Ok(appended));
                    }
                }
                // Nothing of the group was written, and the writer is as good as before.
                Err(error @ QueueError::DiskFull(_)) => {
                    tracing::warn!(%error, submissions = group.len(), "not appended");
                    for request in group {
                        tell(request.reply, Err(error.clone()));
                    }
                    continue;
                }
                Err(error) => return self.stop(group, &error),
            }
            if self.since_checkpoint >= self.shared.options.checkpoint_bytes {
                self.since_checkpoint = 0;
                // The group is safe in the log, but a file that does not sync is no place to go on writing.
                if let Err(error) = checkpoint(&self.connection, false).map_err(failed(&self.path)) {
                    return self.stop(Vec::new(), &error);
                }
            }
        }
    }

    fn stop(&self, group: Vec<Request>, error: &QueueError) {
        let stopped = match error {
            QueueError::Unusable(text) => QueueError::Stopped(Arc::clone(text)),
            other => other.clone(),
        };
        tracing::error!(error = %stopped, "the queue accepts nothing more");
        // SQLite would copy the log into the file when it closes it; after a failed write that is for the next start to
        // do, which reads the log from the disk. If even this fails there is nothing left to try.
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        // First the door, then the news: who hears of it must not be let in again.
        self.shared.stop(&stopped);
        for request in group {
            tell(request.reply, Err(stopped.clone()));
        }
    }

    /// Appends a group in one transaction; says where each request stands.
    fn append(&mut self, group: &[Request]) -> Result<Vec<Appended>, QueueError> {
        let received_at = self.clock.now();
        let (order, records) = self.seal(group, received_at)?;
        let first = loop {
            match self.write(&records, received_at).map_err(failed(&self.path)) {
                // Another process is writing: our turn comes, and what waits meanwhile is bounded.
                Err(QueueError::Busy(error)) => tracing::warn!(%error, "waiting to append"),
                other => break other?,
            }
        };
        self.since_checkpoint += records.iter().map(|record| record.sealed.as_bytes().len()).sum::<usize>();
        let mut appended = vec![None; group.len()];
        let mut offset = first;
        for index in order {
            let count = group[index].envelopes.len();
            let first = Position { partition: PARTITION, offset };
            offset += offset_of(count);
            appended[index] = Some(Appended { received_at, first, end: offset, count });
        }
        Ok(appended.into_iter().flatten().collect())
    }

    /// Puts each source's requests together, and seals them. Returns the order in which the requests stand in the records.
    fn seal(&self, group: &[Request], received_at: Instant) -> Result<(Vec<usize>, Vec<Record>), QueueError> {
        let mut sources: Vec<(&SourceName, Vec<usize>)> = Vec::new();
        let mut known: HashMap<&SourceName, usize> = HashMap::new();
        for (index, request) in group.iter().enumerate() {
            let source = &request.envelopes[0].source;
            let at = *known.entry(source).or_insert_with(|| {
                sources.push((source, Vec::new()));
                sources.len() - 1
            });
            sources[at].1.push(index);
        }
        let mut records = Vec::with_capacity(sources.len());
        let options = &self.shared.options;
        let mut part: Vec<&Envelope> = Vec::new();
        for (source, requests) in &sources {
            let place = Place { queue_id: &self.queue_id, source, received_at };
            let mut bytes = 0;
            let mut put = |part: &mut Vec<&Envelope>| -> Result<(), QueueError> {
                let sealed = self.cipher.seal(part, &place);
                let sealed = sealed.map_err(|error| QueueError::Unusable(error.to_string().into()))?;
                records.push(Record { source: (*source).clone(), count: part.len(), sealed });
                part.clear();
                Ok(())
            };
            for envelope in requests.iter().flat_map(|index| &group[*index].envelopes) {
                let heavier = bytes + envelope.payload.expose().len() + ENVELOPE_BYTES;
                if !part.is_empty() && (part.len() >= options.record_envelopes || heavier > options.record_bytes) {
                    put(&mut part)?;
                    bytes = 0;
                }
                bytes += envelope.payload.expose().len() + ENVELOPE_BYTES;
                part.push(envelope);
            }
            put(&mut part)?;
        }
        let order = sources.into_iter().flat_map(|(_, requests)| requests).collect();
        Ok((order, records))
    }

    /// Writes records behind each other, durably; returns the first one's offset.
    fn write(&mut self, records: &[Record], received_at: Instant) -> rusqlite::Result<i64> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let first: i64 = tx.prepare_cached("SELECT next FROM log")?.query_row([], |row| row.get(0))?;
        let mut next = first;
        {
            let mut insert = tx.prepare_cached(
                "INSERT INTO record (first, count, source, received_at, sealed) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for record in records {
                let count = offset_of(record.count);
                let at = received_at.timestamp_micros();
                insert.execute((next, count, record.source.as_str(), at, record.sealed.as_bytes()))?;
                next += count;
            }
        }
        tx.prepare_cached("UPDATE log SET next = ?1")?.execute([next])?;
        tx.commit()?;
        Ok(first)
    }
}

fn offset_of(count: usize) -> i64 {
    i64::try_from(count).expect("what fits in memory can be counted in 63 bits")
}
