#!/usr/bin/env python3
"""Counts allocations per handshake, per forwarded PUBLISH and per decision, and compares them with committed limits.

The gateway runs as it ships (release build, profiles, limits, log and audit on) with a library preloaded that counts
malloc(3) and its like in all of its threads. firmware-sim is the load. What is counted hardly depends on how fast or
busy the machine is, unlike time. Each figure is a difference between two runs of different length, so what a start or a
connection costs is not in the figure for a PUBLISH.

limits.json beside this file has the limits. Whoever lowers a figure lowers its limit in the same commit; whoever has to
raise one says why there.
"""

import argparse
import json
import mmap
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
START_SECONDS = 30
RUN_SECONDS = 120
FEW, MANY = 100, 600
PUBLISHERS = 20


class GuardFailed(Exception):
    """What could not be measured, for people."""


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Counter:
    """The number that the preloaded library counts in."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(8))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 8)

    def value(self):
        return struct.unpack("@Q", self.map[:8])[0]


class Gateway:
    """One gateway with its embedded broker, its allocations counted."""

    def __init__(self, programs, scratch, library):
        self.programs, self.scratch = programs, scratch
        self.folder = scratch / "gate"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.port, self.admin = unused_port(), unused_port()
        subprocess.run(
            [programs / "fleetgate", "init", self.folder, "--listen", f"127.0.0.1:{self.port}", "--admin",
             f"127.0.0.1:{self.admin}"], check=True, stdout=subprocess.DEVNULL)
        configuration = self.folder / "fleetgate.yaml"
        text = configuration.read_text()
        text = re.sub(r"(?m)^# event-loops:.*", "event-loops: 1", text)
        text = re.sub(r"per-address-per-second: .*", "per-address-per-second: 100000", text)
        text = re.sub(r"per-address-burst: .*", "per-address-burst: 100000", text)
        configuration.write_text(text)
        # What slows a device down is not what is counted.
        for profile in (self.folder / "profiles").glob("*.yaml"):
            lifted = re.sub(r"(?m)^(\s+messages:).*", r"\1 { per-second: 10000, burst: 10000 }", profile.read_text())
            profile.write_text(lifted)
        self.counter = Counter(scratch / "counter")
        self.log = open(scratch / "gateway.log", "wb")
        self.process = subprocess.Popen(
            [programs / "fleetgate", "serve", "--config", configuration], stdout=self.log, stderr=self.log,
            env=os.environ | {"LD_PRELOAD": str(library), "COUNTED_ALLOCATIONS": str(self.counter.path)})

    def __enter__(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/readyz", timeout=2).close()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise GuardFailed("the gateway does not start:\n" + self.tail()) from None
                time.sleep(0.1)
        if self.counter.value() == 0:
            self.__exit__()
            raise GuardFailed("the gateway's allocations are not counted")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def tail(self):
        return "\n".join((self.scratch / "gateway.log").read_text(errors="replace").splitlines()[-5:])

    def allocations(self, *options):
        """What a run of firmware-sim costs, and its report."""
        report = self.scratch / "report.json"
        # What is written in the background belongs to the run before.
        self.settle()
        before = self.counter.value()
        outcome = subprocess.run(
            [self.programs / "firmware-sim", "run", "--quiet", "--target", f"127.0.0.1:{self.port}", "--ca",
             self.folder / "ca/ca.pem", "--issuer", self.folder / "ca/ca.pem", "--issuer-key", self.folder / "ca/ca.key",
             "--cache", self.scratch / "devices", "--subject", "O=Elbe Netz,OU=site-{n%10},CN=meter-{n:06}", "--json",
             report, "--seed", "1", "--loops", "1"] + [str(option) for option in options],
            capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
        if outcome.returncode != 0:
            raise GuardFailed(f"firmware-sim failed:\n{outcome.stdout}{outcome.stderr}\n{self.tail()}")
        self.settle()
        return self.counter.value() - before, json.loads(report.read_text())

    def settle(self):
        """Waits until nothing is counted any more but what an idle gateway does."""
        deadline = time.monotonic() + START_SECONDS
        last = self.counter.value()
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = self.counter.value()
            if now - last < 200:
                return
            last = now


def per_connect(gateway, tls):
    """Allocations per full handshake with CONNECT, CONNACK and DISCONNECT."""
    options = ["--connect-only", "--tls", tls, "--rate", 0, "--concurrency", 8]
    gateway.allocations("--devices", FEW, *options)
    few, _ = gateway.allocations("--devices", FEW, *options)
    many, _ = gateway.allocations("--devices", MANY, *options)
    return (many - few) / (MANY - FEW)


def per_publish(gateway, qos):
    """Allocations per PUBLISH of 64 bytes that is forwarded, with its acknowledgement for QoS 1."""

    def run(seconds):
        spent, report = gateway.allocations(
            "--devices", PUBLISHERS, "--rate", 100, "--qos", qos, "--period", "20ms", "--duration", f"{seconds}s",
            "--keep-alive", "60s", "--topic", "meters/{OU}/{device}/telemetry")
        if report["failures"]:
            raise GuardFailed(f"devices failed: {report['failures']}")
        return spent, report["publishing"]["published"]

    run(2)
    (short, few), (long, many) = run(3), run(8)
    if many - few < 1000:
        raise GuardFailed(f"only {many - few} messages were published")
    return (long - short) / (many - few)


def per_decision(programs):
    """Allocations of policy-bench, which counts them itself; sizes do not matter for them, so they are small here."""
    outcome = subprocess.run(
        [programs / "policy-bench", "--json", "--profiles", "100", "--devices", "1000", "--revoked", "1000"],
        capture_output=True, text=True, timeout=RUN_SECONDS, check=True)
    figures = {figure["name"]: figure["value"] for figure in json.loads(outcome.stdout)}
    return {
        "policy decision": figures["decision, 100 profiles, 1,000 devices, 1,000 revoked: allocations"],
        "topic check, PUBLISH": figures["publish permitted, allocations"],
        "topic check, SUBSCRIBE": figures["subscribe with wildcard, allocations"],
    }


def build(scratch):
    library = scratch / "counted_allocations.so"
    compiler = shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        raise GuardFailed("there is no C compiler")
    subprocess.run(
        [compiler, "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", library, HERE / "counted_allocations.c"],
        check=True)
    return library


def measure(programs, scratch):
    library = build(scratch)
    figures = {}
    with Gateway(programs, scratch, library) as gateway:
        for tls in ["1.2", "1.3"]:
            figures[f"full handshake, TLS {tls}"] = per_connect(gateway, tls)
    with Gateway(programs, scratch, library) as gateway:
        for qos in [0, 1]:
            figures[f"forwarded PUBLISH, QoS {qos}"] = per_publish(gateway, qos)
    return figures | per_decision(programs)


def main():
    parser = argparse.ArgumentParser(
        description="Counts the gateway's allocations per handshake, per forwarded PUBLISH and per decision and compares "
        "them with limits.json. Exits with 1 when one is above its limit.")
    parser.add_argument(
        "programs", type=pathlib.Path, help="folder of fleetgate, firmware-sim and policy-bench, release builds")
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # So that what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    limits = json.loads((HERE / "limits.json").read_text())
    try:
        with tempfile.TemporaryDirectory(prefix="fleetgate-guard.") as scratch:
            figures = measure(arguments.programs.resolve(), pathlib.Path(scratch))
    except (GuardFailed, subprocess.SubprocessError) as problem:
        sys.exit(f"allocation_guard: {problem}")
    print(f"{'allocations per':32} {'counted':>9} {'limit':>7}")
    failed = False
    for name, figure in figures.items():
        limit = limits[name]
        failed = failed or figure > limit
        print(f"{name:32} {figure:9.1f} {limit:7} {'TOO MANY' if figure > limit else ''}".rstrip())
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
