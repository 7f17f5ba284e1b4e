//! The queue: an ordered, partitioned, at-least-once log of sealed submissions, with positions.
//!
//! What always holds: an append is acknowledged only after it is durable; what is appended keeps its order within a
//! partition, and a source's submissions all go to one partition; positions of a partition count up from 0 without gaps
//! and are never given twice; a submission is encrypted before it reaches a disk or a network; nothing is indexed by id,
//! so repeats are not told here but at the store. Full means "wait": what does not fit is handed back, never dropped.

pub mod kafka;
pub mod sqlite;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use schemas::Instant;
use schemas::envelope::{Delivered, Envelope, Position};
use schemas::source::SourceName;
use schemas::time::Month;
use tokio::sync::{oneshot, watch};

use crate::seal::Sealed;

/// What a queue could not do. Cheap to copy, so that all who wait for one append hear the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// Nothing of the append was kept; it may be sent again when there is room.
    #[error("the disk of the queue is full ({0}): free some space; nothing acknowledged is lost")]
    DiskFull(Arc<str>),
    /// A write or its fsync failed: what reached the disk is unknown, so this process accepts nothing more.
    #[error(
        "the queue stopped after a write failed ({0}): see to the disk, then start again; nothing acknowledged is lost"
    )]
    Stopped(Arc<str>),
    /// The position asked for is gone already.
    #[error(
        "the queue holds nothing before position {first}, but the store stands at {wanted}: \
         is the store an older copy? put the newer one back"
    )]
    Released { wanted: i64, first: i64 },
    /// The position asked for was never appended.
    #[error(
        "the queue ends at position {end}, but the store stands at {wanted}: \
         is the queue an older copy? put the newer one back"
    )]
    Ahead { wanted: i64, end: i64 },
    /// What stands before the position is not what was stored.
    #[error(
        "the record before position {at} is not the one that was stored: the topic was made anew, or lost its end; \
         nothing was read from it. See docs/operate.md, \"A topic made anew\""
    )]
    Another { at: i64 },
    /// The queue's servers do not answer; to be tried again.
    #[error("the queue cannot be reached ({0})")]
    Unreachable(Arc<str>),
    /// Another process held the queue for too long; to be tried again.
    #[error("the queue is busy ({0})")]
    Busy(Arc<str>),
    #[error("the queue cannot be used: {0}")]
    Unusable(Arc<str>),
}

/// Where an append stands, once it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The instant of the append: `received_at` of all its envelopes.
    pub received_at: Instant,
    /// The position of the first envelope; the others follow it in order, in the same partition.
    pub first: Position,
    /// One past the offset of the last one.
    pub end: i64,
    pub count: usize,
}

/// A promise to tell when an append is durable, or that it failed. Await it, or [`Ticket::wait`] on a plain thread.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<Appended, QueueError>>);

impl Ticket {
    /// A ticket, and the end by which the queue resolves it.
    #[must_use]
    pub fn new() -> (oneshot::Sender<Result<Appended, QueueError>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Blocks until the append is durable or has failed. Not for async code.
    pub fn wait(self) -> Result<Appended, QueueError> {
        self.0.blocking_recv().unwrap_or_else(|_| Err(gone()))
    }
}

impl Future for Ticket {
    type Output = Result<Appended, QueueError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|told| told.unwrap_or_else(|_| Err(gone())))
    }
}

/// The writer ended without a word: whether the append is durable is not known, so it is not acknowledged.
fn gone() -> QueueError {
    QueueError::Stopped("its writer ended".into())
}

/// Why envelopes were not taken. None of them is in the queue.
#[derive(thiserror::Error)]
pub enum SubmitError {
    /// No room now: here they are again, to be sent later.
    #[error("the queue has no room now: wait and send again")]
    Full(Vec<Envelope>),
    /// The queue accepts nothing more in this process.
    #[error("{0}")]
    Stopped(QueueError),
    /// An append is of one source, because a source's order is what the queue keeps.
    #[error("an append holds one or more envelopes, all of one source")]
    NotOneSource,
}

/// How many envelopes came back, and nothing of what they hold.
impl fmt::Debug for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(envelopes) => write!(f, "Full({} envelopes)", envelopes.len()),
            Self::Stopped(error) => write!(f, "Stopped({error:?})"),
            Self::NotOneSource => f.write_str("NotOneSource"),
        }
    }
}

/// The side of a queue on which channels append.
pub trait Intake: Send + Sync {
    /// Takes envelopes of one source, in order, as one append. Never blocks; without room they come back.
    fn submit(&self, envelopes: Vec<Envelope>) -> Result<Ticket, SubmitError>;

    /// The same for an import, which has nothing better to do than to wait: blocks until there is room, so never returns
    /// [`SubmitError::Full`]. Not for async code.
    fn submit_waiting(&self, envelopes: Vec<Envelope>) -> Result<Ticket, SubmitError>;

    /// Holds the error once this process has stopped accepting; then it ought to end.
    fn failure(&self) -> watch::Receiver<Option<QueueError>>;

    /// Whether the queue's servers answer just now. While they do not, appends wait, and in the end come back.
    fn is_reachable(&self) -> bool {
        true
    }
}

/// How much to read at once. Both are soft: a stored record is never cut, and one is always read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub envelopes: usize,
    /// Of payload as it is stored.
    pub bytes: usize,
}

/// A position whose envelope does not open: wrong key, or damaged. What is known of it stands beside it in the clear.
#[derive(Clone)]
pub struct Unopened {
    pub position: Position,
    pub received_at: Instant,
    pub source: SourceName,
    /// The sealed record that holds it, shared by all positions of the record.
    pub sealed: Arc<Sealed>,
    /// Which of the record's envelopes it is.
    pub item: u32,
}

impl fmt::Debug for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unopened({:?}, {})", self.position, self.source)
    }
}

/// What a record was, so that it can be told whether a log still holds the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 16]);

/// What waits of one source and one UTC month of receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub month: Month,
    pub source: SourceName,
    pub count: u64,
    pub oldest: Instant,
}

/// The side of a queue from which a worker reads.
pub trait Log: Send {
    /// Names this log for good. Positions of another log mean nothing here.
    fn queue_id(&self) -> &Arc<str>;

    /// The partitions that there are.
    fn partitions(&mut self) -> Result<Vec<i32>, QueueError>;

    /// The envelopes from a position on, in order and without gaps; none where nothing waits.
    fn read(&mut self, from: Position, limits: Limits) -> Result<Vec<Result<Delivered, Unopened>>, QueueError>;

    /// The offset that the next append will get.
    fn end(&mut self, partition: i32) -> Result<i64, QueueError>;

    /// Forgets for good what lies wholly below `below` and was received at or before `received_by`. Returns how many
    /// envelopes went. A queue that forgets by itself (Kafka) does nothing.
    fn release(&mut self, below: Position, received_by: Instant) -> Result<u64, QueueError>;

    /// What waits from these positions on (one a partition), of what was received at or before `as_of`; by month and
    /// source. [`QueueError::Released`] where a position is no longer held, since then the count would be wrong.
    fn waiting(&mut self, from: &[Position], as_of: Instant) -> Result<Vec<Waiting>, QueueError>;

    /// What the record just before a position was, where it was read last. A log that cannot be made anew under the same
    /// name has none.
    fn fingerprint(&self, _before: Position) -> Option<Fingerprint> {
        None
    }

    /// From now on, reading from this position on fails with [`QueueError::Another`] where the record before it is not this
    /// one (and is still held).
    fn expect(&mut self, _before: Position, _fingerprint: Fingerprint) {}
}

/// A log of whichever kind the configuration names.
impl Log for Box<dyn Log> {
    fn queue_id(&self) -> &Arc<str> {
        (**self).queue_id()
    }

    fn partitions(&mut self) -> Result<Vec<i32>, QueueError> {
        (**self).partitions()
    }

    fn read(&mut self, from: Position, limits: Limits) -> Result<Vec<Result<Delivered, Unopened>>, QueueError> {
        (**self).read(from, limits)
    }

    fn end(&mut self, partition: i32) -> Result<i64, QueueError> {
        (**self).end(partition)
    }

    fn release(&mut self, below: Position, received_by: Instant) -> Result<u64, QueueError> {
        (**self).release(below, received_by)
    }

    fn waiting(&mut self, from: &[Position], as_of: Instant) -> Result<Vec<Waiting>, QueueError> {
        (**self).waiting(from, as_of)
    }

    fn fingerprint(&self, before: Position) -> Option<Fingerprint> {
        (**self).fingerprint(before)
    }

    fn expect(&mut self, before: Position, fingerprint: Fingerprint) {
        (**self).expect(before, fingerprint);
    }
}
