//! `testigo serve`: HTTP intake, and a worker in the same process.
//!
//! What always holds: the process accepts as long as its queue takes appends, whoever codes; after a failed append it
//! ends with an error; SIGTERM lets requests under way finish.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ingest::channels::http::{Desk, LogOptions, SourceBook, router, serve};
use ingest::installation::Installation;
use ingest::queue::Intake;
use ingest::store::Store;
use ingest::worker::Until;
use tokio::net::TcpListener;

use super::{engines, work};
use crate::Context;
use crate::cli::Serve;
use crate::outcome::{Outcome, Result, tell};

/// How often the list of sources is read anew: a token that is revoked opens nothing after that.
const SOURCES_EVERY: Duration = Duration::from_millis(200);
/// How often a worker that lost its place, or never got one, tries again.
const LEASE_EVERY: Duration = Duration::from_secs(2);

pub fn run(context: &Context, arguments: &Serve) -> Result {
    let installation = engines::installation(context)?;
    // Opened first, so that a queue or store that cannot be used is told before anybody connects.
    let intake: Arc<dyn Intake> = Arc::from(engines::intake(context, &installation)?);
    let book = Arc::new(SourceBook::default());
    book.replace(engines::store(context, &installation)?.sources()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let stop = AtomicBool::new(false);
    let served = std::thread::scope(|scope| {
        scope.spawn(|| watch_sources(context, &installation, &book, &stop));
        if !arguments.no_worker {
            scope.spawn(|| keep_coding(context, &installation, &stop));
        }
        let served = runtime.block_on(accept(context, arguments, &installation, &intake, &book));
        stop.store(true, Ordering::SeqCst);
        served
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn accept(
    context: &Context,
    arguments: &Serve,
    installation: &Installation,
    intake: &Arc<dyn Intake>,
    book: &Arc<SourceBook>,
) -> Result {
    let config = context.config();
    let metrics = metrics()?;
    let address = arguments.listen.unwrap_or(config.http.listen);
    let listener = TcpListener::bind(address).await.map_err(|e| anyhow::anyhow!("cannot listen on {address}: {e}"))?;
    let bound = listener.local_addr()?;
    let limits = config.http.limits();
    let mut desk = Desk::new(
        Arc::clone(intake),
        Arc::clone(book),
        Arc::clone(installation.key()),
        context.clock.clone(),
        limits.clone(),
        metrics,
    );
    if config.http.log_page {
        desk = desk.with_log(LogOptions { secure_cookies: config.http.secure_cookies });
    }
    let mut failure = intake.failure();
    let failed = async move {
        // The intake outlives the server, so this ends only when it has failed.
        let error = failure.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
        match error {
            Some(error) => error,
            None => std::future::pending().await,
        }
    };
    let (tell_stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = serve(listener, router(Arc::new(desk)), &limits, async {
        // Told, or the teller is gone: either way it is time.
        let _ = stopped.await;
    });
    tell(format_args!("listening on http://{}", bound));
    let ending = async {
        let error = tokio::select! {
            signal = work::signal() => signal.err().map(anyhow::Error::from),
            error = failed => Some(error.into()),
        };
        let _ = tell_stop.send(());
        error
    };
    let (served, error) = tokio::join!(server, ending);
    if let Some(error) = error {
        return Err(error.into());
    }
    if !served? {
        tell("some connections did not end in time and were cut; what they were acknowledged is safe");
    }
    Ok(Outcome::Done)
}

/// The one recorder of this process's counters.
fn metrics() -> Result<metrics_exporter_prometheus::PrometheusHandle, crate::outcome::Failure> {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new();
    Ok(recorder.install_recorder().map_err(|e| anyhow::anyhow!("metrics cannot be recorded: {e}"))?)
}

fn watch_sources(context: &Context, installation: &Installation, book: &SourceBook, stop: &AtomicBool) {
    let mut store = None;
    while !stop.load(Ordering::SeqCst) {
        std::thread::sleep(SOURCES_EVERY);
        if store.is_none() {
            store = engines::store(context, installation).ok();
        }
        match store.as_mut().map(Store::sources) {
            Some(Ok(sources)) => book.replace(sources),
            Some(Err(error)) => {
                tracing::warn!(%error, "the list of sources could not be read; the last one stays");
                store = None;
            }
            None => {}
        }
    }
}

/// Codes while this process holds the lease. Without it the process goes on accepting, and says so.
fn keep_coding(context: &Context, installation: &Installation, stop: &AtomicBool) {
    let mut said = String::new();
    while !stop.load(Ordering::SeqCst) {
        let trouble = match engines::lease(context, installation) {
            Ok(Ok(_lease)) => {
                said.clear();
                match engines::work(context, installation, stop, Until::Stopped, &mut |_| {}) {
                    Ok(_) => return,
                    Err(failure) => failure.to_string(),
                }
            }
            Ok(Err(held)) => held.to_string(),
            Err(failure) => failure.to_string(),
        };
        if trouble != said {
            tell(format_args!("accepting, not coding: {trouble}"));
            said = trouble;
        }
        let mut left = LEASE_EVERY;
        let step = Duration::from_millis(50);
        while !left.is_zero() && !stop.load(Ordering::SeqCst) {
            std::thread::sleep(step);
            left = left.saturating_sub(step);
        }
    }
}
