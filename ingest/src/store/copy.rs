//! Copying a whole store into another one, of either kind: what `store copy` and a backup of PostgreSQL do.
//!
//! What always holds: all of it is read from one consistent view; a target is a store only once all of it is there and
//! was read back, and before that no program opens it; a copy that was cut off goes on where it stood and ends the same;
//! rows stream, so memory does not grow with the store. [`TABLES`] names every table there is: a test compares it with
//! both engines.

use std::borrow::Cow;
use std::sync::LazyLock;

use schemas::dataset::{COLUMNS, ColumnType};
use sha2::{Digest, Sha256};

use super::StoreError;

/// What a target says that it is while it is not whole.
pub const UNFINISHED: &str = "copy that is not finished";

/// How many rows one transaction takes, so that a copy that is cut off has little to do again.
const ROWS_AT_ONCE: i64 = 20_000;

/// What a column holds. The flat form is that of SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Int,
    /// An integer of 32 bits, where the engine has one.
    Small,
    Bool,
    Text,
    Bytes,
    /// Microseconds since 1970.
    At,
    /// `2026-09-01`
    Day,
    /// `07:30`
    Time,
    /// Joined by `;`.
    Codes,
}

/// A value between the engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flat<'a> {
    Null,
    Int(i64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
}

/// One column. Two have names that differ between the engines.
#[derive(Debug, Clone)]
pub struct Column {
    pub sqlite: Cow<'static, str>,
    pub postgres: Cow<'static, str>,
    pub kind: Kind,
}

/// One table.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    /// The table, or what gives its rows, in SQLite.
    pub sqlite: &'static str,
    pub columns: Vec<Column>,
    /// Whether rows are only ever added, under a number that counts up and is the first column. Such tables are copied
    /// first, a stretch at a time; all others at the end, at once.
    pub grows: bool,
}

impl Table {
    pub fn sqlite_names(&self) -> String {
        self.columns.iter().map(|c| &*c.sqlite).collect::<Vec<_>>().join(", ")
    }

    pub fn postgres_names(&self) -> String {
        self.columns.iter().map(|c| &*c.postgres).collect::<Vec<_>>().join(", ")
    }
}

/// Every table but `about` and the counter, which are made with the target.
pub static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    use Kind::{At, Bool, Bytes, Int, Small, Text};
    let coded = COLUMNS.iter().map(|column| {
        let kind = match column.ty {
            ColumnType::Id => Bytes,
            ColumnType::Int => Int,
            ColumnType::Bool => Bool,
            ColumnType::Instant => At,
            ColumnType::Date => Kind::Day,
            ColumnType::Time => Kind::Time,
            ColumnType::Codes => Kind::Codes,
            ColumnType::Text | ColumnType::Json => Text,
        };
        Column { sqlite: column.name.clone(), postgres: column.name.clone(), kind }
    });
    let columns = |of: &'static [(&'static str, Kind)]| -> Vec<Column> {
        let one = |&(name, kind): &(&'static str, Kind)| {
            // `offset` is a word of SQL in PostgreSQL.
            let postgres = if name == "offset" { "at" } else { name };
            Column { sqlite: name.into(), postgres: postgres.into(), kind }
        };
        of.iter().map(one).collect()
    };
    let table = |name, grows, of| Table { name, sqlite: name, columns: columns(of), grows };
    vec![
        Table { name: "coded", sqlite: "coded", columns: coded.collect(), grows: true },
        table(
            "version",
            true,
            &[
                ("seq", Int),
                ("report_id", Bytes),
                ("content", Bytes),
                ("revision", Int),
                ("queue", Int),
                ("partition", Small),
                ("offset", Int),
                ("import", Int),
                ("previous", Int),
            ],
        ),
        table("original", true, &[("seq", Int), ("key", Int), ("sealed", Bytes)]),
        table("superseded", true, &[("id", Int), ("seq", Int), ("at", At), ("by_seq", Int)]),
        table("queue", false, &[("id", Int), ("queue_id", Text)]),
        Table {
            name: "stored",
            sqlite: "(SELECT p.queue, p.partition, p.next, l.fingerprint AS last FROM position p \
                     LEFT JOIN position_last l ON l.queue = p.queue AND l.partition = p.partition)",
            columns: columns(&[("queue", Int), ("partition", Small), ("next", Int), ("last", Bytes)]),
            grows: false,
        },
        Table {
            name: "report",
            sqlite: "(SELECT v.report_id, r.newest, r.current FROM (SELECT key, newest, current FROM report_recent \
                     UNION ALL SELECT key, newest, current FROM report o \
                     WHERE NOT EXISTS (SELECT 1 FROM report_recent n WHERE n.key = o.key)) r \
                     JOIN version v ON v.seq = r.newest)",
            columns: columns(&[("report_id", Bytes), ("newest", Int), ("current", Int)]),
            grows: false,
        },
        table(
            "tally",
            false,
            &[
                ("since", At),
                ("received_at", At),
                ("source", Text),
                ("received", Int),
                ("coded", Int),
                ("revisions", Int),
                ("repeats", Int),
                ("rejected", Int),
            ],
        ),
        table(
            "source",
            false,
            &[
                ("name", Text),
                ("kind", Text),
                ("settings", Text),
                ("public_name", Text),
                ("token_sha256", Bytes),
                ("revoked", Bool),
            ],
        ),
        table(
            "import",
            false,
            &[
                ("id", Int),
                ("batch", Bytes),
                ("source", Text),
                ("started_at", At),
                ("files", Int),
                ("coded", Int),
                ("revisions", Int),
                ("repeats", Int),
                ("rejected", Int),
                ("withdrawn_at", At),
                ("first_seq", Int),
                ("last_seq", Int),
            ],
        ),
        table("lately", false, &[("source", Text), ("in_a_row", Int), ("recent", Bytes), ("since", At)]),
        table("original_key", false, &[("id", Int), ("key_id", Bytes), ("wrapped", Bytes)]),
        table("letter_record", false, &[("id", Int), ("sealed", Bytes)]),
        table(
            "dead_letter",
            false,
            &[
                ("id", Int),
                ("queue", Int),
                ("partition", Small),
                ("offset", Int),
                ("received_at", At),
                ("source", Text),
                ("import", Int),
                ("row", Int),
                ("report_id", Bytes),
                ("code", Text),
                ("field", Text),
                ("hint", Text),
                ("record", Int),
                ("item", Int),
            ],
        ),
    ]
});

/// What a target is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Tables were made, or a copy of the same installation was begun before.
    Unfinished,
    /// A whole store.
    Whole,
}

/// What was counted of a table, and the sum of its rows' hashes, which does not depend on their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    pub rows: u64,
    hash: [u128; 2],
}

impl Sum {
    fn add(&mut self, row: &[Flat<'_>]) {
        let mut hasher = Sha256::new();
        for value in row {
            let (kind, bytes): (u8, &[u8]) = match value {
                Flat::Null => (0, &[]),
                Flat::Int(number) => {
                    hasher.update([1]);
                    hasher.update(number.to_be_bytes());
                    continue;
                }
                Flat::Text(text) => (2, text.as_bytes()),
                Flat::Bytes(bytes) => (3, bytes),
            };
            hasher.update([kind]);
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        }
        let hash = hasher.finalize();
        for (sum, half) in self.hash.iter_mut().zip(hash.chunks_exact(16)) {
            let half = half.try_into().map_or(0, u128::from_be_bytes);
            *sum = sum.wrapping_add(half);
        }
        self.rows += 1;
    }
}

/// Why a copy was not finished.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the target holds a store that is not a copy of this one ({0} differs): nothing was changed there")]
    AnotherStore(&'static str),
    #[error("the target holds a copy that was begun from another installation: empty it first")]
    AnotherCopy,
    #[error("the target holds tables that are none of ours: nothing was changed there")]
    NotEmpty,
    #[error("the store changed while it was copied: stop its workers and run this again, it goes on where it stands")]
    Changed,
    #[error("{table}: {wanted} rows are there and {found} were copied, or one is not the same: empty the target first")]
    Differs { table: &'static str, wanted: u64, found: u64 },
}

/// Takes the rows of a table, one at a time.
pub type Take<'a> = dyn FnMut(&[Flat<'_>]) -> Result<(), CopyError> + 'a;

/// Gives the rows of a table.
pub trait Rows {
    /// The rows in any order; of a table that grows, those after `after`, in order, at most `limit`.
    fn rows(&mut self, table: &Table, after: Option<i64>, limit: i64, take: &mut Take<'_>) -> Result<(), CopyError>;
}

/// A store to copy from: one consistent view.
pub trait Origin: Rows {
    /// The last number that a dead letter ever got: it is given to no other.
    fn last_letter(&mut self) -> Result<i64, CopyError>;

    /// The offset from which a queue's partition is still to be stored.
    fn position(&mut self, queue_id: &str, partition: i32) -> Result<i64, CopyError>;

    /// Whether the store is not what it was when the view began.
    fn changed(&mut self) -> Result<bool, CopyError>;
}

/// A store to copy to. Between `begin` and `commit` it is one transaction; what was not committed is gone.
pub trait Target: Rows {
    /// Makes the tables where there are none; says what is there.
    fn prepare(&mut self, installation: &str) -> Result<Found, CopyError>;

    fn begin(&mut self) -> Result<(), CopyError>;

    fn commit(&mut self) -> Result<(), CopyError>;

    /// The greatest number in a table that grows; 0 where it is empty.
    fn last(&mut self, table: &Table) -> Result<i64, CopyError>;

    /// Adds rows of the origin's table; tells how many.
    fn put(&mut self, table: &Table, from: &mut dyn Origin, after: Option<i64>, limit: i64) -> Result<u64, CopyError>;

    /// Sets what counts up, so that no number is given twice.
    fn set_counters(&mut self, last_letter: i64) -> Result<(), CopyError>;

    /// From now on this is a store.
    fn finish(&mut self) -> Result<(), CopyError>;
}

/// What was copied.
#[derive(Debug, Clone, Default)]
pub struct Copied {
    /// Rows by table, in the order of [`TABLES`].
    pub tables: Vec<(&'static str, u64)>,
    /// It was whole before.
    pub was_there: bool,
}

fn sum(of: &mut (impl Rows + ?Sized), table: &Table) -> Result<Sum, CopyError> {
    let mut sum = Sum::default();
    of.rows(table, None, i64::MAX, &mut |row| {
        sum.add(row);
        Ok(())
    })?;
    Ok(sum)
}

/// What the store may do while it is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    /// Go on: the copy is of the moment at which the view began.
    GoesOn,
    /// Nothing: the copy is to take its place.
    StandsStill,
}

/// Copies all of a store. `installation` names whose store it is; `progress` hears of each stretch of rows.
pub fn copy(
    from: &mut dyn Origin,
    to: &mut dyn Target,
    installation: &str,
    meanwhile: Meanwhile,
    progress: &mut dyn FnMut(&'static str, u64),
) -> Result<Copied, CopyError> {
    let was_there = to.prepare(installation)? == Found::Whole;
    if was_there {
        let mut copied = Copied { was_there, ..Copied::default() };
        for table in TABLES.iter() {
            let wanted = sum(from, table)?;
            if sum(to, table)? != wanted {
                return Err(CopyError::AnotherStore(table.name));
            }
            copied.tables.push((table.name, wanted.rows));
        }
        return Ok(copied);
    }
    for table in TABLES.iter().filter(|table| table.grows) {
        loop {
            to.begin()?;
            let after = to.last(table)?;
            let added = to.put(table, from, Some(after), ROWS_AT_ONCE)?;
            to.commit()?;
            progress(table.name, added);
            if added < ROWS_AT_ONCE.unsigned_abs() {
                break;
            }
        }
    }
    to.begin()?;
    for table in TABLES.iter().filter(|table| !table.grows) {
        let added = to.put(table, from, None, i64::MAX)?;
        progress(table.name, added);
    }
    to.set_counters(from.last_letter()?)?;
    // Read back before anybody may rely on it.
    let mut copied = Copied::default();
    for table in TABLES.iter() {
        let (wanted, found) = (sum(from, table)?, sum(to, table)?);
        if wanted != found {
            return Err(CopyError::Differs { table: table.name, wanted: wanted.rows, found: found.rows });
        }
        copied.tables.push((table.name, wanted.rows));
    }
    if meanwhile == Meanwhile::StandsStill && from.changed()? {
        return Err(CopyError::Changed);
    }
    to.finish()?;
    to.commit()?;
    Ok(copied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_tells_rows_apart_and_not_their_order() {
        let rows = [
            vec![Flat::Int(1), Flat::Text("ab".into()), Flat::Null],
            vec![Flat::Int(2), Flat::Text("a".into()), Flat::Bytes(b"b")],
        ];
        let of = |rows: &[&Vec<Flat<'_>>]| {
            let mut sum = Sum::default();
            rows.iter().for_each(|row| sum.add(row));
            sum
        };
        assert_eq!(of(&[&rows[0], &rows[1]]), of(&[&rows[1], &rows[0]]));
        assert_ne!(of(&[&rows[0]]), of(&[&rows[1]]));
        let cut = vec![Flat::Int(1), Flat::Text("a".into()), Flat::Text("b".into())];
        assert_ne!(of(&[&cut]), of(&[&rows[0]]));
        assert_ne!(of(&[&rows[0], &rows[0]]), of(&[&rows[0]]), "a row twice is another table");
    }
}
