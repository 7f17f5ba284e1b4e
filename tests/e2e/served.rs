//! The command on real Kafka and PostgreSQL, as `scripts/services` starts them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::Child;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::common::{
    Dice, Home, Sender, Server, StopAtEnd, arrest, counts, files, kill, lines, receipts, skipped, terminate, until,
    wait, worker,
};

pub fn service(variable: &str, test: &str) -> Option<String> {
    let found = std::env::var(variable).ok().filter(|place| !place.is_empty());
    if found.is_none() {
        skipped(&format!("{test}: {variable} names no service; see scripts/services"));
    }
    found
}

pub fn fresh_name(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = schemas::Clock::System.now().timestamp_micros();
    format!("{what}_{now}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst))
}

/// Puts the queue of a home on Kafka, with a topic of its own.
pub fn on_kafka(home: &mut Home, brokers: &str, partitions: u32) {
    home.env.push(("TESTIGO__QUEUE__URL", format!("kafka://{brokers}/{}", fresh_name("reports"))));
    let partitions = partitions.to_string();
    let made = home.run(&["queue", "create", "--partitions", &partitions, "--replication", "1"]).exits(0);
    made.says(&["page cache"]);
}

/// The URL of an empty schema.
pub fn fresh_schema(database: &str) -> String {
    let name = fresh_name("t");
    let mut client = postgres::Client::connect(database, postgres::NoTls).expect("connects");
    client.batch_execute(&format!("CREATE SCHEMA {name}")).expect("makes");
    format!("{database}?options=-csearch_path%3D{name}")
}

/// Puts the store of a home on PostgreSQL, with a schema of its own.
pub fn on_postgres(home: &mut Home, database: &str) {
    home.env.push(("TESTIGO__STORE__URL", fresh_schema(database)));
}

/// A home on both, or none where they are not there.
pub fn served(test: &str, partitions: u32) -> Option<Home> {
    let brokers = service("TESTIGO_TEST_KAFKA", test)?;
    let database = service("TESTIGO_TEST_POSTGRES", test)?;
    let mut home = Home::new();
    on_kafka(&mut home, &brokers, partitions);
    on_postgres(&mut home, &database);
    Some(home)
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let target = to.join(path);
        std::fs::create_dir_all(target.parent().expect("has one")).expect("made");
        std::fs::write(target, bytes).expect("written");
    }
}

#[test]
fn the_same_reports_give_the_same_bytes_through_either_pair_of_engines() {
    let Some(far) = served("the_same_reports_give_the_same_bytes_through_either_pair_of_engines", 4) else { return };
    // Two copies of one fresh directory: the same installation key.
    let near = Home::new();
    std::fs::remove_dir_all(far.data()).expect("removed");
    copy(near.data(), far.data());

    let corpus = near.path("corpus");
    near.run(&[
        "simulate",
        "--months",
        "14",
        "--reports",
        "1500",
        "--seed",
        "5",
        "--until",
        "2026-09",
        "--out",
        &corpus,
    ])
    .exits(0);
    // Each source's reports in a file of its own, in their order.
    let read = |name: &str| std::fs::read_to_string(Path::new(&corpus).join(name)).expect("written");
    let truth: BTreeMap<String, String> = lines(&read("truth.ndjson"))
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().expect("a text").to_owned();
            (text("external_id"), text("source"))
        })
        .collect();
    let mut by_source: BTreeMap<String, String> = BTreeMap::new();
    for line in read("reports.ndjson").lines() {
        let report: serde_json::Value = serde_json::from_str(line).expect("reads");
        let source = report["external_id"].as_str().and_then(|id| truth.get(id)).map_or("unknown", String::as_str);
        let text = by_source.entry(source.to_owned()).or_default();
        text.push_str(line);
        text.push('\n');
    }
    assert!(by_source.len() > 3, "several sources, so several partitions");
    let mut statuses = Vec::new();
    for home in [&near, &far] {
        for (source, text) in &by_source {
            let file = home.write(&format!("{source}.ndjson"), text);
            let ran = home.run(&["--json", "import", "--source", source, &file]);
            assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.stderr);
        }
        statuses.push(home.status());
    }
    let keys = ["received", "coded", "revisions", "repeats", "rejected", "waiting"];
    assert_eq!(counts(&statuses[0], &keys), counts(&statuses[1], &keys));
    assert!(statuses[0]["coded"].as_u64() > Some(1000));

    let briefs: Vec<_> = [&near, &far]
        .map(|home| {
            let out = home.path("brief");
            let ran = home.run(&["brief", "--period", "2026-09", "--out", &out]);
            assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.stderr);
            files(Path::new(&out))
        })
        .into();
    let names = |brief: &BTreeMap<std::path::PathBuf, Vec<u8>>| brief.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&briefs[0]), names(&briefs[1]));
    for (path, bytes) in &briefs[0] {
        assert!(briefs[1][path] == *bytes, "{} differs", path.display());
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&briefs[1][Path::new("manifest.json")]).expect("a manifest");
    assert!(manifest.to_string().contains("snapshot"), "it names the snapshot: {manifest}");
}

#[test]
fn reports_over_http_are_coded_by_two_workers_and_both_end_when_told() {
    let test = "reports_over_http_are_coded_by_two_workers_and_both_end_when_told";
    let Some(mut home) = served(test, 4) else { return };
    home.now = None;
    let senders: Vec<Sender> = (0..8).map(|n| Sender::new(&home.source(&format!("line-{n}")))).collect();
    let server = Server::start(&home, &["--no-worker"]);
    let mut children: Vec<Child> = (0..2).map(|_| worker(&home)).collect();
    std::thread::scope(|scope| {
        for sender in &senders {
            let url = server.url.clone();
            scope.spawn(move || {
                for n in 0..50 {
                    let body = arrest(&n.to_string(), "2026-09-01").to_string();
                    assert_eq!(sender.post(&url, body, &[]).0, 202);
                }
            });
        }
    });
    until("all is coded", || home.status()["waiting"] == json!(0));
    assert_eq!(counts(&home.status(), &["received", "coded"]), [400, 400]);
    for child in &mut children {
        terminate(child.id());
        assert_eq!(wait(child, Duration::from_secs(30)), Some(0), "drained, and ended well");
    }
    assert_eq!(server.end().0, Some(0));
    home.run(&["work", "--drain"]).exits(0);
}

/// What the senders know at the end.
#[derive(Default)]
struct Sent {
    sent: AtomicU64,
    /// The receipt, and the content that it was given for.
    acked: Mutex<Vec<(String, String)>>,
}

/// `serve` and two `work`, killed at random instants under load with repeats and revisions in it. Prints one line, and
/// fails where something was lost or stored twice.
fn kills(pair: &str, home: &Home, kills: u32) {
    let senders: Vec<Sender> = (0..6).map(|n| Sender::new(&home.source(&format!("hot-{n}")))).collect();
    let url = Mutex::new(String::new());
    let stop = AtomicBool::new(false);
    let known = Sent::default();
    let seed = std::env::var("TESTIGO_KILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut dice = Dice(seed);
    std::thread::scope(|scope| {
        let ends = StopAtEnd(&stop);
        for (number, sender) in senders.iter().enumerate() {
            let (url, stop, known) = (&url, &stop, &known);
            scope.spawn(move || {
                let mut dice = Dice(seed + 100 + number as u64);
                for n in 0u64.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let (id, agents) = match dice.below(10) {
                        // An old one again, as it was; or with other content.
                        0 => (dice.below(n + 1), 0),
                        1 => (dice.below(n + 1), 1 + dice.below(20)),
                        _ => (n, 0),
                    };
                    let mut report = arrest(&format!("r{id}"), "2026-09-01");
                    if agents > 0 {
                        report["agents"] = json!(agents);
                    }
                    let now = url.lock().expect("no panic in there").clone();
                    known.sent.fetch_add(1, Ordering::SeqCst);
                    match sender.try_post(&now, report.to_string().as_bytes(), &[]) {
                        Some((202, answer)) => {
                            let receipt = receipts(&answer)[0].clone().expect("accepted");
                            known.acked.lock().expect("no panic in there").push((receipt, agents.to_string()));
                        }
                        // Not acknowledged: it may be stored all the same, and need not be.
                        _ => std::thread::sleep(Duration::from_millis(10)),
                    }
                    std::thread::sleep(Duration::from_millis(3));
                }
            });
        }
        let start = || {
            let server = Server::start(home, &["--no-worker"]);
            server.url.clone_into(&mut url.lock().expect("no panic in there"));
            server
        };
        let mut server = Some(start());
        let mut workers = [worker(home), worker(home)];
        for _ in 0..kills {
            // So much is acknowledged between two kills, on a slow machine too; then any instant will do.
            let acked = || known.acked.lock().expect("no panic in there").len();
            let before = acked();
            until("reports are acknowledged between two kills", || acked() >= before + 15);
            std::thread::sleep(Duration::from_millis(dice.below(200)));
            match dice.below(3) {
                0 => {
                    if let Some(running) = server.take() {
                        running.kill();
                    }
                    server = Some(start());
                }
                which => {
                    let which = usize::try_from(which - 1).expect("small");
                    kill(&mut workers[which]);
                    workers[which] = worker(home);
                }
            }
        }
        drop(ends);
        workers.iter_mut().for_each(kill);
        if let Some(server) = server {
            server.kill();
        }
    });
    home.run(&["work", "--drain"]).exits(0);
    let sent = known.sent.load(Ordering::SeqCst);
    let acked = known.acked.into_inner().expect("no panic in there");
    // What is stored: each version once.
    let stored: Vec<(String, String)> = home
        .history()
        .iter()
        .map(|row| {
            let agents = row["agents"]["min"].as_u64().unwrap_or(0);
            (row["report_id"].as_str().expect("an id").to_owned(), agents.to_string())
        })
        .collect();
    let distinct: BTreeSet<_> = stored.iter().collect();
    let lost = acked.iter().filter(|pair| !distinct.contains(pair)).count();
    let double = stored.len() - distinct.len();
    let status = home.status();
    // Each position ends once: what was received is what was acknowledged, and what was appended without an answer.
    let received = status["received"].as_u64().expect("a count");
    let again = received.saturating_sub(sent);
    let double = double as u64 + again;
    let line = format!(
        "kill-test {pair}: kills={kills} sent={sent} acked={} stored={} lost={lost} double={double}",
        acked.len(),
        stored.len()
    );
    let _ = writeln!(std::io::stderr(), "{line}");
    assert!(acked.len() as u64 <= received && acked.len() as u64 >= u64::from(kills), "{line}; {status}");
    assert_eq!((lost, double), (0, 0), "{line}");
}

/// How many kills; more with `scripts/kill-test.sh`.
fn how_many() -> u32 {
    std::env::var("TESTIGO_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10)
}

#[test]
fn kills_lose_nothing_and_double_nothing_on_sqlite_and_sqlite() {
    let mut home = Home::new();
    home.now = None;
    kills("sqlite/sqlite", &home, how_many());
}

#[test]
fn kills_lose_nothing_and_double_nothing_on_sqlite_and_postgres() {
    let test = "kills_lose_nothing_and_double_nothing_on_sqlite_and_postgres";
    let Some(database) = service("TESTIGO_TEST_POSTGRES", test) else { return };
    let mut home = Home::new();
    home.now = None;
    on_postgres(&mut home, &database);
    kills("sqlite/postgres", &home, how_many());
}

#[test]
fn kills_lose_nothing_and_double_nothing_on_kafka_and_sqlite() {
    let Some(brokers) = service("TESTIGO_TEST_KAFKA", "kills_lose_nothing_and_double_nothing_on_kafka_and_sqlite")
    else {
        return;
    };
    let mut home = Home::new();
    home.now = None;
    on_kafka(&mut home, &brokers, 4);
    kills("kafka/sqlite", &home, how_many());
}

#[test]
fn kills_lose_nothing_and_double_nothing_on_kafka_and_postgres() {
    let Some(mut home) = served("kills_lose_nothing_and_double_nothing_on_kafka_and_postgres", 4) else { return };
    home.now = None;
    kills("kafka/postgres", &home, how_many());
}
