//! `disclosure protect` and `audit`: exit codes, marks, and what a number put back by hand does.

use crate::common::Home;

const TABLE: &str = "month,state,county_fips,name,n
2026-09,all,all,everywhere,61
2026-09,NY,all,New York,44
2026-09,NY,36005,Bronx,3
2026-09,NY,36047,Kings,12
2026-09,NY,36061,New York,29
2026-09,WA,all,Washington,17
2026-09,WA,53033,King,17
2026-09,WA,53061,Snohomish,0
";
const KEYS: [&str; 6] = ["--keys", "month,state,county_fips", "--value", "n", "--k", "5"];

fn disclosure(home: &Home, command: &str, file: &str, more: &[&str]) -> crate::common::Ran {
    home.run(&[&["disclosure", command, file][..], &KEYS, more].concat())
}

#[test]
fn a_protected_table_passes_the_audit_and_a_number_put_back_does_not() {
    let home = Home::bare();
    let (table, out) = (home.write("table.csv", TABLE), home.path("out.csv"));
    disclosure(&home, "protect", &table, &["--out", &out]).exits(0).says(&["8 cells", "1 primary", "1 complementary"]);
    let protected = std::fs::read_to_string(&out).expect("written");
    assert!(protected.contains("\n2026-09,NY,36005,Bronx,<5,primary\n"), "{protected}");
    assert!(protected.contains("\n2026-09,NY,36047,Kings,withheld,complementary\n"), "{protected}");
    assert!(protected.contains("\n2026-09,WA,53061,Snohomish,0,\n"), "{protected}");

    let audited = disclosure(&home, "audit", &out, &[]).exits(0).stdout;
    assert!(audited.contains("month=2026-09, state=NY, county_fips=36005 (<5): 1 to 4\n"), "{audited}");
    let found = disclosure(&home, "audit", &out, &["--json"]).exits(0).json();
    assert_eq!((found["hidden"].as_u64(), found["too_tight"].as_u64()), (Some(2), Some(0)));

    let by_hand = home.write("by_hand.csv", protected.replace("withheld,complementary", "12,"));
    let told = "TOO TIGHT month=2026-09, state=NY, county_fips=36005 (<5): 3 to 3";
    let audited = disclosure(&home, "audit", &by_hand, &[]).exits(1).stdout;
    assert!(audited.contains(told), "{audited}");
    assert!(audited.contains("WITHHOLD month=2026-09, state=NY, county_fips=36047"), "the one put back: {audited}");
    // A small number put back is named first, whatever else it gives away.
    for mark in ["<5,primary", "<5,"] {
        let by_hand = home.write("by_hand.csv", protected.replace("<5,primary", &mark.replace("<5", "3")));
        let audited = disclosure(&home, "audit", &by_hand, &[]).exits(1).stdout;
        assert!(audited.starts_with("PRINTED month=2026-09, state=NY, county_fips=36005"), "{audited}");
    }
}

#[test]
fn a_wrong_table_is_refused_by_row_and_column() {
    let home = Home::bare();
    let wrong = home.write("wrong.csv", TABLE.replace("Kings,12", "Kings,13"));
    let told = ["row 2", "state=NY", "column n", "not the sum"];
    disclosure(&home, "protect", &wrong, &[]).exits(1).says(&told).hides("13");
    let no_totals = home.write("none.csv", "month,state,county_fips,n\n2026-09,NY,36005,3\n");
    disclosure(&home, "audit", &no_totals, &[]).exits(1).says(&["no totals"]);
    home.run(&["disclosure", "audit", &no_totals, "--value", "n"]).exits(2);
}
