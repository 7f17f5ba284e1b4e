//! End-to-end tests of the command, as its users run it: processes, files, HTTP over loopback, signals.
//!
//! What always holds: every test makes its own data directory and ends only its own children, each within a bounded
//! time; what cannot be tested here is said on stderr in a line that begins with `SKIPPED`.

mod bad_input;
mod common;
mod data_out;
mod disclosure;
mod doctor;
mod durability;
mod editions;
mod faults;
mod fixtures;
mod http;
mod i213;
mod kills;
mod log;
mod mapping;
mod moving;
mod page;
mod private_text;
mod served;
mod signature;
mod spreadsheets;
mod truth;
mod way;
mod workspace;
