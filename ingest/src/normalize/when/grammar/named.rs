//! Dates with the month's name, and days of a month: "Sept 3", "3 de mayo del 2026", "the 15th", "el día 28".

use chrono::NaiveDate;

use super::super::scan::Kind;
use super::super::words::{Marks, Unit};
use super::{BEFORE_CLOCK, Grammar, HERE, Piece, Where};

impl Grammar<'_> {
    /// The month at this atom.
    pub(super) fn month(&self, at: usize) -> Option<u32> {
        let atom = self.atom(at)?;
        let month = atom.word.month?;
        // `12 ago` is August, `2 days ago` is not; "mar" after "el" is a Tuesday.
        if atom.has(Marks::AGO) && !(at > 0 && self.digits(at - 1).is_some() && (self.field || self.spanish)) {
            return None;
        }
        Some(month.into())
    }

    /// "Sept 3", "September 3rd, 2026", "August 2026", "in March".
    pub(super) fn month_then_day(&self, at: usize) -> Option<(Piece, usize)> {
        let month = self.month(at)?;
        let mut next = self.skip_stop(at + 1);
        if (self.is_sign(next, b'-') || self.is_sign(next, b'/')) && self.touches(next) && self.touches(next + 1) {
            next += 1;
        }
        let next = self.skip(next, Marks::THE, 1);
        let word = self.atom(at)?.word;
        let common = !self.field && word.has(Marks::ALSO_A_WORD) && !self.atom(at)?.capital;
        if let Some((day, after)) = self.day_number(next)
            && !self.minutes_follow(after)
            && !(self.digits(next).is_some() && self.meridiem(after).is_some())
            && (1..=31).contains(&day)
            && self.ends(after)
            && !common
            && !(self.atom(next)?.word.number == Some(1) && self.digits(next).is_none() && !self.field)
        {
            if !self.field
                && word.has(Marks::ALSO_A_WORD)
                && !self.before_is(at, &["on", "of"])
                && self.atom(after).is_some_and(|atom| {
                    atom.has(Marks::COUNT_NOUN) && atom.word.part.is_none() && !atom.has(Marks::HAPPENED)
                })
            {
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
            atom.has(Marks::LAST)
                || matches!(self.text(at - 1).to_ascii_lowercase().as_str(), "in" | "en" | "during" | "since")
        });
        if (self.field && self.alone_month(at)) || (introduced && !common) {
            return Some((Piece::Month { month, year: None, at: Where::Anywhere }, at + 1));
        }
        None
    }

    /// In the field, a month's name that is not also another word there.
    pub(super) fn alone_month(&self, at: usize) -> bool {
        self.atom(at).is_some_and(|atom| atom.word.weekday.is_none() || self.atoms.len() == 1)
            && !self.has(at, Marks::AGO)
    }

    pub(super) fn month_day(&self, month: u32, day: u32, year: Option<i32>) -> Piece {
        match year {
            Some(year) => NaiveDate::from_ymd_opt(year, month, day)
                .map_or(Piece::NoDate("impossible"), |d| Piece::Date(d, "named_date")),
            None => Piece::MonthDay { month, day, rule: "named_date" },
        }
    }

    /// Skips "-5", "al 5", "to May 13", "y 4".
    pub(super) fn skip_range_end(&self, at: usize) -> usize {
        let mut next = at;
        if self.is_sign(next, b'-') || (self.has(next, Marks::RANGE) && !self.has(next, Marks::AT)) {
            next = self.skip(next + 1, Marks::THE, 1);
            if let Some((day, after)) = self.day_number(next)
                && self.digits(next).is_some()
                && (1..=31).contains(&day)
                && !self.minutes_follow(after)
                && self.meridiem(after).is_none()
            {
                return after;
            }
        }
        at
    }

    /// "3 September 2026", "the 3rd of May", "3 de mayo del 2026", "del 3 al 5 de mayo".
    pub(super) fn day_then_month(&self, at: usize) -> Option<(Piece, usize)> {
        let (day, after_day) = self.day_number(at)?;
        let before = at.checked_sub(1).and_then(|at| self.atom(at));
        if !self.field
            && before.is_some_and(|atom| atom.has(Marks::STREET_BEFORE) || matches!(atom.kind, Kind::Sign(b'$' | b'#')))
        {
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
    pub(super) fn ordinal_day(&self, at: usize) -> Option<(Piece, usize)> {
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
        let is_time = self.minutes_follow(next) || self.meridiem(next).is_some();
        if is_time
            || self.day_then_month(number).is_some()
            || self.numeric_date(number).is_some()
            || (in_words && !article && !day_word && day == 1)
            || (!self.field && !ordinal && self.has(next, Marks::RANGE) && self.number(next + 1).is_some())
            || self.unit(next).is_some() && !ordinal
            || !self.ends(next)
        {
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

    pub(super) fn before_is(&self, at: usize, words: &[&str]) -> bool {
        at > 0 && words.iter().any(|word| self.text(at - 1).eq_ignore_ascii_case(word))
    }

    /// What may follow a day of the month in running text: an end, a time, a small word; not a noun that it counts.
    pub(super) fn after_day_of_month(&self, at: usize, after_weekday: bool) -> bool {
        self.atom(at).is_none_or(|atom| match atom.kind {
            Kind::Sign(sign) => matches!(sign, b'.' | b',' | b';' | b')' | b'\n' | b'!' | b'?' | b':'),
            Kind::Number { .. } => false,
            Kind::Word => {
                atom.has(BEFORE_CLOCK.or(Marks::AFTER_HOUR).or(Marks::HAPPENED))
                    || (after_weekday && !atom.has(Marks::COUNT_NOUN) && !atom.capital)
            }
        })
    }

    pub(super) fn weekday_before(&self, at: usize) -> bool {
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
}
