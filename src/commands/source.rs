//! `testigo source`: who may send.

use std::sync::atomic::AtomicBool;

use ingest::installation::Installation;
use ingest::store::{Endings, Store, StoreError};
use ingest::worker::Until;
use schemas::source::{Source, SourceKind};

use super::engines;
use super::normalize::settings;
use crate::Context;
use crate::cli::{Kind, SourceAdd, SourceCommand};
use crate::outcome::{Failure, Outcome, Result, print_json, say, tell};

pub fn run(context: &Context, command: &SourceCommand) -> Result {
    let installation = engines::installation(context)?;
    let mut store = engines::store(context, &installation)?;
    match command {
        SourceCommand::Add(arguments) => add(context, &mut store, arguments),
        SourceCommand::List => list(context, &mut store),
        SourceCommand::Revoke { name } => {
            let name = engines::source_name(name)?;
            store.revoke_source(&name).map_err(|error| match error {
                StoreError::NoSuchSource(_) => Failure::as_usage(error),
                other => other.into(),
            })?;
            tell(format_args!("{name}: its token opens nothing from now on; what it sent stays"));
            if context.json {
                print_json(&serde_json::json!({"source": name, "revoked": true}))?;
            }
            Ok(Outcome::Done)
        }
        SourceCommand::Resume { name } => {
            let name = engines::source_name(name)?;
            let known = store.lately()?.iter().any(|(source, _)| *source == name)
                || store.sources()?.iter().any(|source| source.name == name);
            if !known {
                return Err(Failure::as_usage(StoreError::NoSuchSource(name)));
            }
            store.forgive(&name)?;
            let endings = go_on(context, &installation)?;
            if context.json {
                let mut told = engines::as_json(endings);
                told["source"] = name.as_str().into();
                print_json(&told)?;
            } else {
                say(format_args!("{name} goes on; of what was held {}", engines::in_words(endings)))?;
            }
            let paused = engines::paused(context, &mut store)?;
            engines::tell_paused(&paused);
            if paused.iter().any(|(source, _)| *source == name) {
                return Ok(Outcome::Failed);
            }
            Ok(crate::rejected_outcome(endings.rejected))
        }
    }
}

/// Codes what is held of sources that are not paused any more. A worker that runs meanwhile is no harm.
pub(super) fn go_on(context: &Context, installation: &Installation) -> Result<Endings, Failure> {
    let mut endings = Endings::default();
    let mut worker = engines::worker(context, installation)?;
    worker.go_on(&AtomicBool::new(false), Until::Drained, &mut |more| endings += more)?;
    Ok(endings)
}

fn add(context: &Context, store: &mut impl Store, arguments: &SourceAdd) -> Result {
    let name = engines::source_name(&arguments.name)?;
    let settings = settings(arguments.state.as_deref(), arguments.zone.as_deref(), arguments.language)?;
    let (token, hash) = engines::new_token()?;
    let kind = match arguments.kind {
        Kind::Hotline => SourceKind::Hotline,
        Kind::Defender => SourceKind::Defender,
        Kind::CourtWatch => SourceKind::CourtWatch,
        Kind::Official => SourceKind::Official,
        Kind::Other => SourceKind::Other,
    };
    let public_name = arguments.public_name.as_deref().map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned);
    let source = Source { name, kind, settings, public_name, token_sha256: Some(hash), revoked: false };
    store.add_source(&source).map_err(|error| match error {
        StoreError::SourceExists(_) => Failure::as_usage(error),
        other => other.into(),
    })?;
    if context.json {
        print_json(&serde_json::json!({"source": source.name, "token": token}))?;
    } else {
        say(&token)?;
    }
    tell("This is the only time that the token is shown; testigo keeps its SHA-256 alone.");
    Ok(Outcome::Done)
}

fn list(context: &Context, store: &mut impl Store) -> Result {
    let sources = store.sources()?;
    let paused = engines::paused(context, store)?;
    let is_paused = |source: &Source| paused.iter().any(|(name, _)| *name == source.name);
    if context.json {
        let all: Vec<_> = sources
            .iter()
            .map(|s| {
                serde_json::json!({
                    "source": s.name,
                    "kind": s.kind,
                    "state": s.settings.state,
                    "zone": s.settings.zone,
                    "language": s.settings.language,
                    "public_name": s.public_name,
                    "may_send": s.token_sha256.is_some() && !s.revoked,
                    "revoked": s.revoked,
                    "paused": is_paused(s),
                })
            })
            .collect();
        return print_json(&serde_json::json!({"sources": all})).map(|()| Outcome::Done);
    }
    for s in sources {
        let sends = match (s.revoked, s.token_sha256.is_some()) {
            (true, _) => "revoked",
            (_, true) => "may send",
            (_, false) => "files only",
        };
        let public = s.public_name.as_deref().unwrap_or("(pooled)");
        let state = s.settings.state.as_deref().unwrap_or("-");
        let paused = if is_paused(&s) { "  paused" } else { "" };
        say(format_args!("{:<24} {:<12} {state:<3} {sends:<10} {public}{paused}", s.name.as_str(), s.kind.as_str()))?;
    }
    Ok(Outcome::Done)
}
