//! Backups, and a store that moves from one engine to another.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Home, Sender, Server, arrest, counts, files, lines, receipts, terminate, until, wait};
use crate::served::{fresh_schema, service};

const SUMS: [&str; 6] = ["received", "coded", "revisions", "repeats", "rejected", "waiting"];

/// A backup of a home, made into a file beside it.
fn backup(home: &Home, name: &str) -> String {
    let file = home.path(name);
    home.run(&["backup", "--out", &file]).exits(0);
    file
}

/// A home that is restored from another's backup.
fn restored(from: &Home, file: &str) -> Home {
    let mut home = Home::bare();
    home.now = from.now.clone();
    home.run(&["restore", file, "--identity", &from.path("identity.txt")]).exits(0);
    home
}

fn snapshot_id(home: &Home) -> Value {
    home.json(&["snapshot"])["snapshot_id"].clone()
}

/// The snapshot's id that a brief of the data as of an instant names.
fn brief_id(home: &Home, as_of: &str, name: &str) -> String {
    let out = home.path(name);
    let ran = home.run(&["brief", "--preview", "--period", "2026-09", "--as-of", as_of, "--out", &out]);
    assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.stderr);
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(Path::new(&out).join("manifest.json")).expect("written")).expect("reads");
    manifest["header"]["snapshot_id"].as_str().unwrap_or_else(|| panic!("{manifest}")).to_owned()
}

/// Rows of every kind: reports, revisions, repeats, rejects, an import that was withdrawn.
fn furnish(home: &Home) {
    let rows = |range: std::ops::Range<u32>, agents: u32| -> String {
        range
            .map(|n| {
                let mut report = arrest(&format!("r{n}"), "2026-09-01");
                report["agents"] = json!(agents);
                report["tactics"] = json!(["masked", "plainclothes"]);
                report["narrative"] = json!(format!("They waited for {n} hours at 7 am, said Rosa 555-0142."));
                report.to_string() + "\n"
            })
            .collect()
    };
    let send = |name: &str, text: String, code: i32| -> Value {
        let file = home.write(name, text);
        home.run(&["--json", "import", "--source", "valley-line", &file]).exits(code).json()
    };
    send("first.ndjson", rows(0..300, 1), 0);
    send("second.ndjson", rows(200..260, 2), 0);
    send("third.ndjson", rows(0..40, 1) + "{\"external_id\": \"no\"}\n{\"occurred\": 7}\n", 3);
    let wrong = send("wrong.ndjson", rows(280..330, 3), 0);
    home.run(&["import", "withdraw", wrong["batch"].as_str().expect("an id")]).exits(0);
    home.source("bay-line");
}

/// What a store tells of itself, in every way there is.
fn told(home: &Home) -> Vec<String> {
    let mut all: Vec<String> = [&["status"][..], &["source", "list"], &["import", "list"], &["dead-letters", "list"]]
        .iter()
        .map(|arguments| home.run(&[&["--json"], *arguments].concat()).exits(0).stdout)
        .collect();
    all.push(home.history().iter().map(Value::to_string).collect::<Vec<_>>().join("\n"));
    all
}

#[test]
fn a_backup_restores_all_that_was_there() {
    let home = Home::new();
    furnish(&home);
    // Some of it waits.
    let file = home.write("late.ndjson", arrest("late", "2026-09-03").to_string());
    home.run(&["import", "--source", "valley-line", "--enqueue-only", &file]).exits(0);
    let before = told(&home);
    let made = home.run(&["--json", "backup", "--out", &home.path("b.age")]).exits(0).json();
    assert_eq!(made["waiting"], json!(1));
    assert!(!home.data().join("backup.tmp").exists(), "nothing in the clear is left");
    let file = made["file"].as_str().expect("a path").to_owned();
    home.run(&["backup", "--out", &file]).exits(2).says(&["nothing was overwritten"]);

    let other = restored(&home, &file);
    assert_eq!(told(&other), before);
    for home in [&home, &other] {
        home.run(&["work", "--drain"]).exits(0);
    }
    assert_eq!(told(&other), told(&home));
    assert_eq!(snapshot_id(&other), snapshot_id(&home));
    // The originals, the ledger's keys and the settings came along.
    let id = home.history()[0]["report_id"].as_str().expect("an id").to_owned();
    let open = |of: &Home| of.run(&["keys", "open", "--identity", &home.path("identity.txt"), "--report", &id]);
    assert_eq!(open(&other).exits(0).stdout, open(&home).exits(0).stdout);
    let kept = |of: &Home| files(&of.data().join("keys"));
    assert_eq!(kept(&other), kept(&home));
    // A repeat there is a repeat here: the same installation key.
    let again = other.write("again.ndjson", arrest("late", "2026-09-03").to_string());
    let ran = other.run(&["--json", "import", "--source", "valley-line", &again]).exits(0).json();
    assert_eq!(ran["repeated"], json!(1), "{ran}");

    // A directory in place of a file gets one of its own name.
    std::fs::create_dir(home.path("many")).expect("made");
    let made = home.run(&["--json", "backup", "--out", &home.path("many")]).exits(0).json();
    assert!(made["file"].as_str().is_some_and(|f| f.ends_with("testigo-20261020T120000Z.backup.age")), "{made}");
}

#[test]
fn a_backup_opens_for_its_recipients_only_and_nothing_is_overwritten() {
    let home = Home::new();
    furnish(&home);
    std::fs::copy(home.path("identity.txt"), home.data().join("keys/left-here.txt")).expect("copied");
    let file = backup(&home, "b.age");
    let bytes = std::fs::read(&file).expect("reads");
    for private in ["valley-line", "SQLite format 3", "AGE-SECRET-KEY"] {
        assert!(!bytes.windows(private.len()).any(|w| w == private.as_bytes()), "{private} in the clear");
    }
    let identity = home.path("identity.txt");
    let other = restored(&home, &file);
    assert!(!other.data().join("keys/left-here.txt").exists(), "an identity is in no backup");
    other.run(&["restore", &file, "--identity", &identity]).exits(2).says(&["nothing was overwritten"]);

    let stranger = Home::new();
    let fresh = Home::bare();
    fresh.run(&["restore", &file, "--identity", &stranger.path("identity.txt")]).exits(1).says(&["does not open"]);
    for (name, cut) in [("cut", bytes[..bytes.len() - 20].to_vec()), ("short", bytes[..bytes.len() / 2].to_vec())] {
        let file = home.write(name, cut);
        fresh.run(&["restore", &file, "--identity", &identity]).exits(1).says(&["damaged or cut off"]);
    }
    let mut turned = bytes.clone();
    let middle = turned.len() / 2;
    turned[middle] ^= 1;
    fresh.run(&["restore", &home.write("turned", turned), "--identity", &identity]).exits(1);
    assert!(!fresh.data().exists(), "nothing is left behind");
    let beside: Vec<_> = std::fs::read_dir(fresh.data().parent().expect("has one")).expect("reads").collect();
    assert!(beside.is_empty(), "{beside:?}");

    // For somebody else than those who open originals.
    let recipient = std::fs::read_to_string(stranger.data().join("keys/recipients.txt")).expect("reads");
    let file = home.path("theirs.age");
    home.run(&["backup", "--out", &file, "--recipient", recipient.trim()]).exits(0);
    fresh.run(&["restore", &file, "--identity", &identity]).exits(1);
    fresh.run(&["restore", &file, "--identity", &stranger.path("identity.txt")]).exits(0);
    assert_eq!(told(&fresh), told(&home));
}

#[test]
fn settings_that_name_engines_elsewhere_are_set_apart() {
    let home = Home::new();
    let file = home.data().join("testigo.toml");
    std::fs::write(&file, "[store]\nurl = \"sqlite:elsewhere.sqlite\"\n").expect("written");
    furnish(&home);
    let other = restored(&home, &backup(&home, "b.age"));
    assert!(!other.data().join("testigo.toml").exists());
    let apart = std::fs::read_to_string(other.data().join("testigo.toml.backup")).expect("there");
    assert!(apart.contains("elsewhere"));
    assert_eq!(told(&other), told(&home), "it stands on its own");
}

/// Ends the senders and the worker, also when a test fails half way.
struct Ends<'a>(&'a AtomicBool, Child);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        let _ = self.1.kill();
        let _ = self.1.wait();
    }
}

/// A backup while `serve` and `work` run and senders send, with `settings` on top of what is usual.
fn backup_under_load(home: &Home) {
    furnish(home);
    let senders: Vec<Sender> = (0..4).map(|n| Sender::new(&home.source(&format!("hot-{n}")))).collect();
    let server = Server::start(home, &["--no-worker"]);
    let child = home.command(&["work"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let stop = AtomicBool::new(false);
    let acked: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let known = || acked.lock().expect("no panic in there").len();
    let (before, file) = std::thread::scope(|scope| {
        let ends = Ends(&stop, child.expect("starts"));
        for (number, sender) in senders.iter().enumerate() {
            let (url, stop, acked) = (&server.url, &stop, &acked);
            scope.spawn(move || {
                for n in 0u32.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    // Every third says something else of an earlier one.
                    let mut report = arrest(&format!("{number}-{}", n - n % 3), "2026-09-02");
                    report["agents"] = json!(n % 3 + 1);
                    let (code, answer) = sender.post(url, report.to_string(), &[]);
                    assert_eq!(code, 202, "{answer}");
                    let receipt = receipts(&answer)[0].clone().expect("accepted");
                    acked.lock().expect("no panic in there").push(format!("{receipt} {}", n % 3 + 1));
                }
            });
        }
        until("some is coded", || known() > 200);
        let before = acked.lock().expect("no panic in there").clone();
        let file = backup(home, "b.age");
        let then = known();
        until("it goes on", || known() > then + 50);
        terminate(ends.1.id());
        let mut ends = ends;
        assert_eq!(wait(&mut ends.1, Duration::from_secs(30)), Some(0));
        (before, file)
    });
    drop(server);
    home.run(&["work", "--drain"]).exits(0);
    let other = restored(home, &file);
    other.run(&["work", "--drain"]).exits(0);
    let status = other.status();
    assert_eq!(status["waiting"], json!(0));
    let stored: Vec<String> = other
        .history()
        .iter()
        .map(|row| format!("{} {}", row["report_id"].as_str().unwrap_or_default(), row["agents"]["min"]))
        .collect();
    let distinct: BTreeSet<&String> = stored.iter().collect();
    let lost: Vec<_> = before.iter().filter(|ack| !distinct.contains(ack)).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged before are lost", lost.len(), before.len());
    assert!(before.len() as u64 > 200 && status["received"].as_u64() < home.status()["received"].as_u64());
    // As of its last moment, it is the same as the one that went on.
    let at = other.json(&["snapshot"])["data_as_of"].as_str().expect("an instant").to_owned();
    home.run(&["snapshot"]).exits(0);
    assert_eq!(brief_id(&other, &at, "theirs"), brief_id(home, &at, "ours"));
}

#[test]
fn a_backup_under_load_loses_nothing() {
    let mut home = Home::new();
    home.now = None;
    // The queue forgets at once what is coded.
    home.env.push(("TESTIGO__QUEUE__GRACE_SECONDS", "0".into()));
    backup_under_load(&home);
}

#[test]
fn a_backup_under_load_of_a_store_in_postgres_loses_nothing() {
    let test = "a_backup_under_load_of_a_store_in_postgres_loses_nothing";
    let Some(database) = service("TESTIGO_TEST_POSTGRES", test) else { return };
    let mut home = Home::new();
    home.now = None;
    home.env.push(("TESTIGO__QUEUE__GRACE_SECONDS", "0".into()));
    home.env.push(("TESTIGO__STORE__URL", fresh_schema(&database)));
    backup_under_load(&home);
}

/// Copies a home's store into an empty schema, cut off twice: when the tables are made, and before the last transaction.
fn cut_off_half_way(home: &Home, database: &str) -> String {
    let copy_until = |url: &str, moment: &str| {
        let mut client = postgres::Client::connect(url, postgres::NoTls).expect("connects");
        let mut child = home.command(&["store", "copy", "--to", url]);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        while !client.query_opt(moment, &[]).is_ok_and(|row| row.is_some()) {
            std::thread::sleep(Duration::from_millis(1));
            assert_eq!(child.try_wait().expect("can be asked"), None, "it ended before {moment}");
        }
        child.kill().expect("own child");
        child.wait().expect("own child");
        let sql = "SELECT 1 FROM about WHERE value LIKE '%not finished%'";
        client.query_opt(sql, &[]).expect("reads").is_some()
    };
    // So little is to be copied that it may be whole before it is cut off; then another schema.
    let url = (0..50).map(|_| fresh_schema(database)).find(|url| copy_until(url, "SELECT 1 FROM about LIMIT 1"));
    let url = url.expect("it was always whole before it was cut off");
    // Here it waits in its last transaction.
    let mut client = postgres::Client::connect(&url, postgres::NoTls).expect("connects");
    let mut tx = client.transaction().expect("begins");
    tx.batch_execute("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE").expect("locks");
    assert!(copy_until(&url, "SELECT 1 FROM coded LIMIT 1"));
    drop(tx);
    let mut half = Home::bare();
    half.set_data(home.data().to_owned());
    half.env.push(("TESTIGO__STORE__URL", url.clone()));
    half.run(&["status"]).exits(1).says(&["run `testigo store copy` again"]);
    url
}

#[test]
fn a_store_moves_to_postgres_and_back_and_work_goes_on() {
    let Some(database) = service("TESTIGO_TEST_POSTGRES", "a_store_moves_to_postgres_and_back_and_work_goes_on") else {
        return;
    };
    let near = Home::new();
    furnish(&near);
    let file = near.write("late.ndjson", arrest("late", "2026-09-03").to_string());
    near.run(&["import", "--source", "valley-line", "--enqueue-only", &file]).exits(0);
    let id = snapshot_id(&near);
    // The same directory as it would go on without moving.
    let stayed = restored(&near, &backup(&near, "b.age"));

    let url = cut_off_half_way(&near, &database);
    let copied = near.run(&["--json", "store", "copy", "--to", &url]).exits(0).json();
    assert!(copied["tables"]["coded"].as_u64() > Some(300), "{copied}");
    let again = near.run(&["--json", "store", "copy", "--to", &url]).exits(0).json();
    assert_eq!((&again["was_there"], &again["tables"]), (&json!(true), &copied["tables"]));

    let before = told(&near);
    let mut far = near;
    far.env.push(("TESTIGO__STORE__URL", url.clone()));
    assert_eq!(told(&far), before);
    assert_eq!(snapshot_id(&far), id);
    std::fs::remove_dir_all(far.data().join("snapshot")).expect("removed");
    assert_eq!(snapshot_id(&far), id, "also made anew");

    // Work goes on where it stood, in the same way at both.
    let go_on = |home: &Home| {
        home.run(&["work", "--drain"]).exits(0);
        let more: String = ["r5", "r210", "new", "late"].map(|id| arrest(id, "2026-09-05").to_string() + "\n").concat()
            + "{\"external_id\": \"bad\"}\n";
        let file = home.write("more.ndjson", more);
        home.run(&["import", "--source", "valley-line", &file]).exits(3);
        let withdrawn = home.json(&["import", "list"])["imports"][0].clone();
        home.run(&["import", "withdraw", withdrawn["batch"].as_str().expect("an id")]).exits(0);
    };
    go_on(&far);
    go_on(&stayed);
    // The ids of imports are random; all else is the same.
    let sums = |home: &Home| counts(&home.status(), &SUMS);
    assert_eq!(sums(&far), sums(&stayed));
    assert_eq!(snapshot_id(&far), snapshot_id(&stayed));
    let letters = |home: &Home| -> Vec<Value> {
        let all = home.run(&["--json", "dead-letters", "list"]).exits(0).stdout;
        lines(&all).iter().map(|letter| letter["id"].clone()).collect()
    };
    assert_eq!(letters(&far), letters(&stayed), "no id is given twice");

    // And back again into a file.
    let before = told(&far);
    far.run(&["store", "copy", "--to", "sqlite:back.sqlite"]).exits(0);
    far.env.pop();
    far.env.push(("TESTIGO__STORE__URL", "sqlite:back.sqlite".into()));
    assert_eq!(told(&far), before);
    assert_eq!(snapshot_id(&far), snapshot_id(&stayed));
    for home in [&far, &stayed] {
        let file = home.write("last.ndjson", arrest("r7", "2026-09-06").to_string());
        home.run(&["import", "--source", "valley-line", &file]).exits(0);
    }
    assert_eq!(snapshot_id(&far), snapshot_id(&stayed));
}

#[test]
fn a_copy_goes_into_nothing_that_is_another_store() {
    let Some(database) = service("TESTIGO_TEST_POSTGRES", "a_copy_goes_into_nothing_that_is_another_store") else {
        return;
    };
    let (home, other) = (Home::new(), Home::new());
    furnish(&home);
    other.source("valley-line");
    let url = fresh_schema(&database);
    other.run(&["store", "copy", "--to", &url]).exits(0);
    home.run(&["store", "copy", "--to", &url]).exits(1).says(&["not a copy of this one", "nothing was changed"]);
    home.run(&["store", "copy", "--to", "sqlite:store.sqlite"]).exits(2);
    home.run(&["store", "copy", "--to", "mysql://s3cret@h/db"]).exits(2).hides("s3cret");
    home.run(&["store", "copy", "--to", "env:NO_SUCH_STORE"]).exits(2).says(&["--to", "NO_SUCH_STORE"]);
    // While a worker codes, the copy would be of yesterday.
    let mut worker = home.command(&["work"]);
    let worker = worker.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let stop = AtomicBool::new(false);
    let ends = Ends(&stop, worker);
    // Asked for before the worker has it, the copy would have the lease itself, and the worker would end.
    let holder = format!("process {}", ends.1.id());
    until("the worker has the lease", || {
        std::fs::read_to_string(home.data().join("worker.lock")).is_ok_and(|text| text.contains(&holder))
    });
    home.run(&["store", "copy", "--to", "sqlite:copy.sqlite"]).exits(1).says(&["another worker", &holder]);
    drop(ends);
    let mut told = home.command(&["store", "copy", "--to", "env:NEW_STORE"]);
    told.env("NEW_STORE", "sqlite:copy.sqlite");
    crate::common::run(told).exits(0);
}
