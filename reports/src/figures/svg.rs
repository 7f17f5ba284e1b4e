//! One SVG document: shapes, texts, the legend and the style that all figures share.
//!
//! What always holds: texts are escaped; coordinates have one decimal; every selector and every id carries the name of the
//! figure, because a page holds several; colours say nothing that a shape or a pattern does not say too; a renderer that
//! knows no media queries draws the light colours.

use std::fmt::{self, Write};

use super::text;

/// The width of every figure in its own units. On a telephone 360 px wide a unit is nine tenths of a pixel.
pub(super) const WIDTH: f64 = 400.0;
/// What stays free at both sides.
pub(super) const MARGIN: f64 = 8.0;
/// From one line of text to the next.
pub(super) const LINE: f64 = 15.0;
/// How wide it is drawn where there is room, in pixels.
const DRAWN: f64 = 600.0;

/// A coordinate: rounded to one decimal.
#[derive(Debug, Clone, Copy)]
pub(super) struct At(pub(super) f64);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round();
        // No minus before a zero.
        let tenths = if tenths == 0.0 { 0.0 } else { tenths };
        if tenths % 10.0 == 0.0 { write!(f, "{:.0}", tenths / 10.0) } else { write!(f, "{:.1}", tenths / 10.0) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Title,
    Strong,
    Plain,
    /// Axes and notes.
    Soft,
    /// Plain, on a map: with an edge of the paper's colour.
    OnMap,
}

impl Face {
    pub(super) const fn size(self) -> f64 {
        match self {
            Self::Title => 13.0,
            _ => 11.0,
        }
    }

    /// From one line to the next.
    const fn line(self) -> f64 {
        match self {
            Self::Title => 18.0,
            _ => LINE,
        }
    }

    pub(super) const fn bold(self) -> bool {
        matches!(self, Self::Title | Self::Strong)
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Title => "h",
            Self::Strong => "b",
            Self::Plain => "p",
            Self::Soft => "n",
            Self::OnMap => "o",
        }
    }

    pub(super) fn width(self, of: &str) -> f64 {
        text::width(of, self.size(), self.bold())
    }

    pub(super) fn wrap(self, of: &str, within: f64) -> Vec<String> {
        text::wrap(of, within, self.size(), self.bold())
    }
}

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    pub(super) fn right(self) -> f64 {
        self.x + self.width
    }

    pub(super) fn bottom(self) -> f64 {
        self.y + self.height
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    pub(super) fn is_within(self, other: Self) -> bool {
        self.x >= other.x && self.y >= other.y && self.right() <= other.right() && self.bottom() <= other.bottom()
    }

    /// What a text takes up, its baseline at `y`.
    pub(super) fn of_text(x: f64, y: f64, anchor: Anchor, face: Face, of: &str) -> Self {
        let width = face.width(of);
        let left = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::End => x - width,
        };
        Self { x: left, y: y - face.size() * 0.95, width, height: face.size() * 1.2 }
    }
}

/// How a shape is painted: each is a class of the style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Paint {
    /// Lines of a scale.
    Rule,
    Axis,
    /// Where there is nothing to draw.
    Before,
    Bar,
    /// A bar behind others.
    Behind,
    /// A bar that may still grow.
    Late,
    /// One part of a sum.
    Part,
    /// The diamond of a small number that is hidden.
    Few,
    /// The cross of a number that is withheld for another's sake.
    Held,
    /// Land without a number.
    Ground,
    /// A county's number, from the smallest class to the largest.
    Class(u8),
    /// A county with a small number that is hidden.
    FewGround,
    /// A county whose number is withheld.
    HeldGround,
    /// Between counties, between states.
    CountyBorder,
    StateBorder,
}

impl Paint {
    fn class(self) -> String {
        match self {
            Self::Class(n) => format!("k{n}"),
            Self::Rule => "r".into(),
            Self::Axis => "x".into(),
            Self::Before => "v".into(),
            Self::Bar => "m".into(),
            Self::Behind => "y".into(),
            Self::Late => "l".into(),
            Self::Part => "q".into(),
            Self::Few => "f".into(),
            Self::Held => "w".into(),
            Self::Ground => "g".into(),
            Self::FewGround => "fg".into(),
            Self::HeldGround => "wg".into(),
            Self::CountyBorder => "c".into(),
            Self::StateBorder => "s".into(),
        }
    }
}

/// The colours of a scheme.
struct Inks {
    paper: &'static str,
    ink: &'static str,
    soft: &'static str,
    rule: &'static str,
    main: &'static str,
    pale: &'static str,
    edge: &'static str,
    ground: &'static str,
    /// Of the classes of a map; each step is told from the next in grey too.
    classes: [&'static str; 5],
}

const LIGHT: Inks = Inks {
    paper: "#fff",
    ink: "#1a1a1a",
    soft: "#565656",
    rule: "#d6d6d6",
    main: "#1f4e79",
    pale: "#d3dce5",
    edge: "#7d8a97",
    ground: "#f1f1ee",
    classes: ["#b9d4ea", "#8ab6d9", "#5594c4", "#2467a1", "#0b2f57"],
};

const DARK: Inks = Inks {
    paper: "#16181b",
    ink: "#ececec",
    soft: "#b3b8bd",
    rule: "#3a4149",
    main: "#8ec3f0",
    pale: "#36424e",
    edge: "#7f8c99",
    ground: "#23292f",
    classes: ["#2f4a63", "#3f6d98", "#5a95c8", "#92c4ec", "#dff0ff"],
};

/// The rules of one scheme. `&` stands for the figure.
fn rules(inks: &Inks) -> String {
    let Inks { paper, ink, soft, rule, main, pale, edge, ground, classes } = inks;
    let mut out = format!(
        "& .paper{{fill:{paper}}}&{{fill:{ink}}}& .n{{fill:{soft}}}& .o{{stroke:{paper}}}\
         & .r{{stroke:{rule}}}& .x{{stroke:{ink}}}& .v{{stroke:{soft}}}\
         & .m{{fill:{main}}}& .y,& .q{{fill:{pale};stroke:{edge}}}& .l{{stroke:{main}}}\
         & .f{{fill:{paper};stroke:{ink}}}& .w{{stroke:{ink}}}& .g{{fill:{ground}}}\
         & .c{{stroke:{edge}}}& .s{{stroke:{soft}}}& .hatch{{stroke:{main}}}& .dot{{fill:{soft}}}& .mesh{{stroke:{soft}}}"
    );
    for (i, class) in classes.iter().enumerate() {
        write!(out, "& .k{i}{{fill:{class}}}").expect(IN_MEMORY);
    }
    out
}

/// What does not depend on the scheme.
const SHAPES: &str = "&{max-width:100%;height:auto;font:11px system-ui,sans-serif}& .h{font-size:13px;font-weight:700}\
    & .b{font-weight:700}& .o{stroke-width:3px;stroke-linejoin:round;paint-order:stroke}\
    & .r{stroke-width:1px}& .x{stroke-width:1px}& .v{stroke-width:1px;stroke-dasharray:1 2.5}\
    & .y,& .q{stroke-width:.7px}& .l{fill:url(#$-hatch);stroke-width:1px}\
    & .f{stroke-width:1.2px}& .w{stroke-width:1.5px;fill:none}\
    & .fg{fill:url(#$-dots)}& .wg{fill:url(#$-mesh)}& .c{fill:none;stroke-width:.3px}& .s{fill:none;stroke-width:.7px}\
    & .hatch{stroke-width:1.3px}& .mesh{stroke-width:.8px}";

const PATTERNS: &str = "<defs><pattern id=\"$-hatch\" width=\"3\" height=\"3\" patternUnits=\"userSpaceOnUse\" \
    patternTransform=\"rotate(45)\"><rect class=\"paper\" width=\"3\" height=\"3\"/><path class=\"hatch\" d=\"M0 0V3\"/></pattern>\
    <pattern id=\"$-dots\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\"><rect class=\"paper\" width=\"4\" height=\"4\"/>\
    <path class=\"dot\" d=\"M1 1h1.2v1.2h-1.2zM3 3h1v1h-1z\"/></pattern>\
    <pattern id=\"$-mesh\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\"><rect class=\"paper\" width=\"5\" height=\"5\"/>\
    <path class=\"mesh\" d=\"M0 0L5 5M5 0L0 5\"/></pattern></defs>";

const IN_MEMORY: &str = "writing to memory cannot fail";

/// A document in the making.
#[derive(Debug)]
pub(super) struct Canvas {
    name: &'static str,
    body: String,
    /// What the texts take up.
    texts: Vec<Area>,
}

impl Canvas {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, body: String::new(), texts: Vec::new() }
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    fn put(&mut self, what: fmt::Arguments<'_>) {
        self.body.write_fmt(what).expect(IN_MEMORY);
    }

    pub(super) fn rect(&mut self, paint: Paint, area: Area) {
        let Area { x, y, width, height } = area;
        let class = paint.class();
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            At(x),
            At(y),
            At(width),
            At(height)
        ));
    }

    /// A shape by its path data.
    pub(super) fn path(&mut self, paint: Paint, d: &str) {
        self.put(format_args!("<path class=\"{}\" d=\"{d}\"/>", paint.class()));
    }

    /// A level line.
    pub(super) fn level(&mut self, paint: Paint, from: f64, to: f64, y: f64) {
        self.path(paint, &format!("M{} {}H{}", At(from), At(y), At(to)));
    }

    /// A text, its baseline at `y`.
    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, face: Face, text: &str) {
        self.texts.push(Area::of_text(x, y, anchor, face, text));
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let text = escape(text);
        self.put(format_args!(
            "<text class=\"{}\" x=\"{}\" y=\"{}\"{anchor}>{text}</text>",
            face.class(),
            At(x),
            At(y)
        ));
    }

    /// A text within an area, if it lies on no other.
    pub(super) fn try_text(&mut self, x: f64, y: f64, face: Face, text: &str, within: Area) -> bool {
        let area = Area::of_text(x, y, Anchor::Middle, face, text);
        let fits = area.is_within(within) && !self.texts.iter().any(|other| area.overlaps(*other));
        if fits {
            self.text(x, y, Anchor::Middle, face, text);
        }
        fits
    }

    /// A text over as many lines as it takes, from `y` on; where the next line would stand.
    pub(super) fn lines(&mut self, x: f64, mut y: f64, within: f64, face: Face, text: &str) -> f64 {
        let lines = face.wrap(text, within);
        for line in &lines {
            self.text(x, y, Anchor::Start, face, line);
            y += face.line();
        }
        y
    }

    /// The marks that occur with what they mean, side by side as far as they fit; where the next line would stand.
    pub(super) fn legend(&mut self, entries: &[(Paint, String)], y: f64) -> f64 {
        const SWATCH: f64 = 16.0;
        let (mut x, mut y) = (MARGIN, y);
        for (paint, text) in entries {
            let width = SWATCH + Face::Plain.width(text);
            if x > MARGIN && x + width > WIDTH - MARGIN {
                (x, y) = (MARGIN, y + LINE);
            }
            self.swatch(*paint, x, y);
            if x + width > WIDTH - MARGIN {
                y = self.lines(x + SWATCH, y, WIDTH - MARGIN - x - SWATCH, Face::Plain, text);
            } else {
                self.text(x + SWATCH, y, Anchor::Start, Face::Plain, text);
                x += width + 12.0;
            }
        }
        if x > MARGIN { y + LINE } else { y }
    }

    fn swatch(&mut self, paint: Paint, x: f64, y: f64) {
        match paint {
            Paint::Few => self.few(x + 6.0, y - 4.0, 3.5),
            Paint::Held => self.held(x + 6.0, y - 4.0, 3.0),
            Paint::Before => self.level(paint, x, x + 12.0, y - 4.0),
            _ => {
                let area = Area { x: x + 1.0, y: y - 9.0, width: 10.0, height: 10.0 };
                self.rect(paint, area);
                if matches!(paint, Paint::Ground | Paint::Class(_) | Paint::FewGround | Paint::HeldGround) {
                    self.path(Paint::StateBorder, &format!("M{} {}h10v10h-10z", At(area.x), At(area.y)));
                }
            }
        }
    }

    /// The mark of a small number that is hidden.
    pub(super) fn few(&mut self, x: f64, y: f64, half: f64) {
        let (x, top, half) = (At(x), At(y - half), At(half));
        self.path(Paint::Few, &format!("M{x} {top}l{half} {half}l-{half} {half}l-{half} -{half}z"));
    }

    /// The mark of a number that is withheld for another's sake.
    pub(super) fn held(&mut self, x: f64, y: f64, half: f64) {
        let (left, top, bottom, side) = (At(x - half), At(y - half), At(y + half), At(half * 2.0));
        self.path(Paint::Held, &format!("M{left} {top}l{side} {side}M{left} {bottom}l{side} -{side}"));
    }

    /// The whole document.
    pub(super) fn finish(self, height: f64, language: &str, title: &str, alt: &str) -> String {
        let Self { name, body, .. } = self;
        let drawn = At(DRAWN / WIDTH * height.ceil());
        let (height, title, alt) = (At(height.ceil()), escape(title), escape(alt));
        let style =
            format!("{SHAPES}{}@media screen and (prefers-color-scheme:dark){{{}}}", rules(&LIGHT), rules(&DARK));
        let style = style.replace('&', &format!(".figure-{name}")).replace('$', name);
        let patterns = PATTERNS.replace('$', name);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"figure-{name}\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{DRAWN}\" \
             height=\"{drawn}\" role=\"img\" lang=\"{language}\" aria-labelledby=\"{name}-title {name}-desc\">\
             <title id=\"{name}-title\">{title}</title><desc id=\"{name}-desc\">{alt}</desc><style>{style}</style>{patterns}\
             <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\"/>{body}</svg>\n"
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        let of = |n| At(n).to_string();
        assert_eq!([of(3.0), of(3.25), of(-0.04), of(-2.55), of(120.96)], ["3", "3.3", "0", "-2.6", "121"]);
    }

    #[test]
    fn texts_do_not_become_markup() {
        assert_eq!(escape("<5 & \"x\""), "&lt;5 &amp; &quot;x&quot;");
    }
}
