//! From channel to store: accept, queue, worker, normalize, seal, store.
//!
//! What always holds: a submission is in clear only in the memory of the process that takes or codes it; what is
//! acknowledged is durable; each appended position ends in the store exactly once.

pub mod backup;
pub mod channels;
pub mod crew;
pub mod installation;
pub mod keys;
pub mod normalize;
pub mod pause;
pub mod queue;
pub mod redact;
pub mod seal;
mod sqlite;
pub mod store;
pub mod worker;
