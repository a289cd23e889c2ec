"""What is known of the machine and the programs a run was made with."""

import datetime
import os
import platform
import re
import subprocess

import procfs
from processes import find_program


def output_of(command, folder=None):
    """What a program prints, or None: a fact that is not there is no reason to stop."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, cwd=folder)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout + done.stderr).strip()


def first_match(pattern, text):
    found = re.search(pattern, text or "", re.MULTILINE)
    return found.group(1) if found else None


def version_of(peer, fleetgate):
    if peer == "fleetgate":
        return output_of([fleetgate, "version"])
    program = find_program(peer)
    if program is None:
        return None
    text = output_of([program, {"mosquitto": "-h", "haproxy": "-vv", "nginx": "-V"}[peer]])
    if peer == "mosquitto":
        return first_match(r"^(mosquitto version \S+)", text)
    if peer == "haproxy":
        library = first_match(r"^Running on (OpenSSL version : \S+ \S+)", text)
        return ", ".join(part for part in (first_match(r"^(HAProxy version \S+)", text), library) if part)
    return ", ".join(part for part in (first_match(r"^(nginx version: \S+)", text),
                                       first_match(r"running with (OpenSSL \S+)", text)
                                       or first_match(r"built with (OpenSSL \S+)", text)) if part)


def gather(fleetgate, peers, realtime, open_files):
    here = os.path.dirname(os.path.abspath(__file__))
    cpu = procfs.read("/proc/cpuinfo")
    commit = output_of(["git", "rev-parse", "HEAD"], here)
    changed = output_of(["git", "status", "--porcelain"], here)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": commit if re.fullmatch(r"[0-9a-f]{40,64}", commit or "") else None,
        "uncommittedChanges": bool(changed) if commit else None,
        "cpu": first_match(r"^model name\s*: (.*)$", cpu),
        "cpuModel": first_match(r"^model\s*: (.*)$", cpu),
        "cores": os.cpu_count(),
        "memoryKiB": int(first_match(r"^MemTotal:\s*(\d+)", procfs.read("/proc/meminfo")) or 0),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "openFilesLimit": open_files,
        "proberIsRealtime": realtime,
        "loadAverageAtStart": os.getloadavg()[0],
        "versions": {peer: version_of(peer, fleetgate) for peer in peers},
        "openssl": output_of(["openssl", "version"]),
    }
