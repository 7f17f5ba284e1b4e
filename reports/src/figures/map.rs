//! The map of counties: of the state that a brief is of, or of all, with the states of most reports beside it, larger.
//!
//! What always holds: numbers, small hidden numbers, withheld ones and silence look different, in shape as in colour; a
//! county's letter lies on no other text.

use std::cmp::Reverse;
use std::collections::HashMap;

use analytics::results::{ALL, UNKNOWN};
use schemas::geography::{county, state_by_fips};

use super::shapes::{Atlas, Frame, Shape};
use super::svg::{Area, Canvas, Face, LINE, MARGIN, Paint, WIDTH};
use super::{Drawn, View};
use crate::sheet::{Shown, thousands};
use crate::words::{in_period, state, withheld};

/// Between two panels.
const GAP: f64 = 16.0;
/// How many states stand beside the map, and of how many counties each, or the one state of a brief, tells the number.
const MOST_PANELS: usize = 4;
const MOST_LETTERS: usize = 6;
const MOST_LETTERS_OF_STATE: usize = 12;
/// How many classes of numbers at most.
const MOST_CLASSES: usize = 5;
/// Islands that lie too far away for the map of all: American Samoa, Guam, the Northern Marianas.
const FAR: [&str; 3] = ["60", "66", "69"];

/// What counties told of in the period.
struct Told<'a> {
    /// By FIPS code; without zeros.
    counties: HashMap<&'a str, Shown<'a>>,
    /// The lower bound of each class, ascending.
    classes: Vec<i64>,
    largest: i64,
}

impl<'a> Told<'a> {
    fn of(view: &View<'a>) -> Self {
        let sheet = view.sheets.get("county_month");
        let month = view.compared.this.last.to_string();
        let rows =
            sheet.with(&[("month", &month)]).map(|row| (sheet.text(row, "state"), sheet.text(row, "county_fips")));
        let counties: HashMap<&str, Shown<'_>> = rows
            .filter(|(_, fips)| *fips != ALL && *fips != UNKNOWN)
            .map(|(code, fips)| {
                let keys = [("state", code), ("county_fips", fips)];
                (fips, view.compared.shown(view.compared.this, sheet, &keys, "reports"))
            })
            .filter(|(_, cell)| !matches!(cell, Shown::None | Shown::Number(0)))
            .collect();
        let numbers = || counties.values().filter_map(|cell| cell.number());
        let (smallest, largest) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
        Self { classes: classes(smallest, largest), largest, counties }
    }

    fn paint(&self, cell: Shown<'_>) -> Paint {
        match cell {
            Shown::Number(n) => {
                let class = self.classes.iter().rposition(|from| n >= *from).unwrap_or(0);
                Paint::Class(shade(class, self.classes.len()))
            }
            Shown::Hidden(_) if cell.flag() == "primary" => Paint::FewGround,
            Shown::Hidden(_) => Paint::HeldGround,
            Shown::None => Paint::Ground,
        }
    }

    fn legend(&self, view: &View<'_>) -> Vec<(Paint, String)> {
        let above = self.classes.iter().skip(1).map(|next| next - 1).chain([self.largest]);
        let mut entries: Vec<(Paint, String)> = self
            .classes
            .iter()
            .zip(above)
            .map(|(from, to)| {
                let range =
                    if *from >= to { thousands(to) } else { format!("{}–{}", thousands(*from), thousands(to)) };
                (self.paint(Shown::Number(*from)), range)
            })
            .collect();
        let any = |paint| self.counties.values().any(|cell| self.paint(*cell) == paint);
        if any(Paint::FewGround) {
            entries
                .push((Paint::FewGround, view.say("<5: one to four, hidden", "<5: de uno a cuatro, se oculta").into()));
        }
        if any(Paint::HeldGround) {
            let why = view.say("so that no other can be worked out", "para que otro no se deduzca");
            entries.push((Paint::HeldGround, format!("{}: {why}", withheld(view.language))));
        }
        entries.push((Paint::Ground, view.say("no report", "ningún reporte").into()));
        entries
    }

    /// Fills the counties of these states: one path for each way to paint.
    fn fill(&self, canvas: &mut Canvas, frame: &Frame, is_in: impl Fn(&str) -> bool) {
        let mut groups: Vec<(Paint, Vec<&Shape>)> = Vec::new();
        let mut counties: Vec<(&str, Shown<'_>)> =
            self.counties.iter().map(|(fips, cell)| (*fips, *cell)).filter(|(fips, _)| is_in(fips)).collect();
        counties.sort_by_key(|(fips, _)| *fips);
        for (fips, cell) in counties {
            let Some(shape) = Atlas::get().county(fips) else { continue };
            let paint = self.paint(cell);
            match groups.iter_mut().find(|(other, _)| *other == paint) {
                Some((_, shapes)) => shapes.push(shape),
                None => groups.push((paint, vec![shape])),
            }
        }
        for (paint, shapes) in groups {
            canvas.path(paint, &frame.filled(shapes));
        }
    }

    /// The counties of a state by their numbers, the largest first.
    fn ranked(&self, state: &str) -> Vec<(&'a str, i64)> {
        let of = self.counties.iter().filter(|(fips, _)| fips.starts_with(state));
        let mut ranked: Vec<(&str, i64)> = of.filter_map(|(fips, cell)| Some((*fips, cell.number()?))).collect();
        ranked.sort_by_key(|(fips, n)| (Reverse(*n), *fips));
        ranked
    }
}

/// Lower bounds of at most five classes that hold all numbers from the smallest to the largest, each 1, 2 or 5 times a
/// power of ten.
fn classes(smallest: i64, largest: i64) -> Vec<i64> {
    if largest == 0 {
        return Vec::new();
    }
    let powers = std::iter::successors(Some(1_i64), |power| power.checked_mul(10));
    let bounds: Vec<i64> = powers
        .flat_map(|power| [1, 2, 5].map(|n| power.saturating_mul(n)))
        .take_while(|bound| *bound <= largest)
        .collect();
    let first = bounds.iter().rposition(|bound| *bound <= smallest).unwrap_or(0);
    let bounds = &bounds[first..];
    bounds.iter().copied().step_by(bounds.len().div_ceil(MOST_CLASSES)).collect()
}

/// Which of the five shades a class has, of so many classes: they lie as far apart as they can.
fn shade(class: usize, of: usize) -> u8 {
    let shade = if of > 1 { class * (MOST_CLASSES - 1) / (of - 1) } else { MOST_CLASSES / 2 };
    u8::try_from(shade).unwrap_or(0)
}

pub(super) fn draw(view: &View<'_>) -> Option<Drawn> {
    let told = Told::of(view);
    if told.counties.is_empty() {
        return None;
    }
    let when = in_period(view.compared.this, view.language);
    let title = view.here(view.say("Reports of events by county", "Reportes de hechos por condado"));
    let title = format!("{title}, {when}");
    let (mut canvas, y) = view.begin("map", &title);
    let y = canvas.legend(&told.legend(view), y);
    let area = Area { x: MARGIN, y: y - 4.0, width: WIDTH - 2.0 * MARGIN, height: 330.0 };
    let mut caveat = view.say(
        "A county without a hotline is silent, not quiet. Reports without a known county are not drawn.",
        "Un condado sin línea de ayuda calla; no por eso está tranquilo. Los reportes sin condado conocido no se dibujan.",
    );
    let mut states: Vec<(&Shape, Shown<'_>)> =
        Atlas::get().states().iter().map(|s| (s, of_state(view, s.fips))).collect();
    states.retain(|(shape, _)| told.counties.keys().any(|fips| fips.starts_with(shape.fips)));
    // A hidden number ranks below every shown one.
    states.sort_by_key(|(shape, cell)| (Reverse(cell.number().unwrap_or(1)), shape.fips));
    let y = match view.header.state.as_deref().and_then(schemas::geography::state) {
        Some(state) => {
            let shape = Atlas::get().state(state.fips)?;
            panel(&mut canvas, &told, shape, area, MOST_LETTERS_OF_STATE)?
        }
        None => {
            if states.iter().any(|(shape, _)| FAR.contains(&shape.fips)) {
                caveat = view.say(
                    "A county without a hotline is silent, not quiet. Reports without a known county, and those from \
                     American Samoa, Guam and the Northern Marianas, are not drawn.",
                    "Un condado sin línea de ayuda calla; no por eso está tranquilo. No se dibujan los reportes sin \
                     condado conocido, ni los de Samoa Americana, Guam y las Marianas del Norte.",
                );
            }
            let y = all(&mut canvas, &told, area)?;
            panels(&mut canvas, view, &told, &largest(&states), y)?
        }
    };
    let mut alt = format!("{title}.");
    let list = |items: Vec<String>| items.join("; ");
    if view.header.state.is_none() {
        let most =
            states.iter().take(5).map(|(shape, cell)| format!("{}: {}", name(view, shape.fips), view.shown(*cell)));
        alt.push_str(&format!(" {}: {}.", view.say("States with most", "Estados con más"), list(most.collect())));
    }
    let mut ranked = told.ranked("");
    ranked.truncate(5);
    if !ranked.is_empty() {
        let most = ranked.iter().map(|(fips, n)| {
            let (name, code) = county(fips).map_or((*fips, ""), |county| (county.name, county.state));
            format!("{name}, {code}: {}", thousands(*n))
        });
        alt.push_str(&format!(" {}: {}.", view.say("Counties with most", "Condados con más"), list(most.collect())));
    }
    if told.counties.values().any(|cell| matches!(cell, Shown::Hidden(_))) {
        alt.push_str(view.say(" Hidden numbers have a pattern.", " Los números ocultos llevan una trama."));
    }
    Some(Drawn { canvas, title, alt, caveat: caveat.to_owned(), y })
}

fn name(view: &View<'_>, fips: &str) -> &'static str {
    state_by_fips(fips).and_then(|of| state(of.code, view.language)).unwrap_or("")
}

/// What a state told of in the period.
fn of_state<'a>(view: &View<'a>, fips: &str) -> Shown<'a> {
    let code = state_by_fips(fips).map_or("", |state| state.code);
    let keys = [("state", code), ("county_fips", ALL)];
    view.compared.shown(view.compared.this, view.sheets.get("county_month"), &keys, "reports")
}

/// The states to be drawn larger: up to four, if they have at least half of all that shows.
fn largest<'a>(states: &[(&'a Shape, Shown<'a>)]) -> Vec<(&'a Shape, Shown<'a>)> {
    let number = |(_, cell): &(_, Shown<'_>)| cell.number().unwrap_or(0);
    let all: i64 = states.iter().map(number).sum();
    let mut so_far = 0;
    let mut taken: Vec<(&Shape, Shown<'_>)> = states.iter().copied().take(MOST_PANELS).collect();
    taken.retain(|state| {
        // Those that are left once the others hold nine in ten are no more than their share of the map.
        let is_taken = number(state) > 0 && so_far / 9 * 10 < all;
        so_far += number(state);
        is_taken
    });
    if taken.iter().map(number).sum::<i64>() * 2 >= all { taken } else { Vec::new() }
}

/// The map of all; where what comes below it begins.
fn all(canvas: &mut Canvas, told: &Told<'_>, area: Area) -> Option<f64> {
    let states: Vec<&Shape> = Atlas::get().states().iter().filter(|shape| !FAR.contains(&shape.fips)).collect();
    let frame = Frame::of(&states, area)?;
    canvas.path(Paint::Ground, &frame.filled(states.iter().copied()));
    told.fill(canvas, &frame, |fips| !FAR.iter().any(|far| fips.starts_with(far)));
    canvas.path(Paint::StateBorder, &frame.borders(states));
    Some(frame.area.bottom() + GAP + 4.0)
}

/// States side by side, each under its name and number; where what comes below them begins.
fn panels(
    canvas: &mut Canvas,
    view: &View<'_>,
    told: &Told<'_>,
    states: &[(&Shape, Shown<'_>)],
    y: f64,
) -> Option<f64> {
    let width = (WIDTH - 2.0 * MARGIN - GAP) / 2.0;
    let mut y = y;
    for row in states.chunks(2) {
        let mut below = y;
        for ((shape, cell), x) in row.iter().zip([MARGIN, MARGIN + width + GAP]) {
            let title = format!("{}: {}", name(view, shape.fips), view.shown(*cell));
            let top = canvas.lines(x, y + 8.0, width, Face::Strong, &title);
            let area = Area { x, y: top - 6.0, width, height: 150.0 };
            below = below.max(panel(canvas, told, shape, area, MOST_LETTERS)?);
        }
        y = below + 4.0;
    }
    Some(y)
}

/// One state, the counties of most reports with a letter each, and these below it; where what comes below that begins.
fn panel(canvas: &mut Canvas, told: &Told<'_>, shape: &Shape, area: Area, most: usize) -> Option<f64> {
    let frame = Frame::of(&[shape], area)?;
    canvas.path(Paint::Ground, &frame.filled([shape]));
    told.fill(canvas, &frame, |fips| fips.starts_with(shape.fips));
    canvas.path(Paint::CountyBorder, &frame.borders(Atlas::get().counties_of(shape.fips)));
    canvas.path(Paint::StateBorder, &frame.borders([shape]));
    let within = Area { x: area.x, y: area.y, width: area.width, height: frame.area.height + 4.0 };
    let mut letters = ('a'..='z').peekable();
    let mut list = Vec::new();
    for (fips, n) in told.ranked(shape.fips).into_iter().take(most) {
        let letter = letters.peek()?.to_string();
        let Some((x, y)) = Atlas::get().county(fips).and_then(|county| frame.middle(county)) else { continue };
        // In its middle, or as near to it as there is room.
        let steps = [
            (0.0, 0.0),
            (0.0, -6.0),
            (0.0, 6.0),
            (-6.0, 0.0),
            (6.0, 0.0),
            (-7.0, -8.0),
            (7.0, -8.0),
            (-7.0, 8.0),
            (7.0, 8.0),
        ];
        let placed = steps.iter().any(|(dx, dy)| canvas.try_text(x + dx, y + dy + 4.0, Face::OnMap, &letter, within));
        let name = county(fips).map_or(fips, |county| county.short_name());
        // Neither letter nor number stands on another line than the name's nearest word.
        let item = format!("{name}\u{a0}{}", thousands(n));
        list.push(if placed { format!("{letter}\u{a0}{item}") } else { item });
        if placed {
            letters.next();
        }
    }
    let y = frame.area.bottom() + LINE + 2.0;
    if list.is_empty() {
        return Some(y);
    }
    Some(canvas.lines(area.x, y, area.width, Face::Plain, &list.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_all_numbers_and_are_few() {
        assert_eq!(classes(5, 112), [5, 10, 20, 50, 100]);
        assert_eq!(classes(5, 9), [5]);
        assert_eq!(classes(7, 1000), [5, 20, 100, 500]);
        assert_eq!(classes(0, 0), [] as [i64; 0]);
        for largest in 1..3000 {
            for smallest in [1, 5, largest] {
                let of = classes(smallest.min(largest), largest);
                assert!(!of.is_empty() && of.len() <= MOST_CLASSES && of[0] <= smallest.max(1) && of.is_sorted());
                let shades: Vec<u8> = (0..of.len()).map(|class| shade(class, of.len())).collect();
                assert!(shades.is_sorted_by(|a, b| a < b) && shades.iter().all(|shade| *shade < 5), "{shades:?}");
            }
        }
    }
}
