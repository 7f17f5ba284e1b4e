//! What a server is like, and who may do what there, for who checks a deployment.

use postgres::Client;
use schemas::Instant;

use super::server::Server;
use super::value::At;
use crate::store::StoreError;

/// The server as it tells of itself.
#[derive(Debug, Clone)]
pub struct ServerFacts {
    pub version: String,
    pub now: Instant,
    /// `fsync` and `full_page_writes`: whether what it calls stored is on its disk.
    pub fsync: bool,
    pub full_page_writes: bool,
    /// Whether pages have checksums.
    pub checksums: bool,
    pub encrypted: bool,
    /// Whether it is reached over this machine alone.
    pub local: bool,
    /// As whom we came in.
    pub role: String,
    pub superuser: bool,
    /// Whether that role owns the tables: it may change and drop them.
    pub owner: bool,
    /// Who else may do something with the tables.
    pub roles: Vec<RoleFacts>,
}

/// What a role may do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own, and is said by itself")]
pub struct RoleFacts {
    /// `PUBLIC` is everybody.
    pub name: String,
    pub reads_coded: bool,
    pub reads_narratives: bool,
    /// Originals, or rejects with what they are sealed in.
    pub reads_sealed: bool,
    pub reads_tokens: bool,
    pub adds_coded: bool,
    /// Changes or deletes what is append only.
    pub rewrites: bool,
}

fn is_on(client: &mut Client, setting: &str) -> Result<bool, postgres::Error> {
    Ok(client.query_one(&format!("SHOW {setting}"), &[])?.get::<_, &str>(0) == "on")
}

/// Asks the server of a store.
pub fn facts(url: &str) -> Result<ServerFacts, StoreError> {
    let server = Server::of(url)?;
    let ask = || -> Result<ServerFacts, postgres::Error> {
        let mut client = server.connect()?;
        let row = client.query_one(
            "SELECT version(), clock_timestamp(), current_user::text, \
             coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false), \
             coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', true), \
             coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false), \
             pg_has_role(coalesce((SELECT tableowner FROM pg_tables WHERE schemaname = current_schema() \
                AND tablename = 'coded'), current_user), 'MEMBER')",
            &[],
        )?;
        Ok(ServerFacts {
            version: row.get::<_, &str>(0).split(" on ").next().unwrap_or_default().to_owned(),
            now: row.get::<_, At>(1).0,
            role: row.get(2),
            encrypted: row.get(3),
            local: row.get(4),
            superuser: row.get(5),
            owner: row.get(6),
            fsync: is_on(&mut client, "fsync")?,
            full_page_writes: is_on(&mut client, "full_page_writes")?,
            checksums: is_on(&mut client, "data_checksums")?,
            roles: roles(&mut client)?,
        })
    };
    ask().map_err(|error| server.explain(error))
}

/// Every role that was granted something on the tables, whose owner is left out; rights by membership count.
fn roles(client: &mut Client) -> Result<Vec<RoleFacts>, postgres::Error> {
    let sql = "
        WITH tables AS (
            SELECT c.oid, c.relname, c.relowner, c.relacl FROM pg_class c
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v')
        ), granted AS (
            SELECT DISTINCT a.grantee FROM tables t, aclexplode(t.relacl) a WHERE a.grantee <> t.relowner
            UNION SELECT DISTINCT a.grantee FROM tables t JOIN pg_attribute n ON n.attrelid = t.oid, aclexplode(n.attacl) a
            WHERE a.grantee <> t.relowner
        ), named AS (
            SELECT g.grantee, coalesce(r.rolname::text, 'PUBLIC') AS name FROM granted g
            LEFT JOIN pg_roles r ON r.oid = g.grantee WHERE r.rolsuper IS NOT TRUE
        )
        SELECT n.name,
            has_any_column_privilege(role.name, 'coded', 'SELECT'),
            has_column_privilege(role.name, 'coded', 'narrative', 'SELECT'),
            has_any_column_privilege(role.name, 'original', 'SELECT')
                OR has_any_column_privilege(role.name, 'letter_record', 'SELECT'),
            has_column_privilege(role.name, 'source', 'token_sha256', 'SELECT'),
            has_any_column_privilege(role.name, 'coded', 'INSERT'),
            has_any_column_privilege(role.name, 'coded', 'UPDATE') OR has_table_privilege(role.name, 'coded', 'DELETE')
                OR has_any_column_privilege(role.name, 'version', 'UPDATE')
                OR has_table_privilege(role.name, 'version', 'DELETE')
                OR has_any_column_privilege(role.name, 'tally', 'UPDATE')
                OR has_table_privilege(role.name, 'tally', 'DELETE')
        FROM named n, LATERAL (SELECT CASE n.name WHEN 'PUBLIC' THEN 'public' ELSE n.name END::name AS name) role
        ORDER BY n.name";
    let rows = client.query(sql, &[])?;
    Ok(rows
        .iter()
        .map(|row| RoleFacts {
            name: row.get(0),
            reads_coded: row.get(1),
            reads_narratives: row.get(2),
            reads_sealed: row.get(3),
            reads_tokens: row.get(4),
            adds_coded: row.get(5),
            rewrites: row.get(6),
        })
        .collect())
}
