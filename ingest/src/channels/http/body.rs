//! A request's body as items: one object, an array, or NDJSON.
//!
//! What always holds: every byte of the body belongs to an item, so that nothing is passed over in silence; what does not
//! read is an item that will be refused.

use serde_json::value::RawValue;

/// The items of a body.
#[derive(Debug)]
pub(super) struct Items<'a> {
    pub(super) list: Vec<&'a [u8]>,
    /// Whether it came as an array or as several lines: then an `Idempotency-Key` is followed by the item's index.
    pub(super) batch: bool,
}

/// Splits a body. One that is neither an array nor lines of objects is a single item, for the check to refuse.
pub(super) fn split(bytes: &[u8]) -> Items<'_> {
    let trimmed = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    if trimmed.starts_with(b"[") {
        return match serde_json::from_slice::<Vec<&RawValue>>(trimmed) {
            Ok(items) => Items { list: items.into_iter().map(|raw| raw.get().as_bytes()).collect(), batch: true },
            // An array that does not read as a whole: no item of it can be trusted to be one.
            Err(_) => Items { list: vec![trimmed], batch: false },
        };
    }
    if !trimmed.contains(&b'\n') || serde_json::from_slice::<&RawValue>(trimmed).is_ok() {
        return Items { list: vec![trimmed], batch: false };
    }
    let lines = trimmed.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    Items { list: lines.collect(), batch: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str) -> (Vec<String>, bool) {
        let items = split(body.as_bytes());
        (items.list.iter().map(|i| String::from_utf8_lossy(i).into_owned()).collect(), items.batch)
    }

    #[test]
    fn objects_arrays_and_lines() {
        let one = vec![String::from(r#"{"a":1}"#)];
        assert_eq!(texts(r#" {"a":1} "#), (one.clone(), false));
        assert_eq!(texts("{\n\"a\":1}").0.len(), 1, "an object over several lines is one");
        assert_eq!(texts(r#"[{"a":1}]"#), (one, true));
        assert_eq!(texts(r#"[{"a":[1,2]}, {"b":"],["}]"#).0.len(), 2);
        assert_eq!(texts("{\"a\":1}\n\n{\"b\"\n{\"c\":1}\r\n").0.len(), 3, "a broken line harms no other");
        assert_eq!(texts("[]"), (vec![], true));
        assert_eq!(texts("[{\"a\":1},").0.len(), 1);
        assert_eq!(texts("").0, vec![String::new()]);
    }
}
