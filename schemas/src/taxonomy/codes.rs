//! What a code is and can do. The lists themselves are included from `OUT_DIR`, where `build.rs` writes them.

use std::fmt::{self, Debug, Display};
use std::hash::Hash;

use chrono::NaiveDate;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::{Serialize, Serializer};

use super::crosswalk::{IceMethod, SeriesBreak};
use super::read::deserialize_code;
use super::regime::Regime;
use crate::language::Language;

/// A text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text2 {
    pub en: &'static str,
    pub es: &'static str,
}

impl Text2 {
    /// The text in one language.
    #[must_use]
    pub const fn get(self, language: Language) -> &'static str {
        match language {
            Language::En => self.en,
            Language::Es => self.es,
        }
    }
}

/// What the taxonomy says of one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeInfo {
    /// The stable identifier.
    pub code: &'static str,
    /// Lower case (names apart), for a table cell or inside a sentence.
    pub label: Text2,
    /// The label of several; event kinds have one.
    pub plural: Option<Text2>,
    /// One plain line.
    pub definition: Text2,
    /// First day of use, where the list is dated.
    pub from: Option<NaiveDate>,
    /// Last day of use, included, where the list is dated.
    pub to: Option<NaiveDate>,
}

impl CodeInfo {
    /// Whether the code was in use on a day. A code without dates always is.
    #[must_use]
    pub fn in_use(&self, on: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= on) && self.to.is_none_or(|to| on <= to)
    }

    /// The plural label where there is one and `count` is not 1, else the label.
    #[must_use]
    pub fn label_for(&self, count: u64, language: Language) -> &'static str {
        let label = if count == 1 { self.label } else { self.plural.unwrap_or(self.label) };
        label.get(language)
    }
}

/// A closed list of codes. `Ord` is the order of the taxonomy.
pub trait CodeAxis:
    Copy + Eq + Ord + Hash + Debug + Display + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The name of the list (`agency`, `tactic`): an axis of a report is named by [`AxisInfo::name`].
    const NAME: &'static str;
    /// Every code, in the order of the taxonomy.
    const ALL: &'static [Self];
    /// What each code means, in the same order.
    const INFO: &'static [CodeInfo];

    /// The code as it is written everywhere.
    fn as_str(self) -> &'static str;

    /// The code that is written exactly so. Allocates nothing.
    fn from_code(code: &str) -> Option<Self>;

    /// Position in [`Self::ALL`]. It may change with the version of the taxonomy: store codes, never positions.
    fn index(self) -> usize;

    /// Label, definition and dates.
    fn info(self) -> &'static CodeInfo {
        &Self::INFO[self.index()]
    }
}

/// An axis of a report: a wire field and the list that its codes come from.
#[derive(Clone, Copy, Debug)]
pub struct AxisInfo {
    /// The wire field, and the column (`agency_claimed`).
    pub name: &'static str,
    /// The Rust type of its codes (`Agency`).
    pub type_name: &'static str,
    /// Whether one report may carry several codes.
    pub multiple: bool,
    pub label: Text2,
    pub definition: Text2,
    /// Every code, in order.
    pub codes: &'static [CodeInfo],
}

impl AxisInfo {
    /// What the taxonomy says of one code of this axis.
    #[must_use]
    pub fn code(&self, code: &str) -> Option<&'static CodeInfo> {
        self.codes.iter().find(|info| info.code == code)
    }
}

/// The axis of a wire field.
#[must_use]
pub fn axis(name: &str) -> Option<&'static AxisInfo> {
    AXES.iter().find(|axis| axis.name == name)
}

/// How a kind counts in the second sum of a brief (design.md, "The two sums").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventClass {
    /// Something that agents did; only these can be undated.
    Event,
    /// Something happened, but it was not immigration enforcement.
    NotEnforcement,
    /// Nothing happened, or it is not known what.
    NonEvent,
}

impl EventKind {
    /// How this kind counts in the second sum.
    #[must_use]
    pub fn class(self) -> EventClass {
        EVENT_CLASSES[self.index()]
    }
}

impl Setting {
    /// The ICEwatch filter under which a report with this setting falls; `None` for a setting that is not known.
    #[must_use]
    pub fn icewatch(self) -> Option<IcewatchPlace> {
        SETTING_FILTERS[self.index()]
    }
}

impl Tactic {
    /// The ICEwatch filter under which a report with this tactic falls, if any.
    #[must_use]
    pub fn icewatch(self) -> Option<IcewatchTactic> {
        TACTIC_FILTERS[self.index()]
    }
}

/// Makes the type of one list. `build.rs` writes the calls.
macro_rules! code_list {
    ($(#[$about:meta])* $Type:ident $name:literal { $($(#[$definition:meta])* $Variant:ident $code:literal $info:expr;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $Type {
            $($(#[$definition])* $Variant,)+
        }

        impl CodeAxis for $Type {
            const NAME: &'static str = $name;
            const ALL: &'static [Self] = &[$(Self::$Variant),+];
            const INFO: &'static [CodeInfo] = &[$($info),+];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$Variant => $code,)+
                }
            }

            fn from_code(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$Variant),)+
                    _ => None,
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }

        impl Display for $Type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $Type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $Type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let accepted = Self::INFO.iter().map(|info| info.code);
                deserialize_code(deserializer, Self::NAME, accepted, Self::from_code)
            }
        }
    };
}

/// A day of the data; `build.rs` has checked that it exists.
const fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a day of the calendar")
}

include!(concat!(env!("OUT_DIR"), "/taxonomy.rs"));
