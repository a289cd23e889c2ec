#!/usr/bin/env bash
# Time from the start of `fleetgate device disable` to the closed socket of the device, with thousands of live sessions.
#
# The fleet is carried by one gateway with its embedded mosquitto; the devices that are disabled, one after the other,
# are connections of their own (Python's ssl, which is OpenSSL). Afterwards the rest of the fleet must still be there.
# The command's own start is in the figure; the second column leaves it out: from the command's end back to the close.
#
# usage: disable-to-closed.sh BIN_DIR [SESSIONS] [DEVICES]
set -euo pipefail

bin=$1
sessions=${2:-5000}
devices=${3:-20}
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

ulimit -n "$(ulimit -Hn)"
port=$(unused_port)
admin_port=$(unused_port)
"$bin/fleetgate" init "$gate" --listen "127.0.0.1:$port" --admin "127.0.0.1:$admin_port" >/dev/null
sed -i -e 's/per-address-per-second: .*/per-address-per-second: 100000/' \
    -e 's/per-address-burst: .*/per-address-burst: 100000/' "$gate/fleetgate.yaml"
"$bin/fleetgate" serve --config "$gate/fleetgate.yaml" >"$scratch/gateway.log" 2>&1 &
gateway_pid=$!
for _ in $(seq 200); do
    python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$admin_port/readyz', timeout=2)" 2>/dev/null && break
    sleep 0.1
done

"$bin/firmware-sim" run --quiet --target "127.0.0.1:$port" --ca "$gate/ca/ca.pem" --issuer "$gate/ca/ca.pem" \
    --issuer-key "$gate/ca/ca.key" --devices "$sessions" --cache "$scratch/devices" --rate 0 --concurrency 64 --period 0 \
    --subject 'O=Elbe Netz,OU=fleet,CN=meter-{n:06}' --duration 600s --keep-alive 600s >"$scratch/fleet.log" 2>&1 &
fleet_pid=$!
for _ in $(seq 1200); do
    (($(live) >= sessions)) && break
    kill -0 "$fleet_pid" 2>/dev/null || { cat "$scratch/fleet.log" && exit 1; }
    sleep 0.1
done

for number in $(seq "$devices"); do
    "$bin/fleetgate" ca issue --ca "$gate/ca" --out "$gate/devices/lone-$number" \
        --subject "O=Elbe Netz,OU=lone,CN=meter-$number" >/dev/null
done
python3 - "$bin/fleetgate" "$gate" "$port" "$devices" <<'PYTHON'
import select, socket, ssl, statistics, subprocess, sys, time

program, gate, port, devices = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
whole, inner = [], []
for number in range(1, devices + 1):
    context = ssl.create_default_context(cafile=f"{gate}/ca/ca.pem")
    context.load_cert_chain(f"{gate}/devices/lone-{number}.pem", f"{gate}/devices/lone-{number}.key")
    device = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
    # CONNECT of MQTT 3.1.1, clean session, keep-alive 60 s, client id "x".
    device.sendall(bytes([0x10, 13, 0, 4]) + b"MQTT" + bytes([4, 2, 0, 60, 0, 1]) + b"x")
    assert device.recv(4) == bytes([0x20, 2, 0, 0]), "the device does not get in"
    began = time.monotonic()
    command = subprocess.Popen(
        [program, "device", "disable", "--config", f"{gate}/fleetgate.yaml", f"lone/meter-{number}"],
        stdout=subprocess.DEVNULL)
    device.settimeout(10)
    assert device.recv(100) == b"", "something came instead of the end"
    closed = time.monotonic()
    assert command.wait() == 0, "the command failed"
    whole.append((closed - began) * 1000)
    # What a command that does nothing takes to start is not the gateway's.
    began = time.monotonic()
    subprocess.run([program, "--version"], stdout=subprocess.DEVNULL, check=True)
    inner.append(whole[-1] - (time.monotonic() - began) * 1000)

def line(name, values):
    print(f"{name:44} median {statistics.median(values):6.1f} ms   most {max(values):6.1f} ms   goal 100 ms")

line("device disable to closed socket", whole)
line("  without the start of the program", inner)
PYTHON
left=$(live)
printf '%-44s %s of %s\n' "sessions of the others still live" "$left" "$sessions"
((left >= sessions))
