//! The words of testigo: every type that crosses from one crate to another.
//!
//! What always holds here: no I/O but the clock, no async, no data frames. Values are parsed into types with private
//! fields, so a value that exists is a valid one; a text that may hold private words is [`Sensitive`] and cannot be
//! printed; code lists are data files beside the crate, and the types are generated from them.

pub mod clock;
pub mod counts;
pub mod dataset;
pub mod envelope;
pub mod geography;
pub mod ids;
pub mod json_schema;
pub mod language;
pub mod provenance;
pub mod redaction;
pub mod reject;
pub mod report;
pub mod sensitive;
pub mod source;
pub mod taxonomy;
pub mod time;
pub mod wire;

pub use clock::{Clock, Instant};
pub use counts::Count;
pub use language::Language;
pub use reject::{Reject, RejectCode};
pub use sensitive::Sensitive;
