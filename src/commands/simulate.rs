//! `testigo simulate`: invented reports with their truth, as files.

use schemas::time::Month;

use crate::Context;
use crate::cli::Simulate;
use crate::outcome::{Failure, Outcome, Result, print_json, say};
use crate::simulate::{Plan, write_files};

/// Reads a month of the command line.
pub fn month(flag: &str, text: &str) -> Result<Month, Failure> {
    Month::parse(text).ok_or_else(|| Failure::usage(format!("{flag}: a month is written YYYY-MM, such as 2026-09")))
}

pub fn run(context: &Context, arguments: &Simulate) -> Result {
    let until = month("--until", &arguments.until)?;
    if arguments.months == 0 || arguments.months > 600 {
        return Err(Failure::usage("--months: 1 to 600"));
    }
    let plan =
        Plan { occurred_in_words: true, ..Plan::new(arguments.months, arguments.reports, arguments.seed, until) };
    let summary = write_files(&plan, &arguments.out)?;
    if context.json {
        print_json(&serde_json::json!({
            "submissions": summary.submissions,
            "first_versions": summary.first_versions,
            "repeats": summary.repeats,
            "revisions": summary.revisions,
            "rejects": summary.rejects,
            "events": summary.events,
        }))?;
    } else {
        say(format_args!(
            "{} submissions in {}: {} first versions ({} of events), {} revisions, {} repeats, {} that cannot be coded",
            summary.submissions,
            arguments.out.display(),
            summary.first_versions,
            summary.events,
            summary.revisions,
            summary.repeats,
            summary.rejects,
        ))?;
    }
    Ok(Outcome::Done)
}
