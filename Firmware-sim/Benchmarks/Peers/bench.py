#!/usr/bin/env python3
"""FleetGate beside the listeners people would use in its place: `make bench`. The README above explains it."""

import argparse
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
import time

import facts
import figures
import page
import rows
import table
from generators import can_be_realtime, compile_openssl_load, lift_file_limit
from peers import NAMES, TITLES, Environment, Site, missing
from processes import BenchError, find_program
from progress import Progress, duration
from sizes import QUICK, Sizes
from works import Works

WORKS = ("connect", "resume", "idle", "qos0", "qos1", "latency", "storm")
VERSIONS = ("1.2", "1.3")
DESCRIPTION = """\
Measures FleetGate, mosquitto's TLS listener, HAProxy and nginx with the same devices, certificates and broker, one
after the other on core 0, with the load on core 1. Prints a table with ratios and goals, and writes results.json and
report.html.
"""
EPILOG = """\
works:
  connect   full mutual-TLS MQTT connects per CPU-second, TLS 1.2 and 1.3, by firmware-sim and by openssl_load
  resume    resumed ones, by openssl_load, which counts that they were resumed
  idle      memory of an idle connected device
  qos0      QoS 0 messages of 64 bytes per CPU-second
  qos1      QoS 1 messages of 64 bytes per CPU-second
  latency   what a QoS 1 publish round trip takes longer than with the plain broker
  storm     round trips of established devices while 2,000 others connect

examples:
  bench.py .build/release --out .build/bench
  bench.py .build/release --quick
  bench.py .build/release --peers fleetgate,mosquitto --work connect,resume --repetitions 5

exit status:
  0   measured, whether or not goals are met
  1   with --check: a goal is missed or could not be judged; or something could not be measured
  2   the command line is wrong, or something that is needed is not there
"""


def chosen(text, known, what):
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        raise argparse.ArgumentTypeError(
            f"unknown {what} {', '.join(wrong) or '(none given)'}: choose of {', '.join(known)}")
    return [name for name in known if name in names]


def positive(text):
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to 1000")
    return int(text)


def arguments(words):
    parser = argparse.ArgumentParser(
        prog="bench.py", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description=DESCRIPTION)
    parser.add_argument("bin", metavar="BIN_DIR", help="the folder of the release programs fleetgate and firmware-sim")
    parser.add_argument("--out", default=".build/bench",
                        help="where results.json and report.html go (default: %(default)s)")
    parser.add_argument("--repetitions", type=positive, default=None, help="of everything (default: 3; with --quick 1)")
    parser.add_argument("--peers", type=lambda text: chosen(text, NAMES, "peer"), default=list(NAMES),
                        help=f"some of {','.join(NAMES)} (default: all)")
    parser.add_argument("--work", type=lambda text: chosen(text, WORKS, "work"), default=list(WORKS),
                        help=f"some of {','.join(WORKS)} (default: all)")
    parser.add_argument("--tls", choices=VERSIONS, default="1.3",
                        help="version for messages, latency and storm (default: %(default)s)")
    parser.add_argument("--unix-upstream", action="store_true",
                        help="reach the broker behind by its unix socket in place of TCP. mosquitto lets only 10 "
                             "connections wait there, and HAProxy and nginx then turn devices away")
    parser.add_argument("--quick", action="store_true",
                        help="small counts: does everything work? The figures are worthless")
    parser.add_argument("--time-limit", type=positive, default=60, metavar="MINUTES",
                        help="after this nothing new is begun (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    options = parser.parse_args(words)
    options.repetitions = options.repetitions or (1 if options.quick else 3)
    return options


def steps_of(works):
    """(work, what to call, its arguments, how it is told) in the order of a repetition."""
    calls = {"connect": ("connect", True), "resume": ("resume", True), "idle": ("idle", True), "qos0": ("flood", 0),
             "qos1": ("flood", 1), "latency": ("latency", None), "storm": ("storm", None)}
    for work in works:
        method, argument = calls[work]
        if argument is True:
            for tls in VERSIONS:
                yield work, method, (tls,), f"{work}, TLS {tls}"
        else:
            yield work, method, () if argument is None else (argument,), work


def measure(options, site, works, peers, progress):
    """All measurements. One that fails is kept with its error, and the others go on."""
    measurements, deadline = [], time.monotonic() + options.time_limit * 60
    for repetition in range(1, options.repetitions + 1):
        for work, method, call_with, told in steps_of(options.work):
            for peer in peers:
                about = {"repetition": repetition, "work": work, "peer": peer}
                if time.monotonic() > deadline:
                    measurements.append({**about, "error": "the time limit was reached", "figures": {}})
                    continue
                progress.step(repetition, TITLES[peer], told)
                try:
                    with Environment(peer, site) as environment:
                        found = getattr(works, method)(environment, *call_with)
                    measurements += [{**about, **one} for one in found]
                except (BenchError, OSError) as error:
                    progress.say(f"      failed: {error}")
                    measurements.append({**about, "tls": call_with[0] if told != work else None, "error": str(error),
                                         "figures": {}})
                progress.finished()
    return measurements


def write(folder, name, text):
    """Whole or not at all."""
    path = os.path.join(folder, name)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)
    return path


def report(options, known_rows, measurements, about, peers, skipped):
    """Prints the table, writes the files, and gives the exit status."""
    collected = figures.collect(measurements)
    evaluations = {row.id: figures.evaluate(row, collected[row.id]) for row in known_rows if row.id in collected}
    remarks = figures.remarks(measurements) + figures.disagreements(collected)
    if not about["proberIsRealtime"] and {"latency", "storm"} & set(options.work):
        remarks.append("round trips were timed without real-time priority (that takes root): in a storm they also wait "
                       "for the generator of the storm")
    results = {"schema": 1, "quick": options.quick, "repetitions": options.repetitions, "facts": about, "peers": peers,
               "skipped": skipped, "remarks": remarks, "rows": [evaluations[row.id] for row in known_rows
                                                               if row.id in evaluations],
               "sizes": vars(options.sizes), "tlsOfMessages": options.tls, "unixUpstream": options.unix_upstream,
               "measurements": measurements}
    os.makedirs(options.out, exist_ok=True)
    json_path = write(options.out, "results.json", json.dumps(results, indent=1) + "\n")
    html_path = write(options.out, "report.html",
                      page.render(known_rows, evaluations, peers, about, options.repetitions, remarks, skipped))
    if evaluations:
        print(table.render(known_rows, evaluations, peers))
    print(f"\nMedian (least..most) of {options.repetitions}; ratio: FleetGate to the best of the others; "
          f"a record of messages is TLS {options.tls}.")
    for text in [*skipped, *remarks]:
        print(f"* {text}")
    if options.quick:
        print("* --quick: the counts are too small for figures to mean anything")
    print(f"{json_path}\n{html_path}")
    failures = [one for one in measurements if one.get("error")]
    verdicts = [one["verdict"] for one in evaluations.values() if one["goal"]]
    if failures or not evaluations:
        return 1
    return 1 if options.check and any(verdict != "met" for verdict in verdicts) else 0


def prepare(options):
    """Sees to what is needed before anything is measured."""
    if (os.cpu_count() or 1) < 2 or not {0, 1} <= os.sched_getaffinity(0):
        raise BenchError("cores 0 and 1 are needed: one for the servers, one for the load")
    for name in ("fleetgate", "firmware-sim"):
        if not os.access(os.path.join(options.bin, name), os.X_OK):
            raise BenchError(f"{options.bin} has no {name}. `make release` builds it and prints the folder")
    if not find_program("mosquitto"):
        raise BenchError("mosquitto is not installed, and all need it behind them. Debian: apt install mosquitto")
    open_files = lift_file_limit()
    most = max(options.sizes.idle_devices, options.sizes.storm_devices)
    if open_files < 2 * most + 500:
        raise BenchError(f"at most {open_files} files may be open; {2 * most + 500} are needed (ulimit -n)")
    return open_files


def main(words):
    options = arguments(words)
    options.bin = os.path.abspath(options.bin)
    options.sizes = QUICK if options.quick else Sizes()
    # Servers must be stopped whoever ends the run.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    scratch = tempfile.mkdtemp(prefix="fleetgate-bench.")
    began = time.monotonic()
    try:
        open_files = prepare(options)
        skipped = [f"{TITLES[peer]} skipped: {missing(peer)}" for peer in options.peers if missing(peer)]
        peers = [peer for peer in options.peers if not missing(peer)]
        site = Site(options.bin, scratch, open_files, options.unix_upstream)
        numbers = itertools.count(1)
        works = Works(site, compile_openssl_load(scratch), os.path.join(options.bin, "firmware-sim"), options.sizes,
                      options.tls, lambda _: 20000 * next(numbers) + 100000)
        about = facts.gather(site.fleetgate, peers, can_be_realtime(), open_files)
        progress = Progress([work for work, *_ in steps_of(options.work) for _ in peers] * options.repetitions,
                            options.repetitions, options.quiet)
        for text in skipped:
            progress.say(text)
        if about["loadAverageAtStart"] > 0.5:
            progress.say(f"the machine is busy (load average {about['loadAverageAtStart']:.1f}): figures will be noisy")
        measurements = measure(options, site, works, peers, progress)
        about["loadAverageAtEnd"], about["seconds"] = os.getloadavg()[0], round(time.monotonic() - began)
        progress.say(f"done after {duration(time.monotonic() - began)}\n")
        return report(options, rows.all_rows(), measurements, about, peers, skipped)
    except BenchError as error:
        print(f"bench.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench.py: interrupted; nothing was written", file=sys.stderr)
        return 130
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
