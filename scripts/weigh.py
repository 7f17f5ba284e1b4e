#!/usr/bin/env python3
"""Works out what words weigh (ingest/data/rules/weights.toml) from texts whose truth is known. Standard library only.

    cargo build --release --locked -p ingest --example fired
    scripts/weigh.py tests/corpus/{seen,more,fresh,wide-en,wide-es} > ingest/data/rules/weights.toml

It refuses the closed parts. A word counts by its first five letters, once a text, and a rule of phrases that fires once (the example `fired`
tells, or the command in FIRED); each axis is a multinomial logistic regression on them, the words of a text of length one. The file says what
each word and rule weighs for each code, in hundredths: read it, and change what is wrong. The same texts and rules give the same file.
"""

import json
import os
import random
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from math import exp, sqrt
from pathlib import Path

LETTERS, FEWEST = 5, 30  # evidence.rs
CLOSED = ("unseen", "held", "blind")
LEAST_TEXTS = 3  # a word of fewer texts is a person, a place, or chance
TEXTED = {"d": "de", "dl": "del", "q": "que", "ke": "que", "pa": "para", "pq": "porque", "xq": "porque", "porq": "porque"}
EVENT_NEEDS = json.dumps(["immigration", "agents_there", "strangers", "watching", "seen", "taken", "tried", "stopped", "caught", "gone", "missing",
                          "checkpoint", "detainer", "transferred"])
AXES = {
    # id, what a decision of the rules weighs (weak: of itself), the least by which the best must lead (over the rules)
    "event_kind": ("event-weighed", {"trust": 200, "trust_weak": 100, "least": 40, "least_against": 100, "least_event": 120,
                    "event_needs": EVENT_NEEDS}),
    "outcome": ("outcome-weighed", {"trust": 200, "trust_weak": 100, "least": 60, "least_against": 120}),
    "setting": ("setting-weighed", {"trust": 200, "trust_weak": 50, "weak_rank": 5, "least": 20, "least_against": 110}),
}
LEAST_WEIGHT, LEAST_RULE = 0.4, 0.1  # what weighs less for every code is left out
RULE = 1.0  # how fast a rule learns beside a word
ROUNDS, RATE, SHRINK = 30, 0.5, 0.0004


def stems(text):
    """The words of a text as fold.rs cuts them, by their first letters."""
    text = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    text = re.sub(r"(?<=[a-z])['’](?=[a-z])", "", text)
    words = (TEXTED.get(word, word) for word in re.findall(r"[a-z]+", text))
    return sorted({word[:LETTERS] for word in words})


def read(directory):
    """Each text's words, the rules that fire on it, and its truth."""
    lines = (directory / "reports.ndjson").read_text(encoding="utf-8")
    target = os.environ.get("CARGO_TARGET_DIR", "target")
    command = os.environ.get("FIRED", f"{target}/release/examples/fired")
    told = subprocess.run([command], input=lines, capture_output=True, text=True, check=True).stdout
    reports = [json.loads(line) for line in lines.splitlines()]
    texts = {report["external_id"]: stems(report["narrative"]) for report in reports}
    fired = {line["external_id"]: line["fired"] for line in map(json.loads, told.splitlines())}
    for line in open(directory / "truth.ndjson", encoding="utf-8"):
        truth = json.loads(line)
        of = truth["external_id"]
        yield texts[of], fired[of], truth


def learn(rows, codes, words, rules):
    """Weights by word and code, by rule and code, and the bias by code: AdaGrad, in a fixed order."""
    place = {code: n for n, code in enumerate(codes)}
    index = {name: n for n, name in enumerate([*words, *(("rule", rule) for rule in rules)])}
    often = Counter(code for _, _, code in rows)
    weight = [[0.0] * len(codes) for _ in index]
    seen = [[1e-6] * len(codes) for _ in index]
    bias, bias_seen = [0.0] * len(codes), [1e-6] * len(codes)
    data = []
    for found, fired, code in rows:
        known = [index[word] for word in found if word in index]
        share = 1 / sqrt(max(len(known), FEWEST))
        much = [(n, share) for n in known] + [(index["rule", rule], RULE) for rule in fired if ("rule", rule) in index]
        # Rare codes count more, so that they are learned at all.
        data.append((much, place[code], (len(rows) / len(codes) / often[code]) ** 0.5))
    order = random.Random(7)
    for _ in range(ROUNDS):
        order.shuffle(data)
        for known, right, much in data:
            score = bias[:]
            for word, share in known:
                for n, value in enumerate(weight[word]):
                    score[n] += value * share
            top = max(score)
            odds = [exp(s - top) for s in score]
            total = sum(odds)
            slope = [much * (o / total - (n == right)) for n, o in enumerate(odds)]
            for n, g in enumerate(slope):
                bias_seen[n] += g * g
                bias[n] -= 0.1 * g / sqrt(bias_seen[n])
            for word, share in known:
                row, past = weight[word], seen[word]
                for n, g in enumerate(slope):
                    g = g * share + SHRINK * row[n]
                    past[n] += g * g
                    row[n] -= RATE * g / sqrt(past[n])
    cut = len(words)
    return weight[:cut], [[RULE * value for value in row] for row in weight[cut:]], bias


def main():
    if len(sys.argv) < 2 or any(Path(arg).resolve().name in CLOSED for arg in sys.argv[1:]):
        sys.exit(__doc__)
    reports = [row for arg in sys.argv[1:] for row in read(Path(arg))]
    print("# What words weigh, beside the rules (evidence.rs, docs/coding.md): made by scripts/weigh.py, and may be changed by hand.")
    print("# `words`, a line each: first letters, then the weight for each of `codes`, in hundredths, for a text of one word; of n words, a root of n-th of it. `phrases`: the same by rule, whole.")
    for axis, (name, levels) in AXES.items():
        rows = [(*found, truth[axis]) for *found, truth in reports if truth.get(axis) not in (None, "unknown", "other")]
        often = Counter(code for *_, code in rows)
        codes = sorted(code for code in often if often[code] >= 5)
        rows = [row for row in rows if row[-1] in codes]
        words, rules = (sorted(n for n, texts in Counter(n for row in rows for n in row[which]).items() if texts >= LEAST_TEXTS) for which in (0, 1))
        of_words, of_rules, bias = learn(rows, codes, words, rules)
        print(f'\n[[weigh]]\nid = "{name}"\naxis = "{axis}"')
        print("\n".join(f"{key} = {value}" for key, value in levels.items()))
        print("codes = [" + ", ".join(f'"{code}"' for code in codes) + "]")
        print("bias = [" + ", ".join(str(round(100 * b)) for b in bias) + "]")
        for key, names, weights, least in (("words", words, of_words, LEAST_WEIGHT), ("phrases", rules, of_rules, LEAST_RULE)):
            print(f"{key} = '''")
            for word, row in zip(names, weights):
                if max(map(abs, row)) >= least:
                    print(word, *(round(100 * value) for value in row))
            print("'''")


if __name__ == "__main__":
    main()
