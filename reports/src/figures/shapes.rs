//! The shapes of states and counties, and what draws them.
//!
//! What always holds: a border that two counties share is thinned out the same way for both, so that no gap opens between
//! them; coordinates are tenths of a unit, made with arithmetic that is the same on every machine (angles stand in the file
//! as whole numbers); a ring of fewer than three points is not drawn.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

use super::svg::Area;

/// Made by `scripts/map`; its form is told in the README beside it.
const FILE: &str = include_str!("../../data/map/counties.txt");

/// A point of the grid of the file.
type Point = (i32, i32);
/// A point of a figure, in tenths of its units.
type Tenths = (i64, i64);

/// An arc of a ring.
#[derive(Debug, Clone, Copy)]
struct Link {
    arc: usize,
    backwards: bool,
}

/// A state or a county.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) fips: &'static str,
    /// Cosine and sine of the angle by which its north is turned to the right; a county has that of no turn.
    turn: (f64, f64),
    rings: Vec<Vec<Link>>,
}

/// All shapes.
#[derive(Debug)]
pub(super) struct Atlas {
    arcs: Vec<Vec<Point>>,
    /// By FIPS code.
    states: Vec<Shape>,
    /// By FIPS code.
    counties: Vec<Shape>,
}

impl Atlas {
    pub(super) fn get() -> &'static Self {
        static ATLAS: LazyLock<Atlas> =
            LazyLock::new(|| Atlas::read(FILE).expect("the file is ours, and a test reads it"));
        &ATLAS
    }

    fn read(file: &'static str) -> Option<Self> {
        let (arcs, rest) = file.strip_prefix("[arcs]\n")?.split_once("[states]\n")?;
        let (states, counties) = rest.split_once("[counties]\n")?;
        let (mut x, mut y) = (0, 0);
        let mut arc = |line: &str| {
            let steps: Vec<i32> = line.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
            let step = |pair: &[i32]| {
                (x, y) = (x + pair.first()?, y + pair.get(1)?);
                Some((x, y))
            };
            steps.chunks(2).map(step).collect::<Option<Vec<Point>>>()
        };
        let arcs: Vec<Vec<Point>> = arcs.lines().map(&mut arc).collect::<Option<_>>()?;
        let state = |line: &'static str| {
            let mut fields = line.splitn(4, ' ');
            let fips = fields.next()?;
            let mut part = || Some(f64::from(fields.next()?.parse::<i32>().ok()?) / 10_000.0);
            let turn = (part()?, part()?);
            Some(Shape { fips, turn, rings: rings(fields.next()?, arcs.len())? })
        };
        let states = states.lines().map(state).collect::<Option<_>>()?;
        let county = |line: &'static str| {
            let (fips, of) = line.split_once(' ')?;
            Some(Shape { fips, turn: (1.0, 0.0), rings: rings(of, arcs.len())? })
        };
        let counties = counties.lines().map(county).collect::<Option<_>>()?;
        Some(Self { arcs, states, counties })
    }

    pub(super) fn states(&self) -> &[Shape] {
        &self.states
    }

    pub(super) fn state(&self, fips: &str) -> Option<&Shape> {
        self.states.iter().find(|shape| shape.fips == fips)
    }

    pub(super) fn county(&self, fips: &str) -> Option<&Shape> {
        self.counties.binary_search_by(|shape| shape.fips.cmp(fips)).ok().map(|i| &self.counties[i])
    }

    /// The counties of a state.
    pub(super) fn counties_of<'a>(&'a self, state: &'a str) -> impl Iterator<Item = &'a Shape> {
        self.counties.iter().filter(move |shape| shape.fips.starts_with(state))
    }
}

fn rings(text: &str, arcs: usize) -> Option<Vec<Vec<Link>>> {
    let link = |text: &str| {
        let (backwards, number) = text.strip_prefix('~').map_or((false, text), |rest| (true, rest));
        let arc = number.parse().ok().filter(|arc| *arc < arcs)?;
        Some(Link { arc, backwards })
    };
    text.split(';').map(|ring| ring.split(' ').map(link).collect()).collect()
}

/// How the grid is laid onto a figure: turned, scaled, moved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    turn: (f64, f64),
    scale: f64,
    moved: (f64, f64),
    /// What the shapes take up.
    pub(super) area: Area,
}

/// Points nearer to each other than this are drawn as one, in units of the figure.
const DETAIL: f64 = 0.5;

impl Frame {
    /// Lays shapes into an area, as large as they fit, from its top on and in its middle. One alone has its north up.
    pub(super) fn of(shapes: &[&Shape], into: Area) -> Option<Self> {
        let turn = match shapes {
            [one] => one.turn,
            _ => (1.0, 0.0),
        };
        let links = shapes.iter().flat_map(|shape| shape.rings.iter().flatten());
        let turned: Vec<(f64, f64)> =
            links.flat_map(|link| &Atlas::get().arcs[link.arc]).map(|point| turned(turn, *point)).collect();
        let (mut low, mut high) = (*turned.first()?, *turned.first()?);
        for (x, y) in turned {
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        }
        let size = ((high.0 - low.0).max(1.0), (high.1 - low.1).max(1.0));
        let scale = (into.width / size.0).min(into.height / size.1);
        let (width, height) = (size.0 * scale, size.1 * scale);
        let area = Area { x: into.x + (into.width - width) / 2.0, y: into.y, width, height };
        Some(Self { turn, scale, moved: (area.x - low.0 * scale, area.y - low.1 * scale), area })
    }

    #[expect(clippy::cast_possible_truncation, reason = "a figure is some hundreds of units wide")]
    fn at(&self, point: Point) -> Tenths {
        let (x, y) = turned(self.turn, point);
        let tenths = |n: f64, by: f64| ((n * self.scale + by) * 10.0).round() as i64;
        (tenths(x, self.moved.0), tenths(y, self.moved.1))
    }

    /// An arc, thinned out: its ends stay.
    fn arc(&self, arc: usize) -> Vec<Tenths> {
        let points = &Atlas::get().arcs[arc];
        let mut kept: Vec<Tenths> = Vec::new();
        for (point, left) in points.iter().map(|point| self.at(*point)).zip((0..points.len()).rev()) {
            match kept.last() {
                Some(last) if left > 0 && is_near(*last, point) => {}
                _ => kept.push(point),
            }
        }
        kept
    }

    /// The rings of a shape, each of three points or more.
    fn rings(&self, shape: &Shape) -> Vec<Vec<Tenths>> {
        let ring = |links: &Vec<Link>| {
            let mut points: Vec<Tenths> = Vec::new();
            for link in links {
                let mut arc = self.arc(link.arc);
                if link.backwards {
                    arc.reverse();
                }
                points.extend(arc);
            }
            points.dedup();
            if points.len() > 1 && points.first() == points.last() {
                points.pop();
            }
            points
        };
        shape.rings.iter().map(ring).filter(|ring| ring.len() > 2).collect()
    }

    /// Path data of shapes to be filled.
    pub(super) fn filled<'a>(&self, shapes: impl IntoIterator<Item = &'a Shape>) -> String {
        let mut path = PathData::default();
        for ring in shapes.into_iter().flat_map(|shape| self.rings(shape)) {
            path.line(&ring);
            path.text.push('z');
        }
        path.text
    }

    /// Path data of the borders of shapes: one that two share is drawn once.
    pub(super) fn borders<'a>(&self, shapes: impl IntoIterator<Item = &'a Shape>) -> String {
        let arcs: BTreeSet<usize> =
            shapes.into_iter().flat_map(|shape| shape.rings.iter().flatten().map(|link| link.arc)).collect();
        let mut path = PathData::default();
        for arc in arcs {
            let mut points = self.arc(arc);
            points.dedup();
            if points.len() > 1 {
                path.line(&points);
            }
        }
        path.text
    }

    /// The middle of a shape's largest ring, in units of the figure.
    #[expect(clippy::cast_precision_loss, reason = "a figure is some hundreds of units wide")]
    pub(super) fn middle(&self, shape: &Shape) -> Option<(f64, f64)> {
        let twice_area = |ring: &[Tenths]| pairs(ring).map(|((x0, y0), (x1, y1))| x0 * y1 - x1 * y0).sum::<i64>();
        let ring = self.rings(shape).into_iter().max_by_key(|ring| twice_area(ring).abs())?;
        let area = twice_area(&ring);
        if area == 0 {
            return ring.first().map(|(x, y)| (*x as f64 / 10.0, *y as f64 / 10.0));
        }
        let (mut x, mut y) = (0, 0);
        for ((x0, y0), (x1, y1)) in pairs(&ring) {
            let cross = x0 * y1 - x1 * y0;
            x += (x0 + x1) * cross;
            y += (y0 + y1) * cross;
        }
        let mean = |sum: i64| sum as f64 / (3 * area) as f64 / 10.0;
        Some((mean(x), mean(y)))
    }
}

/// Each point of a ring with the next.
fn pairs(ring: &[Tenths]) -> impl Iterator<Item = (Tenths, Tenths)> {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

/// A point of the grid, turned so that a north that leans to the right stands up.
fn turned((cos, sin): (f64, f64), (x, y): Point) -> (f64, f64) {
    let (x, y) = (f64::from(x), f64::from(y));
    (x * cos + y * sin, y * cos - x * sin)
}

#[expect(clippy::cast_precision_loss, reason = "a figure is some hundreds of units wide")]
fn is_near(a: Tenths, b: Tenths) -> bool {
    let (x, y) = ((a.0 - b.0) as f64 / 10.0, (a.1 - b.1) as f64 / 10.0);
    x * x + y * y < DETAIL * DETAIL
}

/// Path data in the making: each point as its step from the point before.
#[derive(Debug, Default)]
struct PathData {
    text: String,
}

impl PathData {
    fn line(&mut self, points: &[Tenths]) {
        let Some(first) = points.first() else { return };
        self.text.push('M');
        self.tenths(first.0, true);
        self.tenths(first.1, false);
        for (pair, i) in points.windows(2).zip(0..) {
            let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
            if i == 0 {
                self.text.push('l');
            }
            self.tenths(dx, i == 0);
            self.tenths(dy, false);
        }
    }

    /// A number, apart from the one before it.
    fn tenths(&mut self, n: i64, is_first: bool) {
        if n < 0 {
            self.text.push('-');
        } else if !is_first {
            self.text.push(' ');
        }
        let (whole, part) = (n.unsigned_abs() / 10, n.unsigned_abs() % 10);
        match (whole, part) {
            (_, 0) => write!(self.text, "{whole}"),
            (0, _) => write!(self.text, ".{part}"),
            _ => write!(self.text, "{whole}.{part}"),
        }
        .expect("writing to memory cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_atlas_has_every_county_that_is_current() {
        let atlas = Atlas::get();
        let current = schemas::geography::counties().iter().filter(|county| county.is_current());
        let missing: Vec<&str> =
            current.map(|county| county.fips).filter(|fips| atlas.county(fips).is_none()).collect();
        assert_eq!(missing, ["60030", "60040"], "islands without people");
        for shape in &atlas.counties {
            assert!(schemas::geography::county(shape.fips).is_some_and(|county| county.is_current()), "{}", shape.fips);
            assert!(!shape.rings.is_empty());
        }
        assert_eq!(atlas.states.len(), schemas::geography::states().len());
        assert!(atlas.states.iter().all(|shape| schemas::geography::state_by_fips(shape.fips).is_some()));
        assert!(atlas.counties.is_sorted_by_key(|shape| shape.fips));
    }

    #[test]
    fn rings_close() {
        let atlas = Atlas::get();
        for shape in atlas.states.iter().chain(&atlas.counties) {
            for ring in &shape.rings {
                let ends = |link: &Link| {
                    let (first, last) = (atlas.arcs[link.arc].first(), atlas.arcs[link.arc].last());
                    if link.backwards { (last, first) } else { (first, last) }
                };
                for (link, next) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                    assert_eq!(ends(link).1, ends(next).0, "{}", shape.fips);
                }
            }
        }
    }

    #[test]
    fn a_state_fills_its_area_with_its_north_up() {
        let atlas = Atlas::get();
        let into = Area { x: 10.0, y: 20.0, width: 100.0, height: 80.0 };
        let washington = atlas.state("53").expect("a state");
        let frame = Frame::of(&[washington], into).expect("it has points");
        assert!(frame.area.is_within(Area { width: 100.1, height: 80.1, ..into }), "{:?}", frame.area);
        // Its border with Idaho runs along a meridian: from Whatcom to Asotin nearly straight down.
        let at = |fips: &str| frame.middle(atlas.county(fips).expect("a county")).expect("a middle");
        let (spokane, asotin) = (at("53063"), at("53003"));
        assert!((spokane.0 - asotin.0).abs() < 4.0 && asotin.1 > spokane.1 + 10.0, "{spokane:?} {asotin:?}");
        let data = frame.filled([washington]);
        assert!(data.starts_with('M') && data.ends_with('z') && data.len() > 300);
    }

    #[test]
    fn numbers_of_a_path_are_short_and_apart() {
        let mut path = PathData::default();
        path.line(&[(105, 20), (100, 23), (100, 3)]);
        assert_eq!(path.text, "M10.5 2l-.5 .3 0-2");
    }
}
