//! The word lists of `words.toml`, put into the lexicon.
//!
//! What always holds: every list there is read, and a list that nothing reads is an error.

use serde::Deserialize;

use super::RuleError;
use super::lexicon::{
    DEMONYM, FILLER, HUNDREDS, INTRODUCTION, JOINER, Lexicon, Marks, NEVER, NEVER_STREET, ONES, PARTICLE, PLACE_CUE,
    PLACE_NOUN, PLACE_PREFIX, PUBLIC, RELATION, REPEAT, ROLE, SPEECH, STATE, STREET_WORD, SUFFIX, TEENS, TENS, TITLE,
    WEAK_INTRODUCTION,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    relations: String,
    titles: String,
    roles: String,
    introductions: Vec<String>,
    fillers: String,
    speech: String,
    demonyms: String,
    states: String,
    particles: String,
    suffixes: String,
    place_nouns: String,
    place_prefixes: String,
    place_cues: String,
    never: String,
    public_names: Vec<String>,
    street_words: String,
    never_street: String,
    numbers: Numbers,
    plates: Plates,
}

/// What plates are found by: a table of its own, see `plate.rs`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plates {
    pub cues: String,
    pub weak_cues: String,
    pub fillers: String,
    pub partly: String,
    pub vehicles: String,
    pub letters: String,
    pub dashes: String,
    pub as_in: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    ones: String,
    teens: String,
    tens: String,
    hundreds: String,
    repeats: String,
    joiners: String,
}

/// Adds every list to the lexicon, save those on plates, which it gives back.
pub fn load(text: &str, lexicon: &mut Lexicon) -> Result<Plates, RuleError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        RuleError {
            file: "words.toml",
            line: text[..at].matches('\n').count() + 1,
            message: error.message().to_owned(),
        }
    })?;
    let lists: [(&str, Marks); 21] = [
        (&file.relations, RELATION),
        (&file.titles, TITLE),
        (&file.roles, ROLE),
        (&file.fillers, FILLER),
        (&file.speech, SPEECH),
        (&file.demonyms, DEMONYM),
        (&file.states, STATE),
        (&file.particles, PARTICLE),
        (&file.suffixes, SUFFIX),
        (&file.place_nouns, PLACE_NOUN),
        (&file.place_prefixes, PLACE_PREFIX),
        (&file.place_cues, PLACE_CUE),
        (&file.never, NEVER),
        (&file.street_words, STREET_WORD),
        (&file.never_street, NEVER_STREET),
        (&file.numbers.ones, ONES),
        (&file.numbers.teens, TEENS),
        (&file.numbers.tens, TENS),
        (&file.numbers.hundreds, HUNDREDS),
        (&file.numbers.repeats, REPEAT),
        (&file.numbers.joiners, JOINER),
    ];
    for (words, marks) in lists {
        for word in words.split_whitespace() {
            lexicon.add(word, marks);
        }
    }
    for phrase in &file.introductions {
        match phrase.strip_prefix('~') {
            Some(weak) => lexicon.add(&weak.replace('\'', ""), WEAK_INTRODUCTION),
            None => lexicon.add(&phrase.replace('\'', ""), INTRODUCTION),
        }
    }
    for name in &file.public_names {
        lexicon.add(name, PUBLIC);
    }
    Ok(file.plates)
}
