//! `testigo dead-letters`: submissions that could not be coded.

use std::ops::ControlFlow;

use ingest::store::{DeadLetter, Endings, Store, StoreError};
use schemas::clock::rfc3339;
use serde_json::{Value, json};

use super::engines;
use crate::Context;
use crate::cli::DeadLetters;
use crate::outcome::{Failure, Outcome, Result, print_json, say};

fn shown(letter: &DeadLetter) -> Value {
    json!({
        "id": letter.id,
        "source": letter.source,
        "received_at": rfc3339(letter.received_at),
        "batch": letter.batch,
        "row": letter.row,
        "report_id": letter.report_id,
        "reject": letter.reject,
    })
}

fn line(letter: &DeadLetter) -> String {
    let row = letter.row.map_or(String::new(), |row| format!(", row {row}"));
    format!("{:>6}  {}{row}: {} [{}]", letter.id, letter.source, letter.reject.message(), letter.reject.code)
}

pub fn run(context: &Context, command: &DeadLetters) -> Result {
    let installation = engines::installation(context)?;
    let mut store = engines::store(context, &installation)?;
    match command {
        DeadLetters::List => {
            let mut failed = None;
            store.dead_letters(&mut |letter| {
                let said = if context.json { print_json(&shown(&letter)) } else { say(line(&letter)) };
                match said {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Some(error);
                        ControlFlow::Break(())
                    }
                }
            })?;
            failed.map_or(Ok(Outcome::Done), Err)
        }
        DeadLetters::Show { id } => {
            let (letter, _) = store.dead_letter(*id).map_err(no_such)?;
            if context.json {
                print_json(&shown(&letter))?;
            } else {
                say(line(&letter))?;
                say(format_args!(
                    "        received {}, position {}",
                    rfc3339(letter.received_at),
                    letter.position.offset
                ))?;
                if let Some(batch) = letter.batch {
                    say(format_args!("        import {batch}"))?;
                }
                if let Some(report) = letter.report_id {
                    say(format_args!("        receipt {report}"))?;
                }
                say("        It is kept whole and encrypted; `testigo dead-letters retry` codes it once more.")?;
            }
            Ok(Outcome::Done)
        }
        DeadLetters::Retry { ids } => retry(context, ids),
    }
}

fn no_such(error: StoreError) -> Failure {
    match error {
        StoreError::NoSuchDeadLetter(_) => Failure::as_usage(error),
        other => other.into(),
    }
}

fn retry(context: &Context, ids: &[i64]) -> Result {
    let installation = engines::installation(context)?;
    let mut worker = engines::worker(context, &installation)?;
    let all_of_them = ids.is_empty();
    let ids = if all_of_them {
        let mut all = Vec::new();
        worker.store.dead_letters(&mut |letter| {
            all.push(letter.id);
            ControlFlow::Continue(())
        })?;
        all
    } else {
        ids.to_vec()
    };
    let mut endings = Endings::default();
    for id in ids {
        let ending = worker.retry(id).map_err(|error| match error {
            ingest::worker::WorkError::Store(error) => no_such(error),
            other => other.into(),
        })?;
        endings.add(ending);
    }
    if all_of_them {
        // Somebody mended something, or believes so: paused sources go on, until they are paused again.
        for (source, _) in engines::paused(context, &mut worker.store)? {
            worker.store.forgive(&source)?;
        }
        endings += super::source::go_on(context, &installation)?;
    }
    if context.json {
        print_json(&engines::as_json(endings))?;
    } else {
        let Endings { coded, revisions, repeats, rejected } = endings;
        say(format_args!("{coded} coded, {revisions} revisions, {repeats} repeats, {rejected} still rejected"))?;
    }
    let paused = engines::paused(context, &mut worker.store)?;
    if !paused.is_empty() {
        engines::tell_paused(&paused);
        return Ok(Outcome::Failed);
    }
    Ok(crate::rejected_outcome(endings.rejected))
}
