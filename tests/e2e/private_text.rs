//! Private text is nowhere in clear: not in a file of the data directory, not in an output, not in a log.

use serde_json::json;

use crate::common::{Home, Sender, Server, files, until};

/// Invented words that no code of ours has; each stands in another private field, those of narratives as a surname there.
const MARKERS: &[&str] = &["Zqxnarrativa", "zqxcontacto", "zqxlugar", "zqxcuando", "Zqxfile", "zqxreject", "Zqxhttp"];

#[test]
fn no_marker_of_private_text_is_found_anywhere() {
    let home = Home::new();
    let token = home.source("hot");
    let narrative =
        |word: &str| format!("Marisol {word} called from 206-555-0147, they took her brother Ramiro {word}");
    let report = |id: &str, word: &str| {
        json!({
            "external_id": id, "event_kind": "arrest", "narrative": narrative(word), "contact": "zqxcontacto 555-0101",
            "place": "by the zqxlugar, Seattle, WA", "occurred": "2026-09-01"
        })
    };
    let mut vague = report("2", "Zqxnarrativa");
    vague["occurred"] = json!("around zqxcuando");
    let bad = json!({"external_id": "3", "event_kind": "zqxreject", "narrative": narrative("Zqxreject")});
    let file = home.write("a.ndjson", format!("{}\n{vague}\n{bad}\n{{\"zqxreject\n", report("1", "Zqxfile")));

    let loud = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("RUST_LOG", "trace").env("TESTIGO__EXPORT__NARRATIVES", "true");
        let ran = crate::common::run(command);
        ran.stdout + &ran.stderr
    };
    let mut said = loud(&["import", "--source", "hot", &file]);
    said += &loud(&["--json", "import", "--source", "hot", "--enqueue-only", &file]);
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "trace");
    let server = Server::spawn(command);
    let sender = Sender::new(&token);
    let (status, _) = sender.post(&server.url, report("4", "Zqxhttp").to_string(), &[]);
    assert_eq!(status, 202);
    let (_, refused) = sender.post(&server.url, bad.to_string(), &[]);
    let (_, metrics) = sender.get(&server.url, "/metrics");
    // While it is under way, and the log of the queue still holds it.
    let under_way = files(home.data());
    until("all is coded", || home.status()["waiting"] == json!(0));
    let (code, log) = server.end();
    assert_eq!(code, Some(0));
    said += &loud(&["dead-letters", "list"]);
    said += &loud(&["dead-letters", "show", "1"]);
    said += &loud(&["dead-letters", "retry"]);
    said += &loud(&["snapshot"]);
    said += &loud(&["status"]);
    said += &loud(&["brief", "--period", "2026-09", "--out", &home.path("brief")]);
    for format in ["csv", "ndjson"] {
        said += &loud(&["export", "reports", "--format", format, "--history", "--out", &home.path(format)]);
        said += &loud(&["export", "rejects", "--format", format, "--out", &home.path(&format!("rejects.{format}"))]);
        said += &std::fs::read_to_string(home.path(format)).expect("exported");
        said += &std::fs::read_to_string(home.path(&format!("rejects.{format}"))).expect("exported");
    }
    said += &format!("{refused}{metrics}{log}");
    let published = files(std::path::Path::new(&home.path("brief")));
    let stored = files(home.data());
    assert!(stored.len() > 8 && said.contains("bad_code"), "there is something to look through");
    for marker in MARKERS {
        assert!(!said.to_lowercase().contains(&marker.to_lowercase()), "{marker} was said");
        for (path, bytes) in under_way.iter().chain(&stored).chain(&published) {
            let found = bytes.windows(marker.len()).any(|w| w.eq_ignore_ascii_case(marker.as_bytes()));
            assert!(!found, "{marker} stands in {}", path.display());
        }
    }
    // It is not gone: who holds the identity opens it.
    let id = home.history()[0]["report_id"].as_str().expect("an id").to_owned();
    let opened = home.run(&["keys", "open", "--identity", &home.path("identity.txt"), "--report", &id]).exits(0);
    assert!(opened.stdout.contains("Zqx"), "the original opens whole");
    // What is stored of it is what may be: the words between.
    assert!(said.contains("[PERSON] called from [PHONE]"), "the redacted narrative is exported");
}
