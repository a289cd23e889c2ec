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
# shellcheck source=Firmware-sim/Benchmarks/live-sessions.sh
source "$(dirname "${BASH_SOURCE[0]}")/live-sessions.sh"
make_gate
issue_lone "$devices"
start_fleet

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
check_fleet
