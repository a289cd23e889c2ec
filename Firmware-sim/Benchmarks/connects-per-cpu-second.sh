#!/usr/bin/env bash
# Full mutual-TLS MQTT connects per second of the gateway's own CPU time: TLS 1.2, P-256, one event loop on one core,
# with profiles, limits, log and metrics on and the embedded mosquitto behind it (not counted).
#
# usage: connects-per-cpu-second.sh BIN_DIR [CONNECTS] [TLS_VERSION]
set -euo pipefail

bin=$1
connects=${2:-5000}
tls=${3:-1.2}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/fleetgate-bench.XXXXXX")
gate=$scratch/gate
gateway_pid=
stop() {
    if [[ -n $gateway_pid ]]; then
        kill "$gateway_pid" 2>/dev/null || true
        wait "$gateway_pid" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap stop EXIT

unused_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(unused_port)
admin_port=$(unused_port)
"$bin/fleetgate" init "$gate" --listen "127.0.0.1:$port" --admin "127.0.0.1:$admin_port" >/dev/null
# One address opens all connections here; the limit on that is not what is measured.
sed -i -e 's/^# event-loops:.*/event-loops: 1/' -e 's/per-address-per-second: .*/per-address-per-second: 100000/' \
    -e 's/per-address-burst: .*/per-address-burst: 100000/' "$gate/fleetgate.yaml"

taskset -c 0 "$bin/fleetgate" serve --config "$gate/fleetgate.yaml" >"$scratch/gateway.log" 2>&1 &
gateway_pid=$!
for _ in $(seq 200); do
    python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$admin_port/readyz', timeout=2)" 2>/dev/null && break
    sleep 0.1
done

taskset -c 1 "$bin/firmware-sim" run --connect-only --target "127.0.0.1:$port" --ca "$gate/ca/ca.pem" \
    --issuer "$gate/ca/ca.pem" --issuer-key "$gate/ca/ca.key" --devices "$connects" \
    --subject 'O=Elbe Netz,OU=site-{n%10},CN=meter-{n:06}' --tls "$tls" --rate 0 --concurrency 32 --loops 1 \
    --server-pid "$gateway_pid"
