//! Which token belongs to which source.
//!
//! What always holds: tokens are known by their SHA-256 only and compared in constant time; a revoked source is not found.

use std::sync::{Arc, RwLock};

use schemas::source::Source;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The sources that may send, as last read from the store.
#[derive(Debug, Default)]
pub struct SourceBook(RwLock<Arc<[Arc<Source>]>>);

impl SourceBook {
    /// Puts a newly read list in place of the old one.
    pub fn replace(&self, sources: Vec<Source>) {
        let list: Arc<[Arc<Source>]> = sources.into_iter().filter(|s| !s.revoked).map(Arc::new).collect();
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = list;
    }

    /// The source that the token belongs to.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<Arc<Source>> {
        self.by_digest(&Sha256::digest(token.as_bytes()).into())
    }

    /// The source whose token has this SHA-256. Every token is compared, so that the time tells nothing of which one fits.
    #[must_use]
    pub fn by_digest(&self, given: &[u8; 32]) -> Option<Arc<Source>> {
        let list = Arc::clone(&self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner));
        let mut found = None;
        for source in list.iter() {
            let same = source.token_sha256.map_or(Choice::from(0), |known| known.ct_eq(given));
            if bool::from(same) {
                found = Some(Arc::clone(source));
            }
        }
        found
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use schemas::source::{Settings, SourceKind, SourceName};

    /// A source in the book, for the tests of all that asks it.
    pub(in crate::channels::http) fn source(name: &str, token: &str, revoked: bool) -> Source {
        Source {
            name: SourceName::parse(name).expect("a name"),
            kind: SourceKind::Hotline,
            settings: Settings::default(),
            public_name: None,
            token_sha256: Some(Sha256::digest(token.as_bytes()).into()),
            revoked,
        }
    }

    #[test]
    fn only_a_known_token_of_a_source_in_force_is_found() {
        let book = SourceBook::default();
        assert!(book.by_token("a").is_none());
        book.replace(vec![source("line-a", "a", false), source("line-b", "b", true)]);
        assert_eq!(book.by_token("a").map(|s| s.name.to_string()).as_deref(), Some("line-a"));
        assert!(book.by_token("b").is_none());
        assert!(book.by_token("").is_none());
    }
}
