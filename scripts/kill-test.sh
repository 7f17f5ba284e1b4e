#!/usr/bin/env bash
# Kills `serve` and two `work` processes at random instants under load, then counts: prints
# `kill-test QUEUE/STORE: kills= sent= acked= stored= lost=0 double=0`, and fails where something was lost or stored twice.
#
#   scripts/kill-test.sh --kills 200 --queue sqlite|kafka --store sqlite|postgres [--seed N]
#
# Starts the services that it needs, in a directory of its own, unless TESTIGO_TEST_KAFKA and TESTIGO_TEST_POSTGRES name them.
set -euo pipefail
cd "$(dirname "$0")/.."

kills=200 queue=sqlite store=sqlite seed=1
while (($#)); do
    case "$1" in
    --kills) kills=$2 ;;
    --queue) queue=$2 ;;
    --store) store=$2 ;;
    --seed) seed=$2 ;;
    *)
        sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
    esac
    shift 2
done
case "$queue/$store" in sqlite/sqlite | sqlite/postgres | kafka/sqlite | kafka/postgres) ;; *) echo "no such pair" >&2; exit 2 ;; esac

run="$(mktemp -d)"
chmod 755 "$run"
finish() {
    scripts/services/kafka.sh stop "$run/kafka"
    [[ -e "$run/postgres/port" ]] && scripts/services/postgres.sh stop "$run/postgres"
    rm -rf "$run"
}
trap finish EXIT
if [[ $queue == kafka && -z "${TESTIGO_TEST_KAFKA:-}" ]]; then
    TESTIGO_TEST_KAFKA=$(scripts/services/kafka.sh start "$run/kafka")
    export TESTIGO_TEST_KAFKA
fi
if [[ $store == postgres && -z "${TESTIGO_TEST_POSTGRES:-}" ]]; then
    TESTIGO_TEST_POSTGRES=$(scripts/services/postgres.sh start "$run/postgres")
    export TESTIGO_TEST_POSTGRES
fi
TESTIGO_KILLS=$kills TESTIGO_KILL_SEED=$seed cargo test --release --locked --workspace --test e2e -- \
    --exact "served::kills_lose_nothing_and_double_nothing_on_${queue}_and_${store}" --nocapture
