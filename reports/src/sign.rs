//! Signatures of manifests, in the form of `minisign` (<https://jedisct1.github.io/minisign/>): whoever has that tool and the public
//! key can check a brief without testigo.
//!
//! What always holds: the same key and the same manifest give the same bytes (RFC 8032; the crate minisign draws a nonce for
//! each signature, so that signing is done here, and reading of keys and checking there); what is signed is the BLAKE2b-512 of
//! the manifest (the prehashed form, `ED`); a secret key or a password is in no error.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use blake2::{Blake2b512, Digest as _};
use ed25519_dalek::Signer as _;
use minisign::{KeyPair, SecretKeyBox, SignatureBox};
use zeroize::Zeroizing;

/// What the untrusted comment says. Nobody should believe it, so it says nothing.
const UNTRUSTED: &str = "signature of a brief of testigo";
/// Lengths in minisign's form of a secret key: what stands before the key's number, and the number.
const BEFORE_NUMBER: usize = 2 + 2 + 2 + 32 + 8 + 8;
const NUMBER: usize = 8;
const SEED: usize = 32;
const SIGNATURE: usize = 64;

/// Why a key cannot be used. No error quotes a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("{0} is no minisign secret key")]
    NoSecretKey(PathBuf),
    #[error("{0} is encrypted: its password stands in a file that publish.signing_password_file names")]
    PasswordNeeded(PathBuf),
    #[error("{0}: the password is not that of this key")]
    WrongPassword(PathBuf),
    #[error("{0} can be read by others: `chmod 600` it")]
    ReadByOthers(PathBuf),
    #[error("{0} exists already; nothing was overwritten")]
    Exists(PathBuf),
    #[error("a public key is the 56 letters that `keys signing` printed, or a file with them; this is neither: {0}")]
    NoPublicKey(String),
    #[error("no key could be made: the system gives no random numbers")]
    NotMade,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |error| KeyError::Io { path, error }
}

/// A key that signs.
pub struct SigningKey {
    number: [u8; NUMBER],
    key: ed25519_dalek::SigningKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads a secret key of minisign. The file must be its owner's alone.
    pub fn read(path: &Path, password: Option<&str>) -> Result<Self, KeyError> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_err(at(path))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyError::ReadByOthers(path.to_owned()));
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(at(path))?);
        let no_key = || KeyError::NoSecretKey(path.to_owned());
        let boxed = || SecretKeyBox::from_string(&text).map_err(|_| no_key());
        let secret = match (boxed()?.into_unencrypted_secret_key(), password) {
            (Ok(secret), _) => secret,
            (Err(_), Some(password)) => {
                boxed()?.into_secret_key(Some(password.to_owned())).map_err(|error| match error.kind() {
                    minisign::ErrorKind::Verify => KeyError::WrongPassword(path.to_owned()),
                    _ => no_key(),
                })?
            }
            // One that says how it is encrypted, or no key at all.
            (Err(_), None) if is_encrypted(&text) => return Err(KeyError::PasswordNeeded(path.to_owned())),
            (Err(_), None) => return Err(no_key()),
        };
        let bytes = Zeroizing::new(secret.to_bytes());
        let number = bytes.get(BEFORE_NUMBER..BEFORE_NUMBER + NUMBER).and_then(|n| n.try_into().ok());
        let seed: Option<&[u8; SEED]> =
            bytes.get(BEFORE_NUMBER + NUMBER..BEFORE_NUMBER + NUMBER + SEED).and_then(|s| s.try_into().ok());
        match (number, seed) {
            (Some(number), Some(seed)) => Ok(Self { number, key: ed25519_dalek::SigningKey::from_bytes(seed) }),
            _ => Err(no_key()),
        }
    }

    /// The key that checks what this one signs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut bytes = b"Ed".to_vec();
        bytes.extend(self.number);
        bytes.extend(self.key.verifying_key().as_bytes());
        PublicKey(minisign::PublicKey::from_bytes(&bytes).expect("two, eight and 32 bytes"))
    }

    /// The signature file. The comment is signed too; it is one line.
    pub(crate) fn sign(&self, message: &[u8], comment: &str) -> String {
        let signature = self.key.sign(&Blake2b512::digest(message)).to_bytes();
        let mut first = b"ED".to_vec();
        first.extend(self.number);
        first.extend(signature);
        let mut with_comment = signature.to_vec();
        with_comment.extend(comment.as_bytes());
        let second = self.key.sign(&with_comment).to_bytes();
        let (first, second) = (BASE64.encode(first), BASE64.encode(second));
        format!("untrusted comment: {UNTRUSTED}\n{first}\ntrusted comment: {comment}\n{second}\n")
    }
}

/// Whether a file has the form of a secret key that is encrypted.
fn is_encrypted(text: &str) -> bool {
    let bytes = text.lines().nth(1).and_then(|line| BASE64.decode(line.trim()).ok()).map(Zeroizing::new);
    bytes.is_some_and(|bytes| bytes.get(2..4) == Some(b"Sc"))
}

/// A key that checks.
#[derive(Clone, PartialEq)]
pub struct PublicKey(minisign::PublicKey);

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// 56 letters.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_base64())
    }
}

impl PublicKey {
    /// Its 56 letters, or the name of a file that minisign or `keys signing` wrote.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if let Some(key) = Self::parse_letters(text) {
            return Ok(key);
        }
        let wrong = || KeyError::NoPublicKey(text.to_owned());
        let file = match std::fs::read_to_string(text) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(wrong()),
            Err(error) => return Err(at(Path::new(text))(error)),
        };
        file.lines().find_map(Self::parse_letters).ok_or_else(wrong)
    }

    /// Its 56 letters alone.
    pub(crate) fn parse_letters(text: &str) -> Option<Self> {
        let key = minisign::PublicKey::from_base64(text.trim()).ok()?;
        key.to_bytes().starts_with(b"Ed").then_some(Self(key))
    }

    /// Checks a signature file. Gives its comment, which is signed too.
    pub(crate) fn check(&self, message: &[u8], signature: &[u8]) -> Result<String, String> {
        let text = std::str::from_utf8(signature).map_err(|_| "it is no text")?;
        let boxed = SignatureBox::from_string(text).map_err(|_| "it is no signature of minisign")?;
        // Written in one way only, so that no changed letter passes.
        let bytes = |line| text.lines().nth(line).and_then(|line| BASE64.decode(line).ok()).map(|bytes| bytes.len());
        if boxed.to_string() != text || (bytes(1), bytes(3)) != (Some(2 + NUMBER + SIGNATURE), Some(SIGNATURE)) {
            return Err("it is written otherwise than minisign writes it".into());
        }
        if boxed.keynum() != self.0.keynum() {
            return Err("it was made with another key".into());
        }
        minisign::verify(&self.0, &boxed, Cursor::new(message), true, false, false)
            .map_err(|_| "it is not that of this manifest and this key")?;
        boxed.trusted_comment().map_err(|_| "its comment does not read".into())
    }
}

/// Makes a pair: the secret key in `path`, for its owner only, the public one beside it in `path.pub`. Nothing is overwritten.
pub fn make_pair(path: &Path, password: Option<&str>) -> Result<PublicKey, KeyError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    let beside = PathBuf::from(name);
    if let Some(there) = [path, &beside].into_iter().find(|path| path.exists()) {
        return Err(KeyError::Exists(there.to_owned()));
    }
    let pair = match password {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password.to_owned())),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let pair = pair.map_err(|_| KeyError::NotMade)?;
    let secret = pair.sk.to_box(Some("testigo signing key")).map_err(|_| KeyError::NotMade)?;
    let public = pair.pk.to_box().map_err(|_| KeyError::NotMade)?;
    write_new(path, &Zeroizing::new(secret.into_string()), 0o600)?;
    if let Err(error) = write_new(&beside, &public.into_string(), 0o644) {
        // Half a pair is none.
        drop(std::fs::remove_file(path));
        return Err(error);
    }
    Ok(PublicKey(pair.pk))
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), KeyError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(dir)?.sync_all()
    };
    write().map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists(path.to_owned()),
        _ => at(path)(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(password: Option<&str>) -> (tempfile::TempDir, PathBuf, PublicKey) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("signing.key");
        let public = make_pair(&path, password).expect("made");
        (dir, path, public)
    }

    #[test]
    fn the_same_manifest_has_the_same_signature_and_minisign_accepts_it() {
        let (_dir, path, public) = pair(None);
        let key = SigningKey::read(&path, None).expect("reads");
        assert_eq!(key.public(), public);
        let signature = key.sign(b"a manifest", "brief 2026-09");
        assert_eq!(signature, key.sign(b"a manifest", "brief 2026-09"));
        // Checked by the crate of minisign's author, and by ours, which is stricter.
        let boxed = SignatureBox::from_string(&signature).expect("reads");
        assert!(boxed.is_prehashed());
        minisign::verify(&public.0, &boxed, Cursor::new(b"a manifest"), true, false, false).expect("verifies");
        assert_eq!(public.check(b"a manifest", signature.as_bytes()).as_deref(), Ok("brief 2026-09"));
        assert!(public.check(b"A manifest", signature.as_bytes()).is_err());
        let (_other_dir, _, other) = pair(None);
        assert_eq!(other.check(b"a manifest", signature.as_bytes()), Err("it was made with another key".into()));
    }

    /// The example of the crate minisign-verify, which the original tool made (of the message `test`).
    #[test]
    fn a_signature_by_the_original_tool_is_one() {
        let key = PublicKey::parse("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3").expect("a key");
        let signature = "untrusted comment: signature from minisign secret key\n\
            RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
            trusted comment: timestamp:1556193335\tfile:test\n\
            y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==\n";
        assert_eq!(key.check(b"test", signature.as_bytes()).as_deref(), Ok("timestamp:1556193335\tfile:test"));
        assert!(key.check(b"Test", signature.as_bytes()).is_err());
    }

    #[test]
    fn no_letter_of_a_signature_can_be_changed() {
        let (_dir, path, public) = pair(None);
        let signature = SigningKey::read(&path, None).expect("reads").sign(b"m", "brief 2026-09");
        let comment = "untrusted comment: ".len()..signature.find('\n').expect("lines");
        for at in (0..signature.len()).filter(|at| !comment.contains(at)) {
            let mut changed = signature.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(public.check(b"m", &changed).is_err(), "{at}");
        }
    }

    #[test]
    fn a_key_needs_its_password_and_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, path, public) = pair(Some("correct horse"));
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(SigningKey::read(&path, Some("correct horse")).expect("reads").public(), public);
        assert!(matches!(SigningKey::read(&path, Some("battery")), Err(KeyError::WrongPassword(_))));
        assert!(matches!(SigningKey::read(&path, None), Err(KeyError::PasswordNeeded(_))));
        assert!(matches!(make_pair(&path, None), Err(KeyError::Exists(_))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
        assert!(matches!(SigningKey::read(&path, None), Err(KeyError::ReadByOthers(_))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
        std::fs::write(&path, "untrusted comment: x\nnothing\n").expect("written");
        assert!(matches!(SigningKey::read(&path, Some("x")), Err(KeyError::NoSecretKey(_))));
    }

    #[test]
    fn a_public_key_is_its_letters_or_its_file() {
        let (_dir, path, public) = pair(None);
        let file = format!("{}.pub", path.display());
        assert_eq!(PublicKey::parse(&file).expect("reads"), public);
        assert_eq!(PublicKey::parse(&public.to_string()).expect("reads"), public);
        for wrong in ["nothing", path.to_str().expect("UTF-8"), ""] {
            assert!(matches!(PublicKey::parse(wrong), Err(KeyError::NoPublicKey(_) | KeyError::Io { .. })), "{wrong}");
        }
    }
}
