//! Where each coded field came from: given by the source, mapped by a file's mapping, inferred by a rule, or unknown.
//!
//! What always holds: nothing is guessed silently. A field with a value has an entry; a field without an entry is
//! unknown; an entry holds the rule's name and offsets, never the words.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// How a value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The source gave the code or value itself.
    Given,
    /// A mapping file made it from the file's own word, or set it for every row.
    Mapped,
    /// A rule read it from words.
    Inferred,
    /// Nothing speaks to it, or what does cannot be used (then the rule says why).
    Unknown,
}

/// A coded field that has a provenance. Each has the name of the coded form.
macro_rules! fields {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// A coded field that has a provenance.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $($variant),+ }

        impl Field {
            /// Every field, in the order of the coded form.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The field's name in the coded form.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The field of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

fields! {
    OccurredOn = "occurred_on",
    OccurredTime = "occurred_time",
    Zone = "zone",
    CountyFips = "county_fips",
    State = "state",
    EventKind = "event_kind",
    Setting = "setting",
    PlaceRelation = "place_relation",
    Tactics = "tactics",
    AgencyClaimed = "agency_claimed",
    AgencyAssessed = "agency_assessed",
    PartnerModel = "partner_model",
    AuthorityShown = "authority_shown",
    CourtType = "court_type",
    CourtStage = "court_stage",
    CourtRole = "court_role",
    CaseLevel = "case_level",
    Outcome = "outcome",
    VulnerableParties = "vulnerable_parties",
    PriorityClaimed = "priority_claimed",
    Review = "review",
    Agents = "agents",
    Vehicles = "vehicles",
    PersonsTargeted = "persons_targeted",
    PersonsArrested = "persons_arrested",
    PersonsCollateral = "persons_collateral",
    Language = "language",
}

/// Where one field came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub how: How,
    /// The rule's name; for `mapped` what mapped it (`alias`, `constant`); none for `given`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<Cow<'static, str>>,
    /// The stretches that gave it: [start, end) in Unicode scalar values of the narrative (or of the field's own text).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub spans: Vec<(u32, u32)>,
}

impl Origin {
    #[must_use]
    pub const fn given() -> Self {
        Self { how: How::Given, rule: None, spans: Vec::new() }
    }

    #[must_use]
    pub fn mapped(rule: impl Into<Cow<'static, str>>) -> Self {
        Self { how: How::Mapped, rule: Some(rule.into()), spans: Vec::new() }
    }

    #[must_use]
    pub fn inferred(rule: impl Into<Cow<'static, str>>) -> Self {
        Self { how: How::Inferred, rule: Some(rule.into()), spans: Vec::new() }
    }

    /// Unknown, for the reason that `rule` names.
    #[must_use]
    pub fn unknown(rule: impl Into<Cow<'static, str>>) -> Self {
        Self { how: How::Unknown, rule: Some(rule.into()), spans: Vec::new() }
    }

    /// The same, naming the stretch that gave it.
    #[must_use]
    pub fn at(mut self, start: u32, end: u32) -> Self {
        self.spans.push((start, end));
        self
    }
}

/// The origins of a report's fields. A field without an entry is unknown and nothing more is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Provenance(Vec<(Field, Origin)>);

impl Provenance {
    /// Sets a field's origin, in place of an earlier one.
    pub fn set(&mut self, field: Field, origin: Origin) {
        match self.0.binary_search_by_key(&field, |(f, _)| *f) {
            Ok(at) => self.0[at].1 = origin,
            Err(at) => self.0.insert(at, (field, origin)),
        }
    }

    /// A field's origin, where something is to be said of it.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&Origin> {
        self.0.binary_search_by_key(&field, |(f, _)| *f).ok().map(|at| &self.0[at].1)
    }

    /// How a field's value was found.
    #[must_use]
    pub fn how(&self, field: Field) -> How {
        self.get(field).map_or(How::Unknown, |origin| origin.how)
    }

    /// The entries there are, in the order of [`Field`].
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Origin)> {
        self.0.iter().map(|(field, origin)| (*field, origin))
    }

    /// The short form for a store: only the entries there are.
    #[must_use]
    pub fn to_compact(&self) -> String {
        serde_json::to_string(&Compact(&self.0)).expect("names, numbers and rules are JSON")
    }

    /// Reads the short form. `None` where it is none of ours.
    #[must_use]
    pub fn from_compact(text: &str) -> Option<Self> {
        let map: std::collections::BTreeMap<String, Origin> = serde_json::from_str(text).ok()?;
        let mut provenance = Self::default();
        for (name, origin) in map {
            provenance.set(Field::from_name(&name)?, origin);
        }
        Some(provenance)
    }
}

struct Compact<'a>(&'a [(Field, Origin)]);

impl Serialize for Compact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(field, origin)| (field.as_str(), origin)))
    }
}

/// The coded form: every coded field with its `how`, and a `rule` that is null where none speaks.
impl Serialize for Provenance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Entry<'a> {
            how: How,
            rule: Option<&'a str>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            spans: &'a [(u32, u32)],
        }
        let mut map = serializer.serialize_map(Some(Field::ALL.len()))?;
        for field in Field::ALL {
            let entry = match self.get(*field) {
                Some(origin) => Entry { how: origin.how, rule: origin.rule.as_deref(), spans: &origin.spans },
                None => Entry { how: How::Unknown, rule: None, spans: &[] },
            };
            map.serialize_entry(field.as_str(), &entry)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_form_round_trips_and_full_form_names_every_field() {
        let mut p = Provenance::default();
        p.set(Field::Setting, Origin::inferred("setting.courthouse.cue").at(3, 9));
        p.set(Field::EventKind, Origin::given());
        p.set(Field::EventKind, Origin::mapped("alias"));
        assert_eq!(Provenance::from_compact(&p.to_compact()), Some(p.clone()));
        let full = serde_json::to_value(&p).expect("JSON");
        assert_eq!(full.as_object().map(serde_json::Map::len), Some(Field::ALL.len()));
        assert_eq!(full["event_kind"]["how"], "mapped");
        assert_eq!(full["tactics"]["how"], "unknown");
        assert!(full["tactics"]["rule"].is_null());
        assert_eq!(full["setting"]["spans"][0][1], 9);
    }
}
