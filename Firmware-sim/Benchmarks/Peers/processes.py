"""Starting servers on their core, waiting until they serve, and stopping them, by process id."""

import os
import shutil
import signal
import socket
import subprocess
import time


class BenchError(Exception):
    """Something that ends a measurement, told to the user as it is."""


def find_program(name):
    """The path of a program. Servers are often in folders that are not in a user's PATH."""
    places = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    return shutil.which(name, path=places)


def unused_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def tail(path, lines=15):
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-lines:]).rstrip()
    except OSError:
        return ""


class Server:
    """A server process, pinned to one core."""

    def __init__(self, name, command, log, core):
        self.name, self.log = name, log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.pid = self.process.pid

    def wait_until(self, ready, seconds=30):
        """Waits until `ready()` is true; says what the log says when that does not come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} ended with status {self.process.returncode}. Its log:\n{tail(self.log)}")
            if ready():
                return
            time.sleep(0.05)
        raise BenchError(f"{self.name} does not serve after {seconds} s. Its log:\n{tail(self.log)}")

    def check_alive(self):
        if self.process.poll() is not None:
            raise BenchError(f"{self.name} ended with status {self.process.returncode}. Its log:\n{tail(self.log)}")

    def stop(self):
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            # The session is the server's own, so its workers go with it.
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait(5)


def accepts(port):
    """Whether somebody listens on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False
