//! The store in PostgreSQL as one end of a copy: rows stream through binary COPY, out and in.

use std::fmt;

use postgres::Client;
use postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutIter, BinaryCopyOutRow};
use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::Type;
use schemas::clock::from_micros;

use super::server::Server;
use super::value::{At, Clock, Day, Value};
use super::{Failure, damaged, schema};
use crate::store::StoreError;
use crate::store::copy::{CopyError, Flat, Found, Kind, Origin, Rows, TABLES, Table, Take, Target, UNFINISHED};

/// A connection with a transaction of its own. Whoever drops it without a commit leaves nothing behind.
struct Session {
    server: Server,
    client: Client,
}

/// One consistent view of a store in PostgreSQL.
pub struct PostgresOrigin {
    session: Session,
    standing: String,
}

/// A schema that becomes a store.
pub struct PostgresTarget(Session);

impl fmt::Debug for PostgresOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresOrigin({:?})", self.session.server)
    }
}

impl fmt::Debug for PostgresTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresTarget({:?})", self.0.server)
    }
}

const fn type_of(kind: Kind) -> Type {
    match kind {
        Kind::Int => Type::INT8,
        Kind::Small => Type::INT4,
        Kind::Bool => Type::BOOL,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
        Kind::At => Type::TIMESTAMPTZ,
        Kind::Day => Type::DATE,
        Kind::Time => Type::TIME,
        Kind::Codes => Type::TEXT_ARRAY,
    }
}

fn types(table: &Table) -> Vec<Type> {
    table.columns.iter().map(|column| type_of(column.kind)).collect()
}

/// A value of a row, in the flat form.
fn flat(row: &BinaryCopyOutRow, index: usize, kind: Kind) -> Result<Flat<'_>, postgres::Error> {
    let text = |text: String| Flat::Text(text.into());
    Ok(match kind {
        Kind::Int => row.try_get::<Option<i64>>(index)?.map(Flat::Int),
        Kind::Small => row.try_get::<Option<i32>>(index)?.map(|n| Flat::Int(n.into())),
        Kind::Bool => row.try_get::<Option<bool>>(index)?.map(|b| Flat::Int(b.into())),
        Kind::Text => row.try_get::<Option<&str>>(index)?.map(|t| Flat::Text(t.into())),
        Kind::Bytes => row.try_get::<Option<&[u8]>>(index)?.map(Flat::Bytes),
        Kind::At => row.try_get::<Option<At>>(index)?.map(|At(at)| Flat::Int(at.timestamp_micros())),
        Kind::Day => row.try_get::<Option<Day>>(index)?.map(|Day(day)| text(day.format("%Y-%m-%d").to_string())),
        Kind::Time => row.try_get::<Option<Clock>>(index)?.map(|Clock(at)| text(at.format("%H:%M").to_string())),
        Kind::Codes => row.try_get::<Option<Vec<&str>>>(index)?.map(|codes| text(codes.join(";"))),
    }
    .unwrap_or(Flat::Null))
}

/// A flat value as the server takes it.
fn value<'v>(flat: &'v Flat<'_>, kind: Kind) -> Result<Value<'v>, Failure> {
    Ok(match (kind, flat) {
        (_, Flat::Null) => Value::Null,
        (Kind::Int, Flat::Int(number)) => Value::Int(*number),
        (Kind::Small, Flat::Int(number)) => Value::Small(i32::try_from(*number).map_err(|_| damaged("partition"))?),
        (Kind::Bool, Flat::Int(truth)) => Value::Bool(*truth != 0),
        (Kind::At, Flat::Int(micros)) => Value::At(from_micros(*micros)),
        (Kind::Text, Flat::Text(text)) => Value::Text((&**text).into()),
        (Kind::Bytes, Flat::Bytes(bytes)) => Value::Bytes(bytes),
        (Kind::Day, Flat::Text(text)) => Value::Day(text.parse().map_err(|_| damaged("a date"))?),
        (Kind::Time, Flat::Text(text)) => {
            Value::Time(chrono::NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| damaged("a time"))?)
        }
        (Kind::Codes, Flat::Text(text)) if text.is_empty() => Value::List(Vec::new()),
        (Kind::Codes, Flat::Text(text)) => Value::List(text.split(';').collect()),
        _ => return Err(damaged("a column of another type")),
    })
}

/// What moves with everything that changes a store.
fn standing(client: &mut Client) -> Result<String, postgres::Error> {
    let sql = "SELECT (SELECT seq || ' ' || superseded FROM counter) || ' ' || (SELECT coalesce(sum(next), 0) FROM stored) \
               || ' ' || (SELECT count(*) FROM tally) \
               || ' ' || (SELECT count(*) || ' ' || count(*) FILTER (WHERE revoked) FROM source) \
               || ' ' || (SELECT count(*) || ' ' || count(withdrawn_at) FROM import) \
               || ' ' || (SELECT count(*) || ' ' || coalesce(max(id), 0) FROM dead_letter)";
    Ok(client.query_one(sql, &[])?.get(0))
}

impl Session {
    fn open(url: &str) -> Result<Self, StoreError> {
        let server = Server::of(url)?;
        let client = server.connect().map_err(|error| server.explain(error))?;
        Ok(Self { server, client })
    }

    fn run(&mut self, sql: &str) -> Result<(), CopyError> {
        self.client.batch_execute(sql).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: postgres::Error) -> CopyError {
        self.server.explain(error).into()
    }

    fn rows(&mut self, table: &Table, after: Option<i64>, limit: i64, take: &mut Take<'_>) -> Result<(), CopyError> {
        let names = table.postgres_names();
        let from = if table.grows {
            // COPY takes no parameters; both are numbers.
            let key = &table.columns[0].postgres;
            let after = after.unwrap_or(i64::MIN);
            format!("(SELECT {names} FROM {} WHERE {key} > {after} ORDER BY {key} LIMIT {limit})", table.name)
        } else {
            format!("(SELECT {names} FROM {})", table.name)
        };
        let server = &self.server;
        let failed = |error: postgres::Error| -> CopyError { server.explain(error).into() };
        let reader = self.client.copy_out(&format!("COPY {from} TO STDOUT (FORMAT binary)")).map_err(failed)?;
        let mut rows = BinaryCopyOutIter::new(reader, &types(table));
        while let Some(row) = rows.next().map_err(failed)? {
            let mut values = Vec::with_capacity(table.columns.len());
            for (index, column) in table.columns.iter().enumerate() {
                values.push(flat(&row, index, column.kind).map_err(failed)?);
            }
            take(&values)?;
        }
        Ok(())
    }
}

impl PostgresOrigin {
    /// Takes the view. The schema must hold a store of this version.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        super::PostgresStore::open(url)?;
        let mut session = Session::open(url)?;
        let mut take = || {
            session.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            standing(&mut session.client)
        };
        let standing = take().map_err(|error| session.server.explain(error))?;
        Ok(Self { session, standing })
    }
}

impl Rows for PostgresOrigin {
    fn rows(&mut self, table: &Table, after: Option<i64>, limit: i64, take: &mut Take<'_>) -> Result<(), CopyError> {
        self.session.rows(table, after, limit, take)
    }
}

impl Origin for PostgresOrigin {
    fn last_letter(&mut self) -> Result<i64, CopyError> {
        let sql = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('dead_letter', 'id')::regclass), 0)";
        let row = self.session.client.query_one(sql, &[]).map_err(|error| self.session.failed(error))?;
        Ok(row.get(0))
    }

    fn position(&mut self, queue_id: &str, partition: i32) -> Result<i64, CopyError> {
        let sql =
            "SELECT s.next FROM stored s JOIN queue q ON q.id = s.queue WHERE q.queue_id = $1 AND s.partition = $2";
        let row = self.session.client.query_opt(sql, &[&queue_id, &partition]);
        Ok(row.map_err(|error| self.session.failed(error))?.map_or(0, |row| row.get(0)))
    }

    fn changed(&mut self) -> Result<bool, CopyError> {
        let mut now = self.session.server.connect().map_err(|error| self.session.failed(error))?;
        let now = standing(&mut now).map_err(|error| self.session.failed(error))?;
        Ok(now != self.standing)
    }
}

impl PostgresTarget {
    /// Connects.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Ok(Self(Session::open(url)?))
    }
}

impl Rows for PostgresTarget {
    fn rows(&mut self, table: &Table, after: Option<i64>, limit: i64, take: &mut Take<'_>) -> Result<(), CopyError> {
        self.0.rows(table, after, limit, take)
    }
}

impl Target for PostgresTarget {
    fn prepare(&mut self, installation: &str) -> Result<Found, CopyError> {
        let Session { client, server } = &mut self.0;
        let mut prepare = || -> Result<(String, String), postgres::Error> {
            let mut tx = client.transaction()?;
            schema::make(&mut tx, UNFINISHED)?;
            let found = schema::found(&mut tx)?.unwrap_or_default();
            let mut of = String::new();
            if found == UNFINISHED {
                let sql = "INSERT INTO about (name, value) VALUES ('copy of', $1) ON CONFLICT DO NOTHING";
                tx.execute(sql, &[&installation])?;
                of = tx.query_one("SELECT value FROM about WHERE name = 'copy of'", &[])?.get(0);
            }
            tx.commit()?;
            Ok((found, of))
        };
        let (found, of) = prepare().map_err(|error| server.explain(error))?;
        let ours = schema::version();
        match found {
            found if found == ours => Ok(Found::Whole),
            found if found != UNFINISHED => Err(StoreError::OtherVersion { found, ours }.into()),
            _ if of != installation => Err(CopyError::AnotherCopy),
            _ => Ok(Found::Unfinished),
        }
    }

    fn begin(&mut self) -> Result<(), CopyError> {
        self.0.run("BEGIN")
    }

    fn commit(&mut self) -> Result<(), CopyError> {
        self.0.run("COMMIT")
    }

    fn last(&mut self, table: &Table) -> Result<i64, CopyError> {
        let sql = format!("SELECT coalesce(max({}), 0) FROM {}", table.columns[0].postgres, table.name);
        let row = self.0.client.query_one(&sql, &[]).map_err(|error| self.0.failed(error))?;
        Ok(row.get(0))
    }

    fn put(&mut self, table: &Table, from: &mut dyn Origin, after: Option<i64>, limit: i64) -> Result<u64, CopyError> {
        let Session { client, server } = &mut self.0;
        let failed = |error: postgres::Error| -> CopyError { server.explain(error).into() };
        let sql = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, table.postgres_names());
        let writer = client.copy_in(&sql).map_err(failed)?;
        let mut writer = BinaryCopyInWriter::new(writer, &types(table));
        from.rows(table, after, limit, &mut |row| {
            let mut values = Vec::with_capacity(row.len());
            for (flat, column) in row.iter().zip(&table.columns) {
                values.push(value(flat, column.kind).map_err(|failure| server.explain(failure))?);
            }
            writer.write_raw(values).map_err(failed)
        })?;
        writer.finish().map_err(failed)
    }

    fn set_counters(&mut self, last_letter: i64) -> Result<(), CopyError> {
        for table in ["queue", "import", "original_key", "letter_record", "dead_letter"] {
            let least = if table == "dead_letter" { last_letter } else { 0 };
            self.0.run(&format!(
                "SELECT setval(pg_get_serial_sequence('{table}', 'id'), greatest(t.last, 1), t.last > 0) \
                 FROM (SELECT greatest(max(id), {least}, 0) AS last FROM {table}) t"
            ))?;
        }
        self.0.run(
            "UPDATE counter SET seq = (SELECT coalesce(max(seq), 0) FROM coded), \
             superseded = (SELECT coalesce(max(id), 0) FROM superseded)",
        )
    }

    fn finish(&mut self) -> Result<(), CopyError> {
        self.0.run("DELETE FROM about WHERE name = 'copy of'")?;
        let sql = "UPDATE about SET value = $1 WHERE name = 'version'";
        self.0.client.execute(sql, &[&schema::version()]).map_err(|error| self.0.failed(error))?;
        // The planner is to know how large it all is from the first batch on.
        let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        self.0.run(&format!("ANALYZE {}", names.join(", ")))
    }
}
