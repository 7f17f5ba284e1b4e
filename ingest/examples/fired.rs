//! Which rules fire on each narrative: what `scripts/weigh.py` learns from, beside the words.
//!
//! Wire NDJSON in, `{"external_id", "fired": [ids of rules]}` out, one for one. Reads no weights, so that a rule which is
//! gone may still stand in them.

use std::error::Error;
use std::io::{BufRead as _, Write as _, stdin, stdout};

use ingest::normalize::text::{BUILTIN, TextRules};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let sources: Vec<_> = BUILTIN.iter().filter(|(name, _)| *name != "weights.toml").copied().collect();
    let rules = TextRules::from_sources(&sources)?;
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let report: Value = serde_json::from_str(&line?)?;
        let fired = rules.fired(report["narrative"].as_str().unwrap_or_default());
        writeln!(out, "{}", json!({"external_id": report["external_id"], "fired": fired}))?;
    }
    Ok(())
}
