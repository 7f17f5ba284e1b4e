use std::collections::BTreeSet;

use proptest::prelude::*;
use schemas::taxonomy::{Agency, Authority, EventKind, Outcome, Setting, Tactic};

use super::*;

fn read(text: &str) -> Reading {
    let mut out = Reading::default();
    TextRules::builtin().read(text, None, &mut out);
    out
}

fn kind(text: &str) -> Option<EventKind> {
    read(text).event_kind.map(|i| i.value)
}

fn tactics(text: &str) -> Vec<Tactic> {
    let mut all: Vec<Tactic> = read(text).tactics.iter().map(|i| i.value).collect();
    all.sort();
    all
}

/// The examples that stand beside each rule: what a person who changes a rule sees tested. Without the weights, which may
/// know better than a rule.
#[test]
fn rules_fire_on_their_examples() {
    let sources: Vec<_> = BUILTIN.iter().filter(|(name, _)| *name != "weights.toml").copied().collect();
    let rules = TextRules::from_sources(&sources).expect("compile");
    let mut wrong = Vec::new();
    for example in &rules.0.examples {
        let fires = rules.explain(&example.text).iter().any(|(rule, _)| *rule == example.rule);
        if fires != example.fires {
            wrong.push(format!(
                "{}: `{}` must {}fire on: {}",
                example.place,
                rules.name(example.rule),
                if example.fires { "" } else { "not " },
                example.text
            ));
        }
    }
    assert!(wrong.is_empty(), "{} examples fail:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_phrase_rule_has_an_example_that_fires() {
    let rules = TextRules::builtin();
    let shown: BTreeSet<RuleId> = rules.0.examples.iter().filter(|e| e.fires).map(|e| e.rule).collect();
    let bare: Vec<&str> = (0..rules.0.rules.len())
        .filter_map(|n| u16::try_from(n).ok())
        .map(RuleId)
        .filter(|id| !shown.contains(id))
        .map(|id| rules.name(id))
        .collect();
    assert!(bare.is_empty(), "no `yes` example: {bare:?}");
}

#[test]
fn a_file_that_does_not_compile_is_refused_with_its_line() {
    let words = BUILTIN[0];
    let refused = |text: &str| {
        let error = TextRules::from_sources(&[words, ("mine.toml", text)]).expect_err("must be refused");
        assert_eq!(error.file, "mine.toml");
        (error.line, error.message)
    };
    let rule = |axis: &str, code: &str, phrase: &str| {
        format!(
            "\n[[rule]]\nid = \"one\"\naxis = \"{axis}\"\ncode = \"{code}\"\nen = [\n  \"fine\",\n  \"{phrase}\",\n]\n"
        )
    };
    assert_eq!(refused("[[rule]\nid = 3").0, 1, "no TOML");
    assert_eq!(refused(&rule("tactic", "masked", "a mask")).0, 4, "no such axis");
    assert_eq!(refused(&rule("tactics", "maskd", "a mask")).0, 5, "no such code");
    assert_eq!(refused(&rule("tactics", "masked", "a (mask")).0, 8, "brackets");
    assert_eq!(refused(&rule("tactics", "masked", "@nobody knows")).0, 8, "no such class");
    assert_eq!(refused(&rule("tactics", "masked", "mask ..3")).0, 8, "ends in a gap");
    assert_eq!(refused(&rule("tactics", "masked", "ma* on")).0, 8, "a short stem");
    assert_eq!(
        refused(&rule("tactics", "masked", "one two three four five six seven eight nine ten eleven twelve thirteen"))
            .0,
        8,
        "a sentence is no rule"
    );
    assert_eq!(refused(&format!("{0}{0}", rule("tactics", "masked", "a mask"))).0, 12, "an id twice");
    assert_eq!(
        refused("[[decide]]\nid = \"d\"\naxis = \"outcome\"\ncode = \"in_custody\"\nwhen = [\n \"no_such_sign\"]").0,
        6,
        "a fact that nothing gives"
    );
    assert_eq!(
        refused("[[rule]]\nid = \"one\"\naxis = \"tactics\"\ncode = \"masked\"\nphrases = [\"x\"]").0,
        5,
        "an unknown key"
    );
}

#[test]
fn negation_reaches_what_it_denies_and_no_further() {
    assert_eq!(tactics("ICE took him. Not masked, no masks."), []);
    assert_eq!(tactics("ICE se lo llevó, no traían máscaras, sin pasamontañas"), []);
    assert_eq!(tactics("ICE took him, no ID, masked"), [Tactic::Masked]);
    assert!(tactics("agarraron a mi tío, iban sin uniforme").contains(&Tactic::Plainclothes));
    assert!(!tactics("agarraron a mi tío, iban uniformados").contains(&Tactic::Plainclothes));
    let judge = read("ICE took my brother at home. They did have a warrant signed by a judge.");
    assert!(judge.tactics.iter().any(|t| t.value == Tactic::JudicialWarrant));
    assert!(!judge.tactics.iter().any(|t| t.value == Tactic::WarrantNotShown));
    assert!(judge.authority_shown.iter().any(|a| a.value == Authority::JudicialArrestWarrant));
    let never = tactics("ICE took my brother at home. They never showed a warrant.");
    assert!(never.contains(&Tactic::WarrantNotShown) && !never.contains(&Tactic::JudicialWarrant));
    assert_eq!(kind("ICE was there but nobody was taken, no arrests"), Some(EventKind::Sighting));
    assert_eq!(
        kind("dos hombres sin uniforme se llevaron a un señor"),
        Some(EventKind::Arrest),
        "a negation before a noun ends with it"
    );
}

#[test]
fn what_is_supposed_or_asked_did_not_happen() {
    assert_eq!(
        kind("What if they come and take my kids? Wants to know her rights."),
        Some(EventKind::InformationRequest)
    );
    assert_eq!(kind("¿Qué hago si vienen y se llevan a mi esposo?"), Some(EventKind::InformationRequest));
    assert_eq!(kind("Is ICE at the Walmart on Central?"), Some(EventKind::InformationRequest));
    assert_eq!(tactics("Asks what to do if masked agents break the window"), []);
}

#[test]
fn a_correction_wins_over_what_came_before() {
    let sheriff = read("Caller saw ICE at the house. Update: it was the sheriff, not ICE.");
    assert_eq!(sheriff.event_kind.map(|i| i.value), Some(EventKind::NotEnforcement));
    assert_eq!(sheriff.agency_assessed.map(|i| i.value), Some(Agency::Sheriff));
    assert!(sheriff.tactics.is_empty());
    let ice = read("CBP at the airport? No, it was ICE, they took two men");
    assert_eq!(ice.agency_assessed.map(|i| i.value), Some(Agency::IceUnspecified));
}

#[test]
fn claimed_and_assessed_stay_apart() {
    let ruse = read("Said they were police. It was ICE. They took my uncle at his house.");
    assert_eq!(ruse.agency_claimed.map(|i| i.value), Some(Agency::LocalPolice));
    assert_eq!(ruse.agency_assessed.map(|i| i.value), Some(Agency::IceUnspecified));
    assert!(ruse.tactics.iter().any(|t| t.value == Tactic::RusePolice));
    let vests = read("4 men with POLICE on their vests took him");
    assert_eq!(vests.agency_claimed.map(|i| i.value), Some(Agency::LocalPolice));
    assert_eq!(vests.agency_assessed, None);
}

#[test]
fn salute_texts_in_any_order_and_language() {
    let en = read(
        "Location: I-70 exit 203. Size: 2 state patrol + 3 ICE. Time: 10 AM. Activity: traffic stop, 2 men loaded in van. Equip: 1 white van",
    );
    assert_eq!(en.agents.map(|i| i.value), Some(Count::exactly(5)));
    assert_eq!(en.vehicles.map(|i| i.value), Some(Count::exactly(1)));
    assert_eq!(en.event_kind.map(|i| i.value), Some(EventKind::Arrest));
    let es = read("E-dos camionetas U-chaleco ICE A-se llevaron a tres S-5 o 6 L-Reno");
    assert_eq!(es.agents.map(|i| i.value), Some(Count::between(5, 6)));
    assert_eq!(es.vehicles.map(|i| i.value), Some(Count::exactly(2)));
    assert_eq!(es.agency_claimed.map(|i| i.value), Some(Agency::IceUnspecified));
    let partial = read("Size: 4. Activity: parked.");
    assert_eq!(partial.agents.map(|i| i.value), Some(Count::exactly(4)));
    assert_eq!(partial.outcome, None);
}

#[test]
fn shorthand_and_phone_spanish() {
    let text =
        "3 ofc w/ vests POLICE, no ID, grey Durango, afuera de la corte de Bronx como a las 9, se llevaron a un señor";
    let r = read(text);
    assert_eq!(r.event_kind.map(|i| i.value), Some(EventKind::Arrest));
    assert_eq!(r.setting.map(|i| i.value), Some(Setting::Courthouse));
    assert_eq!(r.outcome.map(|i| i.value), Some(Outcome::InCustody));
    assert_eq!(r.agents.map(|i| i.value), Some(Count::exactly(3)));
    assert_eq!(kind("mi patron dice q aller la migra se yevo, se llevaron 3 d la planta"), Some(EventKind::Arrest));
    let setting = |text: &str| read(text).setting.map(|i| i.value);
    assert_eq!(setting("ICE lo agarro saliendo d la corte"), Some(Setting::Courthouse), "\"d\" is \"de\"");
    assert_eq!(setting("ICE took him from 1530 Alder St apt 2"), Some(Setting::Home), "a house number of four digits");
    assert_eq!(setting("ICE took 2 men @ the bus station"), Some(Setting::Transit), "\"@\" is \"at\"");
}

#[test]
fn spans_are_the_stretch_that_gave_the_value() {
    let text = "Ayer… ¡a mi tía! Iban «encapuchados» y se la llevaron";
    let r = read(text);
    let masked = r.tactics.iter().find(|t| t.value == Tactic::Masked).expect("masked");
    assert_eq!(&text[masked.span.0..masked.span.1], "encapuchados");
    assert_eq!(TextRules::builtin().name(masked.rule), "tactic-masked");
}

#[test]
fn counts_in_words() {
    for (words, count) in [
        ("4", Some(Count::exactly(4))),
        ("5 to 6", Some(Count::between(5, 6))),
        ("5-6", Some(Count::between(5, 6))),
        ("5 o 6", Some(Count::between(5, 6))),
        ("entre 5 y 6", Some(Count::between(5, 6))),
        ("between five and six", Some(Count::between(5, 6))),
        ("6+", Some(Count::at_least(6))),
        ("at least 4", Some(Count::at_least(4))),
        ("al menos cuatro", Some(Count::at_least(4))),
        ("por lo menos 4", Some(Count::at_least(4))),
        ("4 or more", Some(Count::at_least(4))),
        ("4 o más", Some(Count::at_least(4))),
        ("more than 4", Some(Count::at_least(5))),
        ("2 vehicles with 2 agents each", Some(Count::exactly(4))),
        ("dos carros con 3 cada uno", Some(Count::exactly(6))),
        ("media docena", Some(Count::exactly(6))),
        ("half a dozen", Some(Count::exactly(6))),
        ("about a dozen", Some(Count::exactly(12))),
        ("una docena", Some(Count::exactly(12))),
        ("como 40", Some(Count::exactly(40))),
        ("treinta y cinco", Some(Count::exactly(35))),
        ("twenty five", Some(Count::exactly(25))),
        ("un par de agentes", Some(Count::exactly(2))),
        ("a couple of officers", Some(Count::exactly(2))),
        ("an officer", Some(Count::exactly(1))),
        ("2 state patrol + 3 ICE", Some(Count::exactly(5))),
        ("20ish", Some(Count::exactly(20))),
        ("several", None),
        ("muchos", None),
        ("", None),
        ("?", None),
    ] {
        assert_eq!(parse_count(words), count, "{words}");
    }
}

#[test]
fn people_beside_a_number_are_added() {
    for (text, want) in [
        ("ICE took 2 men and a woman from the corner", Some(3)),
        ("Los agentes se llevaron a 2 hombres y una mujer", Some(3)),
        ("Los agentes se llevaron al ayudante y a los 3 pintores", Some(4)),
        ("Agents took the driver and 2 roofers", Some(3)),
        ("Two agents and a woman took my brother", Some(1)),
        ("Last year ICE took my uncle, and today agents came for my father, he was not home", None),
    ] {
        assert_eq!(read(text).persons_arrested.map(|i| i.value), want.map(Count::exactly), "{text}");
    }
}

#[test]
fn another_day_ends_where_today_begins() {
    for text in [
        "Last year ICE took my uncle, and today agents came for my father, he was not home",
        "El año pasado la migra se llevó a mi tío y hoy vinieron agentes por mi papá, no les abrimos",
        "Hoy vinieron agentes por mi papá y no estaba, el año pasado se llevaron a mi tío",
    ] {
        assert_eq!(kind(text), Some(EventKind::AttemptedArrest), "{text}");
    }
}

#[test]
fn a_name_may_start_a_phrase_and_an_initial_ends_no_sentence() {
    let rules = ("r.toml", "[[rule]]\nid = \"r\"\naxis = \"sign\"\ncode = \"x\"\nen = [\"^ ran\"]");
    let words = [BUILTIN[0], BUILTIN[1], rules];
    let rules = TextRules::from_sources(&words).expect("these rules compile");
    let fires = |text: &str| !rules.explain(text).is_empty();
    assert!(fires("then Ramon ran") && !fires("then ramon ran") && !fires("Ramon ran"));
    assert!(fires("we saw T. Quispe Ran") && !fires("we saw apt T. They ran"));
}

#[test]
fn no_event_has_no_tactics() {
    for text in [
        "Film crew with masked guards and fake guns. It was a movie shoot.",
        "False alarm, masked men were a paintball team",
        "Falsa alarma, eran guardias del mall con pasamontañas",
    ] {
        assert_eq!(kind(text), Some(EventKind::NotEnforcement), "{text}");
        assert_eq!(tactics(text), [], "{text}");
    }
}

#[test]
fn words_as_they_are_written_on_a_telephone() {
    for text in [
        "they left w him",
        "se yebaron a mi tio",
        "two men were arrsted here",
        "se lelvaron a dos",
        "lo movieron d Winn para aca",
    ] {
        assert!(matches!(kind(text), Some(EventKind::Arrest | EventKind::DetainerOrTransfer)), "{text}");
    }
    let words = ("words.toml", "[[misspelt]]\nen = [\"two words\"]");
    assert!(TextRules::from_sources(&[words]).is_err_and(|e| e.line == 2), "one word at a time");
}

#[test]
fn what_the_whole_text_says_of_its_acts() {
    for (text, want) in [
        ("Last year they took a man from here. Can they come back?", EventKind::InformationRequest),
        ("Last year they took a man from here.", EventKind::Arrest),
        ("Someone in the chat says a van took kids. No kid is missing.", EventKind::NotEnforcement),
        ("Someone in the chat says a van took kids.", EventKind::Arrest),
        ("They took my uncle. No kid is missing.", EventKind::Arrest),
        ("A él si se lo llevaron", EventKind::Arrest),
        ("Le afecta una multa vieja al residente?", EventKind::InformationRequest),
    ] {
        assert_eq!(kind(text), Some(want), "{text}");
    }
    assert_ne!(kind("qué hago si se lo llevan"), Some(EventKind::Arrest));
}

#[test]
fn a_reading_does_not_depend_on_the_one_before() {
    let mut reused = Reading::default();
    for text in ["ICE took two men at the plant", "", "False alarm", "se llevaron a mi tío, encapuchados", "4 agents"]
    {
        TextRules::builtin().read(text, None, &mut reused);
        assert_eq!(reused, read(text), "{text}");
    }
}

#[test]
fn private_words_stay_out_of_debug_output() {
    let r = read("Rosalinda Quispe was taken by ICE in Reno");
    let shown = format!("{r:?}");
    assert!(!shown.contains("Rosalinda") && !shown.contains("rosalinda"), "the buffers hold no words of the text");
}

fn spans(r: &Reading) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    all.extend(r.event_kind.iter().map(|i| i.span));
    all.extend(r.setting.iter().map(|i| i.span));
    all.extend(r.place_relation.iter().map(|i| i.span));
    all.extend(r.agency_claimed.iter().map(|i| i.span));
    all.extend(r.agency_assessed.iter().map(|i| i.span));
    all.extend(r.outcome.iter().map(|i| i.span));
    all.extend(r.tactics.iter().map(|i| i.span));
    all.extend(r.authority_shown.iter().map(|i| i.span));
    all.extend(r.vulnerable_parties.iter().map(|i| i.span));
    all.extend([&r.agents, &r.vehicles, &r.persons_arrested].into_iter().flatten().map(|i| i.span));
    all
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        for (start, end) in spans(&read(&text)) {
            prop_assert!(start <= end && text.is_char_boundary(start) && text.is_char_boundary(end));
        }
    }

    #[test]
    fn jumbled_words_of_the_rules_are_read_without_panic(
        words in proptest::collection::vec(prop_oneof![
            Just("no"), Just("sin"), Just("ICE"), Just("migra"), Just("took"), Just("se llevaron"), Just("5"), Just("a"), Just("dozen"), Just("to"), Just("at least"), Just("más"), Just("de"),
            Just("?"), Just("."), Just(","), Just(":"), Just("Size:"), Just("S-"), Just("7:15"), Just("$700"), Just("@x"), Just("w/"), Just("b/c"), Just("’"), Just("—"), Just("ñ"), Just("sí"),
            Just("\u{301}"), Just("İ"), Just("ß"), Just("each"), Just("+"), Just("&"), Just("If"), Just("update"), Just("warrant"), Just("corte"), Just("6+"), Just("\n"),
        ], 0..60),
        glue in prop_oneof![Just(" "), Just("")],
    ) {
        let text = words.join(glue);
        for (start, end) in spans(&read(&text)) {
            prop_assert!(start <= end && text.is_char_boundary(start) && text.is_char_boundary(end));
        }
    }
}
