//! A coded report: what one submission says, in codes.
//!
//! What always holds: the fields and their order are those of interface.md ("Coded form"); every value has its origin in
//! [`Provenance`]; no field holds a name, a number of a person, or an exact place.

use std::borrow::Cow;
use std::fmt;

use chrono::NaiveTime;
use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::{Instant, rfc3339};
use crate::counts::Count;
use crate::ids::ReportId;
use crate::language::Language;
use crate::provenance::{Field, Provenance};
use crate::redaction::Redaction;
use crate::source::SourceName;
use crate::taxonomy::{
    Agency, Authority, CaseLevel, CodeAxis, CodeSet, CourtRole, CourtStage, CourtType, EventClass, EventKind, Outcome,
    PartnerModel, PlaceRelation, Priority, Review, Setting, Tactic, VulnerableParty,
};
use crate::time::{Month, Occurred};

/// A short ASCII code of fixed length: a state's two letters, a county's five digits.
macro_rules! ascii_code {
    ($(#[$doc:meta])* $name:ident, $len:literal, $good:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Takes a code of the right form; whether it exists is geography's to say.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let bytes: [u8; $len] = text.as_bytes().try_into().ok()?;
                let good: fn(&u8) -> bool = $good;
                bytes.iter().all(good).then_some(Self(bytes))
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).unwrap_or("")
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("the code has not its form"))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

ascii_code! {
    /// A county's FIPS code, five digits.
    Fips, 5, u8::is_ascii_digit
}
ascii_code! {
    /// A state's two letters.
    StateCode, 2, u8::is_ascii_uppercase
}

/// Where: a county, never a point.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    pub county_fips: Option<Fips>,
    /// Which year's counties the code is of.
    pub county_vintage: Option<Cow<'static, str>>,
    pub state: Option<StateCode>,
    /// How the county was found; none where it was not.
    pub method: Option<Cow<'static, str>>,
}

macro_rules! codes {
    (single { $($field:ident: $axis:ty = $variant:ident),+ $(,)? } several { $($set:ident: $set_axis:ty = $set_variant:ident),+ $(,)? }) => {
        /// The axes of domain.md, independent of each other.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Codes {
            $(pub $field: Option<$axis>,)+
            $(pub $set: CodeSet<$set_axis>,)+
        }

        impl Codes {
            /// Adds a code to an axis: sets it, or, where several are allowed, inserts it. `None` where the field is no
            /// axis or the code none of its codes.
            #[must_use = "a wrong code must be told"]
            pub fn add(&mut self, field: Field, code: &str) -> Option<()> {
                match field {
                    $(Field::$variant => self.$field = Some(<$axis>::from_code(code)?),)+
                    $(Field::$set_variant => { self.$set.insert(<$set_axis>::from_code(code)?); })+
                    _ => return None,
                }
                Some(())
            }

            /// Calls `each` with every code of the axis, in the taxonomy's order.
            pub fn each(&self, field: Field, mut each: impl FnMut(&'static str)) {
                match field {
                    $(Field::$variant => if let Some(code) = self.$field { each(code.as_str()) },)+
                    $(Field::$set_variant => for code in self.$set.iter() { each(code.as_str()) },)+
                    _ => {}
                }
            }

            /// The one code of a single-valued axis.
            #[must_use]
            pub fn single(&self, field: Field) -> Option<&'static str> {
                match field {
                    $(Field::$variant => self.$field.map(CodeAxis::as_str),)+
                    _ => None,
                }
            }

            /// Whether anything is coded on the axis.
            #[must_use]
            pub fn has(&self, field: Field) -> bool {
                match field {
                    $(Field::$variant => self.$field.is_some(),)+
                    $(Field::$set_variant => !self.$set.is_empty(),)+
                    _ => false,
                }
            }

            /// Takes an axis's code or codes from `other`.
            pub fn take(&mut self, field: Field, other: &Self) {
                match field {
                    $(Field::$variant => self.$field = other.$field,)+
                    $(Field::$set_variant => self.$set = other.$set,)+
                    _ => {}
                }
            }
        }

        /// The axes with one value.
        pub const SINGLE_AXES: &[Field] = &[$(Field::$variant),+];
        /// The axes with several values.
        pub const SEVERAL_AXES: &[Field] = &[$(Field::$set_variant),+];
    };
}

codes! {
    single {
        event_kind: EventKind = EventKind,
        setting: Setting = Setting,
        place_relation: PlaceRelation = PlaceRelation,
        agency_claimed: Agency = AgencyClaimed,
        agency_assessed: Agency = AgencyAssessed,
        partner_model: PartnerModel = PartnerModel,
        court_type: CourtType = CourtType,
        court_stage: CourtStage = CourtStage,
        court_role: CourtRole = CourtRole,
        case_level: CaseLevel = CaseLevel,
        outcome: Outcome = Outcome,
        priority_claimed: Priority = PriorityClaimed,
        review: Review = Review,
    }
    several {
        tactics: Tactic = Tactics,
        authority_shown: Authority = AuthorityShown,
        vulnerable_parties: VulnerableParty = VulnerableParties,
    }
}

/// Every axis, in the order of the coded form.
pub const AXES: &[Field] = &[
    Field::EventKind,
    Field::Setting,
    Field::PlaceRelation,
    Field::Tactics,
    Field::AgencyClaimed,
    Field::AgencyAssessed,
    Field::PartnerModel,
    Field::AuthorityShown,
    Field::CourtType,
    Field::CourtStage,
    Field::CourtRole,
    Field::CaseLevel,
    Field::Outcome,
    Field::VulnerableParties,
    Field::PriorityClaimed,
    Field::Review,
];

/// The counts, in the order of the coded form.
pub const COUNTS: &[Field] =
    &[Field::Agents, Field::Vehicles, Field::PersonsTargeted, Field::PersonsArrested, Field::PersonsCollateral];

/// How many of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub agents: Option<Count>,
    pub vehicles: Option<Count>,
    pub persons_targeted: Option<Count>,
    pub persons_arrested: Option<Count>,
    pub persons_collateral: Option<Count>,
}

impl Counts {
    /// The count of that field.
    #[must_use]
    pub const fn get(&self, field: Field) -> Option<Count> {
        match field {
            Field::Agents => self.agents,
            Field::Vehicles => self.vehicles,
            Field::PersonsTargeted => self.persons_targeted,
            Field::PersonsArrested => self.persons_arrested,
            Field::PersonsCollateral => self.persons_collateral,
            _ => None,
        }
    }

    /// Sets the count of that field.
    pub const fn set(&mut self, field: Field, count: Option<Count>) {
        match field {
            Field::Agents => self.agents = count,
            Field::Vehicles => self.vehicles = count,
            Field::PersonsTargeted => self.persons_targeted = count,
            Field::PersonsArrested => self.persons_arrested = count,
            Field::PersonsCollateral => self.persons_collateral = count,
            _ => {}
        }
    }
}

/// What a coded report counts as in the second sum (design.md, "The two sums"): exactly one, looked at in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Withdrawn,
    Duplicate,
    NotEnforcement,
    NonEvent,
    Undated,
    Event,
}

impl Standing {
    pub const ALL: [Self; 6] =
        [Self::Withdrawn, Self::Duplicate, Self::NotEnforcement, Self::NonEvent, Self::Undated, Self::Event];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Duplicate => "duplicate",
            Self::NotEnforcement => "not_enforcement",
            Self::NonEvent => "non_event",
            Self::Undated => "undated",
            Self::Event => "event",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == code)
    }
}

/// One coded report. Ids and `received_at` are none where nothing was received (`normalize`).
#[derive(Debug, Clone, PartialEq)]
pub struct CodedReport {
    pub report_id: Option<ReportId>,
    pub external_id: Option<String>,
    pub source: Option<SourceName>,
    /// 0 for the first version of an id, counted up in the order of storing.
    pub revision: u32,
    pub received_at: Option<Instant>,
    pub reported_at: Option<Instant>,
    pub occurred: Occurred,
    /// The IANA zone in which `occurred` is civil time.
    pub zone: Option<Cow<'static, str>>,
    pub place: Place,
    pub codes: Codes,
    pub counts: Counts,
    /// The source's own name for the event.
    pub incident_id: Option<String>,
    pub language: Option<Language>,
    /// Redacted.
    pub narrative: Option<String>,
    pub redactions: Vec<Redaction>,
    pub provenance: Provenance,
}

impl CodedReport {
    /// The month that the report's event counts in.
    #[must_use]
    pub fn month(&self) -> Option<Month> {
        self.occurred.month()
    }

    /// What the report counts as, given whether its batch was withdrawn.
    #[must_use]
    pub fn standing(&self, withdrawn: bool) -> Standing {
        let class = self.codes.event_kind.map_or(EventClass::NonEvent, EventKind::class);
        match self.codes.review {
            _ if withdrawn => Standing::Withdrawn,
            Some(Review::Withdrawn) => Standing::Withdrawn,
            Some(Review::Duplicate) => Standing::Duplicate,
            Some(Review::NotEnforcement) => Standing::NotEnforcement,
            _ if class == EventClass::NotEnforcement => Standing::NotEnforcement,
            _ if class == EventClass::NonEvent => Standing::NonEvent,
            _ if self.month().is_none() => Standing::Undated,
            _ => Standing::Event,
        }
    }
}

/// `HH:MM`.
#[must_use]
pub fn clock_time(time: NaiveTime) -> String {
    time.format("%H:%M").to_string()
}

struct AxisValue<'a>(&'a Codes, Field);

impl Serialize for AxisValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(codes, field) = *self;
        if !codes.has(field) {
            return serializer.serialize_none();
        }
        if let Some(code) = codes.single(field) {
            return serializer.serialize_str(code);
        }
        let mut list = Vec::new();
        codes.each(field, |code| list.push(code));
        serializer.collect_seq(list)
    }
}

/// The coded form of interface.md, fields in its order.
impl Serialize for CodedReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("report_id", &self.report_id)?;
        map.serialize_entry("external_id", &self.external_id)?;
        map.serialize_entry("source", &self.source)?;
        map.serialize_entry("revision", &self.revision)?;
        map.serialize_entry("received_at", &self.received_at.map(rfc3339))?;
        map.serialize_entry("reported_at", &self.reported_at.map(rfc3339))?;
        map.serialize_entry("occurred_on", &self.occurred.on.map(|d| d.to_string()))?;
        map.serialize_entry("occurred_time", &self.occurred.time.map(clock_time))?;
        map.serialize_entry("zone", &self.zone)?;
        map.serialize_entry("occurred_precision", self.occurred.precision.as_str())?;
        map.serialize_entry("county_fips", &self.place.county_fips.as_ref().map(Fips::as_str))?;
        map.serialize_entry("county_vintage", &self.place.county_vintage)?;
        map.serialize_entry("state", &self.place.state.as_ref().map(StateCode::as_str))?;
        map.serialize_entry("place_method", &self.place.method)?;
        for axis in AXES {
            map.serialize_entry(axis.as_str(), &AxisValue(&self.codes, *axis))?;
        }
        for field in COUNTS {
            map.serialize_entry(field.as_str(), &self.counts.get(*field))?;
        }
        map.serialize_entry("incident_id", &self.incident_id)?;
        map.serialize_entry("language", &self.language)?;
        map.serialize_entry("narrative", &self.narrative)?;
        map.serialize_entry("redactions", &self.redactions)?;
        map.serialize_entry("provenance", &self.provenance)?;
        map.end()
    }
}

/// What `normalize` and `export rejects` print of a submission that could not be coded.
#[derive(Debug, Clone)]
pub struct RejectedReport<'a> {
    pub external_id: Option<&'a str>,
    pub reject: &'a crate::reject::Reject,
}

impl Serialize for RejectedReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("RejectedReport", 2)?;
        out.serialize_field("external_id", &self.external_id)?;
        out.serialize_field("reject", self.reject)?;
        out.end()
    }
}
