//! Finds the pieces of dates and times in a row of atoms: "3 de mayo", "last Tuesday", "around 6 am", "hace 2 horas".
//! A piece says what was written; what day that was is the matter of `resolve`.
//!
//! What always holds: a piece covers at least one atom, and reading is bounded: each recogniser looks at a fixed number
//! of atoms from where it stands.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Utc, Weekday};
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
    MonthDay { month: u32, day: u32, rule: &'static str },
    Month { month: u32, year: Option<i32>, at: Where },
    /// A day of the month; of which one, where that is said (0 this, -1 the last).
    DayOfMonth { day: u32, months: Option<i32> },
    Weekday(Weekday, Which),
    /// Days from the day of the report.
    Day(i64),
    Night(i64),
    Weeks(i64),
    Weekend(i64),
    Months(i32, Where),
    /// So long before the report.
    Ago { minutes: i64, precision: Precision },
    Holiday { place: u8, year: Option<i32> },
    Clock(Clock),
    /// A part of the day; whether it was said to be today's.
    Part { part: Part, this: bool },
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
            return Some((Piece::Holiday { place, year }, next));
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
        } else if word.has(if self.field { Marks::NOW } else { Marks::NOW_IN_TEXT }) {
            Some(Piece::Now)
        } else {
            None
        };
        if let Some(piece) = fixed {
            return Some((piece, at + 1));
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
        before.has(Marks::THE.or(Marks::THIS)) || before.word.names_day() || before.word.part == Some(Part::EarlyMorning)
    }

    // ---- numbers ----

    /// `2026-09-03`, `2026-09-03T07:15:00.000Z`, `2026-09-03 07:15 -0700`.
    fn iso(&self, at: usize) -> Option<(Piece, usize)> {
        let atom = self.atom(at)?;
        let (year, 4) = self.digits(at)? else { return None };
        let rest = self.text.get(atom.start..)?.as_bytes();
        let two = |from: usize| -> Option<u32> {
            let pair = rest.get(from..from + 2)?;
            pair.iter().all(u8::is_ascii_digit).then(|| u32::from(pair[0] - b'0') * 10 + u32::from(pair[1] - b'0'))
        };
        let sign = *rest.get(4).filter(|sign| matches!(sign, b'-' | b'/' | b'.'))?;
        if at > 0 && !atom.gap && matches!(self.atoms[at - 1].kind, Kind::Word | Kind::Sign(b'-' | b'/' | b'.')) {
            return None;
        }
        let month = two(5)?;
        if rest.get(7) != Some(&sign) {
            // `2026-09` alone; not the beginning of a longer number.
            let ends = sign != b'.' && rest.get(7).is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'-');
            let piece = match NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, 1) {
                Some(_) => Piece::Month { month, year: i32::try_from(year).ok(), at: Where::Anywhere },
                None => Piece::NoDate("impossible"),
            };
            return ends.then_some((piece, at + 3));
        }
        let day = two(8)?;
        if rest.get(10).is_some_and(u8::is_ascii_digit) {
            return None;
        }
        let Some(date) = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day) else {
            return Some((Piece::NoDate("impossible"), at + 5));
        };
        let only_date = Some((Piece::Date(date, "iso_date"), at + 5));
        let (Some(b'T' | b't' | b' '), Some(hour), Some(b':'), Some(minute)) =
            (rest.get(10), two(11), rest.get(13), two(14))
        else {
            return only_date;
        };
        let mut end = 16;
        let mut second = 0;
        if rest.get(end) == Some(&b':')
            && let Some(seconds) = two(end + 1)
        {
            second = seconds.min(59);
            end += 3;
            if matches!(rest.get(end), Some(b'.' | b',')) {
                end += 1;
                end += rest[end..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            }
        }
        let Some(time) = NaiveTime::from_hms_opt(hour, minute, second) else { return only_date };
        let spaced = end + usize::from(rest.get(end) == Some(&b' '));
        let offset = match rest.get(spaced) {
            Some(b'Z' | b'z') if !rest.get(spaced + 1).is_some_and(u8::is_ascii_alphanumeric) => Some((0, spaced + 1)),
            Some(b'U' | b'G') if matches!(rest.get(spaced..spaced + 3), Some(b"UTC" | b"GMT")) => Some((0, spaced + 3)),
            Some(plus_or_minus @ (b'+' | b'-')) => two(spaced + 1).map(|hours| {
                let colon = usize::from(rest.get(spaced + 3) == Some(&b':'));
                let minutes = two(spaced + 3 + colon);
                let seconds = i32::try_from(hours * 3600 + minutes.unwrap_or(0) * 60).unwrap_or(0);
                let length = if minutes.is_some() { 5 + colon } else { 3 };
                (if *plus_or_minus == b'-' { -seconds } else { seconds }, spaced + length)
            }),
            _ => None,
        };
        let after = |end: usize| {
            let end = atom.start + end;
            (at + 1..self.atoms.len()).find(|next| self.atoms[*next].start >= end).unwrap_or(self.atoms.len())
        };
        if let Some((seconds, end)) = offset
            && let Some(offset) = FixedOffset::east_opt(seconds)
        {
            let instant = date.and_time(time).and_local_timezone(offset).single()?.to_utc();
            return Some((Piece::Instant(instant), after(end)));
        }
        // The time follows as a clock of its own, from the atom after the date.
        only_date
    }

    /// `9/3/2026`, `9-3-26`, `9/10`, `03/2026`.
    fn numeric_date(&self, at: usize) -> Option<(Piece, usize)> {
        let (first, first_digits) = self.digits(at).filter(|(_, digits)| matches!(digits, 1 | 2 | 4))?;
        let sign = match self.atom(at + 1)?.kind {
            Kind::Sign(sign @ (b'/' | b'-' | b'.')) => sign,
            _ => return None,
        };
        let glued = self.touches(at + 1) && self.touches(at + 2);
        let spaced = self.field && sign == b'/';
        if !(glued || spaced) || (at > 0 && self.touches(at) && !self.opens(at - 1)) {
            return None;
        }
        let (second, second_digits) = self.digits(at + 2).filter(|(_, digits)| matches!(digits, 1 | 2 | 4))?;
        let third = (self.is_sign(at + 3, sign) && (self.touches(at + 3) || spaced))
            .then(|| self.digits(at + 4).filter(|(_, digits)| matches!(digits, 1 | 2 | 4)))
            .flatten();
        let rule = match self.order {
            DateOrder::Mdy => "us_date",
            DateOrder::Dmy => "day_first_date",
            DateOrder::Ymd => "year_first_date",
        };
        if let Some((third, third_digits)) = third {
            if !self.ends(at + 5) {
                return None;
            }
            let next = at + 5;
            let full_year = |value: u32, digits: u8| match digits {
                4 => i32::try_from(value).ok(),
                // Two digits are of this century, or of a time before we take dates at all.
                2 => i32::try_from(value).ok().map(|year| if year < 70 { 2000 + year } else { 1900 + year }),
                _ => None,
            };
            let numbers = [(first, first_digits), (second, second_digits), (third, third_digits)];
            let read = |order: DateOrder| {
                let [a, b, c] = numbers;
                let (year, month, day) = match order {
                    DateOrder::Mdy => (c, a, b),
                    DateOrder::Dmy => (c, b, a),
                    DateOrder::Ymd => (a, b, c),
                };
                NaiveDate::from_ymd_opt(full_year(year.0, year.1)?, month.0, day.0)
            };
            // A year in four digits says by itself where it stands.
            let order = if first_digits == 4 { DateOrder::Ymd } else { self.order };
            if second_digits == 4 || (first_digits == 4 && third_digits == 4) {
                return None;
            }
            if let Some(date) = read(order) {
                return Some((Piece::Date(date, if first_digits == 4 { "iso_date" } else { rule }), next));
            }
            let other = [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd].into_iter().any(|order| read(order).is_some());
            return Some((Piece::NoDate(if other { "not_in_order" } else { "impossible" }), next));
        }
        if !self.ends(at + 3) || self.is_sign(at + 3, sign) && self.touches(at + 3) {
            return None;
        }
        if second_digits == 4 && first_digits <= 2 && sign != b'.' {
            let year = i32::try_from(second).ok().filter(|year| (1900..2200).contains(year))?;
            return if (1..=12).contains(&first) {
                Some((Piece::Month { month: first, year: Some(year), at: Where::Anywhere }, at + 3))
            } else {
                self.field.then_some((Piece::NoDate("impossible"), at + 3))
            };
        }
        if first_digits == 4 || second_digits == 4 || sign == b'.' || (sign == b'-' && !(self.field && self.alone(at))) {
            return None;
        }
        let (month, day) = if self.order == DateOrder::Dmy { (second, first) } else { (first, second) };
        // A leap year has every day that a month can have.
        let possible = |month, day| NaiveDate::from_ymd_opt(2024, month, day).is_some();
        if possible(month, day) {
            return self.plausible_fraction(at).then_some((Piece::MonthDay { month, day, rule }, at + 3));
        }
        let rule = if possible(day, month) { "not_in_order" } else { "impossible" };
        self.field.then_some((Piece::NoDate(rule), at + 3))
    }

    /// `n/m` could be a date and not a share, a count or a house number.
    fn plausible_fraction(&self, at: usize) -> bool {
        if self.field {
            return true;
        }
        let before = at.checked_sub(1).and_then(|at| self.atom(at));
        let not_before = before.is_some_and(|atom| {
            atom.has(Marks::STREET_BEFORE) || matches!(atom.kind, Kind::Sign(b'#' | b'$' | b'/')) || atom.kind_is_number()
        });
        let not_after = self.atom(at + 3).is_some_and(|atom| {
            (atom.has(Marks::COUNT_NOUN) && !atom.has(Marks::HAPPENED))
                || atom.has(Marks::STREET_AFTER)
                || (atom.has(Marks::OF) && !atom.word.names_day())
                || atom.word.unit.is_some()
                || matches!(atom.kind, Kind::Sign(b'%' | b'"'))
        });
        !not_before && !not_after
    }

    /// The only number of the text.
    fn alone(&self, at: usize) -> bool {
        self.atoms.iter().enumerate().all(|(i, atom)| i == at || i == at + 2 || !atom.kind_is_number())
    }

    /// A sign that can stand right before a date or time.
    fn opens(&self, at: usize) -> bool {
        self.atom(at).is_some_and(|atom| {
            matches!(atom.kind, Kind::Sign(b'(' | b'[' | b'"' | b':' | b'=' | b',' | b'~' | b'@' | b'?' | b'\n' | b';' | b'>' | b'*'))
                || (atom.is_sign(b'-') && (atom.gap || self.has(at.wrapping_sub(1), Marks::LABEL)))
                || (atom.is_sign(b'.') && at > 0)
        })
    }

    /// Nothing right after that would make the number before it part of something longer.
    fn ends(&self, at: usize) -> bool {
        self.atom(at).is_none_or(|atom| {
            atom.gap
                || match atom.kind {
                    Kind::Number { .. } => false,
                    Kind::Word => self.field,
                    Kind::Sign(sign) => match sign {
                        b'-' | b'/' => self.field || self.atom(at + 1).is_none_or(|next| next.gap),
                        b'#' | b'%' | b'$' | b'_' | b'\'' => false,
                        _ => true,
                    },
                }
        })
    }

    /// A year: four digits from 1900 to 2199, or two after an apostrophe or a joining sign.
    fn year(&self, at: usize) -> Option<(i32, usize)> {
        let at = self.skip_comma(at);
        let at = if self.has(at, Marks::OF.or(Marks::THE)) { self.skip(at, Marks::OF.or(Marks::THE), 2) } else { at };
        if let Some((year, 4)) = self.digits(at)
            && (1900..2200).contains(&year)
            && !self.is_sign(at + 1, b':')
            && !self.unit(at + 1).is_some_and(|unit| unit == Unit::Hour)
        {
            return Some((i32::try_from(year).ok()?, at + 1));
        }
        let joined = at + 1;
        if self.atom(at).is_some_and(|atom| matches!(atom.kind, Kind::Sign(b'\'' | b'-' | b'/' | b'.')))
            && self.touches(joined)
            && let Some((year, 2 | 4)) = self.digits(joined)
            && !self.is_sign(joined + 1, b':')
            && !self.meridiem(joined + 1).is_some_and(|_| true)
        {
            let year = i32::try_from(year).ok()?;
            return Some((if year < 70 { 2000 + year } else if year < 100 { 1900 + year } else { year }, joined + 1));
        }
        if self.field
            && let Some((year, 2)) = self.digits(at)
            && (20..50).contains(&year)
            && !self.is_sign(at + 1, b':')
            && self.meridiem(at + 1).is_none()
            && self.ends(at + 1)
        {
            return Some((2000 + i32::try_from(year).ok()?, at + 1));
        }
        None
    }

    /// The ending of an ordinal number: `3rd`, `1°`, `1ro`.
    fn skip_ordinal_ending(&self, at: usize) -> Option<usize> {
        let atom = self.atom(at)?;
        let is_ending = match atom.kind {
            Kind::Sign(b'o') => true,
            Kind::Word => {
                let ending = self.text(at);
                ["st", "nd", "rd", "th", "ro", "ero", "er", "do", "to", "o"].iter().any(|e| ending.eq_ignore_ascii_case(e))
            }
            _ => false,
        };
        (is_ending && !atom.gap).then_some(at + 1)
    }

    /// A day of the month in digits or words, and what follows it.
    fn day_number(&self, at: usize) -> Option<(u32, usize)> {
        if let Some(ordinal) = self.atom(at)?.word.ordinal {
            return Some((ordinal.into(), at + 1));
        }
        let (day, next, _) = self.number(at)?;
        let next = self.skip_ordinal_ending(next).unwrap_or(next);
        // 30 and 31 of a short month are for the resolver to refuse; 0 and 32 are no days.
        (self.digits(at).is_none_or(|(_, digits)| digits <= 2) && day <= 99).then_some((day, next))
    }

    // ---- dates with the month's name ----

    /// The month at this atom.
    fn month(&self, at: usize) -> Option<u32> {
        let atom = self.atom(at)?;
        let month = atom.word.month?;
        // `12 ago` is August, `2 days ago` is not; "mar" after "el" is a Tuesday.
        if atom.has(Marks::AGO) && !(at > 0 && self.digits(at - 1).is_some() && (self.field || self.spanish)) {
            return None;
        }
        Some(month.into())
    }

    /// "Sept 3", "September 3rd, 2026", "August 2026", "in March".
    fn month_then_day(&self, at: usize) -> Option<(Piece, usize)> {
        let month = self.month(at)?;
        let mut next = self.skip_stop(at + 1);
        if (self.is_sign(next, b'-') || self.is_sign(next, b'/')) && self.touches(next) && self.touches(next + 1) {
            next += 1;
        }
        let next = self.skip(next, Marks::THE, 1);
        let word = self.atom(at)?.word;
        let common = !self.field && word.has(Marks::ALSO_A_WORD) && !self.atom(at)?.capital;
        if let Some((day, after)) = self.day_number(next)
            && !self.is_sign(after, b':')
            && !(self.digits(next).is_some() && self.meridiem(after).is_some())
            && (1..=31).contains(&day)
            && self.ends(after)
            && !common
            && !(self.atom(next)?.word.number == Some(1) && self.digits(next).is_none() && !self.field)
        {
            if !self.field && self.atom(after).is_some_and(|atom| atom.has(Marks::COUNT_NOUN) && atom.word.part.is_none() && !atom.has(Marks::HAPPENED)) {
                return None;
            }
            // A range: its start counts.
            let after = self.skip_range_end(after);
            let (year, after) = self.year(after).map_or((None, after), |(year, after)| (Some(year), after));
            return Some((self.month_day(month, day, year), after));
        }
        if let Some((year, after)) = self.year(self.skip_stop(at + 1))
            && !common
        {
            return Some((Piece::Month { month, year: Some(year), at: Where::Anywhere }, after));
        }
        // The name alone: in the field, or after "in".
        let before = at.checked_sub(1).and_then(|at| self.atom(at));
        let introduced = before.is_some_and(|atom| {
            atom.has(Marks::LAST) || matches!(self.text(at - 1).to_ascii_lowercase().as_str(), "in" | "en" | "during" | "since")
        });
        if (self.field && self.alone_month(at)) || (introduced && !common) {
            return Some((Piece::Month { month, year: None, at: Where::Anywhere }, at + 1));
        }
        None
    }

    /// In the field, a month's name that is not also another word there.
    fn alone_month(&self, at: usize) -> bool {
        self.atom(at).is_some_and(|atom| atom.word.weekday.is_none() || self.atoms.len() == 1)
            && !self.has(at, Marks::AGO)
    }

    fn month_day(&self, month: u32, day: u32, year: Option<i32>) -> Piece {
        match year {
            Some(year) => {
                NaiveDate::from_ymd_opt(year, month, day).map_or(Piece::NoDate("impossible"), |d| Piece::Date(d, "named_date"))
            }
            None => Piece::MonthDay { month, day, rule: "named_date" },
        }
    }

    /// Skips "-5", "al 5", "to May 13", "y 4".
    fn skip_range_end(&self, at: usize) -> usize {
        let mut next = at;
        if self.is_sign(next, b'-') || (self.has(next, Marks::RANGE) && !self.has(next, Marks::AT)) {
            next = self.skip(next + 1, Marks::THE, 1);
            if let Some((day, after)) = self.day_number(next)
                && self.digits(next).is_some()
                && (1..=31).contains(&day)
                && !self.is_sign(after, b':')
                && self.meridiem(after).is_none()
            {
                return after;
            }
        }
        at
    }

    /// "3 September 2026", "the 3rd of May", "3 de mayo del 2026", "del 3 al 5 de mayo".
    fn day_then_month(&self, at: usize) -> Option<(Piece, usize)> {
        let (day, after_day) = self.day_number(at)?;
        let before = at.checked_sub(1).and_then(|at| self.atom(at));
        if !self.field && before.is_some_and(|atom| atom.has(Marks::STREET_BEFORE) || matches!(atom.kind, Kind::Sign(b'$' | b'#'))) {
            return None;
        }
        let month_at = |from: usize| -> Option<(u32, usize)> {
            let mut next = self.skip_stop(from);
            if self.atom(next).is_some_and(|atom| matches!(atom.kind, Kind::Sign(b'-' | b'/' | b','))) {
                next += 1;
            }
            let of = self.skip(next, Marks::OF.or(Marks::THE), 2);
            let month = self.month(of)?;
            let common = !self.field
                && of == next
                && self.has(of, Marks::ALSO_A_WORD)
                && !self.atom(of).is_some_and(|atom| atom.capital);
            (!common).then_some((month, of + 1))
        };
        let (month, next) = month_at(after_day).or_else(|| {
            // "del 3 al 5 de mayo", "entre el 10 y el 12 de mayo"
            let end = self.skip_range_end(after_day);
            (end > after_day).then(|| month_at(end)).flatten()
        })?;
        if !(1..=31).contains(&day) && !self.field {
            return None;
        }
        let next = self.skip_stop(next);
        let (year, next) = self.year(next).map_or((None, next), |(year, next)| (Some(year), next));
        if !(1..=31).contains(&day) {
            return Some((Piece::NoDate("impossible"), next));
        }
        Some((self.month_day(month, day, year), next))
    }

    /// "the 15th", "el día 28", "el 20 del mes pasado".
    fn ordinal_day(&self, at: usize) -> Option<(Piece, usize)> {
        let start = self.skip(at, Marks::THE, 1);
        let day_word = self.unit(start) == Some(Unit::Day);
        let (number, article) = (if day_word { start + 1 } else { start }, start > at);
        let number = if self.has(number, Marks::LAST) { number + 1 } else { number };
        let (day, plain, in_words) = match self.atom(number)?.word.ordinal {
            Some(day) => (u32::from(day), number + 1, true),
            None => self.number(number)?,
        };
        let ending = self.skip_ordinal_ending(plain);
        let next = ending.unwrap_or(plain);
        let after_weekday = at > 0 && self.weekday_before(at);
        if !(1..=31).contains(&day) || self.digits(number).is_some_and(|(_, digits)| digits > 2) {
            return None;
        }
        let ordinal = ending.is_some() || self.atom(number)?.word.ordinal.is_some();
        let is_time = self.is_sign(next, b':') && self.touches(next) || self.meridiem(next).is_some();
        if is_time || self.unit(next).is_some() && !ordinal || !self.ends(next) {
            return None;
        }
        // Whose month?
        let of = self.skip(next, HERE.or(Marks::THIS), 3);
        let mut months = None;
        let mut end = next;
        if self.unit(of) == Some(Unit::Month) && of > next {
            let last = self.has(of + 1, Marks::LAST);
            months = Some(if last { -1 } else { 0 });
            end = of + 1 + usize::from(last);
        } else if self.has(of, Marks::LAST) && self.unit(of + 1) == Some(Unit::Month) {
            months = Some(-1);
            end = of + 2;
        }
        let sure = if self.field {
            article || day_word || ordinal || after_weekday || months.is_some()
        } else {
            (after_weekday && !in_words && self.after_day_of_month(next, true))
                || months.is_some()
                || (day_word && !in_words && self.after_day_of_month(next, false) && article)
                || (ordinal && article && self.before_is(at, &["on"]) && self.after_day_of_month(next, false))
        };
        sure.then_some((Piece::DayOfMonth { day, months }, end))
    }

    fn before_is(&self, at: usize, words: &[&str]) -> bool {
        at > 0 && words.iter().any(|word| self.text(at - 1).eq_ignore_ascii_case(word))
    }

    /// What may follow a day of the month in running text: an end, a time, a small word; not a noun that it counts.
    fn after_day_of_month(&self, at: usize, after_weekday: bool) -> bool {
        self.atom(at).is_none_or(|atom| match atom.kind {
            Kind::Sign(sign) => matches!(sign, b'.' | b',' | b';' | b')' | b'\n' | b'!' | b'?' | b':'),
            Kind::Number { .. } => false,
            Kind::Word => {
                atom.has(BEFORE_CLOCK.or(Marks::AFTER_HOUR).or(Marks::HAPPENED))
                    || (after_weekday && !atom.has(Marks::COUNT_NOUN) && !atom.capital)
            }
        })
    }

    fn weekday_before(&self, at: usize) -> bool {
        let mut before = at;
        for _ in 0..2 {
            let Some(at) = before.checked_sub(1) else { return false };
            let Some(atom) = self.atom(at) else { return false };
            if atom.word.weekday.is_some() {
                return true;
            }
            if !(atom.is_sign(b',') || atom.is_sign(b'.') || atom.has(Marks::THE)) {
                return false;
            }
            before = at;
        }
        false
    }

    // ---- days of the week, weeks, months ----

    fn weekday(&self, at: usize) -> Option<(Piece, usize)> {
        let mut which = None;
        let mut name = at;
        for _ in 0..2 {
            if self.has(name, Marks::LAST) && self.atom(name)?.word.weekday.is_none() {
                which = Some(Which::Latest);
            } else if self.has(name, Marks::NEXT) {
                which = Some(Which::Next);
            } else if self.has(name, Marks::THIS) {
                which = Some(Which::This);
            } else {
                break;
            }
            name += 1;
        }
        let atom = self.atom(name)?;
        let day = atom.word.weekday?;
        // "mar 3" is March unless a Spanish text goes on with another month.
        if atom.word.month.is_some() && which.is_none() {
            let next = self.skip_stop(name + 1);
            let month_follows = self.day_then_month(next).is_some();
            if !(self.spanish && self.digits(next).is_some() && month_follows || month_follows || self.before_is(name, &["el"])) {
                return None;
            }
        }
        if !self.field && which.is_none() && !self.plain_weekday(name) {
            return None;
        }
        let mut next = self.skip_stop_of_weekday(name);
        if self.has(next, Marks::BEFORE_LAST) {
            return Some((Piece::Weekday(day, Which::Before(1)), next + 1));
        }
        if self.has(next, Marks::LAST) && !matches!(self.unit(next + 1), Some(Unit::Week)) && !self.has(next, Marks::CLOCK_PAST)
            || self.has(next, Marks::LAST) && self.atom(next).is_some_and(|atom| atom.word.unit.is_none()) && self.unit(next + 1).is_none()
        {
            which = which.filter(|which| *which == Which::Next).or(Some(Which::Latest));
            next += 1;
        } else if self.has(next, Marks::NEXT) && self.unit(next + 1) != Some(Unit::Week) {
            which = Some(Which::Next);
            next += 1;
        }
        Some((Piece::Weekday(day, which.unwrap_or(Which::Latest)), next))
    }

    fn skip_stop_of_weekday(&self, name: usize) -> usize {
        // `Wed. night`; a stop after the full name ends the sentence.
        let next = name + 1;
        if self.text(name).len() <= 5 && !self.text(name).ends_with("day") { self.skip_stop(next) } else { next }
    }

    /// In running text a weekday must not be a name, a place or another word.
    fn plain_weekday(&self, at: usize) -> bool {
        let Some(atom) = self.atom(at) else { return false };
        let before = at.checked_sub(1).and_then(|at| self.atom(at));
        let next = self.atom(self.skip_stop_of_weekday(at));
        let timely = next.is_none_or(|next| {
            next.word.part.is_some() || next.word.names_day() || next.kind_is_number() || next.has(BEFORE_CLOCK) || matches!(next.kind, Kind::Sign(_))
        });
        if before.is_some_and(|b| b.has(Marks::PERSON_BEFORE)) {
            return false;
        }
        if atom.has(Marks::ALSO_A_NAME) && atom.capital {
            let follows_name = self.atom(at + 1).is_some_and(|next| next.capital && !next.word.names_day());
            let on = before.is_some_and(|b| b.has(HERE.or(Marks::LAST).or(Marks::THIS).or(Marks::SINCE)));
            return !follows_name && (on || timely || !self.spanish_word(at));
        }
        if atom.has(Marks::ALSO_A_WORD) {
            let on = self.before_is(at, &["on", "el", "since", "desde", "by", "until"]);
            return (atom.capital && (on || timely)) || (on && timely);
        }
        // Other abbreviations: only beside something of a date.
        if self.text(at).len() <= 4 && atom.word.month.is_none() && self.text(at).len() < 4 {
            let on = self.before_is(at, &["on", "el", "since", "desde"]);
            return timely || on;
        }
        true
    }

    fn spanish_word(&self, at: usize) -> bool {
        self.text(at).eq_ignore_ascii_case("domingo")
    }

    /// "last week", "la semana pasada", "this month", "the weekend", "week of", "next month".
    fn relative(&self, at: usize) -> Option<(Piece, usize)> {
        let mut next = at;
        let mut place = Where::Anywhere;
        if self.has(next, Marks::EARLY) {
            place = Where::Early;
        } else if self.has(next, Marks::MID) {
            place = Where::Mid;
        } else if self.has(next, Marks::LATE) {
            place = Where::Late;
        }
        if place != Where::Anywhere {
            next = self.skip(next + 1, HERE, 2);
            if self.is_sign(next, b'-') {
                next += 1;
            }
        }
        let article = self.skip(next, Marks::THE, 1);
        let mut offset = None;
        let mut unit_at = article;
        for _ in 0..2 {
            if self.has(unit_at, Marks::BEFORE_LAST) {
                offset = Some(-2);
            } else if self.has(unit_at, Marks::LAST) {
                offset = Some(-1);
            } else if self.has(unit_at, Marks::NEXT) {
                offset = Some(1);
            } else if self.has(unit_at, Marks::THIS) {
                offset = Some(0);
            } else {
                break;
            }
            unit_at += 1;
        }
        // "the last 2 hours"
        if offset == Some(-1)
            && let Some((number, after, _)) = self.number(unit_at)
            && let Some(unit @ (Unit::Minute | Unit::Hour)) = self.unit(after)
        {
            return Some((ago_of(unit, f64::from(number)), after + 1));
        }
        let unit = self.unit(unit_at)?;
        let mut end = unit_at + 1;
        if offset == Some(-1) && matches!(unit, Unit::Hour | Unit::Minute) {
            return Some((ago_of(unit, 1.0), end));
        }
        let explicit = offset.is_some();
        if self.has(end, Marks::BEFORE_LAST) {
            offset = Some(-2);
            end += 1;
        } else if self.has(end, Marks::LAST) {
            offset = Some(-1);
            end += 1;
        } else if self.has(end, Marks::NEXT) {
            offset = Some(1);
            end += 1;
        } else if self.has(end, Marks::THIS) && unit == Unit::Month {
            offset = Some(0);
            end += 1;
        }
        match unit {
            Unit::Week => {
                // "the week of April 20": only known to the week.
                let of = self.skip(end, HERE, 2);
                if of > end && offset.unwrap_or(0) == 0 && self.date_follows(of) {
                    return Some((Piece::WeekOf, end));
                }
                offset.map(|weeks| (Piece::Weeks(weeks), end))
            }
            Unit::Weekend => {
                let bare = self.field || article > next || self.before_is(at, &["over", "during"]);
                if !explicit && offset.is_none() && !bare {
                    return None;
                }
                Some((Piece::Weekend(offset.unwrap_or(0)), end))
            }
            Unit::Month => {
                if offset.is_none() && place == Where::Anywhere {
                    return None;
                }
                Some((Piece::Months(i32::try_from(offset.unwrap_or(0)).ok()?, place), end))
            }
            Unit::Fortnight => offset.map(|n| (Piece::Weeks(2 * n), end)),
            Unit::Year => (offset.is_some() && self.field).then_some((Piece::Vague("year_only"), end)),
            _ => None,
        }
    }

    fn date_follows(&self, at: usize) -> bool {
        self.digits(at).is_some() || self.atom(at).is_some_and(|atom| atom.word.month.is_some() || atom.word.ordinal.is_some())
    }

    /// "mid August", "a finales de abril", "the first week of March".
    fn part_of_month(&self, at: usize) -> Option<(Piece, usize)> {
        let start = self.skip(at, Marks::THE, 1);
        let atom = self.atom(start)?;
        let week = |at: usize| self.unit(at) == Some(Unit::Week);
        let (place, next) = if let Some(nth @ 1..=4) = atom.word.ordinal
            && week(start + 1)
        {
            (Where::Week(nth), start + 2)
        } else if atom.has(Marks::LAST) && week(start + 1) && self.has(start + 2, Marks::OF) {
            (Where::Week(5), start + 2)
        } else if atom.has(Marks::EARLY) {
            (Where::Early, start + 1)
        } else if atom.has(Marks::MID) {
            (Where::Mid, start + 1)
        } else if atom.has(Marks::LATE) {
            (Where::Late, start + 1)
        } else {
            return None;
        };
        let next = next + usize::from(self.is_sign(next, b'-'));
        let month_at = self.skip(next, HERE, 3);
        let month = self.month(month_at)?;
        let after = self.skip_stop(month_at + 1);
        if self.day_number(after).is_some() && self.year(after).is_none() {
            return None;
        }
        let (year, after) = self.year(after).map_or((None, month_at + 1), |(year, after)| (Some(year), after));
        Some((Piece::Month { month, year, at: place }, after))
    }

    // ---- so long ago ----

    /// "2 hours ago", "half an hour ago", "an hour and a half ago", "two Tuesdays ago", "3 días atrás".
    fn ago(&self, at: usize) -> Option<(Piece, usize)> {
        let (piece, next) = self.duration(at)?;
        let next = self.skip(next, Marks::HEDGE.or(Marks::FILL), 1).min(next + 1);
        if !self.has(next, Marks::AGO) && !matches!(self.text(next), "back" | "Back") {
            return None;
        }
        let mut end = next + 1;
        // "a week ago today", "a week ago Monday" (the latter is left to the weeks and the weekday together).
        if let Piece::Weeks(weeks) = piece
            && let Some(days @ -2..=0) = self.atom(end).and_then(|atom| atom.word.day)
        {
            end += 1;
            return Some((Piece::Day(7 * weeks + i64::from(days)), end));
        }
        Some((piece, end))
    }

    /// "hace 2 horas", "hace como media hora", "tiene dos horas".
    fn hace(&self, at: usize) -> Option<(Piece, usize)> {
        let start = self.skip(at + 1, Marks::HEDGE.or(Marks::FILL).or(Marks::HACE), 4);
        // The words skipped may be the number itself: "hace un par".
        let (piece, next) = (at + 1..=start).rev().find_map(|from| self.duration(from))?;
        let had = self.text(at).to_lowercase();
        if had.starts_with("tiene") || had.starts_with("ya") || had.starts_with("habr") || had.starts_with("tendr") || had.starts_with("va") {
            // Also an age, or how long something lasts.
            let short = matches!(piece, Piece::Ago { .. });
            if !short && !self.field {
                return None;
            }
        }
        Some((piece, next + usize::from(self.has(next, Marks::AGO) && self.atom(next)?.word.month.is_none())))
    }

    /// A length of time, as the piece that lies so far back.
    fn duration(&self, at: usize) -> Option<(Piece, usize)> {
        // "half an hour", "media hora", "half hour"
        if self.has(at, Marks::HALF) {
            let unit_at = at + 1 + usize::from(self.atom(at + 1).is_some_and(|atom| atom.word.number == Some(1)));
            let unit = self.unit(unit_at)?;
            return match unit {
                Unit::Hour => Some((ago_exact(30), unit_at + 1)),
                _ => None,
            };
        }
        if self.has(at, Marks::QUARTER) && self.unit(self.skip(at + 1, HERE, 1)) == Some(Unit::Hour) {
            return Some((ago_exact(15), self.skip(at + 1, HERE, 1) + 1));
        }
        // "hora y media"
        if self.unit(at) == Some(Unit::Hour) && self.has(at + 1, Marks::AND) && self.has(at + 2, Marks::HALF) {
            return Some((ago_exact(90), at + 3));
        }
        let (whole, mut next, _) = self.number(at)?;
        let mut amount = f64::from(whole);
        // "2.5", "1/2"
        if (self.is_sign(next, b'.') || self.is_sign(next, b'/'))
            && self.touches(next)
            && self.touches(next + 1)
            && let Some(second) = self.digits_up_to(next + 1, 2)
        {
            amount = if self.is_sign(next, b'/') {
                if second == 0 {
                    return None;
                }
                amount / f64::from(second)
            } else {
                amount + f64::from(second) / if second < 10 { 10.0 } else { 100.0 }
            };
            next += 2;
        } else if self.is_sign(next, b'-') || self.has(next, Marks::RANGE.or(Marks::AND)) {
            // "2 or 3 hours", "2-3 hours": the first. "two and a half hours".
            let second = next + 1;
            let article = second + usize::from(self.atom(second).is_some_and(|atom| atom.word.number == Some(1)));
            if self.has(article, Marks::HALF) {
                amount += 0.5;
                next = article + 1;
            } else if let Some((_, after, _)) = self.number(second)
                && self.unit(after).is_some()
            {
                next = after;
            }
        }
        let next = self.skip(next, HERE.or(Marks::HEDGE), 2);
        // "two Tuesdays ago"
        if let Some(day) = self.atom(next)?.word.weekday
            && self.atom(next)?.word.unit.is_none()
        {
            let weeks = i64::from(whole.clamp(1, 60)) - 1;
            let which = if weeks == 0 { Which::Latest } else { Which::Before(weeks) };
            return Some((Piece::Weekday(day, which), next + 1));
        }
        let unit = self.unit(next)?;
        let mut end = next + 1;
        if self.has(end, Marks::AND) {
            let article = end + 1 + usize::from(self.atom(end + 1).is_some_and(|atom| atom.word.number == Some(1)));
            if self.has(article, Marks::HALF) {
                amount += 0.5;
                end = article + 1;
            }
        }
        if unit == Unit::Hour {
            // "2 hours and 15 minutes", "2h 15m"
            let minutes_at = end + usize::from(self.has(end, Marks::AND));
            if let Some((minutes, after, _)) = self.number(minutes_at)
                && self.unit(after) == Some(Unit::Minute)
            {
                return Some((ago_exact(whole_minutes(amount * 60.0) + i64::from(minutes)), after + 1));
            }
        }
        Some((ago_of(unit, amount), end))
    }

    // ---- parts of the day ----

    fn part(&self, at: usize) -> Option<(Piece, usize)> {
        let mut name = at;
        let mut this = false;
        for _ in 0..3 {
            if self.atom(name)?.word.part.is_some() && !self.has(name, Marks::EARLY) {
                break;
            }
            if self.has(name, Marks::THIS) {
                this = true;
            } else if !self.has(name, Marks::EARLY.or(Marks::LATE).or(HERE)) {
                break;
            }
            name += 1;
        }
        if self.has(at, Marks::LAST) && at == name {
            // "last evening", "la noche pasada"
            let part = self.atom(at + 1)?.word.part?;
            return Some((if matches!(part, Part::Night | Part::Evening) { Piece::Night(-1) } else { Piece::Part { part, this } }, at + 2));
        }
        let atom = self.atom(name)?;
        let part = match atom.word.part {
            Some(part) => part,
            // "Monday early", "ayer tempranito"
            None if self.has(at, Marks::EARLY) && self.beside_day(at) => {
                return Some((Piece::Part { part: Part::Morning, this: false }, at + 1));
            }
            None => return None,
        };
        if !self.field && !this {
            // Loose words mean other things: "tarde" is late, "eve" half of a feast, "good morning".
            let article = name > at || at.checked_sub(1).is_some_and(|b| self.has(b, HERE.or(Marks::AT).or(Marks::THIS)));
            if !article && !self.beside_day(at) && part != Part::EarlyMorning {
                return None;
            }
        }
        let mut end = name + 1;
        if self.has(end, Marks::LAST) && matches!(part, Part::Night) {
            return Some((Piece::Night(-1), end + 1));
        }
        // "morning hours"
        end += usize::from(self.unit(end) == Some(Unit::Hour));
        let this = this || at.checked_sub(1).is_some_and(|before| self.has(before, Marks::THIS));
        Some((Piece::Part { part, this }, end))
    }

    /// A day is named right before or after.
    fn beside_day(&self, at: usize) -> bool {
        let near = |at: usize| {
            self.atom(at).is_some_and(|atom| {
                atom.word.names_day() || atom.word.holiday.is_some() || (atom.kind_is_number() && at + 1 < self.atoms.len())
            })
        };
        at.checked_sub(1).is_some_and(|before| {
            near(before)
                || ((self.has(before, HERE.or(Marks::LAST)) || self.is_sign(before, b',') || self.is_sign(before, b'.'))
                    && before.checked_sub(1).is_some_and(near))
        }) || near(self.skip(at + 1, HERE, 2))
    }

    // ---- times of the day ----

    /// am or pm at this atom, and what follows it.
    fn meridiem(&self, at: usize) -> Option<(bool, usize)> {
        let atom = self.atom(at)?;
        if !matches!(atom.kind, Kind::Word) {
            return None;
        }
        if atom.has(Marks::AM.or(Marks::PM)) {
            return Some((atom.has(Marks::PM), self.skip_stop(at + 1)));
        }
        let letter = self.text(at);
        let pm = match letter {
            "a" | "A" => false,
            "p" | "P" => true,
            _ => return None,
        };
        let m = |at: usize| matches!(self.text(at), "m" | "M");
        // "a. m.", "a m"
        let dotted = self.skip_stop(at + 1);
        if m(dotted) {
            return Some((pm, self.skip_stop(dotted + 1)));
        }
        // `6:30p`
        (!atom.gap && self.ends(at + 1)).then_some((pm, at + 1))
    }

    /// "at 6", "6:30 pm", "around 7", "half past six", "a las seis y media de la tarde", "1830 hrs", "9-11am".
    fn clock(&self, at: usize) -> Option<(Piece, usize)> {
        let mut start = at;
        let mut cued = false;
        let mut hedged = false;
        for _ in 0..5 {
            let Some(atom) = self.atom(start) else { break };
            if atom.is_sign(b'~') {
                hedged = true;
            } else if atom.is_sign(b'@') || atom.has(Marks::AT.or(Marks::SINCE)) {
                cued = true;
                hedged |= atom.has(Marks::HEDGE);
            } else if atom.has(Marks::HEDGE) && atom.word.number.is_none() {
                hedged = true;
                if self.is_sign(start + 1, b'.') && self.touches(start + 1) {
                    start += 1;
                }
            } else if !(start > at && atom.has(Marks::THE)) {
                break;
            }
            start += 1;
        }
        let labelled = self.labelled(at);
        let core = self.clock_core(start, cued || labelled, hedged)?;
        let (mut clock, mut next, sure) = core;
        clock.hedged = hedged;
        let mut weak = false;
        let mut strong = sure;
        // am, pm, o'clock, hours
        for _ in 0..3 {
            if let Some((pm, after)) = self.meridiem(next) {
                // `25 pm` is nothing.
                (clock.pm, next, strong) = (Some(pm), after, true);
            } else if self.has(next, Marks::OCLOCK) {
                (next, strong) = (next + 1, true);
            } else if self.unit(next) == Some(Unit::Hour) && (cued || labelled || clock.of_24) && !self.has(next + 1, Marks::AGO) && self.atom(next).is_some_and(|a| a.word.number.is_none()) {
                (next, strong) = (self.skip_stop(next + 1), strong || clock.to_the_minute || cued);
            } else {
                break;
            }
        }
        // "de la tarde", "in the morning", "this morning", "at night"
        if let Some((part, after, of)) = self.part_after_clock(next) {
            (clock.part, next) = (Some(part), after);
            if of { strong = true } else { weak = true }
        }
        // "9 to 11 am", "entre las 9 y las 10 de la mañana"
        if !strong
            && let Some((end_clock, after)) = self.range_end(next, weak || hedged || cued || self.field)
        {
            let part = end_clock.part.or(clock.part);
            let pm = clock.pm.or(end_clock.pm).map(|pm| {
                // "11 to 1 pm" starts in the morning, "10 to 2 am" at night.
                let later = clock.hour % 12 > end_clock.hour % 12;
                if later && clock.pm.is_none() { !pm } else { pm }
            });
            clock = Clock { part, pm, ..clock };
            strong |= end_clock.pm.is_some() || end_clock.part.is_some() || clock.to_the_minute;
            next = after;
        } else if strong
            && let Some((_, after)) = self.range_end(next, true)
        {
            next = after;
        }
        if !self.valid(&clock) || !self.clock_ends(start, next) {
            return None;
        }
        let accepted = strong
            || (clock.to_the_minute && self.digits(start).is_some())
            || (weak && (cued || hedged || self.field || self.beside_day(at)))
            || ((cued || hedged || labelled) && self.bare_hour(start, next, cued, labelled));
        accepted.then_some((Piece::Clock(clock), next))
    }

    /// A label stands right before: `T: 0715`, `Hora: 9`.
    fn labelled(&self, at: usize) -> bool {
        let Some(sign) = at.checked_sub(1) else { return false };
        let (sign, label) = if self.atom(sign).is_some_and(|a| matches!(a.kind, Kind::Sign(b':' | b'-' | b'=')))
            && let Some(label) = sign.checked_sub(1)
        {
            (true, label)
        } else {
            (false, sign)
        };
        self.has(label, Marks::LABEL) && (sign || self.text(label).len() > 1)
    }

    fn valid(&self, clock: &Clock) -> bool {
        clock.minute < 60
            && match clock.pm {
                Some(true) => clock.hour <= 23,
                Some(false) => clock.hour <= 12,
                None => clock.hour <= 23 || (clock.hour == 24 && clock.minute == 0),
            }
    }

    /// Whether what surrounds the digits lets them be a time: not a docket, an address, a longer number.
    fn clock_ends(&self, start: usize, next: usize) -> bool {
        let before = start.checked_sub(1).and_then(|at| self.atom(at));
        let glued_before = self.touches(start)
            && before.is_some_and(|atom| match atom.kind {
                Kind::Word => !(atom.has(Marks::LABEL) || atom.has(Marks::AT.or(Marks::HEDGE)) || self.text(start - 1).eq_ignore_ascii_case("t")),
                Kind::Number { .. } => true,
                Kind::Sign(b'-') => !(self.opens(start - 1) || self.field || start > 1 && self.touches(start - 1) && self.has(start - 2, Marks::AM.or(Marks::PM))),
                Kind::Sign(sign) => matches!(sign, b'$' | b'#' | b'/' | b'_' | b'%' | b'.' | b':') && !self.opens(start - 1),
            });
        let street = before.is_some_and(|atom| atom.has(Marks::STREET_BEFORE) && !atom.has(BEFORE_CLOCK.or(Marks::LABEL)));
        if glued_before || (street && !self.field) {
            return false;
        }
        self.atom(next).is_none_or(|atom| {
            atom.gap
                || match atom.kind {
                    Kind::Number { .. } => false,
                    Kind::Word => self.field || self.unit(next).is_none(),
                    // `1:15-cr-00123`
                    Kind::Sign(b'-') => self.field || !self.atom(next + 1).is_some_and(|after| !after.gap && matches!(after.kind, Kind::Word)),
                    Kind::Sign(sign) => !matches!(sign, b':' | b'/' | b'%' | b'#' | b'_' | b'\''),
                }
        })
    }

    /// The hour and minutes themselves; whether they are a time whatever stands around them.
    fn clock_core(&self, at: usize, cued: bool, hedged: bool) -> Option<(Clock, usize, bool)> {
        let clock = |hour: u32, minute: u32, to_the_minute: bool| Clock {
            hour,
            minute,
            to_the_minute,
            pm: None,
            of_24: hour > 12 || hour == 0,
            part: None,
            hedged: false,
        };
        let atom = self.atom(at)?;
        if atom.has(Marks::NOON) {
            return Some((Clock { pm: Some(true), ..clock(12, 0, false) }, at + 1, true));
        }
        if atom.has(Marks::MIDNIGHT) {
            return Some((Clock { pm: Some(false), ..clock(12, 0, false) }, at + 1, true));
        }
        if let Some((hour, minute, next)) = self.minutes_to_or_past(at) {
            return Some((clock(hour, minute, true), next, true));
        }
        let (hour, next, in_words) = self.number(at)?;
        let digits = self.digits(at).map_or(2, |(_, digits)| digits);
        if !in_words && self.touches(next) {
            let minutes = |at: usize| {
                self.digits(at).filter(|(value, digits)| *digits == 2 && *value < 60 && self.touches(at)).map(|(value, _)| value)
            };
            // 7:15, 07:15:00
            if digits <= 2
                && self.is_sign(next, b':')
                && let Some(minute) = minutes(next + 1)
            {
                let mut end = next + 2;
                if self.is_sign(end, b':') && self.touches(end) && minutes(end + 1).is_some() {
                    end += 2;
                    if self.is_sign(end, b'.') && self.touches(end) && self.digits(end + 1).is_some() && self.touches(end + 1) {
                        end += 2;
                    }
                }
                let of_24 = hour > 12 || (digits == 2 && hour < 10);
                return Some((Clock { of_24, ..clock(hour, minute, true) }, end, true));
            }
            // 7.15 pm
            if digits <= 2
                && self.is_sign(next, b'.')
                && let Some(minute) = minutes(next + 1)
                && (self.meridiem(next + 2).is_some()
                    || ((cued || hedged) && hour <= 24 && self.ends(next + 2) && !self.is_sign(next + 2, b'.'))
                    || self.part_after_clock(next + 2).is_some_and(|(_, _, of)| of))
            {
                return Some((clock(hour, minute, true), next + 2, true));
            }
            // 14h30
            if digits <= 2
                && matches!(self.text(next), "h" | "H")
                && let Some(minute) = minutes(next + 1)
            {
                return Some((clock(hour, minute, true), next + 2, true));
            }
        }
        if !in_words && (3..=4).contains(&digits) {
            // 0715, 1830 hrs, 715am
            let (hours, minute) = (hour / 100, hour % 100);
            let suffixed = self.meridiem(next).is_some() || (self.unit(next) == Some(Unit::Hour) && hours <= 24);
            let military = digits == 4 && (hour < 1000 || !(1900..2100).contains(&hour)) && (cued || hedged || self.field);
            if minute < 60 && (suffixed || (military && hours <= 24 && (hour < 1000 || self.field || self.labelled(at)))) {
                let of_24 = digits == 4 && self.meridiem(next).is_none();
                return Some((Clock { of_24, ..clock(hours, minute, true) }, next, true));
            }
            return None;
        }
        if hour > 24 || digits > 2 {
            return None;
        }
        // "seis y media", "6 y cuarto", "tres y veinte"
        if self.has(next, Marks::AND) && (in_words || cued || hedged || self.field) {
            if self.has(next + 1, Marks::HALF) {
                return Some((clock(hour, 30, true), next + 2, cued));
            }
            if self.has(next + 1, Marks::QUARTER) {
                return Some((clock(hour, 15, true), next + 2, cued));
            }
            if let Some((minute @ 1..60, after, _)) = self.number(next + 1)
                && cued
                && (self.meridiem(after).is_some() || self.part_after_clock(after).is_some() || (in_words && self.bare_hour(at, after, true, false)))
            {
                return Some((clock(hour, minute, true), after, false));
            }
        }
        // "6 menos cuarto", "seis menos diez"
        if self.has(next, Marks::MINUS) {
            let minutes = if self.has(next + 1, Marks::QUARTER) { Some((15, next + 2)) } else { self.number(next + 1).map(|(n, after, _)| (n, after)) };
            if let Some((minutes @ 1..60, after)) = minutes {
                return Some((clock(if hour <= 1 { 12 } else { hour - 1 }, 60 - minutes, true), after, true));
            }
        }
        // "six thirty", "7 30 am"
        if (in_words && hour > 0 || self.field)
            && let Some((minute @ 10..60, after, minutes_in_words)) = self.number(next)
            && self.digits(next).is_none_or(|(_, digits)| digits == 2)
            && minutes_in_words == in_words
            && (self.meridiem(after).is_some() || self.part_after_clock(after).is_some() || (in_words && cued))
        {
            return Some((clock(hour, minute, true), after, false));
        }
        Some((clock(hour, 0, false), next, false))
    }

    /// "half past six", "quarter to nine", "ten to eight", "cuarto para las nueve", "10 para las 8".
    fn minutes_to_or_past(&self, at: usize) -> Option<(u32, u32, usize)> {
        let start = at + usize::from(self.atom(at)?.word.number == Some(1) && self.has(at + 1, Marks::HALF.or(Marks::QUARTER)));
        let (minutes, next, exact) = if self.has(start, Marks::HALF) {
            (30, start + 1, true)
        } else if self.has(start, Marks::QUARTER) {
            (15, start + 1, true)
        } else {
            let (n, next, in_words) = self.number(start)?;
            let minute_word = self.unit(next) == Some(Unit::Minute);
            (n, next + usize::from(minute_word), minute_word || (in_words && n.is_multiple_of(5)))
        };
        let para = self.text(next).contains(' ');
        let to = self.has(next, Marks::CLOCK_TO) && (exact || para);
        let past = self.has(next, Marks::CLOCK_PAST) && exact;
        if !(to || past) || !(1..60).contains(&minutes) {
            return None;
        }
        let hour_at = self.skip(next + 1, Marks::THE, 1);
        let (hour, after, _) = self.number(hour_at)?;
        if !(1..=12).contains(&hour) || (!self.field && self.has(after, Marks::COUNT_NOUN)) {
            return None;
        }
        // "half to six" is nothing.
        if to { (minutes != 30).then_some((if hour == 1 { 12 } else { hour - 1 }, 60 - minutes, after)) } else { Some((hour, minutes, after)) }
    }

    /// The part of the day after a time, what follows it, and whether it is bound to the time ("de la mañana").
    fn part_after_clock(&self, at: usize) -> Option<(Part, usize, bool)> {
        let at = self.skip_comma(at);
        let mut next = at;
        let mut of = false;
        for _ in 0..3 {
            let Some(atom) = self.atom(next) else { return None };
            if atom.word.part.is_some() && atom.word.day.is_none() {
                break;
            }
            if atom.has(Marks::OF) {
                of = true;
            } else if atom.has(Marks::THIS) {
                of = true;
            } else if !(atom.has(Marks::THE) || ["in", "en", "por", "at", "n", "x", "on"].iter().any(|w| self.text(next).eq_ignore_ascii_case(w))) {
                break;
            }
            next += 1;
        }
        let atom = self.atom(next)?;
        // "12 del día"
        if of && atom.word.unit == Some(Unit::Day) && next > at {
            return Some((Part::Afternoon, next + 1, true)).filter(|_| self.text(next).len() > 1);
        }
        let part = atom.word.part?;
        if atom.word.day.is_some() && next == at {
            return None; // mañana: tomorrow
        }
        let at_night = self.has(at, Marks::AT) && next == at + 1;
        // "dela mañana"
        if next > at || (self.field && atom.word.day.is_none()) { Some((part, next + 1, of || at_night)) } else { None }
    }

    /// "to 11 am", "- 6am", "y las 10 de la mañana": the end of a range of hours.
    fn range_end(&self, at: usize, likely: bool) -> Option<(Clock, usize)> {
        let mut next = at;
        if self.is_sign(next, b'-') || self.has(next, Marks::RANGE.or(Marks::AND)) {
            next += 1;
        } else if self.has(next, Marks::AT) && self.text(next).starts_with(['a', 'A']) {
            // "de las 9 a las 11"
        } else {
            return None;
        }
        next = self.skip(next, Marks::AT.or(Marks::THE), 2);
        let (mut clock, mut end, _) = self.clock_core(next, likely, false)?;
        let mut bound = clock.to_the_minute;
        if let Some((pm, after)) = self.meridiem(end) {
            (clock.pm, end, bound) = (Some(pm), after, true);
        }
        if let Some((part, after, of)) = self.part_after_clock(end)
            && (of || likely)
        {
            (clock.part, end, bound) = (Some(part), after, true);
        }
        (self.valid(&clock) && (bound || self.field)).then_some((clock, end))
    }

    /// Whether a number without am, pm or minutes can be an hour: "around 7", "a las 9 llegaron", not "about 5 agents".
    fn bare_hour(&self, start: usize, next: usize, cued: bool, labelled: bool) -> bool {
        let Some((1..=24, _, _)) = self.number(start) else { return false };
        if self.field || labelled {
            return !self.unit(next).is_some_and(|unit| unit != Unit::Hour);
        }
        let Some(atom) = self.atom(next) else { return true };
        match atom.kind {
            Kind::Number { .. } => false,
            Kind::Sign(sign) => matches!(sign, b'.' | b',' | b';' | b'!' | b'?' | b')' | b'\n') && !(sign == b'.' && self.digits(next + 1).is_some() && self.touches(next + 1)),
            Kind::Word if !atom.gap => false,
            Kind::Word => {
                let counted = atom.has(Marks::COUNT_NOUN.or(Marks::STREET_AFTER)) || atom.word.unit.is_some();
                let timely = atom.word.names_day() || atom.word.part.is_some() || atom.has(Marks::AFTER_HOUR.or(Marks::THIS));
                let of_them = atom.has(Marks::OF) && !self.atom(next + 1).is_some_and(|after| after.word.names_day());
                if of_them || (counted && !timely) {
                    return false;
                }
                // An address: "at 12 Oak"; in Spanish "a las 12 ICE".
                let place = atom.capital && atom.key == 0 && self.before_is(start, &["at"]);
                timely || (cued && !place && !self.has(start.wrapping_sub(1), Marks::HEDGE.or(Marks::OF)))
            }
        }
    }
}

impl Atom {
    pub const fn kind_is_number(&self) -> bool {
        matches!(self.kind, Kind::Number { .. })
    }
}

fn whole_minutes(minutes: f64) -> i64 {
    // At most 9999.99 years of minutes: far inside of i64.
    #[expect(clippy::cast_possible_truncation, reason = "bounded by four digits of a number")]
    let whole = minutes.round() as i64;
    whole
}

fn ago_exact(minutes: i64) -> Piece {
    Piece::Ago { minutes, precision: Precision::Minute }
}

/// So many of a unit back.
fn ago_of(unit: Unit, amount: f64) -> Piece {
    let whole = whole_minutes(amount.floor());
    let fraction = amount.fract() != 0.0;
    match unit {
        Unit::Second => Piece::MomentsAgo,
        Unit::Minute => ago_exact(whole_minutes(amount)),
        Unit::Hour => Piece::Ago {
            minutes: whole_minutes(amount * 60.0),
            precision: if fraction { Precision::Minute } else { Precision::Hour },
        },
        Unit::Day => Piece::Day(-whole),
        Unit::Night => Piece::Night(-whole),
        Unit::Week => Piece::Weeks(-whole),
        Unit::Weekend => Piece::Weekend(-whole),
        Unit::Fortnight => Piece::Weeks(-2 * whole),
        Unit::Month => Piece::Months(i32::try_from(-whole).unwrap_or(i32::MIN), Where::Anywhere),
        Unit::Year => Piece::Vague("year_only"),
    }
}
