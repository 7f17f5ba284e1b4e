//! `testigo doctor`, and roles with least rights, on real files and servers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use postgres::{Client, NoTls};
use serde_json::Value;

use crate::common::{Home, Sender, Server, arrest, skipped, until};
use crate::served::{fresh_name, fresh_schema, on_kafka, service};

/// What the doctor says, by check.
struct Said(Vec<Value>);

impl Said {
    /// Runs it. Its exit code is 1 exactly where something is wrong.
    #[track_caller]
    fn of(home: &Home) -> Self {
        let ran = home.run(&["--json", "doctor"]);
        let said = Self(ran.json()["checks"].as_array().expect("checks").clone());
        let wrong = said.0.iter().any(|check| check["state"] == "wrong");
        assert_eq!(ran.code, Some(i32::from(wrong)), "{}", ran.stdout);
        said
    }

    /// The state of a check, of the one that says `text`.
    #[track_caller]
    fn state(&self, name: &str, text: &str) -> &str {
        let says = |check: &&Value| check["name"] == name && check["says"].as_str().is_some_and(|s| s.contains(text));
        let check = self.0.iter().find(says).unwrap_or_else(|| panic!("no {name} says {text:?}: {:#?}", self.0));
        check["state"].as_str().expect("a state")
    }
}

/// A home whose user has nothing else.
fn alone() -> Home {
    let mut home = Home::new();
    fs::create_dir(home.path("user")).expect("made");
    home.env.push(("HOME", home.path("user")));
    home.now = None;
    home
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
}

#[test]
fn the_doctor_finds_what_lies_open() {
    let home = alone();
    let identity = home.path("identity.txt");
    assert_eq!(Said::of(&home).state("identity", "identity.txt"), "wrong");
    fs::rename(&identity, Path::new(&home.path("user")).join("key.txt")).expect("moved");
    assert_eq!(Said::of(&home).state("identity", "key.txt"), "wrong");
    fs::remove_file(Path::new(&home.path("user")).join("key.txt")).expect("removed");
    let said = Said::of(&home);
    for (name, text) in [("identity", "no private"), ("keys", "owner's alone"), ("data_directory", "owner's alone")] {
        assert_eq!(said.state(name, text), "ok");
    }
    assert_eq!(said.state("settings", "no password"), "ok");
    assert!(["ok", "warn"].contains(&said.state("fsync", "4 KiB")));

    let settings = home.data().join("testigo.toml");
    fs::write(&settings, "[queue.kafka]\nsasl_password = \"s3cret\"\n").expect("written");
    set_mode(&settings, 0o644);
    assert_eq!(Said::of(&home).state("settings", "nobody else"), "ok", "the directory is closed");
    set_mode(home.data(), 0o755);
    set_mode(&home.data().join("keys/queue.key"), 0o640);
    let said = Said::of(&home);
    assert_eq!(said.state("data_directory", "755"), "wrong");
    assert_eq!(said.state("keys", "queue.key (640)"), "wrong");
    assert_eq!(said.state("settings", "644"), "wrong");
    home.run(&["doctor"]).exits(1).hides("s3cret");

    home.run(&["import", "list"]).exits(0);
    let mut future = home.command(&["--json", "doctor"]);
    future.env("TESTIGO_NOW", "2026-01-05T00:00:00Z");
    let ran = crate::common::run(future).exits(1);
    assert!(ran.stdout.contains("was set back"), "{}", ran.stdout);
}

#[test]
fn the_doctor_tells_memory_from_a_disk() {
    if !Path::new("/dev/shm").is_dir() {
        skipped("the_doctor_tells_memory_from_a_disk: there is no /dev/shm");
        return;
    }
    let dir = tempfile::tempdir_in("/dev/shm").expect("a directory");
    let mut home = Home::bare();
    home.set_data(dir.path().join("data"));
    home.run(&["init", "--identity-out", &home.path("identity.txt")]).exits(0);
    let said = Said::of(&home);
    assert_eq!(said.state("disk", "memory"), "wrong");
    assert_eq!(said.state("fsync", "faster than a disk"), "warn");
}

#[test]
fn the_doctor_says_what_a_topic_of_one_replica_is() {
    let Some(brokers) = service("TESTIGO_TEST_KAFKA", "the_doctor_says_what_a_topic_of_one_replica_is") else { return };
    let mut home = alone();
    on_kafka(&mut home, &brokers, 3);
    let said = Said::of(&home);
    assert_eq!(said.state("queue", "Kafka answers"), "ok");
    assert_eq!(said.state("partitions", "3"), "ok");
    assert_eq!(said.state("replication", "page cache"), "wrong");
    assert_eq!(said.state("retention", "30 days"), "ok");
    home.env.push(("TESTIGO__QUEUE__URL", format!("kafka://{brokers}/{}", fresh_name("none"))));
    assert_eq!(Said::of(&home).state("queue", "is not there"), "wrong");
}

/// The URL of the same schema, as another role.
fn as_role(url: &str, role: &str) -> String {
    url.replacen("postgres@", &format!("{role}@"), 1)
}

#[test]
fn each_role_can_do_its_work_and_no_more() {
    let Some(database) = service("TESTIGO_TEST_POSTGRES", "each_role_can_do_its_work_and_no_more") else { return };
    let mut home = alone();
    let url = fresh_schema(&database);
    let prefix = fresh_name("r");
    home.env.push(("TESTIGO__STORE__URL", url.clone()));
    let token = home.source("valley-line");
    let printed = home.run(&["store", "roles", "--prefix", &prefix]).exits(0).stdout;
    assert!(printed.contains("GRANT SELECT") && printed.contains(&format!("{prefix}_intake")), "{printed}");
    let mut owner = Client::connect(&url, NoTls).expect("connects");
    let count = "SELECT count(*) FROM pg_roles WHERE rolname LIKE $1";
    let roles = |owner: &mut Client| -> i64 { owner.query_one(count, &[&format!("{prefix}%")]).expect("reads").get(0) };
    assert_eq!(roles(&mut owner), 0, "printing does nothing");
    for _ in 0..2 {
        home.run(&["store", "roles", "--prefix", &prefix, "--apply"]).exits(0);
    }
    assert_eq!(roles(&mut owner), 4);

    // Reports come in through one role, and are coded through another.
    let be = |home: &mut Home, role: &str| {
        home.env.retain(|(name, _)| *name != "TESTIGO__STORE__URL");
        home.env.push(("TESTIGO__STORE__URL", as_role(&url, &format!("{prefix}_{role}"))));
    };
    be(&mut home, "intake");
    let server = Server::start(&home, &["--no-worker"]);
    let sender = Sender::new(&token);
    let mut report = arrest("one", "2026-09-01");
    report["narrative"] = "They waited by the gate.".into();
    assert_eq!(sender.post(&server.url, report.to_string(), &[]).0, 202);
    assert_eq!(sender.post(&server.url, arrest("two", "2026-09-02").to_string(), &[]).0, 202);
    home.run(&["work", "--drain"]).exits(1);
    be(&mut home, "worker");
    until("what came in is coded", || home.run(&["work", "--drain"]).code == Some(0));
    let late = home.write("more.ndjson", arrest("one", "2026-09-03").to_string() + "\n{\"external_id\": \"x\"}\n");
    let ran = home.run(&["--json", "import", "--source", "valley-line", &late]).exits(3).json();
    home.run(&["dead-letters", "retry"]).exits(3);
    home.run(&["import", "withdraw", ran["batch"].as_str().expect("an id")]).exits(0);
    drop(server);
    be(&mut home, "publisher");
    home.run(&["status"]).exits(0);
    home.run(&["snapshot"]).exits(0);
    home.run(&["export", "reports", "--out", &home.path("all.csv")]).exits(0);

    // What each can in SQL, and cannot.
    let may = |role: &str, sql: &str| {
        let mut client = Client::connect(&as_role(&url, &format!("{prefix}_{role}")), NoTls).expect("connects");
        let mut tx = client.transaction().expect("begins");
        match tx.batch_execute(sql) {
            Ok(()) => true,
            Err(error) => {
                let code = error.code().map(postgres::error::SqlState::code).unwrap_or_default();
                assert_eq!(code, "42501", "{role}: {sql}: {error}");
                false
            }
        }
    };
    let coded = "SELECT report_id, county_fips, event_kind FROM coded";
    for (sql, roles) in [
        ("SELECT name, token_sha256 FROM source", &["intake", "worker", "publisher"][..]),
        (coded, &["worker", "publisher", "analyst"]),
        ("SELECT narrative FROM coded", &["worker", "publisher"]),
        ("SELECT seq, at FROM superseded", &["worker", "publisher", "analyst"]),
        ("SELECT name, public_name FROM source", &["intake", "worker", "publisher", "analyst"]),
        ("SELECT sealed FROM original", &[]),
        ("SELECT sealed FROM letter_record", &["worker"]),
        ("DELETE FROM coded", &[]),
        ("UPDATE version SET content = content", &[]),
        ("DELETE FROM tally", &[]),
        ("INSERT INTO source (name, kind, settings, revoked) VALUES ('x', 'other', '{}', false)", &["worker"]),
        ("CREATE TABLE mine (n int)", &[]),
        ("DROP TABLE coded", &[]),
    ] {
        for role in ["intake", "worker", "publisher", "analyst"] {
            assert_eq!(may(role, sql), roles.contains(&role), "{role}: {sql}");
        }
    }

    // The doctor sees them, and sees when one can too much.
    be(&mut home, "worker");
    let said = Said::of(&home);
    assert_eq!(said.state("store_role", "owns nothing"), "ok");
    assert_eq!(said.state("role_rights", &format!("{prefix}_intake reads no report")), "ok");
    assert_eq!(said.state("role_rights", &format!("{prefix}_analyst reads coded rows")), "ok");
    owner.batch_execute(&format!("GRANT SELECT ON coded TO {prefix}_intake, {prefix}_analyst")).expect("granted");
    let said = Said::of(&home);
    for role in ["intake", "analyst"] {
        assert_eq!(said.state("role_rights", &format!("{prefix}_{role}")), "wrong");
    }
    home.env.retain(|(name, _)| *name != "TESTIGO__STORE__URL");
    home.env.push(("TESTIGO__STORE__URL", url.clone()));
    assert_eq!(Said::of(&home).state("store_role", "superuser"), "warn");
    owner
        .batch_execute(
            &["intake", "worker", "publisher", "analyst"]
                .map(|role| format!("DROP OWNED BY {prefix}_{role}; DROP ROLE {prefix}_{role};"))
                .concat(),
        )
        .expect("dropped");
}

#[test]
fn a_connection_to_postgres_is_encrypted_and_its_server_checked() {
    let test = "a_connection_to_postgres_is_encrypted_and_its_server_checked";
    let Some(database) = service("TESTIGO_TEST_POSTGRES", test) else { return };
    let url = fresh_schema(&database);
    let mut client = Client::connect(&url, NoTls).expect("connects");
    if client.query_one("SHOW ssl", &[]).expect("reads").get::<_, &str>(0) != "on" {
        skipped(&format!("{test}: the server has no certificate; see scripts/services/postgres.sh"));
        return;
    }
    let certificate: String = client.query_one("SELECT pg_read_file('server.crt')", &[]).expect("reads").get(0);
    let mut home = alone();
    let ca = home.write("server.pem", certificate);
    let with = |home: &mut Home, more: &str| {
        home.env.retain(|(name, _)| *name != "TESTIGO__STORE__URL");
        home.env.push(("TESTIGO__STORE__URL", format!("{url}{more}")));
    };
    with(&mut home, &format!("&sslmode=verify-full&sslrootcert={ca}"));
    let file = home.write("one.ndjson", arrest("one", "2026-09-01").to_string());
    home.run(&["import", "--source", "valley-line", &file]).exits(0);
    assert_eq!(Said::of(&home).state("store_connection", "encrypted"), "ok");
    home.run(&["backup", "--out", &home.path("b.age")]).exits(0);
    // A server that shows a certificate which nobody vouches for is not talked to, and neither is one for another name.
    with(&mut home, "&sslmode=require");
    home.run(&["status"]).exits(1);
    let elsewhere = url.replacen("127.0.0.1", "localhost", 1);
    home.env.retain(|(name, _)| *name != "TESTIGO__STORE__URL");
    home.env.push(("TESTIGO__STORE__URL", format!("{elsewhere}&sslrootcert={ca}")));
    home.run(&["status"]).exits(1);
    // Without being asked for, it is not encrypted, and the doctor says so.
    with(&mut home, "");
    assert_eq!(Said::of(&home).state("store_connection", "not encrypted"), "ok");
}
