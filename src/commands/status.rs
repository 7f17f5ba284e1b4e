//! `testigo status`: what came in and what became of it.

use std::collections::BTreeMap;

use schemas::source::SourceName;
use serde::Serialize;

use super::engines;
use crate::Context;
use crate::outcome::{Outcome, Result, print_json, say};

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
}

#[derive(Serialize)]
struct OfSource {
    source: SourceName,
    #[serde(flatten)]
    sums: Sums,
}

#[derive(Serialize)]
struct Status {
    #[serde(flatten)]
    sums: Sums,
    sources: Vec<OfSource>,
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
    let sources = sources.into_iter().map(|(source, sums)| OfSource { source, sums }).collect();
    let status = Status { sums: all, sources };
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
    Ok(Outcome::Done)
}
