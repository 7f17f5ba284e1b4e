"""County polygons of npm us-atlas (ISC), as a lookup for the other scripts and as the compact table that ships."""
import json
from pathlib import Path


class Shapes:
    def __init__(self, base):
        from shapely.geometry import MultiPolygon, Polygon
        from shapely.strtree import STRtree
        t = json.load(open(Path(base) / "us-atlas-3.0.1/package/counties-10m.json"))
        (sx, sy), (tx, ty) = t["transform"]["scale"], t["transform"]["translate"]
        self.scale, self.translate = (sx, sy), (tx, ty)
        self.arcs = []  # absolute grid points
        for arc in t["arcs"]:
            x = y = 0
            pts = []
            for dx, dy in arc:
                x += dx
                y += dy
                pts.append((x, y))
            self.arcs.append(pts)
        self.rings = {}  # code -> list of polygons, each a list of rings, each a list of arc numbers (~n: reversed)
        for g in t["objects"]["counties"]["geometries"]:
            if g["type"] == "Polygon":
                self.rings[g["id"]] = [g["arcs"]]
            elif g["type"] == "MultiPolygon":
                self.rings[g["id"]] = g["arcs"]
        self.codes, geoms = [], []
        for code, polys in sorted(self.rings.items()):
            shape = MultiPolygon([Polygon(r[0], r[1:]) for r in ([ring for ring in map(self.ring, p) if len(ring) > 3] for p in polys) if r])
            self.codes.append(code)
            geoms.append(shape.buffer(0))
        self.geoms = geoms
        self.tree = STRtree(geoms)

    def ring(self, arcs):
        (sx, sy), (tx, ty) = self.scale, self.translate
        pts = []
        for n in arcs:
            a = self.arcs[n] if n >= 0 else self.arcs[~n][::-1]
            pts.extend(a if not pts else a[1:])
        return [(x * sx + tx, y * sy + ty) for x, y in pts]

    def county(self, lon, lat):
        from shapely.geometry import Point
        p = Point(lon, lat)
        for i in self.tree.query(p):
            if self.geoms[i].covers(p):
                return self.codes[i]
        i = self.tree.nearest(p)
        return self.codes[i] if self.geoms[i].distance(p) < 0.05 else None

    def away(self, code, lon, lat):
        """Degrees from a county's outline."""
        from shapely.geometry import Point
        return self.geoms[self.codes.index(code)].distance(Point(lon, lat)) if code in self.codes else 9.0
