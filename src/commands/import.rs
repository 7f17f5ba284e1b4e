//! `testigo import`: files into the queue, and coded.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ingest::channels::file::{FileError, FileReader, Import as FileImport, Mapping};
use ingest::installation::Installation;
use ingest::normalize::code_delivered;
use ingest::queue::Ticket;
use ingest::store::{Ending, Endings, Import as StoredImport, Store, StoreError};
use ingest::worker::Until;
use schemas::clock::rfc3339;
use schemas::envelope::{Delivered, Position};
use schemas::ids::{BatchId, ContentHash, ReportId};
use schemas::source::Source;
use serde_json::json;

use super::engines;
use crate::Context;
use crate::cli::{Import, ImportCommand};
use crate::outcome::{Failure, Outcome, Result, print_json, say, tell};
use crate::progress;

/// How many rows go into the queue as one append.
const CHUNK: usize = 2_000;
/// How many appends may be under way: reading goes on while the queue writes, but not far ahead.
const UNDER_WAY: usize = 4;

pub fn run(context: &Context, arguments: &Import) -> Result {
    match &arguments.command {
        Some(ImportCommand::List) => list(context),
        Some(ImportCommand::Withdraw { batch }) => withdraw(context, batch),
        None => import(context, arguments),
    }
}

fn import(context: &Context, arguments: &Import) -> Result {
    let name = engines::source_name(arguments.source.as_deref().unwrap_or_default())?;
    let mapping = match &arguments.mapping {
        Some(path) => read_mapping(path)?,
        None => Mapping::default(),
    };
    let installation = engines::installation(context)?;
    let mut store = engines::store(context, &installation)?;
    if arguments.dry_run {
        let known = store.sources()?.into_iter().find(|s| s.name == name);
        let settings = known.map(|s| s.settings).unwrap_or_default();
        let import =
            FileImport { source: &name, settings: &settings, mapping: &mapping, key: installation.key(), batch: None };
        return dry_run(context, &mut store, &import, &installation, &arguments.files);
    }
    // Every header is judged before the first row is queued: a wrong file stops all of it.
    let settings = store.sources()?.into_iter().find(|s| s.name == name).map(|s| s.settings).unwrap_or_default();
    let batch = new_batch()?;
    let import = FileImport {
        source: &name,
        settings: &settings,
        mapping: &mapping,
        key: installation.key(),
        batch: Some(batch),
    };
    let mut readers = Vec::new();
    for path in &arguments.files {
        readers.push(open(&import, path)?);
    }
    let source: Source = engines::source_or_new(&mut store, &name)?;
    let files = u32::try_from(readers.len()).unwrap_or(u32::MAX);
    store.begin_import(batch, &source.name, files, context.clock.now())?;

    let lease = if arguments.enqueue_only { None } else { Some(engines::lease(context, &installation)?) };
    let bar = progress::counter("rows", context.json);
    let appended = match &lease {
        // We code ourselves, at once, while the file is still being read.
        Some(Ok(Some(_))) if !context.config().queue.is_kafka() => {
            code_beside(context, &installation, &mut readers, &bar)?
        }
        _ => append(context, &installation, &mut readers, &bar)?,
    };
    match &lease {
        Some(Err(held)) => {
            tell(format_args!("{}; it codes what was queued here", held.holder));
            wait_for(context, &installation, &mut store, &appended)?;
        }
        // Any number of workers may be there.
        Some(Ok(None)) => wait_for(context, &installation, &mut store, &appended)?,
        Some(Ok(Some(_))) if context.config().queue.is_kafka() => {
            engines::drain(context, &installation, &mut |_| {})?;
        }
        _ => {}
    }
    bar.finish_and_clear();

    let endings = match &lease {
        None => Endings::default(),
        Some(_) => found(&mut store, batch)?.endings,
    };
    let waiting = appended.rows.saturating_sub(endings.total());
    if context.json {
        print_json(&json!({
            "batch": batch,
            "rows": appended.rows,
            "accepted": appended.rows,
            "repeated": endings.repeats,
            "revised": endings.revisions,
            "coded": endings.coded,
            "rejected": endings.rejected,
            "waiting": waiting,
        }))?;
    } else {
        say(format_args!("import {batch}: {} rows read, {} accepted", appended.rows, appended.rows))?;
        if arguments.enqueue_only {
            say("queued; a worker codes them (`testigo work`)")?;
        } else {
            say(format_args!(
                "{} coded, {} revised, {} repeated, {} rejected",
                endings.coded, endings.revisions, endings.repeats, endings.rejected
            ))?;
        }
    }
    if endings.rejected > 0 {
        tell("`testigo dead-letters list` says which rows were rejected, and why; nothing is lost");
    }
    let mut paused = engines::paused(context, &mut store)?;
    paused.retain(|(name, _)| *name == source.name);
    if lease.is_some() && !paused.is_empty() {
        tell(format_args!("{waiting} rows of this import wait"));
        engines::tell_paused(&paused);
        return Ok(Outcome::Failed);
    }
    Ok(crate::rejected_outcome(endings.rejected))
}

pub(super) fn read_mapping(path: &Path) -> Result<Mapping, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| wrong(&e))?;
    Mapping::parse(&text).map_err(|e| wrong(&e))
}

/// Opens a file, and says what a person should know about how it is read.
fn open<'a>(import: &'a FileImport<'a>, path: &Path) -> Result<FileReader<'a>, Failure> {
    let reader = FileReader::open(import, path).map_err(wrong_file)?;
    for note in reader.notes() {
        tell(format_args!("{}: {note}", path.display()));
    }
    Ok(reader)
}

pub(super) fn wrong_file(error: FileError) -> Failure {
    match error {
        FileError::Io { .. } => error.into(),
        _ => Failure::as_usage(error),
    }
}

fn new_batch() -> Result<BatchId, Failure> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the system gave no random bytes: {e}"))?;
    Ok(BatchId::from_bytes(bytes))
}

/// What was put into the queue.
#[derive(Default)]
struct AppendedRows {
    rows: u64,
    /// One past the last position of each partition that got something.
    ends: HashMap<i32, i64>,
}

/// Reads all rows into the queue; returns when they are durable there.
fn append(
    context: &Context,
    installation: &Installation,
    readers: &mut [FileReader<'_>],
    bar: &indicatif::ProgressBar,
) -> Result<AppendedRows, Failure> {
    let intake = engines::intake(context, installation)?;
    let mut done = AppendedRows::default();
    let mut under_way: VecDeque<Ticket> = VecDeque::new();
    let mut settle = |ticket: Ticket| -> Result<(), Failure> {
        let appended = ticket.wait()?;
        let known = done.ends.entry(appended.first.partition).or_insert(0);
        *known = appended.end.max(*known);
        done.rows += appended.count as u64;
        bar.inc(appended.count as u64);
        Ok(())
    };
    let mut chunk = Vec::with_capacity(CHUNK);
    for reader in readers {
        loop {
            let row = reader.next_row()?;
            let last = row.is_none();
            chunk.extend(row);
            if chunk.len() < CHUNK && (!last || chunk.is_empty()) {
                if last {
                    break;
                }
                continue;
            }
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
            under_way.push_back(intake.submit_waiting(full)?);
            if under_way.len() >= UNDER_WAY
                && let Some(oldest) = under_way.pop_front()
            {
                settle(oldest)?;
            }
            if last {
                break;
            }
        }
    }
    for ticket in under_way {
        settle(ticket)?;
    }
    Ok(done)
}

/// Reads rows into the queue on this thread and codes them on another, then waits until nothing waits.
fn code_beside(
    context: &Context,
    installation: &Installation,
    readers: &mut [FileReader<'_>],
    bar: &indicatif::ProgressBar,
) -> Result<AppendedRows, Failure> {
    let read = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let coding = scope.spawn(|| -> Result<(), Failure> {
            engines::work(context, installation, &read, Until::Stopped, &mut |_| {})?;
            engines::drain(context, installation, &mut |_| {})?;
            Ok(())
        });
        let appended = append(context, installation, readers, bar);
        read.store(true, Ordering::SeqCst);
        let coded = coding.join().map_err(|_| Failure::from(anyhow::anyhow!("the worker panicked")))?;
        let appended = appended?;
        coded?;
        Ok(appended)
    })
}

/// Waits until another worker has stored all of it.
fn wait_for(
    context: &Context,
    installation: &Installation,
    store: &mut impl Store,
    appended: &AppendedRows,
) -> Result<(), Failure> {
    let queue_id = Arc::clone(engines::log(context, installation)?.queue_id());
    for (partition, end) in &appended.ends {
        loop {
            match store.position(&queue_id, *partition) {
                Ok(position) if position.offset >= *end => break,
                Ok(_) | Err(StoreError::Busy(_) | StoreError::Unreachable(_)) => {}
                Err(error) => return Err(error.into()),
            }
            // The holder may have ended meanwhile; then what waits is ours to code.
            engines::drain_if_alone(context, installation)?;
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// Codes every row and stores none.
fn dry_run(
    context: &Context,
    store: &mut impl Store,
    import: &FileImport<'_>,
    installation: &Installation,
    files: &[PathBuf],
) -> Result {
    let (mut rows, mut rejected) = (0u64, 0u64);
    let mut counts: HashMap<&'static str, u64> = HashMap::new();
    let mut met: HashMap<ReportId, Vec<ContentHash>> = HashMap::new();
    for path in files {
        let mut reader = open(import, path)?;
        while let Some(envelope) = reader.next_row()? {
            rows += 1;
            let row = envelope.row.unwrap_or(rows);
            let delivered = Delivered {
                position: Position { partition: 0, offset: 0 },
                received_at: context.clock.now(),
                envelope,
            };
            let mut line = json!({"row": row});
            if files.len() > 1 {
                line["file"] = json!(path);
            }
            let outcome = match code_delivered(&delivered, import.settings, installation.key()) {
                Ok(coded) => {
                    let outcome = ending(store, &mut met, coded.report.report_id, coded.content)?;
                    line["report"] = serde_json::to_value(&coded.report)?;
                    outcome
                }
                Err(reject) => {
                    rejected += 1;
                    line["reject"] = serde_json::to_value(&reject)?;
                    if !context.json {
                        say(format_args!("{}, row {row}: {reject} [{}]", path.display(), reject.code))?;
                    }
                    "rejected"
                }
            };
            *counts.entry(outcome).or_insert(0) += 1;
            if context.json {
                line["outcome"] = json!(outcome);
                print_json(&line)?;
            }
        }
    }
    if !context.json {
        let of = |outcome: &str| counts.get(outcome).copied().unwrap_or(0);
        say(format_args!(
            "{rows} rows read; they would give {} coded, {} revisions, {} repeats, {} rejected; nothing was stored",
            of("coded"),
            of("revision"),
            of("repeat"),
            of("rejected"),
        ))?;
    }
    Ok(crate::rejected_outcome(rejected))
}

/// How a submission would end: by the store, and by what stood before it in the same files.
fn ending(
    store: &mut impl Store,
    met: &mut HashMap<ReportId, Vec<ContentHash>>,
    report: Option<ReportId>,
    content: ContentHash,
) -> Result<&'static str, Failure> {
    let Some(report) = report else { return Ok(Ending::Coded.as_str()) };
    let before = met.entry(report).or_default();
    let stored = store.ending_of(report, content)?;
    let ending = match stored {
        Ending::Repeat => Ending::Repeat,
        _ if before.contains(&content) => Ending::Repeat,
        Ending::Coded if before.is_empty() => Ending::Coded,
        _ => Ending::Revision,
    };
    before.push(content);
    Ok(ending.as_str())
}

fn found(store: &mut impl Store, batch: BatchId) -> Result<StoredImport, Failure> {
    let all = store.imports()?;
    all.into_iter().find(|i| i.id == batch).ok_or_else(|| StoreError::NoSuchBatch(batch).into())
}

fn list(context: &Context) -> Result {
    let installation = engines::installation(context)?;
    let imports = engines::store(context, &installation)?.imports()?;
    if context.json {
        let all: Vec<_> = imports
            .iter()
            .map(|i| {
                json!({
                    "batch": i.id,
                    "source": i.source,
                    "started_at": rfc3339(i.started_at),
                    "files": i.files,
                    "coded": i.endings.coded,
                    "revised": i.endings.revisions,
                    "repeated": i.endings.repeats,
                    "rejected": i.endings.rejected,
                    "withdrawn_at": i.withdrawn_at.map(rfc3339),
                })
            })
            .collect();
        return print_json(&json!({"imports": all})).map(|()| Outcome::Done);
    }
    for i in imports {
        let withdrawn = i.withdrawn_at.map_or(String::new(), |at| format!("  withdrawn {}", rfc3339(at)));
        say(format_args!(
            "{}  {}  {}: {} coded, {} revised, {} repeated, {} rejected{withdrawn}",
            i.id,
            rfc3339(i.started_at),
            i.source,
            i.endings.coded,
            i.endings.revisions,
            i.endings.repeats,
            i.endings.rejected
        ))?;
    }
    Ok(Outcome::Done)
}

fn withdraw(context: &Context, batch: &str) -> Result {
    let id = BatchId::parse(batch)
        .ok_or_else(|| Failure::usage("a batch is 32 hexadecimal digits; `testigo import list` shows them"))?;
    let installation = engines::installation(context)?;
    let mut store = engines::store(context, &installation)?;
    let done = store.withdraw(id, context.clock.now()).map_err(|error| match error {
        StoreError::NoSuchBatch(_) | StoreError::AlreadyWithdrawn(_) => Failure::as_usage(error),
        other => other.into(),
    })?;
    if context.json {
        print_json(&json!({"batch": id, "withdrawn": done.withdrawn, "reverted": done.reverted}))?;
    } else {
        say(format_args!(
            "import {id} is withdrawn: {} reports count no longer, {} go back to the version before",
            done.withdrawn, done.reverted
        ))?;
    }
    Ok(Outcome::Done)
}
