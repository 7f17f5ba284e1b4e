//! Keys: the two that lie on the machine, and the age keys of those who may open originals.
//!
//! What always holds: a secret is never printed and is wiped from memory; a key file is made with access for its owner
//! only, is never overwritten, and is on the disk before anything is sealed with it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use age::secrecy::ExposeSecret as _;
use age::x25519;
use zeroize::Zeroizing;

/// A symmetric key of 256 bits.
pub type SecretKey = Zeroizing<[u8; 32]>;

/// What is wrong with a key or its file.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{path}: a key file holds 32 bytes, this one does not", path = path.display())]
    WrongLength { path: PathBuf },
    #[error("line {line} is no age recipient (age1...)")]
    NotARecipient { line: usize },
    #[error("at least one age recipient is needed: without one, nobody could ever open an original")]
    NoRecipient,
    #[error("{path}: holds no age identity (a line that begins AGE-SECRET-KEY-1)", path = path.display())]
    NoIdentity { path: PathBuf },
    #[error("the system gave no random bytes: {0}")]
    Random(String),
}

impl KeyError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// Fresh random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, KeyError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| KeyError::Random(error.to_string()))?;
    Ok(bytes)
}

/// Makes a file that only its owner can read, refusing to overwrite, and waits until the disk has it.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), KeyError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(content)?;
        file.sync_all()?;
        // The name itself is durable only with its directory.
        match path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            Some(dir) => File::open(dir)?.sync_all(),
            None => File::open(".")?.sync_all(),
        }
    };
    write().map_err(KeyError::file(path))
}

/// Reads a key file.
pub(crate) fn read_key(path: &Path) -> Result<SecretKey, KeyError> {
    let bytes = Zeroizing::new(std::fs::read(path).map_err(KeyError::file(path))?);
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| KeyError::WrongLength { path: path.to_owned() })?;
    Ok(Zeroizing::new(key))
}

/// Who may open originals: one or more age recipients (X25519).
#[derive(Clone)]
pub struct Recipients(Vec<x25519::Recipient>);

impl Recipients {
    /// Reads one recipient a line; empty lines and lines that begin with `#` say nothing.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut recipients = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let recipient =
                x25519::Recipient::from_str(line).map_err(|_| KeyError::NotARecipient { line: index + 1 })?;
            recipients.push(recipient);
        }
        if recipients.is_empty() { Err(KeyError::NoRecipient) } else { Ok(Self(recipients)) }
    }

    /// The recipients, as age itself takes them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn age::Recipient> {
        self.0.iter().map(|recipient| recipient as &dyn age::Recipient)
    }
}

/// One recipient a line.
impl fmt::Display for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|recipient| writeln!(f, "{recipient}"))
    }
}

/// Recipients are public keys.
impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(ToString::to_string)).finish()
    }
}

/// The secret key with which originals are opened. It belongs on another machine.
#[derive(Clone)]
pub struct Identity(x25519::Identity);

impl Identity {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(x25519::Identity::generate())
    }

    /// Reads the first identity of a file as `age-keygen` writes it.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(KeyError::file(path))?);
        text.lines()
            .find_map(|line| x25519::Identity::from_str(line.trim()).ok())
            .map(Self)
            .ok_or_else(|| KeyError::NoIdentity { path: path.to_owned() })
    }

    /// Writes it to a new file as `age-keygen` would, for its owner only.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        let secret = self.0.to_string();
        let text = Zeroizing::new(format!("# public key: {}\n{}\n", self.0.to_public(), secret.expose_secret()));
        write_private(path, text.as_bytes())
    }

    /// The recipient that it opens for.
    #[must_use]
    pub fn recipient(&self) -> Recipients {
        Recipients(vec![self.0.to_public()])
    }

    pub(crate) const fn as_age(&self) -> &x25519::Identity {
        &self.0
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_comes_back_from_its_file_and_is_never_overwritten() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("identity.txt");
        let identity = Identity::generate();
        identity.write(&path).expect("writes");
        let back = Identity::read(&path).expect("reads");
        assert_eq!(back.recipient().to_string(), identity.recipient().to_string());
        assert!(matches!(identity.write(&path), Err(KeyError::File { .. })), "never overwritten");
        assert_eq!(format!("{identity:?}"), "Identity");
    }

    #[test]
    fn recipients_are_read_line_by_line() {
        let one = Identity::generate().recipient().to_string();
        let two = Identity::generate().recipient().to_string();
        let both = Recipients::parse(&format!("# who may open\n{one}\n{two}")).expect("two recipients");
        assert_eq!(both.to_string(), format!("{one}{two}"));
        assert!(matches!(Recipients::parse("age1wrong"), Err(KeyError::NotARecipient { line: 1 })));
        assert!(matches!(Recipients::parse("# none\n"), Err(KeyError::NoRecipient)));
    }
}
