//! `brief.html`: the same words as `brief.md`, on a page that runs nothing and loads nothing.

use std::collections::BTreeSet;
use std::path::Path;

use crate::common::{arrest, with_reports};

fn text(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).expect("published")
}

/// The words between the tags of a page's text, without figures and signs for citing.
fn words(page: &str) -> BTreeSet<String> {
    let body = page.split_once("<header>").expect("a header").1;
    let mut out = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        out.push(' ');
        rest = match after.strip_prefix("svg") {
            Some(figure) => figure.split_once("</svg>").expect("a figure ends").1,
            None => after.split_once('>').expect("a tag ends").1,
        };
    }
    let out = out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    out.replace("&amp;", "&").split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_page_has_every_word_and_number_of_the_text() {
    let home = with_reports();
    for language in ["en", "es"] {
        let out = home.path(language);
        home.run(&["brief", "--period", "2026-09", "--lang", language, "--out", &out]).exits(0);
        home.run(&["verify", &out]).exits(0);
        let dir = Path::new(&out);
        let (page, markdown) = (text(dir, "brief.html"), text(dir, "brief.md"));
        assert!(page.starts_with(&format!("<!DOCTYPE html>\n<html lang=\"{language}\">")));
        assert!(!markdown.contains("<!--"), "no mark is left");
        let on_page = words(&page);
        let without_images: Vec<&str> = markdown.lines().filter(|line| !line.starts_with("![")).collect();
        for word in without_images.join("\n").replace(['|', '*', '`', '#', '\\'], " ").split_whitespace() {
            let is_layout =
                word.bytes().all(|b| b"-:>".contains(&b)) || word.trim_end_matches('.').parse::<u8>().is_ok();
            let is_there = on_page.contains(word) || on_page.contains(word.trim_end_matches(','));
            assert!(is_layout || is_there, "{word} is in brief.md alone");
        }
        for forbidden in ["<script", "<link", "<img", "<iframe", " onload", "javascript:", "@import", "@font-face"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains(
            "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\""
        ));
        assert!(!page.contains("class=\"band\""));
    }
}

#[test]
fn words_that_people_gave_are_no_markup() {
    let mut home = with_reports();
    home.brief("2026-09", "first");
    home.now = Some("2026-10-25T08:00:00Z".into());
    let late = home.write("late.ndjson", format!("{}\n", arrest("late", "2026-08-20")));
    home.json(&["import", "--source", "hot", &late]);
    let out = home.path("second");
    let reason = "a </p><script>alert(1)</script> | <!-- section x --> **b** [c](http://d.example) &amp;";
    home.run(&["brief", "--period", "2026-09", "--reason", reason, "--out", &out]).exits(0);
    home.run(&["verify", &out]).exits(0);
    let page = text(Path::new(&out), "brief.html");
    let shown = "a &lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt; | &lt;!-- section x --&gt; **b** [c](http://d.example) &amp;amp;";
    assert!(page.contains(shown), "{page}");
    assert!(!page.contains("<script"));
}

#[test]
fn a_preview_says_so_on_page_and_paper() {
    let mut home = with_reports();
    home.now = Some("2026-10-01T08:00:00Z".into());
    let out = home.path("preview");
    home.run(&["brief", "--period", "2026-09", "--preview", "--lang", "es", "--out", &out]).exits(0);
    home.run(&["verify", &out]).exits(0);
    let page = text(Path::new(&out), "brief.html");
    assert!(page.contains("<div class=\"band\" aria-hidden=\"true\">Vista previa, no publicable</div>"), "{page}");
    let print = page.split_once("@media print").expect("a style for paper").1;
    assert!(print.contains(".band { position: fixed;"), "on every printed page");
}
