#!/usr/bin/env bash
# Time from a new CRL in its place to the closed sockets of the devices that it revokes, with thousands of live sessions
# and a list of 100,000 entries.
#
# The fleet is carried by one gateway with its embedded mosquitto; the devices that are revoked, four with each list, are
# connections of their own (Python's ssl, which is OpenSSL), and the lists are made and signed by OpenSSL. Afterwards the
# rest of the fleet must still be there. Exits with 1 when a goal is missed.
#
# usage: revoke-to-closed.sh BIN_DIR [SESSIONS] [ENTRIES] [ROUNDS]
set -euo pipefail

bin=$1
sessions=${2:-5000}
entries=${3:-100000}
rounds=${4:-5}
# shellcheck source=Firmware-sim/Benchmarks/live-sessions.sh
source "$(dirname "${BASH_SOURCE[0]}")/live-sessions.sh"
make_gate
cat >>"$gate/fleetgate.yaml" <<'YAML'
trust:
  anchors:
    default:
      crl:
        policy: required
        files: [ca/crl.pem]
YAML

issue_lone $((4 * rounds))

# One list for each round, and an empty one to begin with, made before anything is measured.
python3 - "$gate" "$scratch" "$entries" "$rounds" <<'PYTHON'
import random, subprocess, sys

gate, scratch, entries, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with open(f"{scratch}/ca.cnf", "w") as file:
    file.write(f"""[ca]
default_ca = own
[own]
database = {scratch}/index.txt
crlnumber = {scratch}/crlnumber
default_md = sha256
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
""")
open(f"{scratch}/index.txt.attr", "w").write("unique_subject = no\n")
open(f"{scratch}/crlnumber", "w").write("1000\n")
source = random.Random(1)

def entry(serial):
    return f"R\t350101000000Z\t261101000000Z,keyCompromise\t{serial}\tunknown\t/CN=x\n"

lines = [entry(f"{source.getrandbits(127) | 1 << 126:032X}") for _ in range(entries)]
for number in range(rounds + 1):
    for device in range(4 * (number - 1) + 1, 4 * number + 1) if number else ():
        serial = subprocess.run(
            ["openssl", "x509", "-in", f"{gate}/devices/lone-{device}.pem", "-noout", "-serial"],
            capture_output=True, text=True, check=True).stdout.strip().partition("=")[2]
        lines.append(entry(serial))
    with open(f"{scratch}/index.txt", "w") as file:
        file.writelines(lines)
    subprocess.run(
        ["openssl", "ca", "-gencrl", "-config", f"{scratch}/ca.cnf", "-cert", f"{gate}/ca/ca.pem", "-keyfile",
         f"{gate}/ca/ca.key", "-crldays", "7", "-out", f"{scratch}/crl-{number}.pem"],
        check=True, capture_output=True)
PYTHON
cp "$scratch/crl-0.pem" "$gate/ca/crl.pem"
start_fleet

python3 - "$gate" "$scratch" "$port" "$rounds" "$entries" <<'PYTHON'
import os, shutil, socket, ssl, statistics, sys, threading, time

gate, scratch, port, rounds, entries = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
times = []

def connect(number):
    context = ssl.create_default_context(cafile=f"{gate}/ca/ca.pem")
    context.load_cert_chain(f"{gate}/devices/lone-{number}.pem", f"{gate}/devices/lone-{number}.key")
    device = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
    # CONNECT of MQTT 5.0, clean start, keep-alive 60 s, client id "x".
    device.sendall(bytes([0x10, 14, 0, 4]) + b"MQTT" + bytes([5, 2, 0, 60, 0, 0, 1]) + b"x")
    answer = device.recv(100)
    assert answer[0] == 0x20 and answer[3] == 0, f"the device does not get in: {answer.hex()}"
    return device

def wait(device, began):
    device.settimeout(30)
    last = b""
    while piece := device.recv(1000):
        last += piece
    times.append((time.monotonic() - began) * 1000)
    assert last[:1] == b"\xe0", f"no DISCONNECT before the end: {last.hex()}"

for number in range(1, rounds + 1):
    devices = [connect(device) for device in range(4 * (number - 1) + 1, 4 * number + 1)]
    shutil.copy(f"{scratch}/crl-{number}.pem", f"{gate}/ca/crl.pem.new")
    began = time.monotonic()
    os.rename(f"{gate}/ca/crl.pem.new", f"{gate}/ca/crl.pem")
    threads = [threading.Thread(target=wait, args=(device, began)) for device in devices]
    for thread in threads: thread.start()
    for thread in threads: thread.join()

assert len(times) == 4 * rounds, "a device was not told, or not ended"
worst = max(times)
print(f"{f'new CRL ({entries} entries) to closed sockets':44} median {statistics.median(times):6.1f} ms   "
      f"most {worst:6.1f} ms   goal 1000 ms   {'pass' if worst < 1000 else 'miss'}")
sys.exit(worst >= 1000)
PYTHON
check_fleet
