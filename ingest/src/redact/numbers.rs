//! Telephone numbers and other long numbers in any writing: digits, words in English and Spanish, both, O for zero.
//!
//! What always holds: seven digits or more in a row, however they are set, do not stay, unless they are a date, a span of
//! years, money or a ZIP with its four.

use schemas::redaction::Class;

use super::Span;
use super::fold::Folded;
use super::lexicon::{HUNDREDS, JOINER, NUMBER, ONES, REPEAT, TEENS, TENS};
use super::tokens::{
    BRACKET, COLON, COMMA, HYPHEN, Kind, LINE, MONEY, OTHER, PLUS, QUOTE, SLASH, SPACE, STOP, Shape, Token,
};

/// The fewest digits of a telephone number.
const FEWEST: usize = 7;
/// The most; longer ones are cards and the like.
const MOST: usize = 15;

/// Finds and hides long numbers.
pub fn find(folded: &mut Folded, tokens: &[Token], out: &mut Vec<Span>) {
    let mut at = 0;
    while at < tokens.len() {
        if !starts(tokens, at, &folded.bytes) {
            at += 1;
            continue;
        }
        if let Some(after) = date(tokens, &folded.bytes, at) {
            at = after;
            continue;
        }
        let (mut end, digits) = run(tokens, &folded.bytes, at);
        if digits >= FEWEST && tokens[at].gap & MONEY == 0 && !is_public(tokens, &folded.bytes, at, end) {
            let (mut start, mut stop) = (tokens[at].start, tokens[end - 1].end);
            while start > 0 && matches!(folded.bytes[start - 1], b'+' | b'(') {
                start -= 1;
            }
            end += extension(tokens, &folded.bytes, end);
            stop = stop.max(tokens[end - 1].end);
            let (class, rule) = match digits {
                8..=9 if is_alien(tokens, &folded.bytes, at, digits) => (Class::IdNumber, "id_number.digits"),
                ..=MOST => (Class::Phone, "phone.digits"),
                _ => (Class::IdNumber, "id_number.long"),
            };
            let (start, end) = folded.take(start, stop);
            out.push(Span { start, end, class, rule });
        }
        at = end;
    }
}

fn starts(tokens: &[Token], at: usize, bytes: &[u8]) -> bool {
    let token = &tokens[at];
    token.kind == Kind::Number || token.is(NUMBER | REPEAT) && token.kind == Kind::Word || is_smudged(token, bytes)
}

/// Digits typed with letters that look like them: `O1O6`, `555o142`.
fn is_smudged(token: &Token, bytes: &[u8]) -> bool {
    token.kind == Kind::Mixed
        && bytes[token.start..token.end].iter().all(|b| matches!(b, b'0'..=b'9' | b'o' | b'l' | b'i'))
}

/// The token behind a date that starts here: 3/25/2026, 2026-05-30, 30.5.26.
fn date(tokens: &[Token], bytes: &[u8], at: usize) -> Option<usize> {
    let [a, b, c] = tokens.get(at..at + 3)? else { return None };
    let plain = [a, b, c].iter().all(|t| t.kind == Kind::Number);
    let joined =
        (b.gap == SLASH && c.gap == SLASH) || (b.gap == HYPHEN && c.gap == HYPHEN) || (b.gap == STOP && c.gap == STOP);
    if !plain || !joined {
        return None;
    }
    // Only digits from here on.
    let value = |t: &Token| {
        bytes[t.start..t.end].iter().fold(0_u32, |n, b| n.saturating_mul(10).saturating_add(u32::from(b - b'0')))
    };
    let day_month = |x: &Token, y: &Token| {
        x.len() <= 2 && y.len() <= 2 && (1..=31).contains(&value(x)) && (1..=31).contains(&value(y))
    };
    let year = |t: &Token| t.len() == 2 || (t.len() == 4 && (1900..2100).contains(&value(t)));
    let shaped = (day_month(a, b) && year(c)) || (a.len() == 4 && year(a) && day_month(b, c));
    shaped.then_some(at + 3)
}

/// Where the number that starts at `at` ends, and how many digits it has.
fn run(tokens: &[Token], bytes: &[u8], at: usize) -> (usize, usize) {
    let mut digits = 0;
    let mut end = at;
    let mut next = at;
    // Digits that the last word stands for when no smaller word follows it: "cincuenta" is 50, "cincuenta y cinco" 55.
    let mut open = 0;
    while let Some(token) = tokens.get(next) {
        if next > at && !joins(tokens, next) {
            break;
        }
        if next > at && date(tokens, bytes, next).is_some() {
            break;
        }
        // A whole number in words or with words stands: the next word counts agents.
        let whole = if matches!(&bytes[tokens[at].start..tokens[at].end], b"1" | b"one" | b"uno") { 11 } else { 10 };
        if token.kind == Kind::Word && open == 0 && digits >= whole {
            break;
        }
        if token.kind == Kind::Number || is_smudged(token, bytes) {
            digits += open + token.len();
            open = 0;
        } else if token.kind != Kind::Word {
            break;
        } else if token.is(REPEAT) {
            // "double five": the word stands for one digit more, "triple" for two.
            digits += 1 + usize::from(bytes[token.start] == b't');
        } else if token.is(ONES) {
            digits += open.max(1);
            open = 0;
        } else if token.is(TEENS) {
            digits += 2;
            open = 0;
        } else if token.is(TENS) {
            digits += open.min(1) + 1;
            open = 1;
        } else if token.is(HUNDREDS) {
            digits += open + 1;
            open = 2;
        } else if !token.is(JOINER) {
            break;
        } else {
            // A joiner counts only when a number follows it, "y" only within one: "cincuenta y cinco".
            let and = matches!(&bytes[token.start..token.end], b"y" | b"and");
            next += 1;
            if and && open == 0 || !tokens.get(next).is_some_and(|_| starts(tokens, next, bytes)) {
                break;
            }
            continue;
        }
        next += 1;
        end = next;
    }
    (end.max(at + 1), digits + open)
}

/// A number may go on over the gap before `tokens[at]`.
fn joins(tokens: &[Token], at: usize) -> bool {
    let gap = tokens[at].gap;
    if gap & (LINE | COLON | QUOTE | OTHER | MONEY) != 0 {
        return false;
    }
    let (before, token) = (&tokens[at - 1], &tokens[at]);
    let short = |t: &Token| t.kind == Kind::Word || t.len() == 1;
    if gap & COMMA != 0 {
        // "510, 5-5-5": an area code is read out as one.
        return gap & SPACE != 0 && (short(before) || before.len() == 3) && short(token);
    }
    if gap & STOP != 0 && gap & SPACE != 0 {
        // "... at 8. 3 agents" is two numbers; "503. 555. 0123" is one.
        return before.kind == Kind::Number && token.kind == Kind::Number && before.len() >= 3 && token.len() >= 3;
    }
    if gap & (BRACKET | PLUS) != 0 {
        return before.kind == Kind::Number && (token.kind == Kind::Number || token.is(NUMBER));
    }
    true
}

/// An alien number: "A" stands before it, or its nine digits begin like those of one.
fn is_alien(tokens: &[Token], bytes: &[u8], at: usize, digits: usize) -> bool {
    let letter = |t: &Token| t.len() == 1 && bytes[t.start] == b'a' && t.shape != Shape::Lower;
    let said = tokens[at.saturating_sub(3)..at].iter().any(letter);
    said || digits == 9 && matches!(bytes[tokens[at].start], b'0'..=b'2')
}

/// Long, and nobody's: years, ZIP and four, a date and a number.
fn is_public(tokens: &[Token], bytes: &[u8], at: usize, end: usize) -> bool {
    let [a, b] = &tokens[at..end] else { return false };
    let year = |t: &Token| t.len() == 4 && matches!(&bytes[t.start..t.start + 2], b"19" | b"20");
    let count = a.kind == Kind::Number && b.kind == Kind::Number && a.len() >= 5 && b.len() <= 2 && b.gap == SPACE;
    count && a.len() == 5
        || (b.gap & (HYPHEN | SLASH) != 0 && year(a) && year(b))
        || (a.len() == 5 && b.len() == 4 && b.gap == HYPHEN)
}

/// How many tokens behind a number are its extension: "ext. 12", "x 204", "x204".
fn extension(tokens: &[Token], bytes: &[u8], end: usize) -> usize {
    let Some(cue) = tokens.get(end) else { return 0 };
    let word = &bytes[cue.start..cue.end];
    if matches!(word, b"ext" | b"extension" | b"x" | b"anexo") {
        let number = tokens.get(end + 1).is_some_and(|n| n.kind == Kind::Number && n.gap & LINE == 0);
        return if number { 2 } else { 0 };
    }
    usize::from(cue.kind == Kind::Mixed && (word.starts_with(b"ext") || word.starts_with(b"x")))
}
