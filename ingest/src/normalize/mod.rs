//! From a submission to a coded report.
//!
//! What always holds: normalizing is a pure function of the submission's bytes, its receipt, the source's settings and
//! the code lists; it stores and sends nothing. Every value has its origin; what cannot be used is unknown with the rule
//! that says why, never moved to something near; no error holds a value.

mod narrative;
pub mod place;
pub mod text;
pub mod when;

use std::borrow::Cow;

use chrono::TimeDelta;
use chrono_tz::Tz;
use schemas::clock::Instant;
use schemas::envelope::{Delivered, MappedBy};
use schemas::geography::{self, State};
use schemas::ids::{ContentHash, InstallationKey};
use schemas::provenance::{Field, Origin, Provenance};
use schemas::reject::{Reject, RejectCode};
use schemas::report::{AXES, COUNTS, CodedReport, Codes, Counts, Fips, Place, StateCode};
use schemas::source::Settings;
use schemas::time::Occurred;
use schemas::wire::{self, WireCount, WireReport};
use serde_json::{Map, Value};

use place::{PlaceMethod, PlaceQuery};
use when::{When, WhenContext};

/// How far `reported_at` may lie after receipt: clocks differ, and a sender may round up to its day.
pub(crate) const REPORTED_AHEAD: TimeDelta = TimeDelta::days(1);

/// A coded submission, and the hash of its content by which repeats are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Coded {
    pub report: CodedReport,
    pub content: ContentHash,
}

/// What is known of a submission beside its wire form.
#[derive(Debug, Clone, Copy)]
pub struct Receipt<'a> {
    /// When it was received; what relative dates fall back to.
    pub received_at: Option<Instant>,
    /// What `reported_at` must not lie far ahead of.
    pub now: Instant,
    pub settings: &'a Settings,
    /// The fields that a file's mapping made, and how.
    pub mapped: &'a [(String, MappedBy)],
}

/// Codes what a queue delivered. `source` fills what the envelope's own settings leave unsaid.
pub fn code_delivered(delivered: &Delivered, source: &Settings, key: &InstallationKey) -> Result<Coded, Reject> {
    let envelope = &delivered.envelope;
    if let Some(defect) = &envelope.defect {
        let reject = Reject::new(defect.code);
        return Err(match &defect.field {
            Some(field) => reject.field(field.clone()),
            None => reject,
        });
    }
    let object = wire::parse_object(envelope.payload.expose())?;
    let settings = envelope.settings.or(source);
    let receipt = Receipt {
        received_at: Some(delivered.received_at),
        now: delivered.received_at,
        settings: &settings,
        mapped: &envelope.mapped,
    };
    let mut report = code(&object, &receipt)?;
    let external_id = report.external_id.take().or_else(|| envelope.external_id.clone());
    let external_id = external_id.ok_or_else(|| Reject::new(RejectCode::MissingExternalId).field("external_id"))?;
    report.report_id = Some(key.report_id(envelope.source.as_str(), &external_id));
    report.external_id = Some(external_id);
    report.source = Some(envelope.source.clone());
    report.received_at = Some(delivered.received_at);
    let content = key.content_hash(wire::canonical(&object).expose());
    Ok(Coded { report, content })
}

/// Codes one wire object. Ids and `received_at` are left open: they are the installation's to give.
pub fn code(object: &Map<String, Value>, receipt: &Receipt<'_>) -> Result<CodedReport, Reject> {
    let wire = WireReport::from_object(object)?;
    if wire.reported_at.is_some_and(|at| at > receipt.now + REPORTED_AHEAD) {
        return Err(Reject::new(RejectCode::ReportedInFuture).field("reported_at"));
    }
    let mut provenance = Provenance::default();
    // The date's words have a name of their own in the wire form.
    let wire_name = |field: Field| if field == Field::OccurredOn { "occurred" } else { field.as_str() };
    let origin = |field: Field| match receipt.mapped.iter().find(|(name, _)| name == wire_name(field)) {
        Some((_, MappedBy::Alias)) => Origin::mapped("alias"),
        Some((_, MappedBy::Constant)) => Origin::mapped("constant"),
        None => Origin::given(),
    };

    let mut codes = Codes::default();
    for axis in AXES {
        if wire.codes.has(*axis) {
            codes.take(*axis, &wire.codes);
            provenance.set(*axis, origin(*axis));
        }
    }
    let mut counts = Counts::default();
    for (field, given) in COUNTS.iter().zip(&wire.counts) {
        match given {
            Some(WireCount::Exact(count)) => {
                counts.set(*field, Some(*count));
                provenance.set(*field, origin(*field));
            }
            Some(WireCount::Words(words)) => {
                let count = text::parse_count(words.expose());
                counts.set(*field, count);
                provenance.set(
                    *field,
                    match count {
                        Some(_) => Origin::inferred("count_words"),
                        None => Origin::unknown("not_a_count"),
                    },
                );
            }
            None => {}
        }
    }
    let language = wire.language.or(receipt.settings.language);
    if wire.language.is_some() {
        provenance.set(Field::Language, origin(Field::Language));
    } else if language.is_some() {
        provenance.set(Field::Language, Origin::inferred("source_language"));
    }

    let told = wire.narrative.as_ref().map(|text| text.expose().as_str());
    if let Some(told) = told {
        narrative::read(told, language, &mut codes, &mut counts, &mut provenance);
    }
    let place = locate(&wire, receipt.settings, &origin, &mut provenance);
    let (zone, zone_origin) = zone_of(&place, receipt.settings);
    provenance.set(Field::Zone, zone_origin);
    let occurred = date(&wire, receipt, zone, &origin, &mut provenance);
    let (kept, redactions) = match told {
        Some(told) => narrative::redact(told).map(|(kept, redactions)| (Some(kept), redactions))?,
        None => (None, Vec::new()),
    };

    Ok(CodedReport {
        report_id: None,
        external_id: wire.external_id,
        source: None,
        revision: 0,
        received_at: None,
        reported_at: wire.reported_at,
        occurred,
        zone: Some(Cow::Borrowed(zone.name())),
        place,
        codes,
        counts,
        incident_id: wire.incident_id,
        language,
        narrative: kept,
        redactions,
        provenance,
    })
}

/// The county and state: the county's own code, else coordinates, else the words of `place`.
fn locate(
    wire: &WireReport,
    settings: &Settings,
    origin: &impl Fn(Field) -> Origin,
    provenance: &mut Provenance,
) -> Place {
    let given_state = wire.state.as_ref().and_then(|code| geography::state(code.as_str()));
    let hint: Option<&'static State> =
        given_state.or_else(|| settings.state.as_deref().and_then(|code| geography::state(code)));

    let mut found = None;
    let mut how = None;
    if let Some(county) = wire.county_fips.as_ref().and_then(|fips| geography::county(fips.as_str())) {
        found = Some((county, Cow::Borrowed("given")));
        how = Some(origin(Field::CountyFips));
    }
    let mut state_of_words = None;
    if found.is_none() {
        let query = PlaceQuery {
            text: wire.place.as_ref().map_or("", |text| text.expose().as_str()),
            state: hint,
            lat_lon: wire.lat_lon,
        };
        if !query.text.is_empty() || query.lat_lon.is_some() {
            let place = place::resolve(&query);
            state_of_words = place.state;
            let method = place.method.map_or("place_not_known", PlaceMethod::as_str);
            match place.county {
                Some(county) => {
                    found = Some((county, Cow::Borrowed(method)));
                    how = Some(Origin::inferred(method));
                }
                None => how = Some(Origin::unknown(method)),
            }
        }
    }
    if found.is_none()
        && let Some(told) = &wire.narrative
        && let Some(place) = place::find_in_text(told.expose(), state_of_words.or(hint))
    {
        state_of_words = state_of_words.or(place.state);
        if let Some(county) = place.county {
            let method = place.method.map_or("narrative", PlaceMethod::as_str);
            found = Some((county, Cow::Borrowed(method)));
            let origin = Origin::inferred(method);
            how = Some(match place.span {
                Some((start, end)) => {
                    origin.at(narrative::scalars(told.expose(), start), narrative::scalars(told.expose(), end))
                }
                None => origin,
            });
        }
    }
    if let Some(how) = how {
        provenance.set(Field::CountyFips, how);
    }

    let mut place = Place::default();
    if let Some((county, method)) = found {
        place.county_fips = Fips::parse(county.fips);
        place.county_vintage = Some(Cow::Owned(county.vintage.to_string()));
        place.method = Some(method);
        place.state = StateCode::parse(county.state);
        let given = given_state.is_some_and(|s| s.code == county.state);
        provenance.set(Field::State, if given { origin(Field::State) } else { Origin::inferred("county") });
    } else if let Some(state) = state_of_words.filter(|s| given_state.is_none_or(|g| g == *s)) {
        place.state = StateCode::parse(state.code);
        let given = given_state.is_some();
        provenance.set(Field::State, if given { origin(Field::State) } else { Origin::inferred("place") });
    } else if let Some(state) = hint {
        place.state = StateCode::parse(state.code);
        let given = given_state.is_some();
        provenance.set(Field::State, if given { origin(Field::State) } else { Origin::inferred("source_state") });
    }
    place
}

/// The zone of the event: the county's, else its state's most populous, else the source's, else UTC (domain.md, "Time").
fn zone_of(place: &Place, settings: &Settings) -> (Tz, Origin) {
    let named = |name: &str| name.parse::<Tz>().ok();
    let of_county = place.county_fips.as_ref().and_then(|f| geography::county(f.as_str())).and_then(|c| named(c.zone));
    if let Some(zone) = of_county {
        return (zone, Origin::inferred("county"));
    }
    let of_state = place.state.as_ref().and_then(|s| geography::state(s.as_str())).and_then(|s| named(s.zone));
    if let Some(zone) = of_state {
        return (zone, Origin::inferred("state"));
    }
    match settings.zone.as_deref().and_then(named) {
        Some(zone) => (zone, Origin::mapped("source_zone")),
        None => (Tz::UTC, Origin::unknown("utc")),
    }
}

/// The date and time of the event: of its own field, else of the narrative. A field that holds a date which cannot be used
/// is not made up for by the narrative: it says when, and what it says is unknown.
fn date(
    wire: &WireReport,
    receipt: &Receipt<'_>,
    zone: Tz,
    origin: &impl Fn(Field) -> Origin,
    provenance: &mut Provenance,
) -> Occurred {
    let context = WhenContext {
        reported_at: wire.reported_at.or(receipt.received_at),
        zone,
        language: wire.language.or(receipt.settings.language),
        date_order: receipt.settings.date_order,
    };
    let mut refused = None;
    if let Some(words) = &wire.occurred {
        match when::parse(words.expose(), &context) {
            Ok(When { date: Some(date), time, precision, rule, .. }) => {
                let how = if rule.starts_with("iso_") { origin(Field::OccurredOn) } else { Origin::inferred(rule) };
                return dated(date, time, precision, how, provenance);
            }
            Ok(when) => {
                provenance.set(Field::OccurredOn, Origin::unknown(when.rule));
                return Occurred::default();
            }
            Err(when::NotADate) => refused = Some(Origin::unknown("not_a_date")),
        }
    }
    if let Some(told) = &wire.narrative
        && let Some(When { date: Some(date), time, precision, rule, span, .. }) =
            when::find_in_text(told.expose(), &context)
    {
        let (start, end) = span;
        let how =
            Origin::inferred(rule).at(narrative::scalars(told.expose(), start), narrative::scalars(told.expose(), end));
        return dated(date, time, precision, how, provenance);
    }
    if let Some(refused) = refused {
        provenance.set(Field::OccurredOn, refused);
    }
    Occurred::default()
}

fn dated(
    date: chrono::NaiveDate,
    time: Option<chrono::NaiveTime>,
    precision: schemas::time::Precision,
    how: Origin,
    provenance: &mut Provenance,
) -> Occurred {
    if time.is_some() {
        provenance.set(Field::OccurredTime, how.clone());
    }
    provenance.set(Field::OccurredOn, how);
    Occurred { on: Some(date), time, precision }
}
