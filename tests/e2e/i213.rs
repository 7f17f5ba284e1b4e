//! A real, dirty file: ICE's own records of arrests. It is not part of the repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::common::{Home, counts, skipped, table};

const FILE: &str = "../shared/data/ice-i213/i213_seattle_aor_2022_2025_part.csv";

/// Used where the repository has no `examples/i213.toml`.
const MAPPING: &str = r#"
ignore = ["site_code", "apprehension_method", "landmark"]
[columns]
apprehension_date = "occurred"
place_text = "place"
[constants]
event_kind = "arrest"
[format]
date_order = "ymd"
"#;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Arrests by month, as a plain group-by of the file gives them.
fn by_month(file: &Path) -> BTreeMap<String, u64> {
    let mut months = BTreeMap::new();
    let mut reader = csv::Reader::from_path(file).expect("the file opens");
    for row in reader.records() {
        *months.entry(row.expect("a row")[0][..7].to_owned()).or_insert(0) += 1;
    }
    months
}

/// Arrests by month, as a brief's table gives them.
fn published(dir: &Path) -> BTreeMap<String, u64> {
    let rows = table(dir, "reports_month");
    let arrests = rows.iter().filter(|r| r["event_kind"] == "arrest");
    arrests.map(|r| (r["month"].clone(), r["reports"].parse().expect("a number"))).collect()
}

#[test]
fn every_row_of_the_arrest_records_counts_and_can_be_withdrawn() {
    let file = root(FILE);
    if !file.exists() {
        return skipped("shared/data/ice-i213 absent: the import of the arrest records was not tried");
    }
    let mut home = Home::new();
    home.now = Some("2026-01-15T12:00:00Z".into());
    let example = root("examples/i213.toml");
    let mapping =
        if example.exists() { example.to_str().expect("UTF-8").to_owned() } else { home.write("i213.toml", MAPPING) };
    let import = |home: &Home| {
        let file = file.to_str().expect("UTF-8");
        home.json(&["import", "--mapping", &mapping, "--source", "ice-i213", file])
    };
    let first = import(&home);
    assert_eq!(counts(&first, &["rows", "coded", "repeated", "revised", "rejected"]), [7656, 7656, 0, 0, 0]);
    assert_eq!(counts(&import(&home), &["rows", "coded", "repeated", "revised", "rejected"]), [7656, 0, 7656, 0, 0]);

    let plain = by_month(&file);
    let equal = |home: &Home, period: &str, name: &str| {
        let published = published(&home.brief(period, name));
        assert_eq!(published.len(), 25);
        for (month, reports) in &published {
            assert_eq!(*reports, plain.get(month).copied().unwrap_or(0), "{month}");
        }
        assert!(published.values().sum::<u64>() > 0);
    };
    equal(&home, "2025-10", "first");
    equal(&home, "2023-10", "earlier");

    // Data as of are those of the latest row, so what is withdrawn later is seen by saying so.
    home.now = Some("2026-01-16T12:00:00Z".into());
    home.run(&["import", "withdraw", first["batch"].as_str().expect("an id")]).exits(0);
    let out = home.path("withdrawn");
    let as_of = home.now.clone().expect("fixed");
    home.run(&["brief", "--period", "2025-10", "--as-of", &as_of, "--out", &out]).exits(0);
    home.run(&["verify", &out]).exits(0);
    let withdrawn = Path::new(&out);
    assert_eq!(published(withdrawn).values().sum::<u64>(), 0);
    for row in table(withdrawn, "county_month") {
        assert_eq!((row["reports"].as_str(), row["arrests"].as_str()), ("0", "0"), "{row:?}");
    }
    let brief = std::fs::read_to_string(withdrawn.join("brief.md")).expect("published");
    let line = brief.lines().find(|l| l.starts_with("| withdrawn |")).expect("the second sum has its line");
    assert!(line.replace(',', "").contains("7656"), "{line}");
    assert_eq!(counts(&home.status(), &["received", "coded", "repeats"]), [15312, 7656, 7656]);

    home.now = Some("2026-01-17T12:00:00Z".into());
    assert_eq!(counts(&import(&home), &["rows", "rejected"]), [7656, 0]);
    equal(&home, "2025-10", "back");
}
