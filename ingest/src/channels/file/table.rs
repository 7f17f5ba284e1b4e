//! Rows out of delimited text: any delimiter, UTF-8, UTF-16, Latin-1 or Windows-1252, any line ends.
//!
//! What always holds: the file is read as a stream and never held whole; what a row lacks is told by the row's number;
//! bytes that are no text are kept as they came.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};

const DELIMITERS: [u8; 4] = *b",;\t|";
/// A title may stand above the header, but not a page of text.
pub(super) const HEADER_WITHIN: usize = 20;

/// Whether a cell is a header that somebody knows: the mapping, or the list of fields.
pub(super) type Known<'a> = &'a dyn Fn(&str) -> bool;

/// Looks for the header among a table's first rows: the row with most headers that are known, else the first with two
/// cells, else the first. A row that holds one known word among others may be a row like any other, so it does not count.
#[derive(Debug, Default)]
pub(super) struct HeaderSearch {
    rows: usize,
    best: Option<(Rank, Found)>,
}

/// Where the header stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// How many rows that hold something stand above it.
    pub(super) above: usize,
    /// Its number, as the file counts.
    pub(super) number: u64,
    /// Whether it looks like one: it has two cells, or known ones.
    pub(super) certain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Any,
    TwoCells,
    Known(usize),
}

impl HeaderSearch {
    /// Whether a further row may still be the header.
    pub(super) fn goes_on(&self) -> bool {
        self.rows < HEADER_WITHIN
    }

    /// Takes the next row that holds something.
    pub(super) fn offer<'c>(&mut self, number: u64, cells: impl Iterator<Item = &'c str>, known: Known<'_>) {
        let (mut filled, mut met) = (0, 0);
        for cell in cells.map(str::trim).filter(|cell| !cell.is_empty()) {
            filled += 1;
            met += usize::from(known(cell));
        }
        if filled == 0 {
            return;
        }
        let rank = match filled {
            _ if met >= 2 || met == filled => Rank::Known(met),
            1 => Rank::Any,
            _ => Rank::TwoCells,
        };
        if self.best.is_none_or(|(best, _)| rank > best) {
            self.best = Some((rank, Found { above: self.rows, number, certain: rank > Rank::Any }));
        }
        self.rows += 1;
    }

    pub(super) fn found(&self) -> Option<Found> {
        self.best.map(|(_, found)| found)
    }
}

/// A row of a table.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) cells: csv::ByteRecord,
    /// Its number, where the file has numbers of its own (a spreadsheet).
    pub(super) number: Option<u64>,
    /// The cells that hold an error of a spreadsheet, such as `#REF!`.
    pub(super) errors: Vec<usize>,
    /// It has more than a report may have, and not all of it is here.
    pub(super) too_long: bool,
}

impl Row {
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.number = None;
        self.errors.clear();
        self.too_long = false;
    }
}

/// A delimited file, opened.
pub(super) struct TableReader {
    csv: csv::Reader<QuoteCounter<DecodeReaderBytes<BufReader<File>, Vec<u8>>>>,
    quotes: Arc<AtomicU64>,
    header: Option<Found>,
}

/// Counts quotation marks as they pass: an odd number at the end of the file means that it ends inside a quoted cell.
struct QuoteCounter<R> {
    inner: R,
    quotes: Arc<AtomicU64>,
}

impl<R: Read> Read for QuoteCounter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        let quotes = buffer[..n].iter().filter(|b| **b == b'"').count();
        self.quotes.fetch_add(quotes as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl TableReader {
    /// Opens a file, having looked at how its text is encoded, its cells are separated and where its header stands. What
    /// stands above that is passed over.
    pub(super) fn open(path: &Path, known: Known<'_>) -> io::Result<Self> {
        let encoding = sniff_encoding(&mut File::open(path)?)?;
        let mut head = Vec::new();
        decoder(path, encoding)?.take(64 * 1024).read_to_end(&mut head)?;
        let delimiter = sniff_delimiter(&head);
        let header = find_header(&head, delimiter, known)?;
        let quotes = Arc::new(AtomicU64::new(0));
        let counter = QuoteCounter { inner: decoder(path, encoding)?, quotes: Arc::clone(&quotes) };
        let csv = builder(delimiter).buffer_capacity(1 << 18).from_reader(counter);
        let mut reader = Self { csv, quotes, header };
        let mut row = Row::default();
        for _ in 0..header.map_or(0, |found| found.above) {
            // A row without anything is not counted among those above.
            while reader.read(&mut row)? && is_blank(&row.cells) {}
        }
        Ok(reader)
    }

    /// Where the header stands; none in a file without a row. Its number is that of its line.
    pub(super) const fn header(&self) -> Option<Found> {
        self.header
    }

    /// The next row, or false at the end.
    pub(super) fn read(&mut self, row: &mut Row) -> io::Result<bool> {
        self.csv.read_byte_record(&mut row.cells).map_err(io::Error::from)
    }

    /// After the last row: whether the file ended inside a quoted cell.
    pub(super) fn ended_inside_quotes(&self) -> bool {
        self.quotes.load(Ordering::Relaxed) % 2 == 1
    }
}

fn builder(delimiter: u8) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter);
    builder
}

pub(super) fn is_blank(cells: &csv::ByteRecord) -> bool {
    cells.iter().all(|cell| cell.trim_ascii().is_empty())
}

/// Looks for the header in the beginning of a file.
fn find_header(head: &[u8], delimiter: u8, known: Known<'_>) -> io::Result<Option<Found>> {
    let mut csv = builder(delimiter).from_reader(head);
    let (mut search, mut cells) = (HeaderSearch::default(), csv::ByteRecord::new());
    while search.goes_on() && csv.read_byte_record(&mut cells)? {
        // Its position is where reading began, which may be an empty line above it: count back from its end.
        let within = cells.as_slice().iter().filter(|b| **b == b'\n').count() as u64;
        let line = csv.position().line().saturating_sub(1 + within).max(1);
        let texts: Vec<_> = cells.iter().map(String::from_utf8_lossy).collect();
        search.offer(line, texts.iter().map(AsRef::as_ref), known);
    }
    Ok(search.found())
}

fn decoder(
    path: &Path,
    encoding: Option<&'static Encoding>,
) -> io::Result<DecodeReaderBytes<BufReader<File>, Vec<u8>>> {
    let file = BufReader::with_capacity(1 << 18, File::open(path)?);
    DecodeReaderBytesBuilder::new()
        .encoding(encoding)
        .utf8_passthru(true)
        .strip_bom(true)
        .build_with_buffer(file, vec![0; 1 << 16])
}

/// `None` where the file is UTF-8 (or says by its byte order mark what it is).
///
/// Without a mark: zeros in every other byte are UTF-16; bytes that are no UTF-8 are Windows-1252 (of which Latin-1 is a
/// part), unless most of what is not ASCII is good UTF-8: then single rows are damaged, and they alone are to blame.
fn sniff_encoding(file: &mut File) -> io::Result<Option<&'static Encoding>> {
    let mut head = [0u8; 4096];
    let n = file.read(&mut head)?;
    let head = &head[..n];
    if head.starts_with(&[0xef, 0xbb, 0xbf]) || head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Ok(None);
    }
    let zeros = |offset: usize| head.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    if n >= 4 && zeros(1) * 10 > n * 4 {
        return Ok(Some(UTF_16LE));
    }
    if n >= 4 && zeros(0) * 10 > n * 4 {
        return Ok(Some(UTF_16BE));
    }
    file.rewind()?;
    let (good, bad) = count_utf8(BufReader::with_capacity(1 << 18, file))?;
    Ok((bad > good).then_some(WINDOWS_1252))
}

/// How many characters beyond ASCII are good UTF-8, and how many bytes are none.
fn count_utf8(mut reader: impl Read) -> io::Result<(u64, u64)> {
    let (mut good, mut bad) = (0u64, 0u64);
    let mut buffer = vec![0u8; 1 << 16];
    let mut kept = 0;
    loop {
        let n = reader.read(&mut buffer[kept..])?;
        let mut bytes = &buffer[..kept + n];
        loop {
            match std::str::from_utf8(bytes) {
                Ok(text) => {
                    good += beyond_ascii(text.as_bytes());
                    bytes = &[];
                    break;
                }
                Err(error) => {
                    good += beyond_ascii(&bytes[..error.valid_up_to()]);
                    bytes = &bytes[error.valid_up_to()..];
                    match error.error_len() {
                        Some(len) => {
                            bad += 1;
                            bytes = &bytes[len..];
                        }
                        // A character cut by the end of the buffer, or of the file.
                        None => break,
                    }
                }
            }
        }
        if n == 0 {
            return Ok((good, bad + u64::from(!bytes.is_empty())));
        }
        let rest = bytes.to_vec();
        kept = rest.len();
        buffer[..kept].copy_from_slice(&rest);
    }
}

/// The first bytes of characters beyond ASCII.
fn beyond_ascii(utf8: &[u8]) -> u64 {
    utf8.iter().filter(|b| **b >= 0xc0).count() as u64
}

/// The delimiter that the first rows agree on: that of which most rows have the same number, outside quotes; a comma where
/// there is none. So neither a title above the header nor the commas of a narrative decide.
fn sniff_delimiter(head: &[u8]) -> u8 {
    let mut lines: Vec<[usize; DELIMITERS.len()]> = Vec::new();
    let mut counts = [0; DELIMITERS.len()];
    let (mut quoted, mut any) = (false, false);
    for byte in head.iter().chain(b"\n") {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => {
                if std::mem::take(&mut any) {
                    lines.push(std::mem::take(&mut counts));
                }
                if lines.len() == HEADER_WITHIN {
                    break;
                }
            }
            _ if quoted => {}
            byte => {
                any |= !byte.is_ascii_whitespace();
                if let Some(i) = DELIMITERS.iter().position(|d| d == byte) {
                    counts[i] += 1;
                }
            }
        }
    }
    let agreement = |i: usize| {
        let numbers = lines.iter().map(|counts| counts[i]);
        let same = |n: usize| {
            let rows = if n == 0 { 0 } else { lines.iter().filter(|counts| counts[i] == n).count() };
            // One row agrees with itself only.
            (rows >= 2, n * rows)
        };
        numbers.map(same).max().unwrap_or_default()
    };
    // The first of the best, so that a comma wins a tie.
    let mut best = (b',', (false, 0));
    for (i, delimiter) in DELIMITERS.iter().enumerate() {
        let agreed = agreement(i);
        if agreed > best.1 {
            best = (*delimiter, agreed);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bytes: &[u8]) -> (Vec<Vec<String>>, bool) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        let mut reader = TableReader::open(file.path(), &|_| false).expect("opens");
        let (mut rows, mut row) = (Vec::new(), Row::default());
        while reader.read(&mut row).expect("reads") {
            rows.push(row.cells.iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect());
        }
        (rows, reader.ended_inside_quotes())
    }

    #[test]
    fn encodings_delimiters_and_line_ends() {
        let expected = vec![vec!["lugar".to_owned(), "año".into()], vec!["Peñasco".into(), "2026".into()]];
        let text = "lugar,año\nPeñasco,2026\n";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf16be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let (latin, _, _) = WINDOWS_1252.encode(text);
        let cases: Vec<Vec<u8>> = vec![
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe".to_vec(), utf16.clone()].concat(),
            utf16,
            utf16be,
            latin.into_owned(),
            text.replace('\n', "\r\n").into_bytes(),
            text.replace('\n', "\r").into_bytes(),
            text.replace(',', ";").into_bytes(),
            text.replace(',', "\t").into_bytes(),
        ];
        for (i, bytes) in cases.iter().enumerate() {
            assert_eq!(rows(bytes), (expected.clone(), false), "case {i}");
        }
    }

    #[test]
    fn a_quoted_break_is_no_row_and_a_cut_file_is_seen() {
        assert_eq!(rows(b"a,b\n\"one\ntwo\",2\n").0.len(), 2);
        assert!(rows(b"a,b\n\"one\ntwo").1);
    }

    #[test]
    fn titles_above_the_header_are_passed_over() {
        let plain = "Fecha;Lugar\n3/9;Kent\n";
        for text in [
            plain.to_owned(),
            format!("Red de respuesta, valle de Yakima, septiembre\n\n{plain}"),
            format!("Red;\n;;\nSeptiembre\n{plain}"),
        ] {
            assert_eq!(rows(text.as_bytes()).0[0], ["Fecha", "Lugar"], "{text}");
        }
        // Two cells above it are passed over where the headers are known.
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), format!("Exported;yesterday\n{plain}")).expect("written");
        let reader = TableReader::open(file.path(), &|cell| matches!(cell, "Fecha" | "Lugar")).expect("opens");
        assert_eq!(reader.header(), Some(Found { above: 1, number: 2, certain: true }));
        // One column, its texts with commas.
        let (one, _) = {
            std::fs::write(file.path(), "narrative\nfour men, two cars\n").expect("written");
            let mut reader = TableReader::open(file.path(), &|cell| cell == "narrative").expect("opens");
            let mut row = Row::default();
            assert!(reader.read(&mut row).expect("reads"));
            (row.cells.get(0).map(<[u8]>::to_vec), ())
        };
        assert_eq!(one.as_deref(), Some(&b"narrative"[..]));
    }

    #[test]
    fn rows_agree_on_the_delimiter() {
        for (text, expected) in [
            ("a;b;c\nx;y, z, and w;1\nx;y;2, 3\n", b';'),
            ("one title, of the file, with commas\na;b;c\n1;2;3\n", b';'),
            ("a,b,c\n1,x;y;z;w;v,3\n", b','),
            ("a|b\n\"x, y\ny, z\"|2\n", b'|'),
            ("alone\nalone\n", b','),
            ("", b','),
        ] {
            assert_eq!(sniff_delimiter(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn one_damaged_row_does_not_make_the_file_latin() {
        let (rows, _) = rows("niño,año\nsí,sí\nma\u{f1}ana,x\n".as_bytes());
        assert_eq!(rows[2][0], "mañana");
        let bytes = [b"ni\xc3\xb1o,a\xc3\xb1o\ns\xc3\xad,\xffx\n".to_vec(), vec![]].concat();
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        let encoding = sniff_encoding(&mut File::open(file.path()).expect("opens")).expect("reads");
        assert!(encoding.is_none(), "mostly good UTF-8 stays UTF-8");
    }
}
