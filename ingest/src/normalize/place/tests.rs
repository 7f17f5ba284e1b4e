use std::time::Instant;

use super::*;

fn county(text: &str, state: Option<&str>) -> Option<&'static str> {
    resolve(&PlaceQuery { text, state: state.map(|code| geography::state(code).expect("state")), lat_lon: None }).county.map(|county| county.fips)
}

fn told(text: &str, state: Option<&str>) -> Option<&'static str> {
    find_in_text(text, state.map(|code| geography::state(code).expect("state"))).and_then(|found| found.county).map(|county| county.fips)
}

/// A file of the shared checks; says out loud when it is absent.
fn shared(path: &str) -> Option<String> {
    let whole = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("shared").join(path)).find(|path| path.exists());
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
    eprintln!("ice-i213: texts {right}/{texts} right, {wrong} wrong; rows {right_rows}/{rows} right, {wrong_rows} wrong");
    assert!(right_rows * 100 >= rows * 97 && right * 100 >= texts * 90);
    assert!(wrong_rows * 100 <= rows && wrong * 100 <= texts);
}

#[test]
fn golden_reports_resolve() {
    let (Some(reports), Some(truths)) = (shared("golden/09_reports/reports.ndjson"), shared("golden/09_reports/reports_truth.ndjson")) else { return };
    let (mut right, mut wrong, mut all) = (0, 0, 0);
    let (mut told_right, mut told_wrong) = (0, 0);
    for (report, truth) in reports.lines().zip(truths.lines()) {
        let report: serde_json::Value = serde_json::from_str(report).expect("report");
        let truth: serde_json::Value = serde_json::from_str(truth).expect("truth");
        assert_eq!(report["external_id"], truth["external_id"]);
        let Some(wanted) = truth["county_fips"].as_str() else { continue };
        let accepted = |fips: &str| fips == wanted || truth["accept"]["county_fips"].as_array().is_some_and(|also| also.iter().any(|other| other == fips));
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
        for text in [format!("{name}, {}", state.code), format!("{name}, {}", state.name_en), format!("{} {}", name.to_uppercase(), state.code), format!("{name}, {}", state.name_es)] {
            all += 1;
            let found = county(&text, None);
            let wanted = county_digits.map(|digits| format!("{}{digits}", state.fips));
            right += usize::from(found == wanted.as_deref());
            if let Some(found) = found {
                let fine = wanted.as_deref() == Some(found) || also.split(' ').any(|digits| found.ends_with(digits) && !digits.is_empty());
                assert!(fine, "{text}: {found}, not {wanted:?}");
            }
        }
    }
    eprintln!("nationwide: {right}/{all} right, none wrong");
    assert!(right * 100 >= all * 97);
}

#[test]
fn speed() {
    let texts = ["SEATTLE, WA", "Yakima,W A", "98104", "Queens County, NY", "CHICAGO, , IL", "Portland, Oregon", "FDC SEATAC", "Bklyn"];
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
    eprintln!("a place {each:?}, with a slip {slip:?}; narratives {rate:.1} MB/s; a point {:?}", start.elapsed() / 20_000);
}
