# shellcheck shell=bash
#
# A gateway with a simulated fleet on it, for the benchmarks that end sessions. To be sourced, by bash with `set -e`; wants
# `bin`, the folder of the programs, and `sessions`, the size of the fleet. Everything is in `scratch`, which is removed at
# the end, and what is started here is stopped then, by process id.

: "${bin:?}" "${sessions:?}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/fleetgate-bench.XXXXXX")
gate=$scratch/gate
gateway_pid='' fleet_pid=''
stop() {
    local pid
    for pid in $fleet_pid $gateway_pid; do kill "$pid" 2>/dev/null || true; done
    for pid in $fleet_pid $gateway_pid; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap stop EXIT

unused_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# The number of established sessions, from the metrics.
live() {
    python3 - "$admin_port" <<'PYTHON'
import sys, urllib.request
text = urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/metrics", timeout=10).read().decode()
lines = [line for line in text.splitlines() if line.startswith("fleetgate_sessions{")]
print(int(sum(float(line.rpartition(" ")[2]) for line in lines)))
PYTHON
}

# make_gate: the configuration, and a CA.
make_gate() {
    ulimit -n "$(ulimit -Hn)"
    port=$(unused_port)
    admin_port=$(unused_port)
    "$bin/fleetgate" init "$gate" --listen "127.0.0.1:$port" --admin "127.0.0.1:$admin_port" >/dev/null
    sed -i -e 's/per-address-per-second: .*/per-address-per-second: 100000/' \
        -e 's/per-address-burst: .*/per-address-burst: 100000/' "$gate/fleetgate.yaml"
}

# issue_lone COUNT: certificates of devices that are no part of the fleet, lone-1 and so on.
issue_lone() {
    local number
    for number in $(seq "$1"); do
        "$bin/fleetgate" ca issue --ca "$gate/ca" --out "$gate/devices/lone-$number" \
            --subject "O=Elbe Netz,OU=lone,CN=meter-$number" >/dev/null
    done
}

# start_fleet: returns when the gateway serves and the whole fleet is connected.
start_fleet() {
    "$bin/fleetgate" serve --config "$gate/fleetgate.yaml" >"$scratch/gateway.log" 2>&1 &
    gateway_pid=$!
    for _ in $(seq 200); do
        if python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$admin_port/readyz', timeout=2)" \
            2>/dev/null; then break; fi
        kill -0 "$gateway_pid" 2>/dev/null || { cat "$scratch/gateway.log" && exit 1; }
        sleep 0.1
    done
    "$bin/firmware-sim" run --quiet --target "127.0.0.1:$port" --ca "$gate/ca/ca.pem" --issuer "$gate/ca/ca.pem" \
        --issuer-key "$gate/ca/ca.key" --devices "$sessions" --cache "$scratch/devices" --rate 0 --concurrency 64 \
        --period 0 --subject 'O=Elbe Netz,OU=fleet,CN=meter-{n:06}' --duration 600s --keep-alive 600s \
        >"$scratch/fleet.log" 2>&1 &
    fleet_pid=$!
    for _ in $(seq 1200); do
        if (($(live) >= sessions)); then return 0; fi
        kill -0 "$fleet_pid" 2>/dev/null || { cat "$scratch/fleet.log" && exit 1; }
        sleep 0.1
    done
    echo "the fleet did not connect: $(live) of $sessions" >&2
    exit 1
}

# check_fleet: the rest of the fleet must still be there.
check_fleet() {
    local left
    left=$(live)
    printf '%-44s %s of %s\n' "sessions of the others still live" "$left" "$sessions"
    ((left >= sessions))
}
