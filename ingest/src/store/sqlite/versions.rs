//! Versions and rows of reports in their tables, and a batch as one transaction.
//!
//! What always holds: which row is current is decided by [`crate::store::history`], and written here as it was decided.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, Transaction};
use schemas::Instant;
use schemas::clock::from_micros;
use schemas::dataset::CodedRow;
use schemas::envelope::Position;
use schemas::ids::{ContentHash, ReportId};
use schemas::report::CodedReport;
use schemas::source::SourceName;

use super::{
    Batch, Ending, Endings, Failure, Letter, ROW_BYTES, SealedOriginal, SqliteStoreOptions, StoreError, coded, damaged,
    imports, lately, letters,
};
use crate::normalize::Coded;
use crate::queue::Fingerprint;
use crate::seal::{BatchKey, Sealed};
use crate::store::accounts::{Imports, Tallies, Tally};
use crate::store::history::{Added, Arriving, History, Order, Supersedes, Version};
use crate::store::{Outcome, Rejection};

/// A report, or where one would be stored.
struct Report {
    /// Where it is found; of one that is not stored, the first key that was free.
    key: i64,
    stored: bool,
    history: History,
    changed: bool,
}

/// Where a report is looked for first. Ids are keyed hashes, so half of one is as good as random.
fn first_key(id: ReportId) -> i64 {
    let mut half = [0; 8];
    half.copy_from_slice(&id.as_bytes()[..8]);
    i64::from_be_bytes(half)
}

/// Finds reports, with their versions.
struct Finder<'c> {
    recent: CachedStatement<'c>,
    newest: CachedStatement<'c>,
    version: CachedStatement<'c>,
    current: CachedStatement<'c>,
}

/// What stands at a key: a report's newest version, the one stored before that, and the current row.
struct Found {
    report_id: [u8; 16],
    newest: Version,
    previous: Option<i64>,
    current: i64,
}

/// What is read of a version; then its report's id, and its link.
const VERSION: &str = "v.seq, v.content, v.revision, v.queue, v.partition, v.offset, i.withdrawn_at IS NULL, \
                       v.report_id, v.previous";

fn read_version(row: &Row<'_>) -> Result<(Version, Option<i64>), Failure> {
    let content: [u8; 16] = row.get(1)?;
    let version = Version {
        seq: row.get(0)?,
        content: ContentHash::from_bytes(content),
        revision: row.get(2)?,
        order: Order { queue: row.get(3)?, partition: row.get(4)?, offset: row.get(5)? },
        live: row.get(6)?,
    };
    Ok((version, row.get(8)?))
}

impl<'c> Finder<'c> {
    fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let newest = |table: &str| {
            connection.prepare_cached(&format!(
                "SELECT {VERSION}, r.current FROM {table} r JOIN version v ON v.seq = r.newest \
                 LEFT JOIN import i ON i.id = v.import WHERE r.key = ?1"
            ))
        };
        Ok(Self {
            recent: newest("report_recent")?,
            newest: newest("report")?,
            version: connection.prepare_cached(&format!(
                "SELECT {VERSION} FROM version v LEFT JOIN import i ON i.id = v.import WHERE v.seq = ?1"
            ))?,
            current: connection.prepare_cached("SELECT effective_at, first_received_at FROM coded WHERE seq = ?1")?,
        })
    }

    /// What stands at a key.
    fn at(&mut self, key: i64) -> Result<Option<Found>, Failure> {
        for statement in [&mut self.recent, &mut self.newest] {
            if let Some(row) = statement.query([key])?.next()? {
                let (newest, previous) = read_version(row)?;
                return Ok(Some(Found { report_id: row.get(7)?, newest, previous, current: row.get(9)? }));
            }
        }
        Ok(None)
    }

    /// Finds a report, or the key at which it may be stored.
    fn find(&mut self, id: ReportId) -> Result<Report, Failure> {
        let mut key = first_key(id);
        let (newest, mut previous, current) = loop {
            match self.at(key)? {
                None => return Ok(Report { key, stored: false, history: History::none(), changed: false }),
                Some(found) if found.report_id == *id.as_bytes() => {
                    break (found.newest, found.previous, found.current);
                }
                // Another report holds this key: ours, if there is one, stands behind it.
                Some(_) => key = key.wrapping_add(1),
            }
        };
        let mut versions = vec![newest];
        while let Some(seq) = previous {
            let mut rows = self.version.query([seq])?;
            let row = rows.next()?.ok_or_else(|| damaged("version.previous"))?;
            let (version, before) = read_version(row)?;
            versions.push(version);
            previous = before;
        }
        versions.reverse();
        let (since, first): (i64, i64) = self.current.query_row([current], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (current_since, first_received_at) = (from_micros(since), from_micros(first));
        let history = History { versions, current, current_since, first_received_at };
        Ok(Report { key, stored: true, history, changed: false })
    }
}

/// How a submission would end if it were stored now.
pub fn ending_of(connection: &Connection, id: ReportId, content: ContentHash) -> Result<Ending, Failure> {
    Ok(Finder::new(connection)?.find(id)?.history.ending(content))
}

/// The originals of a report's versions, oldest version first.
pub fn originals(connection: &Connection, id: ReportId) -> Result<Vec<SealedOriginal>, Failure> {
    let report = Finder::new(connection)?.find(id)?;
    let sql = "SELECT c.received_at, o.sealed, k.key_id, k.wrapped FROM original o \
               JOIN original_key k ON k.id = o.key JOIN coded c ON c.seq = o.seq WHERE o.seq = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut originals = Vec::with_capacity(report.history.versions.len());
    for version in &report.history.versions {
        let original = statement.query_row([version.seq], |row| {
            Ok(SealedOriginal {
                report_id: id,
                revision: version.revision,
                received_at: from_micros(row.get(0)?),
                sealed: Sealed::from_bytes(row.get(1)?),
                key: BatchKey { id: row.get(2)?, wrapped: row.get(3)? },
            })
        });
        // One that was deleted is simply not there.
        originals.extend(original.optional()?);
    }
    Ok(originals)
}

/// A coded submission on its way in.
pub struct Arrival<'a> {
    pub coded: &'a Coded,
    pub original: &'a Sealed,
    /// The row of `original_key`.
    pub original_key: i64,
    pub order: Order,
    pub received_at: Instant,
    /// From when it may speak: the receipt, or the retry.
    pub effective_at: Instant,
    /// The row of `import`.
    pub import: Option<i64>,
}

/// Writes versions and rows within one transaction.
pub struct Writing<'t> {
    tx: &'t Transaction<'t>,
    options: SqliteStoreOptions,
    pub imports: Imports,
    /// The reports that this transaction looked at or made.
    reports: HashMap<ReportId, Report>,
    next_seq: i64,
    finder: Finder<'t>,
    insert_coded: CachedStatement<'t>,
    insert_version: CachedStatement<'t>,
    insert_original: CachedStatement<'t>,
    insert_superseded: CachedStatement<'t>,
    /// Room for texts, kept between rows.
    text: String,
    /// How much was written, roughly.
    pub bytes: usize,
}

impl<'t> Writing<'t> {
    pub fn new(tx: &'t Transaction<'t>, options: SqliteStoreOptions) -> Result<Self, Failure> {
        let last: Option<i64> = tx.query_row("SELECT max(seq) FROM coded", [], |row| row.get(0))?;
        Ok(Self {
            tx,
            options,
            imports: Imports::default(),
            reports: HashMap::new(),
            next_seq: last.unwrap_or(0) + 1,
            finder: Finder::new(tx)?,
            insert_coded: tx.prepare_cached(coded::insert_sql())?,
            insert_version: tx.prepare_cached(
                "INSERT INTO version (seq, report_id, content, revision, queue, partition, offset, import, previous) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?,
            insert_original: tx.prepare_cached("INSERT INTO original (seq, key, sealed) VALUES (?1, ?2, ?3)")?,
            insert_superseded: tx.prepare_cached("INSERT INTO superseded (seq, at, by_seq) VALUES (?1, ?2, ?3)")?,
            text: String::new(),
            bytes: 0,
        })
    }

    /// Looks reports up before they are needed, in the order in which they lie in the file.
    pub fn look_up(&mut self, ids: impl Iterator<Item = ReportId>) -> Result<(), Failure> {
        let mut ids: Vec<(i64, ReportId)> = ids.map(|id| (first_key(id), id)).collect();
        ids.sort_unstable();
        ids.dedup();
        self.reports.reserve(ids.len());
        for (_, id) in ids {
            self.reports.insert(id, self.finder.find(id)?);
        }
        Ok(())
    }

    /// Stores a coded submission whose report was looked up; tells what it is.
    pub fn receive(&mut self, arrival: &Arrival<'_>) -> Result<Ending, Failure> {
        let id = arrival.coded.report.report_id.ok_or_else(|| damaged("report_id"))?;
        let report = self.reports.get_mut(&id).ok_or_else(|| damaged("report.key"))?;
        let seq = self.next_seq;
        let arriving = Arriving {
            content: arrival.coded.content,
            order: arrival.order,
            live: self.imports.stands(arrival.import),
            received_at: arrival.received_at,
            effective_at: arrival.effective_at,
        };
        let Some(added) = report.history.receive(seq, &arriving) else { return Ok(Ending::Repeat) };
        report.changed = true;
        if let Some(Supersedes { seq: old, at, by_seq }) = added.supersedes {
            self.insert_superseded.execute((old, at.timestamp_micros(), by_seq))?;
        }

        self.next_seq += 1;
        let Added { revision, effective_at, first_received_at, withdrawn, previous, .. } = added;
        let said = CodedReport { revision, received_at: Some(arrival.received_at), ..arrival.coded.report.clone() };
        let row = CodedRow { seq, effective_at, first_received_at, withdrawn, report: said };
        coded::insert(&mut self.insert_coded, &row, &mut self.text)?;
        let Order { queue, partition, offset } = arrival.order;
        self.insert_version.execute((
            seq,
            id.as_bytes().as_slice(),
            arriving.content.as_bytes().as_slice(),
            revision,
            queue,
            partition,
            offset,
            arrival.import,
            previous,
        ))?;
        let sealed = arrival.original.as_bytes();
        self.insert_original.execute((seq, arrival.original_key, sealed))?;
        self.bytes += sealed.len() + ROW_BYTES;
        self.imports.stored(arrival.import, seq);
        Ok(added.ending)
    }

    /// After an import was withdrawn: lets that version of a report speak which is to speak now. `None` where it does
    /// already; else whether a version is left at all.
    pub fn speak_again(&mut self, id: ReportId, at: Instant) -> Result<Option<bool>, Failure> {
        let mut report = self.finder.find(id)?;
        let current = coded::get(self.tx, report.history.current)?.ok_or_else(|| damaged("report.current"))?;
        let seq = self.next_seq;
        let shown = (current.report.revision, current.withdrawn);
        let Some(again) = report.history.speak_again(seq, at, shown.0, shown.1) else { return Ok(None) };
        let copied = coded::get(self.tx, again.seq)?.ok_or_else(|| damaged("version.seq"))?;
        self.next_seq += 1;
        let Supersedes { seq: old, at: since, by_seq } = again.supersedes;
        self.insert_superseded.execute((old, since.timestamp_micros(), by_seq))?;
        let row = CodedRow { seq, effective_at: since, withdrawn: !again.live, ..copied };
        coded::insert(&mut self.insert_coded, &row, &mut self.text)?;
        report.changed = true;
        write_report(self.tx, id, &report)?;
        Ok(Some(again.live))
    }

    /// Writes what was only kept in memory so far: reports in the order in which they lie in the file, and imports.
    pub fn finish(self) -> Result<usize, Failure> {
        let mut changed: Vec<_> = self.reports.iter().filter(|(_, report)| report.changed).collect();
        changed.sort_unstable_by_key(|(id, report)| (report.key, **id));
        for (id, report) in changed {
            write_report(self.tx, *id, report)?;
        }
        imports::write(&self.imports, self.tx)?;
        pour_recent(self.tx, self.options.recent_reports)?;
        Ok(self.bytes)
    }
}

/// Writes where a report is found.
fn write_report(tx: &Transaction<'_>, id: ReportId, report: &Report) -> Result<(), Failure> {
    let (newest, current) = (report.history.newest(), report.history.current);
    if report.stored {
        let sql = "INSERT OR REPLACE INTO report_recent (key, newest, current) VALUES (?1, ?2, ?3)";
        tx.prepare_cached(sql)?.execute((report.key, newest, current))?;
        return Ok(());
    }
    let sql = "INSERT INTO report_recent (key, newest, current) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO NOTHING";
    let mut key = report.key;
    while tx.prepare_cached(sql)?.execute((key, newest, current))? == 0 {
        // Another new report with the same first half was written since we looked: look again.
        key = Finder::new(tx)?.find(id)?.key;
    }
    Ok(())
}

/// Pours `report_recent` into `report` once it is full.
fn pour_recent(tx: &Transaction<'_>, full: i64) -> Result<(), Failure> {
    let count: i64 = tx.prepare_cached("SELECT count(*) FROM report_recent")?.query_row([], |row| row.get(0))?;
    if count >= full {
        tx.execute_batch(
            "INSERT OR REPLACE INTO report SELECT * FROM report_recent ORDER BY key; DELETE FROM report_recent",
        )?;
    }
    Ok(())
}

/// The offset from which a queue's partition is still to be stored.
pub fn position(connection: &Connection, queue_id: &str, partition: i32) -> Result<i64, Failure> {
    let sql =
        "SELECT next FROM position JOIN queue ON queue.id = position.queue WHERE queue_id = ?1 AND partition = ?2";
    let next = connection.prepare_cached(sql)?.query_row((queue_id, partition), |row| row.get(0)).optional()?;
    Ok(next.unwrap_or(0))
}

/// The offset from which a queue's partition is still to be stored, and what the last record before it was.
pub fn fingerprint(
    connection: &Connection,
    queue_id: &str,
    partition: i32,
) -> Result<Option<(i64, Fingerprint)>, Failure> {
    let sql = "SELECT p.next, l.fingerprint FROM position p JOIN queue q ON q.id = p.queue \
               JOIN position_last l ON l.queue = p.queue AND l.partition = p.partition \
               WHERE q.queue_id = ?1 AND p.partition = ?2";
    let read = |row: &Row<'_>| Ok((row.get(0)?, Fingerprint(row.get(1)?)));
    Ok(connection.prepare_cached(sql)?.query_row((queue_id, partition), read).optional()?)
}

/// Moves the stored position from where the batch starts to behind it; fails where it stands elsewhere.
fn advance(tx: &Transaction<'_>, batch: &Batch, next: i64) -> Result<i64, Failure> {
    let Position { partition, offset: from } = batch.from;
    tx.prepare_cached("INSERT INTO queue (queue_id) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([&*batch.queue_id])?;
    let queue: i64 = tx
        .prepare_cached("SELECT id FROM queue WHERE queue_id = ?1")?
        .query_row([&*batch.queue_id], |row| row.get(0))?;
    tx.prepare_cached("INSERT INTO position (queue, partition, next) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING")?
        .execute((queue, partition))?;
    let moved = tx
        .prepare_cached("UPDATE position SET next = ?4 WHERE queue = ?1 AND partition = ?2 AND next = ?3")?
        .execute((queue, partition, from, next))?;
    if moved == 0 {
        let stored = position(tx, &batch.queue_id, partition)?;
        return Err(StoreError::PositionMoved { expected: from, stored }.into());
    }
    if let Some(Fingerprint(last)) = batch.last {
        tx.prepare_cached("INSERT OR REPLACE INTO position_last (queue, partition, fingerprint) VALUES (?1, ?2, ?3)")?
            .execute((queue, partition, last))?;
    }
    Ok(queue)
}

/// Adds a line to the account of the first sum.
fn add_tally(tx: &Transaction<'_>, tally: &Tally<'_>) -> Result<(), Failure> {
    let Tally { received_at, source, endings, .. } = tally;
    let sql = "INSERT INTO tally (since, received_at, source, received, coded, revisions, repeats, rejected) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    tx.prepare_cached(sql)?.execute((
        received_at.timestamp_micros(),
        received_at.timestamp_micros(),
        source.as_str(),
        tally.received(),
        endings.coded,
        endings.revisions,
        endings.repeats,
        endings.rejected,
    ))?;
    Ok(())
}

/// Moves one position from what it was (rejected, or without an ending) to what it ended as after all, from `since` on.
pub fn move_tally(
    tx: &Transaction<'_>,
    since: Instant,
    received_at: Instant,
    source: &SourceName,
    was: Option<Ending>,
    ending: Ending,
) -> Result<(), Failure> {
    let change = |of: Ending| i64::from(ending == of) - i64::from(was == Some(of));
    let sql = "INSERT INTO tally (since, received_at, source, received, coded, revisions, repeats, rejected) \
               VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7)";
    let (since, received_at) = (since.timestamp_micros(), received_at.timestamp_micros());
    tx.prepare_cached(sql)?.execute((
        since,
        received_at,
        source.as_str(),
        change(Ending::Coded),
        change(Ending::Revision),
        change(Ending::Repeat),
        change(Ending::Rejected),
    ))?;
    Ok(())
}

/// Stores the key of a batch's originals.
pub fn add_original_key(tx: &Transaction<'_>, key: &BatchKey) -> Result<i64, Failure> {
    tx.prepare_cached("INSERT INTO original_key (key_id, wrapped) VALUES (?1, ?2)")?
        .execute((key.id.as_slice(), &key.wrapped))?;
    Ok(tx.last_insert_rowid())
}

/// Stores a batch: position, versions, rejects and sums. Returns also how much was written, roughly.
pub fn commit(tx: &Transaction<'_>, batch: &Batch, options: SqliteStoreOptions) -> Result<(Endings, usize), Failure> {
    let next = batch.from.offset + i64::try_from(batch.items.len()).unwrap_or(i64::MAX);
    let queue = advance(tx, batch, next)?;
    lately::write(tx, &batch.lately)?;
    let original_key = batch.originals.as_ref().map(|key| add_original_key(tx, key)).transpose()?;

    let mut writing = Writing::new(tx, options)?;
    writing.look_up(batch.items.iter().filter_map(|item| match &item.outcome {
        Outcome::Coded { coded, .. } => coded.report.report_id,
        Outcome::Rejected(_) | Outcome::Held(_) => None,
    }))?;
    let mut letter_records: HashMap<*const Sealed, i64> = HashMap::new();
    let mut total = Endings::default();
    let mut tallies = Tallies::default();
    let mut order = Order { queue, partition: batch.from.partition, offset: batch.from.offset };
    for item in &batch.items {
        let import = match item.batch {
            Some(id) => Some(imports::of_batch(&mut writing.imports, tx, id, &item.source, item.received_at)?),
            None => None,
        };
        let mut record_of = |letter: &Letter| -> Result<i64, Failure> {
            Ok(match letter_records.entry(Arc::as_ptr(&letter.record)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => *new.insert(letters::add_record(tx, &letter.record)?),
            })
        };
        let ending = match &item.outcome {
            Outcome::Coded { coded, original } => Some(writing.receive(&Arrival {
                coded,
                original,
                original_key: original_key.ok_or_else(|| damaged("original.key"))?,
                order,
                received_at: item.received_at,
                effective_at: item.received_at,
                import,
            })?),
            Outcome::Rejected(rejection) => {
                letters::add(tx, order, item, import, rejection, record_of(&rejection.letter)?)?;
                Some(Ending::Rejected)
            }
            Outcome::Held(letter) => {
                letters::add(tx, order, item, import, &Rejection::held(letter), record_of(letter)?)?;
                None
            }
        };
        if let Some(ending) = ending {
            total.add(ending);
            writing.imports.ended(import, ending);
        }
        if let Some(full) = tallies.add(item, ending) {
            add_tally(tx, &full)?;
        }
        order.offset += 1;
    }
    if let Some(last) = tallies.end() {
        add_tally(tx, &last)?;
    }
    Ok((total, writing.finish()?))
}
