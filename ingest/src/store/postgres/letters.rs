//! Dead letters: rejects, whole and sealed, until a retry resolves them.
//!
//! What always holds: a letter keeps its place in the queue's order and its `received_at`; a resolved letter is gone, and
//! its sealed record with the last letter that needs it.

use std::ops::ControlFlow;
use std::sync::Arc;

use postgres::Row;
use postgres::types::Type;
use schemas::Instant;
use schemas::envelope::Position;
use schemas::ids::BatchId;
use schemas::reject::{Reject, RejectCode};
use schemas::source::SourceName;

use super::value::{At, Value};
use super::versions::{Arrival, Writing, add_original_key, id_of, move_tally};
use super::{DeadLetter, Ending, Failure, Letter, Retried, StoreError, Tx, damaged, imports};
use crate::seal::Sealed;
use crate::store::history::Order;
use crate::store::{Item, Rejection};

pub fn add_record(tx: &mut Tx<'_>, sealed: &Sealed) -> Result<i64, Failure> {
    let sql = "INSERT INTO letter_record (sealed) VALUES ($1) RETURNING id";
    Ok(tx.query_one(sql, &[&sealed.as_bytes()])?.get(0))
}

/// A letter that is to be written.
pub struct NewLetter<'a> {
    pub order: Order,
    pub item: &'a Item,
    pub import: Option<i64>,
    pub rejection: &'a Rejection,
    /// The row of `letter_record`.
    pub record: i64,
}

pub fn add(tx: &mut Tx<'_>, letters: &[NewLetter<'_>]) -> Result<(), Failure> {
    if letters.is_empty() {
        return Ok(());
    }
    let sql = "COPY dead_letter (queue, partition, at, received_at, source, import, row, report_id, code, field, hint, \
               record, item) FROM STDIN (FORMAT binary)";
    let types = [
        Type::INT8,
        Type::INT4,
        Type::INT8,
        Type::TIMESTAMPTZ,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::BYTEA,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
    ];
    tx.copy(sql, &types, |writer| {
        for NewLetter { order, item, import, rejection, record } in letters {
            let Rejection { reject, report_id, letter } = rejection;
            writer.write_raw([
                Value::Int(order.queue),
                Value::Small(order.partition),
                Value::Int(order.offset),
                Value::At(item.received_at),
                Value::Text(item.source.as_str().into()),
                Value::or_null(*import, Value::Int),
                Value::or_null(item.row.and_then(|row| i64::try_from(row).ok()), Value::Int),
                Value::or_null(report_id.as_ref(), |id| Value::Bytes(id.as_bytes())),
                Value::Text(reject.code.as_str().into()),
                Value::or_null(reject.field.as_deref(), |field| Value::Text(field.into())),
                Value::or_null(reject.hint.as_deref(), |hint| Value::Text(hint.into())),
                Value::Int(*record),
                Value::Int(i64::from(letter.item)),
            ])?;
        }
        Ok(())
    })
}

const EACH: &str = "SELECT l.id, q.queue_id, l.partition, l.at, l.received_at, l.source, i.batch, l.row, l.report_id, \
                    l.code, l.field, l.hint FROM dead_letter l JOIN queue q ON q.id = l.queue \
                    LEFT JOIN import i ON i.id = l.import ORDER BY l.id";
const ONE: &str = "SELECT l.id, q.queue_id, l.partition, l.at, l.received_at, l.source, i.batch, l.row, l.report_id, \
                   l.code, l.field, l.hint, r.sealed, l.item FROM dead_letter l JOIN queue q ON q.id = l.queue \
                   JOIN letter_record r ON r.id = l.record LEFT JOIN import i ON i.id = l.import WHERE l.id = $1";

fn read(row: &Row) -> Result<DeadLetter, Failure> {
    let batch: Option<&[u8]> = row.get(6);
    let report_id: Option<&[u8]> = row.get(8);
    let batch = batch.map(|bytes| bytes.try_into().map_err(|_| damaged("import.batch"))).transpose()?;
    Ok(DeadLetter {
        id: row.get(0),
        queue_id: row.get::<_, &str>(1).into(),
        position: Position { partition: row.get(2), offset: row.get(3) },
        received_at: row.get::<_, At>(4).0,
        source: SourceName::parse(row.get(5)).ok_or_else(|| damaged("dead_letter.source"))?,
        batch: batch.map(BatchId::from_bytes),
        row: row.get::<_, Option<i64>>(7).and_then(|row| u64::try_from(row).ok()),
        report_id: report_id.map(|bytes| id_of(bytes, "dead_letter.report_id")).transpose()?,
        reject: Reject {
            code: RejectCode::from_code(row.get(9)).ok_or_else(|| damaged("dead_letter.code"))?,
            field: row.get::<_, Option<String>>(10).map(Into::into),
            hint: row.get::<_, Option<String>>(11).map(Into::into),
        },
    })
}

pub fn each(tx: &mut Tx<'_>, each: &mut dyn FnMut(DeadLetter) -> ControlFlow<()>) -> Result<(), Failure> {
    tx.each(EACH, &[], &mut |row| Ok(each(read(row)?))).map(drop)
}

pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<(DeadLetter, Letter), Failure> {
    let row = tx.query_opt(ONE, &[&id])?.ok_or(StoreError::NoSuchDeadLetter(id))?;
    let item = u32::try_from(row.get::<_, i64>(13)).map_err(|_| damaged("dead_letter.item"))?;
    let record = Arc::new(Sealed::from_bytes(row.get(12)));
    Ok((read(&row)?, Letter { record, item }))
}

pub fn resolve(tx: &mut Tx<'_>, id: i64, retried: &Retried, at: Instant) -> Result<Ending, Failure> {
    let (coded, original, originals) = match retried {
        Retried::Coded { coded, original, originals } => (coded, original, originals),
        Retried::Rejected { reject, report_id } => {
            let sql = "UPDATE dead_letter SET code = $2, field = $3, hint = $4, report_id = $5 WHERE id = $1";
            let report_id = report_id.as_ref().map(|id| id.as_bytes().as_slice());
            let (field, hint) = (reject.field.as_deref(), reject.hint.as_deref());
            return match tx.execute(sql, &[&id, &reject.code.as_str(), &field, &hint, &report_id])? {
                0 => Err(StoreError::NoSuchDeadLetter(id).into()),
                _ => Ok(Ending::Rejected),
            };
        }
    };
    let mut writing = Writing::begin(tx)?;
    let sql =
        "SELECT queue, partition, at, received_at, source, import, record FROM dead_letter WHERE id = $1 FOR UPDATE";
    let found = tx.query_opt(sql, &[&id])?.ok_or(StoreError::NoSuchDeadLetter(id))?;
    let order = Order { queue: found.get(0), partition: found.get(1), offset: found.get(2) };
    let received_at = found.get::<_, At>(3).0;
    let source = SourceName::parse(found.get(4)).ok_or_else(|| damaged("dead_letter.source"))?;
    let (import, record): (Option<i64>, i64) = (found.get(5), found.get(6));
    let since = at.max(received_at);

    let original_key = add_original_key(tx, originals)?;
    if let Some(import) = import {
        imports::meet(&mut writing.imports, tx, import)?;
    }
    writing.look_up(tx, coded.report.report_id.into_iter())?;
    let arrival = Arrival { coded, original, original_key, order, received_at, effective_at: since, import };
    let ending = writing.receive(&arrival)?;
    writing.imports.resolved(import);
    writing.imports.ended(import, ending);
    writing.finish(tx)?;
    move_tally(tx, since, received_at, &source, ending)?;
    if ending == Ending::Repeat {
        // Nothing was sealed with it.
        tx.execute("DELETE FROM original_key WHERE id = $1", &[&original_key])?;
    }
    tx.execute("DELETE FROM dead_letter WHERE id = $1", &[&id])?;
    let sql = "DELETE FROM letter_record WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE record = $1)";
    tx.execute(sql, &[&record])?;
    Ok(ending)
}
