#!/usr/bin/env bash
# A mesh of three nodes on this machine: alpha, beta and gamma, until Ctrl-C. They take in what plain scripts send, and
# vouch for it (FEDERATED_UNSIGNED=accept).
#
#     MESH_HTTP_PORT=9080 MESH_P2P_PORT=9091 make run     on other ports: each node takes the next
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

names=(alpha beta gamma)
http_port=${MESH_HTTP_PORT:-8080}
p2p_port=${MESH_P2P_PORT:-8091}
starts_within=30 # seconds for a node to answer
ends_within=10   # seconds for a node to end when asked to

data=target/mesh
pids=()    # in the order of names; a node that has ended keeps its place
stopping=no

alive() { kill -0 "$1" 2>/dev/null; }

# --- Before building: are the ports free? ----------------------------------------------------

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

holder() {
    if have lsof; then
        lsof -nP -iTCP:"$1" -sTCP:LISTEN -Fpc 2>/dev/null |
            awk '/^p/ { pid = substr($0, 2) } /^c/ { print ", by " substr($0, 2) " (process " pid ")"; exit }'
    elif have ss; then
        ss -Hltnp "sport = :$1" 2>/dev/null |
            sed -nE 's/.*users:\(\("([^"]+)",pid=([0-9]+).*/, by \1 (process \2)/p' | head -n 1
    fi
}

require_free_ports() {
    local i port busy=no
    for i in "${!names[@]}"; do
        for port in $((http_port + i)) $((p2p_port + i)); do
            if taken "$port"; then
                busy=yes
                say "Port $port, which ${names[i]} needs, is taken$(holder "$port")"
            fi
        done
    done
    [ "$busy" = no ] ||
        die "Free these ports, or choose others: MESH_HTTP_PORT=9080 MESH_P2P_PORT=9091 make run"
}

# --- The nodes -------------------------------------------------------------------------------

peers_of() {
    local i list=''
    for i in "${!names[@]}"; do
        [ "$i" = "$1" ] || list+="${list:+,}ws://127.0.0.1:$((p2p_port + i))"
    done
    printf '%s' "$list"
}

start() {
    local i=$1 name=${names[$1]}
    mkdir -p "$data/$name"
    FEDERATED_ENABLE=1 \
        FEDERATED_NODE_ID=$name \
        FEDERATED_PORT=$((p2p_port + i)) \
        FEDERATED_PEERS=$(peers_of "$i") \
        FEDERATED_DATA_DIR=$data/$name \
        FEDERATED_SOURCE=host \
        FEDERATED_UNSIGNED=accept \
        LEPTOS_SITE_ADDR=127.0.0.1:$((http_port + i)) \
        target/release/beauty-mesh serve >"$data/$name.log" 2>&1 </dev/null &
    pids+=($!)
}

# What a script can ask without curl: the status line of GET /healthz. In a subshell, which a broken
# connection may end.
healthy() (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
    IFS= read -r -t 2 status <&3
    [[ $status == *" 200 "* ]]
) 2>/dev/null

# The node that has ended unasked, with its last words; the trap below ends the others.
require_all_alive() {
    local i
    for i in "${!pids[@]}"; do
        if ! alive "${pids[i]}" && [ "$stopping" = no ]; then
            say "${names[i]} has ended. The end of $data/${names[i]}.log:"
            tail -n 20 "$data/${names[i]}.log" >&2
            die "${names[i]} ended, so the others are ended too"
        fi
    done
}

wait_until_healthy() {
    local i deadline=$((SECONDS + starts_within))
    for i in "${!names[@]}"; do
        until healthy $((http_port + i)); do
            require_all_alive
            if [ "$SECONDS" -ge "$deadline" ]; then
                tail -n 20 "$data/${names[i]}.log" >&2
                die "${names[i]} doesn't answer on port $((http_port + i)) after $starts_within seconds; above is the end of its log"
            fi
            sleep 0.1
        done
    done
}

# Asks every node to end, and ends those that don't. Only the processes that `start` began.
stop() {
    stopping=yes
    trap '' INT TERM HUP
    local pid deadline=$((SECONDS + ends_within))
    for pid in ${pids[@]+"${pids[@]}"}; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in ${pids[@]+"${pids[@]}"}; do
        while alive "$pid" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

require_free_ports
scripts/setup.sh build
scripts/build.sh

trap stop EXIT
# Ctrl-C is how one ends a mesh, so it is no failure.
trap 'say "Ending the mesh"; exit 0' INT TERM HUP

say "Starting ${names[*]}"
for i in "${!names[@]}"; do start "$i"; done
wait_until_healthy

say "The mesh is up:"
for i in "${!names[@]}"; do
    printf '    %-6s http://127.0.0.1:%s/federated/map    log: %s\n' "${names[i]}" $((http_port + i)) "$data/${names[i]}.log"
done
say "Ctrl-C ends it"

while :; do
    require_all_alive
    sleep 0.5
done
