//! A second reader of what is about to be stored, written apart from the rules: it uses none of their data or code.
//!
//! What always holds: it never fires on our own marks, on dates, times, counts, ZIPs, routes or the names of forms; what it
//! finds is residue of something that must not be stored, and the worker rejects the report rather than store it. It looks
//! at the raw bytes, once, from left to right, and prefers the plain test to the clever one. Nothing is allocated.

use schemas::redaction::Class;

type Residue = Option<(Class, &'static str)>;

/// The first residue of private text in a text that is about to be stored: its class, and what gave it away.
#[must_use]
pub fn second_look(text_to_be_stored: &str) -> Option<(Class, &'static str)> {
    let text = text_to_be_stored.as_bytes();
    // Where the last coordinate-like number ended, and how many words for digits stand in a row.
    let mut last_decimal = None;
    let mut row = 0;
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        let (found, step) = match byte {
            b'[' => {
                let mark = mark(&text[at..]);
                // Our mark ends a row of words; another bracket does not.
                row = if mark > 1 { 0 } else { row };
                (None, mark)
            }
            b'@' => (mail_or_handle(text, at), 1),
            b':' => (link(starts(&text[at..], "://") && at >= 4 && ends(&text[..at], &["http", "https"])), 1),
            b'.' => (link([".com/", ".org/", ".gl/", ".ly/"].iter().any(|end| starts(&text[at..], end))), 1),
            b'0'..=b'9' => {
                let opens = opens(text_to_be_stored, at);
                if opens {
                    row = 0;
                }
                let run = digits(&text[at..]);
                let pair = coordinates(text, at, run, &mut last_decimal).filter(|_| opens);
                // A long number is read from the start of its first run of digits, whatever letters stand before.
                (pair.or_else(|| long_number(text, at)), run.max(1))
            }
            _ if in_word(byte) => {
                let letters = text[at..].iter().take_while(|b| is_letter(**b)).count();
                let found = if opens(text_to_be_stored, at) {
                    let whole = text.get(at + letters).is_none_or(|b| !b.is_ascii_digit());
                    row = if whole && is_digit_word(&text[at..at + letters]) { row + 1 } else { 0 };
                    let spelled = (row >= 7).then_some((Class::Phone, "second.words"));
                    spelled.or_else(|| announced(text, at))
                } else {
                    None
                };
                (found, letters)
            }
            _ => (None, 1),
        };
        if found.is_some() {
            return found;
        }
        at += step;
    }
    None
}

/// Whether no word goes on at `at`.
fn opens(text: &str, at: usize) -> bool {
    match text.as_bytes()[..at].last() {
        None => true,
        Some(&byte) if byte.is_ascii() => !byte.is_ascii_alphanumeric(),
        Some(_) => text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(|c| !c.is_alphanumeric()),
    }
}

/// Letters, digits, and whatever is not ASCII.
fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// What [`in_word`] takes, save digits: a table, since every byte is asked.
fn is_letter(byte: u8) -> bool {
    const LETTERS: [bool; 256] = {
        let mut letters = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            letters[byte] = byte >= 0x80 || (byte as u8).is_ascii_alphabetic();
            byte += 1;
        }
        letters
    };
    LETTERS[usize::from(byte)]
}

/// How long the mark at the head of `text` is; 1 when there is none.
fn mark(text: &[u8]) -> usize {
    Class::ALL.iter().map(|class| class.mark()).find(|mark| text.starts_with(mark.as_bytes())).map_or(1, str::len)
}

/// Whether `text` starts with `lower`, whatever its case.
fn starts(text: &[u8], lower: &str) -> bool {
    text.get(..lower.len()).is_some_and(|head| head.eq_ignore_ascii_case(lower.as_bytes()))
}

fn ends(text: &[u8], lower: &[&str]) -> bool {
    lower.iter().any(|end| text.len() >= end.len() && starts(&text[text.len() - end.len()..], end))
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

fn link(found: bool) -> Residue {
    found.then_some((Class::Url, "second.link"))
}

/// `@` with a name on its right.
fn mail_or_handle(text: &[u8], at: usize) -> Residue {
    let name = text[at + 1..].iter().take_while(|b| in_word(**b) || matches!(b, b'_' | b'.'));
    // "@ 7am", "@7:30" is a time.
    if name.filter(|b| b.is_ascii_alphabetic() || **b >= 0x80).count() < 3 {
        return None;
    }
    let local = at > 0 && (in_word(text[at - 1]) || text[at - 1] == b'_');
    Some(if local { (Class::Email, "second.mail") } else { (Class::Handle, "second.handle") })
}

/// Two numbers with three decimals or more, side by side. The run of `whole` digits starts at `at`.
fn coordinates(text: &[u8], at: usize, whole: usize, last_end: &mut Option<usize>) -> Residue {
    let decimals = if text.get(at + whole) == Some(&b'.') { digits(&text[at + whole + 1..]) } else { 0 };
    if !(1..=3).contains(&whole) || decimals < 3 {
        return None;
    }
    let beside = last_end.is_some_and(|end| at - end <= 8);
    *last_end = Some(at + whole + 1 + decimals);
    beside.then_some((Class::Coordinates, "second.pair"))
}

/// A number right behind a word that says whose: birth, plate, badge, alien number. The word starts at `at`.
fn announced(text: &[u8], at: usize) -> Residue {
    // Nothing is announced by a word that begins in another way.
    let (words, reach, found): (&[&str], usize, (Class, &'static str)) = match text[at].to_ascii_lowercase() {
        b'd' => (&["dob", "d.o.b", "date of birth"], 14, (Class::BirthDate, "second.birth")),
        b'n' => (&["nacimiento", "nació el", "nacio el", "naciÓ el"], 14, (Class::BirthDate, "second.birth")),
        b'b' if starts(&text[at..], "born") => (&["born on"], 14, (Class::BirthDate, "second.birth")),
        b'b' => (&["badge #", "badge no", "badge number"], 10, (Class::Badge, "second.badge")),
        b'p' if starts(&text[at..], "pla") => {
            (&["plate #", "plate number", "plates:", "plate:", "placas:"], 12, (Class::Plate, "second.plate"))
        }
        b'p' => (&["passport"], 18, (Class::IdNumber, "second.id")),
        b's' if starts(&text[at..], "sh") => (&["shield #"], 10, (Class::Badge, "second.badge")),
        b's' => (&["ssn"], 18, (Class::IdNumber, "second.id")),
        b'a' => (&["alien number", "a-number"], 18, (Class::IdNumber, "second.id")),
        b'w' => return link(starts(&text[at..], "www.")),
        _ => return None,
    };
    let word = words.iter().find(|word| starts(&text[at..], word))?;
    let behind = text[at + word.len()..].iter().take(reach).take_while(|b| !matches!(b, b'[' | b'\n'));
    let (mut count, mut signs) = (0, false);
    for byte in behind {
        count += usize::from(byte.is_ascii_digit());
        signs |= matches!(byte, b'/' | b'-' | b'.');
    }
    let fits = match found.0 {
        Class::BirthDate => count >= 4 && signs,
        Class::IdNumber => count >= 5,
        _ => count >= 2,
    };
    fits.then_some(found)
}

/// Seven digits or more with nothing but what people put into numbers between them, from the run that starts at `at`.
fn long_number(text: &[u8], at: usize) -> Residue {
    // Only the first run of a number is asked: the later ones were read with it.
    if at > 0 && text[..at].iter().rev().take(3).any(u8::is_ascii_digit) && continues(text, at) {
        return None;
    }
    let mut sizes = [0_usize; 8];
    let (mut runs, mut total, mut end) = (0, 0, at);
    let mut first_gap: &[u8] = &[];
    let mut same_marks = true;
    loop {
        let run = digits(&text[end..]);
        if run == 0 {
            break;
        }
        if let Some(size) = sizes.get_mut(runs) {
            *size = run;
        }
        (runs, total, end) = (runs + 1, total + run, end + run);
        let gap = gap(&text[end..]);
        if gap == 0 || digits(&text[end + gap..]) == 0 {
            break;
        }
        match runs {
            1 => first_gap = &text[end..end + gap],
            2 => same_marks = text[end..end + gap] == *first_gap,
            _ => {}
        }
        end += gap;
    }
    let day_month_year = matches!(sizes[..3], [1..=2, 1..=2, 2 | 4] | [4, 1..=2, 1..=2]);
    let dated = day_month_year && runs >= 3 && same_marks && matches!(first_gap, b"-" | b"/" | b".");
    let zip = runs == 2 && sizes[0] == 5 && sizes[1] <= 4;
    let years = runs == 2 && sizes[..2] == [4, 4] && first_gap != b" ";
    let money = at > 0 && text[at - 1] == b'$';
    let long = total >= 7 && sizes.iter().any(|&n| n >= 3) && !(dated || zip || years || money);
    let class = if total >= 10 { Class::Phone } else { Class::IdNumber };
    long.then_some((class, "second.digits"))
}

/// How many bytes of separator stand at the head of `text`, as people set them within a number: one or two signs.
fn gap(text: &[u8]) -> usize {
    let mut at = 0;
    let mut signs = 0;
    loop {
        at += match text.get(at..) {
            Some([b' ' | b'-' | b'.' | b')' | b'(' | b'/', ..]) => 1,
            Some([0xc2, 0xa0, ..]) => 2,
            Some([0xe2, 0x80, 0x93, ..]) => 3,
            _ => break,
        };
        signs += 1;
    }
    if (1..=2).contains(&signs) && !text.starts_with(b". ") { at } else { 0 }
}

/// Whether the run at `at` goes on a number that was read already.
fn continues(text: &[u8], at: usize) -> bool {
    let before = text[..at].iter().rposition(u8::is_ascii_digit).map_or(0, |digit| digit + 1);
    gap(&text[before..]) == at - before
}

/// One of the words for a digit, English or Spanish. They have six letters at most: a word is compared as one number.
fn is_digit_word(word: &[u8]) -> bool {
    const fn key(word: &[u8]) -> u64 {
        let (mut key, mut at) = (0, 0);
        while at < word.len() {
            key = key << 8 | word[at].to_ascii_lowercase() as u64;
            at += 1;
        }
        key
    }
    const DIGITS: [u64; 21] = [
        key(b"zero"),
        key(b"oh"),
        key(b"one"),
        key(b"two"),
        key(b"three"),
        key(b"four"),
        key(b"five"),
        key(b"six"),
        key(b"seven"),
        key(b"eight"),
        key(b"nine"),
        key(b"cero"),
        key(b"uno"),
        key(b"dos"),
        key(b"tres"),
        key(b"cuatro"),
        key(b"cinco"),
        key(b"seis"),
        key(b"siete"),
        key(b"ocho"),
        key(b"nueve"),
    ];
    // Most words begin with another letter.
    let begins = |byte: u8| matches!(byte | 0x20, b'z' | b'o' | b't' | b'f' | b's' | b'e' | b'n' | b'c' | b'u' | b'd');
    (2..=6).contains(&word.len()) && begins(word[0]) && DIGITS.contains(&key(word))
}
