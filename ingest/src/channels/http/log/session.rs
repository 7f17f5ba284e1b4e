//! Who is logged in to `/log`.
//!
//! What always holds: a cookie holds 32 random bytes and nothing else; the server keeps their SHA-256, so that its memory
//! does not hold cookies; a session ends after [`LENGTH`], at log out, and when its source's token is revoked or changed;
//! a source has at most [`MOST`] sessions and a session remembers at most [`REMEMBERED`] forms, so memory is bounded.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use schemas::Instant;
use schemas::ids::{ContentHash, ReportId};
use schemas::source::{Source, SourceName};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::super::SourceBook;

/// A working day.
pub(super) const LENGTH: TimeDelta = TimeDelta::hours(12);
/// How many sessions one source may have; one more ends the oldest.
const MOST: usize = 64;
/// How many sent forms a session remembers.
const REMEMBERED: usize = 64;

/// What a cookie holds: 32 random bytes, written as 64 hexadecimal digits. It names a session, or a form to log in with.
pub(super) struct Cookie([u8; 32]);

impl Cookie {
    /// A new one; none when the system has no random bytes to give.
    pub(super) fn random() -> Option<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).ok().map(|()| Self(bytes))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f')) {
            return None;
        }
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    pub(super) fn text(&self) -> String {
        hex(&self.0)
    }

    /// What every form that is sent with this cookie holds. Only who can read the page or the cookie knows it, and it
    /// does not tell the cookie. Nothing has to be remembered for it, so a form outlives a restart of the server.
    pub(super) fn form_token(&self) -> String {
        hex(&digest(b"testigo /log form", &self.0))
    }

    /// Whether a form's token is the one of this cookie; the time tells nothing of where they differ.
    pub(super) fn fits(&self, form_token: &str) -> bool {
        self.form_token().as_bytes().ct_eq(form_token.as_bytes()).into()
    }

    fn key(&self) -> [u8; 32] {
        digest(b"testigo /log session", &self.0)
    }
}

fn digest(purpose: &[u8], bytes: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(purpose).chain_update(bytes).finalize().into()
}

/// Random bytes that name one form, so that sending it twice counts once: 32 hexadecimal digits.
pub(super) fn form_id() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok().map(|()| hex(&bytes))
}

/// Whether it can be one of [`form_id`].
pub(super) fn is_form_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}

/// The id of what a form was used for a second time: the same for the same words, so that this too counts once.
pub(super) fn next_form_id(form_id: &str, content: &ContentHash) -> String {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(b"testigo /log next")
        .chain_update(form_id)
        .chain_update(content.as_bytes())
        .finalize()
        .into();
    hex(&digest[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes more text");
        text
    })
}

/// A form that was accepted in this session.
#[derive(Clone)]
pub(super) struct Sent {
    /// Counts the session's forms from 1: what an address may show.
    pub(super) number: u64,
    pub(super) form_id: String,
    pub(super) content: ContentHash,
    pub(super) receipt: ReportId,
    /// How often the same form came again with the same content.
    pub(super) repeats: u32,
}

struct Session {
    source: SourceName,
    /// Of the token that it was opened with. While a source in force has this token, the session is good.
    token_sha256: [u8; 32],
    ends: Instant,
    forms: u64,
    sent: VecDeque<Sent>,
}

/// The sessions of this process. A restart ends them all.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

impl Sessions {
    fn all(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session under a new cookie.
    pub(super) fn open(&self, source: &Source, now: Instant) -> Option<Cookie> {
        let (cookie, token_sha256) = (Cookie::random()?, source.token_sha256?);
        let mut all = self.all();
        all.retain(|_, session| session.ends > now);
        if all.values().filter(|s| s.source == source.name).count() >= MOST {
            let own = all.iter().filter(|(_, s)| s.source == source.name);
            let oldest = own.min_by_key(|(_, s)| s.ends).map(|(key, _)| *key);
            oldest.and_then(|key| all.remove(&key));
        }
        let session =
            Session { source: source.name.clone(), token_sha256, ends: now + LENGTH, forms: 0, sent: VecDeque::new() };
        all.insert(cookie.key(), session);
        Some(cookie)
    }

    /// The source of a session that is good now.
    pub(super) fn source(&self, cookie: &Cookie, book: &SourceBook, now: Instant) -> Option<Arc<Source>> {
        let mut all = self.all();
        let session = all.get(&cookie.key())?;
        let source = book.by_digest(&session.token_sha256).filter(|_| session.ends > now);
        if source.is_none() {
            all.remove(&cookie.key());
        }
        source
    }

    pub(super) fn close(&self, cookie: &Cookie) {
        self.all().remove(&cookie.key());
    }

    /// What became of a form that this session sent before.
    pub(super) fn sent(&self, cookie: &Cookie, form_id: &str) -> Option<Sent> {
        self.all().get(&cookie.key())?.sent.iter().find(|sent| sent.form_id == form_id).cloned()
    }

    /// The form of that number.
    pub(super) fn numbered(&self, cookie: &Cookie, number: u64) -> Option<Sent> {
        self.all().get(&cookie.key())?.sent.iter().find(|sent| sent.number == number).cloned()
    }

    /// Remembers an accepted form; returns its number. None where the session ended meanwhile.
    pub(super) fn remember(
        &self,
        cookie: &Cookie,
        form_id: &str,
        content: ContentHash,
        receipt: ReportId,
    ) -> Option<u64> {
        let mut all = self.all();
        let session = all.get_mut(&cookie.key())?;
        if let Some(sent) = session.sent.iter_mut().find(|sent| sent.form_id == form_id) {
            sent.repeats = if sent.content == content { sent.repeats.saturating_add(1) } else { 0 };
            sent.content = content;
            return Some(sent.number);
        }
        session.forms += 1;
        session.sent.push_back(Sent {
            number: session.forms,
            form_id: form_id.to_owned(),
            content,
            receipt,
            repeats: 0,
        });
        if session.sent.len() > REMEMBERED {
            session.sent.pop_front();
        }
        Some(session.forms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, token: &str) -> Source {
        crate::channels::http::sources::tests::source(name, token, false)
    }

    fn at(minutes: i64) -> Instant {
        schemas::clock::from_micros(1_790_000_000_000_000) + TimeDelta::minutes(minutes)
    }

    #[test]
    fn a_cookie_reads_back_and_nothing_else_is_one() {
        let cookie = Cookie::random().expect("random bytes");
        let same = Cookie::parse(&cookie.text()).expect("reads");
        assert!(same.fits(&cookie.form_token()));
        assert!(!cookie.text().contains(&cookie.form_token()) && !cookie.form_token().contains(&cookie.text()));
        assert!(!Cookie::random().expect("random bytes").fits(&cookie.form_token()));
        for bad in ["", "ab", &"g".repeat(64), &"A".repeat(64), &"é".repeat(32), &"a".repeat(65)] {
            assert!(Cookie::parse(bad).is_none(), "{bad}");
            assert!(!cookie.fits(bad));
        }
    }

    #[test]
    fn a_session_ends_by_time_by_log_out_and_with_its_token() {
        let (book, sessions) = (SourceBook::default(), Sessions::default());
        let line = source("line", "a");
        book.replace(vec![line.clone()]);
        let cookie = sessions.open(&line, at(0)).expect("opened");
        assert!(sessions.source(&cookie, &book, at(719)).is_some());
        assert!(sessions.source(&cookie, &book, at(720)).is_none(), "twelve hours");
        assert!(sessions.source(&cookie, &book, at(0)).is_none(), "what ended stays ended");

        let cookie = sessions.open(&line, at(0)).expect("opened");
        sessions.close(&cookie);
        assert!(sessions.source(&cookie, &book, at(1)).is_none());

        let cookie = sessions.open(&line, at(0)).expect("opened");
        book.replace(vec![Source { revoked: true, ..line.clone() }]);
        assert!(sessions.source(&cookie, &book, at(1)).is_none());
        book.replace(vec![line]);
        assert!(sessions.source(&cookie, &book, at(1)).is_none());
    }

    #[test]
    fn one_source_cannot_fill_the_memory_or_end_the_sessions_of_another() {
        let (book, sessions) = (SourceBook::default(), Sessions::default());
        let (line, clinic) = (source("line", "a"), source("clinic", "b"));
        book.replace(vec![line.clone(), clinic.clone()]);
        let other = sessions.open(&clinic, at(0)).expect("opened");
        let opened: Vec<Cookie> = (0..200).map(|n| sessions.open(&line, at(n)).expect("opened")).collect();
        assert_eq!(sessions.all().len(), MOST + 1);
        let good = |cookie: &Cookie| sessions.source(cookie, &book, at(200)).is_some();
        assert!(good(&other) && good(&opened[199]) && !good(&opened[0]));
        for _ in 0..200 {
            let content = ContentHash::from_bytes([1; 16]);
            let id = form_id().expect("random bytes");
            sessions.remember(&other, &id, content, ReportId::from_bytes([2; 16])).expect("a session");
        }
        assert!(sessions.numbered(&other, 200).is_some() && sessions.numbered(&other, 100).is_none());
    }

    #[test]
    fn a_form_that_comes_again_keeps_its_number() {
        let sessions = Sessions::default();
        let cookie = sessions.open(&source("line", "a"), at(0)).expect("opened");
        let send = |id: &str, content: u8| {
            let hash = ContentHash::from_bytes([content; 16]);
            sessions.remember(&cookie, id, hash, ReportId::from_bytes([2; 16])).expect("a session")
        };
        assert_eq!((send("a", 1), send("b", 1), send("a", 1)), (1, 2, 1));
        assert_eq!(sessions.sent(&cookie, "a").expect("sent").repeats, 1);
        assert!(sessions.sent(&cookie, "c").is_none());
    }
}
