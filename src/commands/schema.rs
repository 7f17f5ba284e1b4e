//! `testigo schema`: what the forms are, for programs.

use std::io::Write;

use schemas::json_schema;

use crate::cli::{Schema, SchemaOf};
use crate::outcome::{Outcome, Result};

pub fn run(arguments: &Schema) -> Result {
    let schema = match arguments.of {
        SchemaOf::Report => json_schema::report(),
        SchemaOf::Coded => json_schema::coded(),
        SchemaOf::Dataset => json_schema::dataset(),
    };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &schema)?;
    writeln!(out)?;
    Ok(Outcome::Done)
}
