"""What the kernel says of processes and cores: processor time and memory, from /proc."""

import os
import re

TICK = os.sysconf("SC_CLK_TCK")


def parse_stat(text):
    """(parent, user + system time in seconds) of one /proc/PID/stat. The name in it may hold spaces and parentheses."""
    fields = text[text.rindex(")") + 2:].split()
    return int(fields[1]), (int(fields[11]) + int(fields[12])) / TICK


def parse_schedstat(text):
    """Seconds on a processor, of one /proc/PID/task/TID/schedstat (nanoseconds there)."""
    return int(text.split()[0]) / 1e9


def parse_rollup(text):
    """Bytes by name (Rss, Pss, ...) of one /proc/PID/smaps_rollup."""
    found = re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)
    return {name: int(kibibytes) * 1024 for name, kibibytes in found}


def parse_core_busy(text, core):
    """Seconds that a core was not idle, of /proc/stat. Guest time is in user time already."""
    for line in text.splitlines():
        fields = line.split()
        if fields and fields[0] == f"cpu{core}":
            values = [int(field) for field in fields[1:9]]
            return (sum(values) - values[3] - values[4]) / TICK
    raise ValueError(f"no core {core}")


def read(path):
    with open(path) as file:
        return file.read()


def core_busy(core):
    return parse_core_busy(read("/proc/stat"), core)


def descendants(root):
    """The process and all below it, as far as they live now."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            parent, _ = parse_stat(read(f"/proc/{entry}/stat"))
        except (OSError, ValueError):
            continue
        children.setdefault(parent, []).append(int(entry))
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += children.get(process, [])
    return found


def cpu_sample(root):
    """Processor time of a process tree: by process, its ticks and each thread's nanosecond count."""
    sample = {}
    for process in descendants(root):
        try:
            _, ticks = parse_stat(read(f"/proc/{process}/stat"))
            threads = {}
            for thread in os.listdir(f"/proc/{process}/task"):
                try:
                    threads[thread] = parse_schedstat(read(f"/proc/{process}/task/{thread}/schedstat"))
                except OSError:
                    pass  # ended just now; its time is in the ticks
            sample[process] = (ticks, threads)
        except OSError:
            pass  # ended just now
    return sample


def cpu_between(before, after):
    """Seconds of processor time between two samples of one tree.

    Threads' own counts are exact, but those of a thread that ended are lost; the process's ticks keep them, to 10 ms.
    So the exact sum is taken unless the ticks say that something is missing.
    """
    total = 0.0
    for process, (ticks, threads) in after.items():
        ticks_before, threads_before = before.get(process, (0.0, {}))
        exact = sum(time - threads_before.get(thread, 0.0) for thread, time in threads.items())
        coarse = ticks - ticks_before
        missing = coarse - exact > 0.03 + 0.01 * coarse
        total += coarse if missing or not threads else exact
    return total


def resident(root):
    """Resident bytes of a process tree; what several of its processes share counts once (Pss), alone it is Rss."""
    processes = descendants(root)
    measure = "Rss" if len(processes) == 1 else "Pss"
    return sum(parse_rollup(read(f"/proc/{process}/smaps_rollup")).get(measure, 0) for process in processes)
