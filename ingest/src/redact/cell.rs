//! Whether a short cell of a table may hold what is private. For who shows such cells, as the proposal of a mapping does:
//! unlike a narrative, a cell has no words around it that tell a name from a place.
//!
//! What always holds: in doubt it may.

use super::fold::Folded;
use super::lexicon::{FREQUENT, NAME, ORDINARY, PARTICLE, PLACE, SURE};
use super::tokens::{self, Kind, Shape, Token};
use super::{Redactor, Span};

/// No name of a person has more words.
const MOST_WORDS: usize = 6;

impl Redactor {
    /// Whether the cell reads as the name of a person, and as nothing else.
    #[must_use]
    pub fn is_name(&self, cell: &str) -> bool {
        let tokens = self.tokens(cell);
        let words = tokens.iter().filter(|token| token.kind == Kind::Word && token.len() > 1).count();
        if words == 0 || tokens.len() > MOST_WORDS || tokens.iter().any(|token| token.kind != Kind::Word) {
            return false;
        }
        let named = |token: &Token| token.is(NAME) && (token.is(SURE) || !token.is(ORDINARY | PLACE));
        let fits = |token: &Token| token.len() == 1 || token.is(NAME | PARTICLE) || !token.is(ORDINARY | PLACE);
        tokens.iter().any(named) && tokens.iter().all(fits)
    }

    /// Whether anything in the cell may be private: a name among its words, a number of a person, an address.
    #[must_use]
    pub fn may_be_private(&self, cell: &str) -> bool {
        // An ordinary word with a capital may be somebody's name.
        let ordinary = |token: &Token| if token.shape == Shape::Lower { ORDINARY } else { FREQUENT };
        let named = |token: &Token| token.is(NAME) && (token.is(SURE) || !token.is(ordinary(token)));
        if self.tokens(cell).iter().any(named) {
            return true;
        }
        let mut spans: Vec<Span> = Vec::new();
        self.find(cell, &mut spans);
        !spans.is_empty() || super::second_look(cell).is_some()
    }

    fn tokens(&self, cell: &str) -> Vec<Token> {
        let folded = Folded::new(cell);
        let mut found = Vec::new();
        tokens::cut(cell, &folded, &self.words, &mut found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_are_told_apart() {
        let redactor = Redactor::builtin();
        for name in ["Ramiro Estrella", "María de la Cruz Hernández", "J. Gutierrez", "RAMIRO ESTRELLA"] {
            assert!(redactor.is_name(name), "{name}");
            assert!(redactor.may_be_private(name), "{name}");
        }
        // A place, too: as a column of names it is not told, as a word of codes it is not shown.
        assert!(redactor.may_be_private("Guadalupe"));
        for plain in
            ["grocery", "home", "said police", "courthouse steps", "Yakima", "arrest", "no", "4", "2026-0914-01", ""]
        {
            assert!(!redactor.is_name(plain), "{plain}");
        }
        for plain in ["grocery", "took someone", "courthouse steps", "tienda", "carro sin marcas"] {
            assert!(!redactor.may_be_private(plain), "{plain}");
        }
        for private in ["509-555-0147", "took Ramiro", "call Marisol"] {
            assert!(redactor.may_be_private(private), "{private}");
        }
    }
}
