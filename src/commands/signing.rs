//! The key that signs briefs: making one, and reading the one that the configuration names.
//!
//! What always holds: a password is read from a file, never from the command line or the environment, and is in no message.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use reports::{KeyError, PublicKey, SigningKey};

use crate::Context;
use crate::outcome::{Failure, Outcome, Result, print_json, say, tell};

/// `testigo keys signing`: makes a pair.
pub fn make(context: &Context, out: &Path, password_file: Option<&Path>) -> Result {
    let configured = || context.config().publish.signing_password_file.as_deref().map(|path| context.data.join(path));
    let password = password_file.map(Path::to_owned).or_else(configured).map(|path| password(&path)).transpose()?;
    let public = reports::make_pair(out, password.as_deref()).map_err(|error| match error {
        KeyError::Exists(_) => Failure::as_usage(error),
        other => other.into(),
    })?;
    let beside = PathBuf::from(format!("{}.pub", out.display()));
    if context.json {
        print_json(&serde_json::json!({
            "signing_key": out,
            "public_key_file": beside,
            "public_key": public.to_string(),
            "encrypted": password.is_some(),
        }))?;
    } else {
        // The line that a site or a letterhead prints.
        say(&public)?;
    }
    if password.is_none() {
        tell(
            "testigo: the key has no password, so whoever reads the file can sign; --password-file FILE makes one that has",
        );
    }
    tell(format_args!(
        "testigo: publish {} where readers look for it, and set publish.signing_key = \"{}\" to sign with it",
        beside.display(),
        out.display()
    ));
    Ok(Outcome::Done)
}

/// The key that the configuration names; none where it names none. One that cannot be used is wrong configuration: nothing is
/// published unsigned in its place.
pub fn configured(context: &Context) -> Result<Option<SigningKey>, Failure> {
    let publish = &context.config().publish;
    let Some(path) = &publish.signing_key else { return Ok(None) };
    let password = match &publish.signing_password_file {
        Some(path) => Some(password(&context.data.join(path))?),
        None => None,
    };
    let key = SigningKey::read(&context.data.join(path), password.as_deref())
        .map_err(|error| Failure::as_usage(anyhow::Error::new(error).context("publish.signing_key")))?;
    if let Some(text) = &publish.public_key {
        let here = context.data.join(text);
        let text = if here.is_file() { here.to_string_lossy().into_owned() } else { text.clone() };
        let public = PublicKey::parse(&text)
            .map_err(|error| Failure::as_usage(anyhow::Error::new(error).context("publish.public_key")))?;
        if public != key.public() {
            return Err(Failure::usage("publish.signing_key is not the pair of publish.public_key: nothing is signed"));
        }
    }
    Ok(Some(key))
}

/// A file's first line.
fn password(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("the password of the signing key: {}", path.display()))
        .map_err(Failure::as_usage)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(Failure::usage(format!("{}: its first line is the password, and it is empty", path.display()))),
    }
}
