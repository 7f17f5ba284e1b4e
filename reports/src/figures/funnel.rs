//! From submissions to events: the sums that a brief prints, as bars that add up.
//!
//! What always holds: a part begins where the part before it ends, so that the parts of a whole are as long as it.

use super::svg::{Anchor, Area, Canvas, Face, MARGIN, Paint, WIDTH};
use super::{Drawn, View};
use crate::sheet::{Sheet, Shown};
use crate::words::in_period;

/// A sum: the parts of a whole, which is a part of the sum before.
struct Sum {
    sum: &'static str,
    parts: &'static [(&'static str, &'static str, &'static str)],
}

/// Each part with its words in English and in Spanish. The first part of each sum is the whole of the next.
const RECEIVED: Sum = Sum {
    sum: "received",
    parts: &[
        ("coded", "coded as reports", "codificados como reportes"),
        ("revisions", "revisions of earlier ones", "revisiones de anteriores"),
        ("repeats", "repeats: the same again", "repetidos: lo mismo otra vez"),
        ("rejected", "could not be coded", "no se pudieron codificar"),
        ("waiting", "waiting to be coded", "en espera de codificarse"),
    ],
};
const CODED: Sum = Sum {
    sum: "coded",
    parts: &[
        ("event", "events, dated to a month", "hechos con fecha en un mes"),
        ("undated", "events that cannot be dated to one month", "hechos que no se pueden fechar en un solo mes"),
        ("non_event", "no event", "sin hecho"),
        ("not_enforcement", "looked at, not enforcement", "se revisó: no era control migratorio"),
        ("duplicate", "duplicates, says the source", "duplicados, según la fuente"),
        ("withdrawn", "withdrawn", "retirados"),
    ],
};
const BRIDGE: Sum = Sum {
    sum: "bridge",
    parts: &[
        ("events_this_month", "of the month in which they came in", "del mes en que llegaron"),
        ("events_earlier", "of earlier months", "de meses anteriores"),
    ],
};

const ROW: f64 = 27.0;
const BAR: f64 = 8.0;
const INDENT: f64 = 12.0;

/// Bars on one scale.
struct Bars {
    canvas: Canvas,
    whole: i64,
    y: f64,
}

impl Bars {
    /// A part that begins after so many, of the sum at this depth.
    fn part(&mut self, depth: u8, name: &str, after: i64, n: i64, is_whole: bool) {
        let scale = super::scale::Scale { top: self.whole, step: self.whole };
        let full = WIDTH - 2.0 * MARGIN;
        let face = if is_whole { Face::Strong } else { Face::Plain };
        self.canvas.text(MARGIN + INDENT * f64::from(depth), self.y, Anchor::Start, face, name);
        self.canvas.text(WIDTH - MARGIN, self.y, Anchor::End, face, &Shown::Number(n).to_string());
        let (from, to) = (scale.share(after) * full, scale.share(after.saturating_add(n)) * full);
        self.canvas.level(Paint::Rule, MARGIN, WIDTH - MARGIN, self.y + 4.0 + BAR);
        if n > 0 {
            // What is there can be seen.
            let width = (to - from).max(1.0);
            let area = Area { x: MARGIN + from.min(full - width), y: self.y + 4.0, width, height: BAR };
            self.canvas.rect(if is_whole { Paint::Bar } else { Paint::Part }, area);
        }
        self.y += ROW;
    }
}

pub(super) fn draw(view: &View<'_>) -> Option<Drawn> {
    let sums = view.sheets.get("sums");
    // Of the period; where nothing came in during it, of all that ever came in.
    let scope =
        ["period", "all"].into_iter().find(|scope| number(sums, scope, "received", "received").unwrap_or(0) > 0)?;
    let (en, es) =
        ("From submissions to reports of events: what came in", "De los envíos a los reportes de hechos: lo que llegó");
    let when = match scope {
        "period" => in_period(view.compared.this, view.language),
        _ => view.say("so far", "hasta ahora").to_owned(),
    };
    let title = format!("{} {when}", view.say(en, es));
    let (canvas, y) = view.begin("funnel", &title);
    let whole = number(sums, scope, "received", "received")?;
    let mut bars = Bars { canvas, whole, y: y + 2.0 };
    let received = view.say("submissions received", "envíos recibidos");
    let mut told = vec![format!("{received}: {}", Shown::Number(whole))];
    bars.part(0, received, 0, whole, true);
    for (sum, depth) in [RECEIVED, CODED, BRIDGE].iter().zip(1..) {
        let mut after = 0;
        for ((part, en, es), i) in sum.parts.iter().zip(0..) {
            let n = number(sums, scope, sum.sum, part)?;
            let name = view.say(en, es);
            told.push(format!("{name}: {}", Shown::Number(n)));
            bars.part(depth, name, after, n, i == 0 && sum.sum != BRIDGE.sum);
            after = after.saturating_add(n);
        }
    }
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
    let alt = format!("{title}. {}.", told.join("; "));
    let y = bars.y;
    Some(Drawn { canvas: bars.canvas, title, alt, caveat: caveat.to_owned(), y: y - 4.0 })
}

fn number(sums: &Sheet, scope: &str, sum: &str, part: &str) -> Option<i64> {
    sums.value(&[("scope", scope), ("sum", sum), ("part", part)], "n").number()
}
