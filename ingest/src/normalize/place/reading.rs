//! Reads the tokens of one text: which of them name a state, and which a place.
//!
//! What always holds: a state counts where a state can stand (at the end, after a comma, in brackets), because "in",
//! "or", "me" and "la" are words and Washington and Nevada are also cities; a name counts in the state that is asked
//! for; a name that stands inside a longer one ("Bend" in "North Bend") does not count.

use schemas::geography::County;

use super::PlaceMethod;
use super::fold::{Folded, Gap};
use super::gazetteer::{AlsoA, Entry, GAZETTEER, Gazetteer, Kind, Node, cue, nearest_state, state_of};

/// The buffers of a thread.
#[derive(Default)]
pub(super) struct Scratch {
    folded: Folded,
    nodes: Vec<Node>,
}

impl Scratch {
    /// Folds a text and looks up each of its words.
    pub fn read(&mut self, text: &str) -> Reading<'_> {
        self.folded.read(text);
        self.nodes.clear();
        let gazetteer: &'static Gazetteer = &GAZETTEER;
        for index in 0..self.folded.tokens().len() {
            self.nodes.push(gazetteer.node(self.folded.word(index)).copied().unwrap_or_default());
        }
        Reading { folded: &self.folded, nodes: &self.nodes, gazetteer }
    }
}

/// One text, read.
pub(super) struct Reading<'a> {
    pub folded: &'a Folded,
    nodes: &'a [Node],
    pub gazetteer: &'static Gazetteer,
}

/// What was found, and the tokens that decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finding {
    pub county: Option<&'static County>,
    pub state: Option<u8>,
    pub method: PlaceMethod,
    pub first: usize,
    pub last: usize,
}

/// A state among the tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stated {
    pub state: u8,
    pub first: usize,
    pub last: usize,
    /// By its two letters.
    pub code: bool,
    /// By its name in full.
    pub full: bool,
}

/// Longest name of the gazetteer, in words.
const WORDS: usize = 8;

/// Codes that are words of English or Spanish.
fn is_word(code: &str) -> bool {
    matches!(
        code,
        "in" | "or"
            | "me"
            | "hi"
            | "ok"
            | "oh"
            | "la"
            | "de"
            | "id"
            | "ma"
            | "pa"
            | "al"
            | "co"
            | "mo"
            | "va"
            | "as"
            | "sd"
            | "ms"
            | "mi"
            | "ne"
            | "ct"
    )
}

/// Whether an entry is an independent city.
fn independent(entry: &Entry) -> bool {
    entry.county.is_some_and(|county| county.name.ends_with(" city"))
}

impl Reading<'_> {
    /// How many tokens the text has.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The roles of the word `index`; none past the ends.
    pub fn cues(&self, index: usize) -> u32 {
        self.nodes.get(index).map_or(0, |node| node.cues)
    }

    /// The roles of the word before `index`.
    pub fn cues_before(&self, index: usize) -> u32 {
        index.checked_sub(1).map_or(0, |before| self.cues(before))
    }

    /// What stands before a token.
    pub fn gap(&self, index: usize) -> Gap {
        self.folded.tokens().get(index).map_or(Gap::Break, |token| token.gap)
    }

    /// The bytes of the original text of tokens `first..=last`.
    pub fn span(&self, first: usize, last: usize) -> Option<(usize, usize)> {
        let tokens = self.folded.tokens();
        Some((tokens.get(first)?.from as usize, tokens.get(last)?.to as usize))
    }

    /// Whether a token is a number.
    pub fn number(&self, index: usize) -> bool {
        self.folded.tokens().get(index).is_some_and(|token| token.number)
    }

    /// The phrases of the gazetteer that start at a token, shortest first: last token and node.
    fn phrases(&self, first: usize) -> ([(usize, Node); WORDS], usize) {
        let mut found = [(first, Node::default()); WORDS];
        let mut count = 0;
        let mut node = self.nodes[first];
        let mut last = first;
        loop {
            found[count] = (last, node);
            count += 1;
            // A sentence ends a name; "St. Louis" and "Mt. Vernon" do not end one.
            let stop = self.folded.gap_after(last);
            let abbreviation = matches!(self.folded.word(last), "st" | "ste" | "mt" | "ft" | "pt" | "dr");
            if !node.more
                || count == WORDS
                || last + 1 >= self.len()
                || stop > Gap::Joint && !(stop == Gap::Stop && abbreviation)
            {
                return (found, count);
            }
            last += 1;
            let Some(longer) = self.gazetteer.node(self.folded.phrase(first, last)) else { return (found, count) };
            node = *longer;
        }
    }

    /// The longest phrase from a token that has an entry which `wanted` accepts.
    pub fn longest(&self, first: usize, mut wanted: impl FnMut(&Entry) -> bool) -> Option<(usize, &'static Entry)> {
        if self.nodes[first].plain() {
            return None;
        }
        let (phrases, count) = self.phrases(first);
        phrases[..count].iter().rev().find_map(|(last, node)| {
            self.gazetteer.entries(node).find(|entry| wanted(entry)).map(|entry| (*last, entry))
        })
    }

    /// The state that is named from this token on: by name, by abbreviation, by its two letters, also with a space
    /// between them.
    pub fn state_at(&self, first: usize) -> Option<Stated> {
        let node = self.nodes.get(first)?;
        if !node.plain()
            && let Some((last, entry)) = self.longest(first, |entry| entry.kind == Kind::State)
        {
            return Some(Stated { state: entry.state, first, last, code: false, full: entry.national });
        }
        let word = self.folded.word(first);
        if let Some(state) = self.gazetteer.code(word) {
            return Some(Stated { state, first, last: first, code: true, full: false });
        }
        let next = self.folded.word(first + 1);
        if word.len() == 1 && next.len() == 1 && self.folded.gap_after(first) <= Gap::Stop {
            let pair = [word.as_bytes()[0], next.as_bytes()[0]];
            let state = std::str::from_utf8(&pair).ok().and_then(|code| self.gazetteer.code(code))?;
            return Some(Stated { state, first, last: first + 1, code: true, full: false });
        }
        None
    }

    /// The ZIP of a text that is a place: the last number of five digits that is no house number.
    fn zip(&self) -> Option<(usize, &'static County)> {
        (0..self.len()).rev().find_map(|index| self.zip_at(index).map(|county| (index, county)))
    }

    /// The county of a ZIP that stands at this token. A number before a street's name is a house number.
    pub fn zip_at(&self, index: usize) -> Option<&'static County> {
        let token = self.folded.tokens().get(index)?;
        if !token.number
            || token.end - token.start != 5
            || matches!(token.sign, b'#' | b'$' | b'-' | b'/')
            || token.gap == Gap::None
        {
            return None;
        }
        // "Badge 60417", "case no. 98104".
        if index > 0 && self.gap(index) < Gap::Break && self.cues_before(index) & cue::NUMBER != 0 {
            return None;
        }
        let after = self.folded.gap_after(index);
        // "98104-1234" is a ZIP with its four further digits; "98104abc" is none.
        let four = after == Gap::Joint && self.number(index + 1) && self.folded.word(index + 1).len() == 4;
        let ends = after >= Gap::Comma
            || four
            || self.state_at(index + 1).is_some()
            || self.cues(index + 1) & (cue::NOISE | cue::ABROAD) != 0;
        let led = index > 0
            && self.gap(index) <= Gap::Comma
            && (self.cues_before(index) & cue::LABEL != 0
                || self.folded.word(index - 1) == "zip"
                || self.state_before(index).is_some());
        if !(ends || led) || after == Gap::None { None } else { self.gazetteer.zip(self.folded.word(index)) }
    }

    /// The state that ends just before this token.
    pub fn state_before(&self, index: usize) -> Option<Stated> {
        (1..=3.min(index)).find_map(|back| self.state_at(index - back).filter(|stated| stated.last + 1 == index))
    }

    /// The county of a text that is a place.
    pub fn place(&self, hint: Option<u8>) -> Option<Finding> {
        if self.len() == 0 {
            return None;
        }
        let zip = self.zip();
        let stated = self.stated(hint);
        let mut found = match stated {
            Some(stated) => self.in_stated(stated, hint),
            None => self.misspelt_state(hint).or_else(|| self.unstated(hint)),
        };
        if let Some((index, county)) = zip {
            let at_zip =
                Finding { county: Some(county), state: None, method: PlaceMethod::Zip, first: index, last: index };
            found = match found {
                None => Some(at_zip),
                Some(place) => self.with_zip(place, at_zip, stated.is_some()),
            };
        }
        found
    }

    /// A place and a ZIP in one text: the ZIP is more exact, as long as the place can lie in its county.
    fn with_zip(&self, place: Finding, zip: Finding, stated: bool) -> Option<Finding> {
        let (Some(county), Some(exact)) = (place.county, zip.county) else {
            let state = place.state.and_then(state_of);
            return Some(if state.is_none_or(|state| zip.county.is_some_and(|county| county.state == state.code)) {
                zip
            } else {
                place
            });
        };
        if county == exact || county.state == exact.state && self.reaches(place, exact) {
            return Some(zip);
        }
        // Another state's ZIP beside a stated city is a slip; two counties of one state leave the question open.
        (county.state != exact.state && stated).then_some(place)
    }

    /// Whether a place has ZIPs in another county too.
    fn reaches(&self, place: Finding, county: &County) -> bool {
        let Some(node) = self.gazetteer.node(self.folded.phrase(place.first, place.last)) else { return false };
        self.gazetteer.entries(node).any(|entry| {
            entry.county == place.county
                && entry.also.split(' ').any(|digits| !digits.is_empty() && county.fips.ends_with(digits))
        })
    }

    /// The state that the text of a place states.
    fn stated(&self, hint: Option<u8>) -> Option<Stated> {
        let mut first = self.len();
        while first > 0 {
            first -= 1;
            let Some(mut stated) = self.state_at(first) else { continue };
            // "West Virginia" ends like Virginia.
            if let Some(longer) = (1..=2.min(first)).rev().find_map(|back| {
                self.state_at(first - back).filter(|longer| !longer.code && longer.last == stated.last)
            }) {
                stated = longer;
                first = longer.first;
            }
            let trailing = (stated.last + 1..self.len()).all(|index| {
                self.number(index)
                    || self.cues(index) & cue::NOISE != 0 && self.gap(index) >= Gap::Joint
                    || self.folded.word(index) == "usa"
            });
            let apart = matches!(self.gap(first), Gap::Comma | Gap::Bracket | Gap::Stop);
            if stated.code {
                let token = self.folded.tokens()[first];
                // "Chelan Co. Jail" is in no Colorado.
                if self.folded.word(first) == "co"
                    && self.cues(stated.last + 1) & (cue::JAIL | cue::COURT | cue::POLICE) != 0
                {
                    continue;
                }
                let word = is_word(self.folded.phrase(first, stated.last));
                let loud = token.shouted && (self.folded.mixed() || !word || trailing);
                let follows = first > 0 && self.place_ends_at(first - 1, stated.state);
                let written = apart || loud || follows && (!word || trailing);
                // "downtown LA" with California as the hint is a city.
                if first > 0
                    && written
                    && (trailing || apart || follows)
                    && (apart || follows || !self.alias_at(first, hint))
                {
                    return Some(stated);
                }
                continue;
            }
            // "Newark Penn Station" is not in Pennsylvania.
            if first == 0 || !(stated.full || trailing || apart) {
                continue;
            }
            // "Port Washington" is a city; "Vancouver Washington" names the state.
            if apart || !self.inside_longer(first, stated.last, hint) || self.place_ends_at(first - 1, stated.state) {
                return Some(stated);
            }
        }
        None
    }

    fn alias_at(&self, index: usize, hint: Option<u8>) -> bool {
        hint.is_some() && self.longest(index, |entry| Some(entry.state) == hint && entry.kind != Kind::State).is_some()
    }

    /// Whether a place of this state ends at this token.
    fn place_ends_at(&self, last: usize, state: u8) -> bool {
        (last.saturating_sub(WORDS - 1)..=last).any(|first| {
            let (phrases, count) = self.phrases(first);
            phrases[..count].iter().any(|(end, node)| {
                *end == last
                    && self.gazetteer.entries(node).any(|entry| entry.state == state && entry.kind != Kind::State)
            })
        })
    }

    /// Whether a state's name is part of a longer name of a place.
    fn inside_longer(&self, first: usize, last: usize, hint: Option<u8>) -> bool {
        (first.saturating_sub(3)..=first).any(|start| {
            let (phrases, count) = self.phrases(start);
            phrases[..count].iter().any(|(end, node)| {
                (start < first && *end >= last || start == first && *end > last)
                    && self.gazetteer.entries(node).any(|entry| {
                        entry.kind != Kind::State && (hint.is_none() || hint == Some(entry.state) || entry.national)
                    })
            })
        })
    }

    /// The place of a text that states its state.
    fn in_stated(&self, stated: Stated, hint: Option<u8>) -> Option<Finding> {
        let state = stated.state;
        let found = self
            .best_in(state, 0, stated.first, true, PlaceMethod::CityState)
            // Part of what stands before the state may be a name by chance: "De Forest" is no Forest.
            .map(
                |best| {
                    if self.splits(best.first) { best } else { self.slip(state, 0, stated.first, 0).unwrap_or(best) }
                },
            )
            .or_else(|| self.slip(state, 0, stated.first, 2))
            .or_else(|| self.best_in(state, stated.last + 1, self.len(), false, PlaceMethod::CityState));
        if found.is_some() {
            return found;
        }
        // Two letters that are a word may be no state after all.
        if stated.code
            && is_word(self.folded.word(stated.first))
            && self.gap(stated.first) == Gap::Space
            && hint.is_some_and(|hint| hint != state)
        {
            return hint.and_then(|hint| self.best_in(hint, 0, self.len(), false, PlaceMethod::CityInHintedState));
        }
        Some(Finding {
            county: None,
            state: Some(state),
            method: PlaceMethod::StateOnly,
            first: stated.first,
            last: stated.last,
        })
    }

    /// The best place of a state among tokens `from..to`; without a county when its name stands for several places.
    /// `adjacent`: the state follows, so the place that ends there is the one it belongs to.
    fn best_in(&self, state: u8, from: usize, to: usize, adjacent: bool, city: PlaceMethod) -> Option<Finding> {
        let mut best: Option<(i32, Finding)> = None;
        let mut first = from;
        while first < to {
            let Some(mention) = self.mention(first, state).filter(|mention| mention.last < to) else {
                first += 1;
                continue;
            };
            let mut rank = match mention.method {
                PlaceMethod::Court | PlaceMethod::Facility => 50,
                PlaceMethod::CountyName if mention.sure => 40,
                PlaceMethod::CountyName => 10,
                PlaceMethod::Neighbourhood => 25,
                _ => 30,
            };
            if adjacent && mention.last + 1 == to {
                rank += 5;
            }
            if self.gap(first) >= Gap::Comma && self.folded.gap_after(mention.last) >= Gap::Comma {
                rank += 2;
            }
            if mention.also_a != AlsoA::Nothing
                && first > from
                && self.gap(first) == Gap::Space
                && self.cues_before(first) == 0
            {
                rank -= 8;
            }
            if best.as_ref().is_none_or(|(held, _)| rank > *held) {
                let method = match mention.method {
                    _ if mention.county.is_none() => PlaceMethod::StateOnly,
                    PlaceMethod::CityState => city,
                    other => other,
                };
                best = Some((
                    rank,
                    Finding { county: mention.county, state: Some(state), method, first, last: mention.last },
                ));
            }
            first = mention.last + 1;
        }
        best.map(|(_, found)| found)
    }

    /// A place of this state from this token on, unless it is part of a longer name or of a street.
    pub fn mention(&self, first: usize, state: u8) -> Option<Mention> {
        let (last, _) = self.longest(first, |entry| entry.state == state && entry.kind != Kind::State)?;
        let node = self.gazetteer.node(self.folded.phrase(first, last))?;
        self.weigh(first, last, node, |entry| entry.state == state)
    }

    /// Chooses among the meanings of a phrase by the words around it.
    pub fn weigh(&self, first: usize, last: usize, node: &Node, allowed: impl Fn(&Entry) -> bool) -> Option<Mention> {
        let (mut city, mut county, mut named): (
            Option<&'static Entry>,
            Option<&'static Entry>,
            Option<&'static Entry>,
        ) = (None, None, None);
        for entry in self.gazetteer.entries(node).filter(|entry| allowed(entry)) {
            let place = match entry.kind {
                Kind::Court | Kind::Facility | Kind::CountyInFull => &mut named,
                // "Fairfax County" is not Fairfax city, which has the same short name.
                Kind::County if county.is_some_and(|held| !independent(held)) && independent(entry) => continue,
                Kind::County if county.is_some_and(independent) => {
                    county = Some(entry);
                    continue;
                }
                Kind::County => &mut county,
                Kind::City | Kind::Alias | Kind::Neighbourhood => &mut city,
                Kind::IceOffice | Kind::State => continue,
            };
            // What was written by hand comes last into the list, and so first out of it.
            place.get_or_insert(entry);
        }
        let mention = |entry: &'static Entry, method, sure| {
            Some(Mention {
                last,
                county: entry.county,
                method,
                sure,
                also_a: entry.also_a,
                by_hand: entry.by_hand,
                people: entry.people,
            })
        };
        if let Some(entry) = named {
            let method = match entry.kind {
                Kind::Court => PlaceMethod::Court,
                Kind::Facility => PlaceMethod::Facility,
                _ => PlaceMethod::CountyName,
            };
            return mention(entry, method, true);
        }
        let after = self.cues(last + 1);
        let close = self.folded.gap_after(last) <= Gap::Joint;
        let before = self.cues_before(first);
        // "condado de X", "cárcel de X": the word that matters stands before the "of".
        let before_of = if before & cue::OF != 0 { self.cues_before(first.saturating_sub(1)) } else { before };
        if let Some(entry) = county {
            let word = self.folded.word(last + 1);
            let written = close
                && after & cue::COUNTY != 0
                && !(word == "co" && self.folded.gap_after(last) >= Gap::Comma)
                && self.cues(last + 2) & cue::STREET_AFTER == 0;
            if written || first > 0 && before_of & cue::COUNTY != 0 && self.gap(first) <= Gap::Space {
                return Some(Mention {
                    last: if written { last + 1 } else { last },
                    county: entry.county,
                    method: PlaceMethod::CountyName,
                    sure: true,
                    also_a: AlsoA::Nothing,
                    by_hand: false,
                    people: entry.people,
                });
            }
            let keeper = close && after & (cue::JAIL | cue::COURT) != 0
                || first > 1 && before & cue::OF != 0 && before_of & (cue::JAIL | cue::COURT) != 0;
            if keeper && city.is_none_or(|city| city.county == entry.county || entry.people > 3 * city.people) {
                return mention(entry, PlaceMethod::CountyName, true);
            }
            if city.is_none() {
                return mention(entry, PlaceMethod::CountyName, false).filter(|_| self.stands_free(first, last));
            }
        }
        let entry = city?;
        let method = match entry.kind {
            Kind::Alias => PlaceMethod::Alias,
            Kind::Neighbourhood => PlaceMethod::Neighbourhood,
            _ => PlaceMethod::CityState,
        };
        // "LA" is a city where "la" is a word: only in capitals, and in a text that uses them, or by itself.
        if entry.kind == Kind::Alias && first == last && self.folded.word(first).len() < 3 {
            let token = self.folded.tokens()[first];
            if !token.shouted || !self.folded.mixed() && last + 1 < self.len() {
                return None;
            }
        }
        // "N Austin" is in Austin, when no other place bears that name.
        let part = entry.people >= 1000
            && matches!(
                self.folded.word(first.wrapping_sub(1)),
                "n" | "s" | "e" | "w" | "north" | "south" | "east" | "west"
            );
        mention(entry, method, true).filter(|_| self.free(first, last, part))
    }

    /// Whether a name is not part of a longer one, nor of a street's.
    pub fn stands_free(&self, first: usize, last: usize) -> bool {
        self.free(first, last, false)
    }

    /// The same; `part`: the word before may name a part of the place.
    fn free(&self, first: usize, last: usize, part: bool) -> bool {
        let before = if first > 0 && self.gap(first) <= Gap::Joint { self.cues_before(first) } else { 0 };
        let after = if self.folded.gap_after(last) <= Gap::Joint { self.cues(last + 1) } else { 0 };
        let street_follows = after & cue::STREET_AFTER != 0 && self.folded.gap_after(last) == Gap::Space;
        let inside = before & cue::BEFORE != 0 && before & cue::NOISE == 0 && !part
            || after & cue::AFTER != 0 && after & cue::NOISE == 0;
        let street = street_follows || before & cue::STREET_BEFORE != 0;
        let abroad = after & cue::ABROAD != 0
            || self.folded.gap_after(last) == Gap::Comma && self.cues(last + 1) & cue::ABROAD != 0;
        !inside && !street && !abroad
    }

    /// Whether a name may start at a token: a sign that parts names stands before it.
    fn splits(&self, index: usize) -> bool {
        let abbreviation = index > 0 && matches!(self.folded.word(index - 1), "st" | "ste" | "mt" | "ft" | "pt");
        self.gap(index) >= Gap::Comma && !(abbreviation && self.gap(index) == Gap::Stop)
    }

    /// A place of this state with at most so many slips in it, among tokens `from..to`: the stretch that ends there, or
    /// else each stretch between signs.
    fn slip(&self, state: u8, from: usize, to: usize, most: usize) -> Option<Finding> {
        let mut end = to;
        while end > from {
            let mut start = end - 1;
            while start > from && !self.splits(start) {
                start -= 1;
            }
            if let Some(found) = self.slip_in(start, end, |name| self.gazetteer.nearest(name, state, most)) {
                return Some(found);
            }
            end = start;
        }
        None
    }

    fn slip_in(
        &self,
        mut start: usize,
        mut end: usize,
        nearest: impl Fn(&[u8]) -> Option<&'static Entry>,
    ) -> Option<Finding> {
        // A name with a slip is no part of a street's, nor of one abroad.
        let outside = cue::STREET_AFTER | cue::STREET_BEFORE | cue::ABROAD;
        if end > start + 1 && (start..end).any(|index| self.cues(index) & outside != 0) {
            return None;
        }
        let idle = |index: usize| self.number(index) || self.cues(index) & (cue::NOISE | cue::IN) != 0;
        if let Some(entry) = self.squeeze(start, end).and_then(|(name, len)| nearest(&name[..len])) {
            return Some(self.slipped(entry, start, end - 1));
        }
        let whole = (start, end);
        while start < end && idle(start) {
            start += 1;
        }
        while start < end && idle(end - 1) {
            end -= 1;
        }
        if (start, end) == whole || start == end {
            return None;
        }
        let (name, len) = self.squeeze(start, end)?;
        nearest(&name[..len]).map(|entry| self.slipped(entry, start, end - 1))
    }

    fn slipped(&self, entry: &'static Entry, first: usize, last: usize) -> Finding {
        Finding { county: entry.county, state: Some(entry.state), method: PlaceMethod::Typo, first, last }
    }

    /// Tokens `start..end` without spaces; `None` when they are too many or too long to be a name.
    fn squeeze(&self, start: usize, end: usize) -> Option<([u8; 40], usize)> {
        let mut name = [0; 40];
        let mut len = 0;
        if end <= start || end - start > 5 {
            return None;
        }
        for byte in self.folded.phrase(start, end - 1).bytes().filter(|byte| *byte != b' ') {
            *name.get_mut(len)? = byte;
            len += 1;
        }
        Some((name, len))
    }

    /// "Seattle, Washingotn", "Hillsboro, OT", "SEATTLEWA": a last word that is meant to be a state.
    fn misspelt_state(&self, hint: Option<u8>) -> Option<Finding> {
        let mut last = self.len();
        while last > 1 && self.number(last - 1) {
            last -= 1;
        }
        let index = last.checked_sub(1)?;
        let word = self.folded.word(index);
        if index > 0 && word.len() >= 5 && !self.number(index) {
            let state = nearest_state(word.as_bytes());
            if let Some(state) = state.filter(|_| self.gap(index) >= Gap::Comma || self.cues(index) == 0) {
                let before =
                    self.best_in(state, 0, index, true, PlaceMethod::CityState).filter(|found| found.last + 1 == index);
                let found =
                    before.or_else(|| (self.gap(index) >= Gap::Comma).then(|| self.slip(state, 0, index, 2)).flatten());
                if found.is_some() {
                    return found;
                }
            }
        }
        if index > 0 && (1..=3).contains(&word.len()) && self.gap(index) == Gap::Comma && !self.number(index) {
            return self.near_code(index, hint);
        }
        if index == 0 && word.len() >= 6 {
            return self.glued(word);
        }
        None
    }

    /// "Portland, OG": the city decides between the states whose code is one slip away.
    fn near_code(&self, index: usize, hint: Option<u8>) -> Option<Finding> {
        let code = self.folded.word(index).as_bytes();
        let mut best: Option<(u32, Finding)> = None;
        let mut second = 0;
        for state in 0..schemas::geography::states().len() as u8 {
            let Some(whole) = state_of(state) else { continue };
            let mut lower = [0; 2];
            for (to, from) in lower.iter_mut().zip(whole.code.bytes()) {
                *to = from.to_ascii_lowercase();
            }
            if super::typo::within(code, &lower, 1).is_none()
                || code.len() == 1 && code[0] != lower[0] && code[0] != lower[1]
            {
                continue;
            }
            let Some(found) =
                self.best_in(state, 0, index, true, PlaceMethod::Typo).filter(|found| found.county.is_some())
            else {
                continue;
            };
            if hint == Some(state) {
                return Some(found);
            }
            let people = self.mention(found.first, state).map_or(0, |mention| mention.people);
            if best.as_ref().is_none_or(|(most, _)| people > *most) {
                second = best.map_or(0, |(most, _)| most);
                best = Some((people, found));
            } else {
                second = second.max(people);
            }
        }
        best.filter(|(most, _)| *most > 100 && *most >= 10 * second)
            .map(|(_, found)| Finding { method: PlaceMethod::Typo, ..found })
    }

    /// "SEATTLEWA".
    fn glued(&self, word: &str) -> Option<Finding> {
        if self.nodes[0].cues != 0 || self.longest(0, |_| true).is_some() {
            return None;
        }
        let (name, code) = word.split_at_checked(word.len() - 2)?;
        let in_state = |name: &str, state: u8| {
            let node = self.gazetteer.node(name)?;
            let entry = self.gazetteer.entries(node).find(|entry| entry.state == state && entry.kind == Kind::City)?;
            Some(Finding {
                county: entry.county,
                state: Some(state),
                method: PlaceMethod::CityState,
                first: 0,
                last: 0,
            })
            .filter(|found| found.county.is_some())
        };
        if let Some(found) = self.gazetteer.code(code).and_then(|state| in_state(name, state)) {
            return Some(found);
        }
        (4..word.len() - 3).filter(|at| word.is_char_boundary(*at)).find_map(|at| {
            let (name, state) = word.split_at(at);
            let node = self.gazetteer.node(state)?;
            let state = self.gazetteer.entries(node).find(|entry| entry.kind == Kind::State)?.state;
            in_state(name, state)
        })
    }

    /// A place without a state in the text: in the state of the hint, else of a name that means one place.
    fn unstated(&self, hint: Option<u8>) -> Option<Finding> {
        let hinted = hint.and_then(|state| self.best_in(state, 0, self.len(), false, PlaceMethod::CityInHintedState));
        if hinted.is_some() {
            return hinted;
        }
        let slip = hint.and_then(|state| self.slip(state, 0, self.len(), 2));
        let alone = self.alone();
        match (slip, alone) {
            (Some(slip), Some(alone)) if slip.county != alone.county => None,
            (Some(slip), _) => Some(slip),
            (None, Some(alone)) => Some(alone),
            (None, None) => self.only_state(),
        }
    }

    /// A name that means one place in the whole country, when nothing else in the text speaks for another.
    fn alone(&self) -> Option<Finding> {
        let ice = (0..self.len()).any(|index| self.cues(index) & cue::ICE != 0);
        // A state at the very start ("AK PROBATION ANCHORAGE") leaves that state's places.
        let led = self
            .state_at(0)
            .filter(|stated| stated.last + 1 < self.len() && (!stated.code || !is_word(self.folded.word(0))));
        if let Some(led) = led
            && let Some(found) = self.best_in(led.state, led.last + 1, self.len(), false, PlaceMethod::CityState)
            && found.county.is_some()
            && self.all_idle_but(found, led)
        {
            return Some(found);
        }
        let mut best: Option<(u8, Finding)> = None;
        let mut first = 0;
        while first < self.len() {
            let Some((last, _)) = self.longest(first, |entry| entry.kind != Kind::State) else {
                first += 1;
                continue;
            };
            let found = self.national(first, last, ice, false);
            if let Some((rank, found)) = found {
                match &best {
                    Some((held, other)) if *held == rank && other.county != found.county => return None,
                    Some((held, _)) if *held >= rank => {}
                    _ => best = Some((rank, found)),
                }
                first = found.last + 1;
            } else {
                first = last + 1;
            }
        }
        if best.is_none() && ice {
            return self.slip_in(0, self.len(), |name| self.gazetteer.nearest_office(name));
        }
        best.map(|(_, found)| found)
    }

    /// What a phrase means without a state, and how strongly. `led`: a word before it says that it is a place.
    pub fn national(&self, first: usize, last: usize, ice: bool, led: bool) -> Option<(u8, Finding)> {
        let node = self.gazetteer.node(self.folded.phrase(first, last))?;
        let office = ice.then(|| self.gazetteer.entries(node).find(|entry| entry.kind == Kind::IceOffice)).flatten();
        if let Some(office) = office {
            let (county, state, method) = (office.county, Some(office.state), PlaceMethod::IceOffice);
            return Some((3, Finding { county, state, method, first, last }));
        }
        let mention = self.weigh(first, last, node, |entry| entry.national)?;
        let county = mention.county?;
        let rank = match mention.method {
            PlaceMethod::Court | PlaceMethod::Facility => 4,
            PlaceMethod::CountyName if mention.sure => 2,
            PlaceMethod::CountyName => return None,
            _ => 1,
        };
        // A county or a court of a name that several states have says nothing, even where a city of that name would.
        let next = self.cues(last + 1);
        if rank == 1 && next & cue::COUNTY != 0 && self.folded.gap_after(last) == Gap::Space
            || rank <= 2 && !led && !self.apart(first, mention.last)
        {
            return None;
        }
        // "Kent city jail" is the jail of some city Kent before it is one of Kent City.
        if last > first
            && self.cues(last) & cue::NOISE != 0
            && next & cue::NOISE != 0
            && self.gazetteer.node(self.folded.phrase(first, last - 1)).is_some_and(|shorter| !shorter.plain())
        {
            return None;
        }
        let method = if mention.method == PlaceMethod::CityState { PlaceMethod::CityAlone } else { mention.method };
        Some((rank, Finding { county: Some(county), state: None, method, first, last: mention.last }))
    }

    /// Whether what stands beside a name without a sign between is no part of it.
    fn apart(&self, first: usize, last: usize) -> bool {
        let idle = |index: usize| self.number(index) || self.cues(index) != 0 || self.folded.word(index).len() == 1;
        (first == 0 || self.gap(first) >= Gap::Comma || idle(first - 1))
            && (last + 1 >= self.len() || self.gap(last + 1) >= Gap::Comma || idle(last + 1))
    }

    fn all_idle_but(&self, found: Finding, led: Stated) -> bool {
        (led.last + 1..self.len())
            .all(|index| (found.first..=found.last).contains(&index) || self.number(index) || self.cues(index) != 0)
    }

    /// A text that is the name of a state and no more. "Washington" may also be the capital.
    fn only_state(&self) -> Option<Finding> {
        let stated = self
            .state_at(0)
            .filter(|stated| stated.last + 1 == self.len() && self.folded.phrase(0, stated.last) != "washington")?;
        Some(Finding {
            county: None,
            state: Some(stated.state),
            method: PlaceMethod::StateOnly,
            first: 0,
            last: stated.last,
        })
    }
}

/// A place among the tokens: what it is, before the text as a whole is weighed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mention {
    pub last: usize,
    pub county: Option<&'static County>,
    /// `CityState` for any city under its own name.
    pub method: PlaceMethod,
    /// Not only a county's bare name.
    pub sure: bool,
    pub also_a: AlsoA,
    /// From a list written by hand.
    pub by_hand: bool,
    /// In hundreds.
    pub people: u32,
}
