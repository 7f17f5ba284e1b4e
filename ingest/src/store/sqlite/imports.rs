//! Imports: how their positions ended, and taking one back.
//!
//! What always holds: whether a version counts is whether its import stands, so withdrawing marks the import and then
//! lets each of its reports say again what it says now; what of the import is stored later never counts.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};
use schemas::Instant;
use schemas::clock::from_micros;
use schemas::ids::{BatchId, ReportId};
use schemas::source::SourceName;

use super::versions::Writing;
use super::{Endings, Failure, Import, SqliteStoreOptions, StoreError, Withdrawn, damaged};
use crate::store::accounts::Imports;

pub fn begin(tx: &Transaction<'_>, id: BatchId, source: &SourceName, files: u32, at: Instant) -> Result<(), Failure> {
    let sql = "INSERT INTO import (batch, source, started_at, files) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (batch) DO UPDATE SET files = excluded.files";
    tx.execute(sql, (id.as_bytes().as_slice(), source.as_str(), at.timestamp_micros(), files))?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Import, Failure> {
    let source: String = row.get(1)?;
    Ok(Import {
        id: BatchId::from_bytes(row.get(0)?),
        source: SourceName::parse(&source).ok_or_else(|| damaged("import.source"))?,
        started_at: from_micros(row.get(2)?),
        files: row.get(3)?,
        endings: Endings { coded: row.get(4)?, revisions: row.get(5)?, repeats: row.get(6)?, rejected: row.get(7)? },
        withdrawn_at: row.get::<_, Option<i64>>(8)?.map(from_micros),
    })
}

pub fn all(connection: &Connection) -> Result<Vec<Import>, Failure> {
    let sql = "SELECT batch, source, started_at, files, coded, revisions, repeats, rejected, withdrawn_at \
               FROM import ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut imports = Vec::new();
    while let Some(row) = rows.next()? {
        imports.push(read(row)?);
    }
    Ok(imports)
}

pub fn withdraw(
    tx: &Transaction<'_>,
    id: BatchId,
    at: Instant,
    options: SqliteStoreOptions,
) -> Result<Withdrawn, Failure> {
    let sql = "SELECT id, withdrawn_at, first_seq, last_seq FROM import WHERE batch = ?1";
    let found = tx
        .query_row(sql, [id.as_bytes().as_slice()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, Option<i64>>(2)?, row.get(3)?))
        })
        .optional()?;
    let (import, withdrawn_at, first, last): (_, _, _, Option<i64>) = found.ok_or(StoreError::NoSuchBatch(id))?;
    if withdrawn_at.is_some() {
        return Err(StoreError::AlreadyWithdrawn(id).into());
    }
    tx.execute("UPDATE import SET withdrawn_at = ?2 WHERE id = ?1", (import, at.timestamp_micros()))?;

    let mut withdrawn = Withdrawn::default();
    let (Some(first), Some(last)) = (first, last) else { return Ok(withdrawn) };
    let mut writing = Writing::new(tx, options)?;
    let sql = "SELECT report_id FROM version WHERE seq BETWEEN ?1 AND ?2 AND import = ?3 ORDER BY seq";
    let mut versions = tx.prepare(sql)?;
    let mut rows = versions.query((first, last, import))?;
    while let Some(row) = rows.next()? {
        match writing.speak_again(ReportId::from_bytes(row.get(0)?), at)? {
            None => {}
            Some(true) => withdrawn.reverted += 1,
            Some(false) => withdrawn.withdrawn += 1,
        }
    }
    writing.finish()?;
    Ok(withdrawn)
}

/// The row of an import. One that was never begun here (its store was another) is entered when its first row comes.
pub fn of_batch(
    imports: &mut Imports,
    tx: &Transaction<'_>,
    batch: BatchId,
    source: &SourceName,
    at: Instant,
) -> Result<i64, Failure> {
    if let Some(id) = imports.named(batch) {
        return Ok(id);
    }
    let sql = "SELECT id FROM import WHERE batch = ?1";
    let find = || tx.query_row(sql, [batch.as_bytes().as_slice()], |row| row.get::<_, i64>(0)).optional();
    if find()?.is_none() {
        begin(tx, batch, source, 0, at)?;
    }
    let id = find()?.ok_or_else(|| damaged("import.batch"))?;
    meet(imports, tx, id)?;
    imports.name(batch, id);
    Ok(id)
}

/// Reads whether the import stands.
pub fn meet(imports: &mut Imports, tx: &Transaction<'_>, id: i64) -> Result<(), Failure> {
    if !imports.has_met(id) {
        let sql = "SELECT withdrawn_at IS NULL FROM import WHERE id = ?1";
        imports.meet(id, tx.query_row(sql, [id], |row| row.get(0))?);
    }
    Ok(())
}

/// Adds it all to the table.
pub fn write(imports: &Imports, tx: &Transaction<'_>) -> Result<(), Failure> {
    let sql = "UPDATE import SET coded = coded + ?2, revisions = revisions + ?3, repeats = repeats + ?4, \
               rejected = rejected + ?5, first_seq = coalesce(min(first_seq, ?6), first_seq, ?6), \
               last_seq = coalesce(max(last_seq, ?7), last_seq, ?7) WHERE id = ?1";
    for (id, met) in imports.added() {
        tx.prepare_cached(sql)?.execute((
            id,
            met.coded,
            met.revisions,
            met.repeats,
            met.rejected,
            met.first_seq,
            met.last_seq,
        ))?;
    }
    Ok(())
}
