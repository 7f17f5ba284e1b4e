//! The test data under `testdata`, the shared samples where they are at hand, and texts of no sense.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::*;

const FIELDS_EN: &str = include_str!("testdata/fields.en.txt");
const FIELDS_ES: &str = include_str!("testdata/fields.es.txt");
const MORE_EN: &str = include_str!("testdata/more.en.txt");
const MORE_ES: &str = include_str!("testdata/more.es.txt");
const MORE_NOTES_EN: &str = include_str!("testdata/more_notes.en.txt");
const MORE_NOTES_ES: &str = include_str!("testdata/more_notes.es.txt");
const NOTES_EN: &str = include_str!("testdata/notes.en.txt");
const NOTES_ES: &str = include_str!("testdata/notes.es.txt");

fn context(reported_at: &str, zone: &str) -> WhenContext {
    WhenContext {
        reported_at: Some(reported_at.parse().expect("an instant")),
        zone: zone.parse().expect("a zone"),
        language: None,
        date_order: None,
    }
}

/// The contexts of `refs.txt` by name.
fn refs() -> Vec<(&'static str, WhenContext)> {
    include_str!("testdata/refs.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let zone = columns[2].split('#').next().expect("a zone").trim();
            (columns[0], context(columns[1], zone))
        })
        .collect()
}

/// What is right for one expression; the first of each is the truth, the others are right too. `None` is unknown; an
/// empty list is not scored.
struct Truth {
    dates: Vec<Option<NaiveDate>>,
    times: Vec<Option<NaiveTime>>,
    precisions: Vec<Option<Precision>>,
}

impl Truth {
    fn date_is_right(&self, got: Option<NaiveDate>) -> bool {
        let wide = |truth: NaiveDate, got: NaiveDate| match self.precisions.first().copied().flatten() {
            Some(Precision::Month) => (truth.year(), truth.month()) == (got.year(), got.month()),
            Some(Precision::Week) => truth.iso_week() == got.iso_week(),
            _ => false,
        };
        self.dates.contains(&got)
            || self.dates.first().copied().flatten().is_some_and(|truth| got.is_some_and(|got| wide(truth, got)))
    }

    fn time_is_right(&self, got: Option<NaiveTime>) -> bool {
        let slack = if self.precisions.first() == Some(&Some(Precision::Hour)) { 30 } else { 0 };
        self.times.is_empty()
            || self.times.iter().any(|truth| match (truth, got) {
                (None, None) => true,
                (Some(truth), Some(got)) => (*truth - got).num_minutes().abs() <= slack,
                _ => false,
            })
    }
}

#[derive(Default, Debug, Clone, Copy)]
struct Score {
    all: usize,
    right: usize,
    wrong: usize,
    time: usize,
    precision: usize,
}

impl Score {
    /// Counts one; says what is not right with it.
    fn count(&mut self, truth: &Truth, got: (Option<NaiveDate>, Option<NaiveTime>, Precision)) -> Option<String> {
        let (date, time, precision) = got;
        let said = Some(precision).filter(|precision| *precision != Precision::Unknown);
        let date_right = truth.date_is_right(date);
        let time_right = truth.time_is_right(time);
        let precision_right = truth.precisions.is_empty() || truth.precisions.contains(&said);
        self.all += 1;
        self.right += usize::from(date_right);
        self.wrong += usize::from(!date_right && date.is_some());
        self.time += usize::from(time_right);
        self.precision += usize::from(precision_right);
        (!(date_right && time_right && precision_right)).then(|| {
            format!(
                "{date:?} {time:?} {} for {:?} {:?} {:?}",
                precision.as_str(),
                truth.dates,
                truth.times,
                truth.precisions
            )
        })
    }

    fn share(self, part: usize) -> f64 {
        100.0 * part as f64 / self.all.max(1) as f64
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [right, wrong, time, precision] =
            [self.right, self.wrong, self.time, self.precision].map(|n| self.share(n));
        write!(
            f,
            "{} | date right {right:.1} % wrong {wrong:.1} % | time {time:.1} % | precision {precision:.1} %",
            self.all
        )
    }
}

fn result(when: Option<When>) -> (Option<NaiveDate>, Option<NaiveTime>, Precision) {
    when.map_or((None, None, Precision::Unknown), |when| (when.date, when.time, when.precision))
}

/// Scores one of our files: the two thirds that rules were made with, and the third held back.
fn score(file: &str, text: &'static str, read: impl Fn(&str, &WhenContext) -> Option<When>) -> [Score; 2] {
    let refs = refs();
    let mut scores = [Score::default(); 2];
    let mut misses = String::new();
    let show_held = std::env::var_os("TESTIGO_WHEN_HELD").is_some();
    for (n, line) in text.lines().filter(|line| !line.starts_with('#')).enumerate() {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, expression, dates, times, precisions] = columns[..] else { panic!("{file}: five columns: {line}") };
        let context = refs.iter().find(|(known, _)| *known == name).expect("a known ref").1;
        let context =
            WhenContext { language: Some(if file.contains(".es.") { Language::Es } else { Language::En }), ..context };
        fn list<T>(text: &str, of: impl Fn(&str) -> Option<T>) -> Vec<Option<T>> {
            text.split(" or ").map(|one| (one != "-").then(|| of(one).expect("a value"))).collect()
        }
        let truth = Truth {
            dates: list(dates, |date| date.parse().ok()),
            times: list(times, |time| NaiveTime::parse_from_str(time, "%H:%M").ok()),
            precisions: list(precisions, Precision::from_code)
                .into_iter()
                .map(|precision| precision.filter(|precision| *precision != Precision::Unknown))
                .collect(),
        };
        let held = n % 3 == 2;
        let found = read(expression, &context);
        if let Some(when) = found {
            assert!(expression.get(when.span.0..when.span.1).is_some_and(|words| !words.is_empty()), "{expression}");
        }
        if let Some(miss) = scores[usize::from(held)].count(&truth, result(found))
            && (!held || show_held)
        {
            let rule = found.map_or("nothing", |when| when.rule);
            let _ = writeln!(misses, "  {name} {expression:?}: {miss} ({rule})");
        }
    }
    eprintln!("{file}: {}\n{file}, held back: {}\n{misses}", scores[0], scores[1]);
    scores
}

fn field(text: &str, context: &WhenContext) -> Option<When> {
    parse(text, context).ok()
}

/// Scores all files, and only then fails, so that one run shows everything.
fn hold(files: &[(&str, &'static str)], read: impl Fn(&str, &WhenContext) -> Option<When>, right: f64, wrong: f64) {
    let mut below = String::new();
    for (file, text) in files {
        for (score, third) in score(file, text, &read).into_iter().zip(["", ", held back"]) {
            if score.share(score.right) < right || score.share(score.wrong) > wrong {
                let _ = writeln!(below, "{file}{third}: {score}");
            }
        }
    }
    assert!(below.is_empty(), "below {right} % right or above {wrong} % wrong:\n{below}");
}

#[test]
fn fields_of_our_own() {
    let files = [
        ("fields.en.txt", FIELDS_EN),
        ("fields.es.txt", FIELDS_ES),
        ("more.en.txt", MORE_EN),
        ("more.es.txt", MORE_ES),
    ];
    hold(&files, field, 95.0, 2.0);
}

#[test]
fn notes_of_our_own() {
    let files = [
        ("notes.en.txt", NOTES_EN),
        ("notes.es.txt", NOTES_ES),
        ("more_notes.en.txt", MORE_NOTES_EN),
        ("more_notes.es.txt", MORE_NOTES_ES),
    ];
    hold(&files, find_in_text, 90.0, 3.0);
}

/// A directory of shared samples; says so when it is not there.
fn shared(below: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden").join(below);
    if !path.exists() {
        eprintln!("SKIPPED: the shared samples {below} are not here, nothing was checked against them");
        return None;
    }
    Some(path)
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).expect("a readable file");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The truth of one line of the shared samples.
fn truth_of(value: &serde_json::Value) -> Truth {
    fn list<T>(value: &serde_json::Value, key: &str, of: impl Fn(&str) -> Option<T>) -> Vec<Option<T>> {
        let read = |one: &serde_json::Value| one.as_str().filter(|text| *text != "unknown").and_then(&of);
        // A field that is absent is not scored.
        let mut all: Vec<_> = value.get(key).map(read).into_iter().collect();
        all.extend(value["accept"][key].as_array().into_iter().flatten().map(read));
        all
    }
    Truth {
        dates: list(value, "occurred_on", |date| date.parse().ok()),
        times: list(value, "occurred_time", |time| NaiveTime::parse_from_str(time, "%H:%M").ok()),
        precisions: list(value, "occurred_precision", Precision::from_code),
    }
}

#[test]
fn shared_dates() {
    let Some(path) = shared("09_reports/dates.ndjson") else { return };
    let mut score = Score::default();
    for line in lines(&path) {
        let text = line["text"].as_str().expect("a text");
        let context =
            context(line["reported_at"].as_str().expect("an instant"), line["zone"].as_str().expect("a zone"));
        if let Some(miss) = score.count(&truth_of(&line), result(field(text, &context))) {
            eprintln!("  {text:?}: {miss}");
        }
    }
    eprintln!("09_reports/dates.ndjson: {score}");
    assert!(score.share(score.right) >= 95.0 && score.share(score.wrong) <= 2.0, "{score}");
}

#[test]
fn shared_date_table() {
    let Some(path) = shared("08_dates/dates.csv") else { return };
    let mut score = Score::default();
    let mut reader = csv::Reader::from_path(path).expect("a table");
    for row in reader.records() {
        let row = row.expect("a row");
        let optional = |at: usize| Some(&row[at]).filter(|text| !text.is_empty());
        let truth = Truth {
            dates: vec![optional(4).map(|date| date.parse().expect("a date"))],
            times: vec![optional(5).map(|time| NaiveTime::parse_from_str(time, "%H:%M").expect("a time"))],
            precisions: vec![Precision::from_code(&row[6]).filter(|precision| *precision != Precision::Unknown)],
        };
        let context = WhenContext { language: Language::from_code(&row[1]), ..context(&row[2], &row[3]) };
        if let Some(miss) = score.count(&truth, result(field(&row[0], &context))) {
            eprintln!("  {:?}: {miss}", &row[0]);
        }
    }
    eprintln!("08_dates/dates.csv: {score}");
    assert!(score.share(score.right) >= 95.0 && score.share(score.wrong) <= 2.0, "{score}");
}

/// The zone of a report: that of its county, else of its state.
fn zone_of(note: &serde_json::Value, truth: &serde_json::Value) -> String {
    let county = truth["county_fips"].as_str().and_then(schemas::geography::county).map(|county| county.zone);
    let state = || schemas::geography::state(note["state"].as_str().unwrap_or("NY")).map(|state| state.zone);
    county.or_else(state).expect("a zone").to_owned()
}

/// Scores whole reports: the field where it is given and says a date, else the narrative.
fn score_reports(reports: &Path, truths: &Path, list_misses: bool) -> Score {
    let mut score = Score::default();
    for (note, truth) in lines(reports).iter().zip(&lines(truths)) {
        assert_eq!(note["external_id"], truth["external_id"]);
        if truth.get("occurred_on").is_none() {
            continue;
        }
        let context = context(note["reported_at"].as_str().expect("an instant"), &zone_of(note, truth));
        let given = note["occurred"].as_str().and_then(|text| field(text, &context)).filter(|when| when.date.is_some());
        let found = given.or_else(|| find_in_text(note["narrative"].as_str().expect("a text"), &context));
        if let Some(miss) = score.count(&truth_of(truth), result(found))
            && list_misses
        {
            eprintln!("  {}: {miss} ({})", note["external_id"], found.map_or("nothing", |when| when.rule));
        }
    }
    eprintln!("{}: {score}", reports.display());
    score
}

#[test]
fn shared_reports() {
    let Some(reports) = shared("09_reports/reports.ndjson") else { return };
    let score = score_reports(&reports, &reports.with_file_name("reports_truth.ndjson"), true);
    assert!(score.share(score.right) >= 95.0 && score.share(score.wrong) <= 2.0, "{score}");
}

#[test]
fn reports_of_our_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
    for (part, list_misses) in [("seen", true), ("unseen", false)] {
        let reports = corpus.join(part).join("reports.ndjson");
        let score = score_reports(&reports, &reports.with_file_name("truth.ndjson"), list_misses);
        assert!(score.share(score.right) >= 90.0 && score.share(score.wrong) <= 4.0, "{part}: {score}");
    }
}

/// Fragments that the grammar knows, for texts that go deep into it.
const FRAGMENTS: &[&str] = &[
    "5",
    "12",
    "31",
    "99",
    "0",
    "00",
    "2026",
    "0715",
    "1:",
    ":30",
    "/",
    "-",
    ".",
    ",",
    "°",
    "th",
    "am",
    "p",
    "a.m.",
    "T",
    "Z",
    "+05:00",
    "ayer",
    "mañana",
    "la",
    "de",
    "del",
    "a las",
    "around",
    "last",
    "Tuesday",
    "martes",
    "mar",
    "may",
    "Sept",
    "hace",
    "ago",
    "half",
    "media",
    "y",
    "to",
    "menos",
    "cuarto",
    "para las",
    "hours",
    "semanas",
    "month",
    "week of",
    "the",
    "every",
    "not",
    "no",
    "Time:",
    "DOB",
    "called",
    "anoche",
    "tonight",
    "noon",
    "at",
    "@",
    "~",
    "\n",
    "\u{301}",
    "ñ",
    "—",
    "🙂",
    "one",
    "veinte",
    "millones",
    "years",
    "first",
    "primero",
    "pasado",
    "next",
    "before last",
    "Christmas",
    "'",
    "’",
    "$",
    "#",
];

/// What must hold of any result.
fn sound(text: &str, context: &WhenContext, when: &When) {
    for (start, end) in std::iter::once(when.span).chain(when.time_span) {
        assert!(start < end && text.get(start..end).is_some(), "a span off the characters");
    }
    let Some(date) = when.date else {
        assert_eq!((when.time, when.precision), (None, Precision::Unknown));
        return;
    };
    let now = context.reported_at.expect("an instant").with_timezone(&context.zone).date_naive();
    assert!(date <= now && date.year() >= 2000, "{date}");
    assert_eq!(when.time.is_some(), matches!(when.precision, Precision::Minute | Precision::Hour));
    assert_ne!(when.precision, Precision::Unknown);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_safe(text in "\\PC{0,80}", place in 0_usize..5) {
        any(&text, place);
    }

    #[test]
    fn any_row_of_fragments_is_safe(
        parts in proptest::collection::vec((proptest::sample::select(FRAGMENTS), proptest::bool::ANY), 0..14),
        place in 0_usize..5,
    ) {
        let mut text = String::new();
        for (part, space) in parts {
            text.push_str(part);
            text.push_str(if space { " " } else { "" });
        }
        any(&text, place);
    }
}

fn any(text: &str, place: usize) {
    let context = refs()[place].1;
    for order in [None, Some(DateOrder::Dmy), Some(DateOrder::Ymd)] {
        let context = WhenContext { date_order: order, ..context };
        if let Ok(when) = parse(text, &context) {
            sound(text, &context, &when);
        }
        if let Some(when) = find_in_text(text, &context) {
            sound(text, &context, &when);
            assert!(when.date.is_some());
        }
        // Nor without the instant of the report, at the edges of time.
        let _ = parse(text, &WhenContext { reported_at: None, ..context });
        let _ = find_in_text(text, &WhenContext { reported_at: None, ..context });
        for edge in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let _ = parse(text, &WhenContext { reported_at: Some(edge), ..context });
            let _ = find_in_text(text, &WhenContext { reported_at: Some(edge), ..context });
        }
    }
}

#[test]
fn the_order_of_numbers_is_that_of_the_source() {
    let context = refs()[0].1;
    let read = |text: &str, order| {
        let when = parse(text, &WhenContext { date_order: Some(order), ..context }).expect("a date");
        (when.date.map(|date| (date.year(), date.month(), date.day())), when.rule)
    };
    assert_eq!(read("3/4/2026", DateOrder::Mdy), (Some((2026, 3, 4)), "us_date"));
    assert_eq!(read("3/4/2026", DateOrder::Dmy), (Some((2026, 4, 3)), "day_first_date"));
    assert_eq!(read("3/4", DateOrder::Dmy), (Some((2026, 4, 3)), "day_first_date"));
    assert_eq!(read("26/3/4", DateOrder::Ymd), (Some((2026, 3, 4)), "year_first_date"));
    assert_eq!(read("2026-03-04", DateOrder::Dmy), (Some((2026, 3, 4)), "iso_date"));
    assert_eq!(read("25/12/2025", DateOrder::Mdy), (None, "not_in_order"));
    assert_eq!(read("12/25/2025", DateOrder::Dmy), (None, "not_in_order"));
    assert_eq!(read("30/2/2026", DateOrder::Dmy), (None, "impossible"));
}

#[test]
fn refusals_say_why() {
    let context = refs()[0].1;
    for (text, rule) in [
        ("2026-05-15", "future"),
        ("tomorrow", "future"),
        ("hoy a las 5 de la tarde", "future"),
        ("1999-12-31", "before_2000"),
        ("Feb 30", "impossible"),
        ("the other day", "vague"),
        ("every Monday", "recurring"),
        ("el año pasado", "year_only"),
        ("Friday the 13th", "conflicting"),
    ] {
        let when = parse(text, &context).expect("something like a date");
        assert_eq!((when.date, when.rule), (None, rule), "{text}");
    }
    let nowhen = WhenContext { reported_at: None, ..context };
    assert_eq!(parse("yesterday", &nowhen).expect("words of time").rule, "no_reported_at");
    assert!(parse("May 3 2025", &nowhen).is_ok_and(|when| when.date.is_some()));
    for text in ["", "   ", "see narrative", "🙂", "courthouse lobby"] {
        assert_eq!(parse(text, &context), Err(NotADate), "{text}");
    }
}

#[test]
fn an_instant_becomes_local_as_a_whole() {
    let context = refs()[0].1;
    let when = parse("2026-05-14T02:30:00Z", &context).expect("an instant");
    assert_eq!(when.date, NaiveDate::from_ymd_opt(2026, 5, 13));
    assert_eq!(when.time, NaiveTime::from_hms_opt(21, 30, 0));
}
