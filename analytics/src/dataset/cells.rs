//! Beside each segment the cells that a cube is made of, row by row, so that the few rows that a month's revisions superseded
//! are read alone, and not every column of every segment.
//!
//! What always holds: a record has the same length for each row, in the order of sequences. Instants stand in it as they are;
//! every other cell is a place in the file's list of cells, which stands behind the records, for most are codes that come again
//! and again. A segment whose cells do not fit such a list has no such file, nor has one of an earlier version: there the
//! Parquet file is read.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::sync::LazyLock;

use polars::prelude::*;
use schemas::dataset::{COLUMNS, Cell, CodedRow, ColumnType};

use super::files::Pending;
use super::frame::Builder;
use crate::AnalyticsError;
use crate::cube;

/// How a column of the dataset stands in a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    /// Microseconds since 1970; [`NONE`] where there is none.
    Instant,
    /// Two bytes: which of the listed cells.
    Listed,
}

const NONE: i64 = i64::MIN;

/// One for each column of the dataset.
static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let place = |column: &schemas::dataset::Column| {
        if !cube::COLUMNS.contains(&&*column.name) {
            Place::Nowhere
        } else if column.ty == ColumnType::Instant {
            Place::Instant
        } else {
            Place::Listed
        }
    };
    COLUMNS.iter().map(place).collect()
});

/// Bytes of sequence and instant, with which a record begins.
const HEAD: usize = 8 + 8;

/// Bytes of a record.
static RECORD: LazyLock<usize> = LazyLock::new(|| {
    let bytes = |place: &Place| match place {
        Place::Nowhere => 0,
        Place::Instant => 8,
        Place::Listed => 2,
    };
    HEAD + PLACES.iter().map(bytes).sum::<usize>()
});

/// Collects the cells of a segment's rows.
#[derive(Default)]
pub(super) struct Cells {
    records: Vec<u8>,
    listed: HashMap<Vec<u8>, u16>,
    list: Vec<Vec<u8>>,
    /// A cell that could not be listed.
    is_unfit: bool,
}

impl Cells {
    pub(super) fn push(&mut self, row: &CodedRow) {
        let Self { records, listed, list, is_unfit } = self;
        records.extend(row.seq.to_le_bytes());
        records.extend(row.effective_at.timestamp_micros().to_le_bytes());
        let mut places = PLACES.iter();
        let mut word = Vec::with_capacity(64);
        row.cells(|cell| match places.next() {
            None | Some(Place::Nowhere) => {}
            Some(Place::Instant) => {
                let at = if let Cell::Instant(at) = cell { at.timestamp_micros() } else { NONE };
                records.extend(at.to_le_bytes());
            }
            Some(Place::Listed) => {
                word.clear();
                *is_unfit |= !write_word(&cell, &mut word);
                let at = listed.get(&word).copied().or_else(|| {
                    let at = u16::try_from(list.len()).ok()?;
                    listed.insert(word.clone(), at);
                    list.push(word.clone());
                    Some(at)
                });
                *is_unfit |= at.is_none();
                records.extend(at.unwrap_or(0).to_le_bytes());
            }
        });
    }

    /// Writes the file. Returns its length; 0: there is none.
    pub(super) fn commit(self, dir: &Path, path: &Path) -> Result<u64, AnalyticsError> {
        let list = postcard::to_stdvec(&self.list);
        let Some(list) = list.ok().filter(|_| !self.is_unfit) else { return Ok(0) };
        let pending = Pending::create(dir, "cells")?;
        let mut file = pending.writer()?;
        file.write_all(&self.records)
            .and_then(|()| file.write_all(&list))
            .map_err(AnalyticsError::io(pending.path()))?;
        pending.commit(path)
    }
}

/// A cell as bytes: its kind, then what it says. False: of no kind that is listed.
fn write_word(cell: &Cell<'_>, word: &mut Vec<u8>) -> bool {
    match cell {
        Cell::Null => word.push(0),
        Cell::Text(text) => {
            word.push(1);
            word.extend(text.as_bytes());
        }
        Cell::Int(n) => {
            word.push(2);
            word.extend(n.to_le_bytes());
        }
        Cell::Date(date) => {
            word.push(3);
            word.extend(super::frame::days_since_1970(*date).to_le_bytes());
        }
        Cell::Codes(codes, axis) => {
            word.push(4);
            codes.each(*axis, |code| {
                word.extend(code.as_bytes());
                word.push(b' ');
            });
        }
        _ => return false,
    }
    true
}

/// Puts what [`write_word`] wrote into a column. False where it is not of that column.
fn read_word(word: &[u8], column: &mut Builder) -> bool {
    let Some((kind, rest)) = word.split_first() else { return false };
    let text = std::str::from_utf8(rest);
    match (kind, column) {
        (0, column) => column.push_null(),
        (1, Builder::Text(column)) => match text {
            Ok(text) => column.append_value(text),
            Err(_) => return false,
        },
        (2, Builder::Int(column)) => match rest.try_into() {
            Ok(bytes) => column.append_value(i64::from_le_bytes(bytes)),
            Err(_) => return false,
        },
        (3, Builder::Date(column)) => match rest.try_into() {
            Ok(bytes) => column.append_value(i32::from_le_bytes(bytes)),
            Err(_) => return false,
        },
        (4, Builder::Codes(column)) => match text {
            Ok(text) => column.append_values_iter(text.split_terminator(' ')),
            Err(_) => return false,
        },
        _ => return false,
    }
    true
}

/// Reads some rows of segments.
pub(super) struct Reader {
    builders: Vec<(Place, Builder)>,
    rows: usize,
    /// Rows that took effect later are left away.
    as_of: i64,
}

impl Reader {
    pub(super) fn new(as_of: i64) -> Self {
        let builder = |(column, place): (&schemas::dataset::Column, &Place)| {
            (*place != Place::Nowhere).then(|| (*place, Builder::new(&column.name, column.ty)))
        };
        let builders = COLUMNS.iter().zip(PLACES.iter()).filter_map(builder).collect();
        Self { builders, rows: 0, as_of }
    }

    /// The rows of these sequences, which are in order, from the file of a segment of so many rows that begins with `first`.
    pub(super) fn read(&mut self, path: &Path, rows: u64, first: i64, seqs: &[i64]) -> Result<(), AnalyticsError> {
        let io = AnalyticsError::io(path);
        let mut file = File::open(path).map_err(AnalyticsError::io(path))?;
        let damaged = |problem: &str| AnalyticsError::Damaged { path: path.to_owned(), problem: problem.to_owned() };
        let record = *RECORD as u64;
        let mut list = Vec::new();
        file.seek(SeekFrom::Start(rows * record)).and_then(|_| file.read_to_end(&mut list)).map_err(io)?;
        let list: Vec<Vec<u8>> = postcard::from_bytes(&list).map_err(|_| damaged("its list of cells does not read"))?;
        let mut bytes = vec![0; *RECORD];
        for seq in seqs {
            // Sequences have few gaps or none: the row stands where it would without them, or before.
            let (mut low, mut high) = (0, rows);
            let mut probe = u64::try_from(seq - first).unwrap_or(0).min(rows.saturating_sub(1));
            let found = loop {
                if low >= high {
                    break false;
                }
                file.seek(SeekFrom::Start(probe * record))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(AnalyticsError::io(path))?;
                match number(&bytes[..8]).cmp(seq) {
                    std::cmp::Ordering::Equal => break true,
                    std::cmp::Ordering::Less => low = probe + 1,
                    std::cmp::Ordering::Greater => high = probe,
                }
                probe = low + (high - low) / 2;
            };
            if !found || number(&bytes[8..HEAD]) > self.as_of {
                continue;
            }
            let mut rest = &bytes[HEAD..];
            for (place, builder) in &mut self.builders {
                let (cell, next) = rest.split_at(if *place == Place::Instant { 8 } else { 2 });
                rest = next;
                let fits = match (&mut *builder, *place) {
                    (Builder::Instant(column), Place::Instant) => {
                        let at = number(cell);
                        column.append_option((at != NONE).then_some(at));
                        true
                    }
                    (builder, _) => {
                        let at = usize::from(u16::from_le_bytes([cell[0], cell[1]]));
                        list.get(at).is_some_and(|word| read_word(word, builder))
                    }
                };
                if !fits {
                    return Err(damaged("a cell does not read"));
                }
            }
            self.rows += 1;
        }
        Ok(())
    }

    /// These columns of the rows.
    pub(super) fn finish(self, columns: &[&str]) -> PolarsResult<DataFrame> {
        let all = self.builders.into_iter().map(|(_, builder)| builder.finish()).collect::<PolarsResult<Vec<_>>>()?;
        DataFrame::new(self.rows, all)?.select(columns.iter().copied())
    }
}

fn number(bytes: &[u8]) -> i64 {
    bytes.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes))
}
