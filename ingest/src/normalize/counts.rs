//! Counts in words: "4", "5 to 6", "6+", "at least 4", "al menos 4".
//!
//! What always holds: words that are not understood as a whole give no count.

use schemas::Count;

/// Reads a count.
pub(super) fn parse(words: &str) -> Option<Count> {
    let lower = words.trim().to_lowercase();
    let number = |text: &str| text.trim().parse::<u32>().ok();
    if let Some(n) = number(&lower) {
        return Count::from_parts(Some(n), Some(n), false);
    }
    for prefix in ["at least ", "al menos ", "por lo menos ", "more than ", "más de ", "mas de "] {
        if let Some(n) = lower.strip_prefix(prefix).and_then(number) {
            return Count::from_parts(Some(n), None, true);
        }
    }
    for suffix in ["+", " or more", " o más", " o mas"] {
        if let Some(n) = lower.strip_suffix(suffix).and_then(number) {
            return Count::from_parts(Some(n), None, true);
        }
    }
    for separator in [" to ", " or ", " a ", " o ", "-", "–"] {
        if let Some((a, b)) = lower.split_once(separator) {
            let (a, b) = (number(a)?, number(b)?);
            return Count::from_parts(Some(a.min(b)), Some(a.max(b)), false);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_people_use() {
        assert_eq!(parse("4"), Some(Count::exactly(4)));
        assert_eq!(parse("5 to 6"), Some(Count::between(5, 6)));
        assert_eq!(parse("5-6"), Some(Count::between(5, 6)));
        assert_eq!(parse("6+"), Some(Count::at_least(6)));
        assert_eq!(parse("at least 4"), Some(Count::at_least(4)));
        assert_eq!(parse("al menos 4"), Some(Count::at_least(4)));
        assert_eq!(parse("several"), None);
        assert_eq!(parse("4294967296"), None);
    }
}
