//! The engines at scale, on the real services that `scripts/services` starts: a topic and a schema for each test.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use ingest::queue::kafka::{KafkaIntake, KafkaIntakeOptions, KafkaLog, KafkaTopic};
use ingest::store::postgres::PostgresStore;
use postgres::{Client, NoTls};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use schemas::clock::Clock;

use crate::harness::{Engine, cipher, start};

/// Where the services are, or `None`, having said aloud that the test was skipped.
pub fn service(variable: &str, test: &str) -> Option<String> {
    let found = std::env::var(variable).ok().filter(|place| !place.is_empty());
    if found.is_none() {
        // Past the test harness, which keeps what a passing test prints.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {variable} names no service; see scripts/services");
    }
    found
}

/// Where Kafka is. Only for tests that were let in by [`service`].
pub fn brokers() -> String {
    std::env::var("TESTIGO_TEST_KAFKA").expect("looked for before")
}

fn database() -> String {
    std::env::var("TESTIGO_TEST_POSTGRES").expect("looked for before")
}

/// A name that no other test has, in this run or an earlier one.
pub fn fresh_name(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = Clock::System.now().timestamp_micros();
    format!("{what}_{now}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst))
}

pub fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", brokers()).create().expect("a client")
}

/// Waits on this thread.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

pub fn make_topic(name: &str, partitions: i32) {
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1)).set("max.message.bytes", "8388608");
    let made = wait(admin().create_topics([&topic], &AdminOptions::new())).expect("asks");
    assert!(made.iter().all(Result::is_ok), "{made:?}");
}

pub fn topic(name: &str) -> KafkaTopic {
    KafkaTopic::parse(&format!("kafka://{}/{name}", brokers()), BTreeMap::new()).expect("a topic")
}

/// A schema of its own in the database; the URL that leads there.
pub fn make_schema() -> String {
    let name = fresh_name("t");
    let mut client = Client::connect(&database(), NoTls).expect("connects");
    client.batch_execute(&format!("CREATE SCHEMA {name}")).expect("makes");
    format!("{}?options=-csearch_path%3D{name}", database())
}

/// Kafka and PostgreSQL.
pub struct Served {
    pub topic: KafkaTopic,
    pub url: String,
    clock: Clock,
}

impl Engine for Served {
    type Intake = KafkaIntake;
    type Log = KafkaLog;
    type Store = PostgresStore;

    const RELEASES: bool = false;
    const RECORD: usize = 1;
    const HISTORIES: u32 = 16;

    fn there(test: &str) -> bool {
        service("TESTIGO_TEST_KAFKA", test).and(service("TESTIGO_TEST_POSTGRES", test)).is_some()
    }

    fn new() -> Self {
        let name = fresh_name("reports");
        make_topic(&name, 1);
        Self { topic: topic(&name), url: make_schema(), clock: Clock::fixed(start()) }
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn intake(&self) -> KafkaIntake {
        let options = KafkaIntakeOptions::default();
        KafkaIntake::open(&self.topic, cipher(1), self.clock.clone(), options).expect("opens")
    }

    fn log_with(&self, key: u8) -> KafkaLog {
        KafkaLog::open(&self.topic, cipher(key)).expect("opens")
    }

    fn store(&self) -> PostgresStore {
        PostgresStore::open(&self.url).expect("opens")
    }

    /// Every file of the database, and of the topic where the broker's directory is known.
    fn files(&self) -> Vec<PathBuf> {
        let mut client = Client::connect(&database(), NoTls).expect("connects");
        client.batch_execute("CHECKPOINT").expect("writes all");
        let directory: String = client.query_one("SHOW data_directory", &[]).expect("tells").get(0);
        let mut files = Vec::new();
        walk(Path::new(&directory), &mut files);
        if let Ok(directory) = std::env::var("TESTIGO_TEST_KAFKA_DIR") {
            let mut all = Vec::new();
            walk(&Path::new(&directory).join("logs"), &mut all);
            let of_topic = |path: &PathBuf| path.to_string_lossy().contains(self.topic.name());
            files.extend(all.into_iter().filter(of_topic));
        }
        files
    }
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), files),
            // A server takes files away while it works.
            Ok(kind) if kind.is_file() && std::fs::read(entry.path()).is_ok() => files.push(entry.path()),
            _ => {}
        }
    }
}
