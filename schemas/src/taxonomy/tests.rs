//! The data against domain.md, and what every list promises.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Value, from_value, json, to_value};

use super::*;
use crate::language::Language;

/// How many codes domain.md lists for each axis, counted by hand.
const COUNTS: [(&str, &str, bool, usize); 16] = [
    ("event_kind", "EventKind", false, 10),
    ("setting", "Setting", false, 23),
    ("place_relation", "PlaceRelation", false, 6),
    ("tactics", "Tactic", true, 36),
    ("agency_claimed", "Agency", false, 20),
    ("agency_assessed", "Agency", false, 20),
    ("partner_model", "PartnerModel", false, 3),
    ("authority_shown", "Authority", true, 10),
    ("court_type", "CourtType", false, 11),
    ("court_stage", "CourtStage", false, 12),
    ("court_role", "CourtRole", false, 9),
    ("case_level", "CaseLevel", false, 6),
    ("outcome", "Outcome", false, 5),
    ("vulnerable_parties", "VulnerableParty", true, 10),
    ("priority_claimed", "Priority", false, 6),
    ("review", "Review", false, 6),
];

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn axes_are_those_of_the_domain() {
    let axes: Vec<_> = AXES
        .iter()
        .map(|axis| (axis.name, axis.type_name, axis.multiple, axis.codes.len()))
        .collect();
    assert_eq!(axes, COUNTS);
    assert_eq!(axis("tactics").unwrap().codes[0].code, "ruse_police");
    assert_eq!(
        axis("tactics").unwrap().code("masked").unwrap().label.es,
        "agentes con la cara cubierta"
    );
    assert!(axis("tactic").is_none());
}

#[test]
fn order_is_that_of_the_domain() {
    fn codes<A: CodeAxis>() -> Vec<&'static str> {
        A::ALL.iter().map(|code| code.as_str()).collect()
    }
    let kinds = "arrest attempted_arrest sighting surveillance checkpoint detainer_or_transfer information_request \
                 communication not_enforcement unknown";
    assert_eq!(
        codes::<EventKind>(),
        kinds.split_whitespace().collect::<Vec<_>>()
    );
    let authority = "none refused i_200 i_205 i_247a i_247_other judicial_arrest_warrant judicial_search_warrant \
                     consent_claimed unknown";
    assert_eq!(
        codes::<Authority>(),
        authority.split_whitespace().collect::<Vec<_>>()
    );
    let priorities = "priority_1 priority_2 priority_3 other_priority not_a_priority unknown";
    assert_eq!(
        codes::<Priority>(),
        priorities.split_whitespace().collect::<Vec<_>>()
    );
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
        let labels: BTreeSet<_> = A::INFO
            .iter()
            .map(|info| info.label.get(language))
            .collect();
        assert_eq!(labels.len(), A::INFO.len(), "labels of {} repeat", A::NAME);
        for info in A::INFO {
            let definition = info.definition.get(language);
            assert!(
                definition.ends_with('.') && definition.len() > 4,
                "{}",
                info.code
            );
            assert!(!info.label.get(language).ends_with('.'), "{}", info.code);
        }
    }

    let wrong = [
        json!("Maria Secreta"),
        json!(4711),
        json!(-4711),
        json!(47.11),
        json!(true),
        Value::Null,
    ];
    for value in wrong {
        let error = from_value::<A>(value).unwrap_err().to_string();
        assert!(
            error.contains(A::NAME) && error.contains(A::ALL[0].as_str()),
            "{error}"
        );
        assert!(
            !["Secreta", "4711", "47.11", "true"]
                .iter()
                .any(|private| error.contains(private)),
            "{error}"
        );
    }
    for value in [json!(["Secreta"]), json!({"Secreta": "4711"})] {
        let error = from_value::<A>(value).unwrap_err().to_string();
        assert!(
            !error.contains("Secreta") && !error.contains("4711"),
            "{error}"
        );
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
    assert_eq!(
        to_value(set).unwrap(),
        json!([first.as_str(), last.as_str()])
    );
    assert_eq!(
        from_value::<CodeSet<A>>(json!([last.as_str(), first.as_str(), last.as_str()])).unwrap(),
        set
    );
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

    for value in [
        json!(["Secreta"]),
        json!("Secreta"),
        json!({"Secreta": 4711}),
        json!(4711),
        json!([[4711]]),
        Value::Null,
    ] {
        let error = from_value::<CodeSet<A>>(value).unwrap_err().to_string();
        assert!(
            !error.contains("Secreta") && !error.contains("4711"),
            "{error}"
        );
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
    for text in [
        r#"["Secreta"]"#,
        r#"{"Secreta":"4711"}"#,
        "4711",
        r#""Secreta""#,
        r#""Sec\u0072eta""#,
    ] {
        let code = serde_json::from_str::<Setting>(text)
            .unwrap_err()
            .to_string();
        let set = serde_json::from_str::<CodeSet<Tactic>>(text)
            .unwrap_err()
            .to_string();
        for error in [code, set] {
            assert!(
                !error.contains("Secreta") && !error.contains("4711"),
                "{error}"
            );
        }
    }
}

#[test]
fn event_kinds_have_classes_and_plurals() {
    let of = |class| {
        EventKind::ALL
            .iter()
            .filter(move |kind| kind.class() == class)
            .count()
    };
    assert_eq!(
        (
            of(EventClass::Event),
            of(EventClass::NotEnforcement),
            of(EventClass::NonEvent)
        ),
        (6, 1, 3)
    );
    assert_eq!(EventKind::DetainerOrTransfer.class(), EventClass::Event);
    assert_eq!(
        EventKind::NotEnforcement.class(),
        EventClass::NotEnforcement
    );
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
    assert!(
        REGIMES
            .windows(2)
            .all(|pair| pair[0].to.is_some_and(|to| to < pair[1].from))
    );
}

#[test]
fn ice_methods_are_grouped() {
    assert_eq!(ice_method_group("Located"), Some(IceGroup::AtLarge));
    assert_eq!(
        ice_method_group("  non-custodial  ARREST "),
        Some(IceGroup::AtLarge)
    );
    assert_eq!(
        ice_method_group("CAP local incarceration"),
        Some(IceGroup::Custodial)
    );
    assert_eq!(
        ice_method_group("287(g) Program"),
        Some(IceGroup::Program287g)
    );
    assert_eq!(ice_method_group("Crewman/Stowaway"), Some(IceGroup::Other));
    assert_eq!(ice_method_group("Carrier pigeon"), None);
    assert_eq!(ice_method_group(""), None);
    for method in ICE_METHODS {
        assert_eq!(
            ice_method(method.name).unwrap().name,
            method.name,
            "two methods read the same"
        );
    }
    let in_group = |group| {
        ICE_METHODS
            .iter()
            .filter(move |method| method.group == group)
            .count()
    };
    assert_eq!(
        (
            in_group(IceGroup::AtLarge),
            in_group(IceGroup::Custodial),
            in_group(IceGroup::Program287g)
        ),
        (4, 5, 1)
    );
    assert!(
        ICE_METHODS
            .iter()
            .all(|method| method.setting != Some(Setting::Courthouse))
    );
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
    assert_eq!(
        Setting::ImmigrationCourt.icewatch(),
        Some(IcewatchPlace::Other)
    );
    let unmapped: Vec<_> = Setting::ALL
        .iter()
        .filter(|setting| setting.icewatch().is_none())
        .collect();
    assert_eq!(unmapped, [&Setting::Unknown]);
    assert_eq!(Tactic::RuseOther.icewatch(), Some(IcewatchTactic::Ruse));
    assert_eq!(Tactic::Masked.icewatch(), None);
    assert!(Tactic::ALL.iter().all(|tactic| {
        tactic.as_str().starts_with("force_") == (tactic.icewatch() == Some(IcewatchTactic::Force))
    }));
}
