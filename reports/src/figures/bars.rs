//! Bars by month: a count over the months of a brief's tables.
//!
//! What always holds: a hidden number is a mark on the zero line and no bar; months before the series began have neither
//! bar nor solid zero line; a month that is provisional has a hatched bar.

use schemas::Language;
use schemas::time::Month;

use super::View;
use super::scale::Scale;
use super::svg::{Anchor, Area, At, Canvas, Face, MARGIN, Paint, WIDTH};
use crate::sheet::{Sheet, Shown, thousands};
use crate::span::Span;
use crate::words::{capital, long_month, month_name, withheld};

/// How many months the tables hold.
const MONTHS: i32 = 25;
/// The same month a year before.
const YEAR: usize = 12;

/// A measure over the months that end with the period.
#[derive(Debug)]
pub(super) struct Series<'a> {
    first: Month,
    cells: Vec<Shown<'a>>,
}

impl<'a> Series<'a> {
    /// The measure of the rows with these keys. `known` are keys of which there is a row for every month of the series:
    /// where they have one and `keys` none, it is zero.
    pub(super) fn of(
        view: &View<'_>,
        sheet: &'a Sheet,
        keys: &[(&str, &str)],
        known: &[(&str, &str)],
        measure: &str,
    ) -> Self {
        let first = view.compared.this.last.plus(1 - MONTHS);
        let cell = |i| {
            let month = first.plus(i);
            let shown = |keys| view.compared.shown(Span { first: month, last: month }, sheet, keys, measure);
            match shown(keys) {
                Shown::None if shown(known) != Shown::None => Shown::Number(0),
                cell => cell,
            }
        };
        Self { first, cells: (0..MONTHS).map(cell).collect() }
    }

    fn months(&self) -> impl Iterator<Item = Month> {
        (0..MONTHS).map(|i| self.first.plus(i))
    }

    /// What a stretch of these months has: its one cell, or the sum of its cells.
    pub(super) fn over(&self, span: Span) -> Shown<'a> {
        let cells = || self.months().zip(&self.cells).filter(|(month, _)| (span.first..=span.last).contains(month));
        let is_whole = cells().zip(0..).count() == usize::try_from(span.months()).unwrap_or(0);
        match (is_whole, span.months()) {
            (false, _) => Shown::None,
            (true, 1) => cells().next().map_or(Shown::None, |(_, cell)| *cell),
            (true, _) => Shown::sum(cells().map(|(_, cell)| *cell)),
        }
    }

    /// The month with the largest number that shows, the latest of several.
    pub(super) fn highest(&self) -> Option<(Month, Shown<'a>)> {
        self.months()
            .zip(self.cells.iter().copied())
            .filter(|(_, cell)| cell.number().is_some())
            .max_by_key(|(_, cell)| cell.number())
    }

    /// Whether a month has a bar of the year before behind it.
    pub(super) fn has_year_before(&self) -> bool {
        self.cells.iter().rev().skip(YEAR).any(|cell| cell.number().is_some_and(|n| n > 0))
    }

    /// The largest number that shows.
    pub(super) fn largest(&self) -> i64 {
        self.cells.iter().filter_map(|cell| cell.number()).max().unwrap_or(0)
    }

    /// What is told of in all months together, as far as it shows.
    pub(super) fn told(&self) -> i64 {
        self.cells.iter().filter_map(|cell| cell.number()).fold(0, i64::saturating_add)
    }

    /// Whether there is anything but zeros.
    pub(super) fn says_something(&self) -> bool {
        self.cells.iter().any(|cell| !matches!(cell, Shown::None | Shown::Number(0)))
    }
}

/// Where bars stand: from zero at the foot of the area up to the end of the scale at its top.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot {
    pub(super) area: Area,
    pub(super) scale: Scale,
}

impl Plot {
    fn y(self, n: i64) -> f64 {
        self.area.bottom() - self.area.height * self.scale.share(n)
    }

    fn pitch(self) -> f64 {
        self.area.width / f64::from(MONTHS)
    }

    /// Where a month begins, counted from the first.
    fn x(self, month: i32) -> f64 {
        self.area.x + self.pitch() * f64::from(month)
    }

    /// The lines of the scale, and its numbers left of it.
    pub(super) fn grid(self, canvas: &mut Canvas) {
        for n in self.scale.ticks() {
            if n > 0 {
                canvas.level(Paint::Rule, self.area.x, self.area.right(), self.y(n));
            }
            let label = thousands(n);
            canvas.text(self.area.x - 4.0, self.y(n) + 4.0, Anchor::End, Face::Soft, &label);
        }
    }

    /// How much room the numbers of a scale need left of it.
    pub(super) fn gutter(scale: Scale) -> f64 {
        scale.ticks().map(|n| Face::Soft.width(&thousands(n))).fold(0.0, f64::max) + 4.0
    }

    /// The bars, with the same month a year before behind each where asked for.
    pub(super) fn bars(self, canvas: &mut Canvas, view: &View<'_>, series: &Series<'_>, year_before: bool) {
        let bar = |month: i32, n: i64, share: f64| {
            let (width, y) = (self.pitch() * share, self.y(n));
            let x = self.x(month) + (self.pitch() - width) / 2.0;
            Area { x, y, width, height: self.area.bottom() - y }
        };
        let mark = (self.pitch() * 0.36).min(3.5);
        for ((month, cell), i) in series.months().zip(&series.cells).zip(0..) {
            let before = usize::try_from(i).ok().and_then(|i| series.cells.get(i.checked_sub(YEAR)?)).copied();
            if let (true, Some(Shown::Number(n @ 1..))) = (year_before, before) {
                canvas.rect(Paint::Behind, bar(i, n, 0.9));
            }
            let share = if year_before { 0.5 } else { 0.7 };
            let middle = self.x(i) + self.pitch() / 2.0;
            match *cell {
                Shown::Number(n @ 1..) => canvas.rect(view.paint(month), bar(i, n, share)),
                Shown::Number(_) | Shown::None => {}
                Shown::Hidden(_) if cell.flag() == "primary" => {
                    canvas.few(middle, self.area.bottom() - mark - 1.5, mark)
                }
                Shown::Hidden(_) => canvas.held(middle, self.area.bottom() - mark - 1.5, mark),
            }
        }
        let begins = series.cells.iter().zip(0..).find(|(cell, _)| **cell != Shown::None).map_or(MONTHS, |(_, i)| i);
        if begins > 0 {
            canvas.level(Paint::Before, self.area.x, self.x(begins), self.area.bottom());
        }
        if begins < MONTHS {
            canvas.level(Paint::Axis, self.x(begins), self.area.right(), self.area.bottom());
        }
    }

    /// The letter of every month below it, and the years below these; what comes below that.
    pub(super) fn calendar(self, canvas: &mut Canvas, view: &View<'_>, series: &Series<'_>) -> f64 {
        let letters = self.area.bottom() + 13.0;
        let years = letters + 14.0;
        for (month, i) in series.months().zip(0..) {
            let letter: String = capital(&month_name(month, view.language)).chars().take(1).collect();
            let face = if month >= view.compared.this.first { Face::Strong } else { Face::Soft };
            canvas.text(self.x(i) + self.pitch() / 2.0, letters, Anchor::Middle, face, &letter);
        }
        let last = series.first.plus(MONTHS - 1);
        for year in series.first.year()..=last.year() {
            let january = |year| Month::new(year, 1).map_or(0, |month| month.index() - series.first.index());
            let (begin, end) = (january(year).clamp(0, MONTHS), january(year + 1).clamp(0, MONTHS));
            if begin > 0 {
                let (x, top) = (At(self.x(begin)), At(self.area.bottom() + 2.0));
                canvas.path(Paint::Rule, &format!("M{x} {top}V{}", At(years + 2.0)));
            }
            let label = year.to_string();
            let half = Face::Soft.width(&label) / 2.0;
            // A year of a month or two is narrower than its number: it stays within the plot.
            let middle = (self.x(begin).midpoint(self.x(end))).clamp(self.area.x + half, self.area.right() - half);
            canvas.text(middle, years, Anchor::Middle, Face::Soft, &label);
        }
        years + 12.0
    }

    /// The first and the last month, below their ends; what comes below that.
    pub(super) fn ends(self, canvas: &mut Canvas, view: &View<'_>, series: &Series<'_>) -> f64 {
        let y = self.area.bottom() + 12.0;
        let last = series.first.plus(MONTHS - 1);
        canvas.text(self.area.x, y, Anchor::Start, Face::Soft, &short_month(series.first, view));
        canvas.text(self.area.right(), y, Anchor::End, Face::Soft, &short_month(last, view));
        y + 10.0
    }
}

/// `Sep 2026`, `sep 2026`.
fn short_month(month: Month, view: &View<'_>) -> String {
    let name: String = month_name(month, view.language).chars().take(3).collect();
    format!("{name} {}", month.year())
}

/// What the marks of these series mean, of those that occur.
pub(super) fn legend(view: &View<'_>, series: &[&Series<'_>]) -> Vec<(Paint, String)> {
    let mut entries = Vec::new();
    let any = |is: &dyn Fn(Month, Shown<'_>) -> bool| {
        series.iter().any(|s| s.months().zip(&s.cells).any(|(month, cell)| is(month, *cell)))
    };
    if any(&|month, cell| view.paint(month) == Paint::Late && cell.number().is_some_and(|n| n > 0)) {
        entries.push((Paint::Late, view.say("provisional: more is expected", "provisional: se espera más").into()));
    }
    if any(&|_, cell| cell.flag() == "primary") {
        entries.push((Paint::Few, view.say("<5: one to four, hidden", "<5: de uno a cuatro, se oculta").into()));
    }
    if any(&|_, cell| cell.flag() == "complementary") {
        let why = view.say("so that no other can be worked out", "para que otro no se deduzca");
        entries.push((Paint::Held, format!("{}: {why}", withheld(view.language))));
    }
    if any(&|_, cell| cell == Shown::None) {
        let text = view.say("before the first report: not zero", "antes del primer reporte: no es cero");
        entries.push((Paint::Before, text.into()));
    }
    entries
}

/// The area right of a gutter, of this height, its top at `y`.
pub(super) fn full_width(scale: Scale, y: f64, height: f64) -> Area {
    let x = MARGIN + Plot::gutter(scale);
    Area { x, y, width: WIDTH - MARGIN - x, height }
}

/// A title with the months that it is of.
pub(super) fn stretch(view: &View<'_>, title: &str) -> String {
    let last = view.compared.this.last;
    let [from, to] = [last.plus(1 - MONTHS), last].map(|month| long_month(month, view.language));
    format!("{title}, {} {from} {} {to}", view.say("from", "de"), view.say("to", "a"))
}

/// What the marks of these series would tell whom cannot see them: sentences, each with a space before it.
pub(super) fn notes(view: &View<'_>, series: &[&Series<'_>]) -> String {
    let mut notes = String::new();
    if series.iter().any(|s| s.cells.iter().any(|cell| matches!(cell, Shown::Hidden(_)))) {
        notes.push_str(view.say(
            " Months whose number is hidden have a mark in place of a bar.",
            " Los meses cuyo número se oculta llevan una marca en vez de una barra.",
        ));
    }
    if let Some(from) = view.header.parsed_provisional_from().filter(|from| *from <= view.compared.this.last) {
        let from = long_month(from, view.language);
        notes.push_str(&match view.language {
            Language::En => format!(" From {from} on, numbers are provisional."),
            Language::Es => format!(" Desde {from} los números son provisionales."),
        });
    }
    let begins = view.compared.series_from.filter(|_| series.iter().any(|s| s.cells.contains(&Shown::None)));
    if let Some(from) = begins.map(|month| long_month(month, view.language)) {
        notes.push_str(&match view.language {
            Language::En => format!(" The first report is of {from}; what lies before it is not zero."),
            Language::Es => format!(" El primer reporte es de {from}; lo anterior no es cero."),
        });
    }
    notes
}
