//! All figures over made-up tables: full, sparse, of one month, with huge numbers, hidden.

use super::svg::{Anchor, Area, Face};
use super::*;
use crate::sheet::Sheet;
use analytics::results::Period;
use schemas::report::StateCode;

/// How a made-up table is filled: the cell of a month, counted from the first, and of a line.
type Fill = fn(i32, usize) -> String;

const FILLS: [(&str, Fill); 7] = [
    ("full", |month, line| (17 + month * 13 % 41 + 7 * i32::try_from(line).unwrap_or(0)).to_string()),
    ("sparse", |month, line| if (month + i32::try_from(line).unwrap_or(0)) % 7 == 3 { "6".into() } else { "0".into() }),
    ("one month", |month, _| if month == 24 { "9".into() } else { "0".into() }),
    ("huge", |month, line| (987_654_321 + i64::from(month) * 1_000_000 + i64::try_from(line).unwrap_or(0)).to_string()),
    ("withheld", |_, _| "withheld".into()),
    ("few", |month, _| if month % 2 == 0 { "<5".into() } else { "withheld".into() }),
    ("mixed", |month, line| match (month + i32::try_from(line).unwrap_or(0)) % 4 {
        0 => "<5".into(),
        1 => "withheld".into(),
        2 => "0".into(),
        _ => "14".into(),
    }),
];

const TACTICS: [&str; 8] = [
    "entry_nonsense",
    "warrantless_entry",
    "masked",
    "ruse_police",
    "plainclothes",
    "companion_or_witness_arrest",
    "dismissal_then_arrest",
    "force_vehicle",
];

fn sheets(last: Month, fill: Fill) -> Sheets {
    let mut sheets = Sheets::default();
    let mut put = |name: &str, text: String| sheets.insert(name, Sheet::parse(text.as_bytes()).expect("reads"));
    let months = || (0..25).map(|i| (i, last.plus(i - 24)));
    let table = |key: &str, lines: &[&str]| {
        let mut text = format!("month,{key},reports,reports_flag\n");
        for (i, month) in months() {
            for (n, line) in lines.iter().enumerate() {
                text.push_str(&format!("{month},{line},{},\n", fill(i, n)));
            }
        }
        text
    };
    put("reports_month", table("event_kind", &["all"]));
    put("setting_month", table("setting", &["courthouse", "unknown"]));
    put("tactic_month", table("tactic", &[&TACTICS[..], &["unknown"]].concat()));
    put("county_month", {
        let mut text = String::from("month,state,county_fips,county,reports,reports_flag\n");
        let states = [("WA", "53"), ("NC", "37"), ("AK", "02"), ("RI", "44"), ("DC", "11"), ("GU", "66")];
        for (month_number, month) in months().skip(10) {
            for (code, fips) in states {
                text.push_str(&format!("{month},{code},all,all,{},\n", fill(month_number, 1)));
                let counties = schemas::geography::counties_of(code).iter().filter(|county| county.is_current());
                for (i, county) in counties.enumerate() {
                    assert!(county.fips.starts_with(fips));
                    let cell = fill(month_number, i);
                    text.push_str(&format!("{month},{code},{},\"{}\",{cell},\n", county.fips, county.name));
                }
            }
        }
        text
    });
    let number = fill(24, 0).parse::<i64>().unwrap_or(20);
    let mut sums = String::from("scope,sum,part,n\n");
    for (sum, part, n) in [
        ("received", "received", number * 3),
        ("received", "coded", number * 2),
        ("received", "revisions", 0),
        ("received", "repeats", number - 1),
        ("received", "rejected", 1),
        ("received", "waiting", 0),
        ("coded", "event", number),
        ("coded", "undated", number - 2),
        ("coded", "non_event", 1),
        ("coded", "not_enforcement", 1),
        ("coded", "duplicate", 0),
        ("coded", "withdrawn", 0),
        ("bridge", "events_this_month", number - 1),
        ("bridge", "events_earlier", 1),
    ] {
        for scope in ["period", "all"] {
            sums.push_str(&format!("{scope},{sum},{part},{n}\n"));
        }
    }
    put("sums", sums);
    sheets
}

fn header(period: &str, language: Language, state: bool, preview: bool) -> Header {
    let period = Period::parse(period).expect("a period");
    let as_of = schemas::clock::parse_rfc3339("2026-10-19T08:00:00Z").expect("an instant");
    Header::new(period, as_of, "a".repeat(64), preview, None)
        .of(language, state.then(|| StateCode::parse("NC").expect("a state")))
        .late(true, Some(period.last))
}

/// The value of an attribute in a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split_once('"').map(|(value, _)| value)
}

/// What every text of a document takes up, with the text.
fn texts(svg: &str) -> Vec<(Area, String)> {
    let of = |piece: &str| {
        let (tag, rest) = piece.split_once('>').expect("a tag ends");
        let tag = format!(" {tag}");
        let number = |name| attribute(&tag, name).and_then(|n| n.parse::<f64>().ok()).expect("a number");
        let anchor = match attribute(&tag, "text-anchor") {
            None => Anchor::Start,
            Some("middle") => Anchor::Middle,
            _ => Anchor::End,
        };
        let face = match attribute(&tag, "class").expect("a class") {
            "h" => Face::Title,
            "b" => Face::Strong,
            "o" => Face::OnMap,
            "p" | "n" => Face::Plain,
            other => panic!("{other}"),
        };
        let text = rest.split_once("</text>").expect("a text ends").0.replace("&lt;", "<").replace("&amp;", "&");
        (Area::of_text(number("x"), number("y"), anchor, face, &text), text)
    };
    svg.split("<text ").skip(1).map(of).collect()
}

/// Every figure of every made-up brief, with what it is of.
fn every() -> Vec<(String, Figure)> {
    let mut all_of_them = Vec::new();
    for period in ["2026-09", "2026-01", "2025-12", "2026-Q1", "2025"] {
        for language in Language::ALL {
            for (name, fill) in FILLS {
                let header = header(period, language, name == "mixed", name == "sparse");
                let last = header.parsed_period().expect("a period").last;
                for figure in all(&header, &sheets(last, fill)) {
                    all_of_them.push((format!("{} of {period} in {language}, {name}", figure.name), figure));
                }
            }
        }
    }
    all_of_them
}

#[test]
fn no_text_of_figures_overlaps_another_or_is_cut_off_or_small() {
    let every = every();
    assert!(every.len() > 200, "{}", every.len());
    for (of, figure) in every {
        let view = attribute(&figure.svg, "viewBox").expect("a view box");
        let size: Vec<f64> = view.split(' ').map(|n| n.parse().expect("a number")).collect();
        let paper = Area { x: 0.0, y: 0.0, width: size[2], height: size[3] };
        let texts = texts(&figure.svg);
        assert!(texts.len() > 3, "{of}");
        for (i, (area, text)) in texts.iter().enumerate() {
            assert!(area.is_within(paper), "{of}: {text:?} is cut off: {area:?}");
            for (other, other_text) in &texts[..i] {
                assert!(!area.overlaps(*other), "{of}: {text:?} lies on {other_text:?}");
            }
        }
        let sizes: Vec<f64> = ["font:", "font-size:", "font-size=\""]
            .into_iter()
            .flat_map(|key| figure.svg.split(key).skip(1))
            .map(|rest| rest.split_once("px").and_then(|(n, _)| n.parse().ok()).expect("a size in pixels"))
            .collect();
        assert!(sizes.len() >= 2 && sizes.iter().all(|size| size * 360.0 / paper.width >= 9.0), "{of}: {sizes:?}");
    }
}

#[test]
fn figures_are_documents_that_can_stand_beside_each_other() {
    for (of, figure) in every() {
        let svg = &figure.svg;
        for part in ["role=\"img\"", "<title id=\"", "<desc id=\"", "prefers-color-scheme:dark"] {
            assert!(svg.contains(part), "{of}: {part}");
        }
        assert!(!figure.alt.is_empty() && !figure.alt.contains("–"), "{of}: {}", figure.alt);
        for id in svg.split(" id=\"").skip(1).chain(svg.split("url(#").skip(1)) {
            assert!(id.starts_with(&format!("{}-", figure.name)), "{of}: {}", &id[..20]);
        }
        let style = svg.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("a style").0;
        for rule in style.split(['}', '{', ',']).filter(|piece| piece.starts_with('.') || piece.starts_with('#')) {
            assert!(rule.starts_with(&format!(".figure-{}", figure.name)), "{of}: {rule}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{of}");
    }
}

#[test]
fn a_hidden_number_has_no_length() {
    let month = "2026-09";
    let header = header(month, Language::En, true, false);
    let last = Month::parse(month).expect("a month");
    for figure in all(&header, &sheets(last, |_, _| "withheld".into())) {
        let bars = figure.svg.matches("<rect class=\"m\"").count() + figure.svg.matches("<rect class=\"l\"").count();
        match figure.name {
            "funnel" => assert!(bars > 0),
            "map" => assert!(!figure.svg.contains("class=\"k") && figure.svg.contains("class=\"wg\" d=")),
            // The swatch of the legend alone.
            name => assert!(bars <= 1, "{name}"),
        }
        assert!(
            matches!(figure.name, "funnel" | "map") || figure.svg.matches("class=\"w\"").count() >= 25,
            "{}",
            figure.name
        );
    }
}

#[test]
fn a_map_of_all_counties_is_small_enough_and_shows_silence_apart() {
    let header = header("2026-09", Language::En, false, false);
    let mut text = String::from("month,state,county_fips,county,reports,reports_flag\n");
    for (county, i) in schemas::geography::counties().iter().filter(|county| county.is_current()).zip(0..) {
        let cell = [String::from("<5"), String::from("withheld"), (5 + i % 400).to_string()][i % 3].clone();
        text.push_str(&format!("2026-09,{},{},\"{}\",{cell},\n", county.state, county.fips, county.name));
    }
    let mut sheets = sheets(Month::parse("2026-09").expect("a month"), |_, _| "7".into());
    sheets.insert("county_month", Sheet::parse(text.as_bytes()).expect("reads"));
    let all = all(&header, &sheets);
    let map = all.iter().find(|figure| figure.name == "map").expect("a map");
    assert!(map.svg.len() < 1_000_000, "{}", map.svg.len());
    for class in ["k0", "k2", "k4", "fg", "wg", "g"] {
        assert_eq!(map.svg.matches(&format!("<path class=\"{class}\"")).count(), 1, "{class}");
    }
}
