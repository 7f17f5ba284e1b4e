//! What the simulation promises, over a plan of two years.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write as _;
use std::time::Instant;

use chrono::{NaiveDateTime, TimeDelta};
use schemas::RejectCode;
use schemas::taxonomy;
use schemas::time::{Month, Precision};
use schemas::wire::WireReport;

use super::encounter::is_event;
use super::world::{WORLD, sources};
use super::*;

fn month(text: &str) -> Month {
    Month::parse(text).expect("a month")
}

fn plan(reports: u64, seed: u64) -> Plan {
    Plan::new(24, reports, seed, month("2026-09"))
}

fn json(wire: &Wire) -> String {
    serde_json::to_string(wire).expect("a wire form serializes")
}

fn text_of<'a>(wire: &'a Wire, field: &str) -> &'a str {
    match wire.get(field) {
        Some(Cell::Text(text) | Cell::Date { wire: text, .. }) => text,
        _ => "",
    }
}

#[test]
fn words_stand_in_occurred_only_where_the_plan_says_so() {
    let is_words = |s: &Submission| matches!(s.wire.get("occurred"), Some(Cell::Text(_)));
    assert!(!Simulation::new(plan(800, 5)).any(|s| is_words(&s)));
    let in_words = Plan { occurred_in_words: true, ..plan(800, 5) };
    assert!(Simulation::new(in_words).filter(is_words).count() > 80);
}

/// Submissions in ten thousand for which `is` holds.
fn share(all: &[Submission], is: impl Fn(&Submission) -> bool) -> usize {
    all.iter().filter(|s| is(s)).count() * 10_000 / all.len()
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = ["reports.ndjson", "reports.csv", "mapping.toml", "truth.ndjson"];
    for (name, seed) in [("a", 5), ("b", 5), ("c", 6)] {
        let summary = write_files(&plan(1_500, seed), &dir.path().join(name)).expect("writes");
        assert_eq!(summary.submissions, 1_500);
    }
    let read = |name: &str, file: &str| std::fs::read(dir.path().join(name).join(file)).expect("a file");
    for file in files {
        assert!(read("a", file) == read("b", file), "{file} differs for the same seed");
    }
    assert!(read("a", files[0]) != read("c", files[0]), "another seed tells something else");
}

#[test]
fn a_plan_gives_as_many_submissions_in_the_order_of_sending() {
    for (months, reports) in [(1, 1), (1, 40), (3, 500), (24, 8_000)] {
        let plan = Plan::new(months, reports, 9, month("2026-03"));
        let all: Vec<_> = Simulation::new(plan.clone()).collect();
        assert_eq!(all.len() as u64, reports, "{months} months");
        assert!(all.is_sorted_by_key(|s| s.sent_at));
        let first = month("2026-03").plus(1 - i32::try_from(months).expect("small")).first_day();
        for s in &all {
            assert!(s.sent_at < plan.horizon() && s.sent_at.date_naive() >= first);
            if let Some(on) = s.truth.occurred_on {
                let latest = plan.horizon().date_naive();
                let late_event = on > month("2026-03").last_day() && is_event(s.truth.codes.event_kind);
                assert!(on >= first && on <= latest && !late_event, "{on}");
            }
        }
    }
    assert_eq!(Simulation::new(Plan::new(2, 0, 9, month("2026-03"))).count(), 0);
}

#[test]
fn versions_of_an_id_are_what_they_are_called() {
    let mut first: HashMap<String, (String, &str)> = HashMap::new();
    let mut counts = BTreeMap::new();
    for s in Simulation::new(plan(9_000, 3)) {
        let id = s.truth.external_id.clone();
        assert_eq!(text_of(&s.wire, "external_id"), id);
        *counts.entry(format!("{:?}", s.truth.version)).or_insert(0) += 1;
        match s.truth.version {
            Version::First | Version::Reject => {
                assert!(first.insert(id, (json(&s.wire), s.source)).is_none(), "an id was given twice");
            }
            Version::Repeat => assert_eq!(first[&id], (json(&s.wire), s.source)),
            Version::Revision => {
                assert_ne!(first[&id].0, json(&s.wire));
                assert_eq!(first[&id].1, s.source);
            }
        }
    }
    assert!(counts["Repeat"] > 150 && counts["Revision"] > 150 && counts["Reject"] > 30, "{counts:?}");
}

#[test]
fn the_wire_form_reads_and_only_what_is_broken_does_not() {
    for s in Simulation::new(plan(9_000, 11)) {
        let read = WireReport::parse(json(&s.wire).as_bytes());
        let in_future =
            read.as_ref().ok().and_then(|r| r.reported_at).is_some_and(|at| at > s.sent_at + TimeDelta::days(1));
        let reject = read.err().map(|reject| reject.code).or(in_future.then_some(RejectCode::ReportedInFuture));
        assert_eq!(reject, s.truth.reject, "{}", s.truth.external_id);
        assert_eq!(s.truth.reject.is_some(), s.truth.version == Version::Reject);
        if s.truth.reject.is_none() {
            let reported: DateTime<Utc> = text_of(&s.wire, "reported_at").parse().expect("an instant");
            assert!(reported <= s.sent_at);
        }
    }
}

#[test]
fn codes_are_those_of_the_taxonomy() {
    let check = |axis: &str, code: Code| {
        let axis = taxonomy::axis(axis).expect("an axis");
        assert!(axis.code(code).is_some(), "{code}");
    };
    for s in Simulation::new(plan(6_000, 2)) {
        let codes = &s.truth.codes;
        check("event_kind", codes.event_kind);
        let single = [
            ("setting", codes.setting),
            ("place_relation", codes.place_relation),
            ("agency_claimed", codes.agency_claimed),
            ("agency_assessed", codes.agency_assessed),
            ("court_type", codes.court_type),
            ("court_stage", codes.court_stage),
            ("court_role", codes.court_role),
            ("case_level", codes.case_level),
            ("outcome", codes.outcome),
            ("review", codes.review),
        ];
        for (axis, code) in single {
            code.into_iter().for_each(|code| check(axis, code));
        }
        codes.tactics.iter().for_each(|code| check("tactics", code));
        codes.authority_shown.iter().for_each(|code| check("authority_shown", code));
        codes.vulnerable_parties.iter().for_each(|code| check("vulnerable_parties", code));
    }
}

#[test]
fn whatever_can_happen_has_words_in_both_languages() {
    let (mix, words) = (&WORLD.mix, &WORLD.words);
    let all = |shares: &[&dice::Shares]| -> Vec<String> {
        shares.iter().flat_map(|s| s.iter()).map(|(code, _)| code.to_owned()).collect()
    };
    let tactics: Vec<_> = mix.tactics.values().collect();
    let outcomes: Vec<_> = mix.outcomes.values().collect();
    let wanted = [
        (all(&tactics), &words.tactic),
        (all(&outcomes), &words.outcome),
        (all(&[&mix.agencies["assessed"]]), &words.agency),
        (all(&[&mix.agencies["claimed"]]), &words.claimed),
        (all(&[&mix.authority["shown"]]), &words.authority),
        (all(&[&mix.court["types"]]), &words.court_type),
        (all(&[&mix.court["stages"], &mix.court["stages_civil"]]), &words.court_stage),
        (all(&[&mix.court["roles"], &mix.court["roles_civil"]]), &words.court_role),
        (all(&[&mix.court["levels"]]), &words.case_level),
        (all(&[&mix.vulnerable["parties"]]), &words.vulnerable),
    ];
    for (codes, phrases) in wanted {
        for code in codes {
            let phrases = phrases.get(&code).unwrap_or_else(|| panic!("no words for {code}"));
            for language in schemas::Language::ALL {
                assert!(!phrases.of(language).is_empty(), "{code} in {language}");
            }
        }
    }
    for setting in mix.settings.values().flat_map(dice::Shares::iter).map(|(code, _)| code) {
        assert!(setting == "courthouse" || words.places.contains_key(setting), "no words for {setting}");
    }
    for relation in mix.court["relations"].iter().map(|(code, _)| code) {
        assert!(words.places.contains_key(&format!("courthouse_{relation}")));
    }
    for kind in mix.kinds.values().flat_map(dice::Shares::iter).map(|(code, _)| code) {
        assert!(words.event.contains_key(kind) || words.story.contains_key(kind), "no words for {kind}");
    }
    for class in schemas::redaction::Class::ALL {
        assert!(words.private.contains_key(class.as_str()), "no words for {}", class.as_str());
    }
}

#[test]
fn counties_are_those_of_the_geography() {
    assert_eq!(WORLD.counties.len(), 40);
    for county in &WORLD.counties {
        let known = schemas::geography::county(&county.fips).expect("a county");
        assert_eq!(
            (known.state, known.short_name(), known.zone),
            (county.state.as_str(), county.name.as_str(), county.zone.name())
        );
        assert!(county.seat < county.towns.len() && !county.courts.is_empty());
        assert!(sources().iter().any(|source| source.covers(county)), "nobody covers {}", county.name);
    }
    for source in sources() {
        assert!(schemas::source::SourceName::parse(&source.name).is_some());
    }
}

#[test]
fn planted_strings_stand_where_the_truth_says_and_belong_to_nobody() {
    let mut classes = BTreeSet::new();
    for s in Simulation::new(plan(9_000, 4)) {
        for planted in &s.truth.private {
            classes.insert(planted.class);
            let field: String = match s.wire.get(planted.field) {
                Some(Cell::Number(degrees)) => format!("{degrees:.4}"),
                Some(Cell::Text(text)) => text.clone(),
                // Broken on purpose: the text went with the field.
                _ => {
                    assert_eq!(s.truth.version, Version::Reject);
                    continue;
                }
            };
            let found: String = field.chars().skip(planted.start).take(planted.end - planted.start).collect();
            assert_eq!(found, planted.text);
            let digits: String = planted.text.chars().filter(char::is_ascii_digit).collect();
            match planted.class {
                schemas::redaction::Class::Phone => assert!(digits.contains("55501")),
                schemas::redaction::Class::Email => assert!(planted.text.ends_with("@example.org")),
                _ => {}
            }
        }
        if s.truth.style == Style::Form {
            assert!(s.truth.private.is_empty(), "forms of defenders name nobody");
        }
    }
    assert_eq!(classes.len(), schemas::redaction::Class::ALL.len(), "{classes:?}");
}

#[test]
fn shares_are_as_issue_4_asks() {
    let all: Vec<_> = Simulation::new(plan(20_000, 7)).collect();
    let told = share(&all, |s| s.wire.get("narrative").is_some());
    for s in all.iter().filter(|s| s.wire.get("narrative").is_some()) {
        let length = text_of(&s.wire, "narrative").chars().count();
        assert!((120..=600).contains(&length), "{}: a narrative of {length} characters", s.truth.external_id);
    }
    let dirty = share(&all, |s| s.truth.dirty_place);
    let relative = share(&all, |s| s.truth.relative_date);
    let broken = share(&all, |s| s.truth.reject.is_some());
    assert!((5_850..6_150).contains(&told), "narratives: {told}");
    assert!((2_900..3_200).contains(&dirty), "dirty places: {dirty}");
    assert!((1_850..2_250).contains(&relative), "relative dates: {relative}");
    assert!((40..110).contains(&broken), "rejects: {broken}");
    let events: Vec<_> = all.into_iter().filter(|s| is_event(s.truth.codes.event_kind)).collect();
    let coded = share(&events, |s| s.wire.get("event_kind").is_some() && s.wire.get("occurred").is_some());
    assert!(coded > 6_000, "coded events: {coded}");
    let undated = share(&events, |s| s.truth.occurred_precision == Precision::Unknown);
    assert!((300..1_000).contains(&undated), "undated: {undated}");
    let hotline = |s: &&Submission| s.source == "ny-hotline" || s.source == "wa-hotline";
    assert!(events.iter().filter(hotline).count() > 500);
}

#[test]
fn what_starts_joins_or_falls_silent_midway_does_so() {
    let end = month("2026-09");
    let mut before = 0;
    let mut after = 0;
    for s in Simulation::new(plan(9_000, 1)) {
        if s.truth.version != Version::First {
            continue;
        }
        let sent = Month::of(s.sent_at.date_naive());
        assert!(s.source != "tx-hotline" || sent >= end.plus(-11), "joins half-way");
        assert!(s.source != "il-hotline" || !(end.plus(-8)..=end.plus(-7)).contains(&sent), "is silent");
        let codes = &s.truth.codes;
        let campaign = codes.event_kind == "arrest"
            && codes.setting == Some("courthouse")
            && matches!(s.truth.county_fips, Some("36081" | "36047"));
        if let (true, Some(on)) = (campaign, s.truth.occurred_on) {
            *if Month::of(on) >= end.plus(-6) { &mut after } else { &mut before } += 1;
        }
    }
    // 17 months before, 7 after.
    assert!(after * 17 > 3 * before * 7, "{before} arrests in 17 months, {after} in 7");
}

#[test]
fn the_spreadsheet_says_what_the_wire_form_says() {
    let dir = tempfile::tempdir().expect("a directory");
    write_files(&plan(2_000, 8), dir.path()).expect("writes");
    let mapping: toml::Table =
        std::fs::read_to_string(dir.path().join("mapping.toml")).expect("a file").parse().expect("TOML");
    let columns = mapping["columns"].as_table().expect("a table");
    let ignored = mapping["ignore"].as_array().expect("a list");
    for (axis, words) in mapping["aliases"].as_table().expect("a table") {
        for code in words.as_table().expect("a table").values() {
            let code = code.as_str().expect("a text");
            assert!(taxonomy::axis(axis).expect("an axis").code(code).is_some(), "{axis} {code}");
        }
    }
    let mut sheet = csv::Reader::from_path(dir.path().join("reports.csv")).expect("a file");
    let headers = sheet.headers().expect("headers").clone();
    for header in &headers {
        assert!(columns.contains_key(header) || ignored.iter().any(|h| h.as_str() == Some(header)), "{header}");
    }
    let column = |field: &str| {
        let header = columns.iter().find(|(_, f)| f.as_str() == Some(field)).map(|(h, _)| h.as_str());
        headers.iter().position(|h| Some(h) == header).expect("a column")
    };
    let (id, reported, narrative) = (column("external_id"), column("reported_at"), column("narrative"));
    let mut rows = sheet.records();
    for s in Simulation::new(plan(2_000, 8)) {
        let row = rows.next().expect("a row").expect("reads");
        assert_eq!(&row[id], s.truth.external_id);
        assert_eq!(&row[narrative], text_of(&s.wire, "narrative"));
        if s.truth.reject != Some(RejectCode::BadInstant) {
            let local = NaiveDateTime::parse_from_str(&row[reported], "%m/%d/%Y %H:%M").expect("a US date and time");
            let at = local.and_local_timezone(SHEET_ZONE).single().expect("an hour that the clocks do not repeat");
            assert_eq!(
                at.with_timezone(&Utc),
                text_of(&s.wire, "reported_at").parse::<DateTime<Utc>>().expect("an instant")
            );
        }
    }
    assert!(rows.next().is_none());
}

#[test]
fn texts_vary_and_come_fast() {
    let reports = if cfg!(debug_assertions) { 20_000 } else { 200_000 };
    let start = Instant::now();
    let mut places = BTreeSet::new();
    let mut narratives = BTreeSet::new();
    for s in Simulation::new(plan(reports, 7)) {
        places.insert(text_of(&s.wire, "place").to_owned());
        narratives.insert(text_of(&s.wire, "narrative").to_owned());
    }
    let (places, narratives) = (places.len() as u64, narratives.len() as u64);
    let seconds = start.elapsed().as_secs_f64();
    writeln!(std::io::stderr(), "{reports} reports in {seconds:.1} s: {places} place texts, {narratives} narratives")
        .expect("stderr is open");
    assert!(places > reports / 10, "at a million reports, 20,000 and more");
    assert!(narratives > reports / 2);
}

/// The words of a text, folded as the rules write them.
fn words(text: &str) -> Vec<String> {
    let plain = |c: char| match c.to_lowercase().next().unwrap_or(c) {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' | 'ü' => 'u',
        'ñ' => 'n',
        c => c,
    };
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|w| w.chars().map(plain).collect())
        .collect()
}

/// Every text of a value.
fn texts<'a>(value: &'a toml::Value, out: &mut Vec<&'a str>) {
    match value {
        toml::Value::String(text) => out.push(text),
        toml::Value::Array(all) => all.iter().for_each(|one| texts(one, out)),
        toml::Value::Table(all) => {
            // What is weighed is no phrase: single words by their first letters, and names of rules, a line each.
            let said = all.iter().filter(|(key, _)| !matches!(key.as_str(), "note" | "weigh"));
            said.for_each(|(_, one)| texts(one, out));
        }
        _ => {}
    }
}

/// The rules are made for how people write. One that holds a sentence of this simulation would make its scores a lie.
#[test]
fn no_rule_holds_a_whole_sentence() {
    let mut sentences = BTreeSet::new();
    for submission in Simulation::new(plan(6_000, 11)) {
        for sentence in text_of(&submission.wire, "narrative").split(['.', ';', '!', '?', '\n']) {
            let words = words(sentence);
            // Shorter ones ("no se llevaron a nadie") are how everybody says it.
            if words.len() >= 7 {
                sentences.insert(words);
            }
        }
    }
    assert!(sentences.len() > 3_000, "only {} sentences", sentences.len());
    let mut held = Vec::new();
    let mut phrases = 0;
    for dir in ["ingest/data/rules", "ingest/data/redact"] {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
        for file in std::fs::read_dir(dir).expect("the rules are there") {
            let path = file.expect("a file").path();
            if path.extension().is_none_or(|end| end != "toml") {
                continue;
            }
            let rules: toml::Value = toml::from_str(&std::fs::read_to_string(&path).expect("reads")).expect("TOML");
            let mut all = Vec::new();
            texts(&rules, &mut all);
            for phrase in all {
                phrases += 1;
                // Each choice of a phrase counts as said: what a gap or a class matches is not held.
                let literal: BTreeSet<String> = words(phrase).into_iter().collect();
                if literal.len() >= 5 {
                    let whole = sentences.iter().filter(|sentence| sentence.iter().all(|word| literal.contains(word)));
                    held.extend(whole.map(|sentence| (path.clone(), phrase.to_owned(), sentence.join(" "))));
                }
            }
        }
    }
    assert!(phrases > 3_000, "only {phrases} phrases and examples");
    assert!(held.is_empty(), "{} phrases or examples hold a sentence: {held:#?}", held.len());
}
