//! Damaged and hostile workbooks: those of `tests/spreadsheets`, with bytes, entries and their XML changed at random.
//!
//! What always holds: whatever a workbook says, reading it ends, does not panic, and takes no more memory than a small
//! multiple of what the reader allows for a file of its size. A binary of its own, since memory is that of the process.

use std::cell::Cell;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use flate2::Crc;
use flate2::read::DeflateDecoder;
use ingest::channels::file::{Mapping, suggest, try_file};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use schemas::source::{Settings, SourceName};

/// A part of up to 4 MiB may be as steep as it likes: that, a few times over.
const MOST_GROWTH_KIB: u64 = 160 << 10;

fn workbooks() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/spreadsheets");
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "xlsx"));
    paths.sort();
    assert!(paths.len() >= 4);
    paths.iter().map(|path| fs::read(path).expect("reads")).collect()
}

fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    (0..length).rev().fold(0, |n, i| n << 8 | usize::from(bytes[at + i]))
}

/// The entries of an archive as the test's own workbooks have them: name and content.
fn unpack(archive: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let end = archive.windows(4).rposition(|w| w == b"PK\x05\x06").expect("an end");
    let (mut at, count) = (number(archive, end + 16, 4), number(archive, end + 10, 2));
    let mut entries = Vec::new();
    for _ in 0..count {
        let (packed, name) = (number(archive, at + 20, 4), number(archive, at + 28, 2));
        let header = number(archive, at + 42, 4);
        let start = header + 30 + number(archive, header + 26, 2) + number(archive, header + 28, 2);
        let bytes = &archive[start..start + packed];
        let mut content = Vec::new();
        match number(archive, at + 10, 2) {
            0 => content.extend_from_slice(bytes),
            // What unpacks to a bomb is cut: the bomb as it is, is tried by itself.
            _ => drop(DeflateDecoder::new(bytes).take(1 << 20).read_to_end(&mut content).expect("unpacks")),
        }
        entries.push((archive[at + 46..at + 46 + name].to_vec(), content));
        at += 46 + name + number(archive, at + 30, 2) + number(archive, at + 32, 2);
    }
    entries
}

/// An archive with right sizes and checksums, stored.
fn pack(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let mut crc = Crc::new();
        crc.update(content);
        let size = u32::try_from(content.len()).expect("small").to_le_bytes();
        let length = u16::try_from(name.len()).expect("small").to_le_bytes();
        let offset = u32::try_from(out.len()).expect("small").to_le_bytes();
        let common =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0], &crc.sum().to_le_bytes()[..], &size, &size, &length, &[0, 0]].concat();
        out.extend([b"PK\x03\x04", &common[..], name, content].concat());
        directory.extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &offset, name].concat());
    }
    let count = u16::try_from(entries.len()).expect("small").to_le_bytes();
    let size = u32::try_from(directory.len()).expect("small").to_le_bytes();
    let start = u32::try_from(out.len()).expect("small").to_le_bytes();
    out.extend([&directory[..], b"PK\x05\x06\0\0\0\0", &count, &count, &size, &start, &[0, 0]].concat());
    out
}

/// A change at a place, given as a part of the whole, so that it fits any length.
#[derive(Debug, Clone)]
enum Change {
    Flip(f64, u8),
    Cut(f64),
    Remove(f64, usize),
    Double(f64, f64, usize),
    Insert(f64, &'static str),
}

/// What the XML of a sheet may hold that hurts.
const PIECES: &[&str] = &[
    "<row r=\"4294967296\">",
    "<row r=\"18446744073709551615\">",
    "<row>",
    "</row>",
    "<c r=\"XFD1\">",
    "<c r=\"ZZZZZZZ9\">",
    "<c>",
    "</c>",
    "<c r=\"A1\" t=\"s\"><v>99999999</v></c>",
    "<c t=\"b\">",
    "<c s=\"4294967295\">",
    "<v>",
    "</v>",
    "<v>1e308</v>",
    "<v>-1e-308</v>",
    "<v>NaN</v>",
    "<mergeCell ref=\"A1:XFD1048576\"/>",
    "<mergeCell ref=\"B2:B18446744073709551615\"/>",
    "<mergeCell ref=\"A3:A2\"/>",
    "<!DOCTYPE x [<!ENTITY e \"x\">]>",
    "&e;",
    "&#x0;",
    "&#1114112;",
    "&amp",
    "<![CDATA[",
    "]]>",
    "<!--",
    "<?xml",
    "_x0000_",
    "_xD800_",
    "\u{0}",
    "<si><t>",
    "</si>",
    "<t>",
    "<rPh>",
    "</sheetData>",
    "<sheet name=\"\" r:id=\"rId1\"/>",
    "date1904=\"1\"",
    "numFmtId=\"22\"",
    "formatCode=\"[h]:mm:ss;;;\"",
    "Target=\"../../../etc/passwd\"",
    "\"",
    "<",
    ">",
];

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0.0..1.0, any::<u8>()).prop_map(|(at, bits)| Change::Flip(at, bits)),
        (0.0..1.0).prop_map(Change::Cut),
        (0.0..1.0, 1usize..200).prop_map(|(at, length)| Change::Remove(at, length)),
        (0.0..1.0, 0.0..1.0, 1usize..400).prop_map(|(from, to, length)| Change::Double(from, to, length)),
        (0.0..1.0, 0..PIECES.len()).prop_map(|(at, piece)| Change::Insert(at, PIECES[piece])),
    ]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "within the text"
)]
fn place(bytes: &[u8], at: f64) -> usize {
    (bytes.len() as f64 * at) as usize
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Flip(at, bits) => {
            let at = place(bytes, *at);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= bits;
            }
        }
        Change::Cut(at) => bytes.truncate(place(bytes, *at)),
        Change::Remove(at, length) => {
            let at = place(bytes, *at);
            drop(bytes.drain(at..bytes.len().min(at + length)));
        }
        Change::Double(from, to, length) => {
            let (from, to) = (place(bytes, *from), place(bytes, *to));
            let piece = bytes[from..bytes.len().min(from + length)].to_vec();
            drop(bytes.splice(to..to, piece));
        }
        Change::Insert(at, piece) => {
            let at = place(bytes, *at);
            drop(bytes.splice(at..at, piece.bytes()));
        }
    }
}

/// The most address space that the process ever had, in KiB; none where the system does not tell.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmPeak:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

/// Reads a workbook to its end in both ways in which it is read; what comes of it does not matter. Whether it could be read.
fn read(path: &Path, bytes: &[u8]) -> bool {
    fs::File::create(path).and_then(|mut file| file.write_all(bytes)).expect("written");
    let source = SourceName::parse("line").expect("a name");
    let now = DateTime::from_timestamp(1_790_000_000, 0).expect("an instant");
    let tried = try_file(path, &Mapping::default(), &source, &Settings::default(), now);
    if let Ok(proposal) = suggest(path, None) {
        let mapping = Mapping::parse(&proposal.toml).expect("a proposal reads");
        let again =
            try_file(path, &mapping, &source, &Settings::default(), now).expect("what was read once reads again");
        assert_eq!(again.columns.missing, [""; 0], "a proposal names columns of the file");
        assert_eq!(again.columns.unknown, [""; 0], "a proposal names every column");
    }
    tried.is_ok()
}

#[test]
fn no_change_of_a_workbook_panics_or_takes_memory_without_bound() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("book.xlsx");
    let books = workbooks();
    // The rules and tables that coding loads are not the reader's.
    assert!(books.iter().filter(|book| read(&path, book)).count() + 1 >= books.len(), "all but the bomb are good");
    let unpacked: Vec<_> = books.iter().map(|book| unpack(book)).collect();
    let good = unpacked.iter().filter(|entries| read(&path, &pack(entries))).count();
    assert!(good + 1 >= books.len(), "packed again, {good} of them are good");
    let whole = Cell::new(0);
    let count = |bytes: &[u8]| whole.set(whole.get() + u32::from(read(&path, bytes)));
    let before = peak();

    // A runner counts its cases over all that it runs, so each kind of change needs its own.
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    // The same changes in every run: a test that fails once in ten tells nobody what broke.
    let runner = || TestRunner::new_with_rng(config.clone(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));

    let raw = (0..books.len(), proptest::collection::vec(change(), 1..6));
    runner()
        .run(&raw, |(book, changes)| {
            let mut bytes = books[book].clone();
            changes.iter().for_each(|change| apply(&mut bytes, change));
            count(&bytes);
            Ok(())
        })
        .expect("the bytes of the archive");
    // The archive is whole, and what its parts say is not.
    let inner = (0..books.len(), proptest::collection::vec((any::<proptest::sample::Index>(), change()), 1..6));
    runner()
        .run(&inner, |(book, changes)| {
            let mut entries = unpacked[book].clone();
            for (entry, change) in &changes {
                let at = entry.index(entries.len());
                apply(&mut entries[at].1, change);
            }
            count(&pack(&entries));
            Ok(())
        })
        .expect("the XML of its parts");
    // Parts that are gone, stand twice, or under each other's name.
    let swapped = (0..books.len(), any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), 0..3u8);
    runner()
        .run(&swapped, |(book, one, other, how)| {
            let mut entries = unpacked[book].clone();
            let (one, other) = (one.index(entries.len()), other.index(entries.len()));
            match how {
                0 => drop(entries.remove(one)),
                1 => entries[one].0 = entries[other].0.clone(),
                _ => entries[one].1 = entries[other].1.clone(),
            }
            count(&pack(&entries));
            Ok(())
        })
        .expect("the entries of the archive");

    // Most changes are found out at once; enough must come as far as the rows, or this tests little.
    assert!(whole.get() >= 100, "only {} of 1,200 were read", whole.get());
    match (before, peak()) {
        (Some(before), Some(after)) => assert!(after - before < MOST_GROWTH_KIB, "grew by {} KiB", after - before),
        _ => eprintln!("SKIPPED: this system does not tell how much memory a process had"),
    }
}
