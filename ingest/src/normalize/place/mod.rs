//! Places to counties: a ZIP, a city, a neighbourhood, a court, a jail, an office or a point, written as people write
//! them, becomes a county and a word on how it was found.
//!
//! What always holds: unknown rather than wrong: a name that may mean two counties means none, unless a state that is
//! stated or given as a hint leaves one; any text is taken and none makes it panic; the answer depends on the text, the
//! hint and the tables alone; a look-up allocates nothing once the buffers of its thread have grown; no text is kept.
//!
//! `fold` makes tokens, `gazetteer` holds the tables, `typo` forgives slips, `reading` finds states and places among
//! the tokens, `running` chooses among the places of a narrative, `shapes` finds the county of a point.

mod fold;
mod gazetteer;
mod reading;
mod running;
mod shapes;
mod typo;

use std::cell::RefCell;

use schemas::geography::{self, County, State};

use reading::{Finding, Scratch};

/// How a county, or only a state, was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlaceMethod {
    /// By a ZIP in the text.
    Zip,
    /// A city with its state in the text.
    CityState,
    /// A city of the state that was given as a hint.
    CityInHintedState,
    /// A city without a state, of a name that means one place in the whole country.
    CityAlone,
    /// The name of a county or its equivalent.
    CountyName,
    /// A part of a large city.
    Neighbourhood,
    /// A named court or courthouse.
    Court,
    /// A jail, prison, detention centre or another public facility.
    Facility,
    /// An office of ICE, or the city of a docket or team of one.
    IceOffice,
    /// Another name of a city ("OKC").
    Alias,
    /// A name of the stated or implied state, with a slip or two.
    Typo,
    /// A point within the county's outline.
    Coordinates,
    /// Only the state is known.
    StateOnly,
}

impl PlaceMethod {
    /// The stable name of the method, as the coded report carries it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::CityState => "city_state",
            Self::CityInHintedState => "city_in_hinted_state",
            Self::CityAlone => "city_alone",
            Self::CountyName => "county_name",
            Self::Neighbourhood => "neighbourhood",
            Self::Court => "court",
            Self::Facility => "facility",
            Self::IceOffice => "ice_office",
            Self::Alias => "alias",
            Self::Typo => "typo",
            Self::Coordinates => "coordinates",
            Self::StateOnly => "state_only",
        }
    }
}

/// What is asked: a text that is a place, with what else is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlaceQuery<'a> {
    /// The text of a place; may be empty.
    pub text: &'a str,
    /// A hint: the state of the source or of the report.
    pub state: Option<&'static State>,
    /// Latitude and longitude, in degrees (WGS 84).
    pub lat_lon: Option<(f64, f64)>,
}

/// The answer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PlaceFound {
    /// The county, when it is sure.
    pub county: Option<&'static County>,
    /// Its state, or the state that the text names.
    pub state: Option<&'static State>,
    /// How it was found; `None` when nothing was.
    pub method: Option<PlaceMethod>,
    /// The bytes of the text that decided.
    pub span: Option<(usize, usize)>,
}

/// Texts longer than this are narratives, not places.
const LONGEST_PLACE: usize = 200;

/// Longer texts are read up to here: what a narrative tells first is where it happened.
const LONGEST_TEXT: usize = 20_000;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

/// The county of a place. A point wins over the text, unless it lies outside the country or in another state than the
/// one that both text and hint name.
pub fn resolve(query: &PlaceQuery) -> PlaceFound {
    let hint = query.state.and_then(state_index);
    let text = head(query.text, LONGEST_TEXT);
    let read = SCRATCH.with_borrow_mut(|scratch| {
        let reading = scratch.read(text);
        let found = if text.len() <= LONGEST_PLACE { reading.place(hint) } else { None };
        answer(found.or_else(|| reading.running(hint)), &reading)
    });
    let Some(point) = query.lat_lon.and_then(|(lat, lon)| shapes::county_at(lat, lon)) else { return read };
    let elsewhere = |state: Option<&State>| state.is_some_and(|state| state.code != point.state);
    if read.county.is_some() && elsewhere(read.state) && elsewhere(query.state) {
        return read;
    }
    PlaceFound {
        county: Some(point),
        state: geography::state(point.state),
        method: Some(PlaceMethod::Coordinates),
        span: None,
    }
}

/// The county in which what a narrative tells took place, as far as it says so: conservative, because a narrative also
/// names streets, people, and places where someone lives, comes from or is taken to.
pub fn find_in_text(text: &str, state: Option<&'static State>) -> Option<PlaceFound> {
    let hint = state.and_then(state_index);
    let found = SCRATCH.with_borrow_mut(|scratch| {
        let reading = scratch.read(head(text, LONGEST_TEXT));
        answer(reading.running(hint), &reading)
    });
    found.method.map(|_| found)
}

/// Warms the tables, so that the first report does not wait for them.
pub fn warm() {
    resolve(&PlaceQuery { text: "Seattle, WA 98104", state: None, lat_lon: Some((47.6, -122.33)) });
}

fn state_index(state: &'static State) -> Option<u8> {
    geography::states().iter().position(|other| std::ptr::eq(other, state)).and_then(|index| index.try_into().ok())
}

/// The first bytes of a text, cut between characters.
fn head(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most.min(text.len()))]
}

fn answer(found: Option<Finding>, reading: &reading::Reading) -> PlaceFound {
    let Some(found) = found else { return PlaceFound::default() };
    let state = found
        .county
        .and_then(|county| geography::state(county.state))
        .or_else(|| found.state.and_then(gazetteer::state_of));
    PlaceFound { county: found.county, state, method: Some(found.method), span: reading.span(found.first, found.last) }
}

#[cfg(test)]
mod tests;
