//! Reads the rule files and compiles them into one automaton, or says which line of which file is wrong.
//!
//! What always holds: all files compile or none is used. A code that the taxonomy does not have, a class or a fact
//! that no file defines, a phrase that does not parse, a name used twice: each is an error with its file and line.

use std::collections::HashMap;

use schemas::taxonomy::{
    Agency, Authority, CaseLevel, CodeAxis, CourtRole, CourtStage, CourtType, EventClass, EventKind, Outcome,
    PartnerModel, PlaceRelation, Priority, Setting, Tactic, VulnerableParty,
};
use serde::Deserialize;
use toml::Spanned;

use super::automaton::{Automaton, Builder};
use super::evidence::{self, Choice, Stems, Weigh, Weights};
use super::fold::Field;
use super::lexicon::{Alias, Lexicon};
use super::pattern::{self, Classes};
use super::scope::ScopeWords;
use super::{CountField, RuleError, RuleId};

/// What a rule says when it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// A fact that only other rules read ("someone was taken").
    Sign,
    EventKind(EventKind),
    Setting(Setting),
    PlaceRelation(PlaceRelation),
    Tactic(Tactic),
    Claimed(Agency),
    Assessed(Agency),
    PartnerModel(PartnerModel),
    Authority(Authority),
    CourtType(CourtType),
    CourtStage(CourtStage),
    CourtRole(CourtRole),
    CaseLevel(CaseLevel),
    Outcome(Outcome),
    Vulnerable(VulnerableParty),
    Priority(Priority),
}

/// The axes that rules may code, by their names in the rule files, which are those of the wire form; and `sign`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Axis {
    Sign,
    EventKind,
    Setting,
    PlaceRelation,
    Tactics,
    Claimed,
    Assessed,
    PartnerModel,
    Authority,
    CourtType,
    CourtStage,
    CourtRole,
    CaseLevel,
    Outcome,
    Vulnerable,
    Priority,
}

impl Axis {
    pub(super) const COUNT: usize = 16;

    const NAMES: [(&'static str, Self); Self::COUNT] = [
        ("sign", Self::Sign),
        ("event_kind", Self::EventKind),
        ("setting", Self::Setting),
        ("place_relation", Self::PlaceRelation),
        ("tactics", Self::Tactics),
        ("agency_claimed", Self::Claimed),
        ("agency_assessed", Self::Assessed),
        ("partner_model", Self::PartnerModel),
        ("authority_shown", Self::Authority),
        ("court_type", Self::CourtType),
        ("court_stage", Self::CourtStage),
        ("court_role", Self::CourtRole),
        ("case_level", Self::CaseLevel),
        ("outcome", Self::Outcome),
        ("vulnerable_parties", Self::Vulnerable),
        ("priority_claimed", Self::Priority),
    ];

    fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, axis)| *axis)
    }

    /// Several values may hold.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::Sign | Self::Tactics | Self::Authority | Self::Vulnerable)
    }

    fn value(self, code: &str) -> Option<Value> {
        match self {
            Self::Sign => (!code.is_empty()).then_some(Value::Sign),
            Self::EventKind => EventKind::from_code(code).map(Value::EventKind),
            Self::Setting => Setting::from_code(code).map(Value::Setting),
            Self::PlaceRelation => PlaceRelation::from_code(code).map(Value::PlaceRelation),
            Self::Tactics => Tactic::from_code(code).map(Value::Tactic),
            Self::Claimed => Agency::from_code(code).map(Value::Claimed),
            Self::Assessed => Agency::from_code(code).map(Value::Assessed),
            Self::PartnerModel => PartnerModel::from_code(code).map(Value::PartnerModel),
            Self::Authority => Authority::from_code(code).map(Value::Authority),
            Self::CourtType => CourtType::from_code(code).map(Value::CourtType),
            Self::CourtStage => CourtStage::from_code(code).map(Value::CourtStage),
            Self::CourtRole => CourtRole::from_code(code).map(Value::CourtRole),
            Self::CaseLevel => CaseLevel::from_code(code).map(Value::CaseLevel),
            Self::Outcome => Outcome::from_code(code).map(Value::Outcome),
            Self::Vulnerable => VulnerableParty::from_code(code).map(Value::Vulnerable),
            Self::Priority => Priority::from_code(code).map(Value::Priority),
        }
    }
}

/// Something that may hold of a text: a sign, or a code of an axis. Index into a bit set.
pub(super) type FactId = usize;

/// Words that a negation reaches where its cue says nothing of it.
const REACH: u8 = 6;

/// Signs of the whole text, given by [`super::read`]; decisions name them like any other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    /// `long_ago`: every act that is told is of another day.
    pub long_ago: FactId,
    /// `only_heard`: every act that is told is what others say.
    pub only_heard: FactId,
    /// `question`: some sentence ends in a question mark.
    pub question: FactId,
}

/// What a cue does to what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CueKind {
    /// "never", "sin": what follows, for a few words, is denied.
    Negation,
    /// "only", "nomas": looks like a negation and is none.
    NotNegation,
    /// "if", "si": the rest of the sentence did not happen.
    Supposition,
    /// "a él si se lo llevaron": a "sí" without its accent, which supposes nothing.
    NotSupposition,
    /// "last year": the sentence speaks of another day.
    Past,
    /// "someone posted": the sentence is what others say.
    Hearsay,
    /// "turned out", "resulto ser": what follows counts more than what came before.
    Correction,
}

/// A phrase rule, compiled.
#[derive(Debug)]
pub(super) struct Rule {
    pub axis: Axis,
    pub value: Value,
    pub fact: FactId,
    /// `setting=courthouse`, where a decision asks for it.
    pub won: Option<FactId>,
    /// Its fact is an act of this event.
    pub act: bool,
    pub rank: i32,
    pub even_denied: bool,
    pub even_supposed: bool,
    pub even_past: bool,
    pub even_asked: bool,
    /// Counts in a question only.
    pub only_asked: bool,
    pub field: Option<Field>,
    pub not_field: Option<Field>,
    pub needs: bool,
    pub unless: bool,
    pub except: bool,
}

/// A rule over facts, compiled.
#[derive(Debug)]
pub(super) struct Decision {
    pub axis: Axis,
    pub value: Value,
    pub fact: FactId,
    /// `setting=courthouse`, where a decision asks for it.
    pub won: Option<FactId>,
    pub all: Vec<FactId>,
    pub any: Vec<FactId>,
    pub none: Vec<FactId>,
    /// Facts that it takes away instead of giving one.
    pub drops: Vec<FactId>,
    pub instead: bool,
    /// Gives way to what the words weigh.
    pub weak: bool,
}

/// A counting rule, compiled.
#[derive(Debug)]
pub(super) struct Counting {
    pub field: CountField,
    /// The count itself, where the phrase holds no `#`.
    pub exactly: Option<u32>,
    pub rank: i32,
    pub salute: Option<Field>,
}

/// What a phrase of the automaton belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    Fires(u16),
    Needs(u16),
    Unless(u16),
    /// Where it lies on a phrase of the rule, that phrase says something else.
    Except(u16),
    /// A negation says how many words it reaches.
    Cue(CueKind, u8),
    Counts(u16),
    CountUnless(u16),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Phrase {
    pub role: Role,
    pub says_no: bool,
}

/// An example beside a rule: a text on which it must, or must not, fire.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "only the test that runs the examples reads them"))]
pub(super) struct Example {
    pub rule: RuleId,
    pub text: String,
    pub fires: bool,
    pub place: String,
}

/// All rule files, compiled. `names`: rules, then decisions, then countings.
#[derive(Debug)]
pub(super) struct Compiled {
    pub lexicon: Lexicon,
    pub automaton: Automaton,
    pub phrases: Vec<Phrase>,
    pub rules: Vec<Rule>,
    pub early: Vec<(Decision, RuleId)>,
    pub late: Vec<(Decision, RuleId)>,
    /// The decisions that give way to what the words weigh.
    pub weak: Vec<RuleId>,
    pub weighs: Vec<Weigh>,
    pub stems: Stems,
    pub countings: Vec<Counting>,
    pub names: Vec<Box<str>>,
    pub facts: usize,
    /// Signs that no phrase gives, but the whole text.
    pub whole: Whole,
    /// The sign of a text that says that nobody was taken, and a rule that gives it: the count is 0.
    pub nobody: Option<FactId>,
    pub nobody_rule: RuleId,
    pub first_counting: u16,
    pub scope: ScopeWords,
    #[cfg_attr(not(test), expect(dead_code, reason = "only the test that runs the examples reads them"))]
    pub examples: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    class: Vec<ClassSource>,
    #[serde(default)]
    cue: Vec<CueSource>,
    #[serde(default)]
    rule: Vec<RuleSource>,
    #[serde(default)]
    decide: Vec<DecideSource>,
    #[serde(default)]
    count: Vec<CountSource>,
    #[serde(default)]
    weigh: Vec<WeighSource>,
    #[serde(default)]
    short: Vec<ShortSource>,
    #[serde(default)]
    misspelt: Vec<MisspeltSource>,
}

/// Words that are known with one letter left out or two letters changed about, where that makes no other known word.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MisspeltSource {
    #[serde(default)]
    en: Texts,
    #[serde(default)]
    es: Texts,
}

/// A word as people write it on a telephone: it stands for another beside itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShortSource {
    stands_for: Spanned<String>,
    any: Texts,
}

type Texts = Vec<Spanned<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassSource {
    #[serde(default, rename = "note")]
    _note: Option<String>,
    name: Spanned<String>,
    #[serde(default)]
    any: Texts,
    #[serde(default)]
    en: Texts,
    #[serde(default)]
    es: Texts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CueSource {
    kind: CueKind,
    /// Words that a negation reaches at most.
    reach: Option<u8>,
    #[serde(default)]
    en: Texts,
    #[serde(default)]
    es: Texts,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Even {
    Denied,
    Supposed,
    Past,
    Asked,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Only {
    Asked,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FieldSource {
    Size,
    Activity,
    Location,
    Uniform,
    Time,
    Equipment,
}

impl From<FieldSource> for Field {
    fn from(source: FieldSource) -> Self {
        match source {
            FieldSource::Size => Self::Size,
            FieldSource::Activity => Self::Activity,
            FieldSource::Location => Self::Location,
            FieldSource::Uniform => Self::Uniform,
            FieldSource::Time => Self::Time,
            FieldSource::Equipment => Self::Equipment,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSource {
    id: Spanned<String>,
    axis: Spanned<String>,
    code: Spanned<String>,
    #[serde(default)]
    rank: i32,
    /// Why the rule is as it is, for people; nothing reads it.
    #[serde(default, rename = "note")]
    _note: Option<String>,
    #[serde(default)]
    en: Texts,
    #[serde(default)]
    es: Texts,
    /// Phrases of the same sentence that silence the rule.
    #[serde(default)]
    unless: Texts,
    /// Phrases that silence only what they lie on: "took photos" is no "took".
    #[serde(default)]
    except: Texts,
    #[serde(default)]
    needs: Texts,
    #[serde(default)]
    even: Vec<Even>,
    /// The one mark without which the rule does not count: `asked`, for what is said in a question.
    only: Option<Only>,
    field: Option<FieldSource>,
    not_field: Option<FieldSource>,
    /// An act of this event: facts of other days give way to it, and settings near it count more.
    #[serde(default)]
    act: bool,
    #[serde(default)]
    yes: Texts,
    #[serde(default)]
    no: Texts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecideSource {
    id: Spanned<String>,
    axis: Option<Spanned<String>>,
    code: Option<Spanned<String>>,
    #[serde(default, rename = "note")]
    _note: Option<String>,
    #[serde(default)]
    when: Texts,
    #[serde(default)]
    any: Texts,
    #[serde(default)]
    unless: Texts,
    #[serde(default)]
    drop: Texts,
    /// Takes the place of what phrases gave.
    #[serde(default)]
    instead: bool,
    /// Gives way to what the words weigh.
    #[serde(default)]
    weak: bool,
    #[serde(default)]
    yes: Texts,
    #[serde(default)]
    no: Texts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountSource {
    id: Spanned<String>,
    field: CountField,
    exactly: Option<u32>,
    #[serde(default)]
    rank: i32,
    #[serde(default, rename = "note")]
    _note: Option<String>,
    #[serde(default)]
    en: Texts,
    #[serde(default)]
    es: Texts,
    #[serde(default)]
    unless: Texts,
    salute: Option<FieldSource>,
    #[serde(default)]
    yes: Texts,
    #[serde(default)]
    no: Texts,
}

/// What words weigh on one axis.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WeighSource {
    id: Spanned<String>,
    axis: Spanned<String>,
    trust: i32,
    trust_weak: i32,
    #[serde(default)]
    weak_rank: i32,
    least: i32,
    least_against: i32,
    #[serde(default)]
    least_event: i32,
    #[serde(default)]
    event_needs: Texts,
    codes: Texts,
    bias: Vec<i32>,
    /// A line for each stem: its letters, and its weight for each of the codes. Thousands of them, so no table of TOML,
    /// which every start would feel.
    words: Spanned<String>,
    /// The same by the ids of rules.
    phrases: Spanned<String>,
}

/// A file's name and text, for error messages.
struct Place<'a> {
    file: &'a str,
    text: &'a str,
}

impl Place<'_> {
    fn error(&self, at: usize, message: impl Into<String>) -> RuleError {
        let line = 1 + self.text.as_bytes()[..at.min(self.text.len())].iter().filter(|b| **b == b'\n').count();
        RuleError { file: self.file.to_owned(), line, message: message.into() }
    }

    fn at<T>(&self, spanned: &Spanned<T>, message: impl Into<String>) -> RuleError {
        self.error(spanned.span().start, message)
    }
}

/// Facts by name: `sign.taken`, `tactics.masked`; and `setting=courthouse`, the value that won its axis.
#[derive(Default)]
struct Facts {
    ids: HashMap<(Axis, String, bool), FactId>,
    /// Given by some rule or decision.
    made: Vec<bool>,
}

impl Facts {
    fn id(&mut self, axis: Axis, code: &str, won: bool) -> FactId {
        let next = self.ids.len();
        let id = *self.ids.entry((axis, code.to_owned(), won)).or_insert(next);
        if id == next {
            self.made.push(false);
        }
        id
    }

    fn make(&mut self, axis: Axis, code: &str) -> FactId {
        let id = self.id(axis, code, false);
        self.made[id] = true;
        id
    }
}

struct Loader {
    lexicon: Lexicon,
    automaton: Builder,
    classes: Classes,
    phrases: Vec<Phrase>,
    rules: Vec<Rule>,
    names: Vec<Box<str>>,
    facts: Facts,
    acts: Vec<FactId>,
    examples: Vec<Example>,
    seen: HashMap<String, String>,
}

impl Loader {
    fn phrases(&mut self, place: &Place<'_>, sources: &[Spanned<String>], role: Role) -> Result<(), RuleError> {
        for source in sources {
            let pattern =
                self.classes.parse(source.get_ref(), &mut self.lexicon).map_err(|message| place.at(source, message))?;
            let number = u32::try_from(self.phrases.len()).map_err(|_| place.at(source, "too many phrases"))?;
            self.automaton.add(&pattern, number);
            self.phrases.push(Phrase { role, says_no: pattern.says_no });
        }
        Ok(())
    }

    fn name(&mut self, place: &Place<'_>, id: &Spanned<String>) -> Result<RuleId, RuleError> {
        let name = id.get_ref();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(place.at(id, format!("the id `{name}`: small letters, digits and hyphens only")));
        }
        if let Some(file) = self.seen.insert(name.clone(), place.file.to_owned()) {
            return Err(place.at(id, format!("the id `{name}` stands already in {file}")));
        }
        let number = u16::try_from(self.names.len()).map_err(|_| place.at(id, "too many rules"))?;
        self.names.push(name.as_str().into());
        Ok(RuleId(number))
    }

    fn examples(&mut self, place: &Place<'_>, rule: RuleId, yes: &[Spanned<String>], no: &[Spanned<String>]) {
        // A test reads them; every start would pay for their lines.
        if !cfg!(test) {
            return;
        }
        for (texts, fires) in [(yes, true), (no, false)] {
            for text in texts {
                let line = place.at(text, "").line;
                self.examples.push(Example {
                    rule,
                    text: text.get_ref().clone(),
                    fires,
                    place: format!("{}:{line}", place.file),
                });
            }
        }
    }

    fn value(place: &Place<'_>, axis: &Spanned<String>, code: &Spanned<String>) -> Result<(Axis, Value), RuleError> {
        let found = Axis::from_name(axis.get_ref())
            .ok_or_else(|| place.at(axis, format!("there is no axis `{}`", axis.get_ref())))?;
        let value = found
            .value(code.get_ref())
            .ok_or_else(|| place.at(code, format!("the axis `{}` has no code `{}`", axis.get_ref(), code.get_ref())))?;
        Ok((found, value))
    }

    fn rule(&mut self, place: &Place<'_>, source: &RuleSource) -> Result<(), RuleError> {
        let (axis, value) = Self::value(place, &source.axis, &source.code)?;
        let id = self.name(place, &source.id)?;
        if source.en.is_empty() && source.es.is_empty() {
            return Err(place.at(&source.id, format!("the rule `{}` has no phrase", source.id.get_ref())));
        }
        let fact = self.facts.make(axis, source.code.get_ref());
        if source.act && !self.acts.contains(&fact) {
            self.acts.push(fact);
        }
        self.phrases(place, &source.en, Role::Fires(id.0))?;
        self.phrases(place, &source.es, Role::Fires(id.0))?;
        self.phrases(place, &source.needs, Role::Needs(id.0))?;
        self.phrases(place, &source.unless, Role::Unless(id.0))?;
        self.phrases(place, &source.except, Role::Except(id.0))?;
        self.examples(place, id, &source.yes, &source.no);
        self.rules.push(Rule {
            axis,
            value,
            fact,
            won: None,
            act: false,
            rank: source.rank,
            even_denied: source.even.contains(&Even::Denied),
            even_supposed: source.even.contains(&Even::Supposed),
            even_past: source.even.contains(&Even::Past),
            even_asked: source.even.contains(&Even::Asked) || source.only == Some(Only::Asked),
            only_asked: source.only == Some(Only::Asked),
            field: source.field.map(Field::from),
            not_field: source.not_field.map(Field::from),
            needs: !source.needs.is_empty(),
            unless: !source.unless.is_empty(),
            except: !source.except.is_empty(),
        });
        Ok(())
    }

    /// The facts that `terms` name. `axis.*` stands for every code of the axis that some rule gives.
    fn terms(&mut self, place: &Place<'_>, terms: &[Spanned<String>]) -> Result<Vec<FactId>, RuleError> {
        let mut out = Vec::new();
        for term in terms {
            let text = term.get_ref();
            let (axis, code, won) = match (text.split_once('='), text.split_once('.')) {
                (Some((axis, code)), _) => (axis, code, true),
                (None, Some((axis, code))) => (axis, code, false),
                (None, None) => ("sign", text.as_str(), false),
            };
            let axis = Axis::from_name(axis).ok_or_else(|| place.at(term, format!("there is no axis `{axis}`")))?;
            if code == "*" {
                let all: Vec<(String, FactId)> = self
                    .facts
                    .ids
                    .iter()
                    .filter(|((a, _, w), _)| *a == axis && !w)
                    .map(|((_, code, _), id)| (code.clone(), *id))
                    .collect();
                for (code, id) in all {
                    out.push(if won { self.facts.id(axis, &code, true) } else { id });
                }
                continue;
            }
            if axis.value(code).is_none() {
                return Err(place.at(term, format!("there is no code `{code}` there")));
            }
            let plain = self.facts.id(axis, code, false);
            if !self.facts.made[plain] {
                return Err(place.at(term, format!("no rule before this one gives `{text}`")));
            }
            out.push(if won { self.facts.id(axis, code, true) } else { plain });
        }
        out.sort_unstable();
        out.dedup();
        Ok(out)
    }

    fn decide(&mut self, place: &Place<'_>, source: &DecideSource) -> Result<(Decision, RuleId), RuleError> {
        let id = self.name(place, &source.id)?;
        let all = self.terms(place, &source.when)?;
        let any = self.terms(place, &source.any)?;
        let none = self.terms(place, &source.unless)?;
        let drops = self.terms(place, &source.drop)?;
        if all.is_empty() && any.is_empty() {
            return Err(place.at(&source.id, "a decision needs `when` or `any`"));
        }
        let (axis, value, fact) = match (&source.axis, &source.code) {
            (Some(axis), Some(code)) => {
                let (axis, value) = Self::value(place, axis, code)?;
                (axis, value, self.facts.make(axis, code.get_ref()))
            }
            (None, None) if !drops.is_empty() => (Axis::Sign, Value::Sign, FactId::MAX),
            _ => return Err(place.at(&source.id, "a decision has `axis` and `code`, or `drop`")),
        };
        self.examples(place, id, &source.yes, &source.no);
        let (instead, weak) = (source.instead, source.weak);
        Ok((Decision { axis, value, fact, won: None, all, any, none, drops, instead, weak }, id))
    }

    fn weigh(&mut self, place: &Place<'_>, source: &WeighSource, stems: &mut Stems) -> Result<Weigh, RuleError> {
        let id = self.name(place, &source.id)?;
        if source.bias.len() != source.codes.len() {
            return Err(place.at(&source.id, "`bias` has one number for each of `codes`"));
        }
        let mut choices = Vec::new();
        let mut axis = Axis::Sign;
        for (code, bias) in source.codes.iter().zip(&source.bias) {
            let (found, value) = Self::value(place, &source.axis, code)?;
            axis = found;
            let fact = self.facts.id(found, code.get_ref(), false);
            let event = matches!(value, Value::EventKind(kind) if kind.class() == EventClass::Event);
            choices.push(Choice { value, fact, won: None, bias: *bias, event });
        }
        if !matches!(axis, Axis::EventKind | Axis::Outcome | Axis::Setting) {
            return Err(place.at(&source.axis, "only event_kind, outcome and setting are weighed"));
        }
        let event_needs = self.terms(place, &source.event_needs)?;
        let words = Self::weights(place, source, &source.words, |word| {
            let short = word.len() <= evidence::LETTERS;
            let stem = short.then(|| evidence::stem(word.as_bytes())).flatten();
            let stem = stem.ok_or_else(|| format!("`{word}`: a word of at most {} letters", evidence::LETTERS))?;
            stems.number(stem).ok_or_else(|| "too many words".to_owned())
        })?;
        // A rule's number is its place among the names.
        let rules = &self.names[..self.rules.len()];
        let phrases = Self::weights(place, source, &source.phrases, |id| {
            let found = rules.iter().position(|name| **name == *id).and_then(|at| u16::try_from(at).ok());
            found.ok_or_else(|| format!("there is no rule `{id}`"))
        })?;
        Ok(Weigh {
            axis,
            id,
            trust: source.trust,
            trust_weak: source.trust_weak,
            weak_rank: source.weak_rank,
            least: source.least,
            least_against: source.least_against,
            least_event: source.least_event,
            event_needs,
            choices,
            words,
            phrases,
        })
    }

    /// The lines of a table of weights: a name, whose number `number` tells, and its weight for each of the codes.
    fn weights(
        place: &Place<'_>,
        source: &WeighSource,
        lines: &Spanned<String>,
        mut number: impl FnMut(&str) -> Result<u16, String>,
    ) -> Result<Weights, RuleError> {
        // A text in three quotes starts on the line behind them.
        let first = place.at(lines, "").line + 1;
        let mut weights = Weights::new(source.codes.len());
        for (n, line) in lines.get_ref().lines().enumerate() {
            let wrong = |message: String| RuleError { file: place.file.to_owned(), line: first + n, message };
            let mut parts = line.split_ascii_whitespace();
            let Some(name) = parts.next() else { continue };
            let row = parts.map(|part| part.parse().map_err(|_| wrong(format!("`{part}` is no weight"))));
            let row = row.collect::<Result<Vec<i16>, _>>()?;
            if !weights.add(number(name).map_err(wrong)?, &row) {
                return Err(wrong(format!("`{name}` once, with one weight for each of `codes`")));
            }
        }
        Ok(weights)
    }
}

/// A word with one letter left out, or two neighbours changed about. The first letter stands.
fn slips(word: &[u8]) -> impl Iterator<Item = Box<[u8]>> {
    let without = (1..word.len()).map(|at| [&word[..at], &word[at + 1..]].concat().into());
    let swapped = (1..word.len().saturating_sub(1)).map(|at| {
        let mut slip = word.to_vec();
        slip.swap(at, at + 1);
        slip.into()
    });
    without.chain(swapped)
}

/// Compiles the files, in their order: classes and cues first, then rules, then decisions, then counts.
pub(super) fn compile(sources: &[(&str, &str)]) -> Result<Compiled, RuleError> {
    let mut files = Vec::new();
    for &(file, text) in sources {
        let place = Place { file, text };
        let parsed: File = toml::from_str(text)
            .map_err(|error| place.error(error.span().map_or(0, |span| span.start), error.message()))?;
        files.push((place, parsed));
    }
    let mut loader = Loader {
        lexicon: Lexicon::new(),
        automaton: Builder::new(),
        classes: Classes::default(),
        phrases: Vec::new(),
        rules: Vec::new(),
        names: Vec::new(),
        facts: Facts::default(),
        acts: Vec::new(),
        examples: Vec::new(),
        seen: HashMap::new(),
    };
    for (place, file) in &files {
        for class in &file.class {
            let members: Vec<&Spanned<String>> = class.any.iter().chain(&class.en).chain(&class.es).collect();
            let texts: Vec<&str> = members.iter().map(|m| m.get_ref().as_str()).collect();
            loader
                .classes
                .define(class.name.get_ref(), &texts, &mut loader.lexicon)
                .map_err(|(at, message)| place.at(members.get(at).copied().unwrap_or(&class.name), message))?;
        }
    }
    for (place, file) in &files {
        for cue in &file.cue {
            loader.phrases(place, &cue.en, Role::Cue(cue.kind, cue.reach.unwrap_or(REACH)))?;
            loader.phrases(place, &cue.es, Role::Cue(cue.kind, cue.reach.unwrap_or(REACH)))?;
        }
        for rule in &file.rule {
            loader.rule(place, rule)?;
        }
    }
    let mut sign = |code| loader.facts.make(Axis::Sign, code);
    let whole = Whole { long_ago: sign("long_ago"), only_heard: sign("only_heard"), question: sign("question") };
    let (mut early, mut late) = (Vec::new(), Vec::new());
    for (place, file) in &files {
        for source in &file.decide {
            let (decision, id) = loader.decide(place, source)?;
            // What happened is decided on mentions, before any axis has its value.
            let before = matches!(decision.axis, Axis::Sign | Axis::EventKind | Axis::Outcome);
            if before { early.push((decision, id)) } else { late.push((decision, id)) }
        }
    }
    let weak = early.iter().chain(&late).filter(|(decision, _)| decision.weak).map(|(_, id)| *id).collect();
    let mut stems = Stems::default();
    let mut weighs = Vec::new();
    for (place, file) in &files {
        for source in &file.weigh {
            weighs.push(loader.weigh(place, source, &mut stems)?);
        }
    }
    let mut shorts: Vec<Alias> = Vec::new();
    for (place, file) in &files {
        let word = |text: &Spanned<String>| {
            pattern::single(text.get_ref())
                .filter(|word| !word.ends_with(b"*"))
                .ok_or_else(|| place.at(text, format!("`{}` is not one word", text.get_ref())))
        };
        for text in file.misspelt.iter().flat_map(|source| source.en.iter().chain(&source.es)) {
            let right = word(text)?;
            shorts.extend(slips(&right).filter(|slip| !loader.lexicon.knows(slip)).map(|slip| (slip, right.clone())));
        }
        for source in &file.short {
            let long = word(&source.stands_for)?;
            for short in &source.any {
                shorts.push((word(short)?, long.clone()));
            }
        }
    }
    let mut countings = Vec::new();
    let first_counting = u16::try_from(loader.names.len()).unwrap_or(u16::MAX);
    for (place, file) in &files {
        for source in &file.count {
            let id = loader.name(place, &source.id)?;
            let number = u16::try_from(countings.len()).map_err(|_| place.at(&source.id, "too many rules"))?;
            loader.phrases(place, &source.en, Role::Counts(number))?;
            loader.phrases(place, &source.es, Role::Counts(number))?;
            loader.phrases(place, &source.unless, Role::CountUnless(number))?;
            loader.examples(place, id, &source.yes, &source.no);
            countings.push(Counting {
                field: source.field,
                exactly: source.exactly,
                rank: source.rank,
                salute: source.salute.map(Field::from),
            });
        }
    }
    let scope = {
        let mut symbol = |class: &str| loader.lexicon.symbol(loader.classes.words(class));
        ScopeWords {
            turn: symbol("scope-turn"),
            list: symbol("scope-list"),
            after: symbol("scope-after"),
            question: symbol("scope-question"),
            ask: symbol("scope-ask"),
            asked_of: symbol("scope-asked-of"),
            was: symbol("scope-was"),
            but: symbol("scope-but"),
            now: symbol("scope-now"),
        }
    };
    let Loader { mut lexicon, automaton, phrases, mut rules, names, mut facts, acts, examples, .. } = loader;
    lexicon.finish(&shorts);
    let automaton = automaton.finish(&lexicon);
    let won: Vec<((Axis, String), FactId)> = facts
        .ids
        .iter()
        .filter(|((_, _, won), _)| *won)
        .map(|((axis, code, _), id)| ((*axis, code.clone()), *id))
        .collect();
    let mut winners = HashMap::new();
    for ((axis, code), id) in won {
        winners.insert((axis, facts.id(axis, &code, false)), id);
    }
    for rule in &mut rules {
        rule.act = acts.contains(&rule.fact);
        rule.won = winners.get(&(rule.axis, rule.fact)).copied();
    }
    for (decision, _) in early.iter_mut().chain(&mut late) {
        decision.won = winners.get(&(decision.axis, decision.fact)).copied();
    }
    for choice in weighs.iter_mut().flat_map(|weigh: &mut Weigh| weigh.choices.iter_mut().map(|c| (weigh.axis, c))) {
        choice.1.won = winners.get(&(choice.0, choice.1.fact)).copied();
    }
    let nobody = facts.ids.get(&(Axis::Sign, "nobody_taken".to_owned(), false)).copied();
    let nobody_rule = rules
        .iter()
        .position(|rule| Some(rule.fact) == nobody)
        .and_then(|n| u16::try_from(n).ok())
        .map_or(RuleId(0), RuleId);
    let count = facts.ids.len();
    Ok(Compiled {
        lexicon,
        automaton,
        phrases,
        rules,
        early,
        late,
        weak,
        weighs,
        stems,
        countings,
        names,
        facts: count,
        whole,
        nobody,
        nobody_rule,
        first_counting,
        scope,
        examples,
    })
}
