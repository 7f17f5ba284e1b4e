//! The code lists of a report, generated from `data/taxonomy`: typed codes, their labels and definitions in English
//! and Spanish, dated lists, and crosswalks to what others count.
//!
//! What always holds: types and data cannot drift, because the types are made from the data when the crate is built;
//! a code is a stable identifier, written the same on the wire, in the store and in every table; the order of a list
//! is the order of every table. To change a code, change its file, and raise `version` in `taxonomy.toml`.
//!
//! ```
//! use schemas::Language;
//! use schemas::taxonomy::{CodeAxis, CodeSet, EventClass, EventKind, Tactic};
//!
//! let kind = EventKind::from_code("arrest").unwrap();
//! assert_eq!(kind.class(), EventClass::Event);
//! assert_eq!(kind.info().label.get(Language::Es), "arresto");
//!
//! let tactics: CodeSet<Tactic> = [Tactic::Masked, Tactic::RusePolice].into_iter().collect();
//! assert_eq!(serde_json::to_string(&tactics).unwrap(), r#"["ruse_police","masked"]"#);
//! ```

mod code_set;
mod codes;
mod crosswalk;
mod read;
mod regime;
#[cfg(test)]
mod tests;

pub(crate) use read::deserialize_code;

pub use code_set::CodeSet;
pub use codes::{
    AXES, Agency, Authority, AxisInfo, CROSSWALK_VERSION, CaseLevel, CodeAxis, CodeInfo, CourtRole, CourtStage,
    CourtType, EventClass, EventKind, ICE_METHODS, IceGroup, IcewatchPlace, IcewatchTactic, Outcome, PartnerModel,
    PlaceRelation, Priority, REGIMES, Review, SERIES_BREAKS, Setting, Tactic, Text2, VERSION, VulnerableParty, axis,
};
pub use crosswalk::{IceMethod, SeriesBreak, ice_method, ice_method_group, series_break_within};
pub use regime::{Regime, priority_regime};
