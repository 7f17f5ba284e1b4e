//! Reports out of a JSON or NDJSON file, one at a time.
//!
//! What always holds: an array is read element by element and never held whole; in NDJSON a broken line harms no other
//! line; a report over [`wire::LARGEST_REPORT`] is kept to that size and told as too long.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use schemas::reject::RejectCode;
use schemas::wire;

/// One report's bytes, or what is wrong with them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) defect: Option<RejectCode>,
}

/// How the file strings its reports together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One report a line.
    Lines,
    /// An array, or objects over several lines.
    Values,
}

/// A JSON file, opened.
pub(super) struct JsonReader {
    reader: BufReader<File>,
    form: Form,
    ended: bool,
}

impl JsonReader {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 18, File::open(path)?);
        if reader.fill_buf()?.starts_with(&[0xef, 0xbb, 0xbf]) {
            reader.consume(3);
        }
        let head = reader.fill_buf()?;
        let start = head.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(head.len());
        let first_line = head[start..].split(|b| *b == b'\n').next().unwrap_or_default();
        let whole = serde_json::from_slice::<serde::de::IgnoredAny>(first_line).is_ok();
        let form = match head.get(start) {
            Some(b'[') => Form::Values,
            // A first line that is `{` alone begins an object over several lines; any other broken line is just that.
            Some(b'{') if !whole && first_line.trim_ascii().len() <= 1 => Form::Values,
            _ => Form::Lines,
        };
        Ok(Self { reader, form, ended: false })
    }

    /// The next report, or `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        match self.form {
            Form::Lines => self.next_line(),
            Form::Values => self.next_value(),
        }
    }

    fn next_line(&mut self) -> io::Result<Option<Piece>> {
        loop {
            let mut piece = Bounded::default();
            let mut any = false;
            loop {
                let chunk = self.reader.fill_buf()?;
                if chunk.is_empty() {
                    break;
                }
                any = true;
                let end = chunk.iter().position(|b| *b == b'\n');
                piece.push(&chunk[..end.unwrap_or(chunk.len())]);
                let used = end.map_or(chunk.len(), |i| i + 1);
                self.reader.consume(used);
                if end.is_some() {
                    break;
                }
            }
            if !any {
                return Ok(None);
            }
            if !piece.bytes.trim_ascii().is_empty() {
                return Ok(Some(piece.finish(None)));
            }
        }
    }

    /// Cuts at the end of each object of depth one (or, in a broken array, of whatever stands between two commas).
    fn next_value(&mut self) -> io::Result<Option<Piece>> {
        let mut piece = Bounded::default();
        let (mut depth, mut quoted, mut escaped, mut started) = (0u32, false, false, false);
        while !self.ended {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                self.ended = true;
                break;
            }
            let mut used = 0;
            let mut done = false;
            for byte in chunk {
                let byte = *byte;
                if !started && (byte.is_ascii_whitespace() || matches!(byte, b'[' | b',' | b']')) {
                    used += 1;
                    continue;
                }
                if started && depth == 0 && !quoted && matches!(byte, b',' | b']' | b'\n') {
                    done = true;
                    break;
                }
                started = true;
                used += 1;
                piece.push(&[byte]);
                if quoted {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => quoted = false,
                        _ => {}
                    }
                    continue;
                }
                match byte {
                    b'"' => quoted = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            done = true;
                            break;
                        }
                    }
                    _ => {}
                }
            }
            self.reader.consume(used);
            if done {
                return Ok(Some(piece.finish(None)));
            }
        }
        Ok(started.then(|| piece.finish(Some(RejectCode::UnfinishedRow))))
    }
}

/// Bytes up to the largest report; what lies beyond is counted, not kept.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    over: bool,
}

impl Bounded {
    fn push(&mut self, more: &[u8]) {
        let room = wire::LARGEST_REPORT.saturating_sub(self.bytes.len());
        self.over |= more.len() > room;
        self.bytes.extend_from_slice(&more[..more.len().min(room)]);
    }

    fn finish(self, defect: Option<RejectCode>) -> Piece {
        let defect = if self.over { Some(RejectCode::TooLong) } else { defect };
        Piece { bytes: self.bytes, defect }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<(String, Option<RejectCode>)> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        let mut reader = JsonReader::open(file.path()).expect("opens");
        let mut all = Vec::new();
        while let Some(piece) = reader.next().expect("reads") {
            all.push((String::from_utf8(piece.bytes).expect("text"), piece.defect));
        }
        all
    }

    #[test]
    fn arrays_lines_and_pretty_objects() {
        let two = vec![(r#"{"a":"}],[{"}"#.to_owned(), None), (r#"{"b":1}"#.to_owned(), None)];
        assert_eq!(pieces("[{\"a\":\"}],[{\"},\n {\"b\":1}]"), two);
        assert_eq!(pieces("{\"a\":\"}],[{\"}\n\n{\"b\":1}\n"), two);
        assert_eq!(pieces("{\n\"b\": 1\n}\n").len(), 1);
        assert_eq!(pieces(""), vec![]);
        assert_eq!(pieces("[]"), vec![]);
    }

    #[test]
    fn broken_lines_and_half_files_are_pieces_of_their_own() {
        let lines = pieces("{\"a\":1}\n{\"a\":\n{\"b\":2}");
        assert_eq!(lines.len(), 3);
        let half = pieces("[{\"a\":1},{\"b\":");
        assert_eq!(half[1].1, Some(RejectCode::UnfinishedRow));
        let long = pieces(&format!("{{\"a\":\"{}\"}}\n{{\"b\":1}}", "x".repeat(wire::LARGEST_REPORT)));
        assert_eq!((long[0].1, long[1].1), (Some(RejectCode::TooLong), None));
    }
}
