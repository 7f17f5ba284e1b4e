//! How sources went of late, and what is held of those that are paused.

use schemas::reject::RejectCode;
use schemas::source::SourceName;

use super::value::At;
use super::{Failure, Tx, damaged};
use crate::pause::Lately;
use crate::store::Held;

pub fn write(tx: &mut Tx<'_>, lately: &[(SourceName, Lately)]) -> Result<(), Failure> {
    for (source, lately) in lately {
        if *lately == Lately::default() {
            forget(tx, source)?;
            continue;
        }
        let sql = "INSERT INTO lately (source, in_a_row, recent, since) VALUES ($1, $2, $3, $4) ON CONFLICT (source) \
                   DO UPDATE SET in_a_row = excluded.in_a_row, recent = excluded.recent, since = excluded.since";
        let in_a_row = i64::try_from(lately.in_a_row()).unwrap_or(i64::MAX);
        tx.execute(sql, &[&source.as_str(), &in_a_row, &lately.recent(), &lately.since.map(At)])?;
    }
    Ok(())
}

pub fn forget(tx: &mut Tx<'_>, source: &SourceName) -> Result<(), Failure> {
    tx.execute("DELETE FROM lately WHERE source = $1", &[&source.as_str()])?;
    Ok(())
}

fn count(number: i64) -> Result<u64, Failure> {
    u64::try_from(number).map_err(|_| damaged("lately"))
}

pub fn all(tx: &mut Tx<'_>) -> Result<Vec<(SourceName, Lately)>, Failure> {
    let sql = "SELECT source, in_a_row, recent, since FROM lately ORDER BY source COLLATE \"C\"";
    tx.query(sql, &[])?
        .iter()
        .map(|row| {
            let source = SourceName::parse(row.get(0)).ok_or_else(|| damaged("lately.source"))?;
            let since = row.get::<_, Option<At>>(3).map(|at| at.0);
            let lately = Lately::stored(count(row.get(1))?, row.get(2), since);
            Ok((source, lately.ok_or_else(|| damaged("lately.recent"))?))
        })
        .collect()
}

pub fn held(tx: &mut Tx<'_>) -> Result<Vec<Held>, Failure> {
    let sql = "SELECT source, count(*), min(received_at) FROM dead_letter WHERE code = 'source_paused' \
               GROUP BY source ORDER BY source COLLATE \"C\"";
    tx.query(sql, &[])?
        .iter()
        .map(|row| {
            let source = SourceName::parse(row.get(0)).ok_or_else(|| damaged("dead_letter.source"))?;
            Ok(Held { source, count: count(row.get(1))?, oldest: row.get::<_, At>(2).0 })
        })
        .collect()
}

pub fn held_letters(tx: &mut Tx<'_>, source: &SourceName, most: u32) -> Result<Vec<i64>, Failure> {
    let sql = "SELECT id FROM dead_letter WHERE code = 'source_paused' AND source = $1 ORDER BY id LIMIT $2";
    let rows = tx.query(sql, &[&source.as_str(), &i64::from(most)])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub fn codes(tx: &mut Tx<'_>) -> Result<Vec<(SourceName, RejectCode, u64)>, Failure> {
    let sql = "SELECT source, code, count(*) FROM dead_letter WHERE code <> 'source_paused' \
               GROUP BY source, code ORDER BY source COLLATE \"C\", code COLLATE \"C\"";
    tx.query(sql, &[])?
        .iter()
        .map(|row| {
            let source = SourceName::parse(row.get(0)).ok_or_else(|| damaged("dead_letter.source"))?;
            let code = RejectCode::from_code(row.get(1)).ok_or_else(|| damaged("dead_letter.code"))?;
            Ok((source, code, count(row.get(2))?))
        })
        .collect()
}
