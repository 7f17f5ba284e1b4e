//! The tactics that are told of most, each by month, all on one scale.

use std::cmp::Reverse;

use analytics::results::UNKNOWN;
use schemas::Language;
use schemas::taxonomy;

use super::bars::{self, Plot, Series};
use super::scale::Scale;
use super::svg::{Anchor, Area, Face, LINE, MARGIN, Paint, WIDTH};
use super::{Drawn, View};
use crate::sheet::{Shown, thousands};
use crate::words::{capital, in_period, of_period};

const MOST: usize = 6;
const COLUMNS: usize = 2;
/// Between two columns, and between two rows.
const GAP: f64 = 16.0;
const HEIGHT: f64 = 50.0;

pub(super) fn draw(view: &View<'_>) -> Option<Drawn> {
    let sheet = view.sheets.get("tactic_month");
    let codes = taxonomy::axis("tactics").map_or(&[][..], |axis| axis.codes).iter().filter(|info| info.code != UNKNOWN);
    let mut told: Vec<(String, Series<'_>)> = codes
        .map(|info| {
            let series = Series::of(view, sheet, &[("tactic", info.code)], &[("tactic", UNKNOWN)], "reports");
            (capital(info.label.get(view.language)), series)
        })
        .filter(|(_, series)| series.says_something())
        .collect();
    if told.is_empty() {
        return None;
    }
    let this = view.compared.this;
    // A hidden number ranks below every shown one, above zero.
    let rank = |series: &Series<'_>| match series.over(this) {
        Shown::Number(n) => (n, false),
        cell => (0, cell != Shown::None),
    };
    told.sort_by_key(|(_, series)| Reverse((rank(series), series.told())));
    told.truncate(MOST);
    let scale = Scale::holding(told.iter().map(|(_, series)| series.largest()).max().unwrap_or(0), 2);
    let title = view.here(view.say("The tactics most reported, by month", "Las tácticas más reportadas, por mes"));
    let (mut canvas, y) = view.begin("tactics", &title);
    let all: Vec<&Series<'_>> = told.iter().map(|(_, series)| series).collect();
    let scaled = match view.language {
        Language::En => format!("All on one scale: each upper line is {} reports a month.", thousands(scale.top)),
        Language::Es => {
            format!("Todas en la misma escala: cada línea de arriba es {} reportes al mes.", thousands(scale.top))
        }
    };
    let within = WIDTH - 2.0 * MARGIN;
    let number =
        format!("{} {}", view.say("The numbers are those", "Los números son los"), of_period(this, view.language));
    let y = canvas.lines(MARGIN, y, within, Face::Plain, &format!("{scaled} {number}."));
    let entries = bars::legend(view, &all);
    let y = if entries.is_empty() { y } else { canvas.legend(&entries, y) };
    let mut y = y + 5.0;
    let width = (within - GAP) / 2.0;
    for row in told.chunks(COLUMNS) {
        // The names of a row end on one line.
        let number = |series: &Series<'_>| view.shown(series.over(this));
        let names = |(name, series): &(String, Series<'_>)| {
            Face::Plain.wrap(name, width - Face::Strong.width(&number(series)) - 6.0)
        };
        let lines =
            row.iter().map(|told| names(told).iter().zip(1..).map(|(_, n)| n).max().unwrap_or(1)).max().unwrap_or(1);
        let mut below = y;
        for (told, x) in row.iter().zip([MARGIN, MARGIN + width + GAP]) {
            let (_, series) = told;
            let names = names(told);
            let last = y + LINE * f64::from(lines - 1);
            for (name, up) in names.iter().rev().zip(0..) {
                canvas.text(x, last - LINE * f64::from(up), Anchor::Start, Face::Plain, name);
            }
            canvas.text(x + width, last, Anchor::End, Face::Strong, &number(series));
            let area = Area { x, y: last + 8.0, width, height: HEIGHT };
            let plot = Plot { area, scale };
            canvas.level(Paint::Rule, x, area.right(), area.y);
            plot.bars(&mut canvas, view, series, false);
            below = plot.ends(&mut canvas, view, series);
        }
        y = below + GAP;
    }
    let caveat = view.say(
        "A report can tell of several tactics. One that does not mention a tactic does not rule it out.",
        "Un reporte puede hablar de varias tácticas. Que no mencione una no la descarta.",
    );
    let list: Vec<String> = told
        .iter()
        .map(|(name, series)| (name, series.over(this)))
        .filter(|(_, cell)| *cell != Shown::None)
        .map(|(name, cell)| format!("{name}: {}", view.shown(cell)))
        .collect();
    let mut alt = format!("{}.", bars::stretch(view, &title));
    if !list.is_empty() {
        alt.push_str(&format!(" {}: {}.", capital(&in_period(this, view.language)), list.join("; ")));
    }
    alt.push_str(&bars::notes(view, &all));
    Some(Drawn { canvas, title, alt, caveat: caveat.to_owned(), y: y - GAP })
}
