//! What the snapshot, exports and sums read.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rusqlite::Connection;
use schemas::Instant;
use schemas::clock::from_micros;
use schemas::dataset::{CodedRow, FunnelRow};
use schemas::envelope::Position;
use schemas::source::SourceName;
use schemas::time::Month;

use super::{Changes, Cut, Failure, Mark, Range, coded, damaged};
use crate::store::Superseded;

pub fn changes(
    connection: &Connection,
    after: Mark,
    as_of: Instant,
    queue_id: &str,
    sink: &mut dyn Changes,
) -> Result<Cut, Failure> {
    let mut mark = after;
    let stopped = coded::each(connection, "WHERE seq > ?1 ORDER BY seq", [after.seq], &mut |row| {
        mark.seq = row.seq;
        sink.row(row)
    })?;
    if stopped.is_continue() {
        let mut statement =
            connection.prepare_cached("SELECT id, seq, at FROM superseded WHERE id > ?1 ORDER BY id")?;
        let mut rows = statement.query([after.superseded])?;
        while let Some(row) = rows.next()? {
            mark.superseded = row.get(0)?;
            if sink.superseded(Superseded { seq: row.get(1)?, at: from_micros(row.get(2)?) }).is_break() {
                break;
            }
        }
    }
    Ok(Cut { mark, funnel: funnel(connection, as_of)?, positions: positions(connection, queue_id)? })
}

fn positions(connection: &Connection, queue_id: &str) -> Result<Vec<Position>, Failure> {
    let sql = "SELECT partition, next FROM position JOIN queue ON queue.id = position.queue \
               WHERE queue_id = ?1 ORDER BY partition";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([queue_id], |row| Ok(Position { partition: row.get(0)?, offset: row.get(1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn rows(
    connection: &Connection,
    range: Range,
    each: &mut dyn FnMut(CodedRow) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let mut clause = String::from("WHERE true");
    if !range.history {
        clause.push_str(" AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.seq = coded.seq)");
    }
    // A month is stored as its first day.
    let day = |month: Option<Month>| month.map(|month| month.first_day().to_string());
    if range.from.is_some() {
        clause.push_str(" AND month >= :from");
    }
    if range.to.is_some() {
        clause.push_str(" AND month <= :to");
    }
    clause.push_str(" ORDER BY seq");
    let (from, to) = (day(range.from), day(range.to));
    let mut params: Vec<(&str, &dyn rusqlite::ToSql)> = Vec::new();
    if range.from.is_some() {
        params.push((":from", &from));
    }
    if range.to.is_some() {
        params.push((":to", &to));
    }
    coded::each(connection, &clause, params.as_slice(), each).map(drop)
}

pub fn funnel(connection: &Connection, as_of: Instant) -> Result<Vec<FunnelRow>, Failure> {
    let sql = "SELECT received_at, source, received, coded, revisions, repeats, rejected FROM tally WHERE since <= ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([as_of.timestamp_micros()])?;
    // Sums go down as well as up: a line of the account may move one from `rejected`.
    let mut sums: BTreeMap<(Month, String), [i64; 5]> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let month = Month::of(from_micros(row.get(0)?).date_naive());
        let sum = sums.entry((month, row.get(1)?)).or_default();
        for (index, part) in sum.iter_mut().enumerate() {
            *part += row.get::<_, i64>(index + 2)?;
        }
    }
    sums.into_iter()
        .map(|((month, source), sum)| {
            let count = |index: usize| u64::try_from(sum[index]).map_err(|_| damaged("tally"));
            // What was received and has no ending is held.
            let held = sum[0] - sum[1..].iter().sum::<i64>();
            Ok(FunnelRow {
                month,
                source: SourceName::parse(&source).ok_or_else(|| damaged("tally.source"))?,
                received: count(0)?,
                coded: count(1)?,
                revisions: count(2)?,
                repeats: count(3)?,
                rejected: count(4)?,
                waiting: u64::try_from(held).map_err(|_| damaged("tally"))?,
            })
        })
        .collect()
}
