"""The works: what is done to a peer, and the figures it gives. Each gets a peer that has just been started.

A work gives a list of measurements. Each is a dictionary: `figures` by the identifiers of rows.py, and beside them
everything that was counted. Notes are for the reader of the table.
"""

import time

import broker_count
import procfs
from generators import FIRMWARE_SIM, OPENSSL, Load, firmware_sim_connects
from peers import SERVER_CORE
from processes import BenchError

CONNECT_SECONDS = 120   # for a whole batch of connects
SETTLE_SECONDS = 0.3    # until a server has done what is left to do when the last device has gone


class Meter:
    """Processor time of a peer, of the broker behind it, and of the core, from `begin` to `end`."""

    def __init__(self, environment):
        self.environment = environment

    def begin(self):
        self.began = time.monotonic()
        self.core = procfs.core_busy(SERVER_CORE)
        self.own = procfs.cpu_sample(self.environment.server.pid)
        behind = self.environment.behind
        self.broker = procfs.cpu_sample(behind.pid) if behind else None

    def end(self, load):
        """What it cost. `load` is what the generator said of itself."""
        own = procfs.cpu_between(self.own, procfs.cpu_sample(self.environment.server.pid))
        behind = self.environment.behind
        broker = procfs.cpu_between(self.broker, procfs.cpu_sample(behind.pid)) if behind else 0.0
        elapsed = time.monotonic() - self.began
        others = max(0.0, procfs.core_busy(SERVER_CORE) - self.core - own - broker)
        wall = max(load["wallSeconds"], 1e-6)
        self.environment.check_alive()
        return {"ownCPUSeconds": own, "brokerCPUSeconds": broker, "serverCoreBusyShare": (own + broker) / wall,
                "generatorBusyShare": load["cpuSeconds"] / wall, "othersOnServerCoreShare": others / elapsed,
                "wallSeconds": wall}


def per_second(count, seconds, what):
    if count <= 0 or seconds <= 0:
        raise BenchError(f"nothing to measure: {count} {what} in {seconds:.3f} s of processor time")
    return count / seconds


def connect_figures(kind, tls, cost, count, suffix=""):
    return {f"{kind}-{tls}-own{suffix}": per_second(count, cost["ownCPUSeconds"], "connects"),
            f"{kind}-{tls}-both{suffix}":
                per_second(count, cost["ownCPUSeconds"] + cost["brokerCPUSeconds"], "connects")}


class Works:
    def __init__(self, site, openssl_load, firmware_sim, sizes, carry_tls, next_device):
        self.site, self.openssl_load, self.firmware_sim = site, openssl_load, firmware_sim
        self.sizes, self.carry_tls, self.next_device = sizes, carry_tls, next_device

    def load(self, port, work, tls, fleet, **options):
        """openssl_load with a fleet of devices that no run before had, so that no server can know them."""
        return Load(self.openssl_load, self.site, port, work, tls, first=self.next_device(fleet), devices=fleet,
                    **options)

    # --- connects ---

    def connect(self, environment, tls):
        """Full connects, by both generators one after the other."""
        sizes, results = self.sizes, []
        meter = Meter(environment)
        meter.begin()
        load = firmware_sim_connects(self.firmware_sim, self.site, environment.port, tls, sizes.connects,
                                     sizes.concurrency, CONNECT_SECONDS)
        time.sleep(SETTLE_SECONDS)
        results.append(self.connect_result(FIRMWARE_SIM, "full", tls, meter.end(load), load))
        with self.load(environment.port, "connect", tls, sizes.connects, count=sizes.connects,
                       concurrency=sizes.concurrency, timeout=CONNECT_SECONDS) as client:
            client.expect("ready", 60)
            meter.begin()
            client.go()
            load = client.expect("done", CONNECT_SECONDS + 10)
            time.sleep(SETTLE_SECONDS)
            results.append(self.connect_result(OPENSSL, "full", tls, meter.end(load), load, "-openssl"))
        return results

    def connect_result(self, generator, kind, tls, cost, load, suffix=""):
        notes = []
        if load["connected"] < load["attempted"]:
            notes.append(f"{load['attempted'] - load['connected']} of {load['attempted']} connects failed")
        return {"generator": generator, "tls": tls, "notes": notes, "load": load, "cost": cost,
                "figures": connect_figures(kind, tls, cost, load["connected"], suffix)}

    def resume(self, environment, tls):
        """Resumed connects. Each device connected before, which is not measured, and uses the newest ticket it has."""
        sizes = self.sizes
        with self.load(environment.port, "connect", tls, sizes.resuming_devices, count=sizes.resumed_connects,
                       concurrency=sizes.concurrency, timeout=CONNECT_SECONDS,
                       resume=True) as client:
            client.expect("ready", CONNECT_SECONDS)
            time.sleep(SETTLE_SECONDS)
            meter = Meter(environment)
            meter.begin()
            client.go()
            load = client.expect("done", CONNECT_SECONDS + 10)
            time.sleep(SETTLE_SECONDS)
            result = self.connect_result(OPENSSL, "resumed", tls, meter.end(load), load)
        if load["resumed"] < 0.99 * load["connected"]:
            # It would be a figure of something else.
            result["figures"] = {}
            result["error"] = f"only {load['resumed']} of {load['connected']} sessions were resumed"
        return [result]

    # --- memory ---

    def idle(self, environment, tls):
        sizes = self.sizes
        with self.load(environment.port, "connect", tls, 50, count=50, timeout=CONNECT_SECONDS) as client:
            # What a server sets up with its first devices is not the devices'.
            client.expect("ready", 60)
            client.go()
            client.expect("done", CONNECT_SECONDS + 10)
        time.sleep(SETTLE_SECONDS)
        with self.load(environment.port, "idle", tls, sizes.idle_devices, count=sizes.idle_devices,
                       concurrency=sizes.concurrency, timeout=CONNECT_SECONDS) as client:
            client.expect("ready", 60)
            before = procfs.resident(environment.server.pid)
            client.go()
            load = client.expect("done", CONNECT_SECONDS + 10)
            time.sleep(sizes.idle_settle_seconds)
            after = procfs.resident(environment.server.pid)
            environment.check_alive()
            client.go()
            ended = client.expect("ended", 30)
        live = load["connected"] - ended["lost"]
        notes = [] if live == sizes.idle_devices else [f"only {live} of {sizes.idle_devices} devices were connected"]
        if live <= 0:
            raise BenchError("no device was connected")
        return [{"generator": OPENSSL, "tls": tls, "notes": notes, "load": load, "residentBytes": [before, after],
                 "figures": {f"idle-{tls}": (after - before) / live / 1024}}]

    # --- messages ---

    def flood(self, environment, qos):
        sizes = self.sizes.qos1_messages if qos else self.sizes.qos0_messages
        return [self.flood_of(environment, qos, batch, each) for batch, each in sizes]

    def flood_of(self, environment, qos, batch, each):
        """Messages as fast as the server takes them, `batch` in one TLS record, `each` of every device."""
        devices = self.sizes.flood_devices
        # QoS 0 ends with one message at QoS 1 of each device: when that is acknowledged, the broker has read all.
        expected = devices * (each + (0 if qos else 1))
        counted = broker_count.messages_received(environment.count_socket)
        with self.load(environment.port, "flood", self.carry_tls, devices, messages=each, batch=batch,
                       window=max(self.sizes.window, batch), qos=qos, timeout=CONNECT_SECONDS) as client:
            client.expect("ready", 60)
            time.sleep(SETTLE_SECONDS)
            meter = Meter(environment)
            meter.begin()
            client.go()
            load = client.expect("done", CONNECT_SECONDS + 10)
            cost = meter.end(load)
        arrived = broker_count.wait_for(environment.count_socket, counted + expected, 4) - counted
        acknowledged = load["acknowledged"]
        if arrived < expected or acknowledged < (expected if qos else devices) or load["lost"]:
            raise BenchError(f"{arrived} of {expected} messages reached the broker, {acknowledged} were acknowledged, "
                             f"{load['lost']} devices were cut off. {load['complaints']}")
        both = cost["ownCPUSeconds"] + cost["brokerCPUSeconds"]
        return {"generator": OPENSSL, "tls": self.carry_tls, "notes": [], "load": load, "cost": cost,
                "arrived": arrived,
                "figures": {f"qos{qos}-{batch}-own": per_second(arrived, cost["ownCPUSeconds"], "messages"),
                            f"qos{qos}-{batch}-both": per_second(arrived, both, "messages")}}

    # --- latency ---

    def probe(self, port, tls):
        sizes = self.sizes
        with self.load(port, "latency", tls, sizes.probe_devices, realtime=True,
                       period_us=sizes.probe_period_us) as client:
            client.expect("ready", 60)
            client.go()
            time.sleep(0.5)     # the first ones warm caches and TCP's window
            client.go()
            client.expect("phase", 10)
            time.sleep(sizes.probe_seconds)
            client.go()
            answer = client.expect("phase", 10)
        if answer["samples"] == 0 or answer["lost"]:
            raise BenchError(f"{answer['samples']} round trips, {answer['lost']} devices were cut off. "
                             f"{answer['complaints']}")
        return answer

    def latency(self, environment):
        """Round trips over the peer, less those over the plain broker that were measured just before."""
        plain = self.probe(environment.plain_port, "none")
        through = self.probe(environment.port, self.carry_tls)
        return [{"generator": OPENSSL, "tls": self.carry_tls, "notes": [], "plain": plain, "through": through,
                 "figures": {"added-p50": through["p50Us"] - plain["p50Us"],
                             "added-p99": through["p99Us"] - plain["p99Us"],
                             "plain-p50": plain["p50Us"], "plain-p99": plain["p99Us"]}}]

    def storm(self, environment):
        sizes, tls = self.sizes, self.carry_tls
        with self.load(environment.port, "latency", tls, sizes.established_devices, realtime=True,
                       period_us=sizes.established_period_us) as prober, \
                self.load(environment.port, "idle", tls, sizes.storm_devices, count=sizes.storm_devices,
                          concurrency=sizes.storm_devices, timeout=60) as storm:
            prober.expect("ready", 60)
            storm.expect("ready", 60)
            prober.go()
            time.sleep(0.5)
            prober.go()
            prober.expect("phase", 10)
            time.sleep(sizes.quiet_seconds)
            prober.go()
            quiet = prober.expect("phase", 10)
            storm.go()
            load = storm.expect("done", 75)
            prober.go()
            stormy = prober.expect("phase", 10)
            environment.check_alive()
        notes = []
        if load["connected"] < load["attempted"]:
            away = load["attempted"] - load["connected"]
            notes.append(f"{away} of {load['attempted']} storming devices did not get in")
        lost = quiet["lost"] + stormy["lost"]
        if lost:
            notes.append(f"{lost} of {sizes.established_devices} established devices were cut off")
        if not quiet["samples"] or not stormy["samples"]:
            raise BenchError("no round trip of an established device came back")
        return [{"generator": OPENSSL, "tls": tls, "notes": notes, "load": load, "quiet": quiet, "storm": stormy,
                 "figures": {"quiet-p99": quiet["p99Us"], "storm-p99": stormy["p99Us"],
                             "storm-ratio": stormy["p99Us"] / quiet["p99Us"],
                             "storm-seconds": load["wallSeconds"]}}]
