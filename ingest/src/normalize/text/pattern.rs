//! The little language of the rule files' phrases.
//!
//! ```text
//! grabbed him          these words in a row, whatever the case, the accents and the commas
//! (took|grabbed) him   either
//! the? car             with or without
//! @family              any word or phrase of the class `family` (words.toml)
//! hondure*             any word that starts so (four letters or more)
//! #                    a number: "4", "four", "5 to 6", "at least 4"
//! took ^               a word with a capital within a sentence, most often a name
//! asked ..3 papers     up to three words between, in the same clause (`..` is `..3`)
//! ```
//!
//! What always holds: a phrase starts and ends with a word, has at most [`LONGEST`] words, and never crosses the end
//! of a sentence. So no rule can hold a whole sentence of anyone's report.

use std::collections::BTreeMap;

use super::fold;
use super::lexicon::{Lexicon, STEM, Symbol};

/// Words of the longest phrase.
pub(super) const LONGEST: usize = 12;

/// One step of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Word(Symbol),
    /// Up to so many words of any kind.
    Gap(u8),
    /// One of these; the empty one when it may be left out.
    OneOf(Vec<Vec<Item>>),
}

/// A phrase ready for the automaton.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub items: Vec<Item>,
    /// It holds a word of the class `no`, so the negation is part of what it says.
    pub says_no: bool,
}

/// A class of words and phrases: `[classes]` of a rule file.
#[derive(Debug, Clone, Default)]
pub(super) struct Class {
    words: Vec<Box<[u8]>>,
    phrases: Vec<Pattern>,
    has_no: bool,
}

/// The classes of all rule files.
#[derive(Debug, Default)]
pub(super) struct Classes(BTreeMap<String, Class>);

/// The class of the words that deny. Patterns that hold one are not denied by it.
const NO: &str = "no";

impl Classes {
    /// Defines a class. Its members may name classes that were defined before it.
    pub(super) fn define(
        &mut self,
        name: &str,
        members: &[&str],
        lexicon: &mut Lexicon,
    ) -> Result<(), (usize, String)> {
        if self.0.contains_key(name) {
            return Err((0, format!("the class `{name}` is defined twice")));
        }
        let mut class = Class { has_no: name == NO, ..Class::default() };
        for (at, member) in members.iter().enumerate() {
            let fail = |message| (at, message);
            if let Some(other) = member.strip_prefix('@') {
                let other = self.0.get(other).ok_or_else(|| fail(format!("the class `{other}` is not known here")))?;
                class.words.extend(other.words.iter().cloned());
                class.phrases.extend(other.phrases.iter().cloned());
                class.has_no |= other.has_no;
                continue;
            }
            match single(member) {
                Some(word) => class.words.push(word),
                None => class.phrases.push(self.parse(member, lexicon).map_err(fail)?),
            }
        }
        self.0.insert(name.to_owned(), class);
        Ok(())
    }

    /// The words of a class that stand alone.
    pub(super) fn words(&self, name: &str) -> Vec<Box<[u8]>> {
        self.0.get(name).map(|class| class.words.clone()).unwrap_or_default()
    }

    /// Reads one phrase.
    pub(super) fn parse(&self, source: &str, lexicon: &mut Lexicon) -> Result<Pattern, String> {
        let mut parser = Parser { rest: source, classes: self, lexicon, says_no: false };
        let items = parser.sequence(0)?;
        if !parser.rest.is_empty() {
            return Err(format!("`{source}`: `)` without `(`"));
        }
        let says_no = parser.says_no;
        if matches!(items.first(), None | Some(Item::Gap(_)))
            || matches!(items.last(), Some(Item::Gap(_)))
            || shortest(&items) == 0
        {
            return Err(format!("`{source}`: a phrase starts and ends with a word"));
        }
        if longest(&items) > LONGEST {
            return Err(format!(
                "`{source}`: a phrase has at most {LONGEST} words; two rules, or a gap, say it better"
            ));
        }
        Ok(Pattern { items, says_no })
    }
}

/// The one plain word, or stem with `*`, that `member` is.
pub(super) fn single(member: &str) -> Option<Box<[u8]>> {
    if member.contains(['(', '|', '?', '@', '#', '^', ' ']) || member.starts_with("..") {
        return None;
    }
    let mut found = None;
    let mut count = 0;
    fold::pieces(member, |piece| {
        count += 1;
        found = Some(piece.folded.to_vec());
    });
    let mut word = found.filter(|word| count == 1 && !word.is_empty())?;
    if member.ends_with('*') {
        if word.len() < STEM {
            return None;
        }
        word.push(b'*');
    }
    Some(word.into_boxed_slice())
}

fn shortest(items: &[Item]) -> usize {
    items
        .iter()
        .map(|item| match item {
            Item::Word(_) => 1,
            Item::Gap(_) => 0,
            Item::OneOf(ways) => ways.iter().map(|way| shortest(way)).min().unwrap_or(0),
        })
        .sum()
}

fn longest(items: &[Item]) -> usize {
    items
        .iter()
        .map(|item| match item {
            Item::Word(_) => 1,
            Item::Gap(_) => 0,
            Item::OneOf(ways) => ways.iter().map(|way| longest(way)).max().unwrap_or(0),
        })
        .sum()
}

struct Parser<'a, 'l> {
    rest: &'a str,
    classes: &'a Classes,
    lexicon: &'l mut Lexicon,
    says_no: bool,
}

impl<'a> Parser<'a, '_> {
    /// Items up to the end, or up to `|` or `)` when inside a group.
    fn sequence(&mut self, depth: u8) -> Result<Vec<Item>, String> {
        let mut items = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            let Some(first) = self.rest.chars().next() else { return Ok(items) };
            match first {
                '|' | ')' if depth > 0 => return Ok(items),
                '|' => return Err("`|` outside of brackets".to_owned()),
                ')' => return Ok(items),
                '(' => {
                    self.rest = &self.rest[1..];
                    let item = self.group(depth + 1)?;
                    items.push(item);
                }
                _ => {
                    let end = self.rest.find([' ', '(', ')', '|']).unwrap_or(self.rest.len());
                    let (word, rest) = self.rest.split_at(end);
                    self.rest = rest;
                    self.word(word, &mut items)?;
                }
            }
        }
    }

    /// Behind `(`: ways parted by `|`, then `)`, then perhaps `?`. Ways of one word each become one symbol.
    fn group(&mut self, depth: u8) -> Result<Item, String> {
        if depth > 3 {
            return Err("brackets in brackets in brackets: write two phrases".to_owned());
        }
        let mut singles: Vec<Box<[u8]>> = Vec::new();
        let mut ways = Vec::new();
        loop {
            let end = self.rest.find(['|', ')', '(']).unwrap_or(self.rest.len());
            let alone = single(self.rest[..end].trim()).filter(|_| !self.rest[end..].starts_with('('));
            if let Some(word) = alone {
                self.says_no |= self.denies(&word);
                singles.push(word);
                self.rest = &self.rest[end..];
            } else {
                let way = self.sequence(depth)?;
                if way.is_empty() {
                    return Err("an empty way in brackets".to_owned());
                }
                ways.push(way);
            }
            match self.rest.chars().next() {
                Some('|') => self.rest = &self.rest[1..],
                Some(')') => {
                    self.rest = &self.rest[1..];
                    break;
                }
                _ => return Err("`(` without `)`".to_owned()),
            }
        }
        if !singles.is_empty() {
            ways.insert(0, vec![Item::Word(self.lexicon.symbol(singles))]);
        }
        if let Some(rest) = self.rest.strip_prefix('?') {
            self.rest = rest;
            ways.push(Vec::new());
        }
        Ok(Item::OneOf(ways))
    }

    fn denies(&self, word: &[u8]) -> bool {
        self.classes.0.get(NO).is_some_and(|class| class.words.iter().any(|no| **no == *word))
    }

    fn word(&mut self, source: &str, items: &mut Vec<Item>) -> Result<(), String> {
        if let Some(gap) = source.strip_prefix("..") {
            let most = if gap.is_empty() {
                3
            } else {
                gap.parse::<u8>()
                    .ok()
                    .filter(|n| (1..=8).contains(n))
                    .ok_or_else(|| format!("`{source}`: a gap is `..1` to `..8`"))?
            };
            items.push(Item::Gap(most));
            return Ok(());
        }
        let (word, optional) = source.strip_suffix('?').map_or((source, false), |word| (word, true));
        let mut found = Vec::new();
        if let Some(name) = word.strip_prefix('@') {
            let class = self.classes.0.get(name).ok_or_else(|| format!("the class `@{name}` is not known"))?;
            self.says_no |= class.has_no;
            let mut ways: Vec<Vec<Item>> = class.phrases.iter().map(|phrase| phrase.items.clone()).collect();
            if !class.words.is_empty() {
                ways.insert(0, vec![Item::Word(self.lexicon.symbol(class.words.clone()))]);
            }
            found.push(if ways.len() == 1 { ways.swap_remove(0).swap_remove(0) } else { Item::OneOf(ways) });
        } else if word == "#" {
            found.push(Item::Word(Symbol::NUMBER));
        } else if word == "^" {
            found.push(Item::Word(Symbol::NAME));
        } else if word.ends_with('*') {
            let stem =
                single(word).ok_or_else(|| format!("`{word}`: a stem has {STEM} letters or more before the star"))?;
            found.push(Item::Word(self.lexicon.symbol(vec![stem])));
        } else {
            let mut cut: Vec<Box<[u8]>> = Vec::new();
            fold::pieces(word, |piece| cut.push(piece.folded.into()));
            if cut.is_empty() || cut.iter().any(|piece| piece.is_empty()) {
                return Err(format!("`{source}` is no word"));
            }
            for piece in cut {
                self.says_no |= self.denies(&piece);
                found.push(Item::Word(self.lexicon.symbol(vec![piece])));
            }
        }
        if optional {
            items.push(Item::OneOf(vec![found, Vec::new()]));
        } else {
            items.append(&mut found);
        }
        Ok(())
    }
}
