//! Appending: sealed in the caller's thread, sent by librdkafka's.
//!
//! What always holds: a ticket resolves well only after the broker has told that every replica in sync has each of its
//! messages; what is under way is bounded by count and bytes, and an append is taken whole or not at all; after an error
//! that breaks the producer's order nothing more is accepted.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::statistics::Statistics;
use schemas::Clock;
use schemas::clock::Instant;
use schemas::envelope::{Envelope, Position};
use tokio::sync::{oneshot, watch};

use super::{KafkaTopic, trouble, value_of};
use crate::queue::{Appended, Intake, QueueError, SubmitError, Ticket};
use crate::seal::{Place, QueueCipher};

/// The bounds of an intake.
#[derive(Debug, Clone, Copy)]
pub struct KafkaIntakeOptions {
    /// How much may be under way to the brokers.
    pub waiting_envelopes: usize,
    pub waiting_bytes: usize,
    /// How long a message may be under way before its append fails. It may be in the topic all the same: sent again, it is
    /// a repeat.
    pub give_up_after: Duration,
    /// How long the client lets messages gather.
    pub linger: Duration,
}

impl Default for KafkaIntakeOptions {
    fn default() -> Self {
        Self {
            waiting_envelopes: 32_768,
            waiting_bytes: 64 << 20,
            give_up_after: Duration::from_secs(30),
            linger: Duration::from_millis(1),
        }
    }
}

/// What a message takes beside its payload, roughly.
const MESSAGE_BYTES: usize = 512;
/// How long closing waits for what is under way, beyond the time after which a message is given up.
const CLOSING: Duration = Duration::from_secs(5);

#[derive(Default)]
struct UnderWay {
    envelopes: usize,
    bytes: usize,
    stopped: Option<QueueError>,
}

struct Shared {
    topic: KafkaTopic,
    under_way: Mutex<UnderWay>,
    /// Told when there is room again.
    room: Condvar,
    options: KafkaIntakeOptions,
    failure: watch::Sender<Option<QueueError>>,
    reachable: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        // Nothing can panic half way while the lock is held.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, envelopes: usize, bytes: usize) {
        let mut under_way = self.lock();
        under_way.envelopes -= envelopes;
        under_way.bytes -= bytes;
        drop(under_way);
        self.room.notify_all();
    }

    /// From now on nothing is accepted.
    fn stop(&self, error: QueueError) {
        let mut under_way = self.lock();
        if under_way.stopped.is_some() {
            return;
        }
        tracing::error!(%error, "the queue accepts nothing more");
        under_way.stopped = Some(error.clone());
        drop(under_way);
        self.room.notify_all();
        self.failure.send_replace(Some(error));
    }
}

/// One append on its way: what its messages have become so far.
pub(super) struct Append {
    shared: Arc<Shared>,
    received_at: Instant,
    count: usize,
    bytes: usize,
    state: Mutex<Delivered>,
}

struct Delivered {
    left: usize,
    first: Option<Position>,
    end: i64,
    error: Option<QueueError>,
    reply: Option<oneshot::Sender<Result<Appended, QueueError>>>,
}

impl Append {
    /// One of its messages was delivered, or was not.
    fn one(&self, outcome: Result<Position, QueueError>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(position) => {
                // Delivery reports of one partition come in order.
                state.first.get_or_insert(position);
                state.end = state.end.max(position.offset + 1);
            }
            Err(error) => {
                state.error.get_or_insert(error);
            }
        }
        state.left -= 1;
        if state.left > 0 {
            return;
        }
        let told = match (state.error.take(), state.first) {
            (None, Some(first)) => {
                Ok(Appended { received_at: self.received_at, first, end: state.end, count: self.count })
            }
            (Some(error), _) => Err(error),
            (None, None) => Err(QueueError::Unusable("an append without a message".into())),
        };
        if let Some(reply) = state.reply.take() {
            // Who asked may have gone away since; the append stands all the same.
            drop(reply.send(told));
        }
        drop(state);
        self.shared.give_back(self.count, self.bytes);
    }
}

pub(super) struct Context(Arc<Shared>);

impl ClientContext for Context {
    fn error(&self, error: KafkaError, reason: &str) {
        trouble(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let reachable = statistics.brokers.values().any(|broker| broker.state == "UP");
        metrics::gauge!("testigo_queue_reachable").set(f64::from(u8::from(reachable)));
        if self.0.reachable.swap(reachable, Ordering::SeqCst) != reachable {
            if reachable {
                tracing::info!("the brokers answer again");
            } else {
                tracing::warn!("no broker answers: appends wait, and are given back in the end");
            }
        }
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Arc<Append>;

    fn delivery(&self, result: &DeliveryResult<'_>, append: Arc<Append>) {
        append.one(match result {
            Ok(message) => Ok(Position { partition: message.partition(), offset: message.offset() }),
            Err((error, _)) => {
                let told = self.0.topic.failed(error);
                // Once the producer's order is broken it sends nothing any more.
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                    self.0.stop(QueueError::Stopped(told.to_string().into()));
                }
                Err(told)
            }
        });
    }
}

/// The intake of a topic. Dropping it waits for what is under way.
pub struct KafkaIntake {
    shared: Arc<Shared>,
    producer: ThreadedProducer<Context>,
    queue_id: Arc<str>,
    cipher: QueueCipher,
    clock: Clock,
}

impl fmt::Debug for KafkaIntake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KafkaIntake({})", self.queue_id)
    }
}

impl KafkaIntake {
    /// Connects, and finds out which cluster this is. Fails where it cannot be reached, or has no such topic.
    pub fn open(
        topic: &KafkaTopic,
        cipher: QueueCipher,
        clock: Clock,
        options: KafkaIntakeOptions,
    ) -> Result<Self, QueueError> {
        let mut config = topic.config();
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2")
            .set("compression.type", "none")
            .set("statistics.interval.ms", "1000")
            .set("linger.ms", options.linger.as_millis().to_string())
            .set("message.timeout.ms", options.give_up_after.as_millis().to_string())
            .set("message.max.bytes", (16 << 20).to_string())
            // Our own bounds are the narrower ones.
            .set("queue.buffering.max.messages", (options.waiting_envelopes * 2 + 100_000).to_string())
            .set("queue.buffering.max.kbytes", ((options.waiting_bytes >> 10) * 2 + (128 << 10)).to_string());
        let shared = Arc::new(Shared {
            topic: topic.clone(),
            under_way: Mutex::default(),
            room: Condvar::new(),
            options,
            failure: watch::Sender::new(None),
            reachable: AtomicBool::new(true),
        });
        let producer: ThreadedProducer<Context> =
            config.create_with_context(Context(Arc::clone(&shared))).map_err(|e| topic.failed(&e))?;
        let (queue_id, _) = topic.look_up(producer.client())?;
        Ok(Self { shared, producer, queue_id, cipher, clock })
    }

    /// Names the log for good.
    #[must_use]
    pub fn queue_id(&self) -> &Arc<str> {
        &self.queue_id
    }

    /// Takes room for an append, or gives the envelopes back.
    fn enter(&self, envelopes: Vec<Envelope>, wait: bool) -> Result<Ticket, SubmitError> {
        let one_source = envelopes.windows(2).all(|pair| pair[0].source == pair[1].source);
        if envelopes.is_empty() || !one_source {
            return Err(SubmitError::NotOneSource);
        }
        let options = &self.shared.options;
        let count = envelopes.len();
        let bytes = envelopes.iter().map(|e| e.payload.expose().len() + MESSAGE_BYTES).sum::<usize>();
        let mut under_way = self.shared.lock();
        loop {
            if let Some(error) = &under_way.stopped {
                return Err(SubmitError::Stopped(error.clone()));
            }
            // Something too large for the bounds may be under way alone.
            if under_way.envelopes == 0
                || (under_way.envelopes + count <= options.waiting_envelopes
                    && under_way.bytes + bytes <= options.waiting_bytes)
            {
                break;
            }
            if !wait {
                return Err(SubmitError::Full(envelopes));
            }
            under_way = self.shared.room.wait(under_way).unwrap_or_else(PoisonError::into_inner);
        }
        under_way.envelopes += count;
        under_way.bytes += bytes;
        drop(under_way);
        Ok(self.send(&envelopes, self.clock.now(), bytes))
    }

    /// Seals and sends. What cannot be sent is told through the ticket.
    fn send(&self, envelopes: &[Envelope], received_at: Instant, bytes: usize) -> Ticket {
        let (reply, ticket) = Ticket::new();
        let append = Arc::new(Append {
            shared: Arc::clone(&self.shared),
            received_at,
            count: envelopes.len(),
            bytes,
            state: Mutex::new(Delivered {
                left: envelopes.len(),
                first: None,
                end: 0,
                error: None,
                reply: Some(reply),
            }),
        });
        let mut failed: Option<QueueError> = None;
        for envelope in envelopes {
            // Behind one that was not sent none may be, or the source's order would not hold.
            let sent = match &failed {
                Some(error) => Err(error.clone()),
                None => self.send_one(envelope, received_at, &append),
            };
            if let Err(error) = sent {
                append.one(Err(error.clone()));
                failed.get_or_insert(error);
            }
        }
        ticket
    }

    fn send_one(&self, envelope: &Envelope, received_at: Instant, append: &Arc<Append>) -> Result<(), QueueError> {
        let place = Place { queue_id: &self.queue_id, source: &envelope.source, received_at };
        let sealed = self.cipher.seal(&[envelope], &place);
        let sealed = sealed.map_err(|error| QueueError::Unusable(error.to_string().into()))?;
        let value = value_of(received_at, &sealed);
        let record = BaseRecord::with_opaque_to(self.shared.topic.name(), Arc::clone(append))
            .key(envelope.source.as_str())
            .payload(&value);
        self.producer.send(record).map_err(|(error, _)| match self.producer.client().fatal_error() {
            None => self.shared.topic.failed(&error),
            Some((code, _)) => {
                let stopped = QueueError::Stopped(format!("Kafka: {code}").into());
                self.shared.stop(stopped.clone());
                stopped
            }
        })
    }
}

impl Intake for KafkaIntake {
    fn submit(&self, envelopes: Vec<Envelope>) -> Result<Ticket, SubmitError> {
        self.enter(envelopes, false)
    }

    fn submit_waiting(&self, envelopes: Vec<Envelope>) -> Result<Ticket, SubmitError> {
        self.enter(envelopes, true)
    }

    fn failure(&self) -> watch::Receiver<Option<QueueError>> {
        self.shared.failure.subscribe()
    }

    fn is_reachable(&self) -> bool {
        self.shared.reachable.load(Ordering::SeqCst)
    }
}

impl Drop for KafkaIntake {
    fn drop(&mut self) {
        // Each message is delivered or given up within its time, and its ticket told.
        if let Err(error) = self.producer.flush(self.shared.options.give_up_after + CLOSING) {
            tracing::warn!(%error, "closing the queue: some appends were not acknowledged");
        }
    }
}
