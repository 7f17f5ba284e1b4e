//! Dead letters: rejects, whole and sealed, until a retry resolves them.
//!
//! What always holds: a letter keeps its place in the queue's order and its `received_at`; a resolved letter is gone, and
//! its sealed record with the last letter that needs it.

use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};
use schemas::Instant;
use schemas::clock::from_micros;
use schemas::envelope::Position;
use schemas::ids::{BatchId, ReportId};
use schemas::reject::{Reject, RejectCode};
use schemas::source::SourceName;

use super::versions::{Arrival, Writing, add_original_key, move_tally};
use super::{DeadLetter, Ending, Failure, Letter, Retried, SqliteStoreOptions, StoreError, damaged, imports};
use crate::seal::Sealed;
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
    let mut statement = connection.prepare_cached(&format!("{LETTER} ORDER BY l.id"))?;
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
    let (coded, original, originals) = match retried {
        Retried::Coded { coded, original, originals } => (coded, original, originals),
        Retried::Rejected { reject, report_id } => {
            let sql = "UPDATE dead_letter SET code = ?2, field = ?3, hint = ?4, report_id = ?5 WHERE id = ?1";
            let report_id = report_id.as_ref().map(|id| id.as_bytes().as_slice());
            let (field, hint) = (reject.field.as_deref(), reject.hint.as_deref());
            return match tx.execute(sql, (id, reject.code.as_str(), field, hint, report_id))? {
                0 => Err(StoreError::NoSuchDeadLetter(id).into()),
                _ => Ok(Ending::Rejected),
            };
        }
    };
    let sql = "SELECT queue, partition, offset, received_at, source, import, record FROM dead_letter WHERE id = ?1";
    let found = tx
        .query_row(sql, [id], |row| {
            let order = Order { queue: row.get(0)?, partition: row.get(1)?, offset: row.get(2)? };
            let rest: (i64, String, Option<i64>, i64) = (row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?);
            Ok((order, rest))
        })
        .optional()?;
    let (order, (received_at, source, import, record)) = found.ok_or(StoreError::NoSuchDeadLetter(id))?;
    let received_at = from_micros(received_at);
    let source = SourceName::parse(&source).ok_or_else(|| damaged("dead_letter.source"))?;
    let since = at.max(received_at);

    let original_key = add_original_key(tx, originals)?;
    let mut writing = Writing::new(tx, options)?;
    if let Some(import) = import {
        imports::meet(&mut writing.imports, tx, import)?;
    }
    let arrival = Arrival { coded, original, original_key, order, received_at, effective_at: since, import };
    let ending = writing.receive_one(&arrival)?;
    writing.imports.resolved(import);
    writing.imports.ended(import, ending);
    writing.finish()?;
    move_tally(tx, since, received_at, &source, ending)?;
    if ending == Ending::Repeat {
        // Nothing was sealed with it.
        tx.execute("DELETE FROM original_key WHERE id = ?1", [original_key])?;
    }
    tx.execute("DELETE FROM dead_letter WHERE id = ?1", [id])?;
    let sql = "DELETE FROM letter_record WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE record = ?1)";
    tx.execute(sql, [record])?;
    Ok(ending)
}
