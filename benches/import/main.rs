//! How fast a file is imported, end to end, and how much memory it takes: `testigo import` of what `testigo simulate` makes.
//!
//! What always holds: the clock runs from the start of the command to its end, when every row is coded, sealed and durable
//! in the store; the sums must then add up to the rows of the file. The rate has no bar. Memory has one: with `--flat`, a
//! file of ten times the rows may take at most 1.3 times the memory, else the run fails.
//! `docs/benchmarks.md` says how to read the figures.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../common/mod.rs"]
mod common;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde_json::Value;

use common::{Common, Place, Status, Testigo, machine, median};

/// How many times the rows `--flat` imports, and how many times the memory that may take.
const FLAT_ROWS: u64 = 10;
const FLAT_MEMORY: f64 = 1.3;

/// How often the peak of the process is read. It only ever grows, so that only the last moment can be missed.
const EVERY: Duration = Duration::from_millis(5);

/// Measures how fast a file is imported, and how much memory that takes.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Rows of the file
    #[arg(long, default_value_t = 200_000)]
    rows: u64,
    /// How often it is imported, each time into a fresh data directory
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Also import ten times the rows, once, and compare the peaks of memory
    #[arg(long)]
    flat: bool,
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let testigo = arguments.common.testigo()?;
    let place = arguments.common.place()?;
    println!("import: a CSV of `testigo simulate` (24 months, seed {}), mapped, coded, sealed, stored", arguments.seed);
    println!("directory: {place}");
    println!("machine: {}\n", machine()?);
    println!("{:>10} {:>8} {:>9} {:>9} {:>10}", "rows", "MB", "seconds", "rows/s", "peak MiB");

    let few = measure(&testigo, &place, arguments.rows, arguments.seed, arguments.runs)?;
    println!("\nmedian: {:.0} rows/s, peak {:.0} MiB", few.rate, few.peak_mib);
    if arguments.flat {
        let many = measure(&testigo, &place, arguments.rows * FLAT_ROWS, arguments.seed, 1)?;
        let ratio = many.peak_mib / few.peak_mib;
        println!("\n{FLAT_ROWS} times the rows take {ratio:.2} times the memory, at most {FLAT_MEMORY}");
        ensure!(ratio <= FLAT_MEMORY, "the memory of an import grows with its rows");
    }
    Ok(())
}

/// Medians over the imports of one file.
struct Measured {
    rate: f64,
    peak_mib: f64,
}

fn measure(testigo: &Testigo, place: &Place, rows: u64, seed: u64, runs: u32) -> Result<Measured> {
    let files = place.fresh()?;
    let made = testigo.run(
        files.path(),
        &[
            "--json".as_ref(),
            "simulate".as_ref(),
            "--months=24".as_ref(),
            format!("--reports={rows}").as_ref(),
            format!("--seed={seed}").as_ref(),
            "--out".as_ref(),
            files.path().as_ref(),
        ],
    )?;
    let rows =
        serde_json::from_str::<Value>(&made)?["submissions"].as_u64().context("simulate tells no submissions")?;
    let megabytes = std::fs::metadata(files.path().join("reports.csv"))?.len() / 1_000_000;
    let (mut rates, mut peaks) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let import = import(testigo, place, files.path(), rows)?;
        let rate = rows as f64 / import.took.as_secs_f64();
        let seconds = import.took.as_secs_f64();
        println!("{rows:>10} {megabytes:>8} {seconds:>9.2} {rate:>9.0} {:>10.0}", import.peak_mib);
        rates.push(rate);
        peaks.push(import.peak_mib);
    }
    Ok(Measured { rate: median(rates), peak_mib: median(peaks) })
}

struct Import {
    took: Duration,
    peak_mib: f64,
}

/// Imports the file once into a fresh data directory and checks that all of it was coded and stored.
fn import(testigo: &Testigo, place: &Place, files: &Path, rows: u64) -> Result<Import> {
    let run = place.fresh()?;
    let data = run.path().join("data");
    testigo.init(&data)?;
    let mut command = testigo.command(&data);
    command.args(["--json", "import", "--source", "sheets", "--mapping"]);
    command.arg(files.join("mapping.toml")).arg(files.join("reports.csv"));
    let started = Instant::now();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("the command does not start")?;
    let process = child.id();
    let watch = std::thread::spawn(move || {
        let mut peak = 0;
        while let Some(so_far) = high_water_kib(process) {
            peak = so_far;
            std::thread::sleep(EVERY);
        }
        peak
    });
    let output = child.wait_with_output()?;
    let took = started.elapsed();
    let peak = watch.join().map_err(|_| anyhow::anyhow!("the watch over memory panicked"))?;

    let told: Value = match serde_json::from_slice(&output.stdout) {
        Ok(told) => told,
        Err(_) => bail!("import ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr)),
    };
    let ended: u64 = ["coded", "revised", "repeated", "rejected"].iter().filter_map(|key| told[key].as_u64()).sum();
    ensure!(ended == rows, "of {rows} rows {ended} are told to be coded, revised, repeated or rejected");
    let found = testigo.status(&data)?;
    ensure!(found == Status { received: rows, waiting: 0 }, "of {rows} rows the store tells {found:?}");
    Ok(Import { took, peak_mib: peak as f64 / 1024.0 })
}

/// The most memory that a process has had in use so far, in KiB. None once it has ended.
fn high_water_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
