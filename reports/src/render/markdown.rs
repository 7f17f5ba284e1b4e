//! `brief.md`: what a person reads, in CommonMark with tables, made from the sheets and the header alone.

use std::collections::BTreeSet;

use analytics::results::{ALL, Period, UNKNOWN};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use schemas::taxonomy::{self, CodeAxis, EventClass, EventKind};
use schemas::time::Month;
use serde::Serialize;

use crate::derived::series_from;
use crate::findings;
use crate::header::Header;
use crate::sheet::{Sheet, Sheets, Shown, thousands};

const TEMPLATE: &str = include_str!("../templates/brief.en.md");

/// A line of a table that compares a month with the one before and the one a year before.
#[derive(Serialize)]
struct Line {
    label: String,
    strong: bool,
    cells: Vec<String>,
}

#[derive(Serialize)]
struct Part {
    label: &'static str,
    period: String,
    all: String,
}

#[derive(Serialize)]
struct Block {
    title: String,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Context<'a> {
    header: &'a Header,
    title: String,
    month: String,
    month_before: String,
    month_last_year: String,
    as_of: String,
    snapshot: &'a str,
    findings: Vec<String>,
    headline: Vec<Line>,
    rank_of: Option<String>,
    year: String,
    year_before: String,
    persons: Option<String>,
    not_events: Vec<Line>,
    received: Vec<Part>,
    bridge: Vec<Part>,
    coded: Vec<Part>,
    later: Option<String>,
    counties: Vec<Line>,
    counties_hidden: usize,
    tactics: Vec<Line>,
    courthouse: Vec<Line>,
    courthouse_dimensions: Vec<Block>,
    courthouse_where: Vec<Line>,
    quality: Vec<String>,
    tables: &'a [String],
    series_from: Option<String>,
}

/// The text.
pub(crate) fn render(header: &Header, sheets: &Sheets, names: &[String]) -> Result<String, String> {
    let period = header.parsed_period().ok_or("the header's period does not read")?;
    let as_of = header.parsed_as_of().ok_or("the header's instant does not read")?;
    let months = Months::of(period, sheets.get("reports_month"));
    let counties = counties(sheets.get("county_month"), &months);
    let context = Context {
        header,
        title: format!("Enforcement tactics reported, {}", long_month(period.last)),
        month: long_month(period.last),
        month_before: long_month(months.before),
        month_last_year: long_month(months.last_year),
        as_of: as_of.format("%-d %B %Y").to_string(),
        snapshot: header.snapshot_id.get(..8).unwrap_or(&header.snapshot_id),
        findings: findings::find(period, sheets).into_iter().map(|f| f.text).collect(),
        headline: headline(sheets.get("comparators"), sheets.get("reports_month"), &months),
        rank_of: months_in_series(sheets.get("comparators")),
        year: period.last.year().to_string(),
        year_before: format!("{} to {}", period.last.year() - 1, months.last_year.first_day().format("%B")),
        persons: persons(sheets.get("reports_month"), period.last),
        not_events: not_events(sheets.get("reports_month"), &months),
        received: parts(sheets.get("sums"), "received", RECEIVED),
        bridge: parts(sheets.get("sums"), "bridge", BRIDGE),
        coded: parts(sheets.get("sums"), "coded", CODED),
        later: later(sheets, period.last),
        counties_hidden: counties.1,
        counties: counties.0,
        tactics: tactics(sheets.get("tactic_month"), &months),
        courthouse: courthouse_spans(sheets.get("courthouse")),
        courthouse_dimensions: courthouse_dimensions(sheets.get("courthouse")),
        courthouse_where: courthouse_where(sheets.get("courthouse")),
        quality: quality(sheets, period),
        tables: names,
        series_from: months.series_from.map(long_month),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let whitespace = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(whitespace.map_err(|e| format!("the template engine's settings do not hold: {e:#}"))?);
    environment.render_str(TEMPLATE, Serde(&context)).map_err(|e| format!("the text's template fails: {e:#}"))
}

/// The months that a line compares.
struct Months {
    this: Month,
    before: Month,
    last_year: Month,
    /// The first month of the table with a report: what lies before it is no zero.
    series_from: Option<Month>,
}

impl Months {
    fn of(period: Period, kinds: &Sheet) -> Self {
        let series_from = series_from(kinds);
        Self { this: period.last, before: period.last.plus(-1), last_year: period.last.plus(-12), series_from }
    }

    /// The cells of a line: this month, the month before, the same month last year.
    fn cells(&self, sheet: &Sheet, keys: &[(&str, &str)], measure: &str) -> Vec<String> {
        let cell = |month: Month| {
            if month != self.this && self.series_from.is_none_or(|first| month < first) {
                return Shown::None.to_string();
            }
            let text = month.to_string();
            let mut all = vec![("month", text.as_str())];
            all.extend_from_slice(keys);
            sheet.value(&all, measure).to_string()
        };
        vec![cell(self.this), cell(self.before), cell(self.last_year)]
    }
}

fn long_month(month: Month) -> String {
    month.first_day().format("%B %Y").to_string()
}

fn line(label: impl Into<String>, strong: bool, cells: Vec<String>) -> Line {
    let cells = if strong { cells.into_iter().map(|c| format!("**{c}**")).collect() } else { cells };
    Line { label: escape(&label.into()), strong, cells }
}

/// Keeps a label from being read as markup. A pipe would end the cell.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '\\') {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

fn plural(info: &taxonomy::CodeInfo) -> &'static str {
    info.plural.as_ref().map_or(info.label.en, |p| p.en)
}

/// Each kind of event beside other months, from `comparators`.
fn headline(comparators: &Sheet, kinds: &Sheet, months: &Months) -> Vec<Line> {
    let cells = |kind: &str| {
        let key = format!("event_kind={kind}");
        let row = comparators.with(&[("table", "reports_month"), ("key", &key), ("measure", "reports")]).next();
        let Some(row) = row else {
            // Never reported: no row to compare.
            let mut cells = months.cells(kinds, &[("event_kind", kind)], "reports");
            cells.resize(COMPARED.len(), Shown::None.to_string());
            return cells;
        };
        COMPARED.iter().map(|column| decimal(comparators.text(row, column))).collect()
    };
    let mut lines = vec![line("reports of events", true, cells(ALL))];
    for kind in EventKind::ALL.iter().filter(|kind| kind.class() == EventClass::Event) {
        lines.push(line(plural(kind.info()), false, cells(kind.as_str())));
    }
    lines
}

/// The columns of `comparators` that stand in the headline.
const COMPARED: [&str; 7] = [
    "value",
    "previous_month",
    "same_month_last_year",
    "mean_6_months",
    "rank",
    "year_to_date",
    "year_to_date_last_year",
];

/// A cell of a table as a text prints it: thousands apart, a dash where there is nothing.
fn decimal(text: &str) -> String {
    let (whole, part) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    match (whole.parse(), part) {
        (Ok(n), None) => thousands(n),
        (Ok(n), Some(part)) => format!("{}.{part}", thousands(n)),
        (Err(_), _) if text.is_empty() => Shown::None.to_string(),
        (Err(_), _) => text.to_owned(),
    }
}

/// How many months the ranks of the headline are of.
fn months_in_series(comparators: &Sheet) -> Option<String> {
    let keys = [("table", "reports_month"), ("key", "event_kind=all"), ("measure", "reports")];
    let row = comparators.with(&keys).next()?;
    Some(comparators.text(row, "months_in_series").to_owned())
}

fn not_events(sheet: &Sheet, months: &Months) -> Vec<Line> {
    let kinds = EventKind::ALL.iter().filter(|kind| kind.class() != EventClass::Event);
    kinds
        .map(|kind| line(plural(kind.info()), false, months.cells(sheet, &[("event_kind", kind.as_str())], "reports")))
        .filter(|line| line.cells.iter().any(|c| c != "0" && c != "–"))
        .collect()
}

/// How many persons the month's reports say were arrested.
fn persons(sheet: &Sheet, month: Month) -> Option<String> {
    let month = month.to_string();
    let keys = [("month", month.as_str()), ("event_kind", ALL)];
    let (min, max) = (sheet.value(&keys, "persons_arrested_min"), sheet.value(&keys, "persons_arrested_max"));
    Some(match (min.number()?, max.number()?) {
        (0, 0) => return None,
        (a, b) if a == b => format!("{} persons", thousands(a)),
        (a, b) => format!("{} to {} persons", thousands(a), thousands(b)),
    })
}

const RECEIVED: &[(&str, &str)] = &[
    ("received", "**submissions received**"),
    ("coded", "coded: the first of their id"),
    ("revisions", "revisions of earlier ones"),
    ("repeats", "repeats: the same again"),
    ("rejected", "could not be coded; kept, with the reason, until they can"),
    ("waiting", "waiting to be coded"),
];

const CODED: &[(&str, &str)] = &[
    ("coded", "**coded reports**"),
    ("event", "events, dated to a month"),
    ("undated", "events that cannot be dated to one month"),
    ("non_event", "no event: requests for information, letters and calls, unclear"),
    ("not_enforcement", "looked at, and not enforcement"),
    ("duplicate", "told by the source to be a duplicate"),
    ("withdrawn", "withdrawn"),
];

const BRIDGE: &[(&str, &str)] = &[
    ("received", "**submissions received**"),
    ("events_this_month", "events of the same month"),
    ("events_earlier", "events of earlier months"),
    ("undated", "events without a month"),
    ("not_events", "no events: the last four lines above"),
    ("revisions", "revisions"),
    ("repeats", "repeats"),
    ("rejected", "could not be coded"),
    ("waiting", "waiting"),
];

fn parts(sums: &Sheet, sum: &str, labels: &[(&str, &'static str)]) -> Vec<Part> {
    let of = |scope: &str, part: &str| sums.value(&[("scope", scope), ("sum", sum), ("part", part)], "n").to_string();
    labels.iter().map(|(part, label)| Part { label, period: of("period", part), all: of("all", part) }).collect()
}

/// How many of the month's events came in after the month: the bridge from its funnel to its headline.
fn later(sheets: &Sheets, month: Month) -> Option<String> {
    let month = month.to_string();
    let kinds = sheets.get("reports_month");
    let total = kinds.value(&[("month", &month), ("event_kind", ALL)], "reports").number()?;
    let funnel = sheets.get("funnel_month");
    let same = funnel.value(&[("month", &month)], "events_this_month").number()?;
    Some(format!(
        "Of the {} reports of events of this month, {} came in during the month itself and {} later.",
        thousands(total),
        thousands(same),
        thousands(total - same),
    ))
}

/// Every county that has a number to show, or a hidden one, in the months compared, under its state.
fn counties(sheet: &Sheet, months: &Months) -> (Vec<Line>, usize) {
    let month = months.this.to_string();
    let states: BTreeSet<&str> =
        sheet.with(&[("month", &month), ("county_fips", ALL)]).map(|row| sheet.text(row, "state")).collect();
    let mut lines = Vec::new();
    let mut hidden = 0;
    let both = |keys: &[(&str, &str)]| {
        let mut cells = months.cells(sheet, keys, "reports");
        cells.extend(months.cells(sheet, keys, "arrests"));
        cells
    };
    let mut ordered: Vec<&str> = states.iter().copied().filter(|s| *s != ALL && *s != UNKNOWN).collect();
    // The state with most reports first; a hidden number ranks below every shown one.
    let total = |state: &str| {
        let keys = [("month", month.as_str()), ("state", state), ("county_fips", ALL)];
        sheet.value(&keys, "reports").number().unwrap_or(1)
    };
    ordered.sort_by_key(|state| (std::cmp::Reverse(total(state)), *state));
    if states.contains(UNKNOWN) {
        ordered.push(UNKNOWN);
    }
    for state in ordered {
        let state_cells = both(&[("state", state), ("county_fips", ALL)]);
        if state_cells.iter().all(|c| c == "0" || c == "–") {
            continue;
        }
        let name = match schemas::geography::state(state) {
            Some(known) => known.name_en.to_owned(),
            None => String::from("state not known"),
        };
        lines.push(line(name, true, state_cells));
        let rows = sheet.with(&[("month", &month), ("state", state)]);
        let mut below: Vec<(i64, Line)> = rows
            .filter(|row| sheet.text(row, "county_fips") != ALL && state != UNKNOWN)
            .filter_map(|row| {
                let fips = sheet.text(row, "county_fips");
                let keys = [("state", state), ("county_fips", fips)];
                let cells = both(&keys);
                hidden += cells[..1].iter().filter(|c| c.starts_with('<') || *c == "withheld").count();
                let label = if fips == UNKNOWN {
                    String::from("county not known")
                } else {
                    sheet.text(row, "county").to_owned()
                };
                let rank = sheet.shown(row, "reports").number().unwrap_or(1);
                (!cells.iter().all(|c| c == "0" || c == "–")).then(|| (rank, line(label, false, cells)))
            })
            .collect();
        below.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.label.cmp(&b.1.label)));
        lines.extend(below.into_iter().map(|(_, line)| line));
    }
    let all_cells = both(&[("state", ALL), ("county_fips", ALL)]);
    if !lines.is_empty() {
        lines.push(line("all", true, all_cells));
    }
    (lines, hidden)
}

fn tactics(sheet: &Sheet, months: &Months) -> Vec<Line> {
    let mut lines: Vec<(i64, Line)> = Vec::new();
    for info in taxonomy::axis("tactics").map_or(&[][..], |axis| axis.codes) {
        let cells = months.cells(sheet, &[("tactic", info.code)], "reports");
        if cells.iter().any(|c| c != "0" && c != "–") {
            let keys = [("month", months.this.to_string()), ("tactic", info.code.to_owned())];
            let keys: Vec<(&str, &str)> = keys.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let rank = sheet.value(&keys, "reports").number().unwrap_or(1);
            lines.push((rank, line(info.label.en, false, cells)));
        }
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.0));
    let mut lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
    let unknown = months.cells(sheet, &[("tactic", UNKNOWN)], "reports");
    if !lines.is_empty() || unknown.iter().any(|c| c != "0" && c != "–") {
        lines.push(line("no tactic told", false, unknown));
    }
    lines
}

const SPANS: [(&str, &str); 3] = [("month", "this month"), ("quarter", "three months"), ("12_months", "twelve months")];

fn courthouse_cells(sheet: &Sheet, keys: &[(&str, &str)]) -> Vec<String> {
    SPANS
        .iter()
        .map(|(span, _)| {
            let mut all = vec![("span", *span)];
            all.extend_from_slice(keys);
            sheet.value(&all, "reports").to_string()
        })
        .collect()
}

/// The total of all courthouses, in the three spans.
fn courthouse_spans(sheet: &Sheet) -> Vec<Line> {
    let keys = [("state", ALL), ("county_fips", ALL), ("dimension", "court_type"), ("code", ALL)];
    let cells = courthouse_cells(sheet, &keys);
    if cells.iter().all(|c| c == "0" || c == "–") {
        return Vec::new();
    }
    vec![line("reports of events at courthouses", true, cells)]
}

fn courthouse_dimensions(sheet: &Sheet) -> Vec<Block> {
    let titles = [
        ("court_type", "Kind of court"),
        ("court_stage", "Stage of the person's case"),
        ("court_role", "Why the person was there"),
        ("place_relation", "Where at the courthouse"),
        ("authority_shown", "Authority that was shown"),
        ("staff_assist", "Help from court staff"),
    ];
    titles
        .iter()
        .filter_map(|(dimension, title)| {
            let total = [("state", ALL), ("county_fips", ALL), ("dimension", *dimension), ("span", "12_months")];
            let lines: Vec<Line> = sheet
                .with(&total)
                .filter(|row| sheet.text(row, "code") != ALL)
                .filter_map(|row| {
                    let code = sheet.text(row, "code");
                    let keys = [("state", ALL), ("county_fips", ALL), ("dimension", *dimension), ("code", code)];
                    let cells = courthouse_cells(sheet, &keys);
                    let label = code_label(dimension, code);
                    (!cells.iter().all(|c| c == "0" || c == "–")).then(|| line(label, false, cells))
                })
                .collect();
            (!lines.is_empty()).then(|| Block { title: (*title).to_owned(), lines })
        })
        .collect()
}

/// Counties with courthouse reports, where at least half of the cells show; else states.
fn courthouse_where(sheet: &Sheet) -> Vec<Line> {
    let base = [("dimension", "court_type"), ("code", ALL), ("span", "12_months")];
    let mut lines = Vec::new();
    let rows: Vec<_> = sheet.with(&base).filter(|row| sheet.text(row, "state") != ALL).collect();
    let is_county = |row: &[String]| sheet.text(row, "county_fips") != ALL;
    let told = rows.iter().filter(|row| is_county(row) && sheet.shown(row, "reports").number() != Some(0));
    let (shown, all) = told.fold((0usize, 0usize), |(shown, all), row| {
        (shown + usize::from(sheet.shown(row, "reports").number().is_some()), all + 1)
    });
    let by_county = shown * 2 >= all;
    for row in rows.iter().filter(|row| is_county(row) == by_county) {
        let (state, fips) = (sheet.text(row, "state"), sheet.text(row, "county_fips"));
        let keys = [("state", state), ("county_fips", fips), ("dimension", "court_type"), ("code", ALL)];
        let cells = courthouse_cells(sheet, &keys);
        if cells.iter().all(|c| c == "0" || c == "–") {
            continue;
        }
        let state_name = schemas::geography::state(state).map_or("state not known", |s| s.name_en);
        let label = match schemas::geography::county(fips) {
            _ if !by_county => state_name.to_owned(),
            Some(county) => format!("{}, {state}", county.name),
            None => format!("county not known, {state}"),
        };
        lines.push((sheet.shown(row, "reports").number().unwrap_or(1), line(label, false, cells)));
    }
    lines.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.label.cmp(&b.1.label)));
    lines.into_iter().map(|(_, line)| line).collect()
}

fn code_label(axis: &str, code: &str) -> String {
    let info = taxonomy::axis(axis).and_then(|a| a.codes.iter().find(|c| c.code == code));
    match (axis, code, info) {
        ("staff_assist", "yes", _) => "told".into(),
        (_, UNKNOWN, _) => "not told".into(),
        (_, _, Some(info)) => info.label.en.to_owned(),
        _ => code.to_owned(),
    }
}

/// What a reader should know of how good the data are.
fn quality(sheets: &Sheets, period: Period) -> Vec<String> {
    let mut lines = Vec::new();
    let sums = sheets.get("sums");
    let all = |sum: &str, part: &str| sums.value(&[("scope", "all"), ("sum", sum), ("part", part)], "n").number();
    if let (Some(undated), Some(coded)) = (all("coded", "undated"), all("coded", "coded")) {
        lines.push(format!(
            "**Undated.** {} of {} coded reports tell of an event whose date is not known, or only to a week or month that \
             reaches over a month's end. They count in no month.",
            thousands(undated),
            thousands(coded),
        ));
    }
    let month = period.last.to_string();
    let counties = sheets.get("county_month");
    let of = |keys: &[(&str, &str)]| counties.value(keys, "reports");
    let total = of(&[("month", &month), ("state", ALL), ("county_fips", ALL)]);
    let nowhere = of(&[("month", &month), ("state", UNKNOWN), ("county_fips", ALL)]);
    if let Shown::Number(n) = total {
        lines.push(format!(
            "**Place.** Of the {} reports of events of this month, {} come from a state that is not known.",
            thousands(n),
            nowhere_text(nowhere),
        ));
    }
    if let (Some(rejected), Some(received)) = (all("received", "rejected"), all("received", "received")) {
        lines.push(format!(
            "**Not coded.** {} of {} submissions so far could not be coded. None is dropped: each is kept with its reason, and \
             is tried again after a fix.",
            thousands(rejected),
            thousands(received),
        ));
    }
    lines
}

fn nowhere_text(shown: Shown<'_>) -> String {
    match shown {
        Shown::None => "0".into(),
        shown => shown.to_string(),
    }
}
