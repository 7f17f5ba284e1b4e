"""Turns the lists in hand/ (public facts, written out by the project) and PyPI `courts-db` into
ingest/data/gazetteer/{ice_offices,facilities,neighbourhoods,courts}.tsv.

Usage: python3 hand.py PACKAGES. What always holds: a county that a list names exists; a name stands once for a county.
"""
import collections, json, sys
from pathlib import Path

from keys import key

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "ingest" / "data" / "gazetteer"
KINDS = (" City and Borough", " Planning Region", " Census Area", " Municipality", " Municipio", " Borough", " County", " Parish", " Island", " city")


def table(path):
    return [l.rstrip("\n").split("\t") for l in open(path) if not l.startswith("#") and l.strip()]


counties, fips_of, states = {}, {}, {r[2]: r[0] for r in table(ROOT / "schemas/data/geography/states.tsv")}
for r in table(ROOT / "schemas/data/geography/counties.tsv"):
    if len(r) > 4 and r[4]:
        continue
    short = next((r[2][: -len(k)] for k in KINDS if r[2].endswith(k)), r[2])
    counties[(r[1], key(r[2]))] = r[0]
    if not r[2].endswith(" city") or (r[1], key(short)) not in counties:
        if not (r[2].endswith(" city") and (r[1], key(short) + " county") in counties):
            counties[(r[1], key(short))] = r[0]


def lists(name):
    for line in open(Path(__file__).parent / "hand" / name):
        if line.startswith("#") or not line.strip():
            continue
        names, where = line.rsplit("@", 1)
        county, state = where.strip().rsplit(" ", 1)
        code = counties[(state, key(county))]
        for n in names.split("/"):
            n = n.strip()
            yield n.rstrip("! "), code, n.endswith("!")


def write(file, head, rows):
    seen = {}
    for k, code, flags in rows:
        seen.setdefault((k, code), flags)
    with open(OUT / file, "w") as f:
        f.write(f"# {head}\n")
        for (k, code), flags in sorted(seen.items()):
            f.write(f"{k}\t{code}\t{flags}".rstrip("\t") + "\n")
    print(file, len(seen))


def places(ambiguous=False):
    found, state = {}, ""
    for r in table(OUT / "places.tsv"):
        if r[0].startswith("@"):
            state = r[0][1:]
        elif ambiguous or r[1] != "000":
            found[(state, r[0])] = r[1]
    return found


def sizes():
    """People in hundreds by (state, name)."""
    state = ""
    for r in table(OUT / "places.tsv"):
        if r[0].startswith("@"):
            state = r[0][1:]
        elif len(r) > 2:
            yield (state, r[0]), int(r[2] or 0)


def courts(base):
    """Named state courts with the county that their name says; they need their state."""
    state_fips = {r[0]: r[1] for r in table(ROOT / "schemas/data/geography/states.tsv")}
    where = places()
    for c in json.load(open(Path(base) / "courts_db/data/courts.json")):
        if c.get("system") != "state" or c.get("location") not in states:
            continue
        st = states[c["location"]]
        name = key(c["name"].split(", 1")[0])
        words = name.split()
        code = None
        for size in (4, 3, 2, 1):
            for i in range(len(words) - size):
                if words[i + size] in ("county", "parish"):
                    code = code or counties.get((st, " ".join(words[i: i + size])))
        if code is None:
            for end in (" city court", " village court", " justice court", " municipal court", " district court", " town court"):
                if name.endswith(end):
                    city = where.get((st, name[: -len(end)]))
                    code = state_fips[st] + city if city else None
        if code and st != "CT" and 2 <= len(words) <= 8:
            yield name, code, "s"


def main(base):
    write("ice_offices.tsv", "city with an office of ICE (folded)\tcounty", [(key(n), c, "") for n, c, _ in lists("ice_offices.txt")])
    facilities = list(lists("facilities.txt"))
    # A facility that is called by a bare name gives way to a city of that name in its state (where that one is small,
    # the name stands for neither), and needs its state when a city anywhere bears it.
    state_of = {r[1]: r[0] for r in table(ROOT / "schemas/data/geography/states.tsv")}
    known = places(ambiguous=True)
    anywhere = {k for _, k in known}
    people = dict(sizes())
    rows = []
    for n, c, weak in facilities:
        k, state = key(n), state_of[c[:2]]
        clash = known.get((state, k), c[2:]) != c[2:]
        if not clash or people.get((state, k), 0) < 200:
            rows.append((k, c, "x" if clash else "s" if weak or k in anywhere or len(k) < 4 else ""))
    many = collections.Counter(k for k, _ in {(k, c) for k, c, _ in rows})
    write("facilities.tsv", "jail, detention centre or public building (folded)\tcounty\tflags: s needs its state, x also a town of another county: unknown",
          [(k, c, flags or ("s" if many[k] > 1 else "")) for k, c, flags in rows])
    # A part of a city gives way to a city of its name in another county of the state; where that one is small, the name
    # stands for neither.
    cities = known
    parts, away = [], []
    for n, c, weak in lists("neighbourhoods.txt"):
        city = cities.get((state_of[c[:2]], key(n)), c[2:])
        if city == c[2:] or people.get((state_of[c[:2]], key(n)), 0) < 200:
            parts.append((key(n), c, ("w" if weak else "") + ("" if city == c[2:] else "x")))
        else:
            away.append((key(n), c, ""))
    print("give way to a city:", " / ".join(sorted(f"{k} {c}" for k, c, _ in away)))
    write("neighbourhoods.tsv", "part of a large city, or town beside one (folded)\tcounty\tflags: w also a word, x also a town of another county: unknown", parts)
    write("courts.tsv", "court (folded)\tcounty\tflags: s needs its state", courts(base))


if __name__ == "__main__":
    main(sys.argv[1])
