//! The words of dates and times: read once from the data files, then looked up without allocating.
//!
//! What always holds: a word is folded (lower case, no accents, no apostrophes) both here and in the text, so that
//! `MIÉRCOLES` and `miercoles` are one; a file that does not parse, names an unknown heading, or gives one word two
//! meanings of the same kind is an error with file and line, and then nothing is read with half the words.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use chrono::{Days, NaiveDate, Weekday};
use serde::Deserialize;

use super::scan::{self, Atom, Kind};

/// A data file that cannot be used. The files are ours, so the message may quote them.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct WordsError {
    pub file: &'static str,
    pub line: usize,
    pub message: String,
}

/// A part of the day. `starts` tells when it can first be spoken of as past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    EarlyMorning,
    Morning,
    Afternoon,
    Evening,
    Night,
}

impl Part {
    /// The hour before which nobody would call it that: a report made earlier speaks of what is still to come.
    pub const fn starts(self) -> u32 {
        match self {
            Self::EarlyMorning | Self::Morning => 0,
            Self::Afternoon => 11,
            Self::Evening => 16,
            Self::Night => 17,
        }
    }
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Night,
    Week,
    Weekend,
    Fortnight,
    Month,
    Year,
}

/// A set of the marks and cues of the data files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u64);

macro_rules! marks {
    ($($section:literal { $($name:ident = $key:literal),* $(,)? })*) => {
        marks!(@consts 0u32; $($($name)*)*);
        /// Heading, key and bit of each mark.
        const MARKS: &[(&str, &str, Marks)] = &[$($(($section, $key, Marks::$name)),*),*];
    };
    (@consts $n:expr; $name:ident $($rest:ident)*) => {
        impl Marks { pub const $name: Marks = Marks(1 << $n); }
        marks!(@consts $n + 1; $($rest)*);
    };
    (@consts $n:expr;) => {};
}

marks! {
    "marks" {
        AGO = "ago", HACE = "hace", LAST = "last", BEFORE_LAST = "before_last", THIS = "this", NEXT = "next",
        SINCE = "since", UNTIL = "until", AT = "at", HEDGE = "hedge", FILL = "fill", AND = "and", RANGE = "range",
        HALF = "half", QUARTER = "quarter", CLOCK_PAST = "clock_past", CLOCK_TO = "clock_to", OCLOCK = "oclock",
        AM = "am", PM = "pm", NOON = "noon", MIDNIGHT = "midnight", NOW = "now", ONGOING = "ongoing",
        MOMENTS_AGO = "moments_ago", HOURS_AGO = "hours_ago", VAGUE_TODAY = "vague_today", VAGUE = "vague",
        NOT = "not", CORRECTION = "correction", EARLY = "early", MID = "mid", LATE = "late", EVERY = "every",
        YEAR_ONLY = "year_only", THE = "the", OF = "of", MINUS = "minus", HEDGE_OF_HOURS = "hedge_of_hours", AHEAD = "ahead",
    }
    "cues" {
        LABEL = "label", HAPPENED = "happened", REPORT = "report", BIRTH = "birth", APPOINTMENT = "appointment",
        FUTURE = "future", HISTORY = "history", OPENING = "opening", STREET_BEFORE = "street_before",
        STREET_AFTER = "street_after", COUNT_NOUN = "count_noun", NOT_A_TIME = "not_a_time",
        PERSON_BEFORE = "person_before", ALSO_A_NAME = "also_a_name", ALSO_A_WORD = "also_a_word",
        AFTER_HOUR = "after_hour", THAT = "that", BEHIND = "behind", TAKES_PEOPLE = "takes_people",
    }
}

impl Marks {
    pub const fn has(self, any_of: Self) -> bool {
        self.0 & any_of.0 != 0
    }

    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What makes a running text worth a second look, beside the words with a value of their own.
    const ANCHORS: Self = Self::HACE
        .or(Self::AGO)
        .or(Self::NOON)
        .or(Self::MIDNIGHT)
        .or(Self::MOMENTS_AGO)
        .or(Self::HOURS_AGO)
        .or(Self::VAGUE_TODAY)
        .or(Self::AT)
        .or(Self::LABEL)
        .or(Self::HALF)
        .or(Self::QUARTER);
}

/// All that a word, or a phrase taken as one, can mean for dates and times. Several at once: `mar` is a month and a
/// weekday, `mañana` tomorrow and the morning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Word {
    pub marks: Marks,
    /// Days from the day of the report.
    pub day: Option<i8>,
    /// The night that began so many days from the day of the report.
    pub night: Option<i8>,
    pub weekday: Option<Weekday>,
    /// 1 to 12.
    pub month: Option<u8>,
    pub part: Option<Part>,
    pub unit: Option<Unit>,
    pub number: Option<u8>,
    pub ordinal: Option<u8>,
    /// Place in the list of holidays.
    pub holiday: Option<u8>,
    /// Whether some phrase begins with it.
    begins_phrase: bool,
    /// Whether one of them belongs to a date or time, though none of its words does by itself: "labor day".
    begins_anchor: bool,
}

impl Word {
    pub const fn has(&self, any_of: Marks) -> bool {
        self.marks.has(any_of)
    }

    /// Whether it can belong to a date or time in a running text.
    pub const fn is_anchor(&self) -> bool {
        self.marks.has(Marks::ANCHORS)
            || self.begins_anchor
            || self.day.is_some()
            || self.night.is_some()
            || self.weekday.is_some()
            || self.month.is_some()
            || self.part.is_some()
            || self.holiday.is_some()
            || matches!(self.unit, Some(Unit::Week | Unit::Weekend | Unit::Month))
    }

    /// Whether it names a day by itself.
    pub const fn names_day(&self) -> bool {
        self.day.is_some() || self.night.is_some() || self.weekday.is_some() || self.month.is_some()
    }
}

/// Which day of a year a holiday is.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Fixed { month: u32, day: u32 },
    Nth { month: u32, weekday: Weekday, nth: i8 },
    Easter(i64),
}

/// The longest word that is looked up, in folded bytes. No word of the files is longer (checked).
const LONGEST: usize = 24;

/// Fowler-Noll-Vo: short keys from our own files, nothing to defend against.
#[derive(Default)]
pub struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        let mut hash = if self.0 == 0 { 0xcbf2_9ce4_8422_2325 } else { self.0 };
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.0 = hash;
    }
}

type Table<K, V> = HashMap<K, V, BuildHasherDefault<Fnv>>;

/// A folded word and its id.
type FoldedWord = (Box<[u8]>, u32);

/// A phrase of several atoms, and what it means as a whole.
#[derive(Debug)]
struct Phrase {
    keys: Box<[u32]>,
    /// The second atom touches the first: `2day`, not `2 day`.
    glued: bool,
    word: Word,
}

/// The words of both languages.
#[derive(Debug, Default)]
pub struct Words {
    ids: Table<Box<[u8]>, u32>,
    /// By id; id 0 stands for every word that is not in the files.
    words: Vec<Word>,
    /// By the key of their first atom, longest first.
    phrases: Table<u32, Vec<Phrase>>,
    /// Words long enough to be recognised with one slip, by first letter: folded word and id.
    forgiving: Table<u8, Vec<FoldedWord>>,
    holidays: Vec<Rule>,
    holiday_names: Vec<String>,
}

type Sections = BTreeMap<toml::Spanned<String>, BTreeMap<toml::Spanned<String>, Vec<toml::Spanned<String>>>>;

#[derive(Deserialize)]
struct HolidayFile {
    holiday: Vec<toml::Spanned<HolidayEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HolidayEntry {
    name: String,
    fixed: Option<String>,
    month: Option<u32>,
    weekday: Option<String>,
    nth: Option<i8>,
    easter: Option<i64>,
}

impl Words {
    /// The words that ship with the program.
    ///
    /// # Errors
    /// When a data file cannot be used: file, line and why.
    pub fn shipped() -> Result<Self, WordsError> {
        let mut words = Self::empty();
        words.read_holidays("holidays.toml", include_str!("data/holidays.toml"))?;
        words.read("en.toml", include_str!("data/en.toml"))?;
        words.read("es.toml", include_str!("data/es.toml"))?;
        Ok(words.finish())
    }

    fn empty() -> Self {
        Self { words: vec![Word::default()], ..Self::default() }
    }

    fn finish(mut self) -> Self {
        for phrases in self.phrases.values_mut() {
            phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.keys.len()));
            for phrase in phrases {
                let word = |key: &u32| scan::is_word_key(*key).then_some(*key as usize);
                let seen = phrase.keys.iter().filter_map(word).any(|id| self.words[id].is_anchor());
                if let Some(first) = phrase.keys.first().and_then(word)
                    && !seen
                    && (phrase.word.is_anchor() || phrase.word.has(Marks::ONGOING))
                {
                    self.words[first].begins_anchor = true;
                }
            }
        }
        self
    }

    /// Adds the words of one file.
    fn read(&mut self, file: &'static str, text: &str) -> Result<(), WordsError> {
        let sections: Sections = toml::from_str(text).map_err(|error| toml_error(file, text, &error))?;
        for (section, keys) in &sections {
            for (key, entries) in keys {
                let at = |offset: usize, message: String| WordsError { file, line: line_of(text, offset), message };
                let meaning = self.meaning(section.get_ref(), key.get_ref()).ok_or_else(|| {
                    at(key.span().start, format!("no such heading: [{}] {}", section.get_ref(), key.get_ref()))
                })?;
                let forgiving = matches!(section.get_ref().as_str(), "days" | "weekdays" | "months" | "parts");
                for entry in entries {
                    self.add(entry.get_ref(), &meaning, forgiving)
                        .map_err(|why| at(entry.span().start, format!("`{}`: {why}", entry.get_ref())))?;
                }
            }
        }
        Ok(())
    }

    fn meaning(&self, section: &str, key: &str) -> Option<Word> {
        let mut word = Word::default();
        match section {
            "days" => word.day = Some(key.parse().ok()?),
            "nights" => word.night = Some(key.parse().ok()?),
            "weekdays" => word.weekday = Some(key.parse().ok()?),
            "months" => word.month = Some(u8::try_from(key.parse::<chrono::Month>().ok()?.number_from_month()).ok()?),
            "parts" => {
                word.part = Some(match key {
                    "early_morning" => Part::EarlyMorning,
                    "morning" => Part::Morning,
                    "afternoon" => Part::Afternoon,
                    "evening" => Part::Evening,
                    "night" => Part::Night,
                    _ => return None,
                });
            }
            "units" => {
                word.unit = Some(match key {
                    "second" => Unit::Second,
                    "minute" => Unit::Minute,
                    "hour" => Unit::Hour,
                    "day" => Unit::Day,
                    "night" => Unit::Night,
                    "week" => Unit::Week,
                    "weekend" => Unit::Weekend,
                    "fortnight" => Unit::Fortnight,
                    "month" => Unit::Month,
                    "year" => Unit::Year,
                    _ => return None,
                });
            }
            "numbers" => word.number = Some(key.parse().ok().filter(|n| *n < 60)?),
            "ordinals" => word.ordinal = Some(key.parse().ok().filter(|n| (1..=31).contains(n))?),
            "holidays" => {
                let place = self.holiday_names.iter().position(|name| name == key)?;
                word.holiday = Some(u8::try_from(place).ok()?);
            }
            _ => word.marks = MARKS.iter().find(|(s, k, _)| *s == section && *k == key)?.2,
        }
        Some(word)
    }

    fn add(&mut self, text: &str, meaning: &Word, forgiving: bool) -> Result<(), String> {
        let mut keys = Vec::new();
        let mut wrong = None;
        let mut glued = false;
        scan::tokens(text, |token| {
            glued |= keys.len() == 1 && !token.gap && token.kind == Kind::Word;
            let key = match token.kind {
                Kind::Word => {
                    let mut folded = [0; LONGEST];
                    match fold(&text[token.start..token.end], &mut folded) {
                        Some(folded) => self.id(folded),
                        None => {
                            wrong = Some(format!("a word has letters we do not know, or more than {LONGEST}"));
                            0
                        }
                    }
                }
                _ => token.key,
            };
            keys.push(key);
            true
        });
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        match keys.as_slice() {
            [] => Err("no word".into()),
            [id] if scan::is_word_key(*id) => {
                if forgiving {
                    self.make_forgiving(*id);
                }
                merge(&mut self.words[*id as usize], meaning)
            }
            [first, ..] => {
                if scan::is_word_key(*first) {
                    self.words[*first as usize].begins_phrase = true;
                }
                let phrases = self.phrases.entry(*first).or_default();
                match phrases.iter_mut().find(|phrase| *phrase.keys == *keys) {
                    Some(phrase) => merge(&mut phrase.word, meaning),
                    None => {
                        phrases.push(Phrase { keys: keys.into(), glued, word: *meaning });
                        Ok(())
                    }
                }
            }
        }
    }

    fn id(&mut self, folded: &[u8]) -> u32 {
        if let Some(id) = self.ids.get(folded) {
            return *id;
        }
        let id = u32::try_from(self.words.len()).expect("fewer words than u32 holds");
        self.words.push(Word::default());
        self.ids.insert(folded.into(), id);
        id
    }

    fn make_forgiving(&mut self, id: u32) {
        let Some(folded) = self.ids.iter().find(|(_, known)| **known == id).map(|(folded, _)| folded.clone()) else {
            return;
        };
        if folded.len() >= 5 {
            let bucket = self.forgiving.entry(folded[0]).or_default();
            if bucket.iter().all(|(_, known)| *known != id) {
                bucket.push((folded, id));
            }
        }
    }

    /// What a word of the text means, and its key; the word of no meaning with key 0 when it is not in the files.
    /// `slips`: a word of at least that many letters may differ by one slip from a day or a month.
    pub fn look_up(&self, text: &str, slips: usize) -> (Word, u32) {
        let mut buffer = [0; LONGEST];
        let Some(folded) = fold(text, &mut buffer) else { return (Word::default(), 0) };
        if let Some(id) = self.ids.get(folded) {
            return (self.words[*id as usize], *id);
        }
        if folded.len() >= slips
            && let Some(bucket) = self.forgiving.get(&folded[0])
            && let Some((_, id)) = bucket.iter().find(|(word, _)| word.len() >= slips && one_slip(word, folded))
        {
            return (self.words[*id as usize], *id);
        }
        (Word::default(), 0)
    }

    /// Puts each phrase of `atoms` together into one atom, longest first.
    pub fn join_phrases(&self, atoms: &mut Vec<Atom>) {
        let mut write = 0;
        let mut read = 0;
        while read < atoms.len() {
            let mut atom = atoms[read];
            let mut next = read + 1;
            if (atom.word.begins_phrase || !matches!(atom.kind, Kind::Word))
                && let Some(phrases) = self.phrases.get(&atom.key)
                && let Some(phrase) = phrases.iter().find(|phrase| {
                    atoms[read..].len() >= phrase.keys.len()
                        && !(phrase.glued && atoms[read + 1].gap)
                        && atoms[read..].iter().zip(&phrase.keys).all(|(atom, key)| atom.key == *key)
                })
            {
                next = read + phrase.keys.len();
                atom = Atom { end: atoms[next - 1].end, kind: Kind::Word, key: 0, word: phrase.word, ..atom };
            }
            atoms[write] = atom;
            write += 1;
            read = next;
        }
        atoms.truncate(write);
    }

    fn read_holidays(&mut self, file: &'static str, text: &str) -> Result<(), WordsError> {
        let parsed: HolidayFile = toml::from_str(text).map_err(|error| toml_error(file, text, &error))?;
        for entry in parsed.holiday {
            let line = line_of(text, entry.span().start);
            let entry = entry.into_inner();
            let rule = match &entry {
                HolidayEntry { fixed: Some(fixed), month: None, weekday: None, nth: None, easter: None, .. } => fixed
                    .split_once('-')
                    .and_then(|(month, day)| Some(Rule::Fixed { month: month.parse().ok()?, day: day.parse().ok()? })),
                HolidayEntry {
                    month: Some(month),
                    weekday: Some(weekday),
                    nth: Some(nth),
                    fixed: None,
                    easter: None,
                    ..
                } => weekday.parse().ok().map(|weekday| Rule::Nth { month: *month, weekday, nth: *nth }),
                HolidayEntry { easter: Some(days), fixed: None, month: None, weekday: None, nth: None, .. } => {
                    Some(Rule::Easter(*days))
                }
                _ => None,
            };
            // 2024 has every day that a holiday can be on.
            let rule = rule.filter(|rule| day_of(*rule, 2024).is_some()).ok_or_else(|| WordsError {
                file,
                line,
                message: format!("`{}`: not a day that every year has", entry.name),
            })?;
            self.holidays.push(rule);
            self.holiday_names.push(entry.name);
        }
        Ok(())
    }

    /// The day of a holiday in that year.
    pub fn holiday(&self, place: u8, year: i32) -> Option<NaiveDate> {
        day_of(*self.holidays.get(usize::from(place))?, year)
    }
}

fn day_of(rule: Rule, year: i32) -> Option<NaiveDate> {
    match rule {
        Rule::Fixed { month, day } => NaiveDate::from_ymd_opt(year, month, day),
        Rule::Nth { month, weekday, nth } if nth > 0 => {
            NaiveDate::from_weekday_of_month_opt(year, month, weekday, u8::try_from(nth).ok()?)
        }
        Rule::Nth { month, weekday, .. } => {
            let fifth = NaiveDate::from_weekday_of_month_opt(year, month, weekday, 5);
            fifth.or_else(|| NaiveDate::from_weekday_of_month_opt(year, month, weekday, 4))
        }
        Rule::Easter(days) => {
            let easter = easter(year)?;
            if days < 0 {
                easter.checked_sub_days(Days::new(days.unsigned_abs()))
            } else {
                easter.checked_add_days(Days::new(days.unsigned_abs()))
            }
        }
    }
}

/// Easter Sunday of the Gregorian calendar (the "anonymous" algorithm as in Meeus, Astronomical Algorithms, ch. 8).
fn easter(year: i32) -> Option<NaiveDate> {
    let a = year.rem_euclid(19);
    let (b, c) = (year.div_euclid(100), year.rem_euclid(100));
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

/// Adds `meaning` to what a word means already; an error when both give the same kind of value, and not the same.
fn merge(word: &mut Word, meaning: &Word) -> Result<(), String> {
    fn slot<T: Copy + PartialEq>(old: &mut Option<T>, new: Option<T>, kind: &str) -> Result<(), String> {
        match (*old, new) {
            (_, None) => Ok(()),
            (Some(a), Some(b)) if a != b => Err(format!("stands for two different {kind}")),
            _ => {
                *old = new;
                Ok(())
            }
        }
    }
    word.marks = word.marks.or(meaning.marks);
    slot(&mut word.day, meaning.day, "days")?;
    slot(&mut word.night, meaning.night, "nights")?;
    slot(&mut word.weekday, meaning.weekday, "weekdays")?;
    slot(&mut word.month, meaning.month, "months")?;
    slot(&mut word.part, meaning.part, "parts of the day")?;
    slot(&mut word.unit, meaning.unit, "units")?;
    slot(&mut word.number, meaning.number, "numbers")?;
    slot(&mut word.ordinal, meaning.ordinal, "ordinals")?;
    slot(&mut word.holiday, meaning.holiday, "holidays")
}

fn toml_error(file: &'static str, text: &str, error: &toml::de::Error) -> WordsError {
    let line = line_of(text, error.span().map_or(0, |span| span.start));
    WordsError { file, line, message: error.message().to_owned() }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Lower case, without accents and apostrophes. `None` when that is empty, longer than the buffer, or has letters that
/// no word of the files has.
fn fold<'b>(text: &str, buffer: &'b mut [u8; LONGEST]) -> Option<&'b [u8]> {
    let mut length = 0;
    let mut put = |byte: u8| {
        *buffer.get_mut(length)? = byte;
        length += 1;
        Some(())
    };
    for character in text.chars() {
        match character {
            'a'..='z' | '0'..='9' => put(character as u8)?,
            'A'..='Z' => put(character.to_ascii_lowercase() as u8)?,
            '\'' | '’' | '`' | '´' | '\u{300}'..='\u{36f}' => {}
            'á' | 'à' | 'ä' | 'â' | 'ã' | 'Á' | 'À' | 'Ä' | 'Â' | 'Ã' => put(b'a')?,
            'é' | 'è' | 'ë' | 'ê' | 'É' | 'È' | 'Ë' | 'Ê' => put(b'e')?,
            'í' | 'ì' | 'ï' | 'î' | 'Í' | 'Ì' | 'Ï' | 'Î' => put(b'i')?,
            'ó' | 'ò' | 'ö' | 'ô' | 'õ' | 'Ó' | 'Ò' | 'Ö' | 'Ô' | 'Õ' => put(b'o')?,
            'ú' | 'ù' | 'ü' | 'û' | 'Ú' | 'Ù' | 'Ü' | 'Û' => put(b'u')?,
            'ñ' | 'Ñ' => put(b'n')?,
            'ç' | 'Ç' => put(b'c')?,
            _ => return None,
        }
    }
    (length > 0).then(|| &buffer[..length])
}

/// Whether the two differ by one letter that is wrong, missing, too many, or swapped with its neighbour. The first
/// letter must be right.
fn one_slip(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    if same == 0 {
        return false;
    }
    if short.len() < long.len() {
        return short[same..] == long[same + 1..];
    }
    let (x, y) = (&short[same..], &long[same..]);
    match (x, y) {
        ([], []) => true,
        ([a1, a2, a_rest @ ..], [b1, b2, b_rest @ ..]) if a1 == b2 && a2 == b1 && a_rest == b_rest => true,
        ([_, a_rest @ ..], [_, b_rest @ ..]) => a_rest == b_rest,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;

    use super::*;

    fn read(text: &str) -> Result<(), WordsError> {
        Words::empty().read("test.toml", text)
    }

    #[test]
    fn the_shipped_files_are_sound() {
        let words = Words::shipped().expect("the shipped words");
        assert_eq!(words.look_up("MIÉRCOLES", 99).0.weekday, Some(Weekday::Wed));
        assert_eq!(words.look_up("wednesdya", 7).0.weekday, Some(Weekday::Wed));
        assert_eq!(words.look_up("wednesdya", 99).1, 0);
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        let said = |text| read(text).expect_err("an error").to_string();
        assert!(said("[days]\n\"0\" = [\"today\"\n").starts_with("test.toml:"));
        assert!(
            said("[days]\n\"0\" = [\"x\"]\n\n[dayz]\n\"0\" = [\"x\"]\n").starts_with("test.toml:5: no such heading")
        );
        assert!(
            said("[months]\njuly = [\"jul\"]\nmay = [\n\"x\",\n\"jul\"]")
                .starts_with("test.toml:5: `jul`: stands for two")
        );
        assert!(said("[numbers]\n99 = [\"x\"]").starts_with("test.toml:2:"));
        assert!(said("[days]\n\"0\" = [\"день\"]").starts_with("test.toml:2:"));
        assert!(said("[days]\n\"0\" = [\"\"]").starts_with("test.toml:2:"));
        let mut words = Words::empty();
        let error = words.read_holidays("h.toml", "[[holiday]]\nname = \"x\"\nfixed = \"02-30\"").expect_err("no day");
        assert!(error.to_string().starts_with("h.toml:1: `x`"), "{error}");
    }

    #[test]
    fn easter_is_where_the_church_has_it() {
        for (year, month, day) in [(2000, 4, 23), (2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2038, 4, 25)] {
            assert_eq!(easter(year), NaiveDate::from_ymd_opt(year, month, day));
        }
        let words = Words::shipped().expect("the shipped words");
        let place = words.look_up("thanksgiving", 99).0.holiday.expect("a holiday");
        assert_eq!(words.holiday(place, 2025).map(|day| day.day()), Some(27));
    }

    #[test]
    fn one_slip_and_not_two() {
        for (word, typed) in
            [("tuesday", "tuesdya"), ("tuesday", "tusday"), ("tuesday", "tueesday"), ("tuesday", "tuezday")]
        {
            assert!(one_slip(word.as_bytes(), typed.as_bytes()), "{typed}");
        }
        for (word, typed) in [("tuesday", "uesday"), ("tuesday", "tuesdays_"), ("monday", "tuesday"), ("march", "mrhc")]
        {
            assert!(!one_slip(word.as_bytes(), typed.as_bytes()), "{typed}");
        }
    }
}
