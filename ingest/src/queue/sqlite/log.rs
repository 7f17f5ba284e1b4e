//! Reading, and forgetting what is stored.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, Row, Transaction, TransactionBehavior};
use schemas::Instant;
use schemas::clock::from_micros;
use schemas::envelope::{Delivered, Position};
use schemas::source::SourceName;
use schemas::time::Month;

use super::{PARTITION, failed, open};
use crate::queue::{Limits, Log, QueueError, Unopened, Waiting};
use crate::seal::{Place, QueueCipher, Sealed};
use crate::sqlite::checkpoint;

/// How much one transaction forgets. Forgetting overwrites, and whoever appends has to wait for it.
const RELEASED_AT_ONCE: i64 = 4 << 20;

/// The embedded queue as a worker reads it.
pub struct SqliteLog {
    path: PathBuf,
    connection: Connection,
    queue_id: Arc<str>,
    cipher: QueueCipher,
}

impl fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteLog")
    }
}

/// A record without its sealed bytes.
struct Head {
    first: i64,
    count: i64,
    source: SourceName,
    received_at: Instant,
}

impl Head {
    /// Reads `first, count, source, received_at`. A name that is none cannot have been written by us.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let source = row.get_ref(2)?.as_str().ok().and_then(SourceName::parse);
        let source = source.ok_or(rusqlite::Error::InvalidQuery)?;
        Ok(Self { first: row.get(0)?, count: row.get(1)?, source, received_at: from_micros(row.get(3)?) })
    }

    const fn end(&self) -> i64 {
        self.first + self.count
    }
}

/// From the record that holds an offset (or the first one behind it) to the end.
const FROM_OFFSET: &str = "WHERE first >= coalesce((SELECT max(first) FROM record WHERE first <= ?1), ?1) AND first + count > ?1 ORDER BY first";

fn next_offset(tx: &Transaction<'_>) -> rusqlite::Result<i64> {
    tx.prepare_cached("SELECT next FROM log")?.query_row([], |row| row.get(0))
}

/// Checks that the log holds what is asked for: `held` is where the first record that answers begins, if there is one.
fn check(wanted: i64, held: Option<i64>, end: i64) -> Result<(), QueueError> {
    match held {
        Some(first) if first > wanted => Err(QueueError::Released { wanted, first }),
        None if wanted > end => Err(QueueError::Ahead { wanted, end }),
        None if wanted < end => Err(QueueError::Released { wanted, first: end }),
        _ => Ok(()),
    }
}

impl SqliteLog {
    /// Opens the queue's file, making it where there is none.
    pub fn open(path: &Path, cipher: QueueCipher) -> Result<Self, QueueError> {
        let (connection, queue_id) = open(path)?;
        Ok(Self { path: path.to_owned(), connection, queue_id, cipher })
    }

    /// Opens a record and adds its envelopes from `from` on.
    fn open_record(&self, head: &Head, sealed: Vec<u8>, from: i64, out: &mut Vec<Result<Delivered, Unopened>>) {
        let sealed = Sealed::from_bytes(sealed);
        let place = Place { queue_id: &self.queue_id, source: &head.source, received_at: head.received_at };
        let count = usize::try_from(head.count).unwrap_or(0);
        let skip = usize::try_from(from - head.first).unwrap_or(0);
        let position = |item: usize| Position {
            partition: PARTITION,
            offset: head.first + i64::try_from(item).unwrap_or(i64::MAX),
        };
        let received_at = head.received_at;
        match self.cipher.open(&sealed, &place) {
            Ok(envelopes) if envelopes.len() == count => {
                let delivered = envelopes.into_iter().enumerate().skip(skip);
                out.extend(
                    delivered.map(|(i, envelope)| Ok(Delivered { position: position(i), received_at, envelope })),
                );
            }
            _ => {
                let sealed = Arc::new(sealed);
                out.extend((skip..count).map(|i| {
                    Err(Unopened {
                        position: position(i),
                        received_at,
                        source: head.source.clone(),
                        sealed: Arc::clone(&sealed),
                        item: u32::try_from(i).unwrap_or(u32::MAX),
                    })
                }));
            }
        }
    }

    /// Forgets a little; returns how many envelopes, and whether there may be more.
    fn release_some(&mut self, below: i64, received_by: Instant) -> rusqlite::Result<(u64, bool)> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (mut envelopes, mut bytes, mut end, mut more) = (0, 0, None, false);
        {
            let sql = "SELECT first, count, received_at, length(sealed) FROM record ORDER BY first";
            let mut records = tx.prepare_cached(sql)?;
            let mut rows = records.query([])?;
            while let Some(row) = rows.next()? {
                let (first, count, at, size): (i64, i64, i64, i64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                if first + count > below || at > received_by.timestamp_micros() {
                    break;
                }
                if bytes > RELEASED_AT_ONCE {
                    more = true;
                    break;
                }
                envelopes += u64::try_from(count).unwrap_or(0);
                bytes += size;
                end = Some(first + count);
            }
        }
        if let Some(end) = end {
            tx.prepare_cached("DELETE FROM record WHERE first < ?1")?.execute([end])?;
            tx.commit()?;
        }
        Ok((envelopes, more))
    }
}

impl Log for SqliteLog {
    fn queue_id(&self) -> &Arc<str> {
        &self.queue_id
    }

    fn partitions(&mut self) -> Result<Vec<i32>, QueueError> {
        Ok(vec![PARTITION])
    }

    fn read(&mut self, from: Position, limits: Limits) -> Result<Vec<Result<Delivered, Unopened>>, QueueError> {
        let wanted = from.offset;
        let mut records: Vec<(Head, Vec<u8>)> = Vec::new();
        let mut read = || -> rusqlite::Result<i64> {
            // One view of records and end.
            let tx = self.connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
            let end = next_offset(&tx)?;
            let sql = format!("SELECT first, count, source, received_at, sealed FROM record {FROM_OFFSET}");
            let mut statement = tx.prepare_cached(&sql)?;
            let mut rows = statement.query([wanted])?;
            let (mut envelopes, mut bytes) = (0, 0);
            while envelopes < limits.envelopes && bytes < limits.bytes {
                let Some(row) = rows.next()? else { break };
                let head = Head::read(row)?;
                let sealed: Vec<u8> = row.get(4)?;
                envelopes += usize::try_from(head.end() - head.first.max(wanted)).unwrap_or(0);
                bytes += sealed.len();
                records.push((head, sealed));
            }
            Ok(end)
        };
        let end = read().map_err(failed(&self.path))?;
        check(wanted, records.first().map(|(head, _)| head.first), end)?;
        let mut out = Vec::new();
        let mut next = wanted;
        for (head, sealed) in records {
            if head.first > next {
                return Err(QueueError::Released { wanted: next, first: head.first });
            }
            self.open_record(&head, sealed, next, &mut out);
            next = head.end();
        }
        Ok(out)
    }

    fn end(&mut self, _partition: i32) -> Result<i64, QueueError> {
        let end = self.connection.query_row("SELECT next FROM log", [], |row| row.get(0));
        end.map_err(failed(&self.path))
    }

    fn release(&mut self, below: Position, received_by: Instant) -> Result<u64, QueueError> {
        let mut released = 0;
        loop {
            let (envelopes, more) = self.release_some(below.offset, received_by).map_err(failed(&self.path))?;
            released += envelopes;
            if !more {
                break;
            }
        }
        if released > 0 {
            checkpoint(&self.connection, true).map_err(failed(&self.path))?;
        }
        Ok(released)
    }

    fn waiting(&mut self, from: &[Position], as_of: Instant) -> Result<Vec<Waiting>, QueueError> {
        let wanted = from.iter().find(|p| p.partition == PARTITION).map_or(0, |p| p.offset);
        let mut held = None;
        let mut waiting: BTreeMap<(Month, SourceName), (u64, Instant)> = BTreeMap::new();
        let mut read = || -> rusqlite::Result<i64> {
            let tx = self.connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
            let end = next_offset(&tx)?;
            let sql = format!("SELECT first, count, source, received_at FROM record {FROM_OFFSET}");
            let mut statement = tx.prepare_cached(&sql)?;
            let mut rows = statement.query([wanted])?;
            while let Some(row) = rows.next()? {
                let head = Head::read(row)?;
                held.get_or_insert(head.first);
                if head.received_at <= as_of {
                    let count = u64::try_from(head.end() - head.first.max(wanted)).unwrap_or(0);
                    let key = (Month::of(head.received_at.date_naive()), head.source);
                    let entry = waiting.entry(key).or_insert((0, head.received_at));
                    entry.0 += count;
                    entry.1 = entry.1.min(head.received_at);
                }
            }
            Ok(end)
        };
        let end = read().map_err(failed(&self.path))?;
        check(wanted, held, end)?;
        let rows = waiting.into_iter();
        Ok(rows.map(|((month, source), (count, oldest))| Waiting { month, source, count, oldest }).collect())
    }
}
