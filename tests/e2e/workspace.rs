//! The crates depend on each other one way only, as design.md draws it.

use std::collections::BTreeSet;
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
