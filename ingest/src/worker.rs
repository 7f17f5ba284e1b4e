//! The worker: from the queue to the store.
//!
//! What always holds: it starts from the store's position; what it reads is coded in order and stored in one transaction
//! with the position after it, so each position ends exactly once, whatever dies; what cannot be coded becomes a reject
//! and never blocks what is behind it; a store or queue that is busy or full is waited for. Of a source with too many
//! rejects nothing more is coded: it is held, whole, until the source goes on, and blocks nobody else.

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
use crate::pause::{Lately, PauseLimits};
use crate::queue::{Limits, Log, QueueError, Unopened};
use crate::seal::{BatchKey, OriginalSealer, Place, QueueCipher, SealError, Sealed};
use crate::store::{Batch, DeadLetter, Ending, Endings, Item, Letter, Outcome, Rejection, Retried, Store, StoreError};

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
    /// How many rejects of a source are borne before it is paused.
    pub pause: PauseLimits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits { envelopes: 6_000, bytes: 16 << 20 },
            grace: Duration::from_secs(60),
            idle: Duration::from_millis(50),
            threads: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
            pause: PauseLimits::default(),
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
    /// A source that was paused goes on: what was held of it comes first.
    GoesOn,
}

/// Why the coding thread ended.
enum Read {
    Ended,
    GoesOn,
}

/// How often what is coded is looked at for being forgotten.
const RELEASE_EVERY: TimeDelta = TimeDelta::seconds(1);
/// How often it is looked whether a paused source goes on.
const PAUSED_EVERY: Duration = Duration::from_millis(500);
/// How many held letters are coded and stored at once, at the most.
const HELD_AT_ONCE: u32 = 1_000;
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
        self.go_on(stop, until, &mut told)?;
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
                Pass::GoesOn => self.go_on(stop, until, told)?,
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
        let sources = patiently(stop, until, || Sources::read(&mut self.store))?;
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
            Ok(match (pass, coded?) {
                (Pass::Ended, Read::GoesOn) => Pass::GoesOn,
                (pass, _) => pass,
            })
        })
    }

    /// Codes what is held of sources that are not paused any more, in order, and stores it as what it would have been.
    pub fn go_on(&mut self, stop: &AtomicBool, until: Until, told: &mut dyn FnMut(Endings)) -> Result<(), WorkError> {
        for held in patiently(stop, until, || self.store.held())? {
            let mut sources = patiently(stop, until, || Sources::read(&mut self.store))?;
            while !sources.is_paused(&held.source, &self.options.pause) && !stop.load(Ordering::SeqCst) {
                let letters = patiently(stop, until, || self.store.held_letters(&held.source, HELD_AT_ONCE))?;
                if letters.is_empty() {
                    break;
                }
                let sealer = OriginalSealer::new(&self.recipients)?;
                let mut lately = sources.lately.remove(&held.source).unwrap_or_default();
                let (mut coded, mut bytes) = (Vec::with_capacity(letters.len()), 0);
                for id in letters {
                    let (found, letter) = match patiently(stop, until, || self.store.dead_letter(id)) {
                        // Somebody else coded it meanwhile.
                        Err(StoreError::NoSuchDeadLetter(_)) => continue,
                        other => other?,
                    };
                    bytes += letter.record.as_bytes().len();
                    let retried = self.code_again(&found, &letter, &sources, &sealer);
                    let rejected = matches!(retried, Retried::Rejected { .. });
                    coded.push((id, retried));
                    lately.push(rejected, &self.options.pause);
                    if lately.is_paused(&self.options.pause) {
                        lately.since = Some(self.clock.now());
                        tell_paused(&held.source, &lately);
                        break;
                    }
                    if bytes > self.options.limits.bytes {
                        break;
                    }
                }
                let key = sealer.finish();
                for (_, retried) in &mut coded {
                    if let Retried::Coded { originals, .. } = retried {
                        *originals = key.clone();
                    }
                }
                let lately = [(held.source.clone(), lately)];
                let now = self.clock.now();
                let ended = patiently(stop, until, || self.store.resolve_all(&coded, &lately, now))?;
                let mut endings = Endings::default();
                ended.into_iter().flatten().for_each(|ending| endings.add(ending));
                told(endings);
                let [(source, lately)] = lately;
                sources.lately.insert(source, lately);
            }
        }
        Ok(())
    }

    /// Codes a dead letter once more.
    pub fn retry(&mut self, id: i64) -> Result<Ending, WorkError> {
        let (found, letter) = self.store.dead_letter(id)?;
        let sources = Sources::read(&mut self.store)?;
        let sealer = OriginalSealer::new(&self.recipients)?;
        let mut retried = self.code_again(&found, &letter, &sources, &sealer);
        if let Retried::Coded { originals, .. } = &mut retried {
            *originals = sealer.finish();
        }
        Ok(self.store.resolve(id, &retried, self.clock.now())?)
    }

    /// Codes a letter; the key of its original is still to be put in.
    fn code_again(&self, found: &DeadLetter, letter: &Letter, sources: &Sources, sealer: &OriginalSealer) -> Retried {
        let place = Place { queue_id: &found.queue_id, source: &found.source, received_at: found.received_at };
        let item = usize::try_from(letter.item).unwrap_or(usize::MAX);
        let envelope = self.cipher.open(&letter.record, &place).ok().and_then(|all| all.into_iter().nth(item));
        let Some(envelope) = envelope else {
            return Retried::Rejected { reject: Reject::new(RejectCode::CannotOpen), report_id: found.report_id };
        };
        let delivered = Delivered { position: found.position, received_at: found.received_at, envelope };
        match code_safely(&self.coder, &delivered, sources.settings(&found.source)) {
            Ok(coded) => {
                let report = coded.report.report_id.unwrap_or(ReportId::from_bytes([0; 16]));
                let original = sealer.seal(report, &delivered.envelope.payload);
                Retried::Coded { coded, original, originals: BatchKey { id: [0; 16], wrapped: Vec::new() } }
            }
            Err((reject, report_id)) => Retried::Rejected { reject, report_id },
        }
    }
}

/// Says that a source is paused, once.
fn tell_paused(source: &SourceName, lately: &Lately) {
    metrics::counter!("testigo_sources_paused_total").increment(1);
    tracing::warn!(
        %source,
        in_a_row = lately.in_a_row(),
        of_the_last = lately.rejected(),
        "paused after too many rejects; what it sends is held, and nothing of it is lost"
    );
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
            let _ = answer.send(patiently(stop, until, || Sources::read(store))?);
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

/// What is known of each source: its settings, and how its submissions went of late, where any was rejected.
struct Sources {
    settings: HashMap<SourceName, Settings>,
    lately: HashMap<SourceName, Lately>,
}

static UNSAID: Settings = Settings { state: None, zone: None, language: None, date_order: None };

impl Sources {
    fn read(store: &mut impl Store) -> Result<Self, StoreError> {
        let settings = store.sources()?.into_iter().map(|source| (source.name, source.settings)).collect();
        Ok(Self { settings, lately: store.lately()?.into_iter().collect() })
    }

    fn settings(&self, source: &SourceName) -> &Settings {
        self.settings.get(source).unwrap_or(&UNSAID)
    }

    fn is_paused(&self, source: &SourceName, limits: &PauseLimits) -> bool {
        self.lately.get(source).is_some_and(|lately| lately.is_paused(limits))
    }

    /// Whether a source that was paused here is not any more.
    fn some_go_on(&self, newer: &Self, limits: &PauseLimits) -> bool {
        self.held(limits).keys().any(|source| !newer.is_paused(source, limits))
    }

    /// From which offset on each paused source is held.
    fn held(&self, limits: &PauseLimits) -> Holds {
        let paused = self.lately.iter().filter(|(_, lately)| lately.is_paused(limits));
        paused.map(|(source, _)| (source.clone(), i64::MIN)).collect()
    }
}

/// Of which sources nothing is coded from which offset on.
type Holds = HashMap<SourceName, i64>;

/// What the rejects of a batch came to.
enum Judged {
    /// How the sources went with it, where that changed.
    Fine(Vec<(SourceName, Lately)>),
    /// A source reached its limit before this offset, and more of it is behind: that must not be coded.
    Paused(SourceName, i64),
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
    ) -> Result<Read, WorkError> {
        let limits = self.options.pause;
        let mut next = from;
        let mut released_at = self.clock.now();
        let mut away = None;
        let mut holds = sources.held(&limits);
        // When something was held of which it was not looked since whether its source goes on.
        let mut held_since = None::<std::time::Instant>;
        let finished = |this: &Self| this.stop.load(Ordering::SeqCst) || this.over.load(Ordering::SeqCst);
        while !finished(&self) {
            if held_since.is_some_and(|since| since.elapsed() > PAUSED_EVERY) {
                held_since = None;
                let Some(newer) = self.ask(ask, answers) else { break };
                if sources.some_go_on(&newer, &limits) {
                    return Ok(Read::GoesOn);
                }
                (holds, sources) = (newer.held(&limits), newer);
            }
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
            let new = |e: &Result<Delivered, Unopened>| {
                e.as_ref().is_ok_and(|d| !sources.settings.contains_key(&d.envelope.source))
            };
            if envelopes.iter().any(new) {
                // A source that was added since: its settings matter for how its reports are read.
                let Some(newer) = self.ask(ask, answers) else { break };
                if sources.some_go_on(&newer, &limits) {
                    return Ok(Read::GoesOn);
                }
                holds.extend(newer.held(&limits));
                sources = newer;
            }
            let count = i64::try_from(envelopes.len()).unwrap_or(i64::MAX);
            let last = self.log.fingerprint(Position { offset: next.offset + count, ..next });
            let mut batch = Batch { last, ..self.code(next, envelopes, &sources, &holds)? };
            match judge(&batch, &sources, &holds, &limits, self.clock) {
                Judged::Fine(lately) => batch.lately = lately,
                Judged::Paused(source, from) => {
                    // Read and coded once more, up to where the limit was reached. That costs a batch, once a pause.
                    holds.insert(source, from);
                    continue;
                }
            }
            for (source, lately) in &batch.lately {
                if lately.is_paused(&limits) && !sources.is_paused(source, &limits) {
                    tell_paused(source, lately);
                }
                sources.lately.insert(source.clone(), lately.clone());
            }
            if batch.items.iter().any(|item| matches!(item.outcome, Outcome::Held(_))) {
                held_since.get_or_insert_with(std::time::Instant::now);
            }
            if batches.send(batch).is_err() {
                return Ok(Read::Ended);
            }
            next.offset += count;
            holds = sources.held(&limits);
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
        Ok(Read::Ended)
    }

    /// What the store knows of the sources, once all that was handed on is stored. `None` where this thread is to end.
    fn ask(&self, ask: &SyncSender<()>, answers: &Receiver<Sources>) -> Option<Sources> {
        // Full means that somebody asked already.
        let _ = ask.try_send(());
        while !self.stop.load(Ordering::SeqCst) && !self.over.load(Ordering::SeqCst) {
            if let Ok(newer) = answers.recv_timeout(Duration::from_millis(20)) {
                return Some(newer);
            }
        }
        None
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
        holds: &Holds,
    ) -> Result<Batch, WorkError> {
        let queue_id = Arc::clone(self.log.queue_id());
        let desk = Desk {
            coder: self.coder,
            cipher: self.cipher,
            queue_id: &queue_id,
            sources,
            holds,
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
        Ok(Batch { queue_id, from, items, last: None, originals, lately: Vec::new() })
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
    holds: &'a Holds,
    sealer: OriginalSealer,
}

impl<C: Coder> Desk<'_, C> {
    fn code_all(&self, envelopes: Vec<Result<Delivered, Unopened>>) -> Result<Vec<Item>, WorkError> {
        envelopes
            .into_iter()
            .map(|envelope| match envelope {
                Ok(delivered) => self.code(delivered),
                Err(unopened) => {
                    let held = self.holds(&unopened.source, unopened.position);
                    Ok(unopened_item(unopened, held))
                }
            })
            .collect()
    }

    fn holds(&self, source: &SourceName, position: Position) -> bool {
        self.holds.get(source).is_some_and(|from| position.offset >= *from)
    }

    fn code(&self, delivered: Delivered) -> Result<Item, WorkError> {
        let source = delivered.envelope.source.clone();
        let sealed = || -> Result<Letter, WorkError> {
            let place = Place { queue_id: self.queue_id, source: &source, received_at: delivered.received_at };
            let record: Sealed = self.cipher.seal(&[&delivered.envelope], &place)?;
            Ok(Letter { record: Arc::new(record), item: 0 })
        };
        if self.holds(&source, delivered.position) {
            let outcome = Outcome::Held(sealed()?);
            let Delivered { received_at, envelope, .. } = delivered;
            return Ok(Item { received_at, source, batch: envelope.batch, row: envelope.row, outcome });
        }
        let outcome = match code_safely(self.coder, &delivered, self.sources.settings(&source)) {
            Ok(coded) => {
                let report = coded.report.report_id.unwrap_or(ReportId::from_bytes([0; 16]));
                let original = self.sealer.seal(report, &delivered.envelope.payload);
                Outcome::Coded { coded, original }
            }
            Err((reject, report_id)) => Outcome::Rejected(Rejection { reject, report_id, letter: sealed()? }),
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

fn unopened_item(unopened: Unopened, held: bool) -> Item {
    let letter = Letter { record: unopened.sealed, item: unopened.item };
    let rejected =
        |letter| Outcome::Rejected(Rejection { reject: Reject::new(RejectCode::CannotOpen), report_id: None, letter });
    Item {
        received_at: unopened.received_at,
        source: unopened.source,
        batch: None,
        row: None,
        outcome: if held { Outcome::Held(letter) } else { rejected(letter) },
    }
}

/// Counts the rejects of a batch, in order, source by source.
fn judge(batch: &Batch, sources: &Sources, holds: &Holds, limits: &PauseLimits, clock: &Clock) -> Judged {
    let mut changed: HashMap<&SourceName, Lately> = HashMap::new();
    for (item, offset) in batch.items.iter().zip(batch.from.offset..) {
        let rejected = match item.outcome {
            Outcome::Held(_) => continue,
            Outcome::Rejected(_) => true,
            Outcome::Coded { .. } => false,
        };
        // Of a source without rejects nothing is kept, and nothing changes.
        if !rejected && !changed.contains_key(&item.source) && !sources.lately.contains_key(&item.source) {
            continue;
        }
        let lately = changed
            .entry(&item.source)
            .or_insert_with(|| sources.lately.get(&item.source).cloned().unwrap_or_default());
        let before = lately.is_paused(limits);
        lately.push(rejected, limits);
        if before || !lately.is_paused(limits) {
            continue;
        }
        lately.since = Some(clock.now());
        let mut behind = batch.items.iter().zip(batch.from.offset..).filter(|(_, other)| *other > offset);
        if !holds.contains_key(&item.source) && behind.any(|(other, _)| other.source == item.source) {
            return Judged::Paused(item.source.clone(), offset + 1);
        }
    }
    let lately = changed.into_iter().map(|(source, lately)| (source.clone(), lately));
    let mut lately: Vec<_> = lately.filter(|(source, now)| sources.lately.get(source) != Some(now)).collect();
    lately.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Judged::Fine(lately)
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
