//! The command line: names, flags and help. People script against it, so its names do not change (interface.md).

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Field reports of immigration enforcement in, monthly briefs out. It documents, after the fact, in aggregate.
#[derive(Debug, Parser)]
#[command(
    name = "testigo",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// The data directory [default: ./testigo-data]
    #[arg(long, global = true, env = "TESTIGO_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A configuration file in place of testigo.toml in the data directory
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON object on stdout (NDJSON where a command prints a line a row)
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the data directory: keys, configuration
    Init(Init),
    /// Who may send: add, list, revoke
    #[command(subcommand)]
    Source(SourceCommand),
    /// Files into the queue, and coded; or list and withdraw earlier imports
    #[command(args_conflicts_with_subcommands = true)]
    Import(Import),
    /// A mapping for a table: propose one, or try one on the whole file; stores nothing
    #[command(subcommand)]
    Mapping(MappingCommand),
    /// HTTP intake, and a worker in the same process
    Serve(Serve),
    /// A worker: codes what waits
    Work(Work),
    /// The queue of a deployment on Kafka: make its topic
    #[command(subcommand)]
    Queue(QueueCommand),
    /// What came in and what became of it
    Status,
    /// Wire NDJSON in, coded NDJSON out; stores and sends nothing
    Normalize(Normalize),
    /// Coded rows, or rejects, to a file
    Export(Export),
    /// Bring the Parquet snapshot up to date
    Snapshot,
    /// Publish a brief of a period
    Brief(Brief),
    /// Check a published directory by its files alone
    Verify(Verify),
    /// Hide what must not be printed of any tidy table with totals; or audit such a table
    #[command(subcommand)]
    Disclosure(Disclosure),
    /// Submissions that could not be coded: list, show, retry
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Sealed originals, for who holds the identity; a key to sign briefs with
    #[command(subcommand)]
    Keys(Keys),
    /// Invented reports with their truth
    Simulate(Simulate),
    /// The whole way on invented reports: ends with a brief
    Demo(Demo),
    /// JSON Schema of the wire form, the coded form or the snapshot
    Schema(Schema),
    /// All of it in one encrypted file, while everything goes on
    Backup(Backup),
    /// A data directory from a backup
    Restore(Restore),
    /// The store of a deployment: move it, and say who may do what there
    #[command(subcommand)]
    Store(StoreCommand),
    /// Check a deployment and say what is wrong: disk, keys, clock, queue, store, rights
    Doctor,
    /// The configuration in force, and where each value came from; secrets are left out
    Config,
}

#[derive(Debug, Args)]
pub struct Init {
    /// An age recipient (age1...) that originals are sealed to; may be given several times
    #[arg(long, value_name = "age1...")]
    pub recipient: Vec<String>,
    /// Make an identity and write it here; take the file off this machine
    #[arg(long, value_name = "FILE")]
    pub identity_out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// Add a source; prints its token, once
    Add(SourceAdd),
    /// The sources, without their tokens
    List,
    /// From now on the source's token opens nothing
    Revoke { name: String },
    /// Let a source go on that was paused after too many rejects: what was held of it is coded
    Resume { name: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Kind {
    Hotline,
    Defender,
    CourtWatch,
    Official,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    En,
    Es,
}

impl From<Lang> for schemas::Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Self::En,
            Lang::Es => Self::Es,
        }
    }
}

#[derive(Debug, Args)]
pub struct SourceAdd {
    /// 1 to 64 of a-z 0-9 - _
    pub name: String,
    #[arg(long, value_enum, default_value = "other")]
    pub kind: Kind,
    /// Where its reports are from when they do not say: two letters
    #[arg(long, value_name = "WA")]
    pub state: Option<String>,
    /// The zone of its dates where the place gives none
    #[arg(long, value_name = "America/Los_Angeles")]
    pub zone: Option<String>,
    #[arg(long, value_enum)]
    pub language: Option<Lang>,
    /// The name that it agreed to be printed under; without one it is pooled
    #[arg(long, value_name = "TEXT")]
    pub public_name: Option<String>,
}

#[derive(Debug, Args)]
pub struct Import {
    #[command(subcommand)]
    pub command: Option<ImportCommand>,
    /// Who the reports are from; made if it is new
    #[arg(long, required = true, value_name = "NAME")]
    pub source: Option<String>,
    /// How the file's columns and words become fields and codes
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Code everything and store nothing: a line for each row
    #[arg(long)]
    pub dry_run: bool,
    /// Leave the coding to a worker
    #[arg(long, conflicts_with = "dry_run")]
    pub enqueue_only: bool,
    /// CSV, TSV, XLSX, JSON or NDJSON, told by content
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Every import, and what became of it
    List,
    /// Undo an import: its reports count no longer
    Withdraw { batch: String },
}

#[derive(Debug, Subcommand)]
pub enum MappingCommand {
    /// Propose a mapping from the headers and the values of a table
    Suggest(MappingSuggest),
    /// Try a mapping on the whole file: what would be coded, what rejected and where
    Check(MappingCheck),
}

#[derive(Debug, Args)]
pub struct MappingSuggest {
    /// CSV, TSV, XLSX, JSON or NDJSON, told by content
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write the mapping here and a summary on stdout; without it the mapping goes to stdout. Overwrites nothing
    #[arg(long, value_name = "MAPPING.toml")]
    pub out: Option<PathBuf>,
    /// The sheet of a workbook [default: the first with a table]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Who the reports are from, for the commands that are shown; nothing is looked up
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
}

#[derive(Debug, Args)]
pub struct MappingCheck {
    /// CSV, TSV, XLSX, JSON or NDJSON, told by content
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The mapping to try
    #[arg(long, value_name = "MAPPING.toml")]
    pub mapping: PathBuf,
    /// Who the reports are from, for the command that is shown; nothing is looked up
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Where the source's reports are from when they do not say
    #[arg(long, value_name = "WA")]
    pub state: Option<String>,
    /// The source's zone, for times without one
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    #[arg(long, value_enum)]
    pub language: Option<Lang>,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<std::net::SocketAddr>,
    /// Accept only; another process codes
    #[arg(long)]
    pub no_worker: bool,
}

#[derive(Debug, Args)]
pub struct Work {
    /// End when nothing waits
    #[arg(long)]
    pub drain: bool,
}

#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// Make the topic that queue.url names, set as it has to be
    Create {
        /// How many workers can share the work at the most; cannot well be changed later
        #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(i32).range(1..=1000))]
        partitions: i32,
        /// On how many brokers each report lies; 1 is for trials
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=9))]
        replication: i32,
        /// How long what is coded stays, in days; what is not coded by then is lost
        #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
        keep: u32,
    },
}

#[derive(Debug, Args)]
pub struct Backup {
    /// A file that is not there yet, or a directory to make one in, named by the time
    #[arg(long, value_name = "FILE|DIR")]
    pub out: PathBuf,
    /// Who can open it, in place of those who may open originals; may be given several times
    #[arg(long, value_name = "age1...")]
    pub recipient: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// What `backup` made
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The identity file of one of those that the backup was made for
    #[arg(long, value_name = "FILE")]
    pub identity: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Copy all of it into another, empty one, and check it row by row; goes on where an earlier try stopped
    Copy {
        /// sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE, or env:NAME for the variable that holds it (others on
        /// the machine can read arguments)
        #[arg(long, value_name = "URL")]
        to: String,
        /// The store to copy, written like that [default: store.url]
        #[arg(long, value_name = "URL")]
        from: Option<String>,
    },
    /// SQL for roles of PostgreSQL with no more rights than their work needs; run it as the owner of the tables
    Roles {
        /// Each role is PREFIX_intake, PREFIX_worker, PREFIX_publisher, PREFIX_analyst
        #[arg(long, value_name = "PREFIX", default_value = "testigo")]
        prefix: String,
        /// Run it on store.url, in one transaction
        #[arg(long)]
        apply: bool,
    },
}

#[derive(Debug, Args)]
pub struct Normalize {
    /// Where the reports are from when they do not say
    #[arg(long, value_name = "WA")]
    pub state: Option<String>,
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    #[arg(long, value_enum)]
    pub language: Option<Lang>,
    /// NDJSON; `-` or nothing reads stdin
    pub file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rows {
    Reports,
    Rejects,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Csv,
    Ndjson,
    Parquet,
}

#[derive(Debug, Args)]
pub struct Export {
    #[arg(value_enum)]
    pub rows: Rows,
    #[arg(long, value_enum, default_value = "csv")]
    pub format: Format,
    /// First month of events
    #[arg(long, value_name = "YYYY-MM")]
    pub from: Option<String>,
    /// Last month of events
    #[arg(long, value_name = "YYYY-MM")]
    pub to: Option<String>,
    /// Every version ever stored, not only the current ones
    #[arg(long)]
    pub history: bool,
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Brief {
    /// The month, quarter (2026-Q3) or year that it is for
    #[arg(long, value_name = "YYYY-MM|YYYY-Qn|YYYY")]
    pub period: String,
    /// Only what happened in this state
    #[arg(long, value_name = "NY")]
    pub state: Option<String>,
    /// The language of the text; the tables are the same
    #[arg(long, value_enum, default_value = "en")]
    pub lang: Lang,
    /// Count only what was known at this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub as_of: Option<String>,
    /// Go ahead before 14 days have passed; marked as not publishable, entered in no record
    #[arg(long)]
    pub preview: bool,
    /// Why a brief that is out already comes out again from other data: printed in the new edition
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Publish copies of the tables with a row of HXL tags beside them, in hxl/
    #[arg(long)]
    pub hxl: bool,
    /// The directory to publish
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Whose signature must be on it: a public key's 56 letters, or a file with them
    #[arg(long, value_name = "FILE|PUBKEY")]
    pub key: Option<String>,
    pub dir: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum Disclosure {
    /// Hide small numbers, and what else is needed so that none can be worked out; writes the table with marks and flags
    Protect {
        #[command(flatten)]
        table: TidyTable,
        /// Where to write; otherwise stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Work out what a reader of a protected table can; exit 1 where a hidden number is known too well
    Audit {
        #[command(flatten)]
        table: TidyTable,
    },
}

/// A table in CSV. A total has `all` in a key; where a row has `all`, it is the sum of the rows that differ in that key alone.
#[derive(Debug, Args)]
pub struct TidyTable {
    #[arg(value_name = "TABLE.csv")]
    pub file: PathBuf,
    /// The key columns, by commas
    #[arg(long, required = true, value_delimiter = ',', value_name = "A,B")]
    pub keys: Vec<String>,
    /// The column of counts
    #[arg(long, value_name = "N")]
    pub value: String,
    /// Counts of 1 to k-1 are hidden
    #[arg(long, default_value_t = 5, value_name = "K", value_parser = clap::value_parser!(i64).range(2..=1_000_000))]
    pub k: i64,
}

#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// Rejects that wait: id, source, row, field, code
    List,
    /// One reject: why, and where it came from; never what it says
    Show { id: i64 },
    /// Code them once more: all, or these
    Retry { ids: Vec<i64> },
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Print a report's originals
    Open {
        /// The identity file that `init --identity-out` wrote
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
        /// The report's id (its receipt)
        #[arg(long, value_name = "ID")]
        report: String,
    },
    /// Make a pair of keys to sign briefs with, in the form of minisign; prints the public one
    Signing {
        /// Where the secret key goes; the public one goes to FILE.pub. Overwrites nothing
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// A file whose first line is the key's password [default: publish.signing_password_file, else none]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct Simulate {
    #[arg(long, default_value_t = 24)]
    pub months: u32,
    #[arg(long, default_value_t = 8000)]
    pub reports: u64,
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// The last month
    #[arg(long, value_name = "YYYY-MM", default_value = crate::commands::demo::UNTIL)]
    pub until: String,
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Demo {
    #[arg(long, value_name = "DIR", default_value = "testigo-demo")]
    pub out: PathBuf,
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// The last month, whose brief is made
    #[arg(long, value_name = "YYYY-MM", default_value = crate::commands::demo::UNTIL)]
    pub until: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    Report,
    Coded,
    Dataset,
}

#[derive(Debug, Args)]
pub struct Schema {
    #[arg(value_enum)]
    pub of: SchemaOf,
}
