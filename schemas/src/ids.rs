//! Ids. All of them are keyed hashes or plain numbers: none can be turned back into what a source sent.
//!
//! What always holds: the same (source, external id) gives the same [`ReportId`] for the life of an installation, and
//! without the installation's key nobody can tell whether a given external id is among the reports.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

type HmacSha256 = Hmac<Sha256>;

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Reads 32 hexadecimal digits.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let mut bytes = [0u8; 16];
                if text.len() != 32 || !text.is_ascii() {
                    return None;
                }
                for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                    let hex = std::str::from_utf8(pair).ok()?;
                    *byte = u8::from_str_radix(hex, 16).ok()?;
                }
                Some(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("an id is 32 hexadecimal digits"))
            }
        }
    };
}

hash_id! {
    /// Names a report, and is the receipt that its source gets: a keyed hash of (source, external id).
    ReportId
}
hash_id! {
    /// A keyed hash of a submission's content (its wire form after mapping, in canonical form).
    ContentHash
}
hash_id! {
    /// Names one import.
    BatchId
}

/// The installation's own secret. It never rotates: with another key, every repeat would look new.
pub struct InstallationKey(Zeroizing<[u8; 32]>);

impl InstallationKey {
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The receipt of what `source` calls `external_id`.
    #[must_use]
    pub fn report_id(&self, source: &str, external_id: &str) -> ReportId {
        ReportId(self.tag("report", &[source.as_bytes(), external_id.as_bytes()]))
    }

    /// The hash by which repeats are told. Keyed, because a low-entropy content (a phone number, a name) could be
    /// guessed from a plain hash by whoever takes the store away.
    #[must_use]
    pub fn content_hash(&self, canonical: &[u8]) -> ContentHash {
        ContentHash(self.tag("content", &[canonical]))
    }

    /// The id of a file's row that has none: its content, and how many equal rows stood before it in that file.
    #[must_use]
    pub fn row_id(&self, source: &str, content: &[u8], equal_rows_before: u64) -> String {
        let tag = self.tag("row", &[source.as_bytes(), content, &equal_rows_before.to_be_bytes()]);
        format!("row-{}", ReportId(tag))
    }

    /// HMAC-SHA-256 over length-prefixed parts, cut to 128 bits. The prefixes keep ("ab", "c") and ("a", "bc") apart.
    fn tag(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = HmacSha256::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of any length");
        mac.update(purpose.as_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let full = mac.finalize().into_bytes();
        let mut short = [0u8; 16];
        short.copy_from_slice(&full[..16]);
        short
    }
}

impl fmt::Debug for InstallationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallationKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_stable_and_keyed() {
        let key = InstallationKey::from_bytes([7; 32]);
        let id = key.report_id("line-a", "17");
        assert_eq!(id, key.report_id("line-a", "17"));
        assert_ne!(id, key.report_id("line-b", "17"));
        assert_ne!(id, InstallationKey::from_bytes([8; 32]).report_id("line-a", "17"));
        assert_ne!(key.report_id("ab", "c"), key.report_id("a", "bc"));
        assert_eq!(ReportId::parse(&id.to_string()), Some(id));
        assert_eq!(ReportId::parse("xyz"), None);
        assert_eq!(format!("{key:?}"), "InstallationKey");
    }
}
