//! The files of `testigo simulate`: the reports as NDJSON and as a spreadsheet with its mapping, and their truth.
//!
//! What always holds: all files have the same submissions in the same order, line by line; they are written as they are
//! drawn, so that a million reports take no more memory than a thousand.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use schemas::Language;
use serde::Serialize;

use super::dice::Dice;
use super::encounter::is_event;
use super::prose::count_words;
use super::submission::{Cell, Submission, Version, Wire};
use super::world::WORLD;
use super::{Plan, SHEET_ZONE, Simulation};

/// The columns of the spreadsheet, as wire fields.
const COLUMNS: [&str; 31] = [
    "external_id",
    "reported_at",
    "occurred",
    "place",
    "state",
    "county_fips",
    "lat",
    "lon",
    "event_kind",
    "setting",
    "place_relation",
    "tactics",
    "agency_claimed",
    "agency_assessed",
    "authority_shown",
    "court_type",
    "court_stage",
    "court_role",
    "case_level",
    "outcome",
    "agents",
    "vehicles",
    "persons_targeted",
    "persons_arrested",
    "persons_collateral",
    "vulnerable_parties",
    "review",
    "incident_id",
    "contact",
    "language",
    "narrative",
];

/// A column that is nobody's business: the mapping leaves it out.
const IGNORED_COLUMN: &str = "Notes to self";

/// Joins the codes of a list in one cell.
const LIST_SEPARATOR: &str = ";";

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub submissions: u64,
    pub first_versions: u64,
    pub repeats: u64,
    pub revisions: u64,
    pub rejects: u64,
    /// First versions that tell of one of the six event kinds.
    pub events: u64,
}

impl Summary {
    fn count(&mut self, submission: &Submission) {
        self.submissions += 1;
        match submission.truth.version {
            Version::First => {
                self.first_versions += 1;
                self.events += u64::from(is_event(submission.truth.codes.event_kind));
            }
            Version::Repeat => self.repeats += 1,
            Version::Revision => self.revisions += 1,
            Version::Reject => self.rejects += 1,
        }
    }
}

/// Writes `reports.ndjson`, `reports.csv`, `mapping.toml` and `truth.ndjson` into `out`, making it where it is missing.
///
/// # Errors
/// A file that cannot be made or written; the error names it.
pub fn write_files(plan: &Plan, out: &Path) -> Result<Summary> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make the directory {}", out.display()))?;
    let mut mapping = create(out, "mapping.toml")?;
    mapping.write_all(mapping_file().as_bytes()).context("cannot write mapping.toml")?;
    mapping.flush().context("cannot write mapping.toml")?;

    let mut reports = create(out, "reports.ndjson")?;
    let mut truth = create(out, "truth.ndjson")?;
    let mut sheet = csv::Writer::from_writer(create(out, "reports.csv")?);
    let headers = COLUMNS.iter().map(|field| WORLD.mix.sheet.headers[*field].as_str());
    sheet.write_record(headers.chain([IGNORED_COLUMN])).context("cannot write reports.csv")?;

    let mut summary = Summary::default();
    for submission in Simulation::new(plan.clone()) {
        summary.count(&submission);
        line(&mut reports, &submission.wire).context("cannot write reports.ndjson")?;
        line(&mut truth, &submission.truth).context("cannot write truth.ndjson")?;
        write_row(&mut sheet, &submission).context("cannot write reports.csv")?;
    }
    reports.flush().context("cannot write reports.ndjson")?;
    truth.flush().context("cannot write truth.ndjson")?;
    sheet.flush().context("cannot write reports.csv")?;
    Ok(summary)
}

fn create(out: &Path, name: &str) -> Result<BufWriter<File>> {
    let path = out.join(name);
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 16, file))
}

fn line<T: Serialize>(file: &mut impl Write, value: &T) -> Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")?;
    Ok(())
}

fn write_row<W: Write>(sheet: &mut csv::Writer<W>, submission: &Submission) -> csv::Result<()> {
    for field in COLUMNS {
        sheet.write_field(sheet_cell(field, &submission.wire))?;
    }
    let called_back = submission.truth.version != Version::First;
    sheet.write_field(if called_back { "see earlier entry" } else { "" })?;
    sheet.write_record(None::<&[u8]>)
}

/// A value as the spreadsheet has it: in the file's own words.
fn sheet_cell(field: &str, wire: &Wire) -> String {
    let aliases = WORLD.mix.sheet.aliases.get(field);
    let word = |code: &str| aliases.and_then(|words| words.get(code)).map_or_else(|| code.to_owned(), Clone::clone);
    match wire.get(field) {
        None => String::new(),
        Some(Cell::Text(text)) => text.clone(),
        Some(Cell::Date { sheet, .. }) => sheet.clone(),
        Some(Cell::Code(code)) => word(code),
        Some(Cell::Codes(codes)) => codes.iter().map(|code| word(code)).collect::<Vec<_>>().join(LIST_SEPARATOR),
        // A cell has no room for {min, max, at_least}, so it says the same in words. Always the same ones: no draws.
        Some(Cell::Count(count)) => count_words(&mut Dice::new(0), Language::En, *count),
        Some(Cell::Number(degrees)) => degrees.to_string(),
    }
}

/// The mapping file that reads `reports.csv` (interface.md, "Mapping file").
fn mapping_file() -> String {
    use std::fmt::Write as _;

    let sheet = &WORLD.mix.sheet;
    let mut text =
        String::from("# How to read reports.csv beside this file: testigo import --mapping mapping.toml reports.csv\n");
    let written = (|| {
        writeln!(text, "ignore = [{IGNORED_COLUMN:?}]\n\n[columns]")?;
        for field in COLUMNS {
            writeln!(text, "{:?} = {field:?}", sheet.headers[field])?;
        }
        for (field, words) in &sheet.aliases {
            writeln!(text, "\n[aliases.{field}]")?;
            for (code, word) in words {
                writeln!(text, "{word:?} = {code:?}")?;
            }
        }
        writeln!(
            text,
            "\n[format]\ndate_order = \"mdy\"\nzone = {:?}\nlist_separator = {LIST_SEPARATOR:?}",
            SHEET_ZONE.name()
        )
    })();
    written.expect("writing to a String cannot fail");
    text
}
