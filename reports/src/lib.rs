//! From protected tables to a published directory, and its verification.
//!
//! What always holds: a writer takes only tables that came through disclosure control; the text, the data package and
//! the manifest are functions of the table files and of the header, and of nothing else, so that [`verify`] can make them
//! again from the directory alone and compare; a directory is published whole or not at all.

mod derived;
mod figures;
mod findings;
mod header;
mod ledger;
mod numbers;
mod publish;
mod render;
mod sheet;
mod sign;
mod span;
mod verify;
mod words;

pub use findings::Finding;
pub use header::{ComparedWith, Header};
pub use ledger::{Entry, Ledger, LedgerError};
pub use publish::{Publication, PublishError, Published, publish};
pub use sign::{KeyError, PublicKey, SigningKey, make_pair};
pub use verify::{Check, Verification, VerifyError, verify};
