//! The ledger: every table of every edition that this store ever published, in the data directory.
//!
//! What always holds: an entry is never changed, and none goes away. It is on the disk before its brief is moved into its
//! place, under a name that ends in `.pending`; after a crash between the two the staging directory tells which came last: it
//! still holds the brief (nothing was published, the entry goes) or not (it counts). One process at a time holds it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::sheet::{Sheet, Sheets};

const ENTRY: &str = "entry.json";
const PENDING: &str = ".pending";

/// One edition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The state that it is for; none: everywhere.
    pub state: Option<String>,
    pub period: String,
    pub edition: u32,
    /// Why there is another edition, as it was given.
    pub reason: Option<String>,
    pub data_as_of: String,
    pub snapshot_id: String,
    /// Names what it was made from: header and numbers, before disclosure control.
    pub fingerprint: String,
    /// For each month of a table a name of its true numbers, so that a later brief knows what has not changed.
    pub blocks: BTreeMap<String, String>,
    /// The tables that it printed.
    pub tables: Vec<String>,
}

/// Where an entry's brief waits until it is moved to its place.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    staged: PathBuf,
    entry: Entry,
}

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error(
        "{0} is no entry of the ledger: it does not read. Nothing is published without the whole ledger; put a copy back"
    )]
    Unreadable(PathBuf),
}

/// The ledger, held by this process.
#[derive(Debug)]
pub struct Ledger {
    dir: PathBuf,
    entries: Vec<Entry>,
    /// Its lock goes with it.
    _lock: File,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> LedgerError {
    let path = path.to_owned();
    move |error| LedgerError::Io { path, error }
}

fn sync(dir: &Path) -> Result<(), LedgerError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(at(dir))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    File::create(path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all())).map_err(at(path))
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, LedgerError> {
    let bytes = fs::read(path).map_err(at(path))?;
    serde_json::from_slice(&bytes).map_err(|_| LedgerError::Unreadable(path.to_owned()))
}

impl Ledger {
    /// Opens the ledger in this directory, makes it where there is none, and settles what a crash left.
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        fs::create_dir_all(dir).map_err(at(dir))?;
        let path = dir.join("lock");
        let lock = File::options().create(true).append(true).open(&path).map_err(at(&path))?;
        lock.lock().map_err(at(&path))?;
        let mut names: Vec<String> = Vec::new();
        for found in fs::read_dir(dir).map_err(at(dir))? {
            names.push(found.map_err(at(dir))?.file_name().to_string_lossy().into_owned());
        }
        names.retain(|name| name.starts_with(|c: char| c.is_ascii_digit()));
        names.sort();
        let mut entries = Vec::new();
        for name in names {
            let path = dir.join(&name);
            if let Some(number) = name.strip_suffix(PENDING) {
                // Written whole, or its brief was never moved.
                let whole: Result<Waiting, _> = read(&path.join("waiting.json"));
                let Some(waiting) = whole.ok().filter(|waiting| !waiting.staged.exists()) else {
                    fs::remove_dir_all(&path).map_err(at(&path))?;
                    continue;
                };
                fs::rename(&path, dir.join(number)).map_err(at(&path))?;
                sync(dir)?;
                entries.push(waiting.entry);
            } else {
                entries.push(read(&path.join(ENTRY))?);
            }
        }
        Ok(Self { dir: dir.to_owned(), entries, _lock: lock })
    }

    /// Every entry, the oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A table of an entry as it was printed.
    pub fn table(&self, entry: usize, name: &str) -> Result<Vec<u8>, LedgerError> {
        let path = self.dir.join(number(entry)).join(format!("{name}.csv"));
        fs::read(&path).map_err(at(&path))
    }

    /// The tables of an entry.
    pub(crate) fn sheets(&self, entry: usize) -> Result<Sheets, LedgerError> {
        let mut sheets = Sheets::default();
        for name in &self.entries[entry].tables {
            let path = self.dir.join(number(entry)).join(format!("{name}.csv"));
            let sheet = Sheet::parse(&self.table(entry, name)?).map_err(|_| LedgerError::Unreadable(path))?;
            sheets.insert(name, sheet);
        }
        Ok(sheets)
    }

    /// Enters an edition whose brief stands in `staged` and will be moved away from there next.
    pub(crate) fn enter(&self, entry: &Entry, tables: &[(&str, &[u8])], staged: &Path) -> Result<Pending, LedgerError> {
        let name = number(self.entries.len());
        let path = self.dir.join(format!("{name}{PENDING}"));
        fs::create_dir_all(&path).map_err(at(&path))?;
        for (name, bytes) in tables {
            write(&path.join(format!("{name}.csv")), bytes)?;
        }
        let json = |value: serde_json::Result<Vec<u8>>| value.map_err(|_| LedgerError::Unreadable(path.clone()));
        write(&path.join(ENTRY), &json(serde_json::to_vec_pretty(entry))?)?;
        let staged = fs::canonicalize(staged).map_err(at(staged))?;
        // The last one: without it the entry is not whole.
        let waiting = Waiting { staged, entry: entry.clone() };
        let last = path.join("waiting.json");
        write(&path.join("waiting.new"), &json(serde_json::to_vec(&waiting))?)?;
        fs::rename(path.join("waiting.new"), &last).map_err(at(&last))?;
        sync(&path)?;
        sync(&self.dir)?;
        Ok(Pending { dir: self.dir.clone(), path, name })
    }
}

/// An entry whose brief is on its way.
#[derive(Debug)]
pub(crate) struct Pending {
    dir: PathBuf,
    path: PathBuf,
    name: String,
}

impl Pending {
    /// The brief is in its place.
    pub(crate) fn done(self) -> Result<(), LedgerError> {
        fs::rename(&self.path, self.dir.join(&self.name)).map_err(at(&self.path))?;
        sync(&self.dir)
    }

    /// The brief could not be moved.
    pub(crate) fn undo(self) {
        // Where this fails too, the next one to open the ledger does it.
        drop(fs::remove_dir_all(&self.path));
    }
}

fn number(entry: usize) -> String {
    format!("{:06}", entry + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(edition: u32) -> Entry {
        Entry {
            state: None,
            period: "2026-09".into(),
            edition,
            reason: None,
            data_as_of: "2026-10-20T00:00:00Z".into(),
            snapshot_id: "s".into(),
            fingerprint: edition.to_string(),
            blocks: BTreeMap::new(),
            tables: vec!["county_month".into()],
        }
    }

    #[test]
    fn after_a_crash_an_entry_counts_exactly_where_its_brief_was_moved() {
        let home = tempfile::tempdir().expect("a directory");
        let (dir, staged) = (home.path().join("ledger"), home.path().join("staged"));
        let tables: [(&str, &[u8]); 1] = [("county_month", b"month,reports\n2026-09,7\n")];
        let open = || Ledger::open(&dir).expect("opens");
        let editions = |ledger: &Ledger| ledger.entries().iter().map(|e| e.edition).collect::<Vec<_>>();
        fs::create_dir(&staged).expect("made");
        // A crash before the move: it never was.
        drop(open().enter(&entry(1), &tables, &staged).expect("entered"));
        assert_eq!(editions(&open()), [0u32; 0]);
        // A crash after it.
        drop(open().enter(&entry(1), &tables, &staged).expect("entered"));
        fs::remove_dir(&staged).expect("moved away");
        let ledger = open();
        assert_eq!(editions(&ledger), [1]);
        assert_eq!(ledger.table(0, "county_month").expect("reads"), tables[0].1);
        // No crash; and one that left half an entry.
        fs::create_dir(&staged).expect("made");
        ledger.enter(&entry(2), &tables, &staged).expect("entered").done().expect("done");
        drop(ledger);
        fs::create_dir(dir.join("000003.pending")).expect("made");
        assert_eq!(editions(&open()), [1, 2]);
        assert!(!dir.join("000003.pending").exists());
        fs::write(dir.join("000001").join(ENTRY), "{").expect("written");
        assert!(matches!(Ledger::open(&dir), Err(LedgerError::Unreadable(_))));
    }
}
