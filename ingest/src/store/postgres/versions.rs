//! Versions and rows of reports in their tables, and a batch as one transaction.
//!
//! What always holds: which row is current is decided by [`crate::store::history`], under the lock of `counter`, and
//! written here as it was decided. Rows are copied into their tables and never looked for there again: what is there
//! already is told before, by the one index on report ids.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, LazyLock};

use postgres::types::Type;
use schemas::Instant;
use schemas::dataset::CodedRow;
use schemas::envelope::Position;
use schemas::ids::{ContentHash, ReportId};
use schemas::report::CodedReport;
use schemas::source::SourceName;

use super::reading::read_row;
use super::schema::{NAMES, TYPES};
use super::value::{At, Value};
use super::{
    Batch, Ending, Endings, Failure, Letter, SealedOriginal, StoreError, Tx, damaged, imports, lately, letters,
};
use crate::normalize::Coded;
use crate::queue::Fingerprint;
use crate::seal::{BatchKey, Sealed};
use crate::store::accounts::{Imports, Tallies, Tally};
use crate::store::history::{Arriving, History, Order, Supersedes, Version};
use crate::store::{Outcome, Rejection};

pub fn id_of(bytes: &[u8], column: &'static str) -> Result<ReportId, Failure> {
    Ok(ReportId::from_bytes(bytes.try_into().map_err(|_| damaged(column))?))
}

/// Every version of the reports that are stored, from the newest back, and what is current of each.
const HISTORIES: &str = "
    WITH RECURSIVE chain AS (
        SELECT r.current, v.* FROM unnest($1::bytea[]) wanted (id) JOIN report r ON r.report_id = wanted.id
            JOIN version v ON v.seq = r.newest
        UNION ALL
        SELECT c.current, v.* FROM chain c JOIN version v ON v.seq = c.previous
    )
    SELECT c.report_id, c.seq, c.content, c.revision, c.queue, c.partition, c.at, i.withdrawn_at IS NULL, c.current,
        n.effective_at, n.first_received_at
    FROM chain c LEFT JOIN import i ON i.id = c.import JOIN coded n ON n.seq = c.current
    ORDER BY c.report_id, c.revision";

/// The histories of those reports that are stored.
fn histories(tx: &mut Tx<'_>, ids: &[ReportId]) -> Result<HashMap<ReportId, History>, Failure> {
    let mut found: HashMap<ReportId, History> = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(found);
    }
    let wanted: Vec<&[u8]> = ids.iter().map(|id| id.as_bytes().as_slice()).collect();
    for row in tx.query(HISTORIES, &[&wanted])? {
        let id = id_of(row.get(0), "version.report_id")?;
        let content: &[u8] = row.get(2);
        let version = Version {
            seq: row.get(1),
            content: ContentHash::from_bytes(content.try_into().map_err(|_| damaged("version.content"))?),
            revision: u32::try_from(row.get::<_, i64>(3)).map_err(|_| damaged("version.revision"))?,
            order: Order { queue: row.get(4), partition: row.get(5), offset: row.get(6) },
            live: row.get(7),
        };
        let history = found.entry(id).or_insert_with(|| History {
            versions: Vec::new(),
            current: row.get(8),
            current_since: row.get::<_, At>(9).0,
            first_received_at: row.get::<_, At>(10).0,
        });
        history.versions.push(version);
    }
    Ok(found)
}

/// How a submission would end if it were stored now.
pub fn ending_of(tx: &mut Tx<'_>, id: ReportId, content: ContentHash) -> Result<Ending, Failure> {
    Ok(histories(tx, &[id])?.remove(&id).map_or(Ending::Coded, |history| history.ending(content)))
}

/// The originals of a report's versions, oldest version first.
pub fn originals(tx: &mut Tx<'_>, id: ReportId) -> Result<Vec<SealedOriginal>, Failure> {
    let Some(history) = histories(tx, &[id])?.remove(&id) else { return Ok(Vec::new()) };
    // One that was deleted is simply not there.
    let sql = "SELECT c.received_at, o.sealed, k.key_id, k.wrapped FROM original o \
               JOIN original_key k ON k.id = o.key JOIN coded c ON c.seq = o.seq WHERE o.seq = $1";
    let mut originals = Vec::with_capacity(history.versions.len());
    for version in &history.versions {
        if let Some(row) = tx.query_opt(sql, &[&version.seq])? {
            let key: &[u8] = row.get(2);
            originals.push(SealedOriginal {
                report_id: id,
                revision: version.revision,
                received_at: row.get::<_, At>(0).0,
                sealed: Sealed::from_bytes(row.get(1)),
                key: BatchKey { id: key.try_into().map_err(|_| damaged("original_key.key_id"))?, wrapped: row.get(3) },
            });
        }
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

/// What only the store knows of a version that is to be written.
struct NewVersion<'a> {
    seq: i64,
    report_id: ReportId,
    content: ContentHash,
    revision: u32,
    order: Order,
    import: Option<i64>,
    previous: Option<i64>,
    /// The original, and the row of its key.
    original: (&'a Sealed, i64),
}

/// A report that this transaction looked at.
struct Report {
    stored: bool,
    changed: bool,
    history: History,
}

/// Collects versions and rows within one transaction, while it holds the lock of `counter`.
pub struct Writing<'a> {
    pub imports: Imports,
    reports: HashMap<ReportId, Report>,
    /// The last numbers that were given.
    seq: i64,
    superseding: i64,
    rows: Vec<CodedRow>,
    versions: Vec<NewVersion<'a>>,
    superseded: Vec<Supersedes>,
}

static COPY_CODED: LazyLock<String> = LazyLock::new(|| format!("COPY coded ({}) FROM STDIN (FORMAT binary)", *NAMES));

impl<'a> Writing<'a> {
    /// Takes the lock.
    pub fn begin(tx: &mut Tx<'_>) -> Result<Self, Failure> {
        let row = tx.query_one("SELECT seq, superseded FROM counter WHERE id = 0 FOR UPDATE", &[])?;
        Ok(Self {
            imports: Imports::default(),
            reports: HashMap::new(),
            seq: row.get(0),
            superseding: row.get(1),
            rows: Vec::new(),
            versions: Vec::new(),
            superseded: Vec::new(),
        })
    }

    /// Looks reports up before they are needed.
    pub fn look_up(&mut self, tx: &mut Tx<'_>, ids: impl Iterator<Item = ReportId>) -> Result<(), Failure> {
        let mut ids: Vec<ReportId> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        let mut stored = histories(tx, &ids)?;
        for id in ids {
            let history = stored.remove(&id);
            let report =
                Report { stored: history.is_some(), changed: false, history: history.unwrap_or_else(History::none) };
            self.reports.insert(id, report);
        }
        Ok(())
    }

    /// Takes a coded submission whose report was looked up; tells what it is.
    pub fn receive(&mut self, arrival: &Arrival<'a>) -> Result<Ending, Failure> {
        let id = arrival.coded.report.report_id.ok_or_else(|| damaged("report_id"))?;
        let report = self.reports.get_mut(&id).ok_or_else(|| damaged("report"))?;
        let seq = self.seq + 1;
        let arriving = Arriving {
            content: arrival.coded.content,
            order: arrival.order,
            live: self.imports.stands(arrival.import),
            received_at: arrival.received_at,
            effective_at: arrival.effective_at,
        };
        let Some(added) = report.history.receive(seq, &arriving) else { return Ok(Ending::Repeat) };
        report.changed = true;
        self.seq = seq;
        self.superseded.extend(added.supersedes);
        self.rows.push(CodedRow {
            seq,
            effective_at: added.effective_at,
            first_received_at: added.first_received_at,
            withdrawn: added.withdrawn,
            report: CodedReport {
                revision: added.revision,
                received_at: Some(arrival.received_at),
                ..arrival.coded.report.clone()
            },
        });
        self.versions.push(NewVersion {
            seq,
            report_id: id,
            content: arriving.content,
            revision: added.revision,
            order: arrival.order,
            import: arrival.import,
            previous: added.previous,
            original: (arrival.original, arrival.original_key),
        });
        self.imports.stored(arrival.import, seq);
        Ok(added.ending)
    }

    /// After an import was withdrawn: lets that version of each report speak which is to speak now. Tells, for each report
    /// of which another row speaks now, whether a version is left at all.
    pub fn speak_again(&mut self, tx: &mut Tx<'_>, ids: &[ReportId], at: Instant) -> Result<Vec<bool>, Failure> {
        static GET: LazyLock<String> = LazyLock::new(|| format!("SELECT {} FROM coded WHERE seq = ANY($1)", *NAMES));
        let get = |tx: &mut Tx<'_>, seqs: &[i64]| -> Result<HashMap<i64, CodedRow>, Failure> {
            let rows = tx.query(&GET, &[&seqs])?;
            rows.iter().map(|row| Ok((row.get(0), read_row(row)?))).collect()
        };
        self.look_up(tx, ids.iter().copied())?;
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let current: Vec<i64> = ids.iter().filter_map(|id| self.reports.get(id)).map(|r| r.history.current).collect();
        let shown = get(tx, &current)?;
        let mut again = Vec::new();
        for id in &ids {
            let report = self.reports.get_mut(id).ok_or_else(|| damaged("report"))?;
            let shown = shown.get(&report.history.current).ok_or_else(|| damaged("report.current"))?;
            let (revision, withdrawn) = (shown.report.revision, shown.withdrawn);
            if let Some(speaks) = report.history.speak_again(self.seq + 1, at, revision, withdrawn) {
                self.seq += 1;
                report.changed = true;
                again.push((self.seq, speaks));
            }
        }
        let copied = get(tx, &again.iter().map(|(_, speaks)| speaks.seq).collect::<Vec<_>>())?;
        let mut told = Vec::with_capacity(again.len());
        for (seq, speaks) in again {
            let row = copied.get(&speaks.seq).ok_or_else(|| damaged("version.seq"))?;
            let effective_at = speaks.supersedes.at;
            self.rows.push(CodedRow { seq, effective_at, withdrawn: !speaks.live, ..row.clone() });
            self.superseded.push(speaks.supersedes);
            told.push(speaks.live);
        }
        Ok(told)
    }

    /// Writes what was collected so far.
    pub fn flush(&mut self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        if !self.rows.is_empty() {
            tx.copy(&COPY_CODED, &TYPES, |writer| {
                let mut values = Vec::with_capacity(TYPES.len());
                for row in &self.rows {
                    row.cells(|cell| values.push(Value::of(cell)));
                    writer.write_raw(values.drain(..))?;
                }
                Ok(())
            })?;
        }
        if !self.versions.is_empty() {
            let types = [
                Type::INT8,
                Type::BYTEA,
                Type::BYTEA,
                Type::INT8,
                Type::INT8,
                Type::INT4,
                Type::INT8,
                Type::INT8,
                Type::INT8,
            ];
            tx.copy("COPY version FROM STDIN (FORMAT binary)", &types, |writer| {
                for v in &self.versions {
                    let Order { queue, partition, offset } = v.order;
                    writer.write_raw([
                        Value::Int(v.seq),
                        Value::Bytes(v.report_id.as_bytes()),
                        Value::Bytes(v.content.as_bytes()),
                        Value::Int(i64::from(v.revision)),
                        Value::Int(queue),
                        Value::Small(partition),
                        Value::Int(offset),
                        Value::or_null(v.import, Value::Int),
                        Value::or_null(v.previous, Value::Int),
                    ])?;
                }
                Ok(())
            })?;
            let types = [Type::INT8, Type::INT8, Type::BYTEA];
            tx.copy("COPY original FROM STDIN (FORMAT binary)", &types, |writer| {
                for v in &self.versions {
                    let (sealed, key) = v.original;
                    writer.write_raw([Value::Int(v.seq), Value::Int(key), Value::Bytes(sealed.as_bytes())])?;
                }
                Ok(())
            })?;
        }
        if !self.superseded.is_empty() {
            let types = [Type::INT8, Type::INT8, Type::TIMESTAMPTZ, Type::INT8];
            tx.copy("COPY superseded FROM STDIN (FORMAT binary)", &types, |writer| {
                for Supersedes { seq, at, by_seq } in &self.superseded {
                    self.superseding += 1;
                    let values = [Value::Int(self.superseding), Value::Int(*seq), Value::At(*at), Value::Int(*by_seq)];
                    writer.write_raw(values)?;
                }
                Ok(())
            })?;
        }
        self.write_reports(tx)?;
        self.rows.clear();
        self.versions.clear();
        self.superseded.clear();
        Ok(())
    }

    /// Writes where reports are found, in the order of their ids, in which the index lies.
    fn write_reports(&mut self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let mut changed: Vec<(&ReportId, &mut Report)> =
            self.reports.iter_mut().filter(|(_, report)| report.changed).collect();
        changed.sort_unstable_by_key(|(id, _)| **id);
        if changed.iter().any(|(_, report)| !report.stored) {
            tx.copy("COPY report FROM STDIN (FORMAT binary)", &[Type::BYTEA, Type::INT8, Type::INT8], |writer| {
                for (id, report) in changed.iter().filter(|(_, report)| !report.stored) {
                    let History { current, .. } = report.history;
                    let newest = report.history.newest();
                    writer.write_raw([Value::Bytes(id.as_bytes()), Value::Int(newest), Value::Int(current)])?;
                }
                Ok(())
            })?;
        }
        let stored: Vec<_> = changed.iter().filter(|(_, report)| report.stored).collect();
        if !stored.is_empty() {
            let ids: Vec<&[u8]> = stored.iter().map(|(id, _)| id.as_bytes().as_slice()).collect();
            let newest: Vec<i64> = stored.iter().map(|(_, report)| report.history.newest()).collect();
            let current: Vec<i64> = stored.iter().map(|(_, report)| report.history.current).collect();
            let sql = "UPDATE report r SET newest = u.newest, current = u.current \
                       FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) u (id, newest, current) \
                       WHERE r.report_id = u.id";
            tx.execute(sql, &[&ids, &newest, &current])?;
        }
        for (_, report) in changed {
            (report.stored, report.changed) = (true, false);
        }
        Ok(())
    }

    /// Writes the rest, and the numbers that were given.
    pub fn finish(mut self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        self.flush(tx)?;
        imports::write(&self.imports, tx)?;
        tx.execute("UPDATE counter SET seq = $1, superseded = $2 WHERE id = 0", &[&self.seq, &self.superseding])?;
        Ok(())
    }
}

const STORED: &str = "SELECT s.next, s.last FROM stored s JOIN queue q ON q.id = s.queue \
                      WHERE q.queue_id = $1 AND s.partition = $2";

/// The offset from which a queue's partition is still to be stored.
pub fn position(tx: &mut Tx<'_>, queue_id: &str, partition: i32) -> Result<i64, Failure> {
    Ok(tx.query_opt(STORED, &[&queue_id, &partition])?.map_or(0, |row| row.get(0)))
}

/// The same, and what the last record was that is stored of it.
pub fn fingerprint(tx: &mut Tx<'_>, queue_id: &str, partition: i32) -> Result<Option<(i64, Fingerprint)>, Failure> {
    let Some(row) = tx.query_opt(STORED, &[&queue_id, &partition])? else { return Ok(None) };
    let last: Option<&[u8]> = row.get(1);
    let read = |bytes: &[u8]| bytes.try_into().map(Fingerprint).map_err(|_| damaged("stored.last"));
    last.map(|bytes| Ok((row.get(0), read(bytes)?))).transpose()
}

/// Moves the stored position from where the batch starts to behind it; fails where it stands elsewhere.
fn advance(tx: &mut Tx<'_>, batch: &Batch, next: i64) -> Result<i64, Failure> {
    let Position { partition, offset: from } = batch.from;
    let find = "SELECT id FROM queue WHERE queue_id = $1";
    let mut queue = tx.query_opt(find, &[&&*batch.queue_id])?;
    if queue.is_none() {
        tx.execute("INSERT INTO queue (queue_id) VALUES ($1) ON CONFLICT DO NOTHING", &[&&*batch.queue_id])?;
        queue = tx.query_opt(find, &[&&*batch.queue_id])?;
    }
    let queue: i64 = queue.ok_or_else(|| damaged("queue"))?.get(0);
    let last = batch.last.as_ref().map(|Fingerprint(bytes)| bytes.as_slice());
    let sql = "UPDATE stored SET next = $4, last = $5 WHERE queue = $1 AND partition = $2 AND next = $3";
    let mut moved = tx.execute(sql, &[&queue, &partition, &from, &next, &last])?;
    if moved == 0 && from == 0 {
        // The first of its partition. Of two at once, the second waits here for the first, and then finds its row.
        let sql = "INSERT INTO stored (queue, partition, next, last) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        moved = tx.execute(sql, &[&queue, &partition, &next, &last])?;
    }
    if moved == 0 {
        let stored = position(tx, &batch.queue_id, partition)?;
        return Err(StoreError::PositionMoved { expected: from, stored }.into());
    }
    Ok(queue)
}

/// Adds lines to the account of the first sum.
fn add_tallies(tx: &mut Tx<'_>, tallies: &[Tally<'_>]) -> Result<(), Failure> {
    let types =
        [Type::TIMESTAMPTZ, Type::TIMESTAMPTZ, Type::TEXT, Type::INT8, Type::INT8, Type::INT8, Type::INT8, Type::INT8];
    let int = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    tx.copy("COPY tally FROM STDIN (FORMAT binary)", &types, |writer| {
        for tally in tallies {
            let Tally { received_at, source, endings, .. } = tally;
            writer.write_raw([
                Value::At(*received_at),
                Value::At(*received_at),
                Value::Text(source.as_str().into()),
                int(tally.received()),
                int(endings.coded),
                int(endings.revisions),
                int(endings.repeats),
                int(endings.rejected),
            ])?;
        }
        Ok(())
    })
}

/// Moves one position from what it was (rejected, or without an ending) to what it ended as after all, from `since` on.
pub fn move_tally(
    tx: &mut Tx<'_>,
    since: Instant,
    received_at: Instant,
    source: &SourceName,
    was: Option<Ending>,
    ending: Ending,
) -> Result<(), Failure> {
    let change = |of: Ending| i64::from(ending == of) - i64::from(was == Some(of));
    let sql = "INSERT INTO tally (since, received_at, source, received, coded, revisions, repeats, rejected) \
               VALUES ($1, $2, $3, 0, $4, $5, $6, $7)";
    let (coded, revisions) = (change(Ending::Coded), change(Ending::Revision));
    let (repeats, rejected) = (change(Ending::Repeat), change(Ending::Rejected));
    tx.execute(sql, &[&At(since), &At(received_at), &source.as_str(), &coded, &revisions, &repeats, &rejected])?;
    Ok(())
}

/// Stores the key of a batch's originals.
pub fn add_original_key(tx: &mut Tx<'_>, key: &BatchKey) -> Result<i64, Failure> {
    let sql = "INSERT INTO original_key (key_id, wrapped) VALUES ($1, $2) RETURNING id";
    Ok(tx.query_one(sql, &[&key.id.as_slice(), &key.wrapped])?.get(0))
}

/// Stores a batch: position, versions, rejects and sums.
pub fn commit(tx: &mut Tx<'_>, batch: &Batch) -> Result<Endings, Failure> {
    let next = batch.from.offset + i64::try_from(batch.items.len()).unwrap_or(i64::MAX);
    let queue = advance(tx, batch, next)?;
    let original_key = batch.originals.as_ref().map(|key| add_original_key(tx, key)).transpose()?;

    let mut writing = Writing::begin(tx)?;
    writing.look_up(
        tx,
        batch.items.iter().filter_map(|item| match &item.outcome {
            Outcome::Coded { coded, .. } => coded.report.report_id,
            Outcome::Rejected(_) | Outcome::Held(_) => None,
        }),
    )?;
    let mut letter_records: HashMap<*const Sealed, i64> = HashMap::new();
    let mut letters = Vec::new();
    let mut total = Endings::default();
    let (mut tallies, mut full) = (Tallies::default(), Vec::new());
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
                let record = record_of(&rejection.letter)?;
                let rejection = Cow::Borrowed(rejection);
                letters.push(letters::NewLetter { order, item, import, rejection, record });
                Some(Ending::Rejected)
            }
            Outcome::Held(letter) => {
                let record = record_of(letter)?;
                let rejection = Cow::Owned(Rejection::held(letter));
                letters.push(letters::NewLetter { order, item, import, rejection, record });
                None
            }
        };
        if let Some(ending) = ending {
            total.add(ending);
            writing.imports.ended(import, ending);
        }
        full.extend(tallies.add(item, ending));
        order.offset += 1;
    }
    full.extend(tallies.end());
    add_tallies(tx, &full)?;
    letters::add(tx, &letters)?;
    lately::write(tx, &batch.lately)?;
    writing.finish(tx)?;
    Ok(total)
}
