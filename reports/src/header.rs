//! What a brief says of itself: for when, as of when, from what, made by what.

use analytics::results::Period;
use schemas::Language;
use schemas::clock::{Instant, parse_rfc3339, rfc3339};
use schemas::report::StateCode;
use schemas::time::Month;
use serde::{Deserialize, Serialize};

use crate::publish::sha256_hex;

/// An edition that was published before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparedWith {
    pub period: String,
    pub edition: u32,
    /// RFC 3339, UTC.
    pub data_as_of: String,
}

/// The head of a brief. Everything that its text holds beside the tables is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// `2026-09`.
    pub period: String,
    /// RFC 3339, UTC.
    pub data_as_of: String,
    pub edition: u32,
    /// Why there is another edition, in the words of who made it. None: the data are newer, or the program is.
    pub reason: Option<String>,
    /// What `revisions` compares with: the edition before, else the last brief of the same places.
    pub compared_with: Option<ComparedWith>,
    pub language: String,
    /// The state that it is for, two letters; none: everywhere.
    pub state: Option<String>,
    pub snapshot_id: String,
    pub testigo: String,
    pub taxonomy: String,
    pub geography: String,
    pub dataset: String,
    /// Whether it may not be published: made before its time, on request.
    pub preview: bool,
    /// How many organisations sent what the brief counts from; told only when there are three or more.
    pub sources: Option<u32>,
    /// Whether enough reports tell how late they came for months to be marked as provisional.
    pub delay_is_known: bool,
    /// `2026-09`: from this month on, late reports are still expected.
    pub provisional_from: Option<String>,
    /// Whether copies of the tables with a row of HXL tags are published beside them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hxl: bool,
    /// The licence that the publisher gives, as SPDX or Open Definition name it; none: none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
}

impl Header {
    /// A header of this program and its code lists, of everywhere and in English.
    #[must_use]
    pub fn new(period: Period, data_as_of: Instant, snapshot_id: String, preview: bool, sources: Option<u32>) -> Self {
        Self {
            period: period.to_string(),
            data_as_of: rfc3339(data_as_of),
            edition: 1,
            reason: None,
            compared_with: None,
            language: Language::En.to_string(),
            state: None,
            snapshot_id,
            testigo: env!("CARGO_PKG_VERSION").into(),
            taxonomy: schemas::taxonomy::VERSION.into(),
            geography: schemas::geography::GEOGRAPHY_VERSION.into(),
            dataset: schemas::dataset::VERSION.into(),
            preview,
            sources: sources.filter(|n| *n >= 3),
            delay_is_known: false,
            provisional_from: None,
            hxl: false,
            license: None,
        }
    }

    /// The same, with how it is handed on.
    #[must_use]
    pub fn handed_on(self, hxl: bool, license: Option<String>) -> Self {
        Self { hxl, license, ..self }
    }

    /// The same in another language, or of one state.
    #[must_use]
    pub fn of(self, language: Language, state: Option<StateCode>) -> Self {
        Self { language: language.to_string(), state: state.map(|code| code.as_str().to_owned()), ..self }
    }

    /// The same, with what is known of late reports.
    #[must_use]
    pub fn late(self, delay_is_known: bool, provisional_from: Option<Month>) -> Self {
        Self { delay_is_known, provisional_from: provisional_from.map(|month| month.to_string()), ..self }
    }

    /// The same as another edition than the first.
    #[must_use]
    pub fn edition(self, edition: u32, reason: Option<String>, compared_with: Option<ComparedWith>) -> Self {
        Self { edition, reason, compared_with, ..self }
    }

    /// A name of what a brief was made from: this header, but for language, edition and how it is handed on, and the true
    /// numbers, named by `numbers`.
    #[must_use]
    pub fn fingerprint(&self, numbers: &str) -> String {
        let same = self.clone().edition(0, None, None).handed_on(false, None);
        let of = Self { language: String::new(), preview: false, ..same };
        sha256_hex(&serde_json::to_vec(&(of, numbers)).expect("texts and numbers are JSON"))
    }

    /// From which month on numbers are provisional.
    #[must_use]
    pub fn parsed_provisional_from(&self) -> Option<Month> {
        self.provisional_from.as_deref().and_then(Month::parse)
    }

    /// The language; none where the header was tampered with.
    #[must_use]
    pub fn parsed_language(&self) -> Option<Language> {
        Language::from_code(&self.language)
    }

    /// The period; none where the header was tampered with.
    #[must_use]
    pub fn parsed_period(&self) -> Option<Period> {
        Period::parse(&self.period)
    }

    /// The instant of the data.
    #[must_use]
    pub fn parsed_as_of(&self) -> Option<Instant> {
        parse_rfc3339(&self.data_as_of)
    }
}
