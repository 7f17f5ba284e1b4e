//! Which server, and how it is reached: the store's URL, and TLS.
//!
//! What always holds: a URL that asks for TLS gets a connection that is encrypted and whose server showed a certificate for
//! its name, or none; a password is in no text.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Failure, explain};
use crate::store::StoreError;

/// A server, as a URL names it.
#[derive(Clone)]
pub struct Server {
    config: Config,
    /// Where it is, without user and password.
    place: String,
    tls: Option<MakeRustlsConnect>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

/// What of a URL is about TLS. `sslrootcert` and the modes that verify are libpq's; the client knows neither.
struct Asked {
    url: String,
    tls: bool,
    ca: Option<PathBuf>,
}

impl Asked {
    fn read(url: &str) -> Self {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut asked = Self { url: base.to_owned(), tls: false, ca: None };
        let mut sign = '?';
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let kept = match pair.split_once('=') {
                Some(("sslrootcert", _)) => {
                    let decoded = form_urlencoded::parse(pair.as_bytes()).next();
                    asked.ca = decoded.map(|(_, path)| PathBuf::from(&*path));
                    asked.tls = true;
                    continue;
                }
                // Without a look at the certificate, whoever is between would read along: there is no such mode here.
                Some(("sslmode", "require" | "verify-ca" | "verify-full")) => {
                    asked.tls = true;
                    continue;
                }
                Some(("sslmode", "prefer")) => continue,
                _ => pair,
            };
            asked.url.push(sign);
            asked.url.push_str(kept);
            sign = '&';
        }
        asked
    }

    /// How to encrypt: the server's certificate must come from the authority that is named, else from one that this machine
    /// trusts.
    fn connector(&self) -> Result<Option<MakeRustlsConnect>, StoreError> {
        if !self.tls {
            return Ok(None);
        }
        let wrong = |what: String| StoreError::Unusable(format!("store.url: {what}"));
        let mut roots = RootCertStore::empty();
        if let Some(ca) = &self.ca {
            let unread = |error: &dyn fmt::Display| wrong(format!("sslrootcert {}: {error}", ca.display()));
            for certificate in CertificateDer::pem_file_iter(ca).map_err(|error| unread(&error))? {
                let certificate = certificate.map_err(|error| unread(&error))?;
                roots.add(certificate).map_err(|error| unread(&error))?;
            }
        } else {
            // One that does not read is no reason to do without the others.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if roots.is_empty() {
            return Err(wrong(
                "TLS is asked for, and no certificate to check the server's against: add sslrootcert".into(),
            ));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Some(MakeRustlsConnect::new(config)))
    }
}

impl Server {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with `?sslmode=require` and `&sslrootcert=PATH` where the connection
    /// is to be encrypted.
    pub fn of(url: &str) -> Result<Self, StoreError> {
        // The parser's own text may quote the password.
        let wrong = || StoreError::Unusable("store.url does not read as postgres://USER:PASSWORD@HOST:PORT/DB".into());
        let asked = Asked::read(url);
        let mut config: Config = asked.url.parse().map_err(|_| wrong())?;
        config.keepalives(true).tcp_user_timeout(Duration::from_secs(30));
        config.ssl_mode(if asked.tls { SslMode::Require } else { SslMode::Disable });
        if config.get_application_name().is_none() {
            config.application_name("testigo");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "localhost".into(),
        };
        let port = config.get_ports().first().map_or(5432, |port| *port);
        let place = format!("PostgreSQL {host}:{port}/{}", config.get_dbname().unwrap_or_default());
        Ok(Self { config, place, tls: asked.connector()? })
    }

    /// A connection, set as the promises need it.
    pub fn connect(&self) -> Result<Client, postgres::Error> {
        let mut client = match &self.tls {
            Some(tls) => self.config.connect(tls.clone())?,
            None => self.config.connect(NoTls)?,
        };
        // A commit is told only after it is on the disk, whatever the server is set to otherwise.
        client.batch_execute("SET synchronous_commit = on; SET lock_timeout = '60s'; SET timezone = 'UTC'")?;
        Ok(client)
    }

    /// What went wrong, and where.
    pub fn explain(&self, failure: impl Into<Failure>) -> StoreError {
        explain(&self.place, failure.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_whether_to_encrypt_and_whom_to_trust() {
        let read = |url: &str| {
            let Asked { url, tls, ca } = Asked::read(url);
            (url, tls, ca)
        };
        let base = "postgres://u:p@h:1/db";
        assert_eq!(read(base), (base.into(), false, None));
        assert_eq!(read(&format!("{base}?sslmode=verify-full")), (base.into(), true, None));
        let options = format!("{base}?options=-csearch_path%3Dt");
        assert_eq!(read(&options), (options.clone(), false, None));
        let ca = format!("{base}?sslmode=require&options=-csearch_path%3Dt&sslrootcert=/etc/a%20b.pem");
        assert_eq!(read(&ca), (options, true, Some("/etc/a b.pem".into())));
        let missing = Server::of(&format!("{base}?sslrootcert=/none.pem")).expect_err("no file").to_string();
        assert!(missing.contains("/none.pem") && !missing.contains("u:p"), "{missing}");
        // A mode that nobody knows is refused, and never taken for "not encrypted".
        assert!(Server::of(&format!("{base}?sslmode=verify-fulll")).is_err());
    }
}
