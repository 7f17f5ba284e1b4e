//! Faults, each of which is a row of `docs/reliability.md`: what is acknowledged is stored once, whatever fails, and what
//! cannot go on says so.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bad_input::Mount;
use crate::common::{
    Home, Sender, Server, StopAtEnd, arrest, counts, lines, receipts, skipped, terminate, until, wait, with_reports,
    worker,
};
use crate::served::{kills_find, on_kafka, on_postgres, served, service};

const ENDINGS: [&str; 6] = ["received", "coded", "revisions", "repeats", "rejected", "waiting"];

/// The ids of what is stored, each version once.
fn stored(home: &Home) -> Vec<String> {
    home.history().iter().map(|row| row["report_id"].as_str().expect("an id").to_owned()).collect()
}

fn arrests(ids: std::ops::Range<u32>) -> String {
    ids.map(|n| format!("{}\n", arrest(&n.to_string(), "2026-09-01"))).collect()
}

// Overload.

/// 1,300 reports that the worker's key does not open, then the right key, then a retry.
fn pauses(home: &Home) {
    home.source("hot");
    let file = home.write("hot.ndjson", arrests(0..1300));
    let tried = home.run(&["--json", "import", "--source", "hot", "--dry-run", &file]).exits(0);
    let ids: BTreeSet<String> = lines(&tried.stdout)
        .iter()
        .map(|line| line["report"]["report_id"].as_str().expect("an id").to_owned())
        .collect();
    home.run(&["import", "--source", "hot", "--enqueue-only", &file]).exits(0);
    let key = home.data().join("keys/queue.key");
    let right = std::fs::read(&key).expect("a key");
    std::fs::copy(Home::new().data().join("keys/queue.key"), &key).expect("another key");

    home.run(&["work", "--drain"]).exits(1).says(&["hot is paused", "testigo source resume hot"]);
    let status = home.status();
    assert_eq!(counts(&status, &ENDINGS), [1300, 0, 0, 0, 1000, 300], "exactly at the limit");
    assert_eq!((&status["held"], &status["paused"]), (&json!(300), &json!(["hot"])));
    assert_eq!(status["reject_codes"], json!({"cannot_open": 1000}));
    assert_eq!(status["sources"][0]["paused"]["rejected_in_a_row"], json!(1000));
    let shown = home.run(&["status"]).exits(0);
    assert!(shown.stdout.contains("hot: paused, 300 held"), "{}", shown.stdout);

    // It stays paused until somebody says otherwise; nobody else is.
    std::fs::write(&key, right).expect("the right key");
    home.run(&["work", "--drain"]).exits(1).says(&["hot is paused"]);
    let other = home.write("calm.ndjson", arrests(0..3));
    assert_eq!(home.json(&["import", "--source", "calm", &other])["coded"], json!(3));
    let one = home.write("one.ndjson", arrests(5000..5001));
    let ran = home.run(&["--json", "import", "--source", "hot", &one]).exits(1).says(&["1 rows of this import wait"]);
    assert_eq!(ran.json()["waiting"], json!(1));
    assert_eq!(counts(&home.status(), &ENDINGS), [1304, 3, 0, 0, 1000, 301]);

    let retried = home.json(&["dead-letters", "retry"]);
    assert_eq!(retried["coded"], json!(1301));
    home.run(&["work", "--drain"]).exits(0);
    let status = home.status();
    assert_eq!(counts(&status, &ENDINGS), [1304, 1304, 0, 0, 0, 0]);
    assert_eq!(status["paused"], json!([]));
    let stored: BTreeSet<String> = stored(home).into_iter().collect();
    assert!(ids.is_subset(&stored) && stored.len() == 1304, "with the ids that they would have had");
}

#[test]
fn too_many_rejects_pause_a_source_on_sqlite_and_sqlite() {
    pauses(&Home::new());
}

#[test]
fn too_many_rejects_pause_a_source_on_sqlite_and_postgres() {
    let test = "too_many_rejects_pause_a_source_on_sqlite_and_postgres";
    let Some(database) = service("TESTIGO_TEST_POSTGRES", test) else { return };
    let mut home = Home::new();
    on_postgres(&mut home, &database);
    pauses(&home);
}

#[test]
fn too_many_rejects_pause_a_source_on_kafka_and_sqlite() {
    let test = "too_many_rejects_pause_a_source_on_kafka_and_sqlite";
    let Some(brokers) = service("TESTIGO_TEST_KAFKA", test) else { return };
    let mut home = Home::new();
    on_kafka(&mut home, &brokers, 2);
    pauses(&home);
}

#[test]
fn too_many_rejects_pause_a_source_on_kafka_and_postgres() {
    let Some(home) = served("too_many_rejects_pause_a_source_on_kafka_and_postgres", 2) else { return };
    pauses(&home);
}

#[test]
fn a_source_of_rubbish_is_paused_and_a_setting_or_resume_goes_on() {
    let mut home = Home::new();
    home.now = Some("2026-09-20T12:00:00Z".into());
    let rubbish: String = (0..1200).map(|n| format!("{{\"external_id\":\"{n}\",\"event_kind\":\"riot\"}}\n")).collect();
    let file = home.write("rubbish.ndjson", rubbish + &arrests(2000..2010));
    home.run(&["import", "--source", "hot", &file]).exits(1).says(&["hot is paused", "dead-letters list"]);
    assert_eq!(counts(&home.status(), &ENDINGS), [1210, 0, 0, 0, 1000, 210]);
    // What cannot be mended goes on by as much again, until the good ones come.
    home.run(&["source", "resume", "hot"]).exits(3);
    assert_eq!(counts(&home.status(), &ENDINGS), [1210, 10, 0, 0, 1200, 0]);

    // The share: two of three rejected, never many in a row.
    let mixed: String = (0..5000)
        .map(|n| match n % 3 {
            0 => format!("{}\n", arrest(&format!("m{n}"), "2026-09-02")),
            _ => format!("{{\"external_id\":\"m{n}\",\"event_kind\":\"riot\"}}\n"),
        })
        .collect();
    let file = home.write("mixed.ndjson", mixed);
    home.run(&["import", "--source", "mixed", &file]).exits(1).says(&["mixed is paused"]);
    let status = home.status();
    let mixed = status["sources"].as_array().expect("a list").iter().find(|s| s["source"] == "mixed").expect("there");
    assert_eq!((&mixed["rejected"], &mixed["waiting"]), (&json!(2500), &json!(1250)));

    // What is held waits in a brief's sums too, which add up.
    home.now = Some(crate::common::NOW.into());
    let calm = home.write("calm.ndjson", arrests(0..3));
    home.run(&["import", "--source", "calm", &calm]).exits(0);
    let dir = home.brief("2026-09", "brief");
    let rows = crate::common::table(&dir, "funnel_month");
    let row = rows.iter().find(|row| row["month"] == "2026-09").expect("a row");
    assert_eq!((row["waiting"].as_str(), row["rejected"].as_str(), row["received"].as_str()), ("1250", "3700", "6210"));

    home.env.push(("TESTIGO__WORKER__PAUSE_SHARE", "0".into()));
    home.run(&["work", "--drain"]).exits(3);
    assert_eq!(counts(&home.status(), &["waiting"]), [0]);
    home.run(&["source", "resume", "nobody"]).exits(2).says(&["nobody"]);
}

// Servers that go away.

/// A service of a test's own, started by its script; it can be killed without harm to other tests.
struct Own {
    script: &'static str,
    dir: tempfile::TempDir,
    place: String,
}

impl Own {
    fn start(script: &'static str) -> Self {
        Self::begin(script, "start")
    }

    fn begin(script: &'static str, how: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a directory");
        // PostgreSQL runs as a user of its own.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
        let mut own = Self { script, dir, place: String::new() };
        own.place = own.run(how);
        own
    }

    fn run(&self, what: &str) -> String {
        self.run_on(what, "service")
    }

    /// The same for a part of it.
    fn run_on(&self, what: &str, part: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/services").join(self.script);
        let out = self.dir.path().join("said");
        // To a file: a server that it starts would keep a pipe open.
        let said = std::fs::File::create(&out).expect("made");
        let ran = Command::new(script)
            .args([Path::new(what), &self.dir.path().join(part)])
            .env("KAFKA_HEAP", "384m")
            .stdin(Stdio::null())
            .stdout(said)
            .stderr(Stdio::null())
            .status();
        assert!(ran.expect("runs").success(), "{} {what}", self.script);
        std::fs::read_to_string(out).expect("reads").trim().to_owned()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // The last brokers of a cluster would wait for one another to end in order.
        let how = if self.script == "kafka.sh" { "kill" } else { "stop" };
        for part in ["service", "service/1", "service/2", "service/3"] {
            if self.dir.path().join(part).is_dir() {
                self.run_on(how, part);
            }
        }
    }
}

/// Sends from several sources until told to stop; returns the receipts that came.
fn senders<'s>(
    scope: &'s std::thread::Scope<'s, '_>,
    home: &Home,
    url: &'s str,
    stop: &'s AtomicBool,
    acknowledged: &'s Mutex<BTreeSet<String>>,
) {
    for n in 0..4 {
        let sender = Sender::new(&home.source(&format!("line-{n}")));
        scope.spawn(move || {
            for report in 0.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let body = arrest(&report.to_string(), "2026-09-01").to_string();
                if let Some((202, answer)) = sender.try_post(url, body.as_bytes(), &[]) {
                    acknowledged.lock().expect("no panic in there").extend(receipts(&answer).into_iter().flatten());
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
    }
}

/// Sends to the server for as long as `faults` lasts; what was acknowledged.
fn under_load(home: &Home, server: &Server, faults: impl FnOnce(&Mutex<BTreeSet<String>>)) -> Mutex<BTreeSet<String>> {
    let (stop, acknowledged) = (AtomicBool::new(false), Mutex::default());
    std::thread::scope(|scope| {
        let ends = StopAtEnd(&stop);
        senders(scope, home, &server.url, &stop, &acknowledged);
        faults(&acknowledged);
        drop(ends);
    });
    acknowledged
}

/// All that was acknowledged is stored, and nothing twice.
#[track_caller]
fn all_is_stored_once(home: &Home, acknowledged: &Mutex<BTreeSet<String>>) {
    home.run(&["work", "--drain"]).exits(0);
    let acknowledged = acknowledged.lock().expect("no panic in there");
    let all = stored(home);
    let distinct: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(all.len(), distinct.len(), "none is stored twice");
    assert!(acknowledged.is_subset(&distinct), "of {} acknowledged all are stored", acknowledged.len());
    assert_eq!(counts(&home.status(), &["waiting", "rejected"]), [0, 0]);
}

/// Waits until so many more are acknowledged.
#[track_caller]
fn more(acknowledged: &Mutex<BTreeSet<String>>, count: usize) {
    let now = || acknowledged.lock().expect("no panic in there").len();
    let before = now();
    until("reports are acknowledged", || now() >= before + count);
}

#[test]
fn a_broker_that_is_away_for_half_a_minute_and_then_restarted_costs_nothing() {
    let test = "a_broker_that_is_away_for_half_a_minute_and_then_restarted_costs_nothing";
    if service("TESTIGO_TEST_KAFKA", test).is_none() {
        return;
    }
    let broker = Own::start("kafka.sh");
    let mut home = Home::new();
    home.now = None;
    on_kafka(&mut home, &broker.place, 2);
    let server = Server::start(&home, &[]);
    let acknowledged = under_load(&home, &server, |acknowledged| {
        more(acknowledged, 100);
        broker.run("kill");
        let away = Instant::now();
        let asks = Sender::new("");
        until("it says that the broker is away", || asks.get(&server.url, "/readyz").1.contains("away"));
        assert_eq!(asks.get(&server.url, "/readyz").0, 503);
        assert!(asks.get(&server.url, "/metrics").1.contains("testigo_queue_reachable 0"));
        std::thread::sleep(Duration::from_secs(30).saturating_sub(away.elapsed()));
        broker.run("start");
        more(acknowledged, 100);
        until("it says that the broker is back", || asks.get(&server.url, "/readyz").0 == 200);
        // An orderly restart.
        broker.run("stop");
        broker.run("start");
        more(acknowledged, 100);
    });
    let (code, said) = server.end();
    assert_eq!(code, Some(0), "{said}");
    all_is_stored_once(&home, &acknowledged);
}

#[test]
fn of_three_brokers_one_is_lost_then_all_and_nothing_acknowledged() {
    let test = "of_three_brokers_one_is_lost_then_all_and_nothing_acknowledged";
    if service("TESTIGO_TEST_KAFKA", test).is_none() {
        return;
    }
    let brokers = Own::begin("kafka.sh", "cluster");
    let parts = ["service/1", "service/2", "service/3"];
    let mut home = Home::new();
    home.now = None;
    home.env.push(("TESTIGO__QUEUE__URL", format!("kafka://{}/reports", brokers.place)));
    home.run(&["queue", "create", "--partitions", "3", "--replication", "3"]).exits(0);
    let server = Server::start(&home, &[]);
    let acknowledged = under_load(&home, &server, |acknowledged| {
        more(acknowledged, 100);
        brokers.run_on("kill", parts[1]);
        more(acknowledged, 100);
        brokers.run_on("start", parts[1]);
        more(acknowledged, 100);
        for part in parts {
            brokers.run_on("kill", part);
        }
        brokers.run("cluster");
        more(acknowledged, 100);
    });
    let (code, said) = server.end();
    assert_eq!(code, Some(0), "{said}");
    all_is_stored_once(&home, &acknowledged);
}

#[test]
fn a_database_that_is_restarted_costs_nothing() {
    if service("TESTIGO_TEST_POSTGRES", "a_database_that_is_restarted_costs_nothing").is_none() {
        return;
    }
    let database = Own::start("postgres.sh");
    let mut home = Home::new();
    home.now = None;
    on_postgres(&mut home, &database.place);
    let server = Server::start(&home, &["--no-worker"]);
    let mut coding = worker(&home);
    let acknowledged = under_load(&home, &server, |acknowledged| {
        for _ in 0..3 {
            more(acknowledged, 150);
            // At once, whatever its connections are at.
            database.run("restart");
        }
        more(acknowledged, 150);
    });
    assert_eq!(server.end().0, Some(0), "intake does not need the database while it runs");
    terminate(coding.id());
    assert_eq!(wait(&mut coding, Duration::from_secs(30)), Some(0), "the worker waited, and went on");
    all_is_stored_once(&home, &acknowledged);
}

/// A worker whose words go to a file.
fn worker_that_says(home: &Home, file: &Path) -> Child {
    let says = std::fs::File::create(file).expect("made");
    home.command(&["work"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(says).spawn().expect("starts")
}

fn gained(file: &Path) -> usize {
    std::fs::read_to_string(file).expect("reads").matches("working on partitions").count()
}

#[test]
fn a_store_that_answers_nothing_for_ten_seconds_costs_no_partition() {
    let test = "a_store_that_answers_nothing_for_ten_seconds_costs_no_partition";
    let Some(mut home) = served(test, 4) else { return };
    home.now = None;
    let url = home.env.iter().find(|(name, _)| *name == "TESTIGO__STORE__URL").expect("set").1.clone();
    let server = Server::start(&home, &["--no-worker"]);
    let files = [PathBuf::from(home.path("one")), PathBuf::from(home.path("two"))];
    let mut workers = files.each_ref().map(|file| worker_that_says(&home, file));
    let acknowledged = under_load(&home, &server, |acknowledged| {
        until("both have partitions", || files.iter().all(|file| gained(file) > 0));
        more(acknowledged, 100);
        let before: Vec<usize> = files.iter().map(|file| gained(file)).collect();
        let mut client = postgres::Client::connect(&url, postgres::NoTls).expect("connects");
        let mut tx = client.transaction().expect("begins");
        tx.execute("SELECT * FROM counter FOR UPDATE", &[]).expect("holds it");
        let stored_before = home.status()["coded"].as_u64();
        // Longer than the 6 seconds after which the group would give a silent member's partitions away.
        std::thread::sleep(Duration::from_secs(10));
        assert_eq!(home.status()["coded"].as_u64(), stored_before, "nothing was stored meanwhile");
        more(acknowledged, 50);
        drop(tx);
        until("all goes on", || home.status()["coded"].as_u64() > stored_before);
        let after: Vec<usize> = files.iter().map(|file| gained(file)).collect();
        assert_eq!(before, after, "nobody lost a partition");
    });
    assert_eq!(server.end().0, Some(0));
    for child in &mut workers {
        terminate(child.id());
        assert_eq!(wait(child, Duration::from_secs(30)), Some(0));
    }
    all_is_stored_once(&home, &acknowledged);
}

#[test]
fn workers_that_come_and_go_in_mid_batch_store_each_once() {
    let Some(mut home) = served("workers_that_come_and_go_in_mid_batch_store_each_once", 4) else { return };
    home.now = None;
    home.env.push(("TESTIGO__WORKER__BATCH_ROWS", "50".into()));
    for n in 0..8 {
        let file = home.write("rows.ndjson", arrests(0..1500));
        home.run(&["import", "--enqueue-only", "--source", &format!("line-{n}"), &file]).exits(0);
    }
    let mut first = worker(&home);
    let coded = || home.status()["coded"].as_u64().unwrap_or(0);
    until("the first is at work", || coded() > 200);
    let mut second = worker(&home);
    let one_more = || {
        let before = coded();
        until("work goes on", || coded() > before + 300 || coded() == 12_000);
    };
    one_more();
    terminate(first.id());
    assert_eq!(wait(&mut first, Duration::from_secs(60)), Some(0), "it drained, and left");
    one_more();
    let mut third = worker(&home);
    one_more();
    crate::common::kill(&mut second);
    until("all is coded", || coded() == 12_000);
    terminate(third.id());
    assert_eq!(wait(&mut third, Duration::from_secs(60)), Some(0));
    assert_eq!(counts(&home.status(), &ENDINGS), [12_000, 12_000, 0, 0, 0, 0]);
    assert_eq!(stored(&home).into_iter().collect::<BTreeSet<_>>().len(), 12_000);
}

#[test]
fn a_store_that_forgets_its_position_is_seen_by_the_kill_test() {
    let mut home = Home::new();
    home.now = None;
    home.status();
    let store = rusqlite::Connection::open(home.data().join("store.sqlite")).expect("opens");
    // Five times the rows of a batch stay, and the position that goes with them does not.
    let forgets = "CREATE TABLE forgotten (next INTEGER); \
                   CREATE TRIGGER forgets AFTER UPDATE ON position WHEN (SELECT count(*) FROM forgotten) < 5 BEGIN \
                   INSERT INTO forgotten VALUES (new.next); \
                   UPDATE position SET next = old.next WHERE queue = old.queue AND partition = old.partition; END";
    store.execute_batch(forgets).expect("made");
    drop(store);
    let found = kills_find(&home, 3);
    assert!(found.double > 0, "{}", found.line);
}

// Disks and clocks.

#[test]
fn a_full_disk_publishes_nothing_and_leaves_nothing_half_done() {
    let home = with_reports();
    let small = PathBuf::from(home.path("small"));
    let Some(mount) = Mount::new(&small, "size=64k") else {
        return skipped("a small tmpfs cannot be mounted here: publishing to a full disk was not tried");
    };
    let out = small.join("brief");
    let publish = || home.run(&["brief", "--period", "2026-09", "--out", &out.to_string_lossy()]);
    let ran = publish().exits(1).says(&["small"]);
    assert!(!ran.stderr.contains("a fault of this program"), "{}", ran.stderr);
    assert!(!out.exists(), "half a brief is none");
    mount.remount("size=16m");
    publish().exits(0);
    home.run(&["verify", &out.to_string_lossy()]).exits(0);
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(out.join("manifest.json")).expect("there")).expect("reads");
    assert_eq!(manifest["header"]["edition"], json!(1), "what was not published is no edition: {}", manifest["header"]);
}

#[test]
fn a_clock_that_is_set_back_a_day_loses_no_report_and_both_sums_add_up() {
    let mut home = Home::new();
    let import = |home: &Home, ids: std::ops::Range<u32>| {
        let file = home.write("rows.ndjson", arrests(ids));
        home.json(&["import", "--source", "hot", &file])
    };
    import(&home, 0..12);
    home.now = Some("2026-10-19T12:00:00Z".into());
    assert_eq!(import(&home, 6..24)["coded"], json!(12));
    home.run(&["snapshot"]).exits(0);
    home.now = Some(crate::common::NOW.into());
    import(&home, 24..30);
    assert_eq!(counts(&home.status(), &ENDINGS), [36, 30, 0, 6, 0, 0]);
    let dir = home.brief("2026-09", "brief");
    let rows = crate::common::table(&dir, "reports_month");
    let all = rows.iter().find(|row| row["month"] == "2026-09" && row["event_kind"] == "all").expect("a row");
    assert_eq!(all["reports"], "30");
}

// Senders.

/// Sends one request on a connection of its own; the whole answer.
fn ask(address: &str, token: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let head = format!(
        "POST /v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sends");
    stream.write_all(body.as_bytes()).expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("reads");
    answer
}

#[test]
fn past_its_mark_the_intake_says_when_to_come_again_and_takes_nothing() {
    let home = Home::new();
    let token = home.source("hot");
    let server = Server::start(&home, &["--no-worker"]);
    let address = server.url.strip_prefix("http://").expect("a URL").to_owned();
    // Somebody else holds the queue, so nothing can be written.
    let queue = rusqlite::Connection::open(home.data().join("queue.sqlite")).expect("opens");
    queue.execute_batch("BEGIN IMMEDIATE").expect("begins");
    let answers = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..7)
            .map(|n| {
                let (address, token) = (&address, &token);
                scope.spawn(move || ask(address, token, &arrests(n * 10_000..(n + 1) * 10_000)))
            })
            .collect();
        // Some are told at once; the others wait for the queue.
        until("somebody is told to wait", || asking.iter().any(std::thread::ScopedJoinHandle::is_finished));
        std::thread::sleep(Duration::from_secs(1));
        queue.execute_batch("ROLLBACK").expect("ends");
        asking.into_iter().map(|asked| asked.join().expect("no panic")).collect::<Vec<_>>()
    });
    let (accepted, told): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.starts_with("HTTP/1.1 202 "));
    assert!(!accepted.is_empty() && !told.is_empty(), "{} and {}", accepted.len(), told.len());
    for answer in told {
        let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_lowercase();
        assert!(head.starts_with("http/1.1 503 ") && head.contains("\r\nretry-after: 1"), "{head}");
    }
    assert_eq!(counts(&home.status(), &["received"]), [accepted.len() as u64 * 10_000]);
}

#[test]
fn ten_thousand_requests_at_once_are_each_answered_and_what_is_acknowledged_is_stored() {
    const CONNECTIONS: usize = 500;
    const EACH: usize = 20;
    let home = Home::new();
    let token = home.source("hot");
    let server = Server::start(&home, &["--no-worker"]);
    let address = server.url.strip_prefix("http://").expect("a URL").to_owned();
    let accepted = std::thread::scope(|scope| {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|connection| {
                let (address, token) = (&address, &token);
                scope.spawn(move || {
                    let mut requests = String::new();
                    for n in 0..EACH {
                        let body = arrest(&format!("{connection}-{n}"), "2026-09-01").to_string();
                        let last = if n + 1 == EACH { "Connection: close\r\n" } else { "" };
                        requests.push_str(&format!(
                            "POST /v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{last}Content-Length: {}\r\n\r\n{body}",
                            body.len()
                        ));
                    }
                    let mut stream = TcpStream::connect(address).expect("connects");
                    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
                    // All of them are on the way before the first answer is read.
                    stream.write_all(requests.as_bytes()).expect("sends");
                    let mut answers = String::new();
                    stream.read_to_string(&mut answers).expect("reads");
                    let accepted = answers.matches("HTTP/1.1 202 ").count();
                    let wait = answers.matches("HTTP/1.1 503 ").count();
                    assert_eq!(accepted + wait, EACH, "each is answered");
                    assert_eq!(answers.to_lowercase().matches("retry-after: ").count(), wait, "and told when to come again");
                    accepted
                })
            })
            .collect();
        connections.into_iter().map(|c| c.join().expect("no panic")).sum::<usize>()
    });
    let memory = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("reads");
    let peak = memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(peak < 512 << 10, "{peak} kB");
    assert_eq!(server.end().0, Some(0));
    assert!(accepted > 0);
    home.run(&["work", "--drain"]).exits(0);
    assert_eq!(counts(&home.status(), &ENDINGS), [accepted as u64, accepted as u64, 0, 0, 0, 0]);
}

#[test]
fn senders_that_dribble_are_cut_and_keep_nobody_out() {
    let mut home = Home::new();
    home.env.extend([
        ("TESTIGO__HTTP__HEADER_TIMEOUT_SECONDS", "2".to_owned()),
        ("TESTIGO__HTTP__BODY_TIMEOUT_SECONDS", "2".to_owned()),
        ("TESTIGO__HTTP__MAX_CONNECTIONS", "40".to_owned()),
    ]);
    let token = home.source("hot");
    let sender = Sender::new(&token);
    let server = Server::start(&home, &["--no-worker"]);
    let address = server.url.strip_prefix("http://").expect("a URL").to_owned();
    let head = format!("POST /v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
    std::thread::scope(|scope| {
        // More of them than there are connections: half never end their headers, half their bodies.
        let slow: Vec<_> = (0..60)
            .map(|n| {
                let begins = if n % 2 == 0 { head.clone() } else { format!("{head}Content-Length: 5000\r\n\r\n{{") };
                let address = &address;
                scope.spawn(move || {
                    let mut stream = TcpStream::connect(address).expect("connects");
                    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("set");
                    stream.write_all(begins.as_bytes()).expect("sends");
                    let started = Instant::now();
                    let mut answer = [0; 4096];
                    // A byte now and then, until the other side has had enough.
                    while started.elapsed() < Duration::from_secs(30) {
                        match stream.read(&mut answer) {
                            Ok(0) => return true,
                            Ok(_) => {}
                            Err(e)
                                if matches!(
                                    e.kind(),
                                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                                ) => {}
                            Err(_) => return true,
                        }
                        if stream.write_all(b"x").is_err() {
                            return true;
                        }
                    }
                    false
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        let started = Instant::now();
        let (status, _) = sender.post(&server.url, arrest("1", "2026-09-01").to_string(), &[]);
        assert_eq!(status, 202);
        assert!(started.elapsed() < Duration::from_secs(12), "took {:?}", started.elapsed());
        assert!(slow.into_iter().all(|s| s.join().expect("no panic")), "each was cut");
    });
    assert_eq!(sender.post(&server.url, arrest("2", "2026-09-01").to_string(), &[]).0, 202);
    assert_eq!(server.end().0, Some(0));
}
