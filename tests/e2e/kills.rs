//! Kills at any instant: what was acknowledged is stored, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Dice, Home, Sender, Server, StopAtEnd, arrest, counts, kill, receipts, table, worker};

#[test]
fn twenty_kills_of_serve_and_of_work_lose_nothing_and_store_nothing_twice() {
    let home = Home::new();
    let sender = Sender::new(&home.source("hot"));
    let url = Mutex::new(String::new());
    let stop = AtomicBool::new(false);
    let mut dice = Dice(42);
    let acknowledged = std::thread::scope(|scope| {
        let ends = StopAtEnd(&stop);
        let mut threads = Vec::new();
        for thread in 0..6 {
            let (sender, url, stop) = (sender.clone(), &url, &stop);
            threads.push(scope.spawn(move || {
                let mut mine = Vec::new();
                for n in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let now = url.lock().expect("no panic in there").clone();
                    let body = arrest(&format!("{thread}-{n}"), "2026-09-01").to_string();
                    match sender.try_post(&now, body.as_bytes(), &[]) {
                        Some((202, answer)) => mine.extend(receipts(&answer).into_iter().flatten()),
                        // Not acknowledged: it may be stored all the same, and need not be.
                        _ => std::thread::sleep(Duration::from_millis(10)),
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                mine
            }));
        }
        let mut coding = worker(&home);
        for _ in 0..20 {
            let server = Server::start(&home, &["--no-worker"]);
            server.url.clone_into(&mut url.lock().expect("no panic in there"));
            std::thread::sleep(Duration::from_millis(100 + dice.below(300)));
            kill(&mut coding);
            coding = worker(&home);
            std::thread::sleep(Duration::from_millis(dice.below(200)));
            server.kill();
        }
        drop(ends);
        kill(&mut coding);
        threads.into_iter().flat_map(|t| t.join().expect("a sender ends")).collect::<Vec<_>>()
    });
    home.run(&["work", "--drain"]).exits(0);
    let stored: Vec<String> =
        home.history().iter().map(|r| r["report_id"].as_str().expect("an id").to_owned()).collect();
    let distinct: BTreeSet<_> = stored.iter().collect();
    assert!(acknowledged.len() > 200, "there was load: {}", acknowledged.len());
    assert_eq!(stored.len(), distinct.len(), "none is stored twice");
    let lost = acknowledged.iter().filter(|id| !distinct.contains(id)).count();
    assert_eq!(lost, 0, "of {} acknowledged", acknowledged.len());
    let status = home.status();
    assert_eq!(counts(&status, &["coded", "revisions", "waiting"]), [stored.len() as u64, 0, 0]);
}

#[test]
fn a_thousand_reports_add_up_while_the_worker_is_killed() {
    let home = Home::new();
    let sender = Sender::new(&home.source("hot"));
    let server = Server::start(&home, &["--no-worker"]);
    let mut dice = Dice(7);
    let mut coding = worker(&home);
    // By id: the contents that were sent, in order.
    let mut sent: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let (mut coded, mut revisions, mut repeats) = (0u64, 0u64, 0u64);
    for n in 0..1000 {
        let old = format!("r{}", dice.below(n + 1));
        let report = match (dice.below(10), sent.get(&old)) {
            (0, Some(versions)) => versions[dice.below(versions.len() as u64) as usize].clone(),
            (1, Some(_)) => {
                let mut report = arrest(&old, "2026-09-11");
                report["place"] = json!("Spokane, WA");
                report["agents"] = json!(dice.below(30));
                report
            }
            _ => arrest(&format!("r{n}"), &format!("2026-09-{:02}", 1 + dice.below(28))),
        };
        let versions = sent.entry(report["external_id"].as_str().expect("an id").to_owned()).or_default();
        if versions.is_empty() {
            coded += 1;
        } else if versions.contains(&report) {
            repeats += 1;
        } else {
            revisions += 1;
        }
        versions.push(report.clone());
        assert_eq!(sender.post(&server.url, report.to_string(), &[]).0, 202);
        if n % 100 == 99 {
            kill(&mut coding);
            coding = worker(&home);
        }
    }
    kill(&mut coding);
    assert_eq!(server.end().0, Some(0));
    home.run(&["work", "--drain"]).exits(0);
    let status = home.status();
    let keys = ["received", "coded", "revisions", "repeats", "rejected", "waiting"];
    assert_eq!(counts(&status, &keys), [1000, coded, revisions, repeats, 0, 0]);
    assert!(revisions > 20 && repeats > 20);

    let dir = home.brief("2026-09", "brief");
    let n = |row: &crate::common::Row, key: &str| row[key].parse::<u64>().expect("a number");
    let funnel = table(&dir, "funnel_month");
    for row in &funnel {
        let ends: u64 = ["coded", "revisions", "repeats", "rejected", "waiting"].iter().map(|k| n(row, k)).sum();
        let bridge = ["revisions", "repeats", "rejected", "waiting", "events_this_month", "events_earlier", "undated"];
        let bridge: u64 = bridge.iter().map(|k| n(row, k)).sum::<u64>() + n(row, "not_events");
        assert_eq!((n(row, "received"), n(row, "received")), (ends, bridge), "{row:?}");
    }
    let rows = table(&dir, "reports_month");
    let of =
        |kind: &str| rows.iter().find(|r| r["month"] == "2026-09" && r["event_kind"] == kind).map(|r| n(r, "reports"));
    // Every version of every id is of September.
    assert_eq!((of("all"), of("arrest")), (Some(coded), Some(coded)));
}
