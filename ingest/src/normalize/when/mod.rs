//! Dates and times as people write them, in English, Spanish and both at once: absolute ("Sept 3, 8:05 am",
//! "3 de septiembre"), relative to the report ("last Tuesday around 7", "hace media hora", "anoche"), with hedges,
//! parts of the day, ranges (their start counts) and slips of the thumb.
//!
//! The words stand in `data/en.toml`, `data/es.toml` and `data/holidays.toml`, for people to read and change; the
//! grammar of how they go together in `grammar`, what day they mean in `resolve`, and which of several times in a
//! running note is that of the event in `narrative`.
//!
//! What always holds:
//! - The result is a civil date and time in the zone of the context. An instant with an offset is converted, so a time
//!   part in UTC never stands beside a local date.
//! - A date that cannot be, lies before 2000-01-01, or lies ahead of the report is unknown, with the rule that says so;
//!   it is never moved. A text without anything like a date is [`NotADate`].
//! - Numbers go month first unless the context says otherwise, in Spanish texts too.
//! - Nothing here reads a clock, writes a log, or keeps any of the text; no text makes it panic.

mod grammar;
mod narrative;
mod resolve;
mod scan;
mod words;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use schemas::Language;
use schemas::time::{DateOrder, Precision};

use grammar::{Grammar, Piece};
use resolve::{Draft, Origin, Resolved};
use scan::Atom;
use words::{Marks, Words};

pub use words::WordsError;

/// What a text is read against.
#[derive(Clone, Copy, Debug)]
pub struct WhenContext {
    /// The instant at which the source got the report. Without it only full dates can be told.
    pub reported_at: Option<DateTime<Utc>>,
    /// The zone of the place.
    pub zone: Tz,
    /// The language of the text, where known. Both are read in any case.
    pub language: Option<Language>,
    /// The order of numbers in a date, from the mapping or the source; month first where it says nothing.
    pub date_order: Option<DateOrder>,
}

/// When something was, as far as the words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The civil date. With [`Precision::Week`] or [`Precision::Month`] any day within it.
    pub date: Option<NaiveDate>,
    /// Hours and minutes.
    pub time: Option<NaiveTime>,
    pub precision: Precision,
    /// The rule that read it (`us_date`, `weekday`, `time_ago`, ...), or that refused it (`future`, `before_2000`,
    /// `impossible`, `not_in_order`, `conflicting`, `vague`, `recurring`, `year_only`, `no_reported_at`).
    pub rule: &'static str,
    /// Where its words stand, in bytes: from the first to the last of them.
    pub span: (usize, usize),
    /// Where the words of the time of day stand, when apart from those of the date.
    pub time_span: Option<(usize, usize)>,
}

/// The text has nothing like a date or time in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no date or time, in numbers or words, in English or Spanish")]
pub struct NotADate;

static SHIPPED: LazyLock<Result<Words, WordsError>> = LazyLock::new(Words::shipped);

/// Reads the word lists now. To be called at the start, so that a broken list stops it there.
///
/// # Errors
/// File, line and what is wrong with it.
pub fn check_words() -> Result<(), &'static WordsError> {
    SHIPPED.as_ref().map(|_| ())
}

fn shipped() -> &'static Words {
    SHIPPED.as_ref().expect("the word lists are part of the program and a test reads them")
}

/// In the field a word of so many letters may have one slip, in running text it must be longer.
const FIELD_SLIPS: usize = 5;
const TEXT_SLIPS: usize = 7;

/// No field of a form is longer; what comes after is not read.
const LONGEST_FIELD: usize = 400;

thread_local! {
    /// The atoms of the text at hand, so that reading allocates nothing. Cleared after use: it holds offsets and
    /// meanings, no text.
    static ATOMS: RefCell<Vec<Atom>> = const { RefCell::new(Vec::new()) };
}

fn with_atoms<T>(read: impl FnOnce(&mut Vec<Atom>) -> T) -> T {
    ATOMS.with(|atoms| match atoms.try_borrow_mut() {
        Ok(mut atoms) => {
            let result = read(&mut atoms);
            atoms.clear();
            result
        }
        // Not reached: nothing that reads calls itself.
        Err(_) => read(&mut Vec::new()),
    })
}

/// Reads the content of the field `occurred`.
///
/// # Errors
/// [`NotADate`] when nothing in it is like a date or time. A date that is refused is no error: see [`When::rule`].
pub fn parse(text: &str, context: &WhenContext) -> Result<When, NotADate> {
    let text = &text[..text.floor_char_boundary(LONGEST_FIELD)];
    let words = shipped();
    with_atoms(|atoms| {
        scan::scan(text, words, FIELD_SLIPS, atoms);
        let grammar = Grammar {
            text,
            atoms,
            order: context.date_order.unwrap_or(DateOrder::Mdy),
            field: true,
            spanish: context.language == Some(Language::Es),
        };
        let mut draft = Draft::default();
        let mut span: Option<(usize, usize)> = None;
        let mut corrected = false;
        let mut at = 0;
        while at < atoms.len() {
            corrected |= atoms[at].has(Marks::CORRECTION);
            let Some((piece, next)) = grammar.piece(at) else {
                at += 1;
                continue;
            };
            let next = next.clamp(at + 1, atoms.len());
            if !narrative::negated(atoms, at, next) {
                if corrected && !matches!(piece, Piece::Clock(_) | Piece::Part { .. }) {
                    draft.forget_day();
                    corrected = false;
                }
                if draft.add(piece) {
                    let (start, end) = (atoms[at].start, atoms[next - 1].end);
                    span = Some(span.map_or((start, end), |(first, _)| (first, end)));
                }
            }
            at = next;
        }
        let span = span.filter(|_| !draft.is_empty()).ok_or(NotADate)?;
        let origin = Origin::new(context, true);
        Ok(When::new(draft.resolve(&origin, words), span))
    })
}

/// Finds when the event of a running note was. Other times in it (when somebody called, a hearing, a birth date,
/// opening hours) are left alone; where it is doubtful there is nothing. What is found has a date.
#[must_use]
pub fn find_in_text(text: &str, context: &WhenContext) -> Option<When> {
    let words = shipped();
    if !scan::worth_reading(text, words, TEXT_SLIPS) {
        return None;
    }
    with_atoms(|atoms| {
        scan::scan(text, words, TEXT_SLIPS, atoms);
        let grammar = Grammar {
            text,
            atoms,
            order: context.date_order.unwrap_or(DateOrder::Mdy),
            field: false,
            spanish: context.language == Some(Language::Es),
        };
        narrative::find(&grammar, &Origin::new(context, false), words)
    })
}

impl Origin {
    fn new(context: &WhenContext, field: bool) -> Self {
        // At the edges of what an instant can be there is no local time.
        let now = context.reported_at.filter(|now| (1900..9000).contains(&now.year()));
        Self { now, zone: context.zone, field }
    }
}

impl When {
    const fn new(resolved: Resolved, span: (usize, usize)) -> Self {
        let Resolved { date, time, precision, rule } = resolved;
        Self { date, time, precision, rule, span, time_span: None }
    }
}
