//! From text to tokens: lower case, accents stripped, sentences and clauses numbered, numbers read.
//!
//! What always holds: a token's `start..end` lies on character boundaries of the text as it came, tokens stand in
//! order and do not overlap, and nothing here fails on any text. Patterns of the rule files are cut into words by
//! the same code, so a pattern and a text that are written alike are cut alike.

use schemas::Count;
use unicode_normalization::UnicodeNormalization;

use super::evidence::Stems;
use super::lexicon::{Lexicon, WordId};

/// Words longer than this are never words of a rule: they are kept as tokens that match nothing.
pub(super) const LONGEST_WORD: usize = 28;

/// What stands between a token and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Break {
    /// White space, a hyphen, a quotation mark, a colon.
    None,
    /// A comma, a bracket, a dash: a new clause.
    Clause,
    /// A full stop, a line end, a label such as "Size:": a new sentence.
    Sentence,
}

/// The part of a SALUTE text that a token stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Field {
    /// Running text.
    None,
    Size,
    Activity,
    Location,
    Uniform,
    Time,
    Equipment,
}

/// A word or a number of the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// Bytes of the text as it came.
    pub start: u32,
    pub end: u32,
    pub word: WordId,
    /// Its first letters, where they weigh something (evidence.rs).
    pub stem: u16,
    /// What edges of the automaton it may take (lexicon.rs); set when its number is known.
    pub mask: u128,
    /// The masks of this token and of those behind it in its clause.
    pub ahead: u128,
    /// How many, when the token is a number that can count something.
    pub count: Option<Count>,
    pub before: Break,
    pub sentence: u32,
    pub field: Field,
    /// The sentence ends in a question mark.
    pub question: bool,
    /// "+" stands before it.
    pub plus: bool,
    /// Glued to the token before it by a hyphen, or by nothing ("6am").
    pub glued: bool,
    /// Starts with a capital.
    pub capital: bool,
    /// A colon or a dash follows: perhaps a label.
    label: bool,
}

/// One word or run of digits as it is cut from a text, before anything is known of it.
pub(super) struct Piece<'a> {
    /// Lower case without accents; empty when it is longer than any word of a rule.
    pub folded: &'a [u8],
}

/// Lower case and accents off, for one character that is not ASCII.
fn fold_wide(c: char, out: &mut Vec<u8>) {
    match c {
        'á' | 'à' | 'â' | 'ã' | 'Á' | 'À' | 'Â' | 'Ã' => out.push(b'a'),
        'é' | 'è' | 'ê' | 'É' | 'È' | 'Ê' => out.push(b'e'),
        'í' | 'ì' | 'î' | 'Í' | 'Ì' | 'Î' => out.push(b'i'),
        'ó' | 'ò' | 'ô' | 'õ' | 'Ó' | 'Ò' | 'Ô' | 'Õ' => out.push(b'o'),
        'ú' | 'ù' | 'û' | 'ü' | 'Ú' | 'Ù' | 'Û' | 'Ü' => out.push(b'u'),
        'ñ' | 'Ñ' => out.push(b'n'),
        'ç' | 'Ç' => out.push(b'c'),
        _ => {
            // Rare letters: their base letters, whatever the script.
            for base in std::iter::once(c).nfkd().filter(|c| c.is_alphanumeric()) {
                for lower in base.to_lowercase() {
                    let mut bytes = [0; 4];
                    out.extend_from_slice(lower.encode_utf8(&mut bytes).as_bytes());
                }
            }
        }
    }
}

/// Letters, digits and marks that belong to a word.
fn is_wide_word(c: char) -> bool {
    c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c)
}

/// The character that starts at byte `at`. The caller stands on a boundary.
fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// Cuts one piece off `text` at byte `at`, which must be a boundary at which a word starts. Returns the byte after it.
/// A run of digits and a run of letters are two pieces ("6am", "I200"); an apostrophe within a word is dropped.
fn cut(text: &str, at: usize, folded: &mut Vec<u8>) -> usize {
    let bytes = text.as_bytes();
    folded.clear();
    let digits = bytes[at].is_ascii_digit();
    let mut accent = false;
    let mut i = at;
    while let Some(&byte) = bytes.get(i) {
        if byte.is_ascii_digit() {
            if !digits {
                break;
            }
            folded.push(byte);
            i += 1;
        } else if byte.is_ascii_alphabetic() {
            if digits {
                break;
            }
            folded.push(byte.to_ascii_lowercase());
            i += 1;
        } else if byte == b'\'' {
            // "didn't", not the end of a quotation
            if digits || !bytes.get(i + 1).is_some_and(|b| b.is_ascii_alphabetic()) {
                break;
            }
            i += 1;
        } else if byte < 0x80 {
            break;
        } else {
            let Some(c) = char_at(text, i) else { break };
            if c == '\u{2019}' && !digits && char_at(text, i + c.len_utf8()).is_some_and(char::is_alphabetic) {
                i += c.len_utf8();
                continue;
            }
            if !is_wide_word(c) || digits {
                break;
            }
            accent = true;
            fold_wide(c, folded);
            i += c.len_utf8();
        }
    }
    if accent && folded == b"si" {
        // "sí" says yes, "si" says if: the one accent that carries a meaning here.
        folded.extend_from_slice(b"'");
    }
    if let Some(word) = texted(&bytes[at..i]) {
        folded.clear();
        folded.extend_from_slice(word);
    }
    if !digits && i < bytes.len() && bytes[i] == b'/' && matches!(folded.as_slice(), b"w" | b"b") {
        i = shorthand(bytes, i, folded);
    }
    i
}

/// Spanish as it is texted: "la corte d Harlingen", "pq no abri". In small letters only: "Dept D" and "Q Street" are names.
fn texted(word: &[u8]) -> Option<&'static [u8]> {
    Some(match word {
        b"d" => b"de",
        b"dl" => b"del",
        b"q" | b"ke" => b"que",
        b"pa" => b"para",
        b"pq" | b"xq" | b"porq" => b"porque",
        _ => return None,
    })
}

/// "&" is a word, and so is an "@" that stands alone.
fn sign(word: &[u8], folded: &mut Vec<u8>) -> usize {
    folded.clear();
    folded.extend_from_slice(word);
    1
}

/// "w/", "w/o", "b/c" are words.
fn shorthand(bytes: &[u8], slash: usize, folded: &mut Vec<u8>) -> usize {
    let rest = &bytes[slash + 1..];
    let run = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (word, taken): (&[u8], usize) = match (folded.as_slice(), rest[..run].to_ascii_lowercase().as_slice()) {
        (b"w", b"o" | b"out") => (b"without", run),
        (b"b", b"c") => (b"because", run),
        (b"w", _) => (b"with", 0),
        _ => return slash,
    };
    folded.clear();
    folded.extend_from_slice(word);
    slash + 1 + taken
}

/// Calls `each` for the pieces of a short text. For patterns and for counts given as words.
pub(super) fn pieces(text: &str, mut each: impl FnMut(Piece<'_>)) {
    let mut folded = Vec::with_capacity(32);
    let mut at = 0;
    while let Some(c) = char_at(text, at) {
        if is_wide_word(c) {
            let end = cut(text, at, &mut folded).max(at + c.len_utf8());
            each(Piece { folded: if folded.len() > LONGEST_WORD { b"" } else { &folded } });
            at = end;
        } else {
            at += c.len_utf8();
        }
    }
}

/// Cuts `text` into tokens. `tokens` and `buffer` are reused from text to text.
pub(super) fn tokens(text: &str, lexicon: &Lexicon, stems: &Stems, tokens: &mut Vec<Token>, buffer: &mut Vec<u8>) {
    tokens.clear();
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut brk = Break::Sentence;
    let (mut plus, mut space) = (false, true);
    let mut sentence_start = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let word = if byte < 0x80 {
            byte.is_ascii_alphanumeric() || byte == b'&' || (byte == b'@' && bytes.get(at + 1) == Some(&b' '))
        } else {
            char_at(text, at).is_some_and(is_wide_word)
        };
        if word {
            let end = match byte {
                b'&' => sign(b"and", buffer) + at,
                b'@' => sign(b"at", buffer) + at,
                _ => cut(text, at, buffer).max(at + 1),
            };
            // An offset is 32 bits; an intake limits a text to far less.
            let (Ok(start32), Ok(end32)) = (u32::try_from(at), u32::try_from(end)) else { return };
            if at > 0 && bytes[at - 1] == b'$' {
                // "$700" is the word "dollars".
                buffer.clear();
                buffer.extend_from_slice(b"dollars");
            }
            if matches!(buffer.len(), 4 | 5) && byte.is_ascii_digit() && house_number(bytes, at, end) {
                // "1530 Mercury Blvd": no count, but a number all the same.
                buffer.clear();
                buffer.extend_from_slice(HOUSE_NUMBER);
            }
            let known = if buffer.len() > LONGEST_WORD { WordId::UNKNOWN } else { lexicon.find(buffer) };
            let count = number(buffer).or_else(|| lexicon.number(known)).map(Count::exactly);
            if brk == Break::Sentence {
                sentence_start = tokens.len();
            }
            let sentence = tokens.last().map_or(0, |last: &Token| last.sentence + u32::from(brk == Break::Sentence));
            tokens.push(Token {
                start: start32,
                end: end32,
                word: known,
                stem: stems.find(buffer),
                mask: 0,
                ahead: 0,
                count,
                before: brk,
                sentence,
                field: Field::None,
                question: false,
                plus,
                glued: !space && brk == Break::None,
                capital: char_at(text, at).is_some_and(char::is_uppercase),
                label: false,
            });
            brk = Break::None;
            plus = false;
            space = false;
            at = end;
            continue;
        }
        let width = if byte < 0x80 { 1 } else { char_at(text, at).map_or(1, char::len_utf8) };
        let next = bytes.get(at + 1).copied().unwrap_or(b'\n');
        let new = match byte {
            b' ' | b'\t' => Break::None,
            b'\n' | b'\r' | b'|' => Break::Sentence,
            b'!' | b';' => Break::Sentence,
            b'?' => {
                for token in &mut tokens[sentence_start..] {
                    token.question = true;
                }
                Break::Sentence
            }
            b'.' => full_stop(text, at, tokens.last(), lexicon),
            b',' if next.is_ascii_digit() && !space => Break::None,
            b',' | b'(' | b')' | b'[' | b']' => Break::Clause,
            b'-' if space && (next == b' ' || next == b'-' || next == b'>') => Break::Clause,
            b'-' if next == b'-' || next == b'>' => Break::Clause,
            b':' => {
                if next.is_ascii_digit() && !space {
                    clock(tokens, &bytes[at + 1..]);
                    space = false;
                    at += 1;
                    continue;
                }
                if let Some(last) = tokens.last_mut() {
                    last.label = true;
                }
                Break::Clause
            }
            b'+' => {
                if !space && tokens.last().is_some_and(|t| t.end as usize == at) && !next.is_ascii_digit() {
                    // "6+"; but "2 + 3" is a sum
                    at_least(tokens.last_mut());
                } else {
                    plus = true;
                }
                Break::None
            }
            b'@' => {
                // A handle or what stands behind the @ of an address: opaque.
                at = opaque(text, at + 1) - 1;
                Break::None
            }
            b'=' => {
                if let Some(last) = tokens.last_mut() {
                    last.label = true;
                }
                Break::None
            }
            _ if byte < 0x80 => Break::None,
            _ => match char_at(text, at) {
                Some('–' | '—' | '→') => Break::Clause,
                Some('…' | '•' | '·') => Break::Sentence,
                _ => Break::None,
            },
        };
        if matches!(byte, b'-' | b'=')
            && let Some(last) = tokens.last_mut()
        {
            last.label |= last.end as usize == at || space;
        }
        space = byte == b' ' || byte >= 0x80;
        brk = brk.max(new);
        at += width;
    }
    labels(tokens, lexicon);
}

/// The value of a run of up to three digits; longer ones are no counts.
fn number(folded: &[u8]) -> Option<u32> {
    if folded.len() > 3 || folded.is_empty() || (folded[0] == b'0' && folded.len() > 1) {
        return None;
    }
    folded.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

/// The word that stands in phrases for a number of four or five digits, such as a house has.
const HOUSE_NUMBER: &[u8] = b"nnnn";

/// Digits that stand alone: no part of a telephone, a date, a price or a plate.
fn house_number(bytes: &[u8], at: usize, end: usize) -> bool {
    let free = |byte: Option<&u8>| byte.is_none_or(|b| matches!(b, b' ' | b'\n' | b',' | b'.' | b';' | b'(' | b')'));
    free(at.checked_sub(1).and_then(|n| bytes.get(n))) && free(bytes.get(end))
}

/// "7:15": both are parts of a clock time, and count nothing.
fn clock(tokens: &mut [Token], rest: &[u8]) {
    if let (Some(last), true) = (tokens.last_mut(), rest.first().is_some_and(u8::is_ascii_digit)) {
        last.count = None;
        last.label = false;
    }
}

fn at_least(token: Option<&mut Token>) {
    if let Some(token) = token
        && let Some(n) = token.count.and_then(Count::min)
    {
        token.count = Some(Count::at_least(n));
    }
}

/// The byte after a run without white space.
fn opaque(text: &str, from: usize) -> usize {
    text[from..].find(|c: char| !(is_wide_word(c) || matches!(c, '_' | '.' | '-'))).map_or(text.len(), |n| from + n)
}

/// Whether a full stop at byte `at` ends a sentence, or belongs to "a.m.", "St.", "9.15", "law.example".
fn full_stop(text: &str, at: usize, last: Option<&Token>, lexicon: &Lexicon) -> Break {
    let rest = &text[at + 1..];
    let Some(next) = rest.chars().next() else { return Break::Sentence };
    if next == '.' {
        return Break::Sentence;
    }
    if next.is_alphanumeric() {
        return Break::None;
    }
    let Some(last) = last.filter(|t| t.end as usize == at) else { return Break::Sentence };
    let after = rest.trim_start_matches([' ', '"']).chars().next();
    let single = last.end - last.start == 1 && !text.as_bytes()[last.start as usize].is_ascii_digit();
    if lexicon.is_title(last.word) && !matches!(after, Some('\n') | None) {
        return Break::None;
    }
    // "fiscal T. Hargrove": an initial, where the next word is a name, one that no rule knows.
    if single && text[last.start as usize..].starts_with(char::is_uppercase) && unknown_name(rest, lexicon) {
        return Break::None;
    }
    if (single || lexicon.is_abbreviation(last.word))
        && after.is_some_and(|c| c.is_lowercase() || c.is_ascii_digit() || c == ',')
    {
        return Break::None;
    }
    Break::Sentence
}

/// Whether `rest` goes on, behind one blank, with a word of three letters or more that has a capital and that no rule
/// knows.
fn unknown_name(rest: &str, lexicon: &Lexicon) -> bool {
    let Some(name) = rest.strip_prefix(' ').filter(|name| name.starts_with(char::is_uppercase)) else { return false };
    let mut folded = Vec::with_capacity(LONGEST_WORD);
    cut(name, 0, &mut folded);
    folded.len() > 2 && (folded.len() > LONGEST_WORD || lexicon.find(&folded) == WordId::UNKNOWN)
}

/// Finds the labels of a SALUTE text and tells each token its field. A label starts a sentence.
///
/// A label is a word such as "Size" or a letter such as "S" with a colon or a dash behind it, a letter only where
/// three labels stand in the text; or, without a sign, one of at least [`LOOSE`] different ones that each start a
/// sentence, or a clause with a capital letter: "S 3, A knocked, L Austin, U vests".
fn labels(tokens: &mut [Token], lexicon: &Lexicon) {
    let letter = |t: &Token| t.end - t.start == 1;
    let mut signed = 0;
    let mut loose: u8 = 0;
    for token in tokens.iter() {
        let Some(field) = lexicon.label(token.word) else { continue };
        signed += u32::from(token.label);
        loose |= u8::from(starts_loosely(token)) << field as u8;
    }
    let loosely = loose.count_ones() >= LOOSE;
    if signed == 0 && !loosely {
        return;
    }
    let mut field = Field::None;
    let mut shift = 0;
    for i in 0..tokens.len() {
        tokens[i].sentence += shift;
        // "Size/tamaño:" is one label.
        let doubled = tokens
            .get(i + 1)
            .is_some_and(|n| n.label && n.glued && lexicon.label(n.word) == lexicon.label(tokens[i].word));
        let labelled = ((tokens[i].label || doubled) && (!letter(&tokens[i]) || signed >= 3))
            || (loosely && starts_loosely(&tokens[i]));
        if let Some(found) = lexicon.label(tokens[i].word).filter(|_| labelled) {
            field = found;
            if tokens[i].before != Break::Sentence {
                tokens[i].before = Break::Sentence;
                tokens[i].sentence += 1;
                shift += 1;
            }
        }
        tokens[i].field = field;
    }
}

/// So many different labels without a sign make a SALUTE text.
const LOOSE: u32 = 4;

/// Starts a sentence, or is a capital letter that starts a clause.
fn starts_loosely(token: &Token) -> bool {
    token.capital
        && (token.before == Break::Sentence || (token.before == Break::Clause && token.end - token.start == 1))
}
