//! Narratives: facts put into sentences, in English, Spanish or both, clean or in haste.
//!
//! What always holds: a text tells exactly the facts it was given, in words of `words.toml`; a planted private string
//! stands in it letter for letter, and its place is known.

use schemas::redaction::Class;
use schemas::{Count, Language};

use super::dice::Dice;
use super::encounter::{Code, Codes, Encounter, court_type_of_name, is_event};
use super::place::misspell;
use super::private;
use super::world::{Phrases, Piece, Slot, Template, WORLD, Words, nouns};

/// A private string that was planted: what an exact redaction would take out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Planted {
    /// The wire field that holds it.
    pub field: &'static str,
    /// Where it begins and ends in the field, in Unicode scalar values.
    pub start: usize,
    pub end: usize,
    pub class: Class,
    pub text: String,
}

/// In which language a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tongue {
    En,
    Es,
    /// Both, sentence by sentence.
    Mixed,
}

impl Tongue {
    /// The language of the next sentence.
    pub(super) fn language(self, dice: &mut Dice) -> Language {
        match self {
            Self::En => Language::En,
            Self::Es => Language::Es,
            Self::Mixed if dice.percent(50) => Language::En,
            Self::Mixed => Language::Es,
        }
    }
}

/// How carefully a text is typed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Care {
    /// All in lower case, without accents and without the last full stop.
    pub(super) hasty: bool,
    /// Slips of the fingers, per mille of the pieces of text.
    pub(super) slips: u32,
}

/// What a text is to tell.
pub(super) struct Tale<'a> {
    pub(super) encounter: &'a Encounter,
    pub(super) facts: &'a Codes,
    /// The kind of event that the sentences are about: a verdict may have made another of it since.
    pub(super) kind: Code,
    pub(super) tongue: Tongue,
    /// The language of the first sentence, in which `when` is.
    pub(super) language: Language,
    /// When it happened, in words; empty: not told.
    pub(super) when: &'a str,
    /// How many private strings to plant.
    pub(super) private: u32,
    /// A verdict that has come since.
    pub(super) verdict: Option<Code>,
    pub(super) care: Care,
    /// Add what has no code until the text has so many characters.
    pub(super) length: usize,
    /// Whoever took the call writes it down: at times with an opener and a closing.
    pub(super) at_desk: bool,
}

/// A text as it is sent.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) planted: Vec<Planted>,
    /// Whether it names the town or the court.
    pub(super) names_place: bool,
}

/// A narrative.
pub(super) fn narrate(dice: &mut Dice, tale: &Tale<'_>) -> Text {
    let words = &WORLD.words;
    let mut prose = Prose { dice, tale, text: String::with_capacity(640), planted: Vec::new(), names_place: false };
    if tale.at_desk && prose.dice.percent(35) {
        prose.any(&words.opener);
    }
    prose.first_sentence();
    let mut facts = prose.fact_sentences();
    prose.dice.shuffle(&mut facts);
    for phrases in facts {
        prose.any(phrases);
    }
    if is_event(tale.kind) && tale.facts.vehicles.is_some() {
        prose.any(&words.vehicles);
    }
    prose.end()
}

/// The same as a SALUTE text: size, activity, location, unit, time, equipment; ordered or not, whole or not.
pub(super) fn salute(dice: &mut Dice, tale: &Tale<'_>) -> Text {
    let mut prose = Prose { dice, tale, text: String::with_capacity(320), planted: Vec::new(), names_place: false };
    let mut parts = ["activity", "location", "size", "unit", "time", "equipment"];
    if prose.dice.percent(55) {
        parts = ["size", "activity", "location", "unit", "time", "equipment"];
    } else {
        prose.dice.shuffle(&mut parts);
    }
    let separator = ["; ", ". ", "\n", " / "][prose.dice.below(4) as usize];
    for part in parts {
        prose.salute_part(part, separator);
    }
    let mut facts = prose.fact_sentences();
    prose.dice.shuffle(&mut facts);
    for phrases in facts {
        prose.any(phrases);
    }
    prose.end()
}

/// Remarks of a form, without any fact, until there are so many characters.
pub(super) fn comment(dice: &mut Dice, tongue: Tongue, length: usize) -> Text {
    let mut remarks: Vec<&Template> = WORLD.words.comment.of(tongue.language(dice)).iter().collect();
    dice.shuffle(&mut remarks);
    let mut text = String::with_capacity(2 * length);
    for Template(pieces) in remarks {
        if text.chars().count() >= length {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.extend(pieces.iter().map(|piece| if let Piece::Text(text) = piece { text.as_str() } else { "" }));
    }
    Text { text, planted: Vec::new(), names_place: false }
}

struct Prose<'a> {
    dice: &'a mut Dice,
    tale: &'a Tale<'a>,
    text: String,
    planted: Vec<Planted>,
    names_place: bool,
}

impl Prose<'_> {
    fn first_sentence(&mut self) {
        let words = &WORLD.words;
        let language = self.tale.language;
        let templates = match words.event.get(self.tale.kind) {
            Some(event) => event.sentences(language),
            None => words.story.get(self.tale.kind).map_or(&[][..], |story| story.of(language)),
        };
        self.one_of(templates, language, None);
    }

    /// The sentences that say each fact that has no place in the first one.
    fn fact_sentences(&self) -> Vec<&'static Phrases> {
        let words: &'static Words = &WORLD.words;
        let facts = self.tale.facts;
        let mut out: Vec<&'static Phrases> = Vec::with_capacity(12);
        out.extend(facts.tactics.iter().filter_map(|code| words.tactic.get(*code)));
        out.extend(facts.authority_shown.iter().filter_map(|code| words.authority.get(*code)));
        out.extend(facts.vulnerable_parties.iter().filter_map(|code| words.vulnerable.get(*code)));
        let single = [
            (facts.agency_claimed, &words.claimed),
            (facts.outcome, &words.outcome),
            (facts.court_role, &words.court_role),
            (facts.court_stage, &words.court_stage),
            (facts.court_type, &words.court_type),
            (facts.case_level, &words.case_level),
        ];
        out.extend(single.into_iter().filter_map(|(code, phrases)| phrases.get(code?)));
        out
    }

    fn salute_part(&mut self, part: &str, separator: &str) {
        let words = &WORLD.words;
        let facts = self.tale.facts;
        let language = self.tale.language;
        let told = match part {
            "size" => facts.agents.is_some() || facts.agency_assessed.is_some(),
            "unit" => false,
            "time" => !self.tale.when.is_empty(),
            "equipment" => facts.vehicles.is_some(),
            _ => true,
        };
        // A part that nothing is known of is left out, or asked for in vain.
        if !told && self.dice.percent(60) {
            return;
        }
        let label = self.dice.pick(nouns(&words.salute, part, language)).map_or("", String::as_str);
        self.push(label);
        self.push(": ");
        match part {
            _ if !told => self.push(if language == Language::En { "not sure" } else { "no sé" }),
            "size" => self.slot(Slot::Agents, language, None),
            "activity" => {
                let activities = words.event.get(self.tale.kind).map_or(&[][..], |event| event.activities(language));
                if let Some(template) = self.dice.pick(activities) {
                    self.pieces(template, language, None);
                }
            }
            "location" => self.slot(Slot::Where, language, None),
            "time" => self.slot(Slot::When, language, None),
            _ => self.slot(Slot::Number, language, None),
        }
        self.text.push_str(separator);
    }

    /// One of the phrases, in the language of the next sentence.
    fn any(&mut self, phrases: &'static Phrases) {
        let language = self.tale.tongue.language(self.dice);
        self.one_of(phrases.of(language), language, None);
    }

    fn one_of(&mut self, templates: &'static [Template], language: Language, private: Option<(Class, &str)>) {
        let Some(template) = self.dice.pick(templates) else { return };
        if !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
            self.text.push(' ');
        }
        let start = self.text.len();
        self.pieces(template, language, private);
        if !self.tale.care.hasty {
            self.capital(start);
        }
    }

    fn pieces(&mut self, template: &'static Template, language: Language, private: Option<(Class, &str)>) {
        for piece in &template.0 {
            match piece {
                Piece::Text(text) if self.dice.per_mille(self.tale.care.slips) => {
                    let text = misspell(self.dice, text);
                    self.push(&text);
                }
                Piece::Text(text) => self.push(text),
                Piece::Slot(slot) => self.slot(*slot, language, private),
            }
        }
    }

    fn slot(&mut self, slot: Slot, language: Language, private: Option<(Class, &str)>) {
        let words = &WORLD.words;
        let (tale, facts) = (self.tale, self.tale.facts);
        match slot {
            Slot::Agents => {
                let agency = words.agency.get(facts.agency_assessed.unwrap_or("none"));
                self.counted(facts.agents, language);
                let nouns = agency.map_or(&[][..], |phrases| phrases.of(language));
                if let Some(noun) = self.dice.pick(nouns) {
                    self.pieces(noun, language, None);
                }
            }
            Slot::Victim => match facts.persons_arrested {
                Some(count) if count == Count::exactly(1) => self.noun("victim_one", language),
                Some(count) => {
                    self.counted(Some(count), language);
                    self.noun("victim_many", language);
                }
                None => self.noun("victim_unsaid", language),
            },
            Slot::Where => {
                let key = match (facts.setting, facts.place_relation) {
                    (Some("courthouse"), Some(relation)) => format!("courthouse_{relation}"),
                    (Some(setting), _) => setting.to_owned(),
                    (None, _) => String::from("unsaid"),
                };
                let phrases = words.places.get(&key).map_or(&[][..], |phrases| phrases.of(language));
                if let Some(template) = self.dice.pick(phrases) {
                    self.pieces(template, language, None);
                }
            }
            Slot::When => self.push(tale.when),
            Slot::Town => {
                self.push(&tale.encounter.county.towns[tale.encounter.town].0);
                self.names_place = true;
            }
            // A name that gives the type of court away stands only where the type is told.
            Slot::Court => match tale.encounter.court {
                Some(court) if court_type_of_name(court).is_none_or(|code| facts.court_type == Some(code)) => {
                    self.push(court);
                    self.names_place = true;
                }
                _ => self.push("the courthouse"),
            },
            Slot::Number => match facts.vehicles {
                Some(count) if count == Count::exactly(1) => self.noun("vehicle_one", language),
                Some(count) => {
                    self.counted(Some(count), language);
                    self.noun("vehicle_many", language);
                }
                None => self.noun("vehicle_many", language),
            },
            Slot::Private => {
                if let Some((class, text)) = private {
                    let start = self.text.chars().count();
                    self.text.push_str(text);
                    let end = self.text.chars().count();
                    self.planted.push(Planted { field: "narrative", start, end, class, text: text.to_owned() });
                }
            }
        }
    }

    fn noun(&mut self, list: &str, language: Language) {
        let noun = self.dice.pick(nouns(&WORLD.words.nouns, list, language)).map_or("", String::as_str);
        self.push(noun);
    }

    /// "4 ", "5 to 6 ", "at least 4 ", or nothing.
    fn counted(&mut self, count: Option<Count>, language: Language) {
        if let Some(count) = count {
            let words = count_words(self.dice, language, count);
            self.push(&words);
            self.push(" ");
        }
    }

    /// Private strings, what has no code, the verdict.
    fn end(mut self) -> Text {
        let words = &WORLD.words;
        for _ in 0..self.tale.private {
            let (class, text) = private::draw(self.dice, self.tale.encounter);
            let language = self.tale.tongue.language(self.dice);
            if let Some(phrases) = words.private.get(class.as_str()) {
                self.one_of(phrases.of(language), language, Some((class, &text)));
            }
        }
        let mut filler = self.dice.below(64) as usize;
        while self.text.chars().count() < self.tale.length {
            let language = self.tale.tongue.language(self.dice);
            let fillers = words.filler.of(language);
            let place = filler % fillers.len();
            self.one_of(&fillers[place..=place], language, None);
            // A step without a common factor with their number visits them all.
            filler += 5;
        }
        if self.tale.at_desk && self.dice.percent(40) {
            self.any(&words.closing);
        }
        if let Some(phrases) = self.tale.verdict.and_then(|verdict| words.update.get(verdict)) {
            self.any(phrases);
        }
        let ends_in_private = self.planted.last().is_some_and(|p| p.end == self.text.chars().count());
        let trailing = [' ', '\n', ';', '/'];
        let mut kept = self.text.trim_end_matches(trailing).len();
        if self.tale.care.hasty && !ends_in_private {
            kept = self.text[..kept].trim_end_matches('.').len();
        }
        self.text.truncate(kept);
        Text { text: self.text, planted: self.planted, names_place: self.names_place }
    }

    /// Adds words with single spaces between them, as carefully as the text is typed.
    fn push(&mut self, words: &str) {
        let open = self.text.is_empty() || self.text.ends_with([' ', '\n']);
        let words = if open { words.trim_start() } else { words };
        if words.starts_with(['.', ',', ';', ':']) && self.text.ends_with(' ') {
            self.text.pop();
        }
        if self.tale.care.hasty {
            self.text.extend(words.chars().flat_map(char::to_lowercase).map(without_accent));
        } else {
            self.text.push_str(words);
        }
    }

    fn capital(&mut self, start: usize) {
        if let Some(first) = self.text[start..].chars().next() {
            let upper: String = first.to_uppercase().collect();
            self.text.replace_range(start..start + first.len_utf8(), &upper);
        }
    }
}

fn without_accent(letter: char) -> char {
    match letter {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' | 'ü' => 'u',
        other => other,
    }
}

/// A count in words: "4", "5 to 6", "6+", "at least 4", "mínimo 4".
pub(super) fn count_words(dice: &mut Dice, language: Language, count: Count) -> String {
    let least = count.min().unwrap_or(0);
    match (count.max(), language) {
        (Some(most), _) if most == least => format!("{least}"),
        (Some(most), Language::En) => match dice.below(3) {
            0 => format!("{least} or {most}"),
            1 => format!("{least}-{most}"),
            _ => format!("{least} to {most}"),
        },
        (Some(most), Language::Es) => match dice.below(3) {
            0 => format!("{least} o {most}"),
            1 => format!("{least}-{most}"),
            _ => format!("de {least} a {most}"),
        },
        (None, _) if dice.percent(40) => format!("{least}+"),
        (None, Language::En) => format!("at least {least}"),
        (None, Language::Es) => format!("mínimo {least}"),
    }
}
