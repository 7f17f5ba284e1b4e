//! One thin module for each subcommand.

pub mod backup;
pub mod brief;
pub mod dead_letters;
pub mod demo;
pub mod disclosure;
pub mod doctor;
pub mod engines;
pub mod export;
pub mod import;
pub mod init;
pub mod keys;
pub mod mapping;
pub mod normalize;
pub mod queue;
pub mod schema;
pub mod serve;
pub mod show_config;
pub mod signing;
pub mod simulate;
pub mod snapshot;
pub mod source;
pub mod status;
pub mod store;
pub mod verify;
pub mod work;
