//! Checks a published directory by its files alone.
//!
//! What always holds: hashes are taken anew, sums are added up anew, and text and data package are made anew from the
//! tables and compared byte for byte; a failed check says which file, which sum and which cell.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use analytics::disclosure::Earlier;
use analytics::results::{ALL, Period};
use schemas::taxonomy::{CodeAxis, EventClass, EventKind};
use schemas::time::Month;
use serde::Serialize;

use crate::header::Header;
use crate::numbers;
use crate::publish::{
    MADE_BY, MANIFEST, Manifest, SIGNATURE, audited, entries_sha256, files, list, sha256_hex, table_name,
};
use crate::sheet::{PROVISIONAL, Sheet, Sheets, Shown};
use crate::sign::PublicKey;

/// How long the audit may take.
const AUDIT_LIMIT: Duration = Duration::from_secs(600);

/// One check and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub what: &'static str,
    pub ok: bool,
    /// How much was checked, or what failed.
    pub detail: String,
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    pub ok: bool,
    pub period: String,
    pub snapshot_id: String,
    pub checks: Vec<Check>,
}

/// Why a directory could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("{0} is no directory that testigo published: its manifest.json is missing or does not read")]
    NotPublished(PathBuf),
}

/// Checks a directory; where a key is given, that its owner signed it.
pub fn verify(dir: &Path, key: Option<&PublicKey>) -> Result<Verification, VerifyError> {
    let io_error = |path: PathBuf| move |error| VerifyError::Io { path, error };
    let bytes = match fs::read(dir.join(MANIFEST)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(VerifyError::NotPublished(dir.to_owned())),
        Err(error) => return Err(io_error(dir.join(MANIFEST))(error)),
    };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| VerifyError::NotPublished(dir.to_owned()))?;

    let mut checks = Vec::new();
    let mut check = |what, result: Result<String, String>| {
        let ok = result.is_ok();
        checks.push(Check { what, ok, detail: result.unwrap_or_else(|e| e) });
    };

    let mut canonical = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    canonical.push(b'\n');
    check(
        "the manifest is whole",
        if manifest.made_by != MADE_BY {
            Err("it was not made by testigo".into())
        } else if entries_sha256(&manifest.header, &manifest.files) != manifest.entries_sha256 {
            Err("the hash over its header and entries is another".into())
        } else if canonical != bytes {
            Err("it is written otherwise than testigo writes it".into())
        } else {
            Ok(format!("{} files listed", manifest.files.len()))
        },
    );

    let found = list(dir).map_err(io_error(dir.to_owned()))?;
    let signature = if found.iter().any(|path| path == SIGNATURE) {
        Some(fs::read(dir.join(SIGNATURE)).map_err(io_error(dir.join(SIGNATURE)))?)
    } else {
        None
    };
    check("the signature is good", signed(&manifest, &bytes, signature.as_deref(), key));

    let listed =
        |path: &String| path == MANIFEST || path == SIGNATURE || manifest.files.iter().any(|e| e.path == *path);
    check(
        "nothing is missing and nothing was added",
        match found.iter().find(|path| !listed(path)) {
            Some(extra) => Err(format!("{extra} is not in the manifest")),
            None => match manifest.files.iter().find(|e| !found.contains(&e.path)) {
                Some(missing) => Err(format!("{} is missing", missing.path)),
                None => Ok(format!("{} files found", found.len())),
            },
        },
    );

    let mut on_disk = Vec::new();
    let mut wrong_hash = None;
    for entry in &manifest.files {
        // A path that leads out of the directory is none that testigo wrote.
        if entry.path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(VerifyError::NotPublished(dir.to_owned()));
        }
        let path = dir.join(&entry.path);
        match fs::read(&path) {
            Ok(bytes) => {
                if sha256_hex(&bytes) != entry.sha256 || bytes.len() as u64 != entry.bytes {
                    wrong_hash.get_or_insert_with(|| entry.path.clone());
                }
                on_disk.push((entry.path.clone(), bytes));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error(path)(error)),
        }
    }
    check(
        "every file has the hash that the manifest says",
        match wrong_hash {
            Some(path) => Err(format!("{path} has another")),
            None => Ok(format!("{} SHA-256 taken", on_disk.len())),
        },
    );

    let tables: Vec<(String, Vec<u8>)> =
        on_disk.iter().filter_map(|(path, bytes)| Some((table_name(path)?.to_owned(), bytes.clone()))).collect();
    let same_version = manifest.header.testigo == env!("CARGO_PKG_VERSION");
    match files(&manifest.header, tables) {
        Err(problem) => check("every table reads", Err(problem)),
        Ok((made, sheets)) => {
            let tables = made.iter().filter(|(path, _)| table_name(path).is_some()).count();
            check("every table reads", Ok(format!("{tables} tables")));
            check("the sums add up", sums(&sheets));
            check("hidden cells are marked as hidden, and only those", flags(&made, &sheets, &manifest.header));
            check(
                "no hidden number can be worked out from the tables",
                match audited(&made, &manifest.header, &Earlier::default(), AUDIT_LIMIT) {
                    Ok(done) => Ok(format!("{} numbers below a threshold, {} sums audited", done.primary, done.sums)),
                    Err(leaks) => Err(leaks.first().map_or_else(String::new, ToString::to_string)),
                },
            );
            if let Some((_, text)) = on_disk.iter().find(|(path, _)| path == "brief.md") {
                check(
                    "every number of the text is in a table",
                    match std::str::from_utf8(text) {
                        Ok(text) => numbers::check(text, &manifest.header, &sheets),
                        Err(_) => Err("brief.md is no text".into()),
                    },
                );
            }
            if same_version {
                check("the text and the data package say what the tables say", same(&made, &on_disk));
            } else {
                check(
                    "the text and the data package say what the tables say",
                    Err(format!(
                        "made by testigo {}; this is {}, whose wording may differ: check with that version",
                        manifest.header.testigo,
                        env!("CARGO_PKG_VERSION")
                    )),
                );
            }
        }
    }
    Ok(Verification {
        ok: checks.iter().all(|c| c.ok),
        period: manifest.header.period,
        snapshot_id: manifest.header.snapshot_id,
        checks,
    })
}

/// The manifest's signature: by the key that is asked for, and by the one that the manifest names.
fn signed(
    manifest: &Manifest,
    bytes: &[u8],
    signature: Option<&[u8]>,
    asked: Option<&PublicKey>,
) -> Result<String, String> {
    let named = match manifest.signed_with.as_deref().map(PublicKey::parse_letters) {
        Some(None) => return Err("the manifest names a key that does not read".into()),
        Some(key) => key,
        None => None,
    };
    let Some(signature) = signature else {
        return match (asked, named) {
            (None, None) => Ok("there is none, and none was asked for".into()),
            (Some(_), _) => Err(format!("{SIGNATURE} is missing: nobody signed this")),
            (None, Some(_)) => Err(format!("{SIGNATURE} is missing, and the manifest says that there is one")),
        };
    };
    let with = |key: &PublicKey| key.check(bytes, signature).map_err(|problem| format!("{SIGNATURE}: {problem}"));
    match (asked, named) {
        (Some(key), _) => Ok(format!("made with the key that was given: {}", with(key)?)),
        (None, Some(key)) => {
            Ok(format!("made with {key}, which the manifest names; whose that is, --key KEY tells ({})", with(&key)?))
        }
        (None, None) => Ok(String::from("there is one, not checked: --key KEY checks it")),
    }
}

/// What is made from the tables equals what is on disk.
fn same(made: &[(String, Vec<u8>)], on_disk: &[(String, Vec<u8>)]) -> Result<String, String> {
    for (path, bytes) in made {
        let there = on_disk.iter().find(|(p, _)| p == path).map(|(_, b)| b);
        if there != Some(bytes) {
            let line = there.map_or(0, |there| {
                let differs = |(a, b): (&[u8], &[u8])| a != b;
                let lines = there.split(|b| *b == b'\n').zip(bytes.split(|b| *b == b'\n'));
                1 + lines.map(differs).take_while(|d| !d).count()
            });
            return Err(format!("{path}, line {line}: not what the tables give"));
        }
    }
    Ok("made anew and compared byte for byte".into())
}

/// Each measure that may be withheld: a flag exactly where the number is hidden.
fn flags(made: &[(String, Vec<u8>)], sheets: &Sheets, header: &Header) -> Result<String, String> {
    let provisional_from = header.parsed_provisional_from();
    let mut hidden = 0u64;
    for (path, _) in made {
        let Some(name) = table_name(path) else { continue };
        let sheet = sheets.get(name);
        // What is made from other tables is made anew elsewhere; by month of receipt nothing is provisional.
        let is_dated = !matches!(name, "comparators" | "revisions" | "funnel_month" | "completeness_month");
        for column in sheet.measures() {
            let flag_column = format!("{column}_flag");
            for (i, row) in sheet.rows().iter().enumerate() {
                let text = sheet.text(row, column);
                let expected = match text {
                    "<5" | "<11" | "withheld" => Shown::of(text).flag(),
                    _ => "",
                };
                let flag = sheet.text(row, &flag_column);
                let is_late = is_dated && expected.is_empty() && !text.is_empty() && {
                    let month = Month::parse(sheet.text(row, "month"));
                    let last = month.or_else(|| Period::parse(sheet.text(row, "period")).map(|period| period.last));
                    last.is_some_and(|last| provisional_from.is_some_and(|from| last >= from))
                };
                let expected_flag = if is_late { PROVISIONAL } else { expected };
                if flag != expected_flag && (is_dated || !(expected.is_empty() && flag == PROVISIONAL)) {
                    return Err(format!("{path}, row {}: {flag_column} does not fit {column}", i + 1));
                }
                if expected.is_empty() && !text.is_empty() && text.parse::<f64>().is_err() {
                    return Err(format!("{path}, row {}: {column} is neither a number nor hidden", i + 1));
                }
                hidden += u64::from(!expected.is_empty());
            }
        }
    }
    Ok(format!("{hidden} hidden cells"))
}

/// Every sum that a reader can check with a pencil.
fn sums(sheets: &Sheets) -> Result<String, String> {
    let mut checked = 0u64;
    let mut add_up = |place: String, total: Shown<'_>, parts: &[Shown<'_>]| -> Result<(), String> {
        let Shown::Number(total) = total else { return Ok(()) };
        // Disclosure control rolled the parts up: there is nothing to check.
        if parts.is_empty() {
            return Ok(());
        }
        checked += 1;
        let known: i64 = parts.iter().filter_map(|p| p.number()).sum();
        let hidden: i64 = parts.iter().filter(|p| matches!(p, Shown::Hidden(_))).count().try_into().unwrap_or(i64::MAX);
        let fits = if hidden == 0 { known == total } else { known + hidden <= total };
        if fits { Ok(()) } else { Err(format!("{place}: the parts are {known}, the total is {total}")) }
    };

    let kinds = sheets.get("reports_month");
    for row in kinds.with(&[("event_kind", ALL)]) {
        let month = kinds.text(row, "month");
        for measure in ["reports", "persons_arrested_min", "persons_arrested_max"] {
            let parts: Vec<_> = EventKind::ALL
                .iter()
                .filter(|kind| kind.class() == EventClass::Event)
                .map(|kind| kinds.value(&[("month", month), ("event_kind", kind.as_str())], measure))
                .collect();
            add_up(format!("reports_month, {month}, {measure}"), kinds.shown(row, measure), &parts)?;
        }
    }

    let counties = sheets.get("county_month");
    for row in counties.with(&[("state", ALL)]) {
        let month = counties.text(row, "month");
        for measure in ["reports", "arrests"] {
            let states: Vec<_> = counties
                .with(&[("month", month), ("county_fips", ALL)])
                .filter(|r| counties.text(r, "state") != ALL)
                .map(|r| counties.shown(r, measure))
                .collect();
            add_up(format!("county_month, {month}, {measure} of all states"), counties.shown(row, measure), &states)?;
        }
    }
    for row in counties.with(&[("county_fips", ALL)]).filter(|r| counties.text(r, "state") != ALL) {
        let (month, state) = (counties.text(row, "month"), counties.text(row, "state"));
        for measure in ["reports", "arrests"] {
            let parts: Vec<_> = counties
                .with(&[("month", month), ("state", state)])
                .filter(|r| counties.text(r, "county_fips") != ALL)
                .map(|r| counties.shown(r, measure))
                .collect();
            add_up(format!("county_month, {month}, {state}, {measure}"), counties.shown(row, measure), &parts)?;
        }
    }
    for row in counties.with(&[("state", ALL)]) {
        let month = counties.text(row, "month");
        let of_kinds = kinds.value(&[("month", month), ("event_kind", ALL)], "reports");
        add_up(format!("county_month against reports_month, {month}"), of_kinds, &[counties.shown(row, "reports")])?;
    }

    let courthouse = sheets.get("courthouse");
    for row in courthouse.with(&[("code", ALL)]) {
        let keys = ["period", "span", "state", "county_fips", "dimension"].map(|k| (k, courthouse.text(row, k)));
        let parts: Vec<_> = courthouse
            .with(&keys)
            .filter(|r| courthouse.text(r, "code") != ALL)
            .map(|r| courthouse.shown(r, "reports"))
            .collect();
        let place = format!("courthouse, {}", keys.map(|(_, v)| v).join(", "));
        add_up(place, courthouse.shown(row, "reports"), &parts)?;
    }

    let funnel = sheets.get("funnel_month");
    for row in funnel.rows() {
        let month = funnel.text(row, "month");
        let of = |column: &str| funnel.shown(row, column);
        let first: Vec<_> = ["coded", "revisions", "repeats", "rejected", "waiting"].map(of).to_vec();
        add_up(format!("funnel_month, {month}, received"), of("received"), &first)?;
        let second: Vec<_> = ["events_this_month", "events_earlier", "undated", "not_events"].map(of).to_vec();
        add_up(format!("funnel_month, {month}, coded"), of("coded"), &second)?;
    }

    let sums: &Sheet = sheets.get("sums");
    for scope in ["period", "all"] {
        let of = |sum: &str, part: &str| sums.value(&[("scope", scope), ("sum", sum), ("part", part)], "n");
        let received = ["coded", "revisions", "repeats", "rejected", "waiting"].map(|p| of("received", p));
        add_up(format!("sums, {scope}, received"), of("received", "received"), &received)?;
        let coded = ["event", "undated", "not_enforcement", "non_event", "duplicate", "withdrawn"];
        add_up(format!("sums, {scope}, coded"), of("coded", "coded"), &coded.map(|p| of("coded", p)))?;
        let bridge = [
            "revisions",
            "repeats",
            "rejected",
            "waiting",
            "events_this_month",
            "events_earlier",
            "undated",
            "not_events",
        ];
        add_up(format!("sums, {scope}, bridge"), of("bridge", "received"), &bridge.map(|p| of("bridge", p)))?;
        add_up(format!("sums, {scope}, received twice"), of("bridge", "received"), &[of("received", "received")])?;
        add_up(format!("sums, {scope}, coded twice"), of("received", "coded"), &[of("coded", "coded")])?;
    }
    if !sheets.has("sums") || !sheets.has("funnel_month") {
        return Err("the tables sums and funnel_month, which hold the two sums, are missing".into());
    }
    Ok(format!("{checked} sums"))
}
