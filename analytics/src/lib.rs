//! From coded rows to tables: the snapshot, one pass over it, and the measures that come from that pass.
//!
//! What always holds: this crate reads only the snapshot; data frames stay inside it; what leaves it are the plain
//! tables of [`results`], and what may be printed of them is decided by [`disclosure`] alone.

pub mod dataset;
pub mod disclosure;
pub mod export;
pub mod measures;
pub mod results;

mod cached;
mod compute;
mod cube;
mod error;
mod groups;
mod keys;
#[cfg(test)]
mod testing;

pub use compute::{Facts, Measured, Request, compute};
pub use error::AnalyticsError;
