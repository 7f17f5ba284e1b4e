//! Days of the week, weeks, months and weekends as seen from the report, and lengths of time: "last Tuesday", "la semana
//! pasada", "mid August", "hace 2 horas".

use schemas::time::Precision;

use super::super::scan::Kind;
use super::super::words::{Marks, Unit};
use super::{BEFORE_CLOCK, Grammar, HERE, Piece, Where, Which};

impl Grammar<'_> {
    pub(super) fn weekday(&self, at: usize) -> Option<(Piece, usize)> {
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
        // "mar 3" is March, "el mar 3" and "mar 24 feb" are Tuesdays.
        if atom.word.month.is_some() && which.is_none() {
            let month_follows = self.day_then_month(self.skip_stop(name + 1)).is_some();
            if !month_follows && !self.before_is(name, &["el"]) {
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
        if self.has(next, Marks::LAST)
            && !matches!(self.unit(next + 1), Some(Unit::Week))
            && !self.has(next, Marks::CLOCK_PAST)
            || self.has(next, Marks::LAST)
                && self.atom(next).is_some_and(|atom| atom.word.unit.is_none())
                && self.unit(next + 1).is_none()
        {
            which = which.filter(|which| *which == Which::Next).or(Some(Which::Latest));
            next += 1;
        } else if self.has(next, Marks::NEXT) && self.unit(next + 1) != Some(Unit::Week) {
            which = Some(Which::Next);
            next += 1;
        }
        Some((Piece::Weekday(day, which.unwrap_or(Which::Latest)), next))
    }

    pub(super) fn skip_stop_of_weekday(&self, name: usize) -> usize {
        // `Wed. night`; a stop after the full name ends the sentence.
        let next = name + 1;
        if self.text(name).len() <= 5 && !self.text(name).ends_with("day") { self.skip_stop(next) } else { next }
    }

    /// In running text a weekday must not be a name, a place or another word.
    pub(super) fn plain_weekday(&self, at: usize) -> bool {
        let Some(atom) = self.atom(at) else { return false };
        let before = at.checked_sub(1).and_then(|at| self.atom(at));
        let next = self.atom(self.skip_stop_of_weekday(at));
        let timely = next.is_none_or(|next| {
            next.word.part.is_some()
                || next.word.names_day()
                || next.is_number()
                || next.has(BEFORE_CLOCK)
                || matches!(next.kind, Kind::Sign(_))
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
            // "sat nite", but not "they sat".
            let part = self.atom(at + 1).is_some_and(|next| next.word.part.is_some());
            return (atom.capital && (on || timely)) || (on && timely) || part || self.labelled(at);
        }
        // Other abbreviations: with a capital, or beside something of a date.
        self.text(at).len() > 3 || atom.capital || timely || self.before_is(at, &["on", "el", "since", "desde"])
    }

    pub(super) fn spanish_word(&self, at: usize) -> bool {
        self.text(at).eq_ignore_ascii_case("domingo")
    }

    /// "last week", "la semana pasada", "this month", "the weekend", "week of", "next month".
    pub(super) fn relative(&self, at: usize) -> Option<(Piece, usize)> {
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
                // "the weekend of May 2": only known to the week.
                let of = self.skip(end, HERE, 2);
                if of > end && offset.unwrap_or(0) == 0 && self.date_follows(of) {
                    return Some((Piece::WeekOf, end));
                }
                Some((Piece::Weekend(offset.unwrap_or(0), offset == Some(0)), end))
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

    pub(super) fn date_follows(&self, at: usize) -> bool {
        self.digits(at).is_some()
            || self.atom(at).is_some_and(|atom| atom.word.month.is_some() || atom.word.ordinal.is_some())
    }

    /// "mid August", "a finales de abril", "the first week of March".
    pub(super) fn part_of_month(&self, at: usize) -> Option<(Piece, usize)> {
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

    /// "2 hours ago", "half an hour ago", "an hour and a half ago", "two Tuesdays ago", "3 días atrás".
    pub(super) fn ago(&self, at: usize) -> Option<(Piece, usize)> {
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
    pub(super) fn hace(&self, at: usize) -> Option<(Piece, usize)> {
        let start = self.skip(at + 1, Marks::HEDGE.or(Marks::FILL).or(Marks::HACE), 4);
        // The words skipped may be the number itself: "hace un par".
        let (piece, next) = (at + 1..=start).rev().find_map(|from| self.duration(from))?;
        let had = self.text(at).to_lowercase();
        if had.starts_with("tiene")
            || had.starts_with("llev")
            || had.starts_with("ya")
            || had.starts_with("habr")
            || had.starts_with("tendr")
            || had.starts_with("va")
        {
            // Also an age, or how long something lasts.
            let short = matches!(piece, Piece::Ago { .. });
            if !short && !self.field {
                return None;
            }
        }
        Some((piece, next + usize::from(self.has(next, Marks::AGO) && self.atom(next)?.word.month.is_none())))
    }

    /// A length of time, as the piece that lies so far back.
    pub(super) fn duration(&self, at: usize) -> Option<(Piece, usize)> {
        // "half an hour", "media hora", "half hour"
        if self.has(at, Marks::HALF) {
            let unit_at = at + 1 + usize::from(self.atom(at + 1).is_some_and(|atom| atom.word.number == Some(1)));
            let unit = self.unit(unit_at)?;
            return match unit {
                Unit::Hour => Some((ago_exact(30), unit_at + 1)),
                _ => None,
            };
        }
        if self.has(at, Marks::QUARTER) {
            let of = self.skip(at + 1, Marks::OF, 1);
            let unit_at = of + usize::from(self.atom(of).is_some_and(|atom| atom.word.number == Some(1)));
            return (self.unit(unit_at) == Some(Unit::Hour)).then_some((ago_exact(15), unit_at + 1));
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
        // `d` is a day, and a Spanish "de".
        let next = if self.unit(next).is_some() { next } else { self.skip(next, Marks::OF.or(Marks::HEDGE), 2) };
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
        Unit::Weekend => Piece::Weekend(-whole, false),
        Unit::Fortnight => Piece::Weeks(-2 * whole),
        Unit::Month => Piece::Months(i32::try_from(-whole).unwrap_or(i32::MIN), Where::Anywhere),
        Unit::Year => Piece::Vague("year_only"),
    }
}
