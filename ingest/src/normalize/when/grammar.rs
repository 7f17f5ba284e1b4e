//! Finds the pieces of dates and times in a row of atoms: "3 de mayo", "last Tuesday", "around 6 am", "hace 2 horas".
//! A piece says what was written; what day that was is the matter of `resolve`.
//!
//! What always holds: a piece covers at least one atom, and reading is bounded: each recogniser looks at a fixed number
//! of atoms from where it stands.

mod clock;
mod named;
mod numbers;
mod relative;

use chrono::{DateTime, NaiveDate, Utc, Weekday};
use schemas::time::{DateOrder, Precision};

use super::scan::{Atom, Kind};
use super::words::{Marks, Part, Unit};

/// Where in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    Anywhere,
    Early,
    Mid,
    Late,
    /// Its first, second, third, fourth week; 5 is the last.
    Week(u8),
}

/// Which of the many days of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The last one before the day of the report.
    Latest,
    /// That of the week of the report.
    This,
    /// One that is still to come.
    Next,
    /// So many weeks before the last one.
    Before(i64),
}

/// A time of day as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// 0 to 24.
    pub hour: u32,
    pub minute: u32,
    /// Minutes were written, or the words are as exact as minutes.
    pub to_the_minute: bool,
    /// `Some(true)` for pm.
    pub pm: Option<bool>,
    /// `06:20`, `1830 hrs`: nothing to guess.
    pub of_24: bool,
    /// The part of the day that it was said with: "de la tarde", "this morning".
    pub part: Option<Part>,
    /// "around", "como": not to the point.
    pub hedged: bool,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Year, month and day, with the rule that read them.
    Date(NaiveDate, &'static str),
    /// Numbers that are no date at all, or none in the order of the source.
    NoDate(&'static str),
    /// An instant: date and time with an offset.
    Instant(DateTime<Utc>),
    /// Month and day of no stated year.
    MonthDay {
        month: u32,
        day: u32,
        rule: &'static str,
    },
    Month {
        month: u32,
        year: Option<i32>,
        at: Where,
    },
    /// A day of the month; of which one, where that is said (0 this, -1 the last).
    DayOfMonth {
        day: u32,
        months: Option<i32>,
    },
    Weekday(Weekday, Which),
    /// Days from the day of the report.
    Day(i64),
    Night(i64),
    Weeks(i64),
    /// Weekends from the one that runs or was last; whether "this" one was said, which may be to come.
    Weekend(i64, bool),
    Months(i32, Where),
    /// So long before the report.
    Ago {
        minutes: i64,
        precision: Precision,
    },
    Holiday {
        place: u8,
        year: Option<i32>,
    },
    Clock(Clock),
    /// A part of the day; whether it was said to be today's.
    Part {
        part: Part,
        this: bool,
    },
    /// "the week of": the date is only known to the week.
    WeekOf,
    Now,
    /// "a few minutes ago".
    MomentsAgo,
    /// "a few hours ago".
    HoursAgo,
    /// "hace rato": some time today.
    SomeTimeToday,
    /// Words that say that it is not known, or too vague to use.
    Vague(&'static str),
}

/// A row of atoms to read.
pub struct Grammar<'a> {
    pub text: &'a str,
    pub atoms: &'a [Atom],
    pub order: DateOrder,
    /// The text is the content of the field `occurred`, so numbers and loose words may be taken as dates and times.
    pub field: bool,
    pub spanish: bool,
}

/// Marks that can stand before a time of day.
const BEFORE_CLOCK: Marks = Marks::AT.or(Marks::HEDGE).or(Marks::SINCE);
const HERE: Marks = Marks::THE.or(Marks::OF).or(Marks::FILL);

impl Grammar<'_> {
    fn atom(&self, at: usize) -> Option<&Atom> {
        self.atoms.get(at)
    }

    fn has(&self, at: usize, any_of: Marks) -> bool {
        self.atom(at).is_some_and(|atom| atom.has(any_of))
    }

    fn is_sign(&self, at: usize, sign: u8) -> bool {
        self.atom(at).is_some_and(|atom| atom.is_sign(sign))
    }

    /// The atom touches the one before it.
    fn touches(&self, at: usize) -> bool {
        self.atom(at).is_some_and(|atom| !atom.gap)
    }

    fn text(&self, at: usize) -> &str {
        self.atom(at).and_then(|atom| self.text.get(atom.start..atom.end)).unwrap_or("")
    }

    fn unit(&self, at: usize) -> Option<Unit> {
        self.atom(at)?.word.unit
    }

    fn digits(&self, at: usize) -> Option<(u32, u8)> {
        match self.atom(at)?.kind {
            Kind::Number { value, digits } => Some((value, digits)),
            _ => None,
        }
    }

    /// Digits in any number of at most `most` places.
    fn digits_up_to(&self, at: usize, most: u8) -> Option<u32> {
        self.digits(at).filter(|(_, digits)| *digits <= most).map(|(value, _)| value)
    }

    /// A number in digits or words ("cuarenta y cinco", "twenty-five"), what follows it, and whether it is in words.
    fn number(&self, at: usize) -> Option<(u32, usize, bool)> {
        if let Some(value) = self.digits_up_to(at, 4) {
            return Some((value, at + 1, false));
        }
        let tens = u32::from(self.atom(at)?.word.number?);
        if tens >= 20 && tens.is_multiple_of(10) {
            let joined = at + 1 + usize::from(self.is_sign(at + 1, b'-') || self.has(at + 1, Marks::AND));
            if let Some(ones) = self.atom(joined).and_then(|atom| atom.word.number).filter(|n| (1..10).contains(n))
                && self.digits(joined).is_none()
            {
                return Some((tens + u32::from(ones), joined + 1, true));
            }
        }
        Some((tens, at + 1, true))
    }

    /// Skips atoms with any of these marks, at most `most`.
    fn skip(&self, at: usize, any_of: Marks, most: usize) -> usize {
        (at..at + most).find(|at| !self.has(*at, any_of)).unwrap_or(at + most)
    }

    /// `:15`, which makes the number before it an hour.
    fn minutes_follow(&self, at: usize) -> bool {
        self.is_sign(at, b':') && self.touches(at) && self.touches(at + 1) && self.digits(at + 1).is_some()
    }

    /// A full stop after an abbreviation.
    fn skip_stop(&self, at: usize) -> usize {
        at + usize::from(self.is_sign(at, b'.') && self.touches(at))
    }

    fn skip_comma(&self, at: usize) -> usize {
        at + usize::from(self.is_sign(at, b','))
    }

    /// The piece that begins at this atom, and the atom after it.
    pub fn piece(&self, at: usize) -> Option<(Piece, usize)> {
        let atom = self.atom(at)?;
        match atom.kind {
            Kind::Number { .. } => self
                .iso(at)
                .or_else(|| self.numeric_date(at))
                .or_else(|| self.ago(at))
                .or_else(|| self.day_then_month(at))
                .or_else(|| self.clock(at))
                .or_else(|| self.ordinal_day(at)),
            Kind::Sign(b'~' | b'@') => self.clock(at),
            Kind::Sign(_) => None,
            Kind::Word => self.word_piece(at, atom),
        }
    }

    fn word_piece(&self, at: usize, atom: &Atom) -> Option<(Piece, usize)> {
        let word = &atom.word;
        if word.has(Marks::NOT_A_TIME) {
            return None;
        }
        if let Some(place) = word.holiday {
            let (year, next) = self.year(at + 1).map_or((None, at + 1), |(year, next)| (Some(year), next));
            // "the day after Christmas"
            let beside = at >= 2 && self.unit(at - 2).is_some() && self.has(at - 1, Marks::HEDGE);
            return Some((if beside { Piece::Vague("beside_a_day") } else { Piece::Holiday { place, year } }, next));
        }
        let fixed = if word.has(Marks::MOMENTS_AGO) {
            Some(Piece::MomentsAgo)
        } else if word.has(Marks::HOURS_AGO) {
            Some(Piece::HoursAgo)
        } else if word.has(Marks::VAGUE_TODAY) && !self.earlier_than_what(at) {
            Some(Piece::SomeTimeToday)
        } else if word.has(Marks::VAGUE) {
            Some(Piece::Vague("vague"))
        } else if word.has(Marks::YEAR_ONLY) {
            Some(Piece::Vague("year_only"))
        } else if self.field && word.has(Marks::NOW) {
            Some(Piece::Now)
        } else if !self.field && word.has(Marks::ONGOING) {
            Some(Piece::SomeTimeToday)
        } else {
            None
        };
        if let Some(piece) = fixed {
            return Some((piece, at + 1));
        }
        // "in 3 days", "dentro de una hora": to come.
        if self.field
            && word.has(Marks::AHEAD)
            && let Some((_, next)) = self.duration(at + 1)
            && !self.has(next, Marks::AGO)
        {
            return Some((Piece::NoDate("future"), next));
        }
        if let Some(found) = self.recurring(at) {
            return Some(found);
        }
        if word.has(Marks::HACE)
            && let Some(found) = self.hace(at)
        {
            return Some(found);
        }
        if let Some(days) = word.night {
            return Some((Piece::Night(days.into()), at + 1));
        }
        if let Some(days) = word.day
            && !(word.part.is_some() && self.is_morning(at))
        {
            return Some((Piece::Day(days.into()), at + 1));
        }
        self.ago(at)
            .or_else(|| self.part_of_month(at))
            .or_else(|| self.relative(at))
            .or_else(|| self.weekday(at))
            .or_else(|| self.month_then_day(at))
            .or_else(|| self.day_then_month(at))
            .or_else(|| self.clock(at))
            .or_else(|| self.part(at))
            .or_else(|| self.ordinal_day(at))
    }

    /// "earlier this week", "earlier today": "earlier" is no piece of its own then.
    fn earlier_than_what(&self, at: usize) -> bool {
        self.atom(at + 1).is_some_and(|next| next.has(Marks::THIS) || next.word.names_day() || next.word.part.is_some())
            || (!self.field && self.atom(at).is_some_and(|atom| atom.word.has(Marks::EARLY)))
    }

    /// "every Monday", "los lunes".
    fn recurring(&self, at: usize) -> Option<(Piece, usize)> {
        if !self.has(at, Marks::EVERY) {
            return None;
        }
        let next = self.skip(at + 1, HERE, 2);
        let names = |at: usize| self.atom(at).is_some_and(|a| a.word.weekday.is_some() || a.word.part.is_some());
        if names(next) || self.unit(next).is_some_and(|unit| !matches!(unit, Unit::Minute | Unit::Hour)) {
            return Some((Piece::Vague("recurring"), next + 1));
        }
        // "Mondays" has both meanings by itself; "los lunes" is a phrase.
        let atom = self.atom(at)?;
        (atom.word.weekday.is_some() || self.text(at).contains(' ')).then_some((Piece::Vague("recurring"), at + 1))
    }

    /// `mañana` as the morning and not as tomorrow: after an article or "esta", or after a day.
    fn is_morning(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).and_then(|at| self.atom(at)) else { return false };
        before.has(Marks::THE.or(Marks::THIS))
            || before.word.names_day()
            || before.word.part == Some(Part::EarlyMorning)
    }
}
