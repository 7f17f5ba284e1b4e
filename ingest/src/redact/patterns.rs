//! The patterns of `rules.toml`: whatever has a shape, from e-mail to docket numbers.
//!
//! What always holds: either every rule compiles or none is used; a rule is tried only where one of its cues stands; what
//! one rule took is hidden from all after it, so that spans never overlap.

use std::collections::HashMap;

use regex::bytes::{Captures, Regex, RegexBuilder};
use serde::Deserialize;
use toml::Spanned;

use schemas::redaction::Class;

use super::fold::Folded;
use super::lexicon::{self, FREQUENT, JOINER, Lexicon, NEVER, NEVER_STREET, NUMBER, ORDINARY, PLACE, STREET_WORD};
use super::tokens::{BRACKET, COLON, COMMA, HYPHEN, Kind, LINE, SPACE, STOP, Token};
use super::words::{AT, COMPASS, ROAD};
use super::{RuleError, Span};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    parts: HashMap<String, Spanned<String>>,
    rule: Vec<Spanned<Entry>>,
}

/// A rule as written; `rules.toml` says what each key means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    class: Class,
    needs: Vec<String>,
    find: Spanned<String>,
    reject: Option<Spanned<String>>,
    #[serde(default)]
    starts: Starts,
    #[serde(default)]
    digits: usize,
    #[serde(default)]
    rare: bool,
    #[serde(default)]
    street: bool,
    #[serde(default)]
    capital: bool,
    #[serde(default)]
    mixed: bool,
}

/// Where a match of a rule starts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Starts {
    #[default]
    Anywhere,
    Cue,
    /// Where a token stands of which one of the facts in `needs` holds (see [`Facts`]).
    Fact,
}

#[derive(Debug)]
struct Rule {
    id: &'static str,
    class: Class,
    starts: Starts,
    find: Regex,
    /// The groups that say what goes: `x`, `y`.
    groups: Vec<usize>,
    streets: Vec<usize>,
    reject: Option<Regex>,
    digits: usize,
    rare: bool,
    capital: bool,
    mixed: bool,
}

/// Every rule, and what tells which of them can match at all.
#[derive(Debug)]
pub struct Patterns {
    rules: Vec<Rule>,
    cues: Cues,
    /// The rules that are tried only where a cue or a fact stands.
    placed: u128,
    /// For each shape of digits (see [`Shapes`]), the rules that ask for it.
    wants_shape: [u128; Shapes::NAMES.len()],
    /// For each fact (see [`Facts`]), the rules that ask for it.
    wants_fact: [u128; Facts::NAMES.len()],
    /// The rules that say only that letters and digits stand together: they come when all others have looked.
    vague: u128,
}

/// Which rules are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Those that say what a match is.
    Plain,
    /// Those with `mixed`.
    Vague,
}

/// A cue of so many letters or fewer must be a whole word.
const SHORT_CUE: usize = 4;
const FILE: &str = "rules.toml";

impl Patterns {
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let line_of = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let wrong = |at: usize, message: String| RuleError { file: FILE, line: line_of(at), message };
        let file: File = toml::from_str(text)
            .map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        let compile = |pattern: &Spanned<String>, starts: Starts| -> Result<Regex, RuleError> {
            let at = pattern.span().start;
            let mut expanded = expand(pattern.get_ref(), &file.parts).map_err(|message| wrong(at, message))?;
            if starts != Starts::Anywhere {
                expanded = format!(r"\A(?:{expanded})");
            }
            RegexBuilder::new(&expanded)
                .unicode(false)
                .size_limit(64 << 20)
                .dfa_size_limit(16 << 20)
                .build()
                .map_err(|error| wrong(at, error.to_string()))
        };
        if file.rule.len() > 128 {
            return Err(wrong(0, "more than 128 rules".to_owned()));
        }
        let mut rules = Vec::with_capacity(file.rule.len());
        let mut cues = Cues::default();
        let mut wants_fact = [0; Facts::NAMES.len()];
        let mut wants_shape = [0; Shapes::NAMES.len()];
        for (n, spanned) in file.rule.iter().enumerate() {
            let entry = spanned.get_ref();
            let find = compile(&entry.find, entry.starts)?;
            let group = |name: &str| find.capture_names().position(|found| found == Some(name));
            for need in &entry.needs {
                let bit = 1 << n;
                if let Some(shape) = Shapes::NAMES.iter().position(|name| name == need) {
                    wants_shape[shape] |= bit;
                } else if let Some(fact) = Facts::NAMES.iter().position(|name| name == need) {
                    wants_fact[fact] |= bit;
                } else {
                    cues.add(need.as_bytes(), bit);
                }
            }
            if entry.street && group("street").is_none() {
                return Err(wrong(spanned.span().start, format!("rule {}: no group `street`", entry.id)));
            }
            rules.push(Rule {
                // A rule lives as long as the process: the name may too.
                id: Box::leak(entry.id.clone().into_boxed_str()),
                class: entry.class,
                starts: entry.starts,
                groups: ["x", "y"].into_iter().filter_map(group).collect(),
                streets: if entry.street {
                    ["street", "street2"].into_iter().filter_map(group).collect()
                } else {
                    Vec::new()
                },
                reject: entry.reject.as_ref().map(|reject| compile(reject, Starts::Anywhere)).transpose()?,
                find,
                digits: entry.digits,
                rare: entry.rare,
                capital: entry.capital,
                mixed: entry.mixed,
            });
        }
        let bits = |holds: fn(&Rule) -> bool| {
            rules.iter().enumerate().filter(|(_, rule)| holds(rule)).fold(0, |bits, (n, _)| bits | 1 << n)
        };
        let vague = bits(|rule| rule.mixed);
        let placed = bits(|rule| rule.starts != Starts::Anywhere);
        Ok(Self { cues, placed, wants_shape, wants_fact, vague, rules })
    }

    /// What the rules need to know of a text before any is tried.
    pub fn survey(&self, folded: &Folded, tokens: &[Token]) -> Survey {
        let bytes = &folded.bytes;
        let mut survey = Survey { wanted: 0, places: Vec::new() };
        let shapes = Shapes::of(bytes, tokens);
        for (shape, rules) in self.wants_shape.iter().enumerate() {
            if shapes.0 & (1 << shape) != 0 {
                survey.wanted |= rules;
            }
        }
        let look = |at: usize, survey: &mut Survey| {
            if self.cues.starts(bytes[at], bytes.get(at + 1).copied().unwrap_or_default()) {
                self.cues.at(bytes, at, |rules| survey.add(rules, self.placed, at));
            }
        };
        // Cues start where a word starts, and at signs; most words have nothing but a space before them.
        let mut from = 0;
        for token in tokens {
            if token.gap != SPACE {
                (from..token.start).for_each(|at| look(at, &mut survey));
            }
            if token.kind != Kind::Hidden {
                look(token.start, &mut survey);
            }
            from = token.end;
        }
        (from..bytes.len()).for_each(|at| look(at, &mut survey));
        survey
    }

    /// Adds the facts of the tokens as they are: what is hidden may make others of them.
    pub fn facts(&self, folded: &Folded, tokens: &[Token], survey: &mut Survey) {
        let bytes = &folded.bytes;
        for (at, token) in tokens.iter().enumerate() {
            if token.kind == Kind::Word && !token.is(NUMBER) && tokens.get(at + 1).is_none_or(|next| next.gap != HYPHEN)
            {
                continue;
            }
            let (facts, start) = Facts::of(bytes, tokens, at);
            let mut facts = facts.0;
            while facts != 0 {
                survey.add(self.wants_fact[facts.trailing_zeros() as usize], self.placed, start);
                facts &= facts - 1;
            }
        }
        survey.places.sort_unstable();
        survey.places.dedup();
    }

    /// Finds and hides all that the wanted rules of a stage match. Then only those stay wanted that matched at all, taken or
    /// turned down: such a rule may match another time when more is hidden.
    pub fn find(
        &self,
        stage: Stage,
        survey: &mut Survey,
        text: &str,
        folded: &mut Folded,
        lexicon: &Lexicon,
        out: &mut Vec<Span>,
    ) {
        let of_stage = if stage == Stage::Vague { self.vague } else { !self.vague };
        let mut again = survey.wanted & !of_stage;
        let mut wanted = survey.wanted & of_stage;
        while wanted != 0 {
            let n = wanted.trailing_zeros() as usize;
            wanted &= wanted - 1;
            let mut reading = Reading { rule: &self.rules[n], text, folded, lexicon, out };
            let matched = if self.placed & (1 << n) == 0 {
                reading.anywhere()
            } else {
                let first = survey.places.partition_point(|&place| place < (n as u64) << PLACE_BITS);
                survey.places[first..]
                    .iter()
                    .take_while(|&&place| place >> PLACE_BITS == n as u64)
                    .fold(false, |matched, &place| reading.at((place & PLACE_MASK) as usize) | matched)
            };
            again |= u128::from(matched) << n;
        }
        survey.wanted = again;
    }
}

/// Which rules can match in a text, and where.
pub struct Survey {
    wanted: u128,
    /// A rule's number and, in the lower bits, a place where a cue or a fact of it stands; sorted.
    places: Vec<u64>,
}

const PLACE_BITS: u32 = 48;
const PLACE_MASK: u64 = (1 << PLACE_BITS) - 1;

impl Survey {
    fn add(&mut self, rules: u128, placed: u128, at: usize) {
        self.wanted |= rules;
        let mut rules = rules & placed;
        while rules != 0 {
            self.places.push(u64::from(rules.trailing_zeros()) << PLACE_BITS | at as u64);
            rules &= rules - 1;
        }
    }
}

/// The cues of all rules as a tree of their bytes, walked from where words begin.
#[derive(Debug)]
struct Cues {
    /// For each byte its column in `next`; 0 when no cue has it.
    column: [u8; 256],
    columns: usize,
    /// For each node and column the next node; 0 when none.
    next: Vec<[u16; Cues::MOST_COLUMNS]>,
    /// For each node, the rules that ask for the cue that ends there.
    rules: Vec<u128>,
    /// For the column of a first byte, the columns of the second bytes that may follow it, a bit for each: most words
    /// begin no cue. All bits where a cue ends at its first byte.
    second: [u64; Cues::MOST_COLUMNS],
}

impl Default for Cues {
    fn default() -> Self {
        Self {
            column: [0; 256],
            columns: 1,
            next: vec![[0; Self::MOST_COLUMNS]],
            rules: vec![0],
            second: [0; Self::MOST_COLUMNS],
        }
    }
}

impl Cues {
    /// More signs than letters, digits and the signs of `rules.toml` share the last column: they are told apart by no cue.
    const MOST_COLUMNS: usize = 64;

    fn add(&mut self, cue: &[u8], rule: u128) {
        let mut node = 0;
        for &byte in cue {
            let column = &mut self.column[usize::from(byte)];
            if *column == 0 {
                *column = self.columns.min(Self::MOST_COLUMNS - 1) as u8;
                self.columns += 1;
            }
            let next = &mut self.next[node][usize::from(*column)];
            if *next == 0 {
                *next = self.rules.len() as u16;
                self.next.push([0; Self::MOST_COLUMNS]);
                self.rules.push(0);
                node = self.rules.len() - 1;
            } else {
                node = usize::from(*next);
            }
        }
        self.rules[node] |= rule;
        if let [first, rest @ ..] = cue {
            let bits = rest.first().map_or(u64::MAX, |&byte| 1 << self.column[usize::from(byte)]);
            self.second[usize::from(self.column[usize::from(*first)])] |= bits;
        }
    }

    /// Whether any cue starts with these two bytes, or with the first alone.
    fn starts(&self, first: u8, second: u8) -> bool {
        let (first, second) = (self.column[usize::from(first)], self.column[usize::from(second)]);
        self.second[usize::from(first)] >> second & 1 == 1
    }

    /// Calls `found` with the rules of each cue that starts at `at`.
    fn at(&self, bytes: &[u8], at: usize, mut found: impl FnMut(u128)) {
        let mut node = 0;
        for (n, &byte) in bytes[at..].iter().enumerate() {
            node = usize::from(self.next[node][usize::from(self.column[usize::from(byte)])]);
            if node == 0 {
                return;
            }
            let rules = self.rules[node];
            if rules != 0 {
                let goes_on = n < SHORT_CUE
                    && byte.is_ascii_lowercase()
                    && bytes.get(at + n + 1).is_some_and(u8::is_ascii_lowercase);
                if !goes_on {
                    found(rules);
                }
            }
        }
    }
}

/// What stands around a token, as bits: what must hold where a pattern starts.
struct Facts(u16);

impl Facts {
    /// As `needs` names them: a number with a word for a street near behind it; with a compass point; with a numbered road;
    /// with more of a code; a number where an address may stand, with a word behind it; a number in words before a street;
    /// letters and digits in one, perhaps over hyphens; two letters or so, a hyphen and numbers; long letters and digits.
    const NAMES: [&'static str; 9] =
        ["n street", "n compass", "n road", "n code", "n word", "said street", "mixed", "a-n-n", "mixed 12"];

    /// The facts of a token, and where its first digit stands, or its first letter where it has none before.
    fn of(bytes: &[u8], tokens: &[Token], at: usize) -> (Self, usize) {
        let token = &tokens[at];
        let next = tokens.get(at + 1).filter(|next| next.gap & LINE == 0);
        let mut facts = 0;
        let mut start = token.start;
        match token.kind {
            Kind::Number | Kind::Mixed => {
                if token.kind == Kind::Mixed {
                    start += bytes[token.start..token.end].iter().take_while(|b| !b.is_ascii_digit()).count();
                }
                let Some(next) = next else {
                    return (Self(u16::from(token.len() >= 12) << 8 | Self::mixed(tokens, at)), token.start);
                };
                let behind = |n: usize| tokens.get(at + n).filter(|t| t.gap & LINE == 0 && t.kind != Kind::Hidden);
                let spaced = next.gap & SPACE != 0 || token.kind == Kind::Mixed || next.gap == HYPHEN;
                if spaced && (1..=9).map_while(behind).any(|t| t.cues(ROAD)) {
                    facts |= 1;
                }
                let compass = next.cues(COMPASS) || behind(2).is_some_and(|t| t.cues(COMPASS));
                facts |= u16::from(compass) << 1;
                let numbered = |t: &Token| t.kind != Kind::Word || t.cues(ROAD);
                facts |= u16::from((1..=4).map_while(behind).any(numbered)) << 2;
                let tight = matches!(next.gap, HYPHEN | COLON);
                let code = match next.kind {
                    Kind::Hidden => false,
                    Kind::Word if next.gap == SPACE => {
                        next.len() <= 3 && behind(2).is_some_and(|t| t.kind == Kind::Number && t.len() >= 4)
                    }
                    // "123 45 6789", "2345 67890 0101"
                    Kind::Number if next.gap == SPACE => matches!((token.len(), next.len()), (3, 2) | (4, 5)),
                    _ => tight,
                };
                facts |= u16::from(code) << 3;
                if next.kind == Kind::Word || next.kind == Kind::Mixed || next.gap == HYPHEN {
                    let open = at == 0 || token.gap & (COMMA | COLON | BRACKET | LINE | STOP) != 0 || {
                        let before = &tokens[at - 1];
                        let article = matches!(&bytes[before.start..before.end], b"the" | b"el" | b"la");
                        before.cues(AT) || article && at > 1 && tokens[at - 2].cues(AT)
                    };
                    facts |= u16::from(open && token.gap & !(COMMA | COLON | BRACKET | LINE | SPACE | STOP) == 0) << 4;
                }
                if token.kind == Kind::Mixed && token.len() >= 12 {
                    facts |= 1 << 8;
                    start = token.start;
                }
                let mixed = Self::mixed(tokens, at);
                if mixed != 0 {
                    start = token.start;
                }
                facts |= mixed;
            }
            Kind::Word => {
                let numbers = token.is(NUMBER) && next.is_some_and(|next| next.is(NUMBER | JOINER));
                if numbers && tokens[at + 1..].iter().take(12).take_while(|t| t.gap & LINE == 0).any(|t| t.cues(ROAD)) {
                    facts |= 1 << 5;
                }
                if next.is_some_and(|next| next.gap == HYPHEN) {
                    facts |= Self::mixed(tokens, at);
                    let lettered = token.len() <= 4 && tokens[at + 1].kind == Kind::Number;
                    facts |= u16::from(lettered) << 7;
                }
            }
            Kind::Hidden => {}
        }
        (Self(facts), start)
    }

    /// Letters and digits without a space between them start here.
    fn mixed(tokens: &[Token], at: usize) -> u16 {
        if at > 0 && tokens[at].gap == HYPHEN && tokens[at - 1].kind != Kind::Hidden {
            return 0;
        }
        let (mut signs, mut letters, mut digits) = (0, false, false);
        for (n, token) in tokens[at..].iter().enumerate() {
            if n > 0 && token.gap != HYPHEN || token.kind == Kind::Hidden {
                break;
            }
            signs += token.len();
            letters |= token.kind != Kind::Number;
            digits |= token.kind != Kind::Word;
        }
        u16::from(signs >= 6 && letters && digits) << 6
    }
}

/// Which shapes of digits a text holds: what a rule that no word announces asks for.
struct Shapes(u16);

impl Shapes {
    /// As `needs` names them: any digit, three and six in a row, digits on both sides of a point or comma, a digit before
    /// a space or a letter, a letter and a digit side by side or over a hyphen, a point inside a word.
    const NAMES: [&'static str; 8] = ["0", "000", "000000", "0.0", "0 a", "a~0", "a.a", "00 a"];

    fn of(bytes: &[u8], tokens: &[Token]) -> Self {
        let mut found = 0;
        for token in tokens {
            if token.kind != Kind::Hidden && token.gap == STOP && bytes[token.start].is_ascii_lowercase() {
                found |= 1 << 6;
            }
            if !matches!(token.kind, Kind::Number | Kind::Mixed) {
                continue;
            }
            let mut run = 0;
            for at in token.start..token.end {
                if !bytes[at].is_ascii_digit() {
                    run = 0;
                    continue;
                }
                run += 1;
                let after = bytes.get(at + 1).copied().unwrap_or(b'\n');
                let after_that = bytes.get(at + 2).copied().unwrap_or(b'\n');
                let before = if at == 0 { b'\n' } else { bytes[at - 1] };
                let ends = matches!(after, b' ' | b',' | b'-' | b'a'..=b'z');
                let hyphen = before == b'-' && at > 1 && bytes[at - 2].is_ascii_lowercase();
                found |= 1
                    | u16::from(run >= 3) << 1
                    | u16::from(run >= 6) << 2
                    | u16::from(matches!(after, b'.' | b',') && after_that.is_ascii_digit()) << 3
                    | u16::from(ends) << 4
                    | u16::from(ends && run >= 2) << 7
                    | u16::from(
                        before.is_ascii_lowercase()
                            || after.is_ascii_lowercase()
                            || hyphen
                            || (after == b'-' && after_that.is_ascii_lowercase()),
                    ) << 5;
            }
        }
        Self(found)
    }
}

/// One rule at work on one text. Each way of reading tells whether the pattern matched.
struct Reading<'a> {
    rule: &'a Rule,
    text: &'a str,
    folded: &'a mut Folded,
    lexicon: &'a Lexicon,
    out: &'a mut Vec<Span>,
}

impl Reading<'_> {
    fn anywhere(&mut self) -> bool {
        let mut matched = false;
        let mut from = 0;
        while from < self.folded.bytes.len() {
            // Telling whether there is a match is much cheaper than telling its groups.
            let Some(start) = self.rule.find.find_at(&self.folded.bytes, from).map(|found| found.start()) else {
                break;
            };
            let Some(found) = self.rule.find.captures_at(&self.folded.bytes, start) else { break };
            matched = true;
            match self.rule.accept(self.text, self.folded, self.lexicon, &found, 0) {
                Some((start, end)) => {
                    self.take(start, end);
                    from = end;
                }
                // Something good may start within what was refused: go on behind its first word.
                None => {
                    let word =
                        self.folded.bytes[start..].iter().skip(1).take_while(|b| b.is_ascii_alphanumeric()).count();
                    from = start + 1 + word;
                }
            }
        }
        matched
    }

    fn at(&mut self, at: usize) -> bool {
        let bytes = &self.folded.bytes[at..];
        if !self.rule.find.is_match(bytes) {
            return false;
        }
        let Some(found) = self.rule.find.captures(bytes) else { return false };
        if let Some((start, end)) = self.rule.accept(self.text, self.folded, self.lexicon, &found, at) {
            self.take(start, end);
        }
        true
    }

    fn take(&mut self, start: usize, end: usize) {
        let Rule { class, id, .. } = *self.rule;
        let (start, end) = self.folded.take(start, end);
        self.out.push(Span { start, end, class, rule: id });
    }
}

impl Rule {
    /// What goes, in folded bytes; None when a condition is not met. The match is in the bytes from `from` on.
    fn accept(
        &self,
        text: &str,
        folded: &Folded,
        lexicon: &Lexicon,
        found: &Captures<'_>,
        from: usize,
    ) -> Option<(usize, usize)> {
        let bytes = &folded.bytes;
        let taken =
            if self.groups.is_empty() { found.get(0) } else { self.groups.iter().find_map(|&group| found.get(group)) }?;
        let (mut start, mut end) = (from + taken.start(), from + taken.end());
        while end > start
            && matches!(bytes[end - 1], b' ' | b',' | b'.' | b';' | b':' | b'-' | b'\n' | b'(' | b'\'' | b'"' | b'/')
        {
            end -= 1;
        }
        while start < end && matches!(bytes[start], b' ' | b',' | b':' | b'\n') {
            start += 1;
        }
        if matches!(self.class, Class::CaseNumber | Class::IdNumber | Class::Plate | Class::Badge) {
            (start, end) = whole_code(bytes, start, end);
        }
        // "I-70 exit": the number belongs to what stands before.
        if self.class == Class::Address
            && start > 1
            && bytes[start - 1] == b'-'
            && bytes[start - 2].is_ascii_alphanumeric()
        {
            return None;
        }
        let joined = |a: u8, b: u8| a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric();
        let cut_left = start > 0 && joined(bytes[start - 1], bytes[start]) && self.groups.is_empty();
        let cut_right = end < bytes.len() && joined(bytes[end - 1], bytes[end]);
        let taken = &bytes[start..end];
        if taken.is_empty()
            || cut_left
            || cut_right
            || taken.iter().filter(|b| b.is_ascii_digit()).count() < self.digits
            || self.reject.as_ref().is_some_and(|reject| reject.is_match(taken))
        {
            return None;
        }
        let marks = |word: &[u8]| lexicon.marks(lexicon::hash(word.iter().copied()));
        if self.rare && marks(taken) & (ORDINARY | PLACE | NEVER) != 0 {
            return None;
        }
        if self.mixed && !is_mixed(taken, marks) {
            return None;
        }
        if let Some(street) = self.streets.iter().find_map(|&group| found.get(group)) {
            let capital = |at: usize| text[folded.start(at)..].starts_with(char::is_uppercase);
            let mut at = from + street.start();
            for word in street.as_bytes().split(|&b| b == b' ') {
                let marks = marks(word);
                if marks & NEVER_STREET != 0 || (marks & FREQUENT != 0 && marks & STREET_WORD == 0 && !capital(at)) {
                    return None;
                }
                at += word.len() + 1;
            }
            if self.capital && !capital(from + street.start()) {
                return None;
            }
        }
        Some((start, end))
    }
}

/// A code with the short pieces that hang on it: "EP-" before "26-M-03917", "/BX" behind "309184-26".
fn whole_code(bytes: &[u8], mut start: usize, mut end: usize) -> (usize, usize) {
    const LONGEST_PIECE: usize = 4;
    let piece = |b: &&u8| b.is_ascii_alphanumeric();
    while start > 1 && bytes[start - 1] == b'-' {
        let length = bytes[..start - 1].iter().rev().take_while(piece).count();
        // "A-220-774-019": the A says only that it is such a number.
        if length == 0 || length > LONGEST_PIECE || &bytes[start - 1 - length..start - 1] == b"a" {
            break;
        }
        start -= length + 1;
    }
    while end + 1 < bytes.len() && matches!(bytes[end], b'-' | b'/') {
        let length = bytes[end + 1..].iter().take_while(piece).count();
        if length == 0 || length > LONGEST_PIECE {
            break;
        }
        end += length + 1;
    }
    (start, end)
}

/// Letters and digits in one, long enough to be somebody's: not a time, an ordinal, a measure or a form's name.
fn is_mixed(taken: &[u8], marks: impl Fn(&[u8]) -> u32) -> bool {
    const UNITS: [&[u8]; 34] = [
        b"am", b"pm", b"th", b"st", b"nd", b"rd", b"hrs", b"hr", b"h", b"min", b"mins", b"ft", b"mph", b"km", b"mi",
        b"lbs", b"yr", b"yrs", b"yo", b"x", b"k", b"s", b"a", b"p", b"hd", b"fm", b"us", b"sr", b"hwy", b"cr", b"i",
        b"th", b"m", b"pp",
    ];
    let signs = taken.iter().filter(|b| b.is_ascii_alphanumeric()).count();
    let digits = taken.iter().filter(|b| b.is_ascii_digit()).count();
    let mut runs = taken.split(|b| !b.is_ascii_lowercase()).filter(|run| !run.is_empty()).peekable();
    if signs < 6 || digits < 3 || runs.peek().is_none() {
        return false;
    }
    let mut all_units = true;
    for run in runs {
        if run.len() >= 3 && marks(run) & (ORDINARY | PLACE | NEVER) != 0 {
            return false;
        }
        all_units &= UNITS.contains(&run);
    }
    !all_units || digits > 6
}

/// Puts the parts in, which may hold parts themselves.
fn expand(pattern: &str, parts: &HashMap<String, Spanned<String>>) -> Result<String, String> {
    let mut pattern = pattern.to_owned();
    for _ in 0..8 {
        let Some(open) = pattern.find("{{") else { return Ok(pattern) };
        let _ = open;
        let mut out = String::with_capacity(pattern.len() * 2);
        let mut rest = pattern.as_str();
        while let Some(open) = rest.find("{{") {
            let close = rest[open..].find("}}").ok_or("`{{` without `}}`")? + open;
            let name = &rest[open + 2..close];
            let part = parts.get(name).ok_or_else(|| format!("no part `{name}`"))?;
            out.push_str(&rest[..open]);
            out.push_str(part.get_ref());
            rest = &rest[close + 2..];
        }
        out.push_str(rest);
        pattern = out;
    }
    Err("parts within parts within parts, or a part within itself".to_owned())
}
