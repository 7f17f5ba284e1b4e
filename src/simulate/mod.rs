//! `testigo simulate`: invented field reports with their truth, as believable as we can make them.
//!
//! Hotlines, defender offices, court watches and clinics in seven states tell of encounters: in notes, text messages,
//! SALUTE texts, forms and spreadsheets, in English, Spanish and both, soon or months later, some twice, some with a
//! verdict later on, some broken. Traps for who reads a trend are built in: a courthouse campaign that starts seven
//! months before the end, a hotline that joins half-way, one that falls silent for two months.
//!
//! What always holds: the same plan gives the same bytes on every machine; a plan of N reports gives N submissions, in
//! the order in which they are sent; memory holds only what has happened and is not sent yet; nobody and nothing in it
//! is real but the names of places.
//!
//! The way of a report: `calendar` shares the plan out over days, `encounter` draws what happens, [`Simulation`] decides
//! who tells of it and when, `submission` writes what is sent, with `when`, `place`, `prose` and `private` for its words.

mod calendar;
mod dice;
mod encounter;
mod files;
mod place;
mod private;
mod prose;
mod submission;
#[cfg(test)]
mod tests;
mod when;
mod world;

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use schemas::time::Month;

pub use encounter::{Code, Codes};
pub use files::{Summary, write_files};
pub use prose::{Planted, Tongue};
pub use submission::{Cell, Style, Submission, Truth, Version, Wire};
pub use world::{SourceSpec, sources};

use calendar::Calendar;
use dice::Dice;
use encounter::{Encounter, is_event, is_occurrence};
use submission::Telling;
use world::WORLD;

/// The zone in which the spreadsheet of [`write_files`] keeps its instants.
pub(crate) const SHEET_ZONE: Tz = Tz::America__New_York;

/// How many days after the last month submissions are still sent: late ones, and what goes on at the hotlines.
pub const LAST_DAYS: u64 = 19;

/// What to simulate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How many months, ending with `until`.
    pub months: u32,
    /// How many submissions in all: repeats, revisions and rejects are among them.
    pub reports: u64,
    pub seed: u64,
    /// The last month in which events happen.
    pub until: Month,
    /// Whether words such as "yesterday" also stand in the field `occurred`, and not only in narratives.
    pub occurred_in_words: bool,
}

impl Plan {
    /// A plan whose `occurred` fields are all dates.
    #[must_use]
    pub const fn new(months: u32, reports: u64, seed: u64, until: Month) -> Self {
        Self { months, reports, seed, until, occurred_in_words: false }
    }

    /// The instant after which nothing is sent.
    #[must_use]
    pub fn horizon(&self) -> DateTime<Utc> {
        midnight(self.until.last_day() + chrono::Days::new(LAST_DAYS + 1))
    }
}

/// One submission that has been planned and not yet sent. Ordered by when it is sent.
#[derive(Debug, Clone)]
struct Pending {
    sent_at: DateTime<Utc>,
    /// Tells apart what is sent at the same time.
    number: u64,
    encounter: Arc<Encounter>,
    source: &'static SourceSpec,
    /// The number that the source gave it.
    serial: u64,
    /// The stream of draws with which it is told; the versions of an external id share it.
    stream: u64,
    style: Style,
    reported_at: DateTime<Utc>,
    version: Version,
    /// A revision follows.
    revised: bool,
    /// The source has told of this event before, under another id.
    told_before: bool,
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.sent_at, self.number).cmp(&(other.sent_at, other.number))
    }
}

/// The submissions of a plan, in the order in which they are sent.
#[derive(Debug)]
pub struct Simulation {
    plan: Plan,
    calendar: Calendar,
    dice: Dice,
    /// The next day to draw, from 0. One past the last stands for the calls of the days after the plan.
    day: usize,
    pending: BinaryHeap<Reverse<Pending>>,
    encounters: u64,
    /// Submissions planned, those among them that would be sent too late included.
    planned: u64,
    /// Submissions that are or will be sent.
    kept: u64,
    /// The streams of draws given out.
    streams: u64,
    /// The last number that each source gave.
    serials: Vec<u64>,
}

impl Simulation {
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self {
            calendar: Calendar::new(plan.until, plan.months),
            dice: Dice::new(plan.seed),
            day: 0,
            pending: BinaryHeap::new(),
            encounters: 0,
            planned: 0,
            kept: 0,
            streams: 0,
            serials: vec![0; sources().len()],
            plan,
        }
    }

    /// Draws all that happens on the next day, or, after the last, what fills the plan up.
    fn draw_day(&mut self) {
        if let Some(day) = self.calendar.day(self.day) {
            let quota = self.calendar.quota(self.day, self.plan.reports);
            while self.planned < quota {
                let (source, campaign) = self.calendar.draw_source(&mut self.dice, day);
                let encounter = self.encounter(day, source, campaign);
                self.tell_of(&Arc::new(encounter), source, campaign);
            }
        } else {
            self.draw_last_calls();
        }
        self.day += 1;
    }

    fn encounter(&mut self, day: NaiveDate, source: usize, campaign: bool) -> Encounter {
        self.encounters += 1;
        encounter::draw(&mut self.dice, self.encounters, day, &sources()[source], campaign)
    }

    /// What would be sent after the horizon is not sent; calls of the last days that tell of no event take its place.
    fn draw_last_calls(&mut self) {
        let last = self.plan.until.last_day();
        while self.kept < self.plan.reports {
            let (source, campaign) = self.calendar.draw_source(&mut self.dice, last);
            let day = last + chrono::Days::new(u64::from(self.dice.between(1, 16)));
            let encounter = self.encounter(day, source, campaign);
            if is_event(encounter.facts.event_kind) {
                continue;
            }
            let mut call = self.first_version(&Arc::new(encounter), source, false);
            call.sent_at = call.sent_at.min(self.plan.horizon() - TimeDelta::minutes(1));
            call.reported_at = call.reported_at.min(call.sent_at);
            self.keep(call);
        }
    }

    /// Decides who tells of an encounter: at times the same source hears of it twice, at times others do too.
    fn tell_of(&mut self, encounter: &Arc<Encounter>, first: usize, campaign: bool) {
        self.plan_telling(encounter, first, false);
        if !is_occurrence(encounter.facts.event_kind) {
            return;
        }
        if self.dice.percent(7) {
            self.plan_telling(encounter, first, true);
        }
        let mut told_by = vec![first];
        for percent in [if campaign { 8 } else { 14 }, 25] {
            if !self.dice.percent(percent) {
                return;
            }
            let (calendar, day) = (&self.calendar, encounter.at.date());
            let weights = sources().iter().enumerate().map(|(i, source)| {
                let hears = source.covers(encounter.county) && calendar.is_active(source, day) && !told_by.contains(&i);
                if hears { source.weight } else { 0 }
            });
            if weights.clone().all(|weight| weight == 0) {
                return;
            }
            let other = self.dice.weighted(weights);
            told_by.push(other);
            self.plan_telling(encounter, other, false);
        }
    }

    /// Plans the first version of one telling, with its repeats and revisions.
    fn plan_telling(&mut self, encounter: &Arc<Encounter>, source: usize, told_before: bool) {
        let mut first = self.first_version(encounter, source, told_before);
        let revision_per_mille = match (encounter.hollow, told_before) {
            (true, _) => 900,
            (false, true) => 200,
            (false, false) if is_occurrence(encounter.facts.event_kind) => 28,
            (false, false) => 8,
        };
        first.revised = self.dice.per_mille(revision_per_mille);
        let repeated = self.dice.per_mille(32);
        if !first.revised && !repeated && self.dice.per_mille(8) {
            first.version = Version::Reject;
        }
        self.plan(first.clone());
        if repeated {
            // Sent twice by mistake, or by a channel that plays old messages again.
            let minutes = if self.dice.percent(60) { self.dice.between(1, 90) } else { self.dice.between(600, 50_000) };
            self.plan_again(&first, Version::Repeat, minutes);
        }
        if first.revised {
            let minutes = self.dice.between(60, 20_000);
            self.plan_again(&first, Version::Revision, minutes);
        }
    }

    fn first_version(&mut self, encounter: &Arc<Encounter>, source: usize, told_before: bool) -> Pending {
        let spec = &sources()[source];
        let style = Style::from_name(spec.styles.draw(&mut self.dice));
        let reported_at = draw_reported_at(&mut self.dice, spec, encounter);
        let sent_at = draw_sent_at(&mut self.dice, style, reported_at);
        self.streams += 1;
        self.serials[source] += 1;
        Pending {
            sent_at: self.out_of_silence(spec, sent_at),
            number: 0,
            encounter: Arc::clone(encounter),
            source: spec,
            serial: self.serials[source],
            stream: self.streams,
            style,
            reported_at,
            version: Version::First,
            revised: false,
            told_before,
        }
    }

    fn plan_again(&mut self, first: &Pending, version: Version, minutes_later: u32) {
        let sent_at = first.sent_at + TimeDelta::minutes(i64::from(minutes_later));
        let sent_at = self.out_of_silence(first.source, sent_at);
        self.plan(Pending { sent_at, version, ..first.clone() });
    }

    /// A source that is silent sends when it is back.
    fn out_of_silence(&self, source: &SourceSpec, sent_at: DateTime<Utc>) -> DateTime<Utc> {
        match self.calendar.silence().filter(|_| source.silent) {
            Some([from, to]) if sent_at >= midnight(from.first_day()) && sent_at < midnight(to.plus(1).first_day()) => {
                midnight(to.plus(1).first_day()) + (sent_at - midnight(from.first_day())) / 12
            }
            _ => sent_at,
        }
    }

    fn plan(&mut self, pending: Pending) {
        if self.planned < self.plan.reports {
            self.planned += 1;
            if pending.sent_at < self.plan.horizon() {
                self.keep(pending);
            }
        }
    }

    fn keep(&mut self, pending: Pending) {
        self.kept += 1;
        self.pending.push(Reverse(Pending { number: self.kept, ..pending }));
    }

    fn tell(&self, pending: &Pending) -> Submission {
        let telling = Telling {
            encounter: &pending.encounter,
            source: pending.source,
            external_id: format!("{}-{:06}", pending.source.prefix, pending.serial),
            style: pending.style,
            reported_at: pending.reported_at,
            sent_at: pending.sent_at,
            version: pending.version,
            revised: pending.revised,
            told_before: pending.told_before,
            occurred_in_words: self.plan.occurred_in_words,
        };
        submission::tell(&telling, &mut self.dice.stream(pending.stream))
    }
}

impl Iterator for Simulation {
    type Item = Submission;

    fn next(&mut self) -> Option<Submission> {
        loop {
            // Nothing that is yet to be drawn is sent before the day on which it happens.
            let drawn_until = self.calendar.day(self.day).map(midnight);
            let all_drawn = drawn_until.is_none() && self.calendar.day(self.day.saturating_sub(1)).is_none();
            match self.pending.peek() {
                Some(Reverse(next)) if all_drawn || drawn_until.is_some_and(|until| next.sent_at < until) => {
                    let Reverse(next) = self.pending.pop()?;
                    return Some(self.tell(&next));
                }
                None if all_drawn => return None,
                _ => self.draw_day(),
            }
        }
    }
}

/// The day's beginning in UTC, which in the simulated zones is the evening before.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// When the source hears of it: within hours, or days, at times months later.
fn draw_reported_at(dice: &mut Dice, source: &SourceSpec, encounter: &Encounter) -> DateTime<Utc> {
    let at = encounter.at;
    let lags = &WORLD.mix.lag[source.kind.as_str()];
    let place = dice.weighted(lags.iter().map(|(_, weight)| *weight));
    let days = match place {
        _ if !is_occurrence(encounter.facts.event_kind) => 0,
        0 => 0,
        _ => dice.between(lags[place - 1].0 + 1, lags[place].0),
    };
    let (hour, minute) = (dice.between(8, 20), dice.below(60));
    let call = match days {
        0 => at + TimeDelta::minutes(i64::from(dice.between(8, 420))),
        _ => at.date().and_time(time(hour, minute)) + TimeDelta::days(i64::from(days)),
    };
    // Nobody answers after ten at night; so no call falls into the hour that a change of clocks repeats.
    let latest = (at.date() + TimeDelta::days(i64::from(days))).and_time(time(21, 59));
    let call = call.min(latest);
    let zone = encounter.county.zone;
    call.and_local_timezone(zone).earliest().map_or_else(|| call.and_utc(), |call| call.with_timezone(&Utc))
}

/// When the source sends it: live, after the form is filled in, or with the spreadsheet on Monday.
fn draw_sent_at(dice: &mut Dice, style: Style, reported_at: DateTime<Utc>) -> DateTime<Utc> {
    let minutes = |n: u32| reported_at + TimeDelta::minutes(i64::from(n));
    match style {
        Style::Row => {
            let past_monday = i64::from(reported_at.weekday().num_days_from_monday());
            let upload = midnight(reported_at.date_naive() + TimeDelta::days(7 - past_monday)) + TimeDelta::hours(15);
            upload + TimeDelta::seconds(i64::from(dice.below(3600)))
        }
        Style::Form => minutes(dice.between(5, 2_800)),
        _ if dice.percent(80) => minutes(dice.between(1, 15)),
        _ => minutes(dice.between(30, 600)),
    }
}

fn time(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default()
}
