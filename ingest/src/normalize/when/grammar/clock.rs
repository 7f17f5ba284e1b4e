//! Parts of the day and times of day: "in the morning", "at 6", "half past six", "a las seis y media de la tarde",
//! "1830 hrs", "9-11am".

use super::super::scan::{Atom, Kind};
use super::super::words::{Marks, Part, Unit};
use super::{BEFORE_CLOCK, Clock, Grammar, HERE, Piece};

impl Grammar<'_> {
    pub(super) fn part(&self, at: usize) -> Option<(Piece, usize)> {
        let mut name = at;
        let mut this = false;
        for _ in 0..3 {
            if self.atom(name).is_none_or(|atom| atom.word.part.is_some() && !atom.has(Marks::EARLY)) {
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
            return Some((
                if matches!(part, Part::Night | Part::Evening) { Piece::Night(-1) } else { Piece::Part { part, this } },
                at + 2,
            ));
        }
        // "this a.m."
        if this && let Some((pm, next)) = self.meridiem(name) {
            return Some((Piece::Part { part: if pm { Part::Afternoon } else { Part::Morning }, this }, next));
        }
        let part = match self.atom(name).and_then(|atom| atom.word.part) {
            Some(part) => part,
            // "Monday early", "ayer tempranito"
            None if self.has(at, Marks::EARLY) && self.beside_day(at) => {
                return Some((Piece::Part { part: Part::Morning, this: false }, at + 1));
            }
            None => return None,
        };
        if !self.field && !this {
            // Loose words mean other things: "tarde" is late, "eve" half of a feast, "good morning".
            let article =
                name > at || at.checked_sub(1).is_some_and(|b| self.has(b, HERE.or(Marks::AT).or(Marks::THIS)));
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
    pub(super) fn beside_day(&self, at: usize) -> bool {
        let near = |at: usize| {
            self.atom(at).is_some_and(|atom| {
                atom.word.names_day() || atom.word.holiday.is_some() || (atom.is_number() && at + 1 < self.atoms.len())
            })
        };
        at.checked_sub(1).is_some_and(|before| {
            near(before)
                || ((self.has(before, HERE.or(Marks::LAST))
                    || self.is_sign(before, b',')
                    || self.is_sign(before, b'.'))
                    && before.checked_sub(1).is_some_and(near))
        }) || near(self.skip(at + 1, HERE, 2))
    }

    /// A day is named right before, perhaps with a comma between.
    pub(super) fn day_before(&self, at: usize) -> bool {
        let comma = at.checked_sub(1).is_some_and(|before| self.is_sign(before, b','));
        at.checked_sub(1 + usize::from(comma))
            .and_then(|before| self.atom(before))
            .is_some_and(|atom| atom.word.names_day() && atom.word.part.is_none())
    }

    /// A date in numbers or words ends right before.
    pub(super) fn after_date(&self, at: usize) -> bool {
        self.day_before(at) || (at >= 3 && self.digits(at - 1).is_some() && self.is_sign(at - 2, b'/'))
    }

    /// am or pm at this atom, and what follows it.
    pub(super) fn meridiem(&self, at: usize) -> Option<(bool, usize)> {
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

    /// A day of the report ("hoy", "yesterday", "anoche") or a part of the day right before, perhaps with a comma.
    fn right_after_day(&self, at: usize) -> bool {
        let comma = at.checked_sub(1).is_some_and(|before| self.is_sign(before, b','));
        at.checked_sub(1 + usize::from(comma)).and_then(|before| self.atom(before)).is_some_and(|atom| {
            atom.word.day.is_some() || atom.word.night.is_some() || (comma && atom.word.part.is_some())
        })
    }

    /// "at 6", "6:30 pm", "around 7", "half past six", "a las seis y media de la tarde", "1830 hrs", "9-11am".
    pub(super) fn clock(&self, at: usize) -> Option<(Piece, usize)> {
        let mut start = at;
        let mut cue = if self.labelled(at) {
            Cue::Label
        } else if self.right_after_day(at) {
            Cue::Day
        } else {
            Cue::None
        };
        let mut hedged = false;
        for _ in 0..5 {
            let Some(atom) = self.atom(start) else { break };
            if atom.is_sign(b'@') || atom.has(Marks::AT.or(Marks::SINCE)) {
                cue = cue.max(Cue::At);
                hedged |= atom.has(Marks::HEDGE);
            } else if atom.is_sign(b'~') || (atom.has(Marks::HEDGE) && atom.word.number.is_none()) {
                hedged = true;
                let of_hours = atom.is_sign(b'~') || atom.has(Marks::HEDGE_OF_HOURS);
                cue = cue.max(if of_hours { Cue::Around } else { Cue::Roughly });
                if self.is_sign(start + 1, b'.') && self.touches(start + 1) {
                    start += 1;
                }
            } else if !(start > at && atom.has(Marks::THE)) {
                break;
            }
            start += 1;
        }
        let cued = cue >= Cue::At;
        let other = |at| self.day_then_month(at).or_else(|| self.numeric_date(at)).or_else(|| self.ago(at));
        if start > at && other(start).is_some() {
            return None;
        }
        let core = self.clock_core(start, cued, hedged)?;
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
            } else if self.is_sign(next, b'-') && self.has(next + 1, Marks::OCLOCK) {
                // "7-ish"
                (next, strong) = (next + 2, true);
            } else if self.unit(next) == Some(Unit::Hour)
                && (cued || clock.of_24)
                && !self.has(next + 1, Marks::AGO)
                && self.atom(next).is_some_and(|a| a.word.number.is_none())
            {
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
        let from = self.before_is(at, &["de", "from"]);
        // "9 to 11 am", "anoche de 9 a 11", "entre las 9 y las 10 de la mañana"
        if !strong
            && let Some((end_clock, after)) =
                self.range_end(next, weak || hedged || cued || from, from && self.has_day_word(at, 2))
        {
            let part = end_clock.part.or(clock.part);
            let pm = clock.pm.or(end_clock.pm).map(|pm| {
                // "11 to 1 pm" starts in the morning, "10 to 2 am" at night.
                let later = clock.hour % 12 > end_clock.hour % 12;
                if later && clock.pm.is_none() { !pm } else { pm }
            });
            clock = Clock { part, pm, ..clock };
            strong |= end_clock.pm.is_some() || end_clock.part.is_some() || clock.to_the_minute || from;
            next = after;
        } else if strong && let Some((_, after)) = self.range_end(next, true, false) {
            next = after;
        }
        if !self.valid(&clock) || !self.clock_ends(start, next) {
            return None;
        }
        let accepted = strong
            || (clock.to_the_minute && self.digits(start).is_some())
            || (weak && (cue > Cue::None || self.field || self.day_before(at) || self.told_as_hour(at, next)))
            || (cue > Cue::None && self.bare_hour(start, next, cue));
        accepted.then_some((Piece::Clock(clock), next))
    }

    /// A label stands right before: `T: 0715`, `Hora: 9`.
    pub(super) fn labelled(&self, at: usize) -> bool {
        let Some(sign) = at.checked_sub(1) else { return false };
        let (sign, label) = if self.atom(sign).is_some_and(|a| matches!(a.kind, Kind::Sign(b':' | b'-' | b'=')))
            && let Some(label) = sign.checked_sub(1)
        {
            (true, label)
        } else {
            (false, sign)
        };
        // "T 12, E mesa": a single letter is a label when it is a capital.
        self.has(label, Marks::LABEL) && (sign || self.text(label).len() > 1 || self.text(label) == "T")
    }

    pub(super) fn valid(&self, clock: &Clock) -> bool {
        clock.minute < 60
            && match clock.pm {
                Some(true) => clock.hour <= 23,
                Some(false) => clock.hour <= 12,
                None => clock.hour <= 23 || (clock.hour == 24 && clock.minute == 0),
            }
    }

    /// Whether what surrounds the digits lets them be a time: not a docket, an address, a longer number.
    pub(super) fn clock_ends(&self, start: usize, next: usize) -> bool {
        let before = start.checked_sub(1).and_then(|at| self.atom(at));
        let glued_before = self.touches(start)
            && before.is_some_and(|atom| match atom.kind {
                Kind::Word => {
                    !(atom.has(Marks::LABEL)
                        || atom.has(Marks::AT.or(Marks::HEDGE))
                        || self.text(start - 1).eq_ignore_ascii_case("t"))
                }
                Kind::Number { .. } => true,
                Kind::Sign(b'-') => {
                    !(self.opens(start - 1)
                        || self.field
                        || start > 1 && self.touches(start - 1) && self.has(start - 2, Marks::AM.or(Marks::PM)))
                }
                Kind::Sign(sign) => {
                    matches!(sign, b'$' | b'#' | b'/' | b'_' | b'%' | b'.' | b':') && !self.opens(start - 1)
                }
            });
        let street =
            before.is_some_and(|atom| atom.has(Marks::STREET_BEFORE) && !atom.has(BEFORE_CLOCK.or(Marks::LABEL)));
        if glued_before || (street && !self.field) {
            return false;
        }
        self.atom(next).is_none_or(|atom| {
            atom.gap
                || match atom.kind {
                    Kind::Number { .. } => false,
                    Kind::Word => self.field || self.unit(next).is_none(),
                    // `1:15-cr-00123`
                    Kind::Sign(b'-') => {
                        self.field
                            || !self.atom(next + 1).is_some_and(|after| !after.gap && matches!(after.kind, Kind::Word))
                    }
                    Kind::Sign(b':') => self.atom(next + 1).is_none_or(|after| after.gap || !after.is_number()),
                    Kind::Sign(sign) => !matches!(sign, b'/' | b'%' | b'#' | b'_' | b'\''),
                }
        })
    }

    /// The hour and minutes themselves; whether they are a time whatever stands around them.
    pub(super) fn clock_core(&self, at: usize, cued: bool, hedged: bool) -> Option<(Clock, usize, bool)> {
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
        // "at a corner", "desde un carro"
        if in_words && hour == 1 && !["one", "una"].iter().any(|one| self.text(at).eq_ignore_ascii_case(one)) {
            return None;
        }
        let digits = self.digits(at).map_or(2, |(_, digits)| digits);
        if !in_words && self.touches(next) {
            let minutes = |at: usize| {
                self.digits(at)
                    .filter(|(value, digits)| *digits == 2 && *value < 60 && self.touches(at))
                    .map(|(value, _)| value)
            };
            // 7:15, 07:15:00
            if digits <= 2
                && self.is_sign(next, b':')
                && let Some(minute) = minutes(next + 1)
            {
                let mut end = next + 2;
                if self.is_sign(end, b':') && self.touches(end) && minutes(end + 1).is_some() {
                    end += 2;
                    if self.is_sign(end, b'.')
                        && self.touches(end)
                        && self.digits(end + 1).is_some()
                        && self.touches(end + 1)
                    {
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
                    || self.unit(next + 2) == Some(Unit::Hour)
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
            let year_like = (1990..2050).contains(&hour);
            let said = self.field || self.labelled(at) || self.after_date(at) || (hour < 1000 && (cued || hedged));
            if minute < 60 && hours <= 24 && (suffixed || (digits == 4 && !year_like && said)) {
                let of_24 = digits == 4 && self.meridiem(next).is_none();
                return Some((Clock { of_24, ..clock(hours, minute, true) }, next, true));
            }
            return None;
        }
        if hour > 24 || digits > 2 {
            return None;
        }
        // "seis y media", "6 y cuarto", "tres y veinte"
        if self.has(next, Marks::AND) {
            let said = in_words || cued || hedged || self.field;
            if self.has(next + 1, Marks::HALF) && said {
                return Some((clock(hour, 30, true), next + 2, cued || self.field));
            }
            if self.has(next + 1, Marks::QUARTER) && said {
                return Some((clock(hour, 15, true), next + 2, cued || self.field));
            }
            if let Some((minute @ 1..60, after, _)) = self.number(next + 1)
                && (cued || (self.meridiem(after).is_some() && minute.is_multiple_of(5) && hour > minute))
                && (self.meridiem(after).is_some()
                    || self.part_after_clock(after).is_some()
                    || self.bare_hour(at, after, Cue::At) && in_words)
            {
                return Some((clock(hour, minute, true), after, false));
            }
        }
        // "6 menos cuarto", "seis menos diez"
        if self.has(next, Marks::MINUS) {
            let minutes = if self.has(next + 1, Marks::QUARTER) {
                Some((15, next + 2))
            } else {
                self.number(next + 1).map(|(n, after, _)| (n, after))
            };
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
    pub(super) fn minutes_to_or_past(&self, at: usize) -> Option<(u32, u32, usize)> {
        let start =
            at + usize::from(self.atom(at)?.word.number == Some(1) && self.has(at + 1, Marks::HALF.or(Marks::QUARTER)));
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
        let past = self.has(next, Marks::CLOCK_PAST) && (exact || self.text(next).eq_ignore_ascii_case("past"));
        if !(to || past) || !(1..60).contains(&minutes) {
            return None;
        }
        let hour_at = self.skip(next + 1, Marks::THE, 1);
        let (hour, after) = match self.number(hour_at) {
            Some((hour, after, _)) => (hour, after),
            None => (12, hour_at + usize::from(self.has(hour_at, Marks::NOON))),
        };
        if after == hour_at || !(1..=12).contains(&hour) || (!self.field && self.has(after, Marks::COUNT_NOUN)) {
            return None;
        }
        // "half to six" is nothing.
        if to {
            (minutes != 30).then_some((if hour == 1 { 12 } else { hour - 1 }, 60 - minutes, after))
        } else {
            Some((hour, minutes, after))
        }
    }

    /// The part of the day after a time, what follows it, and whether it is bound to the time ("de la mañana").
    pub(super) fn part_after_clock(&self, at: usize) -> Option<(Part, usize, bool)> {
        let at = self.skip_comma(at);
        let mut next = at;
        let mut of = false;
        for _ in 0..3 {
            let atom = self.atom(next)?;
            if atom.word.part.is_some() && atom.word.day.is_none() {
                break;
            }
            if atom.has(Marks::OF.or(Marks::THIS)) {
                of = true;
            } else if !(atom.has(Marks::THE)
                || ["in", "en", "por", "at", "n", "x", "on"].iter().any(|w| self.text(next).eq_ignore_ascii_case(w)))
            {
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
    pub(super) fn range_end(&self, at: usize, likely: bool, bare: bool) -> Option<(Clock, usize)> {
        let mut next = at;
        if self.is_sign(next, b'-') || self.has(next, Marks::RANGE.or(Marks::AND)) {
            next += 1;
        } else if self.has(next, Marks::AT) && likely && self.text(next).starts_with(['a', 'A']) {
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
        (self.valid(&clock) && (bound || bare || self.field)).then_some((clock, end))
    }

    /// "it was six in the morning", "six in morning today": not how many.
    fn told_as_hour(&self, at: usize, next: usize) -> bool {
        self.before_is(at, &["was", "era", "fue"]) || self.atom(next).is_some_and(|atom| atom.word.day.is_some())
    }

    /// A word for a day of the report that many atoms before.
    fn has_day_word(&self, at: usize, before: usize) -> bool {
        at.checked_sub(before)
            .and_then(|at| self.atom(at))
            .is_some_and(|atom| atom.word.day.is_some() || atom.word.night.is_some())
    }

    /// Whether a number without am, pm or minutes can be an hour: "around 7", "a las 9 llegaron", not "about 5 agents".
    fn bare_hour(&self, start: usize, next: usize, cue: Cue) -> bool {
        let Some((hour @ 1..=24, _, in_words)) = self.number(start) else { return false };
        // "a la una", not "desde una casa"
        if hour == 1 && self.text(start).eq_ignore_ascii_case("una") {
            let article = start.checked_sub(1).map(|before| self.text(before)).unwrap_or("");
            if !article.to_ascii_lowercase().ends_with("la") {
                return false;
            }
        }
        if self.field {
            return !self.unit(next).is_some_and(|unit| unit != Unit::Hour);
        }
        let of_people = start.checked_sub(2).is_some_and(|verb| self.has(verb, Marks::TAKES_PEOPLE));
        let Some(atom) = self.atom(next) else { return cue > Cue::Roughly };
        match atom.kind {
            Kind::Number { .. } => false,
            Kind::Sign(sign) => {
                let decimal = sign == b'.' && self.digits(next + 1).is_some() && self.touches(next + 1);
                let stops = matches!(sign, b'.' | b',' | b';' | b'!' | b'?' | b')' | b'\n') && !decimal;
                // "Hoy 10." but not "ayer 2, con chaleco"; "como 12," is how many.
                stops && cue > Cue::Roughly && !(cue == Cue::Day && sign == b',')
            }
            Kind::Word if !atom.gap => false,
            Kind::Word => {
                let counted = atom.has(Marks::COUNT_NOUN.or(Marks::STREET_AFTER)) || atom.word.unit.is_some();
                let of_them = atom.has(Marks::OF) && !self.atom(next + 1).is_some_and(|after| after.word.names_day());
                // "like two in masks": a number in words counts people more often than hours.
                let told = atom.word.names_day() || atom.word.part.is_some() || atom.has(Marks::THIS);
                let timely = told || (atom.has(Marks::AFTER_HOUR) && (cue >= Cue::At || !in_words));
                if of_them || (counted && !timely) {
                    return false;
                }
                // "9 más o menos."
                let loose = atom.has(Marks::HEDGE) && self.atom(next + 1).is_none_or(Atom::ends_sentence);
                match cue {
                    Cue::None => false,
                    Cue::Roughly | Cue::Around => timely,
                    Cue::Day => told || loose,
                    // An address: "at 12 Oak". People: "agarraron a las dos saliendo".
                    Cue::At => {
                        let place = atom.capital && atom.key == 0 && self.before_is(start, &["at"]);
                        let hedge = self.has(start.wrapping_sub(1), Marks::HEDGE.or(Marks::OF));
                        timely || !(place || hedge || of_people || (hour == 1 && in_words))
                    }
                    Cue::Label => true,
                }
            }
        }
    }
}

/// What leads to a number without am, pm or minutes, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cue {
    None,
    /// "about", "como": said of how many, too.
    Roughly,
    /// "around", "tipo".
    Around,
    /// A day of the report before it: "hoy 10".
    Day,
    /// "at", "a las", "since".
    At,
    /// "T:", "Hora:".
    Label,
}
