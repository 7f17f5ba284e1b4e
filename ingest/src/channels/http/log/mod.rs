//! `/log`: pages without script on which a dispatcher or a defender types a report.
//!
//! What always holds: what is typed goes the same way as a report to `/v1/reports`, through the same checks, limits and
//! queue, and a receipt is shown only when it is durable; a form that is not accepted comes back with all that was typed;
//! no address, log, error or other page holds private text; a form counts once, however often it is sent; nothing is
//! appended for a request that does not prove that it comes from a form of ours. See docs/decisions/010.

mod form;
mod guard;
mod page;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use schemas::source::Source;
use schemas::{Language, wire};

use super::{Desk, TooFast, Unavailable, Unread, append, check, envelope, read_body, within_rate};
use form::{Form, Problem, Typed};
use guard::Site;
use page::{Frame, Shown};
use session::{Cookie, Sessions};

/// How the pages are served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Mark cookies `Secure` also where the proxy does not say that it speaks TLS.
    pub secure_cookies: bool,
}

/// What the pages keep.
pub(super) struct Book {
    options: Options,
    sessions: Sessions,
}

impl Book {
    pub(super) fn new(options: Options) -> Self {
        page::prepare();
        Self { options, sessions: Sessions::default() }
    }
}

type Shared = State<Arc<Desk>>;

/// The pages' routes.
pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/log", get(open_quick).post(send_quick))
        .route("/log/courthouse", get(open_courthouse).post(send_courthouse))
        .route("/log/receipt/{form}/{number}", get(receipt))
        .route("/log/login", post(log_in))
        .route("/log/logout", post(log_out))
        .layer(axum::middleware::map_response(|response: Response<Body>| async { guard::harden(response) }))
}

async fn open_quick(State(desk): Shared, request: Request<Body>) -> Response<Body> {
    open(&desk, &request, Form::Quick)
}

async fn open_courthouse(State(desk): Shared, request: Request<Body>) -> Response<Body> {
    open(&desk, &request, Form::Courthouse)
}

async fn send_quick(State(desk): Shared, request: Request<Body>) -> Response<Body> {
    send(&desk, request, Form::Quick).await
}

async fn send_courthouse(State(desk): Shared, request: Request<Body>) -> Response<Body> {
    send(&desk, request, Form::Courthouse).await
}

/// A request of somebody, before its body.
struct Visit<'a> {
    desk: &'a Desk,
    book: &'a Book,
    language: Language,
    secure: bool,
    cookie: Option<Cookie>,
    source: Option<Arc<Source>>,
}

impl<'a> Visit<'a> {
    /// Nobody, where the pages are turned off: then there is no route to them either.
    fn new(desk: &'a Desk, headers: &HeaderMap, uri: &Uri) -> Option<Self> {
        let book = desk.log.as_ref()?;
        let cookie = guard::cookie(headers, guard::SESSION);
        let source = cookie.as_ref().and_then(|c| book.sessions.source(c, &desk.sources, desk.clock.now()));
        let own = source.as_ref().and_then(|source| source.settings.language);
        let language = asked_language(uri).or_else(|| preferred_language(headers)).or(own).unwrap_or_default();
        let secure = book.options.secure_cookies || guard::by_tls(headers);
        Some(Self { desk, book, language, secure, cookie, source })
    }

    fn frame<'b>(&'b self, path: &'b str, cookie: Option<&Cookie>) -> Frame<'b> {
        let form_token = cookie.map(Cookie::form_token).unwrap_or_default();
        Frame { language: self.language, path, source: self.source.as_deref(), form_token }
    }

    /// The page to log in on, with a cookie of its own.
    fn log_in(&self, status: StatusCode, next: Form, notice: Option<&str>) -> Response<Body> {
        let Some(cookie) = Cookie::random() else { return no_random() };
        let mut frame = self.frame(next.path(), Some(&cookie));
        frame.source = None;
        let mut response = page::log_in(&frame, status, next, notice);
        guard::give(response.headers_mut(), guard::LOGIN, Some(&cookie), self.secure);
        response
    }

    fn go(&self, path: &str) -> Response<Body> {
        let place = format!("{path}?lang={}", self.language);
        let place = HeaderValue::try_from(place).expect("paths and languages are plain ASCII");
        (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
    }

    fn refuse(&self, status: StatusCode, name: &str) -> Response<Body> {
        page::refusal(&self.frame("/log", self.cookie.as_ref()), status, name)
    }
}

fn no_random() -> Response<Body> {
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

/// `?lang=`.
fn asked_language(uri: &Uri) -> Option<Language> {
    let pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    pairs.filter(|(name, _)| name == "lang").find_map(|(_, value)| Language::from_code(&value))
}

/// The language of ours that the browser likes best.
fn preferred_language(headers: &HeaderMap) -> Option<Language> {
    let liked = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let ours = liked.split(',').filter_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let tag = parts.next()?.split('-').next()?.to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f64>().ok()).unwrap_or(1.0);
        Some((Language::from_code(&tag)?, weight)).filter(|(_, weight)| *weight > 0.0)
    });
    // The first of those that weigh the same.
    ours.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(language, _)| language)
}

/// Shows an empty form, or the page to log in on.
fn open(desk: &Desk, request: &Request<Body>, form: Form) -> Response<Body> {
    let Some(visit) = Visit::new(desk, request.headers(), request.uri()) else { return gone() };
    if visit.source.is_none() {
        return visit.log_in(StatusCode::OK, form, None);
    }
    let Some(id) = session::form_id() else { return no_random() };
    let frame = visit.frame(form.path(), visit.cookie.as_ref());
    page::form(&frame, StatusCode::OK, &Shown::new(&form.empty(), &id, desk.clock.now()))
}

fn gone() -> Response<Body> {
    StatusCode::NOT_FOUND.into_response()
}

/// A form's fields in the order in which they came.
struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

impl Drop for Pairs {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.0.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

/// Reads what a form of ours sent: whose visit it is, the request's headers, the fields.
async fn submitted(desk: &Desk, request: Request<Body>) -> Result<(Visit<'_>, HeaderMap, Pairs), Response<Body>> {
    let (head, body) = request.into_parts();
    let visit = Visit::new(desk, &head.headers, &head.uri).ok_or_else(gone)?;
    let pairs = fields(&visit, &head.headers, body).await?;
    Ok((visit, head.headers, pairs))
}

/// Reads a form's fields, if no other site sent it.
async fn fields(visit: &Visit<'_>, headers: &HeaderMap, body: Body) -> Result<Pairs, Response<Body>> {
    if guard::site(headers) == Site::Foreign {
        return Err(visit.refuse(StatusCode::FORBIDDEN, "foreign"));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
        return Err(visit.refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "foreign"));
    }
    match read_body(visit.desk, headers, body).await {
        Ok(bytes) => Ok(Pairs(form_urlencoded::parse(&bytes).into_owned().collect())),
        Err(Unread::TooLarge) => Err(visit.refuse(StatusCode::PAYLOAD_TOO_LARGE, "unread")),
        Err(Unread::TooSlow) => Err(visit.refuse(StatusCode::REQUEST_TIMEOUT, "unread")),
    }
}

async fn log_in(State(desk): Shared, request: Request<Body>) -> Response<Body> {
    let (visit, headers, pairs) = match submitted(&desk, request).await {
        Ok(submitted) => submitted,
        Err(response) => return response,
    };
    let next = Form::from_name(pairs.get("next")).unwrap_or(Form::Quick);
    // Else another site could log somebody in under a source of its own, and get what is typed then.
    let known = guard::cookie(&headers, guard::LOGIN).is_some_and(|cookie| cookie.fits(pairs.get("form_token")));
    if !known {
        return visit.log_in(StatusCode::FORBIDDEN, next, Some("login_again"));
    }
    let Some(source) = desk.sources.by_token(pairs.get("token").trim()) else {
        return visit.log_in(StatusCode::UNAUTHORIZED, next, Some("login_wrong"));
    };
    if let Some(old) = &visit.cookie {
        visit.book.sessions.close(old);
    }
    let Some(cookie) = visit.book.sessions.open(&source, desk.clock.now()) else { return no_random() };
    let mut response = visit.go(next.path());
    guard::give(response.headers_mut(), guard::LOGIN, None, visit.secure);
    guard::give(response.headers_mut(), guard::SESSION, Some(&cookie), visit.secure);
    response
}

async fn log_out(State(desk): Shared, request: Request<Body>) -> Response<Body> {
    let (visit, _, pairs) = match submitted(&desk, request).await {
        Ok(submitted) => submitted,
        Err(response) => return response,
    };
    let Some(cookie) = visit.cookie.as_ref().filter(|cookie| cookie.fits(pairs.get("form_token"))) else {
        return visit.refuse(StatusCode::FORBIDDEN, "foreign");
    };
    visit.book.sessions.close(cookie);
    let mut response = visit.go("/log");
    guard::give(response.headers_mut(), guard::SESSION, None, visit.secure);
    response
}

async fn receipt(
    State(desk): Shared,
    Path((form, number)): Path<(String, u64)>,
    request: Request<Body>,
) -> Response<Body> {
    let Some(visit) = Visit::new(&desk, request.headers(), request.uri()) else { return gone() };
    let form = Form::from_name(&form).unwrap_or(Form::Quick);
    let (Some(cookie), Some(_)) = (&visit.cookie, &visit.source) else {
        return visit.log_in(StatusCode::OK, form, None);
    };
    let Some(sent) = visit.book.sessions.numbered(cookie, number) else { return visit.go(form.path()) };
    let path = format!("/log/receipt/{}/{number}", form.name());
    page::receipt(&visit.frame(&path, Some(cookie)), form, &sent)
}

/// Takes a form that was filled in.
async fn send(desk: &Desk, request: Request<Body>, form: Form) -> Response<Body> {
    let (mut visit, headers, pairs) = match submitted(desk, request).await {
        Ok(submitted) => submitted,
        Err(response) => return response,
    };
    let ours = visit.cookie.as_ref().is_some_and(|cookie| cookie.fits(pairs.get("form_token")));
    // Where the browser itself says that the page was ours, the form is one of an earlier session: it is shown again,
    // renewed. Else what came may be somebody else's words.
    if !ours && guard::site(&headers) != Site::Ours {
        return visit.refuse(StatusCode::FORBIDDEN, "foreign");
    }
    let mut renewed = false;
    if visit.cookie.is_none() {
        (visit.cookie, renewed) = (Cookie::random(), true);
    }
    // The session ended while the form was open: who has the token goes on with it.
    let token = pairs.get("token").trim();
    if ours
        && visit.source.is_none()
        && let Some(source) = desk.sources.by_token(token)
    {
        (visit.cookie, renewed) = (visit.book.sessions.open(&source, desk.clock.now()), true);
        visit.source = Some(source);
    }
    let given = Some(pairs.get("form_id").to_owned()).filter(|id| session::is_form_id(id));
    let (Some(cookie), Some(id)) = (&visit.cookie, given.or_else(session::form_id)) else { return no_random() };
    let filled = Filled { visit: &visit, cookie, typed: Typed::read(form, &pairs.0), id };
    let ended = visit.source.is_none();
    let shown = Shown { ended, ..filled.shown() };
    let mut response = if !pairs.get("switch").is_empty() {
        filled.back(StatusCode::OK, &Shown { notice: ended.then_some("ended"), ..shown })
    } else if ended {
        let notice = if ours && !token.is_empty() { "login_wrong" } else { "ended" };
        filled.back(StatusCode::UNAUTHORIZED, &Shown { notice: Some(notice), ..shown })
    } else if !ours {
        filled.back(StatusCode::FORBIDDEN, &Shown { notice: Some("stale"), ..shown })
    } else {
        accept(filled, pairs.get("again")).await
    };
    if renewed {
        guard::give(response.headers_mut(), guard::SESSION, visit.cookie.as_ref(), visit.secure);
    }
    response
}

/// A form that was filled in, by somebody who may be logged in.
struct Filled<'a> {
    visit: &'a Visit<'a>,
    cookie: &'a Cookie,
    typed: Typed,
    id: String,
}

impl Filled<'_> {
    fn shown(&self) -> Shown<'_> {
        Shown::new(&self.typed, &self.id, self.visit.desk.clock.now())
    }

    /// The form again, with what was typed.
    fn back(&self, status: StatusCode, shown: &Shown<'_>) -> Response<Body> {
        page::form(&self.visit.frame(self.typed.form().path(), Some(self.cookie)), status, shown)
    }

    /// The form again, to be sent again later.
    fn wait(&self, status: StatusCode, notice: &'static str) -> Response<Body> {
        let mut response = self.back(status, &Shown { notice: Some(notice), ..self.shown() });
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }

    fn wrong(mut self, problems: &[Problem]) -> Response<Body> {
        self.typed = self.typed.without_controls();
        self.back(StatusCode::UNPROCESSABLE_ENTITY, &Shown { problems, ..self.shown() })
    }
}

/// Appends the report of a form and shows its receipt, or shows the form again. `again` says what a form with other words
/// is that was accepted before: a browser's Back key gives such a form to people who mean to write down the next call.
async fn accept(mut filled: Filled<'_>, again: &str) -> Response<Body> {
    let (visit, form) = (filled.visit, filled.typed.form());
    let desk = visit.desk;
    let Some(source) = &visit.source else { return gone() };
    let mut report = match filled.typed.report() {
        Ok(report) => report,
        Err(problems) => return filled.wrong(&problems),
    };
    let content = desk.key.content_hash(wire::canonical(&report).expose());
    if let Some(sent) = visit.book.sessions.sent(filled.cookie, &filled.id)
        && sent.content != content
    {
        match again {
            "correct" => {}
            "new" => filled.id = session::next_form_id(&filled.id, &content),
            _ => {
                let shown = Shown { notice: Some("sent_before"), sent_before: Some(&sent), ..filled.shown() };
                return filled.back(StatusCode::CONFLICT, &shown);
            }
        }
    }
    report.insert("external_id".into(), format!("log-{}", filled.id).into());
    let Ok(payload) = serde_json::to_vec(&report) else { return gone() };
    let external_id = match check(desk, &payload, None) {
        Ok(external_id) => external_id,
        Err(reject) => {
            metrics::counter!("testigo_refused_total", "code" => reject.code.as_str()).increment(1);
            let problem = filled.typed.problem(&reject);
            return filled.wrong(&[problem]);
        }
    };
    if let Err(TooFast::Now | TooFast::Ever) = within_rate(desk, source, 1) {
        return filled.wait(StatusCode::TOO_MANY_REQUESTS, "too_fast");
    }
    let receipt = desk.key.report_id(source.name.as_str(), &external_id);
    match append(desk, vec![envelope(source, external_id, payload)]).await {
        Ok(()) => {}
        Err(Unavailable::Full) => return filled.wait(StatusCode::SERVICE_UNAVAILABLE, "busy"),
        Err(Unavailable::Stopped) => return filled.wait(StatusCode::SERVICE_UNAVAILABLE, "stopped"),
    }
    match visit.book.sessions.remember(filled.cookie, &filled.id, content, receipt) {
        Some(number) => visit.go(&format!("/log/receipt/{}/{number}", form.name())),
        // Logged out in another tab in this very moment.
        None => visit.go(form.path()),
    }
}

#[cfg(test)]
mod tests;
