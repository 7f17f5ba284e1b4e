//! `testigo normalize`: what the rules make of a text, for who tries and changes them. Stores and sends nothing.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use ingest::normalize::{Receipt, code};
use schemas::geography;
use schemas::reject::{Reject, RejectCode};
use schemas::report::RejectedReport;
use schemas::source::Settings;
use schemas::wire;
use serde_json::Value;

use crate::Context;
use crate::cli::{Lang, Normalize};
use crate::outcome::{Failure, Outcome, Result};

/// The longest line that is read; what is longer is told as too long.
const LONGEST_LINE: u64 = 16 << 20;

/// Settings from the flags that `normalize` and `source add` share.
pub fn settings(state: Option<&str>, zone: Option<&str>, language: Option<Lang>) -> Result<Settings, Failure> {
    let state = match state {
        Some(text) => {
            let known = geography::state(&text.to_ascii_uppercase());
            Some(known.ok_or_else(|| Failure::usage("--state: two letters of a state, such as WA"))?.code.to_owned())
        }
        None => None,
    };
    if let Some(zone) = zone
        && zone.parse::<chrono_tz::Tz>().is_err()
    {
        return Err(Failure::usage("--zone: an IANA time zone, such as America/Los_Angeles"));
    }
    Ok(Settings { state, zone: zone.map(str::to_owned), language: language.map(Into::into), date_order: None })
}

pub fn run(context: &Context, arguments: &Normalize) -> Result {
    let settings = settings(arguments.state.as_deref(), arguments.zone.as_deref(), arguments.language)?;
    let mut input: Box<dyn BufRead> = match arguments.file.as_deref() {
        None => Box::new(io::stdin().lock()),
        Some(path) if path == Path::new("-") => Box::new(io::stdin().lock()),
        Some(path) => {
            let file = File::open(path).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
            Box::new(BufReader::with_capacity(1 << 16, file))
        }
    };
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut input).take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let cut = line.len() as u64 == LONGEST_LINE && line.last() != Some(&b'\n');
        if cut {
            skip_line(&mut input)?;
        }
        let now = context.clock.now();
        let receipt = Receipt { received_at: Some(now), now, settings: &settings, mapped: &[] };
        let object = if cut { Err(Reject::new(RejectCode::TooLong)) } else { wire::parse_object(line.trim_ascii()) };
        let external_id = object.as_ref().ok().and_then(|o| match o.get("external_id") {
            Some(Value::String(id)) => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        });
        match object.and_then(|object| code(&object, &receipt)) {
            Ok(report) => serde_json::to_writer(&mut out, &report)?,
            Err(reject) => {
                let rejected = RejectedReport { external_id: external_id.as_deref(), reject: &reject };
                serde_json::to_writer(&mut out, &rejected)?;
            }
        }
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn skip_line(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let end = chunk.iter().position(|b| *b == b'\n');
        let used = end.map_or(chunk.len(), |i| i + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}
