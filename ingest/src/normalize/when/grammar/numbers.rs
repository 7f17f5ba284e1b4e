//! Dates in numbers: ISO dates and instants, `9/3/26`, `03/2026`, years.

use chrono::{FixedOffset, NaiveDate, NaiveTime};
use schemas::time::DateOrder;

use super::super::scan::Kind;
use super::super::words::{Marks, Unit};
use super::{Grammar, Piece, Where};

impl Grammar<'_> {
    /// `2026-09-03`, `2026-09-03T07:15:00.000Z`, `2026-09-03 07:15 -0700`.
    pub(super) fn iso(&self, at: usize) -> Option<(Piece, usize)> {
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
    pub(super) fn numeric_date(&self, at: usize) -> Option<(Piece, usize)> {
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
        // "9-11am", "2-3 hours", "1/2 hour"
        let counted = self.unit(at + 3).is_some() && (sign == b'-' || second <= 8);
        if counted || (self.meridiem(at + 3).is_some() && sign != b'/') {
            return None;
        }
        if first_digits == 4 || second_digits == 4 || sign == b'.' || (sign == b'-' && !(self.field && self.alone(at)))
        {
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
    pub(super) fn plausible_fraction(&self, at: usize) -> bool {
        if self.field || self.before_is(at, &["on", "el", "since", "desde"]) {
            return true;
        }
        let before = at.checked_sub(1).and_then(|at| self.atom(at));
        // "1/2 tab", "3/4 of the crew"
        let share = matches!((self.digits(at), self.digits(at + 2)), (Some((n, 1)), Some((2..=4, 1))) if n < 4);
        if share && !before.is_some_and(|atom| atom.has(Marks::HAPPENED)) && !self.labelled(at) {
            return false;
        }
        let not_before = before.is_some_and(|atom| {
            atom.has(Marks::STREET_BEFORE) || matches!(atom.kind, Kind::Sign(b'#' | b'$' | b'/')) || atom.is_number()
        });
        let not_after = self.atom(at + 3).is_some_and(|atom| {
            (atom.has(Marks::COUNT_NOUN) && !atom.has(Marks::HAPPENED))
                || atom.has(Marks::STREET_AFTER)
                || (atom.has(Marks::OF) && !atom.word.names_day())
                || matches!(atom.kind, Kind::Sign(b'%' | b'"'))
        });
        !not_before && !not_after
    }

    /// The only number of the text.
    pub(super) fn alone(&self, at: usize) -> bool {
        self.atoms.iter().enumerate().all(|(i, atom)| i == at || i == at + 2 || !atom.is_number())
    }

    /// A sign that can stand right before a date or time.
    pub(super) fn opens(&self, at: usize) -> bool {
        self.atom(at).is_some_and(|atom| {
            matches!(
                atom.kind,
                Kind::Sign(b'(' | b'[' | b'"' | b':' | b'=' | b',' | b'~' | b'@' | b'?' | b'\n' | b';' | b'>' | b'*')
            ) || (atom.is_sign(b'-') && (atom.gap || self.has(at.wrapping_sub(1), Marks::LABEL)))
                || (atom.is_sign(b'.') && at > 0)
        })
    }

    /// Nothing right after that would make the number before it part of something longer.
    pub(super) fn ends(&self, at: usize) -> bool {
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
    pub(super) fn year(&self, at: usize) -> Option<(i32, usize)> {
        let at = self.skip_comma(at);
        let at = if self.has(at, Marks::OF.or(Marks::THE)) { self.skip(at, Marks::OF.or(Marks::THE), 2) } else { at };
        if let Some((year, 4)) = self.digits(at)
            && (1900..2200).contains(&year)
            && !self.minutes_follow(at + 1)
            && !self.unit(at + 1).is_some_and(|unit| unit == Unit::Hour)
        {
            return Some((i32::try_from(year).ok()?, at + 1));
        }
        let joined = at + 1;
        if self.atom(at).is_some_and(|atom| matches!(atom.kind, Kind::Sign(b'\'' | b'-' | b'/' | b'.')))
            && self.touches(joined)
            && let Some((year, 2 | 4)) = self.digits(joined)
            && !self.minutes_follow(joined + 1)
            && !self.meridiem(joined + 1).is_some_and(|_| true)
        {
            let year = i32::try_from(year).ok()?;
            return Some((
                if year < 70 {
                    2000 + year
                } else if year < 100 {
                    1900 + year
                } else {
                    year
                },
                joined + 1,
            ));
        }
        if self.field
            && let Some((year, 2)) = self.digits(at)
            && (20..50).contains(&year)
            && !self.minutes_follow(at + 1)
            && self.meridiem(at + 1).is_none()
            && self.ends(at + 1)
        {
            return Some((2000 + i32::try_from(year).ok()?, at + 1));
        }
        None
    }

    /// The ending of an ordinal number: `3rd`, `1°`, `1ro`.
    pub(super) fn skip_ordinal_ending(&self, at: usize) -> Option<usize> {
        let atom = self.atom(at)?;
        let is_ending = match atom.kind {
            Kind::Sign(b'o') => true,
            Kind::Word => {
                let ending = self.text(at);
                ["st", "nd", "rd", "th", "ro", "ero", "er", "do", "to", "o"]
                    .iter()
                    .any(|e| ending.eq_ignore_ascii_case(e))
            }
            _ => false,
        };
        (is_ending && !atom.gap).then_some(at + 1)
    }

    /// A day of the month in digits or words, and what follows it.
    pub(super) fn day_number(&self, at: usize) -> Option<(u32, usize)> {
        if let Some(ordinal) = self.atom(at)?.word.ordinal {
            return Some((ordinal.into(), at + 1));
        }
        let (day, next, _) = self.number(at)?;
        let next = self.skip_ordinal_ending(next).unwrap_or(next);
        // 30 and 31 of a short month are for the resolver to refuse; 0 and 32 are no days.
        (self.digits(at).is_none_or(|(_, digits)| digits <= 2) && day <= 99).then_some((day, next))
    }
}
