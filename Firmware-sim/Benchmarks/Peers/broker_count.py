"""Asks a mosquitto how many PUBLISH packets it has received, by its $SYS topics, over its unix socket."""

import socket
import time

TOPIC = b"$SYS/broker/publish/messages/received"


def packet(kind, body):
    return bytes([kind, len(body)]) + body


def read_packet(connection):
    """One MQTT packet: its first byte and its body. Lengths of more than 127 bytes do not come here."""
    head = connection.recv(2, socket.MSG_WAITALL)
    if len(head) < 2:
        raise OSError("the broker closed")
    return head[0], connection.recv(head[1], socket.MSG_WAITALL) if head[1] else b""


def messages_received(path):
    """The count, as of the broker's last update (once a second)."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect(path)
        connection.sendall(packet(0x10, b"\0\x04MQTT\x04\x02\0\x3c\0\x05count"))
        if read_packet(connection)[1][1:] != b"\0":
            raise OSError("the broker refuses the count's connection")
        connection.sendall(packet(0x82, b"\0\x01" + len(TOPIC).to_bytes(2, "big") + TOPIC + b"\0"))
        while True:
            try:
                kind, body = read_packet(connection)
            except TimeoutError:
                return 0  # a broker that has seen no message publishes no count
            if kind >> 4 == 3:
                return int(body[2 + int.from_bytes(body[:2], "big"):])


def wait_for(path, expected, seconds):
    """The count once it has reached `expected`, or what it is after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        count = messages_received(path)
        if count >= expected or time.monotonic() > deadline:
            return count
        time.sleep(0.25)
