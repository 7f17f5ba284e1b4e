//! Free text to codes: what a narrative says of the axes of a report, by rules that people can read.
//!
//! The rules are data (`ingest/data/rules`, explained in `docs/coding.md`); this module only knows how to apply them:
//!
//! 1. [`fold`]: lower case, accents off, tokens with their offsets, sentences, the fields of a SALUTE text.
//! 2. [`count`]: "5 to 6", "media docena" become one token.
//! 3. [`automaton`]: one pass finds every phrase of every rule file.
//! 4. [`scope`]: what is denied, supposed, asked, of another day, or corrected later does not count.
//! 5. [`read`]: the facts that are left decide each axis.
//! 6. [`evidence`]: what the words weigh beside it; what is near is left open.
//!
//! What always holds: the same text gives the same reading; nothing here panics or fails on any text; every value
//! names its rule and the stretch that gave it, in bytes on character boundaries, and never the words; a rule file
//! that does not compile stops [`TextRules::from_sources`] with its line, so nothing is coded with half the rules.

mod automaton;
mod count;
mod evidence;
mod fold;
mod lexicon;
mod load;
mod pattern;
mod read;
mod scope;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use schemas::taxonomy::{
    Agency, Authority, CaseLevel, CourtRole, CourtStage, CourtType, EventKind, Outcome, PartnerModel, PlaceRelation,
    Priority, Setting, Tactic, VulnerableParty,
};
use schemas::{Count, Language};
use serde::Deserialize;

pub use read::Scratch;

/// The rule files of this build, in the order in which they are read: words before the rules that use them.
pub const BUILTIN: &[(&str, &str)] = &[
    ("words.toml", include_str!("../../../data/rules/words.toml")),
    ("cues.toml", include_str!("../../../data/rules/cues.toml")),
    ("events.toml", include_str!("../../../data/rules/events.toml")),
    ("agency.toml", include_str!("../../../data/rules/agency.toml")),
    ("setting.toml", include_str!("../../../data/rules/setting.toml")),
    ("court.toml", include_str!("../../../data/rules/court.toml")),
    ("tactics.toml", include_str!("../../../data/rules/tactics.toml")),
    ("authority.toml", include_str!("../../../data/rules/authority.toml")),
    ("people.toml", include_str!("../../../data/rules/people.toml")),
    ("counts.toml", include_str!("../../../data/rules/counts.toml")),
    ("weights.toml", include_str!("../../../data/rules/weights.toml")),
    ("decide.toml", include_str!("../../../data/rules/decide.toml")),
];

/// A rule file that cannot be used. The message speaks of the file, never of a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct RuleError {
    /// The file's name as it was given.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    pub message: String,
}

/// A rule, by its place among all rules. [`TextRules::name`] gives the id that stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(u16);

/// A value that a rule read out of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inferred<T> {
    pub value: T,
    /// The rule that gave it.
    pub rule: RuleId,
    /// The stretch of the text that gave it, in bytes, half open, on character boundaries.
    pub span: (usize, usize),
}

/// The counts that a text may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountField {
    Agents,
    Vehicles,
    PersonsTargeted,
    PersonsArrested,
    PersonsCollateral,
}

/// All that one text says. Reused from text to text: [`TextRules::read`] clears it first.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Reading {
    pub event_kind: Option<Inferred<EventKind>>,
    pub setting: Option<Inferred<Setting>>,
    pub place_relation: Option<Inferred<PlaceRelation>>,
    pub agency_claimed: Option<Inferred<Agency>>,
    pub agency_assessed: Option<Inferred<Agency>>,
    pub partner_model: Option<Inferred<PartnerModel>>,
    pub court_type: Option<Inferred<CourtType>>,
    pub court_stage: Option<Inferred<CourtStage>>,
    pub court_role: Option<Inferred<CourtRole>>,
    pub case_level: Option<Inferred<CaseLevel>>,
    pub outcome: Option<Inferred<Outcome>>,
    pub priority_claimed: Option<Inferred<Priority>>,
    pub tactics: Vec<Inferred<Tactic>>,
    pub authority_shown: Vec<Inferred<Authority>>,
    pub vulnerable_parties: Vec<Inferred<VulnerableParty>>,
    pub agents: Option<Inferred<Count>>,
    pub vehicles: Option<Inferred<Count>>,
    pub persons_targeted: Option<Inferred<Count>>,
    pub persons_arrested: Option<Inferred<Count>>,
    pub persons_collateral: Option<Inferred<Count>>,
    /// Buffers of the pass over the text; nothing to read.
    scratch: Scratch,
}

/// All rules, compiled.
#[derive(Debug)]
pub struct TextRules(load::Compiled);

static BUILTIN_RULES: LazyLock<TextRules> = LazyLock::new(|| match TextRules::from_sources(BUILTIN) {
    Ok(rules) => rules,
    Err(error) => panic!("the built-in rules do not compile: {error}"),
});

impl TextRules {
    /// The rules of this build.
    ///
    /// # Panics
    /// When a built-in rule file does not compile; a test of this crate does not let that through.
    #[must_use]
    pub fn builtin() -> &'static Self {
        &BUILTIN_RULES
    }

    /// Compiles rule files given as (name, text), all of them or none.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file and line.
    pub fn from_sources(sources: &[(&str, &str)]) -> Result<Self, RuleError> {
        load::compile(sources).map(Self)
    }

    /// The id of a rule as its file gives it; empty for a [`RuleId`] of other rules.
    #[must_use]
    pub fn name(&self, rule: RuleId) -> &str {
        self.0.names.get(usize::from(rule.0)).map_or("", |name| name)
    }

    /// The ids of all rules, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names.iter().map(|name| &**name)
    }

    /// Reads `text` into `out`, which is cleared first. `language` is what the source says of the text, if anything;
    /// the rules of both languages always apply, because people mix them.
    pub fn read(&self, text: &str, language: Option<Language>, out: &mut Reading) {
        read::read(&self.0, text, language, out);
    }

    /// The ids of the phrase rules that count on `text`, each once: what [`evidence`] weighs beside the words.
    #[must_use]
    pub fn fired(&self, text: &str) -> Vec<&str> {
        read::fired(&self.0, text).into_iter().map(|rule| self.name(rule)).collect()
    }

    /// What each rule found in `text`: the phrase rules that count, then the decisions that hold, then the counts, each
    /// with its stretch in bytes. For those who write rules; [`TextRules::read`] needs none of it.
    #[must_use]
    pub fn explain(&self, text: &str) -> Vec<(RuleId, (usize, usize))> {
        read::explain(&self.0, text)
    }
}

/// How many, in words or digits: "5 to 6", "6+", "at least 4", "media docena", "2 vehicles with 2 agents each" (4).
/// `None` where the words give no number.
#[must_use]
pub fn parse_count(words: &str) -> Option<Count> {
    count::parse(words, &TextRules::builtin().0.lexicon)
}
