//! A set of codes of one list, for the axes where several may hold.

use std::fmt;
use std::marker::PhantomData;

use serde::{Serialize, Serializer};

use super::codes::CodeAxis;

/// Several codes of one list, without order or repetition: one bit a code, by its position in the taxonomy.
/// Written as an array of codes, in the order of the taxonomy.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodeSet<A>(u64, PhantomData<A>);

impl<A: CodeAxis> CodeSet<A> {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self(0, PhantomData)
    }

    /// Adds a code; says whether it was new.
    pub fn insert(&mut self, code: A) -> bool {
        let before = self.0;
        self.0 |= bit(code);
        self.0 != before
    }

    /// Takes a code out; says whether it was there.
    pub fn remove(&mut self, code: A) -> bool {
        let before = self.0;
        self.0 &= !bit(code);
        self.0 != before
    }

    #[must_use]
    pub fn contains(self, code: A) -> bool {
        self.0 & bit(code) != 0
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many codes are in the set.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The codes in the order of the taxonomy.
    pub fn iter(self) -> impl Iterator<Item = A> + Clone {
        A::ALL.iter().copied().filter(move |&code| self.contains(code))
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0, PhantomData)
    }

    /// One bit a code, the first code lowest. Only for memory: positions may change with the version of the taxonomy,
    /// so what is stored or sent are codes.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The set of these bits; `None` when a bit stands for no code.
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<Self> {
        let unknown = bits.checked_shr(u32::try_from(A::ALL.len()).ok()?).unwrap_or(0);
        (unknown == 0).then_some(Self(bits, PhantomData))
    }
}

/// The bit of a code. `build.rs` refuses lists of more than 64 codes.
fn bit<A: CodeAxis>(code: A) -> u64 {
    1 << code.index()
}

impl<A: CodeAxis> Default for CodeSet<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: CodeAxis> fmt::Debug for CodeSet<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<A: CodeAxis> FromIterator<A> for CodeSet<A> {
    fn from_iter<I: IntoIterator<Item = A>>(codes: I) -> Self {
        let mut set = Self::new();
        set.extend(codes);
        set
    }
}

impl<A: CodeAxis> Extend<A> for CodeSet<A> {
    fn extend<I: IntoIterator<Item = A>>(&mut self, codes: I) {
        for code in codes {
            self.insert(code);
        }
    }
}

impl<A: CodeAxis> Serialize for CodeSet<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
