//! Points to counties: which county's polygon holds a point.
//!
//! `shapes.bin` holds the shapes of npm `us-atlas` (Census Bureau's cartographic boundaries, 1:10 million, on its grid
//! of about 300 by 100 m), as varints (zigzag, seven bits a byte): number of arcs; for each arc its number of points,
//! then steps in x and y; number of counties; for each the step in FIPS code, its number of rings, and for each ring
//! its number of arcs and their numbers (`!n` for arc n backwards). Neighbours share arcs, so there are no gaps.
//!
//! What always holds: a point outside all polygons gets a county only when one lies within [`TOLERANCE_KM`] (shores are
//! drawn coarsely) and no other does; anything else is no county. Connecticut is drawn with its old counties: a point
//! there gets the planning region of its three nearest towns when they agree and the region took part of that county,
//! else the old county.

use std::sync::LazyLock;

use schemas::geography::{self, County};

/// How far outside of a polygon a point may lie and still belong to it: piers, beaches, bridges.
const TOLERANCE_KM: f64 = 2.0;

const GRID: [(f64, f64); 2] =
    [(0.003589293992939929, -179.14733999999999), (0.0008590596905969058, -14.552548999999999)];

/// One county's outline: closed rings, even-odd.
struct Shape {
    county: &'static County,
    /// West, south, east, north, in grid steps.
    bounds: [f32; 4],
    rings: Vec<Vec<[f32; 2]>>,
}

struct Shapes {
    shapes: Vec<Shape>,
    /// Places of Connecticut: latitude, longitude, planning region.
    connecticut: Vec<(f64, f64, &'static str)>,
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let mut bytes = include_bytes!("../../../data/gazetteer/shapes.bin").iter();
    let mut next = move || {
        let (mut value, mut shift) = (0_u64, 0);
        for &byte in bytes.by_ref() {
            value |= u64::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 {
                break;
            }
        }
        (value >> 1) as i64 ^ -((value & 1) as i64)
    };
    let arcs: Vec<Vec<[f32; 2]>> = (0..next())
        .map(|_| {
            let (mut x, mut y) = (0, 0);
            (0..next())
                .map(|_| {
                    x += next();
                    y += next();
                    [x as f32, y as f32]
                })
                .collect()
        })
        .collect();
    let mut shapes = Vec::new();
    let mut code = 0;
    for _ in 0..next() {
        code += next();
        let rings: Vec<Vec<[f32; 2]>> = (0..next())
            .map(|_| {
                let mut ring: Vec<[f32; 2]> = Vec::new();
                for _ in 0..next() {
                    let number = next();
                    ring.pop(); // the next arc starts where the last one ended
                    if number >= 0 {
                        ring.extend(&arcs[number as usize]);
                    } else {
                        ring.extend(arcs[!number as usize].iter().rev());
                    }
                }
                ring
            })
            .collect();
        let Some(county) = geography::county(&format!("{code:05}")) else { continue };
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for [x, y] in rings.iter().flatten() {
            bounds = [bounds[0].min(*x), bounds[1].min(*y), bounds[2].max(*x), bounds[3].max(*y)];
        }
        shapes.push(Shape { county, bounds, rings });
    }
    let connecticut = include_str!("../../../data/gazetteer/connecticut_points.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut cells = line.split('\t');
            Some((cells.next()?.parse().ok()?, cells.next()?.parse().ok()?, cells.next()?))
        })
        .collect();
    Shapes { shapes, connecticut }
});

/// The county that holds this point (degrees, WGS 84), or `None`: outside the country, at sea, no number.
pub(super) fn county_at(lat: f64, lon: f64) -> Option<&'static County> {
    if !(-90.0..=90.0).contains(&lat) || !(-180.0..=180.0).contains(&lon) {
        return None;
    }
    let [x, y] = [((lon - GRID[0].1) / GRID[0].0) as f32, ((lat - GRID[1].1) / GRID[1].0) as f32];
    let found =
        SHAPES.shapes.iter().find(|shape| shape.holds(x, y)).map(|shape| shape.county).or_else(|| near(lat, x, y))?;
    if found.is_current() {
        return Some(found);
    }
    let mut successors = found.successors();
    match (successors.next(), successors.next()) {
        (Some(only), None) => Some(only),
        _ if found.fips == "02261" => Some(valdez_cordova(lat).unwrap_or(found)),
        _ if found.state == "CT" => Some(planning_region(lat, lon, found).unwrap_or(found)),
        _ => Some(found),
    }
}

/// The only county whose outline comes within the tolerance of a point outside of all.
fn near(lat: f64, x: f32, y: f32) -> Option<&'static County> {
    let km = [(GRID[0].0 * 111.32 * lat.to_radians().cos()) as f32, (GRID[1].0 * 111.32) as f32];
    let reach = TOLERANCE_KM as f32;
    let (dx, dy) = (reach / km[0].max(0.01), reach / km[1]);
    let mut found: Option<&'static County> = None;
    for shape in &SHAPES.shapes {
        let [west, south, east, north] = shape.bounds;
        if x < west - dx || x > east + dx || y < south - dy || y > north + dy || !shape.comes_within(x, y, km, reach) {
            continue;
        }
        if found.is_some() {
            return None;
        }
        found = Some(shape.county);
    }
    found
}

impl Shape {
    fn holds(&self, x: f32, y: f32) -> bool {
        let [west, south, east, north] = self.bounds;
        if x < west || x > east || y < south || y > north {
            return false;
        }
        let mut inside = false;
        for ring in &self.rings {
            for side in ring.windows(2) {
                let ([ax, ay], [bx, by]) = (side[0], side[1]);
                if (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax {
                    inside = !inside;
                }
            }
        }
        inside
    }

    /// Whether some side lies within `reach` kilometres of the point; `km` are the kilometres of one grid step.
    fn comes_within(&self, x: f32, y: f32, km: [f32; 2], reach: f32) -> bool {
        self.rings.iter().flat_map(|ring| ring.windows(2)).any(|side| {
            let [ax, ay] = [(side[0][0] - x) * km[0], (side[0][1] - y) * km[1]];
            let [bx, by] = [(side[1][0] - x) * km[0], (side[1][1] - y) * km[1]];
            let (dx, dy) = (bx - ax, by - ay);
            let length = dx * dx + dy * dy;
            let along = if length > 0.0 { (-(ax * dx + ay * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
            (ax + along * dx).hypot(ay + along * dy) <= reach
        })
    }
}

/// Valdez-Cordova was split in 2019 along the crest of the Chugach mountains: the coast south of it is Chugach, the
/// basin north of it Copper River.
fn valdez_cordova(lat: f64) -> Option<&'static County> {
    match lat {
        ..61.15 => geography::county("02063"),
        61.4.. => geography::county("02066"),
        _ => None,
    }
}

fn planning_region(lat: f64, lon: f64, old: &County) -> Option<&'static County> {
    let mut nearest = [(f64::MAX, ""); 3];
    for &(town_lat, town_lon, region) in &SHAPES.connecticut {
        let away = (town_lat - lat).hypot((town_lon - lon) * lat.to_radians().cos());
        if away < nearest[2].0 {
            nearest[2] = (away, region);
            nearest.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
    }
    let region = nearest[0].1;
    let agreed = nearest.iter().all(|&(_, other)| other == region);
    old.successors().find(|new| agreed && new.fips == region)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Option<&'static str> {
        county_at(lat, lon).map(|county| county.fips)
    }

    #[test]
    fn points_in_counties() {
        for (lat, lon, fips) in [
            (47.6062, -122.3321, "53033"),
            (40.6501, -73.9496, "36047"),
            (40.8262, -73.9230, "36005"),
            (36.2021, -115.1177, "32003"),
            (25.7617, -80.1918, "12086"),
            (39.2904, -76.6122, "24510"),
            (38.7509, -77.4753, "51683"),
            (64.8401, -147.7200, "02090"),
            (21.3069, -157.8583, "15003"),
            (18.4655, -66.1057, "72127"),
            (13.4443, 144.7937, "66010"),
            (41.3948, -73.4540, "09190"),
            (41.7658, -72.6734, "09110"),
            (60.7746, -148.6858, "02063"),
            (46.09, -101.2, "38085"),
        ] {
            assert_eq!(at(lat, lon), Some(fips), "{lat} {lon}");
        }
    }

    #[test]
    fn shores_belong_and_the_sea_does_not() {
        assert_eq!(at(34.0082, -118.4995), Some("06037"), "Santa Monica pier");
        assert_eq!(at(0.0, 0.0), None);
        assert_eq!(at(31.7, -106.6), None, "Ciudad Juárez");
        assert_eq!(at(49.28, -123.12), None, "Vancouver BC");
        assert_eq!(at(f64::NAN, 10.0), None);
        assert_eq!(at(91.0, -200.0), None);
    }
}
