//! What the benchmarks share: the command under test, a data directory of its own for each run, and where it lies.
//!
//! What always holds: a run begins with a fresh directory and leaves nothing behind; a directory in memory (tmpfs) is
//! refused, because an fsync there costs nothing and the figures would be too good.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The exit code of a command that finished and rejected some rows.
const SOME_REJECTED: i32 = 3;

/// What every benchmark can be told.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// The command to measure [default: the one that cargo built with this benchmark]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where the runs' directories are made, on a real disk [default: cargo's directory for this target]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// cargo passes this to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

impl Common {
    /// The command under test.
    pub fn testigo(&self) -> Result<Testigo> {
        let built = option_env!("CARGO_BIN_EXE_testigo").map(PathBuf::from);
        let binary = self.binary.clone().or(built).context("say which command to measure: --binary FILE")?;
        ensure!(binary.is_file(), "{}: there is no such command", binary.display());
        Ok(Testigo { binary })
    }

    /// The place for the runs, and the kind of file system it lies on.
    pub fn place(&self) -> Result<Place> {
        let dir = self.dir.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let filesystem = filesystem(&dir)?;
        if matches!(filesystem.as_str(), "tmpfs" | "ramfs") {
            bail!(
                "{} is in memory ({filesystem}), where an fsync costs nothing: name a disk with --dir",
                dir.display()
            );
        }
        Ok(Place { dir, filesystem })
    }
}

/// Where runs write.
#[derive(Debug)]
pub struct Place {
    dir: PathBuf,
    /// As the kernel names it: `ext4`, `xfs`, `overlay`.
    pub filesystem: String,
}

impl Place {
    /// A fresh directory, gone when it is dropped.
    pub fn fresh(&self) -> Result<tempfile::TempDir> {
        tempfile::tempdir_in(&self.dir).with_context(|| format!("cannot write in {}", self.dir.display()))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.dir.display(), self.filesystem)
    }
}

/// What the figures depend on beside the code: processors, and what else was running just before.
pub fn machine() -> Result<String> {
    let load = std::fs::read_to_string("/proc/loadavg").context("the load is read from /proc")?;
    let last_minute = load.split(' ').next().unwrap_or_default();
    Ok(format!("{} processors, load {last_minute} in the minute before", std::thread::available_parallelism()?))
}

/// The kind of the file system of a directory: that of the longest mount point which the path begins with.
fn filesystem(dir: &Path) -> Result<String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").context("the mounts are read from /proc")?;
    let mut found = None;
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(point), Some(kind)) = (words.next(), words.next()) else { continue };
        let depth = Path::new(point).components().count();
        // Of two mounts on one point the later hides the earlier.
        if dir.starts_with(point) && found.as_ref().is_none_or(|(deepest, _)| depth >= *deepest) {
            found = Some((depth, kind.to_owned()));
        }
    }
    found.map(|(_, kind)| kind).with_context(|| format!("{} lies on no known mount", dir.display()))
}

/// The command under test.
#[derive(Debug)]
pub struct Testigo {
    binary: PathBuf,
}

impl Testigo {
    /// The command on a data directory, with a log that says only what goes wrong.
    pub fn command(&self, data: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--data").arg(data).env_remove("TESTIGO_NOW").env("RUST_LOG", "warn").stdin(Stdio::null());
        command
    }

    /// Runs a subcommand to its end and returns its stdout. Rows that were rejected are no failure here.
    pub fn run(&self, data: &Path, arguments: &[&OsStr]) -> Result<String> {
        let output = self.command(data).args(arguments).output().context("the command does not start")?;
        if !output.status.success() && output.status.code() != Some(SOME_REJECTED) {
            bail!("testigo {arguments:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Makes a data directory. Its identity is made beside it, where the directory of the run takes it away again.
    pub fn init(&self, data: &Path) -> Result<()> {
        let identity = data.with_extension("identity");
        self.run(data, &["init".as_ref(), "--identity-out".as_ref(), identity.as_os_str()])?;
        Ok(())
    }

    /// What `status --json` says.
    pub fn status(&self, data: &Path) -> Result<Status> {
        let told: Value = serde_json::from_str(&self.run(data, &["--json".as_ref(), "status".as_ref()])?)?;
        let count = |key: &str| told[key].as_u64().with_context(|| format!("status tells no {key:?}"));
        Ok(Status { received: count("received")?, waiting: count("waiting")? })
    }
}

/// The counts of `status` that the benchmarks check.
#[derive(Debug, PartialEq, Eq)]
pub struct Status {
    pub received: u64,
    pub waiting: u64,
}

/// The middle one of a few figures; of an even number the mean of the middle two.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => figures[n / 2],
        n => f64::midpoint(figures[n / 2 - 1], figures[n / 2]),
    }
}
