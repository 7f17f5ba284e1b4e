//! The only place that reads the wall clock.
//!
//! Everything else takes a [`Clock`], so that a test, a rebuild of an old brief and the demo can fix what "now" is.
//! Instants are UTC with microseconds; nothing finer survives a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};

/// A point in time, UTC.
pub type Instant = DateTime<Utc>;

/// Where "now" comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands still until it is set: microseconds since 1970.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::set`] moves it.
    #[must_use]
    pub fn fixed(at: Instant) -> Self {
        Self::Set(Arc::new(AtomicI64::new(at.timestamp_micros())))
    }

    /// The instant that this clock shows.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    pub fn now(&self) -> Instant {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
            Self::Set(micros) => from_micros(micros.load(Ordering::SeqCst)),
        }
    }

    /// Moves a standing clock. The machine's clock cannot be moved: then nothing happens.
    pub fn set(&self, at: Instant) {
        if let Self::Set(micros) = self {
            micros.store(at.timestamp_micros(), Ordering::SeqCst);
        }
    }
}

/// The instant `micros` after 1970; instants out of chrono's range become 1970.
#[must_use]
pub fn from_micros(micros: i64) -> Instant {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// RFC 3339 in UTC, as short as it is exact: `2026-09-16T22:30:00Z`.
#[must_use]
pub fn rfc3339(at: Instant) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Reads an RFC 3339 instant with an offset, cut to microseconds.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Instant> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    Some(from_micros(at.timestamp_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_moves_only_when_set() {
        let start = parse_rfc3339("2026-09-16T22:30:00Z").expect("valid");
        let clock = Clock::fixed(start);
        assert_eq!(clock.now(), start);
        let later = parse_rfc3339("2026-09-17T00:00:00.25Z").expect("valid");
        clock.clone().set(later);
        assert_eq!(clock.now(), later, "copies share the hand");
        assert_eq!(rfc3339(later), "2026-09-17T00:00:00.250Z");
    }

    #[test]
    fn the_machine_clock_cannot_be_set() {
        let clock = Clock::System;
        let before = clock.now();
        clock.set(from_micros(0));
        assert!(clock.now() >= before);
    }
}
