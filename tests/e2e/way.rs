//! The whole way by file: init, source, import, withdraw, brief, verify.

use serde_json::json;

use crate::common::{Home, arrest, counts, files, table};

const MAPPING: &str = r#"
ignore = ["Plan"]
[columns]
"Id" = "external_id"
"When" = "occurred"
"Where" = "place"
"What" = "event_kind"
"Notes" = "narrative"
[aliases.event_kind]
"Detained" = "arrest"
"#;

const CALLS: &str = "Id,When,Where,What,Notes,Plan
a1,2026-09-02,\"Seattle, WA\",Detained,They took a neighbour,x
a2,2026-09-03,\"Yakima, WA\",Detained,,y
a3,2026-09-04,98118,sighting,,
";

#[test]
fn files_go_in_and_a_brief_comes_out() {
    let home = Home::new();
    home.source("hot");
    let mapping = home.write("mapping.toml", MAPPING);
    let calls = home.write("calls.csv", CALLS);
    let import = |file: &str| home.json(&["import", "--source", "hot", "--mapping", &mapping, file]);

    let first = import(&calls);
    assert_eq!(counts(&first, &["rows", "accepted", "coded", "repeated", "revised", "rejected"]), [3, 3, 3, 0, 0, 0]);
    assert_eq!(counts(&import(&calls), &["rows", "coded", "repeated"]), [3, 0, 3], "the same file again adds nothing");
    let revised = home.write("revised.csv", CALLS.replace("2026-09-03", "2026-09-05"));
    let revision = import(&revised);
    assert_eq!(counts(&revision, &["coded", "revised", "repeated"]), [0, 1, 2]);
    let more = home.write("more.ndjson", format!("{}\n{}\n", arrest("n1", "2026-09-06"), arrest("n2", "2026-09-07")));
    assert_eq!(counts(&home.json(&["import", "--source", "other", &more]), &["rows", "coded"]), [2, 2]);

    let status = home.status();
    assert_eq!(
        counts(&status, &["received", "coded", "revisions", "repeats", "rejected", "waiting"]),
        [11, 5, 1, 5, 0, 0]
    );
    let arrests = |dir: &str| {
        let rows = table(&home.brief("2026-09", dir), "reports_month");
        let row = rows.iter().find(|r| r["month"] == "2026-09" && r["event_kind"] == "arrest");
        row.expect("the month has a row")["reports"].clone()
    };
    assert_eq!(arrests("before"), "4");

    // Withdrawing the revision brings back the version before it; withdrawing the import takes its reports out.
    let withdraw =
        |batch: &serde_json::Value| home.json(&["import", "withdraw", batch["batch"].as_str().expect("an id")]);
    assert_eq!(counts(&withdraw(&revision), &["withdrawn", "reverted"]), [0, 1]);
    assert_eq!(counts(&withdraw(&first), &["withdrawn", "reverted"]), [3, 0]);
    assert_eq!(arrests("withdrawn"), "2");
    assert_eq!(home.status()["coded"], json!(5), "a withdrawn report stays received and coded");
    assert_eq!(import(&calls)["rejected"], json!(0));
    assert_eq!(arrests("again"), "4", "all are back");
    home.status();
    home.run(&["import", "withdraw", first["batch"].as_str().expect("an id")]).exits(2);
    home.run(&["import", "withdraw", "00000000000000000000000000000000"]).exits(2);
}

#[test]
fn a_dry_run_tells_each_row_and_stores_nothing() {
    let home = Home::new();
    let file = home
        .write("a.ndjson", format!("{}\n{}\n{}\n", arrest("1", "2026-09-01"), arrest("1", "2026-09-01"), r#"{"x":1}"#));
    let ran = home.run(&["--json", "import", "--source", "hot", "--dry-run", &file]).exits(3);
    let rows = crate::common::lines(&ran.stdout);
    let outcomes: Vec<_> = rows.iter().map(|r| r["outcome"].as_str().expect("an outcome")).collect();
    assert_eq!(outcomes, ["coded", "repeat", "rejected"]);
    assert_eq!(home.status()["received"], json!(0));
}

#[test]
fn a_digit_that_was_changed_is_found_by_verify() {
    let home = Home::new();
    let file = home.write("a.ndjson", format!("{}\n", arrest("1", "2026-09-01")));
    home.json(&["import", "--source", "hot", &file]);
    for name in ["brief.md", "brief.html", "tables/reports_month.csv", "datapackage.json"] {
        let dir = home.brief("2026-09", "tampered");
        let path = dir.join(name);
        let text = std::fs::read_to_string(&path).expect("published");
        let at = text.rfind(|c: char| c.is_ascii_digit()).expect("a digit");
        let digit = if text.as_bytes()[at] == b'9' { "8" } else { "9" };
        std::fs::write(&path, format!("{}{digit}{}", &text[..at], &text[at + 1..])).expect("written");
        home.run(&["verify", dir.to_str().expect("UTF-8")]).exits(1);
        std::fs::remove_dir_all(dir).expect("removed");
    }
}

#[test]
fn a_directory_that_testigo_did_not_write_is_left_alone() {
    let home = Home::new();
    let file = home.write("a.ndjson", format!("{}\n", arrest("1", "2026-09-01")));
    home.json(&["import", "--source", "hot", &file]);
    let foreign = home.path("foreign");
    std::fs::create_dir(&foreign).expect("made");
    std::fs::write(format!("{foreign}/thesis.txt"), "years of work").expect("written");
    home.run(&["brief", "--period", "2026-09", "--out", &foreign]).exits(2).says(&["foreign"]);
    home.run(&["demo", "--out", &foreign]).exits(2).says(&["foreign"]);
    assert_eq!(std::fs::read_to_string(format!("{foreign}/thesis.txt")).expect("still there"), "years of work");
    let again = home.run(&["init", "--identity-out", &home.path("second.txt")]).exits(2);
    assert!(again.stderr.contains("data"), "{}", again.stderr);
}

#[test]
fn a_brief_does_not_come_out_before_late_reports_are_in() {
    let mut home = Home::new();
    home.now = Some("2026-10-13T23:00:00Z".into());
    let file = home.write("a.ndjson", format!("{}\n", arrest("1", "2026-09-01")));
    home.json(&["import", "--source", "hot", &file]);
    let out = home.path("early");
    home.run(&["brief", "--period", "2026-09", "--out", &out]).exits(2).says(&["2026-10-14", "--preview"]);
    assert!(!std::path::Path::new(&out).exists());
    home.run(&["brief", "--period", "2026-09", "--preview", "--out", &out]).exits(0);
    home.run(&["verify", &out]).exits(0);
    home.now = Some("2026-10-14T00:00:00Z".into());
    home.run(&["brief", "--period", "2026-09", "--as-of", "2026-10-14T00:00:00Z", "--out", &home.path("due")]).exits(0);
    home.run(&["brief", "--period", "2026-09", "--as-of", "2026-10-15T00:00:00Z", "--out", &home.path("ahead")])
        .exits(2);
}

#[test]
fn a_past_brief_is_rebuilt_byte_for_byte() {
    let mut home = Home::new();
    let mapping = home.write("mapping.toml", MAPPING);
    let calls = home.write("calls.csv", CALLS);
    let first = home.json(&["import", "--source", "hot", "--mapping", &mapping, &calls]);
    let then = files(&home.brief("2026-09", "then"));

    home.now = Some("2026-10-25T08:00:00Z".into());
    let revised =
        home.write("revised.csv", CALLS.replace("Yakima", "Spokane").replace("a3,2026-09-04", "a3,2026-08-04"));
    home.json(&["import", "--source", "hot", "--mapping", &mapping, &revised]);
    home.json(&["import", "withdraw", first["batch"].as_str().expect("an id")]);
    let out = home.path("rebuilt");
    home.run(&["brief", "--period", "2026-09", "--as-of", "2026-10-20T12:00:00Z", "--out", &out]).exits(0);
    let rebuilt = files(std::path::Path::new(&out));
    assert_eq!(then.keys().collect::<Vec<_>>(), rebuilt.keys().collect::<Vec<_>>());
    for (path, bytes) in &then {
        assert!(rebuilt[path] == *bytes, "{} differs", path.display());
    }
    assert!(files(&home.brief("2026-09", "now")) != then, "what came since changes today's brief");
}

/// A brief says the same in both languages, of a month, a quarter, a year and a state; only its words differ.
#[test]
fn briefs_come_in_two_languages_and_for_quarters_years_and_states() {
    let home = Home::new();
    home.source("hot");
    let reports: Vec<String> =
        (1..=12).map(|n| arrest(&format!("r{n}"), &format!("2026-09-{n:02}")).to_string()).collect();
    let file = home.write("reports.ndjson", reports.join("\n"));
    home.json(&["import", "--source", "hot", &file]);
    let brief = |name: &str, arguments: &[&str]| {
        let out = home.path(name);
        let mut all = vec!["brief", "--out", &out];
        all.extend(arguments);
        home.run(&all).exits(0);
        home.run(&["verify", &out]).exits(0);
        std::path::PathBuf::from(out)
    };
    let text = |dir: &std::path::Path| std::fs::read_to_string(dir.join("brief.md")).expect("written");

    let english = brief("en", &["--period", "2026-09"]);
    let spanish = brief("es", &["--period", "2026-09", "--lang", "es"]);
    assert!(text(&english).starts_with("# Enforcement tactics reported, September 2026\n"));
    assert!(text(&spanish).starts_with("# Tácticas de control migratorio reportadas, septiembre de 2026\n"));
    assert!(text(&spanish).contains("| **todos los hechos** | **12** |"));
    let tables = |dir: &std::path::Path| files(&dir.join("tables"));
    assert!(tables(&english) == tables(&spanish), "the tables are the same");

    let quarter = text(&brief("quarter", &["--period", "2026-Q3", "--state", "wa"]));
    assert!(quarter.starts_with("# Enforcement tactics reported in Washington, third quarter of 2026\n"), "{quarter}");
    assert!(
        quarter.contains("| reports of | third quarter of 2026 | second quarter of 2026 | third quarter of 2025 |")
    );
    let year = text(&brief("year", &["--period", "2026", "--lang", "es", "--preview"]));
    assert!(year.contains("| reportes de | 2026 | 2025 |"), "{year}");
    home.run(&["brief", "--period", "2026-09", "--state", "NY", "--out", &home.path("ny")]).exits(1).says(&["NY"]);
    home.run(&["brief", "--period", "2026-09", "--state", "New", "--out", &home.path("new")])
        .exits(2)
        .says(&["--state"]);
    home.run(&["brief", "--period", "2026-9", "--out", &home.path("no")]).exits(2).says(&["2026-Q3"]);
}
