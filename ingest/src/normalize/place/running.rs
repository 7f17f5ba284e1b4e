//! Chooses the place of a narrative among the places that it names.
//!
//! What always holds: each candidate gets points for what it is, for the words around it and for standing early; the
//! best one wins if it has enough of them. Streets, people, and places that someone comes from, lives in, called from
//! or is taken to lose points. Without a state only names that mean one place in the whole country count.

use super::PlaceMethod;
use super::fold::Gap;
use super::gazetteer::{AlsoA, Kind, cue, state_of};
use super::reading::{Finding, Reading};
use super::shapes;

/// Points below which a candidate is no place of the event.
const ENOUGH: i32 = 45;

/// Words after which a narrative is not read: its place is told by then.
const FAR: usize = 400;

impl Reading<'_> {
    /// The county in which a narrative takes place.
    pub fn running(&self, hint: Option<u8>) -> Option<Finding> {
        let mut best: Option<(i32, Finding)> = None;
        let mut keep = |points: i32, found: Finding| {
            if points >= ENOUGH && best.as_ref().is_none_or(|(held, _)| points > *held) {
                best = Some((points, found));
            }
        };
        let mut first = 0;
        while first < self.len().min(FAR) {
            if let Some(county) = self.zip_at(first) {
                let wanted = match hint {
                    Some(hint) => state_of(hint).is_some_and(|state| state.code == county.state),
                    None => self.state_before(first).is_some(),
                };
                if wanted {
                    let found =
                        Finding { county: Some(county), state: None, method: PlaceMethod::Zip, first, last: first };
                    keep(78 + self.place_points(first, first), found);
                }
                first += 1;
                continue;
            }
            let step = self.candidate(first, hint, &mut keep);
            first += step.max(1);
        }
        best.map(|(_, found)| found).or_else(|| self.point(hint))
    }

    /// The county of a point that is written as two numbers: "36.2021, -115.1177". A longitude without its sign is
    /// west.
    fn point(&self, hint: Option<u8>) -> Option<Finding> {
        (0..self.len().min(FAR)).find_map(|first| {
            let pairs = self.gap(first + 1) == Gap::Stop
                && matches!(self.gap(first + 2), Gap::Comma | Gap::Space | Gap::Joint)
                && self.gap(first + 3) == Gap::Stop;
            if !pairs || !self.number(first) {
                return None;
            }
            let (lat, lon) = (self.decimal(first)?, self.decimal(first + 2)?);
            let county = shapes::county_at(lat, -lon)?;
            let state = hint.and_then(state_of);
            let fits = state.is_none_or(|state| state.code == county.state);
            fits.then_some(Finding {
                county: Some(county),
                state: None,
                method: PlaceMethod::Coordinates,
                first,
                last: first + 3,
            })
        })
    }

    /// A number of degrees with three decimals or more, written as two tokens.
    fn decimal(&self, first: usize) -> Option<f64> {
        let (whole, part) = (self.folded.word(first), self.folded.word(first + 1));
        if !(2..=3).contains(&whole.len()) || !(3..=8).contains(&part.len()) {
            return None;
        }
        let scale = 10_f64.powi(part.len() as i32);
        Some(f64::from(whole.parse::<u32>().ok()?) + f64::from(part.parse::<u32>().ok()?) / scale)
    }

    /// Weighs the place that starts at a token, if one does. Returns how many tokens it takes.
    fn candidate(&self, first: usize, hint: Option<u8>, keep: &mut impl FnMut(i32, Finding)) -> usize {
        // "Durango, CO": a place with its state, of whatever state.
        if let Some((found, last)) = self.with_state(first, hint) {
            let base = if hint.is_none() || hint == found.state { 72 } else { 40 };
            keep(base + self.place_points(first, last), found);
            return last + 1 - first;
        }
        let Some(hint) = hint else {
            let Some((last, _)) = self.longest(first, |entry| entry.national && entry.kind != Kind::State) else {
                return 1;
            };
            let ice = self.cues(last + 1) & cue::ICE != 0;
            let led = self.cues_before(first) & cue::IN != 0
                && self.gap(first) == Gap::Space
                && self.folded.tokens()[first].capital;
            let Some((rank, found)) = self.national(first, last, ice, led) else { return last + 1 - first };
            let base = match rank {
                3.. => 62,
                2 => 58,
                _ => 32 + self.name_points(first, last, AlsoA::Nothing, 500),
            };
            keep(base + self.place_points(first, last), found);
            return found.last + 1 - first;
        };
        let Some(mention) = self.mention(first, hint) else { return 1 };
        let last = mention.last;
        let found = Finding { county: mention.county, state: Some(hint), method: mention.method, first, last };
        let base = match mention.method {
            PlaceMethod::Court | PlaceMethod::Facility => 66,
            PlaceMethod::CountyName if mention.sure => 62,
            PlaceMethod::CountyName => 28 + self.name_points(first, last, mention.also_a, 0),
            // What people call a large city: short ones are also other words, unless they are shouted.
            PlaceMethod::Alias if mention.by_hand => {
                let token = self.folded.tokens()[first];
                let short = self.folded.phrase(first, last).len() < 4 && !(token.shouted && self.folded.mixed());
                let base = if short { 24 } else { 38 };
                base + self.name_points(first, last, mention.also_a, 5000)
            }
            _ => 38 + self.name_points(first, last, mention.also_a, mention.people),
        };
        let method = if found.method == PlaceMethod::CityState { PlaceMethod::CityInHintedState } else { found.method };
        if found.county.is_some() {
            keep(base + self.place_points(first, last), Finding { method, ..found });
        }
        last + 1 - first
    }

    /// A place that its state follows: "Gainesville, GA", "Richmond Va", "Sunland Park, Nuevo México".
    fn with_state(&self, first: usize, hint: Option<u8>) -> Option<(Finding, usize)> {
        let (longest, _) = self.longest(first, |_| true)?;
        (first..=longest).rev().find_map(|last| {
            let gap = self.folded.gap_after(last);
            if !matches!(gap, Gap::Space | Gap::Comma | Gap::Bracket) {
                return None;
            }
            let stated = self.state_at(last + 1)?;
            if stated.code {
                let token = self.folded.tokens()[stated.first];
                // In small letters only the state of the hint, and not where the two letters are a word of every sentence.
                let everyday = matches!(
                    self.folded.word(stated.first),
                    "in" | "or" | "me" | "hi" | "ok" | "oh" | "la" | "de" | "al"
                );
                let apart = gap == Gap::Comma && self.folded.gap_after(stated.last) >= Gap::Comma;
                let written = if token.capital {
                    token.shouted && self.folded.mixed() || hint == Some(stated.state)
                } else {
                    apart || hint == Some(stated.state) && !everyday
                };
                if !written {
                    return None;
                }
            }
            let mention = self
                .mention(first, stated.state)
                .filter(|mention| mention.last == last && mention.county.is_some() && mention.sure)?;
            let found = Finding {
                county: mention.county,
                state: Some(stated.state),
                method: PlaceMethod::CityState,
                first,
                last,
            };
            Some((found, stated.last))
        })
    }

    /// Points for what the name itself looks like.
    fn name_points(&self, first: usize, last: usize, also_a: AlsoA, people: u32) -> i32 {
        let mut points = 0;
        let tokens = self.folded.tokens();
        let capital = tokens[first].capital || tokens[last].capital;
        if self.folded.mixed() {
            // A capital after a full stop says little, none where others have one says that it is a word.
            let opens = self.gap(first) >= Gap::Stop;
            let led = self.gap(first) == Gap::Space && self.cues_before(first) & (cue::IN | cue::OF) != 0;
            points += match (capital, self.capitals()) {
                (true, _) if opens => 4,
                (true, _) => 10,
                (false, true) if !led => -22,
                (false, true) => -8,
                (false, false) => -4,
            };
        }
        if last > first {
            points += 10;
        }
        points -= match (also_a, people) {
            (AlsoA::Nothing, _) => 0,
            (AlsoA::Word, 1000..) => 12,
            (AlsoA::Word, 100..) if first == 0 && capital => 12,
            (AlsoA::Word, _) => 26,
            (AlsoA::Person, 1000..) => 6,
            (AlsoA::Person, 100..) => 14,
            (AlsoA::Person, _) => 20,
        };
        points += match people {
            0..10 => 0,
            10..100 => 3,
            100..1000 => 6,
            1000..5000 => 9,
            _ => 12,
        };
        // Two capitals in a row that are no place together are a person's name or another name's part.
        if first == last && capital && self.folded.mixed() {
            let beside = |index: usize, gap: Gap| {
                gap <= Gap::Space
                    && tokens.get(index).is_some_and(|token| {
                        token.capital
                            && !token.number
                            && !(token.shouted && token.end - token.start < 5)
                            && self.cues(index) == 0
                    })
            };
            let before = first > 0 && beside(first - 1, self.gap(first)) && self.gap(first - 1) < Gap::Stop;
            let known = first == 0 && people >= 1000;
            if !known && (before || beside(last + 1, self.folded.gap_after(last))) {
                points -= if also_a != AlsoA::Nothing && people < 1000 { 24 } else { 14 };
            }
        }
        points
    }

    /// Whether the writer uses capitals for names: some capital stands inside a sentence.
    fn capitals(&self) -> bool {
        self.folded
            .tokens()
            .iter()
            .take(FAR)
            .any(|token| token.capital && !token.shouted && matches!(token.gap, Gap::Space | Gap::Comma))
    }

    /// Points for where a place stands.
    fn place_points(&self, first: usize, last: usize) -> i32 {
        let mut points = -((first as i32) / 3).min(24);
        let ends = self.folded.gap_after(last) >= Gap::Joint;
        let parted = self.folded.gap_after(last) >= Gap::Comma;
        if first == 0 {
            points += if ends { 32 } else { 20 };
        } else if self.gap(first) >= Gap::Comma && parted {
            points += 14;
        }
        // "Roosevelt & 103", "29 y Walker": streets that cross.
        let crosses = |index: usize, number: bool| {
            let token = self.folded.tokens().get(index);
            token.is_some_and(|token| token.to - token.from == 1 && self.folded.word(index) == "and")
                || number && matches!(self.folded.word(index), "y" | "and")
        };
        if crosses(last + 1, self.number(last + 2))
            || first > 0
                && crosses(first - 1, first > 1 && (self.number(first - 2) || self.number(first - 3.min(first))))
        {
            points -= 44;
        }
        let before = self.cues_before(first);
        let gap = self.gap(first);
        let shouted = first > 0
            && self.folded.mixed()
            && self.folded.tokens()[first - 1].shouted
            && self.folded.word(first - 1).len() > 2;
        if first > 0 && before & cue::LABEL != 0 && (gap == Gap::Stop || gap == Gap::Joint || shouted) {
            points += 34;
        }
        // "I-5 Woodburn".
        if first > 1
            && gap <= Gap::Space
            && self.number(first - 1)
            && matches!(self.folded.word(first - 2), "i" | "us" | "sr" | "hwy" | "highway" | "interstate" | "autopista")
        {
            points += 20;
        }
        if gap == Gap::Space && first > 0 {
            if before & cue::IN != 0 {
                points += 24;
            } else if before & cue::OF != 0 {
                let what = if first > 1 { self.cues(first - 2) } else { 0 };
                points += if what & (cue::POLICE | cue::COURT | cue::JAIL | cue::COUNTY | cue::IN | cue::NOISE) != 0 {
                    20
                } else {
                    8
                };
            }
            if before & cue::TITLE != 0 {
                points -= 40;
            }
        }
        let after = self.cues(last + 1);
        if self.folded.gap_after(last) <= Gap::Space && after & (cue::POLICE | cue::JAIL | cue::COURT) != 0 {
            points += 14;
        }
        // Late in a text, a jail is where someone is held now, unless the event is before its door.
        if first > 12 {
            let near = 1..=6.min(first);
            let said = |role: u32| {
                near.clone()
                    .take_while(|back| self.gap(first + 1 - back) < Gap::Stop)
                    .any(|back| self.cues(first - back) & role != 0)
            };
            let jail = self.folded.gap_after(last) <= Gap::Space && (after | self.cues(last)) & cue::JAIL != 0
                || said(cue::JAIL);
            if jail && !said(cue::OUTSIDE) {
                points -= 26;
            }
        }
        // "taken to", "called from", "vive en": another place than that of the event, if a few words before.
        let mut at = first;
        for _ in 0..4 {
            if at == 0 || self.gap(at) >= Gap::Stop {
                break;
            }
            at -= 1;
            let cues = self.cues(at);
            if cues & cue::TO != 0 && (cues & cue::NOISE == 0 || at + 1 == first) || cues & cue::FROM != 0 {
                points -= 40;
                break;
            }
        }
        // "no: es en Boaz", "no, it was Salem": the place that counts. "Salem?" is one that may not.
        let corrected = |back: &usize| {
            matches!(self.folded.word(first - back), "no" | "actually" | "correction" | "correccion" | "digo")
                && self.folded.gap_after(first - back) >= Gap::Comma
        };
        if (1..=4.min(first)).any(|back| corrected(&back)) {
            points += 26;
        }
        if self.folded.tokens().get(last + 1).is_some_and(|token| token.sign == b'?') {
            points -= 10;
        }
        // "he's at Mesa Verde now": where someone is held.
        let who = |at: usize| matches!(self.folded.word(at), "he" | "she" | "client" | "husband" | "dad" | "father");
        let held = match first {
            0..4 => false,
            _ if before & cue::IN == 0 => false,
            _ => {
                matches!(self.folded.word(first - 2), "hes" | "shes" | "held")
                    || self.folded.word(first - 2) == "is" && who(first - 3)
            }
        };
        if held {
            points -= 30;
        }
        points
    }
}
