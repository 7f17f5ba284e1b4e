//! `testigo work`: a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ingest::worker::Until;

use super::engines;
use crate::Context;
use crate::cli::Work;
use crate::outcome::{Failure, Outcome, Result, print_json, say, tell};
use crate::progress;

/// A flag that SIGTERM and SIGINT set. A second signal ends the process as usual.
pub fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            match signal().await {
                Ok(()) => set.store(true, Ordering::SeqCst),
                Err(error) => tracing::warn!(%error, "signals cannot be listened to"),
            }
        });
    })?;
    Ok(flag)
}

/// Resolves when SIGTERM or SIGINT comes.
pub async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

pub fn run(context: &Context, arguments: &Work) -> Result {
    let installation = engines::installation(context)?;
    let _lease = engines::lease(context, &installation)?.map_err(anyhow::Error::from)?;
    let stop = stop_flag()?;
    let until = if arguments.drain { Until::Drained } else { Until::Stopped };
    if !arguments.drain {
        tell("coding; ends with SIGTERM or Ctrl-C");
    }
    let bar = progress::counter("coded", context.json);
    let endings = engines::work(context, &installation, &stop, until, &mut |more| bar.inc(more.total()))?;
    bar.finish_and_clear();
    if context.json {
        print_json(&engines::as_json(endings))?;
    } else {
        say(engines::in_words(endings))?;
    }
    // Somebody waits for the end: that of a paused source something may still wait is no end that they want.
    if arguments.drain {
        let paused = engines::paused(context, &mut engines::store(context, &installation)?)?;
        if !paused.is_empty() {
            engines::tell_paused(&paused);
            return Ok(Outcome::Failed);
        }
    }
    Ok(crate::rejected_outcome(endings.rejected))
}
