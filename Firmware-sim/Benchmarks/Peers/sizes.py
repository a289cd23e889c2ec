"""How much of each work is done: enough for a steady figure, or, with --quick, enough to see that everything works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    connects: int = 3000            # full connects, each of a device that was never seen before
    concurrency: int = 24           # connects under way at once
    resumed_connects: int = 8000
    resuming_devices: int = 200     # that take turns
    idle_devices: int = 4000
    idle_settle_seconds: float = 2.0
    flood_devices: int = 32
    # Messages of one device, by how many there are in one TLS record (104 bytes each).
    qos0_messages: tuple = ((1, 5000), (4, 10000), (16, 20000))
    qos1_messages: tuple = ((4, 4000),)
    window: int = 16                # QoS 1 messages of one device under way: brokers permit 20
    probe_devices: int = 2
    probe_period_us: int = 2000     # between two messages of one device
    probe_seconds: float = 4.0
    established_devices: int = 20
    established_period_us: int = 20000
    quiet_seconds: float = 4.0
    storm_devices: int = 2000       # all begin at once


QUICK = Sizes(connects=200, resumed_connects=400, resuming_devices=50, idle_devices=300, idle_settle_seconds=0.5,
              flood_devices=8, qos0_messages=((1, 800), (4, 1600), (16, 3200)), qos1_messages=((4, 800),),
              probe_seconds=1.0, quiet_seconds=1.0, storm_devices=200)
