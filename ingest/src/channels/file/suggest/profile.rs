//! What the cells of one column look like: counts, and the few short words that may be codes.
//!
//! What always holds: memory is bounded, whatever the cells hold: hashes of the sampled cells, and, for each way of cutting
//! them, at most [`MOST_WORDS`] different words of at most [`LONGEST_WORD`] bytes. A cell that is no short word is counted, not kept.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use chrono::DateTime;
use chrono_tz::Tz;
use regex::Regex;
use schemas::clock::{Instant, parse_rfc3339};
use schemas::geography;
use schemas::time::{DateOrder, Precision};

use super::words::{self, NO, YES};
use crate::normalize::place::{self, PlaceQuery};
use crate::normalize::text::parse_count;
use crate::normalize::when::{self, WhenContext};
use crate::redact::Redactor;

pub(super) const MOST_WORDS: usize = 400;
pub(super) const LONGEST_WORD: usize = 60;
/// Longer cells are running text.
const LONG: usize = 80;
/// No date, place or name is looked for in what is longer.
const LONGEST_LOOKED_AT: usize = 120;

/// The different words of a column, each with the number of its rows; none once there are too many to be codes.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    words: BTreeMap<String, u32>,
    over: bool,
    all: u32,
    /// Rows whose cell is too long for a word of a code.
    too_long: u32,
}

impl Words {
    fn add(&mut self, word: &str) {
        let word = word.trim();
        if word.is_empty() || self.over {
            return;
        }
        self.all += 1;
        if let Some(rows) = self.words.get_mut(word) {
            *rows += 1;
            return;
        }
        if word.len() > LONGEST_WORD {
            self.too_long += 1;
            return;
        }
        if self.words.len() == MOST_WORDS {
            self.over = true;
            self.words.clear();
            return;
        }
        self.words.insert(word.to_owned(), 1);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.words.iter().map(|(word, rows)| (word.as_str(), *rows))
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    pub(super) const fn too_long(&self) -> u32 {
        self.too_long
    }

    /// Whether there were too many to be codes, or most were too long.
    pub(super) const fn are_over(&self) -> bool {
        self.over || self.too_long > self.all / 2
    }
}

/// What separates the words of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    Semicolon,
    Comma,
    Bar,
    Line,
}

impl Separator {
    pub(super) const ALL: [Self; 4] = [Self::Semicolon, Self::Comma, Self::Bar, Self::Line];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Semicolon => ";",
            Self::Comma => ",",
            Self::Bar => "|",
            Self::Line => "\n",
        }
    }
}

/// One column.
#[derive(Debug, Default)]
pub(super) struct Profile {
    pub(super) filled: u32,
    pub(super) longest: usize,
    characters: u64,
    spaces: u64,
    long: u32,
    /// Hashes of the cells: how many different ones.
    different: HashSet<u64>,
    /// A cell that only fills the cell ("n/a").
    pub(super) nothing: u32,
    /// As the import reads an instant, the month first, and the day first.
    pub(super) instants: u32,
    pub(super) instants_day_first: u32,
    /// Anything of a date, also in words and without a year.
    pub(super) dates: u32,
    pub(super) clocks: u32,
    pub(super) with_time: u32,
    pub(super) with_offset: u32,
    /// Of dates in numbers such as 3/4/2026: whose first, whose second number is more than 12, and how many there are.
    pub(super) first_over_12: u32,
    pub(super) second_over_12: u32,
    pub(super) in_numbers: u32,
    /// Dates that begin with their year.
    pub(super) year_first: u32,
    phones: u32,
    bare_phones: u32,
    exchanges: HashSet<u64>,
    emails: u32,
    links: u32,
    names: u32,
    streets: u32,
    whole_numbers: u32,
    counts: u32,
    pub(super) yes_or_no: u32,
    pub(super) states: u32,
    pub(super) counties: u32,
    pub(super) zips: u32,
    pub(super) latitudes: u32,
    pub(super) longitudes: u32,
    pub(super) pairs: u32,
    pub(super) languages: u32,
    pub(super) places: u32,
    pub(super) states_of_places: BTreeMap<&'static str, u32>,
    pub(super) ice_methods: u32,
    /// A value that is no text or number (a JSON object, or a list of such).
    pub(super) nested: u32,
    pub(super) cells: Words,
    /// The words of the cells, by what separates them.
    pub(super) pieces: [Words; Separator::ALL.len()],
    /// How many cells have the separator.
    pub(super) separated: [u32; Separator::ALL.len()],
}

struct Shapes {
    phone: Regex,
    bare_phone: Regex,
    email: Regex,
    link: Regex,
    street: Regex,
    clock: Regex,
    numbers: Regex,
    degrees: Regex,
    pair: Regex,
    zip: Regex,
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let regex = |pattern: &str| Regex::new(pattern).expect("a pattern that a test compiles");
    Shapes {
        phone: regex(
            r"^\s*(?:(?:\+|00)?\d{1,3}[ .-]*)?\(?[2-9]\d{2}\)?[ .-]+\d{3}[ .-]*\d{4}(?:\s*(?:x|ext)\.?\s*\d+)?\s*$|^\s*\d{3}[ .-]\d{4}\s*$|^\s*\+\d[\d ().-]{7,18}$|^\s*\(\d{3}\)\s*\d{3}[ .-]?\d{4}\s*$|^\s*\+?\d{2,3}(?:[ .-]\d{2,4}){3,4}\s*$",
        ),
        bare_phone: regex(r"^\s*1?([2-9]\d{2}[2-9]\d{2})\d{4}\s*$"),
        email: regex(r"(?i)^\s*(?:mailto:)?[^\s@]+@[^\s@]+\.[a-z]{2,}\s*$|^\s*@\w{2,}\s*$"),
        link: regex(r"(?i)^\s*(?:https?://|www\.)\S+\s*$"),
        street: regex(
            r"(?i)^\s*\d{1,6}[a-z]?\s+\S.*\b(?:st|street|ave|avenue|av|rd|road|blvd|boulevard|dr|drive|ln|lane|ct|way|hwy|highway|pl|calle|avenida|pkwy)\b|^\s*(?:calle|avenida|av\.?)\s+\S",
        ),
        clock: regex(
            r"(?i)^\s*(?:[01]?\d|2[0-4])(?:[:.h][0-5]\d(?::[0-5]\d)?\s*(?:[ap]\.?\s?m\.?|h|hrs?|horas)?|\s*[ap]\.?\s?m\.?|\s*(?:hrs?|horas))\s*$",
        ),
        numbers: regex(r"^\s*(\d{1,2})[/.-](\d{1,2})[/.-](?:\d{4}|\d{2})(?:\D|$)"),
        degrees: regex(r"^\s*-?\d{1,3}\.\d{2,}\s*$"),
        pair: regex(r"^\s*\(?-?\d{1,2}\.\d+\s*[,; ]\s*-?\d{1,3}\.\d+"),
        zip: regex(r"^\s*\d{5}(?:-\d{4})?\s*$"),
    }
});

/// What a word relative to the report is read against, so that it is read at all.
const LATE: Option<Instant> = DateTime::from_timestamp(4_000_000_000, 0);

fn when_of(text: &str, reported_at: Option<Instant>, order: DateOrder) -> Option<when::When> {
    let context = WhenContext { reported_at, zone: Tz::UTC, language: None, date_order: Some(order) };
    when::parse(text, &context).ok().filter(|when| when.date.is_some())
}

impl Profile {
    /// Counts one more cell.
    pub(super) fn add(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        self.filled += 1;
        self.longest = self.longest.max(cell.len());
        self.characters += cell.len() as u64;
        self.spaces += cell.split_whitespace().count() as u64;
        let mut hasher = DefaultHasher::new();
        cell.hash(&mut hasher);
        self.different.insert(hasher.finish());
        self.add_words(cell);
        if cell.len() > LONG {
            self.long += 1;
        }
        if cell.len() <= LONGEST_LOOKED_AT {
            self.look_at(cell);
        }
    }

    /// Counts the words of one more cell, and nothing else of it.
    pub(super) fn add_words(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        self.cells.add(cell);
        for (i, separator) in Separator::ALL.into_iter().enumerate() {
            self.separated[i] += u32::from(cell.contains(separator.as_str()));
            for piece in cell.split(separator.as_str()) {
                self.pieces[i].add(piece);
            }
        }
    }

    pub(super) fn add_nested(&mut self) {
        self.filled += 1;
        self.nested += 1;
    }

    fn look_at(&mut self, cell: &str) {
        let shapes = &*SHAPES;
        let folded = words::fold(cell);
        let nothing = words::says_nothing(&folded);
        let count = |counter: &mut u32, holds: bool| *counter += u32::from(holds);
        count(&mut self.nothing, nothing);
        if nothing {
            return;
        }
        let bare = shapes.bare_phone.captures(cell).and_then(|found| found.get(1)?.as_str().parse().ok());
        let phone = shapes.phone.is_match(cell);
        count(&mut self.phones, phone);
        if let Some(exchange) = bare {
            self.bare_phones += 1;
            self.exchanges.insert(exchange);
        }
        count(&mut self.emails, shapes.email.is_match(cell));
        count(&mut self.links, shapes.link.is_match(cell));
        let whole: Option<u64> = cell.parse().ok();
        count(&mut self.whole_numbers, whole.is_some());
        count(&mut self.counts, whole.map_or_else(|| parse_count(cell).is_some(), |n| n <= 500));
        count(&mut self.yes_or_no, YES.contains(&folded.as_str()) || NO.contains(&folded.as_str()));
        count(&mut self.states, geography::state(cell).is_some());
        let padded = format!("{cell:0>5}");
        let digits = cell.bytes().all(|b| b.is_ascii_digit());
        count(&mut self.counties, digits && cell.len() >= 4 && geography::county(&padded).is_some());
        count(&mut self.zips, shapes.zip.is_match(cell));
        if shapes.degrees.is_match(cell)
            && let Ok(degrees) = cell.parse::<f64>()
        {
            count(&mut self.latitudes, degrees.abs() <= 90.0);
            count(&mut self.longitudes, degrees.abs() <= 180.0);
        }
        count(&mut self.pairs, shapes.pair.is_match(cell));
        count(&mut self.languages, language(&folded).is_some());
        count(&mut self.ice_methods, schemas::taxonomy::ice_method(cell).is_some());
        let clock = shapes.clock.is_match(cell);
        count(&mut self.clocks, clock);
        let number = whole.is_some() && cell.len() != 8;
        let dated = !clock && !number && !phone && self.date(cell);
        let named = !dated && whole.is_none() && Redactor::builtin().is_name(cell);
        count(&mut self.names, named);
        count(&mut self.streets, shapes.street.is_match(cell));
        if !dated && !clock && (whole.is_none() || shapes.zip.is_match(cell)) {
            let found = place::resolve(&PlaceQuery { text: cell, state: None, lat_lon: None });
            count(&mut self.places, found.county.is_some());
            if let Some(state) = found.state {
                *self.states_of_places.entry(state.code).or_insert(0) += 1;
            }
        }
    }

    /// Whether the cell is a date; counts what kind.
    fn date(&mut self, cell: &str) -> bool {
        let found = when_of(cell, LATE, DateOrder::Mdy).or_else(|| when_of(cell, LATE, DateOrder::Dmy));
        let Some(found) = found else { return false };
        // A date among many other words ("they came on Monday") is a text with a date in it.
        if found.span.1 - found.span.0 < cell.len() / 3 {
            return false;
        }
        self.dates += 1;
        self.with_time += u32::from(found.time.is_some());
        let instant = |order| {
            when_of(cell, None, order)
                .is_some_and(|w| matches!(w.precision, Precision::Minute | Precision::Hour | Precision::Day))
        };
        if parse_rfc3339(cell).is_some() {
            self.with_offset += 1;
            self.instants += 1;
            self.instants_day_first += 1;
        } else {
            self.instants += u32::from(instant(DateOrder::Mdy));
            self.instants_day_first += u32::from(instant(DateOrder::Dmy));
        }
        let digits = cell.bytes().take_while(u8::is_ascii_digit).count();
        self.year_first += u32::from(digits == 4 || digits == 8);
        if let Some(numbers) = SHAPES.numbers.captures(cell) {
            let part = |i| numbers.get(i).and_then(|m| m.as_str().parse::<u32>().ok()).unwrap_or(0);
            self.in_numbers += 1;
            self.first_over_12 += u32::from(part(1) > 12);
            self.second_over_12 += u32::from(part(2) > 12);
        }
        true
    }

    /// The part of the cells that hold something of which `counted` are.
    pub(super) fn share(&self, counted: u32) -> f64 {
        let said = self.filled.saturating_sub(self.nothing);
        if said == 0 { 0.0 } else { f64::from(counted) / f64::from(said) }
    }

    pub(super) fn is_unique(&self) -> bool {
        self.different.len() as u64 == u64::from(self.filled)
    }

    pub(super) fn different(&self) -> usize {
        self.different.len()
    }

    /// Running text: long cells, or many words in most.
    pub(super) fn is_text(&self) -> bool {
        self.filled > 0
            && (self.share(self.long) >= 0.3
                || (self.spaces >= 6 * u64::from(self.filled) && self.characters >= 35 * u64::from(self.filled)))
    }

    pub(super) fn mean_length(&self) -> u64 {
        self.characters.checked_div(u64::from(self.filled)).unwrap_or(0)
    }

    pub(super) fn are_phones(&self) -> bool {
        // Ten digits may be an id that begins with a year and month: then the first six are few.
        let many = self.exchanges.len() as u64 * 4 >= u64::from(self.bare_phones);
        self.share(self.phones) >= 0.4 || (many && self.share(self.phones + self.bare_phones) >= 0.6)
    }

    pub(super) fn are_emails(&self) -> bool {
        self.share(self.emails) >= 0.4
    }

    pub(super) fn are_links(&self) -> bool {
        self.share(self.links) >= 0.4
    }

    pub(super) fn are_names(&self) -> bool {
        self.share(self.names) >= 0.4
    }

    /// Whether any cell looks like what must not stand in a header.
    pub(super) fn is_data(&self) -> bool {
        let person = self.phones + self.bare_phones + self.emails + self.streets > 0;
        person || self.whole_numbers > 0 || self.latitudes > 0 || self.instants.max(self.instants_day_first) > 0
    }

    pub(super) fn count_share(&self) -> f64 {
        self.share(self.counts)
    }

    pub(super) fn whole_share(&self) -> f64 {
        self.share(self.whole_numbers)
    }
}

/// The language that a word names.
pub(super) fn language(folded: &str) -> Option<&'static str> {
    match folded {
        "en" | "eng" | "english" | "ingles" | "e" => Some("en"),
        "es" | "esp" | "spa" | "spanish" | "espanol" | "castellano" | "s" => Some("es"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[&str]) -> Profile {
        let mut profile = Profile::default();
        for cell in cells {
            profile.add(cell);
        }
        profile
    }

    #[test]
    fn values_are_told_apart() {
        let calls = of(&["9/14/2026 7:40 AM", "9/2/2026 9:05 AM", "n/a", ""]);
        assert_eq!((calls.filled, calls.nothing, calls.dates, calls.instants, calls.with_time), (3, 1, 2, 2, 2));
        assert_eq!((calls.first_over_12, calls.second_over_12, calls.clocks), (0, 1, 0));
        let day_first = of(&["14/09/2026", "02/09/2026"]);
        assert_eq!((day_first.first_over_12, day_first.instants, day_first.instants_day_first), (1, 1, 2));
        assert_eq!(of(&["7:40 AM", "13:05", "8 pm"]).clocks, 3);
        assert_eq!(of(&["7:40 AM", "13:05", "8 pm"]).dates, 0);
        assert!(of(&["509-555-0147", "(206) 555-0162", "+1 206 555 0162"]).are_phones());
        assert!(of(&["2065550162", "5095550147"]).are_phones());
        let ids = of(&["2026-0914-01", "2026-0914-02", "2026-0915-01"]);
        assert!(!ids.are_phones() && ids.is_unique() && !ids.are_names());
        assert!(of(&["Ramiro Estrella", "Marisol Quintana", "Guadalupe Rentería"]).are_names());
        assert!(!of(&["Yakima, WA", "Kent", "Wenatchee"]).are_names());
        assert_eq!(of(&["Yakima, WA", "98902", "King County Courthouse"]).places, 3);
        assert_eq!(of(&["WA", "Oregon", "nuevo méxico"]).states, 3);
        assert_eq!(of(&["53033", "6001"]).counties, 2);
        let counts = of(&["4", "at least 2", "2 to 3", "5+"]);
        assert_eq!((counts.counts, counts.dates), (4, 0));
        assert!(
            of(&["Four men without uniforms knocked and said police, and then they took my neighbor away."]).is_text()
        );
        assert_eq!(of(&["Yes", "no", "SÍ"]).yes_or_no, 3);
        assert!(of(&["Name", "14/09/2026"]).is_data() && !of(&["Date of call", "# agents"]).is_data());
    }

    #[test]
    fn what_is_kept_of_a_column_is_bounded() {
        let mut profile = Profile::default();
        for i in 0..10_000 {
            profile.add(&format!("word {i}"));
        }
        assert!(profile.cells.are_over() && profile.cells.len() == 0);
        assert_eq!(profile.different(), 10_000);
    }
}
