//! How submissions come in: files and HTTP.
//!
//! What always holds: a channel authenticates its source, checks form, names, codes and size, and hands envelopes to the
//! queue. It codes nothing, keeps what it was given whole, and says "wait" when the queue is full.

pub mod file;
pub mod http;
