//! From submissions to events: the sums that a brief prints, as bars that add up.
//!
//! What always holds: a part begins where the part before it ends, so that the parts of a whole are as long as it, and stand
//! below it.

use super::scale::Scale;
use super::svg::{Anchor, Area, Canvas, Face, MARGIN, Paint, WIDTH};
use super::{Drawn, View};
use crate::sheet::Shown;
use crate::words::in_period;

/// A line of a sum, and what it is made of.
struct Part {
    sum: &'static str,
    part: &'static str,
    en: &'static str,
    es: &'static str,
    parts: &'static [Part],
}

const fn part(sum: &'static str, part: &'static str, en: &'static str, es: &'static str) -> Part {
    Part { sum, part, en, es, parts: &[] }
}

const RECEIVED: Part = Part {
    parts: &[
        CODED,
        part("received", "revisions", "revisions of earlier ones", "revisiones de anteriores"),
        part("received", "repeats", "repeats: the same again", "repetidos: lo mismo otra vez"),
        part("received", "rejected", "could not be coded", "no se pudieron codificar"),
        part("received", "waiting", "waiting to be coded", "en espera de codificarse"),
    ],
    ..part("received", "received", "submissions received", "envíos recibidos")
};
const CODED: Part = Part {
    parts: &[
        EVENTS,
        part("coded", "undated", "events without a known month", "hechos sin mes conocido"),
        part("coded", "non_event", "no event", "sin hecho"),
        part("coded", "not_enforcement", "looked at, not enforcement", "se revisó: no era control migratorio"),
        part("coded", "duplicate", "duplicates, says the source", "duplicados, según la fuente"),
        part("coded", "withdrawn", "withdrawn", "retirados"),
    ],
    ..part("received", "coded", "coded as reports", "codificados como reportes")
};
const EVENTS: Part = Part {
    parts: &[
        part("bridge", "events_this_month", "of the month in which they came in", "del mes en que llegaron"),
        part("bridge", "events_earlier", "of earlier months", "de meses anteriores"),
    ],
    ..part("coded", "event", "events, dated to a month", "hechos con fecha en un mes")
};

const ROW: f64 = 27.0;
const BAR: f64 = 8.0;
const INDENT: f64 = 12.0;

/// Bars on one scale, one below the other.
struct Bars<'a> {
    view: &'a View<'a>,
    scope: &'static str,
    scale: Scale,
    canvas: Canvas,
    y: f64,
    /// What each bar says.
    told: Vec<String>,
}

impl Bars<'_> {
    /// A part that begins after so many, and below it what it is made of; how many it is.
    fn part(&mut self, part: &Part, depth: u8, after: i64) -> Option<i64> {
        let n = number(self.view, self.scope, part)?;
        let (name, count) = (self.view.say(part.en, part.es), Shown::Number(n).to_string());
        self.told.push(format!("{name}: {count}"));
        let is_whole = !part.parts.is_empty();
        let face = if is_whole { Face::Strong } else { Face::Plain };
        self.canvas.text(MARGIN + INDENT * f64::from(depth), self.y, Anchor::Start, face, name);
        self.canvas.text(WIDTH - MARGIN, self.y, Anchor::End, face, &count);
        let full = WIDTH - 2.0 * MARGIN;
        let [from, to] = [after, after.saturating_add(n)].map(|n| self.scale.share(n) * full);
        self.canvas.level(Paint::Rule, MARGIN, WIDTH - MARGIN, self.y + 4.0 + BAR);
        if n > 0 {
            // What is there can be seen.
            let width = (to - from).max(1.0);
            let area = Area { x: MARGIN + from.min(full - width), y: self.y + 4.0, width, height: BAR };
            self.canvas.rect(if is_whole { Paint::Bar } else { Paint::Part }, area);
        }
        self.y += ROW;
        let mut after = after;
        for below in part.parts {
            after = after.saturating_add(self.part(below, depth + 1, after)?);
        }
        Some(n)
    }
}

pub(super) fn draw(view: &View<'_>) -> Option<Drawn> {
    // Of the period; where nothing came in during it, of all that ever came in.
    let scope =
        ["period", "all"].into_iter().find(|scope| number(view, scope, &RECEIVED).is_some_and(|whole| whole > 0))?;
    let when = match scope {
        "period" => in_period(view.compared.this, view.language),
        _ => view.say("so far", "hasta ahora").to_owned(),
    };
    let of = view.say("From submissions to reports of events: received", "De envíos a reportes de hechos: lo recibido");
    let title = format!("{of} {when}");
    let (canvas, y) = view.begin("funnel", &title);
    let whole = number(view, scope, &RECEIVED)?;
    let scale = Scale { top: whole, step: whole };
    let mut bars = Bars { view, scope, scale, canvas, y: y + 2.0, told: Vec::new() };
    bars.part(&RECEIVED, 0, 0)?;
    let caveat = match view.header.state {
        Some(_) => view.say(
            "Of the whole installation, not of one state: what could not be coded has no state.",
            "De toda la instalación, no de un solo estado: lo que no se pudo codificar no tiene estado.",
        ),
        None => view.say(
            "A submission is a call, a message, a form or a row of a file. None is dropped.",
            "Un envío es una llamada, un mensaje, un formulario o una fila de un archivo. Ninguno se descarta.",
        ),
    };
    let alt = format!("{title}. {}.", bars.told.join("; "));
    let y = bars.y;
    Some(Drawn { canvas: bars.canvas, title, alt, caveat: caveat.to_owned(), y: y - 4.0 })
}

fn number(view: &View<'_>, scope: &str, of: &Part) -> Option<i64> {
    let keys = [("scope", scope), ("sum", of.sum), ("part", of.part)];
    view.sheets.get("sums").value(&keys, "n").number()
}
