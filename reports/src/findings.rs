//! What stands out in a period: sentences by rule.
//!
//! What always holds: a finding names its number, what it is compared with and what it is not; it is made from printed
//! cells only; a small base makes nothing loud. "Nothing stands out" is a finding too.

use analytics::results::Period;
use schemas::taxonomy::{self, CodeAxis};

use crate::sheet::{Sheet, Sheets, Shown, thousands};

/// Below this, neither of two numbers is loud enough to be compared in a headline.
const LOUD: i64 = 10;
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
    last_year: Shown<'static>,
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
    let mut compare = |sheet: &Sheet, keys: &[(&str, &str)], measure: &str, subject: String, caveat: &'static str| {
        let at = |m: &str| {
            let mut all = vec![("month", m)];
            all.extend_from_slice(keys);
            sheet.value(&all, measure)
        };
        let (Shown::Number(now), Shown::Number(was)) = (at(&month), at(&before)) else { return };
        let year = at(&last_year).number().map_or(Shown::None, Shown::Number);
        changes.push(Change { subject, now, before: was, last_year: year, caveat });
    };

    let kinds = sheets.get("reports_month");
    for info in taxonomy::axis("event_kind").map_or(&[][..], |axis| axis.codes) {
        let plural = info.plural.as_ref().map_or(info.label.en, |p| p.en);
        let class = taxonomy::EventKind::from_code(info.code).map(taxonomy::EventKind::class);
        if class == Some(taxonomy::EventClass::Event) {
            let subject = format!("reports of {plural}");
            compare(kinds, &[("event_kind", info.code)], "reports", subject, "two sources can tell of the same event");
        }
    }
    let tactics = sheets.get("tactic_month");
    for info in taxonomy::axis("tactics").map_or(&[][..], |axis| axis.codes) {
        let subject = format!("reports that tell of “{}”", info.label.en);
        compare(
            tactics,
            &[("tactic", info.code)],
            "reports",
            subject,
            "a report that does not mention it does not rule it out",
        );
    }
    let settings = sheets.get("setting_month");
    for info in taxonomy::axis("setting").map_or(&[][..], |axis| axis.codes) {
        if info.code != "unknown" && info.code != "other" {
            let subject = format!("reports from this setting: {}", info.label.en);
            compare(settings, &[("setting", info.code)], "reports", subject, "the setting is what the report says");
        }
    }
    let counties = sheets.get("county_month");
    for row in counties.with(&[("month", &month)]) {
        let (fips, county, state) =
            (counties.text(row, "county_fips"), counties.text(row, "county"), counties.text(row, "state"));
        if fips != "all" && fips != "unknown" {
            let keys = [("state", state), ("county_fips", fips)];
            let subject = format!("reports of events in {county}, {state}");
            compare(counties, &keys, "reports", subject, "a county without a hotline is silent, not quiet");
        }
    }

    let mut findings: Vec<Finding> = changes.into_iter().filter_map(sentence).collect();
    findings.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()).then_with(|| a.text.cmp(&b.text)));
    findings.truncate(MOST);
    findings
}

fn sentence(change: Change) -> Option<Finding> {
    let weight = distance(change.now, change.before);
    if change.now.max(change.before) < LOUD || weight.abs() < 2.0 {
        return None;
    }
    let direction = if change.now > change.before { "up from" } else { "down from" };
    let year = match change.last_year {
        Shown::Number(n) => format!("; a year before: {}", thousands(n)),
        _ => String::new(),
    };
    let mut subject = change.subject;
    if let Some(first) = subject.get(..1) {
        subject = format!("{}{}", first.to_uppercase(), &subject[1..]);
    }
    let text = format!(
        "**{subject}: {}, {direction} {} in the month before{year}.** {}.",
        thousands(change.now),
        thousands(change.before),
        capital(change.caveat),
    );
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
            last_year: Shown::Number(3),
            caveat: "it is so",
        };
        assert!(sentence(change(9, 0)).is_none(), "a small base");
        assert!(sentence(change(110, 100)).is_none(), "a small change");
        let rise = sentence(change(31, 14)).expect("a rise");
        assert_eq!(
            rise.text,
            "**Reports of arrests: 31, up from 14 in the month before; a year before: 3.** It is so."
        );
        assert!(sentence(change(14, 40)).expect("a fall").text.contains("down from 40"));
    }
}
