//! The words of headers and of columns of codes, from `ingest/data/mapping`: what field a header speaks of, what code a
//! word of somebody's own stands for.
//!
//! What always holds: a look-up depends on the data alone; a word is only ever compared with words of ours, never kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use chrono::DateTime;
use schemas::provenance::Field;
use schemas::report::{AXES, Codes};
use schemas::source::Settings;
use schemas::taxonomy::{self, CodeInfo};
use serde::Deserialize;
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::channels::file::same_word;
use crate::normalize::{self, Receipt};

const HEADERS: &str = include_str!("../../../../data/mapping/headers.toml");
const VALUES: &str = include_str!("../../../../data/mapping/values.toml");

/// What a header speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// A wire field, by its name.
    Field(&'static str),
    /// Something private, in words that say what.
    Private(&'static str),
}

#[derive(Deserialize)]
struct HeaderFile {
    fields: BTreeMap<String, Vec<String>>,
    private: BTreeMap<String, Vec<String>>,
}

struct Headers {
    phrases: Vec<(Target, Vec<String>)>,
}

static PHRASES: LazyLock<Headers> = LazyLock::new(|| {
    let file: HeaderFile = toml::from_str(HEADERS).expect("the file compiled in is the one that a test reads");
    let mut phrases = Vec::new();
    // The names live as long as the program, as the file that they come from does.
    let mut add = |target: Target, words: &[String]| {
        for phrase in words {
            phrases.push((target, header_words(phrase)));
        }
    };
    for (name, words) in &file.fields {
        let field = Field::from_name(name).map(Field::as_str);
        let plain = schemas::wire::PLAIN_FIELDS.iter().copied().find(|plain| plain == name);
        add(Target::Field(plain.or(field).expect("a field, as a test makes sure")), words);
    }
    for (what, words) in &file.private {
        add(Target::Private(String::leak(what.clone())), words);
    }
    Headers { phrases }
});

/// For every target that the header fits, how well: the most words of it that a phrase has.
pub(super) fn header_targets(header: &str) -> BTreeMap<Target, i32> {
    let words: BTreeSet<String> = header_words(header).into_iter().collect();
    let mut best = BTreeMap::new();
    for (target, phrase) in &PHRASES.phrases {
        if phrase.is_empty() || !phrase.iter().all(|word| words.contains(word)) {
            continue;
        }
        let over = i32::try_from(words.len() - phrase.len()).unwrap_or(i32::MAX);
        let length = i32::try_from(phrase.len()).unwrap_or(1);
        let score = 10 * length - over.saturating_mul(2).min(8) + if over == 0 { 3 } else { 0 };
        let known = best.entry(*target).or_insert(score);
        *known = score.max(*known);
    }
    best
}

/// Whether the cell may be a header: a phrase of ours has most of its words, or it names a field itself.
pub(super) fn is_header(cell: &str) -> bool {
    cell.len() <= 200
        && (schemas::wire::is_field(&crate::channels::file::mapping::own_field(cell))
            || header_targets(cell).values().any(|score| *score >= 13))
}

/// Lower case without accents and apostrophes.
fn plain(text: &str) -> String {
    text.nfd().filter(|c| !is_combining_mark(*c) && !matches!(c, '\'' | '’')).flat_map(char::to_lowercase).collect()
}

/// A word for comparing: lower case, no accents, no punctuation.
pub(super) fn fold(text: &str) -> String {
    let plain = plain(text);
    let words: Vec<_> = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

const SMALL: &[&str] = &[
    "of", "the", "a", "an", "and", "in", "on", "at", "to", "for", "was", "were", "is", "did", "do", "does", "you",
    "they", "your", "their", "it", "this", "that", "there", "any", "s", "if", "or", "please", "be", "been", "how",
    "de", "del", "la", "el", "los", "las", "lo", "un", "una", "y", "en", "para", "su", "sus", "al", "o", "fue",
    "fueron", "hubo", "habia", "es", "son", "con", "favor",
];

const NUMBER: &[&str] = &[
    "no", "nr", "nro", "num", "number", "many", "count", "qty", "total", "numero", "cuantos", "cuantas", "cantidad",
    "nº", "n°", "numbers",
];

/// The words of a header that count: each in the singular, all ways of saying "number" as one.
fn header_words(header: &str) -> Vec<String> {
    // "dateOfCall" is three words.
    let mut spaced = String::with_capacity(header.len() + 8);
    let mut lower = false;
    for c in header.chars() {
        if c == '#' || c == 'º' || c == '°' {
            spaced.push_str(if c == '#' { " num " } else { " " });
        } else {
            if lower && c.is_uppercase() {
                spaced.push(' ');
            }
            spaced.push(c);
        }
        lower = c.is_lowercase();
    }
    let folded = fold(&spaced.replace(['\'', '’'], " "));
    let mut words = Vec::new();
    let all: Vec<&str> = folded.split(' ').collect();
    for (at, word) in all.iter().copied().enumerate() {
        let is_number = |word: &&str| NUMBER.contains(word) || *word == "n";
        let after_number = at > 0 && at + 1 == all.len() && is_number(&all[at - 1]);
        // An A-number is the number of a person, not a number.
        if word == "a" && (all.get(at + 1).is_some_and(|next| is_number(next) || *next == "num") || after_number) {
            words.push("anum".to_owned());
            continue;
        }
        // "did" counts in "what did they do", where nothing else does.
        if word.is_empty() || (SMALL.contains(&word) && word != "did") {
            continue;
        }
        words.push(if is_number(&word) { "num".to_owned() } else { singular(word) });
    }
    words
}

fn singular(word: &str) -> String {
    if word.len() > 5 && word.ends_with("iones") {
        return word[..word.len() - 2].to_owned();
    }
    if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") {
        return word[..word.len() - 1].to_owned();
    }
    word.to_owned()
}

/// What a word of a column of codes means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A code or its label: the import takes it as it is.
    Itself(&'static str),
    /// A code that the mapping has to name.
    Code(&'static str),
    /// That there is nothing to say.
    Nothing,
}

const NOTHING: &[&str] = &[
    "",
    "n a",
    "na",
    "nil",
    "null",
    "none",
    "tbd",
    "blank",
    "ninguno",
    "ninguna",
    "no aplica",
    "sin dato",
    "sin datos",
    "s d",
    "n d",
    "nd",
    "no se",
    "not applicable",
    "no answer",
    "skip",
    "x x",
];
const NOT_KNOWN: &[&str] = &[
    "unknown",
    "unk",
    "dont know",
    "i dont know",
    "not sure",
    "unsure",
    "desconocido",
    "desconocida",
    "no se sabe",
    "no sabe",
    "se desconoce",
    "no especificado",
    "not specified",
    "unspecified",
    "not stated",
    "not known",
    "sin informacion",
    "unclear",
    "no esta claro",
];
pub(super) const YES: &[&str] = &["yes", "y", "si", "s", "true", "verdadero", "x", "1", "checked"];
pub(super) const NO: &[&str] = &["no", "n", "false", "falso", "0"];

/// For each axis, what folded words stand for.
static MEANINGS: LazyLock<HashMap<Field, HashMap<String, &'static str>>> = LazyLock::new(|| {
    let file: BTreeMap<String, BTreeMap<String, Vec<String>>> =
        toml::from_str(VALUES).expect("the file compiled in is the one that a test reads");
    let mut meanings: HashMap<Field, HashMap<String, &'static str>> = HashMap::new();
    for field in AXES {
        let Some(axis) = taxonomy::axis(field.as_str()) else { continue };
        let words = meanings.entry(*field).or_default();
        for info in axis.codes {
            for form in forms(info) {
                words.entry(form).or_insert(info.code);
            }
        }
        let section = if field.as_str().starts_with("agency_") { "agency" } else { field.as_str() };
        for (code, list) in file.get(section).into_iter().flatten() {
            let info = axis.code(code).expect("a code, as a test makes sure");
            for word in list {
                words.entry(fold(word)).or_insert(info.code);
            }
        }
    }
    meanings
});

/// The ways in which the taxonomy itself writes a code.
fn forms(info: &CodeInfo) -> Vec<String> {
    let labels = [Some(info.label), info.plural].into_iter().flatten().flat_map(|label| [label.en, label.es]);
    let mut forms = vec![fold(&info.code.replace('_', " "))];
    for label in labels {
        forms.push(fold(label));
        if let Some((before, _)) = label.split_once('(') {
            forms.push(fold(before));
        }
    }
    forms
}

/// What a word means on an axis; none where it is not known.
pub(super) fn meaning(field: Field, word: &str) -> Option<Meaning> {
    let axis = taxonomy::axis(field.as_str())?;
    let itself = axis
        .codes
        .iter()
        .find(|c| same_word(c.code, word) || same_word(c.label.en, word) || same_word(c.label.es, word));
    if let Some(info) = itself {
        return Some(Meaning::Itself(info.code));
    }
    let folded = fold(word);
    if let Some(code) = MEANINGS.get(&field).and_then(|words| words.get(&folded)) {
        return Some(Meaning::Code(code));
    }
    if field == Field::Setting
        && let Some(method) = taxonomy::ice_method(word)
    {
        use schemas::taxonomy::CodeAxis;
        return Some(method.setting.map_or(Meaning::Nothing, |setting| Meaning::Code(setting.as_str())));
    }
    if NOT_KNOWN.contains(&folded.as_str()) {
        return Some(axis.code("unknown").map_or(Meaning::Nothing, |info| Meaning::Code(info.code)));
    }
    says_nothing(&folded).then_some(Meaning::Nothing)
}

/// Whether a word only fills the cell.
pub(super) fn says_nothing(folded: &str) -> bool {
    NOTHING.contains(&folded) || NOT_KNOWN.contains(&folded)
}

/// What our rules for narratives make of a few words.
pub(super) fn read_out(words: &str) -> Option<Codes> {
    let mut object = Map::new();
    object.insert("narrative".to_owned(), Value::String(words.to_owned()));
    let settings = Settings::default();
    let receipt = Receipt { received_at: None, now: DateTime::UNIX_EPOCH, settings: &settings, mapped: &[] };
    normalize::code(&object, &receipt).ok().map(|report| report.codes)
}

/// The one code that was read out for an axis.
pub(super) fn only_code(codes: &Codes, field: Field) -> Option<&'static str> {
    let (mut found, mut more) = (None, false);
    codes.each(field, |code| {
        more |= found.is_some();
        found = Some(code);
    });
    found.filter(|code| !more && *code != "unknown")
}

/// Every word of our own lists: what consists of these alone is no private text.
static VOCABULARY: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut all: HashSet<String> =
        SMALL.iter().chain(NOTHING).chain(NOT_KNOWN).map(|word| (*word).to_owned()).collect();
    let phrases = MEANINGS.values().flat_map(HashMap::keys);
    all.extend(phrases.flat_map(|phrase| phrase.split(' ')).map(str::to_owned));
    all
});

/// Whether each word of the text is one of our lists.
pub(super) fn is_of_our_words(text: &str) -> bool {
    let folded = fold(text);
    !folded.is_empty() && folded.split(' ').all(|word| VOCABULARY.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(header: &str) -> Option<Target> {
        let all = header_targets(header);
        let top = all.values().max().copied()?;
        all.into_iter().find(|(_, score)| *score == top).map(|(target, _)| target)
    }

    #[test]
    fn headers_in_both_languages_lead_to_fields() {
        for (header, field) in [
            ("Fecha del incidente", "occurred"),
            ("FECHA", "occurred"),
            ("¿Cuándo pasó?", "occurred"),
            ("Date of call", "reported_at"),
            ("Marca temporal", "reported_at"),
            ("Timestamp", "reported_at"),
            ("dateReceived", "reported_at"),
            ("# agents", "agents"),
            ("No. of agents", "agents"),
            ("¿Cuántos agentes?", "agents"),
            ("Ciudad", "place"),
            ("narrativa", "narrative"),
            ("Notes", "narrative"),
            ("What happened? Please describe", "narrative"),
            ("Call no.", "external_id"),
            ("Folio", "external_id"),
            ("Kind of place", "setting"),
            ("Tipo de lugar", "setting"),
            ("Who they said they were", "agency_claimed"),
            ("What they did", "tactics"),
            ("Taken", "persons_arrested"),
            ("Número de detenidos", "persons_arrested"),
            ("Lat", "lat"),
            ("apprehension_date", "occurred"),
            ("Estado", "state"),
            ("Estatus", "review"),
            ("Caller's words", "narrative"),
        ] {
            assert_eq!(best(header), Some(Target::Field(field)), "{header}");
        }
    }

    #[test]
    fn headers_of_private_columns_are_told() {
        for (header, what) in [
            ("Call-back number", "phone numbers"),
            ("Teléfono de contacto", "phone numbers"),
            ("Nombre de quien llama", "names of people"),
            ("Dispatcher", "names of people"),
            ("Caller name", "names of people"),
            ("A-number", "numbers of persons"),
            ("A#", "numbers of persons"),
            ("Docket #", "numbers of cases"),
            ("DOB", "birth dates or ages"),
            ("License plate", "plates or badges"),
            ("Home address", "where people live or come from"),
            ("Hearing date", "dates of something else than the event or the report"),
        ] {
            assert_eq!(best(header), Some(Target::Private(what)), "{header}");
        }
        assert_eq!(best("Blorp"), None);
    }

    #[test]
    fn words_mean_codes() {
        for (field, word, expected) in [
            (Field::EventKind, "arrest", Meaning::Itself("arrest")),
            (Field::EventKind, "Intento de Arresto", Meaning::Itself("attempted_arrest")),
            (Field::EventKind, "took someone", Meaning::Code("arrest")),
            (Field::EventKind, "DETENCIÓN", Meaning::Code("arrest")),
            (Field::Setting, "carcel o prision", Meaning::Code("jail_or_prison")),
            (Field::Setting, "CAP Local Incarceration", Meaning::Code("jail_or_prison")),
            (Field::Setting, "Located", Meaning::Nothing),
            (Field::AgencyClaimed, "La Migra", Meaning::Code("ice_unspecified")),
            (Field::AgencyClaimed, "desconocido", Meaning::Code("unknown")),
            (Field::Tactics, "unmarked car", Meaning::Code("unmarked_vehicle")),
            (Field::Setting, "N/A", Meaning::Nothing),
            (Field::AuthorityShown, "none", Meaning::Itself("none")),
        ] {
            assert_eq!(meaning(field, word), Some(expected), "{word}");
        }
        assert_eq!(meaning(Field::Setting, "blorp"), None);
    }

    #[test]
    fn every_word_of_the_lists_means_what_it_says() {
        let file: BTreeMap<String, BTreeMap<String, Vec<String>>> = toml::from_str(VALUES).expect("reads");
        for (section, codes) in &file {
            let name = if section == "agency" { "agency_claimed" } else { section };
            let field = Field::from_name(name).expect("an axis");
            assert!(AXES.contains(&field), "{section}");
            for (code, words) in codes {
                for word in words {
                    let Some(Meaning::Itself(found) | Meaning::Code(found)) = meaning(field, word) else {
                        panic!("{section}: {word} means nothing")
                    };
                    assert_eq!(found, code, "{section}: {word}");
                }
            }
        }
        let file: HeaderFile = toml::from_str(HEADERS).expect("reads");
        for name in file.fields.keys() {
            assert!(schemas::wire::is_field(name), "{name}");
        }
    }
}
