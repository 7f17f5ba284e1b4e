//! HTTP intake: `POST /v1/reports`, the pages of `/log`, health, readiness, metrics.
//!
//! What always holds: a 202, or a page with a receipt, is written only after the queue's append is durable; an item that is
//! refused is neither appended nor counted; a full queue is 503 with `Retry-After`; bodies, headers, connections and
//! waiting are bounded in size and time; nothing that a sender wrote reaches a log, an error or a metric.

mod body;
mod log;
mod sources;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::PrometheusHandle;
use schemas::envelope::{Channel, Envelope};
use schemas::ids::InstallationKey;
use schemas::reject::{Reject, RejectCode};
use schemas::source::{Settings, Source, SourceName};
use schemas::wire::{self, WireReport};
use schemas::{Clock, Sensitive};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::queue::{Intake, QueueError, SubmitError};

pub use log::Options as LogOptions;
pub use sources::SourceBook;

/// The bounds of the intake.
#[derive(Debug, Clone)]
pub struct Limits {
    pub body_bytes: usize,
    pub items: usize,
    pub connections: usize,
    pub header_timeout: Duration,
    pub body_timeout: Duration,
    /// Reports a second that one source may send; none unless configured.
    pub per_source_per_second: Option<std::num::NonZeroU32>,
    /// How long a shutdown waits for requests under way.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            items: 10_000,
            connections: 1024,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(20),
            per_source_per_second: None,
            drain: Duration::from_secs(10),
        }
    }
}

/// What the handlers share.
pub struct Desk {
    intake: Arc<dyn Intake>,
    sources: Arc<SourceBook>,
    key: Arc<InstallationKey>,
    clock: Clock,
    limits: Limits,
    limiter: Option<DefaultKeyedRateLimiter<SourceName>>,
    metrics: PrometheusHandle,
    log: Option<log::Book>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Desk {
    pub fn new(
        intake: Arc<dyn Intake>,
        sources: Arc<SourceBook>,
        key: Arc<InstallationKey>,
        clock: Clock,
        limits: Limits,
        metrics: PrometheusHandle,
    ) -> Self {
        let limiter = limits.per_source_per_second.map(|n| RateLimiter::keyed(Quota::per_second(n)));
        Self { intake, sources, key, clock, limits, limiter, metrics, log: None }
    }

    /// The same, with the pages of `/log`.
    #[must_use]
    pub fn with_log(mut self, options: LogOptions) -> Self {
        self.log = Some(log::Book::new(options));
        self
    }
}

/// The routes.
pub fn router(desk: Arc<Desk>) -> Router {
    let log = if desk.log.is_some() { log::routes() } else { Router::new() };
    Router::new()
        .route("/v1/reports", post(reports))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|State(desk): State<Arc<Desk>>| async move { desk.metrics.render() }))
        .merge(log)
        .with_state(desk)
}

/// Serves until `shutdown` resolves, then lets requests under way finish. Returns whether all of them could.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<bool> {
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).keep_alive(true);
    let open = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener, &open) => accepted,
        };
        let Ok((stream, place)) = accepted else {
            // Out of file descriptors, or a connection that was gone before it was taken: wait a little, go on.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        // Small answers must not wait for more to send.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // How a connection ends is the peer's affair; its requests were answered one by one.
            let _ = watched.await;
            drop(place);
        });
    }
    drop(listener);
    let finished = tokio::time::timeout(limits.drain, graceful.shutdown()).await;
    Ok(finished.is_ok())
}

async fn accept(
    listener: &TcpListener,
    open: &Arc<Semaphore>,
) -> io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(open).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _peer) = listener.accept().await?;
    Ok((stream, place))
}

async fn ready(State(desk): State<Arc<Desk>>) -> Response<Body> {
    #[derive(Serialize)]
    struct Readiness {
        ready: bool,
        queue: &'static str,
    }
    let queue = match (desk.intake.failure().borrow().is_none(), desk.intake.is_reachable()) {
        (false, _) => "stopped",
        (true, false) => "away",
        (true, true) => "accepting",
    };
    let ready = queue == "accepting";
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &Readiness { ready, queue })
}

/// One answer per item, in order.
#[derive(Serialize)]
struct Answer<'a> {
    items: &'a [ItemAnswer],
}

#[derive(Serialize)]
struct ItemAnswer {
    index: usize,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<schemas::ids::ReportId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Reject>,
}

/// An answer to the request as a whole.
#[derive(Serialize)]
struct Refusal {
    error: RefusalError,
}

#[derive(Serialize)]
struct RefusalError {
    code: &'static str,
    message: String,
}

fn refusal(status: StatusCode, code: &'static str, message: impl Into<String>) -> Response<Body> {
    metrics::counter!("testigo_http_requests_total", "answer" => code).increment(1);
    json(status, &Refusal { error: RefusalError { code, message: message.into() } })
}

fn wait(code: &'static str, message: &'static str, status: StatusCode) -> Response<Body> {
    let mut response = refusal(status, code, message);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    response
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn reports(State(desk): State<Arc<Desk>>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Some(source) = bearer(&head.headers).and_then(|token| desk.sources.by_token(token)) else {
        let mut response = refusal(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "send the source's token as \"Authorization: Bearer TOKEN\"; `testigo source add` prints it once",
        );
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        return response;
    };
    let key = match idempotency_key(&head.headers) {
        Ok(key) => key,
        Err(message) => return refusal(StatusCode::BAD_REQUEST, "bad_idempotency_key", message),
    };
    let bytes = match read_body(&desk, &head.headers, body).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLarge) => {
            let limit = desk.limits.body_bytes;
            let message = format!("a request may have at most {limit} bytes; send fewer reports at a time");
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message);
        }
        Err(Unread::TooSlow) => {
            return refusal(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not come in time");
        }
    };
    let items = body::split(&bytes);
    if items.list.len() > desk.limits.items {
        return refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_items",
            format!("a request may have at most {} reports", desk.limits.items),
        );
    }
    match within_rate(&desk, &source, items.list.len()) {
        Ok(()) => {}
        Err(TooFast::Now) => {
            let message = "this source sends faster than its limit";
            return wait("too_many_requests", message, StatusCode::TOO_MANY_REQUESTS);
        }
        Err(TooFast::Ever) => {
            let message = "this request alone has more reports than the source may send in a second";
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "too_many_items", message);
        }
    }
    accept_items(&desk, &source, key.as_deref(), &items).await
}

/// Why a body was not read.
enum Unread {
    TooLarge,
    TooSlow,
}

/// A request's body, within its bounds of size and time.
async fn read_body(desk: &Desk, headers: &HeaderMap, body: Body) -> Result<Bytes, Unread> {
    let limit = desk.limits.body_bytes;
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|n| n > limit) {
        return Err(Unread::TooLarge);
    }
    match tokio::time::timeout(desk.limits.body_timeout, axum::body::to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // The body was longer than it may be, or its sender went away.
        Ok(Err(_)) => Err(Unread::TooLarge),
        Err(_) => Err(Unread::TooSlow),
    }
}

/// How a source's limit stands against so many reports at once.
enum TooFast {
    /// It would fit later.
    Now,
    /// It never fits.
    Ever,
}

fn within_rate(desk: &Desk, source: &Source, reports: usize) -> Result<(), TooFast> {
    let Some(limiter) = &desk.limiter else { return Ok(()) };
    let Some(n) = u32::try_from(reports.max(1)).ok().and_then(std::num::NonZeroU32::new) else { return Ok(()) };
    match limiter.check_key_n(&source.name, n) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(TooFast::Now),
        Err(_) => Err(TooFast::Ever),
    }
}

/// Why reports that are in order were not accepted.
enum Unavailable {
    Full,
    Stopped,
}

/// Appends; returns once the append is durable.
async fn append(desk: &Desk, envelopes: Vec<Envelope>) -> Result<(), Unavailable> {
    let accepted = envelopes.len() as u64;
    let ticket = desk.intake.submit(envelopes).map_err(|error| match error {
        SubmitError::Full(_) => Unavailable::Full,
        SubmitError::Stopped(_) | SubmitError::NotOneSource => Unavailable::Stopped,
    })?;
    ticket.await.map_err(|error| match error {
        // The brokers are away: room again when they are back.
        QueueError::Unreachable(_) => Unavailable::Full,
        _ => Unavailable::Stopped,
    })?;
    metrics::counter!("testigo_accepted_total").increment(accepted);
    Ok(())
}

/// A report that passed [`check`], for the queue.
fn envelope(source: &Source, external_id: String, payload: Vec<u8>) -> Envelope {
    Envelope {
        source: source.name.clone(),
        channel: Channel::Http,
        external_id: Some(external_id),
        batch: None,
        row: None,
        settings: Settings::default(),
        mapped: Vec::new(),
        defect: None,
        payload: Sensitive::new(payload),
    }
}

async fn accept_items(desk: &Desk, source: &Source, key: Option<&str>, items: &body::Items<'_>) -> Response<Body> {
    let mut answers = Vec::with_capacity(items.list.len());
    let mut envelopes = Vec::with_capacity(items.list.len());
    for (index, item) in items.list.iter().enumerate() {
        let given = key.map(|key| if items.batch { format!("{key}/{index}") } else { key.to_owned() });
        match check(desk, item, given.as_deref()) {
            Ok(external_id) => {
                answers.push(ItemAnswer {
                    index,
                    status: "accepted",
                    receipt: Some(desk.key.report_id(source.name.as_str(), &external_id)),
                    error: None,
                });
                envelopes.push(envelope(source, external_id, item.to_vec()));
            }
            Err(reject) => {
                metrics::counter!("testigo_refused_total", "code" => reject.code.as_str()).increment(1);
                answers.push(ItemAnswer { index, status: "refused", receipt: None, error: Some(reject) });
            }
        }
    }
    let accepted = envelopes.len();
    if accepted > 0 {
        match append(desk, envelopes).await {
            Ok(()) => {}
            Err(Unavailable::Full) => {
                return wait(
                    "full",
                    "the queue is full, or away: send the same again, later",
                    StatusCode::SERVICE_UNAVAILABLE,
                );
            }
            Err(Unavailable::Stopped) => return stopped(),
        }
    }
    let status = match accepted {
        0 => StatusCode::UNPROCESSABLE_ENTITY,
        n if n == answers.len() => StatusCode::ACCEPTED,
        _ => StatusCode::MULTI_STATUS,
    };
    metrics::counter!("testigo_http_requests_total", "answer" => status_name(status)).increment(1);
    json(status, &Answer { items: &answers })
}

const fn status_name(status: StatusCode) -> &'static str {
    match status {
        StatusCode::ACCEPTED => "accepted",
        StatusCode::MULTI_STATUS => "mixed",
        _ => "none",
    }
}

fn stopped() -> Response<Body> {
    wait(
        "stopped",
        "the queue could not be written: nothing of this request was accepted",
        StatusCode::SERVICE_UNAVAILABLE,
    )
}

/// Checks an item's form, names, codes and size, and gives it its id: its own, else the request's key.
fn check(desk: &Desk, item: &[u8], key: Option<&str>) -> Result<String, Reject> {
    if item.len() > wire::LARGEST_REPORT {
        return Err(
            Reject::new(RejectCode::TooLong).hint(format!("a report may have at most {} bytes", wire::LARGEST_REPORT))
        );
    }
    let report = WireReport::parse(item)?;
    if report.reported_at.is_some_and(|at| at > desk.clock.now() + crate::normalize::REPORTED_AHEAD) {
        return Err(Reject::new(RejectCode::ReportedInFuture).field("reported_at"));
    }
    let missing = || Reject::new(RejectCode::MissingExternalId).field("external_id");
    report.external_id.or_else(|| key.map(str::to_owned)).ok_or_else(missing)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().map_err(|_| "an Idempotency-Key is plain ASCII")?.trim().trim_matches('"');
    if text.is_empty() || text.len() > 200 {
        return Err("an Idempotency-Key has 1 to 200 characters");
    }
    Ok(Some(text.to_owned()))
}
