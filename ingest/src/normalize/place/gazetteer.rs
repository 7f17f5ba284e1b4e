//! The tables in memory: which phrases name which places, what single words say about a place, ZIPs, and the names of
//! each state for a search that forgives slips.
//!
//! What always holds: built once, from text that is compiled in; phrases are slices of that text, so nothing is copied;
//! a look-up allocates nothing. A phrase that several states or kinds share has one entry for each.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use schemas::geography::{self, County, State};

use super::typo;

/// What an entry of the gazetteer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A city, town, village or post office under its own name.
    City,
    /// Another name of one.
    Alias,
    /// A part of a large city.
    Neighbourhood,
    /// A county without the word that says so.
    County,
    /// A county with it ("baltimore city", "james city county").
    CountyInFull,
    /// A named court or courthouse.
    Court,
    /// A jail, prison, detention centre or another public facility.
    Facility,
    /// A city in which ICE has an office: it decides which of the cities of that name a docket or a team means.
    IceOffice,
    /// A state under its name or an abbreviation of more than two letters.
    State,
}

/// What the name of a place also is: it then needs more around it to be taken for the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AlsoA {
    Nothing,
    /// A common word of English or Spanish.
    Word,
    /// A person's first name or surname.
    Person,
}

impl AlsoA {
    fn read(flags: &str) -> Self {
        match flags {
            flags if flags.contains('w') => Self::Word,
            flags if flags.contains('p') => Self::Person,
            _ => Self::Nothing,
        }
    }
}

/// One meaning of a phrase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub kind: Kind,
    /// Index into [`geography::states`].
    pub state: u8,
    /// The only place of this name that a reader anywhere in the country would think of; of a state: its name in full.
    pub national: bool,
    /// What else the name is.
    pub also_a: AlsoA,
    /// The county; `None` for a state, and for a name that stands for places in several counties.
    pub county: Option<&'static County>,
    /// Other counties in which its ZIPs lie: their three digits within the state, separated by spaces.
    pub also: &'static str,
    /// From a list written by hand.
    pub by_hand: bool,
    /// People, in hundreds; 0 unknown.
    pub people: u32,
    next: u32,
}

/// What is known of a phrase. Most phrases of a text have none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Node {
    /// First entry, and so on by `next`; 0: none.
    head: u32,
    /// Longer phrases start with it.
    pub more: bool,
    /// What the word says about words around it: bits of [`cue`].
    pub cues: u32,
}

impl Node {
    /// Nothing starts with the phrase and it names nothing.
    pub fn plain(&self) -> bool {
        self.head == 0 && !self.more
    }
}

/// What single words say about a place: one bit for each role in `cues.tsv`.
pub(super) mod cue {
    /// Role names of `cues.tsv`, in the order of the bits.
    pub const ROLES: [&str; 19] = [
        "jail",
        "court",
        "county",
        "police",
        "ice",
        "in",
        "of",
        "to",
        "from",
        "street_after",
        "street_before",
        "label",
        "title",
        "before",
        "after",
        "noise",
        "abroad",
        "number",
        "outside",
    ];
    pub const JAIL: u32 = 1;
    pub const COURT: u32 = 1 << 1;
    pub const COUNTY: u32 = 1 << 2;
    pub const POLICE: u32 = 1 << 3;
    pub const ICE: u32 = 1 << 4;
    pub const IN: u32 = 1 << 5;
    pub const OF: u32 = 1 << 6;
    pub const TO: u32 = 1 << 7;
    pub const FROM: u32 = 1 << 8;
    pub const STREET_AFTER: u32 = 1 << 9;
    pub const STREET_BEFORE: u32 = 1 << 10;
    pub const LABEL: u32 = 1 << 11;
    pub const TITLE: u32 = 1 << 12;
    pub const BEFORE: u32 = 1 << 13;
    pub const AFTER: u32 = 1 << 14;
    pub const NOISE: u32 = 1 << 15;
    pub const ABROAD: u32 = 1 << 16;
    pub const NUMBER: u32 = 1 << 17;
    pub const OUTSIDE: u32 = 1 << 18;
}

/// Multiplies and rotates word by word: the keys are short and come from our own tables.
#[derive(Default)]
pub(super) struct ShortHasher(u64);

impl Hasher for ShortHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    fn finish(&self) -> u64 {
        // The table takes its bucket from the low bits, which a multiplication mixes least.
        self.0 ^ self.0 >> 32
    }
}

type Phrases = HashMap<&'static str, Node, BuildHasherDefault<ShortHasher>>;

/// A name of a state as the search for slips compares it: without spaces.
struct Squeezed {
    letters: u32,
    start: u32,
    len: u8,
    entry: u32,
}

pub(super) struct Gazetteer {
    phrases: Phrases,
    entries: Vec<Entry>,
    /// Index of the county plus one by ZIP; 0: no such ZIP, or one whose county is not sure.
    zips: Vec<u16>,
    squeezed: Vec<Vec<Squeezed>>,
    squeezed_text: Vec<u8>,
    /// The place of ICE's offices, for slips in a text that names no state.
    offices: Vec<Squeezed>,
    /// State index by the two letters of its code.
    codes: [u8; 26 * 26],
}

pub(super) static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::build);

/// Rows of a table: tab-separated, without comments.
fn rows(table: &'static str) -> impl Iterator<Item = [&'static str; 5]> {
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(|line| {
        let mut cells = line.split('\t');
        std::array::from_fn(|_| cells.next().unwrap_or(""))
    })
}

impl Gazetteer {
    fn build() -> Self {
        let mut codes = [u8::MAX; 26 * 26];
        for (index, state) in geography::states().iter().enumerate() {
            if let Some(cell) = code_cell(&state.code.to_ascii_lowercase()).and_then(|cell| codes.get_mut(cell)) {
                *cell = index as u8;
            }
        }
        let mut built = Self {
            phrases: Phrases::with_capacity_and_hasher(160_000, BuildHasherDefault::default()),
            // Entry 0 is the end of every list.
            entries: vec![Entry {
                kind: Kind::State,
                state: u8::MAX,
                national: false,
                also_a: AlsoA::Nothing,
                county: None,
                also: "",
                by_hand: true,
                people: 0,
                next: 0,
            }],
            zips: zips(),
            squeezed: (0..geography::states().len()).map(|_| Vec::new()).collect(),
            squeezed_text: Vec::new(),
            offices: Vec::new(),
            codes,
        };
        built.add_places();
        built.add_counties();
        for (kind, table) in [
            (Kind::Neighbourhood, include_str!("../../../data/gazetteer/neighbourhoods.tsv")),
            (Kind::Alias, include_str!("../../../data/gazetteer/aliases.tsv")),
            (Kind::Court, include_str!("../../../data/gazetteer/courts.tsv")),
            (Kind::Facility, include_str!("../../../data/gazetteer/facilities.tsv")),
            (Kind::IceOffice, include_str!("../../../data/gazetteer/ice_offices.tsv")),
        ] {
            built.add_by_hand(kind, table);
        }
        for [name, code, flags, ..] in rows(include_str!("../../../data/gazetteer/state_words.tsv")) {
            if let Some(state) = built.code(&code.to_ascii_lowercase()) {
                built.add(
                    name,
                    Entry {
                        kind: Kind::State,
                        state,
                        national: !flags.contains('a'),
                        also_a: AlsoA::Nothing,
                        county: None,
                        also: "",
                        by_hand: true,
                        people: 0,
                        next: 0,
                    },
                );
            }
        }
        for [word, roles, ..] in rows(include_str!("../../../data/gazetteer/cues.tsv")) {
            let bits = roles.split(' ').filter_map(|role| cue::ROLES.iter().position(|known| *known == role));
            let cues = bits.fold(0, |cues, bit| cues | 1 << bit);
            built.reserve(word);
            if let Some(node) = built.phrases.get_mut(word) {
                node.cues |= cues;
            }
        }
        built
    }

    fn add_places(&mut self) {
        let mut state = 0;
        let mut fips = "";
        for [name, county, people, flags, also] in rows(include_str!("../../../data/gazetteer/places.tsv")) {
            if let Some(code) = name.strip_prefix('@') {
                state = self.code(&code.to_ascii_lowercase()).unwrap_or(u8::MAX);
                fips = geography::state(code).map_or("", |state| state.fips);
                continue;
            }
            let kind = if flags.contains('a') { Kind::Alias } else { Kind::City };
            let county = county_in(fips, county);
            let people = people.parse().unwrap_or(0);
            self.add(
                name,
                Entry {
                    kind,
                    state,
                    national: flags.contains('n'),
                    also_a: AlsoA::read(flags),
                    county,
                    also,
                    by_hand: false,
                    people,
                    next: 0,
                },
            );
        }
    }

    /// Counties under their short names, in the spelling of the tables.
    fn add_counties(&mut self) {
        for [name, fips, people, flags, _] in rows(include_str!("../../../data/gazetteer/county_names.tsv")) {
            let Some(county) = geography::county(fips) else { continue };
            let Some(state) = self.code(&county.state.to_ascii_lowercase()) else { continue };
            let kind = if flags.contains('f') { Kind::CountyInFull } else { Kind::County };
            let people = people.parse().unwrap_or(0);
            self.add(
                name,
                Entry {
                    kind,
                    state,
                    national: flags.contains('n'),
                    also_a: AlsoA::read(flags),
                    county: Some(county),
                    also: "",
                    by_hand: false,
                    people,
                    next: 0,
                },
            );
        }
    }

    fn add_by_hand(&mut self, kind: Kind, table: &'static str) {
        for [name, fips, flags, ..] in rows(table) {
            let Some(county) = geography::county(fips) else { continue };
            let Some(state) = self.code(&county.state.to_ascii_lowercase()) else { continue };
            let national = match kind {
                Kind::Court | Kind::Facility | Kind::IceOffice => !flags.contains('s'),
                _ => flags.contains(['n', 'x']),
            };
            let county = (!flags.contains('x')).then_some(county);
            self.add(
                name,
                Entry {
                    kind,
                    state,
                    national,
                    also_a: AlsoA::read(flags),
                    county,
                    also: "",
                    by_hand: true,
                    people: 0,
                    next: 0,
                },
            );
        }
    }

    fn add(&mut self, name: &'static str, mut entry: Entry) {
        self.reserve(name);
        let Some(node) = self.phrases.get_mut(name) else { return };
        entry.next = node.head;
        let index = self.entries.len() as u32;
        node.head = index;
        self.entries.push(entry);
        let start = self.squeezed_text.len();
        self.squeezed_text.extend(name.bytes().filter(|byte| *byte != b' '));
        let name = &self.squeezed_text[start..];
        let squeezed = Squeezed {
            letters: typo::letters(name),
            start: start as u32,
            len: name.len().min(255) as u8,
            entry: index,
        };
        match entry.kind {
            Kind::IceOffice => self.offices.push(squeezed),
            // States and facilities are too close to other words to be guessed at.
            Kind::State | Kind::Court | Kind::Facility | Kind::County | Kind::CountyInFull => {
                self.squeezed_text.truncate(start)
            }
            Kind::City | Kind::Alias | Kind::Neighbourhood => {
                if let Some(names) = self.squeezed.get_mut(usize::from(entry.state)) {
                    names.push(squeezed);
                }
            }
        }
    }

    /// Makes a node for the phrase, and marks all phrases that it starts with.
    fn reserve(&mut self, name: &'static str) {
        self.phrases.entry(name).or_default();
        for (space, _) in name.match_indices(' ') {
            self.phrases.entry(&name[..space]).or_default().more = true;
        }
    }

    /// What is known of this folded phrase.
    pub fn node(&self, phrase: &str) -> Option<&Node> {
        self.phrases.get(phrase)
    }

    /// All meanings of a phrase.
    pub fn entries(&self, node: &Node) -> impl Iterator<Item = &Entry> {
        let mut at = node.head;
        std::iter::from_fn(move || {
            let entry = (at != 0).then(|| &self.entries[at as usize])?;
            at = entry.next;
            Some(entry)
        })
    }

    /// The county of a ZIP of five digits.
    pub fn zip(&self, zip: &str) -> Option<&'static County> {
        let number: usize = zip.parse().ok().filter(|_| zip.len() == 5)?;
        let county = usize::from(*self.zips.get(number)?).checked_sub(1)?;
        geography::counties().get(county)
    }

    /// The state with this two-letter code, in lower case.
    pub fn code(&self, code: &str) -> Option<u8> {
        code_cell(code).and_then(|cell| self.codes.get(cell)).copied().filter(|state| *state != u8::MAX)
    }

    /// The place of a state whose name comes nearest to `name` (folded, without spaces), if one county is alone in
    /// that: one edit in names of five to seven letters, two in longer ones, but no more than `most`; in shorter ones
    /// only spaces may differ.
    pub fn nearest(&self, name: &[u8], state: u8, most: usize) -> Option<&Entry> {
        self.nearest_of(name, self.squeezed.get(usize::from(state))?, most)
    }

    /// The same among the cities that have an office of ICE.
    pub fn nearest_office(&self, name: &[u8]) -> Option<&Entry> {
        self.nearest_of(name, &self.offices, 2)
    }

    fn nearest_of(&self, name: &[u8], names: &[Squeezed], most: usize) -> Option<&Entry> {
        if name.len() < 3 || name.len() > typo::LONGEST {
            return None;
        }
        let mut limit: usize = match name.len() {
            0..5 => 0,
            5..8 => 1,
            _ => 2,
        }
        .min(most);
        let letters = typo::letters(name);
        let mut best: Option<&Entry> = None;
        let mut several = false;
        for other in names {
            if usize::from(other.len).abs_diff(name.len()) > limit
                || (other.letters ^ letters).count_ones() as usize > 2 * limit
            {
                continue;
            }
            let start = other.start as usize;
            let other_name = &self.squeezed_text[start..start + usize::from(other.len)];
            // A slip seldom falls on the first letter; with two slips, or in a short name, one there is another name.
            if (limit > 1 || name.len() < 6)
                && other_name[0] != name[0]
                && !(limit > 1 && other_name[1..].starts_with(&name[1..]))
            {
                continue;
            }
            let Some(distance) = typo::within(name, other_name, limit) else { continue };
            let entry = &self.entries[other.entry as usize];
            match best {
                Some(held) if distance == limit => {
                    // As near as the one that is held: the larger wins only when the other is next to nothing.
                    if held.county.is_none() || held.county != entry.county {
                        if entry.people > 40 * held.people.max(5) {
                            best = Some(entry);
                        } else if held.people <= 40 * entry.people.max(5) {
                            several = true;
                        }
                    }
                }
                _ => {
                    best = Some(entry);
                    several = false;
                    limit = distance;
                }
            }
        }
        best.filter(|entry| !several && entry.county.is_some())
    }
}

/// The state whose name comes nearest to one word of five letters or more: at most two slips, or its beginning.
pub(super) fn nearest_state(word: &[u8]) -> Option<u8> {
    let mut best: Option<(usize, u8)> = None;
    let mut several = false;
    for (index, state) in geography::states().iter().enumerate() {
        let mut name = [0; typo::LONGEST];
        let mut len = 0;
        for (to, from) in name.iter_mut().zip(state.name_en.bytes().filter(u8::is_ascii_alphabetic)) {
            *to = from.to_ascii_lowercase();
            len += 1;
        }
        let name = &name[..len];
        let limit = if word.len() < 7 { 1 } else { 2 };
        let distance = if name.starts_with(word) { Some(1) } else { typo::within(word, name, limit) };
        let Some(distance) = distance else { continue };
        match best {
            Some((held, _)) if distance > held => {}
            Some((held, _)) if distance == held => several = true,
            _ => {
                best = Some((distance, index as u8));
                several = false;
            }
        }
    }
    best.filter(|_| !several).map(|(_, state)| state)
}

fn code_cell(code: &str) -> Option<usize> {
    match code.as_bytes() {
        [a @ b'a'..=b'z', b @ b'a'..=b'z'] => Some(usize::from(a - b'a') * 26 + usize::from(b - b'a')),
        _ => None,
    }
}

/// The county of a state (by FIPS code) with these three digits.
fn county_in(state_fips: &str, county: &str) -> Option<&'static County> {
    let mut fips = [b'0'; 5];
    fips[..2].copy_from_slice(state_fips.as_bytes().get(..2)?);
    fips[2..].copy_from_slice(county.as_bytes().get(..3)?);
    geography::county(std::str::from_utf8(&fips).ok()?)
}

fn zips() -> Vec<u16> {
    let mut table = vec![0; 100_000];
    for [prefix, cells, ..] in rows(include_str!("../../../data/gazetteer/zips.tsv")) {
        let Ok(prefix) = prefix.parse::<usize>() else { continue };
        let mut county = 0;
        for cell in cells.split(' ') {
            if let Some(fips) = cell.get(2..).filter(|fips| !fips.is_empty()) {
                county = geography::counties()
                    .binary_search_by_key(&fips, |county| county.fips)
                    .map_or(0, |index| index as u16 + 1);
            }
            if let Some(place) = cell
                .get(..2)
                .and_then(|digits| digits.parse::<usize>().ok())
                .and_then(|digits| table.get_mut(prefix * 100 + digits))
            {
                *place = county;
            }
        }
    }
    table
}

/// The state of an entry.
pub(super) fn state_of(index: u8) -> Option<&'static State> {
    geography::states().get(usize::from(index))
}
