//! A second reader of what is about to be stored, written apart from the rules: it uses none of their data or code.
//!
//! What always holds: it never fires on our own marks, on dates, times, counts, ZIPs, routes or the names of forms; what it
//! finds is residue of something that must not be stored, and the worker rejects the report rather than store it. It looks
//! at the raw characters, one pass for each kind of residue, and prefers the plain test to the clever one.

use schemas::redaction::Class;

/// The first residue of private text in a text that is about to be stored: its class, and what gave it away.
#[must_use]
pub fn second_look(text_to_be_stored: &str) -> Option<(Class, &'static str)> {
    let text = without_marks(&text_to_be_stored.to_lowercase());
    mail_or_handle(&text)
        .or_else(|| link(&text))
        .or_else(|| coordinates(&text))
        .or_else(|| birth_date(&text))
        .or_else(|| announced(&text))
        .or_else(|| long_number(&text))
        .or_else(|| spelled_number(&text))
}

/// The text with each of our marks put to a character that nothing here reads.
fn without_marks(text: &str) -> Vec<char> {
    let mut text = text.to_owned();
    for class in Class::ALL {
        text = text.replace(&class.mark().to_lowercase(), "\u{1}");
    }
    text.chars().collect()
}

/// `@` with a name on its right.
fn mail_or_handle(text: &[char]) -> Option<(Class, &'static str)> {
    for at in (0..text.len()).filter(|&at| text[at] == '@') {
        let name =
            text[at + 1..].iter().take_while(|c| c.is_alphanumeric() || **c == '_' || **c == '.').collect::<String>();
        // "@ 7am", "@7:30" is a time.
        if name.chars().filter(|c| c.is_alphabetic()).count() >= 3 {
            let local = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
            return Some(if local { (Class::Email, "second.mail") } else { (Class::Handle, "second.handle") });
        }
    }
    None
}

/// An address on the web.
fn link(text: &[char]) -> Option<(Class, &'static str)> {
    const GIVEN_AWAY: [&str; 7] = ["http://", "https://", "www.", ".com/", ".org/", ".gl/", ".ly/"];
    let text: String = text.iter().collect();
    GIVEN_AWAY.iter().any(|sign| text.contains(sign)).then_some((Class::Url, "second.link"))
}

/// Two numbers with three decimals or more, side by side.
fn coordinates(text: &[char]) -> Option<(Class, &'static str)> {
    let mut last_end = None;
    let mut at = 0;
    while at < text.len() {
        let whole = digits(&text[at..]);
        let decimals = if text.get(at + whole) == Some(&'.') { digits(&text[at + whole + 1..]) } else { 0 };
        if (1..=3).contains(&whole) && decimals >= 3 && (at == 0 || !text[at - 1].is_alphanumeric()) {
            if last_end.is_some_and(|end| at - end <= 8) {
                return Some((Class::Coordinates, "second.pair"));
            }
            last_end = Some(at + whole + 1 + decimals);
        }
        at += whole.max(1);
    }
    None
}

/// A date right behind a word for birth.
fn birth_date(text: &[char]) -> Option<(Class, &'static str)> {
    const WORDS: [&str; 7] = ["dob", "d.o.b", "date of birth", "born on", "nacimiento", "nació el", "nacio el"];
    behind(text, &WORDS, 14, |digits, signs| digits >= 4 && signs.contains(['/', '-', '.']))
        .then_some((Class::BirthDate, "second.birth"))
}

/// A number right behind "plate", "badge" or "alien number".
fn announced(text: &[char]) -> Option<(Class, &'static str)> {
    if behind(text, &["plate #", "plate number", "plates:", "plate:", "placas:"], 12, |digits, _| digits >= 2) {
        return Some((Class::Plate, "second.plate"));
    }
    if behind(text, &["badge #", "badge no", "badge number", "shield #"], 10, |digits, _| digits >= 2) {
        return Some((Class::Badge, "second.badge"));
    }
    behind(text, &["alien number", "a-number", "ssn", "passport"], 18, |digits, _| digits >= 5)
        .then_some((Class::IdNumber, "second.id"))
}

/// Whether within `reach` characters behind one of `words` stand digits as `fits` wants them; a mark ends the look.
fn behind(text: &[char], words: &[&str], reach: usize, fits: impl Fn(usize, &str) -> bool) -> bool {
    words.iter().any(|word| {
        let word: Vec<char> = word.chars().collect();
        text.windows(word.len()).enumerate().filter(|(_, window)| *window == word).any(|(at, _)| {
            let open = at == 0 || !text[at - 1].is_alphanumeric();
            let rest: String =
                text[at + word.len()..].iter().take(reach).take_while(|c| !matches!(**c, '\u{1}' | '\n')).collect();
            open && fits(rest.chars().filter(char::is_ascii_digit).count(), &rest)
        })
    })
}

/// Seven digits or more with nothing but what people put into numbers between them.
fn long_number(text: &[char]) -> Option<(Class, &'static str)> {
    let mut at = 0;
    while at < text.len() {
        if !text[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let groups = groups(&text[at..]);
        let end = at + groups.last().map_or(1, |group| group.end);
        let sizes: Vec<usize> = groups.iter().map(|group| group.end - group.start).collect();
        let total: usize = sizes.iter().sum();
        let marks: String = text[at..end].iter().filter(|c| !c.is_ascii_digit()).collect();
        let day_month_year = matches!(sizes[..], [1..=2, 1..=2, 2 | 4, ..] | [4, 1..=2, 1..=2, ..]);
        let dated = day_month_year && (marks.starts_with("--") || marks.starts_with("//") || marks.starts_with(".."));
        let zip = sizes.first() == Some(&5) && sizes.len() == 2 && sizes[1] <= 4;
        let years = sizes == [4, 4] && marks != " ";
        let money = at > 0 && text[at - 1] == '$';
        if total >= 7 && sizes.iter().any(|&n| n >= 3) && !(dated || zip || years || money) {
            return Some(if total >= 10 {
                (Class::Phone, "second.digits")
            } else {
                (Class::IdNumber, "second.digits")
            });
        }
        at = end;
    }
    None
}

/// The runs of digits of one number: one separator between, or a closing bracket and a space.
fn groups(text: &[char]) -> Vec<std::ops::Range<usize>> {
    let mut groups = Vec::new();
    let mut at = 0;
    loop {
        let run = digits(&text[at..]);
        if run == 0 {
            return groups;
        }
        groups.push(at..at + run);
        at += run;
        let gap =
            text[at..].iter().take_while(|c| matches!(**c, ' ' | '-' | '.' | ')' | '(' | '/' | '–' | '\u{a0}')).count();
        if !(1..=2).contains(&gap) || text[at..at + gap].starts_with(&['.', ' ']) {
            return groups;
        }
        at += gap;
    }
}

/// Seven words for digits in a row.
fn spelled_number(text: &[char]) -> Option<(Class, &'static str)> {
    const DIGITS: [&str; 21] = [
        "zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "cero", "uno", "dos",
        "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve",
    ];
    let text: String = text.iter().collect();
    let mut row = 0;
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '\u{1}').filter(|word| !word.is_empty()) {
        row = if DIGITS.contains(&word) { row + 1 } else { 0 };
        if row >= 7 {
            return Some((Class::Phone, "second.words"));
        }
    }
    None
}

fn digits(text: &[char]) -> usize {
    text.iter().take_while(|c| c.is_ascii_digit()).count()
}
