//! What stands out in a period: sentences by rule.
//!
//! What always holds: a finding names its number, what it is compared with and what it is not; it is made from printed
//! cells only; a small base makes nothing loud, and of many numbers that are looked at at once, only a change that would
//! stand out among all of them is named. "Nothing stands out" is a finding too.

use analytics::results::ALL;
use schemas::Language;
use schemas::taxonomy::{self, CodeAxis};

use crate::sheet::{Panel, Sheet, Sheets, thousands};
use crate::span::{Compared, Length, Span};
use crate::words::{capital, plural};

/// Below this, neither of two numbers is loud enough to be compared in a headline.
const LOUD: i64 = 10;
/// How large a change of one of the six kinds of event must be, in standard deviations.
const KINDS: f64 = 2.5;
/// The same where some eighty tactics, settings and counties are looked at: three is passed by chance in one of 370.
const MANY: f64 = 3.0;
/// How many findings a brief leads with.
const MOST: usize = 5;

/// One sentence or two, and how sure the change is (in standard deviations of two Poisson counts).
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub text: String,
    pub weight: f64,
}

/// What a change does not say.
#[derive(Debug, Clone, Copy)]
enum Caveat {
    TwoSources,
    NotRuledOut,
    AsTold,
    SilentCounty,
    MoreCalls,
}

/// The words of a language, for periods of a length.
struct Words {
    language: Language,
    length: Length,
}

impl Words {
    fn caveat(&self, caveat: Caveat) -> &'static str {
        match (caveat, self.language) {
            (Caveat::TwoSources, Language::En) => "Two sources can tell of the same event.",
            (Caveat::TwoSources, Language::Es) => "Dos fuentes pueden hablar del mismo hecho.",
            (Caveat::NotRuledOut, Language::En) => "A report that does not mention it does not rule it out.",
            (Caveat::NotRuledOut, Language::Es) => "Que un reporte no lo mencione no lo descarta.",
            (Caveat::AsTold, Language::En) => "The setting is what the report says; an event is not always an arrest.",
            (Caveat::AsTold, Language::Es) => {
                "El tipo de lugar es el que dice el reporte; un hecho no siempre es un arresto."
            }
            (Caveat::SilentCounty, Language::En) => "A county without a hotline is silent, not quiet.",
            (Caveat::SilentCounty, Language::Es) => "Un condado sin línea de ayuda calla; no por eso está tranquilo.",
            (Caveat::MoreCalls, Language::En) => {
                "More reports can mean more enforcement, or more people who know the number to call."
            }
            (Caveat::MoreCalls, Language::Es) => {
                "Más reportes pueden significar más operativos, o más gente que conoce el número al que llamar."
            }
        }
    }

    /// The stretch before, as it stands after a number: "in the month before".
    fn before(&self) -> &'static str {
        match (self.length, self.language) {
            (Length::Month, Language::En) => "in the month before",
            (Length::Quarter, Language::En) => "in the quarter before",
            (Length::Year, Language::En) => "in the year before",
            (Length::Month, Language::Es) => "el mes anterior",
            (Length::Quarter, Language::Es) => "el trimestre anterior",
            (Length::Year, Language::Es) => "el año anterior",
        }
    }

    fn last_year(&self) -> &'static str {
        match (self.length, self.language) {
            (Length::Month, Language::En) => "in the same month last year",
            (Length::Quarter, Language::En) => "in the same quarter last year",
            (Length::Year, Language::En) => "in the year before",
            (Length::Month, Language::Es) => "el mismo mes del año pasado",
            (Length::Quarter, Language::Es) => "el mismo trimestre del año pasado",
            (Length::Year, Language::Es) => "el año anterior",
        }
    }

    fn changed(&self, up: bool, from: &str) -> String {
        match (self.language, up) {
            (Language::En, true) => format!("up from {from}"),
            (Language::En, false) => format!("down from {from}"),
            (Language::Es, true) => format!("más que los {from} que hubo"),
            (Language::Es, false) => format!("menos que los {from} que hubo"),
        }
    }

    /// Another number beside the one that stands out.
    fn beside(&self, when: &str, n: i64) -> String {
        let n = thousands(n);
        let when = when.strip_prefix("in ").unwrap_or(when);
        format!("{when}: {n}")
    }

    fn kinds(&self, plural: &str) -> String {
        match self.language {
            Language::En => format!("reports of {plural}"),
            Language::Es => format!("reportes de {plural}"),
        }
    }

    fn telling_of(&self, label: &str) -> String {
        match self.language {
            Language::En => format!("reports that tell of “{label}”"),
            Language::Es => format!("reportes que hablan de «{label}»"),
        }
    }

    fn by_setting(&self, label: &str) -> String {
        match self.language {
            Language::En => format!("reports of events with the setting “{label}”"),
            Language::Es => format!("reportes de hechos con el tipo de lugar «{label}»"),
        }
    }

    fn within(&self, county: &str, state: &str) -> String {
        match self.language {
            Language::En => format!("reports of events in {county}, {state}"),
            Language::Es => format!("reportes de hechos en {county}, {state}"),
        }
    }

    fn in_all(&self) -> &'static str {
        match self.language {
            Language::En => "reports of events in all",
            Language::Es => "reportes de hechos en total",
        }
    }

    fn joined_since(&self) -> &'static str {
        match self.language {
            Language::En => " Sources that joined since then, if any, are counted too.",
            Language::Es => " También cuentan las fuentes que se hayan sumado desde entonces.",
        }
    }

    fn same_sources(&self, same: &Panel, raw: (i64, i64)) -> String {
        let (now, before) = (thousands(same.now), thousands(same.before));
        let is_raw = (same.now, same.before) == raw;
        match self.language {
            Language::En if is_raw => " Both numbers come from the same sources.".into(),
            Language::Es if is_raw => " Los dos números vienen de las mismas fuentes.".into(),
            Language::En => {
                format!(" From the {} sources that were active then too: {now}, from {before}.", same.sources)
            }
            Language::Es => {
                format!(" De las {} fuentes que ya estaban activas: {now}, frente a {before}.", same.sources)
            }
        }
    }

    fn no_more_than_chance(&self) -> &'static str {
        match self.language {
            Language::En => "No more of a change than chance alone makes likely.",
            Language::Es => "No es más cambio del que el azar solo hace probable.",
        }
    }

    fn nothing(&self, else_: bool) -> &'static str {
        match (self.language, else_) {
            (Language::En, false) => {
                "**Nothing stands out.** No kind of event, setting, tactic or county changed more than chance alone makes \
                 likely."
            }
            (Language::En, true) => {
                "**Nothing else stands out.** No other kind of event, setting, tactic or county changed more than chance \
                 alone makes likely."
            }
            (Language::Es, false) => {
                "**Nada llama la atención.** Ningún tipo de hecho, lugar, táctica o condado cambió más de lo que el azar \
                 solo hace probable."
            }
            (Language::Es, true) => {
                "**Nada más llama la atención.** Ningún otro tipo de hecho, lugar, táctica o condado cambió más de lo que el \
                 azar solo hace probable."
            }
        }
    }
}

/// What the same sources tell, beside the month before and the same month last year.
#[derive(Debug, Clone, Copy, Default)]
struct Panels {
    before: Option<Panel>,
    last_year: Option<Panel>,
}

impl Panels {
    fn of(compared: &Compared, sheets: &Sheets, kind: &str) -> Self {
        if compared.this.length() != Length::Month {
            return Self::default();
        }
        let panel = |comparison: &str| sheets.panel(compared.this.last, comparison, kind);
        Self { before: panel("previous_month"), last_year: panel("same_month_last_year") }
    }
}

/// What is compared with what.
struct Change {
    subject: String,
    now: i64,
    before: i64,
    last_year: Option<i64>,
    /// How large a change must be, in standard deviations.
    loud: f64,
    panels: Panels,
    caveat: Caveat,
}

/// The distance of two counts under equal rates: the difference of their square roots, doubled, over the square root of
/// two (the variance-stabilising transform of Anscombe 1948). Two or more is unlikely to be chance alone.
fn distance(now: i64, before: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of reports are far below 2^52")]
    let root = |n: i64| (n as f64 + 0.375).sqrt();
    2.0 * (root(now) - root(before)) / std::f64::consts::SQRT_2
}

/// The findings of a period, surest first.
pub(crate) fn find(compared: &Compared, sheets: &Sheets, language: Language) -> Vec<Finding> {
    let words = Words { language, length: compared.this.length() };
    let mut changes = Vec::new();
    let kinds = sheets.get("reports_month");
    let mut compare = |sheet: &Sheet, keys: &[(&str, &str)], subject: String, loud: f64, panels, caveat: Caveat| {
        let number = |span: Span| compared.shown(span, sheet, keys, "reports").number();
        let (Some(now), Some(before)) = (number(compared.this), number(compared.before)) else { return };
        let last_year = compared.last_year.and_then(number);
        changes.push(Change { subject, now, before, last_year, loud, panels, caveat });
    };

    for info in taxonomy::axis("event_kind").map_or(&[][..], |axis| axis.codes) {
        let class = taxonomy::EventKind::from_code(info.code).map(taxonomy::EventKind::class);
        if class == Some(taxonomy::EventClass::Event) {
            let subject = words.kinds(plural(info, language));
            let panels = Panels::of(compared, sheets, info.code);
            compare(kinds, &[("event_kind", info.code)], subject, KINDS, panels, Caveat::TwoSources);
        }
    }
    let tactics = sheets.get("tactic_month");
    for info in taxonomy::axis("tactics").map_or(&[][..], |axis| axis.codes) {
        let subject = words.telling_of(info.label.get(language));
        compare(tactics, &[("tactic", info.code)], subject, MANY, Panels::default(), Caveat::NotRuledOut);
    }
    let settings = sheets.get("setting_month");
    for info in taxonomy::axis("setting").map_or(&[][..], |axis| axis.codes) {
        if info.code != "unknown" && info.code != "other" {
            let subject = words.by_setting(info.label.get(language));
            // Arrests at courthouses are what these reports are for: official data cannot tell of them.
            let loud = if info.code == "courthouse" { KINDS } else { MANY };
            compare(settings, &[("setting", info.code)], subject, loud, Panels::default(), Caveat::AsTold);
        }
    }
    let counties = sheets.get("county_month");
    let month = compared.this.last.to_string();
    for row in counties.with(&[("month", &month)]) {
        let (fips, county, state) =
            (counties.text(row, "county_fips"), counties.text(row, "county"), counties.text(row, "state"));
        if fips != "all" && fips != "unknown" {
            let keys = [("state", state), ("county_fips", fips)];
            compare(counties, &keys, words.within(county, state), MANY, Panels::default(), Caveat::SilentCounty);
        }
    }

    let all = |span: Span| compared.shown(span, kinds, &[("event_kind", ALL)], "reports").number();
    let total = all(compared.this).zip(all(compared.before)).map(|(now, before)| Change {
        subject: words.in_all().into(),
        now,
        before,
        last_year: compared.last_year.and_then(all),
        loud: KINDS,
        panels: Panels::of(compared, sheets, ALL),
        caveat: Caveat::MoreCalls,
    });
    let quiet = total.as_ref().map(|change| in_all(&words, change));
    let loud_total = total.and_then(|change| sentence(&words, change));
    let in_all = if loud_total.is_some() { None } else { quiet };
    let mut findings: Vec<Finding> =
        changes.into_iter().filter_map(|change| sentence(&words, change)).chain(loud_total).collect();
    findings.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()).then_with(|| a.text.cmp(&b.text)));
    findings.truncate(MOST - 1 - usize::from(in_all.is_some()));
    let rest = words.nothing(!findings.is_empty()).to_owned();
    findings.extend(in_all);
    findings.push(Finding { text: rest, weight: 0.0 });
    findings
}

/// The sum of all events, where it did not change much: a reader looks for it all the same.
fn in_all(words: &Words, change: &Change) -> Finding {
    let mut text = format!("**{}: {}; ", capital(&change.subject), thousands(change.now));
    text.push_str(&words.beside(words.before(), change.before));
    if let Some(year) = change.last_year {
        text.push_str("; ");
        text.push_str(&words.beside(words.last_year(), year));
    }
    text.push_str(".** ");
    text.push_str(words.no_more_than_chance());
    Finding { text, weight: 0.0 }
}

fn sentence(words: &Words, change: Change) -> Option<Finding> {
    let monthly = distance(change.now, change.before);
    let yearly = change.last_year.map_or(0.0, |year| distance(change.now, year));
    let weight = if yearly.abs() > monthly.abs() { yearly } else { monthly };
    let largest = change.now.max(change.before).max(change.last_year.unwrap_or(0));
    if largest < LOUD || weight.abs() < change.loud {
        return None;
    }
    let up = weight > 0.0;
    let panel = if yearly.abs() > monthly.abs() { change.panels.last_year } else { change.panels.before };
    // The comparison that stands out comes first, the other one beside it.
    let compared = match change.last_year {
        Some(year) if yearly.abs() > monthly.abs() => format!(
            "{} {}; {}.**{}",
            words.changed(up, &thousands(year)),
            words.last_year(),
            words.beside(words.before(), change.before),
            panel.map_or_else(|| words.joined_since().to_owned(), |same| words.same_sources(&same, (change.now, year)))
        ),
        Some(year) => format!(
            "{} {}; {}.**{}",
            words.changed(up, &thousands(change.before)),
            words.before(),
            words.beside(words.last_year(), year),
            panel.map_or_else(String::new, |same| words.same_sources(&same, (change.now, change.before)))
        ),
        None => format!(
            "{} {}.**{}",
            words.changed(up, &thousands(change.before)),
            words.before(),
            panel.map_or_else(String::new, |same| words.same_sources(&same, (change.now, change.before)))
        ),
    };
    let (subject, now, caveat) = (capital(&change.subject), thousands(change.now), words.caveat(change.caveat));
    Some(Finding { text: format!("**{subject}: {now}, {compared} {caveat}"), weight })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bases_and_small_changes_are_not_loud() {
        let words = |language| Words { language, length: Length::Month };
        let change = |now, before| Change {
            subject: "reports of arrests".into(),
            now,
            before,
            last_year: None,
            loud: KINDS,
            panels: Panels::default(),
            caveat: Caveat::AsTold,
        };
        let english = |change| sentence(&words(Language::En), change);
        assert!(english(change(9, 0)).is_none(), "a small base");
        assert!(english(change(110, 100)).is_none(), "a small change");
        let rise = english(change(31, 14)).expect("a rise");
        assert_eq!(
            rise.text,
            "**Reports of arrests: 31, up from 14 in the month before.** The setting is what the report says; an event is not always an arrest."
        );
        let slow = Change { last_year: Some(3), ..change(31, 29) };
        let slow = english(slow).expect("a rise over the year").text;
        assert!(slow.contains("31, up from 3 in the same month last year; the month before: 29.**"), "{slow}");
        let fall = Change { subject: "reportes de arrestos".into(), last_year: Some(39), ..change(14, 40) };
        assert_eq!(
            sentence(&words(Language::Es), fall).expect("a fall").text,
            "**Reportes de arrestos: 14, menos que los 40 que hubo el mes anterior; el mismo mes del año pasado: 39.** El \
             tipo de lugar es el que dice el reporte; un hecho no siempre es un arresto."
        );
    }
}
