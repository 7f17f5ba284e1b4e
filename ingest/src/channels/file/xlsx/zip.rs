//! The parts of a ZIP archive, as far as a workbook needs them: found by the central directory, unpacked as a stream.
//!
//! What always holds: a part unpacks to at most [`LARGEST_PART`] bytes and, past a few megabytes, to at most
//! [`STEEPEST`] times its packed size; a reader that does not get on (see [`Part::mark`]) is stopped; a part that is
//! shorter or other than the archive says is an error when its end is read, never a shorter text.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// The most bytes that a part may unpack to. A full sheet of Excel (1,048,576 rows) with twenty cells a row has about 1 GiB.
const LARGEST_PART: u64 = 4 << 30;
/// How much more than its packed size a part may unpack to. Sheets have 5 to 30, a bomb up to 1,032.
const STEEPEST: u64 = 250;
/// Small parts may be as steep as they like.
const STEEP_FROM: u64 = 4 << 20;
/// How many bytes may be read between two marks: a tag or a text of a sheet is far shorter.
const LONGEST_STRIDE: u64 = 4 << 20;
/// The largest central directory that is read.
const LARGEST_DIRECTORY: u64 = 16 << 20;

/// Wherever the archive is not what it says.
pub(super) fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the workbook is damaged: {what}"))
}

/// An archive's table of contents.
pub(super) struct Archive {
    path: PathBuf,
    entries: Vec<Entry>,
}

struct Entry {
    /// With slashes; compared without regard to case, as Excel does.
    name: String,
    method: u16,
    encrypted: bool,
    checksum: u32,
    packed: u64,
    unpacked: u64,
    header: u64,
}

impl Archive {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        let (start, size) = directory(&mut file, length)?;
        if size > LARGEST_DIRECTORY || start.checked_add(size).is_none_or(|end| end > length) {
            return Err(damaged("its table of contents does not fit into the file"));
        }
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = vec![0; usize::try_from(size).map_err(|_| damaged("its table of contents is too large"))?];
        file.read_exact(&mut bytes)?;
        let mut entries = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some((entry, after)) = entry(rest) {
            entries.push(entry);
            rest = after;
        }
        Ok(Self { path: path.to_owned(), entries })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// Begins to unpack a part; none where the archive has none of the name.
    pub(super) fn part(&self, name: &str) -> io::Result<Option<Part>> {
        let Some(entry) = self.find(name) else { return Ok(None) };
        if entry.encrypted {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the workbook is protected by a password; save it without",
            ));
        }
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(entry.header))?;
        let mut header = [0u8; 30];
        file.read_exact(&mut header)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(damaged("a part is not where its table of contents says"));
        }
        file.seek(SeekFrom::Current(i64::from(u16_at(&header, 26)) + i64::from(u16_at(&header, 28))))?;
        let packed = file.take(entry.packed);
        let bytes = match entry.method {
            0 => Unpack::Stored(packed),
            8 => Unpack::Deflated(Box::new(DeflateDecoder::new(packed))),
            _ => return Err(damaged("a part is packed in a way that Excel does not use")),
        };
        Ok(Some(Part {
            bytes,
            checksum: Crc::new(),
            expected: entry.checksum,
            packed: entry.packed,
            expected_length: entry.unpacked,
            length: 0,
            marked: 0,
        }))
    }
}

/// Where the central directory begins and how long it is, from the record at the end of the file.
fn directory(file: &mut File, length: u64) -> io::Result<(u64, u64)> {
    // The record has 22 bytes and a comment of at most 65,535; that of a large archive stands before it.
    let tail = length.min(22 + 65_535 + 20);
    file.seek(SeekFrom::Start(length - tail))?;
    let mut bytes = Vec::new();
    file.take(tail).read_to_end(&mut bytes)?;
    let found = (0..bytes.len().saturating_sub(21)).rev().find(|at| bytes[*at..].starts_with(b"PK\x05\x06"));
    let at = found.ok_or_else(|| damaged("its end is missing, as when a copy was cut short"))?;
    let record = &bytes[at..];
    let (size, start) = (u64::from(u32_at(record, 12)), u64::from(u32_at(record, 16)));
    let large = size == u64::from(u32::MAX) || start == u64::from(u32::MAX);
    let locator = at.checked_sub(20).map(|before| &bytes[before..at]).filter(|l| l.starts_with(b"PK\x06\x07"));
    let Some(locator) = locator.filter(|_| large) else { return Ok((start, size)) };
    file.seek(SeekFrom::Start(u64_at(locator, 8)))?;
    let mut record = [0u8; 56];
    file.read_exact(&mut record)?;
    if !record.starts_with(b"PK\x06\x06") {
        return Err(damaged("its table of contents cannot be found"));
    }
    Ok((u64_at(&record, 48), u64_at(&record, 40)))
}

/// The first entry of a central directory, and what comes after it.
fn entry(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let fixed = bytes.get(..46).filter(|b| b.starts_with(b"PK\x01\x02"))?;
    let (name, extra, comment) =
        (usize::from(u16_at(fixed, 28)), usize::from(u16_at(fixed, 30)), usize::from(u16_at(fixed, 32)));
    let rest = &bytes[46..];
    let after = rest.get(name + extra + comment..)?;
    let mut entry = Entry {
        name: String::from_utf8_lossy(&rest[..name]).replace('\\', "/"),
        method: u16_at(fixed, 10),
        encrypted: u16_at(fixed, 8) & 1 == 1,
        checksum: u32_at(fixed, 16),
        packed: u64::from(u32_at(fixed, 20)),
        unpacked: u64::from(u32_at(fixed, 24)),
        header: u64::from(u32_at(fixed, 42)),
    };
    // Sizes that do not fit into 32 bits stand in a field of their own, in this order.
    let mut fields = &rest[name..name + extra];
    while let Some((kind, length)) = fields.get(..4).map(|f| (u16_at(f, 0), usize::from(u16_at(f, 2)))) {
        let Some(mut body) = fields.get(4..4 + length) else { break };
        if kind == 1 {
            for size in [&mut entry.unpacked, &mut entry.packed, &mut entry.header] {
                if *size == u64::from(u32::MAX)
                    && let Some(large) = body.get(..8)
                {
                    *size = u64_at(large, 0);
                    body = &body[8..];
                }
            }
        }
        fields = &fields[4 + length..];
    }
    Some((entry, after))
}

/// A part, being unpacked.
pub(super) struct Part {
    bytes: Unpack,
    checksum: Crc,
    expected: u32,
    packed: u64,
    expected_length: u64,
    length: u64,
    marked: u64,
}

enum Unpack {
    Stored(Take<File>),
    Deflated(Box<DeflateDecoder<Take<File>>>),
}

impl Part {
    /// Says that what was read so far is dealt with.
    pub(super) fn mark(&mut self) {
        self.marked = self.length;
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.bytes {
            Unpack::Stored(bytes) => bytes.read(buffer)?,
            Unpack::Deflated(bytes) => bytes.read(buffer).map_err(|_| damaged("a part does not unpack"))?,
        };
        if read == 0 && !buffer.is_empty() {
            let whole = self.length == self.expected_length && self.checksum.sum() == self.expected;
            return if whole { Ok(0) } else { Err(damaged("a part does not have its checksum")) };
        }
        self.checksum.update(&buffer[..read]);
        self.length += read as u64;
        if self.length > LARGEST_PART || (self.length > STEEP_FROM && self.length / STEEPEST > self.packed) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the workbook unpacks to far more than it may; it was not read. If it is no trick, save it as CSV",
            ));
        }
        if self.length - self.marked > LONGEST_STRIDE {
            return Err(damaged("a cell is longer than a cell can be"));
        }
        Ok(read)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
