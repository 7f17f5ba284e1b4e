//! Cuts a text into atoms: words, runs of digits, single signs. White space is only remembered as a gap.
//!
//! What always holds: atoms lie in order, do not overlap, and start and end on character boundaries of the text.

use super::words::{Marks, Word, Words};

/// What an atom is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Letters, with apostrophes between them; or a phrase of the word lists.
    Word,
    /// ASCII digits: value (saturating) and how many.
    Number { value: u32, digits: u8 },
    /// One sign; letters of other kinds of signs stand as their ASCII likeness (`-` for dashes) or `?`.
    Sign(u8),
}

/// One piece of the text.
#[derive(Clone, Copy, Debug)]
pub struct Atom {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
    /// What phrases are matched by: a word's id, or a number or sign with a tag above all ids.
    pub key: u32,
    /// What it means; nothing for numbers and signs.
    pub word: Word,
    /// White space, or the start of the text, lies before it.
    pub gap: bool,
    /// Begins with a capital.
    pub capital: bool,
}

const NUMBER_KEY: u32 = 1 << 30;
const SIGN_KEY: u32 = 1 << 31;

/// Whether the key is the id of a word.
pub const fn is_word_key(key: u32) -> bool {
    key < NUMBER_KEY
}

/// Hands each atom of the text to `each`, words without meaning yet; ends early when it says `false`.
pub fn tokens(text: &str, mut each: impl FnMut(Atom) -> bool) {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut gap = true;
    while at < bytes.len() {
        let start = at;
        let byte = bytes[at];
        if byte.is_ascii_digit() {
            let mut value = 0_u32;
            while at < bytes.len() && bytes[at].is_ascii_digit() {
                value = value.saturating_mul(10).saturating_add(u32::from(bytes[at] - b'0'));
                at += 1;
            }
            let digits = u8::try_from(at - start).unwrap_or(u8::MAX);
            let key = NUMBER_KEY | value.min(NUMBER_KEY - 1);
            let kind = Kind::Number { value, digits };
            if !each(Atom { start, end: at, kind, key, word: Word::default(), gap, capital: false }) {
                return;
            }
            gap = false;
            continue;
        }
        if byte.is_ascii_whitespace() && byte != b'\n' {
            at += 1;
            gap = true;
            continue;
        }
        let end = word_end(text, start);
        if end > start {
            at = end;
            let capital = byte.is_ascii_uppercase();
            if !each(Atom { start, end, kind: Kind::Word, key: 0, word: Word::default(), gap, capital }) {
                return;
            }
            gap = false;
            continue;
        }
        let character = text[start..].chars().next().unwrap_or('?');
        at += character.len_utf8();
        let sign = match character {
            _ if character.is_ascii() => byte,
            _ if character.is_whitespace() => {
                gap = true;
                continue;
            }
            '–' | '—' | '−' | '‑' | '‐' => b'-',
            'º' | 'ª' | '°' => b'o',
            _ => b'?',
        };
        if !each(Atom {
            start,
            end: at,
            kind: Kind::Sign(sign),
            key: SIGN_KEY | u32::from(sign),
            word: Word::default(),
            gap,
            capital: false,
        }) {
            return;
        }
        gap = sign == b'\n';
    }
}

/// The end of the word that starts at `start`; `start` itself when none does.
fn word_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte.is_ascii_alphabetic() {
            at += 1;
        } else if byte == b'\'' {
            // Inside a word only: o'clock, year's.
            if at == start || !bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) {
                return at;
            }
            at += 1;
        } else if byte.is_ascii() {
            return at;
        } else {
            let Some(character) = text[at..].chars().next() else { return at };
            let joins = (character.is_alphabetic() && !matches!(character, 'º' | 'ª'))
                || (at > start && matches!(character, '\u{300}'..='\u{36f}'))
                || (at > start && character == '’' && bytes.get(at + 3).is_some_and(u8::is_ascii_alphabetic));
            if !joins {
                return at;
            }
            at += character.len_utf8();
        }
    }
    at
}

/// Fills `atoms` with the text's atoms, their meaning looked up and phrases joined. `slips` as in [`Words::look_up`].
pub fn scan(text: &str, words: &Words, slips: usize, atoms: &mut Vec<Atom>) {
    atoms.clear();
    tokens(text, |mut atom| {
        if atom.kind == Kind::Word {
            (atom.word, atom.key) = words.look_up(&text[atom.start..atom.end], slips);
        }
        atoms.push(atom);
        true
    });
    words.join_phrases(atoms);
}

/// Whether a running text has anything that could belong to a date or time. Allocates nothing.
pub fn worth_reading(text: &str, words: &Words, slips: usize) -> bool {
    let bytes = text.as_bytes();
    let mut found = false;
    let mut hedged = false;
    tokens(text, |atom| {
        found = match atom.kind {
            Kind::Word => {
                let word = words.look_up(&text[atom.start..atom.end], slips).0;
                hedged = word.has(Marks::HEDGE);
                word.is_anchor()
            }
            Kind::Number { digits, .. } => {
                digits <= 4
                    && match bytes.get(atom.end) {
                        Some(b':' | b'/' | b'-' | b'a' | b'A' | b'p' | b'P' | b'h' | b'H') => true,
                        Some(b'.' | b' ') => {
                            hedged
                                || bytes[atom.end + 1..].first().is_some_and(|next| {
                                    next.is_ascii_digit() || matches!(next, b'a' | b'A' | b'p' | b'P' | b'h' | b'H')
                                })
                        }
                        _ => hedged,
                    }
            }
            Kind::Sign(sign) => sign == b'@' || sign == b'~',
        };
        !found
    });
    found
}

impl Atom {
    pub const fn has(&self, any_of: Marks) -> bool {
        self.word.has(any_of)
    }

    pub const fn is_sign(&self, sign: u8) -> bool {
        matches!(self.kind, Kind::Sign(s) if s == sign)
    }

    /// A full stop, question or exclamation mark, semicolon or line end.
    pub const fn ends_sentence(&self) -> bool {
        matches!(self.kind, Kind::Sign(b'.' | b'!' | b'?' | b';' | b'\n'))
    }

    pub const fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Number { .. })
    }
}
