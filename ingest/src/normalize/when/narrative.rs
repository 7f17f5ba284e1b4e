//! Which of the dates and times in a running note is that of the event.
//!
//! A note names many times: when somebody called, a hearing to come, a birth date, opening hours. Pieces that stand
//! together make a cluster; each cluster is weighed by the word nearest to it that says what it belongs to (the cues of
//! the word lists). What always holds: what is still to come, negated, or cannot be is never taken; a note whose only
//! times belong to something else gives nothing.

use schemas::time::Precision;

use super::When;
use super::grammar::{Grammar, Piece};
use super::resolve::{Draft, Origin, Resolved};
use super::scan::{Atom, Kind};
use super::words::{Marks, Words};

/// Atoms looked back over for a cue, within the sentence, and ahead.
const BACK: usize = 9;
const FAR_BACK: usize = 14;
const AHEAD: usize = 4;

/// Small words that may lie between two pieces of one expression.
const GAP: usize = 4;

/// Days in which a date is rather that of the event than of a past told along with it.
const RECENT: i64 = 14;

/// The least weight at which a cluster is taken.
const LEAST: i32 = -3;

const CUES: Marks = Marks::HAPPENED
    .or(Marks::REPORT)
    .or(Marks::BIRTH)
    .or(Marks::APPOINTMENT)
    .or(Marks::FUTURE)
    .or(Marks::HISTORY)
    .or(Marks::OPENING);

/// Pieces that stand together.
#[derive(Clone, Copy)]
struct Cluster {
    draft: Draft,
    /// Atoms, end exclusive.
    from: usize,
    to: usize,
    dropped: bool,
}

/// Whether the piece at `from..to` is what it was not: "not today", "no fue hoy", "anoche no,".
pub fn negated(atoms: &[Atom], from: usize, to: usize) -> bool {
    let not = |at: usize| atoms.get(at).is_some_and(|atom| atom.has(Marks::NOT));
    let small = |at: usize| atoms.get(at).is_some_and(|atom| atom.has(Marks::FILL) && !atom.has(Marks::RANGE));
    let before = from.checked_sub(1).is_some_and(|one| not(one) || (small(one) && one.checked_sub(1).is_some_and(not)));
    let after = not(to) && atoms.get(to + 1).is_none_or(|atom| matches!(atom.kind, Kind::Sign(b',' | b'.' | b';')));
    before || (after && atoms.get(to).is_some_and(|atom| atom.end - atom.start == 2))
}

/// The time of the event of the note.
pub fn find(grammar: &Grammar, origin: &Origin, words: &Words) -> Option<When> {
    let mut best_day: Option<(i32, Cluster, Resolved)> = None;
    let mut best_clock: Option<(i32, Cluster)> = None;
    let mut consider = |cluster: Cluster| {
        if cluster.dropped || cluster.draft.is_empty() {
            return;
        }
        let resolved = cluster.draft.resolve(origin, words);
        let today = origin.now.map(|now| now.with_timezone(&origin.zone).date_naive());
        let days = today.zip(resolved.date).map_or(0, |(today, date)| (today - date).num_days());
        let mut weight = weigh(grammar, &cluster, days);
        if cluster.draft.has_day() {
            if resolved.date.is_none() {
                return;
            }
            weight -= match resolved.precision {
                Precision::Week => 1,
                Precision::Month => 3,
                _ => 0,
            };
            // Notes are of what has just been; older dates in them are of papers and pasts.
            weight -= match days {
                ..200 => 0,
                200..500 => 3,
                _ => 9,
            };
            weight -= if cluster.draft.is_now() { 3 } else { 0 };
            if weight >= LEAST && best_day.as_ref().is_none_or(|(best, ..)| weight > *best) {
                best_day = Some((weight, cluster, resolved));
            }
        } else if !cluster.draft.is_vague() || cluster.draft.has_clock() {
            // "in the evening" alone is as often when to call back: only beside something that happened.
            let least = if cluster.draft.has_clock() || cluster.draft.has_day() { LEAST } else { 1 };
            if weight >= least && best_clock.as_ref().is_none_or(|(best, _)| weight > *best) {
                best_clock = Some((weight, cluster));
            }
        }
    };
    let mut open: Option<Cluster> = None;
    let mut at = 0;
    while at < grammar.atoms.len() {
        let Some((piece, next)) = grammar.piece(at) else {
            at += 1;
            continue;
        };
        let next = next.clamp(at + 1, grammar.atoms.len());
        let drop = negated(grammar.atoms, at, next) || matches!(piece, Piece::NoDate(_) | Piece::Vague("recurring"));
        let vague = matches!(piece, Piece::Vague(_));
        let mut joined = false;
        if let Some(cluster) = &mut open
            && !vague
            && !cluster.draft.is_vague()
            && !drop
            && !cluster.dropped
            && joins(grammar.atoms, cluster.to, at)
        {
            joined = cluster.draft.add(piece);
            if joined {
                cluster.to = next;
            }
        }
        if !joined {
            if let Some(done) = open.take() {
                consider(done);
            }
            let mut draft = Draft::default();
            draft.add(piece);
            open = Some(Cluster { draft, from: at, to: next, dropped: drop || vague });
        }
        at = next;
    }
    if let Some(done) = open {
        consider(done);
    }
    let span = |cluster: &Cluster| (grammar.atoms[cluster.from].start, grammar.atoms[cluster.to - 1].end);
    match (best_day, best_clock) {
        (Some((_, cluster, resolved)), clock) => {
            let alone = When::new(resolved, span(&cluster));
            let untimed =
                !cluster.draft.says_time() && !matches!(resolved.precision, Precision::Week | Precision::Month);
            let Some((_, clock)) = clock.filter(|_| untimed) else { return Some(alone) };
            let mut both = cluster.draft;
            both.lend_clock(&clock.draft);
            if clock.draft.has_part() && !clock.draft.has_clock() {
                return Some(alone);
            }
            let together = both.resolve(origin, words);
            // A time that does not go with the day belongs to something else.
            let days = together.date.zip(resolved.date).map(|(time, day)| (time - day).num_days());
            let fits = days == Some(0) || (days == Some(1) && cluster.draft.is_night());
            if !fits || together.time.is_none() {
                return Some(alone);
            }
            Some(When { time_span: Some(span(&clock)), ..When::new(together, span(&cluster)) })
        }
        (None, Some((_, cluster))) => {
            let resolved = cluster.draft.resolve(origin, words);
            resolved.date.is_some().then(|| When::new(resolved, span(&cluster)))
        }
        (None, None) => None,
    }
}

/// Whether only small words lie between two pieces.
fn joins(atoms: &[Atom], from: usize, to: usize) -> bool {
    to - from <= GAP
        && atoms[from..to].iter().all(|atom| match atom.kind {
            Kind::Sign(sign) => matches!(sign, b',' | b'(' | b')' | b'-' | b'@' | b':' | b'~'),
            Kind::Word => {
                atom.has(Marks::FILL.or(Marks::HEDGE).or(Marks::AT).or(Marks::THE).or(Marks::OF).or(Marks::LABEL))
                    || atom.key == 0 && atom.end - atom.start <= 2
            }
            Kind::Number { .. } => false,
        })
}

/// How likely a cluster is the time of the event: 0 where nothing speaks for or against it.
/// `days`: how many days before the report it was.
fn weigh(grammar: &Grammar, cluster: &Cluster, days: i64) -> i32 {
    let atoms = grammar.atoms;
    let mut weight = 0;
    // A label right before: "Time: ", "T-".
    let before = cluster.from.checked_sub(1).map(|at| atoms[at]);
    let sign = before.is_some_and(|atom| matches!(atom.kind, Kind::Sign(b':' | b'-' | b'=')));
    let label = cluster.from.checked_sub(if sign { 2 } else { 1 }).map(|at| atoms[at]);
    if label.is_some_and(|label| label.has(Marks::LABEL) && (sign || label.end - label.start > 1)) {
        return 6;
    }
    if atoms[cluster.from..cluster.to].iter().any(|atom| atom.has(Marks::SINCE))
        || label.is_some_and(|atom| atom.has(Marks::SINCE))
        || before.is_some_and(|atom| atom.has(Marks::THE))
            && cluster.from >= 2
            && atoms[cluster.from - 2].has(Marks::SINCE)
    {
        weight -= 2;
    }
    if label.is_some_and(|atom| atom.has(Marks::UNTIL)) {
        weight -= 4;
    }
    // The nearest cue before, in the sentence.
    let mut that = false;
    let mut cue = None;
    for at in (cluster.from.saturating_sub(BACK)..cluster.from).rev() {
        let atom = &atoms[at];
        if atom.ends_sentence() && !is_abbreviation(atoms, at) {
            break;
        }
        that |= atom.has(Marks::THAT) || matches!(atom.kind, Kind::Sign(b':' | b','));
        if atom.has(CUES) {
            // "she called to say that at 7 ...": the call is not what the time belongs to.
            if that && atom.has(Marks::REPORT) && !atom.has(Marks::HAPPENED) {
                continue;
            }
            // "they will come", "va a haber redada"
            let to_come = atom.has(Marks::HAPPENED)
                && (at.saturating_sub(AHEAD)..at)
                    .rev()
                    .take_while(|at| !atoms[*at].ends_sentence())
                    .any(|at| atoms[at].has(Marks::FUTURE));
            if to_come {
                return weight - if cluster.draft.is_past() { 3 } else { 9 };
            }
            cue = Some(at);
            break;
        }
    }
    let ahead = cue.is_none();
    if ahead && !atoms[cluster.to - 1].ends_sentence() {
        let next = cluster.to..atoms.len().min(cluster.to + AHEAD);
        cue = next.take_while(|at| !atoms[*at].ends_sentence()).find(|at| atoms[*at].has(CUES));
    }
    let Some(at) = cue else { return weight };
    let cue = &atoms[at];
    // "left his hearing", "saliendo de la cita", "grabbed at a check-in": the event may be of that day.
    let happened = || {
        (at.saturating_sub(FAR_BACK)..at)
            .rev()
            .take_while(|at| !atoms[*at].ends_sentence())
            .any(|at| atoms[at].has(Marks::HAPPENED))
    };
    let behind = || (at.saturating_sub(AHEAD)..at).any(|at| atoms[at].has(Marks::BEHIND)) || happened();
    weight
        + if cue.has(Marks::BIRTH) {
            -9
        } else if cue.has(Marks::HAPPENED) {
            2
        } else if cue.has(Marks::FUTURE) {
            match (cluster.draft.is_past(), ahead) {
                (true, _) => -3,
                (false, true) => -4,
                (false, false) => -9,
            }
        } else if cue.has(Marks::OPENING) {
            if ahead { -3 } else { -6 }
        } else if cue.has(Marks::APPOINTMENT) {
            // Without a date of its own a weekday is as likely that of the appointment.
            match (behind(), cluster.draft.is_weekday()) {
                (true, _) => -2,
                (false, true) => -5,
                (false, false) => -3,
            }
        } else if cue.has(Marks::HISTORY) {
            if cluster.draft.is_past() && days < RECENT { -3 } else { -5 }
        } else if ahead {
            -4
        } else {
            -6
        }
}

/// A full stop that ends no sentence: after a short known word, "approx.", "Wed."
fn is_abbreviation(atoms: &[Atom], at: usize) -> bool {
    atoms[at].is_sign(b'.')
        && at.checked_sub(1).map(|at| atoms[at]).is_some_and(|before| {
            before.has(Marks::HEDGE.or(Marks::AM).or(Marks::PM))
                || before.word.names_day() && before.end - before.start <= 4
        })
}
