//! Puts pieces together and works out which civil day and time they mean for a report made at a given instant and place.
//!
//! What always holds: what cannot be, lies before 2000, or lies ahead of the report is unknown with the rule that says
//! so, never moved to a day nearby; a precision never says more than the words.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use schemas::time::Precision;

use super::grammar::{Clock, Piece, Where, Which};
use super::words::{Part, Words};

/// A yearless date so few days ahead is taken for one to come, not for one of last year: nobody reports an event of 11
/// months ago without its year, but a hearing next week is often named so.
const AHEAD_DAYS: i64 = 14;

/// So many days back a date of this year stands, whatever weekday was written beside it.
const MONTHS_BACK: i64 = 180;

/// People round: "at 4" said at 3:50 is no appointment.
const ROUNDING_MINUTES: i64 = 15;

/// Without am or pm a time of today in the last so many hours is preferred: people call soon after.
const SOON_HOURS: i64 = 3;

/// What a date or time is relative to.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pub now: Option<DateTime<Utc>>,
    pub zone: Tz,
    /// In running text a yearless date ahead is another matter (a hearing), not last year's.
    pub field: bool,
}

/// What the pieces come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub date: Option<NaiveDate>,
    pub time: Option<NaiveTime>,
    pub precision: Precision,
    pub rule: &'static str,
}

impl Resolved {
    const fn unknown(rule: &'static str) -> Self {
        Self { date: None, time: None, precision: Precision::Unknown, rule }
    }
}

/// The pieces of one expression, each kind at most once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Draft {
    /// The one that says most about the day.
    day: Option<Piece>,
    weekday: Option<(Weekday, Which)>,
    day_of_month: Option<(u32, Option<i32>)>,
    weeks: Option<i64>,
    months: Option<(i32, Where)>,
    clock: Option<Clock>,
    part: Option<Part>,
    this_part: bool,
    week_of: bool,
    vague: Option<&'static str>,
}

impl Draft {
    /// Adds a piece; `false` when one of its kind is there already.
    pub fn add(&mut self, piece: Piece) -> bool {
        fn fill<T>(slot: &mut Option<T>, value: T) -> bool {
            let free = slot.is_none();
            if free {
                *slot = Some(value);
            }
            free
        }
        match piece {
            Piece::Weekday(day, which) => fill(&mut self.weekday, (day, which)),
            Piece::DayOfMonth { day, months } => fill(&mut self.day_of_month, (day, months)),
            Piece::Weeks(weeks) => fill(&mut self.weeks, weeks),
            Piece::Months(months, place) => fill(&mut self.months, (months, place)),
            Piece::Clock(clock) => fill(&mut self.clock, clock),
            Piece::Part { part, this } => {
                // "2 weeks ago, this morning" are two times.
                let of_today = matches!(self.day, None | Some(Piece::Day(0)));
                let other_day = self.weeks.is_some() || self.months.is_some() || !of_today;
                let free = self.part.is_none() && !(this && other_day);
                if free {
                    self.part = Some(part);
                    self.this_part = this;
                }
                free
            }
            Piece::WeekOf => {
                self.week_of = true;
                true
            }
            Piece::Vague(rule) => {
                self.vague = self.vague.or(Some(rule));
                true
            }
            // "Christmas 12/25", "yesterday, May 3": the first one, unless it only said a month.
            Piece::Date(..) | Piece::MonthDay { .. }
                if matches!(self.day, Some(Piece::Month { .. } | Piece::Day(_))) =>
            {
                self.day = Some(piece);
                true
            }
            // "today ... just now"
            Piece::Now | Piece::SomeTimeToday if self.day.is_some() => true,
            _ if matches!(self.day, Some(Piece::Now | Piece::SomeTimeToday)) => {
                self.day = Some(piece);
                true
            }
            _ => fill(&mut self.day, piece),
        }
    }

    /// Forgets the day, for a correction that follows.
    pub fn forget_day(&mut self) {
        *self = Self { clock: self.clock, part: self.part, vague: self.vague, ..Self::default() };
    }

    pub fn has_day(&self) -> bool {
        self.day.is_some()
            || self.weekday.is_some()
            || self.day_of_month.is_some()
            || self.weeks.is_some()
            || self.months.is_some()
            || self.this_part
    }

    pub const fn has_clock(&self) -> bool {
        self.clock.is_some()
    }

    pub const fn has_part(&self) -> bool {
        self.part.is_some()
    }

    pub const fn is_vague(&self) -> bool {
        self.vague.is_some()
    }

    /// Whether it already says the time of day by itself.
    pub const fn says_time(&self) -> bool {
        self.clock.is_some()
            || matches!(self.day, Some(Piece::Ago { .. } | Piece::Now | Piece::MomentsAgo | Piece::Instant(_)))
    }

    /// Words that can only be of the past, whatever stands around them: a date, "yesterday", "an hour ago". A weekday
    /// or a time alone can be to come.
    pub const fn is_past(&self) -> bool {
        match self.day {
            Some(Piece::Day(days)) => days < 0,
            Some(Piece::Now | Piece::SomeTimeToday) | None => false,
            Some(_) => true,
        }
    }

    /// A weekday is all that it says of the day.
    pub const fn is_weekday(&self) -> bool {
        self.day.is_none() && self.weekday.is_some()
    }

    /// Of a night, which ends on the day after.
    pub const fn is_night(&self) -> bool {
        matches!(self.day, Some(Piece::Night(_))) || matches!(self.part, Some(Part::Night))
    }

    /// Only "right now" or "some time ago today".
    pub const fn is_now(&self) -> bool {
        matches!(self.day, Some(Piece::Now | Piece::SomeTimeToday))
    }

    pub fn is_empty(&self) -> bool {
        !self.has_day() && self.clock.is_none() && self.part.is_none() && self.vague.is_none()
    }

    /// The clock of another draft, where this one has none.
    pub fn lend_clock(&mut self, other: &Self) {
        if self.clock.is_none() {
            self.clock = other.clock;
            self.part = self.part.or(other.part);
        }
    }

    /// Works out the day and time.
    pub fn resolve(&self, origin: &Origin, words: &Words) -> Resolved {
        let now = origin.now.map(|now| now.with_timezone(&origin.zone).naive_local());
        let Some(day) = self.day(origin, words) else {
            return Resolved::unknown(self.vague.unwrap_or("no_reported_at"));
        };
        let mut day = match day {
            Ok(day) => day,
            Err(rule) => return Resolved::unknown(rule),
        };
        if day.date < first_day() {
            return Resolved::unknown("before_2000");
        }
        let mut part = self.part.or(day.part);
        if let Some(time) = day.time {
            // The words gave an instant.
            let late = now.is_some_and(|now| day.date.and_time(time) > now + TimeDelta::minutes(ROUNDING_MINUTES));
            if late {
                return Resolved::unknown("future");
            }
            return Resolved { date: Some(day.date), time: Some(time), precision: day.precision, rule: day.rule };
        }
        if now.is_some_and(|now| day.date > now.date()) {
            return Resolved::unknown("future");
        }
        let today = now.filter(|now| now.date() == day.date);
        if matches!(day.precision, Precision::Week | Precision::Month) {
            return Resolved { date: Some(day.date), time: None, precision: day.precision, rule: day.rule };
        }
        if self.this_part && self.part == Some(Part::Night) && day.night {
            part = Some(Part::Night);
        }
        if let Some(clock) = self.clock {
            let at_night = day.night || (part == Some(Part::Night) && clock.part.is_none());
            // "yesterday, midnight": the clock's own part speaks first.
            match time_of(&clock, part, today.map(|now| now.time())) {
                Some((time, precision)) => {
                    // "Friday night at 1 am" and "last night around 2" are of the morning after.
                    if at_night && time.hour() < 5 {
                        let after = day.date.succ_opt().unwrap_or(day.date);
                        if now.is_none_or(|now| after.and_time(time) <= now + TimeDelta::minutes(ROUNDING_MINUTES)) {
                            day.date = after;
                        }
                    }
                    let late =
                        now.is_some_and(|now| day.date.and_time(time) > now + TimeDelta::minutes(ROUNDING_MINUTES));
                    if late {
                        return Resolved::unknown("future");
                    }
                    return Resolved { date: Some(day.date), time: Some(time), precision, rule: day.rule };
                }
                None => {
                    let precision = if part.is_some() { Precision::PartOfDay } else { Precision::Day };
                    return Resolved { date: Some(day.date), time: None, precision, rule: day.rule };
                }
            }
        }
        if let Some(part) = part {
            // "tonight" said after midnight is of the evening before; said in the morning it is still to come.
            if let Some(now) = today
                && now.hour() < part.starts()
            {
                return match now.hour() {
                    0..5 if part == Part::Night => Resolved {
                        date: day.date.pred_opt(),
                        time: None,
                        precision: Precision::PartOfDay,
                        rule: day.rule,
                    },
                    _ => Resolved::unknown("future"),
                };
            }
            return Resolved { date: Some(day.date), time: None, precision: Precision::PartOfDay, rule: day.rule };
        }
        Resolved { date: Some(day.date), time: None, precision: day.precision, rule: day.rule }
    }

    /// The day, before any guard; `Err` with the rule that says why there is none, `None` when nothing speaks of one or
    /// it would need the day of the report.
    fn day(&self, origin: &Origin, words: &Words) -> Option<Result<Day, &'static str>> {
        let now = origin.now.map(|now| now.with_timezone(&origin.zone).naive_local());
        let today = now.map(|now| now.date());
        let of_week = |day: Day| if self.week_of { Day { precision: Precision::Week, ..day } } else { day };
        match self.day {
            Some(Piece::NoDate(rule)) => return Some(Err(rule)),
            Some(Piece::Date(date, rule)) => return Some(Ok(of_week(Day::of(date, rule)))),
            Some(Piece::Instant(instant)) => {
                let local = instant.with_timezone(&origin.zone).naive_local();
                let time = local.time().with_second(0)?.with_nanosecond(0)?;
                return Some(Ok(Day {
                    time: Some(time),
                    precision: Precision::Minute,
                    ..Day::of(local.date(), "iso_instant")
                }));
            }
            Some(Piece::Month { month, year: Some(year), at }) => {
                return Some(
                    month_day(year, month, at, today).map(|date| Day::of(date, "month").with(Precision::Month)),
                );
            }
            Some(Piece::Holiday { place, year: Some(year) }) => {
                return Some(words.holiday(place, year).map(|date| Day::of(date, "holiday")).ok_or("impossible"));
            }
            _ => {}
        }
        let (now, today) = (now?, today?);
        let instant = |minutes: i64, precision: Precision, rule: &'static str| {
            let then = origin.now?.checked_sub_signed(TimeDelta::try_minutes(minutes)?)?;
            let local = then.with_timezone(&origin.zone).naive_local();
            let time = NaiveTime::from_hms_opt(local.hour(), local.minute(), 0)?;
            let timed = matches!(precision, Precision::Minute | Precision::Hour);
            Some(Day { time: timed.then_some(time), precision, ..Day::of(local.date(), rule) })
        };
        let back = |days: i64| plus_days(today, days).ok_or("impossible");
        Some(match self.day {
            Some(Piece::MonthDay { month, day, rule }) => self
                .yearless(today, origin.field, |year| NaiveDate::from_ymd_opt(year, month, day))
                .map(|date| of_week(Day::of(date, rule))),
            Some(Piece::Holiday { place, .. }) => self
                .yearless(today, origin.field, |year| words.holiday(place, year))
                .map(|date| Day::of(date, "holiday")),
            Some(Piece::Month { month, at, .. }) => {
                let this_year = month_day(today.year(), month, at, Some(today));
                let date = match this_year {
                    Ok(date) if date <= today => Ok(date),
                    _ => month_day(today.year() - 1, month, at, Some(today)),
                };
                date.map(|date| Day::of(date, "month").with(Precision::Month))
            }
            Some(Piece::Day(days)) => back(days).map(|date| Day::of(date, "relative_days")),
            Some(Piece::Night(days)) => {
                // "tonight" after midnight, "last night" at any hour: the evening of the local day counted from.
                let days = if days == 0 && now.hour() < 5 { -1 } else { days };
                back(days).map(|date| Day { night: true, part: Some(Part::Night), ..Day::of(date, "relative_night") })
            }
            Some(Piece::Ago { minutes, precision }) => instant(minutes, precision, "time_ago").ok_or("impossible"),
            Some(Piece::Now) => instant(0, Precision::Minute, "now").ok_or("impossible"),
            Some(Piece::MomentsAgo) => instant(5, Precision::Hour, "moments_ago").ok_or("impossible"),
            Some(Piece::HoursAgo) => instant(180, Precision::PartOfDay, "hours_ago").ok_or("impossible"),
            Some(Piece::SomeTimeToday) => Ok(Day::of(today, "some_time_today")),
            Some(Piece::Weekend(weekends, this)) => {
                weekend(today, weekends, this).map(|date| Day::of(date, "weekend").with(Precision::Week))
            }
            _ => {
                if let Some((weekday, which)) = self.weekday {
                    self.of_weekday(today, weekday, which, origin)
                } else if let Some((day, months)) = self.day_of_month {
                    let months = months.or(self.months.map(|(months, _)| months));
                    day_of_month(today, day, months, origin.field).map(|date| Day::of(date, "day_of_month"))
                } else if let Some(weeks) = self.weeks {
                    back(7 * weeks).map(|date| Day::of(date, "relative_week").with(Precision::Week))
                } else if let Some((months, place)) = self.months {
                    relative_month(today, months, place)
                        .map(|date| Day::of(date, "relative_month").with(Precision::Month))
                } else if self.clock.is_some() || self.part.is_some() {
                    let rule = if self.clock.is_some() { "clock" } else { "part_of_day" };
                    Ok(Day::of(today, rule))
                } else {
                    return self.vague.map(Err);
                }
            }
        })
    }

    /// A yearless day: this year's, or last year's when this year's lies well ahead.
    fn yearless(
        &self,
        today: NaiveDate,
        field: bool,
        of: impl Fn(i32) -> Option<NaiveDate>,
    ) -> Result<NaiveDate, &'static str> {
        let year = today.year();
        let (this, last, next) = (of(year), of(year - 1), of(year + 1));
        // The weekday beside it may tell the year.
        if let Some((weekday, _)) = self.weekday
            && let Some(this) = this
            && this.weekday() != weekday
            && !(0..=MONTHS_BACK).contains(&(today - this).num_days())
            && let Some(last) = last.filter(|last| last.weekday() == weekday)
        {
            return Ok(last);
        }
        let this = this.ok_or("impossible")?;
        let ahead = if field { AHEAD_DAYS } else { 120 };
        let soon = |day: NaiveDate| day > today && (day - today).num_days() <= ahead;
        if this <= today {
            // Just after New Year's Eve in reverse: "Jan 2" said on 30 December is to come.
            return if next.is_some_and(soon) { Err("future") } else { Ok(this) };
        }
        if soon(this) || self.weekday.is_some_and(|(weekday, _)| weekday == this.weekday()) {
            return Err("future");
        }
        last.ok_or("impossible")
    }

    fn of_weekday(
        &self,
        today: NaiveDate,
        weekday: Weekday,
        which: Which,
        origin: &Origin,
    ) -> Result<Day, &'static str> {
        let rule = "weekday";
        let monday = today.week(Weekday::Mon).checked_first_day().ok_or("impossible")?;
        let in_week =
            |weeks: i64| plus_days(monday, 7 * weeks + i64::from(weekday.num_days_from_monday())).ok_or("impossible");
        if let Some((day, months)) = self.day_of_month {
            if months.is_some() {
                return day_of_month(today, day, months, origin.field).map(|date| Day::of(date, rule));
            }
            // "Thursday 16": of this month, the last or the next, whichever falls on that weekday.
            for month in [0, -1, 1] {
                let found = in_month(today, month, day).filter(|date| date.weekday() == weekday);
                match found {
                    Some(date) if date <= today => return Ok(Day::of(date, rule)),
                    Some(_) => return Err("future"),
                    None => {}
                }
            }
            return Err("conflicting");
        }
        if let Some(weeks) = self.weeks {
            return in_week(weeks).map(|date| Day::of(date, rule));
        }
        // Days back to the last one before today.
        let back = (i64::from(today.weekday().num_days_from_monday()) - i64::from(weekday.num_days_from_monday()) + 6)
            .rem_euclid(7)
            + 1;
        let date = match which {
            Which::Latest => plus_days(today, -back).ok_or("impossible")?,
            Which::Before(weeks) => plus_days(today, -back - 7 * weeks).ok_or("impossible")?,
            Which::This => in_week(0)?,
            Which::Next => return Err("future"),
        };
        Ok(Day::of(date, rule))
    }
}

/// A day worked out, with what else its words said.
#[derive(Clone, Copy, Debug)]
struct Day {
    date: NaiveDate,
    time: Option<NaiveTime>,
    precision: Precision,
    part: Option<Part>,
    /// The night that begins on that day.
    night: bool,
    rule: &'static str,
}

impl Day {
    const fn of(date: NaiveDate, rule: &'static str) -> Self {
        Self { date, time: None, precision: Precision::Day, part: None, night: false, rule }
    }

    const fn with(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }
}

/// Events before are no field reports.
fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default()
}

fn plus_days(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    let distance = Days::new(days.unsigned_abs());
    if days < 0 { date.checked_sub_days(distance) } else { date.checked_add_days(distance) }
}

fn plus_months(date: NaiveDate, months: i32) -> Option<NaiveDate> {
    let distance = Months::new(months.unsigned_abs());
    if months < 0 { date.checked_sub_months(distance) } else { date.checked_add_months(distance) }
}

/// Day `day` of the month that lies `months` from today's.
fn in_month(today: NaiveDate, months: i32, day: u32) -> Option<NaiveDate> {
    plus_months(today.with_day(1)?, months)?.with_day(day)
}

/// A day of the month without its month: the last one that has been.
fn day_of_month(today: NaiveDate, day: u32, months: Option<i32>, field: bool) -> Result<NaiveDate, &'static str> {
    if let Some(months) = months {
        return in_month(today, months, day).ok_or("impossible");
    }
    match in_month(today, 0, day) {
        Some(date) if date <= today => Ok(date),
        // A few days ahead it is rather to come.
        Some(date) if (date - today).num_days() <= 3 || !field => Err("future"),
        _ => in_month(today, -1, day).ok_or("impossible"),
    }
}

/// A day within that part of the month; not after today while the month runs.
fn month_day(year: i32, month: u32, place: Where, today: Option<NaiveDate>) -> Result<NaiveDate, &'static str> {
    let first = NaiveDate::from_ymd_opt(year, month, 1).ok_or("impossible")?;
    let day = match place {
        Where::Anywhere => 1,
        Where::Early => 5,
        Where::Mid => 15,
        Where::Late => 25,
        Where::Week(5) => 27,
        Where::Week(nth) => 7 * u32::from(nth) - 4,
    };
    let date = first.with_day(day).ok_or("impossible")?;
    // "early May" said on the 3rd.
    match today {
        Some(today) if date > today && first <= today && place == Where::Early => Ok(today),
        _ => Ok(date),
    }
}

fn relative_month(today: NaiveDate, months: i32, place: Where) -> Result<NaiveDate, &'static str> {
    let then = plus_months(today, months).ok_or("impossible")?;
    if place == Where::Anywhere {
        return Ok(then);
    }
    month_day(then.year(), then.month(), place, Some(today))
}

/// The Saturday of a weekend: 0 is the one that runs or was last, -1 the last one that is over. "This weekend" is the
/// past one on Monday and Tuesday; then it is rather the one to come.
fn weekend(today: NaiveDate, weekends: i64, this: bool) -> Result<NaiveDate, &'static str> {
    let to_come = matches!(today.weekday(), Weekday::Wed | Weekday::Thu | Weekday::Fri);
    if weekends > 0 || (this && to_come) {
        return Err("future");
    }
    let since_saturday = i64::from((today.weekday().num_days_from_monday() + 2) % 7);
    let runs = since_saturday <= 1;
    let back = match weekends {
        0 => 0,
        n if runs => -n,
        n => -n - 1,
    };
    plus_days(today, -since_saturday - 7 * back).ok_or("impossible")
}

/// The time of day that a clock says; `None` when am or pm cannot be told.
fn time_of(clock: &Clock, part: Option<Part>, now: Option<NaiveTime>) -> Option<(NaiveTime, Precision)> {
    let precision = if clock.to_the_minute { Precision::Minute } else { Precision::Hour };
    let time = |hour: u32| NaiveTime::from_hms_opt(hour % 24, clock.minute, 0).map(|time| (time, precision));
    let twelve = clock.hour % 12;
    if let Some(pm) = clock.pm {
        return time(if clock.hour > 12 { clock.hour } else { twelve + 12 * u32::from(pm) });
    }
    if clock.of_24 {
        return time(clock.hour);
    }
    if let Some(part) = clock.part.or(part) {
        return time(match part {
            Part::EarlyMorning => twelve,
            Part::Morning if clock.hour == 12 => 12,
            Part::Morning => twelve,
            // "11 de la tarde" does not exist, "11 del día" does.
            Part::Afternoon if (9..=11).contains(&clock.hour) => clock.hour,
            Part::Afternoon => twelve + 12,
            Part::Evening | Part::Night if clock.hour == 12 || clock.hour <= 3 && part == Part::Night => twelve,
            Part::Evening | Part::Night => twelve + 12,
        });
    }
    let before = |hour: u32| {
        let now = now?;
        let then = NaiveTime::from_hms_opt(hour, clock.minute, 0)?;
        let ago = (now - then).num_minutes();
        (ago >= -ROUNDING_MINUTES).then_some(ago)
    };
    let (morning, evening) = (twelve, twelve + 12);
    if now.is_some() {
        return match (before(morning), before(evening)) {
            (None, None) => time(usual(clock).unwrap_or(morning)),
            (Some(_), None) => time(if clock.hour == 12 { 0 } else { morning }),
            (_, Some(ago)) if ago <= 60 * SOON_HOURS || usual(clock) == Some(evening) => time(evening),
            _ if usual(clock).is_some() || clock.to_the_minute => time(usual(clock).unwrap_or(morning)),
            _ => None,
        };
    }
    match usual(clock) {
        Some(hour) => time(hour),
        None if clock.to_the_minute => time(morning),
        None => None,
    }
}

/// What an hour without am or pm usually means in these reports; 5 to 7 can be both.
const fn usual(clock: &Clock) -> Option<u32> {
    match clock.hour {
        12 => Some(12),
        1..=4 => Some(clock.hour + 12),
        8..=11 => Some(clock.hour),
        _ => None,
    }
}
