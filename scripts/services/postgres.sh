#!/usr/bin/env bash
# A real PostgreSQL on loopback, for tests and trials, with a directory and a port of its own; fsync stays on.
#
#   postgres.sh install            installs the Debian package where the server is missing (root)
#   postgres.sh start DIR [PORT]   starts a server in DIR; prints its URL (default: a free port)
#   postgres.sh stop DIR           ends it
#   postgres.sh restart DIR        ends it at once, cutting its connections, and starts it again
#   postgres.sh url DIR            prints its URL
#
# Tests find it through TESTIGO_TEST_POSTGRES=postgres://...; without that they say SKIPPED.
set -euo pipefail

bindir() {
    local newest
    newest=$(find /usr/lib/postgresql -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
    if [[ -n "$newest" ]]; then dirname "$newest"; else pg_config --bindir 2>/dev/null || true; fi
}

install() {
    [[ -x "$(bindir)/initdb" ]] && return
    # Without this the package starts a server of its own, which nobody asked for.
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    apt-get update -qq >&2
    apt-get install -y -qq --no-install-recommends postgresql >&2
}

free_port() { python3 - <<'PY' 2>/dev/null || echo $((20000 + RANDOM % 20000))
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])
PY
}

# The server refuses to run as root.
as_server() { if [[ $(id -u) == 0 ]]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }

url() { echo "postgres://postgres@127.0.0.1:$(cat "$1/port")/postgres"; }

start() {
    local dir=$1 bin
    install
    bin=$(bindir)
    if [[ ! -e "$dir/data/PG_VERSION" ]]; then
        mkdir -p "$dir"
        echo "${2:-$(free_port)}" >"$dir/port"
        [[ $(id -u) == 0 ]] && chown -R postgres: "$dir"
        # On loopback only and for this test alone, so everybody is trusted.
        as_server "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale C >"$dir/initdb.log"
        cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
CONF
        # Encrypted connections are possible, and nobody has to use one. The certificate vouches for itself.
        if command -v openssl >/dev/null; then
            as_server openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=testigo-tests \
                -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
                -keyout "$dir/data/server.key" -out "$dir/data/server.crt" 2>"$dir/openssl.log"
            as_server chmod 600 "$dir/data/server.key"
            echo 'ssl = on' >>"$dir/data/postgresql.conf"
        fi
    fi
    if ! as_server "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; then
        as_server "$bin/pg_ctl" -D "$dir/data" -o "-p $(cat "$dir/port")" -l "$dir/data/server.log" -w start >&2
    fi
    url "$dir"
}

dir=$(realpath -m "${2:-.}")
case "${1:-}" in
install) install ;;
start) start "$dir" "${3:-}" ;;
stop) as_server "$(bindir)/pg_ctl" -D "$dir/data" -m fast -w stop >&2 || true ;;
restart) as_server "$(bindir)/pg_ctl" -D "$dir/data" -m immediate -l "$dir/data/server.log" -w restart -o "-p $(cat "$dir/port")" >&2 ;;
url) url "$dir" ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
