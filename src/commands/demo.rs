//! `testigo demo`: the whole way on invented reports, embedded and offline, under a clock that is set.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use analytics::results::Period;
use chrono::{Days, NaiveTime};
use ingest::installation::Installation;
use ingest::keys::Identity;
use ingest::queue::Intake;
use ingest::store::{Endings, Store};
use schemas::envelope::{Channel, Envelope};
use schemas::source::{Settings, Source, SourceName};
use schemas::{Clock, Sensitive};

use super::brief::publish;
use super::engines;
use super::simulate::month;
use crate::Context;
use crate::cli::{Brief, Demo, Lang};
use crate::config;
use crate::outcome::{Failure, Outcome, Result, print_json, say};
use crate::progress;
use crate::simulate::{Plan, Simulation, sources};

/// The last month of a demo, so that it is the same for everybody on every day.
pub const UNTIL: &str = "2026-09";
const MONTHS: u32 = 24;
const REPORTS: u64 = 8_000;
/// Days from the end of the last month to the brief.
const BRIEF_AFTER: u64 = 20;
/// What marks a directory as one that a demo wrote.
const MARKER: &str = ".testigo-demo";

pub fn run(context: &Context, arguments: &Demo) -> Result {
    let until = month("--until", &arguments.until)?;
    let out = &arguments.out;
    make_room(out)?;

    let data = out.join("data");
    let identity = Identity::generate();
    identity.write(&out.join("identity.txt"))?;
    let clock = Clock::fixed(schemas::clock::from_micros(0));
    let installation = Installation::create(&data, &identity.recipient())?;
    fs::write(data.join("testigo.toml"), config::TEMPLATE)?;
    // A demo is the same whatever is set for the caller's own data.
    let loaded = config::defaults();
    let inner = Context { data, json: context.json, clock: clock.clone(), loaded };

    let plan = Plan::new(MONTHS, REPORTS, arguments.seed, until);
    add_sources(&inner, &installation)?;
    let sent = send(&inner, &installation, &plan)?;
    let endings = {
        let _lease = engines::lease(&inner, &installation)?.map_err(anyhow::Error::from)?;
        let bar = progress::counter("coded", context.json);
        let endings = engines::drain(&mut engines::worker(&inner, &installation)?, &mut |more| bar.inc(more.total()))?;
        bar.finish_and_clear();
        endings
    };

    let day = until.last_day() + Days::new(BRIEF_AFTER);
    clock.set(day.and_time(NaiveTime::MIN).and_utc());
    let view = engines::view(&inner, &installation, None)?.ok_or_else(|| anyhow::anyhow!("nothing was stored"))?;
    let period = Period { first: until, last: until };
    let mut published = Vec::new();
    let mut outcome = Outcome::Done;
    for (lang, name) in [(Lang::En, "en"), (Lang::Es, "es")] {
        let out = out.join(format!("brief-{until}-{name}"));
        let brief = Brief {
            period: until.to_string(),
            state: None,
            lang,
            as_of: None,
            preview: false,
            reason: None,
            hxl: false,
            out,
        };
        let (one, ended) = publish(&inner, &installation, &view, period, &brief)?;
        if ended != Outcome::Done {
            outcome = ended;
        }
        if !reports::verify(&one.dir, None)?.ok {
            let message = format!("the brief does not verify: run `testigo verify {}`", one.dir.display());
            return Err(anyhow::anyhow!(message).into());
        }
        published.push(one);
    }
    finish(context, &published, sent, endings).map(|ended| if ended == Outcome::Done { outcome } else { ended })
}

/// Makes the directory, anew where an earlier demo wrote it.
fn make_room(out: &Path) -> Result<(), Failure> {
    match fs::read_dir(out) {
        Ok(mut entries) => {
            let ours = out.join(MARKER).is_file();
            let empty = entries.next().is_none();
            if !ours && !empty {
                let message = "exists and was not written by a demo: name another with --out, or move it away";
                return Err(Failure::usage(format!("{} {message}", out.display())));
            }
            fs::remove_dir_all(out)?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(anyhow::anyhow!("{}: {error}", out.display()).into()),
    }
    fs::create_dir_all(out)?;
    fs::write(out.join(MARKER), "`testigo demo` wrote this directory and makes it anew when it is run again.\n")?;
    Ok(())
}

fn add_sources(context: &Context, installation: &Installation) -> Result<(), Failure> {
    let mut store = engines::store(context, installation)?;
    for spec in sources() {
        let name =
            SourceName::parse(&spec.name).ok_or_else(|| anyhow::anyhow!("a simulated source has no valid name"))?;
        store.add_source(&Source {
            name,
            kind: spec.kind,
            settings: Settings {
                state: Some(spec.state.clone()),
                zone: Some(spec.zone.name().to_owned()),
                language: Some(spec.language),
                date_order: None,
            },
            public_name: spec.public_name.clone(),
            token_sha256: None,
            revoked: false,
        })?;
    }
    Ok(())
}

/// Appends every submission at the time at which it is sent.
fn send(context: &Context, installation: &Installation, plan: &Plan) -> Result<u64, Failure> {
    let intake = engines::intake(context, installation)?;
    let mut names: HashMap<String, SourceName> = HashMap::new();
    let bar = progress::counter("sent", context.json);
    let mut sent = 0u64;
    for submission in Simulation::new(plan.clone()) {
        let source = match names.get(submission.source) {
            Some(name) => name.clone(),
            None => {
                let name = SourceName::parse(submission.source)
                    .ok_or_else(|| anyhow::anyhow!("a simulated source has no valid name"))?;
                names.entry(submission.source.to_owned()).or_insert(name).clone()
            }
        };
        context.clock.set(submission.sent_at);
        let envelope = Envelope {
            source,
            channel: Channel::Http,
            external_id: None,
            batch: None,
            row: None,
            settings: Settings::default(),
            mapped: Vec::new(),
            defect: None,
            payload: Sensitive::new(serde_json::to_vec(&submission.wire)?),
        };
        // One after the other: each must be appended while the clock stands at its instant.
        intake.submit_waiting(vec![envelope])?.wait()?;
        sent += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(sent)
}

fn finish(context: &Context, published: &[reports::Published], sent: u64, endings: Endings) -> Result {
    let [english, spanish] = published else { return Err(anyhow::anyhow!("a demo makes two briefs").into()) };
    if context.json {
        return print_json(&serde_json::json!({
            "brief": english.dir,
            "brief_es": spanish.dir,
            "submissions": sent,
            "coded": endings.coded,
            "revisions": endings.revisions,
            "repeats": endings.repeats,
            "rejected": endings.rejected,
            "findings": english.findings,
        }))
        .map(|()| Outcome::Done);
    }
    say(format_args!(
        "{sent} invented submissions: {} coded, {} revisions, {} repeats, {} that cannot be coded (planned)",
        endings.coded, endings.revisions, endings.repeats, endings.rejected
    ))?;
    say(format_args!("\nThe brief: {}/brief.html (in Spanish: {})\n", english.dir.display(), spanish.dir.display()))?;
    for (i, finding) in english.findings.iter().take(3).enumerate() {
        say(format_args!("{}. {finding}", i + 1))?;
    }
    let out = english.dir.parent().unwrap_or(Path::new("."));
    say(format_args!(
        "\nTry next:\n  testigo verify {}\n  testigo --data {}/data status\n  testigo --data {}/data dead-letters list\n  \
         testigo init --identity-out identity.txt   (your own data)",
        english.dir.display(),
        out.display(),
        out.display(),
    ))?;
    Ok(Outcome::Done)
}
