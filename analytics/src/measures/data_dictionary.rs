//! `data_dictionary`: every column of every published table.

use crate::results::{KeyColumn, Row, Table, Unit};

/// The dictionary of these tables: table, column, unit, description; keys first, then measures, each followed by its flag.
#[must_use]
pub fn data_dictionary<'a>(tables: impl IntoIterator<Item = &'a Table>) -> Table {
    let column = |name: &'static str, description: &'static str| KeyColumn {
        name: name.into(),
        description: description.into(),
    };
    let mut rows = Vec::new();
    for table in tables {
        let mut put = |column: &str, unit: &'static str, description: &str| {
            let keys = [table.name, column, unit, description];
            rows.push(Row { keys: keys.iter().map(|k| (*k).to_owned().into()).collect(), values: Vec::new() });
        };
        for key in &table.keys {
            put(&key.name, "key", &key.description);
        }
        for measure in &table.measures {
            put(&measure.name, unit_name(measure.unit), &measure.description);
            if measure.may_be_withheld {
                let description =
                    "Empty, primary (1 to k-1), complementary (hidden for another cell's sake), or provisional";
                put(&format!("{}_flag", measure.name), "flag", description);
            }
        }
    }
    Table {
        name: "data_dictionary",
        description: "Every column of every table".into(),
        keys: vec![
            column("table", "Name of the table"),
            column("column", "Name of the column"),
            column("unit", "What it counts; `key` for a key column, `flag` for a flag"),
            column("description", "What it means"),
        ],
        measures: Vec::new(),
        rows,
    }
}

const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Reports => "reports",
        Unit::Persons => "persons",
        Unit::Submissions => "submissions",
        Unit::Decimal(_) => "decimal",
        Unit::Text => "text",
    }
}
