//! Text to tokens: lower case, without accents, apostrophes or punctuation, with the common abbreviations of place
//! names written one way.
//!
//! What always holds: tokens stand in one buffer with single spaces between them, so that any run of tokens is one
//! slice of it and can be looked up as it is; each token knows the bytes of the original text that it came from; the
//! buffers are reused, so that folding allocates nothing once they have grown. Folding a folded text changes nothing.
//! `scripts/gazetteer/keys.py` folds the names of the gazetteer in the same way.

use unicode_normalization::char::decompose_canonical;

/// What stands between a token and the one before it; the strongest sign wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// Nothing: letters and digits that touch ("oregon192").
    None,
    /// Only spaces.
    Space,
    /// A hyphen, a slash or another sign that joins words.
    Joint,
    /// A comma.
    Comma,
    /// A sign that ends a thought: full stop, semicolon, colon, question mark.
    Stop,
    /// A bracket.
    Bracket,
    /// A line break, or the start of the text.
    Break,
}

/// One word or number of the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// Where it stands in the folded text.
    pub start: u32,
    pub end: u32,
    /// Where it came from in the original text.
    pub from: u32,
    pub to: u32,
    /// What stands before it.
    pub gap: Gap,
    /// The last sign before it, such as `$` or `#`; 0 when only spaces stand there.
    pub sign: u8,
    /// Its first letter is a capital.
    pub capital: bool,
    /// All its letters are capitals.
    pub shouted: bool,
    /// It is a number.
    pub number: bool,
}

/// The tokens of one text. Reused from text to text.
#[derive(Default)]
pub(super) struct Folded {
    text: String,
    tokens: Vec<Token>,
    /// Whether a letter in lower case was seen: then capitals say something.
    mixed: bool,
    /// What stands after the last token.
    end_gap: Option<Gap>,
}

/// Abbreviations and spellings written one way.
const CANON: [(&str, &str); 23] = [
    ("bch", "beach"),
    ("centre", "center"),
    ("cnty", "county"),
    ("ctr", "center"),
    ("fort", "ft"),
    ("harbour", "harbor"),
    ("hbr", "harbor"),
    ("hgts", "heights"),
    ("hts", "heights"),
    ("hwy", "highway"),
    ("isl", "island"),
    ("jct", "junction"),
    ("mount", "mt"),
    ("mtn", "mountain"),
    ("pk", "park"),
    ("saint", "st"),
    ("sainte", "ste"),
    ("spg", "spring"),
    ("spgs", "springs"),
    ("twp", "township"),
    ("vlg", "village"),
    ("vly", "valley"),
    ("xing", "crossing"),
];

impl Folded {
    /// Folds `text` into the buffers, which forget what they held.
    pub fn read(&mut self, text: &str) {
        self.text.clear();
        self.tokens.clear();
        self.mixed = false;
        let mut gap = Gap::Break;
        let mut sign = 0_u8;
        let mut open: Option<Token> = None;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c.is_ascii_alphanumeric() {
                let digit = c.is_ascii_digit();
                if open.is_some_and(|token| token.number != digit) {
                    self.close(&mut open, at);
                    gap = Gap::None;
                    sign = 0;
                }
                self.push(
                    &mut open,
                    at,
                    gap,
                    sign,
                    digit,
                    c.to_ascii_lowercase(),
                    c.is_ascii_uppercase(),
                    c.is_ascii_lowercase(),
                );
                continue;
            }
            if !c.is_ascii() {
                // Letters lose their accents; a combining mark that stands alone is part of the word.
                let mut letter = None;
                let mut mark = false;
                decompose_canonical(c, |part| {
                    if part.is_ascii_alphabetic() {
                        letter.get_or_insert(part);
                    } else if ('\u{300}'..='\u{36f}').contains(&part) {
                        mark = true;
                    }
                });
                if let Some(letter) = letter {
                    if open.is_some_and(|token| token.number) {
                        self.close(&mut open, at);
                        gap = Gap::None;
                        sign = 0;
                    }
                    self.push(
                        &mut open,
                        at,
                        gap,
                        sign,
                        false,
                        letter.to_ascii_lowercase(),
                        c.is_uppercase(),
                        c.is_lowercase(),
                    );
                    continue;
                }
                if mark {
                    continue;
                }
            }
            if matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '`' | '\u{2bb}' | '\u{b4}') {
                // "Gray's" is one word; so is "d' Alene", where the space is a slip.
                if open.is_some_and(|token| self.text.len() as u32 - token.start == 1 && !token.number) {
                    while chars.next_if(|&(_, next)| next == ' ').is_some() {}
                }
                if open.is_some() && chars.peek().is_some_and(|&(_, next)| next.is_alphanumeric()) {
                    continue;
                }
            } else if c == '.'
                && open
                    .is_some_and(|token| self.text.len() as u32 - token.start == self.initials(&token) && !token.number)
            {
                // "D.C." is one word: a full stop between single letters joins them.
                let mut ahead = text[at + 1..].chars();
                let (next, after) = (ahead.next(), ahead.next());
                if next.is_some_and(|n| n.is_ascii_alphabetic()) && !after.is_some_and(char::is_alphanumeric) {
                    continue;
                }
            }
            if open.is_some() {
                self.close(&mut open, at);
                gap = Gap::None;
                sign = 0;
            }
            let seen = match c {
                '\n' | '\r' => Gap::Break,
                ' ' | '\t' => Gap::Space,
                ',' => Gap::Comma,
                '.' | ';' | ':' | '?' | '!' | '|' => Gap::Stop,
                '(' | ')' | '[' | ']' => Gap::Bracket,
                '&' => {
                    self.push(&mut open, at, gap.max(Gap::Space), sign, false, 'a', false, false);
                    self.text.push_str("nd");
                    self.close(&mut open, at + 1);
                    gap = Gap::Space;
                    sign = 0;
                    continue;
                }
                c if c.is_whitespace() => Gap::Space,
                _ => Gap::Joint,
            };
            gap = gap.max(seen);
            if !c.is_whitespace() {
                sign = if c.is_ascii() { c as u8 } else { b'?' };
            }
        }
        if open.is_some() {
            self.close(&mut open, text.len());
            gap = Gap::Break;
        }
        self.end_gap = Some(gap.max(Gap::Stop));
    }

    /// How many letters of the open token came from single initials: all of it while every letter was followed by a
    /// full stop.
    fn initials(&self, token: &Token) -> u32 {
        let letters = self.text.len() as u32 - token.start;
        // n letters with a full stop after each but the last span 2n - 1 bytes.
        if letters <= 4 && token.to == token.from + 2 * letters - 1 { letters } else { u32::MAX }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call for each kind of character; a struct would only rename the arguments"
    )]
    fn push(
        &mut self,
        open: &mut Option<Token>,
        at: usize,
        gap: Gap,
        sign: u8,
        number: bool,
        letter: char,
        upper: bool,
        lower: bool,
    ) {
        let token = open.get_or_insert_with(|| {
            if !self.text.is_empty() {
                self.text.push(' ');
            }
            let start = self.text.len() as u32;
            Token {
                start,
                end: start,
                from: at as u32,
                to: at as u32,
                gap,
                sign,
                capital: upper,
                shouted: true,
                number,
            }
        });
        self.text.push(letter);
        token.to = at as u32 + 1;
        token.shouted &= !lower;
        self.mixed |= lower;
    }

    fn close(&mut self, open: &mut Option<Token>, at: usize) {
        let Some(mut token) = open.take() else { return };
        let start = token.start as usize;
        let word = &self.text[start..];
        if let Ok(found) = CANON.binary_search_by_key(&word, |&(from, _)| from) {
            self.text.truncate(start);
            self.text.push_str(CANON[found].1);
        } else if word.len() >= 8 && word.ends_with("borough") {
            self.text.truncate(self.text.len() - 3); // "boro"
        } else if word.len() >= 7 && word.ends_with("burgh") {
            self.text.truncate(self.text.len() - 1); // "burg"
        }
        token.end = self.text.len() as u32;
        token.to = at as u32;
        self.tokens.push(token);
    }

    /// The tokens, in order.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Whether the text has letters in lower case, so that a capital says something.
    pub fn mixed(&self) -> bool {
        self.mixed
    }

    /// The folded text of tokens `first..=last`, with single spaces.
    pub fn phrase(&self, first: usize, last: usize) -> &str {
        &self.text[self.tokens[first].start as usize..self.tokens[last].end as usize]
    }

    /// The folded text of a token, or "" past either end.
    pub fn word(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| &self.text[token.start as usize..token.end as usize])
    }

    /// What stands after token `index`.
    pub fn gap_after(&self, index: usize) -> Gap {
        self.tokens.get(index + 1).map_or(self.end_gap.unwrap_or(Gap::Break), |token| token.gap)
    }

    /// The folded text as a whole.
    #[cfg(test)]
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(text: &str) -> String {
        let mut folded = Folded::default();
        folded.read(text);
        folded.text().to_owned()
    }

    #[test]
    fn folds_spellings_to_one() {
        for (from, to) in [
            ("St. Louis", "st louis"),
            ("SAINT LOUIS", "st louis"),
            ("Mt. Vernon", "mt vernon"),
            ("Mount Vernon", "mt vernon"),
            ("COEUR D' ALENE", "coeur dalene"),
            ("Coeur d\u{2019}Alene", "coeur dalene"),
            ("GRAY'S HARBOR", "grays harbor"),
            ("Sedro-Woolley", "sedro woolley"),
            ("Washington, D.C.", "washington dc"),
            ("N.Y.", "ny"),
            ("OREGON192", "oregon 192"),
            ("Cañon City, México", "canon city mexico"),
            ("Can\u{303}on", "canon"),
            ("HILLSBOROUGH", "hillsboro"),
            ("Pittsburgh", "pittsburg"),
            ("Town & Country", "town and country"),
            ("A.nomás", "a nomas"),
            ("", ""),
            ("日本 🚗", ""),
        ] {
            assert_eq!(fold(from), to, "{from}");
            assert_eq!(fold(to), to);
        }
    }

    #[test]
    fn canon_is_sorted() {
        assert!(CANON.is_sorted_by_key(|&(from, _)| from));
    }

    #[test]
    fn tokens_know_their_place() {
        let text = "Yakima,W A (hoy) #12 México";
        let mut folded = Folded::default();
        folded.read(text);
        let words: Vec<&str> = folded.tokens().iter().map(|t| &text[t.from as usize..t.to as usize]).collect();
        assert_eq!(words, ["Yakima", "W", "A", "hoy", "12", "México"]);
        let gaps: Vec<Gap> = folded.tokens().iter().map(|t| t.gap).collect();
        assert_eq!(gaps, [Gap::Break, Gap::Comma, Gap::Space, Gap::Bracket, Gap::Bracket, Gap::Space]);
        assert_eq!(folded.tokens()[4].sign, b'#');
        assert!(folded.mixed());
    }
}
