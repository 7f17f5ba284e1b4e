//! The queue at scale: one topic of Apache Kafka.
//!
//! What always holds: a message is one sealed envelope, its key the source, so that a source's order holds within one
//! partition and an offset is a position; an append is told as durable only after every replica in sync has it
//! (`acks=all`, idempotent); reading begins where the caller says and nowhere else (`auto.offset.reset` is `error`); the
//! log's name holds the cluster's id and the topic, and a [`Fingerprint`] of the last record that was stored tells a topic
//! that was made anew.

mod create;
mod describe;
mod group;
mod intake;
mod log;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use rdkafka::ClientConfig;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use schemas::Instant;
use schemas::clock::from_micros;
use schemas::source::SourceName;
use sha2::{Digest, Sha256};

pub use describe::TopicFacts;
pub use group::{KafkaGroup, Shares};
pub use intake::{KafkaIntake, KafkaIntakeOptions};
pub use log::KafkaLog;

use super::{Fingerprint, QueueError};
use crate::seal::Sealed;

/// How long the cluster has to answer a question.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long a trouble that goes on is told of only once: librdkafka tells of it again with every look.
const TOLD_AGAIN: Duration = Duration::from_secs(30);

/// Tells of a trouble with the brokers.
fn trouble(error: &KafkaError, reason: &str) {
    // By kind, of which there are few.
    static TOLD: Mutex<BTreeMap<i32, Moment>> = Mutex::new(BTreeMap::new());
    let kind = error.rdkafka_error_code().map_or(0, |code| code as i32);
    let now = Moment::now();
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.get(&kind).is_none_or(|at| now - *at >= TOLD_AGAIN) {
        told.insert(kind, now);
        tracing::warn!(%error, reason, "Kafka");
    }
}

/// Which topic of which brokers, and how to reach it.
#[derive(Clone)]
pub struct KafkaTopic {
    brokers: String,
    name: String,
    /// Settings of librdkafka: TLS, SASL and the like.
    settings: BTreeMap<String, String>,
}

/// Without the settings: a password may be among them.
impl std::fmt::Debug for KafkaTopic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KafkaTopic({}/{})", self.brokers, self.name)
    }
}

/// What decides whether anything is lost or stored twice is ours to set.
const OURS: [&str; 9] = [
    "bootstrap.servers",
    "acks",
    "request.required.acks",
    "enable.idempotence",
    "auto.offset.reset",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "partitioner",
    "group.id",
];

impl KafkaTopic {
    /// Reads `kafka://HOST:PORT[,HOST:PORT]/TOPIC`. The settings are librdkafka's own, such as `security.protocol`.
    pub fn parse(url: &str, settings: BTreeMap<String, String>) -> Result<Self, QueueError> {
        let wrong = |what: &str| QueueError::Unusable(format!("queue.url: {what}").into());
        let rest = url.strip_prefix("kafka://").ok_or_else(|| wrong("it does not begin with kafka://"))?;
        let (brokers, name) = rest.split_once('/').ok_or_else(|| wrong("kafka://HOST:PORT/TOPIC names no topic"))?;
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > 249 || !name.chars().all(letters) {
            return Err(wrong("a topic's name is 1 to 249 of a-z A-Z 0-9 . _ -"));
        }
        let has_port = |broker: &str| broker.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if !brokers.split(',').all(has_port) {
            return Err(wrong("each broker is HOST:PORT; several are joined by commas"));
        }
        if let Some(key) = settings.keys().find(|key| OURS.contains(&key.as_str())) {
            return Err(QueueError::Unusable(format!("queue.kafka: {key} is not yours to set").into()));
        }
        Ok(Self { brokers: brokers.to_owned(), name: name.to_owned(), settings })
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What every client of ours is set to.
    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("client.id", "testigo")
            .set("bootstrap.servers", &self.brokers)
            .set("allow.auto.create.topics", "false")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "2000")
            .set("topic.metadata.refresh.interval.ms", "10000");
        for (key, value) in &self.settings {
            config.set(key, value);
        }
        config
    }

    /// The log's name for good, and how many partitions it has.
    fn look_up<C: ClientContext>(&self, client: &Client<C>) -> Result<(Arc<str>, i32), QueueError> {
        let found = client.fetch_metadata(Some(&self.name), ANSWER_WITHIN).map_err(|e| self.failed(&e))?;
        let topic = found.topics().first().ok_or_else(|| self.missing())?;
        if let Some(error) = topic.error() {
            return Err(self.failed(&KafkaError::MetadataFetch(error.into())));
        }
        let partitions = i32::try_from(topic.partitions().len()).unwrap_or(0);
        if partitions == 0 {
            return Err(self.missing());
        }
        let cluster = client.fetch_cluster_id(ANSWER_WITHIN);
        let cluster = cluster.ok_or_else(|| self.unreachable("the cluster does not tell its id"))?;
        Ok((format!("kafka:{cluster}/{}", self.name).into(), partitions))
    }

    fn missing(&self) -> QueueError {
        QueueError::Unusable(format!("the topic {} is not there: make it, with its replication", self.name).into())
    }

    fn unreachable(&self, why: impl std::fmt::Display) -> QueueError {
        QueueError::Unreachable(format!("Kafka, topic {} on {}: {why}", self.name, self.brokers).into())
    }

    /// What an error of Kafka means for us.
    fn failed(&self, error: &KafkaError) -> QueueError {
        match error.rdkafka_error_code() {
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => self.missing(),
            Some(code) if passes(code) => self.unreachable(code),
            Some(code @ (Code::MessageSizeTooLarge | Code::InvalidMessageSize)) => QueueError::Unusable(
                format!("topic {}: {code}: its max.message.bytes must be above http.max_body_bytes", self.name).into(),
            ),
            Some(code) => QueueError::Unusable(format!("Kafka, topic {}: {code}", self.name).into()),
            // The text of a wrong setting holds its value, which may be a secret.
            None => match error {
                KafkaError::ClientConfig(_, what, key, _) => {
                    QueueError::Unusable(format!("queue.kafka: {key}: {}", without_value(what)).into())
                }
                _ => QueueError::Unusable(format!("Kafka, topic {}: the client failed", self.name).into()),
            },
        }
    }
}

/// The text of a wrong setting, up to where it may quote the value.
fn without_value(text: &str) -> &str {
    text.split(['"', '\'']).next().unwrap_or_default().trim_end()
}

/// Whether an error is one that goes away when brokers or the network are back.
const fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::RequestTimedOut
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::NetworkException
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::UnknownBroker
            | Code::WaitingForCoordinator
            | Code::InProgress
            | Code::PreviousInProgress
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::KafkaStorageError
            | Code::ThrottlingQuotaExceeded
            | Code::PurgeQueue
            | Code::PurgeInflight
    )
}

/// A message's value: the instant of the append, 8 bytes of microseconds since 1970, then the sealed envelope, which is
/// bound to that instant and to the source in the key.
fn value_of(received_at: Instant, sealed: &Sealed) -> Vec<u8> {
    let mut value = Vec::with_capacity(8 + sealed.as_bytes().len());
    value.extend_from_slice(&received_at.timestamp_micros().to_be_bytes());
    value.extend_from_slice(sealed.as_bytes());
    value
}

/// Reads a message's key and value; `None` for one that we never wrote.
fn read_message<'m>(key: Option<&[u8]>, value: Option<&'m [u8]>) -> Option<(SourceName, Instant, &'m [u8])> {
    let source = SourceName::parse(std::str::from_utf8(key?).ok()?)?;
    let (micros, sealed) = value?.split_first_chunk::<8>()?;
    Some((source, from_micros(i64::from_be_bytes(*micros)), sealed))
}

fn fingerprint(key: Option<&[u8]>, value: Option<&[u8]>) -> Fingerprint {
    let mut hasher = Sha256::new();
    for part in [key.unwrap_or_default(), value.unwrap_or_default()] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize()[..16]);
    Fingerprint(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_brokers_and_topic() {
        let topic = KafkaTopic::parse("kafka://a:9092,b:9093/reports", BTreeMap::new()).expect("reads");
        assert_eq!((topic.brokers.as_str(), topic.name()), ("a:9092,b:9093", "reports"));
        for wrong in ["kafka://a:9092", "kafka://a/reports", "kafka://a:9092/", "kafka://a:9092/re ports", "a:9092/x"] {
            assert!(KafkaTopic::parse(wrong, BTreeMap::new()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_keeps_the_promises_cannot_be_set_otherwise() {
        for key in OURS {
            let settings = BTreeMap::from([(key.to_owned(), "1".to_owned())]);
            let refused = KafkaTopic::parse("kafka://a:9092/reports", settings).expect_err("refused");
            assert!(refused.to_string().contains(key));
        }
    }

    #[test]
    fn a_wrong_setting_is_named_without_its_value() {
        let settings = BTreeMap::from([("security.protocol".to_owned(), "s3cret".to_owned())]);
        let topic = KafkaTopic::parse("kafka://127.0.0.1:1/reports", settings).expect("reads");
        let error = topic.config().create::<rdkafka::consumer::BaseConsumer>().err().expect("refused");
        let text = topic.failed(&error).to_string();
        assert!(text.contains("security.protocol") && !text.contains("s3cret"), "{text}");
        assert!(!format!("{topic:?}").contains("s3cret"));
    }
}
