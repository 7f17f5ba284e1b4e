//! The worker: from the queue to the store.
//!
//! What always holds: it starts from the store's position; what it reads is coded in order and stored in one transaction
//! with the position after it, so each position ends exactly once, whatever dies; what cannot be coded becomes a reject
//! and never blocks what is behind it; a store or queue that is busy or full is waited for.

use std::collections::{HashMap, VecDeque};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use schemas::envelope::{Delivered, Position};
use schemas::ids::{InstallationKey, ReportId};
use schemas::reject::{Reject, RejectCode};
use schemas::source::{Settings, SourceName};
use schemas::{Clock, Instant, wire};

use crate::keys::Recipients;
use crate::normalize::{self, Coded};
use crate::queue::{Limits, Log, QueueError, Unopened};
use crate::seal::{OriginalSealer, Place, QueueCipher, SealError, Sealed};
use crate::store::{Batch, Ending, Endings, Item, Letter, Outcome, Rejection, Retried, Store, StoreError};

/// Turns one submission into a coded report. The seam at which tests put a coder of their own.
pub trait Coder: Sync {
    fn code(&self, delivered: &Delivered, source: &Settings) -> Result<Coded, Reject>;

    /// The receipt that the submission's source holds, where its id can be read.
    fn receipt(&self, delivered: &Delivered) -> Option<ReportId>;
}

/// The coder of this program's rules.
#[derive(Debug)]
pub struct Rules {
    pub key: Arc<InstallationKey>,
}

impl Coder for Rules {
    fn code(&self, delivered: &Delivered, source: &Settings) -> Result<Coded, Reject> {
        normalize::code_delivered(delivered, source, &self.key)
    }

    fn receipt(&self, delivered: &Delivered) -> Option<ReportId> {
        receipt(&self.key, delivered)
    }
}

/// How a worker works.
#[derive(Debug, Clone)]
pub struct Options {
    /// How much is coded and stored at once.
    pub limits: Limits,
    /// How long what is coded stays in the queue.
    pub grace: Duration,
    /// How long to rest when nothing waits.
    pub idle: Duration,
    /// On how many threads a batch is coded.
    pub threads: NonZero<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits { envelopes: 6_000, bytes: 16 << 20 },
            grace: Duration::from_secs(60),
            idle: Duration::from_millis(50),
            threads: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
        }
    }
}

/// When a worker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When it is told to stop.
    Stopped,
    /// When nothing waits.
    Drained,
}

/// Why a worker ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("the coding thread could not run: {0}")]
    Thread(String),
}

/// What a worker works with.
pub struct Worker<L, S, C> {
    pub log: L,
    pub store: S,
    pub coder: C,
    pub cipher: QueueCipher,
    pub recipients: Recipients,
    pub clock: Clock,
    pub options: Options,
}

impl<L, S, C> std::fmt::Debug for Worker<L, S, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("options", &self.options).finish_non_exhaustive()
    }
}

/// What a pass over a partition came to.
enum Pass {
    Ended,
    /// Another worker wrote: start again from the store's position.
    Moved,
}

/// How often what is coded is looked at for being forgotten.
const RELEASE_EVERY: TimeDelta = TimeDelta::seconds(1);
/// How long to wait before a busy or full store is tried again.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long a worker that somebody waits for waits for a server that is away.
const OUTAGE: Duration = Duration::from_secs(60);

impl<L: Log, S: Store, C: Coder> Worker<L, S, C> {
    /// Works until the end that was asked for, or until `stop` is set; then finishes the batch in hand.
    pub fn run(
        &mut self,
        stop: &AtomicBool,
        until: Until,
        progress: &mut dyn FnMut(Endings),
    ) -> Result<Endings, WorkError> {
        let mut total = Endings::default();
        let mut told = |more: Endings| {
            total += more;
            progress(more);
        };
        for partition in self.log.partitions()? {
            self.run_partition(partition, stop, until, &mut told)?;
        }
        Ok(total)
    }

    /// The same for one partition.
    pub fn run_partition(
        &mut self,
        partition: i32,
        stop: &AtomicBool,
        until: Until,
        told: &mut dyn FnMut(Endings),
    ) -> Result<(), WorkError> {
        let queue_id = Arc::clone(self.log.queue_id());
        loop {
            let from = patiently(stop, until, || self.store.position(&queue_id, partition))?;
            // Where the position moved meanwhile, the first commit will say so.
            if let Some((at, last)) = patiently(stop, until, || self.store.fingerprint(&queue_id, partition))?
                && at == from.offset
            {
                self.log.expect(from, last);
            }
            let pass = match self.pass(from, stop, until, told) {
                // What is gone from the queue is stored, if not by us; else the store is an older copy.
                Err(error @ WorkError::Queue(QueueError::Released { wanted, .. })) => {
                    let stored = patiently(stop, until, || self.store.position(&queue_id, partition))?;
                    if stored.offset > wanted { Ok(Pass::Moved) } else { Err(error) }
                }
                other => other,
            };
            match pass? {
                Pass::Ended => return Ok(()),
                Pass::Moved => {
                    tracing::info!(partition, "another worker wrote; starting again from the store's position");
                }
            }
        }
    }

    /// Codes on other threads and stores on this one, so that neither waits for the other's disk.
    fn pass(
        &mut self,
        from: Position,
        stop: &AtomicBool,
        until: Until,
        told: &mut dyn FnMut(Endings),
    ) -> Result<Pass, WorkError> {
        let sources = Sources::read(&mut self.store)?;
        let stored = AtomicI64::new(from.offset);
        let over = AtomicBool::new(false);
        // Two batches are in memory at the most: the one being stored and the one being coded.
        let (sender, receiver) = sync_channel::<Batch>(0);
        let (ask, asked) = sync_channel::<()>(1);
        let (answer, answers) = sync_channel::<Sources>(1);
        let Self { log, store, coder, cipher, recipients, clock, options } = self;
        let reading = Reading { log, coder, cipher, recipients, clock, options, stop, over: &over, stored: &stored };
        thread::scope(|scope| {
            let coding = thread::Builder::new()
                .name("coder".into())
                .spawn_scoped(scope, move || reading.run(from, until, sources, &sender, &ask, &answers))
                .map_err(|error| WorkError::Thread(error.to_string()))?;
            let outcome = storing(store, &receiver, &asked, &answer, (stop, until), &stored, told);
            over.store(true, Ordering::SeqCst);
            drop((receiver, answer));
            let coded = coding.join().map_err(|_| WorkError::Thread("it panicked".into()))?;
            let pass = outcome?;
            coded?;
            Ok(pass)
        })
    }

    /// Codes a dead letter once more.
    pub fn retry(&mut self, id: i64) -> Result<Ending, WorkError> {
        let (found, letter) = self.store.dead_letter(id)?;
        let sources = Sources::read(&mut self.store)?;
        let place = Place { queue_id: &found.queue_id, source: &found.source, received_at: found.received_at };
        let item = usize::try_from(letter.item).unwrap_or(usize::MAX);
        let envelope = self.cipher.open(&letter.record, &place).ok().and_then(|all| all.into_iter().nth(item));
        let retried = match envelope {
            None => Retried::Rejected { reject: Reject::new(RejectCode::CannotOpen), report_id: found.report_id },
            Some(envelope) => {
                let delivered = Delivered { position: found.position, received_at: found.received_at, envelope };
                match code_safely(&self.coder, &delivered, sources.settings(&found.source)) {
                    Ok(coded) => {
                        let sealer = OriginalSealer::new(&self.recipients)?;
                        let report = coded.report.report_id.unwrap_or(ReportId::from_bytes([0; 16]));
                        let original = sealer.seal(report, &delivered.envelope.payload);
                        Retried::Coded { coded, original, originals: sealer.finish() }
                    }
                    Err((reject, report_id)) => Retried::Rejected { reject, report_id },
                }
            }
        };
        Ok(self.store.resolve(id, &retried, self.clock.now())?)
    }
}

/// Stores batches as they come, until the coding thread has no more.
fn storing<S: Store>(
    store: &mut S,
    batches: &Receiver<Batch>,
    asked: &Receiver<()>,
    answer: &SyncSender<Sources>,
    (stop, until): (&AtomicBool, Until),
    stored: &AtomicI64,
    told: &mut dyn FnMut(Endings),
) -> Result<Pass, WorkError> {
    loop {
        if asked.try_recv().is_ok() {
            // The coding thread waits for this answer, or has gone.
            let _ = answer.send(Sources::read(store)?);
        }
        let batch = match batches.recv_timeout(Duration::from_millis(5)) {
            Ok(batch) => batch,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(Pass::Ended),
        };
        let next = batch.from.offset + i64::try_from(batch.items.len()).unwrap_or(i64::MAX);
        match patiently(stop, until, || store.commit(&batch)) {
            Ok(endings) => {
                stored.store(next, Ordering::SeqCst);
                told(endings);
            }
            Err(StoreError::PositionMoved { .. }) => return Ok(Pass::Moved),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Tries again while the store is busy, until told to stop. A worker without an end waits for a full disk too; one that
/// somebody waits for says so instead.
fn patiently<T>(
    stop: &AtomicBool,
    until: Until,
    mut attempt: impl FnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut said = false;
    let started = std::time::Instant::now();
    loop {
        match attempt() {
            Err(error @ (StoreError::Busy(_) | StoreError::DiskFull(_) | StoreError::Unreachable(_))) => {
                let in_vain = until == Until::Drained
                    && (matches!(error, StoreError::DiskFull(_))
                        || matches!(error, StoreError::Unreachable(_)) && started.elapsed() > OUTAGE);
                if in_vain || stop.load(Ordering::SeqCst) {
                    return Err(error);
                }
                if !std::mem::replace(&mut said, true) {
                    tracing::warn!(%error, "waiting for the store");
                }
                thread::sleep(PATIENCE);
            }
            other => return other,
        }
    }
}

/// What is known of each source's settings.
struct Sources(HashMap<SourceName, Settings>);

static UNSAID: Settings = Settings { state: None, zone: None, language: None, date_order: None };

impl Sources {
    fn read(store: &mut impl Store) -> Result<Self, StoreError> {
        Ok(Self(store.sources()?.into_iter().map(|source| (source.name, source.settings)).collect()))
    }

    fn settings(&self, source: &SourceName) -> &Settings {
        self.0.get(source).unwrap_or(&UNSAID)
    }
}

/// The coding thread's side.
struct Reading<'a, L, C> {
    log: &'a mut L,
    coder: &'a C,
    cipher: &'a QueueCipher,
    recipients: &'a Recipients,
    clock: &'a Clock,
    options: &'a Options,
    stop: &'a AtomicBool,
    /// Set when the storing thread takes no more.
    over: &'a AtomicBool,
    /// Up to which offset the store has it.
    stored: &'a AtomicI64,
}

impl<L: Log, C: Coder> Reading<'_, L, C> {
    fn run(
        mut self,
        from: Position,
        until: Until,
        mut sources: Sources,
        batches: &SyncSender<Batch>,
        ask: &SyncSender<()>,
        answers: &Receiver<Sources>,
    ) -> Result<(), WorkError> {
        let mut next = from;
        let mut released_at = self.clock.now();
        let mut away = None;
        let finished = |this: &Self| this.stop.load(Ordering::SeqCst) || this.over.load(Ordering::SeqCst);
        while !finished(&self) {
            let envelopes = match self.log.read(next, self.options.limits) {
                Err(error @ (QueueError::Busy(_) | QueueError::Unreachable(_))) => {
                    if until == Until::Drained && away.get_or_insert_with(std::time::Instant::now).elapsed() > OUTAGE {
                        return Err(error.into());
                    }
                    thread::sleep(PATIENCE);
                    continue;
                }
                other => other?,
            };
            away = None;
            self.release_some(next.partition, &mut released_at)?;
            if envelopes.is_empty() {
                if until == Until::Drained {
                    break;
                }
                thread::sleep(self.options.idle);
                continue;
            }
            let new =
                |e: &Result<Delivered, Unopened>| e.as_ref().is_ok_and(|d| !sources.0.contains_key(&d.envelope.source));
            if envelopes.iter().any(new) {
                // A source that was added since: its settings matter for how its reports are read.
                let _ = ask.try_send(());
                while !finished(&self) {
                    if let Ok(newer) = answers.recv_timeout(Duration::from_millis(20)) {
                        sources = newer;
                        break;
                    }
                }
            }
            let count = i64::try_from(envelopes.len()).unwrap_or(i64::MAX);
            let last = self.log.fingerprint(Position { offset: next.offset + count, ..next });
            let batch = Batch { last, ..self.code(next, envelopes, &sources)? };
            if batches.send(batch).is_err() {
                return Ok(());
            }
            next.offset += count;
        }
        // Let the storing thread finish what it has before the last look at what may be forgotten.
        if until == Until::Drained && !finished(&self) {
            while self.stored.load(Ordering::SeqCst) < next.offset && !finished(&self) {
                thread::sleep(Duration::from_millis(1));
            }
            let below = Position { offset: self.stored.load(Ordering::SeqCst), ..next };
            let now = self.clock.now();
            release(self.log, below, now)?;
        }
        Ok(())
    }

    /// Forgets what has been stored for longer than the grace, now and then.
    fn release_some(&mut self, partition: i32, released_at: &mut Instant) -> Result<(), WorkError> {
        let now = self.clock.now();
        if now - *released_at < RELEASE_EVERY {
            return Ok(());
        }
        *released_at = now;
        let grace = TimeDelta::from_std(self.options.grace).unwrap_or(TimeDelta::MAX);
        let Some(by) = now.checked_sub_signed(grace) else { return Ok(()) };
        release(self.log, Position { partition, offset: self.stored.load(Ordering::SeqCst) }, by)
    }

    /// Codes a stretch of the log and seals its originals, on several threads; the order stays.
    fn code(
        &self,
        from: Position,
        envelopes: Vec<Result<Delivered, Unopened>>,
        sources: &Sources,
    ) -> Result<Batch, WorkError> {
        let queue_id = Arc::clone(self.log.queue_id());
        let desk = Desk {
            coder: self.coder,
            cipher: self.cipher,
            queue_id: &queue_id,
            sources,
            sealer: OriginalSealer::new(self.recipients)?,
        };
        let count = envelopes.len();
        let threads = self.options.threads.get().min(count / FEWEST_IN_A_PART).max(1);
        let mut parts = VecDeque::with_capacity(count / PART + 1);
        let mut rest = envelopes.into_iter();
        // Threads share their processors with those that read and store, so one is faster than another: each takes the next
        // part when it is done with one.
        let size = PART.min(count.div_ceil(threads)).max(1);
        while rest.len() > 0 {
            parts.push_back((parts.len(), rest.by_ref().take(size).collect::<Vec<_>>()));
        }
        let parts = Mutex::new(parts);
        let work = || -> Result<Vec<(usize, Vec<Item>)>, WorkError> {
            let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let mut done = Vec::new();
            while let Some((place, part)) = next() {
                done.push((place, desk.code_all(part)?));
            }
            Ok(done)
        };
        let items = thread::scope(|scope| -> Result<Vec<Item>, WorkError> {
            let mut coding = Vec::with_capacity(threads - 1);
            for _ in 1..threads {
                let started = thread::Builder::new().name("coder".into()).spawn_scoped(scope, work);
                coding.push(started.map_err(|error| WorkError::Thread(error.to_string()))?);
            }
            let mut done = work()?;
            for others in coding {
                done.extend(others.join().map_err(|_| WorkError::Thread("it panicked".into()))??);
            }
            done.sort_unstable_by_key(|(place, _)| *place);
            let mut items = Vec::with_capacity(count);
            done.into_iter().for_each(|(_, part)| items.extend(part));
            Ok(items)
        })?;
        let any = items.iter().any(|item| matches!(item.outcome, Outcome::Coded { .. }));
        let originals = any.then(|| desk.sealer.finish());
        Ok(Batch { queue_id, from, items, last: None, originals })
    }
}

/// Fewer submissions than this are not worth another thread.
const FEWEST_IN_A_PART: usize = 64;
/// How many submissions a coding thread takes at once, at the most.
const PART: usize = 256;

/// What coding a batch needs, for all of its threads.
struct Desk<'a, C> {
    coder: &'a C,
    cipher: &'a QueueCipher,
    queue_id: &'a Arc<str>,
    sources: &'a Sources,
    sealer: OriginalSealer,
}

impl<C: Coder> Desk<'_, C> {
    fn code_all(&self, envelopes: Vec<Result<Delivered, Unopened>>) -> Result<Vec<Item>, WorkError> {
        envelopes
            .into_iter()
            .map(|envelope| match envelope {
                Ok(delivered) => self.code(delivered),
                Err(unopened) => Ok(unopened_item(unopened)),
            })
            .collect()
    }

    fn code(&self, delivered: Delivered) -> Result<Item, WorkError> {
        let source = delivered.envelope.source.clone();
        let outcome = match code_safely(self.coder, &delivered, self.sources.settings(&source)) {
            Ok(coded) => {
                let report = coded.report.report_id.unwrap_or(ReportId::from_bytes([0; 16]));
                let original = self.sealer.seal(report, &delivered.envelope.payload);
                Outcome::Coded { coded, original }
            }
            Err((reject, report_id)) => {
                let place = Place { queue_id: self.queue_id, source: &source, received_at: delivered.received_at };
                let record: Sealed = self.cipher.seal(&[&delivered.envelope], &place)?;
                let letter = Letter { record: Arc::new(record), item: 0 };
                Outcome::Rejected(Rejection { reject, report_id, letter })
            }
        };
        Ok(Item {
            received_at: delivered.received_at,
            source,
            batch: delivered.envelope.batch,
            row: delivered.envelope.row,
            outcome,
        })
    }
}

fn release(log: &mut impl Log, below: Position, by: Instant) -> Result<(), WorkError> {
    match log.release(below, by) {
        // Whoever holds the queue now is not kept waiting; the next look does it.
        Ok(_) | Err(QueueError::Busy(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn unopened_item(unopened: Unopened) -> Item {
    let letter = Letter { record: unopened.sealed, item: unopened.item };
    Item {
        received_at: unopened.received_at,
        source: unopened.source,
        batch: None,
        row: None,
        outcome: Outcome::Rejected(Rejection { reject: Reject::new(RejectCode::CannotOpen), report_id: None, letter }),
    }
}

/// Codes one submission. A coder that panics on it, or gives a report without what makes it one, has rejected it: a fault
/// of ours must not keep the worker from what is behind it.
fn code_safely(
    coder: &impl Coder,
    delivered: &Delivered,
    source: &Settings,
) -> Result<Coded, (Reject, Option<ReportId>)> {
    let failed = || Reject::new(RejectCode::CoderFailed);
    let coded = catch_unwind(AssertUnwindSafe(|| coder.code(delivered, source)));
    let coded = coded.unwrap_or_else(|_| Err(failed())).and_then(|coded| {
        let report = &coded.report;
        let whole = report.report_id.is_some() && report.external_id.is_some() && report.source.is_some();
        if whole { Ok(coded) } else { Err(failed()) }
    });
    coded.map_err(|reject| {
        let receipt = catch_unwind(AssertUnwindSafe(|| coder.receipt(delivered)));
        (reject, receipt.ok().flatten())
    })
}

fn receipt(key: &InstallationKey, delivered: &Delivered) -> Option<ReportId> {
    let own = wire::parse_object(delivered.envelope.payload.expose()).ok().and_then(|object| {
        match object.get("external_id")? {
            serde_json::Value::String(id) if !id.trim().is_empty() => Some(id.trim().to_owned()),
            serde_json::Value::Number(id) => Some(id.to_string()),
            _ => None,
        }
    });
    let id = own.or_else(|| delivered.envelope.external_id.clone())?;
    Some(key.report_id(delivered.envelope.source.as_str(), &id))
}
