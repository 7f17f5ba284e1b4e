//! Reads codes. Serde's own errors print the value that was given, which may be private; these name the list and what
//! it accepts, and nothing else. So every kind of value has to be taken, and refused here.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::code_set::CodeSet;
use super::codes::CodeAxis;

/// Takes these kinds of values as `None`: not what the visitor reads.
macro_rules! refuse {
    ($($visit:ident: $Value:ty),+) => {
        $(fn $visit<E>(self, _: $Value) -> Result<Self::Value, E> { Ok(None) })+
    };
}

/// One code: `parse` knows it, `accepted` lists what the error offers.
pub(crate) fn deserialize_code<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    list: &'static str,
    accepted: impl Iterator<Item = &'static str>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    // What is not written for people cannot tell of itself what comes; there a code is always a text.
    let code = match deserializer.is_human_readable() {
        true => deserializer.deserialize_any(CodeVisitor(parse)),
        false => deserializer.deserialize_str(CodeVisitor(parse)),
    };
    code?.ok_or_else(|| {
        let accepted: Vec<_> = accepted.collect();
        D::Error::custom(format_args!("no code of {list}; accepted: {}", accepted.join(", ")))
    })
}

struct CodeVisitor<F>(F);

impl<'de, T, F: FnOnce(&str) -> Option<T>> Visitor<'de> for CodeVisitor<F> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok((self.0)(text))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut values: S) -> Result<Self::Value, S::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
        skip(map)
    }

    refuse!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_bytes: &[u8]);

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

impl<'de, A: CodeAxis> Deserialize<'de> for CodeSet<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let codes = deserializer.deserialize_any(SetVisitor(PhantomData))?;
        codes.ok_or_else(|| D::Error::custom(format_args!("not an array of codes of {}", A::NAME)))
    }
}

struct SetVisitor<A>(PhantomData<A>);

impl<'de, A: CodeAxis> Visitor<'de> for SetVisitor<A> {
    type Value = Option<CodeSet<A>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of codes")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut codes: S) -> Result<Self::Value, S::Error> {
        let mut set = CodeSet::new();
        while let Some(code) = codes.next_element()? {
            set.insert(code);
        }
        Ok(Some(set))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
        skip(map)
    }

    refuse!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str, visit_bytes: &[u8]);

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Reads a map to its end, as readers require.
fn skip<'de, M: MapAccess<'de>, T>(mut map: M) -> Result<Option<T>, M::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(None)
}
