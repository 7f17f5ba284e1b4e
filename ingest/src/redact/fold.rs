//! One spelling for all writings: lower-case ASCII without accents, one byte for each thing that counts, and the way back.
//!
//! What always holds: a folded byte knows the byte of the text that it came from, and every range of folded bytes maps to
//! a range of the text on character boundaries. What is invisible or merely combines (accents written apart, zero-width
//! spaces, the box around a keycap digit) folds to nothing, so that it hides nothing. Our own marks fold to [`OPAQUE`].

use unicode_normalization::UnicodeNormalization as _;

use schemas::redaction::Class;

/// A letter of another script.
pub const FOREIGN: u8 = 0x02;
/// A byte of a mark such as `[PHONE]`: no rule matches it.
pub const OPAQUE: u8 = 0x03;
/// Anything else: emoji, symbols.
const OTHER: u8 = 0x01;

/// A text as the rules see it.
#[derive(Debug, Default)]
pub struct Folded {
    /// The folded text. ASCII, save that it may hold the three bytes above.
    pub bytes: Vec<u8>,
    /// For each folded byte the text's byte it came from, and the text's length at the end. Empty where the two are one.
    from: Vec<u32>,
    length: usize,
    /// The folded bytes between which stretches were taken since [`Folded::taken`] was last asked.
    taken: Option<(usize, usize)>,
}

impl Folded {
    pub fn new(text: &str) -> Self {
        let mut folded =
            Self { bytes: Vec::with_capacity(text.len()), from: Vec::new(), length: text.len(), taken: None };
        if text.is_ascii() {
            folded.bytes.extend(text.bytes().map(ascii));
        } else {
            folded.from.reserve(text.len() + 1);
            // A text is bounded far below 4 GiB by what a channel accepts.
            let mut at = 0;
            while at < text.len() {
                let plain = text.as_bytes()[at..].iter().take_while(|b| b.is_ascii()).count();
                folded.bytes.extend(text.as_bytes()[at..at + plain].iter().map(|&b| ascii(b)));
                folded.from.extend(at as u32..(at + plain) as u32);
                at += plain;
                let Some(c) = text[at..].chars().next() else { break };
                let before = folded.bytes.len();
                fold_char(c, &mut folded.bytes);
                folded.from.extend((before..folded.bytes.len()).map(|_| at as u32));
                at += c.len_utf8();
            }
            folded.from.push(text.len() as u32);
        }
        folded.hide_marks(text);
        folded
    }

    /// The byte of the text at which folded byte `at` starts.
    pub fn start(&self, at: usize) -> usize {
        if self.from.is_empty() { at } else { self.from[at] as usize }
    }

    /// Where the character of folded byte `at - 1` ends in the text, with all that merely combines with it.
    pub fn end(&self, at: usize) -> usize {
        if self.from.is_empty() || at == 0 {
            return at;
        }
        let last = self.from[at - 1];
        let next = self.from[at..].iter().find(|&&from| from > last);
        next.map_or(self.length, |&from| from as usize)
    }

    /// Takes a stretch out of sight of all that comes after; gives it in bytes of the text. A character that folds to
    /// several bytes ("ß") goes as a whole.
    pub fn take(&mut self, mut start: usize, mut end: usize) -> (usize, usize) {
        if !self.from.is_empty() {
            while start > 0 && self.from[start - 1] == self.from[start] {
                start -= 1;
            }
            while end < self.bytes.len() && self.from[end - 1] == self.from[end] {
                end += 1;
            }
        }
        self.bytes[start..end].fill(OPAQUE);
        self.taken = Some(self.taken.map_or((start, end), |(first, last)| (first.min(start), last.max(end))));
        (self.start(start), self.end(end))
    }

    /// The first and the last folded byte of what was taken since this was last asked.
    pub fn taken(&mut self) -> Option<(usize, usize)> {
        self.taken.take()
    }

    fn hide_marks(&mut self, text: &str) {
        if !self.bytes.contains(&b'[') {
            return;
        }
        for at in 0..self.bytes.len() {
            if self.bytes[at] == b'[' {
                let rest = &text[self.start(at)..];
                if let Some(class) = Class::ALL.iter().find(|class| rest.starts_with(class.mark())) {
                    self.bytes[at..at + class.mark().len()].fill(OPAQUE);
                }
            }
        }
    }
}

fn ascii(byte: u8) -> u8 {
    const FOLDED: [u8; 128] = {
        let mut folded = [b' '; 128];
        let mut byte = 0x20;
        while byte < 0x7f {
            folded[byte] = if byte == b'`' as usize { b'\'' } else { (byte as u8).to_ascii_lowercase() };
            byte += 1;
        }
        folded[b'\n' as usize] = b'\n';
        folded
    };
    FOLDED[usize::from(byte & 0x7f)]
}

fn fold_char(c: char, out: &mut Vec<u8>) {
    let byte = match c {
        _ if c.is_ascii() => ascii(c as u8),
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'Á' | 'À' | 'Ã' | 'Ä' => b'a',
        'é' | 'è' | 'ê' | 'ë' | 'É' | 'È' => b'e',
        'í' | 'ì' | 'î' | 'ï' | 'Í' | 'ı' => b'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'ø' | 'Ó' | 'Ö' | 'Ø' => b'o',
        'ú' | 'ù' | 'û' | 'ü' | 'Ú' | 'Ü' => b'u',
        'ñ' | 'Ñ' => b'n',
        'ł' | 'Ł' => b'l',
        'đ' | 'Đ' | 'ð' | 'Ð' => b'd',
        'ə' | 'Ə' => b'e',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => b'-',
        '‘' | '’' | '‚' | '′' | 'ʼ' | 'ʻ' | '´' => b'\'',
        '“' | '”' | '„' | '″' | '«' | '»' => b'"',
        '°' | 'º' | 'ª' => b'^',
        '…' | '·' => b'.',
        '¿' => b'?',
        '¡' => b'!',
        '\u{2028}' | '\u{2029}' | '\u{85}' => b'\n',
        _ if is_invisible(c) => return,
        _ if c.is_whitespace() => b' ',
        _ => return fold_rare(c, out),
    };
    out.push(byte);
}

/// What shows nothing or merely changes the look of its neighbour.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
        || unicode_normalization::char::is_combining_mark(c)
}

fn fold_rare(c: char, out: &mut Vec<u8>) {
    // Digits of the scripts whose speakers may type them.
    for zero in ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}'] {
        let n = (c as u32).wrapping_sub(zero as u32);
        if n < 10 {
            return out.push(b'0' + n as u8);
        }
    }
    let before = out.len();
    for part in std::iter::once(c).nfkd().filter(|part| !is_invisible(*part)) {
        match part {
            _ if part.is_ascii() => out.push(ascii(part as u8)),
            'ß' => out.extend(b"ss"),
            'æ' | 'Æ' => out.extend(b"ae"),
            'œ' | 'Œ' => out.extend(b"oe"),
            'þ' | 'Þ' => out.extend(b"th"),
            // A fraction is no digits that go on those before it.
            '\u{2044}' => {
                out.truncate(before);
                return out.push(OTHER);
            }
            _ if part.is_alphabetic() => out.push(FOREIGN),
            _ => out.push(OTHER),
        }
    }
    if out.len() == before {
        out.push(OTHER);
    }
}
