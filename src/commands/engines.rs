//! What commands share: the data directory's engines, and the ways between them.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use analytics::dataset::{Snapshot, SnapshotWriter};
use ingest::crew;
use ingest::installation::{Installation, InstallationError, Lease, LeaseHeld, is_postgres};
use ingest::pause::Lately;
use ingest::queue::{Intake, Limits, Log, QueueError, Waiting};
use ingest::store::{Changes, Cut, Endings, Mark, Store, StoreError, Superseded};
use ingest::worker::{Options, Rules, Until, Worker};
use schemas::clock::Instant;
use schemas::dataset::{CodedRow, FunnelRow};
use schemas::envelope::Position;
use schemas::source::{Settings, Source, SourceKind, SourceName};
use sha2::{Digest, Sha256};

use crate::Context;
use crate::outcome::{Failure, Result, tell};

/// The worker of this program.
pub type OurWorker = Worker<Box<dyn Log>, Box<dyn Store>, Rules>;

/// Opens the data directory.
pub fn installation(context: &Context) -> Result<Installation, Failure> {
    Installation::open(&context.data).map_err(|error| match error {
        InstallationError::Missing(_) => Failure::as_usage(error),
        other => other.into(),
    })
}

/// The queue's intake. A queue that ends before the store's position is an older copy: what would be appended there, the
/// store would take for stored, so nothing is accepted.
pub fn intake(context: &Context, installation: &Installation) -> Result<Box<dyn Intake>, Failure> {
    let (mut log, mut store) = (log(context, installation)?, store(context, installation)?);
    // Stored first, end second: what is appended meanwhile only moves the end away.
    for stored in positions(&mut log, &mut store)? {
        let end = log.end(stored.partition)?;
        if stored.offset > end {
            return Err(QueueError::Ahead { wanted: stored.offset, end }.into());
        }
    }
    Ok(installation.intake(&context.config().queue.place(), context.clock.clone())?)
}

pub fn log(context: &Context, installation: &Installation) -> Result<Box<dyn Log>, Failure> {
    Ok(installation.log(&context.config().queue.place())?)
}

pub fn store(context: &Context, installation: &Installation) -> Result<Box<dyn Store>, Failure> {
    Ok(installation.store(&context.config().store.url)?)
}

/// A worker on the directory's queue and store.
pub fn worker(context: &Context, installation: &Installation) -> Result<OurWorker, Failure> {
    let config = context.config();
    Ok(Worker {
        log: log(context, installation)?,
        store: store(context, installation)?,
        coder: Rules { key: Arc::clone(installation.key()) },
        cipher: installation.cipher(),
        recipients: installation.recipients().clone(),
        clock: context.clock.clone(),
        options: Options {
            limits: Limits { envelopes: config.worker.batch_rows.max(1), bytes: config.worker.batch_bytes.max(1) },
            grace: Duration::from_secs(config.queue.grace_seconds),
            pause: config.worker.pause(),
            ..Options::default()
        },
    })
}

/// Takes the worker's lease. With Kafka and PostgreSQL any number of workers work at once, so there is none.
pub fn lease(context: &Context, installation: &Installation) -> Result<Result<Option<Lease>, LeaseHeld>, Failure> {
    let config = context.config();
    if config.queue.is_kafka() && is_postgres(&config.store.url) {
        return Ok(Ok(None));
    }
    Ok(installation.lease(&context.clock)?.map(Some))
}

/// The sources that are paused, by name, under the limits in force.
pub fn paused(context: &Context, store: &mut impl Store) -> Result<Vec<(SourceName, Lately)>, Failure> {
    let limits = context.config().worker.pause();
    Ok(store.lately()?.into_iter().filter(|(_, lately)| lately.is_paused(&limits)).collect())
}

/// How submissions ended, as `--json` tells it.
pub fn as_json(endings: Endings) -> serde_json::Value {
    serde_json::json!({
        "coded": endings.coded,
        "revised": endings.revisions,
        "repeated": endings.repeats,
        "rejected": endings.rejected,
    })
}

/// The same in words.
pub fn in_words(endings: Endings) -> String {
    let Endings { coded, revisions, repeats, rejected } = endings;
    format!("{coded} coded, {revisions} revisions, {repeats} repeats, {rejected} rejected")
}

/// Says of each source that it is paused, why, and what to do.
pub fn tell_paused(paused: &[(SourceName, Lately)]) {
    for (source, lately) in paused {
        tell(format_args!(
            "{source} is paused: of its last submissions {} could not be coded, {} of them in a row. What it sends is kept, \
             and waits. `testigo dead-letters list` says what is wrong; after a fix `testigo source resume {source}`, or \
             `testigo dead-letters retry`, goes on",
            lately.rejected(),
            lately.in_a_row()
        ));
    }
}

/// Codes what waits, in this process alone; a worker that does the same meanwhile is no harm.
pub fn drain(
    context: &Context,
    installation: &Installation,
    progress: &mut dyn FnMut(Endings),
) -> Result<Endings, Failure> {
    let mut worker = worker(context, installation)?;
    let mut total = Endings::default();
    worker.go_on(&AtomicBool::new(false), Until::Drained, &mut |more| {
        total += more;
        progress(more);
    })?;
    for stored in positions(&mut worker.log, &mut worker.store)? {
        // What is behind a position that the queue does not hold is looked at too, and says what is wrong.
        if worker.log.end(stored.partition)? == stored.offset && context.config().queue.is_kafka() {
            continue;
        }
        let mut told = |more: Endings| {
            total += more;
            progress(more);
        };
        worker.run_partition(stored.partition, &AtomicBool::new(false), Until::Drained, &mut told)?;
    }
    Ok(total)
}

/// Codes what waits, unless another worker is there to do it.
pub fn drain_if_alone(context: &Context, installation: &Installation) -> Result<(), Failure> {
    let alone = match lease(context, installation)? {
        Err(_) => return Ok(()),
        Ok(Some(lease)) => Some(lease),
        Ok(None) => match context.config().queue.place().topic()? {
            Some(topic) if topic.workers()? > 0 => return Ok(()),
            _ => None,
        },
    };
    drain(context, installation, &mut |_| {})?;
    drop(alone);
    Ok(())
}

/// Works until the end that was asked for, or until `stop` is set. On Kafka, as a member of the workers' group: `Drained`
/// then means that nothing waits in any partition, whoever worked on it.
pub fn work(
    context: &Context,
    installation: &Installation,
    stop: &AtomicBool,
    until: Until,
    progress: &mut dyn FnMut(Endings),
) -> Result<Endings, Failure> {
    let Some(topic) = context.config().queue.place().topic()? else {
        return Ok(worker(context, installation)?.run(stop, until, progress)?);
    };
    let (mut log, mut store) = (log(context, installation)?, store(context, installation)?);
    let mut total = Endings::default();
    if !store.held()?.is_empty() {
        worker(context, installation)?.go_on(stop, until, &mut |more| {
            total += more;
            progress(more);
        })?;
    }
    let mut enough = || Ok(until == Until::Drained && nothing_waits(&mut log, &mut store)?);
    // Where nothing waits, no group need be joined.
    if !enough()? {
        let open = || worker(context, installation);
        total += crew::run(&topic, &open, stop, until, &mut enough, progress)?;
    }
    Ok(total)
}

/// Whether all that is in the queue is stored. A position that the queue does not hold is an error.
fn nothing_waits(log: &mut impl Log, store: &mut impl Store) -> Result<bool, Failure> {
    for stored in positions(log, store)? {
        let end = log.end(stored.partition)?;
        if stored.offset > end {
            return Err(QueueError::Ahead { wanted: stored.offset, end }.into());
        }
        if stored.offset < end {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads a source's name from the command line.
pub fn source_name(text: &str) -> Result<SourceName, Failure> {
    SourceName::parse(text)
        .ok_or_else(|| Failure::usage("a source's name is 1 to 64 of a-z 0-9 - _, beginning with a letter or digit"))
}

/// The source of that name; made without a token where it is new.
pub fn source_or_new(store: &mut impl Store, name: &SourceName) -> Result<Source, Failure> {
    if let Some(known) = store.sources()?.into_iter().find(|s| s.name == *name) {
        return Ok(known);
    }
    let source = Source {
        name: name.clone(),
        kind: SourceKind::Other,
        settings: Settings::default(),
        public_name: None,
        token_sha256: None,
        revoked: false,
    };
    store.add_source(&source)?;
    tell(format_args!(
        "{name} is a new source. If its name is misspelt, `testigo import withdraw BATCH` takes the file back"
    ));
    Ok(source)
}

/// The first sum as of an instant, with what waits, of one consistent view: tries again while a worker is faster.
pub fn funnel(
    log: &mut impl Log,
    store: &mut impl Store,
    as_of: Instant,
) -> Result<(Vec<FunnelRow>, Vec<Waiting>), Failure> {
    let queue_id = Arc::clone(log.queue_id());
    for _ in 0..TRIES {
        let before = positions(log, store)?;
        let funnel = store.funnel(as_of)?;
        let waiting = match log.waiting(&before, as_of) {
            Err(QueueError::Released { .. }) => continue,
            other => other?,
        };
        let mut same = true;
        for position in &before {
            same &= store.position(&queue_id, position.partition)? == *position;
        }
        if same {
            return Ok((with_waiting(funnel, &waiting), waiting));
        }
    }
    Err(anyhow::anyhow!("a worker stores faster than the sums can be read; try again when less comes in").into())
}

/// How often a consistent view is tried for.
const TRIES: u32 = 50;

pub fn positions(log: &mut impl Log, store: &mut impl Store) -> Result<Vec<Position>, Failure> {
    let queue_id = Arc::clone(log.queue_id());
    let mut all = Vec::new();
    for partition in log.partitions()? {
        all.push(store.position(&queue_id, partition)?);
    }
    Ok(all)
}

/// Adds what waits to the first sum.
fn with_waiting(mut funnel: Vec<FunnelRow>, waiting: &[Waiting]) -> Vec<FunnelRow> {
    for row in waiting {
        let found = funnel.iter_mut().find(|f| f.month == row.month && f.source == row.source);
        match found {
            Some(f) => {
                f.waiting += row.count;
                f.received += row.count;
            }
            None => funnel.push(FunnelRow {
                month: row.month,
                source: row.source.clone(),
                received: row.count,
                coded: 0,
                revisions: 0,
                repeats: 0,
                rejected: 0,
                waiting: row.count,
            }),
        }
    }
    funnel.sort_by(|a, b| (a.month, &a.source).cmp(&(b.month, &b.source)));
    funnel
}

/// A text that names the installation without telling its key.
pub fn installation_name(installation: &Installation) -> String {
    installation.key().report_id("testigo", "this installation").to_string()
}

/// Changes of the store on their way into a snapshot: superseded sequences wait until the rows are through.
struct ToSnapshot<F> {
    send: F,
    superseded: Vec<(i64, Instant)>,
}

impl<F: FnMut(CodedRow) -> ControlFlow<()>> Changes for ToSnapshot<F> {
    fn row(&mut self, row: CodedRow) -> ControlFlow<()> {
        (self.send)(row)
    }

    fn superseded(&mut self, superseded: Superseded) -> ControlFlow<()> {
        self.superseded.push((superseded.seq, superseded.at));
        ControlFlow::Continue(())
    }
}

/// What bringing the snapshot up to date did, and the store's view that it holds.
#[derive(Debug)]
pub struct Updated {
    pub snapshot: Snapshot,
    pub rows: u64,
    pub superseded: u64,
    pub cut: Cut,
}

/// Brings the snapshot up to date with the store: rows that are new since, and what they superseded. The sums in the cut
/// are as of `as_of`.
pub fn update_snapshot(context: &Context, installation: &Installation, as_of: Instant) -> Result<Updated, Failure> {
    let mut store = store(context, installation)?;
    let queue_id = Arc::clone(log(context, installation)?.queue_id());
    let mut writer = SnapshotWriter::open(&context.data.join("snapshot"), &installation_name(installation))?;
    let after = Mark { seq: writer.last_seq(), superseded: writer.last_superseded() };
    // Rows stream from the store's one consistent view to the writer over a short channel, so neither holds them all.
    let (rows_in, rows_out) = sync_channel::<Result<CodedRow, StoreError>>(1024);
    let (gone_in, gone_out) = sync_channel::<Vec<(i64, Instant)>>(1);
    let (appended, cut) = std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            let send = |row| match rows_in.send(Ok(row)) {
                Ok(()) => ControlFlow::Continue(()),
                // The writer failed, and says so itself.
                Err(_) => ControlFlow::Break(()),
            };
            let mut sink = ToSnapshot { send, superseded: Vec::new() };
            match store.changes(after, as_of, &queue_id, &mut sink) {
                Ok(cut) => {
                    drop(gone_in.send(sink.superseded));
                    Some(cut)
                }
                Err(error) => {
                    drop(rows_in.send(Err(error)));
                    None
                }
            }
        });
        let superseded = std::iter::once_with(|| gone_out.recv().unwrap_or_default()).flatten().map(Ok);
        let appended = writer.append(rows_out.into_iter(), superseded);
        (appended, reading.join().ok().flatten())
    });
    let appended = appended?;
    let cut = cut.ok_or_else(|| anyhow::anyhow!("the store could not be read to its end"))?;
    Ok(Updated { snapshot: writer.snapshot()?, rows: appended.rows, superseded: appended.superseded, cut })
}

/// A snapshot that is up to date, the instant that its data are of, and the first sum as of it.
#[derive(Debug)]
pub struct View {
    pub snapshot: Snapshot,
    pub as_of: Instant,
    pub funnel: Vec<FunnelRow>,
}

/// Brings the snapshot up to date and reads the sums as of `as_of` (else of the latest row) of the same view of the store.
/// None where nothing is stored.
pub fn view(context: &Context, installation: &Installation, as_of: Option<Instant>) -> Result<Option<View>, Failure> {
    let mut log = log(context, installation)?;
    let mut at = as_of.unwrap_or_else(|| context.clock.now());
    for _ in 0..TRIES {
        let updated = update_snapshot(context, installation, at)?;
        let Some(latest) = updated.snapshot.latest() else { return Ok(None) };
        // Rows and sums are of one view of the store; only the instant that the sums are of can still be another.
        let wanted = as_of.unwrap_or(latest);
        if std::mem::replace(&mut at, wanted) != wanted {
            continue;
        }
        let mut from = updated.cut.positions;
        for partition in log.partitions()? {
            if !from.iter().any(|p| p.partition == partition) {
                from.push(Position { partition, offset: 0 });
            }
        }
        match log.waiting(&from, at) {
            Ok(waiting) => {
                let funnel = with_waiting(updated.cut.funnel, &waiting);
                return Ok(Some(View { snapshot: updated.snapshot, as_of: at, funnel }));
            }
            Err(QueueError::Released { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(anyhow::anyhow!("a worker stores faster than the snapshot can be brought up to date; try again later").into())
}

/// A fresh token: 256 random bits as 43 of `A-Za-z0-9_-`, and its SHA-256.
pub fn new_token() -> Result<(String, [u8; 32]), Failure> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    let mut bytes = [0u8; 33];
    getrandom::fill(&mut bytes[..32]).map_err(|e| anyhow::anyhow!("the system gave no random bytes: {e}"))?;
    let mut token = String::with_capacity(44);
    for three in bytes.chunks_exact(3) {
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        for shift in [18, 12, 6, 0] {
            token.push(char::from(ALPHABET[(bits >> shift & 63) as usize]));
        }
    }
    token.truncate(43);
    let hash = Sha256::digest(token.as_bytes()).into();
    Ok((token, hash))
}
