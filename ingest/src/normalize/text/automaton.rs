//! One automaton over all phrases of all rule files: a trie of symbols with gaps, walked from every token.
//!
//! What always holds: a walk ends after the longest phrase, never crosses a sentence, and its cost does not depend on
//! how many phrases there are, only on how many start alike.

use std::collections::HashMap;

use super::fold::{Break, Token};
use super::lexicon::{Lexicon, Symbol, WordId};
use super::pattern::{Item, Pattern};

type NodeId = u32;
const ROOT: NodeId = 0;

/// A node while phrases are added.
#[derive(Debug, Default)]
struct Draft {
    edges: Vec<(Symbol, NodeId)>,
    gaps: Vec<(u8, NodeId)>,
    /// The phrases that end here.
    ends: Vec<u32>,
}

/// A node of the finished automaton: where its parts of the shared lists start; they end where those of the next node
/// start. What its [`Wants`] tell away never reads it.
#[derive(Debug, Clone, Copy)]
struct Node {
    edges: u32,
    gaps: u32,
    ends: u32,
}

/// What must follow where a phrase goes on at a node: masks that tell most words away at once. They stand where the walk
/// comes from, so that it does not wait for a node that leads nowhere.
#[derive(Debug, Clone, Copy)]
struct Wants {
    /// What the node's edges ask of the next word.
    next: u128,
    /// What the edges behind its gaps, and behind the gaps there, ask of the next word or one behind it in its clause.
    beyond: u128,
}

impl Wants {
    /// Of a node at which a phrase ends, whatever follows.
    const NOTHING: Self = Self { next: u128::MAX, beyond: u128::MAX };

    /// Whether a phrase may go on, or ends, before words of these masks: of the next one, and of all in its clause.
    #[inline]
    fn met(&self, mask: u128, ahead: u128) -> bool {
        self.next & mask | self.beyond & ahead != 0 || self.beyond == u128::MAX
    }
}

/// A word that a phrase goes on with. Packed, so that more of them lie near.
#[derive(Debug, Clone, Copy)]
struct Edge {
    /// The symbol, and in the lowest byte the bit of its mask.
    asks: u32,
    node: NodeId,
}

impl Edge {
    fn new(symbol: Symbol, node: NodeId, lexicon: &Lexicon) -> Self {
        let bit = lexicon.mask_of(symbol).trailing_zeros();
        let asks = symbol.0.checked_mul(1 << 8).expect("rule files have fewer sets of words than 2^24") | bit;
        Self { asks, node }
    }

    fn symbol(self) -> Symbol {
        Symbol(self.asks >> 8)
    }

    fn in_mask(self, mask: u128) -> bool {
        mask >> (self.asks & 0x7f) & 1 == 1
    }
}

/// So many words at the most that may be skipped, and the node behind them.
#[derive(Debug, Clone, Copy)]
struct Gap {
    wants: Wants,
    node: NodeId,
    most: u8,
}

/// Where phrases go on behind a first word.
#[derive(Debug, Default)]
struct Starts {
    wants: Box<[Wants]>,
    nodes: Box<[NodeId]>,
}

/// A phrase that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// The number under which the phrase was added.
    pub phrase: u32,
    /// Tokens, half open.
    pub start: u32,
    pub end: u32,
    /// The token that stood for the first `#`.
    pub number: u32,
}

/// No `#` in the phrase.
pub(super) const NO_NUMBER: u32 = u32::MAX;

/// Collects phrases.
#[derive(Debug)]
pub(super) struct Builder(Vec<Draft>);

#[derive(Debug)]
pub(super) struct Automaton {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    gaps: Vec<Gap>,
    ends: Vec<u32>,
    /// For each word of the lexicon, the nodes that a phrase starting with it leads to.
    starts: Vec<Starts>,
    /// The node that a number leads to from the root.
    number_start: Option<(Wants, NodeId)>,
    /// The node that a name leads to from the root.
    name_start: Option<(Wants, NodeId)>,
    /// The word "no".
    no: WordId,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self(vec![Draft::default()])
    }

    /// Adds a phrase under a number of the caller's.
    pub(super) fn add(&mut self, pattern: &Pattern, phrase: u32) {
        let mut ends = Vec::new();
        self.extend(ROOT, &pattern.items, &mut ends);
        ends.sort_unstable();
        ends.dedup();
        for node in ends {
            self.0[node as usize].ends.push(phrase);
        }
    }

    fn extend(&mut self, from: NodeId, items: &[Item], ends: &mut Vec<NodeId>) {
        let Some((first, rest)) = items.split_first() else {
            ends.push(from);
            return;
        };
        let mut next = Vec::new();
        match first {
            Item::Word(symbol) => next.push(self.child(from, *symbol)),
            Item::Gap(most) => next.push(self.gap_child(from, *most)),
            Item::OneOf(ways) => {
                for way in ways {
                    self.extend(from, way, &mut next);
                }
                next.sort_unstable();
                next.dedup();
            }
        }
        match next.as_slice() {
            _ if rest.is_empty() => ends.append(&mut next),
            [one] => self.extend(*one, rest, ends),
            _ => {
                // What follows is laid out once and led to from each way, else every choice would double it.
                let follows = self.node();
                let mut last = Vec::new();
                self.extend(follows, rest, &mut last);
                let Draft { edges, gaps, .. } = std::mem::take(&mut self.0[follows as usize]);
                for &node in &next {
                    let node = &mut self.0[node as usize];
                    node.edges.extend_from_slice(&edges);
                    node.gaps.extend_from_slice(&gaps);
                }
                for node in last {
                    if node == follows { ends.extend_from_slice(&next) } else { ends.push(node) }
                }
            }
        }
    }

    fn node(&mut self) -> NodeId {
        self.0.push(Draft::default());
        count(self.0.len() - 1)
    }

    fn child(&mut self, node: NodeId, symbol: Symbol) -> NodeId {
        if let Some((_, child)) = self.0[node as usize].edges.iter().find(|(s, _)| *s == symbol) {
            return *child;
        }
        let child = self.node();
        self.0[node as usize].edges.push((symbol, child));
        child
    }

    fn gap_child(&mut self, node: NodeId, most: u8) -> NodeId {
        if let Some((_, child)) = self.0[node as usize].gaps.iter().find(|(n, _)| *n == most) {
            return *child;
        }
        let child = self.node();
        self.0[node as usize].gaps.push((most, child));
        child
    }

    /// Lays the nodes out for the walk. `lexicon` must be finished.
    pub(super) fn finish(self, lexicon: &Lexicon) -> Automaton {
        let (mut nodes, mut edges, mut gaps, mut ends) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let root = &self.0[ROOT as usize].edges;
        let masks: Vec<u128> = (self.0.iter())
            .map(|draft| draft.edges.iter().fold(0, |mask, (symbol, _)| mask | lexicon.mask_of(*symbol)))
            .collect();
        // A node is added behind the one that leads to it, so those behind its gaps are known first.
        let mut beyond: Vec<u128> = vec![0; masks.len()];
        for (at, draft) in self.0.iter().enumerate().rev() {
            beyond[at] =
                draft.gaps.iter().fold(0, |all, (_, inner)| all | masks[*inner as usize] | beyond[*inner as usize]);
        }
        let wants = |node: NodeId| {
            let at = node as usize;
            let goes_on = Wants { next: masks[at], beyond: beyond[at] };
            if self.0[at].ends.is_empty() { goes_on } else { Wants::NOTHING }
        };
        let root_edge = |wanted| {
            let found = root.iter().find(|(symbol, _)| *symbol == wanted);
            found.map(|&(_, node)| (wants(node), node))
        };
        let (number_start, name_start) = (root_edge(Symbol::NUMBER), root_edge(Symbol::NAME));
        let mut places: HashMap<Symbol, Vec<usize>> = HashMap::new();
        for (place, (symbol, _)) in root.iter().enumerate() {
            places.entry(*symbol).or_default().push(place);
        }
        let starts = lexicon.words().iter().map(|word| {
            let mut of_word: Vec<usize> =
                word.symbols.iter().filter_map(|symbol| places.get(symbol)).flatten().copied().collect();
            of_word.sort_unstable();
            let nodes: Box<[NodeId]> = of_word.iter().map(|&place| root[place].1).collect();
            Starts { wants: nodes.iter().map(|&node| wants(node)).collect(), nodes }
        });
        let starts: Vec<Starts> = starts.collect();
        let here = |edges: &[Edge], gaps: &[Gap], ends: &[u32]| Node {
            edges: count(edges.len()),
            gaps: count(gaps.len()),
            ends: count(ends.len()),
        };
        for draft in &self.0 {
            nodes.push(here(&edges, &gaps, &ends));
            edges.extend(draft.edges.iter().map(|&(symbol, node)| Edge::new(symbol, node, lexicon)));
            gaps.extend(draft.gaps.iter().map(|&(most, node)| {
                let at = node as usize;
                Gap { wants: Wants { next: masks[at], beyond: beyond[at] }, node, most }
            }));
            ends.extend_from_slice(&draft.ends);
        }
        nodes.push(here(&edges, &gaps, &ends));
        Automaton { nodes, edges, gaps, ends, starts, number_start, name_start, no: lexicon.find(b"no") }
    }
}

/// A length as it is kept in a node.
fn count(n: usize) -> u32 {
    u32::try_from(n).expect("rule files have fewer phrases than 2^32")
}

impl Automaton {
    fn edges(&self, node: NodeId) -> &[Edge] {
        let at = node as usize;
        &self.edges[self.nodes[at].edges as usize..self.nodes[at + 1].edges as usize]
    }

    fn gaps(&self, node: NodeId) -> &[Gap] {
        let at = node as usize;
        &self.gaps[self.nodes[at].gaps as usize..self.nodes[at + 1].gaps as usize]
    }

    fn ends(&self, node: NodeId) -> &[u32] {
        let at = node as usize;
        &self.ends[self.nodes[at].ends as usize..self.nodes[at + 1].ends as usize]
    }

    /// Finds every phrase, in the order of their first tokens.
    pub(super) fn find(&self, tokens: &[Token], lexicon: &Lexicon, hits: &mut Vec<Hit>) {
        hits.clear();
        for start in 0..tokens.len() {
            let token = &tokens[start];
            let mut walk = Walk { automaton: self, lexicon, tokens, hits, start, sentence: token.sentence };
            // No phrase goes on in the next sentence.
            let next = tokens.get(start + 1).filter(|next| next.sentence == token.sentence);
            let (mask, ahead) = next.map_or((0, 0), |next| (next.mask, next.ahead));
            let starts = &self.starts[token.word.0 as usize];
            for (wants, &node) in starts.wants.iter().zip(&starts.nodes) {
                if wants.met(mask, ahead) {
                    walk.step(node, start + 1, NO_NUMBER);
                }
            }
            if token.count.is_some()
                && let Some((wants, node)) = self.number_start
                && wants.met(mask, ahead)
            {
                walk.step(node, start + 1, u32::try_from(start).unwrap_or(NO_NUMBER));
            }
            if is_name(token)
                && let Some((wants, node)) = self.name_start
                && wants.met(mask, ahead)
            {
                walk.step(node, start + 1, NO_NUMBER);
            }
        }
    }
}

/// A capital within a sentence; the first word of a sentence has one whatever it is.
fn is_name(token: &Token) -> bool {
    token.capital && token.before != Break::Sentence
}

struct Walk<'a> {
    automaton: &'a Automaton,
    lexicon: &'a Lexicon,
    tokens: &'a [Token],
    hits: &'a mut Vec<Hit>,
    start: usize,
    sentence: u32,
}

impl Walk<'_> {
    fn step(&mut self, node: NodeId, at: usize, number: u32) {
        let automaton = self.automaton;
        for &phrase in automaton.ends(node) {
            let (Ok(start), Ok(end)) = (u32::try_from(self.start), u32::try_from(at)) else { return };
            self.hits.push(Hit { phrase, start, end, number });
        }
        self.onward(node, at, number);
    }

    /// The edges of a node, and those behind its gaps.
    fn onward(&mut self, node: NodeId, at: usize, number: u32) {
        let Some(next) = self.tokens.get(at).filter(|next| next.sentence == self.sentence) else { return };
        self.edges(node, at, number);
        let automaton = self.automaton;
        for gap in automaton.gaps(node) {
            if (gap.wants.next | gap.wants.beyond) & next.ahead != 0 {
                self.gap(gap, at, number);
            }
        }
    }

    /// The words of one clause are skipped, and what follows a gap stands in that clause.
    fn gap(&mut self, gap: &Gap, at: usize, number: u32) {
        for skipped in 0..=usize::from(gap.most) {
            let Some(next) = self.tokens.get(at + skipped) else { break };
            if skipped > 0 && (next.before != Break::None || self.tokens[at + skipped - 1].before != Break::None) {
                break;
            }
            if gap.wants.met(next.mask, next.ahead) {
                self.onward(gap.node, at + skipped, number);
            }
        }
    }

    fn edges(&mut self, node: NodeId, at: usize, number: u32) {
        let automaton = self.automaton;
        let edges = automaton.edges(node);
        if edges.is_empty() {
            return;
        }
        let token = &self.tokens[at];
        if token.before == Break::Clause && at > self.start && self.tokens[at - 1].word == automaton.no {
            // "No, it was the sheriff" denies nothing of what follows.
            return;
        }
        // Few symbols share a bit, so most edges are told away by the mask alone.
        for edge in edges.iter().filter(|edge| edge.in_mask(token.mask)) {
            match edge.symbol() {
                Symbol::NUMBER => {
                    let here = if number == NO_NUMBER { u32::try_from(at).unwrap_or(NO_NUMBER) } else { number };
                    self.step(edge.node, at + 1, here);
                }
                Symbol::NAME => {
                    if is_name(token) {
                        self.step(edge.node, at + 1, number);
                    }
                }
                symbol => {
                    if self.lexicon.has(token.word, symbol) {
                        self.step(edge.node, at + 1, number);
                    }
                }
            }
        }
    }
}
