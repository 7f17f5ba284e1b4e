//! The tables of the embedded store.
//!
//! What always holds: the columns of `coded` are those of the dataset contract, made from it; `coded`, `version` and
//! `tally` are append only. Few indexes, because each one on a random key costs more than the row itself: reports are
//! found through small rows whose key is half of the report's id, and even those reach their large table in bulk. Else
//! a batch of 10,000 reports among two million would write three times what it holds.

use std::fmt::Write as _;

use rusqlite::{Connection, TransactionBehavior};
use schemas::dataset::{self, COLUMNS, ColumnType};

/// The version of the tables around `coded`. The store's whole version also names that of the dataset contract.
const TABLES: &str = "1";

const AROUND: &str = "
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

    -- How far each queue's partitions are stored. Queues are numbered in the order in which they came into use, so a
    -- later queue's positions come after an earlier one's.
    CREATE TABLE queue (id INTEGER PRIMARY KEY, queue_id TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE position (
        queue INTEGER NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (queue, partition)
    ) STRICT, WITHOUT ROWID;

    -- What only the store knows of a version: its content, its place in the queue's order, its import, and the version
    -- that was stored before it. `seq` is the row of `coded` that the version came with.
    CREATE TABLE version (
        seq INTEGER PRIMARY KEY, report_id BLOB NOT NULL, content BLOB NOT NULL, revision INTEGER NOT NULL,
        queue INTEGER NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL, import INTEGER,
        previous INTEGER
    ) STRICT;
    -- Where a report is found: the first 64 bits of its id, or the next free key behind them where two ids share them;
    -- its newest version, and its current row. What stands in `report_recent` goes before what stands in `report`: it is
    -- small, takes reports as they come, and is poured into the large table now and then, in the order of its keys.
    CREATE TABLE report (key INTEGER PRIMARY KEY, newest INTEGER NOT NULL, current INTEGER NOT NULL) STRICT;
    CREATE TABLE report_recent (key INTEGER PRIMARY KEY, newest INTEGER NOT NULL, current INTEGER NOT NULL) STRICT;
    -- Unique, so that a row which was superseded once cannot be superseded again.
    CREATE TABLE superseded (
        id INTEGER PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, at INTEGER NOT NULL, by_seq INTEGER NOT NULL
    ) STRICT;

    -- The first sum as an account: what each stretch of positions added, from which instant on. A reject that is resolved
    -- adds a line that moves it, so that the sum as of an earlier instant stays what it was.
    CREATE TABLE tally (
        id INTEGER PRIMARY KEY, since INTEGER NOT NULL, received_at INTEGER NOT NULL, source TEXT NOT NULL,
        received INTEGER NOT NULL, coded INTEGER NOT NULL, revisions INTEGER NOT NULL, repeats INTEGER NOT NULL,
        rejected INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE source (
        name TEXT PRIMARY KEY, kind TEXT NOT NULL, settings TEXT NOT NULL, public_name TEXT, token_sha256 BLOB,
        revoked INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE import (
        id INTEGER PRIMARY KEY, batch BLOB NOT NULL UNIQUE, source TEXT NOT NULL, started_at INTEGER NOT NULL,
        files INTEGER NOT NULL, coded INTEGER NOT NULL DEFAULT 0, revisions INTEGER NOT NULL DEFAULT 0,
        repeats INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0, withdrawn_at INTEGER,
        -- Its versions lie between these rows of `version`.
        first_seq INTEGER, last_seq INTEGER
    ) STRICT;

    -- An original can be deleted alone; the batch's key stays for the others.
    CREATE TABLE original_key (id INTEGER PRIMARY KEY, key_id BLOB NOT NULL, wrapped BLOB NOT NULL) STRICT;
    CREATE TABLE original (seq INTEGER PRIMARY KEY, key INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;

    CREATE TABLE letter_record (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
    CREATE TABLE dead_letter (
        id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
        received_at INTEGER NOT NULL, source TEXT NOT NULL, import INTEGER, row INTEGER, report_id BLOB,
        code TEXT NOT NULL, field TEXT, hint TEXT, record INTEGER NOT NULL, item INTEGER NOT NULL
    ) STRICT;
";

/// What the last stored record of a partition was. Added after the first release: a file without it has told none.
const LAST: &str = "
    CREATE TABLE IF NOT EXISTS position_last (
        queue INTEGER NOT NULL, partition INTEGER NOT NULL, fingerprint BLOB NOT NULL, PRIMARY KEY (queue, partition)
    ) STRICT, WITHOUT ROWID;
";

/// How sources went of late, and what is held of those that are paused. Added after the first release, as above.
const LATELY: &str = "
    CREATE TABLE IF NOT EXISTS lately (
        source TEXT PRIMARY KEY, in_a_row INTEGER NOT NULL, recent BLOB NOT NULL, since INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS dead_letter_held ON dead_letter (source, id) WHERE code = 'source_paused';
";

/// Makes the tables where there are none, and says what they are. Tells whether it made them.
pub fn make(connection: &mut Connection, are: &str) -> rusqlite::Result<bool> {
    let made = |connection: &Connection| -> rusqlite::Result<bool> {
        connection.query_row("SELECT count(*) > 0 FROM sqlite_schema", [], |row| row.get(0))
    };
    if made(connection)? {
        return Ok(false);
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let new = !made(&tx)?;
    if new {
        tx.execute_batch(&coded_table())?;
        tx.execute_batch(AROUND)?;
        tx.execute_batch(LAST)?;
        tx.execute_batch(LATELY)?;
        tx.execute("INSERT INTO about (name, value) VALUES ('version', ?1)", [are])?;
    }
    tx.commit()?;
    Ok(new)
}

/// The version of the whole.
pub fn version() -> String {
    format!("{TABLES}/{}", dataset::VERSION)
}

const fn sql_type(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::Id => "BLOB",
        ColumnType::Int | ColumnType::Bool | ColumnType::Instant => "INTEGER",
        ColumnType::Text | ColumnType::Codes | ColumnType::Date | ColumnType::Time | ColumnType::Json => "TEXT",
    }
}

/// The coded table, a column for each of the contract's; `seq`, which comes first, is the key.
fn coded_table() -> String {
    let mut sql = String::from("CREATE TABLE coded (");
    for (index, column) in COLUMNS.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let rest = match &*column.name {
            "seq" => " PRIMARY KEY",
            _ if column.nullable => "",
            _ => " NOT NULL",
        };
        write!(sql, "{comma}{} {}{rest}", column.name, sql_type(column.ty)).expect("a String takes all");
    }
    sql.push_str(") STRICT");
    sql
}

/// Makes the tables where there are none; returns the version that the file is of.
pub fn set_up(connection: &mut Connection) -> rusqlite::Result<String> {
    make(connection, &version())?;
    let known = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = ?1";
    for (name, sql) in [("position_last", LAST), ("lately", LATELY)] {
        if !connection.query_row(known, [name], |row| row.get(0))? {
            // All of it or nothing: a table without its index would be taken for the whole.
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute_batch(sql)?;
            tx.commit()?;
        }
    }
    connection.query_row("SELECT value FROM about WHERE name = 'version'", [], |row| row.get(0))
}
