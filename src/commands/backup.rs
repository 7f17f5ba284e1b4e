//! `testigo backup` and `testigo restore`: all of a data directory in one encrypted file, and back.

use ingest::backup::{self, BackupError, Engine, Plan, Restored};
use ingest::keys::{Identity, Recipients};

use super::engines;
use crate::Context;
use crate::cli::{Backup, Restore};
use crate::outcome::{Failure, Outcome, Result, print_json, say};

fn failure(error: BackupError) -> Failure {
    match error {
        BackupError::Exists(_) => Failure::as_usage(error),
        other => other.into(),
    }
}

pub fn run(context: &Context, arguments: &Backup) -> Result {
    let installation = engines::installation(context)?;
    let recipients = if arguments.recipient.is_empty() {
        installation.recipients().clone()
    } else {
        Recipients::parse(&arguments.recipient.join("\n")).map_err(Failure::as_usage)?
    };
    let config = context.config();
    let name = engines::installation_name(&installation);
    let plan = Plan {
        installation: &installation,
        queue: &config.queue.place(),
        store_url: &config.store.url,
        settings: context.loaded.file.as_deref(),
        name: &name,
        recipients: &recipients,
        clock: &context.clock,
    };
    let made = backup::make(&plan, &arguments.out).map_err(failure)?;
    let opens: Vec<String> = recipients.to_string().lines().map(str::to_owned).collect();
    if context.json {
        return print_json(&serde_json::json!({
            "file": made.file,
            "bytes": made.bytes,
            "made_at": made.about.made_at,
            "waiting": made.about.waiting,
            "store": made.about.store,
            "queue": made.about.queue,
            "recipients": opens,
        }))
        .map(|()| Outcome::Done);
    }
    say(format_args!("{}: the state of {}, {} bytes", made.file.display(), made.about.made_at, made.bytes))?;
    if made.about.queue == Engine::Kafka {
        say(
            "What waits in Kafka stays there: a restored store goes on from its own position, as long as the topic keeps it.",
        )?;
    } else {
        say(format_args!("{} submissions wait to be coded in it.", made.about.waiting))?;
    }
    say(format_args!("Only the identity of {} opens it. Without that it cannot be restored.", opens.join(" or ")))?;
    Ok(Outcome::Done)
}

pub fn restore(context: &Context, arguments: &Restore) -> Result {
    let identity = Identity::read(&arguments.identity)?;
    let restored = backup::restore(&arguments.file, &identity, &context.data).map_err(failure)?;
    let Restored { about, settings } = &restored;
    if context.json {
        return print_json(&serde_json::json!({
            "data": context.data,
            "made_at": about.made_at,
            "waiting": about.waiting,
            "store": about.store,
            "queue": about.queue,
            "settings": settings,
        }))
        .map(|()| Outcome::Done);
    }
    say(format_args!("{} is as it was at {}, checked.", context.data.display(), about.made_at))?;
    if about.settings_apart {
        say(
            "It stands on its own: store and queue are files in it. The settings of the backup named others, so they lie in \
             testigo.toml.backup: take over from there what you need.",
        )?;
    }
    if about.store == Engine::Postgres {
        say(
            "The store was in PostgreSQL: `testigo store copy --to postgres://...` brings it back into an empty database.",
        )?;
    }
    if about.queue == Engine::Kafka {
        say("The queue is Kafka's: with its queue.url workers go on from where this store stands.")?;
    }
    say("Take the identity off this machine again. If the old directory is still in use, do not use both.")?;
    Ok(Outcome::Done)
}
