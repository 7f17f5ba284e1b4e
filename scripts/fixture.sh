#!/usr/bin/env bash
# Makes the data directory that is kept of a released version, with what that version itself says of it.
#
#   scripts/fixture.sh BINARY      writes tests/fixtures/VERSION/ (data, identity, what is expected); refuses to overwrite
#
# Run it once for each release, with the program as it is released. tests/e2e/fixtures.rs opens all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(realpath "$1")
version=$("$binary" --version | cut -d' ' -f2)
out="tests/fixtures/$version"
[[ -e "$out" ]] && { echo "$out is there already" >&2; exit 1; }
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
export TESTIGO_NOW=2026-10-20T12:00:00Z TESTIGO_DATA="$room/data"
cd "$room"
"$binary" init --identity-out identity.txt >/dev/null
"$binary" source add bay-line --kind hotline --state CA --public-name "Bay Line" >/dev/null 2>&1
python3 - <<'PY'
import json
def report(i, **more):
    return json.dumps({"external_id": f"r{i}", "occurred": "2026-09-03", "place": "Seattle, WA", "event_kind": "arrest",
                       "tactics": ["masked"], "narrative": f"Two agents waited by gate {i}, said Rosa, 555-0142.", **more})
w = lambda name, lines: open(name, "w").write("\n".join(lines) + "\n")
w("first.ndjson", [report(i) for i in range(12)])
w("second.ndjson", [report(i, agents=3) for i in range(8, 12)] + [report(1)] + ['{"external_id": "bad"}', '{"occurred": 7}'])
w("wrong.ndjson", [report(i, agents=9) for i in range(11, 14)])
w("late.ndjson", [report(50), report(2, agents=2)])
PY
import() { "$binary" --json import --source valley-line "$@" 2>/dev/null || [[ $? == 3 ]]; }
import first.ndjson >/dev/null
import second.ndjson >/dev/null
"$binary" import withdraw "$(import wrong.ndjson | python3 -c 'import json,sys; print(json.load(sys.stdin)["batch"])')" >/dev/null
import --enqueue-only late.ndjson >/dev/null
cp -r data kept
# What it says itself, before what waits is coded: later versions may code that otherwise.
snapshot=$("$binary" --json snapshot)
"$binary" export reports --format ndjson --history --out history.ndjson >/dev/null
"$binary" --json import list >imports.json
"$binary" --json dead-letters list >letters.ndjson
"$binary" --json status >status.json
cd - >/dev/null
mkdir -p "$out"
cp -r "$room/kept" "$out/data"
rm -f "$out/data/worker.lock"
cp "$room"/{identity.txt,history.ndjson,status.json,imports.json,letters.ndjson} "$out/"
python3 -c 'import json,sys; print(json.loads(sys.argv[1])["snapshot_id"])' "$snapshot" >"$out/snapshot"
du -sh "$out"
