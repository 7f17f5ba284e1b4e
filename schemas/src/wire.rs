//! The wire form of a report: what a channel hands over, checked for form, names, codes and size.
//!
//! What always holds: parsing codes nothing and guesses nothing; a refusal names the field and what would be right, never
//! the value; two submissions that say the same have the same [`canonical`] bytes, however their JSON is written.

use serde_json::{Map, Value};

use crate::clock::{Instant, parse_rfc3339};
use crate::counts::{Count, LARGEST};
use crate::geography;
use crate::language::Language;
use crate::provenance::Field;
use crate::reject::{Reject, RejectCode};
use crate::report::{AXES, COUNTS, Codes, Fips, SEVERAL_AXES, StateCode};
use crate::sensitive::Sensitive;
use crate::taxonomy;

/// The longest a narrative may be, in Unicode scalar values.
pub const LONGEST_NARRATIVE: usize = 20_000;
/// The longest any other text may be.
pub const LONGEST_TEXT: usize = 500;
/// The most bytes a single report may have, as JSON.
pub const LARGEST_REPORT: usize = 256 * 1024;

/// The fields of the wire form that are no axis and no count, with what they hold.
pub const PLAIN_FIELDS: &[&str] = &[
    "external_id",
    "reported_at",
    "occurred",
    "place",
    "state",
    "county_fips",
    "lat",
    "lon",
    "narrative",
    "language",
    "incident_id",
    "contact",
];

/// A count as it was given: coded already, or in words that a worker reads.
#[derive(Debug, Clone, PartialEq)]
pub enum WireCount {
    Exact(Count),
    Words(Sensitive<String>),
}

/// A report in wire form.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WireReport {
    pub external_id: Option<String>,
    pub reported_at: Option<Instant>,
    pub occurred: Option<Sensitive<String>>,
    pub place: Option<Sensitive<String>>,
    pub state: Option<StateCode>,
    pub county_fips: Option<Fips>,
    /// Latitude and longitude, degrees. Coded to a county, then sealed.
    pub lat_lon: Option<(f64, f64)>,
    pub narrative: Option<Sensitive<String>>,
    pub language: Option<Language>,
    pub codes: Codes,
    /// In the order of [`COUNTS`].
    pub counts: [Option<WireCount>; 5],
    pub incident_id: Option<String>,
    pub contact: Option<Sensitive<String>>,
}

/// Whether `name` is a field of the wire form.
#[must_use]
pub fn is_field(name: &str) -> bool {
    PLAIN_FIELDS.contains(&name) || axis_field(name).is_some() || count_index(name).is_some()
}

fn axis_field(name: &str) -> Option<Field> {
    Field::from_name(name).filter(|f| AXES.contains(f))
}

fn count_index(name: &str) -> Option<usize> {
    COUNTS.iter().position(|f| f.as_str() == name)
}

/// Reads JSON bytes as an object, telling apart the ways in which they are none.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, Reject> {
    let text = std::str::from_utf8(bytes).map_err(|_| Reject::new(RejectCode::NotUtf8))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Reject::new(RejectCode::NotAnObject)),
        Err(_) => Err(Reject::new(RejectCode::NotJson)),
    }
}

impl WireReport {
    /// Reads a report from JSON bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Reject> {
        Self::from_object(&parse_object(bytes)?)
    }

    /// Checks an object field by field. A field that is null or an empty text says nothing.
    pub fn from_object(map: &Map<String, Value>) -> Result<Self, Reject> {
        let mut report = Self::default();
        let (mut lat, mut lon) = (None, None);
        for (name, value) in map {
            if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
                if is_field(name) {
                    continue;
                }
                return Err(Reject::unknown_field(name));
            }
            match name.as_str() {
                "external_id" => report.external_id = Some(identifier("external_id", value)?),
                "incident_id" => report.incident_id = Some(identifier("incident_id", value)?),
                "reported_at" => {
                    let at = parse_rfc3339(text("reported_at", value, LONGEST_TEXT)?.trim());
                    report.reported_at = Some(at.ok_or(Reject::new(RejectCode::BadInstant).field("reported_at"))?);
                }
                "occurred" => report.occurred = Some(private("occurred", value, LONGEST_TEXT)?),
                "place" => report.place = Some(private("place", value, LONGEST_TEXT)?),
                "narrative" => report.narrative = Some(private("narrative", value, LONGEST_NARRATIVE)?),
                "contact" => report.contact = Some(private("contact", value, LONGEST_TEXT)?),
                "state" => report.state = Some(state(value)?),
                "county_fips" => report.county_fips = Some(county(value)?),
                "lat" => lat = Some(degrees("lat", value, 90.0)?),
                "lon" => lon = Some(degrees("lon", value, 180.0)?),
                "language" => {
                    let code = text("language", value, LONGEST_TEXT)?;
                    let language = Language::from_code(code.trim());
                    let wrong = || Reject::new(RejectCode::BadCode).field("language").hint("accepted: en, es");
                    report.language = Some(language.ok_or_else(wrong)?);
                }
                other => {
                    if let Some(field) = axis_field(other) {
                        axis(&mut report.codes, field, value)?;
                    } else if let Some(index) = count_index(other) {
                        report.counts[index] = Some(count(COUNTS[index], value)?);
                    } else {
                        return Err(Reject::unknown_field(other));
                    }
                }
            }
        }
        report.lat_lon = match (lat, lon) {
            (Some(lat), Some(lon)) => Some((lat, lon)),
            (None, None) => None,
            (Some(_), None) => return Err(Reject::new(RejectCode::BadCoordinates).field("lon")),
            (None, Some(_)) => return Err(Reject::new(RejectCode::BadCoordinates).field("lat")),
        };
        if report.narrative.is_none() && report.codes.event_kind.is_none() && report.codes.tactics.is_empty() {
            return Err(Reject::new(RejectCode::NothingReported));
        }
        Ok(report)
    }
}

/// The bytes by which two submissions are compared: keys sorted, nulls and empty texts dropped, no white space. Codes
/// given alone or in a list of one are the same.
#[must_use]
pub fn canonical(map: &Map<String, Value>) -> Sensitive<Vec<u8>> {
    let mut out = Vec::with_capacity(256);
    write_canonical_map(map, &mut out);
    Sensitive::new(out)
}

fn write_canonical_map(map: &Map<String, Value>, out: &mut Vec<u8>) {
    let mut entries: Vec<_> =
        map.iter().filter(|(_, v)| !v.is_null() && !v.as_str().is_some_and(|text| text.trim().is_empty())).collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    out.push(b'{');
    for (i, (name, value)) in entries.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_json(name, out);
        out.push(b':');
        match value {
            Value::Array(list) if list.len() == 1 => write_canonical(&list[0], out),
            value => write_canonical(value, out),
        }
    }
    out.push(b'}');
}

fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => write_canonical_map(map, out),
        Value::Array(list) => {
            out.push(b'[');
            for (i, item) in list.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_canonical(item, out);
            }
            out.push(b']');
        }
        plain => write_json(plain, out),
    }
}

fn write_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("a text or number can be written to memory");
}

fn wrong_type(field: &'static str, expected: &'static str) -> Reject {
    Reject::new(RejectCode::BadType).field(field).hint(expected)
}

fn text<'a>(field: &'static str, value: &'a Value, longest: usize) -> Result<&'a str, Reject> {
    let text = value.as_str().ok_or_else(|| wrong_type(field, "expected a text"))?;
    // Bytes bound characters from above, so the exact count is needed only near the limit.
    if text.len() > longest && text.chars().count() > longest {
        return Err(Reject::new(RejectCode::TooLong).field(field).hint(format!("at most {longest} characters")));
    }
    if text.bytes().any(|b| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r') || b == 0x7f) {
        return Err(Reject::new(RejectCode::ControlCharacter).field(field));
    }
    Ok(text)
}

fn private(field: &'static str, value: &Value, longest: usize) -> Result<Sensitive<String>, Reject> {
    text(field, value, longest).map(|t| Sensitive::new(t.to_owned()))
}

/// A source's own id: a text, or a whole number as spreadsheets have them.
fn identifier(field: &'static str, value: &Value) -> Result<String, Reject> {
    if let Some(number) = value.as_i64() {
        return Ok(number.to_string());
    }
    text(field, value, LONGEST_TEXT).map(|t| t.trim().to_owned())
}

fn state(value: &Value) -> Result<StateCode, Reject> {
    let code = text("state", value, LONGEST_TEXT)?.trim().to_ascii_uppercase();
    geography::state(&code)
        .and_then(|state| StateCode::parse(state.code))
        .ok_or_else(|| Reject::new(RejectCode::BadCode).field("state").hint("two letters of a state, such as WA"))
}

fn county(value: &Value) -> Result<Fips, Reject> {
    let wrong = || Reject::new(RejectCode::BadCounty).field("county_fips");
    let code = match value {
        // A spreadsheet makes 06001 the number 6001.
        Value::Number(n) => n.as_u64().map(|n| format!("{n:05}")).ok_or_else(wrong)?,
        other => text("county_fips", other, LONGEST_TEXT)?.trim().to_owned(),
    };
    geography::county(&code).and_then(|_| Fips::parse(&code)).ok_or_else(wrong)
}

fn degrees(field: &'static str, value: &Value, largest: f64) -> Result<f64, Reject> {
    let number = match value {
        Value::String(text) => text.trim().parse::<f64>().ok(),
        other => other.as_f64(),
    };
    let number = number.ok_or_else(|| wrong_type(field, "expected a number of degrees"))?;
    if number.is_finite() && number.abs() <= largest {
        Ok(number)
    } else {
        Err(Reject::new(RejectCode::BadCoordinates).field(field))
    }
}

fn axis(codes: &mut Codes, field: Field, value: &Value) -> Result<(), Reject> {
    let name = field.as_str();
    let mut add = |code: &Value| -> Result<(), Reject> {
        let code = text(name, code, LONGEST_TEXT)?.trim();
        codes.add(field, code).ok_or_else(|| wrong_code(name))
    };
    match value {
        Value::Array(list) if SEVERAL_AXES.contains(&field) => {
            if list.len() > 64 {
                return Err(Reject::new(RejectCode::TooMany).field(name));
            }
            list.iter().try_for_each(add)
        }
        Value::String(_) => add(value),
        _ if SEVERAL_AXES.contains(&field) => Err(wrong_type(name, "expected a code or a list of codes")),
        _ => Err(wrong_type(name, "expected a code")),
    }
}

/// The refusal of a code, with the codes that the axis accepts.
#[must_use]
pub fn wrong_code(axis_name: &'static str) -> Reject {
    let accepted = taxonomy::axis(axis_name)
        .map(|axis| axis.codes.iter().map(|c| c.code).collect::<Vec<_>>().join(", "))
        .unwrap_or_default();
    Reject::new(RejectCode::BadCode).field(axis_name).hint(format!("accepted: {accepted}"))
}

fn count(field: Field, value: &Value) -> Result<WireCount, Reject> {
    let name = field.as_str();
    let wrong = || Reject::new(RejectCode::BadCount).field(name);
    let number = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= LARGEST);
    match value {
        Value::Number(_) => number(value).map(|n| WireCount::Exact(Count::exactly(n))).ok_or_else(wrong),
        Value::String(_) => {
            let words = text(name, value, LONGEST_TEXT)?.trim();
            // A bare number must be a count; other words are for the worker to read.
            if words.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.'))
                && words.parse::<f64>().is_ok()
            {
                let n = words.parse::<u32>().ok().filter(|n| *n <= LARGEST).ok_or_else(wrong)?;
                return Ok(WireCount::Exact(Count::exactly(n)));
            }
            Ok(WireCount::Words(Sensitive::new(words.to_owned())))
        }
        Value::Object(parts) => {
            let known = |k: &String| matches!(k.as_str(), "min" | "max" | "at_least");
            if !parts.keys().all(known) {
                return Err(wrong());
            }
            let part = |k: &str| match parts.get(k) {
                None | Some(Value::Null) => Ok(None),
                Some(v) => number(v).map(Some).ok_or_else(wrong),
            };
            let at_least = match parts.get("at_least") {
                None | Some(Value::Null) => false,
                Some(v) => v.as_bool().ok_or_else(wrong)?,
            };
            let (min, max) = (part("min")?, part("max")?);
            Count::from_parts(min, max, at_least).map(WireCount::Exact).ok_or_else(wrong)
        }
        _ => Err(wrong_type(name, "expected a number, an object or words")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taxonomy::EventKind;

    fn refused(json: &str) -> Reject {
        WireReport::parse(json.as_bytes()).expect_err("must be refused")
    }

    #[test]
    fn a_whole_report_reads() {
        let json = r#"{"external_id": 17, "reported_at": "2026-09-16T15:30:00-07:00", "occurred": "yesterday",
            "place": "Bronx", "state": "ny", "narrative": "3 agents", "language": "es", "event_kind": "arrest",
            "tactics": ["masked", "ruse_police"], "authority_shown": "none", "agents": "5 to 6",
            "vehicles": {"min": 2, "at_least": true}, "persons_arrested": 1, "contact": "555-0100", "setting": null}"#;
        let report = WireReport::parse(json.as_bytes()).expect("reads");
        assert_eq!(report.external_id.as_deref(), Some("17"));
        assert_eq!(report.codes.event_kind, Some(EventKind::Arrest));
        assert_eq!(report.codes.tactics.len(), 2);
        assert_eq!(report.counts[1], Some(WireCount::Exact(Count::at_least(2))));
        assert!(!format!("{report:?}").contains("555"), "private text cannot be printed");
    }

    #[test]
    fn each_wrong_thing_is_told_by_name_and_without_its_value() {
        let cases = [
            (r#"{"narrative": "x", "event_kindd": "arrest"}"#, RejectCode::UnknownField, "event_kindd"),
            (r#"{"event_kind": "arrrest"}"#, RejectCode::BadCode, "event_kind"),
            (r#"{"narrative": "x", "reported_at": "2026-09-16"}"#, RejectCode::BadInstant, "reported_at"),
            (r#"{"narrative": "x", "agents": -3}"#, RejectCode::BadCount, "agents"),
            (r#"{"narrative": "x", "agents": "2.5"}"#, RejectCode::BadCount, "agents"),
            (r#"{"narrative": "x", "agents": {"min": 4, "max": 2}}"#, RejectCode::BadCount, "agents"),
            (r#"{"narrative": "x", "lat": 40.1}"#, RejectCode::BadCoordinates, "lon"),
            (r#"{"narrative": "x", "county_fips": "99999"}"#, RejectCode::BadCounty, "county_fips"),
            (r#"{"narrative": "x", "state": "ZZ"}"#, RejectCode::BadCode, "state"),
            (r#"{"narrative": "a\u0000b"}"#, RejectCode::ControlCharacter, "narrative"),
            (r#"{"narrative": 5}"#, RejectCode::BadType, "narrative"),
            (r#"{"event_kind": ["arrest"]}"#, RejectCode::BadType, "event_kind"),
        ];
        for (json, code, field) in cases {
            let reject = refused(json);
            assert_eq!((reject.code, reject.field.as_deref()), (code, Some(field)), "{json}");
            assert!(!reject.message().contains("arrrest"));
        }
        assert_eq!(refused(r#"{"place": "Bronx"}"#).code, RejectCode::NothingReported);
        assert_eq!(refused("[1]").code, RejectCode::NotAnObject);
        assert_eq!(refused("{").code, RejectCode::NotJson);
        assert_eq!(WireReport::parse(b"{\"narrative\": \"\xff\"}").expect_err("refused").code, RejectCode::NotUtf8);
        let long = format!(r#"{{"narrative": "{}"}}"#, "x".repeat(1_000_000));
        assert_eq!(refused(&long).code, RejectCode::TooLong);
        let bomb = format!("{}{}", r#"{"narrative":"#, "[".repeat(200_000));
        assert_eq!(refused(&bomb).code, RejectCode::NotJson, "nesting is bounded");
    }

    #[test]
    fn what_says_the_same_is_the_same() {
        let a =
            parse_object(br#"{"narrative": "x", "tactics": ["masked"], "setting": null, "place": ""}"#).expect("JSON");
        let b = parse_object(b"{\"tactics\":\"masked\",\n \"narrative\":\"x\"}").expect("JSON");
        assert_eq!(canonical(&a), canonical(&b));
        let c = parse_object(br#"{"narrative": "y", "tactics": ["masked"]}"#).expect("JSON");
        assert_ne!(canonical(&a), canonical(&c));
    }
}
