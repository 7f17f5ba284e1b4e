//! Applies the compiled rules to one text.
//!
//! What always holds: phrases give facts; facts of other days count only where no act of this event is told; of several
//! values of one axis the highest rank wins, then the earliest; after a correction the later ones count alone.

use schemas::taxonomy::EventClass;
use schemas::{Count, Language};

use super::automaton::{Hit, NO_NUMBER};
use super::evidence::{self, Found, Verdict};
use super::fold::{self, Break, Token};
use super::load::{Axis, Compiled, Counting, Decision, FactId, Role, Rule, Value};
use super::scope::{self, ASKED, DENIED, HEARD, PAST, SUPPOSED};
use super::{CountField, Inferred, Reading, RuleId, count};

/// How much more a setting counts that stands in the sentence of an act.
const NEAR_ACT: i32 = 2;

/// A rule that fired.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fired {
    rule: u16,
    start: u32,
    sentence: u32,
    span: (u32, u32),
    weak: bool,
    /// Told by others.
    heard: bool,
}

/// A number that counts something.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Counted {
    field: CountField,
    count: Count,
    rule: u16,
    rank: i32,
    /// Counts nothing by itself, only beside another number: "... and a woman".
    only_adds: bool,
    start: u32,
    end: u32,
    number: u32,
}

/// What holds of the text, and what said so.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Held {
    holds: bool,
    span: (u32, u32),
}

/// Buffers of [`super::TextRules::read`], kept so that the common path does not allocate.
#[derive(Debug, Default, Clone)]
pub struct Scratch {
    tokens: Vec<Token>,
    word: Vec<u8>,
    hits: Vec<Hit>,
    marks: Vec<u8>,
    fired: Vec<Fired>,
    held: Vec<Held>,
    conditions: Vec<(Condition, u16, u32)>,
    /// Tokens on which a rule says something else: (rule, start, end).
    excepted: Vec<(u16, u32, u32)>,
    counted: Vec<Counted>,
    /// What words and phrases weigh: their numbers, and the sums.
    stems: Vec<u16>,
    phrases: Vec<u16>,
    scores: Vec<i32>,
    /// The decisions that held.
    decided: Vec<(RuleId, (u32, u32))>,
}

impl PartialEq for Scratch {
    /// Two readings are equal when they say the same, whatever their buffers hold.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Needs,
    Unless,
    CountUnless,
}

/// Reads `text` into `out`.
pub(super) fn read(rules: &Compiled, text: &str, _language: Option<Language>, out: &mut Reading) {
    let mut scratch = std::mem::take(&mut out.scratch);
    clear(out);
    let s = &mut scratch;
    observe(rules, text, s);
    s.held.clear();
    s.held.resize(rules.facts, Held::default());
    for fired in &s.fired {
        let held = &mut s.held[rules.rules[usize::from(fired.rule)].fact];
        if !held.holds {
            *held = Held { holds: true, span: fired.span };
        }
    }
    s.held[rules.whole.long_ago] = of_all_acts(rules, s, |f| f.weak);
    s.held[rules.whole.only_heard] = of_all_acts(rules, s, |f| f.heard);
    s.held[rules.whole.question] = question(s);
    let mut weighed = false;
    for (decision, id) in &rules.early {
        // The outcome stands on what happened.
        if decision.axis == Axis::Outcome && !weighed {
            weighed = true;
            weigh(rules, Axis::EventKind, s, out);
        }
        decide(rules, decision, *id, s, out);
    }
    weigh(rules, Axis::Outcome, s, out);
    winners(rules, s, out);
    weigh(rules, Axis::Setting, s, out);
    for (decision, id) in &rules.late {
        decide(rules, decision, *id, s, out);
    }
    lists(rules, s, out);
    counts(rules, s, out);
    out.scratch = scratch;
}

/// Every rule that counts on `text`, before any decision, and every decision that holds; each with what it stands on.
pub(super) fn explain(rules: &Compiled, text: &str) -> Vec<(RuleId, (usize, usize))> {
    let mut out = Reading::default();
    let mut scratch = Scratch::default();
    observe(rules, text, &mut scratch);
    let mut all: Vec<(RuleId, (usize, usize))> =
        scratch.fired.iter().map(|f| (RuleId(f.rule), (f.span.0 as usize, f.span.1 as usize))).collect();
    read(rules, text, None, &mut out);
    all.extend(out.scratch.decided.iter().map(|(rule, span)| (*rule, (span.0 as usize, span.1 as usize))));
    let counted = [out.agents, out.vehicles, out.persons_targeted, out.persons_arrested, out.persons_collateral];
    all.extend(counted.into_iter().flatten().map(|count| (count.rule, count.span)));
    let s = &out.scratch;
    all.extend(s.counted.iter().filter(|c| c.only_adds).map(|c| {
        let span = (s.tokens[c.start as usize].start as usize, s.tokens[c.end as usize - 1].end as usize);
        (RuleId(rules.first_counting + c.rule), span)
    }));
    all
}

/// The phrase rules that count on `text`, each once.
pub(super) fn fired(rules: &Compiled, text: &str) -> Vec<RuleId> {
    let mut scratch = Scratch::default();
    observe(rules, text, &mut scratch);
    scratch.phrases.into_iter().map(RuleId).collect()
}

/// What the text says, phrase by phrase, without what does not count.
fn observe(rules: &Compiled, text: &str, s: &mut Scratch) {
    fold::tokens(text, &rules.lexicon, &rules.stems, &mut s.tokens, &mut s.word);
    count::join(text, &mut s.tokens, &rules.lexicon);
    rules.automaton.find(&s.tokens, &rules.lexicon, &mut s.hits);
    let correction = scope::mark(&s.tokens, &s.hits, &rules.phrases, &rules.lexicon, rules.scope, &mut s.marks);
    conditions(rules, s);
    fire(rules, s);
    forget_other_days(rules, s);
    if let Some(at) = correction {
        forget_before(rules, s, at);
    }
    s.decided.clear();
    s.phrases.clear();
    s.phrases.extend(s.fired.iter().map(|f| f.rule));
    s.phrases.sort_unstable();
    s.phrases.dedup();
}

fn clear(out: &mut Reading) {
    let (mut tactics, mut authority, mut vulnerable) = (
        std::mem::take(&mut out.tactics),
        std::mem::take(&mut out.authority_shown),
        std::mem::take(&mut out.vulnerable_parties),
    );
    tactics.clear();
    authority.clear();
    vulnerable.clear();
    *out = Reading { tactics, authority_shown: authority, vulnerable_parties: vulnerable, ..Reading::default() };
}

fn conditions(rules: &Compiled, s: &mut Scratch) {
    s.conditions.clear();
    s.excepted.clear();
    for hit in &s.hits {
        let sentence = s.tokens[hit.start as usize].sentence;
        match rules.phrases[hit.phrase as usize].role {
            Role::Needs(rule) => s.conditions.push((Condition::Needs, rule, sentence)),
            Role::Unless(rule) => s.conditions.push((Condition::Unless, rule, sentence)),
            Role::Except(rule) => s.excepted.push((rule, hit.start, hit.end)),
            Role::CountUnless(rule) => s.conditions.push((Condition::CountUnless, rule, sentence)),
            _ => {}
        }
    }
}

/// The marks of all tokens of a hit, together.
fn marks_of(s: &Scratch, hit: &Hit) -> u8 {
    s.marks[hit.start as usize..hit.end as usize].iter().fold(0, |all, mark| all | mark)
}

fn counts_here(rule: &Rule, marks: u8, says_no: bool) -> bool {
    let denied = marks & DENIED != 0 && !says_no && !rule.even_denied;
    let supposed = marks & SUPPOSED != 0 && !rule.even_supposed;
    let asked = marks & ASKED != 0 && !rule.even_asked;
    let elsewhere = rule.only_asked && marks & ASKED == 0;
    !(denied || supposed || asked || elsewhere)
}

/// Whether some phrase that says something else lies on the hit of this rule.
fn excepted(s: &Scratch, rule: u16, hit: &Hit) -> bool {
    s.excepted.iter().any(|&(of, start, end)| of == rule && start < hit.end && hit.start < end)
}

fn fire(rules: &Compiled, s: &mut Scratch) {
    s.fired.clear();
    for hit in &s.hits {
        let phrase = rules.phrases[hit.phrase as usize];
        let Role::Fires(number) = phrase.role else { continue };
        let rule = &rules.rules[usize::from(number)];
        let first = &s.tokens[hit.start as usize];
        let here = |condition| s.conditions.contains(&(condition, number, first.sentence));
        let marks = marks_of(s, hit);
        if !counts_here(rule, marks, phrase.says_no)
            || rule.field.is_some_and(|field| field != first.field)
            || rule.not_field.is_some_and(|field| field == first.field)
            || (rule.needs && !here(Condition::Needs))
            || (rule.unless && here(Condition::Unless))
            || (rule.except && excepted(s, number, hit))
        {
            continue;
        }
        let span = (first.start, s.tokens[hit.end as usize - 1].end);
        s.fired.push(Fired {
            rule: number,
            start: hit.start,
            sentence: first.sentence,
            span,
            weak: marks & PAST != 0 && !rule.even_past,
            heard: marks & HEARD != 0,
        });
    }
}

/// Whether acts are told, and `so` is true of all.
fn of_all_acts(rules: &Compiled, s: &Scratch, so: impl Fn(&Fired) -> bool) -> Held {
    let mut acts = s.fired.iter().filter(|f| rules.rules[usize::from(f.rule)].act);
    match acts.next() {
        Some(first) if so(first) && acts.all(so) => Held { holds: true, span: first.span },
        _ => Held::default(),
    }
}

/// The first sentence that ends in a question mark.
fn question(s: &Scratch) -> Held {
    let Some(first) = s.tokens.iter().find(|t| t.question) else { return Held::default() };
    let last = s.tokens.iter().rfind(|t| t.sentence == first.sentence).unwrap_or(first);
    Held { holds: true, span: (first.start, last.end) }
}

/// What is told of other days counts only when nothing is told of this one.
fn forget_other_days(rules: &Compiled, s: &mut Scratch) {
    let act_today = s.fired.iter().any(|f| !f.weak && rules.rules[usize::from(f.rule)].act);
    if act_today {
        s.fired.retain(|f| !f.weak);
    }
    // Nor do the words of those other days weigh anything then.
    let (marks, tokens) = (&s.marks, &s.tokens);
    evidence::stems_of(tokens, |at| act_today && marks[at] & PAST != 0, &mut s.stems);
}

/// Of the axes with one value, what was said before a correction gives way to what is said after it.
fn forget_before(rules: &Compiled, s: &mut Scratch, at: u32) {
    let mut after = [false; Axis::COUNT];
    for fired in s.fired.iter().filter(|f| f.start >= at) {
        after[rules.rules[usize::from(fired.rule)].axis as usize] = true;
    }
    s.fired.retain(|f| {
        let axis = rules.rules[usize::from(f.rule)].axis;
        f.start >= at || axis.is_list() || !after[axis as usize]
    });
}

fn decide(rules: &Compiled, decision: &Decision, id: RuleId, s: &mut Scratch, out: &mut Reading) {
    let holds = |fact: &FactId| s.held[*fact].holds;
    let met = decision.all.iter().all(holds)
        && (decision.any.is_empty() || decision.any.iter().any(holds))
        && !decision.none.iter().any(holds);
    if !met {
        return;
    }
    let span =
        decision.all.iter().chain(&decision.any).find(|fact| holds(fact)).map_or((0, 0), |fact| s.held[*fact].span);
    s.decided.push((id, span));
    if !decision.drops.is_empty() {
        for fact in &decision.drops {
            s.held[*fact].holds = false;
        }
        s.fired.retain(|f| !decision.drops.contains(&rules.rules[usize::from(f.rule)].fact));
        if decision.fact == FactId::MAX {
            return;
        }
    }
    if put(out, decision.value, id, span, decision.instead) {
        s.held[decision.fact] = Held { holds: true, span };
        if let Some(won) = decision.won {
            s.held[won] = Held { holds: true, span };
        }
    }
}

/// The values of the axes with one value, by rank.
fn winners(rules: &Compiled, s: &mut Scratch, out: &mut Reading) {
    let mut best: [Option<(i32, Fired)>; Axis::COUNT] = [None; Axis::COUNT];
    let is_act = |f: &Fired| rules.rules[usize::from(f.rule)].act;
    for fired in &s.fired {
        let rule = &rules.rules[usize::from(fired.rule)];
        if rule.axis.is_list() {
            continue;
        }
        let near = rule.axis == Axis::Setting && s.fired.iter().any(|f| f.sentence == fired.sentence && is_act(f));
        let rank = rule.rank + if near { NEAR_ACT } else { 0 };
        let slot = &mut best[rule.axis as usize];
        if slot.is_none_or(|(most, _)| rank > most) {
            *slot = Some((rank, *fired));
        }
    }
    for (_, fired) in best.into_iter().flatten() {
        let rule = &rules.rules[usize::from(fired.rule)];
        if put(out, rule.value, RuleId(fired.rule), fired.span, false)
            && let Some(won) = rule.won
        {
            s.held[won] = Held { holds: true, span: fired.span };
        }
    }
}

/// Adds what the words weigh to what the rules decided on `axis`.
fn weigh(rules: &Compiled, axis: Axis, s: &mut Scratch, out: &mut Reading) {
    let Some(weigh) = rules.weighs.iter().find(|weigh| weigh.axis == axis) else { return };
    let decided = match axis {
        Axis::EventKind => out.event_kind.map(|i| (Value::EventKind(i.value), i.rule)),
        Axis::Outcome => out.outcome.map(|i| (Value::Outcome(i.value), i.rule)),
        _ => out.setting.map(|i| (Value::Setting(i.value), i.rule)),
    };
    let event = out.event_kind.is_some_and(|kind| kind.value.class() == EventClass::Event);
    // Where nothing happened, where and how it ended is coded only where a rule says so.
    if !event && (axis == Axis::Setting || axis == Axis::Outcome && decided.is_none()) {
        return;
    }
    let own = decided.and_then(|(value, rule)| {
        let at = weigh.choices.iter().position(|choice| choice.value == value)?;
        Some((at, is_weak(rules, weigh.weak_rank, rule)))
    });
    if decided.is_some() && own.is_none() {
        return;
    }
    let found = Found { stems: &s.stems, rules: &s.phrases };
    let mut verdict = evidence::weigh(weigh, found, own, &mut s.scores);
    if let Verdict::Instead(at) = verdict
        && let Value::EventKind(kind) = weigh.choices[at].value
        && kind.class() == EventClass::Event
        && !weigh.event_needs.is_empty()
        && !weigh.event_needs.iter().any(|fact| s.held[*fact].holds)
    {
        verdict = Verdict::Open;
    }
    if verdict == Verdict::Stands || verdict == Verdict::Open && own.is_none() {
        return;
    }
    if let Some((at, _)) = own {
        let choice = &weigh.choices[at];
        // Of an event and its outcome no phrase speaks, only decisions.
        for fact in (axis != Axis::Setting).then_some(choice.fact).into_iter().chain(choice.won) {
            s.held[fact].holds = false;
        }
        match axis {
            Axis::EventKind => out.event_kind = None,
            Axis::Outcome => out.outcome = None,
            _ => out.setting = None,
        }
    }
    if let Verdict::Instead(at) = verdict {
        let choice = &weigh.choices[at];
        let words = s.tokens.iter().map(|t| (t.stem, (t.start, t.end)));
        let phrases = s.fired.iter().map(|f| (f.rule, f.span));
        let span = evidence::loudest(weigh, found, words, phrases, at);
        put(out, choice.value, weigh.id, span, true);
        for fact in std::iter::once(choice.fact).chain(choice.won) {
            s.held[fact] = Held { holds: true, span };
        }
    }
}

/// Whether what gave a value says of itself that it is weak: a decision, or a phrase of low rank.
fn is_weak(rules: &Compiled, weak_rank: i32, rule: RuleId) -> bool {
    match rules.rules.get(usize::from(rule.0)) {
        Some(phrases) => phrases.rank < weak_rank,
        None => rules.weak.contains(&rule),
    }
}

/// The values of the axes with several.
fn lists(rules: &Compiled, s: &Scratch, out: &mut Reading) {
    for fired in &s.fired {
        let rule = &rules.rules[usize::from(fired.rule)];
        if rule.axis.is_list() && s.held[rule.fact].holds {
            put(out, rule.value, RuleId(fired.rule), fired.span, false);
        }
    }
}

fn one<T>(slot: &mut Option<Inferred<T>>, value: T, rule: RuleId, span: (usize, usize), instead: bool) -> bool {
    let free = slot.is_none() || instead;
    if free {
        *slot = Some(Inferred { value, rule, span });
    }
    free
}

fn several<T: PartialEq>(list: &mut Vec<Inferred<T>>, value: T, rule: RuleId, span: (usize, usize)) -> bool {
    if !list.iter().any(|known| known.value == value) {
        list.push(Inferred { value, rule, span });
    }
    true
}

/// Puts a value where it belongs. False where the axis has its one value already.
fn put(out: &mut Reading, value: Value, rule: RuleId, span: (u32, u32), instead: bool) -> bool {
    let span = (span.0 as usize, span.1 as usize);
    match value {
        Value::Sign => true,
        Value::EventKind(v) => one(&mut out.event_kind, v, rule, span, instead),
        Value::Setting(v) => one(&mut out.setting, v, rule, span, instead),
        Value::PlaceRelation(v) => one(&mut out.place_relation, v, rule, span, instead),
        Value::Claimed(v) => one(&mut out.agency_claimed, v, rule, span, instead),
        Value::Assessed(v) => one(&mut out.agency_assessed, v, rule, span, instead),
        Value::PartnerModel(v) => one(&mut out.partner_model, v, rule, span, instead),
        Value::CourtType(v) => one(&mut out.court_type, v, rule, span, instead),
        Value::CourtStage(v) => one(&mut out.court_stage, v, rule, span, instead),
        Value::CourtRole(v) => one(&mut out.court_role, v, rule, span, instead),
        Value::CaseLevel(v) => one(&mut out.case_level, v, rule, span, instead),
        Value::Outcome(v) => one(&mut out.outcome, v, rule, span, instead),
        Value::Priority(v) => one(&mut out.priority_claimed, v, rule, span, instead),
        Value::Tactic(v) => several(&mut out.tactics, v, rule, span),
        Value::Authority(v) => several(&mut out.authority_shown, v, rule, span),
        Value::Vulnerable(v) => several(&mut out.vulnerable_parties, v, rule, span),
    }
}

fn counts(rules: &Compiled, s: &mut Scratch, out: &mut Reading) {
    s.counted.clear();
    // What was no enforcement has no agents, and took nobody.
    let no_event = out.event_kind.is_some_and(|kind| kind.value.class() != EventClass::Event);
    // `forget_other_days` left no other acts when one of this event is told; then no one of another day is counted.
    let act_told = s.fired.iter().any(|f| !f.weak && rules.rules[usize::from(f.rule)].act);
    for hit in &s.hits {
        let phrase = rules.phrases[hit.phrase as usize];
        let Role::Counts(number) = phrase.role else { continue };
        let counting: &Counting = &rules.countings[usize::from(number)];
        let first = &s.tokens[hit.start as usize];
        let marks = marks_of(s, hit);
        let denied = marks & DENIED != 0 && !phrase.says_no;
        if no_event
            || denied
            || (act_told && marks & PAST != 0)
            || marks & (SUPPOSED | ASKED) != 0
            || counting.salute.is_some_and(|field| field != first.field)
            || s.conditions.contains(&(Condition::CountUnless, number, first.sentence))
        {
            continue;
        }
        let told = if hit.number == NO_NUMBER { None } else { s.tokens[hit.number as usize].count };
        let Some(count) = counting.exactly.map(Count::exactly).or(told) else { continue };
        let rank = counting.rank - if marks & PAST != 0 { 20 } else { 0 };
        // A count without a number ("a van") stands where its phrase starts.
        let at = if counting.exactly.is_some() { hit.start } else { hit.number };
        s.counted.push(Counted {
            field: counting.field,
            count,
            rule: number,
            rank,
            only_adds: counting.rank < 0,
            start: hit.start,
            end: hit.end,
            number: at,
        });
    }
    for field in [
        CountField::Agents,
        CountField::Vehicles,
        CountField::PersonsTargeted,
        CountField::PersonsArrested,
        CountField::PersonsCollateral,
    ] {
        let found = best_count(rules, s, field);
        let nobody = (field == CountField::PersonsArrested)
            .then(|| rules.nobody.map(|fact| s.held[fact]))
            .flatten()
            .filter(|held| held.holds);
        let value = match (found, nobody) {
            (Some((count, rule, span)), _) => Some(Inferred { value: count, rule, span }),
            (None, Some(held)) => Some(Inferred {
                value: Count::exactly(0),
                rule: rules.nobody_rule,
                span: (held.span.0 as usize, held.span.1 as usize),
            }),
            (None, None) => None,
        };
        match field {
            CountField::Agents => out.agents = value,
            CountField::Vehicles => out.vehicles = value,
            CountField::PersonsTargeted => out.persons_targeted = value,
            CountField::PersonsArrested => out.persons_arrested = value,
            CountField::PersonsCollateral => out.persons_collateral = value,
        }
    }
}

/// The count of `field` with the highest rank, the earliest of those; with what is added to it, or so many of each.
fn best_count(rules: &Compiled, s: &Scratch, field: CountField) -> Option<(Count, RuleId, (usize, usize))> {
    let of_field = |c: &&Counted| c.field == field;
    let mut best = s
        .counted
        .iter()
        .filter(of_field)
        .filter(|c| !c.only_adds)
        .reduce(|a, b| if b.rank > a.rank { b } else { a })?;
    // The number itself, where a phrase without one stands on it.
    if let Some(same) = s.counted.iter().filter(of_field).find(|c| c.rank == best.rank && c.number == best.number) {
        best = same;
    }
    let mut count = best.count;
    let mut end = best.end;
    let mut last = best.number;
    let numbered = best.number != NO_NUMBER;
    // "al ayudante y a los 3 pintores": the one stands before the number.
    let ahead = |c: &&Counted| c.only_adds && c.start < best.number && c.end == best.number + 1;
    if numbered
        && let Some(one) = s.counted.iter().filter(of_field).find(ahead)
        && let Some(sum) = count::total(count, one.count)
    {
        count = sum;
    }
    while let Some(next) = s
        .counted
        .iter()
        .filter(of_field)
        .find(|c| numbered && c.number != NO_NUMBER && c.number > last && adds(rules, s, end, c))
    {
        let Some(sum) = count::total(count, next.count) else { break };
        count = sum;
        end = next.end;
        last = next.number;
    }
    if field == CountField::Agents && numbered && says_each(rules, s, end) {
        let vehicles = s.counted.iter().find(|c| {
            c.field == CountField::Vehicles
                && c.number != NO_NUMBER
                && s.tokens[c.number as usize].sentence == s.tokens[best.number as usize].sentence
        });
        if let Some(product) = vehicles.and_then(|v| count::product(v.count, count)) {
            count = product;
        }
    }
    let span = (s.tokens[best.start as usize].start as usize, s.tokens[end as usize - 1].end as usize);
    Some((count, RuleId(rules.first_counting + best.rule), span))
}

/// "2 state patrol + 3 ICE", "2 men and 1 woman": the next number stands right behind, joined by a word or a sign.
fn adds(rules: &Compiled, s: &Scratch, end: u32, next: &Counted) -> bool {
    let (end, number) = (end as usize, next.number as usize);
    if number < end || number > end + 2 || s.tokens[number].sentence != s.tokens[end - 1].sentence {
        return false;
    }
    let and = |t: &Token| rules.lexicon.number_word(t.word) == Some(count::NumberWord::And);
    s.tokens[end..=number].iter().any(|t| t.plus || and(t))
        || (number == end && s.tokens[number].before == Break::Clause)
}

/// "... each", "cada uno" within three words behind.
fn says_each(rules: &Compiled, s: &Scratch, end: u32) -> bool {
    let end = end as usize;
    let near = s.tokens.get(end.saturating_sub(2)..(end + 3).min(s.tokens.len())).unwrap_or_default();
    near.iter().any(|t| rules.lexicon.number_word(t.word) == Some(count::NumberWord::Each))
}
