//! The simulated world: counties, sources, shares and words, read from the data files beside this module.
//!
//! What always holds: the files are part of the program, so reading them cannot fail where the tests passed; every text
//! lives as long as the program, so that millions of reports share the same words.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono_tz::Tz;
use schemas::Language;
use schemas::source::SourceKind;
use serde::{Deserialize, Deserializer};

use super::dice::Shares;

/// All of it.
pub(super) static WORLD: LazyLock<World> = LazyLock::new(World::read);

#[derive(Debug)]
pub(super) struct World {
    pub(super) counties: Vec<County>,
    pub(super) sources: Vec<SourceSpec>,
    pub(super) mix: Mix,
    pub(super) words: Words,
    pub(super) names: Vec<NameGroup>,
}

impl World {
    fn read() -> Self {
        Self {
            counties: list("county", include_str!("counties.toml")),
            sources: list("source", include_str!("sources.toml")),
            mix: toml::from_str(include_str!("mix.toml")).expect("mix.toml is part of the program and tested"),
            words: toml::from_str(include_str!("words.toml")).expect("words.toml is part of the program and tested"),
            names: list("group", include_str!("names.toml")),
        }
    }
}

/// The tables of an array `[[key]]`.
fn list<T: for<'de> Deserialize<'de>>(key: &str, text: &str) -> Vec<T> {
    let mut tables: BTreeMap<String, Vec<T>> =
        toml::from_str(text).expect("a data file of the simulation is part of the program and tested");
    tables.remove(key).expect("each data file holds the array that it is named after")
}

/// A simulated source: who sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Its name, as for `source add`.
    pub name: String,
    /// The name under which it agreed to be printed; none: it is pooled.
    pub public_name: Option<String>,
    pub kind: SourceKind,
    /// Two letters.
    pub state: String,
    #[serde(deserialize_with = "zone")]
    pub zone: Tz,
    pub language: Language,
    /// What its external ids begin with.
    pub(super) prefix: String,
    pub(super) weight: u32,
    states: Vec<String>,
    /// The counties that it covers; where empty, all of `states`.
    #[serde(default)]
    only: Vec<String>,
    pub(super) styles: Shares,
    /// Percent of its texts in Spanish, and in both languages at once.
    pub(super) spanish: u32,
    pub(super) mixed: u32,
    /// Weight of what it adds while the courthouse campaign goes on.
    #[serde(default)]
    pub(super) campaign: u32,
    /// Whether it joins half-way.
    #[serde(default)]
    pub(super) joins: bool,
    /// Whether it falls silent for two months.
    #[serde(default)]
    pub(super) silent: bool,
}

impl SourceSpec {
    pub(super) fn covers(&self, county: &County) -> bool {
        self.states.contains(&county.state) && (self.only.is_empty() || self.only.contains(&county.fips))
    }
}

/// The simulated sources, in a fixed order.
#[must_use]
pub fn sources() -> &'static [SourceSpec] {
    &WORLD.sources
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct County {
    pub(super) fips: String,
    pub(super) name: String,
    pub(super) state: String,
    #[serde(deserialize_with = "zone")]
    pub(super) zone: Tz,
    pub(super) weight: u32,
    /// Latitude and longitude, degrees, well inside.
    pub(super) point: (f64, f64),
    /// Towns, each with one of its ZIPs.
    pub(super) towns: Vec<(String, String)>,
    /// The place in `towns` of the one with the courthouse.
    #[serde(default)]
    pub(super) seat: usize,
    /// What people write for it.
    pub(super) nicknames: Vec<String>,
    pub(super) courts: Vec<String>,
    /// Empty where there is none to name.
    pub(super) jail: String,
    pub(super) streets: Vec<String>,
}

fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<Tz, D::Error> {
    let name = String::deserialize(from)?;
    name.parse().map_err(|_| serde::de::Error::custom(format!("no time zone is called {name}")))
}

/// Given names and surnames that go together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NameGroup {
    pub(super) weight: u32,
    /// Whether people bear two surnames.
    #[serde(default)]
    pub(super) double: bool,
    pub(super) given: Vec<String>,
    pub(super) family: Vec<String>,
}

type ByWord<T> = BTreeMap<String, T>;

/// What happens, how often.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mix {
    /// Event kinds by kind of source.
    pub(super) kinds: ByWord<Shares>,
    /// Settings by kind of source, and of events of their own.
    pub(super) settings: ByWord<Shares>,
    /// Per mille, by group of events and by setting.
    pub(super) tactics: ByWord<Shares>,
    pub(super) agencies: ByWord<Shares>,
    pub(super) authority: ByWord<Shares>,
    pub(super) outcomes: ByWord<Shares>,
    pub(super) court: ByWord<Shares>,
    pub(super) vulnerable: ByWord<Shares>,
    pub(super) calendar: CalendarShares,
    /// Days from event to call: up to so many days, weight.
    pub(super) lag: ByWord<Vec<(u32, u32)>>,
    pub(super) sheet: Sheet,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalendarShares {
    pub(super) months: [u64; 12],
    pub(super) weekdays: [u64; 7],
    /// Growth from month to month, of the first month's traffic.
    pub(super) trend_per_mille: u64,
}

/// How the spreadsheet calls things.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sheet {
    /// Wire field, header.
    pub(super) headers: ByWord<String>,
    /// Wire field, code, word.
    pub(super) aliases: ByWord<ByWord<String>>,
}

/// A sentence with slots, cut into pieces when the file is read.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Template(pub(super) Vec<Piece>);

#[derive(Debug)]
pub(super) enum Piece {
    Text(String),
    Slot(Slot),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Agents,
    Victim,
    Where,
    When,
    Town,
    Court,
    /// A count of vehicles.
    Number,
    /// A planted private string.
    Private,
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("a slot has no end")?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Slot(match name {
                "agents" => Slot::Agents,
                "victim" => Slot::Victim,
                "where" => Slot::Where,
                "when" => Slot::When,
                "town" => Slot::Town,
                "court" => Slot::Court,
                "n" => Slot::Number,
                "x" => Slot::Private,
                other => return Err(format!("no slot is called {other}")),
            }));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }
}

/// The same in both languages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrases {
    en: Vec<Template>,
    es: Vec<Template>,
}

impl Phrases {
    pub(super) fn of(&self, language: Language) -> &[Template] {
        match language {
            Language::En => &self.en,
            Language::Es => &self.es,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventWords {
    en: Vec<Template>,
    es: Vec<Template>,
    activity_en: Vec<Template>,
    activity_es: Vec<Template>,
}

impl EventWords {
    pub(super) fn sentences(&self, language: Language) -> &[Template] {
        match language {
            Language::En => &self.en,
            Language::Es => &self.es,
        }
    }

    /// What stands under "Activity" in a SALUTE text.
    pub(super) fn activities(&self, language: Language) -> &[Template] {
        match language {
            Language::En => &self.activity_en,
            Language::Es => &self.activity_es,
        }
    }
}

/// Plain words by `NAME_en` and `NAME_es`.
pub(super) type Lists = ByWord<Vec<String>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) event: ByWord<EventWords>,
    #[serde(rename = "where")]
    pub(super) places: ByWord<Phrases>,
    pub(super) agency: ByWord<Phrases>,
    pub(super) claimed: ByWord<Phrases>,
    pub(super) tactic: ByWord<Phrases>,
    pub(super) authority: ByWord<Phrases>,
    pub(super) outcome: ByWord<Phrases>,
    pub(super) court_role: ByWord<Phrases>,
    pub(super) court_stage: ByWord<Phrases>,
    pub(super) court_type: ByWord<Phrases>,
    pub(super) case_level: ByWord<Phrases>,
    pub(super) vulnerable: ByWord<Phrases>,
    /// Sentences on vehicles.
    pub(super) vehicles: Phrases,
    /// Nouns for vehicles, people taken, and the labels of SALUTE.
    pub(super) nouns: Lists,
    pub(super) salute: Lists,
    /// Stories of what is no event, by event kind.
    pub(super) story: ByWord<Phrases>,
    pub(super) opener: Phrases,
    pub(super) filler: Phrases,
    pub(super) closing: Phrases,
    pub(super) comment: Phrases,
    /// Sentences around a planted private string, by class.
    pub(super) private: ByWord<Phrases>,
    /// What a revision adds, by verdict.
    pub(super) update: ByWord<Phrases>,
}

/// The list NAME in `language`.
pub(super) fn nouns<'a>(lists: &'a Lists, name: &str, language: Language) -> &'a [String] {
    let key = format!("{name}_{language}");
    lists.get(&key).map_or(&[], Vec::as_slice)
}
