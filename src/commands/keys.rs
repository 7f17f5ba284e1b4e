//! `testigo keys`: the original of a report, for who holds the identity; a key that signs briefs.

use std::io::Write;
use std::path::Path;

use ingest::keys::Identity;
use ingest::seal::open_original;
use ingest::store::Store;
use schemas::clock::rfc3339;
use schemas::ids::ReportId;

use super::{engines, signing};
use crate::Context;
use crate::cli::Keys;
use crate::outcome::{Failure, Outcome, Result, print_json};

pub fn run(context: &Context, command: &Keys) -> Result {
    match command {
        Keys::Open { identity, report } => open(context, identity, report),
        Keys::Signing { out, password_file } => signing::make(context, out, password_file.as_deref()),
    }
}

fn open(context: &Context, identity: &Path, report: &str) -> Result {
    let report = ReportId::parse(report)
        .ok_or_else(|| Failure::usage("--report: a report's id is 32 hexadecimal digits, its receipt"))?;
    let identity = Identity::read(identity)?;
    let installation = engines::installation(context)?;
    let mut store = engines::store(context, &installation)?;
    let originals = store.originals(report)?;
    if originals.is_empty() {
        return Err(anyhow::anyhow!("there is no original of report {report}").into());
    }
    for original in originals {
        let opened = open_original(&identity, &original.key, report, &original.sealed).map_err(|_| {
            anyhow::anyhow!(
                "this identity does not open the original of report {report}, revision {}",
                original.revision
            )
        })?;
        if context.json {
            print_json(&serde_json::json!({
                "report_id": report,
                "revision": original.revision,
                "received_at": rfc3339(original.received_at),
                "original": String::from_utf8_lossy(opened.expose()),
            }))?;
        } else {
            let mut out = std::io::stdout().lock();
            out.write_all(opened.expose())?;
            out.write_all(b"\n")?;
        }
    }
    Ok(Outcome::Done)
}
