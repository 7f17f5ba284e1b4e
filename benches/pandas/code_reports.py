#!/usr/bin/env python3
"""What an analyst with pandas does with a hotline's file: the same columns that `testigo import` fills, coded by maps, regexes and dateparser.

    testigo simulate --reports 100000 --seed 7 --out sim
    python benches/pandas/code_reports.py sim/reports.csv coded.sqlite

Places become counties by a table of ZIPs and cities, dates in words are parsed beside the day of the call, empty codes are filled from the
narrative by regexes in English and Spanish, private numbers are cut from it, and the table is written to SQLite. Written as one would write
it for use: by column where pandas can, with a cache where it cannot. It keeps no queue, no original, no revision and no duplicate apart.
Prints rows, seconds and rows/s, from the first read to the last write, imports excluded.
"""

import re
import sqlite3
import sys
import time
import unicodedata
from functools import lru_cache

import addfips
import dateparser
import pandas as pd
import zipcodes

SOURCE_ZONE = "America/New_York"
ZONES = {
    "NY": "America/New_York", "NJ": "America/New_York", "CA": "America/Los_Angeles", "WA": "America/Los_Angeles", "IL": "America/Chicago",
    "TX": "America/Chicago", "CO": "America/Denver",
}

ALIASES = {
    "event_kind": {
        "arrest": "arrest", "attempt": "attempted_arrest", "checkpoint": "checkpoint", "letter or call": "communication",
        "jail hold / transfer": "detainer_or_transfer", "question": "information_request", "false alarm": "not_enforcement",
        "sighting": "sighting", "stakeout": "surveillance", "unclear": "unknown",
    },
    "setting": {
        "ice/isap check-in": "check_in", "ct house": "courthouse", "day labor corner": "day_labor_site", "residence": "home",
        "imm. court": "immigration_court", "jail": "jail_or_prison", "jail, at release": "jail_release",
        "store / parking lot": "retail_or_parking", "street": "street", "car stop": "vehicle_stop", "work site": "workplace",
    },
    "agency_claimed": {"ice-ero": "ice_ero", "ice": "ice_unspecified", "police": "local_police", "hsi": "ice_hsi"},
    "agency_assessed": {"border patrol": "cbp_usbp", "ice-ero": "ice_ero", "hsi": "ice_hsi", "ice": "ice_unspecified", "sheriff": "sheriff"},
    "outcome": {"in custody": "in_custody", "not found": "not_found", "let go": "released_at_scene", "moved": "transferred"},
    "review": {
        "yes": "confirmed", "dup": "duplicate", "not ice": "not_enforcement", "likely": "probable", "no, pending": "unconfirmed",
        "taken back": "withdrawn",
    },
    "tactics": {
        "court staff helped": "court_staff_assist", "detainer": "detainer_hold", "masks": "masked", "plain clothes": "plainclothes",
        "no id given": "refused_identification", "said police (ruse)": "ruse_police", "unmarked car": "unmarked_vehicle",
        "no warrant shown": "warrant_not_shown",
    },
}

COLUMNS = {
    "Call ID": "external_id", "Date of call": "reported_at", "When did it happen": "occurred", "Location": "place", "St": "state",
    "County code": "county_fips", "What happened": "event_kind", "Type of place": "setting", "Where at the courthouse": "place_relation",
    "Tactics seen": "tactics", "Who they said they were": "agency_claimed", "Who we think they were": "agency_assessed",
    "Paper shown": "authority_shown", "Court": "court_type", "Stage of the case": "court_stage", "Role in court": "court_role",
    "Level of the case": "case_level", "What became of them": "outcome", "How many agents": "agents", "How many vehicles": "vehicles",
    "How many sought": "persons_targeted", "How many taken": "persons_arrested", "Of these collateral": "persons_collateral",
    "Vulnerable": "vulnerable_parties", "Verified?": "review", "Event no.": "incident_id", "Lang": "language", "Notes": "narrative",
}

# The first that matches is the code: what undoes an event stands before the events.
EVENT_KIND = {
    "not_enforcement": r"false alarm|falsa alarma|unfounded|not immigration|no (?:era|fue|es) (?:la )?(?:migra|inmigraci)|mistaken for|rumou?r|"
                       r"filmaci|film crew|drill|simulacro|no hab[ií]a nada",
    "communication": r"text message|letter from|phone call from|mensaje de texto|carta de|fine to pay|gift card|whats ?app de",
    "information_request": r"\basks\b|wants to know|what to do if|pregunta|quiere saber|qu[eé] hacer si|quiere el paquete",
    "detainer_or_transfer": r"detainer|transferred (?:from|to)|i-?247|hold de (?:ice|inmigraci)|trasladad",
    "attempted_arrest": r"tried to|did not open|were not let in|no (?:les )?abri|intentaron|no estaba|was not home",
    "checkpoint": r"checkpoint|ret[eé]n",
    "arrest": r"arrest|detained|detuv|\btook\b|taken|se (?:lo|la|los|las)? ?llev|agarr|grabbed|picked up",
    "surveillance": r"watching|parked (?:outside|in front)|followed|vigil|estacionad",
    "sighting": r"\bagents?\b|agentes?|officers?|oficiales|\bmigra\b",
}
SETTING = {
    "immigration_court": r"immigration court|corte de inmigraci",
    "courthouse": r"\bcourt(?:house|room)?\b|\bcorte\b|tribunal|juzgado",
    "check_in": r"check-?in|isap|\bcita\b",
    "jail_release": r"released from (?:the )?jail|sal[ií]a? de la c[aá]rcel",
    "jail_or_prison": r"\bjail\b|c[aá]rcel|prison|detention|correctional",
    "day_labor_site": r"day labor|jornalero|home depot",
    "workplace": r"work ?site|construction|warehouse|factory|\bobra\b|f[aá]brica|restaurant|\btrabajo\b",
    "school": r"\bschool|escuela",
    "hospital_or_clinic": r"hospital|clinic|cl[ií]nica",
    "place_of_worship": r"church|mosque|iglesia|\bmisa\b",
    "transit": r"\bbus\b|train|subway|station|and[eé]n|\btren\b|parada",
    "vehicle_stop": r"pulled over|traffic stop|car stop|pararon el carro|parar?on a",
    "retail_or_parking": r"store|parking|tienda|estacionamiento|supermarket|mercado|\bmall\b",
    "home": r"\bhome\b|house|apartment|front door|casa|apartamento|departamento",
    "street": r"street|sidewalk|corner|calle|esquina|banqueta",
}
AGENCY = {
    "cbp_usbp": r"border patrol|patrulla fronteriza",
    "ice_ero": r"\bERO\b|deportation officer",
    "ice_hsi": r"\bHSI\b|homeland security investigations",
    "usms": r"marshal|alguacil federal",
    "ice_unspecified": r"\bICE\b|\bmigra\b|inmigraci[oó]n|\bimmigration\b",
}
OUTCOME = {
    "transferred": r"transferred|trasladad",
    "released_at_scene": r"let (?:him|her|them) go|released|soltaron|dejaron ir",
    "not_found": r"not home|left without|no estaba|se fueron sin",
    "in_custody": r"in custody|arrest|detained|\btook\b|taken|detuv|llev|agarr",
}
TACTICS = {
    "masked": r"mask|ski cap|gaiter|face(?:s)? covered|cara tapada|enmascarad|pasamonta|tapados",
    "plainclothes": r"plain ?clothes|street clothes|de civil|de paisano|ropa normal",
    "unmarked_vehicle": r"unmarked|sin r[oó]tulo|sin (?:logo|marca|placa)s?|no plates",
    "refused_identification": r"would(?:n't| not) (?:say|identify)|no (?:quisieron|se quisieron) identific|no id\b|refused to (?:say|identify)",
    "ruse_police": r"(?:said|saying|claimed) (?:they were |to be )?(?:the )?police|dij(?:eron|o) que (?:eran|era) (?:la )?polic[ií]a|posed as police",
    "warrant_not_shown": r"(?:no|never|without) (?:showed |shown |showing )?(?:a |any )?warrant|nunca ense[nñ]aron una orden|sin (?:ense[nñ]ar )?(?:la |una )?orden",
    "warrantless_entry": r"forced (?:the door|their way)|entered without|entraron sin (?:permiso|orden)|broke (?:down )?the door|tumbaron la puerta",
    "local_police_assist": r"sheriff'?s? (?:men|deput)|police (?:helped|assisted)|patrol cars|ayud[oó] la polic[ií]a|con la polic[ií]a",
    "court_staff_assist": r"court officers? (?:helped|pointed|let)|clerk (?:told|called|pointed)|secretari[oa] (?:les|dijo)",
    "force_restraint": r"threw .{0,20}(?:ground|floor)|tackled|tir(?:aron|ado) al (?:piso|suelo)|knee on",
    "force_weapon_drawn": r"guns? drawn|pointed (?:a |their )?(?:gun|rifle|weapon)|apuntaron",
    "force_vehicle": r"broke .{0,20}window|quebraron .{0,20}(?:vidrio|ventana)|rompieron .{0,20}(?:vidrio|ventana)",
    "force_injury": r"hurt|injur|bleeding|lastim|sangr",
    "children_present": r"\bchild|\bkids?\b|ni[nñ][oa]s|\bhij[oa]s? (?:chic|peque)",
    "family_present": r"in front of (?:his|her|the) (?:wife|husband|family)|frente a (?:su|la) (?:esposa|familia)",
    "racial_profiling_alleged": r"only (?:latinos|hispanics|brown)|looks hispanic|s[oó]lo (?:a )?(?:los )?(?:latinos|hispanos)|por c[oó]mo se ve",
    "collateral_arrest": r"looking for (?:someone|somebody) else|buscaban a otr",
    "dismissal_then_arrest": r"dismiss(?:ed)? .{0,40}(?:arrest|detain)|desestim",
    "filming_obstructed": r"stop filming|took (?:her|his|their) phone|dejar? de grabar|quitaron el (?:tel[eé]fono|celular)",
    "detainer_hold": r"detainer|i-?247",
}
AUTHORITY = {
    "i_200": r"i-?200\b", "i_205": r"i-?205\b", "i_247a": r"i-?247a", "judicial_arrest_warrant": r"signed by a judge|firmada por (?:un )?juez",
}
AGENTS = r"(\d+)(?:\s*(?:to|-|a|o|or)\s*(\d+))?\s+(?:masked |armed |federal |ICE |ERO |HSI )*(?:agents?|officers?|men\b|agentes|oficiales|hombres con)"
VEHICLES = r"(\d+)(?:\s*(?:to|-|a|o|or)\s*(\d+))?\s+(?:dark |black |unmarked |white )*(?:cars?|vehicles?|SUVs?|vans?|carros?|camionetas?|veh[ií]culos)"

# In this order: an A-number looks like the start of a telephone number.
PRIVATE = [
    ("EMAIL", r"[\w.+-]+@[\w-]+\.[\w.]*\w"),
    ("URL", r"https?://\S+|\b[\w-]+\.(?:com|org|example|ly)/\S+"),
    ("HANDLE", r"(?<!\w)@[\w.]+"),
    ("ID_NUMBER", r"\bA[#\s-]?\d{3}[\s-]?\d{3}[\s-]?\d{2,3}\b|\b\d{3}-\d{2}-\d{4}\b"),
    ("PHONE", r"(?:\+?1[\s.-]?)?(?:\(\d{3}\)|\b\d{3})[\s.-]?\d{3}[\s.-]?\d{4}\b"),
    ("COORDINATES", r"-?\d{1,2}\.\d{3,},\s*-?\d{1,3}\.\d{3,}"),
    ("BIRTH_DATE", r"(?i:\b(?:dob|born|nacid[oa]|naci[oó])(?: on| el)?:? )\d{1,2}[/-]\d{1,2}[/-]\d{2,4}"),
    ("PLATE", r"(?i:\b(?:plates?|placas?):? )[A-Z0-9]{2,4}[- ]?[A-Z0-9]{2,4}\b"),
    ("CASE_NUMBER", r"(?i:\b(?:docket|case|expediente) (?:no\.? |# ?)?)\d[\w-]{4,}"),
    ("ADDRESS", r"\b\d{1,5} (?:[NSEW]\.? )?(?:[A-Z]\w+ ){1,3}(?:St|Street|Ave|Avenue|Rd|Road|Blvd|Dr|Ln|Ct)\b\.?(?:,? (?:Apt|Unit|#)\.? ?\w+)?"),
    ("PERSON", r"(?:(?<=name is )|(?<=ombre es )|(?<=aller: )|(?<=lama: )|(?<=Ask for )|(?<=regunten por ))[A-ZÁÉÍÓÚÑ][\w'-]+(?: [A-ZÁÉÍÓÚÑ][\w'-]+){0,3}"),
]


# --- places ---

def plain(text):
    text = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def gazetteer():
    """ZIPs, "city st" and "county st", each with its county."""
    fips, table, counties = addfips.AddFIPS(), {}, set()
    for entry in zipcodes.list_all():
        code = fips.get_county_fips(entry["county"], entry["state"]) if entry["county"] else None
        if code is None:
            continue
        table[entry["zip_code"]] = code
        for city in [entry["city"], *entry["acceptable_cities"]]:
            table.setdefault(f"{plain(city)} {entry['state'].lower()}", code)
        counties.add((entry["county"], entry["state"], code))
    for county, state, code in counties:
        table.setdefault(f"{plain(county)} {state.lower()}", code)
    return table


STATE_NAMES = {"new york": "ny", "new jersey": "nj", "california": "ca", "washington": "wa", "illinois": "il", "texas": "tx", "colorado": "co"}


def county_of(place, state, table):
    """The county of one place text: its ZIP, then its last words with their state or the row's."""
    if not isinstance(place, str):
        return None
    if found := re.search(r"\b\d{5}\b", place):
        if code := table.get(found[0]):
            return code
    words = plain(place)
    for name, short in STATE_NAMES.items():
        if words.endswith(" " + name):
            words = words[: -len(name)] + short
    words = words.split()
    if len(words) > 1 and words[-1].upper() in ZONES:
        state, words = words[-1], words[:-1]
    if not isinstance(state, str):
        return None
    for length in (4, 3, 2, 1):
        if code := table.get(" ".join(words[-length:]) + " " + state.lower()):
            return code
    return None


# --- dates ---

@lru_cache(maxsize=None)
def parse_words(text, base):
    """A date in words beside the local time of the call, to the hour."""
    return dateparser.parse(
        text, languages=["en", "es"], settings={"RELATIVE_BASE": base, "PREFER_DATES_FROM": "past", "DATE_ORDER": "MDY"}
    )


def clean_date(text):
    """What dateparser does not know: hedges, and parts of the day as hours."""
    text = re.sub(r"\b(?:around|about|approx\.?|como|tipo|a eso de)\b", "", text.lower())
    text = re.sub(r"^on |^el (?:d[ií]a )?", "", text)
    text = re.sub(r"\b(?:this|en la|por la|de la)\s+(?:morning|ma[nñ]ana)\b", "", text)
    text = re.sub(r"\b(?:this|en la|por la|de la)?\s*(?:afternoon|evening|tarde|noche)\b", "pm" if re.search(r"\d", text) else "", text)
    text = re.sub(r"\blast night\b|\banoche\b", "yesterday", text)
    return re.sub(r"\s+", " ", text).strip() or "today"


def occurred(table):
    """The local civil time of each event: the plain formats by column, the words one by one."""
    exact = pd.to_datetime(table["occurred"], format="%m/%d/%Y %H:%M", errors="coerce")
    exact = exact.fillna(pd.to_datetime(table["occurred"], format="%m/%d/%Y", errors="coerce"))
    rest = table["occurred"].notna() & exact.isna() & table["local"].notna()
    words = [
        parse_words(clean_date(text), local.floor("h").to_pydatetime())
        for text, local in zip(table.loc[rest, "occurred"], table.loc[rest, "local"])
    ]
    exact.loc[rest] = pd.to_datetime(pd.Series(words, index=table.index[rest]), errors="coerce")
    return exact.where(~(exact > table["local"] + pd.Timedelta(days=1)))


# --- codes ---

def first_match(narrative, patterns):
    """For each narrative the first code whose pattern it holds."""
    codes = pd.Series(pd.NA, index=narrative.index, dtype="object")
    for code, pattern in patterns.items():
        open_rows = codes.isna()
        codes.loc[open_rows & narrative.str.contains(pattern, case=False, regex=True, na=False)] = code
    return codes


def all_matches(narrative, patterns):
    """For each narrative all the codes whose pattern it holds, as one text."""
    codes = pd.Series("", index=narrative.index, dtype="object")
    for code, pattern in patterns.items():
        hit = narrative.str.contains(pattern, case=False, regex=True, na=False)
        codes.loc[hit] = codes.loc[hit] + code + ";"
    return codes.str.rstrip(";")


def bounds(column):
    """"4", "5-6", "at least 4" as lowest and highest."""
    found = column.str.extract(r"(at least|al menos|m[ií]nimo)?\s*(\d+)\s*(?:-|to|a)?\s*(\d+)?\s*(\+)?")
    low = pd.to_numeric(found[1], errors="coerce")
    open_ended = found[0].notna() | found[3].notna()
    high = pd.to_numeric(found[2], errors="coerce").fillna(low).mask(open_ended)
    return low, high


def redact(narrative):
    for name, pattern in PRIVATE:
        narrative = narrative.str.replace(pattern, f"[{name}]", regex=True)
    return narrative


def code(table, counties):
    table = table.rename(columns=COLUMNS)[list(COLUMNS.values())]
    for axis in ("event_kind", "setting", "agency_claimed", "agency_assessed", "outcome", "review"):
        table[axis] = table[axis].str.strip().str.lower().replace(ALIASES[axis])
    table["tactics"] = table["tactics"].str.split(";").map(
        lambda codes: ";".join(ALIASES["tactics"].get(code.strip().lower(), code.strip()) for code in codes), na_action="ignore"
    )

    reported = pd.to_datetime(table["reported_at"], format="%m/%d/%Y %H:%M", errors="coerce")
    table["reported_at"] = reported.dt.tz_localize(SOURCE_ZONE, ambiguous="NaT", nonexistent="shift_forward").dt.tz_convert("UTC")

    pairs = table[["place", "state"]].drop_duplicates()
    pairs["found"] = [county_of(place, state, counties) for place, state in zip(pairs["place"], pairs["state"])]
    table = table.merge(pairs, on=["place", "state"], how="left")
    table["county_fips"] = table["county_fips"].fillna(table.pop("found"))

    table["local"] = pd.NaT
    for zone in set(ZONES.values()):
        rows = table["state"].map(ZONES).fillna(SOURCE_ZONE) == zone
        table.loc[rows, "local"] = table.loc[rows, "reported_at"].dt.tz_convert(zone).dt.tz_localize(None)
    table["local"] = pd.to_datetime(table["local"])
    when = occurred(table)
    table["occurred_on"], table["occurred_time"] = when.dt.strftime("%Y-%m-%d"), when.dt.strftime("%H:%M")

    text = table["narrative"]
    for axis, patterns in (("event_kind", EVENT_KIND), ("setting", SETTING), ("agency_assessed", AGENCY), ("outcome", OUTCOME)):
        table[axis] = table[axis].fillna(first_match(text, patterns))
    for axis, patterns in (("tactics", TACTICS), ("authority_shown", AUTHORITY)):
        table[axis] = table[axis].fillna(all_matches(text, patterns))
    for axis, pattern in (("agents", AGENTS), ("vehicles", VEHICLES)):
        low, high = bounds(table[axis])
        found = text.str.extract(pattern, flags=re.IGNORECASE)
        least = pd.to_numeric(found[0], errors="coerce")
        table[f"{axis}_min"] = low.fillna(least)
        table[f"{axis}_max"] = high.where(low.notna(), pd.to_numeric(found[1], errors="coerce").fillna(least))
    for axis in ("persons_targeted", "persons_arrested", "persons_collateral"):
        table[f"{axis}_min"], table[f"{axis}_max"] = bounds(table[axis])
    table["narrative"] = redact(text)
    table["reported_at"] = table["reported_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return table.drop(columns=["local", "agents", "vehicles", "persons_targeted", "persons_arrested", "persons_collateral"])


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} REPORTS.csv CODED.sqlite")
    started = time.perf_counter()
    table = pd.read_csv(sys.argv[1], dtype=str)
    coded = code(table, gazetteer())
    with sqlite3.connect(sys.argv[2]) as database:
        coded.to_sql("report", database, if_exists="replace", index=False)
    took = time.perf_counter() - started
    shares = " ".join(f"{name} {coded[name].notna().mean():.2f}" for name in ("county_fips", "occurred_on", "event_kind", "setting"))
    print(f"{len(coded)} rows in {took:.1f} s: {len(coded) / took:.0f} rows/s; filled: {shares}")


if __name__ == "__main__":
    main()
