//! The embedded store as one end of a copy.

use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use super::{Failure, damaged, explain, schema, versions};
use crate::sqlite::{self, CacheKib, View, checkpoint};
use crate::store::StoreError;
use crate::store::copy::{CopyError, Flat, Found, Origin, Rows, Table, Take, Target, UNFINISHED};

/// One consistent view of a store's file.
#[derive(Debug)]
pub struct SqliteOrigin {
    path: PathBuf,
    view: View,
    standing: String,
}

/// A file that becomes a store.
#[derive(Debug)]
pub struct SqliteTarget {
    path: PathBuf,
    connection: Connection,
}

fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> CopyError + '_ {
    move |error| explain(path, error.into()).into()
}

/// What moves with everything that changes a store.
fn standing(connection: &Connection) -> rusqlite::Result<String> {
    let sql = "SELECT (SELECT coalesce(max(seq), 0) FROM coded) || ' ' || (SELECT coalesce(max(id), 0) FROM superseded) \
               || ' ' || (SELECT coalesce(sum(next), 0) FROM position) || ' ' || (SELECT coalesce(max(id), 0) FROM tally) \
               || ' ' || (SELECT count(*) || ' ' || coalesce(sum(revoked), 0) FROM source) \
               || ' ' || (SELECT count(*) || ' ' || count(withdrawn_at) FROM import) \
               || ' ' || (SELECT count(*) || ' ' || coalesce(max(id), 0) FROM dead_letter)";
    connection.query_row(sql, [], |row| row.get(0))
}

fn flat<'r>(row: &'r Row<'_>, index: usize) -> rusqlite::Result<Flat<'r>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => Flat::Null,
        ValueRef::Integer(number) => Flat::Int(number),
        ValueRef::Text(text) => {
            Flat::Text(std::str::from_utf8(text).map_err(|_| rusqlite::Error::InvalidQuery)?.into())
        }
        ValueRef::Blob(bytes) => Flat::Bytes(bytes),
        ValueRef::Real(_) => return Err(rusqlite::Error::InvalidQuery),
    })
}

fn rows(
    connection: &Connection,
    path: &Path,
    table: &Table,
    after: Option<i64>,
    limit: i64,
    take: &mut Take<'_>,
) -> Result<(), CopyError> {
    let failed = failed(path);
    let names = table.sqlite_names();
    let mut sql = format!("SELECT {names} FROM {}", table.sqlite);
    if table.grows {
        let key = &table.columns[0].sqlite;
        sql.push_str(&format!(" WHERE {key} > ?1 ORDER BY {key} LIMIT ?2"));
    }
    let mut statement = connection.prepare_cached(&sql).map_err(&failed)?;
    let given = [after.unwrap_or(i64::MIN), limit];
    let given = params_from_iter(if table.grows { &given[..] } else { &[] });
    let mut found = statement.query(given).map_err(&failed)?;
    while let Some(row) = found.next().map_err(&failed)? {
        let mut values = Vec::with_capacity(table.columns.len());
        for index in 0..table.columns.len() {
            values.push(flat(row, index).map_err(&failed)?);
        }
        take(&values)?;
    }
    Ok(())
}

impl SqliteOrigin {
    /// Takes the view. The file must hold a store of this version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        // Brings an older form up to date, and refuses what it does not know.
        super::SqliteStore::open(path)?;
        let read = || {
            let view = View::open(path)?;
            let standing = standing(view.connection())?;
            Ok((view, standing))
        };
        let (view, standing) = read().map_err(|error: rusqlite::Error| explain(path, error.into()))?;
        Ok(Self { path: path.to_owned(), view, standing })
    }

    /// Copies the file as it is.
    pub fn copy_to(&self, to: &Path) -> Result<(), StoreError> {
        self.view.copy_to(to).map_err(|error| explain(&self.path, error.into()))
    }
}

impl Rows for SqliteOrigin {
    fn rows(&mut self, table: &Table, after: Option<i64>, limit: i64, take: &mut Take<'_>) -> Result<(), CopyError> {
        rows(self.view.connection(), &self.path, table, after, limit, take)
    }
}

impl Origin for SqliteOrigin {
    fn last_letter(&mut self) -> Result<i64, CopyError> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'dead_letter'";
        let last = self.view.connection().query_row(sql, [], |row| row.get(0)).optional();
        Ok(last.map_err(failed(&self.path))?.unwrap_or(0))
    }

    fn position(&mut self, queue_id: &str, partition: i32) -> Result<i64, CopyError> {
        let found = versions::position(self.view.connection(), queue_id, partition);
        Ok(found.map_err(|failure| explain(&self.path, failure))?)
    }

    fn changed(&mut self) -> Result<bool, CopyError> {
        let now = View::open(&self.path).and_then(|view| standing(view.connection()));
        Ok(now.map_err(failed(&self.path))? != self.standing)
    }
}

impl SqliteTarget {
    /// Opens the file, making it where there is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = sqlite::open(path, CacheKib(48 << 10)).map_err(|error| explain(path, error.into()))?;
        Ok(Self { path: path.to_owned(), connection })
    }

    /// Leaves all of it in the one file.
    pub fn close(self) -> Result<(), StoreError> {
        let close = || {
            checkpoint(&self.connection, true)?;
            self.connection.close().map_err(|(_, error)| error)
        };
        close().map_err(|error| explain(&self.path, error.into()))
    }

    fn run(&self, sql: &str) -> Result<(), CopyError> {
        self.connection.execute_batch(sql).map_err(failed(&self.path))
    }

    /// Adds one row of a table that lies otherwise here than in PostgreSQL.
    fn put_apart(&self, table: &Table, row: &[Flat<'_>]) -> Result<bool, Failure> {
        match (table.name, row) {
            ("stored", [Flat::Int(queue), Flat::Int(partition), Flat::Int(next), last]) => {
                let sql = "INSERT INTO position (queue, partition, next) VALUES (?1, ?2, ?3)";
                self.connection.prepare_cached(sql)?.execute((queue, partition, next))?;
                if let Flat::Bytes(fingerprint) = last {
                    let sql = "INSERT INTO position_last (queue, partition, fingerprint) VALUES (?1, ?2, ?3)";
                    self.connection.prepare_cached(sql)?.execute((queue, partition, fingerprint))?;
                }
            }
            ("report", [Flat::Bytes(id), Flat::Int(newest), Flat::Int(current)]) => {
                let half = id.first_chunk::<8>().ok_or_else(|| damaged("report.report_id"))?;
                let mut key = i64::from_be_bytes(*half);
                let sql = "INSERT INTO report (key, newest, current) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
                // Where two ids share their first half, the next free key is the other's.
                while self.connection.prepare_cached(sql)?.execute((key, newest, current))? == 0 {
                    key = key.wrapping_add(1);
                }
            }
            ("stored" | "report", _) => return Err(damaged("stored or report")),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Rows for SqliteTarget {
    fn rows(&mut self, table: &Table, after: Option<i64>, limit: i64, take: &mut Take<'_>) -> Result<(), CopyError> {
        rows(&self.connection, &self.path, table, after, limit, take)
    }
}

impl Target for SqliteTarget {
    fn prepare(&mut self, installation: &str) -> Result<Found, CopyError> {
        let failed = failed(&self.path);
        let about = |connection: &Connection, name: &str| -> rusqlite::Result<Option<String>> {
            let sql = "SELECT value FROM about WHERE name = ?1";
            connection.query_row(sql, [name], |row| row.get(0)).optional()
        };
        schema::make(&mut self.connection, UNFINISHED).map_err(&failed)?;
        let sql = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'about'";
        if !self.connection.query_row(sql, [], |row| row.get::<_, bool>(0)).map_err(&failed)? {
            return Err(CopyError::NotEmpty);
        }
        let found = about(&self.connection, "version").map_err(&failed)?.unwrap_or_default();
        let ours = schema::version();
        if found == ours {
            return Ok(Found::Whole);
        }
        if found != UNFINISHED {
            return Err(StoreError::OtherVersion { found, ours }.into());
        }
        let sql = "INSERT INTO about (name, value) VALUES ('copy of', ?1) ON CONFLICT DO NOTHING";
        self.connection.execute(sql, [installation]).map_err(&failed)?;
        match about(&self.connection, "copy of").map_err(&failed)? {
            Some(of) if of == installation => Ok(Found::Unfinished),
            _ => Err(CopyError::AnotherCopy),
        }
    }

    fn begin(&mut self) -> Result<(), CopyError> {
        self.run("BEGIN IMMEDIATE")
    }

    fn commit(&mut self) -> Result<(), CopyError> {
        self.run("COMMIT")?;
        checkpoint(&self.connection, false).map_err(failed(&self.path))
    }

    fn last(&mut self, table: &Table) -> Result<i64, CopyError> {
        let sql = format!("SELECT coalesce(max({}), 0) FROM {}", table.columns[0].sqlite, table.name);
        self.connection.query_row(&sql, [], |row| row.get(0)).map_err(failed(&self.path))
    }

    fn put(&mut self, table: &Table, from: &mut dyn Origin, after: Option<i64>, limit: i64) -> Result<u64, CopyError> {
        let failed = failed(&self.path);
        let marks = vec!["?"; table.columns.len()].join(", ");
        // The table under its own name also where reading it takes more.
        let sql = format!("INSERT INTO {} ({}) VALUES ({marks})", table.name, table.sqlite_names());
        let apart = table.name != table.sqlite;
        let mut insert = if apart { None } else { Some(self.connection.prepare(&sql).map_err(&failed)?) };
        let mut added = 0;
        from.rows(table, after, limit, &mut |row| {
            added += 1;
            let Some(insert) = &mut insert else {
                let put = self.put_apart(table, row).map_err(|failure| explain(&self.path, failure))?;
                return if put { Ok(()) } else { Err(CopyError::NotEmpty) };
            };
            let bind = || -> rusqlite::Result<()> {
                for (index, value) in row.iter().enumerate() {
                    match value {
                        Flat::Null => insert.raw_bind_parameter(index + 1, rusqlite::types::Null)?,
                        Flat::Int(number) => insert.raw_bind_parameter(index + 1, number)?,
                        Flat::Text(text) => insert.raw_bind_parameter(index + 1, &**text)?,
                        Flat::Bytes(bytes) => insert.raw_bind_parameter(index + 1, bytes)?,
                    }
                }
                insert.raw_execute().map(drop)
            };
            let mut bind = bind;
            bind().map_err(&failed)
        })?;
        Ok(added)
    }

    fn set_counters(&mut self, last_letter: i64) -> Result<(), CopyError> {
        let set = || -> rusqlite::Result<()> {
            self.connection.execute("DELETE FROM sqlite_sequence WHERE name = 'dead_letter'", [])?;
            if last_letter > 0 {
                let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES ('dead_letter', ?1)";
                self.connection.execute(sql, [last_letter])?;
            }
            Ok(())
        };
        set().map_err(failed(&self.path))
    }

    fn finish(&mut self) -> Result<(), CopyError> {
        self.run("DELETE FROM about WHERE name = 'copy of'")?;
        let sql = "UPDATE about SET value = ?1 WHERE name = 'version'";
        self.connection.execute(sql, [schema::version()]).map(drop).map_err(failed(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::copy::TABLES;

    #[test]
    fn every_table_is_copied() {
        let mut connection = Connection::open_in_memory().expect("opens");
        schema::make(&mut connection, UNFINISHED).expect("makes");
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
        let mut statement = connection.prepare(sql).expect("reads");
        let there: Vec<String> =
            statement.query_map([], |row| row.get(0)).expect("reads").collect::<Result<_, _>>().expect("reads");
        // What `stored` and `report` are made from, and what is no part of a store's content.
        let apart = ["about", "position", "position_last", "report_recent"];
        let mut copied: Vec<&str> = TABLES.iter().map(|table| table.name).filter(|name| *name != "stored").collect();
        copied.extend(apart);
        copied.sort_unstable();
        assert_eq!(there, copied);
        for table in TABLES.iter() {
            let sql = format!("SELECT {} FROM {}", table.sqlite_names(), table.sqlite);
            connection.prepare(&sql).unwrap_or_else(|error| panic!("{}: {error}", table.name));
        }
        // A column that is not copied would be lost in silence.
        for table in TABLES.iter().filter(|table| table.name == table.sqlite && table.name != "tally") {
            let sql = format!("SELECT count(*) FROM pragma_table_info('{}')", table.name);
            let columns: usize = connection.query_row(&sql, [], |row| row.get(0)).expect("reads");
            assert_eq!(columns, table.columns.len(), "{}", table.name);
        }
    }
}
