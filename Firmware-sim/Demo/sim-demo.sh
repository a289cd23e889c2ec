#!/usr/bin/env bash
# The simulator's demonstration: its own PKI, a fresh gateway, a mixed fleet, a hostile mix, and their reports.
#
# usage: Firmware-sim/Demo/sim-demo.sh BIN_DIR [REPORT_DIR]
#
# Everything happens on 127.0.0.1 and, but for the reports, in a scratch folder. What is started here is stopped here,
# by process id. The exit status is 0 only if every assertion of both scenarios holds.
set -euo pipefail

bin=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
reports=${2:-$here/../../.build/sim-demo}
readonly bin here
readonly fleetgate=$bin/fleetgate simulator=$bin/firmware-sim

# How much of the scenarios' devices and of their time: the demonstration is to take a few minutes.
readonly revoked=40 scale=${SIM_DEMO_SCALE:-0.5} time_scale=${SIM_DEMO_TIME_SCALE:-0.25}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/fleetgate-sim.XXXXXX")
readonly scratch gate=$scratch/gate pki=$scratch/pki
gateway_pid=
stop_gateway() {
    [[ -n $gateway_pid ]] || return 0
    kill "$gateway_pid" 2>/dev/null || true
    wait "$gateway_pid" 2>/dev/null || true
    gateway_pid=
}
stop() {
    stop_gateway
    rm -rf "$scratch"
}
trap stop EXIT

bold='' plain=''
if [[ -t 1 && ${TERM:-dumb} != dumb && -z ${NO_COLOR:-} ]]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

unused_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# set_key KEY VALUE: changes a value of the configuration that `fleetgate init` wrote; it must be there.
set_key() {
    grep -q "^ *$1: " "$gate/fleetgate.yaml" || { echo "fleetgate.yaml has no key $1" >&2 && exit 1; }
    sed -i "s|^\( *$1:\) .*|\1 $2|" "$gate/fleetgate.yaml"
}

# start_gateway HANDSHAKE_TIMEOUT: returns when the gateway and its broker are ready.
start_gateway() {
    set_key handshake-timeout "$1"
    "$fleetgate" check --config "$gate/fleetgate.yaml" >/dev/null
    "$fleetgate" serve --config "$gate/fleetgate.yaml" >"$scratch/gateway.log" 2>&1 &
    gateway_pid=$!
    local _
    for _ in $(seq 200); do
        if python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$admin_port/readyz', timeout=2)" \
            2>/dev/null; then
            return 0
        fi
        kill -0 "$gateway_pid" 2>/dev/null || break
        sleep 0.1
    done
    cat "$scratch/gateway.log" >&2
    echo "the gateway did not become ready" >&2
    exit 1
}

# The processes that serve devices: the gateway and its private broker.
server_pids() {
    local pid
    # shellcheck disable=SC2013  # process ids are words
    for pid in "$gateway_pid" $(cat "/proc/$gateway_pid"/task/*/children 2>/dev/null); do
        printf -- '--server-pid\n%s\n' "$pid"
    done
}

# run_scenario NAME: notes how it ended, and goes on.
failed=()
run_scenario() {
    local name=$1 pids
    mapfile -t pids < <(server_pids)
    "$simulator" scenario run "$name" --target "127.0.0.1:$port" --server-name localhost --pki "$pki" \
        --scale "$scale" --time-scale "$time_scale" --seed 4 "${pids[@]}" \
        --html "$reports/$name.html" --json "$reports/$name.json" --csv "$reports/$name.csv" || failed+=("$name")
    [[ -s $reports/$name.html ]] || failed+=("$name: no HTML report")
    # A gateway that fell over has failed, whatever the devices saw.
    kill -0 "$gateway_pid" 2>/dev/null || failed+=("$name: the gateway ended")
}

# The refusals of the gateway by its own count.
print_refusals() {
    python3 - "$admin_port" <<'PYTHON'
import re, sys, urllib.request
text = urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/metrics", timeout=10).read().decode()
counts = {}
for line in text.splitlines():
    series, _, value = line.rpartition(" ")
    name = series.split("{")[0]
    labels = dict(re.findall(r'(\w+)="([^"]*)"', series))
    if name == "fleetgate_handshakes_total" and labels.get("outcome") == "refused" or name == "fleetgate_denials_total":
        key = ("handshake" if "handshakes" in name else "session", labels.get("reason", ""))
        counts[key] = counts.get(key, 0) + int(float(value))
for (where, reason), count in sorted(counts.items()):
    if count:
        print(f"  {where:10} {reason or '(any reason)':28} {count:6}")
PYTHON
}

ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
mkdir -p "$reports"
reports=$(cd "$reports" && pwd)
rm -f "$reports"/{mixed-fleet,hostile-mix}.{html,json,csv}

say "1. firmware-sim pki: a root, an issuing CA, a certificate for the server, and certificates that are revoked"
"$simulator" pki init "$pki" >/dev/null
"$simulator" pki server "$pki" --name localhost --address 127.0.0.1 >/dev/null
# Those of the hostile mix: a run takes from the folder what is there already. A server with a revocation list has to
# have read their serial numbers before the run.
"$simulator" pki issue "$pki" --quiet --kind revoked --fleet "name=revoked;count=$revoked"
echo "in crl.pem: $revoked devices"

say "2. fleetgate init: a fresh gateway that trusts that root, with the demo's own device profiles"
port=$(unused_port)
admin_port=$(unused_port)
"$fleetgate" init "$gate" --listen "127.0.0.1:$port" --admin "127.0.0.1:$admin_port" >/dev/null
rm -f "$gate"/profiles/*.yaml
cp "$here"/profiles/*.yaml "$gate/profiles/"
set_key certificate "$pki/server.pem"
set_key key "$pki/server.key"
set_key client-ca "$pki/ca.pem"
# Nobody gets in without a revocation list that is in date. The issuing CA is known before the first device brings it, so
# that its list counts from the first one on.
cat >>"$gate/fleetgate.yaml" <<YAML

trust:
  intermediates: ["$pki/issuing.pem"]
  anchors:
    default:
      crl: {policy: required, files: ["$pki/crl.pem"]}
YAML
"$fleetgate" check --config "$gate/fleetgate.yaml"

say "3. Mixed fleet: devices of many classes, some commanding others"
start_gateway 60s
echo "the gateway listens on 127.0.0.1:$port; metrics at http://127.0.0.1:$admin_port/metrics"
run_scenario mixed-fleet

say "4. Hostile mix: every refusal is expected, with its reason"
stop_gateway
# Slow handshakes are ended by this deadline, and the scenario waits for it.
start_gateway 10s
run_scenario hostile-mix
echo
echo "What the gateway refused, by its own count:"
print_refusals

stopped=0
kill "$gateway_pid"
wait "$gateway_pid" || stopped=$?
gateway_pid=
((stopped == 0)) || failed+=("the gateway's exit status is $stopped")

say "Reports"
printf '  %s\n' "$reports"/*.html
if ((${#failed[@]})); then
    printf '\nNot as expected: %s\nThe gateway said, but for the usual:\n' "$(printf '%s; ' "${failed[@]}")" >&2
    { grep -v '"level":"info"' "$scratch/gateway.log" || true; } | tail -n 20 >&2
    exit 1
fi
printf '\nAll assertions hold.\n'
