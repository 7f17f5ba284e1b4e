//! `testigo config`: what is in force, and from where.

use crate::Context;
use crate::outcome::{Outcome, Result, print_json, say};

pub fn run(context: &Context) -> Result {
    let settings = context.loaded.dump();
    if context.json {
        let all: serde_json::Map<_, _> = settings
            .into_iter()
            .map(|(key, value, from)| (key, serde_json::json!({"value": value, "from": from})))
            .collect();
        print_json(&all)?;
    } else {
        for (key, value, from) in settings {
            say(format_args!("{key} = {value}  ({from})"))?;
        }
    }
    Ok(Outcome::Done)
}
