//! Signed briefs: `keys signing`, `brief` with a key in the configuration, `verify --key`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::common::{Home, arrest, files};

const PASSWORD: &str = "a password of the tests";

/// A store with reports of a month, and a key; its public key.
fn signing_home() -> (Home, String) {
    let home = Home::new();
    home.source("hot");
    let reports: Vec<String> =
        (1..=14).map(|n| arrest(&format!("r{n}"), &format!("2026-09-{n:02}")).to_string()).collect();
    let file = home.write("a.ndjson", reports.join("\n"));
    home.json(&["import", "--source", "hot", &file]);
    fs::write(home.data().join("keys/signing.password"), format!("{PASSWORD}\n")).expect("written");
    let (key, password) = (home.data().join("keys/signing.key"), home.data().join("keys/signing.password"));
    let (key, password) = (key.to_str().expect("UTF-8"), password.to_str().expect("UTF-8"));
    let made = home.run(&["keys", "signing", "--out", key, "--password-file", password]).exits(0).hides(PASSWORD);
    let mode = fs::metadata(key).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    home.run(&["keys", "signing", "--out", key]).exits(2).says(&["exists"]);
    let settings = "[publish]\nsigning_key = \"keys/signing.key\"\nsigning_password_file = \"keys/signing.password\"\npublic_key \
                    = \"keys/signing.key.pub\"\n";
    fs::write(home.data().join("testigo.toml"), settings).expect("written");
    (home, made.stdout.trim().to_owned())
}

#[test]
fn a_signed_brief_verifies_by_its_key_and_by_no_other() {
    let (home, public) = signing_home();
    let dir = home.brief("2026-09", "brief");
    let out = dir.to_str().expect("UTF-8");
    let text = fs::read_to_string(dir.join("manifest.json.minisig")).expect("signed");
    assert!(
        text.contains("\ntrusted comment: testigo brief of 2026-09, everywhere, en, edition 1, data as of "),
        "{text}"
    );
    // The same bytes again, signature and all.
    assert!(files(&dir) == files(&home.brief("2026-09", "again")));
    // By letters, and by file; from any machine.
    let stranger = Home::bare();
    let found = stranger.run(&["verify", "--key", &public, out]).exits(0).stdout;
    assert!(found.contains("ok   the signature is good: made with the key that was given"), "{found}");
    let file = home.data().join("keys/signing.key.pub");
    stranger.run(&["verify", "--key", file.to_str().expect("UTF-8"), out]).exits(0);
    // Another key; no key at all.
    let other = stranger.path("other.key");
    let other = stranger.run(&["keys", "signing", "--out", &other]).exits(0).says(&["no password"]).stdout;
    let found = stranger.run(&["verify", "--key", other.trim(), out]).exits(1).stdout;
    assert!(
        found.contains("FAIL the signature is good: manifest.json.minisig: it was made with another key"),
        "{found}"
    );
    stranger.run(&["verify", "--key", "no-such-key", out]).exits(2).says(&["56 letters"]);
    // Changed, in the manifest (put right in all else) or in the signature.
    let manifest = dir.join("manifest.json");
    let whole = fs::read_to_string(&manifest).expect("there");
    fs::write(&manifest, whole.replacen("\"edition\": 1", "\"edition\": 2", 1)).expect("written");
    let found = home.run(&["verify", "--key", &public, out]).exits(1).stdout;
    assert!(
        found.contains("FAIL the signature is good: manifest.json.minisig: it is not that of this manifest"),
        "{found}"
    );
    fs::write(&manifest, &whole).expect("restored");
    let signature = dir.join("manifest.json.minisig");
    fs::write(&signature, text.replacen("edition 1", "edition 2", 1)).expect("written");
    home.run(&["verify", out]).exits(1);
    // Taken away: found by the manifest too.
    fs::remove_file(&signature).expect("removed");
    let found = home.run(&["verify", "--key", &public, out]).exits(1).stdout;
    assert!(found.contains("manifest.json.minisig is missing"), "{found}");
    home.run(&["verify", out]).exits(1);
}

#[test]
fn an_unsigned_brief_is_none_where_a_signature_is_asked_for() {
    let (home, public) = signing_home();
    fs::write(home.data().join("testigo.toml"), "").expect("written");
    let out = home.brief("2026-09", "brief");
    let found = home.run(&["verify", "--key", &public, out.to_str().expect("UTF-8")]).exits(1).stdout;
    assert!(
        found.contains("FAIL the signature is good: manifest.json.minisig is missing: nobody signed this"),
        "{found}"
    );
}

#[test]
fn a_key_that_cannot_be_used_publishes_nothing() {
    let (home, _) = signing_home();
    let out = home.path("brief");
    let brief = ["brief", "--period", "2026-09", "--out", &out];
    let settings = home.data().join("testigo.toml");
    let whole = fs::read_to_string(&settings).expect("there");
    let refused = |settings_now: String, says: &str| {
        fs::write(&settings, settings_now).expect("written");
        home.run(&brief).exits(2).says(&["publish.signing_key", says]).hides(PASSWORD);
        assert!(!Path::new(&out).exists());
    };
    refused(whole.replace("signing_password_file", "# "), "encrypted");
    let other = home.path("other.key");
    home.run(&["keys", "signing", "--out", &other]).exits(0);
    refused(whole.replace("keys/signing.key.pub", &format!("{other}.pub")), "not the pair");
    fs::write(home.data().join("keys/signing.password"), "another\n").expect("written");
    refused(whole, "not that of this key");
    // A preview is not signed, so it needs no key.
    home.run(&["brief", "--period", "2026-09", "--preview", "--out", &out]).exits(0);
    assert!(!Path::new(&out).join("manifest.json.minisig").exists());
}
