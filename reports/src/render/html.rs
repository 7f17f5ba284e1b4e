//! `brief.html`: the same text as one self-contained page, read from the marked text of [`super::markdown`].
//!
//! What always holds: every word of the brief comes from that text, so that page and `brief.md` cannot differ; the page
//! loads nothing and runs nothing, and says so to the browser; whatever is not markup that we write ourselves is escaped;
//! a section, a finding, a table, a figure and a line of a table each have a name that does not change between briefs.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use schemas::Language;
use serde::Serialize;

use super::fill;
use super::markdown::Mark;
use crate::figures::Figure;
use crate::header::Header;

/// The page around the text. Everything that is put into it is escaped before.
const PAGE: &str = include_str!("../templates/page.html");
const STYLE: &str = include_str!("../templates/page.css");

/// A table of more lines is shut until it is opened, unless its mark says otherwise.
const LONG: usize = 20;

/// Words that only a page has: they are for finding one's way and name no number.
#[derive(Serialize)]
struct Words {
    contents: &'static str,
    skip: &'static str,
    preview: &'static str,
    cite: &'static str,
    line: &'static str,
    lines: &'static str,
    /// What cells with too small a number, or one hidden for another's sake, hold: so that they look like what they are.
    withheld: &'static str,
}

const fn words(language: Language) -> Words {
    match language {
        Language::En => Words {
            contents: "Contents",
            skip: "Skip to the text",
            preview: "Preview, not publishable",
            cite: "Link to",
            line: "line",
            lines: "lines",
            withheld: "withheld",
        },
        Language::Es => Words {
            contents: "Contenido",
            skip: "Ir al texto",
            preview: "Vista previa, no publicable",
            cite: "Enlace a",
            line: "línea",
            lines: "líneas",
            withheld: "oculto",
        },
    }
}

/// What the template fills in: parts of a page, as HTML.
#[derive(Serialize)]
struct Parts<'a> {
    language: &'a str,
    title: String,
    style: &'a str,
    preview: bool,
    words: Words,
    contents: Vec<(String, String)>,
    head: &'a str,
    body: &'a str,
    foot: &'a str,
}

/// The page.
pub(crate) fn render(header: &Header, marked: &str, figures: &[Figure]) -> Result<String, String> {
    let language = header.parsed_language().ok_or("the header's language does not read")?;
    let mut writer = Writer {
        words: words(language),
        figures,
        parts: [String::new(), String::new(), String::new()],
        part: HEAD,
        in_section: false,
        section: String::new(),
        title: String::new(),
        contents: Vec::new(),
        table: None,
        findings: None,
    };
    let events: Vec<Event<'_>> = Parser::new_ext(marked, Options::ENABLE_TABLES).collect();
    let mut rest = events.as_slice();
    while let Some((event, after)) = rest.split_first() {
        rest = writer.block(event, after)?;
    }
    writer.end_section();
    let Writer { words, parts, title, contents, .. } = writer;
    let parts = Parts {
        language: language.as_str(),
        title,
        style: STYLE,
        preview: header.preview,
        words,
        contents,
        head: &parts[HEAD],
        body: &parts[BODY],
        foot: &parts[FOOT],
    };
    fill(PAGE, &parts)
}

/// Keeps text from being read as markup, in a text and in an attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Text without its elements: what an attribute can hold. It is escaped still.
fn bare(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

/// The places in the page that a text goes to.
const HEAD: usize = 0;
const BODY: usize = 1;
const FOOT: usize = 2;

/// A table, as it is read.
#[derive(Default)]
struct Table {
    name: String,
    open: bool,
    grouped: bool,
    caption: String,
    head: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Default)]
struct Row {
    code: Option<String>,
    /// A sum: its first cell is strong.
    strong: bool,
    cells: Vec<String>,
}

struct Writer<'a> {
    words: Words,
    figures: &'a [Figure],
    parts: [String; 3],
    part: usize,
    in_section: bool,
    /// The name of the section whose heading comes next.
    section: String,
    title: String,
    /// Name and heading of each section.
    contents: Vec<(String, String)>,
    /// The table whose mark was met.
    table: Option<Table>,
    /// How many findings were met in the list of them.
    findings: Option<usize>,
}

const UNKNOWN_MARKUP: &str = "the text holds markup that the page has no form for";

type Rest<'e, 'a> = &'e [Event<'a>];

impl Writer<'_> {
    fn out(&mut self) -> &mut String {
        &mut self.parts[self.part]
    }

    fn put(&mut self, html: &str) {
        self.out().push_str(html);
    }

    fn end_section(&mut self) {
        if std::mem::take(&mut self.in_section) {
            self.put("</section>\n");
        }
    }

    /// The small sign that links to a place, for who wants to cite it.
    fn anchor(&self, id: &str, to: &str) -> String {
        let (cite, to) = (self.words.cite, bare(to));
        format!("<a class=\"here\" href=\"#{id}\" aria-label=\"{cite}: {to}\">#</a>")
    }

    /// One block, and what comes after it.
    fn block<'e, 'a>(&mut self, event: &Event<'a>, rest: Rest<'e, 'a>) -> Result<Rest<'e, 'a>, String> {
        match event {
            Event::Html(comment) => {
                let mark = Mark::parse(comment).ok_or(UNKNOWN_MARKUP)?;
                self.mark(mark)?;
                Ok(rest)
            }
            Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => Ok(rest),
            Event::Start(Tag::Heading { level, .. }) => {
                let (text, rest) = inline(rest, TagEnd::Heading(*level))?;
                self.heading(*level, &text)?;
                Ok(rest)
            }
            Event::Start(Tag::Paragraph) => {
                let (text, rest) = inline(rest, TagEnd::Paragraph)?;
                match &mut self.table {
                    Some(table) if table.caption.is_empty() => {
                        table.caption = text.replace("<strong>", "").replace("</strong>", "");
                    }
                    _ => self.paragraph(&text),
                }
                Ok(rest)
            }
            Event::Start(Tag::BlockQuote(_)) => {
                self.put("<aside class=\"preview\" role=\"note\">\n");
                Ok(rest)
            }
            Event::End(TagEnd::BlockQuote(_)) => {
                self.put("</aside>\n");
                Ok(rest)
            }
            Event::Start(Tag::List(first)) => {
                self.findings = first.map(|_| 0);
                self.put(if first.is_some() { "<ol class=\"findings\">\n" } else { "<ul>\n" });
                Ok(rest)
            }
            Event::End(TagEnd::List(ordered)) => {
                self.findings = None;
                self.put(if *ordered { "</ol>\n" } else { "</ul>\n" });
                Ok(rest)
            }
            Event::Start(Tag::Item) => {
                let (text, rest) = inline(rest, TagEnd::Item)?;
                self.item(&text);
                Ok(rest)
            }
            Event::Start(Tag::Table(_)) => {
                let mut table = self.table.take().ok_or("a table of the text has no mark")?;
                let rest = table.read(rest)?;
                self.table(&table);
                Ok(rest)
            }
            _ => Err(UNKNOWN_MARKUP.into()),
        }
    }

    fn mark(&mut self, mark: Mark<'_>) -> Result<(), String> {
        match mark {
            Mark::Section(name) => {
                self.end_section();
                self.part = BODY;
                self.section = escape(name);
            }
            Mark::Footer => {
                self.end_section();
                self.part = FOOT;
            }
            Mark::Table { name, open, grouped } => {
                self.table = Some(Table { name: escape(name), open, grouped, ..Table::default() });
            }
            Mark::Figure(name) => {
                if let Some(figure) = self.figures.iter().find(|figure| figure.name == name) {
                    let (name, title) = (escape(name), escape(&figure.title));
                    let here = self.anchor(&format!("figure-{name}"), &title);
                    let svg = figure.svg.trim_end();
                    // The title stands in the picture.
                    let file = format!("figures/{name}.svg");
                    let html = format!(
                        "<figure id=\"figure-{name}\">\n{svg}\n<figcaption><a href=\"{file}\"><code>{file}</code></a> \
                         {here}</figcaption>\n</figure>\n"
                    );
                    self.put(&html);
                }
            }
            Mark::Row(_) => return Err(UNKNOWN_MARKUP.into()),
        }
        Ok(())
    }

    fn heading(&mut self, level: HeadingLevel, text: &str) -> Result<(), String> {
        match level {
            HeadingLevel::H1 => {
                self.title = bare(text);
                self.put(&format!("<h1>{text}</h1>\n"));
            }
            HeadingLevel::H2 => {
                let id = std::mem::take(&mut self.section);
                if id.is_empty() {
                    return Err("a heading of the text has no mark".into());
                }
                let here = self.anchor(&id, text);
                self.put(&format!(
                    "<section id=\"{id}\" aria-labelledby=\"{id}-h\">\n<h2><span id=\"{id}-h\">{text}</span> {here}</h2>\n"
                ));
                self.in_section = true;
                self.contents.push((id, bare(text)));
            }
            _ => return Err(UNKNOWN_MARKUP.into()),
        }
        Ok(())
    }

    /// One that is emphasised as a whole is a note.
    fn paragraph(&mut self, text: &str) {
        let note = text
            .strip_prefix("<em>")
            .and_then(|text| text.strip_suffix("</em>"))
            .filter(|inner| !inner.contains("<em>") && self.part != HEAD);
        match note {
            Some(note) => self.put(&format!("<p class=\"note\">{note}</p>\n")),
            None if self.part == HEAD => {
                let text = text.replace("<em>", "").replace("</em>", "");
                self.put(&format!("<p>{text}</p>\n"));
            }
            None => self.put(&format!("<p>{text}</p>\n")),
        }
    }

    fn item(&mut self, text: &str) {
        match &mut self.findings {
            Some(n) => {
                *n += 1;
                let id = format!("finding-{n}");
                let here = self.anchor(&id, text.split("</strong>").next().unwrap_or(text));
                self.put(&format!("<li id=\"{id}\">{text} {here}</li>\n"));
            }
            None => self.put(&format!("<li>{text}</li>\n")),
        }
    }

    fn table(&mut self, table: &Table) {
        let id = format!("table-{}", table.name);
        let here = self.anchor(&id, &table.caption);
        let html = if table.grouped { self.groups(table) } else { self.one(table) };
        self.put(&format!("<div class=\"table\" id=\"{id}\">\n{html}{here}\n</div>\n"));
    }

    /// A table that opens.
    fn one(&self, table: &Table) -> String {
        let rows: Vec<&Row> = table.rows.iter().collect();
        let open = table.open || rows.len() <= LONG;
        let grid = self.grid(table, &table.caption, &rows, true);
        self.opening(&table.caption, rows.len(), open, &grid)
    }

    /// The sums as a table, and the lines of each below it.
    fn groups(&self, table: &Table) -> String {
        let sums: Vec<&Row> = table.rows.iter().filter(|row| row.strong).collect();
        let below =
            |from: usize| -> Vec<&Row> { table.rows[from + 1..].iter().take_while(|row| !row.strong).collect() };
        let grid = self.grid(table, &table.caption, &sums, true);
        let mut html = self.opening(&table.caption, sums.len(), true, &grid);
        let groups: Vec<(&Row, Vec<&Row>)> = table
            .rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.strong)
            .map(|(at, row)| (row, below(at)))
            .filter(|(_, rows)| !rows.is_empty())
            .collect();
        for (sum, rows) in &groups {
            let name = sum.cells.first().map_or("", String::as_str);
            let id = sum.code.as_ref().map_or_else(String::new, |code| format!(" id=\"table-{}-{code}\"", table.name));
            let grid = self.grid(table, &format!("{}: {name}", table.caption), rows, false);
            let part = self.opening(name, rows.len(), groups.len() == 1, &grid);
            html.push_str(&format!("<div class=\"part\"{id}>\n{part}</div>\n"));
        }
        html
    }

    fn opening(&self, summary: &str, lines: usize, open: bool, grid: &str) -> String {
        let open = if open { " open" } else { "" };
        let unit = if lines == 1 { self.words.line } else { self.words.lines };
        format!(
            "<details{open}>\n<summary>{summary} <span class=\"size\">({lines} {unit})</span></summary>\n{grid}</details>\n"
        )
    }

    /// The table itself, in a frame that scrolls by itself.
    fn grid(&self, table: &Table, caption: &str, rows: &[&Row], with_names: bool) -> String {
        let label = bare(caption);
        let mut html = format!(
            "<div class=\"frame\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\">\n<table>\n\
             <caption>{caption}</caption>\n"
        );
        table.write_head(&mut html);
        html.push_str("<tbody>\n");
        for row in rows {
            let id = match &row.code {
                // The sums stand once; the lines below them are in no other place.
                Some(code) if with_names || !row.strong => format!(" id=\"{}-{code}\"", table.name),
                _ => String::new(),
            };
            let sum = if row.strong { " class=\"sum\"" } else { "" };
            html.push_str(&format!("<tr{id}{sum}>"));
            for (i, cell) in row.cells.iter().enumerate() {
                let hidden = cell.starts_with("&lt;") || cell == self.words.withheld;
                match (i, hidden) {
                    (0, _) => html.push_str(&format!("<th scope=\"row\">{cell}</th>")),
                    (_, true) => html.push_str(&format!("<td class=\"hidden\">{cell}</td>")),
                    (_, false) => html.push_str(&format!("<td>{cell}</td>")),
                }
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table>\n</div>\n");
        html
    }
}

impl Table {
    /// Reads up to the table's end.
    fn read<'e, 'a>(&mut self, mut rest: Rest<'e, 'a>) -> Result<Rest<'e, 'a>, String> {
        let mut in_head = false;
        while let Some((event, after)) = rest.split_first() {
            rest = after;
            match event {
                Event::Start(Tag::TableHead) => in_head = true,
                Event::End(TagEnd::TableHead) => in_head = false,
                Event::Start(Tag::TableRow) => self.rows.push(Row::default()),
                Event::End(TagEnd::TableRow) => {}
                Event::Start(Tag::TableCell) => {
                    if let Some((Event::InlineHtml(comment), after)) = rest.split_first() {
                        match (Mark::parse(comment), self.rows.last_mut()) {
                            (Some(Mark::Row(code)), Some(row)) => row.code = Some(escape(code)),
                            _ => return Err(UNKNOWN_MARKUP.into()),
                        }
                        rest = after;
                    }
                    let (text, after) = inline(rest, TagEnd::TableCell)?;
                    rest = after;
                    // A sum is strong as a line, not cell by cell.
                    let plain = text.replace("<strong>", "").replace("</strong>", "");
                    match self.rows.last_mut() {
                        _ if in_head => self.head.push(plain),
                        Some(row) => {
                            row.strong |= row.cells.is_empty() && plain != text;
                            row.cells.push(plain);
                        }
                        None => return Err(UNKNOWN_MARKUP.into()),
                    }
                }
                Event::End(TagEnd::Table) => return Ok(rest),
                _ => return Err(UNKNOWN_MARKUP.into()),
            }
        }
        Err(UNKNOWN_MARKUP.into())
    }

    /// The head: where each column is called "what, when", what it is stands once above them.
    fn write_head(&self, html: &mut String) {
        let Some((first, columns)) = self.head.split_first() else { return };
        let split: Option<Vec<(&str, &str)>> = columns.iter().map(|name| name.split_once(", ")).collect();
        let Some(split) = split.filter(|split| split.len() > 1) else {
            html.push_str(&format!("<thead>\n<tr><th scope=\"col\">{first}</th>"));
            for name in columns {
                html.push_str(&format!("<th scope=\"col\">{name}</th>"));
            }
            html.push_str("</tr>\n</thead>\n");
            return;
        };
        let mut groups: Vec<(&str, usize)> = Vec::new();
        for (what, _) in &split {
            match groups.last_mut() {
                Some((last, n)) if last == what => *n += 1,
                _ => groups.push((what, 1)),
            }
        }
        html.push_str("<colgroup></colgroup>");
        for (_, n) in &groups {
            html.push_str(&format!("<colgroup span=\"{n}\"></colgroup>"));
        }
        html.push_str(&format!("\n<thead>\n<tr><th scope=\"col\" rowspan=\"2\">{first}</th>"));
        for (what, n) in &groups {
            html.push_str(&format!("<th scope=\"colgroup\" colspan=\"{n}\">{what}</th>"));
        }
        html.push_str("</tr>\n<tr>");
        for (_, when) in &split {
            html.push_str(&format!("<th scope=\"col\">{when}</th>"));
        }
        html.push_str("</tr>\n</thead>\n");
    }
}

/// The text up to an end, and what comes after it.
fn inline<'e, 'a>(mut rest: Rest<'e, 'a>, end: TagEnd) -> Result<(String, Rest<'e, 'a>), String> {
    let mut html = String::new();
    while let Some((event, after)) = rest.split_first() {
        rest = after;
        match event {
            Event::End(tag) if *tag == end => return Ok((html, rest)),
            Event::Text(text) => html.push_str(&escape(text)),
            Event::Code(text) => {
                let text = escape(text);
                let is_file = (text.starts_with("tables/") && text.ends_with(".csv"))
                    || matches!(&*text, "datapackage.json" | "manifest.json");
                if is_file {
                    html.push_str(&format!("<a href=\"{text}\"><code>{text}</code></a>"));
                } else {
                    html.push_str(&format!("<code>{text}</code>"));
                }
            }
            Event::Start(Tag::Emphasis) => html.push_str("<em>"),
            Event::End(TagEnd::Emphasis) => html.push_str("</em>"),
            Event::Start(Tag::Strong) => html.push_str("<strong>"),
            Event::End(TagEnd::Strong) => html.push_str("</strong>"),
            // A loose list has its items as paragraphs.
            Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
            Event::SoftBreak => html.push('\n'),
            _ => return Err(UNKNOWN_MARKUP.into()),
        }
    }
    Err(UNKNOWN_MARKUP.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use analytics::results::Period;
    use schemas::clock::parse_rfc3339;

    use super::*;
    use crate::render::markdown::plain;

    fn header(preview: bool) -> Header {
        let period = Period::parse("2026-09").expect("a period");
        let as_of = parse_rfc3339("2026-10-20T12:00:00Z").expect("an instant");
        Header::new(period, as_of, "0".repeat(64), preview, Some(5))
    }

    const MARKED: &str = "# Counts of `x`, September\n\n*Edition 1.*\n\n<!-- section findings -->\n## What stands out\n\n\
        1. **Arrests: 31.** A caveat.\n2. **Nothing else.** So.\n\n*By rule.*\n\n<!-- section where -->\n## Where\n\n\
        <!-- figure map -->\n<!-- table where grouped -->\n**By state & county**\n\n\
        | place | reports, September | reports, August | arrests, September | arrests, August |\n|---|---:|---:|---:|---:|\n\
        | <!-- row WA -->**Washington** | **12** | **9** | **<5** | **withheld** |\n\
        | <!-- row 53033 -->King &lt;script&gt;alert(1)&lt;/script&gt; \\| x | 12 | 9 | <5 | withheld |\n\
        | <!-- row all -->**all** | **12** | **9** | **<5** | **withheld** |\n\n\
        <!-- table open open -->\n**More**\n\n| a | b |\n|---|---:|\n| x | 1 |\n\n- `tables/a.csv`\n\n<!-- footer -->\nCite it.\n";

    fn figure() -> Figure {
        Figure {
            name: "map",
            title: "Counties <of> September".into(),
            alt: "All of them".into(),
            svg: "<svg viewBox=\"0 0 1 1\"></svg>".into(),
        }
    }

    fn ids(page: &str) -> Vec<&str> {
        page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn a_page_holds_the_text_and_nothing_that_runs_or_loads() {
        let page = render(&header(false), MARKED, &[figure()]).expect("a page");
        assert!(!page.contains("<script") && !page.contains("<!-- "), "{page}");
        assert!(page.contains("King &lt;script&gt;alert(1)&lt;/script&gt; | x"), "{page}");
        for load in ["src=", "http:", "https:", "url(", "@import", " on"] {
            let found = page.match_indices(load).filter(|(at, _)| load != " on" || page[at + 3..].starts_with("click"));
            assert_eq!(found.count(), 0, "{load}");
        }
        assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'"));
        // Every word of brief.md is there.
        let shown = bare(page.split_once("<header>").expect("a header").1);
        for word in plain(MARKED, &[]).split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            assert!(shown.contains(word), "{word}");
        }
    }

    #[test]
    fn places_have_names_that_links_reach() {
        let page = render(&header(false), MARKED, &[figure()]).expect("a page");
        let all = ids(&page);
        let unique: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(unique.len(), all.len(), "{all:?}");
        for id in
            ["findings", "finding-2", "where", "figure-map", "table-where", "table-where-WA", "where-WA", "where-53033"]
        {
            assert!(unique.contains(id), "{id}: {all:?}");
        }
        let links: Vec<_> = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.len() > 6 && links.iter().all(|link| unique.contains(link)), "{links:?}");
    }

    #[test]
    fn a_screen_reader_finds_its_way() {
        let page = render(&header(false), MARKED, &[figure()]).expect("a page");
        for (part, times) in [
            ("<h1>", 1),
            ("<main", 1),
            ("<nav", 1),
            ("<header>", 1),
            ("<footer>", 1),
            ("<html lang=\"en\">", 1),
            ("<caption>", 3),
            ("scope=\"colgroup\" colspan=\"2\">reports</th>", 2),
            ("<th scope=\"row\">Washington</th>", 1),
            ("<td class=\"hidden\">&lt;5</td>", 3),
        ] {
            assert_eq!(page.matches(part).count(), times, "{part}\n{page}");
        }
        assert!(!page.contains("class=\"band\""));
    }

    #[test]
    fn a_preview_says_so_on_every_page() {
        let page = render(&header(true), MARKED, &[]).expect("a page");
        assert!(page.contains("<div class=\"band\" aria-hidden=\"true\">Preview, not publishable</div>"));
        assert!(!page.contains("<figure"), "a figure that is not there is left out");
    }

    #[test]
    fn markup_that_is_not_ours_is_an_error() {
        for text in ["<b>x</b>\n", "## No mark\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "[a](https://example.org)\n"] {
            assert!(render(&header(false), text, &[]).is_err(), "{text}");
        }
    }
}
