//! How fast a brief is measured, and how much memory that takes: `compute` over generated rows, beside bare polars group-bys
//! (one for each table) over the same segments.
//!
//! What always holds: each measurement is a process of its own, so that its peak of memory is its own; the rows depend on
//! nothing but their number; both sides read the same files, as of the same instant, without what was superseded; what an
//! earlier look left beside the snapshot is removed, save where the next month's brief is measured.
//!
//! ```text
//! cargo bench -p analytics --bench brief -- [--rows 10000000] [--dir DIR]
//! ```

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod bare;
mod generate;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use analytics::dataset::{Snapshot, SnapshotWriter};
use analytics::disclosure::{Scope, protect_all};
use analytics::results::Period;
use analytics::{Request, compute};
use schemas::dataset::FunnelRow;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The tables end with this month, the last one that the rows are dated in.
const PERIOD: &str = "2025-12";
/// How often each side is measured; the fastest run is printed.
const RUNS: u32 = 3;

struct Arguments {
    /// What this process does; none for the whole benchmark.
    step: Option<String>,
    rows: u64,
    dir: PathBuf,
}

fn arguments() -> Result<Arguments> {
    let mut parsed = Arguments { step: None, rows: 10_000_000, dir: std::env::temp_dir().join("testigo-bench-brief") };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            // cargo passes this to every benchmark.
            "--bench" => {}
            "--rows" => parsed.rows = value()?.parse()?,
            "--dir" => parsed.dir = value()?.into(),
            "--step" => parsed.step = Some(value()?),
            other => return Err(format!("{other}: there is --rows N and --dir DIR").into()),
        }
    }
    Ok(parsed)
}

fn main() -> Result<()> {
    let arguments = arguments()?;
    let mut dir = arguments.dir.join(format!("{}", arguments.rows));
    if arguments.step.as_deref().is_some_and(|step| ["next", "before", "after", "protect"].contains(&step)) {
        dir = next_dir(&dir);
    }
    let Some(step) = &arguments.step else { return all(&arguments, &dir) };
    let changes = generate::Changes::new(arguments.rows);
    let funnel = if ["ours", "next"].contains(&step.as_str()) { changes.funnel() } else { Vec::new() };
    let begun = Instant::now();
    match step.as_str() {
        "generate" => make(&dir, &changes)?,
        "ours" => {
            forget(&dir)?;
            ours(&dir, &funnel)?;
        }
        "next" => ours(&dir, &funnel)?,
        "protect" => {
            println!("{}", protect(&dir, &changes.funnel())?);
            return Ok(());
        }
        "before" => before(&dir, &changes)?,
        "after" => after(&dir, &changes)?,
        "id" => id(&dir)?,
        "bare" => bare::run(&dir)?,
        other => return Err(format!("{other}: no such step").into()),
    }
    println!("{}", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Makes the rows where they are not there yet, then measures both sides.
fn all(arguments: &Arguments, dir: &Path) -> Result<()> {
    if Snapshot::open(dir).is_err() {
        let (seconds, mib) = step(arguments, "generate")?;
        let rate = arguments.rows as f64 / seconds;
        println!("append     {seconds:7.1} s  {mib:6} MiB   {rate:.0} rows/s, with their digests, durable");
    }
    let snapshot = Snapshot::open(dir)?;
    println!("{} rows in {}", snapshot.rows(), dir.display());
    let steps = [
        ("ours", "every table, sums and id"),
        ("id", "of which the id"),
        ("bare", "bare group-bys, one for each table"),
    ];
    let mut best = [(f64::INFINITY, 0); 3];
    // In turns, so that whatever else the machine does meets all alike.
    for _ in 0..RUNS {
        for ((name, _), best) in steps.iter().zip(&mut best) {
            let run = step(arguments, name)?;
            *best = if run.0 < best.0 { run } else { *best };
        }
    }
    for ((name, what), (seconds, mib)) in steps.iter().zip(best) {
        println!("{name:10} {seconds:7.2} s  {mib:6} MiB   {what}");
    }
    println!("ours / bare = {:.2}", best[0].0 / best[2].0);
    // A brief, then a month's rows more, then the next brief.
    let mut next = (f64::INFINITY, 0);
    for _ in 0..RUNS {
        let dir = next_dir(dir);
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        for name in ["before", "after"] {
            step(arguments, name)?;
        }
        let run = step(arguments, "next")?;
        next = if run.0 < next.0 { run } else { next };
    }
    println!(
        "{:10} {:7.2} s  {:6} MiB   the brief of a month later: a twenty-fourth of the rows are new",
        "next", next.0, next.1
    );
    println!("next / ours = {:.2}", next.0 / best[0].0);
    let (seconds, mib) = step(arguments, "protect")?;
    println!(
        "{:10} {seconds:7.2} s  {mib:6} MiB   of such tables what must be hidden, beside either of them",
        "protect"
    );
    Ok(())
}

/// Runs one step in a process of its own: seconds (as it says itself), and peak of memory in MiB.
fn step(arguments: &Arguments, name: &str) -> Result<(f64, u64)> {
    let rows = arguments.rows.to_string();
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--step", name, "--rows", &rows, "--dir"])
        .arg(&arguments.dir)
        .stdout(Stdio::piped())
        .spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    // The peak only ever grows, so that only the last moment can be missed.
    let ended = loop {
        peak = peak.max(peak_mib(&status).unwrap_or(0));
        match child.try_wait()? {
            Some(ended) => break ended,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    if !ended.success() {
        return Err(format!("{name}: {ended}").into());
    }
    let mut seconds = String::new();
    child.stdout.ok_or("the step's output")?.read_to_string(&mut seconds)?;
    Ok((seconds.trim().parse()?, peak))
}

fn peak_mib(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(kib.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

/// Removes what an earlier look left beside the snapshot.
fn forget(dir: &Path) -> Result<()> {
    match std::fs::remove_file(dir.join("cube.cache")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn next_dir(dir: &Path) -> PathBuf {
    dir.with_extension("next")
}

/// All rows but those of the last month, and their brief.
fn before(dir: &Path, changes: &generate::Changes) -> Result<()> {
    let (rows, until) = changes.all_but_a_month();
    let mut writer = SnapshotWriter::open(dir, "benchmark")?;
    let superseded = changes.superseded().filter(|(_, at)| *at <= until);
    writer.append(changes.rows().take(rows).map(Ok::<_, Box<dyn Error + Send + Sync>>), superseded.map(Ok))?;
    let snapshot = Snapshot::open(dir)?;
    let period = Period::parse("2025-11").ok_or("a period")?;
    let funnel = changes.funnel_of(rows);
    let request = Request { period, as_of: None, state: None, funnel: &funnel, public_names: &BTreeMap::new() };
    compute(&snapshot, &request)?;
    Ok(())
}

/// The last month's rows.
fn after(dir: &Path, changes: &generate::Changes) -> Result<()> {
    let (rows, until) = changes.all_but_a_month();
    let mut writer = SnapshotWriter::open(dir, "benchmark")?;
    let superseded = changes.superseded().filter(|(_, at)| *at > until);
    writer.append(changes.rows().skip(rows).map(Ok::<_, Box<dyn Error + Send + Sync>>), superseded.map(Ok))?;
    Ok(())
}

fn make(dir: &Path, changes: &generate::Changes) -> Result<()> {
    let mut writer = SnapshotWriter::open(dir, "benchmark")?;
    writer.append(changes.rows().map(Ok::<_, Box<dyn Error + Send + Sync>>), changes.superseded().map(Ok))?;
    Ok(())
}

fn ours(dir: &Path, funnel: &[FunnelRow]) -> Result<()> {
    let snapshot = Snapshot::open(dir)?;
    let period = Period::parse(PERIOD).ok_or("a period")?;
    let request = Request { period, as_of: None, state: None, funnel, public_names: &BTreeMap::new() };
    let measured = compute(&snapshot, &request)?;
    if measured.tables.iter().any(|table| table.rows.is_empty()) {
        return Err("a table is empty".into());
    }
    Ok(())
}

/// Hides what must be hidden. Returns the seconds of that alone.
fn protect(dir: &Path, funnel: &[FunnelRow]) -> Result<f64> {
    let snapshot = Snapshot::open(dir)?;
    let period = Period::parse(PERIOD).ok_or("a period")?;
    let request = Request { period, as_of: None, state: None, funnel, public_names: &BTreeMap::new() };
    let measured = compute(&snapshot, &request)?;
    let begun = Instant::now();
    let protected = protect_all(&measured.tables, Scope::Everywhere);
    let seconds = begun.elapsed().as_secs_f64();
    if !protected.withheld.is_empty() {
        return Err(format!("withheld: {:?}", protected.withheld).into());
    }
    Ok(seconds)
}

fn id(dir: &Path) -> Result<()> {
    let snapshot = Snapshot::open(dir)?;
    snapshot.id(snapshot.latest().ok_or("the snapshot is empty")?)?;
    Ok(())
}
