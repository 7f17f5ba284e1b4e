//! The mapping file: how a source's own columns and words become wire fields and codes (interface.md, "Mapping file").
//!
//! What always holds: a mapping that names a field, code, zone or order that does not exist is refused before a row is
//! read; the error names the key, and the line where TOML knows it.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use schemas::provenance::Field;
use schemas::report::{AXES, Codes};
use schemas::time::DateOrder;
use schemas::wire;
use serde::Deserialize;

/// A mapping file, checked.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Columns to leave out.
    pub ignore: Vec<String>,
    /// Header of the file = wire field.
    pub columns: BTreeMap<String, String>,
    /// Wire field = value for every row.
    pub constants: BTreeMap<String, toml::Value>,
    /// For each wire field: the file's word = our code. An empty code leaves the word out.
    pub aliases: BTreeMap<String, BTreeMap<String, String>>,
    pub format: Format,
}

/// How the file writes dates, zones and lists.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Format {
    pub date_order: Option<DateOrder>,
    pub zone: Option<String>,
    pub list_separator: Option<String>,
    pub sheet: Option<String>,
}

/// What is wrong with a mapping file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    #[error("the mapping does not read as TOML: {0}")]
    Toml(String),
    #[error("[{section}] names {name:?}, which is no field of a report; fields are: {fields}")]
    NoSuchField { section: &'static str, name: String, fields: String },
    #[error("[aliases.{field}] leads to {code:?}, which is no code of {field}; codes are: {codes}")]
    NoSuchCode { field: String, code: String, codes: String },
    #[error("[columns] leads twice to {0}, which takes one value; name one column, or ignore the other")]
    TwoColumns(String),
    #[error("[format] zone {0:?} is no IANA time zone, such as America/New_York")]
    NoSuchZone(String),
    #[error("[format] list_separator must be at least one character")]
    NoSeparator,
    #[error("[constants] {0} must be a text, a number, or a list of texts")]
    BadConstant(String),
    #[error("{0:?} is both in ignore and in [columns]")]
    IgnoredAndMapped(String),
}

impl Mapping {
    /// Reads and checks a mapping file.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let mapping: Self =
            toml::from_str(text).map_err(|e| MappingError::Toml(e.to_string().trim_end().to_owned()))?;
        mapping.check()?;
        Ok(mapping)
    }

    /// Whether a header is one that this mapping names, or that needs no mapping because it is a field's own name.
    pub(super) fn knows(&self, header: &str) -> bool {
        self.columns.contains_key(header)
            || self.ignore.iter().any(|ignored| ignored == header)
            || wire::is_field(&own_field(header))
    }

    fn check(&self) -> Result<(), MappingError> {
        let mut single = Vec::new();
        for (column, field) in &self.columns {
            known_field("columns", field)?;
            if self.ignore.contains(column) {
                return Err(MappingError::IgnoredAndMapped(column.clone()));
            }
            if !takes_several(field) {
                if single.contains(&field) {
                    return Err(MappingError::TwoColumns(field.clone()));
                }
                single.push(field);
            }
        }
        for (field, value) in &self.constants {
            known_field("constants", field)?;
            self.constant_json(field, value)?;
        }
        for (field, words) in &self.aliases {
            known_field("aliases", field)?;
            let Some(axis) = Field::from_name(field).filter(|f| AXES.contains(f)) else { continue };
            for code in words.values().filter(|code| !code.is_empty()) {
                if Codes::default().add(axis, code).is_none() {
                    return Err(MappingError::NoSuchCode {
                        field: field.clone(),
                        code: code.clone(),
                        codes: codes(field),
                    });
                }
            }
        }
        if let Some(zone) = &self.format.zone
            && zone.parse::<Tz>().is_err()
        {
            return Err(MappingError::NoSuchZone(zone.clone()));
        }
        if self.format.list_separator.as_deref() == Some("") {
            return Err(MappingError::NoSeparator);
        }
        Ok(())
    }

    /// A constant as JSON.
    pub(super) fn constant_json(&self, field: &str, value: &toml::Value) -> Result<serde_json::Value, MappingError> {
        let wrong = || MappingError::BadConstant(field.to_owned());
        let json = serde_json::to_value(value).map_err(|_| wrong())?;
        let plain = |v: &serde_json::Value| v.is_string() || v.is_number();
        let axis = Field::from_name(field).filter(|f| AXES.contains(f));
        let checked = match &json {
            serde_json::Value::Array(list) => list.iter().collect(),
            other => vec![other],
        };
        for value in checked {
            if !plain(value) {
                return Err(wrong());
            }
            if let (Some(axis), Some(code)) = (axis, value.as_str())
                && Codes::default().add(axis, code).is_none()
            {
                return Err(MappingError::NoSuchCode {
                    field: field.to_owned(),
                    code: code.to_owned(),
                    codes: codes(field),
                });
            }
        }
        Ok(json)
    }
}

/// The field that a header names by itself, if it is one: "Reported at" is `reported_at`.
pub(super) fn own_field(header: &str) -> String {
    header.to_lowercase().replace([' ', '-'], "_")
}

/// Whether several columns, or several words of a cell, may go to the field.
pub(super) fn takes_several(field: &str) -> bool {
    Field::from_name(field).is_some_and(|f| schemas::report::SEVERAL_AXES.contains(&f))
}

fn known_field(section: &'static str, name: &str) -> Result<(), MappingError> {
    if wire::is_field(name) {
        return Ok(());
    }
    let plain = wire::PLAIN_FIELDS.iter().copied();
    let coded = AXES.iter().chain(schemas::report::COUNTS).map(|f| f.as_str());
    let fields = plain.chain(coded).collect::<Vec<_>>().join(", ");
    Err(MappingError::NoSuchField { section, name: name.to_owned(), fields })
}

fn codes(field: &str) -> String {
    let axis = schemas::taxonomy::axis(field);
    axis.map(|a| a.codes.iter().map(|c| c.code).collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_interface_reads() {
        let mapping = Mapping::parse(
            r#"
            ignore = ["Notes to self"]
            [columns]
            "Date of call" = "reported_at"
            [constants]
            event_kind = "arrest"
            [aliases.setting]
            "Ct house" = "courthouse"
            [format]
            date_order = "mdy"
            zone = "America/New_York"
            list_separator = ";"
            sheet = "Calls"
            "#,
        )
        .expect("reads");
        assert_eq!(mapping.format.date_order, Some(DateOrder::Mdy));
    }

    #[test]
    fn what_does_not_exist_is_refused_by_name() {
        for (text, word) in [
            ("[columns]\n\"A\" = \"narative\"", "narative"),
            ("[constants]\nevent_kind = \"arrrest\"", "arrrest"),
            ("[aliases.setting]\n\"x\" = \"court\"", "court"),
            ("[format]\nzone = \"New York\"", "New York"),
            ("[format]\ndate_order = \"ymx\"", "date_order"),
            ("colums = 1", "colums"),
            ("[columns]\n\"A\" = \"place\"\n\"B\" = \"place\"", "place"),
            ("ignore = [\"A\"]\n[columns]\n\"A\" = \"place\"", "ignore"),
        ] {
            let error = Mapping::parse(text).expect_err(text).to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
