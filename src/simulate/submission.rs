//! One submission: what a source sends of an encounter, in wire form, and the truth of what it says.
//!
//! What always holds: the truth has a code exactly when the submission says it, by a coded field or in its text; telling
//! again with the same stream of draws gives the same submission, so that a repeat is one.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use schemas::reject::RejectCode;
use schemas::source::SourceKind;
use schemas::time::Precision;
use schemas::{Count, Language};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::dice::Dice;
use super::encounter::{Code, Codes, Encounter, court_type_of_name, is_event, is_occurrence};
use super::place;
use super::private;
use super::prose::{Care, Planted, Tale, Text, Tongue, comment, count_words, narrate, salute};
use super::when;
use super::world::SourceSpec;

/// How a source writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// A dispatcher's note: place and narrative.
    Note,
    /// A short text: narrative only.
    Sms,
    /// Size, activity, location, unit, time, equipment.
    Salute,
    /// A hotline's entry: coded fields and a narrative.
    Entry,
    /// A courthouse form: coded fields, no names.
    Form,
    /// A row of a spreadsheet.
    Row,
}

impl Style {
    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "note" => Self::Note,
            "sms" => Self::Sms,
            "salute" => Self::Salute,
            "entry" => Self::Entry,
            "form" => Self::Form,
            _ => Self::Row,
        }
    }

    /// Whether the source codes what it tells.
    pub(super) const fn is_coded(self) -> bool {
        matches!(self, Self::Entry | Self::Form | Self::Row)
    }
}

/// What a submission is to those that came before under the same external id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    First,
    /// The content of the first version once more.
    Repeat,
    /// Other content: a verdict has come.
    Revision,
    /// Broken on purpose: must be rejected.
    Reject,
}

/// A value of a wire field.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(String),
    Code(Code),
    Codes(Vec<Code>),
    Count(Count),
    /// Degrees.
    Number(f64),
    /// A date or instant: as the wire form has it, and as the spreadsheet does.
    Date {
        wire: String,
        sheet: String,
    },
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) | Self::Date { wire: text, .. } => serializer.serialize_str(text),
            Self::Code(code) => serializer.serialize_str(code),
            Self::Codes(codes) => codes.serialize(serializer),
            Self::Count(count) => match exact(*count) {
                Some(n) => serializer.serialize_u32(n),
                None => count.serialize(serializer),
            },
            Self::Number(degrees) => serializer.serialize_f64(*degrees),
        }
    }
}

/// The number, where the count is one number.
fn exact(count: Count) -> Option<u32> {
    count.min().filter(|_| count.min() == count.max())
}

/// A report in wire form: fields in the order in which they are written. Serializes as one JSON object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wire(Vec<(&'static str, Cell)>);

impl Wire {
    fn add(&mut self, field: &'static str, cell: Cell) {
        self.0.push((field, cell));
    }

    fn remove(&mut self, field: &str) {
        self.0.retain(|(name, _)| *name != field);
    }

    fn set(&mut self, field: &'static str, cell: Cell) {
        self.remove(field);
        self.add(field, cell);
    }

    /// The value of a field, where the report has it.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Cell> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, cell)| cell)
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Cell)> {
        self.0.iter().map(|(name, cell)| (*name, cell))
    }
}

impl Serialize for Wire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, cell) in &self.0 {
            map.serialize_entry(name, cell)?;
        }
        map.end()
    }
}

/// What a submission says, for scoring. One line of `truth.ndjson`. A field is null where the submission does not say it.
#[derive(Debug, Clone, Serialize)]
pub struct Truth {
    pub external_id: String,
    pub source: &'static str,
    /// The same for all submissions on one event; null where nothing happened that several could tell of.
    pub event_id: Option<String>,
    pub version: Version,
    pub style: Style,
    /// Of the text; null where there is none.
    pub language: Option<Tongue>,
    #[serde(flatten)]
    pub codes: Codes,
    pub county_fips: Option<&'static str>,
    pub state: Option<&'static str>,
    pub zone: &'static str,
    /// The day of the event. Told to the week or month, any day of that week or month is as right.
    #[serde(serialize_with = "day")]
    pub occurred_on: Option<NaiveDate>,
    /// HH:MM, civil time at the place.
    pub occurred_time: Option<String>,
    pub occurred_precision: Precision,
    /// Whether the date can be read only from `reported_at` ("yesterday").
    pub relative_date: bool,
    /// Whether the place is written so that a reader of "City, ST", ZIPs and counties may miss it.
    pub dirty_place: bool,
    /// Why it must be rejected; null where it must not.
    pub reject: Option<RejectCode>,
    pub private: Vec<Planted>,
}

fn day<S: Serializer>(day: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
    match day {
        Some(day) => serializer.collect_str(day),
        None => serializer.serialize_none(),
    }
}

/// A submission, at the time at which it is sent.
#[derive(Debug, Clone)]
pub struct Submission {
    /// When the channel hands it over: not before `reported_at`.
    pub sent_at: DateTime<Utc>,
    /// The name of one of [`super::sources`].
    pub source: &'static str,
    pub wire: Wire,
    pub truth: Truth,
}

/// What is to be told, by whom, how.
#[derive(Debug, Clone)]
pub(super) struct Telling<'a> {
    pub(super) encounter: &'a Encounter,
    pub(super) source: &'static SourceSpec,
    pub(super) external_id: String,
    pub(super) style: Style,
    pub(super) reported_at: DateTime<Utc>,
    pub(super) sent_at: DateTime<Utc>,
    pub(super) version: Version,
    /// A verdict comes later, so the first version has none.
    pub(super) revised: bool,
    /// The source has told of the same event before.
    pub(super) told_before: bool,
    /// Words such as "yesterday" also stand in `occurred`, not only in the narrative.
    pub(super) occurred_in_words: bool,
}

/// Tells it. The draws decide on everything that the telling leaves open.
pub(super) fn tell(telling: &Telling<'_>, dice: &mut Dice) -> Submission {
    let Telling { encounter, source, style, .. } = *telling;
    let kind = encounter.facts.event_kind;
    let tongue = match dice.below(100) {
        n if n < source.spanish => Tongue::Es,
        n if n < source.spanish + source.mixed => Tongue::Mixed,
        _ => Tongue::En,
    };
    let language = tongue.language(dice);
    let mut said = say(dice, &encounter.facts, style, is_event(kind));
    said.review = first_verdict(dice, telling, &said);
    let verdict = verdict(dice, telling, &mut said);

    let mut wire = Wire::default();
    wire.add("external_id", Cell::Text(telling.external_id.clone()));
    wire.add("reported_at", instant(telling.reported_at));

    let time = tell_time(dice, telling, language, &mut wire);
    let place = tell_place(dice, telling, language, &mut wire);
    if let Some(code) = place.court_type {
        said.court_type = said.court_type.or(Some(code));
    }
    if style.is_coded() {
        add_codes(dice, language, &said, &mut wire);
    } else if let Some(review) = said.review {
        wire.add("review", Cell::Code(review));
    }
    let mut planted = place.planted;
    let text = tell_text(dice, telling, &said, tongue, language, verdict, &time);
    let placed = place.told || text.as_ref().is_some_and(|text| text.names_place);
    let has_text = text.is_some();
    if let Some(text) = text {
        planted.extend(text.planted);
        wire.add("narrative", Cell::Text(text.text));
        if tongue != Tongue::Mixed && dice.percent(50) {
            wire.add("language", Cell::Text(language.to_string()));
        }
    }
    if is_occurrence(kind) && telling.told_before {
        wire.add("incident_id", Cell::Text(format!("{}-E{}", source.prefix, encounter.id)));
    }
    if source.kind == SourceKind::Hotline && dice.percent(22) {
        let contact = private::phone(dice);
        let end = contact.chars().count();
        planted.push(Planted {
            field: "contact",
            start: 0,
            end,
            class: schemas::redaction::Class::Phone,
            text: contact.clone(),
        });
        wire.add("contact", Cell::Text(contact));
    }
    let reject = (telling.version == Version::Reject).then(|| spoil(dice, telling.reported_at, &mut wire));

    let in_state = placed || wire.get("state").is_some();
    let truth = Truth {
        external_id: telling.external_id.clone(),
        source: &source.name,
        event_id: is_occurrence(kind).then(|| format!("E{:07}", encounter.id)),
        version: telling.version,
        style,
        language: has_text.then_some(tongue),
        codes: said,
        county_fips: placed.then_some(encounter.county.fips.as_str()),
        state: in_state.then_some(encounter.county.state.as_str()),
        zone: encounter.county.zone.name(),
        occurred_on: time.on,
        occurred_time: time.time,
        occurred_precision: time.precision,
        relative_date: time.relative,
        dirty_place: place.dirty,
        reject,
        private: planted,
    };
    Submission { sent_at: telling.sent_at, source: &source.name, wire, truth }
}

/// The facts that this source tells: forms nearly all, a text in haste a few.
fn say(dice: &mut Dice, facts: &Codes, style: Style, event: bool) -> Codes {
    let (plain, tactic, most_tactics) = match style {
        Style::Form => (88, 85, 12),
        Style::Row => (78, 80, 12),
        Style::Entry => (80, 80, 12),
        Style::Note => (72, 72, 4),
        Style::Sms => (52, 50, 2),
        Style::Salute => (75, 50, 3),
    };
    let text_only = !style.is_coded();
    let mut said = Codes { event_kind: facts.event_kind, ..Codes::default() };
    // Where nothing happened, nothing else can be told; a false alarm has a place, which its story needs.
    if !event {
        said.setting = facts.setting;
        return said;
    }
    said.setting = facts.setting.filter(|_| dice.percent(plain + 8));
    said.place_relation = facts.place_relation.filter(|_| said.setting.is_some() && dice.percent(plain + 6));
    said.tactics = facts.tactics.iter().copied().filter(|_| dice.percent(tactic)).take(most_tactics).collect();
    said.agency_claimed = facts.agency_claimed.filter(|_| dice.percent(plain));
    said.agency_assessed = facts.agency_assessed.filter(|_| dice.percent(plain));
    said.authority_shown = facts.authority_shown.iter().copied().filter(|_| dice.percent(plain)).collect();
    let court = if text_only { 26 } else { plain };
    said.court_type = facts.court_type.filter(|_| dice.percent(court));
    said.court_stage = facts.court_stage.filter(|_| dice.percent(court));
    said.court_role = facts.court_role.filter(|_| dice.percent(court));
    said.case_level = facts.case_level.filter(|_| dice.percent(court));
    said.outcome = facts.outcome.filter(|_| dice.percent(plain.saturating_sub(25)));
    said.agents = facts.agents.filter(|_| dice.percent(plain));
    said.vehicles = facts.vehicles.filter(|_| dice.percent(plain.saturating_sub(15)));
    said.persons_arrested = facts.persons_arrested.filter(|_| dice.percent(plain + 8));
    said.persons_targeted = facts.persons_targeted.filter(|_| !text_only && dice.percent(plain));
    said.persons_collateral = facts.persons_collateral.filter(|_| !text_only && dice.percent(plain));
    said.vulnerable_parties = facts.vulnerable_parties.iter().copied().filter(|_| dice.percent(plain)).collect();
    said
}

/// The verdict that a first version comes with. Texts without codes have none.
fn first_verdict(dice: &mut Dice, telling: &Telling<'_>, said: &Codes) -> Option<Code> {
    let n = dice.below(100);
    if telling.revised || !telling.style.is_coded() {
        return None;
    }
    match said.event_kind {
        "not_enforcement" if n < 45 => Some("not_enforcement"),
        kind if is_event(kind) && telling.told_before && n < 45 => Some("duplicate"),
        kind if is_event(kind) => match n {
            0..34 => Some("confirmed"),
            34..46 => Some("probable"),
            46..66 => Some("unconfirmed"),
            _ => None,
        },
        _ => None,
    }
}

/// The verdict that a revision brings, and what it changes.
fn verdict(dice: &mut Dice, telling: &Telling<'_>, said: &mut Codes) -> Option<Code> {
    let n = dice.below(100);
    if telling.version != Version::Revision {
        return None;
    }
    let verdict = match said.event_kind {
        _ if telling.encounter.hollow => "not_enforcement",
        _ if telling.told_before && n < 60 => "duplicate",
        "not_enforcement" => "not_enforcement",
        kind if is_event(kind) => match n {
            0..66 => "confirmed",
            66..86 => "probable",
            _ => "withdrawn",
        },
        _ => "withdrawn",
    };
    if verdict == "not_enforcement" {
        // What was no enforcement has neither tactics nor agency.
        *said = Codes { event_kind: "not_enforcement", setting: said.setting, agents: said.agents, ..Codes::default() };
    }
    if verdict == "confirmed" && n < 30 {
        let one_more = |count: Count| count.min().map(|n| Count::exactly(n + 1));
        said.persons_arrested = said.persons_arrested.and_then(one_more);
    }
    said.review = Some(verdict);
    Some(verdict)
}

/// When, as it is told.
struct Time {
    /// For the narrative; empty: it does not say.
    words: String,
    on: Option<NaiveDate>,
    time: Option<String>,
    precision: Precision,
    relative: bool,
}

impl Time {
    const UNKNOWN: Self =
        Self { words: String::new(), on: None, time: None, precision: Precision::Unknown, relative: false };
}

fn tell_time(dice: &mut Dice, telling: &Telling<'_>, language: Language, wire: &mut Wire) -> Time {
    let encounter = telling.encounter;
    if !is_occurrence(encounter.facts.event_kind) {
        return Time::UNKNOWN;
    }
    let zone = encounter.county.zone;
    let call = telling.reported_at.with_timezone(&zone).naive_local();
    let at = encounter.at;
    if telling.style.is_coded() {
        match dice.below(1000) {
            0..55 => return Time::UNKNOWN,
            55..61 => {
                wire.add("occurred", impossible_date(dice, at.date()));
                return Time::UNKNOWN;
            }
            _ => {}
        }
        let (cell, by_minute) = date_cell(dice, at, zone);
        wire.add("occurred", cell);
        let with_words = telling.style != Style::Form && dice.percent(6);
        let told = with_words.then(|| when::tell(dice, language, at, call));
        return Time {
            relative: told.as_ref().is_some_and(|told| told.relative),
            words: told.map_or_else(String::new, |told| told.words),
            on: Some(at.date()),
            time: by_minute.then(|| at.format("%H:%M").to_string()),
            precision: if by_minute { Precision::Minute } else { Precision::Day },
        };
    }
    if dice.percent(9) {
        return Time::UNKNOWN;
    }
    let told = when::tell(dice, language, at, call);
    if telling.occurred_in_words && telling.style != Style::Sms {
        wire.add("occurred", Cell::Text(told.words.clone()));
    }
    Time {
        words: told.words,
        on: Some(told.on),
        time: told.time.map(|time| time.format("%H:%M").to_string()),
        precision: told.precision,
        relative: told.relative,
    }
}

/// A date or date-time of a form, and whether it has a time.
fn date_cell(dice: &mut Dice, at: NaiveDateTime, zone: chrono_tz::Tz) -> (Cell, bool) {
    let us_date = at.format("%m/%d/%Y").to_string();
    let us_time = at.format("%m/%d/%Y %H:%M").to_string();
    match dice.below(100) {
        0..56 => (Cell::Date { wire: at.format("%Y-%m-%d").to_string(), sheet: us_date }, false),
        56..72 => (Cell::Date { wire: us_date.clone(), sheet: us_date }, false),
        72..90 => (Cell::Date { wire: at.format("%Y-%m-%dT%H:%M").to_string(), sheet: us_time }, true),
        _ => {
            let local = at.and_local_timezone(zone).earliest();
            let wire = local.map_or_else(String::new, |t| t.format("%Y-%m-%dT%H:%M:00%:z").to_string());
            (Cell::Date { wire, sheet: us_time }, true)
        }
    }
}

/// A day that cannot be, or lies far off by a slip in the year: unknown to every careful reader.
fn impossible_date(dice: &mut Dice, day: NaiveDate) -> Cell {
    use chrono::Datelike;
    let (year, month, day) = match dice.below(3) {
        0 => (day.year(), 2, 30),
        1 => (day.year() - 100, day.month(), day.day().min(28)),
        _ => (day.year() + 50, day.month(), day.day().min(28)),
    };
    Cell::Date { wire: format!("{year:04}-{month:02}-{day:02}"), sheet: format!("{month:02}/{day:02}/{year:04}") }
}

/// Where, as it is told.
#[derive(Default)]
struct Place {
    /// Whether a field tells it.
    told: bool,
    dirty: bool,
    /// The type of court that the place names.
    court_type: Option<Code>,
    planted: Vec<Planted>,
}

fn tell_place(dice: &mut Dice, telling: &Telling<'_>, language: Language, wire: &mut Wire) -> Place {
    let encounter = telling.encounter;
    let mut told = Place::default();
    let (with_place, dirty) = match telling.style {
        Style::Form => (100, 22),
        Style::Row => (96, 32),
        Style::Entry => (95, 30),
        Style::Note => (86, 62),
        Style::Sms => (18, 80),
        Style::Salute => (30, 60),
    };
    // Questions and letters mostly come without a place.
    let with_place = if is_occurrence(encounter.facts.event_kind) { with_place } else { with_place / 3 };
    let mut needs_county = false;
    if dice.percent(with_place) {
        told.told = true;
        told.dirty = dice.percent(dirty);
        let name =
            place::by_name(encounter).filter(|_| dice.percent(if telling.style == Style::Form { 70 } else { 35 }));
        let text = match name {
            Some(name) if told.dirty || telling.style == Style::Form => {
                told.dirty = true;
                told.court_type = court_type_of_name(name);
                needs_county = true;
                name.to_owned()
            }
            _ if told.dirty => place::dirty(dice, language, encounter),
            _ => place::clean(dice, encounter),
        };
        needs_county |= told.dirty;
        wire.add("place", Cell::Text(text));
    }
    let coded = telling.style.is_coded();
    let hint = if coded && !told.dirty { 30 } else { 94 };
    if dice.percent(hint) {
        wire.add("state", Cell::Text(encounter.county.state.clone()));
    }
    let county = match telling.style {
        Style::Form => 90,
        Style::Row | Style::Entry if needs_county => 62,
        _ => 3,
    };
    if coded && told.told && dice.percent(county) {
        wire.add("county_fips", Cell::Text(encounter.county.fips.clone()));
    }
    if matches!(telling.style, Style::Entry | Style::Row) && told.told && dice.percent(3) {
        let (lat, lon) = private::point(dice, encounter);
        for (field, degrees) in [("lat", lat), ("lon", lon)] {
            let text = format!("{degrees:.4}");
            let degrees = text.parse().unwrap_or(degrees);
            let (class, end) = (schemas::redaction::Class::Coordinates, text.len());
            told.planted.push(Planted { field, start: 0, end, class, text });
            wire.add(field, Cell::Number(degrees));
        }
    }
    told
}

/// The coded fields, in the order of the wire form.
fn add_codes(dice: &mut Dice, language: Language, said: &Codes, wire: &mut Wire) {
    wire.add("event_kind", Cell::Code(said.event_kind));
    let mut one = |field, code: Option<Code>| {
        if let Some(code) = code {
            wire.add(field, Cell::Code(code));
        }
    };
    one("setting", said.setting);
    one("place_relation", said.place_relation);
    one("agency_claimed", said.agency_claimed);
    one("agency_assessed", said.agency_assessed);
    one("court_type", said.court_type);
    one("court_stage", said.court_stage);
    one("court_role", said.court_role);
    one("case_level", said.case_level);
    one("outcome", said.outcome);
    one("review", said.review);
    for (field, codes) in [
        ("tactics", &said.tactics),
        ("authority_shown", &said.authority_shown),
        ("vulnerable_parties", &said.vulnerable_parties),
    ] {
        if !codes.is_empty() {
            wire.add(field, Cell::Codes(codes.clone()));
        }
    }
    for (field, count) in [
        ("agents", said.agents),
        ("vehicles", said.vehicles),
        ("persons_targeted", said.persons_targeted),
        ("persons_arrested", said.persons_arrested),
        ("persons_collateral", said.persons_collateral),
    ] {
        let Some(count) = count else { continue };
        let in_words = exact(count).is_none() && dice.percent(70);
        wire.add(field, if in_words { Cell::Text(count_words(dice, language, count)) } else { Cell::Count(count) });
    }
}

/// The narrative, where the style has one: six in ten submissions do. Each has 120 to 600 characters.
fn tell_text(
    dice: &mut Dice,
    telling: &Telling<'_>,
    said: &Codes,
    tongue: Tongue,
    language: Language,
    verdict: Option<Code>,
    time: &Time,
) -> Option<Text> {
    let style = telling.style;
    let with_text = match style {
        Style::Form => 12,
        Style::Row => 36,
        Style::Entry => 51,
        _ => 100,
    };
    if !dice.percent(with_text) {
        return None;
    }
    // A little more than 120, for the last full stop may go.
    let length = match style {
        Style::Form => 122,
        Style::Note => dice.between(130, 440),
        Style::Entry | Style::Row => dice.between(125, 420),
        Style::Salute => dice.between(125, 260),
        Style::Sms => dice.between(125, 190),
    } as usize;
    if style == Style::Form {
        return Some(comment(dice, tongue, length));
    }
    let voiced = if style.is_coded() { some_of(dice, said) } else { said.clone() };
    let (hasty, private) = match style {
        Style::Sms => (60, 20),
        Style::Salute => (25, 46),
        Style::Note => (12, 46),
        _ => (5, 46),
    };
    let tale = Tale {
        encounter: telling.encounter,
        facts: &voiced,
        // A hollow sighting was told as one, and stays so told when the verdict is added.
        kind: telling.encounter.facts.event_kind,
        tongue,
        language,
        when: &time.words,
        private: if dice.percent(private) { dice.between(1, 2) } else { 0 },
        verdict,
        care: Care { hasty: dice.percent(hasty), slips: if style == Style::Sms { 90 } else { 25 } },
        length,
        at_desk: !matches!(style, Style::Sms | Style::Salute),
    };
    let salutes = style == Style::Salute && is_event(tale.kind);
    Some(if salutes { salute(dice, &tale) } else { narrate(dice, &tale) })
}

/// Some of what was coded, for a text beside the codes.
fn some_of(dice: &mut Dice, said: &Codes) -> Codes {
    let mut voiced = said.clone();
    voiced.tactics.retain(|_| dice.percent(45));
    voiced.tactics.truncate(3);
    voiced.authority_shown.retain(|_| dice.percent(45));
    voiced.vulnerable_parties.retain(|_| dice.percent(45));
    for code in [
        &mut voiced.agency_claimed,
        &mut voiced.outcome,
        &mut voiced.court_role,
        &mut voiced.court_stage,
        &mut voiced.court_type,
        &mut voiced.case_level,
    ] {
        *code = code.filter(|_| dice.percent(35));
    }
    voiced
}

fn instant(at: DateTime<Utc>) -> Cell {
    let sheet = at.with_timezone(&super::SHEET_ZONE).format("%m/%d/%Y %H:%M").to_string();
    Cell::Date { wire: at.format("%Y-%m-%dT%H:%M:00Z").to_string(), sheet }
}

/// Breaks a submission in one way, and says in which.
fn spoil(dice: &mut Dice, reported_at: DateTime<Utc>, wire: &mut Wire) -> RejectCode {
    match dice.below(100) {
        0..34 => {
            const SLIPS: [Code; 4] = ["arest", "detention?", "raid", "ICE"];
            wire.set("event_kind", Cell::Code(SLIPS[dice.below(4) as usize]));
            RejectCode::BadCode
        }
        34..52 => {
            let month = dice.between(13, 19);
            let (wire_form, sheet) = (format!("2025-{month}-40T25:61:00Z"), format!("{month}/40/2025 25:61"));
            wire.set("reported_at", Cell::Date { wire: wire_form, sheet });
            RejectCode::BadInstant
        }
        52..68 => {
            // The year typed wrong.
            wire.set("reported_at", instant(reported_at + chrono::TimeDelta::days(36_525)));
            RejectCode::ReportedInFuture
        }
        68..84 => {
            wire.set("agents", Cell::Text(format!("-{}", dice.between(1, 9))));
            RejectCode::BadCount
        }
        _ => {
            // The text under a name that the wire form does not have. A spreadsheet has no such column, so there the row
            // says nothing at all, and is rejected too.
            for field in ["narrative", "event_kind", "tactics"] {
                wire.remove(field);
            }
            wire.add("narative", Cell::Text(String::from("see attached note")));
            RejectCode::UnknownField
        }
    }
}
