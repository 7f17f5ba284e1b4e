//! Keys of tables. Their order is the order of every table's rows.

use std::borrow::Cow;
use std::fmt::Display;

use schemas::report::{Fips, StateCode};
use schemas::taxonomy::CodeAxis;
use serde::{Deserialize, Serialize};

use crate::results::{ALL, UNKNOWN};

/// A key, in the order of rows: the total first, then codes (in the taxonomy's order), what is not known last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Key<T> {
    All,
    Is(T),
    Unknown,
}

impl<T: Display> Key<T> {
    /// The key as a table prints it.
    pub(crate) fn text(&self) -> Cow<'static, str> {
        match self {
            Self::All => ALL.into(),
            Self::Is(key) => key.to_string().into(),
            Self::Unknown => UNKNOWN.into(),
        }
    }
}

impl<T> From<Option<T>> for Key<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Self::Is)
    }
}

impl<A: CodeAxis> Key<A> {
    /// The key of a code. A report that says nothing, and one that says `unknown`, are the same to a table. None where
    /// the text is no code.
    pub(crate) fn of(code: Option<&str>) -> Option<Self> {
        match code {
            None | Some(UNKNOWN) => Some(Self::Unknown),
            Some(code) => A::from_code(code).map(Self::Is),
        }
    }

    /// Every code of the list, `unknown` last. Without the total.
    pub(crate) fn every() -> impl Iterator<Item = Self> {
        let codes = A::ALL.iter().filter(|code| code.as_str() != UNKNOWN).map(|code| Self::Is(*code));
        codes.chain([Self::Unknown])
    }
}

/// A county, a state (its county is `All`), or everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Place {
    pub state: Key<StateCode>,
    pub county: Key<Fips>,
}

impl Place {
    pub(crate) const EVERYWHERE: Self = Self { state: Key::All, county: Key::All };

    /// The place itself and the totals that it is part of.
    pub(crate) const fn with_totals(self) -> [Self; 3] {
        [self, Self { county: Key::All, ..self }, Self::EVERYWHERE]
    }

    /// The county's name; its code where the table of counties lacks it.
    pub(crate) fn county_name(&self) -> Cow<'static, str> {
        match &self.county {
            Key::Is(fips) => match schemas::geography::county(fips.as_str()) {
                Some(county) => county.name.into(),
                None => self.county.text(),
            },
            other => other.text(),
        }
    }
}
