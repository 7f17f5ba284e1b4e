//! How sources went of late, and what is held of those that are paused.

use rusqlite::{Connection, Transaction};
use schemas::clock::from_micros;
use schemas::reject::RejectCode;
use schemas::source::SourceName;

use super::{Failure, damaged};
use crate::pause::Lately;
use crate::store::Held;

pub fn write(tx: &Transaction<'_>, lately: &[(SourceName, Lately)]) -> Result<(), Failure> {
    for (source, lately) in lately {
        if *lately == Lately::default() {
            forget(tx, source)?;
            continue;
        }
        let sql = "INSERT OR REPLACE INTO lately (source, in_a_row, recent, since) VALUES (?1, ?2, ?3, ?4)";
        let since = lately.since.map(|since| since.timestamp_micros());
        tx.prepare_cached(sql)?.execute((source.as_str(), lately.in_a_row(), lately.recent(), since))?;
    }
    Ok(())
}

pub fn forget(tx: &Transaction<'_>, source: &SourceName) -> Result<(), Failure> {
    tx.prepare_cached("DELETE FROM lately WHERE source = ?1")?.execute([source.as_str()])?;
    Ok(())
}

fn name(text: &str, column: &'static str) -> Result<SourceName, Failure> {
    SourceName::parse(text).ok_or_else(|| damaged(column))
}

pub fn all(connection: &Connection) -> Result<Vec<(SourceName, Lately)>, Failure> {
    let sql = "SELECT source, in_a_row, recent, since FROM lately ORDER BY source";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let source = name(row.get_ref(0)?.as_str().map_err(|_| damaged("lately.source"))?, "lately.source")?;
        let since = row.get::<_, Option<i64>>(3)?.map(from_micros);
        let recent: Vec<u8> = row.get(2)?;
        let lately = Lately::stored(row.get(1)?, &recent, since).ok_or_else(|| damaged("lately.recent"))?;
        all.push((source, lately));
    }
    Ok(all)
}

pub fn held(connection: &Connection) -> Result<Vec<Held>, Failure> {
    let sql = "SELECT source, count(*), min(received_at) FROM dead_letter WHERE code = 'source_paused' \
               GROUP BY source ORDER BY source";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let source: String = row.get(0)?;
        let source = name(&source, "dead_letter.source")?;
        all.push(Held { source, count: row.get(1)?, oldest: from_micros(row.get(2)?) });
    }
    Ok(all)
}

pub fn held_letters(connection: &Connection, source: &SourceName, most: u32) -> Result<Vec<i64>, Failure> {
    let sql = "SELECT id FROM dead_letter WHERE code = 'source_paused' AND source = ?1 ORDER BY id LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((source.as_str(), most), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn codes(connection: &Connection) -> Result<Vec<(SourceName, RejectCode, u64)>, Failure> {
    let sql = "SELECT source, code, count(*) FROM dead_letter WHERE code <> 'source_paused' \
               GROUP BY source, code ORDER BY source, code";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let (source, code): (String, String) = (row.get(0)?, row.get(1)?);
        let code = RejectCode::from_code(&code).ok_or_else(|| damaged("dead_letter.code"))?;
        all.push((name(&source, "dead_letter.source")?, code, row.get(2)?));
    }
    Ok(all)
}
