//! How much is said on each day: seasons, weekdays, a mild trend, and what begins or ends midway.
//!
//! What always holds: weights are whole numbers, and the days of the plan share its reports out exactly.

use chrono::{Datelike, NaiveDate, Weekday};
use schemas::source::SourceKind;
use schemas::time::Month;

use super::dice::Dice;
use super::world::{SourceSpec, WORLD};

/// The months of the plan, and the days within them.
#[derive(Debug)]
pub(super) struct Calendar {
    first: Month,
    months: i32,
    /// Traffic up to and including each day, as a running sum of weights.
    sums: Vec<u64>,
}

impl Calendar {
    pub(super) fn new(until: Month, months: u32) -> Self {
        let months = i32::try_from(months.max(1)).expect("a plan has fewer than 2^31 months");
        let mut calendar = Self { first: until.plus(1 - months), months, sums: Vec::new() };
        let last = until.last_day();
        let mut sum = 0;
        for day in calendar.first.first_day().iter_days().take_while(|day| *day <= last) {
            sum += calendar.weight(day);
            calendar.sums.push(sum);
        }
        calendar
    }

    /// The day with that number, from 0; none after the last.
    pub(super) fn day(&self, number: usize) -> Option<NaiveDate> {
        let days = u64::try_from(number).ok()?;
        (number < self.sums.len()).then(|| self.first.first_day() + chrono::Days::new(days))
    }

    /// How many of `reports` should have been planned when that day is over.
    pub(super) fn quota(&self, number: usize, reports: u64) -> u64 {
        let (sum, all) = (self.sums[number], self.sums.last().copied().unwrap_or(1).max(1));
        let share = u128::from(reports) * u128::from(sum) / u128::from(all);
        u64::try_from(share).expect("a share of the reports is not more than all of them")
    }

    /// Who is the first to hear of something on `day`, and whether it belongs to the courthouse campaign.
    pub(super) fn draw_source(&self, dice: &mut Dice, day: NaiveDate) -> (usize, bool) {
        let sources = &WORLD.sources;
        let place = dice.weighted((0..2 * sources.len()).map(|i| {
            let source = &sources[i % sources.len()];
            self.source_weight(source, day, i >= sources.len())
        }));
        (place % sources.len(), place >= sources.len())
    }

    /// Whether the source takes calls on `day`.
    pub(super) fn is_active(&self, source: &SourceSpec, day: NaiveDate) -> bool {
        let month = Month::of(day);
        let joined = !source.joins || self.months < 6 || month >= self.first.plus(self.months / 2);
        joined && !(source.silent && self.silence().is_some_and(|months| months.contains(&month)))
    }

    /// The two months in which one source falls silent; none in a plan of less than a year.
    pub(super) fn silence(&self) -> Option<[Month; 2]> {
        let start = self.first.plus(self.months * 2 / 3 - 1);
        (self.months >= 12).then(|| [start, start.plus(1)])
    }

    /// The first month of the courthouse campaign: seven months before the end, half-way in a shorter plan.
    pub(super) fn campaign_start(&self) -> Month {
        self.first.plus(if self.months > 7 { self.months - 7 } else { self.months / 2 })
    }

    fn source_weight(&self, source: &SourceSpec, day: NaiveDate, campaign: bool) -> u32 {
        let courts_closed = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        if !self.is_active(source, day) || (courts_closed && (campaign || source.kind == SourceKind::CourtWatch)) {
            return 0;
        }
        match campaign {
            true if Month::of(day) < self.campaign_start() => 0,
            true => source.campaign,
            false => source.weight,
        }
    }

    fn weight(&self, day: NaiveDate) -> u64 {
        let shares = &WORLD.mix.calendar;
        let base: u64 = [false, true]
            .into_iter()
            .flat_map(|campaign| WORLD.sources.iter().map(move |source| (source, campaign)))
            .map(|(source, campaign)| u64::from(self.source_weight(source, day, campaign)))
            .sum();
        let elapsed = u64::try_from(Month::of(day).index() - self.first.index()).unwrap_or(0);
        let season = shares.months[day.month0() as usize];
        let weekday = shares.weekdays[day.weekday().num_days_from_monday() as usize];
        base * season * weekday * (1000 + shares.trend_per_mille * elapsed)
    }
}
