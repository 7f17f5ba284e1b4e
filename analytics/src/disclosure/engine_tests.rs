//! The engine against reference results, against brute force, and against the audit on random tables.

use proptest::prelude::*;

use super::audit::{Bounds, Printed, Puzzle};
use super::protect::protect;
use super::system::{Cell, Marks, Shown, System};
use super::table_error::TableError;
use super::tidy;

const K: i64 = 5;

/// A table of up to three keys, every total of it, as rows of keys and values. The inner cells come first key fastest.
fn with_totals(shape: &[usize], inner: &[i64]) -> Vec<(Vec<String>, i64)> {
    let wide: Vec<usize> = shape.iter().map(|d| d + 1).collect();
    let digits = |mut i: usize, shape: &[usize]| -> Vec<usize> {
        let digit = |d: &usize| {
            let digit = i % d;
            i /= d;
            digit
        };
        shape.iter().map(digit).collect()
    };
    let rows = (0..wide.iter().product()).map(|row| {
        let keys = digits(row, &wide);
        let counts = |cell: &usize| digits(*cell, shape).iter().zip(&keys).all(|(at, key)| *key == 0 || key - 1 == *at);
        let value = (0..inner.len()).filter(counts).map(|cell| inner[cell]).sum();
        let name = |key: &usize| if *key == 0 { "all".to_owned() } else { format!("c{key}") };
        (keys.iter().map(name).collect(), value)
    });
    rows.collect()
}

fn names(keys: usize) -> Vec<String> {
    ["a", "b", "c"][..keys].iter().map(|name| (*name).to_owned()).collect()
}

fn csv(rows: &[(Vec<String>, i64)]) -> String {
    let keys = rows[0].0.len();
    let lines = rows.iter().map(|(keys, value)| format!("{},{value}\n", keys.join(",")));
    format!("{},n\n{}", names(keys).join(","), lines.collect::<String>())
}

/// The reference's tables have their totals printed and marks that tell nothing: hidden is 1 or more. Source:
/// shared/golden/05_sdc/golden_sdc_audit.json of this project (linear programs by HiGHS). The first key varies slowest.
struct Golden {
    shape: &'static [usize],
    values: &'static [i64],
    hidden: &'static [usize],
    intervals: &'static [(i64, i64)],
}

const TABLE_2D: &[i64] = &[20, 3, 12, 0, 45, 8, 15, 2, 30, 7, 31, 9, 14, 6, 22, 4, 18, 25, 11, 16];
const TABLE_3D: &[i64] = &[
    2, 17, 15, 10, 16, 11, 18, 20, 14, 16, 15, 8, 20, 9, 12, 20, 12, 21, 9, 3, 16, 11, 15, 18, 13, 11, 12, 15, 17, 19,
    16, 14, 11, 10, 18, 14,
];

const GOLDEN: &[Golden] = &[
    Golden { shape: &[4, 5], values: TABLE_2D, hidden: &[1, 7, 15], intervals: &[(3, 3), (2, 2), (4, 4)] },
    Golden {
        shape: &[4, 5],
        values: TABLE_2D,
        hidden: &[1, 2, 5, 7, 15, 16],
        intervals: &[(2, 10), (5, 13), (1, 9), (1, 9), (3, 11), (11, 19)],
    },
    Golden {
        shape: &[4, 5],
        values: TABLE_2D,
        hidden: &[1, 2, 5, 6, 7, 15, 17],
        intervals: &[(1, 14), (1, 14), (1, 11), (4, 17), (1, 20), (1, 11), (18, 28)],
    },
    Golden {
        shape: &[4, 4],
        values: &[2, 10, 10, 10, 10, 3, 10, 10, 10, 10, 12, 10, 10, 10, 10, 9],
        hidden: &[0, 1, 4, 5],
        intervals: &[(1, 11), (1, 11), (1, 11), (2, 12)],
    },
    Golden {
        shape: &[3, 4, 3],
        values: TABLE_3D,
        hidden: &[0, 1, 3, 4, 19, 20, 22, 23],
        intervals: &[(2, 2), (17, 17), (10, 10), (16, 16), (3, 3), (16, 16), (15, 15), (18, 18)],
    },
    Golden {
        shape: &[3, 4, 3],
        values: TABLE_3D,
        hidden: &[0, 1, 3, 4, 12, 13, 15, 16, 19, 20, 22, 23, 31, 32, 34, 35],
        intervals: &[
            (1, 11),
            (8, 18),
            (1, 11),
            (15, 25),
            (11, 21),
            (8, 18),
            (19, 29),
            (3, 13),
            (1, 16),
            (3, 18),
            (2, 17),
            (16, 31),
            (1, 16),
            (9, 24),
            (16, 31),
            (1, 16),
        ],
    },
];

/// Lines of a table: for each key each set of cells that differ in it alone.
fn lines(shape: &[usize]) -> Vec<Vec<usize>> {
    let cells: usize = shape.iter().product();
    let mut all = Vec::new();
    for key in 0..shape.len() {
        let step: usize = shape[key + 1..].iter().product();
        for first in (0..cells).filter(|cell| (cell / step).is_multiple_of(shape[key])) {
            all.push((0..shape[key]).map(|i| first + i * step).collect());
        }
    }
    all
}

fn golden_puzzle(golden: &Golden) -> Puzzle {
    let mut puzzle = Puzzle::default();
    for (cell, value) in golden.values.iter().enumerate() {
        let hidden = golden.hidden.contains(&cell);
        let (low, high) = if hidden { (1, None) } else { (*value, Some(*value)) };
        puzzle.cells.push(Bounds { low, high });
        if hidden && (1..K).contains(value) {
            puzzle.small.push((cell, K));
        }
    }
    for line in lines(golden.shape) {
        let total = line.iter().map(|cell| golden.values[*cell]).sum();
        puzzle.cells.push(Bounds { low: total, high: Some(total) });
        puzzle.sums.push((puzzle.cells.len() - 1, line));
    }
    puzzle
}

#[test]
fn the_audit_gives_the_intervals_of_the_reference() {
    for golden in GOLDEN {
        let found = golden_puzzle(golden).solve(true).expect("fits");
        let found: Vec<_> = found.iter().map(|f| (f.cell, (f.bounds.low, f.bounds.high.expect("ends")))).collect();
        let wanted: Vec<_> = golden.hidden.iter().copied().zip(golden.intervals.iter().copied()).collect();
        assert_eq!(found, wanted, "{:?}", golden.shape);
    }
}

/// `release_single`, `release_joint_ytd`: a January alone, then with February and the published sum of both.
#[test]
fn an_earlier_release_is_joined_by_equations() {
    let (january, february) = ([3, 20, 15, 30], [9, 14, 12, 18]);
    let mut puzzle = Puzzle { cells: vec![Bounds { low: 1, high: None }; 4], ..Puzzle::default() };
    let mut printed = |value: i64| {
        puzzle.cells.push(Bounds { low: value, high: Some(value) });
        puzzle.cells.len() - 1
    };
    let lines = [[0, 1], [2, 3], [0, 2], [1, 3]];
    let totals: Vec<usize> = lines.iter().map(|line| printed(line.iter().map(|c| january[*c]).sum())).collect();
    let (of_february, year_to_date) = (printed(february[0]), printed(january[0] + february[0]));
    puzzle.sums = totals.into_iter().zip(lines).map(|(total, line)| (total, line.to_vec())).collect();
    let bounds = |puzzle: &Puzzle| -> Vec<_> {
        let found = puzzle.solve(true).expect("fits");
        found.iter().map(|f| (f.bounds.low, f.bounds.high.expect("ends"))).collect()
    };
    assert_eq!(bounds(&puzzle), [(1, 17), (6, 22), (1, 17), (28, 44)]);
    puzzle.sums.push((year_to_date, vec![0, of_february]));
    assert_eq!(bounds(&puzzle), [(3, 3), (20, 20), (15, 15), (30, 30)]);
}

fn golden_system(golden: &Golden) -> System {
    let mut system = System { marks: Marks::Untold, ..System::default() };
    for value in golden.values {
        system.add(Cell::printed(*value, K));
    }
    for line in lines(golden.shape) {
        let total = system.add(Cell::fixed(line.iter().map(|cell| golden.values[*cell]).sum()));
        system.add_sum(total, line);
    }
    system
}

/// `2d_optimal_range_lo1`: four further cells are the fewest, and the smallest such four come to 60.
#[test]
fn the_protector_finds_the_optimum_of_the_reference() {
    let system = golden_system(&GOLDEN[2]);
    let found = protect(&system);
    assert!(found.unprotected.is_empty());
    let further = |cell: &usize| found.shown[*cell] == Shown::Marked && !system.cells[*cell].is_small();
    let further: Vec<usize> = (0..TABLE_2D.len()).filter(further).collect();
    assert_eq!((further.len(), further.iter().map(|cell| TABLE_2D[*cell]).sum::<i64>()), (4, 60), "{further:?}");
}

#[test]
fn a_reference_table_of_three_keys_is_protected() {
    let system = golden_system(&GOLDEN[5]);
    let found = protect(&system);
    assert!(found.unprotected.is_empty());
    let hidden: Vec<usize> = (0..TABLE_3D.len()).filter(|cell| found.shown[*cell] == Shown::Marked).collect();
    // The reference's own pattern, two cubes, hides 16.
    assert!(hidden.len() <= 16, "{hidden:?}");
    let hidden: &'static [usize] = Vec::leak(hidden);
    let findings = golden_puzzle(&Golden { shape: &[3, 4, 3], values: TABLE_3D, hidden, intervals: &[] });
    assert!(findings.solve(true).expect("fits").iter().all(|f| !f.too_tight));
}

/// The puzzle that a reader of a table with marks has.
fn marked_puzzle(system: &System, shown: &[Shown]) -> Puzzle {
    let mut puzzle = Puzzle::default();
    for (cell, shown) in shown.iter().enumerate() {
        let range = system.range(cell, *shown);
        puzzle.cells.push(Bounds { low: range.low, high: range.high });
        if *shown == Shown::Marked && system.cells[cell].is_small() {
            puzzle.small.push((cell, system.cells[cell].k));
        }
    }
    puzzle.sums = system.equations.iter().map(|e| (e.total, e.parts.clone())).collect();
    puzzle
}

fn holds(system: &System, shown: &[Shown]) -> bool {
    marked_puzzle(system, shown).solve(false).expect("fits").iter().all(|f| !f.too_tight)
}

fn system_of(rows: &[(Vec<String>, i64)]) -> System {
    let grid = super::grid::Grid::new(
        &["a", "b", "c"][..rows[0].0.len()],
        rows.iter().map(|(keys, _)| keys.iter().map(String::as_str)),
    );
    let mut system = System::default();
    for (_, value) in rows {
        system.add(Cell::printed(*value, K));
    }
    for sum in grid.sums() {
        system.add_sum(sum.total, sum.parts);
    }
    system
}

/// The fewest cells that can be hidden beside the primary ones, if fewer than `than`.
fn fewest(system: &System, than: usize) -> usize {
    let primary: Vec<_> =
        system.cells.iter().map(|c| if c.is_primary() { Shown::Marked } else { Shown::Number }).collect();
    let free: Vec<usize> = (0..system.cells.len())
        .filter(|cell| primary[*cell] == Shown::Number && system.cells[*cell].value > 0)
        .collect();
    fn some(system: &System, shown: &mut Vec<Shown>, free: &[usize], more: usize) -> bool {
        if more == 0 {
            return holds(system, shown);
        }
        (0..free.len()).any(|i| {
            shown[free[i]] = Shown::Marked;
            let found = some(system, shown, &free[i + 1..], more - 1);
            shown[free[i]] = Shown::Number;
            found
        })
    }
    (0..than).find(|more| some(system, &mut primary.clone(), &free, *more)).unwrap_or(than)
}

/// Small tables with every total, of numbers that come again and again.
fn small_tables() -> Vec<Vec<(Vec<String>, i64)>> {
    let mut state = 7u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut tables = Vec::new();
    for shape in [&[3, 3][..], &[4, 2], &[2, 2, 2], &[6]].iter().cycle().take(60) {
        let cells = shape.iter().product();
        let inner: Vec<i64> =
            (0..cells).map(|_| if draw(4) == 0 { draw(5) as i64 } else { 3 + draw(25) as i64 }).collect();
        tables.push(with_totals(shape, &inner));
    }
    tables
}

#[test]
fn few_cells_more_than_by_brute_force_are_hidden() {
    let (mut hidden, mut optimal, mut tables) = (0, 0, 0);
    for rows in small_tables() {
        let system = system_of(&rows);
        let found = protect(&system);
        let more = |cell: &usize| found.shown[*cell] == Shown::Marked && !system.cells[*cell].is_primary();
        let further = (0..system.cells.len()).filter(more).count();
        if !found.unprotected.is_empty() || !(1..=4).contains(&further) {
            continue;
        }
        assert!(holds(&system, &found.shown));
        let primary = system.cells.iter().filter(|c| c.is_primary()).count();
        hidden += primary + further;
        optimal += primary + fewest(&system, further);
        tables += 1;
    }
    println!("{tables} tables: {hidden} cells hidden, {optimal} by brute force");
    assert!(tables >= 30, "{tables}");
    assert!(hidden * 10 <= optimal * 11, "{hidden} hidden, {optimal} are enough");
}

fn any_table() -> impl Strategy<Value = Vec<(Vec<String>, i64)>> {
    let shape = prop::collection::vec(2usize..6, 1..4);
    let count = prop_oneof![2 => 0i64..5, 3 => 0i64..12, 2 => 5i64..60, 1 => 50i64..3000];
    shape.prop_flat_map(move |shape| {
        let cells: usize = shape.iter().product();
        prop::collection::vec(count.clone(), cells).prop_map(move |inner| with_totals(&shape, &inner))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_hidden_cell_of_any_table_is_tighter_than_the_rule(rows in any_table()) {
        let keys = names(rows[0].0.len());
        let protected = tidy::protect(csv(&rows).as_bytes(), &keys, "n", K).expect("adds up");
        prop_assert!(protected.unprotected.is_empty());
        let printed = Printed::read(&protected.csv, &keys, "n", K).expect("reads");
        let findings = printed.audit().expect("audits");
        prop_assert!(findings.iter().all(|f| !f.too_tight));
        // And what is true always lies within the bounds.
        let text = String::from_utf8(protected.csv).expect("utf-8");
        for finding in findings {
            let line = text.lines().nth(finding.cell + 1).expect("a row");
            let row = rows.iter().find(|(keys, _)| line.starts_with(&format!("{},", keys.join(",")))).expect("a row");
            prop_assert!(finding.bounds.low <= row.1 && finding.bounds.high.is_none_or(|high| row.1 <= high));
        }
    }
}

#[test]
fn a_number_put_back_by_hand_is_found() {
    let rows = with_totals(&[4, 5], TABLE_2D);
    let keys = names(2);
    let protected = tidy::protect(csv(&rows).as_bytes(), &keys, "n", K).expect("adds up");
    let text = String::from_utf8(protected.csv).expect("utf-8");
    let withheld = text.lines().position(|line| line.contains("withheld")).expect("one");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let number = rows[withheld - 1].1.to_string();
    lines[withheld] = lines[withheld].replace("withheld,complementary", &format!("{number},"));
    let printed = Printed::read((lines.join("\n") + "\n").as_bytes(), &keys, "n", K).expect("reads");
    assert!(printed.audit().expect("audits").iter().any(|f| f.too_tight));
}

#[test]
fn errors_name_row_and_column_and_no_number() {
    let keys = names(2);
    let protect = |text: &str| tidy::protect(text.as_bytes(), &keys, "n", K).map(|p| p.cells);
    let wrong = protect("a,b,n\nall,x,77123\np,x,40\nq,x,60\n").expect_err("does not add up");
    assert_eq!(wrong.to_string(), "row 1 (a=all, b=x), column n: it is not the sum of its parts along a");
    assert!(matches!(protect("a,b,n\np,x,4\n"), Err(TableError::NoTotals(_))));
    assert!(matches!(protect("a,n\np,4\n"), Err(TableError::NoColumn(name)) if name == "b"));
    let wrong = protect("a,b,n\nall,x,4\np,x,some 77123\n").expect_err("no number").to_string();
    assert!(wrong.starts_with("row 2 (a=p, b=x), column n") && !wrong.contains("77123"), "{wrong}");
    assert!(matches!(protect("a,b,n\nall,x,4\nall,x,4\n"), Err(TableError::Repeated { row: 2, .. })));
    let audit = |text: &str| Printed::read(text.as_bytes(), &keys, "n", K).and_then(|p| p.audit()).map(|f| f.len());
    let wrong = audit("a,b,n\nall,x,9\np,x,<5\nq,x,10\n").expect_err("cannot add up").to_string();
    assert_eq!(wrong, "row 1 (a=all, b=x), column n: it is not the sum of its parts along a");
    assert!(matches!(audit("a,b,n\np,x,<5\n"), Err(TableError::NoTotals(_))));
}

#[test]
fn counties_add_up_within_their_state_alone() {
    let text = "month,state,county,n\n1,all,all,90\n1,NY,all,60\n1,NY,36061,58\n1,NY,unknown,2\n1,WA,all,30\n1,WA,53033,\
                27\n1,WA,unknown,3\n";
    let keys: Vec<String> = ["month", "state", "county"].map(String::from).to_vec();
    let protected = tidy::protect(text.as_bytes(), &keys, "n", K).expect("adds up");
    assert_eq!((protected.primary, protected.complementary, protected.left_out.len()), (2, 2, 0));
    let printed = Printed::read(&protected.csv, &keys, "n", K).expect("reads");
    assert!(printed.audit().expect("audits").iter().all(|f| !f.too_tight));
}

/// Two parts of 1 or more make 2 or more: a total of 2 to 4 that has them cannot be marked `<5`.
#[test]
fn what_no_marks_can_hide_is_rolled_up() {
    let keys = names(1);
    let protected = tidy::protect(b"a,n\nall,3\np,1\nq,2\nr,0\n", &keys, "n", K).expect("adds up");
    assert_eq!(String::from_utf8(protected.csv).expect("utf-8"), "a,n,n_flag\nall,<5,primary\n");
    assert_eq!(protected.left_out, ["a=p", "a=q", "a=r"]);
}

#[test]
fn the_same_table_gives_the_same_bytes() {
    let rows = with_totals(&[4, 5], TABLE_2D);
    let protect = || tidy::protect(csv(&rows).as_bytes(), &names(2), "n", K).expect("adds up");
    assert_eq!(protect(), protect());
}

mod briefs {
    use std::borrow::Cow;

    use super::super::{Cell, ProtectedTable, Scope, protect_all};
    use crate::results::{KeyColumn, MeasureColumn, Row, Table, Unit, Value};

    fn table(
        name: &'static str,
        keys: &[&'static str],
        measures: &[&'static str],
        rows: &[(&[&'static str], &[i64])],
    ) -> Table {
        let key = |name: &&'static str| KeyColumn { name: (*name).into(), description: "".into() };
        let measure = |name: &&'static str| MeasureColumn {
            name: (*name).into(),
            description: "".into(),
            unit: Unit::Reports,
            may_be_withheld: true,
        };
        let row = |(keys, values): &(&[&'static str], &[i64])| Row {
            keys: keys.iter().map(|k| Cow::Borrowed(*k)).collect(),
            values: values.iter().map(|n| Value::Count(*n)).collect(),
        };
        Table {
            name,
            description: name.into(),
            keys: keys.iter().map(key).collect(),
            measures: measures.iter().map(measure).collect(),
            rows: rows.iter().map(row).collect(),
        }
    }

    /// Counties with their states and everywhere.
    fn counties(of: &[(&'static str, &'static str, i64, i64)]) -> Table {
        let mut rows: Vec<(Vec<&'static str>, Vec<i64>)> = Vec::new();
        let mut add = |keys: Vec<&'static str>, n: i64, arrests: i64| {
            match rows.iter_mut().find(|(k, _)| *k == keys) {
                Some((_, values)) => *values = vec![values[0] + n, values[1] + arrests],
                None => rows.push((keys, vec![n, arrests])),
            };
        };
        for (state, county, n, arrests) in of {
            for (state, county) in [("all", "all"), (*state, "all"), (*state, *county)] {
                add(vec!["2026-09", state, county, county], *n, *arrests);
            }
        }
        let rows: Vec<(&[_], &[_])> = rows.iter().map(|(k, v)| (&k[..], &v[..])).collect();
        table("county_month", &["month", "state", "county_fips", "county"], &["reports", "arrests"], &rows)
    }

    fn kinds(arrests: i64, sightings: i64) -> Table {
        let row = |kind, n| (vec!["2026-09", kind], vec![n, 0]);
        let rows =
            [row("all", arrests + sightings), row("arrest", arrests), row("sighting", sightings), row("unknown", 3)];
        let rows: Vec<(&[_], &[_])> = rows.iter().map(|(k, v)| (&k[..], &v[..])).collect();
        table("reports_month", &["month", "event_kind"], &["reports", "persons_arrested_min"], &rows)
    }

    fn cell(table: &ProtectedTable, keys: &[&str], measure: usize) -> Option<Cell> {
        let row = table.rows().iter().find(|row| keys.iter().all(|key| row.keys.iter().any(|k| k == key)));
        row.map(|row| row.cells[measure])
    }

    #[test]
    fn a_number_that_stands_in_two_tables_is_hidden_in_both_or_in_none() {
        // The one county's 4 is everywhere's number of arrests: as that prints, nothing finer of arrests may.
        let tables =
            [kinds(24, 16), counties(&[("NY", "36061", 20, 20), ("NY", "36047", 12, 3), ("WA", "53033", 8, 1)])];
        let found = protect_all(&tables, Scope::Everywhere);
        assert!(found.withheld.is_empty() && found.unprotected.is_empty());
        let [kinds, counties] = &found.tables[..] else { panic!("two tables") };
        assert_eq!(cell(kinds, &["arrest"], 0), cell(counties, &["2026-09", "all"], 1));
        assert_eq!(cell(counties, &["36047"], 1), Some(Cell::Primary { k: 5 }));
        assert_eq!(cell(counties, &["53033"], 1), Some(Cell::Primary { k: 5 }));
        assert_eq!(cell(counties, &["53033"], 0), Some(Cell::Number(8)));
    }

    #[test]
    fn a_small_number_without_a_place_is_printed_and_nothing_finer() {
        let tables = [kinds(4, 0), counties(&[("NY", "36061", 3, 3), ("WA", "53033", 1, 1)])];
        let found = protect_all(&tables, Scope::Everywhere);
        assert_eq!(cell(&found.tables[0], &["arrest"], 0), Some(Cell::Number(4)));
        assert_eq!(found.tables[1].rows().len(), 1, "everywhere alone");
        let found = protect_all(&tables, Scope::OneState);
        assert_eq!(cell(&found.tables[0], &["arrest"], 0), Some(Cell::Primary { k: 5 }));
    }

    #[test]
    fn a_lone_small_county_takes_another_cell_with_it() {
        let found = protect_all(
            &[counties(&[("NY", "36061", 20, 0), ("NY", "36047", 9, 0), ("NY", "36005", 2, 0)])],
            Scope::Everywhere,
        );
        let table = &found.tables[0];
        assert_eq!(cell(table, &["36005"], 0), Some(Cell::Primary { k: 5 }));
        assert_eq!(cell(table, &["36047"], 0), Some(Cell::Complementary), "the next smallest");
        assert_eq!(cell(table, &["36061"], 0), Some(Cell::Number(20)));
        assert_eq!(cell(table, &["36005"], 1), Some(Cell::Number(0)), "a zero is a zero");
    }
}
