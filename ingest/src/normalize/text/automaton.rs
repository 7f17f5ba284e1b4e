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

/// A node of the finished automaton: ranges of the shared lists, and masks that tell most words away at once.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// What its edges ask for.
    mask: u128,
    /// What the edges behind its gaps ask for, and behind the gaps there.
    beyond: u128,
    edges: (u32, u32),
    gaps: (u32, u32),
    ends: (u32, u32),
}

/// Where a phrase goes on behind its first word.
#[derive(Debug, Clone, Copy)]
struct Start {
    /// One of these must follow in the clause; all, where a phrase of one word ends here.
    needs: u128,
    node: NodeId,
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
    edges: Vec<(Symbol, NodeId)>,
    gaps: Vec<(u8, NodeId)>,
    ends: Vec<u32>,
    /// For each word of the lexicon, the nodes that a phrase starting with it leads to.
    starts: Vec<Box<[Start]>>,
    /// The node that a number leads to from the root.
    number_start: Option<NodeId>,
    /// The node that a name leads to from the root.
    name_start: Option<NodeId>,
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
        let root_edge = |wanted| root.iter().find(|(symbol, _)| *symbol == wanted).map(|(_, node)| *node);
        let (number_start, name_start) = (root_edge(Symbol::NUMBER), root_edge(Symbol::NAME));
        let masks: Vec<u128> = (self.0.iter())
            .map(|draft| draft.edges.iter().fold(0, |mask, (symbol, _)| mask | lexicon.mask_of(*symbol)))
            .collect();
        // A node is added behind the one that leads to it, so those behind its gaps are known first.
        let mut beyond: Vec<u128> = vec![0; masks.len()];
        for (at, draft) in self.0.iter().enumerate().rev() {
            beyond[at] =
                draft.gaps.iter().fold(0, |all, (_, inner)| all | masks[*inner as usize] | beyond[*inner as usize]);
        }
        let start = |&place: &usize| {
            let node = root[place].1;
            let at = node as usize;
            let needs = if self.0[at].ends.is_empty() { masks[at] | beyond[at] } else { u128::MAX };
            Start { needs, node }
        };
        let mut places: HashMap<Symbol, Vec<usize>> = HashMap::new();
        for (place, (symbol, _)) in root.iter().enumerate() {
            places.entry(*symbol).or_default().push(place);
        }
        let starts = lexicon.words().iter().map(|word| {
            let mut of_word: Vec<usize> =
                word.symbols.iter().filter_map(|symbol| places.get(symbol)).flatten().copied().collect();
            of_word.sort_unstable();
            of_word.iter().map(start).collect()
        });
        let starts: Vec<Box<[Start]>> = starts.collect();
        for (at, draft) in self.0.iter().enumerate() {
            let from = (edges.len(), gaps.len(), ends.len());
            edges.extend_from_slice(&draft.edges);
            gaps.extend_from_slice(&draft.gaps);
            ends.extend_from_slice(&draft.ends);
            nodes.push(Node {
                mask: masks[at],
                beyond: beyond[at],
                edges: (count(from.0), count(edges.len())),
                gaps: (count(from.1), count(gaps.len())),
                ends: (count(from.2), count(ends.len())),
            });
        }
        Automaton { nodes, edges, gaps, ends, starts, number_start, name_start, no: lexicon.find(b"no") }
    }
}

/// A length as it is kept in a node.
fn count(n: usize) -> u32 {
    u32::try_from(n).expect("rule files have fewer phrases than 2^32")
}

fn slice<T>(list: &[T], (from, to): (u32, u32)) -> &[T] {
    &list[from as usize..to as usize]
}

impl Automaton {
    /// Finds every phrase, in the order of their first tokens.
    pub(super) fn find(&self, tokens: &[Token], lexicon: &Lexicon, hits: &mut Vec<Hit>) {
        hits.clear();
        for start in 0..tokens.len() {
            let token = &tokens[start];
            let mut walk = Walk { automaton: self, lexicon, tokens, hits, start, sentence: token.sentence };
            let ahead = tokens.get(start + 1).map_or(0, |next| next.ahead);
            for &Start { needs, node } in &self.starts[token.word.0 as usize] {
                if needs & ahead != 0 || needs == u128::MAX {
                    walk.step(node, start + 1, NO_NUMBER);
                }
            }
            if token.count.is_some()
                && let Some(node) = self.number_start
            {
                walk.step(node, start + 1, u32::try_from(start).unwrap_or(NO_NUMBER));
            }
            if is_name(token)
                && let Some(node) = self.name_start
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
        let node = &self.automaton.nodes[node as usize];
        for &phrase in slice(&self.automaton.ends, node.ends) {
            let (Ok(start), Ok(end)) = (u32::try_from(self.start), u32::try_from(at)) else { return };
            self.hits.push(Hit { phrase, start, end, number });
        }
        self.onward(node, at, number);
    }

    /// The edges of a node, and those behind its gaps.
    fn onward(&mut self, node: &Node, at: usize, number: u32) {
        self.edges(node, at, number);
        if self.tokens.get(at).is_none_or(|next| next.ahead & node.beyond == 0) {
            return;
        }
        for &(most, inner) in slice(&self.automaton.gaps, node.gaps) {
            let inner = &self.automaton.nodes[inner as usize];
            for skipped in 0..=usize::from(most) {
                // Only words of one clause are skipped, and what follows a gap stands in that clause.
                if skipped > 0 && self.tokens.get(at + skipped - 1).is_none_or(|t| t.before != Break::None) {
                    break;
                }
                match self.tokens.get(at + skipped) {
                    Some(next) if skipped == 0 || next.before == Break::None => {
                        self.onward(inner, at + skipped, number)
                    }
                    _ => break,
                }
            }
        }
    }

    fn edges(&mut self, node: &Node, at: usize, number: u32) {
        let Some(token) = self.tokens.get(at) else { return };
        if token.mask & node.mask == 0 || token.sentence != self.sentence {
            return;
        }
        if token.before == Break::Clause && at > self.start && self.tokens[at - 1].word == self.automaton.no {
            // "No, it was the sheriff" denies nothing of what follows.
            return;
        }
        let known = self.lexicon.symbols_of(token.word);
        for &(symbol, child) in slice(&self.automaton.edges, node.edges) {
            if symbol == Symbol::NUMBER {
                if token.count.is_some() {
                    let here = if number == NO_NUMBER { u32::try_from(at).unwrap_or(NO_NUMBER) } else { number };
                    self.step(child, at + 1, here);
                }
            } else if symbol == Symbol::NAME {
                if is_name(token) {
                    self.step(child, at + 1, number);
                }
            } else if known.has(symbol) {
                self.step(child, at + 1, number);
            }
        }
    }
}
