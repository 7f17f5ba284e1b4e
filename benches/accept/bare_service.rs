//! What `serve` is measured against: the least that an axum service over SQLite can do and still promise "202 means
//! durable". It reads no body, checks no token, makes no receipt and encrypts nothing.
//!
//! What always holds: bodies are appended in the order in which they came, each by its own INSERT into a table without a
//! second index; one writer thread drains a bounded channel into one transaction per group; the database is in WAL mode
//! with `synchronous=FULL`, so that a commit returns after its fsync; 202 is answered after the commit.

use std::path::Path;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt;
use rusqlite::{Connection, TransactionBehavior};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// How many bodies may wait for the writer: more are answered with 503.
const WAITING: usize = 32_768;
/// How many bodies one transaction takes.
const GROUP: usize = 16_384;

/// A body, and who is to be told that it is durable.
type Append = (Bytes, oneshot::Sender<()>);

/// Serves on a free port of 127.0.0.1 until the process is killed. Says on stdout where.
pub fn serve(database: &Path) -> Result<()> {
    let mut connection = open(database)?;
    let (queue, mut waiting) = mpsc::channel::<Append>(WAITING);
    // A writer that fails drops what it holds: no 202 is written for that, and the measurement counts the error.
    let writer = std::thread::spawn(move || write(&mut connection, &mut waiting));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("listening on http://{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            // As `serve` does it: small answers must not wait for more to send.
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, Router::new().route("/v1/reports", post(accept)).with_state(queue)).await
    })?;
    writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))?
}

async fn accept(State(queue): State<mpsc::Sender<Append>>, body: Bytes) -> StatusCode {
    let (reply, durable) = oneshot::channel();
    if queue.try_send((body, reply)).is_err() || durable.await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::ACCEPTED
}

fn write(connection: &mut Connection, waiting: &mut mpsc::Receiver<Append>) -> Result<()> {
    let mut group = Vec::new();
    while waiting.blocking_recv_many(&mut group, GROUP) > 0 {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO submission (body) VALUES (?1)")?;
            for (body, _) in &group {
                insert.execute([&body[..]])?;
            }
        }
        transaction.commit()?;
        for (_, reply) in group.drain(..) {
            // Who asked may have gone away since; the append stands all the same.
            let _ = reply.send(());
        }
    }
    Ok(())
}

fn open(database: &Path) -> Result<Connection> {
    let connection = Connection::open(database).with_context(|| format!("cannot open {}", database.display()))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE submission (position INTEGER PRIMARY KEY, body BLOB NOT NULL)")?;
    Ok(connection)
}

/// How many bodies a database of this service holds.
pub fn count(database: &Path) -> Result<u64> {
    let connection = Connection::open(database)?;
    Ok(connection.query_row("SELECT count(*) FROM submission", [], |row| row.get(0))?)
}
