//! The two languages in which people write to us and read from us. Every text that a user sees exists in both.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::taxonomy::deserialize_code;

/// A language of users: English or Spanish. As text: `en`, `es`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    En,
    Es,
}

impl Language {
    /// Both languages, in the order of their codes.
    pub const ALL: [Self; 2] = [Self::En, Self::Es];

    /// The ISO 639-1 code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }

    /// The language of an ISO 639-1 code in lower case; `None` for any other text.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == code)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// Not derived: serde's own error would print the value.
impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_code(deserializer, "language", Self::ALL.into_iter().map(Self::as_str), Self::from_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip() {
        for language in Language::ALL {
            assert_eq!(Language::from_code(language.as_str()), Some(language));
            assert_eq!(serde_json::to_value(language).unwrap(), language.as_str());
        }
        assert_eq!(serde_json::from_str::<Language>(r#""es""#).unwrap(), Language::Es);
        let error = serde_json::from_str::<Language>(r#""secret""#).unwrap_err().to_string();
        assert!(error.contains("en, es") && !error.contains("secret"), "{error}");
        assert_eq!(Language::from_code("fr"), None);
        assert_eq!(Language::from_code("EN"), None);
    }
}
