//! What the snapshot, exports and sums read.

use std::ops::ControlFlow;

use postgres::Row;
use schemas::Instant;
use schemas::dataset::{CodedRow, FunnelRow};
use schemas::envelope::Position;
use schemas::source::SourceName;
use schemas::time::Month;

use super::schema::NAMES;
use super::value::{At, Day, Stored};
use super::{Changes, Cut, Failure, Mark, Parameter, Range, Tx, damaged};
use crate::store::Superseded;

/// A row of `SELECT` over all columns in order.
pub fn read_row(row: &Row) -> Result<CodedRow, Failure> {
    Ok(CodedRow::read(&Stored(row))?)
}

pub fn changes(
    tx: &mut Tx<'_>,
    after: Mark,
    as_of: Instant,
    queue_id: &str,
    sink: &mut dyn Changes,
) -> Result<Cut, Failure> {
    let mut mark = after;
    let sql = format!("SELECT {} FROM coded WHERE seq > $1 ORDER BY seq", *NAMES);
    let stopped = tx.each(&sql, &[&after.seq], &mut |row| {
        let row = read_row(row)?;
        mark.seq = row.seq;
        Ok(sink.row(row))
    })?;
    if stopped.is_continue() {
        let sql = "SELECT id, seq, at FROM superseded WHERE id > $1 ORDER BY id";
        tx.each(sql, &[&after.superseded], &mut |row| {
            mark.superseded = row.get(0);
            Ok(sink.superseded(Superseded { seq: row.get(1), at: row.get::<_, At>(2).0 }))
        })
        .map(drop)?;
    }
    Ok(Cut { mark, funnel: funnel(tx, as_of)?, positions: positions(tx, queue_id)? })
}

fn positions(tx: &mut Tx<'_>, queue_id: &str) -> Result<Vec<Position>, Failure> {
    let sql = "SELECT s.partition, s.next FROM stored s JOIN queue q ON q.id = s.queue \
               WHERE q.queue_id = $1 ORDER BY s.partition";
    let rows = tx.query(sql, &[&queue_id])?;
    Ok(rows.iter().map(|row| Position { partition: row.get(0), offset: row.get(1) }).collect())
}

pub fn rows(tx: &mut Tx<'_>, range: Range, each: &mut dyn FnMut(CodedRow) -> ControlFlow<()>) -> Result<(), Failure> {
    let mut sql = format!("SELECT {} FROM coded c WHERE true", *NAMES);
    if !range.history {
        sql.push_str(" AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.seq = c.seq)");
    }
    // A month is stored as its first day.
    let day = |month: Option<Month>| month.map(|month| Day(month.first_day()));
    let (from, to) = (day(range.from), day(range.to));
    let mut parameters: Vec<Parameter<'_>> = Vec::new();
    for (bound, sign) in [(&from, ">="), (&to, "<=")] {
        if let Some(day) = bound {
            parameters.push(day);
            sql.push_str(&format!(" AND month {sign} ${}", parameters.len()));
        }
    }
    sql.push_str(" ORDER BY seq");
    tx.each(&sql, &parameters, &mut |row| Ok(each(read_row(row)?))).map(drop)
}

pub fn funnel(tx: &mut Tx<'_>, as_of: Instant) -> Result<Vec<FunnelRow>, Failure> {
    let sql = "SELECT date_trunc('month', received_at AT TIME ZONE 'UTC')::date, source, sum(received)::bigint, \
               sum(coded)::bigint, sum(revisions)::bigint, sum(repeats)::bigint, sum(rejected)::bigint \
               FROM tally WHERE since <= $1 GROUP BY 1, 2 ORDER BY 1, source COLLATE \"C\"";
    tx.query(sql, &[&At(as_of)])?
        .iter()
        .map(|row| {
            let count = |index: usize| u64::try_from(row.get::<_, i64>(index)).map_err(|_| damaged("tally"));
            // What was received and has no ending is held.
            let held = row.get::<_, i64>(2) - (3..7).map(|index| row.get::<_, i64>(index)).sum::<i64>();
            Ok(FunnelRow {
                month: Month::of(row.get::<_, Day>(0).0),
                source: SourceName::parse(row.get(1)).ok_or_else(|| damaged("tally.source"))?,
                received: count(2)?,
                coded: count(3)?,
                revisions: count(4)?,
                repeats: count(5)?,
                rejected: count(6)?,
                waiting: u64::try_from(held).map_err(|_| damaged("tally"))?,
            })
        })
        .collect()
}
