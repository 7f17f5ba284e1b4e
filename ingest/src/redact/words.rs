//! The word lists of `words.toml`: those on names and numbers go into the lexicon, those that only some steps ask for into a
//! small table of their own, which stays near.
//!
//! What always holds: every list there is read, and a list that nothing reads is an error.

use serde::Deserialize;

use super::RuleError;
use super::lexicon::{
    DEMONYM, FILLER, HUNDREDS, INTRODUCTION, JOINER, Lexicon, Marks, NEVER, NEVER_STREET, ONES, PARTICLE, PLACE_CUE,
    PLACE_NOUN, PLACE_PREFIX, PUBLIC, RELATION, REPEAT, ROLE, SPEECH, STATE, STREET_WORD, SUFFIX, TEENS, TENS, TITLE,
    WEAK_INTRODUCTION,
};

/// What is known of words.
#[derive(Debug)]
pub struct Words {
    /// Names, ordinary words, places; lists that most steps ask for.
    pub lexicon: Lexicon,
    /// The small table.
    pub cues: Lexicon,
}

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
    births: Births,
    roads: Roads,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plates {
    cues: String,
    weak_cues: String,
    fillers: String,
    partly: String,
    vehicles: String,
    letters: String,
    dashes: String,
    as_in: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Roads {
    roads: String,
    compass: String,
    at: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Births {
    cues: String,
    fillers: String,
    months: String,
    ordinals: String,
    links: String,
    past: String,
    units: String,
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

/// Marks of the small table.
/// "plate", "placas": a plate follows.
pub const PLATE: Marks = 1;
/// "lic", "partial": a plate follows where letters and digits stand together.
pub const WEAK_PLATE: Marks = 1 << 1;
/// Between a cue and its plate.
pub const PLATE_FILLER: Marks = 1 << 2;
/// "ends", "empieza": a few signs follow.
pub const PARTLY: Marks = 1 << 3;
/// Makes, models, kinds of vehicles.
pub const VEHICLE: Marks = 1 << 4;
/// Words for letters: "kilo", "adam".
pub const LETTER: Marks = 1 << 5;
/// Between the signs of a spelled plate: "dash".
pub const DASH: Marks = 1 << 6;
/// "as in", "de": the word that follows stands for the letter before.
pub const AS_IN: Marks = 1 << 7;
/// "DOB", "nacido": a birth date stands beside it.
pub const BIRTH: Marks = 1 << 8;
/// Between such a word and its date.
pub const BIRTH_FILLER: Marks = 1 << 9;
pub const MONTH: Marks = 1 << 10;
/// Days and years in words that are no plain number: "third", "mil".
pub const ORDINAL: Marks = 1 << 11;
/// Between the parts of a date: "of", "de", "del".
pub const LINK: Marks = 1 << 12;
/// Before an old date that is nobody's birth: "since", "desde".
pub const PAST: Marks = 1 << 13;
/// What a number alone counts: "years", "meses".
pub const UNIT: Marks = 1 << 14;
/// Words for streets, and of numbered roads.
pub const ROAD: Marks = 1 << 15;
pub const COMPASS: Marks = 1 << 16;
/// Before the address of a place.
pub const AT: Marks = 1 << 17;

/// Reads `words.toml` and `lexicon.txt`.
pub fn load(text: &str, forms: &str) -> Result<Words, RuleError> {
    let mut lexicon = Lexicon::with_room(forms.len() / 10 + text.len() / 4);
    lexicon.load(forms)?;
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
    let small = [
        (&file.plates.cues, PLATE),
        (&file.plates.weak_cues, WEAK_PLATE),
        (&file.plates.fillers, PLATE_FILLER),
        (&file.plates.partly, PARTLY | PLATE_FILLER),
        (&file.plates.vehicles, VEHICLE),
        (&file.plates.letters, LETTER),
        (&file.plates.dashes, DASH),
        (&file.plates.as_in, AS_IN),
        (&file.births.cues, BIRTH),
        (&file.births.fillers, BIRTH_FILLER),
        (&file.births.months, MONTH),
        (&file.births.ordinals, ORDINAL),
        (&file.births.links, LINK),
        (&file.births.past, PAST),
        (&file.births.units, UNIT),
        (&file.roads.roads, ROAD),
        (&file.roads.compass, COMPASS),
        (&file.roads.at, AT),
    ];
    let mut cues = Lexicon::with_room(2 * small.iter().map(|(list, _)| list.len() / 4).sum::<usize>());
    for (list, marks) in small {
        for word in list.split_whitespace() {
            cues.add(word, marks);
        }
    }
    Ok(Words { lexicon, cues })
}
