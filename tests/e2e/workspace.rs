//! The crates depend on each other one way only, as design.md draws it; and documents name what there is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[test]
fn the_workspace_has_no_other_edge_than_the_design_draws() {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--no-deps"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |v: &Value| v["name"].as_str().expect("a name").to_owned();
    let ours: BTreeSet<_> = packages.iter().map(name).collect();
    let mut edges = BTreeSet::new();
    for package in packages {
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let (from, to) = (name(package), name(dependency));
            if ours.contains(&to) {
                edges.insert(format!("{to} <- {from}"));
            }
            assert!(to != "polars" || from == "analytics", "polars stays in analytics, and {from} has it");
            let plain = from != "schemas" || !["tokio", "polars", "rdkafka"].contains(&to.as_str());
            assert!(plain, "schemas has {to}");
        }
    }
    let drawn = [
        "analytics <- reports",
        "analytics <- testigo",
        "ingest <- testigo",
        "reports <- testigo",
        "schemas <- analytics",
        "schemas <- ingest",
        "schemas <- reports",
        "schemas <- testigo",
    ];
    assert_eq!(edges, drawn.map(str::to_owned).into());
}

#[test]
fn each_row_of_the_fault_table_names_tests_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/reliability.md")).expect("reads");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| fault")).collect();
    assert!(rows.len() > 30, "{} rows", rows.len());
    for row in rows {
        let tests = row.trim_end_matches('|').rsplit('|').next().expect("a cell");
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test: {row}");
        for test in named {
            let (module, name) = test.split_once("::").expect("module::name");
            let wanted = format!("fn {name}");
            // The contract's promises are run under the names of the engines.
            let mut files = vec![root.join(format!("tests/e2e/{module}.rs"))];
            let contract = ["embedded", "kafka", "postgres", "work", "queue", "store"];
            files.extend(contract.map(|file| root.join(format!("ingest/tests/contract/{file}.rs"))));
            let there = |file: &PathBuf| std::fs::read_to_string(file).is_ok_and(|text| text.contains(&wanted));
            assert!(files.iter().any(there), "no such test: {test}");
        }
    }
}
