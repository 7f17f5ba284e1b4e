//! `testigo store`: what an operator does with the store of a deployment.

use ingest::installation::{Installation, is_postgres};
use ingest::store::copy::{Copied, Meanwhile, Origin, Target, copy};
use ingest::store::postgres::{PostgresOrigin, PostgresTarget, roles};
use ingest::store::sqlite::{SqliteOrigin, SqliteTarget};

use super::engines;
use crate::Context;
use crate::cli::StoreCommand;
use crate::outcome::{Failure, Outcome, Result, print_json, say};
use crate::progress;

pub fn run(context: &Context, command: &StoreCommand) -> Result {
    match command {
        StoreCommand::Copy { to, from } => copy_to(context, to, from.as_deref()),
        StoreCommand::Roles { prefix, apply } => roles_of(context, prefix, *apply),
    }
}

/// `env:NAME` is what that variable holds: the arguments of a command can be read by everybody on the machine.
fn told(url: &str, flag: &str) -> Result<String, Failure> {
    match url.strip_prefix("env:") {
        Some(name) => std::env::var(name).map_err(|_| Failure::usage(format!("{flag}: there is no variable {name}"))),
        None => Ok(url.to_owned()),
    }
}

fn checked<'u>(url: &'u str, flag: &str) -> Result<&'u str, Failure> {
    let file = url.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty());
    if file || is_postgres(url) {
        return Ok(url);
    }
    Err(Failure::usage(format!("{flag}: is sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE")))
}

fn origin(installation: &Installation, url: &str) -> Result<Box<dyn Origin>, Failure> {
    if is_postgres(url) {
        return Ok(Box::new(PostgresOrigin::open(url)?));
    }
    let path = installation.file(url);
    if !path.exists() {
        return Err(Failure::usage(format!("{}: there is no store to copy", path.display())));
    }
    Ok(Box::new(SqliteOrigin::open(&path)?))
}

fn copy_to(context: &Context, to: &str, from: Option<&str>) -> Result {
    let installation = engines::installation(context)?;
    let (from, to) = (told(from.unwrap_or(&context.config().store.url), "--from")?, told(to, "--to")?);
    let (from, to) = (checked(&from, "--from")?, checked(&to, "--to")?);
    let same = match (is_postgres(from), is_postgres(to)) {
        (false, false) => installation.file(from) == installation.file(to),
        _ => from == to,
    };
    if same {
        return Err(Failure::usage("--to: is the store that is to be copied"));
    }
    // Who codes here would move the store away under the copy.
    let _lease = installation.lease(&context.clock)?.map_err(anyhow::Error::from)?;
    let mut from = origin(&installation, from)?;
    let mut target: Box<dyn Target> = if is_postgres(to) {
        Box::new(PostgresTarget::open(to)?)
    } else {
        Box::new(SqliteTarget::open(&installation.file(to))?)
    };
    let name = engines::installation_name(&installation);
    let bar = progress::counter("rows copied", context.json);
    let copied = copy(&mut *from, &mut *target, &name, Meanwhile::StandsStill, &mut |_, rows| bar.inc(rows));
    bar.finish_and_clear();
    let Copied { tables, was_there } = copied?;
    if context.json {
        let tables: serde_json::Map<_, _> =
            tables.iter().map(|(name, rows)| ((*name).to_owned(), (*rows).into())).collect();
        return print_json(&serde_json::json!({"tables": tables, "was_there": was_there})).map(|()| Outcome::Done);
    }
    for (name, rows) in &tables {
        say(format_args!("{name:<16} {rows:>12} rows, each the same on both sides"))?;
    }
    if was_there {
        say("The target was a whole copy already; nothing was written.")?;
    }
    say("Now set store.url to it, on every machine, and start the workers. Put the old store away: it falls behind.")?;
    Ok(Outcome::Done)
}

fn roles_of(context: &Context, prefix: &str, apply: bool) -> Result {
    let url = &context.config().store.url;
    if !is_postgres(url) {
        return Err(Failure::usage("store.url: only PostgreSQL has roles"));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if prefix.is_empty() || prefix.len() > 40 || !prefix.chars().all(plain) {
        return Err(Failure::usage("--prefix: is 1 to 40 of a-z 0-9 _"));
    }
    let sql = if apply { roles::apply(url, prefix)? } else { roles::print(url, prefix)? };
    if context.json {
        let all: Vec<_> = roles::ROLES
            .iter()
            .map(|(role, what)| serde_json::json!({"role": format!("{prefix}_{role}"), "is_for": what}))
            .collect();
        print_json(&serde_json::json!({"roles": all, "applied": apply, "sql": sql}))?;
    } else if apply {
        for (role, what) in roles::ROLES {
            say(format_args!("{prefix}_{role}: {what}"))?;
        }
        say("Give each a password (\\password NAME in psql), and put its URL into store.url where it works.")?;
    } else {
        say(sql)?;
    }
    Ok(Outcome::Done)
}
