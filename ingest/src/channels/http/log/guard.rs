//! What keeps other sites out of `/log`: where a request comes from, cookies, headers.
//!
//! What always holds: every answer forbids scripts, frames, foreign loads, caching and referrers; a request that a
//! browser says comes from another site changes nothing.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, header};

use super::session::Cookie;

/// The cookie of a session.
pub(super) const SESSION: &str = "testigo_log";
/// The cookie of a form to log in with. It is another one, so that a visit that comes without the session's cookie (by a
/// link on another site: `SameSite=Strict`) does not replace that cookie.
pub(super) const LOGIN: &str = "testigo_log_in";

/// What a browser says of where a form comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    /// A page of ours.
    Ours,
    /// It says nothing that can be used. The cookie (`SameSite=Strict`) and the form's token have to tell.
    Unsaid,
    Foreign,
}

/// Reads `Sec-Fetch-Site` and `Origin`. Our pages forbid referrers, so a browser writes `Origin: null` on their forms.
pub(super) fn site(headers: &HeaderMap) -> Site {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let origin = match text("origin") {
        None | Some("null") => Site::Unsaid,
        Some(origin) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            // A browser lets no other site set either header.
            let ours = [text("host"), text("x-forwarded-host")];
            if host.is_some() && ours.contains(&host) { Site::Ours } else { Site::Foreign }
        }
    };
    match (text("sec-fetch-site"), origin) {
        (_, Site::Foreign) => Site::Foreign,
        (Some("same-origin"), _) => Site::Ours,
        (Some(_), _) => Site::Foreign,
        (None, origin) => origin,
    }
}

/// Whether the browser's connection is TLS, as far as the proxy before us says.
pub(super) fn by_tls(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let forwarded = text("forwarded").to_ascii_lowercase();
    text("x-forwarded-proto").eq_ignore_ascii_case("https")
        || forwarded.split([';', ',']).any(|part| matches!(part.trim(), "proto=https" | "proto=\"https\""))
}

/// The cookie of that name.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<Cookie> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| if key == name { Cookie::parse(value) } else { None })
}

/// Gives a cookie, or takes it back. Without `Max-Age` it ends with the browser; the server ends it before.
pub(super) fn give(headers: &mut HeaderMap, name: &str, cookie: Option<&Cookie>, secure: bool) {
    let secure = if secure { "; Secure" } else { "" };
    let (value, age) = cookie.map_or((String::new(), "; Max-Age=0"), |cookie| (cookie.text(), ""));
    let text = format!("{name}={value}; Path=/log; HttpOnly; SameSite=Strict{age}{secure}");
    headers.append(header::SET_COOKIE, HeaderValue::try_from(text).expect("hexadecimal digits and plain words"));
}

/// The policy of a page whose one style sheet carries this nonce; of a page without one where there is none.
pub(super) fn policy(nonce: Option<&str>) -> HeaderValue {
    let style = nonce.map(|nonce| format!("style-src 'nonce-{nonce}'; ")).unwrap_or_default();
    let policy = format!("default-src 'none'; {style}form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
    HeaderValue::try_from(policy).expect("hexadecimal digits and plain words")
}

/// Puts the headers on an answer of `/log` that all of them have.
pub(super) fn harden(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| policy(None));
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_form_is_ours_another_sites_or_unsaid() {
        let host = ("host", "127.0.0.1:8080");
        for (pairs, expected) in [
            (vec![host], Site::Unsaid),
            (vec![host, ("origin", "null")], Site::Unsaid),
            (vec![host, ("origin", "null"), ("sec-fetch-site", "same-origin")], Site::Ours),
            (vec![host, ("origin", "http://127.0.0.1:8080")], Site::Ours),
            (vec![host, ("origin", "https://log.example.org"), ("x-forwarded-host", "log.example.org")], Site::Ours),
            (vec![host, ("origin", "http://127.0.0.1:9999")], Site::Foreign),
            (vec![host, ("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")], Site::Foreign),
            (vec![host, ("origin", "null"), ("sec-fetch-site", "cross-site")], Site::Foreign),
            (vec![host, ("sec-fetch-site", "same-site")], Site::Foreign),
            (vec![host, ("sec-fetch-site", "none")], Site::Foreign),
            (vec![("origin", "evil")], Site::Foreign),
        ] {
            assert_eq!(site(&headers(&pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn tls_is_told_by_the_proxy() {
        assert!(by_tls(&headers(&[("x-forwarded-proto", "https")])));
        assert!(by_tls(&headers(&[("forwarded", "for=1.2.3.4;proto=https;by=x")])));
        assert!(!by_tls(&headers(&[("x-forwarded-proto", "http")])) && !by_tls(&headers(&[])));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let cookie = Cookie::random().expect("random bytes");
        let line = format!("a=b; {LOGIN}=zz; {SESSION}={}; x", cookie.text());
        let mut map = HeaderMap::new();
        map.insert(header::COOKIE, HeaderValue::try_from(line).expect("plain"));
        assert_eq!(super::cookie(&map, SESSION).map(|c| c.text()), Some(cookie.text()));
        assert!(super::cookie(&map, LOGIN).is_none());
        let mut given = HeaderMap::new();
        give(&mut given, SESSION, None, true);
        let text = given[header::SET_COOKIE].to_str().expect("plain");
        assert_eq!(text, "testigo_log=; Path=/log; HttpOnly; SameSite=Strict; Max-Age=0; Secure");
    }
}
