//! How much of a month is in: from when on months are provisional.
//!
//! What always holds: the share of reports that come within a delay is worked out from the delays seen so far, each only
//! among months that are old enough to have shown it, so that a young month, whose late reports are still to come, does not
//! make reports look quick. Of fewer than 20 reports with a delay, nothing is said; nor of a delay that fewer than 20 reports
//! could have shown, so that one report that came years late says nothing of all the others.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemas::time::Month;

use super::completeness_month::FEWEST_LAGS;
use crate::cube::{LagKey, Tally};

/// A month of which less than this share of its reports is expected to be in is provisional (methods.md, 1.5).
const COMPLETE: f64 = 0.9;
/// Tenths in a day.
const DAY: i32 = 10;

/// Whether enough reports tell how late they came.
pub(crate) fn is_known(lags: &Tally<LagKey>) -> bool {
    lags.values().sum::<i64>() >= FEWEST_LAGS
}

/// The first of the months up to `last` that is provisional as of `day`; with it are all that follow it, since the younger a
/// month is, the less of it is in. None where none is, or where the delay is not known.
pub(crate) fn provisional_from(lags: &Tally<LagKey>, last: Month, day: NaiveDate) -> Option<Month> {
    if !is_known(lags) {
        return None;
    }
    let within = Within::of(lags, day);
    let mut from = None;
    let mut month = last;
    while within.month(month, day) < COMPLETE {
        from = Some(month);
        month = month.plus(-1);
    }
    from
}

/// Whole days from the end of the event's day; a report of the same day has none.
fn whole_days(tenths: i32) -> i64 {
    i64::from(tenths.max(0) / DAY)
}

/// The share of reports that come within so many whole days, as steps: (days, share of those that come within fewer).
struct Within(Vec<(i64, f64)>);

impl Within {
    /// Reverse hazards (chain ladder; Lawless 1994): of the reports seen within `d` days, in months that ended `d` days ago or
    /// earlier, the share g(d) took just `d`. Within fewer than `d` days come the product of 1 - g(x) over all x >= d. Where
    /// those reports are few, g(d) is no evidence and is left out.
    fn of(lags: &Tally<LagKey>, day: NaiveDate) -> Self {
        let mut by_days: BTreeMap<i64, BTreeMap<Month, i64>> = BTreeMap::new();
        for (key, reports) in lags {
            *by_days.entry(whole_days(key.tenths)).or_default().entry(key.month).or_default() += reports;
        }
        // From the shortest delay up: how many of each month came within it.
        let mut so_far: BTreeMap<Month, i64> = BTreeMap::new();
        let mut hazards = Vec::new();
        for (days, months) in &by_days {
            for (month, reports) in months {
                *so_far.entry(*month).or_default() += reports;
            }
            let old = |month: &Month| (day - month.last_day()).num_days() >= *days;
            let took: i64 = months.iter().filter(|(month, _)| old(month)).map(|(_, n)| n).sum();
            let of: i64 = so_far.iter().filter(|(month, _)| old(month)).map(|(_, n)| n).sum();
            hazards.push((*days, took, of));
        }
        let mut share = 1.0;
        let mut steps: Vec<_> = hazards
            .into_iter()
            .rev()
            .map(|(days, took, of)| {
                #[expect(clippy::cast_precision_loss, reason = "counts of reports are far below 2^52")]
                if of >= FEWEST_LAGS {
                    share *= 1.0 - took as f64 / of as f64;
                }
                (days, share)
            })
            .collect();
        steps.reverse();
        Self(steps)
    }

    /// The share that comes within `days` days.
    fn days(&self, days: i64) -> f64 {
        let longer = self.0.partition_point(|(step, _)| *step <= days);
        self.0.get(longer).map_or(1.0, |(_, share)| *share)
    }

    /// The share of a month's reports that is in on `day`: the mean over its days.
    fn month(&self, month: Month, day: NaiveDate) -> f64 {
        let days = month.first_day().iter_days().take_while(|d| *d <= month.last_day());
        let (sum, n) = days.fold((0.0, 0.0), |(sum, n), d| {
            let passed = (day - d).num_days() - 1;
            (sum + if passed < 0 { 0.0 } else { self.days(passed) }, n + 1.0)
        });
        sum / n
    }
}

#[cfg(test)]
mod tests {
    use schemas::report::StateCode;
    use schemas::source::SourceName;

    use super::*;
    use crate::keys::Key;
    use crate::testing::day;

    fn lags(of: &[(&str, i32, i64)]) -> Tally<LagKey> {
        let key = |month: &str, days: i32| LagKey {
            received: Month::parse(month).expect("a month"),
            month: Month::parse(month).expect("a month"),
            state: Key::<StateCode>::Unknown,
            source: SourceName::parse("line-a").expect("a name"),
            tenths: days * DAY,
        };
        of.iter().map(|(month, days, n)| (key(month, *days), *n)).collect()
    }

    fn from(of: &[(&str, i32, i64)], on: &str) -> Option<String> {
        let last = Month::parse("2026-09").expect("a month");
        provisional_from(&lags(of), last, day(on)).map(|month| month.to_string())
    }

    #[test]
    fn months_whose_late_reports_are_to_come_are_provisional() {
        // Half at once, half after 40 days.
        let slow = [("2026-01", 0, 50), ("2026-01", 40, 50), ("2026-02", 0, 50), ("2026-02", 40, 50)];
        assert_eq!(from(&slow, "2026-10-14").as_deref(), Some("2026-09"));
        assert_eq!(from(&slow, "2026-10-01").as_deref(), Some("2026-08"));
        assert_eq!(from(&slow, "2026-11-20"), None, "50 days later all is in");
        let quick = [("2026-01", 0, 95), ("2026-01", 40, 5)];
        assert_eq!(from(&quick, "2026-10-01"), None);
    }

    #[test]
    fn fewer_than_twenty_delays_say_nothing() {
        assert_eq!(from(&[("2026-01", 0, 9), ("2026-01", 40, 10)], "2026-10-01"), None);
        assert_eq!(from(&[("2026-01", 0, 10), ("2026-01", 40, 10)], "2026-10-01").as_deref(), Some("2026-08"));
    }

    #[test]
    fn one_report_that_came_years_late_says_nothing_of_the_others() {
        let quick: Vec<(String, i32, i64)> = (1..=9).map(|n| (format!("2026-{n:02}"), 0, 50)).collect();
        let mut of: Vec<(&str, i32, i64)> = quick.iter().map(|(month, days, n)| (month.as_str(), *days, *n)).collect();
        of.push(("2019-03", 2000, 1));
        assert_eq!(from(&of, "2026-10-14"), None);
        // Nineteen quick ones of that month do not change that; with more, it is one of many.
        of.push(("2019-03", 0, 18));
        assert_eq!(from(&of, "2026-10-14"), None);
        of.push(("2019-04", 0, 50));
        assert_eq!(from(&of, "2026-10-14"), None);
        // But where one in five of many comes years late, the last years are not in.
        of.push(("2019-04", 2001, 17));
        assert!(from(&of, "2026-10-14").is_some());
    }

    #[test]
    fn a_young_month_does_not_make_reports_look_quick() {
        // September has shown only what comes at once: it says nothing of what takes 40 days.
        let lags = [("2026-06", 0, 50), ("2026-06", 40, 50), ("2026-09", 0, 5000)];
        assert_eq!(from(&lags, "2026-10-10").as_deref(), Some("2026-09"));
        let within = Within::of(&self::lags(&lags), day("2026-10-10"));
        assert!((within.days(0) - 0.5).abs() < 1e-12, "{}", within.days(0));
        assert!((within.days(40) - 1.0).abs() < 1e-12);
    }
}
