//! `testigo snapshot`: coded rows as Parquet, brought up to date.

use super::engines;
use crate::Context;
use crate::outcome::{Outcome, Result, print_json, say};

pub fn run(context: &Context) -> Result {
    let installation = engines::installation(context)?;
    let updated = engines::update_snapshot(context, &installation, context.clock.now())?;
    let latest = updated.snapshot.latest();
    let id = latest.map(|at| updated.snapshot.id(at)).transpose()?.map(|id| id.to_string());
    let dir = context.data.join("snapshot");
    if context.json {
        return print_json(&serde_json::json!({
            "dir": dir,
            "snapshot_id": id,
            "data_as_of": latest.map(schemas::clock::rfc3339),
            "rows": updated.snapshot.rows(),
            "new_rows": updated.rows,
            "newly_superseded": updated.superseded,
        }))
        .map(|()| Outcome::Done);
    }
    say(format_args!("{}: {} new rows, {} in all", dir.display(), updated.rows, updated.snapshot.rows()))?;
    if let Some(id) = id {
        say(format_args!("snapshot {id}"))?;
    }
    Ok(Outcome::Done)
}
