//! The words that any rule knows, each with the symbols by which the phrase automaton sees it.
//!
//! What always holds: a word that no rule names is [`WordId::UNKNOWN`] and matches nothing but a gap. A lookup costs
//! one hash (two for a word that only a stem such as `hondure*` may know, three for one that is not known as it is
//! written) and no allocation.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::count::{self, NumberWord};
use super::fold::{Field, LONGEST_WORD};

/// FNV-1a: the keys are short words of our own rule files, so no one can choose them to collide.
#[derive(Debug)]
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        // Eight bytes at a time; the tail one by one.
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            self.0 = (self.0 ^ u64::from_le_bytes(*chunk)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.0 ^= self.0 >> 29;
        }
        for &byte in rest {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

type Map<K, V> = HashMap<K, V, BuildHasherDefault<Fnv>>;

/// A folded word, filled up with zeros: compared and hashed as four numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key([u64; 4]);

impl Key {
    /// `None` for a word that is longer than any of a rule.
    fn of(word: &[u8]) -> Option<Self> {
        if word.len() > LONGEST_WORD {
            return None;
        }
        let mut bytes = [0; 32];
        bytes[..word.len()].copy_from_slice(word);
        let mut parts = [0; 4];
        for (part, chunk) in parts.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *part = u64::from_le_bytes(*chunk);
        }
        Some(Self(parts))
    }

    fn word(&self) -> Box<[u8]> {
        self.0.iter().flat_map(|part| part.to_le_bytes()).take_while(|byte| *byte != 0).collect()
    }
}

impl std::hash::Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        const FACTORS: [u64; 4] =
            [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f, 0x1656_67b1_9e37_79f9, 0xff51_afd7_ed55_8ccd];
        let parts = self.0.iter().zip(FACTORS);
        state.write_u64(parts.fold(0, |all: u64, (part, factor)| all.wrapping_add(part.wrapping_mul(factor))));
    }
}

/// A word that rules know. `UNKNOWN` is every other word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct WordId(pub u32);

impl WordId {
    pub(super) const UNKNOWN: Self = Self(0);
}

/// What an edge of the automaton asks of a word: to be that word, in that class, of that stem, or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Symbol(pub u32);

impl Symbol {
    /// `#` in a pattern: any token that counts something.
    pub(super) const NUMBER: Self = Self(0);
    /// `^` in a pattern: any word with a capital within a sentence, most often a name.
    pub(super) const NAME: Self = Self(1);
}

/// What is known of one word.
#[derive(Debug, Default)]
pub(super) struct Word {
    /// Sorted, without doubles.
    pub symbols: Vec<Symbol>,
    number: Option<NumberWord>,
    label: Option<Field>,
    /// The masks of all its symbols.
    mask: u128,
    abbreviation: bool,
    title: bool,
}

/// The symbols of one word, sorted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Symbols<'a>(&'a [Symbol]);

impl Symbols<'_> {
    #[inline]
    pub(super) fn has(self, symbol: Symbol) -> bool {
        /// Most words have so few that looking through them is faster than halving.
        const FEW: usize = 8;
        if self.0.len() <= FEW { self.0.contains(&symbol) } else { self.0.binary_search(&symbol).is_ok() }
    }
}

/// A word as it is also written, and the word that it stands for.
pub(super) type Alias = (Box<[u8]>, Box<[u8]>);

/// Stems that share their first bytes, and their words.
type Stems = Vec<(Box<[u8]>, WordId)>;

#[derive(Debug, Default)]
pub(super) struct Lexicon {
    words: Vec<Word>,
    ids: Map<Key, WordId>,
    /// The first [`STEM`] bytes of each stem, and the stems that start so.
    stems: Map<u32, Stems>,
    /// Words by how they sound, for those who write by ear ("detubieron", "arested").
    sounds: Map<Key, WordId>,
    symbols: u32,
    /// The symbols of all words behind each other, and where those of each word start: so near that a text seldom waits
    /// for them.
    spelled: Vec<Symbol>,
    spelled_from: Vec<u32>,
    /// The bit of the mask that each symbol has.
    masks: Vec<u128>,
    by_set: HashMap<Vec<Box<[u8]>>, Symbol>,
}

/// The bits of the mask for `#` and `^`.
const MASK_NUMBER: u128 = 1;
const MASK_NAME: u128 = 2;

/// A stem has at least so many letters.
pub(super) const STEM: usize = 4;

/// Letters of the shortest word that is looked up by its sound: short ones sound alike too often.
const BY_EAR: usize = 6;

/// How a folded word sounds in Spanish, with one spelling for letters that are written for each other. Doubled letters
/// count once, which also serves English. `None` where the word is too short, or longer than any word of a rule.
fn sound(word: &[u8]) -> Option<Key> {
    if word.len() < BY_EAR || word.len() > LONGEST_WORD || !word.iter().all(u8::is_ascii_lowercase) {
        return None;
    }
    // No sound is written longer than its word.
    let mut out = [0; LONGEST_WORD];
    let mut len = 0;
    let mut at = 0;
    while let Some(&letter) = word.get(at) {
        let next = word.get(at + 1).copied().unwrap_or_default();
        let soft = matches!(next, b'e' | b'i');
        let (written, taken) = match letter {
            b'h' => (0, 1),
            b'v' => (b'b', 1),
            b'z' => (b's', 1),
            b'c' if next == b'h' => (b'C', 2),
            b'c' if soft => (b's', 1),
            b'c' => (b'k', 1),
            b'q' if next == b'u' => (b'k', 2),
            b'g' if soft => (b'j', 1),
            b'l' if next == b'l' => (b'y', 2),
            b'n' if next == b'm' => (0, 1),
            _ => (letter, 1),
        };
        if written != 0 && (len == 0 || out[len - 1] != written) {
            out[len] = written;
            len += 1;
        }
        at += taken;
    }
    Key::of(&out[..len])
}

/// Words after which a full stop ends nothing, because a name or a street follows ("St. Louis", "Sra. Blanca").
const TITLES: &[&str] = &[
    "st", "dr", "dra", "sr", "sra", "srta", "mr", "mrs", "ms", "lic", "ing", "sgt", "lt", "det", "prof", "hon", "apt",
    "ave", "av", "ofc", "mt", "ft", "sto", "sta",
];
/// Words after which a full stop ends nothing unless a capital follows.
const ABBREVIATIONS: &[&str] = &[
    "am", "pm", "hwy", "blvd", "no", "num", "tel", "ext", "esp", "aprox", "approx", "vs", "dept", "depto", "co",
    "corr", "veh", "unk", "unid", "inc", "tx", "ca", "etc", "abt", "wk", "hr", "hrs", "min", "mins", "jr", "esq",
    "atty", "rd", "ln", "cty", "ctr", "intl", "int", "imm", "immig",
];
/// Labels of SALUTE texts.
const LABELS: &[(&str, Field)] = &[
    ("s", Field::Size),
    ("size", Field::Size),
    ("tamano", Field::Size),
    ("tam", Field::Size),
    ("cuantos", Field::Size),
    ("cantidad", Field::Size),
    ("numero", Field::Size),
    ("a", Field::Activity),
    ("act", Field::Activity),
    ("activity", Field::Activity),
    ("actividad", Field::Activity),
    ("accion", Field::Activity),
    ("action", Field::Activity),
    ("l", Field::Location),
    ("loc", Field::Location),
    ("location", Field::Location),
    ("lugar", Field::Location),
    ("lug", Field::Location),
    ("ubic", Field::Location),
    ("ubicacion", Field::Location),
    ("place", Field::Location),
    ("donde", Field::Location),
    ("where", Field::Location),
    ("localizacion", Field::Location),
    ("u", Field::Uniform),
    ("unif", Field::Uniform),
    ("uniform", Field::Uniform),
    ("uniforms", Field::Uniform),
    ("uniforme", Field::Uniform),
    ("uniformes", Field::Uniform),
    ("unit", Field::Uniform),
    ("unidad", Field::Uniform),
    ("uni", Field::Uniform),
    ("vest", Field::Uniform),
    ("unid", Field::Uniform),
    ("t", Field::Time),
    ("time", Field::Time),
    ("tiempo", Field::Time),
    ("hora", Field::Time),
    ("cuando", Field::Time),
    ("when", Field::Time),
    ("date", Field::Time),
    ("fecha", Field::Time),
    ("e", Field::Equipment),
    ("eq", Field::Equipment),
    ("equip", Field::Equipment),
    ("equipment", Field::Equipment),
    ("equipo", Field::Equipment),
    ("vehicles", Field::Equipment),
    ("veh", Field::Equipment),
    ("vehiculos", Field::Equipment),
];

impl Lexicon {
    /// A lexicon that knows the numbers, labels and abbreviations, and no rule yet.
    pub(super) fn new() -> Self {
        let mut lexicon = Self { words: vec![Word::default()], symbols: 2, ..Self::default() };
        for (word, number) in count::WORDS {
            let id = lexicon.intern(word.as_bytes());
            lexicon.words[id.0 as usize].number = Some(*number);
        }
        for (word, field) in LABELS {
            let id = lexicon.intern(word.as_bytes());
            lexicon.words[id.0 as usize].label = Some(*field);
        }
        for word in TITLES {
            let id = lexicon.intern(word.as_bytes());
            lexicon.words[id.0 as usize].title = true;
        }
        for word in ABBREVIATIONS {
            let id = lexicon.intern(word.as_bytes());
            lexicon.words[id.0 as usize].abbreviation = true;
        }
        lexicon
    }

    /// Whether some rule, number or label names the word as it is written here.
    pub(super) fn knows(&self, word: &[u8]) -> bool {
        self.id(word).is_some()
    }

    fn id(&self, word: &[u8]) -> Option<WordId> {
        self.ids.get(&Key::of(word)?).copied()
    }

    fn intern(&mut self, word: &[u8]) -> WordId {
        let key = Key::of(word).expect("a phrase with a longer word does not parse");
        if let Some(&id) = self.ids.get(&key) {
            return id;
        }
        let id = WordId(u32::try_from(self.words.len()).expect("a rule file has fewer words than 2^32"));
        self.words.push(Word::default());
        self.ids.insert(key, id);
        id
    }

    fn intern_stem(&mut self, stem: &[u8; STEM], whole: &[u8]) -> WordId {
        let stem = u32::from_le_bytes(*stem);
        if let Some(found) = self.stems.get(&stem).and_then(|list| list.iter().find(|(known, _)| **known == *whole)) {
            return found.1;
        }
        let id = WordId(u32::try_from(self.words.len()).expect("a rule file has fewer words than 2^32"));
        self.words.push(Word::default());
        self.stems.entry(stem).or_default().push((whole.into(), id));
        id
    }

    /// The symbol that stands for any one of `words` (folded; a stem ends in `*`). Equal sets share a symbol.
    pub(super) fn symbol(&mut self, mut words: Vec<Box<[u8]>>) -> Symbol {
        words.sort();
        words.dedup();
        if let Some(&symbol) = self.by_set.get(&words) {
            return symbol;
        }
        let symbol = Symbol(self.symbols);
        self.symbols += 1;
        for word in &words {
            let id = match word.strip_suffix(b"*") {
                Some(whole) => match whole.first_chunk::<STEM>() {
                    Some(stem) => self.intern_stem(stem, whole),
                    None => continue,
                },
                None => self.intern(word),
            };
            self.words[id.0 as usize].symbols.push(symbol);
        }
        self.by_set.insert(words, symbol);
        symbol
    }

    /// The words by their sound. Of words that sound alike, the one that more phrases name.
    fn listen(&mut self) {
        for (word, id) in &self.ids {
            let Some(key) = sound(&word.word()) else { continue };
            let known = self.sounds.entry(key).or_insert(*id);
            let named = |id: WordId| (self.words[id.0 as usize].symbols.len(), std::cmp::Reverse(id));
            if named(*id) > named(*known) {
                *known = *id;
            }
        }
    }

    /// To be called once, after the last symbol: words that also have a known stem get the stem's symbols, and the first
    /// of each pair of `shorts` those of the second.
    pub(super) fn finish(&mut self, shorts: &[Alias]) {
        for (short, _) in shorts {
            self.intern(short);
        }
        let exact: Vec<(Box<[u8]>, WordId)> = self.ids.iter().map(|(word, id)| (word.word(), *id)).collect();
        let stems: Vec<(Box<[u8]>, WordId)> = self.stems.values().flatten().cloned().collect();
        for (word, id) in exact.iter().chain(&stems) {
            for (stem, stem_id) in &stems {
                if id != stem_id && word.starts_with(stem) {
                    let more = self.words[stem_id.0 as usize].symbols.clone();
                    self.words[id.0 as usize].symbols.extend(more);
                }
            }
        }
        for (short, long) in shorts {
            if let (Some(short), Some(long)) = (self.id(short), self.id(long)) {
                let more = self.words[long.0 as usize].symbols.clone();
                self.words[short.0 as usize].symbols.extend(more);
            }
        }
        for word in &mut self.words {
            word.symbols.sort_unstable();
            word.symbols.dedup();
        }
        self.listen();
        self.lay_out();
        for list in self.stems.values_mut() {
            // The longest stem first: it carries the symbols of the shorter ones.
            list.sort_by_key(|(stem, _)| std::cmp::Reverse(stem.len()));
        }
    }

    /// Makes the lists of symbols and the masks. Symbols of the words with the most symbols share few bits, so that the mask of a
    /// common word stays thin.
    fn lay_out(&mut self) {
        let symbols = self.symbols as usize;
        let mut weight = vec![0; symbols];
        for word in &self.words {
            for symbol in &word.symbols {
                let weight = &mut weight[symbol.0 as usize];
                *weight = word.symbols.len().max(*weight);
            }
        }
        let mut order: Vec<usize> = (2..symbols).collect();
        order.sort_by_key(|&symbol| std::cmp::Reverse(weight[symbol]));
        self.masks = vec![0; symbols];
        self.masks[Symbol::NUMBER.0 as usize] = MASK_NUMBER;
        self.masks[Symbol::NAME.0 as usize] = MASK_NAME;
        let share = order.len().div_ceil(126).max(1);
        for (place, symbol) in order.into_iter().enumerate() {
            self.masks[symbol] = 1 << (2 + place / share);
        }
        let count = |list: &[Symbol]| u32::try_from(list.len()).expect("rule files have fewer words than 2^32");
        for word in &mut self.words {
            self.spelled_from.push(count(&self.spelled));
            self.spelled.extend_from_slice(&word.symbols);
            word.mask = word.symbols.iter().fold(0, |mask, symbol| mask | self.masks[symbol.0 as usize]);
        }
        self.spelled_from.push(count(&self.spelled));
    }

    /// Whether the word is one that the symbol stands for.
    pub(super) fn has(&self, word: WordId, symbol: Symbol) -> bool {
        self.symbols_of(word).has(symbol)
    }

    /// All that the word stands for.
    pub(super) fn symbols_of(&self, word: WordId) -> Symbols<'_> {
        let at = word.0 as usize;
        let (from, to) = (self.spelled_from[at] as usize, self.spelled_from[at + 1] as usize);
        Symbols(&self.spelled[from..to])
    }

    pub(super) fn mask_of(&self, symbol: Symbol) -> u128 {
        self.masks[symbol.0 as usize]
    }

    /// The masks of everything that the token could be for an edge.
    pub(super) fn mask(&self, word: WordId, counts: bool, capital: bool) -> u128 {
        self.word(word).mask | if counts { MASK_NUMBER } else { 0 } | if capital { MASK_NAME } else { 0 }
    }

    /// The word as the rules know it.
    pub(super) fn find(&self, folded: &[u8]) -> WordId {
        if let Some(id) = self.id(folded) {
            return id;
        }
        folded
            .first_chunk::<STEM>()
            .and_then(|head| self.stems.get(&u32::from_le_bytes(*head)))
            .and_then(|list| list.iter().find(|(stem, _)| folded.starts_with(stem)).map(|(_, id)| *id))
            .or_else(|| self.sounds.get(&sound(folded)?).copied())
            .unwrap_or(WordId::UNKNOWN)
    }

    pub(super) fn word(&self, id: WordId) -> &Word {
        &self.words[id.0 as usize]
    }

    /// All words, in the order of their ids.
    pub(super) fn words(&self) -> &[Word] {
        &self.words
    }

    pub(super) fn number_word(&self, id: WordId) -> Option<NumberWord> {
        self.word(id).number
    }

    /// The value of a number word that counts by itself ("two", "media" does not).
    pub(super) fn number(&self, id: WordId) -> Option<u32> {
        match self.word(id).number {
            Some(NumberWord::Value(n)) => Some(n),
            _ => None,
        }
    }

    pub(super) fn label(&self, id: WordId) -> Option<Field> {
        self.word(id).label
    }

    pub(super) fn is_abbreviation(&self, id: WordId) -> bool {
        self.word(id).abbreviation
    }

    pub(super) fn is_title(&self, id: WordId) -> bool {
        self.word(id).title
    }
}
