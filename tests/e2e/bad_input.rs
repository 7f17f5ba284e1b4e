//! Bad input: each gets one clear error that says where and what to do, never the value, and loses nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::common::{Home, Sender, Server, arrest, counts, lines, skipped, until, wait};

const MAPPING: &str = r#"
[columns]
"Id" = "external_id"
"When" = "occurred"
"What" = "event_kind"
"Notes" = "narrative"
"#;

/// What must never be shown.
const SECRET: &str = "zqxsecreto";

/// Imports a CSV of which some rows are bad; returns the rejects as `export rejects` gives them.
fn rejects(csv: impl AsRef<[u8]>, expected: &[u64; 3]) -> Vec<Value> {
    let home = Home::new();
    let mapping = home.write("mapping.toml", MAPPING);
    let file = home.write("calls.csv", csv);
    let ran = home.run(&["--json", "import", "--source", "hot", "--mapping", &mapping, &file]).exits(3).hides(SECRET);
    assert_eq!(counts(&ran.json(), &["rows", "coded", "rejected"]), expected);
    assert_eq!(counts(&home.status(), &["received", "coded", "rejected"]), expected, "nothing is lost");
    home.run(&["dead-letters", "list"]).exits(0).hides(SECRET);
    let out = home.path("rejects.ndjson");
    home.run(&["export", "rejects", "--format", "ndjson", "--out", &out]).exits(0);
    let text = std::fs::read_to_string(&out).expect("written");
    assert!(!text.contains(SECRET));
    lines(&text)
}

fn is(reject: &Value, row: u64, code: &str, field: Value) {
    assert_eq!(
        (&reject["row"], &reject["reject"]["code"], &reject["reject"]["field"]),
        (&json!(row), &json!(code), &field)
    );
}

#[test]
fn a_wrong_or_missing_column_stops_the_import_before_a_row_is_queued() {
    let home = Home::new();
    let mapping = home.write("mapping.toml", MAPPING);
    let import = |file: &str| home.run(&["import", "--source", "hot", "--mapping", &mapping, file]);
    let wrong = home.write("wrong.csv", format!("Id,When,What,Notes,Shoe size\n1,2026-09-01,arrest,{SECRET},9\n"));
    import(&wrong).exits(2).says(&["wrong.csv", "Shoe size", "ignore"]).hides(SECRET);
    let missing = home.write("missing.csv", format!("Id,When,Notes\n1,2026-09-01,{SECRET}\n"));
    import(&missing).exits(2).says(&["missing.csv", "What"]).hides(SECRET);
    let empty = home.write("empty.csv", "");
    import(&empty).exits(2).says(&["empty.csv", "empty"]);
    import(&home.path("nowhere.csv")).exits(1).says(&["nowhere.csv"]);
    let typo = home.write("typo.toml", "[columns]\n\"Id\" = \"external_idd\"\n");
    home.run(&["import", "--source", "hot", "--mapping", &typo, &wrong]).exits(2).says(&[
        "typo.toml",
        "external_idd",
        "external_id",
    ]);
    assert_eq!(home.status()["received"], json!(0));
}

#[test]
fn a_wrong_code_is_a_reject_that_names_row_and_field() {
    let csv = format!("Id,When,What,Notes\n1,2026-09-01,arrest,\n2,2026-09-01,{SECRET},\n3,2026-09-01,sighting,\n");
    let found = rejects(csv, &[3, 2, 1]);
    is(&found[0], 2, "bad_code", json!("event_kind"));
    assert!(
        found[0]["reject"]["message"].as_str().expect("a message").contains("arrest"),
        "it says what would be right"
    );
}

#[test]
fn broken_utf8_is_a_reject_that_names_row_and_column() {
    let mut csv = b"Id,When,What,Notes\n1,2026-09-01,arrest,\n2,2026-09-01,arrest,zqxsecreto \xff\xfe\n".to_vec();
    csv.extend("3,2026-09-01,arrest,más días: niñas y mamá y café\n".bytes());
    let found = rejects(csv, &[3, 2, 1]);
    is(&found[0], 2, "not_utf8", json!("Notes"));
}

#[test]
fn half_a_file_gives_its_whole_rows_and_a_reject() {
    let csv = format!("Id,When,What,Notes\n1,2026-09-01,arrest,\n2,{SECRET}");
    is(&rejects(csv, &[2, 1, 1])[0], 2, "row_shape", Value::Null);
    let csv = format!("Id,When,What,Notes\n1,2026-09-01,arrest,\n2,2026-09-01,arrest,\"{SECRET} and th");
    is(&rejects(csv, &[2, 1, 1])[0], 2, "unfinished_row", Value::Null);

    let home = Home::new();
    let file = home.write(
        "half.ndjson",
        format!("{}\n{{\"external_id\":\"2\",\"narrative\":\"{SECRET}", arrest("1", "2026-09-01")),
    );
    home.run(&["import", "--source", "hot", &file]).exits(3).hides(SECRET);
    assert_eq!(counts(&home.status(), &["received", "coded", "rejected"]), [2, 1, 1]);
}

#[test]
fn a_nul_and_a_field_of_a_million_characters_are_rejects() {
    let csv = format!("Id,When,What,Notes\n1,2026-09-01,arrest,{SECRET}\0\n2,2026-09-01,arrest,\n");
    is(&rejects(csv, &[2, 1, 1])[0], 1, "control_character", json!("narrative"));
    let long = SECRET.repeat(100_000);
    let csv = format!("Id,When,What,Notes\n1,2026-09-01,arrest,{long}\n2,2026-09-01,arrest,\n");
    is(&rejects(csv, &[2, 1, 1])[0], 1, "too_long", json!("narrative"));
}

#[test]
fn bad_requests_are_refused_and_the_server_goes_on() {
    let home = Home::new();
    let token = home.source("hot");
    let sender = Sender::new(&token);
    let server = Server::start(&home, &[]);
    let bomb = format!("{{\"narrative\":{}", "[".repeat(1_000_000));
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!(r#"{{"external_id":"1","narrative":"{}"}}"#, "x".repeat(100_000));
    for (body, code) in [
        (bomb.as_bytes(), "too_long"),
        (nested.as_bytes(), "not_json"),
        (b"{\"external_id\":\"1\",\"narrative\":\"zqxsecreto", "not_json"),
        (b"{\"external_id\":\"1\",\"narrative\":\"zqxsecreto \xff\"}", "not_utf8"),
        (b"{\"external_id\":\"1\",\"narrative\":\"zqxsecreto \\u0000\"}", "control_character"),
        (b"{\"external_id\":\"1\",\"narrative\":[\"zqxsecreto\"]}", "bad_type"),
        (b"\"zqxsecreto\"", "not_an_object"),
        (long.as_bytes(), "too_long"),
        (b"", "not_json"),
    ] {
        let (status, answer) = sender.post(&server.url, body, &[]);
        assert_eq!((status, answer["items"][0]["error"]["code"].as_str()), (422, Some(code)), "{answer}");
        assert!(!answer.to_string().contains(SECRET), "{answer}");
    }
    // A body above the limit may be answered before it is all sent; then the sender sees a closed connection.
    let large = vec![b' '; 5 << 20];
    if let Some((status, answer)) = sender.try_post(&server.url, &large, &[]) {
        assert_eq!((status, &answer["error"]["code"]), (413, &json!("body_too_large")));
    }
    assert_eq!(sender.post(&server.url, arrest("2", "2026-09-01").to_string(), &[]).0, 202, "it goes on");
    until("all is coded", || home.status()["waiting"] == json!(0));
    assert_eq!(home.status()["received"], json!(1), "refusals are not appended");
    let (code, said) = server.end();
    assert_eq!(code, Some(0));
    assert!(!said.contains(SECRET) && !said.contains(&token));
}

#[test]
fn a_body_too_large_is_answered_with_413() {
    let home = Home::new();
    let sender = Sender::new(&home.source("hot"));
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TESTIGO__HTTP__MAX_BODY_BYTES", "1000");
    let server = Server::spawn(command);
    let (status, answer) = sender.post(&server.url, vec![b' '; 1001], &[]);
    assert_eq!((status, &answer["error"]["code"]), (413, &json!("body_too_large")));
    assert!(answer["error"]["message"].as_str().expect("a message").contains("1000"), "it names the limit");
}

#[test]
fn a_period_without_data_says_so() {
    let home = Home::new();
    let out = home.path("brief");
    let ran = home.run(&["brief", "--period", "2026-09", "--out", &out]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stderr.trim().is_empty() && !Path::new(&out).exists(), "{ran:?}");
    let file = home.write("a.ndjson", format!("{}\n", arrest("1", "2026-09-01")));
    home.json(&["import", "--source", "hot", &file]);
    home.run(&["brief", "--period", "2024-03", "--out", &out]).exits(1).says(&["2024-03", "2026-09"]);
    assert!(!Path::new(&out).exists());
    home.run(&["brief", "--period", "September", "--out", &out]).exits(2).says(&["--period", "YYYY-MM"]);
}

#[test]
fn a_typo_in_the_configuration_names_key_and_place_and_no_value() {
    let home = Home::new();
    let file = home.data().join("testigo.toml");
    let good = std::fs::read_to_string(&file).expect("made by init");
    std::fs::write(&file, format!("[http]\nlistenn = \"{SECRET}\"\n")).expect("written");
    let ran = home.run(&["status"]).exits(2).hides(SECRET);
    ran.says(&["testigo.toml", "listenn", "listen"]);
    std::fs::write(&file, good).expect("written");
    let mut command = home.command(&["status"]);
    command.env("TESTIGO__WORKER__BATCH_ROWS", SECRET);
    crate::common::run(command).exits(2).hides(SECRET).says(&["batch_rows"]);
    let mut command = home.command(&["status"]);
    command.env("TESTIGO_NOW", "yesterday");
    crate::common::run(command).exits(2).says(&["TESTIGO_NOW"]);
    home.run(&["status"]).exits(0);
    home.run(&["--data", &home.path("nowhere"), "status"]).exits(2).says(&["nowhere", "init"]);
}

#[test]
fn a_second_worker_ends_with_the_name_of_the_first() {
    let home = Home::new();
    let mut first = home
        .command(&["work"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let holder = format!("process {}", first.id());
    until("the first has the lease", || {
        std::fs::read_to_string(home.data().join("worker.lock")).is_ok_and(|text| text.contains(&holder))
    });
    home.run(&["work", "--drain"]).exits(1).says(&[&holder]);
    let sender = Sender::new(&home.source("hot"));
    let server = Server::start(&home, &[]);
    assert_eq!(sender.post(&server.url, arrest("1", "2026-09-01").to_string(), &[]).0, 202, "serve goes on accepting");
    let file = home.write("a.ndjson", format!("{}\n", arrest("2", "2026-09-01")));
    assert_eq!(home.json(&["import", "--source", "hot", &file])["coded"], json!(1), "import leaves the coding to it");
    let (code, said) = server.end();
    assert_eq!(code, Some(0));
    assert!(said.contains(&holder), "{said}");
    crate::common::terminate(first.id());
    assert_eq!(wait(&mut first, std::time::Duration::from_secs(20)), Some(0));
    assert_eq!(counts(&home.status(), &["received", "coded"]), [2, 2]);
}

/// A mount of our own, taken away at the end.
pub struct Mount(PathBuf);

impl Mount {
    /// Mounts; none where this machine does not permit it.
    pub fn new(at: &Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(at).expect("made");
        let out = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output();
        out.is_ok_and(|out| out.status.success()).then(|| Self(at.to_owned()))
    }

    pub fn remount(&self, options: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).status();
        assert!(status.expect("mount runs").success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_and_what_was_acknowledged_is_kept() {
    let mut home = Home::bare();
    let small = PathBuf::from(home.path("small"));
    let Some(mount) = Mount::new(&small, "size=4m") else {
        return skipped("a small tmpfs cannot be mounted here: the full disk was not tried");
    };
    home.set_data(small.join("data"));
    let identity = home.path("identity.txt");
    home.run(&["init", "--identity-out", &identity]).exits(0);
    let sender = Sender::new(&home.source("hot"));
    let server = Server::start(&home, &["--no-worker"]);
    let mut acknowledged = 0;
    let mut full = None;
    for n in 0..2000 {
        let mut report = arrest(&n.to_string(), "2026-09-01");
        report["narrative"] = json!("x".repeat(15_000));
        match sender.try_post(&server.url, report.to_string().as_bytes(), &[]) {
            Some((202, _)) => acknowledged += 1,
            other => {
                full = other;
                break;
            }
        }
    }
    let (status, answer) = full.expect("a full disk is answered, not met with silence");
    assert_eq!(status, 503, "{answer}");
    assert!(answer["error"]["message"].as_str().is_some_and(|m| !m.is_empty()));
    drop(server);
    let file = home
        .write("a.ndjson", format!("{}\n", json!({"external_id": "f", "narrative": SECRET.repeat(1500)})).repeat(300));
    let ran = home.run(&["import", "--source", "hot", "--enqueue-only", &file]).exits(1).hides(SECRET);
    assert!(!ran.stderr.contains("panicked") && !ran.stderr.contains("a fault of this program"), "{}", ran.stderr);
    mount.remount("size=64m");
    home.run(&["work", "--drain"]).exits(0);
    let from_http = home.history().iter().filter(|r| r["external_id"] != json!("f")).count();
    assert!(from_http >= acknowledged && acknowledged > 10, "{acknowledged} acknowledged, {from_http} stored");
    home.status();
}

#[test]
fn a_read_only_directory_is_named() {
    let mut home = Home::bare();
    let small = PathBuf::from(home.path("small"));
    // The rights of a directory do not hold root back, so the file system must.
    let Some(mount) = Mount::new(&small, "size=16m") else {
        return skipped("a tmpfs cannot be mounted here: the read-only directory was not tried");
    };
    home.set_data(small.join("data"));
    home.run(&["init", "--identity-out", &home.path("identity.txt")]).exits(0);
    let file = home.write("a.ndjson", format!("{}\n", arrest("1", "2026-09-01")));
    home.json(&["import", "--source", "hot", &file]);
    mount.remount("ro");
    let more = home.write("b.ndjson", format!("{}\n", json!({"external_id": "2", "narrative": SECRET})));
    home.run(&["import", "--source", "hot", &more]).exits(1).says(&["data"]).hides(SECRET);
    home.run(&["work", "--drain"]).exits(1).says(&["data"]);
    home.run(&["serve", "--listen", "127.0.0.1:0"]).exits(1).says(&["data"]);
    home.run(&["brief", "--period", "2026-09", "--out", &small.join("brief").to_string_lossy()]).exits(1);
    mount.remount("rw");
    assert_eq!(counts(&home.status(), &["received", "coded"]), [1, 1]);
}

#[test]
fn an_older_queue_beside_a_newer_store_accepts_nothing() {
    let home = Home::new();
    let file = |name: &str, id: &str| home.write(name, arrest(id, "2026-09-01").to_string());
    home.run(&["import", "--source", "hot", &file("one.ndjson", "1")]).exits(0);
    let queue = home.data().join("queue.sqlite");
    let older = std::fs::read(&queue).expect("the queue is there");
    home.run(&["import", "--source", "hot", &file("two.ndjson", "2")]).exits(0);
    std::fs::write(&queue, older).expect("an older copy is put back");
    for side in ["queue.sqlite-wal", "queue.sqlite-shm"] {
        let _ = std::fs::remove_file(queue.with_file_name(side));
    }
    home.run(&["import", "--source", "hot", &file("three.ndjson", "3")])
        .exits(1)
        .says(&["ends at position 1", "newer one"]);
    home.run(&["serve", "--listen", "127.0.0.1:0"]).exits(1).says(&["ends at position 1"]);
}
