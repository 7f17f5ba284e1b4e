//! `testigo init`: the data directory, its keys, its settings.

use ingest::installation::{CONTENTS, Installation, InstallationError};
use ingest::keys::{Identity, Recipients};

use crate::Context;
use crate::cli::Init;
use crate::config;
use crate::outcome::{Failure, Outcome, Result, print_json, say};

pub fn run(context: &Context, arguments: &Init) -> Result {
    if arguments.recipient.is_empty() && arguments.identity_out.is_none() {
        return Err(Failure::usage(
            "originals are sealed to somebody: name them with --recipient age1..., or let --identity-out FILE make a key",
        ));
    }
    if let Some(path) = &arguments.identity_out
        && path.exists()
    {
        return Err(Failure::usage(format!("{}: exists already; nothing was overwritten", path.display())));
    }
    let identity = arguments.identity_out.as_ref().map(|_| Identity::generate());
    let mut lines = arguments.recipient.join("\n");
    if let Some(identity) = &identity {
        lines.push('\n');
        lines.push_str(&identity.recipient().to_string());
    }
    let recipients = Recipients::parse(&lines).map_err(Failure::as_usage)?;
    // The identity first: a directory whose originals nobody can open must not come to be.
    if let (Some(path), Some(identity)) = (&arguments.identity_out, &identity) {
        identity.write(path)?;
    }
    let made = Installation::create(&context.data, &recipients).map_err(|error| {
        // Nothing was made, so the identity is good for nothing.
        if let Some(path) = &arguments.identity_out {
            let _ = std::fs::remove_file(path);
        }
        match error {
            InstallationError::Exists(_) => Failure::as_usage(error),
            other => other.into(),
        }
    })?;
    if let Some(identity) = &identity {
        made.check_round_trip(identity)?;
    }
    let file = context.data.join("testigo.toml");
    std::fs::write(&file, config::TEMPLATE).map_err(|e| anyhow::anyhow!("{}: {e}", file.display()))?;

    if context.json {
        return print_json(&serde_json::json!({
            "data": context.data,
            "recipients": recipients.to_string().lines().collect::<Vec<_>>(),
            "identity": arguments.identity_out,
            "round_trip": identity.is_some(),
        }))
        .map(|()| Outcome::Done);
    }
    say(format_args!("{} is ready. It holds, or will hold:", context.data.display()))?;
    for (name, what) in CONTENTS {
        say(format_args!("  {name:<22} {what}"))?;
    }
    match (&arguments.identity_out, &identity) {
        (Some(path), Some(_)) => {
            say(format_args!("A sealed text was opened again with {}.", path.display()))?;
            say(format_args!(
                "Take {} off this machine now, and keep two copies: it alone opens originals.",
                path.display()
            ))?;
        }
        _ => say("Originals are sealed to the recipients named; try that theirs is the key before you rely on it.")?,
    }
    say("Back up keys/installation.key. Coded rows lie here in the clear: encrypt the disk.")?;
    say("Next: testigo source add NAME, or testigo import --source NAME FILE")?;
    Ok(Outcome::Done)
}
