//! The pages of `/log` as a browser without script uses them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Home, Server, counts, until};

/// An answer: its status, its headers in lower case, its page.
struct Page {
    status: u16,
    headers: Vec<(String, String)>,
    html: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The value of the first hidden field of that name.
    #[track_caller]
    fn hidden(&self, name: &str) -> String {
        let rest = self.html.split_once(&format!("name=\"{name}\" value=\"")).map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("no {name} in {}", self.html)).to_owned()
    }

    /// What stands in the text area, unescaped as a browser does it.
    fn area(&self) -> String {
        let (_, rest) = self.html.split_once("<textarea").expect("a text area");
        let (_, rest) = rest.split_once(">\n").expect("it begins on a line of its own");
        let text = rest.split("</textarea>").next().expect("it ends");
        unescape(text)
    }
}

fn unescape(text: &str) -> String {
    let marks = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    marks.iter().fold(text.to_owned(), |text, (mark, sign)| text.replace(mark, sign))
}

/// A browser: it keeps cookies, sends forms as ours do, and goes where it is told.
struct Browser {
    agent: ureq::Agent,
    url: String,
    cookies: BTreeMap<String, String>,
    given: Vec<String>,
}

impl Browser {
    fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(15)))
            .build();
        Self { agent: config.into(), url: url.to_owned(), cookies: BTreeMap::new(), given: Vec::new() }
    }

    fn answer(&mut self, mut response: ureq::http::Response<ureq::Body>) -> Page {
        let headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().expect("plain").to_owned()))
            .collect();
        for (_, cookie) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, rest) = cookie.split_once('=').expect("a cookie");
            match rest.split(';').next().unwrap_or_default() {
                "" => drop(self.cookies.remove(name)),
                value => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
            self.given.push(cookie.clone());
        }
        let html = response.body_mut().read_to_string().expect("a text");
        Page { status: response.status().as_u16(), headers, html }
    }

    fn cookie_line(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = self.agent.get(format!("{}{path}", self.url)).header("Cookie", self.cookie_line());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.call().expect("the server answers");
        self.answer(response)
    }

    fn get(&mut self, path: &str) -> Page {
        self.get_with(path, &[])
    }

    fn post_with(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let mut request = self.agent.post(format!("{}{path}", self.url)).header("Cookie", self.cookie_line());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send_form(fields.iter().copied()).expect("the server answers");
        self.answer(response)
    }

    /// As a browser sends a form of ours: our pages forbid referrers, so it does not name its origin.
    fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_with(path, fields, &[("Origin", "null"), ("Sec-Fetch-Site", "same-origin")])
    }

    fn log_in(&mut self, token: &str) -> Page {
        let page = self.get("/log");
        let form_token = page.hidden("form_token");
        self.post("/log/login", &[("form_token", &form_token), ("token", token), ("next", "quick")])
    }

    /// Fills in a form as it is shown now, and sends it.
    fn fill(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(path);
        self.send(&page, path, fields)
    }

    /// Fills in the form of a page, and sends it.
    fn send(&mut self, page: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
        let (form_token, form_id) = (page.hidden("form_token"), page.hidden("form_id"));
        let own = [("form_token", form_token.as_str()), ("form_id", form_id.as_str())];
        let all: Vec<_> = own.iter().chain(fields).copied().collect();
        self.post(path, &all)
    }
}

/// A server, and somebody who is logged in.
fn logged_in(home: &Home) -> (Server, Browser, String) {
    let token = home.source("line");
    let server = Server::start(home, &[]);
    let mut browser = Browser::new(&server.url);
    let page = browser.log_in(&token);
    assert_eq!((page.status, page.header("location")), (303, "/log?lang=en"), "{}", page.html);
    (server, browser, token)
}

fn nothing_received(home: &Home) {
    assert_eq!(home.status()["received"], json!(0));
}

/// The stored reports, once all are coded.
fn coded(home: &Home) -> Vec<Value> {
    until("all are coded", || home.status()["waiting"] == json!(0));
    home.history()
}

#[test]
fn logging_in_needs_the_token_and_ends_with_log_out() {
    let home = Home::new();
    let token = home.source("line");
    let server = Server::start(&home, &[]);
    let mut browser = Browser::new(&server.url);
    let page = browser.get("/log/courthouse");
    assert!(page.html.contains("autocomplete=\"current-password\"") && page.hidden("next") == "courthouse");
    let wrong = "A".repeat(43);
    let page = browser.log_in(&wrong);
    assert_eq!(page.status, 401);
    assert!(page.html.contains("role=\"alert\"") && !page.html.contains(&wrong) && browser.cookies.len() == 1);
    assert!(browser.get("/log").html.contains("name=\"token\""), "still outside");

    assert_eq!(browser.log_in(&token).status, 303);
    let cookie = browser.given.iter().rfind(|cookie| cookie.starts_with("testigo_log=")).expect("given").clone();
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/log"] {
        assert!(cookie.split("; ").any(|part| part == flag), "{cookie}");
    }
    assert!(!cookie.contains("Max-Age") && !cookie.contains("Secure") && !cookie.contains(&token), "{cookie}");
    assert!(!browser.cookies.contains_key("testigo_log_in"), "the cookie to log in with is done");
    let page = browser.get("/log");
    assert!(page.html.contains("name=\"narrative\"") && page.html.contains("<span>line</span>"));

    let old = browser.cookies.clone();
    let form_token = page.hidden("form_token");
    assert_eq!(browser.post("/log/logout", &[("form_token", "x")]).status, 403);
    assert_eq!(browser.post("/log/logout", &[("form_token", &form_token)]).status, 303);
    assert!(browser.cookies.is_empty());
    browser.cookies = old;
    assert!(browser.get("/log").html.contains("name=\"token\""), "the old cookie opens nothing");
    nothing_received(&home);
}

#[test]
fn a_cookie_is_secure_behind_tls() {
    let home = Home::new();
    let token = home.source("line");
    let server = Server::start(&home, &[]);
    let mut browser = Browser::new(&server.url);
    let proxy = [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "log.example.org"),
        ("Origin", "https://log.example.org"),
    ];
    let form_token = browser.get_with("/log", &proxy[..1]).hidden("form_token");
    let page = browser.post_with("/log/login", &[("form_token", &form_token), ("token", &token)], &proxy);
    assert_eq!(page.status, 303);
    assert!(browser.given.len() >= 2 && browser.given.iter().all(|cookie| cookie.ends_with("; Secure")));
    drop(server);

    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TESTIGO__HTTP__SECURE_COOKIES", "true");
    let server = Server::spawn(command);
    let mut browser = Browser::new(&server.url);
    browser.log_in(&token);
    assert!(browser.given.iter().all(|cookie| cookie.ends_with("; Secure")));
    drop(server);

    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TESTIGO__HTTP__LOG_PAGE", "false");
    let server = Server::spawn(command);
    assert_eq!(Browser::new(&server.url).get("/log").status, 404);
}

#[test]
fn a_form_of_another_site_or_without_its_token_changes_nothing() {
    let home = Home::new();
    let (server, mut browser, token) = logged_in(&home);
    let page = browser.get("/log");
    let (form_token, form_id) = (page.hidden("form_token"), page.hidden("form_id"));
    let words = [("narrative", "Zqxajeno"), ("form_id", form_id.as_str())];
    let good: Vec<_> = words.iter().copied().chain([("form_token", form_token.as_str())]).collect();
    let half = &form_token[..32];
    let refused = |browser: &mut Browser, fields: &[(&str, &str)], headers: &[(&str, &str)]| {
        let page = browser.post_with("/log", fields, headers);
        assert_eq!(page.status, 403, "{headers:?}");
        assert!(!page.html.contains("Zqxajeno"), "another's words are not shown");
    };
    refused(&mut browser, &words, &[]);
    for token in ["", "x", half, &"0".repeat(64), &form_token.to_uppercase()] {
        let fields: Vec<_> = words.iter().copied().chain([("form_token", token)]).collect();
        refused(&mut browser, &fields, &[("Origin", "null")]);
    }
    for headers in [
        &[("Origin", "https://evil.example")][..],
        &[("Origin", "null"), ("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
    ] {
        refused(&mut browser, &good, headers);
    }
    // The token of a form belongs to its cookie.
    let mut other = Browser::new(&server.url);
    other.log_in(&token);
    refused(&mut other, &good, &[]);
    let page = browser.post_with("/log", &good, &[("Content-Type", "text/plain")]);
    assert_eq!(page.status, 415);
    // Nobody is logged in by another site, either.
    let mut victim = Browser::new(&server.url);
    let foreign = browser.get("/log").hidden("form_token");
    victim.get("/log");
    let page = victim.post("/log/login", &[("form_token", &foreign), ("token", &token)]);
    assert!(page.status == 403 && !victim.cookies.contains_key("testigo_log"));
    let own = victim.get("/log").hidden("form_token");
    let evil = [("Origin", "https://evil.example")];
    assert_eq!(victim.post_with("/log/login", &[("form_token", &own), ("token", &token)], &evil).status, 403);
    nothing_received(&home);

    // A form of ours from an earlier session comes back renewed, with its words, and is sent by the next press.
    let stale = browser.post("/log", &words);
    assert_eq!((stale.status, stale.area()), (403, "Zqxajeno".into()));
    nothing_received(&home);
    let fields =
        [("narrative", "Zqxajeno"), ("form_id", &stale.hidden("form_id")), ("form_token", &stale.hidden("form_token"))];
    assert_eq!(browser.post("/log", &fields).status, 303);
}

#[test]
fn a_call_is_received_coded_and_counts_once() {
    let home = Home::new();
    let (_server, mut browser, _) = logged_in(&home);
    let page = browser.get("/log");
    let (form_token, form_id) = (page.hidden("form_token"), page.hidden("form_id"));
    let fields = [
        ("form_token", form_token.as_str()),
        ("form_id", form_id.as_str()),
        ("narrative", "ICE agents took a man outside the store.\r\nThey wore masks."),
        ("place", "Yakima"),
        ("occurred", "yesterday about 9am"),
        ("event_kind", "arrest"),
        ("contact", "555-0123"),
    ];
    let sent = browser.post("/log", &fields);
    assert_eq!((sent.status, sent.header("location")), (303, "/log/receipt/quick/1?lang=en"), "{}", sent.html);
    let page = browser.get(sent.header("location"));
    let shown: String = page.html.split("<span>").skip(2).map(|rest| &rest[..4]).collect();
    assert!(!page.html.contains("came before"));
    // The browser sends it again: a reload, an impatient finger.
    assert_eq!(browser.post("/log", &fields).header("location"), sent.header("location"));
    assert!(browser.get(sent.header("location")).html.contains("came before"), "it says so");
    let stored = coded(&home);
    assert_eq!(counts(&home.status(), &["received", "coded", "repeats", "rejected"]), [2, 1, 1, 0]);
    let report = &stored[0];
    assert_eq!(report["report_id"], json!(shown), "the receipt is the stored report's id");
    assert_eq!(report["external_id"], json!(format!("log-{form_id}")));
    assert_eq!((&report["county_fips"], &report["event_kind"]), (&json!("53077"), &json!("arrest")));
    assert_eq!(report["occurred_on"], json!("2026-10-19"));
    assert_eq!(report["provenance"]["event_kind"]["how"], json!("given"));

    // The text alone is a report; what it is, is read from it.
    let sent =
        browser.fill("/log", &[("narrative", "two agents in plain clothes took my neighbor away"), ("event_kind", "")]);
    assert_eq!(sent.header("location"), "/log/receipt/quick/2?lang=en", "{}", sent.html);
    let stored = coded(&home);
    assert_eq!(stored.len(), 2);
    assert_ne!(stored[1]["provenance"]["event_kind"]["how"], json!("given"), "nothing was chosen");
    // Nothing to see under another number, or for another session.
    assert_eq!(browser.get("/log/receipt/quick/9").header("location"), "/log?lang=en");
}

#[test]
fn a_courthouse_form_gives_exactly_its_codes() {
    let home = Home::new();
    let (_server, mut browser, _) = logged_in(&home);
    let chosen = [
        ("event_kind", "arrest"),
        ("setting", "courthouse"),
        ("place_relation", "entrance"),
        ("court_type", "criminal"),
        ("court_stage", "hearing"),
        ("court_role", "defendant"),
        ("case_level", "misdemeanor"),
        ("agency_claimed", "local_police"),
        ("agency_assessed", "ice_ero"),
        ("outcome", "in_custody"),
    ];
    let several = [
        ("tactics", "plainclothes"),
        ("tactics", "court_staff_assist"),
        ("tactics", "counsel_obstructed"),
        ("authority_shown", "none"),
    ];
    let words = [
        ("occurred", "2026-10-15"),
        ("place", "King County Courthouse, Seattle"),
        ("agents", "5 to 6"),
        ("persons_arrested", "1"),
        ("narrative", ""),
    ];
    let all: Vec<_> = chosen.iter().chain(&several).chain(&words).copied().collect();
    let sent = browser.fill("/log/courthouse?lang=es", &all);
    assert_eq!((sent.status, sent.header("location")), (303, "/log/receipt/courthouse/1?lang=es"), "{}", sent.html);
    assert!(browser.get(sent.header("location")).html.contains("href=\"/log/courthouse?lang=es\""));
    let stored = coded(&home);
    let report = stored[0].as_object().expect("an object");
    for (axis, code) in chosen {
        assert_eq!(report[axis], json!(code), "{axis}");
        assert_eq!(report["provenance"][axis]["how"], json!("given"), "{axis}");
    }
    assert_eq!(report["tactics"], json!(["plainclothes", "court_staff_assist", "counsel_obstructed"]));
    assert_eq!(report["authority_shown"], json!(["none"]));
    assert_eq!(report["agents"], json!({"min": 5, "max": 6, "at_least": false}));
    assert_eq!(report["persons_arrested"], json!({"min": 1, "max": 1, "at_least": false}));
    assert_eq!((&report["county_fips"], &report["occurred_on"]), (&json!("53033"), &json!("2026-10-15")));
    for unsaid in ["partner_model", "priority_claimed", "review", "narrative"] {
        assert!(report[unsaid].is_null(), "{unsaid}");
    }
    assert!(report["vulnerable_parties"].is_null() || report["vulnerable_parties"] == json!([]));

    let sent = browser.fill("/log/courthouse", &[("setting", "courthouse")]);
    assert_eq!(sent.status, 422);
    assert!(sent.html.contains("href=\"#event_kind\"") && sent.html.contains("Choose what happened."));
}

#[test]
fn a_form_that_is_refused_comes_back_whole_and_escaped() {
    let home = Home::new();
    let (_server, mut browser, _) = logged_in(&home);
    let hostile = "</textarea><script>alert('1')</script> \"q\" & {{ t }} {% x %} \u{202e}\u{200f}abc \n\nlast";
    let long = format!("\"><b>{}", "é".repeat(600));
    let fields = [
        ("narrative", hostile),
        ("place", long.as_str()),
        ("occurred", "\"><img src=x onerror=alert(1)>"),
        ("event_kind", "\"><script>"),
        ("contact", "5\u{0}5"),
    ];
    let page = browser.fill("/log", &fields);
    assert_eq!(page.status, 422);
    assert_eq!(page.area(), hostile, "all of it is there");
    assert!(unescape(&page.html).contains(&long) && page.html.contains("value=\"5 5\""));
    for raw in ["<script", "<b>", "<img", "</textarea><s"] {
        assert!(!page.html.contains(raw), "{raw}");
    }
    assert_eq!(page.html.matches("</textarea>").count(), 1);
    for field in ["place", "event_kind", "contact"] {
        assert!(page.html.contains(&format!("<li><a href=\"#{field}\">")), "{field} in the summary");
        assert!(page.html.contains(&format!("id=\"{field}-error\"")), "{field} has its error beside it");
    }
    assert!(page.html.contains("aria-describedby=\"place-hint place-error\" aria-invalid=\"true\""));
    assert!(page.html.contains("role=\"alert\"") && page.html.contains("<title>Error: "));
    nothing_received(&home);
    // Very long, and as a defender would meet it in Spanish.
    let page = browser.fill("/log/courthouse?lang=es", &[("narrative", &"ñ".repeat(20_001)), ("agents", "-4")]);
    assert_eq!((page.status, page.area().chars().count()), (422, 20_001));
    assert!(page.html.contains("20000 caracteres") && page.html.contains("value=\"-4\""));
    // Hostile text that is in order is only text.
    assert_eq!(browser.fill("/log", &[("narrative", hostile)]).status, 303);
    assert_eq!(coded(&home).len(), 1);
}

#[test]
fn both_languages_are_served_and_a_switch_keeps_what_was_typed() {
    let home = Home::new();
    let (_server, mut browser, _) = logged_in(&home);
    let spanish = browser.get_with("/log", &[("Accept-Language", "es-US,es;q=0.9,en;q=0.5")]);
    assert!(spanish.html.contains("<html lang=\"es\">") && spanish.html.contains("¿Qué pasó?"));
    let page =
        browser.fill("/log?lang=es", &[("narrative", "Se llevaron a dos"), ("event_kind", "arrest"), ("switch", "1")]);
    assert_eq!((page.status, page.area()), (200, "Se llevaron a dos".into()));
    let form_id = page.hidden("form_id");
    let page = browser.send(&page, "/log?lang=en", &[("narrative", "Se llevaron a dos"), ("switch", "1")]);
    assert_eq!(page.hidden("form_id"), form_id, "it is the same form");
    assert!(page.html.contains("<html lang=\"en\">") && page.html.contains("What happened?"));
    assert_eq!(page.area(), "Se llevaron a dos");
    nothing_received(&home);
}

#[test]
fn a_revoked_token_ends_the_session_and_a_limit_says_to_wait() {
    let home = Home::new();
    let token = home.source("line");
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TESTIGO__HTTP__PER_SOURCE_PER_SECOND", "1");
    let server = Server::spawn(command);
    let mut browser = Browser::new(&server.url);
    browser.log_in(&token);
    let waited =
        (0..20).map(|n| browser.fill("/log", &[("narrative", &format!("call {n}"))])).find(|p| p.status == 429);
    let page = waited.expect("one of them comes too soon");
    assert!(page.header("retry-after") == "1" && page.area().starts_with("call ") && page.html.contains("send again"));

    let page = browser.get("/log");
    home.run(&["source", "revoke", "line"]).exits(0);
    until("the session is over", || browser.get("/log").html.contains("autocomplete=\"current-password\""));
    let received = home.status()["received"].clone();
    let again = browser.send(&page, "/log", &[("narrative", "late")]);
    assert_eq!((again.status, again.area()), (401, "late".into()), "and what was typed is not lost");
    assert_eq!(browser.send(&page, "/log", &[("narrative", "late"), ("token", &token)]).status, 401);
    assert_eq!(home.status()["received"], received);
}

#[test]
fn every_answer_has_its_headers_and_no_private_text_is_logged() {
    let home = Home::new();
    let token = home.source("line");
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "trace");
    let server = Server::spawn(command);
    let mut browser = Browser::new(&server.url);
    let mut pages = vec![browser.get("/log"), browser.log_in(&token)];
    let private = [
        ("narrative", "Marisol Zqxrelato called from 206-555-0147"),
        ("place", "by the Zqxlugar, Yakima"),
        ("occurred", "around zqxcuando"),
        ("contact", "zqxcontacto 555-0101"),
    ];
    pages.push(browser.fill("/log", &private));
    let receipt = pages[2].header("location").to_owned();
    pages.push(browser.get(&receipt));
    pages.push(browser.fill("/log", &[&private[..], &[("event_kind", "zqxcodigo")]].concat()));
    let refused = pages.len() - 1;
    pages.push(browser.post_with("/log", &private, &[("Origin", "https://evil.example")]));
    pages.push(browser.get_with("/log/login", &[]));
    assert_eq!(pages.iter().map(|p| p.status).collect::<Vec<_>>(), [200, 303, 303, 200, 422, 403, 405]);
    for page in &pages {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(page.header(name), value, "{}", page.status);
        }
        let policy = page.header("content-security-policy");
        for rule in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.split("; ").any(|part| part == rule), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script"));
        if page.html.contains("<style") {
            let nonce = page.html.split("<style nonce=\"").nth(1).and_then(|rest| rest.split('"').next());
            assert!(policy.contains(&format!("style-src 'nonce-{}'", nonce.expect("a nonce"))), "{policy}");
        }
        assert!(!page.headers.iter().any(|(_, value)| value.to_lowercase().contains("zqx")));
    }
    let nonces: Vec<_> =
        pages.iter().map(|p| p.header("content-security-policy")).filter(|p| p.contains("nonce")).collect();
    assert!(nonces.windows(2).all(|pair| pair[0] != pair[1]));
    for (at, page) in pages.iter().enumerate() {
        assert_eq!(page.html.to_lowercase().contains("zqx"), at == refused, "only the form that comes back has it");
    }
    coded(&home);
    let session = browser.cookies["testigo_log"].clone();
    let (code, said) = server.end();
    assert_eq!(code, Some(0));
    for secret in ["zqx", &token, &session, "555-0147"] {
        assert!(!said.to_lowercase().contains(&secret.to_lowercase()), "it is in the log");
    }
}
