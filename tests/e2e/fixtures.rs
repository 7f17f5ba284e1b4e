//! Data directories of earlier versions: each opens, after a backup, and says what its own version said of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::{Home, arrest, files, lines};

/// The kept directories, by version.
fn kept() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut dirs: Vec<PathBuf> = fs::read_dir(all).expect("there").map(|entry| entry.expect("reads").path()).collect();
    dirs.retain(|path| path.is_dir());
    dirs.sort();
    dirs
}

/// A home with a copy of the directory.
fn home_of(fixture: &Path) -> Home {
    let home = Home::bare();
    for (path, bytes) in files(&fixture.join("data")) {
        let target = home.data().join(path);
        fs::create_dir_all(target.parent().expect("has one")).expect("made");
        fs::write(target, bytes).expect("written");
    }
    home
}

/// Whether all that was said is said still; more may be said.
fn still(said: &Value, now: &Value) -> bool {
    match (said, now) {
        (Value::Object(said), Value::Object(now)) => {
            said.iter().all(|(key, value)| now.get(key).is_some_and(|now| still(value, now)))
        }
        (Value::Array(said), Value::Array(now)) => {
            said.len() == now.len() && said.iter().zip(now).all(|(said, now)| still(said, now))
        }
        _ => said == now,
    }
}

#[track_caller]
fn says_the_same(home: &Home, fixture: &Path) {
    let read = |name: &str| fs::read_to_string(fixture.join(name)).expect("kept");
    let parse = |text: &str| serde_json::from_str::<Value>(text).expect("reads");
    let letters = home.run(&["--json", "dead-letters", "list"]).exits(0).stdout;
    for (name, said, now) in [
        ("status", parse(&read("status.json")), home.status()),
        ("imports", parse(&read("imports.json")), home.json(&["import", "list"])),
        ("letters", json!(lines(&read("letters.ndjson"))), json!(lines(&letters))),
        ("history", json!(lines(&read("history.ndjson"))), json!(home.history())),
        ("snapshot", json!(read("snapshot").trim()), home.json(&["snapshot"])["snapshot_id"].clone()),
    ] {
        assert!(still(&said, &now), "{}: {name}:\n{said}\n{now}", fixture.display());
    }
}

#[test]
fn data_of_each_released_version_opens_after_a_backup() {
    let fixtures = kept();
    assert!(!fixtures.is_empty());
    for fixture in fixtures {
        let home = home_of(&fixture);
        let identity = fixture.join("identity.txt");
        let identity = identity.to_str().expect("UTF-8");
        let backup = home.path("before.age");
        home.run(&["backup", "--out", &backup]).exits(0);
        says_the_same(&home, &fixture);

        // The backup that was made before anything else is as good.
        let again = Home::bare();
        again.run(&["restore", &backup, "--identity", identity]).exits(0);
        says_the_same(&again, &fixture);

        // Work goes on: what waits is coded, and the same keys make the same receipts.
        for home in [&home, &again] {
            home.run(&["work", "--drain"]).exits(0);
            assert_eq!(home.status()["waiting"], json!(0));
            let row = home.history().into_iter().find(|row| row["external_id"] == "r1").expect("kept");
            let file = home.write("r1.ndjson", arrest("r1", "2026-09-09").to_string());
            let ran = home.run(&["--json", "import", "--source", "valley-line", &file]).exits(0).json();
            assert_eq!(ran["revised"], json!(1), "{ran}");
            let now = home.history();
            let later = now.iter().filter(|later| later["report_id"] == row["report_id"]).count();
            assert!(later >= 2, "a revision of the same report");
            let id = row["report_id"].as_str().expect("an id");
            home.run(&["keys", "open", "--identity", identity, "--report", id]).exits(0);
        }
    }
}

#[test]
fn a_store_from_before_fingerprints_opens_too() {
    for fixture in kept().into_iter().take(1) {
        let home = home_of(&fixture);
        let store = rusqlite::Connection::open(home.data().join("store.sqlite")).expect("opens");
        store.execute_batch("DROP TABLE IF EXISTS position_last").expect("dropped");
        store.close().expect("closed");
        home.run(&["backup", "--out", &home.path("before.age")]).exits(0);
        says_the_same(&home, &fixture);
    }
}
