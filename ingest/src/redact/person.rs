//! Names of people: announced by a cue, in the lists, shaped like one; and then everywhere in the text.
//!
//! What always holds: a name that is caught once is caught in the whole text, in lower case and in parts too; a name never
//! reaches over a mark, a line or a sentence. Recall comes first: a missed name can deport, a lost word cannot. Where a
//! public place or a court bears a person's name, the words beside it say so, and it stays.

use schemas::redaction::Class;

use super::Span;
use super::fold::{FOREIGN, Folded};
use super::lexicon::{
    DEMONYM, FILLER, FREQUENT, GIVEN, INTRODUCTION, Lexicon, Marks, NAME, NEVER, OPENS_INTRODUCTION, OPENS_PLACE,
    ORDINARY, PARTICLE, PLACE, PLACE_CUE, PLACE_NOUN, PLACE_PREFIX, PUBLIC, RELATION, ROLE, SPEECH, STATE, SUFFIX,
    SURE, SURNAME, TITLE, WEAK_INTRODUCTION, WORD,
};
use super::tokens::{BRACKET, COLON, COMMA, Gap, HYPHEN, Kind, LINE, QUOTE, SLASH, SPACE, STOP, Shape, Token, phrase};
use super::words::MONTH;

/// The most words that one name has.
const LONGEST: usize = 7;

/// Finds and hides names. `tokens` are of the text as it stands, after all other rules.
pub fn find(folded: &mut Folded, tokens: &[Token], lexicon: &Lexicon, out: &mut Vec<Span>) {
    let mut scan = Scan {
        bytes: &folded.bytes,
        tokens,
        lexicon,
        capitals: Capitals::of(tokens),
        rule: vec![None; tokens.len()],
        marked: Vec::with_capacity(tokens.len() / 2),
        found: false,
    };
    scan.mark();
    scan.cued();
    scan.chat_lines();
    scan.lists_of_names();
    scan.listed();
    scan.lists_of_names();
    scan.neighbours();
    scan.particles_between();
    scan.everywhere();
    if !scan.found {
        return;
    }
    let rule = scan.rule;
    let mut at = 0;
    while at < tokens.len() {
        let Some(found) = rule[at] else {
            at += 1;
            continue;
        };
        let start = at;
        while at + 1 < tokens.len()
            && rule[at + 1].is_some()
            && tokens[at + 1].gap & !(SPACE | HYPHEN | STOP | QUOTE) == 0
            && (tokens[at + 1].gap & STOP == 0 || tokens[at].len() == 1)
        {
            at += 1;
        }
        let (start, end) = folded.take(tokens[start].start, tokens[at].end);
        out.push(Span { start, end, class: Class::Person, rule: found });
        at += 1;
    }
}

/// Whether capitals say anything in this text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Capitals {
    /// Some words have one, most have none.
    Telling,
    /// All capitals, or a capital on every word.
    Mute,
}

impl Capitals {
    fn of(tokens: &[Token]) -> Self {
        let (mut words, mut capital) = (0, 0);
        for token in tokens.iter().filter(|t| t.kind == Kind::Word && t.len() > 2) {
            words += 1;
            capital += usize::from(token.shape != Shape::Lower);
        }
        if words >= 6 && capital * 10 >= words * 9 { Self::Mute } else { Self::Telling }
    }
}

/// How sure the cue is that a name follows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cue {
    /// None: the words must speak for themselves.
    None,
    /// "client", "for": a capital or a listed name must follow.
    Weak,
    /// "my cousin", "Officer", "me llamo": what is no ordinary word is a name.
    Strong,
}

struct Scan<'a> {
    bytes: &'a [u8],
    tokens: &'a [Token],
    lexicon: &'a Lexicon,
    capitals: Capitals,
    /// For each token, the rule that takes it.
    rule: Vec<Option<&'static str>>,
    /// The tokens at which something may begin: most words are no cue, no name, and stand in the middle of a line.
    marked: Vec<usize>,
    /// Whether any name was found yet.
    found: bool,
}

/// Cues of names.
const CUES: Marks = INTRODUCTION | WEAK_INTRODUCTION | OPENS_INTRODUCTION | TITLE | RELATION | ROLE;

impl Scan<'_> {
    fn mark(&mut self) {
        let marks = CUES | SURE | OPENS_PLACE;
        let gaps = LINE | BRACKET | HYPHEN | QUOTE;
        for (at, token) in self.tokens.iter().enumerate() {
            if token.is(marks) || token.gap & gaps != 0 || self.may_start(at, SURE) {
                self.marked.push(at);
            }
        }
    }

    fn capital(&self, at: usize) -> bool {
        self.capitals == Capitals::Telling && self.tokens[at].shape != Shape::Lower
    }

    fn word(&self, at: usize) -> &[u8] {
        &self.bytes[self.tokens[at].start..self.tokens[at].end]
    }

    fn opens_sentence(&self, at: usize) -> bool {
        let gap = if at == 0 { LINE } else { self.tokens[at].gap };
        let abbreviated = at > 0
            && self.tokens[at - 1].is(PARTICLE | TITLE)
            && self.tokens[at - 1].len() <= 4
            && self.capital(at - 1);
        gap & (LINE | COLON | BRACKET) != 0 || gap & STOP != 0 && !abbreviated
    }

    /// A single letter, as in "M. Sandoval".
    fn initial(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        // "U.S." is no pair of initials, "L-Woodburn" no initial at all.
        let single = |at: usize| self.tokens.get(at).is_some_and(|t| t.kind == Kind::Word && t.len() == 1);
        let abbreviation =
            single(at + 1) && self.tokens[at + 1].gap == STOP || at > 0 && single(at - 1) && token.gap == STOP;
        let followed = self.bytes.get(token.end).is_none_or(|b| matches!(b, b' ' | b'.' | b','));
        // "j. r. ortega" in lower case: a surname follows.
        let lower = self.bytes.get(token.end) == Some(&b'.')
            && (1..=2).any(|n| {
                self.tokens
                    .get(at + n)
                    .is_some_and(|t| t.gap & !(STOP | SPACE) == 0 && t.is(NAME) && !t.is(ORDINARY | PLACE))
                    && (n == 1 || single(at + 1))
            });
        token.kind == Kind::Word
            && token.len() == 1
            && (self.capital(at) || lower)
            && (!abbreviation || lower)
            && followed
            && !matches!(self.word(at), b"y" | b"o" | b"e" | b"i")
    }

    /// "Ma.", "Md.", "Wm." before another word of the name.
    fn cut_short(&self, at: usize) -> bool {
        let given =
            matches!(self.word(at), b"ma" | b"md" | b"mo" | b"mohd" | b"muhd" | b"wm" | b"fco" | b"gpe" | b"jno");
        given
            && self.bytes.get(self.tokens[at].end) == Some(&b'.')
            && self.tokens.get(at + 1).is_some_and(|next| {
                let plain = next.is(NEVER | PLACE_NOUN | TITLE) || next.cues(MONTH);
                let named = if self.capitals == Capitals::Telling {
                    self.capital(at + 1)
                } else {
                    next.is(NAME) || !next.is(ORDINARY)
                };
                next.kind == Kind::Word
                    && next.len() > 1
                    && next.gap & !(STOP | SPACE) == 0
                    && (named && !plain || next.is(NAME) || next.is(PARTICLE))
            })
    }

    /// The token behind a quoted nickname of a few words that starts at `at`: "Cuco", "Big Mike".
    fn quoted(&self, at: usize) -> Option<usize> {
        let opens = self.tokens[at].start.checked_sub(1).is_some_and(|before| self.bytes[before] == b'"');
        if !opens || self.tokens[at].gap & LINE != 0 {
            return None;
        }
        (at..self.tokens.len()).take(3).find_map(|last| {
            let token = &self.tokens[last];
            if token.kind != Kind::Word || last > at && token.gap != SPACE {
                return Some(None);
            }
            // "you look nervous" is what somebody said.
            let said = token.shape == Shape::Lower && (last > at || token.is(FREQUENT | NEVER));
            (said || self.bytes.get(token.end) == Some(&b'"')).then_some((!said).then_some(last + 1))
        })?
    }

    /// A word of these lists, save where a short acronym is typed like a name: "ICE", but "Leandro Us".
    fn never(&self, at: usize, under_way: bool) -> bool {
        let token = &self.tokens[at];
        token.is(NEVER) && !(under_way && token.len() <= 3 && token.shape == Shape::Capital && !token.is(FREQUENT))
    }

    /// A capitalised word that is no ordinary one follows: "Reina Sabillón".
    fn surname_follows(&self, at: usize) -> bool {
        self.tokens.get(at + 1).is_some_and(|t| {
            t.gap == SPACE
                && t.kind == Kind::Word
                && t.shape == Shape::Capital
                && t.len() > 2
                && !t.is(ORDINARY | PLACE | NEVER | PLACE_NOUN)
                && self.capital(at + 1)
        })
    }

    /// A city behind a given name is a surname: "Gary Pulaski", but "Maria Houston TX".
    fn ends_name(&self, at: usize, under_way: bool) -> bool {
        under_way
            && at > 0
            && self.tokens[at].gap == SPACE
            && self.tokens[at].shape == Shape::Capital
            && self.tokens[at - 1].is(SURE | GIVEN)
            && self.capital(at - 1)
            && !self.state_follows(at + 1)
            && !self.tokens.get(at + 1).is_some_and(|next| next.is(PLACE_NOUN) && next.gap & !(SPACE | HYPHEN) == 0)
    }

    /// One word of a name, given the cue and whether a name is already under way.
    fn nameish(&self, at: usize, cue: Cue, under_way: bool) -> bool {
        let token = &self.tokens[at];
        if token.kind != Kind::Word || token.len() < 2 || self.rule[at].is_some() {
            return false;
        }
        if self.capital(at) {
            if self.never(at, under_way) || token.is(TITLE | RELATION | ROLE) && !(token.is(NAME) && under_way) {
                return false;
            }
            if token.shape == Shape::Upper && !token.is(SURE) {
                // Acronyms are not names; a name tape is.
                let long = token.len() >= 4 && !token.is(ORDINARY) && (!token.is(PLACE) || token.is(NAME));
                return (long && (cue == Cue::Strong || under_way))
                    || (under_way && token.is(NAME) && token.len() >= 3);
            }
            if token.is(SURE) {
                return true;
            }
            if token.is(FREQUENT) {
                let date = self.tokens.get(at + 1).is_some_and(|t| t.kind == Kind::Number);
                let asked = at > 0 && self.tokens[at - 1].is(SPEECH) && token.gap == SPACE && token.is(GIVEN);
                // "store mgr Sal has it on video"
                let role = at > 0 && self.tokens[at - 1].is(ROLE) && token.gap == SPACE && token.is(GIVEN);
                let announced = (under_way || cue == Cue::Strong || asked || role) && !self.opens_sentence(at);
                return token.is(SURNAME | GIVEN)
                    && token.len() > 2
                    && !date
                    && (announced || token.is(GIVEN) && self.surname_follows(at));
            }
            if token.is(PLACE) && !token.is(NAME) {
                return self.ends_name(at, under_way);
            }
            if token.is(WORD) && !token.is(NAME) {
                // Behind a name that is sure, a capital is its next word: "Pedro Luis Chub".
                return under_way
                    && at > 0
                    && self.tokens[at].gap == SPACE
                    && self.tokens[at - 1].is(SURE | SURNAME)
                    && token.len() <= 6
                    && !token.is(PLACE_NOUN);
            }
            return under_way || cue > Cue::None || !self.word(at).contains(&FOREIGN);
        }
        if token.is(NEVER | FREQUENT | SPEECH | ROLE | TITLE | RELATION | PLACE_NOUN) {
            return token.is(SURE) && !token.is(NEVER | FREQUENT);
        }
        if token.is(SURE) {
            return true;
        }
        if under_way && at > 0 && self.tokens[at - 1].is(PARTICLE) && self.heads_on(at, true) {
            return true;
        }
        let behind_name = under_way
            && at > 0
            && token.gap == SPACE
            && (self.tokens[at - 1].is(SURE) || self.tokens[at - 1].is(NAME) && !self.tokens[at - 1].is(ORDINARY));
        if token.is(ORDINARY) && behind_name && token.is(GIVEN | SURNAME) && !token.is(FREQUENT) {
            // "maria dolores", "mi prima yamilka encarnacion"
            return token.is(GIVEN) || cue > Cue::None;
        }
        if token.is(ORDINARY) {
            // "mi prima rosa", "my cousin angel"
            let number_follows = self.tokens.get(at + 1).is_some_and(|t| t.kind == Kind::Hidden && t.gap & !SPACE == 0);
            return (cue == Cue::Strong || cue == Cue::Weak && number_follows)
                && !under_way
                && token.is(GIVEN)
                && token.len() > 2;
        }
        if token.is(PLACE) {
            return (under_way || cue == Cue::Strong) && token.is(NAME);
        }
        if token.is(NAME) {
            return cue > Cue::None || under_way;
        }
        let known = token.marks & !PLACE != 0;
        let shortest = if cue > Cue::None { 3 } else { 4 };
        let goes_on = under_way && !known && token.len() >= shortest && self.tokens[at - 1].is(SURE);
        (cue == Cue::Strong && token.len() >= 4 || goes_on) && !self.mute_noise(at)
    }

    /// Unknown words of a text in which capitals say nothing are as often typing errors.
    fn mute_noise(&self, at: usize) -> bool {
        self.word(at).windows(3).any(|w| w[0] == w[1] && w[1] == w[2])
    }

    /// Whether a name may start at `at` at all where no strong cue stands before it: a capital, a word of the lists with one of
    /// `marks`, something cut short or in quotes. Most words are none of these.
    fn may_start(&self, at: usize, marks: Marks) -> bool {
        let token = &self.tokens[at];
        token.kind == Kind::Word
            && (self.capital(at)
                || token.is(marks)
                || token.gap & QUOTE != 0
                || token.len() <= 4 && self.bytes.get(token.end) == Some(&b'.'))
    }

    /// The end of the name that starts at `at`; `at` itself when none does.
    fn run(&self, at: usize, cue: Cue) -> usize {
        let mut end = at;
        let mut next = at;
        while next < self.tokens.len() && next - at < LONGEST {
            let token = &self.tokens[next];
            if next > at && !self.goes_on(next) {
                break;
            }
            let under_way = end > at;
            if token.kind != Kind::Word {
                break;
            }
            if token.is(SUFFIX)
                && under_way
                && token.len() <= 3
                && !self.word(next).is_empty()
                && self.tokens[next].shape != Shape::Lower
            {
                next += 1;
                end = next;
                break;
            }
            if token.len() == 1 && self.initial(next) {
                next += 1;
                continue;
            }
            // "Ma. Corazon", "Md. Shafiqul": a given name cut short, and what a capital begins behind it.
            if token.len() <= 4 && self.cut_short(next) {
                next += 2;
                end = next;
                continue;
            }
            if let Some(behind) =
                Some(next).filter(|_| under_way && token.gap & QUOTE != 0).and_then(|at| self.quoted(at))
            {
                next = behind;
                end = next;
                continue;
            }
            // "Hyun-woo": what hangs on a name belongs to it.
            if under_way
                && token.gap == HYPHEN
                && !token.is(NEVER)
                && (self.capital(at) || token.is(NAME))
                && !token.is(PLACE_NOUN | SPEECH)
            {
                next += 1;
                end = next;
                continue;
            }
            let particle = token.is(PARTICLE)
                && (under_way || self.capital(next) && token.shape == Shape::Capital)
                && !token.is(SURE);
            if particle && !under_way && self.place_here(next, false, cue) {
                break;
            }
            if particle && next + 1 < self.tokens.len() && self.goes_on(next + 1) && self.heads_on(next + 1, under_way)
            {
                next += 1;
                continue;
            }
            if !self.nameish(next, cue, under_way) {
                break;
            }
            // A lower-case unknown word goes on no name that began with a capital.
            if under_way && !self.capital(next) && !token.is(NAME) && self.capital(at) {
                break;
            }
            if self.place_here(next, under_way, cue) {
                break;
            }
            next += 1;
            end = next;
        }
        // An initial that ends a first name: "Maria G."
        if end > at
            && end < self.tokens.len()
            && self.initial(end)
            && self.goes_on(end)
            && !self.goes_on_as_name(end + 1)
        {
            let followed = self.bytes.get(self.tokens[end].end) == Some(&b'.');
            if followed {
                end += 1;
            }
        }
        end
    }

    fn goes_on_as_name(&self, at: usize) -> bool {
        at < self.tokens.len() && self.goes_on(at) && self.nameish(at, Cue::None, true)
    }

    /// After particles: a capital that may be a name.
    fn heads_on(&self, at: usize, under_way: bool) -> bool {
        let token = &self.tokens[at];
        if token.is(PARTICLE) && at + 1 < self.tokens.len() && self.goes_on(at + 1) && !token.is(SURE) {
            return self.heads_on(at + 1, under_way);
        }
        if self.capital(at) {
            return self.nameish(at, Cue::Strong, true) && (token.is(GIVEN | SURNAME) || !token.is(PLACE));
        }
        // "de la cruz", "dos santos": no word that merely follows a name.
        let bound = matches!(self.word(at - 1), b"dos" | b"das" | b"da" | b"al" | b"el" | b"van" | b"von" | b"bin")
            || at > 1 && self.tokens[at - 2].is(PARTICLE) && matches!(self.word(at - 2), b"de" | b"vda");
        token.is(SURNAME)
            && !token.is(FREQUENT | PLACE)
            && under_way
            && self.tokens[at - 1].len() > 1
            && self.word(at - 1) != b"y"
            && (!token.is(WORD) || bound)
    }

    /// A name may go on over the gap before `at`.
    fn goes_on(&self, at: usize) -> bool {
        let gap = self.tokens[at].gap;
        let dotted = gap & STOP != 0
            && (self.tokens[at - 1].len() == 1
                || self.tokens[at - 1].is(PARTICLE | SUFFIX) && self.tokens[at - 1].len() <= 3);
        let dash = gap & HYPHEN != 0 && gap & SPACE != 0;
        gap & !(SPACE | HYPHEN | QUOTE | if dotted { STOP } else { 0 }) == 0 && gap != QUOTE && !dash
    }

    /// A public place, by phrase or by what stands beside it, starts at `at`.
    fn place_here(&self, at: usize, under_way: bool, cue: Cue) -> bool {
        if let Some((length, marks)) = phrase(self.tokens, self.lexicon, at, PLACE | PUBLIC) {
            if marks & PUBLIC != 0 && length > 1 {
                return true;
            }
            let named = self.tokens[at].is(NAME);
            if length > 1 && !(under_way && named) && !(self.tokens[at].is(SURE) && cue > Cue::None) {
                return true;
            }
            if length == 1 && !named {
                return !self.ends_name(at, under_way);
            }
            if length == 1 && !self.tokens[at].is(SURE) && !under_way && self.state_follows(at + 1) {
                return true;
            }
            if length == 1
                && cue == Cue::None
                && !under_way
                && at > 0
                && self.tokens[at - 1].is(PLACE_CUE)
                && !self.tokens[at].is(SURE)
            {
                return true;
            }
        }
        false
    }

    /// ", TX": what stands before is a city.
    fn state_follows(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|t| t.shape == Shape::Upper && t.is(STATE) && t.gap & !(SPACE | COMMA | BRACKET) == 0)
    }

    /// What the whole run `start..end` belongs to is a place: "Jefferson Hall", "Parque Hidalgo", "Iglesia de San Pedro".
    fn of_a_place(&self, start: usize, end: usize) -> bool {
        let first = &self.tokens[start];
        let after = self.tokens.get(end).is_some_and(|t| {
            // "Maria place her bag": a frequent word in lower case is none behind a name that is sure.
            let verb =
                self.capitals == Capitals::Telling && t.shape == Shape::Lower && t.is(FREQUENT) && first.is(SURE);
            t.is(PLACE_NOUN) && t.gap & !(SPACE | HYPHEN) == 0 && !verb
        });
        let before = start > 0 && self.tokens[start - 1].is(PLACE_PREFIX) && first.gap & !(SPACE | STOP) == 0;
        let of = start > 1 && {
            let (noun, link) = (&self.tokens[start - 2], &self.tokens[start - 1]);
            let linked = matches!(self.word(start - 1), b"de" | b"of" | b"del" | b"la" | b"los" | b"las");
            let spaced = first.gap == SPACE && link.gap == SPACE;
            let person = first.is(SURE) && !first.is(PLACE) || noun.is(RELATION | ROLE);
            linked && spaced && noun.is(PLACE_PREFIX | PLACE_NOUN) && !person
        };
        // "D. Feinberg PD" defends.
        let lawyer = after
            && matches!(self.word(end), b"pd" | b"apd" | b"mpd")
            && self.tokens[start..end].iter().any(|t| t.len() == 1);
        after && !lawyer || before || of || self.court_beyond(end)
    }

    /// "Daniel Patrick Moynihan U.S. Courthouse", "Lindsey-Flanigan Courthouse": up to three words on, all capitals.
    fn court_beyond(&self, end: usize) -> bool {
        (end..end + 2).any(|at| {
            at + 1 < self.tokens.len()
                && (end..=at).all(|k| {
                    self.tokens[k].shape != Shape::Lower
                        && self.tokens[k].gap & !(SPACE | STOP | HYPHEN) == 0
                        && self.tokens[k].is(ORDINARY | NEVER | PLACE | PLACE_NOUN)
                })
                && self.tokens[at + 1].is(PLACE_NOUN)
                && self.tokens[at + 1].shape != Shape::Lower
                && self.tokens[at + 1].gap & !(SPACE | HYPHEN) == 0
        })
    }

    fn take(&mut self, start: usize, end: usize, rule: &'static str) {
        self.found = true;
        for at in start..end {
            self.rule[at].get_or_insert(rule);
        }
    }

    /// Names behind cues.
    fn cued(&mut self) {
        let mut behind = 0;
        for n in 0..self.marked.len() {
            let at = self.marked[n];
            if at < behind || !self.tokens[at].is(CUES) {
                continue;
            }
            let Some((length, cue, rule)) = self.cue(at) else { continue };
            let mut start = at + length;
            let mut fillers = 0;
            while start < self.tokens.len() && fillers < 4 && self.fills(start) && self.fits_cue(start, rule) {
                start += 1;
                fillers += 1;
            }
            behind = at + length;
            if start >= self.tokens.len() || !self.fits_cue(start, rule) {
                continue;
            }
            let cue = self.sober(cue, start, rule);
            if cue == Cue::Weak && !self.may_start(start, NAME) {
                continue;
            }
            let end = self.run(start, cue);
            if end > start && self.speaks(start, end, cue) && !self.of_a_place_despite(start, end, rule) {
                self.take(start, end, rule);
                behind = behind.max(end);
            }
        }
    }

    /// After a title a place noun must be plain to veto: "Officer Park", "Officer Hill said".
    fn of_a_place_despite(&self, start: usize, end: usize, rule: &str) -> bool {
        if rule == "person.title" {
            return self.tokens.get(end).is_some_and(|t| t.is(PLACE_NOUN) && t.gap == SPACE && t.shape != Shape::Lower);
        }
        self.of_a_place(start, end)
    }

    /// The cue that starts at `at`: its tokens, how strong it is, the rule it stands for.
    fn cue(&self, at: usize) -> Option<(usize, Cue, &'static str)> {
        let token = &self.tokens[at];
        if let Some((length, marks)) = phrase(self.tokens, self.lexicon, at, INTRODUCTION | WEAK_INTRODUCTION) {
            if marks & INTRODUCTION != 0 {
                return Some((length, Cue::Strong, "person.introduction"));
            }
            if !token.is(RELATION | TITLE | ROLE) || length > 1 {
                return Some((length, Cue::Weak, "person.introduction"));
            }
        }
        if token.is(TITLE) {
            return Some((1, Cue::Strong, "person.title"));
        }
        if token.is(RELATION) {
            return Some((1, Cue::Strong, "person.relation"));
        }
        token.is(ROLE).then_some((1, Cue::Weak, "person.role"))
    }

    /// Words between a cue and the name; a name's own word is none.
    fn fills(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        let named = self.capital(at) && token.is(SURE | GIVEN) && !token.is(TITLE | FILLER);
        token.kind == Kind::Word && token.is(FILLER | TITLE | RELATION) && !named && !token.is(SURE)
    }

    /// The gap before `at` lets a cue reach over it.
    fn fits_cue(&self, at: usize, rule: &str) -> bool {
        let gap = self.tokens[at].gap;
        let allowed: Gap = match rule {
            // "Sra. Medina", "Attorney: Diaz"
            "person.title" => {
                let named = self.capital(at) && self.tokens[at].is(NAME);
                // "an agent, Brouillette, told me"
                let aside = self.capital(at)
                    && self.tokens[at].shape == Shape::Capital
                    && !self.tokens[at].is(ORDINARY | PLACE | NEVER)
                    && self.tokens.get(at + 1).is_some_and(|next| next.gap & COMMA != 0);
                SPACE | STOP | COLON | QUOTE | if named { BRACKET } else { 0 } | if aside { COMMA } else { 0 }
            }
            "person.relation" => {
                SPACE
                    | COLON
                    | QUOTE
                    | if self.capital(at) && self.tokens[at].is(SURE | GIVEN) { COMMA | BRACKET } else { 0 }
            }
            "person.role" => {
                SPACE
                    | COLON
                    | QUOTE
                    | if self.capital(at) && self.tokens[at].is(SURE | GIVEN) { COMMA | BRACKET | SLASH } else { 0 }
            }
            _ => {
                SPACE
                    | COLON
                    | QUOTE
                    | COMMA
                    | HYPHEN
                    | if self.capital(at) && self.tokens[at].is(SURE | GIVEN) { LINE | BRACKET | STOP } else { 0 }
            }
        };
        gap & !allowed == 0
            // "officer. Maria" is a new sentence, "Sra. Maria" is not.
            && (rule != "person.title" || gap & STOP == 0 || self.tokens[at - 1].len() <= 6)
    }

    /// A strong cue is weak before what is often no name: a lower-case word behind a general word.
    fn sober(&self, cue: Cue, start: usize, rule: &str) -> Cue {
        let token = &self.tokens[start];
        // "agentes" is followed by what they do more often than by a name.
        let plural = rule == "person.title" && self.word(start - 1).ends_with(b"s") && self.tokens[start - 1].len() > 5;
        if plural && !self.capital(start) && (!token.is(NAME) || token.is(ORDINARY)) {
            return Cue::Weak;
        }
        if cue == Cue::Strong && !self.capital(start) && !token.is(NAME) && rule == "person.introduction" {
            let before = &self.tokens[start - 1];
            // "se llama wilmer" but not "familia xyz..."
            return if before.is(FILLER | INTRODUCTION | TITLE | RELATION) && before.gap & LINE == 0 {
                Cue::Strong
            } else {
                Cue::Weak
            };
        }
        cue
    }

    /// Behind a weak cue the words must look like a name of themselves.
    fn speaks(&self, start: usize, end: usize, cue: Cue) -> bool {
        let names = (start..end).filter(|&at| !self.tokens[at].is(PARTICLE) || self.tokens[at].is(SURE));
        let mut all_places = true;
        let mut any = false;
        for at in names {
            let token = &self.tokens[at];
            any |= token.len() > 1;
            all_places &= token.is(PLACE) && !token.is(GIVEN);
        }
        if !any || (start..end).any(|at| self.cut_short(at)) {
            return any;
        }
        match cue {
            Cue::Strong => !all_places || self.tokens[start].is(SURNAME),
            Cue::Weak | Cue::None => {
                let first = &self.tokens[start];
                let sure = (start..end).any(|at| self.tokens[at].is(SURE));
                let before = &self.tokens[start - 1];
                let long = end - start > 1;
                // "client zhang min", "caller: j. r. ortega"
                let told = before.is(ROLE | RELATION) || first.gap & COLON != 0;
                let listed =
                    |at: usize| self.tokens[at].is(NAME) && !self.tokens[at].is(FREQUENT | PLACE) || self.initial(at);
                if long && told && (start..end).all(listed) && (start..end).any(|at| !self.tokens[at].is(ORDINARY)) {
                    return true;
                }
                if first.is(PLACE) && before.is(PLACE_CUE) && !long {
                    return false;
                }
                let article =
                    matches!(self.word(start - 1), b"the" | b"el" | b"la" | b"los" | b"las" | b"a" | b"un" | b"una");
                let plain = !first.is(ORDINARY | PLACE) && (first.is(GIVEN) || !article && !before.is(PLACE_CUE));
                sure || self.capital(start)
                    && !all_places
                    && (long && !article || plain || first.is(GIVEN) && !first.is(PLACE | FREQUENT) && !article)
            }
        }
    }

    /// "Lupe: they took him": who speaks in a chat, and "- Lupe" at the end of one.
    fn chat_lines(&mut self) {
        for n in 0..self.marked.len() {
            let at = self.marked[n];
            if at > 0 && self.tokens[at].gap & (LINE | BRACKET | HYPHEN) == 0 {
                continue;
            }
            let line_start = at == 0
                || self.tokens[at].gap & LINE != 0
                || self.tokens[at - 1].kind == Kind::Number && self.tokens[at].gap & (BRACKET | HYPHEN) != 0
                || self.tokens[at].gap & BRACKET != 0 && self.tokens[at - 1].kind != Kind::Word;
            if line_start && self.tokens[at].kind == Kind::Word {
                let end = self.run(at, Cue::Strong);
                if end > at
                    && self.tokens.get(end).map_or(self.trailing_colon(end), |t| t.gap & COLON != 0)
                    && self.bytes.get(self.tokens[end - 1].end) == Some(&b':')
                    && (self.tokens[at].is(NAME) || self.capital(at))
                    && !self.tokens[at].is(PLACE)
                {
                    self.take(at, end, "person.chat");
                }
            }
            let last = self.tokens[at].gap & HYPHEN != 0 && self.tokens[at].gap & (SPACE | LINE | STOP) != 0;
            if last {
                let end = self.run(at, Cue::Strong);
                let closes = self.tokens.get(end).is_none_or(|t| t.gap & LINE != 0);
                if end > at
                    && closes
                    && end - at <= 3
                    && (self.tokens[at].is(GIVEN) || self.capital(at))
                    && !self.tokens[at].is(PLACE)
                    && !self.of_a_place(at, end)
                {
                    self.take(at, end, "person.signature");
                }
            }
        }
    }

    fn trailing_colon(&self, end: usize) -> bool {
        self.bytes.get(self.tokens[end - 1].end) == Some(&b':')
    }

    /// Names without a cue: from the lists, or capitals that nothing else explains.
    fn listed(&mut self) {
        let mut behind = 0;
        for n in 0..self.marked.len() {
            let at = self.marked[n];
            let opens = self.tokens[at].is(OPENS_PLACE);
            let word = self.rule[at].is_none() && self.tokens[at].kind == Kind::Word;
            if at < behind || !word || !opens && !self.may_start(at, SURE) {
                continue;
            }
            let place = if opens { phrase(self.tokens, self.lexicon, at, PLACE | PUBLIC) } else { None };
            if let Some((length, _)) = place.filter(|&(length, _)| length > 1) {
                // "Santa Rosa" is a city; "Santa Rosa Lopez" would be a name.
                let more = self
                    .tokens
                    .get(at + length)
                    .is_some_and(|t| t.gap == SPACE && t.is(NAME) && !t.is(ORDINARY | PLACE))
                    && self.capital(at + length);
                if !(more && self.tokens[at].is(SURE)) {
                    behind = at + length;
                    continue;
                }
            }
            if !self.may_start(at, SURE) {
                continue;
            }
            let start = at;
            let end = self.run(start, Cue::None);
            if end == start {
                continue;
            }
            if let Some(start) = self.convinces(start, end) {
                self.take(start, end, "person.listed");
            }
            behind = end;
        }
    }

    /// The first token of the name in `start..end`, if it is one without any cue.
    fn convinces(&self, start: usize, end: usize) -> Option<usize> {
        if self.of_a_place(start, end) {
            return None;
        }
        let words: Vec<usize> = (start..end)
            .filter(|&at| self.tokens[at].len() > 1 && (!self.tokens[at].is(PARTICLE) || self.tokens[at].is(SURE)))
            .collect();
        let initials = (start..end).filter(|&at| self.initial(at)).count();
        if (start..end).any(|at| self.cut_short(at)) {
            return Some(start);
        }
        let (&first, rest) = words.split_first()?;
        let token = &self.tokens[first];
        let known = |at: usize| self.tokens[at].is(NAME | ORDINARY | PLACE);
        if rest.is_empty() {
            if initials > 0 {
                // "M. Sandoval"; "Maria G."
                let compass = matches!(self.word(start), b"n" | b"s" | b"e" | b"w") && self.initial(start);
                let before = first > start;
                let surname = token.is(NAME) && !token.is(ORDINARY) || !known(first);
                return (!(compass && token.is(PLACE)) && if before { surname } else { token.is(GIVEN) })
                    .then_some(start);
            }
            if token.is(SURE) {
                let place = self.state_follows(end) || token.is(PLACE) && self.reads_as_place(start, end);
                return (!place).then_some(start);
            }
            if !self.capital(first) || token.is(PLACE) || self.state_follows(end) {
                return None;
            }
            if token.is(GIVEN) && !token.is(FREQUENT) && (!token.is(WORD) || !self.opens_sentence(first)) {
                return Some(start);
            }
            let described = self
                .tokens
                .get(end)
                .is_some_and(|t| t.gap == COMMA | SPACE && (t.is(DEMONYM) || t.kind == Kind::Number && t.len() == 2));
            if described && !token.is(ORDINARY) {
                return Some(start);
            }
            let speaks = self.tokens.get(end).is_some_and(|t| t.is(SPEECH) && t.gap == SPACE)
                || start > 0 && self.tokens[start - 1].is(SPEECH) && self.tokens[start].gap == SPACE;
            return (speaks
                && (!token.is(ORDINARY) || token.is(GIVEN))
                && (!self.opens_sentence(start) || token.is(NAME)))
            .then_some(start);
        }
        if let Some(sure) = words.iter().copied().find(|&at| self.tokens[at].is(SURE)) {
            // "Woodburn Maria Lopez" is a place and a name.
            let from = if self.tokens[first].is(PLACE) && !self.tokens[first].is(GIVEN) { sure } else { start };
            return Some(from);
        }
        let places = words.iter().filter(|&&at| self.tokens[at].is(PLACE)).count();
        if !self.capital(first) {
            return (token.is(GIVEN)
                && !token.is(ORDINARY | PLACE)
                && rest.iter().all(|&at| !self.tokens[at].is(ORDINARY | PLACE)))
            .then_some(start);
        }
        if token.is(GIVEN) && !token.is(ORDINARY) {
            return (places < words.len() && !self.state_follows(end)).then_some(start);
        }
        if token.is(GIVEN) {
            let second_named = rest
                .iter()
                .any(|&at| self.tokens[at].is(SURNAME) && !self.tokens[at].is(FREQUENT | PLACE) || !known(at));
            return (second_named && places < words.len()).then_some(start);
        }
        if initials > 0 && token.is(NAME) && !token.is(ORDINARY | PLACE) {
            return Some(start);
        }
        // Capitals in a row that no list explains, or surnames that are nothing else.
        let plain = words.iter().all(|&at| !self.tokens[at].is(ORDINARY | PLACE));
        (plain && !self.state_follows(end)).then_some(start)
    }

    /// A word that is a name and a city, where cities stand: "in Eugene", "Elizabeth. Two vans".
    fn reads_as_place(&self, start: usize, end: usize) -> bool {
        let behind = start > 0 && self.tokens[start - 1].is(PLACE_CUE) && self.tokens[start].gap == SPACE;
        let head = self.opens_sentence(start)
            && self
                .tokens
                .get(end)
                .is_none_or(|t| t.gap & (STOP | COMMA | SLASH | LINE | BRACKET | HYPHEN | COLON) != 0);
        let in_a_list = start > 0 && self.tokens[start].gap & SLASH != 0
            || self.tokens.get(end).is_some_and(|t| t.gap & SLASH != 0);
        behind || head || in_a_list
    }

    /// "Brown, Price y Sandoval", "Wilmer y Brayan", "LOPEZ, Maria".
    fn lists_of_names(&mut self) {
        if !self.found {
            return;
        }
        for at in 1..self.tokens.len() {
            if self.rule[at].is_some() || self.tokens[at].kind != Kind::Word {
                continue;
            }
            // Names are found beside names.
            let taken = |at: usize| self.rule.get(at).is_some_and(Option::is_some);
            if !(taken(at - 1) || taken(at.wrapping_sub(2)) || taken(at + 1) || taken(at + 2)) {
                continue;
            }
            let token = &self.tokens[at];
            let joint = matches!(self.word(at - 1), b"y" | b"e" | b"and" | b"con" | b"with" | b"or" | b"o" | b"plus");
            let after_name = (token.gap & (COMMA | SLASH) != 0
                && token.gap & !(COMMA | SPACE | SLASH) == 0
                && self.rule[at - 1].is_some())
                || (joint && token.gap == SPACE && at >= 2 && self.rule[at - 2].is_some());
            let capital = self.capital(at);
            // "Agents Brown and Sandoval": behind a title a surname that is also a city is one.
            let titled = token.is(SURNAME)
                && !token.is(FREQUENT)
                && (1..=2)
                    .any(|back| at >= back && matches!(self.rule[at - back], Some("person.title" | "person.list")));
            if after_name
                && (token.is(SURE)
                    || (capital && (titled || !token.is(PLACE | FREQUENT)) && (token.is(NAME) || !token.is(ORDINARY))))
            {
                let end = self.run(at, Cue::Weak);
                if end > at && !self.of_a_place(at, end) && !self.state_follows(end) {
                    self.take(at, end, "person.list");
                }
            }
            // "Chuy and Beto": the first is one because the second is.
            let before_name = self
                .tokens
                .get(at + 1)
                .is_some_and(|t| t.gap == SPACE && matches!(self.word(at + 1), b"y" | b"e" | b"and"))
                && self.tokens.get(at + 2).is_some_and(|t| t.gap == SPACE)
                && self.rule[at + 2].is_some();
            if before_name
                && capital
                && !self.opens_sentence(at)
                && !token.is(ORDINARY | PLACE | NEVER | TITLE | RELATION | ROLE)
                && token.shape == Shape::Capital
            {
                self.take(at, at + 1, "person.list");
            }
            // A surname before "comma, given name".
            let next_taken = self.tokens.get(at + 1).is_some_and(|next| next.gap == COMMA | SPACE && next.is(SURE))
                && self.rule[at + 1].is_some();
            if next_taken
                && self.rule[at].is_none()
                && capital
                && (token.is(SURNAME) || !token.is(ORDINARY))
                && !token.is(PLACE | ORDINARY | NEVER | TITLE | RELATION | ROLE)
            {
                self.take(at, at + 1, "person.list");
            }
        }
    }

    /// Short or strange words that a capital marks as words of the name beside them: "Saw Eh Doh Soe", "Xiloj Us"; and nicknames
    /// in quotes beside names and behind what announces them.
    fn neighbours(&mut self) {
        for n in 0..self.marked.len() {
            let at = self.marked[n];
            if self.tokens[at].gap & QUOTE == 0 {
                continue;
            }
            if let Some(end) = self.quoted(at) {
                let announced = at > 0 && self.tokens[at - 1].is(INTRODUCTION | TITLE)
                    || at > 1 && phrase(self.tokens, self.lexicon, at - 2, INTRODUCTION).is_some_and(|(n, _)| n == 2);
                let listed = at > 0 && self.rule[at - 1].is_some() && self.capital(at);
                let officer = self.tokens[at].is(TITLE) && self.rule.get(at + 1).is_some_and(Option::is_some);
                let capitals = (at..end).all(|word| self.capital(word));
                if (announced || listed) && capitals && !officer && !self.tokens[end - 1].is(PLACE_NOUN | TITLE) {
                    self.take(at, end, "person.nickname");
                }
            }
        }
        if !self.found {
            return;
        }
        for at in 1..self.tokens.len() {
            if self.rule[at].is_none() {
                continue;
            }
            // "jean-baptiste wilner", "LUZ MARIA": a given name that is also a word, before a name.
            let before = &self.tokens[at - 1];
            let given = before.is(GIVEN) && !before.is(FREQUENT | TITLE | RELATION | ROLE | NEVER) && before.len() > 2;
            let unknown =
                self.capitals == Capitals::Mute && before.marks == 0 && before.kind == Kind::Word && before.len() > 3;
            if self.rule[at - 1].is_none()
                && matches!(self.tokens[at].gap, SPACE | HYPHEN)
                && before.shape == self.tokens[at].shape
                && self.tokens[at].is(NAME)
                && (given && !before.is(PLACE) || unknown)
            {
                self.rule[at - 1] = self.rule[at];
            }
        }
        if self.capitals == Capitals::Mute {
            return;
        }
        for at in 0..self.tokens.len() {
            if self.rule[at].is_none() || self.tokens[at].shape == Shape::Lower || self.tokens[at].is(PLACE) {
                continue;
            }
            let rule = self.rule[at];
            let mut next = at + 1;
            while next < self.tokens.len() && self.rule[next].is_none() && self.hangs_on(next, false) {
                self.rule[next] = rule;
                next += 1;
            }
            let mut before = at;
            while before > 0
                && self.rule[before - 1].is_none()
                && self.tokens[before].gap == SPACE
                && self.hangs_on(before - 1, true)
            {
                before -= 1;
                self.rule[before] = rule;
            }
        }
    }

    /// A word with a capital beside a name, which nothing but the name explains.
    fn hangs_on(&self, at: usize, before: bool) -> bool {
        let token = &self.tokens[at];
        let gap = if before { !self.opens_sentence(at) } else { token.gap == SPACE };
        let pronoun = matches!(
            self.word(at),
            b"he"
                | b"she"
                | b"we"
                | b"it"
                | b"they"
                | b"his"
                | b"her"
                | b"my"
                | b"the"
                | b"el"
                | b"la"
                | b"los"
                | b"las"
                | b"un"
                | b"una"
                | b"yo"
                | b"mi"
                | b"su"
                | b"a"
                | b"an"
                | b"in"
                | b"on"
                | b"at"
                | b"en"
                | b"de"
                | b"del"
                | b"y"
                | b"and"
                | b"of"
                | b"to"
                | b"no"
                | b"si"
                | b"yes"
                | b"by"
                | b"as"
                | b"or"
                | b"if"
                | b"is"
                | b"pm"
                | b"am"
        );
        if before && matches!(self.word(at), b"big" | b"lil" | b"little") && token.shape == Shape::Capital {
            return true;
        }
        let plain = TITLE | RELATION | ROLE | PLACE | PLACE_NOUN | PLACE_PREFIX | DEMONYM | INTRODUCTION;
        if !gap
            || token.kind != Kind::Word
            || token.shape != Shape::Capital
            || token.len() < 2
            || pronoun
            || token.cues(MONTH)
            || token.is(plain)
        {
            return false;
        }
        if before {
            let frequent = token.is(NEVER | SPEECH | FREQUENT | ORDINARY);
            return !token.is(FILLER | PLACE_CUE | NEVER) && (token.len() <= 4 || token.is(NAME) || !frequent);
        }
        // "Xiloj Us", "Amadou Ba"
        let short = if token.is(NEVER | SPEECH | FREQUENT) { 3 } else { 4 };
        token.len() <= short
            || !token.is(NEVER | SPEECH | FREQUENT | WORD)
            || token.is(NAME) && !token.is(FREQUENT | NEVER)
    }

    /// "María de la Luz Pérez", of which two rules took the ends.
    fn particles_between(&mut self) {
        if !self.found {
            return;
        }
        for at in 0..self.tokens.len() {
            let Some(rule) = self.rule[at] else { continue };
            let between =
                self.tokens[at + 1..].iter().take_while(|t| t.is(PARTICLE) && t.gap == SPACE && t.len() > 1).count();
            let next = at + 1 + between;
            if between > 0
                && self.rule.get(next).is_some_and(Option::is_some)
                && self.tokens[next].gap == SPACE
                && self.capital(next)
            {
                self.take(at + 1, next, rule);
            }
        }
    }

    /// Every other place in which a word of a caught name stands.
    fn everywhere(&mut self) {
        let mut caught: Vec<u64> = (0..self.tokens.len())
            .filter(|&at| self.rule[at].is_some() && self.tokens[at].len() > 2)
            .filter(|&at| !self.tokens[at].is(PARTICLE | SUFFIX) || self.tokens[at].is(SURE))
            .map(|at| self.tokens[at].hash)
            .collect();
        if caught.is_empty() {
            return;
        }
        caught.sort_unstable();
        caught.dedup();
        for at in 0..self.tokens.len() {
            let token = &self.tokens[at];
            if self.rule[at].is_some() || token.kind != Kind::Word {
                continue;
            }
            let plural = if token.marks == 0 { self.word(at).strip_suffix(b"s") } else { None };
            let plural = plural.filter(|stem| stem.len() > 3);
            let same = caught.binary_search(&token.hash).is_ok()
                || plural.is_some_and(|stem| caught.binary_search(&super::lexicon::hash(stem.iter().copied())).is_ok());
            if !same {
                continue;
            }
            let lower_word = !self.capital(at) && token.is(FREQUENT);
            let city = token.is(PLACE)
                && (self.state_follows(at + 1) || at > 0 && self.tokens[at - 1].is(PLACE_CUE) && !token.is(SURE));
            if !lower_word && !city && !self.of_a_place(at, at + 1) {
                self.take(at, at + 1, "person.again");
            }
        }
    }
}
