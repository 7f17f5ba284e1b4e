//! `testigo doctor`: looks at a deployment, and says in plain words what is wrong.
//!
//! What always holds: it changes nothing and waits for nobody longer than a connection takes; what cannot be found out is
//! said as unknown, never as fine; no password and no text of a report is shown.

mod deployment;
mod machine;

use std::path::Path;

use serde::Serialize;

use super::engines;
use crate::Context;
use crate::outcome::{Outcome, Result, print_json, say};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// It works, and could be better.
    Warn,
    Wrong,
    Unknown,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Wrong => "wrong",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    says: String,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Findings(Vec<Check>);

impl Findings {
    fn add(&mut self, name: &'static str, state: State, says: impl Into<String>) {
        self.0.push(Check { name, state, says: says.into() });
    }
}

pub fn run(context: &Context) -> Result {
    let installation = engines::installation(context)?;
    let mut found = Findings::default();
    machine::directory(&context.data, &mut found);
    machine::settings(context, &mut found);
    machine::identities(&context.data, &mut found);
    machine::disk(&context.data, Path::new("/proc/self/mountinfo"), Path::new("/sys"), &mut found);
    machine::fsync(&context.data, &mut found);
    machine::clock(context, &mut found);
    deployment::queue(context, &mut found);
    deployment::store(context, &installation, &mut found);
    deployment::pair(context, &installation, &mut found);
    let wrong = found.0.iter().filter(|check| check.state == State::Wrong).count();
    if context.json {
        print_json(&serde_json::json!({"version": env!("CARGO_PKG_VERSION"), "checks": found.0}))?;
    } else {
        for Check { name, state, says } in &found.0 {
            say(format_args!("{:<8} {name:<18} {says}", state.as_str()))?;
        }
        match wrong {
            0 => say("nothing is wrong")?,
            1 => say("1 thing is wrong")?,
            n => say(format_args!("{n} things are wrong"))?,
        }
    }
    Ok(if wrong == 0 { Outcome::Done } else { Outcome::Failed })
}
