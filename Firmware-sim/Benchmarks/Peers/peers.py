"""The servers that are compared: how each is configured and started. All have the same certificates and the same core,
and those that are no brokers have the same plain mosquitto behind them."""

import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request

from processes import BenchError, Server, accepts, find_program, unused_port

SERVER_CORE = 0
NAMES = ("fleetgate", "mosquitto", "haproxy", "nginx")
TITLES = {"fleetgate": "FleetGate", "mosquitto": "mosquitto", "haproxy": "HAProxy", "nginx": "nginx"}

# The shipped profile of electricity meters, for the devices of the benchmark, with limits that they do not reach.
PROFILE = """\
profile: bench-meter
extends: smart-meter
match:
  subject:
    O: "FleetGate Bench"
    OU: "{site:slug}"
    CN: "meter-{serial:digits}"
device: "meter-{serial}"
limits:
  packet-bytes: 16KiB
  keep-alive: { min: 5s, max: 1h, required: false }
  messages: { per-second: 100000, burst: 1000000, on-exceeded: throttle }
  bytes: { per-second: 1GiB, burst: 1GiB, on-exceeded: throttle }
"""


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise BenchError(f"`{' '.join(command)}` failed:\n{(done.stdout + done.stderr).strip()}")
    return done.stdout


def replace(text, pattern, value):
    """Changes one line of the configuration that `fleetgate init` wrote, and must find it."""
    changed, count = re.subn(pattern, lambda _: value, text, flags=re.MULTILINE)
    if count != 1:
        raise BenchError(f"fleetgate.yaml has {count} lines like `{pattern}`; the benchmark has to be fitted to it")
    return changed


class Environment:
    """One peer that runs, with the plain broker beside or behind it. To be used with `with`."""

    def __init__(self, peer, site):
        self.peer, self.site = peer, site
        self.port = unused_port()
        self.servers = []
        self.folder = None

    def __enter__(self):
        try:
            site = self.site
            self.folder = site.new_folder()
            self.broker_socket = os.path.join(self.folder, "broker.sock")
            self.plain_port = unused_port()
            self.count_socket = self.broker_socket
            self.broker = self.start_broker()
            self.server = getattr(self, f"start_{self.peer}")()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in reversed(self.servers):
            server.stop()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def behind(self):
        """The broker, when messages go through it and not through the peer alone."""
        return None if self.peer == "mosquitto" else self.broker

    def check_alive(self):
        for server in self.servers:
            server.check_alive()

    def upstream(self, peer):
        """The broker behind, as the peer's configuration names it."""
        if self.site.unix_upstream:
            return {"fleetgate": "unix:", "haproxy": "unix@", "nginx": "unix:"}[peer] + self.broker_socket
        return ("tcp://" if peer == "fleetgate" else "") + f"127.0.0.1:{self.plain_port}"

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def start(self, name, command, ready):
        server = Server(name, command, os.path.join(self.folder, f"{name}.log"), SERVER_CORE)
        self.servers.append(server)
        server.wait_until(ready)
        return server

    def start_broker(self):
        """The plain broker behind the front ends."""
        return self.start_a_mosquitto("broker", self.plain_port, ["allow_anonymous true"], self.broker_socket)

    def start_mosquitto(self):
        """mosquitto's own TLS listener. The unix socket beside it is for nothing but the count of messages."""
        self.count_socket = os.path.join(self.folder, "mosquitto.sock")
        return self.start_a_mosquitto("mosquitto", self.port, [
            f"cafile {self.site.ca}", f"certfile {self.site.certificate}", f"keyfile {self.site.key}",
            "require_certificate true", "use_identity_as_username true"], self.count_socket)

    def start_a_mosquitto(self, name, port, of_listener, unix_socket):
        lines = ["per_listener_settings true", "persistence false", "log_type error", "log_dest stderr",
                 "sys_interval 1", "set_tcp_nodelay true", *(["user root"] if os.geteuid() == 0 else []),
                 f"listener {port} 127.0.0.1", *of_listener, f"listener 0 {unix_socket}", "allow_anonymous true"]
        conf = self.write(f"{name}.conf", "\n".join(lines) + "\n")
        return self.start(name, [find_program("mosquitto"), "-c", conf],
                          lambda: accepts(port) and os.path.exists(unix_socket))

    def start_haproxy(self):
        bundle = self.write("server-and-key.pem", self.site.text(self.site.certificate) + self.site.text(self.site.key))
        os.chmod(bundle, 0o600)
        conf = self.write("haproxy.cfg", f"""\
global
    nbthread 1
    maxconn {self.site.connections_max}
    ssl-default-bind-options ssl-min-ver TLSv1.2
    tune.ssl.default-dh-param 2048
defaults
    mode tcp
    timeout connect 30s
    timeout client 1h
    timeout server 1h
listen mqtts
    bind 127.0.0.1:{self.port} ssl crt {bundle} ca-file {self.site.ca} verify required backlog 4096
    server broker {self.upstream('haproxy')}
""")
        return self.start("haproxy", [find_program("haproxy"), "-db", "-f", conf], lambda: accepts(self.port))

    def start_nginx(self):
        module = stream_module()
        conf = self.write("nginx.conf", f"""\
{f"load_module {module};" if module else ""}
{"user root;" if os.geteuid() == 0 else ""}
daemon off;
worker_processes 1;
worker_rlimit_nofile {self.site.open_files};
pid {self.folder}/nginx.pid;
error_log {self.folder}/nginx.log error;
events {{ worker_connections {self.site.open_files - 100}; }}
stream {{
    access_log off;
    server {{
        listen 127.0.0.1:{self.port} ssl backlog=4096;
        ssl_certificate {self.site.certificate};
        ssl_certificate_key {self.site.key};
        ssl_client_certificate {self.site.ca};
        ssl_verify_client on;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_tickets on;
        proxy_timeout 1h;
        proxy_pass {self.upstream('nginx')};
    }}
}}
""")
        return self.start("nginx", [find_program("nginx"), "-p", self.folder, "-e", f"{self.folder}/nginx.log",
                                    "-c", conf], lambda: accepts(self.port))

    def start_fleetgate(self):
        gate = os.path.join(self.folder, "gate")
        shutil.copytree(self.site.gate, gate)
        admin = unused_port()
        path = os.path.join(gate, "fleetgate.yaml")
        text = self.site.text(path)
        for pattern, value in (
                (r"^  port: \d+$", f"  port: {self.port}"),
                (r'^  listen: ".*"$', f'  listen: "127.0.0.1:{admin}"'),
                (r"^# event-loops: .*$", "event-loops: 1"),
                (r"^  url: embedded\n  embedded:\n(?:    .*\n)+", f'  url: "{self.upstream("fleetgate")}"\n'),
                # All devices come from few addresses here; the limit on that is not what is measured.
                (r"^  connections-per-address-per-second: .*$", "  connections-per-address-per-second: 100000"),
                (r"^  connections-per-address-burst: .*$", "  connections-per-address-burst: 100000")):
            text = replace(text, pattern, value)
        with open(path, "w") as file:
            file.write(text)

        def ready():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=2):
                    return True
            except (urllib.error.URLError, OSError):
                return False

        return self.start("fleetgate", [self.site.fleetgate, "serve", "--config", path], ready)


class Site:
    """What all peers share: the scratch folder, the CA, the server's certificate and key, the limit of open files."""

    def __init__(self, bin_folder, scratch, open_files, unix_upstream=False):
        self.scratch, self.open_files, self.unix_upstream = scratch, open_files, unix_upstream
        # A front end has two sockets for each device.
        self.connections_max = (open_files - 200) // 2
        self.fleetgate = os.path.join(bin_folder, "fleetgate")
        self.gate = os.path.join(scratch, "gate")
        self.ca = os.path.join(self.gate, "ca", "ca.pem")
        self.ca_key = os.path.join(self.gate, "ca", "ca.key")
        self.certificate = os.path.join(self.gate, "server.pem")
        self.key = os.path.join(self.gate, "server.key")
        self.folders = 0
        run([self.fleetgate, "init", self.gate, "--listen", "127.0.0.1:8883", "--admin", "127.0.0.1:9464"])
        with open(os.path.join(self.gate, "profiles", "bench-meter.yaml"), "w") as file:
            file.write(PROFILE)
        run([self.fleetgate, "check", "--config", os.path.join(self.gate, "fleetgate.yaml")])

    def new_folder(self):
        self.folders += 1
        folder = os.path.join(self.scratch, f"run-{self.folders}")
        os.mkdir(folder)
        return folder

    @staticmethod
    def text(path):
        with open(path) as file:
            return file.read()


def stream_module():
    """nginx's stream module where it is a file of its own, or None."""
    paths = (f"/usr/{folder}/nginx/modules/ngx_stream_module.so" for folder in ("lib", "lib64"))
    return next((path for path in paths if os.path.exists(path)), None)


def missing(peer):
    """Why a peer cannot take part, or None."""
    if peer == "fleetgate":
        return None
    program = find_program(peer)
    if program is None:
        return f"{peer} is not installed"
    if peer == "nginx" and stream_module() is None:
        built = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=20).stderr
        if "--with-stream " not in built:
            return "nginx has no stream module (Debian: apt install libnginx-mod-stream)"
    return None
