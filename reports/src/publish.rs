//! A published directory: written whole beside its place, then moved into it.
//!
//! What always holds: a reader never sees half a brief; a directory that testigo did not write is never touched; the same
//! header and tables give the same bytes.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use analytics::disclosure::audit::{Audited, Leak, audit};
use analytics::disclosure::{Earlier, ProtectedTable};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::derived;
use crate::figures;
use crate::findings;
use crate::header::Header;
use crate::ledger::{Entry, Ledger, LedgerError, Pending};
use crate::render;
use crate::sheet::{Sheet, Sheets};
use crate::sign::SigningKey;
use crate::span::Compared;

/// What marks a directory as ours.
pub(crate) const MADE_BY: &str = "testigo";
pub(crate) const MANIFEST: &str = "manifest.json";
/// The manifest's signature, where it has one.
pub(crate) const SIGNATURE: &str = "manifest.json.minisig";

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) made_by: String,
    pub(crate) header: Header,
    /// Each file but this one and its signature, by path.
    pub(crate) files: Vec<FileEntry>,
    /// SHA-256 over the header and all entries, so that no entry can be put right alone.
    pub(crate) entries_sha256: String,
    /// The public key that `manifest.json.minisig` was made with. A reader asks for the one that he knows; this one shows only
    /// that there was a signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed_with: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("{0} exists and was not written by testigo: name another directory with --out, or move it away")]
    NotOurs(PathBuf),
    #[error("the brief could not be written: {0}")]
    Render(String),
    #[error(
        "nothing is published, the audit found that too much could be known. {}{}",
        .0[0],
        if .0.len() > 1 { format!(" (and {} more)", .0.len() - 1) } else { String::new() }
    )]
    Audit(Vec<Leak>),
    #[error(
        "edition {0} of this brief was published from the same data with other numbers in {1}: this program is another than the \
         one that made it"
    )]
    Differs(u32, String),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What is to be published.
#[derive(Debug)]
pub struct Publication<'a> {
    pub header: &'a Header,
    pub tables: &'a [ProtectedTable],
    /// What earlier briefs told.
    pub earlier: &'a Earlier,
    pub ledger: &'a Ledger,
    /// The entry that `revisions` compares with.
    pub compared_with: Option<usize>,
    /// The entry that this edition has already.
    pub entered: Option<usize>,
    /// The entry to make, but for its tables. None: a preview, or it is there.
    pub enter: Option<Entry>,
    pub audit_limit: Duration,
    pub signing: Option<&'a SigningKey>,
}

/// What was published.
#[derive(Debug)]
pub struct Published {
    pub dir: PathBuf,
    /// The sentences under "What stands out", without markup.
    pub findings: Vec<String>,
    pub files: usize,
    pub edition: u32,
}

/// Files of a directory: path and bytes.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// The table that describes all others, and stands last.
const DICTIONARY: &str = "data_dictionary";
/// The one table of a brief that is not made from its others: it has the numbers of an earlier one.
const REVISIONS: &str = "revisions";

/// Renders every file of a directory from its measured tables: path and bytes, in the manifest's order. Tables that are
/// made from others are made here, whether they were handed in or not.
pub(crate) fn files(header: &Header, tables: Vec<(String, Vec<u8>)>) -> Result<(Files, Sheets), String> {
    let period = header.parsed_period().ok_or("the header's period does not read")?;
    let mut sheets = Sheets::default();
    let mut names = Vec::new();
    let mut files = Vec::new();
    let mut put = |sheets: &mut Sheets, name: String, bytes: Vec<u8>| {
        sheets.insert(&name, Sheet::parse(&bytes).map_err(|e| format!("tables/{name}.csv: {e}"))?);
        files.push((format!("tables/{name}.csv"), bytes));
        names.push(name);
        Ok::<(), String>(())
    };
    let (last, measured): (Vec<_>, Vec<_>) = tables.into_iter().partition(|(name, _)| name == DICTIONARY);
    let (revisions, measured): (Vec<_>, Vec<_>) = measured.into_iter().partition(|(name, _)| name == REVISIONS);
    for (name, bytes) in measured.into_iter().filter(|(name, _)| !derived::NAMES.contains(&name.as_str())) {
        put(&mut sheets, name, bytes)?;
    }
    for (name, bytes) in revisions {
        put(&mut sheets, name, bytes)?;
    }
    for name in derived::NAMES {
        if let Some(bytes) = derived::render(name, period, &sheets) {
            put(&mut sheets, name.to_owned(), bytes)?;
        }
    }
    for (name, bytes) in last {
        put(&mut sheets, name, bytes)?;
    }
    let figures = figures::all(header, &sheets);
    let marked = render::markdown::render(header, &sheets, &names)?;
    let page = render::html::render(header, &marked, &figures)?;
    files.insert(0, ("brief.md".to_owned(), render::markdown::plain(&marked, &figures).into_bytes()));
    files.insert(1, ("brief.html".to_owned(), page.into_bytes()));
    files.extend(figures.into_iter().map(|figure| (format!("figures/{}.svg", figure.name), figure.svg.into_bytes())));
    let described: Vec<(&str, &[u8])> =
        files.iter().filter_map(|(path, bytes)| Some((table_name(path)?, bytes.as_slice()))).collect();
    let package = render::datapackage::render(header, &sheets, &described);
    for name in &names {
        let sheet = sheets.get(name);
        if header.hxl {
            files.push((format!("hxl/{name}.csv"), render::copies::hxl(sheet)));
        }
        files.push((format!("spreadsheet/{name}.csv"), render::copies::spreadsheet(sheet)));
    }
    files.push(("datapackage.json".to_owned(), package));
    Ok((files, sheets))
}

/// The manifest of these files.
pub(crate) fn manifest(header: &Header, files: &[(String, Vec<u8>)]) -> Manifest {
    let entries: Vec<FileEntry> = files
        .iter()
        .map(|(path, bytes)| FileEntry { path: path.clone(), bytes: bytes.len() as u64, sha256: sha256_hex(bytes) })
        .collect();
    let entries_sha256 = entries_sha256(header, &entries);
    Manifest { made_by: MADE_BY.into(), header: header.clone(), files: entries, entries_sha256, signed_with: None }
}

pub(crate) fn entries_sha256(header: &Header, entries: &[FileEntry]) -> String {
    sha256_hex(&serde_json::to_vec(&(header, entries)).expect("texts and numbers are JSON"))
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// Publishes a directory, if the audit finds nothing, and enters it in the ledger.
pub fn publish(out: &Path, of: Publication<'_>) -> Result<Published, PublishError> {
    let header = of.header;
    let provisional = header.parsed_provisional_from();
    let mut tables: Vec<(String, Vec<u8>)> =
        of.tables.iter().map(|t| (t.name().to_owned(), render::csv::render(t, provisional))).collect();
    let mut printed = Sheets::default();
    for (name, bytes) in &tables {
        let sheet = Sheet::parse(bytes).map_err(|e| PublishError::Render(format!("tables/{name}.csv: {e}")))?;
        printed.insert(name, sheet);
    }
    let was = of.compared_with.map(|entry| of.ledger.sheets(entry)).transpose()?;
    let newer = header.compared_with.as_ref().is_some_and(|with| with.data_as_of != header.data_as_of);
    tables.push((REVISIONS.to_owned(), derived::revisions::render(was.as_ref(), &printed, newer)));
    drop((was, printed));
    let (mut files, sheets) = files(header, tables).map_err(PublishError::Render)?;
    audited(&files, header, of.earlier, of.audit_limit).map_err(PublishError::Audit)?;
    if let Some(entry) = of.entered {
        let entered = &of.ledger.entries()[entry];
        for name in &entered.tables {
            let printed = files.iter().find(|(path, _)| table_name(path) == Some(name)).map(|(_, bytes)| bytes);
            if printed != Some(&of.ledger.table(entry, name)?) {
                return Err(PublishError::Differs(entered.edition, name.clone()));
            }
        }
    }
    let mut manifest = manifest(header, &files);
    manifest.signed_with = of.signing.map(|key| key.public().to_string());
    let mut bytes = serde_json::to_vec_pretty(&manifest).expect("texts and numbers are JSON");
    bytes.push(b'\n');
    let signature = of.signing.map(|key| key.sign(&bytes, &signed_comment(header)));
    files.push((MANIFEST.to_owned(), bytes));
    files.extend(signature.map(|text| (SIGNATURE.to_owned(), text.into_bytes())));
    place(out, &files, |staged| {
        let Some(entry) = of.enter else { return Ok(None) };
        let tables: Vec<(&str, &[u8])> = files
            .iter()
            .filter_map(|(path, bytes)| Some((table_name(path)?, bytes.as_slice())))
            .filter(|(name, _)| *name != DICTIONARY)
            .collect();
        let entry = Entry { tables: tables.iter().map(|(name, _)| (*name).to_owned()).collect(), ..entry };
        Ok(Some(of.ledger.enter(&entry, &tables, staged)?))
    })?;
    let wrong = |what: &str| PublishError::Render(format!("the {what} does not read"));
    let period = header.parsed_period().ok_or_else(|| wrong("period"))?;
    let language = header.parsed_language().ok_or_else(|| wrong("language"))?;
    let compared = Compared::of(period, derived::series_from(sheets.get("reports_month")));
    let findings = findings::find(&compared, &sheets, language);
    let findings = findings.into_iter().map(|f| f.text.replace("**", "")).collect();
    Ok(Published { dir: out.to_owned(), findings, files: files.len(), edition: header.edition })
}

/// What a signature says beside the manifest: which brief it is of, for who checks with minisign alone.
fn signed_comment(header: &Header) -> String {
    let state = header.state.as_deref().unwrap_or("everywhere");
    let (period, edition, language, as_of) = (&header.period, header.edition, &header.language, &header.data_as_of);
    format!("testigo brief of {period}, {state}, {language}, edition {edition}, data as of {as_of}")
}

/// The table of a path.
pub(crate) fn table_name(path: &str) -> Option<&str> {
    path.strip_prefix("tables/")?.strip_suffix(".csv")
}

/// The audit of the tables among these files.
pub(crate) fn audited(
    files: &Files,
    header: &Header,
    earlier: &Earlier,
    limit: Duration,
) -> Result<Audited, Vec<Leak>> {
    let tables: Vec<(&str, &[u8])> =
        files.iter().filter_map(|(path, bytes)| Some((table_name(path)?, bytes.as_slice()))).collect();
    audit(&tables, header.state.is_some(), earlier, limit)
}

/// Writes the files beside `out`, makes them durable, and moves them into place. Between the two it is entered.
fn place(
    out: &Path,
    files: &[(String, Vec<u8>)],
    enter: impl FnOnce(&Path) -> Result<Option<Pending>, PublishError>,
) -> Result<(), PublishError> {
    let io_error = |path: &Path| {
        let path = path.to_owned();
        move |error| PublishError::Io { path, error }
    };
    let replace = match fs::symlink_metadata(out) {
        Ok(found) if found.is_dir() && is_ours(out) => true,
        Ok(_) => return Err(PublishError::NotOurs(out.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(io_error(out)(error)),
    };
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(io_error(parent))?;
    let staging = tempfile::Builder::new().prefix(".testigo-brief-").tempdir_in(parent).map_err(io_error(parent))?;
    let fresh = staging.path().join("new");
    for (path, bytes) in files {
        let path = fresh.join(path);
        let dir = path.parent().unwrap_or(&fresh);
        fs::create_dir_all(dir).map_err(io_error(dir))?;
        let mut file = File::create(&path).map_err(io_error(&path))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io_error(&path))?;
    }
    let subdirs: BTreeSet<&Path> = files.iter().filter_map(|(path, _)| Path::new(path).parent()).collect();
    for dir in subdirs.into_iter().map(|dir| fresh.join(dir)).chain([fresh.clone()]) {
        File::open(&dir).and_then(|d| d.sync_all()).map_err(io_error(&dir))?;
    }
    File::open(staging.path()).and_then(|d| d.sync_all()).map_err(io_error(staging.path()))?;
    let pending = enter(&fresh)?;
    let old = staging.path().join("old");
    let moved = if replace { fs::rename(out, &old) } else { Ok(()) }.and_then(|()| fs::rename(&fresh, out));
    if let Err(error) = moved {
        if let Some(pending) = pending {
            pending.undo();
        }
        if old.exists() {
            // What was there before comes back.
            drop(fs::rename(&old, out));
        }
        return Err(io_error(out)(error));
    }
    File::open(parent).and_then(|d| d.sync_all()).map_err(io_error(parent))?;
    if let Some(pending) = pending {
        pending.done()?;
    }
    Ok(())
}

/// Whether a directory is empty, or holds a manifest of ours and nothing that the manifest does not list.
fn is_ours(dir: &Path) -> bool {
    let Ok(found) = list(dir) else { return false };
    if found.is_empty() {
        return true;
    }
    let Ok(bytes) = fs::read(dir.join(MANIFEST)) else { return false };
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { return false };
    manifest.made_by == MADE_BY
        && found
            .iter()
            .all(|path| path == MANIFEST || path == SIGNATURE || manifest.files.iter().any(|entry| entry.path == *path))
}

/// Every file below a directory, as relative paths with `/`, sorted.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<String>> {
    fn walk(dir: &Path, prefix: &str, found: &mut Vec<String>) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                walk(&entry.path(), &format!("{name}/"), found)?;
            } else {
                found.push(name);
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(dir, "", &mut found)?;
    found.sort();
    Ok(found)
}
