//! How fast reports are accepted over HTTP: `testigo serve` beside the least that a durable service can do.
//!
//! What always holds: both are measured in the same run, in turn, each as a process of its own in a fresh directory on a
//! real disk, under the same load from this process; both are then killed (SIGKILL), and every report that was
//! acknowledged must be found again, no more and no fewer. Bars are printed and fail nothing; an error ends the run.
//! `docs/benchmarks.md` says how to read the figures.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod bare_service;
mod client;
#[path = "../common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use client::{Answered, Load};
use common::{Common, Place, Status, Testigo, machine, median};

/// What issue 3 asks for on 2 cores: reports a second, milliseconds at the 99th percentile, share of the bare service's rate.
const BAR_RATE: f64 = 15_000.0;
const BAR_P99_MS: f64 = 25.0;
const BAR_RATIO: f64 = 0.6;

/// The share of the reports that is sent before the clock starts, so that caches and files have their size: one in this.
const WARM_UP: u64 = 10;

/// Measures how fast reports are accepted over HTTP.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    /// How often both are measured, in turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Reports sent in one measurement
    #[arg(long, default_value_t = 100_000)]
    reports: u64,
    /// Seconds after which one measurement ends, though not all is sent
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Bytes of one report
    #[arg(long, default_value_t = 700)]
    bytes: usize,
    /// Be the bare service on this database, until killed
    #[arg(long, hide = true, value_name = "FILE")]
    bare_service: Option<PathBuf>,
}

impl Arguments {
    fn load(&self) -> Load {
        Load {
            connections: self.connections,
            reports: self.reports,
            at_most: Duration::from_secs(self.seconds),
            bytes: self.bytes,
        }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(database) = &arguments.bare_service {
        return bare_service::serve(database);
    }
    let testigo = arguments.common.testigo()?;
    let place = arguments.common.place()?;
    println!("accept: single reports of {} bytes, {} connections", arguments.bytes, arguments.connections);
    println!("directory: {place}, an append of 16 KiB with fdatasync takes {:.0} µs (median)", fdatasync_us(&place)?);
    println!("machine: {}; service and client share it\n", machine()?);
    println!(
        "{:<8} {:>12} {:>9} {:>9} {:>9} {:>14} {:>14}",
        "", "reports/s", "p50 ms", "p99 ms", "max ms", "service µs", "client µs"
    );

    let mut pairs = Vec::new();
    for _ in 0..arguments.pairs {
        let ours = measure_testigo(&testigo, &place, arguments.load())?;
        ours.print("testigo");
        let bare = measure_bare(&place, arguments.load())?;
        bare.print("bare");
        pairs.push((ours, bare));
    }
    summarize(&pairs);
    Ok(())
}

/// A process that is killed when its owner is done with it, or fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself; either way there is nothing left to do about it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One measurement.
struct Measured {
    answered: Answered,
    /// Processor time for one report, in microseconds.
    service_us: f64,
    client_us: f64,
}

impl Measured {
    fn print(&self, name: &str) {
        println!(
            "{name:<8} {:>12.0} {:>9.2} {:>9.2} {:>9.2} {:>14.1} {:>14.1}",
            self.answered.rate(),
            self.answered.latency_ms(500),
            self.answered.latency_ms(990),
            self.answered.latency_ms(1000),
            self.service_us,
            self.client_us,
        );
    }
}

fn summarize(pairs: &[(Measured, Measured)]) {
    let of = |figure: fn(&(Measured, Measured)) -> f64| median(pairs.iter().map(figure).collect());
    let ratio = |(ours, bare): &(Measured, Measured)| ours.answered.rate() / bare.answered.rate();
    let ratios: Vec<String> = pairs.iter().map(|pair| format!("{:.2}", ratio(pair))).collect();
    let (rate, p99, share) = (
        of(|pair| pair.0.answered.rate()),
        of(|pair| pair.0.answered.latency_ms(990)),
        median(pairs.iter().map(ratio).collect()),
    );
    println!("\nratio, pair by pair: {}", ratios.join(" "));
    println!(
        "bare, median: {:.0} reports/s, p99 {:.2} ms",
        of(|p| p.1.answered.rate()),
        of(|p| p.1.answered.latency_ms(990))
    );
    println!("testigo, median, and the bars:");
    let verdict = |reached: bool| if reached { "reached" } else { "MISSED" };
    println!("  reports/s {rate:.0}, at least {BAR_RATE:.0}: {}", verdict(rate >= BAR_RATE));
    println!("  p99 {p99:.2} ms, under {BAR_P99_MS:.0} ms: {}", verdict(p99 < BAR_P99_MS));
    println!("  ratio {share:.2}, at least {BAR_RATIO}: {}", verdict(share >= BAR_RATIO));
    println!("every acknowledged report was found after a SIGKILL, in all {} runs", 2 * pairs.len());
}

fn measure_testigo(testigo: &Testigo, place: &Place, load: Load) -> Result<Measured> {
    let run = place.fresh()?;
    let data = run.path().join("data");
    testigo.init(&data)?;
    let token = testigo.run(&data, &["source", "add", "line", "--kind", "hotline"].map(AsRef::as_ref))?;
    let mut command = testigo.command(&data);
    command.args(["serve", "--no-worker", "--listen", "127.0.0.1:0"]);
    let (measured, acknowledged) = measure(command.stderr(Stdio::piped()), token.trim(), load)?;
    let found = testigo.status(&data)?;
    let expected = Status { received: acknowledged, waiting: acknowledged };
    ensure!(found == expected, "acknowledged {acknowledged}, but the queue holds {found:?}");
    Ok(measured)
}

fn measure_bare(place: &Place, load: Load) -> Result<Measured> {
    let run = place.fresh()?;
    let database = run.path().join("bare.sqlite");
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--bare-service").arg(&database).stdin(Stdio::null());
    // It reads no token; it gets one all the same, so that both get the same bytes.
    let token = "0".repeat(43);
    let (measured, acknowledged) = measure(command.stdout(Stdio::piped()), &token, load)?;
    let found = bare_service::count(&database)?;
    ensure!(found == acknowledged, "acknowledged {acknowledged}, but the database holds {found}");
    Ok(measured)
}

/// Starts a service, warms it up, measures it and kills it. Returns also how much it acknowledged in all.
fn measure(command: &mut Command, token: &str, load: Load) -> Result<(Measured, u64)> {
    let mut service = Killed(command.spawn().context("the service does not start")?);
    let address = match (service.0.stdout.take(), service.0.stderr.take()) {
        (Some(told), _) => listening(told)?,
        (None, Some(told)) => listening(told)?,
        (None, None) => unreachable!("one of them is piped"),
    };
    let warm_up = Load { reports: load.reports / WARM_UP, ..load };
    let warmed = faultless(client::send(address, token, warm_up, 0)?)?;
    let (service_before, client_before) = (cpu(service.0.id())?, cpu(std::process::id())?);
    let answered = faultless(client::send(address, token, load, warm_up.reports)?)?;
    let of_one = |spent: Duration| spent.as_secs_f64() * 1e6 / answered.acknowledged as f64;
    let service_us = of_one(cpu(service.0.id())? - service_before);
    let client_us = of_one(cpu(std::process::id())? - client_before);
    let acknowledged = warmed.acknowledged + answered.acknowledged;
    Ok((Measured { answered, service_us, client_us }, acknowledged))
}

fn faultless(answered: Answered) -> Result<Answered> {
    let first = answered.first_error.as_deref().unwrap_or_default();
    ensure!(answered.errors == 0, "{} connections failed, one with: {first}", answered.errors);
    ensure!(answered.acknowledged > 0, "nothing was acknowledged");
    Ok(answered)
}

/// Reads where a service listens. What it says after that is read and dropped, so that it never waits for a reader.
fn listening(told: impl Read + Send + 'static) -> Result<SocketAddr> {
    let mut lines = BufReader::new(told).lines();
    let mut before = String::new();
    while let Some(line) = lines.next().transpose()? {
        if let Some(address) = line.strip_prefix("listening on http://") {
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(address.trim().parse()?);
        }
        before.push_str(&line);
        before.push('\n');
    }
    anyhow::bail!("the service ended before it listened: {before}")
}

/// The processor time that a process has used so far.
fn cpu(process: u32) -> Result<Duration> {
    /// What Linux counts in for user space, on every architecture.
    const TICKS_A_SECOND: u64 = 100;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("a service that ended")?;
    // The name in parentheses may hold anything; what follows it begins with the third field. 14 and 15 are user and system.
    let after = stat.rsplit_once(')').context("a process has a name")?.1;
    let ticks = after.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS_A_SECOND))
}

/// How long the disk takes for what one group commit does to it at the least.
fn fdatasync_us(place: &Place) -> Result<f64> {
    let run = place.fresh()?;
    let path: &Path = &run.path().join("sync");
    let mut file = std::fs::File::create(path)?;
    let mut figures = Vec::new();
    for _ in 0..200 {
        let before = Instant::now();
        file.write_all(&[0; 16 << 10])?;
        file.sync_data()?;
        figures.push(before.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(figures))
}
