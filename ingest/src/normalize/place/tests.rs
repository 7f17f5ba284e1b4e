use std::time::Instant;

use super::*;

fn county(text: &str, state: Option<&str>) -> Option<&'static str> {
    resolve(&PlaceQuery { text, state: state.map(|code| geography::state(code).expect("state")), lat_lon: None })
        .county
        .map(|county| county.fips)
}

fn told(text: &str, state: Option<&str>) -> Option<&'static str> {
    find_in_text(text, state.map(|code| geography::state(code).expect("state")))
        .and_then(|found| found.county)
        .map(|county| county.fips)
}

/// A file of the shared checks; says out loud when it is absent.
fn shared(path: &str) -> Option<String> {
    let whole = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|dir| dir.join("shared").join(path))
        .find(|path| path.exists());
    let whole = whole.or_else(|| Some(std::path::Path::new("/work/shared").join(path)).filter(|path| path.exists()));
    if whole.is_none() {
        eprintln!("SKIPPED: ../shared/{path} is not here");
    }
    std::fs::read_to_string(whole?).ok()
}

/// Cells of a line of CSV.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().expect("a cell").push(c),
        }
    }
    cells
}

#[test]
fn official_records_resolve() {
    let Some(table) = shared("data/ice-i213/place_county_part.csv") else { return };
    let (mut rows, mut right_rows, mut wrong_rows, mut texts, mut right, mut wrong) = (0, 0, 0, 0, 0, 0);
    for line in table.lines().skip(1) {
        let cells = cells(line);
        if cells[6] != "yes" {
            continue;
        }
        let weight: usize = cells[5].parse().expect("rows");
        rows += weight;
        texts += 1;
        match county(&cells[0], None) {
            Some(fips) if fips == cells[4] => {
                right += 1;
                right_rows += weight;
            }
            found => {
                if found.is_some() {
                    wrong += 1;
                    wrong_rows += weight;
                }
                if std::env::var_os("SHOW").is_some() {
                    eprintln!("{:?} {} {weight} {}", found, cells[4], cells[0]);
                }
            }
        }
    }
    eprintln!(
        "ice-i213: texts {right}/{texts} right, {wrong} wrong; rows {right_rows}/{rows} right, {wrong_rows} wrong"
    );
    assert!(right_rows * 100 >= rows * 97 && right * 100 >= texts * 90);
    assert!(wrong_rows * 100 <= rows && wrong * 100 <= texts);
}

#[test]
fn golden_reports_resolve() {
    let (Some(reports), Some(truths)) =
        (shared("golden/09_reports/reports.ndjson"), shared("golden/09_reports/reports_truth.ndjson"))
    else {
        return;
    };
    let (mut right, mut wrong, mut all) = (0, 0, 0);
    let (mut told_right, mut told_wrong) = (0, 0);
    for (report, truth) in reports.lines().zip(truths.lines()) {
        let report: serde_json::Value = serde_json::from_str(report).expect("report");
        let truth: serde_json::Value = serde_json::from_str(truth).expect("truth");
        assert_eq!(report["external_id"], truth["external_id"]);
        let Some(wanted) = truth["county_fips"].as_str() else { continue };
        let accepted = |fips: &str| {
            fips == wanted
                || truth["accept"]["county_fips"].as_array().is_some_and(|also| also.iter().any(|other| other == fips))
        };
        all += 1;
        let state = report["state"].as_str();
        let narrative = report["narrative"].as_str().unwrap_or("");
        let place = report["place"].as_str().unwrap_or("");
        let alone = told(narrative, state);
        match alone {
            Some(fips) if accepted(fips) => told_right += 1,
            Some(_) => told_wrong += 1,
            None => {}
        }
        let found = county(place, state).or(alone);
        match found {
            Some(fips) if accepted(fips) => right += 1,
            Some(_) => wrong += 1,
            None => {}
        }
        if std::env::var_os("SHOW").is_some() && (!found.is_some_and(accepted) || !alone.is_some_and(accepted)) {
            eprintln!("wanted {wanted} found {found:?} told {alone:?}: {place} | {narrative}");
        }
    }
    eprintln!("golden: {right}/{all} right, {wrong} wrong; narratives alone {told_right} right, {told_wrong} wrong");
    assert!(right * 100 >= all * 95 && wrong == 0 && told_wrong <= 1);
}

/// Every place of the gazetteer, in the forms of "City, ST" and "City, State": right or unknown.
#[test]
fn every_place_with_its_state() {
    let mut state = geography::state("AK").expect("state");
    let (mut all, mut right) = (0, 0);
    for line in include_str!("../../../data/gazetteer/places.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('\t');
        let (name, county_digits) = (cells.next().expect("name"), cells.next());
        if let Some(code) = name.strip_prefix('@') {
            state = geography::state(code).expect("state");
            continue;
        }
        let also = cells.nth(2).unwrap_or("");
        for text in [
            format!("{name}, {}", state.code),
            format!("{name}, {}", state.name_en),
            format!("{} {}", name.to_uppercase(), state.code),
            format!("{name}, {}", state.name_es),
        ] {
            all += 1;
            let found = county(&text, None);
            let wanted = county_digits.map(|digits| format!("{}{digits}", state.fips));
            right += usize::from(found == wanted.as_deref());
            if let Some(found) = found {
                let fine = wanted.as_deref() == Some(found)
                    || also.split(' ').any(|digits| found.ends_with(digits) && !digits.is_empty());
                assert!(fine, "{text}: {found}, not {wanted:?}");
            }
        }
    }
    eprintln!("nationwide: {right}/{all} right, none wrong");
    assert!(right * 100 >= all * 97);
}

#[test]
fn speed() {
    let texts = [
        "SEATTLE, WA",
        "Yakima,W A",
        "98104",
        "Queens County, NY",
        "CHICAGO, , IL",
        "Portland, Oregon",
        "FDC SEATAC",
        "Bklyn",
    ];
    warm();
    let start = Instant::now();
    for _ in 0..20_000 {
        for text in texts {
            std::hint::black_box(county(text, None));
        }
    }
    let each = start.elapsed() / (20_000 * texts.len() as u32);
    let start = Instant::now();
    for _ in 0..2_000 {
        std::hint::black_box(county("SEATRTLE, WASHINGTON", None));
    }
    let slip = start.elapsed() / 2_000;
    let text = "mi patron dice q anoche la chota d gainesville paro al ruletero y q luego llego la inmigracion, se llevaron 3. yo no vi nada asi me contaron. \
                Four men, two with gaiters over face, \"POLICE\" on vests, no agency. Asked for a warrant, one said \"we dont need one\". Caller not sure who to contact.";
    let start = Instant::now();
    for _ in 0..5_000 {
        std::hint::black_box(told(text, Some("GA")));
    }
    let rate = 5_000.0 * text.len() as f64 / start.elapsed().as_secs_f64() / 1e6;
    let start = Instant::now();
    for i in 0..20_000 {
        std::hint::black_box(shapes::county_at(30.0 + f64::from(i % 100) / 10.0, -120.0 + f64::from(i / 100) / 5.0));
    }
    eprintln!(
        "a place {each:?}, with a slip {slip:?}; narratives {rate:.1} MB/s; a point {:?}",
        start.elapsed() / 20_000
    );
}

fn all_rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.starts_with(['#', '@']) && !line.is_empty())
        .map(|line| line.split('\t').collect())
}

/// "CITY ST ZIP", with a ZIP of the city's county: right or unknown.
#[test]
fn every_place_with_a_zip_of_its_county() {
    let mut zip_of = std::collections::HashMap::new();
    for zip in 0..100_000 {
        let zip = format!("{zip:05}");
        if let Some(county) = gazetteer::GAZETTEER.zip(&zip) {
            zip_of.entry(county.fips).or_insert(zip);
        }
    }
    let (mut state, mut all, mut right) = ("", 0, 0);
    for line in include_str!("../../../data/gazetteer/places.tsv").lines().filter(|line| !line.starts_with('#')) {
        if let Some(code) = line.strip_prefix('@') {
            state = code;
            continue;
        }
        let mut cells = line.split('\t');
        let (Some(name), Some(digits)) = (cells.next(), cells.next()) else { continue };
        let fips = format!("{}{digits}", geography::state(state).expect("state").fips);
        let Some(zip) = zip_of.get(fips.as_str()) else { continue };
        let text = format!("{} {state} {zip}", name.to_uppercase());
        all += 1;
        match county(&text, None) {
            Some(found) if found == fips => right += 1,
            found => assert_eq!(found, None, "{text}"),
        }
    }
    eprintln!("nationwide with ZIP: {right}/{all} right, none wrong");
    assert!(right * 100 >= all * 97);
}

#[test]
fn every_row_by_hand_is_found_in_its_state() {
    for table in [
        include_str!("../../../data/gazetteer/facilities.tsv"),
        include_str!("../../../data/gazetteer/courts.tsv"),
        include_str!("../../../data/gazetteer/neighbourhoods.tsv"),
        include_str!("../../../data/gazetteer/ice_offices.tsv"),
    ] {
        let (mut all, mut right) = (0, 0);
        for row in all_rows(table) {
            let home = geography::county(row[1]).expect("county");
            let found = county(row[0], Some(home.state));
            all += 1;
            right += usize::from(found == Some(home.fips));
        }
        assert!(right * 100 >= all * 93, "{right} of {all}");
    }
}

#[test]
fn shipped_names_are_folded() {
    let mut folded = fold::Folded::default();
    for table in [
        include_str!("../../../data/gazetteer/places.tsv"),
        include_str!("../../../data/gazetteer/county_names.tsv"),
        include_str!("../../../data/gazetteer/neighbourhoods.tsv"),
        include_str!("../../../data/gazetteer/aliases.tsv"),
        include_str!("../../../data/gazetteer/courts.tsv"),
        include_str!("../../../data/gazetteer/facilities.tsv"),
        include_str!("../../../data/gazetteer/ice_offices.tsv"),
        include_str!("../../../data/gazetteer/state_words.tsv"),
        include_str!("../../../data/gazetteer/cues.tsv"),
    ] {
        for row in all_rows(table) {
            folded.read(row[0]);
            assert_eq!(folded.text(), row[0]);
        }
    }
}

#[test]
fn dirty_places() {
    for (text, state, fips) in [
        ("SEATLE", Some("WA"), "53033"),
        ("YAKIMA,W A", None, "53077"),
        ("CHICAGO, , IL", None, "17031"),
        ("FDC SEATAC", None, "53033"),
        ("HILLSBORO, OT", None, "41067"),
        ("Bklyn", None, "36047"),
        ("PORTLAND, OREGON192", None, "41051"),
        ("SEATTLEWA", None, "53033"),
        ("SEATTLE, WASHINGOTN", None, "53033"),
        ("Queens County", Some("NY"), "36081"),
        ("King County, WA", None, "53033"),
        ("Orleans Parish", Some("LA"), "22071"),
        ("Ponce Municipio, PR", None, "72113"),
        ("condado de Cook", Some("IL"), "17031"),
        ("St. Louis city, MO", None, "29510"),
        ("St. Louis County, MO", None, "29189"),
        ("Fairfax County", Some("VA"), "51059"),
        ("Fairfax city", Some("VA"), "51600"),
        ("Baltimore County, MD", None, "24005"),
        ("West Virginia, Alum Bridge", None, "54041"),
        ("Port Washington", Some("NY"), "36059"),
        ("Vancouver Washington", None, "53011"),
        ("CHELAN CO. JAIL", None, "53007"),
        ("Pima jail", Some("AZ"), "04019"),
        ("cárcel de Washoe", Some("NV"), "32031"),
        ("98104-1234", None, "53033"),
        ("Washington, D.C.", None, "11001"),
        ("downtown LA", Some("CA"), "06037"),
        ("Danbury", Some("CT"), "09190"),
        ("Hartford, Connecticut", None, "09110"),
        ("Fairfield County, CT", None, "09001"),
        ("Kansas City", Some("KS"), "20209"),
    ] {
        let state = state.map(|code| geography::state(code).expect("state"));
        let found = resolve(&PlaceQuery { text, state, lat_lon: None });
        assert_eq!(found.county.map(|county| county.fips), Some(fips), "{text} {:?}", found.method);
    }
}

#[test]
fn unknown_rather_than_wrong() {
    for (text, state) in [
        ("Washington", None),
        ("Portland", None),
        ("Vancouver", None),
        ("Vancouver, BC", None),
        ("Vancouver BC", Some("WA")),
        ("Kansas City", None),
        ("Orange County", None),
        ("Springfield", None),
        ("the Valley", Some("TX")),
        ("in my car or at me house", Some("WA")),
        ("a la vuelta", Some("CA")),
        ("New York City", None),
        ("Ciudad Juárez", Some("TX")),
        ("00000", None),
        ("", None),
        ("!!!", Some("NY")),
    ] {
        assert_eq!(county(text, state), None, "{text}");
    }
    for (text, state) in [
        ("they took him in a van or truck, me and my sister saw", None),
        ("Portland. agents took two", None),
        ("Mr. Houston Perry called to ask about his hearing", Some("TX")),
        ("badge no. 60417, case 98104.", None),
        ("anoche se llevaron a mi primo, no sé dónde lo tienen", Some("WA")),
    ] {
        assert_eq!(told(text, state), None, "{text}");
    }
}

#[test]
fn a_point_and_a_text() {
    let ask = |text, state: &str, lat_lon| {
        resolve(&PlaceQuery { text, state: geography::state(state), lat_lon: Some(lat_lon) })
    };
    assert_eq!(ask("", "NV", (36.2021, -115.1177)).method, Some(PlaceMethod::Coordinates));
    assert_eq!(ask("North Las Vegas", "NV", (36.2021, -115.1177)).county.map(|c| c.fips), Some("32003"));
    // A point in another state than text and hint is a slip; one in the sea is none.
    assert_eq!(ask("Reno", "NV", (47.6, -122.33)).county.map(|c| c.fips), Some("32031"));
    assert_eq!(ask("Reno", "NV", (0.0, 0.0)).county.map(|c| c.fips), Some("32031"));
    assert_eq!(told("Lugar: no sé. ubic: 36.2021, -115.1177", Some("NV")), Some("32003"));
}

/// Pseudo-random texts of pieces that matter, cut anywhere: no panic, and spans that are stretches of the text.
#[test]
fn any_text_is_taken() {
    let pieces = [
        "Seattle",
        "WA",
        ", ",
        " ",
        "(",
        "98104",
        "St.",
        "d'",
        "N.Y.",
        "México",
        "日本",
        "ñ",
        "\u{301}",
        "\0",
        "County",
        "jail",
        "de",
        "en",
        "Co.",
        "I-5",
        "\n",
        "LA",
        "New",
        "York",
        "36.2021",
        "-115.1177",
        "&",
        "'",
        "West",
        "Virginia",
        "BC",
        "x",
        "ß",
        "🚗",
        "washingotn",
        "OT",
        "SEATTLEWA",
        "0",
        "#",
    ];
    let mut seed = 7_u64;
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut text = String::new();
    for _ in 0..30_000 {
        text.clear();
        for _ in 0..next(12) {
            text.push_str(pieces[next(pieces.len())]);
            if next(2) == 0 {
                text.push(' ');
            }
        }
        let state = geography::states().get(next(70));
        for found in
            [resolve(&PlaceQuery { text: &text, state, lat_lon: None }), find_in_text(&text, state).unwrap_or_default()]
        {
            if let Some((start, end)) = found.span {
                assert!(start < end && text.get(start..end).is_some(), "{text:?} {start} {end}");
            }
            if let (Some(county), Some(state)) = (found.county, found.state) {
                assert_eq!(county.state, state.code);
            }
        }
    }
    resolve(&PlaceQuery { text: &"Seattle ".repeat(100_000), state: None, lat_lon: Some((f64::INFINITY, f64::NAN)) });
}

/// Invented notes: nearly all right, and next to none wrong.
#[test]
fn own_notes() {
    let (mut all, mut right, mut wrong) = (0, 0, 0);
    for row in all_rows(include_str!("texts.tsv")) {
        let wanted = Some(row[1]).filter(|fips| *fips != "-");
        let found = told(row[2], Some(row[0]));
        all += 1;
        right += usize::from(found == wanted);
        wrong += usize::from(found.is_some() && found != wanted);
    }
    eprintln!("own notes: {right}/{all} right, {wrong} wrong");
    assert!(right * 100 >= all * 95 && wrong * 100 <= all * 2);
}
