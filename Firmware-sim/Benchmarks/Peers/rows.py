"""The rows of the table: what each figure is called, its unit, and the goal that FleetGate has to meet with it."""

from dataclasses import dataclass
from typing import Optional

OWN_GOAL, BOTH_GOAL = 2.0, 1.5
ADDED_MICROSECONDS = 150
STORM_RATIO = 5.0
AGREEMENT = 0.15            # how far the two generators' figures of one peer may be apart


@dataclass(frozen=True)
class Goal:
    """`FleetGate's value <at least|at most> factor x reference + plus`."""

    at_least: bool
    reference: Optional[str]    # a peer, "best" for the best of the others, or None for a fixed value
    factor: float = 1.0
    plus: float = 0.0
    row: Optional[str] = None   # the row of the reference's value, when it is another one

    def text(self):
        sign = ">=" if self.at_least else "<="
        if self.reference is None:
            return f"{sign} {self.plus:g}"
        name = {"best": "best peer"}.get(self.reference, self.reference)
        factor = f"{self.factor:g} x " if self.factor != 1 else ""
        plus = f" + {self.plus:g}" if self.plus else ""
        return f"{sign} {factor}{name}{plus}"

    def limit(self, reference):
        return self.factor * reference + self.plus if reference is not None else self.plus


@dataclass(frozen=True)
class Row:
    id: str
    work: str
    title: str
    unit: str
    higher_is_better: bool = True
    goal: Optional[Goal] = None
    decimals: int = 0
    generator: str = "openssl_load"


def all_rows():
    rows = []
    for tls in ("1.2", "1.3"):
        rows += [
            Row(f"full-{tls}-own", "connect", f"full connects, TLS {tls}, own process", "connects/CPU-s",
                goal=Goal(True, "best", OWN_GOAL), generator="firmware-sim"),
            Row(f"full-{tls}-own-openssl", "connect", "  the same by the second generator", "connects/CPU-s"),
            # A front end's work and its broker's, against the one process that is both.
            Row(f"full-{tls}-both", "connect", "  with the broker behind it", "connects/CPU-s",
                goal=Goal(True, "mosquitto", BOTH_GOAL), generator="firmware-sim"),
        ]
    for tls in ("1.2", "1.3"):
        rows += [
            Row(f"resumed-{tls}-own", "resume", f"resumed connects, TLS {tls}, own process", "connects/CPU-s",
                goal=Goal(True, "best", OWN_GOAL)),
            Row(f"resumed-{tls}-both", "resume", "  with the broker behind it", "connects/CPU-s"),
        ]
    for tls in ("1.2", "1.3"):
        rows.append(Row(f"idle-{tls}", "idle", f"memory of an idle device, TLS {tls}", "KiB", False,
                        Goal(False, "mosquitto"), 1))
    for batch in (4, 1, 16):
        rows += [
            Row(f"qos0-{batch}-own", "qos0", f"QoS 0 messages, {batch} in a record, own process", "messages/CPU-s",
                goal=Goal(True, "haproxy") if batch == 4 else None),
            Row(f"qos0-{batch}-both", "qos0", "  with the broker behind it", "messages/CPU-s"),
        ]
    rows += [
        Row("qos1-4-own", "qos1", "QoS 1 messages, 4 in a record, own process", "messages/CPU-s"),
        Row("qos1-4-both", "qos1", "  with the broker behind it", "messages/CPU-s"),
        Row("added-p50", "latency", "added to a QoS 1 round trip, p50", "us", False),
        Row("added-p99", "latency", "added to a QoS 1 round trip, p99", "us", False,
            Goal(False, "mosquitto", 1.0, ADDED_MICROSECONDS)),
        Row("plain-p99", "latency", "  the plain broker's p99 just before", "us", False),
        Row("quiet-p99", "storm", "established devices, p99, quiet", "us", False),
        Row("storm-p99", "storm", "established devices, p99, in a storm", "us", False),
        Row("storm-ratio", "storm", "  storm over quiet", "x", False, Goal(False, None, plus=STORM_RATIO), 1),
        Row("storm-seconds", "storm", "  until all of the storm were in", "s", False, decimals=2),
    ]
    return rows
