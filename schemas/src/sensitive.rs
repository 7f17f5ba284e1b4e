//! Text that must not be seen: narratives, places, contacts, raw payloads.
//!
//! What always holds: a [`Sensitive`] value prints as its length only, and its memory is wiped when it is dropped.
//! Whoever needs the text says so with [`Sensitive::expose`], which is easy to search for.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

/// A value that cannot be printed and is wiped on drop.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sensitive<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Sensitive<T> {
    /// Takes a value in.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value, for code that has a reason to read it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + Clone> Sensitive<T> {
    /// Gives the value away; the copy kept here is wiped.
    #[must_use]
    pub fn into_inner(self) -> T {
        T::clone(&self.0)
    }
}

impl<T: Zeroize> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sensitive]")
    }
}

impl<T: Zeroize + Serialize> Serialize for Sensitive<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Sensitive<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_text() {
        let text = Sensitive::new(String::from("Rosa Inchi, 555-0142"));
        assert_eq!(format!("{text:?}"), "[sensitive]");
        assert_eq!(format!("{:?}", Some(&text)), "Some([sensitive])");
        assert_eq!(text.expose(), "Rosa Inchi, 555-0142");
    }
}
