//! `testigo brief`: a period's tables and text, published as a directory.

use std::collections::{BTreeMap, BTreeSet};

use analytics::disclosure::Scope;
use analytics::results::Period;
use analytics::{AnalyticsError, Measured, Request, compute, disclosure};
use chrono::TimeDelta;
use ingest::installation::Installation;
use ingest::store::Store;
use reports::{Header, Published};
use schemas::clock::parse_rfc3339;
use schemas::geography;
use schemas::report::StateCode;

use super::engines::{self, View};
use crate::Context;
use crate::cli::Brief;
use crate::outcome::{Failure, Outcome, Result, print_json, say, tell};

/// How long after its last day a period's brief may come out at the earliest.
const EARLIEST_DAYS: i64 = 14;

pub fn run(context: &Context, arguments: &Brief) -> Result {
    let period = Period::parse(&arguments.period).ok_or_else(|| {
        Failure::usage("--period: a month is written YYYY-MM, such as 2026-09; a quarter 2026-Q3; a year 2026")
    })?;
    let as_of = match arguments.as_of.as_deref() {
        Some(text) => {
            let wrong = || Failure::usage("--as-of: an instant is written 2026-10-20T12:00:00Z (RFC 3339)");
            let at = parse_rfc3339(text).ok_or_else(wrong)?;
            if at > context.clock.now() {
                return Err(Failure::usage("--as-of lies ahead of the clock: nobody knows that yet"));
            }
            Some(at)
        }
        None => None,
    };
    let installation = engines::installation(context)?;
    let Some(view) = engines::view(context, &installation, as_of)? else {
        return Err(AnalyticsError::EmptySnapshot.into());
    };
    let (published, outcome) = publish(context, &installation, &view, period, arguments)?;
    if context.json {
        return print_json(&serde_json::json!({
            "dir": published.dir,
            "period": period.to_string(),
            "data_as_of": schemas::clock::rfc3339(view.as_of),
            "files": published.files,
            "findings": published.findings,
        }))
        .map(|()| outcome);
    }
    say(format_args!("{}: the brief of {period}, {} files", published.dir.display(), published.files))?;
    Ok(outcome)
}

/// Measures, protects and publishes.
pub fn publish(
    context: &Context,
    installation: &Installation,
    view: &View,
    period: Period,
    arguments: &Brief,
) -> Result<(Published, Outcome), Failure> {
    let day = view.as_of.date_naive();
    let ready = period.last.last_day() + TimeDelta::days(EARLIEST_DAYS);
    let early = day < ready;
    if early && !arguments.preview {
        return Err(Failure::usage(format!(
            "the data are of {day}: a brief of {period} comes out on {ready} at the earliest, when late reports are in; \
             --preview makes one that may not be published"
        )));
    }
    let state = match arguments.state.as_deref() {
        Some(text) => {
            let known = geography::state(&text.to_ascii_uppercase()).and_then(|state| StateCode::parse(state.code));
            Some(known.ok_or_else(|| Failure::usage("--state: two letters of a state, such as NY"))?)
        }
        None => None,
    };
    let sources = engines::store(context, installation)?.sources()?;
    let public_names: BTreeMap<_, _> = sources.into_iter().filter_map(|s| Some((s.name, s.public_name?))).collect();
    let request = Request { period, as_of: Some(view.as_of), state, funnel: &view.funnel, public_names: &public_names };
    let measured: Measured = compute(&view.snapshot, &request)?;
    let senders: BTreeSet<_> = view.funnel.iter().map(|row| &row.source).collect();
    let header = Header::new(
        period,
        view.as_of,
        measured.snapshot_id.to_string(),
        arguments.preview,
        u32::try_from(senders.len()).ok(),
    )
    .of(arguments.lang.into(), state)
    .late(measured.facts.delay_is_known, measured.facts.provisional_from);
    let scope = if state.is_some() { Scope::OneState } else { Scope::Everywhere };
    let protected = disclosure::protect_all(&measured.tables, scope);
    for table in &protected.withheld {
        tell(format_args!("testigo: {table}: withheld as a whole, its small numbers cannot be hidden"));
    }
    let outcome = if protected.withheld.is_empty() { Outcome::Done } else { Outcome::SomeRejected };
    let published = reports::publish(&arguments.out, &header, &protected.tables).map_err(|error| match error {
        reports::PublishError::NotOurs(_) => Failure::as_usage(error),
        other => other.into(),
    })?;
    Ok((published, outcome))
}
