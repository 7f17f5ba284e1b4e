//! Who sends: a hotline, a defender office, a court watch, an official list.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::language::Language;
use crate::time::DateOrder;

/// A source's name: 1 to 64 of `a-z 0-9 - _`, beginning with a letter or digit. It is an identifier, never printed in
/// a brief (there the public name stands, or "pooled").
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(Arc<str>);

impl SourceName {
    /// Takes a valid name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let bytes = name.as_bytes();
        let good = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        let fits = (1..=64).contains(&bytes.len()) && bytes.iter().all(good) && bytes[0].is_ascii_alphanumeric();
        fits.then(|| Self(Arc::from(name)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SourceName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SourceName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a source's name is 1 to 64 of a-z 0-9 - _"))
    }
}

/// What kind of organisation a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Hotline,
    Defender,
    CourtWatch,
    Official,
    Other,
}

impl SourceKind {
    pub const ALL: [Self; 5] = [Self::Hotline, Self::Defender, Self::CourtWatch, Self::Official, Self::Other];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hotline => "hotline",
            Self::Defender => "defender",
            Self::CourtWatch => "court_watch",
            Self::Official => "official",
            Self::Other => "other",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == code)
    }
}

/// How to read what a source, or one of its files, leaves unsaid. Part of what normalizing is a function of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// A state's two letters: where its reports are from, when they do not say.
    pub state: Option<String>,
    /// An IANA zone, for places that give none.
    pub zone: Option<String>,
    pub language: Option<Language>,
    pub date_order: Option<DateOrder>,
}

impl Settings {
    /// These settings, and `other`'s where these say nothing.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            state: self.state.clone().or_else(|| other.state.clone()),
            zone: self.zone.clone().or_else(|| other.zone.clone()),
            language: self.language.or(other.language),
            date_order: self.date_order.or(other.date_order),
        }
    }
}

/// A source as the store knows it. Its token is kept only as SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub name: SourceName,
    pub kind: SourceKind,
    pub settings: Settings,
    /// The name that it agreed to be printed under; without one it is pooled with the others.
    pub public_name: Option<String>,
    pub token_sha256: Option<[u8; 32]>,
    pub revoked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_identifiers() {
        for good in ["ice-i213", "a", "9line", "court_watch-2"] {
            assert!(SourceName::parse(good).is_some(), "{good}");
        }
        for bad in ["", "-a", "Hotline", "a b", "a/b", "ñ", &"a".repeat(65)] {
            assert!(SourceName::parse(bad).is_none(), "{bad}");
        }
    }
}
