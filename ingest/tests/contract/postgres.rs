//! What only PostgreSQL can show: connections that are cut, several workers at once, another form of its tables.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ingest::keys::Identity;
use ingest::queue::Intake as _;
use ingest::store::postgres::PostgresStore;
use ingest::store::{Mark, Range, Store as _, StoreError};
use postgres::{Client, NoTls};

use crate::harness::{Engine as _, envelope, ever};
use crate::served::{Served, make_schema, service};
use crate::store::{Heard, rows, sums};

#[test]
fn a_worker_whose_connection_is_cut_in_mid_batch_stores_each_once() {
    if !Served::there("a_worker_whose_connection_is_cut_in_mid_batch_stores_each_once") {
        return;
    }
    let engine = Served::new();
    let identity = Identity::generate();
    let envelopes = (0..3_000).map(|n| envelope("line-a", &(n % 2_900).to_string(), &format!("says {n}"))).collect();
    engine.intake().submit_waiting(envelopes).expect("taken").wait().expect("durable");
    let done = AtomicBool::new(false);
    let cuts = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            // An administrator who has it in for this schema's connections, whatever they are at.
            let schema = engine.url.split("%3D").nth(1).expect("a schema");
            let base = engine.url.split('?').next().expect("a URL");
            let mut client = Client::connect(base, NoTls).expect("connects");
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE pid <> pg_backend_pid() AND application_name = $1";
            for round in 0_u64.. {
                if done.load(Ordering::SeqCst) || cuts.load(Ordering::SeqCst) >= 15 {
                    break;
                }
                // Long enough that a few batches come through between two cuts, at instants that differ.
                thread::sleep(Duration::from_millis(150 + round * 37 % 100));
                let cut = client.execute(sql, &[&schema]).expect("cuts");
                cuts.fetch_add(cut, Ordering::SeqCst);
            }
        });
        let schema = engine.url.split("%3D").nth(1).expect("a schema");
        let mut worker = engine.worker(&identity, crate::harness::Plain::default());
        worker.store = PostgresStore::open(&format!("{}&application_name={schema}", engine.url)).expect("opens");
        let stop = AtomicBool::new(false);
        // A batch that was cut may be stored all the same; the position tells.
        loop {
            match worker.run(&stop, ingest::worker::Until::Drained, &mut |_| {}) {
                Ok(_) => break,
                Err(error) => assert!(error.to_string().contains("reached"), "{error}"),
            }
        }
        done.store(true, Ordering::SeqCst);
    });
    assert!(cuts.load(Ordering::SeqCst) > 0, "nothing was cut");
    let mut store = engine.store();
    assert_eq!(sums(&store.funnel(ever()).expect("sums")), [3_000, 2_900, 100, 0, 0]);
    assert_eq!(rows(&mut store, Range { history: true, ..Range::default() }).len(), 3_000);
}

#[test]
fn a_reader_misses_no_row_of_workers_that_commit_at_once() {
    if service("TESTIGO_TEST_POSTGRES", "a_reader_misses_no_row_of_workers_that_commit_at_once").is_none() {
        return;
    }
    let url = make_schema();
    let identity = Arc::new(Identity::generate());
    PostgresStore::open(&url).expect("makes the tables");
    let left = AtomicU64::new(3);
    let mut heard = Heard::default();
    thread::scope(|scope| {
        for partition in 0..3 {
            let (url, identity, left) = (&url, &identity, &left);
            scope.spawn(move || {
                let mut store = PostgresStore::open(url).expect("opens");
                for n in 0..40 {
                    let batch = crate::store::coded_batch(identity, "queue", partition, n * 5, 5);
                    store.commit(&batch).expect("commits");
                }
                left.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let mut store = PostgresStore::open(&url).expect("opens");
        let mut mark = Mark::default();
        loop {
            let over = left.load(Ordering::SeqCst) == 0;
            mark = store.changes(mark, ever(), "queue", &mut heard).expect("reads").mark;
            if over {
                break;
            }
        }
    });
    let seqs: Vec<i64> = heard.rows.iter().map(|row| row.seq).collect();
    assert_eq!(seqs, (1..=600).collect::<Vec<_>>(), "in the order of storing, and none is missing");
}

#[test]
fn tables_of_another_version_are_left_alone() {
    if service("TESTIGO_TEST_POSTGRES", "tables_of_another_version_are_left_alone").is_none() {
        return;
    }
    let url = make_schema();
    PostgresStore::open(&url).expect("makes the tables");
    let mut client = Client::connect(&url, NoTls).expect("connects");
    client.execute("UPDATE about SET value = '99/1' WHERE name = 'version'", &[]).expect("writes");
    let error = PostgresStore::open(&url).expect_err("another version");
    assert!(matches!(error, StoreError::OtherVersion { ref found, .. } if found == "99/1"), "{error}");
}

#[test]
fn an_error_tells_no_password_and_no_value() {
    let error = PostgresStore::open("postgres://someone:s3cret@127.0.0.1:9/reports").expect_err("nobody answers");
    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("127.0.0.1:9") && !error.to_string().contains("s3cret"), "{error}");
    let error = PostgresStore::open("postgres://someone:s3cret@[nowhere").expect_err("no URL");
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[test]
fn every_table_and_column_is_copied() {
    if service("TESTIGO_TEST_POSTGRES", "every_table_and_column_is_copied").is_none() {
        return;
    }
    let url = make_schema();
    PostgresStore::open(&url).expect("makes the tables");
    let mut client = Client::connect(&url, NoTls).expect("connects");
    let sql = "SELECT table_name::text, string_agg(column_name::text, ',' ORDER BY column_name::text COLLATE \"C\") \
               FROM information_schema.columns WHERE table_schema = current_schema() GROUP BY 1 ORDER BY 1";
    let there: Vec<(String, String)> =
        client.query(sql, &[]).expect("reads").iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut copied: Vec<(String, String)> = ingest::store::copy::TABLES
        .iter()
        .map(|table| {
            let mut columns: Vec<&str> = table.columns.iter().map(|column| &*column.postgres).collect();
            columns.sort_unstable();
            (table.name.to_owned(), columns.join(","))
        })
        .collect();
    copied.extend([("about", "name,value"), ("counter", "id,seq,superseded")].map(|(t, c)| (t.into(), c.into())));
    copied.sort();
    assert_eq!(there, copied);
}
