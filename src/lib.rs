//! The one command: arguments, configuration, tracing, shutdown, and a thin module for each subcommand.

pub mod cli;
pub mod commands;
pub mod config;
pub mod outcome;
pub mod progress;
pub mod simulate;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use schemas::Clock;
use schemas::clock::parse_rfc3339;

use cli::{Cli, Command};
use outcome::{Failure, Outcome, Result};

/// What every subcommand gets.
#[derive(Debug)]
pub struct Context {
    pub data: PathBuf,
    pub json: bool,
    pub clock: Clock,
    pub loaded: config::Loaded,
}

impl Context {
    pub fn config(&self) -> &config::Config {
        &self.loaded.config
    }
}

/// Runs the command and says how it ended.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        // A panic's own words can quote the text that it fell over, so only its place is told.
        let place = panic.location().map_or(String::new(), |at| format!(" at {}:{}", at.file(), at.line()));
        outcome::tell(format_args!("testigo: a fault of this program{place}; what was acknowledged is safe"));
    }));
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help and version on stdout (exit 0) and wrong use on stderr (exit 2).
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * 2);
        }
    };
    match run(cli) {
        Ok(outcome) => outcome.into(),
        Err(failure) if failure.is_broken_pipe() => ExitCode::from(1),
        Err(failure) => {
            outcome::tell(format_args!("testigo: {failure}"));
            failure.exit_code()
        }
    }
}

fn run(cli: Cli) -> Result {
    let data = cli.data.clone().unwrap_or_else(|| PathBuf::from("testigo-data"));
    let clock = match std::env::var("TESTIGO_NOW") {
        Ok(text) => {
            let wrong = "TESTIGO_NOW is an instant, such as 2026-10-20T12:00:00Z";
            Clock::fixed(parse_rfc3339(&text).ok_or_else(|| Failure::usage(wrong))?)
        }
        Err(_) => Clock::System,
    };
    let loaded = config::load(&data, cli.config.as_deref())?;
    trace(&loaded.config.log)?;
    let context = Context { data, json: cli.json, clock, loaded };
    match cli.command {
        Command::Init(arguments) => commands::init::run(&context, &arguments),
        Command::Source(command) => commands::source::run(&context, &command),
        Command::Import(arguments) => commands::import::run(&context, &arguments),
        Command::Mapping(command) => commands::mapping::run(&context, &command),
        Command::Serve(arguments) => commands::serve::run(&context, &arguments),
        Command::Work(arguments) => commands::work::run(&context, &arguments),
        Command::Queue(command) => commands::queue::run(&context, &command),
        Command::Status => commands::status::run(&context),
        Command::Normalize(arguments) => commands::normalize::run(&context, &arguments),
        Command::Export(arguments) => commands::export::run(&context, &arguments),
        Command::Snapshot => commands::snapshot::run(&context),
        Command::Brief(arguments) => commands::brief::run(&context, &arguments),
        Command::Verify(arguments) => commands::verify::run(&context, &arguments),
        Command::Disclosure(command) => commands::disclosure::run(&context, &command),
        Command::DeadLetters(command) => commands::dead_letters::run(&context, &command),
        Command::Keys(command) => commands::keys::run(&context, &command),
        Command::Simulate(arguments) => commands::simulate::run(&context, &arguments),
        Command::Demo(arguments) => commands::demo::run(&context, &arguments),
        Command::Schema(arguments) => commands::schema::run(&arguments),
        Command::Backup(arguments) => commands::backup::run(&context, &arguments),
        Command::Restore(arguments) => commands::backup::restore(&context, &arguments),
        Command::Store(command) => commands::store::run(&context, &command),
        Command::Doctor => commands::doctor::run(&context),
        Command::Config => commands::show_config::run(&context),
    }
}

/// Logs go to stderr: level and form by configuration, `RUST_LOG` for who looks for a fault.
fn trace(log: &config::Log) -> Result<(), Failure> {
    use tracing_subscriber::EnvFilter;
    let wrong = |_| Failure::usage("log.level: expected one of error, warn, info, debug, trace");
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new(&log.level)).map_err(wrong)?;
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // In a process that runs twice (tests) the first subscriber stays.
    let _ = match log.format {
        config::LogFormat::Text => base.with_ansi(false).try_init(),
        config::LogFormat::Json => base.json().try_init(),
    };
    Ok(())
}

/// The outcome of something that may have rejected rows.
#[must_use]
pub(crate) const fn rejected_outcome(rejected: u64) -> Outcome {
    if rejected > 0 { Outcome::SomeRejected } else { Outcome::Done }
}
