#!/usr/bin/env python3
"""Works out what words weigh (ingest/data/rules/weights.toml) from texts whose truth is known. Standard library only.

    scripts/weigh.py tests/corpus/seen tests/corpus/more tests/corpus/fresh > ingest/data/rules/weights.toml

It refuses `unseen` and `held`. A word counts by its first five letters, once a text; each axis is a multinomial logistic regression on
them, each text of length one. The file says what each word weighs for each code, in hundredths: read it, and change what is wrong. The same
texts give the same file.
"""

import json
import random
import re
import sys
import unicodedata
from collections import Counter
from math import exp, sqrt
from pathlib import Path

LETTERS = 5  # evidence.rs
LEAST_TEXTS = 3  # a word of fewer texts is a person, a place, or chance
TEXTED = {"d": "de", "dl": "del", "q": "que", "ke": "que", "pa": "para", "pq": "porque", "xq": "porque", "porq": "porque"}
EVENT_NEEDS = json.dumps(["immigration", "agents_there", "strangers", "watching", "seen", "taken", "tried", "stopped", "caught", "gone", "missing",
                          "checkpoint", "detainer", "transferred"])
AXES = {
    # id, what a decision of the rules weighs (weak: of itself), the least by which the best must lead (over the rules)
    "event_kind": ("event-weighed", {"trust": 400, "trust_weak": 250, "least": 20, "least_against": 150,
                    "event_needs": EVENT_NEEDS}),
    "outcome": ("outcome-weighed", {"trust": 400, "trust_weak": 200, "least": 20, "least_against": 150}),
    "setting": ("setting-weighed", {"trust": 400, "trust_weak": 100, "weak_rank": 5, "least": 20, "least_against": 150}),
}
LEAST_WEIGHT = 0.4  # what weighs less for every code is left out
ROUNDS, RATE, SHRINK = 30, 0.5, 0.0004


def stems(text):
    """The words of a text as fold.rs cuts them, by their first letters."""
    text = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    text = re.sub(r"(?<=[a-z])['’](?=[a-z])", "", text)
    words = (TEXTED.get(word, word) for word in re.findall(r"[a-z]+", text))
    return sorted({word[:LETTERS] for word in words})


def read(directory):
    texts = {}
    for line in open(directory / "reports.ndjson", encoding="utf-8"):
        report = json.loads(line)
        texts[report["external_id"]] = stems(report["narrative"])
    for line in open(directory / "truth.ndjson", encoding="utf-8"):
        truth = json.loads(line)
        yield texts[truth["external_id"]], truth


def learn(rows, codes, words):
    """Weights by word and code, and the bias by code: AdaGrad, in a fixed order."""
    place = {code: n for n, code in enumerate(codes)}
    index = {word: n for n, word in enumerate(words)}
    often = Counter(code for _, code in rows)
    weight = [[0.0] * len(codes) for _ in words]
    seen = [[1e-6] * len(codes) for _ in words]
    bias, bias_seen = [0.0] * len(codes), [1e-6] * len(codes)
    data = []
    for found, code in rows:
        known = [index[word] for word in found if word in index]
        if known:
            # Rare codes count more, so that they are learned at all.
            data.append((known, 1 / sqrt(len(known)), place[code], (len(rows) / len(codes) / often[code]) ** 0.5))
    order = random.Random(7)
    for _ in range(ROUNDS):
        order.shuffle(data)
        for known, share, right, much in data:
            score = bias[:]
            for word in known:
                for n, value in enumerate(weight[word]):
                    score[n] += value * share
            top = max(score)
            odds = [exp(s - top) for s in score]
            total = sum(odds)
            slope = [much * (o / total - (n == right)) for n, o in enumerate(odds)]
            for n, g in enumerate(slope):
                bias_seen[n] += g * g
                bias[n] -= 0.1 * g / sqrt(bias_seen[n])
            for word in known:
                row, past = weight[word], seen[word]
                for n, g in enumerate(slope):
                    g = g * share + SHRINK * row[n]
                    past[n] += g * g
                    row[n] -= RATE * g / sqrt(past[n])
    return weight, bias


def main():
    if len(sys.argv) < 2 or any(Path(arg).resolve().name in ("unseen", "held") for arg in sys.argv[1:]):
        sys.exit(__doc__)
    reports = [row for arg in sys.argv[1:] for row in read(Path(arg))]
    print("# What words weigh, beside the rules (evidence.rs, docs/coding.md): made by scripts/weigh.py, and may be changed by hand.")
    print("# `words`, a line each: first letters, then the weight for each of `codes`, in hundredths, for a text of one word; of n words, a root of n-th of it.")
    for axis, (name, levels) in AXES.items():
        rows = [(found, truth[axis]) for found, truth in reports if truth.get(axis) not in (None, "unknown", "other")]
        often = Counter(code for _, code in rows)
        codes = sorted(code for code in often if often[code] >= 5)
        rows = [(found, code) for found, code in rows if code in codes]
        count = Counter(word for found, _ in rows for word in found)
        words = sorted(word for word, n in count.items() if n >= LEAST_TEXTS)
        weight, bias = learn(rows, codes, words)
        print(f'\n[[weigh]]\nid = "{name}"\naxis = "{axis}"')
        print("\n".join(f"{key} = {value}" for key, value in levels.items()))
        print("codes = [" + ", ".join(f'"{code}"' for code in codes) + "]")
        print("bias = [" + ", ".join(str(round(100 * b)) for b in bias) + "]\nwords = '''")
        for word, row in zip(words, weight):
            if max(map(abs, row)) >= LEAST_WEIGHT:
                print(word, *(round(100 * value) for value in row))
        print("'''")


if __name__ == "__main__":
    main()
