//! What stands out in a period: sentences by rule.
//!
//! What always holds: a finding names its number, what it is compared with and what it is not; it is made from printed
//! cells only; a small base makes nothing loud, and of many numbers that are looked at at once, only a change that would
//! stand out among all of them is named. "Nothing stands out" is a finding too.

use analytics::results::{ALL, Period};
use schemas::taxonomy::{self, CodeAxis};

use crate::sheet::{Sheet, Sheets, Shown, thousands};

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

/// What is compared with what.
struct Change {
    subject: String,
    now: i64,
    before: i64,
    last_year: Option<i64>,
    /// How large a change must be, in standard deviations.
    loud: f64,
    caveat: &'static str,
}

/// The distance of two counts under equal rates: the difference of their square roots, doubled, over the square root of
/// two (the variance-stabilising transform of Anscombe 1948). Two or more is unlikely to be chance alone.
fn distance(now: i64, before: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of reports are far below 2^52")]
    let root = |n: i64| (n as f64 + 0.375).sqrt();
    2.0 * (root(now) - root(before)) / std::f64::consts::SQRT_2
}

/// The findings of a period, surest first.
pub(crate) fn find(period: Period, sheets: &Sheets) -> Vec<Finding> {
    let mut changes = Vec::new();
    let month = period.last.to_string();
    let before = period.last.plus(-1).to_string();
    let last_year = period.last.plus(-12).to_string();
    let kinds = sheets.get("reports_month");
    // A month in which nobody reported anything yet is no zero to compare with.
    let reported =
        |m: &str| kinds.value(&[("month", m), ("event_kind", ALL)], "reports").number().is_some_and(|n| n > 0);
    let (has_before, has_year) = (reported(&before), reported(&last_year));
    let mut compare = |sheet: &Sheet, keys: &[(&str, &str)], subject: String, loud: f64, caveat: &'static str| {
        let at = |m: &str| {
            let mut all = vec![("month", m)];
            all.extend_from_slice(keys);
            sheet.value(&all, "reports")
        };
        let (true, Shown::Number(now), Shown::Number(was)) = (has_before, at(&month), at(&before)) else { return };
        let year = if has_year { at(&last_year).number() } else { None };
        changes.push(Change { subject, now, before: was, last_year: year, loud, caveat });
    };

    for info in taxonomy::axis("event_kind").map_or(&[][..], |axis| axis.codes) {
        let plural = info.plural.as_ref().map_or(info.label.en, |p| p.en);
        let class = taxonomy::EventKind::from_code(info.code).map(taxonomy::EventKind::class);
        if class == Some(taxonomy::EventClass::Event) {
            let subject = format!("reports of {plural}");
            compare(kinds, &[("event_kind", info.code)], subject, KINDS, "two sources can tell of the same event");
        }
    }
    let tactics = sheets.get("tactic_month");
    for info in taxonomy::axis("tactics").map_or(&[][..], |axis| axis.codes) {
        let subject = format!("reports that tell of “{}”", info.label.en);
        compare(
            tactics,
            &[("tactic", info.code)],
            subject,
            MANY,
            "a report that does not mention it does not rule it out",
        );
    }
    let settings = sheets.get("setting_month");
    for info in taxonomy::axis("setting").map_or(&[][..], |axis| axis.codes) {
        if info.code != "unknown" && info.code != "other" {
            let subject = format!("reports of events by setting, {}", info.label.en);
            // Arrests at courthouses are what these reports are for: official data cannot tell of them.
            let loud = if info.code == "courthouse" { KINDS } else { MANY };
            compare(settings, &[("setting", info.code)], subject, loud, "the setting is what the report says");
        }
    }
    let counties = sheets.get("county_month");
    for row in counties.with(&[("month", &month)]) {
        let (fips, county, state) =
            (counties.text(row, "county_fips"), counties.text(row, "county"), counties.text(row, "state"));
        if fips != "all" && fips != "unknown" {
            let keys = [("state", state), ("county_fips", fips)];
            let subject = format!("reports of events in {county}, {state}");
            compare(counties, &keys, subject, MANY, "a county without a hotline is silent, not quiet");
        }
    }

    let all = |m: &str| kinds.value(&[("month", m), ("event_kind", ALL)], "reports").number();
    let total = all(&month).zip(all(&before).filter(|_| has_before)).map(|(now, before)| Change {
        subject: "reports of events in all".into(),
        now,
        before,
        last_year: all(&last_year).filter(|_| has_year),
        loud: KINDS,
        caveat: "more reports can mean more enforcement, or more people who know the number to call",
    });
    let quiet = total.as_ref().map(in_all);
    let loud_total = total.and_then(sentence);
    let in_all = if loud_total.is_some() { None } else { quiet };
    let mut findings: Vec<Finding> = changes.into_iter().filter_map(sentence).chain(loud_total).collect();
    findings.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()).then_with(|| a.text.cmp(&b.text)));
    findings.truncate(MOST - 1 - usize::from(in_all.is_some()));
    let nothing = if findings.is_empty() { "**Nothing stands out.**" } else { "**Nothing else stands out.**" };
    let rest = format!(
        "{nothing} No other kind of event, setting, tactic or county changed more than chance alone makes likely."
    );
    findings.extend(in_all);
    findings.push(Finding { text: rest, weight: 0.0 });
    findings
}

/// The sum of all events, where it did not change much: a reader looks for it all the same.
fn in_all(change: &Change) -> Finding {
    let year = change.last_year.map_or(String::new(), |n| format!("; a year before: {}", thousands(n)));
    let (now, before) = (thousands(change.now), thousands(change.before));
    let text = format!(
        "**Reports of events in all: {now}, after {before} in the month before{year}.** No more of a change than chance alone \
         makes likely."
    );
    Finding { text, weight: 0.0 }
}

fn sentence(change: Change) -> Option<Finding> {
    let monthly = distance(change.now, change.before);
    let yearly = change.last_year.map_or(0.0, |year| distance(change.now, year));
    let weight = if yearly.abs() > monthly.abs() { yearly } else { monthly };
    let largest = change.now.max(change.before).max(change.last_year.unwrap_or(0));
    if largest < LOUD || weight.abs() < change.loud {
        return None;
    }
    let verb = if weight > 0.0 { "up from" } else { "down from" };
    let mut subject = change.subject;
    if let Some(first) = subject.get(..1) {
        subject = format!("{}{}", first.to_uppercase(), &subject[1..]);
    }
    let (now, before) = (thousands(change.now), thousands(change.before));
    // The comparison that stands out comes first, the other one beside it.
    let compared = match change.last_year.map(thousands) {
        Some(year) if yearly.abs() > monthly.abs() => {
            format!(
                "{verb} {year} in the same month last year; the month before: {before}.** Sources that joined since then \
                     are counted too. "
            )
        }
        Some(year) => format!("{verb} {before} in the month before; a year before: {year}.** "),
        None => format!("{verb} {before} in the month before.** "),
    };
    let text = format!("**{subject}: {now}, {compared}{}.", capital(change.caveat));
    Some(Finding { text, weight })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bases_and_small_changes_are_not_loud() {
        let change = |now, before| Change {
            subject: "reports of arrests".into(),
            now,
            before,
            last_year: None,
            loud: KINDS,
            caveat: "it is so",
        };
        assert!(sentence(change(9, 0)).is_none(), "a small base");
        assert!(sentence(change(110, 100)).is_none(), "a small change");
        let rise = sentence(change(31, 14)).expect("a rise");
        assert_eq!(rise.text, "**Reports of arrests: 31, up from 14 in the month before.** It is so.");
        let slow = Change { last_year: Some(3), ..change(31, 29) };
        let slow = sentence(slow).expect("a rise over the year").text;
        assert!(slow.contains("31, up from 3 in the same month last year; the month before: 29.**"), "{slow}");
        assert!(sentence(change(14, 40)).expect("a fall").text.contains("down from 40"));
    }
}
