#!/usr/bin/env bash
# A real Apache Kafka on loopback, for tests and trials: one process as broker and controller.
#
#   kafka.sh install            fetches the jars into the user's cache (Java 17, mvn; 54 MB, once)
#   kafka.sh start DIR [PORT]   starts a broker of its own in DIR; prints HOST:PORT (default: a free port)
#   kafka.sh cluster DIR        starts three brokers of one cluster in DIR/1, DIR/2, DIR/3, each to be stopped, killed and
#                               started like one; prints HOST:PORT,HOST:PORT,HOST:PORT
#   kafka.sh stop DIR           ends it, by its process id
#   kafka.sh kill DIR           the same with SIGKILL; `start DIR` then goes on with what is on its disk
#   kafka.sh tool DIR CLASS ... a tool of Kafka's, such as org.apache.kafka.tools.TopicCommand
#
# Tests find it through TESTIGO_TEST_KAFKA=HOST:PORT; without that they say SKIPPED.
set -euo pipefail

version=4.3.1
cache="${XDG_CACHE_HOME:-$HOME/.cache}/testigo/kafka-$version"

install() {
    [[ -e "$cache/done" ]] && return
    if ! command -v mvn >/dev/null || ! command -v java >/dev/null; then
        echo "kafka.sh: needs java 17 and mvn (Debian: openjdk-17-jre-headless, maven)" >&2
        exit 1
    fi
    mkdir -p "$cache"
    cat >"$cache/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.testigo</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.1</version></dependency>
  </dependencies>
</project>
XML
    (cd "$cache" && mvn -q -B dependency:copy-dependencies -DoutputDirectory=libs -DincludeScope=runtime >&2)
    touch "$cache/done"
}

free_port() { python3 - <<'PY' 2>/dev/null || echo $((20000 + RANDOM % 20000))
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])
PY
}

running() { [[ -e "$1/pid" ]] && kill -0 "$(cat "$1/pid")" 2>/dev/null; }

java_on() { java -Xmx"${KAFKA_HEAP:-1g}" -cp "$cache/libs/*" "${@}"; }

# A server's configuration: its number, its ports, the controllers, and how often records are kept.
properties() {
    local node=$1 port=$2 inner=$3 voters=$4 copies=$5 dir=$6
    cat <<PROPERTIES
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$inner
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/logs
offsets.topic.replication.factor=$copies
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
delete.topic.enable=true
log.retention.check.interval.ms=1000
PROPERTIES
}

cluster() {
    local dir=$1 node voters='' id addresses=()
    install
    if [[ ! -e "$dir/1/server.properties" ]]; then
        local ports=() inner=()
        for node in 1 2 3; do
            mkdir -p "$dir/$node"
            ports[node]=$(free_port) inner[node]=$(free_port)
            voters+="${voters:+,}$node@127.0.0.1:${inner[node]}"
        done
        id=$(java_on kafka.tools.StorageTool random-uuid 2>/dev/null | tail -n 1)
        for node in 1 2 3; do
            echo "127.0.0.1:${ports[node]}" >"$dir/$node/address"
            properties "$node" "${ports[node]}" "${inner[node]}" "$voters" 3 "$dir/$node" >"$dir/$node/server.properties"
            java_on kafka.tools.StorageTool format -t "$id" -c "$dir/$node/server.properties" >"$dir/$node/format.log" 2>&1
        done
    fi
    # One alone does not answer: it takes two to choose who leads.
    for node in 1 2 3; do
        start "$dir/$node" >/dev/null &
        addresses+=("$(cat "$dir/$node/address")")
    done
    wait
    (IFS=,; echo "${addresses[*]}")
}

start() {
    local dir=$1 port=${2:-}
    install
    mkdir -p "$dir"
    if running "$dir"; then
        cat "$dir/address"
        return
    fi
    if [[ ! -e "$dir/server.properties" ]]; then
        port=${port:-$(free_port)}
        local inner
        inner=$(free_port)
        echo "127.0.0.1:$port" >"$dir/address"
        properties 1 "$port" "$inner" "1@127.0.0.1:$inner" 1 "$dir" >"$dir/server.properties"
        local id
        id=$(java_on kafka.tools.StorageTool random-uuid 2>/dev/null | tail -n 1)
        java_on kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" >"$dir/format.log" 2>&1
    fi
    java -Xmx"${KAFKA_HEAP:-1g}" -cp "$cache/libs/*" kafka.Kafka "$dir/server.properties" >>"$dir/server.log" 2>&1 &
    echo $! >"$dir/pid"
    disown
    local address
    address=$(cat "$dir/address")
    for _ in $(seq 240); do
        if ! running "$dir"; then
            tail -n 20 "$dir/server.log" >&2
            exit 1
        fi
        if (exec 3<>"/dev/tcp/${address%:*}/${address#*:}") 2>/dev/null; then
            echo "$address"
            return
        fi
        sleep 0.25
    done
    echo "kafka.sh: it does not answer on $address; see $dir/server.log" >&2
    exit 1
}

end() {
    local dir=$1 signal=$2
    running "$dir" || return 0
    local pid
    pid=$(cat "$dir/pid")
    kill "-$signal" "$pid"
    for _ in $(seq 240); do
        kill -0 "$pid" 2>/dev/null || { rm -f "$dir/pid"; return 0; }
        sleep 0.25
    done
    kill -KILL "$pid"
    rm -f "$dir/pid"
}

case "${1:-}" in
install) install ;;
start) start "$(realpath -m "$2")" "${3:-}" ;;
cluster) cluster "$(realpath -m "$2")" ;;
stop) end "$(realpath -m "$2")" TERM ;;
kill) end "$(realpath -m "$2")" KILL ;;
tool) shift 2 && install && java -Xmx256m -cp "$cache/libs/*" "$@" ;;
*)
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
