//! HTTP intake as a hotline's system meets it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{Home, Sender, Server, arrest, counts, receipts, until};

#[test]
fn reports_are_accepted_mixed_or_refused() {
    let home = Home::new();
    let sender = Sender::new(&home.source("hot"));
    let server = Server::start(&home, &[]);

    let (status, one) = sender.post(&server.url, arrest("1", "2026-09-01").to_string(), &[]);
    assert_eq!((status, one["items"][0]["status"].as_str()), (202, Some("accepted")));
    let (status, again) = sender.post(&server.url, arrest("1", "2026-09-01").to_string(), &[]);
    assert_eq!((status, receipts(&again)), (202, receipts(&one)), "the same id has the same receipt");

    let batch =
        json!([arrest("2", "2026-09-01"), {"event_kind": "arrest"}, {"external_id": "3", "event_kind": "riot"}]);
    let (status, mixed) = sender.post(&server.url, batch.to_string(), &[]);
    assert_eq!(status, 207);
    assert_eq!(mixed["items"][1]["error"]["code"], json!("missing_external_id"));
    assert_eq!(mixed["items"][2]["error"]["code"], json!("bad_code"));
    assert_eq!(mixed["items"][2]["error"]["field"], json!("event_kind"));
    assert!(!mixed.to_string().contains("riot"), "a refusal does not repeat the value");
    let (status, none) = sender.post(&server.url, r#"{"external_id":"4","kind":"arrest"}"#, &[]);
    assert_eq!((status, &none["items"][0]["error"]["code"]), (422, &json!("unknown_field")));

    let nd = format!("{}\n{}\n", arrest("5", "2026-09-01"), arrest("6", "2026-09-02"));
    let (status, answer) = sender.post(&server.url, nd, &[("Content-Type", "application/x-ndjson")]);
    assert_eq!((status, receipts(&answer).len()), (202, 2));

    until("all are coded", || home.status()["waiting"] == json!(0));
    let status = home.status();
    assert_eq!(
        counts(&status, &["received", "coded", "repeats", "rejected"]),
        [5, 4, 1, 0],
        "refusals are not counted"
    );
    let ids: Vec<_> = home.history().iter().map(|r| r["report_id"].as_str().map(str::to_owned)).collect();
    for receipt in receipts(&one).into_iter().chain(receipts(&answer)) {
        assert!(ids.contains(&receipt), "a receipt is the stored report's id");
    }
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn an_idempotency_key_stands_for_the_id() {
    let home = Home::new();
    let sender = Sender::new(&home.source("hot"));
    let server = Server::start(&home, &[]);
    let plain = json!({"event_kind": "sighting", "occurred": "2026-09-01"});
    let key = [("Idempotency-Key", "call-77")];

    let (status, first) = sender.post(&server.url, plain.to_string(), &key);
    assert_eq!(status, 202);
    assert_eq!(receipts(&sender.post(&server.url, plain.to_string(), &key).1), receipts(&first));
    let batch = json!([plain, plain, arrest("own", "2026-09-01")]).to_string();
    let (status, many) = sender.post(&server.url, &batch, &key);
    assert_eq!(status, 202);
    let (many, again) = (receipts(&many), receipts(&sender.post(&server.url, &batch, &key).1));
    assert_eq!(many, again);
    assert!(many[0] != many[1] && many[0] != receipts(&first)[0], "each item of a batch has its own id");
    until("all are coded", || home.status()["waiting"] == json!(0));
    assert_eq!(counts(&home.status(), &["received", "coded", "repeats"]), [8, 4, 4]);
}

#[test]
fn a_stranger_and_a_revoked_source_are_shut_out() {
    let home = Home::new();
    let token = home.source("hot");
    let server = Server::start(&home, &[]);
    let body = arrest("1", "2026-09-01").to_string();
    let wrong = "A".repeat(43);
    let (status, answer) = Sender::new(&wrong).post(&server.url, &body, &[]);
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthorized")));
    let sender = Sender::new(&token);
    assert_eq!(sender.post(&server.url, &body, &[]).0, 202);
    home.run(&["source", "revoke", "hot"]).exits(0);
    until("the token opens nothing", || sender.post(&server.url, &body, &[]).0 == 401);
    let (code, said) = server.end();
    assert_eq!(code, Some(0));
    assert!(!said.contains(&wrong) && !said.contains(&token));
}

#[test]
fn health_readiness_and_metrics_are_told() {
    let home = Home::new();
    let sender = Sender::new(&home.source("hot"));
    let server = Server::start(&home, &["--no-worker"]);
    sender.post(&server.url, arrest("1", "2026-09-01").to_string(), &[]);
    assert_eq!(sender.get(&server.url, "/healthz").0, 200);
    let (status, ready) = sender.get(&server.url, "/readyz");
    assert_eq!(status, 200);
    assert!(ready.contains("true"), "{ready}");
    let (status, metrics) = sender.get(&server.url, "/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("testigo_accepted_total 1"), "{metrics}");
    assert_eq!(home.status()["waiting"], json!(1), "without a worker it waits");
}

#[test]
fn sigterm_under_load_ends_in_time_and_keeps_what_was_acknowledged() {
    let home = Home::new();
    let sender = Sender::new(&home.source("hot"));
    let server = Server::start(&home, &[]);
    let (stop, accepted) = (AtomicBool::new(false), AtomicU64::new(0));
    let started = std::thread::scope(|scope| {
        for thread in 0..8 {
            let (sender, url) = (sender.clone(), server.url.clone());
            let (stop, accepted) = (&stop, &accepted);
            scope.spawn(move || {
                for n in 0.. {
                    let body = arrest(&format!("{thread}-{n}"), "2026-09-01").to_string();
                    match sender.try_post(&url, body.as_bytes(), &[]) {
                        Some((202, _)) => drop(accepted.fetch_add(1, Ordering::SeqCst)),
                        _ if stop.load(Ordering::SeqCst) => break,
                        _ => std::thread::sleep(Duration::from_millis(5)),
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_millis(700));
        let started = Instant::now();
        stop.store(true, Ordering::SeqCst);
        let (code, said) = server.end();
        assert_eq!(code, Some(0), "{said}");
        started
    });
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
    home.run(&["work", "--drain"]).exits(0);
    let status = home.status();
    assert!(status["received"].as_u64() >= Some(accepted.load(Ordering::SeqCst)), "{status}");
    assert!(accepted.load(Ordering::SeqCst) > 50, "there was load");
}
