//! JSON Schema (draft 2020-12) of the wire form, of the coded form, and of the snapshot's columns.
//!
//! What always holds: the schemas are made from the same lists as the types, so that they name every field and code there
//! is and no other.

use serde_json::{Map, Value, json};

use crate::dataset::{COLUMNS, Carried, ColumnType, VERSION};
use crate::provenance::Field;
use crate::redaction::Class;
use crate::reject::RejectCode;
use crate::report::{AXES, COUNTS, SEVERAL_AXES};
use crate::taxonomy;
use crate::time::Precision;
use crate::wire::{LONGEST_NARRATIVE, LONGEST_TEXT};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

fn codes(axis: Field) -> Vec<&'static str> {
    taxonomy::axis(axis.as_str()).map_or(Vec::new(), |info| info.codes.iter().map(|c| c.code).collect())
}

fn axis_description(axis: Field) -> &'static str {
    taxonomy::axis(axis.as_str()).map_or("", |info| info.definition.en)
}

fn count(wire: bool) -> Value {
    let number = json!({"type": ["integer", "null"], "minimum": 0, "maximum": crate::counts::LARGEST});
    let mut object = json!({
        "type": "object",
        "properties": {"min": number, "max": number, "at_least": {"type": "boolean"}},
        "additionalProperties": false,
    });
    if !wire {
        object["required"] = json!(["min", "max", "at_least"]);
        return json!({"oneOf": [object, {"type": "null"}]});
    }
    json!({"oneOf": [
        {"type": "integer", "minimum": 0, "maximum": crate::counts::LARGEST},
        object,
        {"type": "string", "maxLength": LONGEST_TEXT, "description": "Words, such as \"5 to 6\""},
        {"type": "null"},
    ]})
}

/// The wire form of a report: what `POST /v1/reports` and `import` take.
#[must_use]
pub fn report() -> Value {
    let text = |longest: usize, description: &str| json!({"type": ["string", "null"], "maxLength": longest, "description": description});
    let mut fields = Map::new();
    fields.insert(
        "external_id".into(),
        json!({"type": ["string", "integer", "null"], "maxLength": LONGEST_TEXT, "description": "The source's own id"}),
    );
    fields.insert("reported_at".into(), json!({"type": ["string", "null"], "format": "date-time", "description": "When the source got the report; when we received it, where it is absent"}));
    fields.insert(
        "occurred".into(),
        text(
            LONGEST_TEXT,
            "When it happened: an ISO date or date-time, or words in English or Spanish, relative to reported_at",
        ),
    );
    fields
        .insert("place".into(), text(LONGEST_TEXT, "Where: a place, court, jail, ZIP. Coded to a county, then sealed"));
    fields.insert("state".into(), json!({"type": ["string", "null"], "pattern": "^[A-Za-z]{2}$", "description": "The state's two letters: a hint"}));
    fields.insert("county_fips".into(), json!({"type": ["string", "integer", "null"], "pattern": "^[0-9]{5}$", "description": "The county, where the source knows it"}));
    fields.insert("lat".into(), json!({"type": ["number", "string", "null"], "minimum": -90, "maximum": 90, "description": "Latitude: coded to a county, then sealed"}));
    fields.insert("lon".into(), json!({"type": ["number", "string", "null"], "minimum": -180, "maximum": 180, "description": "Longitude: coded to a county, then sealed"}));
    fields.insert("narrative".into(), text(LONGEST_NARRATIVE, "What was told, in free text"));
    fields
        .insert("language".into(), json!({"enum": ["en", "es", null], "description": "The language of the narrative"}));
    for axis in AXES {
        let mut accepted: Vec<Value> = codes(*axis).into_iter().map(Value::from).collect();
        let value = if SEVERAL_AXES.contains(axis) {
            json!({"oneOf": [{"enum": accepted}, {"type": "array", "items": {"enum": accepted}}, {"type": "null"}], "description": axis_description(*axis)})
        } else {
            accepted.push(Value::Null);
            json!({"enum": accepted, "description": axis_description(*axis)})
        };
        fields.insert(axis.as_str().into(), value);
    }
    for field in COUNTS {
        fields.insert(field.as_str().into(), count(true));
    }
    fields.insert("incident_id".into(), json!({"type": ["string", "integer", "null"], "maxLength": LONGEST_TEXT, "description": "The source's own name for the event, when it groups its reports"}));
    fields.insert(
        "contact".into(),
        text(LONGEST_TEXT, "Phone or handle of who called: sealed with the original, never stored in clear"),
    );
    json!({
        "$schema": DRAFT,
        "title": "A report in wire form",
        "description": "At least one of narrative, event_kind, tactics; all else is optional. Unknown fields are refused.",
        "type": "object",
        "properties": fields,
        "additionalProperties": false,
        "anyOf": [{"required": ["narrative"]}, {"required": ["event_kind"]}, {"required": ["tactics"]}],
    })
}

/// The coded form of a report: what `normalize` and `export` give.
#[must_use]
pub fn coded() -> Value {
    let text = json!({"type": ["string", "null"]});
    let mut fields = Map::new();
    fields.insert("report_id".into(), json!({"type": ["string", "null"], "pattern": "^[0-9a-f]{32}$"}));
    fields.insert("external_id".into(), text.clone());
    fields.insert("source".into(), text.clone());
    fields.insert("revision".into(), json!({"type": "integer", "minimum": 0}));
    fields.insert("received_at".into(), json!({"type": ["string", "null"], "format": "date-time"}));
    fields.insert("reported_at".into(), json!({"type": ["string", "null"], "format": "date-time"}));
    fields.insert("occurred_on".into(), json!({"type": ["string", "null"], "format": "date"}));
    fields.insert("occurred_time".into(), json!({"type": ["string", "null"], "pattern": "^[0-2][0-9]:[0-5][0-9]$"}));
    fields.insert("zone".into(), text.clone());
    fields.insert("occurred_precision".into(), json!({"enum": Precision::ALL.map(Precision::as_str)}));
    fields.insert("county_fips".into(), json!({"type": ["string", "null"], "pattern": "^[0-9]{5}$"}));
    fields.insert("county_vintage".into(), text.clone());
    fields.insert("state".into(), json!({"type": ["string", "null"], "pattern": "^[A-Z]{2}$"}));
    fields.insert("place_method".into(), text.clone());
    for axis in AXES {
        let mut accepted: Vec<Value> = codes(*axis).into_iter().map(Value::from).collect();
        let value = if SEVERAL_AXES.contains(axis) {
            json!({"oneOf": [{"type": "array", "items": {"enum": accepted}}, {"type": "null"}], "description": axis_description(*axis)})
        } else {
            accepted.push(Value::Null);
            json!({"enum": accepted, "description": axis_description(*axis)})
        };
        fields.insert(axis.as_str().into(), value);
    }
    for field in COUNTS {
        fields.insert(field.as_str().into(), count(false));
    }
    fields.insert("incident_id".into(), text.clone());
    fields.insert("language".into(), json!({"enum": ["en", "es", null]}));
    fields.insert("narrative".into(), json!({"type": ["string", "null"], "description": "Redacted"}));
    fields.insert(
        "redactions".into(),
        json!({"type": "array", "items": {
            "type": "object",
            "properties": {
                "field": {"type": "string"},
                "start": {"type": "integer", "minimum": 0},
                "end": {"type": "integer", "minimum": 0},
                "class": {"enum": Class::ALL.map(Class::as_str)},
                "rule": {"type": "string"},
            },
            "required": ["field", "start", "end", "class", "rule"],
        }}),
    );
    let origins: Map<String, Value> = Field::ALL
        .iter()
        .map(|field| {
            let origin = json!({
                "type": "object",
                "properties": {
                    "how": {"enum": ["given", "mapped", "inferred", "unknown"]},
                    "rule": {"type": ["string", "null"]},
                    "spans": {"type": "array", "description": "[start, end) in Unicode scalar values of the text as it came"},
                },
                "required": ["how", "rule"],
            });
            (field.as_str().to_owned(), origin)
        })
        .collect();
    fields.insert("provenance".into(), json!({"type": "object", "properties": origins}));
    let required: Vec<&String> = fields.keys().collect();
    let required = json!(required);
    // What is held is no reject.
    let reject_codes = RejectCode::ALL.iter().filter(|code| **code != RejectCode::SourcePaused);
    let reject_codes: Vec<_> = reject_codes.map(|code| code.as_str()).collect();
    let reject = json!({
        "type": "object",
        "properties": {
            "external_id": text,
            "reject": {
                "type": "object",
                "properties": {
                    "code": {"enum": reject_codes},
                    "field": text,
                    "message": {"type": "string"},
                },
                "required": ["code", "field", "message"],
            },
        },
        "required": ["external_id", "reject"],
    });
    json!({
        "$schema": DRAFT,
        "title": "A coded report, or why there is none",
        "oneOf": [
            {"type": "object", "properties": fields, "required": required, "additionalProperties": false},
            reject,
        ],
    })
}

/// The columns of the snapshot's segments, as a schema of one row.
#[must_use]
pub fn dataset() -> Value {
    let mut fields = Map::new();
    let mut required = Vec::new();
    for column in COLUMNS.iter().filter(|c| c.carried != Carried::NotInSnapshot) {
        let (kind, format) = match column.ty {
            ColumnType::Id | ColumnType::Text | ColumnType::Json => ("string", None),
            ColumnType::Codes => ("array", None),
            ColumnType::Int => ("integer", None),
            ColumnType::Bool => ("boolean", None),
            ColumnType::Date => ("string", Some("date")),
            ColumnType::Time => ("string", Some("time")),
            ColumnType::Instant => ("string", Some("date-time")),
        };
        let mut field = json!({"description": column.description});
        field["type"] = if column.nullable { json!([kind, "null"]) } else { json!(kind) };
        if let Some(format) = format {
            field["format"] = json!(format);
        }
        if column.ty == ColumnType::Codes {
            field["items"] = json!({"type": "string"});
        }
        if !column.nullable {
            required.push(column.name.clone());
        }
        fields.insert(column.name.clone().into_owned(), field);
    }
    json!({
        "$schema": DRAFT,
        "title": "A row of the snapshot",
        "description": "Parquet: DIR/snapshot/segments. A row counts unless its seq stands in a sidecar of superseded rows.",
        "version": VERSION,
        "type": "object",
        "properties": fields,
        "required": required,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn the_schemas_name_the_fields_that_the_types_have() {
        let wire_fields = report();
        for name in wire_fields["properties"].as_object().expect("fields").keys() {
            assert!(wire::is_field(name), "{name}");
        }
        let row = crate::dataset::tests::row();
        let printed = serde_json::to_value(&row.report).expect("JSON");
        let schema = coded();
        let fields = schema["oneOf"][0]["properties"].as_object().expect("fields");
        let mut printed: Vec<_> = printed.as_object().expect("fields").keys().collect();
        let mut named: Vec<_> = fields.keys().collect();
        printed.sort();
        named.sort();
        assert_eq!(printed, named);
        assert!(dataset()["properties"].get("narrative").is_none());
        assert!(dataset()["properties"].get("tactics").is_some());
    }
}
