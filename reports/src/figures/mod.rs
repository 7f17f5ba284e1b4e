//! The figures of a brief, as SVG: made from the sheets and the header alone.
//!
//! What always holds: the same tables give the same bytes; a figure shows nothing that no table prints; a hidden number is
//! a mark, never a length or a zero; each has its title, its caveat and its date in the picture, because pictures travel
//! alone, and a text alternative; no installed font is measured.

mod bars;
mod by_month;
mod funnel;
mod map;
mod scale;
mod shapes;
mod svg;
mod tactics;
mod text;

use schemas::Language;
use schemas::time::Month;

use self::svg::{Canvas, Face, LINE, MARGIN, Paint, WIDTH};
use crate::derived::series_from;
use crate::header::Header;
use crate::sheet::{Sheets, Shown};
use crate::span::Compared;
use crate::words::{long_day, state, withheld};

/// One figure.
#[derive(Debug)]
pub(crate) struct Figure {
    /// Its file is `figures/NAME.svg`.
    pub(crate) name: &'static str,
    /// What it shows, as a heading says it. It stands in the picture too.
    pub(crate) title: String,
    /// What it shows, for whom cannot see it.
    pub(crate) alt: String,
    /// A whole SVG document, without an XML declaration.
    pub(crate) svg: String,
}

/// Every figure that the tables give something to show for, in the order of the text.
pub(crate) fn all(header: &Header, sheets: &Sheets) -> Vec<Figure> {
    let Some(view) = View::of(header, sheets) else { return Vec::new() };
    let drawn = [
        by_month::trend(&view),
        funnel::draw(&view),
        map::draw(&view),
        tactics::draw(&view),
        by_month::courthouse(&view),
    ];
    drawn.into_iter().flatten().map(|drawn| drawn.finish(&view)).collect()
}

/// What figures are made from.
struct View<'a> {
    header: &'a Header,
    sheets: &'a Sheets,
    language: Language,
    compared: Compared,
}

impl<'a> View<'a> {
    /// None where the header does not read.
    fn of(header: &'a Header, sheets: &'a Sheets) -> Option<Self> {
        let period = header.parsed_period()?;
        let compared = Compared::of(period, series_from(sheets.get("reports_month")));
        Some(Self { header, sheets, language: header.parsed_language()?, compared })
    }

    const fn say<'t>(&self, en: &'t str, es: &'t str) -> &'t str {
        match self.language {
            Language::En => en,
            Language::Es => es,
        }
    }

    /// With "in Washington" behind it in a brief of a state.
    fn here(&self, text: &str) -> String {
        match self.header.state.as_deref().and_then(|code| state(code, self.language)) {
            Some(state) => format!("{text} {} {state}", self.say("in", "en")),
            None => text.to_owned(),
        }
    }

    /// A cell as a text prints it.
    fn shown(&self, cell: Shown<'_>) -> String {
        cell.to_string().replace("withheld", withheld(self.language))
    }

    /// How the bar of a month is painted.
    fn paint(&self, month: Month) -> Paint {
        let is_late = self.header.parsed_provisional_from().is_some_and(|from| month >= from);
        if is_late { Paint::Late } else { Paint::Bar }
    }

    /// A figure that has its title, and where what comes below it begins.
    fn begin(&self, name: &'static str, title: &str) -> (Canvas, f64) {
        let mut canvas = Canvas::new(name);
        let mut y = 18.0;
        if self.header.preview {
            let text = self.say("Preview, not publishable", "Vista previa, no publicable");
            y = canvas.lines(MARGIN, y, WIDTH - 2.0 * MARGIN, Face::Strong, text) + 2.0;
        }
        let y = canvas.lines(MARGIN, y, WIDTH - 2.0 * MARGIN, Face::Title, title);
        (canvas, y + 2.0)
    }
}

/// A figure but for its last lines.
struct Drawn {
    canvas: Canvas,
    title: String,
    alt: String,
    /// What a reader could take wrongly.
    caveat: String,
    /// Where the last lines begin.
    y: f64,
}

impl Drawn {
    /// Puts below what a reader has to know who sees the figure alone.
    fn finish(self, view: &View<'_>) -> Figure {
        let Self { mut canvas, title, alt, caveat, y } = self;
        let header = view.header;
        let within = WIDTH - 2.0 * MARGIN;
        let as_of = header.parsed_as_of().map(|at| long_day(at.date_naive(), view.language)).unwrap_or_default();
        let edition = match view.language {
            Language::En => format!("testigo, edition {}, data as of {as_of}.", header.edition),
            Language::Es => format!("testigo, edición {}, datos al {as_of}.", header.edition),
        };
        let y = canvas.lines(MARGIN, y + 8.0, within, Face::Soft, &format!("{caveat} {edition}"));
        let name = canvas.name();
        let svg = canvas.finish(y - LINE + 8.0, &header.language, &title, &alt);
        Figure { name, title, alt, svg }
    }
}

#[cfg(test)]
mod tests;
