//! Data that others can read: the data package, copies with HXL tags, copies for spreadsheets.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::{Home, arrest, files, skipped, table};

/// A store with enough reports of two sources and places that all kinds of cell occur, one of them with a name that a
/// spreadsheet would run.
fn with_reports() -> Home {
    let home = Home::new();
    let name = "=HYPERLINK(\"http://a.example\")";
    let arguments = ["source", "add", "hot", "--state", "WA", "--zone", "America/Los_Angeles", "--public-name", name];
    home.run(&arguments).exits(0);
    let of = |month: &str, place: &str, n: u32| {
        let report = |i| {
            let id = format!("{month}-{place}-{i}");
            arrest(&id, &format!("{month}-{i:02}")).to_string().replace("Seattle", place)
        };
        (1..=n).map(report).collect::<Vec<_>>()
    };
    let all = [of("2026-08", "Seattle", 12), of("2026-09", "Seattle", 17), of("2026-09", "Yakima", 3)];
    let file = home.write("a.ndjson", all.concat().join("\n"));
    home.json(&["import", "--source", "hot", &file]);
    home
}

fn frictionless() -> Option<Command> {
    let program = std::env::var_os("TESTIGO_FRICTIONLESS").unwrap_or_else(|| "frictionless".into());
    let there = Command::new(&program).arg("--version").output().is_ok_and(|out| out.status.success());
    there.then(|| Command::new(program))
}

fn valid(dir: &Path) -> bool {
    let mut command = frictionless().expect("looked for before");
    let out = command.args(["validate", "datapackage.json"]).current_dir(dir).output().expect("runs");
    out.status.success()
}

#[test]
fn the_data_package_validates() {
    if frictionless().is_none() {
        return skipped("frictionless is not installed: the data package was not validated (pip install frictionless)");
    }
    let home = with_reports();
    let out = home.path("everywhere");
    home.run(&["brief", "--period", "2026-09", "--hxl", "--out", &out]).exits(0);
    home.run(&["verify", &out]).exits(0);
    let everywhere = PathBuf::from(out);
    assert!(valid(&everywhere), "everywhere");
    let state = home.path("state");
    home.run(&["brief", "--period", "2026-Q3", "--state", "WA", "--lang", "es", "--out", &state]).exits(0);
    assert!(valid(Path::new(&state)), "a state and a quarter");
    // It does look: a number that is none, and a file that is another.
    let path = everywhere.join("tables/reports_month.csv");
    let whole = std::fs::read_to_string(&path).expect("there");
    let changed = whole.replacen(",20,", ",many,", 1);
    assert!(changed != whole, "{whole}");
    std::fs::write(&path, changed).expect("written");
    assert!(!valid(&everywhere), "a changed table");
}

#[test]
fn the_data_package_says_what_a_cell_can_hold() {
    let mut home = with_reports();
    let file = home.data().join("testigo.toml");
    let settings = std::fs::read_to_string(&file).expect("made by init");
    std::fs::write(&file, settings.replace("[publish]", "[publish]\nlicense = \"CC-BY-4.0\"")).expect("written");
    let dir = home.brief("2026-09", "brief");
    let package: Value =
        serde_json::from_slice(&std::fs::read(dir.join("datapackage.json")).expect("there")).expect("JSON");
    assert_eq!(package["licenses"][0]["name"], "CC-BY-4.0");
    let resources = package["resources"].as_array().expect("an array");
    assert_eq!(resources.len(), std::fs::read_dir(dir.join("tables")).expect("there").count());
    for resource in resources {
        let path = resource["path"].as_str().expect("a path");
        let bytes = std::fs::metadata(dir.join(path)).expect("there").len();
        assert_eq!(resource["bytes"].as_u64(), Some(bytes), "{path}");
        assert!(resource["hash"].as_str().is_some_and(|hash| hash.starts_with("sha256:")), "{path}");
        let missing = resource["schema"]["missingValues"].as_array().expect("an array");
        for value in ["", "<5", "<11", "withheld"] {
            assert!(missing.iter().any(|v| v == value), "{path}: {value}");
        }
        for field in resource["schema"]["fields"].as_array().expect("an array") {
            let is_number = field["type"] == "integer" || field["type"] == "number";
            assert!(!field["description"].as_str().expect("words").is_empty(), "{path}: {field}");
            assert!(!is_number || field["unit"].is_string(), "{path}: {field}");
        }
    }
    let kinds = resources.iter().find(|r| r["name"] == "reports-month").expect("there");
    let codes = kinds["schema"]["fields"][1]["categories"].as_array().expect("a code list");
    let es = codes.iter().find(|code| code["value"] == "arrest").map(|code| &code["label_es"]);
    assert_eq!(es.and_then(Value::as_str), Some("arresto"));
    home.now = None;
    std::fs::write(&file, "[publish]\nlicense = \"all mine\"\n").expect("written");
    home.run(&["brief", "--period", "2026-09", "--out", &home.path("no")]).exits(2).says(&["publish.license"]);
}

#[test]
fn copies_for_other_programs_hold_the_same_numbers() {
    let home = with_reports();
    let plain = home.brief("2026-09", "plain");
    let out = home.path("tagged");
    home.run(&["brief", "--period", "2026-09", "--hxl", "--out", &out]).exits(0);
    home.run(&["verify", &out]).exits(0);
    let tagged = Path::new(&out);
    assert!(!plain.join("hxl").exists(), "HXL is an option");
    assert!(files(&plain.join("tables")) == files(&tagged.join("tables")), "and changes no table");
    assert!(files(&plain.join("spreadsheet")) == files(&tagged.join("spreadsheet")));

    let rows = table(&plain, "county_month");
    let read = |path: PathBuf| {
        let bytes = std::fs::read(path).expect("there");
        let text = String::from_utf8(bytes).expect("UTF-8");
        let rows: Vec<Vec<String>> = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes())
            .records()
            .map(|row| row.expect("a row").iter().map(str::to_owned).collect())
            .collect();
        (text, rows)
    };
    let (_, hxl) = read(tagged.join("hxl/county_month.csv"));
    assert_eq!(hxl.len(), rows.len() + 2);
    assert!(hxl[1].iter().all(|tag| tag.starts_with('#')), "{:?}", hxl[1]);
    assert_eq!(hxl[1][..3], ["#date+month", "#adm1+code", "#adm2+code+v_fips"]);

    let (text, safe) = read(plain.join("spreadsheet/county_month.csv"));
    assert!(text.starts_with("\u{feff}month,") && text.ends_with("\r\n"));
    assert_eq!(safe.len(), rows.len() + 1);
    for (safe, row) in safe[1..].iter().zip(&rows) {
        assert_eq!(safe[0].replace("-M", "-"), row["month"]);
        assert_eq!(safe[2].trim_start_matches("0500000US"), row["county_fips"]);
        assert_eq!([&safe[4], &safe[5]], [&row["reports"], &row["reports_flag"]]);
    }
    let (_, completeness) = read(plain.join("spreadsheet/completeness_month.csv"));
    assert!(completeness.iter().flatten().all(|cell| !cell.starts_with(['=', '@', '+'])), "nothing that is run");
    assert!(completeness.iter().flatten().any(|cell| cell.starts_with("'=HYPERLINK")));
}
