//! What needs no running server: a queue that is full, pages in every state.

use std::sync::Mutex;

use axum::http::Method;
use chrono::TimeDelta;
use metrics_exporter_prometheus::PrometheusBuilder;
use schemas::Clock;
use schemas::envelope::{Envelope, Position};
use schemas::ids::InstallationKey;
use tokio::sync::watch;

use super::super::{Limits, SourceBook};
use super::*;
use crate::queue::{Appended, Intake, QueueError, SubmitError, Ticket};

/// A queue that takes what it has room for.
struct Shelf {
    room: usize,
    taken: Mutex<Vec<Envelope>>,
}

impl Intake for Shelf {
    fn submit(&self, envelopes: Vec<Envelope>) -> Result<Ticket, SubmitError> {
        let mut taken = self.taken.lock().expect("no panic in there");
        if taken.len() + envelopes.len() > self.room {
            return Err(SubmitError::Full(envelopes));
        }
        taken.extend(envelopes);
        let (done, ticket) = Ticket::new();
        let first = Position { partition: 0, offset: 0 };
        let appended = Appended { received_at: schemas::clock::from_micros(0), first, end: 1, count: 1 };
        done.send(Ok(appended)).expect("the ticket waits");
        Ok(ticket)
    }

    fn submit_waiting(&self, envelopes: Vec<Envelope>) -> Result<Ticket, SubmitError> {
        self.submit(envelopes)
    }

    fn failure(&self) -> watch::Receiver<Option<QueueError>> {
        watch::channel(None).1
    }
}

/// A desk with one source, somebody who is logged in, and a queue with room for so many reports.
fn logged_in(room: usize) -> (Desk, Arc<Shelf>, Cookie) {
    let mut source = crate::channels::http::sources::tests::source("line", "token", false);
    source.settings.language = Some(Language::Es);
    let book = SourceBook::default();
    book.replace(vec![source.clone()]);
    let shelf = Arc::new(Shelf { room, taken: Mutex::new(Vec::new()) });
    let clock = Clock::fixed(schemas::clock::from_micros(1_790_000_000_000_000));
    let desk = Desk::new(
        Arc::clone(&shelf) as Arc<dyn Intake>,
        Arc::new(book),
        Arc::new(InstallationKey::from_bytes([7; 32])),
        clock.clone(),
        Limits::default(),
        PrometheusBuilder::new().build_recorder().handle(),
    )
    .with_log(Options::default());
    let cookie = desk.log.as_ref().expect("on").sessions.open(&source, clock.now()).expect("opened");
    (desk, shelf, cookie)
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn post(path: &str, cookie: &Cookie, pairs: &[(&str, &str)]) -> Request<Body> {
    let token = cookie.form_token();
    let all: Vec<_> = pairs.iter().copied().chain([("form_token", token.as_str())]).collect();
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::COOKIE, format!("{}={}", guard::SESSION, cookie.text()))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(encoded(&all)))
        .expect("a request")
}

fn get(path: &str, cookie: &Cookie, language: &str) -> Request<Body> {
    Request::builder()
        .uri(path)
        .header(header::COOKIE, format!("{}={}", guard::SESSION, cookie.text()))
        .header(header::ACCEPT_LANGUAGE, language)
        .body(Body::empty())
        .expect("a request")
}

async fn html(response: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

#[test]
fn a_full_queue_gives_the_form_back_and_says_to_wait() {
    let (desk, shelf, cookie) = logged_in(0);
    let words = [("narrative", "Se llevaron a un señor"), ("place", "Yakima"), ("form_id", &*"a".repeat(32))];
    let response = run(send(&desk, post("/log?lang=es", &cookie, &words), Form::Quick));
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    let html = run(html(response));
    assert!(html.contains("Espere un minuto") && html.contains("Se llevaron a un señor") && html.contains("Yakima"));
    assert!(html.contains(&"a".repeat(32)), "sent again, it is the same report");
    assert!(shelf.taken.lock().expect("no panic in there").is_empty());
}

#[test]
fn a_form_larger_than_any_request_may_be_is_refused() {
    let (desk, shelf, cookie) = logged_in(9);
    let long = "a".repeat(Limits::default().body_bytes);
    let response = run(send(&desk, post("/log", &cookie, &[("narrative", &long)]), Form::Quick));
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(shelf.taken.lock().expect("no panic in there").is_empty());
}

#[test]
fn a_form_counts_once_and_other_words_are_asked_about() {
    let (desk, shelf, cookie) = logged_in(9);
    let id = "b".repeat(32);
    let say = |words: &str, again: &str| {
        let pairs = [("narrative", words), ("form_id", &id), ("again", again)];
        run(send(&desk, post("/log", &cookie, &pairs), Form::Quick))
    };
    let place = |response: &Response<Body>| response.headers()[header::LOCATION].to_str().expect("plain").to_owned();
    let ids = || {
        let taken = shelf.taken.lock().expect("no panic in there");
        taken.iter().map(|e| e.external_id.clone().expect("an id")).collect::<Vec<_>>()
    };
    let first = say("Agents at the corner", "");
    assert_eq!((first.status(), place(&first)), (StatusCode::SEE_OTHER, "/log/receipt/quick/1?lang=es".into()));
    assert_eq!(place(&say("Agents at the corner", "")), place(&first));
    assert_eq!(ids(), [format!("log-{id}"), format!("log-{id}")]);

    let asked = say("Another call", "");
    assert_eq!(asked.status(), StatusCode::CONFLICT);
    let asked = run(html(asked));
    assert!(asked.contains("Another call") && asked.contains("value=\"correct\""));
    assert_eq!(ids().len(), 2, "nothing was appended");

    assert_eq!(place(&say("Another call", "new")), "/log/receipt/quick/2?lang=es");
    assert_eq!(place(&say("Another call", "new")), "/log/receipt/quick/2?lang=es", "this too counts once");
    assert!(ids()[2] == ids()[3] && ids()[2] != ids()[0]);
    assert_eq!(place(&say("Agents at the gate", "correct")), "/log/receipt/quick/1?lang=es");
    assert_eq!(ids()[4], ids()[0]);
}

#[test]
fn who_was_logged_out_sends_with_the_token_and_loses_nothing() {
    let (desk, shelf, cookie) = logged_in(9);
    desk.clock.set(desk.clock.now() + TimeDelta::hours(13));
    let words = [("narrative", "Agents at the corner")];
    let response = run(send(&desk, post("/log?lang=en", &cookie, &words), Form::Quick));
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let page = run(html(response));
    assert!(page.contains("Agents at the corner") && page.contains("name=\"token\""));
    let with = |token| [("narrative", "Agents at the corner"), ("token", token)];
    let response = run(send(&desk, post("/log?lang=en", &cookie, &with("wrong")), Form::Quick));
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(shelf.taken.lock().expect("no panic in there").is_empty());
    let response = run(send(&desk, post("/log?lang=en", &cookie, &with("token")), Form::Quick));
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let given = response.headers()[header::SET_COOKIE].to_str().expect("plain");
    assert!(given.starts_with("testigo_log=") && !given.contains(&cookie.text()));
    assert_eq!(shelf.taken.lock().expect("no panic in there").len(), 1);
}

#[test]
fn every_page_renders_in_both_languages_and_says_what_it_has_to_say() {
    let (desk, _, cookie) = logged_in(9);
    for (language, other) in [("en", "es"), ("es", "en")] {
        let mut pages = Vec::new();
        for form in Form::ALL {
            let path = format!("{}?lang={language}", form.path());
            pages.push(run(html(open(&desk, &get(&path, &cookie, other), form))));
            let long = "é".repeat(20_001);
            let wrong = [("narrative", long.as_str()), ("place", "\u{1}"), ("event_kind", "riot"), ("agents", "-1")];
            pages.push(run(html(run(send(&desk, post(&path, &cookie, &wrong), form)))));
        }
        let stranger = Cookie::random().expect("random bytes");
        pages.push(run(html(open(&desk, &get(&format!("/log?lang={language}"), &stranger, other), Form::Quick))));
        for page in &pages {
            assert!(page.starts_with("<!doctype html>") && page.contains(&format!("<html lang=\"{language}\">")));
            assert_eq!(page.matches("<h1").count(), 1);
            assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https:"));
            assert!(page.contains(&format!("?lang={other}")), "a way to the other language");
            let named = |what: &str| page.matches(what).count();
            assert!(named(" for=\"") >= 1 && named("<label") == named(" for=\""), "every label names its field");
            for id in page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert_eq!(named(&format!(" id=\"{id}\"")), 1, "{id}");
            }
            let refers = |attribute: &'static str| page.split(attribute).skip(1).filter_map(|r| r.split('"').next());
            for id in refers(" for=\"").chain(refers(" aria-describedby=\"").flat_map(str::split_whitespace)) {
                assert!(page.contains(&format!(" id=\"{id}\"")), "{id} is nowhere");
            }
        }
    }
}

#[test]
fn the_language_is_asked_for_preferred_or_the_sources() {
    let (desk, _, cookie) = logged_in(9);
    let language = |path: &str, accept: &str| {
        let page = run(html(open(&desk, &get(path, &cookie, accept), Form::Quick)));
        if page.contains("<html lang=\"es\">") { "es" } else { "en" }
    };
    assert_eq!(language("/log", "fr, en-US;q=0.8, es;q=0.7"), "en");
    assert_eq!(language("/log", "en;q=0.3, es-MX"), "es");
    assert_eq!(language("/log", "fr"), "es", "the source's own");
    assert_eq!(language("/log", "es;q=0, de"), "es");
    assert_eq!(language("/log?lang=en", "es"), "en");
    assert_eq!(language("/log?lang=xx&lang=%3Cscript%3E", "en"), "en");
}

#[test]
fn no_text_is_unused_and_none_is_missing() {
    let source = [
        include_str!("mod.rs"),
        include_str!("page.rs"),
        include_str!("templates/parts.html"),
        include_str!("templates/quick.html"),
        include_str!("templates/courthouse.html"),
        include_str!("templates/login.html"),
        include_str!("templates/receipt.html"),
        include_str!("templates/refusal.html"),
    ]
    .concat();
    let fields = Form::ALL.iter().flat_map(|form| form.fields().iter().map(|f| format!("{}_{}", form.name(), f.name)));
    let fields: Vec<String> = fields.flat_map(|key| [format!("{key}_hint"), key]).collect();
    let made = ["receipt_next_quick", "receipt_next_courthouse", "foreign_title", "unread_title"];
    for key in page::keys() {
        let used = source.contains(&format!("t.{key}")) || source.contains(&format!("\"{key}\""));
        assert!(used || fields.iter().any(|f| f == key) || made.contains(&key), "{key} is not used");
        for language in Language::ALL {
            assert!(!page::text(key, language).trim().is_empty(), "{key}");
        }
    }
}
