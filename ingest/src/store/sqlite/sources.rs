//! The table of sources.

use rusqlite::{Connection, ErrorCode, Transaction};
use schemas::source::{Settings, Source, SourceKind, SourceName};

use super::{Failure, StoreError, damaged};

pub fn add(tx: &Transaction<'_>, source: &Source) -> Result<(), Failure> {
    let settings = serde_json::to_string(&source.settings).expect("texts and codes are JSON");
    let added = tx.execute(
        "INSERT INTO source (name, kind, settings, public_name, token_sha256, revoked) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            source.name.as_str(),
            source.kind.as_str(),
            settings,
            &source.public_name,
            source.token_sha256.as_ref().map(<[u8; 32]>::as_slice),
            source.revoked,
        ),
    );
    match added {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(StoreError::SourceExists(source.name.clone()).into())
        }
        other => Ok(other.map(drop)?),
    }
}

pub fn all(connection: &Connection) -> Result<Vec<Source>, Failure> {
    let sql = "SELECT name, kind, settings, public_name, token_sha256, revoked FROM source ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut sources = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let kind: String = row.get(1)?;
        let settings: String = row.get(2)?;
        let token: Option<Vec<u8>> = row.get(4)?;
        sources.push(Source {
            name: SourceName::parse(&name).ok_or_else(|| damaged("source.name"))?,
            kind: SourceKind::from_code(&kind).ok_or_else(|| damaged("source.kind"))?,
            settings: serde_json::from_str::<Settings>(&settings).map_err(|_| damaged("source.settings"))?,
            public_name: row.get(3)?,
            token_sha256: token
                .map(|bytes| bytes.try_into().map_err(|_| damaged("source.token_sha256")))
                .transpose()?,
            revoked: row.get(5)?,
        });
    }
    Ok(sources)
}

pub fn revoke(tx: &Transaction<'_>, name: &SourceName) -> Result<(), Failure> {
    match tx.execute("UPDATE source SET revoked = 1 WHERE name = ?1", [name.as_str()])? {
        0 => Err(StoreError::NoSuchSource(name.clone()).into()),
        _ => Ok(()),
    }
}
