//! `testigo status`: what came in and what became of it.

use std::collections::BTreeMap;

use ingest::queue::Log;
use ingest::store::Store;
use schemas::clock::rfc3339;
use schemas::envelope::Position;
use schemas::source::SourceName;
use serde::Serialize;

use super::engines;
use crate::Context;
use crate::outcome::{Failure, Outcome, Result, print_json, say};

/// How every appended position ended.
#[derive(Debug, Default, Clone, Serialize)]
struct Sums {
    received: u64,
    coded: u64,
    revisions: u64,
    repeats: u64,
    rejected: u64,
    waiting: u64,
    oldest_waiting_s: Option<i64>,
    /// Of what waits: what is held because its source is paused.
    held: u64,
    /// The rejects that wait to be retried, by reason.
    reject_codes: BTreeMap<&'static str, u64>,
}

/// Since when a source is paused, and why.
#[derive(Debug, Serialize)]
struct Paused {
    since: Option<String>,
    rejected_in_a_row: u64,
    rejected_of_the_last: usize,
}

/// A partition of the queue: up to where it is stored, and where it ends.
#[derive(Debug, Serialize)]
struct Partition {
    partition: i32,
    stored: i64,
    end: i64,
    waiting: i64,
}

#[derive(Serialize)]
struct OfSource {
    source: SourceName,
    #[serde(flatten)]
    sums: Sums,
    /// Null where it is not paused.
    paused: Option<Paused>,
}

#[derive(Serialize)]
struct Status {
    #[serde(flatten)]
    sums: Sums,
    sources: Vec<OfSource>,
    /// The names of those that are paused.
    paused: Vec<SourceName>,
    partitions: Vec<Partition>,
}

pub fn run(context: &Context) -> Result {
    let installation = engines::installation(context)?;
    let mut store = engines::store(context, &installation)?;
    let mut log = engines::log(context, &installation)?;
    let now = context.clock.now();
    let (funnel, waiting) = engines::funnel(&mut log, &mut store, schemas::Instant::MAX_UTC)?;
    let mut all = Sums::default();
    let mut sources: BTreeMap<SourceName, Sums> = BTreeMap::new();
    for row in &funnel {
        let of_source = sources.entry(row.source.clone()).or_default();
        for sums in [&mut all, of_source] {
            sums.received += row.received;
            sums.coded += row.coded;
            sums.revisions += row.revisions;
            sums.repeats += row.repeats;
            sums.rejected += row.rejected;
            sums.waiting += row.waiting;
        }
    }
    for row in &waiting {
        let age = (now - row.oldest).num_seconds().max(0);
        let of_source = sources.entry(row.source.clone()).or_default();
        for sums in [&mut all, of_source] {
            sums.oldest_waiting_s = Some(sums.oldest_waiting_s.unwrap_or(0).max(age));
        }
    }
    for held in store.held()? {
        let age = (now - held.oldest).num_seconds().max(0);
        let of_source = sources.entry(held.source).or_default();
        for sums in [&mut all, of_source] {
            sums.held += held.count;
            sums.oldest_waiting_s = Some(sums.oldest_waiting_s.unwrap_or(0).max(age));
        }
    }
    for (source, code, count) in store.reject_codes()? {
        let of_source = sources.entry(source).or_default();
        for sums in [&mut all, of_source] {
            *sums.reject_codes.entry(code.as_str()).or_default() += count;
        }
    }
    let paused = engines::paused(context, &mut store)?;
    let sources = sources.into_iter().map(|(source, sums)| {
        let paused = paused.iter().find(|(name, _)| *name == source).map(|(_, lately)| Paused {
            since: lately.since.map(rfc3339),
            rejected_in_a_row: lately.in_a_row(),
            rejected_of_the_last: lately.rejected(),
        });
        OfSource { source, sums, paused }
    });
    let sources = sources.collect();
    let status = Status {
        sums: all,
        sources,
        paused: paused.iter().map(|(source, _)| source.clone()).collect(),
        partitions: partitions(&mut log, &mut store)?,
    };
    if context.json {
        return print_json(&status).map(|()| Outcome::Done);
    }
    say(format_args!(
        "{:<24} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "received", "coded", "revisions", "repeats", "rejected", "waiting"
    ))?;
    let rows = status.sources.iter().map(|s| (s.source.as_str(), &s.sums)).chain([("all", &status.sums)]);
    for (name, s) in rows {
        say(format_args!(
            "{name:<24} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            s.received, s.coded, s.revisions, s.repeats, s.rejected, s.waiting
        ))?;
    }
    if let Some(age) = status.sums.oldest_waiting_s {
        say(format_args!("the oldest has waited for {age} s"))?;
    }
    if status.partitions.len() > 1 {
        for p in status.partitions.iter().filter(|p| p.waiting > 0) {
            say(format_args!(
                "partition {}: {} wait (stored up to {} of {})",
                p.partition, p.waiting, p.stored, p.end
            ))?;
        }
    }
    for (code, count) in &status.sums.reject_codes {
        say(format_args!("rejected: {count} {code}"))?;
    }
    for source in status.sources.iter().filter(|s| s.paused.is_some()) {
        say(format_args!("{}: paused, {} held", source.source, source.sums.held))?;
    }
    engines::tell_paused(&paused);
    Ok(Outcome::Done)
}

fn partitions(log: &mut impl Log, store: &mut impl Store) -> Result<Vec<Partition>, Failure> {
    let mut all = Vec::new();
    for Position { partition, offset } in engines::positions(log, store)? {
        let end = log.end(partition)?;
        all.push(Partition { partition, stored: offset, end, waiting: (end - offset).max(0) });
    }
    Ok(all)
}
