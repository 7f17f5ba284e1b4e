//! What each word may be: a name, an ordinary word, a place, a cue. One table, one look-up a word.
//!
//! What always holds: a form that is not in the data has no marks, save by a collision of 64-bit hashes (one in 10^12
//! look-ups). Nothing is looked up by allocation.

use super::RuleError;

/// Marks of a form, as bits.
pub type Marks = u32;

/// A given name and seldom anything else.
pub const SURE: Marks = 1;
pub const GIVEN: Marks = 1 << 1;
pub const SURNAME: Marks = 1 << 2;
/// One of the most frequent words of English or Spanish.
pub const FREQUENT: Marks = 1 << 3;
pub const WORD: Marks = 1 << 4;
pub const PLACE: Marks = 1 << 5;
/// A place or a public name of several words begins like this.
pub const OPENS_PLACE: Marks = 1 << 6;
pub const RELATION: Marks = 1 << 7;
pub const TITLE: Marks = 1 << 8;
pub const ROLE: Marks = 1 << 9;
pub const INTRODUCTION: Marks = 1 << 10;
pub const WEAK_INTRODUCTION: Marks = 1 << 11;
pub const FILLER: Marks = 1 << 12;
pub const SPEECH: Marks = 1 << 13;
pub const PARTICLE: Marks = 1 << 14;
pub const SUFFIX: Marks = 1 << 15;
pub const PLACE_NOUN: Marks = 1 << 16;
pub const PLACE_PREFIX: Marks = 1 << 17;
pub const PLACE_CUE: Marks = 1 << 18;
pub const NEVER: Marks = 1 << 19;
pub const PUBLIC: Marks = 1 << 20;
pub const ONES: Marks = 1 << 21;
pub const TEENS: Marks = 1 << 22;
pub const TENS: Marks = 1 << 23;
pub const HUNDREDS: Marks = 1 << 24;
pub const REPEAT: Marks = 1 << 25;
pub const JOINER: Marks = 1 << 26;
pub const STREET_WORD: Marks = 1 << 27;
pub const NEVER_STREET: Marks = 1 << 28;
pub const DEMONYM: Marks = 1 << 29;
/// The two letters of a state.
pub const STATE: Marks = 1 << 30;
/// An introduction of several words begins like this.
pub const OPENS_INTRODUCTION: Marks = 1 << 31;

/// Any digit in words.
pub const NUMBER: Marks = ONES | TEENS | TENS | HUNDREDS;
/// A name of a person, whatever else.
pub const NAME: Marks = SURE | GIVEN | SURNAME;
/// An ordinary word, whatever else.
pub const ORDINARY: Marks = WORD | FREQUENT;

/// Open addressing with linear probing; a slot is (upper half of the hash, marks), empty when there are no marks.
#[derive(Debug)]
pub struct Lexicon {
    slots: Vec<(u32, Marks)>,
}

impl Lexicon {
    /// Room for `forms` forms.
    pub fn with_room(forms: usize) -> Self {
        Self { slots: vec![(0, 0); (forms * 6 / 5).next_power_of_two()] }
    }

    /// Reads `lexicon.txt`: form, tab, marks. Byte by byte: a start reads a quarter of a million lines.
    pub fn load(&mut self, text: &str) -> Result<(), RuleError> {
        let bytes = text.as_bytes();
        let (mut at, mut line) = (0, 1);
        while at < bytes.len() {
            let wrong = |message: &str| RuleError { file: "lexicon.txt", line, message: message.to_owned() };
            let start = at;
            let (mut form, mut word) = (None, SEED);
            loop {
                match bytes.get(at) {
                    Some(b'\t') => break,
                    None | Some(b'\n') => return Err(wrong("no tab between form and marks")),
                    Some(b' ') => {
                        form = Some(join(form, mix(word)));
                        word = SEED;
                    }
                    Some(b'\'') => {}
                    Some(&byte) => word = step(word, byte),
                }
                at += 1;
            }
            let form_end = at;
            let mut marks = 0;
            at += 1;
            while let Some(&letter) = bytes.get(at).filter(|&&b| b != b'\n') {
                marks |= match letter {
                    b'G' => SURE | GIVEN,
                    b'g' => GIVEN,
                    b's' => SURNAME,
                    b'W' => FREQUENT,
                    b'w' => WORD,
                    b'p' => PLACE,
                    _ => return Err(wrong("a mark that does not exist")),
                };
                at += 1;
            }
            if form.is_some() {
                self.add(&text[start..form_end], marks);
            } else {
                *self.slot(mix(word)) |= marks;
            }
            at += 1;
            line += 1;
        }
        Ok(())
    }

    /// Adds marks to a form; of a phrase, every shorter beginning opens it.
    pub fn add(&mut self, form: &str, marks: Marks) {
        debug_assert!(marks != 0, "a form without marks is not in the table");
        let opens = if marks & (INTRODUCTION | WEAK_INTRODUCTION) == 0 { OPENS_PLACE } else { OPENS_INTRODUCTION };
        let mut phrase = None;
        for word in form.split(' ') {
            if let Some(beginning) = phrase {
                *self.slot(beginning) |= opens;
            }
            phrase = Some(join(phrase, hash(word.bytes())));
        }
        if let Some(phrase) = phrase {
            *self.slot(phrase) |= marks;
        }
    }

    fn slot(&mut self, hash: u64) -> &mut Marks {
        let (mut at, tag) = self.place(hash);
        while self.slots[at].1 != 0 && self.slots[at].0 != tag {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at].0 = tag;
        &mut self.slots[at].1
    }

    fn place(&self, hash: u64) -> (usize, u32) {
        (hash as usize & (self.slots.len() - 1), (hash >> 32) as u32)
    }

    /// The marks of a form or phrase by its hash; none when it is not there.
    pub fn marks(&self, hash: u64) -> Marks {
        let (mut at, tag) = self.place(hash);
        loop {
            match self.slots[at] {
                (_, 0) => return 0,
                (found, marks) if found == tag => return marks,
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }
}

/// FNV-1a over the folded letters of a word, mixed at the end so that both halves are good; apostrophes do not count.
pub fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    mix(bytes.filter(|&b| b != b'\'').fold(SEED, step))
}

/// The hash of a phrase with one word more, or of its first word.
pub fn join(phrase: Option<u64>, word: u64) -> u64 {
    phrase.map_or(word, |phrase| mix((phrase ^ word.rotate_left(23)).wrapping_mul(0x0100_0000_01b3)))
}

pub const SEED: u64 = 0xcbf2_9ce4_8422_2325;

pub fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

pub fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 29)
}
