//! The figures of one count by month, the same month of the year before behind each: reports of events, and those at
//! courthouses.

use analytics::results::{ALL, UNKNOWN};

use super::bars::{self, Plot, Series};
use super::scale::Scale;
use super::svg::{Face, MARGIN, Paint, WIDTH};
use super::{Drawn, View};
use crate::sheet::Shown;
use crate::words::{capital, long_month, period};

const HEIGHT: f64 = 130.0;

/// Reports of events.
pub(super) fn trend(view: &View<'_>) -> Option<Drawn> {
    let keys = [("event_kind", ALL)];
    let series = Series::of(view, view.sheets.get("reports_month"), &keys, &keys, "reports");
    let title = view.here(view.say("Reports of events by month", "Reportes de hechos por mes"));
    draw(view, "trend", &series, title)
}

/// Reports of events at courthouses.
pub(super) fn courthouse(view: &View<'_>) -> Option<Drawn> {
    let sheet = view.sheets.get("setting_month");
    let series = Series::of(view, sheet, &[("setting", "courthouse")], &[("setting", UNKNOWN)], "reports");
    let title = view.say("Reports of events at courthouses by month", "Reportes de hechos en cortes por mes");
    draw(view, "courthouse", &series, view.here(title))
}

fn draw(view: &View<'_>, name: &'static str, series: &Series<'_>, title: String) -> Option<Drawn> {
    if !series.says_something() {
        return None;
    }
    let (mut canvas, y) = view.begin(name, &title);
    let compared = &view.compared;
    let told: Vec<String> = compared
        .spans()
        .map(|span| (span, series.over(span)))
        .filter(|(_, cell)| *cell != Shown::None)
        .map(|(span, cell)| format!("{}: {}", capital(&period(span, view.language)), view.shown(cell)))
        .collect();
    let y = canvas.lines(
        MARGIN,
        y,
        WIDTH - 2.0 * MARGIN,
        Face::Plain,
        &told.join("; ").replace(' ', "\u{a0}").replace(";\u{a0}", "; "),
    );
    let mut entries = vec![(Paint::Bar, view.say("each month", "cada mes").to_owned())];
    if series.has_year_before() {
        entries.push((Paint::Behind, view.say("the same month a year before", "el mismo mes un año antes").to_owned()));
    }
    entries.extend(bars::legend(view, &[series]));
    let y = canvas.legend(&entries, y);
    let scale = Scale::holding(series.largest(), 4);
    let plot = Plot { area: bars::full_width(scale, y, HEIGHT), scale };
    plot.grid(&mut canvas);
    plot.bars(&mut canvas, view, series, true);
    let y = plot.calendar(&mut canvas, view, series);
    let caveat = view.say(
        "Counts are reports: not people, not confirmed events. Each is in the month of its event.",
        "Se cuentan reportes: no personas, ni hechos confirmados. Cada uno está en el mes del hecho.",
    );
    let mut alt = format!("{}. {}.", bars::stretch(view, &title), told.join("; "));
    if let Some((month, n)) = series.highest() {
        let highest = view.say("The highest month that shows", "El mes más alto que se ve");
        alt.push_str(&format!(" {highest}: {}, {}.", long_month(month, view.language), view.shown(n)));
    }
    alt.push_str(&bars::notes(view, &[series]));
    Some(Drawn { canvas, title, alt, caveat: caveat.to_owned(), y })
}
