//! Editions, the ledger, and what `verify` finds: briefs that come out again, and directories that somebody changed.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::common::{Home, arrest, files, table, with_reports};

fn manifest(dir: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(dir.join("manifest.json")).expect("published")).expect("JSON")
}

#[test]
fn a_brief_from_other_data_is_another_edition_with_its_reason() {
    let mut home = with_reports();
    let first = home.brief("2026-09", "first");
    assert_eq!(manifest(&first)["header"]["edition"], 1);
    // The same data: the same edition, the same bytes; in the other language the same tables.
    let again = home.brief("2026-09", "again");
    assert!(files(&first) == files(&again));
    let es = home.path("es");
    home.run(&["brief", "--period", "2026-09", "--lang", "es", "--out", &es]).exits(0);
    assert_eq!(manifest(Path::new(&es))["header"]["edition"], 1);
    assert!(files(&first.join("tables")) == files(&Path::new(&es).join("tables")));

    home.now = Some("2026-10-25T08:00:00Z".into());
    let late = home.write("late.ndjson", format!("{}\n", arrest("late", "2026-08-20")));
    home.json(&["import", "--source", "hot", &late]);
    // A preview is in no record.
    home.run(&["brief", "--period", "2026-09", "--preview", "--out", &home.path("preview")]).exits(0);
    let second = home.path("second");
    let arguments = ["brief", "--period", "2026-09", "--reason", "A source sent August anew", "--out", &second];
    home.run(&arguments).exits(0).says(&["edition 2"]);
    home.run(&["verify", &second]).exits(0);
    let second = Path::new(&second);
    assert_eq!(manifest(second)["header"]["edition"], 2);
    let text = std::fs::read_to_string(second.join("brief.md")).expect("written");
    assert!(text.contains("This is edition 2: A source sent August anew"), "{text}");
    let revisions = table(second, "revisions");
    let august = |row: &&BTreeMap<String, String>| {
        row["table"] == "reports_month" && row["key"] == "event_kind=all" && row["measure"] == "reports"
    };
    let row = revisions.iter().find(august).expect("a row");
    assert_eq!([&row["month"], &row["was"], &row["is"], &row["why"]], ["2026-08", "12", "13", "newer_data"]);
    // The first can still be made as it was, and counts once.
    let rebuilt = home.path("rebuilt");
    home.run(&["brief", "--period", "2026-09", "--as-of", "2026-10-20T12:00:00Z", "--out", &rebuilt]).exits(0);
    assert!(files(&first) == files(Path::new(&rebuilt)));
    let made_again = home.json(&["brief", "--period", "2026-09", "--out", &home.path("second_again")]);
    assert_eq!(made_again["edition"], 2);
    let entries = std::fs::read_dir(home.data().join("ledger")).expect("a ledger");
    assert_eq!(entries.filter(|e| e.as_ref().expect("reads").path().is_dir()).count(), 2);
}

/// Puts a file's hash and size in the manifest right.
fn put_right(dir: &Path, path: &str) {
    let bytes = std::fs::read(dir.join(path)).expect("there");
    let mut manifest = manifest(dir);
    for entry in manifest["files"].as_array_mut().expect("an array") {
        if entry["path"] == path {
            let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
            entry["sha256"] = hash.into();
            entry["bytes"] = bytes.len().into();
        }
    }
    let text = serde_json::to_string_pretty(&manifest).expect("JSON") + "\n";
    std::fs::write(dir.join("manifest.json"), text).expect("written");
}

/// Changes the nth digit of a file.
fn change(dir: &Path, path: &str, nth: usize) {
    let mut bytes = std::fs::read(dir.join(path)).expect("there");
    let digits: Vec<usize> = (0..bytes.len()).filter(|i| bytes[*i].is_ascii_digit()).collect();
    let at = digits[nth % digits.len()];
    bytes[at] = b'0' + (bytes[at] - b'0' + 1) % 10;
    std::fs::write(dir.join(path), bytes).expect("written");
}

#[test]
fn every_changed_digit_is_found() {
    let home = with_reports();
    let dir = home.brief("2026-09", "brief");
    let whole = files(&dir);
    let has_digit = |bytes: &[u8]| bytes.iter().any(u8::is_ascii_digit);
    let with_digits = whole.iter().filter(|(_, bytes)| has_digit(bytes));
    let paths: Vec<String> = with_digits.map(|(path, _)| path.to_str().expect("UTF-8").to_owned()).collect();
    let mut state = 11u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("few")
    };
    let each = paths.iter().map(|path| (path.clone(), 0)).collect::<Vec<_>>();
    let random: Vec<(String, usize)> = (0..200).map(|_| (paths[draw() % paths.len()].clone(), draw())).collect();
    let directory = dir.to_str().expect("UTF-8").to_owned();
    for (path, nth) in each.into_iter().chain(random) {
        change(&dir, &path, nth);
        home.run(&["verify", &directory]).exits(1);
        if path != "manifest.json" {
            put_right(&dir, &path);
            home.run(&["verify", &directory]).exits(1);
        }
        for file in [path.as_str(), "manifest.json"] {
            std::fs::write(dir.join(file), &whole[Path::new(file)]).expect("restored");
        }
    }
    home.run(&["verify", &directory]).exits(0);
}

/// A small number and a withheld one, each put back by hand, flag and hash and all: `verify` and `disclosure audit` name the cell.
#[test]
fn a_hidden_cell_put_back_by_hand_is_named() {
    let home = with_reports();
    let in_place = |place: &str, n: u32| {
        let report = |i| arrest(&format!("{place}{i}"), &format!("2026-09-{i:02}")).to_string();
        (1..=n).map(report).map(|text| text.replace("Seattle", place)).collect::<Vec<_>>()
    };
    let file = home.write("b.ndjson", [in_place("Yakima", 3), in_place("Tacoma", 7)].concat().join("\n"));
    home.json(&["import", "--source", "hot", &file]);
    let dir = home.brief("2026-09", "brief");
    let (out, path) = (dir.to_str().expect("UTF-8"), dir.join("tables/county_month.csv"));
    let csv = path.to_str().expect("UTF-8");
    let audit = ["disclosure", "audit", csv, "--keys", "month,state,county_fips", "--value", "reports", "--k", "5"];
    home.run(&audit).exits(0);
    let whole = std::fs::read_to_string(&path).expect("there");
    let yakima = "2026-09,WA,53077,Yakima County,";
    let tacoma = "2026-09,WA,53053,Pierce County,";
    for (row, hidden, number) in [(yakima, "<5,primary", "3,"), (tacoma, "withheld,complementary", "7,")] {
        let (was, is) = (format!("{row}{hidden}"), format!("{row}{number}"));
        assert!(whole.contains(&was), "{whole}");
        std::fs::write(&path, whole.replace(&was, &is)).expect("written");
        put_right(&dir, "tables/county_month.csv");
        let found = home.run(&["verify", out]).exits(1).stdout;
        let line = "FAIL no hidden number can be worked out from the tables: county_month: month=2026-09, state=WA, county_fips=53077, \
                    column reports: ";
        assert!(found.contains(line), "{found}");
        let found = home.run(&audit).exits(1).stdout;
        let county = row.split(',').nth(2).expect("a county");
        let named = if number == "3," { "PRINTED" } else { "WITHHOLD" };
        assert!(found.contains(&format!("{named} month=2026-09, state=WA, county_fips={county}")), "{found}");
    }
}

/// Simulated reports, some of them late: a brief in each of twelve months, each audited with all that came out before it.
#[test]
fn twelve_briefs_one_after_the_other_pass_the_audit() {
    let mut home = Home::bare();
    let demo = home.path("demo");
    home.run(&["demo", "--out", &demo]).exits(0);
    home.set_data(Path::new(&demo).join("data"));
    std::fs::remove_dir_all(home.data().join("ledger")).expect("the demo's own");
    let mut revised = 0;
    for i in 0..12 {
        let name = |i: i32| format!("{}-{:02}", 2025 + (i + 9) / 12, (i + 9) % 12 + 1);
        let (month, next) = (name(i), name(i + 1));
        let (as_of, out) = (format!("{next}-20T00:00:00Z"), home.path(&month));
        home.run(&["brief", "--period", &month, "--as-of", &as_of, "--out", &out]).exits(0);
        if i == 11 {
            home.run(&["verify", &out]).exits(0);
        }
        revised += table(Path::new(&out), "revisions").len();
    }
    assert!(revised > 100, "late reports change earlier months: {revised}");
}

#[test]
fn a_brief_that_is_not_audited_in_time_is_not_published() {
    let home = with_reports();
    let many: Vec<String> =
        (1..=3).map(|n| arrest(&format!("few{n}"), "2026-09-03").to_string().replace("Seattle", "Yakima")).collect();
    let file = home.write("few.ndjson", many.join("\n"));
    home.json(&["import", "--source", "hot", &file]);
    let out = home.path("late");
    let mut command = home.command(&["brief", "--period", "2026-09", "--out", &out]);
    command.env("TESTIGO__PUBLISH__AUDIT_SECONDS", "0");
    crate::common::run(command).exits(1).says(&["audit", "0 seconds"]);
    assert!(!Path::new(&out).exists());
    let entries = std::fs::read_dir(home.data().join("ledger")).expect("a ledger");
    assert_eq!(entries.filter(|e| e.as_ref().expect("reads").path().is_dir()).count(), 0, "nothing is entered");
    let left = std::fs::read_dir(home.path("")).expect("reads").filter_map(Result::ok);
    assert!(!left.into_iter().any(|e| e.file_name().to_string_lossy().starts_with(".testigo-brief-")));
}
