//! Imports: how their positions ended, and taking one back.
//!
//! What always holds: whether a version counts is whether its import stands, so withdrawing marks the import and then
//! lets each of its reports say again what it says now; what of the import is stored later never counts.

use schemas::Instant;
use schemas::ids::{BatchId, ReportId};
use schemas::source::SourceName;

use super::value::At;
use super::versions::{Writing, id_of};
use super::{Endings, Failure, Import, StoreError, Tx, Withdrawn, damaged};
use crate::store::accounts::{Imports, Met};

/// How many versions of a withdrawn import are looked at at once.
const AT_ONCE: i64 = 4_000;

pub fn begin(tx: &mut Tx<'_>, id: BatchId, source: &SourceName, files: u32, at: Instant) -> Result<(), Failure> {
    let sql = "INSERT INTO import (batch, source, started_at, files) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (batch) DO UPDATE SET files = excluded.files";
    tx.execute(sql, &[&id.as_bytes().as_slice(), &source.as_str(), &At(at), &i64::from(files)])?;
    Ok(())
}

pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Import>, Failure> {
    let sql = "SELECT batch, source, started_at, files, coded, revisions, repeats, rejected, withdrawn_at \
               FROM import ORDER BY id";
    let count = |n: i64| u64::try_from(n).map_err(|_| damaged("import"));
    tx.query(sql, &[])?
        .iter()
        .map(|row| {
            let batch: &[u8] = row.get(0);
            Ok(Import {
                id: BatchId::from_bytes(batch.try_into().map_err(|_| damaged("import.batch"))?),
                source: SourceName::parse(row.get(1)).ok_or_else(|| damaged("import.source"))?,
                started_at: row.get::<_, At>(2).0,
                files: u32::try_from(row.get::<_, i64>(3)).map_err(|_| damaged("import.files"))?,
                endings: Endings {
                    coded: count(row.get(4))?,
                    revisions: count(row.get(5))?,
                    repeats: count(row.get(6))?,
                    rejected: count(row.get(7))?,
                },
                withdrawn_at: row.get::<_, Option<At>>(8).map(|at| at.0),
            })
        })
        .collect()
}

pub fn withdraw(tx: &mut Tx<'_>, id: BatchId, at: Instant) -> Result<Withdrawn, Failure> {
    // The lock first, so that no worker stores versions of the import between the mark and the look at its reports.
    let mut writing = Writing::begin(tx)?;
    let sql = "SELECT id, withdrawn_at, first_seq, last_seq FROM import WHERE batch = $1 FOR UPDATE";
    let found = tx.query_opt(sql, &[&id.as_bytes().as_slice()])?.ok_or(StoreError::NoSuchBatch(id))?;
    if found.get::<_, Option<At>>(1).is_some() {
        return Err(StoreError::AlreadyWithdrawn(id).into());
    }
    let import: i64 = found.get(0);
    tx.execute("UPDATE import SET withdrawn_at = $2 WHERE id = $1", &[&import, &At(at)])?;

    let mut withdrawn = Withdrawn::default();
    let (Some(mut first), Some(last)) = (found.get::<_, Option<i64>>(2), found.get::<_, Option<i64>>(3)) else {
        return Ok(withdrawn);
    };
    let sql = "SELECT seq, report_id FROM version WHERE seq BETWEEN $1 AND $2 AND import = $3 ORDER BY seq LIMIT $4";
    loop {
        let rows = tx.query(sql, &[&first, &last, &import, &AT_ONCE])?;
        let Some(newest) = rows.last() else { break };
        first = newest.get::<_, i64>(0) + 1;
        let mut ids: Vec<ReportId> = Vec::with_capacity(rows.len());
        for row in &rows {
            ids.push(id_of(row.get(1), "version.report_id")?);
        }
        for live in writing.speak_again(tx, &ids, at)? {
            if live {
                withdrawn.reverted += 1;
            } else {
                withdrawn.withdrawn += 1;
            }
        }
        writing.flush(tx)?;
    }
    writing.finish(tx)?;
    Ok(withdrawn)
}

/// The row of an import. One that was never begun here (its store was another) is entered when its first row comes.
pub fn of_batch(
    imports: &mut Imports,
    tx: &mut Tx<'_>,
    batch: BatchId,
    source: &SourceName,
    at: Instant,
) -> Result<i64, Failure> {
    if let Some(id) = imports.named(batch) {
        return Ok(id);
    }
    let sql = "SELECT id FROM import WHERE batch = $1";
    let mut found = tx.query_opt(sql, &[&batch.as_bytes().as_slice()])?;
    if found.is_none() {
        begin(tx, batch, source, 0, at)?;
        found = tx.query_opt(sql, &[&batch.as_bytes().as_slice()])?;
    }
    let id = found.ok_or_else(|| damaged("import.batch"))?.get(0);
    meet(imports, tx, id)?;
    imports.name(batch, id);
    Ok(id)
}

/// Reads whether the import stands.
pub fn meet(imports: &mut Imports, tx: &mut Tx<'_>, id: i64) -> Result<(), Failure> {
    if !imports.has_met(id) {
        let found = tx.query_one("SELECT withdrawn_at IS NULL FROM import WHERE id = $1", &[&id])?;
        imports.meet(id, found.get(0));
    }
    Ok(())
}

/// Adds it all to the table.
pub fn write(imports: &Imports, tx: &mut Tx<'_>) -> Result<(), Failure> {
    // Nulls are looked over by least and greatest.
    let sql = "UPDATE import SET coded = coded + $2, revisions = revisions + $3, repeats = repeats + $4, \
               rejected = rejected + $5, first_seq = least(first_seq, $6), last_seq = greatest(last_seq, $7) \
               WHERE id = $1";
    for (id, met) in imports.added() {
        let Met { coded, revisions, repeats, rejected, first_seq, last_seq, .. } = met;
        tx.execute(sql, &[id, coded, revisions, repeats, rejected, first_seq, last_seq])?;
    }
    Ok(())
}
