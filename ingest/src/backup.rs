//! Backups: all that a data directory needs to go on elsewhere, in one file that only the recipients can open.
//!
//! What always holds: store and queue are views of moments a breath apart, the store's first, and the queue's holds all that
//! the store's still needs, so nothing that was acknowledged before the backup began is missing and nothing is there
//! twice; the file is encrypted as a whole to age recipients, so it yields nothing to who has the machine and not the
//! identity; no copy in the clear lies anywhere but, while the backup is made, in the data directory; nothing is ever
//! overwritten; a directory that is being restored becomes a data directory only once all of it is there and was checked.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use schemas::Clock;
use schemas::clock::rfc3339;
use serde::{Deserialize, Serialize};

use crate::installation::{Installation, InstallationError, QueuePlace, is_postgres};
use crate::keys::{Identity, KeyError, Recipients};
use crate::queue::QueueError;
use crate::queue::sqlite::SqliteQueueView;
use crate::sqlite;
use crate::store::StoreError;
use crate::store::copy::{self, CopyError, Meanwhile, Origin as _};
use crate::store::postgres::PostgresOrigin;
use crate::store::sqlite::{SqliteOrigin, SqliteStore, SqliteTarget};

/// The form of a backup.
const FORM: u32 = 1;
/// The names under which engines lie in a backup, and in the directory that is made from it.
const STORE: &str = "store.sqlite";
const QUEUE: &str = "queue.sqlite";
const ABOUT: &str = "backup.json";
const SETTINGS: &str = "testigo.toml";
/// Where copies in the clear are while a backup is made.
const ROOM: &str = "backup.tmp";
/// How often a pair of views is tried for that fit together.
const TRIES: u32 = 20;

/// What went wrong with a backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{path}: {error}", path = path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{0} exists already: nothing was overwritten")]
    Exists(PathBuf),
    #[error("another backup is being made here just now")]
    Busy,
    #[error("workers code faster than store and queue can be seen together; try again")]
    NoPair,
    #[error("{0}: this identity does not open it, or it is no backup of testigo")]
    DoesNotOpen(PathBuf),
    #[error("{0}: it is damaged or cut off; nothing was restored")]
    Damaged(PathBuf),
    #[error("{0}: it was made by a newer testigo; nothing was restored")]
    Newer(PathBuf),
    #[error("what was restored is not sound ({0}); nothing was left behind")]
    NotSound(String),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Installation(#[from] InstallationError),
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> BackupError + '_ {
    move |error| BackupError::Io { path: path.to_owned(), error }
}

/// What a backup says of itself; the first file in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    form: u32,
    /// When the views were taken.
    pub made_at: String,
    /// What the store was in; here it is a file.
    pub store: Engine,
    /// What the queue was in. That of Kafka is not in the backup.
    pub queue: Engine,
    /// Whether the settings name engines that the restored directory does not hold.
    pub settings_apart: bool,
    /// How many submissions wait in the queue that is in it.
    pub waiting: u64,
}

/// Where something was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    Sqlite,
    Postgres,
    Kafka,
}

/// What is to be backed up, and for whom.
#[derive(Debug)]
pub struct Plan<'a> {
    pub installation: &'a Installation,
    pub queue: &'a QueuePlace,
    pub store_url: &'a str,
    /// The settings in force, where they are in a file.
    pub settings: Option<&'a Path>,
    /// Names the installation without telling its key.
    pub name: &'a str,
    /// Who can open it.
    pub recipients: &'a Recipients,
    pub clock: &'a Clock,
}

/// A backup that was made.
#[derive(Debug)]
pub struct Made {
    pub file: PathBuf,
    pub bytes: u64,
    pub about: About,
}

/// A directory that was restored.
#[derive(Debug)]
pub struct Restored {
    pub about: About,
    /// Where the settings are.
    pub settings: Option<&'static str>,
}

/// The place for copies in the clear. Held by one process at a time, and gone with it or with the next.
struct Room {
    dir: PathBuf,
    lock: File,
}

impl Room {
    fn take(data: &Path) -> Result<Self, BackupError> {
        let dir = data.join(ROOM);
        let failed = |error: io::Error| io_error(&dir)(error);
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(&failed)?;
        let lock = dir.join("lock");
        let lock =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock).map_err(&failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::Busy),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // What a backup that was killed left.
        for entry in fs::read_dir(&dir).map_err(&failed)? {
            let path = entry.map_err(&failed)?.path();
            if !path.ends_with("lock") {
                fs::remove_file(&path).map_err(io_error(&path))?;
            }
        }
        Ok(Self { dir: dir.clone(), lock })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
        let _ = self.lock.unlock();
    }
}

/// The store's view.
enum StoreView {
    Sqlite(SqliteOrigin),
    Postgres(PostgresOrigin),
}

impl StoreView {
    fn open(plan: &Plan<'_>) -> Result<Self, StoreError> {
        Ok(if is_postgres(plan.store_url) {
            Self::Postgres(PostgresOrigin::open(plan.store_url)?)
        } else {
            Self::Sqlite(SqliteOrigin::open(&plan.installation.file(plan.store_url))?)
        })
    }

    fn position(&mut self, queue_id: &str) -> Result<i64, CopyError> {
        match self {
            Self::Sqlite(view) => view.position(queue_id, 0),
            Self::Postgres(view) => view.position(queue_id, 0),
        }
    }

    fn copy_to(&mut self, file: &Path, name: &str) -> Result<(), BackupError> {
        match self {
            Self::Sqlite(view) => view.copy_to(file)?,
            Self::Postgres(view) => {
                let mut target = SqliteTarget::open(file)?;
                copy::copy(view, &mut target, name, Meanwhile::GoesOn, &mut |_, _| {})?;
                target.close()?;
            }
        }
        Ok(())
    }
}

/// A view of the store, one of the embedded queue that holds all that the store's still needs, and how much that is.
/// The store's comes first: what was forgotten between the two would be missing, and then another pair is taken.
fn views(plan: &Plan<'_>) -> Result<(StoreView, Option<(SqliteQueueView, u64)>), BackupError> {
    for _ in 0..TRIES {
        let mut store = StoreView::open(plan)?;
        if plan.queue.topic()?.is_some() {
            return Ok((store, None));
        }
        let queue = SqliteQueueView::open(&plan.installation.file(&plan.queue.url))?;
        let position = store.position(queue.queue_id())?;
        if queue.holds_from(position) {
            let waiting = queue.waiting(position);
            return Ok((store, Some((queue, waiting))));
        }
    }
    Err(BackupError::NoPair)
}

/// Makes a backup. `out` is a file that is not there yet, or a directory to make one in.
pub fn make(plan: &Plan<'_>, out: &Path) -> Result<Made, BackupError> {
    let made_at = plan.clock.now();
    let file = if out.is_dir() {
        out.join(format!("testigo-{}.backup.age", made_at.format("%Y%m%dT%H%M%SZ")))
    } else {
        out.to_owned()
    };
    if file.exists() {
        return Err(BackupError::Exists(file));
    }
    let data = plan.installation.dir();
    let room = Room::take(data)?;
    let (mut store, queue) = views(plan)?;
    let waiting = queue.as_ref().map_or(0, |(_, waiting)| *waiting);
    let mut parts: Vec<(String, PathBuf)> = Vec::new();
    let copied = room.dir.join(STORE);
    store.copy_to(&copied, plan.name)?;
    drop(store);
    parts.push((STORE.to_owned(), copied));
    if let Some((queue, _)) = queue {
        let copied = room.dir.join(QUEUE);
        queue.copy_to(&copied)?;
        parts.push((QUEUE.to_owned(), copied));
    }
    if let Some(settings) = plan.settings {
        parts.push((SETTINGS.to_owned(), settings.to_owned()));
    }
    for name in ["keys", "ledger"] {
        collect(&data.join(name), name, &mut parts)?;
    }
    let as_usual = |url: &str, name: &str| url == format!("sqlite:{name}");
    let about = About {
        form: FORM,
        made_at: rfc3339(made_at),
        store: if is_postgres(plan.store_url) { Engine::Postgres } else { Engine::Sqlite },
        queue: if plan.queue.topic()?.is_some() { Engine::Kafka } else { Engine::Sqlite },
        settings_apart: !as_usual(&plan.queue.url, QUEUE) || !as_usual(plan.store_url, STORE),
        waiting,
    };
    let bytes = write(&file, &about, &parts, plan.recipients)?;
    Ok(Made { file, bytes, about })
}

/// Every file below a directory, under a name in the backup. An identity that somebody left there is not one of them:
/// a backup that could be opened with what is in it would be none.
fn collect(dir: &Path, name: &str, parts: &mut Vec<(String, PathBuf)>) -> Result<(), BackupError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error(dir)(error)),
    };
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>().map_err(io_error(dir))?;
    paths.sort();
    for path in paths {
        let Some(last) = path.file_name().and_then(|last| last.to_str()) else { continue };
        let name = format!("{name}/{last}");
        if path.is_dir() {
            collect(&path, &name, parts)?;
        } else if path.is_file() && !holds_identity(&path).map_err(io_error(&path))? {
            parts.push((name, path));
        }
    }
    Ok(())
}

/// Whether a file holds a private age key.
pub fn holds_identity(path: &Path) -> io::Result<bool> {
    // An identity file is short.
    let mut start = zeroize::Zeroizing::new(Vec::new());
    File::open(path)?.take(64 << 10).read_to_end(&mut start)?;
    Ok(start.windows(15).any(|w| w == b"AGE-SECRET-KEY-"))
}

/// Writes the archive under another name first, so that a file of the wanted name is always whole.
fn write(file: &Path, about: &About, parts: &[(String, PathBuf)], recipients: &Recipients) -> Result<u64, BackupError> {
    let mut half = file.as_os_str().to_owned();
    half.push(".part");
    let half = PathBuf::from(half);
    let failed = io_error(&half);
    let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists { BackupError::Exists(half.clone()) } else { failed(error) }
    })?;
    let written = archive(&out, about, parts, recipients).and_then(|()| {
        out.sync_all().map_err(&failed)?;
        let bytes = out.metadata().map_err(&failed)?.len();
        // Unlike renaming, linking does not overwrite.
        fs::hard_link(&half, file)
            .or_else(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Err(error),
                _ => fs::rename(&half, file),
            })
            .map_err(io_error(file))?;
        Ok(bytes)
    });
    let _ = fs::remove_file(&half);
    let bytes = written?;
    sync_dir(file.parent())?;
    Ok(bytes)
}

fn sync_dir(dir: Option<&Path>) -> Result<(), BackupError> {
    let dir = dir.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_error(dir))
}

fn archive(out: &File, about: &About, parts: &[(String, PathBuf)], recipients: &Recipients) -> Result<(), BackupError> {
    let failed = |error: io::Error| BackupError::Io { path: PathBuf::from("the backup"), error };
    let other = |error: String| failed(io::Error::other(error));
    let sealed = age::Encryptor::with_recipients(recipients.iter()).map_err(|error| other(error.to_string()))?;
    let sealed = sealed.wrap_output(BufWriter::with_capacity(256 << 10, out)).map_err(failed)?;
    let mut archive = tar::Builder::new(sealed);
    let mut head = tar::Header::new_gnu();
    head.set_mode(0o600);
    let text = serde_json::to_vec(about).map_err(|error| other(error.to_string()))?;
    head.set_size(text.len() as u64);
    archive.append_data(&mut head, ABOUT, text.as_slice()).map_err(failed)?;
    for (name, path) in parts {
        let file = File::open(path).map_err(io_error(path))?;
        head.set_size(file.metadata().map_err(io_error(path))?.len());
        archive.append_data(&mut head, name, BufReader::with_capacity(256 << 10, file)).map_err(io_error(path))?;
    }
    let sealed = archive.into_inner().map_err(failed)?;
    sealed.finish().map_err(failed)?.flush().map_err(failed)
}

/// Makes a data directory from a backup. `dir` must not be there, or be empty.
pub fn restore(file: &Path, identity: &Identity, dir: &Path) -> Result<Restored, BackupError> {
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(BackupError::Exists(dir.to_owned()));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error(dir)(error)),
    }
    // Beside it, so that the last step is a renaming.
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(io_error(parent))?;
    let room = tempfile::Builder::new()
        .prefix(".testigo-restore-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .tempdir_in(parent)
        .map_err(io_error(parent))?;
    let (about, settings) = unpack(file, identity, room.path())?;
    check(room.path(), &about)?;
    let whole = room.keep();
    let done = fs::rename(&whole, dir).map_err(io_error(dir)).and_then(|()| sync_dir(Some(parent)));
    if done.is_err() {
        let _ = fs::remove_dir_all(&whole);
    }
    done?;
    Ok(Restored { about, settings })
}

fn unpack(file: &Path, identity: &Identity, to: &Path) -> Result<(About, Option<&'static str>), BackupError> {
    let input = File::open(file).map_err(io_error(file))?;
    let closed = || BackupError::DoesNotOpen(file.to_owned());
    let damaged = |_: io::Error| BackupError::Damaged(file.to_owned());
    let opened = age::Decryptor::new_buffered(BufReader::with_capacity(256 << 10, input)).map_err(|_| closed())?;
    let opened = opened.decrypt(std::iter::once(identity.as_age() as &dyn age::Identity)).map_err(|_| closed())?;
    let mut archive = tar::Archive::new(opened);
    let mut about: Option<About> = None;
    let mut settings = None;
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.into_owned();
        let Some(about) = &about else {
            // What is first tells what the rest is.
            if name != Path::new(ABOUT) {
                return Err(closed());
            }
            let read: About = serde_json::from_reader(&mut entry).map_err(|_| closed())?;
            if read.form > FORM {
                return Err(BackupError::Newer(file.to_owned()));
            }
            about = Some(read);
            continue;
        };
        let mut target = to.to_owned();
        for part in name.components() {
            match part {
                Component::Normal(part) => target.push(part),
                _ => return Err(BackupError::Damaged(file.to_owned())),
            }
        }
        if name == Path::new(SETTINGS) {
            let called = if about.settings_apart { "testigo.toml.backup" } else { SETTINGS };
            target = to.join(called);
            settings = Some(called);
        }
        if let Some(parent) = target.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(io_error(parent))?;
        }
        let failed = io_error(&target);
        let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target).map_err(&failed)?;
        let mut out = BufWriter::with_capacity(256 << 10, out);
        let mut part = [0; 64 << 10];
        loop {
            match entry.read(&mut part).map_err(damaged)? {
                0 => break,
                n => out.write_all(&part[..n]).map_err(&failed)?,
            }
        }
        let out = out.into_inner().map_err(|error| failed(error.into_error()))?;
        out.sync_all().map_err(&failed)?;
    }
    // The end of the archive is not the end of what is sealed: read on, so that a file that was cut off is told.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(damaged)?;
    let about = about.ok_or_else(closed)?;
    Ok((about, settings))
}

/// Checks what was unpacked: that it is a data directory, that its files are sound, and that queue and store go together.
fn check(dir: &Path, about: &About) -> Result<(), BackupError> {
    Installation::open(dir)?;
    let sound = |name: &str| -> Result<(), BackupError> {
        match sqlite::check(&dir.join(name)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(said)) => Err(BackupError::NotSound(format!("{name}: {said}"))),
            Err(error) => Err(BackupError::NotSound(format!("{name}: {error}"))),
        }
    };
    sound(STORE)?;
    SqliteStore::open(&dir.join(STORE))?;
    if about.queue == Engine::Sqlite {
        sound(QUEUE)?;
        let queue = SqliteQueueView::open(&dir.join(QUEUE))?;
        let position = SqliteOrigin::open(&dir.join(STORE))?.position(queue.queue_id(), 0)?;
        if !queue.holds_from(position) {
            return Err(BackupError::NotSound("the queue does not hold what the store still needs".to_owned()));
        }
    }
    for entry in fs::read_dir(dir).map_err(io_error(dir))? {
        let path = entry.map_err(io_error(dir))?.path();
        if path.is_dir() {
            sync_dir(Some(&path))?;
        }
    }
    sync_dir(Some(dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_that_was_left_among_the_keys_goes_into_no_backup() {
        let dir = tempfile::tempdir().expect("a directory");
        let keys = dir.path().join("keys");
        fs::create_dir(&keys).expect("made");
        fs::write(keys.join("queue.key"), [1; 32]).expect("written");
        Identity::generate().write(&keys.join("identity.txt")).expect("written");
        let mut parts = Vec::new();
        collect(&keys, "keys", &mut parts).expect("read");
        assert_eq!(parts.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["keys/queue.key"]);
    }

    #[test]
    fn one_backup_at_a_time_and_what_a_killed_one_left_is_wiped() {
        let dir = tempfile::tempdir().expect("a directory");
        let room = Room::take(dir.path()).expect("taken");
        assert!(matches!(Room::take(dir.path()), Err(BackupError::Busy)));
        let left = room.dir.join(STORE);
        fs::write(&left, b"coded rows").expect("written");
        // Killed: its lock goes, its files stay.
        let Room { lock, .. } = &room;
        lock.unlock().expect("unlocked");
        let _again = Room::take(dir.path()).expect("taken");
        assert!(!left.exists());
    }
}
