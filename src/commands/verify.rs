//! `testigo verify`: a published directory, checked by its files alone.

use crate::Context;
use crate::cli::Verify;
use crate::outcome::{Failure, Outcome, Result, print_json, say};

pub fn run(context: &Context, arguments: &Verify) -> Result {
    let key = arguments.key.as_deref().map(reports::PublicKey::parse).transpose().map_err(Failure::as_usage)?;
    let found = reports::verify(&arguments.dir, key.as_ref())?;
    if context.json {
        print_json(&found)?;
    } else {
        say(format_args!("brief of {}, snapshot {}", found.period, found.snapshot_id))?;
        for check in &found.checks {
            say(format_args!("{} {}: {}", if check.ok { "ok  " } else { "FAIL" }, check.what, check.detail))?;
        }
        say(if found.ok { "all is as it was published" } else { "this is not what testigo published" })?;
    }
    Ok(if found.ok { Outcome::Done } else { Outcome::Failed })
}
