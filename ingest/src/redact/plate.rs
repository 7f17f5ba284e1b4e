//! Plates of vehicles: behind a word that announces one, whole, partial or spelled, and by their shape beside a vehicle or a
//! state.
//!
//! What always holds: a plate never reaches over a line or a mark; a count, a time, a year, a road, a form or a model alone
//! is none; a number behind "placa" that an officer wears is a badge.

use schemas::redaction::Class;

use super::Span;
use super::fold::{Folded, OPAQUE};
use super::lexicon::{Marks, NEVER, NUMBER, ONES, ORDINARY, PLACE, PLACE_NOUN, STATE, TITLE};
use super::tokens::{BRACKET, COLON, COMMA, HYPHEN, Kind, LINE, MONEY, OTHER, PLUS, SLASH, SPACE, STOP, Shape, Token};
use super::words::{AS_IN, DASH, LETTER, PARTLY, PLATE, PLATE_FILLER, VEHICLE, WEAK_PLATE};

/// The most signs of a plate.
const MOST: usize = 8;
/// The fewest of one that nothing announces.
const FEWEST: usize = 6;
/// How far from a cue its plate may stand, and a vehicle from a plate of its own shape, in tokens.
const REACH: usize = 9;

/// What stands where a plate may stand.
#[derive(Debug, Default, Clone, Copy)]
struct Code {
    /// Behind its last token.
    end: usize,
    digits: usize,
    letters: usize,
    /// Signs that are written as words.
    spelled: usize,
    /// Its pieces, and how many of them stand apart.
    pieces: usize,
    spaces: usize,
    /// All its letters are capitals.
    upper: bool,
}

impl Code {
    fn signs(&self) -> usize {
        self.digits + self.letters
    }
}

/// Finds and hides plates that a word announces.
pub fn announced(folded: &mut Folded, tokens: &[Token], out: &mut Vec<Span>) {
    for at in 0..tokens.len() {
        let marks = tokens[at].cue;
        if marks & (PLATE | WEAK_PLATE) != 0 {
            behind(folded, tokens, at, marks & PLATE != 0, out);
        }
    }
}

/// Finds and hides what is shaped like a plate and stands beside a vehicle or a state.
pub fn shaped(folded: &mut Folded, tokens: &[Token], out: &mut Vec<Span>) {
    let mut at = 0;
    while at < tokens.len() {
        let starts = match tokens[at].kind {
            Kind::Mixed => true,
            Kind::Number => tokens[at].len() <= 4,
            Kind::Word => tokens[at].len() <= 3 && tokens[at].shape == Shape::Upper,
            Kind::Hidden => false,
        };
        let apart = tokens[at].gap & (HYPHEN | SLASH) == 0 || tokens[at].gap & (SPACE | LINE) != 0;
        let code = if starts && apart { code(folded, tokens, at) } else { None };
        match code {
            Some(code) if shows_itself(folded, tokens, at, &code) => {
                take(folded, tokens, at, code.end, Class::Plate, "plate.shape", out);
                at = code.end;
            }
            _ => at += 1,
        }
    }
}

/// The plates behind the cue at `cue`.
fn behind(folded: &mut Folded, tokens: &[Token], cue: usize, strong: bool, out: &mut Vec<Span>) {
    // A name tag bears a name, a driver's licence a number of its own.
    let before = cue.checked_sub(1).map(|at| word(folded, &tokens[at]));
    if matches!(before, Some(b"name" | b"nombre" | b"price" | b"dog" | b"driver" | b"drivers")) {
        return;
    }
    let (mut at, mut partly, mut taken, mut last) = (cue + 1, false, false, cue);
    while at < tokens.len() && at - last <= REACH {
        let (gap, token) = (tokens[at].gap, &tokens[at]);
        // "lic." and "no." end no sentence.
        let abbreviated = gap & STOP != 0 && tokens[at - 1].len() > 5 && !(taken && gap & SPACE == 0);
        if gap & (LINE | MONEY | OTHER) != 0 || abbreviated || token.kind == Kind::Hidden {
            break;
        }
        let code = code(folded, tokens, at).filter(|code| {
            let told = partly || gap & (PLUS | COLON) != 0;
            let first = strong && !taken;
            announces(folded, tokens, at, code, if first || partly { told } else { false }, first, partly)
        });
        if let Some(code) = code {
            let class = if is_worn(folded, tokens, cue, at, code.end) { Class::Badge } else { Class::Plate };
            let rule = if class == Class::Badge { "badge.placa" } else { "plate.cue" };
            take(folded, tokens, at, code.end, class, rule, out);
            (at, last, taken, partly) = (code.end, code.end, true, false);
            continue;
        }
        let marks = token.cue;
        let place = token.is(PLACE) && token.shape != Shape::Lower || token.is(STATE) && token.len() == 2;
        if marks & (PLATE | WEAK_PLATE | PLATE_FILLER | PARTLY | VEHICLE) == 0 && !place {
            break;
        }
        partly |= marks & PARTLY != 0;
        at += 1;
    }
}

/// Whether a code behind a cue is a plate. `told`: a sign or a word says that it comes; `first`: a strong cue stands
/// before it and no other plate between.
fn announces(folded: &Folded, tokens: &[Token], at: usize, code: &Code, told: bool, first: bool, partly: bool) -> bool {
    let token = &tokens[at];
    let counted = tokens
        .get(code.end)
        .is_some_and(|next| next.kind == Kind::Word && next.gap == SPACE && next.shape == Shape::Lower && !partly);
    if code.spelled >= 3 {
        return first || code.digits > 0;
    }
    match (code.digits, code.letters) {
        // A vanity plate: capitals that are no word, no state and no agency.
        (0, letters) => {
            let alone = code.end - at == 1 && letters <= 7;
            let said = alone && token.shape == Shape::Upper && tokens[at - 1].shape != Shape::Upper;
            let plain = token.is(ORDINARY | PLACE | NEVER | STATE | TITLE);
            (first || partly) && (said && !plain || code.pieces >= 3 && code.upper) && letters >= 2
        }
        (digits, 0) => {
            let number = word(folded, token);
            let year = number.len() == 4 && (number.starts_with(b"19") || number.starts_with(b"20"));
            let long = digits >= 3 && (told || !year || code.pieces > 1);
            (first || partly) && (long || told && digits == 2 && !counted || partly && !counted)
        }
        (_, letters) => {
            let whole = code.signs() >= 4 && (letters >= 2 || first);
            let clock = is_clock(word(folded, token)) && code.end - at == 1;
            !clock && (whole || (first || partly) && (code.signs() >= 3 || token.kind == Kind::Mixed))
                || !clock && !first && token.kind == Kind::Mixed && code.signs() >= 2 && code.upper && at > 0 && {
                    // "partial 7FR"
                    tokens[at - 1].cue & WEAK_PLATE != 0
                }
        }
    }
}

/// Whether the number at `at` behind "placa" is what an officer wears: one is spoken of, and no vehicle.
fn is_worn(folded: &Folded, tokens: &[Token], cue: usize, at: usize, end: usize) -> bool {
    if !matches!(word(folded, &tokens[cue]), b"placa" | b"chapa") {
        return false;
    }
    let from = cue.saturating_sub(REACH);
    let (mut officer, mut vehicle) = (false, false);
    for token in &tokens[from..at] {
        if token.gap & LINE != 0 {
            (officer, vehicle) = (false, false);
        }
        officer |= token.is(TITLE);
        vehicle |= token.cue & VEHICLE != 0;
    }
    let of_officer = tokens[end..].iter().take(3).any(|token| token.is(TITLE) && token.gap == SPACE);
    (officer || of_officer) && !vehicle
}

/// Whether a code that nothing announces is a plate.
fn shows_itself(folded: &Folded, tokens: &[Token], at: usize, code: &Code) -> bool {
    let token = &tokens[at];
    let pieces = &tokens[at..code.end];
    let short = code.pieces == 1 && token.kind == Kind::Mixed && code.upper;
    if short && !is_clock(word(folded, token)) && cue_follows(tokens, code.end) {
        return true;
    }
    if code.spelled > 0 || code.digits < 2 || code.signs() > MOST {
        return false;
    }
    let next = tokens.get(code.end);
    let state = |token: &Token| {
        token.is(STATE) && token.shape == Shape::Upper || token.is(PLACE) && token.shape == Shape::Capital
    };
    let state_before = at > 0 && token.gap & !(SPACE | COLON | COMMA) == 0 && state(&tokens[at - 1]);
    let vehicle_near = near(tokens, at, code.end, VEHICLE);
    if code.letters == 0 {
        // "gray Explorer NH 481 2209"
        let tight = at > 0 && tokens[at - 1].is(STATE) && tokens[at - 1].shape == Shape::Upper;
        return code.signs() >= FEWEST && code.pieces == 2 && tight && vehicle_near && code.spaces == 1;
    }
    let state_after = next.is_some_and(|next| next.gap & !(SPACE | COMMA | BRACKET) == 0 && state(next));
    let cue_after = cue_follows(tokens, code.end);
    // A road, a form, a model: "I-247A", "F-150".
    let named = code.pieces > 1
        && token.kind == Kind::Word
        && token.len() == 1
        && tokens[at + 1].gap == HYPHEN
        && code.pieces == 2
        && code.digits <= 3;
    let plain = |t: &Token| t.kind == Kind::Word && t.is(ORDINARY | NEVER | STATE | PLACE_NOUN | TITLE);
    let fits = code.signs() >= FEWEST || code.signs() == 5 && (cue_after || state_before && vehicle_near);
    let apart = code.spaces > 0;
    let beside = vehicle_near || cue_after || state_before || state_after && !apart;
    fits && beside
        && !named
        && (code.upper || vehicle_near && !apart || cue_after)
        && (code.letters >= 2 || !apart || vehicle_near && token.kind == Kind::Mixed && code.pieces == 2 && code.upper)
        && !(apart && pieces.iter().any(plain))
        && (!is_clock(word(folded, token)) || token.shape != Shape::Lower && token.len() <= 3 && apart)
}

/// Whether a word with one of `marks` stands near to `start..end`, in the same line.
fn near(tokens: &[Token], start: usize, end: usize, marks: Marks) -> bool {
    let mut line = true;
    let before = (start.saturating_sub(REACH)..start).rev().any(|at| {
        line &= tokens[at + 1].gap & LINE == 0;
        line && tokens[at].cue & marks != 0
    });
    before || tokens[end..].iter().take(4).take_while(|token| token.gap & LINE == 0).any(|token| token.cue & marks != 0)
}

/// "... on the plate", "... Georgia tags".
fn cue_follows(tokens: &[Token], end: usize) -> bool {
    for token in tokens[end..].iter().take(6) {
        let marks = token.cue;
        if token.gap & !SPACE != 0 || token.kind != Kind::Word {
            return false;
        }
        if marks & PLATE != 0 {
            return true;
        }
        if marks & (PLATE_FILLER | PARTLY) == 0 && !(token.is(PLACE | STATE) && token.shape != Shape::Lower) {
            return false;
        }
    }
    false
}

/// The letters and digits that stand together from token `at` on, set in any way people set a plate.
fn code(folded: &Folded, tokens: &[Token], at: usize) -> Option<Code> {
    let mut code = Code { upper: true, ..Code::default() };
    let mut next = at;
    let mut all_single = true;
    while let Some(token) = tokens.get(next) {
        let marks = token.cue;
        let single = token.len() == 1 || marks & LETTER != 0 || token.is(ONES);
        // "K, V, M, 4, 4": single signs may be read out.
        let listed = all_single && single && token.gap == COMMA | SPACE;
        let taken = folded.bytes[token.start] == OPAQUE;
        if taken || next > at && !is_joined(token.gap) && !listed {
            break;
        }
        let room = MOST - code.signs().min(MOST);
        let apart = next > at && token.gap & SPACE != 0;
        // A plate that is whole is not gone on with by what stands apart.
        let whole = code.signs() >= 5 && code.digits > 0 && (code.letters > 0 || token.kind != Kind::Number);
        if apart && whole && !(all_single && single) && !closes(tokens, next, &code) {
            break;
        }
        match token.kind {
            Kind::Number if token.len() <= room => {
                // "veh 1 IL DK 48 217": the first vehicle, of Illinois.
                let counted = next == at
                    && token.len() == 1
                    && tokens.get(next + 1).is_some_and(|t| t.gap == SPACE && t.is(STATE) && t.shape == Shape::Upper);
                if counted {
                    break;
                }
                // "plate 7KX 2 agents": a count.
                let counts = tokens.get(next + 1).is_some_and(|noun| {
                    noun.kind == Kind::Word
                        && noun.gap == SPACE
                        && noun.len() >= 3
                        && noun.shape == Shape::Lower
                        && !noun.is(NUMBER)
                        && noun.cue & LETTER == 0
                });
                if apart && token.len() == 1 && counts && !all_single {
                    break;
                }
                code.digits += token.len();
            }
            // "7KX 8am", "7KX 20k"; but "G41 2281K".
            Kind::Mixed if token.len() <= room && !(apart && token.len() <= 4 && is_clock(word(folded, token))) => {
                let digits = word(folded, token).iter().filter(|b| b.is_ascii_digit()).count();
                code.digits += digits;
                code.letters += token.len() - digits;
                code.upper &= token.shape != Shape::Lower;
            }
            Kind::Word if marks & LETTER != 0 && room > 0 && spells(tokens, next, at) => {
                code.letters += 1;
                code.spelled += 1;
            }
            Kind::Word if token.is(ONES) && token.len() >= 2 && room > 0 => {
                code.digits += 1;
                code.spelled += 1;
            }
            Kind::Word if marks & DASH != 0 && next > at => {
                next += 1;
                continue;
            }
            Kind::Word if token.len() <= room && is_piece(folded, tokens, next, &code) => {
                code.letters += token.len();
                code.upper &= token.shape != Shape::Lower;
            }
            _ => break,
        }
        code.pieces += 1;
        code.spaces += usize::from(apart);
        all_single &= single;
        next += 1;
        code.end = next;
        // "K as in kilo"
        if token.kind == Kind::Word && token.len() == 1 {
            let cue = tokens[next..].iter().take(2).take_while(|t| t.gap == SPACE && t.cue & AS_IN != 0).count();
            if cue > 0 && tokens.get(next + cue).is_some_and(|t| t.kind == Kind::Word && t.gap == SPACE) {
                next += cue + 1;
                code.end = next;
                code.spelled += 1;
            }
        }
    }
    // What goes on with more figures is too long for a plate: a licence of a driver.
    let longer = tokens.get(code.end).is_some_and(|next| next.gap == HYPHEN && next.kind == Kind::Number);
    (code.end > at && !longer).then_some(code)
}

/// Letters at the end of a plate, of which the rest stands before them: "RK 91 WZ".
fn closes(tokens: &[Token], at: usize, code: &Code) -> bool {
    let token = &tokens[at];
    token.kind == Kind::Word
        && token.shape == Shape::Upper
        && (2..=3).contains(&token.len())
        && code.signs() + token.len() <= 7
        && !token.is(STATE | ORDINARY | NEVER)
}

/// Whether the letter word at `at` stands among others, so that it is no word of a sentence: "boy" in "adam boy 123".
fn spells(tokens: &[Token], at: usize, start: usize) -> bool {
    let sign =
        |token: &Token| token.cue & LETTER != 0 || token.is(ONES) || token.kind == Kind::Number || token.len() == 1;
    at > start || tokens.get(at + 1).is_some_and(|next| is_joined(next.gap) && sign(next))
}

/// Whether the letters at `at` may be a piece of a plate.
fn is_piece(folded: &Folded, tokens: &[Token], at: usize, code: &Code) -> bool {
    let token = &tokens[at];
    let next = tokens.get(at + 1).filter(|next| is_joined(next.gap));
    let before_digits = next.is_some_and(|next| matches!(next.kind, Kind::Number | Kind::Mixed));
    let single_follows = next.is_some_and(|next| next.len() == 1 || next.cue & AS_IN != 0);
    let letters = word(folded, token);
    if !letters.iter().all(u8::is_ascii_lowercase) || matches!(letters, b"dl" | b"cdl" | b"id") {
        return false;
    }
    if token.len() == 1 {
        let spaced = code.pieces > 0 || before_digits || single_follows;
        return spaced
            && (token.shape != Shape::Lower
                || single_follows
                || token.gap & SPACE == 0
                || before_digits && !token.is(ORDINARY));
    }
    if token.shape == Shape::Upper {
        // Before a whole plate the two letters of a state only say whose it is.
        let whose = token.is(STATE) && token.len() == 2 && token.gap & HYPHEN == 0;
        let whole_follows = code.pieces == 0
            && whose
            && next.is_some_and(|next| {
                next.gap & HYPHEN == 0
                    && (next.kind == Kind::Mixed || next.kind == Kind::Word && next.shape == Shape::Upper)
            });
        let most = if code.pieces > 0 || before_digits { 4 } else { 7 };
        return token.len() <= most && !(whole_follows || whose && code.signs() >= 5);
    }
    let hung = token.gap == HYPHEN && code.pieces > 0 || next.is_some_and(|next| next.gap == HYPHEN) && before_digits;
    token.len() <= 3
        && token.shape == Shape::Lower
        && token.cue == 0
        && (hung || !token.is(ORDINARY | NUMBER) && (code.pieces > 0 || before_digits))
}

/// A plate goes on over such a gap.
fn is_joined(gap: u16) -> bool {
    gap & !(SPACE | HYPHEN | STOP) == 0 && gap & (STOP | SPACE) != STOP | SPACE
}

/// "8am", "5th", "2x".
fn is_clock(word: &[u8]) -> bool {
    let digits = word.iter().take_while(|b| b.is_ascii_digit()).count();
    digits > 0
        && matches!(
            &word[digits..],
            b"am"
                | b"pm"
                | b"a"
                | b"p"
                | b"h"
                | b"hrs"
                | b"hr"
                | b"th"
                | b"st"
                | b"nd"
                | b"rd"
                | b"x"
                | b"k"
                | b"ish"
                | b"min"
                | b"mins"
                | b"yo"
                | b"yr"
                | b"yrs"
                | b"ft"
                | b"mph"
                | b"ro"
                | b"do"
                | b"er"
                | b"to"
                | b"s"
        )
}

fn word<'a>(folded: &'a Folded, token: &Token) -> &'a [u8] {
    &folded.bytes[token.start..token.end]
}

fn take(
    folded: &mut Folded,
    tokens: &[Token],
    start: usize,
    end: usize,
    class: Class,
    rule: &'static str,
    out: &mut Vec<Span>,
) {
    let (start, end) = folded.take(tokens[start].start, tokens[end - 1].end);
    out.push(Span { start, end, class, rule });
}
