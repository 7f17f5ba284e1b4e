//! The pages of `/log` as HTML: templates, what they say in both languages, and what they are filled with.
//!
//! What always holds: every value is escaped; a name that a template does not get is an error, never an empty place; a
//! page loads nothing and runs nothing; no page but the one that a person typed into shows what was typed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use schemas::reject::RejectCode;
use schemas::source::Source;
use schemas::wire::{LONGEST_NARRATIVE, LONGEST_TEXT};
use schemas::{Instant, Language};
use serde::{Deserialize, Serialize};

use super::form::{Field, Form, Problem, Typed};
use super::guard;
use super::session::{Sent, form_id};

/// A template, after the macros that all of them share.
macro_rules! template {
    ($name:literal) => {
        ($name, concat!(include_str!("templates/parts.html"), include_str!(concat!("templates/", $name))))
    };
}

const TEMPLATES: &[(&str, &str)] = &[
    template!("login.html"),
    template!("quick.html"),
    template!("courthouse.html"),
    template!("receipt.html"),
    template!("refusal.html"),
];

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, text) in TEMPLATES {
        pages.add_template(name, text).expect("a template of the program reads: a test renders each");
    }
    pages
});

/// A text in both languages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    en: String,
    es: String,
}

/// What the pages say.
pub(super) struct Texts(BTreeMap<String, Text>);

static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    Texts(toml::from_str(include_str!("strings.toml")).expect("the texts of the program read: a test uses each"))
});

impl Texts {
    fn find(&self, key: &str, language: Language) -> Option<&str> {
        self.0.get(key).map(|text| match language {
            Language::En => text.en.as_str(),
            Language::Es => text.es.as_str(),
        })
    }

    fn all(&self, language: Language) -> BTreeMap<&str, &str> {
        self.0.keys().filter_map(|key| Some((key.as_str(), self.find(key, language)?))).collect()
    }
}

/// One text; empty where there is none of that name, which a test rules out.
pub(super) fn text(key: &str, language: Language) -> &'static str {
    TEXTS.find(key, language).unwrap_or_default()
}

/// Reads templates and texts now, so that a fault in them stops the start and not a page.
pub(super) fn prepare() {
    LazyLock::force(&PAGES);
    LazyLock::force(&TEXTS);
}

#[cfg(test)]
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    TEXTS.0.keys().map(String::as_str)
}

/// What every page knows.
pub(super) struct Frame<'a> {
    pub(super) language: Language,
    /// Where the page stands; the other language is under the same path.
    pub(super) path: &'a str,
    /// Who is logged in.
    pub(super) source: Option<&'a Source>,
    /// Of the cookie that comes back with the page's forms; empty where it has none.
    pub(super) form_token: String,
}

/// The state in which a form is shown.
pub(super) struct Shown<'a> {
    pub(super) typed: &'a Typed,
    pub(super) form_id: &'a str,
    pub(super) problems: &'a [Problem],
    /// Why it was not sent, where no field is to blame: the key of a text.
    pub(super) notice: Option<&'static str>,
    /// The session ended while the form was open.
    pub(super) ended: bool,
    /// The form was accepted before, with other words.
    pub(super) sent_before: Option<&'a Sent>,
    /// Decides which codes are offered.
    pub(super) now: Instant,
}

impl<'a> Shown<'a> {
    /// A form on which nothing is wrong.
    pub(super) const fn new(typed: &'a Typed, form_id: &'a str, now: Instant) -> Self {
        Self { typed, form_id, problems: &[], notice: None, ended: false, sent_before: None, now }
    }
}

#[derive(Serialize)]
struct FormContext<'a> {
    form_id: &'a str,
    notice: Option<&'static str>,
    problems: Vec<ProblemContext>,
    f: BTreeMap<&'static str, FieldContext<'a>>,
    ended: bool,
    sent_before: Option<String>,
}

#[derive(Serialize)]
struct ProblemContext {
    field: &'static str,
    label: String,
    message: String,
}

#[derive(Serialize)]
struct FieldContext<'a> {
    name: &'static str,
    label: String,
    hint: Option<&'static str>,
    value: &'a str,
    error: Option<String>,
    optional: bool,
    options: Vec<OptionContext>,
}

#[derive(Serialize)]
struct OptionContext {
    code: &'static str,
    label: String,
    definition: &'static str,
    chosen: bool,
}

/// The page with a form.
pub(super) fn form(frame: &Frame<'_>, status: StatusCode, shown: &Shown<'_>) -> Response<Body> {
    let (form, language) = (shown.typed.form(), frame.language);
    let told = |problem: &Problem| message(form, *problem, language);
    let context = FormContext {
        form_id: shown.form_id,
        notice: shown.notice.map(|key| text(key, language)),
        problems: shown
            .problems
            .iter()
            .filter_map(|problem| {
                let field = form.fields().iter().find(|field| field.name == problem.field)?;
                let (label, _) = label(form, field, language);
                Some(ProblemContext { field: problem.field, label, message: told(problem) })
            })
            .collect(),
        f: form
            .fields()
            .iter()
            .map(|field| {
                let (label, hint) = label(form, field, language);
                let context = FieldContext {
                    name: field.name,
                    label,
                    hint,
                    value: shown.typed.text(field.name),
                    error: shown.problems.iter().find(|problem| problem.field == field.name).map(told),
                    optional: field.name == "contact",
                    options: options(field, shown, language),
                };
                (field.name, context)
            })
            .collect(),
        ended: shown.ended,
        sent_before: shown.sent_before.map(|sent| sent.receipt.to_string()),
    };
    render(template(form), frame, status, &context)
}

const fn template(form: Form) -> &'static str {
    match form {
        Form::Quick => "quick.html",
        Form::Courthouse => "courthouse.html",
    }
}

/// A field's label, and the line under it: our own, else the taxonomy's.
fn label(form: Form, field: &Field, language: Language) -> (String, Option<&'static str>) {
    let key = format!("{}_{}", form.name(), field.name);
    match (TEXTS.find(&key, language), field.axis()) {
        (Some(own), _) => (own.to_owned(), TEXTS.find(&format!("{key}_hint"), language)),
        (None, Some(axis)) => (capital(axis.label.get(language)), Some(axis.definition.get(language))),
        (None, None) => (String::new(), None),
    }
}

fn options(field: &Field, shown: &Shown<'_>, language: Language) -> Vec<OptionContext> {
    field
        .offered(shown.now.date_naive())
        .map(|info| OptionContext {
            code: info.code,
            label: capital(info.label.get(language)),
            definition: info.definition.get(language),
            chosen: shown.typed.chose(field.name, info.code),
        })
        .collect()
}

/// What is wrong with a field, for the person who filled it in.
fn message(form: Form, problem: Problem, language: Language) -> String {
    let key = match problem.code {
        RejectCode::NothingReported if form == Form::Quick => "nothing_quick",
        RejectCode::NothingReported => "nothing_courthouse",
        RejectCode::TooLong => "too_long",
        RejectCode::ControlCharacter => "control_character",
        RejectCode::BadCode => "bad_code",
        RejectCode::BadCount => "bad_count",
        _ => "cannot_take",
    };
    let longest = if problem.field == "narrative" { LONGEST_NARRATIVE } else { LONGEST_TEXT };
    text(key, language).replace("{n}", &longest.to_string())
}

/// Labels are written for the middle of a sentence.
fn capital(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The page to log in on. `notice` is the key of what went wrong.
pub(super) fn log_in(frame: &Frame<'_>, status: StatusCode, next: Form, notice: Option<&str>) -> Response<Body> {
    #[derive(Serialize)]
    struct Context<'a> {
        next: &'a str,
        notice: Option<&'a str>,
    }
    let context = Context { next: next.name(), notice: notice.map(|key| text(key, frame.language)) };
    render("login.html", frame, status, &context)
}

/// The page with a receipt.
pub(super) fn receipt(frame: &Frame<'_>, form: Form, sent: &Sent) -> Response<Body> {
    #[derive(Serialize)]
    struct Context<'a> {
        /// In fours, as it is read aloud.
        receipt: Vec<String>,
        repeat: bool,
        next_path: &'a str,
        next_label: &'a str,
    }
    let digits = sent.receipt.to_string();
    let context = Context {
        receipt: digits.as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four).into_owned()).collect(),
        repeat: sent.repeats > 0,
        next_path: form.path(),
        next_label: text(&format!("receipt_next_{}", form.name()), frame.language),
    };
    render("receipt.html", frame, StatusCode::OK, &context)
}

/// A page that says why nothing was done: `NAME_title` and `NAME` are keys of texts.
pub(super) fn refusal(frame: &Frame<'_>, status: StatusCode, name: &str) -> Response<Body> {
    #[derive(Serialize)]
    struct Context<'a> {
        heading: &'a str,
        message: &'a str,
    }
    let heading = text(&format!("{name}_title"), frame.language);
    render("refusal.html", frame, status, &Context { heading, message: text(name, frame.language) })
}

fn render(template: &str, frame: &Frame<'_>, status: StatusCode, context: &impl Serialize) -> Response<Body> {
    #[derive(Serialize)]
    struct Page<'a, C> {
        lang: &'static str,
        other: &'static str,
        path: &'a str,
        source: Option<&'a str>,
        form_token: &'a str,
        /// Whether the page has a form with the id `report`.
        form: bool,
        nonce: &'a str,
        style: Value,
        t: BTreeMap<&'a str, &'a str>,
        #[serde(flatten)]
        context: &'a C,
    }
    let Some(nonce) = form_id() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let other = match frame.language {
        Language::En => Language::Es,
        Language::Es => Language::En,
    };
    let page = Page {
        lang: frame.language.as_str(),
        other: other.as_str(),
        path: frame.path,
        source: frame.source.map(|source| source.name.as_str()),
        form_token: &frame.form_token,
        form: matches!(template, "quick.html" | "courthouse.html"),
        nonce: &nonce,
        style: Value::from_safe_string(include_str!("style.css").to_owned()),
        t: TEXTS.all(frame.language),
        context,
    };
    // An error of a template could quote what it was filled with, so it is not told.
    let Ok(html) = PAGES.get_template(template).and_then(|template| template.render(Serde(&page))) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let policy = guard::policy(Some(&nonce));
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let language = HeaderValue::from_static(frame.language.as_str());
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CONTENT_LANGUAGE, language), (header::CONTENT_SECURITY_POLICY, policy)];
    (status, headers, html).into_response()
}
