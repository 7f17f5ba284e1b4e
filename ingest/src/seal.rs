//! Sealing: what lies in the queue, and the originals in the store.
//!
//! What always holds: each sealed text is bound to where it belongs (a record to its queue, source and instant; an
//! original to its report and batch), so that one moved elsewhere does not open; the key of a batch's originals is made
//! for that batch, wrapped to the recipients and then forgotten, so the machine that seals cannot open.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use schemas::envelope::Envelope;
use schemas::ids::ReportId;
use schemas::source::SourceName;
use schemas::{Instant, Sensitive};
use zeroize::Zeroizing;

use crate::keys::{Identity, KeyError, Recipients, SecretKey, random};

/// The form of what this program seals: its first byte.
const FORM: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;

/// Why something does not seal or open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("this does not open: it was sealed with another key, for another place, or is damaged")]
    DoesNotOpen,
    #[error("this opens, but holds no submissions of a form that this program knows")]
    UnknownForm,
    #[error("the key of the originals could not be wrapped: {0}")]
    Wrap(String),
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Sealed bytes. Prints as its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Appends the encryption of `out[start..]` in its place, and its tag behind it.
fn encrypt(cipher: &XChaCha20Poly1305, nonce: &XNonce, bound: &[u8], out: &mut Vec<u8>, start: usize) {
    let tag = cipher
        .encrypt_inout_detached(nonce, bound, (&mut out[start..]).into())
        .expect("far shorter than the 256 GiB that the cipher takes");
    out.extend_from_slice(&tag);
}

/// Opens what [`encrypt`] made.
fn decrypt(
    cipher: &XChaCha20Poly1305,
    nonce: &XNonce,
    bound: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (text, tag) = sealed.split_last_chunk::<TAG>().ok_or(SealError::DoesNotOpen)?;
    let mut plain = Zeroizing::new(text.to_vec());
    cipher
        .decrypt_inout_detached(nonce, bound, plain.as_mut_slice().into(), &Tag::from(*tag))
        .map_err(|_| SealError::DoesNotOpen)?;
    Ok(plain)
}

/// Adds a part and its length, so that no two lists of parts give the same bytes.
fn bind(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u64).to_be_bytes());
    out.extend_from_slice(part);
}

/// Where a record of the queue belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub queue_id: &'a str,
    pub source: &'a SourceName,
    pub received_at: Instant,
}

impl Place<'_> {
    fn bound(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        bind(&mut out, b"testigo queue record");
        bind(&mut out, self.queue_id.as_bytes());
        bind(&mut out, self.source.as_str().as_bytes());
        bind(&mut out, &self.received_at.timestamp_micros().to_be_bytes());
        out
    }
}

/// Seals and opens records of the queue: XChaCha20-Poly1305 under the queue's key, with a random nonce each.
#[derive(Clone)]
pub struct QueueCipher(XChaCha20Poly1305);

impl QueueCipher {
    #[must_use]
    pub fn new(key: &SecretKey) -> Self {
        Self(XChaCha20Poly1305::new((&**key).into()))
    }

    /// Seals envelopes as one record.
    pub fn seal(&self, envelopes: &[&Envelope], place: &Place<'_>) -> Result<Sealed, SealError> {
        // Room for all of it at once: a buffer that grows would leave copies of the text behind in freed memory.
        let room = envelopes.iter().map(|e| e.payload.expose().len() + 512).sum::<usize>();
        let mut out = Vec::with_capacity(1 + NONCE + room + TAG);
        out.push(FORM);
        let nonce = random::<NONCE>()?;
        out.extend_from_slice(nonce.as_slice());
        let mut out = postcard::to_extend(envelopes, out).expect("envelopes can be written to memory");
        encrypt(&self.0, (&*nonce).into(), &place.bound(), &mut out, 1 + NONCE);
        Ok(Sealed(out))
    }

    /// Opens a record.
    pub fn open(&self, sealed: &Sealed, place: &Place<'_>) -> Result<Vec<Envelope>, SealError> {
        let (form, rest) = sealed.0.split_first().ok_or(SealError::DoesNotOpen)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(SealError::DoesNotOpen)?;
        if *form != FORM {
            return Err(SealError::UnknownForm);
        }
        let plain = decrypt(&self.0, nonce.into(), &place.bound(), text)?;
        postcard::from_bytes(&plain).map_err(|_| SealError::UnknownForm)
    }
}

impl fmt::Debug for QueueCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueueCipher")
    }
}

/// The key of one batch's originals, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchKey {
    /// Random; binds the originals to their batch.
    pub id: [u8; 16],
    /// An age file that holds the key.
    pub wrapped: Vec<u8>,
}

/// Seals the originals of one batch. Microseconds each: the slow public-key work is done once, for the key.
pub struct OriginalSealer {
    key: BatchKey,
    cipher: XChaCha20Poly1305,
    sealed: AtomicU64,
}

impl OriginalSealer {
    /// Makes a key, wraps it to the recipients, and keeps it in clear only inside the cipher, which wipes it on drop.
    pub fn new(recipients: &Recipients) -> Result<Self, SealError> {
        let secret: SecretKey = random::<32>()?;
        let wrap = || -> Result<Vec<u8>, String> {
            let encryptor = age::Encryptor::with_recipients(recipients.iter()).map_err(|e| e.to_string())?;
            let mut wrapped = Vec::with_capacity(512);
            let mut writer = encryptor.wrap_output(&mut wrapped).map_err(|e| e.to_string())?;
            std::io::Write::write_all(&mut writer, secret.as_slice()).map_err(|e| e.to_string())?;
            writer.finish().map_err(|e| e.to_string())?;
            Ok(wrapped)
        };
        let key = BatchKey { id: *random::<16>()?, wrapped: wrap().map_err(SealError::Wrap)? };
        Ok(Self { key, cipher: XChaCha20Poly1305::new((&*secret).into()), sealed: AtomicU64::new(0) })
    }

    /// Seals the payload of one report. The nonce counts up, since the key is this batch's alone; several threads may seal at
    /// once, and no two get the same count.
    pub fn seal(&self, report_id: ReportId, payload: &Sensitive<Vec<u8>>) -> Sealed {
        let count = self.sealed.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut out = Vec::with_capacity(1 + count.len() + payload.expose().len() + TAG);
        out.push(FORM);
        out.extend_from_slice(&count);
        let start = out.len();
        out.extend_from_slice(payload.expose());
        encrypt(&self.cipher, &counting_nonce(count), &original_bound(&self.key.id, report_id), &mut out, start);
        Sealed(out)
    }

    /// The key as it is to be stored beside what it sealed; the key in clear is gone after this.
    #[must_use]
    pub fn finish(self) -> BatchKey {
        self.key
    }
}

impl fmt::Debug for OriginalSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OriginalSealer")
    }
}

fn counting_nonce(count: [u8; 8]) -> XNonce {
    let mut nonce = [0; NONCE];
    nonce[NONCE - count.len()..].copy_from_slice(&count);
    nonce.into()
}

fn original_bound(key_id: &[u8; 16], report_id: ReportId) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    bind(&mut out, b"testigo original");
    bind(&mut out, key_id);
    bind(&mut out, report_id.as_bytes());
    out
}

/// Opens one original: the payload as its channel handed it over.
pub fn open_original(
    identity: &Identity,
    key: &BatchKey,
    report_id: ReportId,
    sealed: &Sealed,
) -> Result<Sensitive<Vec<u8>>, SealError> {
    let secret = Zeroizing::new(age::decrypt(identity.as_age(), &key.wrapped).map_err(|_| SealError::DoesNotOpen)?);
    let secret: SecretKey = Zeroizing::new(secret.as_slice().try_into().map_err(|_| SealError::DoesNotOpen)?);
    let (form, rest) = sealed.0.split_first().ok_or(SealError::DoesNotOpen)?;
    let (count, text) = rest.split_first_chunk::<8>().ok_or(SealError::DoesNotOpen)?;
    if *form != FORM {
        return Err(SealError::UnknownForm);
    }
    let cipher = XChaCha20Poly1305::new((&*secret).into());
    let plain = decrypt(&cipher, &counting_nonce(*count), &original_bound(&key.id, report_id), text)?;
    Ok(Sensitive::new(plain.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::clock::from_micros;
    use schemas::envelope::Channel;
    use schemas::source::Settings;

    fn envelope(payload: &str) -> Envelope {
        Envelope {
            source: SourceName::parse("line-a").expect("a name"),
            channel: Channel::Http,
            external_id: Some("17".into()),
            batch: None,
            row: Some(3),
            settings: Settings::default(),
            mapped: Vec::new(),
            defect: None,
            payload: Sensitive::new(payload.as_bytes().to_vec()),
        }
    }

    #[test]
    fn a_record_opens_only_with_its_key_and_in_its_place() {
        let cipher = QueueCipher::new(&Zeroizing::new([7; 32]));
        let (a, b) = (envelope("call 555-0142"), envelope("at the court"));
        let place = Place { queue_id: "q", source: &a.source, received_at: from_micros(5) };
        let sealed = cipher.seal(&[&a, &b], &place).expect("seals");
        assert_eq!(cipher.open(&sealed, &place).expect("opens"), [a.clone(), b]);
        assert!(!sealed.as_bytes().windows(8).any(|w| w == b"555-0142"));
        assert_eq!(format!("{sealed:?}"), format!("Sealed({} bytes)", sealed.as_bytes().len()));

        let moved = Place { received_at: from_micros(6), ..place };
        assert!(matches!(cipher.open(&sealed, &moved), Err(SealError::DoesNotOpen)));
        let other = QueueCipher::new(&Zeroizing::new([8; 32]));
        assert!(matches!(other.open(&sealed, &place), Err(SealError::DoesNotOpen)));
        for cut in [0, 1, 20, sealed.as_bytes().len() - 1] {
            assert!(cipher.open(&Sealed(sealed.as_bytes()[..cut].to_vec()), &place).is_err(), "{cut} bytes");
        }
    }

    #[test]
    fn an_original_opens_for_its_recipients_and_its_report_only() {
        let identity = Identity::generate();
        let sealer = OriginalSealer::new(&identity.recipient()).expect("wraps");
        let (a, b) = (ReportId::from_bytes([1; 16]), ReportId::from_bytes([2; 16]));
        let payload = Sensitive::new(b"the same words".to_vec());
        let (sealed_a, sealed_b) = (sealer.seal(a, &payload), sealer.seal(b, &payload));
        assert_ne!(sealed_a, sealed_b);
        let key = sealer.finish();
        assert_eq!(open_original(&identity, &key, b, &sealed_b).expect("opens").expose(), payload.expose());
        assert!(open_original(&identity, &key, b, &sealed_a).is_err(), "of another report");
        assert!(open_original(&Identity::generate(), &key, a, &sealed_a).is_err(), "another identity");
        let other_batch = BatchKey { id: [0; 16], ..key };
        assert!(open_original(&identity, &other_batch, a, &sealed_a).is_err(), "of another batch");
    }
}
