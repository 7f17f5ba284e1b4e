#!/usr/bin/env python3
"""Scores what `testigo normalize` made of a corpus of field reports against their truth. Standard library only.

    testigo normalize tests/corpus/seen/reports.ndjson | scripts/score.py tests/corpus/seen -
    scripts/score.py tests/corpus/seen coded.ndjson --errors 20 --by group
    scripts/score.py tests/corpus/unseen coded.ndjson --floor tests/corpus/floor.toml
    scripts/score.py tests/corpus/seen --selftest

CORPUS is a directory with `reports.ndjson` (wire form) and `truth.ndjson`; its README says what the truth means.

How it counts
  single axes   null, "unknown", "" and an absent field are one. Right is the truth or what its `accept` lists. `accuracy` is over all reports whose
                truth has the field; `precision` over those where the output says something; `right`, `wrong` and `unknown` share out those
                where the truth is a code and null is not accepted (`right` is the recall). `invented`: said where the truth is null.
  counts        lowest and highest must be right; "at least N" needs at_least, or no highest.
  time          date exact, or in the same week or month where the truth knows no more; time exact, within 30 minutes where it is an hour.
  sets          (tactics, authority_shown, vulnerable_parties) micro precision and recall; accepted codes cost nothing either way.
  non_event     of the reports that are surely no event, the share that was coded as one of the six event kinds.
  redaction     letters and digits only, in offsets of the narrative as it came. `char_recall`: removed of those that had to go; `span_recall`:
                stretches removed whole; `verbatim`: stretches of 4 or more characters that still stand somewhere in the output row.
                `over.share`: removed of those that had to stay; `over.char_precision`: rightly removed of all removed.

A floor is TOML or JSON with two tables, at_least and at_most, from a path in the output of --json to a number:
    [at_least]
    "all.axes.event_kind.right" = 0.85
A path to something that the corpus does not hold (null) is below its floor.

Exit code: 0; 1 below the floor, or a failed --selftest; 2 wrong use or unreadable input. No text of a report is ever printed.
"""

import argparse
import datetime as dt
import json
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

CODE_AXES = [
    "event_kind", "setting", "place_relation", "agency_claimed", "agency_assessed", "outcome",
    "court_type", "court_stage", "court_role", "state", "county_fips",
]
COUNT_AXES = ["agents", "vehicles", "persons_arrested"]
TIME_AXES = ["occurred_on", "occurred_time", "occurred_precision"]
SET_AXES = ["tactics", "authority_shown", "vulnerable_parties"]
EVENT_KINDS = {"arrest", "attempted_arrest", "sighting", "surveillance", "checkpoint", "detainer_or_transfer"}
NON_EVENT_KINDS = {"not_enforcement", "information_request", "communication"}
# An hour is named, not measured: "around 7" and 7:20 are the same.
HOUR_SLACK_MINUTES = 30
# Shorter stretches ("Al", "22") stand in a row for other reasons too.
SHORTEST_VERBATIM = 4


# --- reading values ---------------------------------------------------------------------------------------------------------------------

def said(value):
    """A code as it stands, or None where nothing is said."""
    if isinstance(value, str):
        value = value.strip()
    return None if value in (None, "", "unknown") else value


def code_set(value):
    """A set axis as a set, also from a list in one string."""
    if isinstance(value, str):
        value = value.replace(";", ",").split(",")
    return {said(code) for code in value or [] if said(code)}


def count(value):
    """A count as (lowest, highest or None, at least?), or None."""
    if isinstance(value, bool) or said(value) is None:
        return None
    if isinstance(value, (int, float)):
        return int(value), int(value), False
    low, high, at_least = value.get("min"), value.get("max"), bool(value.get("at_least"))
    if low is None and high is None:
        return None
    return low, high, at_least


def same_count(want, got):
    if want is None or got is None:
        return want is got
    low, high, open_ended = got
    if low != want[0]:
        return False
    if want[2]:
        return open_ended or high is None
    return not open_ended and (low if high is None else high) == want[1]


def day(value):
    try:
        return dt.date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def minutes(value):
    try:
        clock = dt.time.fromisoformat(str(value).rpartition("T")[2][:5])
    except ValueError:
        return None
    return clock.hour * 60 + clock.minute


def same_date(truth, wanted, got):
    """`wanted[0]` is the truth, the others are accepted. The looser match of week and month is for the truth alone."""
    if got in wanted:
        return True
    want, have = day(wanted[0]), day(got)
    if want is None or have is None:
        return False
    precision = truth.get("occurred_precision")
    if precision == "month":
        return (want.year, want.month) == (have.year, have.month)
    return precision == "week" and want.isocalendar()[:2] == have.isocalendar()[:2]


def same_time(truth, wanted, got):
    if got is None:
        return None in wanted
    have = minutes(got)
    if have is None:
        return False
    slack = HOUR_SLACK_MINUTES if truth.get("occurred_precision") == "hour" else 0
    return any(abs(have - minutes(want)) <= slack for want in wanted if want is not None)


# --- tallies ----------------------------------------------------------------------------------------------------------------------------

def share(part, whole):
    return round(part / whole, 4) if whole else None


class Axis:
    """Right, wrong and unknown of one single-valued field."""

    def __init__(self):
        self.n = Counter()

    def add(self, wanted, got, right):
        n = self.n
        n["all"] += 1
        n["right"] += right
        if got is not None:
            n["said"] += 1
            n["said_right"] += right
        if None not in wanted:
            n["known"] += 1
            n["known_" + ("right" if right else "unknown" if got is None else "wrong")] += 1
        elif wanted[0] is None:
            n["null"] += 1
            n["invented"] += got is not None and not right

    def result(self):
        n = self.n
        return {
            "n": n["all"], "accuracy": share(n["right"], n["all"]), "precision": share(n["said_right"], n["said"]), "known": n["known"],
            **{key: share(n["known_" + key], n["known"]) for key in ("right", "wrong", "unknown")},
            "null": n["null"], "invented": n["invented"],
        }


class CodeSet:
    """Found, false and missed codes of one field of several values."""

    def __init__(self):
        self.reports = Counter()
        self.codes = defaultdict(Counter)

    def add(self, want, optional, got):
        optional = optional - want
        for code in (want | got) - optional:
            self.codes[code]["tp" if code in want and code in got else "fp" if code in got else "fn"] += 1
        exact = want == got - optional
        self.reports["all"] += 1
        self.reports["exact"] += exact
        return exact

    @staticmethod
    def _rates(n):
        return {
            "n": n["tp"] + n["fn"], "tp": n["tp"], "fp": n["fp"], "fn": n["fn"],
            "precision": share(n["tp"], n["tp"] + n["fp"]), "recall": share(n["tp"], n["tp"] + n["fn"]),
        }

    def result(self):
        total = sum(self.codes.values(), Counter())
        by_code = {code: self._rates(n) for code, n in sorted(self.codes.items())}
        return {**self._rates(total), "exact": share(self.reports["exact"], self.reports["all"]), "by_code": by_code}


class Redaction:
    """What was removed of what had to go, and of what had to stay."""

    def __init__(self):
        self.classes = defaultdict(Counter)
        self.over = Counter()

    def add(self, text, required, optional, row):
        """Returns the stretches that are not wholly removed."""
        counted = [char.isalnum() for char in text]
        removed_as = [None] * len(text)
        for cut in row.get("redactions") or []:
            if cut.get("field", "narrative") == "narrative":
                for i in range(max(0, cut["start"]), min(len(text), cut["end"])):
                    removed_as[i] = cut.get("class") or "?"
        may_go = set()
        for stretch in required + optional:
            may_go.update(range(stretch["start"], stretch["end"]))
        leaks = []
        for stretch in required:
            chars = [i for i in range(stretch["start"], stretch["end"]) if counted[i]]
            gone = Counter(removed_as[i] for i in chars if removed_as[i])
            left = len(chars) - gone.total()
            phrase = text[stretch["start"]:stretch["end"]]
            n = self.classes[stretch["class"]]
            n["chars"] += len(chars)
            n["chars_gone"] += gone.total()
            n["spans"] += 1
            n["spans_gone"] += left == 0
            n["untouched"] += not gone
            n["class_right"] += bool(gone) and gone.most_common(1)[0][0] == stretch["class"]
            n["verbatim"] += len(phrase) >= SHORTEST_VERBATIM and any(phrase in s for s in strings(row))
            if left:
                leaks.append({"start": stretch["start"], "end": stretch["end"], "class": stretch["class"], "chars_left": left})
        must_stay = [i for i in range(len(text)) if counted[i] and i not in may_go]
        over = sum(removed_as[i] is not None for i in must_stay)
        self.over["chars"] += over
        self.over["of"] += len(must_stay)
        self.over["removed"] += sum(bool(cls) and letter for cls, letter in zip(removed_as, counted))
        self.over["reports"] += over > 0
        return leaks

    @staticmethod
    def _rates(n):
        return {
            "spans": n["spans"], "char_recall": share(n["chars_gone"], n["chars"]), "span_recall": share(n["spans_gone"], n["spans"]),
            "untouched": n["untouched"], "verbatim": n["verbatim"], "class_right": share(n["class_right"], n["spans"]),
        }

    def result(self):
        n, total = self.over, sum(self.classes.values(), Counter())
        over = {
            "chars": n["chars"], "share": share(n["chars"], n["of"]), "reports": n["reports"],
            "char_precision": share(n["removed"] - n["chars"], n["removed"]),
        }
        return {"all": self._rates(total), "by_class": {c: self._rates(k) for c, k in sorted(self.classes.items())}, "over": over}


def strings(value, skip=("external_id", "report_id", "source")):
    """Every string in a coded row, save for its names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in skip:
                yield from strings(inner, skip)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, skip)


# --- scoring ----------------------------------------------------------------------------------------------------------------------------

def read_axis(axis, row):
    """The value of a single axis in a coded row, in the form in which it is compared."""
    value = row.get(axis)
    if axis in COUNT_AXES:
        return count(value)
    value = said(value)
    if value is None:
        return None
    if axis == "county_fips":
        return str(value).zfill(5)
    if axis == "occurred_on":
        return str(value)[:10]
    return value


def is_right(axis, truth, wanted, got):
    if axis in COUNT_AXES:
        return any(same_count(want, got) for want in wanted)
    if axis == "occurred_on":
        return same_date(truth, wanted, got)
    if axis == "occurred_time":
        return same_time(truth, wanted, got)
    return got in wanted


def score(truths, texts, rows):
    """Scores `rows` (coded rows by external id) on `truths`. Returns the result and the misses by axis."""
    axes = {axis: Axis() for axis in CODE_AXES + TIME_AXES + COUNT_AXES}
    sets = {axis: CodeSet() for axis in SET_AXES}
    redaction, kinds, state, misses = Redaction(), Counter(), Counter(), defaultdict(list)
    for truth in truths:
        name, accept = truth["external_id"], truth.get("accept", {})
        row = rows.get(name)
        state["missing" if row is None else "rejected" if "reject" in row else "coded"] += 1
        row = {} if row is None or "reject" in row else row
        for axis in axes:
            if axis not in truth:
                continue
            wanted = [read_axis(axis, {axis: value}) for value in [truth[axis], *accept.get(axis, [])]]
            got = read_axis(axis, row)
            right = is_right(axis, truth, wanted, got)
            axes[axis].add(wanted, got, right)
            if not right:
                misses[axis].append({"external_id": name, "truth": wanted[0], "got": got})
        for axis in sets:
            if axis not in truth:
                continue
            want, optional, got = code_set(truth[axis]), code_set(accept.get(axis)), code_set(row.get(axis))
            if not sets[axis].add(want, optional, got):
                misses[axis].append({"external_id": name, "missed": sorted(want - got), "false": sorted(got - want - optional)})
        add_kind(kinds, truth, accept, said(row.get("event_kind")))
        for leak in redaction.add(texts[name], truth["redactions"], accept.get("redactions", []), row):
            misses["redaction"].append({"external_id": name, **leak})
    result = {
        "reports": {"n": len(truths), **{key: state[key] for key in ("coded", "missing", "rejected")}},
        "axes": {axis: tally.result() for axis, tally in axes.items()},
        "sets": {axis: tally.result() for axis, tally in sets.items()},
        "non_event": {
            "n": kinds["non_event"], "taken_for_event": share(kinds["taken_for_event"], kinds["non_event"]),
            "recall": share(kinds["seen"], kinds["non_event"]), "events": kinds["event"], "events_lost": kinds["events_lost"],
        },
        "redaction": redaction.result(),
    }
    return result, misses


def add_kind(kinds, truth, accept, got):
    """Counts a report whose truth and alternatives agree on whether it is an event; the others prove nothing."""
    possible = {said(kind) in NON_EVENT_KINDS for kind in [truth.get("event_kind"), *accept.get("event_kind", [])] if said(kind)}
    if len(possible) != 1:
        return
    if possible.pop():
        kinds["non_event"] += 1
        kinds["taken_for_event"] += got in EVENT_KINDS
        kinds["seen"] += got in NON_EVENT_KINDS
    else:
        kinds["event"] += 1
        kinds["events_lost"] += got in NON_EVENT_KINDS


def score_parts(truths, texts, rows, by):
    """The result over all reports, and over each part of them that `by` (a field of the truth) makes."""
    parts = defaultdict(list)
    for truth in truths:
        keys = truth.get(by) or []
        for key in [keys] if isinstance(keys, str) else keys:
            parts[key].append(truth)
    result, misses = {}, {}
    result["all"], misses = score(truths, texts, rows)
    for key in sorted(parts):
        result[key], _ = score(parts[key], texts, rows)
    return result, misses


# --- floors -----------------------------------------------------------------------------------------------------------------------------

def read_floor(path):
    text = Path(path).read_text(encoding="utf-8")
    floor = json.loads(text) if str(path).endswith(".json") else tomllib.loads(text)
    if not floor or set(floor) - {"at_least", "at_most"}:
        raise ValueError(f"{path}: a floor has the tables at_least and at_most")
    return floor


def check_floor(floor, result):
    """Each bar as (met?, path, value, word, bar). A path that leads nowhere is an error of the floor."""
    bars = []
    for word, paths in floor.items():
        for path, bar in paths.items():
            value = look_up(result, path)
            met = value is not None and (value >= bar if word == "at_least" else value <= bar)
            bars.append((met, path, value, word, bar))
    return bars


def look_up(result, path):
    value = result
    keys = path.split(".")
    for depth, key in enumerate(keys):
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif depth and keys[depth - 1] in ("by_class", "by_code"):
            return None  # a class that no report of this corpus holds
        else:
            raise ValueError(f"no such value: {path}")
    if isinstance(value, dict):
        raise ValueError(f"not a number: {path}")
    return value


# --- printing ---------------------------------------------------------------------------------------------------------------------------

def percent(value):
    return "    -" if value is None else f"{100 * value:5.1f}"


def table(title, columns, rows):
    """`rows` are (name, dict); a float is a share and printed in percent, an int as it is."""
    print(f"\n{title:28}" + "".join(f"{column:>17}" for column in columns))
    for name, values in rows:
        cells = (values.get(column) for column in columns)
        print(f"  {name:26}" + "".join(f"{cell:17d}" if isinstance(cell, int) else f"{percent(cell):>17}" for cell in cells))


def show(result, by):
    everything = result["all"]
    print("reports", ", ".join(f"{key} {n}" for key, n in everything["reports"].items()))
    table("axis", ["n", "accuracy", "precision", "known", "right", "wrong", "unknown", "invented"], everything["axes"].items())
    table("set", ["n", "fp", "fn", "precision", "recall", "exact"], everything["sets"].items())
    table("tactic", ["n", "fp", "fn", "precision", "recall"], everything["sets"]["tactics"]["by_code"].items())
    table("redaction", ["spans", "char_recall", "span_recall", "untouched", "verbatim", "class_right"],
          [("all", everything["redaction"]["all"]), *everything["redaction"]["by_class"].items()])
    table("over-redaction", ["chars", "share", "reports", "char_precision"], [("all", everything["redaction"]["over"])])
    table("no event", ["n", "taken_for_event", "recall", "events", "events_lost"], [("all", everything["non_event"])])
    table(f"by {by}", ["n", "event_kind", "setting", "agency", "outcome", "tactics P", "tactics R", "no event", "spans gone", "over"],
          [(part, summary(values)) for part, values in result.items()])


def summary(values):
    axes, tactics = values["axes"], values["sets"]["tactics"]
    return {
        "n": values["reports"]["n"], "event_kind": axes["event_kind"]["right"], "setting": axes["setting"]["right"],
        "agency": axes["agency_assessed"]["right"], "outcome": axes["outcome"]["right"], "tactics P": tactics["precision"],
        "tactics R": tactics["recall"], "no event": values["non_event"]["taken_for_event"],
        "spans gone": values["redaction"]["all"]["span_recall"], "over": values["redaction"]["over"]["share"],
    }


# --- its own test -----------------------------------------------------------------------------------------------------------------------

def perfect(truth, text):
    """The coded row that a careful reader would have written."""
    row = {key: value for key, value in truth.items() if key not in ("accept", "hard", "group", "language", "zone")}
    row["redactions"] = [{**stretch, "field": "narrative", "rule": "truth"} for stretch in truth["redactions"]]
    for stretch in sorted(truth["redactions"], key=lambda s: -s["start"]):
        text = text[:stretch["start"]] + f"[{stretch['class'].upper()}]" + text[stretch["end"]:]
    return {**row, "narrative": text}


def selftest(truths, texts):
    """Perfect output scores one, empty output finds nothing and leaks all, and each single fault shows. Returns what did not hold."""
    wrong = []

    def hold(what, condition):
        if not condition:
            wrong.append(what)

    def fresh():
        return {truth["external_id"]: perfect(truth, texts[truth["external_id"]]) for truth in truths}

    good, misses = score(truths, texts, fresh())
    hold("perfect: no misses", not any(misses.values()))
    hold("perfect: every axis", all(a["accuracy"] in (1.0, None) and not a["invented"] for a in good["axes"].values()))
    hold("perfect: every set", all(s["fp"] == s["fn"] == 0 for s in good["sets"].values()))
    hold("perfect: no event taken for one", good["non_event"]["taken_for_event"] in (0.0, None) and good["non_event"]["events_lost"] == 0)
    hold("perfect: redaction", good["redaction"]["all"]["char_recall"] == 1.0 and good["redaction"]["over"]["chars"] == 0)
    hold("perfect: nothing verbatim", good["redaction"]["all"]["verbatim"] == 0)

    for name, rows in (("no rows", {}), ("rejects", {t["external_id"]: {"reject": {}} for t in truths})):
        none, _ = score(truths, texts, rows)
        hold(f"{name}: nothing right where something is known", all(a["right"] in (0.0, None) for a in none["axes"].values()))
        hold(f"{name}: nothing invented", not any(a["invented"] for a in none["axes"].values()))
        hold(f"{name}: all leaked", none["redaction"]["all"]["untouched"] == none["redaction"]["all"]["spans"])

    def fault(what, change, seen):
        """Changes one perfect row that can bear it."""
        rows = fresh()
        for truth in truths:
            if change(rows[truth["external_id"]], truth, truth.get("accept", {})):
                hold(what, seen(score(truths, texts, rows)[0]))
                return
        hold(f"{what}: no report to try it on", False)

    def wrong_county(row, truth, accept):
        if not truth.get("county_fips") or accept.get("county_fips"):
            return False
        row["county_fips"] = "99999"
        return True

    def false_tactic(row, truth, accept):
        if "tactics" not in truth or "force_weapon_drawn" in truth["tactics"] + accept.get("tactics", []):
            return False
        row["tactics"] = [*row["tactics"], "force_weapon_drawn"]
        return True

    def shorter_stretch(row, truth, accept):
        if not truth["redactions"] or not texts[truth["external_id"]][truth["redactions"][0]["end"] - 1].isalnum():
            return False
        row["redactions"][0]["end"] -= 1
        return True

    def everything_removed(row, truth, accept):
        row["redactions"] = [{"start": 0, "end": len(texts[truth["external_id"]]), "class": "person"}]
        return True

    def taken_for_event(row, truth, accept):
        if {truth.get("event_kind"), *accept.get("event_kind", [])} - NON_EVENT_KINDS:
            return False
        row["event_kind"] = "arrest"
        return True

    fault("a wrong county shows", wrong_county, lambda r: r["axes"]["county_fips"]["wrong"] > 0)
    fault("a false tactic shows", false_tactic, lambda r: r["sets"]["tactics"]["fp"] == 1)
    fault("one character left shows", shorter_stretch, lambda r: 0.9 < r["redaction"]["all"]["char_recall"] < 1 and r["redaction"]["over"]["chars"] == 0)
    fault("everything removed shows", everything_removed, lambda r: r["redaction"]["over"]["chars"] > 0)
    fault("no event taken for one shows", taken_for_event, lambda r: r["non_event"]["taken_for_event"] > 0)
    return wrong


# --- the command ------------------------------------------------------------------------------------------------------------------------

def lines(path):
    with sys.stdin if str(path) == "-" else open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="directory with reports.ndjson and truth.ndjson")
    parser.add_argument("coded", nargs="?", help="coded NDJSON, '-' for standard input")
    parser.add_argument("--truth", type=Path, help="truth in another place than CORPUS/truth.ndjson")
    parser.add_argument("--by", default="language", choices=["language", "group", "hard"], help="what to break the result down by (default: language)")
    parser.add_argument("--json", action="store_true", help="the whole result as one JSON object: all, and each part")
    parser.add_argument("--errors", type=int, default=0, metavar="N", help="list N misses of each axis: ids, codes and offsets")
    parser.add_argument("--floor", type=Path, metavar="FILE", help="bars that the result must meet; else exit 1")
    parser.add_argument("--selftest", action="store_true", help="try the scorer itself on this corpus")
    arguments = parser.parse_args()
    if not arguments.selftest and not arguments.coded:
        parser.error("name the coded NDJSON, or '-'")
    if arguments.errors and arguments.corpus.resolve().name in ("unseen", "held", "blind"):
        parser.error("misses of unseen reports are not listed, so that no rule is made for them")
    return arguments


def run(arguments):
    truths = lines(arguments.truth or arguments.corpus / "truth.ndjson")
    texts = {wire["external_id"]: wire["narrative"] for wire in lines(arguments.corpus / "reports.ndjson")}
    if arguments.selftest:
        wrong = selftest(truths, texts)
        print("\n".join(f"FAILED {what}" for what in wrong) or f"selftest: all holds on {len(truths)} reports")
        return 1 if wrong else 0
    rows = {row.get("external_id"): row for row in lines(arguments.coded)}
    if strangers := len(set(rows) - set(texts)):
        print(f"{strangers} coded rows belong to no report of this corpus", file=sys.stderr)
    result, misses = score_parts(truths, texts, rows, arguments.by)
    if arguments.json:
        print(json.dumps(result, indent=1))
    else:
        show(result, arguments.by)
    if arguments.errors:
        for axis, missed in misses.items():
            for miss in missed[:arguments.errors]:
                print(axis, json.dumps(miss), file=sys.stderr if arguments.json else sys.stdout)
    if not arguments.floor:
        return 0
    bars = check_floor(read_floor(arguments.floor), result)
    for met, path, value, word, bar in bars:
        print(f"{'ok  ' if met else 'MISS'} {path:50} {percent(value)}  {word.replace('_', ' ')} {percent(bar).strip()}", file=sys.stderr)
    return 0 if all(met for met, *_ in bars) else 1


def main():
    arguments = parse_arguments()
    try:
        return run(arguments)
    except (OSError, ValueError, KeyError) as error:  # a JSON or TOML error is a ValueError
        print(f"score: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
