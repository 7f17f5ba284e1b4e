//! The data against domain.md, and what every list promises.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Value, from_value, json, to_value};

use super::*;
use crate::language::Language;

/// The axes of domain.md: wire field, type, several values or one, how many codes (counted by hand), the codes.
/// They are stable identifiers: a change here breaks what others have stored.
const DOMAIN: [(&str, &str, bool, usize, &str); 16] = [
    (
        "event_kind",
        "EventKind",
        false,
        10,
        "arrest attempted_arrest sighting surveillance checkpoint detainer_or_transfer \
            information_request communication not_enforcement unknown",
    ),
    (
        "setting",
        "Setting",
        false,
        23,
        "home street vehicle_stop courthouse immigration_court check_in uscis_office \
            jail_or_prison jail_release police_station probation_office workplace \
            day_labor_site school hospital_or_clinic shelter place_of_worship \
            government_office transit airport retail_or_parking other unknown",
    ),
    ("place_relation", "PlaceRelation", false, 6, "inside entrance grounds within_blocks en_route unknown"),
    (
        "tactics",
        "Tactic",
        true,
        36,
        "ruse_police ruse_other refused_identification plainclothes masked \
            unmarked_vehicle physical_surveillance electronic_surveillance data_lead \
            local_police_assist court_staff_assist prosecutor_assist warrantless_entry \
            administrative_warrant judicial_warrant warrant_not_shown collateral_arrest \
            companion_or_witness_arrest dismissal_then_arrest force_restraint \
            force_weapon_drawn force_taser_or_chemical force_vehicle force_injury \
            family_present children_present counsel_obstructed filming_obstructed \
            detainer_hold transfer_at_release check_in_summons out_of_state_transfer \
            fingerprint_lead delegated_287g probation_lead racial_profiling_alleged",
    ),
    (
        "agency_claimed",
        "Agency",
        false,
        20,
        "ice_ero ice_hsi ice_unspecified cbp_usbp cbp_ofo uscis usms fbi dea atf bop \
            partner_287g state_police sheriff local_police probation_parole court_officers \
            national_guard contractor unknown",
    ),
    (
        "agency_assessed",
        "Agency",
        false,
        20,
        "ice_ero ice_hsi ice_unspecified cbp_usbp cbp_ofo uscis usms fbi dea atf bop \
            partner_287g state_police sheriff local_police probation_parole court_officers \
            national_guard contractor unknown",
    ),
    ("partner_model", "PartnerModel", false, 3, "jail_enforcement warrant_service task_force"),
    (
        "authority_shown",
        "Authority",
        true,
        10,
        "none refused i_200 i_205 i_247a i_247_other judicial_arrest_warrant \
            judicial_search_warrant consent_claimed unknown",
    ),
    (
        "court_type",
        "CourtType",
        false,
        11,
        "criminal family superior_or_supreme_civil housing small_claims traffic_or_town \
            problem_solving probate juvenile federal immigration",
    ),
    (
        "court_stage",
        "CourtStage",
        false,
        12,
        "arraignment pretrial hearing trial plea sentencing compliance post_disposition \
            payment order_of_protection licence_or_records unknown",
    ),
    (
        "court_role",
        "CourtRole",
        false,
        9,
        "defendant complainant_or_victim witness petitioner respondent companion juror \
            counsel_or_staff other",
    ),
    ("case_level", "CaseLevel", false, 6, "violation desk_appearance misdemeanor felony none unknown"),
    ("outcome", "Outcome", false, 5, "in_custody released_at_scene not_found transferred unknown"),
    (
        "vulnerable_parties",
        "VulnerableParty",
        true,
        10,
        "survivor_of_violence minor pregnant_or_nursing elderly disability_or_medical \
            caregiver asylum_or_tps daca lawful_permanent_resident us_citizen",
    ),
    (
        "priority_claimed",
        "Priority",
        false,
        6,
        "priority_1 priority_2 priority_3 other_priority not_a_priority unknown",
    ),
    ("review", "Review", false, 6, "confirmed probable unconfirmed not_enforcement duplicate withdrawn"),
];

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn axes_and_codes_are_those_of_the_domain_in_its_order() {
    assert_eq!(AXES.len(), DOMAIN.len());
    for (axis, (name, type_name, multiple, count, codes)) in AXES.iter().zip(DOMAIN) {
        assert_eq!((axis.name, axis.type_name, axis.multiple), (name, type_name, multiple));
        assert_eq!(axis.codes.len(), count, "{name}");
        let ours: Vec<_> = axis.codes.iter().map(|info| info.code).collect();
        assert_eq!(ours, codes.split_whitespace().collect::<Vec<_>>(), "{name}");
    }
    assert!(axis("tactic").is_none(), "the list's name is no wire field");
    let masked = axis("tactics").unwrap().code("masked").unwrap();
    assert_eq!(masked.label.es, "agentes con la cara cubierta");
}

/// What holds for every list, whatever its codes.
fn check_list<A: CodeAxis>() {
    assert_eq!(A::ALL.len(), A::INFO.len());
    assert!(A::ALL.is_sorted());
    for (index, (&code, info)) in A::ALL.iter().zip(A::INFO).enumerate() {
        assert_eq!(code.index(), index);
        assert_eq!(code.as_str(), info.code);
        assert_eq!(code.info(), info);
        assert_eq!(code.to_string(), info.code);
        assert_eq!(A::from_code(info.code), Some(code));
        assert_eq!(to_value(code).unwrap(), json!(info.code));
        assert_eq!(from_value::<A>(json!(info.code)).unwrap(), code);
    }
    assert_eq!(A::from_code(""), None);
    assert_eq!(A::from_code(&A::ALL[0].as_str().to_uppercase()), None);
    for language in Language::ALL {
        let labels: BTreeSet<_> = A::INFO.iter().map(|info| info.label.get(language)).collect();
        assert_eq!(labels.len(), A::INFO.len(), "labels of {} repeat", A::NAME);
        for info in A::INFO {
            let definition = info.definition.get(language);
            assert!(definition.ends_with('.') && definition.len() > 4, "{}", info.code);
            assert!(!info.label.get(language).ends_with('.'), "{}", info.code);
        }
    }

    let wrong = [json!("Maria Secreta"), json!(4711), json!(-4711), json!(47.11), json!(true), Value::Null];
    for value in wrong {
        let error = from_value::<A>(value).unwrap_err().to_string();
        assert!(error.contains(A::NAME) && error.contains(A::ALL[0].as_str()), "{error}");
        assert!(!["Secreta", "4711", "47.11", "true"].iter().any(|private| error.contains(private)), "{error}");
    }
    for value in [json!(["Secreta"]), json!({"Secreta": "4711"})] {
        let error = from_value::<A>(value).unwrap_err().to_string();
        assert!(!error.contains("Secreta") && !error.contains("4711"), "{error}");
    }
    check_set::<A>();
}

fn check_set<A: CodeAxis>() {
    let mut set = CodeSet::<A>::new();
    assert!(set.is_empty());
    assert_eq!(set, CodeSet::default());
    let (first, last) = (A::ALL[0], A::ALL[A::ALL.len() - 1]);
    assert!(set.insert(last) && set.insert(first) && !set.insert(first));
    assert_eq!(set.iter().collect::<Vec<_>>(), [first, last]);
    assert_eq!((set.len(), set.contains(first)), (2, true));
    assert_eq!(to_value(set).unwrap(), json!([first.as_str(), last.as_str()]));
    assert_eq!(from_value::<CodeSet<A>>(json!([last.as_str(), first.as_str(), last.as_str()])).unwrap(), set);
    assert_eq!(CodeSet::from_bits(set.bits()), Some(set));
    assert!(set.remove(last) && !set.remove(last) && !set.contains(last));

    let all: CodeSet<A> = A::ALL.iter().copied().collect();
    assert_eq!(all.len(), A::ALL.len());
    assert_eq!(all.union(set), all);
    assert_eq!(CodeSet::from_bits(all.bits()), Some(all));
    if A::ALL.len() < 64 {
        assert_eq!(CodeSet::<A>::from_bits(1 << A::ALL.len()), None);
        assert_eq!(CodeSet::<A>::from_bits(u64::MAX), None);
    }

    for value in
        [json!(["Secreta"]), json!("Secreta"), json!({"Secreta": 4711}), json!(4711), json!([[4711]]), Value::Null]
    {
        let error = from_value::<CodeSet<A>>(value).unwrap_err().to_string();
        assert!(!error.contains("Secreta") && !error.contains("4711"), "{error}");
    }
}

#[test]
fn every_list_keeps_its_promises() {
    check_list::<EventKind>();
    check_list::<Setting>();
    check_list::<PlaceRelation>();
    check_list::<Tactic>();
    check_list::<Agency>();
    check_list::<PartnerModel>();
    check_list::<Authority>();
    check_list::<CourtType>();
    check_list::<CourtStage>();
    check_list::<CourtRole>();
    check_list::<CaseLevel>();
    check_list::<Outcome>();
    check_list::<VulnerableParty>();
    check_list::<Priority>();
    check_list::<Review>();
    check_list::<IceGroup>();
    check_list::<IcewatchPlace>();
    check_list::<IcewatchTactic>();
}

#[test]
fn private_values_stay_out_of_errors_in_json_text() {
    // serde_json's streaming reader takes other ways than its `Value`.
    for text in [r#"["Secreta"]"#, r#"{"Secreta":"4711"}"#, "4711", r#""Secreta""#, r#""Sec\u0072eta""#] {
        let code = serde_json::from_str::<Setting>(text).unwrap_err().to_string();
        let set = serde_json::from_str::<CodeSet<Tactic>>(text).unwrap_err().to_string();
        for error in [code, set] {
            assert!(!error.contains("Secreta") && !error.contains("4711"), "{error}");
        }
    }
}

#[test]
fn event_kinds_have_classes_and_plurals() {
    let of = |class| EventKind::ALL.iter().filter(move |kind| kind.class() == class).count();
    assert_eq!((of(EventClass::Event), of(EventClass::NotEnforcement), of(EventClass::NonEvent)), (6, 1, 3));
    assert_eq!(EventKind::DetainerOrTransfer.class(), EventClass::Event);
    assert_eq!(EventKind::NotEnforcement.class(), EventClass::NotEnforcement);
    assert_eq!(EventKind::Unknown.class(), EventClass::NonEvent);
    assert!(EventKind::INFO.iter().all(|info| info.plural.is_some()));
    let arrest = EventKind::Arrest.info();
    assert_eq!(arrest.label_for(1, Language::En), "arrest");
    assert_eq!(arrest.label_for(0, Language::En), "arrests");
    assert_eq!(arrest.label_for(31, Language::Es), "arrestos");
}

#[test]
fn detainer_forms_are_dated() {
    let (new, old) = (Authority::I247a.info(), Authority::I247Other.info());
    let (before, after) = (day("2017-04-01"), day("2017-04-02"));
    assert_eq!((new.in_use(before), new.in_use(after)), (false, true));
    assert_eq!((old.in_use(before), old.in_use(after)), (true, false));
    assert!(Authority::I200.info().in_use(before));
}

#[test]
fn regimes_follow_one_another() {
    let name = |on| priority_regime(day(on)).map(|regime| regime.name);
    assert_eq!(name("2014-11-20"), None, "issued, but not yet in force");
    assert_eq!(name("2015-01-05"), Some("johnson_2014"));
    assert_eq!(name("2017-02-19"), Some("johnson_2014"));
    assert_eq!(name("2017-02-20"), Some("kelly_2017"));
    assert_eq!(name("2021-01-20"), Some("pekoske_2021"));
    assert_eq!(
        name("2021-11-28"),
        Some("pekoske_2021"),
        "the Mayorkas memo was issued in September, in force on 29 November"
    );
    assert_eq!(name("2021-11-29"), Some("mayorkas_2021"));
    assert_eq!(name("2025-01-19"), Some("mayorkas_2021"));
    assert_eq!(name("2025-01-20"), Some("rescissions_2025"));
    assert_eq!(name("2026-10-14"), Some("rescissions_2025"));
    assert_eq!(REGIMES.iter().filter(|regime| regime.numbered).count(), 1);
    assert!(REGIMES.windows(2).all(|pair| pair[0].to.is_some_and(|to| to < pair[1].from)));
}

#[test]
fn ice_methods_are_grouped() {
    assert_eq!(ice_method_group("Located"), Some(IceGroup::AtLarge));
    assert_eq!(ice_method_group("  non-custodial  ARREST "), Some(IceGroup::AtLarge));
    assert_eq!(ice_method_group("CAP local incarceration"), Some(IceGroup::Custodial));
    assert_eq!(ice_method_group("287(g) Program"), Some(IceGroup::Program287g));
    assert_eq!(ice_method_group("Crewman/Stowaway"), Some(IceGroup::Other));
    assert_eq!(ice_method_group("Carrier pigeon"), None);
    assert_eq!(ice_method_group(""), None);
    for method in ICE_METHODS {
        assert_eq!(ice_method(method.name).unwrap().name, method.name, "two methods read the same");
    }
    let in_group = |group| ICE_METHODS.iter().filter(move |method| method.group == group).count();
    assert_eq!(
        (in_group(IceGroup::AtLarge), in_group(IceGroup::Custodial), in_group(IceGroup::Program287g)),
        (4, 5, 1)
    );
    assert!(ICE_METHODS.iter().all(|method| method.setting != Some(Setting::Courthouse)));
}

#[test]
fn the_series_break_is_found_by_the_months_that_reach_over_it() {
    let breaks = |first, last| series_break_within(day(first), day(last)).count();
    assert_eq!(breaks("2025-06-01", "2025-06-30"), 0);
    assert_eq!(breaks("2025-06-01", "2025-08-31"), 1);
    assert_eq!(breaks("2025-08-01", "2026-09-30"), 0);
}

#[test]
fn icewatch_filters() {
    assert_eq!(Setting::VehicleStop.icewatch(), Some(IcewatchPlace::Street));
    assert_eq!(Setting::ImmigrationCourt.icewatch(), Some(IcewatchPlace::Other));
    let unmapped: Vec<_> = Setting::ALL.iter().filter(|setting| setting.icewatch().is_none()).collect();
    assert_eq!(unmapped, [&Setting::Unknown]);
    assert_eq!(Tactic::RuseOther.icewatch(), Some(IcewatchTactic::Ruse));
    assert_eq!(Tactic::Masked.icewatch(), None);
    assert!(
        Tactic::ALL.iter().all(|tactic| {
            tactic.as_str().starts_with("force_") == (tactic.icewatch() == Some(IcewatchTactic::Force))
        })
    );
}
