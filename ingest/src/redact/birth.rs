//! Birth dates, in figures, in words and half of each: beside a word that announces one, or so old that nothing else is
//! told of that day.
//!
//! What always holds: a date of an event stays; a birth date never reaches over a line or a mark.

use schemas::redaction::Class;

use super::Span;
use super::fold::Folded;
use super::lexicon::{JOINER, NUMBER, RELATION};
use super::tokens::{
    BRACKET, COLON, COMMA, Gap, HYPHEN, Kind, LINE, MONEY, OTHER, PLUS, QUOTE, SLASH, SPACE, STOP, Token,
};
use super::words::{BIRTH, BIRTH_FILLER, LINK, MONTH, ORDINAL, PAST, UNIT};

/// Who is born later is no client of a hotline, and reports tell of days that are no older.
const NEWEST: u32 = 2013;
const OLDEST: u32 = 1915;
/// The most words between a cue and its date.
const FILLERS: usize = 6;
/// The most tokens of a date: "twenty-third of september nineteen hundred and ninety-nine".
const LONGEST: usize = 14;

/// A date as it stands in a text.
#[derive(Debug, Default, Clone, Copy)]
struct Date {
    /// Behind its last token.
    end: usize,
    /// How many days and months it has.
    parts: usize,
    /// A month in letters.
    month: bool,
    /// Written in words.
    spoken: bool,
    year: Option<u32>,
    /// The year has four figures, or a sign for the first two.
    whole_year: bool,
    /// What stands between the first two figures, where nothing says that they are a date: the third keeps to it.
    sign: Option<Gap>,
}

impl Date {
    /// Two figures for a year count only where they cannot be one of ours.
    fn is_old(&self) -> bool {
        self.year.is_some_and(|year| if self.whole_year { year <= NEWEST } else { (1940..2000).contains(&year) })
    }

    fn is_full(&self) -> bool {
        self.parts == 2 && self.year.is_some()
    }

    /// Only spaces part its figures: 3 2 1989.
    fn is_loose(&self) -> bool {
        !self.month && self.sign == Some(0)
    }

    fn add_year(&mut self, year: u32, whole: bool, end: usize) {
        (self.year, self.whole_year, self.end) = (Some(year), whole, end);
    }

    fn add_part(&mut self, end: usize) {
        self.parts += 1;
        self.end = end;
    }
}

/// Finds and hides birth dates.
pub fn find(folded: &mut Folded, tokens: &[Token], out: &mut Vec<Span>) {
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        let number = matches!(token.kind, Kind::Number | Kind::Mixed);
        if !number && token.len() > 1 && !token.cues(BIRTH | MONTH | ORDINAL) && !token.is(NUMBER) {
            at += 1;
            continue;
        }
        let mut found = None;
        if let Some(behind) = cue(folded, tokens, at) {
            found = behind_cue(folded, tokens, behind);
        } else if token.kind == Kind::Number
            || token.kind == Kind::Mixed
            || token.cues(MONTH | ORDINAL)
            || token.is(NUMBER)
        {
            found = unannounced(folded, tokens, at);
        }
        match found {
            Some((start, end, rule)) => {
                let (start, stop) = folded.take(tokens[start].start, tokens[end - 1].end);
                out.push(Span { start, end: stop, class: Class::BirthDate, rule });
                at = end;
            }
            None => at += 1,
        }
    }
}

fn word<'a>(folded: &'a Folded, token: &Token) -> &'a [u8] {
    &folded.bytes[token.start..token.end]
}

/// The token behind the cue that starts at `at`.
fn cue(folded: &Folded, tokens: &[Token], at: usize) -> Option<usize> {
    let token = &tokens[at];
    if token.kind != Kind::Word {
        return None;
    }
    if token.cues(BIRTH) {
        return Some(at + 1);
    }
    if token.len() != 1 {
        return None;
    }
    // "D.O.B.", "d o b", "F.N.", "f/nac", "b. 1989"
    let letter = |n: usize, letters: &[u8]| {
        tokens.get(at + n).is_some_and(|t| {
            t.len() == 1 && letters.contains(&folded.bytes[t.start]) && t.gap & !(STOP | SPACE | SLASH | HYPHEN) == 0
        })
    };
    match folded.bytes[token.start] {
        b'd' if letter(1, b"o") && letter(2, b"b") => Some(at + 3),
        b'f' if letter(1, b"n") && tokens[at + 1].gap != SPACE => Some(at + 2),
        b'f' if letter(1, b"d") && letter(2, b"n") => Some(at + 3),
        b'b' if tokens.get(at + 1).is_some_and(|t| t.gap == HYPHEN && word(folded, t) == b"day") => Some(at + 2),
        b'b' | b'n' if folded.bytes.get(token.end) == Some(&b'.') => Some(at + 1),
        _ => None,
    }
}

/// The date behind a cue; `at` is the token behind the cue.
fn behind_cue(folded: &Folded, tokens: &[Token], at: usize) -> Option<(usize, usize, &'static str)> {
    // "b." and "n." are seldom cues.
    let vague = tokens[at - 1].len() == 1 && tokens[at - 1].gap & !(STOP | SLASH) != 0;
    for (start, token) in tokens.iter().enumerate().skip(at).take(FILLERS + 1) {
        if token.gap & (LINE | MONEY | OTHER) != 0 || token.kind == Kind::Hidden {
            return None;
        }
        if let Some(date) = read(folded, tokens, start, true) {
            let counts = tokens.get(date.end).is_some_and(|next| next.gap & !(SPACE | HYPHEN) == 0 && next.cues(UNIT));
            let sure =
                !vague || date.is_full() || date.is_old() && (date.whole_year || tokens[at - 1].gap & BRACKET != 0);
            return (sure && (!counts || date.parts == 2)).then_some((start, date.end, "birth_date.cue"));
        }
        let fills = token.cues(BIRTH_FILLER | BIRTH | LINK)
            || token.is(RELATION)
            || token.kind == Kind::Word && token.len() == 1;
        if vague || !fills {
            return None;
        }
    }
    None
}

/// A date that starts at `at` and that no word before it announces: one behind it does, or it is too old to be anything else.
fn unannounced(folded: &Folded, tokens: &[Token], at: usize) -> Option<(usize, usize, &'static str)> {
    let token = &tokens[at];
    if at > 0 && token.gap & !(HYPHEN | SLASH | STOP) == 0 {
        return None;
    }
    let date = read(folded, tokens, at, false)?;
    let recent = date.whole_year && !date.is_old();
    if !recent && (date.parts == 2 || date.whole_year) && cue_follows(folded, tokens, &date) {
        return Some((at, date.end, "birth_date.after"));
    }
    if date.is_loose() || !date.is_old() {
        return None;
    }
    // An entry, an order or a wedding is told in words more often than a birth is.
    let past = || date.month && tokens[at.saturating_sub(4)..at].iter().any(|token| token.cues(PAST));
    // "(1989)", "(Feb 1989)" behind a name
    let aside = || {
        date.whole_year
            && folded.bytes[..token.start].ends_with(b"(")
            && folded.bytes.get(tokens[date.end - 1].end) == Some(&b')')
    };
    (date.is_full() && !past() || aside()).then_some((at, date.end, "birth_date.old"))
}

/// "... (DOB)", "... is his date of birth", "... es su fecha de nacimiento".
fn cue_follows(folded: &Folded, tokens: &[Token], date: &Date) -> bool {
    let mut at = date.end;
    while let Some(token) = tokens.get(at) {
        if token.gap & !(SPACE | BRACKET | COMMA | HYPHEN) != 0 || at > date.end + 5 || token.kind != Kind::Word {
            return false;
        }
        if let Some(behind) = cue(folded, tokens, at) {
            // "... DOB 2/3/89": that is the date of the cue.
            let told = at > date.end || token.gap & (BRACKET | HYPHEN) != 0 || date.year.is_some();
            return told && token.len() > 1 && behind_cue(folded, tokens, behind).is_none();
        }
        if !token.cues(BIRTH_FILLER) {
            return false;
        }
        at += 1;
    }
    false
}

/// The date that starts at `at`. `announced`: a cue stands before it, so that less will do.
fn read(folded: &Folded, tokens: &[Token], at: usize, announced: bool) -> Option<Date> {
    let mut date = Date { end: at, ..Date::default() };
    let mut next = at;
    while let Some(token) = tokens.get(next).filter(|_| next - at < LONGEST) {
        let bytes = word(folded, token);
        if next > at && !goes_on(tokens, next, &date) {
            break;
        }
        match token.kind {
            Kind::Number => {
                if !figures(folded, tokens, next, announced, &mut date) {
                    break;
                }
            }
            Kind::Mixed => {
                let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
                match (digits, &bytes[digits..]) {
                    (1 | 2, b"st" | b"nd" | b"rd" | b"d" | b"th" | b"ro" | b"o" | b"er" | b"ero") if date.parts < 2 => {
                        date.add_part(next + 1);
                    }
                    // "2mil8"
                    (1, [b'm', b'i', b'l', rest @ ..]) if bytes[0] == b'2' && rest.len() <= 2 => {
                        date.add_year(2000 + value(rest), true, next + 1);
                        break;
                    }
                    // "03feb1989"
                    (1 | 2, rest) if next == at => {
                        let year = rest.iter().skip_while(|b| b.is_ascii_lowercase()).count();
                        if is_month(&rest[..rest.len() - year]) && matches!(year, 2 | 4) {
                            (date.parts, date.month) = (2, true);
                            let year = value(&rest[rest.len() - year..]);
                            date.add_year(if year < 100 { century(year) } else { year }, true, next + 1);
                        }
                        break;
                    }
                    _ => break,
                }
            }
            Kind::Word if token.cues(MONTH) && !date.month && date.parts < 2 || is_roman(token, bytes, &date) => {
                date.month = true;
                date.add_part(next + 1);
            }
            Kind::Word if is_numeral(token, bytes) && (announced || date.month || month_near(tokens, next)) => {
                let (end, year) = spoken(folded, tokens, next);
                date.spoken = true;
                if let Some(year) = year.filter(|_| date.parts > 0 || announced) {
                    // "oh two oh three eighty nine": a day and a month stand before the year.
                    date.parts = if end - next > 3 && !date.month { 2 } else { date.parts };
                    date.add_year(year, true, end);
                    break;
                }
                if date.parts == 2 {
                    break;
                }
                date.add_part(end);
                next = end;
                continue;
            }
            Kind::Word if token.cues(LINK) && (next > at || bytes == b"the") => {}
            _ => break,
        }
        if date.year.is_some() {
            break;
        }
        next += 1;
    }
    let told = date.year.is_some() || date.parts == 2 && (date.month || announced);
    (date.end > at && told).then_some(date)
}

/// A date may go on over the gap before `tokens[at]`.
fn goes_on(tokens: &[Token], at: usize, date: &Date) -> bool {
    let (before, token) = (&tokens[at - 1], &tokens[at]);
    let gap = token.gap;
    if gap & (LINE | COLON | MONEY | OTHER | PLUS | BRACKET) != 0 {
        return false;
    }
    // "Feb. 3" but not "... in March. 12 agents"
    let stopped = gap & STOP != 0 && gap & SPACE != 0 && !(before.cues(MONTH) && before.len() <= 4);
    let comma = gap & COMMA != 0 && !(token.kind == Kind::Number && token.len() > 1 || token.cues(LINK) || date.spoken);
    !stopped && !comma
}

/// Puts the figures at `at` into the date: whether they fit.
fn figures(folded: &Folded, tokens: &[Token], at: usize, announced: bool, date: &mut Date) -> bool {
    let (token, first) = (&tokens[at], date.end == at && date.parts == 0);
    let bytes = word(folded, token);
    let gap = token.gap & !SPACE;
    match bytes.len() {
        4 => {
            let year = value(bytes);
            if !(OLDEST..2030).contains(&year) {
                return false;
            }
            date.add_year(year, true, at + 1);
            // "1989-02-03"
            let behind = |n: usize| tokens.get(at + n).filter(|t| t.kind == Kind::Number && t.len() <= 2);
            if let (true, Some(month), Some(day)) = (first, behind(1), behind(2))
                && month.gap & (SLASH | HYPHEN | STOP) != 0
                && month.gap == day.gap
                && is_day_month(value(word(folded, month)), value(word(folded, day)))
            {
                (date.parts, date.end) = (2, at + 3);
            }
            true
        }
        // "03021989", "19890203", "020389"
        8 | 6 if first => {
            let pair = |n: usize| value(&bytes[n..n + 2]);
            let turned = bytes.len() == 8 && (OLDEST..2030).contains(&value(&bytes[..4]));
            let (a, b, year) = match bytes.len() {
                8 if turned => (pair(4), pair(6), value(&bytes[..4])),
                8 => (pair(0), pair(2), value(&bytes[4..])),
                _ => (pair(0), pair(2), century(pair(4))),
            };
            let fits = announced && is_day_month(a, b) && (OLDEST..2030).contains(&year);
            if fits {
                date.parts = 2;
                date.add_year(year, true, at + 1);
            }
            fits
        }
        1 | 2 => {
            let value = value(bytes);
            if gap & QUOTE == 0 && date.parts < 2 && (1..=31).contains(&value) {
                if date.parts == 1 && !date.month {
                    date.sign = Some(gap);
                }
                date.add_part(at + 1);
                return true;
            }
            let kept = date.month || date.sign.is_none_or(|sign| sign == gap) || tokens[at - 1].cues(LINK);
            let alone = date.parts == 0 && !announced && gap & QUOTE == 0;
            // "born 34 weeks ago", "DOB 89"
            let told = date.parts > 0 || gap & QUOTE != 0 || value > 31 || value == 0;
            if bytes.len() == 2 && kept && told && !alone {
                date.add_year(century(value), gap & QUOTE != 0, at + 1);
                return true;
            }
            false
        }
        _ => false,
    }
}

/// 3-III-1995
fn is_roman(token: &Token, bytes: &[u8], date: &Date) -> bool {
    const MONTHS: [&[u8]; 12] = [b"i", b"ii", b"iii", b"iv", b"v", b"vi", b"vii", b"viii", b"ix", b"x", b"xi", b"xii"];
    date.parts == 1 && !date.month && token.gap & (SLASH | HYPHEN | STOP) != 0 && MONTHS.contains(&bytes)
}

fn is_month(word: &[u8]) -> bool {
    const MONTHS: [&[u8]; 17] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"sept", b"oct", b"nov", b"dec",
        b"ene", b"abr", b"ago", b"dic",
    ];
    MONTHS.contains(&word)
}

/// A number in words, save the article.
fn is_numeral(token: &Token, bytes: &[u8]) -> bool {
    (token.is(NUMBER) || token.cues(ORDINAL)) && bytes != b"un" && bytes != b"una"
}

fn is_day_month(a: u32, b: u32) -> bool {
    (1..=31).contains(&a) && (1..=31).contains(&b) && a.min(b) <= 12
}

/// The year that two figures stand for in a birth date.
fn century(short: u32) -> u32 {
    if short <= 25 { 2000 + short } else { 1900 + short }
}

/// The value of a few digits.
fn value(digits: &[u8]) -> u32 {
    digits.iter().filter(|b| b.is_ascii_digit()).fold(0, |n, b| n * 10 + u32::from(b - b'0'))
}

/// A month stands near behind number words: "quince de junio".
fn month_near(tokens: &[Token], at: usize) -> bool {
    tokens[at + 1..].iter().take(4).take_while(|t| t.kind == Kind::Word).any(|t| t.cues(MONTH))
}

/// Where the number in words that starts at `at` ends, and the year if it is one: "nineteen eighty-nine", "mil novecientos
/// noventa y uno", "del ochenta y nueve", "dos mil cuatro".
fn spoken(folded: &Folded, tokens: &[Token], at: usize) -> (usize, Option<u32>) {
    let mut end = at;
    let mut next = at;
    let mut value = 0;
    let mut year = None;
    while let Some(token) = tokens.get(next) {
        let numeral = token.kind == Kind::Word && is_numeral(token, word(folded, token));
        if next > at && token.gap & !(SPACE | HYPHEN) != 0 {
            break;
        }
        if !numeral {
            let joins = token.is(JOINER) && next > at && matches!(word(folded, token), b"y" | b"and");
            if joins && tokens.get(next + 1).is_some_and(|t| t.is(NUMBER) && t.gap == SPACE) {
                next += 1;
                continue;
            }
            break;
        }
        let word = word(folded, token);
        let amount = amount(word);
        // A day is over where the year begins: "third | eighty nine", "three | nineteen ninety".
        if matches!(word, b"mil" | b"thousand") {
            value = if value == 2 || word == b"thousand" { 2000 } else { 1000 };
            year = Some(value);
        } else if word == b"novecientos" || word == b"hundred" {
            value = 1900;
            year = Some(value);
        } else if amount >= 20 && amount.is_multiple_of(10) && value < 1900 && value != 1000 {
            // "nineteen | eighty", "eighty"
            value = if value == 19 {
                1900 + amount
            } else if value == 20 {
                2000 + amount
            } else {
                amount
            };
            if value >= 40 {
                year = Some(if value < 100 { 1900 + value } else { value });
            }
        } else {
            value = if value >= 1900 && value % 10 == 0 || value >= 20 && value % 10 == 0 && amount < 10 {
                value + amount
            } else {
                amount
            };
            if let Some(year) = &mut year {
                *year = if value < 100 { 1900 + value } else { value };
            }
        }
        next += 1;
        end = next;
        let ordinal = token.cues(ORDINAL) && year.is_none();
        if ordinal {
            break;
        }
    }
    (end, year.filter(|year| (OLDEST..2030).contains(year)))
}

/// What a word counts, so far as days and years need it.
fn amount(word: &[u8]) -> u32 {
    const WORDS: [(&str, u32); 76] = [
        ("zero", 0),
        ("oh", 0),
        ("o", 0),
        ("cero", 0),
        ("one", 1),
        ("uno", 1),
        ("un", 1),
        ("first", 1),
        ("primero", 1),
        ("two", 2),
        ("dos", 2),
        ("three", 3),
        ("tres", 3),
        ("four", 4),
        ("cuatro", 4),
        ("five", 5),
        ("cinco", 5),
        ("six", 6),
        ("seis", 6),
        ("seven", 7),
        ("siete", 7),
        ("eight", 8),
        ("ocho", 8),
        ("nine", 9),
        ("nueve", 9),
        ("ten", 10),
        ("diez", 10),
        ("eleven", 11),
        ("once", 11),
        ("twelve", 12),
        ("doce", 12),
        ("thirteen", 13),
        ("trece", 13),
        ("fourteen", 14),
        ("catorce", 14),
        ("fifteen", 15),
        ("quince", 15),
        ("sixteen", 16),
        ("dieciseis", 16),
        ("seventeen", 17),
        ("diecisiete", 17),
        ("eighteen", 18),
        ("dieciocho", 18),
        ("nineteen", 19),
        ("diecinueve", 19),
        ("twenty", 20),
        ("veinte", 20),
        ("thirty", 30),
        ("treinta", 30),
        ("forty", 40),
        ("fourty", 40),
        ("cuarenta", 40),
        ("fifty", 50),
        ("cincuenta", 50),
        ("sixty", 60),
        ("sesenta", 60),
        ("seventy", 70),
        ("setenta", 70),
        ("eighty", 80),
        ("ochenta", 80),
        ("ninety", 90),
        ("noventa", 90),
        ("second", 2),
        ("third", 3),
        ("veintiuno", 21),
        ("veintidos", 22),
        ("veintitres", 23),
        ("veinticuatro", 24),
        ("veinticinco", 25),
        ("veintiseis", 26),
        ("veintisiete", 27),
        ("veintiocho", 28),
        ("veintinueve", 29),
        ("twentieth", 20),
        ("thirtieth", 30),
        ("fifth", 5),
    ];
    WORDS.iter().find(|(known, _)| known.as_bytes() == word).map_or(10, |&(_, amount)| amount)
}
