//! Dead letters: rejects, whole and sealed, until a retry resolves them.
//!
//! What always holds: a letter keeps its place in the queue's order and its `received_at`; a resolved letter is gone, and
//! its sealed record with the last letter that needs it.

use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::{Connection, Row, Transaction};
use schemas::Instant;
use schemas::clock::from_micros;
use schemas::envelope::Position;
use schemas::ids::{BatchId, ReportId};
use schemas::reject::{Reject, RejectCode};
use schemas::source::SourceName;

use super::versions::{Arrival, Writing, add_original_key, move_tally};
use super::{DeadLetter, Ending, Failure, Letter, Retried, SqliteStoreOptions, StoreError, damaged, imports};
use crate::seal::{BatchKey, Sealed};
use crate::store::history::Order;
use crate::store::{Item, Rejection};

pub fn add_record(tx: &Transaction<'_>, sealed: &Sealed) -> Result<i64, Failure> {
    tx.prepare_cached("INSERT INTO letter_record (sealed) VALUES (?1)")?.execute([sealed.as_bytes()])?;
    Ok(tx.last_insert_rowid())
}

pub fn add(
    tx: &Transaction<'_>,
    order: Order,
    item: &Item,
    import: Option<i64>,
    rejection: &Rejection,
    record: i64,
) -> Result<(), Failure> {
    let sql = "INSERT INTO dead_letter \
               (queue, partition, offset, received_at, source, import, row, report_id, code, field, hint, record, item) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let Rejection { reject, report_id, letter } = rejection;
    tx.prepare_cached(sql)?.execute((
        order.queue,
        order.partition,
        order.offset,
        item.received_at.timestamp_micros(),
        item.source.as_str(),
        import,
        item.row.and_then(|row| i64::try_from(row).ok()),
        report_id.as_ref().map(|id| id.as_bytes().as_slice()),
        reject.code.as_str(),
        reject.field.as_deref(),
        reject.hint.as_deref(),
        record,
        letter.item,
    ))?;
    Ok(())
}

const LETTER: &str = "SELECT l.id, q.queue_id, l.partition, l.offset, l.received_at, l.source, i.batch, l.row, l.report_id, \
                      l.code, l.field, l.hint FROM dead_letter l JOIN queue q ON q.id = l.queue \
                      LEFT JOIN import i ON i.id = l.import";

fn read(row: &Row<'_>) -> Result<DeadLetter, Failure> {
    let (source, code): (String, String) = (row.get(5)?, row.get(9)?);
    let queue_id: String = row.get(1)?;
    let reject = Reject {
        code: RejectCode::from_code(&code).ok_or_else(|| damaged("dead_letter.code"))?,
        field: row.get::<_, Option<String>>(10)?.map(Into::into),
        hint: row.get::<_, Option<String>>(11)?.map(Into::into),
    };
    Ok(DeadLetter {
        id: row.get(0)?,
        queue_id: queue_id.into(),
        position: Position { partition: row.get(2)?, offset: row.get(3)? },
        received_at: from_micros(row.get(4)?),
        source: SourceName::parse(&source).ok_or_else(|| damaged("dead_letter.source"))?,
        batch: row.get::<_, Option<[u8; 16]>>(6)?.map(BatchId::from_bytes),
        row: row.get::<_, Option<i64>>(7)?.and_then(|row| u64::try_from(row).ok()),
        report_id: row.get::<_, Option<[u8; 16]>>(8)?.map(ReportId::from_bytes),
        reject,
    })
}

pub fn each(connection: &Connection, each: &mut dyn FnMut(DeadLetter) -> ControlFlow<()>) -> Result<(), Failure> {
    let mut statement =
        connection.prepare_cached(&format!("{LETTER} WHERE l.code <> 'source_paused' ORDER BY l.id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if each(read(row)?).is_break() {
            break;
        }
    }
    Ok(())
}

pub fn get(connection: &Connection, id: i64) -> Result<(DeadLetter, Letter), Failure> {
    let mut statement = connection.prepare_cached(&format!("{LETTER} WHERE l.id = ?1"))?;
    let mut rows = statement.query([id])?;
    let letter = read(rows.next()?.ok_or(StoreError::NoSuchDeadLetter(id))?)?;
    let sql = "SELECT r.sealed, l.item FROM dead_letter l JOIN letter_record r ON r.id = l.record WHERE l.id = ?1";
    let sealed = connection.query_row(sql, [id], |row| {
        Ok(Letter { record: Arc::new(Sealed::from_bytes(row.get(0)?)), item: row.get(1)? })
    })?;
    Ok((letter, sealed))
}

pub fn resolve(
    tx: &Transaction<'_>,
    id: i64,
    retried: &Retried,
    at: Instant,
    options: SqliteStoreOptions,
) -> Result<Ending, Failure> {
    let (endings, _) = resolve_all(tx, &[(id, retried)], at, options)?;
    Ok(endings.into_iter().flatten().next().ok_or(StoreError::NoSuchDeadLetter(id))?)
}

/// What stands in the table of a letter that is resolved.
struct Found {
    order: Order,
    received_at: Instant,
    source: SourceName,
    import: Option<i64>,
    record: i64,
    /// Whether it is held, so that it has no ending yet.
    held: bool,
}

fn find(tx: &Transaction<'_>, id: i64) -> Result<Option<Found>, Failure> {
    let sql = "SELECT queue, partition, offset, received_at, source, import, record, code = 'source_paused' \
               FROM dead_letter WHERE id = ?1";
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let source: String = row.get(4)?;
    Ok(Some(Found {
        order: Order { queue: row.get(0)?, partition: row.get(1)?, offset: row.get(2)? },
        received_at: from_micros(row.get(3)?),
        source: SourceName::parse(&source).ok_or_else(|| damaged("dead_letter.source"))?,
        import: row.get(5)?,
        record: row.get(6)?,
        held: row.get(7)?,
    }))
}

/// Resolves letters in their order. `None` for one that is not there any more. Returns also how much was written, roughly.
pub fn resolve_all<R: std::borrow::Borrow<Retried>>(
    tx: &Transaction<'_>,
    letters: &[(i64, R)],
    at: Instant,
    options: SqliteStoreOptions,
) -> Result<(Vec<Option<Ending>>, usize), Failure> {
    let mut writing = Writing::new(tx, options)?;
    writing.look_up(letters.iter().filter_map(|(_, retried)| match retried.borrow() {
        Retried::Coded { coded, .. } => coded.report.report_id,
        Retried::Rejected { .. } => None,
    }))?;
    let mut keys = OriginalKeys::default();
    let mut endings = Vec::with_capacity(letters.len());
    for (id, retried) in letters {
        let Some(found) = find(tx, *id)? else {
            endings.push(None);
            continue;
        };
        let Found { order, received_at, source, import, record, held } = found;
        if let Some(import) = import {
            imports::meet(&mut writing.imports, tx, import)?;
        }
        let since = at.max(received_at);
        let was = (!held).then_some(Ending::Rejected);
        let ending = match retried.borrow() {
            Retried::Coded { coded, original, originals } => {
                let original_key = keys.of(tx, originals)?;
                let arrival =
                    Arrival { coded, original, original_key, order, received_at, effective_at: since, import };
                let ending = writing.receive(&arrival)?;
                keys.used |= ending != Ending::Repeat;
                tx.prepare_cached("DELETE FROM dead_letter WHERE id = ?1")?.execute([id])?;
                let sql = "DELETE FROM letter_record WHERE id = ?1 \
                           AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE record = ?1)";
                tx.prepare_cached(sql)?.execute([record])?;
                ending
            }
            Retried::Rejected { reject, report_id } => {
                let sql = "UPDATE dead_letter SET code = ?2, field = ?3, hint = ?4, report_id = ?5 WHERE id = ?1";
                let report_id = report_id.as_ref().map(|id| id.as_bytes().as_slice());
                let (field, hint) = (reject.field.as_deref(), reject.hint.as_deref());
                tx.prepare_cached(sql)?.execute((id, reject.code.as_str(), field, hint, report_id))?;
                Ending::Rejected
            }
        };
        if was != Some(ending) {
            if was.is_some() {
                writing.imports.resolved(import);
            }
            writing.imports.ended(import, ending);
            move_tally(tx, since, received_at, &source, was, ending)?;
        }
        endings.push(Some(ending));
    }
    let bytes = writing.finish()?;
    keys.finish(tx)?;
    Ok((endings, bytes))
}

/// The keys of originals that a transaction adds: letters that are resolved together share one.
#[derive(Default)]
struct OriginalKeys {
    /// The key's own id, and its row.
    last: Option<([u8; 16], i64)>,
    /// Whether anything was sealed with it.
    used: bool,
}

impl OriginalKeys {
    fn of(&mut self, tx: &Transaction<'_>, key: &BatchKey) -> Result<i64, Failure> {
        if let Some((id, row)) = &self.last
            && *id == key.id
        {
            return Ok(*row);
        }
        self.finish(tx)?;
        let row = add_original_key(tx, key)?;
        *self = Self { last: Some((key.id, row)), used: false };
        Ok(row)
    }

    /// Takes a key back with which nothing was sealed.
    fn finish(&self, tx: &Transaction<'_>) -> Result<(), Failure> {
        if let Some((_, row)) = self.last.as_ref().filter(|_| !self.used) {
            tx.execute("DELETE FROM original_key WHERE id = ?1", [row])?;
        }
        Ok(())
    }
}
