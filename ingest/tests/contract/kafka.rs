//! What only Kafka can show: topics that are made anew, cut, compacted or written to by others.

use ingest::keys::Identity;
use ingest::queue::kafka::{KafkaIntake, KafkaIntakeOptions, KafkaLog};
use ingest::queue::{Intake as _, Limits, Log as _, QueueError};
use ingest::store::Store as _;
use ingest::worker::{Until, WorkError};
use rdkafka::admin::AdminOptions;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use schemas::clock::Clock;
use schemas::envelope::Position;
use schemas::reject::RejectCode;

use crate::harness::{Engine as _, Plain, cipher, drain, envelope, start};
use crate::served::{Served, admin, brokers, fresh_name, make_topic, service, topic, wait};

const ALL: Limits = Limits { envelopes: usize::MAX, bytes: usize::MAX };

fn at(offset: i64) -> Position {
    Position { partition: 0, offset }
}

fn append(engine: &Served, ids: std::ops::Range<u32>) {
    let envelopes = ids.map(|n| envelope("line-a", &n.to_string(), "arrest")).collect();
    engine.intake().submit_waiting(envelopes).expect("taken").wait().expect("durable");
}

/// Deletes the topic and makes it anew under the same name.
fn make_anew(engine: &Served) {
    let name = engine.topic.name();
    wait(admin().delete_topics(&[name], &AdminOptions::new())).expect("asks")[0].as_ref().expect("deletes");
    for _ in 0..100 {
        let found = admin().inner().fetch_metadata(Some(name), std::time::Duration::from_secs(5)).expect("answers");
        if found.topics()[0].error().is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    make_topic(name, 1);
}

fn stopped(engine: &Served) -> WorkError {
    let mut worker = engine.worker(&Identity::generate(), Plain::default());
    let stop = std::sync::atomic::AtomicBool::new(false);
    worker.run(&stop, Until::Drained, &mut |_| {}).expect_err("stops")
}

#[test]
fn a_topic_made_anew_stops_the_worker_and_loses_nothing_in_silence() {
    if !Served::there("a_topic_made_anew_stops_the_worker_and_loses_nothing_in_silence") {
        return;
    }
    let engine = Served::new();
    append(&engine, 0..10);
    assert_eq!(engine.drain(&Identity::generate()).coded, 10);
    make_anew(&engine);
    // Shorter than it was: the position lies behind its end.
    append(&engine, 100..105);
    let error = stopped(&engine);
    assert!(matches!(error, WorkError::Queue(QueueError::Ahead { wanted: 10, end: 5 })), "{error}");
    // Longer than it was: the position exists, and what stands there was never stored.
    append(&engine, 105..120);
    let error = stopped(&engine);
    assert!(matches!(error, WorkError::Queue(QueueError::Another { at: 10 })), "{error}");
    let mut store = engine.store();
    let queue_id = engine.log().queue_id().clone();
    assert_eq!(store.position(&queue_id, 0).expect("reads").offset, 10, "nothing of it was stored");
}

#[test]
fn a_topic_cut_before_the_position_stops_the_worker() {
    if !Served::there("a_topic_cut_before_the_position_stops_the_worker") {
        return;
    }
    let engine = Served::new();
    append(&engine, 0..10);
    let identity = Identity::generate();
    let cut = |before: i64| {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(engine.topic.name(), 0, Offset::Offset(before)).expect("adds");
        wait(admin().delete_records(&list, &AdminOptions::new())).expect("cuts");
    };
    assert_eq!(engine.drain(&identity).coded, 10);
    // What is stored may leave: the topic's retention took it.
    cut(10);
    append(&engine, 10..20);
    assert_eq!(engine.drain(&identity).coded, 10);
    // What is not stored may not.
    append(&engine, 20..30);
    cut(25);
    let error = stopped(&engine);
    assert!(matches!(error, WorkError::Queue(QueueError::Released { wanted: 20, first: 25 })), "{error}");
}

#[test]
fn a_message_of_others_is_a_reject_and_blocks_nothing() {
    if !Served::there("a_message_of_others_is_a_reject_and_blocks_nothing") {
        return;
    }
    let engine = Served::new();
    append(&engine, 0..2);
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", brokers()).create().expect("a producer");
    for (key, payload) in
        [("line-a", "short"), ("No Source!", "a payload that nobody sealed"), ("line-a", "longer text")]
    {
        producer.send(BaseRecord::to(engine.topic.name()).key(key).payload(payload)).map_err(|e| e.0).expect("queued");
    }
    producer.flush(std::time::Duration::from_secs(10)).expect("sent");
    append(&engine, 2..4);
    let mut worker = engine.worker(&Identity::generate(), Plain::default());
    let ended = drain(&mut worker);
    assert_eq!((ended.coded, ended.rejected), (4, 3));
    let mut codes = Vec::new();
    let mut each = |letter: ingest::store::DeadLetter| {
        codes.push(letter.reject.code);
        std::ops::ControlFlow::Continue(())
    };
    worker.store.dead_letters(&mut each).expect("reads");
    assert_eq!(codes, [RejectCode::CannotOpen; 3]);
}

#[test]
fn a_log_follows_what_is_appended_while_it_reads() {
    if service("TESTIGO_TEST_KAFKA", "a_log_follows_what_is_appended_while_it_reads").is_none() {
        return;
    }
    let name = fresh_name("follow");
    make_topic(&name, 1);
    let mut log = KafkaLog::open(&topic(&name), cipher(1)).expect("opens");
    let intake = KafkaIntake::open(&topic(&name), cipher(1), Clock::fixed(start()), KafkaIntakeOptions::default());
    let intake = intake.expect("opens");
    for n in 0..50_i64 {
        assert!(log.read(at(n), ALL).expect("reads").is_empty(), "nothing waits before append {n}");
        let one = vec![envelope("line-a", &n.to_string(), "arrest")];
        assert_eq!(intake.submit(one).expect("room").wait().expect("durable").first, at(n));
        assert_eq!(log.read(at(n), ALL).expect("reads").len(), 1, "what is durable is read at once");
    }
}

#[test]
fn a_topic_that_is_not_there_and_a_broker_that_is_away_are_said_so() {
    let away =
        ingest::queue::kafka::KafkaTopic::parse("kafka://127.0.0.1:9/reports", std::collections::BTreeMap::new());
    let error = KafkaLog::open(&away.expect("reads"), cipher(1)).expect_err("nobody answers");
    assert!(matches!(error, QueueError::Unreachable(_)), "{error}");
    if service("TESTIGO_TEST_KAFKA", "a_topic_that_is_not_there_and_a_broker_that_is_away_are_said_so").is_none() {
        return;
    }
    let error = KafkaLog::open(&topic("nowhere-at-all"), cipher(1)).expect_err("not there");
    assert!(matches!(&error, QueueError::Unusable(text) if text.contains("nowhere-at-all")), "{error}");
}
