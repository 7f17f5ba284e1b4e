//! How many: numbers in digits and in English and Spanish words, and the ways to hedge and to bound them.
//!
//! What always holds: a number that may be part of a date, a clock time, a telephone or a house number counts nothing
//! unless a counting phrase says so; a sum or a product never overflows, it is unknown instead.

use schemas::Count;

use super::fold::{Break, Token};
use super::lexicon::{Lexicon, WordId};

/// What a word does in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberWord {
    /// "two", "dos": counts by itself.
    Value(u32),
    /// "a", "un": one, where a count is asked for and nothing else is there.
    One,
    /// "dozen", "docena".
    Dozen,
    /// "couple", "par", "pair".
    Couple,
    /// "hundred", "cien" after a number.
    Half,
    /// "to", "or", "a", "o": between two numbers a range.
    Range,
    /// "and", "y".
    And,
    /// "least", "menos", "minimum": so many or more, before the number.
    AtLeast,
    /// "more", "mas", "plus": so many or more, after the number and "or".
    More,
    /// "than", "de": after "more".
    Than,
    /// "of", "de", "at", "al", "por", "lo": filler of the phrases above.
    Filler,
    /// "between", "entre": makes a range of "5 and 6".
    Between,
    /// "each", "cada": the product of two numbers.
    Each,
}

use NumberWord as W;

/// The words of numbers, folded.
pub(super) const WORDS: &[(&str, NumberWord)] = &[
    ("zero", W::Value(0)),
    ("cero", W::Value(0)),
    ("one", W::Value(1)),
    ("uno", W::Value(1)),
    ("two", W::Value(2)),
    ("dos", W::Value(2)),
    ("three", W::Value(3)),
    ("tres", W::Value(3)),
    ("four", W::Value(4)),
    ("cuatro", W::Value(4)),
    ("five", W::Value(5)),
    ("cinco", W::Value(5)),
    ("six", W::Value(6)),
    ("seis", W::Value(6)),
    ("seven", W::Value(7)),
    ("siete", W::Value(7)),
    ("eight", W::Value(8)),
    ("ocho", W::Value(8)),
    ("nine", W::Value(9)),
    ("nueve", W::Value(9)),
    ("ten", W::Value(10)),
    ("diez", W::Value(10)),
    ("eleven", W::Value(11)),
    ("twelve", W::Value(12)),
    ("doce", W::Value(12)),
    ("thirteen", W::Value(13)),
    ("trece", W::Value(13)),
    ("fourteen", W::Value(14)),
    ("catorce", W::Value(14)),
    ("fifteen", W::Value(15)),
    ("quince", W::Value(15)),
    ("sixteen", W::Value(16)),
    ("dieciseis", W::Value(16)),
    ("seventeen", W::Value(17)),
    ("diecisiete", W::Value(17)),
    ("eighteen", W::Value(18)),
    ("dieciocho", W::Value(18)),
    ("nineteen", W::Value(19)),
    ("diecinueve", W::Value(19)),
    ("twenty", W::Value(20)),
    ("veinte", W::Value(20)),
    ("veinticinco", W::Value(25)),
    ("thirty", W::Value(30)),
    ("treinta", W::Value(30)),
    ("forty", W::Value(40)),
    ("cuarenta", W::Value(40)),
    ("fifty", W::Value(50)),
    ("cincuenta", W::Value(50)),
    ("sixty", W::Value(60)),
    ("sesenta", W::Value(60)),
    ("seventy", W::Value(70)),
    ("eighty", W::Value(80)),
    ("ninety", W::Value(90)),
    ("hundred", W::Value(100)),
    ("cien", W::Value(100)),
    ("a", W::One),
    ("an", W::One),
    ("un", W::One),
    ("una", W::One),
    ("dozen", W::Dozen),
    ("docena", W::Dozen),
    ("dozens", W::Dozen),
    ("docenas", W::Dozen),
    ("couple", W::Couple),
    ("pair", W::Couple),
    ("par", W::Couple),
    ("parcito", W::Couple),
    ("half", W::Half),
    ("media", W::Half),
    ("to", W::Range),
    ("or", W::Range),
    ("o", W::Range),
    ("u", W::Range),
    ("thru", W::Range),
    ("and", W::And),
    ("y", W::And),
    ("least", W::AtLeast),
    ("menos", W::AtLeast),
    ("minimum", W::AtLeast),
    ("minimo", W::AtLeast),
    ("min", W::AtLeast),
    ("more", W::More),
    ("mas", W::More),
    ("over", W::More),
    ("plus", W::More),
    ("than", W::Than),
    ("de", W::Than),
    ("of", W::Filler),
    ("at", W::Filler),
    ("al", W::Filler),
    ("por", W::Filler),
    ("lo", W::Filler),
    ("between", W::Between),
    ("entre", W::Between),
    ("each", W::Each),
    ("cada", W::Each),
    ("apiece", W::Each),
];

fn one_number(count: Count) -> Option<u32> {
    (count.min() == count.max() && !count.is_at_least()).then(|| count.min()).flatten()
}

/// Turns the ways to say how many into one token each, from the left. `text` tells what stands between digits.
pub(super) fn join(text: &str, tokens: &mut Vec<Token>, lexicon: &Lexicon) {
    not_counts(text.as_bytes(), tokens);
    let mut out = 0;
    let mut at = 0;
    while at < tokens.len() {
        let (taken, count) =
            quantity(&tokens[at..], at.checked_sub(1).and_then(|n| lexicon.number_word(tokens[n].word)), lexicon)
                .unwrap_or((1, None));
        let mut token = tokens[at];
        if let Some(count) = count {
            if taken > 1 {
                token.word = WordId::UNKNOWN;
                token.end = tokens[at + taken - 1].end;
            }
            token.count = Some(count);
        }
        token.mask = lexicon.mask(token.word, token.count.is_some(), token.capital);
        tokens[out] = token;
        out += 1;
        at += taken;
    }
    tokens.truncate(out);
    let mut ahead = 0;
    for token in tokens.iter_mut().rev() {
        token.ahead = token.mask | ahead;
        ahead = if token.before == Break::None { token.ahead } else { 0 };
    }
}

/// Digits of clock times, dates, telephones, decimals: no counts.
fn not_counts(bytes: &[u8], tokens: &mut [Token]) {
    let digit = |t: &Token| bytes[t.start as usize].is_ascii_digit();
    for i in 1..tokens.len() {
        if !(digit(&tokens[i]) && digit(&tokens[i - 1])) || tokens[i].start != tokens[i - 1].end + 1 {
            continue;
        }
        match bytes[tokens[i - 1].end as usize] {
            b':' | b'/' | b'.' => {
                tokens[i].count = None;
                tokens[i - 1].count = None;
            }
            b'-' => {
                let third = tokens
                    .get(i + 1)
                    .is_some_and(|n| digit(n) && n.start == tokens[i].end + 1 && bytes[tokens[i].end as usize] == b'-');
                if third {
                    tokens[i - 1].count = None;
                    tokens[i].count = None;
                    tokens[i + 1].count = None;
                }
            }
            _ => {}
        }
    }
    for token in tokens {
        // $20, #3
        if token.start > 0 && matches!(bytes[token.start as usize - 1], b'$' | b'#') {
            token.count = None;
        }
    }
}

/// The longest quantity that starts at the first token: how many tokens, and how many of what it counts.
fn quantity(tokens: &[Token], before: Option<NumberWord>, lexicon: &Lexicon) -> Option<(usize, Option<Count>)> {
    let kind = |i: usize| -> Option<NumberWord> {
        let token = tokens.get(i)?;
        if i > 0 && token.before != Break::None {
            return None;
        }
        lexicon.number_word(token.word)
    };
    let exact = |i: usize| {
        tokens.get(i).filter(|t| i == 0 || t.before == Break::None).and_then(|t| t.count).and_then(one_number)
    };
    // "at least 4", "al menos 4", "por lo menos 4", "mas de 4", "over 4"
    let mut i = 0;
    while i < 2 && matches!(kind(i), Some(W::Filler)) {
        i += 1;
    }
    let lead = match kind(i) {
        Some(W::AtLeast) => Some((i + 1 + usize::from(matches!(kind(i + 1), Some(W::Than | W::Filler))), 0)),
        Some(W::More) if i == 0 && matches!(kind(1), Some(W::Than)) => Some((2, 1)),
        _ => None,
    };
    if let Some((from, beyond)) = lead {
        let (taken, n) = amount(&tokens[from.min(tokens.len())..], lexicon)?;
        return Some((from + taken, Some(Count::at_least(n.saturating_add(beyond)))));
    }
    if tokens.first()?.count.is_some_and(Count::is_at_least) {
        return Some((1, tokens[0].count));
    }
    let (taken, n) = amount(tokens, lexicon)?;
    // "4 or more", "4 o mas", "4 plus"
    if matches!(kind(taken), Some(W::Range)) && matches!(kind(taken + 1), Some(W::More)) {
        return Some((taken + 2, Some(Count::at_least(n))));
    }
    // "5 to 6", "5 o 6", "5-6", "5 a 6"
    let hyphen = exact(taken).is_some() && tokens[taken].start == tokens[taken - 1].end + 1;
    let opened = before == Some(W::Between) && matches!(kind(taken), Some(W::And));
    let between = opened
        || matches!(kind(taken), Some(W::Range))
        || lexicon.number_word(tokens.get(taken).map_or(WordId::UNKNOWN, |t| t.word)) == Some(W::One);
    let second = if hyphen {
        exact(taken).map(|m| (taken + 1, m))
    } else if between {
        exact(taken + 1).map(|m| (taken + 2, m))
    } else {
        None
    };
    if let Some((end, m)) = second
        && n > 0
        && n < m
        && m <= 4 * n + 6
    {
        return Some((end, Some(Count::between(n, m))));
    }
    Some((taken, Some(Count::exactly(n))))
}

/// A plain amount: "4", "twenty five", "treinta y dos", "a dozen", "media docena", "dos docenas", "un par de".
fn amount(tokens: &[Token], lexicon: &Lexicon) -> Option<(usize, u32)> {
    let kind = |i: usize| {
        tokens.get(i).filter(|t| i == 0 || t.before == Break::None).and_then(|t| lexicon.number_word(t.word))
    };
    let value = |i: usize| {
        tokens.get(i).filter(|t| i == 0 || t.before == Break::None).and_then(|t| t.count).and_then(one_number)
    };
    let (taken, n) = match (value(0), kind(0)) {
        (Some(tens), Some(W::Value(20 | 30 | 40 | 50 | 60 | 70 | 80 | 90))) => {
            let and = usize::from(matches!(kind(1), Some(W::And)));
            match (value(1 + and), kind(1 + and)) {
                (Some(unit @ 1..=9), Some(W::Value(_))) => (2 + and, tens + unit),
                _ => (1, tens),
            }
        }
        (Some(n), _) => match kind(1) {
            Some(W::Dozen) => (2, n.checked_mul(12)?),
            Some(W::Value(100)) if n > 0 && n < 10 => (2, n * 100),
            _ => (1, n),
        },
        (None, Some(W::One)) => match kind(1) {
            Some(W::Dozen) => (2, 12),
            Some(W::Couple) => (2, 2),
            Some(W::Half) if kind(2) == Some(W::Dozen) => (3, 6),
            Some(W::Value(100)) => (2, 100),
            _ => return None,
        },
        (None, Some(W::Half)) => {
            let skip = usize::from(matches!(kind(1), Some(W::One)));
            if kind(1 + skip) == Some(W::Dozen) { (2 + skip, 6) } else { return None }
        }
        (None, Some(W::Dozen)) => (1, 12),
        (None, Some(W::Couple)) => (1, 2),
        _ => return None,
    };
    // "a couple of agents", "un par de agentes"
    let of = usize::from(
        taken > 0
            && matches!(kind(taken), Some(W::Filler | W::Than))
            && matches!(kind(taken - 1), Some(W::Couple | W::Dozen)),
    );
    Some((taken + of, n))
}

/// How many agents the words say: "5 to 6", "6+", "at least 4", "2 vehicles with 2 agents each" (4), "3 men, 1 woman" (4).
pub(super) fn parse(words: &str, lexicon: &Lexicon) -> Option<Count> {
    let (mut tokens, mut buffer) = (Vec::new(), Vec::new());
    super::fold::tokens(words, lexicon, &super::evidence::Stems::default(), &mut tokens, &mut buffer);
    join(words, &mut tokens, lexicon);
    let each = tokens.iter().any(|t| lexicon.number_word(t.word) == Some(W::Each));
    let mut counts = tokens.iter().filter_map(|t| t.count);
    let Some(first) = counts.next() else {
        // "an officer"
        return (tokens.len() <= 3
            && tokens.iter().any(|t| lexicon.number_word(t.word) == Some(W::One))
            && tokens.len() >= 2)
            .then(|| Count::exactly(1));
    };
    counts.try_fold(first, |sum, next| if each { product(sum, next) } else { total(sum, next) })
}

/// The sum of two counts; open where one is open.
pub(super) fn total(a: Count, b: Count) -> Option<Count> {
    let min = a.min().zip(b.min()).and_then(|(a, b)| a.checked_add(b));
    let max = a.max().zip(b.max()).and_then(|(a, b)| a.checked_add(b));
    Count::from_parts(min, max, a.is_at_least() || b.is_at_least())
}

/// So many of so many each.
pub(super) fn product(a: Count, b: Count) -> Option<Count> {
    let min = a.min().zip(b.min()).and_then(|(a, b)| a.checked_mul(b));
    let max = a.max().zip(b.max()).and_then(|(a, b)| a.checked_mul(b));
    Count::from_parts(min, max, a.is_at_least() || b.is_at_least())
}
