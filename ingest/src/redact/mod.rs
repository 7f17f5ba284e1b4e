//! Redaction: takes private text out of a narrative before anything is stored.
//!
//! What always holds:
//! - [`Redactor::find`] gives spans that are sorted, disjoint and on character boundaries, for any text at all.
//! - Redacting a redacted text changes nothing: `find` looks again at what it would leave until nothing more is found.
//! - The rules are data (`ingest/data/redact`), all of them or none: a rule that does not compile is a [`RuleError`] with
//!   its line.
//! - No private text leaves this module but as the text that it was given: a span names places and a rule, never words.
//!
//! The way of a text: [`fold`] gives it one spelling; [`plate`] takes plates and [`birth`] birth dates; [`patterns`] take what has a shape; [`numbers`]
//! take long numbers in any writing; [`person`] takes names. Each hides what it took from those after it. [`second_look`]
//! is another reader with other eyes, for what is about to be stored.

mod birth;
mod cell;
mod fold;
mod lexicon;
mod numbers;
mod patterns;
mod person;
mod plate;
mod second;
mod tokens;
mod words;

#[cfg(test)]
mod sweep;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

pub use schemas::redaction::Class;
pub use second::second_look;

use fold::Folded;
use patterns::{Patterns, Stage};
use words::Words;

const RULES: &str = include_str!("../../data/redact/rules.toml");
const WORDS: &str = include_str!("../../data/redact/words.toml");
const LEXICON: &str = include_str!("../../data/redact/lexicon.txt");

/// The steps of a reading that take turns.
const TURNS: usize = 7;

/// A stretch of private text, in bytes of the text, on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    pub class: Class,
    /// The rule that found it, by its id in the data.
    pub rule: &'static str,
}

/// A rule file that cannot be used: nothing is coded with half the rules.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct RuleError {
    pub file: &'static str,
    pub line: usize,
    pub message: String,
}

/// The rules, compiled.
#[derive(Debug)]
pub struct Redactor {
    patterns: Patterns,
    words: Words,
}

impl Redactor {
    /// The rules that the program ships.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Redactor> = LazyLock::new(|| {
            Redactor::from_sources(RULES, WORDS, LEXICON)
                .expect("the rules compiled in are those that the tests compile")
        });
        &BUILTIN
    }

    /// Rules from the text of `rules.toml`, `words.toml` and `lexicon.txt`.
    ///
    /// # Errors
    /// The first line that cannot be used, with why.
    pub fn from_sources(rules: &str, words: &str, lexicon: &str) -> Result<Self, RuleError> {
        // The two halves of the work know nothing of each other, and a start should not be felt.
        std::thread::scope(|scope| {
            let words = scope.spawn(|| words::load(words, lexicon));
            let patterns = Patterns::parse(rules)?;
            let words = words.join().expect("reading a table does not panic")?;
            Ok(Self { patterns, words })
        })
    }

    /// Appends to `out` what must go from `text`, in order, without overlaps.
    pub fn find(&self, text: &str, out: &mut Vec<Span>) {
        let first = out.len();
        self.read(text, out);
        // A stretch cut out of a word leaves another word behind ("Park000" leaves "Park"), which reads in another way: what
        // would be left is read again, until nothing more is found. Whole words leave what the reading above saw already.
        while out[first..].iter().any(|span| cuts_a_word(text, span)) {
            let mut more = Vec::new();
            self.read(&apply(text, &out[first..]), &mut more);
            if more.is_empty() {
                break;
            }
            let merged = merge(&out[first..], &more);
            if merged == out[first..] {
                break;
            }
            out.truncate(first);
            out.extend(merged);
        }
    }

    /// One reading of `text`.
    fn read(&self, text: &str, out: &mut Vec<Span>) {
        let first = out.len();
        let mut folded = Folded::new(text);
        let mut tokens = Vec::with_capacity(text.len() / 5);
        tokens::cut(text, &folded, &self.words, &mut tokens);
        let (mut survey, mut facts_of) = (None, None);
        // A hidden stretch is to the rules what its mark is, so that the next reading reads the redacted text. What one step
        // hid may show another something: they take turns until each has seen what all left, and found nothing. Of the
        // patterns only those that matched can match again.
        let (mut turn, mut quiet) = (0, 0);
        while quiet < TURNS {
            let before = out.len();
            let mut patterns = |stage, folded: &mut Folded, out: &mut Vec<Span>| {
                let survey = survey.get_or_insert_with(|| self.patterns.survey(folded, &tokens));
                if facts_of != Some(out.len()) {
                    self.patterns.facts(folded, &tokens, survey);
                    facts_of = Some(out.len());
                }
                self.patterns.find(stage, survey, text, folded, &self.words.lexicon, out);
            };
            match turn % TURNS {
                0 => plate::announced(&mut folded, &tokens, out),
                1 => birth::find(&mut folded, &tokens, out),
                2 => patterns(Stage::Plain, &mut folded, out),
                3 => plate::shaped(&mut folded, &tokens, out),
                4 => patterns(Stage::Vague, &mut folded, out),
                5 => numbers::find(&mut folded, &tokens, out),
                _ => person::find(&mut folded, &tokens, &self.words.lexicon, out),
            }
            quiet += 1;
            if out.len() > before {
                quiet = 0;
                tokens::refresh(text, &mut folded, &self.words, &mut tokens);
            }
            turn += 1;
        }
        out[first..].sort_unstable_by_key(|span| span.start);
    }
}

/// Whether what is left beside the span was one word with it.
fn cuts_a_word(text: &str, span: &Span) -> bool {
    let joined = |left: Option<char>, right: Option<char>| {
        left.is_some_and(char::is_alphanumeric) && right.is_some_and(char::is_alphanumeric)
    };
    let (before, inside, after) = (&text[..span.start], &text[span.start..span.end], &text[span.end..]);
    joined(before.chars().next_back(), inside.chars().next())
        || joined(inside.chars().next_back(), after.chars().next())
}

/// `spans` of a text and `more`, found in what they leave of it, as spans of the text: one that takes in a mark takes in what
/// the mark stands for.
fn merge(spans: &[Span], more: &[Span]) -> Vec<Span> {
    let mut all: Vec<Span> = more
        .iter()
        .map(|found| {
            let (mut start, mut end) = (found.start, found.end);
            // Where the marks before a place begin in the redacted text, and how much longer or shorter they made it.
            let mut shift = 0_isize;
            for span in spans {
                let mark = span.start.wrapping_add_signed(shift);
                let mark_end = mark + span.class.mark().len();
                let grown = mark_end as isize - span.end as isize;
                if found.start >= mark_end {
                    start = found.start.wrapping_add_signed(-grown);
                } else if found.start > mark {
                    start = span.start;
                }
                if found.end >= mark_end {
                    end = found.end.wrapping_add_signed(-grown);
                } else if found.end > mark {
                    end = span.end;
                }
                shift = grown;
            }
            Span { start, end, ..*found }
        })
        .chain(spans.iter().copied())
        .collect();
    all.sort_unstable_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Span> = Vec::with_capacity(all.len());
    for span in all {
        match merged.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

/// `text` with a mark in place of each span. Spans are sorted and disjoint, as `find` gives them.
#[must_use]
pub fn apply(text: &str, spans: &[Span]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for span in spans {
        out.push_str(&text[at..span.start]);
        out.push_str(span.class.mark());
        at = span.end;
    }
    out.push_str(&text[at..]);
    out
}

/// Start and end of each span in Unicode scalar values, as the coded form gives them.
#[must_use]
pub fn scalar_offsets(text: &str, spans: &[Span]) -> Vec<(u32, u32)> {
    let mut at = (0, 0_u32);
    let mut scalar = |byte: usize| {
        at = (byte, at.1 + text[at.0..byte].chars().count() as u32);
        at.1
    };
    spans.iter().map(|span| (scalar(span.start), scalar(span.end))).collect()
}
