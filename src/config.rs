//! Configuration: defaults, then `testigo.toml`, then `TESTIGO__SECTION__KEY`.
//!
//! What always holds: a key that does not exist, or a value that does not fit, stops the command with the key and where
//! it stands; a dump shows no secret.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use ingest::installation::{QueuePlace, is_postgres};
use ingest::pause::PauseLimits;
use serde::{Deserialize, Serialize};

use crate::outcome::Failure;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub http: Http,
    pub queue: Queue,
    pub store: Store,
    pub worker: Worker,
    pub export: Export,
    pub publish: Publish,
    pub log: Log,
}

/// `[http]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    pub listen: std::net::SocketAddr,
    pub max_body_bytes: usize,
    pub max_items: usize,
    pub max_connections: usize,
    pub header_timeout_seconds: u64,
    pub body_timeout_seconds: u64,
    pub per_source_per_second: Option<NonZeroU32>,
    pub log_page: bool,
    pub secure_cookies: bool,
}

impl Default for Http {
    fn default() -> Self {
        let limits = ingest::channels::http::Limits::default();
        Self {
            listen: ([127, 0, 0, 1], 8080).into(),
            max_body_bytes: limits.body_bytes,
            max_items: limits.items,
            max_connections: limits.connections,
            header_timeout_seconds: limits.header_timeout.as_secs(),
            body_timeout_seconds: limits.body_timeout.as_secs(),
            per_source_per_second: limits.per_source_per_second,
            log_page: true,
            secure_cookies: false,
        }
    }
}

impl Http {
    pub fn limits(&self) -> ingest::channels::http::Limits {
        ingest::channels::http::Limits {
            body_bytes: self.max_body_bytes,
            items: self.max_items,
            connections: self.max_connections,
            header_timeout: Duration::from_secs(self.header_timeout_seconds),
            body_timeout: Duration::from_secs(self.body_timeout_seconds),
            per_source_per_second: self.per_source_per_second,
            ..ingest::channels::http::Limits::default()
        }
    }
}

/// `[queue]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    pub url: String,
    pub grace_seconds: u64,
    /// librdkafka's settings, with `_` for `.`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kafka: BTreeMap<String, KafkaSetting>,
}

/// A value of librdkafka's, which takes all of them as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KafkaSetting {
    Truth(bool),
    Number(i64),
    Text(String),
}

impl std::fmt::Display for KafkaSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truth(truth) => truth.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl Queue {
    pub fn place(&self) -> QueuePlace {
        let kafka = self.kafka.iter().map(|(key, value)| (key.replace('_', "."), value.to_string())).collect();
        QueuePlace { url: self.url.clone(), kafka }
    }

    pub fn is_kafka(&self) -> bool {
        self.url.starts_with("kafka://")
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            url: "sqlite:queue.sqlite".into(),
            grace_seconds: ingest::worker::Options::default().grace.as_secs(),
            kafka: BTreeMap::new(),
        }
    }
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    pub url: String,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: "sqlite:store.sqlite".into() }
    }
}

/// `[worker]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    pub batch_rows: usize,
    pub batch_bytes: usize,
    pub pause_rejects_in_a_row: u64,
    pub pause_share: f64,
    pub pause_share_of: usize,
}

impl Worker {
    pub fn pause(&self) -> PauseLimits {
        // A share of nought, or of nothing, switches it off; both are small.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "small"
        )]
        let among_last = (self.pause_share.clamp(0.0, 1.0) * self.pause_share_of as f64).ceil() as usize;
        PauseLimits { in_a_row: self.pause_rejects_in_a_row, among_last, last: self.pause_share_of }
    }
}

impl Default for Worker {
    fn default() -> Self {
        let limits = ingest::worker::Options::default().limits;
        let pause = PauseLimits::default();
        Self {
            batch_rows: limits.envelopes,
            batch_bytes: limits.bytes,
            pause_rejects_in_a_row: pause.in_a_row,
            pause_share: 0.5,
            pause_share_of: pause.last,
        }
    }
}

/// `[export]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Export {
    pub narratives: bool,
}

/// `[publish]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Publish {
    pub audit_seconds: u64,
    pub hxl: bool,
    pub license: Option<String>,
    /// Relative to the data directory.
    pub signing_key: Option<PathBuf>,
    /// The same.
    pub signing_password_file: Option<PathBuf>,
    /// The letters of a key, or a file.
    pub public_key: Option<String>,
}

impl Default for Publish {
    fn default() -> Self {
        Self {
            audit_seconds: 300,
            hxl: false,
            license: None,
            signing_key: None,
            signing_password_file: None,
            public_key: None,
        }
    }
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text }
    }
}

/// How `tracing` writes to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

/// The commented file that `init` writes. Every line is a default, so that the file changes nothing until it is edited.
pub const TEMPLATE: &str = include_str!("testigo.toml");

/// A configuration, and where its values came from.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// The file, where there is one.
    pub file: Option<PathBuf>,
    figment: Figment,
}

/// Reads the layers. `file` must exist when it was named by hand.
pub fn load(data: &Path, file: Option<&Path>) -> Result<Loaded, Failure> {
    let path: PathBuf = file.map_or_else(|| data.join("testigo.toml"), Path::to_owned);
    if file.is_some() && !path.is_file() {
        return Err(Failure::usage(format!("{}: there is no such configuration file", path.display())));
    }
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if path.is_file() {
        figment = figment.merge(Toml::file_exact(&path));
    }
    let figment = figment.merge(Env::prefixed("TESTIGO__").split("__"));
    let config: Config = figment.extract().map_err(|error| Failure::usage(describe(&error, &path)))?;
    let file = |url: &str| url.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty());
    let queue = &config.queue.url;
    if !file(queue) && !config.queue.is_kafka() {
        return Err(Failure::usage("queue.url: is sqlite:PATH or kafka://HOST:PORT[,HOST:PORT]/TOPIC"));
    }
    config.queue.place().topic().map_err(Failure::as_usage)?;
    if !file(&config.store.url) && !is_postgres(&config.store.url) {
        return Err(Failure::usage("store.url: is sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE"));
    }
    Ok(Loaded { config, file: path.is_file().then_some(path), figment })
}

/// The defaults alone, whatever files and the environment say.
pub fn defaults() -> Loaded {
    Loaded { config: Config::default(), file: None, figment: Figment::from(Serialized::defaults(Config::default())) }
}

/// What is wrong, the key, and the place. Values can be secrets (a store's password), so none is told.
fn describe(error: &figment::Error, file: &Path) -> String {
    use figment::error::Kind;
    let errors = error.clone().into_iter().map(|e| {
        let key = e.path.join(".");
        let place = match &e.metadata {
            Some(metadata) if metadata.name.contains("TOML") => format!("{}: ", file.display()),
            Some(metadata) if metadata.name.contains("environment") => {
                String::from("environment (TESTIGO__SECTION__KEY): ")
            }
            _ => String::new(),
        };
        let problem = match &e.kind {
            Kind::UnknownField(field, expected) => {
                format!("there is no setting `{field}` here; settings are: {}", expected.join(", "))
            }
            Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => format!("expected {expected}"),
            Kind::UnknownVariant(_, expected) => format!("expected one of: {}", expected.join(", ")),
            Kind::Message(message) if place.starts_with("env") => {
                let _ = message;
                String::from("the value does not fit")
            }
            Kind::Message(message) => place_and_reason(message),
            _ => String::from("the value does not fit"),
        };
        let at = if key.is_empty() { String::new() } else { format!("{key}: ") };
        format!("{place}{at}{problem}")
    });
    errors.collect::<Vec<_>>().join("; ")
}

/// The place and the reason of a message that quotes a line of the file between them; that line can hold a secret.
fn place_and_reason(message: &str) -> String {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("it does not read");
    match lines.next_back() {
        Some(last) if !last.contains(['|', '=']) => format!("{first}: {last}"),
        _ => first.to_owned(),
    }
}

impl Loaded {
    /// Each setting in force: key, value (a secret left out), and where it came from.
    pub fn dump(&self) -> Vec<(String, String, String)> {
        let value = serde_json::to_value(&self.config).unwrap_or_default();
        let mut all = Vec::new();
        for (section, settings) in value.as_object().into_iter().flatten() {
            for (key, value) in settings.as_object().into_iter().flatten() {
                let name = format!("{section}.{key}");
                let shown = match value {
                    serde_json::Value::String(text) => redacted(text),
                    serde_json::Value::Null => "not set".into(),
                    // Passwords stand among them.
                    serde_json::Value::Object(inner) => {
                        let names: Vec<_> = inner.keys().map(String::as_str).collect();
                        format!("{} (values not shown)", names.join(", "))
                    }
                    other => other.to_string(),
                };
                let from = self.figment.find_metadata(&name).map_or("default", |m| {
                    if m.name.contains("TOML") {
                        "file"
                    } else if m.name.contains("environment") {
                        "environment"
                    } else {
                        "default"
                    }
                });
                all.push((name, shown, from.to_owned()));
            }
        }
        all
    }
}

/// A URL without what stands between `//` and `@`.
fn redacted(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(start), Some(end)) if end > start => format!("{}://[redacted]{}", &text[..start], &text[end..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str) -> Result<Loaded, Failure> {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("testigo.toml"), text).expect("written");
        load(dir.path(), None)
    }

    #[test]
    fn the_template_is_the_defaults() {
        assert_eq!(with_file(TEMPLATE).expect("loads").config, Config::default());
        let set: String = TEMPLATE
            .lines()
            .map(|l| l.strip_prefix("# ").filter(|l| l.contains(" = ")).unwrap_or(l))
            .fold(String::new(), |all, line| all + line + "\n");
        let config = with_file(&set).expect("every commented setting is a setting").config;
        let limited = Config {
            publish: Publish {
                license: Some("CC-BY-4.0".into()),
                signing_key: Some("keys/signing.key".into()),
                signing_password_file: Some("keys/signing.password".into()),
                public_key: Some("keys/signing.key.pub".into()),
                ..Publish::default()
            },
            http: Http { per_source_per_second: NonZeroU32::new(50), ..Http::default() },
            ..Config::default()
        };
        assert_eq!(config, limited);
    }

    #[test]
    fn the_limits_of_rejects_are_those_of_the_worker() {
        assert_eq!(Worker::default().pause(), PauseLimits::default());
        let off = Worker { pause_rejects_in_a_row: 0, pause_share: 0.0, ..Worker::default() }.pause();
        assert_eq!((off.in_a_row, off.among_last), (0, 0));
    }

    #[test]
    fn a_typo_names_its_key_and_no_value() {
        let message = with_file("[http]\nlistenn = \"s3cret\"").expect_err("refused").to_string();
        assert!(message.contains("listenn") && message.contains("max_body_bytes"), "{message}");
        assert!(!message.contains("s3cret"));
        let message = with_file("[worker]\nbatch_rows = \"many\"").expect_err("refused").to_string();
        assert!(message.contains("worker.batch_rows") && !message.contains("many"), "{message}");
        assert!(with_file("[http").is_err());
    }

    #[test]
    fn engines_are_named_by_url_and_checked_before_anything_opens() {
        let config = |text: &str| with_file(text).map(|loaded| loaded.config);
        let text = "[queue]\nurl = \"kafka://a:9092,b:9092/reports\"\n[queue.kafka]\nsecurity_protocol = \"SASL_SSL\"\n\
                    socket_timeout_ms = 5000\n[store]\nurl = \"postgres://u:pw@h/db\"";
        let kafka = config(text).expect("loads").queue.place().kafka;
        assert_eq!(kafka.get("security.protocol").map(String::as_str), Some("SASL_SSL"));
        assert_eq!(kafka.get("socket.timeout.ms").map(String::as_str), Some("5000"));
        for wrong in [
            "[queue]\nurl = \"amqp://s3cret@a\"",
            "[queue]\nurl = \"kafka://a/reports\"",
            "[queue]\nurl = \"kafka://a:1/reports\"\n[queue.kafka]\nacks = \"s3cret\"",
            "[store]\nurl = \"mysql://s3cret@h/db\"",
        ] {
            let message = config(wrong).expect_err("refused").to_string();
            assert!(message.contains(".url") || message.contains("acks"), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
        let dump = with_file(text).expect("loads").dump();
        assert!(!format!("{dump:?}").contains("pw@") && !format!("{dump:?}").contains("SASL_SSL"), "{dump:?}");
    }

    #[test]
    fn a_dump_shows_no_password() {
        assert_eq!(redacted("postgres://user:pw@host/db"), "postgres://[redacted]@host/db");
        assert_eq!(redacted("sqlite:queue.sqlite"), "sqlite:queue.sqlite");
    }
}
