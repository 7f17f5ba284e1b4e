//! Rows out of an XLSX workbook: one sheet, read as a stream, each cell as the text that a CSV file would have.
//!
//! What always holds: the whole sheet is read once, and its archive's checksums tried, before its first row is given, so a
//! damaged file gives none; memory holds the shared texts (at most [`LARGEST_TEXTS`] bytes) and one row; rows have the
//! numbers that Excel shows; no error says what a cell holds.
//!
//! `zip` finds and unpacks the parts, `value` says what a number means by its format.

mod value;
mod zip;

use std::io::{self, BufReader};
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use schemas::wire;

use super::table::{Found, HeaderSearch, Known, Row};
use value::Shape;
use zip::{Archive, Part, damaged};

/// The most bytes that the texts which cells share may have.
const LARGEST_TEXTS: usize = 512 << 20;
/// A sheet has columns A to XFD.
const MOST_COLUMNS: usize = 16_384;
/// More merged areas than any sheet that people can read.
const MOST_MERGED: usize = 1_000_000;
/// The longest text of one cell that is kept; a field takes far less.
const LONGEST_CELL: usize = wire::LARGEST_REPORT;

/// Why a workbook gives no sheet to read.
#[derive(Debug)]
pub(super) enum OpenError {
    Io(io::Error),
    /// What it is instead, and what to do.
    NoWorkbook(&'static str),
    NoSuchSheet {
        names: Vec<String>,
    },
    Empty,
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A sheet of the workbook.
struct Sheet {
    name: String,
    part: String,
    hidden: bool,
}

/// What the cells of every sheet share.
#[derive(Default)]
struct Shared {
    texts: Texts,
    /// By the number of a cell's style.
    shapes: Vec<Shape>,
    from_1904: bool,
}

/// The shared texts, one behind the other.
#[derive(Default)]
struct Texts {
    all: String,
    ends: Vec<usize>,
}

impl Texts {
    fn get(&self, index: usize) -> Option<&str> {
        let start = if index == 0 { 0 } else { *self.ends.get(index - 1)? };
        Some(&self.all[start..*self.ends.get(index)?])
    }
}

/// What the first reading of a sheet found.
#[derive(Default)]
struct Survey {
    header: Option<Found>,
    /// Areas of merged cells that span rows.
    merged: Vec<Merged>,
    /// Formulas that the program which wrote the file did not work out.
    not_worked_out: u64,
}

/// A merged area's first column and its rows: its value stands in the first of them alone.
#[derive(Clone, Copy)]
struct Merged {
    column: usize,
    first: u64,
    last: u64,
}

/// A sheet, opened.
pub(super) struct SheetReader {
    xml: Reader<BufReader<Part>>,
    shared: Shared,
    header: Found,
    /// The name of the sheet, and of every sheet that has cells.
    name: String,
    names: Vec<String>,
    /// Sorted by their first row, the last at the front: what is behind is taken off the end.
    merged: Vec<Merged>,
    /// Values that go on into rows below.
    carried: Vec<(Merged, String)>,
    /// The columns of the header; none before it is read.
    width: Option<usize>,
    line: Line,
    buffer: Vec<u8>,
}

/// A row as it is read.
#[derive(Default)]
struct Line {
    number: u64,
    cells: Vec<Cell>,
    /// How many of `cells` are this row's.
    used: usize,
    /// The texts' bytes.
    bytes: usize,
}

#[derive(Default)]
struct Cell {
    text: String,
    /// An error such as `#REF!`: no value, and not nothing.
    error: bool,
}

impl SheetReader {
    /// Opens a workbook, chooses its sheet and reads that once. Also says what a person should know about the choice.
    pub(super) fn open(path: &Path, wanted: Option<&str>, known: Known<'_>) -> Result<(Self, Vec<String>), OpenError> {
        let archive = Archive::open(path)?;
        let main = main_part(&archive)?;
        let (sheets, from_1904) = sheets(&archive, &main)?;
        let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut shared = Shared { from_1904, ..Shared::default() };
        shared.texts = texts(&archive, &within(folder, "sharedStrings.xml"))?;
        shared.shapes = shapes(&archive, &within(folder, "styles.xml"))?;
        let (chosen, survey, shared) = choose(&archive, &sheets, shared, wanted, known)?;
        let Some(header) = survey.header else { return Err(OpenError::Empty) };
        let sheet = &sheets[chosen];
        let notes = notes(sheet, &sheets, &survey, wanted.is_some());
        let mut merged = survey.merged;
        merged.retain(|area| area.first > header.number);
        merged.sort_unstable_by_key(|area| std::cmp::Reverse(area.first));
        let reader = Self {
            xml: xml(&archive, &sheet.part)?.ok_or_else(|| damaged("a sheet is missing"))?,
            shared,
            header,
            name: sheet.name.clone(),
            names: sheets.iter().map(|sheet| sheet.name.clone()).collect(),
            merged,
            carried: Vec::new(),
            width: None,
            line: Line::default(),
            buffer: Vec::new(),
        };
        Ok((reader, notes))
    }

    /// Where the header stands.
    pub(super) const fn header(&self) -> Found {
        self.header
    }

    /// The name of the sheet that is read.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The names of all sheets that have cells, hidden ones too.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The next row that holds something, the header first; false at the end.
    pub(super) fn read(&mut self, row: &mut Row) -> io::Result<bool> {
        loop {
            let mut survey = Survey::default();
            if !next_line(&mut self.xml, &self.shared, &mut self.buffer, &mut self.line, &mut survey)? {
                return Ok(false);
            }
            if self.line.number >= self.header.number {
                break;
            }
        }
        self.carry();
        row.clear();
        row.number = Some(self.line.number);
        row.too_long = self.line.bytes > wire::LARGEST_REPORT;
        let filled = self.line.cells[..self.line.used].iter().rposition(|cell| !cell.text.is_empty());
        let width = filled.map_or(0, |last| last + 1).max(self.width.unwrap_or(0));
        self.width.get_or_insert(width);
        for column in 0..width {
            match self.line.cells[..self.line.used].get(column) {
                Some(cell) => {
                    row.cells.push_field(cell.text.as_bytes());
                    if cell.error {
                        row.errors.push(column);
                    }
                }
                None => row.cells.push_field(b""),
            }
        }
        Ok(true)
    }

    /// Gives the rows that a merged area spans its value, which stands in the first of them alone.
    fn carry(&mut self) {
        let number = self.line.number;
        self.carried.retain(|(area, _)| area.last >= number);
        for (area, text) in &self.carried {
            let cell = self.line.cell(area.column);
            if cell.text.is_empty() {
                cell.text.push_str(text);
            }
        }
        while let Some(area) = self.merged.pop_if(|area| area.first <= number) {
            // The first row may hold nothing at all, and then is not given.
            if area.first == number {
                let text = self.line.cell(area.column).text.clone();
                self.carried.push((area, text));
            }
        }
    }
}

impl Line {
    fn begin(&mut self, number: u64) {
        self.number = number;
        self.used = 0;
        self.bytes = 0;
    }

    /// The cell of a column; those before it that are not there yet are empty.
    fn cell(&mut self, column: usize) -> &mut Cell {
        while self.used <= column {
            match self.cells.get_mut(self.used) {
                Some(cell) => {
                    cell.text.clear();
                    cell.error = false;
                }
                None => self.cells.push(Cell::default()),
            }
            self.used += 1;
        }
        &mut self.cells[column]
    }

    fn filled(&self) -> usize {
        self.cells[..self.used].iter().filter(|cell| !cell.text.trim().is_empty()).count()
    }
}

/// What a person should know: which of several sheets, what is left out, what is missing.
fn notes(sheet: &Sheet, sheets: &[Sheet], survey: &Survey, named: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !named && sheets.len() > 1 {
        let others: Vec<_> = sheets.iter().filter(|other| other.name != sheet.name).map(shown).collect();
        notes.push(format!(
            "sheet {:?} is read, not {}; `sheet` under [format] of a mapping names another",
            sheet.name,
            others.join(", ")
        ));
    }
    if let Some(header) = survey.header.filter(|header| header.above > 0) {
        notes.push(format!("row {} is taken as the header; what stands above it is left out", header.number));
    }
    if !survey.merged.is_empty() {
        notes.push("merged cells: each row that they span gets their value".to_owned());
    }
    if survey.not_worked_out > 0 {
        notes.push(format!(
            "{} formulas have no value in the file and count as empty; open it in a spreadsheet program and save it",
            survey.not_worked_out
        ));
    }
    notes
}

fn shown(sheet: &Sheet) -> String {
    format!("{:?}{}", sheet.name, if sheet.hidden { " (hidden)" } else { "" })
}

/// The sheet by its name, else the only one that is shown, else the first with a header.
fn choose(
    archive: &Archive,
    sheets: &[Sheet],
    shared: Shared,
    wanted: Option<&str>,
    known: Known<'_>,
) -> Result<(usize, Survey, Shared), OpenError> {
    if let Some(wanted) = wanted {
        let exact = sheets.iter().position(|sheet| sheet.name == wanted);
        let found = exact.or_else(|| sheets.iter().position(|s| s.name.trim().eq_ignore_ascii_case(wanted.trim())));
        let Some(found) = found else {
            return Err(OpenError::NoSuchSheet { names: sheets.iter().map(shown).collect() });
        };
        let survey = survey(archive, &sheets[found], &shared, known)?;
        return Ok((found, survey, shared));
    }
    let mut first = None;
    for (at, sheet) in sheets.iter().enumerate().filter(|(_, sheet)| !sheet.hidden) {
        let survey = survey(archive, sheet, &shared, known)?;
        if survey.header.is_some_and(|header| header.certain) {
            return Ok((at, survey, shared));
        }
        if first.is_none() && survey.header.is_some() {
            first = Some((at, survey));
        }
    }
    let (at, survey) = first.ok_or(OpenError::Empty)?;
    Ok((at, survey, shared))
}

/// Reads a sheet to its end.
fn survey(archive: &Archive, sheet: &Sheet, shared: &Shared, known: Known<'_>) -> io::Result<Survey> {
    let mut xml = xml(archive, &sheet.part)?.ok_or_else(|| damaged("a sheet is missing"))?;
    let (mut survey, mut buffer, mut line) = (Survey::default(), Vec::new(), Line::default());
    let mut search = HeaderSearch::default();
    while next_line(&mut xml, shared, &mut buffer, &mut line, &mut survey)? {
        if search.goes_on() {
            search.offer(line.number, line.cells[..line.used].iter().map(|cell| cell.text.as_str()), known);
        }
    }
    survey.header = search.found();
    Ok(survey)
}

/// The name of a part beside another.
fn within(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    match target.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => {
            let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
            for part in target.split('/') {
                match part {
                    ".." => {
                        parts.pop();
                    }
                    "." | "" => {}
                    part => parts.push(part),
                }
            }
            parts.join("/")
        }
    }
}

fn xml(archive: &Archive, part: &str) -> io::Result<Option<Reader<BufReader<Part>>>> {
    let Some(part) = archive.part(part)? else { return Ok(None) };
    let mut reader = Reader::from_reader(BufReader::with_capacity(1 << 16, part));
    reader.config_mut().expand_empty_elements = true;
    Ok(Some(reader))
}

/// Reads a part event by event, to its end: so that its checksum is tried.
fn each_event(
    archive: &Archive,
    part: &str,
    mut each: impl FnMut(Event<'_>) -> io::Result<()>,
) -> io::Result<Option<()>> {
    let Some(mut xml) = xml(archive, part)? else { return Ok(None) };
    let mut buffer = Vec::new();
    loop {
        match next_event(&mut xml, &mut buffer)? {
            Event::Eof => return Ok(Some(())),
            event => each(event)?,
        }
    }
}

fn next_event<'b>(xml: &mut Reader<BufReader<Part>>, buffer: &'b mut Vec<u8>) -> io::Result<Event<'b>> {
    buffer.clear();
    xml.get_mut().get_mut().mark();
    match xml.read_event_into(buffer) {
        Ok(Event::DocType(_)) => Err(damaged("it declares entities, which Excel never does")),
        Ok(event) => Ok(event),
        Err(quick_xml::Error::Io(error)) => Err(io::Error::new(error.kind(), error.to_string())),
        Err(_) => Err(no_xml()),
    }
}

fn no_xml() -> io::Error {
    damaged("a part is not well-formed XML")
}

/// An attribute by its local name.
fn attribute(element: &BytesStart<'_>, name: &str) -> io::Result<Option<String>> {
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| no_xml())?;
        if attribute.key.local_name().as_ref() == name.as_bytes() {
            return Ok(Some(attribute.unescape_value().map_err(|_| no_xml())?.into_owned()));
        }
    }
    Ok(None)
}

/// Each relation that a part has: its id, the last word of its type, and its target.
fn relations(archive: &Archive, part: &str) -> io::Result<Vec<(String, String, String)>> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let mut found = Vec::new();
    each_event(archive, &within(folder, &format!("_rels/{name}.rels")), |event| {
        let Event::Start(e) = event else { return Ok(()) };
        if e.local_name().as_ref() == b"Relationship" {
            let of = |name| attribute(&e, name).map(Option::unwrap_or_default);
            let kind = of("Type")?;
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            found.push((of("Id")?, kind, within(folder, &of("Target")?)));
        }
        Ok(())
    })?;
    Ok(found)
}

/// The part that lists the sheets.
fn main_part(archive: &Archive) -> Result<String, OpenError> {
    let main = relations(archive, "")?.into_iter().find(|(_, kind, _)| kind == "officeDocument");
    let main = main.map_or_else(|| "xl/workbook.xml".to_owned(), |(_, _, target)| target);
    if main.ends_with(".bin") {
        return Err(OpenError::NoWorkbook("this is a binary Excel workbook (.xlsb); save it as .xlsx or CSV"));
    }
    if archive.has(&main) && main.starts_with("xl/") {
        return Ok(main);
    }
    Err(OpenError::NoWorkbook(match archive.has("content.xml") {
        true => "this is an OpenDocument file (.ods); save it as .xlsx or CSV",
        false => "this is a ZIP archive without an Excel workbook; unpack it first, or save the sheet as .xlsx or CSV",
    }))
}

/// The sheets with cells, in the order of their tabs, and whether days count from 1904.
fn sheets(archive: &Archive, main: &str) -> io::Result<(Vec<Sheet>, bool)> {
    let relations = relations(archive, main)?;
    let (mut sheets, mut from_1904) = (Vec::new(), false);
    each_event(archive, main, |event| {
        let Event::Start(e) = event else { return Ok(()) };
        match e.local_name().as_ref() {
            b"workbookPr" => {
                from_1904 = matches!(attribute(&e, "date1904")?.as_deref(), Some("1" | "true" | "on"));
            }
            b"sheet" => {
                let id = attribute(&e, "id")?.unwrap_or_default();
                // A sheet of a chart has no cells.
                if let Some((_, _, part)) = relations.iter().find(|(i, kind, _)| *i == id && kind == "worksheet") {
                    let name = attribute(&e, "name")?.unwrap_or_default();
                    let hidden = attribute(&e, "state")?.is_some_and(|state| state != "visible");
                    sheets.push(Sheet { name, part: part.clone(), hidden });
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok((sheets, from_1904))
}

fn texts(archive: &Archive, part: &str) -> io::Result<Texts> {
    let mut texts = Texts::default();
    let (mut taken, mut phonetic, mut start) = (false, false, 0);
    each_event(archive, part, |event| {
        match event {
            Event::Start(e) => match e.local_name().as_ref() {
                b"si" => start = texts.all.len(),
                b"t" => taken = !phonetic,
                b"rPh" => phonetic = true,
                _ => {}
            },
            Event::End(e) => match e.local_name().as_ref() {
                b"si" => {
                    unescape(&mut texts.all, start);
                    texts.ends.push(texts.all.len());
                }
                b"t" => taken = false,
                b"rPh" => phonetic = false,
                _ => {}
            },
            other if taken && texts.all.len() - start < LONGEST_CELL => push_text(&other, &mut texts.all)?,
            _ => {}
        }
        if texts.all.len() > LARGEST_TEXTS {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the workbook has more text than is read from one; save the sheet as CSV",
            ));
        }
        Ok(())
    })?;
    Ok(texts)
}

/// What each cell style shows of a number.
fn shapes(archive: &Archive, part: &str) -> io::Result<Vec<Shape>> {
    let (mut own, mut shapes) = (std::collections::HashMap::new(), Vec::new());
    let (mut formats, mut styles) = (false, false);
    each_event(archive, part, |event| {
        match &event {
            Event::Start(e) => match e.local_name().as_ref() {
                b"numFmts" => formats = true,
                b"cellXfs" => styles = true,
                b"numFmt" if formats => {
                    if let (Some(id), Some(code)) = (attribute(e, "numFmtId")?, attribute(e, "formatCode")?) {
                        own.insert(id, value::shape(&code));
                    }
                }
                b"xf" if styles => {
                    let id = attribute(e, "numFmtId")?.unwrap_or_default();
                    let shape = own.get(&id).copied();
                    shapes.push(shape.unwrap_or_else(|| value::builtin_shape(id.parse().unwrap_or(0))));
                }
                _ => {}
            },
            Event::End(e) => match e.local_name().as_ref() {
                b"numFmts" => formats = false,
                b"cellXfs" => styles = false,
                _ => {}
            },
            _ => {}
        }
        Ok(())
    })?;
    Ok(shapes)
}

/// What a cell's `t` says of its value.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[default]
    Number,
    /// The number of a shared text.
    Shared,
    /// The text itself.
    Text,
    Inline,
    Bool,
    Error,
}

/// Reads the next row that holds something into `line`; false at the end of the sheet, which is read to its end.
fn next_line(
    xml: &mut Reader<BufReader<Part>>,
    shared: &Shared,
    buffer: &mut Vec<u8>,
    line: &mut Line,
    survey: &mut Survey,
) -> io::Result<bool> {
    line.begin(line.number);
    let (mut kind, mut shape, mut column) = (Kind::Number, Shape::Number, 0usize);
    let (mut taken, mut phonetic, mut formula, mut whole) = (false, false, false, false);
    let mut text = String::new();
    loop {
        match next_event(xml, buffer)? {
            Event::Start(e) => match e.local_name().as_ref() {
                b"row" => {
                    let before = line.number;
                    let number = attribute(&e, "r")?.map_or(Some(before + 1), |r| r.trim().parse().ok());
                    let number = number.filter(|n| *n > before).ok_or_else(|| damaged("its rows are not in order"))?;
                    line.begin(number);
                    column = 0;
                }
                b"c" => {
                    (kind, shape, formula) = (Kind::Number, Shape::Number, false);
                    text.clear();
                    for attribute in e.attributes().with_checks(false) {
                        let attribute = attribute.map_err(|_| no_xml())?;
                        match attribute.key.as_ref() {
                            b"r" => column = column_of(&attribute.value)?,
                            b"s" => {
                                let style = std::str::from_utf8(&attribute.value).ok().and_then(|s| s.parse().ok());
                                shape = style.and_then(|s: usize| shared.shapes.get(s)).copied().unwrap_or_default();
                            }
                            b"t" => {
                                kind = match attribute.value.as_ref() {
                                    b"s" => Kind::Shared,
                                    b"str" | b"d" => Kind::Text,
                                    b"inlineStr" => Kind::Inline,
                                    b"b" => Kind::Bool,
                                    b"e" => Kind::Error,
                                    _ => Kind::Number,
                                }
                            }
                            _ => {}
                        }
                    }
                }
                b"v" => taken = kind != Kind::Inline,
                b"t" => taken = kind == Kind::Inline && !phonetic,
                b"rPh" => phonetic = true,
                b"f" => formula = true,
                b"mergeCell" => {
                    if let Some(area) = attribute(&e, "ref")?.as_deref().and_then(merged) {
                        survey.merged.push(area);
                    }
                    if survey.merged.len() > MOST_MERGED {
                        return Err(damaged("it has more merged cells than a sheet can have"));
                    }
                }
                _ => {}
            },
            Event::End(e) => match e.local_name().as_ref() {
                b"v" | b"t" => taken = false,
                b"rPh" => phonetic = false,
                b"c" => {
                    if column >= MOST_COLUMNS {
                        return Err(damaged("it has more columns than a sheet can have"));
                    }
                    survey.not_worked_out += u64::from(formula && text.is_empty() && kind == Kind::Number);
                    put(line, shared, column, (kind, shape), &mut text)?;
                    column += 1;
                }
                b"row" if line.filled() > 0 => return Ok(true),
                b"sheetData" => whole = true,
                _ => {}
            },
            Event::Eof if whole => return Ok(false),
            Event::Eof => return Err(damaged("a sheet ends too soon")),
            other if taken && text.len() < LONGEST_CELL => push_text(&other, &mut text)?,
            _ => {}
        }
    }
}

/// Puts a cell's value into the row as text.
fn put(
    line: &mut Line,
    shared: &Shared,
    column: usize,
    (kind, shape): (Kind, Shape),
    text: &mut String,
) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut error = false;
    let value = match kind {
        Kind::Number => value::number(text, shape, shared.from_1904),
        Kind::Shared => {
            let index = text.trim().parse().ok();
            let found = index.and_then(|index| shared.texts.get(index));
            found.ok_or_else(|| damaged("a cell names a text that is not there"))?.to_owned()
        }
        Kind::Text | Kind::Inline => {
            unescape(text, 0);
            std::mem::take(text)
        }
        // As Excel writes them into a CSV file.
        Kind::Bool => if matches!(text.trim(), "1" | "true") { "TRUE" } else { "FALSE" }.to_owned(),
        // Not available: a look-up found nothing, which is nothing.
        Kind::Error if text.trim() == "#N/A" => return Ok(()),
        Kind::Error => {
            error = true;
            std::mem::take(text)
        }
    };
    if value.is_empty() {
        return Ok(());
    }
    line.bytes += value.len();
    // What is over is told as too long; it is not kept.
    if line.bytes <= 2 * LONGEST_CELL {
        let cell = line.cell(column);
        cell.text.clear();
        cell.text.push_str(&value);
        cell.error = error;
    }
    Ok(())
}

/// Adds the text of an event, with the five entities of XML and characters by number.
fn push_text(event: &Event<'_>, out: &mut String) -> io::Result<()> {
    match event {
        Event::Text(text) => out.push_str(&text.xml10_content().map_err(|_| no_xml())?),
        Event::CData(text) => out.push_str(&text.xml10_content().map_err(|_| no_xml())?),
        Event::GeneralRef(reference) => out.push(character(reference)?),
        _ => {}
    }
    Ok(())
}

fn character(reference: &BytesRef<'_>) -> io::Result<char> {
    if let Some(c) = reference.resolve_char_ref().map_err(|_| no_xml())? {
        return Ok(c);
    }
    match &**reference {
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"amp" => Ok('&'),
        b"quot" => Ok('"'),
        b"apos" => Ok('\''),
        _ => Err(no_xml()),
    }
}

/// Excel writes what XML cannot as `_x000D_`, and such a text itself as `_x005F_x000D_`.
fn unescape(text: &mut String, from: usize) {
    let Some(first) = text[from..].find("_x") else { return };
    let rest = text.split_off(from + first);
    let mut rest = rest.as_str();
    while let Some(at) = rest.find("_x") {
        text.push_str(&rest[..at]);
        let code = rest.get(at + 2..at + 6).filter(|_| rest.as_bytes().get(at + 6) == Some(&b'_'));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                text.push(c);
                rest = &rest[at + 7..];
            }
            None => {
                text.push_str("_x");
                rest = &rest[at + 2..];
            }
        }
    }
    text.push_str(rest);
}

/// The column of a cell's name, from 0: `C7` is 2.
fn column_of(name: &[u8]) -> io::Result<usize> {
    let letters = name.iter().take_while(|b| b.is_ascii_alphabetic());
    let mut column = 0usize;
    for letter in letters {
        column = column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1;
        if column > MOST_COLUMNS {
            return Err(damaged("it has more columns than a sheet can have"));
        }
    }
    column.checked_sub(1).ok_or_else(|| damaged("a cell has no name"))
}

/// A merged area such as `B3:B7`; none where it spans one row.
fn merged(area: &str) -> Option<Merged> {
    let (first, last) = area.split_once(':')?;
    let row = |name: &str| name.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().ok();
    let area = Merged { column: column_of(first.as_bytes()).ok()?, first: row(first)?, last: row(last)? };
    (area.last > area.first).then_some(area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_cells_and_areas() {
        assert_eq!(column_of(b"A1").expect("a name"), 0);
        assert_eq!(column_of(b"AA10").expect("a name"), 26);
        assert_eq!(column_of(b"XFD1").expect("a name"), MOST_COLUMNS - 1);
        assert!(column_of(b"XFE1").is_err() && column_of(b"7").is_err() && column_of(b"ZZZZZZZZZZZZZZ1").is_err());
        let area = merged("B3:C7").expect("an area");
        assert_eq!((area.column, area.first, area.last), (1, 3, 7));
        assert!(merged("B3:F3").is_none(), "a value of one row belongs to one column");
    }

    #[test]
    fn what_xml_cannot_hold_is_read_back() {
        for (written, meant) in [
            ("one_x000D_\ntwo", "one\r\ntwo"),
            ("_x005F_x000D_", "_x000D_"),
            ("a_xyz_", "a_xyz_"),
            ("_x", "_x"),
            ("_x00é0_", "_x00é0_"),
            ("plain", "plain"),
        ] {
            let mut text = format!("kept _x{written}");
            unescape(&mut text, 7);
            assert_eq!(text, format!("kept _x{meant}"));
        }
    }

    #[test]
    fn parts_are_named_from_where_they_are_named() {
        assert_eq!(within("xl", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(within("xl", "/xl/sheet.xml"), "xl/sheet.xml");
        assert_eq!(within("xl/worksheets", "..\\a.xml"), "xl/a.xml");
    }
}
