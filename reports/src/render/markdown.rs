//! What a person reads, in CommonMark with tables, made from the sheets and the header alone: once, with marks, from which
//! `brief.md` and `brief.html` are made.
//!
//! What always holds: numbers are worked out here, words stand in the templates, one for each language; a mark is an HTML
//! comment that no label can forge, and none of them is left in `brief.md`.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use analytics::results::{ALL, Period, UNKNOWN};
use schemas::Language;
use schemas::clock::parse_rfc3339;
use schemas::taxonomy::{self, CodeAxis, EventClass, EventKind};
use schemas::time::Month;
use serde::Serialize;

use super::fill;
use crate::derived::series_from;
use crate::figures::Figure;
use crate::findings;
use crate::header::Header;
use crate::sheet::{Sheet, Sheets, Shown, thousands};
use crate::span::{Compared, Length, Span};
use crate::words::{
    in_period, label, long_day, long_month, month_name, no_county, no_state, of_period, period, plural, state, withheld,
};

pub(crate) const fn template(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../templates/brief.en.md"),
        Language::Es => include_str!("../templates/brief.es.md"),
    }
}

/// A line of a table. A label of [`ALL`] or [`UNKNOWN`] is for the template to name.
#[derive(Serialize)]
struct Line {
    /// Names the line, for who cites it: a mark, or nothing.
    mark: String,
    label: String,
    strong: bool,
    cells: Vec<String>,
}

/// A line of a sum: what came in during the period, and ever.
#[derive(Serialize)]
struct Part {
    part: &'static str,
    mark: String,
    period: String,
    all: String,
}

/// A table of courthouse arrests by one dimension.
#[derive(Serialize)]
struct Block {
    dimension: &'static str,
    lines: Vec<Line>,
}

/// Part of a whole.
#[derive(Serialize)]
struct Of {
    n: String,
    all: String,
}

/// How many persons the reports say were arrested: at least and at most.
#[derive(Serialize)]
struct Persons {
    min: String,
    max: String,
}

/// How many of the month's events came in during it.
#[derive(Serialize)]
struct Later {
    all: String,
    same: String,
    later: String,
}

/// The sources that were active in the month and in an earlier one.
#[derive(Serialize)]
struct SameSources {
    sources: String,
    of_month: String,
    /// "in August 2026"
    when: String,
    now: String,
    before: String,
}

/// An earlier brief.
#[derive(Serialize)]
struct Was {
    period: String,
    as_of: String,
}

#[derive(Serialize)]
struct Context<'a> {
    header: &'a Header,
    reason: Option<String>,
    hxl: bool,
    /// `month`, `quarter` or `year`.
    length: &'static str,
    period: String,
    in_period: String,
    of_period: String,
    last_month: String,
    /// Whether a number in the text is withheld for another's sake.
    withheld: bool,
    /// Whether one in the headline is.
    headline_withheld: bool,
    /// Which tables without a place hide a number, for it would tell one with a place.
    hidden_in: Vec<&'static str>,
    state: Option<&'static str>,
    as_of: String,
    snapshot: &'a str,
    findings: Vec<String>,
    /// The names of the stretches that lines compare.
    columns: Vec<String>,
    headline: Vec<Line>,
    /// Months in the series that ranks are of; none where the headline has no ranks.
    rank_of: Option<String>,
    year: String,
    year_before: String,
    before_month: String,
    persons: Option<Persons>,
    not_events: Vec<Line>,
    received: Vec<Part>,
    coded: Vec<Part>,
    bridge: Vec<Part>,
    later: Option<Later>,
    counties: Vec<Line>,
    tactics: Vec<Line>,
    pairs: Vec<Line>,
    settings: Vec<Line>,
    agencies: Vec<Line>,
    detainers: Vec<Line>,
    median_lag: Option<String>,
    courthouse: Vec<Line>,
    courthouse_dimensions: Vec<Block>,
    courthouse_where: Vec<Line>,
    undated: Option<Of>,
    nowhere: Option<Of>,
    not_coded: Option<Of>,
    tables: &'a [String],
    /// None where the brief has no such panels: one of a state, or of more than a month.
    same_sources: Option<Vec<SameSources>>,
    provisional_from: Option<String>,
    /// What `revisions` compares with.
    compared_with: Option<Was>,
    /// Months whose number of reports of events is another now.
    revised: Vec<Line>,
    series_from: Option<String>,
}

impl Context<'_> {
    /// Puts the marks of hidden cells into the language of the text: in tables they are English.
    fn translate_marks(&mut self, language: Language) {
        let tables = [&mut self.headline, &mut self.not_events, &mut self.counties, &mut self.tactics];
        let tables = tables.into_iter().chain([&mut self.settings, &mut self.agencies, &mut self.detainers]);
        let tables = tables.chain([&mut self.courthouse, &mut self.courthouse_where]);
        let tables = tables.chain(self.courthouse_dimensions.iter_mut().map(|block| &mut block.lines));
        for cell in tables.flatten().flat_map(|line| &mut line.cells) {
            *cell = cell.replace("withheld", withheld(language));
        }
    }
}

/// What a mark announces. A section and a footer reach to the next; a table has its caption as the paragraph before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark<'a> {
    Section(&'a str),
    /// `open`: shown even where it is long. `grouped`: lines below a strong one belong to it.
    Table {
        name: &'a str,
        open: bool,
        grouped: bool,
    },
    Figure(&'a str),
    /// A line of a table, by the code that it is about.
    Row(&'a str),
    Footer,
}

impl<'a> Mark<'a> {
    /// The mark that this comment is.
    pub(crate) fn parse(comment: &'a str) -> Option<Self> {
        let mut words = comment.trim().strip_prefix("<!--")?.strip_suffix("-->")?.split_ascii_whitespace();
        let mark = match (words.next()?, words.next()) {
            ("section", Some(name)) => Self::Section(name),
            ("figure", Some(name)) => Self::Figure(name),
            ("row", Some(code)) => Self::Row(code),
            ("footer", None) => Self::Footer,
            ("table", Some(name)) => {
                let flags: Vec<&str> = words.by_ref().collect();
                Self::Table { name, open: flags.contains(&"open"), grouped: flags.contains(&"grouped") }
            }
            _ => return None,
        };
        words.next().is_none().then_some(mark)
    }
}

/// `brief.md`: the text without its marks, with its figures as images.
pub(crate) fn plain(marked: &str, figures: &[Figure]) -> String {
    let mut out = String::with_capacity(marked.len());
    for line in marked.split_inclusive('\n') {
        match Mark::parse(line) {
            Some(Mark::Figure(name)) => {
                if let Some(figure) = figures.iter().find(|figure| figure.name == name) {
                    out.push_str(&format!("![{}](figures/{name}.svg)\n\n", escape(&figure.alt)));
                }
            }
            Some(_) => {}
            None => {
                let mut rest = line;
                while let Some((before, after)) = rest.split_once("<!--") {
                    out.push_str(before);
                    rest = after.split_once("-->").map_or("", |(_, after)| after);
                }
                out.push_str(rest);
            }
        }
    }
    out
}

/// The text, with its marks.
pub(crate) fn render(header: &Header, sheets: &Sheets, names: &[String]) -> Result<String, String> {
    let asked = header.parsed_period().ok_or("the header's period does not read")?;
    let as_of = header.parsed_as_of().ok_or("the header's instant does not read")?;
    let language = header.parsed_language().ok_or("the header's language does not read")?;
    let kinds = sheets.get("reports_month");
    let comparators = sheets.get("comparators");
    let courthouse = sheets.get("courthouse");
    let sums = sheets.get("sums");
    let compared = Compared::of(asked, series_from(kinds));
    let length = compared.this.length();
    let text = Text { language, compared: &compared };
    let provisional = header.parsed_provisional_from().filter(|month| *month <= asked.last);
    let column = |span: Span| {
        let is_late = provisional.is_some_and(|from| span.last >= from);
        // The word is the same in both languages.
        format!("{}{}", period(span, language), if is_late { " (provisional)" } else { "" })
    };
    let of_state = header.state.as_deref();
    let mut context = Context {
        header,
        reason: header.reason.as_deref().map(escape),
        hxl: header.hxl,
        length: match length {
            Length::Month => "month",
            Length::Quarter => "quarter",
            Length::Year => "year",
        },
        period: period(compared.this, language),
        in_period: in_period(compared.this, language),
        of_period: of_period(compared.this, language),
        last_month: long_month(asked.last, language),
        withheld: false,
        headline_withheld: false,
        hidden_in: Vec::new(),
        state: of_state.and_then(|code| state(code, language)),
        as_of: long_day(as_of.date_naive(), language),
        snapshot: header.snapshot_id.get(..8).unwrap_or(&header.snapshot_id),
        findings: findings::find(&compared, sheets, language).into_iter().map(|f| f.text).collect(),
        columns: compared.spans().map(column).collect(),
        headline: text.headline(comparators, kinds),
        rank_of: (length == Length::Month).then(|| months_in_series(comparators)).flatten(),
        year: asked.last.year().to_string(),
        year_before: (asked.last.year() - 1).to_string(),
        before_month: month_name(asked.last, language),
        persons: text.persons(kinds),
        not_events: text.not_events(kinds),
        received: parts(sums, "received", &RECEIVED),
        coded: parts(sums, "coded", &CODED),
        bridge: parts(sums, "bridge", &BRIDGE),
        later: if length == Length::Month && of_state.is_none() { later(sheets, &compared) } else { None },
        counties: text.counties(sheets.get("county_month"), of_state.is_some()),
        tactics: text.tactics(sheets.get("tactic_month")),
        pairs: text.pairs(sheets.get("tactic_pairs")),
        settings: text.settings(sheets.get("setting_month")),
        agencies: text.agencies(sheets.get("agency_month")),
        detainers: text.detainers(sheets.get("detainer_month"), of_state),
        median_lag: text.median_lag(sheets.get("completeness_month")),
        courthouse: courthouse_spans(courthouse),
        courthouse_dimensions: text.courthouse_dimensions(courthouse),
        courthouse_where: text.courthouse_where(courthouse),
        undated: of_all(sums, ("coded", "undated"), ("coded", "coded")),
        nowhere: nowhere(sheets, &compared),
        not_coded: of_all(sums, ("received", "rejected"), ("received", "received")),
        tables: names,
        same_sources: (of_state.is_none() && length == Length::Month).then(|| text.same_sources(sheets)),
        provisional_from: provisional.map(|month| long_month(month, language)),
        compared_with: was(header, language),
        revised: revised(sheets.get("revisions"), language),
        series_from: compared.series_from.map(|month| long_month(month, language)),
    };
    let lines = [&context.headline, &context.not_events, &context.counties, &context.tactics]
        .into_iter()
        .chain([&context.settings, &context.agencies, &context.detainers])
        .chain([&context.courthouse, &context.courthouse_where])
        .chain(context.courthouse_dimensions.iter().map(|block| &block.lines))
        .flatten();
    context.withheld = lines.flat_map(|line| &line.cells).any(|cell| cell.contains("withheld"));
    context.headline_withheld = context.headline.iter().flat_map(|line| &line.cells).any(|c| c.contains("withheld"));
    let hides = |lines: &[Line]| {
        lines.iter().flat_map(|line| &line.cells).any(|cell| cell.contains("withheld") || cell.starts_with('<'))
    };
    let tables = [("tactics", &context.tactics), ("settings", &context.settings), ("agencies", &context.agencies)];
    context.hidden_in = tables.into_iter().filter(|(_, lines)| hides(lines)).map(|(name, _)| name).collect();
    if context.withheld {
        context.translate_marks(language);
    }
    fill(template(language), &context)
}

fn was(header: &Header, language: Language) -> Option<Was> {
    let with = header.compared_with.as_ref()?;
    let of = Period::parse(&with.period)?;
    let as_of = parse_rfc3339(&with.data_as_of)?;
    Some(Was { period: period(Span::of(of), language), as_of: long_day(as_of.date_naive(), language) })
}

/// The months of `revisions`, of all reports of events.
fn revised(revisions: &Sheet, language: Language) -> Vec<Line> {
    let rows = revisions.with(&[("table", "reports_month"), ("key", "event_kind=all"), ("measure", "reports")]);
    let of = |row: &[String]| {
        let month = Month::parse(revisions.text(row, "month"))?;
        let cells = ["was", "is"]
            .map(|column| revisions.shown(row, column).to_string().replace("withheld", withheld(language)));
        Some(line(long_month(month, language), false, cells.to_vec()).of(&month.to_string()))
    };
    rows.filter_map(of).collect()
}

fn line(label: impl Into<String>, strong: bool, cells: Vec<String>) -> Line {
    let cells = if strong { cells.into_iter().map(|c| format!("**{c}**")).collect() } else { cells };
    Line { mark: String::new(), label: escape(&label.into()), strong, cells }
}

/// A mark that names a line.
fn row_mark(code: &str) -> String {
    let code: String = code.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
    format!("<!-- row {} -->", code.replace("--", "-"))
}

impl Line {
    /// The same, named by the code that it is about.
    fn of(self, code: &str) -> Self {
        Self { mark: row_mark(code), ..self }
    }
}

/// Keeps a label from being read as markup. A pipe would end the cell; an angle bracket becomes an entity, so that no label
/// holds what begins or ends a mark.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '&' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Whether cells tell of nothing at all.
fn is_silent(cells: &[String]) -> bool {
    cells.iter().all(|c| c == "0" || c == "–")
}

/// The columns of `comparators` that stand in the headline of a month.
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

const RECEIVED: [&str; 6] = ["received", "coded", "revisions", "repeats", "rejected", "waiting"];
const CODED: [&str; 7] = ["coded", "event", "undated", "non_event", "not_enforcement", "duplicate", "withdrawn"];
const BRIDGE: [&str; 9] = [
    "received",
    "events_this_month",
    "events_earlier",
    "undated",
    "not_events",
    "revisions",
    "repeats",
    "rejected",
    "waiting",
];

fn parts(sums: &Sheet, sum: &str, parts: &[&'static str]) -> Vec<Part> {
    let of = |scope: &str, part: &str| sums.value(&[("scope", scope), ("sum", sum), ("part", part)], "n").to_string();
    let part =
        |part: &&'static str| Part { part, mark: row_mark(part), period: of("period", part), all: of("all", part) };
    parts.iter().map(part).collect()
}

/// One part of all that ever came in, beside another.
fn of_all(sums: &Sheet, (sum, part): (&str, &str), (whole_sum, whole): (&str, &str)) -> Option<Of> {
    let number = |sum, part| sums.value(&[("scope", "all"), ("sum", sum), ("part", part)], "n").number();
    Some(Of { n: thousands(number(sum, part)?), all: thousands(number(whole_sum, whole)?) })
}

/// How many of the month's events came in after the month: the bridge from its funnel to its headline.
fn later(sheets: &Sheets, compared: &Compared) -> Option<Later> {
    let all = compared.shown(compared.this, sheets.get("reports_month"), &[("event_kind", ALL)], "reports").number()?;
    let same = compared.shown(compared.this, sheets.get("funnel_month"), &[], "events_this_month").number()?;
    Some(Later { all: thousands(all), same: thousands(same), later: thousands(all - same) })
}

/// The period's reports from a state that is not known.
fn nowhere(sheets: &Sheets, compared: &Compared) -> Option<Of> {
    let counties = sheets.get("county_month");
    let of = |state| compared.shown(compared.this, counties, &[("state", state), ("county_fips", ALL)], "reports");
    let all = thousands(of(ALL).number()?);
    let n = match of(UNKNOWN) {
        Shown::None => "0".to_owned(),
        shown => shown.to_string(),
    };
    Some(Of { n, all })
}

/// The name of a kind that the taxonomy does not name; the template has its words.
const OTHER: &str = "other";
/// How many pairs of tactics the text names, and from how many reports on.
const MOST_PAIRS: usize = 8;
const MANY_ENOUGH: i64 = 5;

const SPANS: [&str; 3] = ["month", "quarter", "12_months"];

fn courthouse_cells(sheet: &Sheet, keys: &[(&str, &str)]) -> Vec<String> {
    SPANS
        .iter()
        .map(|span| {
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
    if is_silent(&cells) {
        return Vec::new();
    }
    vec![line(ALL, true, cells).of(ALL)]
}

/// What a language and a period make of sheets.
struct Text<'a> {
    language: Language,
    compared: &'a Compared,
}

impl Text<'_> {
    fn cells(&self, sheet: &Sheet, keys: &[(&str, &str)], measure: &str) -> Vec<String> {
        self.compared.cells(sheet, keys, measure)
    }

    /// Each kind of event; of a month beside other months, from `comparators`.
    fn headline(&self, comparators: &Sheet, kinds: &Sheet) -> Vec<Line> {
        let cells = |kind: &str| {
            let mut cells = self.cells(kinds, &[("event_kind", kind)], "reports");
            if self.compared.this.length() == Length::Month {
                let key = format!("event_kind={kind}");
                let keys = [("table", "reports_month"), ("key", key.as_str()), ("measure", "reports")];
                match comparators.with(&keys).next() {
                    Some(row) => {
                        cells = COMPARED.iter().map(|column| decimal(comparators.text(row, column))).collect();
                    }
                    // Never reported: there is no row to compare.
                    None => cells.resize(COMPARED.len(), Shown::None.to_string()),
                }
            }
            cells
        };
        let mut lines = vec![line(ALL, true, cells(ALL)).of(ALL)];
        for kind in EventKind::ALL.iter().filter(|kind| kind.class() == EventClass::Event) {
            lines.push(line(plural(kind.info(), self.language), false, cells(kind.as_str())).of(kind.as_str()));
        }
        lines
    }

    fn not_events(&self, sheet: &Sheet) -> Vec<Line> {
        let kinds = EventKind::ALL.iter().filter(|kind| kind.class() != EventClass::Event);
        kinds
            .map(|kind| {
                let cells = self.cells(sheet, &[("event_kind", kind.as_str())], "reports");
                line(plural(kind.info(), self.language), false, cells).of(kind.as_str())
            })
            .filter(|line| !is_silent(&line.cells))
            .collect()
    }

    fn persons(&self, sheet: &Sheet) -> Option<Persons> {
        let of = |measure| self.compared.shown(self.compared.this, sheet, &[("event_kind", ALL)], measure).number();
        let (min, max) = (of("persons_arrested_min")?, of("persons_arrested_max")?);
        (max > 0).then(|| Persons { min: thousands(min), max: thousands(max) })
    }

    /// Every county that has a number to show, or a hidden one, in the stretches compared, under its state.
    fn counties(&self, sheet: &Sheet, one_state: bool) -> Vec<Line> {
        let month = self.compared.this.last.to_string();
        let states: BTreeSet<&str> =
            sheet.with(&[("month", &month), ("county_fips", ALL)]).map(|row| sheet.text(row, "state")).collect();
        let both = |keys: &[(&str, &str)]| {
            let mut cells = self.cells(sheet, keys, "reports");
            cells.extend(self.cells(sheet, keys, "arrests"));
            cells
        };
        // A hidden number ranks below every shown one.
        let rank = |keys: &[(&str, &str)]| {
            self.compared.shown(self.compared.this, sheet, keys, "reports").number().unwrap_or(1)
        };
        let mut ordered: Vec<&str> = states.iter().copied().filter(|s| *s != ALL && *s != UNKNOWN).collect();
        ordered.sort_by_key(|state| (Reverse(rank(&[("state", state), ("county_fips", ALL)])), *state));
        if states.contains(UNKNOWN) {
            ordered.push(UNKNOWN);
        }
        let mut lines = Vec::new();
        for code in ordered {
            let state_cells = both(&[("state", code), ("county_fips", ALL)]);
            if is_silent(&state_cells) {
                continue;
            }
            let name = state(code, self.language).unwrap_or(no_state(self.language));
            lines.push(line(name, true, state_cells).of(code));
            let rows = sheet.with(&[("month", &month), ("state", code)]);
            let mut below: Vec<(i64, Line)> = rows
                .filter(|row| sheet.text(row, "county_fips") != ALL && code != UNKNOWN)
                .filter_map(|row| {
                    let fips = sheet.text(row, "county_fips");
                    let keys = [("state", code), ("county_fips", fips)];
                    let cells = both(&keys);
                    let label = if fips == UNKNOWN { no_county(self.language) } else { sheet.text(row, "county") };
                    let id = if fips == UNKNOWN { format!("{code}-{UNKNOWN}") } else { fips.to_owned() };
                    (!is_silent(&cells)).then(|| (rank(&keys), line(label, false, cells).of(&id)))
                })
                .collect();
            below.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.label.cmp(&b.1.label)));
            lines.extend(below.into_iter().map(|(_, line)| line));
        }
        if !lines.is_empty() && !one_state {
            lines.push(line(ALL, true, both(&[("state", ALL), ("county_fips", ALL)])).of(ALL));
        }
        lines
    }

    /// What the sources say that were active before too, of all kinds of event together.
    fn same_sources(&self, sheets: &Sheets) -> Vec<SameSources> {
        let spans = [("previous_month", Some(self.compared.before)), ("same_month_last_year", self.compared.last_year)];
        let line = |(comparison, before): (&str, Option<Span>)| {
            let panel = sheets.panel(self.compared.this.last, comparison, ALL)?;
            Some(SameSources {
                sources: thousands(panel.sources),
                of_month: thousands(panel.of_month),
                when: in_period(before?, self.language),
                now: thousands(panel.now),
                before: thousands(panel.before),
            })
        };
        spans.into_iter().filter_map(line).collect()
    }

    fn tactics(&self, sheet: &Sheet) -> Vec<Line> {
        self.by_code("tactics", sheet, &[None], "tactic")
    }

    fn settings(&self, sheet: &Sheet) -> Vec<Line> {
        self.by_code("setting", sheet, &[None], "setting")
    }

    /// Each agency: as it was claimed to be, then as it was assessed.
    fn agencies(&self, sheet: &Sheet) -> Vec<Line> {
        self.by_code("agency_claimed", sheet, &[Some(("basis", "claimed")), Some(("basis", "assessed"))], "agency")
    }

    /// A line for each code of an axis that has something to show: the largest first (by the last of the bases, where there
    /// are several), what is not known last. The cells of each basis stand side by side.
    fn by_code(&self, axis: &str, sheet: &Sheet, bases: &[Option<(&str, &str)>], key: &str) -> Vec<Line> {
        let cells = |code: &str| -> Vec<String> {
            let of = |basis: &Option<_>| {
                let cells = |code| {
                    let keys: Vec<(&str, &str)> = basis.iter().copied().chain([(key, code)]).collect();
                    self.cells(sheet, &keys, "reports")
                };
                let nothing = Shown::None.to_string();
                // A code that was never told of has no row: it is zero where the series has a month at all.
                let zero = |(cell, unknown): (String, String)| {
                    if cell == nothing && unknown != nothing { "0".to_owned() } else { cell }
                };
                cells(code).into_iter().zip(cells(UNKNOWN)).map(zero).collect::<Vec<_>>()
            };
            bases.iter().flat_map(of).collect()
        };
        // A hidden number ranks below every shown one.
        let rank = |code: &str| {
            let keys: Vec<(&str, &str)> = bases.last().copied().flatten().into_iter().chain([(key, code)]).collect();
            self.compared.shown(self.compared.this, sheet, &keys, "reports").number().unwrap_or(1)
        };
        let codes = taxonomy::axis(axis).map_or(&[][..], |axis| axis.codes).iter().filter(|info| info.code != UNKNOWN);
        let mut lines: Vec<(i64, Line)> = codes
            .map(|info| (info, cells(info.code)))
            .filter(|(_, cells)| !is_silent(cells))
            .map(|(info, cells)| (rank(info.code), line(info.label.get(self.language), false, cells).of(info.code)))
            .collect();
        lines.sort_by_key(|line| Reverse(line.0));
        let mut lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
        let unknown = cells(UNKNOWN);
        if !lines.is_empty() || !is_silent(&unknown) {
            lines.push(line(UNKNOWN, false, unknown).of(UNKNOWN));
        }
        lines
    }

    /// Detainers and transfers: all, by kind, then by state. A kind that the taxonomy does not name is [`OTHER`].
    fn detainers(&self, sheet: &Sheet, of_state: Option<&str>) -> Vec<Line> {
        let here = of_state.unwrap_or(ALL);
        let cells = |state: &str, kind: &str| self.cells(sheet, &[("state", state), ("kind", kind)], "reports");
        let total = cells(here, ALL);
        if is_silent(&total) {
            return Vec::new();
        }
        let mut lines = vec![line(ALL, true, total).of(ALL)];
        for kind in ["detainer_hold", "transfer_at_release", OTHER] {
            let name = if kind == OTHER { kind.to_owned() } else { label("tactics", kind, self.language) };
            lines.push(line(name, false, cells(here, kind)).of(kind));
        }
        lines.retain(|line| !is_silent(&line.cells));
        if of_state.is_none() {
            let month = self.compared.this.last.to_string();
            let states = sheet.with(&[("month", &month), ("kind", ALL)]).map(|row| sheet.text(row, "state"));
            for code in states.filter(|code| *code != ALL) {
                let cells = cells(code, ALL);
                if !is_silent(&cells) {
                    let name = state(code, self.language).unwrap_or(no_state(self.language));
                    lines.push(line(name, false, cells).of(code));
                }
            }
        }
        lines
    }

    /// The pairs of tactics that are told of together most often.
    fn pairs(&self, sheet: &Sheet) -> Vec<Line> {
        let mut pairs: Vec<(i64, Line)> = sheet
            .rows()
            .iter()
            .filter_map(|row| {
                let n = sheet.shown(row, "reports").number().filter(|n| *n >= MANY_ENOUGH)?;
                let name = |key| label("tactics", sheet.text(row, key), self.language);
                let lift = decimal(sheet.text(row, "lift"));
                let both = format!("{} + {}", name("tactic_a"), name("tactic_b"));
                let id = format!("{}.{}", sheet.text(row, "tactic_a"), sheet.text(row, "tactic_b"));
                Some((n, line(both, false, vec![thousands(n), lift]).of(&id)))
            })
            .collect();
        pairs.sort_by_key(|pair| Reverse(pair.0));
        pairs.truncate(MOST_PAIRS);
        pairs.into_iter().map(|(_, line)| line).collect()
    }

    /// Median days until the sources without a public name got a report, of those received in the period's last month.
    fn median_lag(&self, sheet: &Sheet) -> Option<String> {
        let month = self.compared.this.last.to_string();
        let row = sheet.with(&[("month", &month), ("source", "pooled")]).next()?;
        let text = sheet.text(row, "median_lag_days");
        (!text.is_empty() && text != "withheld").then(|| decimal(text))
    }

    fn courthouse_dimensions(&self, sheet: &Sheet) -> Vec<Block> {
        let dimensions =
            ["court_type", "court_stage", "court_role", "place_relation", "authority_shown", "staff_assist"];
        dimensions
            .into_iter()
            .filter_map(|dimension| {
                let total = [("state", ALL), ("county_fips", ALL), ("dimension", dimension), ("span", "12_months")];
                let lines: Vec<Line> = sheet
                    .with(&total)
                    .filter(|row| sheet.text(row, "code") != ALL)
                    .filter_map(|row| {
                        let code = sheet.text(row, "code");
                        let keys = [("state", ALL), ("county_fips", ALL), ("dimension", dimension), ("code", code)];
                        let cells = courthouse_cells(sheet, &keys);
                        let name =
                            if code == UNKNOWN { code.to_owned() } else { label(dimension, code, self.language) };
                        (!is_silent(&cells)).then(|| line(name, false, cells).of(code))
                    })
                    .collect();
                (!lines.is_empty()).then_some(Block { dimension, lines })
            })
            .collect()
    }

    /// Counties with courthouse reports, where at least half of the cells show; else states.
    fn courthouse_where(&self, sheet: &Sheet) -> Vec<Line> {
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
            let (code, fips) = (sheet.text(row, "state"), sheet.text(row, "county_fips"));
            let keys = [("state", code), ("county_fips", fips), ("dimension", "court_type"), ("code", ALL)];
            let cells = courthouse_cells(sheet, &keys);
            if is_silent(&cells) {
                continue;
            }
            let name = match schemas::geography::county(fips) {
                _ if !by_county => state(code, self.language).unwrap_or(no_state(self.language)).to_owned(),
                Some(county) => format!("{}, {code}", county.name),
                None => format!("{}, {code}", no_county(self.language)),
            };
            let id = match fips {
                _ if !by_county => code.to_owned(),
                UNKNOWN => format!("{code}-{UNKNOWN}"),
                fips => fips.to_owned(),
            };
            lines.push((sheet.shown(row, "reports").number().unwrap_or(1), line(name, false, cells).of(&id)));
        }
        lines.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.label.cmp(&b.1.label)));
        lines.into_iter().map(|(_, line)| line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_text_and_forges_no_mark() {
        let label = "<script>alert(1)</script> | <!-- section x --> &lt; **b** [a](b)\n# c";
        let cell = line(label, false, Vec::new()).label;
        assert!(!cell.contains("<!--") && !cell.contains('\n'), "{cell}");
        assert_eq!(plain(&format!("| {cell} |\n"), &[]), format!("| {cell} |\n"));
        let events: Vec<_> = pulldown_cmark::Parser::new(&cell).collect();
        let text: String = events
            .iter()
            .filter_map(|event| if let pulldown_cmark::Event::Text(text) = event { Some(&**text) } else { None })
            .collect();
        assert_eq!(text, label.replace('\n', " "), "read as written, and as nothing else: {events:?}");
    }

    #[test]
    fn marks_are_told_apart_and_left_out_of_the_text() {
        assert_eq!(Mark::parse("<!-- section where -->\n"), Some(Mark::Section("where")));
        assert_eq!(
            Mark::parse("<!-- table where grouped -->"),
            Some(Mark::Table { name: "where", open: false, grouped: true })
        );
        assert_eq!(Mark::parse("<!-- footer -->"), Some(Mark::Footer));
        assert_eq!(Mark::parse("<!-- footer x -->"), None);
        assert_eq!(Mark::parse("text <!-- footer -->"), None);
        let figure = Figure { name: "map", title: "A map".into(), alt: "All [of] it".into(), svg: String::new() };
        let marked = "<!-- section a -->\n## A\n\n<!-- figure map -->\n<!-- figure none -->\n| <!-- row b -->b | 1 |\n";
        assert_eq!(plain(marked, &[figure]), "## A\n\n![All \\[of\\] it](figures/map.svg)\n\n| b | 1 |\n");
    }
}
