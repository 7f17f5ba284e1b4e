//! What happens: encounters with their facts, before anyone tells of them.
//!
//! What always holds: facts fit each other (a place relation only at a courthouse, nobody arrested in a sighting), and
//! every code is one of the taxonomy's.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use schemas::Count;
use schemas::source::SourceKind;
use serde::Serialize;

use super::dice::{Dice, Shares};
use super::world::{County, Mix, SourceSpec, WORLD};

/// A code of the taxonomy, as text.
pub type Code = &'static str;

/// The axes of a report, each under its wire name: of an encounter all that happened, of a submission what it says.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Codes {
    pub event_kind: Code,
    pub setting: Option<Code>,
    pub place_relation: Option<Code>,
    pub tactics: Vec<Code>,
    pub agency_claimed: Option<Code>,
    pub agency_assessed: Option<Code>,
    pub authority_shown: Vec<Code>,
    pub court_type: Option<Code>,
    pub court_stage: Option<Code>,
    pub court_role: Option<Code>,
    pub case_level: Option<Code>,
    pub outcome: Option<Code>,
    pub agents: Option<Count>,
    pub vehicles: Option<Count>,
    pub persons_targeted: Option<Count>,
    pub persons_arrested: Option<Count>,
    pub persons_collateral: Option<Count>,
    pub vulnerable_parties: Vec<Code>,
    pub review: Option<Code>,
}

/// Something that happened, or a call about nothing.
#[derive(Debug)]
pub(super) struct Encounter {
    /// From 1, in the order in which they were made.
    pub(super) id: u64,
    pub(super) county: &'static County,
    /// The place in the county's towns.
    pub(super) town: usize,
    /// The court, where it is known which.
    pub(super) court: Option<&'static str>,
    /// Civil time at the place, to five minutes.
    pub(super) at: NaiveDateTime,
    pub(super) facts: Codes,
    /// A sighting that turns out, when someone checks, to have been something else.
    pub(super) hollow: bool,
}

/// What is closed on Saturdays and Sundays.
const CLOSED_AT_WEEKENDS: &[Code] =
    &["courthouse", "immigration_court", "check_in", "uscis_office", "probation_office", "school", "government_office"];

/// Whether an event of this kind is one of the six that briefs count.
pub(super) fn is_event(kind: Code) -> bool {
    matches!(kind, "arrest" | "attempted_arrest" | "sighting" | "surveillance" | "checkpoint" | "detainer_or_transfer")
}

/// Whether anything happened that several people could tell of.
pub(super) fn is_occurrence(kind: Code) -> bool {
    is_event(kind) || kind == "not_enforcement"
}

/// The table of `mix` that a source draws its kinds and settings from.
fn stream_name(source: &SourceSpec, campaign: bool) -> &'static str {
    match source.kind {
        _ if campaign => "campaign",
        SourceKind::Hotline => "hotline",
        SourceKind::Defender => "defender",
        SourceKind::CourtWatch => "court_watch",
        SourceKind::Official | SourceKind::Other => "other",
    }
}

/// An encounter on `day` that `source` is the first to hear of. `campaign`: an arrest at a courthouse in Queens or Kings.
pub(super) fn draw(dice: &mut Dice, id: u64, day: NaiveDate, source: &'static SourceSpec, campaign: bool) -> Encounter {
    let mix = &WORLD.mix;
    let stream = stream_name(source, campaign);
    let kind = mix.kinds[stream].draw(dice);
    let county = draw_county(dice, source, campaign);
    let mut facts = Codes { event_kind: kind, ..Codes::default() };
    if is_occurrence(kind) {
        facts.setting = Some(draw_setting(dice, mix, stream, kind, day));
    }
    let setting = facts.setting.unwrap_or("");
    let at_court = setting == "courthouse";
    let town = if at_court || setting == "immigration_court" {
        county.seat
    } else {
        dice.below(u32::try_from(county.towns.len()).expect("a county has few towns")) as usize
    };
    let court = if at_court { dice.pick(&county.courts).map(String::as_str) } else { None };
    if is_event(kind) {
        draw_facts(dice, mix, &mut facts, court, campaign);
    }
    let hollow = kind == "sighting" && source.kind == SourceKind::Hotline && dice.percent(15);
    Encounter { id, county, town, court, at: draw_time(dice, day, setting), facts, hollow }
}

fn draw_county(dice: &mut Dice, source: &'static SourceSpec, campaign: bool) -> &'static County {
    let weights = WORLD.counties.iter().map(|county| match campaign {
        true if !matches!(county.fips.as_str(), "36081" | "36047") => 0,
        _ if source.covers(county) => county.weight,
        _ => 0,
    });
    &WORLD.counties[dice.weighted(weights)]
}

fn draw_setting(dice: &mut Dice, mix: &'static Mix, stream: &str, kind: Code, day: NaiveDate) -> Code {
    let table = match kind {
        "checkpoint" => "checkpoint",
        "detainer_or_transfer" => "custody",
        "not_enforcement" => "false_alarm",
        "sighting" | "surveillance" if matches!(stream, "hotline" | "other") => "watch",
        _ => stream,
    };
    let setting = mix.settings[table].draw(dice);
    let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    if weekend && CLOSED_AT_WEEKENDS.contains(&setting) {
        return if dice.percent(60) { "home" } else { "street" };
    }
    setting
}

/// The type of court that its name gives away.
pub(super) fn court_type_of_name(court: &str) -> Option<Code> {
    let by_word =
        [("Criminal", "criminal"), ("Family", "family"), ("Municipal", "traffic_or_town"), ("Children", "juvenile")];
    by_word.into_iter().find(|(word, _)| court.contains(word)).map(|(_, code)| code)
}

fn draw_facts(dice: &mut Dice, mix: &'static Mix, facts: &mut Codes, court: Option<&str>, campaign: bool) {
    let kind = facts.event_kind;
    let setting = facts.setting.unwrap_or("");
    let seizure = matches!(kind, "arrest" | "attempted_arrest");
    let group = match kind {
        "checkpoint" => "checkpoint",
        "detainer_or_transfer" => "custody",
        _ if seizure => "seizure",
        _ => "watch",
    };
    draw_tactics(dice, &mix.tactics[group], &mut facts.tactics);
    if let Some(more) = mix.tactics.get(setting).filter(|_| seizure) {
        draw_tactics(dice, more, &mut facts.tactics);
    }
    make_consistent(facts, kind);
    facts.agency_assessed = dice.percent(86).then(|| mix.agencies["assessed"].draw(dice));
    facts.agency_claimed = (seizure && dice.percent(55)).then(|| mix.agencies["claimed"].draw(dice));
    if seizure && facts.tactics.contains(&"administrative_warrant") {
        facts.authority_shown = vec![if dice.percent(70) { "i_200" } else { "i_205" }];
    } else if seizure && dice.percent(14) && !facts.tactics.contains(&"warrant_not_shown") {
        facts.authority_shown = vec![mix.authority["shown"].draw(dice)];
    } else if facts.tactics.contains(&"detainer_hold") && dice.percent(60) {
        facts.authority_shown = vec!["i_247a"];
    }
    if let Some(court) = court {
        let relations = if campaign { "relations_campaign" } else { "relations" };
        facts.place_relation = Some(mix.court[relations].draw(dice));
        facts.court_type = Some(court_type_of_name(court).unwrap_or_else(|| mix.court["types"].draw(dice)));
        let civil = matches!(facts.court_type, Some("family" | "housing"));
        let (stages, roles) = if civil { ("stages_civil", "roles_civil") } else { ("stages", "roles") };
        facts.court_stage = Some(mix.court[stages].draw(dice));
        facts.court_role = Some(mix.court[roles].draw(dice));
        facts.case_level = (facts.court_type == Some("criminal")).then(|| mix.court["levels"].draw(dice));
    }
    facts.outcome = mix.outcomes.get(kind).map(|shares| shares.draw(dice));
    draw_counts(dice, facts, setting);
    if seizure && dice.percent(12) {
        facts.vulnerable_parties = vec![mix.vulnerable["parties"].draw(dice)];
    }
}

fn draw_tactics(dice: &mut Dice, shares: &'static Shares, tactics: &mut Vec<Code>) {
    for (tactic, per_mille) in shares.iter() {
        if dice.per_mille(per_mille) && !tactics.contains(&tactic) {
            tactics.push(tactic);
        }
    }
}

/// Takes out the tactics that contradict another one or the kind of event.
fn make_consistent(facts: &mut Codes, kind: Code) {
    let has = |code| facts.tactics.contains(&code);
    let warrant = has("administrative_warrant") || has("judicial_warrant");
    let judge = has("judicial_warrant");
    facts.tactics.retain(|tactic| match *tactic {
        "warrant_not_shown" | "warrantless_entry" => !warrant,
        "administrative_warrant" => !judge,
        "collateral_arrest" | "companion_or_witness_arrest" | "dismissal_then_arrest" | "out_of_state_transfer" => {
            kind != "attempted_arrest"
        }
        _ => true,
    });
}

fn draw_counts(dice: &mut Dice, facts: &mut Codes, setting: &str) {
    let crowd = setting == "workplace";
    facts.agents = Some(match crowd {
        true => draw_count(dice, 6, 30),
        false => draw_count(dice, 2, 7),
    });
    if !matches!(setting, "courthouse" | "immigration_court" | "jail_or_prison" | "check_in") {
        facts.vehicles = Some(draw_count(dice, 1, if crowd { 9 } else { 4 }));
    }
    match facts.event_kind {
        "arrest" | "detainer_or_transfer" => {
            let arrested = match dice.below(100) {
                0..72 => 1,
                72..88 => 2,
                88..95 => 3,
                _ => dice.between(4, 6),
            };
            let arrested = if crowd && dice.percent(60) { dice.between(2, 14) } else { arrested };
            facts.persons_arrested = Some(Count::exactly(arrested));
            if facts.tactics.contains(&"collateral_arrest") {
                facts.persons_collateral = Some(Count::exactly(dice.between(1, arrested)));
            }
            facts.persons_targeted = dice.percent(30).then(|| Count::exactly(1));
        }
        "attempted_arrest" => facts.persons_targeted = Some(Count::exactly(1)),
        _ => {}
    }
}

/// A count as people tell it: mostly exact, at times "5 to 6" or "6+".
fn draw_count(dice: &mut Dice, least: u32, most: u32) -> Count {
    let n = dice.between(least, most);
    match dice.below(100) {
        0..74 => Count::exactly(n),
        74..88 => Count::between(n, n + 1),
        _ => Count::at_least(n.max(2)),
    }
}

/// The hour fits the setting: homes and roads early, offices when they are open.
fn draw_time(dice: &mut Dice, day: NaiveDate, setting: &str) -> NaiveDateTime {
    let hour = match setting {
        "home" | "vehicle_stop" | "day_labor_site" => match dice.below(100) {
            0..70 => dice.between(5, 9),
            70..85 => dice.between(10, 16),
            _ => dice.between(17, 21),
        },
        s if CLOSED_AT_WEEKENDS.contains(&s) => dice.between(8, 15),
        "jail_release" => dice.between(6, 20),
        _ => dice.between(6, 20),
    };
    let time = NaiveTime::from_hms_opt(hour, dice.below(12) * 5, 0).unwrap_or_default();
    day.and_time(time)
}
