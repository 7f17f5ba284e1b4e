"""The key under which a name is looked up: the same folding as `normalize/place/fold.rs` (a test there checks every
shipped key against it)."""
import re, unicodedata

CANON = {
    "saint": "st", "sainte": "ste", "mount": "mt", "fort": "ft", "hts": "heights", "hgts": "heights", "vly": "valley",
    "spgs": "springs", "spg": "spring", "jct": "junction", "bch": "beach", "vlg": "village", "twp": "township",
    "centre": "center", "ctr": "center", "cnty": "county", "pk": "park", "hbr": "harbor", "harbour": "harbor",
    "isl": "island", "mtn": "mountain", "xing": "crossing", "hwy": "highway",
}


def canon(t):
    t = CANON.get(t, t)
    if len(t) >= 8 and t.endswith("borough"):
        return t[:-7] + "boro"
    if len(t) >= 7 and t.endswith("burgh"):
        return t[:-1]
    return t


def key(text):
    s = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)).lower()
    s = re.sub(r"['’‘`ʻ]", "'", s)
    s = re.sub(r"(?<![a-z0-9])([a-z])' +", r"\1", s).replace("'", "")
    s = re.sub(r"(?<![a-z0-9])([a-z])\.(?=[a-z](?![a-z0-9]))", r"\1", s)
    s = s.replace("&", " and ")
    s = re.sub(r"([a-z])(?=[0-9])|([0-9])(?=[a-z])", lambda m: m.group(0) + " ", s)
    return " ".join(canon(t) for t in re.split(r"[^a-z0-9]+", s) if t)
