//! Dead letters: rejects, whole and sealed, until a retry resolves them.
//!
//! What always holds: a letter keeps its place in the queue's order and its `received_at`; a resolved letter is gone, and
//! its sealed record with the last letter that needs it.

use std::borrow::Cow;
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
use crate::seal::{BatchKey, Sealed};
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
    pub rejection: Cow<'a, Rejection>,
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
            let Rejection { reject, report_id, letter } = &**rejection;
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
                    LEFT JOIN import i ON i.id = l.import WHERE l.code <> 'source_paused' ORDER BY l.id";
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
    let endings = resolve_all(tx, &[(id, retried)], at)?;
    Ok(endings.into_iter().flatten().next().ok_or(StoreError::NoSuchDeadLetter(id))?)
}

/// A letter that is resolved, as it stands in the table.
const FOUND: &str = "SELECT queue, partition, at, received_at, source, import, record, code = 'source_paused' \
                     FROM dead_letter WHERE id = $1 FOR UPDATE";

/// Resolves letters in their order. `None` for one that is not there any more.
pub fn resolve_all<R: std::borrow::Borrow<Retried>>(
    tx: &mut Tx<'_>,
    letters: &[(i64, R)],
    at: Instant,
) -> Result<Vec<Option<Ending>>, Failure> {
    // The lock comes first: of two who resolve the same letters, the second finds them gone.
    let mut writing = Writing::begin(tx)?;
    writing.look_up(
        tx,
        letters.iter().filter_map(|(_, retried)| match retried.borrow() {
            Retried::Coded { coded, .. } => coded.report.report_id,
            Retried::Rejected { .. } => None,
        }),
    )?;
    // Letters that are resolved together share a key.
    let mut keys: Vec<(&BatchKey, i64, bool)> = Vec::new();
    let mut endings = Vec::with_capacity(letters.len());
    for (id, retried) in letters {
        let Some(found) = tx.query_opt(FOUND, &[id])? else {
            endings.push(None);
            continue;
        };
        let order = Order { queue: found.get(0), partition: found.get(1), offset: found.get(2) };
        let received_at = found.get::<_, At>(3).0;
        let source = SourceName::parse(found.get(4)).ok_or_else(|| damaged("dead_letter.source"))?;
        let (import, record, held): (Option<i64>, i64, bool) = (found.get(5), found.get(6), found.get(7));
        if let Some(import) = import {
            imports::meet(&mut writing.imports, tx, import)?;
        }
        let since = at.max(received_at);
        // What is held has no ending yet.
        let was = (!held).then_some(Ending::Rejected);
        let ending = match retried.borrow() {
            Retried::Coded { coded, original, originals } => {
                if keys.last().is_none_or(|(key, ..)| key.id != originals.id) {
                    keys.push((originals, add_original_key(tx, originals)?, false));
                }
                let (_, original_key, used) = keys.last_mut().ok_or_else(|| damaged("original_key"))?;
                let arrival = Arrival {
                    coded,
                    original,
                    original_key: *original_key,
                    order,
                    received_at,
                    effective_at: since,
                    import,
                };
                let ending = writing.receive(&arrival)?;
                *used |= ending != Ending::Repeat;
                tx.execute("DELETE FROM dead_letter WHERE id = $1", &[id])?;
                let sql = "DELETE FROM letter_record WHERE id = $1 \
                           AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE record = $1)";
                tx.execute(sql, &[&record])?;
                ending
            }
            Retried::Rejected { reject, report_id } => {
                let sql = "UPDATE dead_letter SET code = $2, field = $3, hint = $4, report_id = $5 WHERE id = $1";
                let report_id = report_id.as_ref().map(|id| id.as_bytes().as_slice());
                let (field, hint) = (reject.field.as_deref(), reject.hint.as_deref());
                tx.execute(sql, &[id, &reject.code.as_str(), &field, &hint, &report_id])?;
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
    writing.finish(tx)?;
    for (_, row, _) in keys.iter().filter(|(_, _, used)| !used) {
        // Nothing was sealed with it.
        tx.execute("DELETE FROM original_key WHERE id = $1", &[row])?;
    }
    Ok(endings)
}
