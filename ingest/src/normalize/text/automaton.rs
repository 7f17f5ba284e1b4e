//! One automaton over all phrases of all rule files: a trie of symbols with gaps, walked from every token.
//!
//! What always holds: a walk ends after the longest phrase, never crosses a sentence, and its cost does not depend on
//! how many phrases there are, only on how many start alike.

use super::fold::{Break, Token};
use super::lexicon::{Lexicon, Symbol, WordId};
use super::pattern::{Item, Pattern};

type NodeId = u32;
const ROOT: NodeId = 0;

#[derive(Debug, Default)]
struct Node {
    edges: Vec<(Symbol, NodeId)>,
    gap: Vec<(u8, NodeId)>,
    /// The phrases that end here.
    ends: Vec<u32>,
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

#[derive(Debug)]
pub(super) struct Automaton {
    nodes: Vec<Node>,
    /// For each word of the lexicon, the nodes that a phrase starting with it leads to.
    starts: Vec<Box<[NodeId]>>,
    /// The nodes that a number leads to from the root.
    number_start: Option<NodeId>,
    /// The word "no".
    no: WordId,
}

impl Automaton {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()], starts: Vec::new(), number_start: None, no: WordId::UNKNOWN }
    }

    /// Adds a phrase under a number of the caller's.
    pub(super) fn add(&mut self, pattern: &Pattern, phrase: u32) {
        let mut ends = Vec::new();
        self.extend(&[ROOT], &pattern.items, &mut ends);
        ends.sort_unstable();
        ends.dedup();
        for node in ends {
            self.nodes[node as usize].ends.push(phrase);
        }
    }

    fn extend(&mut self, from: &[NodeId], items: &[Item], ends: &mut Vec<NodeId>) {
        let Some((first, rest)) = items.split_first() else {
            ends.extend_from_slice(from);
            return;
        };
        let mut next = Vec::new();
        match first {
            Item::Word(symbol) => next.extend(from.iter().map(|&node| self.child(node, *symbol))),
            Item::Gap(most) => next.extend(from.iter().map(|&node| self.gap_child(node, *most))),
            Item::OneOf(ways) => {
                for way in ways {
                    self.extend(from, way, &mut next);
                }
            }
        }
        next.sort_unstable();
        next.dedup();
        self.extend(&next, rest, ends);
    }

    fn node(&mut self) -> NodeId {
        self.nodes.push(Node::default());
        NodeId::try_from(self.nodes.len() - 1).expect("rule files have fewer phrases than 2^32")
    }

    fn child(&mut self, node: NodeId, symbol: Symbol) -> NodeId {
        if let Some((_, child)) = self.nodes[node as usize].edges.iter().find(|(s, _)| *s == symbol) {
            return *child;
        }
        let child = self.node();
        self.nodes[node as usize].edges.push((symbol, child));
        child
    }

    fn gap_child(&mut self, node: NodeId, most: u8) -> NodeId {
        if let Some((_, child)) = self.nodes[node as usize].gap.iter().find(|(n, _)| *n == most) {
            return *child;
        }
        let child = self.node();
        self.nodes[node as usize].gap.push((most, child));
        child
    }

    /// To be called once, after the last phrase.
    pub(super) fn finish(&mut self, lexicon: &Lexicon) {
        let root = std::mem::take(&mut self.nodes[ROOT as usize].edges);
        self.no = lexicon.find(b"no");
        self.number_start = root.iter().find(|(symbol, _)| *symbol == Symbol::NUMBER).map(|(_, node)| *node);
        self.starts = (0..lexicon.len())
            .map(|id| {
                let symbols = &lexicon.word(WordId(u32::try_from(id).unwrap_or(0))).symbols;
                root.iter().filter(|(symbol, _)| symbols.binary_search(symbol).is_ok()).map(|(_, node)| *node).collect()
            })
            .collect();
        self.nodes[ROOT as usize].edges = root;
    }

    pub(super) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Finds every phrase, in the order of their first tokens.
    pub(super) fn find(&self, tokens: &[Token], lexicon: &Lexicon, hits: &mut Vec<Hit>) {
        hits.clear();
        for start in 0..tokens.len() {
            let token = &tokens[start];
            let mut walk = Walk { automaton: self, lexicon, tokens, hits, start, sentence: token.sentence };
            for &node in &self.starts[token.word.0 as usize] {
                walk.step(node, start + 1, NO_NUMBER);
            }
            if token.count.is_some()
                && let Some(node) = self.number_start
            {
                walk.step(node, start + 1, u32::try_from(start).unwrap_or(NO_NUMBER));
            }
        }
    }
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
        let node = &self.automaton.nodes[node as usize];
        for &phrase in &node.ends {
            let (Ok(start), Ok(end)) = (u32::try_from(self.start), u32::try_from(at)) else { return };
            self.hits.push(Hit { phrase, start, end, number });
        }
        self.onward(node, at, number);
    }

    /// The edges of a node, and those behind its gaps.
    fn onward(&mut self, node: &Node, at: usize, number: u32) {
        self.edges(node, at, number);
        for &(most, inner) in &node.gap {
            let inner = &self.automaton.nodes[inner as usize];
            for skipped in 0..=usize::from(most) {
                if skipped > 0 && self.tokens.get(at + skipped - 1).is_none_or(|t| t.sentence != self.sentence || t.before != Break::None) {
                    break;
                }
                // What follows a gap stands in its clause.
                if skipped == 0 || self.tokens.get(at + skipped).is_some_and(|t| t.before == Break::None) {
                    self.onward(inner, at + skipped, number);
                }
            }
        }
    }

    fn edges(&mut self, node: &Node, at: usize, number: u32) {
        let Some(token) = self.tokens.get(at).filter(|t| t.sentence == self.sentence) else { return };
        if token.before == Break::Clause && at > self.start && self.automaton.no != WordId::UNKNOWN && self.tokens[at - 1].word == self.automaton.no {
            // "No, it was the sheriff" denies nothing of what follows.
            return;
        }
        let symbols = &self.lexicon.word(token.word).symbols;
        for &(symbol, child) in &node.edges {
            if symbol == Symbol::NUMBER {
                if token.count.is_some() {
                    let here = if number == NO_NUMBER { u32::try_from(at).unwrap_or(NO_NUMBER) } else { number };
                    self.step(child, at + 1, here);
                }
            } else if symbol == Symbol::NAME {
                if token.capital && token.before != Break::Sentence {
                    self.step(child, at + 1, number);
                }
            } else if symbols.binary_search(&symbol).is_ok() {
                self.step(child, at + 1, number);
            }
        }
    }
}
