//! Reading from the store's positions.
//!
//! What always holds: what is read begins at the position that was asked for and has no gaps; a position outside of what
//! the topic holds, or behind a record that is not the one that was stored, is an error and never a jump; a message that
//! we never wrote blocks nothing.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use schemas::Instant;
use schemas::clock::from_micros;
use schemas::envelope::{Delivered, Position};
use schemas::source::SourceName;
use schemas::time::Month;

use super::{ANSWER_WITHIN, KafkaTopic, fingerprint, passes, read_message, trouble};
use crate::queue::{Fingerprint, Limits, Log, QueueError, Unopened, Waiting};
use crate::seal::{Place, QueueCipher, Sealed};

/// How long more of what is under way is waited for once something is there.
const MORE_WITHIN: Duration = Duration::from_millis(20);
/// The source in whose name a message is rejected that we never wrote.
const NOBODY: &str = "not-ours";

pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is asked for, and no error.
        if error.rdkafka_error_code() != Some(Code::PartitionEOF) {
            trouble(&error, reason);
        }
    }
}

impl ConsumerContext for Quiet {}

/// Where the consumer stands.
#[derive(Debug, Clone, Copy)]
struct Standing {
    next: Position,
    /// Whether the broker told that nothing is behind it.
    at_end: bool,
}

/// A topic as a worker reads it.
pub struct KafkaLog {
    topic: KafkaTopic,
    consumer: BaseConsumer<Quiet>,
    queue_id: Arc<str>,
    partitions: i32,
    cipher: QueueCipher,
    standing: Option<Standing>,
    /// What stood just before a position, where it was read or is expected.
    before: HashMap<i32, (i64, Fingerprint)>,
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KafkaLog({})", self.queue_id)
    }
}

/// What one poll gave.
enum Polled<'c> {
    Message(BorrowedMessage<'c>),
    End,
    Nothing,
}

impl KafkaLog {
    /// Connects, and finds out which cluster this is.
    pub fn open(topic: &KafkaTopic, cipher: QueueCipher) -> Result<Self, QueueError> {
        let mut config = topic.config();
        config
            // Partitions are assigned by hand here, so the name joins no group; librdkafka wants one all the same.
            .set("group.id", "testigo-reader")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true")
            .set("check.crcs", "true")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.message.max.bytes", (4 << 20).to_string())
            .set("receive.message.max.bytes", (128 << 20).to_string())
            .set("queued.max.messages.kbytes", (32 << 10).to_string());
        let consumer: BaseConsumer<Quiet> = config.create_with_context(Quiet).map_err(|e| topic.failed(&e))?;
        let (queue_id, partitions) = topic.look_up(consumer.client())?;
        let (standing, before) = (None, HashMap::new());
        Ok(Self { topic: topic.clone(), consumer, queue_id, partitions, cipher, standing, before })
    }

    /// The first offset that is held, and the one that the next append gets.
    fn watermarks(&self, partition: i32) -> Result<(i64, i64), QueueError> {
        self.consumer.fetch_watermarks(self.topic.name(), partition, ANSWER_WITHIN).map_err(|e| self.topic.failed(&e))
    }

    fn check(&self, at: Position) -> Result<(i64, i64), QueueError> {
        let (first, end) = self.watermarks(at.partition)?;
        if at.offset > end {
            return Err(QueueError::Ahead { wanted: at.offset, end });
        }
        if at.offset < first {
            return Err(QueueError::Released { wanted: at.offset, first });
        }
        Ok((first, end))
    }

    fn assign(&mut self, at: Position) -> Result<(), QueueError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(self.topic.name(), at.partition, Offset::Offset(at.offset))
            .and_then(|()| self.consumer.assign(&list))
            .map_err(|e| self.topic.failed(&e))?;
        self.standing = Some(Standing { next: at, at_end: false });
        Ok(())
    }

    /// Makes the consumer stand at a position, having looked whether what is before it is what was stored.
    fn stand_at(&mut self, at: Position) -> Result<(), QueueError> {
        if self.standing.is_some_and(|standing| standing.next == at) {
            return Ok(());
        }
        let (first, _) = self.check(at)?;
        let expected = self.before.get(&at.partition).filter(|(offset, _)| *offset == at.offset).map(|(_, f)| *f);
        // What has left the topic by its retention cannot be compared. A topic made anew begins at 0, so there it can.
        let Some(expected) = expected.filter(|_| first < at.offset) else {
            self.before.remove(&at.partition);
            return self.assign(at);
        };
        self.assign(Position { offset: at.offset - 1, ..at })?;
        let deadline = Moment::now() + ANSWER_WITHIN;
        let found = loop {
            match self.poll(deadline.saturating_duration_since(Moment::now()))? {
                Polled::Message(message) => break (message.offset(), fingerprint(message.key(), message.payload())),
                _ if Moment::now() < deadline => {}
                _ => return Err(self.topic.unreachable("no answer")),
            }
        };
        if found != (at.offset - 1, expected) {
            return Err(QueueError::Another { at: at.offset });
        }
        self.standing = Some(Standing { next: at, at_end: false });
        Ok(())
    }

    /// Waits for one message. Whatever shakes the ground makes us stand anew, and look again.
    fn poll(&self, timeout: Duration) -> Result<Polled<'_>, QueueError> {
        match self.consumer.poll(timeout) {
            None => Ok(Polled::Nothing),
            Some(Ok(message)) => Ok(Polled::Message(message)),
            Some(Err(KafkaError::PartitionEOF(_))) => Ok(Polled::End),
            Some(Err(error)) => match error.rdkafka_error_code() {
                // The client reconnects by itself, and goes on where it stood.
                Some(code) if passes(code) => Ok(Polled::Nothing),
                Some(Code::OffsetOutOfRange | Code::AutoOffsetReset) => {
                    Err(QueueError::Unusable("the topic does not hold the position any more".into()))
                }
                _ => Err(self.topic.failed(&error)),
            },
        }
    }

    /// What a message holds.
    fn open_message(&self, message: &BorrowedMessage<'_>) -> Result<Delivered, Unopened> {
        let position = Position { partition: message.partition(), offset: message.offset() };
        let Some((source, received_at, sealed)) = read_message(message.key(), message.payload()) else {
            return Err(Unopened {
                position,
                received_at: from_micros(message.timestamp().to_millis().unwrap_or(0).saturating_mul(1000)),
                source: SourceName::parse(NOBODY).expect("a name"),
                sealed: Arc::new(Sealed::from_bytes(message.payload().unwrap_or_default().to_vec())),
                item: 0,
            });
        };
        let sealed = Sealed::from_bytes(sealed.to_vec());
        let place = Place { queue_id: &self.queue_id, source: &source, received_at };
        match self.cipher.open(&sealed, &place) {
            Ok(mut envelopes) if envelopes.len() == 1 => {
                let envelope = envelopes.remove(0);
                Ok(Delivered { position, received_at, envelope })
            }
            _ => Err(Unopened { position, received_at, source, sealed: Arc::new(sealed), item: 0 }),
        }
    }

    fn read_on(&mut self, from: Position, limits: Limits) -> Result<Vec<Result<Delivered, Unopened>>, QueueError> {
        self.stand_at(from)?;
        let mut out = Vec::new();
        let (mut next, mut bytes) = (from, 0);
        let mut last = None;
        let mut at_end = self.standing.is_some_and(|standing| standing.at_end);
        let deadline = Moment::now() + ANSWER_WITHIN;
        while out.len() < limits.envelopes.max(1) && bytes < limits.bytes.max(1) {
            let timeout = match (out.is_empty(), at_end) {
                (true, false) => Duration::from_millis(100),
                (true, true) => Duration::ZERO,
                (false, false) => MORE_WITHIN,
                (false, true) => break,
            };
            match self.poll(timeout)? {
                Polled::Message(message) => {
                    if message.partition() != next.partition || message.offset() < next.offset {
                        continue;
                    }
                    if message.offset() > next.offset {
                        let (wanted, first) = (next.offset, message.offset());
                        return Err(QueueError::Unusable(
                            format!(
                                "topic {}: nothing between {wanted} and {first}: is it compacted, or written to by others?",
                                self.topic.name()
                            )
                            .into(),
                        ));
                    }
                    at_end = false;
                    bytes += message.payload_len();
                    last = Some(fingerprint(message.key(), message.payload()));
                    out.push(self.open_message(&message));
                    next.offset += 1;
                }
                Polled::End => at_end = true,
                Polled::Nothing if !out.is_empty() => break,
                Polled::Nothing if at_end => {
                    // The broker says once that this is the end; whether it still is, it has to be asked.
                    if self.check(next)?.1 == next.offset {
                        break;
                    }
                    at_end = false;
                }
                Polled::Nothing if Moment::now() > deadline => {
                    return Err(self.topic.unreachable("no answer"));
                }
                Polled::Nothing => {}
            }
        }
        self.standing = Some(Standing { next, at_end });
        if let Some(last) = last {
            self.before.insert(next.partition, (next.offset, last));
        }
        Ok(out)
    }
}

impl Log for KafkaLog {
    fn queue_id(&self) -> &Arc<str> {
        &self.queue_id
    }

    fn partitions(&mut self) -> Result<Vec<i32>, QueueError> {
        let (queue_id, partitions) = self.topic.look_up(self.consumer.client())?;
        if queue_id != self.queue_id {
            return Err(QueueError::Unusable("the brokers are of another cluster now".into()));
        }
        self.partitions = partitions;
        Ok((0..partitions).collect())
    }

    fn read(&mut self, from: Position, limits: Limits) -> Result<Vec<Result<Delivered, Unopened>>, QueueError> {
        let read = self.read_on(from, limits);
        if read.is_err() {
            self.standing = None;
            // Where the position itself is the trouble, that is the better answer.
            if let (Err(QueueError::Unusable(_)), Err(error)) = (&read, self.check(from)) {
                return Err(error);
            }
        }
        read
    }

    fn end(&mut self, partition: i32) -> Result<i64, QueueError> {
        Ok(self.watermarks(partition)?.1)
    }

    fn release(&mut self, _below: Position, _received_by: Instant) -> Result<u64, QueueError> {
        Ok(0)
    }

    fn waiting(&mut self, from: &[Position], as_of: Instant) -> Result<Vec<Waiting>, QueueError> {
        let mut waiting: BTreeMap<(Month, SourceName), (u64, Instant)> = BTreeMap::new();
        for partition in self.partitions()? {
            let at = from.iter().find(|p| p.partition == partition).map_or(0, |p| p.offset);
            let at = Position { partition, offset: at };
            let (_, end) = self.check(at)?;
            if at.offset == end {
                continue;
            }
            self.assign(at)?;
            // Whoever reads next has to stand anew.
            self.standing = None;
            let mut next = at.offset;
            let mut heard = Moment::now();
            while next < end {
                match self.poll(Duration::from_millis(100))? {
                    Polled::Message(message) => {
                        next = message.offset() + 1;
                        heard = Moment::now();
                        let (source, received_at) = match read_message(message.key(), message.payload()) {
                            Some((source, received_at, _)) => (source, received_at),
                            None => match self.open_message(&message) {
                                Ok(_) => continue,
                                Err(unopened) => (unopened.source, unopened.received_at),
                            },
                        };
                        if received_at <= as_of {
                            let key = (Month::of(received_at.date_naive()), source);
                            let entry = waiting.entry(key).or_insert((0, received_at));
                            entry.0 += 1;
                            entry.1 = entry.1.min(received_at);
                        }
                    }
                    _ if heard.elapsed() > ANSWER_WITHIN => return Err(self.topic.unreachable("no answer")),
                    _ => {}
                }
            }
        }
        let rows = waiting.into_iter();
        Ok(rows.map(|((month, source), (count, oldest))| Waiting { month, source, count, oldest }).collect())
    }

    fn fingerprint(&self, before: Position) -> Option<Fingerprint> {
        self.before.get(&before.partition).filter(|(offset, _)| *offset == before.offset).map(|(_, found)| *found)
    }

    fn expect(&mut self, before: Position, fingerprint: Fingerprint) {
        // What stands there is looked at when it is read from next.
        self.standing = None;
        self.before.insert(before.partition, (before.offset, fingerprint));
    }
}
