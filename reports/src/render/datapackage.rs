//! `datapackage.json`: a Frictionless Data Package over the table files, made from the data dictionary.

use serde_json::{Value, json};

use crate::header::Header;
use crate::sheet::Sheets;

/// What stands in a cell whose number is withheld, or that has none.
const MISSING_VALUES: [&str; 4] = ["", "<5", "<11", "withheld"];

/// The descriptor of the tables of these names, in this order.
pub(crate) fn render(header: &Header, sheets: &Sheets, names: &[String]) -> Vec<u8> {
    let dictionary = sheets.get("data_dictionary");
    let resources: Vec<Value> = names
        .iter()
        .map(|name| {
            let fields: Vec<Value> = sheets
                .get(name)
                .header()
                .iter()
                .map(|column| {
                    let entry = dictionary.with(&[("table", name), ("column", column)]).next();
                    let said = |what: &str| entry.map_or("", |row| dictionary.text(row, what));
                    let unit = said("unit");
                    let kind = match unit {
                        "reports" | "persons" | "submissions" => "integer",
                        "decimal" | "days" | "share" => "number",
                        _ => "string",
                    };
                    let mut field = json!({"name": column, "type": kind, "description": said("description")});
                    if kind != "string" {
                        field["unit"] = json!(unit);
                    }
                    if unit == "flag" {
                        field["constraints"] = json!({"enum": ["primary", "complementary", "provisional"]});
                    }
                    field
                })
                .collect();
            let keys: Vec<&str> = dictionary
                .with(&[("table", name), ("unit", "key")])
                .map(|row| dictionary.text(row, "column"))
                .collect();
            let mut schema = json!({"fields": fields, "missingValues": MISSING_VALUES});
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
                "schema": schema,
            })
        })
        .collect();
    let package = json!({
        "profile": "tabular-data-package",
        "name": format!("testigo-brief-{}", header.period.to_lowercase()),
        "title": format!("Enforcement tactics reported, {}", header.period),
        "version": format!("edition {}", header.edition),
        "created": header.data_as_of,
        "description": "Counts of field reports, after disclosure control. A floor, not an estimate.",
        "resources": resources,
    });
    let mut bytes = serde_json::to_vec_pretty(&package).expect("texts and lists are JSON");
    bytes.push(b'\n');
    bytes
}
