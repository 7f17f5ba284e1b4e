//! What the words of a text weigh, beside what the rules decided.
//!
//! Every writer tells the same thing in other words. A rule knows the turns that it names; that "lawyer", "letter" and
//! "should" stand in questions rather than in reports of arrests is known of each word by itself, a little, and what a
//! phrase of another rule tells of this axis ("the van left", "a card left behind") a little more. Here the little things
//! are added up, together with what the rules decided: near evidence for two codes leaves the axis open rather than
//! wrong, and clear evidence codes what no rule understood.
//!
//! What always holds: whole numbers only, so every machine finds the same; a word counts once a text, by its first
//! letters, and a rule once; only what stands in the weights counts; numbers count nothing.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::RuleId;
use super::fold::Token;
use super::lexicon::Fnv;
use super::load::{Axis, FactId, Value};

/// A text of fewer words weighs as if it had so many.
const FEWEST: i32 = 30;

/// Letters of a word that count: "llevaron" and "llevarse" are one.
pub(super) const LETTERS: usize = 5;

/// A word by its first letters, as one number. `None` for numbers.
pub(super) fn stem(folded: &[u8]) -> Option<u64> {
    let first = folded.first()?;
    if first.is_ascii_digit() {
        return None;
    }
    Some(folded.iter().take(LETTERS).fold(0, |all, byte| (all << 8) | u64::from(*byte)))
}

/// A code of the axis, with its facts.
#[derive(Debug)]
pub(super) struct Choice {
    pub value: Value,
    /// `event_kind.arrest`
    pub fact: FactId,
    /// `event_kind=arrest`, where a decision asks for it.
    pub won: Option<FactId>,
    pub bias: i32,
    /// It says that something happened.
    pub event: bool,
}

/// The weights of one axis.
#[derive(Debug)]
pub(super) struct Weigh {
    pub axis: Axis,
    pub id: RuleId,
    /// What a decision of the rules weighs, and one that says of itself that it is weak.
    pub trust: i32,
    pub trust_weak: i32,
    /// A phrase of a lower rank than this is weak: it mentions a place rather than says where something happened.
    pub weak_rank: i32,
    /// By how much the best code must outweigh the next: to stand, and to stand where the rules said something else,
    /// or nothing.
    pub least: i32,
    pub least_against: i32,
    /// By how much an event must outweigh what is none: a drill that is counted as an arrest is the worse mistake.
    pub least_event: i32,
    /// Facts of which one must hold before words alone make an event of a text.
    pub event_needs: Vec<FactId>,
    pub choices: Vec<Choice>,
    /// By the numbers of stems.
    pub words: Weights,
    /// By the numbers of rules.
    pub phrases: Weights,
}

/// For each stem, or each rule, by its number, the weight for each choice, where the axis has any.
#[derive(Debug)]
pub(super) struct Weights {
    choices: usize,
    /// Which row each has, counted from 1.
    rows: Vec<u16>,
    /// Row by row.
    weights: Vec<i16>,
}

impl Weights {
    pub(super) fn new(choices: usize) -> Self {
        Self { choices, rows: Vec::new(), weights: Vec::new() }
    }

    /// False where it has a row already, or the row is not of so many choices.
    pub(super) fn add(&mut self, number: u16, row: &[i16]) -> bool {
        let at = usize::from(number);
        self.rows.resize(self.rows.len().max(at + 1), 0);
        if self.rows[at] != 0 || row.len() != self.choices {
            return false;
        }
        self.weights.extend_from_slice(row);
        // No more rows than numbers, which are as small.
        self.rows[at] = u16::try_from(self.weights.len() / self.choices.max(1)).unwrap_or_default();
        true
    }

    fn row(&self, number: u16) -> Option<&[i16]> {
        let row = usize::from(*self.rows.get(usize::from(number))?).checked_sub(1)?;
        self.weights.get(row * self.choices..(row + 1) * self.choices)
    }

    fn add_to(&self, scores: &mut [i32], numbers: &[u16]) {
        for row in numbers.iter().filter_map(|number| self.row(*number)) {
            for (score, weight) in scores.iter_mut().zip(row) {
                *score += i32::from(*weight);
            }
        }
    }
}

/// The stems of all axes, numbered.
#[derive(Debug, Default)]
pub(super) struct Stems(HashMap<u64, u16, BuildHasherDefault<Fnv>>);

/// A word of no weight.
pub(super) const NO_STEM: u16 = u16::MAX;

impl Stems {
    /// The number of a stem, a new one if need be. `None` when there are too many.
    pub(super) fn number(&mut self, stem: u64) -> Option<u16> {
        let next = u16::try_from(self.0.len()).ok().filter(|n| *n != NO_STEM)?;
        Some(*self.0.entry(stem).or_insert(next))
    }

    pub(super) fn find(&self, folded: &[u8]) -> u16 {
        stem(folded).and_then(|stem| self.0.get(&stem).copied()).unwrap_or(NO_STEM)
    }
}

/// What the evidence comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What the rules decided stands.
    Stands,
    /// Two codes are near: the axis is left open.
    Open,
    /// This choice, which the rules did not make.
    Instead(usize),
}

/// What stands in a text, as far as it may weigh: numbers of stems and of rules that fired, sorted, each once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub stems: &'a [u16],
    pub rules: &'a [u16],
}

/// The root of how many words count, in tenths: the longer a text, the less each word of it. A short one is not judged by
/// one word.
fn root(weigh: &Weigh, found: Found<'_>) -> i32 {
    let known = found.stems.iter().filter(|stem| weigh.words.row(**stem).is_some()).count();
    (i32::try_from(known).unwrap_or(i32::MAX / 100).max(FEWEST) * 100).isqrt()
}

/// Weighs what was found, and what the rules decided: a choice, and whether it is weak.
pub(super) fn weigh(weigh: &Weigh, found: Found<'_>, decided: Option<(usize, bool)>, scores: &mut Vec<i32>) -> Verdict {
    scores.clear();
    scores.resize(weigh.choices.len(), 0);
    weigh.words.add_to(scores, found.stems);
    let root = root(weigh, found);
    scores.iter_mut().for_each(|score| *score = *score * 10 / root);
    weigh.phrases.add_to(scores, found.rules);
    for (at, score) in scores.iter_mut().enumerate() {
        *score += weigh.choices[at].bias;
        if let Some((own, weak)) = decided
            && own == at
        {
            *score += if weak { weigh.trust_weak } else { weigh.trust };
        }
    }
    let best = scores
        .iter()
        .enumerate()
        .fold((0, i32::MIN), |best, (at, score)| if *score > best.1 { (at, *score) } else { best });
    let lead = |over: &dyn Fn(&Choice) -> bool| {
        let others =
            scores.iter().zip(&weigh.choices).enumerate().filter(|(at, (_, choice))| *at != best.0 && over(choice));
        others.map(|(_, (score, _))| best.1 - score).min().unwrap_or(i32::MAX)
    };
    let clear = lead(&|_| true);
    if weigh.choices[best.0].event && lead(&|choice| !choice.event) < weigh.least_event {
        return if decided.is_some() { Verdict::Open } else { Verdict::Stands };
    }
    match decided {
        Some((own, _)) if own == best.0 => {
            if clear >= weigh.least {
                Verdict::Stands
            } else {
                Verdict::Open
            }
        }
        _ if clear >= weigh.least_against => Verdict::Instead(best.0),
        Some(_) => Verdict::Open,
        None => Verdict::Stands,
    }
}

/// The stems of a text, sorted, each once; without the tokens that `skip` holds of.
pub(super) fn stems_of(tokens: &[Token], skip: impl Fn(usize) -> bool, out: &mut Vec<u16>) {
    out.clear();
    out.extend(tokens.iter().enumerate().filter(|(at, t)| t.stem != NO_STEM && !skip(*at)).map(|(_, t)| t.stem));
    out.sort_unstable();
    out.dedup();
}

/// The word or phrase that says most for choice `at`: what the provenance points to. `words` and `phrases`: numbers with
/// their stretches.
pub(super) fn loudest(
    weigh: &Weigh,
    found: Found<'_>,
    words: impl Iterator<Item = (u16, (u32, u32))>,
    phrases: impl Iterator<Item = (u16, (u32, u32))>,
    at: usize,
) -> (u32, u32) {
    let root = root(weigh, found);
    let says = |weights: &Weights, number| weights.row(number).and_then(|row| row.get(at)).map(|w| i32::from(*w));
    let words = words.filter_map(|(stem, span)| Some((says(&weigh.words, stem)? * 10 / root, span)));
    let phrases = phrases.filter_map(|(rule, span)| Some((says(&weigh.phrases, rule)?, span)));
    let most = words.chain(phrases).reduce(|most, next| if next.0 > most.0 { next } else { most });
    most.map_or((0, 0), |(_, span)| span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(least: i32, least_against: i32) -> Weigh {
        let choice = |fact| Choice { value: Value::Sign, fact, won: None, bias: 0, event: fact == 0 };
        let mut weights = Weights::new(2);
        assert!(weights.add(0, &[160, 0]) && weights.add(1, &[0, 160]) && !weights.add(1, &[0, 1]));
        let mut phrases = Weights::new(2);
        assert!(phrases.add(7, &[30, 0]));
        Weigh {
            axis: Axis::EventKind,
            id: RuleId(0),
            trust: 20,
            trust_weak: 5,
            weak_rank: 5,
            least,
            least_against,
            least_event: 0,
            event_needs: vec![],
            choices: vec![choice(0), choice(1)],
            words: weights,
            phrases,
        }
    }

    #[test]
    fn near_evidence_leaves_open_and_clear_evidence_decides() {
        let mut scores = Vec::new();
        let axis = two(10, 15);
        let weigh = |axis, stems, decided, scores: &mut _| weigh(axis, Found { stems, rules: &[] }, decided, scores);
        assert_eq!(weigh(&axis, &[0], None, &mut scores), Verdict::Instead(0));
        assert_eq!(weigh(&axis, &[0, 1], None, &mut scores), Verdict::Stands, "nothing was decided, nothing is");
        assert_eq!(weigh(&axis, &[0], Some((0, false)), &mut scores), Verdict::Stands);
        assert_eq!(weigh(&axis, &[1], Some((0, false)), &mut scores), Verdict::Open, "20 against 30");
        assert_eq!(weigh(&axis, &[1], Some((0, true)), &mut scores), Verdict::Instead(1), "a weak one gives way");
        assert_eq!(weigh(&axis, &[2], Some((1, true)), &mut scores), Verdict::Open, "a weak one alone");
    }

    #[test]
    fn an_event_needs_more_than_what_is_none() {
        let axis = Weigh { least_event: 30, ..two(10, 15) };
        let of = |stems, decided| weigh(&axis, Found { stems, rules: &[] }, decided, &mut Vec::new());
        assert_eq!(of(&[0], Some((0, true))), Verdict::Stands, "34 more");
        assert_eq!(of(&[0], None), Verdict::Stands, "29 more is not enough: nothing stays");
        assert_eq!(of(&[], Some((0, false))), Verdict::Open, "20 more");
        assert_eq!(of(&[1], None), Verdict::Instead(1));
    }

    #[test]
    fn a_phrase_weighs_whole_and_is_pointed_to() {
        let (axis, mut scores) = (two(10, 15), Vec::new());
        let found = Found { stems: &[1], rules: &[7] };
        assert_eq!(weigh(&axis, found, None, &mut scores), Verdict::Stands, "30 against 29");
        assert_eq!(scores, [30, 29]);
        let says_most = |at| loudest(&axis, found, [(1, (0, 4))].into_iter(), [(7, (5, 9))].into_iter(), at);
        assert_eq!((says_most(0), says_most(1)), ((5, 9), (0, 4)));
    }

    #[test]
    fn a_word_is_its_first_letters() {
        assert_eq!(stem(b"llevaron"), stem(b"llevarse"));
        assert_ne!(stem(b"ice"), stem(b"icebox"));
        assert_eq!(stem(b"50"), None);
    }
}
