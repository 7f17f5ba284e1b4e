//! States and counties of the United States: codes, names, vintages, time zones, and what took the place of a code
//! that is no longer current.
//!
//! What always holds: a county code stands once; every county lies in exactly one state of the table; a code that is
//! no longer current names its successors; zones are IANA names. The tables are data files beside the crate
//! (`data/geography/`, with their sources), compiled in and read once, at first use.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Version of the tables; a brief prints it. Changes whenever a row of `data/geography` changes.
pub const GEOGRAPHY_VERSION: &str = "2026.1";

/// The vintage of the codes that are current: the Census Bureau's list of 2022, which has Connecticut's nine planning
/// regions in place of its eight counties.
pub const CURRENT_VINTAGE: u16 = 2022;

/// A state, the District of Columbia, Puerto Rico or an island territory.
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    /// Two-letter postal code, upper case.
    pub code: &'static str,
    /// Two-digit FIPS code.
    pub fips: &'static str,
    /// Name in English.
    pub name_en: &'static str,
    /// Name in Spanish.
    pub name_es: &'static str,
    /// IANA zone in which most of its people live.
    pub zone: &'static str,
}

/// A county or county equivalent: parish, borough, census area, independent city, municipio, planning region.
#[derive(Debug, PartialEq, Eq)]
pub struct County {
    /// Five-digit FIPS code.
    pub fips: &'static str,
    /// Full name, such as "King County", "Orleans Parish" or "St. Louis city".
    pub name: &'static str,
    /// Two-letter postal code of its state.
    pub state: &'static str,
    /// Year of the list to which the code belongs: [`CURRENT_VINTAGE`], or the last year in which it was current.
    pub vintage: u16,
    /// IANA zone in which most of its people live.
    pub zone: &'static str,
    /// Codes that took its place, separated by spaces; empty while it is current.
    successors: &'static str,
}

impl County {
    /// Whether the code is on the current list.
    pub fn is_current(&self) -> bool {
        self.vintage == CURRENT_VINTAGE
    }

    /// The current counties that took the place of this one (none while it is current). More than one when it was
    /// split, as all but one of Connecticut's old counties were.
    pub fn successors(&self) -> impl Iterator<Item = &'static County> + use<> {
        self.successors.split_ascii_whitespace().filter_map(county)
    }

    /// The name without what kind of county it is: "King", "Orleans", "St. Louis".
    pub fn short_name(&self) -> &'static str {
        KINDS.iter().find_map(|kind| self.name.strip_suffix(kind)).unwrap_or(self.name)
    }
}

/// The words that say what kind of county a county is, as the list writes them. The longest stands first.
const KINDS: [&str; 10] = [
    " City and Borough",
    " Planning Region",
    " Census Area",
    " Municipality",
    " Municipio",
    " Borough",
    " County",
    " Parish",
    " Island",
    " city",
];

/// A town of Connecticut, with both counties: the one until 2021 and the planning region since.
#[derive(Debug, PartialEq, Eq)]
pub struct ConnecticutTown {
    /// Name of the town.
    pub name: &'static str,
    /// FIPS code of its county until 2021.
    pub old_county: &'static str,
    /// FIPS code of its planning region since 2022.
    pub region: &'static str,
}

/// All tables, in the order of their files, with their indexes.
struct Tables {
    states: Vec<State>,
    /// Sorted by FIPS code, so that the counties of a state stand together.
    counties: Vec<County>,
    towns: Vec<ConnecticutTown>,
    by_name: HashMap<String, usize>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let states: Vec<State> = rows(include_str!("../data/geography/states.tsv"))
        .map(|[code, fips, name_en, name_es, zone, _]| State { code, fips, name_en, name_es, zone })
        .collect();
    let mut counties: Vec<County> = rows(include_str!("../data/geography/counties.tsv"))
        .map(|[fips, state, name, zone, last_year, successors]| County {
            fips,
            name,
            state,
            vintage: last_year.parse().unwrap_or(CURRENT_VINTAGE),
            zone,
            successors,
        })
        .collect();
    counties.sort_by_key(|county| county.fips);
    let towns = rows(include_str!("../data/geography/connecticut_towns.tsv"))
        .map(|[name, old_county, region, ..]| ConnecticutTown { name, old_county, region })
        .collect();
    let mut by_name = HashMap::new();
    for (index, state) in states.iter().enumerate() {
        for name in [state.code, state.name_en, state.name_es] {
            by_name.insert(name.to_lowercase(), index);
        }
    }
    Tables { states, counties, towns, by_name }
});

/// The rows of a table: tab-separated, comments start with `#`; missing cells at the end are empty.
fn rows(table: &'static str) -> impl Iterator<Item = [&'static str; 6]> {
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(|line| {
        let mut cells = line.split('\t');
        std::array::from_fn(|_| cells.next().unwrap_or(""))
    })
}

/// All states and territories, in the order of the table.
pub fn states() -> &'static [State] {
    &TABLES.states
}

/// The state with this postal code, or with this full name in English or Spanish; case does not matter.
pub fn state(code_or_name: &str) -> Option<&'static State> {
    let wanted = code_or_name.trim();
    if wanted.len() == 2 {
        return TABLES.states.iter().find(|state| state.code.eq_ignore_ascii_case(wanted));
    }
    TABLES.by_name.get(&wanted.to_lowercase()).map(|&index| &TABLES.states[index])
}

/// The state with this two-digit FIPS code (the first two digits of a county's).
pub fn state_by_fips(fips: &str) -> Option<&'static State> {
    TABLES.states.iter().find(|state| state.fips == fips)
}

/// All counties of every vintage, sorted by FIPS code.
pub fn counties() -> &'static [County] {
    &TABLES.counties
}

/// The county with this five-digit FIPS code, of any vintage.
pub fn county(fips: &str) -> Option<&'static County> {
    let counties = &TABLES.counties;
    counties.binary_search_by_key(&fips, |county| county.fips).ok().map(|index| &counties[index])
}

/// The counties of a state (by postal code, upper case), of every vintage, sorted by FIPS code; none for an unknown code.
pub fn counties_of(state_code: &str) -> &'static [County] {
    let counties = &TABLES.counties;
    let Some(state) = TABLES.states.iter().find(|state| state.code == state_code) else { return &[] };
    let start = counties.partition_point(|county| &county.fips[..2] < state.fips);
    let end = counties.partition_point(|county| &county.fips[..2] <= state.fips);
    &counties[start..end]
}

/// The IANA zone of the county with this FIPS code.
pub fn zone_of_county(fips: &str) -> Option<&'static str> {
    county(fips).map(|county| county.zone)
}

/// Connecticut's 169 towns, sorted by name: the crosswalk between its old counties and its planning regions.
pub fn connecticut_towns() -> &'static [ConnecticutTown] {
    &TABLES.towns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_county_lies_in_its_state_and_stands_once() {
        assert_eq!(states().len(), 56);
        let mut last = "";
        for county in counties() {
            assert!(county.fips > last && county.fips.len() == 5, "{}", county.fips);
            last = county.fips;
            let state = state(county.state).expect("state");
            assert_eq!(state.fips, &county.fips[..2]);
            assert_eq!(county.successors().count() == 0, county.is_current(), "{}", county.fips);
            assert!(county.successors().all(|new| new.is_current() && new.state == county.state));
            assert!(county.zone.contains('/'));
        }
        assert!(states().iter().all(|state| !counties_of(state.code).is_empty()));
        assert_eq!(counties_of("DC").len(), 1);
        assert_eq!(counties().iter().filter(|county| county.is_current()).count(), 3144 + 78 + 13);
    }

    #[test]
    fn connecticut_has_both_vintages_and_the_crosswalk() {
        let (old, new): (Vec<_>, Vec<_>) = counties_of("CT").iter().partition(|county| !county.is_current());
        assert_eq!((old.len(), new.len(), connecticut_towns().len()), (8, 9, 169));
        assert!(old.iter().all(|county| county.vintage == 2021));
        let danbury = connecticut_towns().iter().find(|town| town.name == "Danbury").expect("Danbury");
        assert_eq!((danbury.old_county, danbury.region), ("09001", "09190"));
        for town in connecticut_towns() {
            let old = county(town.old_county).expect("old county");
            assert!(old.successors().any(|new| new.fips == town.region), "{}", town.name);
        }
    }

    #[test]
    fn states_by_code_and_by_name_in_both_languages() {
        assert_eq!(state("wa").map(|s| s.fips), Some("53"));
        assert_eq!(state("Carolina del Norte").map(|s| s.code), Some("NC"));
        assert_eq!(state(" new york ").map(|s| s.code), Some("NY"));
        assert_eq!(state("Ontario"), None);
        assert_eq!(state_by_fips("09").map(|s| s.code), Some("CT"));
        assert!(counties_of("XX").is_empty());
    }

    #[test]
    fn zones_of_split_states() {
        for (fips, zone) in [
            ("41045", "America/Boise"),
            ("41051", "America/Los_Angeles"),
            ("16055", "America/Los_Angeles"),
            ("16001", "America/Boise"),
            ("12033", "America/Chicago"),
            ("12086", "America/New_York"),
            ("48141", "America/Denver"),
            ("48201", "America/Chicago"),
            ("47157", "America/Chicago"),
            ("47093", "America/New_York"),
            ("21111", "America/Kentucky/Louisville"),
            ("21047", "America/Chicago"),
            ("18089", "America/Chicago"),
            ("18097", "America/Indiana/Indianapolis"),
            ("20071", "America/Denver"),
            ("31157", "America/Denver"),
            ("38089", "America/Denver"),
            ("46103", "America/Denver"),
            ("26163", "America/Detroit"),
            ("26043", "America/Chicago"),
            ("02020", "America/Anchorage"),
            ("04013", "America/Phoenix"),
            ("72127", "America/Puerto_Rico"),
        ] {
            assert_eq!(zone_of_county(fips), Some(zone), "{fips}");
        }
        assert_eq!(zone_of_county("99999"), None);
    }

    #[test]
    fn short_names_lose_only_the_kind() {
        for (fips, short) in [
            ("53033", "King"),
            ("22071", "Orleans"),
            ("29510", "St. Louis"),
            ("02110", "Juneau"),
            ("11001", "District of Columbia"),
            ("09190", "Western Connecticut"),
        ] {
            assert_eq!(county(fips).expect("county").short_name(), short);
        }
    }
}
