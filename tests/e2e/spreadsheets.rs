//! Spreadsheets: what `import` makes of typed cells, several sheets, and files that are no workbook or a broken one.
//!
//! The workbooks are those of `scripts/spreadsheets.py`.

use std::path::Path;

use serde_json::Value;

use crate::common::{Home, counts, lines};

const MAPPING: &str = r#"
ignore = ["Looked up"]
[columns]
"Call" = "external_id"
"Called" = "reported_at"
"Day" = "occurred"
"Hour" = "incident_id"
"ZIP" = "place"
"What" = "event_kind"
"Agents" = "agents"
"Lat" = "lat"
"Lon" = "lon"
"Verified" = "review"
"Notes" = "narrative"
[aliases.review]
"true" = "confirmed"
"false" = "unconfirmed"
[format]
zone = "America/New_York"
"#;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spreadsheets").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

fn tried(home: &Home, mapping: &str, file: &str, code: i32) -> Vec<Value> {
    let arguments = ["--json", "import", "--source", "line", "--mapping", mapping, "--dry-run", file];
    lines(&home.run(&arguments).exits(code).stdout)
}

#[test]
fn typed_cells_are_read_as_a_person_sees_them() {
    let home = Home::new();
    let mapping = home.write("mapping.toml", MAPPING);
    for name in ["typed.xlsx", "typed-1904.xlsx"] {
        let rows = tried(&home, &mapping, &file(name), 3);
        let numbers: Vec<_> = rows.iter().map(|row| row["row"].as_u64().expect("a number")).collect();
        assert_eq!(numbers, [4, 5, 7, 8, 9, 10, 11], "the numbers that Excel shows");
        let first = &rows[0]["report"];
        assert_eq!(first["external_id"], "17", "no .0");
        assert_eq!(first["reported_at"], "2026-09-14T11:40:00Z", "a date-time, in the zone of the mapping");
        assert_eq!(
            (first["occurred_on"].as_str(), first["occurred_precision"].as_str()),
            (Some("2026-09-14"), Some("day"))
        );
        assert_eq!(first["incident_id"], "07:40:00", "a time alone");
        assert_eq!(first["review"], "confirmed", "a Boolean");
        assert_eq!(first["place_method"], "coordinates");
        assert_eq!(first["narrative"], "Four men & <two> cars");
        let second = &rows[1]["report"];
        assert_eq!(
            (second["place_method"].as_str(), second["state"].as_str()),
            (Some("zip"), Some("MA")),
            "02139, not 2139"
        );
        assert_eq!(second["agents"]["max"], 3);
        assert_eq!(second["narrative"], "línea uno\nlínea dos");
        assert_eq!(rows[2]["reject"]["code"], "bad_type", "#REF! is no value");
        assert_eq!(rows[2]["reject"]["field"], "What");
        let formula = &rows[3]["report"];
        assert_eq!((formula["event_kind"].as_str(), formula["agents"]["min"].as_u64()), (Some("arrest"), Some(2)));
        for row in &rows[3..] {
            assert_eq!(row["report"]["occurred_on"], "2026-09-14", "a formula's value; a merged cell");
        }
    }
}

#[test]
fn the_sheet_is_the_named_one_or_said_aloud() {
    let home = Home::new();
    let mapping = home.write("mapping.toml", MAPPING);
    let typed = file("typed.xlsx");
    let import =
        |mapping: &str, file: &str| home.run(&["import", "--source", "line", "--mapping", mapping, "--dry-run", file]);
    import(&mapping, &typed).exits(3).says(&["sheet \"Calls\" is read", "\"Read me\"", "\"Old\" (hidden)", "row 3"]);
    import(&mapping, &file("no-results.xlsx")).exits(3).says(&["3 formulas have no value"]);
    let wrong = home.write("wrong.toml", format!("{MAPPING}sheet = \"Cals\"\n"));
    import(&wrong, &typed).exits(2).says(&["\"Cals\"", "\"Read me\", \"Calls\", \"Old\" (hidden)"]);
    // A hidden sheet can be named.
    let old =
        home.write("old.toml", "[columns]\nCall = \"external_id\"\nWhat = \"event_kind\"\n[format]\nsheet = \"Old\"\n");
    assert_eq!(tried(&home, &old, &typed, 0)[0]["report"]["external_id"], "1");
}

#[test]
fn the_same_rows_by_csv_and_by_xlsx_are_the_same_reports() {
    let home = Home::new();
    let import = |name: &str| home.json(&["import", "--source", "line", &file(name)]);
    let keys = ["rows", "coded", "repeated", "revised", "rejected"];
    assert_eq!(counts(&import("plain.csv"), &keys), [4, 4, 0, 0, 0]);
    assert_eq!(counts(&import("plain.xlsx"), &keys), [4, 0, 4, 0, 0]);
}

#[test]
fn a_file_that_cannot_be_read_queues_nothing() {
    let home = Home::new();
    let whole = std::fs::read(file("plain.xlsx")).expect("the file reads");
    let mut flipped = whole.clone();
    // The sheet is packed somewhere in the first half; one bit of it is turned.
    let sheet = flipped.windows(24).position(|w| w == b"xl/worksheets/sheet1.xml").expect("it has a sheet");
    flipped[sheet + 24 + 60] ^= 0x10;
    let cases: [(&str, &[u8], i32, &str); 5] = [
        ("cut.xlsx", &whole[..whole.len() - 100], 1, "damaged"),
        ("flipped.xlsx", &flipped, 1, "damaged"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1and more", 2, "save it as .xlsx"),
        ("archive.zip", b"PK\x03\x04 and no table of contents", 1, "damaged"),
        ("bomb.xlsx", &std::fs::read(file("bomb.xlsx")).expect("the file reads"), 1, "unpacks to far more"),
    ];
    for (name, bytes, code, text) in cases {
        let path = home.write(name, bytes);
        home.run(&["import", "--source", "line", &path]).exits(code).says(&[name, text]);
    }
    assert_eq!(counts(&home.status(), &["received"]), [0]);
}
