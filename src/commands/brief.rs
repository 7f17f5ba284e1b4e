//! `testigo brief`: a period's tables and text, published as a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use analytics::disclosure::{Earlier, Scope};
use analytics::results::Period;
use analytics::{AnalyticsError, Measured, Request, compute, disclosure};
use chrono::TimeDelta;
use ingest::installation::Installation;
use ingest::store::Store;
use reports::{ComparedWith, Entry, Header, Ledger, Publication, Published};
use schemas::clock::parse_rfc3339;
use schemas::geography;
use schemas::report::StateCode;

use super::engines::{self, View};
use super::signing;
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
            "edition": published.edition,
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
    .late(measured.facts.delay_is_known, measured.facts.provisional_from)
    .handed_on(arguments.hxl || context.config().publish.hxl, license(context)?);
    let scope = if state.is_some() { Scope::OneState } else { Scope::Everywhere };
    let ledger = Ledger::open(&context.data.join("ledger"))?;
    let edition = Edition::of(&ledger, &header, &measured, arguments)?;
    let header = header.edition(edition.number, edition.reason.clone(), edition.compared(&ledger));
    let protected = disclosure::protect_after(&measured.tables, scope, &edition.earlier);
    for table in &protected.withheld {
        tell(format_args!("testigo: {table}: withheld as a whole, its small numbers cannot be hidden"));
    }
    let outcome = if protected.withheld.is_empty() { Outcome::Done } else { Outcome::SomeRejected };
    let enter = (!arguments.preview && edition.entered.is_none()).then(|| Entry {
        state: header.state.clone(),
        period: header.period.clone(),
        edition: header.edition,
        reason: header.reason.clone(),
        data_as_of: header.data_as_of.clone(),
        snapshot_id: header.snapshot_id.clone(),
        fingerprint: edition.fingerprint,
        blocks: edition.blocks,
        tables: Vec::new(),
    });
    let is_new = enter.is_some();
    // A preview is nobody's word.
    let signing = if arguments.preview { None } else { signing::configured(context)? };
    let publication = Publication {
        header: &header,
        tables: &protected.tables,
        earlier: &edition.earlier,
        ledger: &ledger,
        compared_with: edition.compared_with,
        entered: edition.entered,
        enter,
        audit_limit: Duration::from_secs(context.config().publish.audit_seconds),
        signing: signing.as_ref(),
    };
    let published = reports::publish(&arguments.out, publication).map_err(|error| match error {
        reports::PublishError::NotOurs(_) => Failure::as_usage(error),
        other => other.into(),
    })?;
    if is_new && header.edition > 1 {
        let why = if header.reason.is_none() { "; --reason TEXT says why in it" } else { "" };
        tell(format_args!(
            "testigo: edition {} of {period}: it was published before from other data{why}",
            header.edition
        ));
    }
    Ok((published, outcome))
}

/// The licence that the publisher gives.
fn license(context: &Context) -> Result<Option<String>, Failure> {
    let given = context.config().publish.license.clone();
    let is_name = |name: &String| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    match given {
        Some(name) if !is_name(&name) => {
            Err(Failure::usage("publish.license: a licence is named as SPDX does, such as CC-BY-4.0"))
        }
        given => Ok(given),
    }
}

/// Which edition it is, and what was out before it.
#[derive(Debug)]
struct Edition {
    number: u32,
    reason: Option<String>,
    fingerprint: String,
    blocks: BTreeMap<String, String>,
    earlier: Earlier,
    compared_with: Option<usize>,
    entered: Option<usize>,
}

impl Edition {
    fn of(ledger: &Ledger, header: &Header, measured: &Measured, arguments: &Brief) -> Result<Self, Failure> {
        let fingerprint = header.fingerprint(&disclosure::earlier::fingerprint(&measured.tables));
        let blocks = disclosure::earlier::blocks(&measured.tables);
        let entered = ledger.entries().iter().position(|entry| entry.fingerprint == fingerprint);
        // What came out after an edition does not change it.
        let before = &ledger.entries()[..entered.unwrap_or(ledger.entries().len())];
        let same_places = |entry: &Entry| entry.state == header.state;
        let same_brief = |entry: &Entry| same_places(entry) && entry.period == header.period;
        let mut earlier = Earlier::default();
        for (at, entry) in before.iter().enumerate().filter(|(_, entry)| same_places(entry)) {
            let unchanged = |block: &str| blocks.contains_key(block) && blocks.get(block) == entry.blocks.get(block);
            for table in &entry.tables {
                let unreadable = || anyhow::anyhow!("the ledger's table {table} of {} does not read", entry.period);
                earlier.add(table, &ledger.table(at, table)?, &unchanged).ok_or_else(unreadable)?;
            }
        }
        let last = before.iter().rev().find(|entry| same_brief(entry));
        let recorded = entered.map(|entry| ledger.entries()[entry].reason.clone());
        if let (Some(recorded), Some(given)) = (&recorded, &arguments.reason)
            && recorded.as_ref() != Some(given)
        {
            tell("testigo: this edition is out already, with the reason that it was given then");
        }
        let given = arguments.reason.clone().filter(|_| last.is_some());
        Ok(Self {
            number: last.map_or(0, |entry| entry.edition) + 1,
            reason: recorded.unwrap_or(given),
            fingerprint,
            blocks,
            earlier,
            compared_with: before.iter().rposition(same_brief).or_else(|| before.iter().rposition(same_places)),
            entered,
        })
    }

    fn compared(&self, ledger: &Ledger) -> Option<ComparedWith> {
        self.compared_with.map(|entry| {
            let entry = &ledger.entries()[entry];
            let (period, data_as_of) = (entry.period.clone(), entry.data_as_of.clone());
            ComparedWith { period, edition: entry.edition, data_as_of }
        })
    }
}
