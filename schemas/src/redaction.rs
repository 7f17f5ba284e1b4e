//! What was taken out of a text: where, of which class, by which rule; never the words.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What kind of private text a stretch was (interface.md, "Coded form").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Person,
    Phone,
    Email,
    Address,
    IdNumber,
    Url,
    Plate,
    Badge,
    Coordinates,
    BirthDate,
    CaseNumber,
    Handle,
}

impl Class {
    /// Every class, in the order of interface.md.
    pub const ALL: [Self; 12] = [
        Self::Person,
        Self::Phone,
        Self::Email,
        Self::Address,
        Self::IdNumber,
        Self::Url,
        Self::Plate,
        Self::Badge,
        Self::Coordinates,
        Self::BirthDate,
        Self::CaseNumber,
        Self::Handle,
    ];

    /// The class's stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Address => "address",
            Self::IdNumber => "id_number",
            Self::Url => "url",
            Self::Plate => "plate",
            Self::Badge => "badge",
            Self::Coordinates => "coordinates",
            Self::BirthDate => "birth_date",
            Self::CaseNumber => "case_number",
            Self::Handle => "handle",
        }
    }

    /// What stands in the text in its place.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Person => "[PERSON]",
            Self::Phone => "[PHONE]",
            Self::Email => "[EMAIL]",
            Self::Address => "[ADDRESS]",
            Self::IdNumber => "[ID_NUMBER]",
            Self::Url => "[URL]",
            Self::Plate => "[PLATE]",
            Self::Badge => "[BADGE]",
            Self::Coordinates => "[COORDINATES]",
            Self::BirthDate => "[BIRTH_DATE]",
            Self::CaseNumber => "[CASE_NUMBER]",
            Self::Handle => "[HANDLE]",
        }
    }
}

/// One stretch that was removed. Offsets count Unicode scalar values of the text as it came; `end` is exclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redaction {
    pub field: Cow<'static, str>,
    pub start: u32,
    pub end: u32,
    pub class: Class,
    pub rule: Cow<'static, str>,
}
