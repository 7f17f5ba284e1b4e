//! The table of sources.

use schemas::source::{Settings, Source, SourceKind, SourceName};

use super::{Failure, StoreError, Tx, damaged};

pub fn add(tx: &mut Tx<'_>, source: &Source) -> Result<(), Failure> {
    let settings = serde_json::to_string(&source.settings).expect("texts and codes are JSON");
    let sql = "INSERT INTO source (name, kind, settings, public_name, token_sha256, revoked) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let token = source.token_sha256.as_ref().map(<[u8; 32]>::as_slice);
    let (name, kind) = (source.name.as_str(), source.kind.as_str());
    match tx.execute(sql, &[&name, &kind, &settings, &source.public_name, &token, &source.revoked])? {
        0 => Err(StoreError::SourceExists(source.name.clone()).into()),
        _ => Ok(()),
    }
}

pub fn all(tx: &mut Tx<'_>) -> Result<Vec<Source>, Failure> {
    let sql = "SELECT name, kind, settings, public_name, token_sha256, revoked FROM source ORDER BY name COLLATE \"C\"";
    tx.query(sql, &[])?
        .iter()
        .map(|row| {
            let token: Option<&[u8]> = row.get(4);
            Ok(Source {
                name: SourceName::parse(row.get(0)).ok_or_else(|| damaged("source.name"))?,
                kind: SourceKind::from_code(row.get(1)).ok_or_else(|| damaged("source.kind"))?,
                settings: serde_json::from_str::<Settings>(row.get(2)).map_err(|_| damaged("source.settings"))?,
                public_name: row.get(3),
                token_sha256: token
                    .map(|bytes| bytes.try_into().map_err(|_| damaged("source.token_sha256")))
                    .transpose()?,
                revoked: row.get(5),
            })
        })
        .collect()
}

pub fn revoke(tx: &mut Tx<'_>, name: &SourceName) -> Result<(), Failure> {
    match tx.execute("UPDATE source SET revoked = true WHERE name = $1", &[&name.as_str()])? {
        0 => Err(StoreError::NoSuchSource(name.clone()).into()),
        _ => Ok(()),
    }
}
