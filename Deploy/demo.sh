#!/usr/bin/env bash
# The demonstration: a gateway, a fleet of simulated devices, real clients, and what happened to them.
#
# usage: Deploy/demo.sh BIN_DIR [DEVICES] [SECONDS]
#
# Everything happens in a scratch folder and on 127.0.0.1; what is started here is stopped here, by process id.
set -euo pipefail

bin=$1
devices=${2:-200}
seconds=${3:-10}
readonly bin devices seconds
readonly fleetgate=$bin/fleetgate simulator=$bin/firmware-sim

scratch=$(mktemp -d "${TMPDIR:-/tmp}/fleetgate-demo.XXXXXX")
gate=$scratch/gate
gateway_pid=
subscriber_pid=
stop() {
    local pid
    for pid in $subscriber_pid $gateway_pid; do kill "$pid" 2>/dev/null || true; done
    for pid in $subscriber_pid $gateway_pid; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap stop EXIT

bold='' plain=''
if [[ -t 1 && ${TERM:-dumb} != dumb && -z ${NO_COLOR:-} ]]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

rows=()
failed=0
# expect WHAT OBSERVED EXPECTED: one row of the final table.
expect() {
    local verdict=ok
    if [[ $2 != "$3" ]]; then
        verdict="NOT $3"
        failed=$((failed + 1))
    fi
    rows+=("$(printf '  %-62s %-20s %s' "$1" "$2" "$verdict")")
}

unused_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# The value of a metric, or the sum over the series of that name that contain the second argument.
metric() {
    python3 - "$admin_port" "$1" "${2:-}" <<'PYTHON'
import sys, urllib.request
port, name, label = sys.argv[1:]
total = 0.0
for line in urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode().splitlines():
    series, _, value = line.rpartition(" ")
    if series.split("{")[0] == name and label in series:
        total += float(value)
print(int(total))
PYTHON
}

say "1. fleetgate init: a configuration, a development CA, a server certificate, three device profiles"
port=$(unused_port)
admin_port=$(unused_port)
"$fleetgate" init "$gate" --listen "127.0.0.1:$port" --admin "127.0.0.1:$admin_port" >/dev/null
"$fleetgate" check --config "$gate/fleetgate.yaml"

say "2. fleetgate serve: the gateway, with a private mosquitto behind it"
"$fleetgate" serve --config "$gate/fleetgate.yaml" >"$scratch/gateway.log" 2>&1 &
gateway_pid=$!
ready=no
for _ in $(seq 200); do
    if python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$admin_port/readyz', timeout=2)" 2>/dev/null
    then
        ready=yes
        break
    fi
    kill -0 "$gateway_pid" 2>/dev/null || break
    sleep 0.1
done
if [[ $ready == no ]]; then
    cat "$scratch/gateway.log" >&2
    echo "the gateway did not become ready" >&2
    exit 1
fi
echo "listening on 127.0.0.1:$port; metrics at http://127.0.0.1:$admin_port/metrics"
expect "gateway ready, with its broker" "$ready" yes

say "3. firmware-sim: $devices devices of three classes, each with its own key and certificate, for $seconds s"
third=$((devices / 3))
simulated=passed
"$simulator" run --target "127.0.0.1:$port" --ca "$gate/ca/ca.pem" \
    --issuer "$gate/ca/ca.pem" --issuer-key "$gate/ca/ca.key" \
    --rate $((devices / 2 + 1)) --period 1s --duration "${seconds}s" --mqtt 5 \
    --fleet "name=meters;count=$((devices - 2 * third));subject=O=Elbe Netz,OU=site-{n%5},CN=meter-{n:06};topic=meters/{OU}/{device}/telemetry" \
    --fleet "name=trackers;count=$third;subject=O=Nordfracht,OU=fleet-{n%4},CN=tracker-{n+490000};topic=trackers/{OU}/{device}/telemetry" \
    --fleet "name=gateways;count=$third;subject=O=Hausdienst,OU=house-{n%9},CN=gateway-b{n};topic=buildings/{OU}/{device}/telemetry" \
    || simulated=failed
accepted=$(metric fleetgate_handshakes_total 'outcome="accepted"')
expect "simulated devices: all connected, every publish acknowledged" "$simulated" passed
expect "handshakes accepted, by the gateway's own count" "$accepted" "$devices"

say "4. Real clients: mosquitto_pub through the gateway, mosquitto_sub at the broker behind it"
"$fleetgate" ca issue --ca "$gate/ca" --subject "O=Elbe Netz,OU=site-1,CN=meter-900001" --out "$gate/devices/meter" >/dev/null
mosquitto_sub --unix "$gate/broker/broker.sock" -t 'meters/#' -C 1 -W 20 >"$scratch/received" 2>"$scratch/subscriber.log" &
subscriber_pid=$!
# Until the subscription stands, a message would go past it: repeat, retained messages not being allowed.
publish() {
    mosquitto_pub -V "$1" -h localhost -p "$port" --cafile "$gate/ca/ca.pem" --cert "$2.pem" --key "$2.key" \
        -q 1 -t "$3" -m "$4" 2>&1 || echo "exit status $?"
}
answer=
for _ in $(seq 10); do
    answer=$(publish 311 "$gate/devices/meter" meters/site-1/meter-900001/telemetry '{"kWh": 4711.5}')
    for _ in $(seq 10); do
        if [[ -s $scratch/received ]]; then break 2; fi
        sleep 0.1
    done
done
expect "mosquitto_pub with a device certificate is accepted" "${answer:-accepted}" accepted
expect "its message arrives at a subscriber of the broker" "$(cat "$scratch/received")" '{"kWh": 4711.5}'

answer=$(publish 5 "$gate/devices/meter" meters/site-1/meter-900002/telemetry 'not mine')
[[ $answer == *"Not authorized"* ]] && answer=refused
expect "a topic outside the device's profile" "$answer" refused
expect "... and counted as such" "$(metric fleetgate_denials_total)" 1

"$fleetgate" init "$scratch/other" >/dev/null
"$fleetgate" ca issue --ca "$scratch/other/ca" --subject "O=Elbe Netz,OU=site-1,CN=meter-900001" \
    --out "$scratch/other/devices/meter" >/dev/null
answer=$(publish 311 "$scratch/other/devices/meter" meters/site-1/meter-900001/telemetry 'an impostor')
[[ $answer == *"exit status"* ]] && answer=refused
expect "the same name in a certificate of another CA" "$answer" refused
expect "... and counted as unknown-ca" "$(metric fleetgate_handshakes_total 'reason="unknown-ca"')" 1

say "5. SIGTERM: the gateway stops, and its broker with it"
stopped=0
kill "$gateway_pid"
wait "$gateway_pid" || stopped=$?
gateway_pid=
expect "exit status of the gateway" "$stopped" 0

say "What happened"
printf '%s\n' "${rows[@]}"
if ((failed)); then
    printf '\n%d of %d not as expected; the gateway said:\n' "$failed" "${#rows[@]}"
    tail -n 40 "$scratch/gateway.log"
    exit 1
fi
printf '\nAll %d as expected.\n' "${#rows[@]}"
