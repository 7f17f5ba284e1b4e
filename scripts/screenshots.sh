#!/usr/bin/env bash
# Makes docs/log-*.png and docs/brief-*.png again: the pages of /log and the demo's brief in a real browser, with invented
# reports. PDF=DIR also keeps the printed brief and all of its length in DIR, to be looked at.
# Needs: a built testigo (TESTIGO=path, else target/release/testigo), chromium, chromedriver (Debian: chromium-driver), python3.
set -euo pipefail
cd "$(dirname "$0")/.."

testigo="$(realpath "${TESTIGO:-target/release/testigo}")"
out="$(realpath "${1:-docs}")"
dir="$(mktemp -d)"
served="" driver=""
finish() {
    for child in $driver $served; do kill "$child" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT

export TESTIGO_DATA="$dir/data" TESTIGO_NOW=2026-10-20T12:00:00Z
"$testigo" init --identity-out "$dir/identity.txt" 2>"$dir/init.log"
token="$("$testigo" source add valley-line --state WA --zone America/Los_Angeles)"
"$testigo" serve --listen 127.0.0.1:0 2>"$dir/serve.log" & served=$!
chromedriver --port=0 >"$dir/driver.log" 2>&1 & driver=$!
for _ in $(seq 100); do
    url="$(sed -n 's/^listening on //p' "$dir/serve.log")"
    port="$(sed -n 's/.*started successfully on port \([0-9]*\).*/\1/p' "$dir/driver.log")"
    [ -n "$url" ] && [ -n "$port" ] && break
    sleep 0.1
done
env -u TESTIGO_DATA -u TESTIGO_NOW "$testigo" demo --out "$dir/demo" >"$dir/demo.log" 2>&1
TOKEN="$token" python3 scripts/screenshots.py "http://127.0.0.1:$port" "$url" "$out" "$dir/demo"
