//! Stretches of months: the period of a brief and what it is compared with.
//!
//! What always holds: a stretch of one month has the cell as printed; of several, a sum that is hidden when any of its
//! cells is, and is nothing when one of its months lies before the series began.

use analytics::results::Period;
use schemas::time::Month;

use crate::sheet::{Sheet, Shown};

/// What a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Month,
    Quarter,
    Year,
}

/// Some months in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: Month,
    pub(crate) last: Month,
}

impl Span {
    pub(crate) const fn of(period: Period) -> Self {
        Self { first: period.first, last: period.last }
    }

    /// How many months.
    pub(crate) fn months(self) -> i32 {
        self.last.index() - self.first.index() + 1
    }

    pub(crate) fn length(self) -> Length {
        match self.months() {
            1 => Length::Month,
            3 => Length::Quarter,
            _ => Length::Year,
        }
    }

    /// The stretch of as many months that lies so many months later; earlier where negative.
    pub(crate) fn moved(self, months: i32) -> Self {
        Self { first: self.first.plus(months), last: self.last.plus(months) }
    }

    /// The measure of the row with these keys. `from` is where the series begins.
    pub(crate) fn shown<'a>(
        self,
        sheet: &'a Sheet,
        keys: &[(&str, &str)],
        measure: &str,
        from: Option<Month>,
    ) -> Shown<'a> {
        let cell = |month: Month| {
            if from.is_some_and(|from| month < from) {
                return Shown::None;
            }
            let text = month.to_string();
            let mut all = vec![("month", text.as_str())];
            all.extend_from_slice(keys);
            sheet.value(&all, measure)
        };
        if self.first == self.last {
            return cell(self.first);
        }
        Shown::sum((0..self.months()).map(|i| cell(self.first.plus(i))))
    }
}

/// A period and what stands beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared {
    pub(crate) this: Span,
    /// The stretch before, as long as the period.
    pub(crate) before: Span,
    /// The same months a year before; none where that is [`Self::before`].
    pub(crate) last_year: Option<Span>,
    /// The first month of the tables with a report: what lies before it is no zero.
    pub(crate) series_from: Option<Month>,
}

impl Compared {
    pub(crate) fn of(period: Period, series_from: Option<Month>) -> Self {
        let this = Span::of(period);
        let before = this.moved(-this.months());
        let last_year = (this.length() != Length::Year).then(|| this.moved(-12));
        Self { this, before, last_year, series_from }
    }

    pub(crate) fn spans(&self) -> impl Iterator<Item = Span> + use<> {
        [Some(self.this), Some(self.before), self.last_year].into_iter().flatten()
    }

    /// A row's measure in one of the stretches. The period itself is looked at even where the series begins in it.
    pub(crate) fn shown<'a>(&self, span: Span, sheet: &'a Sheet, keys: &[(&str, &str)], measure: &str) -> Shown<'a> {
        let from = if span == self.this { None } else { self.series_from };
        span.shown(sheet, keys, measure, from)
    }

    /// A row's cells: the period's, then those that it is compared with.
    pub(crate) fn cells(&self, sheet: &Sheet, keys: &[(&str, &str)], measure: &str) -> Vec<String> {
        self.spans().map(|span| self.shown(span, sheet, keys, measure).to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_hidden_when_a_month_of_it_is() {
        let sheet = Sheet::parse(b"month,k,n\n2026-06,a,4\n2026-07,a,10\n2026-08,a,<5\n2026-09,a,2\n").expect("reads");
        let month = |text: &str| Month::parse(text).expect("a month");
        let shown = |first, last, from: Option<&str>| {
            let span = Span { first: month(first), last: month(last) };
            span.shown(&sheet, &[("k", "a")], "n", from.map(month)).to_string()
        };
        assert_eq!(shown("2026-06", "2026-07", None), "14");
        assert_eq!(shown("2026-08", "2026-08", None), "<5");
        assert_eq!(shown("2026-07", "2026-09", None), "withheld");
        assert_eq!(shown("2026-05", "2026-06", None), "–", "no such month");
        assert_eq!(shown("2026-06", "2026-07", Some("2026-07")), "–", "before the series");
    }

    #[test]
    fn a_year_is_compared_with_the_year_before_alone() {
        let of = |text| Compared::of(Period::parse(text).expect("a period"), None);
        let names = |c: Compared| c.spans().map(|s| format!("{}/{}", s.first, s.last)).collect::<Vec<_>>();
        assert_eq!(names(of("2026-09")), ["2026-09/2026-09", "2026-08/2026-08", "2025-09/2025-09"]);
        assert_eq!(names(of("2026-Q1")), ["2026-01/2026-03", "2025-10/2025-12", "2025-01/2025-03"]);
        assert_eq!(names(of("2026")), ["2026-01/2026-12", "2025-01/2025-12"]);
    }
}
