//! The words and numbers of a folded text, once, with all that the rules ask of them.
//!
//! What always holds: tokens are in order, do not overlap, and none lies in a stretch that is already hidden; a hidden
//! stretch is one token of its own kind, so that nothing reaches across it.

use super::fold::{FOREIGN, Folded, OPAQUE};
use super::lexicon::{self, FREQUENT, Lexicon, Marks, NAME, OPENS_INTRODUCTION, OPENS_PLACE, PLACE, PUBLIC};
use super::words::Words;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Letters, apostrophes within.
    Word,
    Number,
    /// Letters and digits without anything between.
    Mixed,
    Hidden,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Lower,
    /// Starts with a capital.
    Capital,
    /// All capitals, two letters or more.
    Upper,
}

/// What stands between a token and the one before, as bits.
pub type Gap = u16;
pub const SPACE: Gap = 1;
pub const COMMA: Gap = 1 << 1;
/// One of `.!?`.
pub const STOP: Gap = 1 << 2;
pub const COLON: Gap = 1 << 3;
pub const LINE: Gap = 1 << 4;
pub const HYPHEN: Gap = 1 << 5;
pub const BRACKET: Gap = 1 << 6;
pub const QUOTE: Gap = 1 << 7;
pub const SLASH: Gap = 1 << 8;
pub const OTHER: Gap = 1 << 9;
/// `$`: what follows is money.
pub const MONEY: Gap = 1 << 10;
pub const PLUS: Gap = 1 << 11;

#[derive(Debug, Clone, Copy)]
pub struct Token {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
    pub shape: Shape,
    pub gap: Gap,
    pub marks: Marks,
    /// Marks of the small table.
    pub cue: Marks,
    pub hash: u64,
}

impl Token {
    fn hidden(start: usize, end: usize) -> Self {
        Self { start, end, kind: Kind::Hidden, shape: Shape::Lower, gap: 0, marks: 0, cue: 0, hash: 0 }
    }

    pub fn is(&self, marks: Marks) -> bool {
        self.marks & marks != 0
    }

    pub fn cues(&self, cues: Marks) -> bool {
        self.cue & cues != 0
    }

    pub fn len(&self) -> usize {
        self.end - self.start
    }
}

/// Cuts a folded text into `out`.
pub fn cut(text: &str, folded: &Folded, words: &Words, out: &mut Vec<Token>) {
    out.clear();
    cut_range(text, folded, words, 0..folded.bytes.len(), LINE, out);
}

/// Brings the tokens up to date after stretches were hidden.
pub fn refresh(text: &str, folded: &mut Folded, words: &Words, tokens: &mut Vec<Token>) {
    let Some((start, end)) = folded.taken() else { return };
    let bytes = &folded.bytes;
    let mut first = tokens.partition_point(|token| token.end <= start);
    // A hidden token grows; the token behind the last stretch may have another gap before it.
    first -= usize::from(first > 0 && tokens[first - 1].kind == Kind::Hidden);
    let last = (tokens.partition_point(|token| token.start < end) + 1).min(tokens.len());
    // Behind a token; what was cut off its end is no word of its own.
    let behind = |token: &Token| {
        let possessive = token.kind != Kind::Hidden && bytes[token.end..].starts_with(b"'s");
        token.end + if possessive { 2 } else { 0 }
    };
    let (mut from, mut gap) = if first == 0 { (0, LINE) } else { (behind(&tokens[first - 1]), 0) };
    let mut fresh = Vec::with_capacity(last - first + 4);
    for token in &tokens[first..last] {
        if bytes[from..token.end].contains(&OPAQUE) {
            gap = cut_range(text, folded, words, from..token.end, gap, &mut fresh);
        } else {
            fresh.push(*token);
            gap = 0;
        }
        from = behind(token);
    }
    if last == tokens.len() && bytes[from..].contains(&OPAQUE) {
        cut_range(text, folded, words, from..bytes.len(), gap, &mut fresh);
    }
    tokens.splice(first..last, fresh);
}

/// Cuts a part of a folded text, which starts behind `gap`; gives the gap at its end.
fn cut_range(
    text: &str,
    folded: &Folded,
    words: &Words,
    range: std::ops::Range<usize>,
    mut gap: Gap,
    out: &mut Vec<Token>,
) -> Gap {
    let bytes = &folded.bytes[..range.end];
    let first = out.len();
    let mut at = range.start;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            OPAQUE => {
                at += bytes[at..].iter().take_while(|&&b| b == OPAQUE).count();
                match out.last_mut() {
                    Some(last) if last.kind == Kind::Hidden && last.end == start => last.end = at,
                    _ => out.push(Token { gap, ..Token::hidden(start, at) }),
                }
                gap = 0;
            }
            b if SIGNS[usize::from(b)] != 0 => {
                let (mut signs, mut hash) = (0, lexicon::SEED);
                while let Some(&b) = bytes.get(at) {
                    let sign = SIGNS[usize::from(b)];
                    if sign != 0 {
                        signs |= sign;
                        hash = lexicon::step(hash, b);
                    } else if !(b == b'\'' && signs & LETTER != 0 && bytes.get(at + 1).is_some_and(|&b| is_letter(b))) {
                        break;
                    }
                    at += 1;
                }
                let kind = match signs {
                    LETTER => Kind::Word,
                    DIGIT => Kind::Number,
                    _ => Kind::Mixed,
                };
                let mut token = Token { kind, gap, hash: lexicon::mix(hash), ..Token::hidden(start, at) };
                if kind != Kind::Number {
                    token.shape = shape(&text[folded.start(start)..folded.end(at)]);
                }
                out.push(token);
                gap = 0;
            }
            b => {
                gap |= gap_of(b);
                at += 1;
            }
        }
    }
    // All look-ups together: the table is large, and so one need not wait for the one before.
    for token in &mut out[first..] {
        if matches!(token.kind, Kind::Word | Kind::Mixed) {
            token.marks = words.lexicon.marks(token.hash);
            shed_possessive(bytes, &words.lexicon, token);
            token.cue = words.cues.marks(token.hash);
        }
    }
    gap
}

/// "Wilmer's": the name is what stands before the apostrophe; "man's" is no name, whatever "mans" is.
fn shed_possessive(bytes: &[u8], lexicon: &Lexicon, token: &mut Token) {
    if token.len() <= 3 || &bytes[token.end - 2..token.end] != b"'s" {
        return;
    }
    let stem = lexicon::hash(bytes[token.start..token.end - 2].iter().copied());
    let marks = lexicon.marks(stem);
    if marks & FREQUENT != 0 {
        token.marks &= !NAME;
    } else {
        (token.end, token.hash, token.marks) = (token.end - 2, stem, marks);
    }
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;

/// What a folded byte is in a word: a table, since every byte is asked.
const SIGNS: [u8; 256] = {
    let mut signs = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        if (byte as u8).is_ascii_lowercase() || byte as u8 == FOREIGN {
            signs[byte] = LETTER;
        } else if (byte as u8).is_ascii_digit() {
            signs[byte] = DIGIT;
        }
        byte += 1;
    }
    signs
};

fn is_letter(byte: u8) -> bool {
    SIGNS[usize::from(byte)] == LETTER
}

fn gap_of(byte: u8) -> Gap {
    const GAPS: [Gap; 256] = {
        let mut gaps = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            gaps[byte] = kind_of_gap(byte as u8);
            byte += 1;
        }
        gaps
    };
    GAPS[usize::from(byte)]
}

const fn kind_of_gap(byte: u8) -> Gap {
    match byte {
        b' ' => SPACE,
        b',' => COMMA,
        b'.' | b'!' | b'?' => STOP,
        b':' | b';' | b'=' => COLON,
        b'\n' => LINE,
        b'-' | b'_' => HYPHEN,
        b'(' | b')' | b'[' | b']' => BRACKET,
        b'"' | b'\'' => QUOTE,
        b'/' | b'&' => SLASH,
        b'$' => MONEY,
        b'+' | b'#' => PLUS,
        _ => OTHER,
    }
}

fn shape(word: &str) -> Shape {
    if word.as_bytes()[0].is_ascii_lowercase() {
        return Shape::Lower;
    }
    let mut letters = word.chars().filter(|c| c.is_alphabetic());
    match (letters.next().is_some_and(char::is_uppercase), letters.next().is_some_and(char::is_uppercase)) {
        (true, true) if letters.all(char::is_uppercase) => Shape::Upper,
        (true, _) => Shape::Capital,
        _ => Shape::Lower,
    }
}

/// The longest phrase of the table that starts at token `at` and carries one of `marks`: how many tokens it has.
pub fn phrase(tokens: &[Token], lexicon: &Lexicon, at: usize, marks: Marks) -> Option<(usize, Marks)> {
    let first = tokens[at];
    let mut best = (first.is(marks)).then_some((1, first.marks & marks));
    let opens = if marks & (PLACE | PUBLIC) == 0 { OPENS_INTRODUCTION } else { OPENS_PLACE };
    if !first.is(opens) {
        return best;
    }
    let mut hash = first.hash;
    for (n, next) in tokens[at + 1..].iter().enumerate() {
        if next.kind == Kind::Hidden
            || next.gap & !(SPACE | HYPHEN | QUOTE | STOP) != 0
            || next.gap & (SPACE | HYPHEN | STOP) == 0
        {
            break;
        }
        hash = lexicon::join(Some(hash), next.hash);
        let found = lexicon.marks(hash);
        if found & marks != 0 {
            best = Some((n + 2, found & marks));
        }
        if found & opens == 0 {
            break;
        }
    }
    best
}
