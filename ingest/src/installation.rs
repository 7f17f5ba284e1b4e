//! The data directory: its keys, its files, and the lease of its one worker.
//!
//! What always holds: a directory is made once and never overwritten; everything in it is readable by its owner only and
//! is named in [`CONTENTS`]; while a process holds the lease, no other codes.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::ids::{InstallationKey, ReportId};
use schemas::{Clock, Sensitive};

use crate::keys::{Identity, KeyError, Recipients, SecretKey, random, read_key, write_private};
use crate::queue::kafka::{KafkaIntake, KafkaIntakeOptions, KafkaLog, KafkaTopic};
use crate::queue::sqlite::{SqliteIntake, SqliteIntakeOptions, SqliteLog};
use crate::queue::{Intake, Log, QueueError};
use crate::seal::{OriginalSealer, QueueCipher, SealError, open_original};
use crate::store::postgres::PostgresStore;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};

/// What lies in a data directory, and why.
pub const CONTENTS: &[(&str, &str)] = &[
    ("testigo.toml", "settings, each with its default; change nothing and it runs"),
    (
        "keys/installation.key",
        "makes receipts and tells repeats; with another key everything old would look new: back it up",
    ),
    ("keys/queue.key", "opens what waits in the queue and the dead letters; needed to code it"),
    ("keys/recipients.txt", "who may open originals (public keys)"),
    ("queue.sqlite", "what was accepted and is not coded yet, encrypted (with -wal and -shm beside it)"),
    ("store.sqlite", "coded rows, rejects, sealed originals, sources (with -wal and -shm beside it)"),
    ("worker.lock", "which process codes just now"),
    ("ledger/", "what was published, table by table: later briefs are held against it"),
    ("backup.tmp/", "only while a backup is made"),
    ("snapshot/", "the coded rows as Parquet, for briefs and analysts"),
];

/// What is wrong with a data directory.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    #[error("{path}: {error}", path = path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{0} is no data directory of testigo: make one with `testigo init`, or name yours with --data")]
    Missing(PathBuf),
    #[error("{0} holds something already: nothing was overwritten; name a new directory with --data")]
    Exists(PathBuf),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the new keys do not open what they seal: {0}")]
    RoundTrip(#[from] SealError),
}

/// Somebody else codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("another worker codes here ({holder}): one at a time; it ends with its process")]
pub struct LeaseHeld {
    /// What the holder wrote of itself.
    pub holder: String,
}

/// Where the queue is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuePlace {
    /// `sqlite:PATH` or `kafka://HOST:PORT[,HOST:PORT]/TOPIC`.
    pub url: String,
    /// librdkafka's settings, for Kafka.
    pub kafka: BTreeMap<String, String>,
}

impl QueuePlace {
    /// The topic, where it is one.
    pub fn topic(&self) -> Result<Option<KafkaTopic>, QueueError> {
        let is_kafka = self.url.starts_with("kafka://");
        is_kafka.then(|| KafkaTopic::parse(&self.url, self.kafka.clone())).transpose()
    }
}

/// Whether a store's URL names PostgreSQL.
#[must_use]
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// An opened data directory.
#[derive(Clone)]
pub struct Installation {
    dir: PathBuf,
    key: Arc<InstallationKey>,
    queue_key: SecretKey,
    recipients: Recipients,
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installation").field("dir", &self.dir).finish_non_exhaustive()
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> InstallationError {
    let path = path.to_owned();
    move |error| InstallationError::Io { path, error }
}

impl Installation {
    /// Makes a data directory with new keys. An empty directory may be there already; anything in it stops.
    pub fn create(dir: &Path, recipients: &Recipients) -> Result<Self, InstallationError> {
        match fs::read_dir(dir) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(InstallationError::Exists(dir.to_owned()));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error(dir)(error)),
        }
        let keys = dir.join("keys");
        DirBuilder::new().recursive(true).mode(0o700).create(&keys).map_err(io_error(&keys))?;
        write_private(&keys.join("installation.key"), random::<32>()?.as_slice())?;
        write_private(&keys.join("queue.key"), random::<32>()?.as_slice())?;
        write_private(&keys.join("recipients.txt"), recipients.to_string().as_bytes())?;
        Self::open(dir)
    }

    /// Opens a data directory.
    pub fn open(dir: &Path) -> Result<Self, InstallationError> {
        let keys = dir.join("keys");
        if !keys.join("installation.key").exists() {
            return Err(InstallationError::Missing(dir.to_owned()));
        }
        let path = keys.join("recipients.txt");
        let recipients = Recipients::parse(&fs::read_to_string(&path).map_err(io_error(&path))?)?;
        Ok(Self {
            dir: dir.to_owned(),
            key: Arc::new(InstallationKey::from_bytes(*read_key(&keys.join("installation.key"))?)),
            queue_key: read_key(&keys.join("queue.key"))?,
            recipients,
        })
    }

    /// Seals a text as originals are sealed, and opens it again.
    pub fn check_round_trip(&self, identity: &Identity) -> Result<(), SealError> {
        let sealer = OriginalSealer::new(&self.recipients)?;
        let report = ReportId::from_bytes([0; 16]);
        let text = Sensitive::new(b"testigo".to_vec());
        let sealed = sealer.seal(report, &text);
        let opened = open_original(identity, &sealer.finish(), report, &sealed)?;
        if opened == text { Ok(()) } else { Err(SealError::DoesNotOpen) }
    }

    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    #[must_use]
    pub const fn key(&self) -> &Arc<InstallationKey> {
        &self.key
    }

    #[must_use]
    pub const fn recipients(&self) -> &Recipients {
        &self.recipients
    }

    #[must_use]
    pub fn cipher(&self) -> QueueCipher {
        QueueCipher::new(&self.queue_key)
    }

    /// The file that a `sqlite:PATH` names; a path that is not absolute is one in this directory.
    #[must_use]
    pub fn file(&self, url: &str) -> PathBuf {
        self.dir.join(url.strip_prefix("sqlite:").unwrap_or(url))
    }

    pub fn intake(&self, queue: &QueuePlace, clock: Clock) -> Result<Box<dyn Intake>, QueueError> {
        Ok(match queue.topic()? {
            Some(topic) => Box::new(KafkaIntake::open(&topic, self.cipher(), clock, KafkaIntakeOptions::default())?),
            None => {
                let options = SqliteIntakeOptions::default();
                Box::new(SqliteIntake::open(&self.file(&queue.url), self.cipher(), clock, options)?)
            }
        })
    }

    pub fn log(&self, queue: &QueuePlace) -> Result<Box<dyn Log>, QueueError> {
        Ok(match queue.topic()? {
            Some(topic) => Box::new(KafkaLog::open(&topic, self.cipher())?),
            None => Box::new(SqliteLog::open(&self.file(&queue.url), self.cipher())?),
        })
    }

    pub fn store(&self, url: &str) -> Result<Box<dyn Store>, StoreError> {
        Ok(if is_postgres(url) {
            Box::new(PostgresStore::open(url)?)
        } else {
            Box::new(SqliteStore::open(&self.file(url))?)
        })
    }

    /// Takes the worker's lease, or says who has it.
    pub fn lease(&self, clock: &Clock) -> Result<Result<Lease, LeaseHeld>, InstallationError> {
        let path = self.dir.join("worker.lock");
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io_error(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.take(500).read_to_string(&mut holder).map_err(io_error(&path))?;
                let holder = holder.trim();
                let holder = if holder.is_empty() { "it did not say who it is" } else { holder };
                return Ok(Err(LeaseHeld { holder: holder.to_owned() }));
            }
            Err(TryLockError::Error(error)) => return Err(io_error(&path)(error)),
        }
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let since = schemas::clock::rfc3339(clock.now());
        let text = format!("process {} on {}, since {since}\n", std::process::id(), host.trim());
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(text.as_bytes())
        };
        write().map_err(io_error(&path))?;
        Ok(Ok(Lease(file)))
    }
}

/// The right to code. A process that is killed drops it at once, because the system does.
#[derive(Debug)]
pub struct Lease(File);

impl Drop for Lease {
    fn drop(&mut self) {
        // The lock goes with the file; the name of the holder should go before it.
        let _ = self.0.set_len(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_directory_is_made_once_for_its_owner_only() {
        let parent = tempfile::tempdir().expect("a directory");
        let dir = parent.path().join("data");
        let identity = Identity::generate();
        let made = Installation::create(&dir, &identity.recipient()).expect("made");
        made.check_round_trip(&identity).expect("opens");
        assert!(made.check_round_trip(&Identity::generate()).is_err());
        assert!(matches!(Installation::create(&dir, &identity.recipient()), Err(InstallationError::Exists(_))));
        let mode = |path: &str| fs::metadata(dir.join(path)).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode("keys"), mode("keys/queue.key"), mode("keys/installation.key")), (0o700, 0o600, 0o600));
        let again = Installation::open(&dir).expect("opens");
        assert_eq!(again.key().report_id("a", "1"), made.key().report_id("a", "1"));
        assert!(matches!(Installation::open(parent.path()), Err(InstallationError::Missing(_))));
    }

    #[test]
    fn a_second_worker_is_told_who_the_first_is() {
        let parent = tempfile::tempdir().expect("a directory");
        let made = Installation::create(&parent.path().join("data"), &Identity::generate().recipient()).expect("made");
        let lease = made.lease(&Clock::System).expect("no trouble").expect("free");
        let held = made.lease(&Clock::System).expect("no trouble").expect_err("held");
        assert!(held.holder.contains(&format!("process {}", std::process::id())), "{}", held.holder);
        drop(lease);
        made.lease(&Clock::System).expect("no trouble").expect("free again");
    }
}
