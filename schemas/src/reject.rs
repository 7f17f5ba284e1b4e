//! Why a submission could not be taken or coded: a closed list, each code with its sentence.
//!
//! What always holds: a reject names the field and the rule, never the value. The same code is told over HTTP, by
//! `import`, by `normalize` and in the dead letters.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reject_codes {
    ($($variant:ident = $code:literal, $sentence:literal;)+) => {
        /// Why a submission was refused or could not be coded.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum RejectCode { $(#[doc = $sentence] $variant),+ }

        impl RejectCode {
            /// The whole list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The sentence that says what is wrong.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence),+ }
            }

            /// The code of that name.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

reject_codes! {
    NotUtf8 = "not_utf8", "the text is not UTF-8";
    NotJson = "not_json", "this is not JSON";
    NotAnObject = "not_an_object", "a report is a JSON object";
    RowShape = "row_shape", "the row does not have as many cells as the header has columns";
    UnfinishedRow = "unfinished_row", "the file ends in the middle of this row";
    UnknownField = "unknown_field", "the wire form has no field of this name";
    RepeatedField = "repeated_field", "this field is given twice";
    NothingReported = "nothing_reported", "at least one of narrative, event_kind, tactics must be given";
    MissingExternalId = "missing_external_id", "an external_id, or an Idempotency-Key for the request, is required";
    BadType = "bad_type", "the value is of the wrong type";
    BadCode = "bad_code", "this is none of the accepted codes";
    BadCounty = "bad_county", "this is not the code of a county (five digits) that we know";
    BadCoordinates = "bad_coordinates", "lat and lon go together: degrees, -90 to 90 and -180 to 180";
    BadCount = "bad_count", "a count is a whole number, {\"min\", \"max\", \"at_least\"} that agree, or words; at most 100000";
    BadInstant = "bad_instant", "an instant is written as 2026-09-16T15:30:00-07:00 (RFC 3339, with its offset)";
    ReportedInFuture = "reported_in_future", "reported_at lies more than a day after we received the report";
    BadDate = "bad_date", "this is no date in the order that the mapping or the source sets";
    TooLong = "too_long", "the text is longer than this field may be";
    TooMany = "too_many", "the list has more values than this field may have";
    ControlCharacter = "control_character", "the text holds a NUL or another control character";
    PrivateTextLeft = "private_text_left", "the second look found private text after redaction, so nothing was stored";
    CoderFailed = "coder_failed", "coding this submission failed: a fault of testigo, not of the sender; retry it after an update";
    CannotOpen = "cannot_open", "the queued submission cannot be opened with this installation's key";
    SourcePaused = "source_paused", "its source is paused after too many rejects: it waits, whole, and is coded when the source goes on";
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One refusal: the code, the field (where one is to blame) and what else is safe to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub code: RejectCode,
    /// A field's name. A name that the sender invented is cut and cleaned by [`Reject::unknown_field`].
    pub field: Option<Cow<'static, str>>,
    /// What helps to mend it, such as the accepted codes; never the value.
    pub hint: Option<Cow<'static, str>>,
}

impl Reject {
    #[must_use]
    pub const fn new(code: RejectCode) -> Self {
        Self { code, field: None, hint: None }
    }

    /// The same, blaming a field.
    #[must_use]
    pub fn field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same, saying what would be right.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A field that the wire form does not have. A name can hold private text too, so only a plausible name is told.
    #[must_use]
    pub fn unknown_field(name: &str) -> Self {
        let plausible = name.len() <= 40
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b' '));
        let shown = if plausible { name.to_owned() } else { String::from("(a name that is not shown)") };
        Self::new(RejectCode::UnknownField).field(shown)
    }

    /// One sentence for people: what is wrong, where, and what would be right.
    #[must_use]
    pub fn message(&self) -> String {
        let mut text = String::new();
        if let Some(field) = &self.field {
            text.push_str(field);
            text.push_str(": ");
        }
        text.push_str(self.code.sentence());
        if let Some(hint) = &self.hint {
            text.push_str(" (");
            text.push_str(hint);
            text.push(')');
        }
        text
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Reject {}

/// As the wire and the coded form show it: `{"field", "code", "message"}`.
impl Serialize for Reject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            field: Option<&'a str>,
            code: RejectCode,
            message: String,
        }
        Shown { field: self.field.as_deref(), code: self.code, message: self.message() }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_agree() {
        for code in RejectCode::ALL {
            assert_eq!(RejectCode::from_code(code.as_str()), Some(*code));
            assert_eq!(serde_json::to_value(code).expect("JSON"), code.as_str());
        }
    }

    #[test]
    fn an_invented_field_name_is_told_only_where_it_looks_like_one() {
        assert_eq!(Reject::unknown_field("event_kindd").field.as_deref(), Some("event_kindd"));
        assert!(!Reject::unknown_field("555-0142 Rosa").message().contains("555"));
    }
}
