//! What goes into the queue: one submission, whole, with what its channel knows of it.
//!
//! What always holds: an envelope is only ever serialized to be encrypted, and its payload is what the channel handed
//! over; nothing is coded before a worker opens it.

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::ids::BatchId;
use crate::reject::RejectCode;
use crate::sensitive::Sensitive;
use crate::source::{Settings, SourceName};

/// How a submission came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Channel {
    Http,
    File,
}

/// What a channel found wrong before it could make a wire form of it. The submission is queued all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defect {
    pub code: RejectCode,
    pub field: Option<String>,
}

/// How a file's mapping gave a field: through an alias of its own word, or as a constant for every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MappedBy {
    Alias,
    Constant,
}

/// One submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    pub source: SourceName,
    pub channel: Channel,
    /// The id that the channel gives where the content has none: an `Idempotency-Key`, or a file row's keyed hash.
    pub external_id: Option<String>,
    pub batch: Option<BatchId>,
    /// The row of the file, counted from 1 at the first row after the header.
    pub row: Option<u64>,
    /// What the file's mapping says of dates, zone and the like; the source's own settings fill the rest.
    pub settings: Settings,
    /// Wire fields whose value the mapping made, and how.
    pub mapped: Vec<(String, MappedBy)>,
    pub defect: Option<Defect>,
    /// The wire form as JSON, or the raw bytes where there is a defect.
    pub payload: Sensitive<Vec<u8>>,
}

/// A place in a queue. Offsets of a partition begin at 0 and have no gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub partition: i32,
    pub offset: i64,
}

/// An envelope as a worker gets it.
#[derive(Debug, Clone)]
pub struct Delivered {
    pub position: Position,
    /// The instant of the append.
    pub received_at: Instant,
    pub envelope: Envelope,
}
