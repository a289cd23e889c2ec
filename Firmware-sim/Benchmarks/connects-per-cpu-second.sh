#!/usr/bin/env bash
# Full mutual-TLS MQTT connects per second of the server's own CPU time: P-256, no resumption, one thread on one core.
#
# First the gateway, with profiles, limits, log and metrics on and the embedded mosquitto behind it (which is not
# counted); then, as a yardstick for the machine, mosquitto's own TLS listener with require_certificate under the same
# load with the same certificates. CPU time is what the kernel counted for the process, over the connects accepted.
#
# usage: connects-per-cpu-second.sh BIN_DIR [CONNECTS] [TLS_VERSION]
set -euo pipefail

bin=$1
connects=${2:-5000}
tls=${3:-1.2}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/fleetgate-bench.XXXXXX")
gate=$scratch/gate
server_pid=
stop_server() {
    if [[ -n $server_pid ]]; then
        kill "$server_pid" 2>/dev/null || true
        wait "$server_pid" 2>/dev/null || true
    fi
    server_pid=
}
trap 'stop_server; rm -rf "$scratch"' EXIT

unused_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# load NAME PORT: connects once for each device, on the other core, and prints what it cost the server.
load() {
    taskset -c 1 "$bin/firmware-sim" run --quiet --connect-only --target "127.0.0.1:$2" --ca "$gate/ca/ca.pem" \
        --issuer "$gate/ca/ca.pem" --issuer-key "$gate/ca/ca.key" --devices "$connects" --cache "$scratch/devices" \
        --subject 'O=Elbe Netz,OU=site-{n%10},CN=meter-{n:06}' --tls "$tls" --rate 0 --concurrency 24 --loops 1 \
        --server-pid "$server_pid" >"$scratch/report" || { cat "$scratch/report" && return 1; }
    printf '%-28s %s\n' "$1" "$(sed -n 's/^Server *//p' "$scratch/report")"
}

port=$(unused_port)
admin_port=$(unused_port)
"$bin/fleetgate" init "$gate" --listen "127.0.0.1:$port" --admin "127.0.0.1:$admin_port" >/dev/null
# One address opens all connections here; the limit on that is not what is measured.
sed -i -e 's/^# event-loops:.*/event-loops: 1/' -e 's/per-address-per-second: .*/per-address-per-second: 100000/' \
    -e 's/per-address-burst: .*/per-address-burst: 100000/' "$gate/fleetgate.yaml"
taskset -c 0 "$bin/fleetgate" serve --config "$gate/fleetgate.yaml" >"$scratch/gateway.log" 2>&1 &
server_pid=$!
for _ in $(seq 200); do
    python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$admin_port/readyz', timeout=2)" 2>/dev/null && break
    sleep 0.1
done
printf 'TLS %s, P-256, %s connects\n' "$tls" "$connects"
load "fleetgate" "$port"
stop_server

port=$(unused_port)
cat >"$scratch/mosquitto.conf" <<TEXT
listener $port 127.0.0.1
cafile $gate/ca/ca.pem
certfile $gate/server.pem
keyfile $gate/server.key
require_certificate true
use_identity_as_username true
set_tcp_nodelay true
$( ((EUID == 0)) && echo 'user root')
log_type error
TEXT
taskset -c 0 /usr/sbin/mosquitto -c "$scratch/mosquitto.conf" >"$scratch/mosquitto.log" 2>&1 &
server_pid=$!
for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    sleep 0.1
done
load "mosquitto's TLS listener" "$port"
