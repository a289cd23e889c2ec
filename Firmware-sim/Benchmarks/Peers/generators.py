"""The two load generators, on their own core: openssl_load (on OpenSSL) and firmware-sim (on mbedTLS)."""

import glob
import json
import os
import resource
import select
import subprocess
import time

from processes import BenchError, find_program, tail

LOAD_CORE = 1
OPENSSL, FIRMWARE_SIM = "openssl_load", "firmware-sim"


def lift_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 60000
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def compile_openssl_load(scratch):
    compiler = find_program("cc") or find_program("gcc") or find_program("clang")
    if not compiler:
        raise BenchError("no C compiler (cc): the second load generator cannot be built. Debian: apt install gcc")
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "openssl_load")
    sources = sorted(glob.glob(os.path.join(glob.escape(folder), "*.c")))
    program = os.path.join(scratch, "openssl_load")
    command = [compiler, "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wconversion",
               "-Wstrict-prototypes", *sources, "-o", program, "-lssl", "-lcrypto"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise BenchError("openssl_load does not compile. Are OpenSSL's headers there? Debian: apt install "
                         f"libssl-dev\n{done.stderr.strip()}")
    return program


def on_load_core(realtime):
    """What a generator does before it starts. A prober must run the moment its answer is there, whatever else the core
    has to do: otherwise it would measure the other generator. That takes a privilege; results.json says whether it
    was there.
    """
    os.sched_setaffinity(0, {LOAD_CORE})
    if realtime:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        except PermissionError:
            pass


def can_be_realtime():
    done = subprocess.run(["true"], preexec_fn=lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10)),
                          stderr=subprocess.DEVNULL) if os.geteuid() == 0 else None
    return done is not None and done.returncode == 0


class Load:
    """One run of openssl_load: steps are begun by `go`, and told by `expect`. To be used with `with`."""

    def __init__(self, program, site, port, work, tls, realtime=False, **options):
        self.errors = os.path.join(site.scratch, f"openssl_load-{work}-{port}.err")
        command = [program, work, "--port", str(port), "--tls", tls]
        if tls != "none":
            command += ["--ca", site.ca, "--issuer", site.ca, "--issuer-key", site.ca_key]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
        self.buffer = b""
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                            preexec_fn=lambda: on_load_core(realtime))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.process.stdout.close()

    def go(self):
        try:
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise BenchError(f"openssl_load has ended: {tail(self.errors, 5)}") from error

    def expect(self, event, seconds):
        """The JSON of the next step, which has to be the one named."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise BenchError(f"openssl_load did not say '{event}' within {seconds} s. {tail(self.errors, 5)}")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise BenchError(f"openssl_load ended before '{event}': {tail(self.errors, 5)}")
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b"\n")
        answer = json.loads(line)
        if answer["event"] != event:
            raise BenchError(f"openssl_load said '{answer['event']}' in place of '{event}'")
        answer["complaints"] = tail(self.errors, 5)
        return answer


def firmware_sim_connects(program, site, port, tls, count, concurrency, seconds):
    """Runs `firmware-sim run --connect-only`: each device connects once. Gives its report."""
    report = os.path.join(site.scratch, "firmware-sim.json")
    command = [program, "run", "--quiet", "--connect-only", "--target", f"127.0.0.1:{port}", "--ca", site.ca,
               "--issuer", site.ca, "--issuer-key", site.ca_key, "--devices", str(count),
               "--cache", os.path.join(site.scratch, "devices"),
               "--subject", "O=FleetGate Bench,OU=site-{n%10},CN=meter-{n:06}", "--tls", tls, "--rate", "0",
               "--concurrency", str(concurrency), "--loops", "1", "--allow-failures", "--json", report]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds,
                              preexec_fn=lambda: on_load_core(False))
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"firmware-sim was not done after {seconds} s") from error
    if done.returncode != 0 or not os.path.exists(report):
        raise BenchError(f"firmware-sim failed: {(done.stdout + done.stderr).strip()[-600:]}")
    with open(report) as file:
        answer = json.load(file)
    os.remove(report)
    return {"attempted": answer["devices"]["attempted"], "connected": answer["connack"].get("accepted", 0),
            "resumed": answer["handshakes"]["resumed"], "failures": answer["failures"],
            "wallSeconds": answer["durationSeconds"], "cpuSeconds": answer["generator"]["processorSeconds"]}
