//! Roles with no more rights than their work needs, as SQL that an operator can read.
//!
//! What always holds: who takes reports in cannot read one; who works with coded rows in SQL sees neither narratives nor
//! originals; nobody but the owner of the tables changes what is append only, or reads originals.

use std::fmt::Write as _;

use postgres::Client;
use schemas::dataset::{COLUMNS, Carried};

use super::server::Server;
use crate::store::StoreError;

/// What each role is for.
pub const ROLES: [(&str, &str); 4] = [
    ("intake", "`serve --no-worker`: reads who may send and how far the store is, and nothing of any report"),
    ("worker", "`work`, `import`, `dead-letters`: adds, and changes nothing that is stored; reads no originals"),
    ("publisher", "`snapshot`, `brief`, `export`, `status`: reads coded rows, narratives too, and no originals"),
    ("analyst", "SQL by hand: reads coded rows without narratives, and what superseded them"),
];

/// A role's or schema's name as SQL takes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The statements, for the tables in a schema. They may be run again at any time, and set rights to exactly these.
#[must_use]
pub fn sql(schema: &str, prefix: &str) -> String {
    let shown = COLUMNS.iter().filter(|column| column.carried != Carried::NotInSnapshot);
    let shown = shown.map(|column| &*column.name).collect::<Vec<_>>().join(", ");
    let schema = quoted(schema);
    let mut out =
        String::from("-- Roles of testigo. Give each a password or another way in yourself: \\password NAME\n");
    for (role, what) in ROLES {
        let plain = format!("{prefix}_{role}");
        let name = quoted(&plain);
        let grant = |rights: &str, tables: &str| {
            let tables = tables.split_whitespace().map(|t| format!("{schema}.{t}")).collect::<Vec<_>>().join(", ");
            format!("GRANT {rights} ON {tables} TO {name};\n")
        };
        let grants = match role {
            "intake" => grant("SELECT", "about source queue stored"),
            "worker" => {
                grant("SELECT", "about counter queue stored version report coded superseded tally source import")
                    + &grant("SELECT", "dead_letter letter_record original_key lately")
                    + &grant("INSERT", "queue stored version report coded superseded tally source import")
                    + &grant("INSERT", "dead_letter letter_record original_key original lately")
                    + &grant("UPDATE", "counter stored report import dead_letter lately")
                    + &grant("DELETE", "dead_letter letter_record original_key lately")
            }
            "publisher" => {
                grant("SELECT", "about counter queue stored version report coded superseded tally source import")
                    + &grant("SELECT", "dead_letter lately")
            }
            _ => {
                grant(&format!("SELECT ({shown})"), "coded")
                    + &grant("SELECT", "superseded tally import")
                    + &grant("SELECT (name, kind, public_name, revoked)", "source")
            }
        };
        let _ = write!(
            out,
            "\n-- {plain}: {what}\n\
             DO $$ BEGIN CREATE ROLE {name} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n\
             REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {name};\n\
             GRANT USAGE ON SCHEMA {schema} TO {name};\n{grants}"
        );
    }
    let _ = write!(out, "\nREVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC;\n");
    out
}

/// Connects as the owner, and tells the schema of the tables.
fn open(url: &str) -> Result<(Client, Server, String), StoreError> {
    super::PostgresStore::open(url)?;
    let server = Server::of(url)?;
    let mut client = server.connect().map_err(|error| server.explain(error))?;
    let row = client.query_one("SELECT current_schema()::text", &[]).map_err(|error| server.explain(error))?;
    Ok((client, server, row.get(0)))
}

/// The statements for a store.
pub fn print(url: &str, prefix: &str) -> Result<String, StoreError> {
    let (_, _, schema) = open(url)?;
    Ok(sql(&schema, prefix))
}

/// Runs them, as one transaction.
pub fn apply(url: &str, prefix: &str) -> Result<String, StoreError> {
    let (mut client, server, schema) = open(url)?;
    let sql = sql(&schema, prefix);
    let mut run = || {
        let mut tx = client.transaction()?;
        tx.batch_execute(&sql)?;
        tx.commit()
    };
    run().map_err(|error| server.explain(error))?;
    Ok(sql)
}
