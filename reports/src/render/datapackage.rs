//! `datapackage.json`: a Frictionless Data Package over the table files, made from the data dictionary and the code lists.
//!
//! What always holds: it is a function of the table files and the header; every value of a table is one that its field
//! allows, or one of the missing values that the schema names; bytes and hash of each file are in it.

use std::collections::BTreeSet;

use analytics::results::{ALL, UNKNOWN};
use schemas::Language;
use schemas::taxonomy;
use serde_json::{Map, Value, json};

use crate::header::Header;
use crate::publish::sha256_hex;
use crate::sheet::{Sheet, Sheets};

/// What stands in a cell whose number is withheld, or that has none, and what it means.
const MISSING_VALUES: [(&str, &str); 4] = [
    ("", "there is nothing to measure; in a flag: the number is shown as it is"),
    ("<5", "one to four: hidden, because a small number with a place can point to a person"),
    ("<11", "one to ten: hidden, because it tells of persons"),
    ("withheld", "hidden so that another hidden number cannot be worked out, or made from a hidden number"),
];

/// The columns whose values are codes of an axis of the taxonomy, with the axis.
const CODED: [(&str, &str); 6] = [
    ("event_kind", "event_kind"),
    ("tactic", "tactics"),
    ("tactic_a", "tactics"),
    ("tactic_b", "tactics"),
    ("setting", "setting"),
    ("agency", "agency_claimed"),
];

/// Key columns with few values of their own, in this order.
const CLOSED: [(&str, &[&str]); 8] = [
    ("basis", &["claimed", "assessed"]),
    ("span", &["month", "quarter", "12_months"]),
    ("dimension", &["court_type", "court_stage", "court_role", "place_relation", "authority_shown", "staff_assist"]),
    ("kind", &[ALL, "detainer_hold", "transfer_at_release", "other"]),
    ("comparison", &["previous_month", "same_month_last_year"]),
    ("scope", &["period", ALL]),
    ("sum", &["received", "coded", "bridge"]),
    ("reason", &["primary", "complementary"]),
];

/// Numbers that are no counts of reports, and whole.
const WHOLE: [&str; 6] = ["rank", "months_in_series", "sources", "sources_of_month", "cells", "cells_in_all"];

/// Why a number of `revisions` is another.
const WHY: [&str; 6] = ["not_printed_then", "not_printed_now", "hidden_now", "shown_now", "newer_data", "other_rules"];

/// The descriptor of these tables, in this order: name and file.
pub(crate) fn render(header: &Header, sheets: &Sheets, tables: &[(&str, &[u8])]) -> Vec<u8> {
    let resources: Vec<Value> = tables.iter().map(|(name, bytes)| resource(sheets, name, bytes)).collect();
    let edition = header.edition;
    let mut package = json!({
        "profile": "tabular-data-package",
        "name": name(header),
        "id": format!("testigo:{}:{}:{edition}", header.snapshot_id, name(header)),
        "title": format!("Enforcement tactics reported, {}", header.period),
        "version": format!("{edition}.0.0"),
        "created": header.data_as_of,
        "description": format!(
            "Counts of field reports of immigration enforcement, after disclosure control. Edition {edition}, data as of {}, \
             snapshot {}, taxonomy {}, counties {}, dataset {}. A report is what someone saw and told: not a person, not a \
             confirmed event, and the counts are no estimate of how many there were.",
            header.data_as_of, header.snapshot_id, header.taxonomy, header.geography, header.dataset
        ),
        "keywords": ["immigration enforcement", "field reports", "counts"],
        "sources": sources(header),
        "missingValuesMeaning": MISSING_VALUES.iter().map(|(value, means)| json!({"value": value, "means": means})).collect::<Vec<_>>(),
        "resources": resources,
    });
    if let Some(license) = &header.license {
        package["licenses"] = json!([{"name": license}]);
    }
    let mut bytes = serde_json::to_vec_pretty(&package).expect("texts and lists are JSON");
    bytes.push(b'\n');
    bytes
}

fn name(header: &Header) -> String {
    let state = header.state.as_deref().map_or(String::new(), |code| format!("-{}", code.to_lowercase()));
    format!("testigo-brief-{}{state}", header.period.to_lowercase())
}

fn sources(header: &Header) -> Value {
    let organisations = header.sources.map_or(String::new(), |n| format!(" of {n} organisations"));
    json!([
        {"title": format!("Field reports{organisations}, coded by testigo {}", header.testigo)},
        {
            "title": "Names and codes of counties: U.S. Census Bureau",
            "path": "https://www.census.gov/library/reference/code-lists/ansi.html"
        },
    ])
}

fn resource(sheets: &Sheets, name: &str, bytes: &[u8]) -> Value {
    let dictionary = sheets.get("data_dictionary");
    let sheet = sheets.get(name);
    let columns: Vec<(&str, Value)> = sheet
        .header()
        .iter()
        .map(|column| {
            let entry = dictionary.with(&[("table", name), ("column", column)]).next();
            let said = |what: &str| entry.map_or("", |row| dictionary.text(row, what));
            let (unit, description) = match entry {
                Some(_) => (said("unit"), said("description")),
                None => of_dictionary(column),
            };
            (unit, field(sheet, name, column, unit, description))
        })
        .collect();
    let keys: Vec<&Value> =
        columns.iter().filter(|(unit, _)| *unit == "key").map(|(_, field)| &field["name"]).collect();
    let missing = MISSING_VALUES.map(|(value, _)| value);
    let fields: Vec<&Value> = columns.iter().map(|(_, field)| field).collect();
    let mut schema = json!({"fields": fields, "missingValues": missing});
    if !keys.is_empty() {
        schema["primaryKey"] = json!(keys);
    }
    json!({
        "name": name.replace('_', "-"),
        "path": format!("tables/{name}.csv"),
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "lineTerminator": "\n", "quoteChar": "\"", "doubleQuote": true, "header": true},
        "bytes": bytes.len(),
        "hash": format!("sha256:{}", sha256_hex(bytes)),
        "schema": schema,
    })
}

/// The dictionary describes every table but itself.
fn of_dictionary(column: &str) -> (&'static str, &'static str) {
    match column {
        "table" => ("key", "Name of the table"),
        "column" => ("key", "Name of the column"),
        "unit" => ("text", "What it counts; key for a key column, flag for a flag"),
        "description" => ("text", "What it means"),
        _ => ("text", ""),
    }
}

fn field(sheet: &Sheet, table: &str, column: &str, unit: &str, description: &str) -> Value {
    let kind = match (unit, column) {
        ("reports" | "persons" | "submissions", _) => "integer",
        ("decimal", name) if WHOLE.contains(&name) => "integer",
        ("decimal", _) => "number",
        // What is revised can be of a whole period.
        ("key", "month") if table != "revisions" => "yearmonth",
        _ => "string",
    };
    let mut field = Map::new();
    field.insert("name".into(), json!(column));
    field.insert("type".into(), json!(kind));
    field.insert("description".into(), json!(description));
    if matches!(kind, "integer" | "number") {
        field.insert("unit".into(), json!(if unit == "decimal" { measure_of(column) } else { unit }));
    }
    let mut constraints = Map::new();
    if unit == "key" {
        constraints.insert("required".into(), json!(true));
    }
    let has = |value: &str| sheet.with(&[(column, value)]).next().is_some();
    match column {
        _ if unit == "flag" => {
            constraints.insert("enum".into(), json!(["primary", "complementary", "provisional"]));
        }
        "why" => {
            constraints.insert("enum".into(), json!(WHY));
        }
        "county_fips" => {
            constraints.insert("pattern".into(), json!("[0-9]{5}|all|unknown"));
        }
        "state" => {
            constraints.insert("pattern".into(), json!("[A-Z]{2}|all|unknown"));
        }
        "period" if unit == "key" => {
            constraints.insert("pattern".into(), json!("[0-9]{4}(-[0-9]{2}|-Q[1-4])?"));
        }
        _ if unit == "key" => {
            if let Some((_, values)) = CLOSED.iter().find(|(name, _)| *name == column) {
                constraints.insert("enum".into(), json!(values));
            } else if let Some((_, axis)) = CODED.iter().find(|(name, _)| *name == column) {
                let codes = codes(axis, has);
                constraints.insert("enum".into(), codes.iter().map(|code| code["value"].clone()).collect());
                field.insert("categories".into(), Value::Array(codes));
            }
        }
        _ => {}
    }
    if !constraints.is_empty() {
        field.insert("constraints".into(), Value::Object(constraints));
    }
    Value::Object(field)
}

/// The codes of an axis with their labels; those that stand for all or for what is not known, where the table has them.
fn codes(axis: &str, has: impl Fn(&str) -> bool) -> Vec<Value> {
    let mut codes = Vec::new();
    let mut listed = BTreeSet::new();
    if has(ALL) {
        codes.push(json!({"value": ALL, "label": "all", "label_es": "todos"}));
    }
    for info in taxonomy::axis(axis).map_or(&[][..], |axis| axis.codes) {
        listed.insert(info.code);
        codes.push(json!({
            "value": info.code,
            "label": info.label.get(Language::En),
            "label_es": info.label.get(Language::Es),
            "description": info.definition.get(Language::En),
        }));
    }
    if has(UNKNOWN) && !listed.contains(UNKNOWN) {
        codes.push(json!({"value": UNKNOWN, "label": "not told", "label_es": "no se dice"}));
    }
    codes
}

/// What a number that is no count is in.
fn measure_of(column: &str) -> &'static str {
    match column {
        "median_lag_days" => "days",
        "rank" | "months_in_series" => "1",
        name if name.starts_with("share_") => "share, 0 to 1",
        "lift" => "ratio",
        "sources" | "sources_of_month" => "organisations",
        "cells" | "cells_in_all" => "cells",
        _ => "as in the table that it is from",
    }
}
