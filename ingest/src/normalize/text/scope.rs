//! What does not count: stretches that are denied, supposed, asked, of another day, or corrected by what comes later.
//!
//! What always holds: marks lie on tokens and never cross a sentence. The words that open a scope are data
//! (`cues.toml`); how far it reaches is fixed here.

use super::automaton::Hit;
use super::fold::{Break, Token};
use super::lexicon::{Lexicon, Symbol};
use super::load::{CueKind, Phrase, Role};

/// A question of so few words is answered as a whole.
const SHORT: usize = 4;

/// Marks of one token.
pub(super) const DENIED: u8 = 1;
pub(super) const SUPPOSED: u8 = 2;
pub(super) const PAST: u8 = 4;
pub(super) const ASKED: u8 = 8;
pub(super) const HEARD: u8 = 16;

/// Words that open and close scopes, by their class in the rule files.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScopeWords {
    /// `but`, `pero`, `and`, `y`: a negation ends here.
    pub turn: Symbol,
    /// `or`, `ni`: a list under one negation goes on.
    pub list: Symbol,
    /// `no`, `none` at the end of a clause: what stands before is denied.
    pub after: Symbol,
    /// The words with which a question starts.
    pub question: Symbol,
    /// The words that, with one of `asked_of` behind them, make a question of a sentence without its mark.
    pub ask: Symbol,
    pub asked_of: Symbol,
    /// `was`, `era`: behind "No", says what it was instead.
    pub was: Symbol,
    /// `but`, `pero`: a supposition ends here.
    pub but: Symbol,
    /// `today`, `hoy`: what is told of another day ends here, or starts behind it.
    pub now: Symbol,
}

fn is(tokens: &[Token], at: usize, symbol: Symbol, lexicon: &Lexicon) -> bool {
    tokens.get(at).is_some_and(|t| lexicon.has(t.word, symbol))
}

/// Marks every token. Returns the token behind the last correction, if there is one.
pub(super) fn mark(
    tokens: &[Token],
    hits: &[Hit],
    phrases: &[Phrase],
    lexicon: &Lexicon,
    words: ScopeWords,
    marks: &mut Vec<u8>,
) -> Option<u32> {
    marks.clear();
    marks.resize(tokens.len(), 0);
    let mut correction = None;
    let cue = |hit: &Hit| match phrases[hit.phrase as usize].role {
        Role::Cue(kind, reach) => Some((kind, usize::from(reach))),
        _ => None,
    };
    // Whether a longer phrase says that this one is no such cue.
    let within = |kind: CueKind, hit: &Hit| {
        hits.iter()
            .take_while(|h| h.start <= hit.start)
            .any(|h| h.end >= hit.end && matches!(phrases[h.phrase as usize].role, Role::Cue(k, _) if k == kind))
    };
    for hit in hits {
        let end = hit.end as usize;
        match cue(hit) {
            Some((CueKind::Negation, reach)) if !within(CueKind::NotNegation, hit) => {
                deny(tokens, end, reach, lexicon, words, marks)
            }
            Some((CueKind::Supposition, _)) if !within(CueKind::NotSupposition, hit) => {
                for at in end..tokens.len() {
                    if tokens[at].sentence != tokens[end - 1].sentence || is(tokens, at, words.but, lexicon) {
                        break;
                    }
                    marks[at] |= SUPPOSED;
                }
            }
            Some((CueKind::Hearsay, _)) => {
                let (first, last) = sentence_of(tokens, hit.start as usize);
                marks[first..last].iter_mut().for_each(|mark| *mark |= HEARD);
            }
            Some((CueKind::Past, _)) => {
                let (first, last) = past_part(tokens, hit, lexicon, words);
                marks[first..last].iter_mut().for_each(|mark| *mark |= PAST);
            }
            Some((CueKind::Correction, _)) => correction = Some(hit.end),
            _ => {}
        }
    }
    for at in 0..tokens.len() {
        let ends = tokens.get(at + 1).is_none_or(|next| next.before != Break::None);
        if at > 0
            && ends
            && is(tokens, at, words.after, lexicon)
            && (tokens[at].before == Break::None || tokens[at - 1].question)
        {
            for back in (at.saturating_sub(3)..at).rev() {
                marks[back] |= DENIED;
                if tokens[back].before != Break::None {
                    break;
                }
            }
        }
    }
    questions(tokens, lexicon, words, marks);
    correction
}

/// The tokens, half open, of the sentence of the token `at`.
fn sentence_of(tokens: &[Token], at: usize) -> (usize, usize) {
    let sentence = tokens[at].sentence;
    let first = tokens[..at].iter().rposition(|t| t.sentence != sentence).map_or(0, |n| n + 1);
    let last = tokens[at..].iter().position(|t| t.sentence != sentence).map_or(tokens.len(), |n| at + n);
    (first, last)
}

/// What a cue of another day covers: its sentence, up to the part that speaks of today, or from behind it.
fn past_part(tokens: &[Token], hit: &Hit, lexicon: &Lexicon, words: ScopeWords) -> (usize, usize) {
    let (mut first, mut last) = sentence_of(tokens, hit.start as usize);
    let (start, end) = (hit.start as usize, hit.end as usize);
    let now = |at: &usize| is(tokens, *at, words.now, lexicon);
    let starts_part = |at: &usize| tokens[*at].before != Break::None || is(tokens, *at, words.turn, lexicon);
    if let Some(today) = (end..last).find(now) {
        last = (end..=today).rev().find(starts_part).unwrap_or(today);
    }
    if let Some(today) = (first..start).rev().find(now) {
        first = (today + 1..=start).rev().find(starts_part).unwrap_or(start);
    }
    (first, last)
}

/// Marks what a negation that ends before token `from` denies: a few words of its clause, and of the list that goes on.
fn deny(tokens: &[Token], from: usize, reach: usize, lexicon: &Lexicon, words: ScopeWords, marks: &mut [u8]) {
    for at in from..(from + reach).min(tokens.len()) {
        if tokens[at].before == Break::Sentence {
            break;
        }
        if tokens[at].before == Break::Clause {
            // "no masks, vests or badges"
            let goes_on = at > from
                && (at..at + 4)
                    .take_while(|&i| i == at || tokens.get(i).is_some_and(|t| t.before == Break::None))
                    .any(|i| is(tokens, i, words.list, lexicon));
            if !goes_on {
                break;
            }
        }
        if is(tokens, at, words.turn, lexicon) || tokens[at].plus {
            break;
        }
        marks[at] |= DENIED;
    }
}

/// A sentence that starts like a question, with its mark or without ("can they come in"), says nothing about what
/// happened.
fn questions(tokens: &[Token], lexicon: &Lexicon, words: ScopeWords, marks: &mut [u8]) {
    let mut start = 0;
    while start < tokens.len() {
        let len = tokens[start..].iter().take_while(|t| t.sentence == tokens[start].sentence).count();
        let unmarked =
            len > 2 && is(tokens, start, words.ask, lexicon) && is(tokens, start + 1, words.asked_of, lexicon);
        let marked = tokens[start].question && (0..len.min(3)).any(|i| is(tokens, start + i, words.question, lexicon));
        let asks = marked || unmarked;
        if asks {
            for mark in &mut marks[start..start + len] {
                *mark |= ASKED;
            }
        }
        let next = start + len;
        // "CBP at the airport? No, it was ICE": the question names what was not so.
        if tokens[start].question
            && tokens
                .get(next)
                .is_some_and(|t| is(tokens, next, words.after, lexicon) && t.question <= tokens[start].question)
        {
            let all = len <= SHORT || (1..4).any(|i| is(tokens, next + i, words.was, lexicon));
            if all {
                for mark in &mut marks[start..next] {
                    *mark |= ASKED | DENIED;
                }
            }
        }
        start = next;
    }
}
