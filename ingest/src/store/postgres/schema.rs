//! The tables of the store in PostgreSQL.
//!
//! What always holds: the columns of `coded` are those of the dataset contract, made from it; `coded`, `version` and
//! `tally` are append only; the one index on a random key is that of `report`. Tables are made once, by whoever is first
//! and has the right to; each later form is reached by a migration in one transaction.

use std::fmt::Write as _;
use std::sync::LazyLock;

use postgres::GenericClient;
use postgres::types::Type;
use schemas::dataset::{self, COLUMNS, ColumnType};

use super::{Failure, Tx};

/// The version of the tables around `coded`. The store's whole version also names that of the dataset contract.
const TABLES: &str = "1";

/// Holds back all others who would make or migrate tables at the same moment. An arbitrary number, the same for good.
const SETTING_UP: i64 = 0x7465_7374_6967_6f31;

const AROUND: &str = "
    CREATE TABLE about (name text PRIMARY KEY, value text NOT NULL);
    -- One row: the last sequence of `coded`, and the last number of `superseded`. Whoever writes coded rows locks it.
    CREATE TABLE counter (id int PRIMARY KEY CHECK (id = 0), seq bigint NOT NULL, superseded bigint NOT NULL);
    INSERT INTO counter VALUES (0, 0, 0);

    -- How far each queue's partitions are stored, and what the last record of them was. Queues are numbered in the order
    -- in which they came into use. Of Kafka, `queue_id` names cluster and topic.
    CREATE TABLE queue (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, queue_id text NOT NULL UNIQUE);
    CREATE TABLE stored (
        queue bigint NOT NULL, partition int NOT NULL, next bigint NOT NULL, last bytea, PRIMARY KEY (queue, partition)
    );

    -- What only the store knows of a version; `seq` is the row of `coded` that it came with, `previous` the version of the
    -- report that was stored before it.
    CREATE TABLE version (
        seq bigint PRIMARY KEY, report_id bytea NOT NULL, content bytea NOT NULL, revision bigint NOT NULL,
        queue bigint NOT NULL, partition int NOT NULL, at bigint NOT NULL, import bigint, previous bigint
    );
    -- Where a report is found: its newest version, and its current row.
    CREATE TABLE report (report_id bytea PRIMARY KEY, newest bigint NOT NULL, current bigint NOT NULL)
        WITH (fillfactor = 90);
    CREATE TABLE superseded (id bigint PRIMARY KEY, seq bigint NOT NULL UNIQUE, at timestamptz NOT NULL,
        by_seq bigint NOT NULL);

    -- The first sum as an account: what each stretch of positions added, from which instant on.
    CREATE TABLE tally (
        since timestamptz NOT NULL, received_at timestamptz NOT NULL, source text NOT NULL, received bigint NOT NULL,
        coded bigint NOT NULL, revisions bigint NOT NULL, repeats bigint NOT NULL, rejected bigint NOT NULL
    );

    CREATE TABLE source (
        name text PRIMARY KEY, kind text NOT NULL, settings text NOT NULL, public_name text, token_sha256 bytea,
        revoked boolean NOT NULL
    );
    CREATE TABLE import (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, batch bytea NOT NULL UNIQUE, source text NOT NULL,
        started_at timestamptz NOT NULL, files bigint NOT NULL, coded bigint NOT NULL DEFAULT 0,
        revisions bigint NOT NULL DEFAULT 0, repeats bigint NOT NULL DEFAULT 0, rejected bigint NOT NULL DEFAULT 0,
        withdrawn_at timestamptz, first_seq bigint, last_seq bigint
    );

    -- An original can be deleted alone; the batch's key stays for the others.
    CREATE TABLE original_key (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key_id bytea NOT NULL, wrapped bytea NOT NULL
    );
    CREATE TABLE original (seq bigint PRIMARY KEY, key bigint NOT NULL, sealed bytea NOT NULL);
    -- What is sealed does not compress.
    ALTER TABLE original ALTER COLUMN sealed SET STORAGE EXTERNAL;

    CREATE TABLE letter_record (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sealed bytea NOT NULL);
    ALTER TABLE letter_record ALTER COLUMN sealed SET STORAGE EXTERNAL;
    CREATE TABLE dead_letter (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, queue bigint NOT NULL, partition int NOT NULL,
        at bigint NOT NULL, received_at timestamptz NOT NULL, source text NOT NULL, import bigint, row bigint,
        report_id bytea, code text NOT NULL, field text, hint text, record bigint NOT NULL, item bigint NOT NULL
    );
";

/// How sources went of late, and what is held of those that are paused. Added later: tables of this version may lack it.
const LATELY: &str = "
    CREATE TABLE IF NOT EXISTS lately (
        source text PRIMARY KEY, in_a_row bigint NOT NULL, recent bytea NOT NULL, since timestamptz
    );
    CREATE INDEX IF NOT EXISTS dead_letter_held ON dead_letter (source, id) WHERE code = 'source_paused';
";

/// The version of the whole.
pub fn version() -> String {
    format!("{TABLES}/{}", dataset::VERSION)
}

pub const fn type_of(ty: ColumnType) -> (Type, &'static str) {
    match ty {
        ColumnType::Id => (Type::BYTEA, "bytea"),
        ColumnType::Int => (Type::INT8, "bigint"),
        ColumnType::Bool => (Type::BOOL, "boolean"),
        ColumnType::Instant => (Type::TIMESTAMPTZ, "timestamptz"),
        ColumnType::Date => (Type::DATE, "date"),
        ColumnType::Time => (Type::TIME, "time"),
        ColumnType::Codes => (Type::TEXT_ARRAY, "text[]"),
        ColumnType::Text | ColumnType::Json => (Type::TEXT, "text"),
    }
}

/// `seq, effective_at, ...`
pub static NAMES: LazyLock<String> =
    LazyLock::new(|| COLUMNS.iter().map(|column| &*column.name).collect::<Vec<_>>().join(", "));

/// The types of the coded table's columns, in order.
pub static TYPES: LazyLock<Vec<Type>> = LazyLock::new(|| COLUMNS.iter().map(|column| type_of(column.ty).0).collect());

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
        write!(sql, "{comma}{} {}{rest}", column.name, type_of(column.ty).1).expect("a String takes all");
    }
    sql.push(')');
    sql
}

/// What the tables of the current schema say that they are; `None` where there are none.
pub fn found(tx: &mut impl GenericClient) -> Result<Option<String>, postgres::Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_tables \
               WHERE schemaname = current_schema() AND tablename = 'about')";
    if !tx.query_one(sql, &[])?.get::<_, bool>(0) {
        return Ok(None);
    }
    let said = tx.query_opt("SELECT value FROM about WHERE name = 'version'", &[])?;
    Ok(Some(said.map_or_else(String::new, |row| row.get(0))))
}

/// Makes the tables where there are none, and says what they are.
pub fn make(tx: &mut impl GenericClient, are: &str) -> Result<(), postgres::Error> {
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&SETTING_UP])?;
    // Another process may have been faster.
    if found(tx)?.is_none() {
        tx.batch_execute(&coded_table())?;
        tx.batch_execute(AROUND)?;
        tx.batch_execute(LATELY)?;
        tx.execute("INSERT INTO about (name, value) VALUES ('version', $1)", &[&are])?;
    }
    Ok(())
}

/// Makes the tables where there are none; returns the version that they are of.
pub fn set_up(tx: &mut Tx<'_>) -> Result<String, Failure> {
    if found(&mut tx.tx)?.is_none() {
        make(&mut tx.tx, &version())?;
    }
    let known = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_tables \
                 WHERE schemaname = current_schema() AND tablename = 'lately')";
    if !tx.query_one(known, &[])?.get::<_, bool>(0) {
        tx.execute("SELECT pg_advisory_xact_lock($1)", &[&SETTING_UP])?;
        tx.tx.batch_execute(LATELY)?;
    }
    Ok(found(&mut tx.tx)?.unwrap_or_default())
}
